//! Work for the browser: for one browser, one page, ten minutes and one time; and no less of it than was asked for.

use futures_util::future::join_all;
use keymaker::{clock::MINUTE, crypto::proof_of_work};

use super::{FAILED, NEEDED, count_links, count_sign_ups};
use crate::support::{
    PASSWORD, Server,
    captcha::{challenge_of, solution, work},
    http::Answer,
    person::Person,
    smtp::SmtpSink,
};

async fn start() -> Server {
    Server::setup().proof_of_work().start().await
}

/// Sends the first form of sign-up with this challenge and this solution.
async fn send(browser: &Person, page: &Answer, name: &str, challenge: &str, solution: &str) -> Answer {
    let form =
        [("username", name), ("password", PASSWORD), ("captcha_challenge", challenge), ("captcha_solution", solution)];
    browser.submit(page, &form).await
}

#[tokio::test]
async fn whoever_does_the_work_signs_up_and_gets_a_mail() {
    // SGN-06
    let sink = SmtpSink::start();
    let server = Server::setup().proof_of_work().mail(&sink).start().await;
    server.user_with_address("bob", "bob@example.org").await;
    let browser = server.browser();
    let page = browser.get("register").await;
    let (challenge, solution) = work(&page);
    let answer = send(&browser, &page, "alice", &challenge, &solution).await;
    let (_, page) = browser.open(answer.location()).await;
    assert_eq!(browser.submit(&page, &[("display_name", "")]).await.location(), "/account/");

    let page = browser.get("recover").await;
    let (challenge, solution) = work(&page);
    let form = [("email", "bob@example.org"), ("captcha_challenge", &challenge), ("captcha_solution", &solution)];
    browser.submit(&page, &form[..1]).await.assert_page(422, NEEDED);
    assert_eq!(count_links(&server).await, 0);
    assert_eq!(browser.submit(&page, &form).await.location(), "/recover/sent");
    assert_eq!(count_links(&server).await, 1);
    browser.submit(&page, &form).await.assert_page(422, FAILED);
    assert_eq!(count_links(&server).await, 1);
}

#[tokio::test]
async fn nothing_but_the_whole_work_is_accepted() {
    // SGN-06
    let server = start().await;
    let browser = server.browser();
    let page = browser.get("register").await;
    let (challenge, solution) = work(&page);
    let numbers: Vec<&str> = solution.split(',').collect();
    let wrong = |piece: usize, number: &str| {
        let mut numbers = numbers.clone();
        numbers[piece] = number;
        numbers.join(",")
    };
    // One number in 64 is right by chance.
    let is_solved = |solution: &String| {
        let numbers: Vec<u32> = solution.split(',').map(|number| number.parse().unwrap()).collect();
        proof_of_work::is_solved(&challenge, 10, &numbers)
    };
    let unsolved = (0..).map(|number: u32| wrong(7, &number.to_string())).find(|wrong| !is_solved(wrong)).unwrap();
    let tampered = |at: usize| {
        let mut text = challenge.clone().into_bytes();
        text[at] = if text[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(text).unwrap()
    };
    let many = "1,".repeat(5000);
    let table = [
        (challenge.clone(), numbers[1..].join(",")),
        (challenge.clone(), format!("{solution},1")),
        (challenge.clone(), format!("{solution},")),
        (challenge.clone(), numbers.join(", ")),
        (challenge.clone(), "1".to_owned()),
        (challenge.clone(), many),
        (challenge.clone(), "a,b".to_owned()),
        (challenge.clone(), wrong(0, "-1")),
        (challenge.clone(), wrong(3, "4294967296")),
        (challenge.clone(), wrong(15, "")),
        (challenge.clone(), unsolved),
        (tampered(3), solution.clone()),
        (tampered(challenge.len() / 2), solution.clone()),
        (format!("{challenge}="), solution.clone()),
        ("AAAA".to_owned(), solution.clone()),
        ("not base64!".to_owned(), solution.clone()),
    ];
    for (challenge, solution) in table {
        send(&browser, &page, "alice", &challenge, &solution).await.assert_page(422, FAILED);
    }
    // Work that is done for another challenge, or another challenge's for what is sealed in this one.
    let other = browser.get("register").await;
    let (other_challenge, other_solution) = work(&other);
    send(&browser, &page, "alice", &challenge, &other_solution).await.assert_page(422, FAILED);
    send(&browser, &page, "alice", &other_challenge, &solution).await.assert_page(422, FAILED);
    for missing in [("", &*solution), (&*challenge, ""), ("", "")] {
        send(&browser, &page, "alice", missing.0, missing.1).await.assert_page(422, NEEDED);
    }
    assert_eq!(count_sign_ups(&server).await, 0);
    // A refusal uses nothing up: the page that was shown first is still good.
    assert_eq!(send(&browser, &page, "alice", &challenge, &solution).await.status, 303);
}

#[tokio::test]
async fn the_work_is_as_much_as_the_server_asks_for() {
    // SGN-06: how much it is, stands in the page for the script, and sealed for the server.
    let server = Server::setup().proof_of_work().with("captcha.difficulty", "14").start().await;
    let browser = server.browser();
    let page = browser.get("register").await;
    let (challenge, difficulty) = challenge_of(&page);
    assert_eq!(difficulty, 14);
    // Sixteen times less work is enough for all sixteen pieces once in 2^64 times.
    send(&browser, &page, "alice", &challenge, &solution(&challenge, 10)).await.assert_page(422, FAILED);
    assert_eq!(send(&browser, &page, "alice", &challenge, &solution(&challenge, 14)).await.status, 303);
    // What an easier server sealed is nothing to this one: it has another key.
    let easier = Server::setup().proof_of_work().start().await;
    let page = easier.browser().get("register").await;
    let (challenge, solution) = work(&page);
    let own = browser.get("register").await;
    send(&browser, &own, "bob", &challenge, &solution).await.assert_page(422, FAILED);
}

#[tokio::test]
async fn a_challenge_belongs_to_one_browser_and_one_page() {
    // SGN-06
    let sink = SmtpSink::start();
    let server = Server::setup().proof_of_work().mail(&sink).start().await;
    let (alice, mallory) = (server.browser(), server.browser());
    let page = alice.get("register").await;
    let (challenge, solution) = work(&page);
    let foreign = mallory.get("register").await;
    send(&mallory, &foreign, "mallory", &challenge, &solution).await.assert_page(422, FAILED);
    let recover = alice.get("recover").await;
    let form = [("email", "a@example.org"), ("captcha_challenge", &challenge), ("captcha_solution", &solution)];
    alice.submit(&recover, &form).await.assert_page(422, FAILED);
    let (other, solved) = work(&recover);
    send(&alice, &page, "alice", &other, &solved).await.assert_page(422, FAILED);
    assert_eq!(send(&alice, &page, "alice", &challenge, &solution).await.status, 303);
}

#[tokio::test]
async fn a_challenge_lasts_ten_minutes_and_is_good_once() {
    // SGN-06, INV-01, INV-15
    let server = start().await;
    let browser = server.browser();
    let page = browser.get("register").await;
    let (challenge, solution) = work(&page);
    server.clock.advance(9 * MINUTE);
    assert_eq!(send(&browser, &page, "alice", &challenge, &solution).await.status, 303);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    send(&browser, &page, "bob", &challenge, &solution).await.assert_page(422, FAILED);

    let page = browser.get("register").await;
    let (challenge, solution) = work(&page);
    server.clock.advance(10 * MINUTE);
    let late = send(&browser, &page, "bob", &challenge, &solution).await;
    late.assert_page(422, FAILED);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    let spent = server.app.db.sql("SELECT COUNT(*) FROM spent_captchas").one::<(i64,)>().await.unwrap().0;
    assert_eq!(spent, 0, "what expired is forgotten");
    send(&browser, &page, "bob", &challenge, &solution).await.assert_page(422, FAILED);
    // The page that says so brings a fresh one.
    let (challenge, solution) = work(&late);
    assert_eq!(send(&browser, &late, "bob", &challenge, &solution).await.status, 303);
}

#[tokio::test]
async fn of_twenty_forms_with_one_solution_one_is_accepted() {
    // SGN-06, INV-01, TST-04
    let server = start().await;
    let browser = server.browser();
    let page = browser.get("register").await;
    let (challenge, solution) = work(&page);
    let names: Vec<String> = (0..20).map(|number| format!("alice{number}")).collect();
    let answers = join_all(names.iter().map(|name| send(&browser, &page, name, &challenge, &solution))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 422).count(), 19);
    assert_eq!(count_sign_ups(&server).await, 1);
}

#[tokio::test]
async fn work_is_checked_on_the_pages_that_are_named_and_nowhere_else() {
    // SGN-06
    let sink = SmtpSink::start();
    let server = Server::setup().proof_of_work().with("captcha.pages", "[recovery]").mail(&sink).start().await;
    let browser = server.browser();
    let page = browser.get("register").await;
    assert!(!page.body.contains("captcha"), "{}", page.body);
    assert_eq!(browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await.status, 303);
    for _ in 0..10 {
        let page = browser.get("login").await;
        let answer = browser.submit(&page, &[("username", "alice"), ("password", "wrong")]).await;
        assert_eq!(answer.status, 401, "{}", answer.body);
    }
    browser.ask_for_link("a@example.org").await.assert_page(422, NEEDED);
}
