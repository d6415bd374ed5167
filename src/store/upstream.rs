//! Sign-ins through identity providers: trips there, the accounts that are linked, and the logins that came of them.

use crate::{
    domain::{
        id::{SessionId, UpstreamTripId, UserId},
        upstream::{Link, Trip},
    },
    store::db::{Db, Tx},
};

/// Inserts a trip.
pub async fn insert_trip(tx: &mut Tx, trip: &Trip) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO upstream_trips (id, browser_hash, provider_id, state_hash, nonce_hash, verifier, purpose,
             browser_session_id, act, target, grant_id, sso_login_id, place, wants_login, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(&trip.id)
    .bind(trip.browser_hash.as_slice())
    .bind(trip.provider_id.as_str())
    .bind(trip.state_hash.as_slice())
    .bind(trip.nonce_hash.as_slice())
    .bind(trip.verifier.as_deref())
    .bind(trip.purpose.as_str())
    .bind(trip.browser_session_id.as_ref())
    .bind(trip.act.as_deref())
    .bind(trip.target.as_deref())
    .bind(trip.grant_id.as_ref())
    .bind(trip.sso_login_id.as_ref())
    .bind(trip.place.as_deref())
    .bind(trip.wants_login)
    .bind(trip.created_at)
    .bind(trip.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Finds a trip by what came back.
pub async fn find_trip_by_state(db: &Db, state_hash: &[u8]) -> sqlx::Result<Option<Trip>> {
    db.sql(
        "SELECT id, browser_hash, provider_id, state_hash, nonce_hash, verifier, purpose, browser_session_id, act, target,
             grant_id, sso_login_id, place, wants_login, created_at, expires_at, returned_at, subject, answer,
             answered_at, consumed_at
         FROM upstream_trips WHERE state_hash = $1",
    )
    .bind(state_hash)
    .optional()
    .await
}

/// Finds a trip.
pub async fn find_trip(db: &Db, id: &UpstreamTripId) -> sqlx::Result<Option<Trip>> {
    db.sql(
        "SELECT id, browser_hash, provider_id, state_hash, nonce_hash, verifier, purpose, browser_session_id, act, target,
             grant_id, sso_login_id, place, wants_login, created_at, expires_at, returned_at, subject, answer,
             answered_at, consumed_at
         FROM upstream_trips WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// The same within a transaction.
pub async fn find_trip_in(tx: &mut Tx, id: &UpstreamTripId) -> sqlx::Result<Option<Trip>> {
    tx.sql(
        "SELECT id, browser_hash, provider_id, state_hash, nonce_hash, verifier, purpose, browser_session_id, act, target,
             grant_id, sso_login_id, place, wants_login, created_at, expires_at, returned_at, subject, answer,
             answered_at, consumed_at
         FROM upstream_trips WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// Uses what came back; false when it was used before or is over (INV-01).
pub async fn use_state(tx: &mut Tx, id: &UpstreamTripId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(UpstreamTripId,)> = tx
        .sql(
            "UPDATE upstream_trips SET returned_at = $2
             WHERE id = $1 AND returned_at IS NULL AND expires_at > $2 RETURNING id",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Writes down whom the provider named, and what it said of them, sealed.
pub async fn answer_trip(
    tx: &mut Tx,
    id: &UpstreamTripId,
    subject: &str,
    answer: &[u8],
    now: i64,
) -> sqlx::Result<bool> {
    let changed = tx
        .sql(
            "UPDATE upstream_trips SET subject = $2, answer = $3, answered_at = $4
             WHERE id = $1 AND returned_at IS NOT NULL AND answered_at IS NULL AND consumed_at IS NULL",
        )
        .bind(id)
        .bind(subject)
        .bind(answer)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Consumes what came of a trip in the transaction of its effect; false when it was consumed or is over (INV-01).
pub async fn consume_trip(tx: &mut Tx, id: &UpstreamTripId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(UpstreamTripId,)> = tx
        .sql(
            "UPDATE upstream_trips SET consumed_at = $2
             WHERE id = $1 AND answered_at IS NOT NULL AND consumed_at IS NULL AND expires_at > $2 RETURNING id",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Deletes trips that ended before a moment.
pub async fn delete_trips_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM upstream_trips WHERE expires_at < $1").bind(before).execute().await
}

/// Finds whose a provider's account is (UPS-06).
pub async fn find_link(db: &Db, provider: &str, subject: &str) -> sqlx::Result<Option<Link>> {
    db.sql("SELECT id, provider_id, subject, user_id, created_at FROM upstream_links WHERE provider_id = $1 AND subject = $2")
        .bind(provider)
        .bind(subject)
        .optional()
        .await
}

/// The same within a transaction.
pub async fn find_link_in(tx: &mut Tx, provider: &str, subject: &str) -> sqlx::Result<Option<Link>> {
    tx.sql("SELECT id, provider_id, subject, user_id, created_at FROM upstream_links WHERE provider_id = $1 AND subject = $2")
        .bind(provider)
        .bind(subject)
        .optional()
        .await
}

/// Lists the links of a user, the oldest first.
pub async fn list_links(db: &Db, user: &UserId) -> sqlx::Result<Vec<Link>> {
    db.sql(
        "SELECT id, provider_id, subject, user_id, created_at FROM upstream_links WHERE user_id = $1 ORDER BY created_at, id",
    )
    .bind(user)
    .all()
    .await
}

/// The same within a transaction that took hold of the user.
pub async fn list_links_in(tx: &mut Tx, user: &UserId) -> sqlx::Result<Vec<Link>> {
    tx.sql(
        "SELECT id, provider_id, subject, user_id, created_at FROM upstream_links WHERE user_id = $1 ORDER BY created_at, id",
    )
    .bind(user)
    .all()
    .await
}

/// Inserts a link.
///
/// # Errors
/// A unique violation when the provider's account is linked already.
pub async fn insert_link(tx: &mut Tx, link: &Link) -> sqlx::Result<()> {
    tx.sql("INSERT INTO upstream_links (id, provider_id, subject, user_id, created_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(link.id.as_str())
        .bind(link.provider_id.as_str())
        .bind(link.subject.as_str())
        .bind(&link.user_id)
        .bind(link.created_at)
        .execute()
        .await?;
    Ok(())
}

/// Removes a link of a user; false when there is none.
pub async fn delete_link(tx: &mut Tx, user: &UserId, id: &str) -> sqlx::Result<bool> {
    let changed =
        tx.sql("DELETE FROM upstream_links WHERE id = $1 AND user_id = $2").bind(id).bind(user).execute().await?;
    Ok(changed > 0)
}

/// Removes the links of a user to a provider.
pub async fn delete_links_to(tx: &mut Tx, user: &UserId, provider: &str) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM upstream_links WHERE user_id = $1 AND provider_id = $2")
        .bind(user)
        .bind(provider)
        .execute()
        .await
}

/// The login at a provider that opened the login of a browser.
#[derive(Clone, sqlx::FromRow)]
pub struct UpstreamSession {
    pub browser_session_id: SessionId,
    pub provider_id: String,
    pub subject: String,
    pub sid: Option<String>,
    pub id_token: Option<Vec<u8>>,
    pub created_at: i64,
}

/// Inserts it.
pub async fn insert_session(tx: &mut Tx, session: &UpstreamSession) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO upstream_sessions (browser_session_id, provider_id, subject, sid, id_token, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&session.browser_session_id)
    .bind(session.provider_id.as_str())
    .bind(session.subject.as_str())
    .bind(session.sid.as_deref())
    .bind(session.id_token.as_deref())
    .bind(session.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Finds the login at a provider by which somebody is signed in in a browser.
pub async fn find_session(db: &Db, browser_session: &SessionId) -> sqlx::Result<Option<UpstreamSession>> {
    db.sql(
        "SELECT browser_session_id, provider_id, subject, sid, id_token, created_at
         FROM upstream_sessions WHERE browser_session_id = $1",
    )
    .bind(browser_session)
    .optional()
    .await
}

/// Forgets logins of which nothing is left here: neither the browser's own, nor a client's that was allowed in it.
pub async fn delete_idle_sessions(tx: &mut Tx, now: i64) -> sqlx::Result<u64> {
    tx.sql(
        "DELETE FROM upstream_sessions WHERE NOT EXISTS (
             SELECT 1 FROM sessions s WHERE s.id = upstream_sessions.browser_session_id AND s.ended_at IS NULL
                 AND (s.expires_at IS NULL OR s.expires_at > $1))
         AND NOT EXISTS (
             SELECT 1 FROM sessions s WHERE s.opened_by = upstream_sessions.browser_session_id AND s.ended_at IS NULL
                 AND (s.expires_at IS NULL OR s.expires_at > $1))",
    )
    .bind(now)
    .execute()
    .await
}
