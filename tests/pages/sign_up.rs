//! Sign-up in the browser (spec area 3.9).

use std::sync::Arc;

use keymaker::clock::HOUR;

use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server, changed,
    homeserver::FakeHomeserver,
    http::Answer,
    person::{Person, response_params},
};

async fn choose(browser: &Person, username: &str, password: &str) -> Answer {
    let page = browser.get("register").await;
    browser.submit(&page, &[("username", username), ("password", password)]).await
}

async fn count_users(server: &Server) -> i64 {
    server.app.db.sql("SELECT COUNT(*) FROM users").one::<(i64,)>().await.unwrap().0
}

#[tokio::test]
async fn somebody_signs_up_and_comes_back_to_the_authorization() {
    // SGN-01, SGN-07, PRM-03, CS1.15 prompt=create
    let server = Server::start().await;
    let client_id = server.client().await;
    let browser = server.browser();
    let request = changed(&server.request(&client_id, MATRIX_SCOPE), "prompt", Some("create"));
    let (path, page) = browser.arrive(&request).await;
    assert!(path.starts_with("/register?grant="), "{path}");
    let answer = browser.submit(&page, &[("username", "Alice"), ("password", PASSWORD)]).await;
    let (_, page) = browser.open(answer.location()).await;
    page.assert_page(200, "@alice:localhost");
    assert!(page.body.contains("strong"), "the strength is shown");
    assert_eq!(count_users(&server).await, 0, "nobody exists before the last button");

    let before = browser.http.cookies();
    let answer = browser.submit(&page, &[("display_name", " Alice 🌷 ")]).await;
    assert_ne!(browser.http.cookies(), before, "SGN-07: signed in only now");
    let (path, page) = browser.open(answer.location()).await;
    assert!(path.starts_with("/consent/"), "{path}");
    page.assert_page(200, "Alice 🌷");
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    let tokens = server.exchange(&client_id, &response_params(answer.location())["code"]).await;
    let introspection = server.introspect(tokens.json()["access_token"].as_str().unwrap()).await;
    assert_eq!(introspection["username"], "alice");
}

#[tokio::test]
async fn each_name_is_judged_and_the_form_keeps_what_was_typed() {
    // SGN-02, UPS-09: the grammar has its table in domain/user.rs.
    let homeserver = Arc::new(FakeHomeserver::default());
    homeserver.reserved.lock().unwrap().insert("bridge".to_owned());
    homeserver.users.lock().unwrap().insert("elsewhere".to_owned());
    let server = Server::setup().homeserver(homeserver).start().await;
    server.user("taken").await;
    let browser = server.browser();
    let table = [
        ("", "Choose a username."),
        ("taken", "Somebody else has this username."),
        ("TAKEN", "Somebody else has this username."),
        ("@taken:localhost", "Somebody else has this username."),
        ("elsewhere", "Somebody else has this username."),
        ("bridge", "This username is reserved."),
        ("_admin", "This username is reserved."),
        ("12345", "This username is reserved."),
        ("al ice", "characters that are not possible"),
        ("élise", "characters that are not possible"),
        ("alice:example.com", "characters that are not possible"),
        ("<b>", "characters that are not possible"),
    ];
    for (name, words) in table {
        let answer = choose(&browser, name, PASSWORD).await;
        answer.assert_page(422, words);
        let kept = crate::support::person::attribute(&answer.body, "name=\"username\" type=\"text\" value=\"");
        assert_eq!(kept.as_deref(), Some(name));
        assert!(!answer.body.contains(PASSWORD));
    }
    choose(&browser, &"a".repeat(300), PASSWORD).await.assert_page(422, "This username is too long.");
    assert_eq!(count_users(&server).await, 1);
    let answer = choose(&browser, " @Fresh.Name-1:localhost ", PASSWORD).await;
    let (_, page) = browser.open(answer.location()).await;
    page.assert_page(200, "@fresh.name-1:localhost");
}

#[tokio::test]
async fn a_name_that_was_free_at_first_is_judged_again_at_the_end() {
    // SGN-02: the homeserver may have given it away meanwhile, or to an application service.
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = Server::setup().homeserver(homeserver.clone()).start().await;
    for (name, words) in [("alice", "Somebody else has this username."), ("bridge", "This username is reserved.")] {
        let browser = server.browser();
        let answer = choose(&browser, name, PASSWORD).await;
        let (_, page) = browser.open(answer.location()).await;
        match name {
            "alice" => homeserver.users.lock().unwrap().insert(name.to_owned()),
            _ => homeserver.reserved.lock().unwrap().insert(name.to_owned()),
        };
        browser.submit(&page, &[("display_name", "")]).await.assert_page(422, words);
        assert_eq!(browser.get("account/").await.location(), "/login");
    }
    assert_eq!(count_users(&server).await, 0);
}

#[tokio::test]
async fn a_weak_password_is_measured_and_refused() {
    // spec 17.4
    let server = Server::start().await;
    let browser = server.browser();
    let too_long = format!("{PASSWORD}{}", "x".repeat(2000));
    let table = [
        ("", "Choose a password.", false),
        ("password", "This password is too easy to guess.", true),
        ("alicealice", "This password is too easy to guess.", true),
        ("localhost1", "This password is too easy to guess.", true),
        (&too_long, "This password is too long.", false),
    ];
    for (password, words, has_meter) in table {
        let answer = choose(&browser, "alice", password).await;
        answer.assert_page(422, words);
        assert_eq!(answer.body.contains("<meter"), has_meter, "{password}");
    }
    let registrations: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM registrations").one().await.unwrap();
    assert_eq!((registrations.0, count_users(&server).await), (0, 0));
}

#[tokio::test]
async fn of_two_people_who_want_one_name_one_gets_it() {
    // SGN-02, TST-04
    let server = Server::start().await;
    let people: Vec<Person> = (0..4).map(|_| server.browser()).collect();
    let mut pages = Vec::new();
    for person in &people {
        let answer = choose(person, "alice", PASSWORD).await;
        pages.push(person.open(answer.location()).await.1);
    }
    let finishes = people.iter().zip(&pages).map(|(person, page)| person.submit(page, &[("display_name", "")]));
    let answers = futures_util::future::join_all(finishes).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    for (person, answer) in people.iter().zip(&answers) {
        let is_winner = answer.status == 303;
        if !is_winner {
            answer.assert_page(422, "Somebody else has this username.");
        }
        assert_eq!(person.get("account/").await.status == 200, is_winner);
    }
    assert_eq!(count_users(&server).await, 1);
}

#[tokio::test]
async fn of_twenty_presses_of_the_last_button_one_creates_the_account() {
    // INV-01, TST-04
    let server = Server::start().await;
    let browser = server.browser();
    let answer = choose(&browser, "alice", PASSWORD).await;
    let (_, page) = browser.open(answer.location()).await;
    let presses = (0..20).map(|_| browser.submit(&page, &[("display_name", "")]));
    let answers = futures_util::future::join_all(presses).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert!(answers.iter().all(|answer| answer.status < 500), "{answers:?}");
    assert_eq!(count_users(&server).await, 1);
}

#[tokio::test]
async fn a_sign_up_belongs_to_its_browser_and_lasts_an_hour() {
    // SGN-01
    let server = Server::start().await;
    let (alice, mallory) = (server.browser(), server.browser());
    let location = choose(&alice, "alice", PASSWORD).await.location().to_owned();
    mallory.get(&location).await.assert_page(403, "another browser");
    let csrf = mallory.csrf().await;
    assert_eq!(mallory.http.post(&location, &[("csrf", &csrf)]).await.status, 403);
    assert_eq!(alice.get("register/finish").await.status, 400);
    assert_eq!(alice.get("register/finish?id=nothing").await.status, 400);

    let page = alice.get(&location).await;
    assert_eq!(page.status, 200);
    server.clock.advance(HOUR);
    assert_eq!(alice.get(&location).await.status, 400);
    assert_eq!(alice.submit(&page, &[("display_name", "")]).await.status, 400);
    assert_eq!(count_users(&server).await, 0);
}

#[tokio::test]
async fn where_sign_up_is_closed_nothing_leads_there() {
    // SGN-08, PRM-03
    let server = Server::setup().with("account.password_registration_enabled", "false").start().await;
    let browser = server.browser();
    browser.get("register").await.assert_page(403, "New accounts cannot be created here");
    assert!(!browser.get("login").await.body.contains("/register"), "the login page does not offer it");
    let csrf = browser.csrf().await;
    let answer = browser.http.post("register", &[("csrf", &csrf), ("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!((answer.status, count_users(&server).await), (403, 0));
    let metadata = server.get(".well-known/openid-configuration").await.json();
    let prompts = metadata["prompt_values_supported"].as_array().unwrap();
    assert!(!prompts.iter().any(|prompt| prompt == "create"), "{prompts:?}");
}

#[tokio::test]
async fn somebody_who_is_signed_in_may_go_on_or_create_another_account() {
    // PRM-03
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    server.clock.advance(1000);
    let request = changed(&server.request(&client_id, "openid"), "prompt", Some("create"));
    let (_, page) = browser.arrive(&request).await;
    page.assert_page(200, "@alice:localhost");
    let href = crate::support::person::attribute(&page.body, "<a class=\"button secondary\" href=\"").unwrap();
    let (path, consent) = browser.open(&href).await;
    assert!(path.starts_with("/consent/"), "{path}");
    consent.assert_page(200, "@alice:localhost");

    let answer = browser.submit(&page, &[("username", "other"), ("password", PASSWORD)]).await;
    let (_, second) = browser.open(answer.location()).await;
    let answer = browser.submit(&second, &[("display_name", "")]).await;
    let (_, consent) = browser.open(answer.location()).await;
    consent.assert_page(200, "@other:localhost");
}
