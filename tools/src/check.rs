//! `cargo tool check`: everything that must hold before a change lands, in the order that fails soonest.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use clap::Args;

use crate::components::{install_node_packages, install_parties, install_synapse};
use crate::postgres::Cluster;
use crate::support::process::Failure;
use crate::workspace::{self, cargo};

#[derive(Args)]
pub struct Arguments {
    /// Installs Synapse, the relying parties in Python and the Node.js packages that the stories need.
    #[arg(long)]
    install: bool,
}

/// What a story that was left out says; the harness counts it as passed.
const SKIPPED: &str = "SKIPPED ";

/// What the test harness counted.
#[derive(Default)]
struct Count {
    passed: u32,
    failed: u32,
    skipped: u32,
    /// Stories left out by the program whose closing line is still to come.
    left_out: u32,
}

impl Count {
    /// Adds a line of a story that was left out, or a program's closing one: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn add(&mut self, line: &str) {
        if line.contains(SKIPPED) {
            self.left_out += 1;
        }
        let Some(rest) = line.strip_prefix("test result: ") else {
            return;
        };
        for part in rest.split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(Ok(number)), Some(word)) = (words.next().map(str::parse::<u32>), words.next()) else {
                continue;
            };
            match word {
                "passed" => self.passed += number.saturating_sub(self.left_out),
                "failed" => self.failed += number,
                "ignored" => self.skipped += number + self.left_out,
                _ => {}
            }
        }
        self.left_out = 0;
    }
}

/// Runs the checks; the first broken rule ends it, but a failing test does not hide the other engine's.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.install {
        install_node_packages()?;
        install_synapse()?;
        install_parties()?;
    }
    step("formatting");
    run_cargo(&["fmt", "--all", "--check"])?;
    step("lints");
    run_cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny=warnings"])?;

    let mut count = Count::default();
    step("tests on SQLite");
    let mut green = test(None, &mut count)?;

    match Cluster::start() {
        Ok(cluster) => {
            step("tests on PostgreSQL");
            green &= test(Some(&cluster.uri()), &mut count)?;
        }
        Err(reason) if is_ci() => return Err(format!("tests on PostgreSQL: {reason}").into()),
        Err(reason) => println!("SKIPPED tests on PostgreSQL: {reason}"),
    }

    println!("{} passed, {} failed, {} skipped", count.passed, count.failed, count.skipped);
    if green { Ok(()) } else { Err("a test failed".into()) }
}

fn run_cargo(arguments: &[&str]) -> Result<(), Failure> {
    workspace::run(&mut cargo(arguments))
}

fn step(name: &str) {
    println!("== {name}");
}

fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !matches!(&*value, "" | "0" | "false"))
}

/// Runs the suite once, shows what it prints and counts it; answers whether all of it passed.
fn test(postgres: Option<&str>, count: &mut Count) -> Result<bool, Failure> {
    let mut command = cargo(&["test", "--workspace", "--no-fail-fast"]);
    command.stdout(Stdio::piped());
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        command.env("RUST_TEST_THREADS", threads().to_string());
    }
    match postgres {
        // Pages and homeserver never see the database; one story of theirs still runs here, to show that the whole holds together.
        Some(uri) => command.env("KEYMAKER_TEST_DATABASE_URI", uri).env("KEYMAKER_TEST_SKIP_EXTERNAL", "1"),
        None => command.env_remove("KEYMAKER_TEST_DATABASE_URI"),
    };
    let before = count.passed;
    let mut child = command.spawn()?;
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines() {
            let line = line?;
            count.add(&line);
            println!("{line}");
        }
    }
    let status = child.wait()?;
    if count.passed == before {
        return Err(format!("no test ran: {status}").into());
    }
    Ok(status.success())
}

/// Stories wait much of their time, for a browser, a homeserver or a database.
fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get() + cores.get().div_ceil(2))
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn the_harness_closing_lines_are_added_up() {
        let mut count = Count::default();
        for line in [
            "running 3 tests",
            "SKIPPED synapse::a_story: no Synapse",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.01s",
            "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.50s",
        ] {
            count.add(line);
        }
        assert_eq!((count.passed, count.failed, count.skipped), (5, 1, 2));
    }
}
