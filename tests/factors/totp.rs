//! Authenticator apps (spec 17.2): from the first code to the last.

use futures_util::future::join_all;
use keymaker::clock::{MINUTE, SECOND};

use crate::support::{
    PASSWORD, Server,
    factors::{App, seed_of},
    person::{Person, attribute},
};

const STEP: i64 = 30 * SECOND;
const WRONG: &str = "This code is wrong, or it was used already.";
const TOO_MANY: &str = "There were too many wrong codes.";

/// Somebody with an app, and the browser where it was set up.
async fn somebody(server: &Server, name: &str) -> (Person, App) {
    server.user(name).await;
    let browser = server.browser();
    browser.sign_in(name).await;
    let app = browser.add_totp(server).await;
    // What was used so far is far behind.
    server.clock.advance(10 * STEP);
    (browser, app)
}

#[tokio::test]
async fn an_app_counts_only_after_its_first_code() {
    // OTP-01, OTP-02, WEB-15
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let page = browser.page_to_add_totp().await;
    let seed = seed_of(&page);
    server.audit.secret(&seed);
    assert_eq!(seed.len(), 32, "160 bits in base32: {seed}");
    assert!(page.body.contains("<svg"), "the picture is made here");
    let uri = attribute(&page.body, "href=\"otpauth:").unwrap();
    let wanted = [format!("secret={seed}&"), "issuer=localhost".to_owned()];
    assert!(uri.starts_with("//totp/localhost:alice?"), "{uri}");
    assert!(wanted.iter().all(|part| format!("{uri}&").contains(part)), "{uri}");
    // What apps take where nothing is said is what is meant: SHA-1, six digits, thirty seconds.
    for part in uri.split(['?', '&']) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let expected = match name {
            "algorithm" => "SHA1",
            "digits" => "6",
            "period" => "30",
            _ => continue,
        };
        assert_eq!(value, expected, "{uri}");
    }

    let app = App::set_up(&page);
    let answer = browser.submit(&page, &[("totp", &app.wrong_code(&server))]).await;
    answer.assert_page(403, WRONG);
    assert_eq!(seed_of(&answer), seed, "the same seed is still there");
    let other = server.browser();
    assert_eq!(other.enter_password("alice").await.status, 303, "nothing is asked for yet");
    assert!(other.is_signed_in().await);

    let answer = browser.submit(&page, &[("totp", &app.code(&server))]).await;
    browser.get(answer.location()).await.assert_page(200, "The app is set up.");
    let third = server.browser();
    third.enter_password("alice").await.assert_page(200, "One more step");
    assert!(!third.is_signed_in().await);
    // The seed is not shown again, and the form that showed it is over.
    assert!(browser.get("account/totp").await.location().starts_with("/account/confirm?act=add-totp"));
    assert_eq!(browser.submit(&page, &[("totp", &app.code(&server))]).await.status, 400);
}

#[tokio::test]
async fn a_seed_waits_for_its_first_code_for_ten_minutes() {
    // OTP-02, INV-15
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let page = browser.page_to_add_totp().await;
    server.clock.advance(10 * MINUTE);
    let answer = browser.submit(&page, &[("totp", &App::set_up(&page).code(&server))]).await;
    answer.assert_page(400, "It took too long");
    assert!(browser.get("account/totp").await.location().starts_with("/account/confirm?act=add-totp"));

    // Another try has another seed; the one before it is forgotten.
    let first = browser.page_to_add_totp().await;
    let second = browser.page_to_add_totp().await;
    assert_ne!(seed_of(&first), seed_of(&second));
    let old = App::set_up(&first);
    browser.submit(&second, &[("totp", &old.code(&server))]).await.assert_page(403, WRONG);
    let answer = browser.submit(&second, &[("totp", &App::set_up(&second).code(&server))]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
}

#[tokio::test]
async fn a_seed_is_nowhere_to_be_read() {
    // INV-03, OTP-01: the audit searches database and log for its text; here for its bytes.
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let page = browser.page_to_add_totp().await;
    server.audit.secret(&seed_of(&page));
    let app = App::set_up(&page);
    for confirmed in [false, true] {
        let (stored,): (Vec<u8>,) = server.app.db.sql("SELECT secret FROM totp").one().await.unwrap();
        assert!(stored.len() > 20 + 16, "sealed, with a tag");
        assert!(!stored.windows(20).any(|window| window == app.seed()), "{confirmed}");
        if !confirmed {
            assert_eq!(browser.submit(&page, &[("totp", &app.code(&server))]).await.status, 303);
        }
    }
}

#[tokio::test]
async fn an_account_has_one_app_at_a_time() {
    // OTP-05
    let server = Server::start().await;
    let (browser, app) = somebody(&server, "alice").await;
    let answer = browser.act("add-totp", None, Some(&app.code(&server))).await;
    answer.assert_page(403, "An authenticator app is set up already.");
    assert!(browser.get("account/totp").await.location().starts_with("/account/confirm?act=add-totp"));
    server.clock.advance(STEP);
    let answer = browser.act("remove-totp", None, Some(&app.code(&server))).await;
    browser.get(answer.location()).await.assert_page(200, "The app was removed.");
    let other = server.browser();
    assert_eq!(other.enter_password("alice").await.status, 303, "there is nothing left to ask for");
}

#[tokio::test]
async fn a_code_counts_from_one_step_before_to_one_step_after() {
    // OTP-03
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    for (steps, is_accepted) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        // Told again where the clock went on to the next step in between.
        loop {
            server.clock.advance(5 * STEP - server.clock.now() % STEP);
            let step = server.clock.now() / STEP;
            let browser = server.browser();
            let page = browser.enter_password("alice").await;
            let answer = browser.submit(&page, &[("totp", &app.code_at((step + steps) * STEP))]).await;
            if server.clock.now() / STEP != step {
                continue;
            }
            match is_accepted {
                true => assert_eq!(answer.location(), "/account/", "{steps}"),
                false => answer.assert_page(403, WRONG),
            }
            assert_eq!(browser.is_signed_in().await, is_accepted, "{steps}");
            break;
        }
    }
}

#[tokio::test]
async fn a_code_is_good_once_and_none_before_it_afterwards() {
    // OTP-03, INV-01
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    let now = server.clock.now();
    // The newer code first: then the older one is worth nothing, though the clock would take it.
    for (code, is_accepted) in [(app.code_at(now), true), (app.code_at(now), false), (app.code_at(now - STEP), false)] {
        let browser = server.browser();
        let answer = browser.sign_in_with_code("alice", &code).await;
        assert_eq!(answer.status, if is_accepted { 303 } else { 403 }, "{}", answer.body);
        assert_eq!(browser.is_signed_in().await, is_accepted);
    }
    server.clock.advance(STEP);
    assert_eq!(server.browser().sign_in_with_code("alice", &app.code(&server)).await.status, 303);
    // The code that completed the enrolment is used as well.
    server.user("bob").await;
    let browser = server.browser();
    browser.sign_in("bob").await;
    let page = browser.page_to_add_totp().await;
    let code = App::set_up(&page).code(&server);
    assert_eq!(browser.submit(&page, &[("totp", &code)]).await.status, 303);
    server.browser().sign_in_with_code("bob", &code).await.assert_page(403, WRONG);
}

#[tokio::test]
async fn people_type_spaces_into_codes_and_nothing_else_is_read() {
    // OTP-04
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    let code = app.code(&server);
    let wrong = [
        String::new(),
        code[..5].to_owned(),
        format!("{code}0"),
        format!("-{code}"),
        code.chars().map(|digit| char::from_u32(digit as u32 - 0x30 + 0x660).unwrap()).collect(),
    ];
    for (number, typed) in wrong.iter().enumerate() {
        let browser = server.browser();
        let answer = browser.sign_in_with_code("alice", typed).await;
        assert_eq!(answer.status, 403, "{typed} {number}");
        assert!(!browser.is_signed_in().await);
    }
    let typed = format!(" {} {}\u{a0}", &code[..3], &code[3..]);
    assert_eq!(server.browser().sign_in_with_code("alice", &typed).await.status, 303);
}

#[tokio::test]
async fn of_twenty_logins_with_one_code_one_gets_in() {
    // OTP-03, INV-01
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    let people: Vec<Person> = (0..20).map(|_| server.browser()).collect();
    let mut pages = Vec::new();
    for person in &people {
        pages.push(person.enter_password("alice").await);
    }
    let code = app.code(&server);
    let fields = [("totp", code.as_str())];
    let attempts = people.iter().zip(&pages).map(|(person, page)| person.submit(page, &fields));
    let answers = join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 403)), "{answers:?}");
    for (person, answer) in people.iter().zip(&answers) {
        assert_eq!(person.is_signed_in().await, answer.status == 303);
    }
}

#[tokio::test]
async fn of_twenty_answers_to_one_second_step_one_signs_in() {
    // INV-01: the code, the tries and the step are each counted once.
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    let browser = server.browser();
    let page = browser.enter_password("alice").await;
    let code = app.code(&server);
    let fields = [("totp", code.as_str())];
    let answers = join_all((0..20).map(|_| browser.submit(&page, &fields))).await;
    // The one whose code counted signs in; those that came behind it may find the step complete, and it is good once.
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| answer.status < 500), "{answers:?}");
    let sessions: (i64,) = server
        .app
        .db
        .sql("SELECT COUNT(*) FROM sessions WHERE kind = 'browser' AND ended_at IS NULL")
        .one()
        .await
        .unwrap();
    assert_eq!(sessions.0, 2, "that of the enrolment and this one");
}

#[tokio::test]
async fn after_five_wrong_codes_it_begins_with_the_password_again() {
    // OTP-04
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    let browser = server.browser();
    let page = browser.enter_password("alice").await;
    for _ in 0..5 {
        browser.submit(&page, &[("totp", &app.wrong_code(&server))]).await.assert_page(403, WRONG);
    }
    browser.submit(&page, &[("totp", &app.code(&server))]).await.assert_page(400, "This sign-in is over");
    assert!(!browser.is_signed_in().await);
    assert_eq!(browser.sign_in_with_code("alice", &app.code(&server)).await.location(), "/account/");
}

#[tokio::test]
async fn many_tries_at_once_are_not_judged_for_one() {
    // OTP-04: the right code is the last of fifty that arrive together; at most five of them are looked at.
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    let browser = server.browser();
    let page = browser.enter_password("alice").await;
    let wrong = app.wrong_code(&server);
    let fields = [("totp", wrong.as_str())];
    let answers = join_all((0..50).map(|_| browser.submit(&page, &fields))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 403).count(), 5, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.status == 400).count(), 45);
    browser.submit(&page, &[("totp", &app.code(&server))]).await.assert_page(400, "This sign-in is over");
}

#[tokio::test]
async fn after_a_hundred_wrong_codes_there_is_a_pause_and_never_a_lock() {
    // OTP-04, RTL-04
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    let wrong = app.wrong_code(&server);
    for _ in 0..20 {
        let browser = server.browser();
        let page = browser.enter_password("alice").await;
        for _ in 0..5 {
            browser.submit(&page, &[("totp", &wrong)]).await.assert_page(403, WRONG);
        }
    }
    let right = async |server: &Server| {
        let answer = server.browser().sign_in_with_code("alice", &app.code(server)).await;
        (answer.status, answer.body.contains(TOO_MANY))
    };
    assert_eq!(right(&server).await, (403, true));
    server.clock.advance(14 * MINUTE);
    assert_eq!(right(&server).await, (403, true), "looking does not make the pause longer, nor shorter");
    server.clock.advance(2 * MINUTE);
    // One more that is wrong, and another pause.
    server.browser().sign_in_with_code("alice", &app.wrong_code(&server)).await.assert_page(403, WRONG);
    assert_eq!(right(&server).await, (403, true));
    server.clock.advance(15 * MINUTE + SECOND);
    assert_eq!(right(&server).await, (303, false));
    // A right code ends it: there are a hundred again.
    server.browser().sign_in_with_code("alice", &app.wrong_code(&server)).await.assert_page(403, WRONG);
    server.clock.advance(STEP);
    assert_eq!(right(&server).await, (303, false));
}

#[tokio::test]
async fn wrong_codes_of_one_account_are_nothing_to_another() {
    // RTL-04
    let server = Server::start().await;
    let (_, _) = somebody(&server, "alice").await;
    let (_, app) = somebody(&server, "bob").await;
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE users SET factor_failures = 100, factor_failed_at = $1 WHERE username = 'alice'")
        .bind(server.clock.now())
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.browser().sign_in_with_code("bob", &app.code(&server)).await.status, 303);
}

#[tokio::test]
async fn the_second_step_belongs_to_its_browser_and_lasts_ten_minutes() {
    // INV-06, INV-15
    let server = Server::start().await;
    let (_, app) = somebody(&server, "alice").await;
    let (browser, mallory) = (server.browser(), server.browser());
    let (_, login) = browser.open("login").await;
    let answer = browser.submit(&login, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(answer.set_cookie("keymaker_session"), None, "the password alone signs nobody in");
    let path = answer.location().to_owned();
    let page = browser.get(&path).await;
    page.assert_page(200, "@alice:localhost");
    mallory.get(&path).await.assert_page(403, "another browser");
    let csrf = mallory.csrf().await;
    let stolen = mallory.http.post(&path, &[("csrf", &csrf), ("totp", &app.code(&server))]).await;
    stolen.assert_page(403, "another browser");
    assert!(!mallory.is_signed_in().await);

    server.clock.advance(10 * MINUTE);
    browser.get(&path).await.assert_page(400, "This sign-in is over");
    browser.submit(&page, &[("totp", &app.code(&server))]).await.assert_page(400, "This sign-in is over");
    assert!(!browser.is_signed_in().await);
    for nothing in ["factor", "factor?proof=", "factor?proof=01ARZ3NDEKTSV4RRFFQ69G5FAV", "factor?proof=%00"] {
        browser.get(nothing).await.assert_page(400, "This sign-in is over");
    }
}

#[tokio::test]
async fn what_happens_to_the_account_in_between_counts() {
    // INV-05, WEB-15: locked, or the password changed, after the first step.
    let server = Server::start().await;
    for name in ["locked", "changed"] {
        let (_, app) = somebody(&server, name).await;
        let browser = server.browser();
        let page = browser.enter_password(name).await;
        match name {
            "locked" => drop(keymaker::flows::manage::set_locked(&server.app, name, true).await.unwrap()),
            _ => {
                server.audit.secret("another good one 77!");
                keymaker::flows::manage::set_password(&server.app, name, "another good one 77!").await.unwrap();
            }
        }
        let answer = browser.submit(&page, &[("totp", &app.code(&server))]).await;
        assert!(matches!(answer.status, 400 | 403 | 503), "{name} {} {}", answer.status, answer.body);
        assert!(!browser.is_signed_in().await, "{name}");
    }
}
