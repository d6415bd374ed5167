//! A limit is no weapon: whoever knows a name keeps its owner out of no browser that signed in before (RTL-04), and learns
//! nothing about whose name it is (RTL-05).

use futures_util::future::join_all;
use keymaker::{
    clock::{DAY, MINUTE, SECOND},
    flows::{clean_up::clean_up, limit::Limiter},
};

use crate::support::{PASSWORD, Server, Setup, http::Answer, person::Person};

/// Five wrong passwords at once, and one in 500 seconds.
async fn server() -> Server {
    let limit = "{ burst: 5, per_second: 0.002 }";
    let server = Setup::default().limit(Limiter::PasswordByAccount, limit).start().await;
    server.user("alice").await;
    server
}

async fn enter(browser: &Person, name: &str, password: &str) -> Answer {
    let page = browser.get("login?switch=1").await;
    browser.submit(&page, &[("username", name), ("password", password)]).await
}

/// Guesses from so many addresses at once, and gives how many guesses were looked at.
async fn attack(server: &Server, name: &str, addresses: usize) -> usize {
    let guess = async |i: usize| {
        let answer = enter(&server.browser().at(&format!("198.51.100.{i}")), name, "a wrong guess").await;
        assert!(matches!(answer.status, 401 | 429), "{}", answer.body);
        answer.status == 401
    };
    join_all((0..addresses).map(guess)).await.into_iter().filter(|looked| *looked).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_from_everywhere_do_not_keep_the_owner_out_of_a_browser_that_is_known() {
    // RTL-04
    let server = server().await;
    let (known, unknown) = (server.browser().at("203.0.113.1"), server.browser().at("203.0.113.2"));
    known.sign_in("alice").await;
    assert_eq!(attack(&server, "alice", 30).await, 5);

    let refused = enter(&unknown, "alice", PASSWORD).await;
    refused.assert_page(429, "There were too many attempts.");
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(wait <= 15 * MINUTE / SECOND, "{wait}");
    let (_, answer) = tokio::join!(attack(&server, "alice", 10), enter(&known, "alice", PASSWORD));
    assert_eq!(answer.status, 303, "{}", answer.body);

    // What is typed there counts by itself.
    for _ in 0..5 {
        assert_eq!(enter(&known, "alice", "a slip").await.status, 401);
    }
    let refused = enter(&known, "alice", PASSWORD).await;
    assert_eq!(refused.status, 429);
    let wait: i64 = refused.header("retry-after").unwrap().parse().unwrap();
    server.pass(wait * SECOND).await;
    assert_eq!(enter(&known, "alice", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_browser_is_known_to_the_accounts_that_signed_in_there_and_to_no_other_and_not_for_ever() {
    // RTL-04
    let server = server().await;
    server.user("bob").await;
    let browser = server.browser();
    browser.sign_in("bob").await;
    assert_eq!(attack(&server, "alice", 6).await, 5);
    assert_eq!(enter(&browser, "alice", PASSWORD).await.status, 429);

    server.pass(91 * DAY).await;
    assert_eq!(attack(&server, "bob", 6).await, 5);
    assert_eq!(enter(&browser, "bob", PASSWORD).await.status, 429);
    clean_up(&server.app).await.unwrap();
    let sql = "SELECT COUNT(*) FROM known_browsers";
    assert_eq!(server.app.db.sql(sql).one::<(i64,)>().await.unwrap().0, 0);
}

#[tokio::test]
async fn nobodys_name_is_refused_as_somebodys_is() {
    // RTL-05
    let server = server().await;
    let pages = async |name: &str| {
        let browser = server.browser();
        let mut pages = Vec::new();
        for _ in 0..6 {
            let answer = enter(&browser, name, "a wrong guess").await;
            let retry_after = answer.header("retry-after").map(str::to_owned);
            pages.push((answer.status, retry_after.is_some(), answer.body.contains("Try again in")));
        }
        pages
    };
    let (somebody, nobody) = (pages("alice").await, pages("nobody").await);
    assert_eq!(somebody, nobody);
    assert_eq!(somebody[5], (429, true, true));
    // However it is spelt, it is one name.
    assert_eq!(enter(&server.browser(), " @Alice:localhost", PASSWORD).await.status, 429);
}
