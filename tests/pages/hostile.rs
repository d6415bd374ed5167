//! Other people's text on our pages, and addresses that nobody asked us to go to (WEB-06, WEB-07, WEB-13, INV-10).

use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, PASSWORD, REDIRECT_URI, Server, changed,
    person::{encode, response_params},
};

const HOSTILE: [&str; 4] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'{{7*7}}",
    "</bdi></p><form action=https://evil.example>",
];

#[tokio::test]
async fn names_that_others_chose_are_text_and_never_markup() {
    // WEB-07: client names, display names, user names, hints, languages
    let server = Server::start().await;
    for (number, text) in HOSTILE.into_iter().enumerate() {
        let client_id = server
            .register(json!({
                "client_name": text, "client_name#fr": text, "client_uri": "https://app.example.com/",
                "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code", "refresh_token"],
            }))
            .await;
        let browser = server.browser();
        let mut request = server.request(&client_id, MATRIX_SCOPE);
        let hint = format!("mxid:@{text}:localhost");
        request.extend([("login_hint", hint.as_str()), ("prompt", "create"), ("ui_locales", text)]);
        let (_, start) = browser.arrive(&request).await;
        let wrong = browser.submit(&start, &[("username", text), ("password", text)]).await;
        let name = format!("user{number}");
        let answer = browser.submit(&start, &[("username", &name), ("password", PASSWORD)]).await;
        let (_, second) = browser.open(answer.location()).await;
        let answer = browser.submit(&second, &[("display_name", text)]).await;
        let (path, consent) = browser.open(answer.location()).await;
        assert!(path.starts_with("/consent/"), "{path}");
        let login = browser.get(&path.replace("consent/", "login?switch=1&grant=")).await;
        let failed = browser.submit(&login, &[("username", text), ("password", text)]).await;
        let allowed = browser.submit(&consent, &[("action", "allow")]).await;
        let code = response_params(allowed.location())["code"].clone();
        assert_eq!(server.exchange(&client_id, &code).await.status, 200);
        let account = browser.get("account/").await;
        let nowhere = browser.get(&format!("nowhere?{}", encode(&[("q", text)]))).await;
        let repeated = browser.get(&format!("authorize?{}", encode(&[(text, "1"), ("client_id", text)]))).await;

        let shows_it = [&consent, &account, &wrong, &failed];
        for page in [&start, &second, &login, &nowhere, &repeated].into_iter().chain(shows_it) {
            for needle in ["<script", "<img src=x", "evil.example>", "</bdi></p><form"] {
                assert!(!page.body.contains(needle), "{needle} in {}", page.body);
            }
        }
        for page in shows_it {
            assert!(page.body.contains("alert(1)") || page.body.contains("evil.example"), "{}", page.body);
        }
    }
}

#[tokio::test]
async fn the_host_of_a_request_changes_no_address() {
    // WEB-13, INV-10
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let paths = [
        ".well-known/openid-configuration".to_owned(),
        "_matrix/client/v1/auth_metadata".to_owned(),
        "login".to_owned(),
        "account/".to_owned(),
        "nowhere".to_owned(),
        format!("authorize?{}", encode(&server.request(&client_id, "openid"))),
    ];
    for path in paths {
        let honest = server.get(&path).await;
        let request = server
            .http
            .client
            .get(server.url(&path))
            .header("host", "evil.example")
            .header("x-forwarded-host", "evil.example")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-prefix", "/evil")
            .header("forwarded", "host=evil.example;proto=https");
        let answer = server.http.send(request).await;
        assert_eq!(answer.status, honest.status, "{path}");
        let seen = format!("{:?} {}", answer.headers, answer.body);
        assert!(!seen.contains("evil"), "{path}: {seen}");
        let is_same_way = |location: &str| location.split('=').next().unwrap().to_owned();
        assert_eq!(answer.header("location").map(is_same_way), honest.header("location").map(is_same_way));
    }
}

#[tokio::test]
async fn nobody_is_led_away_by_a_parameter() {
    // WEB-06: what comes next is never an address in the request.
    let server = Server::start().await;
    server.user("alice").await;
    let names = ["next", "continue", "redirect", "redirect_uri", "return_to", "post_auth_action", "url", "r", "grant"];
    let targets =
        ["//evil.example", "/\\evil.example", "https:evil.example", "https://evil.example/", "\\\\evil.example"];
    for name in names {
        for target in targets {
            let query = encode(&[(name, target)]);
            for page in ["login", "register", "logout", "account/", "account", ""] {
                let answer = server.get(&format!("{page}?{query}")).await;
                assert_own(answer.header("location"));
                assert!(!answer.body.contains("evil.example"), "{page}?{query}");
            }
        }
    }
    let browser = server.browser();
    for target in targets {
        let query = encode(&[("next", target), ("redirect_uri", target)]);
        let (_, page) = browser.open("login?switch=1").await;
        let csrf = crate::support::person::csrf_of(&page.body);
        let form = [("csrf", csrf.as_str()), ("username", "alice"), ("password", PASSWORD), ("next", target)];
        let answer = browser.http.post(&format!("login?{query}"), &form).await;
        assert_eq!((answer.status, answer.location()), (303, "/account/"));
        let answer = browser.get(&format!("login?{query}")).await;
        assert_eq!(answer.location(), "/account/");
    }
    for path in ["//evil.example/..", "/%2fevil.example", "/login/..//evil.example", "/.//evil.example"] {
        let request = server.http.client.get(format!("{}{path}", server.base.trim_end_matches('/')));
        assert_own(server.http.send(request).await.header("location"));
    }
}

fn assert_own(location: Option<&str>) {
    let is_own =
        |location: &str| location.starts_with('/') && !location.starts_with("//") && !location.contains("evil");
    assert!(location.is_none_or(is_own), "{location:?}");
}

#[tokio::test]
async fn the_consent_page_shows_where_an_answer_really_goes() {
    // CNS-01: the host is ours to vouch for, the name is a claim.
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let client_id = server
        .register(json!({
            "client_name": "Best Bank", "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
            "tos_uri": "https://app.example.com/tos", "policy_uri": "https://app.example.com/privacy",
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await;
    let request = changed(&server.request(&client_id, MATRIX_SCOPE), "ui_locales", Some("en"));
    let (_, page) = browser.arrive(&request).await;
    for words in [
        "<p class=\"verified\"><bdi>app.example.com</bdi></p>",
        "calls itself <bdi>Best Bank</bdi>",
        "@alice:localhost",
        "ABCDEFGHIJ",
        "read and send messages as you",
        "https://app.example.com/tos",
        "https://app.example.com/privacy",
    ] {
        page.assert_page(200, words);
    }
}

#[tokio::test]
async fn a_nul_character_is_refused_and_is_no_trouble_of_ours() {
    // INV-13, INV-17: PostgreSQL keeps no NUL in a text, so it must never get that far.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    let paths = [
        "authorize?client_id=%00".to_owned(),
        format!("authorize?client_id={client_id}&redirect_uri=%00"),
        "login?grant=%00".to_owned(),
        "register?grant=%00".to_owned(),
        "register/finish?id=%00".to_owned(),
        "consent/%00".to_owned(),
    ];
    for path in paths {
        assert_eq!(browser.get(&path).await.status, 400, "{path}");
    }
    for name in ["state", "nonce", "scope", "code_challenge", "prompt", "max_age"] {
        let request = changed(&server.request(&client_id, "openid"), name, Some("a\u{0}b"));
        let answer = browser.get(&format!("authorize?{}", encode(&request))).await;
        assert_eq!(answer.status, 400, "{name}");
    }
    let (_, page) = browser.open("login").await;
    let answer = browser.submit(&page, &[("username", "alice\u{0}"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, 401);
    let (_, page) = browser.open("register").await;
    let answer = browser.submit(&page, &[("username", "bob\u{0}"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, 422);
    let answer = server.post("oauth2/token", &[("grant_type", "refresh_token"), ("client_id", "\u{0}")]).await;
    assert_eq!(answer.status, 401);
}
