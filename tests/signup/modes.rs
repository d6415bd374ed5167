//! Each way of letting people sign up, from every side from which they come.

use keymaker::flows::registration_token::Wanted;

use super::token_field;
use crate::support::{MATRIX_SCOPE, PASSWORD, Server, changed};

const VALIDITY: &str = "/_matrix/client/v1/register/m.login.registration_token/validity";

#[tokio::test]
async fn every_mode_is_the_same_from_every_side() {
    // SGN-04, SGN-08, PRM-03, TRP-37: the page, a client with prompt=create, a link that invites, the metadata and the login page.
    for is_open in [true, false] {
        for (needs_token, needs_approval) in [(false, false), (true, false), (false, true), (true, true)] {
            let what = format!("open {is_open}, token {needs_token}, approval {needs_approval}");
            let server = Server::setup()
                .with("account.password_registration_enabled", is_open.to_string())
                .with("account.registration_token_required", needs_token.to_string())
                .with("account.registration_approval_required", needs_approval.to_string())
                .start()
                .await;
            let client_id = server.client().await;
            let metadata = server.get(".well-known/openid-configuration").await.json();
            let prompts = metadata["prompt_values_supported"].as_array().unwrap().clone();
            assert_eq!(prompts.iter().any(|prompt| prompt == "create"), is_open, "{what}");
            assert_eq!(server.get("login").await.body.contains("\"/register\""), is_open, "{what}");
            let issued = server.invite(Wanted::default()).await;

            for (number, side) in ["page", "client", "link"].into_iter().enumerate() {
                let (what, browser) = (format!("{what}, {side}"), server.browser());
                let request = changed(&server.request(&client_id, MATRIX_SCOPE), "prompt", Some("create"));
                let (path, page) = match side {
                    "page" => browser.open("register").await,
                    "client" => browser.arrive(&request).await,
                    _ => browser.open(&issued.link).await,
                };
                if !is_open {
                    match side {
                        "client" => assert!(path.starts_with("/login?grant="), "{what}: {path}"),
                        _ => page.assert_page(403, "New accounts cannot be created here"),
                    }
                    assert_eq!(token_field(&page), None, "{what}");
                    let csrf = browser.csrf().await;
                    let form =
                        [("csrf", csrf.as_str()), ("token", &issued.token), ("username", "x"), ("password", PASSWORD)];
                    browser.http.post("register", &form).await.assert_page(403, "New accounts cannot be created here");
                    continue;
                }
                let prefilled = if side == "link" { issued.token.as_str() } else { "" };
                assert_eq!(token_field(&page).as_deref(), needs_token.then_some(prefilled), "{what}");
                assert_eq!(page.body.contains("is looked at by the people"), needs_approval, "{what}");
                let name = format!("person{number}");
                let mut fields = vec![("username", name.as_str()), ("password", PASSWORD)];
                if needs_token {
                    fields.push(("token", &issued.token));
                }
                let begun = browser.submit(&page, &fields).await;
                let done = browser.finish(&begun).await;
                let (path, page) = browser.open(done.location()).await;
                match (needs_approval, side) {
                    (true, _) => {
                        assert!(path.starts_with("/register/waiting?id="), "{what}: {path}");
                        page.assert_page(200, &format!("@{name}:localhost"));
                        assert_eq!(page.body.contains("begin again at app.example.com"), side == "client", "{what}");
                        assert!(!browser.is_signed_in().await, "{what}");
                    }
                    (false, "client") => assert!(path.starts_with("/consent/"), "{what}: {path}"),
                    (false, _) => assert!(browser.is_signed_in().await, "{what}"),
                }
            }
            let count = if is_open { 3 } else { 0 };
            assert_eq!(server.count_users().await, count, "{what}");
            assert_eq!(server.uses().await, if needs_token { count } else { 0 }, "{what}");
            let waiting = server.count("SELECT COUNT(*) FROM users WHERE approval_required_at IS NOT NULL").await;
            assert_eq!(waiting, if needs_approval { count } else { 0 }, "{what}");
        }
    }
}

#[tokio::test]
async fn the_terms_are_agreed_to_in_every_mode() {
    // SGN-05
    let server = Server::setup()
        .by_token()
        .by_approval()
        .with("branding.tos_uri", "https://example.com/terms")
        .with("account.registration_terms_version", "3")
        .start()
        .await;
    let token = server.token_for(1).await;
    let browser = server.browser();
    let begun = browser.begin_with(&token, "alice").await;
    let (_, page) = browser.open(begun.location()).await;
    browser.submit(&page, &[("display_name", "")]).await.assert_page(422, "agree to the terms");
    assert_eq!((server.count_users().await, server.uses().await), (0, 0));
    let done = browser.submit(&page, &[("display_name", ""), ("terms", "3")]).await;
    assert!(done.location().starts_with("/register/waiting?id="), "{}", done.location());
    assert_eq!(server.count("SELECT COUNT(*) FROM terms_agreements WHERE version = '3'").await, 1);
}

#[tokio::test]
async fn an_app_can_ask_whether_a_token_is_good() {
    // spec 12.6
    let server = Server::setup().by_token().start().await;
    let token = server.token_for(1).await;
    let ask = async |token: &str| server.get(&format!("{VALIDITY}?token={token}")).await;
    let good = ask(&token).await;
    assert_eq!((good.status, good.json()["valid"].as_bool()), (200, Some(true)));
    assert_eq!(good.header("access-control-allow-origin"), Some("*"));
    for other in ["unknown", "%00", "a%20b", &"x".repeat(65)] {
        let answer = ask(other).await;
        assert_eq!((answer.status, answer.json()["valid"].as_bool()), (200, Some(false)), "{other}");
    }
    for nothing in [VALIDITY, &format!("{VALIDITY}?token=")] {
        server.get(nothing).await.assert_matrix_error(400, "M_MISSING_PARAM");
    }
    let browser = server.browser();
    let begun = browser.begin_with(&token, "alice").await;
    assert_eq!(ask(&token).await.json()["valid"], false, "somebody is about to use it");
    browser.finish(&begun).await;
    assert_eq!(ask(&token).await.json()["valid"], false);

    let closed = Server::setup().with("account.password_registration_enabled", "false").start().await;
    closed.get(&format!("{VALIDITY}?token=x")).await.assert_matrix_error(403, "M_FORBIDDEN");
}

#[tokio::test]
async fn asking_for_tokens_again_and_again_is_stopped() {
    // RTL-02: a token that an administrator chose may be a word.
    let server = Server::setup().by_token().with_limits().start().await;
    let ask = async || server.get(&format!("{VALIDITY}?token=guess")).await;
    let allowed = server.app.config.rate_limiting.availability;
    let mut answers = 0;
    let refused = loop {
        let answer = ask().await;
        if answer.status != 200 {
            break answer;
        }
        answers += 1;
        assert!(answers < 100, "{allowed:?}");
    };
    refused.assert_matrix_error(429, "M_LIMIT_EXCEEDED");
    assert!(refused.header("retry-after").is_some() && answers >= 3, "{answers}");
}
