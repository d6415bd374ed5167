//! Other origins, wrong methods and wrong places (CMN-01, CMN-11, CMN-12, CMN-18; inventory 0.1).

use reqwest::Method;

use crate::support::{Server, http::Answer};

const PREFLIGHT: [(&str, &str); 3] = [
    ("origin", "https://app.example.com"),
    ("access-control-request-method", "POST"),
    ("access-control-request-headers", "authorization, content-type, x-requested-with"),
];

/// (path, the methods it takes as `Allow` says them, may scripts of other origins use it)
const ENDPOINTS: [(&str, &str, bool); 18] = [
    ("/.well-known/openid-configuration", "GET,HEAD", true),
    ("/.well-known/oauth-authorization-server", "GET,HEAD", true),
    ("/oauth2/keys.json", "GET,HEAD", true),
    ("/oauth2/registration", "POST", true),
    ("/oauth2/token", "POST", true),
    ("/oauth2/revoke", "POST", true),
    ("/oauth2/userinfo", "GET,HEAD,POST", true),
    ("/_matrix/client/v1/auth_metadata", "GET,HEAD", true),
    ("/_matrix/client/unstable/org.matrix.msc2965/auth_issuer", "GET,HEAD", true),
    ("/oauth2/introspect", "POST", false),
    ("/authorize", "GET,HEAD,POST", false),
    ("/login", "GET,HEAD,POST", false),
    ("/register", "GET,HEAD,POST", false),
    ("/logout", "GET,HEAD,POST", false),
    ("/account/", "GET,HEAD", false),
    ("/account/devices", "GET,HEAD", false),
    ("/account/profile", "GET,HEAD,POST", false),
    ("/.well-known/change-password", "GET,HEAD", false),
];

async fn send(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = server.http.client.request(method, server.url(path));
    server.http.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

#[tokio::test]
async fn scripts_of_any_origin_may_use_the_api_and_no_page() {
    // CMN-11, CMN-12
    let server = Server::start().await;
    for (path, methods, is_open) in ENDPOINTS {
        let preflight = send(&server, Method::OPTIONS, path, &PREFLIGHT).await;
        let origin = is_open.then_some("*");
        assert_eq!(preflight.header("access-control-allow-origin"), origin, "{path}");
        assert_eq!(preflight.header("access-control-allow-credentials"), None, "{path}");
        if is_open {
            assert_eq!((preflight.status, preflight.body.as_str()), (200, ""), "{path}");
            assert_eq!(preflight.header("access-control-max-age"), Some("3600"));
            assert_eq!(preflight.header("access-control-allow-methods"), Some("GET,POST,PUT,DELETE,OPTIONS"));
            let allowed = preflight.header("access-control-allow-headers").unwrap().to_lowercase();
            for name in ["x-requested-with", "content-type", "authorization", "accept", "accept-language", "dpop"] {
                assert!(allowed.split(',').any(|allowed| allowed.trim() == name), "{path} {name} {allowed}");
            }
        }
        // Whatever the answer is, a success, an error of the caller's or a wrong method: a script must be able to read it.
        let methods = methods.split(',').filter(|method| *method != "HEAD").chain(["PATCH"]);
        for method in methods {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let answer = send(&server, method.clone(), path, &PREFLIGHT[..1]).await;
            assert_eq!(answer.header("access-control-allow-origin"), origin, "{method} {path}");
            if is_open {
                let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
                assert!(exposed.contains("www-authenticate") && exposed.contains("retry-after"), "{exposed}");
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    // CMN-01, CMN-18: each family of endpoints has its own form of errors.
    let server = Server::start().await;
    for (path, allow, _) in ENDPOINTS {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            if allow.split(',').any(|allowed| allowed == method.as_str()) {
                continue;
            }
            let answer = send(&server, method.clone(), path, &[]).await;
            assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
            if path.starts_with("/_matrix") {
                assert_matrix_error(&answer);
            } else if path.starts_with("/oauth2") || path.starts_with("/.well-known/o") {
                assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
                assert!(answer.json().get("errcode").is_none() && answer.error() == "invalid_request", "{path}");
            } else {
                answer.assert_page(405, "<h1>");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_ours_is_not_found_in_the_form_that_the_caller_reads() {
    // CMN-01, CMN-18, DSC-10
    let server = Server::start().await;
    for path in [
        "/_matrix/client/v3/sync",
        "/_matrix/client/v1/login/get_token",
        "/_matrix/client/versions",
        "/_matrix/client/v1/auth_metadata/",
        "/_matrix/nothing",
        "/_matrix/",
        "/_matrix",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT] {
            let answer = send(&server, method.clone(), path, &[]).await;
            assert_eq!(answer.status, 404, "{method} {path}");
            assert_matrix_error(&answer);
        }
        let preflight = send(&server, Method::OPTIONS, path, &PREFLIGHT).await;
        assert_eq!((preflight.status, preflight.header("access-control-allow-origin")), (200, Some("*")), "{path}");
    }
    for path in ["/oauth2/", "/oauth2/nothing", "/.well-known/nothing", "/nothing", "/login/", "/consent", "/%00"] {
        server.get(path).await.assert_page(404, "<h1>");
    }
}

fn assert_matrix_error(answer: &Answer) {
    let body = answer.json();
    assert_eq!(body["errcode"], "M_UNRECOGNIZED");
    assert!(body["error"].is_string() && body.get("error_description").is_none(), "{body}");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
}
