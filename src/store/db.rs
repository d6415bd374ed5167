//! Two database engines behind one SQL text: SQLite in the process, or PostgreSQL.
//!
//! `db.sql("SELECT …")` reads; `let mut tx = db.write().await?; tx.sql("UPDATE …"); tx.commit()` writes. On SQLite a
//! write is `BEGIN IMMEDIATE` on the single writing connection: a transaction that begins by reading and then writes
//! would fail under load.

use std::{path::PathBuf, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Connection, FromRow, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous},
};
use thiserror::Error;

use crate::domain::id::{
    ClientId, DeviceGrantId, EmailVerificationId, EventId, GrantId, JobId, LogoutNoticeId, MailId, PasskeyId, ProofId,
    RecoveryId, RegistrationId, RegistrationTokenId, SessionId, SsoLoginId, TokenId, UpstreamTripId, UserEmailId,
    UserId,
};

/// The migrations that this program knows, compiled in.
pub static MIGRATIONS: Migrator = sqlx::migrate!("./migrations");

/// How long a statement waits for a connection before the request is refused.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How much of a file of SQLite's is mapped into memory, in bytes.
const MAPPED: &str = "268435456";

/// A handle on the database; cheap to clone.
#[derive(Clone)]
pub struct Db(Engine);

#[derive(Clone)]
enum Engine {
    Sqlite { read: SqlitePool, write: SqlitePool },
    Postgres(PgPool),
}

/// How old the schema of a database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    Empty,
    Older,
    Current,
}

/// Why the database cannot be used, as one sentence for the terminal.
#[derive(Debug, Error)]
pub enum DatabaseError {
    #[error("the database address is not one that Keymaker understands: {0}")]
    Address(String),
    #[error("the database cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    #[error(
        "the database was written by a newer version of Keymaker (it knows migration {0}, this program does not); run that version or restore a backup"
    )]
    Newer(i64),
    #[error("the database holds the tables of another program; give Keymaker one of its own")]
    Foreign,
    #[error("the database schema cannot be brought up to date: {0}")]
    Migration(MigrateError),
}

/// A value bound to a statement. Absent values keep their type, which PostgreSQL wants to know.
#[derive(Debug)]
pub enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
    Bool(Option<bool>),
    Blob(Option<Vec<u8>>),
}

macro_rules! args {
    ($($type:ty => $variant:ident($value:ident) $expr:expr;)*) => {$(
        impl From<$type> for Arg {
            fn from($value: $type) -> Self {
                Arg::$variant(Some($expr))
            }
        }
        impl From<Option<$type>> for Arg {
            fn from(value: Option<$type>) -> Self {
                Arg::$variant(value.map(|$value| $expr))
            }
        }
    )*};
}

args! {
    &str => Text(v) v.to_owned();
    &String => Text(v) v.clone();
    String => Text(v) v;
    i64 => Int(v) v;
    bool => Bool(v) v;
    &[u8] => Blob(v) v.to_vec();
    Vec<u8> => Blob(v) v;
    &UserId => Text(v) v.as_str().to_owned();
    &ClientId => Text(v) v.as_str().to_owned();
    &GrantId => Text(v) v.as_str().to_owned();
    &DeviceGrantId => Text(v) v.as_str().to_owned();
    &SsoLoginId => Text(v) v.as_str().to_owned();
    &RegistrationId => Text(v) v.as_str().to_owned();
    &RegistrationTokenId => Text(v) v.as_str().to_owned();
    &SessionId => Text(v) v.as_str().to_owned();
    &TokenId => Text(v) v.as_str().to_owned();
    &JobId => Text(v) v.as_str().to_owned();
    &MailId => Text(v) v.as_str().to_owned();
    &EventId => Text(v) v.as_str().to_owned();
    &LogoutNoticeId => Text(v) v.as_str().to_owned();
    &PasskeyId => Text(v) v.as_str().to_owned();
    &ProofId => Text(v) v.as_str().to_owned();
    &UserEmailId => Text(v) v.as_str().to_owned();
    &EmailVerificationId => Text(v) v.as_str().to_owned();
    &RecoveryId => Text(v) v.as_str().to_owned();
    &UpstreamTripId => Text(v) v.as_str().to_owned();
}

/// A row that both engines can give.
pub trait Row: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> {}
impl<T: Send + Unpin + for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>> Row for T {}

/// A statement with its arguments, on its way to one of the engines.
#[must_use]
pub struct Statement<'c> {
    target: Target<'c>,
    sql: &'static str,
    args: Vec<Arg>,
}

enum Target<'c> {
    Sqlite(&'c SqlitePool),
    Postgres(&'c PgPool),
    SqliteTx(&'c mut Transaction<'static, Sqlite>),
    PostgresTx(&'c mut Transaction<'static, Postgres>),
}

/// Binds the arguments and runs one method of sqlx on whichever executor this statement has.
macro_rules! run {
    ($statement:expr, $query:expr, $method:ident) => {{
        let Statement { target, sql, args } = $statement;
        match target {
            Target::Sqlite(pool) => bound!($query(sql), args).$method(pool).await,
            Target::SqliteTx(tx) => bound!($query(sql), args).$method(&mut **tx).await,
            Target::Postgres(pool) => bound!($query(sql), args).$method(pool).await,
            Target::PostgresTx(tx) => bound!($query(sql), args).$method(&mut **tx).await,
        }
    }};
}

macro_rules! bound {
    ($query:expr, $args:expr) => {{
        let mut query = $query;
        for arg in $args {
            query = match arg {
                Arg::Text(value) => query.bind(value),
                Arg::Int(value) => query.bind(value),
                Arg::Bool(value) => query.bind(value),
                Arg::Blob(value) => query.bind(value),
            };
        }
        query
    }};
}

impl Statement<'_> {
    /// Binds the next `$n`.
    pub fn bind(mut self, value: impl Into<Arg>) -> Self {
        self.args.push(value.into());
        self
    }

    /// Gives the row, if there is one.
    pub async fn optional<T: Row>(self) -> sqlx::Result<Option<T>> {
        run!(self, sqlx::query_as, fetch_optional)
    }

    /// Gives the row, which has to be there.
    pub async fn one<T: Row>(self) -> sqlx::Result<T> {
        run!(self, sqlx::query_as, fetch_one)
    }

    /// Gives all rows.
    pub async fn all<T: Row>(self) -> sqlx::Result<Vec<T>> {
        run!(self, sqlx::query_as, fetch_all)
    }

    /// Runs the statement and gives the number of rows it changed.
    pub async fn execute(self) -> sqlx::Result<u64> {
        let Statement { target, sql, args } = self;
        Ok(match target {
            Target::Sqlite(pool) => bound!(sqlx::query(sql), args).execute(pool).await?.rows_affected(),
            Target::SqliteTx(tx) => bound!(sqlx::query(sql), args).execute(&mut **tx).await?.rows_affected(),
            Target::Postgres(pool) => bound!(sqlx::query(sql), args).execute(pool).await?.rows_affected(),
            Target::PostgresTx(tx) => bound!(sqlx::query(sql), args).execute(&mut **tx).await?.rows_affected(),
        })
    }
}

/// A transaction that writes. Dropped without `commit`, it never happened.
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Begins a statement of this transaction.
    pub fn sql(&mut self, sql: &'static str) -> Statement<'_> {
        let target = match self {
            Tx::Sqlite(tx) => Target::SqliteTx(tx),
            Tx::Postgres(tx) => Target::PostgresTx(tx),
        };
        Statement { target, sql, args: Vec::new() }
    }

    /// Waits until no other transaction holds this name, and holds it to the end: between a count and what is counted
    /// nobody else comes in. On SQLite only one writes at a time anyway.
    pub async fn hold_name(&mut self, name: &str) -> sqlx::Result<()> {
        if let Tx::Postgres(tx) = self {
            let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
            sqlx::query(sql).bind(name).execute(&mut **tx).await?;
        }
        Ok(())
    }

    /// Makes everything durable, or nothing.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await,
            Tx::Postgres(tx) => tx.commit().await,
        }
    }
}

impl Db {
    /// Opens the database of a `sqlite://` or `postgres://` address, without changing it.
    ///
    /// # Errors
    /// One clear sentence when the address is wrong or nothing answers there.
    pub async fn open(uri: &str, max_connections: u32) -> Result<Self, DatabaseError> {
        if uri.starts_with("sqlite:") {
            open_sqlite(uri, MAPPED).await
        } else {
            open_postgres(uri, max_connections).await
        }
    }

    /// Opens as [`open`](Self::open) does, for one who reads very much and all of it once: with none of a file mapped,
    /// memory does not grow with what was read.
    ///
    /// # Errors
    /// As `open`.
    pub async fn open_to_read_once(uri: &str, max_connections: u32) -> Result<Self, DatabaseError> {
        if uri.starts_with("sqlite:") { open_sqlite(uri, "0").await } else { open_postgres(uri, max_connections).await }
    }

    /// Brings the schema up to date.
    ///
    /// # Errors
    /// `Newer` when the database knows a migration that this program does not, `Foreign` when it is somebody else's.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        self.check_owner().await?;
        let result = match &self.0 {
            Engine::Sqlite { write, .. } => MIGRATIONS.run(write).await,
            Engine::Postgres(pool) => MIGRATIONS.run(pool).await,
        };
        result.map_err(|error| match error {
            MigrateError::VersionMissing(version) => DatabaseError::Newer(version),
            other => DatabaseError::Migration(other),
        })
    }

    /// Tells how old the schema is, and changes nothing.
    ///
    /// # Errors
    /// `Newer` or `Foreign`.
    pub async fn check_age(&self) -> Result<Age, DatabaseError> {
        self.check_owner().await?;
        let sql = "SELECT MAX(version) AS version FROM _sqlx_migrations";
        let newest: Result<(Option<i64>,), _> = match &self.0 {
            Engine::Sqlite { read, .. } => sqlx::query_as(sql).fetch_one(read).await,
            Engine::Postgres(pool) => sqlx::query_as(sql).fetch_one(pool).await,
        };
        match newest {
            Ok((Some(version),)) if !MIGRATIONS.version_exists(version) => Err(DatabaseError::Newer(version)),
            Ok((Some(version),)) if MIGRATIONS.iter().any(|known| known.version > version) => Ok(Age::Older),
            Ok((Some(_),)) => Ok(Age::Current),
            // An empty database has no such table.
            Ok((None,)) | Err(sqlx::Error::Database(_)) => Ok(Age::Empty),
            Err(error) => Err(DatabaseError::Unreachable(error)),
        }
    }

    /// Users are what other programs keep in a database too, such as a homeserver whose address was given by mistake.
    async fn check_owner(&self) -> Result<(), DatabaseError> {
        let found = match &self.0 {
            Engine::Sqlite { write, .. } => {
                let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'users'
                     AND NOT EXISTS (SELECT 1 FROM sqlite_master WHERE name = '_sqlx_migrations')";
                sqlx::query(sql).fetch_optional(write).await.map(|row| row.is_some())
            }
            Engine::Postgres(pool) => {
                let sql = "SELECT 1 WHERE to_regclass('users') IS NOT NULL AND to_regclass('_sqlx_migrations') IS NULL";
                sqlx::query(sql).fetch_optional(pool).await.map(|row| row.is_some())
            }
        };
        match found {
            Ok(false) => Ok(()),
            Ok(true) => Err(DatabaseError::Foreign),
            Err(error) => Err(DatabaseError::Unreachable(error)),
        }
    }

    /// Begins a read.
    pub fn sql(&self, sql: &'static str) -> Statement<'_> {
        let target = match &self.0 {
            Engine::Sqlite { read, .. } => Target::Sqlite(read),
            Engine::Postgres(pool) => Target::Postgres(pool),
        };
        Statement { target, sql, args: Vec::new() }
    }

    /// Asks whether the database answers.
    pub async fn ping(&self) -> sqlx::Result<()> {
        self.sql("SELECT CAST(1 AS BIGINT)").one::<(i64,)>().await.map(|_| ())
    }

    /// Begins a transaction that writes.
    pub async fn write(&self) -> sqlx::Result<Tx> {
        Ok(match &self.0 {
            Engine::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Engine::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.0 {
            Engine::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Engine::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(uri: &str, mapped: &'static str) -> Result<Db, DatabaseError> {
    let options = SqliteConnectOptions::from_str(uri)
        .map_err(|error| DatabaseError::Address(error.to_string()))?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // A rotated refresh token that is lost to a power cut is a lost session.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(256)
        .pragma("mmap_size", mapped)
        // 32 MiB. A refresh touches some twenty pages; with the default of 4 MiB a busy server would fold the log into
        // the database twenty times a second.
        .pragma("wal_autocheckpoint", "8000");
    create_parent_folder(options.get_filename().to_path_buf());
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await
        .map_err(DatabaseError::Unreachable)?;
    let read = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_lazy_with(options.create_if_missing(false).read_only(true));
    Ok(Db(Engine::Sqlite { read, write }))
}

/// A folder that cannot be made shows itself as a database that cannot be opened, with the reason.
fn create_parent_folder(file: PathBuf) {
    if let Some(folder) = file.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
}

async fn open_postgres(uri: &str, max_connections: u32) -> Result<Db, DatabaseError> {
    let options = PgConnectOptions::from_str(uri).map_err(|error| DatabaseError::Address(error.to_string()))?;
    // The pool would try again and again, and then only say that it gave up; one connection says what is wrong.
    let first = options.connect().await.map_err(DatabaseError::Unreachable)?;
    first.close().await.map_err(DatabaseError::Unreachable)?;
    let pool = PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .connect_lazy_with(options);
    Ok(Db(Engine::Postgres(pool)))
}
