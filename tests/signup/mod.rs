//! Who may create an account (spec 3.9, SGN-04, SGN-08): everybody, whoever has a registration token, whoever an administrator
//! approves, nobody.

mod approval;
mod modes;
mod tokens;

use keymaker::flows::registration_token::{self, Issued, Wanted};

use crate::support::{
    PASSWORD, Server, Setup,
    http::Answer,
    person::{Person, attribute},
};

const REFUSED: &str = "This registration token does not work";

impl Setup {
    fn by_token(self) -> Self {
        self.with("account.registration_token_required", "true")
    }

    fn by_approval(self) -> Self {
        self.with("account.registration_approval_required", "true")
    }
}

impl Server {
    /// Makes a registration token, and has the database and the log searched for it.
    async fn invite(&self, wanted: Wanted<'_>) -> Issued {
        let issued = registration_token::issue(&self.app, wanted).await.unwrap();
        self.audit.secret(&issued.token);
        issued
    }

    /// Makes a registration token that can be used so often.
    async fn token_for(&self, usage_limit: i64) -> String {
        self.invite(Wanted { usage_limit: Some(usage_limit), ..Wanted::default() }).await.token
    }

    async fn count(&self, sql: &'static str) -> i64 {
        self.app.db.sql(sql).one::<(i64,)>().await.unwrap().0
    }

    async fn count_users(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM users").await
    }

    /// How often tokens were used, all together.
    async fn uses(&self) -> i64 {
        self.count("SELECT CAST(COALESCE(SUM(times_used), 0) AS BIGINT) FROM registration_tokens").await
    }
}

impl Person {
    /// Fills in the first form of sign-up with a token.
    async fn begin_with(&self, token: &str, name: &str) -> Answer {
        let page = self.get("register").await;
        self.submit(&page, &[("token", token), ("username", name), ("password", PASSWORD)]).await
    }

    /// Presses the last button of a sign-up that its first form led on.
    async fn finish(&self, begun: &Answer) -> Answer {
        assert_eq!(begun.status, 303, "{}", begun.body);
        let (path, page) = self.open(begun.location()).await;
        assert!(path.starts_with("/register/finish?id="), "{path}");
        self.submit(&page, &[("display_name", "")]).await
    }
}

/// What stands in the field for the token; nothing where there is no such field.
fn token_field(page: &Answer) -> Option<String> {
    attribute(&page.body, "name=\"token\" type=\"text\" value=\"")
}
