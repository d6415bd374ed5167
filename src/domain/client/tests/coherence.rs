//! Rules between members (REG-03, REG-04).

use serde_json::{Value, json};

use super::*;

// TRP-14
#[test]
fn token_endpoint_auth_method_is_client_secret_basic_unless_said() {
    let rows = [
        ("absent", ClientAuthMethod::ClientSecretBasic, true),
        ("client_secret_basic", ClientAuthMethod::ClientSecretBasic, true),
        ("client_secret_post", ClientAuthMethod::ClientSecretPost, true),
        ("client_secret_jwt", ClientAuthMethod::ClientSecretJwt, true),
        ("none", ClientAuthMethod::None, false),
    ];
    for (given, method, confidential) in rows {
        let metadata = registered(web_client_with(json!({"token_endpoint_auth_method": given})));
        assert_eq!(metadata.token_endpoint_auth_method, method);
        assert_eq!(metadata.is_confidential(), confidential);
    }
    for method in ["private_key_jwt", "None", "", "tls_client_auth", "self_signed_tls_client_auth"] {
        let body = web_client_with(json!({"token_endpoint_auth_method": method}));
        assert_eq!(error(body), "invalid_client_metadata");
    }
}

// REG-03, REG-04
#[test]
fn grants_and_response_types_are_known_and_coherent() {
    use GrantType::{AuthorizationCode, ClientCredentials, DeviceCode, RefreshToken};
    let accepted: [(Value, Value, Vec<GrantType>, bool); 9] = [
        (json!("absent"), json!("absent"), vec![AuthorizationCode], true),
        (json!("absent"), json!(["code"]), vec![AuthorizationCode], true),
        (json!(["authorization_code"]), json!("absent"), vec![AuthorizationCode], true),
        (json!(["authorization_code"]), json!(["code", "id_token", "code"]), vec![AuthorizationCode], true),
        (
            json!(["refresh_token", "authorization_code", "implicit", "x", "refresh_token"]),
            json!(["code"]),
            vec![RefreshToken, AuthorizationCode],
            true,
        ),
        (json!([DEVICE_CODE]), json!("absent"), vec![DeviceCode], false),
        (json!([DEVICE_CODE, "refresh_token"]), json!([]), vec![DeviceCode, RefreshToken], false),
        (json!(["client_credentials"]), json!([]), vec![ClientCredentials], false),
        (
            json!(["client_credentials", "authorization_code"]),
            json!("absent"),
            vec![ClientCredentials, AuthorizationCode],
            true,
        ),
    ];
    for (grants, responses, kept, code) in accepted {
        let metadata = registered(web_client_with(json!({
            "grant_types": grants, "response_types": responses, "token_endpoint_auth_method": "client_secret_basic",
        })));
        assert_eq!(metadata.grant_types, kept);
        assert_eq!(metadata.response_types, if code { vec![ResponseType::Code] } else { vec![] });
        assert!(kept.iter().all(|grant_type| metadata.allows_grant(*grant_type)));
        assert_eq!(metadata.allows_grant(DeviceCode), kept.contains(&DeviceCode));
    }
    let refused = [
        (json!([]), json!("absent")),
        (json!([]), json!([])),
        (json!(["refresh_token"]), json!([])),
        (json!(["implicit", "password"]), json!("absent")),
        (json!("absent"), json!([])),
        (json!(["authorization_code"]), json!([])),
        (json!(["authorization_code"]), json!(["id_token"])),
        (json!([DEVICE_CODE]), json!(["code"])),
        (json!(["client_credentials"]), json!(["code"])),
    ];
    for (grants, responses) in refused {
        let body = web_client_with(json!({
            "grant_types": grants, "response_types": responses, "token_endpoint_auth_method": "client_secret_basic",
        }));
        assert_eq!(error(body), "invalid_client_metadata", "{grants} {responses}");
    }
    let machine = json!({"grant_types": ["client_credentials"], "response_types": []});
    assert_eq!(error(web_client_with(machine)), "invalid_client_metadata");
}

// Spec 2.1, jwks and token_endpoint_auth_signing_alg
#[test]
fn keys_are_public_in_one_place_and_there_when_they_are_needed() {
    let key = json!({"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "kid": "1"});
    let with = |member: &str| {
        let mut private = key.clone();
        private[member] = json!("x");
        json!({"jwks": {"keys": [key, private]}})
    };
    let private_key_jwt = |members: Value| {
        let mut members = members;
        members["token_endpoint_auth_method"] = json!("private_key_jwt");
        web_client_with(members)
    };
    let jwks = json!({"keys": [key]});
    let uri = "https://keys.example.com:8443/jwks?x=y";
    let accepted = [
        private_key_jwt(json!({"jwks": jwks})),
        private_key_jwt(json!({"jwks_uri": uri})),
        private_key_jwt(json!({"jwks": jwks, "token_endpoint_auth_signing_alg": "ES256"})),
        web_client_with(json!({"jwks": {"keys": []}})),
        web_client_with(
            json!({"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS512"}),
        ),
    ];
    for body in accepted {
        let echoed = serde_json::to_value(registered(body.clone())).unwrap();
        for member in ["jwks", "jwks_uri", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg"] {
            assert_eq!(echoed[member], body[member], "{member}");
        }
    }
    let mut refused = vec![
        private_key_jwt(json!({})),
        private_key_jwt(json!({"jwks": {"keys": []}})),
        private_key_jwt(json!({"jwks": jwks, "jwks_uri": uri})),
        private_key_jwt(json!({"jwks": jwks, "token_endpoint_auth_signing_alg": "HS256"})),
        private_key_jwt(json!({"jwks": jwks, "token_endpoint_auth_signing_alg": "none"})),
        private_key_jwt(json!({"jwks": jwks, "token_endpoint_auth_signing_alg": "RS1"})),
        web_client_with(
            json!({"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "RS256"}),
        ),
        web_client_with(json!({"jwks": {"keys": {}}})),
        web_client_with(json!({"jwks": {"keys": [1]}})),
        web_client_with(json!({"jwks": {"keys": [{}]}})),
        web_client_with(json!({"jwks": {"keys": [{"kty": "oct"}]}})),
        web_client_with(json!({"jwks": {"keys": vec![key.clone(); 21]}})),
        web_client_with(json!({"jwks": {"keys": [{"kty": "RSA", "n": "x".repeat(40_000)}]}})),
    ];
    refused.extend(["d", "p", "q", "dp", "dq", "qi", "oth", "k"].map(|member| web_client_with(with(member))));
    for uri in
        ["http://example.com/jwks", "https://example.org/jwks", "https://example.com/jwks#x", "https://10.0.0.1/"]
    {
        refused.push(private_key_jwt(json!({"jwks_uri": uri})));
    }
    for body in refused {
        assert_eq!(error(body.clone()), "invalid_client_metadata", "{body}");
    }
}
