//! The display name, which is the homeserver's (ACT-07).

use std::sync::atomic::Ordering;

use keymaker::clock::HOUR;

use super::{server_with_alice, state};
use crate::support::{
    PASSWORD, Server, eventually,
    person::{attribute, csrf_of},
    waiting_jobs,
};

async fn copy(server: &Server) -> Option<String> {
    let sql = "SELECT display_name FROM users WHERE username = 'alice'";
    server.app.db.sql(sql).one::<(Option<String>,)>().await.unwrap().0
}

#[tokio::test]
async fn the_display_name_is_changed_at_the_homeserver_and_here() {
    let (homeserver, server, alice) = server_with_alice().await;
    let page = alice.get("account/profile").await;
    page.assert_page(200, "@alice:hs.test");
    assert_eq!(attribute(&page.body, "name=\"display_name\" type=\"text\" value=\"").as_deref(), Some(""));
    let name = |name: &str| homeserver.names.lock().unwrap().get(name).cloned();
    let long = "é".repeat(400);
    for (typed, expected) in [
        ("  Alice\u{7} B. ", Some("Alice B.")),
        ("<b>\"Alice\"</b> 🙂", Some("<b>\"Alice\"</b> 🙂")),
        (long.as_str(), Some("é".repeat(256).leak() as &str)),
        (" ", None),
        ("Alice", Some("Alice")),
    ] {
        let answer = alice.submit(&page, &[("display_name", typed)]).await;
        assert_eq!(answer.location(), "/account/profile?done=name");
        assert_eq!((name("alice").as_deref(), copy(&server).await.as_deref()), (expected, expected), "{typed}");
        let page = alice.get(answer.location()).await;
        page.assert_page(200, "The profile was changed.");
        assert!(!page.body.contains("<b>"), "{}", page.body);
        let shown = attribute(&page.body, "name=\"display_name\" type=\"text\" value=\"");
        assert_eq!(shown.as_deref(), Some(expected.unwrap_or_default()));
    }
    alice.get("account/").await.assert_page(200, "<bdi>Alice</bdi>");

    // It may be changed in an app: the homeserver knows best, and looking changes nothing here.
    homeserver.names.lock().unwrap().insert("alice".to_owned(), "Alice in chains".to_owned());
    alice.get("account/profile").await.assert_page(200, "value=\"Alice in chains\"");
    assert_eq!(copy(&server).await.as_deref(), Some("Alice"));
}

#[tokio::test]
async fn while_the_homeserver_is_down_the_display_name_stays() {
    let (homeserver, server, alice) = server_with_alice().await;
    let page = alice.get("account/profile").await;
    alice.submit(&page, &[("display_name", "Alice")]).await;
    homeserver.set_down(true);
    let page = alice.get("account/profile").await;
    page.assert_page(200, "this is the name that was last known here");
    assert!(page.body.contains("value=\"Alice\""), "{}", page.body);
    let before = state(&server).await;
    for typed in ["Mallory", ""] {
        let answer = alice.submit(&page, &[("display_name", typed)]).await;
        answer.assert_page(503, "The Matrix homeserver does not answer just now, so nothing was changed.");
        assert!(answer.body.contains(&format!("value=\"{typed}\"")), "what was typed is not lost");
    }
    assert_eq!(state(&server).await, before);
    homeserver.set_down(false);
    assert_eq!(homeserver.names.lock().unwrap().get("alice").map(String::as_str), Some("Alice"));
    server.clock.advance(HOUR);
    assert_eq!(alice.submit(&page, &[("display_name", "Alice B.")]).await.status, 303);
    assert_eq!(copy(&server).await.as_deref(), Some("Alice B."));
}

#[tokio::test]
async fn a_name_that_waits_since_sign_up_does_not_come_after_a_later_one() {
    // HSI-04: the jobs of the user come first.
    let (homeserver, server, _) = server_with_alice().await;
    let bob = server.browser();
    let page = bob.get("register").await;
    let answer = bob.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).await;
    let (_, page) = bob.open(answer.location()).await;
    homeserver.is_down_for_provisioning.store(true, Ordering::SeqCst);
    assert_eq!(bob.submit(&page, &[("display_name", "Bob the first")]).await.status, 303);
    let page = bob.get("account/profile").await;
    bob.submit(&page, &[("display_name", "Bob the second")]).await.assert_page(503, "nothing was changed");
    homeserver.is_down_for_provisioning.store(false, Ordering::SeqCst);
    assert_eq!(bob.submit(&page, &[("display_name", "Bob the second")]).await.status, 303);
    server.clock.advance(HOUR);
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    assert_eq!(homeserver.names.lock().unwrap().get("bob").map(String::as_str), Some("Bob the second"));
}

#[tokio::test]
async fn nobody_changes_the_name_without_the_form_or_of_somebody_else() {
    // WEB-02, WEB-15
    let (homeserver, server, alice) = server_with_alice().await;
    server.user("mallory").await;
    let mallory = server.browser();
    mallory.sign_in("mallory").await;
    let foreign = csrf_of(&mallory.get("account/profile").await.body);
    let before = state(&server).await;
    for form in [vec![], vec![("csrf", "")], vec![("csrf", foreign.as_str())]] {
        let form = [form, vec![("display_name", "Forged")]].concat();
        assert_eq!(alice.http.post("account/profile", &form).await.status, 403);
    }
    let stranger = server.browser();
    stranger.get("login").await;
    let answer = stranger.http.post("account/profile", &[("display_name", "Forged")]).await;
    assert_eq!(answer.location(), "/login?to=profile");
    assert_eq!(state(&server).await, before);
    assert!(homeserver.names.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_homeserver_the_name_is_ours() {
    let server = Server::start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let page = alice.get("account/profile").await;
    assert_eq!(alice.submit(&page, &[("display_name", "Alice")]).await.status, 303);
    alice.get("account/profile").await.assert_page(200, "value=\"Alice\"");
    assert_eq!(copy(&server).await.as_deref(), Some("Alice"));
}
