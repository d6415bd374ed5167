//! What a device hears while it waits, and what it gets (DVC-07 to DVC-11, TOK-12, TOK-13).

use std::sync::Arc;

use futures_util::future::join_all;
use keymaker::{
    clock::{MINUTE, SECOND},
    domain::session::EndReason,
    flows::{manage, session},
};

use crate::support::{
    MATRIX_SCOPE, Server, Tokens, claims_of, device::Device, eventually, homeserver::FakeHomeserver, http::Answer,
    person::Person, smtp::SmtpSink,
};

/// How far a grant is led before the device asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Led {
    Pending,
    Approved,
    Denied,
    Expired,
    /// Allowed, and never fetched in time.
    ApprovedAndExpired,
    DeniedAndExpired,
    Exchanged,
}

impl Led {
    const ALL: [Self; 7] = [
        Self::Pending,
        Self::Approved,
        Self::Denied,
        Self::Expired,
        Self::ApprovedAndExpired,
        Self::DeniedAndExpired,
        Self::Exchanged,
    ];

    async fn lead(self, server: &Server, person: &Person, device: &Device) {
        match self {
            Self::Pending | Self::Expired => {}
            Self::Approved | Self::ApprovedAndExpired => person.let_in(device).await,
            Self::Denied | Self::DeniedAndExpired => {
                let question = person.find_device(&device.user_code).await;
                let answer = person.decide_on(&question, "deny").await;
                assert_eq!(answer.location(), "/link/done?outcome=denied");
            }
            Self::Exchanged => {
                person.let_in(device).await;
                assert_eq!(server.poll(device).await.status, 200);
            }
        }
        if matches!(self, Self::Expired | Self::ApprovedAndExpired | Self::DeniedAndExpired) {
            server.clock.advance(1200 * SECOND);
        }
    }

    /// What the device hears: in time, and too early after that.
    fn expected(self) -> [&'static str; 2] {
        match self {
            Self::Pending => ["authorization_pending", "slow_down"],
            Self::Approved => ["", "invalid_grant"],
            Self::Denied | Self::DeniedAndExpired => ["access_denied"; 2],
            Self::Expired | Self::ApprovedAndExpired => ["expired_token"; 2],
            Self::Exchanged => ["invalid_grant"; 2],
        }
    }
}

fn heard(answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    match answer.status {
        200 => String::new(),
        400 => answer.error(),
        status => panic!("{status} {}", answer.body),
    }
}

#[tokio::test]
async fn in_each_state_a_device_hears_what_the_table_says() {
    // DVC-08, DVC-09: all errors are 400, and the state decides, whenever the device asks.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.device_client().await;
    for led in Led::ALL {
        let person = server.browser();
        person.sign_in("alice").await;
        let device = server.device_with(&client_id, MATRIX_SCOPE).await;
        led.lead(&server, &person, &device).await;
        let asked = [heard(&server.poll(&device).await), heard(&server.poll(&device).await)];
        assert_eq!(asked, led.expected(), "{led:?}");
        // Whatever it is, a stranger with the right code and another client hears one thing, and changes nothing.
        let other = server.client().await;
        server.poll_as(&other, &device.device_code).await.assert_error(400, "unauthorized_client");
    }
}

#[tokio::test]
async fn a_device_that_asks_too_often_waits_five_seconds_longer_from_then_on() {
    // DVC-08, RFC 8628 §3.5
    let server = Server::start().await;
    let device = server.device().await;
    // (seconds since the question before, what it hears, the interval from then on)
    let table = [
        (0, "authorization_pending"),
        (5, "authorization_pending"),
        (1, "slow_down"),
        (9, "slow_down"),
        (14, "slow_down"),
        (20, "authorization_pending"),
        (20, "authorization_pending"),
        (19, "slow_down"),
        (25, "authorization_pending"),
        (600, "authorization_pending"),
        (5, "slow_down"),
        (30, "authorization_pending"),
    ];
    for (row, (seconds, expected)) in table.into_iter().enumerate() {
        server.clock.advance(seconds * SECOND);
        assert_eq!(heard(&server.poll(&device).await), expected, "row {row}");
    }
}

#[tokio::test]
async fn the_wait_ends_at_a_minute_and_the_network_may_jitter() {
    let server = Server::start().await;
    let device = server.device().await;
    for _ in 0..20 {
        server.poll(&device).await;
    }
    server.clock.advance(60 * SECOND - 500);
    assert_eq!(heard(&server.poll(&device).await), "authorization_pending");
    server.clock.advance(58 * SECOND);
    assert_eq!(heard(&server.poll(&device).await), "slow_down");
}

#[tokio::test]
async fn of_many_first_questions_at_once_one_is_in_time() {
    let server = Server::start().await;
    let device = server.device().await;
    let answers = join_all((0..12).map(|_| server.poll(&device))).await;
    let pending = answers.iter().filter(|answer| heard(answer) == "authorization_pending").count();
    assert_eq!(pending, 1);
    assert!(answers.iter().all(|answer| ["authorization_pending", "slow_down"].contains(&heard(answer).as_str())));
}

#[tokio::test]
async fn of_twenty_questions_at_once_after_a_yes_one_gets_tokens_and_one_device_exists() {
    // INV-01, CMN-09, QRL-01
    let homeserver = Arc::<FakeHomeserver>::default();
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    server.user("alice").await;
    let person = server.browser();
    person.sign_in("alice").await;
    let device = server.device().await;
    person.let_in(&device).await;
    let answers = join_all((0..20).map(|_| server.poll(&device))).await;
    let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.error() == "invalid_grant"));
    let made = homeserver.calls().into_iter().filter(|call| call.contains("ABCDEFGHIJ")).count();
    assert_eq!(made, 1, "{:?}", homeserver.calls());
    let tokens = Tokens::of(won[0], &device.client_id);
    assert!(server.is_active(&tokens.access).await, "a retry within seconds costs nobody a session");
    assert_eq!(server.refresh(&tokens).await.status, 200, "DVC-10");
}

#[tokio::test]
async fn the_session_says_how_the_person_signed_in_who_let_it_in() {
    // DVC-07, DVC-10, OID-04
    let server = Server::start().await;
    server.user("alice").await;
    let person = server.browser();
    person.sign_in("alice").await;
    let login = server.clock.now() / SECOND;
    server.clock.advance(MINUTE);
    let client_id = server.device_client().await;
    let device = server.device_with(&client_id, &format!("openid {MATRIX_SCOPE}")).await;
    person.let_in(&device).await;
    server.clock.advance(MINUTE);
    let body = server.poll(&device).await.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["scope"], format!("openid {MATRIX_SCOPE}"));
    let claims = claims_of(body["id_token"].as_str().unwrap());
    assert_eq!(claims["aud"], device.client_id.as_str());
    assert_eq!((claims["auth_time"].as_i64(), claims["acr"].as_str()), (Some(login), Some("password")));
    assert_eq!(claims["amr"], serde_json::json!(["pwd"]));
    assert!(claims.get("nonce").is_none());
    let introspection = server.introspect(body["access_token"].as_str().unwrap()).await;
    assert_eq!(introspection["username"], "alice");
}

#[tokio::test]
async fn only_the_client_that_began_gets_the_answer() {
    // DVC-08: a foreign client finds the code unknown, and does not burn it.
    let server = Server::start().await;
    server.user("alice").await;
    let person = server.browser();
    person.sign_in("alice").await;
    let device = server.device().await;
    let other = server
        .register(serde_json::json!({
            "client_uri": "https://other.example.org/", "token_endpoint_auth_method": "none",
            "grant_types": [crate::support::device::DEVICE_CODE, "refresh_token"],
        }))
        .await;
    server.poll_as(&other, &device.device_code).await.assert_error(400, "invalid_grant");
    person.let_in(&device).await;
    server.poll_as(&other, &device.device_code).await.assert_error(400, "invalid_grant");
    for garbage in ["", "kmd_", "kmd_0000000000000000000000000000000000000000000000_000000"] {
        let expected = if garbage.is_empty() { "invalid_request" } else { "invalid_grant" };
        server.poll_as(&device.client_id, garbage).await.assert_error(400, expected);
    }
    // The code that people type is not the one that devices present (INV-02).
    server.poll_as(&device.client_id, &device.user_code).await.assert_error(400, "invalid_grant");
    let tokens = Tokens::of(&server.poll(&device).await, &device.client_id);
    assert!(server.is_active(&tokens.access).await);
    // TOK-03: now that it is used, whoever else presents it has stolen it.
    server.poll_as(&other, &device.device_code).await.assert_error(400, "invalid_grant");
    assert!(!server.is_active(&tokens.access).await);
}

#[tokio::test]
async fn a_used_code_that_comes_again_later_ends_the_session() {
    // TOK-03, DEC-05
    let server = Server::start().await;
    server.user("alice").await;
    let person = server.browser();
    person.sign_in("alice").await;
    let device = server.device().await;
    person.let_in(&device).await;
    let tokens = Tokens::of(&server.poll(&device).await, &device.client_id);
    server.clock.advance(15 * SECOND);
    server.poll(&device).await.assert_error(400, "invalid_grant");
    assert!(server.is_active(&tokens.access).await);
    server.clock.advance(6 * SECOND);
    server.poll(&device).await.assert_error(400, "invalid_grant");
    assert!(!server.is_active(&tokens.access).await);
}

#[tokio::test]
async fn a_homeserver_that_is_down_costs_no_code() {
    // TOK-12, INV-07
    let homeserver = Arc::<FakeHomeserver>::default();
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    server.user("alice").await;
    let person = server.browser();
    person.sign_in("alice").await;
    let device = server.device().await;
    person.let_in(&device).await;
    homeserver.set_down(true);
    server.poll(&device).await.assert_error(503, "temporarily_unavailable");
    homeserver.set_down(false);
    let answer = server.poll(&device).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
}

#[tokio::test]
async fn a_session_on_the_same_device_gives_way_and_its_device_stays() {
    // TOK-13
    let homeserver = Arc::<FakeHomeserver>::default();
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    server.user("alice").await;
    let before = server.log_in("alice", MATRIX_SCOPE).await;
    let person = server.browser();
    person.sign_in("alice").await;
    let device = server.device().await;
    person.let_in(&device).await;
    let tokens = Tokens::of(&server.poll(&device).await, &device.client_id);
    assert!(!server.is_active(&before.access).await && server.is_active(&tokens.access).await);
    assert!(!homeserver.calls().iter().any(|call| call.starts_with("delete")), "{:?}", homeserver.calls());
}

#[tokio::test]
async fn what_ends_every_session_ends_a_yes_too_and_signing_out_does_not() {
    // DVC-07, TOK-01: (what happens between the yes and the question, what the device hears)
    let server = Server::start().await;
    let client_id = server.device_client().await;
    for (row, expected) in
        ["", "invalid_grant", "invalid_grant", "access_denied", "access_denied"].into_iter().enumerate()
    {
        let name = format!("alice{row}");
        server.user(&name).await;
        let person = server.browser();
        person.sign_in(&name).await;
        let device = server.device_with(&client_id, MATRIX_SCOPE).await;
        person.let_in(&device).await;
        server.clock.advance(SECOND);
        match row {
            // Whoever borrows a computer to let a device in signs out there at once.
            0 => {
                let page = person.get("logout").await;
                person.submit(&page, &[]).await;
            }
            1 => {
                let user = server.user_id(&name).await;
                session::end_all(&server.app, &user, EndReason::EndedByAdministrator).await.unwrap();
            }
            2 => {
                let mut tx = server.app.db.write().await.unwrap();
                let ended = "UPDATE sessions SET ended_at = 1, end_reason = 'ended_by_owner' WHERE kind = 'browser'";
                tx.sql(ended).execute().await.unwrap();
                tx.commit().await.unwrap();
            }
            3 => drop(manage::set_locked(&server.app, &name, true).await.unwrap()),
            _ => drop(manage::deactivate(&server.app, &name, false).await.unwrap()),
        }
        assert_eq!(heard(&server.poll(&device).await), expected, "row {row}");
    }
}

#[tokio::test]
async fn administration_is_for_administrators_and_the_device_hears_so() {
    // DVC-03, SCP-09
    let server = Server::start().await;
    server.user("alice").await;
    manage::register_user(&server.app, "root", Some(crate::support::PASSWORD), None, true).await.unwrap();
    let client_id = server.device_client().await;
    let scope = format!("{MATRIX_SCOPE} urn:synapse:admin:*");
    for (name, status) in [("alice", 400), ("root", 200)] {
        let person = server.browser();
        person.sign_in(name).await;
        let device = server.device_with(&client_id, &scope).await;
        let question = person.find_device(&device.user_code).await;
        assert!(question.body.contains("administ"), "{}", question.body);
        let answer = person.decide_on(&question, "allow").await;
        assert_eq!(answer.status, if status == 200 { 303 } else { 400 });
        let polled = server.poll(&device).await;
        assert_eq!(polled.status, status, "{name} {}", polled.body);
        if status == 400 {
            assert_eq!(polled.error(), "access_denied");
        }
    }
}

#[tokio::test]
async fn the_owner_reads_that_a_device_came_in_by_a_code() {
    // DVC-14
    let sink = SmtpSink::start();
    let server = Server::setup().mail(&sink).start().await;
    server.user_with_address("alice", "alice@example.org").await;
    let person = server.browser();
    person.sign_in("alice").await;
    let device = server.device().await;
    person.let_in(&device).await;
    assert_eq!(server.poll(&device).await.status, 200);
    person.get("account/events").await.assert_page(200, "A device was signed in with a code that you confirmed");
    let told = async || sink.mails_to("alice@example.org").iter().any(|mail| mail.text().contains("Example TV"));
    eventually("a mail that tells of the device", told).await;
}
