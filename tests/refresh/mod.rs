//! Refreshing (INV-04; spec area 5): idempotent, one live branch, and a replay ends the session.

mod imported;
mod model;

use futures_util::future::join_all;
use keymaker::{
    clock::{HOUR, SECOND},
    flows::manage::set_locked,
};

use crate::support::{MATRIX_SCOPE, Server, Tokens};

/// Counts the refresh tokens that could still be exchanged.
async fn live_branches(server: &Server) -> i64 {
    let (count,): (i64,) = server
        .app
        .db
        .sql("SELECT COUNT(*) FROM tokens WHERE kind = 'refresh' AND consumed_at IS NULL")
        .one()
        .await
        .unwrap();
    count
}

async fn refreshed(server: &Server, tokens: &Tokens) -> Tokens {
    let answer = server.refresh(tokens).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    Tokens::of(&answer, &tokens.client_id)
}

#[tokio::test]
async fn a_refresh_gives_a_new_pair_and_revokes_the_old_access_token() {
    // REF-01, DEC-16
    let server = Server::start().await;
    server.user("alice").await;
    let first = server.log_in("alice", MATRIX_SCOPE).await;
    assert!(server.is_active(&first.access).await);
    let answer = server.refresh(&first).await;
    let second = Tokens::of(&answer, &first.client_id);
    assert_eq!(answer.json()["scope"], MATRIX_SCOPE);
    assert_eq!((answer.header("cache-control"), answer.json()["expires_in"].as_i64()), (Some("no-store"), Some(300)));
    assert_ne!((&first.access, &first.refresh), (&second.access, &second.refresh));
    assert!(!server.is_active(&first.access).await);
    assert!(server.is_active(&second.access).await);
}

#[tokio::test]
async fn a_lost_response_is_repeated_for_as_long_as_the_pair_is_unused() {
    // REF-02, INV-04
    let server = Server::start().await;
    server.user("alice").await;
    let first = server.log_in("alice", MATRIX_SCOPE).await;
    let second = refreshed(&server, &first).await;
    for pause in [0, 61 * SECOND, 10 * HOUR] {
        server.clock.advance(pause);
        let answer = server.refresh(&first).await;
        let again = Tokens::of(&answer, &first.client_id);
        assert_eq!((&again.access, &again.refresh), (&second.access, &second.refresh));
        // A token that is delivered now lives its full time from now.
        assert_eq!(answer.json()["expires_in"], 300);
        assert_eq!(live_branches(&server).await, 1);
    }
    assert!(server.is_active(&second.access).await);
}

#[tokio::test]
async fn two_processes_of_one_client_share_a_pair_for_a_minute() {
    // INV-04, REF-03
    let server = Server::start().await;
    server.user("alice").await;
    let first = server.log_in("alice", MATRIX_SCOPE).await;
    let second = refreshed(&server, &first).await;
    assert!(server.is_active(&second.access).await, "the first process uses it");
    server.clock.advance(58 * SECOND);
    let again = refreshed(&server, &first).await;
    assert_eq!((&again.access, &again.refresh), (&second.access, &second.refresh));
    server.clock.advance(3 * SECOND);
    server.refresh(&first).await.assert_error(400, "invalid_grant");
    assert!(!server.is_active(&second.access).await, "the replay ended the session");
    server.refresh(&second).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_superseded_refresh_token_ends_the_session_once_its_successor_was_exchanged() {
    // INV-04, REF-06: also within the minute, and also after the rows of old generations are gone (INV-15).
    for generations in [2, 3, 6] {
        let server = Server::start().await;
        server.user("alice").await;
        let first = server.log_in("alice", MATRIX_SCOPE).await;
        let mut last = first.clone();
        for _ in 0..generations {
            last = refreshed(&server, &last).await;
        }
        assert!(server.is_active(&last.access).await);
        server.refresh(&first).await.assert_error(400, "invalid_grant");
        assert!(!server.is_active(&last.access).await, "{generations}");
        server.refresh(&last).await.assert_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn the_token_table_does_not_grow_with_the_age_of_a_session() {
    // INV-13
    let server = Server::start().await;
    server.user("alice").await;
    let mut tokens = server.log_in("alice", MATRIX_SCOPE).await;
    for _ in 0..20 {
        tokens = refreshed(&server, &tokens).await;
    }
    let (rows,): (i64,) = server.app.db.sql("SELECT COUNT(*) FROM tokens WHERE kind <> 'cookie'").one().await.unwrap();
    assert_eq!(rows, 3, "the token just exchanged, and the pair it gave");
}

#[tokio::test]
async fn another_clients_refresh_token_is_unknown_and_nothing_happens() {
    // REF-07
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    let other = server
        .register(serde_json::json!({
            "client_uri": "https://other.example.org/", "redirect_uris": ["https://other.example.org/cb"],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await;
    let second = refreshed(&server, &tokens).await;
    let third = refreshed(&server, &second).await;
    for token in [&tokens.refresh, &second.refresh, &third.refresh] {
        server.refresh_with(&other, token).await.assert_error(400, "invalid_grant");
    }
    assert!(server.is_active(&third.access).await);
    assert_eq!(server.refresh(&third).await.status, 200);
}

#[tokio::test]
async fn only_a_refresh_token_is_a_refresh_token() {
    // CMN-20, INV-02
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    for wrong in [tokens.access.as_str(), "", "kmr_", "garbage", &"x".repeat(5000)] {
        let answer = server.refresh_with(&tokens.client_id, wrong).await;
        assert_eq!(answer.status, 400, "{wrong}");
    }
    assert_eq!(server.refresh(&tokens).await.status, 200);
}

#[tokio::test]
async fn a_locked_user_goes_on_refreshing_and_a_deactivated_one_does_not() {
    // REF-09, DEV-12, TRP-10
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    set_locked(&server.app, "alice", true).await.unwrap();
    let tokens = refreshed(&server, &tokens).await;
    set_locked(&server.app, "alice", false).await.unwrap();
    assert!(server.is_active(&tokens.access).await);
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE users SET deactivated_at = $1").bind(server.clock.now()).execute().await.unwrap();
    tx.commit().await.unwrap();
    server.refresh(&tokens).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_may_ask_for_less_and_never_for_more() {
    // REF-07, RFC 6749 §6
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", "openid profile").await;
    let narrowed = |scope: &'static str, token: String, client_id: String| {
        let http = server.http.clone();
        async move {
            let form = [
                ("grant_type", "refresh_token"),
                ("client_id", client_id.as_str()),
                ("refresh_token", token.as_str()),
                ("scope", scope),
            ];
            http.post("oauth2/token", &form).await
        }
    };
    narrowed("openid email", tokens.refresh.clone(), tokens.client_id.clone()).await.assert_error(400, "invalid_scope");
    // What is left has to stand on its own: an API token without its device would outlive the logout (SCP-02).
    let matrix = server.log_in("alice", MATRIX_SCOPE).await;
    for part in ["urn:matrix:client:api:*", "urn:matrix:client:device:ABCDEFGHIJ"] {
        narrowed(part, matrix.refresh.clone(), matrix.client_id.clone()).await.assert_error(400, "invalid_scope");
    }
    let less = narrowed("openid", tokens.refresh.clone(), tokens.client_id.clone()).await;
    assert_eq!((less.status, &less.json()["scope"]), (200, &serde_json::json!("openid")));
    let less = Tokens::of(&less, &tokens.client_id);
    assert_eq!(server.introspect(&less.access).await["scope"], "openid");
    let full = server.refresh(&less).await;
    assert_eq!(full.json()["scope"], "openid profile", "the refresh token never shrinks");
    assert!(full.json()["id_token"].is_string(), "REF-11");
}

#[tokio::test]
async fn fifty_parallel_refreshes_of_one_token_give_one_pair() {
    // INV-04, REF-05, TST-04
    let server = Server::start().await;
    server.user("alice").await;
    let mut tokens = server.log_in("alice", MATRIX_SCOPE).await;
    for _ in 0..4 {
        let answers = join_all((0..50).map(|_| server.refresh(&tokens))).await;
        let pairs: Vec<(String, String)> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, 200, "{}", answer.body);
                let tokens = Tokens::of(answer, &tokens.client_id);
                (tokens.access, tokens.refresh)
            })
            .collect();
        assert!(pairs.windows(2).all(|pair| pair[0] == pair[1]), "every answer carries the same pair");
        assert_eq!(live_branches(&server).await, 1);
        tokens = Tokens::of(&answers[0], &tokens.client_id);
        assert!(server.is_active(&tokens.access).await);
    }
}

#[tokio::test]
async fn a_storm_of_refreshes_and_revocations_ends_with_a_dead_session_and_no_error_of_ours() {
    // INV-05, INV-07: nothing is minted for a session that ends at the same moment.
    let server = Server::start().await;
    server.user("alice").await;
    for _ in 0..5 {
        let tokens = server.log_in("alice", MATRIX_SCOPE).await;
        let refreshes = (0..10).map(|_| async { server.refresh(&tokens).await });
        let revocation = async { server.post("oauth2/revoke", &[("token", tokens.access.as_str())]).await };
        let (answers, revoked) = futures_util::join!(join_all(refreshes), revocation);
        assert_eq!(revoked.status, 200);
        for answer in answers {
            assert!(answer.status == 200 || answer.error() == "invalid_grant", "{} {}", answer.status, answer.body);
            if answer.status == 200 {
                let pair = Tokens::of(&answer, &tokens.client_id);
                assert!(!server.is_active(&pair.access).await);
            }
        }
        assert_eq!(live_branches(&server).await, 0);
    }
}
