//! The way back in after a forgotten password, by a link in a mail (spec RCV-03).

use futures_util::future::join_all;
use keymaker::{
    clock::{HOUR, MINUTE},
    flows::manage,
};

use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server, Setup,
    authenticator::Authenticator,
    http::Answer,
    mailbox::link_of,
    person::{Person, attribute},
    smtp::SmtpSink,
};

const ALICE: &str = "alice@example.com";
const ANOTHER: &str = "seven purple otters dance at 4";
const OVER: &str = "This link is no longer good";

async fn start_with(setup: Setup) -> (SmtpSink, Server) {
    let sink = SmtpSink::start();
    let server = setup.mail(&sink).start().await;
    server.user_with_address("alice", ALICE).await;
    server.audit.secret(ANOTHER);
    (sink, server)
}

async fn start() -> (SmtpSink, Server) {
    start_with(Server::setup()).await
}

/// Asks for a link to an address that gets its first mail, and gives the link.
async fn obtain(sink: &SmtpSink, server: &Server, address: &str) -> String {
    let before = sink.mails_to(address).len();
    assert_eq!(server.browser().ask_for_link(address).await.location(), "/recover/sent");
    server.nth_mailed_link(sink, address, before + 1).await
}

/// Opens a link in a browser of its own, and sends its form.
async fn choose(server: &Server, link: &str, password: &str) -> Answer {
    let browser = server.browser();
    let page = browser.get(link).await;
    page.assert_page(200, "Choose a new password");
    browser.submit(&page, &[("password", password)]).await
}

/// Tells whether name and password are right.
async fn opens(server: &Server, password: &str) -> bool {
    let browser = server.browser();
    let (_, page) = browser.open("login").await;
    let answer = browser.submit(&page, &[("username", "alice"), ("password", password)]).await;
    assert!(matches!(answer.status, 303 | 401), "{}", answer.body);
    answer.status == 303
}

#[tokio::test]
async fn whoever_forgot_the_password_gets_back_in_by_mail() {
    // RCV-03, WEB-17
    let (sink, server) = start().await;
    let (signed_in, tokens) = (server.browser(), server.log_in("alice", MATRIX_SCOPE).await);
    signed_in.sign_in("alice").await;
    server.until_mails_are_sent().await;
    let browser = server.browser();
    let login = browser.get("login").await;
    let href = attribute(&login.body, "<p class=\"aside\"><a href=\"").unwrap();
    assert_eq!(href, "/recover");
    let answer = browser.ask_for_link(" Alice@Example.com ").await;
    browser.get(answer.location()).await.assert_page(200, "If an account has this address");
    let is_there = async || sink.mails_to(ALICE).iter().any(|mail| mail.subject().contains("Get back into"));
    crate::support::eventually("the link arrives", is_there).await;
    let mail = sink.mails_to(ALICE).into_iter().find(|mail| mail.subject().contains("Get back into")).unwrap();
    let link = link_of(&mail);
    server.audit.look_for_secrets(&link);
    assert!(link.starts_with(&format!("{}recover/kmp_", server.base)), "{link}");
    assert!(mail.text().contains("30 minutes"), "{}", mail.text());

    let page = browser.get(&link).await;
    page.assert_page(200, "@alice:localhost");
    assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
    assert!(page.body.contains("autocomplete=\"new-password\"") && page.body.contains("value=\"alice\" autocomplete"));
    let answer = browser.submit(&page, &[("password", ANOTHER)]).await;
    assert_eq!(answer.location(), "/recover/done", "{}", answer.body);
    assert_eq!(answer.set_cookie("keymaker_session"), None, "nobody is signed in by it");
    browser.get(answer.location()).await.assert_page(200, "Your new password is set");
    assert!(!browser.is_signed_in().await);
    assert!(opens(&server, ANOTHER).await && !opens(&server, PASSWORD).await);
    assert!(!signed_in.is_signed_in().await, "browsers are signed out");
    assert!(server.is_active(&tokens.access).await, "apps are not");
    let is_told = async || sink.mails_to(ALICE).iter().any(|mail| mail.subject().contains("recovered by e-mail"));
    crate::support::eventually("the owner hears of it", is_told).await;
}

#[tokio::test]
async fn looking_at_a_link_changes_nothing() {
    // RCV-03: programs that read mail fetch every link.
    let (sink, server) = start().await;
    let signed_in = server.browser();
    signed_in.sign_in("alice").await;
    server.until_mails_are_sent().await;
    let link = obtain(&sink, &server, ALICE).await;
    for _ in 0..3 {
        server.get(&link).await.assert_page(200, "Choose a new password");
        let head = server.http.send(server.http.client.head(&link)).await;
        assert_eq!(head.status, 200);
    }
    // Without the form token of a browser nothing is done either.
    assert_eq!(server.post(&link, &[("password", ANOTHER)]).await.status, 403);
    assert!(opens(&server, PASSWORD).await && signed_in.is_signed_in().await);
    assert_eq!(choose(&server, &link, ANOTHER).await.location(), "/recover/done");
}

#[tokio::test]
async fn a_recovery_link_works_once() {
    // INV-01, TST-04
    let (sink, server) = start().await;
    let link = obtain(&sink, &server, ALICE).await;
    let browser = server.browser();
    let page = browser.get(&link).await;
    let passwords: Vec<String> = (0..20).map(|i| format!("{ANOTHER} {i}")).collect();
    let tries = passwords.iter().map(|password| {
        let (browser, page) = (&browser, &page);
        async move { browser.submit(page, &[("password", password)]).await }
    });
    let answers = join_all(tries).await;
    let done = |answer: &Answer| answer.header("location") == Some("/recover/done");
    assert_eq!(answers.iter().filter(|answer| done(answer)).count(), 1);
    // On a machine with few cores the queue of the hasher may be full.
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 404 | 503)), "{answers:?}");
    let winner = answers.iter().position(done).unwrap();
    assert!(opens(&server, &passwords[winner]).await);
    browser.get(&link).await.assert_page(404, OVER);
    browser.submit(&page, &[("password", ANOTHER)]).await.assert_page(404, OVER);
    assert!(!opens(&server, ANOTHER).await);
    let count = "SELECT COUNT(*) FROM account_events WHERE kind = 'recovered_by_email'";
    assert_eq!(server.app.db.sql(count).one::<(i64,)>().await.unwrap().0, 1);
}

#[tokio::test]
async fn every_link_that_is_not_good_shows_one_page() {
    // RCV-03, INV-02, INV-13
    let (sink, server) = start().await;
    let link = obtain(&sink, &server, ALICE).await;
    let browser = server.browser();
    let page = browser.get(&link).await;
    let secret = link.rsplit('/').next().unwrap().to_owned();
    let code = server.code_of_authorization("alice").await;
    server.pass(30 * MINUTE).await;
    let expired = browser.get(&link).await;
    expired.assert_page(404, OVER);
    assert!(expired.body.contains("href=\"/recover\""), "it can be begun again: {}", expired.body);
    browser.submit(&page, &[("password", ANOTHER)]).await.assert_page(404, OVER);
    assert!(opens(&server, PASSWORD).await);
    let changed = format!("{}x", &secret[..secret.len() - 1]);
    let renamed = format!("kmb{}", &secret[3..]);
    for wrong in ["x", &changed, &renamed, &code, "kmp_", "%00", &"k".repeat(3000)] {
        let answer = browser.get(&format!("recover/{wrong}")).await;
        answer.assert_page(404, OVER);
        assert_eq!(answer.body, expired.body, "{wrong}");
    }
}

#[tokio::test]
async fn for_an_address_that_is_nobodys_all_is_as_for_one_that_is_somebodys() {
    // RCV-03, RTL-05
    let (sink, server) = start().await;
    let browser = server.browser();
    let (known, unknown) = (browser.ask_for_link(ALICE).await, browser.ask_for_link("nobody@example.com").await);
    let shape = |answer: &Answer| {
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        (answer.status, answer.location().to_owned(), answer.body.clone(), names)
    };
    assert_eq!(shape(&known), shape(&unknown));
    server.until_recoveries_are_done().await;
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails().len(), 1, "nobody hears of the other address");
    assert_eq!(sink.mails_to(ALICE).len(), 1);
    for wrong in ["", "alice", "alice@example.com, bob@example.com"] {
        browser.ask_for_link(wrong).await.assert_page(422, "This is not an e-mail address.");
    }
}

#[tokio::test]
async fn nothing_is_sent_to_addresses_and_accounts_that_are_not_good() {
    // RCV-03, DEV-12, DEV-14
    let (sink, server) = start().await;
    for name in ["locked", "gone", "unsure"] {
        server.user_with_address(name, &format!("{name}@example.com")).await;
    }
    manage::set_locked(&server.app, "locked", true).await.unwrap();
    manage::deactivate(&server.app, "gone", false).await.unwrap();
    let mut tx = server.app.db.write().await.unwrap();
    let unconfirm = "UPDATE user_emails SET confirmed_at = NULL WHERE email = 'unsure@example.com'";
    tx.sql(unconfirm).execute().await.unwrap();
    tx.commit().await.unwrap();
    server.until_mails_are_sent().await;
    let before = sink.mails().len();
    for name in ["locked", "gone", "unsure"] {
        let answer = server.browser().ask_for_link(&format!("{name}@example.com")).await;
        assert_eq!(answer.location(), "/recover/sent");
    }
    server.until_recoveries_are_done().await;
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails().len(), before);

    // A link that was sent before is no good any more.
    let link = obtain(&sink, &server, ALICE).await;
    let browser = server.browser();
    let page = browser.get(&link).await;
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    browser.submit(&page, &[("password", ANOTHER)]).await.assert_page(404, OVER);
    manage::set_locked(&server.app, "alice", false).await.unwrap();
    assert!(opens(&server, PASSWORD).await);
}

#[tokio::test]
async fn a_link_is_void_when_the_password_or_the_addresses_have_changed() {
    // RCV-03
    let (sink, server) = start().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    server.until_mails_are_sent().await;

    let link = obtain(&sink, &server, ALICE).await;
    let page = browser.form_of("change-password").await;
    let proof = attribute(&page.body, "name=\"proof\" value=\"").unwrap();
    browser.submit(&page, &[("password", PASSWORD), ("proof", &proof)]).await;
    browser.get(&link).await.assert_page(404, OVER);
    server.until_mails_are_sent().await;

    let link = obtain(&sink, &server, ALICE).await;
    manage::set_password(&server.app, "alice", PASSWORD).await.unwrap();
    browser.get(&link).await.assert_page(404, OVER);
    server.until_mails_are_sent().await;

    let link = obtain(&sink, &server, ALICE).await;
    let page = browser.page_of_code("second@example.com").await;
    let code = server.mailed_code(&sink, "second@example.com").await;
    browser.submit(&page, &[("code", &code)]).await;
    browser.get(&link).await.assert_page(404, OVER);
    server.until_mails_are_sent().await;

    server.pass(HOUR).await;
    let link = obtain(&sink, &server, ALICE).await;
    let open = browser.get(&link).await;
    open.assert_page(200, "Choose a new password");
    let id = server.address_id(ALICE).await;
    browser.act("remove-email", Some(&id), None).await;
    browser.submit(&open, &[("password", ANOTHER)]).await.assert_page(404, OVER);
    assert!(opens(&server, PASSWORD).await);
}

#[tokio::test]
async fn with_one_link_the_others_and_what_was_begun_are_over_too() {
    // RCV-03, INV-06
    let (sink, server) = start().await;
    let thief = server.browser();
    thief.sign_in("alice").await;
    let proof = thief.confirm("add-email", None).await;
    server.until_mails_are_sent().await;
    let first = obtain(&sink, &server, ALICE).await;
    let second = obtain(&sink, &server, ALICE).await;
    assert_ne!(first, second);
    server.get(&first).await.assert_page(200, "Choose a new password");
    assert_eq!(choose(&server, &second, ANOTHER).await.location(), "/recover/done");
    server.get(&first).await.assert_page(404, OVER);
    assert_eq!(thief.get(proof.location()).await.location(), "/account/confirm?act=add-email");
    let proofs: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM proofs").one().await.unwrap();
    assert_eq!(proofs.0, 0);
}

#[tokio::test]
async fn three_links_an_hour_are_sent_to_one_account() {
    // RTL-02: also when many ask at once.
    let (sink, server) = start().await;
    let browsers: Vec<Person> = (0..20).map(|_| server.browser()).collect();
    let answers = join_all(browsers.iter().map(|browser| browser.ask_for_link(ALICE))).await;
    assert!(answers.iter().all(|answer| answer.location() == "/recover/sent"), "nobody sees the limit");
    server.until_recoveries_are_done().await;
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails_to(ALICE).len(), 3);
    server.pass(HOUR).await;
    obtain(&sink, &server, ALICE).await;
}

#[tokio::test]
async fn the_second_factor_is_asked_for_all_the_same() {
    // RCV-03, INV-06
    let (sink, server) = start().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let app = browser.add_totp(&server).await;
    server.until_mails_are_sent().await;
    let link = obtain(&sink, &server, ALICE).await;
    assert_eq!(choose(&server, &link, ANOTHER).await.location(), "/recover/done");

    let thief = server.browser();
    let (_, login) = thief.open("login").await;
    let answer = thief.submit(&login, &[("username", "alice"), ("password", ANOTHER)]).await;
    assert!(answer.location().starts_with("/factor?proof="), "{}", answer.location());
    assert!(!thief.is_signed_in().await);
    let page = thief.get(answer.location()).await;
    thief.submit(&page, &[("totp", &app.wrong_code(&server))]).await.assert_page(403, "This code is wrong");
    assert!(!thief.is_signed_in().await);
    assert_eq!(thief.submit(&page, &[("totp", &app.code(&server))]).await.location(), "/account/");
}

#[tokio::test]
async fn an_account_without_a_password_gets_one_by_a_link() {
    // PWD-04: the passkey is still asked for where two factors are required.
    let (sink, server) = start_with(Server::setup().with_passkeys()).await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    let browser = server.browser();
    browser.sign_in("alice").await;
    let mut passkey = browser.add_passkey(&authenticator, "Key").await;
    browser.act("require-second-factor", None, None).await;
    let page = browser.confirm_page("remove-password", None).await;
    browser.use_passkey(&page, &authenticator, &mut passkey).await;
    assert!(!opens(&server, PASSWORD).await);
    server.until_mails_are_sent().await;

    let link = obtain(&sink, &server, ALICE).await;
    let path = link.split_once("/recover/").map(|(_, secret)| format!("recover/{secret}")).unwrap();
    assert_eq!(choose(&server, &path, ANOTHER).await.location(), "/recover/done");
    let again = server.browser();
    let (_, login) = again.open("login").await;
    let answer = again.submit(&login, &[("username", "alice"), ("password", ANOTHER)]).await;
    assert!(answer.location().starts_with("/factor?proof="), "{}", answer.location());
}

#[tokio::test]
async fn a_password_that_is_no_good_is_refused_and_the_link_stays_good() {
    // PWD-01
    let (sink, server) = start().await;
    let link = obtain(&sink, &server, ALICE).await;
    for (password, words) in [("", "Choose a password."), ("password", "too easy to guess"), ("alice2026", "too easy")]
    {
        choose(&server, &link, password).await.assert_page(422, words);
    }
    assert!(opens(&server, PASSWORD).await);
    assert_eq!(choose(&server, &link, ANOTHER).await.location(), "/recover/done");
}

#[tokio::test]
async fn a_link_leads_to_the_configured_address_whatever_a_request_says() {
    // INV-10, WEB-13
    let (sink, server) = start().await;
    let browser = server.browser();
    let page = browser.get("recover").await;
    let csrf = attribute(&page.body, "name=\"csrf\" value=\"").unwrap();
    let request = browser.http.client.post(server.url("recover"));
    let request = request.header("x-forwarded-host", "evil.example").header("forwarded", "host=evil.example");
    let request = request.header("host", "evil.example").form(&[("csrf", csrf.as_str()), ("email", ALICE)]);
    let answer = browser.http.send(request).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let link = server.mailed_link(&sink, ALICE).await;
    assert!(link.starts_with(&server.base), "{link}");
    assert!(!sink.mail_to(ALICE).await.raw.contains("evil.example"));
}

#[tokio::test]
async fn where_no_mail_is_sent_there_is_no_such_way() {
    let server = Server::setup().with("email.transport", "blackhole").start().await;
    let browser = server.browser();
    assert!(!browser.get("login").await.body.contains("/recover"));
    browser.get("recover").await.assert_page(403, "Not possible here");
    let csrf = browser.csrf().await;
    let answer = browser.http.post("recover", &[("csrf", &csrf), ("email", ALICE)]).await;
    answer.assert_page(403, "Not possible here");
}

impl Server {
    /// A code that a client could exchange, which is nothing here.
    async fn code_of_authorization(&self, name: &str) -> String {
        let client_id = self.client().await;
        self.code(name, &client_id, "openid").await
    }
}
