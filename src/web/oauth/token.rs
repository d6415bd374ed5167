//! `POST /oauth2/token` (RFC 6749 §3.2; spec area 4).

use axum::{extract::State, response::Response};
use http::{HeaderMap, header};

use crate::{
    app::App,
    flows::{Caller, client_auth, token::issue},
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
    let client = client_auth::authenticate(&app, text(&headers, header::AUTHORIZATION), &params).await?;
    Ok(private_json(&issue(&app, client, &params, caller).await?))
}
