//! Signing in through identity providers (spec areas 18 and 16.3): what is refused, whom an account of a provider is linked
//! to, and both directions of signing out.

mod backchannel_logout;
mod hanging;
mod linking;
mod logout_at_provider;
mod refusals;
mod trips;

mod account;
mod import;
mod sign_up;
use keymaker::{crypto::random, store};
use serde_json::{Value, json};

use crate::support::{Server, http::Answer, identity_provider::IdentityProvider, person::Person};

/// The provider of most stories, as the configuration calls it.
pub const PROVIDER: &str = "company";
/// Whom it names unless it is told otherwise.
pub const SUBJECT: &str = "alice-at-the-provider";

/// A provider, and a server that knows it under [`PROVIDER`].
pub async fn server_with(more: Value) -> (IdentityProvider, Server) {
    let provider = IdentityProvider::start().await;
    let server = Server::setup().providers(&[(&provider, PROVIDER, more)]).start().await;
    (provider, server)
}

/// The same with `alice`, who is linked to the person at the provider.
pub async fn server_with_alice(more: Value) -> (IdentityProvider, Server) {
    let (provider, server) = server_with(more).await;
    server.user("alice").await;
    server.link(PROVIDER, SUBJECT, "alice").await;
    (provider, server)
}

impl Server {
    /// Links an account to a person at a provider, as an import does.
    pub async fn link(&self, provider: &str, subject: &str, username: &str) {
        let user = store::user::find_by_username(&self.app.db, username).await.unwrap().unwrap();
        let mut tx = self.app.db.write().await.unwrap();
        tx.sql(
            "INSERT INTO upstream_links (id, provider_id, subject, user_id, created_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(random::ulid(self.app.clock.now()))
        .bind(provider)
        .bind(subject)
        .bind(&user.id)
        .bind(self.app.clock.now())
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }

    /// The links: provider, subject and user name.
    pub async fn links(&self) -> Vec<(String, String, String)> {
        self.app
            .db
            .sql(
                "SELECT l.provider_id, l.subject, u.username FROM upstream_links l JOIN users u ON u.id = l.user_id
                 ORDER BY l.provider_id, l.subject",
            )
            .all()
            .await
            .unwrap()
    }

    /// Counts the live sessions of browsers.
    pub async fn browser_sessions(&self) -> i64 {
        let query = "SELECT COUNT(*) FROM sessions WHERE kind = 'browser' AND ended_at IS NULL";
        let row: (i64,) = self.app.db.sql(query).one().await.unwrap();
        row.0
    }
}

impl Person {
    /// Begins at us and gives the address of the provider to which that leads.
    pub async fn leave_for(&self, provider: &str) -> String {
        let answer = self.get(&format!("upstream/authorize/{provider}")).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.location().to_owned()
    }

    /// Begins at us, signs in at the provider, and gives the address at which the browser comes back.
    pub async fn visit(&self, provider: &str) -> String {
        let address = self.leave_for(provider).await;
        let answer = self.get(&address).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.location().to_owned()
    }

    /// Goes to the provider and back, and gives the answer to the callback.
    pub async fn come_back_from(&self, provider: &str) -> Answer {
        let address = self.visit(provider).await;
        self.get(&address).await
    }

    /// Who is signed in in this browser, as the account page shows it.
    pub async fn whoami(&self) -> Option<String> {
        let page = self.get("account/").await;
        if page.status != 200 {
            return None;
        }
        let rest = page.body.split("<bdi class=\"id\">@").nth(1).expect("the account page names its owner");
        Some(rest.split([':', '<']).next().unwrap().to_owned())
    }

    pub async fn assert_signed_in_as(&self, username: &str) {
        assert_eq!(self.whoami().await.as_deref(), Some(username));
    }
}

/// What differs from the configuration of most stories: nothing.
pub fn as_usual() -> Value {
    json!({})
}
