//! Owns the storm: hundreds of logins at one moment while the homeserver goes on asking about tokens. The excess has to be refused
//! at once, and neither introspection nor memory may suffer (INV-08, INV-13).

use std::fmt::{Display, Formatter, Result as Written};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::rates::{Latencies, Memory};
use super::{Load, PASSWORD, USERS, is_active, legacy};
use crate::http::Connection;
use crate::login::Tokens;
use crate::support::process::Failure;

/// How many introspections a second go on, and over how many connections.
const PACE: u32 = 500;
const CONNECTIONS: u32 = 16;

impl Load {
    /// Sends `count` logins at one moment, each once, and goes on asking until the last is answered.
    pub async fn storm(&self, sessions: &[Tokens], count: usize) -> Result<Storm, Failure> {
        let mut clients = Vec::new();
        for i in 0..count {
            let connection = Connection::open(self.address).await?;
            let request = legacy::login(&connection, &self.names[i % USERS], PASSWORD);
            clients.push((connection, request));
        }
        let before = Memory::now(self.process)?;
        let steady = self.begin_introspections(sessions).await?;
        let begun = Instant::now();
        let mut logins: JoinSet<Result<(u16, Duration), Failure>> = JoinSet::new();
        for (mut connection, request) in clients {
            logins.spawn(async move {
                let answer = connection.send(&request).await?;
                match answer.status {
                    200 | 429 | 503 => Ok((answer.status, begun.elapsed())),
                    status => Err(format!("a login in the storm: {status} {}", answer.body).into()),
                }
            });
        }
        let (mut answers, mut peak) = (Vec::new(), before);
        let mut sample = tokio::time::interval(Duration::from_millis(5));
        loop {
            tokio::select! {
                login = logins.join_next() => match login {
                    Some(login) => answers.push(login??),
                    None => break,
                },
                _ = sample.tick() => peak = peak.or_more(Memory::now(self.process)?),
            }
        }
        let elapsed = begun.elapsed();
        let meanwhile = steady.end().await?;
        let steady = self.begin_introspections(sessions).await?;
        tokio::time::sleep(self.span).await;
        let calm = steady.end().await?;
        // Only now: the allocator gives freed memory back while there is work, not in an idle process.
        Ok(Storm { answers, elapsed, meanwhile, calm, memory: [before, peak, Memory::now(self.process)?] })
    }

    /// Begins an open loop: a late answer delays no other question's clock, as homeservers do not wait for each other's requests.
    async fn begin_introspections(&self, sessions: &[Tokens]) -> Result<Steady, Failure> {
        let is_over = Arc::new(AtomicBool::new(false));
        let mut connections = JoinSet::new();
        let begin = tokio::time::Instant::now();
        for i in 0..CONNECTIONS {
            let mut connection = Connection::open(self.address).await?;
            let requests = self.introspections(&connection, sessions);
            let is_over = is_over.clone();
            connections.spawn(async move {
                let mut latencies = Vec::new();
                for (n, request) in (0..).zip(requests.iter().cycle()) {
                    let due = begin + Duration::from_secs(1) * (n * CONNECTIONS + i) / PACE;
                    sleep_until(due).await;
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let answer = connection.send(request).await?;
                    latencies.push(due.elapsed());
                    is_active(&answer)?;
                }
                Ok(latencies)
            });
        }
        Ok(Steady { is_over, connections })
    }
}

/// What came of a storm.
pub struct Storm {
    /// The status of every answer, and how long after the beginning it came.
    answers: Vec<(u16, Duration)>,
    elapsed: Duration,
    /// Introspection during the storm, and afterwards with nothing beside it.
    meanwhile: Latencies,
    calm: Latencies,
    /// Before, at most and some time after.
    memory: [Memory; 3],
}

impl Display for Storm {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let count = |status: u16| self.answers.iter().filter(|answer| answer.0 == status).count();
        let refused = self.answers.iter().filter(|answer| answer.0 != 200).map(|answer| answer.1);
        let (refused, elapsed) = (Latencies::new(refused.collect()).whole(), self.elapsed);
        let (calm, meanwhile, [before, peak, after]) = (self.calm.whole(), self.meanwhile.whole(), self.memory);
        writeln!(
            f,
            "{} logins at once: {} × 200, {} × 429, {} × 503",
            self.answers.len(),
            count(200),
            count(429),
            count(503)
        )?;
        writeln!(f, "  All answered after {elapsed:.2?}, the refused ones: {refused}")?;
        writeln!(f, "  Introspection at {PACE} a second meanwhile: {meanwhile} (wanted: p99 below 50 ms)")?;
        writeln!(f, "  Introspection at {PACE} a second afterwards: {calm}")?;
        write!(f, "  Resident: {before} before, {peak} at most, {after} when that was over")
    }
}

/// Introspections that go on until they are ended.
struct Steady {
    is_over: Arc<AtomicBool>,
    connections: JoinSet<Result<Vec<Duration>, Failure>>,
}

impl Steady {
    async fn end(self) -> Result<Latencies, Failure> {
        self.is_over.store(true, Ordering::Relaxed);
        Latencies::collect(self.connections).await
    }
}
