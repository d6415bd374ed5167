//! The commands of an operator, without a terminal, beside a server that runs.

use crate::support::{PASSWORD, audit::Audit, http::Http, person::Person, process::Keymaker};

use super::run;

#[test]
fn a_generated_configuration_is_one_that_works() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let generate = || run(path, &[], &["config", "generate"], "");
    let (first, second) = (generate(), generate());
    first.assert_success("public_base");
    assert_ne!(first.stdout, second.stdout, "each has secrets of its own");
    std::fs::write(path.join("keymaker.yaml"), &first.stdout).unwrap();
    run(path, &[], &["--config", "keymaker.yaml", "config", "check"], "").assert_success("keymaker.yaml");
    let uri = format!("sqlite://{}/keymaker.db", path.display());
    let migrate = run(path, &[("database.uri", &uri)], &["--config", "keymaker.yaml", "database", "migrate"], "");
    migrate.assert_success("up to date");
    assert!(path.join("keymaker.db").exists());
    run(path, &[], &["config", "check"], "").assert_failure(&["--config FILE"]);
}

async fn sign_in(browser: &Person, username: &str, password: &str) -> u16 {
    let page = browser.get("login").await;
    browser.submit(&page, &[("username", username), ("password", password)]).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_managed_beside_the_running_server() {
    let mut keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker")).unwrap();
    keymaker.start().unwrap();
    let http = Http::new(&keymaker.base(), Audit::default());
    let browser = || Person { http: http.with_cookies() };
    let data = keymaker.directory().to_owned();
    let manage = |arguments: &[&str], stdin: &str| run(&data, &[], &[&["manage"], arguments].concat(), stdin);

    manage(&["register-user", "alice", "--password", PASSWORD], "").assert_success("@alice:localhost");
    assert_eq!(sign_in(&browser(), "alice", PASSWORD).await, 303);
    manage(&["register-user", "bob", "--email", "bob@example.com"], "").assert_success("without a password");
    assert_eq!(sign_in(&browser(), "bob", "").await, 401);

    let other = "another long passphrase 7?";
    manage(&["set-password", "bob"], &format!("{other}\n")).assert_success("@bob:localhost");
    manage(&["set-password", "@alice:localhost"], other).assert_success("@alice:localhost");
    assert_eq!(sign_in(&browser(), "bob", other).await, 303);
    assert_eq!((sign_in(&browser(), "alice", PASSWORD).await, sign_in(&browser(), "alice", other).await), (401, 303));

    let signed_in = browser();
    sign_in(&signed_in, "alice", other).await;
    manage(&["lock-user", "alice"], "").assert_success("is locked now");
    manage(&["lock-user", "alice"], "").assert_success("was locked already");
    assert_eq!(signed_in.get("account/").await.status, 303, "the login counts no longer");
    assert_eq!(sign_in(&browser(), "alice", other).await, 403);
    manage(&["unlock-user", "alice"], "").assert_success("is unlocked now");
    manage(&["unlock-user", "alice"], "").assert_success("was unlocked already");
    assert_eq!(sign_in(&browser(), "alice", other).await, 303);
    assert_eq!(signed_in.get("account/").await.status, 200, "a lock passes and costs nothing");

    let failures: [(&[&str], &str, &str); 7] = [
        (&["register-user", "alice", "--password", PASSWORD], "", "it is taken"),
        (&["register-user", "not a name"], "", "only a-z, 0-9"),
        (&["register-user", "carol", "--email", "Bob@example.com"], "", "another account"),
        (&["register-user", "carol", "--password", ""], "", "a password has 1 to"),
        (&["set-password", "nobody"], "secret enough 123\n", "no account named nobody"),
        (&["set-password", "bob"], "", "a password has 1 to"),
        (&["lock-user", "nobody"], "", "no account named nobody"),
    ];
    for (arguments, stdin, words) in failures {
        manage(arguments, stdin).assert_one_sentence(&[words]);
    }
    assert_eq!(sign_in(&browser(), "bob", other).await, 303, "a refused command changes nothing");
    assert!(!keymaker.log().contains(other) && !keymaker.log().contains(PASSWORD));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_configuration_runs_for_development_and_keeps_its_secrets() {
    // Issue: `keymaker server` on a fresh machine says where to click; a restart signs nobody out.
    let mut keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker")).unwrap();
    keymaker.start().unwrap();
    let welcome = keymaker.log();
    for words in [&keymaker.base(), &format!("{}register", keymaker.base()), "manage register-user"] {
        assert!(welcome.contains(words), "no {words:?} in {welcome}");
    }
    let browser = Person { http: Http::new(&keymaker.base(), Audit::default()).with_cookies() };
    assert_eq!(browser.sign_up("alice").await.status, 303);
    let keys = browser.get("oauth2/keys.json").await.body;
    let form = browser.get("account/").await;
    keymaker.kill();
    keymaker.start().unwrap();
    assert_eq!(browser.get("oauth2/keys.json").await.body, keys);
    browser.get("account/").await.assert_page(200, "@alice:localhost");
    assert_eq!(browser.submit(&form, &[]).await.status, 200, "INV-16: a form from before the restart is still good");
    let secrets = keymaker.directory().join("secrets");
    for file in std::fs::read_dir(secrets).unwrap() {
        use std::os::unix::fs::PermissionsExt;
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?} is nobody else's", file.path());
    }
}
