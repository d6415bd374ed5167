//! What registrations look like, for the tests of every rule.

mod coherence;
mod digest;
mod languages;
mod members;
mod whole;

use serde_json::{Value, json};

use super::*;

pub(super) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(super) fn register(body: Value) -> Result<ClientMetadata, InvalidClientMetadata> {
    ClientMetadata::from_registration(&body)
}

pub(super) fn registered(body: Value) -> ClientMetadata {
    let shown = body.to_string();
    register(body).expect(&shown)
}

pub(super) fn error(body: Value) -> &'static str {
    let shown = body.to_string();
    let refusal = register(body).expect_err(&shown);
    // RFC 6749 §5.2: the characters of an error_description.
    let is_allowed = |byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(refusal.to_string().bytes().all(is_allowed), "{refusal}");
    refusal.error()
}

/// The least that a public web client sends.
pub(super) fn web_client() -> Value {
    json!({
        "client_uri": "https://example.com/",
        "redirect_uris": ["https://app.example.com/cb"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
    })
}

pub(super) fn web_client_with(members: Value) -> Value {
    let mut body = web_client();
    for (member, value) in members.as_object().unwrap() {
        if value == "absent" {
            body.as_object_mut().unwrap().remove(member);
        } else {
            body[member] = value.clone();
        }
    }
    body
}

/// Spec area 25: matrix-js-sdk, for a web client, with every member that it can send.
pub(super) fn matrix_js_sdk() -> Value {
    json!({
        "client_name": "Element",
        "client_uri": "https://app.element.example/",
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
        "redirect_uris": ["https://app.element.example/?no_universal_links=true"],
        "id_token_signed_response_alg": "RS256",
        "token_endpoint_auth_method": "none",
        "application_type": "web",
        "logo_uri": "https://app.element.example/vector-icons/1024.png",
        "contacts": ["support@element.example"],
        "policy_uri": "https://element.example/privacy",
        "tos_uri": "https://element.example/terms",
    })
}

/// Spec area 25: matrix-rust-sdk, for a native client with localised members.
pub(super) fn matrix_rust_sdk() -> Value {
    json!({
        "redirect_uris": ["http://127.0.0.1/", "http://[::1]/", "io.element.app:/callback"],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
        "response_types": ["code"],
        "application_type": "native",
        "client_uri": "https://element.io/",
        "client_uri#fr": "https://element.io/fr/",
        "client_name": "My Matrix client",
        "client_name#fr": "Mon client Matrix",
        "policy_uri": "https://element.io/policy",
        "tos_uri": "https://element.io/tos",
    })
}

/// TRP-07: matrix-rust-sdk, when it only signs in by another device.
pub(super) fn device_grant_only() -> Value {
    json!({
        "token_endpoint_auth_method": "none",
        "grant_types": ["refresh_token", DEVICE_CODE],
        "application_type": "native",
        "client_uri": "https://element.io/",
    })
}
