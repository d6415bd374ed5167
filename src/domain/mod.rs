//! Nouns and their rules. No input or output, nothing asynchronous, no clock: whoever needs the time passes it in.

pub mod account_action;
pub mod act;
pub mod amr;
pub mod assurance;
pub mod client;
pub mod device;
pub mod device_grant;
pub mod email;
pub mod event;
pub mod factor;
pub mod grant;
pub mod id;
pub mod logout_token;
pub mod params;
pub mod policy;
pub mod redirect_uri;
pub mod refusal;
pub mod registration_token;
pub mod scope;
pub mod session;
pub mod signing_alg;
pub mod sso_login;
pub mod time;
pub mod upstream;
pub mod user;
pub mod user_agent;
