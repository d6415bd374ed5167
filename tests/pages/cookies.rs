//! The two cookies (WEB-01): what they carry, how long they live, and that a login is never one that somebody planted.

use keymaker::{
    clock::DAY,
    crypto::secret::{Kind, Secret},
};

use crate::support::{PASSWORD, Server, http::Answer};

#[tokio::test]
async fn cookies_are_as_narrow_as_the_address_allows() {
    // WEB-01, INV-10: the name and `Secure` follow the configured address and never the request.
    let table = [
        ("{origin}/", "keymaker_browser", "keymaker_session", false),
        ("https://auth.example.com/", "__Host-keymaker_browser", "__Host-keymaker_session", true),
    ];
    for (base, browser_name, session_name, is_secure) in table {
        let server = Server::setup().with("http.public_base", base).start().await;
        server.user("alice").await;
        let page = server.get("login").await;
        let (browser, attributes) = page.set_cookie("keymaker_browser").unwrap();
        assert_attributes(&attributes, browser_name, is_secure);

        let cookie = format!("{browser_name}={browser}");
        let csrf = crate::support::person::csrf_of(&page.body);
        let form = [("csrf", csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
        let request = server.http.client.post(server.url("login")).header("cookie", &cookie).form(&form);
        let answer = server.http.send(request).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let (session, attributes) = answer.set_cookie("keymaker_session").unwrap();
        assert_attributes(&attributes, session_name, is_secure);
        assert!(session.starts_with("kmb_") && browser.starts_with("kmw_"));
        assert!(answer.set_cookie("keymaker_browser").is_none(), "the browser is known");

        // The cookie of the other name means nothing: without `__Host-` a subdomain could have set it.
        let other = if is_secure { "keymaker_session" } else { "__Host-keymaker_session" };
        for (name, is_signed_in) in [(session_name, true), (other, false)] {
            assert_eq!(is_signed_in_by(&server, &format!("{name}={session}")).await, is_signed_in);
        }
    }
}

fn assert_attributes(attributes: &str, name: &str, is_secure: bool) {
    let mut attributes: Vec<&str> = attributes.split(';').map(str::trim).collect();
    attributes.sort_unstable();
    let mut expected = vec![name, "HttpOnly", "Max-Age=7776000", "Path=/", "SameSite=Lax"];
    expected.extend(is_secure.then_some("Secure"));
    expected.sort_unstable();
    assert_eq!(attributes, expected);
}

async fn account(server: &Server, cookie: &str) -> Answer {
    server.http.send(server.http.client.get(server.url("account/")).header("cookie", cookie)).await
}

async fn is_signed_in_by(server: &Server, cookie: &str) -> bool {
    let answer = account(server, cookie).await;
    match answer.status {
        200 => true,
        303 => {
            assert!(answer.location().ends_with("/login"));
            false
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_login_gives_a_new_cookie_and_the_old_one_is_dead() {
    // WEB-01, T of area 20: session fixation
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    let planted = Secret::generate(Kind::BrowserSession);
    let page = browser.get("login").await;
    let csrf = crate::support::person::csrf_of(&page.body);
    let form = [("csrf", csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
    let cookies = format!("{}; keymaker_session={}", browser.http.cookies(), planted.expose());
    let request = server.http.client.post(server.url("login")).header("cookie", cookies).form(&form);
    let (first, _) = server.http.send(request).await.set_cookie("keymaker_session").unwrap();
    assert_ne!(first, planted.expose());
    assert!(!is_signed_in_by(&server, &format!("keymaker_session={}", planted.expose())).await);
    assert!(is_signed_in_by(&server, &format!("keymaker_session={first}")).await);

    let cookies = format!("{}; keymaker_session={first}", browser.http.cookies());
    let request = server.http.client.post(server.url("login")).header("cookie", cookies).form(&form);
    let (second, _) = server.http.send(request).await.set_cookie("keymaker_session").unwrap();
    assert_ne!(first, second);
    assert!(!is_signed_in_by(&server, &format!("keymaker_session={first}")).await, "the login before it ended");
    assert!(is_signed_in_by(&server, &format!("keymaker_session={second}")).await);
}

#[tokio::test]
async fn signing_out_ends_the_login_and_not_the_applications() {
    // DEV-11, RPL-04
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", crate::support::MATRIX_SCOPE).await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let cookies = browser.http.cookies();
    let page = browser.get("logout").await;
    page.assert_page(200, "@alice:localhost");
    assert!(is_signed_in_by(&server, &cookies).await, "looking at the page signs nobody out");
    let answer = browser.submit(&page, &[]).await;
    answer.assert_page(200, "You are signed out");
    let (value, attributes) = answer.set_cookie("keymaker_session").unwrap();
    assert!(value.is_empty() && attributes.contains("Max-Age=0"), "{attributes}");
    assert!(!is_signed_in_by(&server, &cookies).await, "the cookie is dead on our side too");
    assert_eq!(browser.get("account/").await.location(), "/login");
    assert!(server.is_active(&tokens.access).await);
    assert_eq!(server.refresh(&tokens).await.status, 200);
    assert_eq!(browser.get("logout").await.location(), "/login", "there is nobody to sign out");
}

#[tokio::test]
async fn a_login_that_is_used_lives_for_ninety_days_at_most() {
    // WEB-01
    let server = Server::start().await;
    server.user("alice").await;
    let (idle, busy) = (server.browser(), server.browser());
    idle.sign_in("alice").await;
    busy.sign_in("alice").await;
    for day in [13, 26, 39, 52, 65, 78, 89] {
        server.clock.advance(if day == 89 { 11 * DAY } else { 13 * DAY });
        assert_eq!(busy.get("account/").await.status, 200, "day {day}");
    }
    assert!(!is_signed_in_by(&server, &idle.http.cookies()).await, "nobody used it for two weeks");
    server.clock.advance(2 * DAY);
    assert_eq!(busy.get("account/").await.location(), "/login", "day 91");
}

#[tokio::test]
async fn a_login_that_rests_for_two_weeks_is_over() {
    // WEB-01, INV-15
    let server = Server::start().await;
    server.user("alice").await;
    for (days, is_signed_in) in [(13, true), (14, false)] {
        let browser = server.browser();
        browser.sign_in("alice").await;
        server.clock.advance(days * DAY);
        assert_eq!(is_signed_in_by(&server, &browser.http.cookies()).await, is_signed_in, "{days}");
    }
}
