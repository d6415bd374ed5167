//! Logins of older clients through the browser, and their login tokens.

use crate::{
    domain::{
        amr::Amr,
        id::{SessionId, SsoLoginId, UserId},
        sso_login::SsoLogin,
    },
    store::db::{Db, Tx},
};

/// Inserts a fresh one.
pub async fn insert(tx: &mut Tx, login: &SsoLogin) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO sso_logins (id, browser_hash, redirect_url, wants_registration, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&login.id)
    .bind(login.browser_hash.as_slice())
    .bind(&login.redirect_url)
    .bind(login.wants_registration)
    .bind(login.created_at)
    .bind(login.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Finds one by id.
pub async fn find(db: &Db, id: &SsoLoginId) -> sqlx::Result<Option<SsoLogin>> {
    db.sql(
        "SELECT id, browser_hash, redirect_url, wants_registration, created_at, expires_at, decided_at, user_id,
             browser_session_id, auth_time, amr, token_expires_at, consumed_at, session_id
         FROM sso_logins WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// Finds the one that issued a login token.
pub async fn find_by_token(db: &Db, token_hash: &[u8]) -> sqlx::Result<Option<SsoLogin>> {
    db.sql(
        "SELECT id, browser_hash, redirect_url, wants_registration, created_at, expires_at, decided_at, user_id,
             browser_session_id, auth_time, amr, token_expires_at, consumed_at, session_id
         FROM sso_logins WHERE token_hash = $1",
    )
    .bind(token_hash)
    .optional()
    .await
}

/// What is written down when a person allows.
pub struct Approval<'a> {
    pub user: &'a UserId,
    pub browser_session: &'a SessionId,
    pub auth_time: i64,
    pub amr: Option<&'a Amr>,
    pub token_hash: &'a [u8],
    pub token_expires_at: i64,
}

/// Records that a person allowed; false when it was over (INV-01).
pub async fn approve(tx: &mut Tx, id: &SsoLoginId, approval: &Approval<'_>, now: i64) -> sqlx::Result<bool> {
    let row: Option<(SsoLoginId,)> = tx
        .sql(
            "UPDATE sso_logins SET decided_at = $2, user_id = $3, browser_session_id = $4, auth_time = $5,
                 token_hash = $6, token_expires_at = $7, amr = $8
             WHERE id = $1 AND decided_at IS NULL AND expires_at > $2 RETURNING id",
        )
        .bind(id)
        .bind(now)
        .bind(approval.user)
        .bind(approval.browser_session)
        .bind(approval.auth_time)
        .bind(approval.token_hash)
        .bind(approval.token_expires_at)
        .bind(approval.amr.map(Amr::as_str))
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Records that a person refused; false when it was over (INV-01).
pub async fn deny(tx: &mut Tx, id: &SsoLoginId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(SsoLoginId,)> = tx
        .sql(
            "UPDATE sso_logins SET decided_at = $2
             WHERE id = $1 AND decided_at IS NULL AND expires_at > $2 RETURNING id",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Consumes the login token for a session; false when it was consumed or expired, or when the browser that made it was
/// signed out (INV-01, CMP-16).
pub async fn consume_token(tx: &mut Tx, id: &SsoLoginId, session: &SessionId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(SsoLoginId,)> = tx
        .sql(
            "UPDATE sso_logins SET consumed_at = $2, session_id = $3
             WHERE id = $1 AND consumed_at IS NULL AND token_expires_at > $2
                 AND EXISTS (SELECT 1 FROM sessions b WHERE b.id = browser_session_id AND b.ended_at IS NULL)
             RETURNING id",
        )
        .bind(id)
        .bind(now)
        .bind(session)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Deletes those that ended before a moment; nothing decides by their absence.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM sso_logins WHERE expires_at < $1").bind(before).execute().await
}
