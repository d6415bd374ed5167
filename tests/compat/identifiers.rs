//! Who is meant by an identifier, and what each state of an account tells to whom (CMP-10, CMP-11, CMP-13 to CMP-15).

use futures_util::future::join_all;
use keymaker::{domain::user::User, flows::manage, store};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Server, compat::merged, http::Answer};

/// What can be said of an account. Its name is the first word.
const STATES: [&str; 6] = ["active", "locked", "deactivated", "browseronly", "passwordless", "unknown"];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Meaning {
    TheAccount,
    Nobody,
    /// 400 with this code, whoever is meant.
    Refused(&'static str),
}
use Meaning::{Nobody, Refused, TheAccount};

/// How the account of a name is named.
type Identifier = (&'static str, fn(&str) -> Value, Meaning);

fn user(user: impl Into<String>) -> Value {
    json!({ "identifier": { "type": "m.id.user", "user": user.into() } })
}

fn email(address: String) -> Value {
    json!({ "identifier": { "type": "m.id.thirdparty", "medium": "email", "address": address } })
}

fn identifiers(is_email_allowed: bool) -> Vec<Identifier> {
    let by_email = |meaning| if is_email_allowed { meaning } else { Refused("M_UNKNOWN") };
    vec![
        ("localpart", |name| user(name), TheAccount),
        ("localpart in another case", |name| user(name.to_uppercase()), TheAccount),
        ("Matrix ID", |name| user(format!("@{name}:localhost")), TheAccount),
        ("Matrix ID in another case", |name| user(format!("@{}:LocalHost", name.to_uppercase())), TheAccount),
        ("deprecated user", |name| json!({ "user": name }), TheAccount),
        ("deprecated user, whole Matrix ID", |name| json!({ "user": format!("@{name}:localhost") }), TheAccount),
        ("user before identifier", |name| merged(user("bystander"), json!({ "user": name })), TheAccount),
        (
            "user before an unknown kind of identifier",
            |name| json!({ "user": name, "identifier": { "type": "m.id.unknown" } }),
            TheAccount,
        ),
        (
            "user before an address",
            |name| json!({ "user": name, "medium": "email", "address": "bystander@example.com" }),
            TheAccount,
        ),
        ("of another server", |name| user(format!("@{name}:other.example")), Nobody),
        ("of a server that begins like ours", |name| user(format!("@{name}:localhost.example")), Nobody),
        ("of our server with a port", |name| user(format!("@{name}:localhost:8448")), Nobody),
        ("of no server", |name| user(format!("@{name}:")), Nobody),
        ("with a NUL character", |name| user(format!("{name}\0")), Nobody),
        ("with control characters", |name| user(format!("{}\u{1}{}", &name[..2], &name[2..])), Nobody),
        ("a NUL character alone", |_| user("\0"), Nobody),
        ("empty", |_| user(""), Nobody),
        ("huge", |name| user(name.repeat(4000)), Nobody),
        ("huge with an @", |name| user(format!("@{name}:{}", "x".repeat(40_000))), Nobody),
        ("SQL", |name| user(format!("{name}' OR '1'='1")), Nobody),
        ("wild card", |name| user(format!("{}%", &name[..3])), Nobody),
        ("e-mail address", |name| email(format!("{name}@example.com")), by_email(TheAccount)),
        (
            "e-mail address in another case",
            |name| email(format!("{name}@EXAMPLE.com").to_uppercase()),
            by_email(TheAccount),
        ),
        (
            "e-mail address without a type",
            |name| json!({ "identifier": { "medium": "email", "address": format!("{name}@example.com") } }),
            by_email(TheAccount),
        ),
        (
            "deprecated medium and address",
            |name| json!({ "medium": "email", "address": format!("{name}@example.com") }),
            by_email(TheAccount),
        ),
        ("unconfirmed e-mail address", |name| email(format!("{name}@unconfirmed.example")), by_email(Nobody)),
        ("unknown e-mail address", |name| email(format!("{name}@unknown.example")), by_email(Nobody)),
        ("no e-mail address at all", |name| email(name.to_owned()), by_email(Nobody)),
        ("e-mail address with a NUL character", |name| email(format!("{name}@example.com\0")), by_email(Nobody)),
        (
            "phone number",
            |_| json!({ "identifier": { "type": "m.id.thirdparty", "medium": "msisdn", "address": "447700900001" } }),
            Refused("M_UNKNOWN"),
        ),
        (
            "m.id.phone",
            |_| json!({ "identifier": { "type": "m.id.phone", "country": "GB", "phone": "07700900001" } }),
            Refused("M_UNKNOWN"),
        ),
        (
            "unknown kind",
            |name| json!({ "identifier": { "type": "org.example.id", "user": name } }),
            Refused("M_UNKNOWN"),
        ),
        (
            "kind in another case",
            |name| json!({ "identifier": { "type": "M.ID.USER", "user": name } }),
            Refused("M_UNKNOWN"),
        ),
        ("none", |_| json!({}), Refused("M_MISSING_PARAM")),
        ("empty object", |_| json!({ "identifier": {} }), Refused("M_MISSING_PARAM")),
        ("without user", |_| json!({ "identifier": { "type": "m.id.user" } }), Refused("M_MISSING_PARAM")),
        ("without type", |name| json!({ "identifier": { "user": name } }), Refused("M_MISSING_PARAM")),
        (
            "without address",
            |_| json!({ "identifier": { "type": "m.id.thirdparty", "medium": "email" } }),
            Refused("M_MISSING_PARAM"),
        ),
        ("without medium", |name| json!({ "address": format!("{name}@example.com") }), Refused("M_MISSING_PARAM")),
        ("text", |name| json!({ "identifier": name }), Refused("M_BAD_JSON")),
        ("user is a number", |_| json!({ "user": 5 }), Refused("M_BAD_JSON")),
        (
            "user is an object",
            |name| json!({ "identifier": { "type": "m.id.user", "user": { "a": name } } }),
            Refused("M_BAD_JSON"),
        ),
    ]
}

fn credentials() -> Vec<(&'static str, Value)> {
    vec![
        ("right", json!({ "password": PASSWORD })),
        ("wrong", json!({ "password": "wrong" })),
        ("cut", json!({ "password": &PASSWORD[..PASSWORD.len() - 1] })),
        ("empty", json!({ "password": "" })),
        ("with a NUL character", json!({ "password": format!("{PASSWORD}\0") })),
        ("oversized", json!({ "password": PASSWORD.repeat(100) })),
        ("missing", json!({})),
        ("a number", json!({ "password": 5 })),
        ("a list", json!({ "password": [PASSWORD] })),
    ]
}

/// Status and code; nothing where the answer has to be that of a wrong password.
fn expected(state: &str, meaning: Meaning, credential: &str) -> Option<(u16, Vec<&'static str>)> {
    let one = |status, errcode| Some((status, vec![errcode]));
    match (meaning, credential, state) {
        (Refused("M_BAD_JSON"), ..) | (_, "a number" | "a list", _) => one(400, "M_BAD_JSON"),
        // Two mistakes in one request: either may be told.
        (Refused(errcode), "missing", _) => Some((400, vec![errcode, "M_MISSING_PARAM"])),
        (Refused(errcode), ..) => one(400, errcode),
        (_, "missing", _) => one(400, "M_MISSING_PARAM"),
        (TheAccount, "right", "active") => one(200, ""),
        (TheAccount, "right", "locked") => one(401, "M_USER_LOCKED"),
        (TheAccount, "right", "deactivated") => one(403, "M_USER_DEACTIVATED"),
        (TheAccount, "right", "browseronly") => one(403, "M_FORBIDDEN"),
        _ => None,
    }
}

/// Everything of an answer that a caller could learn from.
fn seen(answer: &Answer) -> (u16, Vec<(String, String)>, &str) {
    let headers = answer.headers.iter().filter(|(name, _)| *name != "date");
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    (answer.status, headers, &answer.body)
}

async fn make_accounts(server: &Server) {
    for name in STATES.into_iter().filter(|name| *name != "unknown").chain(["bystander"]) {
        let password = (name != "passwordless").then_some(PASSWORD);
        let address = format!("{name}@example.com");
        manage::register_user(&server.app, name, password, Some(&address), false).await.unwrap();
        let mut tx = server.app.db.write().await.unwrap();
        tx.sql(
            "INSERT INTO user_emails (id, user_id, email, created_at)
             SELECT 'unconfirmed ' || username, id, username || '@unconfirmed.example', 0 FROM users WHERE username = $1",
        )
        .bind(name)
        .execute()
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }
    manage::set_locked(&server.app, "locked", true).await.unwrap();
    manage::deactivate(&server.app, "deactivated", false).await.unwrap();
    manage::set_browser_login_required(&server.app, "browseronly", true).await.unwrap();
}

#[tokio::test]
async fn every_identifier_in_every_state_with_every_credential() {
    // CMP-10, CMP-11, CMP-13 to CMP-15, INV-06, TRP-11, TRP-31, TRP-48: knowing a name gives nothing.
    for is_email_allowed in [true, false] {
        let server =
            Server::setup().with("account.login_with_email_allowed", is_email_allowed.to_string()).start().await;
        make_accounts(&server).await;
        let (server, credentials) = (&server, credentials());
        let identifiers = identifiers(is_email_allowed);
        let cases: Vec<_> = identifiers
            .iter()
            .filter(|(what, ..)| is_email_allowed || what.contains("address"))
            .flat_map(|identifier| STATES.map(|state| (identifier, state)))
            .flat_map(|(identifier, state)| credentials.iter().map(move |credential| (identifier, state, credential)))
            .collect();
        let mut wrong: Option<Answer> = None;
        for batch in cases.chunks(16) {
            let requests = batch.iter().map(|((_, identifier, _), state, (_, credential))| {
                let login = merged(json!({ "type": "m.login.password" }), identifier(state));
                server.legacy_login(merged(login, credential.clone()))
            });
            for (((what, _, meaning), state, (credential, _)), answer) in batch.iter().zip(join_all(requests).await) {
                let case = format!("{what}, {state}, {credential}: {}", answer.body);
                match expected(state, *meaning, credential) {
                    Some((200, _)) => {
                        assert_eq!(answer.status, 200, "{case}");
                        assert_eq!(answer.json()["user_id"], format!("@{state}:localhost"), "{case}");
                    }
                    Some((status, errcodes)) => {
                        assert_eq!(answer.status, status, "{case}");
                        assert!(errcodes.contains(&answer.errcode().as_str()), "{case}");
                        answer.assert_matrix_error(status, &answer.errcode());
                        assert_eq!(
                            answer.json().get("soft_logout").is_some(),
                            *state == "locked" && status == 401,
                            "{case}"
                        );
                    }
                    None => {
                        answer.assert_matrix_error(403, "M_FORBIDDEN");
                        let first = wrong.get_or_insert_with(|| answer.clone());
                        assert_eq!(seen(&answer), seen(first), "{case}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_told_to_its_owner() {
    // CMP-14, CMP-15, DEV-08, DEV-12, DEV-14, TRP-32
    let server = Server::start().await;
    make_accounts(&server).await;
    let locked = server.password_login("locked", json!({})).await;
    assert_eq!((locked.status, &locked.json()["soft_logout"]), (401, &json!(true)), "{}", locked.body);
    let deactivated = server.password_login("deactivated", json!({})).await.json();
    assert_eq!((&deactivated["errcode"], deactivated.get("soft_logout")), (&json!("M_USER_DEACTIVATED"), None));
    let browser_only = server.password_login("browseronly", json!({})).await.json();
    assert!(browser_only["error"].as_str().unwrap().contains("browser"), "{browser_only}");

    manage::set_browser_login_required(&server.app, "browseronly", false).await.unwrap();
    assert_eq!(server.password_login("browseronly", json!({})).await.status, 200);
    manage::set_locked(&server.app, "locked", false).await.unwrap();
    assert_eq!(server.password_login("locked", json!({})).await.status, 200);
    manage::reactivate(&server.app, "deactivated").await.unwrap();
    assert_eq!(server.password_login("deactivated", json!({})).await.status, 200);

    // Several things at once: what lasts longest is told.
    manage::set_locked(&server.app, "active", true).await.unwrap();
    manage::set_browser_login_required(&server.app, "active", true).await.unwrap();
    server.password_login("active", json!({})).await.assert_matrix_error(401, "M_USER_LOCKED");
    manage::deactivate(&server.app, "active", false).await.unwrap();
    server.password_login("active", json!({})).await.assert_matrix_error(403, "M_USER_DEACTIVATED");
}

/// Makes an account as a homeserver of long ago made it, with a password of its own.
async fn make_historical(server: &Server, username: &str) {
    let now = server.clock.now();
    let hash = server.app.passwords.hash(&password_of(username)).await.unwrap();
    let user = User {
        id: server.app.new_user_id(),
        username: username.to_owned(),
        display_name: None,
        is_admin: false,
        created_at: now,
        locked_at: None,
        deactivated_at: None,
        browser_login_required_at: None,
        second_factor_required_at: None,
        approval_required_at: None,
    };
    let mut tx = server.app.db.write().await.unwrap();
    store::user::insert(&mut tx, &user).await.unwrap();
    store::user::set_password(&mut tx, &user.id, &hash, now).await.unwrap();
    tx.commit().await.unwrap();
}

fn password_of(username: &str) -> String {
    format!("{PASSWORD} {username}")
}

#[tokio::test]
async fn a_historical_name_is_found_in_any_case_unless_two_could_be_meant() {
    // CMP-10: exact, then the only one in another case; never a guess.
    let server = Server::start().await;
    let names = ["OldUpper", "Twin", "tWIN", "with space"];
    for name in names {
        make_historical(&server, name).await;
    }
    let table = [
        ("oldupper", "OldUpper", true),
        ("OLDUPPER", "OldUpper", true),
        ("@oldUpper:localhost", "OldUpper", true),
        ("twin", "Twin", false),
        ("twin", "tWIN", false),
        ("TWIN", "tWIN", false),
        ("With Space", "with space", true),
    ];
    let exact =
        names.iter().flat_map(|name| [(name.to_string(), *name, true), (format!("@{name}:LOCALHOST"), *name, true)]);
    let others = table.map(|(typed, name, is_found)| (typed.to_owned(), name, is_found));
    for (typed, name, is_found) in exact.chain(others) {
        let answer = server.password_login(&typed, json!({ "password": password_of(name) })).await;
        assert_eq!(answer.status, if is_found { 200 } else { 403 }, "{typed} for {name}: {}", answer.body);
        if is_found {
            let body = answer.json();
            assert_eq!(body["user_id"], format!("@{name}:localhost"), "{typed}");
            let introspection = server.introspect(body["access_token"].as_str().unwrap()).await;
            assert_eq!(introspection["username"], name, "the homeserver is told its exact spelling");
        }
    }
}

#[tokio::test]
async fn each_of_many_names_that_differ_in_case_is_found_by_its_own_spelling() {
    // CMP-10
    let server = Server::start().await;
    let names = ["five", "Five", "fIve", "fiVe", "fivE"];
    for name in names {
        make_historical(&server, name).await;
    }
    for name in names {
        let answer = server.password_login(name, json!({ "password": password_of(name) })).await;
        assert_eq!(answer.json()["user_id"], format!("@{name}:localhost"), "{name} {}", answer.body);
        let answer = server.password_login("FIVE", json!({ "password": password_of(name) })).await;
        answer.assert_matrix_error(403, "M_FORBIDDEN");
    }
}

#[tokio::test]
async fn an_address_is_one_address_in_every_case() {
    // CMP-11, TRP-31: case folding and not lower case
    let server = Server::setup().with("account.login_with_email_allowed", "true").start().await;
    for (name, address) in [("strasse", "Straße@Example.com"), ("odos", "ΟΔΟΣ@example.com")] {
        manage::register_user(&server.app, name, Some(PASSWORD), Some(address), false).await.unwrap();
    }
    let table = [
        ("straße@example.com", Some("strasse")),
        ("STRAẞE@EXAMPLE.COM", Some("strasse")),
        ("strasse@example.com", Some("strasse")),
        ("StRaSSe@example.com", Some("strasse")),
        ("strase@example.com", None),
        ("οδος@example.com", Some("odos")),
        ("οδοσ@example.com", Some("odos")),
        ("ΟΔΟΣ@EXAMPLE.COM", Some("odos")),
    ];
    for (address, owner) in table {
        let answer = server
            .legacy_login(merged(
                email(address.to_owned()),
                json!({ "type": "m.login.password", "password": PASSWORD }),
            ))
            .await;
        match owner {
            Some(owner) => assert_eq!(answer.json()["user_id"], format!("@{owner}:localhost"), "{address}"),
            None => answer.assert_matrix_error(403, "M_FORBIDDEN"),
        }
    }
    let taken = manage::register_user(&server.app, "other", Some(PASSWORD), Some("STRASSE@example.com"), false).await;
    assert!(taken.is_err(), "one address, one account");
}
