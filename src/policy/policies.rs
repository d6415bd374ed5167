//! A set of policies that is compiled and ready: ours, the operator's, and the data that both read.

use std::panic::{AssertUnwindSafe, catch_unwind};

use regorus::{Engine, Value};
use url::Url;

use super::{Broken, answer, engine, samples, sources::Sources};
use crate::{
    config,
    domain::policy::{Answer, Decision, Question},
};

/// The compiled policies.
pub struct Policies {
    engine: Engine,
}

impl Policies {
    /// Reads and compiles what the configuration names, and tries it on one question of each kind.
    ///
    /// # Errors
    /// When a file cannot be read, compiled or evaluated.
    pub fn compile(config: &config::Policy) -> Result<Self, Broken> {
        Self::of(&Sources::read(config)?)
    }

    /// Compiles sources, without their tests, and tries them on one question of each kind.
    ///
    /// # Errors
    /// When one cannot be compiled or evaluated, or the rules of a decision are missing.
    pub fn of(sources: &Sources) -> Result<Self, Broken> {
        let modules: Vec<_> = sources.modules.iter().collect();
        let (engine, packages) = engine::compile(&modules, &sources.data)?;
        for decision in Decision::ALL {
            for rule in rules(decision) {
                let is_there = modules.iter().zip(&packages).any(|(module, package)| {
                    *package == format!("data.{decision}")
                        && engine.has_declared_rule_rooted_at(&module.file, rule).unwrap_or_default()
                });
                if !is_there {
                    return Err(Broken::file(format!("package {decision}"), format!("has no rule `{rule}`")));
                }
            }
        }
        let policies = Self { engine };
        // A function that does not exist, or a rule that gives something else than an answer, is only found by asking.
        for (decision, input) in samples::all() {
            policies.decide(decision, input)?;
        }
        Ok(policies)
    }

    /// Answers a question.
    ///
    /// # Errors
    /// When a rule cannot be evaluated, or answers something else than it may.
    pub fn ask(&self, question: &Question<'_>) -> Result<Answer, Broken> {
        let input = serde_json::to_value(question).map_err(|error| Broken::file("input", error))?;
        self.decide(question.decision(), input)
    }

    /// Decides about an input.
    ///
    /// # Errors
    /// As `ask`.
    pub fn decide(&self, decision: Decision, mut input: serde_json::Value) -> Result<Answer, Broken> {
        if decision == Decision::ClientRegistration {
            add_hosts(&mut input);
        }
        let mut engine = self.engine.clone();
        engine.set_input(Value::from(input));
        let violations = answer::violations(decision, evaluate(&mut engine, decision, "violation")?)?;
        let require = match decision {
            Decision::Login => answer::requirement(evaluate(&mut engine, decision, "require")?)?,
            _ => None,
        };
        Ok(Answer { violations, require })
    }
}

/// Names the rules that are asked.
fn rules(decision: Decision) -> &'static [&'static str] {
    match decision {
        Decision::Login => &["violation", "require"],
        _ => &["violation"],
    }
}

/// INV-13: a bug of the engine ends one question, and nothing else.
fn evaluate(engine: &mut Engine, decision: Decision, rule: &str) -> Result<Value, Broken> {
    let path = format!("data.{decision}.{rule}");
    let evaluated = catch_unwind(AssertUnwindSafe(|| engine.eval_rule(path)));
    let file = format!("package {decision}");
    match evaluated {
        Ok(result) => result.map_err(|error| Broken::read(&error, &file)),
        Err(_) => Err(Broken::file(file, "the evaluation panicked")),
    }
}

/// Adds the hosts of a client's addresses, as our own parser reads them: a rule that took them out of the text by itself
/// could be led astray.
fn add_hosts(input: &mut serde_json::Value) {
    let host =
        |uri: &serde_json::Value| Some(Url::parse(uri.as_str()?).ok()?.host_str()?.trim_end_matches('.').to_owned());
    let metadata = &input["client_metadata"];
    let redirect_uris = metadata["redirect_uris"].as_array().into_iter().flatten();
    let mut hosts = serde_json::json!({ "redirect_uris": redirect_uris.filter_map(host).collect::<Vec<_>>() });
    if let Some(client_uri) = host(&metadata["client_uri"]) {
        hosts["client_uri"] = client_uri.into();
    }
    if let Some(input) = input.as_object_mut() {
        input.insert("hosts".to_owned(), hosts);
    }
}
