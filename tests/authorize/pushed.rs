//! Requests that clients send ahead (RFC 9126; spec PAR-01 to PAR-03; the modules of FAPI 2.0 that conformance.md names).

use keymaker::clock::SECOND;

use crate::support::{
    MATRIX_SCOPE, REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server, Setup, VERIFIER, changed,
    http::Answer,
    person::{encode, response_params},
};

fn setup(how: &'static str) -> Setup {
    Server::setup().static_client("client_secret_post").with("authorization.pushed_requests", how)
}

/// A correct request of the confidential client, with its secret.
fn request(server: &Server) -> Vec<(&'static str, &'static str)> {
    let mut request = server.request(STATIC_CLIENT, "openid");
    request.push(("client_secret", STATIC_SECRET));
    request
}

fn name_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.body);
    answer.json()["request_uri"].as_str().unwrap().to_owned()
}

fn brought(client_id: &str, request_uri: &str) -> String {
    format!("authorize?{}", encode(&[("client_id", client_id), ("request_uri", request_uri)]))
}

#[tokio::test]
async fn a_request_that_was_sent_ahead_is_the_whole_request() {
    // PAR-01, PAR-02: 201, what the browser brings besides is ignored
    let server = setup("optional").start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let answer = server.post("oauth2/par", &request(&server)).await;
    let name = name_of(&answer);
    assert!(name.starts_with("urn:ietf:params:oauth:request_uri:kmq_"), "{name}");
    assert_eq!((&answer.json()["expires_in"], answer.header("cache-control")), (&60.into(), Some("no-store")));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    server.audit.secret(name.rsplit(':').next().unwrap());
    let other = [("scope", "bogus"), ("redirect_uri", "https://evil.test/"), ("state", "evil"), ("prompt", "none")];
    let (path, page) = browser.open(&format!("{}&{}", brought(STATIC_CLIENT, &name), encode(&other))).await;
    assert!(path.starts_with("/consent/"), "{path} {}", page.body);
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let params = response_params(answer.location());
    assert!(answer.location().starts_with(REDIRECT_URI) && params["state"] == "the state");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", STATIC_CLIENT),
        ("client_secret", STATIC_SECRET),
        ("code", &params["code"]),
        ("redirect_uri", REDIRECT_URI),
    ];
    // fapi PAREnsurePKCECodeVerifierRequired, PARIncorrectPKCECodeVerifierRejected
    let wrong = VERIFIER.replace('d', "e");
    server.post("oauth2/token", &form).await.assert_error(400, "invalid_request");
    server
        .post("oauth2/token", &changed(&form, "code_verifier", Some(&wrong)))
        .await
        .assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn everything_that_is_wrong_is_said_where_it_is_sent() {
    // PAR-01, fapi PAREnsurePlainPKCERejected, PARRejectRequestUriInParAuthorizationRequest, ParWithoutDuplicateParameters,
    // TolerateUnregisteredRedirectUri, EnsureResponseTypeTokenFails
    let server = setup("optional").start().await;
    let good = request(&server);
    let table: [(&str, Option<&str>, u16, &str); 19] = [
        ("request_uri", Some("urn:ietf:params:oauth:request_uri:x"), 400, "invalid_request"),
        ("request_uri", Some("https://app.example.com/r.jwt"), 400, "invalid_request"),
        ("request", Some("e30.e30."), 400, "request_not_supported"),
        ("registration", Some("{}"), 400, "registration_not_supported"),
        ("redirect_uri", None, 400, "invalid_request"),
        ("redirect_uri", Some("https://app.example.com/other"), 400, "invalid_redirect_uri"),
        ("response_type", None, 400, "invalid_request"),
        ("response_type", Some("token"), 400, "unsupported_response_type"),
        ("response_mode", Some("jwt"), 400, "invalid_request"),
        ("scope", None, 400, "invalid_scope"),
        ("scope", Some("urn:matrix:unknown"), 400, "invalid_scope"),
        ("code_challenge_method", Some("plain"), 400, "invalid_request"),
        ("code_challenge", Some("short"), 400, "invalid_request"),
        ("prompt", Some("none login"), 400, "invalid_request"),
        ("max_age", Some("soon"), 400, "invalid_request"),
        ("claims", Some("no JSON"), 400, "invalid_request"),
        ("resource", Some("https://api.example.com/"), 400, "invalid_target"),
        ("client_secret", Some("wrong"), 401, "invalid_client"),
        ("client_id", Some("nobody"), 401, "invalid_client"),
    ];
    for (name, value, status, error) in table {
        let answer = server.post("oauth2/par", &changed(&good, name, value)).await;
        assert_eq!((answer.status, answer.error().as_str()), (status, error), "{name}={value:?} {}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
    }
    let mut twice = good.clone();
    twice.push(("scope", "openid"));
    server.post("oauth2/par", &twice).await.assert_error(400, "invalid_request");
    // A public client needs its challenge here too, and nobody needs a query.
    let public = server.client().await;
    let bare = changed(&server.request(&public, MATRIX_SCOPE), "code_challenge", None);
    server.post("oauth2/par", &bare).await.assert_error(400, "invalid_request");
    server.post(&format!("oauth2/par?{}", encode(&good)), &[]).await.assert_error(401, "invalid_client");
    // fapi PARRejectInvalidHttpVerb
    let (http, url) = (&server.http, server.url("oauth2/par"));
    for request in [http.client.get(&url), http.client.put(&url).form(&good)] {
        let answer = http.send(request).await;
        answer.assert_error(405, "invalid_request");
        assert_eq!(answer.header("allow"), Some("POST"));
    }
    let huge = "x".repeat(70_000);
    assert_eq!(server.post("oauth2/par", &changed(&good, "state", Some(&huge))).await.status, 413);
    // Where it is not offered there is nothing, and a request needs nobody's name.
    let off = setup("off").start().await;
    off.post("oauth2/par", &request(&off)).await.assert_error(404, "invalid_request");
    assert!(
        off.get(".well-known/openid-configuration").await.json().get("pushed_authorization_request_endpoint").is_none()
    );
}

#[tokio::test]
async fn a_name_is_good_for_its_client_for_a_minute_and_once() {
    // PAR-02: another client, expiry, reuse; fapi PARAttemptReuseRequestUri, PARAttemptToUseExpiredRequestUri,
    // PAREnsureServerAcceptsReusedRequestUriBeforeAuthenticationCompletion
    let server = setup("optional").start().await;
    server.user("alice").await;
    let other = server.client().await;
    let (browser, elsewhere) = (server.browser(), server.browser());
    browser.sign_in("alice").await;
    let push = async || name_of(&server.post("oauth2/par", &request(&server)).await);
    let refused = async |client_id: &str, name: &str| {
        let answer = browser.get(&brought(client_id, name)).await;
        answer.assert_page(400, "<h1>");
        assert_eq!(answer.header("location"), None);
        assert!(!answer.body.contains("app.example.com"), "nothing leads to the client");
    };
    let name = push().await;
    refused(&other, &name).await;
    refused("nobody", &name).await;
    refused(STATIC_CLIENT, &format!("{name}x")).await;
    let twice = format!("{}&client_id={STATIC_CLIENT}", brought(STATIC_CLIENT, &name));
    assert_eq!(browser.get(&twice).await.status, 400);

    // Until one is decided it may be begun again, also by what fetches links ahead.
    assert!(elsewhere.get(&brought(STATIC_CLIENT, &name)).await.location().starts_with("/login?grant="));
    let (_, first) = browser.open(&brought(STATIC_CLIENT, &name)).await;
    let (path, second) = browser.open(&brought(STATIC_CLIENT, &name)).await;
    assert!(path.starts_with("/consent/"));
    // Whoever has begun has the time that people have.
    server.clock.advance(120 * SECOND);
    refused(STATIC_CLIENT, &name).await;
    let answer = browser.submit(&second, &[("action", "allow")]).await;
    assert!(response_params(answer.location()).contains_key("code"));
    let again = browser.submit(&first, &[("action", "allow")]).await;
    assert_eq!((again.status, again.header("location")), (400, None), "another decision was made");

    for action in ["allow", "deny"] {
        let name = push().await;
        let (_, page) = browser.open(&format!("{}&x=1", brought(STATIC_CLIENT, &name))).await;
        // What was allowed is answered at once.
        let answer =
            if page.header("location").is_some() { page } else { browser.submit(&page, &[("action", action)]).await };
        assert!(answer.location().starts_with(REDIRECT_URI));
        refused(STATIC_CLIENT, &name).await;
    }
}

#[tokio::test]
async fn of_twenty_decisions_about_one_request_one_counts() {
    // PAR-02, INV-01
    let server = setup("optional").start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let asking = changed(&request(&server), "prompt", Some("consent"));
    let name = name_of(&server.post("oauth2/par", &asking).await);
    let mut pages = Vec::new();
    for _ in 0..20 {
        pages.push(browser.open(&brought(STATIC_CLIENT, &name)).await.1);
    }
    let answers = pages.iter().enumerate().map(|(i, page)| {
        let action = if i % 2 == 0 { "allow" } else { "deny" };
        let browser = &browser;
        async move { browser.submit(page, &[("action", action)]).await }
    });
    let answers = futures_util::future::join_all(answers).await;
    let decided = answers.iter().filter(|answer| answer.status == 303).count();
    assert_eq!(decided, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| [303, 400].contains(&answer.status)));
}

#[tokio::test]
async fn whoever_has_to_send_ahead_gets_nothing_otherwise() {
    // PAR-02: the operator requires it of everybody, or the client of itself
    let server = setup("required").start().await;
    let public = server.client().await;
    for client_id in [STATIC_CLIENT, public.as_str()] {
        let request = changed(&server.request(client_id, MATRIX_SCOPE), "prompt", Some("none"));
        let answer = server.get(&format!("authorize?{}", encode(&request))).await;
        assert_eq!(response_params(answer.location())["error"], "invalid_request");
        let secret = (client_id == STATIC_CLIENT).then_some(STATIC_SECRET);
        let request = changed(&server.request(client_id, MATRIX_SCOPE), "client_secret", secret);
        let name = name_of(&server.post("oauth2/par", &request).await);
        assert!(server.get(&brought(client_id, &name)).await.location().starts_with("/login?grant="));
    }
    let metadata = server.get(".well-known/openid-configuration").await.json();
    assert_eq!(metadata["require_pushed_authorization_requests"], true);

    let server = setup("optional").with("clients.0.require_pushed_authorization_requests", "true").start().await;
    let bare = server.get(&format!("authorize?{}", encode(&server.request(STATIC_CLIENT, "openid")))).await;
    assert_eq!(response_params(bare.location())["error"], "invalid_request");
    let name = name_of(&server.post("oauth2/par", &request(&server)).await);
    assert!(server.get(&brought(STATIC_CLIENT, &name)).await.location().starts_with("/login?grant="));
    // fapi EnsureAuthorizationRequestWithLongNonce, …LongState, …WithoutState, EnsureOtherScopeOrderSucceeds
    let long = "n".repeat(512);
    let state = "s".repeat(2048);
    for (key, value) in
        [("nonce", Some(long.as_str())), ("state", Some(&state)), ("state", None), ("scope", Some("profile openid"))]
    {
        name_of(&server.post("oauth2/par", &changed(&request(&server), key, value)).await);
    }
}
