//! The authorization endpoint (RFC 6749 §4.1.1, OIDC Core §3.1.2, MSC2964; spec area 3).
//!
//! A request goes through two phases. In the first (client and redirect URI) an error is shown here and never sent on.
//! In the second an error belongs to the client, but a visitor whom nobody knows is not bounced to a client that
//! registered itself (AUT-10). What passes becomes a grant, which the pages lead to its decision.

use crate::{
    app::App,
    clock::SECOND,
    crypto::{
        pkce::is_code_challenge,
        secret::{Kind, Secret},
    },
    domain::{
        assurance::Standing,
        client::GrantType,
        grant::{CODE_LIFE, GRANT_LIFE, Grant, ResponseMode},
        id::{ClientId, GrantId},
        params::Params,
        refusal::Refusal,
        scope::Scope,
    },
    error::{Error, Result},
    flows::{
        Caller,
        assurance::{self, Occasion},
        browser::SignedIn,
        permit, register,
    },
    store::{self, client::Client, grant::Approval},
};

/// A response on its way to the client: where to, how, and what (spec AUT-05, AUT-06).
pub struct Response {
    pub redirect_uri: String,
    pub mode: ResponseMode,
    pub params: Vec<(&'static str, String)>,
}

impl Response {
    /// Gives the address that the browser is sent to. The redirect URI is used as text: private-use schemes have no
    /// host, and a parser would change what it reads (AUT-08, AUT-09).
    pub fn location(&self) -> String {
        let encoded = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.params.iter().map(|(k, v)| (*k, v)))
            .finish();
        match self.mode {
            ResponseMode::Fragment => format!("{}#{encoded}", self.redirect_uri),
            ResponseMode::Query => {
                let joint = if self.redirect_uri.contains('?') { '&' } else { '?' };
                // The empty fragment keeps the browser from carrying over one of ours.
                format!("{}{joint}{encoded}#", self.redirect_uri)
            }
        }
    }
}

/// What came of an authorization request.
pub enum Begun {
    /// The pages take over.
    Continue(GrantId),
    /// The client gets its answer at once.
    Respond(Response),
    /// The client gets its answer when the person agrees to go there (AUT-10).
    Offer(Refusal, Response),
}

/// Begins an authorization for a browser.
///
/// # Errors
/// Phase A: `UnknownClient`, `RedirectUriMismatch`, `InvalidRequest`; they are shown and never redirected.
pub async fn begin(
    app: &App,
    params: &Params,
    browser: &Secret,
    signed_in: Option<&SignedIn>,
    caller: &Caller,
) -> Result<Begun> {
    let (client, redirect_uri) = check_client(app, params).await?;
    let mode = ResponseMode::parse(params.get("response_mode"));
    match check_all(app, params, &client, signed_in, caller).await {
        Ok(request) => {
            let id = insert_grant(app, request, &client, redirect_uri, browser).await?;
            Ok(Begun::Continue(id))
        }
        Err(Error::Refusal(refusal)) => {
            // AUT-02: a response mode that we do not know cannot carry its own error.
            let mode = mode.unwrap_or(ResponseMode::Query);
            let response = error_response(app, redirect_uri, mode, params.get("state"), &refusal);
            let is_silent = prompts(params).any(|prompt| prompt == "none");
            Ok(match client.is_static || is_silent || signed_in.is_some() {
                true => Begun::Respond(response),
                false => Begun::Offer(refusal, response),
            })
        }
        Err(error) => Err(error),
    }
}

/// Phase A.
async fn check_client(app: &App, params: &Params) -> Result<(Client, String)> {
    for name in ["client_id", "redirect_uri"] {
        if params.is_repeated(name) {
            return Err(Refusal::repeated(name).into());
        }
    }
    let client_id = params.get("client_id").and_then(ClientId::read).ok_or(Refusal::UnknownClient)?;
    let client = store::client::find(&app.db, &client_id).await?.ok_or(Refusal::UnknownClient)?;
    let missing = || Refusal::InvalidRequest("redirect_uri is missing".to_owned());
    let redirect_uri = params.get("redirect_uri").ok_or_else(missing)?;
    if redirect_uri.len() > 2048 || !client.metadata.accepts_redirect_uri(redirect_uri) {
        return Err(Refusal::RedirectUriMismatch.into());
    }
    Ok((client, redirect_uri.to_owned()))
}

/// A request that passed phase B.
struct Request {
    scope: Scope,
    mode: ResponseMode,
    state: Option<String>,
    nonce: Option<String>,
    code_challenge: Option<String>,
    wants_login: bool,
    wants_registration: bool,
    max_age: Option<i64>,
    login_hint: Option<String>,
    ui_locales: Option<String>,
    acr_values: Option<String>,
}

/// Phase B, and the policies behind it: who the person is they are asked about at the consent.
async fn check_all(
    app: &App,
    params: &Params,
    client: &Client,
    signed_in: Option<&SignedIn>,
    caller: &Caller,
) -> Result<Request> {
    let request = check_request(app, params, client)?;
    let scope = request.scope.to_string();
    permit::authorization(app, client, &scope, GrantType::AuthorizationCode, None, caller)?;
    match prompts(params).any(|prompt| prompt == "none") {
        true => Err(refuse_silence(app, &request, client, signed_in, caller).await?.into()),
        false => Ok(request),
    }
}

/// Phase B, in the order of the table in spec 3.2.
fn check_request(app: &App, params: &Params, client: &Client) -> Result<Request, Refusal> {
    if let Some(name) = params.any_repeated() {
        return Err(Refusal::repeated(name));
    }
    check_request_objects(params)?;
    check_texts(params)?;
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(Refusal::UnsupportedResponseType),
        None => return Err(Refusal::InvalidRequest("response_type is missing".to_owned())),
    }
    let mode = ResponseMode::parse(params.get("response_mode"))
        .ok_or_else(|| Refusal::InvalidRequest("response_mode is not one of query, fragment".to_owned()))?;
    if !client.metadata.allows_grant(GrantType::AuthorizationCode) {
        return Err(Refusal::UnauthorizedClient("the authorization_code grant"));
    }
    let scope = check_scope(params, client)?;
    let code_challenge = check_pkce(params, client, &scope)?;
    let max_age = check_max_age(params, client)?;
    let (wants_login, wants_registration) = check_prompt(app, params)?;
    Ok(Request {
        scope,
        mode,
        state: params.get("state").map(str::to_owned),
        nonce: params.get("nonce").map(str::to_owned),
        code_challenge,
        wants_login,
        wants_registration,
        max_age,
        // HNT-02: what cannot be a hint or a list of languages is ignored and never an error.
        login_hint: params.get("login_hint").filter(|hint| is_plain(hint)).map(str::to_owned),
        ui_locales: params.get("ui_locales").filter(|tags| is_plain(tags)).map(str::to_owned),
        acr_values: params.get("acr_values").filter(|values| is_plain(values)).map(str::to_owned),
    })
}

fn check_request_objects(params: &Params) -> Result<(), Refusal> {
    let refusals = [
        ("request", Refusal::RequestNotSupported),
        ("request_uri", Refusal::RequestUriNotSupported),
        ("registration", Refusal::RegistrationNotSupported),
    ];
    refusals.into_iter().find(|(name, _)| params.get(name).is_some()).map_or(Ok(()), |(_, refusal)| Err(refusal))
}

/// Tells whether a hint is short and without control characters.
fn is_plain(hint: &str) -> bool {
    hint.len() <= 512 && !hint.chars().any(char::is_control)
}

/// CMN-14, INV-17: too long or unreadable is an error and never "absent".
fn check_texts(params: &Params) -> Result<(), Refusal> {
    for name in ["state", "nonce"] {
        // RFC 6749 appendix A.5: VSCHAR.
        if params.get(name).is_some_and(|value| value.chars().any(char::is_control)) {
            return Err(Refusal::InvalidRequest(format!("{name} holds a control character")));
        }
    }
    let too_long = [("state", 2048), ("nonce", 512), ("scope", 4096)]
        .into_iter()
        .find(|(name, most)| params.get(name).is_some_and(|value| value.len() > *most));
    too_long
        .map_or(Ok(()), |(name, most)| Err(Refusal::InvalidRequest(format!("{name} is longer than {most} characters"))))
}

/// Reads the scope that a client asks a person for, the same wherever it may ask.
///
/// # Errors
/// `InvalidScope`; `UnauthorizedClient` where a Matrix session could not live.
pub fn check_scope(params: &Params, client: &Client) -> Result<Scope, Refusal> {
    let raw = params.get("scope").ok_or_else(|| Refusal::InvalidScope("scope is missing".to_owned()))?;
    let scope = Scope::parse(raw).and_then(Scope::requestable_by_users)?;
    // REG-06: a Matrix session without refresh tokens would end after five minutes.
    if scope.is_matrix() && !client.metadata.allows_grant(GrantType::RefreshToken) {
        return Err(Refusal::UnauthorizedClient("the refresh_token grant, which Matrix sessions need"));
    }
    Ok(scope)
}

/// AUT-04, RFC 7636 §4.3; absent means `plain`, which is not offered.
fn check_pkce(params: &Params, client: &Client, scope: &Scope) -> Result<Option<String>, Refusal> {
    let is_required = !client.metadata.is_confidential() || client.is_pkce_required || scope.is_matrix();
    match (params.get("code_challenge"), params.get("code_challenge_method")) {
        (None, None) if !is_required => Ok(None),
        (None, _) => Err(Refusal::InvalidRequest("code_challenge is missing".to_owned())),
        (Some(challenge), Some("S256")) if is_code_challenge(challenge) => Ok(Some(challenge.to_owned())),
        (Some(_), Some("S256")) => {
            Err(Refusal::InvalidRequest("code_challenge is not 43 base64url characters".to_owned()))
        }
        (Some(_), _) => Err(Refusal::InvalidRequest("code_challenge_method has to be S256".to_owned())),
    }
}

fn prompts(params: &Params) -> impl Iterator<Item = &str> {
    params.get("prompt").unwrap_or_default().split(' ').filter(|prompt| !prompt.is_empty())
}

/// Gives whether a fresh login and whether a sign-up is asked for (PRM-01 to PRM-03).
///
/// `consent` and `select_account` need nothing: consent is asked every time, on a page that names the account.
fn check_prompt(app: &App, params: &Params) -> Result<(bool, bool), Refusal> {
    let (mut wants_login, mut wants_registration) = (false, false);
    for prompt in prompts(params) {
        match prompt {
            "none" if prompts(params).count() > 1 => {
                return Err(Refusal::InvalidRequest("prompt none excludes every other".to_owned()));
            }
            "login" => wants_login = true,
            "create" => wants_registration = true,
            "none" | "consent" | "select_account" => {}
            _ => return Err(Refusal::InvalidRequest("prompt has an unknown value".to_owned())),
        }
    }
    // Where sign-up is closed, the login page takes its place and says so.
    let is_open = register::is_open(app);
    Ok((wants_login && !(wants_registration && is_open), wants_registration))
}

/// Says why `prompt=none` cannot succeed: no consent is remembered, and a device never comes into being unseen
/// (PRM-01, DEC-01).
async fn refuse_silence(
    app: &App,
    request: &Request,
    client: &Client,
    signed_in: Option<&SignedIn>,
    caller: &Caller,
) -> Result<Refusal> {
    let is_recent = |signed_in: &SignedIn| {
        let age = app.clock.now() - signed_in.auth_time;
        request.max_age.is_none_or(|seconds| seconds > 0 && age <= seconds.saturating_mul(SECOND))
    };
    let scope = request.scope.to_string();
    let standing = match signed_in {
        Some(signed_in) => assurance::judge(app, signed_in, Occasion::authorization(client, &scope), caller).await?,
        None => Standing::Enough,
    };
    Ok(match (standing, request.scope.is_matrix() || signed_in.is_some_and(is_recent)) {
        (Standing::Lacking(_), _) => Refusal::InteractionRequired,
        (Standing::Again(_), _) | (_, false) => Refusal::LoginRequired,
        (Standing::Enough, true) => Refusal::ConsentRequired,
    })
}

fn check_max_age(params: &Params, client: &Client) -> Result<Option<i64>, Refusal> {
    let Some(raw) = params.get("max_age") else { return Ok(client.metadata.default_max_age.map(i64::from)) };
    let invalid = || Refusal::InvalidRequest("max_age is not a number of seconds".to_owned());
    raw.parse::<u32>().map(|seconds| Some(i64::from(seconds))).map_err(|_| invalid())
}

async fn insert_grant(
    app: &App,
    request: Request,
    client: &Client,
    redirect_uri: String,
    browser: &Secret,
) -> Result<GrantId> {
    let now = app.clock.now();
    let grant = Grant {
        id: app.new_grant_id(),
        browser_hash: browser.hash(),
        client_id: client.id.clone(),
        redirect_uri,
        scope: request.scope.to_string(),
        state: request.state,
        nonce: request.nonce,
        response_mode: request.mode.as_str().to_owned(),
        code_challenge: request.code_challenge,
        wants_login: request.wants_login,
        wants_registration: request.wants_registration,
        max_age: request.max_age,
        login_hint: request.login_hint,
        ui_locales: request.ui_locales,
        created_at: now,
        expires_at: now + GRANT_LIFE,
        decided_at: None,
        user_id: None,
        browser_session_id: None,
        auth_time: None,
        amr: None,
        acr_values: request.acr_values,
        code_expires_at: None,
        consumed_at: None,
        session_id: None,
    };
    let mut tx = app.db.write().await?;
    store::grant::insert(&mut tx, &grant).await?;
    tx.commit().await?;
    Ok(grant.id)
}

/// Finds an authorization that this browser began and that waits for its decision.
///
/// # Errors
/// `TransactionOver`, `OtherBrowser` (AUT-11), `UnknownClient` when the client was disabled meanwhile.
pub async fn find(app: &App, id: &GrantId, browser: &Secret) -> Result<(Grant, Client)> {
    let grant = store::grant::find(&app.db, id).await?.ok_or(Refusal::TransactionOver)?;
    if grant.browser_hash != browser.hash() {
        return Err(Refusal::OtherBrowser.into());
    }
    if grant.decided_at.is_some() || grant.expires_at <= app.clock.now() {
        return Err(Refusal::TransactionOver.into());
    }
    let client = store::client::find(&app.db, &grant.client_id).await?.ok_or(Refusal::UnknownClient)?;
    Ok((grant, client))
}

/// Tells whether the policies let a client have what it asks for, of this person.
///
/// # Errors
/// `Policy`.
pub fn check_person(app: &App, grant: &Grant, client: &Client, person: &SignedIn, caller: &Caller) -> Result<()> {
    permit::authorization(app, client, &grant.scope, GrantType::AuthorizationCode, Some(&person.user), caller)
}

/// Records that the person allows, and gives the response with the code.
///
/// # Errors
/// `TransactionOver` when it was decided before. An account that may not have what was asked is told to the client.
pub async fn approve(
    app: &App,
    grant: &Grant,
    client: &Client,
    signed_in: &SignedIn,
    caller: &Caller,
) -> Result<Response> {
    let now = app.clock.now();
    if !grant.accepts_login_of(signed_in.auth_time, now) {
        return Err(Refusal::LoginRequired.into());
    }
    let scope = Scope::parse(&grant.scope).unwrap_or_default();
    // SCP-09: administration is never silently dropped from the scope.
    if scope.wants_server_admin() && !signed_in.user.is_admin {
        return deny(app, grant).await;
    }
    match check_person(app, grant, client, signed_in, caller) {
        Err(Error::Refusal(Refusal::Policy(_))) => return deny(app, grant).await,
        result => result?,
    }
    let code = Secret::generate(Kind::AuthorizationCode);
    let approval = Approval {
        user: &signed_in.user.id,
        browser_session: &signed_in.session.session_id,
        auth_time: signed_in.auth_time,
        amr: signed_in.session.amr.as_ref(),
        scope: &grant.scope,
        code_hash: &code.hash(),
        code_expires_at: now + CODE_LIFE,
    };
    let mut tx = app.db.write().await?;
    if !store::grant::approve(&mut tx, &grant.id, &approval, now).await? {
        return Err(Refusal::TransactionOver.into());
    }
    tx.commit().await?;
    Ok(response(app, grant, vec![("code", code.expose().to_owned())]))
}

/// Records that the person refuses, and gives the response that says so.
///
/// # Errors
/// `TransactionOver` when it was decided before.
pub async fn deny(app: &App, grant: &Grant) -> Result<Response> {
    let mut tx = app.db.write().await?;
    if !store::grant::deny(&mut tx, &grant.id, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    tx.commit().await?;
    let refusal = Refusal::AccessDenied;
    Ok(error_response(app, grant.redirect_uri.clone(), grant.response_mode(), grant.state.as_deref(), &refusal))
}

fn response(app: &App, grant: &Grant, mut params: Vec<(&'static str, String)>) -> Response {
    finish_params(app, &mut params, grant.state.as_deref());
    Response { redirect_uri: grant.redirect_uri.clone(), mode: grant.response_mode(), params }
}

fn error_response(
    app: &App,
    redirect_uri: String,
    mode: ResponseMode,
    state: Option<&str>,
    refusal: &Refusal,
) -> Response {
    let mut params = vec![("error", refusal.oauth_error().to_owned()), ("error_description", refusal.description())];
    finish_params(app, &mut params, state);
    Response { redirect_uri, mode, params }
}

/// RFC 9207: the issuer is always there, so that a client knows whose answer it holds.
fn finish_params(app: &App, params: &mut Vec<(&'static str, String)>, state: Option<&str>) {
    if let Some(state) = state {
        params.push(("state", state.to_owned()));
    }
    params.push(("iss", app.config.http.issuer().as_str().to_owned()));
}
