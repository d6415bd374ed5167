//! `keymaker policy check | test | eval`, as an operator meets them.

use std::{
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::json;
use tempfile::TempDir;

const RULE: &str = "package register

violation contains {
	\"code\": \"no-birds\",
	\"field\": \"username\",
	\"msg\": \"names of birds are for our staff\",
} if input.username in data.birds
";

const TEST: &str = "package register_birds_test

import data.register

test_birds_are_refused if {
	some problem in register.violation with input as {\"username\": \"wren\"} with data.birds as [\"wren\"]
	problem.code == \"no-birds\"
}
";

/// A folder with a rule of its own, its test and its data.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("rules")).unwrap();
    std::fs::write(folder.path().join("rules/birds.rego"), RULE).unwrap();
    std::fs::write(folder.path().join("rules/birds_test.rego"), TEST).unwrap();
    std::fs::write(folder.path().join("data.yaml"), "birds: [wren, robin]\n").unwrap();
    let generated = Command::new(env!("CARGO_BIN_EXE_keymaker")).args(["config", "generate"]).output().unwrap();
    std::fs::write(folder.path().join("keymaker.yaml"), generated.stdout).unwrap();
    folder
}

fn policy(folder: &Path, arguments: &[&str], stdin: &str) -> (Output, String) {
    let rule = json!({ "code": "staff-has-passkeys", "acr": "phr", "max_age_hours": 12 });
    let mut child = Command::new(env!("CARGO_BIN_EXE_keymaker"))
        .current_dir(folder)
        .env("KEYMAKER__POLICY__DATA", json!({ "logins": { "require": [rule] } }).to_string())
        .env("KEYMAKER__POLICY__DATA_FILE", "data.yaml")
        .env("KEYMAKER__POLICY__FILES", "[rules]")
        .args(["--config", "keymaker.yaml", "policy"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

#[test]
fn what_is_loaded_is_said() {
    let folder = folder();
    let (output, said) = policy(folder.path(), &["check"], "");
    assert!(output.status.success(), "{said}");
    for line in
        ["The policies can be used.", "policies/register.rego", "rules/birds.rego", "rules/birds_test.rego", "birds"]
    {
        assert!(said.contains(line), "no {line:?} in {said}");
    }
    std::fs::write(folder.path().join("rules/birds.rego"), RULE.replace("input.username in", "input.username in in"))
        .unwrap();
    let (output, said) = policy(folder.path(), &["check"], "");
    assert!(!output.status.success());
    assert!(said.contains("policy.files: ") && said.contains("birds.rego:7: "), "{said}");
}

#[test]
fn the_tests_of_both_are_run_and_a_failure_is_named() {
    let folder = folder();
    let (output, said) = policy(folder.path(), &["test"], "");
    assert!(output.status.success(), "{said}");
    assert!(said.contains("rules/birds_test.rego  test_birds_are_refused"), "{said}");
    assert!(
        said.contains("policies/login_test.rego  test_networks_are_denied") && said.contains(" 0 failed"),
        "{said}"
    );
    std::fs::write(folder.path().join("rules/birds_test.rego"), TEST.replace("no-birds", "no-fish")).unwrap();
    let (output, said) = policy(folder.path(), &["test"], "");
    assert_eq!(output.status.code(), Some(1), "{said}");
    let line = said.lines().find(|line| line.starts_with("FAILED")).unwrap();
    assert!(line.contains("rules/birds_test.rego  test_birds_are_refused: it is not true"), "{line}");
    assert!(said.contains(" 1 failed"), "{said}");
}

#[test]
fn an_answer_names_its_rules() {
    let folder = folder();
    let (output, said) = policy(folder.path(), &["eval", "register"], r#"{"username": "wren"}"#);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said, "register: refused\n  no-birds [username]: names of birds are for our staff\n");

    let (output, said) = policy(folder.path(), &["eval", "register"], r#"{"username": "alice"}"#);
    assert_eq!((output.status.code(), &*said), (Some(0), "register: allowed\n"));

    std::fs::write(folder.path().join("login.json"), r#"{"user": {"username": "alice"}, "place": "account"}"#).unwrap();
    let (output, said) = policy(folder.path(), &["eval", "login", "--input", "login.json"], "");
    assert_eq!(output.status.code(), Some(0), "{said}");
    let expected = "login: allowed, with a condition\n  staff-has-passkeys: a login of the class phr and a login not older \
                    than 12 hours\n";
    assert_eq!(said, expected);

    let (_, said) = policy(folder.path(), &["eval", "login", "--input", "login.json", "--json"], "");
    let answer: serde_json::Value = serde_json::from_str(&said).unwrap();
    let require = json!({ "acr": "phr", "max_age": 43_200_000, "again": false, "codes": ["staff-has-passkeys"] });
    assert_eq!(answer, json!({ "violations": [], "require": require }));

    let (_, said) = policy(folder.path(), &["eval", "register", "--repeat", "3"], r#"{"username": "alice"}"#);
    assert!(said.contains("One answer takes ") && said.contains(" µs."), "{said}");
}

#[test]
fn what_is_no_question_is_refused() {
    let folder = folder();
    for (arguments, stdin, words) in [
        (&["eval", "registration"][..], "{}", "the decisions are register, "),
        (&["eval", "register"], "[]", "a question is an object"),
        (&["eval", "register"], "{", "- is no JSON"),
        (&["eval", "register", "--input", "none.json"], "", "none.json cannot be read"),
    ] {
        let (output, said) = policy(folder.path(), arguments, stdin);
        assert!(!output.status.success() && said.contains(words), "{arguments:?}: {said}");
    }
}
