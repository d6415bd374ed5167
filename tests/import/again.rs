//! The second import and the third: they bring what is different in Synapse since the one before, and leave alone what people
//! did in Keymaker meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use keymaker::{clock::Clock, flows::manage};
use serde_json::{Value, json};

use super::people::{Chain, Holdings, PASSWORD, Token};
use super::target::{Contents, difference};
use super::{Move, Way};
use crate::support::{Server, eventually, homeserver::FakeHomeserver, http::Answer, person::Person, waiting_jobs};

/// When and from where somebody was last seen.
const SEEN: [&str; 3] = ["last_active_at", "last_active_ip", "user_agent"];
const THEIR_PASSWORD: &str = crate::support::PASSWORD;
const NEW_PASSWORD: &str = "seven-Orange-otters-dive";

in_four_ways!(a_second_run_brings_only_what_changed);

// Issue "Moving a living homeserver": a second run after changes in the source brings exactly those.
async fn a_second_run_brings_only_what_changed(way: Way) {
    let Some(mut moved) = Move::begin(way).await else { return };
    let mut holdings = moved.legacy.populate().await;
    moved.legacy.settle(&mut holdings).await;
    moved.legacy.put(&holdings.admin, "erin", json!({ "threepids": [email("moving@example.com")] })).await;
    // While Synapse runs.
    let first = moved.import(&[]);
    first.assert_success();
    assert!(!first.stdout.contains("Since the last import"), "{}", first.stdout);

    let here = live_in_keymaker(&moved, &holdings).await;
    let before = moved.target.contents(&[]).await;
    let there = live_in_synapse(&moved, &holdings).await;
    let second = moved.import(&[]);
    second.assert_success();
    let after = moved.target.contents(&[]).await;
    assert_eq!(
        changes(&before, &after),
        [
            "+ session alice NEW",
            "+ session newcomer FIRST",
            "+ token alice CURRENT 3 access",
            "+ token alice CURRENT 3 refresh",
            "+ token alice CURRENT access",
            "+ token alice CURRENT refresh",
            "+ token alice NEW access",
            "+ token alice NEW refresh",
            "+ token newcomer FIRST access",
            "+ user newcomer",
            "+ user_email dave@example.com",
            "+ user_password newcomer",
            "- session long FIRST",
            "- session odd=2f/na.me-_+x FIRST",
            // What Synapse forgot of the chain, and the pair that was given here.
            "- token alice CURRENT 3 access",
            "- token alice CURRENT 3 access",
            "- token alice CURRENT 3 refresh",
            "- token alice CURRENT 3 refresh",
            "- token long FIRST access",
            "- token odd=2f/na.me-_+x FIRST access",
            "- upstream_link erin-1",
            "- user_email alice@example.com",
            "- user_password long",
            "~ session alice x: device_name",
            "~ token alice CURRENT 3 refresh: consumed_at successor successor_access_id successor_refresh_id",
            "~ token alice CURRENT refresh: consumed_at successor successor_access_id successor_refresh_id",
            "~ token alice x access: first_used_at",
            "~ user laura: locked_at",
            "~ user long: deactivated_at",
            "~ user lost: locked_at",
            "~ user_email moving@example.com: confirmed_at created_at imported_at user_id",
            "~ user_password dave: created_at hash",
        ]
    );
    let skipped = second.section("Not imported, and why").join("\n");
    for words in [
        "1 user: an account with this name was made here\n@newhere:hs.test",
        "1 e-mail address: an account that was made here has it\ntaken@example.com of @dave:hs.test",
    ] {
        assert!(skipped.contains(words), "no {words:?} in {skipped}");
    }
    let told = second.section("Since the last import");
    let told: BTreeSet<_> = told.iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for line in ["added changed removed", "1 3 0 users", "1 1 1 e-mail addresses", "0 0 1 single sign-on links"] {
        assert!(told.contains(line), "no {line:?} in {told:?}");
    }

    // Synapse still wrote when it was last asked what by whom; from here on nothing is different.
    moved.legacy.stop();
    moved.import(&[]).assert_success();
    assert_eq!(changes(&after, &moved.target.contents(&[]).await), [""; 0]);
    let after = moved.target.contents(&[]).await;
    let third = moved.import(&[]);
    third.assert_success();
    assert_eq!(third.section("Since the last import"), ["nothing has changed"]);
    assert_eq!(difference(&after, &moved.target.contents(&[]).await), Default::default());

    let fake = Arc::new(FakeHomeserver::default());
    let server = moved.serve(Server::setup().homeserver(fake)).await;
    what_happened_here_is_not_undone(&server, &here).await;
    what_happened_there_has_come(&server, &holdings, &there).await;
}

/// What somebody did in Keymaker after the first import.
struct Here {
    ended: String,
    refreshed: [String; 2],
    /// Of a token that was exchanged at Synapse too, and later.
    overtaken: [String; 2],
}

async fn live_in_keymaker(moved: &Move, holdings: &Holdings) -> Here {
    let server = moved.serve(Server::setup().homeserver(Arc::new(FakeHomeserver::default()))).await;
    assert_eq!(sign_in(&server, "composed", "Amélie ﬁnds 12 Å").await.status, 303, "the hash is made anew");
    manage::register_user(&server.app, "newhere", Some(THEIR_PASSWORD), Some("taken@example.com"), false)
        .await
        .unwrap();
    moved.manage(&["set-password", "emoji", "--password", NEW_PASSWORD]);
    moved.manage(&["lock-user", "decomposed"]);
    let ended = token_of(holdings, "alice", "PLAIN");
    assert_eq!(server.logout(&ended).await.status, 200);
    let refreshed = pair(&server.legacy_refresh(&newest(&holdings.current[1])[1]).await);
    assert!(server.is_active(&refreshed[0]).await);
    let overtaken = pair(&server.legacy_refresh(&newest(&holdings.current[2])[1]).await);
    eventually("an empty queue", async || waiting_jobs(&server).await == 0).await;
    Here { ended, refreshed, overtaken }
}

async fn what_happened_here_is_not_undone(server: &Server, here: &Here) {
    for (name, password, status) in [
        ("composed", "Amélie ﬁnds 12 Å", 303),
        ("newhere", THEIR_PASSWORD, 303),
        ("taken@example.com", THEIR_PASSWORD, 303),
        ("emoji", NEW_PASSWORD, 303),
        ("decomposed", "Amélie ﬁnds 12 Å", 403),
    ] {
        assert_eq!(sign_in(server, name, password).await.status, status, "{name}");
    }
    assert!(!server.is_active(&here.ended).await);
    assert!(server.is_active(&here.refreshed[0]).await);
    pair(&server.legacy_refresh(&here.refreshed[1]).await);
    assert!(!server.is_active(&here.overtaken[0]).await, "INV-04: there is one branch");
}

/// What was handed out in Synapse after the first import.
struct There {
    login: [String; 2],
    refreshed: [String; 2],
    overtook: [String; 2],
    newcomer: String,
}

async fn live_in_synapse(moved: &Move, holdings: &Holdings) -> There {
    let (legacy, admin) = (&moved.legacy, &holdings.admin);
    let pair = |body: Value| ["access_token", "refresh_token"].map(|name| body[name].as_str().unwrap().to_owned());
    let login = pair(legacy.log_in("alice", "NEW", true).await);
    let refreshed = pair(legacy.refresh(&newest(&holdings.current[0])[1]).await);
    let overtook = pair(legacy.refresh(&newest(&holdings.current[2])[1]).await);
    let odd = token_of(holdings, "odd=2f/na.me-_+x", "FIRST");
    legacy.ask("POST", "_matrix/client/v3/logout", &odd, json!({})).await;
    let device = token_of(holdings, "alice", "x");
    legacy.ask("PUT", "_matrix/client/v3/devices/x", &device, json!({ "display_name": "another name" })).await;
    legacy.put(admin, "dave", json!({ "password": NEW_PASSWORD, "logout_devices": false })).await;
    let emails = ["dave@example.com", "taken@example.com"].map(email);
    legacy.put(admin, "dave", json!({ "threepids": emails })).await;
    legacy.put(admin, "alice", json!({ "threepids": [{ "medium": "msisdn", "address": "441234567" }] })).await;
    legacy.put(admin, "erin", json!({ "external_ids": [], "threepids": [] })).await;
    legacy.put(admin, "newhere", json!({ "password": PASSWORD })).await;
    legacy.log_in("newhere", "FIRST", false).await;
    legacy.put(admin, "long", json!({ "deactivated": true })).await;
    legacy.put(admin, "lost", json!({ "locked": true })).await;
    legacy.put(admin, "laura", json!({ "locked": false })).await;
    let moved = email("moving@example.com");
    legacy.put(admin, "newcomer", json!({ "password": PASSWORD, "threepids": [moved] })).await;
    let newcomer = legacy.log_in("newcomer", "FIRST", false).await["access_token"].as_str().unwrap().to_owned();
    There { login, refreshed, overtook, newcomer }
}

async fn what_happened_there_has_come(server: &Server, holdings: &Holdings, there: &There) {
    for token in [&there.login[0], &there.newcomer, &token_of(holdings, "dave", "DAVESPHONE")] {
        assert!(server.is_active(token).await);
    }
    for (user, device) in [("odd=2f/na.me-_+x", "FIRST"), ("long", "FIRST"), ("lost", "lost and found")] {
        assert!(!server.is_active(&token_of(holdings, user, device)).await, "{user}");
    }
    assert!(holdings.shut_out.iter().any(|one| one.user == "laura"));
    for laura in holdings.shut_out.iter().filter(|one| one.user == "laura") {
        assert!(server.is_active(&laura.token).await);
    }
    pair(&server.legacy_refresh(&there.login[1]).await);
    pair(&server.legacy_refresh(&there.overtook[1]).await);
    let before = &newest(&holdings.current[0])[1];
    assert_eq!(pair(&server.legacy_refresh(before).await), there.refreshed);
    for (name, password, status) in [
        ("dave", NEW_PASSWORD, 303),
        ("dave", PASSWORD, 401),
        ("newcomer", PASSWORD, 303),
        ("dave@example.com", NEW_PASSWORD, 303),
        ("moving@example.com", PASSWORD, 303),
        ("alice@example.com", PASSWORD, 401),
        ("lost", PASSWORD, 403),
    ] {
        assert_eq!(sign_in(server, name, password).await.status, status, "{name}");
    }
}

fn email(address: &str) -> Value {
    json!({ "medium": "email", "address": address })
}

async fn sign_in(server: &Server, username: &str, password: &str) -> Answer {
    let browser: Person = server.browser();
    let page = browser.get("login").await;
    browser.submit(&page, &[("username", username), ("password", password)]).await
}

fn pair(answer: &Answer) -> [String; 2] {
    assert_eq!(answer.status, 200, "{}", answer.body);
    ["access_token", "refresh_token"].map(|name| answer.json()[name].as_str().unwrap().to_owned())
}

fn newest(chain: &Chain) -> &[String; 2] {
    chain.pairs.last().unwrap()
}

fn token_of(holdings: &Holdings, user: &str, device: &str) -> String {
    let wanted = |one: &&Token| one.user == user && one.device.as_deref() == Some(device);
    holdings.tokens.iter().find(wanted).unwrap().token.clone()
}

/// Tells what is different, one line a row: what is new, what is gone, and which columns of the others. When somebody was last
/// seen is left out.
fn changes(before: &Contents, after: &Contents) -> Vec<String> {
    let (before, after) = (Rows::of(before), Rows::of(after));
    let mut changes = Vec::new();
    for (key, row) in &after.0 {
        let Some(other) = before.0.get(key) else {
            changes.push(format!("+ {}", after.name(key)));
            continue;
        };
        let columns = row.as_object().unwrap().iter().filter(|(name, value)| other[name.as_str()] != **value);
        let columns = columns.map(|(name, _)| name.as_str());
        let columns: Vec<&str> = columns.filter(|name| !SEEN.contains(name)).collect();
        if !columns.is_empty() {
            changes.push(format!("~ {}: {}", after.name(key), columns.join(" ")));
        }
    }
    let gone = before.0.keys().filter(|key| !after.0.contains_key(key));
    changes.extend(gone.map(|key| format!("- {}", before.name(key))));
    changes.sort_unstable();
    changes
}

/// Rows by their table and their key.
struct Rows(BTreeMap<(String, String), Value>);

impl Rows {
    fn of(contents: &Contents) -> Self {
        // What counts attempts, and the keys of the house.
        let passing = ["lanes", "rate_limits", "known_browsers", "user_code_guesses", "signing_keys", "derived_keys"];
        let is_kept = |table: &str| !table.starts_with("import_") && !passing.contains(&table);
        let tables = contents.iter().filter(|(table, _)| is_kept(table));
        let rows = tables.flat_map(|(table, rows)| {
            rows.iter().map(move |row| {
                let row: Value = serde_json::from_str(row).unwrap();
                let key = ["id", "user_id", "version"].into_iter().find_map(|name| row.get(name)).unwrap();
                ((table.clone(), key.to_string()), row)
            })
        });
        Self(rows.collect())
    }

    /// Names a row so that a reader knows whose it is.
    fn name(&self, key: &(String, String)) -> String {
        let (table, row) = (key.0.strip_suffix('s').unwrap_or(&key.0), &self.0[key]);
        let text = |row: &Value, column: &str| row[column].as_str().unwrap_or("-").to_owned();
        let other = |table: &str, id: &Value| self.0.get(&(table.to_owned(), id.to_string()));
        let user = |row: &Value| other("users", &row["user_id"]).map_or("-".to_owned(), |user| text(user, "username"));
        let session = |row: &Value| format!("{} {}", user(row), text(row, "device_id"));
        let name = match table {
            "user" => text(row, "username"),
            "user_password" => user(row),
            "user_email" => text(row, "email"),
            "user_phone" => text(row, "number"),
            "upstream_link" => text(row, "subject"),
            "session" => session(row),
            "token" => {
                let session = other("sessions", &row["session_id"]).map_or("-".to_owned(), session);
                format!("{session} {}", text(row, "kind"))
            }
            _ => key.1.clone(),
        };
        format!("{table} {name}")
    }
}

in_four_ways!(what_expires_after_an_import_is_no_difference);

// Access tokens that can be refreshed live five minutes: between an import and the comparison there is always one that ends.
async fn what_expires_after_an_import_is_no_difference(way: Way) {
    let Some(moved) = Move::begin_at_rest(way).await else { return };
    let clock = Clock::default();
    let end = clock.now() + 15_000;
    let token = |id: i64, device: &str, token: &str| {
        format!(
            "INSERT INTO access_tokens (id, user_id, device_id, token, valid_until_ms)
             VALUES ({id}, '@short:hs.test', {device}, '{token}', {end})"
        )
    };
    let statements = [
        "INSERT INTO users (name, creation_ts) VALUES ('@short:hs.test', 1500000000)".to_owned(),
        "INSERT INTO devices (user_id, device_id, hidden) VALUES ('@short:hs.test', 'SHORT', FALSE)".to_owned(),
        token(990_001, "'SHORT'", "syt_short_of_a_device"),
        token(990_002, "NULL", "syt_short_of_no_device"),
    ];
    moved.legacy.sql(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
    moved.import(&[]).assert_success();
    let tokens = async || moved.target.contents(&[]).await["tokens"].len();
    let before = tokens().await;
    assert!(before >= 2 && clock.now() < end, "they were good when they were imported");
    while clock.now() <= end {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let outcome = moved.verify();
    outcome.assert_success();
    assert!(outcome.stdout.ends_with("Everything is here as it is at Synapse.\n"), "{}", outcome.stdout);
    // The next import takes them away.
    moved.import_and_verify();
    assert_eq!(tokens().await, before - 2);
}
