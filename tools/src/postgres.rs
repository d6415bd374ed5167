//! Owns a temporary PostgreSQL: a cluster of its own on a free loopback port, gone with the value that holds it.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::process::{Failure, free_port};

/// A running cluster with the encoding and locale that a homeserver's database has, without durability unless it is asked for.
pub struct Cluster {
    binaries: PathBuf,
    folder: TempDir,
    server: Child,
    port: u16,
    owner: Option<Owner>,
}

/// The account that PostgreSQL runs as when the tool itself runs as root, which PostgreSQL refuses to.
#[derive(Clone, Copy)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Cluster {
    /// Makes and starts a cluster, or says in words why this machine cannot.
    pub fn start() -> Result<Self, Failure> {
        Self::start_with(&[])
    }

    /// Makes and starts a cluster with other settings, such as `fsync=on`.
    pub fn start_with(settings: &[&str]) -> Result<Self, Failure> {
        let binaries = find_binaries().ok_or("no PostgreSQL server is installed")?;
        let folder = tempfile::Builder::new().prefix("keymaker-postgres-").tempdir()?;
        let owner = if fs::metadata("/proc/self")?.uid() == 0 {
            let owner = find_owner()?.ok_or("PostgreSQL refuses root and there is no account `postgres`")?;
            chown(folder.path(), Some(owner.uid), Some(owner.gid))?;
            Some(owner)
        } else {
            None
        };
        let data = folder.path().join("data");
        let initialised = as_owner(&binaries, "initdb", owner)
            .args(["--auth=trust", "--username=keymaker", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .arg("--pgdata")
            .arg(&data)
            .current_dir(folder.path())
            .output()?;
        if !initialised.status.success() {
            let said = String::from_utf8_lossy(&initialised.stderr);
            return Err(format!("initdb: {}: {said}", initialised.status).into());
        }
        let port = free_port();
        let log = fs::File::create(folder.path().join("log"))?;
        let server = as_owner(&binaries, "postgres", owner)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .args(["-p", &port.to_string()])
            .args([
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
                "-c",
                "synchronous_commit=off",
                "-c",
                "full_page_writes=off",
                "-c",
                "max_connections=400",
            ])
            // Of several values of one setting the last counts.
            .args(settings.iter().flat_map(|setting| ["-c", setting]))
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut cluster = Self { binaries, folder, server, port, owner };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Returns the URI of a database that a suite may make others beside.
    pub fn uri(&self) -> String {
        format!("postgres://keymaker@127.0.0.1:{}/postgres", self.port)
    }

    /// Returns the port on which it listens on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn wait_until_ready(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            let ready = Command::new(self.binaries.join("pg_isready"))
                .args(["--quiet", "--host=127.0.0.1", "--port", &self.port.to_string()])
                .status()?;
            if ready.success() {
                return Ok(());
            }
            let ended = self.server.try_wait()?;
            if ended.is_some() || begun.elapsed() > Duration::from_secs(30) {
                let log = fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                return Err(format!("PostgreSQL did not start: {log}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = as_owner(&self.binaries, "pg_ctl", self.owner)
            .args(["stop", "--silent", "--mode=immediate", "--pgdata"])
            .arg(self.folder.path().join("data"))
            .current_dir(self.folder.path())
            .status();
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn as_owner(binaries: &std::path::Path, program: &str, owner: Option<Owner>) -> Command {
    let mut command = Command::new(binaries.join(program));
    if let Some(Owner { uid, gid }) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

/// Finds the folder of `initdb`: on the path, or where Debian keeps it, the newest release first.
fn find_binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut debian: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    std::env::split_paths(&path)
        .chain(debian.into_iter().rev())
        .filter(|folder| folder.join("postgres").exists())
        // A link on the path leads to the folder that has all the programs.
        .find_map(|folder| {
            let initdb = folder.join("initdb").canonicalize().ok()?;
            Some(initdb.parent()?.to_path_buf())
        })
}

fn find_owner() -> Result<Option<Owner>, Failure> {
    let accounts = fs::read_to_string("/etc/passwd")?;
    Ok(accounts.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        match fields[..] {
            ["postgres", _, uid, gid, ..] => Some(Owner { uid: uid.parse().ok()?, gid: gid.parse().ok()? }),
            _ => None,
        }
    }))
}
