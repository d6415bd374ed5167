//! Registration tokens: who gets in by one, how its uses are counted, and what nobody is told (SGN-04).

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::{
    clock::{DAY, HOUR},
    flows::{
        clean_up::clean_up,
        registration_token::{self, Wanted},
    },
};

use super::{REFUSED, token_field};
use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server, changed,
    homeserver::FakeHomeserver,
    person::{Person, attribute, csrf_of},
    state::State,
};

#[tokio::test]
async fn a_registration_token_is_counted_once() {
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(2).await;
    for (name, uses) in [("alice", 1), ("bob", 2)] {
        let browser = server.browser();
        let begun = browser.begin_with(&format!(" {token} "), name).await;
        assert_eq!(server.uses().await, uses - 1, "it is counted at the end");
        browser.finish(&begun).await;
        assert!(browser.is_signed_in().await);
        assert_eq!(server.uses().await, uses);
    }
    let third = server.browser();
    third.begin_with(&token, "carol").await.assert_page(422, REFUSED);
    assert_eq!(server.count_users().await, 2);
}

#[tokio::test]
async fn tokens_that_do_not_work_look_the_same() {
    // SGN-04: unknown, expired, used up, revoked, and what can be no token.
    let server = Server::setup().by_token().start().await;
    let chosen = |token| Wanted { token: Some(token), ..Wanted::default() };
    server.invite(Wanted { life: Some(HOUR), ..chosen("expired-in-autumn") }).await;
    server.invite(Wanted { usage_limit: Some(1), ..chosen("used-up-in-autumn") }).await;
    server.invite(chosen("revoked-in-autumn")).await;
    let alice = server.browser();
    alice.finish(&alice.begin_with("used-up-in-autumn", "alice").await).await;
    let bob = server.browser();
    assert_eq!(bob.begin_with("expired-in-autumn", "bob").await.status, 303, "for an hour it is good");
    assert!(registration_token::set_revoked(&server.app, "revoked-in-autumn", true).await.unwrap());
    server.clock.advance(HOUR + 1);

    let (browser, mut pages) = (server.browser(), Vec::new());
    let tokens = ["unknown-in-autumn", "expired-in-autumn", "used-up-in-autumn", "revoked-in-autumn", "two words", "é"];
    for token in tokens {
        let answer = browser.begin_with(token, "carol").await;
        answer.assert_page(422, REFUSED);
        assert_eq!(token_field(&answer).as_deref(), Some(token), "what was typed can be mended");
        assert!(answer.body.contains("aria-describedby=\"token-error token-hint\""), "{}", answer.body);
        pages.push(answer.body.replace(token, "…"));
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "they look the same");
    browser.begin_with("", "carol").await.assert_page(422, "Enter your registration token.");
    assert_eq!(server.count_users().await, 1);
    assert!(registration_token::set_revoked(&server.app, "revoked-in-autumn", false).await.unwrap());
    assert_eq!(browser.begin_with("revoked-in-autumn", "carol").await.status, 303, "a revocation can be taken back");
}

#[tokio::test]
async fn of_twenty_who_begin_with_the_last_use_one_goes_on() {
    // INV-01, SGN-04: pending uses count.
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(1).await;
    let browsers: Vec<Person> = (0..20).map(|_| server.browser()).collect();
    let answers = join_all(browsers.iter().enumerate().map(|(number, browser)| {
        let (token, name) = (token.clone(), format!("person{number}"));
        async move { browser.begin_with(&token, &name).await }
    }))
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 303 || answer.body.contains(REFUSED)));
    let (winner, begun) = browsers.iter().zip(&answers).find(|(_, answer)| answer.status == 303).unwrap();
    winner.finish(begun).await;
    assert_eq!((server.count_users().await, server.uses().await), (1, 1));
}

#[tokio::test]
async fn of_twenty_who_finish_with_the_last_use_one_gets_an_account() {
    // INV-01: the limit may be lowered while people sign up.
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(20).await;
    let browsers: Vec<Person> = (0..20).map(|_| server.browser()).collect();
    let mut pages = Vec::new();
    for (number, browser) in browsers.iter().enumerate() {
        let begun = browser.begin_with(&token, &format!("person{number}")).await;
        pages.push(browser.open(begun.location()).await.1);
    }
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE registration_tokens SET usage_limit = 1").execute().await.unwrap();
    tx.commit().await.unwrap();
    let finish = browsers.iter().zip(&pages).map(|(browser, page)| browser.submit(page, &[("display_name", "")]));
    let answers = join_all(finish).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert!(answers.iter().all(|answer| answer.status == 303 || answer.body.contains(REFUSED)));
    assert_eq!((server.count_users().await, server.uses().await), (1, 1));
}

#[tokio::test]
async fn twenty_last_buttons_of_one_sign_up_count_one_use() {
    // INV-01
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(5).await;
    let browser = server.browser();
    let begun = browser.begin_with(&token, "alice").await;
    let (_, page) = browser.open(begun.location()).await;
    join_all((0..20).map(|_| browser.submit(&page, &[("display_name", "")]))).await;
    assert_eq!((server.count_users().await, server.uses().await), (1, 1));
}

#[tokio::test]
async fn an_abandoned_sign_up_gives_its_use_back() {
    // SGN-04, INV-15: when it expires, whether or not anybody cleaned up.
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(1).await;
    let (first, second) = (server.browser(), server.browser());
    let begun = first.begin_with(&token, "alice").await;
    let (_, page) = first.open(begun.location()).await;
    second.begin_with(&token, "bob").await.assert_page(422, REFUSED);
    server.clock.advance(HOUR + 1);
    let begun = second.begin_with(&token, "bob").await;
    second.finish(&begun).await;
    assert_eq!(first.submit(&page, &[("display_name", "")]).await.status, 400, "it is over");
    assert_eq!((server.count_users().await, server.uses().await), (1, 1));
    server.clock.advance(2 * DAY);
    clean_up(&server.app).await.unwrap();
    assert_eq!(server.uses().await, 1);
}

#[tokio::test]
async fn somebody_who_begins_again_does_not_stand_in_their_own_way() {
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(1).await;
    let browser = server.browser();
    let first = browser.begin_with(&token, "alice").await;
    let (_, first_page) = browser.open(first.location()).await;
    let second = browser.begin_with(&token, "alicia").await;
    assert_eq!(second.status, 303, "{}", second.body);

    // The first one has lost its token to the second, and can be completed with another.
    let answer = browser.submit(&first_page, &[("display_name", "")]).await;
    answer.assert_page(422, "Enter your registration token.");
    browser.finish(&second).await;
    assert_eq!((server.count_users().await, server.uses().await), (1, 1));
    let other = server.token_for(1).await;
    let again = browser.submit(&answer, &[("token", &other), ("username", "alice"), ("password", PASSWORD)]).await;
    browser.finish(&again).await;
    assert_eq!((server.count_users().await, server.uses().await), (2, 2));
}

#[tokio::test]
async fn another_name_is_chosen_without_typing_the_token_again() {
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(1).await;
    let browser = server.browser();
    let begun = browser.begin_with(&token, "alice").await;
    let (_, page) = browser.open(begun.location()).await;
    let restart = page
        .body
        .split("href=\"")
        .find(|rest| rest.starts_with("/register?id&#61;") || rest.starts_with("/register?id="));
    let restart = restart.unwrap().split('"').next().unwrap().replace("&#61;", "=");
    let page = browser.get(&restart).await;
    assert_eq!(token_field(&page), None, "it is kept");
    let begun = browser.submit(&page, &[("username", "alicia"), ("password", PASSWORD)]).await;
    browser.finish(&begun).await;
    assert_eq!((server.count_users().await, server.uses().await), (1, 1));
}

#[tokio::test]
async fn a_token_that_falls_meanwhile_is_replaced_by_another() {
    let server = Server::setup().by_token().start().await;
    let (token, other) = (server.token_for(1).await, server.token_for(1).await);
    let browser = server.browser();
    let begun = browser.begin_with(&token, "alice").await;
    let (_, page) = browser.open(begun.location()).await;
    registration_token::set_revoked(&server.app, &token, true).await.unwrap();
    let answer = browser.submit(&page, &[("display_name", "")]).await;
    answer.assert_page(422, REFUSED);
    assert_eq!(server.count_users().await, 0);
    let begun = browser.submit(&answer, &[("token", &other), ("username", "alice"), ("password", PASSWORD)]).await;
    browser.finish(&begun).await;
    assert!(browser.is_signed_in().await);
    let used = server.app.db.sql("SELECT times_used FROM registration_tokens ORDER BY created_at, id");
    assert_eq!(used.all::<(i64,)>().await.unwrap(), [(0,), (1,)]);
}

#[tokio::test]
async fn a_name_that_the_homeserver_refuses_at_the_end_costs_no_use() {
    // HSI-04
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = Server::setup().by_token().fake_homeserver(&homeserver).start().await;
    let token = server.token_for(1).await;
    let browser = server.browser();
    let begun = browser.begin_with(&token, "alice").await;
    homeserver.reserved.lock().unwrap().insert("alice".to_owned());
    browser.open(begun.location()).await.1.assert_page(200, "@alice:hs.test");
    let (_, page) = browser.open(begun.location()).await;
    let answer = browser.submit(&page, &[("display_name", "")]).await;
    answer.assert_page(422, "This username is reserved.");
    assert_eq!((server.count_users().await, server.uses().await), (0, 0));
    let begun = browser.submit(&answer, &[("username", "alicia"), ("password", PASSWORD)]).await;
    browser.finish(&begun).await;
    assert_eq!((server.count_users().await, server.uses().await), (1, 1));
}

#[tokio::test]
async fn a_link_invites_and_changes_nothing_by_itself() {
    // SGN-04, TRP-46: programs look at every link.
    let server = Server::setup().by_token().start().await;
    let issued = server.invite(Wanted { token: Some("come-in-2026"), usage_limit: Some(1), ..Wanted::default() }).await;
    assert_eq!(issued.link, format!("{}register?token=come-in-2026", server.base));
    let before = State::read(&server, &[]).await;
    let browser = server.browser();
    for _ in 0..3 {
        let page = browser.get(&issued.link).await;
        assert_eq!(token_field(&page).as_deref(), Some("come-in-2026"));
    }
    assert_eq!(before.difference(&State::read(&server, &[]).await), Vec::<String>::new());

    // It is remembered while the person comes from a client, and goes to the login and back.
    let client_id = server.client().await;
    let request = changed(&server.request(&client_id, MATRIX_SCOPE), "prompt", Some("create"));
    let (path, page) = browser.arrive(&request).await;
    assert!(path.starts_with("/register?grant="), "{path}");
    assert_eq!(token_field(&page).as_deref(), Some("come-in-2026"));
    let begun =
        browser.submit(&page, &[("token", "come-in-2026"), ("username", "alice"), ("password", PASSWORD)]).await;
    let done = browser.finish(&begun).await;
    assert!(done.location().starts_with("/consent/"), "{}", done.location());
    assert_eq!(token_field(&browser.get("register").await).as_deref(), Some(""), "it did its work and is forgotten");
}

#[tokio::test]
async fn the_cookie_of_an_invitation_is_narrow_and_says_nothing_else() {
    // WEB-01
    for (base, name, is_secure) in
        [("{origin}/", "keymaker_invitation", false), ("https://auth.example.com/", "__Host-keymaker_invitation", true)]
    {
        let server = Server::setup().by_token().with("http.public_base", base).start().await;
        let page = server.get("register?token=come-in-2026").await;
        let (value, attributes) = page.set_cookie("keymaker_invitation").unwrap();
        let mut attributes: Vec<&str> = attributes.split(';').map(str::trim).collect();
        attributes.sort_unstable();
        let mut expected = vec![name, "HttpOnly", "Max-Age=3600", "Path=/", "SameSite=Lax"];
        expected.extend(is_secure.then_some("Secure"));
        expected.sort_unstable();
        assert_eq!((value.as_str(), attributes), ("come-in-2026", expected));
        for token in ["", "two%20words", "%0d%0aSet-Cookie:x", "%22%3E%3Cscript%3E", &"x".repeat(65)] {
            let page = server.get(&format!("register?token={token}")).await;
            assert!(page.set_cookie("keymaker_invitation").is_none(), "{token}");
            assert_eq!(token_field(&page).as_deref(), Some(""), "{token}");
        }
    }
}

#[tokio::test]
async fn the_form_cannot_be_sent_without_its_own_token() {
    // WEB-02: the registration token is none.
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(1).await;
    let browser = server.browser();
    let page = browser.get("register").await;
    let own = csrf_of(&page.body);
    for csrf in ["", "x", &token] {
        let form = [("csrf", csrf), ("token", &token), ("username", "alice"), ("password", PASSWORD)];
        assert_eq!(browser.http.post("register", &form).await.status, 403);
    }
    let form = [("csrf", own.as_str()), ("token", &token), ("username", "alice"), ("password", PASSWORD)];
    assert_eq!(browser.http.post("register", &form).await.status, 303);
    assert!(attribute(&page.body, "name=\"token\"").is_some());
}

#[tokio::test]
async fn what_an_administrator_asks_for_is_judged() {
    let server = Server::setup().by_token().start().await;
    server.invite(Wanted { token: Some("there-already"), note: Some("by Bob"), ..Wanted::default() }).await;
    let table = [
        Wanted { token: Some("two words"), ..Wanted::default() },
        Wanted { token: Some(""), ..Wanted::default() },
        Wanted { token: Some("there-already"), ..Wanted::default() },
        Wanted { usage_limit: Some(0), ..Wanted::default() },
        Wanted { life: Some(0), ..Wanted::default() },
    ];
    for (row, wanted) in table.into_iter().enumerate() {
        assert!(registration_token::issue(&server.app, wanted).await.is_err(), "row {row}");
    }
    let list = registration_token::list(&server.app).await.unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!((list[0].head.as_str(), list[0].note.as_deref()), ("the", Some("by Bob")), "a word is not shown whole");
    for (named, is_known) in [("there-already", true), (list[0].id.as_str(), true), ("the", false), ("%", false)] {
        let result = registration_token::set_revoked(&server.app, named, true).await;
        assert_eq!(result.is_ok(), is_known, "{named}");
    }
    assert!(
        !registration_token::set_revoked(&server.app, "there-already", true).await.unwrap(),
        "it was revoked already"
    );
    let made = server.invite(Wanted::default()).await;
    assert!(made.token.starts_with("kmi_") && made.token.len() <= 64, "{}", made.token.len());
}
