//! The end of a session that an application asks for (RPL-01 to RPL-05): the eleven modules of the conformance plan, each by
//! its name, and what else can be wrong.

use keymaker::{clock::DAY, flows::manage};
use serde_json::{Value, json};

use super::{PROFILE, confirm, id_token, verify, wiki};
use crate::support::{
    MATRIX_SCOPE, Server, Tokens, claims_of,
    http::Answer,
    identity_provider::IdentityProvider,
    person::{Person, encode},
    relying_party::RelyingParty,
};

/// The endpoint, as it is found.
async fn endpoint(server: &Server) -> String {
    let metadata = server.get(".well-known/openid-configuration").await.json();
    metadata["end_session_endpoint"].as_str().unwrap().to_owned()
}

impl Person {
    async fn end_session(&self, server: &Server, params: &[(&str, &str)]) -> Answer {
        self.get(&format!("{}?{}", endpoint(server).await, encode(params))).await
    }
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_discovery_endpoint_verification() {
    let server = Server::start().await;
    assert_eq!(endpoint(&server).await, server.url("oauth2/logout"));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout() {
    // RPL-01, RPL-02, RPL-05: with the ID token of this login nobody is asked.
    let (wiki, server, alice, tokens) = wiki().await;
    let (uri, state) = (wiki.signed_out(), "s".repeat(128));
    let params = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", &uri), ("state", &state)];
    let answer = alice.end_session(&server, &params).await;
    assert_eq!((answer.status, answer.location()), (303, format!("{uri}?state={state}").as_str()));
    let (value, attributes) = answer.set_cookie("keymaker_session").unwrap();
    assert!(value.is_empty() && attributes.contains("Max-Age=0"), "{attributes}");
    assert_eq!(alice.whoami().await, None);
    assert_eq!(alice.silent_error(&server, wiki.client_id).await, "login_required");
    // Once more, with nobody there: it is done, so the way goes on.
    assert_eq!(alice.end_session(&server, &params).await.location(), format!("{uri}?state={state}"));
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_post_logout_redirect_uri() {
    let (wiki, server, alice, tokens) = wiki().await;
    let hint = id_token(&tokens);
    for uri in
        ["https://evil.example/", &wiki.signed_out()[..20], &format!("{}/", wiki.signed_out()), "x", "javascript:1"]
    {
        let params = [("id_token_hint", hint), ("post_logout_redirect_uri", uri), ("state", "x")];
        let question = alice.end_session(&server, &params).await;
        question.assert_page(200, "Sign out?");
        assert!(!question.body.contains("Afterwards you go back"), "{uri}: {}", question.body);
    }
    let params = [("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")];
    let question = alice.end_session(&server, &params).await;
    let answer = confirm(&alice, &question).await;
    answer.assert_page(200, "You are signed out");
    assert!(!answer.body.contains("evil.example"), "{}", answer.body);
    alice.end_session(&server, &params).await.assert_page(200, "You are signed out");
}

/// The same ID token without its signature, which says so.
fn unsigned(id_token: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    format!("{header}.{}.", id_token.split('.').nth(1).unwrap())
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_modified_id_token_hint() {
    // The header says `none`, or the claims were changed, or the signature.
    let (wiki, server, alice, tokens) = wiki().await;
    let hint = id_token(&tokens);
    let other = wiki.log_in(&server, &alice, PROFILE).await;
    let parts: Vec<&str> = hint.split('.').collect();
    let other: Vec<&str> = id_token(&other).split('.').collect();
    let mixed = format!("{}.{}.{}", parts[0], parts[1], other[2]);
    let bare = format!("{}.{}.", parts[0], parts[1]);
    refuses_hints(&wiki, &server, &alice, &[&unsigned(hint), &mixed, &bare, parts[1], "x", &"x".repeat(9000)]).await;
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_bad_id_token_hint() {
    // Signed by another key, under our issuer and a key id of ours.
    let (wiki, server, alice, tokens) = wiki().await;
    let (header, claims) = verify(&server, id_token(&tokens)).await;
    let provider = IdentityProvider::start().await;
    let sign = |header: Value, claims: &Value| {
        provider.sign(header, claims, crate::support::identity_provider::Signing::Rs256)
    };
    let ours = json!({ "kid": header["kid"], "typ": "JWT" });
    let hints = [sign(ours, &claims), sign(json!({}), &claims), tokens["access_token"].as_str().unwrap().to_owned()];
    refuses_hints(&wiki, &server, &alice, &hints.each_ref().map(String::as_str)).await;
}

/// None of these is a hint: there is a question, and no redirect after it.
async fn refuses_hints(wiki: &RelyingParty, server: &Server, alice: &Person, hints: &[&str]) {
    let uri = wiki.signed_out();
    for hint in hints {
        for client_id in [None, Some(wiki.client_id)] {
            let mut params = vec![("id_token_hint", *hint), ("post_logout_redirect_uri", &uri), ("state", "x")];
            params.extend(client_id.map(|id| ("client_id", id)));
            let question = alice.end_session(server, &params).await;
            assert!(confirm(alice, &question).await.header("location").is_none(), "{hint}");
            assert_eq!(alice.end_session(server, &params).await.status, 200, "{hint}");
            alice.sign_in("alice").await;
        }
    }
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_id_token_hint() {
    // TRP-41: not even with a `client_id`, which anybody can write.
    let (wiki, server, alice, _) = wiki().await;
    let uri = wiki.signed_out();
    let params = [("post_logout_redirect_uri", uri.as_str()), ("state", "x"), ("client_id", wiki.client_id)];
    let question = alice.end_session(&server, &params).await;
    question.assert_page(200, "The the-wiki");
    confirm(&alice, &question).await.assert_page(200, "You are signed out");
    alice.end_session(&server, &params[..2]).await.assert_page(200, "You are signed out");
    assert_eq!(alice.silent_error(&server, wiki.client_id).await, "login_required");
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_params() {
    // RPL-03
    let (wiki, server, alice, _) = wiki().await;
    let question = alice.end_session(&server, &[]).await;
    question.assert_page(200, "@alice:localhost");
    confirm(&alice, &question).await.assert_page(200, "You are signed out");
    assert_eq!(alice.silent_error(&server, wiki.client_id).await, "login_required");
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_post_logout_redirect_uri() {
    let (wiki, server, alice, tokens) = wiki().await;
    let params = [("id_token_hint", id_token(&tokens)), ("state", "x")];
    alice.end_session(&server, &params).await.assert_page(200, "You are signed out");
    assert_eq!(alice.silent_error(&server, wiki.client_id).await, "login_required");
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_no_state() {
    let (wiki, server, alice, tokens) = wiki().await;
    let uri = wiki.signed_out();
    let params = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", &uri)];
    assert_eq!(alice.end_session(&server, &params).await.location(), uri);
    assert_eq!(alice.silent_error(&server, wiki.client_id).await, "login_required");
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_only_state() {
    // RPL-03
    let (wiki, server, alice, _) = wiki().await;
    let question = alice.end_session(&server, &[("state", "x")]).await;
    confirm(&alice, &question).await.assert_page(200, "You are signed out");
    assert_eq!(alice.silent_error(&server, wiki.client_id).await, "login_required");
}

#[tokio::test]
async fn oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri() {
    let (wiki, server, alice, tokens) = wiki().await;
    let uri = format!("{}?foo=bar", wiki.signed_out());
    let params = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", &uri), ("state", "x")];
    let question = alice.end_session(&server, &params).await;
    confirm(&alice, &question).await.assert_page(200, "You are signed out");
}

#[tokio::test]
async fn a_form_of_the_application_does_the_same_as_its_link() {
    // RPL: GET and POST. The form comes from another site, without cookies, and the redirect brings them.
    let (wiki, server, alice, tokens) = wiki().await;
    let uri = wiki.signed_out();
    let form = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", &uri), ("state", "a b&c")];
    let endpoint = endpoint(&server).await;
    let request = server.http.client.post(&endpoint).header("sec-fetch-site", "cross-site").form(&form);
    let answer = server.http.send(request).await;
    assert_eq!(answer.status, 303);
    assert!(alice.whoami().await.is_some());
    assert_eq!(alice.get(answer.location()).await.location(), format!("{uri}?state=a+b%26c"));
    assert_eq!(alice.whoami().await, None);
}

#[tokio::test]
async fn the_id_token_of_somebody_else_signs_nobody_out_unasked() {
    // RPL-01: of user A while B is signed in, of another login of the same person, and of another client than it says.
    let (wiki, server, alice, tokens) = wiki().await;
    server.user("bob").await;
    let (bob, elsewhere) = (server.browser(), server.browser());
    bob.sign_in("bob").await;
    elsewhere.sign_in("alice").await;
    let uri = wiki.signed_out();
    let params = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", &uri), ("state", "x")];
    let question = bob.end_session(&server, &params).await;
    question.assert_page(200, "@bob:localhost");
    assert!(!question.body.contains("alice"), "{}", question.body);
    let question_elsewhere = elsewhere.end_session(&server, &params).await;
    question_elsewhere.assert_page(200, "Afterwards you go back to the-wiki.example.");
    let mismatch = [params.as_slice(), &[("client_id", "another")]].concat();
    let question_here = alice.end_session(&server, &mismatch).await;
    assert!(!question_here.body.contains("Afterwards you go back"), "{}", question_here.body);
    for person in [&bob, &elsewhere, &alice] {
        assert!(person.whoami().await.is_some());
    }
    // Whoever says yes is signed out, and the ID token shows who asked; without one that fits, nobody is sent on.
    assert_eq!(confirm(&bob, &question).await.location(), format!("{uri}?state=x"));
    assert_eq!(confirm(&elsewhere, &question_elsewhere).await.location(), format!("{uri}?state=x"));
    assert!(alice.whoami().await.is_some());
    confirm(&alice, &question_here).await.assert_page(200, "You are signed out");
}

#[tokio::test]
async fn an_old_id_token_and_one_of_a_login_that_was_renewed_are_good() {
    // HNT-01: expired; and whoever signed in again as the same person is in the same login still.
    let (wiki, server, alice, tokens) = wiki().await;
    server.clock.advance(DAY);
    let page = alice.get("login?switch=1").await;
    assert_eq!(alice.enter_password_at(&page, "alice").await.status, 303);
    let uri = wiki.signed_out();
    let params = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", uri.as_str())];
    assert_eq!(alice.end_session(&server, &params).await.location(), uri);
    assert_eq!(alice.whoami().await, None);
}

#[tokio::test]
async fn what_is_no_request_is_an_error_and_nobody_is_signed_out() {
    // CMN-03, CMN-14, INV-17
    let (wiki, server, alice, tokens) = wiki().await;
    let (hint, uri, long) = (id_token(&tokens), wiki.signed_out(), "x".repeat(2049));
    let requests: [&[(&str, &str)]; 5] = [
        &[("id_token_hint", hint), ("id_token_hint", hint)],
        &[("id_token_hint", hint), ("state", "x"), ("state", "x")],
        &[("id_token_hint", hint), ("post_logout_redirect_uri", &uri), ("state", &long)],
        &[("id_token_hint", hint), ("post_logout_redirect_uri", &uri), ("state", "a\nb")],
        &[("id_token_hint", hint), ("post_logout_redirect_uri", &long)],
    ];
    for params in requests {
        alice.end_session(&server, params).await.assert_page(400, "");
        assert!(alice.whoami().await.is_some(), "{params:?}");
    }
    // An empty parameter was not sent, and others are ignored (CMN-04).
    let params = [("id_token_hint", hint), ("post_logout_redirect_uri", ""), ("logout_hint", "alice"), ("foo", "bar")];
    alice.end_session(&server, &params).await.assert_page(200, "You are signed out");
}

#[tokio::test]
async fn the_matrix_devices_stay_and_what_knew_only_of_this_login_ends() {
    // RPL-04, DEC-15, TRP-42, OIDC Core §11
    let (wiki, server, alice, tokens) = wiki().await;
    let wiki_tokens = wiki.tokens(&tokens);
    let offline = wiki.tokens(&wiki.log_in(&server, &alice, "openid offline_access").await);
    let client_id = server.client().await;
    let code = alice.allow(&server.request(&client_id, MATRIX_SCOPE)).await;
    let matrix = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let other = wiki.tokens(&wiki.log_in(&server, &elsewhere, PROFILE).await);

    assert_eq!(alice.end_session(&server, &[("id_token_hint", id_token(&tokens))]).await.status, 200);
    assert!(!wiki.can_refresh(&server, &wiki_tokens.refresh).await);
    assert!(wiki.can_refresh(&server, &offline.refresh).await, "it may act while nobody is there");
    assert!(server.is_active(&matrix.access).await, "the keys of a device are not lost by signing out of a wiki");
    assert!(wiki.can_refresh(&server, &other.refresh).await, "another browser is another login");
    assert!(elsewhere.whoami().await.is_some());
}

#[tokio::test]
async fn whoever_wants_to_signs_out_everywhere_and_shows_who_they_are_first() {
    // RPL-04, DEV-11, INV-06
    let (wiki, server, alice, tokens) = wiki().await;
    let matrix = server.log_in("alice", MATRIX_SCOPE).await;
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let question = alice.end_session(&server, &[("client_id", wiki.client_id)]).await;
    assert!(!question.body.contains("checked"), "it is no default: {}", question.body);
    let answer = alice.submit(&question, &[("everywhere", "yes")]).await;
    assert_eq!(answer.location(), "/account/confirm?act=sign-out-everywhere");
    assert!(alice.whoami().await.is_some() && server.is_active(&matrix.access).await, "not yet");
    let page = alice.get(answer.location()).await;
    page.assert_page(200, "Sign out everywhere");
    assert_eq!(alice.submit(&page, &[("password", "wrong")]).await.status, 403);
    let answer = alice.submit(&page, &[("password", crate::support::PASSWORD)]).await;
    answer.assert_page(200, "Nobody is signed in to your account any more");
    assert!(answer.set_cookie("keymaker_session").unwrap().0.is_empty());
    assert_eq!((alice.whoami().await, elsewhere.whoami().await), (None, None));
    assert!(!server.is_active(&matrix.access).await);
    assert!(!wiki.can_refresh(&server, &wiki.tokens(&tokens).refresh).await);
}

#[tokio::test]
async fn an_account_that_is_locked_is_nobody_here() {
    let (wiki, server, alice, tokens) = wiki().await;
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    let uri = wiki.signed_out();
    let params = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", uri.as_str())];
    assert_eq!(alice.end_session(&server, &params).await.location(), uri);
}

#[tokio::test]
async fn sid_is_the_login_of_the_browser_and_the_same_for_all_that_it_opens() {
    let (wiki, server, alice, tokens) = wiki().await;
    let sid = claims_of(id_token(&tokens))["sid"].clone();
    assert!(sid.is_string());
    let again = wiki.log_in(&server, &alice, "openid").await;
    assert_eq!(claims_of(id_token(&again))["sid"], sid);
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let other = wiki.log_in(&server, &elsewhere, "openid").await;
    assert_ne!(claims_of(id_token(&other))["sid"], sid);
}
