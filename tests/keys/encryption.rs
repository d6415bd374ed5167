//! The encryption key is replaced while the service runs, and nobody notices (INV-03, KEY-04): what the old key sealed is sealed
//! again, and what was hashed is still found when the old key is gone.

use futures_util::future::join_all;
use keymaker::{
    app,
    app::App,
    clock::SECOND,
    config,
    crypto::random,
    domain::{id::SessionId, signing_alg::SigningAlg},
    flows::{
        keys,
        registration_token::{self, Wanted},
        reseal::{Census, census, reseal},
        upstream::id_token_context,
    },
    store::db::Db,
};
use serde_json::json;

use super::{hint, id_token, signed_with};
use crate::{
    support::{
        Server,
        http::{Answer, Http},
        person::{Person, attribute},
        replica::Replica,
        state::State,
    },
    upstream::{PROVIDER, server_with_alice},
};

fn fresh_key() -> String {
    hex::encode(random::bytes::<32>())
}

/// The encryption key of a server.
fn key_of(server: &Server) -> String {
    hex::encode(server.app.config.secrets.encryption_key())
}

fn browser_at(server: &Server, replica: &Replica) -> Person {
    Person { http: Http::new(&replica.base, server.audit.clone()).with_cookies() }
}

async fn sign_in_with_recovery_code(browser: &Person, code: &str) -> Answer {
    let page = browser.enter_password("alice").await;
    let other = attribute(&page.body, "<p class=\"aside\"><a href=\"/factor").expect("another way is offered");
    let page = browser.get(&format!("/factor{other}")).await;
    browser.submit(&page, &[("recovery", code)]).await
}

fn total(census: &[Census], of: fn(&Census) -> i64) -> i64 {
    census.iter().map(of).sum()
}

/// Starts one more process with other encryption keys, as far as it comes.
async fn build(server: &Server, keys: &[(&str, &str)]) -> Result<App, String> {
    let variables = keys.iter().map(|(key, value)| (format!("KEYMAKER__SECRETS__{key}"), (*value).to_owned()));
    let uri = ("KEYMAKER__DATABASE__URI".to_owned(), server.app.config.database.uri().to_owned());
    let environment = variables.chain([uri]).collect();
    let config = config::development(server.data_directory(), &environment).map_err(|problems| problems.to_string())?;
    let db = Db::open(config.database.uri(), 2).await.unwrap();
    let app = app::build(config, db, server.clock.clone(), None).await.map_err(|error| error.to_string())?;
    keys::prepare(&app).await.map_err(|error| error.to_string())?;
    Ok(app)
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_outlives_the_encryption_key() {
    let (_provider, server) = server_with_alice(json!({ "logout_at_provider": true })).await;
    // Everything that is sealed or hashed.
    let alice = server.browser();
    alice.sign_in("alice").await;
    let totp = alice.add_totp(&server).await;
    server.clock.advance(60 * SECOND);
    let codes = alice.make_recovery_codes(Some(&totp.code(&server))).await;
    codes.iter().for_each(|code| server.audit.secret(code));
    server.clock.advance(60 * SECOND);
    let guest = server.browser();
    guest.come_back_from(PROVIDER).await;
    let token = registration_token::issue(&server.app, Wanted::default()).await.unwrap().token;
    server.audit.secret(&token);
    let bob_id_token = {
        server.user("bob").await;
        id_token(&server, "bob").await
    };
    let hints = [bob_id_token.clone(), signed_with(&server, SigningAlg::ES256, &bob_id_token).await];
    let (old, new) = (key_of(&server), fresh_key());
    let old_id = hex::encode(server.app.sealer.key_id());
    let dump = async || format!("{:?}", State::read(&server, &[]).await).to_lowercase();
    assert!(dump().await.contains(&old_id));
    let before = census(&server.app).await.unwrap();
    assert_eq!((total(&before, |c| c.previous), total(&before, |c| c.unknown)), (0, 0));
    for column in ["signing_keys.private_key", "derived_keys.secret", "totp.secret", "upstream_trips.verifier"] {
        assert!(before.iter().any(|census| census.column == column && census.current > 0), "{column}: {before:?}");
    }

    // First every replica opens both; then the new one seals.
    let both = server.replica(&[("secrets.encryption", &new), ("secrets.previous_encryption.0.key", &old)]).await;
    let still_works = async |replica: &Replica, code: &str| {
        let browser = browser_at(&server, replica);
        assert_eq!(sign_in_with_recovery_code(&browser, code).await.status, 303, "a recovery code");
        server.clock.advance(60 * SECOND);
        let answer = browser_at(&server, replica).sign_in_with_code("alice", &totp.code(&server)).await;
        assert_eq!(answer.status, 303, "a code of the app: {}", answer.body);
        assert!(registration_token::is_valid(&replica.app, &token).await.unwrap());
        for raw in &hints {
            assert!(hint(&replica.app, raw).await.is_some());
        }
        for alg in SigningAlg::ALL {
            let signed = replica.app.keys.sign(&replica.app, alg, "JWT", &json!({})).await.unwrap();
            assert!(signed.len() > 50);
        }
        assert_eq!(replica.app.rate_limit_key, server.app.rate_limit_key);
        assert_eq!(replica.app.csrf_key, server.app.csrf_key);
    };
    still_works(&both, &codes[0]).await;
    let during = census(&both.app).await.unwrap();
    assert_eq!(total(&during, |c| c.unknown), 0);
    let sealed_by_old = total(&during, |c| c.previous);
    assert!(sealed_by_old > 10, "{during:?}");

    // Two people run it, and both are stopped and run it again.
    let done = join_all((0..2).map(|_| reseal(&both.app))).await;
    let done: u64 = done.into_iter().flat_map(Result::unwrap).map(|column| column.rows).sum();
    assert_eq!(i64::try_from(done).unwrap(), sealed_by_old, "each row once");
    let again = reseal(&both.app).await.unwrap();
    assert!(again.iter().all(|column| (column.rows, column.unknown) == (0, 0)), "{again:?}");
    let after = census(&both.app).await.unwrap();
    assert_eq!((total(&after, |c| c.previous), total(&after, |c| c.unknown)), (0, 0));
    assert_eq!(total(&after, |c| c.current), total(&during, |c| c.current + c.previous));
    assert!(!dump().await.contains(&old_id), "no column was forgotten");

    // The old key leaves the configuration.
    let alone = server.replica(&[("secrets.encryption", &new)]).await;
    still_works(&alone, &codes[1]).await;

    // A process that never heard of the new key does not start half.
    for (keys, words) in [
        (vec![("ENCRYPTION", old.as_str())], "name it in secrets.previous_encryption"),
        (vec![("ENCRYPTION", &fresh_key())], "name it in secrets.previous_encryption"),
    ] {
        let refused = build(&server, &keys).await.err().expect("it does not start");
        assert!(refused.contains(words) && !refused.contains('\n'), "{refused}");
    }
}

#[tokio::test]
async fn a_server_does_not_start_with_signing_keys_that_it_cannot_open() {
    // KEY-04: one clear sentence.
    let server = Server::start().await;
    let (old, new) = (key_of(&server), fresh_key());
    let both = [("ENCRYPTION", new.as_str()), ("PREVIOUS_ENCRYPTION__0__KEY", old.as_str())];
    let app = build(&server, &both).await.unwrap();
    let derived: Vec<(String, Vec<u8>)> = app.db.sql("SELECT purpose, secret FROM derived_keys").all().await.unwrap();
    let mut tx = app.db.write().await.unwrap();
    for (purpose, secret) in derived {
        let context = format!("derived key {purpose}");
        let sealed = app.sealer.seal(&context, &app.sealer.open(&context, &secret).unwrap()).unwrap();
        tx.sql("UPDATE derived_keys SET secret = $2 WHERE purpose = $1")
            .bind(&purpose)
            .bind(sealed)
            .execute()
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    app.db.close().await;
    let refused = build(&server, &[("ENCRYPTION", new.as_str())]).await.err().expect("it does not start");
    assert!(
        refused.contains("a signing key in the database is sealed under an encryption key that is not"),
        "{refused}"
    );
    assert!(build(&server, &both).await.is_ok());
}

#[tokio::test]
async fn many_rows_are_sealed_again_in_small_steps() {
    let server = Server::start().await;
    let (old, new) = (key_of(&server), fresh_key());
    let insert = async |app: &App, count: usize| {
        let mut tx = app.db.write().await.unwrap();
        for _ in 0..count {
            let id = SessionId::new(random::ulid(app.clock.now()));
            let sealed = app.sealer.seal(&id_token_context(&id), b"an ID token").unwrap();
            tx.sql(
                "INSERT INTO upstream_sessions (browser_session_id, provider_id, subject, id_token, created_at)
                 VALUES ($1, 'somewhere', 'somebody', $2, $3)",
            )
            .bind(&id)
            .bind(sealed)
            .bind(app.clock.now())
            .execute()
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
    };
    insert(&server.app, 350).await;
    // One that no key opens is counted, and stands in nobody's way.
    let mut tx = server.app.db.write().await.unwrap();
    let torn: Vec<u8> = [server.app.sealer.key_id(), &[0; 40]].concat();
    tx.sql("UPDATE upstream_sessions SET id_token = $1 WHERE browser_session_id = (SELECT MIN(browser_session_id) FROM upstream_sessions)")
        .bind(torn)
        .execute()
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let app = build(&server, &[("ENCRYPTION", &new), ("PREVIOUS_ENCRYPTION__0__KEY", &old)]).await.unwrap();
    // The old server goes on meanwhile.
    let (done, ()) = tokio::join!(reseal(&app), insert(&server.app, 50));
    let column = |done: Vec<keymaker::flows::reseal::Resealed>| {
        done.into_iter().find(|column| column.column == "upstream_sessions.id_token").unwrap()
    };
    let (first, second) = (column(done.unwrap()), column(reseal(&app).await.unwrap()));
    assert_eq!((first.rows + second.rows, first.unknown, second.unknown), (399, 1, 1));
    let rows: Vec<(String, Vec<u8>)> =
        app.db.sql("SELECT browser_session_id, id_token FROM upstream_sessions").all().await.unwrap();
    let opened = rows.iter().filter(|(id, sealed)| {
        let context = id_token_context(&SessionId::new(id.as_str()));
        sealed.starts_with(app.sealer.key_id())
            && app.sealer.open(&context, sealed).as_deref() == Some(b"an ID token".as_slice())
    });
    assert_eq!((rows.len(), opened.count()), (400, 399));
    app.db.close().await;
}

#[tokio::test]
async fn the_first_start_of_this_version_is_not_the_moment_to_replace_the_key() {
    // What was hashed before there were kept keys is hashed under one that nobody could tell then.
    let server = Server::start().await;
    registration_token::issue(&server.app, Wanted::default()).await.unwrap();
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("DELETE FROM derived_keys").execute().await.unwrap();
    tx.commit().await.unwrap();
    let (old, new) = (key_of(&server), fresh_key());
    let keys = [("ENCRYPTION", new.as_str()), ("PREVIOUS_ENCRYPTION__0__KEY", old.as_str())];
    let refused = build(&server, &keys).await.err().expect("it does not start");
    assert!(refused.contains("has to start once with the encryption key from before it"), "{refused}");
    let app = build(&server, &[("ENCRYPTION", old.as_str())]).await.unwrap();
    assert_eq!(app.registration_token_key, server.app.registration_token_key);
    assert!(build(&server, &keys).await.is_ok());
}
