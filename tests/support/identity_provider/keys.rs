//! The keys of the provider, and signatures with the right one and with every wrong one.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, crypto, jwk::Jwk};
use keymaker::{crypto::keys::generate, domain::signing_alg::SigningAlg};
use serde_json::{Value, json};

use super::{CLIENT_SECRET, Object};

/// How a JWT is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signing {
    Rs256,
    Es256,
    /// Not at all: `alg` is `none` and the signature is empty.
    None,
    /// RS256 by the header, and no signature.
    Missing,
    /// HMAC with what everybody knows: the public key in PEM (RFC 8725 §2.1).
    Hs256OfPublicKey,
    /// HMAC with what the two share: a method of the standard that was not configured.
    Hs256OfClientSecret,
    /// With a key of nobody, under the `kid` of the published one.
    ForeignKey,
    /// The same, and the header brings the key along (RFC 7515 §4.1.3).
    ForeignKeyInHeader,
    /// A good signature under a `kid` that is not published.
    UnknownKid,
    /// A good signature of other claims.
    OfOtherClaims,
}

pub struct Key {
    pub kid: &'static str,
    algorithm: Algorithm,
    private: EncodingKey,
    public_pem: String,
}

impl Key {
    fn rsa(kid: &'static str) -> Self {
        let pem_text = generate(SigningAlg::RS256).unwrap();
        let private = EncodingKey::from_rsa_pem(pem_text.as_bytes()).unwrap();
        let pair = RsaKeyPair::from_pkcs8(pem::parse(&pem_text).unwrap().contents()).unwrap();
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let public_pem = pem::encode(&pem::Pem::new("PUBLIC KEY", der.as_ref()));
        Self { kid, algorithm: Algorithm::RS256, private, public_pem }
    }

    fn ec(kid: &'static str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let private = EncodingKey::from_ec_der(pair.to_pkcs8v1().unwrap().as_ref());
        Self { kid, algorithm: Algorithm::ES256, private, public_pem: String::new() }
    }

    /// The public half, as it is published.
    pub fn jwk(&self) -> Value {
        let jwk = serde_json::to_value(Jwk::from_encoding_key(&self.private, self.algorithm).unwrap()).unwrap();
        let mut jwk = jwk.as_object().unwrap().clone();
        jwk.extend([("kid".to_owned(), json!(self.kid)), ("use".to_owned(), json!("sig"))]);
        Value::Object(jwk)
    }
}

pub struct Keys {
    pub rsa: Key,
    /// The one after a rotation.
    pub next: Key,
    pub ec: Key,
    foreign: Key,
}

impl Keys {
    /// An RSA key takes a while to find, so all providers of a run share these.
    pub fn shared() -> &'static Self {
        static KEYS: OnceLock<Keys> = OnceLock::new();
        KEYS.get_or_init(|| Keys {
            rsa: Key::rsa("rsa-1"),
            next: Key::rsa("rsa-2"),
            ec: Key::ec("ec-1"),
            foreign: Key::rsa("rsa-1"),
        })
    }

    /// Signs a text with a header; `key` is the RSA key of the day.
    pub fn sign(&self, header: &Object, payload: &str, signing: &Signing, key: &Key) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let mut header = header.clone();
        if *signing == Signing::ForeignKeyInHeader {
            header.insert("jwk".to_owned(), self.foreign.jwk());
        }
        let message = format!("{}.{}", encode(&Value::Object(header).to_string()), encode(payload));
        let sign =
            |message: &str, key: &EncodingKey, algorithm| crypto::sign(message.as_bytes(), key, algorithm).unwrap();
        let hmac = |secret: &str| sign(&message, &EncodingKey::from_secret(secret.as_bytes()), Algorithm::HS256);
        let signature = match signing {
            Signing::Rs256 | Signing::UnknownKid => sign(&message, &key.private, Algorithm::RS256),
            Signing::Es256 => sign(&message, &self.ec.private, Algorithm::ES256),
            Signing::None | Signing::Missing => String::new(),
            Signing::Hs256OfPublicKey => hmac(&key.public_pem),
            Signing::Hs256OfClientSecret => hmac(CLIENT_SECRET),
            Signing::ForeignKey | Signing::ForeignKeyInHeader => {
                sign(&message, &self.foreign.private, Algorithm::RS256)
            }
            Signing::OfOtherClaims => sign("e30.e30", &key.private, Algorithm::RS256),
        };
        format!("{message}.{signature}")
    }
}

/// The header that goes with a signature.
pub fn header(signing: &Signing, key: &Key) -> Object {
    let (alg, kid) = match signing {
        Signing::Es256 => ("ES256", "ec-1"),
        Signing::None => ("none", key.kid),
        Signing::Hs256OfPublicKey | Signing::Hs256OfClientSecret => ("HS256", key.kid),
        Signing::UnknownKid => ("RS256", "of-nobody"),
        _ => ("RS256", key.kid),
    };
    json!({ "alg": alg, "kid": kid }).as_object().unwrap().clone()
}
