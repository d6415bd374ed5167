//! `POST /refresh` (12.4, REF-12): the rules of every refresh, in the words of the older API.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use keymaker::{
    clock::{DAY, HOUR, MINUTE, SECOND},
    flows::manage,
};
use serde_json::json;

use super::{DEVICE, live_sessions, server_with_alice};
use crate::support::{MATRIX_SCOPE, Server, Tokens, compat::VERSIONS, eventually, http::Answer};

/// A refusal after which a client that reads it well signs in again and keeps its device, or gives both up.
fn assert_unknown(answer: &Answer, is_soft: bool) {
    answer.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
    assert_eq!(answer.json()["soft_logout"] == true, is_soft, "{}", answer.body);
}

async fn live_branches(server: &Server) -> i64 {
    let sql = "SELECT COUNT(*) FROM tokens WHERE kind = 'refresh' AND consumed_at IS NULL";
    server.app.db.sql(sql).one::<(i64,)>().await.unwrap().0
}

#[tokio::test]
async fn a_refresh_gives_a_new_pair_and_revokes_the_old_access_token() {
    // REF-01, REF-12, TRP-23
    let (homeserver, server) = server_with_alice().await;
    let mut tokens = server.legacy_session("alice", DEVICE).await;
    for version in VERSIONS {
        let body = json!({ "refresh_token": tokens.refresh });
        let answer = server.http.post_json(&format!("/_matrix/client/{version}/refresh"), &body).await;
        assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")), "{}", answer.body);
        let body = answer.json();
        let members: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(Vec::from_iter(members), ["access_token", "expires_in_ms", "refresh_token"]);
        assert_eq!(body["expires_in_ms"], 300_000);
        let new = Tokens::of(&answer, "legacy");
        assert_ne!((&new.access, &new.refresh), (&tokens.access, &tokens.refresh));
        assert!(!server.is_active(&tokens.access).await && server.is_active(&new.access).await);
        assert_eq!(server.introspect_with_device(&new.access).await["device_id"], DEVICE);
        tokens = new;
    }
    server.clock.advance(5 * MINUTE);
    assert!(!server.is_active(&tokens.access).await, "five minutes are over");
    assert!(server.is_active(&server.legacy_refreshed(&tokens).await.access).await);
    assert_eq!((live_branches(&server).await, homeserver.deletions()), (1, 0));
}

#[tokio::test]
async fn a_lost_response_is_repeated_for_as_long_as_the_pair_is_unused() {
    // INV-04, REF-02
    let (_, server) = server_with_alice().await;
    let first = server.legacy_session("alice", DEVICE).await;
    let second = server.legacy_refreshed(&first).await;
    for pause in [0, 61 * SECOND, 10 * HOUR] {
        server.clock.advance(pause);
        let answer = server.legacy_refresh(&first.refresh).await;
        let again = Tokens::of(&answer, "legacy");
        assert_eq!((&again.access, &again.refresh), (&second.access, &second.refresh));
        assert_eq!(answer.json()["expires_in_ms"], 300_000, "it lives its full time from now");
        assert_eq!(live_branches(&server).await, 1);
    }
    assert!(server.is_active(&second.access).await);
}

#[tokio::test]
async fn two_processes_of_one_client_share_a_pair_for_a_minute() {
    // INV-04, REF-03
    let (homeserver, server) = server_with_alice().await;
    let first = server.legacy_session("alice", DEVICE).await;
    let second = server.legacy_refreshed(&first).await;
    assert!(server.is_active(&second.access).await, "the first process uses it");
    server.clock.advance(40 * SECOND);
    let again = server.legacy_refreshed(&first).await;
    assert_eq!((&again.access, &again.refresh), (&second.access, &second.refresh));
    server.clock.advance(21 * SECOND);
    assert_unknown(&server.legacy_refresh(&first.refresh).await, false);
    assert!(!server.is_active(&second.access).await, "the replay ended the session");
    assert_unknown(&server.legacy_refresh(&second.refresh).await, false);
    eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
}

#[tokio::test]
async fn a_replayed_refresh_token_ends_the_session_and_its_device() {
    // INV-04, REF-06: also when its row is long gone
    for generations in [2, 3, 6] {
        let (homeserver, server) = server_with_alice().await;
        let other = server.legacy_session("alice", "ANOTHER001").await;
        let first = server.legacy_session("alice", DEVICE).await;
        let mut last = first.clone();
        for _ in 0..generations {
            last = server.legacy_refreshed(&last).await;
        }
        assert!(server.is_active(&last.access).await);
        assert_unknown(&server.legacy_refresh(&first.refresh).await, false);
        assert!(!server.is_active(&last.access).await, "{generations}");
        assert_unknown(&server.legacy_refresh(&last.refresh).await, false);
        eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
        assert!(server.is_active(&other.access).await && homeserver.has_device("alice", "ANOTHER001"));
        assert_eq!(server.password_login("alice", json!({ "device_id": DEVICE })).await.status, 200);
    }
}

#[tokio::test]
async fn ten_parallel_refreshes_give_one_pair() {
    // INV-04, REF-05, TST-04
    let (_, server) = server_with_alice().await;
    let mut tokens = server.legacy_session("alice", DEVICE).await;
    for _ in 0..5 {
        let answers = join_all((0..10).map(|_| server.legacy_refresh(&tokens.refresh))).await;
        let pairs: BTreeSet<(String, String)> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, 200, "{}", answer.body);
                let tokens = Tokens::of(answer, "legacy");
                (tokens.access, tokens.refresh)
            })
            .collect();
        assert_eq!((pairs.len(), live_branches(&server).await), (1, 1));
        tokens = Tokens::of(&answers[0], "legacy");
        assert!(server.is_active(&tokens.access).await);
    }
}

#[tokio::test]
async fn the_two_ways_to_refresh_do_not_know_each_others_tokens() {
    // REF-07, INV-02: a token that is presented at the wrong place is unknown, and nothing happens to it.
    let (_, server) = server_with_alice().await;
    let oauth = server.log_in("alice", MATRIX_SCOPE).await;
    let legacy = server.legacy_session("alice", "LEGACY0001").await;
    let (oauth2, legacy2) =
        (Tokens::of(&server.refresh(&oauth).await, &oauth.client_id), server.legacy_refreshed(&legacy).await);
    // The superseded ones too, which would end their session where they belong; and those whose row is gone.
    let oauth3 = Tokens::of(&server.refresh(&oauth2).await, &oauth.client_id);
    let legacy3 = server.legacy_refreshed(&legacy2).await;
    for tokens in [&oauth, &oauth2, &oauth3] {
        assert_unknown(&server.legacy_refresh(&tokens.refresh).await, false);
        assert_unknown(&server.legacy_refresh(&tokens.access).await, false);
    }
    for tokens in [&legacy, &legacy2, &legacy3] {
        server.refresh_with(&oauth.client_id, &tokens.refresh).await.assert_error(400, "invalid_grant");
        assert_unknown(&server.legacy_refresh(&tokens.access).await, false);
    }
    assert!(server.is_active(&oauth3.access).await && server.is_active(&legacy3.access).await);
    assert_eq!(
        (server.refresh(&oauth3).await.status, server.legacy_refresh(&legacy3.refresh).await.status),
        (200, 200)
    );
}

#[tokio::test]
async fn a_locked_user_goes_on_refreshing_and_a_deactivated_one_does_not() {
    // REF-09, DEV-08, DEV-12, DEV-14, TRP-10
    let (homeserver, server) = server_with_alice().await;
    let tokens = server.legacy_session("alice", DEVICE).await;
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    let tokens = server.legacy_refreshed(&tokens).await;
    assert!(!server.is_active(&tokens.access).await, "INT-09: Synapse enforces no lock by itself");
    manage::set_locked(&server.app, "alice", false).await.unwrap();
    assert!(server.is_active(&tokens.access).await);
    assert!(homeserver.has_device("alice", DEVICE));
    manage::deactivate(&server.app, "alice", false).await.unwrap();
    assert_unknown(&server.legacy_refresh(&tokens.refresh).await, false);
    manage::reactivate(&server.app, "alice").await.unwrap();
    assert_unknown(&server.legacy_refresh(&tokens.refresh).await, false);
}

#[tokio::test]
async fn an_account_that_is_bound_to_the_browser_keeps_the_sessions_that_it_has() {
    // CMP-15: only new ones are in question.
    let (_, server) = server_with_alice().await;
    let tokens = server.legacy_session("alice", DEVICE).await;
    manage::set_browser_login_required(&server.app, "alice", true).await.unwrap();
    assert!(server.is_active(&server.legacy_refreshed(&tokens).await.access).await);
}

#[tokio::test]
async fn a_refresh_needs_no_homeserver() {
    let (homeserver, server) = server_with_alice().await;
    let tokens = server.legacy_session("alice", DEVICE).await;
    homeserver.set_down(true);
    assert!(server.is_active(&server.legacy_refreshed(&tokens).await.access).await);
}

#[tokio::test]
async fn a_refresh_token_that_rested_for_too_long_asks_for_the_password_and_costs_no_device() {
    // DEV-08, TRP-09: soft logout keeps the keys.
    let homeserver = std::sync::Arc::new(crate::support::homeserver::FakeHomeserver::default());
    let server =
        Server::setup().fake_homeserver(&homeserver).with("compatibility.refresh_token_lifetime", "3600").start().await;
    server.user("alice").await;
    let mut tokens = server.legacy_session("alice", DEVICE).await;
    let oauth = server.log_in("alice", "urn:matrix:client:api:* urn:matrix:client:device:OAUTH00001").await;
    for _ in 0..3 {
        server.clock.advance(50 * MINUTE);
        tokens = server.legacy_refreshed(&tokens).await;
    }
    let older = tokens;
    let tokens = server.legacy_refreshed(&older).await;
    server.clock.advance(61 * MINUTE);
    for presented in [&tokens, &tokens, &older] {
        // The last is a lost response: the pair behind it has rested for as long.
        assert_unknown(&server.legacy_refresh(&presented.refresh).await, true);
    }
    assert_eq!(live_sessions(&server, "compat").await, 1, "the session lives on");
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    assert_unknown(&server.legacy_refresh(&tokens.refresh).await, true);
    assert!(homeserver.has_device("alice", DEVICE));

    let anew = server.legacy_session("alice", DEVICE).await;
    assert!(server.is_active(&server.legacy_refreshed(&anew).await.access).await);
    assert_unknown(&server.legacy_refresh(&tokens.refresh).await, false);
    assert_eq!((live_sessions(&server, "compat").await, homeserver.deletions()), (1, 0));
    assert_eq!(server.refresh(&oauth).await.status, 200, "those of OAuth clients do not expire");
}

#[tokio::test]
async fn a_session_that_rests_can_be_signed_out() {
    // LGO-01, DEV-08
    let homeserver = std::sync::Arc::new(crate::support::homeserver::FakeHomeserver::default());
    let server =
        Server::setup().fake_homeserver(&homeserver).with("compatibility.refresh_token_lifetime", "60").start().await;
    server.user("alice").await;
    let tokens = server.legacy_session("alice", DEVICE).await;
    server.clock.advance(HOUR);
    assert_unknown(&server.legacy_refresh(&tokens.refresh).await, true);
    assert_eq!(server.logout(&tokens.access).await.status, 200);
    assert_unknown(&server.legacy_refresh(&tokens.refresh).await, false);
    eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
}

#[tokio::test]
async fn a_session_that_is_over_with_its_token_leaves_a_day_to_come_back_to_its_device() {
    // DEV-01, DEV-08, INV-15
    let homeserver = std::sync::Arc::new(crate::support::homeserver::FakeHomeserver::default());
    let server =
        Server::setup().fake_homeserver(&homeserver).with("compatibility.access_token_lifetime", "60").start().await;
    server.user("alice").await;
    let (first, second) =
        (server.legacy_token("alice", DEVICE).await, server.legacy_token("alice", "ANOTHER001").await);
    let refreshing = server.legacy_session("alice", "REFRESHING").await;
    server.clock.advance(2 * HOUR);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    assert!(!server.is_active(&first).await && !server.is_active(&second).await);
    assert_eq!(server.password_login("alice", json!({ "device_id": DEVICE })).await.status, 200);
    assert_eq!(homeserver.deletions(), 0);
    server.clock.advance(23 * HOUR);
    assert_eq!(server.password_login("alice", json!({ "device_id": DEVICE })).await.status, 200);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    eventually("the end of the other one", async || !homeserver.has_device("alice", "ANOTHER001")).await;
    assert!(homeserver.has_device("alice", DEVICE) && homeserver.has_device("alice", "REFRESHING"));
    server.logout(&second).await.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
    assert_eq!(server.legacy_refresh(&refreshing.refresh).await.status, 200);
}

#[tokio::test]
async fn what_an_operator_says_of_lifetimes_holds() {
    // CMP-12: without a refresh token an access token has no end, unless the operator gives it one.
    for (setting, seconds) in [(None, None), (Some("60"), Some(60)), (Some("2592000"), Some(2_592_000))] {
        let setup = Server::setup();
        let setup =
            setting.into_iter().fold(setup, |setup, value| setup.with("compatibility.access_token_lifetime", value));
        let server = setup.start().await;
        server.user("alice").await;
        let body = server.password_login("alice", json!({ "device_id": DEVICE })).await.json();
        assert_eq!(body["expires_in_ms"], json!(seconds.map(|seconds: i64| seconds * 1000)));
        assert_eq!(body.get("refresh_token"), None);
        let token = body["access_token"].as_str().unwrap();
        let introspection = server.introspect(token).await;
        let life = introspection["exp"].as_i64().map(|exp| exp - introspection["iat"].as_i64().unwrap());
        assert_eq!(life, seconds);
        let with_refresh = server.legacy_session("alice", "REFRESHING").await;
        let of_pair = server.introspect(&with_refresh.access).await;
        assert_eq!(of_pair["exp"].as_i64().unwrap() - of_pair["iat"].as_i64().unwrap(), 300, "a pair is as ever");

        server.clock.advance(seconds.unwrap_or(3650 * DAY / SECOND) * SECOND);
        keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
        assert_eq!(server.is_active(token).await, seconds.is_none());
        assert_eq!(live_sessions(&server, "compat").await, 2);
        assert_eq!(server.legacy_refresh(&with_refresh.refresh).await.status, 200);
        assert_eq!(server.logout(token).await.status, 200, "LGO-01: an expired token signs out");
    }
}
