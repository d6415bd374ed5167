//! The states of an account against everything that can be done with it (area 15; INT-09, REF-09, DEV-12 to DEV-14), and a
//! store that fails (INV-07).

use std::sync::Arc;

use keymaker::flows::manage;

use super::DEVICE;
use crate::support::{
    PASSWORD, Server, Tokens,
    compat::{LOGIN, LOGOUT, LOGOUT_ALL, REFRESH, SSO_REDIRECT, token_login},
    homeserver::FakeHomeserver,
    http::Answer,
    person::Person,
};

/// What can be done, and what comes of it for an account that is active, locked, deactivated.
const MATRIX: [(&str, [&str; 3]); 15] = [
    ("introspection", ["active", "inactive", "inactive"]),
    ("introspection, legacy", ["active", "inactive", "inactive"]),
    ("introspection where locks are enforced", ["active", "active", "inactive"]),
    ("introspection where locks are enforced, legacy", ["active", "active", "inactive"]),
    ("account page", ["200", "303", "303"]),
    ("browser login", ["303", "403", "403"]),
    ("code exchange", ["200", "400 invalid_grant", "400 invalid_grant"]),
    ("refresh", ["200", "200", "400 invalid_grant"]),
    ("legacy refresh", ["200", "200", "401 M_UNKNOWN_TOKEN"]),
    ("legacy login", ["200", "401 M_USER_LOCKED", "403 M_USER_DEACTIVATED"]),
    ("login token", ["200", "401 M_USER_LOCKED", "403 M_USER_DEACTIVATED"]),
    ("revocation", ["200", "200", "200"]),
    ("logout", ["200", "200", "401 M_UNKNOWN_TOKEN"]),
    ("logout by an OAuth token", ["200", "200", "401 M_UNKNOWN_TOKEN"]),
    ("logout/all", ["200", "200", "401 M_UNKNOWN_TOKEN"]),
];

/// Everything that alice had before her account came into a state. Each session has a device of its own.
struct Before {
    browser: Person,
    client_id: String,
    code: String,
    login_token: String,
    oauth: Tokens,
    oauth_to_end: Tokens,
    legacy: Tokens,
    legacy_to_end: Tokens,
    legacy_to_end_all: Tokens,
}

impl Before {
    async fn of(server: &Server) -> Self {
        let browser = server.browser();
        browser.sign_in("alice").await;
        let client_id = server.client().await;
        let scope = |device: &str| format!("urn:matrix:client:api:* urn:matrix:client:device:{device}");
        let code = async |device: &str| browser.allow(&server.request(&client_id, &scope(device))).await;
        let exchanged =
            async |device: &str| Tokens::of(&server.exchange(&client_id, &code(device).await).await, &client_id);
        Self {
            oauth: exchanged("OAUTH00001").await,
            oauth_to_end: exchanged("OAUTH00002").await,
            legacy: server.legacy_session("alice", "LEGACY0001").await,
            legacy_to_end: server.legacy_session("alice", "LEGACY0002").await,
            legacy_to_end_all: server.legacy_session("alice", "LEGACY0003").await,
            code: code(DEVICE).await,
            login_token: browser.login_token().await,
            client_id,
            browser,
        }
    }

    async fn attempt(&self, server: &Server, what: &str) -> String {
        let said = |answer: Answer, code: String| match code.as_str() {
            "" => answer.status.to_string(),
            code => format!("{} {code}", answer.status),
        };
        let oauth = |answer: Answer| match answer.status {
            200 => said(answer, String::new()),
            _ => said(answer.clone(), answer.error()),
        };
        let matrix = |answer: Answer| said(answer.clone(), answer.errcode());
        let introspection = async |token: &str| match server.is_active(token).await {
            true => "active".to_owned(),
            false => "inactive".to_owned(),
        };
        match what {
            "introspection" | "introspection where locks are enforced" => introspection(&self.oauth.access).await,
            "introspection, legacy" | "introspection where locks are enforced, legacy" => {
                introspection(&self.legacy.access).await
            }
            "account page" => self.browser.get("account/").await.status.to_string(),
            "browser login" => {
                let browser = server.browser();
                let page = browser.get("login").await;
                browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await.status.to_string()
            }
            "code exchange" => oauth(server.exchange(&self.client_id, &self.code).await),
            "refresh" => oauth(server.refresh(&self.oauth).await),
            "legacy refresh" => matrix(server.legacy_refresh(&self.legacy.refresh).await),
            "legacy login" => matrix(server.password_login("alice", serde_json::json!({})).await),
            "login token" => matrix(server.legacy_login(token_login(&self.login_token)).await),
            "revocation" => oauth(server.post("oauth2/revoke", &[("token", &self.oauth.access)]).await),
            "logout" => matrix(server.logout(&self.legacy_to_end.access).await),
            "logout by an OAuth token" => matrix(server.logout(&self.oauth_to_end.access).await),
            "logout/all" => matrix(server.logout_all(&self.legacy_to_end_all.access).await),
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn each_state_of_an_account_allows_what_it_should() {
    for are_locks_enforced_elsewhere in [false, true] {
        for (column, state) in ["active", "locked", "deactivated"].into_iter().enumerate() {
            let server = match are_locks_enforced_elsewhere {
                true => Server::start().await,
                false => Server::setup().fake_homeserver(&Arc::new(FakeHomeserver::default())).start().await,
            };
            server.user("alice").await;
            let before = Before::of(&server).await;
            match state {
                "locked" => drop(manage::set_locked(&server.app, "alice", true).await.unwrap()),
                "deactivated" => drop(manage::deactivate(&server.app, "alice", false).await.unwrap()),
                _ => {}
            }
            let skipped = ["introspection where", "introspection"][usize::from(are_locks_enforced_elsewhere)];
            for (what, expected) in MATRIX {
                let is_of_the_other = match are_locks_enforced_elsewhere {
                    true => what.starts_with(skipped) && !what.contains("where"),
                    false => what.starts_with(skipped),
                };
                if !is_of_the_other {
                    assert_eq!(before.attempt(&server, what).await, expected[column], "{what}, {state}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_no_verdict() {
    // INV-07, TRP-05: whoever is told that a token is unknown deletes what it has.
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.legacy_session("alice", DEVICE).await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let login_token = browser.login_token().await;
    server.app.db.close().await;
    let answers = [
        (LOGIN, server.password_login("alice", serde_json::json!({})).await),
        (LOGIN, server.password_login("nobody", serde_json::json!({})).await),
        (LOGIN, server.legacy_login(token_login(&login_token)).await),
        (REFRESH, server.legacy_refresh(&tokens.refresh).await),
        (LOGOUT, server.logout(&tokens.access).await),
        (LOGOUT_ALL, server.logout_all(&tokens.access).await),
    ];
    for (path, answer) in answers {
        answer.assert_matrix_error(503, "M_UNKNOWN");
        assert!(answer.header("retry-after").unwrap().parse::<u32>().is_ok(), "{path}");
        assert_eq!(answer.json().get("soft_logout"), None, "{path}");
        assert!(!answer.body.to_lowercase().contains("sql") && !answer.body.contains("pool"), "{path} {}", answer.body);
    }
    let query = "redirectUrl=https%3A%2F%2Fapp.example.com%2F";
    assert_eq!(server.get(&format!("{SSO_REDIRECT}?{query}")).await.status, 303, "it asks no store");
    browser.get(&format!("sso?{query}")).await.assert_page(503, "<h1>");
    assert_eq!(server.get(LOGIN).await.status, 200);
}
