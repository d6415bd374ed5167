//! Identifiers, one type for each noun, so that two of them cannot be swapped.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps a value that came out of the store or out of a request.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// Gives the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

ids! {
    /// Names a user; also the OIDC `sub`, which is never reassigned.
    UserId,
    /// Names a client: an opaque string, a ULID for clients that registered themselves.
    ClientId,
    /// Names an authorization in progress.
    GrantId,
    /// Names a sign-up in progress.
    RegistrationId,
    /// Names a session of any kind.
    SessionId,
    /// Names one row of the token table; it is not a secret.
    TokenId,
    /// Names a job of the durable queue.
    JobId,
}
