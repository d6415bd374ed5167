//! Owns the databases of a measurement: SQL on either engine, spoken by Synapse's Python, which has the drivers of both.

use std::fmt::{Display, Formatter, Result as Written};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::str::FromStr;

use crate::support::process::Failure;
use crate::workspace::synapse_venv;

/// Which of the two engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl FromStr for Engine {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" => Ok(Self::Postgres),
            _ => Err(format!("{name} is neither sqlite nor postgres")),
        }
    }
}

impl Display for Engine {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        f.pad(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// A file, or a database of the cluster on a loopback port.
pub enum Database {
    Sqlite(PathBuf),
    Postgres { port: u16, name: String },
}

/// Runs the statements on the standard input, and prints the first value that the last one gives.
const PROGRAM: &str = r"
import sqlite3, sys
uri = sys.argv[1]
if uri.startswith('sqlite://'):
    connection = sqlite3.connect(uri[len('sqlite://'):], isolation_level=None)
else:
    import psycopg2
    connection = psycopg2.connect(uri)
    connection.autocommit = True
cursor = connection.cursor()
for statement in sys.stdin.read().split(';\n'):
    if statement.strip():
        cursor.execute(statement)
print(cursor.fetchone()[0] if cursor.description else '')
connection.close()
";

impl Database {
    pub fn engine(&self) -> Engine {
        match self {
            Self::Sqlite(_) => Engine::Sqlite,
            Self::Postgres { .. } => Engine::Postgres,
        }
    }

    /// Returns the address, as Keymaker's and Synapse's configuration have it.
    pub fn uri(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite://{}", file.display()),
            Self::Postgres { port, name } => format!("postgresql://keymaker@127.0.0.1:{port}/{name}"),
        }
    }

    /// Runs statements, each of which ends with its line, and returns the first value that the last one gives.
    pub fn run(&self, sql: &str) -> Result<String, Failure> {
        let mut python = Command::new(synapse_venv().join("bin/python"))
            .args(["-c", PROGRAM, &self.uri()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = python.stdin.take() {
            input.write_all(format!("{sql};\n").as_bytes())?;
        }
        let output = python.wait_with_output()?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{}: {}", self.engine(), said.lines().last().unwrap_or_default()).into())
    }

    /// Runs a statement that gives a number.
    pub fn number(&self, sql: &str) -> Result<u64, Failure> {
        let value = self.run(sql)?;
        Ok(value.parse().map_err(|_| format!("{value:?} is no number: {sql}"))?)
    }

    /// Counts the rows of some tables.
    pub fn count(&self, tables: &[&str]) -> Result<u64, Failure> {
        let counts: Vec<String> = tables.iter().map(|table| format!("(SELECT COUNT(*) FROM {table})")).collect();
        self.number(&format!("SELECT {}", counts.join(" + ")))
    }

    /// Lets what was written so far reach the disk, so that the next measurement does not pay for it.
    pub fn settle(&self) -> Result<(), Failure> {
        if self.engine() == Engine::Postgres {
            self.run("CHECKPOINT")?;
        }
        crate::workspace::run(&mut Command::new("sync"))
    }
}
