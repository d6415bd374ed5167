//! What the engine does with questions, with broken rules and with rules that never end; and the tests of our own rules, which
//! come to every line of them.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::domain::policy::{Decision, Method, Requester, Requirement, Violation};
use crate::domain::{amr::Acr, time::HOUR};

fn with_data(data: &Value) -> config::Policy {
    config::Policy { data: data.as_object().expect("data").clone(), ..config::Policy::default() }
}

fn policy(data: &Value) -> Policy {
    Policy::load(&with_data(data)).expect("policies that can be used")
}

/// A folder of an operator's own files.
struct Folder(TempDir);

impl Folder {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = Self(TempDir::new().expect("a folder"));
        files.iter().for_each(|(name, text)| folder.write(name, text));
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).expect("a file is written");
    }

    fn config(&self) -> config::Policy {
        config::Policy { files: vec![self.0.path().to_owned()], ..config::Policy::default() }
    }

    fn load(&self) -> Result<Policy, Broken> {
        Policy::load(&self.config())
    }
}

fn codes(policy: &Policy, decision: Decision, input: Value) -> Vec<String> {
    let answer = policy.current().decide(decision, input).expect("an answer");
    answer.violations.into_iter().map(|violation| violation.code).collect()
}

#[test]
fn every_test_of_our_rules_passes_and_they_come_to_every_line() {
    let (trials, engine) =
        trial::run_in(&sources::ours(), |engine| engine.set_enable_coverage(true)).expect("our tests");
    let failed: Vec<_> = trials.iter().filter(|trial| trial.failure.is_some()).collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let report = engine.get_coverage_report().expect("a report");
    let ours = report.files.iter().filter(|file| !file.path.ends_with("_test.rego"));
    let missed: Vec<_> = ours.clone().filter(|file| !file.not_covered.is_empty()).collect();
    let missed: Vec<_> = missed.iter().map(|file| (&file.path, &file.not_covered)).collect();
    assert_eq!((missed, ours.count()), (Vec::new(), 8));
}

#[test]
fn every_code_of_our_rules_is_named_by_a_test() {
    let sources = sources::ours();
    let tests: String = sources.tests.iter().map(|module| &*module.text).collect();
    let mut known = BTreeSet::new();
    for line in sources.modules.iter().flat_map(|module| module.text.lines()) {
        if let Some((_, rest)) = line.split_once("\"code\": \"") {
            known.extend(rest.split('"').next());
        }
    }
    assert!(known.len() > 30, "{known:?}");
    let untested: Vec<_> = known.iter().filter(|code| !tests.contains(&format!("\"{code}\""))).collect();
    assert!(untested.is_empty(), "{untested:?}");
}

#[test]
fn without_data_nothing_is_refused_but_administration() {
    let policy = policy(&json!({}));
    for (decision, input) in samples::all() {
        assert_eq!(policy.current().decide(decision, input).expect("an answer"), Answer::default(), "{decision}");
    }
    let requester = Requester::default();
    let question = Question::Registration {
        username: "alice",
        email: None,
        method: Method::Password,
        provider: None,
        requester: &requester,
    };
    assert_eq!(policy.check(&question).expect("allowed"), None);
    let input =
        json!({ "scope": "openid urn:synapse:admin:*", "user": { "is_admin": false }, "client": { "id": "x" } });
    assert_eq!(codes(&policy, Decision::AuthorizationGrant, input), ["admin-not-allowed"]);
}

#[test]
fn a_refusal_names_its_rule_and_its_field() {
    let policy = policy(&json!({ "emails": { "banned_domains": ["Example.ORG"] } }));
    let question = Question::Email { email: "alice@example.org", requester: &Requester::default() };
    let error = policy.check(&question).expect_err("refused");
    let Some(Refusal::Policy(violations)) = error.refusal() else { panic!("{error}") };
    assert_eq!(violations.decision, Decision::Email);
    let expected = Violation {
        code: "email-domain-banned".to_owned(),
        field: Some("email".to_owned()),
        msg: "e-mail addresses of this provider cannot be used here".to_owned(),
    };
    assert_eq!(violations.of_field("email"), Some(&expected));
    assert_eq!(violations.to_string(), "e-mail addresses of this provider cannot be used here (email-domain-banned)");
}

#[test]
fn hosts_are_those_that_the_url_parser_finds() {
    let policy = policy(&json!({ "clients": { "allowed_hosts": ["app.example.com"] } }));
    let table = [
        ("https://app.example.com/", &[][..]),
        ("https://APP.example.com./", &[]),
        ("https://app.example.com@evil.example/", &["client-host-not-allowed"]),
        ("https://evil.example/#app.example.com", &["client-host-not-allowed"]),
        ("https://evil.example\\app.example.com/", &["client-host-not-allowed"]),
        ("no address", &["client-host-not-allowed"]),
    ];
    for (client_uri, expected) in table {
        // What is sent as `hosts` is not believed.
        let input =
            json!({ "client_metadata": { "client_uri": client_uri }, "hosts": { "client_uri": "app.example.com" } });
        assert_eq!(codes(&policy, Decision::ClientRegistration, input), expected, "{client_uri}");
    }
}

#[test]
fn the_most_that_any_rule_requires_is_required() {
    let rules = json!([
        { "code": "a", "acr": "mfa", "max_age_hours": 12 },
        { "code": "b", "acr": "phr" },
        { "code": "c", "max_age_hours": 0.5 },
        { "code": "d", "acr": "phr", "users": ["bob"] },
    ]);
    let policy = policy(&json!({ "logins": { "require": rules } }));
    let (decision, input) = samples::all().into_iter().last().expect("the login");
    let require = policy.current().decide(decision, input).expect("an answer").require;
    let codes = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert_eq!(
        require,
        Some(Requirement { acr: Some(Acr::PhishingResistant), max_age: Some(HOUR / 2), again: false, codes })
    );
}

#[test]
fn a_rule_of_the_operators_adds_to_ours_or_stands_in_its_place() {
    let rule = "package register\n\nviolation contains {\"code\": \"own\", \"msg\": \"no a\"} if startswith(input.username, \"a\")\n";
    let folder = Folder::of(&[("own.rego", rule), ("notes.txt", "no rule")]);
    let mut config = folder.config();
    config.data = with_data(&json!({ "registration": { "banned_usernames": { "literals": ["alice"] } } })).data;
    let alice = || json!({ "username": "alice" });
    let added = Policy::load(&config).expect("policies");
    assert_eq!(codes(&added, Decision::Register, alice()), ["own", "username-banned"]);
    config.replace = vec![Decision::Register];
    let replaced = Policy::load(&config).expect("policies");
    assert_eq!(codes(&replaced, Decision::Register, alice()), ["own"]);
}

#[test]
fn a_file_that_cannot_be_used_is_refused_with_its_line() {
    let table = [
        ("package register\n\nviolation contains v if {\n\tv :=\n}\n", 4, "expect"),
        ("package register\n\nviolation contains v if v := nothing\n", 3, "nothing"),
        ("package register\n\nviolation contains v if v := no_function(1)\n", 3, "no_function"),
        ("package register\n\nviolation contains v if v := 1 + input.username\n", 3, "add"),
        (
            "package email\n\na if b\n\nb if a\n\nviolation contains {\"code\": \"x\", \"msg\": \"y\"} if a\n",
            0,
            "recursion",
        ),
    ];
    for (text, line, reason) in table {
        let folder = Folder::of(&[("own.rego", text)]);
        let broken = folder.load().err().expect(text).to_string();
        assert!(broken.contains("own.rego:"), "{text}\n{broken}");
        assert!(line == 0 || broken.contains(&format!("own.rego:{line}: ")), "{text}\n{broken}");
        assert!(broken.contains(reason), "{text}\n{broken}");
    }
}

#[test]
fn an_answer_in_another_form_is_no_yes() {
    for rule in ["\"no\"", "{\"code\": \"x\"}", "{\"msg\": \"x\"}", "{\"code\": 1, \"msg\": \"x\"}"] {
        let folder = Folder::of(&[("own.rego", &format!("package email\n\nviolation contains {rule}\n"))]);
        let broken = folder.load().err().expect(rule).to_string();
        assert!(broken.contains(".violation: must be a set of objects"), "{broken}");
    }
    let required = "package login\n\nrequire contains {\"code\": \"x\", \"acr\": \"gold\"}\n";
    assert!(Folder::of(&[("own.rego", required)]).load().is_err());
}

#[test]
fn what_never_ends_or_grows_too_large_is_an_error_and_no_yes() {
    // INV-07, INV-13: each is harmless on the sample, and deadly for one name.
    let bombs = [
        "count([1 | some x in numbers.range(1, 9999); some y in numbers.range(1, 9999); x < y]) > 0",
        "count(numbers.range(1, 1000000000000)) > 0",
        "count(numbers.range_step(1, 1000000000000, 7)) > 0",
        "count(net.cidr_expand(\"0.0.0.0/0\")) > 0",
        "count(numbers.range(1, 9999)) + input.username > 0",
        "to_number(input.username) > 0",
        "regex.match(\"(a{1000}){1000}\", input.username)",
        "some number in numbers.range(1, 101)\n\tcode := sprintf(\"%d\", [number])",
    ];
    for bomb in bombs {
        let code = if bomb.contains("code :=") { "" } else { "\tcode := \"x\"\n" };
        let text = format!(
            "package register\n\nviolation contains {{\"code\": code, \"msg\": \"y\"}} if {{\n\tinput.username == \"bomb\"\n\t{bomb}\n{code}}}\n"
        );
        let policy = Folder::of(&[("own.rego", &text)]).load().expect(bomb);
        let ask = |username: &str| {
            let requester = Requester::default();
            let (email, provider) = (None, None);
            policy.check(&Question::Registration {
                username,
                email,
                method: Method::Password,
                provider,
                requester: &requester,
            })
        };
        assert!(matches!(ask("bomb"), Err(Error::Internal(_))), "{bomb}");
        assert_eq!(ask("alice").expect("the next question is answered"), None, "{bomb}");
    }
}

#[test]
fn a_broken_policy_keeps_the_last_good_one_until_it_is_mended() {
    let rule = |name: &str| {
        format!(
            "package register\n\nviolation contains {{\"code\": \"own\", \"msg\": \"no\"}} if input.username == \"{name}\"\n"
        )
    };
    let folder = Folder::of(&[("own.rego", &rule("alice"))]);
    let policy = folder.load().expect("policies");
    let refuses = |name: &str| !codes(&policy, Decision::Register, json!({ "username": name })).is_empty();
    assert!(!policy.has_changed());

    folder.write("own.rego", "package register\n\nviolation contains");
    assert!(policy.has_changed());
    let broken = policy.reload().expect_err("it does not compile");
    assert!(broken.to_string().contains("own.rego:3: "), "{broken}");
    assert!(!policy.has_changed(), "what is known to be broken is not tried again");
    assert!(refuses("alice") && !refuses("bob"));

    folder.write("own.rego", &rule("bob"));
    assert!(policy.has_changed());
    policy.reload().expect("it is mended");
    assert!(refuses("bob") && !refuses("alice"));

    // A test that fails keeps the change out, and a file that goes away counts as a change.
    let test = "package own_test\n\nimport data.register\n\ntest_carol if count(register.violation) > 0 with input as {\"username\": \"carol\"}\n";
    folder.write("own_test.rego", test);
    folder.write("own.rego", &rule("dora"));
    let broken = policy.reload().expect_err("its test fails").to_string();
    assert!(broken.contains("own_test.rego: test_carol: it is not true"), "{broken}");
    assert!(refuses("bob") && !refuses("dora"));
    fs::remove_file(folder.0.path().join("own_test.rego")).expect("removed");
    assert!(policy.has_changed());
    policy.reload().expect("nothing fails any more");
    assert!(refuses("dora"));
}

#[test]
fn the_data_of_a_file_are_read_again() {
    let folder = Folder::of(&[("data.yaml", "registration:\n  reserved_usernames:\n    literals: [Alice]\n")]);
    let data_file = Some(folder.0.path().join("data.yaml"));
    let mut config = config::Policy { data_file, ..config::Policy::default() };
    let policy = Policy::load(&config).expect("policies");
    assert_eq!(codes(&policy, Decision::Register, json!({ "username": "alice" })), ["username-reserved"]);
    folder.write("data.yaml", "registration: { reserved_usernames: { prefixes: [b] } }\n");
    assert!(policy.has_changed());
    policy.reload().expect("the new data");
    assert_eq!(codes(&policy, Decision::Register, json!({ "username": "bob" })), ["username-reserved"]);
    assert!(codes(&policy, Decision::Register, json!({ "username": "alice" })).is_empty());
    for (text, reason) in [("- a\n", "must hold sections"), ("a: [\n", "line "), ("regstration: {}\n", "did you mean")]
    {
        folder.write("data.yaml", text);
        let broken = policy.reload().expect_err(text).to_string();
        assert!(broken.contains("data.yaml: ") && broken.contains(reason), "{broken}");
    }
    config.data = with_data(&json!({ "registration": {} })).data;
    folder.write("data.yaml", "registration: {}\n");
    let broken = Policy::load(&config).err().expect("given twice").to_string();
    assert!(broken.contains("`registration` is given in the configuration too"), "{broken}");
}

#[test]
fn every_word_of_the_documentation_is_one_of_the_policies() {
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/policies.md")).expect("docs/policies.md");
    let sources = sources::ours();
    for text in sources.modules.iter().map(|module| &module.text) {
        let codes = text.lines().filter_map(|line| line.split_once("\"code\": \"")?.1.split('"').next());
        for code in codes {
            assert!(page.contains(&format!("`{code}`")), "docs/policies.md does not describe {code}");
        }
    }
    // Each example of data is data that can be used.
    let mut examples = 0;
    for example in page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()) {
        let value = config::parse(example).expect(example);
        if let Some(data) = value.pointer("/policy/data") {
            Policy::load(&with_data(data)).map_err(|broken| panic!("{example}\n{broken}")).ok();
            examples += 1;
        }
    }
    assert!(examples >= 8, "{examples} examples");
}

#[test]
fn every_section_that_our_rules_read_is_checked_before() {
    let sources = sources::ours();
    let mut read = BTreeSet::new();
    for text in sources.modules.iter().map(|module| module.text.replace("metadata.", "")) {
        let names = text.split("data.").skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_lowercase()).next());
        read.extend(names.flatten().filter(|name| !["matching", "email"].contains(name)).map(str::to_owned));
    }
    assert_eq!(read, BTreeSet::from(data::SECTIONS.map(str::to_owned)));
    for section in data::SECTIONS {
        let config = with_data(&json!({ section: { "no_such_key": 1 } }));
        let broken = Policy::load(&config).err().expect(section).to_string();
        assert!(broken.contains(section) && broken.contains("unknown field `no_such_key`"), "{broken}");
    }
}

#[test]
fn regular_expressions_that_are_taken_together_mean_what_each_of_them_meant() {
    let patterns = json!({ "regexes": ["^a|b$", "(?-i)C", "[0-9]{3}"] });
    let policy = policy(&json!({ "registration": { "banned_usernames": patterns } }));
    let is_banned = |name: &str| !codes(&policy, Decision::Register, json!({ "username": name })).is_empty();
    for (name, expected) in
        [("apple", true), ("web", true), ("x123", true), ("x12", false), ("cc", false), ("CC", true), ("xax", false)]
    {
        assert_eq!(is_banned(name), expected, "{name}");
    }
}
