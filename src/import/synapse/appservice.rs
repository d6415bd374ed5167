//! The application services of a Synapse: bridges and bots, whose users are theirs and not people.

use std::collections::HashSet;
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::config::{ConfigError, read_yaml};
use super::rows::Origin;

/// What the registration files say about users.
#[derive(Default)]
pub struct AppServices {
    senders: HashSet<String>,
    namespaces: Vec<Namespace>,
    /// Expressions that Python may understand and we do not, each with its file.
    pub unreadable: Vec<String>,
}

struct Namespace {
    expression: Validator,
    is_exclusive: bool,
}

impl AppServices {
    /// Reads a registration file and adds what it says.
    ///
    /// # Errors
    /// When it cannot be read; Synapse would not start with it either.
    pub fn add(&mut self, file: &Path, server_name: &str) -> Result<(), ConfigError> {
        let registration = read_yaml(file)?;
        if let Some(sender) = registration["sender_localpart"].as_str() {
            self.senders.insert(format!("@{sender}:{server_name}"));
        }
        for namespace in registration["namespaces"]["users"].as_array().into_iter().flatten() {
            let Some(text) = namespace["regex"].as_str() else { continue };
            match expression(text) {
                Some(expression) => self
                    .namespaces
                    .push(Namespace { expression, is_exclusive: namespace["exclusive"].as_bool().unwrap_or(false) }),
                None => self.unreadable.push(format!("{text} in {}", file.display())),
            }
        }
        Ok(())
    }

    /// Tells whether a user is theirs whom Synapse has not put down as such.
    ///
    /// Synapse does that only in exclusive namespaces. But a namespace that is not exclusive may well name everybody, for
    /// bridges that speak in people's own name, and says nothing about somebody who comes from elsewhere.
    pub fn own(&self, user_id: &str, origin: Origin) -> bool {
        let can_be_theirs = |namespace: &&Namespace| namespace.is_exclusive || origin == Origin::AppService;
        let subject = || Value::from(user_id);
        origin != Origin::Person
            && (self.senders.contains(user_id)
                || self.namespaces.iter().filter(can_be_theirs).any(|one| one.expression.is_valid(&subject())))
    }
}

/// Compiles an expression that is matched from the beginning, as Python's `re.match` does it. JSON Schema's expressions
/// know what Python's do, looking around included, and never run for ever.
fn expression(text: &str) -> Option<Validator> {
    jsonschema::validator_for(&json!({ "pattern": format!("^(?:{text})") })).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services(users: &str) -> AppServices {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("sender_localpart: thebot\nnamespaces:\n  users: {users}\n")).unwrap();
        let mut services = AppServices::default();
        services.add(file.path(), "hs.test").unwrap();
        services
    }

    #[test]
    fn bridges_own_whom_they_registered_and_people_own_themselves() {
        use Origin::{AppService, Person, Unknown};
        let services = services(
            r#"[{regex: "@irc_.*:hs\\.test", exclusive: true}, {regex: "@(?!admin).*:hs\\.test", exclusive: false}]"#,
        );
        for (name, origin, expected) in [
            ("@irc_bob:hs.test", Unknown, true),
            ("@irc_bob:hs.test", AppService, true),
            ("@irc_bob:hs.test", Person, false),
            ("@bob:hs.test", AppService, true),
            ("@bob:hs.test", Unknown, false),
            ("@bob:hs.test", Person, false),
            ("@admin:hs.test", AppService, false),
            ("x@irc_bob:hs.test", AppService, false),
            ("@thebot:hs.test", Unknown, true),
            ("@thebot:hs.test", Person, false),
        ] {
            assert_eq!(services.own(name, origin), expected, "{name} {origin:?}");
        }
    }

    #[test]
    fn an_expression_is_matched_as_python_does_or_told() {
        let services = services(r#"[{regex: "@a|@b", exclusive: true}, {regex: "@(", exclusive: true}]"#);
        assert!(services.own("@anna:hs.test", Origin::Unknown));
        assert!(services.own("@bea:hs.test", Origin::Unknown));
        assert!(!services.own("@c@b:hs.test", Origin::Unknown));
        assert_eq!(services.unreadable.len(), 1);
        assert!(services.unreadable[0].starts_with("@( in /"));
    }
}
