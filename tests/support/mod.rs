//! The test's own Keymaker, with the verbs of the people who use it.
//!
//! When a server is dropped, its database and everything that was logged are searched for every secret that it handed
//! out: each story is a leak test too (INV-03, CMN-15, TST-09).

#![allow(dead_code, reason = "each story uses a part")]

pub mod audit;
pub mod authenticator;
pub mod captcha;
pub mod compat;
pub mod database;
pub mod device;
pub mod factors;
pub mod homeserver;
pub mod http;
pub mod identity_provider;
pub mod mailbox;
pub mod person;
pub mod process;
pub mod relying_party;
pub mod replica;
pub mod signer;
pub mod smtp;
pub mod state;
pub mod tls;

use std::{collections::BTreeMap, net::Ipv4Addr, path::Path, sync::Arc, sync::OnceLock, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use keymaker::{
    app,
    app::App,
    clock::Clock,
    config,
    crypto::random,
    flows::limit::Limiter,
    flows::manage,
    remote::{guarded::Guarded, homeserver::Homeserver},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use self::{
    audit::Audit,
    database::Database,
    http::{Answer, Http},
    identity_provider::IdentityProvider,
    person::Person,
};

pub const PASSWORD: &str = "correct horse battery staple 9!";
/// RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub const REDIRECT_URI: &str = "https://app.example.com/callback";
pub const MATRIX_SCOPE: &str = "urn:matrix:client:api:* urn:matrix:client:device:ABCDEFGHIJ";

/// A running Keymaker.
pub struct Server {
    pub app: App,
    pub base: String,
    pub http: Http,
    pub audit: Audit,
    pub clock: Clock,
    directory: TempDir,
    environment: BTreeMap<String, String>,
    stop: Option<oneshot::Sender<()>>,
    running: Option<tokio::task::JoinHandle<()>>,
    tls: Option<tokio::task::JoinHandle<()>>,
}

/// What a story wants to be different from a fresh development server.
#[derive(Default)]
pub struct Setup {
    pub settings: Vec<(&'static str, String)>,
    pub homeserver: Option<Arc<dyn Homeserver>>,
    pub providers: Vec<IdentityProvider>,
    /// Whether rate limits hold as they do elsewhere; they are off otherwise, because all stories come from one address.
    pub has_limits: bool,
    /// Whether the world reaches the server by https alone, as it does elsewhere.
    pub is_https: bool,
}

impl Setup {
    /// Lets the rate limits hold that hold where nothing is configured.
    pub fn with_limits(self) -> Self {
        Self { has_limits: true, ..self }
    }

    /// Puts TLS in front: `{origin}` is then an https one, of a certificate that [`tls::root`] vouches for.
    pub fn over_https(self) -> Self {
        Self { is_https: true, ..self }
    }

    /// Sets a configuration key, as an environment variable would: `account.login_with_email_allowed`. In the value,
    /// `{origin}` stands for where the server listens, and `{port}` for the port.
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.settings.push((key, value.into()));
        self
    }

    /// Puts a homeserver behind the server.
    pub fn homeserver(mut self, homeserver: Arc<dyn Homeserver>) -> Self {
        self.homeserver = Some(homeserver);
        self
    }

    /// Adds a confidential client of the configuration that may do everything.
    pub fn static_client(self, auth_method: &str) -> Self {
        self.with("clients.0.client_id", STATIC_CLIENT)
            .with("clients.0.client_auth_method", auth_method)
            .with("clients.0.client_secret", STATIC_SECRET)
            .with("clients.0.client_name", "The wiki")
            .with("clients.0.redirect_uris", format!("[\"{REDIRECT_URI}\"]"))
            .with("clients.0.grant_types", "[authorization_code, refresh_token, client_credentials]")
            .with("clients.0.require_pkce", "false")
    }

    pub async fn start(self) -> Server {
        let audit = Audit::begin();
        let directory = tempfile::tempdir().unwrap();
        copy_secrets(directory.path());
        let database = Database::fresh(directory.path()).await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let outer = match self.is_https {
            true => Some(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap()),
            false => None,
        };
        let (origin, port) = match &outer {
            Some(outer) => {
                let port = outer.local_addr().unwrap().port();
                (format!("https://localhost:{port}"), port.to_string())
            }
            None => (format!("http://{address}"), address.port().to_string()),
        };
        let mut settings = vec![("http.public_base", format!("{origin}/")), ("database.uri", database.uri.clone())];
        let place = |value: String| value.replace("{origin}", &origin).replace("{port}", &port);
        settings.extend(self.settings.into_iter().map(|(key, value)| (key, place(value))));
        let limiters = Limiter::ALL.iter().filter(|_| !self.has_limits);
        let off = limiters.map(|limiter| (variable(&format!("rate_limiting.{}", limiter.name())), "off".to_owned()));
        let settings = settings.into_iter().map(|(key, value)| (variable(key), value));
        let environment: BTreeMap<String, String> = off.chain(settings).collect();
        let config = config::development(directory.path(), &environment).unwrap_or_else(|p| panic!("{p}"));
        // Where the public base is a name of a reverse proxy's, the stories still go straight to the server.
        let base = format!("{origin}{}", config.http.public_base.path());
        let db = keymaker::store::db::Db::open(config.database.uri(), 10).await.unwrap();
        db.migrate().await.unwrap();
        let clock = Clock::default();
        let homeserver = self.homeserver.or(app::homeserver(&config).unwrap());
        let mut app = app::build(config, db, clock.clone(), homeserver).await.unwrap();
        if self.is_https {
            // The application that it calls has a certificate of the same authority.
            let hosts = BTreeMap::from([(tls::APPLICATION.to_owned(), Ipv4Addr::LOCALHOST.into())]);
            Arc::get_mut(&mut app).unwrap().guarded =
                Guarded::with_hosts(hosts, Some(tls::root_pem().as_bytes())).unwrap();
        }
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn({
            let app = app.clone();
            async move {
                let stop = async {
                    let _ = stopped.await;
                };
                keymaker::server::serve(app, vec![listener], stop).await.unwrap();
            }
        });
        let tls = outer.map(|outer| tokio::spawn(tls::serve(outer, address)));
        audit.watch(database);
        audit.secret(PASSWORD);
        self.providers.iter().for_each(|provider| provider.serve(&clock, &audit));
        let http = Http::new(&base, audit.clone());
        let (stop, running) = (Some(stop), Some(running));
        let server = Server { app, base, http, audit, clock, directory, environment, stop, running, tls };
        server.http.wait_until_healthy().await;
        server
    }
}

/// The environment variable of a configuration key.
fn variable(key: &str) -> String {
    format!("KEYMAKER__{}", key.replace('.', "__").to_uppercase())
}

pub const STATIC_CLIENT: &str = "the-wiki";
pub const STATIC_SECRET: &str = "a secret: with & odd % characters, 32";

/// An RSA key takes a while to find, so all servers of a run share one.
fn copy_secrets(directory: &Path) {
    static SECRETS: OnceLock<TempDir> = OnceLock::new();
    let shared = SECRETS.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        config::development(directory.path(), &BTreeMap::new()).unwrap();
        directory
    });
    let (from, to) = (shared.path().join("secrets"), directory.join("secrets"));
    std::fs::create_dir_all(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// The tokens of one login.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub client_id: String,
}

impl Server {
    pub async fn start() -> Self {
        Setup::default().start().await
    }

    pub fn setup() -> Setup {
        Setup::default()
    }

    pub fn url(&self, path: &str) -> String {
        self.http.url(path)
    }

    pub fn data_directory(&self) -> &Path {
        self.directory.path()
    }

    /// The secret that the homeserver and Keymaker share.
    pub fn matrix_secret(&self) -> String {
        self.app.config.matrix.secret().unwrap().expose().to_owned()
    }

    /// Makes an account with `PASSWORD`.
    pub async fn user(&self, name: &str) {
        manage::register_user(&self.app, name, Some(PASSWORD), None, false).await.unwrap();
    }

    /// Opens a browser of its own, with its own cookies.
    pub fn browser(&self) -> Person {
        Person::new(self)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.http.get(path).await
    }

    /// Sends a form to an endpoint.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.http.post(path, form).await
    }

    /// Registers the public client that stories use unless they care.
    pub async fn client(&self) -> String {
        self.register(json!({
            "client_name": "Example App",
            "client_uri": "https://app.example.com/",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
            "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await
    }

    pub async fn register(&self, metadata: Value) -> String {
        let answer = self.http.post_json("oauth2/registration", &metadata).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.json()["client_id"].as_str().unwrap().to_owned()
    }

    /// The parameters of a correct authorization request of a public client.
    pub fn request<'a>(&self, client_id: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
        request(client_id, scope)
    }

    /// The issuer, as clients compare it.
    pub fn issuer(&self) -> &str {
        self.app.config.http.issuer().as_str()
    }

    /// Exchanges a code as the public client does.
    pub async fn exchange(&self, client_id: &str, code: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.post("oauth2/token", &form).await
    }

    /// Gets a code for a user who exists and has `PASSWORD`.
    pub async fn code(&self, user: &str, client_id: &str, scope: &str) -> String {
        let browser = self.browser();
        browser.sign_in(user).await;
        browser.allow(&self.request(client_id, scope)).await
    }

    /// Goes the whole way: an existing user signs in with a client.
    pub async fn log_in(&self, user: &str, scope: &str) -> Tokens {
        let client_id = self.client().await;
        let code = self.code(user, &client_id, scope).await;
        let answer = self.exchange(&client_id, &code).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Tokens::of(&answer, &client_id)
    }

    pub async fn refresh(&self, tokens: &Tokens) -> Answer {
        self.refresh_with(&tokens.client_id, &tokens.refresh).await
    }

    pub async fn refresh_with(&self, client_id: &str, refresh_token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", refresh_token)];
        self.post("oauth2/token", &form).await
    }

    /// Asks about a token as the homeserver does.
    pub async fn introspect(&self, token: &str) -> Value {
        let request = self
            .http
            .client
            .post(self.url("oauth2/introspect"))
            .bearer_auth(self.matrix_secret())
            .form(&[("token", token), ("token_type_hint", "access_token")]);
        let answer = self.http.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    }

    pub async fn is_active(&self, token: &str) -> bool {
        self.introspect(token).await["active"].as_bool().unwrap()
    }
}

impl Tokens {
    pub fn of(answer: &Answer, client_id: &str) -> Self {
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Self { access: text("access_token"), refresh: text("refresh_token"), client_id: client_id.to_owned() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(running) = self.running.take() {
            running.abort();
        }
        if let Some(tls) = self.tls.take() {
            tls.abort();
        }
        if !std::thread::panicking() {
            self.audit.finish();
        }
    }
}

/// The parameters of a correct authorization request of a public client.
pub fn request<'a>(client_id: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", REDIRECT_URI),
        ("scope", scope),
        ("state", "the state"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]
}

/// The same parameters with one of them set to something else, or left out.
pub fn changed<'a>(params: &[(&'a str, &'a str)], name: &'a str, value: Option<&'a str>) -> Vec<(&'a str, &'a str)> {
    let others = params.iter().copied().filter(|(key, _)| *key != name);
    others.chain(value.map(|value| (name, value))).collect()
}

/// The claims of an ID token, unverified.
pub fn claims_of(id_token: &str) -> Value {
    let payload = id_token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// Waits for work after the response.
pub async fn eventually(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..1500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{what} does not come true");
}

/// Counts the work that waits for the homeserver.
pub async fn waiting_jobs(server: &Server) -> i64 {
    keymaker::store::job::count(&server.app.db).await.unwrap()
}

/// A name that no other story uses, for things outside the database.
pub fn unique(prefix: &str) -> String {
    format!("{prefix}{}", hex::encode(random::bytes::<6>()))
}
