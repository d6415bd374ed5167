//! Signing with our keys, publishing their public halves, and replacing them (spec area 9). The database is asked each time, so
//! that every replica knows of a new key, or of one that was revoked, at once (KEY-05, INV-16).

mod rotation;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Serialize;

use crate::{
    app::App,
    config::Config,
    crypto::keys::{KeyError, SigningKey},
    domain::{
        signing_alg::SigningAlg,
        signing_key::{KeyRecord, KeyState, Ring},
    },
    error::{Error, Result},
    store::{self, signing_key::StoredKey},
};

pub use rotation::{Retired, Rotated, clean_up, prepare, retire, rotate, rotate_due};

/// What a server says that finds a key which it cannot open.
const UNKNOWN_ENCRYPTION_KEY: &str = "a signing key in the database is sealed under an encryption key that is not in the \
     configuration: name it in secrets.previous_encryption";

/// The keys that sign what we issue.
pub struct Keys {
    /// Those of the configuration, in its order.
    configured: Vec<Arc<SigningKey>>,
    /// Those of the database that were opened. What a key id names never changes.
    opened: Mutex<HashMap<String, Arc<SigningKey>>>,
    /// What was published last, for when the database is away.
    published: RwLock<Option<JwkSet>>,
}

/// All keys at a moment.
struct Known {
    ring: Ring,
    stored: HashMap<String, StoredKey>,
}

impl Keys {
    /// Reads the keys of the configuration.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(config: &Config) -> Result<Self, KeyError> {
        let keys = config.secrets.keys().map(|(kid, pem)| SigningKey::read(kid, pem.expose()).map(Arc::new));
        let configured = keys.collect::<Result<_, _>>()?;
        Ok(Self { configured, opened: Mutex::default(), published: RwLock::default() })
    }

    /// Signs claims as a JWT of a type (`JWT`, `logout+jwt` …) with the key of an algorithm that signs now.
    ///
    /// # Errors
    /// When there is no such key, or the store fails.
    pub async fn sign(&self, app: &App, alg: SigningAlg, typ: &str, claims: &impl Serialize) -> Result<String> {
        let known = self.know(app).await?;
        let key =
            known.ring.signing(alg, app.clock.now()).ok_or(Error::Internal("no key signs with this algorithm"))?;
        let key = self.private(app, &known, key)?;
        key.sign(typ, claims).map_err(|_| Error::Internal("a token cannot be signed"))
    }

    /// Gives what is published. A database that is away makes no key disappear.
    ///
    /// # Errors
    /// When the store fails, and has not answered before.
    pub async fn published(&self, app: &App) -> Result<JwkSet> {
        let known = match self.know(app).await {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "the signing keys cannot be read; those of before are published");
                let last = self.published.read().unwrap_or_else(PoisonError::into_inner).clone();
                return last.ok_or(error);
            }
        };
        let now = app.clock.now();
        let published = known.ring.0.iter().filter(|key| known.ring.state(key, now).is_published(now));
        let keys = JwkSet { keys: published.filter_map(|key| self.public(&known, key)).collect() };
        *self.published.write().unwrap_or_else(PoisonError::into_inner) = Some(keys.clone());
        Ok(keys)
    }

    /// Finds the public half of a key whose signatures are ours, also of one that signs no longer, and its algorithm.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, app: &App, kid: &str) -> Result<Option<(SigningAlg, Jwk)>> {
        let known = self.know(app).await?;
        let key = known.ring.find(kid).filter(|key| key.revoked_at.is_none());
        Ok(key.and_then(|key| Some((key.alg, self.public(&known, key)?))))
    }

    async fn know(&self, app: &App) -> Result<Known> {
        Ok(self.together(store::signing_key::list(&app.db).await?))
    }

    /// The keys of the configuration count as if they had always been there; the database knows which of them were revoked.
    fn together(&self, stored: Vec<StoredKey>) -> Known {
        let stored: HashMap<String, StoredKey> = stored.into_iter().map(|key| (key.kid.clone(), key)).collect();
        let configured = self.configured.iter().enumerate().map(|(place, key)| KeyRecord {
            kid: key.kid().to_owned(),
            alg: key.alg(),
            configured: Some(place),
            created_at: 0,
            activates_at: 0,
            revoked_at: stored.get(key.kid()).and_then(|key| key.revoked_at),
        });
        let others = stored.values().filter(|key| self.configured(&key.kid).is_none());
        let others = others.filter_map(|key| {
            Some(KeyRecord {
                kid: key.kid.clone(),
                alg: SigningAlg::ALL.into_iter().find(|alg| alg.as_str() == key.alg)?,
                configured: None,
                created_at: key.created_at,
                activates_at: key.activates_at,
                revoked_at: key.revoked_at,
            })
        });
        let mut keys: Vec<KeyRecord> = configured.chain(others).collect();
        keys.sort_by(|one, other| {
            (one.alg, one.activates_at, &one.kid).cmp(&(other.alg, other.activates_at, &other.kid))
        });
        Known { ring: Ring(keys), stored }
    }

    fn configured(&self, kid: &str) -> Option<&Arc<SigningKey>> {
        self.configured.iter().find(|key| key.kid() == kid)
    }

    fn public(&self, known: &Known, key: &KeyRecord) -> Option<Jwk> {
        match self.configured(&key.kid) {
            Some(key) => Some(key.public().clone()),
            None => serde_json::from_str(&known.stored.get(&key.kid)?.public_key).ok(),
        }
    }

    fn private(&self, app: &App, known: &Known, key: &KeyRecord) -> Result<Arc<SigningKey>> {
        if let Some(key) = self.configured(&key.kid) {
            return Ok(key.clone());
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = opened.get(&key.kid) {
            return Ok(key.clone());
        }
        let sealed = known.stored.get(&key.kid).and_then(|stored| stored.private_key.as_deref());
        let sealed = sealed.ok_or(Error::Internal("a signing key has no private half"))?;
        let pem = app.sealer.open(&context(&key.kid), sealed).ok_or(Error::Internal(UNKNOWN_ENCRYPTION_KEY))?;
        let unreadable = Error::Internal("a signing key in the database cannot be read");
        let read = String::from_utf8(pem).ok().and_then(|pem| SigningKey::read(Some(&key.kid), &pem).ok());
        let read = Arc::new(read.ok_or(unreadable)?);
        opened.insert(key.kid.clone(), read.clone());
        Ok(read)
    }
}

/// Gives what the seal of a signing key belongs to.
pub fn context(kid: &str) -> String {
    format!("signing key {kid}")
}

/// A key as an operator sees it.
#[derive(Debug, Serialize)]
pub struct Listed {
    pub kid: String,
    pub alg: &'static str,
    /// `next`, `signs`, `retired`, `believed` (as a hint only) or `revoked`.
    pub state: &'static str,
    /// `configuration` or `database`.
    pub origin: &'static str,
    /// Unix milliseconds; absent for a key of the configuration.
    pub created_at: Option<i64>,
    /// When it began to sign, or will; absent where it signs since it exists.
    pub activates_at: Option<i64>,
    /// Until when a retired key is published.
    pub published_until: Option<i64>,
    pub revoked_at: Option<i64>,
}

/// Lists the keys that there are, by algorithm.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App) -> Result<Vec<Listed>> {
    let (Known { ring, .. }, now) = (app.keys.know(app).await?, app.clock.now());
    let listed = ring.0.iter().map(|key| {
        let state = ring.state(key, now);
        Listed {
            kid: key.kid.clone(),
            alg: key.alg.as_str(),
            state: match state {
                KeyState::Next => "next",
                KeyState::Signs => "signs",
                KeyState::Retired { .. } if state.is_published(now) => "retired",
                KeyState::Retired { .. } => "believed",
                KeyState::Revoked => "revoked",
            },
            origin: if key.configured.is_some() { "configuration" } else { "database" },
            created_at: Some(key.created_at).filter(|at| *at > 0),
            activates_at: Some(key.activates_at).filter(|at| *at > 0),
            published_until: match state {
                KeyState::Retired { published_until } => published_until,
                _ => None,
            },
            revoked_at: key.revoked_at,
        }
    });
    Ok(listed.collect())
}
