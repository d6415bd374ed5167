//! The one table that turns a refusal into its HTTP status, and the JSON of OAuth endpoints (spec CMN-01, 4.4).
//! What went wrong on our side is logged here and told to nobody.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{domain::refusal::Refusal, error::Error};

/// Seconds after which a client that came at a bad moment may try again.
pub const RETRY_AFTER: &str = "5";

/// Gives the status of a refusal, the same on pages and in APIs.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::InvalidClient | Refusal::MissingToken | Refusal::InvalidToken | Refusal::WrongCredentials => {
            StatusCode::UNAUTHORIZED
        }
        Refusal::InsufficientScope(_)
        | Refusal::OtherBrowser
        | Refusal::ForgedForm
        | Refusal::RegistrationClosed
        | Refusal::PasswordsDisabled
        | Refusal::UserLocked
        | Refusal::UserDeactivated => StatusCode::FORBIDDEN,
        Refusal::NotFound => StatusCode::NOT_FOUND,
        Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        // A 4xx on refresh makes Matrix clients delete their data, so what passes is never a 429 (TRP-05).
        Refusal::Busy | Refusal::HomeserverUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        Refusal::InvalidRequest(_)
        | Refusal::InvalidGrant(_)
        | Refusal::UnauthorizedClient(_)
        | Refusal::UnsupportedGrantType
        | Refusal::UnsupportedResponseType
        | Refusal::InvalidScope(_)
        | Refusal::AccessDenied
        | Refusal::LoginRequired
        | Refusal::ConsentRequired
        | Refusal::RequestNotSupported
        | Refusal::RequestUriNotSupported
        | Refusal::RegistrationNotSupported
        | Refusal::InvalidClientMetadata(_)
        | Refusal::InvalidRedirectUri(_)
        | Refusal::InvalidSoftwareStatement(_)
        | Refusal::UnapprovedSoftwareStatement(_)
        | Refusal::UnknownClient
        | Refusal::RedirectUriMismatch
        | Refusal::TransactionOver
        | Refusal::Username(_) => StatusCode::BAD_REQUEST,
    }
}

/// Gives the status of any error, and logs trouble of our own.
pub fn status_of(error: &Error) -> StatusCode {
    match error {
        Error::Refusal(refusal) => status(refusal),
        // INV-07: a failing store is never a verdict.
        Error::Storage(error) => {
            tracing::error!(%error, "the store failed");
            StatusCode::SERVICE_UNAVAILABLE
        }
        Error::Internal(what) => {
            tracing::error!(what, "an internal error");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// An error on its way out of an OAuth endpoint.
pub struct OAuthError(pub Error);

impl<E: Into<Error>> From<E> for OAuthError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

#[derive(Serialize)]
struct OAuthErrorBody {
    error: &'static str,
    error_description: String,
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let status = status_of(&self.0);
        let (error, error_description) = match &self.0 {
            Error::Refusal(refusal) => (refusal.oauth_error(), refusal.description()),
            Error::Storage(_) => ("temporarily_unavailable", "try again in a moment".to_owned()),
            Error::Internal(_) => ("server_error", "something went wrong here".to_owned()),
        };
        let mut response = (status, Json(OAuthErrorBody { error, error_description })).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        if let Some(challenge) = self.0.refusal().and_then(challenge) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// RFC 6750 §3: a request without a token is asked for one without any error.
fn challenge(refusal: &Refusal) -> Option<HeaderValue> {
    Some(match refusal {
        Refusal::InvalidClient => HeaderValue::from_static("Basic realm=\"Keymaker\""),
        Refusal::MissingToken => HeaderValue::from_static("Bearer"),
        Refusal::InvalidToken => HeaderValue::from_static("Bearer error=\"invalid_token\""),
        Refusal::InsufficientScope(scope) => {
            HeaderValue::try_from(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"")).ok()?
        }
        _ => return None,
    })
}
