//! The token endpoint: the exchange of a code, and tokens for a client itself (spec area 4).

use keymaker::clock::SECOND;
use serde_json::json;

use crate::support::{MATRIX_SCOPE, REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server, Tokens, VERIFIER};

#[tokio::test]
async fn a_code_is_exchanged_for_tokens_that_the_homeserver_accepts() {
    // TOK-10, INT-03
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, MATRIX_SCOPE).await;
    let answer = server.exchange(&client_id, &code).await;
    let body = answer.json();
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&json!("Bearer"), &json!(300), &json!(MATRIX_SCOPE))
    );
    assert!(body.get("id_token").is_none(), "no ID token without openid");

    let introspection = server.introspect(body["access_token"].as_str().unwrap()).await;
    assert_eq!(introspection["active"], true);
    assert_eq!(introspection["username"], "alice");
    assert_eq!(introspection["client_id"], client_id.as_str());
    let expected = "urn:matrix:client:api:* urn:matrix:org.matrix.msc2967.client:api:* \
                    urn:matrix:client:device:ABCDEFGHIJ urn:matrix:org.matrix.msc2967.client:device:ABCDEFGHIJ";
    let mut scopes: Vec<&str> = introspection["scope"].as_str().unwrap().split(' ').collect();
    let mut wanted: Vec<&str> = expected.split_whitespace().collect();
    scopes.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(scopes, wanted);
}

#[tokio::test]
async fn each_check_of_the_exchange_refuses() {
    // TOK-01, TOK-02, TOK-04, AUT-04
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let other = server
        .register(json!({
            "client_uri": "https://other.example.org/", "redirect_uris": [REDIRECT_URI.replace("app.example.com", "other.example.org")],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await;
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", client_id.as_str()),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let unknown = keymaker::crypto::secret::Secret::generate(keymaker::crypto::secret::Kind::AuthorizationCode);
    let wrong_verifier = VERIFIER.replace('d', "e");
    // (changed parameter, its value or nothing, expected error, does the code survive)
    let table: [(&str, Option<&str>, &str, bool); 9] = [
        ("code", None, "invalid_request", true),
        ("code", Some("garbage"), "invalid_grant", true),
        ("code", Some(unknown.expose()), "invalid_grant", true),
        ("redirect_uri", None, "invalid_request", true),
        ("redirect_uri", Some("https://app.example.com/callback/"), "invalid_grant", true),
        ("client_id", Some(&other), "invalid_grant", true),
        ("code_verifier", None, "invalid_request", true),
        ("code_verifier", Some("short"), "invalid_grant", false),
        ("code_verifier", Some(&wrong_verifier), "invalid_grant", false),
    ];
    for (name, value, error, survives) in table {
        let code = server.code("alice", &client_id, "openid").await;
        let mut form: Vec<(&str, &str)> = good.to_vec();
        form.push(("code", &code));
        form.retain(|(key, _)| *key != name);
        form.extend(value.map(|value| (name, value)));
        server.post("oauth2/token", &form).await.assert_error(400, error);
        let again = server.exchange(&client_id, &code).await.status;
        assert_eq!(again == 200, survives, "{name} {value:?}");
    }
}

#[tokio::test]
async fn a_verifier_for_a_code_without_a_challenge_is_a_downgrade() {
    // TOK-04
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let request =
        [("response_type", "code"), ("client_id", STATIC_CLIENT), ("redirect_uri", REDIRECT_URI), ("scope", "openid")];
    let code = browser.allow(&request).await;
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", STATIC_CLIENT),
        ("client_secret", STATIC_SECRET),
        ("redirect_uri", REDIRECT_URI),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    server.post("oauth2/token", &form).await.assert_error(400, "invalid_grant");
    form.pop();
    assert_eq!(server.post("oauth2/token", &form).await.status, 200);
}

#[tokio::test]
async fn a_code_lives_for_a_minute() {
    // AUT-12
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, "openid").await;
    server.clock.advance(61 * SECOND);
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_second_exchange_within_seconds_is_refused_and_later_ends_the_session() {
    // TOK-03, DEC-05
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, "openid").await;
    let tokens = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
    assert!(server.is_active(&tokens.access).await, "a lost response costs nobody a session");
    server.clock.advance(21 * SECOND);
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
    assert!(!server.is_active(&tokens.access).await);
    server.refresh(&tokens).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_stolen_code_ends_the_session_at_once() {
    // TOK-03: whoever presents a used code without its verifier is not the client that lost a response.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, "openid").await;
    let tokens = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
    let wrong = VERIFIER.replace('d', "e");
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &client_id),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", &wrong),
    ];
    server.post("oauth2/token", &form).await.assert_error(400, "invalid_grant");
    assert!(!server.is_active(&tokens.access).await);
}

#[tokio::test]
async fn of_twenty_parallel_exchanges_of_one_code_exactly_one_succeeds() {
    // CMN-09, INV-01, TST-04
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    for _ in 0..3 {
        let code = server.code("alice", &client_id, MATRIX_SCOPE).await;
        let exchanges = (0..20).map(|_| server.exchange(&client_id, &code));
        let answers = futures_util::future::join_all(exchanges).await;
        let succeeded = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(succeeded, 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.assert_error(400, "invalid_grant");
        }
    }
}

#[tokio::test]
async fn a_login_on_the_same_device_ends_the_older_session() {
    // TOK-13
    let server = Server::start().await;
    server.user("alice").await;
    let first = server.log_in("alice", MATRIX_SCOPE).await;
    let second = server.log_in("alice", MATRIX_SCOPE).await;
    assert!(!server.is_active(&first.access).await);
    assert!(server.is_active(&second.access).await);
    server.refresh(&first).await.assert_error(400, "invalid_grant");
    assert_eq!(server.refresh(&second).await.status, 200);
}

#[tokio::test]
async fn a_locked_user_cannot_finish_a_login_and_a_signed_out_browser_neither() {
    // TOK-01, INV-05
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, "openid").await;
    keymaker::flows::manage::set_locked(&server.app, "alice", true).await.unwrap();
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
    keymaker::flows::manage::set_locked(&server.app, "alice", false).await.unwrap();

    let browser = server.browser();
    browser.sign_in("alice").await;
    let code = browser.allow(&server.request(&client_id, "openid")).await;
    let (_, page) = browser.open("logout").await;
    assert_eq!(browser.submit(&page, &[]).await.status, 200);
    server.exchange(&client_id, &code).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn the_token_endpoint_takes_forms_by_post_and_nothing_twice() {
    // CMN-03, CMN-05, CMN-18
    let server = Server::start().await;
    let client_id = server.client().await;
    let twice = [("grant_type", "refresh_token"), ("client_id", &client_id), ("client_id", &client_id)];
    server.post("oauth2/token", &twice).await.assert_error(400, "invalid_request");
    let json = server.http.post_json("oauth2/token", &json!({ "grant_type": "refresh_token" })).await;
    json.assert_error(400, "invalid_request");
    let get = server.get("oauth2/token?grant_type=refresh_token").await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
    let unsupported = [("grant_type", "password"), ("client_id", client_id.as_str()), ("username", "a")];
    server.post("oauth2/token", &unsupported).await.assert_error(400, "unsupported_grant_type");
    let unregistered = [("grant_type", "client_credentials"), ("client_id", client_id.as_str())];
    server.post("oauth2/token", &unregistered).await.assert_error(400, "unauthorized_client");
    server.post("oauth2/token", &[("client_id", &client_id)]).await.assert_error(400, "invalid_request");
    let large = "x".repeat(70_000);
    let answer = server.post("oauth2/token", &[("grant_type", &large)]).await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn client_authentication_takes_exactly_the_registered_method() {
    // CAU-01, CAU-02
    for registered in ["client_secret_basic", "client_secret_post"] {
        let server = Server::setup().static_client(registered).start().await;
        let public = server.client().await;
        let token = |basic: Option<(&str, &str)>, form: Vec<(&'static str, String)>| {
            let mut request = server.http.client.post(server.url("oauth2/token"));
            if let Some((id, secret)) = basic {
                let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
                request = request.basic_auth(encode(id), Some(encode(secret)));
            }
            let mut form = form;
            form.push(("grant_type", "client_credentials".to_owned()));
            let request = request.form(&form);
            let http = server.http.clone();
            async move { http.send(request).await }
        };
        let id = || ("client_id", STATIC_CLIENT.to_owned());
        let secret = || ("client_secret", STATIC_SECRET.to_owned());
        let by_basic = token(Some((STATIC_CLIENT, STATIC_SECRET)), vec![]).await;
        let by_post = token(None, vec![id(), secret()]).await;
        let (right, wrong) =
            if registered == "client_secret_basic" { (by_basic, by_post) } else { (by_post, by_basic) };
        assert_eq!(right.status, 200, "{}", right.body);
        assert!(right.json().get("refresh_token").is_none() && right.json()["scope"] == "");
        wrong.assert_error(401, "invalid_client");
        // Unknown and wrong look alike.
        let none = token(None, vec![id()]).await;
        let wrong_secret = token(Some((STATIC_CLIENT, "wrong")), vec![]).await;
        let unknown = token(Some(("nobody", STATIC_SECRET)), vec![]).await;
        let public_with_secret = token(Some((&public, "anything")), vec![]).await;
        for answer in [&none, &wrong_secret, &unknown, &public_with_secret] {
            answer.assert_error(401, "invalid_client");
            assert_eq!(answer.body, none.body);
        }
        assert!(wrong_secret.header("www-authenticate").unwrap().starts_with("Basic"));
        token(Some((STATIC_CLIENT, STATIC_SECRET)), vec![id(), secret()]).await.assert_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_client_acting_for_itself_gets_no_persons_scope() {
    // SCP-11
    let server = Server::setup().static_client("client_secret_post").start().await;
    for scope in [MATRIX_SCOPE, "openid", "urn:synapse:admin:*"] {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", STATIC_CLIENT),
            ("client_secret", STATIC_SECRET),
            ("scope", scope),
        ];
        server.post("oauth2/token", &form).await.assert_error(400, "invalid_scope");
    }
}
