//! The meeting place of two devices, in both forms (MSC4108 of 2024, MSC4388; QRL-02, QRL-03).

mod msc4108;
mod msc4388;

use reqwest::RequestBuilder;

use crate::support::{Server, Setup, http::Answer};

const MSC4108: &str = "/_matrix/client/unstable/org.matrix.msc4108/rendezvous";
const STABLE: &str = "/_matrix/client/v1/rendezvous";
const UNSTABLE: &str = "/_matrix/client/unstable/io.element.msc4388/rendezvous";

fn offered() -> Setup {
    Server::setup().with("rendezvous.enabled", "true")
}

/// How a browser asks for what it shows to a person.
const NAVIGATIONS: [(&str, &str); 5] = [
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-user", "?1"),
    ("sec-fetch-site", "none"),
    ("sec-fetch-dest", "document"),
    ("sec-fetch-dest", "iframe"),
];

async fn send(server: &Server, request: RequestBuilder) -> Answer {
    let answer = server.http.send(request).await;
    // What scripts of any origin may do and read.
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{}", answer.body);
    let exposed = answer.header("access-control-expose-headers").unwrap_or_default().to_ascii_lowercase();
    assert!(exposed.contains("etag"), "{exposed}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{} {}", answer.status, answer.body);
    answer
}

#[tokio::test]
async fn where_it_is_switched_off_the_paths_are_nobodys() {
    // QRL-02
    let server = Server::start().await;
    for base in [MSC4108, STABLE, UNSTABLE] {
        server.get(base).await.assert_matrix_error(404, "M_UNRECOGNIZED");
        server
            .http
            .post_json(base, &serde_json::json!({ "data": "x" }))
            .await
            .assert_matrix_error(404, "M_UNRECOGNIZED");
    }
    assert_eq!(server.get("rendezvous/0123").await.status, 404);
}

#[tokio::test]
async fn what_is_over_is_deleted_when_it_is_over() {
    let server = offered().with("rendezvous.create_requires_login", "false").start().await;
    let count = async || server.app.db.sql("SELECT COUNT(*) FROM rendezvous_sessions").one::<(i64,)>().await.unwrap().0;
    for _ in 0..3 {
        assert_eq!(server.http.post_json(STABLE, &serde_json::json!({ "data": "x" })).await.status, 200);
    }
    assert_eq!(count().await, 3);
    server.clock.advance(120_000);
    assert_eq!(server.http.post_json(STABLE, &serde_json::json!({ "data": "x" })).await.status, 200);
    assert_eq!(count().await, 1, "whoever comes next sweeps");
    server.clock.advance(120_000);
    keymaker::flows::rendezvous::delete_expired(&server.app).await.unwrap();
    assert_eq!(count().await, 0, "and so does the housekeeping");
}

#[tokio::test]
async fn when_all_places_are_taken_nobody_is_put_out() {
    let server =
        offered().with("rendezvous.create_requires_login", "false").with("rendezvous.most_sessions", "3").start().await;
    let open = async || server.http.post_json(STABLE, &serde_json::json!({ "data": "x" })).await;
    let first = open().await.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(open().await.status, 200);
    server.clock.advance(60_000);
    assert_eq!(open().await.status, 200);
    open().await.assert_matrix_error(429, "M_LIMIT_EXCEEDED");
    let request = server.http.client.post(server.url(MSC4108)).header("content-type", "text/plain").body("x");
    let refused = send(&server, request).await;
    refused.assert_matrix_error(429, "M_LIMIT_EXCEEDED");
    assert!(refused.header("retry-after").is_some());
    assert_eq!(server.get(&format!("{STABLE}/{first}")).await.status, 200);
    server.clock.advance(60_000);
    assert_eq!(open().await.status, 200, "two are over");
}

#[tokio::test]
async fn no_dump_holds_an_id() {
    // INV-03: the audit searches the database for it when the server is dropped.
    let server = offered().with("rendezvous.create_requires_login", "false").start().await;
    let opened = server.http.post_json(STABLE, &serde_json::json!({ "data": "words" })).await.json();
    server.audit.secret(opened["id"].as_str().unwrap());
}

#[tokio::test]
async fn two_replicas_are_one_place() {
    // INV-16
    let server = offered().with("rendezvous.create_requires_login", "false").start().await;
    let opened = keymaker::flows::rendezvous::open(&server.app, b"words").await.unwrap();
    let answer = server.get(&format!("{STABLE}/{}", opened.id)).await;
    assert_eq!(answer.json()["data"], "words");
    assert_eq!(answer.json()["sequence_token"], opened.left.sequence.as_str());
}
