//! Signing up in the browser (spec area 3.9): a name and a password first, then an e-mail address where one is wanted, the
//! display name and the commit last.
//! Order of the commit (HSI-04): our row reserves the name, then the homeserver creates the user, then sessions may be.

use crate::{
    app::App,
    clock::HOUR,
    crypto::{password::PasswordHash, secret::Secret},
    domain::{
        email::EmailProblem,
        event::Event,
        id::{GrantId, RegistrationId, RegistrationTokenId, SsoLoginId, UserId},
        refusal::Refusal,
        registration_token::RegistrationTokenProblem,
        user::{User, UsernameProblem, choose_username, display_name},
    },
    error::{Error, Result},
    flows::{
        Caller, approval, event,
        homeserver::{self, Job, Lane},
        limit::{self, Limiter},
        password::NewPassword,
        permit::{self, Origin},
        registration_token,
        upstream::sign_up::{self, NewLink},
    },
    remote::homeserver::HomeserverError,
    store::{
        self,
        email::EmailVerification,
        registration::{FirstForm, Registration},
    },
};

/// How long a sign-up may take (spec SGN-01).
const REGISTRATION_LIFE: i64 = HOUR;

/// Tells whether people can create accounts here by themselves, at least with an invitation.
pub fn is_open(app: &App) -> bool {
    app.config.account.password_registration_enabled
}

/// Checks that a name can be given to a new account, here and at the homeserver, and gives its stored form.
///
/// # Errors
/// `Username` with the reason; `Policy`; `HomeserverUnavailable`.
pub async fn check_username(app: &App, raw: &str, origin: &Origin, caller: &Caller) -> Result<String> {
    let username = choose_username(raw, app.server_name()).map_err(Refusal::Username)?;
    if store::user::is_username_taken(&app.db, &username).await? {
        return Err(Refusal::Username(UsernameProblem::Taken).into());
    }
    permit::username(app, &username, origin, caller)?;
    check_localpart(app, &username).await?;
    Ok(username)
}

/// Checks that the homeserver has nobody of this name, nor keeps it for somebody.
///
/// # Errors
/// `Username` with the reason; `HomeserverUnavailable`.
pub async fn check_localpart(app: &App, username: &str) -> Result<()> {
    let Some(homeserver) = &app.homeserver else { return Ok(()) };
    match homeserver.is_localpart_available(username).await {
        Ok(answer) => Ok(answer.map_err(Refusal::Username)?),
        Err(error) => {
            tracing::warn!(%error, "the homeserver cannot say whether a name is free");
            Err(Refusal::HomeserverUnavailable.into())
        }
    }
}

/// Counts that somebody asks whether a name is free: the homeserver is asked too.
///
/// # Errors
/// `TooManyRequests`.
pub async fn count_question(app: &App, caller: &Caller) -> Result<()> {
    limit::take(app, Limiter::Availability, &limit::address(caller)).await
}

/// What waits for a sign-up.
pub enum Errand {
    Authorization(GrantId),
    /// The login of an older client.
    SsoLogin(SsoLoginId),
}

/// Begins a sign-up with a name that `check_username` gave, and the token that `registration_token::check` gave.
///
/// # Errors
/// `TooManyRequests`; `Busy` when too many passwords are being hashed; `RegistrationToken` when somebody else took the last use meanwhile.
pub async fn begin(
    app: &App,
    browser: &Secret,
    errand: Option<Errand>,
    username: String,
    password: NewPassword<'_>,
    token: Option<RegistrationTokenId>,
    caller: &Caller,
) -> Result<RegistrationId> {
    limit::take(app, Limiter::RegistrationByAddress, &limit::address(caller)).await?;
    let hash = password.hash(app).await?;
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
        registration_token_id: token,
        username,
        password_version: hash.version,
        password_hash: hash.hash,
        password_strength: i64::from(password.strength),
        created_at: now,
        expires_at: now + REGISTRATION_LIFE,
        consumed_at: None,
    };
    let mut tx = app.db.write().await?;
    if let Some(token) = &registration.registration_token_id {
        registration_token::hold_in(&mut tx, token, &registration.browser_hash).await?;
    }
    store::registration::insert(&mut tx, &registration).await?;
    if let Some(token) = &registration.registration_token_id {
        registration_token::check_uses_in(app, &mut tx, token).await?;
    }
    tx.commit().await?;
    Ok(registration.id)
}

/// Gives a sign-up another name, another password and another token; what was confirmed in it stays so.
///
/// # Errors
/// `TransactionOver`, `Busy`; `RegistrationToken` as in `begin`.
pub async fn change(
    app: &App,
    registration: &Registration,
    username: &str,
    password: NewPassword<'_>,
    token: Option<&RegistrationTokenId>,
) -> Result<()> {
    let hash = password.hash(app).await?;
    let mut tx = app.db.write().await?;
    if let Some(token) = token {
        registration_token::hold_in(&mut tx, token, &registration.browser_hash).await?;
    }
    let strength = i64::from(password.strength);
    let form = FirstForm { username, password: &hash, strength, registration_token: token };
    if !store::registration::change(&mut tx, &registration.id, form, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    if let Some(token) = token {
        registration_token::check_uses_in(app, &mut tx, token).await?;
    }
    Ok(tx.commit().await?)
}

/// What a sign-up waits for after its name and its password.
pub enum Step {
    /// An e-mail address.
    Address,
    /// The code that was sent there.
    Code(EmailVerification),
    /// The last button.
    Finish { email: Option<String> },
}

/// Tells what a sign-up waits for: it can be gone on with at any time, in any tab of its browser.
///
/// # Errors
/// When the store fails.
pub async fn step(app: &App, registration: &RegistrationId) -> Result<Step> {
    if !app.config.account.password_registration_email_required {
        return Ok(Step::Finish { email: None });
    }
    Ok(match store::email::find_last_of(&app.db, registration).await? {
        None => Step::Address,
        Some(verification) if verification.consumed_at.is_some() => Step::Finish { email: Some(verification.email) },
        Some(verification) => Step::Code(verification),
    })
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

/// Finds a sign-up that this browser completed.
///
/// # Errors
/// `TransactionOver` when there is none or it was not completed, `OtherBrowser` when another browser began it.
pub async fn find_completed(app: &App, id: &RegistrationId, browser: &Secret) -> Result<Registration> {
    let registration = store::registration::find(&app.db, id).await?.ok_or(Refusal::TransactionOver)?;
    if registration.browser_hash != browser.hash() {
        return Err(Refusal::OtherBrowser.into());
    }
    if registration.consumed_at.is_none() {
        return Err(Refusal::TransactionOver.into());
    }
    Ok(registration)
}

/// Gives the address that was confirmed in a sign-up, if one was.
///
/// # Errors
/// When the store fails.
pub async fn confirmed_address(app: &App, registration: &RegistrationId) -> Result<Option<String>> {
    let last = store::email::find_last_of(&app.db, registration).await?;
    Ok(last.filter(|verification| verification.consumed_at.is_some()).map(|verification| verification.email))
}

/// What a completed sign-up leads to.
#[derive(Debug)]
pub enum Completed {
    /// The account can be signed in to.
    Usable(UserId),
    /// It waits for an administrator.
    AwaitsApproval,
}

/// Completes a sign-up. Whoever signs up agrees to the version of the terms that they were shown.
///
/// # Errors
/// `Username(Taken)` and `Email(Taken)` when somebody was faster; `Email(Unconfirmed)`; `TermsNotAgreed`, also to an older
/// version; `RegistrationToken` when it fell meanwhile; `TransactionOver`; `HomeserverUnavailable` before anything is done.
pub async fn finish(
    app: &App,
    registration: &Registration,
    chosen_name: &str,
    agreed_terms: Option<&str>,
    caller: &Caller,
) -> Result<Completed> {
    let Step::Finish { email } = step(app, &registration.id).await? else {
        return Err(EmailProblem::Unconfirmed.into());
    };
    let terms_version = check_terms(app, agreed_terms)?;
    let registration_token = check_token(app, registration)?;
    let username = check_username(app, &registration.username, &Origin::Password, caller).await?;
    let password = PasswordHash { version: registration.password_version, hash: registration.password_hash.clone() };
    let needs_approval = app.config.account.registration_approval_required;
    let new = NewUser {
        username,
        display_name: display_name(chosen_name),
        is_admin: false,
        origin: Origin::Password,
        password: Some(password),
        email,
        terms_version,
        registration_token,
        needs_approval,
        link: None,
    };
    let (app, registration, caller) = (app.clone(), registration.id.clone(), caller.clone());
    // A person who closes the browser now must not leave half an account.
    let user = tokio::spawn(async move { create(&app, new, Some(&registration), &caller).await })
        .await
        .map_err(|_| Error::Internal("a sign-up died"))??;
    Ok(if needs_approval { Completed::AwaitsApproval } else { Completed::Usable(user) })
}

/// Gives the version of the terms that a new account remembers.
///
/// # Errors
/// `TermsNotAgreed`, also to an older version.
pub fn check_terms(app: &App, agreed: Option<&str>) -> Result<Option<String>> {
    let version = app.config.account.registration_terms_version.clone();
    match version.is_some() && version.as_deref() != agreed {
        true => Err(Refusal::TermsNotAgreed.into()),
        false => Ok(version),
    }
}

/// A sign-up may have begun before tokens were asked for, or lost its token to a later one of the same browser.
fn check_token(app: &App, registration: &Registration) -> Result<Option<RegistrationTokenId>> {
    match (app.config.account.registration_token_required, &registration.registration_token_id) {
        (true, None) => Err(Refusal::from(RegistrationTokenProblem::Missing).into()),
        (_, token) => Ok(token.clone()),
    }
}

/// A user to be created.
#[derive(Default)]
pub struct NewUser {
    pub username: String,
    pub display_name: Option<String>,
    pub is_admin: bool,
    pub origin: Origin,
    pub password: Option<PasswordHash>,
    /// In its canonical form; it is theirs.
    pub email: Option<String>,
    /// What they agreed to.
    pub terms_version: Option<String>,
    /// What let them sign up; a use of it is counted.
    pub registration_token: Option<RegistrationTokenId>,
    /// Whether the account waits for an administrator: until then neither sessions nor the homeserver know it.
    pub needs_approval: bool,
    /// The account at a provider that they signed up with.
    pub link: Option<NewLink>,
}

/// Inserts a user, with the job that creates it at the homeserver, and does that job at once. An account that needs approval is
/// inserted alone, and administrators are told.
///
/// # Errors
/// `Username` when the name is taken or the homeserver refuses it, `Email(Taken)` when the address is somebody else's,
/// `RegistrationToken` when it is used up or fell, `Policy`: then there is no user. `TransactionOver` when the sign-up was
/// completed before. A homeserver that does not answer is no error: the job waits, and nobody gets a session before it is done.
pub async fn create(app: &App, new: NewUser, registration: Option<&RegistrationId>, caller: &Caller) -> Result<UserId> {
    permit::account(app, &new.username, new.email.as_deref(), &new.origin, caller)?;
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
        second_factor_required_at: None,
        approval_required_at: new.needs_approval.then_some(now),
    };
    let mut tx = app.db.write().await?;
    if let Some(token) = &new.registration_token {
        // Before the sign-up, as everybody does: one lock order.
        store::registration_token::hold(&mut tx, token).await?;
    }
    if let Some(registration) = registration
        && !store::registration::consume(&mut tx, registration, now).await?
    {
        return Err(Refusal::TransactionOver.into());
    }
    if let Some(token) = &new.registration_token {
        registration_token::consume_in(app, &mut tx, token).await?;
    }
    if let Some(link) = &new.link {
        sign_up::consume_in(app, &mut tx, link).await?;
    }
    store::user::insert(&mut tx, &user).await.map_err(taken)?;
    if let Some(password) = &new.password {
        store::user::set_password(&mut tx, &user.id, password, now).await?;
    }
    if let Some(email) = &new.email
        && !store::email::claim(&mut tx, &app.new_user_email_id(), &user.id, email, now).await?
    {
        return Err(EmailProblem::Taken.into());
    }
    if let Some(version) = &new.terms_version {
        store::user::insert_terms_agreement(&mut tx, &user.id, version, now).await?;
    }
    event::record(app, &mut tx, &user.id, Event::Registered, caller).await?;
    if let Some(link) = &new.link {
        sign_up::link_in(app, &mut tx, link, &user.id, caller).await?;
    }
    if new.needs_approval {
        approval::ask_in(app, &mut tx, &user, new.email.as_deref(), caller).await?;
        tx.commit().await?;
        tracing::info!(user = %user.id, "a user signed up and waits for approval");
        return Ok(user.id);
    }
    homeserver::enqueue(app, &mut tx, &user.id, &Job::ProvisionUser { display_name: new.display_name }).await?;
    let lane = homeserver::enter_in(app, &mut tx, &user.id).await?;
    tx.commit().await?;
    if let Some(lane) = lane {
        let result = provision(app, &lane, &user.id, new.registration_token.as_ref()).await;
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
async fn provision(
    app: &App,
    lane: &Lane<'_>,
    user: &UserId,
    registration_token: Option<&RegistrationTokenId>,
) -> Result<()> {
    match lane.run_first().await? {
        Err(HomeserverError::Refused { errcode, .. }) => {
            let mut tx = app.db.write().await?;
            if let Some(token) = registration_token {
                store::registration_token::give_back(&mut tx, token).await?;
            }
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
