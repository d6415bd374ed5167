//! A check of a real Synapse's own database: every row is counted, and what has to change is told.

use keymaker::import::synapse::{
    database::Source,
    rows::{DeviceRow, UserRow},
};

use super::{
    Outcome, check,
    legacy::{Legacy, PEPPER},
    write_configuration,
};

const FILES: [&str; 4] = ["--synapse-config", "homeserver.yaml", "--synapse-config", "sso.yaml"];
const SINGLE_SIGN_ON: &str =
    "oidc_providers: [{idp_id: google, idp_name: Google, issuer: 'https://x/', client_id: x}]\n";

/// The configuration of a Keymaker to which nothing is left to do.
const FITTING: [(&str, &str); 10] = [
    ("matrix.kind", "synapse"),
    ("matrix.homeserver", "hs.test"),
    ("matrix.endpoint", "http://localhost:8008/"),
    ("matrix.secret", "two_servers_share_R2x9mK4vTq8w"),
    ("account.login_with_email_allowed", "true"),
    ("upstream_oauth2.providers", "[{id: google, synapse_idp_id: oidc-google}]"),
    ("passwords.schemes", "[{version: 1, algorithm: argon2id}]"),
    ("passwords.schemes.1.version", "2"),
    ("passwords.schemes.1.algorithm", "bcrypt"),
    ("passwords.schemes.1.secret", PEPPER),
];

fn assert_counts(outcome: &Outcome) {
    assert_eq!(
        outcome.section("Will be imported"),
        [
            "11  users",
            "1    administrators",
            "1    locked: they stay out until they are unlocked",
            "1    suspended: Synapse goes on with that by itself",
            "1    deactivated: their names stay taken",
            "1    guests: their names stay taken, they cannot sign in",
            "1    with a name of the old kind, such as upper case: kept exactly",
            "2    with a name that another one has in another case: each has to type it exactly",
            "3    without a password",
            "5  passwords",
            "2  e-mail addresses",
            "1  phone numbers, kept but not used",
            "3  single sign-on links",
            "9  devices",
            "1    that Synapse has lost but has a token of: made again when Keymaker starts",
            "12  access tokens",
            "2    of no device",
            "1    with which an administrator acts as somebody else",
            "5  refresh tokens",
            "1    exchanged, while what they gave was not used yet",
            "1  used refresh tokens, known so that a second use is noticed",
        ]
    );
    assert_eq!(
        outcome.section("Left alone"),
        [
            "3  users of application services (bridges and bots): they stay with the homeserver",
            "3  devices of application services (bridges and bots): they stay with the homeserver",
            "3  access tokens of application services (bridges and bots): they stay with the homeserver",
            "1  devices of guests",
            "1  e-mail addresses of deactivated users",
            "1  devices of deactivated users",
            "1  access tokens of deactivated users",
            "1  access tokens that have expired",
            "2  refresh tokens that have expired",
            "1  devices that are cross-signing keys: they stay with the homeserver",
            "1  devices that are dehydrated: they stay with the homeserver",
            "1  single sign-on links of an authentication service that Synapse asked before",
        ]
    );
    let long = "@alice:hs.test, device LLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL…";
    assert_eq!(
        outcome.section("Cannot be imported, and why"),
        [
            "1 user: the name belongs to another server",
            "@mallory:elsewhere.test",
            "1 user: the name is no Matrix ID",
            "nobody",
            "1 user: Synapse does not know when the account was made",
            "@timeless:hs.test",
            "1 password: it is no bcrypt hash; the account comes without a password",
            "@modern:hs.test",
            "1 e-mail address: it is no e-mail address",
            "no address of @bob:hs.test",
            "2 e-mail addresses: another account has the same address in another spelling",
            "ALICE@example.com of @bob:hs.test",
            "Straße@example.com of @dave:hs.test",
            "1 single sign-on link: no provider of Keymaker's configuration has this synapse_idp_id",
            "oidc-gone of @alice:hs.test",
            "1 e-mail address: the user does not exist",
            "gone@example.com of @gone:hs.test",
            "1 single sign-on link: the user does not exist",
            "oidc-google of @gone:hs.test",
            "1 device: the user does not exist",
            "@gone:hs.test, device GONE",
            "1 access token: the user does not exist",
            "@gone:hs.test, device GONE",
            "1 refresh token: the user does not exist",
            "@gone:hs.test, device GONE",
            "1 phone number: the user cannot be imported",
            "49301 of @timeless:hs.test",
            "1 access token: the user cannot be imported",
            "@timeless:hs.test",
            "1 device: the device id is empty, longer than 255 characters or not printable",
            long,
            "1 access token: the device id is empty, longer than 255 characters or not printable",
            long,
            "1 access token: no client could present a text like that as a token",
            "@alice:hs.test, device PLAIN",
        ]
    );
}

// Issue "Moving a living homeserver": a population made through a real Synapse's own APIs, on both engines.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_counts_every_row_of_a_real_synapse_and_changes_nothing() {
    let Some(mut legacy) = Legacy::start().await else { return };
    legacy.populate().await;
    legacy.age().await;
    let folder = legacy.folder.path().to_owned();
    write_configuration(&folder);
    std::fs::write(folder.join("sso.yaml"), SINGLE_SIGN_ON).unwrap();

    // While Synapse runs.
    let outcome = check(&folder, &FITTING, &FILES);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stderr.starts_with("users: 17 of 17\n"), "where there is no terminal, lines: {}", outcome.stderr);
    assert_counts(&outcome);
    assert!(!outcome.stdout.contains("First: "), "{}", outcome.stdout);
    assert!(outcome.stdout.ends_with("The import can go ahead. Nothing was changed.\n"));
    for secret in ["hunter2", "MDAxN2", "syt_", "syr_", "$2b$", "argon2id"] {
        assert!(!outcome.stdout.contains(secret), "{secret} in {}", outcome.stdout);
    }

    // After it has stopped, from the address alone, and not a byte is different then.
    legacy.stop();
    let kept = || std::fs::read(folder.join("homeserver.db")).unwrap_or_default();
    let before = kept();
    let uri = legacy.uri();
    let outcome = check(&folder, &FITTING, &[&FILES[..], &["--synapse-database-uri", &uri]].concat());
    assert_counts(&outcome);
    assert!(kept() == before);

    // A row that holds what is no text is one row; PostgreSQL would not take it.
    if !legacy.is_on_postgres() {
        // In a name for people it is replaced.
        let row = |id: &str, name: &str| {
            format!("INSERT INTO devices (user_id, device_id, display_name) VALUES ('@bob:hs.test', {id}, {name})")
        };
        let no_text = "CAST(x'ff41' AS TEXT)";
        legacy.sql(&[&row(no_text, "'A'"), &row("'A'", no_text)]).await;
        let outcome = check(&folder, &FITTING, &FILES);
        assert!(outcome.stdout.contains("\n  1 device: the row holds what cannot be read\n"), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("\n  10  devices\n"), "{}", outcome.stdout);
    }
}

// Whoever reads must not hold up whoever writes, nor see half of what they write.
#[tokio::test(flavor = "multi_thread")]
async fn synapse_goes_on_while_it_is_read() {
    let Some(legacy) = Legacy::start().await else { return };
    legacy.populate().await;
    let mut source = Source::open(&legacy.uri().parse().unwrap(), 0).await.unwrap();
    let mut users = source.rows::<UserRow>();
    let first = users.next().await.unwrap().unwrap();
    assert_eq!(first.account.name, "@1:hs.test", "guests have numbers, and digits come first");

    legacy.log_in("alice", "MEANWHILE", false).await;

    while users.next().await.unwrap().is_some() {}
    drop(users);
    let mut devices = source.rows::<DeviceRow>();
    let mut keys = Vec::new();
    while let Some(device) = devices.next().await.unwrap() {
        keys.push((device.account.name, device.device_id));
    }
    assert!(keys.len() > 5 && keys.is_sorted(), "{keys:?}");
    assert!(keys.iter().all(|(_, device)| device != "MEANWHILE"), "it is read as it was when it was opened");
}

// A Synapse that starts while its file is read as one at rest writes to what was taken for unchanging.
#[tokio::test(flavor = "multi_thread")]
async fn a_synapse_that_starts_meanwhile_is_noticed() {
    let Some(mut legacy) = Legacy::start().await else { return };
    legacy.stop();
    if legacy.is_on_postgres() {
        return;
    }
    legacy.sql(&["DELETE FROM users"]).await;
    let source = Source::open(&legacy.uri().parse().unwrap(), 0).await.unwrap();
    source.check_undisturbed().unwrap();
    legacy.start_again();
    assert!(source.check_undisturbed().unwrap_err().to_string().contains("run this again"));
}

// The keys by which an administrator sees what is different before the riskiest hour of the year.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_to_change_first_is_told_with_what_to_write() {
    let Some(legacy) = Legacy::start().await else { return };
    legacy.populate().await;
    let folder = legacy.folder.path().to_owned();
    write_configuration(&folder);
    std::fs::write(folder.join("sso.yaml"), SINGLE_SIGN_ON).unwrap();
    let schemes = |list: &'static str| [("matrix.homeserver", "hs.test"), ("passwords.schemes", list)];

    let outcome = check(&folder, &[("matrix.homeserver", "other.test")], &FILES);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    let told = outcome.section("Change in Keymaker's configuration").join("\n");
    for words in [
        "First: matrix.homeserver: is other.test, but Synapse's server_name is hs.test.\nmatrix:\nhomeserver: hs.test",
        "First: passwords.schemes: ",
        "passwords:\nschemes:\n- version: 1\nalgorithm: argon2id\n- version: 2\nalgorithm: bcrypt\nsecret_file: synapse-pepper",
        "matrix.kind: is none.",
        "account.login_with_email_allowed: is false.",
        "upstream_oauth2.providers: knows nothing of oidc-gone, oidc-google. Name a provider for each",
        "upstream_oauth2:\nproviders:\n- id: gone\nsynapse_idp_id: oidc-gone\n- id: google\nsynapse_idp_id: oidc-google",
    ] {
        assert!(told.contains(words), "no {words:?} in\n{told}");
    }
    assert!(outcome.stdout.ends_with("has to wait for what is marked with “First”. Nothing was changed.\n"));
    assert!(!outcome.stdout.contains("hunter2"), "{}", outcome.stdout);

    let wrong_pepper =
        "[{version: 3, algorithm: argon2id}, {version: 5, algorithm: bcrypt, cost: 11, secret: another}]";
    let outcome = check(&folder, &schemes(wrong_pepper), &FILES);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    let told = outcome.section("Change in Keymaker's configuration").join("\n");
    let words =
        "- version: 5\nalgorithm: bcrypt\ncost: 11\nsecret: {as it is}\n- version: 6\nalgorithm: bcrypt\nsecret_file";
    assert!(told.contains(words), "{told}");

    let not_normalised = "[{version: 1, algorithm: bcrypt, secret: 'pepper & hunter2', unicode_normalization: false}]";
    let outcome = check(&folder, &schemes(not_normalised), &FILES);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    let told = outcome.section("Change in Keymaker's configuration").join("\n");
    assert!(told.contains("First: passwords.schemes: version 1 has what Synapse's passwords need, but for"), "{told}");
    assert!(told.contains("schemes:\n- version: 1\nalgorithm: bcrypt\nsecret: {as it is}\n"), "{told}");

    std::fs::write(folder.join("elsewhere.yaml"), "server_name: elsewhere.test\n").unwrap();
    let outcome =
        check(&folder, &FITTING, &["--synapse-config", "homeserver.yaml", "--synapse-config", "elsewhere.yaml"]);
    assert_eq!(outcome.code, Some(2), "{}", outcome.stderr);
    let told = outcome.section("Change in homeserver.yaml").join("\n");
    assert!(told.contains("First: database: none of the users in this database is of elsewhere.test."), "{told}");
}
