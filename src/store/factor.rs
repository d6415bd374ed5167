//! The factors of an account: which there are, passkeys, the seed of an authenticator app, recovery codes, and the
//! challenges that were answered.

use crate::{
    domain::{
        factor::Factors,
        id::{PasskeyId, UserId},
    },
    store::db::{Db, Tx},
};

/// Counts what somebody can prove with.
pub async fn find(db: &Db, user: &UserId) -> sqlx::Result<Factors> {
    db.sql(
        "SELECT (SELECT COUNT(*) FROM user_passwords WHERE user_id = $1) AS passwords,
             (SELECT COUNT(*) FROM passkeys WHERE user_id = $1) AS passkeys,
             (SELECT COUNT(*) FROM totp WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS totps,
             (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND consumed_at IS NULL) AS recovery_codes",
    )
    .bind(user)
    .one()
    .await
}

/// Counts what somebody can prove with, within a transaction that took hold of the user.
pub async fn find_in(tx: &mut Tx, user: &UserId) -> sqlx::Result<Factors> {
    let rows = tx
        .sql(
            "SELECT (SELECT COUNT(*) FROM user_passwords WHERE user_id = $1) AS passwords,
                 (SELECT COUNT(*) FROM passkeys WHERE user_id = $1) AS passkeys,
                 (SELECT COUNT(*) FROM totp WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS totps,
                 (SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND consumed_at IS NULL) AS recovery_codes",
        )
        .bind(user)
        .all::<Factors>()
        .await?;
    Ok(rows.into_iter().next().unwrap_or_default())
}

/// A row of `passkeys`.
#[derive(Clone, sqlx::FromRow)]
pub struct Passkey {
    pub id: PasskeyId,
    pub user_id: UserId,
    pub credential_id: Vec<u8>,
    pub name: String,
    pub credential: String,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
}

/// Lists the passkeys of a user, the oldest first.
pub async fn list_passkeys(db: &Db, user: &UserId) -> sqlx::Result<Vec<Passkey>> {
    db.sql(
        "SELECT id, user_id, credential_id, name, credential, created_at, last_used_at
         FROM passkeys WHERE user_id = $1 ORDER BY created_at, id",
    )
    .bind(user)
    .all()
    .await
}

/// Finds a passkey by what the authenticator calls it.
pub async fn find_passkey(db: &Db, credential_id: &[u8]) -> sqlx::Result<Option<Passkey>> {
    db.sql(
        "SELECT id, user_id, credential_id, name, credential, created_at, last_used_at
         FROM passkeys WHERE credential_id = $1",
    )
    .bind(credential_id)
    .optional()
    .await
}

/// Inserts a passkey.
///
/// # Errors
/// A unique violation when any account has it already.
pub async fn insert_passkey(tx: &mut Tx, passkey: &Passkey) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO passkeys (id, user_id, credential_id, name, credential, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&passkey.id)
    .bind(&passkey.user_id)
    .bind(passkey.credential_id.as_slice())
    .bind(&passkey.name)
    .bind(&passkey.credential)
    .bind(passkey.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Notes a use of a passkey; false when it was used or removed since it was read, so that its counter is out of date.
pub async fn use_passkey(tx: &mut Tx, passkey: &Passkey, credential: &str, now: i64) -> sqlx::Result<bool> {
    let used = tx
        .sql("UPDATE passkeys SET credential = $3, last_used_at = $4 WHERE id = $1 AND credential = $2")
        .bind(&passkey.id)
        .bind(&passkey.credential)
        .bind(credential)
        .bind(now)
        .execute()
        .await?;
    Ok(used > 0)
}

/// Renames a passkey of a user; false when there is none.
pub async fn rename_passkey(tx: &mut Tx, user: &UserId, id: &PasskeyId, name: &str) -> sqlx::Result<bool> {
    let renamed = tx
        .sql("UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(user)
        .bind(name)
        .execute()
        .await?;
    Ok(renamed > 0)
}

/// Removes a passkey of a user; false when there is none.
pub async fn delete_passkey(tx: &mut Tx, user: &UserId, id: &PasskeyId) -> sqlx::Result<bool> {
    let deleted = tx.sql("DELETE FROM passkeys WHERE id = $1 AND user_id = $2").bind(id).bind(user).execute().await?;
    Ok(deleted > 0)
}

/// Notes that a challenge was answered; false when it was answered before (INV-01).
pub async fn answer_challenge(tx: &mut Tx, hash: &[u8], expires_at: i64) -> sqlx::Result<bool> {
    let noted = tx
        .sql("INSERT INTO answered_challenges (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
        .bind(hash)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(noted > 0)
}

/// Forgets challenges that expired before a moment.
pub async fn delete_challenges(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM answered_challenges WHERE expires_at < $1").bind(before).execute().await
}

/// A row of `totp`.
#[derive(Clone, sqlx::FromRow)]
pub struct Totp {
    /// Sealed.
    pub secret: Vec<u8>,
    pub created_at: i64,
    pub confirmed_at: Option<i64>,
    pub last_step: i64,
    pub last_used_at: Option<i64>,
}

/// Finds the authenticator app of a user, confirmed or not.
pub async fn find_totp(db: &Db, user: &UserId) -> sqlx::Result<Option<Totp>> {
    db.sql("SELECT secret, created_at, confirmed_at, last_step, last_used_at FROM totp WHERE user_id = $1")
        .bind(user)
        .optional()
        .await
}

/// Writes down a seed that waits for its first code; false when a confirmed one is there.
pub async fn begin_totp(tx: &mut Tx, user: &UserId, secret: &[u8], now: i64) -> sqlx::Result<bool> {
    let begun = tx
        .sql(
            "INSERT INTO totp (user_id, secret, created_at, last_step) VALUES ($1, $2, $3, 0)
             ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at
             WHERE totp.confirmed_at IS NULL",
        )
        .bind(user)
        .bind(secret)
        .bind(now)
        .execute()
        .await?;
    Ok(begun > 0)
}

/// Confirms a seed by its first code; false when it was confirmed, replaced or removed meanwhile (OTP-02).
pub async fn confirm_totp(tx: &mut Tx, user: &UserId, secret: &[u8], step: i64, now: i64) -> sqlx::Result<bool> {
    let confirmed = tx
        .sql(
            "UPDATE totp SET confirmed_at = $4, last_step = $3
             WHERE user_id = $1 AND secret = $2 AND confirmed_at IS NULL",
        )
        .bind(user)
        .bind(secret)
        .bind(step)
        .bind(now)
        .execute()
        .await?;
    Ok(confirmed > 0)
}

/// Consumes the code of a step; false when this or a later one was used already (OTP-03, INV-01).
pub async fn use_totp(tx: &mut Tx, user: &UserId, step: i64, now: i64) -> sqlx::Result<bool> {
    let used = tx
        .sql(
            "UPDATE totp SET last_step = $2, last_used_at = $3
             WHERE user_id = $1 AND confirmed_at IS NOT NULL AND last_step < $2",
        )
        .bind(user)
        .bind(step)
        .bind(now)
        .execute()
        .await?;
    Ok(used > 0)
}

/// Removes the authenticator app of a user; false when there is none.
pub async fn delete_totp(tx: &mut Tx, user: &UserId) -> sqlx::Result<bool> {
    Ok(tx.sql("DELETE FROM totp WHERE user_id = $1").bind(user).execute().await? > 0)
}

/// Replaces the recovery codes of a user by these (id and hash).
pub async fn replace_recovery_codes(
    tx: &mut Tx,
    user: &UserId,
    codes: &[(String, Vec<u8>)],
    now: i64,
) -> sqlx::Result<()> {
    delete_recovery_codes(tx, user).await?;
    for (id, hash) in codes {
        tx.sql("INSERT INTO recovery_codes (id, user_id, code_hash, created_at) VALUES ($1, $2, $3, $4)")
            .bind(id)
            .bind(user)
            .bind(hash.as_slice())
            .bind(now)
            .execute()
            .await?;
    }
    Ok(())
}

/// Consumes a recovery code; false when it is none or was used already (RCV-01, INV-01).
pub async fn use_recovery_code(tx: &mut Tx, user: &UserId, hash: &[u8], now: i64) -> sqlx::Result<bool> {
    let row: Option<(String,)> = tx
        .sql(
            "UPDATE recovery_codes SET consumed_at = $3
             WHERE user_id = $1 AND code_hash = $2 AND consumed_at IS NULL RETURNING id",
        )
        .bind(user)
        .bind(hash)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Forgets the recovery codes of a user.
pub async fn delete_recovery_codes(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    tx.sql("DELETE FROM recovery_codes WHERE user_id = $1").bind(user).execute().await?;
    Ok(())
}

/// Says that a password alone does not sign in; false when that was said already.
pub async fn require_second(tx: &mut Tx, user: &UserId, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE users SET second_factor_required_at = $2 WHERE id = $1 AND second_factor_required_at IS NULL")
        .bind(user)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Says that a password alone is enough; false when it was already.
pub async fn allow_password_alone(tx: &mut Tx, user: &UserId) -> sqlx::Result<bool> {
    let changed = tx
        .sql(
            "UPDATE users SET second_factor_required_at = NULL
             WHERE id = $1 AND second_factor_required_at IS NOT NULL",
        )
        .bind(user)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Counts a try with a code before it is judged; false when there were too many wrong ones in a row and the last was not
/// long enough ago (OTP-04).
pub async fn count_try(tx: &mut Tx, user: &UserId, most: i64, pause_since: i64, now: i64) -> sqlx::Result<bool> {
    let counted = tx
        .sql(
            "UPDATE users SET factor_failures = factor_failures + 1, factor_failed_at = $4
             WHERE id = $1 AND (factor_failures < $2 OR factor_failed_at < $3)",
        )
        .bind(user)
        .bind(most)
        .bind(pause_since)
        .bind(now)
        .execute()
        .await?;
    Ok(counted > 0)
}

/// Forgets the wrong tries: a right code came.
pub async fn forget_tries(tx: &mut Tx, user: &UserId) -> sqlx::Result<()> {
    tx.sql("UPDATE users SET factor_failures = 0 WHERE id = $1").bind(user).execute().await?;
    Ok(())
}
