//! The section `rendezvous`: where two devices meet while one of them is being signed in by a QR code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::as_declared;
use crate::clock::SECOND;

/// The meeting place of two devices (MSC4108, MSC4388).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Rendezvous>)]
pub struct Rendezvous {
    /// Whether Keymaker offers it, for a homeserver that does not. Synapse does. A reverse proxy sends the paths here, and
    /// clients look for it in the homeserver's `/versions`; docs/reverse-proxy shows both.
    pub enabled: bool,

    /// Whether only somebody who is signed in may open a meeting place of MSC4388. With MSC4108 a device that is not signed in
    /// yet may open one, and always can.
    pub create_requires_login: bool,

    /// For how many seconds a meeting place exists.
    #[schemars(range(min = 60, max = 300))]
    expires_in: i64,

    /// How many there may be at once, of up to 4 KiB each. When they are all taken, no new one is opened until one is over:
    /// nobody is put out who has begun.
    #[schemars(range(min = 1, max = 1000000))]
    pub most_sessions: i64,
}

impl Default for Rendezvous {
    fn default() -> Self {
        Self { enabled: false, create_requires_login: true, expires_in: 120, most_sessions: 10_000 }
    }
}

impl Rendezvous {
    /// Gives how long a meeting place exists, in milliseconds.
    pub fn life(&self) -> i64 {
        self.expires_in * SECOND
    }
}
