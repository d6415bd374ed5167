//! A server that cannot run says why in words that help, and ends.

use std::net::TcpListener;

use sqlx::Connection;

use super::run;

type Settings<'a> = &'a [(&'a str, &'a str)];
type Words<'a> = &'a [&'a str];

const SECRET: &str = "jKq8-too-secret-to-show";

#[test]
fn a_wrong_configuration_names_every_problem_with_its_path() {
    // Issue: `config check` and `server` list all problems; unknown keys suggest the right one; no secret is shown.
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keymaker.yaml");
    let yaml = format!(
        "http:\n  public_bse: https://auth.example.com/\n  public_base: http://auth.example.com/\n\
         matrix:\n  kind: synaps\n\
         secrets:\n  encryption: {SECRET}\n\
         clients:\n  - client_id: one\n    client_auth_method: none\n    client_secret: {SECRET}\n    redirect_uris: [x]\n"
    );
    std::fs::write(&file, yaml).unwrap();
    let file = file.to_str().unwrap();
    let problems = ["http.public_bse", "public_base", "matrix.kind"];
    for arguments in [["--config", file, "config", "check"].as_slice(), &["--config", file, "server"]] {
        let outcome = run(directory.path(), &[], arguments, "");
        outcome.assert_failure(&problems);
        assert!(!outcome.stderr.contains(SECRET), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("did you mean") || outcome.stderr.contains("`public_base`"),
            "{}",
            outcome.stderr
        );
    }
    // Once the text can be read, every rule that it breaks is named at once.
    let yaml = std::fs::read_to_string(file).unwrap().replace("  public_bse: https://auth.example.com/\n", "");
    std::fs::write(file, yaml.replace("synaps", "synapse")).unwrap();
    let outcome = run(directory.path(), &[], &["--config", file, "server"], "");
    outcome.assert_failure(&[
        "http.public_base",
        "must start with https://",
        "matrix.homeserver",
        "matrix.endpoint",
        "matrix.secret",
        "secrets.encryption",
        "clients[0].client_secret",
        "clients[0].redirect_uris[0]",
    ]);
    assert!(!outcome.stderr.contains(SECRET), "{}", outcome.stderr);
}

#[test]
fn a_server_that_cannot_start_says_why_in_one_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let free = ("http.listeners.0.binds.0.address", "127.0.0.1:0");
    let file_in_the_way = path.join("file");
    std::fs::write(&file_in_the_way, "").unwrap();
    let below_a_file = format!("sqlite://{}/keymaker.db", file_in_the_way.display());
    let no_database = path.join("no-database.db");
    std::fs::write(&no_database, "this is not a database".repeat(100)).unwrap();
    let no_database = format!("sqlite://{}", no_database.display());
    let table: [(Settings<'_>, Words<'_>); 5] = [
        (&[("database.uri", "postgres://nobody:hunter2@127.0.0.1:1/x"), free], &["the database cannot be reached"]),
        (&[("database.uri", &below_a_file), free], &["the database cannot be reached"]),
        (&[("database.uri", &no_database), free], &["database"]),
        (&[("http.listeners.0.binds.0.address", &taken)], &["cannot listen on", &taken]),
        (&[("http.listeners.0.binds.0.address", "192.0.2.1:8080")], &["192.0.2.1:8080"]),
    ];
    for (settings, words) in table {
        let outcome = run(path, settings, &["server"], "");
        outcome.assert_one_sentence(words);
        assert!(!outcome.stderr.contains("hunter2") && outcome.stdout.is_empty(), "{}", outcome.stderr);
    }
    let wrong: [(Settings<'_>, Words<'_>); 3] = [
        (&[("http.public_base", "http://auth.example.com/")], &["http.public_base", "https://"]),
        (&[("http.issuer", "http://auth.example.com/")], &["http.issuer", "https://"]),
        (&[("database.uri", "mysql://localhost/x")], &["database.uri", "sqlite://"]),
    ];
    for (settings, words) in wrong {
        run(path, settings, &["server"], "").assert_failure(words);
    }
}

#[test]
fn a_configuration_file_that_cannot_be_read_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::write(path.join("not-text.yaml"), [0xff, 0xfe, 0x00]).unwrap();
    std::fs::write(path.join("not-yaml.yaml"), "http: [unclosed").unwrap();
    std::fs::write(path.join("a-list.yaml"), "- http\n").unwrap();
    for name in ["missing.yaml", ".", "not-text.yaml", "not-yaml.yaml", "a-list.yaml"] {
        for command in [["server"].as_slice(), &["config", "check"], &["database", "migrate"]] {
            let arguments = [&["--config", name], command].concat();
            run(path, &[], &arguments, "").assert_failure(&[name]);
        }
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    // The schema may mean something else by now; an older program must not write into it.
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    let uri = format!("sqlite://{}/own.db", path.display());
    let command = |arguments: &'static [&'static str]| {
        let (path, uri) = (path.clone(), uri.clone());
        let settings = move || run(&path, &[("database.uri", &uri)], arguments, "");
        tokio::task::spawn_blocking(settings)
    };
    command(&["database", "migrate"]).await.unwrap().assert_success("up to date");
    let mut connection = sqlx::SqliteConnection::connect(&uri).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
         VALUES (9999, 'from the future', CURRENT_TIMESTAMP, TRUE, x'00', 0)",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    for arguments in [["server"].as_slice(), &["database", "migrate"], &["manage", "lock-user", "alice"]] {
        let outcome = command(arguments).await.unwrap();
        outcome.assert_one_sentence(&["newer version of Keymaker", "9999"]);
    }
}
