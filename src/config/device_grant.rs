//! The section `device_grant`: how devices without a browser of their own are signed in from another one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::as_declared;
use crate::clock::SECOND;

/// Sign-in of another device by a code or a link (RFC 8628).
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<DeviceGrant>)]
pub struct DeviceGrant {
    /// Whether it is offered. Where it is not, clients do not see it in the metadata, and it is left out of what they register.
    pub enabled: bool,

    /// For how many seconds a device waits for its person.
    #[schemars(range(min = 300, max = 1800))]
    expires_in: i64,

    /// How many seconds a device waits between two questions. One that asks more often is told to wait five seconds longer
    /// each time.
    #[schemars(range(min = 1, max = 60))]
    interval: i64,

    /// Whether devices also get a link that has the code in it, for their QR picture. The page behind it still asks whether the
    /// person has the device in hand.
    pub prefilled_link: bool,

    /// For how many seconds after signing in somebody may let another device in. Whoever signed in longer ago is asked to do
    /// so again.
    #[schemars(range(min = 60, max = 86400))]
    login_max_age: i64,

    /// Whether letting another device in takes two factors or a passkey. Who has none is told to add one first.
    pub require_second_factor: bool,
}

impl Default for DeviceGrant {
    fn default() -> Self {
        Self {
            enabled: true,
            expires_in: 1200,
            interval: 5,
            prefilled_link: true,
            login_max_age: 900,
            require_second_factor: false,
        }
    }
}

impl DeviceGrant {
    /// Gives how long a device grant lives, in milliseconds.
    pub fn life(&self) -> i64 {
        self.expires_in * SECOND
    }

    /// Gives how long a device waits between two questions, in milliseconds.
    pub fn interval(&self) -> i64 {
        self.interval * SECOND
    }

    /// Gives how old the login of whoever allows may be, in milliseconds.
    pub fn login_max_age(&self) -> i64 {
        self.login_max_age * SECOND
    }
}
