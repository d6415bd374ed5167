//! Walks every value of the metadata and shows that it works (DSC-01 to DSC-06). A member that nobody shows here fails.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::support::{
    MATRIX_SCOPE, PASSWORD, REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server, Tokens, VERIFIER, changed, claims_of,
    homeserver::FakeHomeserver,
    http::Answer,
    person::{Person, attribute, encode, response_params},
    signer::{JWT_BEARER, Signer},
};

/// Somebody who walks the metadata, signed in and with a client that may do everything.
struct Walker {
    server: Server,
    browser: Person,
    client_id: String,
}

#[tokio::test]
async fn every_advertised_value_works() {
    let homeserver = Arc::<FakeHomeserver>::default();
    let server = Server::setup()
        .fake_homeserver(&homeserver)
        .static_client("client_secret_post")
        .with("authorization.pushed_requests", "optional")
        .with("branding.policy_uri", "https://example.com/privacy")
        .with("branding.tos_uri", "https://example.com/terms")
        .start()
        .await;
    let register = keymaker::flows::manage::register_user;
    register(&server.app, "alice", Some(PASSWORD), Some("alice@example.com"), false).await.unwrap();
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE users SET display_name = 'Alice'").execute().await.unwrap();
    tx.commit().await.unwrap();
    let browser = server.browser();
    browser.sign_in("alice").await;
    let client_id = server.client().await;
    let walker = Walker { server, browser, client_id };
    let metadata = walker.server.get(".well-known/openid-configuration").await.json();

    // DSC-01, DSC-03, DSC-13: without these a client or the homeserver gives up.
    for required in [
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "revocation_endpoint",
        "registration_endpoint",
        "introspection_endpoint",
        "userinfo_endpoint",
        "jwks_uri",
        "account_management_uri",
        "response_types_supported",
        "response_modes_supported",
        "grant_types_supported",
        "code_challenge_methods_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "token_endpoint_auth_methods_supported",
        "request_uri_parameter_supported",
    ] {
        assert!(metadata.get(required).is_some(), "{required}");
    }
    for (member, value) in metadata.as_object().unwrap() {
        match value {
            Value::Array(values) => {
                assert!(!values.is_empty(), "DSC-06: {member}");
                for value in values {
                    walker.show_value(member, value.as_str().unwrap()).await;
                }
            }
            Value::String(text) => walker.show_address(member, text).await,
            Value::Bool(is_supported) => walker.show_flag(member, *is_supported).await,
            other => panic!("{member} is {other}"),
        }
    }
    let has = |member: &str, value: &str| metadata[member].as_array().unwrap().contains(&json!(value));
    for (member, value) in [
        ("response_types_supported", "code"),
        ("grant_types_supported", "authorization_code"),
        ("grant_types_supported", "refresh_token"),
        ("response_modes_supported", "query"),
        ("response_modes_supported", "fragment"),
        ("code_challenge_methods_supported", "S256"),
        ("id_token_signing_alg_values_supported", "RS256"),
        ("id_token_signing_alg_values_supported", "ES256"),
        ("id_token_signing_alg_values_supported", "EdDSA"),
        ("scopes_supported", "openid"),
        ("prompt_values_supported", "create"),
        ("token_endpoint_auth_methods_supported", "none"),
    ] {
        assert!(has(member, value), "{member} {value}");
    }
}

impl Walker {
    async fn show_address(&self, member: &str, address: &str) {
        let http = &self.server.http;
        let empty: [(&str, &str); 0] = [];
        if member == "issuer" {
            assert_eq!(address, self.server.issuer());
            return;
        }
        if member.starts_with("op_") {
            assert!(self.server.get("login").await.body.contains(address), "{member}");
            return;
        }
        assert!(address.starts_with(self.server.issuer()), "{member}: {address}");
        let (answer, status, words) = match member {
            "authorization_endpoint" => (http.get(address).await, 400, "<h1>"),
            "token_endpoint" => (http.post(address, &empty).await, 401, "invalid_client"),
            "pushed_authorization_request_endpoint" => (http.post(address, &empty).await, 401, "invalid_client"),
            "device_authorization_endpoint" => (http.post(address, &empty).await, 401, "invalid_client"),
            "revocation_endpoint" => (http.post(address, &empty).await, 400, "invalid_request"),
            "introspection_endpoint" => (http.post(address, &empty).await, 401, "invalid_client"),
            "registration_endpoint" => (http.post_json(address, &json!({})).await, 400, "invalid_client_metadata"),
            "userinfo_endpoint" => (http.get(address).await, 401, "access token"),
            "jwks_uri" => (http.get(address).await, 200, "\"keys\""),
            "end_session_endpoint" => (self.browser.get(address).await, 200, "Sign out?"),
            // ACT-02: clients append a query to it.
            "account_management_uri" | "org.matrix.msc4191.account_management_uri" => {
                (self.browser.get(&format!("{address}?action=org.matrix.unknown")).await, 200, "@alice:hs.test")
            }
            other => panic!("nobody shows that {other} works"),
        };
        assert_eq!(answer.status, status, "{member}");
        assert!(answer.body.contains(words), "{member} {}", answer.body);
    }

    async fn show_flag(&self, member: &str, is_supported: bool) {
        let silent = |name: &'static str, value: &'static str| {
            let request = self.server.request(STATIC_CLIENT, "openid");
            let request = changed(&changed(&request, "prompt", Some("none")), name, Some(value));
            let (http, path) = (self.server.http.clone(), format!("authorize?{}", encode(&request)));
            async move { response_params(http.get(&path).await.location()) }
        };
        let (params, error) = match member {
            "claims_parameter_supported" => {
                assert!(is_supported);
                assert_eq!(silent("claims", "no JSON").await["error"], "invalid_request", "{member}");
                return;
            }
            // What is optional is not required.
            "require_pushed_authorization_requests" => {
                assert!(!is_supported);
                (silent("foo", "bar").await, "login_required")
            }
            "request_parameter_supported" => (silent("request", "e30.e30.").await, "request_not_supported"),
            "request_uri_parameter_supported" => {
                (silent("request_uri", "https://a.example/").await, "request_uri_not_supported")
            }
            // That relying parties hear of a logout, and of which login it was, is told in `logout::notices`.
            "backchannel_logout_supported" => return assert!(is_supported),
            "backchannel_logout_session_supported" => {
                let tokens = self.log_in("openid").await.json();
                assert!(is_supported && claims_of(tokens["id_token"].as_str().unwrap())["sid"].is_string());
                return;
            }
            "authorization_response_iss_parameter_supported" => {
                assert!(is_supported);
                let params = silent("foo", "bar").await;
                assert_eq!(params["iss"], self.server.issuer());
                return;
            }
            other => panic!("nobody shows that {other} works"),
        };
        assert!(!is_supported, "{member}");
        assert_eq!(params["error"], error, "{member}");
    }

    async fn show_value(&self, member: &str, value: &str) {
        match member {
            "scopes_supported" => {
                let device = if value.contains("client:api") { " urn:matrix:client:device:ABCDEFGHIJ" } else { "" };
                let scope =
                    if value == "offline_access" { format!("openid {value}") } else { format!("{value}{device}") };
                assert_eq!(self.log_in(&scope).await.json()["scope"], scope);
            }
            "response_types_supported" => {
                let request = changed(&self.server.request(&self.client_id, "openid"), "response_type", Some(value));
                assert!(!self.browser.allow(&request).await.is_empty());
            }
            "response_modes_supported" => {
                let request = changed(&self.server.request(&self.client_id, "openid"), "response_mode", Some(value));
                let answer = self.browser.decide(&request, "allow").await;
                if value == "form_post" {
                    assert!(answer.status == 200 && answer.body.contains("name=\"code\""), "{}", answer.body);
                    return;
                }
                let mark = if value == "fragment" { '#' } else { '?' };
                assert!(answer.location().starts_with(&format!("{REDIRECT_URI}{mark}code=")), "{value}");
            }
            "grant_types_supported" => self.show_grant_type(value).await,
            "code_challenge_methods_supported" => {
                let request =
                    changed(&self.server.request(&self.client_id, "openid"), "code_challenge_method", Some(value));
                let code = self.browser.allow(&request).await;
                assert_eq!(self.server.exchange(&self.client_id, &code).await.status, 200, "{value}");
            }
            "prompt_values_supported" => self.show_prompt(value).await,
            "token_endpoint_auth_methods_supported"
            | "revocation_endpoint_auth_methods_supported"
            | "introspection_endpoint_auth_methods_supported" => self.show_auth_method(member, value).await,
            // `client_auth` signs with each of them.
            "token_endpoint_auth_signing_alg_values_supported"
            | "revocation_endpoint_auth_signing_alg_values_supported"
            | "introspection_endpoint_auth_signing_alg_values_supported" => {
                assert!(keymaker::domain::signing_alg::AssertionAlg::find(value).is_some(), "{value}");
            }
            "subject_types_supported" => {
                assert_eq!(value, "public");
                let subject_for = async |client_id: &str| {
                    let code = self.browser.allow(&self.server.request(client_id, "openid")).await;
                    let answer = self.server.exchange(client_id, &code).await.json();
                    claims_of(answer["id_token"].as_str().unwrap())["sub"].clone()
                };
                let metadata = json!({
                    "client_name": "Another", "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
                    "token_endpoint_auth_method": "none",
                });
                let other = self.server.register(metadata).await;
                assert_eq!(subject_for(&self.client_id).await, subject_for(&other).await);
            }
            "id_token_signing_alg_values_supported" => {
                use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
                let client_id = self
                    .server
                    .register(json!({
                        "client_name": "Another", "client_uri": "https://app.example.com/",
                        "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none",
                        "id_token_signed_response_alg": value,
                    }))
                    .await;
                let code = self.browser.allow(&self.server.request(&client_id, "openid")).await;
                let tokens = self.server.exchange(&client_id, &code).await.json();
                let id_token = tokens["id_token"].as_str().unwrap().to_owned();
                let header = URL_SAFE_NO_PAD.decode(id_token.split('.').next().unwrap()).unwrap();
                let header: Value = serde_json::from_slice(&header).unwrap();
                assert_eq!(header["alg"], value);
                let keys = self.server.get("oauth2/keys.json").await.json();
                let is_signer = |key: &&Value| key["kid"] == header["kid"] && key["alg"] == value;
                assert!(keys["keys"].as_array().unwrap().iter().find(is_signer).is_some(), "{keys} {header}");
            }
            "userinfo_signing_alg_values_supported" => {
                use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
                let client_id = self
                    .server
                    .register(json!({
                        "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
                        "token_endpoint_auth_method": "none", "userinfo_signed_response_alg": value,
                    }))
                    .await;
                let code = self.browser.allow(&self.server.request(&client_id, "openid")).await;
                let tokens = self.server.exchange(&client_id, &code).await.json();
                let request = self.server.http.client.get(self.server.url("oauth2/userinfo"));
                let request = request.bearer_auth(tokens["access_token"].as_str().unwrap());
                let userinfo = self.server.http.send(request).await.body;
                let header = URL_SAFE_NO_PAD.decode(userinfo.split('.').next().unwrap()).unwrap();
                assert_eq!(serde_json::from_slice::<Value>(&header).unwrap()["alg"], value);
            }
            "claims_supported" => {
                let request =
                    changed(&self.server.request(&self.client_id, "openid profile email"), "nonce", Some("n"));
                let code = self.browser.allow(&request).await;
                let tokens = self.server.exchange(&self.client_id, &code).await.json();
                let url = self.server.url("oauth2/userinfo");
                let request = self.server.http.client.get(url).bearer_auth(tokens["access_token"].as_str().unwrap());
                let userinfo = self.server.http.send(request).await.json();
                let id_token = claims_of(tokens["id_token"].as_str().unwrap());
                assert!(id_token.get(value).or(userinfo.get(value)).is_some(), "{value}: {id_token} {userinfo}");
            }
            "display_values_supported" | "ui_locales_supported" => {
                let name = if member.starts_with("ui") { "ui_locales" } else { "display" };
                let request = changed(&self.server.request(&self.client_id, "openid"), "prompt", Some("consent"));
                let request = changed(&request, name, Some(value));
                let (path, page) = self.browser.arrive(&request).await;
                assert!(path.starts_with("/consent/"), "{path}");
                if name == "ui_locales" {
                    assert_eq!(attribute(&page.body, "<html lang=\"").as_deref(), Some(value));
                }
            }
            "account_management_actions_supported" | "org.matrix.msc4191.account_management_actions_supported" => {
                self.show_account_action(value).await;
            }
            "acr_values_supported" => self.show_acr(value).await,
            other => panic!("nobody shows that {other} works"),
        }
    }

    /// Follows the link of an action, as a client makes it, to its page.
    async fn show_account_action(&self, action: &str) {
        let code = self.browser.allow(&self.server.request(&self.client_id, MATRIX_SCOPE)).await;
        assert_eq!(self.server.exchange(&self.client_id, &code).await.status, 200);
        let words = match action {
            "org.matrix.profile" => "Your Matrix ID",
            "org.matrix.devices_list" | "org.matrix.sessions_list" => "Everything that is signed in",
            "org.matrix.device_view" | "org.matrix.session_view" => "Rename the device",
            "org.matrix.device_delete" | "org.matrix.session_end" => "Example App · ABCDEFGHIJ",
            "org.matrix.account_deactivate" => "Deactivate the account",
            "org.matrix.cross_signing_reset" => "Reset your digital identity",
            other => panic!("nobody shows that the action {other} works"),
        };
        let link = format!("account/?{}", encode(&[("action", action), ("device_id", "ABCDEFGHIJ")]));
        self.browser.open(&link).await.1.assert_page(200, words);
    }

    /// Asks for a class with a login that reached it, and is told so; how one reaches each is told in `factors`.
    async fn show_acr(&self, acr: &str) {
        let amr = match acr {
            "password" => "pwd",
            "mfa" => "pwd otp mfa",
            "phr" => "swk user mfa",
            other => panic!("nobody shows that the class {other} works"),
        };
        let mut tx = self.server.app.db.write().await.unwrap();
        tx.sql("UPDATE sessions SET amr = $1 WHERE kind = 'browser'").bind(amr).execute().await.unwrap();
        tx.commit().await.unwrap();
        let request = changed(&self.server.request(&self.client_id, "openid"), "acr_values", Some(acr));
        let code = self.browser.allow(&request).await;
        let answer = self.server.exchange(&self.client_id, &code).await.json();
        assert_eq!(claims_of(answer["id_token"].as_str().unwrap())["acr"], acr);
    }

    async fn log_in(&self, scope: &str) -> Answer {
        let code = self.browser.allow(&self.server.request(&self.client_id, scope)).await;
        self.server.exchange(&self.client_id, &code).await
    }

    async fn show_grant_type(&self, grant_type: &str) {
        let answer = match grant_type {
            "authorization_code" => self.log_in("openid").await,
            "refresh_token" => {
                let tokens = Tokens::of(&self.log_in("openid").await, &self.client_id);
                self.server.refresh(&tokens).await
            }
            "client_credentials" => {
                let form = [
                    ("grant_type", "client_credentials"),
                    ("client_id", STATIC_CLIENT),
                    ("client_secret", STATIC_SECRET),
                ];
                self.server.post("oauth2/token", &form).await
            }
            "urn:ietf:params:oauth:grant-type:device_code" => {
                let device = self.server.device().await;
                self.browser.let_in(&device).await;
                self.server.poll(&device).await
            }
            other => panic!("nobody shows that the grant {other} works"),
        };
        assert_eq!(answer.status, 200, "{grant_type} {}", answer.body);
    }

    async fn show_prompt(&self, prompt: &str) {
        let request = changed(&self.server.request(&self.client_id, "openid"), "prompt", Some(prompt));
        if prompt == "none" {
            // It works by showing nothing: what was allowed before is given, and what was not is not (PRM-01).
            self.browser.allow(&self.server.request(&self.client_id, "openid")).await;
            let answer = self.browser.get(&format!("authorize?{}", encode(&request))).await;
            assert!(response_params(answer.location()).contains_key("code"), "{}", answer.location());
            let request = changed(&request, "scope", Some(MATRIX_SCOPE));
            let answer = self.browser.get(&format!("authorize?{}", encode(&request))).await;
            assert_eq!(response_params(answer.location())["error"], "consent_required");
            return;
        }
        self.server.clock.advance(1000);
        let (path, _) = self.browser.arrive(&request).await;
        let page = match prompt {
            "login" => "/login?",
            "create" => "/register?",
            "consent" => "/consent/",
            "select_account" => "/choose/",
            other => panic!("nobody shows that the prompt {other} works"),
        };
        assert!(path.starts_with(page), "{prompt} {path}");
    }

    /// Registers a client with this method and takes it through the endpoint.
    async fn show_auth_method(&self, member: &str, method: &str) {
        let signer = Signer::new(Algorithm::ES256, "one");
        let metadata = json!({
            "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI], "client_name": member,
            "token_endpoint_auth_method": method, "grant_types": ["authorization_code", "refresh_token"],
            "jwks": signer.jwks(),
        });
        let registered = self.server.http.post_json("oauth2/registration", &metadata).await.json();
        let text = |name: &str| registered[name].as_str().unwrap_or_default().to_owned();
        let (id, secret) = (text("client_id"), text("client_secret"));
        let send = |path: &str, form: &[(&str, &str)]| {
            let (http, mut form) = (self.server.http.clone(), form.to_vec());
            let request = http.client.post(self.server.url(path));
            let request = match method {
                "client_secret_basic" => request.basic_auth(&id, Some(&secret)),
                _ => request,
            };
            if method != "client_secret_basic" {
                form.push(("client_id", &id));
            }
            let assertion = match method {
                "client_secret_jwt" => Signer::with_secret(Algorithm::HS256, &secret).assertion(&self.server, &id),
                _ => signer.assertion(&self.server, &id),
            };
            match method {
                "client_secret_post" => form.push(("client_secret", &secret)),
                "client_secret_jwt" | "private_key_jwt" => {
                    form.extend([("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)]);
                }
                _ => {}
            }
            let request = request.form(&form);
            async move { http.send(request).await }
        };
        let code = self.browser.allow(&self.server.request(&id, "openid")).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let answer = send("oauth2/token", &form).await;
        assert_eq!(answer.status, 200, "{method} {}", answer.body);
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        if member.starts_with("introspection") {
            let answer = send("oauth2/introspect", &[("token", &token)]).await;
            assert_eq!(answer.json()["active"], true, "{method}");
        }
        if member.starts_with("revocation") {
            assert_eq!(send("oauth2/revoke", &[("token", &token)]).await.status, 200, "{method}");
            assert!(!self.server.is_active(&token).await);
        }
    }
}
