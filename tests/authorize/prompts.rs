//! What a request asks of the person: prompt, max_age, hints (spec 3.3 and 3.5; conformance 15 to 27).

use keymaker::clock::SECOND;
use serde_json::{Value, json};

use crate::support::{
    MATRIX_SCOPE, PASSWORD, REDIRECT_URI, Server, changed, claims_of,
    person::{Person, attribute, encode, response_params},
};

/// The page that a path leads to: `login`, `consent`, …
fn page_of(path: &str) -> &str {
    path.trim_start_matches('/').split(['/', '?']).next().unwrap()
}

#[tokio::test]
async fn prompt_decides_which_page_comes_first() {
    // PRM-01 to PRM-03, CMN-04
    let open = Server::start().await;
    let closed = Server::setup().with("account.password_registration_enabled", "false").start().await;
    // (prompt, is sign-up open, the first page of a stranger, and of somebody who is signed in)
    let table = [
        ("", true, "login", "consent"),
        ("login", true, "login", "login"),
        ("consent", true, "login", "consent"),
        ("select_account", true, "login", "choose"),
        ("select_account consent", true, "login", "choose"),
        ("select_account login", true, "login", "choose"),
        ("select_account", false, "login", "choose"),
        ("login consent", true, "login", "login"),
        ("create", true, "register", "register"),
        ("create login", true, "register", "register"),
        ("create", false, "login", "consent"),
        ("create login", false, "login", "login"),
        ("login", false, "login", "login"),
    ];
    for (server, is_open) in [(&open, true), (&closed, false)] {
        server.user("alice").await;
        let client_id = server.client().await;
        let (stranger, signed_in) = (server.browser(), server.browser());
        signed_in.sign_in("alice").await;
        server.clock.advance(SECOND);
        for (prompt, _, to_stranger, to_signed_in) in table.iter().filter(|row| row.1 == is_open) {
            let request = changed(&server.request(&client_id, MATRIX_SCOPE), "prompt", Some(prompt));
            let (path, page) = stranger.arrive(&request).await;
            assert_eq!(page_of(&path), *to_stranger, "{prompt} {is_open}");
            assert_eq!(page.body.contains("cannot be created here"), prompt.contains("create") && !is_open, "PRM-03");
            let (path, _) = signed_in.arrive(&request).await;
            assert_eq!(page_of(&path), *to_signed_in, "{prompt} {is_open}, signed in");
        }
    }
}

#[tokio::test]
async fn a_silent_request_is_answered_at_once_and_shows_nothing() {
    // PRM-01, DEC-01, conformance 18: nobody has allowed anything yet.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let (stranger, signed_in) = (server.browser(), server.browser());
    signed_in.sign_in("alice").await;
    server.clock.advance(5 * SECOND);
    let table: [(&Person, &str, Option<&str>, &str); 6] = [
        (&stranger, "openid", None, "login_required"),
        (&signed_in, "openid", None, "consent_required"),
        (&signed_in, "openid", Some("10000"), "consent_required"),
        (&signed_in, "openid", Some("1"), "login_required"),
        (&signed_in, "openid", Some("0"), "login_required"),
        (&signed_in, MATRIX_SCOPE, None, "consent_required"),
    ];
    for (browser, scope, max_age, error) in table {
        let request = changed(&server.request(&client_id, scope), "prompt", Some("none"));
        let request = changed(&request, "max_age", max_age);
        let answer = browser.get(&format!("authorize?{}", encode(&request))).await;
        assert_eq!(answer.status, 303);
        let params = response_params(answer.location());
        assert!(answer.location().starts_with(REDIRECT_URI) && !params.contains_key("code"));
        assert_eq!(params["error"], error, "{scope} {max_age:?}");
    }
}

#[tokio::test]
async fn a_fresh_login_is_asked_for_and_cannot_be_skipped() {
    // PRM-02, PRM-04, conformance 17 and 20
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let eager = server
        .register(json!({
            "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI], "default_max_age": 1,
            "token_endpoint_auth_method": "none",
        }))
        .await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let fresh = [
        (&client_id, "prompt", "login"),
        (&client_id, "max_age", "0"),
        (&client_id, "max_age", "1"),
        (&eager, "prompt", "consent"),
    ];
    for (client_id, name, value) in fresh {
        server.clock.advance(2 * SECOND);
        let before = server.clock.now() / SECOND;
        let request = changed(&server.request(client_id, "openid"), "prompt", Some("consent"));
        let request = changed(&request, name, Some(if value == "login" { "login consent" } else { value }));
        let (path, page) = browser.arrive(&request).await;
        assert_eq!(page_of(&path), "login", "{name}={value}");
        // Going to the next page by hand leads back.
        let consent = path.replace("login?grant=", "consent/");
        assert_eq!(browser.open(&consent).await.0, path);
        let csrf = browser.csrf().await;
        let skipped = browser.http.post(&consent, &[("csrf", &csrf), ("action", "allow")]).await;
        assert_eq!(skipped.location(), path);

        let answer = browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
        let (path, page) = browser.open(answer.location()).await;
        assert_eq!(path, consent);
        let claims = finish(&server, &browser, client_id, &page).await;
        assert!(claims["auth_time"].as_i64().unwrap() >= before, "{name}={value} {claims}");
    }
}

#[tokio::test]
async fn an_old_login_is_good_enough_where_nothing_newer_is_asked() {
    // PRM-04, conformance 21
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let mut times = Vec::new();
    for max_age in [Some("15000"), Some("10000"), None] {
        server.clock.advance(100 * SECOND);
        let request = changed(&server.request(&client_id, "openid"), "max_age", max_age);
        let request = changed(&request, "prompt", Some("consent"));
        let (path, page) = browser.arrive(&request).await;
        assert_eq!(page_of(&path), "consent");
        times.push(finish(&server, &browser, &client_id, &page).await["auth_time"].clone());
    }
    assert!(times[0].is_i64() && times.iter().all(|time| *time == times[0]), "{times:?}");
}

/// Allows, exchanges the code, and gives the claims of the ID token.
async fn finish(server: &Server, browser: &Person, client_id: &str, page: &crate::support::http::Answer) -> Value {
    let answer = browser.submit(page, &[("action", "allow")]).await;
    let code = response_params(answer.location())["code"].clone();
    let answer = server.exchange(client_id, &code).await;
    claims_of(answer.json()["id_token"].as_str().unwrap())
}

#[tokio::test]
async fn a_login_hint_fills_in_a_name_of_this_homeserver_and_nothing_else() {
    // HNT-02, HNT-03, conformance 24: whether the account exists changes nothing.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let long = format!("mxid:@{}:localhost", "x".repeat(600));
    let table = [
        ("mxid:@alice:localhost", "alice"),
        ("mxid:@nobody:localhost", "nobody"),
        ("mxid:@alice:elsewhere.example", ""),
        ("mxid:alice", ""),
        ("mxid:@:localhost", ""),
        ("MXID:@alice:localhost", ""),
        ("upn:alice", ""),
        (":", ""),
        (long.as_str(), ""),
    ];
    let mut bodies = Vec::new();
    for (hint, name) in table {
        let browser = server.browser();
        let request = changed(&server.request(&client_id, MATRIX_SCOPE), "login_hint", Some(hint));
        let (path, page) = browser.arrive(&request).await;
        assert_eq!(page_of(&path), "login", "{hint}");
        let value = attribute(&page.body, "name=\"username\" type=\"text\" value=\"");
        assert_eq!(value.as_deref(), Some(name), "{hint}");
        bodies.push(without_ids(&page.body, &path).replace(name, "NAME"));
    }
    assert_eq!(bodies[0], bodies[1], "a page tells nobody which accounts exist");
}

/// Takes out what differs from one browser and authorization to the next.
fn without_ids(page: &str, path: &str) -> String {
    let csrf = crate::support::person::csrf_of(page);
    page.replace(&csrf, "").replace(path.split_once('=').unwrap().1, "")
}

#[tokio::test]
async fn whoever_is_signed_in_as_somebody_else_than_expected_is_told_so() {
    // HNT-03
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    for (hint, is_told) in
        [("mxid:@bob:localhost", true), ("mxid:@alice:localhost", false), ("mxid:@bob:elsewhere.example", false)]
    {
        let request = changed(&server.request(&client_id, MATRIX_SCOPE), "login_hint", Some(hint));
        let (path, page) = browser.arrive(&request).await;
        assert_eq!(page_of(&path), "consent");
        assert_eq!(page.body.contains("another account:"), is_told, "{hint}");
        assert_eq!(page.body.contains("@bob:localhost"), is_told, "{hint}");
        // Switching leads to the login page, which a signed-in person otherwise does not see.
        let switch = browser.submit(&page, &[("action", "switch")]).await;
        let (path, page) = browser.open(switch.location()).await;
        assert_eq!(page_of(&path), "login");
        assert!(page.body.contains("@alice:localhost"), "and offers the way back");
    }
}

#[tokio::test]
async fn wishes_that_cannot_be_fulfilled_are_no_errors() {
    // OID-09, CMN-04, spec 3.1, conformance 15, 16, 22, 25, 26, 27
    let server = Server::start().await;
    let client_id = server.client().await;
    let long = "fr ".repeat(400);
    let table = [
        ("ui_locales", "fr", "fr"),
        ("ui_locales", "de fr-CA en", "fr"),
        ("ui_locales", "se", "en"),
        ("ui_locales", "\"><script> \u{0} ../..", "en"),
        ("ui_locales", &long, "en"),
        ("claims_locales", "se", "en"),
        ("display", "popup", "en"),
        ("display", "hologram", "en"),
        ("acr_values", "1 2", "en"),
        ("claims", "{\"userinfo\":{\"name\":{\"essential\":true}}}", "en"),
        ("extra", "foobar", "en"),
        ("dpop_jkt", "x", "en"),
    ];
    for (name, value, language) in table {
        let request = changed(&server.request(&client_id, "openid"), name, Some(value));
        let (path, page) = server.browser().arrive(&request).await;
        assert_eq!(page_of(&path), "login", "{name}={value}");
        assert_eq!(attribute(&page.body, "<html lang=\"").as_deref(), Some(language), "{name}={value}");
    }
    // An error about such a request speaks the language too, as far as the browser says it.
    let http = &server.http;
    let answer = http.send(http.client.get(http.url("authorize")).header("accept-language", "fr-FR,fr;q=0.9")).await;
    assert_eq!(attribute(&answer.body, "<html lang=\"").as_deref(), Some("fr"));
}
