//! Runs the tests of policies: rules whose names begin with `test_`, as OPA has them. One that is true has passed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use regorus::{Engine, Value};

use super::{
    Broken, engine,
    sources::{Module, Sources},
};

/// One test rule and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    pub file: String,
    pub rule: String,
    /// Why it failed.
    pub failure: Option<String>,
}

/// Runs every test rule.
///
/// # Errors
/// When a file cannot be compiled.
pub fn run(sources: &Sources) -> Result<Vec<Trial>, Broken> {
    run_in(sources, |_| {}).map(|(trials, _)| trials)
}

/// Runs every test rule in an engine that was prepared for it.
pub(super) fn run_in(sources: &Sources, prepare: impl Fn(&mut Engine)) -> Result<(Vec<Trial>, Engine), Broken> {
    let modules: Vec<&Module> = sources.modules.iter().chain(&sources.tests).collect();
    let (mut engine, packages) = engine::compile(&modules, &sources.data)?;
    prepare(&mut engine);
    let mut trials = Vec::new();
    for (module, package) in modules.into_iter().zip(packages) {
        for rule in test_rules(&module.text) {
            let path = format!("{package}.{rule}");
            let failure = match catch_unwind(AssertUnwindSafe(|| engine.eval_rule(path))) {
                Ok(Ok(value)) if value == Value::from(true) => None,
                Ok(Ok(_)) => Some("it is not true".to_owned()),
                Ok(Err(error)) => Some(Broken::read(&error, &module.file).to_string()),
                Err(_) => Some("the evaluation panicked".to_owned()),
            };
            trials.push(Trial { file: module.file.clone(), rule: rule.to_owned(), failure });
        }
    }
    Ok((trials, engine))
}

/// Finds the rules whose names begin with `test_`: a rule begins at the begin of a line.
fn test_rules(text: &str) -> Vec<&str> {
    let name = |line: &'_ str| line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(line.len());
    let mut rules: Vec<&str> =
        text.lines().filter(|line| line.starts_with("test_")).map(|line| &line[..name(line)]).collect();
    // A rule with several bodies is one rule.
    rules.dedup();
    rules
}

/// Refuses sources of which a test fails.
///
/// # Errors
/// Names the first that failed, and when a file cannot be compiled.
pub fn first_failure(sources: &Sources) -> Result<(), Broken> {
    if sources.tests.is_empty() {
        return Ok(());
    }
    let failed = run(sources)?.into_iter().find_map(|trial| Some((trial.file, trial.rule, trial.failure?)));
    match failed {
        Some((file, rule, failure)) => Err(Broken::file(file, format!("{rule}: {failure}"))),
        None => Ok(()),
    }
}
