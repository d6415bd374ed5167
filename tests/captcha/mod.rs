//! CAPTCHAs (spec SGN-06, RTL-06): of services, and by work for the browser. The browser itself is in `browser/captcha.rs`.

mod login;
mod policies;
mod services;
mod work;

use crate::support::Server;

const NEEDED: &str = "One more check is needed here";
const FAILED: &str = "The check was not passed";
const UNAVAILABLE: &str = "does not work just now";

/// How many sign-ups were begun: each of them cost a hash.
async fn count_sign_ups(server: &Server) -> i64 {
    server.app.db.sql("SELECT COUNT(*) FROM registrations").one::<(i64,)>().await.unwrap().0
}

async fn count_links(server: &Server) -> i64 {
    server.until_recoveries_are_done().await;
    server.app.db.sql("SELECT COUNT(*) FROM recoveries").one::<(i64,)>().await.unwrap().0
}
