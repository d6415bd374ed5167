//! A login and its device (CMP-12, CMP-13, CMP-17, CMP-18, CMP-35, DEV-01, DEV-02, DEV-04, DEV-06).

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use futures_util::future::join_all;
use keymaker::clock::HOUR;
use serde_json::json;

use super::{DEVICE, live_sessions, server_with_alice};
use crate::support::{
    MATRIX_SCOPE, Server, Tokens,
    compat::{LOGIN, VERSIONS, merged, password_login},
    eventually,
    homeserver::FakeHomeserver,
    waiting_jobs,
};

#[tokio::test]
async fn a_login_is_answered_in_the_terms_of_the_api() {
    // CMP-12: a refresh token and an end only for clients that asked.
    let (homeserver, server) = server_with_alice().await;
    let mut devices = BTreeSet::new();
    for version in VERSIONS {
        for (wants, expects) in [(None, false), (Some(false), false), (Some(true), true)] {
            let mut body = password_login("@alice:hs.test");
            if let Some(wants) = wants {
                body["refresh_token"] = json!(wants);
            }
            let answer = server.http.post_json(&format!("/_matrix/client/{version}/login/"), &body).await;
            assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/json"));
            let body = answer.json();
            let members: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
            let members: Vec<&str> = members.into_iter().collect();
            match expects {
                false => assert_eq!(members, ["access_token", "device_id", "user_id"]),
                true => assert_eq!(members, ["access_token", "device_id", "expires_in_ms", "refresh_token", "user_id"]),
            }
            assert_eq!(body["expires_in_ms"], if expects { json!(300_000) } else { json!(null) });
            assert_eq!(body["user_id"], "@alice:hs.test");
            let device = body["device_id"].as_str().unwrap();
            let is_letter = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
            assert!(device.len() == 10 && device.bytes().all(is_letter), "{device}");
            assert!(homeserver.has_device("alice", device), "TRP-24: the device is there before the answer");
            assert!(server.is_active(body["access_token"].as_str().unwrap()).await);
            assert!(devices.insert(device.to_owned()), "each login has a device of its own");
        }
    }
    assert_eq!(live_sessions(&server, "compat").await, 9);
    assert_eq!(waiting_jobs(&server).await, 0, "nothing is left over");
}

#[tokio::test]
async fn only_a_new_device_is_given_a_name() {
    // CMP-17, DEV-04: people rename their devices; a login must not undo that.
    let (homeserver, server) = server_with_alice().await;
    let long = "é".repeat(120);
    let table = [
        ("PHONE00001", json!("Alice's phone"), Some("Alice's phone".to_owned())),
        ("PHONE00002", json!("Alice's\u{0} \u{7}phone\n"), Some("Alice's phone".to_owned())),
        ("PHONE00003", json!(long), Some("é".repeat(100))),
        ("PHONE00004", json!(null), None),
        ("PHONE00005", json!("<b>\u{202e}"), Some("<b>\u{202e}".to_owned())),
    ];
    for (device, name, expected) in table {
        let body = json!({ "device_id": device, "initial_device_display_name": name });
        assert_eq!(server.password_login("alice", body).await.status, 200);
        assert_eq!(homeserver.device_name("alice", device), expected, "{device}");
        let again = json!({ "device_id": device, "initial_device_display_name": "another name" });
        let answer = server.password_login("alice", again).await;
        assert_eq!(homeserver.device_name("alice", device), expected, "{device}: it is known by now");
        // Once it was signed out it is new.
        server.logout(answer.json()["access_token"].as_str().unwrap()).await;
        eventually("the deletion", async || !homeserver.has_device("alice", device)).await;
        let anew = json!({ "device_id": device, "initial_device_display_name": "new name" });
        assert_eq!(server.password_login("alice", anew).await.status, 200);
        assert_eq!(homeserver.device_name("alice", device).as_deref(), Some("new name"), "{device}");
    }
    // A device that an OAuth client made is known as well.
    server.log_in("alice", MATRIX_SCOPE).await;
    let before = homeserver.device_name("alice", DEVICE);
    server.password_login("alice", json!({ "device_id": DEVICE, "initial_device_display_name": "mine" })).await;
    assert_eq!(homeserver.device_name("alice", DEVICE), before);
}

/// Signs in on `DEVICE` in one of the two ways.
async fn sign_in(server: &Server, kind: &str, user: &str) -> Tokens {
    match kind {
        "oauth" => server.log_in(user, MATRIX_SCOPE).await,
        _ => server.legacy_session(user, DEVICE).await,
    }
}

async fn refresh(server: &Server, kind: &str, tokens: &Tokens) -> u16 {
    match kind {
        "oauth" => server.refresh(tokens).await.status,
        _ => server.legacy_refresh(&tokens.refresh).await.status,
    }
}

#[tokio::test]
async fn a_new_login_on_a_device_ends_the_one_before_it_and_keeps_the_device() {
    // CMP-17, DEV-06, TOK-13, TRP-09: deleting the device would delete its keys.
    for (first, second) in [("compat", "compat"), ("compat", "oauth"), ("oauth", "compat")] {
        let (homeserver, server) = server_with_alice().await;
        server.user("bob").await;
        let of_bob = server.legacy_session("bob", DEVICE).await;
        let elsewhere = server.legacy_session("alice", "ELSEWHERE1").await;
        let old = sign_in(&server, first, "alice").await;
        assert!(server.is_active(&old.access).await);
        let new = sign_in(&server, second, "alice").await;
        assert!(!server.is_active(&old.access).await, "{first} {second}");
        assert_ne!(refresh(&server, first, &old).await, 200, "{first} {second}");
        assert!(server.is_active(&new.access).await, "what the old one still tried harms nobody");
        assert_eq!(refresh(&server, second, &new).await, 200);
        assert!(server.is_active(&elsewhere.access).await && server.is_active(&of_bob.access).await);
        eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
        assert!(homeserver.has_device("alice", DEVICE));
        assert_eq!(homeserver.deletions(), 0, "{first} {second}: {:?}", homeserver.calls());
        // The old tokens name a session that is over, and end nothing.
        server.logout(&old.access).await.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
        server.post("oauth2/revoke", &[("token", &old.access)]).await;
        eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
        assert!(homeserver.has_device("alice", DEVICE) && homeserver.deletions() == 0, "{first} {second}");
    }
}

#[tokio::test]
async fn a_homeserver_that_is_down_opens_no_session_and_keeps_no_device() {
    // CMP-18, INV-07
    let (homeserver, server) = server_with_alice().await;
    let known = server.legacy_session("alice", "KNOWN00001").await;
    for is_silent in [true, false] {
        homeserver.set_down(is_silent);
        homeserver.loses_answers.store(!is_silent, Ordering::SeqCst);
        for device in ["KNOWN00001", DEVICE] {
            let answer = server.password_login("alice", json!({ "device_id": device })).await;
            answer.assert_matrix_error(503, "M_UNKNOWN");
            assert!(answer.header("retry-after").unwrap().parse::<u32>().is_ok(), "{:?}", answer.headers);
            assert!(!answer.body.contains("access_token"));
        }
        assert_eq!(live_sessions(&server, "compat").await, 1, "nothing was opened, and nothing was replaced");
        homeserver.set_down(false);
        homeserver.loses_answers.store(false, Ordering::SeqCst);
        eventually("an empty queue", async || {
            server.clock.advance(HOUR);
            waiting_jobs(&server).await == 0
        })
        .await;
        assert!(!homeserver.has_device("alice", DEVICE), "it has no session");
        assert!(homeserver.has_device("alice", "KNOWN00001"), "it has one");
    }
    assert_eq!(server.legacy_refresh(&known.refresh).await.status, 200);
    assert_eq!(server.password_login("alice", json!({ "device_id": DEVICE })).await.status, 200);
    assert!(homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn a_device_that_the_homeserver_refuses_is_refused() {
    // CMP-13: the id of a cross-signing key cannot be a device.
    let (homeserver, server) = server_with_alice().await;
    homeserver.refused_devices.lock().unwrap().insert("a key".to_owned());
    server.password_login("alice", json!({ "device_id": "a key" })).await.assert_matrix_error(403, "M_FORBIDDEN");
    assert_eq!(live_sessions(&server, "compat").await, 0);
    eventually("an empty queue", async || {
        server.clock.advance(HOUR);
        waiting_jobs(&server).await == 0
    })
    .await;
    assert_eq!(server.password_login("alice", json!({ "device_id": DEVICE })).await.status, 200);
}

#[tokio::test]
async fn a_user_whom_the_homeserver_forgot_is_provisioned_again() {
    // HSI-09
    let (homeserver, server) = server_with_alice().await;
    eventually("the first provisioning", async || waiting_jobs(&server).await == 0).await;
    homeserver.users.lock().unwrap().clear();
    server.legacy_session("alice", DEVICE).await;
    assert!(homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn of_twenty_logins_on_one_device_at_once_one_session_lives() {
    // CMP-17, TST-04
    let homeserver = Arc::new(FakeHomeserver::default());
    homeserver.delay.store(2, Ordering::SeqCst);
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    server.user("alice").await;
    let answers = join_all((0..20).map(|_| server.password_login("alice", json!({ "device_id": DEVICE })))).await;
    let mut active = 0;
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
        active += usize::from(server.is_active(answer.json()["access_token"].as_str().unwrap()).await);
    }
    assert_eq!((active, live_sessions(&server, "compat").await), (1, 1));
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    assert!(homeserver.has_device("alice", DEVICE));
    assert_eq!(homeserver.deletions(), 0);
}

#[tokio::test]
async fn logins_and_logouts_of_one_device_at_once_leave_homeserver_and_store_agreed() {
    // DEV-02, TRP-27
    let homeserver = Arc::new(FakeHomeserver::default());
    homeserver.delay.store(3, Ordering::SeqCst);
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    server.user("alice").await;
    let mut token = server.legacy_token("alice", DEVICE).await;
    for round in 0..15 {
        let (logged_out, answer) =
            futures_util::join!(server.logout(&token), server.password_login("alice", json!({ "device_id": DEVICE })));
        assert!(logged_out.status == 200 || logged_out.errcode() == "M_UNKNOWN_TOKEN", "{}", logged_out.body);
        assert_eq!(answer.status, 200, "{round} {}", answer.body);
        token = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert!(server.is_active(&token).await, "{round}");
        assert!(homeserver.has_device("alice", DEVICE), "{round}: a live session has its device");
    }
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    assert!(homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_half_login() {
    // CMP-18: what was begun is carried through, and the lane is free afterwards.
    let (homeserver, server) = server_with_alice().await;
    eventually("the first provisioning", async || waiting_jobs(&server).await == 0).await;
    homeserver.delay.store(2000, Ordering::SeqCst);
    let hurried = async {
        tokio::select! {
            _ = server.password_login("alice", json!({ "device_id": DEVICE })) => panic!("it was to be given up"),
            () = eventually("the device on its way", async || waiting_jobs(&server).await == 1) => {}
        }
    };
    hurried.await;
    eventually("the end of the login", async || live_sessions(&server, "compat").await == 1).await;
    homeserver.delay.store(0, Ordering::SeqCst);
    let again = server.legacy_session("alice", DEVICE).await;
    assert!(server.is_active(&again.access).await && homeserver.has_device("alice", DEVICE));
    assert_eq!(live_sessions(&server, "compat").await, 1);
}

#[tokio::test]
async fn the_session_of_an_older_client_is_on_the_account_page_like_any_other() {
    // CMP-35, DEV-05, WEB-07
    let (_, server) = server_with_alice().await;
    let name = "<script>alert(1)</script>";
    let body = json!({ "device_id": "my device ✨", "initial_device_display_name": name });
    let login = server.http.client.post(server.url(LOGIN)).header("user-agent", "Older/1.0");
    let answer = server.http.send(login.json(&merged(password_login("alice"), body))).await;
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let sql = "SELECT user_agent, last_active_ip FROM sessions WHERE kind = 'compat'";
    let (user_agent, ip) = server.app.db.sql(sql).one::<(String, String)>().await.unwrap();
    assert_eq!((user_agent.as_str(), ip.as_str()), ("Older/1.0", "127.0.0.1"));
    let browser = server.browser();
    browser.sign_in("alice").await;
    let page = browser.get("account/devices").await;
    page.assert_page(200, "my device ✨");
    assert!(page.body.contains("alert(1)") && !page.body.contains("<script"), "{}", page.body);
    assert_eq!(server.logout(&token).await.status, 200);
    assert!(!browser.get("account/devices").await.body.contains("my device"), "it has ended");
}

#[tokio::test]
async fn without_a_homeserver_there_is_a_session_all_the_same() {
    // `matrix.kind: none`
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.legacy_session("alice", DEVICE).await;
    let device = &server.introspect_with_device(&tokens.access).await["device_id"];
    assert_eq!(device, DEVICE);
    assert_eq!(server.logout(&tokens.access).await.status, 200);
    assert!(!server.is_active(&tokens.access).await);
}
