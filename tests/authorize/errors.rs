//! The two phases of errors (RFC 6749 §4.1.2.1), and the visitors whom an error sends nowhere (AUT-10).

use serde_json::json;

use crate::support::{
    CHALLENGE, MATRIX_SCOPE, REDIRECT_URI, STATIC_CLIENT, Server, changed,
    http::Answer,
    person::{Person, attribute, encode, response_params},
};

#[tokio::test]
async fn an_error_about_the_client_or_its_address_is_shown_here_and_never_sent_on() {
    // AUT-01, RED-10, RED-13, RED-14, conformance 30
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let good = server.request(&client_id, "openid");
    let long = format!("{REDIRECT_URI}?{}", "x".repeat(2048));
    let table: [(&str, Option<&str>); 18] = [
        ("request_uri", Some("urn:ietf:params:oauth:request_uri:x")),
        ("client_id", None),
        ("client_id", Some("")),
        ("client_id", Some("nobody")),
        ("redirect_uri", None),
        ("redirect_uri", Some("")),
        ("redirect_uri", Some("https://app.example.com/callback/")),
        ("redirect_uri", Some("https://app.example.com/callback?x=1")),
        ("redirect_uri", Some("https://app.example.com/callback#")),
        ("redirect_uri", Some("https://app.example.com/Callback")),
        ("redirect_uri", Some("https://app.example.com/c%61llback")),
        ("redirect_uri", Some("https://app.example.com/x/../callback")),
        ("redirect_uri", Some("https://APP.example.com/callback")),
        ("redirect_uri", Some("https://app.example.com:443/callback")),
        ("redirect_uri", Some("https://app.example.com.evil.test/callback")),
        ("redirect_uri", Some("https://app.example.com@evil.test/callback")),
        ("redirect_uri", Some("http://app.example.com/callback")),
        ("redirect_uri", Some(&long)),
    ];
    let mut queries: Vec<String> = table.iter().map(|(name, value)| encode(&changed(&good, name, *value))).collect();
    for name in ["client_id", "redirect_uri"] {
        let (_, value) = good.iter().find(|(key, _)| key == &name).unwrap();
        queries.push(format!("{}&{}", encode(&good), encode(&[(name, value)])));
    }
    let (anonymous, signed_in) = (server.browser(), server.browser());
    signed_in.sign_in("alice").await;
    for query in &queries {
        // Not even `prompt=none` or a login makes a bad address trustworthy.
        for query in [query.clone(), format!("{query}&prompt=none")] {
            for browser in [&anonymous, &signed_in] {
                let answers = [browser.get(&format!("authorize?{query}")).await, by_post(browser, &query).await];
                for answer in answers {
                    answer.assert_page(400, "<h1>");
                    assert_eq!(answer.header("location"), None, "{query}");
                    assert!(!answer.body.contains("callback"), "{query}: {}", answer.body);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_disabled_client_is_an_unknown_one() {
    // AUT-01, INV-05
    let server = Server::start().await;
    let client_id = server.client().await;
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE clients SET disabled_at = 1 WHERE id = $1").bind(&client_id).execute().await.unwrap();
    tx.commit().await.unwrap();
    let answer = server.get(&format!("authorize?{}", encode(&server.request(&client_id, "openid")))).await;
    answer.assert_page(400, "<h1>");
    assert_eq!(answer.header("location"), None);
}

/// Sends the same request as a form, and follows it to where it leads on this server.
async fn by_post(browser: &Person, query: &str) -> Answer {
    let request = browser
        .http
        .client
        .post(browser.http.url("authorize"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(query.to_owned());
    let answer = browser.http.send(request).await;
    match answer.header("location") {
        Some(own) if own.starts_with("/authorize?") => browser.get(own).await,
        _ => answer,
    }
}

/// What a client can do wrong in the second phase: the changed parameter, its value or nothing, and the error.
fn wrong_requests() -> Vec<(&'static str, Option<String>, &'static str)> {
    let some = |value: &str| Some(value.to_owned());
    let long_scope = format!("openid {}", "x".repeat(4096));
    vec![
        ("response_type", None, "invalid_request"),
        ("response_type", some(""), "invalid_request"),
        ("response_type", some("token"), "unsupported_response_type"),
        ("response_type", some("id_token"), "unsupported_response_type"),
        ("response_type", some("code id_token"), "unsupported_response_type"),
        ("response_mode", some("jwt"), "invalid_request"),
        ("response_mode", some("Query"), "invalid_request"),
        ("scope", None, "invalid_scope"),
        ("scope", some(""), "invalid_scope"),
        ("scope", some("openid  profile"), "invalid_scope"),
        ("scope", some("nothing-that-we-know"), "invalid_scope"),
        ("scope", Some(long_scope), "invalid_request"),
        ("code_challenge", some("short"), "invalid_request"),
        ("code_challenge", Some(CHALLENGE.replace('-', "+")), "invalid_request"),
        ("code_challenge", None, "invalid_request"),
        ("code_challenge_method", some("plain"), "invalid_request"),
        ("code_challenge_method", None, "invalid_request"),
        ("prompt", some("none login"), "invalid_request"),
        ("prompt", some("sometimes"), "invalid_request"),
        ("prompt", some("Login"), "invalid_request"),
        ("prompt", some("none"), "login_required"),
        ("max_age", some("-1"), "invalid_request"),
        ("max_age", some("1.5"), "invalid_request"),
        ("max_age", some("soon"), "invalid_request"),
        ("request", some("e30.e30."), "request_not_supported"),
        ("request_uri", some("https://app.example.com/request.jwt"), "request_uri_not_supported"),
        ("claims", some("not json"), "invalid_request"),
        ("claims", some("{\"userinfo\":[]}"), "invalid_request"),
        (
            "claims",
            some("{\"id_token\":{\"acr\":{\"essential\":true,\"value\":\"x\"}}}"),
            "unmet_authentication_requirements",
        ),
        ("id_token_hint", some("e30.e30.e30"), "invalid_request"),
        ("resource", some("https://api.example.com/"), "invalid_target"),
        ("resource", some("api"), "invalid_target"),
        ("registration", some("{}"), "registration_not_supported"),
        ("state", Some("x".repeat(2049)), "invalid_request"),
        ("nonce", Some("x".repeat(513)), "invalid_request"),
    ]
}

#[tokio::test]
async fn every_other_error_goes_to_the_client_with_its_state_and_our_name() {
    // AUT-01, AUT-02, AUT-06, spec 3.2, conformance 2, C-G4
    let server = Server::setup().static_client("client_secret_post").start().await;
    let good = server.request(STATIC_CLIENT, "openid");
    for (name, value, error) in wrong_requests() {
        let request = changed(&good, name, value.as_deref());
        let answer = server.get(&format!("authorize?{}", encode(&request))).await;
        let state = if name == "state" { value.as_deref() } else { Some("the state") };
        assert_error_response(&server, &answer, error, state);
        let posted = by_post(&server.browser(), &encode(&request)).await;
        assert_eq!(posted.location(), answer.location(), "POST is GET");
    }
}

#[tokio::test]
async fn a_parameter_that_comes_twice_is_an_error_of_the_client() {
    // CMN-03, INV-17; `resource` may come twice (RFC 8707), and an unknown parameter is ignored (CMN-04).
    let server = Server::setup().static_client("client_secret_post").start().await;
    let mut good = server.request(STATIC_CLIENT, "openid");
    for name in ["response_type", "scope", "code_challenge", "code_challenge_method", "nonce", "prompt", "max_age"] {
        let mut request = good.clone();
        request.push(("nonce", "n"));
        let (_, value) = *request.iter().find(|(key, _)| key == &name).unwrap_or(&(name, "1"));
        request = changed(&request, name, None);
        request.extend([(name, value), (name, value)]);
        for answer in [
            server.get(&format!("authorize?{}", encode(&request))).await,
            by_post(&server.browser(), &encode(&request)).await,
        ] {
            assert_error_response(&server, &answer, "invalid_request", Some("the state"));
        }
    }
    // RFC 6749 §5.2 allows few characters in a description, and the name is anybody's.
    let hostile = "\"é\\\n";
    let mut request = good.clone();
    request.extend([(hostile, "1"), (hostile, "2")]);
    let answer = server.get(&format!("authorize?{}", encode(&request))).await;
    assert_error_response(&server, &answer, "invalid_request", Some("the state"));

    good.push(("foo", "bar"));
    let answer = server.get(&format!("authorize?{}", encode(&good))).await;
    assert!(answer.location().starts_with("/login?"), "{}", answer.location());
    good.extend([("resource", "https://a.example.com/"), ("resource", "https://b.example.com/")]);
    let answer = server.get(&format!("authorize?{}", encode(&good))).await;
    assert_error_response(&server, &answer, "invalid_target", Some("the state"));
}

fn assert_error_response(server: &Server, answer: &Answer, error: &str, state: Option<&str>) {
    assert_eq!(answer.status, 303, "{error}: {}", answer.body);
    let location = answer.location();
    assert!(location.starts_with(&format!("{REDIRECT_URI}?")), "{location}");
    assert_error_params(server, location, error, state);
}

fn assert_error_params(server: &Server, location: &str, error: &str, state: Option<&str>) {
    let mut params = response_params(location);
    let description = params.remove("error_description").unwrap_or_default();
    let is_allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(description.bytes().all(is_allowed), "{description}");
    let mut expected = vec![("error", error), ("iss", server.issuer())];
    expected.extend(state.map(|state| ("state", state)));
    let expected = expected.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    assert_eq!(params, expected, "{location}");
}

#[tokio::test]
async fn a_client_that_registered_itself_has_no_stranger_sent_to_it_by_an_error() {
    // AUT-10: the same error is offered by a button that names where it leads; a login or `prompt=none` redirect.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let good = server.request(&client_id, "openid");
    let (stranger, signed_in) = (server.browser(), server.browser());
    signed_in.sign_in("alice").await;
    let wrong = wrong_requests().into_iter().filter(|(name, ..)| *name != "state");
    for (name, value, error) in wrong {
        let request = encode(&changed(&good, name, value.as_deref()));
        let redirected = signed_in.get(&format!("authorize?{request}")).await;
        // Whoever is signed in and has not agreed yet has to be asked, which `none` forbids (PRM-01).
        let error = if error == "login_required" { "consent_required" } else { error };
        assert_error_response(&server, &redirected, error, Some("the state"));

        let answer = stranger.get(&format!("authorize?{request}")).await;
        if value.as_deref().is_some_and(|value| value.starts_with("none")) {
            assert_eq!(answer.status, 303, "prompt=none never shows a page");
            continue;
        }
        answer.assert_page(400, "app.example.com");
        assert_eq!(answer.header("location"), None);
        let href = attribute(&answer.body, "<a class=\"button\" href=\"").expect("a way back");
        assert_eq!(href, redirected.location());
    }
}

#[tokio::test]
async fn a_client_gets_what_it_registered_for() {
    // spec 3.2 unauthorized_client, REG-06
    let server = Server::setup()
        .with("clients.0.client_id", "machine")
        .with("clients.0.client_auth_method", "client_secret_basic")
        .with("clients.0.client_secret", "jhg8sd7f6gs87df6gs8d7f")
        .with("clients.0.redirect_uris", format!("[\"{REDIRECT_URI}\"]"))
        .with("clients.0.grant_types", "[client_credentials]")
        .start()
        .await;
    let answer = server.get(&format!("authorize?{}", encode(&server.request("machine", "openid")))).await;
    assert_error_response(&server, &answer, "unauthorized_client", Some("the state"));

    let without_refresh = server
        .register(json!({
            "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none",
        }))
        .await;
    let silent = |scope| {
        let request = changed(&server.request(&without_refresh, scope), "prompt", Some("none"));
        let url = format!("authorize?{}", encode(&request));
        let http = server.http.clone();
        async move { http.get(&url).await }
    };
    assert_error_response(&server, &silent(MATRIX_SCOPE).await, "unauthorized_client", Some("the state"));
    assert_error_response(&server, &silent("openid").await, "login_required", Some("the state"));
}

#[tokio::test]
async fn a_person_who_refuses_is_an_answer_too() {
    // CNS-02, AUT-06, fapi UserRejectsAuthentication
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    for mode in ["query", "fragment"] {
        let request = changed(&server.request(&client_id, MATRIX_SCOPE), "response_mode", Some(mode));
        let answer = browser.decide(&request, "deny").await;
        assert_error_params(&server, answer.location(), "access_denied", Some("the state"));
        assert_eq!(answer.location().starts_with(&format!("{REDIRECT_URI}#")), mode == "fragment");
    }
}
