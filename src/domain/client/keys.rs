//! The keys of a client, as it registers or hosts them (RFC 7591 §2 `jwks`, RFC 7517): public ones for signatures. Which
//! of them verifies an assertion is for `crypto::jws` to say.

use serde_json::Value;

const MAX_KEYS: usize = 20;
/// A few RSA keys with their certificates.
const MAX_BYTES: usize = 32 * 1024;
/// RFC 7518 §6: whoever holds one of these can sign.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Checks that a JWK set has public keys only.
///
/// # Errors
/// What is wrong with it, as the rest of a sentence.
pub fn check_jwks(jwks: &Value) -> Result<(), &'static str> {
    let keys = jwks.get("keys").and_then(Value::as_array).ok_or("is not a JWK set")?;
    if keys.len() > MAX_KEYS || jwks.to_string().len() > MAX_BYTES {
        return Err("has too many or too long keys");
    }
    keys.iter().try_for_each(check_key)
}

/// Says whether a JWK set has a key at all.
pub fn has_keys(jwks: &Value) -> bool {
    jwks.get("keys").and_then(Value::as_array).is_some_and(|keys| !keys.is_empty())
}

fn check_key(key: &Value) -> Result<(), &'static str> {
    let members = key.as_object().ok_or("has an entry that is not a JWK")?;
    let kty = members.get("kty").and_then(Value::as_str).ok_or("has a key without a kty")?;
    if kty == "oct" || PRIVATE.iter().any(|member| members.contains_key(*member)) {
        return Err("has a key that is not public: it is known to others now, and has to be replaced");
    }
    Ok(())
}
