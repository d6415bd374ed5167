//! The section `secrets`: the encryption key, those from before it, and the signing keys. docs/keys.md is for operators.

use std::collections::HashSet;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    clock::{DAY, SECOND},
    crypto::keys,
};

use super::{Problems, Sensitive, order::as_declared};

/// The encryption key and the signing keys.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Secrets>)]
pub struct Secrets {
    /// The key under which secrets are sealed in the database: 32 random bytes as 64 hexadecimal digits, as
    /// `openssl rand -hex 32` prints them. What was sealed is lost without it. Required, here or as a file.
    #[schemars(example = &"64 hexadecimal digits")]
    pub(super) encryption: Option<Sensitive>,

    /// A file that holds the encryption key, instead of `encryption`.
    #[schemars(example = &"encryption-key")]
    pub(super) encryption_file: Option<PathBuf>,

    /// Encryption keys from before. What was sealed under them is still opened; nothing new is. `keymaker keys reseal` seals it
    /// again under the present key, and `keymaker keys list` says when one of these is needed no longer.
    #[schemars(example = serde_json::json!([{ "key_file": "encryption-key-of-2025" }]))]
    pub(super) previous_encryption: Vec<PreviousEncryption>,

    /// Private keys that sign ID tokens and logout tokens: RSA for RS256, P-256 for ES256, Ed25519 for EdDSA. The first one of an
    /// algorithm signs, until `keymaker keys rotate` replaces it; the others are still published, so that a key can be replaced
    /// without breaking what it signed. For an algorithm without a key here, Keymaker makes one and keeps it, sealed, in the
    /// database: with none here at all everything is done by itself.
    #[schemars(example = serde_json::json!([{ "kid": "2026", "key_file": "rs256.pem" }]))]
    pub(super) keys: Vec<SigningKey>,

    /// For how many seconds a new signing key is published before it signs, so that whoever remembers our keys knows it by
    /// then. They may remember them for an hour; a day when it is not set.
    #[schemars(range(min = 3600), example = 86_400)]
    pub(super) signing_key_activation_delay: Option<u32>,

    /// After how many seconds a signing key in the database is replaced by itself, counted from when it begins to sign. Without
    /// it only `keymaker keys rotate` does that.
    #[schemars(range(min = 604_800), example = 7_776_000)]
    pub(super) signing_key_lifetime: Option<u32>,
}

impl Secrets {
    /// Returns the key under which secrets are sealed at rest.
    pub fn encryption_key(&self) -> [u8; 32] {
        let key = self.encryption.as_ref().and_then(read_encryption_key);
        key.expect("a configuration is checked before anybody sees it")
    }

    /// Returns the keys under which secrets were sealed before.
    pub fn previous_encryption_keys(&self) -> Vec<[u8; 32]> {
        self.previous_encryption.iter().filter_map(|previous| read_encryption_key(previous.key.as_ref()?)).collect()
    }

    /// Returns the signing keys, the one that signs first, each as its `kid` where one is given and its PEM text.
    pub fn keys(&self) -> impl Iterator<Item = (Option<&str>, &Sensitive)> {
        self.keys.iter().filter_map(|key| Some((key.kid.as_deref(), key.key.as_ref()?)))
    }

    /// Returns the milliseconds that a signing key is published before it signs.
    pub fn signing_key_activation_delay(&self) -> i64 {
        self.signing_key_activation_delay.map_or(DAY, |seconds| i64::from(seconds) * SECOND)
    }

    /// Returns the milliseconds after which a signing key is replaced by itself.
    pub fn signing_key_lifetime(&self) -> Option<i64> {
        self.signing_key_lifetime.map(|seconds| i64::from(seconds) * SECOND)
    }

    pub(super) fn check(&self, problems: &mut Problems) {
        if let Some(message) = refusal_of_encryption_key(self.encryption.as_ref()) {
            problems.add("secrets.encryption", message);
        }
        let mut seen: HashSet<[u8; 32]> = self.encryption.as_ref().and_then(read_encryption_key).into_iter().collect();
        for (index, previous) in self.previous_encryption.iter().enumerate() {
            let path = format!("secrets.previous_encryption[{index}].key");
            if let Some(message) = refusal_of_encryption_key(previous.key.as_ref()) {
                problems.add(path, message);
            } else if !previous.key.as_ref().and_then(read_encryption_key).is_some_and(|key| seen.insert(key)) {
                problems.add(path, "is the same as another encryption key");
            }
        }
        if self.signing_key_lifetime().is_some_and(|lifetime| lifetime <= self.signing_key_activation_delay()) {
            let message = "must be longer than `secrets.signing_key_activation_delay`";
            problems.add("secrets.signing_key_lifetime", message);
        }
        self.check_signing_keys(problems);
    }

    fn check_signing_keys(&self, problems: &mut Problems) {
        let mut kids = HashSet::new();
        for (index, key) in self.keys.iter().enumerate() {
            let path = format!("secrets.keys[{index}]");
            let read = match &key.key {
                None => Err("is required, here or as `key_file`".to_owned()),
                Some(text) => keys::SigningKey::read(key.kid.as_deref(), text.expose()).map_err(|e| e.to_string()),
            };
            match read {
                Err(message) => problems.add(format!("{path}.key"), message),
                Ok(read) if !kids.insert(read.kid().to_owned()) => {
                    problems.add(format!("{path}.kid"), "is the `kid` of another key too");
                }
                Ok(_) => {}
            }
        }
    }
}

/// An encryption key from before.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<PreviousEncryption>)]
pub struct PreviousEncryption {
    /// What `secrets.encryption` was.
    #[schemars(example = &"64 hexadecimal digits")]
    pub(super) key: Option<Sensitive>,

    /// A file that holds it, instead of `key`.
    #[schemars(example = &"encryption-key-of-2025")]
    pub(super) key_file: Option<PathBuf>,
}

/// A signing key.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<SigningKey>)]
pub struct SigningKey {
    /// The key id that tokens name it by; derived from the key when it is not set.
    #[schemars(example = &"2026")]
    pub(super) kid: Option<String>,

    /// The private key, unencrypted, in PEM: RSA of at least 2048 bits as `openssl genrsa 2048` prints it (PKCS#8 or PKCS#1), P-256
    /// as `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` does (PKCS#8 or SEC 1), or Ed25519 as
    /// `openssl genpkey -algorithm ed25519` does (PKCS#8).
    #[schemars(example = &"-----BEGIN PRIVATE KEY-----\n(base64)\n-----END PRIVATE KEY-----\n")]
    pub(super) key: Option<Sensitive>,

    /// A file that holds the private key, instead of `key`.
    #[schemars(example = &"rs256.pem")]
    pub(super) key_file: Option<PathBuf>,
}

/// Reads an encryption key: 64 hexadecimal digits.
fn read_encryption_key(text: &Sensitive) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text.expose(), &mut key).ok()?;
    Some(key)
}

fn refusal_of_encryption_key(text: Option<&Sensitive>) -> Option<&'static str> {
    let Some(text) = text else { return Some("is required: print one with `openssl rand -hex 32`") };
    match read_encryption_key(text) {
        None => Some("must be 64 hexadecimal digits; print some with `openssl rand -hex 32`"),
        Some(key) if is_patterned(&key) => Some("is not random; print a key with `openssl rand -hex 32`"),
        Some(_) => None,
    }
}

/// Tells a key that somebody typed from one that was drawn: few different bytes, or bytes that count up or down.
fn is_patterned(key: &[u8; 32]) -> bool {
    let different: HashSet<u8> = key.iter().copied().collect();
    let steps: HashSet<u8> = key.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    // 32 random bytes with fewer than 16 different ones come up less than once in 10^11 times.
    different.len() < 16 || steps.len() < 4
}
