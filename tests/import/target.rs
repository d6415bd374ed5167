//! The database that accounts move into, on either engine: made anew for a story, written down row by row, and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};

use crate::support::{database::SERVER_URI, unique};

/// When and how fast the schema was brought up to date.
const MIGRATED: [&str; 2] = ["_sqlx_migrations.installed_on", "_sqlx_migrations.execution_time"];

/// What a database runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    /// Gives the one that this run of the suite is about.
    pub fn of_this_run() -> Self {
        if std::env::var(SERVER_URI).is_ok() { Self::Postgres } else { Self::Sqlite }
    }
}

/// Makes an empty database on the PostgreSQL server of this run, and gives its address.
pub async fn fresh_postgres(prefix: &str, options: &str) -> String {
    let server = std::env::var(SERVER_URI).unwrap();
    let name = unique(prefix);
    let sql = format!("CREATE DATABASE {name} {options}");
    let mut connection = PgConnection::connect(&server).await.unwrap();
    for attempt in 0.. {
        match connection.execute(AssertSqlSafe(sql.clone())).await {
            Ok(_) => break,
            // PostgreSQL learns a little later that whoever used the original was killed.
            Err(error) => assert!(attempt < 200, "{sql}: {error}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let mut uri = url::Url::parse(&server).unwrap();
    uri.set_path(&name);
    uri.into()
}

/// A database of Keymaker's.
pub struct Target {
    pub uri: String,
}

/// Everything that a database holds: the rows of each table as JSON, in an order of their own.
pub type Contents = BTreeMap<String, Vec<String>>;

/// What one has and the other has not, by table.
#[derive(Debug, Default, PartialEq)]
pub struct Difference {
    pub gone: BTreeMap<String, Vec<Value>>,
    pub new: BTreeMap<String, Vec<Value>>,
}

impl Target {
    /// Prepares one in a folder; on SQLite no file is made.
    pub async fn fresh(engine: Engine, folder: &Path) -> Self {
        let uri = match engine {
            Engine::Sqlite => format!("sqlite://{}", folder.join(unique("keymaker_")).with_extension("db").display()),
            Engine::Postgres => fresh_postgres("keymaker_", "").await,
        };
        Self { uri }
    }

    pub fn engine(&self) -> Engine {
        if self.uri.starts_with("sqlite:") { Engine::Sqlite } else { Engine::Postgres }
    }

    /// Gives the file; nothing on PostgreSQL.
    pub fn file(&self) -> Option<&Path> {
        self.uri.strip_prefix("sqlite://").map(Path::new)
    }

    /// Tells whether anything was made.
    pub async fn exists(&self) -> bool {
        match self.file() {
            Some(file) => file.exists(),
            None => !self.schema().await.is_empty(),
        }
    }

    /// Runs a statement.
    pub async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        match self.engine() {
            Engine::Sqlite => {
                SqliteConnection::connect(&self.uri).await.unwrap().execute(sql).await.map(|_| ()).unwrap()
            }
            Engine::Postgres => PgConnection::connect(&self.uri).await.unwrap().execute(sql).await.map(|_| ()).unwrap(),
        }
    }

    /// Gives the first column of every row, which is text.
    pub async fn list(&self, sql: &str) -> Vec<String> {
        macro_rules! list {
            ($connection:ty) => {{
                let mut connection = <$connection>::connect(&self.uri).await.unwrap();
                let rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await;
                let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
                connection.close().await.unwrap();
                rows.iter().map(|row| row.get::<String, _>(0)).collect()
            }};
        }
        match self.engine() {
            Engine::Sqlite => list!(SqliteConnection),
            Engine::Postgres => list!(PgConnection),
        }
    }

    /// Gives the number that a query counts.
    pub async fn count(&self, sql: &str) -> i64 {
        self.list(&format!("SELECT CAST(({sql}) AS TEXT)")).await[0].parse().unwrap()
    }

    /// Gives the tables of Keymaker.
    async fn tables(&self) -> Vec<String> {
        self.list(match self.engine() {
            Engine::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
            }
            Engine::Postgres => "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
        })
        .await
    }

    /// Writes everything down. Of the columns named here, each with its table, it only tells whether they are empty.
    pub async fn contents(&self, veiled: &[&str]) -> Contents {
        let mut contents = Contents::new();
        for table in self.tables().await {
            let is_veiled = |name: &str| {
                let whole = format!("{table}.{name}");
                MIGRATED.iter().chain(veiled).any(|column| *column == whole)
            };
            let sql = match self.engine() {
                Engine::Sqlite => format!("SELECT name || ' ' || type FROM pragma_table_info('{table}')"),
                Engine::Postgres => format!(
                    "SELECT column_name || ' ' || data_type FROM information_schema.columns
                     WHERE table_schema = 'public' AND table_name = '{table}'"
                ),
            };
            let members = self.list(&sql).await.into_iter().map(|column| {
                let (name, kind) = column.split_once(' ').unwrap();
                let value = match kind {
                    _ if is_veiled(name) => format!("CAST({name} IS NULL AS TEXT)"),
                    "BYTEA" | "BLOB" => format!("LOWER(HEX({name}))"),
                    "bytea" => format!("ENCODE({name}, 'hex')"),
                    _ => name.to_owned(),
                };
                format!("'{name}', {value}")
            });
            let members = members.collect::<Vec<_>>().join(", ");
            let sql = match self.engine() {
                Engine::Sqlite => format!("SELECT json_object({members}) FROM {table}"),
                Engine::Postgres => format!("SELECT jsonb_build_object({members})::text FROM {table}"),
            };
            let mut rows = self.list(&sql).await;
            rows.sort_unstable();
            contents.insert(table, rows);
        }
        contents
    }

    /// Writes down how it is built: tables, indexes, constraints.
    pub async fn schema(&self) -> BTreeSet<String> {
        let built = self.list(match self.engine() {
            Engine::Sqlite => "SELECT type || ' ' || name || ': ' || COALESCE(sql, '') FROM sqlite_master WHERE name NOT LIKE 'sqlite~_stat%' ESCAPE '~'",
            Engine::Postgres =>
                "SELECT indexdef FROM pg_indexes WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
                 UNION ALL SELECT conrelid::regclass || ' ' || conname || ': ' || pg_get_constraintdef(oid) || ' ' || convalidated
                     FROM pg_constraint WHERE conrelid <> 0 AND connamespace = 'public'::regnamespace
                 UNION ALL SELECT table_schema || '.' || table_name || '.' || column_name || ': ' || data_type || ' ' || is_nullable
                     || COALESCE(' ' || column_default, '')
                     FROM information_schema.columns WHERE table_schema NOT IN ('pg_catalog', 'information_schema')
                 UNION ALL SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg~_%' ESCAPE '~'
                     AND nspname NOT IN ('public', 'information_schema')",
        });
        built.await.into_iter().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }
}

/// Compares two, but for tables that are the import's own.
pub fn difference(before: &Contents, after: &Contents) -> Difference {
    let lacking = |these: &Contents, those: &Contents| {
        let mut lacking = BTreeMap::new();
        for (table, rows) in these.iter().filter(|(table, _)| !table.starts_with("import_")) {
            let known: BTreeSet<&String> = those.get(table).into_iter().flatten().collect();
            let rows: Vec<Value> =
                rows.iter().filter(|row| !known.contains(row)).map(|row| serde_json::from_str(row).unwrap()).collect();
            if !rows.is_empty() {
                lacking.insert(table.clone(), rows);
            }
        }
        lacking
    };
    Difference { gone: lacking(before, after), new: lacking(after, before) }
}
