//! More passwords at once than can be looked at (INV-08, CMP-13, TRP-05).

use futures_util::future::join_all;
use serde_json::json;

use super::live_sessions;
use crate::support::{Server, compat::token_login};

#[tokio::test(flavor = "multi_thread")]
async fn a_rush_of_passwords_is_told_to_come_back_and_nobody_who_refreshes_is() {
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let mut tokens = server.legacy_session("alice", "ABCDEFGHIJ").await;
    // 64 wait for each thread; the rest is refused.
    let most = std::thread::available_parallelism().unwrap().get() * 64;
    let mut limited = 0;
    for _ in 0..10 {
        let rush = (0..most * 3).map(|_| server.password_login("alice", json!({ "password": "wrong" })));
        let meanwhile = async {
            for _ in 0..10 {
                tokens = server.legacy_refreshed(&tokens).await;
            }
            let token = browser.login_token().await;
            assert_eq!(server.legacy_login(token_login(&token)).await.status, 200, "nothing is hashed for it");
        };
        let (answers, ()) = futures_util::join!(join_all(rush), meanwhile);
        for answer in answers {
            if answer.status != 429 {
                answer.assert_matrix_error(403, "M_FORBIDDEN");
                continue;
            }
            limited += 1;
            answer.assert_matrix_error(429, "M_LIMIT_EXCEEDED");
            let pause = answer.json()["retry_after_ms"].as_u64().unwrap();
            let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!(pause > 0 && seconds == pause.div_ceil(1000), "{pause} {seconds}");
        }
        if limited > 0 {
            break;
        }
    }
    assert!(limited > 0, "the queue was never full");
    assert_eq!(server.password_login("alice", json!({})).await.status, 200, "it recovers");
    assert!(server.is_active(&server.legacy_refreshed(&tokens).await.access).await);
    assert!(live_sessions(&server, "compat").await >= 3);
}
