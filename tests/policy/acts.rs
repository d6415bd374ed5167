//! Each place where the policies have a say: what they do not allow is refused before anything is written, sent or hashed
//! (INV-08), in words that the person understands and with the name of the rule; everything else goes on.

use std::sync::Arc;

use keymaker::{
    domain::refusal::Refusal,
    error::Error,
    flows::{
        Caller, manage,
        permit::Origin,
        register::{self, NewUser},
    },
};
use serde_json::json;

use super::{assert_refused, assert_unchanged, server_with};
use crate::support::{
    MATRIX_SCOPE, PASSWORD, REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server, changed,
    compat::{merged, token_login},
    homeserver::FakeHomeserver,
    person::{attribute, csrf_of, encode, response_params},
    smtp::SmtpSink,
    state::State,
};

const BANNED_NAME: &str = "This user name cannot be used here. Choose another one.";
const BANNED_DOMAIN: &str = "E-mail addresses of this provider cannot be used here. Use another one.";
const BANNED_WORD: &str = "This password has a word in it that others would try. Choose another one.";

#[tokio::test]
async fn a_name_that_the_rules_refuse_is_refused_at_its_field_before_anything_happens() {
    // INV-08, SGN-02
    let homeserver = Arc::new(FakeHomeserver::default());
    let rules = json!({ "registration": { "banned_usernames": { "literals": ["mallory"] } } });
    let server = Server::setup().fake_homeserver(&homeserver).rules(&rules).start().await;
    let browser = server.browser();
    let page = browser.get("register").await;
    let (before, calls) = (State::read(&server, &[]).await, homeserver.calls());
    let answer = browser.submit(&page, &[("username", "Mallory"), ("password", PASSWORD)]).await;
    answer.assert_page(422, &format!("id=\"username-error\">{BANNED_NAME}"));
    assert!(answer.body.contains("value=\"Mallory\""), "what was typed stays: {}", answer.body);
    assert_unchanged(&before, &State::read(&server, &[]).await);
    assert_eq!(homeserver.calls(), calls, "the homeserver was asked");
    assert!(browser.sign_up("alice").await.location().ends_with("/account/"));

    let french = browser.http.client.post(browser.http.url("register")).header("accept-language", "fr");
    let form = [("csrf", browser.csrf().await), ("username", "mallory".to_owned()), ("password", PASSWORD.to_owned())];
    let answer = browser.http.send(french.form(&form)).await;
    answer.assert_page(422, "Ce nom d’utilisateur ne peut pas être utilisé ici.");
}

#[tokio::test]
async fn an_account_that_the_rules_refuse_does_not_come_into_being_whoever_vouches_for_it() {
    // SGN-02, UPS-09
    let rules = json!({
        "registration": { "banned_usernames": { "literals": ["mallory"] } },
        "emails": { "banned_domains": ["spam.example"] },
    });
    let server = server_with(&rules).await;
    let create = async |username: &str, email: Option<&str>, origin: Origin| {
        let new =
            NewUser { username: username.to_owned(), origin, email: email.map(str::to_owned), ..NewUser::default() };
        register::create(&server.app, new, None, &Caller::default()).await
    };
    let before = State::read(&server, &[]).await;
    for (name, email) in [("mallory", None), ("bob", Some("bob@spam.example"))] {
        for origin in [Origin::Password, Origin::Upstream("google".to_owned())] {
            let result = create(name, email, origin).await;
            assert!(matches!(result, Err(Error::Refusal(Refusal::Policy(_)))), "{name} {email:?}");
        }
    }
    assert_unchanged(&before, &State::read(&server, &[]).await);
    create("bob", Some("bob@example.org"), Origin::Upstream("google".to_owned())).await.unwrap();
    // Whoever works at the command line may make exceptions.
    manage::register_user(&server.app, "mallory", None, Some("mallory@spam.example"), false).await.unwrap();
}

#[tokio::test]
async fn an_address_that_the_rules_refuse_gets_no_mail() {
    // INV-08, ACT-10, SGN-03
    let sink = SmtpSink::start();
    let rules = json!({ "emails": { "banned_domains": ["spam.example"] } });
    let setup = Server::setup().mail(&sink).rules(&rules).with("account.password_registration_email_required", "true");
    let server = setup.start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let page = alice.form_of("add-email").await;
    let before = State::read(&server, &[]).await;
    let answer = alice.submit(&page, &[("proof", &proof_of(&page.body)), ("email", "alice@SPAM.example")]).await;
    answer.assert_page(422, BANNED_DOMAIN);
    assert!(answer.body.contains("aria-invalid=\"true\""), "{}", answer.body);
    assert_unchanged(&before, &State::read(&server, &[]).await);
    let answer = alice.submit(&answer, &[("proof", &proof_of(&answer.body)), ("email", "alice@example.org")]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);

    let bob = server.browser();
    let page = bob.get("register").await;
    let answer = bob.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).await;
    let (_, page) = bob.open(answer.location()).await;
    let before = State::read(&server, &["mails"]).await;
    let answer = bob.submit(&page, &[("email", "bob@spam.example")]).await;
    answer.assert_page(422, BANNED_DOMAIN);
    assert_unchanged(&before, &State::read(&server, &["mails"]).await);
    assert_eq!(bob.submit(&page, &[("email", "bob@example.org")]).await.status, 303);
    server.until_mails_are_sent().await;
    assert!(sink.mails_to("bob@spam.example").is_empty() && sink.mails_to("alice@SPAM.example").is_empty());
}

fn proof_of(html: &str) -> String {
    attribute(html, "name=\"proof\" value=\"").expect("a proof")
}

#[tokio::test]
async fn a_password_that_the_rules_refuse_is_refused_wherever_one_is_chosen() {
    // PWD-01, ACT-09, RCV-03
    let sink = SmtpSink::start();
    let rules = json!({ "passwords": { "banned_words": ["hunter"], "forbid_username": true } });
    let server = Server::setup().mail(&sink).rules(&rules).start().await;
    server.user_with_address("alice", "alice@example.org").await;
    let (banned, named) = ("the Hunter goes out at night 7", "alice goes out at night 77");
    for secret in [banned, named] {
        server.audit.secret(secret);
    }

    let bob = server.browser();
    let page = bob.get("register").await;
    let before = State::read(&server, &[]).await;
    bob.submit(&page, &[("username", "bob"), ("password", banned)]).await.assert_page(422, BANNED_WORD);
    assert_unchanged(&before, &State::read(&server, &[]).await);
    assert_eq!(
        bob.submit(&page, &[("username", "bob"), ("password", named)]).await.status,
        303,
        "it is another's name"
    );

    let alice = server.browser();
    alice.sign_in("alice").await;
    let page = alice.form_of("change-password").await;
    let before = State::read(&server, &["mails"]).await;
    for (password, words) in [(banned, BANNED_WORD), (named, "This password has your user name in it.")] {
        let proof = proof_of(&page.body);
        alice.submit(&page, &[("password", password), ("proof", &proof)]).await.assert_page(422, words);
    }
    assert_unchanged(&before, &State::read(&server, &["mails"]).await);

    alice.ask_for_link("alice@example.org").await;
    // The first mail told of the new browser.
    let link = server.nth_mailed_link(&sink, "alice@example.org", 2).await;
    let page = alice.get(&link).await;
    let before = State::read(&server, &["mails"]).await;
    alice.submit(&page, &[("password", banned)]).await.assert_page(422, BANNED_WORD);
    assert_unchanged(&before, &State::read(&server, &["mails"]).await);
}

#[tokio::test]
async fn a_client_that_the_rules_refuse_does_not_register() {
    // REG-03, RFC 7591 §3.2.2
    let server = server_with(&json!({ "clients": { "denied_hosts": ["evil.example"] } })).await;
    let metadata = |client_uri: &str, redirect_uri: &str| {
        json!({
            "client_name": "An app",
            "client_uri": client_uri,
            "redirect_uris": [redirect_uri],
            "token_endpoint_auth_method": "none",
            "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"],
        })
    };
    let before = State::read(&server, &[]).await;
    let evil = metadata("https://evil.example/", "https://evil.example/callback");
    let answer = server.http.post_json("oauth2/registration", &evil).await;
    answer.assert_error(400, "invalid_redirect_uri");
    let native = metadata("https://evil.example/", "http://127.0.0.1/callback");
    let native = merged(native, json!({ "application_type": "native" }));
    let answer = server.http.post_json("oauth2/registration", &native).await;
    answer.assert_error(400, "invalid_client_metadata");
    let description = answer.json()["error_description"].as_str().unwrap().to_owned();
    assert!(description.contains("client-host-denied"), "the rule is named: {description}");
    assert_unchanged(&before, &State::read(&server, &[]).await);
    server.client().await;
}

#[tokio::test]
async fn an_app_that_the_rules_refuse_is_told_so_at_the_authorization_endpoint() {
    // AUT-10, CNS-02
    let rules = json!({ "authorization": { "denied_scopes": ["urn:matrix:client:device:*"] } });
    let setup = Server::setup().static_client("client_secret_post").rules(&rules);
    let server = setup.start().await;
    server.user("alice").await;
    let before = State::read(&server, &["users", "sessions", "tokens", "account_events"]).await;

    let request = server.request(STATIC_CLIENT, MATRIX_SCOPE);
    let answer = server.get(&format!("authorize?{}", encode(&request))).await;
    let params = response_params(answer.location());
    assert_eq!((params["error"].as_str(), params["state"].as_str()), ("access_denied", "the state"));
    assert!(params["error_description"].contains("scope-denied"), "{params:?}");
    assert!(
        before.difference(&State::read(&server, &["users", "sessions", "tokens", "account_events"]).await).is_empty()
    );

    // A stranger is not sent on to an app that registered itself.
    let client_id = server.client().await;
    let browser = server.browser();
    let answer = browser.get(&format!("authorize?{}", encode(&server.request(&client_id, MATRIX_SCOPE)))).await;
    assert_refused(&answer, "The app asks for something that nobody can have here.", "scope-denied");
    assert!(answer.body.contains("error&#61;access_denied") || answer.body.contains("error=access_denied"));
    browser.sign_in("alice").await;
    let answer = browser.get(&format!("authorize?{}", encode(&server.request(&client_id, MATRIX_SCOPE)))).await;
    assert_eq!(response_params(answer.location())["error"], "access_denied");
    browser.allow(&server.request(&client_id, "openid")).await;
}

#[tokio::test]
async fn a_person_whom_the_rules_refuse_sees_why_and_the_app_gets_nothing() {
    // CNS-02: looking decides nothing, and the button decides what the rules say.
    let server = server_with(&json!({ "authorization": { "denied_users": ["mallory"] } })).await;
    for name in ["mallory", "alice"] {
        server.user(name).await;
    }
    let client_id = server.client().await;
    let request = server.request(&client_id, MATRIX_SCOPE);
    let mallory = server.browser();
    mallory.sign_in("mallory").await;
    for action in ["allow", "deny"] {
        let (path, page) = mallory.arrive(&request).await;
        assert!(path.starts_with("/consent/"), "{path}");
        let before = State::read(&server, &[]).await;
        let again = mallory.get(&path).await;
        assert_refused(&again, "Your account cannot sign in to apps.", "user-denied");
        assert!(again.body.contains("app.example.com"), "the app is named");
        assert_unchanged(&before, &State::read(&server, &[]).await);
        let answer = mallory.submit(&page, &[("action", action)]).await;
        let params = response_params(answer.location());
        assert_eq!((params["error"].as_str(), params.contains_key("code")), ("access_denied", false), "{action}");
        // It was decided, once.
        mallory.submit(&page, &[("action", action)]).await.assert_page(400, "This sign-in is over");
    }
    server.code("alice", &client_id, MATRIX_SCOPE).await;
}

#[tokio::test]
async fn a_client_for_itself_is_asked_about_too() {
    // RFC 6749 §4.4, §5.2
    let token = async |rules: serde_json::Value| {
        let setup = Server::setup().static_client("client_secret_post").rules(&rules);
        let server = setup.start().await;
        server.audit.secret(STATIC_SECRET);
        let form =
            [("grant_type", "client_credentials"), ("client_id", STATIC_CLIENT), ("client_secret", STATIC_SECRET)];
        let before = State::read(&server, &[]).await;
        let answer = server.post("oauth2/token", &form).await;
        (answer, before.difference(&State::read(&server, &[]).await))
    };
    let (answer, changes) = token(json!({ "authorization": { "denied_grant_types": ["client_credentials"] } })).await;
    answer.assert_error(400, "access_denied");
    assert!(changes.is_empty(), "{changes:?}");
    assert_eq!(token(json!({})).await.0.status, 200);
}

#[tokio::test]
async fn many_older_apps_at_once_are_no_way_around_the_device_limit() {
    // CMP-13, INV-01
    let rules = json!({ "compat": { "device_limit": { "hard_limit": 2 } } });
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = Server::setup().rules(&rules).homeserver(homeserver.clone()).start().await;
    server.user("alice").await;
    let logins: Vec<_> = (0..10).map(|n| json!({ "device_id": format!("DEVICE{n}") })).collect();
    let answers =
        futures_util::future::join_all(logins.into_iter().map(|more| server.password_login("alice", more))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 403, 403, 403, 403, 403, 403, 403, 403]);
    assert_eq!(homeserver.devices.lock().unwrap().len(), 2, "and nothing is left at the homeserver");
}

#[tokio::test]
async fn an_older_app_beyond_the_device_limit_is_refused_and_one_in_place_of_another_is_not() {
    // CMP-13, CMP-17
    let rules = json!({ "compat": { "device_limit": { "soft_limit": 1, "hard_limit": 2 } } });
    let server = Server::setup().rules(&rules).start().await;
    server.user("alice").await;
    server.legacy_token("alice", "PHONE").await;
    // The soft limit is heard where the person can do something about it.
    let alice = server.browser();
    alice.sign_in("alice").await;
    let (path, page) = alice.arrive_by_sso("https://app.example.com/", &[]).await;
    assert_refused(&page, "Your account is signed in on many devices already.", "device-limit-reached");
    assert!(page.body.contains("href=\"/account/devices\""), "{}", page.body);
    let csrf = csrf_of(&alice.get("account/profile").await.body);
    let before = State::read(&server, &[]).await;
    let answer = alice.http.post(&path, &[("csrf", &csrf), ("action", "allow")]).await;
    answer.assert_page(403, "device-limit-reached");
    assert_unchanged(&before, &State::read(&server, &[]).await);

    let tablet = server.legacy_token("alice", "TABLET").await;
    let before = State::read(&server, &[]).await;
    let answer = server.password_login("alice", json!({ "device_id": "LAPTOP" })).await;
    answer.assert_matrix_error(403, "M_FORBIDDEN");
    assert!(answer.json()["error"].as_str().unwrap().contains("too-many-devices"), "{}", answer.body);
    let answer = server.password_login("alice", json!({})).await;
    answer.assert_matrix_error(403, "M_FORBIDDEN");
    assert_unchanged(&before, &State::read(&server, &[]).await);
    // The same device again is none more.
    assert_eq!(server.password_login("alice", json!({ "device_id": "TABLET" })).await.status, 200);
    assert!(!server.is_active(&tablet).await);
    // Somebody who only guesses hears nothing of it.
    let wrong = json!({ "password": "not the password" });
    let answer = server.password_login("alice", wrong).await;
    answer.assert_matrix_error(403, "M_FORBIDDEN");
    assert!(!answer.body.contains("too-many-devices"), "{}", answer.body);
}

#[tokio::test]
async fn a_login_token_is_asked_about_as_well() {
    // CMP-16, CMP-13
    let rules = json!({ "compat": { "denied_login_types": ["m.login.token"] } });
    let server = Server::setup().rules(&rules).start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let token = alice.login_token().await;
    let before = State::read(&server, &[]).await;
    let answer = server.legacy_login(token_login(&token)).await;
    answer.assert_matrix_error(403, "M_FORBIDDEN");
    assert_unchanged(&before, &State::read(&server, &[]).await);
    assert_eq!(server.password_login("alice", json!({})).await.status, 200);
}

#[tokio::test]
async fn silence_is_refused_in_its_own_words() {
    // PRM-01
    let server = server_with(&json!({ "authorization": { "denied_scopes": ["email"] } })).await;
    server.user("alice").await;
    let client_id = server.client().await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let silent = |scope| changed(&server.request(&client_id, scope), "prompt", Some("none"));
    for (scope, error) in [("openid email", "access_denied"), ("openid", "consent_required")] {
        let answer = alice.get(&format!("authorize?{}", encode(&silent(scope)))).await;
        assert!(answer.location().starts_with(REDIRECT_URI), "{}", answer.location());
        assert_eq!(response_params(answer.location())["error"], error, "{scope}");
    }
}
