//! Stories about the running service, one folder a capability. Each boots the real router on a free port with a
//! database of its own: SQLite, or PostgreSQL where `KEYMAKER_TEST_DATABASE_URI` names a server.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a story that cannot go on has failed")]

mod account;
mod authorize;
mod browser;
mod captcha;
mod client_auth;
mod compat;
mod conformance;
mod device_grant;
mod discovery;
mod emails;
mod factors;
mod homeserver;
mod import;
mod introspect;
mod keys;
mod kinds;
mod limits;
mod logout;
mod mail;
mod pages;
mod parties;
mod password;
mod policy;
mod proxy;
mod recover;
mod refresh;
mod registration;
mod rendezvous;
mod revoke;
mod signup;
mod start;
mod store;
mod support;
mod synapse;
mod token;
mod upstream;
mod userinfo;
