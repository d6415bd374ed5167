//! Whole registrations: what the SDKs send, what is kept of it, and bodies that are none (REG-01, REG-04, REG-07).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::*;

// REG-07, spec area 25
#[test]
fn what_the_sdks_send_is_accepted_and_echoed() {
    let mut js_sdk = matrix_js_sdk();
    // MSC2966: the two pages are not under client_uri, so matrix-js-sdk leaves them out.
    assert_eq!(error(js_sdk.clone()), "invalid_client_metadata");
    js_sdk.as_object_mut().unwrap().retain(|member, _| !matches!(member.as_str(), "policy_uri" | "tos_uri"));
    for body in [js_sdk, matrix_rust_sdk()] {
        assert_eq!(serde_json::to_value(registered(body.clone())).unwrap(), body);
    }
}

// REG-04, TRP-07
#[test]
fn a_device_grant_only_client_needs_no_redirect_uri() {
    let mut echoed = device_grant_only();
    echoed["response_types"] = json!([]);
    for response_types in [None, Some(json!([]))] {
        let mut body = device_grant_only();
        if let Some(response_types) = response_types {
            body["response_types"] = response_types;
        }
        assert_eq!(serde_json::to_value(registered(body)).unwrap(), echoed);
    }
}

// REG-01
#[test]
fn the_body_is_an_object_of_rightly_typed_members() {
    for body in [json!([]), json!("x"), json!(null), json!(1)] {
        assert_eq!(error(body), "invalid_client_metadata");
    }
    let members = [
        "client_name",
        "client_uri",
        "logo_uri",
        "tos_uri",
        "policy_uri",
        "redirect_uris",
        "response_types",
        "grant_types",
        "token_endpoint_auth_method",
        "application_type",
        "contacts",
        "software_id",
        "software_version",
        "default_max_age",
        "id_token_signed_response_alg",
        "userinfo_signed_response_alg",
        "token_endpoint_auth_signing_alg",
        "jwks",
        "jwks_uri",
        "post_logout_redirect_uris",
        "backchannel_logout_uri",
        "initiate_login_uri",
        "default_acr_values",
        "subject_type",
        "client_name#fr",
        "tos_uri#fr",
    ];
    for member in members {
        for value in [json!({}), json!(-1), json!(1.5), json!(true), json!([1])] {
            assert_eq!(error(web_client_with(json!({ member: value }))), "invalid_client_metadata", "{member}");
        }
    }
    for member in ["backchannel_logout_session_required", "require_auth_time", "require_pushed_authorization_requests"]
    {
        for value in [json!({}), json!(-1), json!("true"), json!([true])] {
            assert_eq!(error(web_client_with(json!({ member: value }))), "invalid_client_metadata", "{member}");
        }
    }
    for member in ["redirect_uris", "response_types", "grant_types", "contacts", "default_acr_values"] {
        assert_eq!(error(web_client_with(json!({ member: "code" }))), "invalid_client_metadata", "{member}");
    }
}

// REG-07
#[test]
fn unknown_members_are_neither_kept_nor_echoed_and_null_is_absent() {
    let body = web_client_with(json!({
        "scope": "openid",
        "subject_type": "public",
        "sector_identifier_uri": "https://example.com/sector",
        "require_auth_time": false,
        "x": {"y": []},
        "redirect_uris#fr": ["https://example.com/fr"],
        "logo_uri": null,
        "client_name#fr": null,
    }));
    assert_eq!(registered(body), registered(web_client()));
}

#[test]
fn what_is_kept_survives_storage() {
    let all = web_client_with(json!({
        "client_name": "App", "client_name#fr": "Appli", "logo_uri": "https://example.com/l",
        "contacts": ["a@example.com"], "software_id": "i", "software_version": "1", "default_max_age": 0,
        "id_token_signed_response_alg": "RS256", "application_type": "web", "userinfo_signed_response_alg": "EdDSA",
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "PS256",
        "jwks": {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "x"}]}, "backchannel_logout_session_required": true,
        "backchannel_logout_uri": "https://example.com/out", "post_logout_redirect_uris": ["https://example.com/bye"],
        "initiate_login_uri": "https://example.com/in", "require_auth_time": true, "default_acr_values": ["x"],
        "require_pushed_authorization_requests": true,
    }));
    for body in [all, device_grant_only(), matrix_rust_sdk()] {
        let metadata = registered(body);
        let stored = serde_json::to_string(&metadata).unwrap();
        assert_eq!(serde_json::from_str::<ClientMetadata>(&stored).unwrap(), metadata);
    }
}

// REG-12, DEC-12
#[test]
fn a_software_statement_is_refused_and_never_ignored() {
    let jws = |header: &str, claims: &str, signature: &str| {
        [header, claims, signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
    };
    let rows = [
        (json!(jws(r#"{"alg":"RS256"}"#, r#"{"software_id":"x"}"#, "s")), "unapproved_software_statement"),
        (json!(jws(r#"{"alg":"none"}"#, "{}", "s")), "invalid_software_statement"),
        (json!(jws(r#"{"alg":"RS256"}"#, "{}", "")), "invalid_software_statement"),
        (json!(jws("{}", "{}", "s")), "invalid_software_statement"),
        (json!(jws(r#"{"alg":"RS256"}"#, "[]", "s")), "invalid_software_statement"),
        (json!("a.b"), "invalid_software_statement"),
        (json!(""), "invalid_software_statement"),
        (json!({}), "invalid_software_statement"),
    ];
    for (statement, expected) in rows {
        assert_eq!(error(web_client_with(json!({"software_statement": statement}))), expected, "{statement}");
    }
    registered(web_client_with(json!({"software_statement": null})));
}

// RED-08, RED-10, RED-11, TRP-13
#[test]
fn a_configured_client_needs_no_client_uri() {
    let metadata = ClientMetadata {
        client_name: Some("Relying party".to_owned()),
        redirect_uris: vec!["http://rp.internal/cb".to_owned(), "http://localhost/cb".to_owned()],
        ..ClientMetadata::configured(ClientAuthMethod::ClientSecretPost, vec![GrantType::AuthorizationCode])
    };
    assert_eq!(metadata.host(), None);
    assert_eq!(metadata.name(&["fr"]), Some("Relying party"));
    assert_eq!(metadata.response_types, [ResponseType::Code]);
    assert!(metadata.is_confidential());
    assert!(metadata.accepts_redirect_uri("http://rp.internal/cb"));
    assert!(metadata.accepts_redirect_uri("http://localhost:4000/cb"));
    assert!(!metadata.accepts_redirect_uri("http://rp.internal:4000/cb"));
    let machine = ClientMetadata::configured(ClientAuthMethod::ClientSecretBasic, vec![GrantType::ClientCredentials]);
    assert!(machine.response_types.is_empty());
    assert!(!machine.accepts_redirect_uri(""));
}
