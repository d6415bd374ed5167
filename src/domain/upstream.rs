//! A trip of a browser to an identity provider, and what can be wrong with what comes back (spec area 18).

use thiserror::Error;

use crate::domain::{
    id::{GrantId, SessionId, SsoLoginId, UpstreamTripId, UserId},
    time::MINUTE,
};

/// How long a trip may take (spec UPS-01), to the last page that it leads to.
pub const TRIP_LIFE: i64 = 30 * MINUTE;
/// The longest subject that is kept (OpenID Connect Core §2 allows 255 characters).
pub const MOST_SUBJECT_BYTES: usize = 255;

/// What a trip is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing in, or up.
    Login,
    /// Linking the provider to the account that is signed in.
    Link,
    /// Showing who is there, for an act on the account.
    Confirm,
}

impl Purpose {
    /// Gives the word that the store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Link => "link",
            Self::Confirm => "confirm",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Login, Self::Link, Self::Confirm].into_iter().find(|purpose| purpose.as_str() == text)
    }
}

/// A row of `upstream_trips`.
#[derive(Clone, sqlx::FromRow)]
pub struct Trip {
    pub id: UpstreamTripId,
    pub browser_hash: Vec<u8>,
    pub provider_id: String,
    pub state_hash: Vec<u8>,
    pub nonce_hash: Vec<u8>,
    pub verifier: Option<Vec<u8>>,
    pub purpose: String,
    pub browser_session_id: Option<SessionId>,
    pub act: Option<String>,
    pub target: Option<String>,
    pub grant_id: Option<GrantId>,
    pub sso_login_id: Option<SsoLoginId>,
    pub place: Option<String>,
    pub wants_login: bool,
    pub created_at: i64,
    pub expires_at: i64,
    pub returned_at: Option<i64>,
    pub subject: Option<String>,
    pub answer: Option<Vec<u8>>,
    pub answered_at: Option<i64>,
    pub consumed_at: Option<i64>,
}

/// An account at a provider by which somebody signs in: a row of `upstream_links`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Link {
    pub id: String,
    pub provider_id: String,
    pub subject: String,
    pub user_id: UserId,
    pub created_at: i64,
}

/// Why a sign-in through a provider goes no further. What the provider itself said is for the log and, escaped, for the page.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UpstreamProblem {
    // what came back with the browser (UPS-02)
    #[error("the answer came back in another way than was asked for")]
    WrongMethod,
    #[error("the answer belongs to another provider")]
    WrongProvider,
    #[error("the answer names another issuer")]
    WrongIssuerParameter,
    #[error("the provider says who answers, and this answer does not")]
    NoIssuerParameter,
    #[error("the answer has no code")]
    NoCode,
    #[error("the provider said no: {0}")]
    Denied(String),
    // what the provider answered (UPS-04)
    #[error("the provider does not answer, or not as it should")]
    Unavailable,
    #[error("the provider did not take the code")]
    CodeRefused,
    #[error("the provider sent no ID token")]
    NoIdToken,
    // the ID token (UPS-05)
    #[error("the ID token cannot be read")]
    Malformed,
    #[error("the ID token is signed in another way than is configured")]
    WrongAlgorithm,
    #[error("the ID token has something critical that is not known here")]
    Critical,
    #[error("the signature of the ID token is wrong")]
    WrongSignature,
    #[error("the ID token is of another issuer")]
    WrongIssuer,
    #[error("the ID token is for somebody else")]
    WrongAudience,
    #[error("the ID token was issued to another client")]
    WrongAuthorizedParty,
    #[error("the ID token has expired")]
    Expired,
    #[error("the ID token is not from this time")]
    WrongIssuedAt,
    #[error("the ID token is of another sign-in")]
    WrongNonce,
    #[error("the ID token belongs to another access token or code")]
    WrongHash,
    #[error("the provider did not ask who is there, or does not say when")]
    NotRecent,
    #[error("the userinfo endpoint speaks of somebody else")]
    WrongUserinfoSubject,
    #[error("the answer of the userinfo endpoint is not signed as is configured")]
    WrongUserinfo,
    // who it is (UPS-06 to UPS-08)
    #[error("the provider does not say who this is")]
    NoSubject,
    #[error("this person may not sign in here")]
    NotAllowed,
    #[error("nobody gets a new account through this provider")]
    SignInOnly,
    #[error("the provider does not tell {0}, which is needed here")]
    Required(&'static str),
    #[error("this account of the provider is linked to another account")]
    LinkedElsewhere,
    #[error("this account is linked to another account of the provider")]
    OtherLink,
    #[error("this is somebody else than who is signed in here")]
    SomebodyElse,
    #[error("signing in through this provider is switched off")]
    Closed,
}
