//! How signing keys are made, take each other's place and go (spec KEY-03, KEY-04). Who changes which keys there are holds them all
//! meanwhile, so that of several replicas one does it.

use serde::Serialize;

use super::{Known, context};
use crate::{
    app::App,
    clock::MINUTE,
    crypto::keys::{KeyError, SigningKey, generate},
    domain::{
        refusal::Refusal,
        signing_alg::SigningAlg,
        signing_key::{KeyState, Ring, STILL_BELIEVED},
    },
    error::{Error, Result},
    flows::derived_keys,
    store::{self, db::Tx, signing_key::StoredKey},
};

/// A key that was just made.
struct Fresh {
    key: SigningKey,
    pem: String,
}

impl Fresh {
    /// Finding an RSA key takes a while, and is no work for a thread that answers requests.
    async fn make(alg: SigningAlg) -> Result<Self> {
        let made = tokio::task::spawn_blocking(move || {
            let pem = generate(alg)?;
            Ok::<_, KeyError>(Self { key: SigningKey::read(None, &pem)?, pem })
        });
        made.await.ok().and_then(Result::ok).ok_or(Error::Internal("a signing key cannot be made"))
    }

    async fn insert(self, app: &App, tx: &mut Tx, activates_at: i64) -> Result<String> {
        let kid = self.key.kid().to_owned();
        let sealed = app.sealer.seal(&context(&kid), self.pem.as_bytes());
        let row = StoredKey {
            private_key: Some(sealed.ok_or(Error::Internal("a signing key cannot be sealed"))?),
            activates_at,
            ..row(&self.key, app.clock.now())?
        };
        store::signing_key::insert(tx, row).await?;
        Ok(kid)
    }
}

fn row(key: &SigningKey, now: i64) -> Result<StoredKey> {
    let public_key = serde_json::to_string(key.public()).map_err(|_| Error::Internal("a key cannot be written"))?;
    Ok(StoredKey {
        kid: key.kid().to_owned(),
        alg: key.alg().as_str().to_owned(),
        public_key,
        private_key: None,
        created_at: now,
        activates_at: 0,
        revoked_at: None,
    })
}

/// Keeps the keys that hash codes, and makes one that signs for each algorithm that has none, before the first request. Of several replicas one makes it (OID-08).
///
/// # Errors
/// When the store fails, and when a key cannot be opened that signs or is to sign: it is sealed under an unknown key.
pub async fn prepare(app: &App) -> Result<()> {
    derived_keys::keep(app).await?;
    let (known, now) = (app.keys.know(app).await?, app.clock.now());
    for alg in SigningAlg::ALL {
        for key in known.ring.signing(alg, now).into_iter().chain(known.ring.next(alg, now)) {
            app.keys.private(app, &known, key)?;
        }
        if known.ring.signing(alg, now).is_some() {
            continue;
        }
        let fresh = Fresh::make(alg).await?;
        let mut tx = app.db.write().await?;
        let Known { ring, .. } = app.keys.together(store::signing_key::hold(&mut tx).await?);
        if ring.signing(alg, now).is_none() {
            // A key that the configuration brings later goes before the first one here, and not before one of a rotation.
            let activates_at = if ring.0.iter().any(|key| key.alg == alg) { now } else { 0 };
            let kid = fresh.insert(app, &mut tx, activates_at).await?;
            tx.commit().await?;
            tracing::info!(alg = alg.as_str(), kid, "a signing key was made");
        }
    }
    Ok(())
}

/// A key that takes the place of another.
#[derive(Debug, Serialize)]
pub struct Rotated {
    pub alg: &'static str,
    pub kid: String,
    pub activates_at: i64,
    /// It was there before.
    pub was_published: bool,
}

/// Publishes the next key of an algorithm, which signs when everybody can know it (KEY-03), or at once. One that waits already
/// stays the next one.
///
/// # Errors
/// When the store fails.
pub async fn rotate(app: &App, alg: SigningAlg, is_at_once: bool) -> Result<Rotated> {
    let fresh = Fresh::make(alg).await?;
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    let Known { ring, .. } = app.keys.together(store::signing_key::hold(&mut tx).await?);
    let rotated = replace(app, &mut tx, &ring, fresh, is_at_once).await?;
    tx.commit().await?;
    let from = (rotated.activates_at - now) / MINUTE;
    tracing::info!(alg = rotated.alg, kid = rotated.kid, minutes = from, "the next signing key is published");
    Ok(rotated)
}

async fn replace(app: &App, tx: &mut Tx, ring: &Ring, fresh: Fresh, is_at_once: bool) -> Result<Rotated> {
    let (alg, now) = (fresh.key.alg(), app.clock.now());
    let delay = if is_at_once { 0 } else { app.config.secrets.signing_key_activation_delay() };
    // Later than every other one, lest two of the same moment are both the newest.
    let newest =
        ring.0.iter().filter(|key| key.alg == alg && key.activates_at <= now).map(|key| key.activates_at).max();
    let at = (now + delay).max(newest.map_or(0, |newest| newest + 1));
    let (kid, activates_at, was_published) = match ring.next(alg, now) {
        Some(next) if is_at_once => {
            store::signing_key::activate(tx, &next.kid, at).await?;
            (next.kid.clone(), at, true)
        }
        Some(next) => (next.kid.clone(), next.activates_at, true),
        None => (fresh.insert(app, tx, at).await?, at, false),
    };
    Ok(Rotated { alg: alg.as_str(), kid, activates_at, was_published })
}

/// What came of revoking a key.
#[derive(Debug, Serialize)]
pub struct Retired {
    pub kid: String,
    /// False when it was revoked before.
    pub has_changed: bool,
    /// What signs in its place, where it signed.
    pub replaced_by: Option<Rotated>,
}

/// Revokes a key at once: it is neither published nor believed any more. Where it signed, another one does now, so that no
/// algorithm is ever without (KEY-04).
///
/// # Errors
/// `NotFound`, and when the store fails.
pub async fn retire(app: &App, kid: &str) -> Result<Retired> {
    let alg = app.keys.know(app).await?.ring.find(kid).ok_or(Refusal::NotFound)?.alg;
    let fresh = Fresh::make(alg).await?;
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    let Known { ring, stored } = app.keys.together(store::signing_key::hold(&mut tx).await?);
    let key = ring.find(kid).ok_or(Refusal::NotFound)?;
    let state = ring.state(key, now);
    if state == KeyState::Revoked {
        return Ok(Retired { kid: kid.to_owned(), has_changed: false, replaced_by: None });
    }
    if let (Some(configured), None) = (app.keys.configured(kid), stored.get(kid)) {
        store::signing_key::insert(&mut tx, row(configured, now)?).await?;
    }
    store::signing_key::revoke(&mut tx, kid, now).await?;
    let replaced_by = match state {
        KeyState::Signs => Some(replace(app, &mut tx, &ring, fresh, true).await?),
        _ => None,
    };
    tx.commit().await?;
    tracing::warn!(kid, "a signing key was revoked");
    Ok(Retired { kid: kid.to_owned(), has_changed: true, replaced_by })
}

/// Publishes the next key where the one of the database has signed for as long as the operator wants.
///
/// # Errors
/// When the store fails.
pub async fn rotate_due(app: &App) -> Result<()> {
    let Some(lifetime) = app.config.secrets.signing_key_lifetime() else { return Ok(()) };
    let (Known { ring, .. }, now) = (app.keys.know(app).await?, app.clock.now());
    let due = now + app.config.secrets.signing_key_activation_delay() - lifetime;
    for alg in SigningAlg::ALL {
        let signing = ring.signing(alg, now).filter(|key| key.configured.is_none() && ring.next(alg, now).is_none());
        if signing.is_some_and(|key| key.activates_at.max(key.created_at) <= due) {
            rotate(app, alg, false).await?;
        }
    }
    Ok(())
}

/// Forgets the private halves of keys that are published no longer, and keys that nobody believes any more.
///
/// # Errors
/// When the store fails.
pub async fn clean_up(app: &App, tx: &mut Tx) -> Result<()> {
    let now = app.clock.now();
    let Known { ring, stored } = app.keys.together(store::signing_key::hold(tx).await?);
    for key in ring.0.iter().filter(|key| key.configured.is_none()) {
        let KeyState::Retired { published_until: Some(_) } = ring.state(key, now) else { continue };
        if ring.retired_at(key, now).is_some_and(|at| at + STILL_BELIEVED <= now) {
            store::signing_key::delete(tx, &key.kid).await?;
        } else if !ring.state(key, now).is_published(now)
            && stored.get(&key.kid).is_some_and(|key| key.private_key.is_some())
        {
            store::signing_key::forget_private(tx, &key.kid).await?;
        }
    }
    Ok(())
}
