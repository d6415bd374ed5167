//! Signing in by password (INV-06, spec RTL-05): an unknown name costs what a known one costs, and what is wrong with
//! an account is told only to whoever knows its password.

use crate::{
    app::App,
    domain::{
        refusal::Refusal,
        user::{MAX_PASSWORD_BYTES, User},
    },
    error::Result,
    store,
};

/// Gives the user of a name and a password.
///
/// # Errors
/// `WrongCredentials`; `UserLocked` and `UserDeactivated` only after the right password; `Busy`; `PasswordsDisabled`.
pub async fn by_password(app: &App, username: &str, password: &str) -> Result<User> {
    if !app.config.passwords.enabled {
        return Err(Refusal::PasswordsDisabled.into());
    }
    // An oversized password is nobody's password, and hashing it would cost us in proportion.
    if password.len() > MAX_PASSWORD_BYTES || username.len() > 512 {
        return Err(Refusal::WrongCredentials.into());
    }
    let user = find_user(app, username.trim()).await?;
    let stored = match &user {
        Some(user) => store::user::find_password(&app.db, &user.id).await?,
        None => None,
    };
    let verified = app.passwords.verify(password, stored.clone()).await?;
    let Some(user) = user.filter(|_| verified.is_right) else {
        metrics::counter!("keymaker_logins_total", "result" => "wrong_credentials").increment(1);
        return Err(Refusal::WrongCredentials.into());
    };
    if user.deactivated_at.is_some() {
        return Err(Refusal::UserDeactivated.into());
    }
    if user.locked_at.is_some() {
        return Err(Refusal::UserLocked.into());
    }
    if let (Some(old), Some(new)) = (stored, verified.upgrade) {
        let mut tx = app.db.write().await?;
        store::user::upgrade_password(&mut tx, &user.id, &old, &new, app.clock.now()).await?;
        tx.commit().await?;
    }
    metrics::counter!("keymaker_logins_total", "result" => "success").increment(1);
    Ok(user)
}

/// Finds whom a person means: `alice`, `@alice:server`, or an e-mail address where that is allowed.
async fn find_user(app: &App, identifier: &str) -> Result<Option<User>> {
    if identifier.chars().any(char::is_control) {
        return Ok(None);
    }
    if let Some(mxid) = identifier.strip_prefix('@') {
        return Ok(match mxid.split_once(':') {
            Some((localpart, server)) if server == app.server_name() => {
                store::user::find_by_username(&app.db, localpart).await?
            }
            Some(_) => None,
            None => store::user::find_by_username(&app.db, mxid).await?,
        });
    }
    if identifier.contains('@') {
        return Ok(match app.config.account.login_with_email_allowed {
            true => store::user::find_by_email(&app.db, identifier).await?,
            false => None,
        });
    }
    Ok(store::user::find_by_username(&app.db, identifier).await?)
}
