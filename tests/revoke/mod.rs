//! Revocation (RFC 7009; spec area 6): any token of a session ends it, whoever presents it and whatever they say of it.

use keymaker::{
    clock::MINUTE,
    crypto::secret::{Kind, Secret},
};
use serde_json::json;

use crate::support::{MATRIX_SCOPE, STATIC_CLIENT, STATIC_SECRET, Server, Tokens};

/// What is presented, and whether the session ends by it.
const PRESENTED: [(&str, bool); 9] = [
    ("access token", true),
    ("expired access token", true),
    ("superseded access token", true),
    ("refresh token", true),
    ("superseded refresh token", true),
    ("long superseded refresh token", true),
    ("garbage", false),
    ("unknown access token", false),
    ("unknown refresh token", false),
];

#[tokio::test]
async fn whatever_belongs_to_a_session_ends_it_and_the_answer_is_always_the_same() {
    // REV-01, REV-03 to REV-06, T of area 6: {token} × {hint right, wrong, unknown, absent} × {client right, wrong, absent}
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let other = server
        .register(json!({
            "client_uri": "https://other.example.org/", "redirect_uris": ["https://other.example.org/"],
            "token_endpoint_auth_method": "none",
        }))
        .await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let hints = [Some("access_token"), Some("refresh_token"), Some("nonsense"), None];
    let clients = [Some(client_id.as_str()), Some(other.as_str()), Some("unknown"), None];
    for (what, ends) in PRESENTED {
        for (hint, client) in hints.into_iter().flat_map(|hint| clients.map(|client| (hint, client))) {
            // All combinations of the three that clients use; the rest once each, for the sake of time.
            let is_common = ["access token", "refresh token", "expired access token"].contains(&what);
            if !is_common && hint.is_some() && client.is_some() {
                continue;
            }
            let code = browser.allow(&server.request(&client_id, "openid")).await;
            let first = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
            let second = Tokens::of(&server.refresh(&first).await, &client_id);
            let mut last = second.clone();
            if what == "long superseded refresh token" {
                last = Tokens::of(&server.refresh(&second).await, &client_id);
            }
            let unknown = |kind| Secret::generate(kind).expose().to_owned();
            let token = match what {
                "access token" | "expired access token" => last.access.clone(),
                "superseded access token" => first.access,
                "refresh token" => last.refresh.clone(),
                "superseded refresh token" | "long superseded refresh token" => first.refresh,
                "unknown access token" => unknown(Kind::AccessToken),
                "unknown refresh token" => unknown(Kind::RefreshToken),
                other => other.to_owned(),
            };
            if what == "expired access token" {
                server.clock.advance(6 * MINUTE);
            }
            let mut form = vec![("token", token.as_str())];
            form.extend(hint.map(|hint| ("token_type_hint", hint)));
            form.extend(client.map(|client| ("client_id", client)));
            for attempt in ["first", "second"] {
                let answer = server.post("oauth2/revoke", &form).await;
                let seen = (answer.status, answer.body.as_str(), answer.header("content-type"));
                assert_eq!(seen, (200, "{}", Some("application/json")), "{what} {hint:?} {client:?} {attempt}");
                assert_eq!(answer.header("cache-control"), Some("no-store"));
            }
            let refreshed = server.refresh(&last).await;
            match ends {
                true => refreshed.assert_error(400, "invalid_grant"),
                false => assert_eq!(refreshed.status, 200, "{what}"),
            }
            assert!(!ends || !server.is_active(&last.access).await, "{what} {hint:?} {client:?}");
        }
    }
    assert_eq!(browser.get("account/").await.status, 200, "REV-09: the browser stays signed in");
}

#[tokio::test]
async fn what_is_no_token_of_an_application_is_left_alone() {
    // CMN-20, REV-09: a cookie is not ended here, and a code is not burnt.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let code = browser.allow(&server.request(&client_id, "openid")).await;
    let cookies = browser.http.cookies();
    let mut secrets: Vec<&str> = cookies.split("; ").filter_map(|cookie| Some(cookie.split_once('=')?.1)).collect();
    assert_eq!(secrets.len(), 2);
    secrets.push(&code);
    for secret in secrets {
        for dressed_up in [secret.to_owned(), secret.replacen(&secret[..4], "kma_", 1)] {
            assert_eq!(server.post("oauth2/revoke", &[("token", &dressed_up)]).await.body, "{}");
        }
    }
    assert_eq!(browser.get("account/").await.status, 200);
    assert_eq!(server.exchange(&client_id, &code).await.status, 200);
}

#[tokio::test]
async fn credentials_that_are_presented_have_to_be_right() {
    // REV-06, REV-07, CAU-01
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", MATRIX_SCOPE).await;
    let token = tokens.access.as_str();
    let post = |id, secret| vec![("client_id", id), ("client_secret", secret)];
    let table = [
        (None, post(STATIC_CLIENT, "wrong"), 401, "invalid_client"),
        (None, post("unknown", STATIC_SECRET), 401, "invalid_client"),
        (None, post(&tokens.client_id, "a public client has none"), 401, "invalid_client"),
        (Some((STATIC_CLIENT, "wrong")), vec![], 401, "invalid_client"),
        (Some((STATIC_CLIENT, "wrong")), post(STATIC_CLIENT, STATIC_SECRET), 400, "invalid_request"),
    ];
    for (basic, mut form, status, error) in table {
        form.push(("token", token));
        let request = server.http.client.post(server.url("oauth2/revoke")).form(&form);
        let request = match basic {
            Some((id, secret)) => request.basic_auth(id, Some(secret)),
            None => request,
        };
        server.http.send(request).await.assert_error(status, error);
        assert!(server.is_active(token).await, "a refused request ends nothing");
    }
    server.post("oauth2/revoke", &[("client_id", STATIC_CLIENT)]).await.assert_error(400, "invalid_request");
    server.post("oauth2/revoke", &[("token", "")]).await.assert_error(400, "invalid_request");
    server.post("oauth2/revoke", &[("token", token), ("token", token)]).await.assert_error(400, "invalid_request");
    let in_url = server.http.client.post(server.url(&format!("oauth2/revoke?token={token}"))).form(&[("x", "y")]);
    server.http.send(in_url).await.assert_error(400, "invalid_request");
    assert_eq!(server.get(&format!("oauth2/revoke?token={token}")).await.status, 405);
    assert!(server.is_active(token).await);

    // The right credentials of another client are no obstacle: a scanner that found a token does right to present it.
    let mut form = post(STATIC_CLIENT, STATIC_SECRET);
    form.push(("token", token));
    assert_eq!(server.post("oauth2/revoke", &form).await.status, 200);
    assert!(!server.is_active(token).await);
}

#[tokio::test]
async fn the_sessions_of_others_go_on() {
    // REV-01
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let mut sessions = Vec::new();
    for device in ["AAAAAAAAAA", "BBBBBBBBBB"] {
        let scope = format!("urn:matrix:client:api:* urn:matrix:client:device:{device}");
        let code = browser.allow(&server.request(&client_id, &scope)).await;
        sessions.push(Tokens::of(&server.exchange(&client_id, &code).await, &client_id));
    }
    assert_eq!(server.post("oauth2/revoke", &[("token", &sessions[0].refresh)]).await.status, 200);
    assert!(!server.is_active(&sessions[0].access).await && server.is_active(&sessions[1].access).await);
    let page = browser.get("account/devices").await;
    assert!(page.body.contains("BBBBBBBBBB") && !page.body.contains("AAAAAAAAAA"), "{}", page.body);
}
