//! The end of an account by its owner (ACT-08, DEV-14).

use super::{DEVICE, events, scope, server_with_alice, state};
use crate::support::{PASSWORD, eventually, person::attribute};

#[tokio::test]
async fn an_account_ends_after_it_was_explained_proved_and_typed() {
    // ACT-08, DEV-14
    for (erase, expected) in [(None, "deactivate alice erase=false"), (Some("yes"), "deactivate alice erase=true")] {
        let (homeserver, server, alice) = server_with_alice().await;
        let tokens = server.log_in("alice", &scope(DEVICE)).await;
        let elsewhere = server.browser();
        elsewhere.sign_in("alice").await;

        let (path, page) = alice.open("account/?action=org.matrix.account_deactivate").await;
        assert_eq!(path, "/account/confirm?act=deactivate");
        page.assert_page(200, "nobody can sign in to this account any more");
        let answer = alice.submit(&page, &[("password", PASSWORD)]).await;
        let form = alice.get(answer.location()).await;
        form.assert_page(200, "Erase my messages as far as possible");
        assert!(form.body.contains("@alice:hs.test"));

        let proof = attribute(&form.body, "name=\"proof\" value=\"").unwrap();
        let fields = |typed| {
            let erase = erase.map(|erase| ("erase", erase));
            [("proof", proof.as_str()), ("username", typed)].into_iter().chain(erase).collect::<Vec<_>>()
        };
        let before = state(&server).await;
        for typed in ["", "alic", "bob", "@alice:other.test", "alice alice"] {
            let answer = alice.submit(&form, &fields(typed)).await;
            answer.assert_page(422, "This is not your username.");
            assert_eq!(answer.body.contains(" checked"), erase.is_some());
        }
        assert_eq!(state(&server).await, before, "the proof is still good");

        let answer = alice.submit(&form, &fields(if erase.is_some() { " Alice " } else { "@alice:hs.test" })).await;
        answer.assert_page(200, "Your account is deactivated");
        for name in ["keymaker_session", "keymaker_browser"] {
            assert!(answer.set_cookie(name).unwrap().1.contains("Max-Age=0"));
        }
        assert!(!server.is_active(&tokens.access).await);
        server.refresh(&tokens).await.assert_error(400, "invalid_grant");
        for browser in [&alice, &elsewhere] {
            assert_eq!(browser.get("account/").await.status, 303);
        }
        eventually("the end at the homeserver", async || homeserver.calls().iter().any(|call| call == expected)).await;
        eventually("the end of the device", async || !homeserver.has_device("alice", DEVICE)).await;
        assert_eq!(events(&server, "deactivated").await, 1);

        let login = elsewhere.get("login").await;
        let refused = elsewhere.submit(&login, &[("username", "alice"), ("password", PASSWORD)]).await;
        refused.assert_page(403, "This account has been deactivated.");
        let sign_up = elsewhere.get("register").await;
        let taken = elsewhere.submit(&sign_up, &[("username", "alice"), ("password", PASSWORD)]).await;
        taken.assert_page(422, "Somebody else has this username.");
    }
}

#[tokio::test]
async fn the_form_without_a_good_proof_ends_nothing() {
    // INV-06, ACT-05
    let (homeserver, server, alice) = server_with_alice().await;
    let answer = alice.confirm("deactivate", None).await;
    let form = alice.get(answer.location()).await;
    let other = alice.confirm("add-passkey", None).await;
    let other = other.location().split_once("proof=").unwrap().1.to_owned();
    let before = state(&server).await;
    for proof in ["", "x", other.as_str(), "01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
        let answer = alice.submit(&form, &[("proof", proof), ("username", "alice")]).await;
        assert_eq!(answer.location(), "/account/confirm?act=deactivate", "{proof}");
    }
    server.clock.advance(5 * keymaker::clock::MINUTE);
    let proof = attribute(&form.body, "name=\"proof\" value=\"").unwrap();
    let answer = alice.submit(&form, &[("proof", proof.as_str()), ("username", "alice")]).await;
    assert_eq!(answer.location(), "/account/confirm?act=deactivate", "it has expired");
    assert_eq!(state(&server).await, before);
    assert_eq!(alice.http.post("account/deactivate", &[("proof", &proof), ("username", "alice")]).await.status, 403);
    let stranger = server.browser();
    stranger.get("login").await;
    let answer = stranger.http.post("account/deactivate", &[("proof", &proof), ("username", "alice")]).await;
    assert_eq!(answer.location(), "/login?to=deactivate");
    assert!(homeserver.calls().iter().all(|call| !call.starts_with("deactivate")));
    assert_eq!(alice.get("account/").await.status, 200);
}
