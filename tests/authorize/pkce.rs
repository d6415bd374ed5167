//! PKCE (RFC 7636): who needs it, and that a challenge and a verifier always come together (AUT-04).

use crate::support::{
    CHALLENGE, MATRIX_SCOPE, REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server, VERIFIER, changed,
    person::{encode, response_params},
};

#[tokio::test]
async fn a_challenge_and_a_verifier_come_together_or_not_at_all() {
    // AUT-04, TOK-04: {challenge yes, no} × {verifier right, wrong, none} of a client that may do without
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let wrong = VERIFIER.replace('d', "e");
    let table: [(bool, Option<&str>, u16, &str); 6] = [
        (true, Some(VERIFIER), 200, ""),
        (true, Some(&wrong), 400, "invalid_grant"),
        (true, None, 400, "invalid_request"),
        (false, Some(VERIFIER), 400, "invalid_grant"),
        (false, Some(&wrong), 400, "invalid_grant"),
        (false, None, 200, ""),
    ];
    for (has_challenge, verifier, status, error) in table {
        let mut request = server.request(STATIC_CLIENT, "openid");
        if !has_challenge {
            request = changed(&changed(&request, "code_challenge", None), "code_challenge_method", None);
        }
        let code = browser.allow(&request).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", STATIC_CLIENT),
            ("client_secret", STATIC_SECRET),
            ("redirect_uri", REDIRECT_URI),
            ("code", &code),
        ];
        let answer = server.post("oauth2/token", &changed(&form, "code_verifier", verifier)).await;
        assert_eq!(answer.status, status, "{has_challenge} {verifier:?} {}", answer.body);
        if status != 200 {
            answer.assert_error(status, error);
        }
    }
}

#[tokio::test]
async fn pkce_is_only_spared_where_the_operator_says_so_and_never_for_matrix() {
    // AUT-04, DEC-04: an absent method means `plain`, which is refused like `plain` itself.
    let strict = [("clients.0.require_pkce", "true")];
    let lenient = [("clients.0.require_pkce", "false")];
    for (setting, is_lenient) in [(strict, false), (lenient, true)] {
        let [(key, value)] = setting;
        let server = Server::setup().static_client("client_secret_basic").with(key, value).start().await;
        let public = server.client().await;
        let both = |challenge, method| [("code_challenge", challenge), ("code_challenge_method", method)];
        // (client, scope, challenge, method, is it accepted)
        let table = [
            (STATIC_CLIENT, "openid", both(Some(CHALLENGE), Some("S256")), true),
            (STATIC_CLIENT, "openid", both(None, None), is_lenient),
            (STATIC_CLIENT, MATRIX_SCOPE, both(None, None), false),
            (STATIC_CLIENT, MATRIX_SCOPE, both(Some(CHALLENGE), Some("S256")), true),
            (STATIC_CLIENT, "openid", both(Some(CHALLENGE), Some("plain")), false),
            (STATIC_CLIENT, "openid", both(Some(CHALLENGE), None), false),
            (STATIC_CLIENT, "openid", both(None, Some("S256")), false),
            (&public, "openid", both(None, None), false),
            (&public, "openid", both(Some(CHALLENGE), Some("plain")), false),
            (&public, "openid", both(Some(CHALLENGE), Some("S256")), true),
        ];
        for (client_id, scope, pkce, is_accepted) in table {
            let base = server.request(client_id, scope);
            let request = pkce.iter().fold(base, |request, (name, value)| changed(&request, name, *value));
            // `prompt=none` brings every answer back at once, whoever the client is.
            let answer = server.get(&format!("authorize?{}&prompt=none", encode(&request))).await;
            let error = response_params(answer.location())["error"].clone();
            let is_refused = error == "invalid_request";
            assert_eq!(!is_refused, is_accepted, "{client_id} {scope} {pkce:?}: {error}");
        }
    }
}
