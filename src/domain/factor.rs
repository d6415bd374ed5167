//! What somebody can prove with, what that is enough for, and what can be wrong with it.

use thiserror::Error;

use crate::domain::amr::Acr;

/// How many there are of each factor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Factors {
    pub passwords: i64,
    pub passkeys: i64,
    /// Authenticator apps that gave their first code.
    pub totps: i64,
    /// Those that were not used yet.
    pub recovery_codes: i64,
}

impl Factors {
    /// Tells whether there is something to show beside the password.
    pub fn has_second(&self) -> bool {
        self.passkeys > 0 || self.totps > 0
    }

    /// Gives the strongest class of login that somebody can reach.
    pub fn reaches(&self) -> Option<Acr> {
        match (self.passkeys > 0, self.passwords > 0, self.totps > 0) {
            (true, ..) => Some(Acr::PhishingResistant),
            (false, true, true) => Some(Acr::Mfa),
            (false, true, false) => Some(Acr::Password),
            (false, false, _) => None,
        }
    }

    /// Tells whether somebody could still sign in.
    pub fn opens(&self, are_passwords_enabled: bool) -> bool {
        (self.passwords > 0 && are_passwords_enabled) || self.passkeys > 0
    }
}

/// Why a factor, or a proof by it, is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FactorProblem {
    #[error("passkeys need a host name, and this service has none")]
    PasskeysUnavailable,
    #[error("this took too long, or was done already; try again")]
    ChallengeOver,
    #[error("this passkey was not accepted")]
    PasskeyRefused,
    #[error("this passkey is registered already")]
    PasskeyKnown,
    #[error("this passkey may have been copied; it was not accepted")]
    PasskeyCopied,
    #[error("there are too many passkeys; remove one first")]
    TooManyPasskeys,
    #[error("an authenticator app is set up already")]
    TotpKnown,
    #[error("the code is wrong, or was used already")]
    WrongCode,
    #[error("there were too many wrong codes; wait for a quarter of an hour")]
    TooManyWrongCodes,
    #[error("this is the last way to sign in to the account")]
    LastWayIn,
    #[error("there is no second factor")]
    NoSecondFactor,
    #[error("confirm first that it is you")]
    ProofNeeded,
}
