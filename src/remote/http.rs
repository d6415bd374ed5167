//! Requests to hosts that the operator names: identity providers and CAPTCHA services. An answer is limited in time and in
//! size, and never leads elsewhere by a redirect (spec UPS-04, UPS-12).

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use reqwest::RequestBuilder;
use url::Url;

/// How long an answer may take, from the connection to its last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
const MOST_BYTES: usize = 256 * 1024;

/// A client for those requests; cheap to clone.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
}

/// A request to be sent.
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why there is no answer; for the log, it names no URL.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("no answer: {0}")]
    Unreachable(String),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("what the URL names is not to be asked")]
    NotAllowed,
}

/// A URL may hold what nobody else shall read.
impl From<reqwest::Error> for HttpError {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
        Self::Unreachable(format!("{error}{cause}"))
    }
}

impl Http {
    /// Builds the client; nothing is asked yet.
    ///
    /// # Errors
    /// When the TLS configuration of this machine cannot be read.
    pub fn new() -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("Keymaker/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client })
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// `Unreachable` also when the answer takes too long; `TooLarge`.
    pub async fn send(&self, request: Request) -> Result<Answer, HttpError> {
        let Request { method, url, headers, body } = request;
        read(self.client.request(method, url).headers(headers).body(body), MOST_BYTES).await
    }

    /// Gets a document.
    ///
    /// # Errors
    /// As `send`.
    pub async fn get(&self, url: Url) -> Result<Answer, HttpError> {
        read(self.client.get(url), MOST_BYTES).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// As `send`.
    pub async fn post_form(&self, url: Url, form: &[(&str, &str)]) -> Result<Answer, HttpError> {
        read(self.client.post(url).form(form), MOST_BYTES).await
    }
}

/// Sends a request and reads an answer of so many bytes at most.
pub(super) async fn read(request: RequestBuilder, most_bytes: usize) -> Result<Answer, HttpError> {
    let mut response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most_bytes {
            return Err(HttpError::TooLarge(most_bytes));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body })
}
