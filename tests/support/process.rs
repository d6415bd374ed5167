//! Owns Keymaker as a child process: the real binary on a free loopback port with data of its own, killed without warning and
//! started again on the same data. Knows nothing of any one story; the developer tools start the server through it as well.

#![allow(dead_code, reason = "the stories and the developer tools each use a part")]

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// What goes wrong with a child process, in words for the person who reads the test's output.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Returns a loopback port that nothing listens on.
pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_or(0, |address| address.port())
}

/// A child process that serves HTTP on a loopback port and answers `GET /health` with 200 when it is ready.
pub struct Served {
    child: Child,
    /// The time from the start of the process to its first healthy answer.
    pub ready_after: Duration,
}

impl Served {
    /// Starts `command` with its output in the file `log` and waits until it is healthy.
    pub fn start(command: &mut Command, port: u16, log: &Path, limit: Duration) -> Result<Self, Failure> {
        let output = std::fs::OpenOptions::new().create(true).append(true).open(log)?;
        // A proxy of the surrounding machine must never see traffic between two ports of it.
        for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let begun = Instant::now();
        let child = command.spawn().map_err(|error| format!("{:?} does not start: {error}", command.get_program()))?;
        let mut served = Self { child, ready_after: Duration::ZERO };
        while !is_healthy(port) {
            if let Some(status) = served.child.try_wait()? {
                return Err(format!("ended with {status} at start:\n{}", tail(log)).into());
            }
            if begun.elapsed() > limit {
                return Err(format!("not healthy after {limit:?}:\n{}", tail(log)).into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        served.ready_after = begun.elapsed();
        Ok(served)
    }

    /// Returns the process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Served {
    /// Kills without warning, as a power cut would: whatever was promised must be on disk by then.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_healthy(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// One Keymaker: its binary, its data directory and the settings that differ from the development defaults.
pub struct Keymaker {
    binary: PathBuf,
    directory: PathBuf,
    host: &'static str,
    port: u16,
    settings: Vec<(String, String)>,
    running: Option<Served>,
    _temporary: Option<TempDir>,
}

impl Keymaker {
    /// Prepares a server with a temporary data directory that goes away with it.
    pub fn temporary(binary: impl Into<PathBuf>) -> Result<Self, Failure> {
        let temporary = tempfile::tempdir()?;
        let mut keymaker = Self::in_directory(binary, temporary.path(), free_port());
        keymaker._temporary = Some(temporary);
        Ok(keymaker)
    }

    /// Prepares a server whose data stays in `directory`.
    pub fn in_directory(binary: impl Into<PathBuf>, directory: &Path, port: u16) -> Self {
        Self {
            binary: binary.into(),
            directory: directory.to_path_buf(),
            host: "127.0.0.1",
            port,
            settings: Vec::new(),
            running: None,
            _temporary: None,
        }
        .with("http.public_base", format!("http://127.0.0.1:{port}/"))
        .with("http.listeners.0.binds.0.address", format!("127.0.0.1:{port}"))
    }

    /// Sets a key of the configuration, named as in the file (`matrix.kind`).
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        let variable = format!("KEYMAKER__{}", key.replace('.', "__").to_uppercase());
        self.settings.push((variable, value.into()));
        self
    }

    /// Gives the server a host name, without which browsers know no passkeys.
    pub fn at_localhost(mut self) -> Self {
        self.host = "localhost";
        let base = self.base();
        self.with("http.public_base", base)
    }

    /// Returns the issuer, with its trailing slash.
    pub fn base(&self) -> String {
        format!("http://{}:{}/", self.host, self.port)
    }

    /// Returns the loopback address that it listens on.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Returns the directory that holds its data.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the process id while it runs.
    pub fn id(&self) -> Option<u32> {
        self.running.as_ref().map(Served::id)
    }

    /// Starts the server and returns how long it took to be ready.
    pub fn start(&mut self) -> Result<Duration, Failure> {
        let log = self.directory.join("keymaker.log");
        let served = Served::start(self.command().arg("server"), self.port, &log, Duration::from_secs(60))
            .map_err(|failure| format!("Keymaker {failure}"))?;
        let ready_after = served.ready_after;
        self.running = Some(served);
        Ok(ready_after)
    }

    /// Kills the process (`SIGKILL`); its data stays for the next start.
    pub fn kill(&mut self) {
        self.running = None;
    }

    /// Runs a command that ends by itself, such as `["manage", "lock-user", "alice"]`, and returns its output.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        let output = self.command().args(arguments).stdin(Stdio::null()).output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(format!("keymaker {arguments:?}: {}: {said}", output.status).into())
        }
    }

    /// Returns the end of what the server wrote to its terminal.
    pub fn log(&self) -> String {
        tail(&self.directory.join("keymaker.log"))
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .current_dir(&self.directory)
            .env("KEYMAKER_DATA_DIR", &self.directory)
            .envs(self.settings.iter().map(|(key, value)| (key, value)));
        command
    }
}
