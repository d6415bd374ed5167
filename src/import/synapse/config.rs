//! Synapse's own configuration, as far as a move is concerned with it. All its other keys are its own business.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thiserror::Error;

use crate::config::Sensitive;

use super::{appservice::AppServices, database::Address};

/// Why Synapse's configuration cannot be used, as one sentence without values: any of them may be a secret.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("{} cannot be read: {reason}", .file.display())]
    Unreadable { file: PathBuf, reason: std::io::Error },
    #[error("{} is not valid YAML{place}", .file.display())]
    Broken { file: PathBuf, place: String },
    #[error("there is no server_name in Synapse's configuration; name every file that Synapse is started with")]
    NoServerName,
    #[error("there is no database in Synapse's configuration; name every file that Synapse is started with")]
    NoDatabase,
    #[error(
        "Synapse's configuration names several databases; give the address of the one that holds its \"main\" store with --synapse-database-uri"
    )]
    SeveralDatabases,
    #[error("{0}; give the address with --synapse-database-uri")]
    Database(String),
}

/// What Synapse is told at its start.
pub struct SynapseConfig {
    pub settings: Settings,
    pub server_name: String,
    /// What Synapse appends to every password; empty when it appends nothing.
    pub pepper: Sensitive,
    /// The single sign-on providers, by the names under which `user_external_ids` knows them.
    pub providers: BTreeSet<String>,
    pub appservices: AppServices,
    /// Where relative paths begin.
    folder: PathBuf,
}

impl SynapseConfig {
    /// Reads the files that Synapse is started with. A later one replaces whole sections of an earlier one, as Synapse has
    /// it; of a folder all that ends in `.yaml` is read, in the order of the names.
    ///
    /// # Errors
    /// When a file, or a registration file that one names, cannot be read.
    pub fn load(files: &[PathBuf]) -> Result<Self, ConfigError> {
        let mut settings = Map::new();
        for file in expanded(files)? {
            // What is no section with keys, Synapse ignores too.
            if let Value::Object(more) = read_yaml(&file)? {
                settings.extend(more);
            }
        }
        let settings = Settings(Value::Object(settings));
        let server_name = settings.text("server_name").ok_or(ConfigError::NoServerName)?;
        let first = files.first().map_or(Path::new(""), PathBuf::as_path);
        let folder = if first.is_dir() { first } else { first.parent().unwrap_or(Path::new("")) };
        let mut appservices = AppServices::default();
        for file in settings.list("app_service_config_files").iter().filter_map(Value::as_str) {
            appservices.add(&folder.join(file), &server_name)?;
        }
        Ok(Self {
            pepper: Sensitive::new(settings.text("password_config.pepper").unwrap_or_default()),
            providers: providers(&settings),
            folder: folder.to_owned(),
            settings,
            server_name,
            appservices,
        })
    }

    /// Gives where Synapse's data is.
    ///
    /// # Errors
    /// When the configuration does not name one database that we can reach as well.
    pub fn database(&self) -> Result<Address, ConfigError> {
        let single = self.settings.get("database").or_else(|| self.settings.get("databases").and_then(only));
        let by_path = self.settings.text("database_path");
        match (single, by_path) {
            (Some(database), path) if path.is_none() || database["name"].as_str() == Some("psycopg2") => {
                Address::of_synapse(database, &self.folder).map_err(ConfigError::Database)
            }
            (_, Some(path)) => Ok(Address::Sqlite(self.folder.join(path))),
            _ if self.settings.get("databases").is_some() => Err(ConfigError::SeveralDatabases),
            _ => Err(ConfigError::NoDatabase),
        }
    }
}

/// Gives the value of a map with one key.
fn only(databases: &Value) -> Option<&Value> {
    let databases = databases.as_object()?;
    databases.values().next().filter(|_| databases.len() == 1)
}

/// The settings of all files together.
pub struct Settings(Value);

impl Settings {
    /// Gives what stands at a dotted path, if anything does.
    pub fn get(&self, path: &str) -> Option<&Value> {
        let value = path.split('.').try_fold(&self.0, |value, key| value.get(key))?;
        (!value.is_null()).then_some(value)
    }

    /// Gives text, also where somebody left the quotes away.
    pub fn text(&self, path: &str) -> Option<String> {
        plain(self.get(path)?)
    }

    /// Gives the entries of a list; none where there is no list.
    pub fn list(&self, path: &str) -> &[Value] {
        self.get(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Tells whether Python would take the value for true.
    pub fn is_on(&self, path: &str) -> bool {
        self.get(path).is_some_and(|value| match value {
            Value::Null => false,
            Value::Bool(value) => *value,
            Value::Number(value) => value.as_f64() != Some(0.0),
            Value::String(value) => !value.is_empty(),
            Value::Array(value) => !value.is_empty(),
            Value::Object(value) => !value.is_empty(),
        })
    }

    /// Tells whether a section is there and nothing in it says that it is not enabled.
    pub fn is_enabled_unless_told(&self, section: &str) -> bool {
        self.is_on(section)
            && (self.get(&format!("{section}.enabled")).is_none() || self.is_on(&format!("{section}.enabled")))
    }

    /// Tells whether people may come through SAML: an empty section counts for nothing.
    pub fn has_saml(&self) -> bool {
        let is_filled = self.is_on("saml2_config.sp_config") || self.is_on("saml2_config.config_path");
        self.is_enabled_unless_told("saml2_config") && is_filled
    }

    /// Gives a length of time in seconds: milliseconds as a number, or a number and a letter such as `7d`.
    pub fn seconds(&self, path: &str) -> Option<i64> {
        match self.get(path)? {
            Value::Number(milliseconds) => milliseconds.as_i64().map(|milliseconds| milliseconds / 1000),
            Value::String(text) => {
                let unit = match text.bytes().last()? {
                    b's' => 1,
                    b'm' => 60,
                    b'h' => 3_600,
                    b'd' => 86_400,
                    b'w' => 7 * 86_400,
                    b'y' => 365 * 86_400,
                    _ => return text.parse::<i64>().ok().map(|milliseconds| milliseconds / 1000),
                };
                text[..text.len() - 1].parse::<i64>().ok()?.checked_mul(unit)
            }
            _ => None,
        }
    }
}

/// Gives the text of a plain value.
pub fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// Reads a YAML file as Python does: `yes` and `on` are true, and the last of two equal keys counts.
///
/// # Errors
/// When it cannot be read or is not YAML.
pub fn read_yaml(file: &Path) -> Result<Value, ConfigError> {
    let text =
        std::fs::read_to_string(file).map_err(|reason| ConfigError::Unreadable { file: file.to_owned(), reason })?;
    let last_wins = serde_saphyr::options::DuplicateKeyPolicy::LastWins;
    let options = serde_saphyr::options! { duplicate_keys: last_wins, with_snippet: false, emit_comments: false };
    serde_saphyr::from_str_with_options::<Option<Value>>(&text, options).map(Option::unwrap_or_default).map_err(
        |error| {
            let place = error.location().map(|place| format!(" at line {}, column {}", place.line(), place.column()));
            ConfigError::Broken { file: file.to_owned(), place: place.unwrap_or_default() }
        },
    )
}

fn expanded(files: &[PathBuf]) -> Result<Vec<PathBuf>, ConfigError> {
    let mut all = Vec::new();
    for file in files {
        if !file.is_dir() {
            all.push(file.clone());
            continue;
        }
        let entries = std::fs::read_dir(file);
        let entries = entries.map_err(|reason| ConfigError::Unreadable { file: file.clone(), reason })?;
        let mut inside: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        inside.retain(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "yaml"));
        inside.sort();
        all.extend(inside);
    }
    Ok(all)
}

fn providers(settings: &Settings) -> BTreeSet<String> {
    let mut providers = BTreeSet::new();
    let oidc_config = settings.get("oidc_config").filter(|_| settings.is_on("oidc_config.enabled"));
    for provider in settings.list("oidc_providers").iter().chain(oidc_config) {
        // Synapse puts the prefix before every name but the one that providers had when there could only be one.
        providers.insert(match provider["idp_id"].as_str().unwrap_or("oidc") {
            "oidc" => "oidc".to_owned(),
            id => format!("oidc-{id}"),
        });
    }
    if settings.has_saml() {
        providers.insert("saml".to_owned());
    }
    if settings.is_enabled_unless_told("cas_config") {
        providers.insert("cas".to_owned());
    }
    providers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(texts: &[&str]) -> Result<SynapseConfig, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..texts.len()).map(|index| folder.path().join(format!("{index}.yaml"))).collect();
        for (file, text) in files.iter().zip(texts) {
            std::fs::write(file, text).unwrap();
        }
        SynapseConfig::load(&files)
    }

    #[test]
    fn a_later_file_replaces_whole_sections() {
        let config = load(&[
            "server_name: hs.test\npassword_config: {enabled: yes, pepper: one}\nunknown: [1, {a: b}]",
            "",
            "just text",
            "password_config: {pepper: two}\npassword_config: {pepper: three}",
        ])
        .unwrap();
        assert_eq!((&*config.server_name, config.pepper.expose()), ("hs.test", "three"));
        assert!(!config.settings.is_on("password_config.enabled"));
        assert!(
            load(&["server_name: hs.test\nenable_registration: yes"]).unwrap().settings.is_on("enable_registration")
        );
    }

    #[test]
    fn comments_may_be_as_long_as_those_of_older_samples() {
        let comments = "# more\n".repeat(200);
        let config = load(&[&format!("server_name: hs.test\nlisteners:\n{comments}- port: 1\n")]).unwrap();
        assert_eq!(config.settings.list("listeners").len(), 1);
    }

    #[test]
    fn a_folder_is_read_in_the_order_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in
            [("2.yaml", "server_name: second"), ("1.yaml", "server_name: first\nuser_consent: {}"), ("3.txt", "a: [")]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let config = SynapseConfig::load(&[folder.path().to_owned()]).unwrap();
        assert_eq!(config.server_name, "second");
        assert!(config.settings.get("user_consent").is_some());
    }

    #[test]
    fn providers_have_the_names_of_the_table() {
        let config = load(&["server_name: hs.test
oidc_providers: [{idp_id: google, idp_name: Google}, {idp_id: oidc, idp_name: Old}]
oidc_config: {enabled: false, idp_id: off}
saml2_config: {sp_config: {metadata: {}}}
cas_config: {enabled: false}"])
        .unwrap();
        assert_eq!(Vec::from_iter(config.providers), ["oidc", "oidc-google", "saml"]);
    }

    #[test]
    fn lengths_of_time_are_read_as_synapse_reads_them() {
        let config = load(&["{server_name: hs.test, a: 7d, b: 90000, c: 24h, d: forever, e: '60000'}"]).unwrap();
        let seconds: Vec<_> = ["a", "b", "c", "d", "e"].map(|key| config.settings.seconds(key)).into();
        assert_eq!(seconds, [Some(604_800), Some(90), Some(86_400), None, Some(60)]);
    }

    #[test]
    fn what_cannot_be_used_is_one_sentence_without_values() {
        let missing = SynapseConfig::load(&[PathBuf::from("/nowhere/homeserver.yaml")]).map(|_| ()).unwrap_err();
        assert!(missing.to_string().starts_with("/nowhere/homeserver.yaml cannot be read: No such file"), "{missing}");
        let broken = load(&["server_name: hs.test\nsecret: 'hunter2\nx: ["]).map(|_| ()).unwrap_err().to_string();
        assert!(broken.contains("is not valid YAML at line") && !broken.contains("hunter2"), "{broken}");
        assert!(matches!(load(&["report_stats: false"]), Err(ConfigError::NoServerName)));
        let appservice = load(&["server_name: hs.test\napp_service_config_files: [bridge.yaml]"]).map(|_| ());
        assert!(appservice.unwrap_err().to_string().contains("bridge.yaml cannot be read"));
    }

    #[test]
    fn the_one_database_is_found() {
        let address = |text: &str| load(&[&format!("server_name: hs.test\n{text}")]).unwrap().database();
        let shown = |text: &str| address(text).unwrap().to_string();
        assert!(shown("database: {name: sqlite3, args: {database: here.db}}").ends_with("/here.db"));
        assert_eq!(shown("database_path: /var/x.db"), "the SQLite database /var/x.db");
        let args = "{user: synapse, password: hunter2, dbname: matrix, host: db.example.com, cp_max: 10}";
        assert_eq!(
            shown(&format!("database: {{name: psycopg2, args: {args}}}")),
            "the PostgreSQL database matrix at db.example.com:5432"
        );
        let one = "{name: psycopg2, args: {database: a, host: /run/pg, port: '5433'}}";
        assert_eq!(shown(&format!("databases: {{master: {one}}}")), "the PostgreSQL database a at /run/pg:5433");
        let two = address(&format!("databases: {{main: {one}, state: {one}}}"));
        assert!(matches!(two, Err(ConfigError::SeveralDatabases)));
        assert!(matches!(address(""), Err(ConfigError::NoDatabase)));
        for (text, words) in [
            ("database: {name: mysql}", "neither sqlite3 nor psycopg2"),
            ("database: {name: sqlite3, args: {database: ':memory:'}}", "memory"),
            ("database: {name: psycopg2, args: {service: hunter2}}", "database.args.service"),
            ("database: {name: psycopg2, args: {host: 'a,b', password: hunter2}}", "several hosts"),
            ("database: {name: psycopg2, args: {sslmode: hunter2}}", "sslmode"),
            ("database: {name: psycopg2, args: {port: hunter2}}", "port"),
        ] {
            let error = address(text).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(words) && !error.contains("hunter2"), "{error}");
        }
    }
}
