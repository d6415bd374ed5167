//! The assertion by which a client authenticates itself: a JWT that it signed with its secret or with a key of its own
//! (RFC 7521, RFC 7523, OpenID Connect Core §9; spec CAU-03, CAU-04). Each is good once, here and on every replica.

use serde_json::{Map, Value};

use crate::{
    app::App,
    clock::{MINUTE, SECOND},
    crypto::{
        jws::{self, JwsProblem, KeySet, Told, Verifier},
        secret::sha256,
    },
    domain::{client::ClientAuthMethod, id::ClientId, refusal::Refusal, signing_alg::AssertionAlg},
    error::Result,
    flows::{Caller, client_secret},
    store::{self, client::Client},
};

use super::{Endpoint, count_wrong, find_within_limit};

/// The only `client_assertion_type` that there is (RFC 7523 §2.2).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// How far ahead an assertion may expire: for so long it has to be remembered.
const MOST_LIFE: i64 = 5 * MINUTE;
/// How far the client's clock may be off (CMN-16).
const SKEW: i64 = MINUTE;
/// The types that an assertion may say it has; most say that they are a JWT, or nothing.
const TYPES: [&str; 2] = ["jwt", "client-authentication+jwt"];

/// What makes an assertion the only one of its kind.
struct Mark {
    jti_hash: Vec<u8>,
    expires_at: i64,
}

/// Authenticates the client that signed an assertion; `named` is the `client_id` beside it.
///
/// # Errors
/// `InvalidClient`, whatever is wrong; `TooManyRequests` after too many wrong ones.
pub async fn authenticate(
    app: &App,
    endpoint: Endpoint,
    named: Option<&str>,
    jwt: &str,
    caller: &Caller,
) -> Result<Client> {
    let told = jws::peek(jwt).ok_or(Refusal::InvalidClient)?;
    let subject = told.claims.get("sub").and_then(Value::as_str).unwrap_or_default();
    if named.is_some_and(|named| named != subject) {
        return Err(Refusal::InvalidClient.into());
    }
    let id = ClientId::read(subject).ok_or(Refusal::InvalidClient)?;
    let client = find_within_limit(app, &id, caller).await?;
    let judged = match &client {
        Some(client) => judge(app, endpoint, client, jwt, &told).await,
        None => Err("the client is unknown"),
    };
    let problem = match judged {
        // Of two at once, one is a replay (RFC 7523 §3).
        Ok(mark) if !store::client_assertion::insert(&app.db, &id, &mark.jti_hash, mark.expires_at).await? => {
            "it was used before"
        }
        Ok(_) => return client.ok_or_else(|| Refusal::InvalidClient.into()),
        Err(problem) => problem,
    };
    tracing::debug!(client = id.as_str(), problem, "a client assertion was refused");
    count_wrong(app, client.as_ref(), caller).await?;
    Err(Refusal::InvalidClient.into())
}

/// What it says costs less to look at than its signature (INV-08), and is the same afterwards.
async fn judge(app: &App, endpoint: Endpoint, client: &Client, jwt: &str, told: &Told) -> Result<Mark, &'static str> {
    let alg = expected_alg(client, &told.alg).ok_or("its algorithm is not one of the client's")?;
    if told.typ.as_deref().is_some_and(|typ| !TYPES.contains(&typ.to_ascii_lowercase().as_str())) {
        return Err("it is a JWT of another type");
    }
    let mark = check_claims(app, endpoint, client, &told.claims)?;
    match alg.is_by_secret() {
        true => check_by_secret(app, client, jwt, alg)?,
        false => check_by_keys(app, client, jwt, alg).await?,
    }
    Ok(mark)
}

/// INV-14: our record says whether a secret or a key verifies, and by which algorithms; the header only picks among these.
fn expected_alg(client: &Client, named: &str) -> Option<AssertionAlg> {
    let is_by_secret = match client.metadata.token_endpoint_auth_method {
        ClientAuthMethod::ClientSecretJwt => true,
        ClientAuthMethod::PrivateKeyJwt => false,
        ClientAuthMethod::None | ClientAuthMethod::ClientSecretBasic | ClientAuthMethod::ClientSecretPost => {
            return None;
        }
    };
    let registered = client.metadata.token_endpoint_auth_signing_alg;
    AssertionAlg::find(named)
        .filter(|alg| alg.is_by_secret() == is_by_secret)
        .filter(|alg| registered.is_none_or(|registered| registered == *alg))
}

/// RFC 7523 §3, and the limits of CAU-03.
fn check_claims(
    app: &App,
    endpoint: Endpoint,
    client: &Client,
    claims: &Map<String, Value>,
) -> Result<Mark, &'static str> {
    let is_own = |name: &str| claims.get(name).and_then(Value::as_str) == Some(client.id.as_str());
    if !is_own("iss") || !is_own("sub") {
        return Err("its issuer and its subject are not the client");
    }
    if !claims.get("aud").is_some_and(|aud| is_for_us(app, endpoint, aud)) {
        return Err("it is for somebody else");
    }
    let now = app.clock.now();
    let expires_at = time(claims, "exp")?.ok_or("it does not say when it expires")?;
    if expires_at + SKEW <= now {
        return Err("it has expired");
    }
    if expires_at > now + MOST_LIFE + SKEW {
        return Err("it expires too far ahead");
    }
    for begins in ["iat", "nbf"] {
        if time(claims, begins)?.is_some_and(|begins| begins > now + SKEW) {
            return Err("it is not good yet");
        }
    }
    match claims.get("jti").and_then(Value::as_str) {
        Some(jti) if !jti.is_empty() => Ok(Mark { jti_hash: sha256(jti.as_bytes()), expires_at: expires_at + SKEW }),
        _ => Err("it has no jti"),
    }
}

/// TRP-39: the newer habit is the issuer, the older the token endpoint; one meant for the endpoint that was called is ours
/// as well.
fn is_for_us(app: &App, endpoint: Endpoint, aud: &Value) -> bool {
    let http = &app.config.http;
    let is_ours = |aud: &str| {
        let base = http.public_base.as_str();
        aud == http.issuer().as_str()
            || [Endpoint::Token, endpoint].iter().any(|endpoint| aud.strip_prefix(base) == Some(endpoint.path()))
    };
    match aud {
        Value::String(aud) => is_ours(aud),
        Value::Array(list) => list.iter().filter_map(Value::as_str).any(is_ours),
        _ => false,
    }
}

/// RFC 7519 §2, NumericDate: seconds, perhaps with a fraction. Milliseconds here.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, &'static str> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite() && seconds.abs() < 1e12);
    let seconds = seconds.ok_or("one of its times is none")?;
    Ok(Some((seconds * SECOND as f64) as i64))
}

fn check_by_secret(app: &App, client: &Client, jwt: &str, alg: AssertionAlg) -> Result<(), &'static str> {
    let least = alg.least_secret_bytes().unwrap_or(usize::MAX);
    let secrets = client_secret::for_signing(app, client);
    let mut fitting = secrets.iter().filter(|secret| secret.len() >= least);
    match fitting.any(|secret| jws::verify(jwt, &Verifier::Secret(secret), alg.into()).is_ok()) {
        true => Ok(()),
        false => Err("no secret of the client made its signature"),
    }
}

async fn check_by_keys(app: &App, client: &Client, jwt: &str, alg: AssertionAlg) -> Result<(), &'static str> {
    let is_made_by = |keys: &KeySet| jws::verify(jwt, &Verifier::Keys(keys), alg.into());
    let wrong = "no key of the client made its signature";
    if let Some(jwks) = &client.metadata.jwks {
        let keys = KeySet::read(jwks).ok_or("the client has no keys that can be read")?;
        return is_made_by(&keys).map(drop).map_err(|_| wrong);
    }
    let uri = client.metadata.jwks_uri.as_deref().ok_or("the client has no keys")?;
    let now = app.clock.now();
    let unavailable = "the keys of the client cannot be had";
    let keys = app.client_keys.get(&app.guarded, uri, now).await.ok_or(unavailable)?;
    match is_made_by(&keys) {
        Ok(_) => Ok(()),
        // They may have been replaced.
        Err(JwsProblem::UnknownKey | JwsProblem::WrongSignature) => {
            let keys = app.client_keys.get_again(&app.guarded, uri, now).await.ok_or(unavailable)?;
            is_made_by(&keys).map(drop).map_err(|_| wrong)
        }
        Err(_) => Err("it is malformed"),
    }
}
