//! Sessions of every kind.

use crate::{
    domain::{
        id::{ClientId, SessionId, UserId},
        session::{EndReason, Session, SessionKind},
    },
    store::db::{Db, Tx},
};

/// A session to be inserted.
pub struct NewSession<'a> {
    pub id: &'a SessionId,
    pub kind: SessionKind,
    pub user: Option<&'a UserId>,
    pub client: Option<&'a ClientId>,
    pub family_hash: Vec<u8>,
    pub scope: String,
    pub device_id: Option<&'a str>,
    /// What an app that is no OAuth client calls its device.
    pub device_name: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub ip: Option<String>,
    pub auth_time: Option<i64>,
    pub expires_at: Option<i64>,
    pub now: i64,
}

/// Inserts a session.
pub async fn insert(tx: &mut Tx, session: NewSession<'_>) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO sessions (id, kind, user_id, client_id, family_hash, scope, device_id, user_agent,
             created_at, auth_time, expires_at, last_active_at, last_active_ip, device_name)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $9, $12, $13)",
    )
    .bind(session.id)
    .bind(session.kind.as_str())
    .bind(session.user)
    .bind(session.client)
    .bind(session.family_hash)
    .bind(session.scope)
    .bind(session.device_id)
    .bind(session.user_agent)
    .bind(session.now)
    .bind(session.auth_time)
    .bind(session.expires_at)
    .bind(session.ip)
    .bind(session.device_name)
    .execute()
    .await?;
    Ok(())
}

/// Finds the session of a token whose own row may be gone, by the half that all tokens of the session share.
pub async fn find_by_family(db: &Db, family_hash: &[u8]) -> sqlx::Result<Option<Session>> {
    db.sql(
        "SELECT s.id AS session_id, s.kind, s.user_id, s.client_id, s.scope, s.device_id,
             s.created_at AS session_created_at, s.auth_time, s.expires_at AS session_expires_at, s.ended_at,
             s.last_active_at, u.username, u.is_admin AS user_is_admin, u.locked_at AS user_locked_at,
             u.deactivated_at AS user_deactivated_at, c.disabled_at AS client_disabled_at
         FROM sessions s LEFT JOIN users u ON u.id = s.user_id LEFT JOIN clients c ON c.id = s.client_id
         WHERE s.family_hash = $1",
    )
    .bind(family_hash)
    .optional()
    .await
}

/// Gives a session the half that its tokens will share from now on: those of another server share none.
pub async fn adopt_family(tx: &mut Tx, id: &SessionId, family_hash: Vec<u8>) -> sqlx::Result<()> {
    tx.sql("UPDATE sessions SET family_hash = $2 WHERE id = $1").bind(id).bind(family_hash).execute().await?;
    Ok(())
}

/// Finds a session by id.
pub async fn find(db: &Db, id: &SessionId) -> sqlx::Result<Option<Session>> {
    db.sql(
        "SELECT s.id AS session_id, s.kind, s.user_id, s.client_id, s.scope, s.device_id,
             s.created_at AS session_created_at, s.auth_time, s.expires_at AS session_expires_at, s.ended_at,
             s.last_active_at, u.username, u.is_admin AS user_is_admin, u.locked_at AS user_locked_at,
             u.deactivated_at AS user_deactivated_at, c.disabled_at AS client_disabled_at
         FROM sessions s LEFT JOIN users u ON u.id = s.user_id LEFT JOIN clients c ON c.id = s.client_id
         WHERE s.id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// Ends a session and forgets its tokens; false when it had ended already.
pub async fn end(tx: &mut Tx, id: &SessionId, reason: EndReason, now: i64) -> sqlx::Result<bool> {
    let ended = tx
        .sql("UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL")
        .bind(id)
        .bind(now)
        .bind(reason.as_str())
        .execute()
        .await?;
    tx.sql("DELETE FROM tokens WHERE session_id = $1").bind(id).execute().await?;
    Ok(ended > 0)
}

/// A session whose device goes with it.
#[derive(sqlx::FromRow)]
pub struct ExpiredSession {
    pub id: SessionId,
    pub user_id: UserId,
    pub device_id: String,
}

/// Lists sessions with a device that expired before a moment, some at a time.
pub async fn list_expired_with_device(tx: &mut Tx, before: i64) -> sqlx::Result<Vec<ExpiredSession>> {
    tx.sql(
        "SELECT id, user_id, device_id FROM sessions
         WHERE expires_at < $1 AND ended_at IS NULL AND device_id IS NOT NULL AND user_id IS NOT NULL
         ORDER BY id LIMIT 500",
    )
    .bind(before)
    .all()
    .await
}

/// Ends the sessions without a device that expired before a moment, and forgets their tokens: logins of browsers, and
/// tokens of clients for themselves. Of the latter nothing is kept.
pub async fn end_expired(tx: &mut Tx, before: i64, reason: EndReason) -> sqlx::Result<u64> {
    let ended = tx
        .sql(
            "UPDATE sessions SET ended_at = expires_at, end_reason = $2
             WHERE expires_at < $1 AND ended_at IS NULL AND device_id IS NULL",
        )
        .bind(before)
        .bind(reason.as_str())
        .execute()
        .await?;
    tx.sql("DELETE FROM tokens WHERE session_id IN (SELECT id FROM sessions WHERE end_reason = $1)")
        .bind(reason.as_str())
        .execute()
        .await?;
    tx.sql("DELETE FROM sessions WHERE end_reason = $1 AND user_id IS NULL").bind(reason.as_str()).execute().await?;
    Ok(ended)
}

/// A live session, as far as ending it asks for.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LiveSession {
    pub id: SessionId,
    pub kind: String,
    pub device_id: Option<String>,
}

/// Lists the live sessions of a user, of every kind, the oldest first.
pub async fn list_live(tx: &mut Tx, user: &UserId) -> sqlx::Result<Vec<LiveSession>> {
    tx.sql("SELECT id, kind, device_id FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY id")
        .bind(user)
        .all()
        .await
}

/// Lists the other live sessions of a user on one device.
pub async fn list_on_device(
    tx: &mut Tx,
    user: &UserId,
    device_id: &str,
    except: &SessionId,
) -> sqlx::Result<Vec<SessionId>> {
    let rows: Vec<(SessionId,)> = tx
        .sql("SELECT id FROM sessions WHERE user_id = $1 AND device_id = $2 AND ended_at IS NULL AND id <> $3 ORDER BY id")
        .bind(user)
        .bind(device_id)
        .bind(except)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Tells whether any live session holds a device.
pub async fn is_device_held(db: &Db, user: &UserId, device_id: &str) -> sqlx::Result<bool> {
    let row: Option<(i64,)> = db
        .sql(
            "SELECT CAST(1 AS BIGINT) FROM sessions
             WHERE user_id = $1 AND device_id = $2 AND ended_at IS NULL LIMIT 1",
        )
        .bind(user)
        .bind(device_id)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// One line of the list that a person sees.
#[derive(sqlx::FromRow)]
pub struct SignedInApplication {
    /// Of an OAuth client.
    pub metadata: Option<String>,
    /// What any other app calls its device.
    pub device_name: Option<String>,
    pub device_id: Option<String>,
    pub created_at: i64,
    pub last_active_at: i64,
}

/// Lists the apps in which a user is signed in, the most recently used first.
pub async fn list_applications(db: &Db, user: &UserId) -> sqlx::Result<Vec<SignedInApplication>> {
    db.sql(
        "SELECT c.metadata, s.device_name, s.device_id, s.created_at, s.last_active_at
         FROM sessions s LEFT JOIN clients c ON c.id = s.client_id
         WHERE s.user_id = $1 AND s.kind <> 'browser' AND s.ended_at IS NULL AND c.disabled_at IS NULL
         ORDER BY s.last_active_at DESC, s.id DESC LIMIT 100",
    )
    .bind(user)
    .all()
    .await
}

/// Takes hold of a live session for the rest of the transaction; false when it has ended.
///
/// Whoever changes the tokens of a session does this first: on PostgreSQL it orders them, so that none deadlock, and
/// no token is minted for a session that ends at the same moment.
pub async fn hold(tx: &mut Tx, id: &SessionId, now: i64) -> sqlx::Result<bool> {
    let held = tx
        .sql("UPDATE sessions SET last_active_at = $2 WHERE id = $1 AND ended_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(held > 0)
}

/// Marks a session as used; older marks never overwrite newer ones.
pub async fn mark_active(tx: &mut Tx, id: &SessionId, at: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE sessions SET last_active_at = $2 WHERE id = $1 AND last_active_at < $2")
        .bind(id)
        .bind(at)
        .execute()
        .await?;
    Ok(())
}

/// Lets the login of a browser live on because it was used.
pub async fn prolong(tx: &mut Tx, id: &SessionId, expires_at: i64, now: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE sessions SET expires_at = $2, last_active_at = $3 WHERE id = $1 AND ended_at IS NULL")
        .bind(id)
        .bind(expires_at)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}
