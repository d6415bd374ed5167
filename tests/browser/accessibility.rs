//! Every page for everybody (WEB-10): what axe-core objects to, in both languages, and what each page costs.

use std::{io::Write, sync::Arc};

use keymaker::{
    domain::act::Act,
    flows::registration_token::{self, Wanted},
    web::{LINK_PAGES, PAGES, SSO_PAGES},
};

use tempfile::TempDir;

use super::{USER, available, components, is_told_elsewhere, run_script};
use crate::support::{PASSWORD, Server, Setup, homeserver::FakeHomeserver, identity_provider::IdentityProvider};

/// Routes that show no page of their own: they lead to others, or answer the script.
const WITHOUT_PAGE: [&str; 9] = [
    "/",
    "/account",
    "/account/cross-signing-reset",
    "/authorize",
    "/link/qr",
    "/login/passkey",
    "/sso",
    "/upstream/authorize/{provider}",
    "/.well-known/change-password",
];

/// A server with everything, in this process.
fn setup(mails: &TempDir) -> Setup {
    let homeserver = Arc::<FakeHomeserver>::default();
    Server::setup()
        .with_passkeys()
        .fake_homeserver(&homeserver)
        .with("email.transport", "folder")
        .with("email.folder", mails.path().display().to_string())
}

/// Tells the story of all pages in one language, and gives the list of what it examined.
async fn tell(locale: &str) -> Option<String> {
    if is_told_elsewhere() || !available(components()) {
        return None;
    }
    let mails = tempfile::tempdir().expect("a folder");
    let provider = IdentityProvider::start().await;
    let company = [(&provider, "company", serde_json::json!({ "human_name": "The company" }))];
    let server = setup(&mails)
        .providers(&company)
        .static_client("client_secret_post")
        .with("clients.0.redirect_uris", "[\"http://127.0.0.1/callback\"]")
        .with("account.password_registration_email_required", "true")
        .with("account.registration_terms_version", "2026-11-01")
        .with("branding.tos_uri", "https://chat.example/terms")
        .with("branding.policy_uri", "https://chat.example/privacy")
        .with("branding.imprint", "Example Ltd, 1 Example Street")
        .start()
        .await;
    let mut routes = Vec::new();
    for page in PAGES.iter().chain(SSO_PAGES).chain(LINK_PAGES).filter(|page| !WITHOUT_PAGE.contains(&page.path)) {
        // What takes no GET is no page either.
        if server.get(&page.path.replace(['{', '}'], "")).await.status != 405 {
            routes.push(page.path);
        }
    }
    let acts: Vec<&str> = Act::ALL.into_iter().map(Act::as_str).collect();
    let base = server.app.config.http.public_base.to_string();
    let (routes, acts) = (serde_json::json!(routes).to_string(), serde_json::json!(acts).to_string());
    let folder = mails.path().display().to_string();
    let guarded = Server::setup()
        .with_passkeys()
        .providers(&company)
        .with("account.registration_token_required", "true")
        .with("account.registration_approval_required", "true")
        .start()
        .await;
    let invitation = Wanted { token: Some("welcome-2026"), ..Wanted::default() };
    registration_token::issue(&guarded.app, invitation).await.expect("a token");
    let guarded_base = guarded.app.config.http.public_base.to_string();
    let variables = [
        ("KEYMAKER_BASE", &*base),
        ("GUARDED_BASE", &guarded_base),
        ("PROVIDER", provider.issuer()),
        ("MAILS", &folder),
        ("LOCALE", locale),
        ("ACTS", &acts),
        ("ROUTES", &routes),
    ];
    Some(tokio::task::block_in_place(|| run_script("browser/story_accessibility.mjs", &variables)))
}

// WEB-03, WEB-10
#[tokio::test(flavor = "multi_thread")]
async fn nothing_on_any_page_keeps_anybody_out_and_none_costs_much() {
    if let Some(list) = tell("en-GB").await {
        // Past the harness, which shows what a passing test prints to nobody.
        let _ = std::io::stdout().write_all(list.as_bytes());
    }
}

// WEB-10
#[tokio::test(flavor = "multi_thread")]
async fn nothing_on_any_page_keeps_anybody_out_who_reads_french() {
    tell("fr-FR").await;
}

// WEB-09, WEB-10
#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_does_everything_without_script() {
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let mails = tempfile::tempdir().expect("a folder");
    let server = setup(&mails).start().await;
    server.user(USER).await;
    let base = server.app.config.http.public_base.to_string();
    let folder = mails.path().display().to_string();
    let variables = [("KEYMAKER_BASE", &*base), ("MAILS", &folder), ("KEYMAKER_PASSWORD", PASSWORD)];
    tokio::task::block_in_place(|| run_script("browser/story_keyboard.mjs", &variables));
}
