//! Forms that somebody else filled in (WEB-02): each is refused, and nothing happens.

use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server,
    http::Answer,
    person::{Person, csrf_of},
};

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Sends a form as a browser sends it that was led there by another site.
async fn send(browser: &Person, path: &str, fields: Pairs<'_>, csrf: Option<&str>, headers: Pairs<'_>) -> Answer {
    let mut form = fields.to_vec();
    form.extend(csrf.map(|csrf| ("csrf", csrf)));
    let request = headers
        .iter()
        .fold(browser.http.client.post(browser.http.url(path)), |request, (name, value)| request.header(*name, *value));
    browser.http.send(request.form(&form)).await
}

#[tokio::test]
async fn a_form_that_another_site_filled_in_changes_nothing() {
    // WEB-02, T of area 20: all forms × {no token, empty, another browser's, right but from elsewhere}
    let server = Server::start().await;
    server.user("alice").await;
    server.user("mallory").await;
    let client_id = server.client().await;
    let (alice, stranger, mallory) = (server.browser(), server.browser(), server.browser());
    alice.sign_in("alice").await;
    mallory.sign_in("mallory").await;
    let (consent, _) = alice.arrive(&server.request(&client_id, MATRIX_SCOPE)).await;
    let login = [("username", "mallory"), ("password", PASSWORD)];
    let sign_up = [("username", "victim"), ("password", PASSWORD)];
    let page = stranger.get("register").await;
    let second_step = stranger.submit(&page, &sign_up).await.location().to_owned();
    let grant_of_stranger = stranger.arrive(&server.request(&client_id, "openid")).await.0;

    let forms: [(&Person, &str, Pairs<'_>); 9] = [
        (&stranger, "login", &login),
        (&stranger, &grant_of_stranger, &login),
        (&alice, "login", &login),
        (&stranger, "register", &sign_up),
        (&stranger, &second_step, &[("display_name", "")]),
        (&alice, &consent, &[("action", "allow")]),
        (&alice, &consent, &[("action", "deny")]),
        (&alice, &consent, &[("action", "switch")]),
        (&alice, "logout", &[]),
    ];
    let foreign = mallory.csrf().await;
    for (browser, path, fields) in forms {
        let own = csrf_of(&browser.open(path).await.1.body);
        let damaged = format!("{}0", &own[1..]);
        let attempts: [(Option<&str>, Pairs<'_>); 9] = [
            (None, &[]),
            (Some(""), &[]),
            (Some(&foreign), &[]),
            (Some(&damaged), &[]),
            (Some(&own), &[("sec-fetch-site", "cross-site")]),
            (Some(&own), &[("sec-fetch-site", "same-site")]),
            (Some(&own), &[("origin", "https://evil.example")]),
            (Some(&own), &[("origin", "http://127.0.0.1:1")]),
            (Some(&foreign), &[("sec-fetch-site", "same-origin")]),
        ];
        for (csrf, headers) in attempts {
            let answer = send(browser, path, fields, csrf, headers).await;
            assert_eq!(answer.status, 403, "{path} {fields:?} {csrf:?} {headers:?}");
            assert_eq!((answer.header("location"), answer.header("set-cookie")), (None, None));
        }
    }
    assert_eq!(alice.get(&consent).await.status, 200, "nothing was decided");
    assert!(alice.get("account/").await.body.contains("@alice:localhost"), "nobody was signed out or in");
    assert_eq!(stranger.get("account/").await.location(), "/login");
    let users: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM users").one().await.unwrap();
    assert_eq!(users.0, 2, "nobody was created");

    // The same forms from our own pages work, whatever a browser tells about itself.
    let own = csrf_of(&alice.open(&consent).await.1.body);
    let base = server.base.trim_end_matches('/').to_owned();
    let truthful: [Pairs<'_>; 5] = [
        &[],
        &[("sec-fetch-site", "same-origin"), ("origin", &base)],
        &[("sec-fetch-site", "none")],
        &[("origin", &base)],
        &[("origin", "null")],
    ];
    for headers in truthful {
        let answer = send(&alice, &consent, &[("action", "switch")], Some(&own), headers).await;
        assert_eq!(answer.status, 303, "{headers:?}");
    }
}
