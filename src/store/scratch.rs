//! A copy of the database to try something on: a file beside it, or a schema of its own. It goes when it was tried; what a
//! killed process left of one goes when the next begins.

use std::{
    fs::File,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions,
    sqlite::SqliteConnectOptions,
};

use super::{
    db::{DatabaseError, Db},
    import::FILLED,
};

const SCHEMA: &str = "keymaker_dry_run";
/// Names the lock of PostgreSQL by which two of them keep out of each other's way.
const LOCK: i64 = 0x6b65_796d_7363_7261;

/// The copy.
pub struct Scratch {
    pub uri: String,
    kind: Kind,
}

enum Kind {
    /// The file is locked for as long as it is held.
    Sqlite { file: PathBuf, lock_file: PathBuf, _lock: File },
    /// The connection holds the lock.
    Postgres(PgConnection),
}

impl Scratch {
    /// Copies a database as far as an import is concerned with it, or begins with an empty one where there is none yet.
    /// Nothing when somebody else has such a copy just now.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(uri: &str) -> Result<Option<Self>, DatabaseError> {
        if uri.starts_with("sqlite:") {
            of_sqlite(uri).await.map_err(DatabaseError::Unreachable)
        } else {
            of_postgres(uri).await
        }
    }

    /// Removes the copy.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove(self) -> Result<(), DatabaseError> {
        match self.kind {
            Kind::Sqlite { file, lock_file, _lock } => {
                delete(&file);
                let _ = std::fs::remove_file(lock_file);
                Ok(())
            }
            Kind::Postgres(mut connection) => {
                let drop = connection.execute(AssertSqlSafe(format!("DROP SCHEMA {SCHEMA} CASCADE"))).await;
                drop.map_err(DatabaseError::Unreachable)?;
                connection.close().await.map_err(DatabaseError::Unreachable)
            }
        }
    }
}

/// Deletes a database with its log.
fn delete(file: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
}

async fn of_sqlite(uri: &str) -> sqlx::Result<Option<Scratch>> {
    let options =
        SqliteConnectOptions::from_str(uri)?.create_if_missing(false).read_only(true).disable_statement_logging();
    let original = options.get_filename().to_owned();
    let mut file = original.clone().into_os_string();
    file.push(".dry-run");
    let file = PathBuf::from(file);
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut lock_file = file.clone().into_os_string();
    lock_file.push(".lock");
    let lock_file = PathBuf::from(lock_file);
    let lock = File::create(&lock_file)?;
    if lock.try_lock().is_err() {
        return Ok(None);
    }
    delete(&file);
    if original.exists() {
        let mut connection = options.connect().await?;
        sqlx::query("VACUUM INTO $1").bind(file.display().to_string()).execute(&mut connection).await?;
        connection.close().await?;
    }
    let uri = format!("sqlite://{}", file.display());
    Ok(Some(Scratch { uri, kind: Kind::Sqlite { file, lock_file, _lock: lock } }))
}

async fn of_postgres(uri: &str) -> Result<Option<Scratch>, DatabaseError> {
    // What is wrong with the original is wrong with the copy, which would not show it.
    let original = Db::open(uri, 1).await?;
    let checked = original.check_age().await;
    original.close().await;
    checked?;
    let connection = lock_postgres(uri).await.map_err(DatabaseError::Unreachable)?;
    let Some(mut connection) = connection else { return Ok(None) };
    let (uri, made) = (with_schema(uri), make_schema(&mut connection).await);
    made.map_err(DatabaseError::Unreachable)?;
    let db = Db::open(&uri, 1).await?;
    db.migrate().await?;
    db.close().await;
    copy_tables(&mut connection).await.map_err(DatabaseError::Unreachable)?;
    Ok(Some(Scratch { uri, kind: Kind::Postgres(connection) }))
}

/// Gives a connection that holds the lock, unless somebody else does.
async fn lock_postgres(uri: &str) -> sqlx::Result<Option<PgConnection>> {
    let mut connection = PgConnectOptions::from_str(uri)?.disable_statement_logging().connect().await?;
    let (is_ours,): (bool,) =
        sqlx::query_as("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut connection).await?;
    Ok(is_ours.then_some(connection))
}

fn with_schema(uri: &str) -> String {
    let separator = if uri.contains('?') { '&' } else { '?' };
    format!("{uri}{separator}options[search_path]={SCHEMA}")
}

async fn make_schema(connection: &mut PgConnection) -> sqlx::Result<()> {
    for sql in [format!("DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"), format!("CREATE SCHEMA {SCHEMA}")] {
        connection.execute(AssertSqlSafe(sql)).await?;
    }
    Ok(())
}

async fn copy_tables(connection: &mut PgConnection) -> sqlx::Result<()> {
    let referred = ["clients"].into_iter();
    for table in referred.chain(FILLED.map(|table| table.name)).chain(["import_ledger"]) {
        // The original may be older: what it does not have yet keeps its default.
        let (columns,): (Option<String>,) = sqlx::query_as(
            "SELECT string_agg(quote_ident(o.attname), ', ') FROM pg_attribute o JOIN pg_attribute s
                 ON s.attrelid = ($1 || '.' || $2)::regclass AND s.attname = o.attname AND NOT s.attisdropped
             WHERE o.attrelid = to_regclass($2) AND o.attnum > 0 AND NOT o.attisdropped",
        )
        .bind(SCHEMA)
        .bind(table)
        .fetch_one(&mut *connection)
        .await?;
        if let Some(columns) = columns {
            let sql = format!("INSERT INTO {SCHEMA}.{table} ({columns}) SELECT {columns} FROM {table}");
            connection.execute(AssertSqlSafe(sql)).await?;
        }
    }
    Ok(())
}
