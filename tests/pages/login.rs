//! Signing in with a password: what is accepted as a name, and what a wrong one tells (INV-06, RTL-05, DEV-12).

use keymaker::flows::manage;

use crate::support::{
    PASSWORD, Server,
    http::Answer,
    person::{Person, attribute},
};

async fn sign_in(browser: &Person, username: &str, password: &str) -> Answer {
    let page = browser.get("login").await;
    browser.submit(&page, &[("username", username), ("password", password)]).await
}

#[tokio::test]
async fn a_wrong_password_keeps_the_name_and_says_nothing_more() {
    // INV-06: an unknown name, a wrong password, an account without one and a locked one look the same.
    let server = Server::start().await;
    server.user("alice").await;
    server.user("locked").await;
    server.user("gone").await;
    manage::register_user(&server.app, "nopassword", None, None, false).await.unwrap();
    manage::set_locked(&server.app, "locked", true).await.unwrap();
    deactivate(&server, "gone").await;
    let browser = server.browser();
    let mut answers = Vec::new();
    for name in ["alice", "nobody", "locked", "gone", "nopassword", "@alice:elsewhere.example", "alice@example.com"] {
        let answer = sign_in(&browser, name, "wrong").await;
        answer.assert_page(401, "The username or the password is wrong.");
        assert_eq!(attribute(&answer.body, "name=\"username\" type=\"text\" value=\"").as_deref(), Some(name));
        assert!(!answer.body.contains("wrong\""), "the password is not repeated");
        assert_eq!(answer.header("set-cookie"), None);
        let mut headers: Vec<_> = answer.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        headers.retain(|(name, _)| name != "date" && name != "content-length");
        answers.push((answer.body.replace(&format!("value=\"{name}\""), ""), headers));
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let nothing = sign_in(&browser, "", "").await;
    assert_eq!(nothing.status, 401);
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_told_to_its_owner() {
    // DEV-12, DEV-14, RTL-05
    let server = Server::start().await;
    for (name, words) in [("locked", "This account is locked."), ("gone", "This account has been deactivated.")] {
        server.user(name).await;
        match name {
            "locked" => drop(manage::set_locked(&server.app, name, true).await.unwrap()),
            _ => deactivate(&server, name).await,
        }
        let browser = server.browser();
        assert!(!sign_in(&browser, name, "wrong").await.body.contains(words));
        let answer = sign_in(&browser, name, PASSWORD).await;
        answer.assert_page(403, words);
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(browser.get("account/").await.location(), "/login");
    }
}

async fn deactivate(server: &Server, name: &str) {
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE users SET deactivated_at = 1 WHERE username = $1").bind(name).execute().await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_login_in_the_middle_of_its_life_ends_with_the_account() {
    // INV-05
    let server = Server::start().await;
    for name in ["locked", "gone"] {
        server.user(name).await;
        let browser = server.browser();
        browser.sign_in(name).await;
        assert_eq!(browser.get("account/").await.status, 200);
        match name {
            "locked" => drop(manage::set_locked(&server.app, name, true).await.unwrap()),
            _ => deactivate(&server, name).await,
        }
        assert_eq!(browser.get("account/").await.location(), "/login", "{name}");
    }
}

#[tokio::test]
async fn people_write_their_name_in_several_ways() {
    // RTL-05: the name, the Matrix ID, in any case, with a space that a phone adds; an address only where it is allowed.
    for (is_email_allowed, setting) in [(true, "true"), (false, "false")] {
        let server = Server::setup().with("account.login_with_email_allowed", setting).start().await;
        manage::register_user(&server.app, "alice", Some(PASSWORD), Some("Alice@Example.com"), false).await.unwrap();
        let table = [
            ("alice", true),
            ("@alice:localhost", true),
            (" Alice ", true),
            ("@ALICE:localhost", true),
            ("@alice", true),
            ("alice@example.com", is_email_allowed),
            ("ALICE@example.com", is_email_allowed),
            ("@alice:other.example", false),
            ("bob@example.com", false),
        ];
        for (name, is_accepted) in table {
            let browser = server.browser();
            let answer = sign_in(&browser, name, PASSWORD).await;
            assert_eq!(answer.status == 303, is_accepted, "{name} {is_email_allowed}");
            if is_accepted {
                browser.get("account/").await.assert_page(200, "@alice:localhost");
            }
        }
    }
}

#[tokio::test]
async fn a_password_is_taken_as_it_was_typed() {
    // INV-17: not trimmed, not cut, and one that is too long is nobody's.
    let server = Server::start().await;
    let long = "ä".repeat(512);
    for (name, password) in [("spaces", "  two spaces around  "), ("letters", "пароль 🔑 ﬁsch"), ("long", &long)]
    {
        server.audit.secret(password);
        manage::register_user(&server.app, name, Some(password), None, false).await.unwrap();
        assert_eq!(sign_in(&server.browser(), name, password).await.status, 303, "{name}");
        assert_eq!(sign_in(&server.browser(), name, password.trim_end_matches(['h', 'ä', ' '])).await.status, 401);
        assert_eq!(sign_in(&server.browser(), name, &format!("{password}{}", "x".repeat(4000))).await.status, 401);
    }
}

#[tokio::test]
async fn passwords_can_be_off() {
    let server = Server::setup()
        .with("passwords.enabled", "false")
        .with("account.password_registration_enabled", "false")
        .with_passkeys()
        .start()
        .await;
    let browser = server.browser();
    assert!(!browser.get("login").await.body.contains("name=\"password\""), "a form that nobody can use");
    let csrf = browser.csrf().await;
    let form = [("csrf", csrf.as_str()), ("username", "alice"), ("password", PASSWORD)];
    let answer = browser.http.post("login", &form).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
}
