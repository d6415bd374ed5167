//! Login tokens (CMP-16, TRP-34): what the way through the browser gives, and what becomes of it.

use futures_util::future::join_all;
use keymaker::{
    clock::SECOND,
    crypto::secret::{Kind, Secret},
    flows::manage,
};
use serde_json::json;

use super::{DEVICE, live_sessions, server_with_alice};
use crate::support::{
    Server, Tokens,
    compat::{merged, token_login},
    eventually,
    http::Answer,
    person::Person,
};

async fn signed_in(server: &Server) -> Person {
    let browser = server.browser();
    browser.sign_in("alice").await;
    browser
}

/// Exchanges a login token on `DEVICE`.
async fn exchange(server: &Server, login_token: &str) -> Answer {
    let more = json!({ "device_id": DEVICE, "refresh_token": true });
    server.legacy_login(merged(token_login(login_token), more)).await
}

#[tokio::test]
async fn a_login_token_is_exchanged_for_a_session_once() {
    // CMP-16, INV-01
    let (homeserver, server) = server_with_alice().await;
    let token = signed_in(&server).await.login_token().await;
    assert!(Secret::parse(Kind::LoginToken, &token).is_some(), "CMN-20: scanners find it by its prefix");
    let more = json!({ "device_id": DEVICE, "initial_device_display_name": "Her phone", "refresh_token": true });
    let answer = server.legacy_login(merged(token_login(&token), more)).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.body);
    let body = answer.json();
    assert_eq!((&body["user_id"], &body["device_id"]), (&json!("@alice:hs.test"), &json!(DEVICE)));
    assert_eq!(body["expires_in_ms"], 300_000);
    assert_eq!(homeserver.device_name("alice", DEVICE).as_deref(), Some("Her phone"));
    let tokens = Tokens::of(&answer, "legacy");
    assert!(server.is_active(&tokens.access).await);
    // A lost response is tried again at once: that is refused, and costs nobody a session.
    exchange(&server, &token).await.assert_matrix_error(403, "M_FORBIDDEN");
    server.clock.advance(20 * SECOND);
    exchange(&server, &token).await.assert_matrix_error(403, "M_FORBIDDEN");
    assert!(server.is_active(&tokens.access).await);
    assert_eq!(server.legacy_refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn a_login_token_lives_for_thirty_seconds() {
    // CMP-16, TRP-34, INV-15
    let (homeserver, server) = server_with_alice().await;
    let browser = signed_in(&server).await;
    for (wait, status) in [(20 * SECOND, 200), (31 * SECOND, 403)] {
        let token = browser.login_token().await;
        server.clock.advance(wait);
        let answer = exchange(&server, &token).await;
        assert_eq!(answer.status, status, "{}", answer.body);
        if status == 403 {
            answer.assert_matrix_error(403, "M_FORBIDDEN");
            assert_eq!(live_sessions(&server, "compat").await, 1, "the session before it goes on");
        }
    }
    assert_eq!(homeserver.deletions(), 0);
}

#[tokio::test]
async fn of_twenty_exchanges_at_once_one_succeeds() {
    // INV-01, TST-04: also where no homeserver makes them wait for each other
    let (homeserver, with_homeserver) = server_with_alice().await;
    let without = Server::start().await;
    without.user("alice").await;
    for server in [&with_homeserver, &without] {
        let browser = signed_in(server).await;
        for round in 1..4 {
            let token = browser.login_token().await;
            // On devices of their own, so that nothing but the token decides.
            let answers = join_all((0..20).map(|_| server.legacy_login(token_login(&token)))).await;
            let (won, lost): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 200);
            assert_eq!((won.len(), lost.len()), (1, 19), "{answers:?}");
            lost.iter().for_each(|answer| answer.assert_matrix_error(403, "M_FORBIDDEN"));
            assert!(server.is_active(won[0].json()["access_token"].as_str().unwrap()).await);
            assert_eq!(live_sessions(server, "compat").await, round);
        }
    }
    eventually("the end of the devices of those who lost", async || {
        with_homeserver.clock.advance(SECOND);
        homeserver.devices.lock().unwrap().len() == 3
    })
    .await;
}

#[tokio::test]
async fn a_login_token_that_comes_again_later_ends_the_session_that_it_made() {
    // CMP-16: by then it is a theft and no lost response.
    let (homeserver, server) = server_with_alice().await;
    let browser = signed_in(&server).await;
    let token = browser.login_token().await;
    let tokens = Tokens::of(&exchange(&server, &token).await, "legacy");
    let other = server.legacy_session("alice", "ANOTHER001").await;
    server.clock.advance(31 * SECOND);
    for _ in 0..2 {
        exchange(&server, &token).await.assert_matrix_error(403, "M_FORBIDDEN");
        assert!(!server.is_active(&tokens.access).await);
        server.legacy_refresh(&tokens.refresh).await.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
        eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
        assert!(server.is_active(&other.access).await && homeserver.has_device("alice", "ANOTHER001"));
    }
    assert_eq!(browser.get("account/").await.status, 200, "the browser stays signed in");

    // Whoever signed in anew on that device meanwhile is not the one whom it names.
    let token = browser.login_token().await;
    let first = Tokens::of(&exchange(&server, &token).await, "legacy");
    let second = server.legacy_session("alice", DEVICE).await;
    server.clock.advance(31 * SECOND);
    exchange(&server, &token).await.assert_matrix_error(403, "M_FORBIDDEN");
    assert!(!server.is_active(&first.access).await && server.is_active(&second.access).await);
    assert!(homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn a_login_token_counts_only_while_the_browser_is_signed_in() {
    // CMP-16, INV-05
    let (_, server) = server_with_alice().await;
    server.user("bob").await;
    let signed_out = signed_in(&server).await;
    let token_of_signed_out = signed_out.login_token().await;
    let page = signed_out.get("logout").await;
    assert_eq!(signed_out.submit(&page, &[]).await.status, 200);

    let switched = signed_in(&server).await;
    let token_of_switched = switched.login_token().await;
    let page = switched.get("login?switch=1").await;
    let answer = switched.submit(&page, &[("username", "bob"), ("password", crate::support::PASSWORD)]).await;
    assert_eq!(answer.status, 303);

    let killed = signed_in(&server).await;
    let token_of_killed = killed.login_token().await;
    manage::kill_sessions(&server.app, "alice", false).await.unwrap();

    for token in [token_of_signed_out, token_of_switched, token_of_killed] {
        exchange(&server, &token).await.assert_matrix_error(403, "M_FORBIDDEN");
    }
    assert_eq!(live_sessions(&server, "compat").await, 0);
}

#[tokio::test]
async fn a_login_token_is_worth_what_its_account_is_worth() {
    // CMP-16, DEV-12, DEV-14, INV-05
    let (_, server) = server_with_alice().await;
    let browser = signed_in(&server).await;
    let token = browser.login_token().await;
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    let answer = exchange(&server, &token).await;
    answer.assert_matrix_error(401, "M_USER_LOCKED");
    assert_eq!(answer.json()["soft_logout"], true);
    manage::set_locked(&server.app, "alice", false).await.unwrap();
    assert_eq!(exchange(&server, &token).await.status, 200, "a lock passes and costs nothing");

    let token = browser.login_token().await;
    manage::deactivate(&server.app, "alice", false).await.unwrap();
    let answer = exchange(&server, &token).await;
    assert_eq!(answer.status, 403);
    assert!(["M_USER_DEACTIVATED", "M_FORBIDDEN"].contains(&answer.errcode().as_str()), "{}", answer.body);
    manage::reactivate(&server.app, "alice").await.unwrap();
    exchange(&server, &token).await.assert_matrix_error(403, "M_FORBIDDEN");
    assert_eq!(live_sessions(&server, "compat").await, 0);
}

#[tokio::test]
async fn an_account_that_is_bound_to_the_browser_comes_in_through_it() {
    // CMP-15
    let (_, server) = server_with_alice().await;
    manage::set_browser_login_required(&server.app, "alice", true).await.unwrap();
    server.password_login("alice", json!({})).await.assert_matrix_error(403, "M_FORBIDDEN");
    let token = signed_in(&server).await.login_token().await;
    assert_eq!(exchange(&server, &token).await.status, 200);
}

#[tokio::test]
async fn a_homeserver_that_is_down_costs_nobody_a_login_token() {
    // CMP-18, INV-01: consumed in the transaction of its effect, or not at all
    let (homeserver, server) = server_with_alice().await;
    let token = signed_in(&server).await.login_token().await;
    homeserver.set_down(true);
    exchange(&server, &token).await.assert_matrix_error(503, "M_UNKNOWN");
    homeserver.set_down(false);
    homeserver.refused_devices.lock().unwrap().insert(DEVICE.to_owned());
    exchange(&server, &token).await.assert_matrix_error(403, "M_FORBIDDEN");
    homeserver.refused_devices.lock().unwrap().clear();
    assert_eq!(exchange(&server, &token).await.status, 200);
    assert!(homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn what_is_no_login_token_is_none() {
    // INV-02, CMN-20; the table of all kinds is in tests/kinds.
    let (_, server) = server_with_alice().await;
    let browser = signed_in(&server).await;
    let token = browser.login_token().await;
    let tokens = server.legacy_session("alice", DEVICE).await;
    let unknown = Secret::generate(Kind::LoginToken).expose().to_owned();
    let mut damaged = token.clone();
    damaged.replace_range(20..21, if &damaged[20..21] == "x" { "y" } else { "x" });
    let wrong = [
        unknown,
        damaged,
        token.to_uppercase(),
        format!("{token} "),
        format!("{token}\0"),
        token[..54].to_owned(),
        token.replacen("kml_", "kma_", 1),
        tokens.access.replacen("kma_", "kml_", 1),
        tokens.refresh,
        tokens.access.clone(),
        "k".repeat(50_000),
    ];
    for token in wrong {
        exchange(&server, &token).await.assert_matrix_error(403, "M_FORBIDDEN");
    }
    assert!(server.is_active(&tokens.access).await);
    assert_eq!(exchange(&server, &token).await.status, 200);
}
