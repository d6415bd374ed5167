//! The linked accounts of a person: linking, unlinking, and showing at a provider who is there.

use serde_json::json;

use super::{PROVIDER, SUBJECT, as_usual, server_with, server_with_alice};
use crate::support::{PASSWORD, Server, identity_provider::IdentityProvider, person::attribute};

#[tokio::test]
async fn an_account_is_linked_on_a_fresh_proof_and_signs_in_afterwards() {
    // UPS-07
    let (_provider, server) = server_with(as_usual()).await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let page = browser.get("account/security").await;
    page.assert_page(200, "Link The company");
    let page = browser.get(&format!("account/confirm?act=link-provider&target={PROVIDER}")).await;
    let leave = browser.submit(&page, &[("password", PASSWORD)]).await;
    leave.assert_page(200, "http-equiv=\"refresh\"");
    let href = attribute(&leave.body, "class=\"button\" href=\"").unwrap();
    let away = browser.get(&href).await;
    assert_eq!(away.status, 303, "{}", away.body);
    let back = browser.get(away.location()).await;
    let done = browser.get(back.location()).await;
    assert_eq!(done.location(), "/account/security?done=link-provider", "{}", done.body);
    assert_eq!(server.links().await, [(PROVIDER.to_owned(), SUBJECT.to_owned(), "alice".to_owned())]);
    assert_eq!(browser.get(&href).await.status, 403, "the proof is used up");
    let other = server.browser();
    other.come_back_from(PROVIDER).await;
    other.assert_signed_in_as("alice").await;
}

#[tokio::test]
async fn what_is_linked_to_somebody_else_is_linked_to_nobody_else() {
    // UPS-07
    let (_provider, server) = server_with_alice(as_usual()).await;
    server.user("bob").await;
    let browser = server.browser();
    browser.sign_in("bob").await;
    let page = browser.get(&format!("account/confirm?act=link-provider&target={PROVIDER}")).await;
    let leave = browser.submit(&page, &[("password", PASSWORD)]).await;
    let away = browser.get(&attribute(&leave.body, "class=\"button\" href=\"").unwrap()).await;
    let back = browser.get(away.location()).await;
    browser.get(back.location()).await.assert_page(403, "belongs to another account here");
    assert_eq!(server.links().await, [(PROVIDER.to_owned(), SUBJECT.to_owned(), "alice".to_owned())]);
}

#[tokio::test]
async fn the_last_way_in_is_not_unlinked() {
    // UPS-11
    let (_provider, server) = server_with(json!({ "confirm_without_auth_time": true })).await;
    let browser = server.browser();
    let answer = browser.come_back_from(PROVIDER).await;
    let page = browser.get(answer.location()).await;
    browser.submit(&page, &[("username", "alice"), ("display_name", "")]).await;
    let security = browser.get("account/security").await;
    let unlink = attribute(&security.body, "<a href=\"/account/confirm?act=unlink-provider").unwrap();
    let page = browser.get(&format!("account/confirm?act=unlink-provider{unlink}")).await;
    // No password and no passkey: the provider itself says who is there.
    let href = attribute(&page.body, "class=\"button secondary\" href=\"").unwrap();
    let away = browser.get(&href).await;
    assert!(away.location().contains("prompt=login") && away.location().contains("max_age=0"), "{}", away.location());
    let back = browser.get(away.location()).await;
    let confirmed = browser.get(back.location()).await;
    assert!(confirmed.location().contains("&proof="), "{} {}", confirmed.status, confirmed.body);
    let page = browser.get(confirmed.location()).await;
    page.assert_page(200, "You have shown that it is you.");
    let answer = browser.submit(&page, &[]).await;
    assert_eq!(answer.status, 403, "{}", answer.body);
    assert_eq!(server.links().await.len(), 1);
}

#[tokio::test]
async fn without_passwords_the_form_vanishes_and_the_only_provider_is_gone_to_unless_somebody_signed_out() {
    // UPS-13
    let provider = IdentityProvider::start().await;
    let setup = Server::setup().providers(&[(&provider, PROVIDER, as_usual())]);
    let setup = setup.with("passwords.enabled", "false").with("account.password_registration_enabled", "false");
    let server = setup.start().await;
    keymaker::flows::manage::register_user(&server.app, "alice", None, None, false).await.unwrap();
    server.link(PROVIDER, SUBJECT, "alice").await;
    let browser = server.browser();
    browser.get("login").await.assert_page(200, "http-equiv=\"refresh\"");
    let page = browser.get("login?stay=1").await;
    page.assert_page(200, "Continue with The company");
    assert!(!page.body.contains("type=\"password\""), "{}", page.body);
    browser.come_back_from(PROVIDER).await;
    let page = browser.get("logout").await;
    browser.submit(&page, &[]).await.assert_page(200, "");
    let page = browser.get("login").await;
    assert!(!page.body.contains("http-equiv"), "{}", page.body);
    assert!(browser.leave_for(PROVIDER).await.contains("prompt=login"));
    browser.come_back_from(PROVIDER).await;
    browser.assert_signed_in_as("alice").await;
    assert!(!browser.leave_for(PROVIDER).await.contains("prompt=login"), "a sign-in forgets the sign-out");
    drop(provider);
}

#[tokio::test]
async fn older_clients_are_told_the_providers_and_lead_straight_to_one() {
    // SSO-01, CMP-01
    let (_provider, server) = server_with_alice(as_usual()).await;
    let flows = server.get("/_matrix/client/v3/login").await.json();
    let sso = flows["flows"].as_array().unwrap().iter().find(|flow| flow["type"] == "m.login.sso").unwrap();
    assert_eq!(sso["identity_providers"], json!([{ "id": PROVIDER, "name": "The company" }]));
    let browser = server.browser();
    let answer = browser
        .get(&format!("/_matrix/client/v3/login/sso/redirect/{PROVIDER}?redirectUrl=https://app.example.com/"))
        .await;
    let (path, away) = browser.open(answer.location()).await;
    assert!(path.contains(&format!("/upstream/authorize/{PROVIDER}?sso=")), "{path}");
    let back = browser.get(away.location()).await;
    let (path, page) = browser.open(back.location()).await;
    assert!(path.contains("/sso/"), "{path} {}", page.body);
    let unknown = "/_matrix/client/v3/login/sso/redirect/unknown?redirectUrl=https://app.example.com/";
    assert_eq!(browser.get(unknown).await.status, 404);
}
