//! Introspection (RFC 7662; spec area 7): what the homeserver reads, and that every other answer is the same one.

use keymaker::{
    clock::{MINUTE, SECOND},
    crypto::secret::{Kind, Secret},
    flows::manage,
};
use serde_json::{Value, json};

use crate::support::{
    MATRIX_SCOPE, REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server, Tokens, http::Answer, person::response_params,
};

const INACTIVE: &str = "{\"active\":false}";

/// Asks as the homeserver does, and gives the whole answer.
async fn ask(server: &Server, token: &str) -> Answer {
    let request = server.http.client.post(server.url("oauth2/introspect"));
    let request = request.bearer_auth(server.matrix_secret()).form(&[("token", token)]);
    server.http.send(request).await
}

async fn ask_with_device_member(server: &Server, token: &str) -> Value {
    let request = server.http.client.post(server.url("oauth2/introspect")).bearer_auth(server.matrix_secret());
    let request = request.header("x-mas-supports-device-id", "1").form(&[("token", token)]);
    server.http.send(request).await.json()
}

#[tokio::test]
async fn an_active_token_is_described_in_the_homeservers_terms() {
    // INT-03 to INT-06, INT-08, OID-06
    let server = Server::start().await;
    server.user("alice").await;
    let before = server.clock.now() / SECOND;
    let tokens = server.log_in("alice", &format!("openid {MATRIX_SCOPE}")).await;
    let answer = ask(&server, &tokens.access).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let mut body = answer.json();
    let sub = server.app.db.sql("SELECT id FROM users").one::<(String,)>().await.unwrap().0;
    let (iat, exp) = (body["iat"].as_i64().unwrap(), body["exp"].as_i64().unwrap());
    assert!(iat >= before && iat <= before + 60 && exp == iat + 300, "{body}");
    let expires_in = body["expires_in"].as_i64().unwrap();
    assert!((200..=300).contains(&expires_in), "{body}");
    let auth_time = body["auth_time"].as_i64().unwrap();
    assert!(auth_time <= iat && auth_time >= before, "{body}");
    for member in ["iat", "exp", "expires_in", "auth_time"] {
        body.as_object_mut().unwrap().remove(member);
    }
    let expected = json!({
        "active": true,
        "scope": "openid urn:matrix:client:api:* urn:matrix:org.matrix.msc2967.client:api:* \
                  urn:matrix:client:device:ABCDEFGHIJ urn:matrix:org.matrix.msc2967.client:device:ABCDEFGHIJ",
        "client_id": tokens.client_id,
        "username": "alice",
        "token_type": "Bearer",
        "sub": sub,
        "iss": server.issuer(),
        // PRM-06
        "acr": "password",
        "amr": ["pwd"],
    });
    assert_eq!(body, expected);
    // INT-06: a homeserver that says so gets the device in a member of its own, and only there.
    let body = ask_with_device_member(&server, &tokens.access).await;
    assert_eq!(body["device_id"], "ABCDEFGHIJ");
    assert_eq!(body["scope"], "openid urn:matrix:client:api:* urn:matrix:org.matrix.msc2967.client:api:*");
    // Without a device there is none to name.
    let plain = server.log_in("alice", "openid").await;
    let body = ask_with_device_member(&server, &plain.access).await;
    assert_eq!((body.get("device_id"), &body["scope"]), (None, &json!("openid")));
}

#[tokio::test]
async fn a_client_acting_for_itself_is_nobody() {
    // INT-03, SCP-11: there is no user to name.
    let server = Server::setup().static_client("client_secret_post").start().await;
    let form = [("grant_type", "client_credentials"), ("client_id", STATIC_CLIENT), ("client_secret", STATIC_SECRET)];
    let token = server.post("oauth2/token", &form).await.json()["access_token"].as_str().unwrap().to_owned();
    let body = server.introspect(&token).await;
    assert_eq!((&body["active"], &body["client_id"]), (&json!(true), &json!(STATIC_CLIENT)));
    assert!(body.get("username").is_none() && body.get("sub").is_none(), "{body}");
}

#[tokio::test]
async fn every_reason_to_be_inactive_looks_the_same() {
    // INT-02, INV-02, INV-05, CMN-20
    let server = Server::start().await;
    server.user("alice").await;
    let live = server.log_in("alice", "openid").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let cookie = |name: &str| {
        let cookies = browser.http.cookies();
        let start = cookies.find(&format!("{name}=")).unwrap() + name.len() + 1;
        cookies[start..].split(';').next().unwrap().to_owned()
    };
    let code = browser.allow(&server.request(&live.client_id, "openid")).await;
    let mut damaged = live.access.clone();
    damaged.replace_range(30..31, if &damaged[30..31] == "x" { "y" } else { "x" });
    let tokens = [
        ("garbage", "garbage".to_owned()),
        ("one space", " ".to_owned()),
        ("very long", "k".repeat(10_000)),
        ("not ASCII", "kma_é€".to_owned()),
        ("SQL", "' OR 1=1 --".to_owned()),
        ("well-formed and unknown", Secret::generate(Kind::AccessToken).expose().to_owned()),
        ("one character changed", damaged),
        ("refresh token", live.refresh.clone()),
        ("refresh token dressed up", live.refresh.replacen("kmr_", "kma_", 1)),
        ("authorization code", code),
        ("browser session", cookie("keymaker_session")),
        ("browser", cookie("keymaker_browser")),
        ("other software's", "mat_ABCDEFGHIJKLMNOPQRSTUVWXYZabcd_AAAAAA".to_owned()),
        ("with a space", format!("{} ", live.access)),
    ];
    for (what, token) in tokens {
        assert_inactive(&server, what, &token).await;
    }
    assert!(server.is_active(&live.access).await);
}

async fn assert_inactive(server: &Server, what: &str, token: &str) {
    let answer = ask(server, token).await;
    let seen = (answer.status, answer.body.as_str(), answer.header("content-type"));
    assert_eq!(seen, (200, INACTIVE, Some("application/json")), "{what}");
}

#[tokio::test]
async fn a_token_stops_when_anything_it_hangs_on_stops() {
    // INT-02, INT-09, INV-05, SCP-08, DEV-14
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let statements: [(&str, Option<&str>, Option<&str>); 3] = [
        (
            "the account is deactivated",
            Some("UPDATE users SET deactivated_at = 1 WHERE username = 'alice'"),
            Some("UPDATE users SET deactivated_at = NULL WHERE username = 'alice'"),
        ),
        (
            "the client is disabled",
            Some("UPDATE clients SET disabled_at = 1 WHERE is_static = FALSE"),
            Some("UPDATE clients SET disabled_at = NULL WHERE is_static = FALSE"),
        ),
        ("the session ended", Some("UPDATE sessions SET ended_at = 1 WHERE kind = 'oauth'"), None),
    ];
    for (what, stop, go_on) in statements {
        let code = server.code("alice", &client_id, MATRIX_SCOPE).await;
        let tokens = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
        assert!(server.is_active(&tokens.access).await, "{what}");
        for (sql, is_active) in [(stop, false), (go_on, true)] {
            let Some(sql) = sql else { continue };
            let mut tx = server.app.db.write().await.unwrap();
            assert!(tx.sql(leak(sql)).execute().await.unwrap() > 0);
            tx.commit().await.unwrap();
            match is_active {
                false => assert_inactive(&server, what, &tokens.access).await,
                true => assert!(server.is_active(&tokens.access).await, "no longer so: {what}"),
            }
        }
    }
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    assert_eq!(server.post("oauth2/revoke", &[("token", &tokens.access)]).await.status, 200);
    assert_inactive(&server, "revoked", &tokens.access).await;

    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    let refreshed = Tokens::of(&server.refresh(&tokens).await, &tokens.client_id);
    assert_inactive(&server, "superseded by a refresh", &tokens.access).await;
    server.clock.advance(5 * MINUTE - SECOND);
    assert!(server.is_active(&refreshed.access).await);
    server.clock.advance(SECOND);
    assert_inactive(&server, "expired", &refreshed.access).await;
}

/// The store takes only text that is compiled in.
fn leak(sql: &str) -> &'static str {
    Box::leak(sql.to_owned().into_boxed_str())
}

#[tokio::test]
async fn a_lock_is_reported_where_nobody_else_enforces_it() {
    // INT-09, DEC-07: `matrix.kind: none` stands for homeservers that check locks themselves.
    for (kind, is_reported) in [("none", false), ("synapse", true)] {
        let homeserver = std::sync::Arc::new(crate::support::homeserver::FakeHomeserver::default());
        let server = Server::setup()
            .with("matrix.kind", kind)
            .with("matrix.endpoint", "http://127.0.0.1:1/")
            .static_client("client_secret_post")
            .homeserver(homeserver.clone())
            .start()
            .await;
        server.user("alice").await;
        homeserver.users.lock().unwrap().insert("alice".to_owned());
        let tokens = server.log_in("alice", MATRIX_SCOPE).await;
        manage::set_locked(&server.app, "alice", true).await.unwrap();
        assert_eq!(server.is_active(&tokens.access).await, !is_reported, "{kind}");
        let form = [("token", tokens.access.as_str()), ("client_id", STATIC_CLIENT), ("client_secret", STATIC_SECRET)];
        let to_a_client = server.post("oauth2/introspect", &form).await;
        assert_eq!(to_a_client.body, INACTIVE, "a client checks no locks");
        let refreshed = Tokens::of(&server.refresh(&tokens).await, &tokens.client_id);
        manage::set_locked(&server.app, "alice", false).await.unwrap();
        assert!(server.is_active(&refreshed.access).await, "REF-09: a lock passes and costs nothing");
    }
}

#[tokio::test]
async fn only_the_homeserver_and_confidential_clients_may_ask() {
    // INT-01, CAU-02
    let server = Server::setup().static_client("client_secret_basic").start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    let mut registered = Vec::new();
    for name in ["one", "two"] {
        let metadata = json!({
            "client_name": name, "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "refresh_token"],
        });
        let body = server.http.post_json("oauth2/registration", &metadata).await.json();
        let text = |member: &str| body[member].as_str().unwrap().to_owned();
        registered.push((text("client_id"), text("client_secret")));
    }
    let browser = server.browser();
    browser.sign_in("alice").await;
    let code =
        response_params(browser.decide(&server.request(&registered[0].0, "openid"), "allow").await.location())["code"]
            .clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &registered[0].0),
        ("client_secret", &registered[0].1),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", crate::support::VERIFIER),
    ];
    let of_one = server.post("oauth2/token", &form).await.json()["access_token"].as_str().unwrap().to_owned();

    let matrix_secret = server.matrix_secret();
    let basic = |id: &str, secret: &str| {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        use base64::{Engine, engine::general_purpose::STANDARD};
        format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(id), encode(secret))))
    };
    let bearer = |secret: &str| format!("Bearer {secret}");
    let credentials =
        |(id, secret): &(String, String)| vec![("client_id", id.clone()), ("client_secret", secret.clone())];
    let public = vec![("client_id", tokens.client_id.clone())];
    // (who asks, Authorization, form, the token asked about, status, what the answer says or its challenge)
    let table = [
        ("the homeserver", Some(bearer(&matrix_secret)), vec![], &tokens.access, 200, "\"active\":true"),
        ("lower case", Some(format!("bearer {matrix_secret}")), vec![], &of_one, 200, "\"active\":true"),
        ("nobody", None, vec![], &tokens.access, 401, "Basic realm=\"Keymaker\""),
        ("a wrong secret", Some(bearer("wrong")), vec![], &tokens.access, 401, "Bearer error=\"invalid_token\""),
        ("an empty secret", Some(bearer("")), vec![], &tokens.access, 401, "Basic realm=\"Keymaker\""),
        (
            "the token itself",
            Some(bearer(&tokens.access)),
            vec![],
            &tokens.access,
            401,
            "Bearer error=\"invalid_token\"",
        ),
        ("a public client", None, public, &tokens.access, 401, "Basic realm=\"Keymaker\""),
        ("the operator's", Some(basic(STATIC_CLIENT, STATIC_SECRET)), vec![], &tokens.access, 200, "\"active\":true"),
        (
            "with a wrong secret",
            Some(basic(STATIC_CLIENT, "no")),
            vec![],
            &tokens.access,
            401,
            "Basic realm=\"Keymaker\"",
        ),
        ("one about its own", None, credentials(&registered[0]), &of_one, 200, "\"active\":true"),
        ("two about one's", None, credentials(&registered[1]), &of_one, 200, "{\"active\":false}"),
        ("one about another", None, credentials(&registered[0]), &tokens.access, 200, "{\"active\":false}"),
    ];
    for (who, authorization, mut form, token, status, says) in table {
        form.push(("token", token.to_owned()));
        let request = server.http.client.post(server.url("oauth2/introspect")).form(&form);
        let request = match authorization {
            Some(authorization) => request.header("authorization", authorization),
            None => request,
        };
        let answer = server.http.send(request).await;
        assert_eq!(answer.status, status, "{who} {}", answer.body);
        match status {
            200 => assert!(answer.body.contains(says), "{who} {}", answer.body),
            _ => assert_eq!(answer.header("www-authenticate"), Some(says), "{who}"),
        }
    }
    let by_url = server.get(&format!("oauth2/introspect?token={}", tokens.access)).await;
    assert_eq!((by_url.status, by_url.header("allow")), (405, Some("POST")));
    let request = server.http.client.post(server.url(&format!("oauth2/introspect?token={}", tokens.access)));
    let request = request.bearer_auth(&matrix_secret).form(&[("token_type_hint", "access_token")]);
    server.http.send(request).await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn a_hint_only_says_where_to_look_first() {
    // RFC 7662 §2.1, INT-11: a refresh token is never a credential for a homeserver.
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    for (token, is_active) in [(&tokens.access, true), (&tokens.refresh, false)] {
        for hint in ["access_token", "refresh_token", "nonsense", ""] {
            let request = server.http.client.post(server.url("oauth2/introspect")).bearer_auth(server.matrix_secret());
            let answer = server.http.send(request.form(&[("token", token.as_str()), ("token_type_hint", hint)])).await;
            assert_eq!(answer.json()["active"], is_active, "{hint}");
        }
    }
}

#[tokio::test]
async fn a_store_that_fails_is_no_answer_about_a_token() {
    // INV-07: an inactive answer would sign people out for good.
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    server.app.db.close().await;
    let form = [("token", tokens.access.as_str()), ("client_id", STATIC_CLIENT), ("client_secret", STATIC_SECRET)];
    let answers = [
        ("introspect", ask(&server, &tokens.access).await),
        ("introspect by a client", server.post("oauth2/introspect", &form).await),
        ("refresh", server.refresh(&tokens).await),
        ("revoke", server.post("oauth2/revoke", &[("token", &tokens.access)]).await),
        ("exchange", server.exchange(&tokens.client_id, Secret::generate(Kind::AuthorizationCode).expose()).await),
        (
            "userinfo",
            server.http.send(server.http.client.get(server.url("oauth2/userinfo")).bearer_auth(&tokens.access)).await,
        ),
        (
            "registration",
            server
                .http
                .post_json(
                    "oauth2/registration",
                    &json!({
                        "client_uri": "https://x.example.com/", "redirect_uris": ["https://x.example.com/"],
                        "token_endpoint_auth_method": "none",
                    }),
                )
                .await,
        ),
    ];
    for (what, answer) in answers {
        assert_eq!(answer.status, 503, "{what} {}", answer.body);
        assert_eq!(answer.error(), "temporarily_unavailable", "{what}");
        assert!(answer.header("retry-after").is_some(), "{what}");
        assert!(!answer.body.contains("active") && !answer.body.contains("sql"), "{what} {}", answer.body);
    }
    let page =
        server.get(&format!("authorize?{}", crate::support::person::encode(&server.request("x", "openid")))).await;
    page.assert_page(503, "<h1>");
    assert!(page.header("retry-after").is_some());
    assert_eq!(server.get("health").await.status, 503);
}

#[tokio::test]
async fn the_homeserver_may_speak_http_2_with_prior_knowledge() {
    // synapse.md §1: `force_http2`
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let request = client
        .post(server.url("oauth2/introspect"))
        .bearer_auth(server.matrix_secret())
        .form(&[("token", &tokens.access)]);
    let response = request.send().await.unwrap();
    assert_eq!(response.version(), reqwest::Version::HTTP_2);
    assert!(response.text().await.unwrap().contains("\"active\":true"));
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_nobody_up() {
    // INV-13
    let server = Server::start().await;
    let address = server.base.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut silent = Vec::new();
    for _ in 0..200 {
        silent.push(tokio::net::TcpStream::connect(&address).await.unwrap());
    }
    assert_eq!(server.get("health").await.status, 200);
    drop(silent);
}
