//! A provider tells that somebody signed out there (BCI-01 to BCI-03): what is believed, and what ends.

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::{
    clock::{DAY, MINUTE},
    store,
};
use serde_json::{Value, json};

use super::{PROVIDER, SUBJECT, as_usual, server_with_alice};
use crate::support::{
    REDIRECT_URI, Server, Tokens,
    compat::token_login,
    eventually,
    homeserver::FakeHomeserver,
    http::Answer,
    identity_provider::{Endpoint, Fault, IdentityProvider, Signing, Trouble},
    person::Person,
    state::State,
};

const PATH: &str = "upstream/backchannel-logout/company";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn send(server: &Server, logout_token: &str) -> Answer {
    let answer = server.post(PATH, &[("logout_token", logout_token)]).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"), "BCI-02: {}", answer.body);
    answer
}

/// Everything that one login at the provider opens: the browser, an OAuth client and an older one.
struct Opened {
    browser: Person,
    oauth: Tokens,
    older: String,
    sid: String,
}

async fn open(provider: &IdentityProvider, server: &Server, device: &str) -> Opened {
    let browser = server.browser();
    assert_eq!(browser.come_back_from(PROVIDER).await.status, 303);
    let client_id = server.client().await;
    let scope = format!("urn:matrix:client:api:* urn:matrix:client:device:{device}");
    let code = browser.allow(&server.request(&client_id, &scope)).await;
    let oauth = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
    let login_token = browser.login_token().await;
    let older = server.legacy_login(token_login(&login_token)).await.json();
    let older = older["access_token"].as_str().unwrap().to_owned();
    assert!(server.is_active(&oauth.access).await && server.is_active(&older).await);
    Opened { browser, oauth, older, sid: provider.last_login().sid }
}

impl Opened {
    /// What of it is alive: the browser, the client, the older client.
    async fn alive(&self, server: &Server) -> [bool; 3] {
        [
            self.browser.whoami().await.is_some(),
            server.is_active(&self.oauth.access).await,
            server.is_active(&self.older).await,
        ]
    }
}

async fn server_for(policy: &str) -> (IdentityProvider, Arc<FakeHomeserver>, Server) {
    let (provider, homeserver) = (IdentityProvider::start().await, Arc::new(FakeHomeserver::default()));
    let more = json!({ "on_backchannel_logout": policy });
    let setup = Server::setup().providers(&[(&provider, PROVIDER, more)]);
    let server = setup.fake_homeserver(&homeserver).start().await;
    for (name, subject) in [("alice", SUBJECT), ("bob", "bob-at-the-provider")] {
        server.user(name).await;
        server.link(PROVIDER, subject, name).await;
    }
    (provider, homeserver, server)
}

#[tokio::test]
async fn a_logout_ends_browser_oauth_and_compatibility_sessions_of_that_login() {
    // BCI-03, DEV-01
    let (provider, homeserver, server) = server_for("logout_all").await;
    let here = open(&provider, &server, "THISDEVICE").await;
    let elsewhere = open(&provider, &server, "OTHERDEVICE").await;
    let by_password = server.log_in("alice", "urn:matrix:client:api:* urn:matrix:client:device:HERPASSWORD").await;
    assert_ne!(here.sid, elsewhere.sid);
    let devices = homeserver.devices.lock().unwrap().len();

    let answer = send(&server, &provider.logout_token(json!({ "sub": SUBJECT, "sid": here.sid }))).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(here.alive(&server).await, [false; 3]);
    server.refresh(&here.oauth).await.assert_error(400, "invalid_grant");
    assert_eq!(elsewhere.alive(&server).await, [true; 3]);
    assert!(server.is_active(&by_password.access).await, "what the provider did not open stays");
    eventually("the end of the devices", async || homeserver.devices.lock().unwrap().len() == devices - 2).await;
    assert!(!homeserver.has_device("alice", "THISDEVICE") && homeserver.has_device("alice", "OTHERDEVICE"));
    let reasons: Vec<(String, i64)> = server
        .app
        .db
        .sql("SELECT end_reason, COUNT(*) FROM sessions WHERE end_reason IS NOT NULL GROUP BY end_reason")
        .all()
        .await
        .unwrap();
    assert_eq!(reasons, [("signed_out_at_provider".to_owned(), 3)]);
    elsewhere.browser.get("account/events").await.assert_page(200, "Signed out at a provider, and here with it");
}

#[tokio::test]
async fn a_logout_without_a_session_ends_all_of_that_person_and_of_nobody_else() {
    // BCI-03: `sub` alone
    let (provider, _, server) = server_for("logout_all").await;
    let (one, two) = (open(&provider, &server, "DEVICENONE").await, open(&provider, &server, "DEVICENTWO").await);
    provider.person(json!({ "sub": "bob-at-the-provider" }));
    let bob = open(&provider, &server, "BOBSDEVICE").await;
    assert_eq!(send(&server, &provider.logout_token(json!({ "sub": SUBJECT }))).await.status, 200);
    assert_eq!((one.alive(&server).await, two.alive(&server).await), ([false; 3], [false; 3]));
    assert_eq!(bob.alive(&server).await, [true; 3]);
    // `sid` alone
    assert_eq!(send(&server, &provider.logout_token(json!({ "sid": bob.sid }))).await.status, 200);
    assert_eq!(bob.alive(&server).await, [false; 3]);
}

#[tokio::test]
async fn how_much_ends_is_for_the_operator_to_say() {
    // BCI-03
    for (policy, alive) in [("do_nothing", [true; 3]), ("logout_browser_only", [false, true, true])] {
        let (provider, _, server) = server_for(policy).await;
        let opened = open(&provider, &server, "SOMEDEVICE").await;
        let token = provider.logout_token(json!({ "sid": opened.sid }));
        assert_eq!(send(&server, &token).await.status, 200);
        assert_eq!(opened.alive(&server).await, alive, "{policy}");
        send(&server, &token).await.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_session_that_is_not_known_and_one_of_somebody_else_change_nothing() {
    // BCI-02
    let (provider, _, server) = server_for("logout_all").await;
    let opened = open(&provider, &server, "SOMEDEVICE").await;
    for claims in [
        json!({ "sid": "unknown" }),
        json!({ "sub": "unknown" }),
        json!({ "sub": "bob-at-the-provider", "sid": opened.sid }),
        json!({ "sub": SUBJECT, "sid": "unknown" }),
    ] {
        let answer = send(&server, &provider.logout_token(claims.clone())).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.body);
    }
    assert_eq!(opened.alive(&server).await, [true; 3]);
}

#[tokio::test]
async fn a_provider_that_is_switched_off_still_takes_rights_away() {
    let (provider, _, server) = server_for("logout_all").await;
    let opened = open(&provider, &server, "SOMEDEVICE").await;
    let off = json!([provider.config(PROVIDER, json!({ "enabled": false, "on_backchannel_logout": "logout_all" }))]);
    let replica = server.replica(&[("upstream_oauth2.providers", &off.to_string())]).await;
    let token = provider.logout_token(json!({ "sid": opened.sid }));
    let answer = server.post(&format!("{}{PATH}", replica.base), &[("logout_token", &token)]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(opened.alive(&server).await, [false; 3]);
}

#[tokio::test]
async fn whoever_came_back_and_has_not_signed_in_yet_does_not_any_more() {
    // BCI-03, INV-05: the sign-up page is open while the provider ends the login behind it.
    let (provider, _, server) = server_for("logout_all").await;
    provider.person(json!({ "sub": "newcomer", "preferred_username": "newcomer" }));
    let person = server.browser();
    let answer = person.come_back_from(PROVIDER).await;
    let (path, page) = person.open(answer.location()).await;
    assert_eq!(page.status, 200, "{path}: {}", page.body);
    assert_eq!(send(&server, &provider.logout_token(json!({ "sub": "newcomer" }))).await.status, 200);
    let answer = person.submit(&page, &[("username", "newcomer")]).await;
    assert!((400..500).contains(&answer.status), "{}", answer.body);
    assert_eq!(person.whoami().await, None);
}

/// What is wrong with a logout token, and how it is sent.
type Wrong = (&'static str, Value, Value, Signing);

fn wrongs() -> Vec<Wrong> {
    let claims = |more: Value| more;
    vec![
        // The list of the conformance suite for back-channel logout.
        ("alg", json!({}), claims(json!({})), Signing::Es256),
        ("alg none", json!({}), claims(json!({})), Signing::None),
        ("aud", json!({}), claims(json!({ "aud": "somebody-else" })), Signing::Rs256),
        ("iss", json!({}), claims(json!({ "iss": "https://evil.example/" })), Signing::Rs256),
        ("no event", json!({}), claims(json!({ "events": null })), Signing::Rs256),
        ("another event", json!({}), claims(json!({ "events": { "urn:example:other": {} } })), Signing::Rs256),
        ("nonce", json!({}), claims(json!({ "nonce": "of a sign-in" })), Signing::Rs256),
        // and the rest of BCI-01 and CMN-17.
        ("event is no object", json!({}), claims(json!({ "events": { EVENT: true } })), Signing::Rs256),
        ("events is a list", json!({}), claims(json!({ "events": [EVENT] })), Signing::Rs256),
        ("nobody", json!({}), claims(json!({ "sub": null, "sid": null })), Signing::Rs256),
        ("empty sid", json!({}), claims(json!({ "sid": "" })), Signing::Rs256),
        ("sub is a number", json!({}), claims(json!({ "sub": 1 })), Signing::Rs256),
        ("no jti", json!({}), claims(json!({ "jti": null })), Signing::Rs256),
        ("no iat", json!({}), claims(json!({ "iat": null })), Signing::Rs256),
        ("no aud", json!({}), claims(json!({ "aud": null })), Signing::Rs256),
        ("typ of an ID token of somebody", json!({ "typ": "at+jwt" }), claims(json!({})), Signing::Rs256),
        ("crit", json!({ "crit": ["b64"], "b64": true }), claims(json!({})), Signing::Rs256),
        ("HS256 with the public key", json!({}), claims(json!({})), Signing::Hs256OfPublicKey),
        ("HS256 with the secret", json!({}), claims(json!({})), Signing::Hs256OfClientSecret),
        ("a key of nobody", json!({}), claims(json!({})), Signing::ForeignKey),
        ("a key in the header", json!({}), claims(json!({})), Signing::ForeignKeyInHeader),
        ("an unknown kid", json!({}), claims(json!({})), Signing::UnknownKid),
        ("no signature", json!({}), claims(json!({})), Signing::Missing),
        ("a signature of other claims", json!({}), claims(json!({})), Signing::OfOtherClaims),
    ]
}

#[tokio::test]
async fn whatever_is_wrong_with_a_logout_token_nothing_ends() {
    // BCI-01, BCI-02, CMN-17, TRP-40
    let (provider, _, server) = server_for("logout_all").await;
    let opened = open(&provider, &server, "SOMEDEVICE").await;
    let before = State::read(&server, &[]).await;
    let now = server.clock.now() / 1000;
    let mut wrongs = wrongs();
    for (what, iat, exp) in [
        ("expired", now - 600, Some(now - 61)),
        ("of tomorrow", now + 3600, Some(now + 7200)),
        ("of the day before yesterday", now - 2 * 86_400, Some(now + 60)),
        ("old and without exp", now - 3600, None),
    ] {
        wrongs.push((what, json!({}), json!({ "iat": iat, "exp": exp }), Signing::Rs256));
    }
    for (what, header, claims, signing) in wrongs {
        let mut all = provider.logout_claims(json!({ "sub": SUBJECT, "sid": opened.sid }));
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let answer = send(&server, &provider.sign(header, &all, signing)).await;
        assert_eq!((answer.status, answer.error().as_str()), (400, "invalid_request"), "{what}: {}", answer.body);
    }
    // An ID token is no logout token.
    let id_token = provider.last_login().id_token;
    send(&server, &id_token).await.assert_error(400, "invalid_request");
    for token in ["", "nonsense", "a.b.c", &"x".repeat(50_000)] {
        send(&server, token).await.assert_error(400, "invalid_request");
    }
    server.post(PATH, &[]).await.assert_error(400, "invalid_request");
    let good = provider.logout_token(json!({ "sid": opened.sid }));
    let twice = format!("logout_token={good}&logout_token={good}");
    let form = ("content-type", "application/x-www-form-urlencoded");
    let request = server.http.client.post(server.url(PATH)).header(form.0, form.1).body(twice);
    server.http.send(request).await.assert_error(400, "invalid_request");
    assert_eq!(server.get(PATH).await.status, 405);
    assert_eq!(server.post("upstream/backchannel-logout/nobody", &[("logout_token", &good)]).await.status, 404);
    assert_eq!(before.difference(&State::read(&server, &[]).await), Vec::<String>::new());
    assert_eq!(opened.alive(&server).await, [true; 3]);
    assert_eq!(send(&server, &good).await.status, 200, "the right one is good");
    assert_eq!(opened.alive(&server).await, [false; 3]);
}

#[tokio::test]
async fn a_token_that_may_say_less_or_more_is_good() {
    // BCI-01: `exp` became mandatory late; `typ` is checked where it is told.
    let (provider, _, server) = server_for("logout_all").await;
    for (header, claims) in [
        (json!({}), json!({})),
        (json!({ "typ": "JWT" }), json!({})),
        (json!({ "typ": "logout+jwt" }), json!({ "exp": null })),
        (json!({}), json!({ "aud": ["somebody-else", crate::support::identity_provider::CLIENT_ID] })),
    ] {
        let opened = open(&provider, &server, "SOMEDEVICE").await;
        let mut all = provider.logout_claims(json!({ "sid": opened.sid }));
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        all.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let answer = send(&server, &provider.sign(header, &all, Signing::Rs256)).await;
        assert_eq!(answer.status, 200, "{claims}: {}", answer.body);
        assert_eq!(opened.alive(&server).await, [false; 3], "{claims}");
    }
}

#[tokio::test]
async fn a_logout_token_is_good_once_on_all_replicas_for_as_long_as_it_could_come_again() {
    // BCI-01, INV-01, INV-16
    let (provider, _, server) = server_for("logout_all").await;
    let replica = server.replica(&[]).await;
    let token = provider.logout_token(json!({ "sub": SUBJECT }));
    let there = format!("{}{PATH}", replica.base);
    let places = [PATH, there.as_str()];
    let form = [("logout_token", token.as_str())];
    let answers = join_all((0..20).map(|n| server.post(places[n % 2], &form))).await;
    let winners = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(winners, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    // Who signed in again meanwhile stays.
    let opened = open(&provider, &server, "SOMEDEVICE").await;
    send(&server, &token).await.assert_error(400, "invalid_request");
    server.clock.advance(2 * MINUTE + 30_000);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    send(&server, &token).await.assert_error(400, "invalid_request");
    assert!(opened.browser.whoami().await.is_some());
    server.clock.advance(2 * DAY);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    let row: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM logout_tokens").one().await.unwrap();
    assert_eq!(row.0, 0, "what has expired is forgotten");
    send(&server, &token).await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_new_key_is_fetched_and_a_provider_that_is_away_is_asked_to_come_again() {
    // BCI-02, UPS-12
    let (provider, _, server) = server_for("logout_all").await;
    let opened = open(&provider, &server, "SOMEDEVICE").await;
    server.clock.advance(2 * MINUTE);
    provider.rotate();
    assert_eq!(send(&server, &provider.logout_token(json!({ "sid": opened.sid }))).await.status, 200);
    assert_eq!(opened.alive(&server).await, [false; 3]);

    let opened = open(&provider, &server, "SOMEDEVICE").await;
    server.clock.advance(2 * DAY);
    let token = provider.logout_token(json!({ "sid": opened.sid }));
    provider.fail(Fault::Trouble(Endpoint::Jwks, Trouble::Unreachable));
    let answer = send(&server, &token).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    provider.behave();
    assert_eq!(send(&server, &token).await.status, 200, "the token was not spent");
}

#[tokio::test]
async fn a_code_that_was_not_fetched_yet_is_worth_nothing_after_the_logout() {
    // BCI-03, TOK-01
    let (provider, _, server) = server_for("logout_browser_only").await;
    let browser = server.browser();
    browser.come_back_from(PROVIDER).await;
    let client_id = server.client().await;
    let code = browser.allow(&server.request(&client_id, "openid")).await;
    let sid = provider.last_login().sid;
    assert_eq!(send(&server, &provider.logout_token(json!({ "sid": sid }))).await.status, 200);
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
    assert!(REDIRECT_URI.starts_with("https://"));
}

#[tokio::test]
async fn without_the_store_no_logout_is_reported() {
    // INV-07, BCI-02
    let (provider, server) = server_with_alice(as_usual()).await;
    let token = provider.logout_token(json!({ "sub": SUBJECT }));
    let mut tx = server.app.db.write().await.unwrap();
    store::user::hold(&mut tx, &keymaker::domain::id::UserId::new("")).await.unwrap();
    tx.sql("ALTER TABLE logout_tokens RENAME TO logout_tokens_away").execute().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(send(&server, &token).await.status, 503);
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("ALTER TABLE logout_tokens_away RENAME TO logout_tokens").execute().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(send(&server, &token).await.status, 200);
}
