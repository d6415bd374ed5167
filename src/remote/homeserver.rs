//! What a homeserver does for us (spec area 21). Synapse is the one that is spoken to; tests inject faults with another.

use async_trait::async_trait;
use thiserror::Error;

use crate::domain::user::UsernameProblem;

/// Why the homeserver did not do what was asked.
#[derive(Debug, Error)]
pub enum HomeserverError {
    /// Nothing answered, or it was in trouble: worth trying again.
    #[error("the homeserver does not answer: {0}")]
    Unavailable(String),
    /// It understood and will never do it.
    #[error("the homeserver refused with status {status} and {errcode}: {message}")]
    Refused { status: u16, errcode: String, message: String },
    /// The user does not exist there.
    #[error("the homeserver does not know this user")]
    UnknownUser,
}

/// What a user is at the homeserver.
pub struct Provision {
    pub localpart: String,
    /// Set when given; left alone otherwise.
    pub display_name: Option<String>,
    /// The whole list of addresses, lower-cased: it replaces what is there, and takes addresses from their owner.
    pub emails: Vec<String>,
    pub is_locked: bool,
}

/// The homeserver's side of accounts and devices. Every call can be repeated without harm.
#[async_trait]
pub trait Homeserver: Send + Sync {
    /// Asks whether a localpart can be given to a new user; the inner error says why not.
    async fn is_localpart_available(&self, localpart: &str) -> Result<Result<(), UsernameProblem>, HomeserverError>;

    /// Creates the user or brings it up to date.
    async fn provision_user(&self, user: &Provision) -> Result<(), HomeserverError>;

    /// Asks what the user is called; nothing when there is no name, or no such user.
    async fn display_name(&self, localpart: &str) -> Result<Option<String>, HomeserverError>;

    /// Takes the user's name away.
    async fn unset_display_name(&self, localpart: &str) -> Result<(), HomeserverError>;

    /// Creates the device, or renames it when a name is given; its keys stay.
    async fn upsert_device(
        &self,
        localpart: &str,
        device_id: &str,
        display_name: Option<&str>,
    ) -> Result<(), HomeserverError>;

    /// Deletes the device; one that is not there is fine.
    async fn delete_device(&self, localpart: &str, device_id: &str) -> Result<(), HomeserverError>;

    /// Lets any device of the user replace the keys by which others know that it is them, for ten minutes; a user without
    /// keys is fine (spec XSR-03, XSR-04).
    async fn allow_cross_signing_reset(&self, localpart: &str) -> Result<(), HomeserverError>;

    /// Deactivates the user, with all devices; `erase` asks that messages disappear as far as that is possible.
    async fn delete_user(&self, localpart: &str, erase: bool) -> Result<(), HomeserverError>;

    /// Takes a deactivation back.
    async fn reactivate_user(&self, localpart: &str) -> Result<(), HomeserverError>;
}
