//! Reads a configuration: the file, over it the environment, then the schema, the secrets' files and the rules of `check`.
//! Everything that is wrong is told at once, with its path, and without the value, which may be a secret.

mod environment;
mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Config, Problem, Problems, Sensitive, check};

pub use schema::of_config;

/// Reads a configuration file and lays the environment over it.
pub fn load(file: &Path, environment: &BTreeMap<String, String>) -> Result<Config, Problems> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| Problems::one(&name, format!("cannot be read: {error}")))?;
    let settings = parse(&text).map_err(|message| Problems::one(&name, message))?;
    if !settings.is_object() {
        let message = "must hold sections such as `http:` and `database:`, each with its keys";
        return Err(Problems::one(name, message));
    }
    let base = file.parent().unwrap_or(Path::new(""));
    assemble(settings, base, environment)
}

/// Makes a configuration of its settings; paths in them are relative to `base`.
pub fn assemble(mut settings: Value, base: &Path, environment: &BTreeMap<String, String>) -> Result<Config, Problems> {
    let schema = schema::of_config();
    let mut problems = Problems(Vec::new());
    let overlay = environment::overlay(&mut settings, &schema, environment, &mut problems);
    schema::drop_nulls(&mut settings, &schema);
    schema::keep_valid(&mut settings, &schema, &mut problems);

    // What the schema refused has been cut out, so that the rules can still speak about all the rest.
    let config = serde_json::from_value::<Config>(settings).ok();
    if let Some(mut config) = config {
        config.http.public_base = config.http.public_base.with_trailing_slash();
        config.email.folder = config.email.folder.map(|folder| base.join(folder));
        config.policy.begin_in(base);
        let refused = problems.0.len();
        read_secret_files(&mut config, base, &mut problems);
        add_unless_told(&mut problems, check::problems(&config));
        if problems.0.is_empty() {
            return Ok(config);
        }
        // A section that lost a key to the schema may break a rule only because of that.
        let (told, rest) = problems.0.split_at(refused);
        let rest = rest.iter().filter(|problem| !covered(told, problem));
        problems = Problems(told.iter().chain(rest).cloned().collect());
    } else if problems.0.is_empty() {
        problems.add("configuration", "does not have the expected form");
    }
    for problem in &mut problems.0 {
        environment::name_source(problem, &overlay);
    }
    Err(problems)
}

/// Reads YAML, of which JSON is a part; says where it is broken.
pub fn parse(text: &str) -> Result<Value, String> {
    // A parser that keeps comments refuses more than 32 lines of them below a key.
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false, emit_comments: false };
    match serde_saphyr::from_str_with_options::<Option<Value>>(text, options) {
        Ok(settings) => Ok(settings.unwrap_or_else(|| Value::Object(Default::default()))),
        Err(error) => Err(broken(&error)),
    }
}

/// Says where YAML is broken. The parser's own words may quote the text, and with it a secret: only the place is told.
fn broken(error: &serde_saphyr::Error) -> String {
    let what = match error.without_snippet() {
        serde_saphyr::Error::DuplicateMappingKey { .. } => "the same key is given twice",
        _ => "this is not valid YAML; look at the indentation and the quotes here and just above",
    };
    match error.location() {
        Some(place) => format!("line {}, column {}: {what}", place.line(), place.column()),
        None => what.to_owned(),
    }
}

fn add_unless_told(problems: &mut Problems, more: Vec<Problem>) {
    let told = problems.0.clone();
    let new = more.into_iter().filter(|problem| !covered(&told, problem));
    problems.0.extend(new);
}

/// Tells whether a problem is about a key, or about a part or the whole of a key, that is known to be wrong already.
fn covered(told: &[Problem], problem: &Problem) -> bool {
    told.iter().any(|known| {
        let known = known.path.trim_end_matches("_file");
        within(known, &problem.path) || within(&problem.path, known)
    })
}

/// Tells whether a path is another one or leads further into it.
fn within(outer: &str, path: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Puts the content of every `*_file` where the secret itself would stand.
fn read_secret_files(config: &mut Config, base: &Path, problems: &mut Problems) {
    let mut read = |path: &str, inline: &mut Option<Sensitive>, file: &Option<PathBuf>| {
        let Some(file) = file else { return };
        let key = path.rsplit('.').next().unwrap_or(path);
        if inline.is_some() {
            let message = format!("give either `{key}` or `{key}_file`, not both");
            return problems.add(format!("{path}_file"), message);
        }
        match fs::read_to_string(base.join(file)) {
            Ok(text) => *inline = Some(Sensitive::new(text.trim_end_matches(['\r', '\n']))),
            Err(error) => {
                problems.add(format!("{path}_file"), format!("{} cannot be read: {error}", base.join(file).display()))
            }
        }
    };
    let Config { database, matrix, secrets, passwords, captcha, email, upstream_oauth2, clients, .. } = config;
    read("database.uri", &mut database.uri, &database.uri_file);
    read("matrix.secret", &mut matrix.secret, &matrix.secret_file);
    read("secrets.encryption", &mut secrets.encryption, &secrets.encryption_file);
    read("captcha.secret_key", &mut captcha.secret_key, &captcha.secret_key_file);
    read("email.password", &mut email.password, &email.password_file);
    for (index, previous) in secrets.previous_encryption.iter_mut().enumerate() {
        read(&format!("secrets.previous_encryption[{index}].key"), &mut previous.key, &previous.key_file);
    }
    for (index, key) in secrets.keys.iter_mut().enumerate() {
        read(&format!("secrets.keys[{index}].key"), &mut key.key, &key.key_file);
    }
    for (index, scheme) in passwords.schemes.iter_mut().enumerate() {
        let path = format!("passwords.schemes[{index}].secret");
        read(&path, &mut scheme.secret, &scheme.secret_file);
    }
    for (index, provider) in upstream_oauth2.providers.iter_mut().enumerate() {
        let path = format!("upstream_oauth2.providers[{index}]");
        read(&format!("{path}.client_secret"), &mut provider.client_secret, &provider.client_secret_file);
        read(&format!("{path}.private_key"), &mut provider.private_key, &provider.private_key_file);
        if let Some(apple) = &mut provider.sign_in_with_apple {
            let path = format!("{path}.sign_in_with_apple.private_key");
            read(&path, &mut apple.private_key, &apple.private_key_file);
        }
    }
    for (index, client) in clients.iter_mut().enumerate() {
        let path = format!("clients[{index}]");
        read(&format!("{path}.client_secret"), &mut client.client_secret, &client.client_secret_file);
        let previous = format!("{path}.previous_client_secret");
        read(&previous, &mut client.previous_client_secret, &client.previous_client_secret_file);
    }
}
