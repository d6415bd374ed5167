//! What is asked of identity providers: metadata, keys, tokens and userinfo (OpenID Connect Discovery and Core, RFC 6749;
//! spec UPS-04, UPS-12). Each has a bound of its own, so that one that hangs keeps nobody else waiting.

mod client_auth;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::{Semaphore, SemaphorePermit};
use url::Url;

use crate::{
    clock::{HOUR, MINUTE},
    config::{
        Sensitive,
        upstream::{DiscoveryMode, Provider},
    },
    crypto::jws::KeySet,
    remote::http::{Answer, Http, HttpError, Request},
};

/// How many requests to one provider are under way at a time …
const AT_ONCE: usize = 32;
/// … and how long another one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long metadata and keys are believed.
const FRESH: i64 = HOUR;
/// How long metadata are used when no newer ones can be had. Keys never are: one may have been withdrawn.
const STALE: i64 = 24 * HOUR;
/// How often keys are read again because one is unknown (spec UPS-12).
const PAUSE: i64 = MINUTE;

/// A provider and what is known of it just now.
pub struct Upstream {
    pub provider: Provider,
    http: Http,
    places: Semaphore,
    cache: Mutex<Cache>,
}

#[derive(Default)]
struct Cache {
    metadata: Option<(Arc<Metadata>, i64)>,
    keys: Option<(Arc<KeySet>, i64)>,
    keys_asked_at: Option<i64>,
}

/// Where a provider is reached, and what it can do.
#[derive(Clone, Debug)]
pub struct Metadata {
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub userinfo_endpoint: Option<Url>,
    pub jwks_uri: Option<Url>,
    pub end_session_endpoint: Option<Url>,
    pub knows_pkce: bool,
    /// It says in each answer who answers (RFC 9207).
    pub sends_issuer: bool,
}

/// What the discovery document has of interest (OpenID Connect Discovery §3).
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    jwks_uri: Option<String>,
    end_session_endpoint: Option<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Why a provider did not help; for the log, and without anything that is a secret.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    #[error("too many requests to this provider are under way")]
    Crowded,
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the answer has the status {0}")]
    Status(u16),
    #[error("the answer is not what was asked for: {0}")]
    Unexpected(&'static str),
    #[error("the metadata are of another issuer")]
    OtherIssuer,
    #[error("the provider said {0:?}")]
    Refused(String),
}

/// The answer of a token endpoint.
#[derive(Deserialize)]
pub struct TokenAnswer {
    pub access_token: Option<Sensitive>,
    pub id_token: Option<Sensitive>,
    error: Option<String>,
}

/// What the userinfo endpoint says.
pub enum Userinfo {
    Plain(Map<String, Value>),
    /// A JWT, to be verified.
    Signed(String),
}

impl Upstream {
    /// Makes it; nothing is asked yet.
    pub fn new(provider: Provider, http: Http) -> Self {
        Self { provider, http, places: Semaphore::new(AT_ONCE), cache: Mutex::default() }
    }

    /// The guard is never held while the network is asked.
    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, UpstreamError> {
        match tokio::time::timeout(PATIENCE, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(UpstreamError::Crowded),
        }
    }

    /// Gives the metadata.
    ///
    /// # Errors
    /// When the provider does not answer, or for another issuer.
    pub async fn metadata(&self, now: i64) -> Result<Arc<Metadata>, UpstreamError> {
        let known = self.cache().metadata.clone();
        if let Some((metadata, at)) = &known
            && now - at < FRESH
        {
            return Ok(metadata.clone());
        }
        match (self.read_metadata().await, known) {
            (Ok(metadata), _) => {
                let metadata = Arc::new(metadata);
                self.cache().metadata = Some((metadata.clone(), now));
                Ok(metadata)
            }
            (Err(error), Some((metadata, at))) if now - at < STALE => {
                tracing::warn!(provider = %self.provider.id, %error, "older metadata of a provider are used");
                Ok(metadata)
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn read_metadata(&self) -> Result<Metadata, UpstreamError> {
        let mode = self.provider.discovery_mode();
        let document = match (mode, self.provider.issuer()) {
            (DiscoveryMode::Disabled, _) | (_, None) => None,
            (_, Some(issuer)) => Some(self.discover(issuer).await?),
        };
        let told = |own: Option<&str>, of: fn(&Document) -> Option<&String>| -> Result<Option<Url>, UpstreamError> {
            let text = own.or_else(|| document.as_ref().and_then(of).map(String::as_str));
            let url = text.map(Url::parse).transpose().map_err(|_| UpstreamError::Unexpected("an address"))?;
            match url {
                // Downgraded metadata would send the client's secret in the clear.
                Some(url) if own.is_none() && mode == DiscoveryMode::Oidc && !is_safe(&url) => {
                    Err(UpstreamError::Unexpected("an address without https"))
                }
                url => Ok(url),
            }
        };
        let provider = &self.provider;
        let missing = UpstreamError::Unexpected("an endpoint is missing");
        let authorization =
            told(provider.authorization_endpoint(), |document| document.authorization_endpoint.as_ref())?;
        let token = told(provider.token_endpoint(), |document| document.token_endpoint.as_ref())?;
        let (Some(authorization_endpoint), Some(token_endpoint)) = (authorization, token) else { return Err(missing) };
        Ok(Metadata {
            authorization_endpoint,
            token_endpoint,
            userinfo_endpoint: told(provider.userinfo_endpoint(), |document| document.userinfo_endpoint.as_ref())?,
            jwks_uri: told(provider.jwks_uri(), |document| document.jwks_uri.as_ref())?,
            end_session_endpoint: told(None, |document| document.end_session_endpoint.as_ref())?,
            knows_pkce: document.as_ref().is_some_and(|document| {
                document.code_challenge_methods_supported.iter().any(|method| method == "S256")
            }),
            sends_issuer: document.is_some_and(|document| document.authorization_response_iss_parameter_supported),
        })
    }

    async fn discover(&self, issuer: &str) -> Result<Document, UpstreamError> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let url = Url::parse(&address).map_err(|_| UpstreamError::Unexpected("an issuer that is no address"))?;
        let document: Document = json(&self.get(url).await?)?;
        // OpenID Connect Discovery §4.3: exactly, or somebody else speaks for this issuer.
        if document.issuer == issuer { Ok(document) } else { Err(UpstreamError::OtherIssuer) }
    }

    /// Gives the keys that sign.
    ///
    /// # Errors
    /// When the provider does not answer.
    pub async fn keys(&self, now: i64) -> Result<Arc<KeySet>, UpstreamError> {
        match self.cache().keys.clone() {
            Some((keys, at)) if now - at < FRESH => return Ok(keys),
            _ => {}
        }
        self.read_keys(now).await
    }

    /// Reads the keys again, because one is not among them; nothing when that was done a moment ago.
    ///
    /// # Errors
    /// When the provider does not answer.
    pub async fn newer_keys(&self, now: i64) -> Result<Option<Arc<KeySet>>, UpstreamError> {
        let is_early = self.cache().keys_asked_at.is_some_and(|at| now - at < PAUSE);
        if is_early { Ok(None) } else { self.read_keys(now).await.map(Some) }
    }

    async fn read_keys(&self, now: i64) -> Result<Arc<KeySet>, UpstreamError> {
        let metadata = self.metadata(now).await?;
        self.cache().keys_asked_at = Some(now);
        let url = metadata.jwks_uri.clone().ok_or(UpstreamError::Unexpected("no keys"))?;
        let answer = self.get(url).await?;
        let keys = KeySet::parse(&answer.body).ok_or(UpstreamError::Unexpected("no JWK set"))?;
        let keys = Arc::new(keys);
        self.cache().keys = Some((keys.clone(), now));
        Ok(keys)
    }

    /// Exchanges a code.
    ///
    /// # Errors
    /// `Refused` with the error code of the provider.
    pub async fn exchange(
        &self,
        code: &str,
        verifier: Option<&str>,
        redirect_uri: &str,
        now: i64,
    ) -> Result<TokenAnswer, UpstreamError> {
        let metadata = self.metadata(now).await?;
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", redirect_uri.to_owned()),
        ];
        form.extend(verifier.map(|verifier| ("code_verifier", verifier.to_owned())));
        let mut headers = accept_json();
        let audience = metadata.token_endpoint.as_str();
        client_auth::add(&self.provider, audience, now, &mut form, &mut headers)
            .ok_or(UpstreamError::Unexpected("the key or the secret of this configuration cannot be used"))?;
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish().into_bytes();
        let request = Request { method: Method::POST, url: metadata.token_endpoint.clone(), headers, body };
        let answer = self.send(request).await?;
        let told = serde_json::from_slice::<TokenAnswer>(&answer.body);
        match told {
            // Some say so with the status 200.
            Ok(TokenAnswer { error: Some(error), .. }) => Err(UpstreamError::Refused(readable(&error))),
            _ if !answer.status.is_success() => Err(UpstreamError::Status(answer.status.as_u16())),
            Ok(tokens) => Ok(tokens),
            Err(_) => Err(UpstreamError::Unexpected("no token response")),
        }
    }

    /// Asks who somebody is.
    ///
    /// # Errors
    /// When the provider does not answer as it should.
    pub async fn userinfo(&self, access_token: &str, now: i64) -> Result<Userinfo, UpstreamError> {
        let metadata = self.metadata(now).await?;
        let url = metadata.userinfo_endpoint.clone().ok_or(UpstreamError::Unexpected("no userinfo endpoint"))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json, application/jwt"));
        let bearer = HeaderValue::try_from(format!("Bearer {access_token}"));
        let mut bearer = bearer.map_err(|_| UpstreamError::Unexpected("an access token that is no text"))?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        let answer = self.send(Request { method: Method::GET, url, headers, body: Vec::new() }).await?;
        if !answer.status.is_success() {
            return Err(UpstreamError::Status(answer.status.as_u16()));
        }
        let content_type = answer.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if content_type.is_some_and(|text| text.starts_with("application/jwt")) {
            let text = String::from_utf8(answer.body).map_err(|_| UpstreamError::Unexpected("no JWT"))?;
            return Ok(Userinfo::Signed(text.trim().to_owned()));
        }
        Ok(Userinfo::Plain(json(&answer)?))
    }

    async fn get(&self, url: Url) -> Result<Answer, UpstreamError> {
        let answer = self.send(Request { method: Method::GET, url, headers: accept_json(), body: Vec::new() }).await?;
        if answer.status.is_success() { Ok(answer) } else { Err(UpstreamError::Status(answer.status.as_u16())) }
    }

    async fn send(&self, request: Request) -> Result<Answer, UpstreamError> {
        let _place = self.place().await?;
        Ok(self.http.send(request).await?)
    }
}

fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || crate::config::WebUrl::try_from(url.to_string()).is_ok_and(|url| url.is_loopback())
}

fn accept_json() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers
}

fn json<T: for<'de> Deserialize<'de>>(answer: &Answer) -> Result<T, UpstreamError> {
    serde_json::from_slice(&answer.body).map_err(|_| UpstreamError::Unexpected("not the JSON that it should be"))
}

/// Gives a text of a provider as it can be logged and shown.
pub fn readable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
