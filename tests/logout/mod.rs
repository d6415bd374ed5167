//! Signing out where applications are concerned (OpenID Connect RP-Initiated Logout and Back-Channel Logout; spec 16.1, 16.2).

mod causes;
mod cross_use;
mod notices;
mod pages;
mod rp_initiated;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{
    Server,
    http::Answer,
    person::{Person, attribute, response_params},
    relying_party::RelyingParty,
};

const PROFILE: &str = "openid profile";

/// A server that knows a relying party, where Alice is signed in with a browser and with it.
async fn wiki() -> (RelyingParty, Server, Person, Value) {
    let wiki = RelyingParty::start("the-wiki").await;
    let server = Server::setup().clients(&[wiki.config(json!({}))]).start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let tokens = wiki.log_in(&server, &alice, PROFILE).await;
    (wiki, server, alice, tokens)
}

/// The ID token in an answer of the token endpoint.
fn id_token(answer: &Value) -> &str {
    answer["id_token"].as_str().unwrap_or_else(|| panic!("no ID token: {answer}"))
}

/// The header and the claims of a token, verified by the published keys as anybody verifies it.
pub async fn verify(server: &Server, token: &str) -> (Value, Value) {
    let keys: JwkSet = serde_json::from_value(server.get("oauth2/keys.json").await.json()).unwrap();
    let header = decode_header(token).unwrap();
    let key = keys.find(header.kid.as_deref().unwrap()).unwrap();
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    assert!([Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA].contains(&header.alg));
    let claims = decode::<Value>(token, &DecodingKey::from_jwk(key).unwrap(), &validation).unwrap().claims;
    (serde_json::to_value(header).unwrap(), claims)
}

/// Asks and answers yes, with everything that the question carries on.
async fn confirm(person: &Person, question: &Answer) -> Answer {
    question.assert_page(200, "Sign out?");
    assert!(person.whoami().await.is_some(), "nobody is signed out by looking");
    let (marker, mut fields) = ("<input type=\"hidden\" name=\"", Vec::new());
    for field in question.body.split(marker).skip(1).map(|field| format!("{marker}{field}")) {
        let name = attribute(&field, marker).unwrap();
        fields.push((name, attribute(&field, "value=\"").unwrap()));
    }
    let carried = fields.iter().filter(|(name, _)| name != "csrf");
    let carried: Vec<(&str, &str)> = carried.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    person.submit(question, &carried).await
}

impl Person {
    /// The error of a silent authorization, as after a logout.
    async fn silent_error(&self, server: &Server, client_id: &str) -> String {
        let mut request = server.request(client_id, PROFILE);
        request.push(("prompt", "none"));
        let (_, answer) = self.arrive(&request).await;
        let params = response_params(answer.location());
        params.get("error").cloned().unwrap_or_else(|| "none".to_owned())
    }
}
