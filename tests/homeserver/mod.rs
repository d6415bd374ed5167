//! Keeping the homeserver in step, with a homeserver that can fail (spec areas 15, 21; TST-05).

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::future::join_all;
use keymaker::{clock::HOUR, flows::manage::set_locked};

use crate::support::{MATRIX_SCOPE, PASSWORD, Server, Tokens, homeserver::FakeHomeserver};

const DEVICE: &str = "ABCDEFGHIJ";

async fn server(homeserver: &Arc<FakeHomeserver>) -> Server {
    Server::setup()
        .with("matrix.kind", "synapse")
        .with("matrix.homeserver", "hs.test")
        .with("matrix.endpoint", "http://127.0.0.1:1/")
        .homeserver(homeserver.clone())
        .start()
        .await
}

async fn server_with_alice() -> (Arc<FakeHomeserver>, Server) {
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = server(&homeserver).await;
    server.user("alice").await;
    (homeserver, server)
}

/// Waits for work after the response.
async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} does not come true");
}

async fn waiting_jobs(server: &Server) -> i64 {
    keymaker::store::job::count(&server.app.db).await.unwrap()
}

#[tokio::test]
async fn a_person_is_created_at_the_homeserver_before_the_first_session() {
    // HSI-04, SGN-07
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = server(&homeserver).await;
    let browser = server.browser();
    let (_, page) = browser.open("register").await;
    let answer = browser.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).await;
    let (_, page) = browser.open(answer.location()).await;
    assert!(!homeserver.users.lock().unwrap().contains("bob"), "nothing before the commit");
    let answer = browser.submit(&page, &[("display_name", "Bob B.")]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let calls = homeserver.calls();
    assert_eq!(calls, ["available bob", "available bob", "provision bob Some(\"Bob B.\") locked=false"]);
    assert_eq!(waiting_jobs(&server).await, 0);
}

#[tokio::test]
async fn a_name_of_the_homeserver_is_refused_at_sign_up() {
    // SGN-02, DEV-09
    let homeserver = Arc::new(FakeHomeserver::default());
    homeserver.users.lock().unwrap().insert("taken".to_owned());
    homeserver.reserved.lock().unwrap().insert("bridge".to_owned());
    let server = server(&homeserver).await;
    for (name, says) in [("taken", "taken"), ("bridge", "reserved")] {
        let browser = server.browser();
        let (_, page) = browser.open("register").await;
        let answer = browser.submit(&page, &[("username", name), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 422);
        assert!(answer.body.contains(says), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_sign_up_waits_for_a_homeserver_that_is_down_and_loses_nothing() {
    // HSI-04
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = server(&homeserver).await;
    let browser = server.browser();
    let (_, page) = browser.open("register").await;
    let answer = browser.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).await;
    let (_, page) = browser.open(answer.location()).await;
    homeserver.set_down(true);
    let answer = browser.submit(&page, &[("display_name", "")]).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    homeserver.set_down(false);
    let answer = browser.submit(&page, &[("display_name", "")]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(homeserver.users.lock().unwrap().contains("bob"));
}

#[tokio::test]
async fn the_device_exists_before_the_token_and_goes_with_the_session() {
    // TOK-12, DEV-01, REV-02
    let (homeserver, server) = server_with_alice().await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    assert!(homeserver.has_device("alice", DEVICE));
    assert_eq!(waiting_jobs(&server).await, 0, "nothing is left over");
    let answer = server.post("oauth2/revoke", &[("token", &tokens.access)]).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert!(!server.is_active(&tokens.access).await);
    eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
}

#[tokio::test]
async fn a_replayed_refresh_token_removes_the_device() {
    // REF-06
    let (homeserver, server) = server_with_alice().await;
    let first = server.log_in("alice", MATRIX_SCOPE).await;
    let second = Tokens::of(&server.refresh(&first).await, &first.client_id);
    assert_eq!(server.refresh(&second).await.status, 200);
    assert!(homeserver.has_device("alice", DEVICE));
    server.refresh(&first).await.assert_error(400, "invalid_grant");
    eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
}

#[tokio::test]
async fn a_homeserver_that_is_down_costs_nobody_a_code() {
    // TOK-12
    let (homeserver, server) = server_with_alice().await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, MATRIX_SCOPE).await;
    homeserver.set_down(true);
    let answer = server.exchange(&client_id, &code).await;
    answer.assert_error(503, "temporarily_unavailable");
    assert!(answer.header("retry-after").is_some());
    homeserver.set_down(false);
    let answer = server.exchange(&client_id, &code).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(homeserver.has_device("alice", DEVICE));
    eventually("an empty queue", async || {
        server.clock.advance(HOUR);
        waiting_jobs(&server).await == 0
    })
    .await;
    assert!(homeserver.has_device("alice", DEVICE), "the work that was left over does not harm the new session");
}

#[tokio::test]
async fn a_deletion_that_had_to_wait_does_not_hit_the_device_of_a_new_login() {
    // DEV-02, TRP-27
    let (homeserver, server) = server_with_alice().await;
    let old = server.log_in("alice", MATRIX_SCOPE).await;
    homeserver.set_down(true);
    assert_eq!(server.post("oauth2/revoke", &[("token", &old.access)]).await.status, 200);
    eventually("a failed attempt", async || homeserver.calls().iter().any(|call| call.starts_with("delete"))).await;
    homeserver.set_down(false);
    let new = server.log_in("alice", MATRIX_SCOPE).await;
    server.clock.advance(HOUR);
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    assert!(homeserver.has_device("alice", DEVICE));
    assert_eq!(server.refresh(&new).await.status, 200);
}

#[tokio::test]
async fn logins_and_logouts_of_one_device_at_once_leave_homeserver_and_store_agreed() {
    // DEV-02: interleaved at random, with a homeserver that takes its time.
    let homeserver = Arc::new(FakeHomeserver::default());
    homeserver.delay.store(3, Ordering::SeqCst);
    let server = server(&homeserver).await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let mut tokens: Option<Tokens> = None;
    for _ in 0..15 {
        let code = browser.allow(&server.request(&client_id, MATRIX_SCOPE)).await;
        let logout = async {
            if let Some(tokens) = &tokens {
                server.post("oauth2/revoke", &[("token", tokens.refresh.as_str())]).await;
            }
        };
        let (answer, ()) = futures_util::join!(server.exchange(&client_id, &code), logout);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let new = Tokens::of(&answer, &client_id);
        assert!(server.is_active(&new.access).await);
        assert!(homeserver.has_device("alice", DEVICE), "a live session has its device");
        tokens = Some(new);
    }
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    assert!(homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn parallel_logins_of_one_user_on_many_devices_all_succeed() {
    let homeserver = Arc::new(FakeHomeserver::default());
    homeserver.delay.store(5, Ordering::SeqCst);
    let server = server(&homeserver).await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let mut codes = Vec::new();
    for device in 0..10 {
        let scope = format!("urn:matrix:client:api:* urn:matrix:client:device:DEVICE000{device}");
        codes.push(browser.allow(&server.request(&client_id, &scope)).await);
    }
    for answer in join_all(codes.iter().map(|code| server.exchange(&client_id, code))).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(homeserver.devices.lock().unwrap().len(), 10);
}

#[tokio::test]
async fn a_lock_reaches_the_homeserver_and_waits_when_it_is_down() {
    // HSI-05, HSI-06
    let (homeserver, server) = server_with_alice().await;
    eventually("the first provisioning", async || waiting_jobs(&server).await == 0).await;
    homeserver.set_down(true);
    set_locked(&server.app, "alice", true).await.unwrap();
    eventually("a failed attempt", async || {
        homeserver.calls().iter().filter(|call| call.ends_with("locked=true")).count() > 0
    })
    .await;
    assert_eq!(waiting_jobs(&server).await, 1);
    homeserver.set_down(false);
    server.clock.advance(HOUR);
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    assert!(homeserver.calls().last().unwrap().ends_with("locked=true"));
}

#[tokio::test]
async fn a_user_whom_the_homeserver_forgot_is_provisioned_again_at_login() {
    // HSI-09: a restored backup of either side.
    let (homeserver, server) = server_with_alice().await;
    eventually("the first provisioning", async || waiting_jobs(&server).await == 0).await;
    homeserver.users.lock().unwrap().clear();
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    assert!(server.is_active(&tokens.access).await);
    assert!(homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_half_login() {
    // TOK-12: the exchange is carried through, and the lane is free afterwards.
    let (homeserver, server) = server_with_alice().await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, MATRIX_SCOPE).await;
    homeserver.delay.store(300, Ordering::SeqCst);
    let exchange = tokio::time::timeout(Duration::from_millis(150), server.exchange(&client_id, &code));
    assert!(exchange.await.is_err(), "the client gives up");
    eventually("the end of the exchange", async || {
        let sql = "SELECT COUNT(*) FROM sessions WHERE kind = 'oauth'";
        server.app.db.sql(sql).one::<(i64,)>().await.unwrap().0 == 1
    })
    .await;
    homeserver.delay.store(0, Ordering::SeqCst);
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    assert!(server.is_active(&tokens.access).await);
}

#[tokio::test]
async fn work_outlives_the_process_that_began_it() {
    // HSI-06, INV-16: a lane whose holder died is taken over when its lease has run out, and not before.
    let (homeserver, server) = server_with_alice().await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    let (user,): (String,) = server.app.db.sql("SELECT id FROM users").one().await.unwrap();
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("INSERT INTO lanes (name, holder, leased_until) VALUES ($1, $2, $3)")
        .bind(&user)
        .bind("a process that died")
        .bind(server.clock.now() + 60_000)
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.post("oauth2/revoke", &[("token", &tokens.access)]).await.status, 200);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(homeserver.has_device("alice", DEVICE), "the lane is still leased");
    server.clock.advance(61_000);
    eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
}

#[tokio::test]
async fn housekeeping_changes_no_decision() {
    // INV-15: everything that expired was refused before, and what lives goes on.
    let (_, server) = server_with_alice().await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let code = browser.allow(&server.request(&client_id, MATRIX_SCOPE)).await;
    let tokens = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
    server.clock.advance(20 * 24 * HOUR);
    let (path, _) = browser.open("account/").await;
    assert!(path.ends_with("/login"), "the login of the browser has expired");
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    let (grants,): (i64,) = server.app.db.sql("SELECT COUNT(*) FROM grants").one().await.unwrap();
    assert_eq!(grants, 0);
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
    let (path, _) = browser.open("account/").await;
    assert!(path.ends_with("/login"));
    assert_eq!(server.refresh(&tokens).await.status, 200, "the session of the client lives on");
}

#[tokio::test]
async fn a_lane_that_was_lost_meanwhile_commits_nothing() {
    // DEV-02, TRP-27: a slow homeserver, or a machine that slept; whoever took the lane may have deleted the device.
    let (homeserver, server) = server_with_alice().await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, MATRIX_SCOPE).await;
    homeserver.delay.store(400, Ordering::SeqCst);
    let theft = async {
        eventually("the lease", async || {
            server.app.db.sql("SELECT COUNT(*) FROM lanes").one::<(i64,)>().await.unwrap().0 == 1
        })
        .await;
        let mut tx = server.app.db.write().await.unwrap();
        tx.sql("UPDATE lanes SET holder = $1").bind("somebody else").execute().await.unwrap();
        tx.commit().await.unwrap();
    };
    let (answer, ()) = futures_util::join!(server.exchange(&client_id, &code), theft);
    answer.assert_error(503, "temporarily_unavailable");
    homeserver.delay.store(0, Ordering::SeqCst);
    server.clock.advance(50_000);
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("DELETE FROM lanes").execute().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(server.exchange(&client_id, &code).await.status, 200, "the code was not lost");
    assert!(homeserver.has_device("alice", DEVICE));
}

#[tokio::test]
async fn trouble_with_one_device_does_not_keep_another_from_signing_in() {
    // HSI-06: one deletion that fails for ever must not lock the account out.
    let (homeserver, server) = server_with_alice().await;
    let old = server.log_in("alice", MATRIX_SCOPE).await;
    homeserver.set_down(true);
    assert_eq!(server.post("oauth2/revoke", &[("token", &old.access)]).await.status, 200);
    eventually("a failed attempt", async || homeserver.calls().iter().any(|call| call.starts_with("delete"))).await;
    homeserver.set_down(false);
    let scope = "urn:matrix:client:api:* urn:matrix:client:device:OTHERDEVICE";
    let new = server.log_in("alice", scope).await;
    assert!(server.is_active(&new.access).await);
    assert!(homeserver.has_device("alice", "OTHERDEVICE"));
    assert_eq!(waiting_jobs(&server).await, 1, "the deletion waits for its time");
}

#[tokio::test]
async fn an_account_that_the_homeserver_will_never_have_is_not_made_by_an_administrator_either() {
    // HSI-04, DEV-09
    let homeserver = Arc::new(FakeHomeserver::default());
    homeserver.reserved.lock().unwrap().insert("bridge".to_owned());
    let server = server(&homeserver).await;
    let result = keymaker::flows::manage::register_user(&server.app, "bridge", Some(PASSWORD), None, false).await;
    assert!(result.is_err());
    let (users,): (i64,) = server.app.db.sql("SELECT COUNT(*) FROM users").one().await.unwrap();
    assert_eq!((users, waiting_jobs(&server).await), (0, 0));
}
