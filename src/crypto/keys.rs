//! The signing keys of ID tokens and their public half, the JWKS (spec area 9; RFC 7517, RFC 7638).

use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{Jwk, JwkSet, PublicKeyUse, ThumbprintHash},
};
use serde::Serialize;
use thiserror::Error;

/// Why a signing key cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    #[error("must be an unencrypted RSA private key in PEM, as `openssl genrsa 2048` prints it")]
    Unreadable,
    #[error("is too weak: an RSA key needs at least 2048 bits")]
    Weak,
    #[error("two signing keys have the same kid {0}")]
    SameKid(String),
    #[error("there is no signing key")]
    None,
}

/// The keys of the configuration, the first of which signs.
pub struct SigningKeys {
    signing: EncodingKey,
    signing_kid: String,
    public: JwkSet,
}

impl SigningKeys {
    /// Reads the configured keys: an optional key id and a PEM each.
    ///
    /// # Errors
    /// When one cannot be read, is weak, or shares its id with another.
    pub fn read<'a>(keys: impl IntoIterator<Item = (Option<&'a str>, &'a str)>) -> Result<Self, KeyError> {
        let mut public = JwkSet { keys: Vec::new() };
        let mut signing = None;
        for (kid, pem) in keys {
            check_rsa(pem)?;
            let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| KeyError::Unreadable)?;
            let mut jwk = Jwk::from_encoding_key(&key, Algorithm::RS256).map_err(|_| KeyError::Unreadable)?;
            let thumbprint = jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| KeyError::Unreadable)?;
            let kid = kid.map_or(thumbprint, str::to_owned);
            if public.find(&kid).is_some() {
                return Err(KeyError::SameKid(kid));
            }
            jwk.common.key_id = Some(kid.clone());
            jwk.common.public_key_use = Some(PublicKeyUse::Signature);
            public.keys.push(jwk);
            signing.get_or_insert((key, kid));
        }
        let (signing, signing_kid) = signing.ok_or(KeyError::None)?;
        Ok(Self { signing, signing_kid, public })
    }

    /// Gives what is published: never a private member.
    pub fn public(&self) -> &JwkSet {
        &self.public
    }

    /// Signs claims as a JWT with RS256, the algorithm that every client knows (spec OID-08).
    ///
    /// # Errors
    /// When the claims cannot be serialised.
    pub fn sign(&self, claims: &impl Serialize) -> jsonwebtoken::errors::Result<String> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.signing_kid.clone());
        encode(&header, claims, &self.signing)
    }
}

/// Checks that a PEM holds an RSA key of sufficient size.
///
/// # Errors
/// One sentence for whoever configured it.
pub fn check_rsa(pem_text: &str) -> Result<(), KeyError> {
    let parsed = pem::parse(pem_text).map_err(|_| KeyError::Unreadable)?;
    let key = match parsed.tag() {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(parsed.contents()),
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(parsed.contents()),
        _ => return Err(KeyError::Unreadable),
    };
    match key {
        Ok(_) => Ok(()),
        // RFC 7518 §3.3: RS256 needs 2048 bits or more; the library takes nothing less, and this is how it says so.
        Err(error) if error.to_string() == "TooSmall" => Err(KeyError::Weak),
        Err(_) => Err(KeyError::Unreadable),
    }
}

/// Makes a fresh RSA key of 2048 bits as PKCS#8 PEM.
///
/// # Errors
/// When the library fails to find one, which it does not in practice.
pub fn generate_rsa() -> Result<String, KeyError> {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::Unreadable)?;
    let der = aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key)
        .map_err(|_| KeyError::Unreadable)?;
    let lines = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    Ok(pem::encode_config(&pem::Pem::new("PRIVATE KEY", der.as_ref()), lines))
}
