//! `POST /oauth2/revoke` (RFC 7009; spec area 6).

use axum::{extract::State, response::Response};
use http::{HeaderMap, header};
use serde_json::json;

use crate::{
    app::App,
    error::Error,
    flows::Caller,
    flows::revoke::revoke as end_session,
    web::{
        oauth::private_json,
        refusal::OAuthError,
        request::{OAuthForm, text},
    },
};

/// Ends the session of a token. The body is an empty object: matrix-js-sdk reads it as JSON (TRP-04).
pub async fn revoke(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    OAuthForm(params): OAuthForm,
) -> Result<Response, OAuthError> {
    let ended = end_session(&app, text(&headers, header::AUTHORIZATION), &params, &caller).await;
    // RFC 7009 §2.2.1: the client then takes it that the token still lives.
    ended.map_err(Error::or_busy)?;
    Ok(private_json(&json!({})))
}
