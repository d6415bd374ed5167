//! Ending sessions from the account (DEV-01, DEV-11, ACT-07): one, all others, and the one that looks.

use super::{DEVICE, FOREIGN_DEVICE, Somebody, events, scope, server_with_alice, session_on};
use crate::support::{PASSWORD, Tokens, eventually, person::attribute};

#[tokio::test]
async fn one_device_is_signed_out_and_gone_everywhere() {
    // DEV-01, ACT-05
    let (homeserver, server, alice) = server_with_alice().await;
    let kept = server.log_in("alice", &scope("KEPTDEVICE")).await;
    let left = server.log_in("alice", &scope(DEVICE)).await;
    let session = session_on(&server, DEVICE).await;

    let list = alice.get("account/devices").await;
    let href = attribute(&list.body, &format!("<a href=\"/account/confirm?act=end-session&#38;target={session}"));
    assert_eq!(href.as_deref(), Some(""), "{}", list.body);
    let page = alice.confirm_page("end-session", Some(&session)).await;
    page.assert_page(200, "Example App · ABCDEFGHIJ");
    assert!(page.body.contains("loses its encryption keys"), "{}", page.body);
    assert!(server.is_active(&left.access).await);

    let answer = alice.confirm("end-session", Some(&session)).await;
    assert_eq!(answer.location(), "/account/devices?done=end-session");
    let list = alice.get(answer.location()).await;
    list.assert_page(200, "It was signed out.");
    assert!(!list.body.contains(DEVICE) && list.body.contains("KEPTDEVICE"), "{}", list.body);
    assert!(!server.is_active(&left.access).await && server.is_active(&kept.access).await);
    server.refresh(&left).await.assert_error(400, "invalid_grant");
    eventually("the end of the device", async || !homeserver.has_device("alice", DEVICE)).await;
    assert!(homeserver.has_device("alice", "KEPTDEVICE"));
    assert_eq!(events(&server, "session_ended").await, 1);
    let reason: (String,) =
        server.app.db.sql("SELECT end_reason FROM sessions WHERE id = $1").bind(&session).one().await.unwrap();
    assert_eq!(reason.0, "ended_by_owner");
}

#[tokio::test]
async fn a_device_goes_later_when_the_homeserver_is_down() {
    // DEV-02
    let (homeserver, server, alice) = server_with_alice().await;
    let tokens = server.log_in("alice", &scope(DEVICE)).await;
    let session = session_on(&server, DEVICE).await;
    homeserver.set_down(true);
    let answer = alice.confirm("end-session", Some(&session)).await;
    alice.get(answer.location()).await.assert_page(200, "It was signed out.");
    assert!(!server.is_active(&tokens.access).await);
    assert!(homeserver.has_device("alice", DEVICE));
    homeserver.set_down(false);
    eventually("the end of the device", async || {
        server.clock.advance(keymaker::clock::HOUR);
        !homeserver.has_device("alice", DEVICE)
    })
    .await;
}

#[tokio::test]
async fn everything_else_is_signed_out_and_this_browser_stays() {
    // DEV-11, WEB-15
    let (homeserver, server, alice) = server_with_alice().await;
    server.user("mallory").await;
    let hers = server.log_in("mallory", &scope(FOREIGN_DEVICE)).await;
    let oauth = server.log_in("alice", &scope(DEVICE)).await;
    let older = server.legacy_session("alice", "an older device").await;
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    // A wiki that knows who she is, and a sign-in whose code was not fetched yet.
    let client_id = server.client().await;
    let code = elsewhere.allow(&server.request(&client_id, "openid")).await;
    let wiki = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
    let waiting = elsewhere.allow(&server.request(&client_id, &scope("LATEDEVICE"))).await;

    alice.get("account/devices").await.assert_page(200, "To sign out everywhere, sign out here afterwards.");
    let answer = alice.confirm("end-other-sessions", None).await;
    alice.get(answer.location()).await.assert_page(200, "Everything else was signed out.");
    for token in [&oauth.access, &older.access, &wiki.access] {
        assert!(!server.is_active(token).await);
    }
    assert_eq!(elsewhere.get("account/").await.status, 303);
    server.exchange(&client_id, &waiting).await.assert_error(400, "invalid_grant");
    assert!(server.is_active(&hers.access).await && homeserver.has_device("mallory", FOREIGN_DEVICE));
    eventually("the end of the devices", async || {
        homeserver.devices.lock().unwrap().iter().all(|(user, _)| user == "mallory")
    })
    .await;
    let page = alice.get("account/devices").await;
    page.assert_page(200, "No other browser and no Matrix app is signed in.");
    assert!(!page.body.contains("end-other-sessions"), "{}", page.body);
    assert_eq!(events(&server, "sessions_ended").await, 1);

    // Nothing is left to end, and nothing happened.
    let answer = alice.confirm("end-other-sessions", None).await;
    assert_eq!(answer.status, 303);
    assert_eq!(events(&server, "sessions_ended").await, 1);
    assert_eq!(alice.get("account/").await.status, 200);
}

#[tokio::test]
async fn whoever_ends_the_session_of_this_browser_is_signed_out_here() {
    // WEB-01, DEV-11
    let (_, server, alice) = server_with_alice().await;
    let tokens = server.log_in("alice", &scope(DEVICE)).await;
    let list = alice.get("account/devices").await;
    list.assert_page(200, "This browser");
    assert!(list.body.contains("<a href=\"/logout\">"), "signing out here asks for no proof: {}", list.body);

    let own = Somebody::at(&server, &alice).await.session().to_owned();
    let answer = alice.confirm("end-session", Some(&own)).await;
    answer.assert_page(200, "You are signed out");
    for name in ["keymaker_session", "keymaker_browser"] {
        let (value, attributes) = answer.set_cookie(name).unwrap();
        assert!(value.is_empty() && attributes.contains("Max-Age=0"), "{attributes}");
    }
    assert_eq!(alice.get("account/").await.status, 303);
    assert!(server.is_active(&tokens.access).await, "RPL-04: the apps stay signed in");
}

#[tokio::test]
async fn another_browser_is_signed_out_and_asked_again() {
    // DEV-11
    let (_, server, alice) = server_with_alice().await;
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let page = elsewhere.get("account/").await;
    let other = Somebody::at(&server, &elsewhere).await.session().to_owned();
    let answer = alice.confirm("end-session", Some(&other)).await;
    assert_eq!(answer.location(), "/account/devices?done=end-session");
    assert_eq!(elsewhere.get("account/devices").await.location(), "/login?to=devices");
    assert!(matches!(elsewhere.submit(&page, &[]).await.status, 200 | 403));
    assert_eq!(alice.get("account/").await.status, 200);
}

#[tokio::test]
async fn a_form_of_another_account_signs_nobody_out() {
    // WEB-15: somebody else signed in meanwhile, in another tab.
    let (_, server, alice) = server_with_alice().await;
    server.user("mallory").await;
    let tokens = server.log_in("alice", &scope(DEVICE)).await;
    let session = session_on(&server, DEVICE).await;
    let page = alice.confirm_page("end-session", Some(&session)).await;
    let login = alice.get("login?switch=1").await;
    alice.submit(&login, &[("username", "mallory"), ("password", PASSWORD)]).await;
    assert_eq!(alice.submit(&page, &[("password", PASSWORD)]).await.status, 403);
    assert!(server.is_active(&tokens.access).await);
}
