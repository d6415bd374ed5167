//! What a client asks to be told beside the scope (`claims`, OIDC Core §5.5; spec OID-10), the class of login that it cannot do
//! without (PRM-05), and for which service its tokens are (RFC 8707).

use serde_json::{Value, json};

use crate::support::{
    MATRIX_SCOPE, PASSWORD, REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server, VERIFIER, changed, claims_of,
    person::{Person, encode, response_params},
};

const API: &str = "https://api.example.com/v1";
const FORUM: &str = "urn:example:forum";

async fn server() -> Server {
    let server = Server::setup()
        .static_client("client_secret_post")
        .with("authorization.resources", format!("[\"{API}\", \"{FORUM}\"]"))
        .start()
        .await;
    let register = keymaker::flows::manage::register_user;
    register(&server.app, "alice", Some(PASSWORD), Some("alice@example.com"), false).await.unwrap();
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE users SET display_name = 'Alice'").execute().await.unwrap();
    tx.commit().await.unwrap();
    server
}

async fn redeem(server: &Server, code: &str, more: &[(&str, &str)]) -> crate::support::http::Answer {
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", STATIC_CLIENT),
        ("client_secret", STATIC_SECRET),
        ("code", code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    form.extend_from_slice(more);
    server.post("oauth2/token", &form).await
}

async fn refresh(server: &Server, tokens: &Value, more: &[(&str, &str)]) -> crate::support::http::Answer {
    let mut form = vec![
        ("grant_type", "refresh_token"),
        ("client_id", STATIC_CLIENT),
        ("client_secret", STATIC_SECRET),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    form.extend_from_slice(more);
    server.post("oauth2/token", &form).await
}

async fn userinfo(server: &Server, tokens: &Value) -> Value {
    let request = server.http.client.get(server.url("oauth2/userinfo"));
    server.http.send(request.bearer_auth(tokens["access_token"].as_str().unwrap())).await.json()
}

async fn alice(server: &Server) -> Person {
    let browser = server.browser();
    browser.sign_in("alice").await;
    browser
}

#[tokio::test]
async fn what_is_asked_for_is_told_where_it_is_asked_for_and_after_a_refresh_too() {
    // OID-10, conformance 35
    let server = server().await;
    let browser = alice(&server).await;
    let table = [
        (json!({ "userinfo": { "name": { "essential": true } } }), vec!["name"], vec![]),
        (
            json!({ "userinfo": { "email": null, "email_verified": null, "shoe_size": null } }),
            vec!["email", "email_verified"],
            vec![],
        ),
        (json!({ "id_token": { "name": null, "email": null } }), vec![], vec!["name", "email"]),
        (json!({ "id_token": { "preferred_username": { "value": "somebody" } } }), vec![], vec!["preferred_username"]),
        (json!({ "id_token": { "auth_time": { "essential": true } } }), vec![], vec![]),
        (json!({}), vec![], vec![]),
    ];
    for (claims, in_userinfo, in_id_token) in table {
        let claims = claims.to_string();
        let request = changed(&server.request(STATIC_CLIENT, "openid"), "claims", Some(&claims));
        let request = changed(&request, "prompt", Some("consent"));
        let (_, page) = browser.arrive(&request).await;
        let has = |claim: &str| in_userinfo.contains(&claim) || in_id_token.contains(&claim);
        // The person is told what is told.
        assert_eq!(page.body.contains("e-mail address"), has("email"), "{claims}");
        let code = browser.allow(&request).await;
        let mut tokens = redeem(&server, &code, &[]).await.json();
        for is_refreshed in [false, true] {
            if is_refreshed {
                tokens = refresh(&server, &tokens, &[]).await.json();
            }
            let (told, info) = (claims_of(tokens["id_token"].as_str().unwrap()), userinfo(&server, &tokens).await);
            for claim in ["name", "preferred_username", "email", "email_verified"] {
                assert_eq!(info.get(claim).is_some(), in_userinfo.contains(&claim), "{claims} {claim} {info}");
                assert_eq!(told.get(claim).is_some(), in_id_token.contains(&claim), "{claims} {claim} {told}");
            }
            assert!(told["auth_time"].is_i64() && told["acr"] == "password");
        }
    }
}

#[tokio::test]
async fn a_class_that_cannot_be_reached_is_said_so() {
    // OID-10, OIDC Core §5.5.1.1: essential or not × reached or not
    let server = server().await;
    let browser = alice(&server).await;
    let table = [
        (json!({ "essential": true, "value": "password" }), "code"),
        (json!({ "essential": true, "values": ["mfa", "password"] }), "code"),
        (json!({ "essential": true, "values": ["mfa", "phr"] }), "unmet_authentication_requirements"),
        (json!({ "essential": true, "value": "urn:unknown" }), "unmet_authentication_requirements"),
        (json!({ "value": "phr" }), "code"),
        (json!({ "essential": true }), "code"),
    ];
    browser.allow(&server.request(STATIC_CLIENT, "openid")).await;
    for (acr, outcome) in table {
        let claims = json!({ "id_token": { "acr": acr } }).to_string();
        for prompt in ["", "none"] {
            let request = changed(&server.request(STATIC_CLIENT, "openid"), "claims", Some(&claims));
            let request = changed(&request, "prompt", Some(prompt));
            let (_, answer) = browser.arrive(&request).await;
            let params = response_params(answer.location());
            assert_eq!(params.get("error").map_or("code", String::as_str), outcome, "{claims} {prompt}");
            if let Some(code) = params.get("code") {
                let tokens = redeem(&server, code, &[]).await.json();
                assert_eq!(claims_of(tokens["id_token"].as_str().unwrap())["acr"], "password");
            }
        }
    }
}

#[tokio::test]
async fn a_token_says_for_which_service_it_is() {
    // RFC 8707: known × granted × asked for
    let server = server().await;
    let browser = alice(&server).await;
    let silent = async |scope: &'static str, resources: &[&'static str]| {
        let mut request = changed(&server.request(STATIC_CLIENT, scope), "prompt", Some("none"));
        request.extend(resources.iter().map(|uri| ("resource", *uri)));
        let answer = browser.get(&format!("authorize?{}", encode(&request))).await;
        let params = response_params(answer.location());
        params.get("error").or(params.get("code")).unwrap().clone()
    };
    browser.allow(&server.request(STATIC_CLIENT, "openid")).await;
    for uri in ["https://other.example.com/", "https://api.example.com/v1#x", "api", "https://api.example.com/v1/"] {
        assert_eq!(silent("openid", &[API, uri]).await, "invalid_target", "{uri}");
    }
    assert_eq!(silent(MATRIX_SCOPE, &[API]).await, "invalid_target");
    let aud = async |tokens: &Value| server.introspect(tokens["access_token"].as_str().unwrap()).await["aud"].clone();
    let code = silent("openid", &[API, FORUM]).await;
    assert_eq!(redeem(&server, &code, &[("resource", "urn:example:other")]).await.error(), "invalid_target");
    let tokens = redeem(&server, &code, &[]).await.json();
    assert_eq!(aud(&tokens).await, json!([API, FORUM]));

    let code = silent("openid", &[API, FORUM]).await;
    let tokens = redeem(&server, &code, &[("resource", FORUM)]).await.json();
    assert_eq!(aud(&tokens).await, json!([FORUM]));
    refresh(&server, &tokens, &[("resource", API)]).await.assert_error(400, "invalid_target");
    let tokens = refresh(&server, &tokens, &[("resource", FORUM)]).await.json();
    assert_eq!(aud(&tokens).await, json!([FORUM]));

    let code = silent("openid", &[]).await;
    assert_eq!(redeem(&server, &code, &[("resource", API)]).await.error(), "invalid_target");
    let tokens = redeem(&server, &code, &[]).await.json();
    assert_eq!(aud(&tokens).await, Value::Null);
}
