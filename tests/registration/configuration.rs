//! A client manages its own registration (RFC 7592; spec REG-14, REG-18).

use serde_json::{Value, json};

use crate::support::{REDIRECT_URI, Server, http::Answer};

fn confidential() -> Value {
    json!({
        "client_name": "Wiki", "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "client_credentials"],
    })
}

async fn ask(server: &Server, method: &str, uri: &str, token: Option<&str>, body: Option<&Value>) -> Answer {
    let request = server.http.client.request(method.parse().unwrap(), uri);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    server
        .http
        .send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
}

#[tokio::test]
async fn a_client_with_a_secret_reads_replaces_and_removes_its_registration() {
    // REG-18
    let server = Server::start().await;
    let registered = server.http.post_json("oauth2/registration", &confidential()).await.json();
    let text = |name: &str| registered[name].as_str().unwrap().to_owned();
    let (id, secret, token, uri) =
        (text("client_id"), text("client_secret"), text("registration_access_token"), text("registration_client_uri"));
    let other = server.http.post_json("oauth2/registration", &confidential()).await.json();
    let other_token = other["registration_access_token"].as_str().unwrap();
    assert_eq!(uri, server.url(&format!("oauth2/registration/{id}")));

    let read = ask(&server, "GET", &uri, Some(&token), None).await;
    assert_eq!(read.status, 200, "{}", read.body);
    assert_eq!(read.header("cache-control"), Some("no-store"));
    assert_eq!(read.header("access-control-allow-origin"), None);
    let shown = read.json();
    assert_eq!((&shown["client_id"], &shown["client_name"]), (&json!(id), &json!("Wiki")));
    assert_eq!(shown["registration_access_token"], json!(token));
    assert!(shown.get("client_secret").is_none(), "it is shown once");
    for (case, presented) in [
        ("none", None),
        ("another client's", Some(other_token)),
        ("its secret", Some(secret.as_str())),
        ("rubbish", Some("x")),
    ] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = ask(&server, method, &uri, presented, Some(&json!({}))).await;
            assert_eq!(answer.status, 401, "{method} {case}: {}", answer.body);
        }
    }
    assert_eq!(ask(&server, "POST", &uri, Some(&token), None).await.status, 405);

    let with = |members: Value| {
        let mut body = confidential();
        body.as_object_mut().unwrap().extend(json!({ "client_id": id }).as_object().unwrap().clone());
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        body
    };
    let refused = [
        (json!({ "client_id": "another" }), "invalid_request"),
        (json!({ "client_id": null }), "invalid_request"),
        (json!({ "registration_access_token": token }), "invalid_request"),
        (json!({ "registration_client_uri": uri }), "invalid_request"),
        (json!({ "client_id_issued_at": 1 }), "invalid_request"),
        (json!({ "client_secret_expires_at": 0 }), "invalid_request"),
        (json!({ "client_secret": "wrong" }), "invalid_client_metadata"),
        (json!({ "client_uri": null }), "invalid_client_metadata"),
        (
            json!({ "token_endpoint_auth_method": "none", "grant_types": ["authorization_code"] }),
            "invalid_client_metadata",
        ),
        (json!({ "redirect_uris": ["https://evil.test/"] }), "invalid_redirect_uri"),
    ];
    for (members, error) in refused {
        ask(&server, "PUT", &uri, Some(&token), Some(&with(members))).await.assert_error(400, error);
    }
    let replacement = with(json!({ "client_name": "Wiki 2", "client_secret": secret }));
    let replaced = ask(&server, "PUT", &uri, Some(&token), Some(&replacement)).await;
    assert_eq!((replaced.status, &replaced.json()["client_name"]), (200, &json!("Wiki 2")), "{}", replaced.body);

    let tokens = async |secret: &str| {
        let form = [("grant_type", "client_credentials"), ("client_id", &id), ("client_secret", secret)];
        server.post("oauth2/token", &form).await
    };
    let access = tokens(&secret).await.json()["access_token"].as_str().unwrap().to_owned();
    assert!(server.is_active(&access).await);
    // A method that needs the very text of the secret needs another one.
    let signs = with(json!({ "token_endpoint_auth_method": "client_secret_jwt" }));
    let answer = ask(&server, "PUT", &uri, Some(&token), Some(&signs)).await.json();
    assert!(answer["client_secret"].as_str().is_some_and(|new| new != secret), "{answer}");
    tokens(&secret).await.assert_error(401, "invalid_client");

    let removed = ask(&server, "DELETE", &uri, Some(&token), None).await;
    assert_eq!((removed.status, removed.body.as_str()), (204, ""));
    assert!(!server.is_active(&access).await, "what it had ends with it");
    for method in ["GET", "PUT", "DELETE"] {
        ask(&server, method, &uri, Some(&token), Some(&with(json!({})))).await.assert_error(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_registration_that_strangers_share_is_managed_by_none_of_them() {
    // REG-14, TRP-12
    let server = Server::start().await;
    let mut body = confidential();
    body["token_endpoint_auth_method"] = json!("none");
    body["grant_types"] = json!(["authorization_code"]);
    for _ in 0..2 {
        let registered = server.http.post_json("oauth2/registration", &body).await.json();
        assert!(registered.get("registration_access_token").is_none(), "{registered}");
        assert!(registered.get("registration_client_uri").is_none(), "{registered}");
    }
}
