//! The assertions that clients have authenticated themselves with, until they would be too old anyway (RFC 7523 §3).

use crate::{
    domain::id::ClientId,
    store::db::{Db, Tx},
};

/// Remembers an assertion; false when it was there already, so that of two at once one wins.
pub async fn insert(db: &Db, client: &ClientId, jti_hash: &[u8], expires_at: i64) -> sqlx::Result<bool> {
    let mut tx = db.write().await?;
    let inserted = tx
        .sql(
            "INSERT INTO client_assertions (client_id, jti_hash, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (client_id, jti_hash) DO NOTHING",
        )
        .bind(client)
        .bind(jti_hash)
        .bind(expires_at)
        .execute()
        .await?;
    tx.commit().await?;
    Ok(inserted > 0)
}

/// Forgets those that expired before a moment.
pub async fn delete_expired(tx: &mut Tx, before: i64) -> sqlx::Result<()> {
    tx.sql("DELETE FROM client_assertions WHERE expires_at < $1").bind(before).execute().await?;
    Ok(())
}

/// Forgets those of a client that is to go.
pub async fn delete_of(tx: &mut Tx, client: &ClientId) -> sqlx::Result<()> {
    tx.sql("DELETE FROM client_assertions WHERE client_id = $1").bind(client).execute().await?;
    Ok(())
}
