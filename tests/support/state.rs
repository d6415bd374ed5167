//! What a database holds, to be compared before and after: every table that there is, but for what a story leaves out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

use super::Server;

/// The rows of each table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State(BTreeMap<String, BTreeSet<String>>);

impl State {
    /// Reads everything but some tables, and some columns, named as `table.column`.
    pub async fn read(server: &Server, without: &[&str]) -> Self {
        let uri = server.app.config.database.uri();
        let mut tables = if uri.starts_with("sqlite:") { read_sqlite(uri).await } else { read_postgres(uri).await };
        for name in tables.keys().filter(|name| name.starts_with("_sqlx")).cloned().collect::<Vec<_>>() {
            tables.remove(&name);
        }
        for name in without {
            match name.split_once('.') {
                Some((table, column)) => {
                    let rows = tables.get_mut(table).unwrap_or_else(|| panic!("there is no table {table}"));
                    assert!(rows.iter_mut().all(|row| row.remove(column).is_some()), "there is no column {name}");
                }
                None => drop(tables.remove(*name).unwrap_or_else(|| panic!("there is no table {name}"))),
            }
        }
        let text = |rows: Vec<Map<String, Value>>| rows.into_iter().map(|row| Value::Object(row).to_string()).collect();
        Self(tables.into_iter().map(|(name, rows)| (name, text(rows))).collect())
    }

    /// Leaves out the rows of a table in which a text occurs.
    pub fn without_rows(mut self, table: &str, text: &str) -> Self {
        self.0.get_mut(table).unwrap().retain(|row| !row.contains(text));
        self
    }

    /// Tells which rows came and went.
    pub fn difference(&self, later: &Self) -> Vec<String> {
        let side = |one: &Self, other: &Self, sign: &str| -> Vec<String> {
            let gone = one.0.iter().flat_map(|(table, rows)| {
                let others = other.0.get(table).cloned().unwrap_or_default();
                rows.difference(&others).map(|row| format!("{sign} {table} {row}")).collect::<Vec<_>>()
            });
            gone.collect()
        };
        [side(self, later, "-"), side(later, self, "+")].concat()
    }
}

async fn read_sqlite(uri: &str) -> BTreeMap<String, Vec<Map<String, Value>>> {
    let mut connection = SqliteConnection::connect(uri).await.unwrap();
    let query = "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'";
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in sqlx::query(query).fetch_all(&mut connection).await.unwrap() {
        let columns = columns.entry(row.get(0)).or_default();
        columns.push(format!("'{0}', quote(\"{0}\")", row.get::<&str, _>(1)));
    }
    let mut tables = BTreeMap::new();
    for (table, columns) in columns {
        let query = format!("SELECT json_object({}) FROM \"{table}\"", columns.join(", "));
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut connection).await.unwrap();
        tables.insert(table, rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect());
    }
    tables
}

async fn read_postgres(uri: &str) -> BTreeMap<String, Vec<Map<String, Value>>> {
    let mut connection = PgConnection::connect(uri).await.unwrap();
    let query = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'";
    let names = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
    let mut tables = BTreeMap::new();
    for name in names.iter().map(|row| row.get::<String, _>(0)) {
        let query = format!("SELECT row_to_json(t)::text FROM \"{name}\" t");
        let rows = sqlx::query(AssertSqlSafe(query)).fetch_all(&mut connection).await.unwrap();
        tables.insert(name, rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect());
    }
    tables
}
