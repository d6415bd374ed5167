//! `cargo tool load`: what the release build does on this machine. The generator runs on one thread beside the server, over kept
//! connections with prepared requests, so that most of what it measures is the server.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use clap::Args;
use tokio::task::JoinSet;

use crate::http::Connection;
use crate::login::{FORM, Tokens, Visitor, encode, register_client};
use crate::postgres::Cluster;
use crate::support::process::{Failure, Keymaker};
use crate::workspace::{self, build_keymaker, cargo, target};

#[derive(Args)]
pub struct Arguments {
    /// Measures on PostgreSQL: on the database of this URI, or on a temporary cluster (without durability) when none is given.
    #[arg(long, value_name = "URI", num_args = 0..=1, default_missing_value = "")]
    postgres: Option<String>,
    /// How long each rate is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// How many people send the log-in form at the same moment.
    #[arg(long, default_value_t = 500)]
    logins: usize,
}

const USERS: usize = 16;
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
    println!("Resident when idle: {}", resident(&keymaker)?);

    let names: Vec<String> = (0..USERS).map(|i| format!("load-{}-{i}", std::process::id())).collect();
    for name in &names {
        keymaker.run(&["manage", "register-user", name, "--password", PASSWORD])?;
    }
    let secret = std::fs::read_to_string(keymaker.directory().join("secrets/matrix-secret"))?;
    let load = Load { address: keymaker.address(), span: Duration::from_secs(arguments.seconds), names };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client_id = register_client(load.address).await?;
        let mut sessions = Vec::new();
        for i in 0..64 {
            sessions.push(load.sign_in(&client_id, i).await?);
        }
        for connections in [1, 16, 64] {
            let rates = load.introspect(&sessions, secret.trim(), connections).await?;
            println!("Introspection, {connections:>2} connections: {rates}");
        }
        let rates = load.refresh(&sessions[..16]).await?;
        println!("Refresh,       16 connections: {rates}");
        println!("Resident after that: {}", resident(&keymaker)?);
        let storm = load.log_in_at_once(&client_id, arguments.logins).await?;
        println!("{storm}");
        println!("Resident after the logins: {}", resident(&keymaker)?);
        Ok(())
    })
}

/// Where the load goes, for how long, and who signs in.
struct Load {
    address: SocketAddr,
    span: Duration,
    names: Vec<String>,
}

impl Load {
    async fn sign_in(&self, client_id: &str, i: usize) -> Result<Tokens, Failure> {
        let mut visitor = Visitor::arrive(self.address, client_id, &format!("LOADDEVICE{i}")).await?;
        let answer = visitor.log_in(&self.names[i % USERS], PASSWORD).await?.ok_or("too busy for a single log-in")?;
        visitor.consent(&answer).await
    }

    /// Every connection asks about every session in turn, as a homeserver does (RFC 7662).
    async fn introspect(&self, sessions: &[Tokens], secret: &str, connections: usize) -> Result<Rates, Failure> {
        let headers = format!("{FORM}Authorization: Bearer {secret}\r\n");
        let mut tasks = JoinSet::new();
        let until = Instant::now() + self.span;
        for first in 0..connections {
            let mut connection = Connection::open(self.address).await?;
            let requests: Vec<Vec<u8>> = sessions
                .iter()
                .map(|session| {
                    let body = encode(&[("token", &*session.access_token), ("token_type_hint", "access_token")]);
                    connection.prepare("POST", "/oauth2/introspect", &headers, &body)
                })
                .collect();
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                for request in requests.iter().cycle().skip(first) {
                    let begun = Instant::now();
                    if begun > until {
                        break;
                    }
                    let answer = connection.send(request).await?;
                    latencies.push(begun.elapsed());
                    if answer.status != 200 || !answer.body.contains("\"active\":true") {
                        return Err(format!("introspection: {} {}", answer.status, answer.body).into());
                    }
                }
                Ok(latencies)
            });
        }
        self.collect(tasks).await
    }

    /// Every connection walks a chain of its own: each answer's refresh token is the next request's.
    async fn refresh(&self, sessions: &[Tokens]) -> Result<Rates, Failure> {
        let mut tasks = JoinSet::new();
        let until = Instant::now() + self.span;
        for session in sessions {
            let mut connection = Connection::open(self.address).await?;
            let mut tokens = session.clone();
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                while Instant::now() < until {
                    let body = encode(&[
                        ("grant_type", "refresh_token"),
                        ("client_id", &*tokens.client_id),
                        ("refresh_token", &*tokens.refresh_token),
                    ]);
                    let request = connection.prepare("POST", "/oauth2/token", FORM, &body);
                    let begun = Instant::now();
                    let answer = connection.send(&request).await?;
                    latencies.push(begun.elapsed());
                    tokens = Tokens::read(&tokens.client_id, &answer)?;
                }
                Ok(latencies)
            });
        }
        self.collect(tasks).await
    }

    /// As many people as asked for send their log-in form at one moment; whoever is refused tries again.
    async fn log_in_at_once(&self, client_id: &str, count: usize) -> Result<String, Failure> {
        let mut visitors = Vec::new();
        for i in 0..count {
            let device_id = format!("STORMDEVICE{i}");
            visitors.push(Visitor::arrive(self.address, client_id, &device_id).await?);
        }
        let begun = Instant::now();
        let mut tasks: JoinSet<Result<u32, Failure>> = JoinSet::new();
        for (i, mut visitor) in visitors.into_iter().enumerate() {
            let name = self.names[i % USERS].clone();
            tasks.spawn(async move {
                let mut refused = 0;
                loop {
                    if visitor.log_in(&name, PASSWORD).await?.is_some() {
                        return Ok(refused);
                    }
                    refused += 1;
                    if begun.elapsed() > Duration::from_secs(60) {
                        return Err("a log-in was refused for a minute".into());
                    }
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            });
        }
        let mut refused = 0;
        while let Some(outcome) = tasks.join_next().await {
            refused += outcome??;
        }
        let elapsed = begun.elapsed();
        Ok(format!("{count} logins at once: all done after {elapsed:.1?}, {refused} times refused and tried again"))
    }

    async fn collect(&self, mut tasks: JoinSet<Result<Vec<Duration>, Failure>>) -> Result<Rates, Failure> {
        let mut latencies = Vec::new();
        while let Some(outcome) = tasks.join_next().await {
            latencies.extend(outcome??);
        }
        latencies.sort_unstable();
        Ok(Rates { latencies, span: self.span })
    }
}

/// The sorted latencies of one measurement.
struct Rates {
    latencies: Vec<Duration>,
    span: Duration,
}

impl Rates {
    fn percentile(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).copied().unwrap_or_default()
    }
}

impl std::fmt::Display for Rates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let rate = self.latencies.len() as f64 / self.span.as_secs_f64();
        let (p50, p99) = (self.percentile(50), self.percentile(99));
        write!(f, "{rate:>8.0} a second, p50 {p50:.2?}, p99 {p99:.2?}")
    }
}

/// Reads how much memory the server holds now and held at most.
fn resident(keymaker: &Keymaker) -> Result<String, Failure> {
    let id = keymaker.id().ok_or("Keymaker does not run")?;
    let status = std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status"))?;
    let mebibytes = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        let kibibytes: Option<f64> = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        kibibytes.unwrap_or_default() / 1024.0
    };
    let (now, peak) = (mebibytes("VmRSS:"), mebibytes("VmHWM:"));
    Ok(format!("{now:.1} MiB (at most {peak:.1} MiB so far)"))
}
