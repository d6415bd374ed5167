//! Pushed authorization requests (RFC 9126), by the modules of the FAPI 2.0 plans.

use reqwest::Method;

use super::{
    Outcome, Passed,
    party::{End, Journey, Page, Party, Request},
};
use crate::support::{REDIRECT_URI, http::Answer, person::Person};

const ENDPOINT: &str = "pushed_authorization_request_endpoint";

async fn push(party: &Party, request: &Request) -> Answer {
    party.http.send(party.authenticated(&party.client, ENDPOINT, &request.pairs())).await
}

/// Pushes a request and gives the address that stands for it, and for how many seconds.
async fn accepted(party: &Party, request: &Request) -> (String, i64) {
    let answer = push(party, request).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")));
    let body = answer.json();
    let request_uri = body["request_uri"].as_str().unwrap().to_owned();
    assert!(request_uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{request_uri}");
    (request_uri, body["expires_in"].as_i64().unwrap())
}

/// Opens the browser with a reference, and nothing else but the client.
async fn go(party: &Party, browser: &Person, request: &Request, request_uri: &str) -> Journey {
    party.go_for(browser, &reference(party, request_uri), request).await
}

fn reference(party: &Party, request_uri: &str) -> Request {
    let params = [("client_id", party.client.id.as_str()), ("request_uri", request_uri)];
    Request { params: params.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec(), verifier: None }
}

fn assert_error_page(journey: Journey) {
    let End::Page(answer) = journey.end else { panic!("{:?}", journey.end) };
    assert!(journey.pages.is_empty() && (400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
}

pub async fn par_without_duplicate_parameters(party: &Party) -> Outcome {
    let request = party.request("openid").with_pkce();
    let (request_uri, _) = accepted(party, &request).await;
    let journey = go(party, &party.browser(), &request, &request_uri).await;
    assert_eq!(journey.pages, [Page::Login, Page::Consent]);
    party.tokens_of(&party.client, &request, &journey.code()).await;
    Passed
}

pub async fn par_ensure_plain_pkce_rejected(party: &Party) -> Outcome {
    let request = party.request("openid").with_pkce();
    let verifier = request.verifier.clone().unwrap();
    let request = request.with("code_challenge", verifier).with("code_challenge_method", "plain");
    push(party, &request).await.assert_error(400, "invalid_request");
    Passed
}

pub async fn par_ensure_pkce_code_verifier_required(party: &Party) -> Outcome {
    exchange_with(party, None).await
}

pub async fn par_incorrect_pkce_code_verifier_rejected(party: &Party) -> Outcome {
    exchange_with(party, Some("x".repeat(43))).await
}

async fn exchange_with(party: &Party, verifier: Option<String>) -> Outcome {
    let request = party.request("openid").with_pkce();
    let (request_uri, _) = accepted(party, &request).await;
    let code = go(party, &party.browser(), &request, &request_uri).await.code();
    let answer = party.exchange(&party.client, &Request { verifier, ..request }, &code).await;
    assert!(["invalid_grant", "invalid_request"].contains(&answer.error().as_str()), "{}", answer.body);
    assert_eq!(answer.status, 400);
    Passed
}

pub async fn par_attempt_reuse_request_uri(party: &Party) -> Outcome {
    let (browser, request) = (party.browser(), party.request("openid").with_pkce());
    let (request_uri, _) = accepted(party, &request).await;
    go(party, &browser, &request, &request_uri).await.code();
    assert_error_page(go(party, &browser, &request, &request_uri).await);
    assert_error_page(go(party, &party.browser(), &request, &request_uri).await);
    Passed
}

pub async fn par_attempt_to_use_expired_request_uri(party: &Party) -> Outcome {
    let request = party.request("openid").with_pkce();
    let (request_uri, seconds) = accepted(party, &request).await;
    party.wait(seconds + 1);
    assert_error_page(go(party, &party.browser(), &request, &request_uri).await);
    Passed
}

pub async fn par_reject_invalid_http_verb(party: &Party) -> Outcome {
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let answer = party.http.send(party.http.client.request(method.clone(), party.endpoint(ENDPOINT))).await;
        assert_eq!(answer.status, 405, "{method}");
    }
    Passed
}

pub async fn par_reject_request_uri_in_par_authorization_request(party: &Party) -> Outcome {
    let request = party.request("openid").with_pkce();
    let (request_uri, _) = accepted(party, &request).await;
    push(party, &request.with("request_uri", request_uri)).await.assert_error(400, "invalid_request");
    Passed
}

/// A reload before anybody has signed in costs nothing.
pub async fn par_ensure_server_accepts_reused_request_uri_before_authentication_completion(party: &Party) -> Outcome {
    let (browser, request) = (party.browser(), party.request("openid").with_pkce());
    let (request_uri, _) = accepted(party, &request).await;
    let looked = party.look_for(&browser, &reference(party, &request_uri), &request).await;
    assert_eq!(looked.pages, [Page::Login]);
    let code = go(party, &browser, &request, &request_uri).await.code();
    party.tokens_of(&party.client, &request, &code).await;
    Passed
}

/// Refused at once, to the client alone: no browser is sent anywhere.
pub async fn tolerate_unregistered_redirect_uri(party: &Party) -> Outcome {
    let request = party.request("openid").with_pkce().with("redirect_uri", format!("{REDIRECT_URI}/k3Jx9"));
    let answer = push(party, &request).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(["invalid_request", "invalid_redirect_uri"].contains(&answer.error().as_str()), "{}", answer.body);
    Passed
}
