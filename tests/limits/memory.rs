//! How much is remembered: so many keys for each limiter and no more, and of those the ones that say most.

use keymaker::{
    clock::DAY,
    crypto::random,
    flows::{
        clean_up::clean_up,
        limit::{self, Limiter},
    },
    store,
};

use super::{BURST, TIGHT, take};
use crate::support::Setup;

#[tokio::test]
async fn random_keys_without_end_are_forgotten_and_who_was_refused_is_not() {
    // RTL-03, through the door; the next story floods from behind.
    let server = Setup::default().limit(Limiter::PasswordByAddress, TIGHT).with("rate_limiting.most_keys", "512");
    let server = server.start().await;
    let (app, limiter) = (&server.app, Limiter::PasswordByAddress);
    for _ in 0..BURST {
        assert_eq!(take(app, limiter, "the attacker").await, None);
    }
    for _ in 0..3000 {
        assert_eq!(take(app, limiter, &hex::encode(random::bytes::<8>())).await, None);
    }
    let kept = store::limit::count(&app.db, limiter.name()).await.unwrap();
    // One in eight keys sets the broom going: some come between two of them.
    assert!((400..=512 + 16 * 8).contains(&kept), "{kept} keys");
    assert!(take(app, limiter, "the attacker").await.is_some(), "a flood makes nobody's count forgotten");

    server.clock.advance(DAY);
    clean_up(app).await.unwrap();
    assert_eq!(store::limit::count(&app.db, limiter.name()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_million_random_keys_take_no_more_room_than_the_keys_that_are_remembered() {
    // RTL-03. The broom comes after every 20,000 here, at its worst; by itself it comes after 156 on average.
    const MOST: i64 = 10_000;
    const FLOOD: i64 = 20_000;
    const MOST_BYTES_PER_KEY: i64 = 220;
    let server = Setup::default().limit(Limiter::PasswordByAddress, TIGHT).with("rate_limiting.most_keys", "10000");
    let server = server.start().await;
    let (app, limiter) = (&server.app, Limiter::PasswordByAddress);
    let is_sqlite = app.config.database.uri().starts_with("sqlite:");
    let flood = match is_sqlite {
        true => {
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $2)
             INSERT INTO rate_limits (limiter, key_hash, full_at)
             SELECT 'login.per_ip', randomblob(16), $1 + abs(random() % 1000000) FROM n"
        }
        false => {
            "INSERT INTO rate_limits (limiter, key_hash, full_at)
             SELECT 'login.per_ip', decode(md5(random()::text || i::text), 'hex'), $1 + (random() * 1000000)::bigint
             FROM generate_series(1, $2) i"
        }
    };
    for _ in 0..50 {
        let mut tx = app.db.write().await.unwrap();
        let inserted = tx.sql(flood).bind(app.clock.now() * 1000 + 1_000_000_000).bind(FLOOD).execute().await.unwrap();
        assert_eq!(inserted, 20_000);
        limit::sweep(app, &mut tx, limiter).await.unwrap();
        tx.commit().await.unwrap();
    }
    let kept = store::limit::count(&app.db, limiter.name()).await.unwrap();
    assert!((MOST - 100..=MOST).contains(&kept), "{kept} keys");
    // PostgreSQL gives room back when its autovacuum comes.
    if is_sqlite {
        let size = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
        let (bytes,) = app.db.sql(size).one::<(i64,)>().await.unwrap();
        let everything_else = 2_000_000;
        assert!(bytes <= (MOST + FLOOD) * MOST_BYTES_PER_KEY + everything_else, "{bytes} bytes");
    }
}

#[tokio::test]
async fn the_database_names_nobody_whom_it_counts() {
    // RTL-07; the dump is the same that every story is searched in.
    let server = Setup::default().limit(Limiter::PasswordByAddress, TIGHT).start().await;
    assert_eq!(take(&server.app, Limiter::PasswordByAddress, "198.51.100.77").await, None);
    let sql = "SELECT limiter, key_hash FROM rate_limits";
    let rows: Vec<(String, Vec<u8>)> = server.app.db.sql(sql).all().await.unwrap();
    assert_eq!((rows.len(), rows[0].0.as_str(), rows[0].1.len()), (1, "login.per_ip", 16));
    let other = Setup::default().limit(Limiter::PasswordByAddress, TIGHT).start().await;
    let key = keymaker::crypto::secret::tag(&other.app.rate_limit_key, "login.per_ip 198.51.100.77").to_vec();
    assert_eq!(rows[0].1, key, "stories share their secrets");
    assert_ne!(keymaker::crypto::secret::sha256(b"login.per_ip 198.51.100.77")[..16], rows[0].1[..]);
}
