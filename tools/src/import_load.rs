//! `cargo tool import-load`: what the import does on this machine, from both engines into both, out of tables that a real
//! Synapse made. Everything has been written just before, so whatever fits the machine's memory is read from there.

mod database;
mod measure;
mod source;

use std::fmt::{Display, Formatter, Result as Written};
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;
use std::time::Instant;

use clap::Args;
use tempfile::TempDir;

use crate::components::install_synapse;
use crate::postgres::Cluster;
use crate::support::homeserver::SERVER_NAME;
use crate::support::process::Failure;
use crate::workspace::build_keymaker;
use database::{Database, Engine};
use measure::Measured;
use source::Source;

#[derive(Args)]
pub struct Arguments {
    /// How many users the homeserver has. There are twice as many devices and access tokens.
    #[arg(long, default_value_t = 1_000_000)]
    users: u64,
    /// From which engine into which, each as `sqlite-postgres`.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "sqlite-sqlite,sqlite-postgres,postgres-sqlite,postgres-postgres"
    )]
    ways: Vec<Way>,
    /// Measures only what `keymaker import synapse --check` takes.
    #[arg(long)]
    check: bool,
}

/// From where to where.
#[derive(Clone, Copy)]
struct Way {
    from: Engine,
    to: Engine,
}

impl FromStr for Way {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let (from, to) = name.split_once('-').ok_or("write it as sqlite-postgres")?;
        Ok(Self { from: from.parse()?, to: to.parse()? })
    }
}

/// What Keymaker's configuration has to say for the import to find nothing to complain of.
const SETTINGS: [(&str, &str); 9] = [
    ("MATRIX__KIND", "synapse"),
    ("MATRIX__HOMESERVER", SERVER_NAME),
    ("MATRIX__ENDPOINT", "http://127.0.0.1:1/"),
    ("MATRIX__SECRET", "two_servers_share_R2x9mK4vTq8w"),
    ("ACCOUNT__LOGIN_WITH_EMAIL_ALLOWED", "true"),
    ("PASSWORDS__SCHEMES", "[{version: 1, algorithm: argon2id}, {version: 2, algorithm: bcrypt}]"),
    ("UPSTREAM_OAUTH2__PROVIDERS__0__ID", "company"),
    ("UPSTREAM_OAUTH2__PROVIDERS__0__HUMAN_NAME", "Company"),
    ("UPSTREAM_OAUTH2__PROVIDERS__0__SYNAPSE_IDP_ID", "oidc-company"),
];
/// Where what comes along is written.
const TABLES: [&str; 7] =
    ["users", "user_passwords", "user_emails", "user_phones", "upstream_links", "sessions", "tokens"];
/// What an administrator gives a database of this size, with everything kept safe that is committed.
const POSTGRES: [&str; 5] =
    ["fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=4GB"];

/// Builds, fills the homeservers and measures; everything is gone afterwards.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    install_synapse()?;
    let bench = Bench {
        binary: build_keymaker(true)?,
        folder: tempfile::Builder::new().prefix("keymaker-import-").tempdir()?,
        cluster: Cluster::start_with(&POSTGRES)?,
    };
    bench.write_configuration()?;
    let processors = std::thread::available_parallelism()?;
    println!("{} users; {processors} processors for Keymaker and the databases together", arguments.users);
    println!("PostgreSQL {}: {}", bench.postgres("postgres").run("SHOW server_version")?, POSTGRES.join(", "));

    let mut sources = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        if arguments.ways.iter().any(|way| way.from == engine) {
            sources.push(bench.fill(engine, arguments.users)?);
        }
    }
    if arguments.check {
        return Ok(());
    }
    println!("\n{TITLE}");
    for way in &arguments.ways {
        if let Some(source) = sources.iter().find(|source| source.database.engine() == way.from) {
            println!("{}", bench.import(source, way.to)?);
        }
    }
    Ok(())
}

/// Where everything is.
struct Bench {
    binary: PathBuf,
    folder: TempDir,
    cluster: Cluster,
}

impl Bench {
    fn postgres(&self, name: &str) -> Database {
        Database::Postgres { port: self.cluster.port(), name: name.to_owned() }
    }

    /// Makes an empty database.
    fn fresh(&self, engine: Engine, name: &str) -> Result<Database, Failure> {
        match engine {
            Engine::Sqlite => {
                let folder = self.folder.path().join(name);
                std::fs::create_dir(&folder)?;
                Ok(Database::Sqlite(folder.join("database.db")))
            }
            Engine::Postgres => {
                self.postgres("postgres").run(&format!("CREATE DATABASE {name} TEMPLATE template0"))?;
                Ok(self.postgres(name))
            }
        }
    }

    fn remove(&self, engine: Engine, name: &str) -> Result<(), Failure> {
        match engine {
            Engine::Sqlite => Ok(std::fs::remove_dir_all(self.folder.path().join(name))?),
            Engine::Postgres => self.postgres("postgres").run(&format!("DROP DATABASE {name}")).map(|_| ()),
        }
    }

    /// Makes the homeserver on this engine, and tells what a check of it takes.
    fn fill(&self, engine: Engine, users: u64) -> Result<Source, Failure> {
        let name = format!("synapse_{engine}").to_lowercase();
        let source = Source::create(&self.folder.path().join(&name), self.fresh(engine, &name)?, users)?;
        let begun = Instant::now();
        source.populate()?;
        let (rows, took) = (source.rows()?, begun.elapsed());
        println!("A Synapse on {engine}: {rows} rows that the import reads, written in {took:.0?}");
        let check = self.keymaker(&["synapse", "--check"], &source, None)?;
        println!("  its check: {check}, {:.0} rows a second", check.rate(rows));
        Ok(source)
    }

    /// Imports into an empty database, then once more with nothing new, then after changes, and compares.
    fn import(&self, source: &Source, to: Engine) -> Result<Line, Failure> {
        let name = "keymaker";
        let target = self.fresh(to, name)?;
        let import = || self.keymaker(&["synapse"], source, Some(&target));
        let first = import()?;
        let rows = target.count(&TABLES)?;
        target.settle()?;
        let again = import()?;
        if target.count(&TABLES)? != rows {
            return Err(format!("the second import into {to} wrote rows although nothing was new").into());
        }
        source.change()?;
        let changed = import()?;
        let verify = self.keymaker(&["verify"], source, Some(&target))?;
        self.remove(to, name)?;
        Ok(Line { from: source.database.engine(), to, rows, first, again, changed, verify })
    }

    fn write_configuration(&self) -> Result<(), Failure> {
        let output = Command::new(&self.binary).args(["config", "generate"]).output()?;
        if !output.status.success() {
            return Err(format!("keymaker config generate: {}", output.status).into());
        }
        Ok(std::fs::write(self.folder.path().join("keymaker.yaml"), output.stdout)?)
    }

    /// Runs a command of `keymaker import` about a homeserver, as an administrator does.
    fn keymaker(&self, words: &[&str], source: &Source, target: Option<&Database>) -> Result<Measured, Failure> {
        let mut command = Command::new(&self.binary);
        command
            .args(["--config", "keymaker.yaml", "import"])
            .args(words)
            .arg("--synapse-config")
            .arg(&source.configuration);
        command.current_dir(self.folder.path()).env_clear();
        command.envs(SETTINGS.iter().map(|(key, value)| (format!("KEYMAKER__{key}"), value)));
        if let Some(target) = target {
            command.env("KEYMAKER__DATABASE__URI", target.uri());
        }
        Measured::run(&mut command, self.folder.path())
    }
}

/// What one way took.
struct Line {
    from: Engine,
    to: Engine,
    /// How many the first import wrote.
    rows: u64,
    first: Measured,
    again: Measured,
    changed: Measured,
    verify: Measured,
}

const TITLE: &str = "\
from       to          rows written  rows a second      first import       nothing new     1,000 changes            verify";

impl Display for Line {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        let Self { from, to, rows, first, again, changed, verify } = self;
        let rate = first.rate(*rows);
        write!(f, "{from:<10} {to:<10} {rows:>13} {rate:>14.0} {first} {again} {changed} {verify}")
    }
}
