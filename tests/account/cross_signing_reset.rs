//! Allowing an app to replace somebody's cryptographic identity (XSR-01 to XSR-04), at a homeserver that counts the calls.

use futures_util::future::join_all;
use keymaker::{
    clock::{HOUR, MINUTE, SECOND},
    domain::{act::Act, refusal::Refusal},
    error::Error,
    flows::{Caller, account},
};

use super::{Somebody, events, server_with_alice, state};
use crate::support::{PASSWORD, Server, homeserver::FakeHomeserver};

const LINK: &str = "account/?action=org.matrix.cross_signing_reset";

fn resets(homeserver: &FakeHomeserver) -> usize {
    homeserver.calls().iter().filter(|call| *call == "reset alice").count()
}

#[tokio::test]
async fn a_reset_is_explained_confirmed_and_allowed_once() {
    // XSR-02, XSR-03
    let (homeserver, server, alice) = server_with_alice().await;
    let (path, page) = alice.open(LINK).await;
    assert_eq!(path, "/account/confirm?act=reset-cross-signing");
    page.assert_page(200, "Others have to verify you again, and encrypted history may be lost.");
    alice.submit(&page, &[("password", "wrong")]).await.assert_page(403, "This password is wrong.");
    alice.http.post(&path, &[("password", PASSWORD)]).await.assert_page(403, "too old");
    assert_eq!((resets(&homeserver), events(&server, "cross_signing_reset").await), (0, 0));

    let answer = alice.submit(&page, &[("password", PASSWORD)]).await;
    assert_eq!(answer.location(), "/account/?done=reset-cross-signing");
    assert_eq!((resets(&homeserver), events(&server, "cross_signing_reset").await), (1, 1));
    alice.get(answer.location()).await.assert_page(200, "for ten minutes it may set up a new identity");
    assert_eq!(resets(&homeserver), 1, "looking allows nothing");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_where_it_is_required() {
    // XSR-03, INV-06
    let (homeserver, server, alice) = server_with_alice().await;
    let app = alice.add_totp(&server).await;
    server.clock.advance(60 * SECOND);
    let answer = alice.confirm("reset-cross-signing", None).await;
    assert!(answer.location().starts_with("/factor?proof="), "{}", answer.location());
    let step = alice.get(answer.location()).await;
    alice.submit(&step, &[("totp", &app.wrong_code(&server))]).await.assert_page(403, "This code is wrong");
    assert_eq!(resets(&homeserver), 0);
    let answer = alice.submit(&step, &[("totp", &app.code(&server))]).await;
    assert_eq!(answer.location(), "/account/?done=reset-cross-signing");
    assert_eq!(resets(&homeserver), 1);
    // The same step again allows nothing more.
    assert_eq!(alice.submit(&step, &[("totp", &app.code(&server))]).await.status, 400);
    assert_eq!(resets(&homeserver), 1);
}

#[tokio::test]
async fn while_the_homeserver_is_down_nothing_is_allowed_and_one_can_confirm_again() {
    // XSR-03
    let (homeserver, server, alice) = server_with_alice().await;
    homeserver.set_down(true);
    for _ in 0..4 {
        let answer = alice.confirm("reset-cross-signing", None).await;
        answer.assert_page(503, "Nothing was allowed");
        assert!(answer.body.contains("href=\"/account/confirm?act=reset-cross-signing\""), "{}", answer.body);
    }
    assert_eq!(events(&server, "cross_signing_reset").await, 0, "what did not happen is not told");
    homeserver.set_down(false);
    // What failed counts for nothing.
    assert_eq!(alice.confirm("reset-cross-signing", None).await.status, 303);
    assert_eq!(events(&server, "cross_signing_reset").await, 1);
}

#[tokio::test]
async fn three_are_allowed_within_an_hour() {
    // XSR-03
    let (homeserver, server, alice) = server_with_alice().await;
    for _ in 0..3 {
        assert_eq!(alice.confirm("reset-cross-signing", None).await.status, 303);
        server.clock.advance(5 * MINUTE);
    }
    let before = state(&server).await.into_iter().filter(|row| !row.starts_with("proof")).collect::<Vec<_>>();
    alice.confirm("reset-cross-signing", None).await.assert_page(429, "three times within the last hour");
    let after = state(&server).await.into_iter().filter(|row| !row.starts_with("proof")).collect::<Vec<_>>();
    assert_eq!((after, resets(&homeserver)), (before, 3));
    // Others are not held up, and it passes.
    server.user("bob").await;
    let bob = server.browser();
    bob.sign_in("bob").await;
    assert_eq!(bob.confirm("reset-cross-signing", None).await.status, 303);
    server.clock.advance(HOUR - 14 * MINUTE);
    assert_eq!(alice.confirm("reset-cross-signing", None).await.status, 303);
    assert_eq!(resets(&homeserver), 4);
}

#[tokio::test]
async fn without_a_homeserver_there_is_nothing_to_reset() {
    // XSR-04
    let server = Server::start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    alice.get(LINK).await.assert_page(200, "@alice:localhost");
    assert_eq!(alice.confirm("reset-cross-signing", None).await.status, 404);
}

#[tokio::test]
async fn of_many_who_confirmed_at_once_three_are_allowed() {
    // XSR-03, INV-01: each with a proof of its own.
    let (homeserver, server, browser) = server_with_alice().await;
    let alice = Somebody::at(&server, &browser).await;
    let mut proofs = Vec::new();
    for _ in 0..8 {
        proofs.push(alice.prove(&server, Act::ResetCrossSigning, None).await);
    }
    let caller = Caller::default();
    let attempts =
        proofs.iter().map(|proof| account::reset_cross_signing(&server.app, &alice.signed_in, proof, &caller));
    let results = join_all(attempts).await;
    let allowed = results.iter().filter(|result| result.is_ok()).count();
    let refused = results.iter().filter(|result| matches!(result, Err(Error::Refusal(Refusal::LimitExceeded)))).count();
    assert_eq!((allowed, refused, resets(&homeserver)), (3, 5, 3), "{results:?}");
    assert_eq!(events(&server, "cross_signing_reset").await, 3);
}
