//! A real Synapse that still does everything by itself, on SQLite or PostgreSQL, and the people on it: made through its own
//! APIs, and then by SQL what they do not make.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::browser::available;
use crate::support::{database::SERVER_URI, process::free_port, unique};
use crate::synapse::homeserver::{SERVER_NAME, Synapse, is_installed};

pub const PEPPER: &str = "pepper & hunter2";
const PASSWORD: &str = "Ame\u{301}lie's ﬁne password";
const BRIDGE: &str = r"
id: irc
url: null
as_token: the-token-of-the-bridge
hs_token: the-token-of-the-homeserver
sender_localpart: irc_bot
namespaces:
  users:
    - {exclusive: true, regex: '@irc_.*'}
    - {exclusive: false, regex: '@.*'}
";
const BRIDGE_TOKEN: &str = "the-token-of-the-bridge";

/// The homeserver, its folder, and its database on the PostgreSQL server of this run, if there is one.
pub struct Legacy {
    synapse: Synapse,
    python: PathBuf,
    pub folder: TempDir,
    postgres: Option<String>,
}

impl Legacy {
    /// Starts one, unless Synapse is missing on this machine.
    pub async fn start() -> Option<Self> {
        let venv = std::env::var_os("KEYMAKER_SYNAPSE_VENV")
            .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("../synapse-venv"), PathBuf::from);
        let found = is_installed(&venv).then_some(()).ok_or_else(|| format!("no Synapse in {}", venv.display()));
        if !available(found) {
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let mut synapse = Synapse::new(&venv, folder.path(), port, "http://127.0.0.1:1/", "unused").unwrap();
        let postgres = fresh_postgres().await;
        let file = folder.path().join("homeserver.yaml");
        let text = std::fs::read_to_string(&file).unwrap();
        let own: String = text
            .lines()
            .take_while(|line| !line.starts_with("matrix_authentication_service"))
            .map(|line| match &postgres {
                Some(uri) if line.starts_with("database:") => format!("{}\n", section_of(uri)),
                _ => format!("{line}\n"),
            })
            .collect();
        let more = format!(
            "registration_shared_secret: shared
password_config: {{enabled: true, pepper: '{PEPPER}'}}
bcrypt_rounds: 4
allow_guest_access: true
app_service_config_files: ['{}']
rc_login:
  address: {{per_second: 1000, burst_count: 1000}}
  account: {{per_second: 1000, burst_count: 1000}}
",
            folder.path().join("bridge.yaml").display()
        );
        std::fs::write(folder.path().join("bridge.yaml"), BRIDGE).unwrap();
        std::fs::write(file, own + &more).unwrap();
        tokio::task::block_in_place(|| synapse.start()).unwrap();
        Some(Self { synapse, python: venv.join("bin/python"), folder, postgres })
    }

    pub fn stop(&mut self) {
        self.synapse.stop();
    }

    pub fn start_again(&mut self) {
        tokio::task::block_in_place(|| self.synapse.start()).unwrap();
    }

    /// What `--synapse-database-uri` would be.
    pub fn uri(&self) -> String {
        let file = || format!("sqlite://{}", self.folder.path().join("homeserver.db").display());
        self.postgres.clone().unwrap_or_else(file)
    }

    pub fn is_on_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    /// Runs statements on its database, and leaves a file as Synapse does that is stopped in peace.
    pub async fn sql(&self, statements: &[&str]) {
        macro_rules! run {
            ($connection:ty) => {{
                let mut connection = <$connection>::connect(&self.uri()).await.unwrap();
                for sql in statements {
                    let done = connection.execute(AssertSqlSafe((*sql).to_owned())).await;
                    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
                }
                connection.close().await.unwrap();
            }};
        }
        if self.is_on_postgres() { run!(PgConnection) } else { run!(SqliteConnection) }
    }

    async fn ask(&self, method: &str, path: &str, token: &str, body: Value) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}{path}", self.synapse.base());
        let request = client.request(method.parse().unwrap(), url).bearer_auth(token);
        let request = if method == "GET" { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        let (status, body) = (response.status().as_u16(), response.json::<Value>().await.unwrap());
        assert!((200..300).contains(&status), "{method} {path}: {status} {body}");
        body
    }

    /// Makes or changes a user as an administrator does.
    async fn put(&self, admin: &str, name: &str, body: Value) {
        self.ask("PUT", &format!("_synapse/admin/v2/users/@{name}:{SERVER_NAME}"), admin, body).await;
    }

    pub async fn log_in(&self, name: &str, device: &str, wants_refresh_token: bool) -> Value {
        let identifier = json!({ "type": "m.id.user", "user": name });
        let body = json!({ "type": "m.login.password", "identifier": identifier, "password": PASSWORD, "device_id": device,
            "initial_device_display_name": format!("{name}'s {device}"), "refresh_token": wants_refresh_token });
        self.ask("POST", "_matrix/client/v3/login", "", body).await
    }

    async fn refresh(&self, login: &Value) -> Value {
        let body = json!({ "refresh_token": login["refresh_token"] });
        self.ask("POST", "_matrix/client/v3/refresh", "", body).await
    }

    /// Fills it with one of everything that its own APIs make.
    pub async fn populate(&self) {
        let output = Command::new(&self.python)
            .args([
                "-m",
                "synapse._scripts.register_new_matrix_user",
                "--admin",
                "--user",
                "admin",
                "--password",
                PASSWORD,
            ])
            .arg("--config")
            .arg(self.folder.path().join("homeserver.yaml"))
            .arg(self.synapse.base())
            .env("no_proxy", "*")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let admin = self.log_in("admin", "ADMINDEVICE", false).await;
        let admin = admin["access_token"].as_str().unwrap();

        for name in ["alice", "bob", "carol", "dave"] {
            self.put(admin, name, json!({ "password": PASSWORD })).await;
        }
        let contacts = json!([{ "medium": "email", "address": "Alice@Example.com" }, { "medium": "msisdn", "address": "441234567" }]);
        let links = json!([{ "auth_provider": "oidc-google", "external_id": "alice-1" }, { "auth_provider": "oidc-gone", "external_id": "a" }]);
        self.put(admin, "alice", json!({ "threepids": contacts, "external_ids": links })).await;
        let links = json!([{ "auth_provider": "oidc-google", "external_id": "erin-1" }]);
        self.put(admin, "erin", json!({ "external_ids": links })).await;

        self.log_in("alice", "PLAIN", false).await;
        self.log_in("alice", "CURRENT", true).await;
        let pending = self.log_in("alice", "PENDING", true).await;
        self.refresh(&pending).await;
        let spent = self.log_in("alice", "SPENT", true).await;
        let next = self.refresh(&spent).await;
        let token = next["access_token"].as_str().unwrap();
        self.ask("GET", "_matrix/client/v3/account/whoami", token, Value::Null).await;
        let alice = format!("_synapse/admin/v1/users/@alice:{SERVER_NAME}/login");
        self.ask("POST", &alice, admin, json!({})).await;

        self.log_in("bob", "BOBSPHONE", false).await;
        self.put(admin, "bob", json!({ "locked": true })).await;
        self.log_in("carol", "CAROLSPHONE", true).await;
        self.put(admin, "carol", json!({ "deactivated": true })).await;
        let dave = format!("_synapse/admin/v1/suspend/@dave:{SERVER_NAME}");
        self.ask("PUT", &dave, admin, json!({ "suspend": true })).await;

        self.ask("POST", "_matrix/client/v3/register?kind=guest", "", json!({})).await;
        for name in ["irc_bot", "irc_nick", "somebody_elsewhere"] {
            let body = json!({ "type": "m.login.application_service", "username": name, "device_id": "BRIDGE" });
            self.ask("POST", "_matrix/client/v3/register", BRIDGE_TOKEN, body).await;
        }
    }

    /// Adds what years and accidents leave behind, and what its APIs do not make today.
    pub async fn age(&self) {
        let long = "L".repeat(300);
        let user = |name: &str, more: &str| {
            format!("INSERT INTO users (name, password_hash, creation_ts) VALUES ('{name}', {more})")
        };
        let contact = |user: &str, medium: &str, address: &str| {
            format!(
                "INSERT INTO user_threepids (user_id, medium, address, validated_at, added_at)
                 VALUES ('{user}', '{medium}', '{address}', 1500000000000, 1500000000000)"
            )
        };
        let device = |user: &str, id: &str, is_hidden: bool| {
            format!("INSERT INTO devices (user_id, device_id, hidden) VALUES ('{user}', '{id}', {is_hidden})")
        };
        let access = |id: u32, user: &str, device: &str, token: &str, until: &str| {
            format!(
                "INSERT INTO access_tokens (id, user_id, device_id, token, valid_until_ms)
                 VALUES ({id}, '{user}', {device}, '{token}', {until})"
            )
        };
        let refresh = |id: u32, user: &str, device: &str, expiry: &str, end: &str| {
            format!(
                "INSERT INTO refresh_tokens (id, user_id, device_id, token, expiry_ts, ultimate_session_expiry_ts)
                 VALUES ({id}, '{user}', '{device}', 'syr_hunter2_{id}', {expiry}, {end})"
            )
        };
        let statements = [
            user("@OldUpper:hs.test", "'$2a$04$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234', 1400000000"),
            user("@linked:hs.test", "'', 1400000000"),
            "INSERT INTO user_external_ids VALUES ('oidc-google', 'linked', '@linked:hs.test')".to_owned(),
            user("@oldupper:hs.test", "NULL, 1400000001"),
            user("@mallory:elsewhere.test", "NULL, 1400000000"),
            user("@timeless:hs.test", "NULL, NULL"),
            user("nobody", "NULL, 1400000000"),
            user("@modern:hs.test", "'$argon2id$v=19$hunter2', 1400000000"),
            "UPDATE users SET appservice_id = NULL WHERE name = '@irc_nick:hs.test'".to_owned(),
            contact("@bob:hs.test", "email", "ALICE@example.com"),
            contact("@bob:hs.test", "email", "no address"),
            contact("@carol:hs.test", "email", "carol@example.com"),
            contact("@dave:hs.test", "email", "Straße@example.com"),
            contact("@erin:hs.test", "email", "strasse@example.com"),
            contact("@gone:hs.test", "email", "gone@example.com"),
            contact("@timeless:hs.test", "msisdn", "49301"),
            "INSERT INTO user_external_ids VALUES ('oauth-delegated', 'x', '@dave:hs.test')".to_owned(),
            "INSERT INTO user_external_ids VALUES ('oidc-google', 'gone', '@gone:hs.test')".to_owned(),
            device("@alice:hs.test", &long, false),
            device("@alice:hs.test", "cross-signing key", true),
            device("@alice:hs.test", "DEHYDRATED", false),
            "INSERT INTO dehydrated_devices (user_id, device_id, device_data) VALUES ('@alice:hs.test', 'DEHYDRATED', '{}')".to_owned(),
            device("@alice:hs.test", "my device ✨", false),
            device("@gone:hs.test", "GONE", false),
            device("@carol:hs.test", "CAROLSTABLET", false),
            access(9001, "@alice:hs.test", "NULL", "MDAxN2xvY2F0aW9uIGhzLnRlc3QK", "NULL"),
            access(9002, "@alice:hs.test", "'PLAIN'", "syt_hunter2_expired", "1500000000000"),
            access(9003, "@alice:hs.test", "'LOST'", "syt_hunter2_lost", "NULL"),
            access(9004, "@alice:hs.test", &format!("'{long}'"), "syt_hunter2_long", "NULL"),
            access(9005, "@alice:hs.test", "'PLAIN'", "hunter2", "NULL"),
            access(9006, "@carol:hs.test", "NULL", "syt_hunter2_carol", "NULL"),
            access(9007, "@gone:hs.test", "'GONE'", "syt_hunter2_gone", "NULL"),
            access(9008, "@timeless:hs.test", "NULL", "syt_hunter2_timeless", "NULL"),
            refresh(9001, "@alice:hs.test", "PLAIN", "1500000000000", "NULL"),
            refresh(9002, "@alice:hs.test", "PLAIN", "NULL", "1500000000000"),
            refresh(9003, "@gone:hs.test", "GONE", "NULL", "NULL"),
            refresh(9004, "@alice:hs.test", "PLAIN", "4100000000000", "4100000000000"),
        ];
        self.sql(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

/// Makes a database as Synapse wants it, where this run has a PostgreSQL server.
async fn fresh_postgres() -> Option<String> {
    let server = std::env::var(SERVER_URI).ok()?;
    let name = unique("synapse_");
    let sql = format!("CREATE DATABASE {name} ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
    let mut connection = PgConnection::connect(&server).await.unwrap();
    sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let mut uri = url::Url::parse(&server).unwrap();
    uri.set_path(&name);
    Some(uri.into())
}

/// Writes the address as Synapse's configuration has it.
fn section_of(uri: &str) -> String {
    let uri = url::Url::parse(uri).unwrap();
    let (user, host, port) = (uri.username(), uri.host_str().unwrap(), uri.port().unwrap_or(5432));
    let password = uri.password().unwrap_or("unused");
    let name = uri.path().trim_start_matches('/');
    format!(
        "database: {{name: psycopg2, args: {{user: {user}, password: '{password}', dbname: {name}, host: {host}, port: {port}, cp_min: 1, cp_max: 5}}}}"
    )
}
