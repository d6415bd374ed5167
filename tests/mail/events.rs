//! The page that tells what happened on an account.

use keymaker::{
    clock::{DAY, MINUTE},
    domain::event::Event,
    flows::{Caller, clean_up::clean_up},
};

use crate::support::{Server, http::Answer, person::attribute};

const PAGE: &str = "account/events";

fn count(page: &Answer, words: &str) -> usize {
    page.body.matches(words).count()
}

#[tokio::test]
async fn a_person_sees_what_happened_the_newest_first() {
    let server = Server::start().await;
    server.user("alice").await;
    let caller =
        Caller { ip: Some("192.0.2.7".to_owned()), user_agent: Some(super::SAFARI.to_owned()), ..Caller::default() };
    server.happen("alice", Event::PasswordChanged, &Caller::default()).await;
    let name = "\"><script>alert(1)</script>".to_owned();
    server.happen("alice", Event::PasskeyAdded { name }, &caller).await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let page = browser.get(PAGE).await;
    page.assert_page(200, "What happened on your account");
    let order = ["Signed in with a new browser", "A passkey was added", "The password was changed"];
    let places: Vec<_> = order.iter().map(|words| page.body.find(words).unwrap_or_else(|| panic!("{words}"))).collect();
    assert!(places.is_sorted(), "{}", page.body);
    for words in ["Safari on iOS", "192.0.2.7", "The administration of this service"] {
        assert!(page.body.contains(words), "no {words:?} in {}", page.body);
    }
    assert!(!page.body.contains("<script>alert"), "WEB-07");
    let request = browser.http.client.get(browser.http.url(PAGE)).header("accept-language", "fr");
    browser.http.send(request).await.assert_page(200, "Une clé d’accès a été ajoutée");
    assert_eq!(server.events("alice").await.len(), 4, "to look changes nothing");
}

#[tokio::test]
async fn a_long_list_has_pages() {
    let server = Server::start().await;
    for (name, event) in [("alice", Event::TotpAdded), ("bob", Event::CrossSigningReset)] {
        server.user(name).await;
        server.happen_often(name, event, &Caller::default(), 119).await;
    }
    let browser = server.browser();
    browser.sign_in("alice").await;
    let (mut path, mut seen) = (PAGE.to_owned(), Vec::new());
    for _ in 0..3 {
        let page = browser.get(&path).await;
        assert!(!page.body.contains("cryptographic"), "nobody sees what happened to others");
        assert_eq!(page.body.contains("Back to the newest"), !seen.is_empty());
        seen.push(count(&page, "<time "));
        let Some(older) = attribute(&page.body, "<a class=\"button secondary\" href=\"") else { break };
        path = older;
    }
    assert_eq!(seen, [50, 50, 21]);
    assert!(attribute(&browser.get(&path).await.body, "<a class=\"button secondary\"").is_none());
    browser.get("account/events?behind=0").await.assert_page(200, "There is nothing older.");
    // An event of somebody else's is no way into anything.
    let (id,): (String,) =
        server.app.db.sql("SELECT MAX(id) FROM account_events WHERE kind = 'cross_signing_reset'").one().await.unwrap();
    assert!(!browser.get(&format!("account/events?behind={id}")).await.body.contains("cryptographic"));
}

#[tokio::test]
async fn what_happened_is_for_its_owner() {
    let server = Server::start().await;
    server.user("alice").await;
    let answer = server.browser().get(PAGE).await;
    assert_eq!((answer.status, answer.location()), (303, "/login?to=events"));
}

#[tokio::test]
async fn what_is_older_than_a_year_is_forgotten() {
    let server = Server::start().await;
    server.user("alice").await;
    server.happen("alice", Event::PasswordChanged, &Caller::default()).await;
    server.clock.advance(364 * DAY);
    server.happen("alice", Event::TotpAdded, &Caller::default()).await;
    clean_up(&server.app).await.unwrap();
    assert_eq!(server.events("alice").await, ["registered", "password_changed", "totp_added"]);
    server.clock.advance(DAY + MINUTE);
    clean_up(&server.app).await.unwrap();
    assert_eq!(server.events("alice").await, ["totp_added"]);
}
