//! Login assurance: what the rules require of a login is asked for wherever the login is used, nobody is led round in circles,
//! and whoever lacks a factor gets to where they add it.

use keymaker::clock::{HOUR, MINUTE, SECOND};
use serde_json::{Value, json};

use super::{assert_refused, assert_unchanged, server_with};
use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server, Tokens,
    authenticator::{Authenticator, Passkey, PasskeyForm},
    changed,
    compat::{LOGIN, password_login},
    factors::App,
    http::Answer,
    person::{Person, attribute, csrf_of, encode, response_params},
    state::State,
};

const HOME: &str = "10.1.2.3";
const AWAY: &str = "203.0.113.9";
const LACKING: &str = "One thing is missing";

/// Requires a class of these people.
fn require(acr: &str, users: &[&str]) -> Value {
    json!({ "logins": { "require": [{ "users": users, "acr": acr }] } })
}

async fn consent(browser: &Person, server: &Server, client_id: &str) -> (String, Answer) {
    browser.arrive(&server.request(client_id, MATRIX_SCOPE)).await
}

/// Sets an app up and lets the password alone be enough, so that it is the policy that asks for more.
async fn with_optional_app(server: &Server, name: &str) -> App {
    server.user(name).await;
    let browser = server.browser();
    browser.sign_in(name).await;
    let app = browser.add_totp(server).await;
    server.clock.advance(MINUTE);
    let answer = browser.act("allow-password-alone", None, Some(&app.code(server))).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    server.clock.advance(MINUTE);
    app
}

/// What comes of using a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Enough,
    /// The login page.
    Again,
    /// The page that says what is missing.
    Lacking,
}

fn outcome(path: &str, page: &Answer) -> Outcome {
    match page.status {
        200 if path.starts_with("/login") => Outcome::Again,
        200 => Outcome::Enough,
        _ => {
            page.assert_page(403, LACKING);
            Outcome::Lacking
        }
    }
}

#[tokio::test]
async fn each_login_is_enough_or_asked_for_again_or_shown_the_way_wherever_it_is_used() {
    // PRM-05, INV-06: {password, code, passkey} × {nothing, mfa, phr required} × {fresh, old} × {trusted, left network} ×
    // {account, authorization, older app through the browser, older app by password}
    let classes = ["password", "mfa", "phr"];
    let names: Vec<(String, usize, usize)> = (0..3)
        .flat_map(|has| (0..3).map(move |wants| (format!("{}-wants-{}", classes[has], classes[wants]), has, wants)))
        .collect();
    let users = |wants: usize| -> Vec<&str> {
        names.iter().filter(|(_, _, wanted)| *wanted == wants).map(|(name, ..)| name.as_str()).collect()
    };
    let server = server_with(&json!({ "logins": {
        "require": [
            { "users": users(1), "acr": "mfa" },
            { "users": users(2), "acr": "phr" },
            { "max_age_hours": 1 },
        ],
        "trusted_networks": ["10.0.0.0/8"],
        "ask_again_outside_trusted_networks": true,
    } }))
    .await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    let client_id = server.client().await;
    for (name, has, wants) in &names {
        server.user(name).await;
        let browser = server.browser().at(HOME);
        browser.sign_in(name).await;
        // The way to a factor is open to somebody who lacks one.
        let browser = match *has {
            0 => browser,
            1 => {
                let app = browser.add_totp(&server).await;
                server.clock.advance(MINUTE);
                let browser = server.browser().at(HOME);
                browser.sign_in_with_code(name, &app.code(&server)).await;
                browser
            }
            _ => {
                let mut passkey = browser.add_passkey(&authenticator, "Key").await;
                let browser = server.browser().at(HOME);
                browser.sign_in_with_passkey(&authenticator, &mut passkey).await;
                browser
            }
        };
        for (is_old, has_left) in [(false, false), (false, true), (true, false), (true, true)] {
            if is_old && !has_left {
                server.clock.advance(2 * HOUR);
            }
            let browser = browser.at(if has_left { AWAY } else { HOME });
            let expected = match (is_old || has_left, has < wants) {
                (true, _) => Outcome::Again,
                (false, true) => Outcome::Lacking,
                (false, false) => Outcome::Enough,
            };
            let case = format!("{name}, old: {is_old}, left: {has_left}");
            for page in ["account/", "account/devices", "account/confirm?act=deactivate"] {
                let (path, page) = browser.open(page).await;
                assert_eq!(outcome(&path, &page), expected, "{case}: {path}");
            }
            let (path, page) = consent(&browser, &server, &client_id).await;
            assert_eq!(outcome(&path, &page), expected, "{case}: {path}");
            let (path, page) = browser.open("sso?redirectUrl=https%3A%2F%2Fapp.example.com%2F").await;
            assert_eq!(outcome(&path, &page), expected, "{case}: {path}");
            // Where factors are added only somebody comes who can do no more.
            let (path, page) = browser.open("account/security").await;
            let at_security = if expected == Outcome::Lacking { Outcome::Enough } else { expected };
            assert_eq!(outcome(&path, &page), at_security, "{case}: {path}");
            assert_eq!(page.body.contains("Your account needs"), expected == Outcome::Lacking, "{case}");
        }
        // Once an app is set up, the password alone is not enough for older apps by the person's own choice.
        let answer = server.password_login(name, json!({})).await;
        let is_open = *wants == 0 && *has != 1;
        assert_eq!(answer.status, if is_open { 200 } else { 403 }, "{name}: {}", answer.body);
        if !is_open {
            assert!(answer.json()["error"].as_str().unwrap().contains("browser"), "{name}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn whoever_lacks_a_factor_adds_one_and_goes_on_with_it() {
    let server = server_with(&require("mfa", &["alice"])).await;
    server.user("alice").await;
    let client_id = server.client().await;
    let alice = server.browser();
    let (path, page) = consent(&alice, &server, &client_id).await;
    assert!(path.starts_with("/login?grant="), "{path}");
    let answer = alice.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    let (consent_path, page) = alice.open(answer.location()).await;
    assert!(consent_path.starts_with("/consent/"), "{consent_path}");
    page.assert_page(403, LACKING);
    assert!(page.body.contains("href=\"/account/security\"") && page.body.contains("@alice:localhost"));

    // Nothing else opens, by no method, and nothing is written.
    let csrf = csrf_of(&alice.get("account/confirm?act=add-totp").await.body);
    let before = State::read(&server, &["grants"]).await;
    for path in ["account/profile", "account/devices", "account/emails", "account/confirm?act=deactivate"] {
        alice.get(path).await.assert_page(403, LACKING);
        let form = [("csrf", csrf.as_str()), ("display_name", "Mallory"), ("password", PASSWORD)];
        assert!(matches!(alice.http.post(path, &form).await.status, 403 | 405), "{path}");
    }
    let answer = alice.http.post(&consent_path, &[("csrf", &csrf), ("action", "allow")]).await;
    answer.assert_page(403, LACKING);
    assert_unchanged(&before, &State::read(&server, &["grants"]).await);

    let app = alice.add_totp(&server).await;
    // Now there is one, it is asked for at once, and everything opens.
    let (path, page) = alice.open("account/security").await;
    assert_eq!(path, "/login?to=security");
    page.assert_page(200, "sign in again with your second factor");
    assert!(page.body.contains("value=\"alice\"") && !page.body.contains("Continue as"), "{}", page.body);
    server.clock.advance(MINUTE);
    let step = alice.enter_password_at(&page, "alice").await;
    let answer = alice.submit(&step, &[("totp", &app.code(&server))]).await;
    let (path, _) = alice.open(answer.location()).await;
    assert_eq!(path, "/account/security");
    let (_, page) = alice.open(&consent_path).await;
    let answer = alice.submit(&page, &[("action", "allow")]).await;
    assert!(response_params(answer.location()).contains_key("code"), "{}", answer.location());
}

#[tokio::test]
async fn a_rule_for_apps_asks_for_the_second_factor_there_and_leaves_the_account_alone() {
    // PRM-05: as for `acr_values`, but nobody gets past it.
    let rules = json!({ "logins": { "require": [{ "users": ["alice"], "places": ["authorization"], "acr": "mfa" }] } });
    let server = server_with(&rules).await;
    let app = with_optional_app(&server, "alice").await;
    let client_id = server.client().await;
    let alice = server.browser();
    assert_eq!(alice.sign_in("alice").await.location(), "/account/");
    assert_eq!(alice.get("account/devices").await.status, 200);
    let (path, page) = consent(&alice, &server, &client_id).await;
    assert!(path.starts_with("/login?grant="), "{path}");
    page.assert_page(200, "sign in again with your second factor");
    // Neither the consent page by hand nor its button helps.
    let consent_path = path.replace("login?grant=", "consent/");
    assert_eq!(alice.open(&consent_path).await.0, path);
    let csrf = csrf_of(&alice.get("account/profile").await.body);
    let skipped = alice.http.post(&consent_path, &[("csrf", &csrf), ("action", "allow")]).await;
    assert_eq!(skipped.location(), path);
    // Silence says that somebody has to sign in.
    let silent = changed(&server.request(&client_id, "openid"), "prompt", Some("none"));
    let answer = alice.get(&format!("authorize?{}", encode(&silent))).await;
    assert_eq!(response_params(answer.location())["error"], "login_required");

    let step = alice.enter_password_at(&page, "alice").await;
    step.assert_page(200, "One more step");
    let answer = alice.submit(&step, &[("totp", &app.code(&server))]).await;
    let (path, page) = alice.open(answer.location()).await;
    assert_eq!(path, consent_path);
    let answer = alice.submit(&page, &[("action", "allow")]).await;
    let exchanged = server.exchange(&client_id, &response_params(answer.location())["code"]).await;
    let tokens = Tokens::of(&exchanged, &client_id);
    assert_eq!(server.introspect(&tokens.access).await["acr"], "mfa");
}

#[tokio::test]
async fn silence_tells_apart_who_can_do_more_and_who_has_to_do_something_first() {
    // PRM-01, OIDC Core §3.1.2.6
    let server = server_with(&require("phr", &["alice"])).await;
    for name in ["alice", "bob"] {
        server.user(name).await;
    }
    let client_id = server.client().await;
    for (name, error) in [("alice", "interaction_required"), ("bob", "consent_required")] {
        let browser = server.browser();
        browser.sign_in(name).await;
        let silent = changed(&server.request(&client_id, "openid"), "prompt", Some("none"));
        let answer = browser.get(&format!("authorize?{}", encode(&silent))).await;
        assert_eq!(response_params(answer.location())["error"], error, "{name}");
    }
}

#[tokio::test]
async fn where_a_passkey_is_required_no_code_is_offered_in_its_place() {
    // WAN-11
    let server = server_with(&require("phr", &["alice"])).await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    let (app, mut passkey) = with_app_and_passkey(&server, &authenticator).await;
    let alice = server.browser();
    let step = alice.enter_password("alice").await;
    step.assert_page(200, "One more step");
    assert!(step.body.contains("data-options") && !step.body.contains("name=\"totp\""), "{}", step.body);
    assert!(!step.body.contains("use&#61;recovery") && !step.body.contains("use=recovery"), "{}", step.body);
    // A code by hand signs in, and that login is good for nothing.
    server.clock.advance(MINUTE);
    let action = attribute(&step.body, "action=\"").unwrap();
    let csrf = csrf_of(&step.body);
    let answer = alice.http.post(&action, &[("csrf", &csrf), ("totp", &app.code(&server))]).await;
    let (path, page) = alice.open(answer.location()).await;
    assert_eq!(path, "/login", "{}", page.body);
    page.assert_page(200, "This needs a passkey");
    let step = alice.enter_password_at(&page, "alice").await;
    let answer = alice.use_passkey(&step, &authenticator, &mut passkey).await;
    assert_eq!(alice.open(answer.location()).await.1.status, 200);
    assert_eq!(alice.get("account/devices").await.status, 200);
}

/// Somebody who has both, each added on the way that is open to whoever lacks what is required.
async fn with_app_and_passkey(server: &Server, authenticator: &Authenticator) -> (App, Passkey) {
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let app = browser.add_totp(server).await;
    // With the code there is more that can be shown, and it is asked for before a passkey is added.
    assert_eq!(browser.open("account/security").await.0, "/login?to=security");
    server.clock.advance(MINUTE);
    let browser = server.browser();
    browser.sign_in_with_code("alice", &app.code(server)).await;
    browser.get("account/devices").await.assert_page(403, LACKING);
    server.clock.advance(MINUTE);
    let confirm = browser.confirm("add-passkey", None).await;
    let step = browser.get(confirm.location()).await;
    step.assert_page(200, "One more step");
    let answer = browser.submit(&step, &[("totp", &app.code(server))]).await;
    let page = browser.get(answer.location()).await;
    let form = PasskeyForm::of(&page);
    let (passkey, credential) = authenticator.create(&form.options);
    assert_eq!(browser.answer(&form, &credential, &[("name", "Key")]).await.status, 303);
    server.clock.advance(MINUTE);
    (app, passkey)
}

#[tokio::test]
async fn from_a_refused_network_nobody_signs_in_and_no_login_is_used() {
    // INV-08, INV-11
    let server = server_with(&json!({ "logins": { "denied_networks": ["203.0.113.0/24"] } })).await;
    server.user("alice").await;
    let client_id = server.client().await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    let words = "Nobody can sign in from the network that you are in.";
    let stranger = server.browser().at(AWAY);
    let page = stranger.get("login").await;
    let before = State::read(&server, &[]).await;
    let answer = stranger.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_refused(&answer, words, "network-denied");
    assert!(answer.set_cookie("keymaker_session").is_none());
    // Who knows no password learns nothing of the rule.
    let wrong = stranger.submit(&page, &[("username", "alice"), ("password", "not the password")]).await;
    wrong.assert_page(401, "wrong");
    assert_unchanged(&before, &State::read(&server, &[]).await);

    let alice = server.browser();
    alice.sign_in("alice").await;
    let (consent_path, page) = consent(&alice, &server, &client_id).await;
    let away = alice.at(AWAY);
    for path in ["account/", "account/security", "account/devices", &consent_path, "login"] {
        assert_refused(&away.get(path).await, words, "network-denied");
    }
    assert_refused(&away.submit(&page, &[("action", "allow")]).await, words, "network-denied");
    // Another account can be chosen, and this one signed out.
    away.get("login?switch=1").await.assert_page(200, "name=\"password\"");
    assert_eq!(away.get("logout").await.status, 200);
    assert!(response_params(alice.submit(&page, &[("action", "allow")]).await.location()).contains_key("code"));

    let body = password_login("alice");
    let answer = server.http.at(AWAY).post_json(LOGIN, &body).await;
    answer.assert_matrix_error(403, "M_FORBIDDEN");
    assert!(answer.json()["error"].as_str().unwrap().contains("network-denied"), "{}", answer.body);

    // What was issued goes on: a network is no reason to delete somebody's keys.
    assert!(server.is_active(&tokens.access).await);
    let form = [("grant_type", "refresh_token"), ("client_id", &tokens.client_id), ("refresh_token", &tokens.refresh)];
    assert_eq!(server.http.at(AWAY).post("oauth2/token", &form).await.status, 200);
}

#[tokio::test]
async fn somebody_who_left_the_trusted_network_signs_in_once_more_and_is_not_asked_again() {
    let rules = json!({ "logins": { "trusted_networks": ["10.0.0.0/8"], "ask_again_outside_trusted_networks": true } });
    let server = server_with(&rules).await;
    server.user("alice").await;
    let alice = server.browser().at(HOME);
    alice.sign_in("alice").await;
    server.clock.advance(10 * SECOND);
    assert_eq!(alice.get("account/profile").await.status, 200);
    let away = alice.at(AWAY);
    let (path, page) = away.open("account/profile").await;
    assert_eq!(path, "/login?to=profile");
    page.assert_page(200, "enter your password again");
    // Back home the login from there is as good as before.
    assert_eq!(alice.get("account/profile").await.status, 200);
    let answer = away.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(away.open(answer.location()).await.0, "/account/profile");
    for browser in [&away, &alice, &away.at("203.0.113.200")] {
        server.clock.advance(10 * MINUTE);
        assert_eq!(browser.get("account/profile").await.status, 200);
    }
}

#[tokio::test]
async fn an_act_is_proved_for_with_what_the_rules_require() {
    // INV-06
    let server = server_with(&require("mfa", &["alice"])).await;
    let app = {
        server.user("alice").await;
        let browser = server.browser();
        browser.sign_in("alice").await;
        browser.add_totp(&server).await
    };
    server.clock.advance(MINUTE);
    let alice = server.browser();
    alice.sign_in_with_code("alice", &app.code(&server)).await;
    server.clock.advance(MINUTE);
    // The person may say that the password alone is enough; the rules say that it is not.
    let answer = alice.act("allow-password-alone", None, Some(&app.code(&server))).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    server.clock.advance(MINUTE);
    let answer = alice.confirm("change-password", None).await;
    assert!(answer.location().starts_with("/factor?"), "{}", answer.location());
    let stranger = server.browser();
    stranger.enter_password("alice").await.assert_page(200, "One more step");
}
