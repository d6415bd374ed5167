//! The signing keys that were made here, and those of the configuration that were revoked; and the keys that hash codes.

use crate::store::db::{Db, Tx};

/// A row of `signing_keys`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredKey {
    pub kid: String,
    pub alg: String,
    /// A JWK.
    pub public_key: String,
    /// Sealed.
    pub private_key: Option<Vec<u8>>,
    pub created_at: i64,
    pub activates_at: i64,
    pub revoked_at: Option<i64>,
}

/// Lists the keys.
pub async fn list(db: &Db) -> sqlx::Result<Vec<StoredKey>> {
    db.sql(
        "SELECT kid, alg, public_key, private_key, created_at, activates_at, revoked_at
         FROM signing_keys ORDER BY created_at, kid",
    )
    .all()
    .await
}

/// Lists the keys, and keeps others from changing which there are until the transaction ends.
pub async fn hold(tx: &mut Tx) -> sqlx::Result<Vec<StoredKey>> {
    tx.hold_name("signing keys").await?;
    tx.sql(
        "SELECT kid, alg, public_key, private_key, created_at, activates_at, revoked_at
         FROM signing_keys ORDER BY created_at, kid",
    )
    .all()
    .await
}

/// Inserts a key.
pub async fn insert(tx: &mut Tx, key: StoredKey) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO signing_keys (kid, alg, public_key, private_key, created_at, activates_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(key.kid)
    .bind(key.alg)
    .bind(key.public_key)
    .bind(key.private_key)
    .bind(key.created_at)
    .bind(key.activates_at)
    .bind(key.revoked_at)
    .execute()
    .await?;
    Ok(())
}

/// Lets a key sign from another moment on.
pub async fn activate(tx: &mut Tx, kid: &str, at: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE signing_keys SET activates_at = $2 WHERE kid = $1").bind(kid).bind(at).execute().await?;
    Ok(())
}

/// Revokes a key, and forgets its private half.
pub async fn revoke(tx: &mut Tx, kid: &str, now: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE signing_keys SET revoked_at = $2, private_key = NULL WHERE kid = $1 AND revoked_at IS NULL")
        .bind(kid)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Forgets the private half of a key that signs no longer.
pub async fn forget_private(tx: &mut Tx, kid: &str) -> sqlx::Result<()> {
    tx.sql("UPDATE signing_keys SET private_key = NULL WHERE kid = $1").bind(kid).execute().await?;
    Ok(())
}

/// Forgets a key.
pub async fn delete(tx: &mut Tx, kid: &str) -> sqlx::Result<()> {
    tx.sql("DELETE FROM signing_keys WHERE kid = $1").bind(kid).execute().await?;
    Ok(())
}

/// A row of `derived_keys`.
#[derive(sqlx::FromRow)]
pub struct DerivedKey {
    pub purpose: String,
    /// Sealed.
    pub secret: Vec<u8>,
}

/// Lists the keys that hash codes.
pub async fn list_derived(db: &Db) -> sqlx::Result<Vec<DerivedKey>> {
    db.sql("SELECT purpose, secret FROM derived_keys").all().await
}

/// Keeps a key that hashes codes, unless there is one.
pub async fn insert_derived(tx: &mut Tx, purpose: &str, secret: Vec<u8>) -> sqlx::Result<()> {
    tx.sql("INSERT INTO derived_keys (purpose, secret) VALUES ($1, $2) ON CONFLICT (purpose) DO NOTHING")
        .bind(purpose)
        .bind(secret)
        .execute()
        .await?;
    Ok(())
}

/// Counts what is found again by such a key alone, and would be lost with it.
pub async fn count_hashed(db: &Db) -> sqlx::Result<i64> {
    let (count,): (i64,) = db
        .sql(
            "SELECT (SELECT COUNT(*) FROM recovery_codes WHERE consumed_at IS NULL)
                 + (SELECT COUNT(*) FROM registration_tokens)",
        )
        .one()
        .await?;
    Ok(count)
}
