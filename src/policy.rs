//! What the operator forbids or requires, in Rego: the policies that are in force now, the questions to them, and how others
//! take their place. The files that come with Keymaker are in `policies/`; docs/policies.md is for operators.

mod answer;
mod broken;
mod data;
mod engine;
mod policies;
mod samples;
mod sources;
#[cfg(test)]
mod tests;
mod trial;
pub mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::{
    config,
    domain::{
        policy::{Answer, Question, Requirement, Violations},
        refusal::Refusal,
    },
    error::{Error, Result},
};

pub use broken::Broken;
pub use policies::Policies;
use sources::{Fingerprint, Sources};

/// The policies in force. They are replaced as a whole: every question is answered by the old ones or by the new ones.
pub struct Policy {
    config: config::Policy,
    current: RwLock<Arc<Policies>>,
    last: Mutex<Last>,
}

/// What came of the last attempt to load.
struct Last {
    fingerprint: Fingerprint,
    is_good: bool,
}

impl Policy {
    /// Compiles what the configuration names.
    ///
    /// # Errors
    /// When a file cannot be read, compiled or evaluated.
    pub fn load(config: &config::Policy) -> Result<Self, Broken> {
        // Looked at before they are read: what changes in between is read again.
        let fingerprint = Fingerprint::take(config);
        let current = RwLock::new(Arc::new(Policies::compile(config)?));
        Ok(Self { config: config.clone(), current, last: Mutex::new(Last { fingerprint, is_good: true }) })
    }

    fn current(&self) -> Arc<Policies> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and leaves to the caller what to make of the answer.
    ///
    /// # Errors
    /// When a rule cannot be evaluated: nothing is allowed then (INV-07).
    pub fn ask(&self, question: &Question<'_>) -> Result<Answer> {
        let decision = question.decision();
        let answer = self.current().ask(question);
        let result = match &answer {
            Ok(answer) if answer.violations.is_empty() => "allowed",
            Ok(_) => "refused",
            Err(_) => "failed",
        };
        metrics::counter!("keymaker_policy_questions_total", "decision" => decision.as_str(), "result" => result)
            .increment(1);
        answer.map_err(|broken| {
            tracing::error!(%decision, place = %broken.place(), "a policy cannot be evaluated, so nothing is allowed");
            Error::Internal("a policy cannot be evaluated")
        })
    }

    /// Refuses what a rule forbids; gives what the rules require of a login.
    ///
    /// # Errors
    /// `Refusal::Policy`, and as `ask`.
    pub fn check(&self, question: &Question<'_>) -> Result<Option<Requirement>> {
        let Answer { violations: list, require } = self.ask(question)?;
        if list.is_empty() {
            return Ok(require);
        }
        let decision = question.decision();
        let codes: Vec<&str> = list.iter().map(|violation| &*violation.code).collect();
        tracing::info!(%decision, ?codes, "refused by policy");
        Err(Refusal::Policy(Violations { decision, list }).into())
    }

    /// Tells whether a file has changed since the last attempt to load.
    pub fn has_changed(&self) -> bool {
        Fingerprint::take(&self.config) != self.last().fingerprint
    }

    /// Reads, compiles and tests the files again, beside what is in force, and puts them into force when all is well.
    ///
    /// # Errors
    /// When a file cannot be read, compiled or evaluated, or a test of the operator's fails; the policies from before stay.
    pub fn reload(&self) -> Result<(), Broken> {
        let mut last = self.last();
        last.fingerprint = Fingerprint::take(&self.config);
        let result = Sources::read(&self.config).and_then(|sources| {
            let policies = Policies::of(&sources)?;
            trial::first_failure(&sources)?;
            Ok(policies)
        });
        last.is_good = result.is_ok();
        let result = result.map(|policies| {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(policies);
        });
        drop(last);
        let word = if result.is_ok() { "good" } else { "broken" };
        metrics::counter!("keymaker_policy_reloads_total", "result" => word).increment(1);
        self.tell_state();
        match &result {
            Ok(()) => tracing::info!("changed policies are in force"),
            Err(broken) => {
                let (place, reason) = (broken.place(), broken.reason());
                tracing::error!(%place, reason, "changed policies cannot be used; those from before stay in force");
            }
        }
        result
    }

    /// Writes the gauge that tells whether what is in force is what the files say.
    pub fn tell_state(&self) {
        metrics::gauge!("keymaker_policy_is_current").set(if self.last().is_good { 1.0 } else { 0.0 });
    }
}
