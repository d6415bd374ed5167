//! The pages of signing out when an application asks, with a provider behind the login (BCI-04), and in the reader's language.

use serde_json::json;

use super::{PROFILE, id_token, wiki};
use crate::support::{
    Server,
    identity_provider::IdentityProvider,
    person::{attribute, encode},
    relying_party::RelyingParty,
};

#[tokio::test]
async fn the_provider_is_still_offered_and_the_way_back_to_the_application_with_it() {
    // BCI-04, RPL-05
    let (wiki, provider) = (RelyingParty::start("the-wiki").await, IdentityProvider::start().await);
    let setup = Server::setup().providers(&[(&provider, "company", json!({ "logout_at_provider": true }))]);
    let server = setup.clients(&[wiki.config(json!({}))]).start().await;
    server.user("alice").await;
    server.link("company", "alice-at-the-provider", "alice").await;
    let alice = server.browser();
    alice.come_back_from("company").await;
    let tokens = wiki.log_in(&server, &alice, PROFILE).await;
    let uri = wiki.signed_out();
    let params = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", uri.as_str()), ("state", "x")];
    let page = alice.get(&format!("oauth2/logout?{}", encode(&params))).await;
    page.assert_page(200, "You may still be signed in at");
    assert_eq!(alice.whoami().await, None);
    assert!(page.body.contains(&format!("{}/end_session", provider.issuer())), "{}", page.body);
    assert!(attribute(&page.body, &format!("href=\"{uri}?state")).is_some(), "{}", page.body);
    // The login page does not lead to the provider by itself, which would sign in at once.
    alice.get("login").await.assert_page(200, "");
}

#[tokio::test]
async fn the_question_is_asked_in_the_language_that_the_application_wants() {
    let (_wiki, _server, alice, _) = wiki().await;
    let page = alice.get("oauth2/logout?ui_locales=fr&client_id=the-wiki").await;
    page.assert_page(200, "<html lang=\"fr\">");
    let answer = alice.submit(&page, &[("ui_locales", "fr")]).await;
    answer.assert_page(200, "<html lang=\"fr\">");
    assert!(page.body.contains("name=\"ui_locales\" value=\"fr\""), "the question carries it on: {}", page.body);
}

#[tokio::test]
async fn the_question_lets_its_form_end_where_the_application_waits_and_nowhere_else() {
    // WEB-03, TRP-17
    let (wiki, server, alice, tokens) = wiki().await;
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let uri = wiki.signed_out();
    let mut params = vec![("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", uri.as_str())];
    let csp = async |params: &[(&str, &str)]| {
        let page = elsewhere.get(&format!("oauth2/logout?{}", encode(params))).await;
        page.assert_page(200, "Sign out?");
        page.header("content-security-policy").unwrap().to_owned()
    };
    assert!(csp(&params).await.contains("form-action 'self' https://the-wiki.example;"));
    params[1].1 = "https://evil.example/";
    assert!(csp(&params).await.contains("form-action 'self';"));
    assert!(alice.whoami().await.is_some());
}

#[tokio::test]
async fn what_an_application_calls_itself_is_text() {
    let wiki = RelyingParty::start("the-wiki").await;
    let config = wiki.config(json!({ "client_name": "<script>alert(1)</script>" }));
    let server = Server::setup().clients(&[config]).start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let hostile = "\"><script>alert(1)</script>";
    let query = encode(&[("client_id", "the-wiki"), ("state", hostile), ("id_token_hint", hostile)]);
    let page = alice.get(&format!("oauth2/logout?{query}")).await;
    page.assert_page(200, "Sign out?");
    assert!(!page.body.contains("<script>"), "{}", page.body);
}
