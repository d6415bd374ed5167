//! Client authentication over HTTP (RFC 6749 §2.3, RFC 7523; spec 4.1): each of the five methods at each endpoint that asks
//! who the client is.

mod assertions;
mod hosted_keys;
mod matrix;
mod secrets;

use serde_json::{Value, json};

use crate::support::{
    REDIRECT_URI, Server,
    http::Answer,
    signer::{JWT_BEARER, Signer},
};

const METHODS: [&str; 5] =
    ["none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"];

/// What a client that registers itself says, with a method.
fn registration(method: &str, signer: &Signer) -> Value {
    json!({
        "client_name": format!("App with {method}"),
        "client_uri": "https://app.example.com/",
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": method,
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "jwks": signer.jwks(),
    })
}

/// Presents an assertion at the token endpoint, with a refresh token that nobody has.
async fn present(server: &Server, jwt: &str) -> Answer {
    present_at(server, &server.url("oauth2/token"), jwt).await
}

async fn present_at(server: &Server, url: &str, jwt: &str) -> Answer {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "nobody has this one"),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", jwt),
    ];
    server.http.post(url, &form).await
}

/// Tells whether the client was believed: it is the refresh token then that is not.
fn is_authenticated(answer: &Answer) -> bool {
    match (answer.status, answer.error().as_str()) {
        (400, "invalid_grant") => true,
        (401, "invalid_client") => false,
        _ => panic!("{} {}", answer.status, answer.body),
    }
}
