//! Showing a provider's token endpoint who asks (RFC 6749 §2.3, RFC 7523 §2.2, OpenID Connect Core §9).

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, header};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};

use crate::{
    clock::SECOND,
    config::upstream::{Provider, TokenAuthMethod},
    crypto::random,
};

/// How long an assertion is good, in seconds.
const ASSERTION_LIFE: i64 = 60;
/// How long a secret is good that is made for Apple, in seconds.
const APPLE_SECRET_LIFE: i64 = 300;
const APPLE: &str = "https://appleid.apple.com";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Adds to a request what the provider wants to see; nothing when a key cannot be used.
pub fn add(
    provider: &Provider,
    audience: &str,
    now: i64,
    form: &mut Vec<(&'static str, String)>,
    headers: &mut HeaderMap,
) -> Option<()> {
    let client_id = provider.client_id().to_owned();
    let secret = || provider.client_secret().map(|secret| secret.expose().to_owned());
    let method = provider.token_endpoint_auth_method();
    if method != TokenAuthMethod::ClientSecretBasic {
        form.push(("client_id", client_id.clone()));
    }
    match method {
        TokenAuthMethod::None => {}
        TokenAuthMethod::ClientSecretBasic => {
            // RFC 6749 §2.3.1: both are form-encoded before they are joined.
            let part = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", part(&client_id), part(&secret()?)));
            let mut value = HeaderValue::try_from(format!("Basic {pair}")).ok()?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        TokenAuthMethod::ClientSecretPost => form.push(("client_secret", secret()?)),
        TokenAuthMethod::ClientSecretJwt => {
            let key = EncodingKey::from_secret(secret()?.as_bytes());
            let header = Header::new(Algorithm::HS256);
            form.push(("client_assertion", assertion(&header, &key, &client_id, audience, now)?));
            form.push(("client_assertion_type", JWT_BEARER.to_owned()));
        }
        TokenAuthMethod::PrivateKeyJwt => {
            let algorithm = provider.token_endpoint_auth_signing_alg.unwrap_or_default();
            let key = algorithm.encoding_key(provider.private_key()?.expose())?;
            let header = Header { kid: provider.private_key_id.clone(), ..Header::new(algorithm.jwt()) };
            form.push(("client_assertion", assertion(&header, &key, &client_id, audience, now)?));
            form.push(("client_assertion_type", JWT_BEARER.to_owned()));
        }
        TokenAuthMethod::SignInWithApple => {
            let (team_id, key_id, key) = provider.apple()?;
            let key = EncodingKey::from_ec_pem(key.expose().as_bytes()).ok()?;
            let header = Header { kid: Some(key_id.to_owned()), ..Header::new(Algorithm::ES256) };
            let now = now / SECOND;
            let claims = json!({
                "iss": team_id, "iat": now, "exp": now + APPLE_SECRET_LIFE, "aud": APPLE, "sub": client_id,
            });
            form.push(("client_secret", encode(&header, &claims, &key).ok()?));
        }
    }
    Some(())
}

fn assertion(header: &Header, key: &EncodingKey, client_id: &str, audience: &str, now: i64) -> Option<String> {
    let issued_at = now / SECOND;
    let claims: Value = json!({
        "iss": client_id, "sub": client_id, "aud": audience, "jti": hex::encode(random::bytes::<16>()),
        "iat": issued_at, "exp": issued_at + ASSERTION_LIFE,
    });
    encode(header, &claims, key).ok()
}
