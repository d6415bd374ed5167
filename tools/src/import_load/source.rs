//! Owns a homeserver to import from: the schema is made by a real Synapse, its people by SQL.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::homeserver::{SERVER_NAME, Synapse};
use crate::support::process::{Failure, free_port};
use crate::workspace::synapse_venv;

use super::database::{Database, Engine};

const POPULATION: &str = include_str!("population.sql");
const CHANGES: &str = include_str!("changes.sql");
/// What the import reads.
const TABLES: [&str; 6] =
    ["users", "user_threepids", "user_external_ids", "devices", "access_tokens", "refresh_tokens"];

/// A Synapse that was stopped.
pub struct Source {
    pub database: Database,
    pub configuration: PathBuf,
    users: u64,
}

impl Source {
    /// Lets Synapse make its tables in an empty database and finish its background updates.
    pub fn create(folder: &Path, database: Database, users: u64) -> Result<Self, Failure> {
        let mut synapse = Synapse::new(&synapse_venv(), folder, free_port(), "http://127.0.0.1:1/", "unused")?;
        let configuration = folder.join("homeserver.yaml");
        let text = std::fs::read_to_string(&configuration)?;
        let own = text.lines().take_while(|line| !line.starts_with("matrix_authentication_service"));
        let section = match &database {
            Database::Sqlite(file) => format!("name: sqlite3, args: {{database: '{}'}}", file.display()),
            Database::Postgres { port, name } => {
                format!("name: psycopg2, args: {{user: keymaker, dbname: {name}, host: 127.0.0.1, port: {port}}}")
            }
        };
        let lines: Vec<String> = own
            .map(|line| match line.starts_with("database:") {
                true => format!("database: {{{section}}}"),
                false => line.to_owned(),
            })
            .collect();
        std::fs::write(&configuration, lines.join("\n") + "\n")?;
        synapse.start()?;
        let begun = Instant::now();
        while database.count(&["background_updates"])? > 0 {
            if begun.elapsed() > Duration::from_secs(300) {
                return Err("Synapse does not finish its background updates".into());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        synapse.stop();
        // Synapse would ask the provider for its metadata; the import only wants to know that there is one.
        synapse.configure(
            "oidc_providers: [{idp_id: company, idp_name: Company, issuer: 'https://x/', client_id: x}]\n",
        )?;
        Ok(Self { database, configuration, users })
    }

    /// Fills it with people, and leaves it as a Synapse does that ran for years and was stopped in peace.
    pub fn populate(&self) -> Result<(), Failure> {
        let (before, after) = match self.database.engine() {
            Engine::Sqlite => (
                "PRAGMA journal_mode = DELETE;\nPRAGMA synchronous = OFF;\nPRAGMA cache_size = -1000000;\nBEGIN;\n",
                ";\nCOMMIT;\nPRAGMA journal_mode = WAL",
            ),
            Engine::Postgres => ("SET synchronous_commit = off;\n", ";\nVACUUM ANALYZE"),
        };
        self.database.run(&format!("{before}{}{after}", self.written(POPULATION)))?;
        self.database.settle()
    }

    /// Lets a thousand rows change.
    pub fn change(&self) -> Result<(), Failure> {
        self.database.run(&self.written(CHANGES))?;
        self.database.settle()
    }

    /// Counts the rows that the import reads.
    pub fn rows(&self) -> Result<u64, Failure> {
        self.database.count(&TABLES)
    }

    /// Fills in a text: the few words that differ between engines, and what would be long in each place.
    fn written(&self, text: &str) -> String {
        let (hex, seconds) = match self.database.engine() {
            Engine::Sqlite => ("LOWER(HEX(RANDOMBLOB(16)))", "STRFTIME('%s', 'now')"),
            Engine::Postgres => ("REPLACE(CAST(GEN_RANDOM_UUID() AS TEXT), '-', '')", "EXTRACT(EPOCH FROM NOW())"),
        };
        // An odd factor takes each number below 2^32 to another one. Nobody who is deactivated has a device.
        let scattered = |n: &str| format!("(({n}) * 2654435761 % 4294967296)");
        let owner = format!("n % {0} + 1 - CASE WHEN n % {0} % 100 = 6 THEN 1 ELSE 0 END", self.users);
        let user = |n: &str| format!("'@user' || {} || ':{SERVER_NAME}'", scattered(n));
        let mut device = format!("CAST(1000000000 + {} AS TEXT)", scattered("n"));
        for (digit, letter) in ('0'..='9').zip('A'..) {
            device = format!("REPLACE({device}, '{digit}', '{letter}')");
        }
        text.replace("{user}", &user("n"))
            .replace("{owner}", &user(&owner))
            .replace("{device}", &device)
            .replace("{hex}", hex)
            .replace("{users}", &self.users.to_string())
            .replace("{server_name}", SERVER_NAME)
            .replace("{now}", &format!("(CAST({seconds} AS BIGINT) * 1000)"))
    }
}
