//! One signing key: reading it from PEM, making it, signing with it, and its public half, a JWK (RFC 7517, RFC 7638,
//! RFC 8037; spec KEY-02). Which key signs when is in `domain::signing_key` and `flows::keys`.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, PublicKeyUse, ThumbprintHash},
};
use serde::Serialize;
use thiserror::Error;

use crate::domain::signing_alg::SigningAlg;

/// Why a signing key cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    #[error(
        "must be an unencrypted private key in PEM: RSA as `openssl genrsa 2048` prints it, P-256 or Ed25519 as `openssl genpkey` does"
    )]
    Unreadable,
    #[error("is too weak: an RSA key needs at least 2048 bits")]
    Weak,
    #[error("is an RSA key whose public exponent is not 65537")]
    Exponent,
    #[error("cannot be made")]
    Generation,
}

/// A key pair that signs with one algorithm.
pub struct SigningKey {
    kid: String,
    alg: SigningAlg,
    private: EncodingKey,
    public: Jwk,
}

impl SigningKey {
    /// Reads a private key: PKCS#8, PKCS#1 for RSA, or SEC 1 for P-256. Its id is its thumbprint where none is given.
    ///
    /// # Errors
    /// One sentence for whoever configured it.
    pub fn read(kid: Option<&str>, pem_text: &str) -> Result<Self, KeyError> {
        let parsed = pem::parse(pem_text).map_err(|_| KeyError::Unreadable)?;
        let der = parsed.contents();
        let (alg, private) = match parsed.tag() {
            "RSA PRIVATE KEY" => (SigningAlg::RS256, rsa(RsaKeyPair::from_der(der), pem_text)?),
            "EC PRIVATE KEY" => {
                let key = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, der);
                (SigningAlg::ES256, p256(&key.map_err(|_| KeyError::Unreadable)?)?)
            }
            "PRIVATE KEY" => {
                if let Ok(key) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der) {
                    (SigningAlg::ES256, p256(&key)?)
                } else if let Ok(key) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
                    (SigningAlg::EdDSA, ed25519(&key)?)
                } else {
                    (SigningAlg::RS256, rsa(RsaKeyPair::from_pkcs8(der), pem_text)?)
                }
            }
            _ => return Err(KeyError::Unreadable),
        };
        let mut public = Jwk::from_encoding_key(&private, algorithm(alg)).map_err(|_| KeyError::Unreadable)?;
        let thumbprint = public.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::Unreadable)?;
        let kid = kid.map_or(thumbprint, str::to_owned);
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { kid, alg, private, public })
    }

    /// Gives the id by which tokens name the key.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Gives the one algorithm that it signs with.
    pub fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// Gives what is published: never a private member.
    pub fn public(&self) -> &Jwk {
        &self.public
    }

    /// Signs claims as a JWT of a type.
    ///
    /// # Errors
    /// When the claims cannot be serialised.
    pub fn sign(&self, typ: &str, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let mut header = Header::new(algorithm(self.alg));
        header.typ = Some(typ.to_owned());
        header.kid = Some(self.kid.clone());
        encode(&header, claims, &self.private)
    }
}

/// Gives the library's name of an algorithm.
pub fn algorithm(alg: SigningAlg) -> Algorithm {
    match alg {
        SigningAlg::RS256 => Algorithm::RS256,
        SigningAlg::ES256 => Algorithm::ES256,
        SigningAlg::EdDSA => Algorithm::EdDSA,
    }
}

/// Makes a fresh private key for an algorithm, as PKCS#8 PEM.
///
/// # Errors
/// When the library fails to make one, which it does not in practice.
pub fn generate(alg: SigningAlg) -> Result<String, KeyError> {
    let failed = |_| KeyError::Generation;
    let der = match alg {
        SigningAlg::RS256 => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&key).map_err(failed)?.as_ref().to_vec()
        }
        SigningAlg::ES256 => {
            let random = SystemRandom::new();
            let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failed)?;
            key.as_ref().to_vec()
        }
        SigningAlg::EdDSA => {
            let key = Ed25519KeyPair::generate().map_err(failed)?;
            key.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
    };
    let lines = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    Ok(pem::encode_config(&pem::Pem::new("PRIVATE KEY", der), lines))
}

fn rsa(key: Result<RsaKeyPair, aws_lc_rs::error::KeyRejected>, pem_text: &str) -> Result<EncodingKey, KeyError> {
    match key {
        Ok(key) if key.public_key().exponent().big_endian_without_leading_zero() != [1, 0, 1] => {
            Err(KeyError::Exponent)
        }
        Ok(_) => EncodingKey::from_rsa_pem(pem_text.as_bytes()).map_err(|_| KeyError::Unreadable),
        // RFC 7518 §3.3: RS256 needs 2048 bits or more; the library takes nothing less, and this is how it says so.
        Err(error) if error.to_string() == "TooSmall" => Err(KeyError::Weak),
        Err(_) => Err(KeyError::Unreadable),
    }
}

fn p256(key: &EcdsaKeyPair) -> Result<EncodingKey, KeyError> {
    let der = key.to_pkcs8v1().map_err(|_| KeyError::Unreadable)?;
    Ok(EncodingKey::from_ec_der(der.as_ref()))
}

fn ed25519(key: &Ed25519KeyPair) -> Result<EncodingKey, KeyError> {
    let der = key.to_pkcs8v1().map_err(|_| KeyError::Unreadable)?;
    Ok(EncodingKey::from_ed_der(der.as_ref()))
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn pem(tag: &str, parts: &[&[u8]]) -> String {
        pem::encode(&pem::Pem::new(tag, parts.concat()))
    }

    fn decoded(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        // RFC 8037 appendix A.1 and A.3
        let seed = decoded("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let text = pem("PRIVATE KEY", &[&hex::decode("302e020100300506032b657004220420").unwrap(), &seed]);
        let key = SigningKey::read(None, &text).unwrap();
        assert_eq!((key.alg(), key.kid()), (SigningAlg::EdDSA, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
        let public = serde_json::to_value(key.public()).unwrap();
        assert_eq!(public["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(SigningKey::read(Some("mine"), &text).unwrap().kid(), "mine");
    }

    #[test]
    fn a_key_on_p256_is_read_in_both_forms() {
        // RFC 7515 appendix A.3, as SEC 1 and as PKCS#8
        let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
        let d = decoded("jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI");
        let point = [vec![4], decoded(x), decoded(y)].concat();
        let curve: &[u8] = &hex::decode("a00a06082a8648ce3d030107").unwrap();
        let sec1 =
            pem("EC PRIVATE KEY", &[&[0x30, 0x77, 2, 1, 1, 4, 32], &d, curve, &[0xa1, 0x44, 3, 0x42, 0], &point]);
        let head = hex::decode("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420").unwrap();
        let pkcs8 = pem("PRIVATE KEY", &[&head, &d, &[0xa1, 0x44, 3, 0x42, 0], &point]);
        let keys = [sec1, pkcs8].map(|text| SigningKey::read(None, &text).unwrap());
        for key in &keys {
            let public = serde_json::to_value(key.public()).unwrap();
            assert_eq!((key.alg(), &public["x"], &public["y"]), (SigningAlg::ES256, &x.into(), &y.into()));
            assert_eq!(key.kid(), keys[0].kid());
        }
    }

    #[test]
    fn a_fresh_key_is_read_again_and_is_never_the_same() {
        for alg in SigningAlg::ALL {
            let (one, other) = (generate(alg).unwrap(), generate(alg).unwrap());
            let (one, other) = (SigningKey::read(None, &one).unwrap(), SigningKey::read(None, &other).unwrap());
            assert_eq!((one.alg(), other.alg()), (alg, alg));
            assert_ne!(one.kid(), other.kid());
        }
    }
}
