//! A secret of one kind is unknown wherever another is expected (CMN-20, INV-02).

use keymaker::{
    clock::MINUTE,
    crypto::secret::{Kind, Secret},
    store::recovery::{self, NewRecovery},
};
use serde_json::json;

use crate::support::{
    REDIRECT_URI, Server, Tokens, VERIFIER,
    compat::{LOGIN, LOGOUT, LOGOUT_ALL, REFRESH, token_login},
    device::DEVICE_CODE,
    http::Answer,
};

const ALICE: &str = "alice@example.com";

/// Everything that Keymaker hands out, in the order of the columns below.
const KINDS: [&str; 11] = [
    "access token",
    "refresh token",
    "authorization code",
    "session cookie",
    "browser cookie",
    "client secret",
    "login token",
    "legacy access token",
    "legacy refresh token",
    "recovery link",
    "device code",
];

#[tokio::test]
async fn each_place_takes_its_own_kind_and_finds_every_other_unknown() {
    let server = Server::start().await;
    server.user_with_address("alice", ALICE).await;
    let client_id = server.client().await;
    let metadata = json!({
        "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code", "client_credentials"],
    });
    let confidential = server.http.post_json("oauth2/registration", &metadata).await.json();
    let device_client_id = server.device_client().await;
    let confidential_id = confidential["client_id"].as_str().unwrap();

    // (the place, the kinds that it takes)
    let places: [(&str, &[&str]); 13] = [
        ("introspection", &["access token", "legacy access token"]),
        ("userinfo", &["access token"]),
        ("refresh", &["refresh token"]),
        ("exchange", &["authorization code"]),
        ("session cookie", &["session cookie"]),
        ("client secret", &["client secret"]),
        ("homeserver secret", &[]),
        ("legacy login", &["login token"]),
        ("legacy refresh", &["legacy refresh token"]),
        // LGO-03: the token of an OAuth client signs out as well.
        ("logout", &["access token", "legacy access token"]),
        ("logout from everywhere", &["legacy access token"]),
        ("recovery", &["recovery link"]),
        ("device grant", &["device code"]),
    ];
    for (place, own) in places {
        // Fresh ones for each place: what is used up says nothing about what is unknown.
        let browser = server.browser();
        browser.sign_in("alice").await;
        let code = browser.allow(&server.request(&client_id, "openid")).await;
        let tokens = Tokens::of(&server.exchange(&client_id, &code).await, &client_id);
        let code = browser.allow(&server.request(&client_id, "openid")).await;
        let login_token = browser.login_token().await;
        let device = server.device_with(&device_client_id, "openid").await;
        browser.let_in(&device).await;
        let legacy = server.legacy_session("alice", "ABCDEFGHIJ").await;
        let cookies = browser.http.cookies();
        let cookie = |name: &str| {
            let mut pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).unwrap().1.to_owned()
        };
        let secrets = [
            tokens.access.clone(),
            tokens.refresh.clone(),
            code,
            cookie("keymaker_session"),
            cookie("keymaker_browser"),
            confidential["client_secret"].as_str().unwrap().to_owned(),
            login_token,
            legacy.access,
            legacy.refresh,
            recovery_link(&server).await,
            device.device_code,
        ];
        for (kind, secret) in KINDS.iter().zip(&secrets).filter(|(kind, _)| !own.contains(kind)) {
            let client_id = if place == "device grant" { &device_client_id } else { &client_id };
            let answer = present(&server, place, secret, client_id, confidential_id).await;
            assert!(!is_accepted(place, &answer), "{kind} as {place}: {} {}", answer.status, answer.body);
        }
        // Last, since it may use the secret up; and after all the others, which must not have.
        for (kind, secret) in KINDS.iter().zip(&secrets).filter(|(kind, _)| own.contains(kind)) {
            let client_id = if place == "device grant" { &device_client_id } else { &client_id };
            let answer = present(&server, place, secret, client_id, confidential_id).await;
            assert!(is_accepted(place, &answer), "{kind} as {place}: {} {}", answer.status, answer.body);
        }
    }
}

/// A link as a mail would carry it: more of them than are sent in an hour.
async fn recovery_link(server: &Server) -> String {
    let (secret, user, now) = (Secret::generate(Kind::RecoveryLink), server.user_id("alice").await, server.clock.now());
    let new = NewRecovery {
        id: &server.app.new_recovery_id(),
        user: &user,
        email: ALICE,
        secret_hash: secret.hash(),
        expires_at: now + MINUTE,
        now,
    };
    let mut tx = server.app.db.write().await.unwrap();
    recovery::insert(&mut tx, new).await.unwrap();
    tx.commit().await.unwrap();
    secret.expose().to_owned()
}

async fn present(server: &Server, place: &str, secret: &str, client_id: &str, confidential_id: &str) -> Answer {
    let client = &server.http.client;
    let post = |path: &str| client.post(server.url(path));
    let request = match place {
        "introspection" => post("oauth2/introspect").bearer_auth(server.matrix_secret()).form(&[("token", secret)]),
        "homeserver secret" => post("oauth2/introspect").bearer_auth(secret).form(&[("token", secret)]),
        "userinfo" => client.get(server.url("oauth2/userinfo")).bearer_auth(secret),
        "refresh" => post("oauth2/token").form(&[
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("refresh_token", secret),
        ]),
        "exchange" => post("oauth2/token").form(&[
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", secret),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ]),
        "device grant" => {
            post("oauth2/token").form(&[("grant_type", DEVICE_CODE), ("client_id", client_id), ("device_code", secret)])
        }
        "client secret" => post("oauth2/token").form(&[
            ("grant_type", "client_credentials"),
            ("client_id", confidential_id),
            ("client_secret", secret),
        ]),
        "session cookie" => client.get(server.url("account/")).header("cookie", format!("keymaker_session={secret}")),
        "recovery" => client.get(server.url(&format!("recover/{secret}"))),
        "legacy login" => post(LOGIN).json(&token_login(secret)),
        "legacy refresh" => post(REFRESH).json(&json!({ "refresh_token": secret })),
        "logout" => post(LOGOUT).bearer_auth(secret),
        "logout from everywhere" => post(LOGOUT_ALL).bearer_auth(secret),
        other => panic!("{other}"),
    };
    server.http.send(request).await
}

fn is_accepted(place: &str, answer: &Answer) -> bool {
    match place {
        "introspection" => answer.json()["active"] == true,
        _ => answer.status == 200,
    }
}
