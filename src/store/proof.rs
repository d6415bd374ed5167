//! Proofs of who somebody is, in progress or done: to sign in, or for one act.

use crate::{
    domain::{
        amr::Amr,
        id::{GrantId, ProofId, SessionId, SsoLoginId, UpstreamTripId, UserId},
    },
    store::db::{Db, Tx},
};

/// A row of `proofs`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Proof {
    pub id: ProofId,
    pub browser_hash: Vec<u8>,
    pub user_id: UserId,
    /// Absent for a login.
    pub browser_session_id: Option<SessionId>,
    pub act: Option<String>,
    pub target: Option<String>,
    pub grant_id: Option<GrantId>,
    pub sso_login_id: Option<SsoLoginId>,
    pub created_at: i64,
    pub expires_at: i64,
    pub password_at: Option<i64>,
    pub proved_at: Option<i64>,
    /// Of what was shown so far.
    pub amr: Option<Amr>,
    pub consumed_at: Option<i64>,
    /// The trip to a provider that was the first step of a login.
    pub upstream_trip_id: Option<UpstreamTripId>,
}

/// Inserts a proof.
pub async fn insert(tx: &mut Tx, proof: &Proof) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO proofs (id, browser_hash, user_id, browser_session_id, act, target, grant_id, sso_login_id,
             created_at, expires_at, failures, password_at, proved_at, amr, upstream_trip_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11, $12, $13, $14)",
    )
    .bind(&proof.id)
    .bind(proof.browser_hash.as_slice())
    .bind(&proof.user_id)
    .bind(proof.browser_session_id.as_ref())
    .bind(proof.act.as_deref())
    .bind(proof.target.as_deref())
    .bind(proof.grant_id.as_ref())
    .bind(proof.sso_login_id.as_ref())
    .bind(proof.created_at)
    .bind(proof.expires_at)
    .bind(proof.password_at)
    .bind(proof.proved_at)
    .bind(proof.amr.as_ref().map(Amr::as_str))
    .bind(proof.upstream_trip_id.as_ref())
    .execute()
    .await?;
    Ok(())
}

/// Finds a proof.
pub async fn find(db: &Db, id: &ProofId) -> sqlx::Result<Option<Proof>> {
    db.sql(
        "SELECT id, browser_hash, user_id, browser_session_id, act, target, grant_id, sso_login_id, created_at,
             expires_at, password_at, proved_at, amr, consumed_at, upstream_trip_id
         FROM proofs WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// Counts a try before it is judged; false when there were too many, or the proof is over (OTP-04, INV-01).
pub async fn count_try(tx: &mut Tx, id: &ProofId, most: i64, now: i64) -> sqlx::Result<bool> {
    let counted = tx
        .sql(
            "UPDATE proofs SET failures = failures + 1
             WHERE id = $1 AND failures < $2 AND consumed_at IS NULL AND proved_at IS NULL AND expires_at > $3",
        )
        .bind(id)
        .bind(most)
        .bind(now)
        .execute()
        .await?;
    Ok(counted > 0)
}

/// Completes a proof; false when it is over or was completed before.
pub async fn complete(tx: &mut Tx, id: &ProofId, amr: &Amr, expires_at: i64, now: i64) -> sqlx::Result<bool> {
    let completed = tx
        .sql(
            "UPDATE proofs SET proved_at = $4, amr = $2, expires_at = $3
             WHERE id = $1 AND proved_at IS NULL AND consumed_at IS NULL AND expires_at > $4",
        )
        .bind(id)
        .bind(amr.as_str())
        .bind(expires_at)
        .bind(now)
        .execute()
        .await?;
    Ok(completed > 0)
}

/// Consumes the proof of a login; false when it is incomplete, over or used (INV-01).
pub async fn consume_login(tx: &mut Tx, id: &ProofId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(ProofId,)> = tx
        .sql(
            "UPDATE proofs SET consumed_at = $2
             WHERE id = $1 AND act IS NULL AND proved_at IS NOT NULL AND consumed_at IS NULL AND expires_at > $2
             RETURNING id",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// What a proof has to be of, to be good for an act.
pub struct Claim<'a> {
    pub id: &'a ProofId,
    pub browser_session: &'a SessionId,
    pub act: &'a str,
    /// Empty where the act has none.
    pub target: &'a str,
}

/// Consumes the proof of an act; false when it is incomplete, over, used, or of something else (INV-01, INV-06).
pub async fn consume_act(tx: &mut Tx, claim: &Claim<'_>, now: i64) -> sqlx::Result<bool> {
    let row: Option<(ProofId,)> = tx
        .sql(
            "UPDATE proofs SET consumed_at = $5
             WHERE id = $1 AND browser_session_id = $2 AND act = $3 AND COALESCE(target, '') = $4
                 AND proved_at IS NOT NULL AND consumed_at IS NULL AND expires_at > $5
             RETURNING id",
        )
        .bind(claim.id)
        .bind(claim.browser_session)
        .bind(claim.act)
        .bind(claim.target)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Ends what somebody is proving just now: the password or a factor has changed.
pub async fn delete_of(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    tx.sql("DELETE FROM proofs WHERE user_id = $1").bind(user).execute().await?;
    Ok(())
}

/// Deletes proofs that ended before a moment.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM proofs WHERE expires_at < $1").bind(before).execute().await
}
