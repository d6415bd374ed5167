//! The checks of an ID token (OpenID Connect Core §3.1.3.7; spec UPS-05), one refusal each.

use serde_json::Value;

use super::{claims::Claims, unavailable};
use crate::{
    clock::SECOND,
    config::upstream::{Provider, SigningAlgorithm},
    crypto::{
        jws::{self, JwsProblem, Verified, Verifier, half_hash},
        secret::sha256,
    },
    domain::upstream::{Trip, UpstreamProblem},
    error::{Error, Result},
    remote::upstream::Upstream,
};

/// How far the clock of another server may be off (spec CMN-16).
const SKEW: i64 = 60 * SECOND;

/// What an ID token has to fit.
pub struct Expected<'a> {
    pub trip: &'a Trip,
    pub code: &'a str,
    pub access_token: Option<&'a str>,
    pub now: i64,
}

/// Verifies a JWT of a provider with the configured algorithm; keys are read again where one is unknown (UPS-12).
///
/// # Errors
/// `Malformed`, `WrongAlgorithm`, `Critical`, `WrongSignature`, `Unavailable`.
pub async fn verify(upstream: &Upstream, jwt: &str, algorithm: SigningAlgorithm, now: i64) -> Result<Verified> {
    let provider = &upstream.provider;
    if algorithm == SigningAlgorithm::Hs256 {
        let secret = provider.client_secret().ok_or(Error::Internal("HS256 without a secret"))?;
        return Ok(jws::verify(jwt, &Verifier::Secret(secret.expose()), algorithm.jwt()).map_err(problem)?);
    }
    let keys = upstream.keys(now).await.map_err(|error| unavailable(upstream, &error))?;
    match jws::verify(jwt, &Verifier::Keys(&keys), algorithm.jwt()) {
        Err(JwsProblem::UnknownKey) => {
            let newer = upstream.newer_keys(now).await.map_err(|error| unavailable(upstream, &error))?;
            let keys = newer.ok_or(UpstreamProblem::WrongSignature)?;
            Ok(jws::verify(jwt, &Verifier::Keys(&keys), algorithm.jwt()).map_err(problem)?)
        }
        result => Ok(result.map_err(problem)?),
    }
}

fn problem(problem: JwsProblem) -> UpstreamProblem {
    match problem {
        JwsProblem::Malformed => UpstreamProblem::Malformed,
        JwsProblem::WrongAlgorithm => UpstreamProblem::WrongAlgorithm,
        JwsProblem::Critical => UpstreamProblem::Critical,
        JwsProblem::UnknownKey | JwsProblem::WrongSignature => UpstreamProblem::WrongSignature,
    }
}

/// Checks the claims.
///
/// # Errors
/// The first that does not fit.
pub fn check(provider: &Provider, claims: &Claims, expected: &Expected<'_>) -> Result<(), UpstreamProblem> {
    let Expected { trip, now, .. } = expected;
    // TRP-40: a logout token of the same provider is no ID token.
    if claims.contains_key("events") {
        return Err(UpstreamProblem::Malformed);
    }
    check_parties(provider, claims)?;
    check_times(claims, *now)?;
    let nonce = text(claims, "nonce").ok_or(UpstreamProblem::WrongNonce)?;
    if sha256(nonce.as_bytes()) != trip.nonce_hash {
        return Err(UpstreamProblem::WrongNonce);
    }
    let algorithm = provider.id_token_signed_response_alg.jwt();
    let fits = |name: &str, of: Option<&str>| match (claims.get(name), of) {
        (None, _) => true,
        (Some(hash), Some(of)) => hash.as_str() == Some(&half_hash(algorithm, of)),
        (Some(_), None) => false,
    };
    if !fits("at_hash", expected.access_token) || !fits("c_hash", Some(expected.code)) {
        return Err(UpstreamProblem::WrongHash);
    }
    if trip.wants_login {
        check_auth_time(provider, claims, trip, *now)?;
    }
    match text(claims, "sub") {
        Some(subject) if !subject.is_empty() => Ok(()),
        _ => Err(UpstreamProblem::NoSubject),
    }
}

fn check_parties(provider: &Provider, claims: &Claims) -> Result<(), UpstreamProblem> {
    if text(claims, "iss").is_none() || text(claims, "iss") != provider.issuer() {
        return Err(UpstreamProblem::WrongIssuer);
    }
    let client_id = provider.client_id();
    let others = match claims.get("aud") {
        Some(Value::String(audience)) if audience == client_id => false,
        Some(Value::Array(audiences)) if audiences.iter().any(|audience| audience == client_id) => audiences.len() > 1,
        _ => return Err(UpstreamProblem::WrongAudience),
    };
    match claims.get("azp") {
        Some(party) if party != client_id => Err(UpstreamProblem::WrongAuthorizedParty),
        None if others => Err(UpstreamProblem::WrongAuthorizedParty),
        _ => Ok(()),
    }
}

/// Tells whether a signed answer of the userinfo endpoint is from this provider and for this client (Core §5.3.2).
pub fn is_for_us(provider: &Provider, claims: &Claims) -> bool {
    let issuer = claims.get("iss").is_none_or(|issuer| issuer.as_str() == provider.issuer());
    let audience = match claims.get("aud") {
        None => true,
        Some(Value::String(audience)) => audience == provider.client_id(),
        Some(Value::Array(audiences)) => audiences.iter().any(|audience| audience == provider.client_id()),
        Some(_) => false,
    };
    issuer && audience
}

fn check_times(claims: &Claims, now: i64) -> Result<(), UpstreamProblem> {
    if time(claims, "exp").is_none_or(|exp| exp + SKEW <= now) {
        return Err(UpstreamProblem::Expired);
    }
    // An ID token is made when its code is exchanged.
    const MOST_AGE: i64 = 600 * SECOND;
    let is_of_now = time(claims, "iat").is_some_and(|iat| iat <= now + SKEW && iat > now - MOST_AGE);
    let is_begun = match claims.get("nbf") {
        Some(_) => time(claims, "nbf").is_some_and(|nbf| nbf <= now + SKEW),
        None => true,
    };
    if is_of_now && is_begun { Ok(()) } else { Err(UpstreamProblem::WrongIssuedAt) }
}

fn check_auth_time(provider: &Provider, claims: &Claims, trip: &Trip, now: i64) -> Result<(), UpstreamProblem> {
    match time(claims, "auth_time") {
        Some(at) if at + SKEW >= trip.created_at && at <= now + SKEW => Ok(()),
        None if provider.confirm_without_auth_time => Ok(()),
        _ => Err(UpstreamProblem::NotRecent),
    }
}

fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// Reads a time, which JSON may have with a fraction, in milliseconds.
fn time(claims: &Claims, name: &str) -> Option<i64> {
    let seconds = claims.get(name)?.as_f64().filter(|seconds| (0.0..1e11).contains(seconds))?;
    Some((seconds * 1000.0) as i64)
}
