//! The program itself, as an operator runs it: what it says when it cannot start, its commands, and its sudden death.

mod commands;
mod crash;
mod refusals;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What a command said and how it ended.
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program to its end in a directory, without a terminal.
pub fn run(directory: &Path, settings: &[(&str, &str)], arguments: &[&str], stdin: &str) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keymaker"));
    command.args(arguments).current_dir(directory).env_clear().env("KEYMAKER_DATA_DIR", directory);
    for (key, value) in settings {
        command.env(format!("KEYMAKER__{}", key.replace('.', "__").to_uppercase()), value);
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        // A server that should have refused to start would run for ever.
        if begun.elapsed() > Duration::from_secs(30) {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

impl Outcome {
    pub fn assert_success(&self, words: &str) {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        assert!(self.stdout.contains(words), "{}", self.stdout);
    }

    /// The command failed in an orderly way and said why.
    pub fn assert_failure(&self, words: &[&str]) {
        assert_eq!(self.code, Some(1), "{} {}", self.stdout, self.stderr);
        for words in words {
            assert!(self.stderr.contains(words), "no {words:?} in {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked") && !self.stderr.contains("RUST_BACKTRACE"), "{}", self.stderr);
        assert_eq!(self.stderr.matches("keymaker: ").count(), 1, "{}", self.stderr);
    }

    /// The failure is one sentence on one line.
    pub fn assert_one_sentence(&self, words: &[&str]) {
        self.assert_failure(words);
        let said: Vec<&str> = self.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(said.len(), 1, "{}", self.stderr);
        assert!(said[0].len() < 400, "{}", self.stderr);
    }
}

#[tokio::test]
async fn metrics_are_for_the_configured_networks_and_health_is_for_everybody() {
    // Issue "GET /metrics"; INV-11: the address is seen through the proxy, so the public behind it sees nothing.
    let server = crate::support::Server::start().await;
    server.user("alice").await;
    server.browser().sign_in("alice").await;
    let own = server.get("metrics").await;
    assert_eq!(own.status, 200);
    assert!(own.body.contains("keymaker_logins_total{result=\"success\"}"), "{}", own.body);
    assert!(own.body.contains("route=\"/login\""), "{}", own.body);
    let http = &server.http;
    let outside = http.client.get(http.url("metrics")).header("x-forwarded-for", "203.0.113.9");
    assert_eq!(http.send(outside).await.status, 404);
    let health = http.client.get(http.url("health")).header("x-forwarded-for", "203.0.113.9");
    assert_eq!(http.send(health).await.status, 200);
}
