//! Looks everywhere for secrets that a server handed out: in its database, and in what all servers logged at TRACE.

use std::{
    collections::BTreeSet,
    io,
    sync::{Arc, Mutex, Once},
};

use aho_corasick::AhoCorasick;
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use tracing_subscriber::util::SubscriberInitExt;

use super::database::Database;

/// Every prefix of a secret, and how long one is.
const PREFIXES: [&str; 14] =
    ["kmg_", "kma_", "kmr_", "kmc_", "kml_", "kmb_", "kmw_", "kms_", "kmp_", "kmd_", "kmi_", "idp_", "kmu_", "kmn_"];
const LENGTH: usize = 55;

#[derive(Clone, Default)]
pub struct Audit {
    secrets: Arc<Mutex<BTreeSet<String>>>,
    database: Arc<Mutex<Option<Database>>>,
}

/// Lines of the log that showed a secret.
static LEAKS: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Secrets without a form of their own: passwords.
static PASSWORDS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

impl Audit {
    /// Begins to watch the log of this process, at TRACE, as far as `telemetry` lets anybody turn it up.
    pub fn begin() -> Self {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| {
            // The cookie jar of the test itself writes down what it keeps. No directive may show the wire.
            let directives = "trace,hyper::proto=trace,h2::hpack=trace,cookie_store=off";
            keymaker::telemetry::subscriber(directives, || Watcher).init();
        });
        Self::default()
    }

    pub fn watch(&self, database: Database) {
        *self.database.lock().unwrap() = Some(database);
    }

    /// Adds a secret that has no form by which it could be recognised.
    pub fn secret(&self, secret: &str) {
        self.secrets.lock().unwrap().insert(secret.to_owned());
        PASSWORDS.lock().unwrap().insert(secret.to_owned());
    }

    /// Adds every secret that appears in an answer.
    pub fn look_for_secrets(&self, text: &str) {
        self.secrets.lock().unwrap().extend(secrets_in(text));
    }

    /// Searches the log and the database.
    pub fn finish(&self) {
        let leaks = LEAKS.lock().unwrap().clone();
        assert!(leaks.is_empty(), "the log shows secrets: {leaks:?}");
        let Some(database) = self.database.lock().unwrap().take() else { return };
        let dump = database.dump();
        // A search that finds nothing proves something only if it would find what is there.
        assert!(contains(&dump, b"_sqlx_migrations"), "the dump is no dump");
        let secrets = self.secrets.lock().unwrap();
        let forms =
            secrets.iter().flat_map(|secret| [secret.clone(), hex::encode(secret), STANDARD_NO_PAD.encode(secret)]);
        let found = AhoCorasick::new(forms).unwrap().find(&dump);
        assert!(found.is_none(), "the database holds a secret that was handed out: {found:?}");
    }
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

fn secrets_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for prefix in PREFIXES {
        for (at, _) in text.match_indices(prefix) {
            if let Some(candidate) = text.get(at..at + LENGTH)
                && candidate.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            {
                found.push(candidate.to_owned());
            }
        }
    }
    found
}

/// Reads every line of the log and keeps none that is clean.
struct Watcher;

impl io::Write for Watcher {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let shows_password = PASSWORDS.lock().unwrap().iter().any(|password| text.contains(password.as_str()));
        if shows_password || !secrets_in(&text).is_empty() {
            LEAKS.lock().unwrap().push(text.into_owned());
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
