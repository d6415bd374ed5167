//! What a device asks for first, and what it is refused (DVC-01 to DVC-04, DVC-12).

use keymaker::clock::SECOND;
use serde_json::json;

use crate::support::{MATRIX_SCOPE, STATIC_CLIENT, STATIC_SECRET, Server, device::DEVICE_CODE};

#[tokio::test]
async fn a_device_gets_a_code_for_itself_and_one_for_its_person() {
    // DVC-01, DVC-04, TRP-07, REG-04
    let server = Server::start().await;
    let client_id = server.device_client().await;
    let answer = server.begin(&client_id, MATRIX_SCOPE).await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let body = answer.json();
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(1200), &json!(5)), "numbers, not strings");
    let (device_code, user_code) = (body["device_code"].as_str().unwrap(), body["user_code"].as_str().unwrap());
    assert!(device_code.starts_with("kmd_") && device_code.len() > 40);
    let (head, tail) = user_code.split_once('-').unwrap();
    for group in [head, tail] {
        assert!(group.len() == 4 && group.chars().all(|c| "BCDFGHJKLMNPQRSTVWXZ".contains(c)), "{user_code}");
    }
    assert_eq!(body["verification_uri"], server.url("link"));
    assert_eq!(body["verification_uri_complete"], format!("{}?user_code={user_code}", server.url("link")));
    server.audit.secret(user_code);
}

#[tokio::test]
async fn each_fault_of_a_request_has_its_error() {
    // DVC-02, DVC-03, CMN-03
    let server = Server::setup().static_client("client_secret_post").start().await;
    let (device_client, code_client) = (server.device_client().await, server.client().await);
    let (client, scope) = (("client_id", device_client.as_str()), ("scope", MATRIX_SCOPE));
    type Row<'a> = (&'a [(&'a str, &'a str)], u16, &'static str);
    let table: [Row<'_>; 12] = [
        (&[client, scope], 200, ""),
        (&[client, scope, ("prompt", "create"), ("login_hint", "mxid:@alice:hs.test")], 200, ""),
        (&[scope], 401, "invalid_client"),
        (&[("client_id", "nobody"), scope], 401, "invalid_client"),
        (&[client, ("client_secret", "a secret"), scope], 401, "invalid_client"),
        (&[("client_id", STATIC_CLIENT), scope], 401, "invalid_client"),
        (&[("client_id", STATIC_CLIENT), ("client_secret", STATIC_SECRET), scope], 400, "unauthorized_client"),
        (&[("client_id", &code_client), scope], 400, "unauthorized_client"),
        (&[client], 400, "invalid_scope"),
        (&[client, ("scope", "urn:matrix:client:api:*")], 400, "invalid_scope"),
        (&[client, ("scope", "urn:matrix:client:device:ABCDEFGHIJ")], 400, "invalid_scope"),
        (&[client, scope, scope], 400, "invalid_request"),
    ];
    for (form, status, error) in table {
        let answer = server.post("oauth2/device_authorization", form).await;
        let found = answer.json()["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!((answer.status, found.as_str()), (status, error), "{form:?}");
    }
    assert_eq!(server.get("oauth2/device_authorization").await.status, 405);
    let elsewhere = format!("oauth2/device_authorization?client_id={device_client}&scope=openid");
    server.post(&elsewhere, &[]).await.assert_error(401, "invalid_client");
}

#[tokio::test]
async fn where_it_is_switched_off_it_is_neither_offered_nor_done() {
    // DVC-02, DVC-14, REG-05, DSC-02
    let server = Server::setup().with("device_grant.enabled", "false").start().await;
    let metadata = server.get(".well-known/openid-configuration").await.json();
    assert!(metadata.get("device_authorization_endpoint").is_none());
    assert!(!metadata["grant_types_supported"].as_array().unwrap().contains(&json!(DEVICE_CODE)));
    let client = json!({
        "client_uri": "https://tv.example.com/", "token_endpoint_auth_method": "none",
        "redirect_uris": ["https://tv.example.com/cb"],
        "grant_types": [DEVICE_CODE, "authorization_code", "refresh_token"],
    });
    let answer = server.http.post_json("oauth2/registration", &client).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert_eq!(answer.json()["grant_types"], json!(["authorization_code", "refresh_token"]));
    let client_id = answer.json()["client_id"].as_str().unwrap().to_owned();
    server.begin(&client_id, MATRIX_SCOPE).await.assert_error(400, "unsupported_grant_type");
    server.poll_as(&client_id, "kmd_anything").await.assert_error(400, "unsupported_grant_type");
    assert_eq!(server.get("link").await.status, 404);
    assert_eq!(server.get("link/qr?user_code=BCDF-GHJK").await.status, 404);
    // REG-03: nothing else was left of this one.
    let client = json!({ "client_uri": "https://tv.example.com/", "token_endpoint_auth_method": "none",
        "grant_types": [DEVICE_CODE, "refresh_token"] });
    server.http.post_json("oauth2/registration", &client).await.assert_error(400, "invalid_client_metadata");
}

#[tokio::test]
async fn what_is_set_is_what_devices_are_told() {
    // DVC-01, DVC-14
    let server = Server::setup()
        .with("device_grant.expires_in", "300")
        .with("device_grant.interval", "7")
        .with("device_grant.prefilled_link", "false")
        .start()
        .await;
    let client_id = server.device_client().await;
    let answer = server.begin(&client_id, MATRIX_SCOPE).await;
    let body = answer.json();
    assert_eq!((&body["expires_in"], &body["interval"]), (&json!(300), &json!(7)));
    assert!(body.get("verification_uri_complete").is_none());
    assert_eq!(server.get("link/qr?user_code=BCDF-GHJK").await.status, 404, "no picture of a link that is not there");
    // And the form is not filled in.
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    assert!(!browser.get("link?user_code=BCDF-GHJK").await.body.contains("BCDF-GHJK"));
}

#[tokio::test]
async fn a_confidential_client_of_the_configuration_proves_itself_both_times() {
    // DVC-02, CAU-01
    let server = Server::setup()
        .static_client("client_secret_post")
        .with("clients.0.grant_types", "[device_code, refresh_token]")
        .start()
        .await;
    server.user("alice").await;
    let secret = [("client_id", STATIC_CLIENT), ("client_secret", STATIC_SECRET)];
    let form = [secret[0], secret[1], ("scope", "openid")];
    let body = server.post("oauth2/device_authorization", &form).await.json();
    let (device_code, user_code) = (body["device_code"].as_str().unwrap(), body["user_code"].as_str().unwrap());
    let browser = server.browser();
    browser.sign_in("alice").await;
    let question = browser.find_device(user_code).await;
    question.assert_page(200, "The wiki");
    browser.decide_on(&question, "allow").await;
    server.poll_as(STATIC_CLIENT, device_code).await.assert_error(401, "invalid_client");
    let form = [secret[0], secret[1], ("grant_type", DEVICE_CODE), ("device_code", device_code)];
    let answer = server.post("oauth2/token", &form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.json()["id_token"].is_string(), "OIDC Core: openid was granted");
}

#[tokio::test]
async fn what_is_over_is_forgotten_a_day_later() {
    // DVC-09, INV-15
    let server = Server::start().await;
    let device = server.device().await;
    let count = async || server.app.db.sql("SELECT COUNT(*) FROM device_grants").one::<(i64,)>().await.unwrap().0;
    server.clock.advance(1200 * SECOND);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    assert_eq!(count().await, 1);
    server.poll(&device).await.assert_error(400, "expired_token");
    server.clock.advance(24 * 3600 * SECOND + SECOND);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    assert_eq!(count().await, 0);
    server.poll(&device).await.assert_error(400, "invalid_grant");
}
