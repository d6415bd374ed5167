//! `POST /oauth2/par` (RFC 9126 §2; spec PAR-01).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use crate::{
    app::App,
    config::PushedRequests,
    domain::refusal::Refusal,
    flows::{
        Caller,
        client_auth::{self, Endpoint},
        pushed_request::{Pushed, push},
    },
    web::{
        oauth::private_json,
        refusal::OAuthError,
        request::{OAuthForm, text},
    },
};

/// The response (RFC 9126 §2.2). It is never logged.
#[derive(Serialize)]
struct PushedAuthorizationRequest {
    request_uri: String,
    expires_in: i64,
}

/// Authenticates the client, then keeps its request.
pub async fn pushed_authorization_request(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    OAuthForm(params): OAuthForm,
) -> Result<Response, OAuthError> {
    if app.config.authorization.pushed_requests == PushedRequests::Off {
        return Err(Refusal::NotFound.into());
    }
    let (endpoint, authorization) = (Endpoint::PushedAuthorizationRequest, text(&headers, header::AUTHORIZATION));
    let client = client_auth::authenticate(&app, endpoint, authorization, &params, &caller).await?;
    let Pushed { request_uri, expires_in } = push(&app, &client, &params, &caller).await?;
    let body = private_json(&PushedAuthorizationRequest { request_uri, expires_in });
    Ok((StatusCode::CREATED, body).into_response())
}
