//! What people do with their account in a browser (spec areas 13 to 15): the places that clients link to, devices and apps,
//! the profile, the reset of an identity, and the end.

mod actions;
mod apps;
mod cross_signing_reset;
mod deactivate;
mod devices;
mod profile;
mod proofs;
mod signing_out;

use std::{sync::Arc, time::Duration};

use keymaker::{
    domain::act::Act,
    flows::{Caller, prove},
};

use crate::support::{
    PASSWORD, Server,
    homeserver::FakeHomeserver,
    person::{Person, Somebody},
};

const DEVICE: &str = "ABCDEFGHIJ";
/// Somebody else's.
const FOREIGN_DEVICE: &str = "MALLORYDEV";

/// A server with a homeserver, where Alice is signed in with a browser.
async fn server_with_alice() -> (Arc<FakeHomeserver>, Server, Person) {
    let homeserver = Arc::<FakeHomeserver>::default();
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    (homeserver, server, alice)
}

/// The scope of a Matrix app on this device.
fn scope(device_id: &str) -> String {
    format!("urn:matrix:client:api:* urn:matrix:client:device:{device_id}")
}

/// The live session of a device.
async fn session_on(server: &Server, device_id: &str) -> String {
    let sql = "SELECT id FROM sessions WHERE device_id = $1 AND ended_at IS NULL";
    server.app.db.sql(sql).bind(device_id).one::<(String,)>().await.unwrap().0
}

impl Somebody {
    fn session(&self) -> &str {
        self.signed_in.session.session_id.as_str()
    }

    /// Proves for an act with `PASSWORD`.
    async fn prove(&self, server: &Server, act: Act, target: Option<&str>) -> String {
        let (browser, signed_in, caller) = (&self.browser, &self.signed_in, Caller::default());
        let begun = prove::begin_act_with_password(&server.app, browser, signed_in, act, target, PASSWORD, &caller);
        begun.await.unwrap().id.to_string()
    }
}

/// Everything that the pages of the account could have changed.
async fn state(server: &Server) -> Vec<String> {
    let db = &server.app.db;
    // What was begun before may still be under way at the homeserver.
    for _ in 0..200 {
        if keymaker::store::job::count(db).await.unwrap() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let text =
        "SELECT 'user ' || id || ' ' || COALESCE(display_name, '') || ' ' || COALESCE(CAST(locked_at AS TEXT), '')
            || ' ' || COALESCE(CAST(deactivated_at AS TEXT), '') || ' ' || COALESCE(CAST(sessions_ended_at AS TEXT), '')
         FROM users
         UNION ALL SELECT 'session ' || id || ' ' || COALESCE(device_name, '') || ' ' || COALESCE(end_reason, '')
            || ' ' || COALESCE(CAST(ended_at AS TEXT), '') FROM sessions
         UNION ALL SELECT 'token ' || id FROM tokens
         UNION ALL SELECT 'job ' || id FROM jobs
         UNION ALL SELECT 'event ' || id FROM account_events
         UNION ALL SELECT 'mail ' || id FROM mails
         UNION ALL SELECT 'proof ' || id || ' ' || COALESCE(CAST(consumed_at AS TEXT), '') FROM proofs
         UNION ALL SELECT 'email ' || id FROM user_emails
         UNION ALL SELECT 'password ' || hash FROM user_passwords
         UNION ALL SELECT 'passkey ' || id FROM passkeys
         UNION ALL SELECT 'code ' || id FROM recovery_codes ORDER BY 1";
    let rows: Vec<(String,)> = db.sql(text).all().await.unwrap();
    assert!(!rows.is_empty());
    rows.into_iter().map(|(row,)| row).collect()
}

/// Counts the events of a kind that Alice can read.
async fn events(server: &Server, kind: &str) -> i64 {
    let sql = "SELECT COUNT(*) FROM account_events e JOIN users u ON u.id = e.user_id
         WHERE u.username = 'alice' AND e.kind = $1";
    server.app.db.sql(sql).bind(kind).one::<(i64,)>().await.unwrap().0
}
