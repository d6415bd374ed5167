//! Moving accounts here from another server (issue "keymaker import synapse"): what a check of a real Synapse's own database
//! tells, that nobody notices the move, and that it can be interrupted, repeated and refused. The real program is run, as an
//! administrator runs it.

/// Tells a story four times: out of each engine into each.
macro_rules! in_four_ways {
    ($story:ident) => {
        mod $story {
            use crate::import::{Engine::*, Way};

            #[tokio::test(flavor = "multi_thread")]
            async fn from_sqlite_into_sqlite() {
                super::$story(Way { source: Sqlite, target: Sqlite }).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn from_sqlite_into_postgres() {
                super::$story(Way { source: Sqlite, target: Postgres }).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn from_postgres_into_sqlite() {
                super::$story(Way { source: Postgres, target: Sqlite }).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn from_postgres_into_postgres() {
                super::$story(Way { source: Postgres, target: Postgres }).await;
            }
        }
    };
}

mod again;
mod check;
mod interrupted;
mod legacy;
mod people;
mod population;
mod refusals;
mod scratch;
mod switch;
mod target;
mod wrong;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use self::legacy::{Legacy, PEPPER};
use self::target::{Engine, Target};
use crate::browser::is_told_elsewhere;
use crate::support::{Server, Setup, audit::Audit, identity_provider::IdentityProvider};

const SINGLE_SIGN_ON: &str =
    "oidc_providers: [{idp_id: google, idp_name: Google, issuer: 'https://x/', client_id: x}]\n";
const FILES: [&str; 4] = ["--synapse-config", "homeserver.yaml", "--synapse-config", "sso.yaml"];
const SECRET: &str = "two-servers-share-R2x9mK4vTq8w";

/// What a command said and how it ended.
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Outcome {
    fn of(command: &mut Command) -> Self {
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Gives the lines of a section of the report, without their indentation.
    fn section(&self, title: &str) -> Vec<&str> {
        let lines = self.stdout.lines().skip_while(|line| *line != title).skip(1);
        lines.take_while(|line| !line.is_empty()).map(str::trim).collect()
    }

    /// The command failed in an orderly way and said why in one sentence, without a secret.
    fn assert_one_sentence(&self, words: &[&str]) {
        assert_eq!((self.code, &*self.stdout), (Some(1), ""), "{}", self.stderr);
        for words in words {
            assert!(self.stderr.contains(words), "no {words:?} in {}", self.stderr);
        }
        assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        assert!(self.stderr.starts_with("keymaker: ") && !self.stderr.contains("hunter2"), "{}", self.stderr);
    }

    #[track_caller]
    fn assert_success(&self) {
        assert_eq!(self.code, Some(0), "{}\n{}", self.stdout, self.stderr);
        assert!(
            !self.stdout.contains("hunter2") && !self.stderr.contains("hunter2"),
            "{}\n{}",
            self.stdout,
            self.stderr
        );
    }

    /// The command wants something changed first, or found something that must not be.
    #[track_caller]
    fn assert_refusal(&self, words: &str) {
        assert_eq!(self.code, Some(2), "{}\n{}", self.stdout, self.stderr);
        let told = self.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(words), "no {words:?} in {}", self.stdout);
    }
}

/// Runs `keymaker import synapse --check` in a folder, with the configuration `keymaker.yaml` there.
fn check(folder: &Path, settings: &[(&str, &str)], arguments: &[&str]) -> Outcome {
    let mut command = keymaker(folder);
    configure(&mut command, settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
    Outcome::of(command.args(["import", "synapse", "--check"]).args(arguments))
}

/// Prepares the program in a folder, with the configuration there and none of this process's own.
fn keymaker(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keymaker"));
    command.args(["--config", "keymaker.yaml"]).current_dir(folder).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn configure<'s>(command: &mut Command, settings: impl IntoIterator<Item = (&'s str, String)>) {
    for (key, value) in settings {
        command.env(format!("KEYMAKER__{}", key.replace('.', "__").to_uppercase()), value);
    }
}

/// Writes a `keymaker.yaml` as an administrator gets one.
fn write_configuration(folder: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_keymaker")).args(["config", "generate"]).output().unwrap();
    assert!(output.status.success());
    std::fs::write(folder.join("keymaker.yaml"), output.stdout).unwrap();
}

/// The schemes of a Keymaker that verifies the passwords of a Synapse with this pepper.
fn schemes(pepper: &str) -> String {
    format!("[{{version: 1, algorithm: argon2id}}, {{version: 2, algorithm: bcrypt, secret: '{pepper}'}}]")
}

/// Out of which engine into which.
#[derive(Clone, Copy)]
struct Way {
    source: Engine,
    target: Engine,
}

impl Way {
    /// Tells whether it is one for this run: without a PostgreSQL server there is one way, and that one is told once.
    fn is_open(self) -> bool {
        match (self.source, self.target) {
            (Engine::Sqlite, Engine::Sqlite) => Engine::of_this_run() == Engine::Sqlite || !is_told_elsewhere(),
            _ => Engine::of_this_run() == Engine::Postgres,
        }
    }
}

const ENCRYPTION_KEY: &str = "6698307f22424b7a06a93eeb44cc6308580b848a5e3a16e8e5a54de7a4791001";

/// A Synapse that is to be left, and the database of the Keymaker that takes its place.
struct Move {
    legacy: Legacy,
    target: Target,
}

impl Move {
    /// Begins with a Synapse that runs and is empty, unless this way is not for this run.
    async fn begin(way: Way) -> Option<Self> {
        if !way.is_open() {
            return None;
        }
        Some(Self::of(Legacy::start_on(way.source).await?, way.target).await)
    }

    /// Begins with a Synapse that is stopped after it was populated, unless this way is not for this run.
    async fn begin_at_rest(way: Way) -> Option<Self> {
        if !way.is_open() {
            return None;
        }
        Some(Self::of(Legacy::at_rest(way.source).await?, way.target).await)
    }

    async fn of(legacy: Legacy, target: Engine) -> Self {
        let folder = legacy.folder.path();
        write_configuration(folder);
        std::fs::write(folder.join("sso.yaml"), SINGLE_SIGN_ON).unwrap();
        let target = Target::fresh(target, folder).await;
        Self { legacy, target }
    }

    fn folder(&self) -> &Path {
        self.legacy.folder.path()
    }

    /// The configuration of a Keymaker to which nothing is left to do.
    fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("database.uri", self.target.uri.clone()),
            // The database knows it: the service in this process and the commands need the same.
            ("secrets.encryption", ENCRYPTION_KEY.to_owned()),
            ("matrix.kind", "synapse".to_owned()),
            ("matrix.homeserver", "hs.test".to_owned()),
            ("matrix.endpoint", self.legacy.base()),
            ("matrix.secret", SECRET.to_owned()),
            ("account.login_with_email_allowed", "true".to_owned()),
            ("passwords.schemes", schemes(PEPPER)),
            ("upstream_oauth2.providers", "[{id: google, synapse_idp_id: oidc-google}]".to_owned()),
        ]
    }

    /// Prepares a command with that configuration, and something in it changed.
    fn command_with(&self, changes: &[(&'static str, &str)], arguments: &[&str]) -> Command {
        let mut command = keymaker(self.folder());
        configure(&mut command, self.settings());
        configure(&mut command, changes.iter().map(|(key, value)| (*key, (*value).to_owned())));
        command.args(arguments);
        command
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.command_with(&[], arguments)
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(&mut self.command(arguments))
    }

    fn import(&self, options: &[&str]) -> Outcome {
        self.run(&[&["import", "synapse"], &FILES[..], options].concat())
    }

    fn import_with(&self, changes: &[(&'static str, &str)]) -> Outcome {
        Outcome::of(&mut self.command_with(changes, &[&["import", "synapse"], &FILES[..]].concat()))
    }

    fn verify(&self) -> Outcome {
        self.run(&[&["import", "verify"], &FILES[..]].concat())
    }

    /// Imports, and finds that nothing is different.
    fn import_and_verify(&self) -> Outcome {
        let outcome = self.import(&[]);
        outcome.assert_success();
        self.verify().assert_success();
        outcome
    }

    /// Runs a command that has to succeed.
    fn manage(&self, arguments: &[&str]) {
        self.run(&[&["manage"], arguments].concat()).assert_success();
    }

    /// Starts Keymaker in this process, so that its clock can be moved.
    async fn serve(&self, setup: Setup) -> Server {
        self.serve_with(setup, &[]).await
    }

    /// The same, with providers in place of those that the import was told of.
    async fn serve_with(&self, setup: Setup, providers: &[(&IdentityProvider, &str, Value)]) -> Server {
        let setup = self.settings().into_iter().fold(setup, |setup, (key, value)| setup.with(key, value));
        let setup = if providers.is_empty() { setup } else { setup.providers(providers) };
        let mut server = setup.start().await;
        // What this database holds, the stories compare themselves.
        server.audit = Audit::default();
        server
    }
}
