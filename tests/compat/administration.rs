//! What an administrator's commands do to sessions and to the homeserver (DEV-01, DEV-14, SCP-08, HSI-05, CMP-15). What they
//! print is in tests/start.

use keymaker::{
    clock::{DAY, HOUR},
    domain::refusal::Refusal,
    error::Error,
    flows::manage,
};
use serde_json::json;

use super::{DEVICE, live_sessions, server_with_alice};
use crate::support::{MATRIX_SCOPE, Server, eventually, waiting_jobs};

const ADMIN: &str = "urn:synapse:admin:*";

/// Has a token issued as the command does.
async fn issue(server: &Server, device_id: Option<&str>, is_admin: bool) -> Result<(String, String), Error> {
    let (device_id, token) = manage::issue_compatibility_token(&server.app, "alice", device_id, is_admin).await?;
    server.audit.look_for_secrets(token.expose());
    Ok((device_id, token.expose().to_owned()))
}

#[tokio::test]
async fn an_issued_token_is_one_of_a_session_like_any_other_and_never_expires() {
    let (homeserver, server) = server_with_alice().await;
    let (device, token) = issue(&server, None, false).await.unwrap();
    assert_eq!(device.len(), 10);
    assert!(homeserver.has_device("alice", &device), "TOK-12: the device comes first");
    assert_eq!(waiting_jobs(&server).await, 0);
    let introspection = server.introspect_with_device(&token).await;
    assert_eq!((&introspection["device_id"], &introspection["username"]), (&json!(device), &json!("alice")));
    assert!(introspection.get("exp").is_none() && introspection.get("expires_in").is_none(), "{introspection}");
    server.clock.advance(4000 * DAY);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    assert!(server.is_active(&token).await);
    let browser = server.browser();
    browser.sign_in("alice").await;
    browser.get("account/devices").await.assert_page(200, &device);

    // On a device that is in use it takes the place of what was there.
    let old = server.legacy_session("alice", "my device ✨").await;
    let (_, new) = issue(&server, Some("my device ✨"), false).await.unwrap();
    assert!(!server.is_active(&old.access).await && server.is_active(&new).await);
    assert_eq!(homeserver.deletions(), 0);
    assert_eq!(server.logout_all(&new).await.status, 200);
    assert!(!server.is_active(&token).await);
    eventually("the end of the devices", async || homeserver.devices.lock().unwrap().is_empty()).await;
}

#[tokio::test]
async fn administration_is_for_administrators_and_only_when_it_is_asked_for() {
    // SCP-08: a right that was taken away stops at once.
    let (_, server) = server_with_alice().await;
    let holds_it = async |token: &str| {
        let introspection = server.introspect(token).await;
        introspection["scope"].as_str().is_some_and(|scope| scope.split(' ').any(|token| token == ADMIN))
    };
    assert!(matches!(issue(&server, None, true).await, Err(Error::Refusal(Refusal::AccessDenied))));
    assert_eq!(live_sessions(&server, "compat").await, 0);
    manage::set_admin(&server.app, "alice", true).await.unwrap();
    let (_, plain) = issue(&server, None, false).await.unwrap();
    let (_, admin) = issue(&server, Some(DEVICE), true).await.unwrap();
    let by_password = server.legacy_token("alice", "PASSWORD01").await;
    assert!(holds_it(&admin).await && !holds_it(&plain).await && !holds_it(&by_password).await);
    let scope = server.introspect(&admin).await["scope"].as_str().unwrap().to_owned();
    assert!(scope.starts_with("urn:matrix:client:api:* ") && scope.contains("client:device:ABCDEFGHIJ"), "{scope}");
    assert_eq!(server.introspect_with_device(&admin).await["device_id"], DEVICE);

    manage::set_admin(&server.app, "alice", false).await.unwrap();
    assert!(!server.is_active(&admin).await);
    assert!(server.is_active(&plain).await && server.is_active(&by_password).await);
    manage::set_admin(&server.app, "alice", true).await.unwrap();
    assert!(holds_it(&admin).await, "and comes back with the right");
}

#[tokio::test]
async fn a_token_that_cannot_be_issued_leaves_nothing_behind() {
    // CMP-18, INV-07
    let (homeserver, server) = server_with_alice().await;
    for device in ["", "a\nb", "\0", &"x".repeat(256)] {
        assert!(matches!(issue(&server, Some(device), false).await, Err(Error::Refusal(Refusal::InvalidParam(_)))));
    }
    homeserver.set_down(true);
    let down = issue(&server, Some(DEVICE), false).await;
    assert!(matches!(down, Err(Error::Refusal(Refusal::HomeserverUnavailable))));
    homeserver.set_down(false);
    manage::deactivate(&server.app, "alice", false).await.unwrap();
    assert!(matches!(issue(&server, Some(DEVICE), false).await, Err(Error::Refusal(Refusal::UserDeactivated))));
    eventually("an empty queue", async || {
        server.clock.advance(HOUR);
        waiting_jobs(&server).await == 0
    })
    .await;
    assert_eq!(live_sessions(&server, "compat").await, 0);
    assert!(!homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn ending_all_sessions_ends_every_kind_and_only_tells_when_it_is_only_asked() {
    // DEV-01, INV-05
    let (homeserver, server) = server_with_alice().await;
    server.user("bob").await;
    let bob = server.legacy_session("bob", DEVICE).await;
    let legacy = server.legacy_session("alice", "my device ✨").await;
    let oauth = server.log_in("alice", MATRIX_SCOPE).await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    for is_dry_run in [true, true, false, false] {
        let is_first = live_sessions(&server, "compat").await == 2;
        let (user, sessions) = manage::kill_sessions(&server.app, "@alice:hs.test", is_dry_run).await.unwrap();
        assert_eq!(user.username, "alice");
        let mut kinds: Vec<&str> = sessions.iter().map(|session| session.kind.as_str()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, if is_first { vec!["browser", "browser", "compat", "oauth"] } else { vec![] });
        assert_eq!(server.is_active(&legacy.access).await, is_dry_run);
        assert_eq!(server.is_active(&oauth.access).await, is_dry_run);
        assert_eq!(browser.get("account/").await.status == 200, is_dry_run);
        assert!(!is_dry_run || homeserver.deletions() == 0, "nothing was done");
    }
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    assert!(!homeserver.has_device("alice", DEVICE) && !homeserver.has_device("alice", "my device ✨"));
    assert!(server.is_active(&bob.access).await && homeserver.has_device("bob", DEVICE));
}

#[tokio::test]
async fn a_deactivation_ends_everything_and_can_be_taken_back_without_it() {
    // DEV-14, HSI-05
    for erase in [false, true] {
        let (homeserver, server) = server_with_alice().await;
        let legacy = server.legacy_session("alice", DEVICE).await;
        let oauth = server.log_in("alice", "openid").await;
        let browser = server.browser();
        browser.sign_in("alice").await;
        assert!(manage::deactivate(&server.app, "alice", erase).await.unwrap().1);
        let call = format!("deactivate alice erase={erase}");
        eventually("the call", async || homeserver.calls().contains(&call)).await;
        eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
        assert!(!manage::deactivate(&server.app, "alice", false).await.unwrap().1, "it was so already");
        eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
        assert_eq!(homeserver.calls().iter().filter(|call| call.starts_with("deactivate")).count(), 1);
        assert!(!server.is_active(&legacy.access).await && !homeserver.has_device("alice", DEVICE));
        assert!(browser.get("account/").await.status == 303 && server.refresh(&oauth).await.status == 400);
        let taken = manage::register_user(&server.app, "alice", None, None, false).await;
        assert!(taken.is_err(), "the name stays taken");

        assert!(manage::reactivate(&server.app, "alice").await.unwrap().1);
        eventually("the call", async || homeserver.calls().contains(&"reactivate alice".to_owned())).await;
        eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
        assert!(!manage::reactivate(&server.app, "alice").await.unwrap().1);
        assert!(!server.is_active(&legacy.access).await, "what ended stays ended");
        assert_eq!(browser.get("account/").await.status, 303);
        let anew = server.legacy_session("alice", DEVICE).await;
        assert!(server.is_active(&anew.access).await && homeserver.has_device("alice", DEVICE));
    }
}

#[tokio::test]
async fn a_deactivation_waits_for_a_homeserver_that_is_down_and_is_not_undone_by_anything_before_it() {
    // HSI-06, DEV-02: a lock that waits must not bring the account back to life there.
    let (homeserver, server) = server_with_alice().await;
    eventually("the first provisioning", async || waiting_jobs(&server).await == 0).await;
    homeserver.set_down(true);
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    manage::deactivate(&server.app, "alice", false).await.unwrap();
    homeserver.set_down(false);
    eventually("an empty queue", async || {
        server.clock.advance(HOUR);
        waiting_jobs(&server).await == 0
    })
    .await;
    // The lock may have been on its way to the homeserver already; what counts is that nothing comes after the end.
    let calls = homeserver.calls();
    assert_eq!(calls.last().unwrap(), "deactivate alice erase=false", "{calls:?}");
}

#[tokio::test]
async fn a_login_and_a_deactivation_at_once_leave_nobody_signed_in() {
    // INV-05
    let (homeserver, server) = server_with_alice().await;
    for _ in 0..5 {
        let logins = (0..4).map(|_| server.password_login("alice", json!({ "device_id": DEVICE })));
        let deactivation = manage::deactivate(&server.app, "alice", false);
        let (answers, result) = futures_util::join!(futures_util::future::join_all(logins), deactivation);
        result.unwrap();
        for answer in answers {
            // Overtaken by the deactivation, one is told to come again; later, that the account is deactivated.
            assert!([200, 403, 503].contains(&answer.status), "{} {}", answer.status, answer.body);
        }
        assert_eq!(live_sessions(&server, "compat").await, 0);
        eventually("an empty queue", async || {
            server.clock.advance(HOUR);
            waiting_jobs(&server).await == 0
        })
        .await;
        assert!(!homeserver.has_device("alice", DEVICE), "{:?}", homeserver.calls());
        manage::reactivate(&server.app, "alice").await.unwrap();
        eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    }
}
