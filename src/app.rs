//! Everything that a request needs, built one way for the server, the command line and the tests.

use std::sync::Arc;

use tokio::sync::{Notify, Semaphore};
use webauthn_rs::Webauthn;

use crate::{
    clock::Clock,
    config::{Config, HomeserverKind},
    crypto::{keys::KeyError, password::Passwords, random, seal::Sealer},
    domain::id::{
        DeviceGrantId, EmailVerificationId, EventId, GrantId, JobId, LogoutNoticeId, MailId, PasskeyId, ProofId,
        RecoveryId, RegistrationId, RegistrationTokenId, SessionId, SsoLoginId, TokenId, UpstreamTripId, UserEmailId,
        UserId,
    },
    error,
    flows::{activity::Activity, derived_keys, keys::Keys, passkey, recover, stand_in::Census},
    policy::{Broken, Policy},
    remote::{
        client_keys::ClientKeys, guarded::Guarded, homeserver::Homeserver, http::Http, mail::Mailer, synapse::Synapse,
        upstream::Upstream,
    },
    store::db::Db,
};

/// The parts of a running Keymaker; cheap to clone.
pub type App = Arc<Parts>;

pub struct Parts {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub passwords: Passwords,
    pub keys: Keys,
    pub csrf_key: [u8; 32],
    pub stand_in_key: [u8; 32],
    pub sealer: Sealer,
    pub recovery_code_key: [u8; 32],
    pub email_code_key: [u8; 32],
    pub rate_limit_key: [u8; 32],
    pub registration_token_key: [u8; 32],
    pub user_code_key: [u8; 32],
    /// Absent where browsers know no passkeys.
    pub passkeys: Option<Webauthn>,
    pub census: Census,
    /// Absent with `matrix.kind: none`: there is nothing to keep in step.
    pub homeserver: Option<Arc<dyn Homeserver>>,
    /// Wakes the worker of the queue: a job was inserted.
    pub jobs: Notify,
    /// For the hosts that the operator names.
    pub http: Http,
    /// For whatever a client can have us call.
    pub guarded: Guarded,
    /// What clients host at their `jwks_uri`.
    pub client_keys: ClientKeys,
    /// The identity providers of the configuration, in its order.
    pub upstreams: Vec<Upstream>,
    /// What the operator forbids or requires.
    pub policy: Policy,
    pub mail: Mailer,
    /// Wakes the worker that sends mails: one was written.
    pub mails: Notify,
    /// Wakes the worker that tells relying parties of logouts: one is to be told.
    pub logout_notices: Notify,
    /// Who asked for a way back in, and is being looked for.
    pub recoveries: Arc<Semaphore>,
    pub activity: Activity,
}

/// Why the parts do not fit together, as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error("an HTTP client cannot be built: {0}")]
    Http(#[from] reqwest::Error),
    #[error("mail cannot be sent with TLS: {0}")]
    Mail(#[from] lettre::transport::smtp::Error),
    #[error("the policies cannot be used: {0}")]
    Policy(#[from] Broken),
    #[error("matrix.endpoint is missing")]
    NoEndpoint,
    #[error(transparent)]
    Store(#[from] error::Error),
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
/// When a signing key cannot be read, or a policy, or what the database keeps of the encryption key.
pub async fn build(
    config: Config,
    db: Db,
    clock: Clock,
    homeserver: Option<Arc<dyn Homeserver>>,
) -> Result<App, BuildError> {
    let http = Http::new()?;
    let sealer = Sealer::new(&config.secrets.encryption_key(), &config.secrets.previous_encryption_keys());
    let derived = derived_keys::load(&db, &config.secrets, &sealer).await?;
    let providers = config.upstream_oauth2.providers.iter();
    Ok(Arc::new(Parts {
        upstreams: providers.map(|provider| Upstream::new(provider.clone(), http.clone())).collect(),
        passwords: Passwords::new(&config.passwords.schemes),
        keys: Keys::read(&config)?,
        csrf_key: derived.csrf,
        stand_in_key: derived.stand_in,
        recovery_code_key: derived.recovery_code,
        email_code_key: derived.email_code,
        rate_limit_key: derived.rate_limit,
        registration_token_key: derived.registration_token,
        user_code_key: derived.user_code,
        passkeys: passkey::relying_party(&config),
        sealer,
        http,
        client_keys: ClientKeys::default(),
        guarded: Guarded::new(config.http.public_base.is_loopback())?,
        policy: Policy::load(&config.policy)?,
        mail: Mailer::new(&config.email)?,
        mails: Notify::new(),
        logout_notices: Notify::new(),
        recoveries: Arc::new(Semaphore::new(recover::AT_ONCE)),
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
    new_device_grant_id ulid DeviceGrantId;
    new_passkey_id ulid PasskeyId;
    new_proof_id ulid ProofId;
    new_registration_id ulid RegistrationId;
    new_registration_token_id ordered_ulid RegistrationTokenId;
    new_session_id ulid SessionId;
    new_token_id ulid TokenId;
    new_job_id ordered_ulid JobId;
    new_mail_id ulid MailId;
    new_logout_notice_id ordered_ulid LogoutNoticeId;
    new_event_id ordered_ulid EventId;
    new_user_email_id ulid UserEmailId;
    new_email_verification_id ordered_ulid EmailVerificationId;
    new_recovery_id ulid RecoveryId;
    new_upstream_trip_id ulid UpstreamTripId;
}

impl Parts {
    /// Gives the server name of the Matrix ids.
    pub fn server_name(&self) -> &str {
        self.config.matrix.homeserver()
    }
}
