//! Tokens that another server issued before the accounts moved here: they are known by their hash alone, and are
//! otherwise tokens like any other (REF-12, CMN-08).

use keymaker::{
    crypto::secret::sha256,
    domain::{id::UserId, time::MINUTE},
};
use serde_json::json;

use crate::support::{Server, http::Answer};

const ACCESS: &str = "syt_YWxpY2U_AAAAAAAAAAAAAAAAAAAA_1a2b3c";
const REFRESH: &str = "syr_YWxpY2U_BBBBBBBBBBBBBBBBBBBB_4d5e6f";
const MACAROON: &str = "MDAxNmxvY2F0aW9uIGhzLnRlc3QKMDAxM2lkZW50aWZpZXIga2V5CjAwMTBjaWQgZ2VuID0gMQo";

/// Gives alice a session as an import writes one: with these tokens.
async fn imported_session(server: &Server, id: &str, tokens: &[(&str, &str, Option<i64>)]) {
    let user: (UserId,) =
        server.app.db.sql("SELECT id FROM users WHERE username = $1").bind("alice").one().await.unwrap();
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql(
        "INSERT INTO sessions (id, kind, user_id, family_hash, scope, device_id, created_at, last_active_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(id)
    .bind("compat")
    .bind(&user.0)
    .bind(sha256(format!("imported {id}").as_bytes()))
    .bind("urn:matrix:client:api:*")
    .bind("OLD DEVICE")
    .bind(server.clock.now())
    .execute()
    .await
    .unwrap();
    for (kind, token, expires_at) in tokens {
        tx.sql(
            "INSERT INTO tokens (id, session_id, kind, secret_hash, created_at, expires_at, is_imported)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(format!("{id} {kind} {token}"))
        .bind(id)
        .bind(*kind)
        .bind(sha256(token.as_bytes()))
        .bind(server.clock.now())
        .bind(*expires_at)
        .bind(true)
        .execute()
        .await
        .unwrap();
    }
    tx.commit().await.unwrap();
}

async fn server_with_alice() -> Server {
    let server = Server::start().await;
    server.user("alice").await;
    server
}

async fn refresh(server: &Server, token: &str) -> Answer {
    server.http.post_json("_matrix/client/v3/refresh", &json!({ "refresh_token": token })).await
}

fn pair(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

async fn logout(server: &Server, token: &str) -> Answer {
    server.http.send(server.http.client.post(server.url("_matrix/client/v3/logout")).bearer_auth(token)).await
}

#[tokio::test]
async fn an_access_token_of_another_server_is_good_until_its_session_ends() {
    let server = server_with_alice().await;
    imported_session(&server, "S1", &[("access", ACCESS, None), ("access", MACAROON, None)]).await;
    for token in [ACCESS, MACAROON] {
        let introspection = server.introspect(token).await;
        assert_eq!((&introspection["active"], &introspection["username"]), (&json!(true), &json!("alice")));
        assert_eq!(introspection.get("expires_in"), None, "it never expires");
    }
    // A token is what it is presented as, and nothing near it is.
    for token in [&ACCESS[..ACCESS.len() - 1], &ACCESS.to_lowercase(), REFRESH] {
        assert!(!server.is_active(token).await, "{token}");
    }
    assert_eq!(refresh(&server, ACCESS).await.status, 401, "INV-02");
    assert_eq!(logout(&server, ACCESS).await.status, 200);
    assert!(!server.is_active(ACCESS).await && !server.is_active(MACAROON).await);
    assert_eq!(logout(&server, MACAROON).await.status, 401);
}

#[tokio::test]
async fn a_refresh_token_of_another_server_is_exchanged_and_its_replay_is_caught_however_late() {
    // INV-04: the same pair while it is unused, and the end of the session afterwards.
    for refreshes_meanwhile in [0, 1, 4] {
        let server = server_with_alice().await;
        let end = server.clock.now() + 5 * MINUTE;
        imported_session(&server, "S1", &[("access", ACCESS, Some(end)), ("refresh", REFRESH, None)]).await;
        assert!(server.is_active(ACCESS).await);

        let first = pair(&refresh(&server, REFRESH).await);
        assert_eq!(pair(&refresh(&server, REFRESH).await), first, "a lost response");
        assert!(!server.is_active(ACCESS).await, "DEC-16: the one before is over");
        let mut newest = first;
        for _ in 0..refreshes_meanwhile {
            newest = pair(&refresh(&server, &newest.1).await);
        }
        assert!(server.is_active(&newest.0).await);
        server.clock.advance(2 * MINUTE);

        let replay = refresh(&server, REFRESH).await;
        assert_eq!((replay.status, &replay.json()["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")));
        assert!(!server.is_active(&newest.0).await, "the session is over after {refreshes_meanwhile} refreshes");
        assert_eq!(refresh(&server, &newest.1).await.status, 401);
    }
}

#[tokio::test]
async fn many_who_refresh_at_once_with_a_token_of_another_server_get_one_pair() {
    let server = server_with_alice().await;
    imported_session(&server, "S1", &[("refresh", REFRESH, None)]).await;
    let answers = futures_util::future::join_all((0..20).map(|_| refresh(&server, REFRESH))).await;
    let pairs: std::collections::BTreeSet<_> = answers.iter().map(pair).collect();
    assert_eq!(pairs.len(), 1);
}

#[tokio::test]
async fn a_superseded_or_expired_token_of_another_server_still_logs_out() {
    // LGO-01, REV-03
    for how in ["logout", "revoke by access token", "revoke by refresh token"] {
        let server = server_with_alice().await;
        let end = server.clock.now() + MINUTE;
        imported_session(&server, "S1", &[("access", ACCESS, Some(end)), ("refresh", REFRESH, None)]).await;
        let (access, _) = pair(&refresh(&server, REFRESH).await);
        server.clock.advance(2 * MINUTE);
        let answer = match how {
            "logout" => logout(&server, ACCESS).await,
            "revoke by access token" => server.post("oauth2/revoke", &[("token", ACCESS)]).await,
            _ => server.post("oauth2/revoke", &[("token", REFRESH)]).await,
        };
        assert_eq!(answer.status, 200, "{how}");
        assert!(!server.is_active(&access).await, "{how}");
    }
}

#[tokio::test]
async fn an_expired_refresh_token_of_another_server_asks_for_a_new_login_on_the_same_device() {
    // CMP-33, DEV-08
    let server = server_with_alice().await;
    let end = server.clock.now() + MINUTE;
    imported_session(&server, "S1", &[("access", ACCESS, None), ("refresh", REFRESH, Some(end))]).await;
    server.clock.advance(2 * MINUTE);
    let answer = refresh(&server, REFRESH).await;
    assert_eq!((answer.status, &answer.json()["soft_logout"]), (401, &json!(true)));
    assert!(server.is_active(ACCESS).await, "the session lives on");
}
