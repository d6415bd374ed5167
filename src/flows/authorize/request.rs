//! What an authorization request may hold: phase A, whose errors are shown here, and phase B, whose errors belong to the
//! client (spec AUT-01, 3.1, 3.2).

use crate::{
    app::App,
    crypto::pkce::is_code_challenge,
    domain::{
        claims::Asked,
        client::GrantType,
        grant::ResponseMode,
        id::{ClientId, UserId},
        params::Params,
        refusal::Refusal,
        scope::Scope,
        user::{User, mxid},
    },
    error::Result,
    flows::{
        authorize::{
            prompt::{Prompt, check_max_age, check_prompt},
            resource::check_resource,
        },
        id_token,
    },
    store::{self, client::Client},
};

/// Phase A.
///
/// # Errors
/// `UnknownClient`, `RedirectUriMismatch`, `InvalidRequest`.
pub async fn check_client(app: &App, params: &Params) -> Result<(Client, String)> {
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
pub struct Request {
    pub scope: Scope,
    pub mode: ResponseMode,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    pub prompt: Prompt,
    pub max_age: Option<i64>,
    pub login_hint: Option<String>,
    pub ui_locales: Option<String>,
    pub acr_values: Option<String>,
    pub claims: Option<String>,
    pub expected_user: Option<UserId>,
    pub resource: Option<String>,
}

/// Phase B, in the order of the table in spec 3.2.
///
/// # Errors
/// Those that belong to the client.
pub async fn check_request(app: &App, params: &Params, client: &Client, redirect_uri: &str) -> Result<Request> {
    if let Some(name) = params.any_repeated() {
        return Err(Refusal::repeated(name).into());
    }
    check_request_objects(params)?;
    check_texts(params)?;
    match params.get("response_type") {
        Some("code") => {}
        Some(_) => return Err(Refusal::UnsupportedResponseType.into()),
        None => return Err(Refusal::InvalidRequest("response_type is missing".to_owned()).into()),
    }
    let mode = check_response_mode(params, redirect_uri)?;
    if !client.metadata.allows_grant(GrantType::AuthorizationCode) {
        return Err(Refusal::UnauthorizedClient("the authorization_code grant").into());
    }
    let scope = check_scope(params, client)?;
    let code_challenge = check_pkce(params, client, &scope)?;
    let max_age = check_max_age(params, client)?;
    let prompt = check_prompt(app, params)?;
    let resource = check_resource(app, params, &scope)?;
    let asked = check_claims(params)?;
    let hinted = check_id_token_hint(app, params).await?;
    let hint = hinted.as_ref().filter(|user| user.deactivated_at.is_none());
    let hint = hint.map(|user| format!("mxid:{}", mxid(&user.username, app.server_name())));
    let claimed = asked.sub.map(UserId::new);
    Ok(Request {
        scope,
        mode,
        state: params.get("state").map(str::to_owned),
        nonce: params.get("nonce").map(str::to_owned),
        code_challenge,
        prompt,
        max_age,
        // HNT-02: what cannot be a hint or a list of languages is ignored and never an error.
        login_hint: params.get("login_hint").filter(|hint| is_plain(hint)).map(str::to_owned).or(hint),
        ui_locales: params.get("ui_locales").filter(|tags| is_plain(tags)).map(str::to_owned),
        acr_values: acr_values(params, client).or(asked.acr_values),
        claims: asked.claims.to_kept(),
        expected_user: claimed.or(hinted.map(|user| user.id)),
        resource,
    })
}

fn check_response_mode(params: &Params, redirect_uri: &str) -> Result<ResponseMode, Refusal> {
    let invalid = |what: &str| Refusal::InvalidRequest(format!("response_mode {what}"));
    let mode = ResponseMode::parse(params.get("response_mode"))
        .ok_or_else(|| invalid("is not one of query, fragment, form_post"))?;
    if mode.reaches(redirect_uri) { Ok(mode) } else { Err(invalid("form_post does not reach this redirect_uri")) }
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

/// PRM-05: what the client would like, now or always.
fn acr_values(params: &Params, client: &Client) -> Option<String> {
    let always = || Some(client.metadata.default_acr_values.join(" ")).filter(|values| !values.is_empty());
    params.get("acr_values").filter(|values| is_plain(values)).map(str::to_owned).or_else(always)
}

/// OID-10: what the house knows of `claims`.
fn check_claims(params: &Params) -> Result<Asked, Refusal> {
    let Some(raw) = params.get("claims") else { return Ok(Asked::default()) };
    let asked = Asked::read(raw).map_err(|what| Refusal::InvalidRequest(what.to_owned()))?;
    if asked.is_impossible { Err(Refusal::UnknownAcr) } else { Ok(asked) }
}

/// HNT-01: finds of whom a client has an ID token. It is no login, and an account that is gone is hinted at too.
async fn check_id_token_hint(app: &App, params: &Params) -> Result<Option<User>> {
    let Some(raw) = params.get("id_token_hint") else { return Ok(None) };
    let hint = id_token::read_hint(app, raw).await?;
    let unknown = || Refusal::InvalidRequest("id_token_hint is about nobody".to_owned());
    Ok(Some(store::user::find(&app.db, &hint.sub).await?.ok_or_else(unknown)?))
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
