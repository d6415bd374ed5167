//! What an administrator does to accounts at the command line. The server that runs beside it carries the changes to
//! the homeserver through the same queue.

use crate::{
    app::App,
    domain::{
        refusal::Refusal,
        user::{MAX_PASSWORD_BYTES, User},
    },
    error::Result,
    flows::{
        homeserver::{self, Job},
        register::{self, NewUser, check_username},
    },
    store,
};

/// Creates a user, with or without a password.
///
/// # Errors
/// `Username` with the reason, here or at the homeserver; `HomeserverUnavailable`; a store error when the e-mail
/// address belongs to somebody else.
pub async fn register_user(
    app: &App,
    username: &str,
    password: Option<&str>,
    email: Option<&str>,
    is_admin: bool,
) -> Result<String> {
    let username = check_username(app, username).await?;
    let hash = match password {
        Some(password) => Some(app.passwords.hash(check_length(password)?).await?),
        None => None,
    };
    let mxid = crate::domain::user::mxid(&username, app.server_name());
    let new = NewUser { username, display_name: None, is_admin };
    register::create(app, new, hash.as_ref(), email, None).await?;
    Ok(mxid)
}

/// Sets the password of a user. Sessions go on.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn set_password(app: &App, username: &str, password: &str) -> Result<User> {
    let user = find(app, username).await?;
    let hash = app.passwords.hash(check_length(password)?).await?;
    let mut tx = app.db.write().await?;
    store::user::set_password(&mut tx, &user.id, &hash, app.clock.now()).await?;
    tx.commit().await?;
    Ok(user)
}

/// Locks an account or lifts the lock; false when it was so already.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn set_locked(app: &App, username: &str, is_locked: bool) -> Result<(User, bool)> {
    let user = find(app, username).await?;
    let mut tx = app.db.write().await?;
    let has_changed = match is_locked {
        true => store::user::lock(&mut tx, &user.id, app.clock.now()).await?,
        false => store::user::unlock(&mut tx, &user.id).await?,
    };
    if has_changed {
        homeserver::enqueue(app, &mut tx, &user.id, &Job::ProvisionUser { display_name: None }).await?;
    }
    tx.commit().await?;
    Ok((user, has_changed))
}

async fn find(app: &App, username: &str) -> Result<User> {
    let name = username.strip_prefix('@').unwrap_or(username);
    let name = name.strip_suffix(&format!(":{}", app.server_name())).unwrap_or(name);
    Ok(store::user::find_by_username(&app.db, name).await?.ok_or(Refusal::NotFound)?)
}

fn check_length(password: &str) -> Result<&str, Refusal> {
    match password.len() {
        1..=MAX_PASSWORD_BYTES => Ok(password),
        _ => Err(Refusal::InvalidRequest(format!("a password has 1 to {MAX_PASSWORD_BYTES} bytes"))),
    }
}
