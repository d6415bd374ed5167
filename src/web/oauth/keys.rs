//! `GET /oauth2/keys.json`: the public keys (RFC 7517; spec KEY-01).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;

use crate::{app::App, web::refusal::OAuthError};

/// Publishes the keys; clients may keep them for an hour.
pub async fn keys(State(app): State<App>) -> Result<Response, OAuthError> {
    let keys = app.keys.published(&app).await?;
    Ok(([(header::CACHE_CONTROL, "public, max-age=3600")], Json(keys)).into_response())
}
