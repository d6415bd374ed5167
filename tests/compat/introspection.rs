//! What the homeserver reads about the token of an older client (CMP-35, INT-03 to INT-06, TRP-30), and who else may use it.

use keymaker::clock::{MINUTE, SECOND};
use serde_json::{Value, json};

use super::{DEVICE, server_with_alice};
use crate::support::{REDIRECT_URI, STATIC_CLIENT, STATIC_SECRET, Server};

const API: &str = "urn:matrix:client:api:* urn:matrix:org.matrix.msc2967.client:api:*";

/// Takes the members of the moment out of an answer, and checks them.
fn without_times(mut body: Value, life: Option<i64>, now: i64) -> Value {
    let members = body.as_object_mut().unwrap();
    let iat = members.remove("iat").unwrap().as_i64().unwrap();
    let auth_time = members.remove("auth_time").unwrap().as_i64().unwrap();
    let (exp, expires_in) = (members.remove("exp"), members.remove("expires_in"));
    assert!(auth_time <= iat && iat - auth_time < 600, "{auth_time} {iat}");
    assert!(iat <= now && now - iat < 600, "{iat} {now}");
    assert_eq!(exp.map(|exp| exp.as_i64().unwrap() - iat), life);
    assert_eq!(expires_in.is_some(), life.is_some());
    body
}

#[tokio::test]
async fn the_token_of_an_older_client_is_described_in_the_homeservers_terms() {
    let (_, server) = server_with_alice().await;
    let sub = server.app.db.sql("SELECT id FROM users").one::<(String,)>().await.unwrap().0;
    let common = json!({
        "active": true, "client_id": "legacy", "username": "alice", "token_type": "Bearer", "sub": sub,
        "iss": server.issuer(), "acr": "password", "amr": ["pwd"],
    });
    let device = "urn:matrix:client:device:ABCDEFGHIJ urn:matrix:org.matrix.msc2967.client:device:ABCDEFGHIJ";
    for (wants_refresh_token, life) in [(false, None), (true, Some(300))] {
        let body = json!({ "device_id": DEVICE, "refresh_token": wants_refresh_token });
        let answer = server.password_login("alice", body).await.json();
        let token = answer["access_token"].as_str().unwrap();
        let now = server.clock.now() / SECOND + 1;
        let mut expected = common.clone();
        expected["scope"] = json!(format!("{API} {device}"));
        assert_eq!(without_times(server.introspect(token).await, life, now), expected);
        expected["scope"] = json!(API);
        expected["device_id"] = json!(DEVICE);
        assert_eq!(without_times(server.introspect_with_device(token).await, life, now), expected);
    }
    // A life that is off by a moment shows itself as a whole second now and then.
    let sql = "SELECT expires_at - created_at FROM tokens WHERE kind = 'access' AND expires_at IS NOT NULL";
    assert_eq!(server.app.db.sql(sql).all::<(i64,)>().await.unwrap(), [(5 * MINUTE,)]);
}

#[tokio::test]
async fn any_device_id_is_told_in_its_member_and_no_scope_is_made_of_what_is_none() {
    // INT-05, INT-06, TRP-30
    let (_, server) = server_with_alice().await;
    let table = [
        ("ABCDEFGHIJ", true),
        ("abc.def-~_/:!#$%&'()*+,;=?@[]^`{|}", true),
        ("A", true),
        ("my device", false),
        (" ", false),
        ("a\"b", false),
        ("a\\b", false),
        ("é", false),
        ("✨🔑", false),
        ("\u{202e}right to left", false),
        // Rights must not come out of a name.
        ("X urn:synapse:admin:*", false),
        ("X urn:matrix:client:device:ANOTHER001", false),
        ("urn:synapse:admin:*", true),
    ];
    for (device, is_scope) in table {
        let token = server.legacy_token("alice", device).await;
        let with_member = server.introspect_with_device(&token).await;
        assert_eq!((&with_member["device_id"], &with_member["scope"]), (&json!(device), &json!(API)));
        let without = server.introspect(&token).await;
        assert_eq!(without.get("device_id"), None, "{device}");
        let stable = format!("urn:matrix:client:device:{device}");
        let unstable = format!("urn:matrix:org.matrix.msc2967.client:device:{device}");
        let expected = if is_scope { format!("{API} {stable} {unstable}") } else { API.to_owned() };
        assert_eq!(without["scope"], json!(expected), "{device}");
        assert!(!without["scope"].as_str().unwrap().split(' ').any(|scope| scope == "urn:synapse:admin:*"));
    }
}

#[tokio::test]
async fn an_older_client_is_no_relying_party() {
    // OID-01, INV-02: it asked for no `openid`, and belongs to no client.
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let token = server.legacy_token("alice", DEVICE).await;
    let request = server.http.client.get(server.url("oauth2/userinfo")).bearer_auth(&token);
    server.http.send(request).await.assert_error(401, "invalid_token");
    let metadata = json!({
        "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_post",
    });
    let registered = server.http.post_json("oauth2/registration", &metadata).await.json();
    let text = |name: &str| registered[name].as_str().unwrap().to_owned();
    let (id, secret) = (text("client_id"), text("client_secret"));
    // The operator's own client may ask about everything, one that registered itself only about what is its own.
    for (id, secret, is_active) in [(id.as_str(), secret.as_str(), false), (STATIC_CLIENT, STATIC_SECRET, true)] {
        let form = [("token", token.as_str()), ("client_id", id), ("client_secret", secret)];
        assert_eq!(server.post("oauth2/introspect", &form).await.json()["active"], is_active, "{id}");
    }
}
