//! Every setting of Keymaker: its type, its default and, as the doc comment of its field, its documentation.
//! The reference page and the annotated sample are generated from these comments, so they are written for administrators.
//! Reading a file is `load`, the rules between settings are `check`; nothing here looks at the network or the database.

mod account;
mod authorization;
mod captcha;
mod check;
mod clients;
mod development;
mod device_grant;
mod email;
mod generated;
mod load;
mod order;
mod policy;
mod rate_limiting;
mod rendezvous;
mod sample;
mod secrets;
#[cfg(test)]
mod tests;
pub mod upstream;
mod value;

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use account::Account;
pub use authorization::{Authorization, PushedRequests};
pub use captcha::{Captcha, CaptchaPage, CaptchaService};
pub use clients::{Client, ClientAuthMethod, GrantType};
pub use development::development;
pub use device_grant::DeviceGrant;
pub use email::{Email, MailMode, MailTransport};
pub use load::{load, parse};
pub use policy::Policy;
pub use rate_limiting::{Off, Rate, RateLimit, RateLimiting};
pub use rendezvous::Rendezvous;
pub use sample::{reference, sample};
pub use secrets::Secrets;
pub use upstream::UpstreamOauth2;
pub use value::{Mailbox, Network, Sensitive, WebUrl};

use order::as_declared;

use crate::clock::SECOND;

/// The whole configuration, checked: whoever holds one may rely on every rule of `check`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = as_declared::<Config>)]
pub struct Config {
    /// Where Keymaker is reached: the public address and the sockets it listens on.
    #[serde(default)]
    pub http: Http,

    /// Where accounts, sessions and tokens are stored.
    #[serde(default)]
    pub database: Database,

    /// The Matrix homeserver that Keymaker authenticates for.
    #[serde(default)]
    pub matrix: Matrix,

    /// The keys that protect what is stored and sign what is issued. Keep them as safe as the database, and apart from it.
    /// docs/keys.md tells how they are replaced.
    #[serde(default)]
    pub secrets: Secrets,

    /// How passwords are hashed and how good they must be.
    #[serde(default)]
    pub passwords: Passwords,

    /// What people may do with their accounts.
    #[serde(default)]
    pub account: Account,

    /// What keeps programs from filling in forms.
    #[serde(default)]
    pub captcha: Captcha,

    /// How mails go out: codes that confirm an address, links after a forgotten password, and notices of what happened on an
    /// account.
    #[serde(default)]
    pub email: Email,

    /// Apps that do not speak OAuth 2.0 yet: they sign in with a user name and a password, or through the browser, at the
    /// homeserver's own address. A reverse proxy sends these requests here; docs/reverse-proxy shows how.
    #[serde(default)]
    pub compatibility: Compatibility,

    /// Signing in a device that has no browser of its own, such as a television, or the app on a phone by a QR code that another
    /// app shows: the device shows a code, and its person types it on a page of Keymaker in another browser and confirms.
    #[serde(default)]
    pub device_grant: DeviceGrant,

    /// Where two devices meet while a QR code signs one of them in (MSC4108, MSC4388), for a homeserver that has no such place.
    #[serde(default)]
    pub rendezvous: Rendezvous,

    /// The identity providers at which people have accounts too, such as that of a company, and through which they sign in.
    #[serde(default)]
    pub upstream_oauth2: UpstreamOauth2,

    /// OAuth 2.0 clients that are known beforehand. Matrix clients register themselves and need no entry here.
    #[serde(default)]
    #[schemars(example = serde_json::json!([{
        "client_id": "wiki",
        "client_auth_method": "client_secret_basic",
        "client_name": "The team's wiki",
        "client_secret": "put at least 16 random characters here",
        "redirect_uris": ["https://wiki.example.com/callback"],
    }]))]
    pub clients: Vec<Client>,

    /// How clients ask people for access.
    #[serde(default)]
    pub authorization: Authorization,

    /// How often something may be done, so that nobody guesses passwords, floods mailboxes or fills the database. Each limit is
    /// written as `{ burst: 3, per_second: 0.05 }`: so many at once, and so many per second after that (0.05 is one in 20
    /// seconds); or as `off`. It holds for all replicas that share a database together. docs/rate-limits.md tells more.
    ///
    /// An address is that of the client as `http.trusted_proxies` lets it be seen; of an IPv6 address the first 64 bits count.
    /// Behind a proxy that is not named there everybody has the same address, and keeps the others out.
    #[serde(default)]
    pub rate_limiting: RateLimiting,

    /// What is forbidden or required beyond the rules of the protocols: names, addresses, apps, passwords, logins.
    /// docs/policies.md describes each decision, and how to write rules of your own.
    #[serde(default)]
    pub policy: Policy,

    /// What the pages say about whose service this is.
    #[serde(default)]
    pub branding: Branding,

    /// What Keymaker tells about itself to those who run it.
    #[serde(default)]
    pub telemetry: Telemetry,
}

/// The public address and the listening sockets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Http>)]
pub struct Http {
    /// The address under which browsers and clients reach Keymaker. It must be https, except on the loopback host for
    /// development. Every link, cookie and redirect is built from it and never from a request, so it must be right also
    /// behind a reverse proxy. A trailing slash is added where it is missing.
    pub public_base: WebUrl,

    /// The issuer identifier that clients and the homeserver see in metadata and tokens. It is `public_base` when it is not
    /// set. Clients remember it: do not change it once people have signed in.
    #[schemars(example = &"https://auth.example.com/")]
    issuer: Option<WebUrl>,

    /// The sockets to listen on.
    pub listeners: Vec<Listener>,

    /// The reverse proxies whose forwarding headers are believed, as networks. The address of a client is the right-most hop
    /// that is not one of them. Everybody else's headers are ignored.
    pub trusted_proxies: Vec<Network>,
}

impl Http {
    /// Returns the issuer identifier; its text is the one that metadata, `iss` and tokens carry, byte for byte.
    pub fn issuer(&self) -> &WebUrl {
        self.issuer.as_ref().unwrap_or(&self.public_base)
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            public_base: WebUrl::development(),
            issuer: None,
            listeners: vec![Listener::default()],
            trusted_proxies: Network::loopback(),
        }
    }
}

/// A named group of sockets.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Listener>)]
pub struct Listener {
    /// The name of the listener in the log.
    pub name: String,

    /// The addresses of the listener, at least one.
    pub binds: Vec<Bind>,
}

impl Default for Listener {
    fn default() -> Self {
        Self {
            name: "web".to_owned(),
            binds: vec![Bind { address: Some("localhost:8080".to_owned()), host: None, port: None }],
        }
    }
}

/// One address to listen on, in either of its two spellings.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Bind>)]
pub struct Bind {
    /// Host and port in one, such as `localhost:8080` or `[::]:8080`. A host name is listened on at all its addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"localhost:8080")]
    address: Option<String>,

    /// The host alone; give `port` with it, and no `address`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"localhost")]
    host: Option<String>,

    /// The port alone; give `host` with it, and no `address`. Port 0 lets the system choose a free one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 8080)]
    port: Option<u16>,
}

impl Bind {
    /// Returns the socket address as `host:port`; the host may be a name that has several addresses.
    pub fn address(&self) -> String {
        match (&self.address, &self.host, self.port) {
            (Some(address), _, _) => address.clone(),
            (None, Some(host), Some(port)) if host.contains(':') && !host.starts_with('[') => {
                format!("[{host}]:{port}")
            }
            (None, host, port) => format!("{}:{}", host.as_deref().unwrap_or_default(), port.unwrap_or_default()),
        }
    }
}

/// The database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Database>)]
pub struct Database {
    /// The database as a URL: `sqlite://` and a path (a relative path starts at the working directory), or `postgresql://`
    /// with user, password, host and name. SQLite needs nothing else installed; PostgreSQL lets several replicas run. When
    /// neither this nor `uri_file` is set it is `sqlite://data/keymaker.db`.
    #[schemars(example = &"postgresql://keymaker:password@localhost/keymaker")]
    uri: Option<Sensitive>,

    /// A file that holds the URL, instead of `uri`.
    #[schemars(example = &"database-uri")]
    uri_file: Option<PathBuf>,

    /// The largest number of connections held open at a time.
    #[schemars(range(min = 1))]
    pub max_connections: u32,
}

impl Database {
    const DEFAULT_URI: &str = "sqlite://data/keymaker.db";

    /// Returns the database URL; it may carry a password and is not for the log.
    pub fn uri(&self) -> &str {
        self.uri.as_ref().map_or(Self::DEFAULT_URI, Sensitive::expose)
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { uri: None, uri_file: None, max_connections: 10 }
    }
}

/// The homeserver.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Matrix>)]
pub struct Matrix {
    /// Which homeserver it is.
    pub kind: HomeserverKind,

    /// The server name: what stands after the colon in a Matrix ID. Required with kind `synapse`; otherwise `localhost` when it
    /// is not set.
    #[schemars(example = &"example.com")]
    homeserver: Option<String>,

    /// The URL at which Keymaker reaches the homeserver; it may be an internal one. Required with kind `synapse`.
    #[schemars(example = &"http://localhost:8008/")]
    pub endpoint: Option<WebUrl>,

    /// The secret shared with the homeserver, at least 16 characters: in Synapse `secret` of `matrix_authentication_service`.
    /// Required with kind `synapse`. Without one, no homeserver may introspect tokens.
    #[schemars(example = &"put at least 16 random characters here")]
    secret: Option<Sensitive>,

    /// A file that holds the shared secret, instead of `secret`.
    #[schemars(example = &"matrix-secret")]
    secret_file: Option<PathBuf>,
}

impl Matrix {
    /// Returns the server name of the homeserver.
    pub fn homeserver(&self) -> &str {
        self.homeserver.as_deref().unwrap_or("localhost")
    }

    /// Returns the secret that the homeserver and Keymaker show each other, if there is one.
    pub fn secret(&self) -> Option<&Sensitive> {
        self.secret.as_ref()
    }
}

/// The kinds of homeserver that Keymaker can speak to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HomeserverKind {
    /// Synapse, with its `matrix_authentication_service` block pointing here.
    #[default]
    Synapse,
    /// No homeserver: people and devices exist in Keymaker alone. For development and for tests.
    None,
}

/// Passwords.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Passwords>)]
pub struct Passwords {
    /// Whether people sign in with a password.
    pub enabled: bool,

    /// How passwords are hashed. The first scheme is used for new passwords; a password of another scheme is moved to the
    /// first one when its owner next signs in.
    pub schemes: Vec<PasswordScheme>,

    /// How hard a new password must be to guess, from 0 (anything) to 4 (very hard), as zxcvbn scores it.
    #[schemars(range(max = 4))]
    pub minimum_complexity: u8,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            enabled: true,
            schemes: vec![PasswordScheme {
                version: 1,
                algorithm: PasswordAlgorithm::Argon2id,
                cost: None,
                secret: None,
                secret_file: None,
                unicode_normalization: true,
            }],
            minimum_complexity: 3,
        }
    }
}

/// One way of hashing passwords.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = as_declared::<PasswordScheme>)]
pub struct PasswordScheme {
    /// The number by which stored passwords name their scheme. Never give the number of an old scheme to a new one.
    #[schemars(range(min = 1))]
    pub version: u16,

    /// The hash function.
    pub algorithm: PasswordAlgorithm,

    /// The cost of new bcrypt hashes, 12 when it is not set. Only for `bcrypt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 10, max = 16), example = 12)]
    cost: Option<u32>,

    /// A secret mixed into every password of this scheme (a pepper), as an imported Synapse may have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"the pepper of the homeserver")]
    secret: Option<Sensitive>,

    /// A file that holds the secret, instead of `secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"pepper")]
    secret_file: Option<PathBuf>,

    /// Whether a password is brought to Unicode form NFKC before it is hashed, so that it is the same on every keyboard.
    /// Hashes that were made without it need `false`.
    #[serde(default = "yes")]
    pub unicode_normalization: bool,
}

impl PasswordScheme {
    /// Returns the cost of new bcrypt hashes.
    pub fn cost(&self) -> u32 {
        self.cost.unwrap_or(12)
    }

    /// Returns the secret that is mixed into every password of this scheme.
    pub fn secret(&self) -> Option<&Sensitive> {
        self.secret.as_ref()
    }
}

/// The hash functions for passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PasswordAlgorithm {
    /// Argon2id with 19 MiB of memory and two passes; the right one for new passwords.
    Argon2id,
    /// bcrypt, for passwords that come from elsewhere.
    Bcrypt,
}

/// Older apps.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Compatibility>)]
pub struct Compatibility {
    /// Whether apps that do not speak OAuth 2.0 can sign in. Once it is off, those that are signed in cannot refresh their
    /// tokens nor sign out; `keymaker manage kill-sessions` ends their sessions.
    pub enabled: bool,

    /// How many seconds the access token of an app lives that does not ask for a refresh token. The session is over then: the
    /// app asks for the password again, and most forget their keys. Without it such tokens never expire, as these apps expect.
    #[schemars(range(min = 60), example = 2_592_000)]
    access_token_lifetime: Option<u32>,

    /// After how many seconds without being used a refresh token of such an app expires. The app then asks for the password
    /// again; its device and its keys stay. Without it refresh tokens never expire.
    #[schemars(range(min = 60), example = 7_776_000)]
    refresh_token_lifetime: Option<u32>,
}

impl Compatibility {
    /// Returns the milliseconds that an access token without a refresh token lives, if it expires.
    pub fn access_token_lifetime(&self) -> Option<i64> {
        self.access_token_lifetime.map(|seconds| i64::from(seconds) * SECOND)
    }

    /// Returns the milliseconds that an unused refresh token lives, if it expires.
    pub fn refresh_token_lifetime(&self) -> Option<i64> {
        self.refresh_token_lifetime.map(|seconds| i64::from(seconds) * SECOND)
    }
}

impl Default for Compatibility {
    fn default() -> Self {
        Self { enabled: true, access_token_lifetime: None, refresh_token_lifetime: None }
    }
}

/// Names and links of whoever runs the service.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Branding>)]
pub struct Branding {
    /// The name of the service on the pages; the homeserver's name when it is not set.
    #[schemars(example = &"Example Chat")]
    pub service_name: Option<String>,

    /// The privacy policy.
    #[schemars(example = &"https://example.com/privacy")]
    pub policy_uri: Option<WebUrl>,

    /// The terms of service.
    #[schemars(example = &"https://example.com/terms")]
    pub tos_uri: Option<WebUrl>,

    /// A line at the foot of every page.
    #[schemars(example = &"Example Ltd, 1 Example Street")]
    pub imprint: Option<String>,
}

/// What is told to those who run the service.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Telemetry>)]
pub struct Telemetry {
    /// The metrics at `/metrics`.
    pub metrics: Metrics,
}

/// The metrics endpoint.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Metrics>)]
pub struct Metrics {
    /// The networks that may read the metrics.
    pub allow: Vec<Network>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { allow: Network::loopback() }
    }
}

/// One thing that is wrong with the configuration, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, such as `clients[0].client_secret`, or the file when it cannot be read at all.
    pub path: String,
    /// What is wrong and what would be right; never a value, which may be a secret.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Everything that is wrong with the configuration, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    fn one(path: impl Into<String>, message: impl Into<String>) -> Self {
        let mut problems = Self(Vec::new());
        problems.add(path, message);
        problems
    }

    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Problem { path: path.into(), message: message.into() });
    }
}

fn yes() -> bool {
    true
}
