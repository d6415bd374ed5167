//! Sign-up where an e-mail address is asked for, or agreement to terms (spec SGN-01, SGN-03, SGN-05).

use keymaker::{
    clock::{HOUR, MINUTE},
    flows::Caller,
};

use super::{CODE_OVER, WRONG_CODE, plain};
use crate::support::{
    PASSWORD, Server, Setup,
    http::Answer,
    mailbox::wrong_code,
    person::{Person, attribute},
    smtp::SmtpSink,
};

const TERMS: &str = "https://example.com/terms";

fn with_address(sink: &SmtpSink) -> Setup {
    Server::setup().mail(sink).with("account.password_registration_email_required", "true")
}

/// Fills in the first form, and gives the next page.
async fn begin(browser: &Person, name: &str) -> Answer {
    let page = browser.get("register").await;
    let answer = browser.submit(&page, &[("username", name), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    browser.open(answer.location()).await.1
}

/// Fills in the form for the address too, and gives the page that asks for the code.
async fn begin_with(browser: &Person, name: &str, address: &str) -> Answer {
    let page = begin(browser, name).await;
    page.assert_page(200, "Your e-mail address");
    let answer = browser.submit(&page, &[("email", address)]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    browser.open(answer.location()).await.1
}

/// The part of a page's address that names the sign-up.
fn id_of(page: &Answer) -> String {
    attribute(&page.body, "?id=").unwrap()
}

async fn count_users(server: &Server) -> i64 {
    server.app.db.sql("SELECT COUNT(*) FROM users").one::<(i64,)>().await.unwrap().0
}

#[tokio::test]
async fn somebody_signs_up_with_an_address_that_they_showed_to_be_theirs() {
    // SGN-01
    let sink = SmtpSink::start();
    let server = with_address(&sink).with("account.login_with_email_allowed", "true").start().await;
    let browser = server.browser();
    let page = begin_with(&browser, "alice", "Alice@Example.com").await;
    let code = server.mailed_code(&sink, "alice@example.com").await;
    browser.submit(&page, &[("code", &wrong_code(&code))]).await.assert_page(422, WRONG_CODE);
    let answer = browser.submit(&page, &[("code", &code)]).await;
    let (path, page) = browser.open(answer.location()).await;
    assert!(path.starts_with("/register/finish?id="), "{path}");
    page.assert_page(200, "alice@example.com");
    assert_eq!(count_users(&server).await, 0, "nobody exists before the last button");
    let answer = browser.submit(&page, &[("display_name", "Alice")]).await;
    assert_eq!(answer.location(), "/account/", "{}", answer.body);
    assert_eq!(server.addresses("alice").await, [("alice@example.com".to_owned(), true)]);
    server.browser().sign_in("alice@example.com").await;
}

#[tokio::test]
async fn a_sign_up_goes_on_where_it_was_after_a_reload_and_in_another_tab() {
    // SGN-01: resumable
    let sink = SmtpSink::start();
    let server = with_address(&sink).start().await;
    let browser = server.browser();
    let page = begin(&browser, "alice").await;
    let id = id_of(&page);
    let step = async |page: &str| browser.open(&format!("register/{page}?id={id}")).await.0;
    for page in ["finish", "code", "email"] {
        assert_eq!(
            step(page).await,
            match page {
                "email" => format!("register/email?id={id}"),
                _ => format!("/register/email?id={id}"),
            }
        );
    }
    browser.submit(&page, &[("email", "alice@example.com")]).await;
    assert_eq!(step("finish").await, format!("/register/code?id={id}"));
    let (_, page) = browser.open(&format!("register/code?id={id}")).await;
    page.assert_page(200, "alice@example.com");
    let code = server.mailed_code(&sink, "alice@example.com").await;
    browser.submit(&page, &[("code", &code)]).await;
    assert_eq!(step("code").await, format!("/register/finish?id={id}"));
    let (_, page) = browser.open(&format!("register/finish?id={id}")).await;
    assert_eq!(browser.submit(&page, &[("display_name", "")]).await.status, 303);
    assert_eq!(browser.get(&format!("register/finish?id={id}")).await.status, 400, "it is over");
}

#[tokio::test]
async fn without_a_confirmed_address_no_button_creates_an_account() {
    // SGN-01, INV-08
    let sink = SmtpSink::start();
    let server = with_address(&sink).start().await;
    let browser = server.browser();
    let page = begin(&browser, "alice").await;
    let (id, csrf) = (id_of(&page), attribute(&page.body, "name=\"csrf\" value=\"").unwrap());
    let finish = format!("register/finish?id={id}");
    let form = [("csrf", csrf.as_str()), ("display_name", "Alice")];
    assert_eq!(browser.http.post(&finish, &form).await.location(), format!("/register/email?id={id}"));
    browser.submit(&page, &[("email", "alice@example.com")]).await;
    assert_eq!(browser.http.post(&finish, &form).await.location(), format!("/register/code?id={id}"));
    assert_eq!(count_users(&server).await, 0);

    // The flow itself refuses it as well.
    let registration = keymaker::domain::id::RegistrationId::new(id);
    let row = keymaker::store::registration::find(&server.app.db, &registration).await.unwrap().unwrap();
    let refused = keymaker::flows::register::finish(&server.app, &row, "", None, &Caller::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "an e-mail address has to be confirmed first");

    // A sign-up is nothing in another browser.
    let mallory = server.browser();
    mallory.get("login").await;
    for page in ["email", "code", "finish"] {
        mallory.get(&format!("register/{page}?id={}", row.id)).await.assert_page(403, "another browser");
    }
}

#[tokio::test]
async fn at_sign_up_too_it_shows_nowhere_that_an_address_is_somebodys() {
    // SGN-03, RTL-05
    let sink = SmtpSink::start();
    let server = with_address(&sink).start().await;
    server.user_with_address("bob", "bob@example.com").await;
    let (one, other) = (server.browser(), server.browser());
    let free = begin_with(&one, "alice", "free@example.com").await;
    let taken = begin_with(&other, "alice", "Bob@example.com").await;
    assert_eq!(plain(&free).replace("free@", "bob@"), plain(&taken));
    assert!(sink.mail_to("bob@example.com").await.subject().contains("You have an account already"));
    let code = server.mailed_code(&sink, "free@example.com").await;
    for i in 1..=5 {
        let right_elsewhere = other.submit(&taken, &[("code", &code)]).await;
        right_elsewhere.assert_page(422, if i < 5 { WRONG_CODE } else { CODE_OVER });
    }
    other.submit(&taken, &[("code", &code)]).await.assert_page(422, CODE_OVER);
    assert_eq!(one.submit(&free, &[("code", &code)]).await.status, 303);
    assert_eq!(count_users(&server).await, 1);
}

#[tokio::test]
async fn another_address_can_be_given_and_the_last_one_counts() {
    let sink = SmtpSink::start();
    let server = with_address(&sink).start().await;
    let browser = server.browser();
    let first = begin_with(&browser, "alice", "wrong@example.com").await;
    let id = id_of(&first);
    let stale = server.mailed_code(&sink, "wrong@example.com").await;
    let page = browser.get(&format!("register/email?id={id}")).await;
    browser.submit(&page, &[("email", "no address")]).await.assert_page(422, "This is not an e-mail address.");
    let answer = browser.submit(&page, &[("email", "right@example.com")]).await;
    let page = browser.get(answer.location()).await;
    page.assert_page(200, "right@example.com");
    sink.mail_to("right@example.com").await;
    browser.submit(&page, &[("code", &stale)]).await.assert_page(422, WRONG_CODE);

    browser.submit(&page, &[("action", "again")]).await.assert_page(429, "Another one can be sent in a minute.");
    server.pass(MINUTE).await;
    let answer = browser.submit(&page, &[("action", "again")]).await;
    assert_eq!(answer.location(), format!("/register/code?id={id}"));
    let code = server.nth_mailed_code(&sink, "right@example.com", 2).await;
    let answer = browser.submit(&page, &[("code", &code)]).await;
    let page = browser.get(answer.location()).await;
    browser.submit(&page, &[("display_name", "")]).await;
    assert_eq!(server.addresses("alice").await, [("right@example.com".to_owned(), true)]);
}

#[tokio::test]
async fn one_sign_up_sends_five_codes_an_hour() {
    // Area 19: sends per session
    let sink = SmtpSink::start();
    let server = with_address(&sink).start().await;
    let browser = server.browser();
    let page = begin(&browser, "alice").await;
    for i in 0..5 {
        assert_eq!(browser.submit(&page, &[("email", &format!("a{i}@example.com"))]).await.status, 303);
    }
    browser.submit(&page, &[("email", "a6@example.com")]).await.assert_page(429, "Too many codes were sent.");
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails().len(), 5);
}

#[tokio::test]
async fn of_two_sign_ups_with_one_address_the_faster_gets_it_and_the_other_is_told() {
    // SGN-02, ACT-10: both read the mail there.
    let sink = SmtpSink::start();
    let server = with_address(&sink).start().await;
    let people = [(server.browser(), "alice"), (server.browser(), "bob")];
    let mut pages = Vec::new();
    for (i, (browser, name)) in people.iter().enumerate() {
        let page = begin_with(browser, name, "shared@example.com").await;
        let code = server.nth_mailed_code(&sink, "shared@example.com", i + 1).await;
        let answer = browser.submit(&page, &[("code", &code)]).await;
        pages.push(browser.get(answer.location()).await);
    }
    assert_eq!(people[1].0.submit(&pages[1], &[("display_name", "")]).await.status, 303);
    let told = people[0].0.submit(&pages[0], &[("display_name", "")]).await;
    told.assert_page(422, "This address belongs to another account.");
    assert_eq!(count_users(&server).await, 1);

    // It goes on with another one.
    let answer = people[0].0.submit(&told, &[("email", "alice@example.com")]).await;
    let page = people[0].0.get(answer.location()).await;
    let code = server.mailed_code(&sink, "alice@example.com").await;
    let answer = people[0].0.submit(&page, &[("code", &code)]).await;
    let page = people[0].0.get(answer.location()).await;
    assert_eq!(people[0].0.submit(&page, &[("display_name", "")]).await.status, 303);
    assert_eq!(server.addresses("alice").await, [("alice@example.com".to_owned(), true)]);
}

#[tokio::test]
async fn whoever_loses_the_race_for_a_name_keeps_the_address_that_they_confirmed() {
    // SGN-02
    let sink = SmtpSink::start();
    let server = with_address(&sink).start().await;
    let browser = server.browser();
    let page = begin_with(&browser, "alice", "mine@example.com").await;
    let code = server.mailed_code(&sink, "mine@example.com").await;
    let answer = browser.submit(&page, &[("code", &code)]).await;
    let page = browser.get(answer.location()).await;
    server.user("alice").await;
    let told = browser.submit(&page, &[("display_name", "")]).await;
    told.assert_page(422, "Somebody else has this username.");
    assert_eq!(attribute(&told.body, "name=\"username\" type=\"text\" value=\"").as_deref(), Some("alice"));

    let answer = browser.submit(&told, &[("username", "alice2"), ("password", PASSWORD)]).await;
    assert!(answer.location().starts_with("/register/finish?id="), "no second code: {}", answer.location());
    let page = browser.get(answer.location()).await;
    page.assert_page(200, "@alice2:localhost");
    assert_eq!(browser.submit(&page, &[("display_name", "")]).await.status, 303);
    assert_eq!(server.addresses("alice2").await, [("mine@example.com".to_owned(), true)]);
    let codes = sink.mails_to("mine@example.com").into_iter().filter(|mail| mail.subject().contains("Confirm"));
    assert_eq!(codes.count(), 1);
    server.browser().sign_in("alice2").await;
}

#[tokio::test]
async fn an_address_is_not_asked_for_where_nobody_wants_it() {
    let server = Server::start().await;
    let browser = server.browser();
    let page = begin(&browser, "alice").await;
    page.assert_page(200, "Almost done");
    assert!(!page.body.contains("name=\"terms\"") && !page.body.contains("name=\"email\""), "{}", page.body);
    let id = id_of(&page);
    for step in ["email", "code"] {
        let to = browser.get(&format!("register/{step}?id={id}")).await;
        assert_eq!(to.location(), format!("/register/finish?id={id}"));
    }
}

async fn agreements(server: &Server) -> Vec<(String, i64)> {
    server.app.db.sql("SELECT version, agreed_at FROM terms_agreements").all().await.unwrap()
}

#[tokio::test]
async fn whoever_signs_up_agrees_to_the_terms_and_the_account_remembers_which() {
    // SGN-05
    let setup =
        Server::setup().with("branding.tos_uri", TERMS).with("account.registration_terms_version", "2026-11-01");
    let server = setup.start().await;
    let browser = server.browser();
    let page = begin(&browser, "alice").await;
    page.assert_page(200, &format!("href=\"{TERMS}\""));
    for fields in [&[("display_name", "Alice")][..], &[("display_name", "Alice"), ("terms", "2025-01-01")]] {
        let refused = browser.submit(&page, fields).await;
        refused.assert_page(422, "agree to the terms of use.");
        assert_eq!(attribute(&refused.body, "name=\"display_name\" type=\"text\" value=\"").as_deref(), Some("Alice"));
    }
    assert_eq!((count_users(&server).await, agreements(&server).await.len()), (0, 0));
    let before = server.clock.now();
    let answer = browser.submit(&page, &[("display_name", "Alice"), ("terms", "2026-11-01")]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let kept = agreements(&server).await;
    assert!(matches!(&kept[..], [(version, at)] if version == "2026-11-01" && *at >= before), "{kept:?}");
}

#[tokio::test]
async fn a_sign_up_lasts_an_hour_with_all_its_steps() {
    // SGN-01, INV-15
    let sink = SmtpSink::start();
    let server = with_address(&sink).start().await;
    let browser = server.browser();
    let page = begin_with(&browser, "alice", "alice@example.com").await;
    server.pass(HOUR).await;
    assert_eq!(browser.submit(&page, &[("action", "again")]).await.status, 400);
    assert_eq!(count_users(&server).await, 0);
}
