//! The tables that turn a refusal into its HTTP status and into its Matrix error, and the JSON of OAuth endpoints (spec
//! CMN-01, 4.4, area 12).
//! What went wrong on our side is logged here and told to nobody.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::{
    domain::{email::EmailProblem, policy::Decision, refusal::Refusal, upstream::UpstreamProblem},
    error::Error,
};

/// After how long a client that came at a bad moment may try again.
pub const RETRY_AFTER_SECONDS: i64 = 5;

/// Gives the status of a refusal, the same on pages and in OAuth.
pub fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::InvalidClient | Refusal::MissingToken | Refusal::InvalidToken | Refusal::WrongCredentials => {
            StatusCode::UNAUTHORIZED
        }
        Refusal::InsufficientScope(_)
        | Refusal::BrowserLoginRequired
        | Refusal::InvalidLoginToken
        | Refusal::OtherBrowser
        | Refusal::ForgedForm
        | Refusal::RegistrationClosed
        | Refusal::PasswordsDisabled
        | Refusal::Factor(_)
        | Refusal::FactorLacking(_)
        | Refusal::UserLocked
        | Refusal::UserDeactivated
        | Refusal::AwaitingApproval => StatusCode::FORBIDDEN,
        Refusal::Upstream(UpstreamProblem::Unavailable) => StatusCode::BAD_GATEWAY,
        Refusal::Upstream(
            UpstreamProblem::NotAllowed
            | UpstreamProblem::SignInOnly
            | UpstreamProblem::LinkedElsewhere
            | UpstreamProblem::OtherLink
            | UpstreamProblem::SomebodyElse
            | UpstreamProblem::Closed,
        ) => StatusCode::FORBIDDEN,
        // RFC 7591 §3.2.2
        Refusal::Policy(violations) => match violations.decision {
            Decision::ClientRegistration => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        },
        Refusal::NotFound | Refusal::RecoveryOver | Refusal::RendezvousOver => StatusCode::NOT_FOUND,
        Refusal::ConcurrentWrite => StatusCode::CONFLICT,
        Refusal::NotForPeople => StatusCode::FORBIDDEN,
        Refusal::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Refusal::LimitExceeded | Refusal::TooManyRequests { .. } | Refusal::Email(EmailProblem::Wait { .. }) => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Refusal::Email(_)
        | Refusal::RegistrationToken(_)
        | Refusal::TermsNotAgreed
        | Refusal::UnknownUserCode
        | Refusal::CaptchaNeeded
        | Refusal::CaptchaFailed => StatusCode::UNPROCESSABLE_ENTITY,
        // A 4xx on refresh makes Matrix clients delete their data, so what passes is never a 429 (TRP-05).
        Refusal::Busy | Refusal::BusyFor { .. } | Refusal::CaptchaUnavailable | Refusal::HomeserverUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Refusal::InvalidRequest(_)
        | Refusal::InvalidGrant(_)
        | Refusal::RefreshTokenExpired
        | Refusal::DeviceRefused
        | Refusal::AuthorizationPending
        | Refusal::SlowDown
        | Refusal::ExpiredToken
        | Refusal::NotJson
        | Refusal::BadJson(_)
        | Refusal::MissingParam(_)
        | Refusal::InvalidParam(_)
        | Refusal::UnsupportedLogin(_)
        | Refusal::ApplicationServiceLogin
        | Refusal::UnauthorizedClient(_)
        | Refusal::UnsupportedGrantType
        | Refusal::UnsupportedResponseType
        | Refusal::InvalidScope(_)
        | Refusal::AccessDenied
        | Refusal::LoginRequired
        | Refusal::ConsentRequired
        | Refusal::InteractionRequired
        | Refusal::RequestNotSupported
        | Refusal::RequestUriNotSupported
        | Refusal::RegistrationNotSupported
        | Refusal::UnknownAcr
        | Refusal::PushedRequestRequired
        | Refusal::PushedRequestOver
        | Refusal::InvalidTarget(_)
        | Refusal::InvalidClientMetadata(_)
        | Refusal::InvalidRedirectUri(_)
        | Refusal::InvalidSoftwareStatement(_)
        | Refusal::UnapprovedSoftwareStatement(_)
        | Refusal::UnknownClient
        | Refusal::RedirectUriMismatch
        | Refusal::TransactionOver
        | Refusal::Upstream(_)
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

/// Gives the status and the `errcode` of an error in the Matrix client-server API, and logs trouble of our own.
pub fn matrix_error(error: &Error) -> (StatusCode, &'static str) {
    let status = status_of(error);
    let Error::Refusal(refusal) = error else { return (status, "M_UNKNOWN") };
    match refusal {
        Refusal::NotJson => (status, "M_NOT_JSON"),
        Refusal::BadJson(_) => (status, "M_BAD_JSON"),
        Refusal::MissingParam(_) => (status, "M_MISSING_PARAM"),
        Refusal::InvalidParam(_) => (status, "M_INVALID_PARAM"),
        Refusal::ApplicationServiceLogin => (status, "M_APPSERVICE_LOGIN_UNSUPPORTED"),
        Refusal::WrongCredentials
        | Refusal::InvalidLoginToken
        | Refusal::BrowserLoginRequired
        | Refusal::RegistrationClosed
        | Refusal::AwaitingApproval
        | Refusal::Policy(_)
        | Refusal::DeviceRefused => (StatusCode::FORBIDDEN, "M_FORBIDDEN"),
        Refusal::UserDeactivated => (status, "M_USER_DEACTIVATED"),
        Refusal::UserLocked => (StatusCode::UNAUTHORIZED, "M_USER_LOCKED"),
        Refusal::MissingToken => (status, "M_MISSING_TOKEN"),
        Refusal::InvalidToken | Refusal::InvalidGrant(_) | Refusal::RefreshTokenExpired => {
            (StatusCode::UNAUTHORIZED, "M_UNKNOWN_TOKEN")
        }
        Refusal::LimitExceeded | Refusal::TooManyRequests { .. } => (status, "M_LIMIT_EXCEEDED"),
        Refusal::TooLarge => (status, "M_TOO_LARGE"),
        Refusal::NotFound | Refusal::MethodNotAllowed => (status, "M_UNRECOGNIZED"),
        Refusal::RendezvousOver => (status, "M_NOT_FOUND"),
        Refusal::ConcurrentWrite => (status, "M_CONCURRENT_WRITE"),
        Refusal::NotForPeople => (status, "M_FORBIDDEN"),
        _ => (status, "M_UNKNOWN"),
    }
}

/// Tells after how many seconds the same request may go well, where it may (CMN-19).
pub fn retry_after(error: &Error) -> Option<i64> {
    match error {
        Error::Refusal(refusal) => wait(refusal),
        Error::Storage(_) => Some(RETRY_AFTER_SECONDS),
        Error::Internal(_) => None,
    }
}

fn wait(refusal: &Refusal) -> Option<i64> {
    match refusal {
        Refusal::TooManyRequests { seconds } | Refusal::BusyFor { seconds } => Some(*seconds),
        Refusal::Email(EmailProblem::Wait { minutes }) => Some(minutes * 60),
        Refusal::LimitExceeded | Refusal::Busy | Refusal::CaptchaUnavailable | Refusal::HomeserverUnavailable => {
            Some(RETRY_AFTER_SECONDS)
        }
        _ => None,
    }
}

/// Answers with a page that says what is wrong, and how long to wait where that is what helps.
pub fn refused(refusal: &Refusal, page: Response) -> Response {
    let mut response = (status(refusal), page).into_response();
    if let Some(seconds) = wait(refusal) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
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
        let status = match self.0.refusal() {
            // RFC 6749 §5.2
            Some(Refusal::Policy(_)) => StatusCode::BAD_REQUEST,
            _ => status_of(&self.0),
        };
        let (error, error_description) = match &self.0 {
            Error::Refusal(refusal) => (refusal.oauth_error(), refusal.description()),
            Error::Storage(_) => ("temporarily_unavailable", "try again in a moment".to_owned()),
            Error::Internal(_) => ("server_error", "something went wrong here".to_owned()),
        };
        let mut response = (status, Json(OAuthErrorBody { error, error_description })).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = retry_after(&self.0) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
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
