//! Accounts that wait for an administrator.

use crate::{
    domain::id::UserId,
    store::db::{Db, Tx},
};

/// An account that waits, with what an administrator may want to know of it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Waiting {
    pub username: String,
    pub approval_required_at: i64,
    /// The confirmed address; somebody who signs up has at most one.
    pub email: Option<String>,
    /// From where the person signed up.
    pub ip: Option<String>,
}

/// Lists who waits, the longest first.
pub async fn list(db: &Db) -> sqlx::Result<Vec<Waiting>> {
    db.sql(
        "SELECT u.username, u.approval_required_at,
             (SELECT MIN(e.email) FROM user_emails e WHERE e.user_id = u.id AND e.confirmed_at IS NOT NULL) AS email,
             (SELECT MIN(v.ip) FROM account_events v WHERE v.user_id = u.id AND v.kind = 'approval_required') AS ip
         FROM users u WHERE u.approval_required_at IS NOT NULL ORDER BY u.approval_required_at, u.id",
    )
    .all()
    .await
}

/// Notes in which language somebody who waits hears of the answer.
pub async fn set_language(tx: &mut Tx, user: &UserId, language: &str) -> sqlx::Result<()> {
    tx.sql("UPDATE users SET approval_language = $2 WHERE id = $1").bind(user).bind(language).execute().await?;
    Ok(())
}

/// Gives the language in which somebody hears of the answer.
pub async fn find_language(tx: &mut Tx, user: &UserId) -> sqlx::Result<Option<String>> {
    let row: Option<(Option<String>,)> =
        tx.sql("SELECT approval_language FROM users WHERE id = $1").bind(user).optional().await?;
    Ok(row.and_then(|(language,)| language))
}

/// Approves an account; false when it does not wait, or no longer (INV-01).
pub async fn approve(tx: &mut Tx, user: &UserId) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE users SET approval_required_at = NULL WHERE id = $1 AND approval_required_at IS NOT NULL")
        .bind(user)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Takes hold of an account that waits, for the rest of the transaction; false when it does not, or no longer.
pub async fn hold(tx: &mut Tx, user: &UserId) -> sqlx::Result<bool> {
    let held = tx
        .sql("UPDATE users SET username = username WHERE id = $1 AND approval_required_at IS NOT NULL")
        .bind(user)
        .execute()
        .await?;
    Ok(held > 0)
}

/// Counts the accounts that began to wait since a moment, also those that do not wait any more.
pub async fn count_since(tx: &mut Tx, since: i64) -> sqlx::Result<i64> {
    let (count,): (i64,) = tx
        .sql("SELECT COUNT(*) FROM account_events WHERE kind = 'approval_required' AND created_at > $1")
        .bind(since)
        .one()
        .await?;
    Ok(count)
}
