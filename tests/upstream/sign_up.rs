//! New accounts through a provider (UPS-08, UPS-09), and signing in by a link.

use serde_json::json;

use super::{PROVIDER, SUBJECT, as_usual, server_with, server_with_alice};
use crate::support::person::Person;

/// Goes to the provider and back, to the form of a new account.
async fn arrive(browser: &Person) -> crate::support::http::Answer {
    let answer = browser.come_back_from(PROVIDER).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.location().contains("/upstream/sign-up?trip="), "{}", answer.location());
    browser.get(answer.location()).await
}

#[tokio::test]
async fn a_linked_person_signs_in_and_comes_back_where_they_were() {
    // UPS-07, UPS-10
    let (_provider, server) = server_with_alice(as_usual()).await;
    let browser = server.browser();
    let answer = browser.come_back_from(PROVIDER).await;
    assert_eq!((answer.status, answer.location()), (303, "/account/"), "{}", answer.body);
    browser.assert_signed_in_as("alice").await;
}

#[tokio::test]
async fn what_a_provider_suggests_can_be_changed_and_makes_an_account_with_a_link() {
    // UPS-08
    let (_provider, server) = server_with(as_usual()).await;
    let browser = server.browser();
    let page = arrive(&browser).await;
    page.assert_page(200, "value=\"alice\"");
    assert!(page.body.contains("value=\"Alice Liddell\"") && page.body.contains("alice@example.com"), "{}", page.body);
    let form = [("username", "alice2"), ("display_name", "Al"), ("email", "yes")];
    let answer = browser.submit(&page, &form).await;
    assert_eq!((answer.status, answer.location()), (303, "/account/"), "{}", answer.body);
    browser.assert_signed_in_as("alice2").await;
    let links = server.links().await;
    assert_eq!(links, [(PROVIDER.to_owned(), SUBJECT.to_owned(), "alice2".to_owned())]);
    // From now on it is a login, and the trip is used up.
    assert_eq!(browser.submit(&page, &form).await.status, 400);
    let other = server.browser();
    assert_eq!(other.come_back_from(PROVIDER).await.location(), "/account/");
    other.assert_signed_in_as("alice2").await;
}

#[tokio::test]
async fn what_a_provider_decides_cannot_be_changed() {
    // UPS-08
    let more = json!({ "claims_imports": {
        "localpart": { "action": "force" }, "displayname": { "action": "force" }, "email": { "action": "require" },
    } });
    let (_provider, server) = server_with(more).await;
    let browser = server.browser();
    let page = arrive(&browser).await;
    assert_eq!(page.body.matches(" readonly").count(), 2, "{}", page.body);
    let answer = browser.submit(&page, &[("username", "mallory"), ("display_name", "Mallory")]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    browser.assert_signed_in_as("alice").await;
    let row: (String, String) = server
        .app
        .db
        .sql("SELECT u.display_name, e.email FROM users u JOIN user_emails e ON e.user_id = u.id")
        .one()
        .await
        .unwrap();
    assert_eq!(row, ("Alice Liddell".to_owned(), "alice@example.com".to_owned()));
}

#[tokio::test]
async fn whoever_lacks_what_is_required_gets_no_account() {
    // UPS-07, UPS-08: an address that is not confirmed is none.
    let more = json!({ "claims_imports": { "email": { "action": "require" } } });
    let (provider, server) = server_with(more).await;
    provider.set("email_verified", json!("true"));
    let answer = server.browser().come_back_from(PROVIDER).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    answer.assert_page(400, "does not tell everything");
}

#[tokio::test]
async fn a_name_of_an_account_leads_to_its_owner_and_links_nothing() {
    // UPS-07
    let (_provider, server) = server_with(json!({ "claims_imports": { "localpart": { "action": "force" } } })).await;
    server.user("alice").await;
    let page = arrive(&server.browser()).await;
    page.assert_page(200, "There is an account already");
    assert!(server.links().await.is_empty());
}

#[tokio::test]
async fn a_new_account_has_a_name_that_the_grammar_allows_and_nobody_has() {
    // UPS-09, SGN-02
    let (_provider, server) = server_with(as_usual()).await;
    server.user("bob").await;
    let browser = server.browser();
    let page = arrive(&browser).await;
    for name in ["bob", "Bob ", "_bridge", "12345", "élise", ""] {
        let answer = browser.submit(&page, &[("username", name), ("display_name", "")]).await;
        assert_eq!(answer.status, 422, "{name}: {}", answer.body);
        assert!(answer.body.contains("role=\"alert\""), "{}", answer.body);
    }
    assert_eq!(browser.submit(&page, &[("username", "Bobby"), ("display_name", "")]).await.status, 303);
    browser.assert_signed_in_as("bobby").await;
}

#[tokio::test]
async fn of_twenty_forms_at_once_one_makes_the_account() {
    // INV-01
    let (_provider, server) = server_with(as_usual()).await;
    let browser = server.browser();
    let page = arrive(&browser).await;
    let forms = (0..20).map(|n| {
        let (browser, page) = (&browser, &page);
        async move {
            let name = format!("alice{n}");
            browser.submit(page, &[("username", &name), ("display_name", "")]).await.status
        }
    });
    let statuses = futures_util::future::join_all(forms).await;
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    let row: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM users").one().await.unwrap();
    assert_eq!((row.0, server.links().await.len()), (1, 1));
}

#[tokio::test]
async fn nobody_gets_an_account_where_only_linked_people_sign_in() {
    let (_provider, server) = server_with(json!({ "sign_in_only": true })).await;
    let answer = server.browser().come_back_from(PROVIDER).await;
    answer.assert_page(403, "Nobody gets a new account here");
    assert_eq!(server.browser_sessions().await, 0);
}
