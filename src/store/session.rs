//! Sessions of every kind.

use crate::{
    domain::{
        amr::Amr,
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
    /// How the person proved who they are.
    pub amr: Option<&'a Amr>,
    /// The login of the browser that let it in.
    pub opened_by: Option<&'a SessionId>,
    /// What is told beside the scope, as [`crate::domain::claims::Claims`] keeps it.
    pub claims: Option<&'a str>,
    /// What the tokens are for, beside the homeserver.
    pub resource: Option<&'a str>,
    pub expires_at: Option<i64>,
    pub now: i64,
}

/// Inserts a session.
pub async fn insert(tx: &mut Tx, session: NewSession<'_>) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO sessions (id, kind, user_id, client_id, family_hash, scope, device_id, user_agent,
             created_at, auth_time, expires_at, last_active_at, last_active_ip, device_name, amr, opened_by,
             claims, resource)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $9, $12, $13, $14, $15, $16, $17)",
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
    .bind(session.amr.map(Amr::as_str))
    .bind(session.opened_by)
    .bind(session.claims)
    .bind(session.resource)
    .execute()
    .await?;
    Ok(())
}

/// Finds the session of a token whose own row may be gone, by the half that all tokens of the session share.
pub async fn find_by_family(db: &Db, family_hash: &[u8]) -> sqlx::Result<Option<Session>> {
    db.sql(
        "SELECT s.id AS session_id, s.kind, s.user_id, s.client_id, s.scope, s.device_id,
             s.created_at AS session_created_at, s.auth_time, s.amr, s.claims, s.resource,
             s.expires_at AS session_expires_at, s.ended_at,
             s.last_active_at, s.last_active_ip AS login_ip, u.username, u.is_admin AS user_is_admin,
             u.locked_at AS user_locked_at, u.deactivated_at AS user_deactivated_at, c.disabled_at AS client_disabled_at
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
             s.created_at AS session_created_at, s.auth_time, s.amr, s.claims, s.resource,
             s.expires_at AS session_expires_at, s.ended_at,
             s.last_active_at, s.last_active_ip AS login_ip, u.username, u.is_admin AS user_is_admin,
             u.locked_at AS user_locked_at, u.deactivated_at AS user_deactivated_at, c.disabled_at AS client_disabled_at
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

/// A session that expired, and whose it was.
#[derive(sqlx::FromRow)]
pub struct ExpiredSession {
    pub user_id: UserId,
    #[sqlx(flatten)]
    pub session: LiveSession,
}

/// A live session of some client; nobody's are those that it has for itself.
#[derive(sqlx::FromRow)]
pub struct ClientSession {
    pub user_id: Option<UserId>,
    #[sqlx(flatten)]
    pub session: LiveSession,
}

/// Lists sessions with a device that expired before a moment, some at a time.
pub async fn list_expired_with_device(tx: &mut Tx, before: i64) -> sqlx::Result<Vec<ExpiredSession>> {
    tx.sql(
        "SELECT id, user_id, kind, device_id, client_id FROM sessions
         WHERE expires_at < $1 AND ended_at IS NULL AND device_id IS NOT NULL AND user_id IS NOT NULL
         ORDER BY id LIMIT 500",
    )
    .bind(before)
    .all()
    .await
}

/// Lists logins of browsers that have expired, some at a time.
pub async fn list_expired_browsers(db: &Db, now: i64) -> sqlx::Result<Vec<ExpiredSession>> {
    db.sql(
        "SELECT id, user_id, kind, device_id, client_id FROM sessions
         WHERE expires_at <= $1 AND ended_at IS NULL AND kind = 'browser' AND user_id IS NOT NULL
         ORDER BY id LIMIT 500",
    )
    .bind(now)
    .all()
    .await
}

/// Notes that a login of a browser goes on another one of the same person.
pub async fn note_renewal(tx: &mut Tx, id: &SessionId, before: &SessionId) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE sessions SET renews = (SELECT COALESCE(b.renews, b.id) FROM sessions b WHERE b.id = $2) WHERE id = $1",
    )
    .bind(id)
    .bind(before)
    .execute()
    .await?;
    Ok(())
}

/// Gives the first of the logins of a browser that this one goes on; often itself.
pub async fn first_login(tx: &mut Tx, id: &SessionId) -> sqlx::Result<SessionId> {
    let row: Option<(SessionId,)> =
        tx.sql("SELECT COALESCE(renews, id) FROM sessions WHERE id = $1").bind(id).optional().await?;
    Ok(row.map_or_else(|| id.clone(), |(first,)| first))
}

/// Lists the live sessions of relying parties that last as long as the login of the browser through which they were opened:
/// those on no device and without `offline_access`.
pub async fn list_bound_to_browser(tx: &mut Tx, first: &SessionId) -> sqlx::Result<Vec<SessionId>> {
    let rows: Vec<(SessionId,)> = tx
        .sql(
            "SELECT id FROM sessions
             WHERE opened_by IN (SELECT b.id FROM sessions b WHERE b.id = $1 OR b.renews = $1) AND ended_at IS NULL
                 AND kind = 'oauth' AND device_id IS NULL AND (' ' || scope || ' ') NOT LIKE '% offline_access %'
             ORDER BY id",
        )
        .bind(first)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Tells whether one login of a browser is another, or goes it on.
pub async fn is_same_login(db: &Db, id: &SessionId, other: &SessionId) -> sqlx::Result<bool> {
    let row: Option<(i64,)> = db
        .sql(
            "SELECT CAST(1 AS BIGINT) FROM sessions a JOIN sessions b ON COALESCE(b.renews, b.id) = COALESCE(a.renews, a.id)
             WHERE a.id = $1 AND b.id = $2 AND a.kind = 'browser'",
        )
        .bind(id)
        .bind(other)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Ends the sessions of clients without a device that expired before a moment, and forgets their tokens. Of those that
/// clients had for themselves nothing is kept.
pub async fn end_expired(tx: &mut Tx, before: i64, reason: EndReason) -> sqlx::Result<u64> {
    let ended = tx
        .sql(
            "UPDATE sessions SET ended_at = expires_at, end_reason = $2
             WHERE expires_at < $1 AND ended_at IS NULL AND device_id IS NULL AND kind <> 'browser'",
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
    pub client_id: Option<ClientId>,
    pub device_id: Option<String>,
}

/// Lists the live sessions of a user, of every kind, the oldest first.
pub async fn list_live(tx: &mut Tx, user: &UserId) -> sqlx::Result<Vec<LiveSession>> {
    tx.sql("SELECT id, kind, client_id, device_id FROM sessions WHERE user_id = $1 AND ended_at IS NULL ORDER BY id")
        .bind(user)
        .all()
        .await
}

/// Lists the live sessions of a client.
pub async fn list_live_of_client(tx: &mut Tx, client: &ClientId) -> sqlx::Result<Vec<ClientSession>> {
    tx.sql("SELECT id, user_id, kind, device_id, client_id FROM sessions WHERE client_id = $1 AND ended_at IS NULL ORDER BY id")
        .bind(client)
        .all()
        .await
}

/// Lists the live sessions of a client that knows who a user is and holds no device.
pub async fn list_live_of_relying_party(
    tx: &mut Tx,
    user: &UserId,
    client: &ClientId,
) -> sqlx::Result<Vec<LiveSession>> {
    tx.sql(
        "SELECT id, kind, client_id, device_id FROM sessions
         WHERE user_id = $1 AND client_id = $2 AND kind = 'oauth' AND device_id IS NULL AND ended_at IS NULL ORDER BY id",
    )
    .bind(user)
    .bind(client)
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

/// A live session as the person sees it whose it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OwnSession {
    pub id: SessionId,
    pub kind: String,
    /// Of its OAuth client.
    pub metadata: Option<String>,
    pub device_name: Option<String>,
    pub device_id: Option<String>,
    pub scope: String,
    pub user_agent: Option<String>,
    pub created_at: i64,
    pub amr: Option<Amr>,
    pub last_active_at: i64,
    pub last_active_ip: Option<String>,
}

/// Which live sessions of a user are listed, the most recently used first.
pub struct Wanted<'a> {
    pub user: &'a UserId,
    /// The one that is shown by itself.
    pub except: &'a SessionId,
    /// Apps that only know who somebody is, or all others: browsers, and apps on devices.
    pub are_relying_parties: bool,
    /// When the last one of the page before was used, and which it was.
    pub behind: (i64, &'a SessionId),
    pub most: i64,
}

/// Lists live sessions of a user.
pub async fn list_own(db: &Db, wanted: &Wanted<'_>, now: i64) -> sqlx::Result<Vec<OwnSession>> {
    db.sql(
        "SELECT s.id, s.kind, c.metadata, s.device_name, s.device_id, s.scope, s.user_agent, s.created_at, s.amr,
             s.last_active_at, s.last_active_ip
         FROM sessions s LEFT JOIN clients c ON c.id = s.client_id
         WHERE s.user_id = $1 AND s.id <> $2 AND s.ended_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > $3)
             AND (s.kind = 'oauth' AND s.device_id IS NULL) = $4
             AND (s.last_active_at < $5 OR (s.last_active_at = $5 AND s.id < $6))
         ORDER BY s.last_active_at DESC, s.id DESC LIMIT $7",
    )
    .bind(wanted.user)
    .bind(wanted.except)
    .bind(now)
    .bind(wanted.are_relying_parties)
    .bind(wanted.behind.0)
    .bind(wanted.behind.1)
    .bind(wanted.most)
    .all()
    .await
}

/// Finds a live session of a user.
pub async fn find_own(db: &Db, user: &UserId, id: &SessionId, now: i64) -> sqlx::Result<Option<OwnSession>> {
    db.sql(
        "SELECT s.id, s.kind, c.metadata, s.device_name, s.device_id, s.scope, s.user_agent, s.created_at, s.amr,
             s.last_active_at, s.last_active_ip
         FROM sessions s LEFT JOIN clients c ON c.id = s.client_id
         WHERE s.id = $1 AND s.user_id = $2 AND s.ended_at IS NULL AND (s.expires_at IS NULL OR s.expires_at > $3)",
    )
    .bind(id)
    .bind(user)
    .bind(now)
    .optional()
    .await
}

/// Finds the live session of a user on a device; the latest, should an import have left several.
pub async fn find_on_device(db: &Db, user: &UserId, device_id: &str, now: i64) -> sqlx::Result<Option<SessionId>> {
    let row: Option<(SessionId,)> = db
        .sql(
            "SELECT id FROM sessions
             WHERE user_id = $1 AND device_id = $2 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $3)
             ORDER BY created_at DESC, id DESC LIMIT 1",
        )
        .bind(user)
        .bind(device_id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Finds a live session of a user, as far as ending it asks for.
pub async fn find_live(tx: &mut Tx, user: &UserId, id: &SessionId) -> sqlx::Result<Option<LiveSession>> {
    tx.sql("SELECT id, kind, client_id, device_id FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NULL")
        .bind(id)
        .bind(user)
        .optional()
        .await
}

/// Notes what a person calls the device of a session; false when the session has ended.
pub async fn set_device_name(tx: &mut Tx, user: &UserId, id: &SessionId, name: &str) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE sessions SET device_name = $3 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL")
        .bind(id)
        .bind(user)
        .bind(name)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Lets a session call its device as one before it did: a new login does not rename it at the homeserver either.
pub async fn inherit_device_name(tx: &mut Tx, id: &SessionId, older: &SessionId) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE sessions SET device_name = COALESCE((SELECT device_name FROM sessions WHERE id = $2), device_name)
         WHERE id = $1",
    )
    .bind(id)
    .bind(older)
    .execute()
    .await?;
    Ok(())
}

/// Lists the browsers in which a user signed in since a moment, and the one in which the account was created, as each called
/// itself. An administrator creates accounts from no address.
pub async fn list_browsers(db: &Db, user: &UserId, since: i64) -> sqlx::Result<Vec<Option<String>>> {
    let rows: Vec<(Option<String>,)> = db
        .sql(
            "SELECT user_agent FROM sessions WHERE user_id = $1 AND kind = 'browser' AND created_at > $2
             UNION SELECT user_agent FROM account_events
             WHERE user_id = $1 AND kind = 'registered' AND ip IS NOT NULL
             LIMIT 200",
        )
        .bind(user)
        .bind(since)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(user_agent,)| user_agent).collect())
}

/// Tells whether a user had another session of a client, which may have ended.
pub async fn had_client(tx: &mut Tx, user: &UserId, client: &ClientId, except: &SessionId) -> sqlx::Result<bool> {
    let row: Option<(i64,)> = tx
        .sql("SELECT CAST(1 AS BIGINT) FROM sessions WHERE user_id = $1 AND client_id = $2 AND id <> $3 LIMIT 1")
        .bind(user)
        .bind(client)
        .bind(except)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Finds what names the app of a session: the metadata of its client, and what it calls its device.
pub async fn find_application(db: &Db, id: &SessionId) -> sqlx::Result<Option<(Option<String>, Option<String>)>> {
    db.sql("SELECT c.metadata, s.device_name FROM sessions s LEFT JOIN clients c ON c.id = s.client_id WHERE s.id = $1")
        .bind(id)
        .optional()
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

/// Counts the devices on which a user is signed in, without one.
pub async fn count_devices(db: &Db, user: &UserId, except: &str, now: i64) -> sqlx::Result<i64> {
    let row: (i64,) = db
        .sql(
            "SELECT COUNT(DISTINCT device_id) FROM sessions
             WHERE user_id = $1 AND device_id IS NOT NULL AND device_id <> $2 AND ended_at IS NULL
                 AND (expires_at IS NULL OR expires_at > $3)",
        )
        .bind(user)
        .bind(except)
        .bind(now)
        .one()
        .await?;
    Ok(row.0)
}

/// Gives the login of the browser in which a client's session was allowed.
pub async fn find_opener(db: &Db, id: &SessionId) -> sqlx::Result<Option<SessionId>> {
    let row: Option<(Option<SessionId>,)> =
        db.sql("SELECT opened_by FROM sessions WHERE id = $1").bind(id).optional().await?;
    Ok(row.and_then(|(opener,)| opener))
}
