//! Changing the password, or getting a first one (spec ACT-09, PWD-01, PWD-04).

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::{
    clock::MINUTE,
    crypto::secret::{Kind, Secret},
    domain::amr::Amr,
    flows::{
        Caller,
        browser::{self, Proved},
    },
};

use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server, Setup,
    authenticator::Authenticator,
    homeserver::FakeHomeserver,
    http::Answer,
    person::{Person, attribute},
    smtp::SmtpSink,
};

const ANOTHER: &str = "seven purple otters dance at 4";

fn proof_in(page: &Answer) -> String {
    attribute(&page.body, "name=\"proof\" value=\"").unwrap()
}

/// Tells whether name and password are right.
async fn opens(server: &Server, name: &str, password: &str) -> bool {
    let browser = server.browser();
    let (_, page) = browser.open("login").await;
    let answer = browser.submit(&page, &[("username", name), ("password", password)]).await;
    assert!(matches!(answer.status, 303 | 401), "{}", answer.body);
    answer.status == 303
}

async fn start(setup: Setup) -> (Server, Person) {
    let server = setup.start().await;
    server.user_with_address("alice", "alice@example.com").await;
    server.audit.secret(ANOTHER);
    let browser = server.browser();
    browser.sign_in("alice").await;
    (server, browser)
}

async fn change(browser: &Person, password: &str, more: &[(&str, &str)]) -> Answer {
    let page = browser.form_of("change-password").await;
    let proof = proof_in(&page);
    let fields = [("password", password), ("proof", proof.as_str())].into_iter().chain(more.iter().copied());
    browser.submit(&page, &fields.collect::<Vec<_>>()).await
}

#[tokio::test]
async fn a_new_password_signs_the_other_browsers_out_and_no_app() {
    // ACT-09, WEB-01, WEB-17
    let sink = SmtpSink::start();
    let (server, browser) = start(Server::setup().mail(&sink)).await;
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    server.until_mails_are_sent().await;
    let (mails, before) = (sink.mails().len(), browser.http.cookies());

    let page = browser.form_of("change-password").await;
    assert!(page.body.contains("autocomplete=\"new-password\"") && page.body.contains("autocomplete=\"username\""));
    assert!(opens(&server, "alice", PASSWORD).await, "looking changes nothing");
    let answer = change(&browser, ANOTHER, &[]).await;
    assert_eq!(answer.location(), "/account/security?done=change-password", "{}", answer.body);
    browser.get(answer.location()).await.assert_page(200, "The password was changed.");
    assert_ne!(browser.http.cookies(), before, "WEB-01: a new id");
    assert!(!elsewhere.is_signed_in().await, "the other browser is signed out");
    assert!(server.is_active(&tokens.access).await, "the app is not");
    assert!(!opens(&server, "alice", PASSWORD).await && opens(&server, "alice", ANOTHER).await);
    server.until_mails_are_sent().await;
    let told: Vec<_> = sink.mails()[mails..].iter().map(|mail| mail.subject()).collect();
    assert_eq!(told.iter().filter(|subject| subject.contains("The password was changed")).count(), 1, "{told:?}");

    // The cookie that this browser had is nobody's.
    let request = server.http.client.get(server.url("account/security")).header("cookie", before);
    assert_eq!(server.http.send(request).await.status, 303);
}

#[tokio::test]
async fn the_apps_are_signed_out_as_well_where_that_is_wanted() {
    // ACT-09
    let homeserver = Arc::new(FakeHomeserver::default());
    let (server, browser) = start(Server::setup().homeserver(homeserver.clone())).await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    assert!(homeserver.has_device("alice", "ABCDEFGHIJ"));
    let answer = change(&browser, ANOTHER, &[("apps", "end")]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(!server.is_active(&tokens.access).await);
    assert!(browser.is_signed_in().await);
    let is_gone = async || !homeserver.has_device("alice", "ABCDEFGHIJ");
    crate::support::eventually("the device is gone", is_gone).await;
}

#[tokio::test]
async fn a_password_that_is_no_good_is_refused_and_the_form_goes_on() {
    // PWD-01, PWD-03
    let (server, browser) = start(Server::setup().with("passwords.minimum_complexity", "1")).await;
    let page = browser.form_of("change-password").await;
    let proof = proof_in(&page);
    let table = [
        ("", "Choose a password."),
        ("password", "This password is too easy to guess."),
        ("alice", "This password is too easy to guess."),
        ("x9#kQ2", "Use at least eight characters."),
        (&"x".repeat(2000), "This password is too long."),
    ];
    for (password, words) in table {
        let fields = [("password", password), ("proof", &proof), ("apps", "end")];
        let answer = browser.submit(&page, &fields).await;
        answer.assert_page(422, words);
        assert!(answer.body.contains("value=\"end\" aria-describedby=\"apps-hint\" checked"), "{}", answer.body);
        assert!(!answer.body.contains(&format!("value=\"{password}\"")) || password.is_empty() || password == "alice");
    }
    assert!(opens(&server, "alice", PASSWORD).await);
    let answer = browser.submit(&page, &[("password", ANOTHER), ("proof", &proof)]).await;
    assert_eq!(answer.status, 303, "the proof was not used up: {}", answer.body);
}

#[tokio::test]
async fn without_a_proof_for_this_act_nothing_is_changed() {
    // INV-06
    let (server, browser) = start(Server::setup()).await;
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let others = proof_in(&elsewhere.form_of("change-password").await);
    let another_act = proof_in(&browser.form_of("add-email").await);
    let own = browser.form_of("change-password").await;
    let csrf = attribute(&own.body, "name=\"csrf\" value=\"").unwrap();
    let confirm = "/account/confirm?act=change-password";
    for proof in ["", "nothing", &others, &another_act] {
        let form = [("csrf", csrf.as_str()), ("proof", proof), ("password", ANOTHER)];
        assert_eq!(browser.http.post("account/password", &form).await.location(), confirm, "{proof}");
        assert_eq!(browser.get(&format!("account/password?proof={proof}")).await.location(), confirm, "{proof}");
    }
    assert_eq!(server.browser().get("account/password").await.location(), confirm);
    let proof = proof_in(&own);
    server.pass(5 * MINUTE).await;
    let answer = browser.submit(&own, &[("password", ANOTHER), ("proof", &proof)]).await;
    assert_eq!(answer.location(), confirm, "five minutes are over");
    assert!(opens(&server, "alice", PASSWORD).await);
}

#[tokio::test]
async fn of_twenty_changes_at_once_on_one_proof_one_is_made() {
    // INV-01, INV-06, TST-04
    let (server, browser) = start(Server::setup()).await;
    let page = browser.form_of("change-password").await;
    let proof = proof_in(&page);
    let passwords: Vec<String> = (0..20).map(|i| format!("{ANOTHER} {i}")).collect();
    let changes = passwords.iter().map(|password| {
        let (browser, page, proof) = (&browser, &page, &proof);
        async move { browser.submit(page, &[("password", password), ("proof", proof)]).await }
    });
    let answers = join_all(changes).await;
    let done = |answer: &Answer| answer.header("location") == Some("/account/security?done=change-password");
    assert_eq!(answers.iter().filter(|answer| done(answer)).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 403 | 503)), "{answers:?}");
    let winner = answers.iter().position(done).unwrap();
    assert!(opens(&server, "alice", &passwords[winner]).await && !opens(&server, "alice", PASSWORD).await);
}

#[tokio::test]
async fn what_was_begun_on_the_old_password_leads_nowhere() {
    // INV-05, INV-06: a login in its second step, a proof, and a login whose password was right a moment before.
    let (server, browser) = start(Server::setup()).await;
    let app = browser.add_totp(&server).await;
    server.pass(MINUTE).await;
    let thief = server.browser();
    let second_step = thief.enter_password("alice").await;
    let proved = Proved {
        user: server.user_id("alice").await,
        at: server.clock.now(),
        amr: Amr::password(),
        proof: None,
        trip: None,
    };
    let waiting = browser.confirm("remove-totp", None).await;
    let code = app.code(&server);
    let answer = browser.act("change-password", None, Some(&code)).await;
    let page = browser.get(answer.location()).await;
    server.pass(1).await;
    let answer = browser.submit(&page, &[("password", ANOTHER), ("proof", &proof_in(&page))]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);

    server.pass(MINUTE).await;
    let code = app.code(&server);
    assert_eq!(thief.submit(&second_step, &[("totp", &code)]).await.status, 400);
    assert_eq!(browser.get(waiting.location()).await.status, 400, "the proof is gone");
    let refused =
        browser::start(&server.app, &Secret::generate(Kind::Browser), &proved, None, &Caller::default()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.to_string(), "too much is going on just now; try again in a moment");
}

#[tokio::test]
async fn whoever_has_only_a_passkey_can_choose_a_password() {
    // PWD-04
    let (server, browser) = start(Server::setup().with_passkeys()).await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    let mut passkey = browser.add_passkey(&authenticator, "Key").await;
    let answer = browser.act("remove-password", None, None).await;
    assert_eq!(answer.location(), "/account/security?done=remove-password", "{}", answer.body);
    assert!(!opens(&server, "alice", PASSWORD).await);

    let page = browser.confirm_page("change-password", None).await;
    let answer = browser.use_passkey(&page, &authenticator, &mut passkey).await;
    let page = browser.get(answer.location()).await;
    page.assert_page(200, "Choose a new password");
    let answer = browser.submit(&page, &[("password", ANOTHER), ("proof", &proof_in(&page))]).await;
    assert_eq!(answer.location(), "/account/security?done=change-password", "{}", answer.body);
    assert!(opens(&server, "alice", ANOTHER).await);
}

#[tokio::test]
async fn where_passwords_are_switched_off_nobody_chooses_one() {
    let setup = Server::setup().with("passwords.enabled", "false");
    let server = setup.with("account.password_registration_enabled", "false").start().await;
    assert_eq!(server.browser().get("account/password").await.status, 403);
    assert_eq!(server.browser().get("recover").await.status, 403);
}
