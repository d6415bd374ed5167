//! One question of each kind, with every member that it can have: policies are tried on them when they are loaded.

use serde_json::{Value, json};

use crate::domain::policy::Decision;

/// Gives the questions as the policies see them.
pub fn all() -> [(Decision, Value); 7] {
    let requester =
        json!({ "ip": "192.0.2.7", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0" });
    let user = json!({ "id": "01SAMPLE0000000000000000AB", "username": "sample.person", "is_admin": false });
    let metadata = json!({
        "client_name": "Sample App",
        "client_uri": "https://app.example.com/",
        "redirect_uris": ["https://app.example.com/callback"],
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "none",
        "application_type": "web",
        "contacts": ["somebody@example.com"],
        "software_id": "sample",
    });
    let mut client = metadata.clone();
    client["id"] = "01SAMPLE0000000000000000CD".into();
    client["host"] = "app.example.com".into();
    let scope = "openid urn:matrix:client:api:* urn:matrix:client:device:SAMPLEDEVICE";
    [
        (
            Decision::Register,
            json!({
                "username": "sample.person", "email": "sample.person@example.org", "method": "upstream",
                "provider": "sample", "requester": requester,
            }),
        ),
        (Decision::ClientRegistration, json!({ "client_metadata": metadata, "requester": requester })),
        (
            Decision::AuthorizationGrant,
            json!({
                "client": client, "scope": scope, "grant_type": "authorization_code", "user": user,
                "requester": requester,
            }),
        ),
        (
            Decision::CompatLogin,
            json!({
                "user": user, "login_type": "m.login.password", "is_interactive": false, "device_count": 3,
                "requester": requester,
            }),
        ),
        (Decision::Email, json!({ "email": "sample.person@example.org", "requester": requester })),
        (
            Decision::Password,
            json!({ "username": "sample.person", "password": "correct horse battery staple", "length": 28, "score": 4 }),
        ),
        (
            Decision::Login,
            json!({
                "user": user, "place": "authorization", "client": client, "scope": scope,
                "session": { "ip": "198.51.100.7", "acr": "password", "age": 3600 }, "requester": requester,
            }),
        ),
    ]
}
