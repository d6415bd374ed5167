//! Websites and apps that only know who somebody is (ACT-07).

use super::{DEVICE, scope, server_with_alice};
use crate::support::Tokens;

#[tokio::test]
async fn apps_that_know_who_somebody_is_are_listed_apart_and_lose_it() {
    let (_, server, alice) = server_with_alice().await;
    alice.get("account/apps").await.assert_page(200, "There are none.");
    let client_id = server.client().await;
    let code = alice.allow(&server.request(&client_id, "openid profile")).await;
    let tokens = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
    server.log_in("alice", &scope(DEVICE)).await;
    server.user("mallory").await;
    let mallory = server.browser();
    mallory.sign_in("mallory").await;

    let page = alice.get("account/apps").await;
    page.assert_page(200, "Example App");
    assert!(page.body.contains("app.example.com") && !page.body.contains(DEVICE), "{}", page.body);
    let (sessions, allowed) = page.body.split_once("id=\"allowed\"").expect("what was allowed stands below");
    assert_eq!((sessions.matches("<li>").count(), allowed.matches("<li>").count()), (1, 1));
    let devices = alice.get("account/devices").await;
    assert!(devices.body.contains(DEVICE));
    mallory.get("account/apps").await.assert_page(200, "There are none.");

    let (session,): (String,) =
        server.app.db.sql("SELECT id FROM sessions WHERE kind = 'oauth' AND device_id IS NULL").one().await.unwrap();
    assert!(!devices.body.contains(&session), "it is no device");
    let answer = alice.confirm("end-session", Some(&session)).await;
    assert_eq!(answer.location(), "/account/apps?done=end-session");
    let page = alice.get(answer.location()).await;
    page.assert_page(200, "It was signed out.");
    assert!(page.body.contains("There are none."));
    assert!(!server.is_active(&tokens.access).await);
    server.refresh(&tokens).await.assert_error(400, "invalid_grant");
}
