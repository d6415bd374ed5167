//! Signing up in the browser (spec area 3.9): a name and a password first, the display name and the commit second.
//! Order of the commit (HSI-04): our row reserves the name, then the homeserver creates the user, then sessions may be.

use zxcvbn::{Entropy, zxcvbn};

use crate::{
    app::App,
    clock::HOUR,
    crypto::{password::PasswordHash, secret::Secret},
    domain::{
        id::{GrantId, RegistrationId, SsoLoginId, UserId},
        refusal::Refusal,
        user::{User, UsernameProblem, choose_username, display_name},
    },
    error::{Error, Result},
    flows::homeserver::{self, Job, Lane},
    remote::homeserver::HomeserverError,
    store::{self, registration::Registration},
};

/// How long a sign-up may take (spec SGN-01).
const REGISTRATION_LIFE: i64 = HOUR;

/// Judges how hard a password is to guess, with the words of this account among the guesses.
pub fn strength(app: &App, username: &str, password: &str) -> Entropy {
    // Guessing strength is decided early in a text; judging a long one costs quadratic time (INV-08).
    let judged: String = password.chars().take(100).collect();
    zxcvbn(&judged, &[username, app.server_name(), "matrix"])
}

/// Tells whether a password may be chosen here.
pub fn is_strong_enough(app: &App, strength: &Entropy) -> bool {
    u8::from(strength.score()) >= app.config.passwords.minimum_complexity
}

/// Checks that a name can be given to a new account, here and at the homeserver, and gives its stored form.
///
/// # Errors
/// `Username` with the reason; `HomeserverUnavailable`.
pub async fn check_username(app: &App, raw: &str) -> Result<String> {
    let username = choose_username(raw, app.server_name()).map_err(Refusal::Username)?;
    if store::user::is_username_taken(&app.db, &username).await? {
        return Err(Refusal::Username(UsernameProblem::Taken).into());
    }
    if let Some(homeserver) = &app.homeserver {
        match homeserver.is_localpart_available(&username).await {
            Ok(answer) => answer.map_err(Refusal::Username)?,
            Err(error) => {
                tracing::warn!(%error, "the homeserver cannot say whether a name is free");
                return Err(Refusal::HomeserverUnavailable.into());
            }
        }
    }
    Ok(username)
}

/// What waits for a sign-up.
pub enum Errand {
    Authorization(GrantId),
    /// The login of an older client.
    SsoLogin(SsoLoginId),
}

/// Begins a sign-up with a name that `check_username` gave and a password that is strong enough.
///
/// # Errors
/// `Busy` when too many passwords are being hashed.
pub async fn begin(
    app: &App,
    browser: &Secret,
    errand: Option<Errand>,
    username: String,
    password: &str,
    strength: u8,
) -> Result<RegistrationId> {
    let hash = app.passwords.hash(password).await?;
    let (grant_id, sso_login_id) = match errand {
        Some(Errand::Authorization(grant)) => (Some(grant), None),
        Some(Errand::SsoLogin(login)) => (None, Some(login)),
        None => (None, None),
    };
    let now = app.clock.now();
    let registration = Registration {
        id: app.new_registration_id(),
        browser_hash: browser.hash(),
        grant_id,
        sso_login_id,
        username,
        password_version: hash.version,
        password_hash: hash.hash,
        password_strength: i64::from(strength),
        created_at: now,
        expires_at: now + REGISTRATION_LIFE,
        consumed_at: None,
    };
    let mut tx = app.db.write().await?;
    store::registration::insert(&mut tx, &registration).await?;
    tx.commit().await?;
    Ok(registration.id)
}

/// Finds a sign-up that this browser began.
///
/// # Errors
/// `TransactionOver` when there is none or it ended, `OtherBrowser` when another browser began it.
pub async fn find(app: &App, id: &RegistrationId, browser: &Secret) -> Result<Registration> {
    let registration = store::registration::find(&app.db, id).await?.ok_or(Refusal::TransactionOver)?;
    if registration.browser_hash != browser.hash() {
        return Err(Refusal::OtherBrowser.into());
    }
    if registration.consumed_at.is_some() || registration.expires_at <= app.clock.now() {
        return Err(Refusal::TransactionOver.into());
    }
    Ok(registration)
}

/// Completes a sign-up and gives the new user.
///
/// # Errors
/// `Username(Taken)` when somebody was faster; `TransactionOver`; `HomeserverUnavailable` before anything is done.
pub async fn finish(app: &App, registration: &Registration, chosen_name: &str) -> Result<UserId> {
    let username = check_username(app, &registration.username).await?;
    let password = PasswordHash { version: registration.password_version, hash: registration.password_hash.clone() };
    let new = NewUser { username, display_name: display_name(chosen_name), is_admin: false };
    let (app, registration) = (app.clone(), registration.id.clone());
    // A person who closes the browser now must not leave half an account.
    tokio::spawn(async move { create(&app, new, Some(&password), None, Some(&registration)).await })
        .await
        .map_err(|_| Error::Internal("a sign-up died"))?
}

/// A user to be created.
pub struct NewUser {
    pub username: String,
    pub display_name: Option<String>,
    pub is_admin: bool,
}

/// Inserts a user, with the job that creates it at the homeserver, and does that job at once.
///
/// # Errors
/// `Username` when the name is taken or the homeserver refuses it: then there is no user. `TransactionOver` when the
/// sign-up was completed before. A homeserver that does not answer is no error: the job waits, and nobody gets a
/// session before it is done.
pub async fn create(
    app: &App,
    new: NewUser,
    password: Option<&PasswordHash>,
    email: Option<&str>,
    registration: Option<&RegistrationId>,
) -> Result<UserId> {
    let now = app.clock.now();
    let user = User {
        id: app.new_user_id(),
        username: new.username,
        display_name: new.display_name.clone(),
        is_admin: new.is_admin,
        created_at: now,
        locked_at: None,
        deactivated_at: None,
        browser_login_required_at: None,
    };
    let mut tx = app.db.write().await?;
    if let Some(registration) = registration
        && !store::registration::consume(&mut tx, registration, now).await?
    {
        return Err(Refusal::TransactionOver.into());
    }
    store::user::insert(&mut tx, &user).await.map_err(taken)?;
    if let Some(password) = password {
        store::user::set_password(&mut tx, &user.id, password, now).await?;
    }
    if let Some(email) = email {
        store::user::insert_email(&mut tx, app.new_token_id().to_string(), &user.id, email, now).await?;
    }
    homeserver::enqueue(app, &mut tx, &user.id, &Job::ProvisionUser { display_name: new.display_name }).await?;
    let lane = homeserver::enter_in(app, &mut tx, &user.id).await?;
    tx.commit().await?;
    if let Some(lane) = lane {
        let result = provision(app, &lane, &user.id).await;
        lane.leave().await;
        result?;
    }
    tracing::info!(user = %user.id, "a user was registered");
    Ok(user.id)
}

fn taken(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => {
            Refusal::Username(UsernameProblem::Taken).into()
        }
        _ => error.into(),
    }
}

/// Creates the new user at the homeserver now. A name that it refuses for good is given up here too.
async fn provision(app: &App, lane: &Lane<'_>, user: &UserId) -> Result<()> {
    match lane.run_first().await? {
        Err(HomeserverError::Refused { errcode, .. }) => {
            let mut tx = app.db.write().await?;
            store::user::delete_unused(&mut tx, user).await?;
            tx.commit().await?;
            Err(Refusal::Username(problem_of(&errcode)).into())
        }
        _ => Ok(()),
    }
}

fn problem_of(errcode: &str) -> UsernameProblem {
    match errcode {
        "M_USER_IN_USE" => UsernameProblem::Taken,
        "M_EXCLUSIVE" => UsernameProblem::Reserved,
        _ => UsernameProblem::Invalid,
    }
}
