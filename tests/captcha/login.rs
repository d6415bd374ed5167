//! Signing in asks for a CAPTCHA after wrong passwords, by name and by address (RTL-06); it keeps nobody out (RTL-04).

use futures_util::future::join_all;
use keymaker::clock::{HOUR, MINUTE};

use super::{FAILED, NEEDED, UNAVAILABLE};
use crate::support::{
    PASSWORD, Server,
    captcha::{Behaviour, CaptchaService, work},
    http::Answer,
    person::Person,
};

const WRONG: &str = "The username or the password is wrong";

async fn start() -> Server {
    let server = Server::setup().proof_of_work().with("account.login_with_email_allowed", "true").start().await;
    server.user_with_address("alice", "alice@example.org").await;
    server.user("bob").await;
    server
}

/// Signs in on a page that was opened before, with or without the work that it asks for.
async fn send(browser: &Person, page: &Answer, name: &str, password: &str, is_worked: bool) -> Answer {
    let (challenge, solution) = if is_worked { work(page) } else { Default::default() };
    let form = [
        ("username", name),
        ("password", password),
        ("captcha_challenge", challenge.as_str()),
        ("captcha_solution", solution.as_str()),
    ];
    browser.submit(page, &form).await
}

async fn sign_in(server: &Server, name: &str, password: &str) -> Answer {
    let browser = server.browser();
    let page = browser.get("login").await;
    send(&browser, &page, name, password, false).await
}

#[tokio::test]
async fn after_three_wrong_passwords_a_name_is_guessed_only_with_work() {
    // RTL-05, RTL-06
    let server = start().await;
    for name in ["alice", "nobody"] {
        let browser = server.browser();
        for attempt in 1..=3 {
            let page = browser.get("login").await;
            assert!(!page.body.contains("captcha"), "{name} {attempt}");
            let answer = send(&browser, &page, name, "wrong", false).await;
            answer.assert_page(401, WRONG);
            assert_eq!(answer.body.contains("captcha_challenge"), attempt == 3, "{name} {attempt}");
        }
        // Also the right password of somebody is not looked at without it, in whatever browser.
        let refused = sign_in(&server, name, PASSWORD).await;
        refused.assert_page(422, NEEDED);
        assert!(refused.body.contains(&format!("value=\"{name}\"")), "the name stays");
        assert!(!refused.body.contains(PASSWORD));
        let page = browser.get("login").await;
        assert!(!page.body.contains("captcha"), "nobody knows yet whose name it will be");
    }
    let browser = server.browser();
    let page = browser.get("login").await;
    let page = send(&browser, &page, "alice", PASSWORD, false).await;
    let wrong = send(&browser, &page, "alice", "wrong", true).await;
    wrong.assert_page(401, WRONG);
    send(&browser, &page, "alice", PASSWORD, false).await.assert_page(422, NEEDED);
    let (challenge, solution) = work(&wrong);
    let form = [
        ("username", "alice"),
        ("password", PASSWORD),
        ("captcha_challenge", &*challenge),
        ("captcha_solution", &*solution),
    ];
    assert_eq!(browser.submit(&wrong, &form).await.location(), "/account/");
    browser.submit(&wrong, &form).await.assert_page(422, FAILED);
    // Somebody else is not asked.
    assert_eq!(sign_in(&server, "bob", PASSWORD).await.location(), "/account/");
}

#[tokio::test]
async fn every_spelling_of_a_name_counts_for_it() {
    // RTL-06
    let server = start().await;
    for name in ["Alice", "@alice:localhost", " alice "] {
        sign_in(&server, name, "wrong").await.assert_page(401, WRONG);
    }
    sign_in(&server, "alice", "wrong").await.assert_page(422, NEEDED);
    sign_in(&server, "ALICE", PASSWORD).await.assert_page(422, NEEDED);
    for name in ["alice@example.org", "Alice@Example.Org", "alice@EXAMPLE.org"] {
        sign_in(&server, name, "wrong").await.assert_page(401, WRONG);
    }
    sign_in(&server, "alice@example.org", PASSWORD).await.assert_page(422, NEEDED);
}

#[tokio::test]
async fn right_passwords_count_for_nothing_and_an_hour_forgets_the_wrong_ones() {
    // RTL-04, RTL-06
    let server = start().await;
    for _ in 0..20 {
        assert_eq!(sign_in(&server, "alice", PASSWORD).await.location(), "/account/");
    }
    for _ in 0..3 {
        sign_in(&server, "alice", "wrong").await.assert_page(401, WRONG);
    }
    sign_in(&server, "alice", PASSWORD).await.assert_page(422, NEEDED);
    // One more is free every twenty minutes, and what is refused costs nothing of it.
    server.clock.advance(20 * MINUTE);
    sign_in(&server, "alice", "wrong").await.assert_page(401, WRONG);
    sign_in(&server, "alice", "wrong").await.assert_page(422, NEEDED);
    server.clock.advance(HOUR);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    for _ in 0..3 {
        sign_in(&server, "alice", "wrong").await.assert_page(401, WRONG);
    }
    sign_in(&server, "alice", PASSWORD).await.assert_page(422, NEEDED);
}

#[tokio::test]
async fn an_address_that_tries_many_names_is_asked_before_it_types_one() {
    // RTL-06
    let server = start().await;
    for number in 0..15 {
        assert!(!server.browser().get("login").await.body.contains("captcha"));
        sign_in(&server, &format!("somebody{number}"), "wrong").await.assert_page(401, WRONG);
    }
    let browser = server.browser();
    let page = browser.get("login").await;
    assert!(page.body.contains("captcha_challenge"), "{}", page.body);
    send(&browser, &page, "bob", PASSWORD, false).await.assert_page(422, NEEDED);
    assert_eq!(send(&browser, &page, "bob", PASSWORD, true).await.location(), "/account/");
}

#[tokio::test]
async fn so_many_guesses_at_once_are_not_all_the_first() {
    // RTL-06, TST-04
    let server = start().await;
    let browser = server.browser();
    let page = browser.get("login").await;
    let answers = join_all((0..20).map(|_| send(&browser, &page, "alice", "wrong", false))).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(401), count(422)), (3, 17));
}

#[tokio::test]
async fn a_service_that_is_down_lets_nobody_guess_on_and_says_so() {
    // INV-07, RTL-06
    let service = CaptchaService::start().await;
    let server = Server::setup().captcha("hcaptcha", &service).with("captcha.login_after_failures", "1").start().await;
    server.user("alice").await;
    let browser = server.browser();
    let login = async |response: &str| {
        let page = browser.get("login").await;
        browser.submit(&page, &[("username", "alice"), ("password", PASSWORD), ("h-captcha-response", response)]).await
    };
    sign_in(&server, "alice", "wrong").await.assert_page(401, WRONG);
    service.does(Behaviour::Status(502, String::new()));
    login("a token").await.assert_page(503, UNAVAILABLE);
    service.does(Behaviour::yes("login"));
    assert_eq!(login("a token").await.location(), "/account/");
}
