//! What an assertion has to say, and that it says it once (CAU-03, CMN-17, OID-11, TRP-39).

use jsonwebtoken::Algorithm;
use keymaker::clock::{MINUTE, SECOND};
use serde_json::{Value, json};

use crate::support::{
    REDIRECT_URI, Server, claims_of,
    signer::{Signer, claims, unsigned, with},
};

use super::{is_authenticated, present, present_at, registration};

async fn register(server: &Server, signer: &Signer) -> String {
    server.register(registration("private_key_jwt", signer)).await
}

#[tokio::test]
async fn an_assertion_says_whose_it_is_for_whom_and_until_when() {
    let server = Server::start().await;
    let signer = Signer::new(Algorithm::ES256, "one");
    let id = register(&server, &signer).await;
    let now = server.clock.now() / SECOND;
    let token_endpoint = server.url("oauth2/token");
    let introspection_endpoint = server.url("oauth2/introspect");
    let rows: Vec<(&str, Value, bool)> = vec![
        ("nothing else", json!({}), true),
        ("for the token endpoint", json!({ "aud": token_endpoint }), true),
        ("for several", json!({ "aud": ["https://other.example/", server.issuer()] }), true),
        ("without iat", json!({ "iat": null }), true),
        ("with nbf", json!({ "nbf": now }), true),
        ("a fraction of a second", json!({ "exp": now as f64 + 30.5 }), true),
        ("by a clock that is slow", json!({ "exp": now - 30 }), true),
        ("by a clock that is fast", json!({ "iat": now + 30 }), true),
        ("five minutes", json!({ "exp": now + 300 }), true),
        ("for the endpoint of something else", json!({ "aud": introspection_endpoint }), false),
        ("for another server", json!({ "aud": "https://other.example/" }), false),
        ("for another server's token endpoint", json!({ "aud": "https://other.example/oauth2/token" }), false),
        ("for others", json!({ "aud": ["https://other.example/", "https://third.example/"] }), false),
        ("for nobody", json!({ "aud": null }), false),
        ("for an empty list", json!({ "aud": [] }), false),
        ("for an object", json!({ "aud": { "iss": server.issuer() } }), false),
        ("for almost us", json!({ "aud": server.issuer().trim_end_matches('/') }), false),
        ("for below us", json!({ "aud": format!("{}x", server.issuer()) }), false),
        ("of another issuer", json!({ "iss": "another" }), false),
        ("of no issuer", json!({ "iss": null }), false),
        ("of another subject", json!({ "sub": "another" }), false),
        ("of no subject", json!({ "sub": null }), false),
        ("of a number", json!({ "sub": 7 }), false),
        ("expired", json!({ "exp": now - 61 }), false),
        ("never expires", json!({ "exp": null }), false),
        ("expires in an hour", json!({ "exp": now + 3600 }), false),
        ("expires at the end of time", json!({ "exp": 1e300 }), false),
        ("expires in words", json!({ "exp": "soon" }), false),
        ("issued in the future", json!({ "iat": now + 120 }), false),
        ("not good yet", json!({ "nbf": now + 120 }), false),
        ("without a jti", json!({ "jti": null }), false),
        ("with an empty jti", json!({ "jti": "" }), false),
        ("with a jti that is a number", json!({ "jti": 1 }), false),
    ];
    for (case, members, is_good) in rows {
        let jwt = signer.sign(Some("JWT"), &with(&claims(&server, &id), members));
        let answer = present(&server, &jwt).await;
        assert_eq!(is_authenticated(&answer), is_good, "{case}: {}", answer.body);
    }
    let types = [
        (None, true),
        (Some("jwt"), true),
        (Some("client-authentication+jwt"), true),
        (Some("logout+jwt"), false),
        (Some("at+jwt"), false),
    ];
    for (typ, is_good) in types {
        let answer = present(&server, &signer.sign(typ, &claims(&server, &id))).await;
        assert_eq!(is_authenticated(&answer), is_good, "{typ:?}");
    }
}

#[tokio::test]
async fn an_assertion_is_signed_by_the_client_and_by_nobody_else() {
    let server = Server::start().await;
    server.user("alice").await;
    let signer = Signer::new(Algorithm::RS256, "one");
    let id = register(&server, &signer).await;
    let right = signer.assertion(&server, &id);
    let mut foreign = Signer::new(Algorithm::RS256, "one");
    let under_its_kid = foreign.assertion(&server, &id);
    foreign.kid = Some("two".to_owned());
    let unknown_kid = foreign.assertion(&server, &id);
    let public = signer.jwk().to_string();
    let parts: Vec<&str> = right.split('.').collect();
    let moved = signer.assertion(&server, "another");
    let moved: Vec<&str> = moved.split('.').collect();
    // OID-11: what we signed says nothing about who presents it.
    let tokens = server.log_in("alice", "openid").await;
    let code = server.code("alice", &tokens.client_id, "openid").await;
    let id_token = server.exchange(&tokens.client_id, &code).await.json()["id_token"].as_str().unwrap().to_owned();
    assert_eq!(claims_of(&id_token)["aud"], tokens.client_id);
    let table = [
        ("with a key of its own under that kid", under_its_kid),
        ("with a kid that is not there", unknown_kid),
        ("with nothing", unsigned(&claims(&server, &id))),
        ("without the signature", format!("{}.{}.", parts[0], parts[1])),
        ("with the signature of other claims", format!("{}.{}.{}", parts[0], parts[1], moved[2])),
        ("with HMAC of the public key", Signer::with_secret(Algorithm::HS256, &public).assertion(&server, &id)),
        ("with another key's algorithm", Signer::new(Algorithm::ES256, "one").assertion(&server, &id)),
        ("by us", id_token),
        ("with two members of one name", parts[0].to_owned() + ".eyJzdWIiOiIxIiwic3ViIjoiMiJ9." + parts[2]),
        ("not at all", "x".to_owned()),
        ("too long", "x".repeat(60_000)),
    ];
    for (case, jwt) in table {
        let answer = present(&server, &jwt).await;
        assert!(!is_authenticated(&answer), "{case}");
    }
    assert!(is_authenticated(&present(&server, &right).await), "none of that used it up");
}

#[tokio::test]
async fn every_advertised_algorithm_signs_and_a_registered_one_is_the_only_one() {
    // DSC-04, CAU-03
    let server = Server::start().await;
    let metadata = server.get(".well-known/openid-configuration").await.json();
    let advertised = metadata["token_endpoint_auth_signing_alg_values_supported"].as_array().unwrap().clone();
    let mut shown = Vec::new();
    for alg in [Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA] {
        let signer = Signer::new(alg, "one");
        let name = format!("{alg:?}");
        let mut body = registration("private_key_jwt", &signer);
        body["token_endpoint_auth_signing_alg"] = json!(name);
        let id = server.register(body).await;
        assert!(is_authenticated(&present(&server, &signer.assertion(&server, &id)).await), "{name}");
        if let Some(other) = match alg {
            Algorithm::RS256 => Some(Algorithm::PS256),
            Algorithm::PS256 => Some(Algorithm::RS256),
            _ => None,
        } {
            let other = Signer { alg: other, ..signer };
            assert!(!is_authenticated(&present(&server, &other.assertion(&server, &id)).await), "{name}");
        }
        shown.push(json!(name));
    }
    let signer = Signer::new(Algorithm::ES256, "one");
    let body = server.http.post_json("oauth2/registration", &registration("client_secret_jwt", &signer)).await.json();
    let (id, secret) = (body["client_id"].as_str().unwrap(), body["client_secret"].as_str().unwrap());
    for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let assertion = Signer::with_secret(alg, secret).assertion(&server, id);
        assert!(is_authenticated(&present(&server, &assertion).await), "{alg:?}");
        shown.push(json!(format!("{alg:?}")));
    }
    let wrong = Signer::with_secret(Algorithm::HS256, &format!("{secret}x")).assertion(&server, id);
    assert!(!is_authenticated(&present(&server, &wrong).await));
    for alg in &advertised {
        assert!(shown.contains(alg), "nobody shows {alg}");
    }
    assert_eq!(advertised.len(), shown.len());
}

#[tokio::test]
async fn an_assertion_is_good_once_on_all_replicas_and_after_a_restart() {
    // CAU-03, INV-01, INV-16: 20 at once, half of them at another replica, and one of them wins.
    let server = Server::start().await;
    let replica = server.replica(&[]).await;
    let signer = Signer::new(Algorithm::EdDSA, "one");
    let id = register(&server, &signer).await;
    let jwt = signer.assertion(&server, &id);
    let urls = [server.url("oauth2/token"), replica.instead_of(&server, &server.url("oauth2/token"))];
    let all = (0..20).map(|n| present_at(&server, &urls[n % 2], &jwt));
    let answers = futures_util::future::join_all(all).await;
    assert_eq!(answers.iter().filter(|answer| is_authenticated(answer)).count(), 1);
    drop(replica);
    let restarted = server.replica(&[]).await;
    let url = restarted.instead_of(&server, &server.url("oauth2/token"));
    assert!(!is_authenticated(&present_at(&server, &url, &jwt).await));
    assert!(is_authenticated(&present_at(&server, &url, &signer.assertion(&server, &id)).await));
    // Once it is forgotten it is too old.
    server.clock.advance(3 * MINUTE);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    let rows: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM client_assertions").one().await.unwrap();
    assert_eq!(rows.0, 0);
    assert!(!is_authenticated(&present(&server, &jwt).await));
    // The same jti of another client is another one.
    let other = server.register({
        let mut body = registration("private_key_jwt", &signer);
        body["redirect_uris"] = json!([REDIRECT_URI, "https://app.example.com/2"]);
        body
    });
    let other = other.await;
    for client in [&id, &other] {
        let jwt = signer.sign(None, &with(&claims(&server, client), json!({ "jti": "the same" })));
        assert!(is_authenticated(&present(&server, &jwt).await));
    }
}
