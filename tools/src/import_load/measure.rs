//! Owns what a run of Keymaker costs: its time, and the memory that was resident at most.

use std::fmt::{Display, Formatter, Result as Written};
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::process::Failure;

/// How often the memory of a process is looked at; the kernel remembers the most that there was.
const INTERVAL: Duration = Duration::from_millis(10);

/// A run that succeeded.
pub struct Measured {
    time: Duration,
    /// KiB.
    peak: u64,
}

impl Measured {
    /// Runs a command to its end, with what it says in files in `folder`.
    pub fn run(command: &mut Command, folder: &Path) -> Result<Self, Failure> {
        let (output, errors) = (folder.join("stdout"), folder.join("stderr"));
        command.stdin(Stdio::null()).stdout(File::create(&output)?).stderr(File::create(&errors)?);
        let begun = Instant::now();
        let mut child = command.spawn()?;
        let mut peak = 0;
        let status = loop {
            peak = peak.max(resident(child.id()).unwrap_or_default());
            if let Some(status) = child.try_wait()? {
                break status;
            }
            std::thread::sleep(INTERVAL);
        };
        let time = begun.elapsed();
        if status.success() {
            return Ok(Self { time, peak });
        }
        let said = [&output, &errors].map(|file| std::fs::read_to_string(file).unwrap_or_default());
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy()).collect();
        Err(format!("keymaker {}: {status}\n{}", words.join(" "), said.concat()).into())
    }

    /// Says how many rows a second they were.
    pub fn rate(&self, rows: u64) -> f64 {
        rows as f64 / self.time.as_secs_f64()
    }
}

impl Display for Measured {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        write!(f, "{:>7.1} s {:>4.0} MiB", self.time.as_secs_f64(), self.peak as f64 / 1024.0)
    }
}

fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
