//! Accounts that wait for an administrator: nobody gets into them (INV-05), and the answer is given once.

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::{
    crypto::secret::{Kind, Secret},
    domain::{amr::Amr, refusal::Refusal},
    error::Error,
    flows::{
        Caller, approval,
        browser::{self, Proved},
        manage, recover,
    },
    remote::homeserver::Homeserver,
    store,
};
use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server, Setup,
    authenticator::Authenticator,
    changed,
    compat::{SSO_REDIRECT, token_login},
    eventually,
    homeserver::FakeHomeserver,
    http::Answer,
    person::Person,
    smtp::SmtpSink,
    waiting_jobs,
};

const WAITS: &str = "waits for the people who run this service to approve it";

/// Signs up and gives the browser, which waits.
async fn ask(server: &Server, name: &str) -> Person {
    let browser = server.browser();
    let done = browser.sign_up(name).await;
    assert!(done.location().starts_with("/register/waiting?id="), "{} {}", done.status, done.body);
    browser
}

/// Makes an account wait that has been used: so every way in can be tried that a new account does not have yet.
async fn make_wait(server: &Server, name: &str) {
    let mut tx = server.app.db.write().await.unwrap();
    let sql = "UPDATE users SET approval_required_at = 1 WHERE username = $1";
    assert_eq!(tx.sql(sql).bind(name).execute().await.unwrap(), 1);
    tx.commit().await.unwrap();
}

/// Arrives from an older client. Its redirect names the host; the story stays at the address.
async fn arrive_by_sso(browser: &Person) -> (String, Answer) {
    let answer = browser.get(&format!("{SSO_REDIRECT}?redirectUrl=https://app.example.com/")).await;
    let location = answer.location();
    browser.open(&location[location.find("/sso").unwrap()..]).await
}

#[tokio::test]
async fn an_account_that_waits_is_known_to_nobody() {
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = Server::setup().by_approval().fake_homeserver(&homeserver).start().await;
    let browser = ask(&server, "alice").await;
    assert!(!browser.is_signed_in().await);
    assert_eq!(server.count("SELECT COUNT(*) FROM sessions").await, 0);
    // What an administrator does to it meanwhile stays here as well: at the homeserver the name may be somebody else's.
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    manage::deactivate(&server.app, "alice", true).await.unwrap();
    manage::reactivate(&server.app, "alice").await.unwrap();
    manage::set_locked(&server.app, "alice", false).await.unwrap();
    eventually("the work is done", async || waiting_jobs(&server).await == 0).await;
    assert!(homeserver.calls().iter().all(|call| call.starts_with("available ")), "{:?}", homeserver.calls());

    // Whoever does not know the password learns nothing; whoever knows it learns why.
    let (alice, stranger) = (server.browser(), server.browser());
    let page = stranger.get("login").await;
    let wrong = stranger.submit(&page, &[("username", "alice"), ("password", "wrong")]).await;
    wrong.assert_page(401, "The username or the password is wrong.");
    let page = alice.get("login").await;
    let right = alice.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    right.assert_page(403, WAITS);
    assert!(!alice.is_signed_in().await);

    // The name is taken meanwhile.
    let other = server.browser();
    let page = other.get("register").await;
    let answer = other.submit(&page, &[("username", "ALICE"), ("password", PASSWORD)]).await;
    answer.assert_page(422, "Somebody else has this username.");
}

#[tokio::test]
async fn no_way_leads_into_an_account_that_waits() {
    // INV-05, RTL-05: each way works first, and none does afterwards.
    let (homeserver, sink) = (Arc::new(FakeHomeserver::default()), SmtpSink::start());
    let server = Server::setup().with_passkeys().fake_homeserver(&homeserver).mail(&sink).start().await;
    server.user_with_address("alice", "alice@example.com").await;
    let home = server.browser();
    home.sign_in("alice").await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    let mut passkey = home.add_passkey(&authenticator, "Key").await;
    let client_id = server.client().await;
    let code = home.allow(&server.request(&client_id, MATRIX_SCOPE)).await;
    let (_, page) = arrive_by_sso(&home).await;
    let allowed = home.submit(&page, &[("action", "allow")]).await;
    let login_token = allowed.location().rsplit_once("loginToken=").unwrap().1.to_owned();
    server.browser().ask_for_link("alice@example.com").await;
    // Behind the mails about the new browser and the passkey.
    let link = server.nth_mailed_link(&sink, "alice@example.com", 3).await;
    let proved_at = server.clock.now();
    make_wait(&server, "alice").await;
    let sessions = server.count("SELECT COUNT(*) FROM sessions").await;
    let mails = sink.mails().len();

    // The password, in the browser, on the way from an older client, and without a browser.
    let browser = server.browser();
    let page = browser.get("login").await;
    browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await.assert_page(403, WAITS);
    let (_, page) = arrive_by_sso(&browser).await;
    browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await.assert_page(403, WAITS);
    let answer = server.password_login("alice", json!({})).await;
    answer.assert_matrix_error(403, "M_FORBIDDEN");
    assert!(answer.body.contains("waits for the approval of an administrator"), "{}", answer.body);
    server.password_login("alice", json!({ "password": "wrong" })).await.assert_matrix_error(403, "M_FORBIDDEN");
    // A passkey.
    browser.sign_in_with_passkey(&authenticator, &mut passkey).await.assert_page(403, WAITS);
    // What was given out before.
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
    server.legacy_login(token_login(&login_token)).await.assert_matrix_error(403, "M_FORBIDDEN");
    // Mail: the link that is there, and another one.
    browser.get(&link).await.assert_page(404, "no longer good");
    browser.ask_for_link("alice@example.com").await;
    server.until_recoveries_are_done().await;
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails().len(), mails, "nobody who waits gets a way in");
    // An administrator's token, and whatever proves anything in another way, such as a provider.
    let issued = manage::issue_compatibility_token(&server.app, "alice", None, false).await;
    assert!(matches!(issued, Err(Error::Refusal(Refusal::AwaitingApproval))), "{:?}", issued.err());
    let user = server.user_id("alice").await;
    let proved = Proved { user, at: proved_at + 1, amr: Amr::password(), proof: None, trip: None };
    let started =
        browser::start(&server.app, &Secret::generate(Kind::Browser), &proved, None, &Caller::default()).await;
    assert!(matches!(started, Err(Error::Refusal(Refusal::Busy))), "{:?}", started.err());
    assert!(!browser.is_signed_in().await);
    assert_eq!(server.count("SELECT COUNT(*) FROM sessions").await, sessions, "no session was opened");
    assert!(recover::is_possible(&server.app));

    // With the approval every way is open again that proves something new.
    assert!(approval::approve(&server.app, "alice").await.is_err(), "the homeserver has the name");
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE users SET approval_required_at = NULL").execute().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.browser().sign_in_with_passkey(&authenticator, &mut passkey).await.status, 303);
    assert_eq!(server.password_login("alice", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_second_step_that_was_begun_before_ends_in_the_same_sentence() {
    // INV-05
    let server = Server::start().await;
    server.user("alice").await;
    let home = server.browser();
    home.sign_in("alice").await;
    let app = home.add_totp(&server).await;
    let browser = server.browser();
    let page = browser.enter_password("alice").await;
    make_wait(&server, "alice").await;
    browser.submit(&page, &[("totp", &app.code(&server))]).await.assert_page(403, WAITS);
    assert!(!browser.is_signed_in().await);
}

fn with_mail(sink: &SmtpSink) -> Setup {
    Server::setup()
        .by_approval()
        .mail(sink)
        .with("account.password_registration_email_required", "true")
        .with("account.registration_approval_notify", "[\"Ada <ada@example.com>\", bob@example.com]")
}

/// Signs up in French, with an address and a display name.
async fn ask_with_address(server: &Server, sink: &SmtpSink, browser: &Person, name: &str, address: &str) {
    let french = |page: &str| server.http.client.get(server.url(page)).header("accept-language", "fr");
    assert_eq!(browser.http.send(french("login")).await.status, 200);
    let page = browser.get("register").await;
    let begun = browser.submit(&page, &[("username", name), ("password", PASSWORD)]).await;
    let (_, page) = browser.open(begun.location()).await;
    let sent = browser.submit(&page, &[("email", address)]).await;
    let (_, page) = browser.open(sent.location()).await;
    let code = server.mailed_code(sink, address).await;
    let confirmed = browser.submit(&page, &[("code", &code)]).await;
    let (_, page) = browser.open(confirmed.location()).await;
    let done = browser.submit(&page, &[("display_name", "Alice 🌷")]).await;
    let (path, page) = browser.open(done.location()).await;
    assert!(path.starts_with("/register/waiting?id="), "{path}");
    page.assert_page(200, address);
}

#[tokio::test]
async fn an_approval_tells_the_homeserver_and_the_person() {
    let (homeserver, sink) = (Arc::new(FakeHomeserver::default()), SmtpSink::start());
    let server = with_mail(&sink).fake_homeserver(&homeserver).start().await;
    let browser = server.browser();
    ask_with_address(&server, &sink, &browser, "alice", "alice@example.com").await;
    for administrator in ["ada@example.com", "bob@example.com"] {
        let text = sink.mail_to(administrator).await.text();
        for part in ["@alice:hs.test", "alice@example.com", "keymaker manage approve-user @alice:hs.test"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let waiting = approval::list(&server.app).await.unwrap();
    assert_eq!((waiting[0].username.as_str(), waiting[0].email.as_deref()), ("alice", Some("alice@example.com")));
    assert!(waiting[0].ip.is_some() && waiting.len() == 1);

    assert!(approval::approve(&server.app, "@alice:hs.test").await.unwrap().1);
    assert!(!approval::approve(&server.app, "alice").await.unwrap().1, "it was approved already");
    eventually("the homeserver has her", async || {
        homeserver.calls().contains(&"provision alice Some(\"Alice 🌷\") locked=false".to_owned())
    })
    .await;
    let mail = sink.nth_mail_to("alice@example.com", 2).await;
    assert!(mail.text().contains("@alice:hs.test") && mail.text().contains("/login"), "{}", mail.text());
    browser.sign_in("alice").await;
    let events = browser.get("account/events").await;
    events.assert_page(200, "The account was approved");
    events.assert_page(200, "The account waited for approval");
    assert!(approval::list(&server.app).await.unwrap().is_empty());
    // The page of the end of sign-up leads on now.
    assert_eq!(server.count("SELECT COUNT(*) FROM mails").await, 0, "everything was sent");
    assert!(!approval::reject(&server.app, "alice", None).await.unwrap().1, "an account in use is not rejected");
    assert_eq!(server.count_users().await, 1);
}

#[tokio::test]
async fn the_answer_is_in_the_language_of_who_asked() {
    let sink = SmtpSink::start();
    let server = Server::setup().by_approval().mail(&sink).start().await;
    for (name, approves) in [("alice", true), ("bob", false)] {
        ask(&server, name).await;
        let (user, address) = (server.user_id(name).await, format!("{name}@example.com"));
        let mut tx = server.app.db.write().await.unwrap();
        let id = server.app.new_user_email_id();
        assert!(store::email::claim(&mut tx, &id, &user, &address, server.clock.now()).await.unwrap());
        store::approval::set_language(&mut tx, &user, "fr").await.unwrap();
        tx.commit().await.unwrap();
        let subject = match approves {
            true => {
                approval::approve(&server.app, name).await.unwrap();
                "Votre compte a été approuvé"
            }
            false => {
                approval::reject(&server.app, name, Some("On ne vous connaît pas.")).await.unwrap();
                "Votre compte n’a pas été approuvé"
            }
        };
        let mail = sink.mail_to(&address).await;
        assert!(mail.subject().contains(subject), "{}", mail.subject());
        assert_eq!(mail.text().contains("On ne vous connaît pas."), !approves, "{}", mail.text());
    }
}

#[tokio::test]
async fn a_rejection_frees_the_name_and_the_address_and_says_why() {
    let (homeserver, sink) = (Arc::new(FakeHomeserver::default()), SmtpSink::start());
    let server = with_mail(&sink).fake_homeserver(&homeserver).start().await;
    let browser = server.browser();
    ask_with_address(&server, &sink, &browser, "alice", "alice@example.com").await;
    assert!(approval::reject(&server.app, "alice", Some("We do not know you.")).await.unwrap().1);
    assert!(matches!(approval::reject(&server.app, "alice", None).await, Err(Error::Refusal(Refusal::NotFound))));
    let mail = sink.nth_mail_to("alice@example.com", 2).await;
    assert!(mail.text().contains("They say: We do not know you."), "{}", mail.text());
    assert_eq!(server.count_users().await, 0);
    for rows in [
        "SELECT COUNT(*) FROM user_emails",
        "SELECT COUNT(*) FROM user_passwords",
        "SELECT COUNT(*) FROM account_events",
        "SELECT COUNT(*) FROM jobs",
    ] {
        assert_eq!(server.count(rows).await, 0, "{rows}");
    }
    assert!(homeserver.calls().iter().all(|call| call.starts_with("available ")), "{:?}", homeserver.calls());
    // The name is free again.
    let page = server.browser();
    let form = page.get("register").await;
    assert_eq!(page.submit(&form, &[("username", "alice"), ("password", PASSWORD)]).await.status, 303);
}

#[tokio::test]
async fn of_yes_and_no_at_once_one_is_the_answer() {
    // INV-01
    let (homeserver, sink) = (Arc::new(FakeHomeserver::default()), SmtpSink::start());
    let server = Server::setup().by_approval().mail(&sink).fake_homeserver(&homeserver).start().await;
    for round in 0..5 {
        let name = format!("person{round}");
        ask(&server, &name).await;
        let answers = join_all((0..20).map(|number| {
            let (app, name) = (server.app.clone(), name.clone());
            async move {
                let result = match number % 2 {
                    0 => approval::approve(&app, &name).await,
                    _ => approval::reject(&app, &name, None).await,
                };
                // Whoever comes after a rejection finds nobody, and after an approval the homeserver has the name.
                matches!(result, Ok((_, true))).then_some(number % 2 == 0)
            }
        }))
        .await;
        let given: Vec<bool> = answers.into_iter().flatten().collect();
        assert_eq!(given.len(), 1, "{name}: {given:?}");
        let user = store::user::find_by_username(&server.app.db, &name).await.unwrap();
        assert_eq!(user.is_some(), given[0], "{name}");
        eventually("the work is done", async || waiting_jobs(&server).await == 0).await;
        let is_free = homeserver.is_localpart_available(&name).await.unwrap().is_ok();
        assert_eq!(is_free, !given[0], "{name}: the homeserver has who was approved, and nobody else");
    }
}

#[tokio::test]
async fn of_twenty_who_ask_for_one_name_one_waits() {
    // SGN-02
    let server = Server::setup().by_approval().start().await;
    let mut pages = Vec::new();
    for _ in 0..20 {
        let browser = server.browser();
        let page = browser.get("register").await;
        let begun = browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
        let (_, page) = browser.open(begun.location()).await;
        pages.push((browser, page));
    }
    let answers = join_all(pages.iter().map(|(browser, page)| browser.submit(page, &[("display_name", "")]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(approval::list(&server.app).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_name_that_the_homeserver_gave_away_meanwhile_is_not_approved() {
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = Server::setup().by_approval().fake_homeserver(&homeserver).start().await;
    ask(&server, "alice").await;
    homeserver.set_down(true);
    let answer = approval::approve(&server.app, "alice").await;
    assert!(matches!(answer, Err(Error::Refusal(Refusal::HomeserverUnavailable))), "{:?}", answer.err());
    homeserver.set_down(false);
    homeserver.users.lock().unwrap().insert("alice".to_owned());
    let answer = approval::approve(&server.app, "alice").await;
    assert!(matches!(answer, Err(Error::Refusal(Refusal::Username(_)))), "{:?}", answer.err());
    assert_eq!(approval::list(&server.app).await.unwrap().len(), 1, "it goes on waiting");
}

#[tokio::test]
async fn an_approval_reaches_a_homeserver_that_was_down() {
    // HSI-04: the job is durable, and nobody gets a session before it is done.
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = Server::setup().by_approval().fake_homeserver(&homeserver).start().await;
    ask(&server, "alice").await;
    homeserver.is_down_for_provisioning.store(true, std::sync::atomic::Ordering::SeqCst);
    assert!(approval::approve(&server.app, "alice").await.unwrap().1);
    eventually("it was tried", async || homeserver.calls().iter().any(|call| call.starts_with("provision "))).await;
    assert_eq!(server.password_login("alice", json!({})).await.status, 503);
    homeserver.is_down_for_provisioning.store(false, std::sync::atomic::Ordering::SeqCst);
    eventually("she gets in", async || {
        server.clock.advance(keymaker::clock::MINUTE);
        server.password_login("alice", json!({})).await.status == 200
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_sign_ups_is_no_flood_of_mails() {
    let sink = SmtpSink::start();
    let server = Server::setup()
        .by_approval()
        .mail(&sink)
        .with("account.registration_approval_notify", "[ada@example.com]")
        .start()
        .await;
    for number in 0..12 {
        ask(&server, &format!("person{number}")).await;
    }
    server.until_mails_are_sent().await;
    assert_eq!(sink.mails_to("ada@example.com").len(), 10);
    server.clock.advance(keymaker::clock::HOUR + 1);
    ask(&server, "later").await;
    sink.nth_mail_to("ada@example.com", 11).await;
}

#[tokio::test]
async fn the_page_of_who_waits_is_theirs_and_says_what_comes_next() {
    let server = Server::setup().by_approval().start().await;
    let client_id = server.client().await;
    let (browser, stranger) = (server.browser(), server.browser());
    let request = changed(&server.request(&client_id, MATRIX_SCOPE), "prompt", Some("create"));
    let (_, page) = browser.arrive(&request).await;
    let begun = browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    let waiting = begun.location().replace("finish", "waiting");
    assert_eq!(browser.get(&waiting).await.status, 400, "it does not wait yet");
    let (_, page) = browser.open(begun.location()).await;
    let done = browser.submit(&page, &[("display_name", "")]).await;
    assert_eq!(done.location(), waiting);
    for _ in 0..2 {
        let page = browser.get(&waiting).await;
        page.assert_page(200, "@alice:localhost");
        page.assert_page(200, "begin again at app.example.com");
    }
    let foreign = stranger.get(&waiting).await;
    assert!(foreign.status == 403 && !foreign.body.contains("alice"), "{} {}", foreign.status, foreign.body);
    for path in ["register/waiting", "register/waiting?id=", "register/waiting?id=%00", "register/waiting?id=nothing"] {
        assert_eq!(browser.get(path).await.status, 400, "{path}");
    }
    approval::approve(&server.app, "alice").await.unwrap();
    let (path, page) = browser.open(&waiting).await;
    assert!(path.starts_with("/login?grant="), "{path}");
    let answer = browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert!(answer.location().starts_with("/consent/"), "the client still waits: {}", answer.location());
}
