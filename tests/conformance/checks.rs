//! What the suite checks in every module (C-G1 to C-G8), and the Config plan, which is little else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    jwk::{AlgorithmParameters, EllipticCurve, JwkSet},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    Outcome, Passed,
    party::{Client, Party, Request},
};
use crate::support::http::Answer;

const YEAR: i64 = 365 * 24 * 60 * 60;

/// C-G1: the metadata is where the issuer says, and everything in it is https.
pub fn discovery(answer: &Answer, url: &str) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(media_type(answer), "application/json");
    let metadata = answer.json();
    let issuer = metadata["issuer"].as_str().unwrap();
    assert_eq!(format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')), url);
    let parsed = Url::parse(issuer).unwrap();
    assert_eq!(parsed.scheme(), "https");
    assert!(parsed.query().is_none() && parsed.fragment().is_none() && parsed.username().is_empty(), "{issuer}");
    let endpoints = metadata.as_object().unwrap().iter();
    for (name, value) in endpoints.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri") {
        let url = Url::parse(value.as_str().unwrap()).unwrap();
        assert!(url.scheme() == "https" && url.fragment().is_none(), "{name}: {url}");
    }
    metadata
}

/// C-G2: public keys alone, each with a name of its own.
pub fn jwks(answer: &Answer) -> JwkSet {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(["application/json", "application/jwk-set+json"].contains(&media_type(answer)), "{}", media_type(answer));
    let mut names = BTreeSet::new();
    let keys = answer.json();
    for key in keys["keys"].as_array().unwrap() {
        let members: BTreeSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        assert!(private.iter().all(|member| !members.contains(member)), "a private member in {members:?}");
        let kid = key["kid"].as_str().unwrap();
        assert!(!kid.is_empty() && names.insert(kid.to_owned()), "{kid}");
    }
    assert!(!names.is_empty());
    let set: JwkSet = serde_json::from_str(&answer.body).unwrap();
    for key in &set.keys {
        match &key.algorithm {
            AlgorithmParameters::RSA(rsa) => {
                assert!(URL_SAFE_NO_PAD.decode(&rsa.n).unwrap().len() >= 256, "a short RSA key");
            }
            AlgorithmParameters::EllipticCurve(ec) => assert_eq!(ec.curve, EllipticCurve::P256),
            AlgorithmParameters::OctetKeyPair(okp) => assert_eq!(okp.curve, EllipticCurve::Ed25519),
            other => panic!("a key of an unusable kind: {other:?}"),
        }
    }
    set
}

/// C-G3 and C-G4: what comes to the relying party is an answer to its request and no more.
pub fn callback(party: &Party, request: &Request, params: &HashMap<String, String>) {
    let known = match params.contains_key("error") {
        true => vec!["error", "error_description", "error_uri", "state", "iss"],
        false => vec!["code", "state", "iss"],
    };
    assert!(params.keys().all(|name| known.contains(&name.as_str())), "{params:?}");
    assert_eq!(params.get("state").map(String::as_str), request.get("state"));
    if party.discovery["authorization_response_iss_parameter_supported"] == true {
        assert_eq!(params.get("iss").map(String::as_str), Some(party.issuer()));
    }
    let Some(error) = params.get("error") else {
        return secret("code", &params["code"], 16);
    };
    assert!(!error.is_empty() && !params.contains_key("code"), "{params:?}");
    if let Some(description) = params.get("error_description") {
        let is_legal = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(description.bytes().all(is_legal), "{description}");
    }
    if let Some(uri) = params.get("error_uri") {
        Url::parse(uri).unwrap();
    }
}

/// C-G5: long and random enough, of characters that go through everywhere.
fn secret(what: &str, value: &str, length: usize) {
    assert!(value.len() >= length, "a short {what}");
    assert!(value.bytes().all(|byte| matches!(byte, 0x20..=0x7e)), "{what}");
    let mut counts: BTreeMap<char, f64> = BTreeMap::new();
    value.chars().for_each(|letter| *counts.entry(letter).or_default() += 1.0);
    let length = value.len() as f64;
    let entropy: f64 = counts.values().map(|count| -(count / length).log2() * count).sum();
    assert!(entropy >= 96.0, "a {what} of {entropy} bits");
}

/// C-G5 and C-G6: the access token and the refresh token of a good answer.
pub fn token_response(party: &Party, answer: &Answer) -> (String, Option<String>) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(media_type(answer), "application/json");
    assert!(answer.header("cache-control").is_some_and(|value| value.contains("no-store")), "{:?}", answer.headers);
    let body = answer.json();
    assert!(body["token_type"].as_str().unwrap().eq_ignore_ascii_case("bearer"), "{body}");
    match body.get("expires_in") {
        Some(seconds) => assert!(seconds.as_i64().unwrap() > 0, "{body}"),
        None => party.warn("no expires_in"),
    }
    let access = body["access_token"].as_str().unwrap().to_owned();
    secret("access_token", &access, 1);
    let refresh = body.get("refresh_token").map(|token| token.as_str().unwrap().to_owned());
    if let Some(refresh) = &refresh {
        secret("refresh_token", refresh, 16);
    }
    (access, refresh)
}

/// C-G7: an ID token of this issuer for this client, signed by a published key as it registered.
pub fn id_token(party: &Party, client: &Client, raw: &str, nonce: Option<&str>, access_token: &str) -> Value {
    let header = decode_header(raw).unwrap();
    // Nobody registered another.
    assert_eq!(header.alg, Algorithm::RS256);
    assert!(party.advertises("id_token_signing_alg_values_supported", "RS256"));
    let kid = header.kid.expect("a kid");
    let jwk = party.jwks.find(&kid).unwrap_or_else(|| panic!("no published key {kid}"));
    let mut validation = Validation::new(header.alg);
    validation.set_issuer(&[party.issuer()]);
    validation.set_audience(&[&client.id]);
    validation.set_required_spec_claims(&["exp", "iss", "sub", "aud"]);
    // The crate knows the machine's time; the story has its own.
    validation.validate_exp = false;
    let claims = decode::<Value>(raw, &DecodingKey::from_jwk(jwk).unwrap(), &validation).unwrap().claims;

    let now = party.now();
    let time = |name: &str| claims.get(name).map(|value| value.as_i64().unwrap_or_else(|| panic!("{name}: {value}")));
    assert_eq!(claims["iss"], party.issuer());
    assert!((now..now + 50 * YEAR).contains(&time("exp").unwrap()), "exp {claims}");
    assert!((time("iat").unwrap() - now).abs() <= 300, "iat {claims}");
    assert!(time("nbf").is_none_or(|nbf| nbf <= now + 5), "nbf {claims}");
    assert!(time("auth_time").is_none_or(|at| (now - YEAR..=now + 5).contains(&at)), "auth_time {claims}");
    assert!(claims.get("acr").is_none_or(|acr| acr.as_str().is_some_and(|acr| !acr.is_empty())), "acr {claims}");
    assert_eq!(claims.get("nonce").map(|nonce| nonce.as_str().unwrap()), nonce, "nonce");
    let sub = claims["sub"].as_str().unwrap();
    assert!((1..=255).contains(&sub.len()) && sub.is_ascii(), "sub {sub}");
    if claims.get("aud").is_some_and(|aud| aud.as_array().is_some_and(|list| list.len() > 1)) {
        assert_eq!(claims["azp"], client.id.as_str());
    }
    if let Some(hash) = claims.get("at_hash") {
        let digest = digest(&SHA256, access_token.as_bytes());
        assert_eq!(hash, &URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]), "at_hash");
    }
    standard_claims(&claims);
    let usual =
        ["iss", "sub", "aud", "exp", "iat", "nbf", "auth_time", "nonce", "acr", "amr", "azp", "at_hash", "sid", "jti"];
    let more = claims.as_object().unwrap().keys().filter(|name| !usual.contains(&name.as_str()));
    for name in more {
        party.warn(format!("the id_token has {name}, which nobody requested"));
    }
    claims
}

/// C-G8: the same person as in the ID token.
pub fn userinfo(answer: &Answer, id_token: &Value) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(media_type(answer), "application/json");
    let claims = answer.json();
    assert_eq!(claims["sub"], id_token["sub"]);
    standard_claims(&claims);
    claims
}

/// OIDC Core §5.1: the types of the claims that have a name there.
fn standard_claims(claims: &Value) {
    for (name, value) in claims.as_object().unwrap() {
        let is_right = match name.as_str() {
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "updated_at" => value.is_number(),
            "address" => value.is_object(),
            "name" | "given_name" | "family_name" | "middle_name" | "nickname" | "preferred_username" | "profile"
            | "picture" | "website" | "email" | "gender" | "birthdate" | "zoneinfo" | "locale" | "phone_number" => {
                value.as_str().is_some_and(|text| !text.is_empty())
            }
            _ => !value.is_null(),
        };
        assert!(is_right, "{name}: {value}");
    }
}

pub async fn oidcc_discovery_endpoint_verification(party: &Party) -> Outcome {
    let metadata = party.discovery.as_object().unwrap();
    let list = |name: &str| -> Vec<&str> {
        let values = metadata.get(name).unwrap_or_else(|| panic!("no {name}")).as_array().unwrap();
        values.iter().map(|value| value.as_str().unwrap()).collect()
    };
    let response_types = ["code", "id_token", "code id_token", "id_token token", "code token", "code id_token token"];
    assert!(list("response_types_supported").iter().any(|value| response_types.contains(value)));
    assert!(list("subject_types_supported").iter().any(|value| ["public", "pairwise"].contains(value)));
    assert!(list("id_token_signing_alg_values_supported").contains(&"RS256"));
    if metadata.contains_key("userinfo_signing_alg_values_supported") {
        assert!(!list("userinfo_signing_alg_values_supported").is_empty());
    }
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "registration_endpoint"] {
        party.endpoint(name);
    }
    let scopes = list("scopes_supported");
    assert!(scopes.contains(&"openid"));
    let is_scope = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
    assert!(scopes.iter().all(|scope| !scope.is_empty() && scope.bytes().all(is_scope)), "{scopes:?}");
    party.should(metadata.contains_key("claims_supported"), "no claims_supported");
    assert!(list("grant_types_supported").contains(&"authorization_code"));
    assert!(list("code_challenge_methods_supported").contains(&"S256"));
    let tag = regex::Regex::new("^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$").unwrap();
    for name in ["ui_locales_supported", "claims_locales_supported"].iter().filter(|name| metadata.contains_key(**name))
    {
        let tags = list(name);
        assert!(tags.iter().all(|value| tag.is_match(value)), "{tags:?}");
    }
    // OIDC Discovery §3: the first two default to false, the third to true.
    for (name, default) in [
        ("claims_parameter_supported", false),
        ("request_parameter_supported", false),
        ("request_uri_parameter_supported", true),
    ] {
        let says = metadata.get(name).unwrap_or(&json!(default)).as_bool();
        assert!(says.is_some(), "{name}");
    }
    assert_eq!(metadata.get("request_uri_parameter_supported"), Some(&json!(false)), "the default would be a lie");
    for (name, value) in metadata {
        let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        assert!(!is_empty, "{name} says nothing");
    }
    Passed
}

fn media_type(answer: &Answer) -> &str {
    answer.header("content-type").unwrap_or_default().split(';').next().unwrap().trim()
}
