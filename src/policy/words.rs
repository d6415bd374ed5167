//! What `keymaker policy …` says: what is loaded, which tests pass, and an answer in words.

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use super::{
    Broken, Policies,
    sources::{self, Sources},
    trial::{self, Trial},
};
use crate::{
    config,
    domain::{
        policy::{Answer, Decision},
        time::HOUR,
    },
};

/// Says what is loaded.
///
/// # Errors
/// When something cannot be loaded.
pub fn overview(config: &config::Policy) -> Result<String, Broken> {
    let sources = Sources::read(config)?;
    Policies::of(&sources)?;
    let mut text = String::from("The policies can be used.\n");
    for module in &sources.modules {
        let _ = writeln!(text, "  rules  {}", module.file);
    }
    for module in &sources.tests {
        let _ = writeln!(text, "  tests  {}", module.file);
    }
    for name in sources.data.keys() {
        let _ = writeln!(text, "  data   {name}");
    }
    for decision in &config.replace {
        let _ = writeln!(text, "  The rules of {decision} that come with Keymaker are left out.");
    }
    Ok(text.trim_end().to_owned())
}

/// Runs the tests that come with Keymaker and the operator's; says which passed, and tells whether all did.
///
/// # Errors
/// When something cannot be compiled.
pub fn tests(config: &config::Policy) -> Result<(String, bool), Broken> {
    // Our tests judge our rules alone: an operator's rules and data would change the answers.
    let mut trials = trial::run(&sources::ours())?;
    trials.extend(trial::run(&Sources::read(config)?)?);
    let mut text = String::new();
    for Trial { file, rule, failure } in &trials {
        let _ = match failure {
            None => writeln!(text, "passed  {file}  {rule}"),
            Some(why) => writeln!(text, "FAILED  {file}  {rule}: {why}"),
        };
    }
    let failed = trials.iter().filter(|trial| trial.failure.is_some()).count();
    let _ = write!(text, "{} passed, {failed} failed", trials.len() - failed);
    Ok((text, failed == 0))
}

/// Says an answer.
pub fn answer(decision: Decision, answer: &Answer) -> String {
    let mut text = match (answer.violations.is_empty(), &answer.require) {
        (false, _) => format!("{decision}: refused\n"),
        (true, Some(_)) => format!("{decision}: allowed, with a condition\n"),
        (true, None) => format!("{decision}: allowed\n"),
    };
    for violation in &answer.violations {
        let field = violation.field.as_ref().map(|field| format!(" [{field}]")).unwrap_or_default();
        let _ = writeln!(text, "  {}{field}: {}", violation.code, violation.msg);
    }
    if let Some(require) = &answer.require {
        let mut wanted = Vec::new();
        wanted.extend(require.acr.map(|acr| format!("a login of the class {}", acr.as_str())));
        #[allow(clippy::cast_precision_loss, reason = "hours of a sensible size")]
        wanted.extend(require.max_age.map(|age| format!("a login not older than {} hours", age as f64 / HOUR as f64)));
        wanted.extend(require.again.then(|| "a new login from where the person is now".to_owned()));
        let _ = writeln!(text, "  {}: {}", require.codes.join(", "), wanted.join(" and "));
    }
    text.trim_end().to_owned()
}

/// Asks the same question often, and gives how long one answer takes at the median.
///
/// # Errors
/// As `Policies::decide`.
pub fn measure(
    policies: &Policies,
    decision: Decision,
    input: &serde_json::Value,
    times: usize,
) -> Result<Duration, Broken> {
    let mut taken = Vec::with_capacity(times);
    for _ in 0..times {
        let input = input.clone();
        let begun = Instant::now();
        policies.decide(decision, input)?;
        taken.push(begun.elapsed());
    }
    taken.sort_unstable();
    Ok(taken.get(times / 2).copied().unwrap_or_default())
}
