//! The browser's side of a sign-in through a provider (UPS-01 to UPS-03, UPS-10, UPS-14, WEB-14): what binds the way back to
//! this browser, this provider and this one time.

use std::collections::HashMap;

use futures_util::future::join_all;
use keymaker::clock::MINUTE;
use serde_json::json;

use super::{PROVIDER, SUBJECT, as_usual, server_with_alice};
use crate::browser::{available, components, is_told_elsewhere, run_script};
use crate::support::{
    CHALLENGE, REDIRECT_URI, Server,
    http::Answer,
    identity_provider::{CLIENT_ID, Endpoint, Fault, IdentityProvider},
    person::{Person, attribute, response_params},
    state::State,
};

impl Person {
    /// Sends the form of the page that a post from the provider's site leads to, as it stands.
    async fn submit_reposted(&self, page: &Answer) -> Answer {
        let form = page.body.split("<form").nth(1).unwrap().split("</form>").next().unwrap();
        let action = attribute(form, "action=\"").unwrap();
        let input = |field: &str| Some((attribute(field, "name=\"")?, attribute(field, "value=\"")?));
        let fields: Vec<(String, String)> = form.split("<input").skip(1).filter_map(input).collect();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.http.post(&action, &fields).await
    }
}

#[tokio::test]
async fn the_request_is_bound_to_this_browser_and_this_provider() {
    // UPS-01
    let (provider, server) = server_with_alice(as_usual()).await;
    let address = server.browser().leave_for(PROVIDER).await;
    assert!(address.starts_with(&format!("{}/authorize?", provider.issuer())), "{address}");
    let params = response_params(&address);
    let get = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    assert_eq!(get("response_type"), "code");
    assert_eq!(get("client_id"), CLIENT_ID);
    assert_eq!(get("redirect_uri"), format!("{}upstream/callback/{PROVIDER}", server.base));
    assert_eq!(get("scope"), "openid profile email");
    assert_eq!(get("code_challenge_method"), "S256");
    assert_eq!(get("code_challenge").len(), 43);
    assert!(get("state").len() >= 22 && get("nonce").len() >= 22, "{address}");
    let other = response_params(&server.browser().leave_for(PROVIDER).await);
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(params.get(name), other.get(name), "{name} is new each time");
    }
}

#[tokio::test]
async fn whoever_is_linked_is_signed_in_with_a_session_of_its_own() {
    // UPS-07, UPS-10
    let (_provider, server) = server_with_alice(as_usual()).await;
    let person = server.browser();
    let answer = person.come_back_from(PROVIDER).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let (first, _) = answer.set_cookie("keymaker_session").expect("a session");
    person.assert_signed_in_as("alice").await;
    let answer = person.come_back_from(PROVIDER).await;
    let (second, _) = answer.set_cookie("keymaker_session").expect("a session");
    assert_ne!(first, second, "no session is fixed");
    assert_eq!(server.browser_sessions().await, 1, "the one before ended");
}

#[tokio::test]
async fn the_way_back_is_good_in_the_browser_that_left_only() {
    // UPS-02
    let (provider, server) = server_with_alice(as_usual()).await;
    let (alice, mallory) = (server.browser(), server.browser());
    let address = alice.visit(PROVIDER).await;
    let before = State::read(&server, &[]).await;
    let without_cookies = server.http.get(&address).await;
    assert_eq!(without_cookies.status, 403, "{}", without_cookies.body);
    assert_eq!(without_cookies.set_cookie("keymaker_session"), None);
    // A browser that is known here, and has a trip of its own under way.
    mallory.leave_for(PROVIDER).await;
    let answer = mallory.get(&address).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(mallory.whoami().await, None);
    assert!(provider.requests(Endpoint::Token).is_empty(), "the code was not spent");
    let left = State::read(&server, &[]).await;
    let changes = before.difference(&left);
    assert!(changes.iter().all(|change| change.starts_with("+ upstream_trips")), "{changes:?}");
    // Nor can a stranger spoil it.
    assert_eq!(alice.get(&address).await.status, 303);
    alice.assert_signed_in_as("alice").await;
}

#[tokio::test]
async fn a_code_of_one_provider_is_not_taken_to_another() {
    // UPS-02: the mix-up of OAuth 2.0 Security BCP §4.4
    let (company, club) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let providers = [(&company, PROVIDER, as_usual()), (&club, "club", as_usual())];
    let server = Server::setup().providers(&providers).start().await;
    server.user("alice").await;
    server.link(PROVIDER, SUBJECT, "alice").await;
    server.link("club", SUBJECT, "alice").await;
    let alice = server.browser();
    let address = alice.visit(PROVIDER).await;
    // The other one is under way too.
    alice.leave_for("club").await;
    let answer = alice.get(&address.replace(&format!("callback/{PROVIDER}"), "callback/club")).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(alice.whoami().await, None);
    assert!(club.requests(Endpoint::Token).is_empty() && company.requests(Endpoint::Token).is_empty());
}

#[tokio::test]
async fn the_way_back_is_good_once() {
    // UPS-02, INV-01
    let (provider, server) = server_with_alice(as_usual()).await;
    let alice = server.browser();
    let address = alice.visit(PROVIDER).await;
    let answers = join_all((0..20).map(|_| alice.get(&address))).await;
    let winners = answers.iter().filter(|answer| answer.set_cookie("keymaker_session").is_some()).count();
    assert_eq!(winners, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    assert_eq!(provider.requests(Endpoint::Token).len(), 1);
    assert_eq!(server.browser_sessions().await, 1);
    let again = alice.get(&address).await;
    assert!((400..500).contains(&again.status), "{}", again.body);
    alice.assert_signed_in_as("alice").await;
}

#[tokio::test]
async fn the_way_back_is_good_for_half_an_hour() {
    // UPS-01, INV-15
    let (provider, server) = server_with_alice(as_usual()).await;
    let (early, late) = (server.browser(), server.browser());
    let (in_time, too_late) = (early.leave_for(PROVIDER).await, late.leave_for(PROVIDER).await);
    server.clock.advance(30 * MINUTE - 10_000);
    let answer = early.get(&in_time).await;
    assert_eq!(early.get(answer.location()).await.status, 303);
    early.assert_signed_in_as("alice").await;
    server.clock.advance(10_001);
    let answer = late.get(&too_late).await;
    let answer = late.get(answer.location()).await;
    answer.assert_page(400, "This sign-in is over");
    assert_eq!(late.whoami().await, None);
    assert_eq!(provider.requests(Endpoint::Token).len(), 1);
}

#[tokio::test]
async fn the_answer_comes_back_in_the_way_that_was_asked_for() {
    // UPS-02, UPS-03
    let (provider, server) = server_with_alice(as_usual()).await;
    let alice = server.browser();
    let address = alice.visit(PROVIDER).await;
    let (path, query) = address.split_once('?').unwrap();
    let params: HashMap<String, String> = response_params(&address);
    let form: Vec<(&str, &str)> = params.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert!(!query.is_empty());
    let posted = alice.http.post(path, &form).await;
    assert!((400..500).contains(&posted.status), "{}", posted.body);
    assert_eq!(alice.whoami().await, None);

    let other = IdentityProvider::start().await;
    let server =
        Server::setup().providers(&[(&other, PROVIDER, json!({ "response_mode": "form_post" }))]).start().await;
    server.user("alice").await;
    server.link(PROVIDER, SUBJECT, "alice").await;
    let alice = server.browser();
    let page = alice.get(&alice.leave_for(PROVIDER).await).await;
    let field = |name: &str| attribute(&page.body, &format!("name=\"{name}\" value=\"")).unwrap();
    let (code, state, iss) = (field("code"), field("state"), field("iss"));
    let form = [("code", code.as_str()), ("state", &state), ("iss", &iss)];
    let callback = format!("upstream/callback/{PROVIDER}");
    let in_the_address = alice.get(&format!("{callback}?{}", crate::support::person::encode(&form))).await;
    assert!((400..500).contains(&in_the_address.status), "{}", in_the_address.body);
    assert_eq!(alice.whoami().await, None);
    assert!(provider.requests(Endpoint::Token).is_empty() && other.requests(Endpoint::Token).is_empty());
}

#[tokio::test]
async fn a_form_that_comes_from_the_provider_without_our_cookies_finds_its_browser() {
    // UPS-03, TRP-18
    let provider = IdentityProvider::start().await;
    let more = json!({ "response_mode": "form_post" });
    let server = Server::setup().providers(&[(&provider, PROVIDER, more)]).start().await;
    server.user("alice").await;
    server.link(PROVIDER, SUBJECT, "alice").await;
    let (alice, mallory) = (server.browser(), server.browser());
    let page = alice.get(&alice.leave_for(PROVIDER).await).await;
    let field = |name: &str| attribute(&page.body, &format!("name=\"{name}\" value=\"")).unwrap();
    let (code, state, iss) = (field("code"), field("state"), field("iss"));
    let form = [("code", code.as_str()), ("state", &state), ("iss", &iss)];
    let callback = format!("upstream/callback/{PROVIDER}");
    // What a browser sends across sites has no Lax cookies.
    let between = server.http.post(&callback, &form).await;
    assert_eq!(between.status, 200, "{}", between.body);
    assert_eq!(between.set_cookie("keymaker_browser"), None, "the browser keeps the cookie that it has");
    assert!(provider.requests(Endpoint::Token).is_empty());
    // The page posts to itself; somebody else's browser gets nowhere with it.
    let stolen = mallory.submit_reposted(&between).await;
    assert!((400..500).contains(&stolen.status), "{}", stolen.body);
    assert_eq!(mallory.whoami().await, None);
    let answer = alice.submit_reposted(&between).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    alice.assert_signed_in_as("alice").await;
}

#[tokio::test]
async fn two_tabs_come_back_each_to_what_it_left_for() {
    // WEB-14
    let (_provider, server) = server_with_alice(as_usual()).await;
    let client_id = server.client().await;
    let alice = server.browser();
    let request = |state: &'static str| {
        let client_id = client_id.clone();
        vec![
            ("response_type", "code".to_owned()),
            ("client_id", client_id),
            ("redirect_uri", REDIRECT_URI.to_owned()),
            ("scope", "openid".to_owned()),
            ("state", state.to_owned()),
            // What was allowed in one tab is not asked in the other.
            ("prompt", "consent".to_owned()),
            ("code_challenge", CHALLENGE.to_owned()),
            ("code_challenge_method", "S256".to_owned()),
        ]
    };
    let mut tabs = Vec::new();
    for state in ["one", "two"] {
        let request = request(state);
        let request: Vec<(&str, &str)> = request.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (_, login) = alice.arrive(&request).await;
        let start = attribute(&login.body, "href=\"/upstream/authorize/").expect("a way to the provider");
        tabs.push((state, alice.visit(&start).await));
    }
    // The second comes back first.
    for (state, address) in tabs.into_iter().rev() {
        let answer = alice.get(&address).await;
        let (path, page) = alice.open(answer.location()).await;
        assert!(path.contains("/consent/"), "{path} {}", page.body);
        let answer = alice.submit(&page, &[("action", "allow")]).await;
        let params = response_params(answer.location());
        assert_eq!(params.get("state").map(String::as_str), Some(state));
        assert!(params.contains_key("code"));
    }
}

#[tokio::test]
async fn nobody_comes_back_from_a_provider_that_was_switched_off_meanwhile() {
    // UPS-14
    let (provider, server) = server_with_alice(as_usual()).await;
    let alice = server.browser();
    let address = alice.visit(PROVIDER).await;
    let config = json!([provider.config(PROVIDER, json!({ "enabled": false }))]).to_string();
    let replica = server.replica(&[("upstream_oauth2.providers", &config)]).await;
    let answer = alice.get(&replica.instead_of(&server, &address)).await;
    assert!((400..500).contains(&answer.status), "{}", answer.body);
    assert_eq!(alice.whoami().await, None);
    assert!(provider.requests(Endpoint::Token).is_empty());
    let answer = alice.get(&format!("{}upstream/authorize/{PROVIDER}", replica.base)).await;
    assert!((400..500).contains(&answer.status), "{}", answer.body);
    // Where it is still on, it still goes.
    assert_eq!(alice.get(&address).await.status, 303);
    alice.assert_signed_in_as("alice").await;
}

#[tokio::test]
async fn whoever_may_not_sign_in_is_told_after_the_provider_named_them() {
    // INV-05, UPS-07
    let (_provider, server) = server_with_alice(as_usual()).await;
    keymaker::flows::manage::set_locked(&server.app, "alice", true).await.unwrap();
    let person = server.browser();
    let answer = person.come_back_from(PROVIDER).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!((person.whoami().await, server.browser_sessions().await), (None, 0));
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_no_page() {
    let (_provider, server) = server_with_alice(as_usual()).await;
    for path in ["upstream/authorize/nobody", "upstream/callback/nobody?code=1&state=2"] {
        let answer = server.browser().get(path).await;
        assert!((400..500).contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
    }
}

#[tokio::test]
async fn the_state_and_the_code_are_nowhere_but_with_their_owners() {
    // INV-03, CMN-15: the audit of the server looks for them when it is dropped; this is what it has to find.
    let (provider, server) = server_with_alice(json!({ "fetch_userinfo": true })).await;
    let alice = server.browser();
    alice.come_back_from(PROVIDER).await;
    let login = provider.last_login();
    server.audit.look_for_secrets(&login.access_token);
    server.audit.secret(&login.id_token);
    provider.fail(Fault::Trouble(Endpoint::Token, crate::support::identity_provider::Trouble::InternalError));
    assert_eq!(server.browser().come_back_from(PROVIDER).await.status, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_another_site_signs_somebody_in_in_chromium_with_lax_cookies() {
    // UPS-03, TRP-18
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let provider = IdentityProvider::start().await;
    // Another host is another site; another port is not.
    let elsewhere = provider.issuer().replace("127.0.0.1", "localhost");
    let more = json!({ "response_mode": "form_post", "authorization_endpoint": format!("{elsewhere}/authorize") });
    let server = Server::setup().providers(&[(&provider, PROVIDER, more)]).start().await;
    server.user("alice").await;
    server.link(PROVIDER, SUBJECT, "alice").await;
    let variables = [("KEYMAKER_BASE", server.base.as_str()), ("PROVIDER_ORIGIN", &elsewhere)];
    tokio::task::block_in_place(|| run_script("browser/story_form_post.mjs", &variables));
}
