//! Links out of mails by which somebody who forgot the password gets in.

use crate::{
    domain::id::{RecoveryId, UserId},
    store::db::{Db, Tx},
};

/// A row of `recoveries`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Recovery {
    pub id: RecoveryId,
    pub user_id: UserId,
}

/// A link to be inserted.
pub struct NewRecovery<'a> {
    pub id: &'a RecoveryId,
    pub user: &'a UserId,
    /// Where it is sent, in its canonical form.
    pub email: &'a str,
    pub secret_hash: Vec<u8>,
    pub expires_at: i64,
    pub now: i64,
}

/// Inserts a link.
pub async fn insert(tx: &mut Tx, new: NewRecovery<'_>) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO recoveries (id, user_id, email, secret_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(new.id)
    .bind(new.user)
    .bind(new.email)
    .bind(new.secret_hash)
    .bind(new.now)
    .bind(new.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Counts the links that an account was sent since a moment.
pub async fn count_since(tx: &mut Tx, user: &UserId, since: i64) -> sqlx::Result<i64> {
    let (count,): (i64,) = tx
        .sql("SELECT COUNT(*) FROM recoveries WHERE user_id = $1 AND created_at > $2")
        .bind(user)
        .bind(since)
        .one()
        .await?;
    Ok(count)
}

/// Finds a link that is good: unused, unexpired, of an account that may be used and an address that is still its own.
pub async fn find_good(db: &Db, secret_hash: &[u8], now: i64) -> sqlx::Result<Option<Recovery>> {
    db.sql(
        "SELECT r.id, r.user_id FROM recoveries r
         JOIN users u ON u.id = r.user_id
         JOIN user_emails e ON e.user_id = r.user_id AND e.email = r.email
         WHERE r.secret_hash = $1 AND r.consumed_at IS NULL AND r.expires_at > $2
             AND u.locked_at IS NULL AND u.deactivated_at IS NULL AND u.approval_required_at IS NULL
             AND e.confirmed_at IS NOT NULL",
    )
    .bind(secret_hash)
    .bind(now)
    .optional()
    .await
}

/// Consumes a link that is good; false when it is not, or not any more (INV-01).
pub async fn consume(tx: &mut Tx, id: &RecoveryId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(RecoveryId,)> = tx
        .sql(
            "UPDATE recoveries SET consumed_at = $2
             WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2
                 AND EXISTS (SELECT 1 FROM users u
                     WHERE u.id = recoveries.user_id AND u.locked_at IS NULL AND u.deactivated_at IS NULL
                         AND u.approval_required_at IS NULL)
                 AND EXISTS (SELECT 1 FROM user_emails e
                     WHERE e.user_id = recoveries.user_id AND e.email = recoveries.email AND e.confirmed_at IS NOT NULL)
             RETURNING id",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Ends every link of an account: its password or its addresses have changed. The rows stay, for they are counted.
pub async fn end_of(tx: &mut Tx, user: &UserId, now: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE recoveries SET consumed_at = $2 WHERE user_id = $1 AND consumed_at IS NULL")
        .bind(user)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Deletes links that ended before a moment.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM recoveries WHERE expires_at < $1").bind(before).execute().await
}
