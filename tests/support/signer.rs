//! The keys with which clients sign their assertions (RFC 7523), and assertions that are right until a story changes them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, jwk::Jwk};
use keymaker::{clock::SECOND, crypto::keys::generate, domain::signing_alg::SigningAlg};
use serde_json::{Map, Value, json};

use super::{Server, unique};

pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

pub struct Signer {
    pub alg: Algorithm,
    pub kid: Option<String>,
    pub key: EncodingKey,
}

impl Signer {
    /// A fresh key for an algorithm.
    pub fn new(alg: Algorithm, kid: &str) -> Self {
        let pem = |alg| generate(alg).unwrap();
        let key = match alg {
            Algorithm::ES256 => EncodingKey::from_ec_pem(pem(SigningAlg::ES256).as_bytes()),
            Algorithm::EdDSA => EncodingKey::from_ed_pem(pem(SigningAlg::EdDSA).as_bytes()),
            _ => EncodingKey::from_rsa_pem(pem(SigningAlg::RS256).as_bytes()),
        };
        Self { alg, kid: Some(kid.to_owned()), key: key.unwrap() }
    }

    /// A secret that both sides know.
    pub fn with_secret(alg: Algorithm, secret: &str) -> Self {
        Self { alg, kid: None, key: EncodingKey::from_secret(secret.as_bytes()) }
    }

    /// The public half, as a client registers or publishes it.
    pub fn jwk(&self) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.alg).unwrap()).unwrap();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk.as_object_mut().unwrap().remove("alg");
        jwk
    }

    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.jwk()] })
    }

    /// Signs claims, under a type.
    pub fn sign(&self, typ: Option<&str>, claims: &Value) -> String {
        let header = Header { typ: typ.map(str::to_owned), kid: self.kid.clone(), ..Header::new(self.alg) };
        encode(&header, claims, &self.key).unwrap()
    }

    /// A right assertion of a client, for this issuer.
    pub fn assertion(&self, server: &Server, client_id: &str) -> String {
        self.sign(Some("JWT"), &claims(server, client_id))
    }
}

/// The claims of a right assertion; no two have the same `jti`.
pub fn claims(server: &Server, client_id: &str) -> Value {
    let now = server.clock.now() / SECOND;
    json!({
        "iss": client_id, "sub": client_id, "aud": server.issuer(), "jti": unique("jti-"), "iat": now, "exp": now + 60,
    })
}

/// The same with other members; `null` takes one away.
pub fn with(claims: &Value, members: Value) -> Value {
    let mut claims: Map<String, Value> = claims.as_object().unwrap().clone();
    claims.extend(members.as_object().unwrap().clone());
    claims.retain(|_, value| !value.is_null());
    Value::Object(claims)
}

/// A JWT that nobody signed.
pub fn unsigned(claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}
