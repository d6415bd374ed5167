//! `POST /refresh`, `/logout` and `/logout/all` (client-server API; spec 12.4 and 12.5).

use axum::{extract::State, response::Response};
use http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use crate::{
    app::App,
    domain::refusal::Refusal,
    flows::{Caller, compat},
    web::matrix::{MatrixError, MatrixJson, Tokens, bearer, private_json},
};

/// The body of a refresh.
#[derive(Deserialize)]
pub struct Body {
    refresh_token: Option<String>,
}

/// Exchanges a refresh token.
pub async fn refresh(
    State(app): State<App>,
    caller: Caller,
    MatrixJson(body): MatrixJson<Body>,
) -> Result<Response, MatrixError> {
    let presented = body.refresh_token.ok_or(Refusal::MissingParam("refresh_token"))?;
    Ok(private_json(&Tokens::from(compat::refresh(&app, &presented, &caller).await?)))
}

/// Ends the session of the access token. A body has nothing to say here, and is not looked at.
pub async fn logout(State(app): State<App>, headers: HeaderMap) -> Result<Response, MatrixError> {
    compat::logout(&app, bearer(&headers)?).await?;
    Ok(private_json(&json!({})))
}

/// Ends all sessions of the user of the access token.
pub async fn logout_all(State(app): State<App>, headers: HeaderMap) -> Result<Response, MatrixError> {
    compat::logout_all(&app, bearer(&headers)?).await?;
    Ok(private_json(&json!({})))
}
