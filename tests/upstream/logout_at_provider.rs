//! Signing out at the provider after signing out here (BCI-04): offered, never done behind anybody's back.

use serde_json::{Value, json};

use super::{PROVIDER, server_with_alice};
use crate::support::{
    http::Answer,
    identity_provider::{CLIENT_ID, Endpoint, Fault, IdentityProvider, Trouble},
    person::{Person, attribute, response_params},
};

fn wanted() -> Value {
    json!({ "logout_at_provider": true })
}

impl Person {
    /// Signs out here, and gives the page that follows.
    async fn sign_out(&self) -> Answer {
        let page = self.get("logout").await;
        self.submit(&page, &[]).await
    }
}

/// The address under which the provider is left, on the page after signing out here.
fn way_out(provider: &IdentityProvider, page: &Answer) -> Option<String> {
    let marker = format!("href=\"{}/end_session", provider.issuer());
    attribute(&page.body, &marker).map(|rest| format!("{}/end_session{rest}", provider.issuer()))
}

#[tokio::test]
async fn whoever_signs_out_here_can_sign_out_at_the_provider_too() {
    let (provider, server) = server_with_alice(wanted()).await;
    let alice = server.browser();
    assert_eq!(alice.come_back_from(PROVIDER).await.status, 303);
    let login = provider.last_login();
    let page = alice.sign_out().await;
    page.assert_page(200, "You may still be signed in at");
    assert_eq!(alice.whoami().await, None, "signed out here, whatever happens there");
    assert!(provider.requests(Endpoint::EndSession).is_empty(), "nothing happens there by itself");

    let address = way_out(&provider, &page).unwrap();
    let params = response_params(&address);
    let get = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    assert_eq!(get("id_token_hint"), login.id_token);
    assert_eq!(get("client_id"), CLIENT_ID);
    assert_eq!(get("post_logout_redirect_uri"), format!("{}upstream/logout/{PROVIDER}", server.base));
    let answer = alice.get(&address).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let back = answer.location().to_owned();
    alice.get(&back).await.assert_page(200, "You were signed out at");
    // The state is good once, and with this provider only.
    alice.get(&back).await.assert_page(400, "This sign-in is over");
    assert_eq!(alice.get(&format!("upstream/logout/{PROVIDER}")).await.status, 400);
    assert_eq!(alice.get(&format!("upstream/logout/{PROVIDER}?state=made-up")).await.status, 400);
}

#[tokio::test]
async fn the_state_of_a_way_out_is_bound_to_its_provider_and_to_its_time() {
    let (provider, server) = server_with_alice(wanted()).await;
    let alice = server.browser();
    alice.come_back_from(PROVIDER).await;
    let page = alice.sign_out().await;
    let params = response_params(&way_out(&provider, &page).unwrap());
    let state = &params["state"];
    assert_eq!(alice.get(&format!("upstream/logout/nobody?state={state}")).await.status, 400);
    // It is no state of a sign-in either (INV-02).
    let callback = alice.get(&format!("upstream/callback/{PROVIDER}?code=1&state={state}")).await;
    assert_eq!(callback.status, 400, "{}", callback.body);
    server.clock.advance(30 * keymaker::clock::MINUTE + 1);
    assert_eq!(alice.get(&format!("upstream/logout/{PROVIDER}?state={state}")).await.status, 400);
}

#[tokio::test]
async fn it_is_offered_to_whoever_came_through_a_provider_that_is_configured_so() {
    // Not where the operator did not ask for it, and not to somebody who signed in by password.
    let (provider, server) = server_with_alice(json!({})).await;
    let alice = server.browser();
    alice.come_back_from(PROVIDER).await;
    let page = alice.sign_out().await;
    page.assert_page(200, "You are signed out");
    assert!(way_out(&provider, &page).is_none() && !page.body.contains("You may still be signed in"));

    let (provider, server) = server_with_alice(wanted()).await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let page = alice.sign_out().await;
    assert!(way_out(&provider, &page).is_none() && !page.body.contains("You may still be signed in"));
}

#[tokio::test]
async fn a_provider_that_does_not_say_where_keeps_nobody_signed_in_here() {
    // INV-07 the other way round: the logout here never waits for the provider's.
    let (provider, server) = server_with_alice(wanted()).await;
    let alice = server.browser();
    alice.come_back_from(PROVIDER).await;
    // What was known of the provider is too old by then.
    server.clock.advance(2 * keymaker::clock::DAY);
    for trouble in [Trouble::Unreachable, Trouble::InternalError, Trouble::Hangs] {
        provider.behave();
        alice.come_back_from(PROVIDER).await;
        alice.assert_signed_in_as("alice").await;
        server.clock.advance(2 * keymaker::clock::DAY);
        provider.fail(Fault::Trouble(Endpoint::Discovery, trouble));
        let page = alice.sign_out().await;
        page.assert_page(200, "You may still be signed in at");
        assert!(way_out(&provider, &page).is_none(), "{trouble:?}");
        assert_eq!(alice.whoami().await, None, "{trouble:?}");
    }
    provider.behave();
    provider.fail(Fault::Metadata(|m| drop(m.remove("end_session_endpoint"))));
    server.clock.advance(2 * keymaker::clock::DAY);
    alice.come_back_from(PROVIDER).await;
    let page = alice.sign_out().await;
    page.assert_page(200, "You may still be signed in at");
    assert!(way_out(&provider, &page).is_none());
}
