//! Codes are good once, and refresh tokens for whom they were made.

use super::{
    Outcome, Passed, checks,
    party::{Auth, Party},
};

/// Redeems a code, waits, and redeems it again.
pub async fn reuse_after(party: &Party, seconds: i64) -> Outcome {
    let request = party.request("openid");
    let code = party.go(&party.browser(), &request).await.code();
    let tokens = party.tokens_of(&party.client, &request, &code).await;
    party.wait(seconds);
    let again = party.exchange(&party.client, &request, &code).await;
    again.assert_error(400, "invalid_grant");
    assert!(again.header("cache-control").is_some_and(|value| value.contains("no-store")));
    // RFC 6749 §4.1.2: what came of a code that was stolen ends. Within seconds it is the answer that was lost (TOK-03).
    let status = party.userinfo(&tokens.access).await.status;
    match seconds < 20 {
        true => assert_eq!(status, 200),
        false => assert!((400..500).contains(&status), "the access token lives: {status}"),
    }
    Passed
}

pub async fn oidcc_codereuse(party: &Party) -> Outcome {
    reuse_after(party, 0).await
}

pub async fn oidcc_codereuse_30seconds(party: &Party) -> Outcome {
    reuse_after(party, 30).await
}

pub async fn oidcc_refresh_token(party: &Party) -> Outcome {
    party.should(
        party.advertises("grant_types_supported", "refresh_token"),
        "no refresh_token in grant_types_supported",
    );
    let other = party.make_client("another-party", Auth::Basic).await;
    let offline = party.advertises("scopes_supported", "offline_access");
    // A nonce of 43 characters, as long as a digest.
    let nonce = "N".repeat(43);
    let mut refresh_tokens = Vec::new();
    for client in [&party.client, &other] {
        let scope = if offline { "openid offline_access" } else { "openid" };
        let request = party.request_of(client, scope).with("nonce", nonce.as_str());
        let request = if offline { request.with("prompt", "consent") } else { request };
        let code = party.go(&party.browser(), &request).await.code();
        let before = party.tokens_of(client, &request, &code).await;
        party.wait(2);
        let refresh_token = before.refresh.expect("a refresh token");
        let answer = party.refresh(client, &refresh_token).await;
        let (access, next) = checks::token_response(party, &answer);
        assert_ne!(access, before.access);
        let next = next.unwrap_or(refresh_token);
        let body = answer.json();
        if let Some(id_token) = body.get("id_token") {
            // OIDC Core §12.2: the same person and login; a nonce should not come again.
            let claims = checks::id_token(party, client, id_token.as_str().unwrap(), None, &access);
            for name in ["iss", "sub", "aud", "auth_time", "azp"] {
                assert_eq!(claims.get(name), before.claims.get(name), "{name}");
            }
            assert!(claims["iat"].as_i64() > before.claims["iat"].as_i64());
        }
        checks::userinfo(&party.userinfo(&access).await, &before.claims);
        refresh_tokens.push(next);
    }
    let stolen = party.refresh(&party.client, &refresh_tokens[1]).await;
    stolen.assert_error(400, "invalid_grant");
    // The thief's attempt costs its owner nothing.
    checks::token_response(party, &party.refresh(&other, &refresh_tokens[1]).await);
    Passed
}
