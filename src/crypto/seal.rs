//! Sealing under a key that only a presented token gives (INV-04): the store keeps the successor pair of a refresh
//! token, and nobody who reads the store can open it.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};

use crate::crypto::{random, secret::Secret};

/// Encrypts and authenticates `plaintext` (AES-256-GCM) for whoever presents `token` again.
///
/// Gives the nonce followed by the ciphertext and its tag.
pub fn seal_under_token(token: &Secret, plaintext: &[u8]) -> Option<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = random::bytes();
    let mut buffer = plaintext.to_vec();
    key(token)?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut buffer).ok()?;
    Some([nonce.as_slice(), &buffer].concat())
}

/// Opens what was sealed under this token; nothing when it was another token or the bytes were changed.
pub fn open_under_token(token: &Secret, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = ciphertext.to_vec();
    let plaintext = key(token)?.open_in_place(nonce, Aad::empty(), &mut buffer).ok()?;
    Some(plaintext.to_vec())
}

/// The key is an HMAC keyed by the token, so the stored SHA-256 of the token gives no way to it.
fn key(token: &Secret) -> Option<LessSafeKey> {
    let hmac_key = hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes());
    let key = hmac::sign(&hmac_key, b"keymaker successor pair");
    Some(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Kind;

    #[test]
    fn only_the_token_that_sealed_opens() {
        let (token, other) = (Secret::generate(Kind::RefreshToken), Secret::generate(Kind::RefreshToken));
        let sealed = seal_under_token(&token, b"the pair").unwrap();
        assert_eq!(open_under_token(&token, &sealed).as_deref(), Some(b"the pair".as_slice()));
        assert_eq!(open_under_token(&other, &sealed), None);
        let mut changed = sealed.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(open_under_token(&token, &changed), None);
        assert_eq!(open_under_token(&token, &sealed[..5]), None);
        assert!(!sealed.windows(8).any(|w| w == b"the pair"));
    }
}
