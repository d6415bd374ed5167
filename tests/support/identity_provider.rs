//! An OpenID provider on loopback that signs with real keys, says who is there as it was told, and lies on request: one
//! [`Fault`] for each thing that a provider, or somebody on the way, can do wrong (UPS-02, UPS-04, UPS-05).

mod endpoints;
mod keys;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use keymaker::{clock::Clock, crypto::random};
use serde_json::{Map, Value, json};

use super::{Setup, audit::Audit};
pub use keys::Signing;
use keys::{Key, Keys};

pub const CLIENT_ID: &str = "keymaker-at-the-provider";
/// It has the form that the audit looks for.
pub const CLIENT_SECRET: &str = "idp_TheSecretOfKeymakerAtTheProviderWhichIsLongEnough12";

pub type Object = Map<String, Value>;
pub type Params = Vec<(String, String)>;

/// The places of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    Discovery,
    Jwks,
    Authorize,
    Token,
    Userinfo,
    EndSession,
}

/// What an endpoint does instead of answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It closes the connection.
    Unreachable,
    InternalError,
    /// Elsewhere, where a good answer waits: it must not be fetched.
    Redirect,
    NotJson,
    /// A megabyte of JSON.
    Huge,
    /// Nothing comes, for as long as anybody waits.
    Hangs,
}

/// One thing that is wrong.
#[derive(Clone)]
pub enum Fault {
    /// With the parameters that the browser brings back.
    Response(fn(&mut Params)),
    /// With the claims of the ID token.
    Claims(fn(&mut Object)),
    /// With the JOSE header of the ID token.
    Header(fn(&mut Object)),
    /// With the text that is signed as the claims.
    Payload(fn(String) -> String),
    Signing(Signing),
    /// With the answer of the token endpoint.
    Tokens(fn(&mut Object)),
    Userinfo(fn(&mut Object)),
    /// The answer of userinfo is a JWT of this signature.
    SignedUserinfo(Signing),
    /// With the provider's metadata.
    Metadata(fn(&mut Object)),
    Trouble(Endpoint, Trouble),
}

/// Somebody who signed in at the provider: what the code stands for.
#[derive(Clone, Default)]
pub struct Login {
    pub person: Object,
    pub sid: String,
    pub redirect_uri: String,
    pub nonce: Option<String>,
    pub code_challenge: Option<String>,
    /// Seconds.
    pub auth_time: i64,
    pub max_age: Option<String>,
    pub access_token: String,
    pub id_token: String,
}

#[derive(Default)]
struct State {
    person: Object,
    faults: Vec<Fault>,
    /// By the code.
    logins: BTreeMap<String, Login>,
    last: Option<Login>,
    requests: Vec<(Endpoint, HashMap<String, String>)>,
    /// What was fetched behind a redirect.
    decoys: usize,
    is_rotated: bool,
    clock: Clock,
    audit: Audit,
}

struct Inner {
    issuer: String,
    keys: &'static Keys,
    hanging: AtomicUsize,
    state: Mutex<State>,
}

/// A running provider; it stops with its runtime. Clones are the same provider.
#[derive(Clone)]
pub struct IdentityProvider(Arc<Inner>);

impl IdentityProvider {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let inner = Inner { issuer, keys: Keys::shared(), hanging: AtomicUsize::new(0), state: Mutex::default() };
        let provider = Self(Arc::new(inner));
        provider.person(json!({
            "sub": "alice-at-the-provider",
            "preferred_username": "alice",
            "name": "Alice Liddell",
            "email": "alice@example.com",
            "email_verified": true,
        }));
        let router = endpoints::router(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        provider
    }

    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// The configuration by which Keymaker knows this provider, and whatever else it says.
    pub fn config(&self, id: &str, more: Value) -> Value {
        let mut config = json!({
            "id": id,
            "human_name": format!("The {id}"),
            "issuer": self.issuer(),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": "openid profile email",
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    }

    /// Uses the clock and the audit of the server that asks.
    pub fn serve(&self, clock: &Clock, audit: &Audit) {
        let mut state = self.0.state.lock().unwrap();
        (state.clock, state.audit) = (clock.clone(), audit.clone());
        state.audit.look_for_secrets(CLIENT_SECRET);
    }

    /// Decides who sits in front of the browser from now on: what is known of them, with `sub`.
    pub fn person(&self, claims: Value) {
        self.0.state.lock().unwrap().person = claims.as_object().unwrap().clone();
    }

    /// Changes what is known of the person.
    pub fn set(&self, claim: &str, value: Value) {
        self.0.state.lock().unwrap().person.insert(claim.to_owned(), value);
    }

    pub fn fail(&self, fault: Fault) {
        self.0.state.lock().unwrap().faults.push(fault);
    }

    /// Does everything right again.
    pub fn behave(&self) {
        self.0.state.lock().unwrap().faults.clear();
    }

    /// Signs with another key from now on; the old one is published no more.
    pub fn rotate(&self) {
        self.0.state.lock().unwrap().is_rotated = true;
    }

    /// The latest login.
    pub fn last_login(&self) -> Login {
        self.0.state.lock().unwrap().last.clone().expect("somebody signed in at the provider")
    }

    /// The parameters of each request to an endpoint, the oldest first. Headers are among them as `header:name`.
    pub fn requests(&self, endpoint: Endpoint) -> Vec<HashMap<String, String>> {
        let state = self.0.state.lock().unwrap();
        state.requests.iter().filter(|(at, _)| *at == endpoint).map(|(_, request)| request.clone()).collect()
    }

    /// How many answers were fetched from where only a redirect leads.
    pub fn decoys(&self) -> usize {
        self.0.state.lock().unwrap().decoys
    }

    /// How many requests hang at this moment.
    pub fn hanging(&self) -> usize {
        self.0.hanging.load(Ordering::SeqCst)
    }

    /// Signs a logout token as the provider does, of these claims and this header.
    pub fn sign(&self, header: Value, claims: &Value, signing: Signing) -> String {
        let mut full = keys::header(&signing, self.key());
        full.extend(header.as_object().unwrap().clone());
        self.0.keys.sign(&full, &claims.to_string(), &signing, self.key())
    }

    /// The claims of a correct logout token, and whatever else it says; null takes a claim away.
    pub fn logout_claims(&self, more: Value) -> Value {
        let now = self.0.state.lock().unwrap().clock.now() / 1000;
        let mut claims = json!({
            "iss": self.issuer(),
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 120,
            "jti": hex::encode(random::bytes::<16>()),
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        });
        let claims_object = claims.as_object_mut().unwrap();
        claims_object.extend(more.as_object().unwrap().clone());
        claims_object.retain(|_, value| !value.is_null());
        claims
    }

    /// A correct logout token of these claims besides.
    pub fn logout_token(&self, more: Value) -> String {
        self.sign(json!({ "typ": "logout+jwt" }), &self.logout_claims(more), Signing::Rs256)
    }

    fn key(&self) -> &'static Key {
        if self.0.state.lock().unwrap().is_rotated { &self.0.keys.next } else { &self.0.keys.rsa }
    }

    fn faults(&self) -> Vec<Fault> {
        self.0.state.lock().unwrap().faults.clone()
    }

    fn trouble(&self, endpoint: Endpoint) -> Option<Trouble> {
        self.faults().into_iter().find_map(|fault| match fault {
            Fault::Trouble(at, trouble) if at == endpoint => Some(trouble),
            _ => None,
        })
    }

    /// Makes a secret that the audit knows by its form.
    fn secret(&self) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz012345";
        let random = random::bytes::<51>();
        let secret: String = random.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
        let secret = format!("idp_{secret}");
        self.0.state.lock().unwrap().audit.look_for_secrets(&secret);
        secret
    }
}

impl Setup {
    /// Knows these providers, each with its id and whatever else the configuration says of it.
    pub fn providers(mut self, providers: &[(&IdentityProvider, &str, Value)]) -> Self {
        let config = providers.iter().map(|(provider, id, more)| provider.config(id, more.clone()));
        self.providers.extend(providers.iter().map(|(provider, ..)| (*provider).clone()));
        let config = Value::Array(config.collect()).to_string();
        self.with("upstream_oauth2.providers", config)
    }
}
