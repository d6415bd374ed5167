//! A provider that hangs hurts nobody but whoever signs in through it (UPS-04, UPS-12).

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use tokio::task::JoinSet;

use super::{PROVIDER, SUBJECT, as_usual};
use crate::support::{
    MATRIX_SCOPE, Server, eventually,
    identity_provider::{Endpoint, Fault, IdentityProvider, Trouble},
};

const CROWD: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn while_fifty_logins_hang_at_one_provider_everything_else_goes_on() {
    // Judged by who is done first, not by time: all that is below is done while the fifty still hang.
    let (company, club) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let providers = [(&company, PROVIDER, as_usual()), (&club, "club", as_usual())];
    let server = Arc::new(Server::setup().providers(&providers).start().await);
    server.user("alice").await;
    server.user("bob").await;
    server.link("club", SUBJECT, "bob").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;

    let mut addresses = Vec::new();
    for _ in 0..CROWD {
        let person = server.browser();
        let address = person.visit(PROVIDER).await;
        addresses.push((person, address));
    }
    company.fail(Fault::Trouble(Endpoint::Token, Trouble::Hangs));
    let answered = Arc::new(AtomicUsize::new(0));
    let mut crowd = JoinSet::new();
    for (person, address) in addresses {
        let answered = answered.clone();
        crowd.spawn(async move {
            let answer = person.get(&address).await;
            answered.fetch_add(1, Ordering::SeqCst);
            answer
        });
    }
    eventually("the crowd at the provider", async || company.hanging() >= 10).await;
    let before = answered.load(Ordering::SeqCst);

    let alice = server.browser();
    alice.sign_in("alice").await;
    alice.assert_signed_in_as("alice").await;
    let bob = server.browser();
    assert_eq!(bob.come_back_from("club").await.status, 303);
    bob.assert_signed_in_as("bob").await;
    assert!(server.is_active(&tokens.access).await);
    assert_eq!(server.refresh(&tokens).await.status, 200);
    let hanging = company.hanging();
    assert!(hanging >= 10 && answered.load(Ordering::SeqCst) < CROWD, "{hanging} hang, {before} had been answered");

    // The limit in time ends each of them with a page that says what to do.
    let mut refused = 0;
    while let Some(answer) = crowd.join_next().await {
        let answer = answer.unwrap();
        assert!(matches!(answer.status, 502 | 503), "{} {}", answer.status, answer.body);
        assert_eq!(answer.set_cookie("keymaker_session"), None);
        refused += 1;
    }
    assert_eq!(refused, CROWD);
    eventually("the end of the requests", async || company.hanging() == 0).await;
    company.behave();
    server.link(PROVIDER, SUBJECT, "alice").await;
    assert_eq!(server.browser().come_back_from(PROVIDER).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_whose_metadata_hang_keeps_only_its_own_visitors() {
    let (company, club) = (IdentityProvider::start().await, IdentityProvider::start().await);
    let providers = [(&company, PROVIDER, as_usual()), (&club, "club", json!({}))];
    let server = Arc::new(Server::setup().providers(&providers).start().await);
    server.user("bob").await;
    server.link("club", SUBJECT, "bob").await;
    company.fail(Fault::Trouble(Endpoint::Discovery, Trouble::Hangs));
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let person = server.browser();
        crowd.spawn(async move { person.get(&format!("upstream/authorize/{PROVIDER}")).await });
    }
    eventually("the crowd at the provider", async || company.hanging() >= 1).await;
    let bob = server.browser();
    let login = bob.get("login").await;
    login.assert_page(200, "The club");
    assert_eq!(bob.come_back_from("club").await.status, 303);
    bob.assert_signed_in_as("bob").await;
    assert!(company.hanging() >= 1 && crowd.try_join_next().is_none_or(|answer| answer.unwrap().status != 303));
    while let Some(answer) = crowd.join_next().await {
        let answer = answer.unwrap();
        assert!(matches!(answer.status, 502 | 503), "{} {}", answer.status, answer.body);
    }
}
