//! Owns a real reverse proxy as a child process, with a file of `docs/reverse-proxy` as it is shipped: only the addresses and the TLS
//! lines become this test's own, and what surrounds the file says where logs and temporary files go.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::support::process::{Failure, Served, free_port};

/// Where the shipped files expect the two.
const KEYMAKER: &str = "127.0.0.1:8080";
const SYNAPSE: &str = "127.0.0.1:8008";

/// A reverse proxy that we ship a file for.
#[derive(Clone, Copy, PartialEq)]
pub enum Software {
    Nginx,
    Haproxy,
    Caddy,
}

impl Software {
    /// Tells whether this machine misses it.
    pub fn installed(self) -> Result<(), String> {
        self.program().map(|_| ()).ok_or_else(|| format!("no {}", self.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Haproxy => "haproxy",
            Self::Caddy => "caddy",
        }
    }

    fn program(self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        // Debian keeps servers where only an administrator's shell looks.
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        folders.map(|folder| folder.join(self.name())).find(|program| program.is_file())
    }

    /// The shipped file with the lines that name a listener replaced; each of them must be there.
    fn shipped(self, port: u16) -> String {
        let (text, listeners) = match self {
            Self::Nginx => (
                include_str!("../../docs/reverse-proxy/nginx.conf"),
                vec![("listen 443 ssl http2;", format!("listen 127.0.0.1:{port};"))],
            ),
            Self::Haproxy => (
                include_str!("../../docs/reverse-proxy/haproxy.cfg"),
                vec![("bind :443 ssl crt /etc/haproxy/certs/ alpn h2,http/1.1", format!("bind 127.0.0.1:{port}"))],
            ),
            Self::Caddy => (
                include_str!("../../docs/reverse-proxy/Caddyfile"),
                ["matrix.example.com {", "auth.example.com {"]
                    .map(|site| (site, format!("http://{}", site.replace(" {", &format!(":{port} {{")))))
                    .to_vec(),
            ),
        };
        listeners.into_iter().fold(text.to_owned(), |text, (line, ours)| {
            assert!(text.contains(line), "no {line:?} in the file of {}", self.name());
            text.replace(line, &ours)
        })
    }

    /// What surrounds the shipped file: nothing of the machine's own, one process, and `GET /health` on a port of its own.
    fn surround(self, shipped: &str, folder: &Path, health: u16) -> String {
        let at = folder.display();
        match self {
            Self::Nginx => {
                let shipped: String = shipped
                    .lines()
                    .filter(|line| !line.contains("ssl_certificate"))
                    .fold(String::new(), |text, line| text + line + "\n");
                let scratch: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map(|name| format!("{name}_temp_path {at}/{name};\n"))
                    .concat();
                format!(
                    "daemon off;\nmaster_process off;\npid {at}/pid;\nevents {{}}\nhttp {{\n{scratch}\
                     log_format hops '$upstream_addr $request_method $request_uri';\naccess_log {at}/hops hops;\n\
                     server {{ listen 127.0.0.1:{health}; access_log off; location / {{ return 200; }} }}\n{shipped}}}\n"
                )
            }
            Self::Haproxy => {
                format!(
                    "global\n\n{shipped}\nfrontend health\n    mode http\n    timeout client 5s\n    bind 127.0.0.1:{health}\n    http-request return status 200\n"
                )
            }
            Self::Caddy => {
                format!(
                    "{{\n\tadmin off\n\tauto_https off\n}}\n{shipped}\nhttp://127.0.0.1:{health} {{\n\trespond 200\n}}\n"
                )
            }
        }
    }
}

/// A running reverse proxy; the homeserver's host is the one that it answers for under any other name.
pub struct Proxy {
    pub port: u16,
    keymaker: SocketAddr,
    folder: TempDir,
    _running: Served,
}

impl Proxy {
    /// Starts it in front of the two.
    pub fn start(software: Software, keymaker: SocketAddr, synapse: SocketAddr) -> Result<Self, Failure> {
        Self::start_with(software, keymaker, synapse, false)
    }

    /// Starts it, with or without the lines that an administrator adds who has `rendezvous.enabled`.
    pub fn start_with(
        software: Software,
        keymaker: SocketAddr,
        synapse: SocketAddr,
        has_rendezvous: bool,
    ) -> Result<Self, Failure> {
        let (folder, port) = (tempfile::tempdir()?, free_port());
        // Caddy begins to serve one port after the other, so there health is a matter of the same port, under another host name.
        let health = if software == Software::Caddy { port } else { free_port() };
        let shipped = software.shipped(port);
        let shipped = if has_rendezvous { with_rendezvous(&shipped) } else { shipped };
        let shipped = shipped.replace(KEYMAKER, &keymaker.to_string()).replace(SYNAPSE, &synapse.to_string());
        let file = folder.path().join("configuration");
        std::fs::write(&file, software.surround(&shipped, folder.path(), health))?;
        let program = software.program().ok_or("it is not installed")?;
        let mut command = Command::new(program);
        match software {
            Software::Nginx => command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c"),
            Software::Haproxy => command.args(["-db", "-f"]),
            Software::Caddy => command.env("HOME", folder.path()).args(["run", "--adapter", "caddyfile", "--config"]),
        };
        command.arg(&file);
        let running = Served::start(&mut command, health, &folder.path().join("log"), Duration::from_secs(60))
            .map_err(|failure| format!("{} {failure}", software.name()))?;
        Ok(Self { port, keymaker, folder, _running: running })
    }

    /// Returns the base of what it serves.
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Returns the requests that nginx passed to Keymaker so far, as method and path.
    pub fn passed_to_keymaker(&self) -> Vec<String> {
        let hops = std::fs::read_to_string(self.folder.path().join("hops")).expect("nginx keeps a log");
        let prefix = format!("{} ", self.keymaker);
        hops.lines().filter_map(|hop| hop.strip_prefix(&prefix)).map(str::to_owned).collect()
    }
}

/// Takes away what makes comments of the lines behind the sentence about `rendezvous.enabled`.
fn with_rendezvous(shipped: &str) -> String {
    let (before, behind) = shipped.split_once("`rendezvous.enabled`").expect("the file tells of it");
    let mut is_over = false;
    let lines = behind.lines().enumerate().map(|(number, line)| {
        is_over |= number > 0 && !line.trim_start().starts_with("# ");
        if number == 0 || is_over { line.to_owned() } else { line.replacen("# ", "", 1) }
    });
    let lines: Vec<String> = lines.collect();
    format!("{before}{}\n", lines.join("\n"))
}
