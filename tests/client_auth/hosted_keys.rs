//! Keys that a client hosts itself (CAU-04): how often they are asked for, and what is not believed. The official suite has
//! this as oidcc-refresh-token-rp-key-rotation.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use jsonwebtoken::Algorithm;
use keymaker::clock::{MINUTE, SECOND};
use serde_json::{Value, json};

use crate::support::{Server, Setup, signer::Signer};

use super::{is_authenticated, present};

const CLIENT: &str = "the-bridge";

#[derive(Clone)]
enum Behaviour {
    Gives(Value),
    Hangs,
    Redirects,
    IsHuge,
    Fails,
    GivesNoKeys,
}

/// The client's own server.
#[derive(Clone)]
struct Host {
    state: Arc<Mutex<(Behaviour, u32)>>,
    base: String,
}

impl Host {
    async fn start(behaviour: Behaviour) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let host = Self { state: Arc::new(Mutex::new((behaviour, 0))), base };
        let router =
            Router::new().route("/jwks", get(answer)).route("/elsewhere", get(elsewhere)).with_state(host.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        host
    }

    fn now(&self, behaviour: Behaviour) {
        self.state.lock().unwrap().0 = behaviour;
    }

    fn asked(&self) -> u32 {
        self.state.lock().unwrap().1
    }

    async fn server(&self) -> Server {
        with_keys_at(&format!("{}/jwks", self.base)).start().await
    }
}

async fn answer(State(host): State<Host>) -> Response {
    let behaviour = {
        let mut state = host.state.lock().unwrap();
        state.1 += 1;
        state.0.clone()
    };
    match behaviour {
        Behaviour::Gives(keys) => axum::Json(keys).into_response(),
        Behaviour::Hangs => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            StatusCode::OK.into_response()
        }
        Behaviour::Redirects => Redirect::temporary("/elsewhere").into_response(),
        Behaviour::IsHuge => "x".repeat(65 * 1024).into_response(),
        Behaviour::Fails => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Behaviour::GivesNoKeys => "no keys".into_response(),
    }
}

async fn elsewhere(State(host): State<Host>) -> Response {
    host.state.lock().unwrap().1 += 100;
    StatusCode::OK.into_response()
}

fn with_keys_at(jwks_uri: &str) -> Setup {
    Server::setup()
        .with("clients.0.client_id", CLIENT)
        .with("clients.0.client_auth_method", "private_key_jwt")
        .with("clients.0.jwks_uri", jwks_uri)
        .with("clients.0.redirect_uris", "[\"https://bridge.example.com/cb\"]")
}

async fn signs_in(server: &Server, signer: &Signer) -> bool {
    let answer = present(server, &signer.assertion(server, CLIENT)).await;
    // CAU-04: whatever is wrong with its host, it is the client that is refused.
    is_authenticated(&answer)
}

#[tokio::test]
async fn hosted_keys_are_kept_and_a_replaced_one_is_found_at_once() {
    let (one, two, three) =
        (Signer::new(Algorithm::ES256, "1"), Signer::new(Algorithm::ES256, "2"), Signer::new(Algorithm::ES256, "3"));
    let host = Host::start(Behaviour::Gives(one.jwks())).await;
    let server = host.server().await;
    for _ in 0..3 {
        assert!(signs_in(&server, &one).await);
    }
    assert_eq!(host.asked(), 1, "kept");
    host.now(Behaviour::Gives(two.jwks()));
    assert!(signs_in(&server, &two).await, "a key that is not known makes us look again");
    assert_eq!(host.asked(), 2);
    assert!(!signs_in(&server, &one).await, "the old one is gone");
    for _ in 0..5 {
        assert!(!signs_in(&server, &three).await);
    }
    assert_eq!(host.asked(), 2, "rubbish makes nobody ask each time");
    server.clock.advance(31 * SECOND);
    assert!(!signs_in(&server, &three).await);
    assert_eq!(host.asked(), 3, "but once in a while");
    assert!(signs_in(&server, &two).await);
    server.clock.advance(11 * MINUTE);
    assert!(signs_in(&server, &two).await);
    assert_eq!(host.asked(), 4, "what is old is looked at again");
}

#[tokio::test]
async fn a_host_that_misbehaves_is_left_alone_for_a_while() {
    let signer = Signer::new(Algorithm::ES256, "1");
    let host = Host::start(Behaviour::Fails).await;
    let server = host.server().await;
    let bad = [Behaviour::Fails, Behaviour::Redirects, Behaviour::IsHuge, Behaviour::GivesNoKeys, Behaviour::Hangs];
    for (times, behaviour) in (1..).zip(bad) {
        host.now(behaviour);
        for _ in 0..3 {
            assert!(!signs_in(&server, &signer).await);
        }
        assert_eq!(host.asked(), times, "asked once, and nowhere else");
        server.clock.advance(31 * SECOND);
    }
    host.now(Behaviour::Gives(signer.jwks()));
    assert!(signs_in(&server, &signer).await);
}

#[tokio::test]
async fn nobody_is_sent_to_a_private_address() {
    // INV-12: not even where everything is on one machine.
    let signer = Signer::new(Algorithm::ES256, "1");
    for uri in ["https://10.0.0.1/jwks", "https://169.254.169.254/jwks", "https://[::ffff:127.0.0.1]/jwks"] {
        let server = with_keys_at(uri).start().await;
        assert!(!signs_in(&server, &signer).await, "{uri}");
    }
}

#[tokio::test]
async fn keys_of_the_configuration_need_no_host() {
    let signer = Signer::new(Algorithm::EdDSA, "1");
    let server = Server::setup()
        .with("clients.0.client_id", CLIENT)
        .with("clients.0.client_auth_method", "private_key_jwt")
        .with("clients.0.jwks", json!({ "keys": [signer.jwk()] }).to_string())
        .with("clients.0.redirect_uris", "[\"https://bridge.example.com/cb\"]")
        .start()
        .await;
    assert!(signs_in(&server, &signer).await);
    assert!(!signs_in(&server, &Signer::new(Algorithm::EdDSA, "1")).await);
}
