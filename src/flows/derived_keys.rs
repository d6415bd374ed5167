//! The keys under which codes and addresses are hashed. Each was derived from the encryption key that there was at first; since
//! then it is kept in the database, sealed, so that it outlives that key: a recovery code has to be found again (INV-03).

use std::collections::HashMap;

use crate::{
    app::App,
    config::Secrets,
    crypto::{seal::Sealer, secret::derive_key},
    error::{Error, Result},
    store::{self, db::Db, signing_key::DerivedKey},
};

/// For what there is a key (KEY-04: purposes never share one).
const PURPOSES: [&str; 7] =
    ["csrf", "stand-in", "recovery code", "e-mail code", "rate limit", "registration token", "user code"];

/// The keys, one a purpose.
pub struct DerivedKeys {
    pub csrf: [u8; 32],
    pub stand_in: [u8; 32],
    pub recovery_code: [u8; 32],
    pub email_code: [u8; 32],
    pub rate_limit: [u8; 32],
    pub registration_token: [u8; 32],
    pub user_code: [u8; 32],
}

/// Gives what the seal of a derived key belongs to.
pub fn context(purpose: &str) -> String {
    format!("derived key {purpose}")
}

/// Reads the keys; those that are not kept yet are derived.
///
/// # Errors
/// When the store fails; when a key is sealed under an unknown key; and when there are codes, but no keys yet, while the
/// encryption key is being replaced: nobody could tell which one the codes are hashed under.
pub async fn load(db: &Db, secrets: &Secrets, sealer: &Sealer) -> Result<DerivedKeys> {
    let stored = store::signing_key::list_derived(db).await?;
    let is_being_replaced = !secrets.previous_encryption_keys().is_empty();
    if stored.is_empty() && is_being_replaced && store::signing_key::count_hashed(db).await? > 0 {
        return Err(Error::Internal(
            "this version has to start once with the encryption key from before it, without \
             secrets.previous_encryption; after that the key can be replaced",
        ));
    }
    let mut keys: HashMap<&str, [u8; 32]> =
        PURPOSES.into_iter().map(|purpose| (purpose, derive_key(&secrets.encryption_key(), purpose))).collect();
    for DerivedKey { purpose, secret } in &stored {
        let key: Option<[u8; 32]> = sealer.open(&context(purpose), secret).and_then(|key| key.try_into().ok());
        let unknown = Error::Internal(
            "the database is sealed under an encryption key that is not in the configuration: name it in \
             secrets.previous_encryption",
        );
        keys.insert(purpose.as_str(), key.ok_or(unknown)?);
    }
    let find = |purpose: &str| keys.get(purpose).copied().ok_or(Error::Internal("a derived key is missing"));
    Ok(DerivedKeys {
        csrf: find("csrf")?,
        stand_in: find("stand-in")?,
        recovery_code: find("recovery code")?,
        email_code: find("e-mail code")?,
        rate_limit: find("rate limit")?,
        registration_token: find("registration token")?,
        user_code: find("user code")?,
    })
}

/// Keeps the keys that are not kept yet, before the encryption key can be replaced.
///
/// # Errors
/// When the store fails.
pub async fn keep(app: &App) -> Result<()> {
    let stored = store::signing_key::list_derived(&app.db).await?;
    let is_kept = |purpose: &str| stored.iter().any(|key| key.purpose == purpose);
    if PURPOSES.into_iter().all(is_kept) {
        return Ok(());
    }
    let mut tx = app.db.write().await?;
    for purpose in PURPOSES {
        let key = derive_key(&app.config.secrets.encryption_key(), purpose);
        let sealed = app.sealer.seal(&context(purpose), &key);
        let sealed = sealed.ok_or(Error::Internal("a derived key cannot be sealed"))?;
        store::signing_key::insert_derived(&mut tx, purpose, sealed).await?;
    }
    Ok(tx.commit().await?)
}
