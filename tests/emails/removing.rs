//! Removing an address.

use std::sync::Arc;

use super::{server, signed_in};
use crate::support::{Server, eventually, homeserver::FakeHomeserver, smtp::SmtpSink};

#[tokio::test]
async fn a_removed_address_is_gone_and_hears_of_it() {
    // ACT-07, WEB-17
    let (sink, homeserver) = (SmtpSink::start(), Arc::new(FakeHomeserver::default()));
    let setup = Server::setup().mail(&sink).homeserver(homeserver.clone());
    let server = setup.with("account.login_with_email_allowed", "true").start().await;
    server.user_with_address("alice", "alice@example.com").await;
    let browser = server.browser();
    browser.sign_in("alice@example.com").await;
    sink.mail_to("alice@example.com").await;
    let id = server.address_id("alice@example.com").await;
    let page = browser.get("account/emails").await;
    assert!(page.body.contains(&format!("/account/confirm?act=remove-email&#38;target={id}")), "{}", page.body);
    browser.confirm_page("remove-email", Some(&id)).await.assert_page(200, "alice@example.com");
    assert_eq!(server.addresses("alice").await.len(), 1, "looking changes nothing");

    let provisions = || homeserver.calls().iter().filter(|call| call.starts_with("provision alice ")).count();
    let before = provisions();
    let answer = browser.act("remove-email", Some(&id), None).await;
    browser.get(answer.location()).await.assert_page(200, "The address was removed.");
    assert!(server.addresses("alice").await.is_empty());
    assert!(sink.nth_mail_to("alice@example.com", 2).await.subject().contains("An e-mail address was removed"));
    eventually("the homeserver knows", async || provisions() > before).await;
    let elsewhere = server.browser();
    let (_, login) = elsewhere.open("login").await;
    let fields = [("username", "alice@example.com"), ("password", crate::support::PASSWORD)];
    assert_eq!(elsewhere.submit(&login, &fields).await.status, 401, "nobody signs in with it");
}

#[tokio::test]
async fn nobody_removes_or_sees_the_address_of_somebody_else() {
    // INV-06, ACT-06
    let (_sink, server) = server().await;
    server.user_with_address("bob", "bob@example.com").await;
    let alice = signed_in(&server, "alice").await;
    let id = server.address_id("bob@example.com").await;
    for target in [id.as_str(), "nothing", ""] {
        let answer = alice.get(&format!("account/confirm?act=remove-email&target={target}")).await;
        answer.assert_page(404, "There is nothing here");
    }
    assert_eq!(server.addresses("bob").await.len(), 1);
}
