//! `POST /oauth2/registration` (RFC 7591, MSC2966; spec area 2).

use axum::{body::Bytes, extract::State, response::Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use crate::{
    app::App,
    clock::SECOND,
    domain::{
        client::{ClientMetadata, GrantType, InvalidClientMetadata},
        refusal::Refusal,
    },
    flows::{Caller, client_registration::register as register_client},
    web::{oauth::private_json, refusal::OAuthError},
};

/// The response (RFC 7591 §3.2.1): what was retained, and what was made.
#[derive(Serialize)]
struct Registration<'a> {
    client_id: &'a str,
    client_id_issued_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    /// Required with a secret; zero means never.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret_expires_at: Option<i64>,
    #[serde(flatten)]
    metadata: &'a ClientMetadata,
}

/// Registers a client.
pub async fn register(
    State(app): State<App>,
    caller: Caller,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, OAuthError> {
    let body = body.map_err(|_| Refusal::TooLarge)?;
    let not_json = |_| Refusal::InvalidClientMetadata("the body is not a JSON object".to_owned());
    let body: Value = serde_json::from_slice(&body).map_err(not_json)?;
    let metadata = ClientMetadata::from_registration(&body).map_err(refuse)?;
    let metadata = match app.config.device_grant.enabled {
        true => metadata,
        false => metadata.without_grant(GrantType::DeviceCode).map_err(refuse)?,
    };
    let registered = register_client(&app, metadata, &caller).await?;
    let secret = registered.secret.as_ref().map(|secret| secret.expose());
    let mut response = private_json(&Registration {
        client_id: registered.client.id.as_str(),
        client_id_issued_at: registered.client.created_at / SECOND,
        client_secret: secret,
        client_secret_expires_at: secret.map(|_| 0),
        metadata: &registered.client.metadata,
    });
    // REG-09: 201; the sample of MSC3861 that shows 200 is wrong.
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

fn refuse(invalid: InvalidClientMetadata) -> Refusal {
    let description = invalid.to_string();
    match invalid.error() {
        "invalid_redirect_uri" => Refusal::InvalidRedirectUri(description),
        "invalid_software_statement" => Refusal::InvalidSoftwareStatement(description),
        "unapproved_software_statement" => Refusal::UnapprovedSoftwareStatement(description),
        _ => Refusal::InvalidClientMetadata(description),
    }
}
