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
            /// Wraps a value that we made ourselves, or that was checked before.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// Reads an id out of a request; nothing when no id can look like it.
            ///
            /// PostgreSQL refuses a text with a NUL character, and a refusal of the store is trouble of our own.
            pub fn read(text: &str) -> Option<Self> {
                let is_possible = text.len() <= 255 && text.bytes().all(|b| matches!(b, b' '..=b'~'));
                is_possible.then(|| Self(text.to_owned()))
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
    /// Names a login of an older client through the browser.
    SsoLoginId,
    /// Names a passkey here; what the authenticator calls it is something else.
    PasskeyId,
    /// Names a proof of who somebody is, in progress or done.
    ProofId,
    /// Names a sign-up in progress.
    RegistrationId,
    /// Names what lets somebody sign up; it is not the token that is presented.
    RegistrationTokenId,
    /// Names what a relying party has to hear of a logout.
    LogoutNoticeId,
    /// Names a session of any kind.
    SessionId,
    /// Names one row of the token table; it is not a secret.
    TokenId,
    /// Names a job of the durable queue.
    JobId,
    /// Names a mail on its way.
    MailId,
    /// Names something that happened on an account.
    EventId,
    /// Names an e-mail address of an account.
    UserEmailId,
    /// Names an address that waits for its code.
    EmailVerificationId,
    /// Names a device that waits for a person.
    DeviceGrantId,
    /// Names a link out of a mail; it is not the secret in it.
    RecoveryId,
    /// Names a trip of a browser to an identity provider; it is not the secret that comes back.
    UpstreamTripId,
}
