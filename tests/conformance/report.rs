//! The list of modules, printed past the harness when the last of them has ended.

use std::{collections::BTreeMap, io::Write, sync::Mutex};

use super::{Outcome, Plan, Variant, total};

static KEPT: Mutex<BTreeMap<(Plan, Variant, &'static str), String>> = Mutex::new(BTreeMap::new());

/// Keeps what came of a module, and prints the list once every module has ended.
pub fn keep(plan: Plan, variant: Variant, name: &'static str, outcome: Option<&Outcome>, warnings: Vec<String>) {
    let mut line = match outcome {
        Some(Outcome::Passed) => "pass".to_owned(),
        Some(Outcome::Skipped(reason)) => format!("skip: {reason}"),
        None => "FAIL".to_owned(),
    };
    for warning in warnings {
        line += &format!("; warning: {warning}");
    }
    let mut kept = KEPT.lock().unwrap();
    kept.insert((plan, variant, name), line);
    if kept.len() == total() {
        let list = list(&kept);
        let _ = std::io::stdout().write_all(list.as_bytes());
    }
}

fn list(kept: &BTreeMap<(Plan, Variant, &'static str), String>) -> String {
    let mut text = String::new();
    let mut heading = None;
    for ((plan, variant, name), line) in kept {
        if heading.replace((plan, variant)) != Some((plan, variant)) {
            let client =
                if *variant == Variant::Static { "a client of the configuration" } else { "a registered client" };
            text += &format!("\n{}, {client}\n", plan.name());
        }
        text += &format!("  {:<82} {line}\n", name.replace('_', "-"));
    }
    let count = |word: &str| kept.values().filter(|line| line.starts_with(word)).count();
    text + &format!("\nconformance: {} passed, {} skipped, {} failed\n", count("pass"), count("skip"), count("FAIL"))
}
