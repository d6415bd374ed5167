//! Whoever guesses codes is stopped, from however many places they come, and keeps nobody else out (DVC-05).

use keymaker::clock::{HOUR, MINUTE};

use crate::support::{MATRIX_SCOPE, Server, person::Person};

/// Codes that no device has, as an attacker runs through them.
fn guesses() -> impl Iterator<Item = String> {
    const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";
    (0..1000_usize).map(|number| {
        let mut rest = number;
        (0..8)
            .map(|_| {
                let letter = char::from(LETTERS[rest % 20]);
                rest /= 20;
                letter
            })
            .collect()
    })
}

/// What there is of guesses in the database, in guesses that were judged.
async fn judged(server: &Server) -> i64 {
    let life = server.app.config.device_grant.life();
    let row = server.app.db.sql("SELECT spent_until FROM user_code_guesses WHERE length = 8");
    let spent = row.one::<(i64,)>().await.unwrap().0 - server.clock.now();
    // Time goes on, and with it a part of one comes back.
    (spent + life - 1).div_euclid(life)
}

async fn signed_in(server: &Server, name: &str) -> Person {
    server.user(name).await;
    let person = server.browser();
    person.sign_in(name).await;
    person
}

#[tokio::test]
async fn a_thousand_guesses_are_four_from_however_many_accounts_and_browsers() {
    // DVC-05: 4 at once and one more in a life of 1200 s are 5 of 20^8 codes, a chance of 2^-32.25.
    let server = Server::start().await;
    let victim = server.device().await;
    let mut attackers = Vec::new();
    for number in 0..10 {
        attackers.push(signed_in(&server, &format!("mallory{number}")).await);
    }
    let guesses: Vec<String> = guesses().collect();
    for (attacker, guesses) in attackers.iter().zip(guesses.chunks(100)) {
        let (_, page) = attacker.open("link").await;
        for guess in guesses {
            let answer = attacker.submit(&page, &[("user_code", guess)]).await;
            assert_eq!(answer.status, 422, "{}", answer.body);
        }
    }
    assert_eq!(judged(&server).await, 4);
    // Now even the right one is not judged: what guesses cannot tell.
    let answer = signed_in(&server, "eve").await.type_code(&victim.user_code).await;
    answer.assert_page(422, "No device waits with this code");
    server.clock.advance(MINUTE);
    server.poll(&victim).await.assert_error(400, "authorization_pending");
}

#[tokio::test]
async fn while_somebody_guesses_devices_get_longer_codes_and_everybody_else_goes_on() {
    // DVC-05: nobody is kept out by somebody who guesses.
    let server = Server::start().await;
    let (mallory, alice) = (signed_in(&server, "mallory").await, signed_in(&server, "alice").await);
    let client_id = server.device_client().await;
    for guess in guesses().take(5) {
        mallory.type_code(&guess).await;
    }
    let device = server.device_with(&client_id, MATRIX_SCOPE).await;
    assert_eq!(device.user_code.len(), "XXXX-XXXX-XXXX".len(), "{}", device.user_code.len());
    alice.let_in(&device).await;
    assert_eq!(server.poll(&device).await.status, 200);
    // When it has been quiet for a while, they are short again.
    server.clock.advance(HOUR);
    let device = server.device_with(&client_id, MATRIX_SCOPE).await;
    assert_eq!(device.user_code.len(), "XXXX-XXXX".len());
    let alice = server.browser();
    alice.sign_in("alice").await;
    alice.let_in(&device).await;
    assert_eq!(server.poll(&device).await.status, 200);
}

#[tokio::test]
async fn right_codes_are_no_guesses_and_two_wrong_ones_change_nothing() {
    let server = Server::start().await;
    let client_id = server.device_client().await;
    for number in 0..6 {
        let person = signed_in(&server, &format!("alice{number}")).await;
        let device = server.device_with(&client_id, MATRIX_SCOPE).await;
        assert_eq!(device.user_code.len(), 9);
        person.let_in(&device).await;
    }
    assert!(judged(&server).await <= 0);
    let clumsy = signed_in(&server, "clumsy").await;
    assert_eq!(clumsy.type_code("BCDF-GHJK").await.status, 422);
    let device = server.device_with(&client_id, MATRIX_SCOPE).await;
    assert_eq!(device.user_code.len(), 9);
    clumsy.let_in(&device).await;
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_judged_than_there_are() {
    // INV-01
    let server = Server::start().await;
    let mallory = signed_in(&server, "mallory").await;
    let (_, page) = mallory.open("link").await;
    let typed: Vec<String> = guesses().skip(1).take(20).collect();
    let fields: Vec<[(&str, &str); 1]> = typed.iter().map(|code| [("user_code", code.as_str())]).collect();
    futures_util::future::join_all(fields.iter().map(|fields| mallory.submit(&page, fields))).await;
    assert_eq!(judged(&server).await, 4);
}
