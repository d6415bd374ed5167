//! The commands of an operator, without a terminal, beside a server that runs.

use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, PASSWORD, REDIRECT_URI, VERIFIER,
    audit::Audit,
    compat::{LOGIN, LOGOUT, merged, password_login},
    http::{Answer, Http},
    person::Person,
    process::Keymaker,
    request,
};

use super::{Outcome, run};

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

/// A server that runs, and what an older client says to it.
struct Beside {
    keymaker: Keymaker,
    http: Http,
}

impl Beside {
    fn start() -> Self {
        // Nobody signs in as often in so short a time.
        let keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker")).unwrap();
        let mut keymaker = keymaker.with("rate_limiting.login.successes_per_account", "off");
        keymaker.start().unwrap();
        let http = Http::new(&keymaker.base(), Audit::default());
        let beside = Self { keymaker, http };
        for name in ["alice", "bob"] {
            beside.manage(&["register-user", name, "--password", PASSWORD]).assert_success("was created");
        }
        beside
    }

    fn manage(&self, arguments: &[&str]) -> Outcome {
        run(self.keymaker.directory(), &[], &[&["manage"], arguments].concat(), "")
    }

    async fn log_in(&self, user: &str, device_id: &str) -> Answer {
        self.http.post_json(LOGIN, &merged(password_login(user), json!({ "device_id": device_id }))).await
    }

    async fn token(&self, user: &str, device_id: &str) -> String {
        self.log_in(user, device_id).await.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn log_out(&self, token: &str) -> u16 {
        self.http.send(self.http.client.post(self.http.url(LOGOUT)).bearer_auth(token)).await.status
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_set_once_and_said_each_time() {
    // The answer says what the account is, so that a script can run twice; nothing is said of accounts that are not there.
    let server = Beside::start();
    // (command, what it says when something changed, when nothing did, what a login is then answered)
    let table = [
        ("require-browser-login", "bound to the browser", Some((403, "M_FORBIDDEN"))),
        ("allow-password-login", "free to sign in", None),
        ("lock-user", "locked", Some((401, "M_USER_LOCKED"))),
        ("unlock-user", "unlocked", None),
        ("deactivate-user", "deactivated", Some((403, "M_USER_DEACTIVATED"))),
        ("reactivate-user", "active", None),
        ("promote-admin", "an administrator", None),
        ("demote-admin", "no administrator", None),
    ];
    for (command, state, refused) in table {
        for (number, name) in ["alice", "@alice:localhost", "ALICE"].into_iter().enumerate() {
            let outcome = server.manage(&[command, name]);
            outcome.assert_success(&format!("@alice:localhost {} {state}", if number == 0 { "is" } else { "was" }));
            assert!(
                outcome.stdout.trim_end().ends_with(if number == 0 { "now." } else { "already." }),
                "{}",
                outcome.stdout
            );
            assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
        }
        let answer = server.log_in("alice", "ABCDEFGHIJ").await;
        let (status, errcode) = refused.unwrap_or((200, ""));
        assert_eq!((answer.status, answer.errcode().as_str()), (status, errcode), "{command}");
        assert_eq!(server.log_in("bob", "ABCDEFGHIJ").await.status, 200, "{command}: nobody else is meant");
    }
    for command in table.map(|(command, ..)| command).into_iter().chain(["kill-sessions", "issue-compatibility-token"])
    {
        for name in ["nobody", "@alice:other.example", ""] {
            server.manage(&[command, name]).assert_one_sentence(&["no account named"]);
        }
        let outcome = server.manage(&[command]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(2), ""), "{command}: {}", outcome.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_states_can_be_set_at_once() {
    let server = Beside::start();
    let outcome = server.manage(&["lock-user", "alice", "--deactivate"]);
    outcome.assert_success("@alice:localhost is locked now.\n@alice:localhost is deactivated now.");
    assert_eq!(server.log_in("alice", "ABCDEFGHIJ").await.errcode(), "M_USER_DEACTIVATED");
    server.manage(&["reactivate-user", "alice"]).assert_success("is active now");
    assert_eq!(server.log_in("alice", "ABCDEFGHIJ").await.errcode(), "M_USER_LOCKED", "the lock is still there");
    server.manage(&["deactivate-user", "alice", "--erase"]).assert_success("is deactivated now");
    let outcome = server.manage(&["unlock-user", "alice", "--reactivate"]);
    outcome.assert_success("@alice:localhost is unlocked now.\n@alice:localhost is active now.");
    assert_eq!(server.log_in("alice", "ABCDEFGHIJ").await.status, 200);
    server.manage(&["register-user", "alice"]).assert_one_sentence(&["it is taken"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_are_listed() {
    let server = Beside::start();
    for command in ["list-admins", "list-admin-users"] {
        let outcome = server.manage(&[command]);
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""), "{}", outcome.stderr);
    }
    server.manage(&["promote-admin", "bob"]).assert_success("is an administrator now");
    server.manage(&["register-user", "carol", "--admin"]).assert_success("was created");
    assert_eq!(server.manage(&["list-admins"]).stdout, "@bob:localhost\n@carol:localhost\n");
    server.manage(&["demote-admin", "bob"]).assert_success("is no administrator now");
    assert_eq!(server.manage(&["list-admins"]).stdout, "@carol:localhost\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_printed_alone_so_that_a_script_can_take_it() {
    let server = Beside::start();
    let issue = |arguments: &[&str]| server.manage(&[&["issue-compatibility-token"], arguments].concat());
    let outcome = issue(&["alice", "my device"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    let token = outcome.stdout.trim_end();
    assert!(
        token.starts_with("kma_") && token.len() == 55 && outcome.stdout == format!("{token}\n"),
        "{}",
        outcome.stdout
    );
    assert!(outcome.stderr.contains("my device") && outcome.stderr.contains("alice"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("kma_"), "the token stands on standard output alone");
    server.manage(&["kill-sessions", "alice", "--dry-run"]).assert_success("device my device");
    assert_eq!((server.log_out(token).await, server.log_out(token).await), (200, 401));

    let device_of = |outcome: &Outcome| {
        let is_id =
            |word: &&str| word.len() == 10 && word.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        let words = outcome.stderr.split(|c: char| !c.is_ascii_alphanumeric());
        words.filter(|word| is_id(word)).map(str::to_owned).next().unwrap_or_else(|| panic!("{}", outcome.stderr))
    };
    let (first, second) = (issue(&["alice"]), issue(&["alice"]));
    assert_ne!(device_of(&first), device_of(&second), "a device that nobody named is a new one");
    assert_eq!(server.log_out(first.stdout.trim_end()).await, 200);
    assert_eq!(server.log_out(second.stdout.trim_end()).await, 200);

    let administration = "--yes-i-want-to-grant-synapse-admin-privileges";
    let outcome = issue(&["alice", administration]);
    outcome.assert_one_sentence(&["alice", "promote-admin"]);
    assert_eq!(outcome.stdout, "");
    server.manage(&["promote-admin", "alice"]).assert_success("now");
    let admin = issue(&["alice", administration]);
    assert_eq!(admin.code, Some(0), "{}", admin.stderr);
    let too_long = "x".repeat(256);
    for device in ["", "a\nb", &too_long] {
        let outcome = issue(&["alice", device]);
        outcome.assert_one_sentence(&["device id"]);
        assert_eq!(outcome.stdout, "");
    }
    server.manage(&["demote-admin", "alice"]).assert_success("now");
    server.manage(&["deactivate-user", "alice"]).assert_success("now");
    issue(&["alice"]).assert_one_sentence(&["deactivated"]);
    assert!(!server.keymaker.log().contains("kma_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_counted_before_they_are_ended() {
    let server = Beside::start();
    let of_bob = server.token("bob", "ABCDEFGHIJ").await;
    let legacy = server.token("alice", "my device").await;
    let browser = Person { http: server.http.with_cookies() };
    browser.sign_in("alice").await;
    let metadata = json!({
        "client_name": "Example App", "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
    });
    let client_id =
        server.http.post_json("oauth2/registration", &metadata).await.json()["client_id"].as_str().unwrap().to_owned();
    let code = browser.allow(&request(&client_id, MATRIX_SCOPE)).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", &client_id),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
        ("code_verifier", VERIFIER),
    ];
    let oauth = server.http.post("oauth2/token", &form).await.json();
    let refresh = async || {
        let token = oauth["refresh_token"].as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("client_id", &client_id), ("refresh_token", token)];
        server.http.post("oauth2/token", &form).await.status
    };
    for _ in 0..2 {
        let outcome = server.manage(&["kill-sessions", "alice", "--dry-run"]);
        outcome.assert_success("3 sessions of @alice:localhost would end.");
        for words in ["(compat, device my device)", "(oauth, device ABCDEFGHIJ)", "(browser)"] {
            assert!(outcome.stdout.contains(words), "no {words} in {}", outcome.stdout);
        }
        assert_eq!(outcome.stdout.lines().count(), 4);
        assert_eq!((browser.get("account/").await.status, refresh().await), (200, 200), "nothing ended");
    }
    server.manage(&["kill-sessions", "alice"]).assert_success("3 sessions of @alice:localhost ended.");
    assert_eq!((browser.get("account/").await.status, refresh().await, server.log_out(&legacy).await), (303, 400, 401));
    server.manage(&["kill-sessions", "alice"]).assert_success("0 sessions of @alice:localhost ended.");
    server.token("alice", "my device").await;
    server.manage(&["kill-sessions", "@alice:localhost"]).assert_success("1 session of @alice:localhost ended.");
    assert_eq!(server.log_out(&of_bob).await, 200, "nobody else was meant");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_invited_and_approved_at_the_command_line() {
    // SGN-04
    let mut keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker"))
        .unwrap()
        .with("account.registration_token_required", "true")
        .with("account.registration_approval_required", "true");
    keymaker.start().unwrap();
    let http = Http::new(&keymaker.base(), Audit::default());
    let data = keymaker.directory().to_owned();
    let base = keymaker.base();
    let settings = [("account.registration_token_required", "true"), ("http.public_base", base.as_str())];
    let manage = |arguments: &[&str]| run(&data, &settings, &[&["manage"], arguments].concat(), "");

    let issue = ["issue-registration-token", "--usage-limit", "1", "--expires-in", "7d", "--note", "for Alice"];
    let issued = manage(&issue);
    assert_eq!((issued.code, issued.stderr.as_str()), (Some(0), ""), "{}", issued.stderr);
    let lines: Vec<&str> = issued.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "a token and a link: {}", issued.stdout);
    assert_eq!(lines[1], format!("{base}register?token={}", lines[0]));
    let alice = Person { http: http.with_cookies() };
    let page = alice.get(lines[1]).await;
    let fields = [("token", lines[0]), ("username", "alice"), ("password", PASSWORD)];
    let begun = alice.submit(&page, &fields).await;
    let list = manage(&["list-registration-tokens"]);
    list.assert_success("0 of 1 used, 1 more in sign-ups that are not finished, good until");
    assert!(list.stdout.contains("(for Alice)") && !list.stdout.contains(lines[0]), "{}", list.stdout);
    let (_, page) = alice.open(begun.location()).await;
    assert!(alice.submit(&page, &[("display_name", "")]).await.location().starts_with("/register/waiting?id="));
    manage(&["list-registration-tokens"]).assert_success("1 of 1 used, good until");

    manage(&["list-pending-users"]).assert_success("@alice:localhost since ");
    assert_eq!(sign_in(&alice, "alice", PASSWORD).await, 403);
    manage(&["approve-user", "alice"]).assert_success("@alice:localhost is approved now.");
    manage(&["approve-user", "@alice:localhost"]).assert_success("@alice:localhost was approved already.");
    assert_eq!(sign_in(&alice, "alice", PASSWORD).await, 303);
    assert_eq!(manage(&["list-pending-users"]).stdout, "");
    manage(&["reject-user", "alice"]).assert_one_sentence(&["does not wait for approval"]);
    manage(&["reject-user", "nobody"]).assert_one_sentence(&["no account named nobody"]);

    manage(&["issue-registration-token", "come-in", "--note", "chosen"]).assert_success("come-in");
    manage(&["issue-registration-token", "come-in"]).assert_one_sentence(&["token already"]);
    manage(&["issue-registration-token", "two words"]).assert_one_sentence(&["1 to 64"]);
    for arguments in [["--usage-limit", "0"], ["--expires-in", "7"], ["--expires-in", "é"], ["--expires-in", "0d"]] {
        let outcome = manage(&[&["issue-registration-token"], &arguments[..]].concat());
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {}", outcome.stderr);
    }
    for (command, state) in [("revoke-registration-token", "revoked"), ("unrevoke-registration-token", "not revoked")] {
        manage(&[command, "come-in"]).assert_success(&format!("It is {state} now."));
        manage(&[command, "come-in"]).assert_success(&format!("It was {state} already."));
        manage(&[command, "unknown"]).assert_one_sentence(&["no such registration token"]);
    }
}
