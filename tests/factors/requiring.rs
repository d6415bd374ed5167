//! Whether a password alone is enough, and that nobody locks themselves out (spec CMP-15, WAN-06, OTP-05).

use futures_util::future::join;
use keymaker::clock::SECOND;
use serde_json::json;

use crate::support::{
    PASSWORD, Server, Setup, Tokens,
    authenticator::{Authenticator, PasskeyForm},
    compat::password_login,
    factors::App,
    person::{Person, attribute},
};

fn setup() -> Setup {
    Server::setup().with_passkeys()
}

async fn signed_in(server: &Server, name: &str) -> Person {
    server.user(name).await;
    let browser = server.browser();
    browser.sign_in(name).await;
    browser
}

fn authenticator(server: &Server) -> Authenticator {
    Authenticator::at(&server.app.config.http.public_base)
}

/// The id under which the account page knows the only passkey, or the nth.
async fn passkey_id(browser: &Person, nth: usize) -> String {
    let page = browser.get("account/security").await;
    let (_, rest) =
        page.body.match_indices("act=remove-passkey&").nth(nth).map(|(at, _)| page.body.split_at(at)).unwrap();
    attribute(&rest.replace("&amp;", "&").replace("&#38;", "&"), "target=").unwrap()
}

async fn is_required(server: &Server, name: &str) -> bool {
    let row: (bool,) = server
        .app
        .db
        .sql("SELECT second_factor_required_at IS NOT NULL FROM users WHERE username = $1")
        .bind(name)
        .one()
        .await
        .unwrap();
    row.0
}

#[tokio::test]
async fn an_app_makes_a_second_factor_required_and_its_owner_decides_otherwise() {
    // OTP-02
    let server = Server::start().await;
    let browser = signed_in(&server, "alice").await;
    assert!(!is_required(&server, "alice").await);
    let app = browser.add_totp(&server).await;
    assert!(is_required(&server, "alice").await);

    server.clock.advance(60 * SECOND);
    let answer = browser.act("allow-password-alone", None, Some(&app.code(&server))).await;
    browser.get(answer.location()).await.assert_page(200, "The password alone is enough from now on.");
    let other = server.browser();
    assert_eq!(other.enter_password("alice").await.location(), "/account/");

    let answer = browser.act("require-second-factor", None, None).await;
    browser.get(answer.location()).await.assert_page(200, "A second factor is asked for from now on.");
    server.browser().enter_password("alice").await.assert_page(200, "One more step");
}

#[tokio::test]
async fn a_passkey_alone_requires_nothing_until_its_owner_does() {
    // WAN-11
    let server = setup().start().await;
    let browser = signed_in(&server, "alice").await;
    let authenticator = authenticator(&server);
    let mut passkey = browser.add_passkey(&authenticator, "Key").await;
    let other = server.browser();
    assert_eq!(other.enter_password("alice").await.location(), "/account/");

    let answer = browser.act("require-second-factor", None, None).await;
    browser.get(answer.location()).await.assert_page(200, "A second factor is asked for from now on.");
    let other = server.browser();
    let page = other.enter_password("alice").await;
    page.assert_page(200, "Use a passkey");
    assert!(!page.body.contains("name=\"totp\"") && !page.body.contains("name=\"recovery\""), "{}", page.body);
    let answer = other.use_passkey(&page, &authenticator, &mut passkey).await;
    assert_eq!(answer.location(), "/account/", "{}", answer.body);
    assert!(other.is_signed_in().await);
    // And without any password it is enough by itself.
    let third = server.browser();
    assert_eq!(third.sign_in_with_passkey(&authenticator, &mut passkey).await.location(), "/account/");
}

#[tokio::test]
async fn an_older_app_that_knows_the_password_alone_is_told_the_way_out() {
    // CMP-15, TRP-32, CMP-14
    let server = Server::start().await;
    let browser = signed_in(&server, "alice").await;
    assert_eq!(server.password_login("alice", json!({})).await.status, 200, "a control");
    let running = server.legacy_session("alice", "OLDDEVICE1").await;
    let app = browser.add_totp(&server).await;

    let answer = server.password_login("alice", json!({})).await;
    answer.assert_matrix_error(403, "M_FORBIDDEN");
    let message = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(message.contains("browser") && message.contains("single sign-on"), "{message}");
    // Whoever does not know the password learns nothing of it.
    let mut wrong = password_login("alice");
    wrong["password"] = json!("not the password");
    let answer = server.legacy_login(wrong).await;
    answer.assert_matrix_error(403, "M_FORBIDDEN");
    assert_ne!(answer.json()["error"].as_str().unwrap(), message);

    // What is signed in stays signed in, and the browser is the way out.
    assert!(server.is_active(&running.access).await);
    let other = server.browser();
    server.clock.advance(60 * SECOND);
    assert_eq!(other.sign_in_with_code("alice", &app.code(&server)).await.status, 303);
    let login_token = other.login_token().await;
    let login = json!({ "type": "m.login.token", "token": login_token });
    let answer = server.legacy_login(login).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let introspection = server.introspect(&Tokens::of(&answer, "legacy").access).await;
    assert_eq!((&introspection["acr"], &introspection["amr"]), (&json!("mfa"), &json!(["pwd", "otp", "mfa"])));

    server.clock.advance(60 * SECOND);
    let answer = browser.act("allow-password-alone", None, Some(&app.code(&server))).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(server.password_login("alice", json!({})).await.status, 200);
}

#[tokio::test]
async fn nothing_can_be_required_that_is_not_there() {
    let server = Server::start().await;
    let browser = signed_in(&server, "alice").await;
    browser
        .act("require-second-factor", None, None)
        .await
        .assert_page(403, "There is no second factor on this account.");
    assert!(!is_required(&server, "alice").await);
}

#[tokio::test]
async fn the_last_way_in_cannot_be_removed() {
    // WAN-06, T of area 17
    let server = setup().start().await;
    let authenticator = authenticator(&server);
    const LAST: &str = "This is the last way in to your account.";

    // A password and nothing else; and a password with an app, which opens nothing by itself.
    let browser = signed_in(&server, "alice").await;
    browser.act("remove-password", None, None).await.assert_page(403, LAST);
    let app = browser.add_totp(&server).await;
    server.clock.advance(60 * SECOND);
    browser.act("remove-password", None, Some(&app.code(&server))).await.assert_page(403, LAST);
    server.clock.advance(60 * SECOND);
    assert_eq!(server.browser().sign_in_with_code("alice", &app.code(&server)).await.status, 303);

    // A passkey and nothing else.
    let browser = signed_in(&server, "bob").await;
    let mut passkey = browser.add_passkey(&authenticator, "Only").await;
    let answer = browser.act("remove-password", None, None).await;
    browser.get(answer.location()).await.assert_page(200, "The password was removed.");
    let refused = server.browser();
    let page = refused.get("login").await;
    assert_eq!(refused.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).await.status, 401);
    let id = passkey_id(&browser, 0).await;
    let page = browser.confirm_page("remove-passkey", Some(&id)).await;
    browser.use_passkey(&page, &authenticator, &mut passkey).await.assert_page(403, LAST);
    let other = server.browser();
    assert_eq!(other.sign_in_with_passkey(&authenticator, &mut passkey).await.location(), "/account/");

    // Two passkeys: one may go, and then no more.
    let page = browser.confirm_page("add-passkey", None).await;
    let answer = browser.use_passkey(&page, &authenticator, &mut passkey).await;
    let page = browser.get(answer.location()).await;
    let form = PasskeyForm::of(&page);
    let (mut second, credential) = authenticator.create(&form.options);
    assert_eq!(browser.answer(&form, &credential, &[("name", "Second")]).await.status, 303);
    let page = browser.confirm_page("remove-passkey", Some(&id)).await;
    let answer = browser.use_passkey(&page, &authenticator, &mut passkey).await;
    browser.get(answer.location()).await.assert_page(200, "The passkey was removed.");
    let id = passkey_id(&browser, 0).await;
    let page = browser.confirm_page("remove-passkey", Some(&id)).await;
    browser.use_passkey(&page, &authenticator, &mut second).await.assert_page(403, LAST);
    assert_eq!(server.browser().sign_in_with_passkey(&authenticator, &mut second).await.location(), "/account/");
}

#[tokio::test]
async fn of_two_who_remove_the_last_two_ways_at_once_one_is_refused() {
    // WAN-06, TST-04
    let server = setup().start().await;
    let authenticator = authenticator(&server);
    for round in 0..10 {
        let name = format!("alice{round}");
        let browser = signed_in(&server, &name).await;
        let mut passkey = browser.add_passkey(&authenticator, "Only").await;
        let id = passkey_id(&browser, 0).await;
        let one = browser.confirm_page("remove-password", None).await;
        let other = browser.confirm_page("remove-passkey", Some(&id)).await;
        let (one, other) = join(
            browser.submit(&one, &[("password", PASSWORD)]),
            browser.use_passkey(&other, &authenticator, &mut passkey),
        )
        .await;
        let mut statuses = [one.status, other.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 403], "{round}: one is done, and the other is refused");
    }
}

#[tokio::test]
async fn without_its_last_second_factor_an_account_asks_for_none() {
    // OTP-05
    let server = setup().start().await;
    let authenticator = authenticator(&server);
    let browser = signed_in(&server, "alice").await;
    let app = browser.add_totp(&server).await;
    server.clock.advance(60 * SECOND);
    let codes = browser.make_recovery_codes(Some(&app.code(&server))).await;
    assert_eq!(codes.len(), 10);
    add_passkey_with_code(&server, &browser, &authenticator, &app).await;

    // One of two goes: it is still asked for, and the codes still count.
    let id = passkey_id(&browser, 0).await;
    server.clock.advance(60 * SECOND);
    let answer = browser.act("remove-passkey", Some(&id), Some(&app.code(&server))).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(is_required(&server, "alice").await);
    browser.get("account/security").await.assert_page(200, "You have 10 recovery codes left.");
    // The other goes too.
    server.clock.advance(60 * SECOND);
    let answer = browser.act("remove-totp", None, Some(&app.code(&server))).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(!is_required(&server, "alice").await);
    let left: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM recovery_codes").one().await.unwrap();
    assert_eq!(left.0, 0);
    assert_eq!(server.browser().enter_password("alice").await.location(), "/account/");
    assert_eq!(server.password_login("alice", json!({})).await.status, 200);
}

async fn add_passkey_with_code(server: &Server, browser: &Person, authenticator: &Authenticator, app: &App) {
    server.clock.advance(60 * SECOND);
    let answer = browser.act("add-passkey", None, Some(&app.code(server))).await;
    let page = browser.get(answer.location()).await;
    let form = PasskeyForm::of(&page);
    let (_, credential) = authenticator.create(&form.options);
    assert_eq!(browser.answer(&form, &credential, &[("name", "Key")]).await.status, 303);
}

#[tokio::test]
async fn what_keeps_an_app_from_being_used_without_it_is_asked_for_to_remove_it() {
    // OTP-05: also where the owner does not require it at every login.
    let server = Server::start().await;
    let browser = signed_in(&server, "alice").await;
    let app = browser.add_totp(&server).await;
    server.clock.advance(60 * SECOND);
    assert_eq!(browser.act("allow-password-alone", None, Some(&app.code(&server))).await.status, 303);
    let answer = browser.confirm("remove-totp", None).await;
    assert!(answer.location().starts_with("/factor?"), "{}", answer.location());
    server.clock.advance(60 * SECOND);
    let page = browser.get(answer.location()).await;
    let answer = browser.submit(&page, &[("totp", &app.code(&server))]).await;
    browser.get(answer.location()).await.assert_page(200, "The app was removed.");
}
