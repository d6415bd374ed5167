//! How somebody signed in, as clients and homeservers are told it (spec PRM-04 to PRM-06, WAN-11).

use keymaker::clock::SECOND;
use serde_json::{Value, json};

use crate::support::{
    Server, Tokens,
    authenticator::{Authenticator, Passkey},
    changed, claims_of,
    factors::App,
    http::Answer,
    person::{Person, encode, response_params},
};

/// A person of each kind: what they can show is what their name says.
struct People {
    server: Server,
    client_id: String,
    authenticator: Authenticator,
    app: App,
    strict_app: App,
    passkey: Passkey,
    all_app: App,
    all_passkey: Passkey,
}

impl People {
    async fn new() -> Self {
        let server = Server::setup().with_passkeys().start().await;
        let authenticator = Authenticator::at(&server.app.config.http.public_base);
        server.user("password").await;
        let app = with_app(&server, "app", false).await;
        let strict_app = with_app(&server, "strictapp", true).await;
        let passkey = with_passkey(&server, "passkey", &authenticator).await;
        let all_passkey = with_passkey(&server, "all", &authenticator).await;
        let browser = server.browser();
        browser.sign_in("all").await;
        let all_app = browser.add_totp(&server).await;
        server.clock.advance(60 * SECOND);
        let answer = browser.act("allow-password-alone", None, Some(&all_app.code(&server))).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        server.clock.advance(60 * SECOND);
        let client_id = server.client().await;
        Self { server, client_id, authenticator, app, strict_app, passkey, all_app, all_passkey }
    }

    /// Arrives at the authorization endpoint with this `acr_values`.
    async fn arrive(&self, browser: &Person, acr_values: &str) -> (String, Answer) {
        let request = changed(&self.server.request(&self.client_id, "openid"), "acr_values", Some(acr_values));
        browser.arrive(&changed(&request, "prompt", Some("consent"))).await
    }

    /// Allows, and gives what the client and the homeserver learn of the login, the same also after a refresh.
    async fn told(&self, browser: &Person, page: &Answer) -> (Value, Value) {
        let answer = browser.submit(page, &[("action", "allow")]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let code = response_params(answer.location())["code"].clone();
        let exchanged = self.server.exchange(&self.client_id, &code).await;
        let tokens = Tokens::of(&exchanged, &self.client_id);
        let refreshed = self.server.refresh(&tokens).await;
        let fresh = Tokens::of(&refreshed, &self.client_id);
        let told = |claims: &Value| (claims["acr"].clone(), claims["amr"].clone(), claims["auth_time"].clone());
        let first = told(&claims_of(exchanged.json()["id_token"].as_str().unwrap()));
        assert_eq!(told(&claims_of(refreshed.json()["id_token"].as_str().unwrap())), first, "after a refresh");
        assert_eq!(told(&self.server.introspect(&fresh.access).await), first, "at the homeserver");
        (first.0, first.1)
    }
}

async fn with_app(server: &Server, name: &str, is_required: bool) -> App {
    server.user(name).await;
    let browser = server.browser();
    browser.sign_in(name).await;
    let app = browser.add_totp(server).await;
    server.clock.advance(60 * SECOND);
    if !is_required {
        let answer = browser.act("allow-password-alone", None, Some(&app.code(server))).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        server.clock.advance(60 * SECOND);
    }
    app
}

async fn with_passkey(server: &Server, name: &str, authenticator: &Authenticator) -> Passkey {
    server.user(name).await;
    let browser = server.browser();
    browser.sign_in(name).await;
    browser.add_passkey(authenticator, "Key").await
}

const NONE: &str = "";

#[tokio::test]
async fn whoever_can_is_asked_for_what_the_client_wants_and_nobody_is_locked_out() {
    // PRM-05, WAN-11: by password first.
    let mut people = People::new().await;
    let password = (json!("password"), json!(["pwd"]));
    let code = (json!("mfa"), json!(["pwd", "otp", "mfa"]));
    let passkey = (json!("phr"), json!(["hwk", "user", "mfa"]));
    // (who, acr_values, what is shown as the second step, what is told)
    let table = [
        ("password", NONE, "", &password),
        ("password", "mfa", "", &password),
        ("password", "phr", "", &password),
        ("password", "urn:example:gold", "", &password),
        ("app", NONE, "", &password),
        ("app", "password", "", &password),
        ("app", "mfa", "code", &code),
        ("app", "phr", "code", &code),
        ("app", "urn:example:gold mfa", "code", &code),
        ("app", "password mfa", "", &password),
        ("strictapp", NONE, "code", &code),
        ("strictapp", "password", "code", &code),
        ("passkey", NONE, "", &password),
        ("passkey", "mfa", "passkey", &passkey),
        ("passkey", "phr", "passkey", &passkey),
        ("all", "mfa", "code", &code),
        ("all", "phr", "passkey", &passkey),
        ("all", "mfa", "passkey", &passkey),
    ];
    for (who, acr_values, second, told) in table {
        let browser = people.server.browser();
        let (path, page) = people.arrive(&browser, acr_values).await;
        assert!(path.starts_with("/login?grant="), "{path}");
        let mut answer = browser.enter_password_at(&page, who).await;
        match second {
            "code" => {
                let app = match who {
                    "app" => &people.app,
                    "strictapp" => &people.strict_app,
                    _ => &people.all_app,
                };
                answer = browser.submit(&answer, &[("totp", &app.code(&people.server))]).await;
            }
            "passkey" => {
                let passkey = if who == "all" { &mut people.all_passkey } else { &mut people.passkey };
                answer = browser.use_passkey(&answer, &people.authenticator, passkey).await;
            }
            _ => {}
        }
        assert_eq!(answer.status, 303, "{who} {acr_values}: {}", answer.body);
        let (path, page) = browser.open(answer.location()).await;
        assert!(path.starts_with("/consent/"), "{who} {acr_values}: {path}");
        let (acr, amr) = people.told(&browser, &page).await;
        assert_eq!((&acr, &amr), (&told.0, &told.1), "{who} {acr_values:?} {second}");
        people.server.clock.advance(60 * SECOND);
    }
}

#[tokio::test]
async fn a_passkey_reaches_every_class_by_itself() {
    // WAN-11, PRM-05
    let mut people = People::new().await;
    for acr_values in [NONE, "password", "mfa", "phr"] {
        let browser = people.server.browser();
        let (_, page) = people.arrive(&browser, acr_values).await;
        let answer = browser.use_passkey(&page, &people.authenticator, &mut people.passkey).await;
        let (path, page) = browser.open(answer.location()).await;
        assert!(path.starts_with("/consent/"), "{acr_values}: {path}");
        assert_eq!(people.told(&browser, &page).await, (json!("phr"), json!(["hwk", "user", "mfa"])));
    }
    // One that is on several devices is known for that.
    let synced =
        Authenticator { is_backup_eligible: true, is_backed_up: true, counts: false, ..people.authenticator.clone() };
    let mut passkey = with_passkey(&people.server, "synced", &synced).await;
    let browser = people.server.browser();
    let (_, page) = people.arrive(&browser, "phr").await;
    let answer = browser.use_passkey(&page, &synced, &mut passkey).await;
    let (_, page) = browser.open(answer.location()).await;
    assert_eq!(people.told(&browser, &page).await, (json!("phr"), json!(["swk", "user", "mfa"])));
}

#[tokio::test]
async fn somebody_who_is_signed_in_is_asked_for_more_where_there_is_more() {
    // PRM-05, PRM-06
    let mut people = People::new().await;
    // (who, acr_values, whether the login from before is not enough)
    let table = [
        ("password", "mfa", false),
        ("password", "phr", false),
        ("app", NONE, false),
        ("app", "mfa", true),
        ("passkey", "phr", true),
        ("all", "phr", true),
    ];
    for (who, acr_values, is_asked) in table {
        let browser = people.server.browser();
        browser.sign_in(who).await;
        people.server.clock.advance(SECOND);
        let (path, page) = people.arrive(&browser, acr_values).await;
        assert_eq!(path.starts_with("/login?grant="), is_asked, "{who} {acr_values}: {path}");
        if !is_asked {
            assert_eq!(people.told(&browser, &page).await.0, json!("password"));
            continue;
        }
        // Going to the consent by hand leads back, and so does its button.
        let consent = path.replace("login?grant=", "consent/");
        assert_eq!(browser.open(&consent).await.0, path);
        let csrf = browser.csrf().await;
        let skipped = browser.http.post(&consent, &[("csrf", &csrf), ("action", "allow")]).await;
        assert_eq!(skipped.header("location"), Some(path.as_str()), "{}", skipped.body);
    }
    // And whoever has shown it already is not asked again.
    let browser = people.server.browser();
    browser.sign_in_with_passkey(&people.authenticator, &mut people.passkey).await;
    people.server.clock.advance(SECOND);
    for acr_values in ["mfa", "phr"] {
        let (path, _) = people.arrive(&browser, acr_values).await;
        assert!(path.starts_with("/consent/"), "{path}");
    }
}

#[tokio::test]
async fn a_login_that_has_to_be_fresh_is_so_in_both_steps() {
    // PRM-02, PRM-04
    let people = People::new().await;
    let server = &people.server;
    let browser = server.browser();
    let answer = browser.sign_in_with_code("strictapp", &people.strict_app.code(server)).await;
    assert_eq!(answer.status, 303);
    for (name, value) in [("max_age", "1"), ("max_age", "0"), ("prompt", "login consent")] {
        server.clock.advance(60 * SECOND);
        let request = changed(&server.request(&people.client_id, "openid"), "prompt", Some("consent"));
        let request = changed(&request, name, Some(value));
        let (path, page) = browser.arrive(&request).await;
        assert!(path.starts_with("/login?grant="), "{path}");
        let before = server.clock.now() / SECOND;
        let step = browser.enter_password_at(&page, "strictapp").await;
        step.assert_page(200, "One more step");
        // The password alone has not made the login fresh.
        let consent = path.replace("login?grant=", "consent/");
        assert_eq!(browser.open(&consent).await.0, path, "{name}");
        let answer = browser.submit(&step, &[("totp", &people.strict_app.code(server))]).await;
        let (path, page) = browser.open(answer.location()).await;
        assert_eq!(path, consent, "{name}");
        let answer = browser.submit(&page, &[("action", "allow")]).await;
        let code = response_params(answer.location())["code"].clone();
        let exchanged = server.exchange(&people.client_id, &code).await;
        let claims = claims_of(exchanged.json()["id_token"].as_str().unwrap());
        assert!(claims["auth_time"].as_i64().unwrap() >= before, "{name}: {claims}");
        assert_eq!(claims["acr"], "mfa");
    }
}

#[tokio::test]
async fn a_login_that_was_begun_for_an_app_goes_on_to_it_after_the_second_step() {
    // WEB-14: with two tabs, each to its own.
    let people = People::new().await;
    let server = &people.server;
    let browser = server.browser();
    let (first, first_page) = people.arrive(&browser, NONE).await;
    let (second, second_page) = people.arrive(&browser, NONE).await;
    assert_ne!(first, second);
    let first_step = browser.enter_password_at(&first_page, "strictapp").await;
    let second_step = browser.enter_password_at(&second_page, "strictapp").await;
    for (step, path) in [(second_step, second), (first_step, first)] {
        server.clock.advance(60 * SECOND);
        let answer = browser.submit(&step, &[("totp", &people.strict_app.code(server))]).await;
        assert_eq!(answer.location(), path.replace("login?grant=", "consent/"), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_login_of_an_older_app_goes_on_to_it_after_the_second_step() {
    // CMP-16, CMP-15
    let server = Server::start().await;
    let app = with_app(&server, "alice", true).await;
    let browser = server.browser();
    let (path, page) = browser.arrive_by_sso("https://app.example.com/", &[]).await;
    assert!(path.starts_with("/login?sso="), "{path}");
    let step = browser.enter_password_at(&page, "alice").await;
    let answer = browser.submit(&step, &[("totp", &app.code(&server))]).await;
    assert_eq!(answer.location(), path.replace("login?sso=", "sso/"), "{}", answer.body);
    browser.get(answer.location()).await.assert_page(200, "@alice:localhost");
}

#[tokio::test]
async fn the_classes_are_advertised_and_silence_stays_silent() {
    // PRM-05, PRM-01
    let people = People::new().await;
    let server = &people.server;
    let metadata = server.get(".well-known/openid-configuration").await.json();
    assert_eq!(metadata["acr_values_supported"], json!(["password", "mfa", "phr"]));
    let claims = metadata["claims_supported"].as_array().unwrap();
    for claim in ["acr", "amr", "auth_time"] {
        assert!(claims.contains(&json!(claim)), "{claims:?}");
    }
    let browser = server.browser();
    browser.sign_in("app").await;
    server.clock.advance(SECOND);
    let request = changed(&server.request(&people.client_id, "openid"), "acr_values", Some("mfa"));
    let request = changed(&request, "prompt", Some("none"));
    let answer = browser.get(&format!("authorize?{}", encode(&request))).await;
    let params = response_params(answer.location());
    assert!(!params.contains_key("code"), "{params:?}");
    assert!(matches!(params["error"].as_str(), "login_required" | "consent_required"), "{params:?}");
}
