//! Owns a real Synapse as a child process: a data directory, a configuration with nothing but the documented
//! `matrix_authentication_service` block about us, start and stop. The developer tools start theirs through it as well.

#![allow(dead_code, reason = "the stories and the developer tools each use a part")]

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::process::{Failure, Served};

/// The domain of every user id on the test homeserver.
pub const SERVER_NAME: &str = "hs.test";

/// The release of Synapse that the stories are written against, the client library that speaks to it in one, and the driver
/// for PostgreSQL with which the import finds one.
pub const REQUIREMENTS: [&str; 3] = ["matrix-synapse==1.163.2", "matrix-nio==0.26.0", "psycopg2-binary==2.9.13"];

/// One Synapse: where it is installed, where its data is, and which Keymaker it asks.
pub struct Synapse {
    python: PathBuf,
    directory: PathBuf,
    port: u16,
    running: Option<Served>,
}

impl Synapse {
    /// Writes the configuration of a Synapse that delegates authentication to `endpoint`.
    pub fn new(venv: &Path, directory: &Path, port: u16, endpoint: &str, secret: &str) -> Result<Self, Failure> {
        std::fs::create_dir_all(directory)?;
        let at = |name: &str| directory.join(name).display().to_string();
        let configuration = format!(
            "server_name: {SERVER_NAME}
public_baseurl: http://127.0.0.1:{port}/
listeners:
  - port: {port}
    bind_addresses: ['127.0.0.1']
    type: http
    tls: false
    resources: [{{names: [client], compress: false}}]
database: {{name: sqlite3, args: {{database: '{database}'}}}}
signing_key: ed25519 a_test AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8
media_store_path: '{media}'
pid_file: '{pid}'
report_stats: false
suppress_key_server_warning: true
trusted_key_servers: []
background_updates: {{sleep_enabled: false}}
rc_message: {{per_second: 1000, burst_count: 1000}}
rc_registration: {{per_second: 1000, burst_count: 1000}}
rc_joins: {{local: {{per_second: 1000, burst_count: 1000}}}}
matrix_authentication_service:
  enabled: true
  endpoint: {endpoint}
  secret: {secret}
",
            database = at("homeserver.db"),
            media = at("media"),
            pid = at("homeserver.pid"),
        );
        std::fs::write(directory.join("homeserver.yaml"), configuration)?;
        Ok(Self { python: venv.join("bin/python"), directory: directory.to_path_buf(), port, running: None })
    }

    /// Adds to the configuration; Synapse reads it when it starts.
    pub fn configure(&self, more: &str) -> Result<(), Failure> {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.directory.join("homeserver.yaml"))?;
        Ok(file.write_all(more.as_bytes())?)
    }

    /// Returns the directory that holds its data.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Returns the base of the client-server API.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Starts Synapse and waits until it is healthy.
    pub fn start(&mut self) -> Result<(), Failure> {
        let mut command = Command::new(&self.python);
        command
            .args(["-m", "synapse.app.homeserver", "-c"])
            .arg(self.directory.join("homeserver.yaml"))
            .current_dir(&self.directory);
        let served =
            Served::start(&mut command, self.port, &self.directory.join("synapse.log"), Duration::from_secs(120))
                .map_err(|failure| format!("Synapse {failure}"))?;
        self.running = Some(served);
        Ok(())
    }

    /// Stops Synapse; its data stays for the next start.
    pub fn stop(&mut self) {
        self.running = None;
    }
}

/// Returns whether `venv` holds an installed Synapse.
pub fn is_installed(venv: &Path) -> bool {
    venv.join("bin/python").exists() && venv.join("bin/synapse_homeserver").exists()
}

/// Returns whether `venv` holds the Python packages that the stories need beside Synapse: a client library, and what lets it
/// use PostgreSQL.
pub fn has_packages(venv: &Path) -> bool {
    let versions = std::fs::read_dir(venv.join("lib")).into_iter().flatten().flatten();
    versions
        .into_iter()
        .any(|python| ["nio", "psycopg2"].iter().all(|name| python.path().join("site-packages").join(name).is_dir()))
}
