//! Which events are told by mail, to whom, and how often (spec WEB-17, ACT-09, REF-06).

use keymaker::{
    clock::{DAY, HOUR, MINUTE},
    domain::event::Event,
    flows::{Caller, event::record, manage},
    language::Language,
};
use serde_json::json;

use super::{FIREFOX, NEWER_FIREFOX, SAFARI, server};
use crate::support::{
    MATRIX_SCOPE, Server, Tokens,
    compat::token_login,
    eventually,
    smtp::{Received, SmtpSink},
};

async fn server_with_alice() -> (SmtpSink, Server) {
    let (sink, server) = server().await;
    server.user_with_email("alice").await;
    (sink, server)
}

const ALICE: &str = "alice@example.com";

/// What a mail says in its subject, behind the name of the service.
fn happened(mail: &Received) -> String {
    mail.subject().split_once(": ").unwrap().1.to_owned()
}

#[tokio::test]
async fn a_sign_in_in_a_new_browser_is_told_and_one_in_a_known_browser_is_not() {
    let (sink, server) = server_with_alice().await;
    server.sign_in_with("alice", FIREFOX, "en").await;
    let mail = sink.mail_to(ALICE).await;
    assert_eq!(happened(&mail), "Signed in with a new browser");
    let text = mail.text();
    for words in ["@alice:localhost", "Firefox on Linux", "127.0.0.1", &format!("{}account/", server.base)] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    // A new version is no new browser.
    server.sign_in_with("alice", NEWER_FIREFOX, "en").await;
    server.sign_in_with("alice", SAFARI, "fr-CA, en;q=0.5").await;
    let mail = sink.nth_mail_to(ALICE, 2).await;
    assert_eq!(mail.subject(), "localhost\u{a0}: Connexion avec un nouveau navigateur");
    assert!(mail.text().contains("Safari sous iOS"), "{}", mail.text());
    server.settle_mails().await;
    assert_eq!(sink.mails().len(), 2);
    assert_eq!(
        server.events("alice").await,
        ["registered", "new_browser_signed_in", "signed_in", "new_browser_signed_in"]
    );
    // After a year without, a browser is as good as new.
    server.clock.advance(366 * DAY);
    server.sign_in_with("alice", SAFARI, "en").await;
    sink.nth_mail_to(ALICE, 3).await;
}

#[tokio::test]
async fn the_browser_in_which_an_account_was_created_is_no_new_one() {
    let (sink, server) = server_with_alice().await;
    let (ip, user_agent) = (Some("192.0.2.7".to_owned()), Some(FIREFOX.to_owned()));
    let caller = Caller { ip, user_agent, ..Caller::default() };
    server.happen("alice", Event::Registered, &caller).await;
    server.sign_in_with("alice", NEWER_FIREFOX, "en").await;
    server.sign_in_with("alice", SAFARI, "en").await;
    sink.mail_to(ALICE).await;
    assert_eq!(server.browser().sign_up("bob").await.status, 303);
    assert_eq!(server.events("bob").await, ["registered", "signed_in"]);
    assert_eq!(server.events("alice").await, ["registered", "registered", "signed_in", "new_browser_signed_in"]);
}

#[tokio::test]
async fn links_lead_to_the_configured_address_whatever_a_request_says() {
    // INV-10, WEB-13
    let (sink, server) = server_with_alice().await;
    let http = server.http.with_cookies();
    let page = http.get("login").await;
    let form = [
        ("csrf", crate::support::person::csrf_of(&page.body)),
        ("username", "alice".to_owned()),
        ("password", crate::support::PASSWORD.to_owned()),
    ];
    let request = http.client.post(http.url("login")).form(&form);
    let request = request.header("host", "evil.example").header("x-forwarded-host", "evil.example");
    assert_eq!(http.send(request.header("user-agent", "Visit evil.example/1.0")).await.status, 303);
    let mail = sink.mail_to(ALICE).await;
    assert!(!mail.raw.contains("evil") && !mail.text().contains("evil") && !mail.html().contains("evil"));
    assert!(mail.text().contains(&format!("{}account/", server.base)));
}

#[tokio::test]
async fn a_new_session_of_an_app_is_told_and_one_on_a_known_device_is_not() {
    let (sink, server) = server_with_alice().await;
    let login = json!({ "device_id": "NIO", "initial_device_display_name": "Alice's bot" });
    assert_eq!(server.password_login("alice", login.clone()).await.status, 200);
    let mail = sink.mail_to(ALICE).await;
    assert_eq!(happened(&mail), "An app signed in to your account");
    assert!(mail.text().contains("App: Alice's bot"), "{}", mail.text());
    assert_eq!(server.password_login("alice", login).await.status, 200);
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    sink.nth_mail_to(ALICE, 3).await;
    let told: Vec<_> = sink.mails().into_iter().filter(|mail| mail.text().contains("App: Example App")).collect();
    assert_eq!(told.iter().map(happened).collect::<Vec<_>>(), ["An app signed in to your account"]);
    assert!(server.is_active(&tokens.access).await);
    // An application that only knows who somebody is has no device: it is known by its name.
    for _ in 0..2 {
        let code = server.code("alice", &tokens.client_id, "openid").await;
        assert_eq!(server.exchange(&tokens.client_id, &code).await.status, 200);
    }
    server.settle_mails().await;
    assert_eq!(
        server.events("alice").await,
        [
            "registered",
            "new_app_signed_in",
            "app_signed_in",
            "new_browser_signed_in",
            "new_app_signed_in",
            "signed_in",
            "app_signed_in",
            "signed_in",
            "app_signed_in",
        ]
    );
    assert_eq!(sink.mails().len(), 3);
}

#[tokio::test]
async fn an_app_is_told_of_in_the_language_that_its_sign_in_asked_for() {
    let (sink, server) = server_with_alice().await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let request = [server.request(&client_id, MATRIX_SCOPE), vec![("ui_locales", "fr")]].concat();
    let code = browser.allow(&request).await;
    assert_eq!(server.exchange(&client_id, &code).await.status, 200);
    sink.nth_mail_to(ALICE, 2).await;
    let told: Vec<_> = sink.mails().iter().map(happened).collect();
    assert!(told.contains(&"Une application s’est connectée à votre compte".to_owned()), "{told:?}");
}

#[tokio::test]
async fn a_replayed_refresh_token_is_told_once_an_hour() {
    // REF-06
    let (sink, server) = server_with_alice().await;
    let replay = async || {
        let first = server.log_in("alice", MATRIX_SCOPE).await;
        let second = Tokens::of(&server.refresh(&first).await, &first.client_id);
        assert_eq!(server.refresh(&second).await.status, 200);
        server.refresh(&first).await.assert_error(400, "invalid_grant");
        // It ended once; what comes after that is told to nobody.
        server.refresh(&first).await.assert_error(400, "invalid_grant");
    };
    let told = || sink.mails().into_iter().filter(|mail| mail.subject().contains("used twice")).collect::<Vec<_>>();
    replay().await;
    eventually("the mail", async || told().len() == 1).await;
    let text = told()[0].text();
    assert!(text.contains("App: Example App") && text.contains("may have been stolen"), "{text}");
    replay().await;
    server.settle_mails().await;
    assert_eq!(told().len(), 1, "nobody's mailbox fills up");
    server.clock.advance(HOUR + MINUTE);
    replay().await;
    eventually("another mail", async || told().len() == 2).await;
    let replays = server.events("alice").await.into_iter().filter(|kind| kind == "refresh_token_replayed").count();
    assert_eq!(replays, 3, "all of them are written down");
}

#[tokio::test]
async fn a_replayed_code_and_a_replayed_login_token_are_told() {
    // TOK-03, CMP-16
    let (sink, server) = server_with_alice().await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, MATRIX_SCOPE).await;
    assert_eq!(server.exchange(&client_id, &code).await.status, 200);
    server.clock.advance(MINUTE);
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
    let told = || sink.mails().iter().filter(|mail| mail.subject().contains("its sign-in was used twice")).count();
    eventually("the mail", async || told() == 1).await;
    server.clock.advance(2 * HOUR);
    let browser = server.browser();
    browser.sign_in("alice").await;
    let token = browser.login_token().await;
    assert_eq!(server.legacy_login(token_login(&token)).await.status, 200);
    server.clock.advance(MINUTE);
    server.legacy_login(token_login(&token)).await.assert_matrix_error(403, "M_FORBIDDEN");
    eventually("the mail", async || told() == 2).await;
}

#[tokio::test]
async fn what_an_administrator_does_is_told_as_such() {
    let (sink, server) = server_with_alice().await;
    server.audit.secret("another long passphrase 7?");
    manage::set_password(&server.app, "alice", "another long passphrase 7?").await.unwrap();
    let mail = sink.mail_to(ALICE).await;
    assert_eq!(happened(&mail), "The password was changed");
    assert!(mail.text().contains("The administration of this service"), "{}", mail.text());
    // A lock is for the administration to explain; a deactivation is the end, and is told.
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    manage::set_locked(&server.app, "alice", false).await.unwrap();
    manage::deactivate(&server.app, "alice", false).await.unwrap();
    manage::deactivate(&server.app, "alice", false).await.unwrap();
    let mail = sink.nth_mail_to(ALICE, 2).await;
    assert_eq!(happened(&mail), "The account was deactivated");
    manage::reactivate(&server.app, "alice").await.unwrap();
    server.settle_mails().await;
    assert_eq!(sink.mails().len(), 2);
    let expected = ["registered", "password_changed", "locked", "unlocked", "deactivated", "reactivated"];
    assert_eq!(server.events("alice").await, expected);
}

#[tokio::test]
async fn every_confirmed_address_hears_of_it_and_a_removed_one_too() {
    let (sink, server) = server_with_alice().await;
    let mut tx = server.app.db.write().await.unwrap();
    for (address, confirmed_at) in [("second@example.com", Some(1)), ("unconfirmed@example.com", None)] {
        let sql = "INSERT INTO user_emails (id, user_id, email, created_at, confirmed_at) VALUES ($1, $2, $1, $3, $4)";
        let user = server.id_of("alice").await;
        tx.sql(sql).bind(address).bind(&user).bind(1).bind(confirmed_at).execute().await.unwrap();
    }
    tx.commit().await.unwrap();
    let caller = Caller { language: Language::French, ..Caller::default() };
    let address = "removed@example.com".to_owned();
    server.happen("alice", Event::EmailRemoved { address }, &caller).await;
    for address in [ALICE, "second@example.com", "removed@example.com"] {
        let mail = sink.mail_to(address).await;
        assert!(mail.subject().contains("Une adresse e-mail a été supprimée"), "{}", mail.subject());
        assert!(mail.text().contains("Adresse e-mail\u{a0}: removed@example.com"), "{}", mail.text());
    }
    server.settle_mails().await;
    assert_eq!(sink.mails().len(), 3);
}

#[tokio::test]
async fn an_account_without_an_address_has_events_and_no_mails() {
    let (sink, server) = server().await;
    server.user("bob").await;
    server.happen("bob", Event::PasswordChanged, &Caller::default()).await;
    server.browser().sign_in("bob").await;
    assert_eq!(server.events("bob").await, ["registered", "password_changed", "new_browser_signed_in"]);
    assert_eq!((server.waiting_mails().await, sink.mails().len()), (0, 0));
}

#[tokio::test]
async fn nobody_is_flooded_with_mails_of_one_kind() {
    let (sink, server) = server_with_alice().await;
    for event in [Event::RecoveryCodesMade, Event::WrongSecondFactor] {
        server.happen_often("alice", event, &Caller::default(), 25).await;
    }
    server.happen("alice", Event::PasswordChanged, &Caller::default()).await;
    server.settle_mails().await;
    let count = |words: &str| sink.mails().iter().filter(|mail| mail.subject().contains(words)).count();
    assert_eq!((count("recovery codes"), count("second factor was wrong"), count("password was changed")), (10, 1, 1));
    server.clock.advance(DAY + MINUTE);
    server.happen("alice", Event::RecoveryCodesMade, &Caller::default()).await;
    eventually("the next one", async || count("recovery codes") == 11).await;
}

#[tokio::test]
async fn a_mail_belongs_to_what_happened() {
    // The transaction that is never committed leaves neither an event nor a mail.
    let (sink, server) = server_with_alice().await;
    let user = server.id_of("alice").await;
    let mut tx = server.app.db.write().await.unwrap();
    record(&server.app, &mut tx, &user, Event::PasswordChanged, &Caller::default()).await.unwrap();
    drop(tx);
    assert_eq!((server.waiting_mails().await, server.events("alice").await.len()), (0, 1));
    assert!(sink.mails().is_empty());
}
