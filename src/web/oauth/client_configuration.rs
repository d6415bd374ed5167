//! `GET`, `PUT` and `DELETE /oauth2/registration/{client_id}` (RFC 7592; spec REG-18).

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::{
    app::App,
    domain::{refusal::Refusal, session::EndReason},
    flows::{Caller, client_configuration as configuration},
    web::{
        oauth::registration::{describe, read_json, read_metadata},
        refusal::OAuthError,
        request::text,
    },
};

/// Shows a client its registration.
pub async fn read(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Result<Response, OAuthError> {
    let (client, token) = configuration::find(&app, &id, text(&headers, header::AUTHORIZATION)).await?;
    Ok(describe(&app, &client, None, Some(&token)))
}

/// Replaces the whole registration.
pub async fn replace(
    State(app): State<App>,
    Path(id): Path<String>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, OAuthError> {
    let (client, token) = configuration::find(&app, &id, text(&headers, header::AUTHORIZATION)).await?;
    let body = read_json(&body.map_err(|_| Refusal::TooLarge)?)?;
    configuration::check_replacement(&app, &client, &body)?;
    let metadata = read_metadata(&app, &body)?;
    let (client, secret) = configuration::replace(&app, client, metadata, &caller).await?;
    Ok(describe(&app, &client, secret.as_ref(), Some(&token)))
}

/// Removes the registration, and all that came of it.
pub async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, OAuthError> {
    let (client, _) = configuration::find(&app, &id, text(&headers, header::AUTHORIZATION)).await?;
    configuration::remove(&app, &client, EndReason::Revoked).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
