//! Adding an address.

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::{
    clock::{HOUR, MINUTE},
    domain::id::UserEmailId,
    store::email::claim,
};

use super::{CODE_OVER, WRONG_CODE, plain, server, signed_in};
use crate::support::{
    Server,
    homeserver::FakeHomeserver,
    mailbox::{code_of, wrong_code},
    person::attribute,
    smtp::SmtpSink,
};

const ALICE: &str = "alice@example.com";

async fn insert_unconfirmed(server: &Server, name: &str, address: &str) {
    let (id, user) = (format!("unconfirmed {name}"), server.user_id(name).await);
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("INSERT INTO user_emails (id, user_id, email, created_at) VALUES ($1, $2, $3, 0)")
        .bind(id.as_str())
        .bind(&user)
        .bind(address)
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn an_address_is_added_by_the_code_that_was_sent_there() {
    // ACT-07, ACT-10, WEB-17
    let (sink, homeserver) = (SmtpSink::start(), Arc::new(FakeHomeserver::default()));
    let setup = Server::setup().mail(&sink).homeserver(homeserver.clone());
    let server = setup.with("account.login_with_email_allowed", "true").start().await;
    let browser = signed_in(&server, "alice").await;
    browser.get("account/emails").await.assert_page(200, "You have none so far.");
    let page = browser.page_of_code(" Alice@Example.COM ").await;
    assert!(page.body.contains("<bdi>alice@example.com</bdi>"), "CMP-11: {}", page.body);
    let mail = sink.mail_to(ALICE).await;
    assert!(mail.text().contains("10 minutes"), "{}", mail.text());
    let code = server.mailed_code(&sink, ALICE).await;
    assert!(server.addresses("alice").await.is_empty(), "not before the code");

    let provisions = || homeserver.calls().iter().filter(|call| call.starts_with("provision alice ")).count();
    let before = provisions();
    let typed = format!("{} {}", &code[..3], &code[3..]);
    let answer = browser.submit(&page, &[("code", &typed)]).await;
    assert_eq!((answer.status, answer.location()), (303, "/account/emails?done=add-email"), "{}", answer.body);
    let list = browser.get(answer.location()).await;
    list.assert_page(200, "<strong><bdi>alice@example.com</bdi></strong>");
    assert!(list.body.contains("role=\"status\">The address was added."), "{}", list.body);
    assert_eq!(server.addresses("alice").await, [(ALICE.to_owned(), true)]);
    crate::support::eventually("the homeserver knows", async || provisions() > before).await;
    assert!(sink.nth_mail_to(ALICE, 2).await.subject().contains("An e-mail address was added"));
    browser.get("account/events").await.assert_page(200, "An e-mail address was added");

    // It is who they are from then on, and the code is used up.
    assert_eq!(browser.submit(&page, &[("code", &code)]).await.location(), "/account/emails");
    let address = attribute(&page.body, "method=\"post\" action=\"").unwrap();
    assert_eq!(browser.get(&address).await.location(), "/account/emails");
    let elsewhere = server.browser();
    elsewhere.sign_in(ALICE).await;
}

#[tokio::test]
async fn a_code_may_be_typed_five_times_and_then_not_even_the_right_one_is_taken() {
    // ACT-10, INV-01
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let page = browser.page_of_code(ALICE).await;
    let code = server.mailed_code(&sink, ALICE).await;
    for nonsense in ["", "12345", "abcdef", "1234567"] {
        browser.submit(&page, &[("code", nonsense)]).await.assert_page(422, WRONG_CODE);
    }
    for i in 1..=5 {
        let answer = browser.submit(&page, &[("code", &wrong_code(&code))]).await;
        answer.assert_page(422, if i < 5 { WRONG_CODE } else { CODE_OVER });
        assert!(answer.body.contains("role=\"alert\" id=\"error\""), "{}", answer.body);
    }
    let answer = browser.submit(&page, &[("code", &code)]).await;
    answer.assert_page(422, CODE_OVER);
    assert!(!answer.body.contains("name=\"code\""), "there is nothing to type any more");
    assert!(server.addresses("alice").await.is_empty());
}

#[tokio::test]
async fn the_fifth_try_may_be_the_right_one() {
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let page = browser.page_of_code(ALICE).await;
    let code = server.mailed_code(&sink, ALICE).await;
    for _ in 0..4 {
        browser.submit(&page, &[("code", &wrong_code(&code))]).await.assert_page(422, WRONG_CODE);
    }
    assert_eq!(browser.submit(&page, &[("code", &code)]).await.status, 303);
    assert_eq!(server.addresses("alice").await, [(ALICE.to_owned(), true)]);
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    // ACT-10, INV-15
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let page = browser.page_of_code(ALICE).await;
    let code = server.mailed_code(&sink, ALICE).await;
    server.pass(10 * MINUTE).await;
    browser.submit(&page, &[("code", &code)]).await.assert_page(422, CODE_OVER);
    let address = attribute(&page.body, "method=\"post\" action=\"").unwrap();
    browser.get(&address).await.assert_page(200, CODE_OVER);
    assert!(server.addresses("alice").await.is_empty());
}

#[tokio::test]
async fn of_twenty_right_codes_at_once_one_adds_the_address() {
    // INV-01, TST-04
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let page = browser.page_of_code(ALICE).await;
    let code = server.mailed_code(&sink, ALICE).await;
    let fields = [("code", code.as_str())];
    let answers = join_all((0..20).map(|_| browser.submit(&page, &fields))).await;
    let added = answers.iter().filter(|answer| answer.header("location") == Some("/account/emails?done=add-email"));
    assert_eq!(added.count(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer.status < 500), "{answers:?}");
    assert_eq!(server.addresses("alice").await, [(ALICE.to_owned(), true)]);
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails_to(ALICE).len(), 2, "the code, and one notice");
}

#[tokio::test]
async fn of_twenty_wrong_codes_at_once_five_are_looked_at() {
    // ACT-10: whoever guesses does not get further by hurrying.
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let page = browser.page_of_code(ALICE).await;
    let code = server.mailed_code(&sink, ALICE).await;
    let wrong = wrong_code(&code);
    let fields = [("code", wrong.as_str())];
    let answers = join_all((0..20).map(|_| browser.submit(&page, &fields))).await;
    assert!(answers.iter().all(|answer| answer.status == 422), "{answers:?}");
    let tries: (i64,) = server.app.db.sql("SELECT failures FROM email_verifications").one().await.unwrap();
    assert_eq!(tries.0, 5);
    browser.submit(&page, &[("code", &code)]).await.assert_page(422, CODE_OVER);
}

#[tokio::test]
async fn a_code_is_nothing_in_another_browser_or_for_another_account() {
    // ACT-10: bound to session and address.
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let mallory = signed_in(&server, "mallory").await;
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let page = browser.page_of_code(ALICE).await;
    let code = server.mailed_code(&sink, ALICE).await;
    let address = attribute(&page.body, "method=\"post\" action=\"").unwrap();

    let page_elsewhere = elsewhere.get(&address).await;
    elsewhere.submit(&page_elsewhere, &[("code", &code)]).await.assert_page(422, WRONG_CODE);
    mallory.get(&address).await.assert_page(404, "There is nothing here");
    let own = mallory.page_of_code("mallory@example.com").await;
    let csrf = attribute(&own.body, "name=\"csrf\" value=\"").unwrap();
    for fields in [("code", code.as_str()), ("action", "again")] {
        let answer = mallory.http.post(&address, &[("csrf", &csrf), fields]).await;
        assert_eq!(answer.status, 404, "{fields:?}");
    }
    mallory.submit(&own, &[("code", &code)]).await.assert_page(422, WRONG_CODE);
    let stranger = server.browser();
    assert_eq!(stranger.get(&address).await.location(), "/login?to=emails");
    assert!(server.addresses("alice").await.is_empty() && server.addresses("mallory").await.is_empty());

    assert_eq!(browser.submit(&page, &[("code", &code)]).await.status, 303, "where it belongs it is good");
}

#[tokio::test]
async fn that_an_address_is_somebodys_shows_nowhere() {
    // SGN-03, RTL-05, ACT-10
    let (sink, server) = server().await;
    server.user_with_address("bob", "bob@example.com").await;
    let alice = signed_in(&server, "alice").await;
    let free = alice.page_of_code("free@example.com").await;
    let taken = alice.page_of_code("Bob@example.com").await;
    assert_eq!(plain(&free).replace("free@", "bob@"), plain(&taken));

    let mail = sink.mail_to("bob@example.com").await;
    assert!(mail.subject().contains("You have an account already"), "{}", mail.subject());
    assert!(!mail.text().contains("alice"), "who asked is nobody's business: {}", mail.text());
    // A code that would be right for the other address.
    let code = code_of(&sink.mail_to("free@example.com").await);
    let refused = alice.submit(&taken, &[("code", &code)]).await;
    refused.assert_page(422, WRONG_CODE);
    let alike = alice.submit(&free, &[("code", &wrong_code(&code))]).await;
    assert_eq!(plain(&alike).replace("free@", "bob@"), plain(&refused));
    for (page, address) in [(&free, "free@example.com"), (&taken, "bob@example.com")] {
        for _ in 0..5 {
            alice.submit(page, &[("code", &wrong_code(&code))]).await;
        }
        let over = alice.submit(page, &[("code", &wrong_code(&code))]).await;
        over.assert_page(422, CODE_OVER);
        server.pass(2 * MINUTE).await;
        let again = alice.submit(page, &[("action", "again")]).await;
        assert_eq!(again.status, 303, "{address}: {}", again.body);
    }
    server.until_mails_are_sent().await;
    assert!(sink.mails_to("bob@example.com").iter().all(|mail| mail.subject().contains("You have an account already")));
    assert_eq!(server.addresses("bob").await, [("bob@example.com".to_owned(), true)]);
    assert!(server.addresses("alice").await.is_empty());
}

#[tokio::test]
async fn of_two_accounts_that_want_one_address_the_faster_gets_it() {
    // ACT-10: both read the mail there, so both may know.
    let (sink, server) = server().await;
    let (alice, bob) = (signed_in(&server, "alice").await, signed_in(&server, "bob").await);
    let first = alice.page_of_code("shared@example.com").await;
    let alices = server.nth_mailed_code(&sink, "shared@example.com", 1).await;
    let second = bob.page_of_code("shared@example.com").await;
    let bobs = server.nth_mailed_code(&sink, "shared@example.com", 2).await;
    assert_eq!(bob.submit(&second, &[("code", &bobs)]).await.status, 303);
    alice.submit(&first, &[("code", &alices)]).await.assert_page(422, "This address belongs to another account.");
    assert!(server.addresses("alice").await.is_empty());
    assert_eq!(server.addresses("bob").await, [("shared@example.com".to_owned(), true)]);
}

#[tokio::test]
async fn an_address_that_nobody_confirmed_blocks_nobody() {
    // ACT-10: an import, or another service, may have left one behind.
    let (sink, server) = server().await;
    let (alice, bob) = (signed_in(&server, "alice").await, signed_in(&server, "bob").await);
    insert_unconfirmed(&server, "bob", ALICE).await;
    insert_unconfirmed(&server, "alice", "own@example.com").await;
    let list = alice.get("account/emails").await;
    list.assert_page(200, "own@example.com");
    assert!(list.body.contains("Not confirmed"), "{}", list.body);

    for address in [ALICE, "own@example.com"] {
        let page = alice.page_of_code(address).await;
        let code = server.mailed_code(&sink, address).await;
        assert_eq!(alice.submit(&page, &[("code", &code)]).await.status, 303, "{address}");
        sink.nth_mail_to(address, 2).await;
    }
    let all = server.addresses("alice").await;
    assert!(all.iter().all(|(_, is_confirmed)| *is_confirmed) && all.len() == 2, "{all:?}");
    assert!(server.addresses("bob").await.is_empty());
    bob.get("account/emails").await.assert_page(200, "You have none so far.");
}

#[tokio::test]
async fn what_is_no_address_is_refused_and_the_form_goes_on() {
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let page = browser.form_of("add-email").await;
    let long = format!("{}@example.com", "a".repeat(300));
    for wrong in ["", "alice", "a@b@c", "alice@example.com, bob@example.com", "Alice <alice@example.com>", &long] {
        let answer = browser.submit(&page, &[("email", wrong), ("proof", &proof_in(&page.body))]).await;
        answer.assert_page(422, "This is not an e-mail address.");
        assert_eq!(attribute(&answer.body, "name=\"email\" type=\"email\" value=\"").as_deref(), Some(wrong));
    }
    let answer = browser.submit(&page, &[("email", ALICE), ("proof", &proof_in(&page.body))]).await;
    assert_eq!(answer.status, 303, "the proof was not used up: {}", answer.body);
    let page = browser.get(answer.location()).await;
    let code = server.mailed_code(&sink, ALICE).await;
    browser.submit(&page, &[("code", &code)]).await;
    browser.enter_address(ALICE).await.assert_page(422, "This address is on your account already.");
}

fn proof_in(html: &str) -> String {
    attribute(html, "name=\"proof\" value=\"").unwrap()
}

#[tokio::test]
async fn without_a_proof_for_this_act_nothing_is_sent() {
    // INV-06
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let others = proof_in(&elsewhere.form_of("add-email").await.body);
    let another_act = proof_in(&browser.form_of("change-password").await.body);
    let own = browser.form_of("add-email").await;
    for proof in ["", "nothing", &others, &another_act] {
        assert_eq!(
            browser.get(&format!("account/emails/add?proof={proof}")).await.location(),
            "/account/confirm?act=add-email"
        );
        let csrf = attribute(&own.body, "name=\"csrf\" value=\"").unwrap();
        let form = [("csrf", csrf.as_str()), ("proof", proof), ("email", ALICE)];
        let answer = browser.http.post("account/emails/add", &form).await;
        assert_eq!((answer.status, answer.location()), (303, "/account/confirm?act=add-email"), "{proof}");
    }
    let proof = proof_in(&own.body);
    let fields = [("email", ALICE), ("proof", proof.as_str())];
    let answers = join_all((0..20).map(|_| browser.submit(&own, &fields))).await;
    let sent = answers.iter().filter(|answer| answer.header("location").is_some_and(|to| to.contains("/verify?id=")));
    assert_eq!(sent.count(), 1, "one proof, one code");
    server.pass(5 * MINUTE).await;
    assert_eq!(browser.submit(&own, &fields).await.location(), "/account/confirm?act=add-email");
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails_to(ALICE).len(), 1);
}

#[tokio::test]
async fn a_new_code_can_be_had_after_a_minute_and_the_one_before_is_void() {
    let (sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    let first = browser.page_of_code(ALICE).await;
    let old = server.nth_mailed_code(&sink, ALICE, 1).await;
    let hasty = browser.submit(&first, &[("action", "again")]).await;
    hasty.assert_page(429, "Another one can be sent in a minute.");
    assert_eq!(hasty.header("retry-after"), Some("60"));
    server.pass(MINUTE).await;
    let answer = browser.submit(&first, &[("action", "again")]).await;
    let second = browser.get(answer.location()).await;
    let new = server.nth_mailed_code(&sink, ALICE, 2).await;
    browser.submit(&first, &[("code", &old)]).await.assert_page(422, CODE_OVER);
    assert_eq!(browser.submit(&second, &[("code", &new)]).await.status, 303);
    // The right to ask for one goes with what was confirmed for it.
    assert_eq!(browser.submit(&second, &[("action", "again")]).await.location(), "/account/emails");
    server.pass(HOUR).await;
    browser.submit(&first, &[("action", "again")]).await.assert_page(422, CODE_OVER);
}

#[tokio::test]
async fn where_no_mail_is_sent_the_pages_say_that_no_address_can_be_added() {
    let server = Server::setup().with("email.transport", "blackhole").start().await;
    let browser = signed_in(&server, "alice").await;
    let page = browser.get("account/emails").await;
    page.assert_page(200, "addresses cannot be added here");
    assert!(!page.body.contains("act=add-email"), "{}", page.body);
    browser.enter_address(ALICE).await.assert_page(422, "addresses cannot be added here");
    let login = server.browser().get("login").await;
    assert!(!login.body.contains("/recover"), "nor is there a way back in: {}", login.body);
}

#[tokio::test]
async fn nobody_has_more_than_ten_addresses() {
    let (_sink, server) = server().await;
    let browser = signed_in(&server, "alice").await;
    for i in 0..10 {
        let (id, address) = (UserEmailId::new(i.to_string()), format!("alice{i}@example.com"));
        let mut tx = server.app.db.write().await.unwrap();
        let user = server.user_id("alice").await;
        assert!(claim(&mut tx, &id, &user, &address, i).await.unwrap());
        tx.commit().await.unwrap();
    }
    browser.enter_address(ALICE).await.assert_page(422, "You have as many addresses as there can be.");
}
