//! Relying parties on loopback that hear of logouts, and answer as they are told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::{REDIRECT_URI, Server, Setup, Tokens, person::Person};

/// What a relying party answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    Status(u16),
    /// To where a good answer waits, which must not be fetched.
    Redirect,
    /// Nothing, for as long as anybody waits.
    Hangs,
}

#[derive(Default)]
struct Told {
    /// The bodies of the requests, and their content types.
    requests: Vec<(String, String)>,
    replies: VecDeque<Reply>,
    decoys: usize,
}

/// A relying party with a client of the configuration. Clones are the same one.
#[derive(Clone)]
pub struct RelyingParty {
    pub client_id: &'static str,
    pub origin: String,
    told: Arc<Mutex<Told>>,
}

pub const SECRET: &str = "a-secret-of-a-relying-party-which-is-long";

impl RelyingParty {
    pub async fn start(client_id: &'static str) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let party = Self { client_id, origin, told: Arc::default() };
        let router = Router::new()
            .route("/backchannel", post(hear))
            .route("/decoy", get(decoy).post(decoy))
            .with_state(party.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        party
    }

    /// The configuration by which Keymaker knows it, and whatever else it says; null takes a member away.
    pub fn config(&self, more: Value) -> Value {
        let mut config = json!({
            "client_id": self.client_id,
            "client_name": format!("The {}", self.client_id),
            "client_auth_method": "client_secret_basic",
            "client_secret": SECRET,
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token"],
            "post_logout_redirect_uris": [self.signed_out()],
            "backchannel_logout_uri": format!("{}/backchannel", self.origin),
            "backchannel_logout_session_required": true,
        });
        let object = config.as_object_mut().unwrap();
        object.extend(more.as_object().unwrap().clone());
        object.retain(|_, value| !value.is_null());
        config
    }

    /// Where it wants people to go who signed out.
    pub fn signed_out(&self) -> String {
        format!("https://{}.example/signed-out", self.client_id)
    }

    /// Answers so, one after the other, and then well.
    pub fn reply(&self, replies: &[Reply]) {
        self.told.lock().unwrap().replies.extend(replies);
    }

    /// The logout tokens that it heard, the oldest first.
    pub fn heard(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        let tokens = told.requests.iter().map(|(body, content_type)| {
            assert_eq!(content_type, "application/x-www-form-urlencoded");
            let mut params: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
            assert_eq!(params.len(), 1, "BCO-02: only the token: {body}");
            let (name, token) = params.remove(0);
            assert_eq!(name, "logout_token");
            token
        });
        tokens.collect()
    }

    /// How often it was led away by its own redirect.
    pub fn decoys(&self) -> usize {
        self.told.lock().unwrap().decoys
    }

    /// Lets whoever sits in front of a browser sign in with it, and gives the answer of the token endpoint.
    pub async fn log_in(&self, server: &Server, browser: &Person, scope: &str) -> Value {
        let code = browser.allow(&server.request(self.client_id, scope)).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", super::VERIFIER),
        ];
        self.ask(server, &form).await
    }

    /// Asks the token endpoint.
    pub async fn ask(&self, server: &Server, form: &[(&str, &str)]) -> Value {
        let url = server.url("oauth2/token");
        let request = server.http.client.post(url).basic_auth(self.client_id, Some(SECRET)).form(form);
        server.http.send(request).await.json()
    }

    /// Tells whether a refresh token is still good; it is used up by that.
    pub async fn can_refresh(&self, server: &Server, refresh_token: &str) -> bool {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.ask(server, &form).await.get("access_token").is_some()
    }

    pub fn tokens(&self, answer: &Value) -> Tokens {
        let text = |name: &str| answer[name].as_str().unwrap_or_else(|| panic!("no {name}: {answer}")).to_owned();
        Tokens { access: text("access_token"), refresh: text("refresh_token"), client_id: self.client_id.to_owned() }
    }
}

async fn hear(State(party): State<RelyingParty>, headers: HeaderMap, body: Bytes) -> Response {
    let reply = {
        let mut told = party.told.lock().unwrap();
        let content_type = headers["content-type"].to_str().unwrap().to_owned();
        told.requests.push((String::from_utf8(body.to_vec()).unwrap(), content_type));
        told.replies.pop_front()
    };
    match reply {
        None => StatusCode::OK.into_response(),
        Some(Reply::Status(status)) => StatusCode::from_u16(status).unwrap().into_response(),
        Some(Reply::Redirect) => {
            (StatusCode::TEMPORARY_REDIRECT, [("location", format!("{}/decoy", party.origin))]).into_response()
        }
        Some(Reply::Hangs) => std::future::pending().await,
    }
}

async fn decoy(State(party): State<RelyingParty>) -> StatusCode {
    party.told.lock().unwrap().decoys += 1;
    StatusCode::OK
}

impl Setup {
    /// Knows these clients, each as its configuration says.
    pub fn clients(self, clients: &[Value]) -> Self {
        self.with("clients", Value::Array(clients.to_vec()).to_string())
    }
}
