//! The two ways in which a login at a provider ends: the provider tells of it, or the browser is sent there to sign out
//! (spec BCI-01 to BCI-04). The logins themselves are in `store::upstream`.

use crate::{
    domain::id::UserId,
    store::{db::Tx, session::LiveSession},
};

/// The logins at a provider that ended: one of its sessions, all of a person, or what is both.
pub struct EndedLogin<'a> {
    pub provider_id: &'a str,
    pub subject: Option<&'a str>,
    pub sid: Option<&'a str>,
}

/// A live session, and whose it is.
#[derive(sqlx::FromRow)]
pub struct UsersSession {
    pub user_id: UserId,
    #[sqlx(flatten)]
    pub session: LiveSession,
}

/// Lists the users whom it concerns, in the order in which they are held: who has a live session through it, and whose the
/// account at the provider is.
pub async fn list_users(tx: &mut Tx, login: &EndedLogin<'_>) -> sqlx::Result<Vec<UserId>> {
    let rows: Vec<(UserId,)> = tx
        .sql(
            "SELECT s.user_id FROM upstream_sessions u
                 JOIN sessions s ON s.id = u.browser_session_id OR s.opened_by = u.browser_session_id
             WHERE u.provider_id = $1 AND (CAST($2 AS TEXT) IS NULL OR u.subject = $2)
                 AND (CAST($3 AS TEXT) IS NULL OR u.sid = $3) AND s.ended_at IS NULL AND s.user_id IS NOT NULL
             UNION SELECT user_id FROM upstream_links WHERE provider_id = $1 AND subject = $2
             ORDER BY 1",
        )
        .bind(login.provider_id)
        .bind(login.subject)
        .bind(login.sid)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(user,)| user).collect())
}

/// Lists the live sessions that it opened, the browser's and those of the apps that the browser let in.
pub async fn list_live(tx: &mut Tx, login: &EndedLogin<'_>) -> sqlx::Result<Vec<UsersSession>> {
    tx.sql(
        "SELECT DISTINCT s.user_id, s.id, s.kind, s.client_id, s.device_id FROM upstream_sessions u
             JOIN sessions s ON s.id = u.browser_session_id OR s.opened_by = u.browser_session_id
         WHERE u.provider_id = $1 AND (CAST($2 AS TEXT) IS NULL OR u.subject = $2)
             AND (CAST($3 AS TEXT) IS NULL OR u.sid = $3) AND s.ended_at IS NULL AND s.user_id IS NOT NULL
         ORDER BY s.user_id, s.id",
    )
    .bind(login.provider_id)
    .bind(login.subject)
    .bind(login.sid)
    .all()
    .await
}

/// Ends the trips of a person that came back from the provider and led to no login yet; without a subject there is no telling
/// which they are.
pub async fn end_trips(tx: &mut Tx, login: &EndedLogin<'_>, now: i64) -> sqlx::Result<u64> {
    tx.sql(
        "UPDATE upstream_trips SET consumed_at = $3
         WHERE provider_id = $1 AND subject = $2 AND answered_at IS NOT NULL AND consumed_at IS NULL",
    )
    .bind(login.provider_id)
    .bind(login.subject)
    .bind(now)
    .execute()
    .await
}

/// Remembers a logout token; false when it came before.
pub async fn remember_token(tx: &mut Tx, provider_id: &str, jti_hash: &[u8], expires_at: i64) -> sqlx::Result<bool> {
    let inserted = tx
        .sql(
            "INSERT INTO logout_tokens (provider_id, jti_hash, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (provider_id, jti_hash) DO NOTHING",
        )
        .bind(provider_id)
        .bind(jti_hash)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(inserted > 0)
}

/// Notes that a browser is sent to a provider to sign out there.
pub async fn insert_logout(tx: &mut Tx, state_hash: &[u8], provider_id: &str, expires_at: i64) -> sqlx::Result<()> {
    tx.sql("INSERT INTO provider_logouts (state_hash, provider_id, expires_at) VALUES ($1, $2, $3)")
        .bind(state_hash)
        .bind(provider_id)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(())
}

/// Consumes what a browser comes back with; false when it is unknown, expired, used, or of another provider (INV-01).
pub async fn consume_logout(tx: &mut Tx, state_hash: &[u8], provider_id: &str, now: i64) -> sqlx::Result<bool> {
    let consumed = tx
        .sql(
            "UPDATE provider_logouts SET consumed_at = $3
             WHERE state_hash = $1 AND provider_id = $2 AND consumed_at IS NULL AND expires_at > $3",
        )
        .bind(state_hash)
        .bind(provider_id)
        .bind(now)
        .execute()
        .await?;
    Ok(consumed > 0)
}

/// Forgets the logout tokens and the ways out that are over; nothing decides by their absence.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<()> {
    tx.sql("DELETE FROM logout_tokens WHERE expires_at < $1").bind(before).execute().await?;
    tx.sql("DELETE FROM provider_logouts WHERE expires_at < $1").bind(before).execute().await?;
    Ok(())
}
