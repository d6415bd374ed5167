//! The only outgoing network.

pub mod captcha;
pub mod client_keys;
pub mod guarded;
pub mod homeserver;
pub mod http;
pub mod mail;
pub mod synapse;
pub mod upstream;
