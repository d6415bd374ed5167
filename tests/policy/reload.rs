//! Policies change while the service runs, and nobody notices but those whom they concern. Client registration is the question
//! that anybody may ask, so these stories ask it.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Server, eventually, http::Answer, process::Keymaker, unique};

/// A rule against one host, known by its code.
fn rule(code: &str, host: &str) -> String {
    format!(
        "package client_registration\n\nviolation contains {{\"code\": \"{code}\", \"msg\": \"not this host\"}} if \
         input.hosts.client_uri == \"{host}\"\n"
    )
}

const BROKEN: &str = "package client_registration\n\nviolation contains";

fn write(folder: &Path, text: &str) {
    std::fs::write(folder.join("own.rego"), text).unwrap();
}

async fn start(folder: &TempDir) -> Server {
    Server::setup().with("policy.files", json!([folder.path()]).to_string()).start().await
}

fn metadata(host: &str) -> Value {
    json!({
        "client_name": unique("App "),
        "client_uri": format!("https://{host}/"),
        "redirect_uris": [format!("https://{host}/callback")],
        "token_endpoint_auth_method": "none",
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
    })
}

async fn register(server: &Server, host: &str) -> Answer {
    server.http.post_json("oauth2/registration", &metadata(host)).await
}

/// Tells by which rule a host is refused; nothing when it is not.
fn verdict(answer: &Answer) -> Option<String> {
    match answer.status {
        201 => None,
        400 => {
            assert_eq!(answer.error(), "invalid_client_metadata", "{}", answer.body);
            let description = answer.json()["error_description"].as_str().unwrap().to_owned();
            Some(description.trim_start_matches("not this host ").to_owned())
        }
        _ => panic!("neither a yes nor a no: {} {}", answer.status, answer.body),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_reload_under_load_loses_no_request() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &rule("rule-0", "refused.example"));
    let server = Arc::new(start(&folder).await);
    let is_over = Arc::new(AtomicBool::new(false));
    let welcomed = Arc::new(AtomicUsize::new(0));
    let ask = |host: &'static str| {
        let (server, is_over, welcomed) = (server.clone(), is_over.clone(), welcomed.clone());
        tokio::spawn(async move {
            let mut verdicts = BTreeMap::new();
            while !is_over.load(Ordering::Relaxed) {
                let verdict = verdict(&register(&server, host).await);
                welcomed.fetch_add(usize::from(verdict.is_none()), Ordering::Relaxed);
                *verdicts.entry(verdict).or_insert(0) += 1;
            }
            verdicts
        })
    };
    let asking: Vec<_> = (0..4).flat_map(|_| [ask("refused.example"), ask("welcome.example")]).collect();
    let reload = || {
        let app = server.app.clone();
        tokio::task::spawn_blocking(move || app.policy.reload())
    };
    let mut known = vec!["(rule-0)".to_owned()];
    // However slow the machine is, the policies change among many requests.
    for round in 1.. {
        if round > 5 && welcomed.load(Ordering::Relaxed) > 20 {
            break;
        }
        write(folder.path(), BROKEN);
        let broken = reload().await.unwrap().unwrap_err().to_string();
        assert!(broken.contains("own.rego:3: "), "{broken}");
        assert_eq!(
            verdict(&register(&server, "refused.example").await).as_ref(),
            known.last(),
            "the last good one stays"
        );
        write(folder.path(), &rule(&format!("rule-{round}"), "refused.example"));
        reload().await.unwrap().unwrap();
        known.push(format!("(rule-{round})"));
        assert_eq!(
            verdict(&register(&server, "refused.example").await).as_ref(),
            known.last(),
            "the new one is in force"
        );
    }
    is_over.store(true, Ordering::Relaxed);
    let (mut refused, mut welcome) = (0, 0);
    for (index, asking) in asking.into_iter().enumerate() {
        for (verdict, count) in asking.await.unwrap() {
            match (index % 2, &verdict) {
                (0, Some(code)) if known.contains(code) => refused += count,
                (1, None) => welcome += count,
                _ => panic!("{verdict:?} is the answer of no policy that was in force"),
            }
        }
    }
    assert!(refused > 20 && welcome > 20, "{refused} and {welcome} answers are no load");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_notices_by_itself_that_a_file_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &rule("first", "refused.example"));
    let server = start(&folder).await;
    assert_eq!(verdict(&register(&server, "refused.example").await).as_deref(), Some("(first)"));
    write(folder.path(), &rule("second", "refused.example"));
    eventually("the new rule", async || {
        verdict(&register(&server, "refused.example").await).as_deref() == Some("(second)")
    })
    .await;
    // A file more is a change too.
    std::fs::write(folder.path().join("more.rego"), rule("third", "other.example")).unwrap();
    eventually("the rule of the new file", async || {
        verdict(&register(&server, "other.example").await).as_deref() == Some("(third)")
    })
    .await;
    let metrics = server.get("metrics").await.body;
    assert!(metrics.contains("keymaker_policy_is_current 1"), "{metrics}");
    assert!(metrics.contains("keymaker_policy_reloads_total{result=\"good\"}"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_fails_allows_nothing_and_ends_one_request() {
    // INV-07, INV-13
    let folder = tempfile::tempdir().unwrap();
    let bombs = [
        (
            "endless.example",
            "count([1 | some x in numbers.range(1, 9999); some y in numbers.range(1, 9999); x < y]) > 0",
        ),
        ("large.example", "count(numbers.range(1, 1000000000000)) > 0"),
        ("wrong.example", "1 + input.client_metadata.client_name > 0"),
    ];
    let text: String = bombs.iter().fold("package client_registration\n".to_owned(), |text, (host, bomb)| {
        format!(
            "{text}\nviolation contains {{\"code\": \"x\", \"msg\": \"y\"}} if {{\n\tinput.hosts.client_uri == \"{host}\"\n\t{bomb}\n}}\n"
        )
    });
    write(folder.path(), &text);
    let server = start(&folder).await;
    for (host, _) in bombs {
        let answer = register(&server, host).await;
        answer.assert_error(500, "server_error");
        assert!(!answer.body.contains("own.rego"), "{}", answer.body);
        assert_eq!(verdict(&register(&server, "welcome.example").await), None, "after {host}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_reads_the_policies_again_and_a_broken_one_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &rule("first", "refused.example"));
    let mut keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker"))
        .unwrap()
        .with("policy.files", json!([folder.path()]).to_string());
    keymaker.start().unwrap();
    let (process, base) = (keymaker.id().unwrap().to_string(), keymaker.base());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let metrics = async || client.get(format!("{base}metrics")).send().await.unwrap().text().await.unwrap();
    assert!(metrics().await.contains("keymaker_policy_is_current 1"));
    let hang_up = || assert!(std::process::Command::new("kill").args(["-HUP", &process]).status().unwrap().success());
    hang_up();
    eventually("a reload without a change", async || {
        metrics().await.contains("keymaker_policy_reloads_total{result=\"good\"} 1")
    })
    .await;
    write(folder.path(), BROKEN);
    eventually("the broken file in the metrics", async || {
        let metrics = metrics().await;
        metrics.contains("keymaker_policy_reloads_total{result=\"broken\"} 1")
            && metrics.contains("keymaker_policy_is_current 0")
    })
    .await;
    let log = keymaker.log();
    assert!(log.contains("own.rego:3") && log.contains("those from before stay in force"), "{log}");
    // What is broken is refused at the start, with its line.
    keymaker.kill();
    let refused = keymaker.start().unwrap_err().to_string();
    assert!(refused.contains("policy.files: ") && refused.contains("own.rego:3: "), "{refused}");
}
