//! A database of its own for each server: a SQLite file, or a fresh database on the PostgreSQL server that
//! `KEYMAKER_TEST_DATABASE_URI` names.

use std::path::{Path, PathBuf};

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use super::unique;

pub const SERVER_URI: &str = "KEYMAKER_TEST_DATABASE_URI";

pub struct Database {
    pub uri: String,
    file: Option<PathBuf>,
}

impl Database {
    pub async fn fresh(directory: &Path) -> Self {
        match std::env::var(SERVER_URI) {
            Err(_) => {
                let file = directory.join("keymaker.db");
                Self { uri: format!("sqlite://{}", file.display()), file: Some(file) }
            }
            Ok(server) => {
                let name = unique("keymaker_");
                let mut connection = PgConnection::connect(&server).await.unwrap();
                sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
                let mut uri = url::Url::parse(&server).unwrap();
                uri.set_path(&name);
                Self { uri: uri.into(), file: None }
            }
        }
    }

    /// Gives everything that the database holds, as bytes.
    pub fn dump(&self) -> Vec<u8> {
        match &self.file {
            Some(file) => ["", "-wal"]
                .iter()
                .flat_map(|suffix| std::fs::read(format!("{}{suffix}", file.display())).unwrap_or_default())
                .collect(),
            None => {
                let uri = self.uri.clone();
                std::thread::spawn(move || dump_postgres(&uri)).join().unwrap()
            }
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn dump_postgres(uri: &str) -> Vec<u8> {
    let mut connection = PgConnection::connect(uri).await.unwrap();
    let tables: Vec<String> = sqlx::query("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
        .fetch_all(&mut connection)
        .await
        .unwrap()
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut dump = Vec::new();
    for table in tables {
        dump.extend(table.as_bytes());
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT row_to_json(t)::text FROM {table} t")))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        for row in rows {
            dump.extend(row.get::<String, _>(0).into_bytes());
        }
    }
    dump
}
