//! Where the API is, and what `GET /login` offers (CMP-01 to CMP-03, CMN-01, CMN-11, CMN-18, TRP-29).

use reqwest::Method;
use serde_json::json;

use crate::support::{Server, compat::VERSIONS, http::Answer};

/// (path below the version, the methods it takes as `Allow` says them, what it answers to a bare request)
const PATHS: [(&str, &str, u16, &str); 5] = [
    ("login", "GET,HEAD,POST", 400, "M_NOT_JSON"),
    ("refresh", "POST", 400, "M_NOT_JSON"),
    ("logout", "POST", 401, "M_MISSING_TOKEN"),
    ("logout/all", "POST", 401, "M_MISSING_TOKEN"),
    ("login/sso/redirect", "GET,HEAD", 400, ""),
];

const METHODS: [Method; 5] = [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH];

/// Every address of the API, each also with a slash at its end.
fn addresses() -> impl Iterator<Item = (String, &'static str, u16, &'static str)> {
    let versions = VERSIONS.into_iter().flat_map(|version| ["", "/"].map(|slash| (version, slash)));
    let all = versions.flat_map(|(version, slash)| {
        PATHS.map(|(path, methods, status, errcode)| {
            (format!("/_matrix/client/{version}/{path}{slash}"), methods, status, errcode)
        })
    });
    let of_provider = |version| format!("/_matrix/client/{version}/login/sso/redirect/oidc-corner");
    all.chain(VERSIONS.map(|version| (of_provider(version), "GET,HEAD", 404, "")))
}

async fn send(server: &Server, method: Method, path: &str) -> Answer {
    server.http.send(server.http.client.request(method, server.url(path))).await
}

#[tokio::test]
async fn the_ways_to_log_in_are_listed() {
    // CMP-01, CMP-02, MSC3824: the password first, where there are passwords.
    let password = json!({ "type": "m.login.password" });
    let sso = json!({
        "type": "m.login.sso",
        "oauth_aware_preferred": true,
        "org.matrix.msc3824.delegated_oidc_compatibility": true,
    });
    let token = json!({ "type": "m.login.token" });
    let table = [("true", json!({ "flows": [password, sso, token] })), ("false", json!({ "flows": [sso, token] }))];
    for (enabled, expected) in table {
        let server = Server::setup()
            .with("passwords.enabled", enabled)
            .with("account.password_registration_enabled", "false")
            .start()
            .await;
        for (version, slash) in VERSIONS.into_iter().flat_map(|version| [(version, ""), (version, "/")]) {
            let answer = server.get(&format!("/_matrix/client/{version}/login{slash}")).await;
            assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{version}{slash}");
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("set-cookie"), None);
        }
    }
}

#[tokio::test]
async fn every_version_answers_at_every_address() {
    let server = Server::start().await;
    for (path, methods, status, errcode) in addresses() {
        let method = if methods.contains("POST") { Method::POST } else { Method::GET };
        let answer = send(&server, method, &path).await;
        match errcode {
            "" => answer.assert_page(status, "<h1>"),
            _ => answer.assert_matrix_error(status, errcode),
        }
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
}

#[tokio::test]
async fn where_the_api_is_off_there_is_nothing() {
    // CMP-03
    let server = Server::setup().with("compatibility.enabled", "false").start().await;
    for (path, ..) in addresses() {
        for method in METHODS {
            send(&server, method, &path).await.assert_matrix_error(404, "M_UNRECOGNIZED");
        }
    }
    let path = "/_matrix/client/v3/login/sso/redirect?redirectUrl=https://app.example.com/";
    server.get(path).await.assert_matrix_error(404, "M_UNRECOGNIZED");
    server.get("sso?redirectUrl=https://app.example.com/").await.assert_page(404, "<h1>");
    server.get("sso/01ARZ3NDEKTSV4RRFFQ69G5FAV").await.assert_page(404, "<h1>");
    assert_eq!(server.get("/_matrix/client/v1/auth_metadata").await.status, 200, "OAuth goes on");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    // CMN-01
    let server = Server::start().await;
    for (path, methods, ..) in addresses() {
        for method in METHODS.into_iter().chain([Method::HEAD]) {
            if methods.split(',').any(|allowed| allowed == method.as_str()) {
                continue;
            }
            let answer = send(&server, method.clone(), &path).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(methods)), "{method} {path}");
            if method != Method::HEAD {
                answer.assert_matrix_error(405, "M_UNRECOGNIZED");
            }
        }
    }
}

#[tokio::test]
async fn scripts_of_any_origin_may_use_the_api() {
    // CMN-11: web clients are on other hosts; the preflight and every error have to be readable for them.
    let server = Server::start().await;
    for (path, methods, ..) in addresses() {
        let preflight = server.http.client.request(Method::OPTIONS, server.url(&path)).headers(
            [
                ("origin", "https://app.example.com"),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization,content-type"),
            ]
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect(),
        );
        let preflight = server.http.send(preflight).await;
        assert_eq!((preflight.status, preflight.body.as_str()), (200, ""), "{path}");
        assert_eq!(preflight.header("access-control-allow-origin"), Some("*"), "{path}");
        assert_eq!(preflight.header("access-control-allow-credentials"), None, "{path}");
        let allowed = preflight.header("access-control-allow-headers").unwrap().to_lowercase();
        assert!(allowed.contains("authorization") && allowed.contains("content-type"), "{path} {allowed}");
        for method in methods.split(',').filter(|method| *method != "HEAD").chain(["PATCH"]) {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = send(&server, method.clone(), &path).await;
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{method} {path}");
            let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
            assert!(exposed.contains("retry-after"), "{method} {path} {exposed}");
        }
    }
}

#[tokio::test]
async fn paths_that_only_look_like_the_api_are_the_homeservers() {
    // TRP-29: a careless proxy sends them here.
    let server = Server::start().await;
    for path in [
        "v1/login",
        "v2_alpha/login",
        "unstable/login",
        "api/v3/login",
        "api/r0/login",
        "api/v1",
        "v3",
        "v1/login/get_token",
        "v3/login/get_token",
        "v3/login/x",
        "v3/login/sso",
        "v3/login/sso/redirect/a/b",
        "v3/login/sso/redirects",
        "v3/LOGIN",
        "v3/%6cogin",
        "v3//login",
        "v3/login//",
        "v3/logout/al",
        "v3/logout/all/x",
        "v3/logout/x",
        "v3/refresh/x",
        "v1/refresh",
        "unstable/org.matrix.msc2918/refresh",
        "v3/register",
        "v3/user/@a:b/account_data/login",
        "v3/rooms/!x/send/m.room.message/refresh",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT] {
            let answer = send(&server, method, &format!("/_matrix/client/{path}")).await;
            answer.assert_matrix_error(404, "M_UNRECOGNIZED");
        }
    }
}
