//! What a person meets in a real browser, Chromium without script, against the real binary on its own. The stories themselves are the
//! `story_*.mjs` files here (areas 3, 20 and 24 of the requirements); this file starts the server for them and runs them.

mod accessibility;
mod captcha;
mod passkeys;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use keymaker::flows::limit::Limiter;

use crate::support::{database::Database, process::Keymaker};

/// The person who exists before a story begins.
pub const USER: &str = "bob";
/// The password of [`USER`].
pub const PASSWORD: &str = "nine-Yellow-badgers-sing";

const STORY_LIMIT: Duration = Duration::from_secs(600);

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Returns whether a story may run. Where a component is missing the story says so and passes, except in CI, where it fails.
pub fn available(component: Result<(), String>) -> bool {
    let Err(reason) = component else {
        return true;
    };
    let is_required = is_set("CI") || is_set("KEYMAKER_TEST_REQUIRE_ALL");
    assert!(!is_required, "{reason}");
    skip(&format!("{reason}; `.ci/run` shows how it is installed"));
    false
}

/// Returns whether this run leaves out what another has told already: pages and homeserver are the same on every database.
pub fn is_told_elsewhere() -> bool {
    let is_told = is_set("KEYMAKER_TEST_SKIP_EXTERNAL");
    if is_told {
        skip("KEYMAKER_TEST_SKIP_EXTERNAL is set");
    }
    is_told
}

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| !matches!(&*value, "" | "0" | "false"))
}

fn skip(reason: &str) {
    let thread = std::thread::current();
    let line = format!("SKIPPED {}: {reason}\n", thread.name().unwrap_or("a story"));
    // Written past the harness, which shows what a passing test prints to nobody; `cargo tool check` counts these lines.
    let _ = std::io::stdout().write_all(line.as_bytes());
}

/// Tells what the browser stories miss on this machine.
pub fn components() -> Result<(), String> {
    let chromium = std::env::var("KEYMAKER_CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".into());
    if !Path::new(&chromium).exists() {
        return Err(format!("no Chromium at {chromium}"));
    }
    if Command::new("node").arg("--version").output().is_err() {
        return Err("no Node.js".into());
    }
    if !tests_folder().join("node_modules/playwright-core").exists() {
        return Err("no tests/node_modules".into());
    }
    Ok(())
}

/// Runs a Node.js script of the tests folder and returns what it wrote to its standard output.
pub fn run_script(script: &str, variables: &[(&str, &str)]) -> String {
    run_script_with(Path::new("node"), script, variables)
}

/// Runs a script of the tests folder with the interpreter of its language.
pub fn run_script_with(interpreter: &Path, script: &str, variables: &[(&str, &str)]) -> String {
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../screenshots");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let capture = |name: &str| std::fs::File::create(folder.path().join(name)).expect("a file");
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("captured output");
    let mut child = Command::new(interpreter)
        .arg(tests_folder().join(script))
        .env("KEYMAKER_SCREENSHOTS", &screenshots)
        .env("KEYMAKER_USER", USER)
        .env("KEYMAKER_PASSWORD", PASSWORD)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(capture("stdout"))
        .stderr(capture("stderr"))
        .spawn()
        .unwrap_or_else(|error| panic!("{} does not start: {error}", interpreter.display()));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("the script's status") {
            break Some(status);
        }
        if begun.elapsed() > STORY_LIMIT {
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    assert!(
        status.is_some_and(|status| status.success()),
        "{script} failed ({})\n{}\n{}",
        status.map_or_else(|| format!("stopped after {STORY_LIMIT:?}"), |status| status.to_string()),
        read("stdout"),
        read("stderr"),
    );
    read("stdout")
}

/// Prepares the built binary with the settings that every browser story shares, and a database of its own.
pub fn keymaker() -> Keymaker {
    let keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker"))
        .expect("a data directory")
        .with("account.password_registration_enabled", "true");
    // Stories come from one address, and go through one door many times.
    let off =
        |keymaker: Keymaker, limiter: &Limiter| keymaker.with(&format!("rate_limiting.{}", limiter.name()), "off");
    let keymaker = Limiter::ALL.iter().fold(keymaker, off);
    let directory = keymaker.directory().to_path_buf();
    // A thread of its own: the caller may or may not stand inside a runtime.
    let database = std::thread::spawn(move || fresh_database(&directory)).join().expect("a fresh database");
    keymaker.with("database.uri", database.uri)
}

#[tokio::main(flavor = "current_thread")]
async fn fresh_database(directory: &Path) -> Database {
    Database::fresh(directory).await
}

fn browser_story(script: &str) {
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let keymaker = with_user(keymaker());
    run_script(&format!("browser/{script}"), &[("KEYMAKER_BASE", &keymaker.base())]);
}

/// Starts a server and makes [`USER`] there.
fn with_user(mut keymaker: Keymaker) -> Keymaker {
    keymaker.start().expect("Keymaker starts");
    keymaker.run(&["manage", "register-user", USER, "--password", PASSWORD]).expect("a user");
    keymaker
}

// WEB-03, WEB-09, SGN-01, CNS-01, AUT-01
#[test]
fn a_browser_without_script_signs_up_logs_in_consents_and_logs_out() {
    browser_story("story_script_free.mjs");
}

// ACT-04, ACT-07, ACT-08, WEB-09
#[test]
fn somebody_looks_after_their_account_without_script_and_ends_it() {
    browser_story("story_account.mjs");
}

// WEB-14, AUT-11, CNS-02
#[test]
fn two_tabs_complete_two_authorizations_and_a_refusal_goes_back_to_the_client() {
    browser_story("story_tabs.mjs");
}

// WEB-03, AUT-08, AUT-09
#[test]
fn consent_leads_to_https_loopback_and_private_use_scheme_redirects_under_the_policy() {
    browser_story("story_redirects.mjs");
}

// AUT-08, AUT-10, WEB-03, conformance: the Form Post plan
#[test]
fn a_form_carries_the_answer_to_the_app_with_script_and_without() {
    browser_story("story_answers_by_form.mjs");
}

// WEB-04, WEB-10
#[test]
fn pages_speak_the_readers_language_and_refuse_to_be_framed() {
    browser_story("story_language_and_frames.mjs");
}

// SGN-01, SGN-05, ACT-07, ACT-09, RCV-03, WEB-09
#[test]
fn a_browser_without_script_signs_up_by_mail_and_gets_back_in_by_mail() {
    if is_told_elsewhere() || !available(components()) {
        return;
    }
    let keymaker = keymaker()
        .with("account.password_registration_email_required", "true")
        .with("account.registration_terms_version", "2026-11-01")
        .with("branding.tos_uri", "https://example.com/terms");
    let keymaker = with_user(keymaker);
    let mail = keymaker.directory().join("mail");
    let variables = [("KEYMAKER_BASE", keymaker.base()), ("KEYMAKER_MAIL", mail.display().to_string())];
    run_script("browser/story_mail.mjs", &variables.each_ref().map(|(name, value)| (*name, value.as_str())));
}
