//! The section `policy`: the data that the policies read, and the operator's own rules.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Config, Problems, order::as_declared};
use crate::{domain::policy::Decision, policy::Policies};

/// Policies.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Policy>)]
pub struct Policy {
    /// What the rules go by: lists of names, addresses, hosts and networks, and limits. Without any, nothing is refused but
    /// administration for those who are no administrators. Rules of your own can read sections with names of your own.
    #[schemars(example = json!({ "registration": { "reserved_usernames": { "literals": ["admin", "root"] } } }))]
    pub data: Map<String, Value>,

    /// A file with more of such sections, in YAML or JSON. The server notices when it changes.
    #[schemars(example = &"policy-data.yaml")]
    pub data_file: Option<PathBuf>,

    /// Your own rules: Rego files, or folders of them. A file whose package is one of ours adds to our rules; files that end
    /// in `_test.rego` hold their tests. The server notices when a file changes, and puts the new rules into force when they
    /// compile and their tests pass.
    #[schemars(example = json!(["policies"]))]
    pub files: Vec<PathBuf>,

    /// The decisions whose rules of ours are left out, because yours take their place.
    #[schemars(example = json!(["register"]))]
    pub replace: Vec<Decision>,
}

impl Policy {
    /// Lets relative paths begin in the folder of the configuration file.
    pub fn begin_in(&mut self, base: &Path) {
        for path in self.files.iter_mut().chain(&mut self.data_file) {
            *path = base.join(&*path);
        }
    }
}

/// Whoever replaces nothing and says nothing has our own rules, which are tested.
pub fn check(config: &Config, problems: &mut Problems) {
    let policy = &config.policy;
    let is_ours = policy.data.is_empty() && policy.data_file.is_none();
    if is_ours && policy.files.is_empty() && policy.replace.is_empty() {
        return;
    }
    if let Err(broken) = Policies::compile(policy) {
        problems.add(broken.key(), broken.to_string());
    }
}
