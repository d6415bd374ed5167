//! The environment over the file: `KEYMAKER__SECTION__KEY=value`, with the number of an entry where the key is a list.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::{Problem, Problems};
use super::schema::{is_text, property};
use super::within;

const PREFIX: &str = "KEYMAKER__";
const SEPARATOR: &str = "__";

/// The settings that came from the environment: the path of each and the name of its variable.
pub type Overlay = Vec<(String, String)>;

/// Puts every variable into the settings at its place, whatever the file says there.
pub fn overlay(
    settings: &mut Value,
    schema: &Value,
    environment: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> Overlay {
    let mut variables: Vec<(Vec<String>, &str, &str)> = environment
        .iter()
        .filter_map(|(name, text)| {
            let path = name.strip_prefix(PREFIX)?.to_lowercase();
            let path = path.split(SEPARATOR).map(str::to_owned).collect();
            Some((path, name.as_str(), text.as_str()))
        })
        .collect();
    // A whole list before its entries, and entry 2 before entry 10: a list grows at its end.
    variables.sort_by_cached_key(|(path, ..)| {
        let order = |segment: &String| (segment.parse::<usize>().ok(), segment.clone());
        path.iter().map(order).collect::<Vec<_>>()
    });

    let mut overlay = Overlay::new();
    for (path, name, text) in &variables {
        let dotted = dotted(path);
        let set_too = |key: &str| {
            let twin = [&path[..path.len() - 1], &[key.to_owned()]].concat();
            variables.iter().any(|(other, ..)| *other == twin)
        };
        let outcome = read(schema, path, text).and_then(|value| {
            put(settings, path, value)?;
            forget_twin(settings, path, set_too);
            Ok(())
        });
        match outcome {
            Ok(()) => overlay.push((dotted, (*name).to_owned())),
            Err(message) => problems.add(dotted, format!("{message} (from {name})")),
        }
    }
    overlay
}

/// Names the variable that a wrong setting came from, for whoever would look for it in the file.
pub fn name_source(problem: &mut Problem, overlay: &Overlay) {
    let source = overlay.iter().filter(|(path, _)| within(path, &problem.path)).max_by_key(|(path, _)| path.len());
    if let Some((_, name)) = source {
        problem.message.push_str(&format!(" (from {name})"));
    }
}

/// Reads a variable as what the schema expects at its path: text stays text even if it looks like a number.
fn read(schema: &Value, path: &[String], text: &str) -> Result<Value, String> {
    let expected = path.iter().try_fold(schema, |schema, segment| property(schema, segment));
    match expected {
        Some(expected) if !is_text(expected) => super::parse(text).map_err(|_| "is not valid YAML".to_owned()),
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn put(settings: &mut Value, path: &[String], value: Value) -> Result<(), String> {
    let Some((segment, rest)) = path.split_first() else {
        *settings = value;
        return Ok(());
    };
    let index = segment.parse::<usize>().ok();
    if settings.is_null() {
        *settings = match index {
            Some(_) => Value::Array(Vec::new()),
            None => Value::Object(Map::new()),
        };
    }
    match (settings, index) {
        (Value::Object(map), _) => put(map.entry(segment).or_insert(Value::Null), rest, value),
        (Value::Array(list), Some(index)) => {
            let next = list.len();
            if index > next {
                return Err(format!("there are {next} entries, so the next one has the number {next}"));
            }
            if index == next {
                list.push(Value::Null);
            }
            put(&mut list[index], rest, value)
        }
        _ => Err("there is no such key here".to_owned()),
    }
}

/// Removes the other spelling of a secret: a variable replaces what the file says, however the file says it.
fn forget_twin(settings: &mut Value, path: &[String], set_too: impl Fn(&str) -> bool) {
    let Some((key, parents)) = path.split_last() else {
        return;
    };
    let twin = match key.strip_suffix("_file") {
        Some(inline) => inline.to_owned(),
        None => format!("{key}_file"),
    };
    let section = parents.iter().try_fold(settings, |value, segment| match value {
        Value::Array(list) => list.get_mut(segment.parse::<usize>().ok()?),
        other => other.get_mut(segment),
    });
    if let Some(Value::Object(section)) = section
        && !set_too(&twin)
    {
        section.remove(&twin);
    }
}

fn dotted(path: &[String]) -> String {
    let mut dotted = String::new();
    for segment in path {
        if segment.parse::<usize>().is_ok() {
            dotted.push_str(&format!("[{segment}]"));
        } else {
            let dot = if dotted.is_empty() { "" } else { "." };
            dotted.push_str(&format!("{dot}{segment}"));
        }
    }
    dotted
}
