//! Verbs: what Keymaker does, one file each. The transaction boundary is here, and nowhere above.

pub mod account;
pub mod activity;
pub mod approval;
pub mod assurance;
pub mod authorize;
pub mod backchannel_logout;
pub mod browser;
pub mod captcha;
pub mod clean_up;
pub mod client_auth;
pub mod client_configuration;
pub mod client_registration;
pub mod client_secret;
pub mod compat;
pub mod consent;
pub mod derived_keys;
pub mod device_grant;
pub mod email;
pub mod event;
pub mod factor;
pub mod homeserver;
pub mod id_token;
pub mod import;
pub mod introspect;
pub mod keys;
pub mod limit;
pub mod login;
pub mod logout;
pub mod logout_notice;
pub mod mail;
pub mod manage;
pub mod open;
pub mod passkey;
pub mod password;
pub mod permit;
pub mod personal;
pub mod prove;
pub mod provider_logout;
pub mod pushed_request;
pub mod recover;
pub mod refresh;
pub mod register;
pub mod registration_token;
pub mod rendezvous;
pub mod reseal;
pub mod revoke;
pub mod session;
pub mod sso;
pub mod stand_in;
pub mod token;
pub mod upstream;
pub mod userinfo;

use crate::language::Language;

/// Who makes a request, as far as it is written down. The default is an administrator at the command line.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    /// In which mails are written that the request causes.
    pub language: Language,
}
