//! What relying parties have to hear of logouts, and the leases by which each is told by one at a time.

use crate::{
    domain::id::{ClientId, LogoutNoticeId, SessionId, UserId},
    store::db::{Db, Tx},
};

/// A notice to be inserted.
pub struct NewNotice<'a> {
    pub id: &'a LogoutNoticeId,
    pub client: &'a ClientId,
    pub user: &'a UserId,
    /// The login of the browser that ended; absent where all of the person did.
    pub sid: Option<&'a SessionId>,
    pub now: i64,
}

/// Inserts a notice that is due at once.
pub async fn insert(tx: &mut Tx, notice: NewNotice<'_>) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO logout_notices (id, client_id, user_id, sid, created_at, run_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $5, $6)",
    )
    .bind(notice.id)
    .bind(notice.client)
    .bind(notice.user)
    .bind(notice.sid)
    .bind(notice.now)
    .bind(0)
    .execute()
    .await?;
    Ok(())
}

/// Lists some notices that are due, those that waited longest first: of each client one, and none of a client that is being
/// told something just now.
pub async fn list_due(db: &Db, now: i64) -> sqlx::Result<Vec<LogoutNoticeId>> {
    let rows: Vec<(LogoutNoticeId,)> = db
        .sql(
            "SELECT n.id FROM logout_notices n
             WHERE n.run_at <= $1
                 AND NOT EXISTS (
                     SELECT 1 FROM logout_notices h WHERE h.client_id = n.client_id AND h.leased_until > $1)
                 AND NOT EXISTS (
                     SELECT 1 FROM logout_notices o WHERE o.client_id = n.client_id AND o.run_at <= $1
                         AND (o.run_at < n.run_at OR (o.run_at = n.run_at AND o.id < n.id)))
             ORDER BY n.run_at, n.id LIMIT 32",
        )
        .bind(now)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// A notice that somebody holds.
#[derive(Debug, sqlx::FromRow)]
pub struct Notice {
    pub id: LogoutNoticeId,
    pub client_id: ClientId,
    pub user_id: UserId,
    pub sid: Option<SessionId>,
    pub attempts: i64,
    pub holder: String,
}

/// Leases a notice that is due; nothing when somebody else was faster.
pub async fn lease(
    tx: &mut Tx,
    id: &LogoutNoticeId,
    holder: &str,
    until: i64,
    now: i64,
) -> sqlx::Result<Option<Notice>> {
    tx.sql(
        "UPDATE logout_notices SET holder = $2, leased_until = $3
         WHERE id = $1 AND run_at <= $4 AND (leased_until IS NULL OR leased_until <= $4)
         RETURNING id, client_id, user_id, sid, attempts, holder",
    )
    .bind(id)
    .bind(holder)
    .bind(until)
    .bind(now)
    .optional()
    .await
}

/// Removes a notice that was heard, or is given up.
pub async fn delete(tx: &mut Tx, id: &LogoutNoticeId, holder: &str) -> sqlx::Result<()> {
    tx.sql("DELETE FROM logout_notices WHERE id = $1 AND holder = $2").bind(id).bind(holder).execute().await?;
    Ok(())
}

/// Notes a failed attempt and when to try again.
pub async fn retry_at(tx: &mut Tx, id: &LogoutNoticeId, holder: &str, run_at: i64, error: &str) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE logout_notices
         SET run_at = $3, attempts = attempts + 1, last_error = $4, holder = NULL, leased_until = NULL
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

/// Counts the notices that wait.
pub async fn count(db: &Db) -> sqlx::Result<i64> {
    let (count,): (i64,) = db.sql("SELECT COUNT(*) FROM logout_notices").one().await?;
    Ok(count)
}

/// A relying party, as far as the text of its metadata says where it wants to hear, and what it knows the login by.
#[derive(Debug, sqlx::FromRow)]
pub struct RelyingParty {
    pub client_id: ClientId,
    pub metadata: String,
    /// The login of the browser through which it knows the person; absent where all of them are meant.
    pub sid: Option<SessionId>,
}

/// Lists the relying parties that got an ID token through a login of a browser, or through one that it goes on.
pub async fn list_parties_of_browser(tx: &mut Tx, first: &SessionId) -> sqlx::Result<Vec<RelyingParty>> {
    tx.sql(
        "SELECT DISTINCT s.client_id, c.metadata, s.opened_by AS sid
         FROM sessions s JOIN clients c ON c.id = s.client_id
         WHERE s.opened_by IN (SELECT id FROM sessions WHERE id = $1 OR renews = $1)
             AND s.kind = 'oauth' AND (' ' || s.scope || ' ') LIKE '% openid %' AND c.disabled_at IS NULL
         ORDER BY s.client_id, s.opened_by",
    )
    .bind(first)
    .all()
    .await
}

/// Lists the relying parties that may still know a person by an ID token.
pub async fn list_parties_of_person(tx: &mut Tx, user: &UserId, since: i64) -> sqlx::Result<Vec<RelyingParty>> {
    tx.sql(
        "SELECT DISTINCT s.client_id, c.metadata, CAST(NULL AS TEXT) AS sid
         FROM sessions s JOIN clients c ON c.id = s.client_id
         WHERE s.user_id = $1 AND (s.ended_at IS NULL OR s.last_active_at > $2)
             AND s.kind = 'oauth' AND (' ' || s.scope || ' ') LIKE '% openid %' AND c.disabled_at IS NULL
         ORDER BY s.client_id",
    )
    .bind(user)
    .bind(since)
    .all()
    .await
}

/// Lists the relying party of one session, with the login through which it knows the person.
pub async fn list_party_of_session(tx: &mut Tx, session: &SessionId) -> sqlx::Result<Vec<RelyingParty>> {
    tx.sql(
        "SELECT s.client_id, c.metadata, s.opened_by AS sid FROM sessions s JOIN clients c ON c.id = s.client_id
         WHERE s.id = $1 AND s.opened_by IS NOT NULL
             AND s.kind = 'oauth' AND (' ' || s.scope || ' ') LIKE '% openid %' AND c.disabled_at IS NULL",
    )
    .bind(session)
    .all()
    .await
}
