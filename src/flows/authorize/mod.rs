//! The authorization endpoint (RFC 6749 §4.1.1, OIDC Core §3.1.2, MSC2964; spec area 3).
//!
//! A request goes through two phases. In the first (client and redirect URI) an error is shown here and never sent on.
//! In the second an error belongs to the client, but a visitor whom nobody knows is not bounced to a client that
//! registered itself (AUT-10). What passes becomes a grant, which the pages lead to its decision.

mod decide;
mod prompt;
mod request;
pub mod resource;
mod response;

pub use decide::{approve, check_person, choose, decline, deny, settle, wanted};
pub use request::{check_client, check_request, check_scope};
pub use response::Response;

use crate::{
    app::App,
    crypto::secret::Secret,
    domain::{
        client::GrantType,
        grant::{GRANT_LIFE, Grant, ResponseMode},
        id::GrantId,
        params::Params,
        refusal::Refusal,
    },
    error::{Error, Result},
    flows::{
        Caller,
        authorize::{
            prompt::{answer_silently, is_silent},
            request::Request,
            response::failure,
        },
        browser::SignedIn,
        permit, pushed_request,
    },
    store::{self, client::Client},
};

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
/// Phase A: `UnknownClient`, `RedirectUriMismatch`, `InvalidRequest`, `PushedRequestOver`; they are shown and never redirected.
pub async fn begin(
    app: &App,
    params: &Params,
    browser: &Secret,
    signed_in: Option<&SignedIn>,
    caller: &Caller,
) -> Result<Begun> {
    // RFC 9126 §4: what was sent ahead is the whole request.
    let pushed = pushed_request::find(app, params).await?;
    let (params, pushed) = match &pushed {
        Some(pushed) => (&pushed.params, Some(pushed.hash.as_slice())),
        None => (params, None),
    };
    let (client, redirect_uri) = check_client(app, params).await?;
    match check_all(app, params, &client, &redirect_uri, pushed.is_some(), caller).await {
        Ok(request) => {
            let is_silent = request.prompt.none;
            let grant = insert_grant(app, request, &client, redirect_uri, browser, pushed).await?;
            Ok(match is_silent {
                true => Begun::Respond(answer_silently(app, &grant, &client, signed_in, caller).await?),
                false => Begun::Continue(grant.id),
            })
        }
        Err(Error::Refusal(refusal)) => {
            // AUT-02: a response mode that we do not know, or that does not get there, cannot carry its own error.
            let mode = ResponseMode::parse(params.get("response_mode")).filter(|mode| mode.reaches(&redirect_uri));
            let mode = mode.unwrap_or(ResponseMode::Query);
            let response = failure(app, redirect_uri, mode, params.get("state"), &refusal);
            Ok(match client.is_static || is_silent(params) || signed_in.is_some() {
                true => Begun::Respond(response),
                false => Begun::Offer(refusal, response),
            })
        }
        Err(error) => Err(error),
    }
}

/// Phase B, and the policies behind it: who the person is they are asked about at the consent.
async fn check_all(
    app: &App,
    params: &Params,
    client: &Client,
    redirect_uri: &str,
    is_pushed: bool,
    caller: &Caller,
) -> Result<Request> {
    let request = check_request(app, params, client, redirect_uri).await?;
    if !is_pushed && pushed_request::is_required(app, client) {
        return Err(Refusal::PushedRequestRequired.into());
    }
    let scope = request.scope.to_string();
    permit::authorization(app, client, &scope, GrantType::AuthorizationCode, None, caller)?;
    Ok(request)
}

async fn insert_grant(
    app: &App,
    request: Request,
    client: &Client,
    redirect_uri: String,
    browser: &Secret,
    pushed: Option<&[u8]>,
) -> Result<Grant> {
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
        wants_login: request.prompt.login,
        wants_registration: request.prompt.registration,
        wants_consent: request.prompt.consent,
        wants_choice: request.prompt.choice,
        chosen_session_id: None,
        expected_user_id: request.expected_user,
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
        claims: request.claims,
        resource: request.resource,
        pushed_request_hash: pushed.map(<[u8]>::to_vec),
        code_expires_at: None,
        consumed_at: None,
        session_id: None,
    };
    let mut tx = app.db.write().await?;
    store::grant::insert(&mut tx, &grant).await?;
    tx.commit().await?;
    Ok(grant)
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
