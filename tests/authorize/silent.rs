//! Who is asked what: prompt × login × what was allowed before × what is asked for, by a table that the specification gives and not
//! the code (PRM-01 to PRM-04, CNS-03, DEC-01, TRP-36; conformance 17 to 21).

use keymaker::clock::SECOND;

use crate::support::{
    MATRIX_SCOPE, REDIRECT_URI, STATIC_CLIENT, Server, changed, claims_of,
    http::Answer,
    person::{encode, response_params},
};

/// A client of the configuration that the operator answers for.
const TRUSTED: &str = "our-own";

async fn server() -> Server {
    let server = Server::setup()
        .static_client("client_secret_post")
        .with("clients.1.client_id", TRUSTED)
        .with("clients.1.client_auth_method", "none")
        .with("clients.1.redirect_uris", format!("[\"{REDIRECT_URI}\"]"))
        .with("clients.1.grant_types", "[authorization_code, refresh_token]")
        .with("clients.1.trusted", "true")
        .start()
        .await;
    server.user("alice").await;
    server
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Login {
    Nobody,
    Recent,
    /// Older than the request allows.
    Stale,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nothing,
    Allowed,
    Trusted,
}

/// What the specification says comes of a request: the page, the error or the code.
fn expected(prompt: &str, login: Login, before: Before, is_matrix: bool) -> &'static str {
    let is_asked = is_matrix || before == Before::Nothing || prompt == "consent";
    match (prompt, login) {
        // DEC-01: a device never comes into being unseen.
        ("none", _) if is_matrix => "consent_required",
        ("none", Login::Nobody | Login::Stale) => "login_required",
        ("none", Login::Recent) if is_asked => "consent_required",
        ("none", Login::Recent) => "code",
        (_, Login::Nobody) => "login",
        ("select_account", _) => "choose",
        ("login", _) | (_, Login::Stale) => "login",
        (_, Login::Recent) if is_asked => "consent",
        (_, Login::Recent) => "code",
    }
}

/// Names where a request led to.
fn outcome(path: &str, answer: &Answer) -> String {
    match answer.header("location") {
        Some(location) if location.starts_with(REDIRECT_URI) => {
            let params = response_params(location);
            assert_ne!(params.contains_key("code"), params.contains_key("error"), "{location}");
            params.get("error").cloned().unwrap_or_else(|| "code".to_owned())
        }
        _ => path.trim_start_matches('/').split(['/', '?']).next().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn a_person_is_asked_what_the_table_says_and_nothing_else() {
    let server = server().await;
    let own = server.client().await;
    let (stranger, alice) = (server.browser(), server.browser());
    alice.sign_in("alice").await;
    alice.allow(&server.request(&own, "openid profile")).await;
    server.clock.advance(5 * SECOND);
    let mut cells = 0;
    for (client, before) in [(STATIC_CLIENT, Before::Nothing), (&own, Before::Allowed), (TRUSTED, Before::Trusted)] {
        for (scope, is_matrix) in [("openid", false), ("openid profile", false), (MATRIX_SCOPE, true)] {
            for prompt in ["", "none", "login", "consent", "select_account"] {
                for login in [Login::Nobody, Login::Recent, Login::Stale] {
                    let browser = if login == Login::Nobody { &stranger } else { &alice };
                    let request = changed(&server.request(client, scope), "prompt", Some(prompt));
                    let max_age = if login == Login::Stale { "1" } else { "10000" };
                    let request = changed(&request, "max_age", Some(max_age));
                    let (path, answer) = browser.arrive(&request).await;
                    let expected = expected(prompt, login, before, is_matrix);
                    let what = format!("{prompt:?} {login:?} {before:?} {scope}: {path}");
                    assert_eq!(outcome(&path, &answer), expected, "{what}");
                    // Silence is an answer at once, without any page.
                    if prompt == "none" {
                        assert!(path.starts_with("authorize?"), "{what}");
                    }
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 135);
}

#[tokio::test]
async fn a_silent_answer_tells_of_the_same_login() {
    // Conformance 19, 21, 23: same subject, same auth_time, and a session of its own.
    let server = server().await;
    let own = server.client().await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let first = alice.allow(&server.request(&own, "openid")).await;
    let first = server.exchange(&own, &first).await.json();
    let before = claims_of(first["id_token"].as_str().unwrap());
    server.clock.advance(30 * SECOND);
    let request = changed(&server.request(&own, "openid"), "prompt", Some("none"));
    let hint = changed(&request, "id_token_hint", first["id_token"].as_str());
    for request in [request, hint] {
        let answer = alice.get(&format!("authorize?{}", encode(&request))).await;
        let code = response_params(answer.location())["code"].clone();
        let claims = claims_of(server.exchange(&own, &code).await.json()["id_token"].as_str().unwrap());
        for claim in ["sub", "auth_time", "sid", "acr"] {
            assert_eq!(claims[claim], before[claim], "{claim}");
        }
        assert!(claims["iat"].as_i64() > before["iat"].as_i64());
    }
    // Signed out, it is over.
    let page = alice.get("logout").await;
    alice.submit(&page, &[]).await;
    let request = changed(&server.request(&own, "openid"), "prompt", Some("none"));
    let answer = alice.get(&format!("authorize?{}", encode(&request))).await;
    assert_eq!(response_params(answer.location())["error"], "login_required");
}
