//! Every way that Keymaker says no, one sentence each. `web/refusal.rs` turns them into OAuth errors and Matrix
//! errors, `web/frame.rs` into pages; what is said here is public and never holds a secret.

use thiserror::Error;

use crate::domain::{
    amr::Acr,
    email::EmailProblem,
    factor::FactorProblem,
    policy::{Decision, Violations},
    registration_token::RegistrationTokenProblem,
    scope::InvalidScope,
    upstream::UpstreamProblem,
    user::UsernameProblem,
};

/// A refusal that the caller can do something about.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    // RFC 6749, RFC 7009, RFC 7662: what a client did wrong
    #[error("{0}")]
    InvalidRequest(String),
    #[error("the client is unknown, or its credentials are wrong or of another method than it registered")]
    InvalidClient,
    #[error("{0}")]
    InvalidGrant(&'static str),
    #[error("the refresh token has expired; sign in again on the same device")]
    RefreshTokenExpired,
    #[error("the homeserver refuses this account or this device")]
    DeviceRefused,
    // RFC 8628 §3.5
    #[error("nobody has decided yet")]
    AuthorizationPending,
    #[error("nobody has decided yet; wait five seconds longer between two questions")]
    SlowDown,
    #[error("the device code has expired")]
    ExpiredToken,
    #[error("this client did not register for {0}")]
    UnauthorizedClient(&'static str),
    #[error("this grant type is not supported")]
    UnsupportedGrantType,
    #[error("only the response type code is supported")]
    UnsupportedResponseType,
    #[error("{0}")]
    InvalidScope(String),
    #[error("the request was denied")]
    AccessDenied,
    #[error("nobody is signed in here, or not recently enough")]
    LoginRequired,
    #[error("the person has to be asked")]
    ConsentRequired,
    #[error("the person has to do something first")]
    InteractionRequired,
    #[error("this asks for a login with {}, which this account has not been set up for", .0.as_str())]
    FactorLacking(Acr),
    #[error("request objects are not supported")]
    RequestNotSupported,
    #[error("request objects by reference are not supported")]
    RequestUriNotSupported,
    #[error("registration inside an authorization request is not supported")]
    RegistrationNotSupported,
    #[error("a class of login that the request cannot do without does not exist here")]
    UnknownAcr,
    #[error("this client has to send its authorization requests ahead")]
    PushedRequestRequired,
    #[error("what the application sent ahead is not known here, or no longer")]
    PushedRequestOver,
    #[error("{0}")]
    InvalidTarget(&'static str),
    // RFC 7591
    #[error("{0}")]
    InvalidClientMetadata(String),
    #[error("{0}")]
    InvalidRedirectUri(String),
    #[error("{0}")]
    InvalidSoftwareStatement(String),
    #[error("{0}")]
    UnapprovedSoftwareStatement(String),
    // RFC 6750
    #[error("an access token is needed")]
    MissingToken,
    #[error("the access token is unknown, expired or revoked")]
    InvalidToken,
    #[error("the access token lacks the scope {0}")]
    InsufficientScope(&'static str),
    // the older login API of Matrix
    #[error("the body is not JSON")]
    NotJson,
    #[error("the body is not the object that is expected here: {0}")]
    BadJson(&'static str),
    #[error("{0} is missing")]
    MissingParam(&'static str),
    #[error("{0}")]
    InvalidParam(&'static str),
    #[error("{0}")]
    UnsupportedLogin(&'static str),
    #[error("application services create their devices by themselves: PUT /_matrix/client/v3/devices/{{deviceId}}")]
    ApplicationServiceLogin,
    #[error("the login token is unknown, expired or used")]
    InvalidLoginToken,
    #[error("this account signs in through the browser: choose single sign-on, or an app that supports it")]
    BrowserLoginRequired,
    #[error("too many people are signing in just now; try again in a moment")]
    LimitExceeded,
    // spec area 19
    #[error("this was done too often; try again in {seconds} seconds")]
    TooManyRequests { seconds: i64 },
    // HTTP
    #[error("there is nothing at this address")]
    NotFound,
    #[error("this address does not take this method")]
    MethodNotAllowed,
    #[error("the request is too large")]
    TooLarge,
    // pages
    #[error("this application is not known here")]
    UnknownClient,
    #[error("the application asked to return to an address that it did not register")]
    RedirectUriMismatch,
    #[error("this sign-in has expired or was completed already")]
    TransactionOver,
    #[error("this sign-in was begun in another browser")]
    OtherBrowser,
    #[error("the form was sent from another site or is too old")]
    ForgedForm,
    #[error("sign-up is closed here")]
    RegistrationClosed,
    #[error("the user name or the password is wrong")]
    WrongCredentials,
    #[error("this account is locked")]
    UserLocked,
    #[error("this account is deactivated")]
    UserDeactivated,
    #[error("this account waits for the approval of an administrator")]
    AwaitingApproval,
    #[error("signing in by password is switched off")]
    PasswordsDisabled,
    #[error("this user name cannot be used: {0}")]
    Username(UsernameProblem),
    #[error(transparent)]
    RegistrationToken(#[from] RegistrationTokenProblem),
    #[error("the terms have to be agreed to")]
    TermsNotAgreed,
    #[error("the check that tells people from programs has to be passed first")]
    CaptchaNeeded,
    #[error("the check that tells people from programs was not passed")]
    CaptchaFailed,
    #[error("this link is not good, or no longer")]
    RecoveryOver,
    // where two devices meet
    #[error("there is no such place for two devices to meet, or no longer")]
    RendezvousOver,
    #[error("something else was left there meanwhile; look again")]
    ConcurrentWrite,
    #[error("this is not for people to look at")]
    NotForPeople,
    #[error("no device waits with this code")]
    UnknownUserCode,
    #[error(transparent)]
    Email(#[from] EmailProblem),
    #[error(transparent)]
    Factor(#[from] FactorProblem),
    #[error(transparent)]
    Upstream(#[from] UpstreamProblem),
    /// What the operator's rules say; each of them is named.
    #[error("{0}")]
    Policy(Violations),
    // our own trouble, of a kind that passes
    #[error("too much is going on just now; try again in a moment")]
    Busy,
    #[error("the check that tells people from programs does not work; try again in a moment")]
    CaptchaUnavailable,
    #[error("too much is going on just now; try again in {seconds} seconds")]
    BusyFor { seconds: i64 },
    #[error("the homeserver does not answer; try again in a moment")]
    HomeserverUnavailable,
}

impl From<InvalidScope> for Refusal {
    fn from(invalid: InvalidScope) -> Self {
        Self::InvalidScope(invalid.to_string())
    }
}

impl Refusal {
    /// Refuses a parameter that came more than once. What is no name of a parameter is somebody's text, and not repeated.
    pub fn repeated(name: &str) -> Self {
        let is_name = name.len() <= 32 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        Self::InvalidRequest(format!("{} was sent more than once", if is_name { name } else { "a parameter" }))
    }

    /// Gives the sentence for an `error_description`, in which RFC 6749 §4.1.2.1 and §5.2 allow few characters.
    pub fn description(&self) -> String {
        self.to_string().chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect()
    }

    /// Gives the error code of OAuth 2.0, OpenID Connect or RFC 7591 that says this to a client.
    pub fn oauth_error(&self) -> &'static str {
        match self {
            Refusal::InvalidClient | Refusal::UnknownClient => "invalid_client",
            Refusal::InvalidGrant(_) | Refusal::RefreshTokenExpired | Refusal::DeviceRefused => "invalid_grant",
            Refusal::UnauthorizedClient(_) => "unauthorized_client",
            Refusal::UnsupportedGrantType => "unsupported_grant_type",
            Refusal::UnsupportedResponseType => "unsupported_response_type",
            Refusal::InvalidScope(_) => "invalid_scope",
            Refusal::AccessDenied | Refusal::UserLocked | Refusal::UserDeactivated | Refusal::AwaitingApproval => {
                "access_denied"
            }
            Refusal::Policy(violations) => match violations.decision {
                Decision::ClientRegistration if violations.of_field("redirect_uris").is_some() => {
                    "invalid_redirect_uri"
                }
                Decision::ClientRegistration => "invalid_client_metadata",
                _ => "access_denied",
            },
            Refusal::AuthorizationPending => "authorization_pending",
            Refusal::SlowDown => "slow_down",
            Refusal::ExpiredToken => "expired_token",
            Refusal::LoginRequired => "login_required",
            Refusal::ConsentRequired => "consent_required",
            Refusal::InteractionRequired => "interaction_required",
            Refusal::FactorLacking(_) | Refusal::UnknownAcr => "unmet_authentication_requirements",
            Refusal::PushedRequestOver => "invalid_request_uri",
            Refusal::InvalidTarget(_) => "invalid_target",
            Refusal::RequestNotSupported => "request_not_supported",
            Refusal::RequestUriNotSupported => "request_uri_not_supported",
            Refusal::RegistrationNotSupported => "registration_not_supported",
            Refusal::InvalidClientMetadata(_) => "invalid_client_metadata",
            Refusal::InvalidRedirectUri(_) | Refusal::RedirectUriMismatch => "invalid_redirect_uri",
            Refusal::InvalidSoftwareStatement(_) => "invalid_software_statement",
            Refusal::UnapprovedSoftwareStatement(_) => "unapproved_software_statement",
            Refusal::InvalidToken => "invalid_token",
            Refusal::InsufficientScope(_) => "insufficient_scope",
            Refusal::Busy
            | Refusal::BusyFor { .. }
            | Refusal::CaptchaUnavailable
            | Refusal::HomeserverUnavailable
            | Refusal::LimitExceeded
            | Refusal::TooManyRequests { .. } => "temporarily_unavailable",
            Refusal::InvalidRequest(_)
            | Refusal::PushedRequestRequired
            | Refusal::MissingToken
            | Refusal::NotJson
            | Refusal::BadJson(_)
            | Refusal::MissingParam(_)
            | Refusal::InvalidParam(_)
            | Refusal::UnsupportedLogin(_)
            | Refusal::ApplicationServiceLogin
            | Refusal::InvalidLoginToken
            | Refusal::BrowserLoginRequired
            | Refusal::NotFound
            | Refusal::MethodNotAllowed
            | Refusal::TooLarge
            | Refusal::TransactionOver
            | Refusal::OtherBrowser
            | Refusal::ForgedForm
            | Refusal::RegistrationClosed
            | Refusal::WrongCredentials
            | Refusal::PasswordsDisabled
            | Refusal::Username(_)
            | Refusal::RegistrationToken(_)
            | Refusal::TermsNotAgreed
            | Refusal::CaptchaNeeded
            | Refusal::CaptchaFailed
            | Refusal::RecoveryOver
            | Refusal::UnknownUserCode
            | Refusal::RendezvousOver
            | Refusal::ConcurrentWrite
            | Refusal::NotForPeople
            | Refusal::Email(_)
            | Refusal::Upstream(_)
            | Refusal::Factor(_) => "invalid_request",
        }
    }
}
