//! The token endpoint (RFC 6749 §4.1.3, §4.4; spec area 4): the exchange of a code, and tokens for a client itself.
//! Refreshing has a file of its own.

use serde::Serialize;

use crate::{
    app::App,
    clock::SECOND,
    crypto::{
        pkce::verifier_matches,
        secret::{Kind, Secret},
    },
    domain::{
        amr::Amr,
        client::GrantType,
        device,
        grant::{CODE_RETRY_GRACE, Grant},
        id::SessionId,
        params::Params,
        refusal::Refusal,
        scope::Scope,
        session::{ACCESS_TOKEN_LIFE, EndReason, Purpose, SessionKind},
        user::User,
    },
    error::{Error, Result},
    flows::{
        Caller,
        authorize::resource,
        device_grant,
        id_token::{self, Told},
        open::{Life, Opened, Opening, Warrant, open},
        permit, refresh, session,
    },
    language,
    store::{self, client::Client},
};

/// The successful response (RFC 6749 §5.1, OIDC Core §3.1.3.3). It is never logged.
#[derive(Serialize)]
pub struct TokenResponse {
    pub access_token: String,
    pub token_type: &'static str,
    /// Seconds.
    pub expires_in: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    pub scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
}

/// Answers a token request of an authenticated client.
///
/// # Errors
/// The OAuth errors of spec 4.4.
pub async fn issue(app: &App, client: Client, params: &Params, caller: Caller) -> Result<TokenResponse> {
    let (grant_type, name) = match params.get("grant_type") {
        Some("authorization_code") => (GrantType::AuthorizationCode, "the authorization_code grant"),
        Some("refresh_token") => (GrantType::RefreshToken, "the refresh_token grant"),
        Some("client_credentials") => (GrantType::ClientCredentials, "the client_credentials grant"),
        Some("urn:ietf:params:oauth:grant-type:device_code") if app.config.device_grant.enabled => {
            (GrantType::DeviceCode, "the device_code grant")
        }
        Some(_) => return Err(Refusal::UnsupportedGrantType.into()),
        None => return Err(Refusal::InvalidRequest("grant_type is missing".to_owned()).into()),
    };
    if !client.metadata.allows_grant(grant_type) {
        return Err(Refusal::UnauthorizedClient(name).into());
    }
    match grant_type {
        GrantType::AuthorizationCode => exchange_code(app, client, params, caller).await,
        GrantType::RefreshToken => refresh::refresh(app, &client, params, &caller).await,
        GrantType::DeviceCode => device_grant::poll(app, client, params, caller).await,
        GrantType::ClientCredentials => client_credentials(app, &client, params, &caller).await,
    }
}

/// Gives a required parameter.
pub fn required<'a>(params: &'a Params, name: &'static str) -> Result<&'a str, Refusal> {
    params.get(name).ok_or_else(|| Refusal::InvalidRequest(format!("{name} is missing")))
}

async fn exchange_code(app: &App, client: Client, params: &Params, mut caller: Caller) -> Result<TokenResponse> {
    let code = required(params, "code")?;
    let redirect_uri = required(params, "redirect_uri")?;
    let grant = find_grant(app, code, &client, params, &caller).await?;
    if grant.redirect_uri != redirect_uri {
        return Err(Refusal::InvalidGrant("redirect_uri is not the one of the authorization request").into());
    }
    check_verifier(app, &grant, params).await?;
    let resource = resource::narrowed(grant.resource.as_deref(), params)?;
    let user = check_user(app, &grant).await?;
    // The app may ask in no language at all; the person did.
    caller.language = language::negotiate(grant.ui_locales.as_deref(), Some(caller.language.tag()));
    // Whoever hangs up now must not leave a device without a session, or a lane that nobody leaves.
    let app = app.clone();
    tokio::spawn(async move { exchange(&app, &client, &grant, &user, resource, &caller).await })
        .await
        .map_err(|_| Error::Internal("an exchange died"))?
}

/// TOK-01, TOK-02: known, of this client, unexpired and unused; the wrong client does not burn it.
async fn find_grant(app: &App, code: &str, client: &Client, params: &Params, caller: &Caller) -> Result<Grant> {
    let unknown = Refusal::InvalidGrant("the code is unknown");
    let secret = Secret::parse(Kind::AuthorizationCode, code).ok_or(unknown.clone())?;
    let grant = store::grant::find_by_code(&app.db, &secret.hash()).await?.ok_or(unknown.clone())?;
    if let Some(consumed_at) = grant.consumed_at {
        return Err(refuse_reuse(app, &grant, client, params, consumed_at, caller).await?.into());
    }
    if grant.client_id != client.id {
        return Err(unknown.into());
    }
    if grant.code_expires_at.is_none_or(|at| at <= app.clock.now()) {
        return Err(Refusal::InvalidGrant("the code has expired").into());
    }
    Ok(grant)
}

/// TOK-03, DEC-05: the same client within seconds lost our response; anybody else, or later, holds a stolen code.
async fn refuse_reuse(
    app: &App,
    grant: &Grant,
    client: &Client,
    params: &Params,
    consumed_at: i64,
    caller: &Caller,
) -> Result<Refusal> {
    let verifier = params.get("code_verifier").unwrap_or_default();
    let is_same_client = grant.client_id == client.id
        && grant.code_challenge.as_deref().is_none_or(|challenge| verifier_matches(verifier, challenge));
    let is_retry = is_same_client && app.clock.now() - consumed_at <= CODE_RETRY_GRACE;
    if !is_retry
        && let Some(id) = &grant.session_id
        && let Some(session) = store::session::find(&app.db, id).await?
    {
        tracing::warn!(session = %id, "an authorization code was presented again; its session ends");
        session::end_replayed(app, &session, EndReason::CodeReplayed, caller).await?;
    }
    Ok(Refusal::InvalidGrant("the code was used already"))
}

/// RFC 7636 §4.6, AUT-04. Only the holder of the redirect sees a code, so a wrong verifier burns it (TOK-02).
async fn check_verifier(app: &App, grant: &Grant, params: &Params) -> Result<()> {
    match (&grant.code_challenge, params.get("code_verifier")) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::InvalidGrant("the authorization request had no code_challenge").into()),
        (Some(_), None) => Err(Refusal::InvalidRequest("code_verifier is missing".to_owned()).into()),
        (Some(challenge), Some(verifier)) if verifier_matches(verifier, challenge) => Ok(()),
        (Some(_), Some(_)) => {
            let mut tx = app.db.write().await?;
            store::grant::burn_code(&mut tx, &grant.id, app.clock.now()).await?;
            tx.commit().await?;
            Err(Refusal::InvalidGrant("code_verifier does not match the code_challenge").into())
        }
    }
}

/// TOK-01: the account is active, and the login that allowed this was not ended meanwhile.
async fn check_user(app: &App, grant: &Grant) -> Result<User> {
    let gone = Refusal::InvalidGrant("the person is no longer signed in");
    let login = grant.browser_session_id.as_ref().ok_or(gone.clone())?;
    let login = store::session::find(&app.db, login).await?.ok_or(gone.clone())?;
    login.judge(Purpose::Use, app.clock.now()).map_err(|_| gone.clone())?;
    let user = grant.user_id.as_ref().ok_or(gone.clone())?;
    Ok(store::user::find(&app.db, user).await?.ok_or(gone)?)
}

async fn exchange(
    app: &App,
    client: &Client,
    grant: &Grant,
    user: &User,
    resource: Option<String>,
    caller: &Caller,
) -> Result<TokenResponse> {
    let granted = Granted {
        scope: &grant.scope,
        auth_time: grant.auth_time,
        amr: grant.amr.as_ref(),
        nonce: grant.nonce.as_deref(),
        claims: grant.claims.as_deref(),
        resource: resource.as_deref(),
        warrant: Warrant::Code(&grant.id),
        opened_by: grant.browser_session_id.as_ref(),
    };
    tokens(app, client, user, granted, caller).await
}

/// What a person allowed a client, and what the client consumes for it.
pub struct Granted<'a> {
    pub scope: &'a str,
    pub auth_time: Option<i64>,
    pub amr: Option<&'a Amr>,
    pub nonce: Option<&'a str>,
    /// What is told beside the scope.
    pub claims: Option<&'a str>,
    /// What the tokens are for, beside the homeserver.
    pub resource: Option<&'a str>,
    pub warrant: Warrant<'a>,
    /// The login of the browser in which it was allowed.
    pub opened_by: Option<&'a SessionId>,
}

/// Opens the session that a person allowed, and gives its tokens.
///
/// # Errors
/// Those of [`open`].
pub async fn tokens(
    app: &App,
    client: &Client,
    user: &User,
    granted: Granted<'_>,
    caller: &Caller,
) -> Result<TokenResponse> {
    let scope = Scope::parse(granted.scope).unwrap_or_default();
    let name = device_name(client);
    let has_refresh = client.metadata.allows_grant(GrantType::RefreshToken);
    let opening = Opening {
        kind: SessionKind::Oauth,
        user: Some(user),
        client: Some(&client.id),
        scope: granted.scope.to_owned(),
        device_id: scope.device_id(),
        device_name: name.as_deref(),
        auth_time: granted.auth_time,
        amr: granted.amr,
        claims: granted.claims,
        resource: granted.resource,
        caller,
        warrant: granted.warrant,
        opened_by: granted.opened_by,
        access_token: Life::Limited(ACCESS_TOKEN_LIFE),
        refresh_token: has_refresh.then_some(Life::Unlimited),
    };
    let Opened { session, access_token, refresh_token } = open(app, opening).await?;
    let Granted { auth_time, amr, nonce, claims, .. } = granted;
    let told = Told { user, session: &session, auth_time, amr, nonce, claims, access_token: &access_token };
    let id_token = match scope.is_openid() {
        true => Some(id_token::issue(app, client, told).await?),
        false => None,
    };
    Ok(TokenResponse {
        access_token: access_token.expose().to_owned(),
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_LIFE / SECOND,
        refresh_token: refresh_token.map(|secret| secret.expose().to_owned()),
        scope: granted.scope.to_owned(),
        id_token,
    })
}

/// DEV-04: other people see the name of a device, so it tells no more than the application.
fn device_name(client: &Client) -> Option<String> {
    client.metadata.name(&[]).and_then(device::device_name)
}

/// RFC 6749 §4.4: no person, so no refresh token, no ID token and no Matrix scope (spec SCP-11).
async fn client_credentials(app: &App, client: &Client, params: &Params, caller: &Caller) -> Result<TokenResponse> {
    let raw = params.get("scope").unwrap_or_default();
    let scope = Scope::parse(raw).and_then(Scope::requestable_by_machines).map_err(Refusal::from)?;
    permit::authorization(app, client, &scope.to_string(), GrantType::ClientCredentials, None, caller)?;
    let opening = Opening {
        kind: SessionKind::Oauth,
        user: None,
        client: Some(&client.id),
        scope: scope.to_string(),
        device_id: None,
        device_name: None,
        auth_time: None,
        amr: None,
        claims: None,
        resource: None,
        caller,
        warrant: Warrant::Standing,
        opened_by: None,
        access_token: Life::Limited(ACCESS_TOKEN_LIFE),
        refresh_token: None,
    };
    let opened = open(app, opening).await?;
    Ok(TokenResponse {
        access_token: opened.access_token.expose().to_owned(),
        token_type: "Bearer",
        expires_in: ACCESS_TOKEN_LIFE / SECOND,
        refresh_token: None,
        scope: scope.to_string(),
        id_token: None,
    })
}
