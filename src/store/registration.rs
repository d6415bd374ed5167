//! Sign-ups in progress.

use crate::{
    crypto::password::PasswordHash,
    domain::id::{GrantId, RegistrationId, RegistrationTokenId, SsoLoginId},
    store::db::{Db, Tx},
};

/// A row of `registrations`.
#[derive(Clone, sqlx::FromRow)]
pub struct Registration {
    pub id: RegistrationId,
    pub browser_hash: Vec<u8>,
    pub grant_id: Option<GrantId>,
    pub sso_login_id: Option<SsoLoginId>,
    pub registration_token_id: Option<RegistrationTokenId>,
    pub username: String,
    pub password_version: i64,
    pub password_hash: String,
    pub password_strength: i64,
    pub created_at: i64,
    pub expires_at: i64,
    pub consumed_at: Option<i64>,
}

/// Inserts a sign-up.
pub async fn insert(tx: &mut Tx, registration: &Registration) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO registrations (id, browser_hash, grant_id, username, password_version, password_hash,
             password_strength, created_at, expires_at, sso_login_id, registration_token_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(&registration.id)
    .bind(registration.browser_hash.as_slice())
    .bind(registration.grant_id.as_ref())
    .bind(&registration.username)
    .bind(registration.password_version)
    .bind(&registration.password_hash)
    .bind(registration.password_strength)
    .bind(registration.created_at)
    .bind(registration.expires_at)
    .bind(registration.sso_login_id.as_ref())
    .bind(registration.registration_token_id.as_ref())
    .execute()
    .await?;
    Ok(())
}

/// Finds a sign-up.
pub async fn find(db: &Db, id: &RegistrationId) -> sqlx::Result<Option<Registration>> {
    db.sql(
        "SELECT id, browser_hash, grant_id, username, password_version, password_hash, password_strength, created_at,
             expires_at, consumed_at, sso_login_id, registration_token_id
         FROM registrations WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// What the first form of a sign-up says.
pub struct FirstForm<'a> {
    pub username: &'a str,
    pub password: &'a PasswordHash,
    pub strength: i64,
    pub registration_token: Option<&'a RegistrationTokenId>,
}

/// Gives a sign-up what its first form says now; false when it was consumed or expired.
pub async fn change(tx: &mut Tx, id: &RegistrationId, form: FirstForm<'_>, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql(
            "UPDATE registrations
             SET username = $2, password_version = $3, password_hash = $4, password_strength = $5,
                 registration_token_id = $6
             WHERE id = $1 AND consumed_at IS NULL AND expires_at > $7",
        )
        .bind(id)
        .bind(form.username)
        .bind(form.password.version)
        .bind(&form.password.hash)
        .bind(form.strength)
        .bind(form.registration_token)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Gives back the uses of a token that other sign-ups of a browser keep: whoever begins again goes on with the last one.
pub async fn release_token(tx: &mut Tx, browser_hash: &[u8], token: &RegistrationTokenId) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE registrations SET registration_token_id = NULL
         WHERE registration_token_id = $2 AND browser_hash = $1 AND consumed_at IS NULL",
    )
    .bind(browser_hash)
    .bind(token)
    .execute()
    .await?;
    Ok(())
}

/// Consumes a sign-up; false when it was consumed or expired (INV-01).
pub async fn consume(tx: &mut Tx, id: &RegistrationId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(RegistrationId,)> = tx
        .sql(
            "UPDATE registrations SET consumed_at = $2
             WHERE id = $1 AND consumed_at IS NULL AND expires_at > $2 RETURNING id",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Deletes sign-ups that ended before a moment.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM registrations WHERE expires_at < $1").bind(before).execute().await
}
