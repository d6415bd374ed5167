//! `POST /oauth2/token` (RFC 6749 §3.2; spec area 4).

use axum::{extract::State, response::Response};
use http::{HeaderMap, header};

use crate::{
    app::App,
    domain::params::Params,
    error::Result,
    flows::{
        Caller,
        client_auth::{self, Endpoint},
        token::issue,
    },
    web::{
        oauth::private_json,
        refusal::OAuthError,
        request::{OAuthForm, text},
    },
};

/// Authenticates the client, then exchanges what it presents.
pub async fn token(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    OAuthForm(params): OAuthForm,
) -> Result<Response, OAuthError> {
    let is_refresh = params.get("grant_type") == Some("refresh_token");
    exchange(&app, &caller, &headers, &params).await.map_err(|error| match is_refresh {
        // TRP-05: at a 4xx to its refresh an app signs its person out.
        true => error.or_busy().into(),
        false => error.into(),
    })
}

async fn exchange(app: &App, caller: &Caller, headers: &HeaderMap, params: &Params) -> Result<Response> {
    let client =
        client_auth::authenticate(app, Endpoint::Token, text(headers, header::AUTHORIZATION), params, caller).await?;
    Ok(private_json(&issue(app, client, params, caller.clone()).await?))
}
