//! The only outgoing network.

pub mod homeserver;
pub mod synapse;
