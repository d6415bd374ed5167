//! Reads what the rules of a decision give: sets of objects, of which nothing may be missing.

use regorus::Value;
use serde::Deserialize;

use super::Broken;
use crate::domain::{
    amr::Acr,
    policy::{Decision, Requirement, Violation},
    time::HOUR,
};

/// How many rules may speak at once: a person reads them all.
const MOST_RULES: usize = 100;

/// One object of the set `require`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Required {
    code: String,
    acr: Option<Acr>,
    max_age_hours: Option<f64>,
    #[serde(default)]
    again: bool,
}

/// Reads the set `violation`.
pub fn violations(decision: Decision, value: Value) -> Result<Vec<Violation>, Broken> {
    read(value, &format!("{decision}.violation"), "{code, msg} and perhaps `field`")
}

/// Reads the set `require`, and asks for the most that any of its rules asks for.
pub fn requirement(value: Value) -> Result<Option<Requirement>, Broken> {
    let rule = "login.require";
    let all: Vec<Required> = read(value, rule, "{code} and `acr`, `max_age_hours` or `again`")?;
    let mut together = Requirement::default();
    for Required { code, acr, max_age_hours, again } in all {
        together.acr = together.acr.max(acr);
        if let Some(hours) = max_age_hours {
            let max_age =
                milliseconds(hours).ok_or_else(|| Broken::file(rule, "max_age_hours is no number of hours"))?;
            together.max_age = Some(together.max_age.map_or(max_age, |other| other.min(max_age)));
        }
        together.again |= again;
        together.codes.push(code);
    }
    Ok((!together.codes.is_empty()).then_some(together))
}

#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "hours of a sensible size")]
fn milliseconds(hours: f64) -> Option<i64> {
    (hours > 0.0 && hours < 1e6).then_some((hours * HOUR as f64) as i64)
}

/// A rule that says no in a form that nobody understands must not count for a yes.
fn read<T: for<'de> Deserialize<'de>>(value: Value, rule: &str, form: &str) -> Result<Vec<T>, Broken> {
    if value == Value::Undefined {
        return Ok(Vec::new());
    }
    let count = value.as_set().map(|set| set.len()).or_else(|_| value.as_array().map(|list| list.len()));
    if count.is_ok_and(|count| count > MOST_RULES) {
        return Err(Broken::file(rule, format!("has more than {MOST_RULES} entries")));
    }
    let read = serde_json::to_value(&value).and_then(serde_json::from_value::<Vec<T>>);
    read.map_err(|error| Broken::file(rule, format!("must be a set of objects {form}: {error}")))
}
