//! `cargo tool policy`: how long the policies take to answer, with lists of the size that a real deployment has. An answer that
//! takes longer than promised is a failure.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use clap::Args;
use serde_json::{Value, json};

use crate::{support::process::Failure, workspace::build_keymaker};

#[derive(Args)]
pub struct Arguments {
    /// How many words are banned.
    #[arg(long, default_value_t = 500)]
    words: usize,
    /// How many hosts are denied.
    #[arg(long, default_value_t = 100)]
    hosts: usize,
    /// How often each question is asked.
    #[arg(long, default_value_t = 2000)]
    repeat: usize,
}

/// What an answer may take, in microseconds.
const PROMISED: u64 = 300;

/// Builds and measures.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let binary = build_keymaker(true)?;
    let directory = tempfile::tempdir()?;
    let data = data(arguments).to_string();
    let mut too_slow = Vec::new();
    for (decision, question) in questions() {
        let mut child = Command::new(&binary)
            .args(["policy", "eval", decision, "--repeat", &arguments.repeat.to_string()])
            .env("KEYMAKER_DATA_DIR", directory.path())
            .env("KEYMAKER__POLICY__DATA", &data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().ok_or("no standard input")?.write_all(question.to_string().as_bytes())?;
        let said = String::from_utf8(child.wait_with_output()?.stdout)?;
        let taken = said.lines().find_map(|line| line.strip_prefix("One answer takes ")?.strip_suffix(" µs."));
        let taken: u64 = taken.ok_or_else(|| format!("{decision}: {said}"))?.parse()?;
        println!("{decision:<20} {taken:>4} µs");
        if taken > PROMISED {
            too_slow.push(decision);
        }
    }
    match too_slow.is_empty() {
        true => Ok(()),
        false => Err(format!("more than {PROMISED} µs: {}", too_slow.join(", ")).into()),
    }
}

/// Lists of which nothing fits, so that every entry is looked at.
fn data(arguments: &Arguments) -> Value {
    let words: Vec<String> = (0..arguments.words).map(|i| format!("banned{i}")).collect();
    let hosts: Vec<String> =
        (0..arguments.hosts).map(|i| format!("{}host{i}.example", if i % 4 == 0 { "*." } else { "" })).collect();
    let networks: Vec<String> = (0..arguments.hosts.min(100)).map(|i| format!("10.{i}.0.0/16")).collect();
    let few = &words[..words.len().min(20)];
    json!({
        "registration": {
            "reserved_usernames": { "literals": words },
            "banned_usernames": { "literals": words, "substrings": words, "prefixes": words, "suffixes": words, "regexes": few },
        },
        "emails": { "banned_addresses": { "literals": words, "substrings": few }, "banned_domains": hosts },
        "requester": { "banned_networks": &networks[..networks.len().min(20)] },
        "clients": { "denied_hosts": hosts, "denied_names": { "substrings": words }, "denied_software_ids": words },
        "authorization": { "denied_clients": hosts, "denied_users": words, "denied_scopes": few },
        "compat": { "device_limit": { "soft_limit": 20, "hard_limit": 50 }, "denied_users": words },
        "passwords": { "min_length": 10, "min_score": 2, "banned_words": words, "forbid_username": true },
        "logins": {
            "trusted_networks": ["172.16.0.0/12"],
            "denied_networks": networks,
            "ask_again_outside_trusted_networks": true,
            "require": [{ "acr": "mfa", "admins": true }, { "max_age_hours": 12, "users": words }],
        },
    })
}

fn questions() -> [(&'static str, Value); 7] {
    let requester =
        json!({ "ip": "192.0.2.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0" });
    let user = json!({ "id": "01ALICE", "username": "alice.liddell", "is_admin": false });
    let client = json!({ "id": "01APP", "host": "app.example.com", "client_name": "An app" });
    let scope = "openid urn:matrix:client:api:* urn:matrix:client:device:ABCDEFGHIJ";
    let metadata = json!({
        "client_name": "An app",
        "client_uri": "https://app.example.com/",
        "redirect_uris": ["https://app.example.com/callback"],
        "software_id": "an-app",
    });
    let email = "alice.liddell@mail.example.org";
    [
        (
            "register",
            json!({ "username": "alice.liddell", "email": email, "method": "password", "requester": requester }),
        ),
        ("client_registration", json!({ "client_metadata": metadata, "requester": requester })),
        (
            "authorization_grant",
            json!({ "client": client, "scope": scope, "grant_type": "authorization_code", "user": user, "requester": requester }),
        ),
        (
            "compat_login",
            json!({
                "user": user, "login_type": "m.login.password", "is_interactive": false, "device_count": 3,
                "requester": requester,
            }),
        ),
        ("email", json!({ "email": email, "requester": requester })),
        (
            "password",
            json!({ "username": "alice.liddell", "password": "correct horse battery staple", "length": 28, "score": 4 }),
        ),
        (
            "login",
            json!({
                "user": user, "place": "authorization", "client": client, "scope": scope,
                "session": { "ip": "172.16.0.1", "acr": "password", "age": 60 }, "requester": requester,
            }),
        ),
    ]
}
