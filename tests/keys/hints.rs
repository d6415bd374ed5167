//! What comes back as an `id_token_hint` (HNT-01), and all that only looks like it (CMN-17, RFC 8725).

use aws_lc_rs::hmac;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::jwk::Jwk;
use keymaker::{
    clock::DAY,
    crypto::keys::{SigningKey, generate},
    domain::signing_alg::SigningAlg,
};
use serde_json::{Value, json};

use super::{header_of, hint, id_token, signed_with};
use crate::support::{
    MATRIX_SCOPE, REDIRECT_URI, Server, changed, claims_of,
    person::{Person, encode as encode_query, response_params},
    state::State,
};

#[tokio::test]
async fn an_id_token_of_ours_is_a_hint_however_old() {
    // HNT-01, OID-04: it names the login of the browser.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser: Person = server.browser();
    browser.sign_in("alice").await;
    let session = crate::support::person::Somebody::at(&server, &browser).await.signed_in.session.session_id;
    let code = browser.allow(&server.request(&client_id, "openid")).await;
    let tokens = server.exchange(&client_id, &code).await.json();
    let id_token = tokens["id_token"].as_str().unwrap();
    let claims = claims_of(id_token);
    assert_eq!(claims["sid"], json!(session.as_str()));
    for days in [0, 1, 30, 400] {
        server.clock.advance(days * DAY);
        let hint = hint(&server.app, id_token).await.unwrap();
        assert_eq!((hint.sub.as_str(), hint.aud.as_str()), (claims["sub"].as_str().unwrap(), client_id.as_str()));
        assert_eq!((hint.sid.as_ref(), json!(hint.iat)), (Some(&session), claims["iat"].clone()));
    }
}

#[tokio::test]
async fn a_refreshed_id_token_names_the_same_login() {
    // REF-11, OID-04
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.log_in("alice", "openid").await;
    let first = claims_of(server.refresh(&tokens).await.json()["id_token"].as_str().unwrap());
    assert!(first["sid"].as_str().is_some_and(|sid| !sid.is_empty()));
    let sessions: Vec<(String,)> =
        server.app.db.sql("SELECT id FROM sessions WHERE kind = 'browser'").all().await.unwrap();
    assert_eq!(sessions, [(first["sid"].as_str().unwrap().to_owned(),)]);
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn with(header: &Value, more: Value) -> Value {
    let mut header = header.as_object().unwrap().clone();
    header.extend(more.as_object().unwrap().clone());
    Value::Object(header)
}

/// The public key in every form that somebody could take for a secret.
fn as_secrets(jwk: &Value) -> Vec<Vec<u8>> {
    let number = |name: &str| jwk[name].as_str().map(|text| URL_SAFE_NO_PAD.decode(text).unwrap());
    let spki = match jwk["alg"].as_str().unwrap() {
        "RS256" => rsa_spki(&number("n").unwrap(), &number("e").unwrap()),
        "ES256" => {
            let point = [vec![4], number("x").unwrap(), number("y").unwrap()].concat();
            let oids = hex::decode("301306072a8648ce3d020106082a8648ce3d030107").unwrap();
            der(0x30, &[oids, der(3, &[vec![0], point].concat())].concat())
        }
        _ => {
            let point = [vec![0], number("x").unwrap()].concat();
            der(0x30, &[hex::decode("300506032b6570").unwrap(), der(3, &point)].concat())
        }
    };
    let base64 = STANDARD.encode(&spki);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", lines.join("\n"));
    let numbers = ["n", "e", "x", "y"].into_iter().filter_map(number);
    let texts = ["n", "x"].into_iter().filter_map(|name| Some(jwk[name].as_str()?.as_bytes().to_vec()));
    [pem.clone().into_bytes(), format!("{pem}\n").into_bytes(), spki, jwk.to_string().into_bytes(), Vec::new()]
        .into_iter()
        .chain(numbers)
        .chain(texts)
        .collect()
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = match length {
        0..128 => vec![tag, u8::try_from(length).unwrap()],
        128..256 => vec![tag, 0x81, u8::try_from(length).unwrap()],
        _ => [vec![tag, 0x82], u16::try_from(length).unwrap().to_be_bytes().to_vec()].concat(),
    };
    [head, content.to_vec()].concat()
}

fn rsa_spki(n: &[u8], e: &[u8]) -> Vec<u8> {
    let key = der(0x30, &[der(2, &[&[0], n].concat()), der(2, e)].concat());
    let algorithm = hex::decode("300d06092a864886f70d0101010500").unwrap();
    der(0x30, &[algorithm, der(3, &[vec![0], key].concat())].concat())
}

fn hmac_signed(header: &Value, claims: &Value, algorithm: hmac::Algorithm, secret: &[u8]) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let tag = hmac::sign(&hmac::Key::new(algorithm, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// Everything that is made of a good token, of our public keys and of a key of somebody else's, and is no hint: each with its
/// name.
fn forgeries(good: &str, published: &[Value]) -> Vec<(String, String)> {
    let (header, claims) = (header_of(good), claims_of(good));
    let parts: Vec<&str> = good.split('.').collect();
    let (payload, signature) = (parts[1], parts[2]);
    let mut all: Vec<(String, String)> = Vec::new();
    let mut add = |name: String, jwt: String| all.push((name, jwt));

    for none in ["none", "None", "NONE", "nOnE", "non\u{65}", "", " none", "none ", "null", "plain"] {
        let header = encode(&with(&header, json!({ "alg": none })));
        for signature in ["", signature] {
            add(format!("alg {none:?}, signature {:?}", signature.len()), format!("{header}.{payload}.{signature}"));
        }
        add(format!("alg {none:?} in two parts"), format!("{header}.{payload}"));
    }
    for alg in [Value::Null, json!(1), json!(["RS256"]), json!({}), json!("rs256"), json!("RS256 ")] {
        add(format!("alg {alg}"), format!("{}.{payload}.{signature}", encode(&with(&header, json!({ "alg": alg })))));
    }
    // RFC 8725 §2.1: the public key as the secret of an HMAC.
    for jwk in published {
        for secret in as_secrets(jwk) {
            for (alg, algorithm) in
                [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
            {
                for header in [json!({ "alg": alg, "typ": "JWT", "kid": jwk["kid"] }), json!({ "alg": alg })] {
                    let name = format!("{alg} with {} bytes of {}", secret.len(), jwk["alg"]);
                    add(name, hmac_signed(&header, &claims, algorithm, &secret));
                }
            }
            // The algorithm that the key is for, and a signature that is none.
            let header = json!({ "alg": jwk["alg"], "typ": "JWT", "kid": jwk["kid"] });
            add(format!("HMAC as {}", jwk["alg"]), hmac_signed(&header, &claims, hmac::HMAC_SHA256, &secret));
        }
        // The signature of one algorithm under the name and the key of another.
        if jwk["kid"] != header["kid"] {
            for mixed in [
                json!({ "alg": jwk["alg"], "kid": jwk["kid"] }),
                json!({ "alg": jwk["alg"] }),
                json!({ "kid": jwk["kid"] }),
            ] {
                let name = format!("{} as {mixed}", header["alg"]);
                add(name, format!("{}.{payload}.{signature}", encode(&with(&header, mixed))));
            }
        }
    }
    for alg in ["RS384", "RS512", "PS256", "PS384", "ES384", "ES512", "ES256K", "Ed25519", "Ed448", "HS256"] {
        let other = encode(&with(&header, json!({ "alg": alg })));
        add(format!("the same key with {alg}"), format!("{other}.{payload}.{signature}"));
    }
    for alg in SigningAlg::ALL {
        let theirs = SigningKey::read(None, &generate(alg).unwrap()).unwrap();
        let named = SigningKey::read(header["kid"].as_str(), &generate(alg).unwrap()).unwrap();
        add(format!("a foreign {} key", alg.as_str()), theirs.sign("JWT", &claims).unwrap());
        add(format!("a foreign {} key under our name", alg.as_str()), named.sign("JWT", &claims).unwrap());
        // Keys that the header brings along, or says where to get.
        let jwk: Jwk = theirs.public().clone();
        for more in [
            json!({ "jwk": jwk }),
            json!({ "jku": "https://evil.example/keys.json" }),
            json!({ "x5u": "https://evil.example/cert.pem" }),
            json!({ "x5c": ["MIIB"] }),
            json!({ "jwk": jwk, "jku": "https://evil.example/keys.json", "kid": theirs.kid() }),
        ] {
            let head = encode(&with(&json!({ "alg": alg.as_str(), "typ": "JWT", "kid": header["kid"] }), more.clone()));
            let token = theirs.sign("JWT", &claims).unwrap();
            let foreign = token.rsplit_once('.').unwrap().1;
            add(format!("{more} with our signature"), format!("{head}.{payload}.{signature}"));
            add(format!("{more} with theirs"), format!("{head}.{payload}.{foreign}"));
        }
    }
    for kid in [
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("file:///dev/null"),
        json!("' OR '1'='1"),
        json!("x' UNION SELECT 'x', 'RS256', '{}', NULL, 0, 0, NULL --"),
        json!("'; DROP TABLE signing_keys; --"),
        json!("$(id)"),
        json!("%00"),
        json!("\u{0}"),
        json!(""),
        json!("k".repeat(40_000)),
        json!(0),
        json!([]),
        json!({ "$ne": 1 }),
        Value::Null,
    ] {
        let head = encode(&with(&header, json!({ "kid": kid })));
        let name = kid.to_string().chars().take(40).collect::<String>();
        add(format!("kid {name}"), format!("{head}.{payload}.{signature}"));
        add(format!("kid {name}, no signature"), format!("{head}.{payload}."));
        let empty = json!({ "alg": "HS256", "kid": kid });
        add(format!("kid {name}, an empty secret"), hmac_signed(&empty, &claims, hmac::HMAC_SHA256, b""));
    }
    for crit in [json!(["b64"]), json!([]), json!(["exp"]), json!("b64")] {
        let head = encode(&with(&header, json!({ "crit": crit, "b64": false })));
        add(format!("crit {crit}"), format!("{head}.{payload}.{signature}"));
    }
    let twice = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    for member in [r#""alg":"none""#, r#""kid":"x""#, r#""typ":"JWT""#] {
        let head = URL_SAFE_NO_PAD.encode(twice(&header.to_string(), member));
        add(format!("{member} twice"), format!("{head}.{payload}.{signature}"));
    }
    for member in [r#""sub":"admin""#, r#""iss":"https://evil.example/""#] {
        let body = URL_SAFE_NO_PAD.encode(twice(&claims.to_string(), member));
        add(format!("{member} twice"), format!("{}.{body}.{signature}", parts[0]));
    }
    let changed = encode(&with(&claims, json!({ "sub": "somebody else" })));
    add("another subject".to_owned(), format!("{}.{changed}.{signature}", parts[0]));
    for jwt in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        parts[..2].join("."),
        format!("{}.{payload}.", parts[0]),
        format!("{good}."),
        format!("{good}.{signature}"),
        format!("{good}="),
        format!("{good}AA"),
        format!(" {good}"),
        format!("{good}\n"),
        good[..good.len() - 1].to_owned(),
        format!("{}.{payload}.{}", parts[0], "A".repeat(signature.len())),
        format!("{good}{}", "A".repeat(70_000)),
        json!({ "payload": payload, "protected": parts[0], "signature": signature }).to_string(),
        STANDARD.encode(good),
        "ÿÿ.ÿÿ.ÿÿ".to_owned(),
    ] {
        add(format!("malformed, {} characters", jwt.len()), jwt);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_only_looks_like_our_signature_is_a_hint() {
    // HNT-01, CMN-17, INV-14
    let server = Server::start().await;
    server.user("alice").await;
    let id_token = id_token(&server, "alice").await;
    let jwks = server.get("oauth2/keys.json").await.json();
    let published = jwks["keys"].as_array().unwrap().clone();
    let before = State::read(&server, &[]).await;
    for alg in SigningAlg::ALL {
        let good = signed_with(&server, alg, &id_token).await;
        assert_eq!(header_of(&good)["alg"], alg.as_str());
        assert!(hint(&server.app, &good).await.is_some(), "what is forged is good as it is: {}", alg.as_str());
        let forged = forgeries(&good, &published);
        assert!(forged.len() > 250, "{}", forged.len());
        for (name, jwt) in forged {
            assert_ne!(jwt, good, "{name}");
            assert_eq!(hint(&server.app, &jwt).await, None, "{} {name}: {jwt:.300}", alg.as_str());
        }
    }
    assert_eq!(before.difference(&State::read(&server, &[]).await), Vec::<String>::new());
}

#[tokio::test]
async fn what_we_sign_for_another_purpose_is_no_hint() {
    // HNT-01, OID-11, CMN-17: typ, events, iss.
    let server = Server::start().await;
    server.user("alice").await;
    let claims = claims_of(&id_token(&server, "alice").await);
    let sign = async |typ: &str, claims: &Value| {
        server.app.keys.sign(&server.app, SigningAlg::ES256, typ, claims).await.unwrap()
    };
    assert!(hint(&server.app, &sign("JWT", &claims).await).await.is_some());
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let without = |name: &str| {
        let mut claims = claims.as_object().unwrap().clone();
        claims.remove(name);
        Value::Object(claims)
    };
    let other = |more: Value| with(&claims, more);
    for (typ, claims) in [
        ("logout+jwt", claims.clone()),
        ("at+jwt", claims.clone()),
        ("jwt", claims.clone()),
        ("", claims.clone()),
        ("JWT", other(json!({ "events": event }))),
        ("JWT", other(json!({ "events": null }))),
        ("JWT", other(json!({ "iss": "https://evil.example/" }))),
        ("JWT", other(json!({ "iss": server.issuer().trim_end_matches('/') }))),
        ("JWT", other(json!({ "aud": ["a", "b"] }))),
        ("JWT", other(json!({ "sub": 1 }))),
        ("JWT", without("iss")),
        ("JWT", without("sub")),
        ("JWT", without("aud")),
        ("JWT", without("iat")),
        // Signed userinfo has neither.
        ("JWT", without("exp")),
        ("JWT", without("at_hash")),
        ("JWT", json!([])),
        ("JWT", json!("text")),
    ] {
        assert_eq!(hint(&server.app, &sign(typ, &claims).await).await, None, "{typ} {claims}");
    }
}

#[tokio::test]
async fn an_id_token_opens_nothing() {
    // OID-11: it is neither an access token nor anything else that is presented.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let code = server.code("alice", &client_id, &format!("openid {MATRIX_SCOPE}")).await;
    let tokens = server.exchange(&client_id, &code).await.json();
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    let (id_token, access, refresh) = (text("id_token"), text("access_token"), text("refresh_token"));
    assert!(!server.is_active(&id_token).await);
    let userinfo = async |token: &str| {
        server.http.send(server.http.client.get(server.url("oauth2/userinfo")).bearer_auth(token)).await.status
    };
    assert_eq!((userinfo(&id_token).await, userinfo(&access).await), (401, 200));
    server.refresh_with(&client_id, &id_token).await.assert_error(400, "invalid_grant");
    server.exchange(&client_id, &id_token).await.assert_error(400, "invalid_grant");
    let credentials = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id.as_str()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", id_token.as_str()),
    ];
    assert!(matches!(server.post("oauth2/token", &credentials).await.status, 400 | 401));
    for other in [&access, &refresh, &code] {
        assert_eq!(hint(&server.app, other).await, None);
    }
    assert!(hint(&server.app, &id_token).await.is_some());
}

#[tokio::test]
async fn each_client_gets_the_algorithm_that_it_registered() {
    // OID-05, OID-08: RS256 where it asked for none; the hash of the access token goes with it.
    use keymaker::crypto::{jws::half_hash, keys::algorithm};
    let server = Server::start().await;
    server.user("alice").await;
    let jwks = server.get("oauth2/keys.json").await.json();
    let asked = [None, Some(SigningAlg::RS256), Some(SigningAlg::ES256), Some(SigningAlg::EdDSA)];
    for asked in asked {
        let mut metadata = json!({
            "client_name": "Example App", "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        });
        if let Some(alg) = asked {
            metadata["id_token_signed_response_alg"] = json!(alg.as_str());
        }
        let client_id = server.register(metadata).await;
        let code = server.code("alice", &client_id, "openid").await;
        let first = server.exchange(&client_id, &code).await.json();
        let again = server.refresh_with(&client_id, first["refresh_token"].as_str().unwrap()).await.json();
        for tokens in [first, again] {
            let (alg, id_token) = (asked.unwrap_or(SigningAlg::RS256), tokens["id_token"].as_str().unwrap());
            let (header, claims) = (header_of(id_token), claims_of(id_token));
            assert_eq!(header["alg"], alg.as_str());
            assert!(super::kids(&jwks, alg).iter().any(|kid| header["kid"] == json!(kid)), "{header} {jwks}");
            let hash = half_hash(algorithm(alg), tokens["access_token"].as_str().unwrap());
            assert_eq!(hash.len(), if alg == SigningAlg::EdDSA { 43 } else { 22 });
            assert_eq!(claims["at_hash"], hash);
            assert!(hint(&server.app, id_token).await.is_some());
        }
    }
}

#[tokio::test]
async fn a_bad_hint_stops_an_authorization_and_a_good_one_does_not() {
    // HNT-01, over HTTP: a few of each kind of forgery.
    let server = Server::start().await;
    server.user("alice").await;
    let good = id_token(&server, "alice").await;
    let jwks = server.get("oauth2/keys.json").await.json();
    let published = jwks["keys"].as_array().unwrap().clone();
    let (client_id, browser) = (server.client().await, server.browser());
    browser.sign_in("alice").await;
    let request = server.request(&client_id, "openid");
    let with_hint = |hint: &str| encode_query(&changed(&request, "id_token_hint", Some(hint)));
    let (path, page) = browser.open(&format!("authorize?{}", with_hint(&good))).await;
    assert!(path.contains("/consent/"), "{path} {}", page.body);
    let forged = forgeries(&good, &published);
    let short = forged.iter().filter(|(_, jwt)| !jwt.is_empty() && jwt.len() < 3000 && !jwt.contains('\n'));
    for (name, jwt) in short.step_by(9) {
        let (_, answer) = browser.open(&format!("authorize?{}", with_hint(jwt))).await;
        let params = response_params(answer.header("location").unwrap_or_else(|| panic!("{name}: {}", answer.body)));
        assert_eq!(params.get("error").map(String::as_str), Some("invalid_request"), "{name}");
        assert!(!params.contains_key("code"), "{name}");
    }
}
