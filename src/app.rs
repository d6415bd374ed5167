//! Everything that a request needs, built one way for the server, the command line and the tests.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::{
    clock::Clock,
    config::{Config, HomeserverKind},
    crypto::{
        keys::{KeyError, SigningKeys},
        password::Passwords,
        random,
        secret::derive_key,
    },
    domain::id::{GrantId, JobId, RegistrationId, SessionId, SsoLoginId, TokenId, UserId},
    flows::{activity::Activity, stand_in::Census},
    remote::{homeserver::Homeserver, synapse::Synapse},
    store::db::Db,
};

/// The parts of a running Keymaker; cheap to clone.
pub type App = Arc<Parts>;

pub struct Parts {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub passwords: Passwords,
    pub keys: SigningKeys,
    pub csrf_key: [u8; 32],
    pub stand_in_key: [u8; 32],
    pub census: Census,
    /// Absent with `matrix.kind: none`: there is nothing to keep in step.
    pub homeserver: Option<Arc<dyn Homeserver>>,
    /// Wakes the worker of the queue: a job was inserted.
    pub jobs: Notify,
    pub activity: Activity,
}

/// Why the parts do not fit together, as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("the HTTP client for the homeserver cannot be built: {0}")]
    Http(#[from] reqwest::Error),
    #[error("matrix.endpoint is missing")]
    NoEndpoint,
}

/// Gives the homeserver that the configuration names.
///
/// # Errors
/// When the HTTP client cannot be built.
pub fn homeserver(config: &Config) -> Result<Option<Arc<dyn Homeserver>>, BuildError> {
    Ok(match config.matrix.kind {
        HomeserverKind::None => None,
        HomeserverKind::Synapse => {
            let endpoint = config.matrix.endpoint.clone().ok_or(BuildError::NoEndpoint)?;
            let secret = config.matrix.secret().map(|secret| secret.expose().to_owned()).unwrap_or_default();
            Some(Arc::new(Synapse::new((*endpoint).clone(), secret)?))
        }
    })
}

/// Puts the parts together.
///
/// # Errors
/// When a signing key cannot be read.
pub fn build(config: Config, db: Db, clock: Clock, homeserver: Option<Arc<dyn Homeserver>>) -> Result<App, BuildError> {
    Ok(Arc::new(Parts {
        passwords: Passwords::new(&config.passwords.schemes),
        keys: SigningKeys::read(config.secrets.keys().map(|(kid, pem)| (kid, pem.expose())))?,
        csrf_key: derive_key(&config.secrets.encryption_key(), "csrf"),
        stand_in_key: derive_key(&config.secrets.encryption_key(), "stand-in"),
        census: Census::default(),
        config,
        db,
        clock,
        homeserver,
        jobs: Notify::new(),
        activity: Activity::default(),
    }))
}

macro_rules! new_ids {
    ($($name:ident $make:ident $type:ident;)*) => {
        impl Parts {$(
            /// Makes a fresh id of this noun.
            pub fn $name(&self) -> $type {
                $type::new(random::$make(self.clock.now()))
            }
        )*}
    };
}

new_ids! {
    new_user_id ulid UserId;
    new_grant_id ulid GrantId;
    new_sso_login_id ulid SsoLoginId;
    new_registration_id ulid RegistrationId;
    new_session_id ulid SessionId;
    new_token_id ulid TokenId;
    new_job_id ordered_ulid JobId;
}

impl Parts {
    /// Gives the server name of the Matrix ids.
    pub fn server_name(&self) -> &str {
        self.config.matrix.homeserver()
    }
}
