//! The form of MSC4388, in JSON (QRL-02).

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{NAVIGATIONS, STABLE, UNSTABLE, offered, send};
use crate::support::{MATRIX_SCOPE, Server, http::Answer};

async fn open(server: &Server, base: &str, token: Option<&str>, body: &Value) -> Answer {
    let request = server.http.client.post(server.url(base)).json(body);
    send(server, token.into_iter().fold(request, |request, token| request.bearer_auth(token))).await
}

/// Opens one where nobody has to be signed in, and gives its address and its token.
async fn opened(server: &Server, base: &str, words: &str) -> (String, String) {
    let answer = open(server, base, None, &json!({ "data": words })).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let body = answer.json();
    let text = |name: &str| body[name].as_str().unwrap().to_owned();
    for opaque in [text("id"), text("sequence_token")] {
        let is_opaque = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!((16..=255).contains(&opaque.len()) && opaque.chars().all(is_opaque), "{opaque}");
    }
    assert!((90_000..=120_000).contains(&body["expires_in_ms"].as_i64().unwrap()), "{body}");
    (server.url(&format!("{base}/{}", text("id"))), text("sequence_token"))
}

async fn look(server: &Server, url: &str) -> Answer {
    send(server, server.http.client.get(url)).await
}

async fn leave(server: &Server, url: &str, seen: &str, words: &str) -> Answer {
    send(server, server.http.client.put(url).json(&json!({ "sequence_token": seen, "data": words }))).await
}

async fn server() -> Server {
    offered().with("rendezvous.create_requires_login", "false").start().await
}

#[tokio::test]
async fn what_one_device_leaves_the_other_finds_and_answers() {
    let server = server().await;
    for (base, errcode) in [(STABLE, "M_CONCURRENT_WRITE"), (UNSTABLE, "IO_ELEMENT_MSC4388_CONCURRENT_WRITE")] {
        let (url, first) = opened(&server, base, "words of the first").await;
        server.clock.advance(40_000);
        let found = look(&server, &url).await;
        let body = found.json();
        assert_eq!((found.status, &body["data"]), (200, &json!("words of the first")));
        assert_eq!(body["sequence_token"], first.as_str());
        assert!((50_000..=80_000).contains(&body["expires_in_ms"].as_i64().unwrap()), "{body}");

        let left = leave(&server, &url, &first, "words of the second").await;
        assert_eq!(left.status, 200, "{}", left.body);
        let second = left.json()["sequence_token"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        leave(&server, &url, &first, "late words").await.assert_matrix_error(409, errcode);
        // Whoever lost the answer leaves the same again.
        let again = leave(&server, &url, &first, "words of the second").await;
        assert_eq!((again.status, again.json()), (200, json!({ "sequence_token": second })));
        assert_eq!(look(&server, &url).await.json()["data"], "words of the second");

        let close = || server.http.client.delete(&url);
        let closed = send(&server, close()).await;
        assert_eq!((closed.status, closed.json()), (200, json!({})));
        send(&server, close()).await.assert_matrix_error(404, "M_NOT_FOUND");
        look(&server, &url).await.assert_matrix_error(404, "M_NOT_FOUND");
        leave(&server, &url, &second, "x").await.assert_matrix_error(404, "M_NOT_FOUND");
    }
}

#[tokio::test]
async fn whoever_is_not_signed_in_may_use_one_and_not_open_one() {
    // QRL-02: by default
    let server = offered().start().await;
    server.user("alice").await;
    let matrix = server.log_in("alice", MATRIX_SCOPE).await;
    let legacy = server.legacy_session("alice", "LEGACYDEV1").await;
    let elsewhere = server.log_in("alice", "openid").await;
    let body = json!({ "data": "words" });
    // (token, whether it opens one)
    let table: [(Option<&str>, Result<(), &str>); 6] = [
        (None, Err("M_MISSING_TOKEN")),
        (Some("garbage garbage"), Err("M_UNKNOWN_TOKEN")),
        (Some(&matrix.refresh), Err("M_UNKNOWN_TOKEN")),
        (Some(&elsewhere.access), Err("M_UNKNOWN_TOKEN")),
        (Some(&legacy.access), Ok(())),
        (Some(&matrix.access), Ok(())),
    ];
    for base in [STABLE, UNSTABLE] {
        for (token, expected) in table {
            let request = server.http.client.get(server.url(base));
            let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
            let available = send(&server, request).await;
            assert_eq!((available.status, available.json()), (200, json!({ "create_available": expected.is_ok() })));
            let answer = open(&server, base, token, &body).await;
            match expected {
                Ok(()) => assert_eq!(answer.status, 200, "{}", answer.body),
                Err(errcode) => answer.assert_matrix_error(401, errcode),
            }
        }
    }
    let opened = open(&server, STABLE, Some(&matrix.access), &body).await.json();
    let url = server.url(&format!("{STABLE}/{}", opened["id"].as_str().unwrap()));
    assert_eq!(look(&server, &url).await.status, 200);
    assert_eq!(leave(&server, &url, opened["sequence_token"].as_str().unwrap(), "x").await.status, 200);
    server.clock.advance(301_000);
    open(&server, STABLE, Some(&matrix.access), &body).await.assert_matrix_error(401, "M_UNKNOWN_TOKEN");
}

#[tokio::test]
async fn each_fault_has_its_error() {
    let server = server().await;
    let (url, token) = opened(&server, STABLE, "words").await;
    let bodies: [(Value, u16, &str); 5] = [
        (json!({}), 400, "M_MISSING_PARAM"),
        (json!({ "data": 1 }), 400, "M_BAD_JSON"),
        (json!([]), 400, "M_BAD_JSON"),
        (json!({ "data": "x".repeat(4097) }), 413, "M_TOO_LARGE"),
        (json!({ "data": "x".repeat(70_000) }), 413, "M_TOO_LARGE"),
    ];
    for (body, status, errcode) in bodies {
        open(&server, STABLE, None, &body).await.assert_matrix_error(status, errcode);
    }
    assert_eq!(open(&server, STABLE, None, &json!({ "data": "x".repeat(4096) })).await.status, 200);
    for body in [json!({ "data": "x" }), json!({ "sequence_token": token })] {
        send(&server, server.http.client.put(&url).json(&body)).await.assert_matrix_error(400, "M_MISSING_PARAM");
    }
    leave(&server, &url, &token, &"x".repeat(4097)).await.assert_matrix_error(413, "M_TOO_LARGE");
    for (name, value) in NAVIGATIONS {
        send(&server, server.http.client.get(&url).header(name, value)).await.assert_matrix_error(403, "M_FORBIDDEN");
    }
    send(&server, server.http.client.patch(&url)).await.assert_matrix_error(405, "M_UNRECOGNIZED");
    server.clock.advance(120_000);
    look(&server, &url).await.assert_matrix_error(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn of_twenty_who_leave_something_at_once_one_wins() {
    // INV-01
    let server = server().await;
    let (url, token) = opened(&server, STABLE, "words").await;
    let texts: Vec<String> = (0..20).map(|number| format!("words of {number}")).collect();
    let answers = join_all(texts.iter().map(|text| leave(&server, &url, &token, text))).await;
    let won: Vec<usize> = (0..20).filter(|number| answers[*number].status == 200).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().filter(|answer| answer.status != 200).all(|answer| answer.status == 409));
    assert_eq!(look(&server, &url).await.json()["data"], texts[won[0]]);
}
