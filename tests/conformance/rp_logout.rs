//! OpenID Connect RP-Initiated Logout 1.0: a relying party sends the browser to be signed out, and gets it back only by an
//! address of its own and an ID token of ours.

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header, decode_header, encode};
use rcgen::{KeyPair, PKCS_RSA_SHA256};
use serde_json::json;

use super::{
    Outcome, Passed,
    party::{POST_LOGOUT_REDIRECT_URI, Party, Tokens, hidden_fields},
};
use crate::support::{
    http::Answer,
    person::{Person, encode as encode_form, response_params},
};

/// Where a browser is after it was sent to be signed out.
enum Left {
    /// Back at the relying party, with these parameters.
    AtParty(HashMap<String, String>),
    AtPage(Answer),
}

async fn signed_in(party: &Party) -> (Person, Tokens) {
    let browser = party.browser();
    let (_, tokens) = party.log_in(&browser, &party.request("openid")).await;
    (browser, tokens)
}

/// Sends the browser to the end-session endpoint; its person says yes where the page asks.
async fn send(party: &Party, browser: &Person, params: &[(&str, &str)]) -> Left {
    let url = format!("{}?{}", party.endpoint("end_session_endpoint"), encode_form(params));
    let (_, mut answer) = browser.open(url.trim_end_matches('?')).await;
    for _ in 0..5 {
        if let Some(location) = answer.header("location") {
            if location.starts_with('/') {
                answer = browser.open(location).await.1;
                continue;
            }
            let rest = location.strip_prefix(POST_LOGOUT_REDIRECT_URI).expect("a registered address");
            assert!(rest.is_empty() || rest.starts_with('?'), "{location}");
            return Left::AtParty(response_params(location));
        }
        // A page with a form that asks; one that only offers to sign in again has none.
        let asks = answer.status == 200 && answer.body.contains("<form method=\"post\" action=");
        if !asks || answer.body.contains("name=\"password\"") {
            return Left::AtPage(answer);
        }
        let fields = hidden_fields(&answer.body, |action| action.starts_with('/')).expect("a form");
        let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let fields: Vec<(&str, &str)> = fields.filter(|(name, _)| *name != "csrf").collect();
        answer = browser.submit(&answer, &fields).await;
    }
    panic!("round in circles");
}

/// Ends signed out and back at the relying party, with the state that it sent.
async fn returns(party: &Party, state: Option<&str>) -> Outcome {
    let (browser, tokens) = signed_in(party).await;
    let mut params =
        vec![("id_token_hint", tokens.id_token.as_str()), ("post_logout_redirect_uri", POST_LOGOUT_REDIRECT_URI)];
    params.extend(state.map(|state| ("state", state)));
    let Left::AtParty(back) = send(party, &browser, &params).await else { panic!("no redirect") };
    let expected = state.map(|state| ("state".to_owned(), state.to_owned()));
    assert_eq!(back, expected.into_iter().collect::<HashMap<_, _>>());
    party.assert_signed_out(&browser).await;
    Passed
}

/// Stays here, whatever its person says.
async fn stays(party: &Party, browser: &Person, params: &[(&str, &str)]) -> Answer {
    let Left::AtPage(answer) = send(party, browser, params).await else { panic!("a redirect for {params:?}") };
    assert!(!answer.body.contains("app.example.com/"), "a way to an address that nobody vouches for: {}", answer.body);
    answer
}

/// Ends signed out, at a page of the server.
async fn ends_here(party: &Party, params: &[(&str, &str)]) -> Outcome {
    let (browser, _) = signed_in(party).await;
    assert_eq!(stays(party, &browser, params).await.status, 200);
    party.assert_signed_out(&browser).await;
    Passed
}

fn state() -> String {
    "s1_-".repeat(32)
}

pub async fn oidcc_rp_initiated_logout_discovery_endpoint_verification(party: &Party) -> Outcome {
    assert!(party.endpoint("end_session_endpoint").starts_with("https://"));
    Passed
}

pub async fn oidcc_rp_initiated_logout(party: &Party) -> Outcome {
    returns(party, Some(&state())).await
}

pub async fn oidcc_rp_initiated_logout_no_state(party: &Party) -> Outcome {
    returns(party, None).await
}

pub async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(party: &Party) -> Outcome {
    stays_with_address(party, &format!("{POST_LOGOUT_REDIRECT_URI}/k3Jx9")).await
}

pub async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(party: &Party) -> Outcome {
    stays_with_address(party, &format!("{POST_LOGOUT_REDIRECT_URI}?foo=bar")).await
}

/// With a good hint, and an address that was not registered.
async fn stays_with_address(party: &Party, address: &str) -> Outcome {
    let (browser, tokens) = signed_in(party).await;
    let params =
        [("id_token_hint", tokens.id_token.as_str()), ("post_logout_redirect_uri", address), ("state", &state())];
    stays(party, &browser, &params).await;
    Passed
}

/// The same claims, which nobody signs.
pub async fn oidcc_rp_initiated_logout_modified_id_token_hint(party: &Party) -> Outcome {
    let (browser, tokens) = signed_in(party).await;
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string());
    let payload = tokens.id_token.split('.').nth(1).unwrap();
    stays_with_hint(party, &browser, &format!("{header}.{payload}.")).await
}

/// The same claims and the same name of a key, signed by another.
pub async fn oidcc_rp_initiated_logout_bad_id_token_hint(party: &Party) -> Outcome {
    let (browser, tokens) = signed_in(party).await;
    let kid = decode_header(&tokens.id_token).unwrap().kid;
    let header = Header { kid, ..Header::new(jsonwebtoken::Algorithm::RS256) };
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem();
    let forged = encode(&header, &tokens.claims, &EncodingKey::from_rsa_pem(key.as_bytes()).unwrap()).unwrap();
    stays_with_hint(party, &browser, &forged).await
}

async fn stays_with_hint(party: &Party, browser: &Person, hint: &str) -> Outcome {
    let params = [("id_token_hint", hint), ("post_logout_redirect_uri", POST_LOGOUT_REDIRECT_URI), ("state", &state())];
    stays(party, browser, &params).await;
    Passed
}

pub async fn oidcc_rp_initiated_logout_no_id_token_hint(party: &Party) -> Outcome {
    let (browser, _) = signed_in(party).await;
    let params = [("post_logout_redirect_uri", POST_LOGOUT_REDIRECT_URI), ("state", &state())];
    stays(party, &browser, &params).await;
    Passed
}

pub async fn oidcc_rp_initiated_logout_no_params(party: &Party) -> Outcome {
    ends_here(party, &[]).await
}

pub async fn oidcc_rp_initiated_logout_only_state(party: &Party) -> Outcome {
    ends_here(party, &[("state", &state())]).await
}

pub async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri(party: &Party) -> Outcome {
    let (browser, tokens) = signed_in(party).await;
    let answer = stays(party, &browser, &[("id_token_hint", &tokens.id_token), ("state", &state())]).await;
    assert_eq!(answer.status, 200);
    party.assert_signed_out(&browser).await;
    Passed
}
