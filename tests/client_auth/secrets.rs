//! Secrets of clients: two during a rotation (CAU-05), and nothing to be learned from a refusal (CAU-02).

use jsonwebtoken::Algorithm;

use crate::support::{
    STATIC_CLIENT, STATIC_SECRET, Server,
    http::Answer,
    signer::{JWT_BEARER, Signer},
};

use super::{is_authenticated, present};

const GRANT: [(&str, &str); 2] = [("grant_type", "refresh_token"), ("refresh_token", "nobody has this one")];
const REPLACED: &str = "the secret until now, which is long enough";

async fn post(server: &Server, id: &str, secret: &str) -> Answer {
    server.post("oauth2/token", &[&GRANT[..], &[("client_id", id), ("client_secret", secret)]].concat()).await
}

async fn basic(server: &Server, id: &str, secret: &str) -> Answer {
    let request = server.http.client.post(server.url("oauth2/token")).basic_auth(id, Some(secret)).form(&GRANT);
    server.http.send(request).await
}

#[tokio::test]
async fn during_a_rotation_both_secrets_of_the_configuration_are_good() {
    // CAU-05
    let setup = || Server::setup().static_client("client_secret_post");
    let server = setup().with("clients.0.previous_client_secret", REPLACED).start().await;
    for secret in [STATIC_SECRET, REPLACED] {
        assert!(is_authenticated(&post(&server, STATIC_CLIENT, secret).await), "{secret}");
    }
    assert!(!is_authenticated(&post(&server, STATIC_CLIENT, "neither of both, and long enough").await));
    let server = setup().start().await;
    assert!(!is_authenticated(&post(&server, STATIC_CLIENT, REPLACED).await), "it is over");
    // The same where the client signs with it.
    let setup = || Server::setup().static_client("client_secret_jwt");
    let server = setup().with("clients.0.previous_client_secret", REPLACED).start().await;
    for (secret, is_good) in
        [(STATIC_SECRET, true), (REPLACED, true), ("neither of both, and long enough for it", false)]
    {
        let assertion = Signer::with_secret(Algorithm::HS256, secret).assertion(&server, STATIC_CLIENT);
        assert_eq!(is_authenticated(&present(&server, &assertion).await), is_good, "{secret}");
    }
    // RFC 7518 §3.2: it is too short for this one.
    let assertion = Signer::with_secret(Algorithm::HS512, STATIC_SECRET).assertion(&server, STATIC_CLIENT);
    assert!(!is_authenticated(&present(&server, &assertion).await));
}

#[tokio::test]
async fn a_client_that_nobody_knows_is_refused_as_one_whose_secret_is_wrong() {
    // CAU-02: byte for byte.
    let server = Server::setup().static_client("client_secret_basic").start().await;
    let unknown = "nobody-knows-it";
    let signed = async |id: &str| {
        let assertion = Signer::with_secret(Algorithm::HS256, REPLACED).assertion(&server, id);
        let form = [("client_assertion_type", JWT_BEARER), ("client_assertion", assertion.as_str())];
        server.post("oauth2/token", &[&GRANT[..], &form].concat()).await
    };
    let pairs = [
        (basic(&server, STATIC_CLIENT, "wrong").await, basic(&server, unknown, "wrong").await),
        (post(&server, STATIC_CLIENT, "wrong").await, post(&server, unknown, "wrong").await),
        (signed(STATIC_CLIENT).await, signed(unknown).await),
    ];
    for (wrong, unknown) in pairs {
        assert_eq!(wrong.status, 401);
        let seen = |answer: &Answer| {
            let mut headers = answer.headers.clone();
            headers.remove("date");
            (answer.status, headers, answer.body.clone())
        };
        assert_eq!(seen(&wrong), seen(&unknown));
    }
    // TRP-22: the secret has characters that a form writes otherwise.
    let form_encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    assert!(is_authenticated(&basic(&server, &form_encoded(STATIC_CLIENT), &form_encoded(STATIC_SECRET)).await));
}
