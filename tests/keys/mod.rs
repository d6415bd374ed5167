//! The keys: what signs, what is published and believed, and what is sealed (spec areas 8 and 9; HNT-01, CMN-17, INV-03, INV-14).

mod commands;
mod encryption;
mod hints;
mod rotation;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keymaker::{
    domain::{refusal::Refusal, signing_alg::SigningAlg},
    error::Error,
    flows::id_token::{Hint, read_hint},
};
use serde_json::{Value, json};

use crate::support::{Server, claims_of};

/// The header of a JWT.
fn header_of(jwt: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(jwt.split('.').next().unwrap()).unwrap()).unwrap()
}

/// Reads a hint; nothing when it is refused as one that is bad, and not for any other reason.
async fn hint(app: &keymaker::app::App, raw: &str) -> Option<Hint> {
    match read_hint(app, raw).await {
        Ok(hint) => Some(hint),
        Err(Error::Refusal(Refusal::InvalidRequest(_))) => None,
        Err(error) => panic!("{raw}: {error}"),
    }
}

/// An ID token of somebody who signs in for it.
async fn id_token(server: &Server, user: &str) -> String {
    let client_id = server.client().await;
    let code = server.code(user, &client_id, "openid").await;
    let answer = server.exchange(&client_id, &code).await;
    answer.json()["id_token"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// The claims of an ID token, signed again with another algorithm.
async fn signed_with(server: &Server, alg: SigningAlg, id_token: &str) -> String {
    server.app.keys.sign(&server.app, alg, "JWT", &claims_of(id_token)).await.unwrap()
}

/// The ids of the published keys of an algorithm.
fn kids(jwks: &Value, alg: SigningAlg) -> Vec<String> {
    let keys = jwks["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == json!(alg.as_str()));
    keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}
