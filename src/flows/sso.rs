//! The login of an older client through the browser (client-server API, "SSO client login"; spec 12.3): the person
//! signs in here, confirms where the login token goes, and the client exchanges it at `/login`.

use url::Url;

use crate::{
    app::App,
    crypto::secret::{Kind, Secret},
    domain::{
        id::SsoLoginId,
        policy::LoginType,
        refusal::Refusal,
        sso_login::{LOGIN_TOKEN_LIFE, SSO_LOGIN_LIFE, SsoLogin, parse_redirect_url, with_login_token},
    },
    error::{Error, Result},
    flows::{Caller, browser::SignedIn, permit},
    store::{self, sso_login::Approval},
};

/// Reads where the login token shall go; one that is there already is not kept.
///
/// # Errors
/// `InvalidRequest` when no browser should be sent there (SSO-02).
pub fn redirect_url(raw: Option<&str>) -> Result<Url, Refusal> {
    let raw = raw.ok_or_else(|| Refusal::InvalidRequest("redirectUrl is missing".to_owned()))?;
    parse_redirect_url(raw).ok_or_else(|| Refusal::InvalidRequest("redirectUrl is no address to return to".to_owned()))
}

/// Begins a login in this browser.
///
/// # Errors
/// When the store fails.
pub async fn begin(app: &App, browser: &Secret, redirect_url: Url, wants_registration: bool) -> Result<SsoLogin> {
    let now = app.clock.now();
    let login = SsoLogin {
        id: app.new_sso_login_id(),
        browser_hash: browser.hash(),
        redirect_url: redirect_url.into(),
        wants_registration,
        created_at: now,
        expires_at: now + SSO_LOGIN_LIFE,
        decided_at: None,
        user_id: None,
        browser_session_id: None,
        auth_time: None,
        amr: None,
        token_expires_at: None,
        consumed_at: None,
        session_id: None,
    };
    let mut tx = app.db.write().await?;
    store::sso_login::insert(&mut tx, &login).await?;
    tx.commit().await?;
    Ok(login)
}

/// Finds a login that this browser began and that waits for its decision.
///
/// # Errors
/// `TransactionOver`, `OtherBrowser`.
pub async fn find(app: &App, id: &SsoLoginId, browser: &Secret) -> Result<SsoLogin> {
    let login = store::sso_login::find(&app.db, id).await?.ok_or(Refusal::TransactionOver)?;
    if login.browser_hash != browser.hash() {
        return Err(Refusal::OtherBrowser.into());
    }
    if login.decided_at.is_some() || login.expires_at <= app.clock.now() {
        return Err(Refusal::TransactionOver.into());
    }
    Ok(login)
}

/// Tells whether the policies let this person sign in to another older app.
///
/// # Errors
/// `Policy`.
pub async fn check_person(app: &App, person: &SignedIn, caller: &Caller) -> Result<()> {
    permit::compat_login(app, &person.user, LoginType::Sso, None, caller).await
}

/// Records that the person confirms, and gives the address that takes the login token to the client.
///
/// # Errors
/// `TransactionOver` when it was decided before; `Policy`.
pub async fn approve(app: &App, login: &SsoLogin, signed_in: &SignedIn, caller: &Caller) -> Result<String> {
    check_person(app, signed_in, caller).await?;
    let url = parse_redirect_url(&login.redirect_url).ok_or(Error::Internal("a stored redirectUrl cannot be read"))?;
    let (now, token) = (app.clock.now(), Secret::generate(Kind::LoginToken));
    let approval = Approval {
        user: &signed_in.user.id,
        browser_session: &signed_in.session.session_id,
        auth_time: signed_in.auth_time,
        amr: signed_in.session.amr.as_ref(),
        token_hash: &token.hash(),
        token_expires_at: now + LOGIN_TOKEN_LIFE,
    };
    let mut tx = app.db.write().await?;
    if !store::sso_login::approve(&mut tx, &login.id, &approval, now).await? {
        return Err(Refusal::TransactionOver.into());
    }
    tx.commit().await?;
    Ok(with_login_token(url, token.expose()).into())
}

/// Records that the person refuses. The client is told nothing: the protocol has no way (SSO-04).
///
/// # Errors
/// `TransactionOver` when it was decided before.
pub async fn deny(app: &App, login: &SsoLogin) -> Result<()> {
    let mut tx = app.db.write().await?;
    if !store::sso_login::deny(&mut tx, &login.id, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    Ok(tx.commit().await?)
}
