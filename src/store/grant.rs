//! Authorizations in progress and their codes.

use crate::{
    domain::{
        amr::Amr,
        grant::Grant,
        id::{GrantId, SessionId, UserId},
    },
    store::db::{Db, Tx},
};

/// Inserts a fresh authorization.
pub async fn insert(tx: &mut Tx, grant: &Grant) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO grants (id, browser_hash, client_id, redirect_uri, scope, state, nonce, response_mode,
             code_challenge, wants_login, wants_registration, max_age, login_hint, ui_locales, created_at, expires_at,
             acr_values, wants_consent, wants_choice, expected_user_id, claims, resource, pushed_request_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)",
    )
    .bind(&grant.id)
    .bind(grant.browser_hash.as_slice())
    .bind(&grant.client_id)
    .bind(&grant.redirect_uri)
    .bind(&grant.scope)
    .bind(grant.state.as_deref())
    .bind(grant.nonce.as_deref())
    .bind(&grant.response_mode)
    .bind(grant.code_challenge.as_deref())
    .bind(grant.wants_login)
    .bind(grant.wants_registration)
    .bind(grant.max_age)
    .bind(grant.login_hint.as_deref())
    .bind(grant.ui_locales.as_deref())
    .bind(grant.created_at)
    .bind(grant.expires_at)
    .bind(grant.acr_values.as_deref())
    .bind(grant.wants_consent)
    .bind(grant.wants_choice)
    .bind(grant.expected_user_id.as_ref())
    .bind(grant.claims.as_deref())
    .bind(grant.resource.as_deref())
    .bind(grant.pushed_request_hash.as_deref())
    .execute()
    .await?;
    Ok(())
}

/// Finds an authorization.
pub async fn find(db: &Db, id: &GrantId) -> sqlx::Result<Option<Grant>> {
    db.sql(
        "SELECT id, browser_hash, client_id, redirect_uri, scope, state, nonce, response_mode, code_challenge,
             wants_login, wants_registration, max_age, login_hint, ui_locales, created_at, expires_at, decided_at,
             user_id, browser_session_id, auth_time, amr, acr_values, code_expires_at, consumed_at, session_id,
             wants_consent, wants_choice, chosen_session_id, expected_user_id, claims, resource, pushed_request_hash
         FROM grants WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// Finds the authorization that issued a code.
pub async fn find_by_code(db: &Db, code_hash: &[u8]) -> sqlx::Result<Option<Grant>> {
    db.sql(
        "SELECT id, browser_hash, client_id, redirect_uri, scope, state, nonce, response_mode, code_challenge,
             wants_login, wants_registration, max_age, login_hint, ui_locales, created_at, expires_at, decided_at,
             user_id, browser_session_id, auth_time, amr, acr_values, code_expires_at, consumed_at, session_id,
             wants_consent, wants_choice, chosen_session_id, expected_user_id, claims, resource, pushed_request_hash
         FROM grants WHERE code_hash = $1",
    )
    .bind(code_hash)
    .optional()
    .await
}

/// What is written down when a person allows.
pub struct Approval<'a> {
    pub user: &'a UserId,
    pub browser_session: &'a SessionId,
    pub auth_time: i64,
    pub amr: Option<&'a Amr>,
    pub scope: &'a str,
    pub code_hash: &'a [u8],
    pub code_expires_at: i64,
}

/// Records that a person allowed; false when the authorization was over (INV-01).
pub async fn approve(tx: &mut Tx, id: &GrantId, approval: &Approval<'_>, now: i64) -> sqlx::Result<bool> {
    let row: Option<(GrantId,)> = tx
        .sql(
            "UPDATE grants SET decided_at = $2, user_id = $3, browser_session_id = $4, auth_time = $5, scope = $6,
                 code_hash = $7, code_expires_at = $8, amr = $9
             WHERE id = $1 AND decided_at IS NULL AND expires_at > $2 RETURNING id",
        )
        .bind(id)
        .bind(now)
        .bind(approval.user)
        .bind(approval.browser_session)
        .bind(approval.auth_time)
        .bind(approval.scope)
        .bind(approval.code_hash)
        .bind(approval.code_expires_at)
        .bind(approval.amr.map(Amr::as_str))
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Notes with which login of the browser the person goes on; false when the authorization was over.
pub async fn choose(tx: &mut Tx, id: &GrantId, login: &SessionId, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE grants SET chosen_session_id = $2 WHERE id = $1 AND decided_at IS NULL AND expires_at > $3")
        .bind(id)
        .bind(login)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Records that a person refused; false when the authorization was over (INV-01).
pub async fn deny(tx: &mut Tx, id: &GrantId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(GrantId,)> = tx
        .sql("UPDATE grants SET decided_at = $2 WHERE id = $1 AND decided_at IS NULL AND expires_at > $2 RETURNING id")
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Consumes the code of an authorization for a session; false when it was consumed or expired, or when the browser that
/// made it was signed out (INV-01, TOK-01).
pub async fn consume_code(tx: &mut Tx, id: &GrantId, session: &SessionId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(GrantId,)> = tx
        .sql(
            "UPDATE grants SET consumed_at = $2, session_id = $3
             WHERE id = $1 AND consumed_at IS NULL AND code_expires_at > $2
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

/// Burns the code of an authorization without giving anything for it; false when it was consumed already.
pub async fn burn_code(tx: &mut Tx, id: &GrantId, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE grants SET consumed_at = $2 WHERE id = $1 AND consumed_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Deletes authorizations that ended before a moment; nothing decides by their absence.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM grants WHERE expires_at < $1").bind(before).execute().await
}
