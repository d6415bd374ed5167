//! Mail on its way, sealed, and the leases by which each is sent by one at a time.

use crate::{
    domain::id::MailId,
    store::db::{Db, Tx},
};

/// A mail to be inserted.
pub struct NewMail<'a> {
    pub id: &'a MailId,
    pub content: Vec<u8>,
    pub expires_at: i64,
    pub now: i64,
}

/// Inserts a mail that is due at once.
pub async fn insert(tx: &mut Tx, mail: NewMail<'_>) -> sqlx::Result<()> {
    tx.sql("INSERT INTO mails (id, content, created_at, run_at, expires_at, attempts) VALUES ($1, $2, $3, $3, $4, $5)")
        .bind(mail.id)
        .bind(mail.content)
        .bind(mail.now)
        .bind(mail.expires_at)
        .bind(0)
        .execute()
        .await?;
    Ok(())
}

/// Lists some mails that are due and that nobody sends just now, those that waited longest first.
pub async fn list_due(db: &Db, now: i64) -> sqlx::Result<Vec<MailId>> {
    let rows: Vec<(MailId,)> = db
        .sql(
            "SELECT id FROM mails WHERE run_at <= $1 AND (leased_until IS NULL OR leased_until <= $1)
             ORDER BY run_at, id LIMIT 16",
        )
        .bind(now)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// A mail that somebody holds.
#[derive(Debug, sqlx::FromRow)]
pub struct Mail {
    pub id: MailId,
    pub content: Vec<u8>,
    pub created_at: i64,
    pub expires_at: i64,
    pub attempts: i64,
    pub holder: String,
}

/// Leases a mail that is due; nothing when somebody else was faster.
pub async fn lease(tx: &mut Tx, id: &MailId, holder: &str, until: i64, now: i64) -> sqlx::Result<Option<Mail>> {
    tx.sql(
        "UPDATE mails SET holder = $2, leased_until = $3
         WHERE id = $1 AND run_at <= $4 AND (leased_until IS NULL OR leased_until <= $4)
         RETURNING id, content, created_at, expires_at, attempts, holder",
    )
    .bind(id)
    .bind(holder)
    .bind(until)
    .bind(now)
    .optional()
    .await
}

/// Removes a mail that is on its way, or is given up.
pub async fn delete(tx: &mut Tx, id: &MailId, holder: &str) -> sqlx::Result<()> {
    tx.sql("DELETE FROM mails WHERE id = $1 AND holder = $2").bind(id).bind(holder).execute().await?;
    Ok(())
}

/// Notes a failed attempt and when to try again.
pub async fn retry_at(tx: &mut Tx, id: &MailId, holder: &str, run_at: i64, error: &str) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE mails SET run_at = $3, attempts = attempts + 1, last_error = $4, holder = NULL, leased_until = NULL
         WHERE id = $1 AND holder = $2",
    )
    .bind(id)
    .bind(holder)
    .bind(run_at)
    .bind(error)
    .execute()
    .await?;
    Ok(())
}

/// Deletes mails that nobody wanted to read any more at a moment: those that no worker took, because mail was switched off.
pub async fn delete_expired(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM mails WHERE expires_at < $1").bind(before).execute().await
}

/// Counts the mails that wait.
pub async fn count(db: &Db) -> sqlx::Result<i64> {
    let (count,): (i64,) = db.sql("SELECT COUNT(*) FROM mails").one().await?;
    Ok(count)
}
