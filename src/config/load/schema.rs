//! The schema of the configuration and what it refuses: unknown keys, missing keys, wrong types and forms.
//! JSON Schema is the derivation of the structs; only the wording of a refusal is made here.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::{Location, LocationSegment};
use jsonschema::{JsonType, ValidationError, Validator};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::super::{Config, Mailbox, Network, Problems, RateLimit, WebUrl};

/// Returns the schema of the whole configuration, without references, so that a path in it is a path in the settings.
pub fn of_config() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Config>().to_value()
}

/// Returns the schema of a key of a section, or of the entries of a list when the key is a number.
pub fn property<'a>(schema: &'a Value, key: &str) -> Option<&'a Value> {
    let named = || schema.get("properties")?.get(key);
    let entry = || key.parse::<usize>().ok().and_then(|_| schema.get("items"));
    named().or_else(entry)
}

/// Tells whether a schema wants text.
pub fn is_text(schema: &Value) -> bool {
    match schema.get("type") {
        Some(Value::String(kind)) => kind == "string",
        // What is a word or a section is read as YAML, which has both.
        Some(Value::Array(kinds)) => {
            kinds.iter().any(|kind| kind == "string") && !kinds.iter().any(|kind| kind == "object")
        }
        // A choice between words.
        _ => true,
    }
}

/// Takes a known key without a value for absent, as in a section whose every key is commented out.
pub fn drop_nulls(settings: &mut Value, schema: &Value) {
    match settings {
        Value::Object(map) => {
            map.retain(|key, value| !value.is_null() || property(schema, key).is_none());
            for (key, value) in map {
                if let Some(schema) = property(schema, key) {
                    drop_nulls(value, schema);
                }
            }
        }
        Value::Array(list) => {
            if let Some(schema) = schema.get("items") {
                list.iter_mut().for_each(|value| drop_nulls(value, schema));
            }
        }
        _ => {}
    }
}

/// Tells everything that the schema refuses and cuts it out of the settings.
pub fn keep_valid(settings: &mut Value, schema: &Value, problems: &mut Problems) {
    let validator = validator(schema);
    let mut first = true;
    loop {
        let mut cuts = Vec::new();
        for error in validator.iter_errors(settings) {
            if first {
                tell(&error, schema, problems);
            }
            cuts.extend(places(&error));
        }
        // Without a key that it needs, the section around it is refused in the next round, without a word.
        let cut = cuts.iter().filter(|place| cut(settings, place)).count();
        if cut == 0 {
            return;
        }
        first = false;
    }
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .with_format(WebUrl::FORMAT, |text: &str| WebUrl::try_from(text.to_owned()).is_ok())
        .with_format(Network::FORMAT, |text: &str| Network::try_from(text.to_owned()).is_ok())
        .with_format(Mailbox::FORMAT, |text: &str| Mailbox::try_from(text.to_owned()).is_ok())
        .build(schema)
        .expect("the schema is derived from the structs")
}

fn tell(error: &ValidationError<'_>, schema: &Value, problems: &mut Problems) {
    let place = error.instance_path();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for key in unexpected {
                let message = match suggestion(schema, place, key) {
                    Some(right) => format!("unknown key; did you mean \"{right}\"?"),
                    None => "unknown key".to_owned(),
                };
                problems.add(dotted(&place.join(key.as_str())), message);
            }
        }
        ValidationErrorKind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            problems.add(dotted(&place.join(key)), "is required");
        }
        kind => problems.add(dotted(place), wording(kind, error.instance())),
    }
}

/// Says what would be right. The value itself is never quoted: any of them may be a secret in the wrong place.
fn wording(kind: &ValidationErrorKind, found: &Value) -> String {
    match kind {
        ValidationErrorKind::Type { kind } => {
            let expected = expected(kind);
            let found = kind_of(found);
            let hint = match (expected, found) {
                ("text", "a number" | "a boolean") => ": put it in quotes",
                _ => "",
            };
            format!("must be {expected}, not {found}{hint}")
        }
        ValidationErrorKind::Enum { options } => choice(options.as_array().into_iter().flatten()),
        ValidationErrorKind::OneOfNotValid { context } => {
            choice(context.iter().flatten().filter_map(|error| match error.kind() {
                ValidationErrorKind::Constant { expected_value } => Some(&**expected_value),
                _ => None,
            }))
        }
        // A key that may be left out: what is wrong is not that it is there.
        ValidationErrorKind::AnyOf { context } => {
            let wrong =
                context.iter().flatten().find(|error| !matches!(error.kind(), ValidationErrorKind::Type { .. }));
            wrong.map_or_else(|| NOT_VALID.to_owned(), |error| wording(error.kind(), error.instance()))
        }
        ValidationErrorKind::Format { format } if format == WebUrl::FORMAT => {
            "must be a URL that starts with http:// or https:// and names no user".to_owned()
        }
        ValidationErrorKind::Format { format } if format == Network::FORMAT => {
            "must be a network such as 10.0.0.0/8 or fd00::/8, or an address".to_owned()
        }
        ValidationErrorKind::Format { format } if format == Mailbox::FORMAT => {
            "must be an e-mail address, or a name and an address such as \"Example Chat\" <no-reply@example.com>"
                .to_owned()
        }
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::Pattern { pattern } if pattern == RateLimit::OFF => {
            "must be { burst: …, per_second: … }, or the word off".to_owned()
        }
        ValidationErrorKind::MinLength { .. } => "must not be empty".to_owned(),
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
        _ => NOT_VALID.to_owned(),
    }
}

const NOT_VALID: &str = "is not valid here";

fn expected(kind: &TypeKind) -> &'static str {
    let wanted = match kind {
        TypeKind::Single(wanted) => Some(*wanted),
        TypeKind::Multiple(wanted) => wanted.iter().find(|wanted| *wanted != JsonType::Null),
    };
    match wanted {
        Some(JsonType::String) => "text",
        Some(JsonType::Boolean) => "true or false",
        Some(JsonType::Integer) => "a whole number",
        Some(JsonType::Number) => "a number",
        Some(JsonType::Array) => "a list",
        Some(JsonType::Object) => "a section with keys",
        Some(JsonType::Null) | None => "empty",
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a section with keys",
    }
}

fn choice<'a>(options: impl Iterator<Item = &'a Value>) -> String {
    let options: Vec<String> = options.map(Value::to_string).collect();
    format!("must be one of {}", options.join(", "))
}

/// Finds the key that was meant: one of the same section that is spelt alike, or the same one in another section.
fn suggestion(schema: &Value, place: &Location, key: &str) -> Option<String> {
    let section = place.segments().try_fold(schema, |schema, segment| property(schema, &segment.to_string()))?;
    let likeness = |known: &str| strsim::normalized_damerau_levenshtein(known, key);
    let near = section
        .get("properties")?
        .as_object()?
        .keys()
        .filter(|known| likeness(known) >= 0.6)
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    near.cloned().or_else(|| elsewhere(schema, key, ""))
}

fn elsewhere(schema: &Value, key: &str, prefix: &str) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    if !prefix.is_empty() && properties.contains_key(key) {
        return Some(format!("{prefix}{key}"));
    }
    properties.iter().find_map(|(name, section)| elsewhere(section, key, &format!("{prefix}{name}.")))
}

/// Returns where the settings must be cut so that what the schema refused is gone.
fn places(error: &ValidationError<'_>) -> Vec<Location> {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            unexpected.iter().map(|key| error.instance_path().join(key.as_str())).collect()
        }
        _ => vec![error.instance_path().clone()],
    }
}

/// Removes the innermost named key on the way to a place. An entry takes its list with it, lest the others renumber.
fn cut(settings: &mut Value, place: &Location) -> bool {
    let mut path: Vec<_> = place.segments().collect();
    while let Some(LocationSegment::Index(_)) = path.last() {
        path.pop();
    }
    let Some(key) = path.pop() else { return false };
    let section = path.iter().try_fold(settings, |value, segment| match segment {
        LocationSegment::Property(name) => value.get_mut(&**name),
        LocationSegment::Index(index) => value.get_mut(index),
    });
    section.and_then(Value::as_object_mut).and_then(|section| section.remove(&key.to_string())).is_some()
}

fn dotted(place: &Location) -> String {
    let mut dotted = String::new();
    for segment in place.segments() {
        match segment {
            LocationSegment::Index(index) => dotted.push_str(&format!("[{index}]")),
            LocationSegment::Property(name) if dotted.is_empty() => dotted.push_str(&name),
            LocationSegment::Property(name) => dotted.push_str(&format!(".{name}")),
        }
    }
    dotted
}
