//! The only SQL. One file a noun; `db.rs` alone knows that there are two engines.

pub mod approval;
pub mod bulk;
pub mod captcha;
pub mod client;
pub mod db;
pub mod device_grant;
pub mod email;
pub mod event;
pub mod factor;
pub mod grant;
pub mod import;
pub mod job;
pub mod known_browser;
pub mod limit;
pub mod mail;
pub mod proof;
pub mod recovery;
pub mod registration;
pub mod registration_token;
pub mod scratch;
pub mod session;
pub mod sso_login;
pub mod token;
pub mod upstream;
pub mod upstream_logout;
pub mod user;
