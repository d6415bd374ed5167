//! Meeting places of two devices.

use crate::store::db::{Db, Tx};

/// What one device left for the other.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Left {
    pub data: Vec<u8>,
    pub sequence: String,
    pub updated_at: i64,
    pub expires_at: i64,
}

/// Opens one; false when there are so many already.
pub async fn insert(tx: &mut Tx, id_hash: &[u8], left: &Left, most: i64) -> sqlx::Result<bool> {
    let inserted = tx
        .sql(
            "INSERT INTO rendezvous_sessions (id_hash, data, sequence, created_at, updated_at, expires_at)
             SELECT $1, $2, $3, $4, $4, $5
             WHERE (SELECT COUNT(*) FROM rendezvous_sessions o WHERE o.expires_at > $4) < $6",
        )
        .bind(id_hash)
        .bind(left.data.as_slice())
        .bind(&left.sequence)
        .bind(left.updated_at)
        .bind(left.expires_at)
        .bind(most)
        .execute()
        .await?;
    Ok(inserted > 0)
}

/// Gives what was left last.
pub async fn find(db: &Db, id_hash: &[u8], now: i64) -> sqlx::Result<Option<Left>> {
    db.sql(
        "SELECT data, sequence, updated_at, expires_at FROM rendezvous_sessions
         WHERE id_hash = $1 AND expires_at > $2",
    )
    .bind(id_hash)
    .bind(now)
    .optional()
    .await
}

/// Replaces what was left, for whoever has seen it; false when something else is there by now (INV-01).
pub async fn replace(
    tx: &mut Tx,
    id_hash: &[u8],
    seen: &str,
    (data, sequence): (&[u8], &str),
    now: i64,
) -> sqlx::Result<bool> {
    let replaced = tx
        .sql(
            "UPDATE rendezvous_sessions SET data = $3, sequence = $4, updated_at = $5
             WHERE id_hash = $1 AND sequence = $2 AND expires_at > $5",
        )
        .bind(id_hash)
        .bind(seen)
        .bind(data)
        .bind(sequence)
        .bind(now)
        .execute()
        .await?;
    Ok(replaced > 0)
}

/// Deletes one; false when it was not there.
pub async fn delete(tx: &mut Tx, id_hash: &[u8], now: i64) -> sqlx::Result<bool> {
    let deleted = tx
        .sql("DELETE FROM rendezvous_sessions WHERE id_hash = $1 AND expires_at > $2")
        .bind(id_hash)
        .bind(now)
        .execute()
        .await?;
    Ok(deleted > 0)
}

/// Deletes what is over.
pub async fn delete_expired(tx: &mut Tx, now: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM rendezvous_sessions WHERE expires_at <= $1").bind(now).execute().await
}
