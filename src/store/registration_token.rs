//! Registration tokens, and how often they can still be used. A sign-up in progress keeps one use of its token until it ends.

use crate::{
    domain::id::RegistrationTokenId,
    store::db::{Db, Tx},
};

/// A row of `registration_tokens`, with the uses that sign-ups in progress keep.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RegistrationToken {
    pub id: RegistrationTokenId,
    pub head: String,
    pub note: Option<String>,
    pub usage_limit: Option<i64>,
    pub times_used: i64,
    pub pending: i64,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    pub last_used_at: Option<i64>,
}

/// What a new registration token is made of.
pub struct NewRegistrationToken<'a> {
    pub id: &'a RegistrationTokenId,
    pub token_hash: Vec<u8>,
    pub head: &'a str,
    pub note: Option<&'a str>,
    pub usage_limit: Option<i64>,
    pub expires_at: Option<i64>,
    pub now: i64,
}

/// Inserts a token; false when there is such a token already.
pub async fn insert(tx: &mut Tx, new: NewRegistrationToken<'_>) -> sqlx::Result<bool> {
    let inserted = tx
        .sql(
            "INSERT INTO registration_tokens
                 (id, token_hash, head, note, usage_limit, times_used, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, 0, $6, $7) ON CONFLICT (token_hash) DO NOTHING",
        )
        .bind(new.id)
        .bind(new.token_hash)
        .bind(new.head)
        .bind(new.note)
        .bind(new.usage_limit)
        .bind(new.now)
        .bind(new.expires_at)
        .execute()
        .await?;
    Ok(inserted > 0)
}

/// Lists all tokens, the oldest first.
pub async fn list(db: &Db, now: i64) -> sqlx::Result<Vec<RegistrationToken>> {
    db.sql(
        "SELECT t.id, t.head, t.note, t.usage_limit, t.times_used, t.created_at, t.expires_at, t.revoked_at,
             t.last_used_at, (SELECT COUNT(*) FROM registrations r WHERE r.registration_token_id = t.id
                 AND r.consumed_at IS NULL AND r.expires_at > $1) AS pending
         FROM registration_tokens t ORDER BY t.created_at, t.id",
    )
    .bind(now)
    .all()
    .await
}

/// Finds a token by itself or by its id, whatever became of it.
pub async fn find(tx: &mut Tx, token_hash: &[u8], id: &str) -> sqlx::Result<Option<RegistrationTokenId>> {
    let row: Option<(RegistrationTokenId,)> = tx
        .sql("SELECT id FROM registration_tokens WHERE token_hash = $1 OR id = $2")
        .bind(token_hash)
        .bind(id)
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Finds a token by which this browser can sign up: not revoked, not expired, not used up by accounts and by the sign-ups of
/// other browsers.
pub async fn find_usable(
    db: &Db,
    token_hash: &[u8],
    browser_hash: &[u8],
    now: i64,
) -> sqlx::Result<Option<RegistrationTokenId>> {
    let row: Option<(RegistrationTokenId,)> = db
        .sql(
            "SELECT t.id FROM registration_tokens t
             WHERE t.token_hash = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $3)
                 AND (t.usage_limit IS NULL OR t.usage_limit > t.times_used + (SELECT COUNT(*) FROM registrations r
                     WHERE r.registration_token_id = t.id AND r.consumed_at IS NULL AND r.expires_at > $3
                         AND r.browser_hash <> $2))",
        )
        .bind(token_hash)
        .bind(browser_hash)
        .bind(now)
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Takes hold of a token for the rest of the transaction: its uses are counted by one after the other. In one statement with
/// the counting, PostgreSQL would count what it saw before it waited.
pub async fn hold(tx: &mut Tx, id: &RegistrationTokenId) -> sqlx::Result<()> {
    tx.sql("UPDATE registration_tokens SET times_used = times_used WHERE id = $1").bind(id).execute().await?;
    Ok(())
}

/// Tells whether the sign-ups that keep a token, and the accounts that it made, are no more than it allows.
pub async fn suffices(tx: &mut Tx, id: &RegistrationTokenId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(RegistrationTokenId,)> = tx
        .sql(
            "SELECT t.id FROM registration_tokens t
             WHERE t.id = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2)
                 AND (t.usage_limit IS NULL OR t.usage_limit >= t.times_used + (SELECT COUNT(*) FROM registrations r
                     WHERE r.registration_token_id = t.id AND r.consumed_at IS NULL AND r.expires_at > $2))",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Counts a use; false when the token is revoked, expired or used up (INV-01).
pub async fn consume(tx: &mut Tx, id: &RegistrationTokenId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(RegistrationTokenId,)> = tx
        .sql(
            "UPDATE registration_tokens SET times_used = times_used + 1, last_used_at = $2
             WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)
                 AND (usage_limit IS NULL OR usage_limit > times_used) RETURNING id",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Takes a use back of which no account came.
pub async fn give_back(tx: &mut Tx, id: &RegistrationTokenId) -> sqlx::Result<()> {
    tx.sql("UPDATE registration_tokens SET times_used = times_used - 1 WHERE id = $1 AND times_used > 0")
        .bind(id)
        .execute()
        .await?;
    Ok(())
}

/// Revokes a token; false when it was revoked already.
pub async fn revoke(tx: &mut Tx, id: &RegistrationTokenId, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE registration_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Takes a revocation back; false when there was none.
pub async fn unrevoke(tx: &mut Tx, id: &RegistrationTokenId) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE registration_tokens SET revoked_at = NULL WHERE id = $1 AND revoked_at IS NOT NULL")
        .bind(id)
        .execute()
        .await?;
    Ok(changed > 0)
}
