//! The section `rate_limiting`: how often something may be done, by one address, on one account, in one browser.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{
    Problems,
    order::{ORDER, as_declared},
};

/// How often something may be done.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<RateLimiting>)]
pub struct RateLimiting {
    /// Signing in.
    pub login: LoginLimits,

    /// Wrong codes of a second factor on one account, over all its logins. As with passwords, a browser that signed in to the
    /// account before has a count of its own.
    pub second_factor: RateLimit,

    /// Sign-ups from one address: it counts who chose a name and a password, whether or not they finish.
    pub registration: RateLimit,

    /// Questions from one address whether a name is free, as the form for sign-up asks them of the homeserver.
    pub availability: RateLimit,

    /// Getting back in by mail after a forgotten password.
    pub account_recovery: RecoveryLimits,

    /// Codes that confirm an e-mail address.
    pub email_authentication: EmailLimits,

    /// Clients that register themselves, from one address. Most register with what is known already: that counts for a tenth.
    pub client_registration: RateLimit,

    /// Wrong secrets of one client from one address.
    pub client_authentication: RateLimit,

    /// Devices that ask for a code from one address.
    pub device_authorization: RateLimit,

    /// Authorization requests that clients send ahead from one address.
    pub pushed_authorization_request: RateLimit,

    /// Wrong codes that somebody types to sign in another device. Whatever is set here, all wrong codes together are limited so
    /// that none can be guessed; docs/devices.md says how.
    pub user_code: UserCodeLimits,

    /// Logins at other providers that are begun from one address.
    pub upstream_callback: RateLimit,

    /// Places that two devices meet at to sign in by a QR code, from one address.
    pub rendezvous: RateLimit,

    /// How many addresses, accounts or browsers each limit remembers at most. Of more, those are forgotten first that are nearest
    /// to being allowed everything again. A thousand take 100 to 300 kB in the database, and nothing in memory.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub most_keys: u32,
}

/// Signing in.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<LoginLimits>)]
pub struct LoginLimits {
    /// Wrong passwords from one address.
    pub per_ip: RateLimit,

    /// Wrong passwords on one account, whoever tries. It has to be high: who knows a name must not be able to keep its owner
    /// out. A browser that signed in to the account before has a count of its own.
    pub per_account: RateLimit,

    /// Right passwords and passkeys on one account.
    pub successes_per_account: RateLimit,
}

/// Getting back in by mail.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<RecoveryLimits>)]
pub struct RecoveryLimits {
    /// Requests from one address.
    pub per_ip: RateLimit,

    /// Requests for one e-mail address, whether or not somebody has it.
    pub per_address: RateLimit,
}

/// Codes that confirm an e-mail address.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<EmailLimits>)]
pub struct EmailLimits {
    /// Codes that are asked for from one address.
    pub per_ip: RateLimit,

    /// Codes to one e-mail address, whoever asks. More than three an hour never go there.
    pub per_address: RateLimit,

    /// Codes for one sign-up, or one account. More than five an hour there never are.
    pub emails_per_session: RateLimit,

    /// Codes that are typed in one sign-up, or for one account. Each can be typed wrong five times at most.
    pub attempt_per_session: RateLimit,
}

/// Codes that sign in another device.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<UserCodeLimits>)]
pub struct UserCodeLimits {
    /// Codes from one address.
    pub per_ip: RateLimit,

    /// Codes in one browser.
    pub per_session: RateLimit,
}

impl RateLimiting {
    /// RTL-04: a limit on one account is no lock.
    pub(super) fn check(&self, problems: &mut Problems) {
        let on_accounts = [
            ("login.per_account", self.login.per_account),
            ("login.successes_per_account", self.login.successes_per_account),
            ("second_factor", self.second_factor),
        ];
        for (path, limit) in on_accounts {
            if limit.rate().is_some_and(|rate| rate.interval() > LONGEST_WAIT) {
                let message = "nobody may be kept out of their account for longer than 15 minutes: `per_second` must be at \
                               least 0.00112";
                problems.add(format!("rate_limiting.{path}"), message);
            }
        }
    }
}

/// In microseconds.
const LONGEST_WAIT: i64 = 900_000_000;

impl Default for RateLimiting {
    fn default() -> Self {
        Self {
            login: LoginLimits::default(),
            second_factor: RateLimit::of(20, 0.0056),
            registration: RateLimit::of(3, 0.0008),
            availability: RateLimit::of(5, 0.1),
            account_recovery: RecoveryLimits::default(),
            email_authentication: EmailLimits::default(),
            client_registration: RateLimit::of(10, 0.1),
            client_authentication: RateLimit::of(10, 0.1),
            device_authorization: RateLimit::of(10, 0.1),
            pushed_authorization_request: RateLimit::of(120, 1.0),
            user_code: UserCodeLimits::default(),
            upstream_callback: RateLimit::of(60, 1.0),
            rendezvous: RateLimit::of(10, 0.1),
            most_keys: 100_000,
        }
    }
}

impl Default for LoginLimits {
    fn default() -> Self {
        Self {
            per_ip: RateLimit::of(3, 0.05),
            per_account: RateLimit::of(1800, 0.5),
            successes_per_account: RateLimit::of(5, 0.003),
        }
    }
}

impl Default for RecoveryLimits {
    fn default() -> Self {
        Self { per_ip: RateLimit::of(3, 0.0008), per_address: RateLimit::of(3, 0.0002) }
    }
}

impl Default for EmailLimits {
    fn default() -> Self {
        Self {
            per_ip: RateLimit::of(5, 0.0167),
            per_address: RateLimit::of(3, 0.000277),
            emails_per_session: RateLimit::of(2, 0.0033),
            attempt_per_session: RateLimit::of(10, 0.0167),
        }
    }
}

impl Default for UserCodeLimits {
    fn default() -> Self {
        Self { per_ip: RateLimit::of(20, 0.0333), per_session: RateLimit::of(5, 0.0083) }
    }
}

/// One limit, unless it is off.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub enum RateLimit {
    On(Rate),
    Off(Off),
}

/// So many at once, and so many per second after that.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Rate {
    burst: u32,
    per_second: f64,
}

/// The word that switches a limit off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Off {
    Off,
}

impl RateLimit {
    /// The name of this form of value in the schema.
    pub const FORMAT: &str = "rate-limit";
    /// The pattern of the other form.
    pub const OFF: &str = "^off$";
    /// The most that may be done at once, and the slowest and the fastest rate: times in microseconds stay far from the end of
    /// their type.
    const MOST_BURST: u32 = 1_000_000;
    const LEAST_PER_SECOND: f64 = 0.00001;
    const MOST_PER_SECOND: f64 = 10_000.0;

    const fn of(burst: u32, per_second: f64) -> Self {
        Self::On(Rate { burst, per_second })
    }

    /// Allows so many in an hour, at once or one after the other.
    pub(super) fn per_hour(count: u32) -> Self {
        Self::of(count, f64::from(count) / 3600.0)
    }

    /// Returns the rate, unless the limit is off.
    pub fn rate(self) -> Option<Rate> {
        match self {
            Self::On(rate) => Some(rate),
            Self::Off(_) => None,
        }
    }
}

impl Rate {
    /// Returns how many microseconds it takes until one more is allowed.
    pub fn interval(self) -> i64 {
        (1_000_000.0 / self.per_second).round() as i64
    }

    /// Returns how many microseconds it takes until everything is allowed that ever is at once.
    pub fn capacity(self) -> i64 {
        self.interval() * i64::from(self.burst)
    }
}

impl JsonSchema for RateLimit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RateLimit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["object", "string"],
            "format": Self::FORMAT,
            "pattern": Self::OFF,
            "required": ["burst", "per_second"],
            "additionalProperties": false,
            (ORDER): ["burst", "per_second"],
            "properties": {
                "burst": {
                    "description": "How often at once.",
                    "type": "integer",
                    "minimum": 1,
                    "maximum": Self::MOST_BURST,
                },
                "per_second": {
                    "description": "How often per second after that.",
                    "type": "number",
                    "minimum": Self::LEAST_PER_SECOND,
                    "maximum": Self::MOST_PER_SECOND,
                },
            },
        })
    }
}
