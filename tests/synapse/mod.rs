//! Keymaker under a real Synapse (areas 21, 24 and 25 of the requirements): two client libraries' ways from discovery to logout, and
//! what happens when the homeserver is down or a user is locked. Synapse knows us only by its own documented block.

mod compat;
pub mod homeserver;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::{PASSWORD, USER, available, components, is_told_elsewhere, keymaker, run_script_with};
use crate::proxy::software::{Proxy, Software};
use crate::support::{
    Server, Setup, Tokens,
    process::{Keymaker, free_port},
};
use homeserver::{SERVER_NAME, Synapse, is_installed};

const SECRET: &str = "a-secret-that-two-servers-share-in-tests";

/// A Synapse and the Keymaker that it asks, behind one nginx or each for itself.
struct House {
    synapse: Synapse,
    keymaker: Keymaker,
    nginx: Option<Proxy>,
    _folder: TempDir,
}

impl House {
    /// Starts both, unless a component is missing on this machine or another run has told the story.
    fn open() -> Option<Self> {
        if is_told_elsewhere() { None } else { Self::open_on_every_database() }
    }

    /// Starts both, unless a component is missing on this machine.
    fn open_on_every_database() -> Option<Self> {
        Self::open_with(|_| ())
    }

    /// Starts both, unless a component is missing on this machine, with something about Synapse changed before.
    fn open_with(change: impl FnOnce(&Synapse)) -> Option<Self> {
        if available(components().and(installed())) { Some(Self::build(keymaker(), change)) } else { None }
    }

    /// Starts both as `open` does, with a host name for us: browsers know no passkeys without.
    fn open_at_localhost() -> Option<Self> {
        let is_told = is_told_elsewhere() || !available(components().and(installed()));
        if is_told { None } else { Some(Self::build(keymaker().at_localhost(), |_| ())) }
    }

    fn build(keymaker: Keymaker, change: impl FnOnce(&Synapse)) -> Self {
        let venv = venv();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let mut keymaker = keymaker
            .with("matrix.kind", "synapse")
            .with("matrix.homeserver", SERVER_NAME)
            .with("matrix.endpoint", format!("http://127.0.0.1:{port}/"))
            .with("matrix.secret", SECRET);
        let mut synapse = Synapse::new(&venv, folder.path(), port, &keymaker.base(), SECRET).expect("a configuration");
        change(&synapse);
        synapse.start().expect("Synapse starts");
        keymaker.start().expect("Keymaker starts");
        Self { synapse, keymaker, nginx: None, _folder: folder }
    }

    /// Puts both behind one nginx with the shipped configuration, unless nginx is missing on this machine.
    fn behind_nginx(mut self) -> Option<Self> {
        if !available(Software::Nginx.installed()) {
            return None;
        }
        let nginx = Proxy::start(Software::Nginx, self.keymaker.address(), self.synapse.address());
        self.nginx = Some(nginx.expect("nginx starts"));
        Some(self)
    }

    /// The base of the client-server API, as clients know it.
    fn base(&self) -> String {
        self.nginx.as_ref().map_or_else(|| self.synapse.base(), Proxy::base)
    }

    /// Registers [`USER`] from the command line.
    fn with_user(self) -> Self {
        self.keymaker.run(&["manage", "register-user", USER, "--password", PASSWORD]).expect("a user");
        self
    }

    fn run(&self, script: &str, more: &[(&str, &str)]) -> String {
        self.run_with(Path::new("node"), script, more)
    }

    fn run_with(&self, interpreter: &Path, script: &str, more: &[(&str, &str)]) -> String {
        let (keymaker, homeserver) = (self.keymaker.base(), self.base());
        let mut variables =
            vec![("KEYMAKER_BASE", &*keymaker), ("HOMESERVER_BASE", &*homeserver), ("SERVER_NAME", SERVER_NAME)];
        variables.extend(more);
        run_script_with(interpreter, &format!("synapse/{script}"), &variables)
    }

    /// Logs [`USER`] in up to the code and returns what the exchange needs.
    fn obtain_code(&self) -> Value {
        serde_json::from_str(&self.run("obtain_code.mjs", &[])).expect("one line of JSON")
    }

    async fn whoami(&self, token: &Value) -> (u16, Value) {
        whoami(&self.base(), token.as_str().expect("a token")).await
    }
}

/// Starts a Keymaker in this process, so that its clock can be moved, and the real Synapse that asks it, unless a component is missing
/// on this machine or another run has told the story.
async fn open_in_this_process(setup: Setup) -> Option<(TempDir, Server, Synapse)> {
    if is_told_elsewhere() || !available(installed()) {
        return None;
    }
    let (folder, port) = (tempfile::tempdir().expect("a temporary folder"), free_port());
    let server = setup
        .with("matrix.kind", "synapse")
        .with("matrix.homeserver", SERVER_NAME)
        .with("matrix.endpoint", format!("http://127.0.0.1:{port}/"))
        .with("matrix.secret", SECRET)
        .start()
        .await;
    let mut synapse = Synapse::new(&venv(), folder.path(), port, &server.base, SECRET).expect("a configuration");
    tokio::task::block_in_place(|| synapse.start()).expect("Synapse starts");
    Some((folder, server, synapse))
}

fn installed() -> Result<(), String> {
    let venv = venv();
    is_installed(&venv).then_some(()).ok_or_else(|| format!("no Synapse in {}", venv.display()))
}

fn venv() -> PathBuf {
    std::env::var_os("KEYMAKER_SYNAPSE_VENV")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("../synapse-venv"), PathBuf::from)
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("a client")
}

async fn whoami(homeserver: &str, token: &str) -> (u16, Value) {
    let url = format!("{homeserver}_matrix/client/v3/account/whoami");
    let response = http().get(url).bearer_auth(token).send().await.expect("Synapse answers");
    let status = response.status().as_u16();
    (status, response.json().await.expect("JSON"))
}

async fn exchange(code: &Value) -> (u16, Value) {
    let response = http()
        .post(code["token_endpoint"].as_str().expect("an endpoint"))
        .form(&code["request"])
        .send()
        .await
        .expect("Keymaker answers");
    let status = response.status().as_u16();
    (status, response.json().await.expect("JSON"))
}

// TST-02, SGN-01, REG-13, REF-01, REV-02
#[test]
fn matrix_js_sdk_signs_a_new_person_up_talks_through_synapse_and_logs_out() {
    if let Some(house) = House::open() {
        let newcomer =
            [("ENTRY", "sign-up"), ("KEYMAKER_USER", "carol"), ("KEYMAKER_PASSWORD", "eleven-Green-herons-wade")];
        house.run("story_js_sdk.mjs", &newcomer);
    }
}

// TST-02
#[test]
fn matrix_js_sdk_logs_a_known_person_in_talks_through_synapse_and_logs_out() {
    if let Some(house) = House::open_on_every_database() {
        house.with_user().run("story_js_sdk.mjs", &[("ENTRY", "log-in")]);
    }
}

// TST-02, RED-11, SCP-07, REV-01, REV-03
#[test]
fn the_way_of_matrix_rust_sdk_works_with_unstable_scopes_and_a_random_loopback_port() {
    if let Some(house) = House::open() {
        house.with_user().run("story_rust_sdk_way.mjs", &[]);
    }
}

// DVC-01, DVC-06, DVC-08, QRL-01
#[test]
fn matrix_js_sdk_polls_for_a_device_while_its_person_types_the_code_in_a_browser() {
    if let Some(house) = House::open() {
        house.with_user().run("story_device_grant.mjs", &[]);
    }
}

// WAN-07, WAN-08, WAN-11
#[test]
fn matrix_js_sdk_gets_its_tokens_from_somebody_who_signs_in_with_a_passkey() {
    if let Some(house) = House::open_at_localhost() {
        house.with_user().run("story_passkey.mjs", &[]);
    }
}

// UPS-01, UPS-07, UPS-08, UPS-10, BCI-03, BCI-04
#[test]
fn somebody_signs_in_to_synapse_through_a_provider_that_others_wrote_and_out_at_both_ends() {
    if is_told_elsewhere() || !available(components().and(installed())) {
        return;
    }
    let issuer = format!("http://127.0.0.1:{}", free_port());
    let (client_id, client_secret) = ("keymaker-at-the-provider", "a-secret-that-the-provider-gave-to-us");
    let providers = json!([{
        "id": "company",
        "human_name": "The Company",
        "issuer": issuer,
        "client_id": client_id,
        "client_secret": client_secret,
        "fetch_userinfo": true,
        "on_backchannel_logout": "logout_all",
        "logout_at_provider": true,
    }]);
    let house = House::build(keymaker().with("upstream_oauth2.providers", providers.to_string()), |_| ());
    let variables =
        [("PROVIDER_ISSUER", &*issuer), ("PROVIDER_CLIENT_ID", client_id), ("PROVIDER_CLIENT_SECRET", client_secret)];
    house.run("story_upstream.mjs", &variables);
}

// XSR-01, XSR-02, XSR-03, ACT-04
#[test]
fn matrix_js_sdk_replaces_a_cryptographic_identity_once_the_account_page_has_allowed_it() {
    if let Some(house) = House::open() {
        house.with_user().run("story_cross_signing_reset.mjs", &[]);
    }
}

// TOK: the device exists before the token is handed out, so without the homeserver there is no token and no spent code.
#[tokio::test(flavor = "multi_thread")]
async fn while_synapse_is_down_a_code_is_answered_503_and_works_once_it_is_up() {
    let Some(house) = House::open() else { return };
    let mut house = house.with_user();
    let code = house.obtain_code();

    house.synapse.stop();
    let (status, body) = exchange(&code).await;
    assert_eq!(status, 503, "{body}");
    assert!(body.get("access_token").is_none());

    house.synapse.start().expect("Synapse starts again");
    let (status, body) = exchange(&code).await;
    assert_eq!(status, 200, "{body}");
    let (status, who) = house.whoami(&body["access_token"]).await;
    assert_eq!(
        (status, who),
        (
            200,
            json!({
                "user_id": format!("@{USER}:{SERVER_NAME}"),
                "is_guest": false,
                "device_id": code["device_id"],
            })
        )
    );
}

// INV-05: Synapse asks nobody but us whether a user is locked.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_users_token_is_refused_by_synapse() {
    let Some(house) = House::open() else { return };
    let house = house.with_user();
    // A control: a token of the same person that Synapse sees before the lock.
    let (_, before) = exchange(&house.obtain_code()).await;
    assert_eq!(house.whoami(&before["access_token"]).await.0, 200);
    // Synapse keeps an answer for two minutes, so the token under test is one that it has not asked about yet.
    let (status, unseen) = exchange(&house.obtain_code()).await;
    assert_eq!(status, 200, "{unseen}");

    house.keymaker.run(&["manage", "lock-user", USER]).expect("the user is locked");

    let (status, body) = house.whoami(&unseen["access_token"]).await;
    assert_eq!((status, &body["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_access_token_still_logs_its_device_out() {
    // REV-03, TRP-51: matrix-rust-sdk logs out with its access token, which after an idle while has expired.
    let Some((_folder, server, synapse)) = open_in_this_process(Server::setup()).await else { return };
    server.user("alice").await;
    let scope = |device: &str| {
        format!("urn:matrix:org.matrix.msc2967.client:api:* urn:matrix:org.matrix.msc2967.client:device:{device}")
    };
    let kept = server.log_in("alice", &scope("KEPTDEVICE")).await;
    let left = server.log_in("alice", &scope("LEFTDEVICE")).await;
    let devices = |token: String| {
        let request = http().get(format!("{}_matrix/client/v3/devices", synapse.base())).bearer_auth(token);
        async move { request.send().await.expect("Synapse answers").text().await.expect("a body") }
    };
    let before = devices(left.access.clone()).await;
    assert!(before.contains("KEPTDEVICE") && before.contains("LEFTDEVICE"), "{before}");

    server.clock.advance(301_000);
    assert!(!server.is_active(&left.access).await, "it has expired");
    let form = [("token", left.access.as_str()), ("token_type_hint", "access_token"), ("client_id", &left.client_id)];
    let answer = server.post("oauth2/revoke", &form).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    server.refresh(&left).await.assert_error(400, "invalid_grant");

    let kept = Tokens::of(&server.refresh(&kept).await, &kept.client_id);
    for attempt in 0.. {
        let after = devices(kept.access.clone()).await;
        assert!(after.contains("KEPTDEVICE"), "{after}");
        if !after.contains("LEFTDEVICE") {
            break;
        }
        assert!(attempt < 100, "the device stays: {after}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}
