//! What somebody allowed before, and what makes it asked again (CNS-03, RFC 8252 §8.6).

use futures_util::future::join_all;
use keymaker::{clock::DAY, flows::manage};
use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, PASSWORD, REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server, changed,
    person::{Person, encode, response_params},
};

/// What a request comes to that may show nothing: the error, or `code`.
async fn silently(browser: &Person, request: &[(&str, &str)]) -> String {
    let request = changed(request, "prompt", Some("none"));
    let answer = browser.get(&format!("authorize?{}", encode(&request))).await;
    let params = response_params(answer.location());
    params.get("error").cloned().unwrap_or_else(|| "code".to_owned())
}

async fn signed_in(server: &Server) -> Person {
    let browser = server.browser();
    browser.sign_in("alice").await;
    browser
}

#[tokio::test]
async fn the_same_or_less_is_not_asked_again_and_more_is() {
    // CNS-03: the scopes, and the claims that the same scopes open
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    server.user("bob").await;
    let browser = signed_in(&server).await;
    browser.allow(&server.request(STATIC_CLIENT, "profile openid")).await;
    let claims = |name: &str| json!({ "userinfo": { name: null } }).to_string();
    let table = [
        ("openid profile", None, "code"),
        ("profile openid", None, "code"),
        ("openid", None, "code"),
        ("openid", Some(claims("name")), "code"),
        ("openid", Some(claims("email")), "consent_required"),
        ("openid profile email", None, "consent_required"),
        ("openid email", None, "consent_required"),
    ];
    for (scope, claims, outcome) in &table {
        let request = changed(&server.request(STATIC_CLIENT, scope), "claims", claims.as_deref());
        assert_eq!(silently(&browser, &request).await, *outcome, "{scope} {claims:?}");
    }
    // Nobody else allowed it, and nobody was asked for another client.
    let bob = server.browser();
    bob.sign_in("bob").await;
    assert_eq!(silently(&bob, &server.request(STATIC_CLIENT, "openid")).await, "consent_required");
    let other = server.client().await;
    assert_eq!(silently(&browser, &server.request(&other, "openid")).await, "consent_required");
    // Refusing is not remembered as anything.
    browser.decide(&server.request(&other, "openid"), "deny").await;
    assert_eq!(silently(&browser, &server.request(&other, "openid")).await, "consent_required");
    // After a year without use it is asked again.
    server.clock.advance(366 * DAY);
    let browser = signed_in(&server).await;
    assert_eq!(silently(&browser, &server.request(STATIC_CLIENT, "openid")).await, "consent_required");
}

#[tokio::test]
async fn an_app_that_others_can_pass_for_is_asked_about_each_time() {
    // RFC 8252 §8.6: redirect URI × kind of client
    let server = Server::setup()
        .static_client("client_secret_post")
        .with("clients.0.redirect_uris", "[\"https://wiki.example.com/cb\", \"http://127.0.0.1:4711/cb\"]")
        .start()
        .await;
    server.user("alice").await;
    let native = server
        .register(json!({
            "application_type": "native", "client_uri": "https://app.example.com/", "token_endpoint_auth_method": "none",
            "redirect_uris": ["com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb", "https://app.example.com/cb"],
        }))
        .await;
    let browser = signed_in(&server).await;
    let table = [
        (native.as_str(), "com.example.app:/cb", "consent_required"),
        (&native, "http://127.0.0.1:5000/cb", "consent_required"),
        (&native, "http://[::1]:5000/cb", "consent_required"),
        (&native, "http://localhost:5000/cb", "consent_required"),
        (&native, "https://app.example.com/cb", "code"),
        (STATIC_CLIENT, "http://127.0.0.1:4711/cb", "code"),
        // The host is part of what was allowed.
        (STATIC_CLIENT, "https://wiki.example.com/cb", "code"),
    ];
    for (client_id, uri, outcome) in table {
        let request = changed(&server.request(client_id, "openid"), "redirect_uri", Some(uri));
        assert_eq!(silently(&browser, &request).await, "consent_required", "{uri}");
        let (_, page) = browser.arrive(&request).await;
        assert_eq!(page.body.contains("You will not be asked again"), outcome == "code", "{uri}");
        browser.allow(&request).await;
        assert_eq!(silently(&browser, &request).await, outcome, "{uri}");
    }
}

#[tokio::test]
async fn a_matrix_device_is_asked_about_each_time_whoever_wants_it() {
    // CNS-03, DEC-01, TRP-36: not even for a client that the operator answers for
    let server = Server::setup().static_client("client_secret_post").with("clients.0.trusted", "true").start().await;
    server.user("alice").await;
    let own = server.client().await;
    let browser = signed_in(&server).await;
    let scope = format!("openid {MATRIX_SCOPE}");
    for client_id in [STATIC_CLIENT, own.as_str()] {
        let request = server.request(client_id, &scope);
        browser.allow(&request).await;
        assert_eq!(silently(&browser, &request).await, "consent_required");
        let (path, page) = browser.arrive(&request).await;
        assert!(path.starts_with("/consent/") && page.status == 200, "{path}");
        assert!(!page.body.contains("not be asked again"));
    }
}

#[tokio::test]
async fn an_application_that_shows_itself_differently_asks_again() {
    // CNS-03: what people were shown
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let browser = signed_in(&server).await;
    let request = server.request(STATIC_CLIENT, "openid");
    browser.allow(&request).await;
    assert_eq!(silently(&browser, &request).await, "code");
    for (from, to) in [("The wiki", "The bank"), ("The bank", "The wiki")] {
        let mut tx = server.app.db.write().await.unwrap();
        let changed = tx.sql("UPDATE clients SET metadata = REPLACE(metadata, $1, $2)").bind(from).bind(to).execute();
        assert!(changed.await.unwrap() > 0);
        tx.commit().await.unwrap();
        let is_back = to == "The wiki";
        assert_eq!(silently(&browser, &request).await, if is_back { "code" } else { "consent_required" });
        assert_eq!(browser.get("account/apps").await.body.contains("without asking"), is_back);
    }
}

#[tokio::test]
async fn what_was_allowed_is_listed_and_can_be_taken_back() {
    // CNS-03, INV-06: with a fresh proof, and the sessions go too
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let browser = signed_in(&server).await;
    let request = server.request(STATIC_CLIENT, "openid email");
    let code = browser.allow(&request).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", STATIC_CLIENT),
        ("client_secret", STATIC_SECRET),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let tokens = server.post("oauth2/token", &form).await.json();
    let access = tokens["access_token"].as_str().unwrap();
    assert!(server.is_active(access).await);
    let page = browser.get("account/apps").await;
    page.assert_page(200, "May sign you in without asking");
    assert!(page.body.contains("act=withdraw-consent&#38;target=the-wiki") && page.body.contains("app.example.com"));

    // Without a proof nothing happens, and nobody takes back what is another's.
    let confirm = format!("account/confirm?act=withdraw-consent&target={STATIC_CLIENT}");
    let page = browser.get(&confirm).await;
    page.assert_page(200, "The wiki");
    assert_eq!(browser.submit(&page, &[("password", "a wrong guess")]).await.status, 403);
    assert_eq!(silently(&browser, &request).await, "code");
    assert_eq!(browser.get("account/confirm?act=withdraw-consent&target=nobody").await.status, 404);

    let answer = browser.submit(&page, &[("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/account/apps?done=withdraw-consent");
    browser.get(answer.location()).await.assert_page(200, "It was taken back.");
    assert!(!server.is_active(access).await, "the sessions ended");
    assert_eq!(silently(&browser, &request).await, "consent_required");
    assert_eq!(browser.get(&confirm).await.status, 404);
}

#[tokio::test]
async fn whoever_signs_out_everywhere_or_goes_is_asked_again() {
    // CNS-03: the account's end, "sign out everywhere", one app's end, an administrator's
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let request = server.request(STATIC_CLIENT, "openid");
    let count = async || server.app.db.sql("SELECT COUNT(*) FROM consents").one::<(i64,)>().await.unwrap().0;
    for way in ["end-other-sessions", "an app", "an administrator", "deactivation"] {
        let browser = signed_in(&server).await;
        let code = browser.allow(&request).await;
        assert_eq!((count().await, silently(&browser, &request).await.as_str()), (1, "code"), "{way}");
        match way {
            "an app" => {
                let form = [
                    ("grant_type", "authorization_code"),
                    ("client_id", STATIC_CLIENT),
                    ("client_secret", STATIC_SECRET),
                    ("code", &code),
                    ("redirect_uri", REDIRECT_URI),
                    ("code_verifier", crate::support::VERIFIER),
                ];
                assert_eq!(server.post("oauth2/token", &form).await.status, 200);
                let sql = "SELECT id FROM sessions WHERE client_id IS NOT NULL AND ended_at IS NULL";
                let (id,) = server.app.db.sql(sql).one::<(String,)>().await.unwrap();
                assert_eq!(browser.act("end-session", Some(&id), None).await.status, 303);
            }
            "an administrator" => drop(manage::kill_sessions(&server.app, "alice", false).await.unwrap()),
            "deactivation" => drop(manage::deactivate(&server.app, "alice", false).await.unwrap()),
            act => assert_eq!(browser.act(act, None, None).await.status, 303),
        }
        assert_eq!(count().await, 0, "{way}");
    }
}

#[tokio::test]
async fn what_is_taken_back_at_the_same_moment_gives_nothing_afterwards() {
    // INV-01: twenty silent requests while it is taken back
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let browser = signed_in(&server).await;
    let request = server.request(STATIC_CLIENT, "openid");
    browser.allow(&request).await;
    let asking = join_all((0..20).map(|_| silently(&browser, &request)));
    let taking = browser.act("withdraw-consent", Some(STATIC_CLIENT), None);
    let (outcomes, taken) = tokio::join!(asking, taking);
    assert_eq!(taken.status, 303);
    assert!(outcomes.iter().all(|outcome| outcome == "code" || outcome == "consent_required"), "{outcomes:?}");
    let after = join_all((0..20).map(|_| silently(&browser, &request))).await;
    assert!(after.iter().all(|outcome| outcome == "consent_required"), "{after:?}");
}
