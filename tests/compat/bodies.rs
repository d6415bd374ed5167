//! What clients, and others, send as a body: each mistake has its error, and none of them changes anything (area 12,
//! INV-08, INV-13, INV-17).

use serde_json::json;

use super::live_sessions;
use crate::support::{
    PASSWORD, Server,
    compat::{LOGIN, REFRESH, password_login},
};

/// What is sent, the status, and the codes of which one is answered.
type Wrong = (&'static str, Vec<u8>, u16, &'static [&'static str]);

const MAXIMUM: usize = 64 * 1024;

/// What is no JSON object, wherever one is expected.
fn no_objects() -> Vec<Wrong> {
    const NOT_JSON: &[&str] = &["M_NOT_JSON"];
    const BAD_JSON: &[&str] = &["M_BAD_JSON"];
    // A reader may stumble over it, or skip it with what is not known.
    const ODD: &[&str] = &["M_NOT_JSON", "M_BAD_JSON", "M_MISSING_PARAM"];
    let deep =
        |open: &str, close: &str, times: usize| [&open.repeat(times), "1", &close.repeat(times)].concat().into_bytes();
    vec![
        ("nothing", vec![], 400, NOT_JSON),
        ("space", b" \r\n\t".to_vec(), 400, NOT_JSON),
        ("half an object", b"{".to_vec(), 400, NOT_JSON),
        ("an object without its end", b"{\"type\":\"m.login.password\"".to_vec(), 400, NOT_JSON),
        ("two objects", b"{}{}".to_vec(), 400, NOT_JSON),
        ("an object and more", b"{} x".to_vec(), 400, NOT_JSON),
        ("a comma too many", b"{\"type\":\"x\",}".to_vec(), 400, NOT_JSON),
        ("single quotes", b"{'type':'m.login.password'}".to_vec(), 400, NOT_JSON),
        ("a form", b"type=m.login.password&user=alice".to_vec(), 400, NOT_JSON),
        ("a byte order mark", b"\xef\xbb\xbf{}".to_vec(), 400, NOT_JSON),
        ("a byte that is no UTF-8", b"{\"type\":\"\xff\"}".to_vec(), 400, NOT_JSON),
        ("half a surrogate pair", b"{\"type\":\"\\ud800\"}".to_vec(), 400, ODD),
        ("a raw control character", b"{\"type\":\"a\nb\"}".to_vec(), 400, NOT_JSON),
        ("a NUL byte", b"\0".to_vec(), 400, NOT_JSON),
        ("null", b"null".to_vec(), 400, BAD_JSON),
        ("true", b"true".to_vec(), 400, BAD_JSON),
        ("a number", b"7".to_vec(), 400, BAD_JSON),
        ("a text", b"\"x\"".to_vec(), 400, BAD_JSON),
        ("an empty list", b"[]".to_vec(), 400, BAD_JSON),
        ("a list in the order of the members", b"[\"m.login.password\",null,\"alice\"]".to_vec(), 400, BAD_JSON),
        ("200 lists in each other", deep("[", "]", 200), 400, ODD),
        ("10000 lists in each other", [b"{\"a\":".to_vec(), deep("[", "]", 10_000), b"}".to_vec()].concat(), 400, ODD),
        ("200 objects in each other", deep("{\"a\":", "}", 200), 400, ODD),
        ("more than is read", vec![b' '; MAXIMUM + 1], 413, &["M_TOO_LARGE"]),
        ("an object larger than is read", large(MAXIMUM + 1), 413, &["M_TOO_LARGE"]),
    ]
}

/// An object of exactly this many bytes.
fn large(bytes: usize) -> Vec<u8> {
    let frame = b"{\"pad\":\"\"}".len();
    format!("{{\"pad\":\"{}\"}}", "x".repeat(bytes - frame)).into_bytes()
}

/// A correct login with one member more, as raw JSON.
fn login_with(member: &str) -> Vec<u8> {
    let login = password_login("alice").to_string();
    format!("{},{member}}}", &login[..login.len() - 1]).into_bytes()
}

fn wrong_logins() -> Vec<Wrong> {
    const BAD_JSON: &[&str] = &["M_BAD_JSON"];
    const MISSING: &[&str] = &["M_MISSING_PARAM"];
    const UNKNOWN: &[&str] = &["M_UNKNOWN"];
    const INVALID: &[&str] = &["M_INVALID_PARAM"];
    const FORBIDDEN: &[&str] = &["M_FORBIDDEN"];
    let named = |name: &'static str, body: String, status, errcodes| (name, body.into_bytes(), status, errcodes);
    let typed =
        |login_type: &str| format!("{{\"type\":\"{login_type}\",\"user\":\"alice\",\"password\":\"{PASSWORD}\"}}");
    let device = |name, id: String| (name, login_with(&format!("\"device_id\":{}", json!(id))), 400, INVALID);
    let mut table = vec![
        named("an empty object", "{}".to_owned(), 400, MISSING),
        named("no type", typed("x").replace("type", "typ"), 400, MISSING),
        named("type in capitals", typed("x").replace("type", "Type"), 400, MISSING),
        named("type is null", "{\"type\":null}".to_owned(), 400, &["M_MISSING_PARAM", "M_BAD_JSON"]),
        named("an empty type", typed(""), 400, UNKNOWN),
        named("an unknown type", typed("m.login.magic"), 400, UNKNOWN),
        named("a type with a NUL character", typed("m.login.password\\u0000"), 400, UNKNOWN),
        named("SSO is no type to post", typed("m.login.sso"), 400, UNKNOWN),
        named("an application service", typed("m.login.application_service"), 400, &["M_APPSERVICE_LOGIN_UNSUPPORTED"]),
        named("a login token without a token", "{\"type\":\"m.login.token\"}".to_owned(), 400, MISSING),
        named("an empty login token", "{\"type\":\"m.login.token\",\"token\":\"\"}".to_owned(), 403, FORBIDDEN),
        named(
            "a login token that is NUL",
            "{\"type\":\"m.login.token\",\"token\":\"\\u0000\"}".to_owned(),
            403,
            FORBIDDEN,
        ),
        named("a login token that is a number", "{\"type\":\"m.login.token\",\"token\":1}".to_owned(), 400, BAD_JSON),
        named(
            "a user that is NUL",
            "{\"type\":\"m.login.password\",\"user\":\"\\u0000\",\"password\":\"x\"}".to_owned(),
            403,
            FORBIDDEN,
        ),
        device("an empty device id", String::new()),
        device("a device id of 256 characters", "é".repeat(256)),
        device("a device id with a NUL character", "A\0".to_owned()),
        device("a device id with a line break", "A\nB".to_owned()),
        device("a device id with a control character of Latin 1", "A\u{85}".to_owned()),
    ];
    for (name, member) in [
        ("device_id is a number", "\"device_id\":5"),
        ("device_id is a list", "\"device_id\":[\"A\"]"),
        ("the display name is a number", "\"initial_device_display_name\":5"),
        ("the display name is an object", "\"initial_device_display_name\":{}"),
        ("refresh_token is a text", "\"refresh_token\":\"true\""),
        ("refresh_token is a number", "\"refresh_token\":1"),
        ("refresh_token is a list", "\"refresh_token\":[]"),
        ("user is a truth value", "\"user\":true"),
        ("medium is a number", "\"medium\":1"),
        ("address is a number", "\"address\":1"),
        ("token is a number", "\"token\":1"),
        ("the type twice", "\"type\":\"m.login.password\""),
        ("the password twice", "\"password\":\"x\""),
        ("the identifier twice", "\"identifier\":{\"type\":\"m.id.user\",\"user\":\"alice\"}"),
        ("a member twice in the identifier", "\"user\":\"alice\",\"x\":1,\"user\":\"bob\""),
        ("device_id twice", "\"device_id\":\"A\",\"device_id\":\"B\""),
        ("the same key escaped", "\"passw\\u006frd\":\"x\""),
    ] {
        table.push((name, login_with(member), 400, BAD_JSON));
    }
    let inner = "{\"type\":\"m.login.password\",\"password\":\"x\",\"identifier\":{\"type\":\"m.id.user\",\"user\":\"a\",\"user\":\"b\"}}";
    table.push(named("the user twice in the identifier", inner.to_owned(), 400, BAD_JSON));
    table
}

async fn rows(server: &Server) -> (i64, i64) {
    let sessions = server.app.db.sql("SELECT COUNT(*) FROM sessions").one::<(i64,)>().await.unwrap().0;
    let tokens = server.app.db.sql("SELECT COUNT(*) FROM tokens").one::<(i64,)>().await.unwrap().0;
    (sessions, tokens)
}

async fn send_all(server: &Server, path: &str, table: Vec<Wrong>) {
    for (what, body, status, errcodes) in table {
        let answer = server.post_bytes(path, body).await;
        let errcode = answer.errcode();
        assert!(errcodes.contains(&errcode.as_str()), "{path}, {what}: {} {}", answer.status, answer.body);
        answer.assert_matrix_error(status, &errcode);
        assert!(!answer.body.contains(PASSWORD), "{what}: {}", answer.body);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    }
}

#[tokio::test]
async fn a_wrong_body_has_its_error_and_changes_nothing() {
    let server = Server::start().await;
    server.user("alice").await;
    let tokens = server.legacy_session("alice", "ABCDEFGHIJ").await;
    let before = rows(&server).await;
    send_all(&server, LOGIN, no_objects()).await;
    send_all(&server, LOGIN, wrong_logins()).await;
    send_all(&server, REFRESH, no_objects()).await;
    let token = &tokens.refresh;
    let refreshes: [(&str, String, u16, &[&str]); 12] = [
        ("an empty object", "{}".to_owned(), 400, &["M_MISSING_PARAM"]),
        ("another name", format!("{{\"refreshToken\":\"{token}\"}}"), 400, &["M_MISSING_PARAM"]),
        ("null", "{\"refresh_token\":null}".to_owned(), 400, &["M_MISSING_PARAM", "M_BAD_JSON"]),
        ("a truth value", "{\"refresh_token\":true}".to_owned(), 400, &["M_BAD_JSON"]),
        ("a number", "{\"refresh_token\":5}".to_owned(), 400, &["M_BAD_JSON"]),
        ("a list", format!("{{\"refresh_token\":[\"{token}\"]}}"), 400, &["M_BAD_JSON"]),
        ("twice", format!("{{\"refresh_token\":\"{token}\",\"refresh_token\":\"{token}\"}}"), 400, &["M_BAD_JSON"]),
        ("a NUL character", "{\"refresh_token\":\"\\u0000\"}".to_owned(), 401, &["M_UNKNOWN_TOKEN"]),
        (
            "the token and a NUL character",
            format!("{{\"refresh_token\":\"{token}\\u0000\"}}"),
            401,
            &["M_UNKNOWN_TOKEN"],
        ),
        ("the token and a space", format!("{{\"refresh_token\":\"{token} \"}}"), 401, &["M_UNKNOWN_TOKEN"]),
        ("an empty text", "{\"refresh_token\":\"\"}".to_owned(), 401, &["M_UNKNOWN_TOKEN"]),
        ("a long text", format!("{{\"refresh_token\":\"{}\"}}", "k".repeat(50_000)), 401, &["M_UNKNOWN_TOKEN"]),
    ];
    let refreshes = refreshes.map(|(what, body, status, errcodes)| (what, body.into_bytes(), status, errcodes));
    send_all(&server, REFRESH, refreshes.to_vec()).await;
    assert_eq!(rows(&server).await, before, "nothing was opened, and nothing ended");
    assert!(server.is_active(&tokens.access).await);
    assert_eq!(server.legacy_refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test]
async fn a_list_is_no_object_anywhere() {
    // INV-17: not even with the members in the right order.
    let server = Server::start().await;
    server.user("alice").await;
    for identifier in [json!([]), json!(["m.id.user", "alice"]), json!(["m.id.user", "alice", null, null])] {
        let login = json!({ "type": "m.login.password", "identifier": identifier, "password": PASSWORD });
        server.legacy_login(login).await.assert_matrix_error(400, "M_BAD_JSON");
    }
}

#[tokio::test]
async fn a_body_may_be_odd_and_still_be_right() {
    // Clients that exist send each of these.
    let server = Server::start().await;
    server.user("alice").await;
    let login = password_login("alice").to_string();
    let padding = MAXIMUM - login_with("\"pad\":\"\"").len();
    let nothing =
        "\"device_id\":null,\"initial_device_display_name\":null,\"refresh_token\":null,\"token\":null,\"user\":null";
    let bodies = [
        ("space around", format!("\r\n {login}\t").into_bytes()),
        ("unknown members", login_with("\"session\":{\"a\":[1,2.5e3,null]},\"well_known\":true")),
        ("null for what is left out", login_with(nothing)),
        ("as large as can be", login_with(&format!("\"pad\":\"{}\"", "x".repeat(padding)))),
        ("escaped keys", login.replace("password\":", "p\\u0061ssword\":").into_bytes()),
        ("control characters in the display name", login_with("\"initial_device_display_name\":\"a\\u0000b\\n\"")),
        ("a display name of nothing", login_with("\"initial_device_display_name\":\"\"")),
        ("a long display name", login_with(&format!("\"initial_device_display_name\":\"{}\"", "é".repeat(5000)))),
        ("a device id of 255 characters", login_with(&format!("\"device_id\":\"{}\"", "✨".repeat(255)))),
        ("a device id of one character", login_with("\"device_id\":\" \"")),
    ];
    for (number, (what, body)) in bodies.into_iter().enumerate() {
        let answer = server.post_bytes(LOGIN, body).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.body);
        assert_eq!(live_sessions(&server, "compat").await, number as i64 + 1, "{what}");
    }
}

#[tokio::test]
async fn nobody_looks_at_the_content_type() {
    let server = Server::start().await;
    server.user("alice").await;
    let kinds = [
        None,
        Some("application/json; charset=utf-8"),
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("nonsense"),
    ];
    for kind in kinds {
        let mut login = password_login("alice");
        login["refresh_token"] = json!(true);
        let with_kind = |path: &str, body: String| {
            let request = server.http.client.post(server.url(path)).body(body);
            kind.into_iter().fold(request, |request, kind| request.header("content-type", kind))
        };
        let answer = server.http.send(with_kind(LOGIN, login.to_string())).await;
        assert_eq!(answer.status, 200, "{kind:?}: {}", answer.body);
        let body = json!({ "refresh_token": answer.json()["refresh_token"] });
        let answer = server.http.send(with_kind(REFRESH, body.to_string())).await;
        assert_eq!(answer.status, 200, "{kind:?}: {}", answer.body);
    }
}

#[tokio::test]
async fn where_passwords_are_off_none_is_looked_at() {
    // CMP-13: a way that is not offered is an unknown one, whatever else is right or wrong about it.
    let server = Server::setup()
        .with("passwords.enabled", "false")
        .with("account.password_registration_enabled", "false")
        .start()
        .await;
    for body in [password_login("alice"), json!({ "type": "m.login.password" })] {
        server.legacy_login(body).await.assert_matrix_error(400, "M_UNKNOWN");
    }
    let unknown = json!({ "type": "m.login.token", "token": "unknown" });
    server.legacy_login(unknown).await.assert_matrix_error(403, "M_FORBIDDEN");
}
