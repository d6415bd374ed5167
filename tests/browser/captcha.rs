//! CAPTCHAs in a real browser: work that it does while somebody types, and the widgets of services, whose scripts the story brings
//! itself: what is shown is that the policy of the page lets them do what their documentation says.

use std::{io::Write, sync::Arc};

use serde_json::json;

use super::{available, components, is_told_elsewhere, run_script};
use crate::support::{
    PASSWORD, Server, Setup,
    captcha::{Behaviour, CaptchaService},
    homeserver::FakeHomeserver,
};

fn setup(mails: &tempfile::TempDir) -> Setup {
    Server::setup()
        .fake_homeserver(&Arc::<FakeHomeserver>::default())
        .with("email.transport", "folder")
        .with("email.folder", mails.path().display().to_string())
}

// SGN-06, RTL-06, WEB-03, WEB-09, WEB-10
#[tokio::test(flavor = "multi_thread")]
async fn a_browser_does_the_work_while_somebody_types() {
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let mails = tempfile::tempdir().expect("a folder");
    let server = setup(&mails)
        .with("captcha.service", "proof_of_work")
        .with("captcha.pages", "[registration, recovery, login]")
        .start()
        .await;
    server.user("bob").await;
    let base = server.app.config.http.public_base.to_string();
    let variables = [("KEYMAKER_BASE", &*base), ("KEYMAKER_PASSWORD", PASSWORD)];
    let told = tokio::task::block_in_place(|| run_script("browser/story_proof_of_work.mjs", &variables));
    // Past the harness, which shows what a passing test prints to nobody.
    let _ = std::io::stdout().write_all(told.as_bytes());
}

// SGN-06, WEB-03, WEB-10
#[tokio::test(flavor = "multi_thread")]
async fn the_widget_of_each_service_works_under_the_policy_of_its_page() {
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let mails = tempfile::tempdir().expect("a folder");
    let mut servers = Vec::new();
    for name in ["recaptcha_v2", "hcaptcha", "cloudflare_turnstile"] {
        let service = CaptchaService::start().await;
        service.does(Behaviour::yes("registration"));
        let server = setup(&mails).captcha(name, &service).start().await;
        servers.push((name, server, service));
    }
    let bases: serde_json::Map<_, _> = servers
        .iter()
        .map(|(name, server, _)| ((*name).to_owned(), json!(server.app.config.http.public_base.to_string())))
        .collect();
    let bases = serde_json::Value::from(bases).to_string();
    let variables = [("BASES", &*bases), ("KEYMAKER_PASSWORD", PASSWORD)];
    tokio::task::block_in_place(|| run_script("browser/story_captcha_widgets.mjs", &variables));
    for (name, _, service) in &servers {
        let responses: Vec<_> = service.asked().into_iter().map(|question| question["response"].clone()).collect();
        assert_eq!(responses, [format!("solved by a person at {name}")]);
    }
}
