//! UserInfo (OIDC Core §5.3; spec OID-01, OID-02) and the ID token beside it (OID-04).

use keymaker::flows::manage;
use serde_json::{Value, json};

use crate::{
    logout::verify,
    support::{MATRIX_SCOPE, PASSWORD, Server, Tokens, changed, claims_of, http::Answer, relying_party::RelyingParty},
};

async fn get(server: &Server, authorization: Option<String>) -> Answer {
    let request = server.http.client.get(server.url("oauth2/userinfo"));
    server
        .http
        .send(authorization.into_iter().fold(request, |request, value| request.header("authorization", value)))
        .await
}

#[tokio::test]
async fn the_token_comes_in_the_header_or_in_the_form_and_never_in_both_or_in_the_url() {
    // OID-01, CMN-05, CMN-21, conformance 5 to 7
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", "openid").await;
    let token = tokens.access.as_str();
    let url = server.url("oauth2/userinfo");
    let client = &server.http.client;
    let bearer = format!("Bearer {token}");
    let form = [("access_token", token)];
    let good = [
        client.get(&url).header("authorization", &bearer),
        client.get(&url).header("authorization", format!("bEARER {token}")),
        client.post(&url).header("authorization", &bearer),
        client.post(&url).header("authorization", &bearer).form(&[("foo", "bar")]),
        client.post(&url).form(&form),
    ];
    for (number, request) in good.into_iter().enumerate() {
        let answer = server.http.send(request).await;
        assert_eq!(answer.status, 200, "{number} {}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let in_url = format!("{url}?access_token={token}");
    let bare = Some("Bearer");
    let invalid = Some("Bearer error=\"invalid_token\"");
    let bad = [
        (client.post(&url).header("authorization", &bearer).form(&form), 400, None),
        (client.post(&url).form(&[("access_token", token), ("access_token", token)]), 400, None),
        (client.get(&url), 401, bare),
        (client.post(&url), 401, bare),
        (client.get(&in_url), 401, bare),
        (client.post(&in_url), 401, bare),
        (client.get(&url).header("authorization", "Basic YTpi"), 401, bare),
        (client.get(&url).header("authorization", "Bearer "), 401, bare),
        (client.get(&url).header("authorization", "Bearer garbage"), 401, invalid),
        (client.get(&url).header("authorization", format!("Bearer {}", tokens.refresh)), 401, invalid),
        (client.post(&url).form(&[("access_token", "garbage")]), 401, invalid),
    ];
    for (number, (request, status, challenge)) in bad.into_iter().enumerate() {
        let answer = server.http.send(request).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (status, challenge), "{number} {}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{number}");
    }
    let put = server.http.send(client.put(&url).header("authorization", &bearer)).await;
    assert_eq!((put.status, put.header("allow")), (405, Some("GET,HEAD,POST")));
}

#[tokio::test]
async fn without_openid_there_is_nothing_to_tell() {
    // OID-01, CMN-21
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    let answer = get(&server, Some(format!("Bearer {}", tokens.access))).await;
    answer.assert_error(403, "insufficient_scope");
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"openid\"";
    assert_eq!(answer.header("www-authenticate"), Some(challenge));
}

#[tokio::test]
async fn each_scope_opens_its_claims_and_no_more() {
    // OID-02, OID-04, OID-06, conformance 8 to 14: nothing personal is in the ID token; what is not there is left out.
    let server = Server::start().await;
    manage::register_user(&server.app, "alice", Some(PASSWORD), Some("Alice@Example.com"), false).await.unwrap();
    server.user("plain").await;
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE users SET display_name = 'Alice A.' WHERE username = 'alice'").execute().await.unwrap();
    tx.commit().await.unwrap();
    let email = json!({ "email": "alice@example.com", "email_verified": true });
    let mxid = "urn:keymaker:mxid";
    let profile = json!({ "name": "Alice A.", "preferred_username": "alice", mxid: "@alice:localhost" });
    let mut both = profile.clone();
    both.as_object_mut().unwrap().extend(email.as_object().unwrap().clone());
    let table = [
        ("alice", "openid", json!({})),
        ("alice", "openid profile", profile),
        ("alice", "email openid", email),
        ("alice", "profile email openid address phone", both),
        ("plain", "openid profile email", json!({ "preferred_username": "plain", mxid: "@plain:localhost" })),
        ("alice", "openid offline_access", json!({})),
    ];
    let client_id = server.client().await;
    for (name, scope, mut expected) in table {
        let browser = server.browser();
        browser.sign_in(name).await;
        let code = browser.allow(&changed(&server.request(&client_id, scope), "nonce", Some("n-0S6_WzA2Mj"))).await;
        let answer = server.exchange(&client_id, &code).await;
        let tokens = Tokens::of(&answer, &client_id);
        let id_token = claims_of(answer.json()["id_token"].as_str().unwrap());
        expected["sub"] = id_token["sub"].clone();
        for _ in 0..2 {
            let claims = get(&server, Some(format!("Bearer {}", tokens.access))).await.json();
            assert_eq!(claims, expected, "{scope}");
        }
        assert_eq!(server.introspect(&tokens.access).await["sub"], id_token["sub"]);
        assert_ne!(id_token["sub"], name, "OID-06: names may be given to others, subjects never");
        let mut members: Vec<&String> = id_token.as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["acr", "amr", "at_hash", "aud", "auth_time", "exp", "iat", "iss", "nonce", "sid", "sub"]);
        assert_eq!((&id_token["nonce"], &id_token["aud"]), (&json!("n-0S6_WzA2Mj"), &json!(client_id)));
    }
}

#[tokio::test]
async fn a_nonce_is_repeated_only_where_there_was_one() {
    // OID-04, REF-11, conformance 8
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", "openid").await;
    let refreshed = server.refresh(&tokens).await;
    let claims = claims_of(refreshed.json()["id_token"].as_str().unwrap());
    assert_eq!(claims.get("nonce"), None);
    assert!(claims["auth_time"].is_i64(), "{claims}");
}

#[tokio::test]
async fn a_token_that_lost_its_person_tells_nothing() {
    // INV-05, INV-02: locked, deactivated, revoked, expired; and a client's own token has nobody behind it.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    type Stop = fn(&Server, &Tokens) -> std::pin::Pin<Box<dyn Future<Output = ()>>>;
    let stops: [(&str, Stop); 3] = [
        ("locked", |server, _| {
            let app = server.app.clone();
            Box::pin(async move { drop(manage::set_locked(&app, "alice", true).await.unwrap()) })
        }),
        ("revoked", |server, tokens| {
            let (http, token) = (server.http.clone(), tokens.access.clone());
            Box::pin(async move { assert_eq!(http.post("oauth2/revoke", &[("token", &token)]).await.status, 200) })
        }),
        ("expired", |server, _| {
            server.clock.advance(301_000);
            Box::pin(async {})
        }),
    ];
    for (what, stop) in stops {
        let code = server.code("alice", &client_id, "openid").await;
        let tokens = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
        let bearer = || Some(format!("Bearer {}", tokens.access));
        assert_eq!(get(&server, bearer()).await.status, 200);
        stop(&server, &tokens).await;
        get(&server, bearer()).await.assert_error(401, "invalid_token");
        if what == "locked" {
            manage::set_locked(&server.app, "alice", false).await.unwrap();
            assert_eq!(get(&server, bearer()).await.status, 200);
        }
    }
}

#[tokio::test]
async fn a_narrowed_token_opens_only_what_is_left() {
    // RFC 6749 §6: the scope of an access token can be smaller than that of its session.
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", "openid profile").await;
    let narrow = |scope: &'static str, refresh_token: String| {
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", tokens.client_id.clone()),
            ("refresh_token", refresh_token),
            ("scope", scope.to_owned()),
        ];
        let (http, url) = (server.http.clone(), server.url("oauth2/token"));
        async move { http.send(http.client.post(url).form(&form)).await.json() }
    };
    let text = |body: &Value, name: &str| body[name].as_str().unwrap().to_owned();
    let only_openid = narrow("openid", tokens.refresh.clone()).await;
    assert_eq!(only_openid["scope"], "openid");
    let claims = get(&server, Some(format!("Bearer {}", text(&only_openid, "access_token")))).await.json();
    assert_eq!(claims.as_object().unwrap().keys().collect::<Vec<_>>(), ["sub"]);
    let only_profile = narrow("profile", text(&only_openid, "refresh_token")).await;
    let answer = get(&server, Some(format!("Bearer {}", text(&only_profile, "access_token")))).await;
    answer.assert_error(403, "insufficient_scope");
    assert_eq!(only_profile.get("id_token"), None);
}

#[tokio::test]
async fn a_client_that_wants_it_signed_gets_a_jwt_that_says_for_whom_it_is() {
    // OID-03, conformance oidcc-userinfo-rs256
    for alg in ["RS256", "ES256", "EdDSA"] {
        let wiki = RelyingParty::start("the-wiki").await;
        let config = wiki.config(json!({ "userinfo_signed_response_alg": alg }));
        let server = Server::setup().clients(&[config]).start().await;
        server.user("alice").await;
        let alice = server.browser();
        alice.sign_in("alice").await;
        let answer = wiki.log_in(&server, &alice, "openid profile").await;
        let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());
        let userinfo = get(&server, Some(bearer)).await;
        assert_eq!((userinfo.status, userinfo.header("content-type")), (200, Some("application/jwt")));
        assert_eq!(userinfo.header("cache-control"), Some("no-store"));
        let (header, claims) = verify(&server, &userinfo.body).await;
        assert_eq!(header["alg"], alg);
        let expected = json!({
            "iss": server.issuer(), "aud": wiki.client_id, "sub": claims_of(answer["id_token"].as_str().unwrap())["sub"],
            "preferred_username": "alice", "urn:keymaker:mxid": "@alice:localhost",
        });
        assert_eq!(claims, expected, "and no nonce");
        // Errors are no JWTs.
        get(&server, Some("Bearer nonsense".to_owned())).await.assert_error(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_claim_that_is_asked_for_by_name_is_told_without_its_scope() {
    // OID-10, conformance oidcc-claims-essential
    let server = Server::start().await;
    manage::register_user(&server.app, "alice", Some(PASSWORD), Some("alice@example.com"), false).await.unwrap();
    let client_id = server.client().await;
    let table = [
        (json!({ "userinfo": { "preferred_username": null } }), json!({ "preferred_username": "alice" })),
        (json!({ "userinfo": { "email": { "essential": true } } }), json!({ "email": "alice@example.com" })),
        (json!({ "userinfo": { "email_verified": null } }), json!({ "email_verified": true })),
        (json!({ "id_token": { "email": null } }), json!({})),
        (json!({ "userinfo": { "nonsense": null } }), json!({})),
    ];
    for (asked, expected) in table {
        let browser = server.browser();
        browser.sign_in("alice").await;
        let asked = asked.to_string();
        let code = browser.allow(&changed(&server.request(&client_id, "openid"), "claims", Some(&asked))).await;
        let tokens = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
        let mut claims = get(&server, Some(format!("Bearer {}", tokens.access))).await.json();
        let claims = claims.as_object_mut().unwrap();
        assert!(
            claims.remove("sub").is_some()
                && claims.remove("urn:keymaker:mxid").is_none_or(|id| id == "@alice:localhost")
        );
        assert_eq!(json!(claims), expected, "{asked}");
    }
}
