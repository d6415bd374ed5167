//! E-mail addresses of accounts, and those that wait for their code.

use crate::{
    domain::id::{EmailVerificationId, RegistrationId, UserEmailId, UserId},
    store::db::{Db, Tx},
};

/// A row of `user_emails`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct UserEmail {
    pub id: UserEmailId,
    pub user_id: UserId,
    /// In its canonical form.
    pub email: String,
    pub created_at: i64,
    /// Absent where nobody showed that the address is theirs.
    pub confirmed_at: Option<i64>,
}

/// Lists the addresses of a user, the oldest first.
pub async fn list(db: &Db, user: &UserId) -> sqlx::Result<Vec<UserEmail>> {
    db.sql("SELECT id, user_id, email, created_at, confirmed_at FROM user_emails WHERE user_id = $1 ORDER BY created_at, id")
        .bind(user)
        .all()
        .await
}

/// Counts the addresses of a user.
pub async fn count(tx: &mut Tx, user: &UserId) -> sqlx::Result<i64> {
    let (count,): (i64,) = tx.sql("SELECT COUNT(*) FROM user_emails WHERE user_id = $1").bind(user).one().await?;
    Ok(count)
}

/// Finds whose address this is; one that nobody confirmed is nobody's.
pub async fn find_owner(tx: &mut Tx, email: &str) -> sqlx::Result<Option<UserId>> {
    let row: Option<(UserId,)> = tx
        .sql("SELECT user_id FROM user_emails WHERE email = $1 AND confirmed_at IS NOT NULL")
        .bind(email)
        .optional()
        .await?;
    Ok(row.map(|(user,)| user))
}

/// Gives a user an address that is theirs; false when it is somebody's already. One that nobody confirmed is taken over.
pub async fn claim(tx: &mut Tx, id: &UserEmailId, user: &UserId, email: &str, now: i64) -> sqlx::Result<bool> {
    let claimed = tx
        .sql(
            "INSERT INTO user_emails (id, user_id, email, created_at, confirmed_at) VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT (email) DO UPDATE
             SET id = excluded.id, user_id = excluded.user_id, created_at = excluded.created_at,
                 confirmed_at = excluded.confirmed_at, imported_at = NULL
             WHERE user_emails.confirmed_at IS NULL",
        )
        .bind(id)
        .bind(user)
        .bind(email)
        .bind(now)
        .execute()
        .await?;
    Ok(claimed > 0)
}

/// Removes an address of a user and gives it; nothing when there is none.
pub async fn delete(tx: &mut Tx, user: &UserId, id: &UserEmailId) -> sqlx::Result<Option<UserEmail>> {
    tx.sql(
        "DELETE FROM user_emails WHERE id = $1 AND user_id = $2
         RETURNING id, user_id, email, created_at, confirmed_at",
    )
    .bind(id)
    .bind(user)
    .optional()
    .await
}

/// A row of `email_verifications`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct EmailVerification {
    pub id: EmailVerificationId,
    pub user_id: Option<UserId>,
    pub registration_id: Option<RegistrationId>,
    pub email: String,
    pub created_at: i64,
    pub expires_at: i64,
    pub failures: i64,
    pub consumed_at: Option<i64>,
}

/// A verification to be inserted, of an account or of a sign-up.
pub struct NewVerification<'a> {
    pub id: &'a EmailVerificationId,
    pub user: Option<&'a UserId>,
    pub registration: Option<&'a RegistrationId>,
    pub email: &'a str,
    pub code_hash: Vec<u8>,
    pub expires_at: i64,
    pub now: i64,
}

/// Inserts a verification.
pub async fn insert_verification(tx: &mut Tx, new: NewVerification<'_>) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO email_verifications (id, user_id, registration_id, email, code_hash, created_at, expires_at,
             failures)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0)",
    )
    .bind(new.id)
    .bind(new.user)
    .bind(new.registration)
    .bind(new.email)
    .bind(new.code_hash)
    .bind(new.now)
    .bind(new.expires_at)
    .execute()
    .await?;
    Ok(())
}

/// Finds a verification.
pub async fn find_verification(db: &Db, id: &EmailVerificationId) -> sqlx::Result<Option<EmailVerification>> {
    db.sql(
        "SELECT id, user_id, registration_id, email, created_at, expires_at, failures, consumed_at
         FROM email_verifications WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// Finds the last verification of a sign-up: the one that counts.
pub async fn find_last_of(db: &Db, registration: &RegistrationId) -> sqlx::Result<Option<EmailVerification>> {
    db.sql(
        "SELECT id, user_id, registration_id, email, created_at, expires_at, failures, consumed_at
         FROM email_verifications WHERE registration_id = $1 ORDER BY created_at DESC, id DESC LIMIT 1",
    )
    .bind(registration)
    .optional()
    .await
}

/// Gives when the last but so many codes were sent to an address, after a moment; nothing when there were fewer.
pub async fn nth_last_sent_to(tx: &mut Tx, email: &str, after: i64, nth: i64) -> sqlx::Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .sql(
            "SELECT created_at FROM email_verifications WHERE email = $1 AND created_at > $2
             ORDER BY created_at DESC LIMIT 1 OFFSET $3",
        )
        .bind(email)
        .bind(after)
        .bind(nth)
        .optional()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// The same for an account or a sign-up, whatever the address.
pub async fn nth_last_sent_for(
    tx: &mut Tx,
    user: Option<&UserId>,
    registration: Option<&RegistrationId>,
    after: i64,
    nth: i64,
) -> sqlx::Result<Option<i64>> {
    let row: Option<(i64,)> = tx
        .sql(
            "SELECT created_at FROM email_verifications
             WHERE (user_id = $1 OR registration_id = $2) AND created_at > $3
             ORDER BY created_at DESC LIMIT 1 OFFSET $4",
        )
        .bind(user)
        .bind(registration)
        .bind(after)
        .bind(nth)
        .optional()
        .await?;
    Ok(row.map(|(at,)| at))
}

/// Ends what an account or a sign-up has under way for an address: of several codes the last one is good.
pub async fn end_verifications(
    tx: &mut Tx,
    user: Option<&UserId>,
    registration: Option<&RegistrationId>,
    email: &str,
    now: i64,
) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE email_verifications SET expires_at = $4
         WHERE (user_id = $1 OR registration_id = $2) AND email = $3 AND consumed_at IS NULL AND expires_at > $4",
    )
    .bind(user)
    .bind(registration)
    .bind(email)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Counts a try before it is judged; false when there were too many, or the verification is over (INV-01).
pub async fn count_try(tx: &mut Tx, id: &EmailVerificationId, most: i64, now: i64) -> sqlx::Result<bool> {
    let counted = tx
        .sql(
            "UPDATE email_verifications SET failures = failures + 1
             WHERE id = $1 AND failures < $2 AND consumed_at IS NULL AND expires_at > $3",
        )
        .bind(id)
        .bind(most)
        .bind(now)
        .execute()
        .await?;
    Ok(counted > 0)
}

/// Consumes a verification by its code; false when the code is wrong, was used or is over (INV-01).
pub async fn consume(tx: &mut Tx, id: &EmailVerificationId, code_hash: &[u8], now: i64) -> sqlx::Result<bool> {
    let row: Option<(EmailVerificationId,)> = tx
        .sql(
            "UPDATE email_verifications SET consumed_at = $3
             WHERE id = $1 AND code_hash = $2 AND consumed_at IS NULL AND expires_at > $3 RETURNING id",
        )
        .bind(id)
        .bind(code_hash)
        .bind(now)
        .optional()
        .await?;
    Ok(row.is_some())
}

/// Deletes verifications that ended before a moment.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<u64> {
    tx.sql("DELETE FROM email_verifications WHERE expires_at < $1").bind(before).execute().await
}
