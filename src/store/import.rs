//! What an import writes, and the ledger by which it knows what it brought before.
//!
//! The first import loads into tables without indexes. A later one loads what is new, changed and gone into temporary tables
//! (`new_…`, `changed_…`, `gone`), and applies them all at its end: what is gone first, so that it is in nobody's way.

use crate::store::{
    bulk::{
        Bulk, Dropped, Table,
        Type::{Blob, Bool, Int, Text},
    },
    db::Db,
};

pub static USERS: Table = Table {
    name: "users",
    columns: &[
        ("id", Text),
        ("username", Text),
        ("username_folded", Text),
        ("is_admin", Bool),
        ("is_guest", Bool),
        ("created_at", Int),
        ("locked_at", Int),
        ("deactivated_at", Int),
        ("imported_at", Int),
    ],
};
pub static PASSWORDS: Table = Table {
    name: "user_passwords",
    columns: &[("user_id", Text), ("version", Int), ("hash", Text), ("created_at", Int)],
};
pub static EMAILS: Table = Table {
    name: "user_emails",
    columns: &[
        ("id", Text),
        ("user_id", Text),
        ("email", Text),
        ("created_at", Int),
        ("confirmed_at", Int),
        ("imported_at", Int),
    ],
};
pub static PHONES: Table =
    Table { name: "user_phones", columns: &[("id", Text), ("user_id", Text), ("number", Text), ("created_at", Int)] };
pub static LINKS: Table = Table {
    name: "upstream_links",
    columns: &[("id", Text), ("provider_id", Text), ("subject", Text), ("user_id", Text), ("created_at", Int)],
};
pub static SESSIONS: Table = Table {
    name: "sessions",
    columns: &[
        ("id", Text),
        ("kind", Text),
        ("user_id", Text),
        ("family_hash", Blob),
        ("scope", Text),
        ("device_id", Text),
        ("device_name", Text),
        ("user_agent", Text),
        ("created_at", Int),
        ("expires_at", Int),
        ("last_active_at", Int),
        ("last_active_ip", Text),
    ],
};
pub static TOKENS: Table = Table {
    name: "tokens",
    columns: &[
        ("id", Text),
        ("session_id", Text),
        ("kind", Text),
        ("secret_hash", Blob),
        ("created_at", Int),
        ("expires_at", Int),
        ("first_used_at", Int),
        ("consumed_at", Int),
        ("successor", Blob),
        ("successor_access_id", Text),
        ("successor_refresh_id", Text),
        ("is_imported", Bool),
    ],
};
pub static JOBS: Table = Table {
    name: "jobs",
    columns: &[
        ("id", Text),
        ("lane", Text),
        ("payload", Text),
        ("created_at", Int),
        ("run_at", Int),
        ("attempts", Int),
    ],
};
pub static LEDGER: Table = Table {
    name: "import_ledger",
    columns: &[("generation", Int), ("kind", Text), ("position", Int), ("entries", Blob)],
};
/// What is gone from the source: a table, and the id of a row in it.
pub static GONE: Table = Table { name: "gone", columns: &[("kind", Text), ("id", Text)] };
/// What changed about a user; absent where it is as it was.
pub static USER_CHANGES: Table = Table {
    name: "user_changes",
    columns: &[("id", Text), ("is_admin", Bool), ("is_guest", Bool), ("is_locked", Bool), ("is_deactivated", Bool)],
};
/// What may change about a session: its family is its own, once it was refreshed here.
pub static SESSION_CHANGES: Table = Table {
    name: "session_changes",
    columns: &[
        ("id", Text),
        ("scope", Text),
        ("device_name", Text),
        ("user_agent", Text),
        ("expires_at", Int),
        ("last_active_at", Int),
        ("last_active_ip", Text),
    ],
};

/// The tables that an import fills, those first that others refer to.
pub const FILLED: [&Table; 8] = [&USERS, &PASSWORDS, &EMAILS, &PHONES, &LINKS, &SESSIONS, &TOKENS, &JOBS];
/// Those whose rows are replaced as a whole when they change.
const REPLACED: [&Table; 5] = [&PASSWORDS, &EMAILS, &PHONES, &LINKS, &TOKENS];

/// Before the name of the temporary table that holds rows to be inserted.
pub const NEW: &str = "new_";
/// Before the name of the temporary table that holds rows as they are now.
pub const CHANGED: &str = "changed_";

/// Gives the number of the ledger that the last import left, if there was one.
pub async fn find_generation(db: &Db) -> sqlx::Result<Option<i64>> {
    let (generation,): (Option<i64>,) = db.sql("SELECT MAX(generation) FROM import_ledger").one().await?;
    Ok(generation)
}

/// Gives a part of a ledger; nothing behind its end.
pub async fn find_ledger(db: &Db, generation: i64, kind: &str, position: i64) -> sqlx::Result<Option<Vec<u8>>> {
    let row: Option<(Vec<u8>,)> = db
        .sql("SELECT entries FROM import_ledger WHERE generation = $1 AND kind = $2 AND position = $3")
        .bind(generation)
        .bind(kind)
        .bind(position)
        .optional()
        .await?;
    Ok(row.map(|(entries,)| entries))
}

/// Lists the names of the accounts that no import brought.
///
/// # Errors
/// When the database fails.
pub async fn list_own_usernames(bulk: &mut Bulk) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> = bulk.all("SELECT username FROM users WHERE imported_at IS NULL").await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Lists the e-mail addresses that no import brought.
///
/// # Errors
/// When the database fails.
pub async fn list_own_emails(bulk: &mut Bulk) -> sqlx::Result<Vec<String>> {
    let rows: Vec<(String,)> = bulk.all("SELECT email FROM user_emails WHERE imported_at IS NULL").await?;
    Ok(rows.into_iter().map(|(email,)| email).collect())
}

/// Prepares for rows that are all new.
///
/// # Errors
/// When the database fails.
pub async fn begin_first(bulk: &mut Bulk) -> sqlx::Result<Dropped> {
    match bulk.is_sorting() {
        true => create_temporary(bulk).await?,
        // Keys come without what they share already; to compress them further costs more than it saves.
        false => {
            bulk.run("ALTER TABLE import_ledger ALTER COLUMN entries SET STORAGE EXTERNAL").await?;
        }
    }
    bulk.drop_indexes(&FILLED.map(|table| table.name)).await
}

/// Brings rows that are all new into force, and tells of each step before it begins: how many of how many are done.
///
/// # Errors
/// When the database fails, and when a row breaks a rule.
pub async fn finish_first(bulk: &mut Bulk, dropped: Dropped, mut told: impl FnMut(u64, u64)) -> sqlx::Result<()> {
    let names = FILLED.map(|table| table.name);
    let sorted = if bulk.is_sorting() { FILLED.as_slice() } else { &[] };
    let before = sorted.len() as u64;
    let all = before + dropped.len();
    for (table, done) in sorted.iter().zip(0..) {
        told(done, all);
        bulk.run(&format!("{} ORDER BY {}", select_new(table), table.key())).await?;
        bulk.run(&format!("DROP TABLE {NEW}{}", table.name)).await?;
    }
    bulk.restore(dropped, |done| told(before + done, all)).await?;
    bulk.analyze(&names).await
}

/// Makes the temporary tables.
///
/// # Errors
/// When the database fails.
pub async fn create_temporary(bulk: &mut Bulk) -> sqlx::Result<()> {
    let new = FILLED.iter().map(|table| (NEW, table));
    for (prefix, table) in new.chain(REPLACED.iter().map(|table| (CHANGED, table))) {
        let (name, columns) = (table.name, table.list());
        let sql = format!("CREATE TEMPORARY TABLE {prefix}{name} AS SELECT {columns} FROM {name} WHERE 1 = 0");
        bulk.run(&sql).await?;
    }
    for sql in [
        "CREATE TEMPORARY TABLE gone (kind TEXT NOT NULL, id TEXT NOT NULL)",
        "CREATE TEMPORARY TABLE user_changes
             (id TEXT NOT NULL, is_admin BOOLEAN, is_guest BOOLEAN, is_locked BOOLEAN, is_deactivated BOOLEAN)",
        "CREATE TEMPORARY TABLE session_changes
             (id TEXT NOT NULL, scope TEXT NOT NULL, device_name TEXT, user_agent TEXT, expires_at BIGINT,
              last_active_at BIGINT NOT NULL, last_active_ip TEXT)",
    ] {
        bulk.run(sql).await?;
    }
    Ok(())
}

/// Applies what the temporary tables hold, as of a moment (Unix milliseconds).
///
/// # Errors
/// When the database fails.
pub async fn apply_temporary(bulk: &mut Bulk, now: i64) -> sqlx::Result<()> {
    // A device that the source had lost and has again keeps its session, and the other way round.
    bulk.run("DELETE FROM gone WHERE kind = 'sessions' AND id IN (SELECT id FROM new_sessions)").await?;
    for (table, column, kind) in [
        ("tokens", "id", "tokens"),
        ("tokens", "session_id", "sessions"),
        ("sessions", "id", "sessions"),
        ("user_passwords", "user_id", "user_passwords"),
        ("user_emails", "id", "user_emails"),
        ("user_phones", "id", "user_phones"),
        ("upstream_links", "id", "upstream_links"),
    ] {
        let sql = format!("DELETE FROM {table} WHERE {column} IN (SELECT id FROM gone WHERE kind = '{kind}')");
        bulk.run(&sql).await?;
    }
    let when = |flag: &str, column: &str| {
        format!(
            "{column} = CASE WHEN c.{flag} IS NULL THEN users.{column} WHEN c.{flag} THEN COALESCE(users.{column}, {now}) END"
        )
    };
    bulk.run(&format!(
        "UPDATE users SET is_admin = COALESCE(c.is_admin, users.is_admin),
             is_guest = COALESCE(c.is_guest, users.is_guest), {}, {}
         FROM user_changes c WHERE users.id = c.id",
        when("is_locked", "locked_at"),
        when("is_deactivated", "deactivated_at")
    ))
    .await?;
    bulk.run(
        "UPDATE sessions SET scope = c.scope, device_name = c.device_name, user_agent = c.user_agent,
             expires_at = c.expires_at, last_active_ip = c.last_active_ip,
             last_active_at = CASE WHEN c.last_active_at > sessions.last_active_at THEN c.last_active_at
                 ELSE sessions.last_active_at END
         FROM session_changes c WHERE sessions.id = c.id",
    )
    .await?;
    // Who refreshed at the source since then holds the live branch; what was exchanged here meanwhile is another one (INV-04).
    bulk.run(
        "DELETE FROM tokens WHERE NOT is_imported AND session_id IN
             (SELECT c.session_id FROM changed_tokens c WHERE c.kind = 'refresh' AND c.consumed_at IS NOT NULL)",
    )
    .await?;
    // What is referred to comes first: an address may move to somebody who is new.
    for table in FILLED {
        bulk.run(&insert(table)).await?;
        if REPLACED.iter().any(|replaced| replaced.name == table.name) {
            bulk.run(&replace(table)).await?;
        }
    }
    Ok(())
}

fn replace(table: &Table) -> String {
    let (name, key) = (table.name, table.key());
    let others = table.columns[1..].iter();
    let set = others.map(|(column, _)| format!("{column} = c.{column}")).collect::<Vec<_>>().join(", ");
    format!("UPDATE {name} SET {set} FROM {CHANGED}{name} c WHERE {name}.{key} = c.{key}")
}

fn insert(table: &Table) -> String {
    let conflict = match table.name {
        // Somebody was given a password here as well: the one that is new at the source is the one that counts.
        "user_passwords" => {
            " ON CONFLICT (user_id) DO UPDATE
             SET version = excluded.version, hash = excluded.hash, created_at = excluded.created_at"
        }
        "sessions" => {
            " ON CONFLICT (id) DO UPDATE SET scope = excluded.scope, device_name = excluded.device_name,
             user_agent = excluded.user_agent, expires_at = excluded.expires_at"
        }
        // It waits already.
        "jobs" => " ON CONFLICT (id) DO NOTHING",
        _ => "",
    };
    format!("{}{conflict}", select_new(table))
}

/// SQLite takes `ON CONFLICT` for a part of a join when there is no condition before it.
fn select_new(table: &Table) -> String {
    let (name, columns) = (table.name, table.list());
    format!("INSERT INTO {name} ({columns}) SELECT {columns} FROM {NEW}{name} WHERE 1 = 1")
}

/// How many differences of one kind are named.
const MOST_NAMES: usize = 20;

/// Rows that are not what they should be.
#[derive(Debug)]
pub struct Difference {
    pub table: &'static str,
    pub what: What,
    pub count: u64,
    /// The first of them.
    pub names: Vec<String>,
}

/// What is wrong with rows, or what became of them here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    Missing,
    Different,
    /// They came with an import, and are not at the source.
    Unexpected,
    /// People have signed in, signed out or changed something here since.
    ChangedHere,
}

/// How rows of a table are compared with what they should be: `n` is the new one, `t` the one that is here.
struct Comparison {
    table: &'static Table,
    /// What is wrong with one that has this.
    different: &'static str,
    /// It is no wonder when this is so.
    changed_here: &'static str,
    /// It is no wonder that one is missing when this is so.
    missing_here: &'static str,
    /// Whether a row that is here came with an import.
    imported: &'static str,
    /// How a row is called.
    name: &'static str,
}

const COMPARISONS: [Comparison; 7] = [
    Comparison {
        table: &USERS,
        different: "n.username <> t.username OR n.username_folded <> t.username_folded OR n.is_admin <> t.is_admin
            OR n.is_guest <> t.is_guest OR n.created_at <> t.created_at
            OR (n.locked_at IS NULL) <> (t.locked_at IS NULL)
            OR (n.deactivated_at IS NULL) <> (t.deactivated_at IS NULL)",
        changed_here: "1 = 0",
        missing_here: "1 = 0",
        imported: "r.imported_at IS NOT NULL",
        name: "r.username",
    },
    Comparison {
        table: &PASSWORDS,
        different: "n.version <> t.version OR n.hash <> t.hash",
        // At the next sign-in it is hashed in the current way.
        changed_here: "t.created_at > (SELECT u.imported_at FROM users u WHERE u.id = t.user_id)",
        missing_here: "1 = 0",
        imported: "EXISTS (SELECT 1 FROM users u WHERE u.id = r.user_id AND u.imported_at = r.created_at)",
        name: "(SELECT u.username FROM users u WHERE u.id = r.user_id)",
    },
    Comparison {
        table: &EMAILS,
        different: "n.user_id <> t.user_id OR n.email <> t.email OR n.created_at <> t.created_at OR t.confirmed_at IS NULL",
        changed_here: "1 = 0",
        missing_here: "1 = 0",
        imported: "r.imported_at IS NOT NULL",
        name: "r.email",
    },
    Comparison {
        table: &PHONES,
        different: "n.user_id <> t.user_id OR n.number <> t.number OR n.created_at <> t.created_at",
        changed_here: "1 = 0",
        missing_here: "1 = 0",
        imported: "1 = 1",
        name: "r.number",
    },
    Comparison {
        table: &LINKS,
        different: "n.user_id <> t.user_id OR n.provider_id <> t.provider_id OR n.subject <> t.subject",
        changed_here: "1 = 0",
        missing_here: "1 = 0",
        imported: "r.created_at = (SELECT u.created_at FROM users u WHERE u.id = r.user_id)",
        name: "r.provider_id || ' ' || r.subject",
    },
    Comparison {
        table: &SESSIONS,
        different: "n.user_id <> t.user_id OR n.kind <> t.kind OR n.scope <> t.scope
            OR COALESCE(n.device_id, '') <> COALESCE(t.device_id, '')
            OR COALESCE(n.device_name, '') <> COALESCE(t.device_name, '')
            OR COALESCE(n.user_agent, '') <> COALESCE(t.user_agent, '')
            OR COALESCE(n.expires_at, -1) <> COALESCE(t.expires_at, -1) OR n.last_active_at > t.last_active_at
            OR COALESCE(n.last_active_ip, '') <> COALESCE(t.last_active_ip, '') OR t.ended_at IS NOT NULL",
        changed_here: "t.ended_at IS NOT NULL OR t.family_hash <> n.family_hash OR t.last_active_at > n.last_active_at",
        missing_here: "1 = 0",
        imported: "r.id < '00000001' AND COALESCE(r.expires_at >= {now}, 1 = 1)",
        name: "(SELECT u.username FROM users u WHERE u.id = r.user_id) || COALESCE(', device ' || r.device_id, '')",
    },
    Comparison {
        table: &TOKENS,
        different: "n.session_id <> t.session_id OR n.kind <> t.kind OR n.secret_hash <> t.secret_hash
            OR COALESCE(n.expires_at, -1) <> COALESCE(t.expires_at, -1)
            OR (n.consumed_at IS NULL) <> (t.consumed_at IS NULL)
            OR (n.first_used_at IS NULL) <> (t.first_used_at IS NULL)
            OR COALESCE(n.successor_access_id, '') <> COALESCE(t.successor_access_id, '')
            OR COALESCE(n.successor_refresh_id, '') <> COALESCE(t.successor_refresh_id, '')
            OR (n.successor IS NULL) <> (t.successor IS NULL) OR NOT t.is_imported",
        changed_here: "(n.first_used_at IS NULL AND t.first_used_at IS NOT NULL)
            OR (n.consumed_at IS NULL AND t.consumed_at IS NOT NULL)
            OR EXISTS (SELECT 1 FROM tokens o WHERE o.session_id = t.session_id AND NOT o.is_imported)",
        missing_here: "EXISTS (SELECT 1 FROM sessions s WHERE s.id = r.session_id AND s.ended_at IS NOT NULL)",
        // What has expired since then nobody misses.
        imported: "r.is_imported AND COALESCE(r.expires_at >= {now}, 1 = 1)",
        name: "(SELECT u.username || COALESCE(', device ' || s.device_id, '') FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.id = r.session_id)",
    },
];

/// Compares what the temporary tables hold with what is here, every row of both, as of a moment (Unix milliseconds), and tells
/// how many that were.
///
/// # Errors
/// When the database fails.
pub async fn compare(bulk: &mut Bulk, now: i64) -> sqlx::Result<(u64, Vec<Difference>)> {
    let (mut rows, mut found) = (0, Vec::new());
    for Comparison { table: compared, different, changed_here, missing_here, imported, name } in COMPARISONS {
        let (table, key) = (compared.name, compared.key());
        bulk.run(&format!("CREATE UNIQUE INDEX new_{table}_key ON new_{table} ({key})")).await?;
        bulk.run(&format!("ANALYZE new_{table}")).await?;
        // Each gives the rows of one kind, as `r`.
        let imported = imported.replace("{now}", &now.to_string());
        let missing = format!("FROM new_{table} r WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.{key} = r.{key})");
        let unexpected = format!(
            "FROM {table} r WHERE {imported} AND NOT EXISTS (SELECT 1 FROM new_{table} n WHERE n.{key} = r.{key})"
        );
        let unlike = format!(
            "FROM {table} r WHERE r.{key} IN
                 (SELECT n.{key} FROM new_{table} n JOIN {table} t ON t.{key} = n.{key} WHERE ({different}) AND"
        );
        let kinds = [
            (What::Missing, format!("{missing} AND NOT ({missing_here})")),
            (What::ChangedHere, format!("{missing} AND ({missing_here})")),
            (What::Different, format!("{unlike} NOT ({changed_here}))")),
            (What::ChangedHere, format!("{unlike} ({changed_here}))")),
            (What::Unexpected, unexpected),
        ];
        // Mostly there is nothing to tell: that is found out by going through both tables once.
        let counts: Vec<(i64, i64, i64)> = bulk
            .all(&format!(
                "SELECT COUNT(*), COUNT(CASE WHEN t.{key} IS NULL THEN 1 END),
                     COUNT(CASE WHEN t.{key} IS NOT NULL AND ({different}) THEN 1 END)
                 FROM new_{table} n LEFT JOIN {table} t ON t.{key} = n.{key}"
            ))
            .await?;
        let (all, lacking, unlike) = counts.first().copied().unwrap_or_default();
        rows += all.unsigned_abs();
        let may_be = [lacking > 0, lacking > 0, unlike > 0, unlike > 0, true];
        for ((what, rows), _) in kinds.into_iter().zip(may_be).filter(|(_, may_be)| *may_be) {
            let counted: Vec<(i64,)> = bulk.all(&format!("SELECT COUNT(*) {rows}")).await?;
            let count = counted.first().map_or(0, |(count,)| count.unsigned_abs());
            if count == 0 {
                continue;
            }
            let names = format!("SELECT COALESCE({name}, '?') AS name {rows} ORDER BY 1 LIMIT {MOST_NAMES}");
            let names: Vec<(String,)> = bulk.all(&names).await?;
            found.push(Difference { table, what, count, names: names.into_iter().map(|(name,)| name).collect() });
        }
    }
    Ok((rows, found))
}

/// Forgets the ledgers before this one.
///
/// # Errors
/// When the database fails.
pub async fn delete_ledgers_before(bulk: &mut Bulk, generation: i64) -> sqlx::Result<()> {
    bulk.run(&format!("DELETE FROM import_ledger WHERE generation < {generation}")).await?;
    Ok(())
}
