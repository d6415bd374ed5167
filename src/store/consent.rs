//! What people allowed applications, so that they are not asked again (CNS-03).

use crate::{
    domain::id::{ClientId, UserId},
    store::db::{Db, Tx},
};

/// A row of `consents`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Consent {
    pub user_id: UserId,
    pub client_id: ClientId,
    pub scope: String,
    pub destination: String,
    pub shown: Vec<u8>,
    pub created_at: i64,
    pub last_used_at: i64,
}

/// Notes what a person allows; what they allowed before is as new again.
pub async fn insert(tx: &mut Tx, consent: &Consent) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO consents (user_id, client_id, scope, destination, shown, created_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (user_id, client_id, scope, destination) DO UPDATE
         SET shown = excluded.shown, created_at = excluded.created_at, last_used_at = excluded.last_used_at",
    )
    .bind(&consent.user_id)
    .bind(&consent.client_id)
    .bind(&consent.scope)
    .bind(&consent.destination)
    .bind(consent.shown.as_slice())
    .bind(consent.created_at)
    .bind(consent.last_used_at)
    .execute()
    .await?;
    Ok(())
}

/// Lists what a person allowed an application.
pub async fn list_of_client(db: &Db, user: &UserId, client: &ClientId) -> sqlx::Result<Vec<Consent>> {
    db.sql(
        "SELECT user_id, client_id, scope, destination, shown, created_at, last_used_at FROM consents
         WHERE user_id = $1 AND client_id = $2 ORDER BY scope, destination",
    )
    .bind(user)
    .bind(client)
    .all()
    .await
}

/// What a person allowed an application, with what names the application.
#[derive(Debug, sqlx::FromRow)]
pub struct Allowed {
    pub client_id: ClientId,
    pub metadata: String,
    pub scope: String,
    pub destination: String,
    pub shown: Vec<u8>,
    pub created_at: i64,
}

/// Lists what a person allowed, the latest first.
pub async fn list(db: &Db, user: &UserId) -> sqlx::Result<Vec<Allowed>> {
    db.sql(
        "SELECT a.client_id, c.metadata, a.scope, a.destination, a.shown, a.created_at
         FROM consents a JOIN clients c ON c.id = a.client_id
         WHERE a.user_id = $1 AND c.disabled_at IS NULL
         ORDER BY a.created_at DESC, a.client_id, a.scope LIMIT 500",
    )
    .bind(user)
    .all()
    .await
}

/// Uses what a person allowed; false when they took it back (INV-01).
pub async fn mark_used(tx: &mut Tx, consent: &Consent, now: i64) -> sqlx::Result<bool> {
    let used = tx
        .sql(
            "UPDATE consents SET last_used_at = $6
             WHERE user_id = $1 AND client_id = $2 AND scope = $3 AND destination = $4 AND shown = $5",
        )
        .bind(&consent.user_id)
        .bind(&consent.client_id)
        .bind(&consent.scope)
        .bind(&consent.destination)
        .bind(consent.shown.as_slice())
        .bind(now)
        .execute()
        .await?;
    Ok(used > 0)
}

/// Forgets what a person allowed an application, and counts it.
pub async fn delete_of_client(tx: &mut Tx, user: &UserId, client: &ClientId) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM consents WHERE user_id = $1 AND client_id = $2").bind(user).bind(client).execute().await
}

/// Forgets everything that a person allowed.
pub async fn delete_of_user(tx: &mut Tx, user: &UserId) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM consents WHERE user_id = $1").bind(user).execute().await
}

/// Forgets what was not used since a moment.
pub async fn delete_unused_since(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM consents WHERE last_used_at < $1").bind(before).execute().await
}
