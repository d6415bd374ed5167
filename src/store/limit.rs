//! How often something was done that is limited, a row for each limiter and key (spec area 19).

use crate::store::db::{Db, Tx};

/// What is asked of a row: times and lengths in microseconds.
pub struct Taking<'a> {
    pub limiter: &'static str,
    pub key_hash: &'a [u8],
    pub now: i64,
    /// How long it takes to earn what is taken.
    pub cost: i64,
    /// How long it takes to earn all that may be done at once.
    pub capacity: i64,
}

/// Takes, unless that is more than is left (INV-01: one statement decides).
pub async fn take(tx: &mut Tx, taking: &Taking<'_>) -> sqlx::Result<bool> {
    let taken = tx
        .sql(
            "INSERT INTO rate_limits (limiter, key_hash, full_at) VALUES ($1, $2, $5)
             ON CONFLICT (limiter, key_hash) DO UPDATE
                 SET full_at = CASE WHEN rate_limits.full_at > $3 THEN rate_limits.full_at + $4 ELSE $5 END
                 WHERE rate_limits.full_at + $4 <= $6",
        )
        .bind(taking.limiter)
        .bind(taking.key_hash)
        .bind(taking.now)
        .bind(taking.cost)
        .bind(taking.now + taking.cost)
        .bind(taking.now + taking.capacity)
        .execute()
        .await?;
    Ok(taken > 0)
}

/// Gives back what was taken and not used.
pub async fn give_back(tx: &mut Tx, taking: &Taking<'_>) -> sqlx::Result<()> {
    tx.sql("UPDATE rate_limits SET full_at = full_at - $3 WHERE limiter = $1 AND key_hash = $2")
        .bind(taking.limiter)
        .bind(taking.key_hash)
        .bind(taking.cost)
        .execute()
        .await?;
    Ok(())
}

/// Tells when everything is allowed again that ever is at once; nothing when nothing was taken lately.
pub async fn find_full_at(db: &Db, limiter: &str, key_hash: &[u8]) -> sqlx::Result<Option<i64>> {
    let row: Option<(i64,)> = db
        .sql("SELECT full_at FROM rate_limits WHERE limiter = $1 AND key_hash = $2")
        .bind(limiter)
        .bind(key_hash)
        .optional()
        .await?;
    Ok(row.map(|(full_at,)| full_at))
}

/// Deletes the rows of a limiter that say nothing any more.
pub async fn delete_full(tx: &mut Tx, limiter: &str, now: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM rate_limits WHERE limiter = $1 AND full_at <= $2").bind(limiter).bind(now).execute().await
}

/// Keeps at most so many rows of a limiter: those go first that say least.
pub async fn evict(tx: &mut Tx, limiter: &str, most: i64) -> sqlx::Result<u64> {
    tx.sql(
        "DELETE FROM rate_limits WHERE limiter = $1 AND full_at <=
             (SELECT full_at FROM rate_limits WHERE limiter = $1 ORDER BY full_at DESC LIMIT 1 OFFSET $2)",
    )
    .bind(limiter)
    .bind(most)
    .execute()
    .await
}

/// Counts the rows of a limiter.
pub async fn count(db: &Db, limiter: &str) -> sqlx::Result<i64> {
    let (count,): (i64,) = db.sql("SELECT COUNT(*) FROM rate_limits WHERE limiter = $1").bind(limiter).one().await?;
    Ok(count)
}
