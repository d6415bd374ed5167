//! Everything that can be presented: tokens, codes, cookies, client secrets. What they look like, and the hash by
//! which the store knows them (INV-03, spec CMN-06 to CMN-08, CMN-20).
//!
//! `kma_` + family (22) + own half (22) + `_` + checksum (6), all base62. The family is shared by all tokens of one
//! session: it still names the session when the row of a superseded token is gone. Alone it opens nothing.
//!
//! Tokens that another server issued before the accounts moved here look otherwise: they are known by their hash alone.

use std::fmt;

use aws_lc_rs::{constant_time, digest, hmac};

use crate::{crypto::random, domain::id::UserId};

/// What a secret is presented as. A secret of one kind is unknown where another is expected (INV-02).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    AccessToken,
    RefreshToken,
    AuthorizationCode,
    /// What an older client gets out of a login through the browser.
    LoginToken,
    /// The cookie of a signed-in browser.
    BrowserSession,
    /// The cookie that binds forms and authorizations to a browser, signed in or not.
    Browser,
    ClientSecret,
    /// What a link carries that lets somebody choose a new password.
    RecoveryLink,
    /// What an identity provider gives back with the browser that was sent to it.
    UpstreamState,
    /// What an identity provider puts into its ID token.
    UpstreamNonce,
    /// What lets somebody sign up where not everybody may. Administrators may choose others, of any form.
    RegistrationToken,
    /// With what a device asks whether it was let in.
    DeviceCode,
    /// The name of an authorization request that a client sent ahead.
    PushedRequest,
    /// With what a client reads, changes and removes its own registration (RFC 7592).
    RegistrationAccessToken,
}

impl Kind {
    /// Gives the three letters that secret scanners look for.
    pub fn prefix(self) -> &'static str {
        match self {
            Kind::AccessToken => "kma",
            Kind::RefreshToken => "kmr",
            Kind::AuthorizationCode => "kmc",
            Kind::LoginToken => "kml",
            Kind::BrowserSession => "kmb",
            Kind::Browser => "kmw",
            Kind::ClientSecret => "kms",
            Kind::RecoveryLink => "kmp",
            Kind::UpstreamState => "kmu",
            Kind::UpstreamNonce => "kmn",
            Kind::RegistrationToken => "kmi",
            Kind::DeviceCode => "kmd",
            Kind::PushedRequest => "kmq",
            Kind::RegistrationAccessToken => "kmg",
        }
    }
}

/// 128 random bits for one half of a secret, and its digits in base62.
const HALF: usize = 22;
const CHECKSUM: usize = 6;
/// The longest token of another server that is looked up: a macaroon has a few hundred bytes.
const MOST_FOREIGN_BYTES: usize = 2048;
const LENGTH: usize = 4 + 2 * HALF + 1 + CHECKSUM;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The half that the tokens of one session share.
#[derive(Clone, PartialEq, Eq)]
pub struct Family(String);

impl Family {
    /// Makes a new one.
    pub fn generate() -> Self {
        Self(base62(u128::from_be_bytes(random::bytes()), HALF))
    }

    /// Gives the hash under which the session is found.
    pub fn hash(&self) -> Vec<u8> {
        sha256(self.0.as_bytes())
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Family(…)")
    }
}

/// A secret as it is presented. It is never logged and never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a secret with a family of its own.
    pub fn generate(kind: Kind) -> Self {
        Self::of_family(kind, &Family::generate())
    }

    /// Makes one that is long enough to sign with by HMAC with SHA-512, for which a key has 64 bytes (RFC 7518 §3.2).
    pub fn generate_long(kind: Kind) -> Self {
        let half = || base62(u128::from_be_bytes(random::bytes()), HALF);
        let body = format!("{}_{}{}{}{}", kind.prefix(), half(), half(), half(), half());
        let checksum = checksum(&body);
        Self(format!("{body}_{checksum}"))
    }

    /// Makes a secret of a session's family.
    pub fn of_family(kind: Kind, family: &Family) -> Self {
        let own = base62(u128::from_be_bytes(random::bytes()), HALF);
        let body = format!("{}_{}{own}", kind.prefix(), family.0);
        let checksum = checksum(&body);
        Self(format!("{body}_{checksum}"))
    }

    /// Reads what somebody presents; nothing when it cannot be a secret of this kind.
    ///
    /// The checksum refuses garbage without asking the store (INV-08); it protects nothing.
    pub fn parse(kind: Kind, presented: &str) -> Option<Self> {
        let is_shaped = presented.len() == LENGTH
            && presented.is_ascii()
            && presented.starts_with(kind.prefix())
            && presented.as_bytes()[3] == b'_'
            && presented.as_bytes()[LENGTH - CHECKSUM - 1] == b'_';
        if !is_shaped {
            return None;
        }
        let (body, given) = (&presented[..LENGTH - CHECKSUM - 1], &presented[LENGTH - CHECKSUM..]);
        (checksum(body) == given).then(|| Self(presented.to_owned()))
    }

    /// Reads what somebody presents as an access or refresh token: ours, or one that another server issued, which may have
    /// any shape (Synapse has had two). Nothing when it can be neither.
    pub fn parse_token(kind: Kind, presented: &str) -> Option<Self> {
        let looks_like_ours = presented.len() > 4 && presented.starts_with("km") && presented.as_bytes()[3] == b'_';
        if looks_like_ours {
            return Self::parse(kind, presented);
        }
        let is_possible = (8..=MOST_FOREIGN_BYTES).contains(&presented.len());
        (is_possible && presented.bytes().all(|b| b.is_ascii_graphic())).then(|| Self(presented.to_owned()))
    }

    /// Gives the text, for the one response or cookie that hands it out.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Gives the hash under which the store knows this secret.
    pub fn hash(&self) -> Vec<u8> {
        sha256(self.0.as_bytes())
    }

    /// Gives the half that it shares with the other tokens of its session; another server's token has none.
    pub fn family(&self) -> Option<Family> {
        self.0.starts_with("km").then(|| Family(self.0[4..4 + HALF].to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({}…)", &self.0[..3])
    }
}

/// Makes a form token: bound to the cookie of one browser, the same in every tab (WEB-02, WEB-14), and to the account
/// that the form speaks of, if it speaks of one.
pub fn csrf_token(key: &[u8; 32], browser: &Secret, account: Option<&UserId>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let account = account.map_or("", UserId::as_str);
    let tag = hmac::sign(&key, format!("csrf {} {account}", browser.expose()).as_bytes());
    hex::encode(&tag.as_ref()[..16])
}

/// Derives a key for one purpose from the configured encryption key (KEY-04: purposes never share a key).
pub fn derive_key(master: &[u8; 32], purpose: &str) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, master), format!("keymaker {purpose}").as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(tag.as_ref());
    key
}

/// Gives what stands for a text in the store that nobody else needs to know: without the key it tells nothing.
pub fn tag(key: &[u8; 32], text: &str) -> [u8; 16] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let mut head = [0; 16];
    head.copy_from_slice(&tag.as_ref()[..16]);
    head
}

/// Gives the hash that the store keeps of a text that may be short: without the key nobody finds it by trying.
pub fn keyed_hash(key: &[u8; 32], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// Gives a number from 0 up to 1 that belongs to a text: without the key it cannot be foretold.
pub fn fraction(key: &[u8; 32], text: &str) -> f64 {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes());
    let mut head = [0; 4];
    head.copy_from_slice(&tag.as_ref()[..4]);
    f64::from(u32::from_be_bytes(head)) / (f64::from(u32::MAX) + 1.0)
}

/// Compares in a time that does not depend on where two texts differ; their lengths are no secret.
pub fn equal(a: &str, b: &str) -> bool {
    constant_time::verify_slices_are_equal(&sha256(a.as_bytes()), &sha256(b.as_bytes())).is_ok()
}

/// Gives the SHA-256 digest.
pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

fn checksum(body: &str) -> String {
    base62(u128::from(crc32fast::hash(body.as_bytes())), CHECKSUM)
}

fn base62(mut value: u128, digits: usize) -> String {
    let mut text = vec![b'0'; digits];
    for digit in text.iter_mut().rev() {
        *digit = BASE62[(value % 62) as usize];
        value /= 62;
    }
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_back_as_its_own_kind_only() {
        // CMN-20
        let kinds = [
            Kind::AccessToken,
            Kind::RefreshToken,
            Kind::AuthorizationCode,
            Kind::LoginToken,
            Kind::BrowserSession,
            Kind::Browser,
            Kind::ClientSecret,
            Kind::RecoveryLink,
            Kind::DeviceCode,
        ];
        for made in kinds {
            let secret = Secret::generate(made);
            for asked in kinds {
                assert_eq!(Secret::parse(asked, secret.expose()).is_some(), made == asked);
            }
        }
    }

    #[test]
    fn a_secret_with_one_wrong_character_is_refused_by_its_checksum() {
        let secret = Secret::generate(Kind::AccessToken);
        for position in 0..secret.expose().len() {
            let mut text = secret.expose().as_bytes().to_vec();
            text[position] = if text[position] == b'x' { b'y' } else { b'x' };
            assert!(Secret::parse(Kind::AccessToken, &String::from_utf8(text).unwrap()).is_none());
        }
        assert!(Secret::parse(Kind::AccessToken, "").is_none());
        assert!(Secret::parse(Kind::AccessToken, &"é".repeat(LENGTH / 2)).is_none());
    }

    #[test]
    fn a_token_of_another_server_is_read_and_has_no_family() {
        // CMN-08, CMN-14
        let ours = Secret::generate(Kind::AccessToken);
        assert_eq!(Secret::parse_token(Kind::AccessToken, ours.expose()), Some(ours.clone()));
        assert!(Secret::parse_token(Kind::RefreshToken, ours.expose()).is_none(), "ours are of one kind");
        let macaroon = "MDAxY2xvY2F0aW9uIGhzLnRlc3QKMDAxM2lkZW50aWZpZXIga2V5Cg".repeat(8);
        for foreign in ["syt_YWxpY2U_AAAAAAAAAAAAAAAAAAAA_1a2b3c", "syr_a+/b=_BBBB_4d5e6f", &macaroon] {
            let token = Secret::parse_token(Kind::AccessToken, foreign);
            assert!(token.is_some_and(|token| token.family().is_none()), "{foreign}");
        }
        let cut = &ours.expose()[..40];
        for refused in ["", "syt_", "two words here", "naïve_token_here", cut, "kmx_AAAAAAAAAAAAAA", &"x".repeat(4096)]
        {
            assert!(Secret::parse_token(Kind::AccessToken, refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn tokens_of_one_session_share_their_family_and_nothing_else() {
        let family = Family::generate();
        let (a, b) = (Secret::of_family(Kind::AccessToken, &family), Secret::of_family(Kind::RefreshToken, &family));
        assert_eq!(a.family(), b.family());
        assert_ne!(a.expose()[4 + HALF..], b.expose()[4 + HALF..]);
        assert_ne!(Secret::generate(Kind::AccessToken).family(), Some(family));
    }

    #[test]
    fn a_secret_does_not_show_itself_when_debugged() {
        // CMN-15
        let secret = Secret::generate(Kind::RefreshToken);
        assert_eq!(format!("{secret:?}"), "Secret(kmr…)");
        assert_eq!(format!("{:?}", secret.family().unwrap()), "Family(…)");
    }

    #[test]
    fn a_form_token_belongs_to_one_browser_and_one_key() {
        let (a, b) = (Secret::generate(Kind::Browser), Secret::generate(Kind::Browser));
        let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
        let token = csrf_token(&[1; 32], &a, None);
        assert_eq!(token, csrf_token(&[1; 32], &a, None));
        assert_ne!(token, csrf_token(&[1; 32], &b, None));
        assert_ne!(token, csrf_token(&[2; 32], &a, None));
        assert_ne!(token, csrf_token(&[1; 32], &a, Some(&alice)));
        assert_ne!(csrf_token(&[1; 32], &a, Some(&bob)), csrf_token(&[1; 32], &a, Some(&alice)));
    }
}
