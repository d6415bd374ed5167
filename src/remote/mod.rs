//! The only outgoing network.

pub mod homeserver;
pub mod mail;
pub mod synapse;
