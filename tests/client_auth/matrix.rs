//! The method that a client registered against the method that it presents, at every endpoint (CAU-01).

use jsonwebtoken::Algorithm;

use crate::support::{
    CHALLENGE, REDIRECT_URI, Server,
    http::Answer,
    signer::{JWT_BEARER, Signer},
};

use super::{METHODS, registration};

/// Where a client authenticates itself: the path, what it asks there, and what is answered to whoever is right.
type Place = (&'static str, &'static [(&'static str, &'static str)], u16);

const ENDPOINTS: [Place; 5] = [
    ("oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", "nobody has this one")], 400),
    ("oauth2/device_authorization", &[("scope", "openid")], 200),
    ("oauth2/introspect", &[("token", "nobody has this one")], 200),
    ("oauth2/revoke", &[("token", "nobody has this one")], 200),
    (
        "oauth2/par",
        &[
            ("response_type", "code"),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ],
        201,
    ),
];

struct Registered {
    id: String,
    method: &'static str,
    secret: String,
}

async fn present(server: &Server, client: &Registered, signer: &Signer, method: &str, endpoint: &str) -> Answer {
    let (_, form, _) = ENDPOINTS.iter().find(|(path, ..)| *path == endpoint).unwrap();
    let request = server.http.client.post(server.url(endpoint));
    let assertion = match method {
        "client_secret_jwt" => Signer::with_secret(Algorithm::HS256, &client.secret).assertion(server, &client.id),
        _ => signer.assertion(server, &client.id),
    };
    let (id, secret) = (client.id.as_str(), client.secret.as_str());
    let own: Vec<(&str, &str)> = match method {
        "none" => vec![("client_id", id)],
        "client_secret_basic" => vec![],
        "client_secret_post" => vec![("client_id", id), ("client_secret", secret)],
        _ => vec![("client_id", id), ("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)],
    };
    let request = match method {
        "client_secret_basic" => request.basic_auth(id, Some(secret)),
        _ => request,
    };
    server.http.send(request.form(&[form, own.as_slice()].concat())).await
}

#[tokio::test]
async fn each_client_is_believed_by_the_method_that_it_registered_and_by_no_other() {
    // CAU-01, CAU-02: 5 × 5, at every endpoint that authenticates clients.
    let server = Server::start().await;
    let signer = Signer::new(Algorithm::ES256, "one");
    let mut clients = Vec::new();
    for method in METHODS {
        let answer = server.http.post_json("oauth2/registration", &registration(method, &signer)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let body = answer.json();
        let has_secret = method.starts_with("client_secret");
        assert_eq!(body.get("client_secret").is_some(), has_secret, "{body}");
        let secret =
            body["client_secret"].as_str().unwrap_or("a secret that nobody has but who made it up, long enough");
        clients.push(Registered {
            id: body["client_id"].as_str().unwrap().to_owned(),
            method,
            secret: secret.to_owned(),
        });
    }
    let metadata = server.get(".well-known/openid-configuration").await.json();
    let has_par = metadata.get("pushed_authorization_request_endpoint").is_some();
    for (endpoint, _, success) in ENDPOINTS.iter().filter(|(path, ..)| has_par || *path != "oauth2/par") {
        for client in &clients {
            for method in METHODS {
                let answer = present(&server, client, &signer, method, endpoint).await;
                let is_right = match *endpoint {
                    "oauth2/introspect" => method == client.method && method != "none",
                    // REV-06: whoever has the token may end it; wrong credentials are wrong nonetheless.
                    "oauth2/revoke" => method == client.method || method == "none",
                    _ => method == client.method,
                };
                let case = format!("{endpoint}: {} presents {method}: {}", client.method, answer.body);
                match is_right {
                    true => assert_eq!(answer.status, *success, "{case}"),
                    false => {
                        assert_eq!((answer.status, answer.error().as_str()), (401, "invalid_client"), "{case}");
                        let is_basic = method == "client_secret_basic";
                        assert!(!is_basic || answer.header("www-authenticate").is_some(), "{case}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn who_presents_two_methods_at_once_is_refused_for_that() {
    // CAU-01
    let server = Server::start().await;
    let signer = Signer::new(Algorithm::EdDSA, "one");
    let answer = server.http.post_json("oauth2/registration", &registration("private_key_jwt", &signer)).await.json();
    let id = answer["client_id"].as_str().unwrap();
    let assertion = signer.assertion(&server, id);
    let with_assertion = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.as_str())];
    let grant = [("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", id)];
    let form = [&grant[..], &with_assertion, &[("client_secret", "x")]].concat();
    server.post("oauth2/token", &form).await.assert_error(400, "invalid_request");
    let form = [&grant[..], &with_assertion].concat();
    let request = server.http.client.post(server.url("oauth2/token")).basic_auth(id, Some("x")).form(&form);
    server.http.send(request).await.assert_error(400, "invalid_request");
    // Neither of them used the assertion up.
    server.post("oauth2/token", &form).await.assert_error(400, "invalid_grant");
    // Nor does another client's name beside it go unseen.
    let other = [("client_id", "another"), ("grant_type", "refresh_token"), ("refresh_token", "x")];
    let assertion = signer.assertion(&server, id);
    let form = [&other[..], &[("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)]].concat();
    server.post("oauth2/token", &form).await.assert_error(401, "invalid_client");
}
