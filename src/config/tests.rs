//! Stories about the configuration: what loads, what is refused and in which words, and what is kept for development.

mod refusals;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::generated::{GeneratedSecrets, generated_secrets};
use super::*;

static SECRETS: LazyLock<GeneratedSecrets> = LazyLock::new(generated_secrets);

/// A configuration that uses every section and breaks no rule.
fn valid() -> Value {
    json!({
        "http": { "public_base": "https://auth.example.com/", "trusted_proxies": ["10.0.0.0/8"] },
        "database": { "uri": "postgresql://keymaker:hunter2hunter2@localhost/keymaker" },
        "matrix": {
            "kind": "synapse",
            "homeserver": "example.com",
            "endpoint": "http://synapse:8008",
            "secret": SECRETS.matrix_secret,
        },
        "secrets": { "encryption": SECRETS.encryption, "keys": [{ "kid": "one", "key": SECRETS.rs256 }] },
        "passwords": { "schemes": [
            { "version": 2, "algorithm": "argon2id" },
            { "version": 1, "algorithm": "bcrypt", "cost": 12, "secret": "pepper" },
        ] },
        "account": { "registration_terms_version": "2026-11-01" },
        "captcha": {
            "service": "cloudflare_turnstile",
            "pages": ["registration", "login"],
            "site_key": "0x4AAAAAAAsite",
            "secret_key": "0x4AAAAAAAhunter2",
        },
        "email": {
            "from": "\"Example Chat\" <no-reply@example.com>",
            "transport": "smtp",
            "mode": "starttls",
            "hostname": "mail.example.com",
            "username": "keymaker",
            "password": "hunter2mail",
        },
        "upstream_oauth2": { "providers": [
            { "id": "company", "human_name": "Example Ltd", "synapse_idp_id": "oidc-company" },
            { "id": "saml_2.old-1" },
        ] },
        "clients": [
            {
                "client_id": "wiki",
                "client_auth_method": "client_secret_basic",
                "client_secret": "R2x9mK4vTq8wLz1s",
                "redirect_uris": ["https://wiki.example.com/callback"],
            },
            {
                "client_id": "app",
                "client_auth_method": "none",
                "redirect_uris": ["com.example.app:/callback"],
            },
        ],
        "branding": { "tos_uri": "https://example.com/terms" },
        "telemetry": { "metrics": { "allow": ["192.0.2.1"] } },
    })
}

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).expect("a file is written");
    }

    fn load_with(&self, text: &str, environment: &[(&str, &str)]) -> Result<Config, Problems> {
        self.write("keymaker.yaml", text);
        load(&self.path().join("keymaker.yaml"), &variables(environment))
    }

    fn load(&self, settings: &Value) -> Result<Config, Problems> {
        // JSON is YAML.
        self.load_with(&settings.to_string(), &[])
    }
}

fn variables(environment: &[(&str, &str)]) -> BTreeMap<String, String> {
    environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Sets a key by its path, `clients/0/client_id`; no value removes it.
fn set(settings: &mut Value, path: &str, value: Option<Value>) {
    let (parents, key) = path.rsplit_once('/').unwrap_or(("", path));
    let parents = if parents.is_empty() { String::new() } else { format!("/{parents}") };
    let section = settings.pointer_mut(&parents).expect("the section exists");
    match (section, value) {
        (Value::Array(list), Some(value)) => {
            let index: usize = key.parse().expect("an index");
            list.truncate(index);
            list.push(value);
        }
        (Value::Object(map), Some(value)) => {
            map.insert(key.to_owned(), value);
        }
        (section, None) => {
            section.as_object_mut().expect("a section").remove(key);
        }
        _ => unreachable!("only sections and lists have keys"),
    }
}

#[test]
fn a_valid_configuration_loads_with_its_values() {
    let config = Home::new().load(&valid()).expect("a valid configuration");
    assert_eq!(config.http.public_base.as_str(), "https://auth.example.com/");
    assert_eq!(config.matrix.kind, HomeserverKind::Synapse);
    assert_eq!(config.matrix.homeserver(), "example.com");
    assert_eq!(config.matrix.secret().map(Sensitive::expose), Some(&*SECRETS.matrix_secret));
    assert_eq!(hex::encode(config.secrets.encryption_key()), SECRETS.encryption);
    let keys: Vec<_> = config.secrets.keys().map(|(kid, key)| (kid, key.expose())).collect();
    assert_eq!(keys, [(Some("one"), &*SECRETS.rs256)]);
    assert_eq!(config.passwords.schemes[1].cost(), 12);
    assert_eq!(config.passwords.schemes[1].secret().map(Sensitive::expose), Some("pepper"));
    assert_eq!(config.email.from.as_ref().map(|from| from.email.to_string()).as_deref(), Some("no-reply@example.com"));
    assert_eq!((config.email.transport, config.email.port()), (MailTransport::Smtp, 587));
    assert_eq!(
        config.email.credentials().map(|(name, password)| (name, password.expose())),
        Some(("keymaker", "hunter2mail"))
    );
    assert_eq!(config.captcha.service, CaptchaService::CloudflareTurnstile);
    assert_eq!((config.captcha.site_key(), config.captcha.secret_key()), ("0x4AAAAAAAsite", "0x4AAAAAAAhunter2"));
    let on = CaptchaPage::ALL.map(|page| config.captcha.is_on(page));
    assert_eq!(on, [true, false, true]);
    let providers: Vec<_> = config
        .upstream_oauth2
        .providers
        .iter()
        .map(|provider| (&*provider.id, provider.human_name.as_deref(), provider.synapse_idp_id.as_deref()))
        .collect();
    assert_eq!(providers, [("company", Some("Example Ltd"), Some("oidc-company")), ("saml_2.old-1", None, None)]);
    assert_eq!(config.clients[0].secrets().next().map(Sensitive::expose), Some("R2x9mK4vTq8wLz1s"));
    assert_eq!(config.clients[1].grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert!(config.clients[1].require_pkce);
    assert_eq!(config.http.listeners[0].binds[0].address(), "localhost:8080");
    assert_eq!(config.telemetry.metrics.allow[0].to_string(), "192.0.2.1/32");
}

#[test]
fn only_the_secrets_are_needed_without_a_homeserver() {
    let mut settings = valid();
    settings = json!({ "matrix": { "kind": "none" }, "secrets": settings["secrets"].take() });
    let config = Home::new().load(&settings).expect("the defaults are valid");
    assert_eq!(config.database.uri(), "sqlite://data/keymaker.db");
    assert_eq!(config.matrix.homeserver(), "localhost");
    assert!(config.matrix.secret().is_none());
    assert!(!config.account.password_registration_enabled);
    assert_eq!(config.passwords.minimum_complexity, 3);
    assert_eq!(config.http.trusted_proxies, Network::loopback());
    assert!(config.upstream_oauth2.providers.is_empty());
}

#[test]
fn a_section_whose_keys_are_all_commented_out_is_absent() {
    let encryption = &SECRETS.encryption;
    let comments = "  # one key after another\n".repeat(100);
    let text = format!(
        "http:\n  issuer:\nbranding:\n{comments}matrix: {{ kind: none }}\n\
         secrets: {{ encryption: \"{encryption}\", keys: [{{ key_file: rs256.pem }}] }}\n"
    );
    let home = Home::new();
    home.write("rs256.pem", &SECRETS.rs256);
    home.load_with(&text, &[]).expect("empty sections are absent");
}

#[test]
fn plain_http_is_only_for_this_machine() {
    let home = Home::new();
    for host in ["localhost:8080", "auth.localhost", "127.0.0.1", "127.8.9.10:81", "[::1]:8080"] {
        let mut settings = valid();
        set(&mut settings, "http/public_base", Some(json!(format!("http://{host}/"))));
        home.load(&settings).expect(host);
    }
}

#[test]
fn the_issuer_is_the_public_base_unless_it_is_set() {
    // INV-10, and RFC 8414 §2: the issuer is compared byte for byte.
    let home = Home::new();
    let mut settings = valid();
    set(&mut settings, "http/public_base", Some(json!("https://Example.com/auth")));
    let config = home.load(&settings).expect("a valid configuration");
    assert_eq!(config.http.public_base.as_str(), "https://example.com/auth/");
    assert_eq!(config.http.issuer().to_string(), "https://example.com/auth/");
    set(&mut settings, "http/issuer", Some(json!("https://example.com/tenant")));
    let config = home.load(&settings).expect("a valid configuration");
    assert_eq!(config.http.issuer().to_string(), "https://example.com/tenant");
}

#[test]
fn an_address_has_two_spellings() {
    let mut settings = valid();
    let binds = json!([{ "address": "[::]:80" }, { "host": "::1", "port": 81 }, { "host": "localhost", "port": 0 }]);
    set(&mut settings, "http/listeners", Some(json!([{ "name": "web", "binds": binds }])));
    let config = Home::new().load(&settings).expect("both spellings");
    let addresses: Vec<String> = config.http.listeners[0].binds.iter().map(Bind::address).collect();
    assert_eq!(addresses, ["[::]:80", "[::1]:81", "localhost:0"]);
}

#[test]
fn all_problems_are_listed_at_once() {
    let mut settings = valid();
    set(&mut settings, "database/url", Some(json!("x")));
    set(&mut settings, "database/max_connections", Some(json!("ten")));
    set(&mut settings, "matrix/secret", Some(json!("secret")));
    set(&mut settings, "http/public_base", Some(json!("http://example.com/")));
    set(&mut settings, "secrets/encryption", Some(json!(7)));
    set(&mut settings, "passwords/schemes/1/version", Some(json!(2)));
    set(&mut settings, "clients/0/client_auth_method", None);
    let problems = Home::new().load(&settings).expect_err("much is wrong");
    let mut paths: Vec<&str> = problems.0.iter().map(|problem| &*problem.path).collect();
    paths.sort_unstable();
    assert_eq!(
        paths,
        [
            "clients[0].client_auth_method",
            "database.max_connections",
            "database.url",
            "http.public_base",
            "matrix.secret",
            "passwords.schemes[1].version",
            "secrets.encryption",
        ]
    );
    assert_eq!(problems.to_string().lines().count(), 7);
}

#[test]
fn a_file_that_cannot_be_read_is_one_sentence() {
    let home = Home::new();
    let missing = load(&home.path().join("none.yaml"), &BTreeMap::new()).expect_err("no file");
    let text = missing.to_string();
    assert!(text.contains("none.yaml: cannot be read: No such file"), "{text}");

    let broken = [
        ("http:\n  issuer: [hunter2hunter2\n", "line "),
        ("http:\n  a: 1\n  a: hunter2hunter2\n", "line 3, column 3: the same key is given twice"),
        ("a: hunter2hunter2\n b: c\n", "line 2"),
        ("- hunter2hunter2\n", "must hold sections"),
    ];
    for (yaml, sentence) in broken {
        let text = home.load_with(yaml, &[]).expect_err(yaml).to_string();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("keymaker.yaml: ") && text.contains(sentence), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn the_environment_wins_over_the_file() {
    let environment = [
        ("KEYMAKER__DATABASE__URI", "sqlite://other.db"),
        ("KEYMAKER__DATABASE__MAX_CONNECTIONS", "3"),
        ("KEYMAKER__MATRIX__SECRET", "1234567890123456"),
        ("KEYMAKER__HTTP__LISTENERS__0__BINDS__0__ADDRESS", "127.0.0.1:0"),
        ("KEYMAKER__HTTP__TRUSTED_PROXIES", "[192.0.2.0/24]"),
        ("KEYMAKER__CLIENTS__0__CLIENT_SECRET", "0x1F2E3D4C5B6A7988"),
        ("KEYMAKER__CLIENTS__0__REQUIRE_PKCE", "false"),
        ("KEYMAKER__CLIENTS__2__CLIENT_ID", "007"),
        ("KEYMAKER__CLIENTS__2__CLIENT_AUTH_METHOD", "none"),
        ("KEYMAKER__CLIENTS__2__REDIRECT_URIS__0", "https://x.org/"),
        ("KEYMAKER_CONFIG", "elsewhere.yaml"),
        ("PATH", "/bin"),
    ];
    let home = Home::new();
    let config = home.load_with(&valid().to_string(), &environment).expect("a valid overlay");
    assert_eq!(config.database.uri(), "sqlite://other.db");
    assert_eq!(config.database.max_connections, 3);
    // What looks like a number stays the text that it is.
    assert_eq!(config.matrix.secret().map(Sensitive::expose), Some("1234567890123456"));
    assert_eq!(config.clients[0].secrets().next().map(Sensitive::expose), Some("0x1F2E3D4C5B6A7988"));
    assert!(!config.clients[0].require_pkce);
    assert_eq!(config.clients[0].client_id, "wiki");
    assert_eq!(config.clients[2].client_id, "007");
    assert_eq!(config.http.listeners[0].binds[0].address(), "127.0.0.1:0");
    assert_eq!(config.http.trusted_proxies[0].to_string(), "192.0.2.0/24");
}

#[test]
fn entries_from_the_environment_are_counted_not_spelt() {
    let mut environment: Vec<(String, String)> = (0..12)
        .map(|index| (format!("KEYMAKER__CLIENTS__0__REDIRECT_URIS__{index}"), format!("https://x.org/{index}")))
        .collect();
    environment.push(("KEYMAKER__CLIENTS__0__REDIRECT_URIS".to_owned(), "[]".to_owned()));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (&**name, &**value)).collect();
    let config = Home::new().load_with(&valid().to_string(), &environment).expect("twelve entries");
    assert_eq!(config.clients[0].redirect_uris[10], "https://x.org/10");
}

#[test]
fn a_wrong_variable_is_named() {
    let environment = [
        ("KEYMAKER__DATABASE__URL", "sqlite://x"),
        ("KEYMAKER__DATABASE__MAX_CONNECTIONS", "ten"),
        ("KEYMAKER__MATRIX__SECRET", "hunter2"),
        ("KEYMAKER__CLIENTS__7__CLIENT_ID", "x"),
        ("KEYMAKER__PASSWORDS__ENABLED", "[hunter2"),
    ];
    let home = Home::new();
    let problems = home.load_with(&valid().to_string(), &environment).expect_err("all are wrong");
    let text = problems.to_string();
    for line in [
        "database.url: unknown key; did you mean \"uri\"? (from KEYMAKER__DATABASE__URL)",
        "database.max_connections: must be a whole number, not text (from KEYMAKER__DATABASE__MAX_CONNECTIONS)",
        "matrix.secret: is too short: use at least 16 random characters (from KEYMAKER__MATRIX__SECRET)",
        "clients[7].client_id: there are 2 entries, so the next one has the number 2 (from KEYMAKER__CLIENTS__7__CLIENT_ID)",
        "passwords.enabled: is not valid YAML (from KEYMAKER__PASSWORDS__ENABLED)",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}\nis missing in\n{text}");
    }
    assert_eq!(problems.0.len(), 5, "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn secrets_come_from_files_beside_the_configuration() {
    let home = Home::new();
    home.write("matrix", &format!("{}\n", SECRETS.matrix_secret));
    home.write("key.pem", &SECRETS.rs256);
    home.write("encryption", &format!("{}\r\n", SECRETS.encryption));
    home.write("database", "sqlite://from-file.db\n");
    home.write("wiki", "R2x9mK4vTq8wLz1s\n");
    home.write("pepper", "a pepper");
    home.write("mail", "a password\n");
    let mut settings = valid();
    for (inline, file, name) in [
        ("matrix/secret", "matrix/secret_file", "matrix"),
        ("secrets/encryption", "secrets/encryption_file", "encryption"),
        ("secrets/keys/0/key", "secrets/keys/0/key_file", "key.pem"),
        ("database/uri", "database/uri_file", "database"),
        ("clients/0/client_secret", "clients/0/client_secret_file", "wiki"),
        ("passwords/schemes/1/secret", "passwords/schemes/1/secret_file", "pepper"),
        ("email/password", "email/password_file", "mail"),
    ] {
        set(&mut settings, inline, None);
        set(&mut settings, file, Some(json!(name)));
    }
    let config = home.load(&settings).expect("every secret is in a file");
    assert_eq!(config.matrix.secret().map(Sensitive::expose), Some(&*SECRETS.matrix_secret));
    assert_eq!(hex::encode(config.secrets.encryption_key()), SECRETS.encryption);
    assert_eq!(config.secrets.keys().count(), 1);
    assert_eq!(config.database.uri(), "sqlite://from-file.db");
    assert_eq!(config.clients[0].secrets().next().map(Sensitive::expose), Some("R2x9mK4vTq8wLz1s"));
    assert_eq!(config.passwords.schemes[1].secret().map(Sensitive::expose), Some("a pepper"));
    assert_eq!(config.email.credentials().map(|(_, password)| password.expose()), Some("a password"));

    // A variable replaces the secret, however the file gives it.
    let config = home
        .load_with(&settings.to_string(), &[("KEYMAKER__MATRIX__SECRET", "1234567890abcdef")])
        .expect("the variable wins");
    assert_eq!(config.matrix.secret().map(Sensitive::expose), Some("1234567890abcdef"));

    set(&mut settings, "matrix/secret_file", Some(json!("gone")));
    let problems = home.load(&settings).expect_err("there is no such file");
    assert_eq!(problems.0.len(), 1, "{problems}");
    assert_eq!(problems.0[0].path, "matrix.secret_file");
    assert!(problems.0[0].message.contains("gone cannot be read: No such file"), "{problems}");
}

#[test]
fn an_rsa_key_may_be_in_either_encoding() {
    let pkcs8 = pem::parse(&SECRETS.rs256).expect("PEM");
    // PKCS#8 is 26 bytes in front of the PKCS#1 encoding of a key of this size.
    let pkcs1 = pem::Pem::new("RSA PRIVATE KEY", &pkcs8.contents()[26..]);
    let mut settings = valid();
    set(&mut settings, "secrets/keys/0/key", Some(json!(pkcs1.to_string())));
    let home = Home::new();
    home.load(&settings).expect("a key in PKCS#1");
}

#[test]
fn no_secret_is_ever_shown() {
    // INV-03 ends where the log begins.
    let config = Home::new().load(&valid()).expect("a valid configuration");
    let shown = format!("{config:?} {config:#?} {}", Sensitive::new("R2x9mK4vTq8wLz1s"));
    let serialised = serde_json::to_string(&config.passwords.schemes).expect("JSON");
    let body = SECRETS.rs256.lines().nth(1).expect("the key's first line");
    let secrets = [&*SECRETS.matrix_secret, &*SECRETS.encryption, body, "R2x9mK4vTq8wLz1s", "hunter2", "\"pepper\""];
    for secret in secrets {
        assert!(!shown.contains(secret) && !serialised.contains(secret));
    }
    assert!(shown.contains("(hidden)") && serialised.contains("(hidden)"));
}

#[test]
fn the_sample_is_valid_as_it_is() {
    let text = sample();
    let config = Home::new().load_with(&text, &[]).expect(&text);
    assert_eq!(config.matrix.kind, HomeserverKind::None);
    assert_eq!(config.http.public_base, WebUrl::development());
    assert_ne!(sample(), text, "each sample has secrets of its own");
    assert!(text.lines().all(|line| line.len() <= 110 && line.trim_end() == line));
}

#[test]
fn every_optional_key_shows_an_example_of_the_right_form() {
    let schema = load::of_config();
    let mut seen = 0;
    walk(&schema, "", &mut |path, schema| {
        let defaulted = schema.get("default").is_some_and(|value| !value.is_null());
        if schema.get("properties").is_some() || defaulted {
            return;
        }
        if let Some(example) = schema["examples"].get(0) {
            let validator = jsonschema::validator_for(schema).expect("a schema");
            assert!(validator.is_valid(example), "{path}");
            seen += 1;
        } else {
            assert!(!schema["type"].is_array(), "{path} is optional and shows no example");
        }
    });
    assert!(seen > 20);
}

fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    let schema = schema.get("items").unwrap_or(schema);
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{key}");
        visit(&path, property);
        walk(property, &path, visit);
    }
}

#[test]
fn every_key_is_documented_and_keeps_its_place() {
    walk(&load::of_config(), "", &mut |path, schema| {
        assert!(schema["description"].as_str().is_some_and(|text| text.ends_with('.')), "{path}");
        if let Some(properties) = schema["properties"].as_object() {
            assert_eq!(schema[order::ORDER].as_array().map(Vec::len), Some(properties.len()), "{path}");
        }
    });
}

#[test]
fn the_reference_page_is_up_to_date() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&page, reference()).expect("the page is written");
    }
    let kept = fs::read_to_string(&page).unwrap_or_default();
    assert!(kept == reference(), "docs/configuration.md is old: run UPDATE=1 cargo test reference");
}

#[test]
fn development_keeps_its_secrets() {
    let home = Home::new();
    let data = home.path().join("nested/data");
    let first = development(&data, &BTreeMap::new()).expect("a fresh directory");
    let second = development(&data, &BTreeMap::new()).expect("the same directory");
    let secrets = |config: &Config| {
        let keys: Vec<String> = config.secrets.keys().map(|(_, key)| key.expose().to_owned()).collect();
        (config.secrets.encryption_key(), keys, config.matrix.secret().cloned())
    };
    assert_eq!(secrets(&first), secrets(&second));
    assert_eq!(first.database.uri(), format!("sqlite://{}/keymaker.db", data.display()));
    assert_eq!(first.http.issuer().as_str(), "http://localhost:8080/");
    assert_eq!(first.matrix.kind, HomeserverKind::None);
    assert!(first.account.password_registration_enabled);
    assert_eq!(
        (first.email.transport, first.email.folder.as_deref()),
        (MailTransport::Folder, Some(&*data.join("mail")))
    );

    let mode = |path: &Path| fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("secrets")), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(data.join("secrets")).expect("a directory") {
        let entry = entry.expect("an entry");
        assert_eq!(mode(&entry.path()), 0o600);
        names.push(entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["encryption", "matrix-secret", "rs256.pem"]);
}

#[test]
fn servers_that_start_at_once_share_their_secrets() {
    let home = Home::new();
    let starts = std::thread::scope(|scope| {
        let start = || development(home.path(), &BTreeMap::new()).expect("a start").secrets.encryption_key();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        let ended = threads.into_iter().map(|thread| thread.join().expect("no panic"));
        ended.collect::<Vec<_>>()
    });
    assert!(starts.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn development_listens_to_the_environment_and_says_what_it_cannot_do() {
    let home = Home::new();
    let environment = variables(&[
        ("KEYMAKER__HTTP__PUBLIC_BASE", "http://localhost:9090"),
        ("KEYMAKER__HTTP__LISTENERS__0__BINDS__0__ADDRESS", "127.0.0.1:9090"),
    ]);
    let config = development(home.path(), &environment).expect("a start");
    assert_eq!(config.http.issuer().as_str(), "http://localhost:9090/");
    assert_eq!(config.http.listeners[0].binds[0].address(), "127.0.0.1:9090");

    home.write("taken", "");
    let problems = development(&home.path().join("taken"), &environment).expect_err("a file");
    assert_eq!(problems.0.len(), 1);
    assert!(problems.to_string().contains("cannot hold the data of the development mode"), "{problems}");
}
