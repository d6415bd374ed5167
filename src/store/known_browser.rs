//! Browsers that signed in to an account before (spec RTL-04).

use crate::{
    domain::id::UserId,
    store::db::{Db, Tx},
};

/// Notes that a browser signed in to an account.
pub async fn note(tx: &mut Tx, user: &UserId, browser_hash: &[u8], now: i64) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO known_browsers (user_id, browser_hash, last_used_at) VALUES ($1, $2, $3)
         ON CONFLICT (user_id, browser_hash) DO UPDATE SET last_used_at = $3",
    )
    .bind(user)
    .bind(browser_hash)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Tells whether a browser signed in to an account before, and since a moment.
pub async fn is_known(db: &Db, user: &UserId, browser_hash: &[u8], since: i64) -> sqlx::Result<bool> {
    let row: Option<(i64,)> = db
        .sql(
            "SELECT last_used_at FROM known_browsers
             WHERE user_id = $1 AND browser_hash = $2 AND last_used_at > $3",
        )
        .bind(user)
        .bind(browser_hash)
        .bind(since)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Forgets browsers that have not signed in since a moment.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM known_browsers WHERE last_used_at < $1").bind(before).execute().await
}
