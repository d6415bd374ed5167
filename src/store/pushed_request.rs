//! Authorization requests that clients sent ahead.

use crate::{
    domain::id::ClientId,
    store::db::{Db, Tx},
};

/// A row of `pushed_requests`.
#[derive(Clone, sqlx::FromRow)]
pub struct PushedRequest {
    pub secret_hash: Vec<u8>,
    pub client_id: ClientId,
    pub params: Vec<u8>,
    pub expires_at: i64,
    pub consumed_at: Option<i64>,
}

/// Inserts a request.
pub async fn insert(tx: &mut Tx, request: &PushedRequest) -> sqlx::Result<()> {
    tx.sql("INSERT INTO pushed_requests (secret_hash, client_id, params, expires_at) VALUES ($1, $2, $3, $4)")
        .bind(request.secret_hash.as_slice())
        .bind(&request.client_id)
        .bind(request.params.as_slice())
        .bind(request.expires_at)
        .execute()
        .await?;
    Ok(())
}

/// Finds a request.
pub async fn find(db: &Db, secret_hash: &[u8]) -> sqlx::Result<Option<PushedRequest>> {
    db.sql("SELECT secret_hash, client_id, params, expires_at, consumed_at FROM pushed_requests WHERE secret_hash = $1")
        .bind(secret_hash)
        .optional()
        .await
}

/// Consumes a request with the decision about an authorization that began with it; false when another one was decided before
/// (INV-01). It expires for those who begin, and not for whoever has begun.
pub async fn consume(tx: &mut Tx, secret_hash: &[u8], now: i64) -> sqlx::Result<bool> {
    let consumed = tx
        .sql("UPDATE pushed_requests SET consumed_at = $2 WHERE secret_hash = $1 AND consumed_at IS NULL")
        .bind(secret_hash)
        .bind(now)
        .execute()
        .await?;
    Ok(consumed > 0)
}

/// Deletes requests that expired before a moment.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM pushed_requests WHERE expires_at < $1").bind(before).execute().await
}
