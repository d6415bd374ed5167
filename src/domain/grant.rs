//! An authorization in progress (RFC 6749 §4.1), from the request of a client to the exchange of its code.

use crate::domain::{
    amr::{Acr, Amr},
    claims::Claims,
    id::{ClientId, GrantId, SessionId, UserId},
    redirect_uri::is_web,
    time::{MINUTE, SECOND},
};

/// How long a person may take (spec AUT-11).
pub const GRANT_LIFE: i64 = 30 * MINUTE;
/// How long a code can be exchanged (spec AUT-12).
pub const CODE_LIFE: i64 = 60 * SECOND;
/// A second exchange within this time is taken for a lost response, later for a theft (spec TOK-03).
pub const CODE_RETRY_GRACE: i64 = 20 * SECOND;

/// How the response travels back (OAuth 2.0 Multiple Response Types §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    Query,
    Fragment,
    /// A form that the browser sends (OAuth 2.0 Form Post Response Mode).
    FormPost,
}

impl ResponseMode {
    /// Reads the parameter; its absence means `query`, the default of the code flow.
    pub fn parse(parameter: Option<&str>) -> Option<Self> {
        match parameter {
            None | Some("query") => Some(ResponseMode::Query),
            Some("fragment") => Some(ResponseMode::Fragment),
            Some("form_post") => Some(ResponseMode::FormPost),
            Some(_) => None,
        }
    }

    /// Gives the parameter's value, which is also what the store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            ResponseMode::Query => "query",
            ResponseMode::Fragment => "fragment",
            ResponseMode::FormPost => "form_post",
        }
    }

    /// Tells whether an answer can travel to this redirect URI so: of a form, no app behind a scheme of its own sees more than
    /// the address (AUT-09).
    pub fn reaches(self, redirect_uri: &str) -> bool {
        self != ResponseMode::FormPost || is_web(redirect_uri)
    }
}

/// A row of `grants`.
#[derive(Clone, sqlx::FromRow)]
pub struct Grant {
    pub id: GrantId,
    pub browser_hash: Vec<u8>,
    pub client_id: ClientId,
    pub redirect_uri: String,
    pub scope: String,
    pub state: Option<String>,
    pub nonce: Option<String>,
    pub response_mode: String,
    pub code_challenge: Option<String>,
    pub wants_login: bool,
    pub wants_registration: bool,
    /// The person is asked although they said so before.
    pub wants_consent: bool,
    /// The person is asked which account to use.
    pub wants_choice: bool,
    /// The login of the browser with which they said to go on.
    pub chosen_session_id: Option<SessionId>,
    /// Whom the client asks for; nobody else gets an answer (HNT-01, OID-10).
    pub expected_user_id: Option<UserId>,
    pub max_age: Option<i64>,
    pub login_hint: Option<String>,
    pub ui_locales: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub decided_at: Option<i64>,
    pub user_id: Option<UserId>,
    pub browser_session_id: Option<SessionId>,
    pub auth_time: Option<i64>,
    pub amr: Option<Amr>,
    pub acr_values: Option<String>,
    /// As [`Claims`] keeps them.
    pub claims: Option<String>,
    /// URIs with spaces between (RFC 8707).
    pub resource: Option<String>,
    /// What the client sent ahead, by its hash.
    pub pushed_request_hash: Option<Vec<u8>>,
    pub code_expires_at: Option<i64>,
    pub consumed_at: Option<i64>,
    pub session_id: Option<SessionId>,
}

impl Grant {
    /// Gives the class of login that the client would like, or cannot do without (spec PRM-05).
    pub fn wanted_acr(&self) -> Option<Acr> {
        self.claims().least_acr().max(self.acr_values.as_deref().and_then(Acr::preferred))
    }

    /// Gives what the client asks to be told beside the scope.
    pub fn claims(&self) -> Claims {
        Claims::kept(self.claims.as_deref())
    }

    /// Tells whether the client asks for another person than this one.
    pub fn is_for_another(&self, user: &UserId) -> bool {
        self.expected_user_id.as_ref().is_some_and(|expected| expected != user)
    }

    /// Tells whether the person still has to say which account to use. Whoever signed in during this very authorization, or
    /// pressed the button with this login, has said so: no other page can be reached before (PRM-02).
    pub fn needs_choice(&self, user: &UserId, login: &SessionId, auth_time: i64) -> bool {
        let is_chosen = self.chosen_session_id.as_ref() == Some(login) || auth_time >= self.created_at;
        self.is_for_another(user) || (self.wants_choice && !is_chosen)
    }

    /// Tells whether a login at `auth_time` is recent enough for this request (`prompt=login`, `max_age`; PRM-02, PRM-04).
    ///
    /// A login made during this very authorization always is: otherwise `max_age=0` would ask for ever.
    pub fn accepts_login_of(&self, auth_time: i64, now: i64) -> bool {
        if auth_time >= self.created_at {
            return true;
        }
        let is_young = self.max_age.is_none_or(|seconds| now - auth_time <= seconds.saturating_mul(SECOND));
        is_young && !self.wants_login && self.max_age != Some(0)
    }

    /// Tells the same of a request that may show nothing: a login of this moment is no answer to `max_age=0`.
    pub fn accepts_silent_login_of(&self, auth_time: i64, now: i64) -> bool {
        self.max_age.is_none_or(|seconds| seconds > 0 && now - auth_time <= seconds.saturating_mul(SECOND))
    }

    /// Gives the localpart that the client expects to sign in, when `login_hint` names one of this homeserver (HNT-02).
    pub fn hinted_localpart(&self, server_name: &str) -> Option<&str> {
        let mxid = self.login_hint.as_deref()?.strip_prefix("mxid:@")?;
        let (localpart, server) = mxid.split_once(':')?;
        (server == server_name && !localpart.is_empty()).then_some(localpart)
    }

    /// Gives what the form asks for first is filled in with: the hinted account, or a name or an e-mail address without
    /// a prefix. Other prefixes, other servers and malformed ids are ignored (HNT-02).
    pub fn hinted_identifier(&self, server_name: &str) -> Option<&str> {
        let plain = self.login_hint.as_deref().filter(|hint| !hint.contains(':'));
        self.hinted_localpart(server_name).or(plain)
    }

    /// Gives the response mode, as the request asked.
    pub fn response_mode(&self) -> ResponseMode {
        ResponseMode::parse(Some(&self.response_mode)).unwrap_or(ResponseMode::Query)
    }
}
