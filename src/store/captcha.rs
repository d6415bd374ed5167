//! CAPTCHAs that were passed (spec SGN-06).

use crate::store::db::Tx;

/// Notes that a CAPTCHA was passed; false when it was before (INV-01).
pub async fn spend(tx: &mut Tx, hash: &[u8], expires_at: i64) -> sqlx::Result<bool> {
    let noted = tx
        .sql("INSERT INTO spent_captchas (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
        .bind(hash)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(noted > 0)
}

/// Forgets those that expired before a moment.
pub async fn delete_expired(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM spent_captchas WHERE expires_at < $1").bind(before).execute().await
}
