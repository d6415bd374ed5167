//! Proof Key for Code Exchange, with S256 only (RFC 7636).

use aws_lc_rs::constant_time;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::crypto::secret::sha256;

/// Tells whether a text has the form of an S256 challenge: 32 bytes in base64url (RFC 7636 §4.2).
pub fn is_code_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Tells whether a verifier belongs to an S256 challenge, in constant time (RFC 7636 §4.6).
pub fn verifier_matches(verifier: &str, challenge: &str) -> bool {
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
