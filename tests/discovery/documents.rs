//! Where the documents are, that they are one, and how long they may be kept (DSC-07 to DSC-09, KEY-01).

use serde_json::{Value, json};

use crate::support::{Server, claims_of, person::response_params};

#[tokio::test]
async fn all_addresses_give_one_document_whatever_the_issuer_looks_like() {
    // DSC-07, DSC-08, RFC 8414 §3.1, OIDC Discovery §4: (public base, issuer, where each of the two specifications looks)
    const OIDC: &str = "/.well-known/openid-configuration";
    const OAUTH: &str = "/.well-known/oauth-authorization-server";
    let table = [
        ("{origin}/", None, OIDC.to_owned(), OAUTH.to_owned()),
        ("{origin}", None, OIDC.to_owned(), OAUTH.to_owned()),
        ("{origin}/auth/", None, format!("/auth{OIDC}"), format!("{OAUTH}/auth")),
        ("{origin}/auth", None, format!("/auth{OIDC}"), format!("{OAUTH}/auth")),
        ("{origin}/auth/", Some("{origin}/auth"), format!("/auth{OIDC}"), format!("{OAUTH}/auth")),
        ("{origin}/a/b/", None, format!("/a/b{OIDC}"), format!("{OAUTH}/a/b")),
        ("{origin}/auth/", Some("{origin}/"), OIDC.to_owned(), OAUTH.to_owned()),
        ("{origin}/", Some("{origin}/id"), format!("/id{OIDC}"), format!("{OAUTH}/id")),
    ];
    for (base, issuer, oidc, oauth) in table {
        let setup = Server::setup().with("http.public_base", base);
        let server = match issuer {
            Some(issuer) => setup.with("http.issuer", issuer).start().await,
            None => setup.start().await,
        };
        let origin = server.app.config.http.public_base.origin().ascii_serialization();
        let expected_issuer = issuer.map(|issuer| issuer.replace("{origin}", &origin));
        // Synapse looks below the endpoint that it is configured with, which is our public base.
        let of_synapse = format!("{}{}", server.app.config.http.public_base.path(), &OIDC[1..]);
        let matrix = "/_matrix/client/v1/auth_metadata".to_owned();
        let unstable = "/_matrix/client/unstable/org.matrix.msc2965/auth_metadata".to_owned();
        let first = server.get(&oidc).await;
        for path in [oidc, oauth, matrix, unstable, of_synapse] {
            let answer = server.get(&path).await;
            assert_eq!(
                (answer.status, answer.header("content-type")),
                (200, Some("application/json")),
                "{base} {path}"
            );
            assert_eq!(answer.body, first.body, "{path}");
        }
        let metadata = first.json();
        let base = server.app.config.http.public_base.as_str();
        assert!(base.ends_with('/'));
        assert_eq!(metadata["issuer"], expected_issuer.as_deref().unwrap_or(base));
        assert_eq!(metadata["token_endpoint"], format!("{base}oauth2/token"));
        let legacy = server.get("/_matrix/client/unstable/org.matrix.msc2965/auth_issuer").await.json();
        assert_eq!(legacy, json!({ "issuer": metadata["issuer"] }));
    }
}

#[tokio::test]
async fn everything_works_below_a_path_and_names_one_issuer() {
    // DSC-07, INV-10
    let setup = Server::setup().with("http.public_base", "{origin}/auth/").with("http.issuer", "{origin}/auth");
    let server = setup.start().await;
    let client_id = server.client().await;
    let browser = server.browser();
    let answer = browser.sign_up("alice").await;
    assert_eq!(answer.location(), "/auth/account/");
    let answer = browser.decide(&server.request(&client_id, "openid"), "allow").await;
    let params = response_params(answer.location());
    let answer = server.exchange(&client_id, &params["code"]).await.json();
    let id_token = claims_of(answer["id_token"].as_str().unwrap());
    let introspection = server.introspect(answer["access_token"].as_str().unwrap()).await;
    let metadata = server.get(".well-known/openid-configuration").await.json();
    for issuer in [&json!(params["iss"]), &id_token["iss"], &introspection["iss"], &metadata["issuer"]] {
        assert_eq!(issuer, server.issuer());
    }
    let page = browser.get("account/").await;
    assert!(page.body.contains("href=\"/auth/assets/") && !page.body.contains("href=\"/assets/"), "{}", page.body);
    let (path, page) = browser.open("logout").await;
    assert_eq!(path, "logout");
    assert_eq!(browser.submit(&page, &[]).await.status, 200);
    for path in ["/login", "/authorize", "/oauth2/token", "/account/"] {
        assert_eq!(server.get(path).await.status, 404, "{path} is outside");
    }
    assert_eq!(server.get("/health").await.status, 200);
}

#[tokio::test]
async fn a_document_that_has_not_changed_is_not_sent_again() {
    // DSC-09, RFC 9110 §13.1.2: the comparison is weak, since a proxy that compresses weakens the tag.
    let server = Server::start().await;
    let first = server.get(".well-known/openid-configuration").await;
    let etag = first.header("etag").unwrap().to_owned();
    let caching = first.header("cache-control").unwrap().to_owned();
    let max_age: u32 = caching.strip_prefix("public, max-age=").unwrap().parse().unwrap();
    assert!((600..=3600).contains(&max_age));
    let table = [
        (etag.clone(), 304),
        (format!("W/{etag}"), 304),
        (format!("\"other\", {etag}"), 304),
        ("*".to_owned(), 304),
        ("\"other\"".to_owned(), 200),
        (etag.trim_matches('"').to_owned(), 200),
    ];
    for (tag, status) in table {
        let request = server.http.client.get(server.url(".well-known/openid-configuration"));
        let answer = server.http.send(request.header("if-none-match", &tag)).await;
        assert_eq!((answer.status, answer.header("etag")), (status, Some(etag.as_str())), "{tag}");
        assert_eq!(answer.header("cache-control"), Some(caching.as_str()));
        assert_eq!(answer.body.is_empty(), status == 304);
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    let other = Server::setup().with("account.password_registration_enabled", "false").start().await;
    assert_ne!(other.get(".well-known/openid-configuration").await.header("etag"), Some(etag.as_str()));
}

#[tokio::test]
async fn the_published_keys_are_public_and_tell_what_they_are_for() {
    // KEY-01, KEY-02, C-G2
    let server = Server::start().await;
    let answer = server.get("oauth2/keys.json").await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let document = answer.json();
    let keys = document["keys"].as_array().unwrap();
    // OID-08: RS256 is always there, and one of each other algorithm.
    let expected = [
        (json!({ "alg": "EdDSA", "kty": "OKP", "crv": "Ed25519", "use": "sig" }), ["x"].as_slice(), 43),
        (json!({ "alg": "ES256", "kty": "EC", "crv": "P-256", "use": "sig" }), &["x", "y"], 43),
        (json!({ "alg": "RS256", "kty": "RSA", "e": "AQAB", "use": "sig" }), &["n"], 342),
    ];
    let mut algs: Vec<&str> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
    algs.sort_unstable();
    assert_eq!(algs, ["ES256", "EdDSA", "RS256"]);
    for key in keys {
        let (fixed, numbers, length) = expected.iter().find(|(fixed, ..)| fixed["alg"] == key["alg"]).unwrap();
        let mut members = key.as_object().unwrap().clone();
        assert!(members.remove("kid").is_some_and(|kid| kid.as_str().is_some_and(|kid| kid.len() == 43)), "{key}");
        for number in *numbers {
            let value = members.remove(*number);
            assert!(value.is_some_and(|value| value.as_str().is_some_and(|text| text.len() == *length)), "{key}");
        }
        assert_eq!(&Value::Object(members), fixed, "nothing private, nothing more");
    }
    let kids: std::collections::BTreeSet<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
    assert_eq!(kids.len(), keys.len());
}
