//! What holds for every limiter: so many at once, then one after each interval, for each key by itself, wherever it is asked.

use futures_util::future::join_all;
use keymaker::{
    clock::SECOND,
    flows::limit::{self, Limiter},
};

use super::{BURST, TIGHT, seconds, take};
use crate::support::{Server, Setup};

async fn count_rows(server: &Server) -> i64 {
    server.app.db.sql("SELECT COUNT(*) FROM rate_limits").one::<(i64,)>().await.unwrap().0
}

#[tokio::test]
async fn each_limiter_lets_its_burst_through_and_then_one_after_the_stated_time() {
    // RTL-02, T of area 19
    let server = Setup::default().every_limit(TIGHT).start().await;
    let app = &server.app;
    let mut longest = 0;
    for limiter in Limiter::ALL {
        for _ in 0..BURST {
            assert_eq!(take(app, limiter, "one").await, None, "{limiter:?}");
        }
        let wait = take(app, limiter, "one").await.unwrap_or_else(|| panic!("{limiter:?} let one more through"));
        // The clock goes on beside the story.
        assert!((550..=834).contains(&wait), "{limiter:?}: {wait}");
        assert_eq!(take(app, limiter, "another").await, None, "{limiter:?}: other keys have nothing to do with it");
        longest = longest.max(wait);
    }
    server.clock.advance((longest - 300) * SECOND);
    for limiter in Limiter::ALL {
        assert!(take(app, limiter, "one").await.is_some_and(|wait| wait <= 300), "{limiter:?} was too early");
    }
    server.clock.advance(300 * SECOND);
    for limiter in Limiter::ALL {
        assert_eq!(take(app, limiter, "one").await, None, "{limiter:?} keeps waiting");
        assert!(take(app, limiter, "one").await.is_some(), "{limiter:?}: one was earned, not the whole burst");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forty_at_once_on_two_replicas_exactly_the_burst_comes_through() {
    // INV-16, RTL-03
    let server = Setup::default().every_limit("{ burst: 7, per_second: 0.0012 }").start().await;
    let replica = server.replica(&[]).await;
    for limiter in Limiter::ALL {
        let apps = (0..40).map(|i| if i % 2 == 0 { &server.app } else { &replica.app });
        let all = join_all(apps.map(|app| take(app, limiter, "one"))).await;
        assert_eq!(all.into_iter().filter(Option::is_none).count(), 7, "{limiter:?}");
    }
}

#[tokio::test]
async fn a_limiter_that_is_off_lets_everything_through_and_remembers_nothing() {
    // RTL-07
    let server = Server::start().await;
    for limiter in Limiter::ALL {
        for _ in 0..20 {
            assert_eq!(take(&server.app, limiter, "one").await, None, "{limiter:?}");
        }
    }
    assert_eq!(count_rows(&server).await, 0);
}

#[tokio::test]
async fn what_was_held_and_went_well_does_not_count() {
    // RTL-02: failures are counted, but before they are judged.
    let server = Setup::default().every_limit(TIGHT).start().await;
    let (app, both) = (&server.app, [(Limiter::PasswordByAddress, "here"), (Limiter::PasswordByAccount, "alice")]);
    for _ in 0..10 * BURST {
        limit::hold(app, &both).await.unwrap().give_back(app).await.unwrap();
    }
    let (first, second) = (limit::hold(app, &both).await.unwrap(), limit::hold(app, &both).await.unwrap());
    assert!(seconds(limit::hold(app, &both).await.map(drop)).is_some(), "all that are at work are counted");
    drop(first);
    second.give_back(app).await.unwrap();
    drop(limit::hold(app, &both).await.unwrap());
    assert!(seconds(limit::hold(app, &both).await.map(drop)).is_some(), "whoever hangs up has failed");
}

#[tokio::test]
async fn where_one_of_two_has_none_left_nothing_is_taken_of_the_other() {
    let server = Setup::default().every_limit(TIGHT).start().await;
    let app = &server.app;
    for _ in 0..BURST {
        assert_eq!(take(app, Limiter::RecoveryByEmail, "alice@example.com").await, None);
    }
    let both = [(Limiter::RecoveryByAddress, "here"), (Limiter::RecoveryByEmail, "alice@example.com")];
    for _ in 0..5 {
        assert!(seconds(limit::take_each(app, &both).await).is_some());
    }
    for _ in 0..BURST {
        assert_eq!(take(app, Limiter::RecoveryByAddress, "here").await, None);
    }
}

#[tokio::test]
async fn a_look_takes_nothing_and_a_part_is_a_part() {
    // REG-16
    let server = Setup::default().every_limit(TIGHT).start().await;
    let app = &server.app;
    for _ in 0..10 * BURST {
        assert_eq!(seconds(limit::check(app, Limiter::ClientRegistration, "here").await), None);
    }
    for _ in 0..10 * BURST {
        assert_eq!(seconds(limit::take_part(app, Limiter::ClientRegistration, "here", 0.1).await), None);
    }
    assert!(seconds(limit::take_part(app, Limiter::ClientRegistration, "here", 0.1).await).is_some());
    assert!(seconds(limit::check(app, Limiter::ClientRegistration, "here").await).is_some());
}

#[tokio::test]
async fn the_limits_that_hold_where_nothing_is_configured_are_those_of_the_table() {
    // Area 19: burst, and the seconds until one more.
    let table = [
        (Limiter::PasswordByAddress, 3, 20),
        (Limiter::PasswordByAccount, 1800, 2),
        (Limiter::LoginByAccount, 5, 333),
        (Limiter::SecondFactorByAccount, 20, 179),
        (Limiter::RegistrationByAddress, 3, 1250),
        (Limiter::Availability, 5, 10),
        (Limiter::RecoveryByAddress, 3, 1250),
        (Limiter::RecoveryByEmail, 3, 5000),
        (Limiter::EmailCodeByAddress, 5, 60),
        (Limiter::EmailCodeByEmail, 3, 3610),
        (Limiter::EmailCodeBySession, 2, 303),
        (Limiter::EmailTryBySession, 10, 60),
        (Limiter::ClientRegistration, 10, 10),
        (Limiter::ClientAuthentication, 10, 10),
        (Limiter::DeviceAuthorization, 10, 10),
        (Limiter::PushedRequest, 120, 1),
        (Limiter::UserCodeByAddress, 20, 30),
        (Limiter::UserCodeBySession, 5, 120),
        (Limiter::UpstreamCallback, 60, 1),
        (Limiter::Rendezvous, 10, 10),
    ];
    assert_eq!(table.len(), Limiter::ALL.len());
    let server = Setup::default().with_limits().start().await;
    for (limiter, burst, interval) in table {
        let rate = limiter.setting(&server.app.config).rate().unwrap();
        assert_eq!(rate.capacity() / rate.interval(), burst, "{limiter:?}");
        assert_eq!((rate.interval() + 500_000) / 1_000_000, interval, "{limiter:?}");
    }
}
