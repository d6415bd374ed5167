//! What each act of these pages does with proofs that are not its own (INV-06, INV-01).

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::{
    clock::MINUTE,
    domain::{act::Act, factor::FactorProblem, id::SessionId, refusal::Refusal},
    error::{Error, Result},
    flows::{Caller, account, session},
};

use super::{DEVICE, Somebody, events, scope, server_with_alice, session_on, state};
use crate::support::{Server, homeserver::FakeHomeserver, person::Person};

/// Carries an act out as its page does.
async fn carry_out(server: &Server, by: &Somebody, act: Act, target: &str, proof: &str) -> Result<()> {
    let (app, caller) = (&server.app, Caller { ip: Some("192.0.2.1".to_owned()), ..Caller::default() });
    match act {
        Act::EndSession => {
            session::end_own(app, &by.signed_in, proof, &SessionId::new(target), &caller).await.map(|_| ())
        }
        Act::EndOtherSessions => session::end_others(app, &by.signed_in, proof, &caller).await,
        Act::ResetCrossSigning => account::reset_cross_signing(app, &by.signed_in, proof, &caller).await,
        Act::Deactivate => account::deactivate(app, &by.signed_in, proof, true, &caller).await,
        other => panic!("{other:?} belongs to other pages"),
    }
}

const ACTS: [(Act, &str); 4] = [
    (Act::EndSession, "session_ended"),
    (Act::EndOtherSessions, "sessions_ended"),
    (Act::ResetCrossSigning, "cross_signing_reset"),
    (Act::Deactivate, "deactivated"),
];

async fn house() -> (Arc<FakeHomeserver>, Server, Person, String, String) {
    let (homeserver, server, alice) = server_with_alice().await;
    server.log_in("alice", &scope(DEVICE)).await;
    server.log_in("alice", &scope("OTHERDEVIC")).await;
    let (session, other) = (session_on(&server, DEVICE).await, session_on(&server, "OTHERDEVIC").await);
    (homeserver, server, alice, session, other)
}

fn is_refused(result: &Result<()>) -> bool {
    matches!(result, Err(Error::Refusal(Refusal::Factor(FactorProblem::ProofNeeded))))
}

#[tokio::test]
async fn no_act_is_done_on_a_proof_that_is_not_its_own() {
    for (act, kind) in ACTS {
        let (homeserver, server, browser, session, other) = house().await;
        let alice = Somebody::at(&server, &browser).await;
        let elsewhere = server.browser();
        elsewhere.sign_in("alice").await;
        let second = Somebody::at(&server, &elsewhere).await;
        server.user("mallory").await;
        let mallory = server.browser();
        mallory.sign_in("mallory").await;
        let mallory = Somebody::at(&server, &mallory).await;

        let target = act.has_target().then_some(session.as_str());
        let mut wrong = vec![String::new(), "x".to_owned(), "01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()];
        for of_another in Act::ALL.into_iter().filter(|of_another| *of_another != act) {
            wrong.push(alice.prove(&server, of_another, of_another.has_target().then_some(&*session)).await);
        }
        wrong.push(second.prove(&server, act, target).await);
        wrong.push(mallory.prove(&server, act, target).await);
        if act.has_target() {
            wrong.push(alice.prove(&server, act, Some(&other)).await);
        }
        let late = alice.prove(&server, act, target).await;
        let (before, calls) = (state(&server).await, homeserver.calls());
        for proof in &wrong {
            assert!(is_refused(&carry_out(&server, &alice, act, &session, proof).await), "{act:?} {proof}");
        }
        server.clock.advance(5 * MINUTE);
        assert!(is_refused(&carry_out(&server, &alice, act, &session, &late).await), "{act:?}: late");
        assert_eq!((state(&server).await, homeserver.calls()), (before, calls), "{act:?}");

        let good = alice.prove(&server, act, target).await;
        carry_out(&server, &alice, act, &session, &good).await.unwrap();
        let after = state(&server).await;
        assert!(is_refused(&carry_out(&server, &alice, act, &session, &good).await), "{act:?}: twice");
        assert_eq!((state(&server).await, events(&server, kind).await), (after, 1), "{act:?}");
    }
}

#[tokio::test]
async fn of_twenty_with_one_proof_one_does_the_act() {
    // INV-01
    for (act, kind) in ACTS {
        let (homeserver, server, browser, session, _) = house().await;
        let alice = Somebody::at(&server, &browser).await;
        let proof = alice.prove(&server, act, act.has_target().then_some(&*session)).await;
        let attempts = (0..20).map(|_| carry_out(&server, &alice, act, &session, &proof));
        let results = join_all(attempts).await;
        let done = results.iter().filter(|result| result.is_ok()).count();
        let refused = results.iter().filter(|result| is_refused(result)).count();
        assert_eq!((done, refused), (1, 19), "{act:?} {results:?}");
        assert_eq!(events(&server, kind).await, 1, "{act:?}");
        let resets = homeserver.calls().iter().filter(|call| *call == "reset alice").count();
        assert_eq!(resets, usize::from(act == Act::ResetCrossSigning));
    }
}

#[tokio::test]
async fn a_proof_ends_no_session_of_somebody_else() {
    // ACT-06: even should a proof name one.
    let (_, server, browser, session, _) = house().await;
    server.user("mallory").await;
    let mallory = server.browser();
    mallory.sign_in("mallory").await;
    let mallory = Somebody::at(&server, &mallory).await;
    let proof = mallory.prove(&server, Act::EndSession, Some(&session)).await;
    let before = state(&server).await;
    let result = carry_out(&server, &mallory, Act::EndSession, &session, &proof).await;
    assert!(matches!(result, Err(Error::Refusal(Refusal::NotFound))), "{result:?}");
    assert_eq!(state(&server).await, before);
    assert_eq!(browser.get("account/").await.status, 200);
}
