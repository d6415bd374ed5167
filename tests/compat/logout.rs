//! `POST /logout` and `/logout/all` (12.5: LGO-01 to LGO-03; REV-08, DEV-01, DEV-12, TRP-11): whatever token of a session
//! is presented, the session ends, and its device goes.

use std::sync::atomic::Ordering;

use keymaker::{
    clock::MINUTE,
    crypto::secret::{Kind, Secret},
    flows::manage,
};
use serde_json::json;

use super::{DEVICE, live_sessions, server_with_alice};
use crate::support::{
    MATRIX_SCOPE, Server, Tokens,
    compat::{LOGOUT, LOGOUT_ALL, VERSIONS, token_login},
    eventually, waiting_jobs,
};

/// What is presented, whether it ends its session, and whether it ends them all.
const PRESENTED: [(&str, bool, bool); 13] = [
    ("fresh", true, true),
    ("never expiring", true, true),
    ("expired", true, true),
    // A token out of an old log may end what it belonged to, and no more.
    ("superseded by a refresh", true, false),
    ("superseded twice", true, false),
    ("a locked user's", true, true),
    ("a locked user's, expired", true, true),
    ("an OAuth client's", true, true),
    ("an OAuth client's, expired", true, true),
    ("unknown", false, false),
    ("garbage", false, false),
    ("a refresh token", false, false),
    ("of a session that ended", false, false),
];

async fn live_on_device(server: &Server) -> i64 {
    let sql = "SELECT COUNT(*) FROM sessions WHERE device_id = $1 AND ended_at IS NULL";
    server.app.db.sql(sql).bind(DEVICE).one::<(i64,)>().await.unwrap().0
}

/// Signs alice in on `DEVICE`, and gives the token to present and the newest access token of the session.
async fn make(server: &Server, what: &str) -> (String, String) {
    let session = match what {
        "an OAuth client's" | "an OAuth client's, expired" => server.log_in("alice", MATRIX_SCOPE).await,
        "never expiring" => {
            let access = server.legacy_token("alice", DEVICE).await;
            Tokens { refresh: access.clone(), access, client_id: "legacy".to_owned() }
        }
        _ => server.legacy_session("alice", DEVICE).await,
    };
    let mut last = session.clone();
    match what {
        "superseded by a refresh" => last = server.legacy_refreshed(&last).await,
        "superseded twice" => last = server.legacy_refreshed(&server.legacy_refreshed(&last).await).await,
        "expired" | "a locked user's, expired" | "an OAuth client's, expired" => server.clock.advance(6 * MINUTE),
        _ => {}
    }
    if what.starts_with("a locked user's") {
        manage::set_locked(&server.app, "alice", true).await.unwrap();
    }
    let presented = match what {
        "unknown" => Secret::generate(Kind::AccessToken).expose().to_owned(),
        "garbage" => "garbage".to_owned(),
        "a refresh token" => session.refresh,
        "of a session that ended" => {
            let ended = server.legacy_token("alice", "ENDED00001").await;
            assert_eq!(server.logout(&ended).await.status, 200);
            ended
        }
        _ => session.access,
    };
    (presented, last.access)
}

#[tokio::test]
async fn a_logout_ends_the_session_of_whatever_token_is_presented() {
    // LGO-01, LGO-03, DEV-12, REV-03
    for (number, (what, is_known, _)) in PRESENTED.into_iter().enumerate() {
        let (homeserver, server) = server_with_alice().await;
        let elsewhere = server.legacy_session("alice", "ELSEWHERE1").await;
        let browser = server.browser();
        browser.sign_in("alice").await;
        let (presented, last) = make(&server, what).await;
        let path = format!("/_matrix/client/{}/logout", VERSIONS[number % 3]);
        let answer = server.post_as(&path, &presented).await;
        if is_known {
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{what}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
            server.post_as(&path, &presented).await.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
        } else {
            answer.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
            assert!(homeserver.has_device("alice", DEVICE), "{what}");
        }
        manage::set_locked(&server.app, "alice", false).await.unwrap();
        assert_eq!(live_on_device(&server).await, i64::from(!is_known), "{what}");
        assert!(!is_known || !server.is_active(&last).await, "{what}");
        assert_eq!(server.legacy_refresh(&elsewhere.refresh).await.status, 200, "{what}: only this session");
        assert!(homeserver.has_device("alice", "ELSEWHERE1"));
        assert_eq!(browser.get("account/").await.status, 200, "{what}: DEV-11, the browser stays signed in");
    }
}

#[tokio::test]
async fn a_token_comes_in_the_header_and_nowhere_else() {
    // CMN-05: a token in an address stands in every log on the way.
    let (_, server) = server_with_alice().await;
    for path in [LOGOUT, LOGOUT_ALL] {
        let token = server.legacy_token("alice", DEVICE).await;
        let post = |path: &str| server.http.client.post(server.url(path));
        let in_address = format!("{path}?access_token={token}");
        let requests = [
            post(path),
            post(&in_address),
            post(path).body(json!({ "access_token": token }).to_string()),
            post(path).form(&[("access_token", &token)]),
            post(path).header("authorization", "Basic YTpi"),
            post(path).header("authorization", "Bearer"),
            post(path).header("authorization", "Bearer "),
            post(path).header("authorization", token.as_str()),
            post(path).header("cookie", format!("access_token={token}")),
        ];
        for (number, request) in requests.into_iter().enumerate() {
            let answer = server.http.send(request).await;
            answer.assert_matrix_error(401, "M_MISSING_TOKEN");
            assert_eq!(answer.json().get("soft_logout"), None, "{number}");
        }
        assert!(server.is_active(&token).await);
        let both = post(&format!("{path}?access_token=other")).header("authorization", format!("bEARER {token}"));
        assert_eq!(server.http.send(both).await.status, 200);
        assert!(!server.is_active(&token).await);
    }
}

#[tokio::test]
async fn a_body_says_nothing_here() {
    // Area 12: empty, or whatever a client sends out of habit
    let (_, server) = server_with_alice().await;
    let bodies: [&[u8]; 7] =
        [b"", b"{}", b"null", b"{", b"\xff\xfe", b"{\"auth\":{\"type\":\"m.login.password\"}}", &[b'x'; 100_000]];
    for path in [LOGOUT, LOGOUT_ALL] {
        for body in bodies {
            let token = server.legacy_token("alice", DEVICE).await;
            let request = server.http.client.post(server.url(path)).bearer_auth(&token).body(body.to_vec());
            let answer = server.http.send(request.header("content-type", "application/json")).await;
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{path} {} bytes", body.len());
            assert!(!server.is_active(&token).await);
        }
    }
}

#[tokio::test]
async fn a_logout_from_everywhere_ends_every_session_of_every_kind() {
    // LGO-02, TRP-11: by a compat token of each state, and by an OAuth token
    for (what, _, is_known) in PRESENTED {
        let (homeserver, server) = server_with_alice().await;
        server.user("bob").await;
        let bob = (server.legacy_session("bob", DEVICE).await, server.log_in("bob", "openid").await, server.browser());
        bob.2.sign_in("bob").await;
        let browsers = [server.browser(), server.browser()];
        for browser in &browsers {
            browser.sign_in("alice").await;
        }
        let oauth = server.log_in("alice", "urn:matrix:client:api:* urn:matrix:client:device:OAUTH00001").await;
        let openid = server.log_in("alice", "openid").await;
        let token = server.legacy_token("alice", "my device ✨").await;
        let (presented, _) = make(&server, what).await;
        let answer = server.logout_all(&presented).await;
        if is_known {
            assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{what}");
            server.logout_all(&presented).await.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
            eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
        } else {
            answer.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
        }
        manage::set_locked(&server.app, "alice", false).await.unwrap();
        for device in [DEVICE, "OAUTH00001", "my device ✨"] {
            assert_eq!(homeserver.has_device("alice", device), !is_known, "{what} {device}");
        }
        assert_eq!(server.is_active(&token).await, !is_known, "{what}");
        for tokens in [&oauth, &openid] {
            assert_eq!(server.refresh(tokens).await.status == 200, !is_known, "{what}");
        }
        for browser in &browsers {
            assert_eq!(browser.get("account/").await.status == 200, !is_known, "{what}");
        }
        if is_known {
            let left: Vec<i64> = vec![live_sessions(&server, "compat").await, live_sessions(&server, "oauth").await];
            assert_eq!(left, [1, 1], "{what}: bob's");
        }
        assert!(homeserver.has_device("bob", DEVICE), "{what}");
        assert_eq!(server.legacy_refresh(&bob.0.refresh).await.status, 200, "{what}");
        assert_eq!((server.refresh(&bob.1).await.status, bob.2.get("account/").await.status), (200, 200), "{what}");
        assert_eq!(server.password_login("alice", json!({ "device_id": DEVICE })).await.status, 200, "and in again");
    }
}

#[tokio::test]
async fn an_application_that_only_knows_who_somebody_is_signs_nobody_out_everywhere() {
    // LGO-02, INV-06: a wiki is no Matrix client.
    let (_, server) = server_with_alice().await;
    let legacy = server.legacy_session("alice", DEVICE).await;
    let wiki = server.log_in("alice", "openid profile email").await;
    server.logout_all(&wiki.access).await.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
    assert!(server.is_active(&legacy.access).await && server.is_active(&wiki.access).await);
    assert_eq!(server.refresh(&wiki).await.status, 200);
}

#[tokio::test]
async fn a_logout_waits_for_no_homeserver() {
    // INV-07, DEV-02: what is said has happened; the device goes when it can.
    let (homeserver, server) = server_with_alice().await;
    for path in [LOGOUT, LOGOUT_ALL] {
        let tokens = server.legacy_session("alice", DEVICE).await;
        homeserver.set_down(true);
        assert_eq!(server.post_as(path, &tokens.access).await.status, 200);
        assert!(!server.is_active(&tokens.access).await);
        homeserver.set_down(false);
        eventually("the deletion of the device", async || {
            server.clock.advance(MINUTE);
            !homeserver.has_device("alice", DEVICE)
        })
        .await;
    }
}

#[tokio::test]
async fn a_logout_and_a_refresh_at_once_leave_no_live_session() {
    // INV-05, INV-07
    let (_, server) = server_with_alice().await;
    for _ in 0..5 {
        let tokens = server.legacy_session("alice", DEVICE).await;
        let refreshes = futures_util::future::join_all((0..8).map(|_| server.legacy_refresh(&tokens.refresh)));
        let (answers, logout) = futures_util::join!(refreshes, server.logout(&tokens.access));
        assert_eq!(logout.status, 200, "{}", logout.body);
        for answer in answers {
            assert!(answer.status == 200 || answer.errcode() == "M_UNKNOWN_TOKEN", "{} {}", answer.status, answer.body);
            if answer.status == 200 {
                assert!(!server.is_active(&Tokens::of(&answer, "legacy").access).await);
            }
        }
        assert_eq!(live_sessions(&server, "compat").await, 0);
    }
}

#[tokio::test]
async fn whoever_was_still_coming_in_when_all_sessions_ended_is_not_in() {
    // INV-05: a password that was proved before that opens nothing afterwards, and the homeserver agrees.
    let (homeserver, server) = server_with_alice().await;
    for _ in 0..3 {
        let before = server.legacy_session("alice", "BEFORE0001").await;
        let logins = futures_util::future::join_all((0..4).map(|_| server.password_login("alice", json!({}))));
        let (logins, logout) = futures_util::join!(logins, server.logout_all(&before.access));
        assert_eq!(logout.status, 200, "{}", logout.body);
        assert!(!server.is_active(&before.access).await);
        eventually("an empty queue", async || {
            server.clock.advance(MINUTE);
            waiting_jobs(&server).await == 0
        })
        .await;
        let mut active = 0;
        for login in logins {
            if login.status != 200 {
                login.assert_matrix_error(503, "M_UNKNOWN");
                continue;
            }
            let body = login.json();
            let is_active = server.is_active(body["access_token"].as_str().unwrap()).await;
            assert_eq!(homeserver.has_device("alice", body["device_id"].as_str().unwrap()), is_active);
            active += usize::from(is_active);
        }
        assert_eq!(homeserver.devices.lock().unwrap().len(), active, "no device without a session");
        let last = server.legacy_token("alice", DEVICE).await;
        assert_eq!(server.logout_all(&last).await.status, 200);
        eventually("the end of the devices", async || homeserver.devices.lock().unwrap().is_empty()).await;
    }
}

#[tokio::test]
async fn a_login_on_its_way_when_all_sessions_end_opens_none() {
    // INV-05: the homeserver takes its time, and the administrator does not.
    let (homeserver, server) = server_with_alice().await;
    eventually("the first provisioning", async || waiting_jobs(&server).await == 0).await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let client_id = server.client().await;
    let code = browser.allow(&server.request(&client_id, MATRIX_SCOPE)).await;
    let login_token = browser.login_token().await;
    homeserver.delay.store(500, Ordering::SeqCst);
    let end = async {
        eventually("the device on its way", async || waiting_jobs(&server).await > 0).await;
        manage::kill_sessions(&server.app, "alice", false).await.unwrap();
    };
    let (by_password, by_token, by_code, ()) = futures_util::join!(
        server.password_login("alice", json!({})),
        server.legacy_login(token_login(&login_token)),
        server.exchange(&client_id, &code),
        end
    );
    by_password.assert_matrix_error(503, "M_UNKNOWN");
    by_token.assert_matrix_error(403, "M_FORBIDDEN");
    by_code.assert_error(400, "invalid_grant");
    homeserver.delay.store(0, Ordering::SeqCst);
    eventually("an empty queue", async || {
        server.clock.advance(MINUTE);
        waiting_jobs(&server).await == 0
    })
    .await;
    assert_eq!((live_sessions(&server, "compat").await, live_sessions(&server, "oauth").await), (0, 0));
    assert!(homeserver.devices.lock().unwrap().is_empty());
    assert_eq!(server.password_login("alice", json!({})).await.status, 200);
}

#[tokio::test]
async fn revocation_ends_the_sessions_of_older_clients_too() {
    // REV-08: a scanner that found a leaked token knows nothing of kinds.
    let (homeserver, server) = server_with_alice().await;
    for which in ["access", "superseded access", "refresh", "superseded refresh"] {
        let first = server.legacy_session("alice", DEVICE).await;
        let last = server.legacy_refreshed(&first).await;
        let token = match which {
            "access" => &last.access,
            "superseded access" => &first.access,
            "refresh" => &last.refresh,
            _ => &first.refresh,
        };
        let answer = server.post("oauth2/revoke", &[("token", token)]).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"), "{which}");
        assert!(!server.is_active(&last.access).await, "{which}");
        server.legacy_refresh(&last.refresh).await.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
        eventually("the deletion of the device", async || !homeserver.has_device("alice", DEVICE)).await;
    }
}
