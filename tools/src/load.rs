//! `cargo tool load`: what the release build does on this machine. The generator runs on one thread beside the server, over kept
//! connections with prepared requests, so that most of what it measures is the server.

mod legacy;
mod rates;
mod storm;

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::JoinSet;

use crate::http::{Answer, Connection};
use crate::login::{FORM, Tokens, Visitor, encode, register_client};
use crate::postgres::Cluster;
use crate::support::process::{Failure, Keymaker};
use crate::workspace::{self, build_keymaker, cargo, target};
use rates::{Latencies, Memory};

#[derive(Args)]
pub struct Arguments {
    /// Measures on PostgreSQL: on the database of this URI, or on a temporary cluster (without durability) when none is given.
    #[arg(long, value_name = "URI", num_args = 0..=1, default_missing_value = "")]
    postgres: Option<String>,
    /// How long each rate is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many older clients log in at the same moment.
    #[arg(long, default_value_t = 500)]
    logins: usize,
}

const USERS: usize = 16;
/// How many sessions are asked about.
const SESSIONS: usize = 64;
/// How many clients refresh beside each other.
const CHAINS: usize = 16;
const PASSWORD: &str = "thirteen-Grey-wagtails-wade";

/// Builds, starts and measures; everything is gone afterwards.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if cfg!(debug_assertions) {
        // A generator that is not optimised would take from the server what it measures.
        println!("Building the release binaries");
        workspace::run(&mut cargo(&["build", "--quiet", "--release", "--package", "tools"]))?;
        return workspace::run(Command::new(target().join("release/tools")).args(std::env::args_os().skip(1)));
    }
    let binary = build_keymaker(true)?;
    let mut keymaker = Keymaker::temporary(binary)?.with("account.password_registration_enabled", "true");
    // All this comes from one address and signs in to a few accounts.
    for limit in ["login.per_ip", "login.per_account", "login.successes_per_account", "client_registration"] {
        keymaker = keymaker.with(&format!("rate_limiting.{limit}"), "off");
    }
    let temporary = match arguments.postgres.as_deref() {
        Some("") => Some(Cluster::start()?),
        _ => None,
    };
    let uri = temporary.as_ref().map(Cluster::uri).or_else(|| arguments.postgres.clone());
    if let Some(uri) = &uri {
        keymaker = keymaker.with("database.uri", uri);
    }
    println!("Database: {}", if uri.is_some() { "PostgreSQL" } else { "SQLite" });

    let first = keymaker.start()?;
    keymaker.kill();
    let ready = keymaker.start()?;
    println!("Ready after {ready:.1?} (the first start, which makes database and secrets: {first:.1?})");
    std::thread::sleep(Duration::from_secs(1));
    let process = keymaker.id().ok_or("Keymaker does not run")?;
    println!("Resident when idle: {} (at most {})", Memory::now(process)?, Memory::peak(process)?);

    // Users of a database that outlives this run must not be in the way of the next.
    let prefix = format!("load-{}", std::process::id());
    let names: Vec<String> = (0..USERS).map(|i| format!("{prefix}-{i}")).collect();
    for name in &names {
        keymaker.run(&["manage", "register-user", name, "--password", PASSWORD])?;
    }
    let accounts = legacy::make_accounts(&keymaker, &prefix)?;
    let secret = std::fs::read_to_string(keymaker.directory().join("secrets/matrix-secret"))?.trim().to_owned();
    let span = Duration::from_secs(arguments.seconds);
    let load = Load { address: keymaker.address(), process, secret, span, names };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(load.measure(&accounts, arguments.logins))
}

/// Where the load goes, for how long, and who signs in.
struct Load {
    address: SocketAddr,
    process: u32,
    secret: String,
    span: Duration,
    names: Vec<String>,
}

impl Load {
    async fn measure(&self, accounts: &[String; 4], logins: usize) -> Result<(), Failure> {
        let client_id = register_client(self.address).await?;
        let (mut sessions, mut older) = (Vec::new(), Vec::new());
        for i in 0..SESSIONS + CHAINS {
            sessions.push(self.sign_in(&client_id, i).await?);
        }
        let refreshing = sessions.split_off(SESSIONS);
        for i in 0..CHAINS {
            older.push(self.log_in(i).await?);
        }
        for connections in [1, 16, 64] {
            let rates = self.introspect(&sessions, connections).await?;
            println!("Introspection, {connections:>2} connections: {rates}");
        }
        println!("Refresh,       {CHAINS} connections: {}", self.refresh(refreshing, oauth_refresh).await?);
        println!("The legacy one {CHAINS} connections: {}", self.refresh(older, legacy::refresh).await?);
        println!("Resident after that: {} (at most {})", Memory::now(self.process)?, Memory::peak(self.process)?);
        println!("{}", self.storm(&sessions, logins).await?);
        println!("Passwords are hashed with argon2id: 19 MiB, t=2, p=1");
        for connections in [1, 2, 4, 16] {
            println!("Legacy log-in, {connections:>2} connections: {}", self.logins(connections).await?);
        }
        println!("A wrong password: {}", self.refusals(accounts, 200).await?);
        Ok(())
    }

    async fn sign_in(&self, client_id: &str, i: usize) -> Result<Tokens, Failure> {
        let mut visitor = Visitor::arrive(self.address, client_id, &format!("LOADDEVICE{i}")).await?;
        let answer = visitor.log_in(&self.names[i % USERS], PASSWORD).await?;
        visitor.consent(&answer).await
    }

    /// Every connection asks about every session in turn.
    async fn introspect(&self, sessions: &[Tokens], connections: usize) -> Result<String, Failure> {
        self.repeat(connections, |connection| self.introspections(connection, sessions), is_active).await
    }

    /// Writes out a question about every session, as a homeserver asks (RFC 7662).
    fn introspections(&self, connection: &Connection, sessions: &[Tokens]) -> Vec<Vec<u8>> {
        let headers = format!("{FORM}Authorization: Bearer {}\r\n", self.secret);
        let question = |session: &Tokens| {
            let body = encode(&[("token", &*session.access_token), ("token_type_hint", "access_token")]);
            connection.prepare("POST", "/oauth2/introspect", &headers, &body)
        };
        sessions.iter().map(question).collect()
    }

    /// Every connection sends the requests one after the other, beginning with one of its own.
    async fn repeat(
        &self,
        connections: usize,
        requests: impl Fn(&Connection) -> Vec<Vec<u8>>,
        check: fn(&Answer) -> Result<(), Failure>,
    ) -> Result<String, Failure> {
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        let until = begun + self.span;
        for first in 0..connections {
            let mut connection = Connection::open(self.address).await?;
            let requests = requests(&connection);
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                for request in requests.iter().cycle().skip(first) {
                    let begun = Instant::now();
                    if begun > until {
                        break;
                    }
                    let answer = connection.send(request).await?;
                    latencies.push(begun.elapsed());
                    check(&answer)?;
                }
                Ok(latencies)
            });
        }
        Ok(Latencies::collect(tasks).await?.rate(begun.elapsed()))
    }

    /// Every connection walks a chain of its own: each answer's refresh token is the next request's.
    async fn refresh(
        &self,
        sessions: Vec<Tokens>,
        request: fn(&Connection, &Tokens) -> Vec<u8>,
    ) -> Result<String, Failure> {
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        let until = begun + self.span;
        for mut tokens in sessions {
            let mut connection = Connection::open(self.address).await?;
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                while Instant::now() < until {
                    let request = request(&connection, &tokens);
                    let begun = Instant::now();
                    let answer = connection.send(&request).await?;
                    latencies.push(begun.elapsed());
                    tokens = Tokens::read(&tokens.client_id, &answer)?;
                }
                Ok(latencies)
            });
        }
        Ok(Latencies::collect(tasks).await?.rate(begun.elapsed()))
    }
}

fn oauth_refresh(connection: &Connection, tokens: &Tokens) -> Vec<u8> {
    let body = encode(&[
        ("grant_type", "refresh_token"),
        ("client_id", &*tokens.client_id),
        ("refresh_token", &*tokens.refresh_token),
    ]);
    connection.prepare("POST", "/oauth2/token", FORM, &body)
}

fn is_active(answer: &Answer) -> Result<(), Failure> {
    if answer.status == 200 && answer.body.contains("\"active\":true") {
        return Ok(());
    }
    Err(format!("introspection: {} {}", answer.status, answer.body).into())
}
