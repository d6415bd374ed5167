//! Dynamic client registration over HTTP (RFC 7591, MSC2966; spec area 2). The rules have their tables in
//! domain/client.rs and domain/redirect_uri.rs; here is what a client sees of them.

mod configuration;

use serde_json::{Value, json};

use crate::support::{
    MATRIX_SCOPE, REDIRECT_URI, Server, VERIFIER, changed,
    http::Answer,
    person::{attribute, response_params},
};

async fn register(server: &Server, body: &Value) -> Answer {
    server.http.post_json("oauth2/registration", body).await
}

fn public_client() -> Value {
    json!({
        "client_name": "Example App",
        "client_uri": "https://app.example.com/",
        "logo_uri": "https://cdn.app.example.com/logo.png",
        "tos_uri": "https://app.example.com/tos",
        "policy_uri": "https://app.example.com/privacy",
        "redirect_uris": [REDIRECT_URI, "https://app.example.com/other"],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
        "client_name#fr": "Appli d'exemple",
    })
}

#[tokio::test]
async fn what_is_kept_is_echoed_and_what_is_not_is_absent() {
    // REG-07, REG-09, REG-10, CMN-02, CMN-10, CMN-11
    let server = Server::start().await;
    let mut body = public_client();
    body["something_unknown"] = json!({ "a": 1 });
    body["software_version"] = Value::Null;
    body["grant_types"] = json!(["authorization_code", "urn:example:unknown", "refresh_token", "password"]);
    let answer = register(&server, &body).await;
    assert_eq!((answer.status, answer.header("content-type")), (201, Some("application/json")));
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), (Some("no-store"), Some("no-cache")));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let mut echoed = answer.json();
    let members = echoed.as_object_mut().unwrap();
    let client_id = members.remove("client_id").unwrap().as_str().unwrap().to_owned();
    assert!(client_id.len() >= 20 && client_id.bytes().all(|b| b.is_ascii_alphanumeric()), "{client_id}");
    let issued_at = members.remove("client_id_issued_at").unwrap().as_i64().unwrap();
    assert!((server.clock.now() / 1000 - issued_at).abs() <= 60, "seconds, not milliseconds");
    assert_eq!(echoed, public_client(), "no secret, no unknown member, nothing null");
}

#[tokio::test]
async fn the_same_client_gets_the_same_id_and_another_client_another() {
    // REG-13
    let server = Server::start().await;
    let id = async |body: &Value| register(&server, body).await.json()["client_id"].as_str().unwrap().to_owned();
    let first = id(&public_client()).await;
    let mut permuted = serde_json::Map::new();
    for (member, value) in public_client().as_object().unwrap().iter().rev() {
        let mut value = value.clone();
        if let Some(list) = value.as_array_mut() {
            list.reverse();
        }
        permuted.insert(member.clone(), value);
    }
    assert_eq!(id(&Value::Object(permuted)).await, first);
    let differences = [
        ("redirect_uris", json!([REDIRECT_URI])),
        ("redirect_uris", json!([REDIRECT_URI, "https://app.example.com/other", "https://app.example.com/third"])),
        ("client_name", json!("Example app")),
        ("client_name#fr", json!("Autre")),
        ("client_uri", json!("https://app.example.com")),
        ("grant_types", json!(["authorization_code"])),
        ("application_type", json!("native")),
    ];
    let mut ids = vec![first];
    for (member, value) in differences {
        let mut body = public_client();
        body[member] = value;
        ids.push(id(&body).await);
    }
    // Whoever holds a secret shares it with nobody.
    let mut confidential = public_client();
    confidential["token_endpoint_auth_method"] = json!("client_secret_basic");
    ids.extend([id(&confidential).await, id(&confidential).await]);
    let different: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "{ids:?}");
}

#[tokio::test]
async fn twenty_first_registrations_at_once_give_one_client() {
    // REG-13, TST-04
    let server = Server::start().await;
    let body = public_client();
    let answers = futures_util::future::join_all((0..20).map(|_| register(&server, &body))).await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    let ids: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.json()["client_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1);
    let rows: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM clients").one().await.unwrap();
    assert_eq!(rows.0, 1);
}

#[tokio::test]
async fn a_confidential_client_gets_a_secret_that_works_in_the_way_it_registered() {
    // REG-09, REG-11, CAU-01
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    // RFC 7591 §2: without a method it is `client_secret_basic`.
    for (method, is_basic) in [(None, true), (Some("client_secret_basic"), true), (Some("client_secret_post"), false)] {
        let mut body = public_client();
        match method {
            Some(method) => body["token_endpoint_auth_method"] = json!(method),
            None => drop(body.as_object_mut().unwrap().remove("token_endpoint_auth_method")),
        }
        let answer = register(&server, &body).await;
        assert_eq!((answer.status, answer.header("cache-control")), (201, Some("no-store")));
        let registered = answer.json();
        assert_eq!(registered["client_secret_expires_at"], 0);
        assert_eq!(registered["token_endpoint_auth_method"], method.unwrap_or("client_secret_basic"));
        let (id, secret) = (registered["client_id"].as_str().unwrap(), registered["client_secret"].as_str().unwrap());
        assert!(secret.len() >= 43, "256 bits");
        let code = browser.allow(&server.request(id, "openid")).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let exchange = |with_secret: &str, is_basic| {
            let request = server.http.client.post(server.url("oauth2/token"));
            let request = match is_basic {
                true => request.basic_auth(id, Some(with_secret)).form(&form),
                false => request.form(&[&form[..], &[("client_id", id), ("client_secret", with_secret)]].concat()),
            };
            let http = server.http.clone();
            async move { http.send(request).await }
        };
        exchange("wrong", is_basic).await.assert_error(401, "invalid_client");
        exchange(secret, !is_basic).await.assert_error(401, "invalid_client");
        assert_eq!(exchange(secret, is_basic).await.status, 200, "a wrong secret burns no code");
    }
}

#[tokio::test]
async fn a_client_has_a_name_in_the_readers_language() {
    // REG-08
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.register(public_client()).await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    for (ui_locales, name) in [("fr", "Appli d'exemple"), ("fr-CA", "Appli d'exemple"), ("en", "Example App")] {
        let request = changed(&server.request(&client_id, "openid"), "ui_locales", Some(ui_locales));
        let (_, page) = browser.arrive(&request).await;
        assert!(page.body.replace("&#39;", "'").contains(&format!("<bdi>{name}</bdi>")), "{ui_locales} {}", page.body);
        assert_eq!(attribute(&page.body, "<html lang=\"").as_deref(), Some(&ui_locales[..2]));
    }
}

#[tokio::test]
async fn what_the_sdks_send_is_accepted_and_leads_to_tokens() {
    // spec area 25, REG-04
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let js_sdk = json!({
        "client_name": "Element", "client_uri": "https://app.element.example/", "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"],
        "redirect_uris": ["https://app.element.example/?no_universal_links=true"], "id_token_signed_response_alg": "RS256",
        "token_endpoint_auth_method": "none", "application_type": "web", "logo_uri": "https://app.element.example/logo.png",
    });
    let rust_sdk = json!({
        "application_type": "native", "client_name": "Element X", "client_uri": "https://element.example/",
        "grant_types": ["authorization_code", "refresh_token"], "redirect_uris": ["example.element:/callback"],
        "token_endpoint_auth_method": "none", "client_name#fr": "Élément X",
    });
    for body in [js_sdk, rust_sdk] {
        let answer = register(&server, &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let client_id = answer.json()["client_id"].as_str().unwrap().to_owned();
        let uri = body["redirect_uris"][0].as_str().unwrap();
        let request = changed(&server.request(&client_id, MATRIX_SCOPE), "redirect_uri", Some(uri));
        let request = changed(&request, "response_mode", Some("fragment"));
        let location = browser.decide(&request, "allow").await.location().to_owned();
        assert!(location.starts_with(&format!("{uri}#")), "{location}");
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", &client_id),
            ("code", &response_params(&location)["code"]),
            ("redirect_uri", uri),
            ("code_verifier", VERIFIER),
        ];
        assert_eq!(server.post("oauth2/token", &form).await.status, 200);
    }
    // A client of the device grant has nowhere to be redirected to, whether it says so or leaves the members out.
    for members in [json!({}), json!({ "response_types": [], "redirect_uris": [] })] {
        let mut body = json!({
            "client_name": "Terminal", "client_uri": "https://terminal.example.com/", "application_type": "native",
            "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
            "token_endpoint_auth_method": "none",
        });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let answer = register(&server, &body).await;
        assert_eq!((answer.status, &answer.json()["response_types"]), (201, &json!([])), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_refusal_says_which_error_and_in_few_characters() {
    // REG-01 to REG-03, REG-12, CMN-01, C-G4
    let server = Server::start().await;
    let with = |member: &str, value: Value| {
        let mut body = public_client();
        body[member] = value;
        body
    };
    let table = [
        (json!([]), "invalid_client_metadata"),
        (json!("text"), "invalid_client_metadata"),
        (with("client_uri", Value::Null), "invalid_client_metadata"),
        (with("client_uri", json!("http://app.example.com/")), "invalid_client_metadata"),
        (with("client_name", json!(7)), "invalid_client_metadata"),
        (with("tos_uri", json!("https://evil.test/\"é\\")), "invalid_client_metadata"),
        (with("client_name#é\"", json!("x")), "invalid_client_metadata"),
        (with("token_endpoint_auth_method", json!("tls_client_auth")), "invalid_client_metadata"),
        (with("redirect_uris", json!([])), "invalid_redirect_uri"),
        (with("redirect_uris", json!([REDIRECT_URI, "https://evil.test/"])), "invalid_redirect_uri"),
        (with("redirect_uris", json!(["http://127.0.0.1/"])), "invalid_redirect_uri"),
        (with("software_statement", json!("x")), "invalid_software_statement"),
        (with("software_statement", json!("eyJhbGciOiJSUzI1NiJ9.e30.c2ln")), "unapproved_software_statement"),
    ];
    for (body, error) in table {
        let answer = register(&server, &body).await;
        answer.assert_error(400, error);
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
        let description = answer.json()["error_description"].as_str().unwrap().to_owned();
        let is_allowed = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(!description.is_empty() && description.bytes().all(is_allowed), "{description}");
    }
    let rows: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM clients").one().await.unwrap();
    assert_eq!(rows.0, 0);
}

#[tokio::test]
async fn what_is_no_json_of_a_sane_size_is_refused_before_it_is_read() {
    // CMN-14, REG-01, INV-13
    let server = Server::start().await;
    let send = |body: Vec<u8>| {
        let request =
            server.http.client.post(server.url("oauth2/registration")).header("content-type", "application/json");
        let (http, request) = (server.http.clone(), request.body(body));
        async move { http.send(request).await }
    };
    for body in ["", "{", "null", "[[[[", "{\"client_uri\": \"https://a.example.com/\"} x"] {
        send(body.as_bytes().to_vec()).await.assert_error(400, "invalid_client_metadata");
    }
    send(vec![0xff, 0xfe, 0x00]).await.assert_error(400, "invalid_client_metadata");
    send("[".repeat(60_000).into_bytes()).await.assert_error(400, "invalid_client_metadata");
    let mut large = public_client();
    large["contacts"] = json!(["x".repeat(70_000)]);
    let answer = send(large.to_string().into_bytes()).await;
    assert_eq!((answer.status, answer.error().as_str()), (413, "invalid_request"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let get = server.get("oauth2/registration").await;
    assert_eq!((get.status, get.header("allow")), (405, Some("POST")));
}
