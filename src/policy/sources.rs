//! Reads what the policies are made of: our modules, the operator's files, their tests, and the data.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use serde_json::{Map, Value};

use super::{Broken, data};
use crate::config;

/// A file of rules, with its text.
#[derive(Clone, Debug)]
pub struct Module {
    pub file: String,
    pub text: String,
}

/// Everything that is compiled together.
pub struct Sources {
    pub modules: Vec<Module>,
    pub tests: Vec<Module>,
    pub data: Map<String, Value>,
}

/// The modules that come with Keymaker and their tests, by the name of their package.
macro_rules! ours {
    ($($name:literal)*) => {
        const OURS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../policies/", $name, ".rego")))),*];
    };
}

ours! {
    "matching" "register" "client_registration" "authorization_grant" "compat_login" "email" "password" "login"
}

macro_rules! our_tests {
    ($($name:literal)*) => {
        const OUR_TESTS: &[(&str, &str)] =
            &[$((concat!($name, "_test"), include_str!(concat!("../../policies/", $name, "_test.rego")))),*];
    };
}

our_tests! {
    "register" "client_registration" "authorization_grant" "compat_login" "email" "password" "login"
}

/// Gives the modules that come with Keymaker, without any data, and with their tests.
pub fn ours() -> Sources {
    Sources { modules: modules(OURS), tests: modules(OUR_TESTS), data: Map::new() }
}

fn modules(list: &[(&str, &str)]) -> Vec<Module> {
    list.iter().map(|(name, text)| Module { file: format!("policies/{name}.rego"), text: (*text).to_owned() }).collect()
}

impl Sources {
    /// Reads everything that the configuration names.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn read(config: &config::Policy) -> Result<Self, Broken> {
        let is_kept = |name: &str| !config.replace.iter().any(|decision| decision.as_str() == name);
        let kept: Vec<_> = OURS.iter().copied().filter(|(name, _)| is_kept(name)).collect();
        let mut sources = Self { modules: modules(&kept), tests: Vec::new(), data: data_of(config)? };
        for path in rego_files(config)? {
            let file = path.display().to_string();
            let text = fs::read_to_string(&path).map_err(|error| Broken::file(&file, cannot_be_read(&error)))?;
            let list = if file.ends_with("_test.rego") { &mut sources.tests } else { &mut sources.modules };
            list.push(Module { file, text });
        }
        Ok(sources)
    }
}

fn cannot_be_read(error: &std::io::Error) -> String {
    format!("cannot be read: {error}")
}

fn rego_files(config: &config::Policy) -> Result<Vec<PathBuf>, Broken> {
    let mut files = Vec::new();
    for path in &config.files {
        let broken = |error| Broken::file(path.display().to_string(), cannot_be_read(&error));
        if fs::metadata(path).map_err(broken)?.is_dir() {
            let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(broken)?;
            files.extend(entries.into_iter().map(|entry| entry.path()).filter(|path| is_rego(path)));
        } else {
            files.push(path.clone());
        }
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn is_rego(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rego") && path.is_file()
}

/// Lays the sections of the file beside those of the configuration.
fn data_of(config: &config::Policy) -> Result<Map<String, Value>, Broken> {
    let mut all = data::normalise(config.data.clone(), None)?;
    let Some(path) = &config.data_file else { return Ok(all) };
    let file = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| Broken::data(Some(&file), cannot_be_read(&error)))?;
    let sections = config::parse(&text).map_err(|reason| Broken::data(Some(&file), reason))?;
    let Value::Object(sections) = sections else {
        return Err(Broken::data(Some(&file), "must hold sections such as `registration:`"));
    };
    for (name, section) in data::normalise(sections, Some(&file))? {
        if all.contains_key(&name) {
            return Err(Broken::data(Some(&file), format!("`{name}` is given in the configuration too")));
        }
        all.insert(name, section);
    }
    Ok(all)
}

/// What tells whether anything has changed since: every file with its time and its size. What cannot be seen has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(Vec<(PathBuf, Option<(SystemTime, u64)>)>);

impl Fingerprint {
    /// Looks at the files that the configuration names.
    pub fn take(config: &config::Policy) -> Self {
        // A folder that cannot be read has no files, and gets them back later.
        let files = rego_files(config).unwrap_or_default();
        let files = files.into_iter().chain(config.files.clone()).chain(config.data_file.clone());
        let seen = |path: &PathBuf| {
            let metadata = fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, if metadata.is_dir() { 0 } else { metadata.len() }))
        };
        Self(files.map(|path| (path.clone(), seen(&path))).collect())
    }
}
