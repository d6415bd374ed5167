//! Keys come and go while tokens are signed (spec KEY-01 to KEY-05): replicas agree, verifiers that remember our keys never fail,
//! and a key that leaked is gone at once.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, jwk::JwkSet};
use keymaker::{
    app,
    clock::{Clock, DAY, HOUR, MINUTE, SECOND},
    config,
    crypto::jws::{KeySet, Verifier, verify},
    domain::{refusal::Refusal, signing_alg::SigningAlg},
    error::Error,
    flows::{clean_up::clean_up, keys},
    store::db::Db,
};
use serde_json::{Value, json};

use super::{header_of, hint, id_token, kids, signed_with};
use crate::support::{Server, claims_of, database::Database, http::Http};

async fn jwks(http: &Http, base: &str) -> Value {
    let answer = http.get(&format!("{base}oauth2/keys.json")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    // KEY-01: whatever happened, nothing private and no secret.
    for key in answer.json()["keys"].as_array().unwrap() {
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
        assert!(!private.iter().any(|member| key.get(member).is_some()), "{key}");
        assert!(key["kid"].is_string() && key["use"] == "sig" && key["alg"].is_string(), "{key}");
    }
    answer.json()
}

/// A relying party that remembers our keys for as long as we allow, and asks for no other before that.
struct Party<'a> {
    http: &'a Http,
    bases: [&'a str; 2],
    known: JwkSet,
    expires_at: i64,
    asked: usize,
}

impl Party<'_> {
    async fn verify(&mut self, jwt: &str, now: i64) -> Result<(), String> {
        if now >= self.expires_at {
            let answer = self.http.get(&format!("{}oauth2/keys.json", self.bases[self.asked % 2])).await;
            let age = answer.header("cache-control").unwrap().rsplit_once("max-age=").unwrap().1;
            (self.expires_at, self.asked) = (now + age.parse::<i64>().unwrap() * SECOND, self.asked + 1);
            self.known = serde_json::from_str(&answer.body).unwrap();
        }
        let header = header_of(jwt);
        let key = self.known.find(header["kid"].as_str().unwrap()).ok_or_else(|| format!("{header} is not known"))?;
        let algorithm: Algorithm = key.common.key_algorithm.unwrap().to_string().parse().unwrap();
        let verified = verify(jwt, &Verifier::Keys(&KeySet::of(key.clone())), algorithm);
        verified.map(|_| ()).map_err(|problem| format!("{header}: {problem:?}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verifier_that_remembers_our_keys_never_fails_while_they_rotate() {
    // KEY-03, KEY-05: two replicas sign, both are asked for keys, and every token is verified as long as it is good.
    let server = Server::setup().with("secrets.signing_key_activation_delay", "3600").start().await;
    let replica = server.replica(&[]).await;
    server.user("alice").await;
    let claims = claims_of(&id_token(&server, "alice").await);
    let known = JwkSet { keys: Vec::new() };
    let bases = [server.base.as_str(), replica.base.as_str()];
    let mut party = Party { http: &server.http, bases, known, expires_at: 0, asked: 0 };
    let mut alive: Vec<(String, i64)> = Vec::new();
    let mut signers: BTreeMap<String, usize> = BTreeMap::new();
    for step in 0..90 {
        let app = if step % 2 == 0 { &server.app } else { &replica.app };
        if step % 13 == 5 {
            for alg in SigningAlg::ALL {
                keys::rotate(app, alg, false).await.unwrap();
            }
        }
        if step % 7 == 3 {
            clean_up(app).await.unwrap();
        }
        let now = server.clock.now();
        let signing = SigningAlg::ALL.into_iter().flat_map(|alg| [(&server.app, alg), (&replica.app, alg)]);
        let signed = join_all(signing.map(|(app, alg)| app.keys.sign(app, alg, "JWT", &claims))).await;
        let signed: Vec<String> = signed.into_iter().map(Result::unwrap).collect();
        for pair in signed.chunks(2) {
            assert_eq!(header_of(&pair[0]), header_of(&pair[1]), "the replicas agree");
            *signers.entry(header_of(&pair[0])["kid"].as_str().unwrap().to_owned()).or_default() += 1;
        }
        alive.extend(signed.into_iter().map(|jwt| (jwt, now + HOUR)));
        alive.retain(|(_, expires_at)| *expires_at > now);
        for (jwt, _) in &alive {
            party.verify(jwt, now).await.unwrap_or_else(|problem| panic!("step {step}: {problem}"));
        }
        server.clock.advance(11 * MINUTE);
    }
    assert!(signers.len() >= 15, "each algorithm had several keys: {signers:?}");
    assert!(party.asked > 10 && party.asked < 30, "it asked {} times", party.asked);
    // Keys of long ago are not published for ever.
    let jwks = jwks(&server.http, &server.base).await;
    assert!(kids(&jwks, SigningAlg::ES256).len() <= 3, "{jwks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_replicas_that_start_for_the_first_time_at_once_one_makes_the_keys() {
    // KEY-05, OID-08: no key in the configuration at all.
    let directory = tempfile::tempdir().unwrap();
    let database = Database::fresh(directory.path()).await;
    let settings = [("KEYMAKER__DATABASE__URI", database.uri.as_str()), ("KEYMAKER__SECRETS__KEYS", "[]")];
    let environment = settings.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let clock = Clock::default();
    Db::open(&database.uri, 2).await.unwrap().migrate().await.unwrap();
    let start = async || {
        let config = config::development(directory.path(), &environment).unwrap_or_else(|p| panic!("{p}"));
        let db = Db::open(&database.uri, 4).await.unwrap();
        let app = app::build(config, db, clock.clone(), None).await.unwrap();
        keys::prepare(&app).await.unwrap();
        app
    };
    let replicas = join_all((0..4).map(|_| start())).await;
    let listed = keys::list(&replicas[0]).await.unwrap();
    let algs: Vec<&str> = listed.iter().map(|key| key.alg).collect();
    assert_eq!(algs, ["RS256", "ES256", "EdDSA"]);
    assert!(listed.iter().all(|key| key.state == "signs" && key.origin == "database"), "{listed:?}");
    for app in &replicas {
        let published = serde_json::to_value(app.keys.published(app).await.unwrap()).unwrap();
        for key in &listed {
            let alg = SigningAlg::ALL.into_iter().find(|alg| alg.as_str() == key.alg).unwrap();
            assert_eq!(kids(&published, alg), [key.kid.as_str()]);
            let jwt = app.keys.sign(app, alg, "JWT", &json!({})).await.unwrap();
            assert_eq!(header_of(&jwt), json!({ "alg": key.alg, "kid": key.kid, "typ": "JWT" }));
        }
        assert_eq!(app.sealer.key_id().len(), 4);
        assert_eq!(app.recovery_code_key, replicas[0].recovery_code_key);
    }
    // INV-03: what is in the database opens only in its own place.
    let rows: Vec<(String, Vec<u8>)> =
        replicas[0].db.sql("SELECT kid, private_key FROM signing_keys").all().await.unwrap();
    assert_eq!(rows.len(), 3);
    for (kid, sealed) in rows {
        let pem = replicas[0].sealer.open(&keys::context(&kid), &sealed).unwrap();
        assert!(pem.starts_with(b"-----BEGIN PRIVATE KEY-----"));
        assert_eq!(replicas[0].sealer.open(&keys::context("another"), &sealed), None);
        assert!(!sealed.windows(7).any(|window| window == b"PRIVATE"));
    }
    join_all(replicas.iter().map(|app| app.db.close())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_rotations_at_once_one_publishes_a_key() {
    // KEY-03
    let server = Server::start().await;
    let rotations = join_all((0..20).map(|_| keys::rotate(&server.app, SigningAlg::EdDSA, false))).await;
    let rotations: Vec<keys::Rotated> = rotations.into_iter().map(Result::unwrap).collect();
    assert_eq!(rotations.iter().filter(|rotated| !rotated.was_published).count(), 1);
    assert!(rotations.iter().all(|rotated| rotated.kid == rotations[0].kid), "{rotations:?}");
    let jwks = jwks(&server.http, &server.base).await;
    assert_eq!(kids(&jwks, SigningAlg::EdDSA).len(), 2);
    assert_eq!(kids(&jwks, SigningAlg::RS256).len(), 1, "the others are as before");
}

#[tokio::test]
async fn the_next_key_is_published_for_a_day_before_it_signs() {
    // KEY-03: also in place of the one that the configuration names.
    let server = Server::start().await;
    for alg in SigningAlg::ALL {
        let old = kids(&jwks(&server.http, &server.base).await, alg);
        let rotated = keys::rotate(&server.app, alg, false).await.unwrap();
        assert!(rotated.activates_at >= server.clock.now() + DAY - MINUTE, "{rotated:?}");
        let signer = async || header_of(&server.app.keys.sign(&server.app, alg, "JWT", &json!({})).await.unwrap());
        let both = kids(&jwks(&server.http, &server.base).await, alg);
        assert!(both.contains(&rotated.kid) && both.contains(&old[0]) && both.len() == 2, "{both:?}");
        server.clock.advance(DAY - MINUTE);
        assert_eq!(signer().await["kid"], json!(old[0]));
        server.clock.advance(2 * MINUTE);
        assert_eq!(signer().await["kid"], json!(rotated.kid));
        assert!(kids(&jwks(&server.http, &server.base).await, alg).contains(&old[0]), "still published");
    }
}

#[tokio::test]
async fn a_hint_is_believed_for_a_year_after_its_key_has_retired() {
    // KEY-03, HNT-01
    let server = Server::start().await;
    server.user("alice").await;
    let id_token = id_token(&server, "alice").await;
    let hints = [
        signed_with(&server, SigningAlg::ES256, &id_token).await,
        signed_with(&server, SigningAlg::EdDSA, &id_token).await,
    ];
    for alg in [SigningAlg::ES256, SigningAlg::EdDSA] {
        let rotated = keys::rotate(&server.app, alg, true).await.unwrap();
        assert!(rotated.activates_at <= server.clock.now() + 1, "{rotated:?}");
    }
    let old: Vec<Value> = hints.iter().map(|hint| header_of(hint)["kid"].clone()).collect();
    server.clock.advance(HOUR);
    clean_up(&server.app).await.unwrap();
    let both = jwks(&server.http, &server.base).await;
    assert_eq!((kids(&both, SigningAlg::ES256).len(), kids(&both, SigningAlg::EdDSA).len()), (2, 2));
    server.clock.advance(2 * HOUR);
    clean_up(&server.app).await.unwrap();
    let left = jwks(&server.http, &server.base).await;
    assert!(!left["keys"].as_array().unwrap().iter().any(|key| old.contains(&key["kid"])), "{left}");
    let private: Vec<(Option<Vec<u8>>,)> = server
        .app
        .db
        .sql("SELECT private_key FROM signing_keys WHERE kid = $1")
        .bind(old[0].as_str().unwrap())
        .all()
        .await
        .unwrap();
    assert_eq!(private, [(None,)], "what signs no longer needs no private half");
    for raw in &hints {
        assert!(hint(&server.app, raw).await.is_some());
    }
    server.clock.advance(366 * DAY);
    clean_up(&server.app).await.unwrap();
    for raw in &hints {
        assert_eq!(hint(&server.app, raw).await, None);
    }
}

#[tokio::test]
async fn a_key_that_leaked_is_gone_at_once_everywhere() {
    // KEY-04, KEY-05, INV-16: also one of the configuration, also after a restart, and never without another.
    let server = Server::start().await;
    let replica = server.replica(&[]).await;
    server.user("alice").await;
    let id_token = id_token(&server, "alice").await;
    for alg in SigningAlg::ALL {
        // A key that waits signs now; without one, a new one does.
        let waiting = match alg {
            SigningAlg::EdDSA => Some(keys::rotate(&replica.app, alg, false).await.unwrap().kid),
            _ => None,
        };
        let old = signed_with(&server, alg, &id_token).await;
        let kid = header_of(&old)["kid"].as_str().unwrap().to_owned();
        assert!(hint(&replica.app, &old).await.is_some());
        let retired = keys::retire(&server.app, &kid).await.unwrap();
        let replaced_by = retired.replaced_by.unwrap().kid;
        assert!(retired.has_changed && waiting.is_none_or(|waiting| waiting == replaced_by));
        assert!(!keys::retire(&replica.app, &kid).await.unwrap().has_changed);
        let restarted = server.replica(&[]).await;
        for (app, base) in
            [(&server.app, &server.base), (&replica.app, &replica.base), (&restarted.app, &restarted.base)]
        {
            assert_eq!(hint(app, &old).await, None);
            assert_eq!(kids(&jwks(&server.http, base).await, alg), [replaced_by.as_str()]);
            let signed = app.keys.sign(app, alg, "JWT", &claims_of(&id_token)).await.unwrap();
            assert_eq!(header_of(&signed)["kid"], json!(replaced_by));
            assert!(hint(app, &signed).await.is_some());
        }
        let forgotten: Vec<(i64,)> = server
            .app
            .db
            .sql("SELECT COUNT(*) FROM signing_keys WHERE revoked_at IS NOT NULL AND private_key IS NOT NULL")
            .all()
            .await
            .unwrap();
        assert_eq!(forgotten, [(0,)]);
    }
    let unknown = keys::retire(&server.app, "no such key").await;
    assert!(matches!(unknown, Err(Error::Refusal(Refusal::NotFound))), "{unknown:?}");
}

#[tokio::test]
async fn a_database_that_is_away_makes_no_key_disappear() {
    // KEY-01, INV-07
    let server = Server::start().await;
    let replica = server.replica(&[]).await;
    let before = jwks(&server.http, &replica.base).await;
    assert_eq!(before["keys"].as_array().unwrap().len(), 3);
    replica.app.db.close().await;
    assert_eq!(jwks(&server.http, &replica.base).await, before);
    let signed = replica.app.keys.sign(&replica.app, SigningAlg::RS256, "JWT", &json!({})).await;
    assert!(matches!(signed, Err(Error::Storage(_))), "it does not sign with what it cannot ask for: {signed:?}");
}

#[tokio::test]
async fn keys_are_replaced_by_themselves_where_the_operator_wants_it() {
    let server = Server::setup().with("secrets.signing_key_lifetime", "604800").start().await;
    let count = async || keys::list(&server.app).await.unwrap().len();
    keys::rotate_due(&server.app).await.unwrap();
    assert_eq!(count().await, 3);
    server.clock.advance(6 * DAY + MINUTE);
    for _ in 0..2 {
        keys::rotate_due(&server.app).await.unwrap();
        // The one of the configuration is the operator's to replace.
        assert_eq!(count().await, 5);
    }
    let signer = async || signed_with(&server, SigningAlg::ES256, &fake()).await;
    let first = header_of(&signer().await);
    server.clock.advance(DAY);
    assert_ne!(header_of(&signer().await), first);
}

fn fake() -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    format!("e30.{}.", URL_SAFE_NO_PAD.encode("{}"))
}

#[tokio::test]
async fn the_configuration_brings_keys_of_every_kind() {
    // KEY-02: P-256 and Ed25519 beside RSA; the first of an algorithm signs.
    use keymaker::crypto::keys::generate;
    let (es256, eddsa) = (generate(SigningAlg::ES256).unwrap(), generate(SigningAlg::EdDSA).unwrap());
    let second = generate(SigningAlg::ES256).unwrap();
    let server = Server::setup()
        .with("secrets.keys.1.key", es256)
        .with("secrets.keys.2.key", eddsa)
        .with("secrets.keys.2.kid", "the-edwards-one")
        .with("secrets.keys.3.key", second)
        .start()
        .await;
    let listed = keys::list(&server.app).await.unwrap();
    assert!(listed.iter().all(|key| key.origin == "configuration"), "{listed:?}");
    let state = |alg: &str| -> Vec<&str> { listed.iter().filter(|key| key.alg == alg).map(|key| key.state).collect() };
    assert_eq!((state("RS256"), state("EdDSA")), (vec!["signs"], vec!["signs"]));
    assert!(state("ES256").contains(&"signs") && state("ES256").contains(&"retired"), "{listed:?}");
    let jwks = jwks(&server.http, &server.base).await;
    assert_eq!(kids(&jwks, SigningAlg::EdDSA), ["the-edwards-one"]);
    assert_eq!(kids(&jwks, SigningAlg::ES256).len(), 2);
    for alg in SigningAlg::ALL {
        let jwt = server.app.keys.sign(&server.app, alg, "JWT", &json!({ "sub": "x" })).await.unwrap();
        let kid = header_of(&jwt)["kid"].clone();
        let keys: JwkSet = serde_json::from_value(jwks.clone()).unwrap();
        let key = keys.find(kid.as_str().unwrap()).unwrap().clone();
        let algorithm: Algorithm = alg.as_str().parse().unwrap();
        assert!(verify(&jwt, &Verifier::Keys(&KeySet::of(key)), algorithm).is_ok());
    }
}
