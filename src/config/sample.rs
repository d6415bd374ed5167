//! The annotated sample and the reference page, both made from the schema and so from the structs' doc comments.

use serde_json::{Value, json};

use super::generated::generated_secrets;
use super::load::of_config;
use super::order::ORDER;
use super::{Mailbox, Network, RateLimit, WebUrl};

/// The length of a line of comment, without its indentation.
const WIDTH: usize = 96;

/// Returns the annotated YAML of a new installation, with secrets of its own, that is valid as it is.
pub fn sample() -> String {
    let secrets = generated_secrets();
    let settings = json!({
        "matrix": { "kind": "none", "homeserver": "localhost", "secret": secrets.matrix_secret },
        "secrets": { "encryption": secrets.encryption, "keys": [{ "key": secrets.rs256 }] },
    });
    let mut lines = comment(SAMPLE_INTRODUCTION);
    lines.push(String::new());
    lines.extend(section(&of_config(), &settings));
    lines.join("\n") + "\n"
}

const SAMPLE_INTRODUCTION: &str = "\
The configuration of Keymaker, ready to try on this machine. What to change for a real server: `http.public_base`, \
`database.uri` and the whole of `matrix`. The secrets were made for this file: let nobody else read it.\n\n\
A key without `#` shows the value that holds, a key behind `#` an example. Every key can also be set in the environment, where \
it wins over this file: KEYMAKER__HTTP__PUBLIC_BASE=https://auth.example.com/. Paths start at the directory of this file. \
`keymaker config check` lists everything that is wrong.";

/// Returns the reference page in Markdown.
pub fn reference() -> String {
    let mut page = REFERENCE_INTRODUCTION.to_owned();
    let schema = of_config();
    for (key, section) in keys(&schema) {
        page.push_str(&format!("\n## {key}\n\n{}\n", description(section)));
        let prefix = if is_section(section) { key.to_owned() } else { format!("{key}[]") };
        page.push_str(&entries(section, &prefix));
    }
    page
}

const REFERENCE_INTRODUCTION: &str = "\
# Configuration

This page is generated from the source; `keymaker config generate` prints the same as an annotated file.

Keymaker reads one YAML file, named by `--config FILE` or `KEYMAKER_CONFIG`. An unknown key is an error, and so is a value
of the wrong type; `keymaker config check` lists everything that is wrong. Without a file, `keymaker server` starts for
development.

Every key can be set in the environment, where it wins over the file: `KEYMAKER__`, then the path in capitals with two
underscores between its parts, and the number of the entry, from 0, where there is a list. So
`KEYMAKER__CLIENTS__0__CLIENT_SECRET` is the secret of the first client. A list can also be given whole, as YAML.

A secret stands in the file, in the environment, or in a file of its own that the key ending in `_file` names; a line break at
the end of that file does not count. Relative paths start at the directory of the configuration file.
";

/// Describes the keys of a section, or those of each entry of a list.
fn entries(schema: &Value, prefix: &str) -> String {
    let schema = schema.get("items").unwrap_or(schema);
    let required =
        |key: &str| schema["required"].as_array().is_some_and(|keys| keys.iter().any(|required| required == key));
    let mut text = String::new();
    for (key, schema) in keys(schema) {
        let path = format!("{prefix}.{key}");
        if is_section(schema) {
            text.push_str(&entries(schema, &path));
            continue;
        }
        let mut facts = vec![form(schema).to_owned()];
        if required(key) {
            facts.push("required".to_owned());
        }
        if let Some(default) = default(schema) {
            facts.push(format!("default `{}`", flow(default)));
        }
        let facts = facts.join("; ");
        text.push_str(&format!("\n### {path}\n\n*{facts}*\n\n{}\n", description(schema)));
        for (index, (word, meaning)) in choices(schema).into_iter().enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            text.push_str(&format!("{gap}- `{word}`: {meaning}\n"));
        }
        if schema["format"] != RateLimit::FORMAT {
            text.push_str(&entries(schema, &format!("{path}[]")));
        }
    }
    text
}

fn form(schema: &Value) -> &'static str {
    let kind = match &schema["type"] {
        Value::Array(kinds) => kinds.first().and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match (kind, schema["format"].as_str()) {
        (Some("boolean"), _) => "true or false",
        (Some("integer"), _) => "whole number",
        (Some("array"), _) if schema["items"]["format"] == Network::FORMAT => "list of networks",
        (Some("array"), _) => "list",
        (Some("object"), _) => "names with their values",
        (_, Some(WebUrl::FORMAT)) => "URL",
        (_, Some(Mailbox::FORMAT)) => "e-mail address",
        (_, Some(RateLimit::FORMAT)) => "limit",
        (_, Some("password")) => "secret",
        _ if !choices(schema).is_empty() => "one of the words below",
        _ => "text",
    }
}

/// Returns the words that a key chooses from and what each of them means.
fn choices(schema: &Value) -> Vec<(&str, String)> {
    let options = schema["oneOf"].as_array().or_else(|| schema["items"]["oneOf"].as_array());
    options.into_iter().flatten().filter_map(|option| Some((option["const"].as_str()?, description(option)))).collect()
}

/// Writes the keys of a section as YAML, those that have no value as comments.
fn section(schema: &Value, values: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for (key, schema) in keys(schema) {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(entry(key, schema, values.get(key)));
    }
    lines
}

fn entry(key: &str, schema: &Value, value: Option<&Value>) -> Vec<String> {
    let example = schema["examples"].get(0);
    let nothing = |value: &&Value| value.as_array().is_some_and(Vec::is_empty);
    let value = value.or_else(|| default(schema));
    let mut text = description(schema);
    for (word, meaning) in choices(schema) {
        text.push_str(&format!("\n\n- {word}: {meaning}"));
    }
    let mut lines = comment(&text);
    match (value.filter(|value| !nothing(value)), example) {
        (Some(value), _) => lines.extend(setting(key, schema, value)),
        (None, Some(example)) => lines.extend(setting(key, schema, example).iter().map(|line| behind_hash(line))),
        (None, None) if is_section(schema) => {
            lines.extend(setting(key, schema, &Value::Object(Default::default())));
        }
        (None, None) => lines.push(format!("{key}: {}", flow(value.unwrap_or(&Value::Null)))),
    }
    lines
}

fn setting(key: &str, schema: &Value, value: &Value) -> Vec<String> {
    let mut lines = vec![format!("{key}:")];
    match value {
        Value::Object(_) if is_section(schema) => lines.extend(indented(section(schema, value))),
        Value::Array(list) if is_section(&schema["items"]) => {
            for entry in list {
                lines.extend(indented(vec!["-".to_owned()]));
                lines.extend(indented(indented(section(&schema["items"], entry))));
            }
        }
        Value::String(text) if text.contains('\n') => {
            lines[0].push_str(" |");
            lines.extend(indented(text.lines().map(str::to_owned).collect()));
        }
        other => lines[0].push_str(&format!(" {}", flow(other))),
    }
    lines
}

fn indented(lines: Vec<String>) -> Vec<String> {
    let indent = |line: String| {
        if line.is_empty() { line } else { format!("  {line}") }
    };
    lines.into_iter().map(indent).collect()
}

fn behind_hash(line: &str) -> String {
    format!("# {line}").trim_end().to_owned()
}

/// Writes a value on one line as JSON, which is YAML too, with a space behind each comma.
fn flow(value: &Value) -> String {
    match value {
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(flow).collect();
            format!("[{}]", list.join(", "))
        }
        Value::Object(map) => {
            let map: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{ {} }}", map.join(", "))
        }
        other => other.to_string(),
    }
}

/// Sets a text as comment lines of a readable length; its paragraphs are parted by empty lines, its points are not.
fn comment(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split("\n\n") {
        if !lines.is_empty() && !paragraph.starts_with("- ") {
            lines.push("#".to_owned());
        }
        let start = if paragraph.starts_with("- ") { "#  " } else { "#" };
        let mut line = "#".to_owned();
        for word in paragraph.split_whitespace() {
            if line.len() + 1 + word.len() > WIDTH {
                lines.push(std::mem::replace(&mut line, start.to_owned()));
            }
            line.push(' ');
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// Returns the keys of a section with their schemas, in the order of the struct.
fn keys(schema: &Value) -> Vec<(&str, &Value)> {
    let order = schema[ORDER].as_array().into_iter().flatten();
    order.filter_map(Value::as_str).map(|key| (key, &schema["properties"][key])).collect()
}

fn is_section(schema: &Value) -> bool {
    schema.get("properties").is_some() && schema["format"] != RateLimit::FORMAT
}

fn default(schema: &Value) -> Option<&Value> {
    schema.get("default").filter(|value| !value.is_null() && !is_section(schema))
}

/// Returns the documentation of a key, one line a paragraph.
fn description(schema: &Value) -> String {
    let text = schema["description"].as_str().unwrap_or_default();
    let paragraphs = text.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    paragraphs.collect::<Vec<_>>().join("\n\n")
}
