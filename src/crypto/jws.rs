//! Signatures that others make: JWTs in the compact form (RFC 7515, RFC 7519). The algorithm and the keys are those of our
//! own record (INV-14): of the header only the name of the key counts, and only among these (spec CMN-17).

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, crypto,
    jwk::{Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use std::fmt;

use crate::domain::signing_alg::AssertionAlg;

/// The longest JWT that is looked at.
const MOST_BYTES: usize = 64 * 1024;
/// How many keys are tried for a JWT that names none.
const MOST_TRIES: usize = 8;

/// Why a JWT is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JwsProblem {
    Malformed,
    /// Its header names another algorithm than ours.
    WrongAlgorithm,
    /// It has extensions that have to be understood, and are not.
    Critical,
    /// It names a key that is not among these: they may have been replaced.
    UnknownKey,
    WrongSignature,
}

/// What a JWT says, and what kind it says that it is.
#[derive(Debug)]
pub struct Verified {
    pub typ: Option<String>,
    pub claims: Map<String, Value>,
}

/// The keys of somebody who signs.
#[derive(Clone, Debug, Default)]
pub struct KeySet(Vec<Jwk>);

impl KeySet {
    /// Reads a JWK set (RFC 7517 §5). Keys that are not understood are left out.
    pub fn parse(text: &[u8]) -> Option<Self> {
        Self::read(&serde_json::from_slice(text).ok()?)
    }

    /// Reads one that was registered.
    pub fn read(set: &Value) -> Option<Self> {
        let keys = set.get("keys")?.as_array()?;
        Some(Self(keys.iter().filter_map(|key| Jwk::deserialize(key).ok()).collect()))
    }

    /// Takes one key.
    pub fn of(key: Jwk) -> Self {
        Self(vec![key])
    }

    fn fitting(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Vec<DecodingKey>, JwsProblem> {
        let named = self.0.iter().filter(|key| kid.is_none() || key.common.key_id.as_deref() == kid);
        let keys: Vec<DecodingKey> = named
            .filter(|key| key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature))
            .filter(|key| key.common.key_algorithm.is_none_or(|known| is_same(known, algorithm)))
            .filter_map(|key| DecodingKey::from_jwk(key).ok())
            .filter(|key| key.family() == algorithm.family() && algorithm.family() != AlgorithmFamily::Hmac)
            .take(MOST_TRIES)
            .collect();
        if keys.is_empty() { Err(JwsProblem::UnknownKey) } else { Ok(keys) }
    }
}

fn is_same(known: KeyAlgorithm, algorithm: Algorithm) -> bool {
    known.to_string() == format!("{algorithm:?}")
}

/// With what a signature is verified.
pub enum Verifier<'a> {
    Keys(&'a KeySet),
    /// The secret that both sides know.
    Secret(&'a str),
}

/// Gives the key that a JWT names: a word of whoever sent it, good for nothing but finding a key of our own.
pub fn kid(jwt: &str) -> Option<String> {
    let header = jwt.split('.').next().filter(|_| jwt.len() <= MOST_BYTES)?;
    object(header)?.get("kid")?.as_str().map(str::to_owned)
}

/// Verifies a JWT with one algorithm.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn verify(jwt: &str, verifier: &Verifier<'_>, algorithm: Algorithm) -> Result<Verified, JwsProblem> {
    let mut parts = jwt.split('.');
    let (Some(header), Some(payload), Some(signature), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(JwsProblem::Malformed);
    };
    if jwt.len() > MOST_BYTES {
        return Err(JwsProblem::Malformed);
    }
    let fields = object(header).ok_or(JwsProblem::Malformed)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    if text("alg") != Some(&format!("{algorithm:?}")) {
        return Err(JwsProblem::WrongAlgorithm);
    }
    // RFC 7515 §4.1.11: we understand no extension.
    if fields.contains_key("crit") {
        return Err(JwsProblem::Critical);
    }
    let keys = match verifier {
        Verifier::Keys(keys) => keys.fitting(text("kid"), algorithm)?,
        Verifier::Secret(secret) => vec![DecodingKey::from_secret(secret.as_bytes())],
    };
    let message = &jwt.as_bytes()[..header.len() + 1 + payload.len()];
    let is_right = |key: &DecodingKey| crypto::verify(signature, message, key, algorithm).unwrap_or(false);
    if !keys.iter().any(is_right) {
        return Err(JwsProblem::WrongSignature);
    }
    Ok(Verified { typ: text("typ").map(str::to_owned), claims: object(payload).ok_or(JwsProblem::Malformed)? })
}

/// What a JWT says of itself before anybody has verified it.
pub struct Told {
    pub alg: String,
    pub typ: Option<String>,
    pub claims: Map<String, Value>,
}

/// Reads a JWT without believing it, to know whose it claims to be; nothing when it cannot be one.
pub fn peek(jwt: &str) -> Option<Told> {
    let mut parts = jwt.split('.');
    let (header, payload) = (parts.next()?, parts.next()?);
    if jwt.len() > MOST_BYTES || parts.count() != 1 {
        return None;
    }
    let fields = object(header)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(Told { alg: text("alg")?, typ: text("typ"), claims: object(payload)? })
}

impl From<AssertionAlg> for Algorithm {
    fn from(alg: AssertionAlg) -> Self {
        match alg {
            AssertionAlg::HS256 => Self::HS256,
            AssertionAlg::HS384 => Self::HS384,
            AssertionAlg::HS512 => Self::HS512,
            AssertionAlg::RS256 => Self::RS256,
            AssertionAlg::PS256 => Self::PS256,
            AssertionAlg::ES256 => Self::ES256,
            AssertionAlg::EdDSA => Self::EdDSA,
        }
    }
}

/// Gives what `at_hash` and `c_hash` have to be (OpenID Connect Core §3.1.3.6): half of the hash that the algorithm uses.
pub fn half_hash(algorithm: Algorithm, text: &str) -> String {
    let algorithm = match algorithm {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 | Algorithm::HS384 => &digest::SHA384,
        // Ed25519 hashes with SHA-512 (RFC 8032 §5.1).
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::HS512 | Algorithm::EdDSA => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let hash = digest::digest(algorithm, text.as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let text = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice::<Object>(&text).ok().map(|object| object.0)
}

/// A JSON object no member of which comes twice: two readers could read two things (CMN-17).
struct Object(Map<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Object, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("a member came twice"));
                    }
                }
                Ok(Object(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use serde_json::json;

    use super::*;
    use crate::{
        crypto::keys::{SigningKey, generate},
        domain::signing_alg::SigningAlg,
    };

    fn signer() -> (SigningKey, KeySet, String) {
        let pem = generate(SigningAlg::RS256).unwrap();
        let key = SigningKey::read(Some("one"), &pem).unwrap();
        let set = KeySet::parse(json!({ "keys": [key.public()] }).to_string().as_bytes()).unwrap();
        (key, set, pem)
    }

    fn with_header(jwt: &str, header: Value) -> String {
        let (_, rest) = jwt.split_once('.').unwrap();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
    }

    #[test]
    fn only_our_algorithm_and_their_key_are_believed() {
        // CMN-17, INV-14
        let (key, set, pem) = signer();
        let jwt = key.sign("JWT", &json!({ "sub": "alice" })).unwrap();
        let verifier = Verifier::Keys(&set);
        assert_eq!(verify(&jwt, &verifier, Algorithm::RS256).unwrap().claims["sub"], "alice");
        let other = signer();
        let problem = |jwt: &str, verifier: &Verifier<'_>, algorithm| verify(jwt, verifier, algorithm).unwrap_err();
        assert_eq!(problem(&jwt, &Verifier::Keys(&other.1), Algorithm::RS256), JwsProblem::WrongSignature);
        assert_eq!(problem(&jwt, &verifier, Algorithm::ES256), JwsProblem::WrongAlgorithm);
        assert_eq!(problem(&jwt, &Verifier::Keys(&KeySet::default()), Algorithm::RS256), JwsProblem::UnknownKey);
        let none = with_header(&jwt, json!({ "alg": "none" }));
        assert_eq!(problem(&none, &verifier, Algorithm::RS256), JwsProblem::WrongAlgorithm);
        let critical = with_header(&jwt, json!({ "alg": "RS256", "crit": ["b64"], "b64": false }));
        assert_eq!(problem(&critical, &verifier, Algorithm::RS256), JwsProblem::Critical);
        let unknown = with_header(&jwt, json!({ "alg": "RS256", "kid": "two" }));
        assert_eq!(problem(&unknown, &verifier, Algorithm::RS256), JwsProblem::UnknownKey);
        // The public key as an HMAC secret (RFC 8725 §2.1).
        let public = serde_json::to_string(key.public()).unwrap();
        let secret = EncodingKey::from_secret(public.as_bytes());
        let confused = encode(&Header::new(Algorithm::HS256), &json!({ "sub": "alice" }), &secret).unwrap();
        assert_eq!(problem(&confused, &verifier, Algorithm::RS256), JwsProblem::WrongAlgorithm);
        assert_eq!(problem(&confused, &verifier, Algorithm::HS256), JwsProblem::UnknownKey);
        // A key of their own in the header.
        let embedded =
            with_header(&jwt, json!({ "alg": "RS256", "jwk": key.public(), "jku": "https://evil.example/" }));
        assert_eq!(problem(&embedded, &verifier, Algorithm::RS256), JwsProblem::WrongSignature);
        for malformed in ["", "a.b", "a.b.c.d", "!.!.!", &"x".repeat(70_000)] {
            assert_eq!(problem(malformed, &verifier, Algorithm::RS256), JwsProblem::Malformed);
        }
        assert!(EncodingKey::from_rsa_pem(pem.as_bytes()).is_ok());
    }

    #[test]
    fn a_member_that_comes_twice_is_refused() {
        // CMN-17
        let read = |text: &str| object(&URL_SAFE_NO_PAD.encode(text)).is_some();
        assert!(read(r#"{"sub":"alice","aud":"us"}"#));
        assert!(!read(r#"{"sub":"alice","sub":"bob"}"#));
        assert!(!read(r#"["sub"]"#));
    }

    #[test]
    fn the_hash_of_a_token_is_the_one_of_openid_connect() {
        // OpenID Connect Core appendix A.3
        let access_token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash(Algorithm::RS256, access_token), "77QmUPtjPfzWtF2AnpK9RQ");
        // Appendix A.4, and the vectors that openid-client and its relatives are tested with.
        let code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk";
        assert_eq!(half_hash(Algorithm::RS256, code), "LDktKdoQak3Pk0cnXxCltA");
        let token = "YmJiZTAwYmYtMzgyOC00NzhkLTkyOTItNjJjNDM3MGYzOWIy9sFhvH8K_x8UIHj1osisS57f5DduL";
        for (algorithm, hash) in [
            (Algorithm::RS256, "xsZZrUssMXjL3FBlzoSh2g"),
            (Algorithm::PS256, "xsZZrUssMXjL3FBlzoSh2g"),
            (Algorithm::ES256, "xsZZrUssMXjL3FBlzoSh2g"),
            (Algorithm::ES384, "adt46pcdiB-l6eTNifgoVM-5AIJAxq84"),
            (Algorithm::RS512, "p2LHG4H-8pYDc0hyVOo3iIHvZJUqe9tbj3jESOuXbkY"),
            (Algorithm::EdDSA, "p2LHG4H-8pYDc0hyVOo3iIHvZJUqe9tbj3jESOuXbkY"),
        ] {
            assert_eq!(half_hash(algorithm, token), hash, "{algorithm:?}");
        }
    }
}
