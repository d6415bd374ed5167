//! When somebody is asked to sign in, and when nobody may be asked anything.

use serde_json::Value;

use super::{
    Outcome, Passed,
    party::{Page, Party, Request, Tokens},
};
use crate::support::person::Person;

/// Signs somebody in by a first request and lets a while pass.
async fn first(party: &Party, request: &Request, seconds: i64) -> (Person, Tokens) {
    let browser = party.browser();
    let (pages, tokens) = party.log_in(&browser, request).await;
    assert_eq!(pages, [Page::Login, Page::Consent]);
    party.wait(seconds);
    (browser, tokens)
}

fn auth_time(tokens: &Tokens) -> i64 {
    tokens.claims.get("auth_time").and_then(Value::as_i64).expect("an auth_time")
}

/// A second request of the same browser that shows nothing, and tells the same of the same person.
async fn silently(party: &Party, browser: &Person, before: &Tokens, request: Request) {
    let journey = party.look(browser, &request).await;
    assert!(journey.pages.is_empty(), "{:?}", journey.pages);
    let tokens = party.tokens_of(&party.client, &request, &journey.code()).await;
    assert_eq!(tokens.claims["sub"], before.claims["sub"]);
    assert_eq!(auth_time(&tokens), auth_time(before));
}

/// A second request of the same browser that asks for a fresh login, and tells when it was.
async fn freshly(party: &Party, browser: &Person, before: &Tokens, request: Request) {
    let (pages, tokens) = party.log_in(browser, &request).await;
    assert_eq!(pages.first(), Some(&Page::Login));
    assert_eq!(tokens.claims["sub"], before.claims["sub"]);
    assert!(auth_time(&tokens) > auth_time(before));
    assert!((party.now() - auth_time(&tokens)).abs() < 60);
}

pub async fn oidcc_prompt_login(party: &Party) -> Outcome {
    let (browser, before) = first(party, &party.request("openid"), 2).await;
    freshly(party, &browser, &before, party.request("openid").with("prompt", "login")).await;
    Passed
}

pub async fn oidcc_prompt_none_not_logged_in(party: &Party) -> Outcome {
    let request = party.request("openid").with("prompt", "none").with("state", "a1_-".repeat(32));
    let journey = party.look(&party.browser(), &request).await;
    assert!(journey.pages.is_empty(), "{:?}", journey.pages);
    let params = journey.params();
    let errors = ["login_required", "interaction_required", "account_selection_required", "consent_required"];
    assert!(errors.contains(&params["error"].as_str()), "{params:?}");
    Passed
}

pub async fn oidcc_prompt_none_logged_in(party: &Party) -> Outcome {
    let (browser, before) = first(party, &party.request("openid"), 2).await;
    silently(party, &browser, &before, party.request("openid").with("prompt", "none")).await;
    Passed
}

pub async fn oidcc_max_age_1(party: &Party) -> Outcome {
    let (browser, before) = first(party, &party.request("openid"), 2).await;
    freshly(party, &browser, &before, party.request("openid").with("max_age", "1")).await;
    Passed
}

pub async fn oidcc_max_age_10000(party: &Party) -> Outcome {
    let (browser, before) = first(party, &party.request("openid").with("max_age", "15000"), 2).await;
    silently(party, &browser, &before, party.request("openid").with("max_age", "10000")).await;
    Passed
}

pub async fn oidcc_id_token_hint(party: &Party) -> Outcome {
    let (browser, before) = first(party, &party.request("openid"), 2).await;
    let request = party.request("openid").with("prompt", "none").with("id_token_hint", before.id_token.as_str());
    silently(party, &browser, &before, request).await;
    Passed
}
