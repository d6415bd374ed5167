//! Loading very many rows in one transaction, in the way that each engine is fastest at: COPY on PostgreSQL, statements
//! of many rows on SQLite. Until it commits, nothing has happened, whatever becomes of the process.

use std::{str::FromStr, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Sqlite, SqliteConnection,
    postgres::PgConnectOptions,
    query::Query,
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::db::{Arg, Row};

/// How many values SQLite binds to one statement.
const SQLITE_VALUES: usize = 2_048;
/// Names the lock of PostgreSQL by which imports keep out of each other's way.
const POSTGRES_LOCK: i64 = 0x6b65_796d_616b_6572;
/// Another connection writes, and this one would wait for it for too long.
const SQLITE_BUSY: &str = "5";

/// A table and those of its columns that are loaded. The first one is what a row is found by.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Type)],
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Int,
    Bool,
    Blob,
}

impl Table {
    /// Gives the names of the columns as a statement lists them.
    pub fn list(&self) -> String {
        self.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    }

    /// Gives the column that a row is found by.
    pub fn key(&self) -> &'static str {
        self.columns[0].0
    }
}

/// Rows on their way into a table, one behind the other in PostgreSQL's binary form (documentation of COPY, "Binary Format").
#[derive(Debug)]
pub struct Batch {
    pub table: &'static Table,
    /// Before the table's name: a temporary table with the same columns.
    pub prefix: &'static str,
    rows: usize,
    bytes: Vec<u8>,
}

impl Batch {
    /// Makes one without rows, with room for so many bytes.
    pub fn new(table: &'static Table, prefix: &'static str, bytes: usize) -> Self {
        let mut batch = Self { table, prefix, rows: 0, bytes: Vec::with_capacity(bytes) };
        batch.bytes.extend_from_slice(HEADER);
        batch
    }

    /// Adds a row, whose values are of the types of the columns.
    pub fn push<const N: usize>(&mut self, row: [Arg; N]) {
        debug_assert_eq!(N, self.table.columns.len(), "{}", self.table.name);
        self.rows += 1;
        self.bytes.extend_from_slice(&(N as i16).to_be_bytes());
        for value in row {
            encode(&value, &mut self.bytes);
        }
    }

    /// Gives how many bytes there are.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A connection of its own, in a transaction.
pub struct Bulk(Engine);

enum Engine {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// What was dropped to load faster, as the statements that bring it back.
pub struct Dropped(Vec<String>);

impl Dropped {
    /// Gives how many there are.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }
}

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
            Engine::Sqlite(connection) => insert_sqlite(connection, &batch).await,
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

    /// Brings back what was dropped, and tells how much of it is back.
    ///
    /// # Errors
    /// When the database fails, and when a row breaks a rule.
    pub async fn restore(&mut self, Dropped(statements): Dropped, mut told: impl FnMut(u64)) -> sqlx::Result<()> {
        for (sql, done) in statements.into_iter().zip(0..) {
            told(done);
            self.run(&sql).await?;
            told(done + 1);
        }
        Ok(())
    }

    /// Tells whether rows are loaded more quickly in the order of their keys. SQLite cannot do without the index of a
    /// primary key, and to insert into the middle of a large one costs it a page for each row.
    pub fn is_sorting(&self) -> bool {
        matches!(self.0, Engine::Sqlite(_))
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
        // In KiB. It is also how much is sorted at a time.
        .pragma("cache_size", "-16384")
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

async fn insert_sqlite(connection: &mut SqliteConnection, batch: &Batch) -> sqlx::Result<()> {
    let Batch { table, prefix, rows, bytes } = batch;
    let width = table.columns.len();
    let at_once = SQLITE_VALUES / width;
    let row = format!("({})", vec!["?"; width].join(", "));
    let mut fields = Fields { bytes: &bytes[HEADER.len()..] };
    let mut left = *rows;
    while left > 0 {
        let now = left.min(at_once);
        let values = vec![row.as_str(); now].join(", ");
        let sql = format!("INSERT INTO {prefix}{} ({}) VALUES {values}", table.name, table.list());
        // Only what is left over at the end of a batch comes in a number that will hardly come again.
        let mut query: Query<'_, Sqlite, SqliteArguments> = sqlx::query(AssertSqlSafe(sql)).persistent(now == at_once);
        for _ in 0..now {
            fields.skip(2);
            for (_, kind) in table.columns {
                let field = fields.next();
                query = match kind {
                    Type::Text => query.bind(field.and_then(|field| str::from_utf8(field).ok())),
                    Type::Int => query.bind(field.and_then(|field| Some(i64::from_be_bytes(field.try_into().ok()?)))),
                    Type::Bool => query.bind(field.map(|field| field == [1])),
                    Type::Blob => query.bind(field),
                };
            }
        }
        query.execute(&mut *connection).await?;
        left -= now;
    }
    Ok(())
}

/// Reads what was encoded.
struct Fields<'b> {
    bytes: &'b [u8],
}

impl<'b> Fields<'b> {
    fn skip(&mut self, count: usize) -> &'b [u8] {
        let (head, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        head
    }

    fn next(&mut self) -> Option<&'b [u8]> {
        let mut length = [0; 4];
        length.copy_from_slice(self.skip(4));
        usize::try_from(i32::from_be_bytes(length)).ok().map(|length| self.skip(length))
    }
}

async fn copy(connection: &mut PgConnection, batch: Batch) -> sqlx::Result<()> {
    let Batch { table, prefix, mut bytes, .. } = batch;
    bytes.extend_from_slice(&(-1_i16).to_be_bytes());
    let sql = format!("COPY {prefix}{} ({}) FROM STDIN (FORMAT binary)", table.name, table.list());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_read_back() {
        static TABLE: Table = Table {
            name: "t",
            columns: &[("a", Type::Text), ("b", Type::Int), ("c", Type::Bool), ("d", Type::Blob), ("e", Type::Text)],
        };
        let mut batch = Batch::new(&TABLE, "", 0);
        batch.push(["naïve".into(), i64::MIN.into(), true.into(), [0_u8, 255].as_slice().into(), None::<&str>.into()]);
        let mut fields = Fields { bytes: &batch.bytes[HEADER.len()..] };
        assert_eq!(fields.skip(2), [0, 5]);
        let read: Vec<_> = (0..5).map(|_| fields.next()).collect();
        let number = i64::MIN.to_be_bytes();
        assert_eq!(read, [Some("naïve".as_bytes()), Some(&number), Some(&[1]), Some(&[0, 255]), None]);
        assert!(fields.bytes.is_empty());
    }
}
