//! The list of what is signed in, the page of each, and what a device is called (DEV-04, DEV-05, ACT-07).

use keymaker::clock::{DAY, HOUR};
use serde_json::json;

use super::{DEVICE, FOREIGN_DEVICE, Somebody, scope, server_with_alice, session_on};
use crate::support::{
    PASSWORD, REDIRECT_URI, Server, Tokens,
    compat::{LOGIN, merged, password_login},
    eventually,
    person::{Person, attribute, csrf_of},
};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const HOSTILE: &str = "\"'><script>alert(1)</script>";

/// Signs in with an app that calls itself so.
async fn log_in_as_app(server: &Server, browser: &Person, name: &str, scope: &str) -> Tokens {
    let client_id = server
        .register(json!({
            "client_name": name, "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await;
    let code = browser.allow(&server.request(&client_id, scope)).await;
    Tokens::of(&server.exchange(&client_id, &code).await, &client_id)
}

/// What stands between two marks of a page, as a reader sees it.
fn items(body: &str) -> Vec<String> {
    let list = body.split_once("<ul class=\"sessions\"").unwrap().1.split_once("</ul>").unwrap().0;
    list.split("<li>").skip(1).map(str::to_owned).collect()
}

#[tokio::test]
async fn everything_that_is_signed_in_is_listed_with_what_is_known_of_it() {
    // DEV-05
    let (_, server, _) = server_with_alice().await;
    let browser = server.browser();
    let login = browser.get("login").await;
    let form = [("csrf", csrf_of(&login.body)), ("username", "alice".into()), ("password", PASSWORD.into())];
    let request = browser.http.client.post(browser.http.url("login")).header("user-agent", FIREFOX);
    assert_eq!(browser.http.send(request.form(&form)).await.status, 303);
    log_in_as_app(&server, &browser, "Corner Chat", &scope(DEVICE)).await;
    let older = server.http.client.post(server.url(LOGIN)).header("user-agent", "Older/1.0 (Android 9)");
    let older = older.json(&merged(
        password_login("alice"),
        json!({ "device_id": "an older device", "initial_device_display_name": "Grandma's phone" }),
    ));
    assert_eq!(server.http.send(older).await.status, 200);
    server.user("mallory").await;
    server.log_in("mallory", &scope(FOREIGN_DEVICE)).await;

    let page = browser.get("account/devices").await;
    page.assert_page(200, "Everything that is signed in to your account");
    let items = items(&page.body);
    // Two browsers, of whom the one that looks stands first, and two apps.
    assert_eq!(items.len(), 4, "{}", page.body);
    let has = |item: &str, words: &[&str]| {
        for words in words {
            assert!(item.contains(words), "no {words:?} in {item}");
        }
    };
    has(
        &items[0],
        &["<bdi>Firefox on Linux</bdi>", "This browser", "127.0.0.1", "<time datetime=", "href=\"/logout\""],
    );
    let find = |words: &str| items.iter().find(|item| item.contains(words)).unwrap_or_else(|| panic!("no {words}"));
    has(find("Corner Chat"), &["<bdi>app.example.com</bdi>", DEVICE, "127.0.0.1", "act=end-session"]);
    has(find("Grandma&#39;s phone"), &["(older app)", "an older device", "<bdi>Older on Android · 127.0.0.1</bdi>"]);
    assert_eq!(page.body.matches("This browser").count(), 1);
    assert!(!page.body.contains("mallory") && !page.body.contains(FOREIGN_DEVICE));
}

#[tokio::test]
async fn what_has_ended_or_expired_is_not_listed() {
    // INV-15, DEV-05
    let (_, server, alice) = server_with_alice().await;
    let tokens = server.log_in("alice", &scope(DEVICE)).await;
    let count = async || items(&alice.get("account/devices").await.body).len();
    assert_eq!(count().await, 3, "two browsers and an app");
    server.post("oauth2/revoke", &[("token", &tokens.refresh)]).await;
    assert_eq!(count().await, 2);
    // The browser that only fetched the code is not used any more, and the other is.
    for _ in 0..2 {
        server.clock.advance(8 * DAY);
        alice.get("account/").await;
    }
    assert_eq!(count().await, 1);
}

#[tokio::test]
async fn the_page_of_a_session_says_what_it_is_and_may_do() {
    // DEV-05, ACT-07
    let (_, server, alice) = server_with_alice().await;
    log_in_as_app(&server, &alice, "Corner Chat", &scope(DEVICE)).await;
    log_in_as_app(&server, &alice, "The wiki", "openid email").await;
    server.legacy_token("alice", "an older device").await;
    let page = alice.get(&format!("account/devices/{}", session_on(&server, DEVICE).await)).await;
    for words in [
        "<h1><bdi>Corner Chat</bdi></h1>",
        "A Matrix app",
        "app.example.com",
        DEVICE,
        "A password",
        "127.0.0.1",
        "read and send messages as you",
        "Rename the device",
        "loses its encryption keys",
    ] {
        page.assert_page(200, words);
    }
    let page = alice.get(&format!("account/devices/{}", session_on(&server, "an older device").await)).await;
    for words in ["A Matrix app that signs in the older way", "read and send messages as you", "Unnamed app"] {
        page.assert_page(200, words);
    }
    let wiki = "SELECT id FROM sessions WHERE kind = 'oauth' AND device_id IS NULL";
    let (wiki,): (String,) = server.app.db.sql(wiki).one().await.unwrap();
    let page = alice.get(&format!("account/devices/{wiki}")).await;
    for words in ["The wiki", "knows who you are", "see your e-mail address", "Remove access", "All apps"] {
        page.assert_page(200, words);
    }
    assert!(!page.body.contains("messages as you") && !page.body.contains("Rename"), "{}", page.body);
    let own = Somebody::at(&server, &alice).await.session().to_owned();
    let page = alice.get(&format!("account/devices/{own}")).await;
    for words in ["This is the browser that you are using now.", "href=\"/logout\"", "A password"] {
        page.assert_page(200, words);
    }
    for (amr, words) in [("pwd otp mfa", "A password and a code"), ("swk user mfa", "A passkey"), ("x", "Signed in on")]
    {
        let mut tx = server.app.db.write().await.unwrap();
        tx.sql("UPDATE sessions SET amr = $1").bind(amr).execute().await.unwrap();
        tx.commit().await.unwrap();
        alice.get(&format!("account/devices/{own}")).await.assert_page(200, words);
    }
}

#[tokio::test]
async fn names_that_apps_and_people_chose_are_never_markup() {
    // WEB-07
    let (_, server, alice) = server_with_alice().await;
    log_in_as_app(&server, &alice, HOSTILE, &scope(DEVICE)).await;
    log_in_as_app(&server, &alice, HOSTILE, "openid").await;
    server.password_login("alice", json!({ "device_id": HOSTILE, "initial_device_display_name": HOSTILE })).await;
    let session = session_on(&server, DEVICE).await;
    let page = alice.get(&format!("account/devices/{session}")).await;
    let answer = alice.submit(&page, &[("name", HOSTILE)]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let older = session_on(&server, HOSTILE).await;
    for path in [
        "account/devices".to_owned(),
        "account/apps".to_owned(),
        format!("account/devices/{session}"),
        format!("account/devices/{older}"),
        format!("account/confirm?act=end-session&target={older}"),
    ] {
        let page = alice.get(&path).await;
        page.assert_page(200, "alert(1)");
        assert!(!page.body.contains("<script>alert") && !page.body.contains("\"'>"), "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn a_device_is_renamed_at_the_homeserver_and_stays_so() {
    // ACT-07, DEV-04
    let (homeserver, server, alice) = server_with_alice().await;
    server.log_in("alice", &scope(DEVICE)).await;
    let path = format!("account/devices/{}", session_on(&server, DEVICE).await);
    let page = alice.get(&path).await;
    let answer = alice.submit(&page, &[("name", "  My\u{7} laptop ")]).await;
    assert_eq!(answer.location(), format!("/{path}?done=rename"));
    let page = alice.get(answer.location()).await;
    page.assert_page(200, "The device was renamed.");
    assert!(page.body.contains("value=\"My laptop\""), "{}", page.body);
    assert_eq!(homeserver.device_name("alice", DEVICE).as_deref(), Some("My laptop"));
    alice.get("account/devices").await.assert_page(200, "<bdi>My laptop</bdi>");

    // A new login on the same device renames it neither there nor here.
    server.log_in("alice", &scope(DEVICE)).await;
    assert_eq!(homeserver.device_name("alice", DEVICE).as_deref(), Some("My laptop"));
    let path = format!("account/devices/{}", session_on(&server, DEVICE).await);
    let page = alice.get(&path).await;
    page.assert_page(200, "My laptop");

    // Nothing is no name.
    alice.submit(&page, &[("name", " \u{7} ")]).await.assert_page(422, "Enter a name.");
    // Nobody gives a name without the form, or to what is not theirs.
    let answer = alice.http.post(&format!("{path}/rename"), &[("name", "Forged")]).await;
    assert_eq!(answer.status, 403);
    server.user("mallory").await;
    let mallory = server.browser();
    mallory.sign_in("mallory").await;
    let own = Somebody::at(&server, &mallory).await.session().to_owned();
    let csrf = csrf_of(&mallory.get("account/profile").await.body);
    for id in [path.rsplit('/').next().unwrap(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", "x"] {
        let form = [("csrf", csrf.as_str()), ("name", "Forged")];
        let answer = mallory.http.post(&format!("account/devices/{id}/rename"), &form).await;
        answer.assert_page(404, "No such device");
    }
    // A browser has no name.
    let form = [("csrf", csrf.as_str()), ("name", "Forged")];
    assert_eq!(mallory.http.post(&format!("account/devices/{own}/rename"), &form).await.status, 404);
    assert_eq!(homeserver.device_name("alice", DEVICE).as_deref(), Some("My laptop"));
}

#[tokio::test]
async fn a_device_keeps_its_name_while_the_homeserver_is_down() {
    // HSI-06
    let (homeserver, server, alice) = server_with_alice().await;
    server.log_in("alice", &scope(DEVICE)).await;
    let path = format!("account/devices/{}", session_on(&server, DEVICE).await);
    let page = alice.get(&path).await;
    homeserver.set_down(true);
    let refused = alice.submit(&page, &[("name", "My laptop")]).await;
    refused.assert_page(503, "The Matrix homeserver does not answer just now, so nothing was changed.");
    assert!(refused.body.contains("value=\"My laptop\""), "what was typed is not lost");
    assert!(!alice.get(&path).await.body.contains("My laptop"));
    homeserver.set_down(false);
    server.clock.advance(HOUR);
    assert_eq!(alice.submit(&refused, &[("name", "My laptop")]).await.status, 303);
    assert_eq!(homeserver.device_name("alice", DEVICE).as_deref(), Some("My laptop"));
}

#[tokio::test]
async fn a_device_that_was_just_signed_out_is_not_made_again_by_renaming_it() {
    // DEV-02
    let (homeserver, server, alice) = server_with_alice().await;
    let tokens = server.log_in("alice", &scope(DEVICE)).await;
    let page = alice.get(&format!("account/devices/{}", session_on(&server, DEVICE).await)).await;
    server.logout(&tokens.access).await;
    assert_eq!(alice.submit(&page, &[("name", "My laptop")]).await.status, 404);
    eventually("the end of the device", async || !homeserver.has_device("alice", DEVICE)).await;
}

#[tokio::test]
async fn without_a_homeserver_a_device_has_a_name_all_the_same() {
    // `matrix.kind: none`
    let server = Server::start().await;
    server.user("alice").await;
    let alice = server.browser();
    alice.sign_in("alice").await;
    server.log_in("alice", &scope(DEVICE)).await;
    let page = alice.get(&format!("account/devices/{}", session_on(&server, DEVICE).await)).await;
    assert_eq!(alice.submit(&page, &[("name", "My laptop")]).await.status, 303);
    alice.get("account/devices").await.assert_page(200, "My laptop");
}

#[tokio::test]
async fn hundreds_of_sessions_come_page_by_page_and_none_is_missing() {
    // TST: at most 40 KiB a page with its style sheet.
    let (_, server, alice) = server_with_alice().await;
    let somebody = Somebody::at(&server, &alice).await;
    let mut tx = server.app.db.write().await.unwrap();
    for number in 0..110_i64 {
        let sql = "INSERT INTO sessions (id, kind, user_id, family_hash, scope, device_id, device_name, user_agent,
                 created_at, last_active_at, last_active_ip)
             VALUES ($1, 'compat', $2, $3, 'urn:matrix:client:api:*', $4, 'A phone of mine', $5, 0, $6, '192.0.2.1')";
        let id = keymaker::domain::id::SessionId::new(format!("01ARZ3NDEKTSV4RRFFQ69G5{number:03}"));
        tx.sql(sql)
            .bind(&id)
            .bind(&somebody.signed_in.user.id)
            .bind(number.to_be_bytes().to_vec())
            .bind(format!("DEVICE{number:04}"))
            .bind(FIREFOX)
            // Several were last used at the same moment.
            .bind(number / 7)
            .execute()
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    let mut path = "account/devices".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = alice.get(&path).await;
        let style = attribute(&page.body, "<link rel=\"stylesheet\" href=\"").unwrap();
        let bytes = page.body.len() + server.get(&style).await.body.len();
        assert!(bytes < 40 * 1024, "{path} has {bytes} bytes");
        assert_eq!(page.body.contains("This browser"), seen.is_empty(), "{path}");
        for (at, _) in page.body.match_indices("DEVICE") {
            seen.push(page.body[at..at + 10].to_owned());
        }
        match attribute(&page.body, "<a class=\"button secondary\" href=\"/account/devices?") {
            Some(query) => path = format!("account/devices?{query}"),
            None => break,
        }
    }
    let (listed, mut once) = (seen.len(), seen.clone());
    once.sort_unstable();
    once.dedup();
    assert_eq!((listed, once.len()), (110, 110));
    assert_eq!((seen[0].as_str(), seen[109].as_str()), ("DEVICE0109", "DEVICE0000"), "the most recently used first");
    for odd in
        ["used=x&behind=y", "used=9223372036854775807", "behind=01ARZ3NDEKTSV4RRFFQ69G5FAV", "used=-1&behind=%00"]
    {
        alice.get(&format!("account/devices?{odd}")).await.assert_page(200, "This browser");
    }
    let beyond = alice.get("account/devices?used=-1&behind=01ARZ3NDEKTSV4RRFFQ69G5FAV").await;
    beyond.assert_page(200, "Back to the first page");
}
