//! Verbs: what Keymaker does, one file each. The transaction boundary is here, and nowhere above.

pub mod activity;
pub mod authorize;
pub mod browser;
pub mod clean_up;
pub mod client_auth;
pub mod client_registration;
pub mod compat;
pub mod homeserver;
pub mod import;
pub mod introspect;
pub mod login;
pub mod manage;
pub mod open;
pub mod refresh;
pub mod register;
pub mod revoke;
pub mod session;
pub mod sso;
pub mod stand_in;
pub mod token;
pub mod userinfo;

/// Who makes a request, as far as it is written down.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}
