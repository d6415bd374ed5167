//! Owns the requests of an older client: log-in with a password and refresh, and whether the time of a refusal tells an account
//! from none (CMP-14, INV-06).

use std::time::{Duration, Instant};

use serde_json::json;

use super::rates::Latencies;
use super::{Load, PASSWORD, USERS};
use crate::http::{Answer, Connection};
use crate::login::{JSON, Tokens};
use crate::support::process::{Failure, Keymaker};

// As introspection names it: an older client has no identifier of its own.
const CLIENT: &str = "legacy";
const WRONG_PASSWORD: &str = "fourteen-Grey-wagtails-wade";

/// Writes out a log-in that asks for a new device and a refresh token.
pub fn login(connection: &Connection, username: &str, password: &str) -> Vec<u8> {
    let body = json!({
        "type": "m.login.password",
        "identifier": { "type": "m.id.user", "user": username },
        "password": password,
        "refresh_token": true,
    });
    connection.prepare("POST", "/_matrix/client/v3/login", JSON, &body.to_string())
}

/// Writes out the refresh of an older client.
pub fn refresh(connection: &Connection, tokens: &Tokens) -> Vec<u8> {
    let body = json!({ "refresh_token": tokens.refresh_token });
    connection.prepare("POST", "/_matrix/client/v3/refresh", JSON, &body.to_string())
}

impl Load {
    /// Logs in as one person of the load after the other.
    pub async fn log_in(&self, i: usize) -> Result<Tokens, Failure> {
        let mut connection = Connection::open(self.address).await?;
        let request = login(&connection, &self.names[i % USERS], PASSWORD);
        Tokens::read(CLIENT, &connection.send(&request).await?)
    }

    /// Every connection logs in again and again, each time as another person.
    pub async fn logins(&self, connections: usize) -> Result<String, Failure> {
        let requests = |connection: &Connection| self.names.iter().map(|n| login(connection, n, PASSWORD)).collect();
        self.repeat(connections, requests, |answer| Tokens::read(CLIENT, answer).map(drop)).await
    }

    /// Tries a wrong password with every kind of account, one at a time, and returns the medians and how far they are apart.
    pub async fn refusals(&self, accounts: &[String; 4], rounds: usize) -> Result<String, Failure> {
        let mut connection = Connection::open(self.address).await?;
        let mut latencies: [Vec<Duration>; 4] = Default::default();
        let mut said: Option<String> = None;
        for round in 0..rounds {
            // Over four rounds every kind comes after every other once: what one leaves behind burdens all the others alike.
            for kind in [0, 1, 3, 2].map(|place| (place + round) % 4) {
                let username = match kind {
                    0 => format!("{}-{round}", accounts[0]),
                    kind => accounts[kind].clone(),
                };
                let request = login(&connection, &username, WRONG_PASSWORD);
                let begun = Instant::now();
                let Answer { status, body, .. } = connection.send(&request).await?;
                latencies[kind].push(begun.elapsed());
                if status != 403 || said.as_ref().is_some_and(|said| *said != body) {
                    return Err(format!("a wrong password for {}: {status} {body}", KINDS[kind]).into());
                }
                said = Some(body);
            }
        }
        let mut medians: Vec<(Duration, &str)> =
            latencies.into_iter().map(|latencies| Latencies::new(latencies).median()).zip(KINDS).collect();
        let each: Vec<String> = medians.iter().map(|(median, kind)| format!("{kind} {median:.2?}")).collect();
        medians.sort_unstable();
        let ((least, quick), (most, slow)) = (medians[0], medians[3]);
        let percent = (most.as_secs_f64() / least.as_secs_f64() - 1.0) * 100.0;
        Ok(format!("{}: {slow} and {quick} differ by {percent:.1} % (wanted: at most 5 %)", each.join(", ")))
    }
}

const KINDS: [&str; 4] = ["unknown user", "locked user", "active user", "user without a password"];

/// Makes an account of each of the [`KINDS`] and returns their names; that of the unknown user is only the beginning of many.
pub fn make_accounts(keymaker: &Keymaker, prefix: &str) -> Result<[String; 4], Failure> {
    let [unknown, locked, active, without] =
        ["unknown", "locked", "active", "without"].map(|kind| format!("{prefix}-{kind}"));
    for name in [&locked, &active] {
        keymaker.run(&["manage", "register-user", name, "--password", PASSWORD])?;
    }
    keymaker.run(&["manage", "register-user", &without])?;
    keymaker.run(&["manage", "lock-user", &locked])?;
    Ok([unknown, locked, active, without])
}
