//! Loading very many rows in one transaction, in the way that each engine is fastest at: COPY on PostgreSQL, statements
//! of many rows on SQLite. Until it commits, nothing has happened, whatever becomes of the process.

use std::{fmt::Write, str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Sqlite, SqliteConnection,
    postgres::PgConnectOptions,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::db::{Arg, Row};

/// How many values SQLite binds to one statement.
const SQLITE_VALUES: usize = 8_192;
/// Names the lock of PostgreSQL by which imports keep out of each other's way.
const POSTGRES_LOCK: i64 = 0x6b65_796d_616b_6572;
/// Another connection writes, and this one would wait for it for too long.
const SQLITE_BUSY: &str = "5";

/// A table and those of its columns that are loaded.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [&'static str],
}

/// Rows on their way into a table, one value after the other.
#[derive(Debug)]
pub struct Batch {
    pub table: &'static Table,
    /// Before the table's name: a temporary table with the same columns.
    pub prefix: &'static str,
    pub values: Vec<Arg>,
}

/// A connection of its own, in a transaction.
pub struct Bulk(Engine);

enum Engine {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// What was dropped to load faster, as the statements that bring it back.
pub struct Dropped(Vec<String>);

impl Bulk {
    /// Connects and begins a transaction; nothing when somebody else writes, or loads, just now.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(uri: &str) -> sqlx::Result<Option<Self>> {
        if uri.starts_with("sqlite:") { begin_sqlite(uri).await } else { begin_postgres(uri).await }
    }

    /// Connects and begins a transaction that writes only to temporary tables, and sees one moment of the others.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin_reading(uri: &str) -> sqlx::Result<Self> {
        if uri.starts_with("sqlite:") {
            let mut connection = connect_sqlite(uri).await?;
            connection.execute("BEGIN").await?;
            return Ok(Self(Engine::Sqlite(connection)));
        }
        let mut connection = connect_postgres(uri).await?;
        for sql in ["BEGIN ISOLATION LEVEL REPEATABLE READ", "SET LOCAL statement_timeout = 0"] {
            connection.execute(sql).await?;
        }
        Ok(Self(Engine::Postgres(connection)))
    }

    /// Gives the rows of a statement without arguments.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn all<T: Row>(&mut self, sql: &str) -> sqlx::Result<Vec<T>> {
        let sql = AssertSqlSafe(sql.to_owned());
        match &mut self.0 {
            Engine::Sqlite(connection) => sqlx::query_as(sql).fetch_all(connection).await,
            Engine::Postgres(connection) => sqlx::query_as(sql).fetch_all(connection).await,
        }
    }

    /// Runs a statement without arguments, and gives how many rows it changed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn run(&mut self, sql: &str) -> sqlx::Result<u64> {
        let sql = AssertSqlSafe(sql.to_owned());
        Ok(match &mut self.0 {
            Engine::Sqlite(connection) => connection.execute(sql).await?.rows_affected(),
            Engine::Postgres(connection) => connection.execute(sql).await?.rows_affected(),
        })
    }

    /// Inserts rows.
    ///
    /// # Errors
    /// When the database fails, and when a row breaks a rule of its table.
    pub async fn insert(&mut self, batch: Batch) -> sqlx::Result<()> {
        match &mut self.0 {
            Engine::Sqlite(connection) => insert_sqlite(connection, batch).await,
            Engine::Postgres(connection) => copy(connection, batch).await,
        }
    }

    /// Drops what makes loading slow: the indexes of these tables, and on PostgreSQL the foreign keys and unique
    /// constraints as well, which other tables may refer to.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn drop_indexes(&mut self, tables: &[&str]) -> sqlx::Result<Dropped> {
        let list = tables.iter().map(|table| format!("'{table}'")).collect::<Vec<_>>().join(", ");
        let mut restore = Vec::new();
        match &mut self.0 {
            Engine::Sqlite(connection) => {
                let sql = format!(
                    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({list}) ORDER BY name"
                );
                let found: Vec<(String, String)> =
                    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
                for (name, sql) in found {
                    connection.execute(AssertSqlSafe(format!("DROP INDEX {name}"))).await?;
                    restore.push(sql);
                }
            }
            Engine::Postgres(connection) => {
                // Foreign keys go first and come back last: they need the unique constraints.
                let sql = format!(
                    "SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || quote_ident(conname),
                         'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' || quote_ident(conname) || ' '
                             || pg_get_constraintdef(oid)
                     FROM pg_constraint
                     WHERE contype IN ('f', 'p', 'u') AND (conrelid IN (SELECT t::regclass FROM unnest(ARRAY[{list}]) t)
                         OR confrelid IN (SELECT t::regclass FROM unnest(ARRAY[{list}]) t))
                     ORDER BY contype <> 'f', conname"
                );
                let constraints: Vec<(String, String)> =
                    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
                for (drop, _) in &constraints {
                    connection.execute(AssertSqlSafe(drop.clone())).await?;
                }
                let sql = format!(
                    "SELECT 'DROP INDEX ' || indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index
                     WHERE indrelid IN (SELECT t::regclass FROM unnest(ARRAY[{list}]) t) ORDER BY indexrelid::regclass::text"
                );
                let indexes: Vec<(String, String)> =
                    sqlx::query_as(AssertSqlSafe(sql)).fetch_all(&mut *connection).await?;
                for (drop, create) in indexes {
                    connection.execute(AssertSqlSafe(drop)).await?;
                    restore.push(create);
                }
                restore.extend(constraints.into_iter().rev().map(|(_, add)| add));
            }
        }
        Ok(Dropped(restore))
    }

    /// Brings back what was dropped, and tells of each step before it begins.
    ///
    /// # Errors
    /// When the database fails, and when a row breaks a rule.
    pub async fn restore(&mut self, Dropped(statements): Dropped, mut told: impl FnMut(u64, u64)) -> sqlx::Result<()> {
        let all = statements.len() as u64;
        for (sql, done) in statements.into_iter().zip(0..) {
            told(done, all);
            self.run(&sql).await?;
        }
        told(all, all);
        Ok(())
    }

    /// Lets the engine look at what is there now, so that its plans fit from the first request on.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn analyze(&mut self, tables: &[&str]) -> sqlx::Result<()> {
        for table in tables {
            self.run(&format!("ANALYZE {table}")).await?;
        }
        Ok(())
    }

    /// Makes everything durable.
    ///
    /// # Errors
    /// When the database fails: then nothing has happened.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        self.run("COMMIT").await?;
        self.close().await
    }

    /// Leaves everything as it was.
    ///
    /// # Errors
    /// When the database fails; nothing has happened then either.
    pub async fn roll_back(mut self) -> sqlx::Result<()> {
        self.run("ROLLBACK").await?;
        self.close().await
    }

    async fn close(self) -> sqlx::Result<()> {
        match self.0 {
            Engine::Sqlite(mut connection) => {
                // The log is as large as what was loaded; the next start should not have to read it.
                let _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
                connection.close().await
            }
            Engine::Postgres(connection) => connection.close().await,
        }
    }
}

async fn connect_sqlite(uri: &str) -> sqlx::Result<SqliteConnection> {
    let options = SqliteConnectOptions::from_str(uri)?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        // Looking up every reference of millions of rows takes as long as all the rest; who loads knows that they hold.
        .foreign_keys(false)
        .busy_timeout(Duration::from_secs(5))
        .pragma("cache_size", "-65536")
        .disable_statement_logging();
    options.connect().await
}

async fn begin_sqlite(uri: &str) -> sqlx::Result<Option<Bulk>> {
    let mut connection = connect_sqlite(uri).await?;
    match connection.execute("BEGIN IMMEDIATE").await {
        Ok(_) => Ok(Some(Bulk(Engine::Sqlite(connection)))),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(SQLITE_BUSY) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn connect_postgres(uri: &str) -> sqlx::Result<PgConnection> {
    let options = PgConnectOptions::from_str(uri)?.application_name("keymaker import").disable_statement_logging();
    options.connect().await
}

async fn begin_postgres(uri: &str) -> sqlx::Result<Option<Bulk>> {
    let mut connection = connect_postgres(uri).await?;
    for sql in ["BEGIN", "SET LOCAL statement_timeout = 0", "SET LOCAL maintenance_work_mem = '256MB'"] {
        connection.execute(sql).await?;
    }
    let (is_ours,): (bool,) =
        sqlx::query_as("SELECT pg_try_advisory_xact_lock($1)").bind(POSTGRES_LOCK).fetch_one(&mut connection).await?;
    Ok(is_ours.then_some(Bulk(Engine::Postgres(connection))))
}

async fn insert_sqlite(connection: &mut SqliteConnection, batch: Batch) -> sqlx::Result<()> {
    let Batch { table, prefix, values } = batch;
    let width = table.columns.len();
    let rows = SQLITE_VALUES / width;
    let row = format!("({})", vec!["?"; width].join(", "));
    let mut left = values.len() / width;
    let mut values = values.into_iter();
    while left > 0 {
        let now = left.min(rows);
        let sql = format!(
            "INSERT INTO {prefix}{} ({}) VALUES {}",
            table.name,
            table.columns.join(", "),
            vec![row.as_str(); now].join(", ")
        );
        // Batches are of one size but for the last one of a table, whose statement nobody needs twice.
        let mut query: Query<'_, Sqlite, SqliteArguments> = sqlx::query(AssertSqlSafe(sql)).persistent(now == rows);
        for value in values.by_ref().take(now * width) {
            query = match value {
                Arg::Text(value) => query.bind(value),
                Arg::Int(value) => query.bind(value),
                Arg::Bool(value) => query.bind(value),
                Arg::Blob(value) => query.bind(value),
            };
        }
        query.execute(&mut *connection).await?;
        left -= now;
    }
    Ok(())
}

/// Writes rows in PostgreSQL's binary form (documentation of COPY, "Binary Format").
async fn copy(connection: &mut PgConnection, batch: Batch) -> sqlx::Result<()> {
    let Batch { table, prefix, values } = batch;
    let width = table.columns.len();
    let mut bytes = Vec::with_capacity(values.len() * 24);
    bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for row in values.chunks(width) {
        bytes.extend_from_slice(&(width as i16).to_be_bytes());
        for value in row {
            encode(value, &mut bytes);
        }
    }
    bytes.extend_from_slice(&(-1_i16).to_be_bytes());
    let mut sql = String::new();
    let _ = write!(sql, "COPY {prefix}{} ({}) FROM STDIN (FORMAT binary)", table.name, table.columns.join(", "));
    let mut stream = connection.copy_in_raw(&sql).await?;
    stream.send(bytes).await?;
    stream.finish().await?;
    Ok(())
}

fn encode(value: &Arg, bytes: &mut Vec<u8>) {
    let mut field = |field: Option<&[u8]>| match field {
        Some(field) => {
            bytes.extend_from_slice(&(field.len() as i32).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        None => bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
    };
    match value {
        Arg::Text(value) => field(value.as_deref().map(str::as_bytes)),
        Arg::Int(value) => field(value.map(i64::to_be_bytes).as_ref().map(<[u8; 8]>::as_slice)),
        Arg::Bool(value) => field(value.map(|value| [u8::from(value)]).as_ref().map(<[u8; 1]>::as_slice)),
        Arg::Blob(value) => field(value.as_deref()),
    }
}
