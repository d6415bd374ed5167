//! The way through the browser (12.3: SSO-01 to SSO-04, CMP-34, TRP-33): from the redirect of an older client to the
//! address that takes the login token back to it.

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::{clock::MINUTE, flows::manage};

use crate::support::{
    PASSWORD, Server,
    compat::{SSO_REDIRECT, VERSIONS, token_login},
    homeserver::FakeHomeserver,
    http::Answer,
    person::{Person, attribute, csrf_of, encode},
};

const APP: &str = "https://app.example.com/";

/// (what a client asks for, what it gets, the destination that is shown, what the form may lead to)
const GOOD: [(&str, &str, &str, &str); 20] = [
    ("https://app.example.com", "https://app.example.com/?loginToken=T", "app.example.com", "https://app.example.com"),
    (
        "https://app.example.com/#/login",
        "https://app.example.com/?loginToken=T#/login",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "https://app.example.com/?a=b%20c&a=d&e#f?g",
        "https://app.example.com/?a=b%20c&a=d&e&loginToken=T#f?g",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "https://app.example.com/?loginToken=old&x=1",
        "https://app.example.com/?x=1&loginToken=T",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "https://app.example.com/?x=1&loginToken=a&loginToken=b&loginTokens=c",
        "https://app.example.com/?x=1&loginTokens=c&loginToken=T",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "https://app.example.com/?login%54oken=old",
        "https://app.example.com/?loginToken=T",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "https://app.example.com/?loginToken=old#loginToken=kept",
        "https://app.example.com/?loginToken=T#loginToken=kept",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "https://app.example.com/?url=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d",
        "https://app.example.com/?url=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d&loginToken=T",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "https://app.example.com/a+b?c=d+e",
        "https://app.example.com/a+b?c=d+e&loginToken=T",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "HTTPS://App.Example.com:443/x",
        "https://app.example.com/x?loginToken=T",
        "app.example.com",
        "https://app.example.com",
    ),
    (
        "https://app.example.com:8443/x",
        "https://app.example.com:8443/x?loginToken=T",
        "app.example.com:8443",
        "https://app.example.com:8443",
    ),
    (
        "https://bücher.example/",
        "https://xn--bcher-kva.example/?loginToken=T",
        "xn--bcher-kva.example",
        "https://xn--bcher-kva.example",
    ),
    ("http://app.example.com/", "http://app.example.com/?loginToken=T", "app.example.com", "http://app.example.com"),
    (
        "http://localhost:8080/done?a=b#c",
        "http://localhost:8080/done?a=b&loginToken=T#c",
        "A program on this device",
        "http://localhost:8080",
    ),
    (
        "http://127.0.0.1:49152/",
        "http://127.0.0.1:49152/?loginToken=T",
        "A program on this device",
        "http://127.0.0.1:49152",
    ),
    ("http://[::1]:49152/", "http://[::1]:49152/?loginToken=T", "A program on this device", ""),
    ("element://connect", "element://connect?loginToken=T", "element", "element:"),
    ("io.element.android:/", "io.element.android:/?loginToken=T", "io.element.android", "io.element.android:"),
    ("im.fluffychat:/login#x", "im.fluffychat:/login?loginToken=T#x", "im.fluffychat", "im.fluffychat:"),
    ("nheko:opaque?a", "nheko:opaque?a&loginToken=T", "nheko", "nheko:"),
];

fn bad() -> Vec<String> {
    let long = format!("{APP}{}", "x".repeat(2048));
    [
        "",
        " ",
        "/account",
        "account",
        "?a=b",
        "#a",
        "//app.example.com/",
        "\\\\app.example.com\\",
        "app.example.com",
        "https:",
        "https://",
        "https:///",
        "http://?a",
        "https://:443/",
        "https://user@app.example.com/",
        "https://user:secret@app.example.com/",
        "https://:secret@app.example.com/",
        "element://user@connect",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "\u{1}javascript:alert(1)",
        "javascript://app.example.com/%0aalert(1)",
        "data:text/html,x",
        "data:text/html;base64,eA==",
        "vbscript:x",
        "blob:https://app.example.com/x",
        "file:///etc/passwd",
        "about:blank",
        "filesystem:https://app.example.com/temporary/x",
        "view-source:https://app.example.com/",
        "intent://evil.example/#Intent;scheme=https;end",
        "googlechrome://evil.example/",
        "mailto:alice@example.com",
        "tel:112",
        "sms:112",
        "x-safari-https://evil.example/",
        "microsoft-edge:https://evil.example/",
        "https://app.example.com:99999/",
        "https://app .example.com/",
        "https://[::1/",
        &long,
    ]
    .map(str::to_owned)
    .to_vec()
}

type Headers<'a> = &'a [(&'a str, &'a str)];

async fn alice(server: &Server) -> Person {
    let browser = server.browser();
    browser.sign_in("alice").await;
    browser
}

/// How many login tokens there are: nothing but a click may make one.
async fn login_tokens(server: &Server) -> i64 {
    let sql = "SELECT COUNT(*) FROM sso_logins WHERE token_hash IS NOT NULL";
    server.app.db.sql(sql).one::<(i64,)>().await.unwrap().0
}

/// The login token in an address, whatever else is there.
fn login_token_of(location: &str) -> &str {
    let at = location.find("kml_").unwrap_or_else(|| panic!("no login token in {location}"));
    &location[at..at + 55]
}

fn directive(answer: &Answer, name: &str) -> Option<String> {
    let policy = answer.header("content-security-policy").unwrap();
    policy.split("; ").find_map(|directive| directive.strip_prefix(name)).map(|value| value.trim().to_owned())
}

#[tokio::test]
async fn the_browser_goes_where_the_client_asked_with_the_token_and_nothing_else_changed() {
    // SSO-02, SSO-03, WEB-03, WEB-06, TRP-17, TRP-33
    let server = Server::start().await;
    server.user("alice").await;
    let browser = alice(&server).await;
    for (asked, expected, shown, form_action) in GOOD {
        let (path, page) = browser.arrive_by_sso(asked, &[]).await;
        assert!(path.starts_with("/sso/"), "{asked} {path}");
        page.assert_page(200, "@alice:localhost");
        assert!(page.body.contains(shown), "{asked} {}", page.body);
        let policy = directive(&page, "form-action ");
        let named = (!form_action.is_empty()).then(|| format!("'self' {form_action}"));
        assert_eq!(policy, named, "{asked}: Chromium holds the redirect to it");
        assert_eq!(directive(&page, "default-src ").as_deref(), Some("'none'"));
        assert_eq!(directive(&page, "frame-ancestors ").as_deref(), Some("'none'"));
        assert_eq!(
            (page.header("referrer-policy"), page.header("x-frame-options")),
            (Some("no-referrer"), Some("DENY"))
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));

        let answer = browser.submit(&page, &[("action", "allow")]).await;
        assert_eq!((answer.status, answer.header("referrer-policy")), (303, Some("no-referrer")), "{}", answer.body);
        assert_eq!(directive(&answer, "form-action "), named, "{asked}");
        let location = answer.location();
        let token = login_token_of(location);
        assert_eq!(location, expected.replace("=T", &format!("={token}")), "{asked}");
        let answer = server.legacy_login(token_login(token)).await;
        assert_eq!(answer.status, 200, "{asked} {}", answer.body);
    }
}

#[tokio::test]
async fn where_no_browser_should_go_nothing_begins() {
    // SSO-01, SSO-02, INV-17
    let server = Server::start().await;
    server.user("alice").await;
    let browser = alice(&server).await;
    for url in bad() {
        for path in [SSO_REDIRECT, "sso"] {
            let answer = browser.get(&format!("{path}?{}", encode(&[("redirectUrl", &url)]))).await;
            answer.assert_page(400, "<h1>");
            assert_eq!(answer.header("location"), None, "{url:?}");
            // Nothing on the page leads there either.
            assert!(
                !answer.body.contains("href=\"javascript") && !answer.body.contains("<a href=\"data"),
                "{}",
                answer.body
            );
        }
    }
    let twice = encode(&[("redirectUrl", APP), ("redirectUrl", "https://evil.example/")]);
    for path in [SSO_REDIRECT, "sso"] {
        for query in
            ["", "redirectUrl", "redirect_url=https://app.example.com/", "redirecturl=https://app.example.com/", &twice]
        {
            browser.get(&format!("{path}?{query}")).await.assert_page(400, "<h1>");
        }
    }
    let begun = server.app.db.sql("SELECT COUNT(*) FROM sso_logins").one::<(i64,)>().await.unwrap().0;
    assert_eq!(begun, 0);
}

#[tokio::test]
async fn the_homeservers_address_only_leads_on_to_our_own() {
    // SSO-01: our cookies are not there, so nothing is kept and nothing is set.
    let server = Server::setup().with("http.public_base", "{origin}/auth/").start().await;
    let origin = server.base.trim_end_matches("auth/").to_owned();
    let targets = ["https://app.example.com/?a=b&c=%20d#e", "element://connect"];
    for (version, slash) in VERSIONS.into_iter().flat_map(|version| [(version, ""), (version, "/")]) {
        for target in targets {
            for (more, kept) in [
                (vec![], None),
                (vec![("action", "login")], None),
                (vec![("action", "register")], Some("register")),
                (vec![("org.matrix.msc3824.action", "register")], Some("register")),
                (vec![("action", "dance")], None),
                (vec![("action", "")], None),
                (vec![("action", "REGISTER")], None),
                (vec![("next", "https://evil.example/"), ("x", "y")], None),
            ] {
                let query = encode(&[vec![("redirectUrl", target)], more].concat());
                let path = format!("{origin}_matrix/client/{version}/login/sso/redirect{slash}?{query}");
                let answer = server.get(&path).await;
                assert_eq!((answer.status, answer.header("set-cookie")), (303, None), "{}", answer.body);
                let (page, query) = answer.location().split_once('?').unwrap();
                assert_eq!(page, format!("{origin}auth/sso"));
                let mut params: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                assert_eq!(params.remove(0), ("redirectUrl".to_owned(), target.to_owned()));
                // To say that it is a login is to say nothing.
                params.retain(|param| *param != ("action".to_owned(), "login".to_owned()));
                let kept = kept.map(|kept: &str| ("action".to_owned(), kept.to_owned()));
                assert_eq!(params, Vec::from_iter(kept), "{query}");
            }
        }
        for provider in ["oidc-corner", "password", "%00", "%2e%2e%2f", "a%2Fb"] {
            let path = format!("{origin}_matrix/client/{version}/login/sso/redirect/{provider}");
            let answer = server.get(&format!("{path}?{}", encode(&[("redirectUrl", APP)]))).await;
            answer.assert_page(404, "<h1>");
            assert_eq!(answer.header("set-cookie"), None, "{provider}");
        }
    }
    let begun = server.app.db.sql("SELECT COUNT(*) FROM sso_logins").one::<(i64,)>().await.unwrap().0;
    assert_eq!(begun, 0);
}

#[tokio::test]
async fn a_provider_with_a_slash_at_its_end_is_as_unknown_as_without() {
    // SSO-01: proxies send this address here.
    let server = Server::start().await;
    for version in VERSIONS {
        let path = format!("/_matrix/client/{version}/login/sso/redirect/oidc-corner/");
        server.get(&format!("{path}?{}", encode(&[("redirectUrl", APP)]))).await.assert_page(404, "<h1>");
    }
}

#[tokio::test]
async fn nobody_is_sent_anywhere_without_a_click() {
    // SSO-02, TRP-33: any site can send people here.
    let server = Server::start().await;
    server.user("alice").await;
    let (browser, stranger) = (alice(&server).await, server.browser());
    for person in [&browser, &stranger] {
        let entry = format!("{SSO_REDIRECT}?{}", encode(&[("redirectUrl", "https://evil.example/")]));
        let entry = person.get(&entry).await.location().to_owned();
        let record = person.get(&entry).await.location().to_owned();
        let id = record.rsplit(['/', '=']).next().unwrap().to_owned();
        for path in [
            entry,
            record,
            format!("sso/{id}"),
            format!("sso/{id}?action=allow"),
            format!("login?sso={id}"),
            format!("login?sso={id}&switch=1"),
            format!("register?sso={id}"),
        ] {
            for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
                let request = person.http.client.request(method, person.http.url(&path));
                let answer = person.http.send(request).await;
                assert!(answer.status < 400, "{path} {}", answer.body);
                if let Some(location) = answer.header("location") {
                    assert!(location.starts_with('/') && !location.contains("loginToken"), "{path} {location}");
                }
                assert!(!answer.body.contains("kml_") && !answer.body.contains("http-equiv"), "{path}");
            }
        }
    }
    assert_eq!(login_tokens(&server).await, 0);
}

#[tokio::test]
async fn somebody_signs_in_on_the_way_and_comes_back_to_the_question() {
    // SSO-01: wrong attempts, and the detour over sign-up and back, lose nothing.
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    let (path, page) = browser.arrive_by_sso(APP, &[]).await;
    let id = path.strip_prefix("/login?sso=").unwrap_or_else(|| panic!("{path}")).to_owned();
    assert!(page.body.contains(&format!("/register?sso={id}")), "sign-up is one click away: {}", page.body);
    let register = browser.get(&format!("register?sso={id}")).await;
    assert!(register.body.contains(&format!("/login?sso={id}")), "{}", register.body);
    let wrong = browser.submit(&page, &[("username", "alice"), ("password", "wrong")]).await;
    wrong.assert_page(401, "The username or the password is wrong.");
    let answer = browser.submit(&wrong, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.location()), (303, &*format!("/sso/{id}")));
    let page = browser.get(answer.location()).await;
    page.assert_page(200, "app.example.com");
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    assert!(answer.location().starts_with("https://app.example.com/?loginToken=kml_"));
    assert_eq!(login_tokens(&server).await, 1);
}

#[tokio::test]
async fn whoever_wants_an_account_first_gets_one_and_comes_back() {
    // CMP-34, CMP-02
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    let actions = [
        ("action", "register", true),
        ("org.matrix.msc3824.action", "register", true),
        ("action", "login", false),
        ("org.matrix.msc3824.action", "login", false),
        ("action", "dance", false),
    ];
    for (number, (name, value, wants_registration)) in actions.into_iter().enumerate() {
        let browser = server.browser();
        let (path, page) = browser.arrive_by_sso(APP, &[(name, value)]).await;
        if !wants_registration {
            assert!(path.starts_with("/login?sso="), "{name} {value} {path}");
            continue;
        }
        let id = path.strip_prefix("/register?sso=").unwrap_or_else(|| panic!("{path}")).to_owned();
        let user = format!("newcomer{number}");
        let again = browser.submit(&page, &[("username", "no name"), ("password", PASSWORD)]).await;
        assert_eq!(again.status, 422);
        let answer = browser.submit(&again, &[("username", &user), ("password", PASSWORD)]).await;
        let (_, page) = browser.open(answer.location()).await;
        let answer = browser.submit(&page, &[("display_name", "")]).await;
        assert_eq!((answer.status, answer.location()), (303, &*format!("/sso/{id}")), "{}", answer.body);
        let page = browser.get(answer.location()).await;
        page.assert_page(200, &format!("@{user}:hs.test"));
        let answer = browser.submit(&page, &[("action", "allow")]).await;
        let token = login_token_of(answer.location());
        let answer = server.legacy_login(token_login(token)).await;
        assert_eq!(answer.json()["user_id"], format!("@{user}:hs.test"));
    }
}

#[tokio::test]
async fn where_sign_up_is_closed_the_way_leads_to_the_login() {
    // SGN-08, CMP-34
    let server = Server::setup().with("account.password_registration_enabled", "false").start().await;
    server.user("alice").await;
    let browser = server.browser();
    let (path, page) = browser.arrive_by_sso(APP, &[("action", "register")]).await;
    assert!(page.status == 200 || page.status == 403, "{path} {}", page.body);
    let (path, page) = browser.arrive_by_sso(APP, &[]).await;
    assert!(path.starts_with("/login?sso=") && !page.body.contains("/register"), "{path} {}", page.body);
}

#[tokio::test]
async fn a_login_belongs_to_the_browser_that_began_it() {
    // SSO-03, WEB-02: otherwise a link would sign people in to somebody else's account, or give their token away.
    let server = Server::start().await;
    server.user("alice").await;
    server.user("mallory").await;
    let (victim, mallory) = (alice(&server).await, server.browser());
    mallory.sign_in("mallory").await;
    let (path, page) = mallory.arrive_by_sso("https://evil.example/", &[]).await;
    victim.get(&path).await.assert_page(403, "another browser");
    let id = path.rsplit('/').next().unwrap();
    for page in [format!("login?sso={id}&switch=1"), format!("register?sso={id}")] {
        victim.get(&page).await.assert_page(403, "another browser");
    }
    let csrf = victim.csrf_on_account_page().await;
    for action in ["allow", "deny", "switch"] {
        let answer = victim.http.post(&path, &[("csrf", &csrf), ("action", action)]).await;
        assert_eq!((answer.status, answer.header("location")), (403, None), "{action}");
    }
    for path in ["sso/01ARZ3NDEKTSV4RRFFQ69G5FAV", "sso/x", "sso/%00", "login?sso=x", "register?sso=%00", "sso/"] {
        let answer = victim.get(path).await;
        assert!([400, 404].contains(&answer.status), "{path} {}", answer.status);
    }
    assert_eq!(login_tokens(&server).await, 0);
    assert_eq!(mallory.submit(&page, &[("action", "allow")]).await.status, 303, "nothing happened to it");
}

impl Person {
    /// The form token that speaks of the account that is signed in, from another page of ours.
    async fn csrf_on_account_page(&self) -> String {
        csrf_of(&self.get("logout").await.body)
    }
}

#[tokio::test]
async fn a_form_that_another_site_filled_in_changes_nothing() {
    // SSO-03, WEB-02
    let server = Server::start().await;
    server.user("alice").await;
    server.user("mallory").await;
    let (browser, mallory) = (alice(&server).await, server.browser());
    mallory.sign_in("mallory").await;
    let (path, page) = browser.arrive_by_sso(APP, &[]).await;
    let (_, page_of_mallory) = mallory.arrive_by_sso(APP, &[]).await;
    let (own, foreign) = (csrf_of(&page.body), csrf_of(&page_of_mallory.body));
    let attempts: [(Option<&str>, Headers<'_>); 6] = [
        (None, &[]),
        (Some(""), &[]),
        (Some(&foreign), &[]),
        (Some(&own), &[("sec-fetch-site", "cross-site")]),
        (Some(&own), &[("sec-fetch-site", "same-site")]),
        (Some(&own), &[("origin", "https://evil.example")]),
    ];
    for action in ["allow", "deny", "switch"] {
        for (csrf, headers) in attempts {
            let mut form = vec![("action", action)];
            form.extend(csrf.map(|csrf| ("csrf", csrf)));
            let request = browser.http.client.post(browser.http.url(&path)).form(&form);
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            let answer = browser.http.send(request).await;
            assert_eq!((answer.status, answer.header("location")), (403, None), "{action} {csrf:?} {headers:?}");
        }
    }
    for fields in [vec![], vec![("action", "")], vec![("action", "approve")]] {
        assert_eq!(browser.submit(&page, &fields).await.status, 400, "{fields:?}");
    }
    assert_eq!(login_tokens(&server).await, 0);
    assert_eq!(browser.get(&path).await.status, 200, "nothing was decided");
    // A page that speaks of one account is not carried out for another (WEB-15).
    let (_, login) = browser.open("login?switch=1").await;
    browser.submit(&login, &[("username", "mallory"), ("password", PASSWORD)]).await;
    assert_eq!(browser.submit(&page, &[("action", "allow")]).await.status, 403);
    assert_eq!(login_tokens(&server).await, 0);
}

#[tokio::test]
async fn a_decision_is_made_once() {
    // SSO-03, SSO-04, INV-01: however the buttons are pressed, and again by the back button.
    let server = Server::start().await;
    server.user("alice").await;
    let browser = alice(&server).await;
    let (path, page) = browser.arrive_by_sso(APP, &[]).await;
    let answers = join_all((0..10).map(|_| browser.submit(&page, &[("action", "allow")]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1, "{answers:?}");
    answers
        .iter()
        .filter(|answer| answer.status != 303)
        .for_each(|answer| answer.assert_page(400, "This sign-in is over"));
    for action in ["allow", "deny", "switch"] {
        browser.submit(&page, &[("action", action)]).await.assert_page(400, "This sign-in is over");
    }
    browser.get(&path).await.assert_page(400, "This sign-in is over");
    assert_eq!(login_tokens(&server).await, 1);

    let (path, page) = browser.arrive_by_sso(APP, &[]).await;
    let answer = browser.submit(&page, &[("action", "deny")]).await;
    assert_eq!((answer.status, answer.location()), (303, "/account/"), "the client is told nothing");
    browser.get(&path).await.assert_page(400, "This sign-in is over");
    browser.submit(&page, &[("action", "allow")]).await.assert_page(400, "This sign-in is over");
    assert_eq!(login_tokens(&server).await, 1);
}

#[tokio::test]
async fn somebody_else_can_take_over_before_the_decision() {
    let server = Server::start().await;
    server.user("alice").await;
    server.user("bob").await;
    let browser = alice(&server).await;
    let (path, page) = browser.arrive_by_sso(APP, &[]).await;
    let id = path.rsplit('/').next().unwrap();
    let answer = browser.submit(&page, &[("action", "switch")]).await;
    assert_eq!((answer.status, answer.location()), (303, &*format!("/login?sso={id}&switch=1")));
    let login = browser.get(answer.location()).await;
    login.assert_page(200, "name=\"password\"");
    let answer = browser.submit(&login, &[("username", "bob"), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, answer.location()), (303, &*path));
    let page = browser.get(&path).await;
    page.assert_page(200, "@bob:localhost");
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let token = login_token_of(answer.location());
    assert_eq!(server.legacy_login(token_login(token)).await.json()["user_id"], "@bob:localhost");
}

#[tokio::test]
async fn whoever_is_signed_out_meanwhile_signs_in_again() {
    // INV-05: nothing is decided for somebody who is no longer there.
    let server = Server::start().await;
    server.user("alice").await;
    server.user("bob").await;
    let browser = alice(&server).await;
    let (path, page) = browser.arrive_by_sso(APP, &[]).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let login_path = format!("/login?sso={id}");
    manage::kill_sessions(&server.app, "alice", false).await.unwrap();
    assert_eq!(browser.get(&path).await.location(), login_path);
    assert_eq!(browser.submit(&page, &[("action", "allow")]).await.location(), login_path);
    assert_eq!(login_tokens(&server).await, 0);
    let login = browser.get(&login_path).await;
    let answer = browser.submit(&login, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(answer.location(), path);

    // Whoever signs out leaves the browser to others, with nothing that could be finished by them.
    let logout = browser.get("logout").await;
    browser.submit(&logout, &[]).await;
    browser.sign_in("bob").await;
    browser.get(&path).await.assert_page(403, "another browser");
}

#[tokio::test]
async fn an_account_that_stops_counting_decides_nothing() {
    // INV-05, DEV-12, DEV-14
    for state in ["locked", "deactivated"] {
        let server = Server::start().await;
        server.user("alice").await;
        let browser = alice(&server).await;
        let (path, page) = browser.arrive_by_sso(APP, &[]).await;
        match state {
            "locked" => drop(manage::set_locked(&server.app, "alice", true).await.unwrap()),
            _ => drop(manage::deactivate(&server.app, "alice", false).await.unwrap()),
        }
        for answer in [browser.get(&path).await, browser.submit(&page, &[("action", "allow")]).await] {
            assert!(answer.location().starts_with("/login?sso="), "{state} {:?}", answer.headers);
        }
        let login = browser.get(&path.replace("/sso/", "/login?sso=")).await;
        let answer = browser.submit(&login, &[("username", "alice"), ("password", PASSWORD)]).await;
        assert_eq!((answer.status, login_tokens(&server).await), (403, 0), "{state}");
    }
}

#[tokio::test]
async fn an_error_at_the_homeservers_address_is_dressed_from_ours() {
    // WEB-03: a proxy shows it on another host, where neither our assets nor our cookies are.
    let server = Server::setup().with("http.public_base", "{origin}/auth/").start().await;
    let origin = server.base.trim_end_matches("/auth/").to_owned();
    for (path, status) in [("redirect", 400), ("redirect/oidc-corner", 404)] {
        let page = server.get(&format!("{origin}/_matrix/client/v3/login/sso/{path}")).await;
        page.assert_page(status, "<h1>");
        assert_eq!(directive(&page, "style-src "), Some(origin.clone()));
        assert_eq!(directive(&page, "img-src "), Some(format!("{origin} data:")));
        assert_eq!(directive(&page, "form-action ").as_deref(), Some("'none'"));
        let href = attribute(&page.body, "<link rel=\"stylesheet\" href=\"").unwrap();
        assert!(href.starts_with(&format!("{origin}/auth/assets/")), "{href}");
        assert_eq!(server.get(&href).await.status, 200, "{href}");
        assert_eq!((page.header("set-cookie"), page.header("x-frame-options")), (None, Some("DENY")));
    }
}

#[tokio::test]
async fn a_login_lasts_for_half_an_hour() {
    // SSO-01, INV-15
    let server = Server::start().await;
    server.user("alice").await;
    let browser = alice(&server).await;
    for (minutes, is_over) in [(28, false), (31, true)] {
        let (path, page) = browser.arrive_by_sso(APP, &[]).await;
        server.clock.advance(minutes * MINUTE);
        let shown = browser.get(&path).await;
        let answer = browser.submit(&page, &[("action", "allow")]).await;
        match is_over {
            false => assert_eq!((shown.status, answer.status), (200, 303)),
            true => [&shown, &answer].iter().for_each(|page| page.assert_page(400, "This sign-in is over")),
        }
    }
    let (path, _) = browser.arrive_by_sso(APP, &[]).await;
    server.clock.advance(31 * MINUTE);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    browser.get(&path).await.assert_page(400, "This sign-in is over");
}

#[tokio::test]
async fn an_address_that_an_app_was_sent_to_before_holds_a_token_that_is_kept_nowhere() {
    // INV-03, CMN-15: web clients begin again from the address where they are. The search at the end looks for it.
    let server = Server::start().await;
    server.user("alice").await;
    let browser = alice(&server).await;
    let first = browser.allow_sso(APP).await;
    let second = browser.allow_sso(&first).await;
    assert_eq!(second.matches("loginToken=").count(), 1);
    assert_ne!(first, second);
}

#[tokio::test]
async fn the_question_names_the_destination_and_never_its_markup() {
    // SSO-02, WEB-07
    let server = Server::start().await;
    server.user("alice").await;
    let browser = alice(&server).await;
    for url in [
        "https://evil.example/\"><script>alert(1)</script>",
        "https://evil.example/?\"><img src=x onerror=alert(1)>",
        "https://evil.example/#</bdi><form action=https://evil.example>",
        "app-x://\"><script>alert(1)</script>",
    ] {
        let query = encode(&[("redirectUrl", url)]);
        let answer = browser.get(&format!("{SSO_REDIRECT}?{query}")).await;
        if answer.status == 400 {
            continue;
        }
        let (_, page) = browser.open(answer.location()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        for needle in ["<script", "<img src=x", "<form action=https"] {
            assert!(!page.body.contains(needle), "{needle} in {}", page.body);
        }
        for value in page.headers.values() {
            assert!(!value.to_str().unwrap().contains(['<', '"']), "{value:?}");
        }
        let location = browser.submit(&page, &[("action", "allow")]).await;
        assert!(!location.location().contains(['<', '"', '\r', '\n']), "{}", location.location());
    }
}
