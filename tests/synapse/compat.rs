//! Older Matrix clients, bridges and administrators at a real Synapse behind the real nginx (areas 12 and 15): they log in as they always
//! did, and nginx sends that part of their talk to Keymaker.

use std::path::Path;

use axum::{Router, extract, routing};
use serde_json::{Value, json};

use super::{
    House, exchange,
    homeserver::{SERVER_NAME, has_packages},
    http, open_in_this_process, venv, whoami,
};
use crate::browser::{PASSWORD, USER, available, components, is_told_elsewhere, run_script_with};
use crate::proxy::software::{Proxy, Software};
use crate::support::{self, Server};

/// What the administrator gives the bridge and Synapse. Its own people have names of their own; as [`USER`] it may speak too.
const BRIDGE: &str = r"
id: bridge
url: null
as_token: the-token-of-the-bridge
hs_token: the-token-of-the-homeserver
sender_localpart: bridge_bot
namespaces:
  users:
    - {exclusive: true, regex: '@bridge_.*'}
    - {exclusive: false, regex: '@bob:.*'}
";
const BRIDGE_TOKEN: &str = "the-token-of-the-bridge";
const GHOST: &str = "@bridge_carol:hs.test";

impl House {
    /// Starts a house whose Synapse knows the bridge, as [`House::open`] does.
    fn open_with_bridge() -> Option<Self> {
        if is_told_elsewhere() {
            return None;
        }
        Self::open_with(|synapse| {
            std::fs::write(synapse.directory().join("bridge.yaml"), BRIDGE).expect("a registration");
            synapse.configure("app_service_config_files: [bridge.yaml]\n").expect("a longer configuration");
        })
    }

    /// Sends a request to the homeserver's host.
    async fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
        ask(&self.base(), method, path, token, body).await
    }

    async fn get(&self, path: &str, token: &str) -> (u16, Value) {
        let response = http().get(format!("{}{path}", self.base())).bearer_auth(token).send().await;
        read(response.expect("an answer")).await
    }

    /// Logs [`USER`] in as an older client does.
    async fn log_in(&self) -> (u16, Value) {
        let identifier = json!({ "type": "m.id.user", "user": USER });
        let body = json!({ "type": "m.login.password", "identifier": identifier, "password": PASSWORD });
        self.ask("POST", "_matrix/client/v3/login", "", &body).await
    }

    /// Asks about the devices of somebody in the bridge's namespace, as the bridge.
    async fn devices(&self, user_id: &str) -> Vec<String> {
        let (status, body) = self.get(&format!("_matrix/client/v3/devices?user_id={user_id}"), BRIDGE_TOKEN).await;
        assert_eq!(status, 200, "{body}");
        let devices = body["devices"].as_array().expect("devices").iter();
        devices.map(|device| device["device_id"].as_str().expect("an id").to_owned()).collect()
    }

    /// How many requests Keymaker has answered, from nginx and from Synapse; those for this number do not count.
    async fn requests_to_keymaker(&self) -> u64 {
        let metrics = http().get(format!("{}metrics", self.keymaker.base())).send().await.expect("metrics");
        let metrics = metrics.text().await.expect("text");
        let requests = metrics.lines().filter(|line| line.starts_with("keymaker_http_requests_total{"));
        let requests = requests.filter(|line| !line.contains("\"/metrics\""));
        requests.map(|line| line.rsplit(' ').next().and_then(|count| count.parse::<u64>().ok()).expect("a count")).sum()
    }
}

async fn ask(base: &str, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let request = http().request(method.parse().expect("a method"), format!("{base}{path}")).json(body);
    let request = if token.is_empty() { request } else { request.bearer_auth(token) };
    read(request.send().await.expect("an answer")).await
}

async fn read(response: reqwest::Response) -> (u16, Value) {
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

/// Asks again until the answer is the expected one.
async fn eventually<T: PartialEq + std::fmt::Debug>(expected: T, asked: impl AsyncFn() -> T) {
    for attempt in 0.. {
        let answer = asked().await;
        if answer == expected {
            return;
        }
        assert!(attempt < 200, "{answer:?} and not {expected:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}"))
}

// CMP-01, CMP-12, LGO-01
#[test]
fn a_bot_of_matrix_nio_logs_in_talks_through_synapse_and_logs_out() {
    let venv = venv();
    let library = has_packages(&venv).then_some(()).ok_or_else(|| format!("no matrix-nio in {}", venv.display()));
    if !available(library) {
        return;
    }
    let Some(house) = House::open_on_every_database().and_then(House::behind_nginx) else { return };
    house.with_user().run_with(&venv.join("bin/python"), "story_nio.py", &[]);
}

// SSO-01..SSO-03, CMP-16, CMP-34, TRP-33
#[test]
fn an_older_client_signs_people_in_and_up_through_the_browser() {
    if let Some(house) = House::open().and_then(House::behind_nginx) {
        house.with_user().run("story_sso.mjs", &[]);
    }
}

// DEV-08, CMP-17, CMP-33: the homeserver keeps a soft-logged-out device and its keys until the person has signed in again.
#[tokio::test(flavor = "multi_thread")]
async fn matrix_js_sdk_refreshes_is_softly_logged_out_and_comes_back_to_its_keys() {
    if !available(components().and(Software::Nginx.installed())) {
        return;
    }
    let setup = Server::setup().with("compatibility.refresh_token_lifetime", "3600");
    let Some((_folder, server, synapse)) = open_in_this_process(setup).await else { return };
    server.user(USER).await;
    let keymaker = server.app.config.http.public_base.socket_addrs(|| None).expect("an address")[0];
    let nginx = tokio::task::block_in_place(|| Proxy::start(Software::Nginx, keymaker, synapse.address()));
    let nginx = nginx.expect("nginx starts");

    let clock = server.clock.clone();
    let move_on = move |extract::Path(seconds): extract::Path<i64>| async move { clock.advance(seconds * 1000) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let control = format!("http://{}/", listener.local_addr().expect("an address"));
    tokio::spawn(async { axum::serve(listener, Router::new().route("/{seconds}", routing::post(move_on))).await });

    let variables = [
        ("HOMESERVER_BASE", &*nginx.base()),
        ("SERVER_NAME", SERVER_NAME),
        ("KEYMAKER_PASSWORD", support::PASSWORD),
        ("CLOCK", &*control),
    ];
    tokio::task::block_in_place(|| run_script_with(Path::new("node"), "synapse/story_soft_logout.mjs", &variables));
}

// DEV-09, DEV-03, LGO-02
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_makes_devices_without_keymaker_and_logging_out_everywhere_leaves_them() {
    let Some(house) = House::open_with_bridge().and_then(House::behind_nginx) else { return };
    let house = house.with_user();
    let nginx = house.nginx.as_ref().expect("nginx");

    let before = house.requests_to_keymaker().await;
    let newcomer = json!({ "type": "m.login.application_service", "username": "bridge_carol", "inhibit_login": true });
    let made = house.ask("POST", "_matrix/client/v3/register", BRIDGE_TOKEN, &newcomer).await;
    assert_eq!(made, (200, json!({ "user_id": GHOST })));
    let device = format!("_matrix/client/v3/devices/BRIDGED?user_id={GHOST}");
    assert_eq!(
        house.ask("PUT", &device, BRIDGE_TOKEN, &json!({ "display_name": "The bridge" })).await,
        (201, json!({}))
    );
    let keys = json!({
        "user_id": GHOST,
        "device_id": "BRIDGED",
        "algorithms": ["m.olm.v1.curve25519-aes-sha2"],
        "keys": { "curve25519:BRIDGED": "JGLn/yafz74HB2AbPLYJWIVGnKAtqECOBf11yyXac2Y" },
        "signatures": {},
    });
    let upload = format!("_matrix/client/v3/keys/upload?user_id={GHOST}&device_id=BRIDGED");
    let uploaded = house.ask("POST", &upload, BRIDGE_TOKEN, &json!({ "device_keys": keys })).await;
    assert_eq!(uploaded.0, 200, "{}", uploaded.1);
    let query = json!({ "device_keys": { GHOST: ["BRIDGED"] } });
    let (_, found) = house.ask("POST", "_matrix/client/v3/keys/query", BRIDGE_TOKEN, &query).await;
    assert_eq!(found["device_keys"][GHOST]["BRIDGED"]["keys"], keys["keys"], "{found}");
    assert_eq!(house.requests_to_keymaker().await, before, "Synapse knows its bridges without asking");
    assert_eq!(nginx.passed_to_keymaker(), [""; 0]);

    let login = json!({
        "type": "m.login.application_service",
        "identifier": { "type": "m.id.user", "user": "bridge_carol" },
    });
    let (status, body) = house.ask("POST", "_matrix/client/v3/login", BRIDGE_TOKEN, &login).await;
    assert_eq!((status, text(&body, "errcode")), (400, "M_APPSERVICE_LOGIN_UNSUPPORTED"));

    // A person with an older client, a newer one, and a device that the bridge speaks from in their name.
    let (status, older) = house.log_in().await;
    assert_eq!(status, 200, "{older}");
    let code = tokio::task::block_in_place(|| house.obtain_code());
    let (status, newer) = exchange(&code).await;
    assert_eq!(status, 200, "{newer}");
    let user_id = format!("@{USER}:{SERVER_NAME}");
    let device = format!("_matrix/client/v3/devices/DOUBLE?user_id={user_id}");
    assert_eq!(house.ask("PUT", &device, BRIDGE_TOKEN, &json!({})).await.0, 201);
    let mut devices = vec![text(&older, "device_id"), text(&code, "device_id"), "DOUBLE"];
    devices.sort_unstable();
    let mut known = house.devices(&user_id).await;
    known.sort_unstable();
    assert_eq!(known, devices);
    for tokens in [&older, &newer] {
        assert_eq!(house.whoami(&tokens["access_token"]).await.0, 200);
    }

    let everywhere = "_matrix/client/r0/logout/all";
    let token = text(&older, "access_token");
    assert_eq!(house.ask("POST", everywhere, token, &json!({})).await, (200, json!({})));
    eventually(vec!["DOUBLE".to_owned()], async || house.devices(&user_id).await).await;
    assert_eq!(house.devices(GHOST).await, ["BRIDGED"]);
    for tokens in [&older, &newer] {
        let (status, body) = house.whoami(&tokens["access_token"]).await;
        assert_eq!((status, text(&body, "errcode")), (401, "M_UNKNOWN_TOKEN"));
    }
    let (status, body) = house.ask("POST", everywhere, token, &json!({})).await;
    assert_eq!((status, text(&body, "errcode")), (401, "M_UNKNOWN_TOKEN"));
    let passed = nginx.passed_to_keymaker();
    assert!(passed.contains(&"POST /_matrix/client/r0/logout/all".to_owned()), "{passed:?}");
    let foreign: Vec<_> = passed.iter().filter(|hop| !hop.contains("/login") && !hop.contains("/logout/all")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

// CMP-12, TRP-30, DEV-14, area 16: what an administrator does at the command line is true at the homeserver.
#[tokio::test(flavor = "multi_thread")]
async fn an_administrators_commands_reach_synapse() {
    let Some(house) = House::open().and_then(House::behind_nginx) else { return };
    let house = house.with_user();
    let manage = |arguments: &[&str]| house.keymaker.run(&[&["manage"], arguments].concat());
    let issue = |arguments: &[&str]| {
        let token = manage(&[&["issue-compatibility-token"], arguments].concat()).expect("a token");
        token.strip_suffix('\n').expect("one line").to_owned()
    };
    manage(&["register-user", "carol", "--password", PASSWORD, "--admin"]).expect("an administrator");
    let grant = "--yes-i-want-to-grant-synapse-admin-privileges";

    let odd = "my device ✨ / 1";
    let plain = issue(&["carol", odd]);
    let who = json!({ "user_id": format!("@carol:{SERVER_NAME}"), "is_guest": false, "device_id": odd });
    assert_eq!(whoami(&house.base(), &plain).await, (200, who));
    let admin = issue(&["carol", grant]);
    let synapse = house.synapse.base();
    let users =
        async |token: &str| ask(&synapse, "GET", "_synapse/admin/v2/users?guests=false", token, &json!({})).await;
    assert_eq!(users(&plain).await.0, 403);
    let (status, body) = users(&admin).await;
    assert_eq!((status, &body["total"]), (200, &json!(2)), "{body}");
    assert_eq!(house.get("_synapse/admin/v2/users?guests=false", &admin).await.0, 404, "nginx keeps it inside");
    // Decoded, this is a path of /_matrix; Synapse reads it as it was sent and takes it for a user of its admin API.
    let odd_path = "_synapse/admin/v2/users/..%2f..%2f..%2f..%2f_matrix%2f";
    assert_eq!(ask(&synapse, "GET", odd_path, &plain, &json!({})).await.0, 403);
    assert_eq!(house.get(odd_path, &plain).await.0, 404, "TRP-29: nor under another spelling");
    manage(&["issue-compatibility-token", USER, grant]).expect_err("no administrator");

    let (status, tokens) = house.log_in().await;
    assert_eq!(status, 200, "{tokens}");
    let user = format!("_synapse/admin/v2/users/@{USER}:{SERVER_NAME}");
    let is_deactivated = async || ask(&synapse, "GET", &user, &admin, &json!({})).await.1["deactivated"].clone();
    assert_eq!(is_deactivated().await, json!(false));
    manage(&["deactivate-user", USER]).expect("the user is deactivated");
    eventually(json!(true), is_deactivated).await;
    assert_eq!(house.whoami(&tokens["access_token"]).await.0, 401);
    let (status, body) = house.log_in().await;
    assert_eq!((status, text(&body, "errcode")), (403, "M_USER_DEACTIVATED"));

    manage(&["reactivate-user", USER]).expect("the user is reactivated");
    eventually(json!(false), is_deactivated).await;
    let (status, tokens) = house.log_in().await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(house.whoami(&tokens["access_token"]).await.0, 200);
}
