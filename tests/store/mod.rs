//! Two engines, one SQL: every statement is prepared on both, and the two schemas are the same.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqlSafeStr, SqliteConnection};

use crate::support::database::{Database, SERVER_URI};

/// Finds every statement in the sources: each is a literal, because `sql()` takes nothing else.
fn statements() -> Vec<String> {
    let mut found = Vec::new();
    let mut calls = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/store")).unwrap() {
        let source = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let code: String =
            source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
        for (at, call) in code.match_indices(".sql(") {
            calls += 1;
            let rest = code[at + call.len()..].trim_start();
            if let Some(literal) = rest.strip_prefix('"') {
                found.push(literal[..literal.find('"').unwrap()].to_owned());
            }
        }
    }
    assert_eq!(calls, found.len(), "a statement that is no literal escapes this test");
    assert!(found.len() > 40);
    found
}

#[tokio::test]
async fn every_statement_can_be_prepared() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::fresh(directory.path()).await;
    let db = keymaker::store::db::Db::open(&database.uri, 2).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    for sql in statements() {
        let checked = AssertSqlSafe(sql.clone()).into_sql_str();
        let result = if database.uri.starts_with("sqlite:") {
            SqliteConnection::connect(&database.uri).await.unwrap().prepare(checked).await.map(|_| ())
        } else {
            PgConnection::connect(&database.uri).await.unwrap().prepare(checked).await.map(|_| ())
        };
        assert!(result.is_ok(), "{sql}: {result:?}");
    }
}

/// One column: table, name, kind of value, whether it may be absent.
type Column = (String, String, &'static str, bool);

fn kind(declared: &str) -> &'static str {
    match declared.to_lowercase().as_str() {
        "text" => "text",
        "bigint" => "integer",
        "boolean" => "boolean",
        "bytea" => "bytes",
        other => panic!("{other} is not a portable type"),
    }
}

async fn sqlite_schema() -> (BTreeSet<Column>, BTreeSet<String>) {
    let directory = tempfile::tempdir().unwrap();
    let uri = format!("sqlite://{}", directory.path().join("schema.db").display());
    let db = keymaker::store::db::Db::open(&uri, 2).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    let mut connection = SqliteConnection::connect(&uri).await.unwrap();
    let columns = sqlx::query(
        "SELECT m.name, c.name, c.type, c.\"notnull\" FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '\\_sqlx%' ESCAPE '\\'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
    .iter()
    .map(|row| (row.get(0), row.get(1), kind(row.get::<&str, _>(2)), row.get::<i64, _>(3) == 0))
    .collect();
    let indexes = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        .fetch_all(&mut connection)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    (columns, indexes)
}

#[tokio::test]
async fn the_two_schemas_are_the_same() {
    let (columns, indexes) = sqlite_schema().await;
    assert!(columns.iter().any(|(table, name, ..)| table == "tokens" && name == "secret_hash"));
    if std::env::var(SERVER_URI).is_err() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let database = Database::fresh(directory.path()).await;
    let db = keymaker::store::db::Db::open(&database.uri, 2).await.unwrap();
    db.migrate().await.unwrap();
    db.close().await;
    let mut connection = PgConnection::connect(&database.uri).await.unwrap();
    let postgres_columns: BTreeSet<Column> = sqlx::query(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable = 'YES'
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
    .iter()
    .map(|row| (row.get(0), row.get(1), kind(row.get::<&str, _>(2)), row.get(3)))
    .collect();
    let postgres_indexes: BTreeSet<String> = sqlx::query(
        "SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%pkey'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap()
    .iter()
    .map(|row| row.get(0))
    .collect();
    assert_eq!(columns, postgres_columns);
    assert_eq!(indexes, postgres_indexes);
}
