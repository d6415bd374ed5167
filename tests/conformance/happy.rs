//! Logins that succeed: the plain one, and what may be different about it.

use jsonwebtoken::decode_header;

use super::{
    Outcome, Passed, Skipped, checks,
    party::{Auth, Page, Party},
};

/// The plain code flow, with everything that is checked about it.
pub async fn oidcc_server(party: &Party) -> Outcome {
    let request = party.request("openid");
    let (pages, tokens) = party.log_in(&party.browser(), &request).await;
    assert_eq!(pages, [Page::Login, Page::Consent]);
    assert!(tokens.claims["auth_time"].is_i64());
    Passed
}

pub async fn oidcc_idtoken_signature(party: &Party) -> Outcome {
    let (_, tokens) = party.log_in(&party.browser(), &party.request("openid")).await;
    let header = decode_header(&tokens.id_token).unwrap();
    assert!(header.kid.is_some_and(|kid| party.jwks.find(&kid).is_some()));
    Passed
}

pub async fn oidcc_idtoken_unsigned(party: &Party) -> Outcome {
    assert!(!party.advertises("id_token_signing_alg_values_supported", "none"));
    Skipped("the server does not list 'none' in id_token_signing_alg_values_supported")
}

pub async fn oidcc_userinfo_get(party: &Party) -> Outcome {
    let (_, tokens) = party.log_in(&party.browser(), &party.request("openid")).await;
    checks::userinfo(&party.userinfo(&tokens.access).await, &tokens.claims);
    Passed
}

pub async fn oidcc_userinfo_post_header(party: &Party) -> Outcome {
    let (_, tokens) = party.log_in(&party.browser(), &party.request("openid")).await;
    let request = party.http.client.post(party.endpoint("userinfo_endpoint")).bearer_auth(&tokens.access);
    checks::userinfo(&party.http.send(request).await, &tokens.claims);
    Passed
}

pub async fn oidcc_userinfo_post_body(party: &Party) -> Outcome {
    let (_, tokens) = party.log_in(&party.browser(), &party.request("openid")).await;
    let form = [("access_token", tokens.access.as_str())];
    checks::userinfo(&party.http.post(party.endpoint("userinfo_endpoint"), &form).await, &tokens.claims);
    Passed
}

pub async fn oidcc_ensure_request_without_nonce_succeeds_for_code_flow(party: &Party) -> Outcome {
    let request = party.request("openid").without("nonce");
    let (_, tokens) = party.log_in(&party.browser(), &request).await;
    assert!(tokens.claims.get("nonce").is_none());
    Passed
}

/// The scopes and the parameters in another order, as a library that sorts them sends them.
pub async fn oidcc_alternate_happy_flow(party: &Party) -> Outcome {
    let mut request = party.request("email openid");
    request.params.reverse();
    let (_, tokens) = party.log_in(&party.browser(), &request).await;
    let claims = party.userinfo(&tokens.access).await.json();
    party.should(claims.get("email").is_some(), "no email in userinfo");
    Passed
}

pub async fn oidcc_server_client_secret_post(party: &Party) -> Outcome {
    let client = party.make_client("posting-party", Auth::Post).await;
    let request = party.request_of(&client, "openid");
    let code = party.go(&party.browser(), &request).await.code();
    // The method is the registered one and no other.
    let other = client.by(Auth::Basic);
    let refused = party.exchange(&other, &request, &code).await;
    refused.assert_error(401, "invalid_client");
    party.tokens_of(&client, &request, &code).await;
    Passed
}

pub async fn oidcc_ensure_request_with_valid_pkce_succeeds(party: &Party) -> Outcome {
    let request = party.request("openid").with_pkce();
    party.log_in(&party.browser(), &request).await;
    Passed
}
