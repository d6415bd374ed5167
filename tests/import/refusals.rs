//! What is said when a source cannot be read: one sentence, and nothing is changed.

use std::collections::BTreeSet;
use std::ffi::OsStr;

use super::{check, legacy::Legacy, write_configuration};

#[test]
fn a_configuration_or_a_database_that_cannot_be_read_is_told_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    write_configuration(path);
    let write = |name: &str, text: &str| std::fs::write(path.join(name), text).unwrap();
    write("homeserver.yaml", "server_name: hs.test\ndatabase: {name: sqlite3, args: {database: homeserver.db}}\n");
    write("broken.yaml", "server_name: hs.test\nmacaroon_secret_key: [hunter2\n");
    write("nameless.yaml", "report_stats: false\n");
    write("bridged.yaml", "server_name: hs.test\napp_service_config_files: [/nowhere/bridge.yaml]\n");
    write("baseless.yaml", "server_name: hs.test\n");
    write("no-database.db", &"this is not a database".repeat(100));
    std::fs::write(path.join("empty.db"), "").unwrap();
    let of = |file: &'static str| ["--synapse-config", file];
    for (arguments, words) in [
        (of("missing.yaml").as_slice(), ["missing.yaml cannot be read", "No such file"].as_slice()),
        (&of("broken.yaml"), &["broken.yaml is not valid YAML at line"]),
        (&of("nameless.yaml"), &["no server_name"]),
        (&of("bridged.yaml"), &["/nowhere/bridge.yaml cannot be read"]),
        (&of("baseless.yaml"), &["no database in Synapse's configuration"]),
        (&of("homeserver.yaml"), &["there is no file homeserver.db"]),
    ] {
        check(path, &[], arguments).assert_one_sentence(words);
    }
    for (uri, words) in [
        ("mysql://synapse:hunter2@localhost/x", "sqlite:// or postgresql://"),
        ("postgresql://synapse:hunter2@:y/x", "sqlite:// or postgresql://"),
        ("postgresql://synapse:hunter2@127.0.0.1:1/x", "the PostgreSQL database x at 127.0.0.1:1 cannot be reached: "),
        ("sqlite://missing.db", "there is no file missing.db"),
        ("sqlite://no-database.db", "no-database.db is not an SQLite database"),
        ("sqlite://.", "is not an SQLite database"),
        ("sqlite://homeserver.yaml/homeserver.db", "run this as the user that Synapse runs as"),
        ("sqlite://empty.db", "the SQLite database empty.db is not Synapse's"),
    ] {
        let arguments = ["--synapse-config", "homeserver.yaml", "--synapse-database-uri", uri];
        check(path, &[], &arguments).assert_one_sentence(&[words]);
    }
    let mut left: Vec<_> = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().file_name()).collect();
    left.sort();
    let given = ["baseless.yaml", "bridged.yaml", "broken.yaml", "empty.db", "homeserver.yaml", "keymaker.yaml"];
    assert_eq!(left, [&given[..], &["nameless.yaml", "no-database.db"]].concat(), "nothing was made");
}

#[test]
fn without_a_configuration_or_with_two_wishes_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let command = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_keymaker"));
        let output = command.args(arguments).current_dir(folder.path()).env_clear().output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for wish in [&[][..], &["--check"], &["--dry-run"], &["--strict"]] {
        let (code, said) = command(&[&["import", "synapse", "--synapse-config", "x"], wish].concat());
        assert!(code == Some(1) && said.contains("--config FILE"), "{said}");
    }
    let (code, said) = command(&["import", "verify", "--synapse-config", "x"]);
    assert!(code == Some(1) && said.contains("--config FILE"), "{said}");
    let (code, said) = command(&["import", "synapse", "--synapse-config", "x", "--check", "--dry-run"]);
    assert!(code == Some(2) && said.contains("--dry-run"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no data of a development mode");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_another_age_is_told_and_read_where_it_can_be() {
    let Some(mut legacy) = Legacy::start().await else { return };
    legacy.stop();
    let folder = legacy.folder.path().to_owned();
    write_configuration(&folder);
    let settings = [("matrix.homeserver", "hs.test")];
    let look = || check(&folder, &settings, &["--synapse-config", "homeserver.yaml"]);
    // Nobody has the file open, and nobody who reads it leaves anything beside it that could keep Synapse out.
    legacy.sql(&["DELETE FROM users"]).await;
    let files = || std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().file_name()).collect::<BTreeSet<_>>();
    let before = files();
    assert!(!before.contains(OsStr::new("homeserver.db-wal")));
    let empty = look();
    assert_eq!(files(), before);
    assert_eq!((empty.code, empty.section("Will be imported")), (Some(0), vec!["0  users"]), "{}", empty.stderr);

    // Synapse's own rule: what is newer may be read as long as its compatible version allows it.
    legacy.sql(&["UPDATE schema_version SET version = 99"]).await;
    let newer = look();
    assert_eq!(newer.code, Some(0), "{}", newer.stderr);
    assert!(
        newer.stdout.contains("Synapse is newer than this version of Keymaker knows (schema 99"),
        "{}",
        newer.stdout
    );
    legacy.sql(&["UPDATE schema_compat_version SET compat_version = 99"]).await;
    look().assert_one_sentence(&["newer than this version of Keymaker knows (schema 99)"]);

    legacy
        .sql(&["UPDATE schema_compat_version SET compat_version = 72", "UPDATE schema_version SET version = 79"])
        .await;
    legacy.sql(&["ALTER TABLE users DROP COLUMN locked", "ALTER TABLE users DROP COLUMN suspended"]).await;
    assert_eq!(look().code, Some(0), "nobody could be locked or suspended then");
    legacy.sql(&["UPDATE schema_version SET version = 71"]).await;
    look().assert_one_sentence(&["too old (schema 71)", "upgrade Synapse first"]);

    legacy
        .sql(&["UPDATE schema_version SET version = 79", "ALTER TABLE users RENAME COLUMN creation_ts TO born"])
        .await;
    look().assert_one_sentence(&["only half of a Synapse's", "the column users.creation_ts is missing"]);
    legacy.sql(&["ALTER TABLE devices RENAME TO gadgets", "ALTER TABLE users RENAME COLUMN born TO creation_ts"]).await;
    look().assert_one_sentence(&["only half of a Synapse's", "the table devices is missing"]);

    if legacy.is_on_postgres() {
        legacy.sql(&["ALTER TABLE gadgets RENAME TO devices"]).await;
        let role = crate::support::unique("reader_");
        legacy
            .sql(&[
                &format!("CREATE ROLE {role} LOGIN PASSWORD 'hunter2'"),
                &format!("GRANT SELECT ON schema_version, schema_compat_version, users TO {role}"),
            ])
            .await;
        let mut uri = url::Url::parse(&legacy.uri()).unwrap();
        uri.set_username(&role).unwrap();
        uri.set_password(Some("hunter2")).unwrap();
        let arguments = ["--synapse-config", "homeserver.yaml", "--synapse-database-uri", uri.as_str()];
        check(&folder, &settings, &arguments).assert_one_sentence(&["may not be read", "permission denied for table"]);
        legacy.sql(&[&format!("DROP OWNED BY {role}"), &format!("DROP ROLE {role}")]).await;
    }
}
