//! `POST /oauth2/introspect` (RFC 7662; spec area 7). Synapse has this path built in.

use axum::{extract::State, response::Response};
use http::{HeaderMap, header};

use crate::{
    app::App,
    flows::{
        Caller,
        introspect::{authenticate, introspect as answer},
        token::required,
    },
    web::{
        oauth::private_json,
        refusal::OAuthError,
        request::{OAuthForm, text},
    },
};

/// Tells an authenticated asker what a token is.
pub async fn introspect(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    OAuthForm(params): OAuthForm,
) -> Result<Response, OAuthError> {
    let asker = authenticate(&app, text(&headers, header::AUTHORIZATION), &params, &caller).await?;
    let token = required(&params, "token")?;
    // Synapse says by this header that it reads the member `device_id`.
    let is_device_member_known = headers.get("x-mas-supports-device-id").is_some_and(|value| value == "1");
    Ok(private_json(&answer(&app, &asker, token, is_device_member_known).await?))
}
