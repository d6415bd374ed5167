//! The Rego engine as we use it: bounded in time, and without the functions that could make more than they were given.

use std::{io, num::NonZeroU32, sync::Once, time::Duration};

use regorus::{Engine, Value, utils::limits::ExecutionTimerConfig};
use serde_json::Map;

use super::{Broken, sources::Module};

/// How long one rule may take. It is far more than any sensible rule needs, so that a busy machine refuses nobody.
const PATIENCE: ExecutionTimerConfig =
    ExecutionTimerConfig { limit: Duration::from_millis(500), check_interval: NonZeroU32::new(64).unwrap() };
/// The longest range of numbers.
const MOST_NUMBERS: u64 = 10_000;
/// How many regular expressions are kept compiled; each list of an operator's may have hundreds.
const MOST_PATTERNS: usize = 4096;

/// Makes an engine without any rules.
pub fn new() -> Result<Engine, Broken> {
    static CACHE: Once = Once::new();
    CACHE.call_once(|| {
        regorus::cache::configure(regorus::cache::Config { regex: MOST_PATTERNS, ..Default::default() });
    });
    let mut engine = Engine::new();
    engine.set_execution_timer_config(PATIENCE);
    // What a rule prints would go to the terminal, and may be a password.
    engine.set_gather_prints(true);
    // INV-13: these allocate what they are asked for before any limit is looked at.
    let added = engine
        .add_extension("numbers.range".to_owned(), 2, Box::new(|arguments| Ok(range(&arguments, 1)?)))
        .and_then(|()| {
            let stepped = |arguments: Vec<Value>| Ok(range(&arguments, step(&arguments)?)?);
            engine.add_extension("numbers.range_step".to_owned(), 3, Box::new(stepped))
        })
        .and_then(|()| {
            let refused = |_| Err(io::Error::other("this function is not available here").into());
            engine.add_extension("net.cidr_expand".to_owned(), 1, Box::new(refused))
        });
    added.map_err(|error| Broken::read(&error, "policies"))?;
    Ok(engine)
}

/// Makes an engine of modules and data, and prepares it; its clones are prepared too.
pub fn compile(modules: &[&Module], data: &Map<String, serde_json::Value>) -> Result<(Engine, Vec<String>), Broken> {
    let mut engine = new()?;
    let mut packages = Vec::new();
    for Module { file, text } in modules {
        let package = engine.add_policy(file.clone(), text.clone()).map_err(|error| Broken::read(&error, file))?;
        packages.push(package);
    }
    let data = Value::from(serde_json::Value::Object(data.clone()));
    engine.add_data(data).map_err(|error| Broken::data(None, error))?;
    engine.set_input(Value::new_object());
    // Any query makes the engine analyse all modules.
    engine.eval_query("true".to_owned(), false).map_err(|error| Broken::read(&error, "policies"))?;
    Ok((engine, packages))
}

/// Finds the first of the lists called `regexes` whose text is no regular expression.
pub fn invalid_regex(data: &Map<String, serde_json::Value>) -> Option<String> {
    data.iter().find_map(|(key, value)| match value {
        serde_json::Value::Object(inner) => invalid_regex(inner),
        serde_json::Value::Array(list) if key == "regexes" => list
            .iter()
            .filter_map(serde_json::Value::as_str)
            .find(|text| regex::Regex::new(text).is_err())
            .map(str::to_owned),
        _ => None,
    })
}

fn range(arguments: &[Value], step: u64) -> io::Result<Value> {
    let [first, last] = [number(arguments, 0)?, number(arguments, 1)?];
    if first.abs_diff(last) > MOST_NUMBERS {
        return Err(io::Error::other(format!("a range of more than {MOST_NUMBERS} numbers")));
    }
    let step = usize::try_from(step).map_err(io::Error::other)?;
    let numbers: Vec<Value> = match first <= last {
        true => (first..=last).step_by(step).map(Value::from).collect(),
        false => (last..=first).rev().step_by(step).map(Value::from).collect(),
    };
    Ok(Value::from(numbers))
}

fn step(arguments: &[Value]) -> io::Result<u64> {
    u64::try_from(number(arguments, 2)?)
        .ok()
        .filter(|step| *step > 0)
        .ok_or_else(|| io::Error::other("a step is positive"))
}

fn number(arguments: &[Value], index: usize) -> io::Result<i64> {
    let number = arguments.get(index).and_then(|value| value.as_i64().ok());
    number.ok_or_else(|| io::Error::other("a range is of whole numbers"))
}
