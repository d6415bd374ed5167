//! Relying parties that nobody here wrote sign somebody in, believe what they are told, refresh and sign out, over HTTPS: libraries of
//! JavaScript and Python, each by a `story_*` file here, and a Django site. `tests/discovery` has the one of Rust.

mod django;
mod documented;
pub mod venv;

use std::path::{Path, PathBuf};

use keymaker::flows::manage;
use serde_json::{Value, json};

use crate::browser::{available, is_told_elsewhere, run_script_with};
use crate::support::{PASSWORD, Server, tls};

const USER: &str = "alice";
const EMAIL: &str = "alice@example.com";
const CLIENT_ID: &str = "relying-party";
const CLIENT_SECRET: &str = "a secret: with & odd % characters, 32";
const REDIRECT_URI: &str = "https://app.example.com/callback";
const POST_LOGOUT_REDIRECT_URI: &str = "https://app.example.com/signed-out";

/// Starts a server with somebody on it who has a mail address, and with a client.
async fn keymaker(client: Value) -> Server {
    let setup = Server::setup().over_https().with("authorization.pushed_requests", "optional");
    let server = setup.with("clients", json!([client]).to_string()).start().await;
    manage::register_user(&server.app, USER, Some(PASSWORD), Some(EMAIL), false).await.unwrap();
    server
}

fn client(auth_method: &str, redirect_uri: &str, post_logout_redirect_uri: &str) -> Value {
    json!({
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "client_auth_method": auth_method,
        "client_name": "The wiki",
        "redirect_uris": [redirect_uri],
        "post_logout_redirect_uris": [post_logout_redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

fn venv() -> PathBuf {
    std::env::var_os("KEYMAKER_PARTIES_VENV")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("../parties-venv"), PathBuf::from)
}

fn python_packages() -> Result<(), String> {
    let venv = venv();
    let reason = || format!("what tests/parties/requirements.txt names is not in {}", venv.display());
    venv::is_installed(&venv).then_some(()).ok_or_else(reason)
}

fn node_packages() -> Result<(), String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node_modules");
    let has = |name: &str| folder.join(name).is_dir();
    (has("openid-client") && has("oauth4webapi"))
        .then_some(())
        .ok_or_else(|| "no relying parties in tests/node_modules".into())
}

/// Runs a story of a language against a server of its own, which searches what it stored for what it handed out.
async fn story(interpreter: &Path, script: &str) {
    let server = keymaker(client("client_secret_basic", REDIRECT_URI, POST_LOGOUT_REDIRECT_URI)).await;
    let authority = tls::root_file().display().to_string();
    let variables = [
        ("KEYMAKER_ISSUER", server.issuer()),
        ("KEYMAKER_CLIENT_ID", CLIENT_ID),
        ("KEYMAKER_CLIENT_SECRET", CLIENT_SECRET),
        ("KEYMAKER_REDIRECT_URI", REDIRECT_URI),
        ("KEYMAKER_POST_LOGOUT_REDIRECT_URI", POST_LOGOUT_REDIRECT_URI),
        ("KEYMAKER_USER", USER),
        ("KEYMAKER_PASSWORD", PASSWORD),
        ("NODE_EXTRA_CA_CERTS", &authority),
        ("REQUESTS_CA_BUNDLE", &authority),
        ("NO_PROXY", "localhost"),
        ("PYTHONDONTWRITEBYTECODE", "1"),
    ];
    tokio::task::block_in_place(|| run_script_with(interpreter, &format!("parties/{script}"), &variables));
}

async fn node_story(script: &str) {
    if !is_told_elsewhere() && available(node_packages()) {
        story(Path::new("node"), script).await;
    }
}

async fn python_story(script: &str) {
    if !is_told_elsewhere() && available(python_packages()) {
        story(&venv().join("bin/python"), script).await;
    }
}

// DSC-07, AUT-08, CAU-01, OID-04, OID-05, REF-11, PAR-01, RPL-02
#[tokio::test(flavor = "multi_thread")]
async fn openid_client_believes_us_in_each_way_of_asking_and_signs_out() {
    node_story("story_openid_client.mjs").await;
}

// CAU-03, PAR-01, OID-05, TOK: keys of three kinds instead of a secret, and a browser's app without either
#[tokio::test(flavor = "multi_thread")]
async fn oauth4webapi_registers_with_a_key_of_its_own_and_verifies_every_signature() {
    node_story("story_oauth4webapi.mjs").await;
}

// DSC-07, OID-04, OID-05, REF-11, RPL-02
#[tokio::test(flavor = "multi_thread")]
async fn authlib_verifies_by_the_published_keys_and_signs_out() {
    python_story("story_authlib.py").await;
}

// DSC-07, OID-04, REF-11, RPL-02
#[tokio::test(flavor = "multi_thread")]
async fn idpyoidc_finds_its_way_from_the_issuer_to_the_logout() {
    python_story("story_idpyoidc.py").await;
}
