//! `cargo tool dev`: a homeserver, Keymaker and a client on this machine, with a person to sign in as. Everything lives in
//! `target/dev`, is made anew at each start and stops with Ctrl-C.

use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use clap::Args;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::signal::unix::{SignalKind, signal};

use crate::components::install_synapse;
use crate::support::homeserver::{SERVER_NAME, Synapse};
use crate::support::process::{Failure, Keymaker};
use crate::workspace::{build_keymaker, synapse_venv, target};

#[derive(Args)]
pub struct Arguments {
    /// The port of Keymaker.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The port of Synapse.
    #[arg(long, default_value_t = 8008)]
    synapse_port: u16,
    /// The port of the demo client.
    #[arg(long, default_value_t = 8090)]
    client_port: u16,
}

const USER: &str = "demo";
const PASSWORD: &str = "wander-otter-lantern";
const SECRET: &str = "a-secret-for-development-on-loopback";
const PAGE: &str = include_str!("../../demo/index.html");

/// Starts all three, says where to click, and waits for Ctrl-C.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    for port in [arguments.port, arguments.synapse_port, arguments.client_port] {
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|error| {
            format!("Port {port} cannot be used: {error}. See `cargo tool dev --help` for another.")
        })?;
    }
    install_synapse()?;
    println!("Building Keymaker");
    let binary = build_keymaker(false)?;

    let folder = target().join("dev");
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    let data = folder.join("keymaker");
    std::fs::create_dir_all(&data)?;

    println!("Starting Synapse and Keymaker");
    let mut keymaker = Keymaker::in_directory(binary, &data, arguments.port)
        .with("account.password_registration_enabled", "true")
        .with("matrix.kind", "synapse")
        .with("matrix.homeserver", SERVER_NAME)
        .with("matrix.endpoint", format!("http://127.0.0.1:{}/", arguments.synapse_port))
        .with("matrix.secret", SECRET);
    let mut synapse =
        Synapse::new(&synapse_venv(), &folder.join("synapse"), arguments.synapse_port, &keymaker.base(), SECRET)?;
    synapse.start()?;
    keymaker.start()?;
    keymaker.run(&["manage", "register-user", USER, "--password", PASSWORD])?;

    let page = PAGE.replace("{{homeserver}}", &synapse.base());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.client_port)).await?;
        println!(
            "
  Demo client   http://127.0.0.1:{}/
  Keymaker      {}
  Synapse       {}
  Sign in as    {USER}
  Password      {PASSWORD}

The logs are in {}. Ctrl-C stops everything.",
            arguments.client_port,
            keymaker.base(),
            synapse.base(),
            folder.display(),
        );
        let mut terminated = signal(SignalKind::terminate())?;
        tokio::select! {
            served = serve(listener, &page) => served,
            interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            _ = terminated.recv() => Ok(()),
        }
    })
}

/// Answers every request with the demo client's one page.
async fn serve(listener: tokio::net::TcpListener, page: &str) -> Result<(), Failure> {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nReferrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    loop {
        let (mut stream, _) = listener.accept().await?;
        let answer = answer.clone();
        tokio::spawn(async move {
            let exchange = async {
                if stream.read(&mut [0; 8192]).await? == 0 {
                    return Ok(());
                }
                stream.write_all(answer.as_bytes()).await?;
                stream.shutdown().await
            };
            // A browser that connects and says nothing costs a task for ten seconds and no more.
            let _ = tokio::time::timeout(Duration::from_secs(10), exchange).await;
        });
    }
}
