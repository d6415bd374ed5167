//! What happened on accounts.

use crate::{
    domain::id::{EventId, UserId},
    store::db::{Db, Tx},
};

/// An event to be inserted.
pub struct NewEvent<'a> {
    pub id: &'a EventId,
    pub user: &'a UserId,
    pub kind: &'static str,
    pub subject: Option<&'a str>,
    pub ip: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub now: i64,
}

/// Inserts an event.
pub async fn insert(tx: &mut Tx, event: NewEvent<'_>) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO account_events (id, user_id, kind, subject, ip, user_agent, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(event.id)
    .bind(event.user)
    .bind(event.kind)
    .bind(event.subject)
    .bind(event.ip)
    .bind(event.user_agent)
    .bind(event.now)
    .execute()
    .await?;
    Ok(())
}

/// A row of `account_events`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct StoredEvent {
    pub id: EventId,
    pub kind: String,
    pub subject: Option<String>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub created_at: i64,
}

/// Lists events of a user that are older than one of them, the newest first. Ids are in the order of time.
pub async fn list_before(db: &Db, user: &UserId, before: &EventId, most: i64) -> sqlx::Result<Vec<StoredEvent>> {
    db.sql(
        "SELECT id, kind, subject, ip, user_agent, created_at FROM account_events
         WHERE user_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
    )
    .bind(user)
    .bind(before)
    .bind(most)
    .all()
    .await
}

/// Counts the events of one kind that a user had since a moment.
pub async fn count_since(tx: &mut Tx, user: &UserId, kind: &str, since: i64) -> sqlx::Result<i64> {
    let (count,): (i64,) = tx
        .sql("SELECT COUNT(*) FROM account_events WHERE user_id = $1 AND kind = $2 AND created_at > $3")
        .bind(user)
        .bind(kind)
        .bind(since)
        .one()
        .await?;
    Ok(count)
}

/// Whose account it is, and one of the addresses that hear of it; absent where there is none.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Listener {
    pub username: String,
    pub email: Option<String>,
}

/// Lists who hears of what happens on an account: its confirmed addresses.
pub async fn list_listeners(tx: &mut Tx, user: &UserId) -> sqlx::Result<Vec<Listener>> {
    tx.sql(
        "SELECT u.username, e.email
         FROM users u LEFT JOIN user_emails e ON e.user_id = u.id AND e.confirmed_at IS NOT NULL
         WHERE u.id = $1 ORDER BY e.created_at, e.id",
    )
    .bind(user)
    .all()
    .await
}

/// Deletes events from before a moment, some at a time: those with the lowest ids, which are the oldest, without an index
/// on the time.
pub async fn delete_before(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql(
        "DELETE FROM account_events WHERE id IN (
             SELECT o.id FROM (SELECT id, created_at FROM account_events ORDER BY id LIMIT 5000) o
             WHERE o.created_at < $1
         )",
    )
    .bind(before)
    .execute()
    .await
}
