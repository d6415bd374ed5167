//! What can go wrong: somebody is refused, or we are in trouble ourselves.

use thiserror::Error;

use crate::domain::{email::EmailProblem, factor::FactorProblem, refusal::Refusal, upstream::UpstreamProblem};

/// The one error type of flows and handlers. What it says about trouble of our own is for the log, never for a client.
#[derive(Debug, Error)]
pub enum Error {
    #[error("{0}")]
    Refusal(#[from] Refusal),
    #[error("the store failed: {0}")]
    Storage(#[from] sqlx::Error),
    #[error("{0}")]
    Internal(&'static str),
}

impl From<FactorProblem> for Error {
    fn from(problem: FactorProblem) -> Self {
        Refusal::from(problem).into()
    }
}

impl From<EmailProblem> for Error {
    fn from(problem: EmailProblem) -> Self {
        Refusal::from(problem).into()
    }
}

impl From<UpstreamProblem> for Error {
    fn from(problem: UpstreamProblem) -> Self {
        Refusal::from(problem).into()
    }
}

impl Error {
    /// Says where a 429 would be misunderstood that we are too busy.
    pub fn or_busy(self) -> Self {
        match self {
            Error::Refusal(Refusal::TooManyRequests { seconds }) => Refusal::BusyFor { seconds }.into(),
            error => error,
        }
    }

    /// Gives the refusal, if this is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refusal(refusal) => Some(refusal),
            _ => None,
        }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
