//! What goes wrong before or during an import: it is told in one sentence or in the report, and nothing is changed.

use std::process::{Child, Command};
use std::sync::Arc;
use std::time::Duration;

use keymaker::flows::manage;
use serde_json::json;
use sqlx::{Connection, Executor, SqliteConnection, sqlite::SqliteConnectOptions};

use super::population::crowd;
use super::target::{Engine, Target};
use super::{FILES, Move, Way, schemes};
use crate::support::{PASSWORD, Server, homeserver::FakeHomeserver};

in_four_ways!(a_second_import_is_told_that_one_runs);
in_four_ways!(what_has_to_change_first_keeps_everything_as_it_was);
in_four_ways!(an_account_that_was_made_here_is_kept);
in_four_ways!(what_is_different_afterwards_is_found);

async fn a_second_import_is_told_that_one_runs(way: Way) {
    let Some(moved) = Move::begin_at_rest(way).await else { return };
    let crowd = crowd(3_000);
    moved.legacy.sql(&crowd.iter().map(String::as_str).collect::<Vec<_>>()).await;
    moved.run(&["database", "migrate"]).assert_success();
    let before = moved.target.contents(&[]).await;

    let mut first = moved.command(&[&["import", "synapse"], &FILES[..]].concat()).spawn().unwrap();
    // Opening a database takes a lock for a moment too.
    let mut seen = 0;
    while seen < 3 {
        assert!(first.try_wait().unwrap().is_none(), "it was done before it was seen");
        tokio::time::sleep(Duration::from_millis(10)).await;
        seen = if is_held(&moved.target).await { seen + 1 } else { 0 };
    }
    signal(&first, "STOP");
    moved.import(&[]).assert_one_sentence(&["another import into this database is running"]);
    signal(&first, "CONT");
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    assert_ne!(moved.target.contents(&[]).await, before);
    moved.verify().assert_success();
}

/// Tells whether an import holds its lock just now.
async fn is_held(target: &Target) -> bool {
    match target.file() {
        Some(file) => {
            let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::ZERO);
            let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
            let is_held = connection.execute("BEGIN IMMEDIATE").await.is_err();
            connection.close().await.unwrap();
            is_held
        }
        None => {
            let sql = "SELECT COUNT(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                 WHERE l.locktype = 'advisory' AND a.application_name = 'keymaker import' AND a.datname = current_database()";
            target.count(sql).await > 0
        }
    }
}

fn signal(process: &Child, name: &str) {
    assert!(Command::new("kill").args([&format!("-{name}"), &process.id().to_string()]).status().unwrap().success());
}

async fn what_has_to_change_first_keeps_everything_as_it_was(way: Way) {
    let Some(moved) = Move::begin_at_rest(way).await else { return };
    let state = async || match moved.target.exists().await {
        true => Some((moved.target.contents(&[]).await, moved.target.schema().await)),
        false => None,
    };
    let assert_refused = async || {
        let before = state().await;
        let other_pepper = schemes("another pepper");
        for (key, value, words) in [
            (
                "matrix.homeserver",
                "other.test",
                "matrix.homeserver: is other.test, but Synapse's server_name is hs.test.",
            ),
            ("passwords.schemes", "[{version: 1, algorithm: argon2id}]", "passwords.schemes: none of them verifies"),
            ("passwords.schemes", &*other_pepper, "passwords.schemes: none of them verifies"),
        ] {
            moved.import_with(&[(key, value)]).assert_refusal(&format!("First: {words}"));
            assert_eq!(state().await, before, "{key}: {value}");
        }
        for options in [&["--strict"][..], &["--strict", "--dry-run"]] {
            let outcome = moved.import(options);
            outcome.assert_refusal("With --strict the import has to wait: there is something that cannot be imported.");
            outcome.assert_refusal("1 user: Synapse does not know when the account was made @timeless:hs.test");
            assert_eq!(state().await, before, "{options:?}");
        }
    };
    assert_refused().await;
    assert!(!moved.target.exists().await, "nothing was made");

    moved.import_and_verify();
    let (contents, schema) = (moved.target.contents(&[]).await, moved.target.schema().await);
    moved.legacy.sql(&["UPDATE users SET locked = TRUE WHERE name = '@alice:hs.test'"]).await;
    assert_refused().await;
    let folder = moved.folder();
    std::fs::write(folder.join("elsewhere.yaml"), "server_name: elsewhere.test\n").unwrap();
    let elsewhere = ["--synapse-config", "homeserver.yaml", "--synapse-config", "elsewhere.yaml"];
    let outcome = moved.run(&[&["import", "synapse"], &elsewhere[..]].concat());
    outcome.assert_refusal("First: matrix.homeserver: is hs.test, but Synapse's server_name is elsewhere.test.");
    for uri in ["postgres://keymaker:hunter2@127.0.0.1:1/keymaker", "sqlite://homeserver.yaml/keymaker.db"] {
        moved.import_with(&[("database.uri", uri)]).assert_one_sentence(&["the database cannot be reached"]);
    }
    for options in [["--check", "--dry-run"], ["--check", "--strict"]] {
        let outcome = moved.import(&options);
        assert!(outcome.code != Some(1) && !outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
    assert_eq!(moved.target.contents(&[]).await, contents);
    assert_eq!(moved.target.schema().await, schema);

    // Whoever writes down the wrong database must not find tables of Keymaker's in Synapse's.
    if way.source == way.target {
        let source = Target { uri: moved.legacy.uri() };
        let before = source.schema().await;
        let outcome = moved.import_with(&[("database.uri", &source.uri)]);
        assert_eq!((outcome.code, &*outcome.stdout), (Some(1), ""), "{}", outcome.stderr);
        let made = source.schema().await;
        assert_eq!(made.difference(&before).collect::<Vec<_>>(), [""; 0]);
    }

    moved.target.run("UPDATE _sqlx_migrations SET version = 9999 WHERE version = 1").await;
    let contents = moved.target.contents(&[]).await;
    moved.import(&[]).assert_one_sentence(&["written by a newer version of Keymaker"]);
    moved.import(&["--dry-run"]).assert_one_sentence(&["written by a newer version of Keymaker"]);
    assert_eq!(moved.target.contents(&[]).await, contents);
}

async fn an_account_that_was_made_here_is_kept(way: Way) {
    let Some(moved) = Move::begin_at_rest(way).await else { return };
    moved.run(&["database", "migrate"]).assert_success();
    let homeserver = Arc::new(FakeHomeserver::default());
    let server = moved.serve(Server::setup().homeserver(homeserver)).await;
    server.user("alice").await;
    manage::register_user(&server.app, "zoe", None, Some("bob@example.com"), false).await.unwrap();
    let contact = "INSERT INTO user_threepids (user_id, medium, address, validated_at, added_at)
         VALUES ('@bob:hs.test', 'email', 'bob@example.com', 1500000000000, 1500000000000)";
    moved.legacy.sql(&[contact]).await;
    let login = async || server.password_login("alice", json!({ "device_id": "OWN" })).await;
    let token = login().await.json()["access_token"].as_str().unwrap().to_owned();

    let outcome = moved.import_and_verify();
    let skipped = outcome.section("Not imported, and why");
    for [title, name] in [
        ["1 user: an account with this name was made here", "@alice:hs.test"],
        ["1 e-mail address: an account that was made here has it", "bob@example.com of @bob:hs.test"],
    ] {
        let at = skipped.iter().position(|line| *line == title);
        assert_eq!(at.map(|at| skipped[at + 1]), Some(name), "{skipped:#?}");
    }
    assert!(server.is_active(&token).await);
    assert_eq!(login().await.status, 200, "{PASSWORD} is still the password");
    let own = "SELECT COUNT(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.username = 'alice' AND s.device_id <> 'OWN'";
    assert_eq!(moved.target.count(own).await, 0, "the other one's devices are not hers");
    assert_eq!(moved.target.count("SELECT COUNT(*) FROM users WHERE username IN ('alice', 'zoe', 'bob')").await, 3);
    let owner =
        "SELECT u.username FROM user_emails e JOIN users u ON u.id = e.user_id WHERE e.email = 'bob@example.com'";
    assert_eq!(moved.target.list(owner).await, ["zoe"]);
    if way.target == Engine::Sqlite {
        // The import leaves no reference that leads nowhere, though it does not look while it loads.
        assert_eq!(moved.target.list("SELECT \"table\" FROM pragma_foreign_key_check").await, [""; 0]);
    }
}

async fn what_is_different_afterwards_is_found(way: Way) {
    let Some(moved) = Move::begin_at_rest(way).await else { return };
    let outcome = moved.verify();
    assert!(outcome.code != Some(0), "nothing was imported: {}", outcome.stdout);
    assert!(!moved.target.exists().await, "whoever compares makes nothing");
    moved.import_and_verify();
    let of_alice = "(SELECT id FROM users WHERE username = 'alice')";
    for (change, words) in [
        ("UPDATE users SET is_admin = TRUE WHERE username = 'dave'".to_owned(), "1 rows of users are not what"),
        (
            format!("UPDATE user_passwords SET version = 1 WHERE user_id = {of_alice}"),
            "rows of user_passwords are not what",
        ),
        (
            "UPDATE user_emails SET email = 'other@example.com' WHERE email = 'alice@example.com'".to_owned(),
            "rows of user_emails",
        ),
        (
            "UPDATE sessions SET device_id = 'OTHER' WHERE device_id = 'PLAIN'".to_owned(),
            "rows of sessions are not what",
        ),
        (
            "DELETE FROM tokens WHERE kind = 'refresh' AND consumed_at IS NULL".to_owned(),
            "rows of tokens are at Synapse and not here",
        ),
        (
            format!("DELETE FROM upstream_links WHERE user_id = {of_alice}"),
            "rows of upstream_links are at Synapse and not here",
        ),
    ] {
        let before = moved.verify();
        assert!(!before.stdout.contains(words), "{}", before.stdout);
        moved.target.run(&change).await;
        let after = moved.verify();
        assert_eq!(after.code, Some(2), "{change}: {}\n{}", after.stdout, after.stderr);
        assert!(after.stdout.contains(words), "no {words:?} in {}", after.stdout);
    }
    moved.legacy.sql(&["INSERT INTO users (name, creation_ts) VALUES ('@latecomer:hs.test', 1700000000)"]).await;
    let outcome = moved.verify();
    assert!(outcome.stdout.contains("latecomer"), "{}", outcome.stdout);
}
