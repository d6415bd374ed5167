//! What an administrator does to accounts at the command line. The server that runs beside it carries the changes to
//! the homeserver through the same queue.

use crate::{
    app::App,
    crypto::{random, secret::Secret},
    domain::{
        device::is_device_id,
        email,
        event::Event,
        id::UserId,
        refusal::Refusal,
        session::EndReason,
        user::{MAX_PASSWORD_BYTES, User},
    },
    error::Result,
    flows::{
        Caller, compat, event,
        homeserver::{self, Job},
        logout_notice, password,
        permit::Origin,
        register::{self, NewUser, check_username},
        session,
    },
    store::{self, db::Tx, session::LiveSession},
};

/// Creates a user, with or without a password.
///
/// # Errors
/// `Username` with the reason, here or at the homeserver; `HomeserverUnavailable`; `Email(Taken)`.
pub async fn register_user(
    app: &App,
    username: &str,
    password: Option<&str>,
    email: Option<&str>,
    is_admin: bool,
) -> Result<String> {
    let email = match email {
        Some(address) => Some(email::canonical(address).ok_or_else(|| no_address(address))?),
        None => None,
    };
    let username = check_username(app, username, &Origin::Administrator, &Caller::default()).await?;
    let password = match password {
        Some(password) => Some(app.passwords.hash(check_length(password)?).await?),
        None => None,
    };
    let mxid = crate::domain::user::mxid(&username, app.server_name());
    let new = NewUser { username, is_admin, password, email, origin: Origin::Administrator, ..NewUser::default() };
    register::create(app, new, None, &Caller::default()).await?;
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
    password::replace_in(app, &mut tx, &user.id, &hash).await?;
    event::record(app, &mut tx, &user.id, Event::PasswordChanged, &Caller::default()).await?;
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
        if is_locked {
            // DEV-12: the tokens stay, but nobody is to go on elsewhere as somebody who is locked here.
            logout_notice::enqueue_of_person(app, &mut tx, &user.id).await?;
        }
        let happened = if is_locked { Event::Locked } else { Event::Unlocked };
        event::record(app, &mut tx, &user.id, happened, &Caller::default()).await?;
    }
    tx.commit().await?;
    Ok((user, has_changed))
}

/// Ends every session of a user, of every kind, and tells which. With `is_dry_run` it only tells.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn kill_sessions(app: &App, username: &str, is_dry_run: bool) -> Result<(User, Vec<LiveSession>)> {
    let user = find(app, username).await?;
    if is_dry_run {
        // The transaction is never committed.
        let mut tx = app.db.write().await?;
        let live = store::session::list_live(&mut tx, &user.id).await?;
        return Ok((user, live));
    }
    let ended = session::end_all(app, &user.id, EndReason::EndedByAdministrator).await?;
    Ok((user, ended))
}

/// Deactivates an account, here and at the homeserver, and ends its sessions; false when it was so already. The name
/// stays taken and the password stays known, so that it can be taken back.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn deactivate(app: &App, username: &str, erase: bool) -> Result<(User, bool)> {
    let user = find(app, username).await?;
    let mut tx = app.db.write().await?;
    let has_changed = deactivate_in(app, &mut tx, &user.id, erase, &Caller::default()).await?;
    tx.commit().await?;
    Ok((user, has_changed))
}

/// Deactivates an account within a transaction; false when it was so already.
///
/// # Errors
/// When the store fails.
pub async fn deactivate_in(app: &App, tx: &mut Tx, user: &UserId, erase: bool, caller: &Caller) -> Result<bool> {
    // First, so that whoever opens a session meanwhile finds the account held or deactivated.
    let has_changed = store::user::deactivate(tx, user, app.clock.now()).await?;
    session::end_all_in(app, tx, user, EndReason::UserDeactivated).await?;
    if has_changed || erase {
        homeserver::enqueue(app, tx, user, &Job::DeactivateUser { erase }).await?;
    }
    if has_changed {
        event::record(app, tx, user, Event::Deactivated, caller).await?;
    }
    Ok(has_changed)
}

/// Takes a deactivation back, here and at the homeserver; false when there was none. Sessions that ended stay ended.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn reactivate(app: &App, username: &str) -> Result<(User, bool)> {
    let user = find(app, username).await?;
    let mut tx = app.db.write().await?;
    let has_changed = store::user::reactivate(&mut tx, &user.id).await?;
    if has_changed {
        homeserver::enqueue(app, &mut tx, &user.id, &Job::ReactivateUser).await?;
        event::record(app, &mut tx, &user.id, Event::Reactivated, &Caller::default()).await?;
    }
    tx.commit().await?;
    Ok((user, has_changed))
}

/// Gives or takes the right to ask for server administration; false when it was so already. Sessions that hold the
/// right stop counting at once (spec SCP-08).
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn set_admin(app: &App, username: &str, is_admin: bool) -> Result<(User, bool)> {
    let user = find(app, username).await?;
    let mut tx = app.db.write().await?;
    let has_changed = store::user::set_admin(&mut tx, &user.id, is_admin).await?;
    tx.commit().await?;
    Ok((user, has_changed))
}

/// Says whether the password alone opens sessions of older clients (spec CMP-15); false when it was so already.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn set_browser_login_required(app: &App, username: &str, is_required: bool) -> Result<(User, bool)> {
    let user = find(app, username).await?;
    let mut tx = app.db.write().await?;
    let has_changed = match is_required {
        true => store::user::require_browser_login(&mut tx, &user.id, app.clock.now()).await?,
        false => store::user::allow_password_login(&mut tx, &user.id).await?,
    };
    tx.commit().await?;
    Ok((user, has_changed))
}

/// Makes an access token of a user that never expires, on this device or a new one, and gives both.
///
/// # Errors
/// `NotFound` when there is no such user; `UserDeactivated`; `AwaitingApproval`; `AccessDenied` when administration is asked for somebody
/// who is no administrator; `InvalidParam` for an impossible device id; `HomeserverUnavailable`.
pub async fn issue_compatibility_token(
    app: &App,
    username: &str,
    device_id: Option<&str>,
    is_admin: bool,
) -> Result<(String, Secret)> {
    let user = find(app, username).await?;
    if user.approval_required_at.is_some() {
        return Err(Refusal::AwaitingApproval.into());
    }
    if is_admin && !user.is_admin {
        return Err(Refusal::AccessDenied.into());
    }
    let device_id = device_id.map_or_else(random::device_id, str::to_owned);
    if !is_device_id(&device_id) {
        return Err(Refusal::InvalidParam("a device id has 1 to 255 printable characters").into());
    }
    let token = compat::issue_token(app, &user, &device_id, is_admin).await?;
    Ok((device_id, token))
}

fn no_address(address: &str) -> Refusal {
    Refusal::InvalidRequest(format!("{address} is no e-mail address"))
}

/// Finds the account that an administrator names, by its name or its whole Matrix ID.
///
/// # Errors
/// `NotFound` when there is no such user.
pub async fn find(app: &App, username: &str) -> Result<User> {
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
