//! The pages on which a person lets a device in (DVC-06, DVC-07, DVC-13, RFC 8628 §5.4).

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::clock::{MINUTE, SECOND};

use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server,
    device::Device,
    homeserver::FakeHomeserver,
    person::{Person, attribute},
};

async fn signed_in(server: &Server, name: &str) -> Person {
    server.user(name).await;
    let person = server.browser();
    person.sign_in(name).await;
    person
}

async fn is_pending(server: &Server, device: &Device) -> bool {
    server.clock.advance(MINUTE);
    server.poll(device).await.error() == "authorization_pending"
}

#[tokio::test]
async fn looking_decides_nothing_also_with_the_code_in_the_address() {
    // DVC-06, TRP-46
    let server = Server::start().await;
    let alice = signed_in(&server, "alice").await;
    let device = server.device().await;
    let page = alice.get(&device.link).await;
    page.assert_page(200, &device.user_code);
    for query in ["&action=allow&in_hand=yes", "&action=deny"] {
        alice.get(&format!("{}{query}", device.link)).await;
    }
    assert!(is_pending(&server, &device).await);
    let question = alice.find_device(&device.user_code).await;
    let address = attribute(&question.body, "id=\"answer\" method=\"post\" action=\"").unwrap();
    for query in ["", "&action=allow&in_hand=yes", "&action=deny"] {
        assert_eq!(alice.get(&format!("{address}{query}")).await.status, 200);
    }
    alice.get("link/done?outcome=allowed").await.assert_page(200, "being signed in");
    assert!(is_pending(&server, &device).await);
    // A form without its token decides nothing either, nor one of somebody else's.
    let mallory = signed_in(&server, "mallory").await;
    for csrf in ["", &mallory.csrf().await] {
        let form = [("csrf", csrf), ("action", "allow"), ("in_hand", "yes")];
        alice.http.post(&address, &form).await.assert_page(403, "too old");
    }
    assert!(is_pending(&server, &device).await);
}

#[tokio::test]
async fn the_question_says_what_asks_from_where_and_as_whom_it_will_be_signed_in() {
    // DVC-06, DVC-13
    let server = Server::start().await;
    let alice = signed_in(&server, "alice").await;
    let client_id = server.device_client().await;
    let request = server
        .http
        .client
        .post(server.url("oauth2/device_authorization"))
        .header("user-agent", "Mozilla/5.0 (Linux; Android 14; TV) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36")
        .form(&[("client_id", client_id.as_str()), ("scope", MATRIX_SCOPE)]);
    let body = server.http.send(request).await.json();
    let user_code = body["user_code"].as_str().unwrap();
    let question = alice.find_device(user_code).await;
    for words in [
        user_code,
        "Example TV",
        "tv.example.com",
        "Chrome on Android",
        "127.0.0.1",
        "@alice:localhost",
        "<time datetime=",
        "I started this myself",
        "If a caller, a message",
    ] {
        assert!(question.body.contains(words), "no {words:?} in {}", question.body);
    }
    assert_eq!(question.header("x-frame-options"), Some("DENY"));
    assert!(question.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(question.header("cache-control"), Some("no-store"));
    let (no, yes) = (question.body.find("value=\"deny\"").unwrap(), question.body.find("value=\"allow\"").unwrap());
    assert!(no < yes, "no stands first");
}

#[tokio::test]
async fn a_yes_takes_the_word_that_the_device_is_in_hand() {
    // RFC 8628 §5.4
    let server = Server::start().await;
    let alice = signed_in(&server, "alice").await;
    let device = server.device().await;
    let question = alice.find_device(&device.user_code).await;
    for fields in [vec![("action", "allow")], vec![("action", "allow"), ("in_hand", "no")]] {
        alice.submit(&question, &fields).await.assert_page(422, "Tick the box");
    }
    alice.submit(&question, &[("action", "maybe")]).await.assert_page(400, "");
    assert!(is_pending(&server, &device).await);
    // A no takes nothing.
    let answer = alice.submit(&question, &[("action", "deny")]).await;
    assert_eq!(answer.location(), "/link/done?outcome=denied");
    server.poll(&device).await.assert_error(400, "access_denied");
}

#[tokio::test]
async fn a_code_is_found_however_it_is_typed_and_shown_as_the_device_shows_it() {
    // DVC-04
    let server = Server::start().await;
    let alice = signed_in(&server, "alice").await;
    let client_id = server.device_client().await;
    let changes: [fn(&str) -> String; 5] = [
        |code| code.to_lowercase(),
        |code| code.replace('-', ""),
        |code| code.replace('-', " "),
        |code| format!("  {} ", code.to_lowercase().replace('-', " ")),
        |code| code.chars().flat_map(|letter| [letter, '.']).collect(),
    ];
    for change in changes {
        let device = server.device_with(&client_id, MATRIX_SCOPE).await;
        alice.find_device(&change(&device.user_code)).await.assert_page(200, &device.user_code);
    }
}

#[tokio::test]
async fn unknown_expired_decided_and_malformed_codes_look_the_same() {
    // DVC-05
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.device_client().await;
    let device = async || server.device_with(&client_id, MATRIX_SCOPE).await.user_code;
    let expired = device().await;
    server.clock.advance(1200 * SECOND);
    let alice = server.browser();
    alice.sign_in("alice").await;
    let denied = device().await;
    let question = alice.find_device(&denied).await;
    alice.decide_on(&question, "deny").await;
    let mut pages = Vec::new();
    for typed in ["BCDF-GHJK", "not a code", "", &expired, &denied] {
        let page = alice.type_code(typed).await;
        let typed = typed.replace('-', "&#45;");
        assert_eq!(page.status, 422);
        let body = page.body.replace(&format!("value=\"{}\"", typed.replace("&#45;", "-")), "value=\"\"");
        pages.push(body.replace(" autofocus", ""));
    }
    assert!(pages.iter().all(|page| *page == pages[0]), "{pages:#?}");
    assert!(pages[0].contains("No device waits with this code"), "{}", pages[0]);
}

#[tokio::test]
async fn who_is_not_signed_in_signs_in_first_and_finds_the_code_filled_in() {
    // DVC-05, DVC-06
    let server = Server::start().await;
    server.user("alice").await;
    let device = server.device().await;
    let stranger = server.browser();
    let (path, page) = stranger.open(&device.link).await;
    assert!(path.starts_with("/login?"), "{path}");
    let answer = stranger.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    let (path, page) = stranger.open(answer.location()).await;
    assert!(path.starts_with("/link?"), "{path}");
    page.assert_page(200, &device.user_code);
    // Only the form: typing is sent by the person.
    assert!(is_pending(&server, &device).await);
    let stranger = server.browser();
    stranger.http.post("link", &[("user_code", &device.user_code)]).await;
    assert!(is_pending(&server, &device).await);
}

#[tokio::test]
async fn whoever_signed_in_long_ago_does_so_again() {
    // INV-06, DVC-07: fifteen minutes, unless it is set otherwise
    let server = Server::start().await;
    let alice = signed_in(&server, "alice").await;
    server.clock.advance(14 * MINUTE);
    let device = server.device().await;
    let question = alice.find_device(&device.user_code).await;
    server.clock.advance(MINUTE);
    let answer = alice.decide_on(&question, "allow").await;
    assert!(answer.location().starts_with("/login?link="), "{}", answer.location());
    assert!(is_pending(&server, &device).await);
    let (_, page) = alice.open(answer.location()).await;
    page.assert_page(200, "Please confirm that it is you");
    let answer = alice.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    let (path, question) = alice.open(answer.location()).await;
    assert!(path.contains("/link/"), "{path}");
    assert_eq!(alice.decide_on(&question, "allow").await.location(), "/link/done?outcome=allowed");
    assert_eq!(server.poll(&device).await.status, 200);
}

#[tokio::test]
async fn the_second_step_of_a_login_keeps_the_code_and_no_dump_shows_it() {
    // INV-03, DVC-06: the audit searches the database for the code when the server is dropped.
    let server = Server::start().await;
    let alice = signed_in(&server, "alice").await;
    let app = alice.add_totp(&server).await;
    server.clock.advance(MINUTE);
    let required = alice.act("require-second-factor", None, Some(&app.code(&server))).await;
    assert_eq!(required.status, 303, "{}", required.body);
    server.clock.advance(MINUTE);
    let device = server.device().await;
    let browser = server.browser();
    let (_, page) = browser.open(&device.link).await;
    let step = browser.enter_password_at(&page, "alice").await;
    step.assert_page(200, "One more step");
    let answer = browser.submit(&step, &[("totp", &app.code(&server))]).await;
    let (path, page) = browser.open(answer.location()).await;
    assert!(path.starts_with("/link?"), "{path}");
    page.assert_page(200, &device.user_code);
    browser.let_in(&device).await;
    let body = server.poll(&device).await.json();
    assert!(body["access_token"].is_string(), "{body}");
}

#[tokio::test]
async fn where_a_second_factor_is_wanted_a_password_lets_nothing_in() {
    // DVC-14, PRM-05
    let server = Server::setup().with("device_grant.require_second_factor", "true").start().await;
    let bob = signed_in(&server, "bob").await;
    let device = server.device().await;
    let found = bob.type_code(&device.user_code).await;
    bob.get(found.location()).await.assert_page(403, "second factor");
    assert!(is_pending(&server, &device).await);

    let alice = signed_in(&server, "alice").await;
    let app = alice.add_totp(&server).await;
    server.clock.advance(MINUTE);
    // She can do more than she did, so she is asked to.
    let answer = alice.type_code(&device.user_code).await;
    let (path, page) = alice.open(answer.location()).await;
    assert!(path.starts_with("/login?link="), "{path}");
    let step = alice.enter_password_at(&page, "alice").await;
    let answer = alice.submit(&step, &[("totp", &app.code(&server))]).await;
    let (path, question) = alice.open(answer.location()).await;
    assert!(path.contains("/link/"), "{path}");
    assert_eq!(alice.decide_on(&question, "allow").await.location(), "/link/done?outcome=allowed");
    assert_eq!(server.poll(&device).await.status, 200);
}

#[tokio::test]
async fn of_twenty_answers_at_once_one_counts() {
    // DVC-07, INV-01: two people who have the same code in front of them, and both answers
    let homeserver = Arc::<FakeHomeserver>::default();
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    let (alice, bob) = (signed_in(&server, "alice").await, signed_in(&server, "bob").await);
    let device = server.device().await;
    let questions = [alice.find_device(&device.user_code).await, bob.find_device(&device.user_code).await];
    let answers = join_all((0..20).map(|number| {
        let person = [&alice, &bob][number % 2];
        person.decide_on(&questions[number % 2], if number % 4 < 2 { "allow" } else { "deny" })
    }))
    .await;
    let counted: Vec<&str> = answers.iter().filter(|a| a.status == 303).map(|a| a.location()).collect();
    assert_eq!(counted.len(), 1, "{counted:?}");
    assert!(answers.iter().filter(|answer| answer.status != 303).all(|answer| answer.status == 400));
    let polled = server.poll(&device).await;
    match counted[0].ends_with("allowed") {
        true => assert_eq!(polled.status, 200),
        false => polled.assert_error(400, "access_denied"),
    }
}

#[tokio::test]
async fn a_link_to_the_question_leads_nobody_there_who_did_not_type_the_code() {
    // DVC-06, RFC 8628 §5.4: not in another browser, and not for a guess
    let server = Server::start().await;
    let (alice, mallory) = (signed_in(&server, "alice").await, signed_in(&server, "mallory").await);
    let device = server.device().await;
    let theirs = mallory.type_code(&device.user_code).await.location().to_owned();
    alice.get(&theirs).await.assert_page(403, "another browser");
    let (path, entry) = theirs.split_once("?entry=").unwrap();
    for address in [
        path.to_owned(),
        format!("{path}?entry={}", entry.replace('0', "1").replace('a', "b")),
        "link/none?entry=1".to_owned(),
    ] {
        let status = mallory.get(&address).await.status;
        assert!([400, 403].contains(&status), "{address} {status}");
    }
    assert!(is_pending(&server, &device).await);
    // And when it is over, it is over.
    server.clock.advance(1200 * SECOND);
    mallory.get(&theirs).await.assert_page(400, "This sign-in");
}

#[tokio::test]
async fn somebody_who_is_locked_meanwhile_lets_nothing_in() {
    // DVC-07
    let server = Server::start().await;
    let alice = signed_in(&server, "alice").await;
    let device = server.device().await;
    let question = alice.find_device(&device.user_code).await;
    keymaker::flows::manage::set_locked(&server.app, "alice", true).await.unwrap();
    let answer = alice.decide_on(&question, "allow").await;
    assert!(answer.location().starts_with("/login"), "{}", answer.location());
    assert!(is_pending(&server, &device).await);
}

#[tokio::test]
async fn another_account_can_be_chosen_on_the_way() {
    let server = Server::start().await;
    let alice = signed_in(&server, "alice").await;
    server.user("work").await;
    let device = server.device().await;
    let question = alice.find_device(&device.user_code).await;
    let answer = alice.submit(&question, &[("action", "switch")]).await;
    let (path, page) = alice.open(answer.location()).await;
    assert!(path.starts_with("/login?link="), "{path}");
    let answer = alice.submit(&page, &[("username", "work"), ("password", PASSWORD)]).await;
    let (_, question) = alice.open(answer.location()).await;
    question.assert_page(200, "@work:localhost");
    alice.decide_on(&question, "allow").await;
    let body = server.poll(&device).await.json();
    assert_eq!(server.introspect(body["access_token"].as_str().unwrap()).await["username"], "work");
}

#[tokio::test]
async fn a_picture_of_the_link_is_drawn_for_any_code_and_tells_nothing() {
    let server = Server::start().await;
    let device = server.device().await;
    let real = server.get(&format!("link/qr?user_code={}", device.user_code)).await;
    let made_up = server.get("link/qr?user_code=bcdfghjk").await;
    for picture in [&real, &made_up] {
        assert_eq!((picture.status, picture.header("content-type")), (200, Some("image/svg+xml")));
        assert!(picture.body.starts_with("<svg"), "{}", picture.body);
    }
    for refused in
        ["link/qr", "link/qr?user_code=", "link/qr?user_code=https://evil.example/", "link/qr?user_code=BCDF"]
    {
        assert_eq!(server.get(refused).await.status, 400, "{refused}");
    }
    assert!(is_pending(&server, &device).await);
}
