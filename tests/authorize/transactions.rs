//! An authorization in progress: one browser, half an hour, one decision (AUT-11, CNS-02, WEB-14).

use keymaker::{clock::MINUTE, flows::manage};

use crate::support::{MATRIX_SCOPE, PASSWORD, Server, person::response_params};

#[tokio::test]
async fn what_one_browser_began_another_cannot_finish() {
    // AUT-11
    let server = Server::start().await;
    server.user("alice").await;
    server.user("mallory").await;
    let client_id = server.client().await;
    let (alice, mallory) = (server.browser(), server.browser());
    alice.sign_in("alice").await;
    mallory.sign_in("mallory").await;
    let (path, page) = alice.arrive(&server.request(&client_id, MATRIX_SCOPE)).await;
    let grant = path.strip_prefix("/consent/").unwrap();

    mallory.get(&path).await.assert_page(403, "another browser");
    for csrf in [mallory.csrf().await, alice.csrf().await] {
        for action in ["allow", "deny", "switch"] {
            let answer = mallory.http.post(&path, &[("csrf", &csrf), ("action", action)]).await;
            assert_eq!((answer.status, answer.header("location")), (403, None));
        }
    }
    for page in ["login", "register"] {
        let answer = mallory.get(&format!("{page}?grant={grant}")).await;
        assert_eq!(answer.status, 403, "{page}");
    }
    let answer = alice.submit(&page, &[("action", "allow")]).await;
    assert!(response_params(answer.location()).contains_key("code"), "the right browser goes on");
}

#[tokio::test]
async fn an_authorization_takes_half_an_hour_at_most() {
    // AUT-11
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let (path, page) = browser.arrive(&server.request(&client_id, MATRIX_SCOPE)).await;
    server.clock.advance(29 * MINUTE);
    assert_eq!(browser.get(&path).await.status, 200);
    server.clock.advance(MINUTE);
    let grant = path.strip_prefix("/consent/").unwrap();
    for expired in [path.clone(), format!("/login?grant={grant}"), format!("/register?grant={grant}")] {
        let answer = browser.get(&expired).await;
        assert_eq!((answer.status, answer.header("location")), (400, None), "{expired}");
    }
    for action in ["allow", "deny"] {
        let answer = browser.submit(&page, &[("action", action)]).await;
        assert_eq!((answer.status, answer.header("location")), (400, None));
    }
}

#[tokio::test]
async fn a_decision_is_made_once() {
    // AUT-11, CNS-02
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    for (first, second) in [("allow", "allow"), ("allow", "deny"), ("deny", "allow")] {
        let request = crate::support::changed(&server.request(&client_id, "openid"), "prompt", Some("consent"));
        let (path, page) = browser.arrive(&request).await;
        let unclear = browser.submit(&page, &[("action", "perhaps")]).await;
        assert_eq!(unclear.status, 400, "nothing is decided by an unknown button");
        let decided = browser.submit(&page, &[("action", first)]).await;
        let again = browser.submit(&page, &[("action", second)]).await;
        assert_eq!((again.status, again.header("location")), (400, None), "{first} {second}");
        assert_eq!(browser.get(&path).await.status, 400);
        let params = response_params(decided.location());
        match first {
            "allow" => assert_eq!(server.exchange(&client_id, &params["code"]).await.status, 200),
            _ => assert!(!params.contains_key("code")),
        }
    }
}

#[tokio::test]
async fn of_twenty_parallel_approvals_exactly_one_gives_a_code() {
    // AUT-11, INV-01, TST-04
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let (_, page) = browser.arrive(&server.request(&client_id, MATRIX_SCOPE)).await;
    let answers = futures_util::future::join_all((0..20).map(|_| browser.submit(&page, &[("action", "allow")]))).await;
    let codes: Vec<String> = answers
        .iter()
        .filter_map(|answer| answer.header("location"))
        .filter_map(|location| response_params(location).remove("code"))
        .collect();
    assert_eq!(codes.len(), 1);
    assert!(answers.iter().all(|answer| [303, 400].contains(&answer.status)));
    assert_eq!(server.exchange(&client_id, &codes[0]).await.status, 200);
}

#[tokio::test]
async fn two_tabs_go_their_own_ways_to_the_end() {
    // WEB-14: several authorizations in one browser; a form that was open before the login is still good after it.
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    let asking = crate::support::changed(&server.request(&client_id, "openid"), "prompt", Some("consent"));
    let with_state = |state| crate::support::changed(&asking, "state", Some(state));
    let (first_path, first) = browser.arrive(&with_state("first")).await;
    let (second_path, second) = browser.arrive(&with_state("second")).await;
    assert!(first_path.starts_with("/login?grant=") && second_path.starts_with("/login?grant="));
    assert_ne!(first_path, second_path);

    let login = [("username", "alice"), ("password", PASSWORD)];
    let first = browser.submit(&first, &login).await;
    let second = browser.submit(&second, &login).await;
    let (_, second) = browser.open(second.location()).await;
    let (_, first) = browser.open(first.location()).await;
    for (page, state) in [(second, "second"), (first, "first")] {
        let answer = browser.submit(&page, &[("action", "allow")]).await;
        let params = response_params(answer.location());
        assert_eq!(params["state"], state);
        assert_eq!(server.exchange(&client_id, &params["code"]).await.status, 200, "{state}");
    }
}

#[tokio::test]
async fn what_changed_since_the_page_was_shown_counts() {
    // CNS-02, WEB-15, INV-05
    let server = Server::start().await;
    server.user("alice").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let (_, page) = browser.arrive(&server.request(&client_id, MATRIX_SCOPE)).await;
    manage::set_locked(&server.app, "alice", true).await.unwrap();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    assert!(answer.location().starts_with("/login?grant="), "{}", answer.location());
    manage::set_locked(&server.app, "alice", false).await.unwrap();

    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE clients SET disabled_at = 1 WHERE id = $1").bind(&client_id).execute().await.unwrap();
    tx.commit().await.unwrap();
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    assert_eq!((answer.status, answer.header("location")), (400, None));
}

#[tokio::test]
async fn what_was_asked_of_one_account_is_not_answered_for_another() {
    // CNS-01, WEB-15: between the page and the button somebody else signed in, in another tab.
    let server = Server::start().await;
    server.user("alice").await;
    server.user("bob").await;
    let client_id = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let (consent, page) = browser.arrive(&server.request(&client_id, MATRIX_SCOPE)).await;
    assert!(page.body.contains("@alice:localhost"));
    let login = browser.open("login?switch=1").await.1;
    assert_eq!(browser.submit(&login, &[("username", "bob"), ("password", PASSWORD)]).await.status, 303);
    let answer = browser.submit(&page, &[("action", "allow")]).await;
    assert_eq!((answer.status, answer.header("location")), (403, None));
    let (_, page) = browser.open(&consent).await;
    assert!(page.body.contains("@bob:localhost"), "the page now asks the other account");
    assert_eq!(browser.submit(&page, &[("action", "allow")]).await.status, 303);
}
