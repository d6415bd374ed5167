//! The headers of every class of page (WEB-03 to WEB-05, CMN-10, CMN-12, CMN-22), and what pages may load.

use serde_json::json;

use crate::support::{MATRIX_SCOPE, PASSWORD, Server, changed, http::Answer};

const POLICY_BEGINS: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; ";
const POLICY_ENDS: &str = "base-uri 'none'; frame-ancestors 'none'";

fn policy(form_action: &str) -> String {
    format!("{POLICY_BEGINS}{form_action}{POLICY_ENDS}")
}

/// Compares every header but those of the moment.
fn assert_headers(answer: &Answer, status: u16, form_action: &str) {
    assert_eq!(answer.status, status, "{}", answer.body);
    let of_the_moment = ["date", "content-length", "set-cookie", "location", "allow"];
    let mut headers: Vec<(String, String)> = answer
        .headers
        .iter()
        .filter(|(name, _)| !of_the_moment.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let mut expected = vec![
        ("cache-control", "no-store".to_owned()),
        ("content-security-policy", policy(form_action)),
        ("cross-origin-opener-policy", "same-origin".to_owned()),
        ("permissions-policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)".to_owned()),
        ("referrer-policy", "no-referrer".to_owned()),
        ("vary", "Accept-Language, Cookie".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
        ("x-frame-options", "DENY".to_owned()),
    ];
    if answer.header("location").is_none() {
        expected.push(("content-type", "text/html; charset=utf-8".to_owned()));
    }
    expected.sort();
    let expected: Vec<(String, String)> = expected.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    assert_eq!(headers, expected);
}

/// Nothing on a page is inline, and nothing comes from elsewhere.
fn assert_self_contained(page: &Answer) {
    let body = page.body.to_lowercase();
    for needle in ["<script", "<style", " style=", " onload=", " onclick=", " onerror=", "javascript:", "<iframe"] {
        assert!(!body.contains(needle), "{needle} in {body}");
    }
    for (marker, place) in [
        ("<link rel=\"stylesheet\" href=\"", "/assets/"),
        ("type=\"image/svg+xml\" href=\"", "data:image/svg+xml;base64,"),
    ] {
        for (at, _) in body.match_indices(marker) {
            assert!(body[at + marker.len()..].starts_with(place), "{marker} in {body}");
        }
        assert!(body.contains(marker), "{marker}");
    }
    assert!(!body.contains("<img"), "{body}");
}

#[tokio::test]
async fn every_class_of_page_carries_the_same_headers() {
    // WEB-03, WEB-04, WEB-05, WEB-16, CMN-22
    const OWN: &str = "form-action 'self'; ";
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let (stranger, alice) = (server.browser(), server.browser());
    for path in ["login", "register"] {
        let page = stranger.get(path).await;
        assert_headers(&page, 200, OWN);
        assert_self_contained(&page);
    }
    let page = stranger.get("register").await;
    let second = stranger.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).await;
    assert_headers(&second, 303, OWN);
    let second = stranger.get(second.location()).await;
    assert_headers(&second, 200, OWN);
    assert_self_contained(&second);
    assert_headers(&stranger.submit(&page, &[("username", ""), ("password", "")]).await, 422, OWN);
    assert_headers(&stranger.http.post("login", &[("username", "alice")]).await, 403, OWN);
    let page = stranger.get("login").await;
    assert_headers(&stranger.submit(&page, &[("username", "alice"), ("password", "wrong")]).await, 401, OWN);

    assert_headers(&alice.sign_in("alice").await, 303, OWN);
    for path in ["account/", "account", "logout"] {
        let page = alice.get(path).await;
        assert_headers(&page, 200, OWN);
        assert_self_contained(&page);
    }
    assert_headers(&alice.get("login").await, 303, OWN);
    let (_, page) = alice.arrive(&server.request(&client_id, MATRIX_SCOPE)).await;
    assert_headers(&page, 200, "form-action 'self' https://app.example.com; ");
    assert_self_contained(&page);
    let allowed = alice.submit(&page, &[("action", "allow")]).await;
    assert_headers(&allowed, 303, "form-action 'self' https://app.example.com; ");
    let page = alice.get("logout").await;
    assert_headers(&alice.submit(&page, &[]).await, 200, OWN);

    for (path, status) in [("nothing/here", 404), ("authorize?client_id=x", 400), ("consent/x", 400), ("/", 303)] {
        let page = stranger.get(path).await;
        assert_headers(&page, status, OWN);
        if status != 303 {
            assert_self_contained(&page);
        }
    }
    let wrong_method = stranger.http.send(stranger.http.client.put(server.url("login"))).await;
    assert_headers(&wrong_method, 405, OWN);
    assert_eq!(wrong_method.header("allow"), Some("GET,HEAD,POST"));
    let large = [("username", "x".repeat(70_000))];
    let request = stranger.http.client.post(server.url("login")).form(&large);
    assert_headers(&stranger.http.send(request).await, 413, OWN);
}

#[tokio::test]
async fn the_consent_page_lets_its_form_end_where_the_client_is_and_nowhere_else() {
    // WEB-03, TRP-17: a policy cannot name an IPv6 address, so there the directive is left out.
    let server = Server::start().await;
    server.user("alice").await;
    let native = json!({
        "application_type": "native", "client_uri": "https://app.example.com/", "token_endpoint_auth_method": "none",
        "redirect_uris": ["https://app.example.com/cb", "com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]/cb"],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let client_id = server.register(native).await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let table = [
        ("https://app.example.com/cb", "form-action 'self' https://app.example.com; "),
        ("com.example.app:/cb", "form-action 'self' com.example.app:; "),
        ("http://127.0.0.1:49152/cb", "form-action 'self' http://127.0.0.1:49152; "),
        ("http://[::1]:49152/cb", ""),
    ];
    for (uri, form_action) in table {
        let request = changed(&server.request(&client_id, "openid"), "redirect_uri", Some(uri));
        let (_, page) = browser.arrive(&request).await;
        assert_headers(&page, 200, form_action);
        assert_headers(&browser.submit(&page, &[("action", "deny")]).await, 303, form_action);
    }
}

#[tokio::test]
async fn an_asset_may_be_kept_for_ever_and_an_unknown_one_is_missing() {
    // WEB-05
    let server = Server::start().await;
    let page = server.get("login").await;
    let path = crate::support::person::attribute(&page.body, "<link rel=\"stylesheet\" href=\"").unwrap();
    let asset = server.get(&path).await;
    assert_eq!((asset.status, asset.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert_eq!(asset.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(asset.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(asset.header("set-cookie"), None);
    let mut outdated = path.clone();
    outdated.insert(path.len() - 4, '0');
    assert_eq!(server.get(&outdated).await.status, 404, "{outdated}");
    for outside in ["/assets/../Cargo.toml", "/assets/%2e%2e%2fCargo.toml", "/assets/", "/assets/app.css"] {
        assert_eq!(server.get(outside).await.status, 404, "{outside}");
    }
}

#[tokio::test]
async fn a_service_behind_https_insists_on_it() {
    // WEB-05
    let server = Server::setup().with("http.public_base", "https://auth.example.com/").start().await;
    for path in ["login", "nothing"] {
        assert_eq!(server.get(path).await.header("strict-transport-security"), Some("max-age=31536000"));
    }
}
