//! Codes that show that somebody reads the mail of an address: six digits, kept as a keyed hash (spec ACT-10, INV-03).

use aws_lc_rs::hmac;

use crate::{
    crypto::{random, secret::Secret},
    domain::id::EmailVerificationId,
};

const DIGITS: usize = 6;

/// Makes a code.
pub fn generate() -> String {
    // Of 2^128 numbers none falls noticeably more often on one code than on another.
    format!("{:0width$}", u128::from_be_bytes(random::bytes()) % 1_000_000, width = DIGITS)
}

/// Gives the hash that the store keeps of a code, however it was typed, for one address in one browser; nothing when no
/// code looks like it.
pub fn hash(key: &[u8; 32], id: &EmailVerificationId, browser: &Secret, typed: &str) -> Option<Vec<u8>> {
    let is_between = |letter: &char| letter.is_whitespace() || *letter == '-';
    let code: String = typed.chars().filter(|letter| !is_between(letter)).take(DIGITS + 1).collect();
    let is_code = code.len() == DIGITS && code.bytes().all(|byte| byte.is_ascii_digit());
    let text = || format!("{id} {} {code}", hex::encode(browser.hash()));
    let tag = || hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text().as_bytes());
    is_code.then(|| tag().as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Kind;

    #[test]
    fn a_code_is_good_for_its_address_in_its_browser_however_it_is_typed() {
        let (browser, other) = (Secret::generate(Kind::Browser), Secret::generate(Kind::Browser));
        let (id, another) = (EmailVerificationId::new("A"), EmailVerificationId::new("B"));
        let code = generate();
        assert_eq!(code.len(), DIGITS);
        let known = hash(&[1; 32], &id, &browser, &code).unwrap();
        for typed in
            [format!(" {code} "), format!("{} {}", &code[..3], &code[3..]), format!("{}-{}", &code[..2], &code[2..])]
        {
            assert_eq!(hash(&[1; 32], &id, &browser, &typed), Some(known.clone()), "{typed}");
        }
        assert_ne!(hash(&[1; 32], &another, &browser, &code), Some(known.clone()));
        assert_ne!(hash(&[1; 32], &id, &other, &code), Some(known.clone()));
        assert_ne!(hash(&[2; 32], &id, &browser, &code), Some(known));
        for refused in ["", "12345", "1234567", "12345a", "٠٨١٨٠٤"] {
            assert_eq!(hash(&[1; 32], &id, &browser, refused), None, "{refused}");
        }
    }
}
