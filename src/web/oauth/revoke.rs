//! `POST /oauth2/revoke` (RFC 7009; spec area 6).

use axum::{extract::State, response::Response};
use http::{HeaderMap, header};
use serde_json::json;

use crate::{
    app::App,
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
    headers: HeaderMap,
    OAuthForm(params): OAuthForm,
) -> Result<Response, OAuthError> {
    end_session(&app, text(&headers, header::AUTHORIZATION), &params).await?;
    Ok(private_json(&json!({})))
}
