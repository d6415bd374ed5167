//! What relying parties hear of a logout, and what becomes of it (BCO-01 to BCO-04): the module of the conformance plan by its
//! name, and relying parties that answer in every way there is.

use keymaker::{
    clock::{HOUR, MINUTE, SECOND},
    store::logout_notice,
};
use serde_json::{Value, json};

use super::{PROFILE, id_token, verify, wiki};
use crate::support::{
    Server, claims_of, eventually,
    person::{Person, encode},
    relying_party::{RelyingParty, Reply},
};

/// How many notices wait.
pub async fn waiting(server: &Server) -> i64 {
    logout_notice::count(&server.app.db).await.unwrap()
}

/// Lets time pass after everything that is due was tried: what is under way would be begun again.
pub async fn advance(server: &Server, milliseconds: i64) {
    eventually("everything due is tried", async || {
        let sql = "SELECT COUNT(*) FROM logout_notices WHERE holder IS NOT NULL OR run_at <= $1";
        server.app.db.sql(sql).bind(server.clock.now()).one::<(i64,)>().await.unwrap() == (0,)
    })
    .await;
    server.clock.advance(milliseconds);
}

/// Waits until a relying party has heard so many logout tokens, and gives them.
pub async fn heard(party: &RelyingParty, count: usize) -> Vec<String> {
    eventually("the logout token", async || party.heard().len() >= count).await;
    party.heard()
}

/// Signs out at the page of the account.
pub async fn sign_out(person: &Person) {
    let page = person.get("logout").await;
    person.submit(&page, &[]).await.assert_page(200, "You are signed out");
}

#[tokio::test]
async fn oidcc_backchannel_rp_initiated_logout() {
    // BCO-01, BCO-02, BCO-04, TRP-40
    let (wiki, server, alice, tokens) = wiki().await;
    let metadata = server.get(".well-known/openid-configuration").await.json();
    assert_eq!(metadata["backchannel_logout_supported"], true);
    assert_eq!(metadata["backchannel_logout_session_supported"], true);
    let uri = wiki.signed_out();
    let params = [("id_token_hint", id_token(&tokens)), ("post_logout_redirect_uri", &uri), ("state", "x")];
    let answer = alice.get(&format!("oauth2/logout?{}", encode(&params))).await;
    assert_eq!(answer.location(), format!("{uri}?state=x"));

    let token = heard(&wiki, 1).await.remove(0);
    let (header, claims) = verify(&server, &token).await;
    assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!("RS256")));
    let (issued, now) = (claims_of(id_token(&tokens)), server.clock.now() / 1000);
    let mut members: Vec<&String> = claims.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["aud", "events", "exp", "iat", "iss", "jti", "sid", "sub"], "and no nonce");
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(server.issuer()), &json!(wiki.client_id)));
    assert_eq!((&claims["sub"], &claims["sid"]), (&issued["sub"], &issued["sid"]));
    assert_eq!(claims["events"], json!({ "http://schemas.openid.net/event/backchannel-logout": {} }));
    let (iat, exp) = (claims["iat"].as_i64().unwrap(), claims["exp"].as_i64().unwrap());
    assert!((now - 60..=now).contains(&iat) && exp - iat == 120, "{iat} {exp} {now}");
    assert!(claims["jti"].as_str().unwrap().len() >= 16);
    assert_eq!(alice.silent_error(&server, wiki.client_id).await, "login_required");
    eventually("nothing more to say", async || waiting(&server).await == 0).await;
    assert_eq!(wiki.heard().len(), 1);
}

#[tokio::test]
async fn the_token_is_signed_as_the_client_registered_for_its_id_tokens() {
    // BCO-02
    for alg in ["ES256", "EdDSA"] {
        let wiki = RelyingParty::start("the-wiki").await;
        let config = wiki.config(json!({ "id_token_signed_response_alg": alg }));
        let server = Server::setup().clients(&[config]).start().await;
        server.user("alice").await;
        let alice = server.browser();
        alice.sign_in("alice").await;
        let tokens = wiki.log_in(&server, &alice, PROFILE).await;
        assert_eq!(verify(&server, id_token(&tokens)).await.0["alg"], alg);
        sign_out(&alice).await;
        let (header, _) = verify(&server, &heard(&wiki, 1).await[0]).await;
        assert_eq!((&header["typ"], &header["alg"]), (&json!("logout+jwt"), &json!(alg)));
    }
}

#[tokio::test]
async fn each_relying_party_of_a_login_hears_once_whatever_the_others_do() {
    // BCO-03, BCO-04: one takes it, one refuses it, one hangs, one is gone, one wants to hear nothing, and one knows Bob.
    let names = ["taker", "refuser", "hanger", "gone", "mute", "bobs"];
    let mut parties = Vec::new();
    for name in names {
        parties.push(RelyingParty::start(name).await);
    }
    let [taker, refuser, hanger, gone, mute, bobs] = parties.as_slice() else { unreachable!() };
    refuser.reply(&[Reply::Status(400)]);
    hanger.reply(&[Reply::Hangs]);
    let config = |party: &RelyingParty| match party.client_id {
        "mute" => party.config(json!({ "backchannel_logout_uri": null, "backchannel_logout_session_required": null })),
        // Nobody listens on this port.
        "gone" => party.config(json!({ "backchannel_logout_uri": "http://127.0.0.1:9/backchannel" })),
        _ => party.config(json!({})),
    };
    let clients: Vec<Value> = parties.iter().map(config).collect();
    let server = Server::setup().clients(&clients).start().await;
    for name in ["alice", "bob"] {
        server.user(name).await;
    }
    let (alice, bob) = (server.browser(), server.browser());
    alice.sign_in("alice").await;
    bob.sign_in("bob").await;
    for party in [hanger, taker, refuser, gone, mute] {
        party.log_in(&server, &alice, PROFILE).await;
        // Twice with the same application is one login.
        party.log_in(&server, &alice, PROFILE).await;
    }
    bobs.log_in(&server, &bob, PROFILE).await;
    // Whoever asks for no ID token knows nobody.
    let without = "urn:matrix:client:api:* urn:matrix:client:device:ABCDEFGHIJ";
    bobs.log_in(&server, &alice, without).await;

    sign_out(&alice).await;
    assert_eq!(alice.whoami().await, None, "at once, whoever hangs");
    for party in [taker, refuser, hanger] {
        assert_eq!(heard(party, 1).await.len(), 1, "{}", party.client_id);
    }
    advance(&server, HOUR).await;
    assert_eq!(waiting(&server).await, 2, "both that failed wait");
    eventually("the second attempt", async || hanger.heard().len() == 2).await;
    eventually("one that is gone is given up", async || {
        advance(&server, HOUR).await;
        waiting(&server).await == 0
    })
    .await;
    let counts = parties.iter().map(|party| party.heard().len()).collect::<Vec<_>>();
    assert_eq!(counts, [1, 1, 2, 0, 0, 0], "{names:?}");
}

#[tokio::test]
async fn what_each_answer_means() {
    // BCO-03: 200 and 204 are success, 400 is a no for good, everything else is tried a few times more. Redirects lead nowhere.
    use Reply::{Redirect, Status};
    let rows: [(&[Reply], usize); 9] = [
        (&[Status(200)], 1),
        (&[Status(204)], 1),
        (&[Status(400)], 1),
        (&[Status(500), Status(200)], 2),
        (&[Status(503), Status(404), Status(400)], 3),
        (&[Redirect, Status(200)], 2),
        (&[Status(202), Status(200)], 2),
        (&[Status(401), Status(501), Status(302), Status(204)], 4),
        (&[Status(500); 20], 6),
    ];
    for (replies, attempts) in rows {
        let (wiki, server, alice, _) = wiki().await;
        wiki.reply(replies);
        sign_out(&alice).await;
        heard(&wiki, 1).await;
        eventually("an end of it", async || {
            advance(&server, HOUR).await;
            waiting(&server).await == 0
        })
        .await;
        let tokens = wiki.heard();
        assert_eq!(tokens.len(), attempts, "{replies:?}");
        assert_eq!(wiki.decoys(), 0, "{replies:?}");
        // The same notice, in a token that is good at the time.
        let claims: Vec<Value> = tokens.iter().map(|token| claims_of(token)).collect();
        assert!(claims.iter().all(|later| later["jti"] == claims[0]["jti"]));
        assert!(claims.windows(2).all(|pair| pair[0]["iat"].as_i64() < pair[1]["iat"].as_i64()), "{claims:?}");
    }
}

#[tokio::test]
async fn a_notice_waits_longer_each_time() {
    let (wiki, server, alice, _) = wiki().await;
    wiki.reply(&[Reply::Status(500); 20]);
    sign_out(&alice).await;
    let mut since = server.clock.now();
    for (attempt, pause) in [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE].into_iter().enumerate() {
        heard(&wiki, attempt + 1).await;
        let run_at = async || {
            let rows: Vec<(i64, i64)> = server
                .app
                .db
                .sql("SELECT run_at, attempts FROM logout_notices WHERE holder IS NULL")
                .all()
                .await
                .unwrap();
            rows.first().copied()
        };
        eventually("the failure is written down", async || {
            run_at().await.is_some_and(|(_, attempts)| attempts == attempt as i64 + 1)
        })
        .await;
        let (at, _) = run_at().await.unwrap();
        assert!((pause..pause + MINUTE).contains(&(at - since)), "{attempt}: {}", at - since);
        server.clock.advance(at - server.clock.now());
        since = server.clock.now();
    }
    heard(&wiki, 6).await;
    eventually("it is given up", async || waiting(&server).await == 0).await;
}

#[tokio::test]
async fn a_notice_survives_a_restart_and_is_told_once_by_all_replicas() {
    // INV-16: the row is all there is of it.
    let (wiki, server, alice, _) = wiki().await;
    wiki.reply(&[Reply::Status(500)]);
    sign_out(&alice).await;
    heard(&wiki, 1).await;
    let replicas = [server.replica(&[]).await, server.replica(&[]).await];
    eventually("the failure is written down", async || {
        let rows: Vec<(i64,)> =
            server.app.db.sql("SELECT attempts FROM logout_notices WHERE holder IS NULL").all().await.unwrap();
        rows == [(1,)]
    })
    .await;
    advance(&server, HOUR).await;
    heard(&wiki, 2).await;
    eventually("nothing more to say", async || waiting(&server).await == 0).await;
    assert_eq!(wiki.heard().len(), 2);
    drop(replicas);
}

#[tokio::test]
async fn a_client_that_went_away_meanwhile_hears_nothing_more() {
    let (wiki, server, alice, _) = wiki().await;
    wiki.reply(&[Reply::Status(500)]);
    sign_out(&alice).await;
    heard(&wiki, 1).await;
    eventually("the failure is written down", async || {
        let rows: Vec<(i64,)> =
            server.app.db.sql("SELECT attempts FROM logout_notices WHERE holder IS NULL").all().await.unwrap();
        rows == [(1,)]
    })
    .await;
    let mut tx = server.app.db.write().await.unwrap();
    let client = keymaker::domain::id::ClientId::new(wiki.client_id);
    keymaker::store::client::disable(&mut tx, &client, server.clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    advance(&server, HOUR).await;
    eventually("the notice is dropped", async || waiting(&server).await == 0).await;
    assert_eq!(wiki.heard().len(), 1);
}
