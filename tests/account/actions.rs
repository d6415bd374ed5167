//! The addresses that clients, homeservers and password managers know (ACT-01 to ACT-06).

use keymaker::clock::SECOND;

use super::{DEVICE, FOREIGN_DEVICE, scope, server_with_alice, session_on, state};
use crate::support::{PASSWORD, Server, person::encode};

/// Names of every age, and where each leads whoever has the device that it names.
const ACTIONS: [(&str, &str); 14] = [
    ("org.matrix.profile", "profile"),
    ("profile", "profile"),
    ("org.matrix.devices_list", "devices"),
    ("org.matrix.sessions_list", "devices"),
    ("sessions_list", "devices"),
    ("org.matrix.device_view", "devices/{session}"),
    ("org.matrix.session_view", "devices/{session}"),
    ("session_view", "devices/{session}"),
    ("org.matrix.device_delete", "confirm?act=end-session&target={session}"),
    ("org.matrix.session_end", "confirm?act=end-session&target={session}"),
    ("session_end", "confirm?act=end-session&target={session}"),
    ("org.matrix.account_deactivate", "confirm?act=deactivate"),
    ("org.matrix.deactivateaccount", "confirm?act=deactivate"),
    ("org.matrix.cross_signing_reset", "confirm?act=reset-cross-signing"),
];

fn names_a_device(place: &str) -> bool {
    place.contains("{session}")
}

#[tokio::test]
async fn every_action_leads_to_its_page_also_by_way_of_the_login() {
    // ACT-01, ACT-03, ACT-04
    let (_, server, alice) = server_with_alice().await;
    server.log_in("alice", &scope(DEVICE)).await;
    let session = session_on(&server, DEVICE).await;
    for (action, place) in ACTIONS {
        let place = format!("/account/{}", place.replace("{session}", &session));
        let link = format!("account/?{}", encode(&[("action", action), ("device_id", DEVICE)]));
        let (path, page) = alice.open(&link).await;
        assert_eq!((path.as_str(), page.status), (place.as_str(), 200), "{action}");

        let stranger = server.browser();
        let (path, page) = stranger.open(&link).await;
        assert!(path.starts_with("/login?"), "{action}: {path}");
        let answer = stranger.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
        let (path, page) = stranger.open(answer.location()).await;
        assert_eq!((path.as_str(), page.status), (place.as_str(), 200), "{action} after a login");
    }
}

#[tokio::test]
async fn the_second_step_of_a_login_leads_to_the_same_place() {
    // ACT-04
    let (_, server, alice) = server_with_alice().await;
    server.log_in("alice", &scope(DEVICE)).await;
    let session = session_on(&server, DEVICE).await;
    let app = alice.add_totp(&server).await;
    let places = [
        (
            "account/?action=org.matrix.device_view&device_id=ABCDEFGHIJ".to_owned(),
            format!("/account/devices/{session}"),
        ),
        (format!("account/devices/{session}"), format!("/account/devices/{session}")),
        ("account/apps".to_owned(), "/account/apps".to_owned()),
        ("account/profile".to_owned(), "/account/profile".to_owned()),
        ("account/deactivate".to_owned(), "/account/confirm?act=deactivate".to_owned()),
        ("account/cross-signing-reset".to_owned(), "/account/confirm?act=reset-cross-signing".to_owned()),
    ];
    for (link, place) in places {
        server.clock.advance(60 * SECOND);
        let stranger = server.browser();
        let (_, page) = stranger.open(&link).await;
        let page = stranger.enter_password_at(&page, "alice").await;
        let answer = stranger.submit(&page, &[("totp", &app.code(&server))]).await;
        let (path, page) = stranger.open(answer.location()).await;
        assert_eq!((path, page.status), (place, 200), "{link}");
    }
}

#[tokio::test]
async fn what_is_unknown_leads_to_the_main_page_and_a_missing_device_to_the_list() {
    // ACT-03, WEB-06
    let (_, server, alice) = server_with_alice().await;
    for unknown in [
        "action=org.matrix.unknown",
        "action=https://evil.example/",
        "action=",
        "to=//evil.example",
        "to=https://evil.example/",
        "to=../login",
        "to=devices/x",
        "act=anything",
        "login_hint=mxid:@alice:hs.test&id_token_hint=x",
    ] {
        let page = alice.get(&format!("account/?{unknown}")).await;
        page.assert_page(200, "@alice:hs.test");
        assert!(page.body.contains("href=\"/account/devices\""), "{unknown}");
    }
    for (action, place) in ACTIONS {
        if names_a_device(place) {
            let answer = alice.get(&format!("account/?action={action}")).await;
            assert_eq!(answer.location(), "/account/devices", "{action}");
        }
    }
    // Whoever is sent through the login comes no further out than that.
    let (path, page) = server.browser().open("account/?to=//evil.example&target=https://evil.example/").await;
    assert!(path.starts_with("/login?"), "{path}");
    assert!(!page.body.contains("href=\"//evil") && !page.body.contains("href=\"https://evil"), "{}", page.body);
}

#[tokio::test]
async fn somebody_elses_device_is_as_unknown_as_one_that_is_nobodys() {
    // ACT-06
    let (_, server, alice) = server_with_alice().await;
    server.user("mallory").await;
    server.log_in("mallory", &scope(FOREIGN_DEVICE)).await;
    let foreign = session_on(&server, FOREIGN_DEVICE).await;
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let longest = "\u{1d11e}".repeat(255);
    for (action, _) in ACTIONS.into_iter().filter(|(_, place)| names_a_device(place)) {
        let link = |device: &str| format!("account/?{}", encode(&[("action", action), ("device_id", device)]));
        let answer = alice.get(&link(FOREIGN_DEVICE)).await;
        answer.assert_page(404, "No such device");
        for device in ["NOSUCHDEVICE", " ", "\0", "<b>", &longest] {
            let other = alice.get(&link(device)).await;
            assert_eq!((other.status, &other.body), (404, &answer.body), "{action} {device:?}");
        }
        // The same after a login; an id may be as long as ids can be.
        let stranger = server.browser();
        let (_, page) = stranger.open(&link(&longest)).await;
        let signed_in = stranger.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
        stranger.open(signed_in.location()).await.1.assert_page(404, "No such device");
    }
    let answer = alice.get(&format!("account/devices/{foreign}")).await;
    answer.assert_page(404, "No such device");
    for id in [unknown, "x", "%00", "..%2F..%2Flogin"] {
        let other = alice.get(&format!("account/devices/{id}")).await;
        assert_eq!((other.status, &other.body), (404, &answer.body), "{id}");
    }
    for id in [foreign.as_str(), unknown] {
        let path = format!("account/confirm?act=end-session&target={id}");
        assert_eq!(alice.get(&path).await.status, 404);
    }
    // A device that has ended is no more.
    let tokens = server.log_in("alice", &scope(DEVICE)).await;
    let session = session_on(&server, DEVICE).await;
    assert_eq!(alice.get(&format!("account/devices/{session}")).await.status, 200);
    server.logout(&tokens.access).await;
    assert_eq!(alice.get(&format!("account/devices/{session}")).await.body, answer.body);
}

#[tokio::test]
async fn a_link_changes_nothing() {
    // ACT-05: nothing in the store, and nothing at the homeserver but the question for a name.
    let (homeserver, server, alice) = server_with_alice().await;
    server.user("mallory").await;
    server.log_in("alice", &scope(DEVICE)).await;
    server.log_in("mallory", &scope(FOREIGN_DEVICE)).await;
    let session = session_on(&server, DEVICE).await;
    let (before, calls) = (state(&server).await, homeserver.calls());
    for (action, _) in ACTIONS {
        for device in ["", DEVICE, FOREIGN_DEVICE, "NOSUCHDEVICE"] {
            for browser in [&alice, &server.browser()] {
                let link = format!("account/?{}", encode(&[("action", action), ("device_id", device)]));
                browser.open(&link).await;
            }
        }
    }
    for page in ["profile", "devices", "apps", "deactivate", "cross-signing-reset", "deactivate?proof=x&erase=yes"] {
        alice.open(&format!("account/{page}")).await;
    }
    alice.open(&format!("account/devices/{session}?name=Other&done=rename")).await;
    alice.open("account/?done=reset-cross-signing").await;
    assert_eq!(alice.get(&format!("account/devices/{session}/rename?name=Other")).await.status, 405);
    assert_eq!(state(&server).await, before);
    let asked: Vec<String> = homeserver.calls().into_iter().skip(calls.len()).collect();
    assert!(asked.iter().all(|call| call == "query alice"), "{asked:?}");
}

#[tokio::test]
async fn clients_append_their_query_to_the_advertised_address() {
    // ACT-02, DSC-13: also below a path, and only what works is advertised.
    let server = Server::setup().with("http.public_base", "{origin}/auth/").start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    let metadata = server.get(".well-known/openid-configuration").await.json();
    let address = metadata["account_management_uri"].as_str().unwrap();
    assert!(address.ends_with("/auth/account/") && !address.contains(['?', '#']), "{address}");
    for (action, page) in [("org.matrix.devices_list", "devices"), ("org.matrix.profile", "profile")] {
        let answer = alice.get(&format!("{address}?action={action}")).await;
        assert_eq!(answer.location(), format!("/auth/account/{page}"));
    }
    let actions = metadata["account_management_actions_supported"].as_array().unwrap();
    assert!(!actions.contains(&"org.matrix.cross_signing_reset".into()), "there is no homeserver: {actions:?}");
    alice.get(&format!("{address}?action=org.matrix.cross_signing_reset")).await.assert_page(200, "@alice:localhost");
    let page = alice.get("account/").await;
    assert!(!page.body.contains("\"/account"), "{}", page.body);
}

#[tokio::test]
async fn password_managers_find_where_a_password_is_changed() {
    // W3C "A Well-Known URL for Changing Passwords": at the origin, wherever the service is.
    for base in ["{origin}/", "{origin}/auth/"] {
        let server = Server::setup().with("http.public_base", base).start().await;
        server.user("alice").await;
        let path = server.app.config.http.public_base.path().to_owned();
        let browser = server.browser();
        let (login, page) = browser.open("/.well-known/change-password").await;
        assert_eq!(login.split('?').next(), Some(format!("{path}login").as_str()));
        let answer = browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
        browser.open(answer.location()).await.1.assert_page(200, "Change the password");
        let nothing =
            browser.get("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200").await;
        assert_eq!(nothing.status, 404);
    }
}
