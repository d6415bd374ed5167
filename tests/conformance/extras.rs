//! What is worth taking from the FAPI 2.0 plans, named after their modules.

use super::{
    Outcome, Passed, checks, codes,
    party::{End, Page, Party},
};

pub async fn attempt_reuse_authorization_code_after_one_second(party: &Party) -> Outcome {
    codes::reuse_after(party, 1).await
}

pub async fn attempt_to_use_expired_auth_code(party: &Party) -> Outcome {
    let request = party.request("openid");
    let code = party.go(&party.browser(), &request).await.code();
    party.wait(61);
    party.exchange(&party.client, &request, &code).await.assert_error(400, "invalid_grant");
    Passed
}

pub async fn ensure_response_type_token_fails(party: &Party) -> Outcome {
    for response_type in ["token", "code token", "id_token token"] {
        let request = party.request("openid").with("response_type", response_type);
        let params = party.go(&party.browser(), &request).await.params();
        assert_eq!(params["error"], "unsupported_response_type", "{response_type}");
    }
    Passed
}

pub async fn ensure_authorization_request_with_long_nonce(party: &Party) -> Outcome {
    let request = party.request("openid").with("nonce", "n0_-".repeat(96));
    party.log_in(&party.browser(), &request).await;
    Passed
}

pub async fn ensure_authorization_request_with_long_state(party: &Party) -> Outcome {
    let request = party.request("openid").with("state", "s0_-".repeat(96));
    party.log_in(&party.browser(), &request).await;
    Passed
}

pub async fn ensure_authorization_request_without_state_success(party: &Party) -> Outcome {
    let request = party.request("openid").without("state");
    party.log_in(&party.browser(), &request).await;
    Passed
}

pub async fn ensure_other_scope_order_succeeds(party: &Party) -> Outcome {
    let (_, tokens) = party.log_in(&party.browser(), &party.request("email profile openid")).await;
    let claims = checks::userinfo(&party.userinfo(&tokens.access).await, &tokens.claims);
    assert!(claims.get("email").is_some() && claims.get("name").is_some(), "{claims}");
    Passed
}

/// Nobody is signed in for an application that they refuse: it hears so, and that is all.
pub async fn user_rejects_authentication(party: &Party) -> Outcome {
    let browser = party.browser();
    party.log_in(&browser, &party.request("openid")).await;
    let request = party.request("openid").with("prompt", "consent");
    let journey = party.look(&browser, &request).await;
    assert_eq!(journey.pages, [Page::Consent]);
    let End::Page(page) = journey.end else { unreachable!("a page") };
    let params = party.press(&browser, &request, &page, &[("action", "deny")]).await.params();
    assert_eq!(params["error"], "access_denied");
    Passed
}

pub async fn access_token_type_header_case_sensitivity(party: &Party) -> Outcome {
    let (_, tokens) = party.log_in(&party.browser(), &party.request("openid")).await;
    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let request = party.http.client.get(party.endpoint("userinfo_endpoint"));
        let answer = party.http.send(request.header("authorization", format!("{scheme} {}", tokens.access))).await;
        checks::userinfo(&answer, &tokens.claims);
    }
    Passed
}
