//! The form of 2024, which the SDKs use: the words themselves, with validators of HTTP (QRL-03).

use futures_util::future::join_all;

use super::{MSC4108, NAVIGATIONS, STABLE, offered, send};
use crate::{
    browser::{available, components, is_told_elsewhere, run_script},
    support::{Server, http::Answer},
};

async fn open(server: &Server, words: &str) -> Answer {
    let request = server.http.client.post(server.url(MSC4108)).header("content-type", "text/plain");
    send(server, request.body(words.to_owned())).await
}

async fn opened(server: &Server, words: &str) -> (String, String) {
    let answer = open(server, words).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    (answer.json()["url"].as_str().unwrap().to_owned(), answer.header("etag").unwrap().to_owned())
}

async fn look(server: &Server, url: &str, seen: Option<&str>) -> Answer {
    let request = server.http.client.get(url);
    send(server, seen.into_iter().fold(request, |request, seen| request.header("if-none-match", seen))).await
}

async fn leave(server: &Server, url: &str, seen: Option<&str>, words: &str) -> Answer {
    let request = server.http.client.put(url).header("content-type", "text/plain").body(words.to_owned());
    send(server, seen.into_iter().fold(request, |request, seen| request.header("if-match", seen))).await
}

#[tokio::test]
async fn what_one_device_leaves_the_other_finds_and_answers() {
    let server = offered().start().await;
    // Nobody is signed in: the device that opens it may be the new one.
    let answer = open(&server, "words of the first").await;
    let (url, first) = (answer.json()["url"].as_str().unwrap().to_owned(), answer.header("etag").unwrap().to_owned());
    assert_eq!(answer.status, 201);
    assert!(url.starts_with(&server.url("rendezvous/")), "{url}");
    for name in ["expires", "last-modified"] {
        assert!(answer.header(name).is_some_and(|date| date.ends_with(" GMT")), "{name}");
    }
    assert!(first.starts_with('"') && first.ends_with('"'), "{first}");

    let found = look(&server, &url, None).await;
    assert_eq!((found.status, found.body.as_str()), (200, "words of the first"));
    assert_eq!(found.header("content-type"), Some("text/plain"), "clients compare it letter by letter");
    assert_eq!(found.header("etag"), Some(first.as_str()));
    for seen in [first.clone(), format!("W/{first}"), format!("\"other\", {first}")] {
        let same = look(&server, &url, Some(&seen)).await;
        assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", Some(first.as_str())), "{seen}");
    }

    let left = leave(&server, &url, Some(&first), "words of the second").await;
    assert_eq!(left.status, 202, "{}", left.body);
    let second = left.header("etag").unwrap().to_owned();
    assert_ne!(first, second);
    let found = look(&server, &url, Some(&first)).await;
    assert_eq!((found.status, found.body.as_str()), (200, "words of the second"));

    let late = leave(&server, &url, Some(&first), "late words").await;
    late.assert_matrix_error(412, "M_CONCURRENT_WRITE");
    assert_eq!(late.header("etag"), Some(second.as_str()));
    assert_eq!(look(&server, &url, None).await.body, "words of the second");

    let request = || server.http.client.delete(&url);
    assert_eq!(send(&server, request()).await.status, 204);
    send(&server, request()).await.assert_matrix_error(404, "M_NOT_FOUND");
    look(&server, &url, None).await.assert_matrix_error(404, "M_NOT_FOUND");
    leave(&server, &url, Some(&second), "x").await.assert_matrix_error(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn each_fault_has_its_error() {
    let server = offered().start().await;
    let (url, etag) = opened(&server, "words").await;
    leave(&server, &url, None, "x").await.assert_matrix_error(400, "M_MISSING_PARAM");
    for stale in ["\"other\"", &etag.replace('"', ""), "*", ""] {
        leave(&server, &url, Some(stale), "x").await.assert_matrix_error(412, "M_CONCURRENT_WRITE");
    }
    open(&server, &"x".repeat(4096)).await;
    open(&server, &"x".repeat(4097)).await.assert_matrix_error(413, "M_TOO_LARGE");
    open(&server, &"x".repeat(70_000)).await.assert_matrix_error(413, "M_TOO_LARGE");
    leave(&server, &url, Some(&etag), &"x".repeat(4097)).await.assert_matrix_error(413, "M_TOO_LARGE");
    for content_type in ["application/json", "text/html", ""] {
        let request = server.http.client.post(server.url(MSC4108)).header("content-type", content_type).body("x");
        send(&server, request).await.assert_matrix_error(400, "M_INVALID_PARAM");
    }
    let with_charset = server.http.client.post(server.url(MSC4108)).header("content-type", "text/plain;charset=UTF-8");
    assert_eq!(send(&server, with_charset.body("x")).await.status, 201, "as browsers send it");
    server.get(MSC4108).await.assert_matrix_error(405, "M_UNRECOGNIZED");
    look(&server, &server.url("rendezvous/nothing"), None).await.assert_matrix_error(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn it_is_over_after_two_minutes_and_never_a_page() {
    let server = offered().start().await;
    let (url, etag) = opened(&server, "<script>alert(1)</script>").await;
    for (name, value) in NAVIGATIONS {
        let request = server.http.client.get(&url).header(name, value);
        send(&server, request).await.assert_matrix_error(403, "M_FORBIDDEN");
    }
    let scripted = [("sec-fetch-mode", "cors"), ("sec-fetch-site", "cross-site"), ("sec-fetch-dest", "empty")];
    let request = scripted.iter().fold(server.http.client.get(&url), |r, (name, value)| r.header(*name, *value));
    let answer = send(&server, request).await;
    assert_eq!((answer.status, answer.header("x-content-type-options")), (200, Some("nosniff")));
    server.clock.advance(80_000);
    assert_eq!(look(&server, &url, None).await.status, 200);
    // Leaving something makes it no longer.
    assert_eq!(leave(&server, &url, Some(&etag), "more").await.status, 202);
    server.clock.advance(40_000);
    look(&server, &url, None).await.assert_matrix_error(404, "M_NOT_FOUND");
}

#[tokio::test]
async fn of_twenty_who_leave_something_at_once_one_wins() {
    // INV-01
    let server = offered().start().await;
    let (url, etag) = opened(&server, "words").await;
    let texts: Vec<String> = (0..20).map(|number| format!("words of {number}")).collect();
    let answers = join_all(texts.iter().map(|text| leave(&server, &url, Some(&etag), text))).await;
    let won: Vec<usize> = (0..20).filter(|number| answers[*number].status == 202).collect();
    assert_eq!(won.len(), 1);
    assert!(answers.iter().filter(|answer| answer.status != 202).all(|answer| answer.status == 412));
    assert_eq!(look(&server, &url, None).await.body, texts[won[0]]);
}

#[tokio::test]
async fn browsers_may_ask_with_the_headers_that_it_takes() {
    let server = offered().start().await;
    for path in [MSC4108, STABLE, "/rendezvous/0123"] {
        let request = server
            .http
            .client
            .request(reqwest::Method::OPTIONS, server.url(path))
            .header("origin", "https://app.example.com")
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "if-match, if-none-match, content-type, authorization");
        let answer = server.http.send(request).await;
        assert_eq!(answer.status, 200, "{path}");
        let allowed = answer.header("access-control-allow-headers").unwrap().to_ascii_lowercase();
        for header in ["if-match", "if-none-match", "content-type", "authorization"] {
            assert!(allowed.contains(header), "{path}: {allowed}");
        }
        let methods = answer.header("access-control-allow-methods").unwrap();
        assert!(["GET", "POST", "PUT", "DELETE"].iter().all(|method| methods.contains(method)), "{methods}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_of_matrix_js_sdk_talk_through_it() {
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let server = offered().start().await;
    let endpoint = server.url(MSC4108);
    tokio::task::block_in_place(|| run_script("rendezvous/story_js_sdk.mjs", &[("RENDEZVOUS", &endpoint)]));
}
