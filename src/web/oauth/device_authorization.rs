//! `POST /oauth2/device_authorization` (RFC 8628 §3.1; spec DVC-01, DVC-02).

use axum::{extract::State, response::Response};
use http::{HeaderMap, header};
use serde::Serialize;

use crate::{
    app::App,
    clock::SECOND,
    domain::refusal::Refusal,
    flows::{
        Caller,
        client_auth::{self, Endpoint},
        device_grant::{Begun, begin},
    },
    web::{
        oauth::private_json,
        refusal::OAuthError,
        request::{OAuthForm, text},
    },
};

/// The response (RFC 8628 §3.2); the numbers are seconds, and numbers. It is never logged.
#[derive(Serialize)]
struct DeviceAuthorization<'a> {
    device_code: &'a str,
    user_code: &'a str,
    verification_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_uri_complete: Option<String>,
    expires_in: i64,
    interval: i64,
}

/// Authenticates the client, then gives its device the codes.
pub async fn device_authorization(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    OAuthForm(params): OAuthForm,
) -> Result<Response, OAuthError> {
    let settings = &app.config.device_grant;
    if !settings.enabled {
        return Err(Refusal::UnsupportedGrantType.into());
    }
    let client = client_auth::authenticate(
        &app,
        Endpoint::DeviceAuthorization,
        text(&headers, header::AUTHORIZATION),
        &params,
        &caller,
    )
    .await?;
    let Begun { device_code, user_code } = begin(&app, &client, &params, &caller).await?;
    let verification_uri = format!("{}link", app.config.http.public_base.as_str());
    let user_code = user_code.shown();
    Ok(private_json(&DeviceAuthorization {
        device_code: device_code.expose(),
        verification_uri_complete: settings.prefilled_link.then(|| format!("{verification_uri}?user_code={user_code}")),
        user_code: &user_code,
        verification_uri,
        expires_in: settings.life() / SECOND,
        interval: settings.interval() / SECOND,
    }))
}
