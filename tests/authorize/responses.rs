//! How an answer travels to the client (spec AUT-05 to AUT-09): text stays the text that the client registered and sent.

use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, REDIRECT_URI, STATIC_CLIENT, Server, VERIFIER, changed,
    person::{encode, response_params},
};

#[tokio::test]
async fn a_success_carries_code_state_and_issuer_and_nothing_else() {
    // AUT-05, AUT-07, AUT-08, C-G3, C-G5: (response_mode, redirect URI, what the location begins and ends with)
    let uris = [REDIRECT_URI, "https://app.example.com/cb?b=1&a=2&b=3"];
    let server = Server::setup()
        .static_client("client_secret_post")
        .with("clients.0.redirect_uris", json!(uris).to_string())
        .start()
        .await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let table = [
        (None, uris[0], "https://app.example.com/callback?code=", "#"),
        (Some("query"), uris[0], "https://app.example.com/callback?code=", "#"),
        (Some("query"), uris[1], "https://app.example.com/cb?b=1&a=2&b=3&code=", "#"),
        (Some("fragment"), uris[0], "https://app.example.com/callback#code=", ""),
        (Some("fragment"), uris[1], "https://app.example.com/cb?b=1&a=2&b=3#code=", ""),
    ];
    for (mode, uri, begin, end) in table {
        let request = changed(&server.request(STATIC_CLIENT, "openid"), "redirect_uri", Some(uri));
        let request = changed(&request, "response_mode", mode);
        let answer = browser.decide(&request, "allow").await;
        let location = answer.location();
        assert!(location.starts_with(begin) && location.ends_with(end), "{mode:?} {location}");
        assert_eq!(location.matches('#').count(), 1, "{location}");
        // 303 and never 307: the form with the decision must not travel on (RFC 9700 §4.12).
        assert_eq!((answer.status, answer.header("cache-control")), (303, Some("no-store")));
        let mut params = response_params(location.trim_end_matches('#'));
        params.retain(|name, _| !["a", "b"].contains(&name.as_str()));
        assert!(params.remove("code").is_some_and(|code| code.len() > 22));
        assert_eq!(params.remove("state").as_deref(), Some("the state"));
        assert_eq!(params.remove("iss").as_deref(), Some(server.issuer()));
        assert!(params.is_empty(), "{params:?}");
    }
}

#[tokio::test]
async fn the_state_comes_back_byte_for_byte_or_not_at_all() {
    // AUT-05, AUT-06, spec 3.1, fapi EnsureAuthorizationRequestWithLongState, …WithoutState
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let long = "s".repeat(2048);
    let states = ["x", "a b", "a+b", "%20", "a&code=evil#x?y", "\"'<>\\", "=", "~!@$^*()_-.,;:/", "é€😀", &long];
    for mode in ["query", "fragment"] {
        for state in states {
            let request = changed(&server.request(STATIC_CLIENT, "openid"), "state", Some(state));
            let request = changed(&changed(&request, "response_mode", Some(mode)), "prompt", Some("none"));
            let answer = server.get(&format!("authorize?{}", encode(&request))).await;
            assert_eq!(response_params(answer.location()).get("state").map(String::as_str), Some(state), "{mode}");
            assert!(!response_params(answer.location()).contains_key("code"));
        }
    }
    for (state, expected) in [(Some("a b&code=x"), Some("a b&code=x")), (None, None), (Some(""), None)] {
        let request = changed(&server.request(STATIC_CLIENT, "openid"), "state", state);
        let params = response_params(browser.decide(&request, "allow").await.location());
        assert_eq!(params.get("state").map(String::as_str), expected);
    }
}

#[tokio::test]
async fn a_loopback_redirect_goes_to_the_port_of_the_request() {
    // RED-11, RED-12, TRP
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server
        .register(json!({
            "application_type": "native", "client_uri": "https://example.com/", "client_name": "Terminal",
            "redirect_uris": ["http://127.0.0.1/callback", "http://[::1]/callback", "http://localhost/callback?a=1"],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    for uri in [
        "http://127.0.0.1:49152/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:1/callback",
        "http://localhost:65535/callback?a=1",
    ] {
        let request = changed(&server.request(&client_id, MATRIX_SCOPE), "redirect_uri", Some(uri));
        let answer = browser.decide(&request, "allow").await;
        let joint = if uri.contains('?') { '&' } else { '?' };
        assert!(answer.location().starts_with(&format!("{uri}{joint}code=")), "{}", answer.location());
        let code = response_params(answer.location())["code"].clone();
        let exchange = |redirect_uri| {
            let form = [
                ("grant_type", "authorization_code"),
                ("client_id", client_id.as_str()),
                ("code", code.as_str()),
                ("redirect_uri", redirect_uri),
                ("code_verifier", VERIFIER),
            ];
            let form = form.map(|(key, value)| (key, value.to_owned()));
            let (http, url) = (server.http.clone(), server.url("oauth2/token"));
            async move { http.send(http.client.post(url).form(&form)).await }
        };
        exchange("http://127.0.0.1:49153/callback").await.assert_error(400, "invalid_grant");
        assert_eq!(exchange(uri).await.status, 200, "{uri}");
    }
    for uri in [
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:65536/callback",
        "http://127.0.0.1:8080/other",
        "http://127.0.0.2:8080/callback",
        "https://127.0.0.1:8080/callback",
        "http://localhost:8080/callback",
        "http://127.0.0.1:8080@evil.test/callback",
    ] {
        let request = changed(&server.request(&client_id, MATRIX_SCOPE), "redirect_uri", Some(uri));
        let answer = browser.get(&format!("authorize?{}", encode(&request))).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{uri}");
    }
}

#[tokio::test]
async fn an_address_of_an_app_is_used_as_it_was_registered() {
    // AUT-09: no host, no slashes, and nothing repaired.
    let server = Server::start().await;
    server.user("alice").await;
    let uris = ["com.example.app:/callback", "com.example.app:callback", "com.example.app:/a?b=c"];
    let client_id = server
        .register(json!({
            "application_type": "native", "client_uri": "https://app.example.com/",
            "redirect_uris": uris, "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    for uri in uris {
        let joint = if uri.contains('?') { '&' } else { '?' };
        let request = changed(&server.request(&client_id, MATRIX_SCOPE), "redirect_uri", Some(uri));
        let allowed = browser.decide(&request, "allow").await;
        assert!(allowed.location().starts_with(&format!("{uri}{joint}code=kmc_")), "{}", allowed.location());
        let in_fragment = browser.decide(&changed(&request, "response_mode", Some("fragment")), "deny").await;
        assert!(in_fragment.location().starts_with(&format!("{uri}#error=access_denied")));
    }
}

#[tokio::test]
async fn a_request_by_post_goes_the_same_way() {
    // spec 3, conformance 31: a form from the client's site arrives without our cookies, so the way leads over a GET.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let answer = browser.http.post("authorize", &server.request(&client_id, MATRIX_SCOPE)).await;
    let (path, page) = browser.open(answer.location()).await;
    assert!(path.starts_with("/consent/"), "{path}");
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let code = response_params(answer.location())["code"].clone();
    assert_eq!(server.exchange(&client_id, &code).await.status, 200);

    let json = browser.http.post_json("authorize", &json!({ "client_id": client_id })).await;
    json.assert_page(400, "<h1>");
}
