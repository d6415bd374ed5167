//! What an authorization request may say and what it may not.

use super::{
    Outcome, Passed,
    party::{EMAIL, End, Journey, Page, Party, Request},
};
use crate::support::REDIRECT_URI;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

/// A login that one more parameter does not stop.
async fn succeeds_with(party: &Party, name: &str, value: &str) -> serde_json::Value {
    let request = party.request("openid").with(name, value);
    let (pages, tokens) = party.log_in(&party.browser(), &request).await;
    // The second time somebody allows the same, nobody asks them again.
    assert_eq!(pages.first(), Some(&Page::Login), "{name}={value}");
    tokens.claims
}

/// A request that ends at a page of the server's: nothing is sent anywhere, and nothing leads on.
fn assert_error_page(journey: Journey) {
    let End::Page(answer) = journey.end else { panic!("{:?}", journey.end) };
    assert!(journey.pages.is_empty(), "{:?}", journey.pages);
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
    assert!(answer.header("location").is_none() && !answer.body.contains("app.example.com"), "{}", answer.body);
}

pub async fn oidcc_response_type_missing(party: &Party) -> Outcome {
    let request = party.request("openid").without("response_type");
    let journey = party.go(&party.browser(), &request).await;
    let params = journey.params();
    assert!(["invalid_request", "unsupported_response_type"].contains(&params["error"].as_str()), "{params:?}");
    Passed
}

pub async fn oidcc_display_page(party: &Party) -> Outcome {
    succeeds_with(party, "display", "page").await;
    Passed
}

pub async fn oidcc_display_popup(party: &Party) -> Outcome {
    succeeds_with(party, "display", "popup").await;
    Passed
}

pub async fn oidcc_ensure_request_with_unknown_parameter_succeeds(party: &Party) -> Outcome {
    succeeds_with(party, "extra", "foobar").await;
    Passed
}

/// The hint is in the field already, and whoever signs in may be somebody else.
pub async fn oidcc_login_hint(party: &Party) -> Outcome {
    let request = party.request("openid").with("login_hint", EMAIL);
    let browser = party.browser();
    let End::Page(page) = party.look(&browser, &request).await.end else { panic!("no page") };
    assert!(page.body.contains(&format!("value=\"{EMAIL}\"")), "{}", page.body);
    succeeds_with(party, "login_hint", EMAIL).await;
    Passed
}

pub async fn oidcc_ui_locales(party: &Party) -> Outcome {
    succeeds_with(party, "ui_locales", "se").await;
    Passed
}

pub async fn oidcc_claims_locales(party: &Party) -> Outcome {
    succeeds_with(party, "claims_locales", "se").await;
    Passed
}

pub async fn oidcc_ensure_request_with_acr_values_succeeds(party: &Party) -> Outcome {
    let advertised = party.discovery["acr_values_supported"].as_array();
    let values = advertised.map_or_else(
        || "1 2".to_owned(),
        |list| list.iter().map(|value| value.as_str().unwrap()).collect::<Vec<_>>().join(" "),
    );
    for values in [values.as_str(), "1 2"] {
        let claims = succeeds_with(party, "acr_values", values).await;
        party.should(claims.get("acr").is_some(), "no acr in the id_token");
    }
    Passed
}

pub async fn oidcc_ensure_registered_redirect_uri(party: &Party) -> Outcome {
    let request = party.request("openid").with("redirect_uri", format!("{REDIRECT_URI}/k3Jx9"));
    assert_error_page(party.go(&party.browser(), &request).await);
    let signed_in = party.browser();
    party.log_in(&signed_in, &party.request("openid")).await;
    assert_error_page(party.go(&signed_in, &request).await);
    Passed
}

pub async fn oidcc_ensure_post_request_succeeds(party: &Party) -> Outcome {
    let request = party.request("openid");
    let journey = party.go_by_post(&party.browser(), &request).await;
    assert_eq!(journey.pages, [Page::Login, Page::Consent]);
    party.tokens_of(&party.client, &request, &journey.code()).await;
    Passed
}

/// A request object of the same request, which nobody signed.
fn unsigned(party: &Party, request: &Request, redirect_uri: &str) -> String {
    let mut claims: serde_json::Map<_, _> =
        request.params.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    claims.insert("redirect_uri".to_owned(), json!(redirect_uri));
    claims.insert("iss".to_owned(), json!(party.client.id));
    claims.insert("aud".to_owned(), json!(party.issuer()));
    let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(json!({ "alg": "none" })), part(json!(claims)))
}

/// Refused by the name of what is not supported; ignoring it would be the failure.
async fn refused_by_name(party: &Party, request: &Request, error: &str) -> Outcome {
    for is_signed_in in [false, true] {
        let browser = party.browser();
        if is_signed_in {
            party.log_in(&browser, &party.request("openid")).await;
        }
        let params = party.go(&browser, request).await.params();
        assert_eq!(params["error"], error, "signed in: {is_signed_in}");
    }
    Passed
}

pub async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(party: &Party) -> Outcome {
    let request = party.request("openid").with("request_uri", "https://app.example.com/request.jwt");
    refused_by_name(party, &request, "request_uri_not_supported").await
}

pub async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(party: &Party) -> Outcome {
    let request = party.request("openid");
    let object = unsigned(party, &request, REDIRECT_URI);
    refused_by_name(party, &request.with("request", object), "request_not_supported").await
}

/// The address outside is no registered one, and that inside is not read: no answer goes anywhere.
pub async fn oidcc_ensure_request_object_with_redirect_uri(party: &Party) -> Outcome {
    let request = party.request("openid");
    let object = unsigned(party, &request, REDIRECT_URI);
    let request = request.with("redirect_uri", format!("{REDIRECT_URI}/k3Jx9")).with("request", object);
    assert_error_page(party.go(&party.browser(), &request).await);
    Passed
}
