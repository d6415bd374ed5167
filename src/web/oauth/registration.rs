//! `POST /oauth2/registration` (RFC 7591, MSC2966; spec area 2).

use axum::{body::Bytes, extract::State, response::Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;

use crate::{
    app::App,
    clock::SECOND,
    crypto::secret::Secret,
    domain::{
        client::{ClientMetadata, GrantType, InvalidClientMetadata},
        refusal::Refusal,
    },
    flows::{Caller, client_registration::register as register_client},
    store::client::Client,
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
    /// Of a client that can manage its registration (RFC 7592 §3).
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    registration_client_uri: Option<String>,
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
    let metadata = read_metadata(&app, &read_json(&body)?)?;
    let registered = register_client(&app, metadata, &caller).await?;
    let (secret, token) = (registered.secret.as_ref(), registered.registration_token.as_ref());
    let mut response = describe(&app, &registered.client, secret, token);
    // REG-09: 201; the sample of MSC3861 that shows 200 is wrong.
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// Reads a body as JSON.
pub(super) fn read_json(body: &Bytes) -> Result<Value, Refusal> {
    serde_json::from_slice(body).map_err(|_| Refusal::InvalidClientMetadata("the body is not a JSON object".to_owned()))
}

/// Reads metadata, without the grants that are not offered here.
pub(super) fn read_metadata(app: &App, body: &Value) -> Result<ClientMetadata, Refusal> {
    let metadata = ClientMetadata::from_registration(body).map_err(refuse)?;
    match app.config.device_grant.enabled {
        true => Ok(metadata),
        false => metadata.without_grant(GrantType::DeviceCode).map_err(refuse),
    }
}

/// Describes a registration to the client, with what was just made for it.
pub(super) fn describe(app: &App, client: &Client, secret: Option<&Secret>, token: Option<&Secret>) -> Response {
    let secret = secret.map(Secret::expose);
    let uri = || format!("{}oauth2/registration/{}", app.config.http.public_base.as_str(), client.id.as_str());
    private_json(&Registration {
        client_id: client.id.as_str(),
        client_id_issued_at: client.created_at / SECOND,
        client_secret: secret,
        client_secret_expires_at: secret.map(|_| 0),
        registration_access_token: token.map(Secret::expose),
        registration_client_uri: token.map(|_| uri()),
        metadata: &client.metadata,
    })
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
