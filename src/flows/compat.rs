//! The older login API of Matrix (spec areas 12 and 15): sessions for clients that do not speak OAuth. They are sessions
//! like any other, without a client and with a device id that need not fit into a scope.

use crate::{
    app::App,
    crypto::{
        random,
        secret::{Kind, Secret},
    },
    domain::{
        amr::{Acr, Amr},
        refusal::Refusal,
        scope::{MATRIX_API, SYNAPSE_ADMIN},
        session::{ACCESS_TOKEN_LIFE, EndReason, Purpose, Session, SessionKind},
        sso_login::{LOGIN_TOKEN_RETRY_GRACE, SsoLogin},
        user::User,
    },
    error::{Error, Result},
    flows::{
        Caller,
        assurance::{self, Occasion},
        login::{Identifier, by_password, check_account},
        open::{Life, Opened, Opening, Warrant, open},
        refresh::{self, Holder},
        session,
    },
    store::{self, token::TokenKind},
};

/// How a person proves who they are.
pub enum Credential {
    Password { identifier: Identifier, password: String },
    LoginToken(String),
}

/// A request to log in, found well-formed.
pub struct Login {
    pub credential: Credential,
    /// Known or new; made here when it is absent.
    pub device_id: Option<String>,
    pub device_name: Option<String>,
    pub wants_refresh_token: bool,
}

/// The tokens that an older client is given.
pub struct Issued {
    pub access_token: Secret,
    pub refresh_token: Option<Secret>,
    /// Milliseconds; absent for a token that does not expire.
    pub life: Option<i64>,
}

/// A successful login.
pub struct LoggedIn {
    pub user_id: String,
    pub device_id: String,
    pub issued: Issued,
}

/// Logs an older client in.
///
/// # Errors
/// `WrongCredentials`, `InvalidLoginToken`; only after the right credential `UserDeactivated`, `UserLocked` and
/// `BrowserLoginRequired` (CMP-14) and `Policy`; `LimitExceeded`; `TooManyRequests`; `DeviceRefused`; `HomeserverUnavailable`.
pub async fn login(app: &App, login: Login, caller: Caller) -> Result<LoggedIn> {
    let entry = match &login.credential {
        Credential::Password { identifier, password } => enter_by_password(app, identifier, password, &caller).await?,
        Credential::LoginToken(token) => enter_by_token(app, token, &caller).await?,
    };
    // Whoever hangs up now must not leave a device without a session.
    let app = app.clone();
    tokio::spawn(async move { open_session(&app, &entry, &login, &caller).await })
        .await
        .map_err(|_| Error::Internal("a login died"))?
}

/// Who comes in, and what for.
struct Entry {
    user: User,
    auth_time: i64,
    amr: Option<Amr>,
    /// Absent when the password opened the door.
    sso_login: Option<SsoLogin>,
}

async fn enter_by_password(app: &App, identifier: &Identifier, password: &str, caller: &Caller) -> Result<Entry> {
    let proved_at = app.clock.now();
    let user = by_password(app, identifier, password, None, caller).await.map_err(|error| match error {
        // Clients of this API wait and try again when they are told so in these words.
        Error::Refusal(Refusal::Busy) => Refusal::LimitExceeded.into(),
        error => error,
    })?;
    // CMP-15, TRP-32: this way asks for nothing but the password.
    if user.browser_login_required_at.is_some() || user.second_factor_required_at.is_some() {
        return Err(Refusal::BrowserLoginRequired.into());
    }
    if assurance::wanted(app, &user, Occasion::COMPAT, caller)? > Some(Acr::Password) {
        return Err(Refusal::BrowserLoginRequired.into());
    }
    Ok(Entry { user, auth_time: proved_at, amr: Some(Amr::password()), sso_login: None })
}

/// CMP-16: known, unexpired and unused, and the person is still signed in where the token was made.
async fn enter_by_token(app: &App, token: &str, caller: &Caller) -> Result<Entry> {
    let token = Secret::parse(Kind::LoginToken, token).ok_or(Refusal::InvalidLoginToken)?;
    let login = store::sso_login::find_by_token(&app.db, &token.hash()).await?.ok_or(Refusal::InvalidLoginToken)?;
    if let Some(consumed_at) = login.consumed_at {
        return Err(refuse_reuse(app, &login, consumed_at, caller).await?.into());
    }
    let now = app.clock.now();
    if login.token_expires_at.is_none_or(|at| at <= now) {
        return Err(Refusal::InvalidLoginToken.into());
    }
    let (Some(user), Some(browser)) = (&login.user_id, &login.browser_session_id) else {
        return Err(Error::Internal("a login token without a user"));
    };
    let user = store::user::find(&app.db, user).await?.ok_or(Refusal::InvalidLoginToken)?;
    check_account(&user)?;
    let browser = store::session::find(&app.db, browser).await?.ok_or(Refusal::InvalidLoginToken)?;
    browser.judge(Purpose::Use, now).map_err(|_| Refusal::InvalidLoginToken)?;
    let (auth_time, amr) = (login.auth_time.unwrap_or(now), login.amr.clone());
    Ok(Entry { user, auth_time, amr, sso_login: Some(login) })
}

/// Within seconds the client lost our response; later somebody else holds the token.
async fn refuse_reuse(app: &App, login: &SsoLogin, consumed_at: i64, caller: &Caller) -> Result<Refusal> {
    let is_retry = app.clock.now() - consumed_at <= LOGIN_TOKEN_RETRY_GRACE;
    if !is_retry
        && let Some(id) = &login.session_id
        && let Some(session) = store::session::find(&app.db, id).await?
    {
        tracing::warn!(session = %id, "a login token was presented again; its session ends");
        session::end_replayed(app, &session, EndReason::LoginTokenReplayed, caller).await?;
    }
    Ok(Refusal::InvalidLoginToken)
}

async fn open_session(app: &App, entry: &Entry, login: &Login, caller: &Caller) -> Result<LoggedIn> {
    let device_id = login.device_id.clone().unwrap_or_else(random::device_id);
    let settings = &app.config.compatibility;
    let life = match login.wants_refresh_token {
        true => Some(ACCESS_TOKEN_LIFE),
        false => settings.access_token_lifetime(),
    };
    let limit = |life: Option<i64>| life.map_or(Life::Unlimited, Life::Limited);
    let opening = Opening {
        kind: SessionKind::Compat,
        user: Some(&entry.user),
        client: None,
        scope: MATRIX_API.to_owned(),
        device_id: Some(&device_id),
        device_name: login.device_name.as_deref(),
        auth_time: Some(entry.auth_time),
        amr: entry.amr.as_ref(),
        claims: None,
        resource: None,
        caller,
        warrant: match &entry.sso_login {
            Some(login) => Warrant::LoginToken(&login.id),
            None => Warrant::Password { proved_at: entry.auth_time },
        },
        opened_by: entry.sso_login.as_ref().and_then(|login| login.browser_session_id.as_ref()),
        access_token: limit(life),
        refresh_token: login.wants_refresh_token.then(|| limit(settings.refresh_token_lifetime())),
    };
    let Opened { access_token, refresh_token, .. } = open(app, opening).await?;
    let user_id = entry.user.mxid(app.server_name());
    Ok(LoggedIn { user_id, device_id, issued: Issued { access_token, refresh_token, life } })
}

/// Exchanges the refresh token of an older client: the very same flow as with OAuth (REF-12).
///
/// # Errors
/// Those of [`refresh::exchange`].
pub async fn refresh(app: &App, presented: &str, caller: &Caller) -> Result<Issued> {
    let exchanged = refresh::exchange(app, Holder::LegacyClient, presented, None, caller).await?;
    Ok(Issued {
        access_token: exchanged.access_token,
        refresh_token: Some(exchanged.refresh_token),
        life: Some(exchanged.life),
    })
}

/// Ends the session of an access token (LGO-01, LGO-03, DEC-08).
///
/// # Errors
/// `InvalidToken`.
pub async fn logout(app: &App, access_token: &str) -> Result<()> {
    let found = find_session(app, access_token).await?;
    session::end(app, &found, EndReason::LoggedOut).await
}

/// Ends all sessions of the user of an access token: of older clients, of OAuth clients, and of browsers (LGO-02). The
/// token may have expired, but not been superseded: one out of an old log must not delete every device.
///
/// # Errors
/// `InvalidToken`, also for a token that has nothing to do with Matrix: an application that only knows who somebody is
/// must not sign them out everywhere.
pub async fn logout_all(app: &App, access_token: &str) -> Result<()> {
    let secret = Secret::parse_token(Kind::AccessToken, access_token).ok_or(Refusal::InvalidToken)?;
    let token = store::token::find(&app.db, TokenKind::Access, &secret.hash()).await?.ok_or(Refusal::InvalidToken)?;
    let (session, scope) = (&token.session, token.session.scope());
    let user = session.user_id.as_ref().filter(|_| session.ended_at.is_none() && scope.is_matrix());
    session::end_all(app, user.ok_or(Refusal::InvalidToken)?, EndReason::LoggedOut).await?;
    Ok(())
}

/// The family of a token names its session, so one that expired or was superseded works as well: clients log out with
/// what they have. A lock is no obstacle either (DEV-12).
async fn find_session(app: &App, access_token: &str) -> Result<Session> {
    let secret = Secret::parse_token(Kind::AccessToken, access_token).ok_or(Refusal::InvalidToken)?;
    let found = session::find_by_token(app, TokenKind::Access, &secret).await?;
    Ok(found.filter(|session| session.ended_at.is_none()).ok_or(Refusal::InvalidToken)?)
}

/// Gives an administrator a token for a user, as a password login would have; it never expires.
///
/// # Errors
/// `HomeserverUnavailable`, `DeviceRefused`, `UserDeactivated`.
pub async fn issue_token(app: &App, user: &User, device_id: &str, is_admin: bool) -> Result<Secret> {
    let scope = if is_admin { format!("{MATRIX_API} {SYNAPSE_ADMIN}") } else { MATRIX_API.to_owned() };
    let opening = Opening {
        kind: SessionKind::Compat,
        user: Some(user),
        client: None,
        scope,
        device_id: Some(device_id),
        device_name: None,
        auth_time: None,
        amr: None,
        claims: None,
        resource: None,
        caller: &Caller::default(),
        warrant: Warrant::Standing,
        opened_by: None,
        access_token: Life::Unlimited,
        refresh_token: None,
    };
    Ok(open(app, opening).await?.access_token)
}
