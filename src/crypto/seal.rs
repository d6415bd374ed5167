//! Sealing what the store keeps and nobody who reads the store may open (INV-03): under a key that only a presented token
//! gives (INV-04), or under one of the configuration.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
};

use crate::crypto::{
    random,
    secret::{Secret, derive_key, sha256},
};

/// What names the key that something was sealed with, in front of it.
const KEY_ID_LEN: usize = 4;

/// Seals under the encryption key of the configuration, and opens what was sealed under it or under one from before.
pub struct Sealer {
    current: Named,
    previous: Vec<Named>,
}

/// A key, and the id that what it sealed begins with.
struct Named {
    id: [u8; KEY_ID_LEN],
    key: [u8; 32],
}

impl Named {
    fn derive(master: &[u8; 32]) -> Self {
        let key = derive_key(master, "seal");
        let digest = sha256(&key);
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&digest[..KEY_ID_LEN]);
        Self { id, key }
    }
}

/// Under which key something is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedUnder {
    Current,
    Previous,
    Unknown,
}

impl Sealer {
    /// Derives the keys from the configured ones.
    pub fn new(master: &[u8; 32], previous: &[[u8; 32]]) -> Self {
        Self { current: Named::derive(master), previous: previous.iter().map(Named::derive).collect() }
    }

    /// Encrypts and authenticates `plaintext` (AES-256-GCM). The context says what it is and whose: what was sealed in one
    /// does not open in another.
    ///
    /// Gives the id of the key, the nonce, and the ciphertext with its tag.
    pub fn seal(&self, context: &str, plaintext: &[u8]) -> Option<Vec<u8>> {
        let sealed = seal(&self.current.key, context.as_bytes(), plaintext)?;
        Some([self.current.id.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed in this context; nothing when no key of ours did it or the bytes were changed.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (id, sealed) = sealed.split_at_checked(KEY_ID_LEN)?;
        let mut keys = std::iter::once(&self.current).chain(&self.previous).filter(|key| key.id == id);
        keys.find_map(|key| open(&key.key, context.as_bytes(), sealed))
    }

    /// Gives the id of the key that seals.
    pub fn key_id(&self) -> &[u8] {
        &self.current.id
    }

    /// Tells which key it is that something sealed begins with the id of.
    pub fn find_key(&self, sealed: &[u8]) -> SealedUnder {
        if sealed.starts_with(&self.current.id) {
            SealedUnder::Current
        } else if self.previous.iter().any(|key| sealed.starts_with(&key.id)) {
            SealedUnder::Previous
        } else {
            SealedUnder::Unknown
        }
    }
}

/// Encrypts and authenticates `plaintext` (AES-256-GCM) for whoever presents `token` again.
///
/// Gives the nonce followed by the ciphertext and its tag.
pub fn seal_under_token(token: &Secret, plaintext: &[u8]) -> Option<Vec<u8>> {
    seal(&key_of(token), &[], plaintext)
}

/// Opens what was sealed under this token; nothing when it was another token or the bytes were changed.
pub fn open_under_token(token: &Secret, sealed: &[u8]) -> Option<Vec<u8>> {
    open(&key_of(token), &[], sealed)
}

/// The key is an HMAC keyed by the token, so the stored SHA-256 of the token gives no way to it.
fn key_of(token: &Secret) -> [u8; 32] {
    let hmac_key = hmac::Key::new(hmac::HMAC_SHA256, token.expose().as_bytes());
    let mut key = [0; 32];
    key.copy_from_slice(hmac::sign(&hmac_key, b"keymaker successor pair").as_ref());
    key
}

fn seal(key: &[u8; 32], context: &[u8], plaintext: &[u8]) -> Option<Vec<u8>> {
    let nonce: [u8; NONCE_LEN] = random::bytes();
    let mut buffer = plaintext.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut buffer).ok()?;
    Some([nonce.as_slice(), &buffer].concat())
}

fn open(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, ciphertext) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut buffer = ciphertext.to_vec();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let plaintext = key.open_in_place(nonce, Aad::from(context), &mut buffer).ok()?;
    Some(plaintext.to_vec())
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

    #[test]
    fn what_was_sealed_opens_under_its_key_and_in_its_context_only() {
        // INV-03
        let (sealer, other) = (Sealer::new(&[1; 32], &[]), Sealer::new(&[2; 32], &[]));
        let sealed = sealer.seal("totp alice", b"the seed").unwrap();
        assert_eq!(sealer.open("totp alice", &sealed).as_deref(), Some(b"the seed".as_slice()));
        assert_eq!(sealer.open("totp bob", &sealed), None);
        assert_eq!(other.open("totp alice", &sealed), None);
        assert_eq!(sealer.open("totp alice", &sealed[1..]), None);
        assert_ne!(sealer.seal("totp alice", b"the seed").unwrap(), sealed, "no two are alike");
    }

    #[test]
    fn a_new_key_seals_and_the_old_ones_still_open() {
        let (first, second) = (Sealer::new(&[1; 32], &[]), Sealer::new(&[2; 32], &[[1; 32]]));
        let old = first.seal("totp alice", b"the seed").unwrap();
        assert_eq!(second.open("totp alice", &old).as_deref(), Some(b"the seed".as_slice()));
        assert_eq!(second.open("totp bob", &old), None);
        let new = second.seal("totp alice", b"the seed").unwrap();
        assert_eq!(first.open("totp alice", &new), None);
        assert!(new.starts_with(second.key_id()) && !new.starts_with(first.key_id()));
        assert_eq!((second.find_key(&old), second.find_key(&new)), (SealedUnder::Previous, SealedUnder::Current));
        assert_eq!((first.find_key(&new), first.find_key(&[])), (SealedUnder::Unknown, SealedUnder::Unknown));
    }
}
