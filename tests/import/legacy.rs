//! A real Synapse that still does everything by itself, on SQLite or PostgreSQL, and its switch to one that asks Keymaker. Who
//! lives on it is in `people.rs`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use super::target::{Engine, fresh_postgres};
use crate::browser::available;
use crate::support::process::free_port;
use crate::synapse::homeserver::{Synapse, is_installed};

pub const PEPPER: &str = "pepper & hunter2";
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
pub const BRIDGE_TOKEN: &str = "the-token-of-the-bridge";

/// The homeserver, its folder, and its database on the PostgreSQL server of this run, if that is where it is.
pub struct Legacy {
    synapse: Synapse,
    pub(super) python: PathBuf,
    pub folder: TempDir,
    postgres: Option<String>,
}

impl Legacy {
    /// Starts one on the engine that this run is about, unless Synapse is missing on this machine.
    pub async fn start() -> Option<Self> {
        Self::start_on(Engine::of_this_run()).await
    }

    /// Starts one, unless Synapse is missing on this machine.
    pub async fn start_on(engine: Engine) -> Option<Self> {
        let mut legacy = Self::prepare(engine, None).await?;
        legacy.start_again();
        Some(legacy)
    }

    /// Gives one that was populated, has aged and is stopped. All stories share the work that it is to make one.
    pub async fn at_rest(engine: Engine) -> Option<Self> {
        static ORIGINALS: [OnceCell<Option<Legacy>>; 2] = [OnceCell::const_new(), OnceCell::const_new()];
        let original = ORIGINALS[engine as usize].get_or_init(async || {
            let mut legacy = Self::start_on(engine).await?;
            legacy.populate().await;
            legacy.stop();
            legacy.age().await;
            Some(legacy)
        });
        let original = original.await.as_ref()?;
        let copy = Self::prepare(engine, Some(original)).await?;
        if engine == Engine::Sqlite {
            let of = |legacy: &Self| legacy.folder.path().join("homeserver.db");
            std::fs::copy(of(original), of(&copy)).unwrap();
        }
        Some(copy)
    }

    async fn prepare(engine: Engine, original: Option<&Self>) -> Option<Self> {
        let venv = std::env::var_os("KEYMAKER_SYNAPSE_VENV")
            .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).join("../synapse-venv"), PathBuf::from);
        let found = is_installed(&venv).then_some(()).ok_or_else(|| format!("no Synapse in {}", venv.display()));
        if !available(found) {
            return None;
        }
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let synapse = Synapse::new(&venv, folder.path(), port, "http://127.0.0.1:1/", "unused").unwrap();
        let postgres = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(postgres_database(original).await),
        };
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
        Some(Self { synapse, python: venv.join("bin/python"), folder, postgres })
    }

    pub fn stop(&mut self) {
        self.synapse.stop();
    }

    pub fn start_again(&mut self) {
        tokio::task::block_in_place(|| self.synapse.start()).unwrap();
    }

    /// Does with its configuration what a report says, so that it asks the Keymaker at `endpoint`.
    pub fn follow(&self, report: &str, endpoint: &str, secret: &str) {
        let file = self.folder.path().join("homeserver.yaml");
        let mut settings: Value = serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let told = report.lines().skip_while(|line| *line != "Change in homeserver.yaml").skip(1);
        let told = told.take_while(|line| !line.is_empty());
        for (key, text) in told.filter(|line| !line.starts_with("   ")).filter_map(|line| line.trim().split_once(": "))
        {
            if key == "matrix_authentication_service" {
                settings[key] = json!({ "enabled": true, "endpoint": endpoint, "secret": secret });
            } else if ["remove it", "can go"].iter().any(|words| text.starts_with(words)) {
                let (parent, name) = key.rsplit_once('.').unwrap_or(("", key));
                let mut section = parent.split('.').filter(|part| !part.is_empty());
                let section = section.try_fold(&mut settings, |section, part| section.get_mut(part));
                section.and_then(Value::as_object_mut).map(|section| section.remove(name));
            }
        }
        std::fs::write(file, settings.to_string()).unwrap();
    }

    /// The base of its client-server API.
    pub fn base(&self) -> String {
        self.synapse.base()
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

    /// Sends a request, and gives the status and the body of the answer.
    pub async fn answer(&self, method: &str, path: &str, token: &str, body: Value) -> (u16, Value) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let request = client.request(method.parse().unwrap(), format!("{}{path}", self.base()));
        let request = if token.is_empty() { request } else { request.bearer_auth(token) };
        let request = if method == "GET" { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    }

    /// Sends a request that has to succeed, and gives the answer.
    pub async fn ask(&self, method: &str, path: &str, token: &str, body: Value) -> Value {
        let (status, body) = self.answer(method, path, token, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {body}");
        body
    }
}

/// Makes a database as Synapse wants it, or one like another.
async fn postgres_database(original: Option<&Legacy>) -> String {
    let name = original.map(|legacy| legacy.uri()[legacy.uri().rfind('/').unwrap() + 1..].to_owned());
    let options = match name {
        Some(name) => format!("TEMPLATE {name}"),
        None => "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0".to_owned(),
    };
    fresh_postgres("synapse_", &options).await
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
