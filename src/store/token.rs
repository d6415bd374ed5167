//! Tokens: what can be presented for a session. Only hashes are kept (INV-03).

use crate::{
    domain::{
        id::{SessionId, TokenId},
        session::PresentedToken,
    },
    store::db::{Db, Statement, Tx},
};

/// The kinds of the one token table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Access,
    Refresh,
    Cookie,
}

impl TokenKind {
    fn as_str(self) -> &'static str {
        match self {
            TokenKind::Access => "access",
            TokenKind::Refresh => "refresh",
            TokenKind::Cookie => "cookie",
        }
    }
}

/// A token to be inserted.
pub struct NewToken<'a> {
    pub id: &'a TokenId,
    pub session: &'a SessionId,
    pub kind: TokenKind,
    pub secret_hash: Vec<u8>,
    /// Absent: the scope of the session.
    pub scope: Option<&'a str>,
    pub expires_at: Option<i64>,
    pub now: i64,
}

impl NewToken<'_> {
    fn bind_to(self, statement: Statement<'_>) -> Statement<'_> {
        statement
            .bind(self.id)
            .bind(self.session)
            .bind(self.kind.as_str())
            .bind(self.secret_hash)
            .bind(self.scope)
            .bind(self.now)
            .bind(self.expires_at)
    }
}

/// Inserts a token.
pub async fn insert(tx: &mut Tx, token: NewToken<'_>) -> sqlx::Result<()> {
    let statement = tx.sql(
        "INSERT INTO tokens (id, session_id, kind, secret_hash, scope, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    );
    token.bind_to(statement).execute().await?;
    Ok(())
}

/// Inserts the two tokens of a pair in one statement: the refresh path is as long as its statements are many.
pub async fn insert_pair(tx: &mut Tx, [first, second]: [NewToken<'_>; 2]) -> sqlx::Result<()> {
    let statement = tx.sql(
        "INSERT INTO tokens (id, session_id, kind, secret_hash, scope, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7), ($8, $9, $10, $11, $12, $13, $14)",
    );
    second.bind_to(first.bind_to(statement)).execute().await?;
    Ok(())
}

/// Finds a presented token with its session, user and client: the one SELECT of the hot path.
pub async fn find(db: &Db, kind: TokenKind, secret_hash: &[u8]) -> sqlx::Result<Option<PresentedToken>> {
    db.sql(
        "SELECT t.id AS token_id, t.created_at AS token_created_at, t.expires_at AS token_expires_at, t.first_used_at,
             t.consumed_at, t.successor, t.successor_access_id, t.successor_refresh_id, s.id AS session_id, s.kind,
             s.user_id, s.client_id, COALESCE(t.scope, s.scope) AS scope, s.device_id, s.created_at AS session_created_at, s.auth_time, s.amr,
             s.claims, s.resource,
             s.expires_at AS session_expires_at, s.ended_at, s.last_active_at, s.last_active_ip AS login_ip, u.username,
             u.is_admin AS user_is_admin, u.locked_at AS user_locked_at, u.deactivated_at AS user_deactivated_at,
             c.disabled_at AS client_disabled_at
         FROM tokens t JOIN sessions s ON s.id = t.session_id LEFT JOIN users u ON u.id = s.user_id
             LEFT JOIN clients c ON c.id = s.client_id
         WHERE t.secret_hash = $1 AND t.kind = $2",
    )
    .bind(secret_hash)
    .bind(kind.as_str())
    .optional()
    .await
}

/// Marks the first use of an access token, durably before it is accepted (spec REF-04); false when the token is gone.
pub async fn mark_first_use(tx: &mut Tx, id: &TokenId, now: i64) -> sqlx::Result<bool> {
    let marked = tx
        .sql("UPDATE tokens SET first_used_at = COALESCE(first_used_at, $2) WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(marked > 0)
}

/// The pair that a refresh token was exchanged for.
pub struct Successor<'a> {
    pub sealed: Vec<u8>,
    pub access: &'a TokenId,
    pub refresh: &'a TokenId,
}

/// Consumes a refresh token for its successor; false when it was consumed already (INV-01).
pub async fn consume_refresh(tx: &mut Tx, id: &TokenId, successor: Successor<'_>, now: i64) -> sqlx::Result<bool> {
    let row: Option<(TokenId,)> = tx
        .sql(
            "UPDATE tokens SET consumed_at = $2, successor = $3, successor_access_id = $4, successor_refresh_id = $5
             WHERE id = $1 AND consumed_at IS NULL RETURNING id",
        )
        .bind(id)
        .bind(now)
        .bind(successor.sealed)
        .bind(successor.access)
        .bind(successor.refresh)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Forgets every token of a session but these three: the refresh token just exchanged and the pair it gave.
///
/// What is forgotten is still recognised by its family, so this changes no decision (INV-15). What another server issued
/// has none, and is kept.
pub async fn prune(tx: &mut Tx, session: &SessionId, keep: [&TokenId; 3]) -> sqlx::Result<()> {
    let [exchanged, access, refresh] = keep;
    tx.sql("DELETE FROM tokens WHERE session_id = $1 AND id NOT IN ($2, $3, $4) AND NOT is_imported")
        .bind(session)
        .bind(exchanged)
        .bind(access)
        .bind(refresh)
        .execute()
        .await?;
    Ok(())
}

/// Lets the access tokens end that another server issued together with a refresh token: they expire, others do not.
pub async fn retire_imported(tx: &mut Tx, session: &SessionId, now: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE tokens SET expires_at = $2 WHERE session_id = $1 AND is_imported AND kind = 'access' AND expires_at > $2")
        .bind(session)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// What is known of a pair when its predecessor is presented again.
#[derive(sqlx::FromRow)]
pub struct PairState {
    pub access_first_used_at: Option<i64>,
    pub access_expires_at: Option<i64>,
    pub refresh_consumed_at: Option<i64>,
    pub refresh_expires_at: Option<i64>,
    /// Absent: the scope of the session.
    pub access_scope: Option<String>,
}

/// Finds the state of a pair; nothing when it was itself superseded.
pub async fn find_pair(tx: &mut Tx, access: &TokenId, refresh: &TokenId) -> sqlx::Result<Option<PairState>> {
    tx.sql(
        "SELECT a.first_used_at AS access_first_used_at, a.expires_at AS access_expires_at,
             r.consumed_at AS refresh_consumed_at, r.expires_at AS refresh_expires_at, a.scope AS access_scope
         FROM tokens a JOIN tokens r ON r.session_id = a.session_id WHERE a.id = $1 AND r.id = $2",
    )
    .bind(access)
    .bind(refresh)
    .optional()
    .await
}

/// Lets an access token live its full time from now, provided nobody has used it: it is being delivered again.
pub async fn renew_unused(tx: &mut Tx, id: &TokenId, expires_at: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE tokens SET expires_at = $2 WHERE id = $1 AND first_used_at IS NULL")
        .bind(id)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(())
}
