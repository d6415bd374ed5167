//! Recovery codes (spec 17.3): what stands in for a factor that is lost.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use keymaker::clock::SECOND;

use crate::support::{
    Server,
    factors::App,
    http::Answer,
    person::{Person, attribute},
};

const WRONG: &str = "This code is wrong, or it was used already.";

/// Somebody with an app and ten codes, and the browser where they were made.
async fn somebody(server: &Server, name: &str) -> (Person, App, Vec<String>) {
    server.user(name).await;
    let browser = server.browser();
    browser.sign_in(name).await;
    let app = browser.add_totp(server).await;
    server.clock.advance(60 * SECOND);
    let codes = browser.make_recovery_codes(Some(&app.code(server))).await;
    for code in &codes {
        server.audit.secret(code);
        server.audit.secret(&code.replace('-', ""));
    }
    server.clock.advance(60 * SECOND);
    (browser, app, codes)
}

/// Signs in with name, password and a recovery code.
async fn sign_in(browser: &Person, user: &str, code: &str) -> Answer {
    let page = browser.enter_password(user).await;
    let other = attribute(&page.body, "<p class=\"aside\"><a href=\"/factor").expect("another way is offered");
    let page = browser.get(&format!("/factor{other}")).await;
    browser.submit(&page, &[("recovery", code)]).await
}

#[tokio::test]
async fn ten_codes_are_shown_once() {
    // RCV-01, INV-03: the audit searches database and log for each.
    let server = Server::start().await;
    let (browser, _, codes) = somebody(&server, "alice").await;
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), 10);
    for code in &codes {
        let letters = code.replace('-', "");
        assert_eq!((code.len(), letters.len()), (19, 16), "eighty bits: {code}");
        assert!(letters.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()), "{code}");
        assert!(!letters.contains(['I', 'L', 'O', 'U']), "{code}");
    }
    let page = browser.get("account/security").await;
    page.assert_page(200, "You have 10 recovery codes left.");
    assert!(!codes.iter().any(|code| page.body.contains(code)));
    let rows: Vec<(Vec<u8>,)> = server.app.db.sql("SELECT code_hash FROM recovery_codes").all().await.unwrap();
    assert!(rows.len() == 10 && rows.iter().all(|(hash,)| hash.len() == 32));
}

#[tokio::test]
async fn the_page_gives_them_as_a_file_too() {
    // RCV-01
    use base64::{Engine, engine::general_purpose::STANDARD};
    let server = Server::start().await;
    let (browser, app, old) = somebody(&server, "alice").await;
    let page = browser.act("make-recovery-codes", None, Some(&app.code(&server))).await;
    let codes = crate::support::factors::recovery_codes_of(&page);
    assert_eq!(page.header("cache-control"), Some("no-store"), "CMN-10");
    let link = attribute(&page.body, "href=\"data:text/plain;base64,").unwrap();
    let file = String::from_utf8(STANDARD.decode(link).unwrap()).unwrap();
    assert!(codes.iter().all(|code| file.contains(code.as_str())), "{file}");
    assert!(!old.iter().any(|code| file.contains(code.as_str())));
}

#[tokio::test]
async fn each_code_stands_in_for_the_second_factor_once() {
    // RCV-01, RCV-02, INV-01
    let server = Server::start().await;
    let (_, _, codes) = somebody(&server, "alice").await;
    let ways_of_typing =
        [codes[0].clone(), codes[1].to_lowercase(), codes[2].replace('-', " "), format!(" {} ", codes[3])];
    for (used, typed) in ways_of_typing.iter().enumerate() {
        let browser = server.browser();
        assert_eq!(sign_in(&browser, "alice", typed).await.location(), "/account/", "{typed}");
        let left = format!("You have {} recovery codes left.", 9 - used);
        browser.get("account/security").await.assert_page(200, &left);
        let again = server.browser();
        sign_in(&again, "alice", typed).await.assert_page(403, WRONG);
        assert!(!again.is_signed_in().await);
    }
    for code in &codes[4..] {
        assert_eq!(sign_in(&server.browser(), "alice", code).await.status, 303);
    }
    // When all are used, none is offered.
    let page = server.browser().enter_password("alice").await;
    assert!(!page.body.contains("Use a recovery code"), "{}", page.body);
}

#[tokio::test]
async fn of_twenty_logins_with_one_code_one_gets_in() {
    // RCV-01, INV-01
    let server = Server::start().await;
    let (_, _, codes) = somebody(&server, "alice").await;
    let people: Vec<Person> = (0..20).map(|_| server.browser()).collect();
    let mut pages = Vec::new();
    for person in &people {
        let page = person.enter_password("alice").await;
        let other = attribute(&page.body, "<p class=\"aside\"><a href=\"").unwrap();
        pages.push(person.get(&other).await);
    }
    let fields = [("recovery", codes[0].as_str())];
    let attempts = people.iter().zip(&pages).map(|(person, page)| person.submit(page, &fields));
    let answers = join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 403)), "{answers:?}");
    for (person, answer) in people.iter().zip(&answers) {
        assert_eq!(person.is_signed_in().await, answer.status == 303);
    }
    people[0].get("login").await;
    let left: (i64,) =
        server.app.db.sql("SELECT COUNT(*) FROM recovery_codes WHERE consumed_at IS NULL").one().await.unwrap();
    assert_eq!(left.0, 9);
}

#[tokio::test]
async fn new_codes_make_the_old_ones_void() {
    // RCV-01
    let server = Server::start().await;
    let (browser, app, old) = somebody(&server, "alice").await;
    assert_eq!(sign_in(&server.browser(), "alice", &old[0]).await.status, 303);
    let new = browser.make_recovery_codes(Some(&app.code(&server))).await;
    assert_eq!(new.len(), 10);
    for code in &old[..3] {
        sign_in(&server.browser(), "alice", code).await.assert_page(403, WRONG);
    }
    assert_eq!(sign_in(&server.browser(), "alice", &new[0]).await.status, 303);
    browser.get("account/security").await.assert_page(200, "You have 9 recovery codes left.");
}

#[tokio::test]
async fn a_code_is_nothing_without_the_password_and_nothing_to_another_account() {
    // RCV-02, INV-06
    let server = Server::start().await;
    let (_, _, codes) = somebody(&server, "alice").await;
    let (_, _, others) = somebody(&server, "bob").await;
    let browser = server.browser();
    let csrf = browser.csrf().await;
    for path in ["factor", "factor?use=recovery", "login"] {
        let fields = [("csrf", csrf.as_str()), ("recovery", codes[0].as_str()), ("username", "alice")];
        let answer = browser.http.post(path, &fields).await;
        assert!(matches!(answer.status, 400 | 401), "{path} {}", answer.status);
        assert!(!browser.is_signed_in().await, "{path}");
    }
    let page = browser.get("login").await;
    let answer = browser.submit(&page, &[("username", "alice"), ("password", &codes[0])]).await;
    assert_eq!(answer.status, 401, "a code is no password");

    sign_in(&browser, "alice", &others[0]).await.assert_page(403, WRONG);
    assert_eq!(sign_in(&browser, "alice", &codes[0]).await.status, 303);
    assert_eq!(sign_in(&server.browser(), "bob", &others[0]).await.status, 303, "and it was not used up");
}

#[tokio::test]
async fn wrong_recovery_codes_count_like_other_wrong_codes() {
    // RCV-01, OTP-04: guesses of both kinds together are five.
    let server = Server::start().await;
    let (_, app, codes) = somebody(&server, "alice").await;
    let browser = server.browser();
    let page = browser.enter_password("alice").await;
    let wrong = ["0000-0000-0000-0000", "", "nonsense", &codes[0][1..]];
    for typed in wrong {
        browser.submit(&page, &[("recovery", typed)]).await.assert_page(403, WRONG);
    }
    browser.submit(&page, &[("totp", &app.wrong_code(&server))]).await.assert_page(403, WRONG);
    browser.submit(&page, &[("recovery", &codes[0])]).await.assert_page(400, "This sign-in is over");
    assert_eq!(sign_in(&browser, "alice", &codes[0]).await.status, 303, "it was not used up");
}

#[tokio::test]
async fn a_code_confirms_an_act_where_a_second_factor_is_asked_for() {
    // OTP-05: whoever lost the phone gets rid of the app by a recovery code.
    let server = Server::start().await;
    let (_, _, codes) = somebody(&server, "alice").await;
    let browser = server.browser();
    assert_eq!(sign_in(&browser, "alice", &codes[0]).await.status, 303);
    let answer = browser.confirm("remove-totp", None).await;
    let page = browser.get(answer.location()).await;
    page.assert_page(200, "Use a recovery code");
    browser.submit(&page, &[("recovery", &codes[0])]).await.assert_page(403, WRONG);
    let answer = browser.submit(&page, &[("recovery", &codes[1])]).await;
    browser.get(answer.location()).await.assert_page(200, "The app was removed.");
    // There is nothing left that codes could stand in for.
    let left: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM recovery_codes").one().await.unwrap();
    assert_eq!(left.0, 0);
    assert_eq!(server.browser().enter_password("alice").await.status, 303);
}

#[tokio::test]
async fn without_a_second_factor_there_are_no_recovery_codes() {
    // RCV-02
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    assert!(!browser.get("account/security").await.body.contains("Recovery codes"), "they are not offered");
    let answer = browser.act("make-recovery-codes", None, None).await;
    answer.assert_page(403, "There is no second factor on this account.");
    let rows: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM recovery_codes").one().await.unwrap();
    assert_eq!(rows.0, 0);
}
