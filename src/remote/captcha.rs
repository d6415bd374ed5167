//! Asks a CAPTCHA service whether an answer is right: reCAPTCHA v2, hCaptcha and Turnstile speak nearly the same protocol.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::http::{Http, HttpError};

/// How long somebody who fills in a form is let wait for it.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a service is asked.
pub struct Question<'a> {
    pub verify_url: Url,
    pub secret_key: &'a str,
    /// Where the service compares it.
    pub site_key: Option<&'a str>,
    /// What the widget put into the form.
    pub response: &'a str,
    pub remote_ip: Option<&'a str>,
}

/// What a service answers, as far as it matters.
#[derive(Debug, Deserialize)]
pub struct Verdict {
    pub success: bool,
    /// Of the page on which the answer was given.
    pub hostname: Option<String>,
    /// What the widget was told that it is for, where the service has that.
    pub action: Option<String>,
    #[serde(rename = "error-codes", default)]
    error_codes: Vec<String>,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum CaptchaError {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the answer took too long")]
    Timeout,
    #[error("the service answered {0}")]
    Status(StatusCode),
    #[error("the answer is no verdict")]
    Garbage,
    #[error("the service does not accept the keys of this site: {0}")]
    Keys(String),
}

/// Asks for a verdict.
///
/// # Errors
/// Whenever there is none; that is never a yes (INV-07).
pub async fn verify(http: &Http, question: &Question<'_>) -> Result<Verdict, CaptchaError> {
    let mut form = vec![("secret", question.secret_key), ("response", question.response)];
    form.extend(question.site_key.map(|key| ("sitekey", key)));
    form.extend(question.remote_ip.map(|ip| ("remoteip", ip)));
    let answer = tokio::time::timeout(TIMEOUT, http.post_form(question.verify_url.clone(), &form));
    let answer = answer.await.map_err(|_| CaptchaError::Timeout)??;
    // Some tell what is wrong with a request by 400, with a verdict.
    if !answer.status.is_success() && answer.status != StatusCode::BAD_REQUEST {
        return Err(CaptchaError::Status(answer.status));
    }
    let verdict: Verdict = serde_json::from_slice(&answer.body).map_err(|_| CaptchaError::Garbage)?;
    match verdict.error_codes.iter().find(|code| is_about_keys(code)) {
        Some(code) => Err(CaptchaError::Keys(code.clone())),
        None => Ok(verdict),
    }
}

/// Tells whether a service refuses us and not the person. Only these words of its own get into the log.
fn is_about_keys(code: &str) -> bool {
    const CODES: [&str; 8] = [
        "missing-input-secret",
        "invalid-input-secret",
        "invalid-keys",
        "invalid-sitekey",
        "sitekey-secret-mismatch",
        "invalid-sitekey-secret-mismatch",
        "internal-error",
        "not-using-dummy-passcode",
    ];
    CODES.contains(&code)
}
