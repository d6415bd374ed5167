//! An authorization in progress (RFC 6749 §4.1), from the request of a client to the exchange of its code.

use aws_lc_rs::constant_time;

use crate::{
    clock::{MINUTE, SECOND},
    crypto::secret::sha256,
    domain::id::{ClientId, GrantId, SessionId, UserId},
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
}

impl ResponseMode {
    /// Reads the parameter; its absence means `query`, the default of the code flow.
    pub fn parse(parameter: Option<&str>) -> Option<Self> {
        match parameter {
            None | Some("query") => Some(ResponseMode::Query),
            Some("fragment") => Some(ResponseMode::Fragment),
            Some(_) => None,
        }
    }

    /// Gives the parameter's value, which is also what the store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            ResponseMode::Query => "query",
            ResponseMode::Fragment => "fragment",
        }
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
    pub max_age: Option<i64>,
    pub login_hint: Option<String>,
    pub ui_locales: Option<String>,
    pub created_at: i64,
    pub expires_at: i64,
    pub decided_at: Option<i64>,
    pub user_id: Option<UserId>,
    pub browser_session_id: Option<SessionId>,
    pub auth_time: Option<i64>,
    pub code_expires_at: Option<i64>,
    pub consumed_at: Option<i64>,
    pub session_id: Option<SessionId>,
}

impl Grant {
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

/// Tells whether a text has the form of an S256 challenge: 32 bytes in base64url (RFC 7636 §4.2).
pub fn is_code_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Tells whether a verifier belongs to an S256 challenge, in constant time (RFC 7636 §4.6).
pub fn verifier_matches(verifier: &str, challenge: &str) -> bool {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    // RFC 7636 §4.1: 43 to 128 unreserved characters.
    let is_shaped = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
    let computed = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
    is_shaped && constant_time::verify_slices_are_equal(computed.as_bytes(), challenge.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    #[test]
    fn a_verifier_matches_its_own_challenge_only() {
        assert!(verifier_matches(VERIFIER, CHALLENGE));
        assert!(!verifier_matches(&VERIFIER.replace('d', "e"), CHALLENGE));
        assert!(!verifier_matches(CHALLENGE, CHALLENGE));
    }

    #[test]
    fn a_verifier_of_a_wrong_shape_is_refused_even_when_its_hash_matches() {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        // TRP-01: the verifier printed in the Matrix specification has 32 characters.
        for verifier in
            ["a".repeat(42), "a".repeat(129), format!("{}é", "a".repeat(43)), format!("{} ", "a".repeat(43))]
        {
            let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
            assert!(!verifier_matches(&verifier, &challenge), "{verifier}");
        }
        for verifier in ["a".repeat(43), "~".repeat(128)] {
            let challenge = URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()));
            assert!(verifier_matches(&verifier, &challenge), "{verifier}");
        }
    }

    #[test]
    fn a_challenge_is_43_base64url_characters() {
        assert!(is_code_challenge(CHALLENGE));
        for text in ["", &CHALLENGE[1..], &format!("{CHALLENGE}A"), &CHALLENGE.replace('-', "+")] {
            assert!(!is_code_challenge(text), "{text}");
        }
    }
}
