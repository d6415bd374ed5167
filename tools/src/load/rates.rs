//! Owns what a measurement says: latencies, how many came in which time, and the server's memory.

use std::fmt::{Display, Formatter, Result as Written};
use std::path::Path;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::support::process::Failure;

/// The latencies of one measurement, sorted.
pub struct Latencies(Vec<Duration>);

impl Latencies {
    pub fn new(mut latencies: Vec<Duration>) -> Self {
        latencies.sort_unstable();
        Self(latencies)
    }

    /// Waits for the connections of a measurement, the first failure of which is its outcome.
    pub async fn collect(mut connections: JoinSet<Result<Vec<Duration>, Failure>>) -> Result<Self, Failure> {
        let mut latencies = Vec::new();
        while let Some(outcome) = connections.join_next().await {
            latencies.extend(outcome??);
        }
        Ok(Self::new(latencies))
    }

    fn percentile(&self, percent: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * percent / 100).copied().unwrap_or_default()
    }

    pub fn median(&self) -> Duration {
        self.percentile(50)
    }

    /// Says how many a second they were, when they came in the time `span`.
    pub fn rate(&self, span: Duration) -> String {
        format!("{:>8.0} a second, {self}", self.0.len() as f64 / span.as_secs_f64())
    }

    /// Says how the slowest did too.
    pub fn whole(&self) -> String {
        format!("{self}, at most {:.2?}", self.percentile(100))
    }
}

impl Display for Latencies {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        write!(f, "p50 {:.2?}, p99 {:.2?}", self.percentile(50), self.percentile(99))
    }
}

/// How much memory a process has.
#[derive(Clone, Copy)]
pub struct Memory(f64);

impl Memory {
    /// Reads what is resident now.
    pub fn now(process: u32) -> Result<Self, Failure> {
        Self::read(process, "VmRSS:")
    }

    /// Reads what was resident at most since the process began.
    pub fn peak(process: u32) -> Result<Self, Failure> {
        Self::read(process, "VmHWM:")
    }

    pub fn or_more(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    fn read(process: u32, name: &str) -> Result<Self, Failure> {
        let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"))?;
        let line = status.lines().find(|line| line.starts_with(name));
        let kibibytes: Option<f64> = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
        Ok(Self(kibibytes.ok_or_else(|| format!("no {name} of process {process}"))? / 1024.0))
    }
}

impl Display for Memory {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        write!(f, "{:.1} MiB", self.0)
    }
}
