//! Device grants, and how many codes may still be guessed.

use crate::{
    domain::{
        amr::Amr,
        device_grant::{DeviceGrant, JITTER, SLOWER_BY, SLOWEST},
        id::{ClientId, DeviceGrantId, SessionId, UserId},
    },
    store::db::{Db, Tx},
};

/// A device grant to be inserted.
pub struct NewDeviceGrant<'a> {
    pub id: &'a DeviceGrantId,
    pub client: &'a ClientId,
    pub scope: &'a str,
    pub device_code_hash: Vec<u8>,
    pub user_code_hash: Vec<u8>,
    /// Sealed.
    pub user_code: Vec<u8>,
    pub ip: Option<&'a str>,
    pub user_agent: Option<&'a str>,
    pub poll_interval: i64,
    pub expires_at: i64,
    pub now: i64,
}

/// Inserts a fresh one; false when its user code is taken (DVC-04).
pub async fn insert(tx: &mut Tx, new: &NewDeviceGrant<'_>) -> sqlx::Result<bool> {
    let inserted = tx
        .sql(
            "INSERT INTO device_grants (id, client_id, scope, device_code_hash, user_code_hash, user_code, ip,
                 user_agent, created_at, expires_at, poll_interval)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (user_code_hash) DO NOTHING",
        )
        .bind(new.id)
        .bind(new.client)
        .bind(new.scope)
        .bind(new.device_code_hash.as_slice())
        .bind(new.user_code_hash.as_slice())
        .bind(new.user_code.as_slice())
        .bind(new.ip)
        .bind(new.user_agent)
        .bind(new.now)
        .bind(new.expires_at)
        .bind(new.poll_interval)
        .execute()
        .await?;
    Ok(inserted > 0)
}

/// Finds one by id.
pub async fn find(db: &Db, id: &DeviceGrantId) -> sqlx::Result<Option<DeviceGrant>> {
    db.sql(
        "SELECT id, client_id, scope, user_code, ip, user_agent, created_at, expires_at, decided_at, user_id,
             browser_session_id, auth_time, amr, language, consumed_at, session_id
         FROM device_grants WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// Finds the one that a device polls for.
pub async fn find_by_device_code(db: &Db, hash: &[u8]) -> sqlx::Result<Option<DeviceGrant>> {
    db.sql(
        "SELECT id, client_id, scope, user_code, ip, user_agent, created_at, expires_at, decided_at, user_id,
             browser_session_id, auth_time, amr, language, consumed_at, session_id
         FROM device_grants WHERE device_code_hash = $1",
    )
    .bind(hash)
    .optional()
    .await
}

/// Finds the one that waits with this code.
pub async fn find_waiting(db: &Db, user_code_hash: &[u8], now: i64) -> sqlx::Result<Option<DeviceGrantId>> {
    let row: Option<(DeviceGrantId,)> = db
        .sql("SELECT id FROM device_grants WHERE user_code_hash = $1 AND decided_at IS NULL AND expires_at > $2")
        .bind(user_code_hash)
        .bind(now)
        .optional()
        .await?;
    Ok(row.map(|(id,)| id))
}

/// Notes that the device asked, and tells whether it waited as long as it was told to. One that did not waits longer from
/// now on (RFC 8628 §3.5).
pub async fn note_poll(tx: &mut Tx, id: &DeviceGrantId, now: i64) -> sqlx::Result<bool> {
    let in_time = tx
        .sql(
            "UPDATE device_grants SET last_polled_at = $2
             WHERE id = $1 AND (last_polled_at IS NULL OR last_polled_at + poll_interval - $3 <= $2)",
        )
        .bind(id)
        .bind(now)
        .bind(JITTER)
        .execute()
        .await?;
    if in_time > 0 {
        return Ok(true);
    }
    tx.sql(
        "UPDATE device_grants SET last_polled_at = $2,
             poll_interval = CASE WHEN poll_interval + $3 > $4 THEN $4 ELSE poll_interval + $3 END
         WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .bind(SLOWER_BY)
    .bind(SLOWEST)
    .execute()
    .await?;
    Ok(false)
}

/// What is written down when a person allows.
pub struct Approval<'a> {
    pub user: &'a UserId,
    pub browser_session: &'a SessionId,
    pub auth_time: i64,
    pub amr: Option<&'a Amr>,
    pub language: &'a str,
}

/// Records that a person allowed; false when it was decided or is over, or when the person may no longer decide (INV-01,
/// DVC-07).
pub async fn approve(tx: &mut Tx, id: &DeviceGrantId, approval: &Approval<'_>, now: i64) -> sqlx::Result<bool> {
    let row: Option<(DeviceGrantId,)> = tx
        .sql(
            "UPDATE device_grants SET decided_at = $2, user_id = $3, browser_session_id = $4, auth_time = $5, amr = $6,
                 language = $7
             WHERE id = $1 AND decided_at IS NULL AND expires_at > $2
                 AND EXISTS (SELECT 1 FROM sessions b WHERE b.id = $4 AND b.ended_at IS NULL)
                 AND EXISTS (SELECT 1 FROM users u WHERE u.id = $3 AND u.locked_at IS NULL AND u.deactivated_at IS NULL)
             RETURNING id",
        )
        .bind(id)
        .bind(now)
        .bind(approval.user)
        .bind(approval.browser_session)
        .bind(approval.auth_time)
        .bind(approval.amr.map(Amr::as_str))
        .bind(approval.language)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Records that a person refused; false when it was decided or is over (INV-01).
pub async fn deny(tx: &mut Tx, id: &DeviceGrantId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(DeviceGrantId,)> = tx
        .sql(
            "UPDATE device_grants SET decided_at = $2
             WHERE id = $1 AND decided_at IS NULL AND expires_at > $2 RETURNING id",
        )
        .bind(id)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Consumes an approved one for a session; false when it was consumed or is over, or when the login that allowed it was
/// ended by anything but signing out (INV-01, TOK-01). Whoever allows at somebody else's computer signs out there at once.
pub async fn consume(tx: &mut Tx, id: &DeviceGrantId, session: &SessionId, now: i64) -> sqlx::Result<bool> {
    let row: Option<(DeviceGrantId,)> = tx
        .sql(
            "UPDATE device_grants SET consumed_at = $2, session_id = $3
             WHERE id = $1 AND consumed_at IS NULL AND user_id IS NOT NULL AND expires_at > $2
                 AND EXISTS (SELECT 1 FROM sessions b
                     WHERE b.id = browser_session_id AND (b.ended_at IS NULL OR b.end_reason = 'logged_out'))
             RETURNING id",
        )
        .bind(id)
        .bind(now)
        .bind(session)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Deletes those that ended before a moment; nothing decides by their absence.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM device_grants WHERE expires_at < $1").bind(before).execute().await
}

/// Spends one of the guesses that everybody has together; false when none is left. One comes back every `period`, up to
/// `most`.
pub async fn spend_guess(tx: &mut Tx, length: i64, most: i64, period: i64, now: i64) -> sqlx::Result<bool> {
    let spent = tx
        .sql(
            "UPDATE user_code_guesses SET spent_until = CASE WHEN spent_until > $2 THEN spent_until ELSE $2 END + $3
             WHERE length = $1 AND spent_until + $3 - $4 <= $2",
        )
        .bind(length)
        .bind(now)
        .bind(period)
        .bind(most * period)
        .execute()
        .await?;
    Ok(spent > 0)
}

/// Gives back a guess that was none: the code was right.
pub async fn return_guess(tx: &mut Tx, length: i64, period: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE user_code_guesses SET spent_until = spent_until - $2 WHERE length = $1")
        .bind(length)
        .bind(period)
        .execute()
        .await?;
    Ok(())
}

/// Tells until when the guesses of one length are spent.
pub async fn guesses_spent_until(db: &Db, length: i64) -> sqlx::Result<i64> {
    let row: Option<(i64,)> =
        db.sql("SELECT spent_until FROM user_code_guesses WHERE length = $1").bind(length).optional().await?;
    Ok(row.map_or(0, |(at,)| at))
}
