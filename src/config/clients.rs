//! The section `clients`: applications that are known beforehand, with the members of RFC 7591 §2 that concern them.

use std::{collections::HashSet, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{
    client::{self, ClientMetadata},
    redirect_uri::check_static,
    signing_alg::{AssertionAlg, SigningAlg},
};

use super::{Config, Problems, Sensitive, WebUrl, check::weakness, order::as_declared, yes};

/// A client that is known beforehand.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = as_declared::<Client>)]
pub struct Client {
    /// The client identifier.
    #[schemars(length(min = 1, max = 255))]
    pub client_id: String,

    /// How the client proves who it is.
    pub client_auth_method: ClientAuthMethod,

    /// The name that people are shown when they are asked for consent.
    #[schemars(example = &"The team's wiki")]
    pub client_name: Option<String>,

    /// The client's own page.
    #[schemars(example = &"https://wiki.example.com/")]
    pub client_uri: Option<WebUrl>,

    /// The secret of a confidential client, at least 16 characters.
    #[schemars(example = &"put at least 16 random characters here")]
    pub(super) client_secret: Option<Sensitive>,

    /// A file that holds the secret, instead of `client_secret`.
    #[schemars(example = &"wiki-secret")]
    pub(super) client_secret_file: Option<PathBuf>,

    /// The secret that `client_secret` replaced. It is accepted too, until the client knows the new one and this is removed.
    #[schemars(example = &"the secret until now, at least 16 characters")]
    pub(super) previous_client_secret: Option<Sensitive>,

    /// A file that holds the replaced secret, instead of `previous_client_secret`.
    #[schemars(example = &"wiki-secret-until-now")]
    pub(super) previous_client_secret_file: Option<PathBuf>,

    /// With `private_key_jwt`, the public keys of the client as a JWK set.
    #[schemars(example = serde_json::json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "base64url" }] }))]
    jwks: Option<Map<String, Value>>,

    /// With `private_key_jwt`, the https address at which the client publishes its keys, instead of `jwks`. It can replace
    /// them there at any time.
    #[schemars(example = &"https://wiki.example.com/jwks.json")]
    jwks_uri: Option<WebUrl>,

    /// With `client_secret_jwt` and `private_key_jwt`, the only algorithm that is accepted. Any that fits the method
    /// otherwise.
    token_endpoint_auth_signing_alg: Option<AssertionAlg>,

    /// Where a browser may be sent back to, compared byte for byte. Required for the grant type `authorization_code`.
    #[serde(default)]
    pub redirect_uris: Vec<String>,

    /// What the client may exchange for tokens.
    #[serde(default = "browser_grant_types")]
    pub grant_types: Vec<GrantType>,

    /// Where a browser may be sent after the client signed its person out, compared byte for byte.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,

    /// Where Keymaker tells the client that somebody has signed out (OpenID Connect Back-Channel Logout). It must be https and
    /// on a public address, unless `http.public_base` is on this machine.
    #[schemars(example = &"https://wiki.example.com/backchannel-logout")]
    backchannel_logout_uri: Option<WebUrl>,

    /// Whether the client needs to be told the session (`sid`), and not only the person.
    #[serde(default)]
    backchannel_logout_session_required: bool,

    /// Where a login at the client begins, for links that lead to it.
    #[schemars(example = &"https://wiki.example.com/login")]
    initiate_login_uri: Option<WebUrl>,

    /// By what algorithm ID tokens and logout tokens for this client are signed; `RS256` when it is not set.
    id_token_signed_response_alg: Option<SigningAlg>,

    /// With one, the answer of the userinfo endpoint is a JWT that is signed by it, instead of plain JSON.
    userinfo_signed_response_alg: Option<SigningAlg>,

    /// How many seconds ago people may have signed in at most, where the client does not ask for less.
    #[schemars(example = 3600)]
    default_max_age: Option<u32>,

    /// Whether ID tokens always say when the person signed in (`auth_time`).
    #[serde(default)]
    require_auth_time: bool,

    /// By what people should have signed in where the client does not ask for anything: values of `acr_values_supported`.
    #[serde(default)]
    default_acr_values: Vec<String>,

    /// Whether the client has to push its authorization requests (RFC 9126), so that no browser can change them.
    #[serde(default)]
    require_pushed_authorization_requests: bool,

    /// Whether the client is yours, so that people are not asked what they allow it. What a Matrix client wants is asked
    /// nonetheless.
    #[serde(default)]
    pub trusted: bool,

    /// Whether the client must use PKCE. Only a confidential client that cannot may be excused.
    #[serde(default = "yes")]
    pub require_pkce: bool,
}

impl Client {
    /// Returns the secrets by which the client may authenticate itself, the current one first; a client without a method
    /// that needs one has none.
    pub fn secrets(&self) -> impl Iterator<Item = &Sensitive> {
        self.client_secret.iter().chain(&self.previous_client_secret)
    }

    /// Returns the entry in the form that clients have everywhere else.
    pub fn metadata(&self) -> ClientMetadata {
        let text = |url: &Option<WebUrl>| url.as_ref().map(ToString::to_string);
        let grant_types = self.grant_types.iter().map(|grant_type| grant_type.domain());
        ClientMetadata {
            client_name: self.client_name.clone(),
            client_uri: text(&self.client_uri),
            redirect_uris: self.redirect_uris.clone(),
            jwks: self.jwks.clone().map(Value::Object),
            jwks_uri: text(&self.jwks_uri),
            token_endpoint_auth_signing_alg: self.token_endpoint_auth_signing_alg,
            id_token_signed_response_alg: self.id_token_signed_response_alg,
            userinfo_signed_response_alg: self.userinfo_signed_response_alg,
            post_logout_redirect_uris: self.post_logout_redirect_uris.clone(),
            backchannel_logout_uri: text(&self.backchannel_logout_uri),
            backchannel_logout_session_required: self.backchannel_logout_session_required,
            initiate_login_uri: text(&self.initiate_login_uri),
            default_max_age: self.default_max_age,
            require_auth_time: self.require_auth_time,
            default_acr_values: self.default_acr_values.clone(),
            require_pushed_authorization_requests: self.require_pushed_authorization_requests,
            ..ClientMetadata::configured(self.client_auth_method.domain(), grant_types.collect())
        }
    }
}

/// How a client authenticates (RFC 7591 §2, `token_endpoint_auth_method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// A public client, without a secret: an app on somebody's device.
    None,
    /// A confidential client, with its secret in the `Authorization` header.
    ClientSecretBasic,
    /// A confidential client, with its secret in the body.
    ClientSecretPost,
    /// A confidential client that signs an assertion with its secret (RFC 7523). The secret itself never travels.
    ClientSecretJwt,
    /// A confidential client that signs an assertion with a key of its own (RFC 7523): `jwks` or `jwks_uri`.
    PrivateKeyJwt,
}

impl ClientAuthMethod {
    fn domain(self) -> client::ClientAuthMethod {
        match self {
            Self::None => client::ClientAuthMethod::None,
            Self::ClientSecretBasic => client::ClientAuthMethod::ClientSecretBasic,
            Self::ClientSecretPost => client::ClientAuthMethod::ClientSecretPost,
            Self::ClientSecretJwt => client::ClientAuthMethod::ClientSecretJwt,
            Self::PrivateKeyJwt => client::ClientAuthMethod::PrivateKeyJwt,
        }
    }
}

/// What a client may exchange for tokens (RFC 7591 §2, `grant_types`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A code that a person's browser brought.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
    /// Its own secret, for what it does in its own name. Only for confidential clients.
    ClientCredentials,
    /// A code that a person typed into another device's browser. Only where `device_grant.enabled` is true.
    DeviceCode,
}

impl GrantType {
    fn domain(self) -> client::GrantType {
        match self {
            Self::AuthorizationCode => client::GrantType::AuthorizationCode,
            Self::RefreshToken => client::GrantType::RefreshToken,
            Self::ClientCredentials => client::GrantType::ClientCredentials,
            Self::DeviceCode => client::GrantType::DeviceCode,
        }
    }
}

fn browser_grant_types() -> Vec<GrantType> {
    vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
}

/// Adds every rule that an entry breaks.
pub(super) fn check(config: &Config, problems: &mut Problems) {
    let mut ids = HashSet::new();
    for (index, client) in config.clients.iter().enumerate() {
        let path = format!("clients[{index}]");
        if !ids.insert(&client.client_id) {
            problems.add(format!("{path}.client_id"), "is the `client_id` of another client too");
        }
        // RFC 6749 appendix A.1: a client_id is visible ASCII.
        if !client.client_id.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
            problems.add(format!("{path}.client_id"), "must be plain ASCII characters");
        }
        check_client_authentication(&path, client, problems);
        check_redirect_uris(&path, client, problems);
        check_addresses(config, &path, client, problems);
    }
}

fn check_client_authentication(path: &str, client: &Client, problems: &mut Problems) {
    let method = client.client_auth_method.domain();
    check_secrets(path, client, problems);
    check_keys(path, client, problems);
    // RFC 6749 §4.4: only a confidential client may act in its own name.
    let is_public = method == client::ClientAuthMethod::None;
    if is_public && client.grant_types.contains(&GrantType::ClientCredentials) {
        problems.add(format!("{path}.grant_types"), "`client_credentials` is only for clients with a secret");
    }
    // RFC 9700 §2.1.1: a public client has nothing but PKCE to bind a code to itself.
    if is_public && !client.require_pkce {
        problems.add(format!("{path}.require_pkce"), "must stay true for a client without a secret");
    }
}

fn check_secrets(path: &str, client: &Client, problems: &mut Problems) {
    let method = client.client_auth_method.domain();
    if method.has_secret() && client.client_secret.is_none() {
        problems.add(
            format!("{path}.client_secret"),
            "is required with this `client_auth_method`, here or as `client_secret_file`",
        );
    }
    let secrets =
        [("client_secret", &client.client_secret), ("previous_client_secret", &client.previous_client_secret)];
    for (key, secret) in secrets {
        let Some(secret) = secret else { continue };
        let path = format!("{path}.{key}");
        match method {
            client::ClientAuthMethod::None => {
                problems.add(path, "a client with `client_auth_method: none` has no secret")
            }
            client::ClientAuthMethod::PrivateKeyJwt => {
                problems.add(path, "a client with `private_key_jwt` has keys instead")
            }
            _ => {
                if let Some(problem) = weakness(secret).or_else(|| too_short_to_sign(client, secret)) {
                    problems.add(path, problem);
                }
            }
        }
    }
}

/// RFC 7518 §3.2: a secret that signs is at least as long as the hash.
fn too_short_to_sign(client: &Client, secret: &Sensitive) -> Option<&'static str> {
    if client.client_auth_method != ClientAuthMethod::ClientSecretJwt {
        return None;
    }
    let alg = client.token_endpoint_auth_signing_alg.unwrap_or(AssertionAlg::HS256);
    let least = alg.least_secret_bytes().unwrap_or_default();
    (secret.expose().len() < least).then_some(match alg {
        AssertionAlg::HS512 => "is too short to sign with HS512: use at least 64 random characters",
        AssertionAlg::HS384 => "is too short to sign with HS384: use at least 48 random characters",
        _ => "is too short to sign with: use at least 32 random characters",
    })
}

fn check_keys(path: &str, client: &Client, problems: &mut Problems) {
    let jwks = client.jwks.clone().map(Value::Object);
    if let Some(refusal) = jwks.as_ref().and_then(|jwks| client::check_jwks(jwks).err()) {
        problems.add(format!("{path}.jwks"), refusal);
    }
    if jwks.is_some() && client.jwks_uri.is_some() {
        problems.add(format!("{path}.jwks_uri"), "give either `jwks` or `jwks_uri`, not both");
    }
    let is_by_secret = match client.client_auth_method {
        ClientAuthMethod::ClientSecretJwt => true,
        ClientAuthMethod::PrivateKeyJwt => false,
        _ => return,
    };
    if !is_by_secret && client.jwks_uri.is_none() && !jwks.as_ref().is_some_and(client::has_keys) {
        problems.add(format!("{path}.jwks"), "is required with `private_key_jwt`, or `jwks_uri` instead");
    }
    if client.token_endpoint_auth_signing_alg.is_some_and(|alg| alg.is_by_secret() != is_by_secret) {
        problems.add(format!("{path}.token_endpoint_auth_signing_alg"), "does not fit this `client_auth_method`");
    }
}

/// What Keymaker itself calls is https, or on the same machine where all of it is (INV-12).
fn check_addresses(config: &Config, path: &str, client: &Client, problems: &mut Problems) {
    let is_here = config.http.public_base.is_loopback();
    let called = [("jwks_uri", &client.jwks_uri), ("backchannel_logout_uri", &client.backchannel_logout_uri)];
    for (key, url) in called {
        let Some(url) = url else { continue };
        if url.scheme() != "https" && !(is_here && url.is_loopback()) {
            problems.add(format!("{path}.{key}"), "must start with https://");
        }
        if url.fragment().is_some() {
            problems.add(format!("{path}.{key}"), "must not have a fragment (#)");
        }
    }
}

fn check_redirect_uris(path: &str, client: &Client, problems: &mut Problems) {
    let by_browser = client.grant_types.contains(&GrantType::AuthorizationCode);
    if by_browser && client.redirect_uris.is_empty() {
        problems.add(format!("{path}.redirect_uris"), "is required for the grant type `authorization_code`");
    }
    let lists =
        [("redirect_uris", &client.redirect_uris), ("post_logout_redirect_uris", &client.post_logout_redirect_uris)];
    for (key, uris) in lists {
        for (index, uri) in uris.iter().enumerate() {
            if let Err(refusal) = check_static(uri) {
                problems.add(format!("{path}.{key}[{index}]"), refusal.to_string());
            }
        }
    }
}
