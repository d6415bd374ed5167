//! What can go wrong: somebody is refused, or we are in trouble ourselves.

use thiserror::Error;

use crate::domain::refusal::Refusal;

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

impl Error {
    /// Gives the refusal, if this is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Refusal(refusal) => Some(refusal),
            _ => None,
        }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
