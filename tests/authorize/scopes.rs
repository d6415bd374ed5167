//! Which scopes are granted to whom (spec area 11), as a client sees it.

use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, STATIC_CLIENT, Server, Tokens, changed,
    person::{encode, response_params},
};

const ADMIN_SCOPE: &str = "urn:matrix:client:api:* urn:matrix:client:device:ADMINADMIN urn:synapse:admin:*";

#[tokio::test]
async fn a_matrix_scope_names_exactly_one_device_in_one_dialect() {
    // SCP-02, SCP-03, SCP-06: the whole table is in domain/scope.rs.
    const API: &str = "urn:matrix:client:api:*";
    const DEVICE: &str = "urn:matrix:client:device:ABCDEFGHIJ";
    const UNSTABLE_API: &str = "urn:matrix:org.matrix.msc2967.client:api:*";
    const UNSTABLE_DEVICE: &str = "urn:matrix:org.matrix.msc2967.client:device:ABCDEFGHIJ";
    let server = Server::setup().static_client("client_secret_post").start().await;
    let table: [(&[&str], bool); 16] = [
        (&[API, DEVICE], true),
        (&[DEVICE, "openid", API], true),
        (&[UNSTABLE_API, UNSTABLE_DEVICE], true),
        (&[API, DEVICE, DEVICE], true),
        (&["openid", "email", "profile"], true),
        (&["openid", "something-unknown"], true),
        (&[API], false),
        (&[DEVICE], false),
        (&[API, DEVICE, "urn:matrix:client:device:KLMNOPQRST"], false),
        (&[API, UNSTABLE_DEVICE], false),
        (&[API, DEVICE, UNSTABLE_DEVICE], false),
        (&[API, UNSTABLE_API, DEVICE, UNSTABLE_DEVICE], false),
        (&[API, "urn:matrix:client:device:SHORT"], false),
        (&[API, DEVICE, "urn:matrix:client:server_administration"], false),
        (&["openid", "urn:synapse:admin:*"], false),
        (&["openid", "urn:keymaker:admin"], false),
    ];
    for (scope, is_accepted) in table {
        let scope = scope.join(" ");
        let answer = server.get(&format!("authorize?{}", encode(&server.request(STATIC_CLIENT, &scope)))).await;
        match is_accepted {
            true => assert!(answer.location().starts_with("/login?"), "{scope}: {}", answer.location()),
            false => assert_eq!(response_params(answer.location())["error"], "invalid_scope", "{scope}"),
        }
    }
}

#[tokio::test]
async fn what_was_granted_is_said_in_the_clients_own_dialect() {
    // SCP-06, SCP-07
    let server = Server::start().await;
    server.user("alice").await;
    let unstable = "urn:matrix:org.matrix.msc2967.client:device:ABCDEFGHIJ urn:matrix:org.matrix.msc2967.client:api:*";
    for (asked, granted) in
        [(unstable, unstable), (MATRIX_SCOPE, MATRIX_SCOPE), ("openid a:b profile openid", "openid profile")]
    {
        let client_id = server.client().await;
        let code = server.code("alice", &client_id, asked).await;
        assert_eq!(server.exchange(&client_id, &code).await.json()["scope"], granted);
    }
}

async fn set_admin(server: &Server, name: &str, is_admin: bool) {
    let mut tx = server.app.db.write().await.unwrap();
    let sql = "UPDATE users SET is_admin = $2 WHERE username = $1";
    assert_eq!(tx.sql(sql).bind(name).bind(is_admin).execute().await.unwrap(), 1);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn administration_is_for_administrators_and_only_as_long_as_they_are() {
    // SCP-08, SCP-09
    let server = Server::start().await;
    server.user("alice").await;
    server.user("root").await;
    set_admin(&server, "root", true).await;
    let client_id = server.client().await;
    let request = server.request(&client_id, ADMIN_SCOPE);

    let alice = server.browser();
    alice.sign_in("alice").await;
    let refused = response_params(alice.decide(&request, "allow").await.location());
    assert_eq!((refused["error"].as_str(), refused.get("code")), ("access_denied", None));

    let root = server.browser();
    root.sign_in("root").await;
    let silent = root.get(&format!("authorize?{}", encode(&changed(&request, "prompt", Some("none"))))).await;
    assert!(!response_params(silent.location()).contains_key("code"), "never unseen");
    let (_, page) = root.arrive(&request).await;
    page.assert_page(200, "Control over the whole homeserver");
    let answer = root.submit(&page, &[("action", "allow")]).await;
    let answer = server.exchange(&client_id, &response_params(answer.location())["code"]).await;
    assert_eq!(answer.json()["scope"], ADMIN_SCOPE);
    let tokens = Tokens::of(&answer, &client_id);
    let scope = server.introspect(&tokens.access).await["scope"].as_str().unwrap().to_owned();
    assert!(scope.split(' ').any(|token| token == "urn:synapse:admin:*"), "{scope}");

    set_admin(&server, "root", false).await;
    assert_eq!(server.introspect(&tokens.access).await, json!({ "active": false }));
    server.refresh(&tokens).await.assert_error(400, "invalid_grant");
}

#[tokio::test]
async fn a_refresh_never_widens_a_scope() {
    // SCP-08, REF-07
    let server = Server::start().await;
    server.user("root").await;
    set_admin(&server, "root", true).await;
    let tokens = server.log_in("root", MATRIX_SCOPE).await;
    for wider in [ADMIN_SCOPE, &format!("{MATRIX_SCOPE} openid"), &format!("{MATRIX_SCOPE} urn:synapse:admin:*")] {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", &tokens.client_id),
            ("refresh_token", &tokens.refresh),
            ("scope", wider),
        ];
        server.post("oauth2/token", &form).await.assert_error(400, "invalid_scope");
    }
    assert_eq!(server.refresh(&tokens).await.status, 200, "a refused wish costs nothing");
}
