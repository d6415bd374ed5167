//! Synapse's database, SQLite or PostgreSQL: where it is, that it is one, and its rows as streams. It is only read, and a
//! Synapse that runs meanwhile is not disturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::poll_fn;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sqlx::{
    AssertSqlSafe, ConnectOptions, PgConnection, SqliteConnection,
    postgres::{PgConnectOptions, PgSslMode},
    sqlite::SqliteConnectOptions,
};
use thiserror::Error;

use crate::store::db::Row;

use super::config::plain;
use super::rows::{Account, Record};

/// The newest schema that this reader was written against (Synapse 1.163).
pub const NEWEST_SCHEMA: i64 = 94;
/// The oldest one: the first of those that current Synapses upgrade from without a detour.
const OLDEST_SCHEMA: i64 = 72;
/// What has to be there. `{table: columns}` that came later stand in [`Source::sql`].
const TABLES: [(&str, &[&str]); 7] = [
    ("users", &["name", "password_hash", "creation_ts", "admin", "is_guest", "appservice_id", "deactivated"]),
    ("user_threepids", &["user_id", "medium", "address", "added_at"]),
    ("user_external_ids", &["auth_provider", "external_id", "user_id"]),
    ("devices", &["user_id", "device_id", "display_name", "last_seen", "ip", "user_agent", "hidden"]),
    ("dehydrated_devices", &["user_id", "device_id"]),
    (
        "access_tokens",
        &[
            "id",
            "user_id",
            "device_id",
            "token",
            "valid_until_ms",
            "puppets_user_id",
            "last_validated",
            "refresh_token_id",
        ],
    ),
    (
        "refresh_tokens",
        &["id", "user_id", "device_id", "token", "next_token_id", "expiry_ts", "ultimate_session_expiry_ts"],
    ),
];
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How many rows SQLite's thread reads ahead.
const ROWS_AHEAD: usize = 4_096;
/// How long there is nothing to do when all of them are taken.
const REST: Duration = Duration::from_millis(1);

/// Why a source cannot be read, as one sentence.
#[derive(Debug, Error)]
pub enum SourceError {
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    #[error("{} is not an SQLite database", .0.display())]
    NotADatabase(PathBuf),
    #[error("{} cannot be opened; run this as the user that Synapse runs as ({reason})", .file.display())]
    NoFileRights { file: PathBuf, reason: String },
    #[error(
        "the address of Synapse's database is not one that Keymaker understands; it starts with sqlite:// or postgresql://"
    )]
    Address,
    #[error("{place} cannot be reached: {reason}")]
    Unreachable { place: String, reason: String },
    #[error("{0} is not Synapse's: it has none of its tables")]
    NotSynapses(String),
    #[error("{place} is only half of a Synapse's: {missing} is missing; start Synapse on it once, or restore a backup")]
    Half { place: String, missing: String },
    #[error("{place} was written by a Synapse that is too old (schema {version}); upgrade Synapse first")]
    TooOld { place: String, version: i64 },
    #[error(
        "{place} was written by a Synapse that is newer than this version of Keymaker knows (schema {version}); use a newer Keymaker"
    )]
    TooNew { place: String, version: i64 },
    #[error("{place} may not be read: {reason}")]
    NoRights { place: String, reason: String },
    #[error("Synapse was started while {0} was read; run this again")]
    Disturbed(String),
    #[error("{place} failed: {reason}")]
    Failed { place: String, reason: sqlx::Error },
}

/// Where a Synapse keeps its data. It shows no password.
#[derive(Clone, Debug)]
pub enum Address {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl FromStr for Address {
    type Err = SourceError;

    fn from_str(uri: &str) -> Result<Self, SourceError> {
        if let Some(path) = uri.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return Ok(Self::Sqlite(PathBuf::from(path.split('?').next().unwrap_or(path))));
        }
        if !uri.starts_with("postgres://") && !uri.starts_with("postgresql://") {
            return Err(SourceError::Address);
        }
        // The reason could quote the address, and with it the password.
        let options = PgConnectOptions::from_str(uri).map_err(|_| SourceError::Address)?;
        Ok(Self::Postgres(Box::new(options)))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "the SQLite database {}", file.display()),
            Self::Postgres(options) => {
                let socket = options.get_socket().map(|socket| socket.display().to_string());
                let host = socket.unwrap_or_else(|| options.get_host().to_owned());
                let name = options.get_database().unwrap_or_else(|| options.get_username());
                write!(f, "the PostgreSQL database {name} at {host}:{}", options.get_port())
            }
        }
    }
}

impl Address {
    /// Reads the section `database` of Synapse's configuration. What is wrong is told without values.
    pub fn of_synapse(database: &Value, folder: &Path) -> Result<Self, String> {
        let args: BTreeMap<&str, String> = database["args"]
            .as_object()
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((&**key, plain(value)?)))
            .collect();
        match database["name"].as_str().unwrap_or("sqlite3") {
            "sqlite3" => match args.get("database").map(String::as_str) {
                None | Some(":memory:") => Err("Synapse keeps its data in memory only".to_owned()),
                Some(file) => Ok(Self::Sqlite(folder.join(file))),
            },
            "psycopg2" => of_psycopg2(&args, folder).map(|options| Self::Postgres(Box::new(options))),
            _ => Err("database.name of Synapse's configuration is neither sqlite3 nor psycopg2".to_owned()),
        }
    }
}

fn of_psycopg2(args: &BTreeMap<&str, String>, folder: &Path) -> Result<PgConnectOptions, String> {
    let told =
        |key: &str| format!("database.args.{key} of Synapse's configuration is not one that Keymaker understands");
    if let Some(key) = ["service", "dsn", "options"].iter().find(|key| args.contains_key(**key)) {
        return Err(told(key));
    }
    // The variables of libpq (PGHOST and so on) count where the configuration says nothing, as they do for Synapse.
    let mut options = PgConnectOptions::new_without_pgpass();
    if let Some(host) = args.get("hostaddr").or_else(|| args.get("host")) {
        if host.contains(',') {
            return Err("database.args.host of Synapse's configuration names several hosts".to_owned());
        }
        options = if host.starts_with('/') { options.socket(host) } else { options.host(host) };
    }
    if let Some(port) = args.get("port") {
        options = options.port(port.parse().map_err(|_| told("port"))?);
    }
    if let Some(mode) = args.get("sslmode") {
        options = options.ssl_mode(PgSslMode::from_str(mode).map_err(|_| told("sslmode"))?);
    }
    for (key, with) in [
        ("user", PgConnectOptions::username as fn(PgConnectOptions, &str) -> PgConnectOptions),
        ("dbname", PgConnectOptions::database),
        ("database", PgConnectOptions::database),
        ("sslrootcert", |options, file| options.ssl_root_cert(file)),
        ("sslcert", |options, file| options.ssl_client_cert(file)),
        ("sslkey", |options, file| options.ssl_client_key(file)),
    ] {
        if let Some(value) = args.get(key) {
            options = with(options, value);
        }
    }
    let password = match (args.get("password"), args.get("passfile")) {
        (Some(password), _) => Some(password.clone()),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(folder.join(file));
            let text =
                text.map_err(|error| format!("{}, which holds passwords, cannot be read: {error}", told_file(file)))?;
            find_password(&text, &options)
        }
        (None, None) => None,
    };
    Ok(match password {
        Some(password) => options.password(&password),
        None => options,
    })
}

fn told_file(file: &str) -> String {
    format!("the file {file} of database.args.passfile")
}

/// Finds the password in a file of libpq's form: `host:port:database:user:password`, where `*` is anything.
fn find_password(text: &str, options: &PgConnectOptions) -> Option<String> {
    let host = if options.get_socket().is_some() { "localhost" } else { options.get_host() };
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    let wanted = [host, &options.get_port().to_string(), database, options.get_username()];
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let mut fields = vec![String::new()];
        let mut letters = line.chars();
        while let Some(letter) = letters.next() {
            match letter {
                ':' if fields.len() < 5 => fields.push(String::new()),
                '\\' => fields.last_mut()?.extend(letters.next()),
                letter => fields.last_mut()?.push(letter),
            }
        }
        let is_meant =
            fields.len() == 5 && fields.iter().zip(wanted).all(|(field, wanted)| field == "*" || field == wanted);
        is_meant.then(|| fields.pop()).flatten()
    })
}

/// An open Synapse database, seen as it was when it was opened.
pub struct Source {
    connection: Connection,
    place: String,
    /// Synapse's own number for the shape of the database.
    pub schema: i64,
    columns: BTreeSet<(String, String)>,
    /// A file that nobody had open, and when it was last written.
    at_rest: Option<(PathBuf, SystemTime)>,
    /// Unix milliseconds: what had expired by then is over.
    now: i64,
    /// What orders text by bytes, as SQLite always does; empty where the database does too, so that its indexes serve.
    collation: &'static str,
}

enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(sqlx::FromRow)]
struct Column {
    table_name: String,
    column_name: String,
}

#[derive(sqlx::FromRow)]
struct Version {
    version: i64,
    compat_version: i64,
}

impl Source {
    /// Opens a database, as of a moment (Unix milliseconds), and makes sure that it is a Synapse's.
    ///
    /// # Errors
    /// One clear sentence when it cannot be opened or is something else.
    pub async fn open(address: &Address, now: i64) -> Result<Self, SourceError> {
        let place = address.to_string();
        let mut source = match address {
            Address::Sqlite(file) => open_sqlite(file, place).await?,
            Address::Postgres(options) => open_postgres(options, place).await?,
        };
        source.now = now;
        source.check_schema().await?;
        Ok(source)
    }

    /// Counts the rows of a table, so that it can be told how far one is.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn count(&mut self, table: &'static str) -> Result<u64, SourceError> {
        let count = self.stream::<(i64,)>(format!("SELECT COUNT(*) FROM {table}")).next().await?;
        Ok(count.map_or(0, |(count,)| count.unsigned_abs()))
    }

    /// Streams all rows of a kind in the order of their key.
    pub fn rows<'a, T: Record + 'a>(&'a mut self) -> Rows<'a, T> {
        let sql = self.sql(T::SQL);
        self.stream(sql)
    }

    fn stream<'a, T: Row + 'a>(&'a mut self, sql: String) -> Rows<'a, T> {
        let sql = AssertSqlSafe(sql);
        macro_rules! rows {
            ($connection:expr) => {{
                let mut stream = sqlx::query_as(sql).fetch($connection);
                Box::new(move |context: &mut Context<'_>| Pin::as_mut(&mut stream).poll_next(context))
            }};
        }
        let is_from_thread = matches!(self.connection, Connection::Sqlite(_));
        let poll: Box<Poller<'_, T>> = match &mut self.connection {
            Connection::Sqlite(connection) => rows!(connection),
            Connection::Postgres(connection) => rows!(connection),
        };
        Rows { poll, is_from_thread, place: &self.place, unreadable: 0 }
    }

    /// Fills in what differs between engines and ages of Synapse.
    fn sql(&self, text: &str) -> String {
        let has = |column: &str| self.columns.contains(&("users".to_owned(), column.to_owned()));
        text.replace("{account}", Account::COLUMNS)
            .replace("{C}", self.collation)
            .replace("{now}", &self.now.to_string())
            .replace("{locked}", if has("locked") { "u.locked" } else { "FALSE" })
            .replace("{suspended}", if has("suspended") { "u.suspended" } else { "FALSE" })
    }

    async fn check_schema(&mut self) -> Result<(), SourceError> {
        let columns = match self.connection {
            Connection::Sqlite(_) => {
                "SELECT m.name AS table_name, c.name AS column_name
                 FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
            }
            // The tables that a bare name means, whatever rights there are on them.
            Connection::Postgres(_) => {
                "SELECT c.relname::text AS table_name, a.attname::text AS column_name
                 FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
                 WHERE c.relkind IN ('r', 'p') AND pg_table_is_visible(c.oid) AND a.attnum > 0 AND NOT a.attisdropped"
            }
        };
        let mut rows = self.stream::<Column>(columns.to_owned());
        let mut known = BTreeSet::new();
        while let Some(Column { table_name, column_name }) = rows.next().await? {
            if TABLES.iter().any(|(table, _)| *table == table_name) || table_name.starts_with("schema_") {
                known.insert((table_name, column_name));
            }
        }
        drop(rows);
        self.columns = known;
        let has_table = |name: &str| self.columns.iter().any(|(table, _)| table == name);
        // Other programs have users and devices as well.
        if !has_table("schema_version") || !TABLES.iter().any(|(table, _)| has_table(table)) {
            return Err(SourceError::NotSynapses(self.place.clone()));
        }
        if !has_table("schema_compat_version") {
            let missing = "the table schema_compat_version".to_owned();
            return Err(SourceError::Half { place: self.place.clone(), missing });
        }
        self.check_version().await?;
        let wanted = TABLES.iter().flat_map(|(table, columns)| columns.iter().map(move |column| (*table, *column)));
        let missing = wanted
            .into_iter()
            .find(|(table, column)| !self.columns.contains(&((*table).to_owned(), (*column).to_owned())));
        match missing {
            None => self.check_rights().await,
            Some((table, column)) => {
                let is_whole = !self.columns.iter().any(|(known, _)| known == table);
                let missing =
                    if is_whole { format!("the table {table}") } else { format!("the column {table}.{column}") };
                Err(SourceError::Half { place: self.place.clone(), missing })
            }
        }
    }

    /// Reads a little of everything: what may not be read is told before anything is done.
    async fn check_rights(&mut self) -> Result<(), SourceError> {
        for (table, _) in TABLES {
            self.stream::<(i64,)>(format!("SELECT CAST(1 AS BIGINT) FROM {table} LIMIT 1")).next().await?;
        }
        Ok(())
    }

    async fn check_version(&mut self) -> Result<(), SourceError> {
        let sql = "SELECT CAST(version AS BIGINT) AS version, \
             CAST(COALESCE((SELECT MAX(compat_version) FROM schema_compat_version), 0) AS BIGINT) AS compat_version \
             FROM schema_version";
        let version = self.stream::<Version>(sql.to_owned()).next().await?;
        let place = self.place.clone();
        match version {
            None => Err(SourceError::NotSynapses(place)),
            Some(Version { version, .. }) if version < OLDEST_SCHEMA => Err(SourceError::TooOld { place, version }),
            // Synapse's own rule: newer is no harm as long as code of this age may still work on it.
            Some(Version { version, compat_version }) if compat_version > NEWEST_SCHEMA => {
                Err(SourceError::TooNew { place, version })
            }
            Some(Version { version, .. }) => {
                self.schema = version;
                Ok(())
            }
        }
    }

    /// Makes sure that what was read was what is there.
    ///
    /// # Errors
    /// When somebody has begun to write to a file that was taken for one at rest.
    pub fn check_undisturbed(&self) -> Result<(), SourceError> {
        match &self.at_rest {
            Some((file, written_at)) if at_rest(file) != Some(*written_at) => {
                Err(SourceError::Disturbed(self.place.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Gives where this is, for the report.
    pub fn place(&self) -> &str {
        &self.place
    }
}

async fn open_sqlite(file: &Path, place: String) -> Result<Source, SourceError> {
    match std::fs::metadata(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(SourceError::Missing(file.to_owned()));
        }
        Ok(found) if found.is_dir() => return Err(SourceError::NotADatabase(file.to_owned())),
        _ => {}
    }
    let explain = |error: sqlx::Error| match code(&error).as_deref() {
        // SQLITE_NOTADB
        Some("26") => SourceError::NotADatabase(file.to_owned()),
        _ => SourceError::NoFileRights { file: file.to_owned(), reason: error.to_string() },
    };
    let at_rest = at_rest(file).map(|written_at| (file.to_owned(), written_at));
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .create_if_missing(false)
        .immutable(at_rest.is_some())
        .busy_timeout(Duration::from_secs(30))
        .row_buffer_size(ROWS_AHEAD)
        // In KiB: the users, to whom almost every row leads, are looked up in no order.
        .pragma("cache_size", "-16384")
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(explain)?;
    let mode: (String,) = sqlx::query_as("PRAGMA journal_mode").fetch_one(&mut connection).await.map_err(explain)?;
    // With a write-ahead log, as current Synapses have it, one transaction sees one moment and nobody waits for it.
    // Without one, whoever writes waits for whoever reads: then every statement stands alone, so that a Synapse that runs
    // meanwhile waits for none of them for long.
    if mode.0.eq_ignore_ascii_case("wal") {
        sqlx::query("BEGIN").execute(&mut connection).await.map_err(explain)?;
    }
    // The first read is what finds a file that is no database.
    sqlx::query("SELECT COUNT(*) FROM sqlite_master").execute(&mut connection).await.map_err(explain)?;
    let connection = Connection::Sqlite(connection);
    Ok(Source { connection, place, schema: 0, columns: BTreeSet::new(), at_rest, now: 0, collation: "" })
}

/// Tells when a database with a write-ahead log was last written, if nobody has it open.
///
/// Even to read it, SQLite would make the log's files beside it. Left behind by another user they would keep Synapse from
/// its own database, and in a folder that cannot be written they cannot be made; so such a file is read as one that does
/// not change.
fn at_rest(file: &Path) -> Option<SystemTime> {
    let mut header = [0; 20];
    std::fs::File::open(file).and_then(|mut file| file.read_exact(&mut header)).ok()?;
    // https://sqlite.org/fileformat.html §1.3: two for a write-ahead log, and one without.
    let has_log = header[19] == 2;
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    let modified = || std::fs::metadata(file).and_then(|found| found.modified()).ok();
    if has_log && !Path::new(&log).exists() { modified() } else { None }
}

async fn open_postgres(options: &PgConnectOptions, place: String) -> Result<Source, SourceError> {
    let unreachable = |reason: String| SourceError::Unreachable { place: place.clone(), reason };
    let options = options.clone().application_name("keymaker").disable_statement_logging();
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, options.connect()).await;
    let connected = connected.map_err(|_| unreachable("nobody answers".to_owned()))?;
    let mut connection = connected.map_err(|error| unreachable(error.to_string()))?;
    let failed = |error: sqlx::Error| unreachable(error.to_string());
    for sql in [
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        // A large table takes longer than what administrators grant a web request.
        "SET LOCAL statement_timeout = 0",
        // Everything is read and sorted once: what suits short questions makes this go by way of the disk.
        "SET LOCAL work_mem = '128MB'",
        "SET LOCAL jit = off",
    ] {
        sqlx::query(sql).execute(&mut connection).await.map_err(failed)?;
    }
    let (orders_by_bytes,): (bool,) = sqlx::query_as(
        "SELECT datcollate IN ('C', 'POSIX') AND COALESCE(to_jsonb(d) ->> 'datlocprovider', 'c') = 'c'
         FROM pg_database d WHERE datname = current_database()",
    )
    .fetch_one(&mut connection)
    .await
    .map_err(failed)?;
    let collation = if orders_by_bytes { "" } else { " COLLATE \"C\"" };
    let connection = Connection::Postgres(connection);
    Ok(Source { connection, place, schema: 0, columns: BTreeSet::new(), at_rest: None, now: 0, collation })
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned())
}

type Poller<'a, T> = dyn FnMut(&mut Context<'_>) -> Poll<Option<sqlx::Result<T>>> + Send + 'a;

/// Rows on their way, a few of them in memory at a time.
pub struct Rows<'a, T> {
    poll: Box<Poller<'a, T>>,
    /// Whether a thread reads them ahead: to be woken by it for every single row takes longer than to read the row.
    is_from_thread: bool,
    place: &'a str,
    /// How many rows were passed over because something in them cannot be read, such as text that is none.
    pub unreadable: u64,
}

impl<T> Rows<'_, T> {
    /// Gives the next row that can be read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn next(&mut self) -> Result<Option<T>, SourceError> {
        loop {
            match self.next_result().await.transpose() {
                Ok(row) => return Ok(row),
                Err(sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_)) => self.unreadable += 1,
                Err(error) => return Err(self.explain(error)),
            }
        }
    }

    async fn next_result(&mut self) -> Option<sqlx::Result<T>> {
        if !self.is_from_thread {
            return poll_fn(|context| (self.poll)(context)).await;
        }
        loop {
            match (self.poll)(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(row) => return row,
                Poll::Pending => tokio::time::sleep(REST).await,
            }
        }
    }

    fn explain(&self, error: sqlx::Error) -> SourceError {
        let place = self.place.to_owned();
        match code(&error).as_deref() {
            // PostgreSQL appendix A: insufficient_privilege.
            Some("42501") => SourceError::NoRights { place, reason: error.to_string() },
            _ => SourceError::Failed { place, reason: error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_understood_and_shown_without_its_password() {
        for (uri, shown) in [
            ("sqlite:///var/lib/homeserver.db?mode=rwc", "the SQLite database /var/lib/homeserver.db"),
            ("sqlite:here.db", "the SQLite database here.db"),
            ("postgresql://synapse:hunter2@db:5433/matrix", "the PostgreSQL database matrix at db:5433"),
        ] {
            let address: Address = uri.parse().unwrap();
            assert_eq!(address.to_string(), shown);
        }
        for uri in ["mysql://root:hunter2@x/y", "homeserver.db", "postgresql://a:hunter2@:x"] {
            let error = uri.parse::<Address>().unwrap_err().to_string();
            assert!(!error.contains("hunter2") && error.contains("postgresql://"), "{error}");
        }
    }

    #[test]
    fn a_password_file_is_read_as_libpq_reads_it() {
        let options =
            PgConnectOptions::new_without_pgpass().host("db").port(5432).username("syn:apse").database("matrix");
        let text =
            "# comment\nother:*:*:*:no\ndb:5432:matrix:bob:no\ndb:*:matrix:syn\\:apse:hunter\\:2\\\\:x\n*:*:*:*:late";
        assert_eq!(find_password(text, &options).as_deref(), Some("hunter:2\\:x"));
        assert_eq!(find_password("short:line", &options), None);
    }
}
