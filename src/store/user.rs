//! Users, their e-mail addresses and password hashes.

use crate::{
    crypto::password::PasswordHash,
    domain::{id::UserId, user::User},
    store::db::{Db, Tx},
};

/// Finds users whose name is this one apart from upper and lower case: the one who has it exactly, if there is one, and
/// enough to tell one from several.
async fn list_by_folded_name(db: &Db, username: &str) -> sqlx::Result<Vec<User>> {
    db.sql(
        "SELECT id, username, display_name, is_admin, created_at, locked_at, deactivated_at,
             browser_login_required_at, second_factor_required_at, approval_required_at
         FROM users WHERE username_folded = $1 ORDER BY CASE WHEN username = $2 THEN 0 ELSE 1 END LIMIT 2",
    )
    .bind(username.to_lowercase())
    .bind(username)
    .all()
    .await
}

/// Finds a user by name: the exact spelling wins, another one counts when it is the only one.
pub async fn find_by_username(db: &Db, username: &str) -> sqlx::Result<Option<User>> {
    let mut users = list_by_folded_name(db, username).await?;
    if let Some(exact) = users.iter().position(|user| user.username == username) {
        return Ok(Some(users.swap_remove(exact)));
    }
    Ok(if users.len() == 1 { users.pop() } else { None })
}

/// Tells whether anybody has this name, in whatever case.
pub async fn is_username_taken(db: &Db, username: &str) -> sqlx::Result<bool> {
    Ok(!list_by_folded_name(db, username).await?.is_empty())
}

/// Finds the owner of a confirmed e-mail address, given in its canonical form.
pub async fn find_by_email(db: &Db, email: &str) -> sqlx::Result<Option<User>> {
    db.sql(
        "SELECT u.id, u.username, u.display_name, u.is_admin, u.created_at, u.locked_at, u.deactivated_at,
             u.browser_login_required_at, u.second_factor_required_at, u.approval_required_at
         FROM users u JOIN user_emails e ON e.user_id = u.id WHERE e.email = $1 AND e.confirmed_at IS NOT NULL",
    )
    .bind(email)
    .optional()
    .await
}

/// Finds a user by id.
pub async fn find(db: &Db, id: &UserId) -> sqlx::Result<Option<User>> {
    db.sql(
        "SELECT id, username, display_name, is_admin, created_at, locked_at, deactivated_at,
             browser_login_required_at, second_factor_required_at, approval_required_at
         FROM users WHERE id = $1",
    )
    .bind(id)
    .optional()
    .await
}

/// Inserts a user.
///
/// # Errors
/// A unique violation when the name is taken.
pub async fn insert(tx: &mut Tx, user: &User) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO users (id, username, username_folded, display_name, is_admin, created_at, locked_at, deactivated_at,
             approval_required_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&user.id)
    .bind(&user.username)
    .bind(user.username.to_lowercase())
    .bind(user.display_name.as_deref())
    .bind(user.is_admin)
    .bind(user.created_at)
    .bind(user.locked_at)
    .bind(user.deactivated_at)
    .bind(user.approval_required_at)
    .execute()
    .await?;
    Ok(())
}

/// Removes a user who never had a session: the homeserver refused the name, or an administrator the account.
pub async fn delete_unused(tx: &mut Tx, id: &UserId) -> sqlx::Result<()> {
    tx.sql("DELETE FROM jobs WHERE lane = $1").bind(id).execute().await?;
    tx.sql("DELETE FROM user_passwords WHERE user_id = $1").bind(id).execute().await?;
    tx.sql("DELETE FROM user_emails WHERE user_id = $1").bind(id).execute().await?;
    tx.sql("DELETE FROM account_events WHERE user_id = $1").bind(id).execute().await?;
    tx.sql("DELETE FROM terms_agreements WHERE user_id = $1").bind(id).execute().await?;
    tx.sql("DELETE FROM upstream_links WHERE user_id = $1").bind(id).execute().await?;
    tx.sql("DELETE FROM recoveries WHERE user_id = $1").bind(id).execute().await?;
    tx.sql("DELETE FROM users WHERE id = $1").bind(id).execute().await?;
    Ok(())
}

/// Locks an account; false when it was locked already.
pub async fn lock(tx: &mut Tx, id: &UserId, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE users SET locked_at = $2 WHERE id = $1 AND locked_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Lifts the lock of an account; false when there was none.
pub async fn unlock(tx: &mut Tx, id: &UserId) -> sqlx::Result<bool> {
    let changed =
        tx.sql("UPDATE users SET locked_at = NULL WHERE id = $1 AND locked_at IS NOT NULL").bind(id).execute().await?;
    Ok(changed > 0)
}

/// Deactivates an account; false when it was deactivated already.
pub async fn deactivate(tx: &mut Tx, id: &UserId, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE users SET deactivated_at = $2 WHERE id = $1 AND deactivated_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Takes a deactivation back; false when there was none.
pub async fn reactivate(tx: &mut Tx, id: &UserId) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE users SET deactivated_at = NULL WHERE id = $1 AND deactivated_at IS NOT NULL")
        .bind(id)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Sets the display name of a user, or takes it away.
pub async fn set_display_name(tx: &mut Tx, id: &UserId, name: Option<&str>) -> sqlx::Result<()> {
    tx.sql("UPDATE users SET display_name = $2 WHERE id = $1").bind(id).bind(name).execute().await?;
    Ok(())
}

/// Gives or takes the right to ask for server administration; false when it was so already.
pub async fn set_admin(tx: &mut Tx, id: &UserId, is_admin: bool) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE users SET is_admin = $2 WHERE id = $1 AND is_admin <> $2")
        .bind(id)
        .bind(is_admin)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Lists the users who may ask for server administration.
pub async fn list_admins(db: &Db) -> sqlx::Result<Vec<User>> {
    db.sql(
        "SELECT id, username, display_name, is_admin, created_at, locked_at, deactivated_at,
             browser_login_required_at, second_factor_required_at, approval_required_at
         FROM users WHERE is_admin ORDER BY username",
    )
    .all()
    .await
}

/// Says that the password alone opens no session of an older client; false when that was said already.
pub async fn require_browser_login(tx: &mut Tx, id: &UserId, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE users SET browser_login_required_at = $2 WHERE id = $1 AND browser_login_required_at IS NULL")
        .bind(id)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Says that the password alone is enough; false when it was already.
pub async fn allow_password_login(tx: &mut Tx, id: &UserId) -> sqlx::Result<bool> {
    let changed = tx
        .sql(
            "UPDATE users SET browser_login_required_at = NULL
             WHERE id = $1 AND browser_login_required_at IS NOT NULL",
        )
        .bind(id)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Takes hold of a user for the rest of the transaction, to open a session on a proof of this moment; false when the account
/// was deactivated, or all its sessions were ended, since then, or when it waits for approval (INV-05).
pub async fn hold_for_session(tx: &mut Tx, id: &UserId, proved_at: i64) -> sqlx::Result<bool> {
    let held = tx
        .sql(
            "UPDATE users SET username = username
             WHERE id = $1 AND deactivated_at IS NULL AND approval_required_at IS NULL
                 AND (sessions_ended_at IS NULL OR sessions_ended_at < $2)",
        )
        .bind(id)
        .bind(proved_at)
        .execute()
        .await?;
    Ok(held > 0)
}

/// Takes hold of a user for the rest of the transaction.
pub async fn hold(tx: &mut Tx, id: &UserId) -> sqlx::Result<()> {
    tx.sql("UPDATE users SET username = username WHERE id = $1").bind(id).execute().await?;
    Ok(())
}

/// Takes hold of a user whose sessions all end.
pub async fn hold_to_end_sessions(tx: &mut Tx, id: &UserId, now: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE users SET sessions_ended_at = $2 WHERE id = $1").bind(id).bind(now).execute().await?;
    Ok(())
}

/// How many passwords were hashed in one way: the scheme, and the first characters, which with bcrypt tell the cost.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct HashCount {
    pub version: i64,
    pub head: String,
    pub count: i64,
}

/// Counts the password hashes by the way in which they were made.
pub async fn count_hashes(db: &Db) -> sqlx::Result<Vec<HashCount>> {
    db.sql(
        "SELECT version, SUBSTR(hash, 1, 7) AS head, COUNT(*) AS count
         FROM user_passwords GROUP BY version, SUBSTR(hash, 1, 7) ORDER BY version, head",
    )
    .all()
    .await
}

/// Finds the password hash of a user.
pub async fn find_password(db: &Db, id: &UserId) -> sqlx::Result<Option<PasswordHash>> {
    db.sql("SELECT version, hash FROM user_passwords WHERE user_id = $1").bind(id).optional().await
}

/// Sets the password hash of a user.
pub async fn set_password(tx: &mut Tx, id: &UserId, password: &PasswordHash, now: i64) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO user_passwords (user_id, version, hash, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id) DO UPDATE
         SET version = excluded.version, hash = excluded.hash, created_at = excluded.created_at",
    )
    .bind(id)
    .bind(password.version)
    .bind(&password.hash)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Removes the password of a user; false when there is none.
pub async fn delete_password(tx: &mut Tx, id: &UserId) -> sqlx::Result<bool> {
    Ok(tx.sql("DELETE FROM user_passwords WHERE user_id = $1").bind(id).execute().await? > 0)
}

/// Replaces a hash by an upgraded one, unless the password was changed in the meantime.
pub async fn upgrade_password(
    tx: &mut Tx,
    id: &UserId,
    old: &PasswordHash,
    new: &PasswordHash,
    now: i64,
) -> sqlx::Result<()> {
    tx.sql("UPDATE user_passwords SET version = $3, hash = $4, created_at = $5 WHERE user_id = $1 AND hash = $2")
        .bind(id)
        .bind(&old.hash)
        .bind(new.version)
        .bind(&new.hash)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Notes that a user agreed to a version of the terms.
pub async fn insert_terms_agreement(tx: &mut Tx, user: &UserId, version: &str, now: i64) -> sqlx::Result<()> {
    tx.sql("INSERT INTO terms_agreements (user_id, version, agreed_at) VALUES ($1, $2, $3)")
        .bind(user)
        .bind(version)
        .bind(now)
        .execute()
        .await?;
    Ok(())
}

/// Lists the confirmed e-mail addresses of a user, the oldest first.
pub async fn list_emails(db: &Db, user: &UserId) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> = db
        .sql("SELECT email FROM user_emails WHERE user_id = $1 AND confirmed_at IS NOT NULL ORDER BY created_at, id")
        .bind(user)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(email,)| email).collect())
}
