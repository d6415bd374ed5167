//! Clients that do not speak OAuth (spec areas 12 and 15): the homeserver's own login API, and what its sessions share
//! with all others.

mod administration;
mod bodies;
mod devices;
mod flows;
mod identifiers;
mod introspection;
mod login_token;
mod logout;
mod queue;
mod refresh;
mod sso;
mod states;

use std::sync::Arc;

use crate::support::{Server, homeserver::FakeHomeserver};

const DEVICE: &str = "ABCDEFGHIJ";

async fn server_with_alice() -> (Arc<FakeHomeserver>, Server) {
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = Server::setup().fake_homeserver(&homeserver).start().await;
    server.user("alice").await;
    (homeserver, server)
}

/// Counts the sessions of a kind that have not ended.
async fn live_sessions(server: &Server, kind: &str) -> i64 {
    let sql = "SELECT COUNT(*) FROM sessions WHERE kind = $1 AND ended_at IS NULL";
    server.app.db.sql(sql).bind(kind).one::<(i64,)>().await.unwrap().0
}
