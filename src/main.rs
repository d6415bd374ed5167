//! Parses the arguments, loads the configuration, and runs one command.

#[path = "main/keys.rs"]
mod keys;

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use keymaker::{
    app::{self, App},
    clock::{Clock, DAY, HOUR, MINUTE},
    config::{self, Config, HomeserverKind},
    domain::{
        policy::Decision,
        refusal::Refusal,
        user::{self, User},
    },
    error::Error,
    flows::{
        approval, manage,
        registration_token::{self, Wanted},
    },
    import::{
        progress::Progress,
        synapse::{Move, config::SynapseConfig, database::Address},
    },
    language::Language,
    policy::{Policies, words},
    server,
    store::{self, db::Db},
    telemetry,
};

/// Hashing a password takes 19 MiB for a moment, on one thread after the other. The C library's allocator keeps such
/// memory for each thread that ever had it, and a rush of logins would cost hundreds of megabytes for good.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The authentication service of a Matrix homeserver
#[derive(Parser)]
#[command(name = "keymaker", version)]
struct Arguments {
    /// The configuration file; without one, `server` and `manage` run for development in ./data
    #[arg(long, short, global = true, env = "KEYMAKER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service
    Server,
    /// Write or check a configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Look after the database
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// Look after accounts
    #[command(subcommand)]
    Manage(ManageCommand),
    /// Look after the signing keys and the encryption key
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Bring accounts here from another server
    #[command(subcommand)]
    Import(ImportCommand),
    /// Look at the policies: what is forbidden or required
    #[command(subcommand)]
    Policy(PolicyCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Print an annotated configuration with fresh secrets
    Generate,
    /// Load the configuration and list every problem with its path
    Check,
}

#[derive(Subcommand)]
enum DatabaseCommand {
    /// Bring the schema up to date (the server does it too when it starts)
    Migrate,
}

#[derive(Subcommand)]
enum PolicyCommand {
    /// Compile the policies and say what is loaded
    Check,
    /// Run every test of the policies, those that come with Keymaker and your own
    Test,
    /// Ask the policies as the server would. Ends with 0 when it is allowed, with 2 when it is refused
    Eval(EvalPolicy),
}

#[derive(Args)]
struct EvalPolicy {
    /// register, client_registration, authorization_grant, compat_login, email, password or login
    #[arg(value_parser = decision)]
    decision: Decision,
    /// The question in JSON, as docs/policies.md describes it; `-` is standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    /// Ask so often, and say how long one answer takes
    #[arg(long, value_name = "N")]
    repeat: Option<usize>,
}

fn decision(name: &str) -> Result<Decision, String> {
    let names = Decision::ALL.map(Decision::as_str).join(", ");
    Decision::parse(name).ok_or_else(|| format!("the decisions are {names}"))
}

#[derive(Subcommand)]
enum ManageCommand {
    /// Create an account
    RegisterUser(RegisterUser),
    /// Set the password of an account
    SetPassword {
        /// The user name, or the whole Matrix ID
        username: String,
        /// The new password; read from standard input when it is not given
        #[arg(long, short)]
        password: Option<String>,
    },
    /// Lock an account: nobody can sign in with it, and its tokens stop working until it is unlocked
    LockUser {
        #[command(flatten)]
        account: Account,
        /// Deactivate it as well
        #[arg(long)]
        deactivate: bool,
    },
    /// Lift the lock of an account
    UnlockUser {
        #[command(flatten)]
        account: Account,
        /// Take a deactivation back as well
        #[arg(long)]
        reactivate: bool,
    },
    /// Deactivate an account, here and at the homeserver: its sessions end, its devices go, its name stays taken
    DeactivateUser {
        #[command(flatten)]
        account: Account,
        /// Ask the homeserver to erase what the person wrote, as far as it can
        #[arg(long)]
        erase: bool,
    },
    /// Take the deactivation of an account back
    ReactivateUser(Account),
    /// End every session of an account: in browsers, in apps, and with them their devices
    KillSessions {
        #[command(flatten)]
        account: Account,
        /// Only tell which sessions would end
        #[arg(long)]
        dry_run: bool,
    },
    /// Print an access token of an account that never expires, for apps and scripts that speak no OAuth
    IssueCompatibilityToken {
        #[command(flatten)]
        account: Account,
        /// The device that it belongs to; a new one when it is not given
        device_id: Option<String>,
        /// Let the token administer the homeserver; the account has to be an administrator's
        #[arg(long)]
        yes_i_want_to_grant_synapse_admin_privileges: bool,
    },
    /// List the accounts that may ask for server administration
    #[command(visible_alias = "list-admin-users")]
    ListAdmins,
    /// Let an account ask for server administration
    PromoteAdmin(Account),
    /// Take that right away; sessions that use it stop working at once
    DemoteAdmin(Account),
    /// Make a registration token, and a link that invites with it; both are shown only now
    #[command(visible_alias = "issue-user-registration-token")]
    IssueRegistrationToken(IssueRegistrationToken),
    /// List the registration tokens by their first characters, with their uses
    ListRegistrationTokens,
    /// Revoke a registration token: nobody can sign up with it any more, nor finish doing so
    RevokeRegistrationToken {
        /// The token, or its id
        token: String,
    },
    /// Take the revocation of a registration token back
    UnrevokeRegistrationToken {
        /// The token, or its id
        token: String,
    },
    /// List the accounts that wait for approval, the longest first
    ListPendingUsers,
    /// Approve an account: the homeserver gets it, and the person is told by mail
    ApproveUser(Account),
    /// Reject an account that waits: it is deleted, its name is free again, and the person is told by mail
    RejectUser {
        #[command(flatten)]
        account: Account,
        /// What the mail says about why
        #[arg(long)]
        reason: Option<String>,
    },
    /// Let an account sign in only through the browser: its password alone opens no session of an older app
    RequireBrowserLogin(Account),
    /// Let an account sign in to older apps with its password again
    AllowPasswordLogin(Account),
}

#[derive(Subcommand)]
enum ImportCommand {
    /// Bring everybody here from a Synapse, with passwords, devices and tokens, so that nobody has to sign in again.
    /// Run again, it brings what changed at Synapse since
    Synapse(ImportSynapse),
    /// Compare every row here with Synapse's after an import, and ask for some of the tokens as the homeserver does. Ends
    /// with 0 when everything is as it was, with 2 when something is not
    Verify(VerifyImport),
}

#[derive(Args)]
struct SynapseSource {
    /// The configuration that Synapse is started with, a file or a folder; give it several times when there are several.
    /// Relative paths in it begin in the folder of the first one
    #[arg(long, required = true, value_name = "FILE")]
    synapse_config: Vec<PathBuf>,
    /// Where Synapse's database is, in place of what its configuration says: sqlite://FILE or postgresql://…
    #[arg(long, value_name = "URI", env = "KEYMAKER_SYNAPSE_DATABASE_URI", hide_env_values = true)]
    synapse_database_uri: Option<String>,
}

#[derive(Args)]
#[command(
    after_help = "Ends with 0 when nothing stands in the way, with 2 when something has to be changed first, with 1 \
when something cannot be read or written. With 1 and 2 nothing was changed."
)]
struct ImportSynapse {
    #[command(flatten)]
    source: SynapseSource,
    /// Only read, and change nothing, neither there nor here
    #[arg(long, conflicts_with_all = ["dry_run", "strict"])]
    check: bool,
    /// Import everything into a copy of Keymaker's database, compare, and remove the copy
    #[arg(long)]
    dry_run: bool,
    /// Import nothing at all when there is something that cannot be imported
    #[arg(long)]
    strict: bool,
    /// Write the report as a page too, for a browser
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
}

#[derive(Args)]
struct VerifyImport {
    #[command(flatten)]
    source: SynapseSource,
    /// How many access tokens to ask for
    #[arg(long, default_value_t = 100, value_name = "N")]
    sample: usize,
}

#[derive(Args)]
struct Account {
    /// The user name, or the whole Matrix ID
    username: String,
}

#[derive(Args)]
struct IssueRegistrationToken {
    /// The token: 1 to 64 letters, digits and . _ ~ - ; one that nobody can guess when it is not given
    token: Option<String>,
    /// How many accounts can be created with it; any number when it is not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    usage_limit: Option<i64>,
    /// How long it is good, such as 12h, 7d or 4w; for ever when it is not given
    #[arg(long, value_name = "TIME", value_parser = read_life)]
    expires_in: Option<i64>,
    /// Who made it, or for whom it is
    #[arg(long)]
    note: Option<String>,
}

/// Reads a span of time into milliseconds: a number and a unit.
fn read_life(text: &str) -> Result<i64, String> {
    let (number, unit) = text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let unit = match unit {
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        _ => return Err("a number and m, h, d or w, such as 7d".to_owned()),
    };
    let number: i64 = number.parse().map_err(|_| "a number and m, h, d or w, such as 7d".to_owned())?;
    number.checked_mul(unit).filter(|life| *life > 0).ok_or_else(|| "that is no time at all, or too long".to_owned())
}

#[derive(Args)]
struct RegisterUser {
    /// The user name
    username: String,
    /// The password; without one the account cannot be signed in to until it gets one
    #[arg(long, short)]
    password: Option<String>,
    /// An e-mail address that is known to belong to the person
    #[arg(long, short)]
    email: Option<String>,
    /// Let the account ask for server administration
    #[arg(long)]
    admin: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A command says what it did by itself; the log is for the service.
    telemetry::install(if matches!(arguments.command, Command::Server) { "info,sqlx=warn" } else { "warn" });
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error),
    };
    match runtime.block_on(run(arguments)) {
        Ok(code) => code,
        Err(message) => fail(&message),
    }
}

fn fail(message: &dyn Display) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "keymaker: {message}");
    ExitCode::FAILURE
}

/// Writes a line for whoever ran the command; a closed pipe is no reason to fail.
fn say(line: &dyn Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

async fn run(arguments: Arguments) -> Result<ExitCode, String> {
    let file = arguments.config.as_deref();
    match arguments.command {
        Command::Import(ImportCommand::Synapse(import)) => return import_synapse(file, &import).await,
        Command::Import(ImportCommand::Verify(verify)) => return verify_import(file, &verify).await,
        Command::Policy(command) => return policy(&load(file)?.policy, &command),
        Command::Server => serve(file).await,
        Command::Config(ConfigCommand::Generate) => {
            say(&config::sample().trim_end());
            Ok(())
        }
        Command::Config(ConfigCommand::Check) => check(file),
        Command::Database(DatabaseCommand::Migrate) => {
            open(&load(file)?).await?.close().await;
            say(&"The database is up to date.");
            Ok(())
        }
        Command::Manage(command) => {
            let app = build(load(file)?).await?;
            let result = manage(&app, command).await;
            app.db.close().await;
            result
        }
        Command::Keys(command) => {
            let app = build(load(file)?).await?;
            let result = keys::run(&app, command).await;
            app.db.close().await;
            result
        }
    }
    .map(|()| ExitCode::SUCCESS)
}

/// Names and values that are not Unicode are none of ours.
fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn load(file: Option<&Path>) -> Result<Config, String> {
    let result = match file {
        Some(file) => config::load(file, &environment()),
        None => config::development(&data_dir(), &environment()),
    };
    result.map_err(|problems| format!("the configuration cannot be used\n{problems}"))
}

fn data_dir() -> PathBuf {
    std::env::var_os("KEYMAKER_DATA_DIR").map_or_else(|| PathBuf::from("data"), PathBuf::from)
}

fn check(file: Option<&Path>) -> Result<(), String> {
    let file = file.ok_or("name the file to check: keymaker --config FILE config check")?;
    match config::load(file, &environment()) {
        Ok(_) => {
            say(&format!("{} is a configuration that Keymaker can use.", file.display()));
            Ok(())
        }
        Err(problems) => Err(format!("{} cannot be used\n{problems}", file.display())),
    }
}

fn policy(config: &config::Policy, command: &PolicyCommand) -> Result<ExitCode, String> {
    match command {
        PolicyCommand::Check => {
            say(&words::overview(config).map_err(|broken| broken.to_string())?);
            Ok(ExitCode::SUCCESS)
        }
        PolicyCommand::Test => {
            let (text, is_good) = words::tests(config).map_err(|broken| broken.to_string())?;
            say(&text);
            Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        PolicyCommand::Eval(eval) => eval_policy(config, eval),
    }
}

fn eval_policy(config: &config::Policy, eval: &EvalPolicy) -> Result<ExitCode, String> {
    let EvalPolicy { decision, input, .. } = eval;
    let unreadable = |error| format!("{} cannot be read: {error}", input.display());
    let text = match input.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(input),
    };
    let question: serde_json::Value = serde_json::from_str(&text.map_err(unreadable)?)
        .map_err(|error| format!("{} is no JSON: {error}", input.display()))?;
    if !question.is_object() {
        return Err("a question is an object, such as {\"username\": \"alice\"}".to_owned());
    }
    let policies = Policies::compile(config).map_err(|broken| broken.to_string())?;
    let answer = policies.decide(*decision, question.clone()).map_err(|broken| broken.to_string())?;
    match eval.json {
        true => say(&serde_json::to_string_pretty(&answer).map_err(|error| error.to_string())?),
        false => say(&words::answer(*decision, &answer)),
    }
    if let Some(times) = eval.repeat {
        let taken = words::measure(&policies, *decision, &question, times).map_err(|broken| broken.to_string())?;
        say(&format!("One answer takes {} µs.", taken.as_micros()));
    }
    Ok(if answer.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(TO_BE_CHANGED) })
}

/// Something that has to be changed first.
const TO_BE_CHANGED: u8 = 2;

/// A Keymaker, and a Synapse whose accounts move to it.
struct Moving {
    keymaker: Config,
    synapse: SynapseConfig,
    address: Address,
}

impl Moving {
    fn load(file: Option<&Path>, source: &SynapseSource) -> Result<Self, String> {
        // Without a configuration we would run for development, and that makes files.
        let file = file.ok_or("name the configuration that Keymaker will run with: keymaker --config FILE import …")?;
        let keymaker = load(Some(file))?;
        let synapse = SynapseConfig::load(&source.synapse_config).map_err(|error| error.to_string())?;
        let address = match &source.synapse_database_uri {
            Some(uri) => uri.parse::<Address>().map_err(|error| error.to_string())?,
            None => synapse.database().map_err(|error| error.to_string())?,
        };
        Ok(Self { keymaker, synapse, address })
    }

    fn begin(&self, is_strict: bool) -> Move<'_> {
        let Self { keymaker, synapse, address } = self;
        Move { synapse, address, keymaker, is_strict, now: Clock::default().now() }
    }
}

async fn import_synapse(file: Option<&Path>, import: &ImportSynapse) -> Result<ExitCode, String> {
    let moving = Moving::load(file, &import.source)?;
    // A page that cannot be written is found out before anything is imported.
    let unwritable = |page: &Path, error| format!("the report cannot be written to {}: {error}", page.display());
    let page = import.report.as_deref().map(|page| match std::fs::File::create(page) {
        Ok(file) => Ok((page, file)),
        Err(error) => Err(unwritable(page, error)),
    });
    let page = page.transpose()?;
    let (begun, mut progress) = (moving.begin(import.strict), Progress::new());
    let report = match (import.check, import.dry_run) {
        (true, _) => begun.check(&mut progress).await,
        (_, true) => begun.dry_run(&mut progress).await,
        _ => begun.import(&mut progress).await,
    };
    let report = report.map_err(|error| error.to_string())?;
    say(&report);
    if let Some((page, mut file)) = page {
        let html = report.to_html().map_err(|error| error.to_string())?;
        file.write_all(html.as_bytes()).map_err(|error| unwritable(page, error))?;
    }
    Ok(if report.is_refused() { ExitCode::from(TO_BE_CHANGED) } else { ExitCode::SUCCESS })
}

async fn verify_import(file: Option<&Path>, verify: &VerifyImport) -> Result<ExitCode, String> {
    let moving = Moving::load(file, &verify.source)?;
    let verified = moving.begin(false).verify(verify.sample, &mut Progress::new()).await;
    let verified = verified.map_err(|error| error.to_string())?;
    say(&verified);
    Ok(if verified.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(TO_BE_CHANGED) })
}

async fn open(config: &Config) -> Result<Db, String> {
    let db =
        Db::open(config.database.uri(), config.database.max_connections).await.map_err(|error| error.to_string())?;
    db.migrate().await.map_err(|error| error.to_string())?;
    Ok(db)
}

async fn build(config: Config) -> Result<App, String> {
    let db = open(&config).await?;
    let homeserver = app::homeserver(&config).map_err(|error| error.to_string())?;
    app::build(config, db, Clock::default(), homeserver).await.map_err(|error| error.to_string())
}

async fn serve(file: Option<&Path>) -> Result<(), String> {
    let config = load(file)?;
    let mut listeners = Vec::new();
    // The sockets come first: a port that is taken is the commonest mistake, and nothing has been touched yet.
    for bind in config.http.listeners.iter().flat_map(|listener| &listener.binds) {
        listeners.extend(server::listen(&bind.address()).await.map_err(|error| error.to_string())?);
    }
    let app = build(config).await?;
    say(&welcome(&app, file));
    server::serve(app, listeners, stop_signal()).await.map_err(|error| error.to_string())
}

fn welcome(app: &App, file: Option<&Path>) -> String {
    let base = app.config.http.public_base.as_str();
    let mut lines = vec![format!("Keymaker {} is ready at {base}", env!("CARGO_PKG_VERSION"))];
    if file.is_none() {
        lines.push(format!("  It runs for development: database and secrets are kept in {}", data_dir().display()));
        lines.push(format!("  Create an account:  {base}register"));
        lines.push("  Or here:            keymaker manage register-user alice --password …".to_owned());
        lines.push(format!("  Mails:              shown here, and kept in {}", data_dir().join("mail").display()));
        lines.push("  For a real service: keymaker config generate > keymaker.yaml".to_owned());
    }
    match (app.config.matrix.kind, &app.config.matrix.endpoint) {
        (HomeserverKind::Synapse, Some(endpoint)) => {
            lines.push(format!("  Homeserver:         {} at {}", app.server_name(), endpoint.as_str()));
        }
        _ => lines.push("  Homeserver:         none (matrix.kind)".to_owned()),
    }
    lines.join("\n")
}

async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(_) => {
            let _ = interrupt.await;
            return;
        }
    };
    tokio::select! {
        _ = interrupt => {}
        _ = terminate.recv() => {}
    }
}

async fn manage(app: &App, command: ManageCommand) -> Result<(), String> {
    match command {
        ManageCommand::RegisterUser(user) => {
            let RegisterUser { username, password, email, admin } = user;
            let mxid = manage::register_user(app, &username, password.as_deref(), email.as_deref(), admin)
                .await
                .map_err(|error| explain(&error, &username))?;
            say(&format!("{mxid} was created{}.", if password.is_none() { ", without a password" } else { "" }));
        }
        ManageCommand::SetPassword { username, password } => {
            let password = password.map_or_else(read_password, Ok)?;
            let user = manage::set_password(app, &username, &password).await.map_err(|e| explain(&e, &username))?;
            say(&format!("The password of {} was set.", user.mxid(app.server_name())));
        }
        ManageCommand::LockUser { account, deactivate } => {
            say_state(app, manage::set_locked(app, &account.username, true).await, &account, "locked")?;
            if deactivate {
                say_state(app, manage::deactivate(app, &account.username, false).await, &account, "deactivated")?;
            }
        }
        ManageCommand::UnlockUser { account, reactivate } => {
            say_state(app, manage::set_locked(app, &account.username, false).await, &account, "unlocked")?;
            if reactivate {
                say_state(app, manage::reactivate(app, &account.username).await, &account, "active")?;
            }
        }
        ManageCommand::DeactivateUser { account, erase } => {
            say_state(app, manage::deactivate(app, &account.username, erase).await, &account, "deactivated")?;
        }
        ManageCommand::ReactivateUser(account) => {
            say_state(app, manage::reactivate(app, &account.username).await, &account, "active")?;
        }
        ManageCommand::KillSessions { account, dry_run } => kill_sessions(app, &account.username, dry_run).await?,
        ManageCommand::IssueCompatibilityToken {
            account,
            device_id,
            yes_i_want_to_grant_synapse_admin_privileges: is_admin,
        } => issue_token(app, &account.username, device_id.as_deref(), is_admin).await?,
        ManageCommand::ListAdmins => {
            for user in store::user::list_admins(&app.db).await.map_err(|error| error.to_string())? {
                say(&user.mxid(app.server_name()));
            }
        }
        ManageCommand::PromoteAdmin(account) => {
            say_state(app, manage::set_admin(app, &account.username, true).await, &account, "an administrator")?;
        }
        ManageCommand::DemoteAdmin(account) => {
            say_state(app, manage::set_admin(app, &account.username, false).await, &account, "no administrator")?;
        }
        ManageCommand::IssueRegistrationToken(wanted) => issue_registration_token(app, &wanted).await?,
        ManageCommand::ListRegistrationTokens => list_registration_tokens(app).await?,
        ManageCommand::RevokeRegistrationToken { token } => {
            say_token_state(registration_token::set_revoked(app, &token, true).await, "revoked")?;
        }
        ManageCommand::UnrevokeRegistrationToken { token } => {
            say_token_state(registration_token::set_revoked(app, &token, false).await, "not revoked")?;
        }
        ManageCommand::ListPendingUsers => list_pending_users(app).await?,
        ManageCommand::ApproveUser(account) => {
            say_state(app, approval::approve(app, &account.username).await, &account, "approved")?;
        }
        ManageCommand::RejectUser { account, reason } => {
            let result = approval::reject(app, &account.username, reason.as_deref()).await;
            let (user, is_rejected) = result.map_err(|error| explain(&error, &account.username))?;
            let mxid = user.mxid(app.server_name());
            match is_rejected {
                true => say(&format!("{mxid} was rejected. The name is free again.")),
                false => return Err(format!("{mxid} does not wait for approval; `deactivate-user` ends an account")),
            }
        }
        ManageCommand::RequireBrowserLogin(account) => {
            let result = manage::set_browser_login_required(app, &account.username, true).await;
            say_state(app, result, &account, "bound to the browser for signing in")?;
        }
        ManageCommand::AllowPasswordLogin(account) => {
            let result = manage::set_browser_login_required(app, &account.username, false).await;
            say_state(app, result, &account, "free to sign in to older apps with the password")?;
        }
    }
    Ok(())
}

/// Says what an account is now, or that it was so before.
fn say_state(app: &App, result: Result<(User, bool), Error>, account: &Account, state: &str) -> Result<(), String> {
    let (user, has_changed) = result.map_err(|error| explain(&error, &account.username))?;
    let mxid = user.mxid(app.server_name());
    say(&match has_changed {
        true => format!("{mxid} is {state} now."),
        false => format!("{mxid} was {state} already."),
    });
    Ok(())
}

async fn kill_sessions(app: &App, username: &str, is_dry_run: bool) -> Result<(), String> {
    let result = manage::kill_sessions(app, username, is_dry_run).await;
    let (user, sessions) = result.map_err(|error| explain(&error, username))?;
    for session in &sessions {
        let device = session.device_id.as_ref().map(|id| format!(", device {id}")).unwrap_or_default();
        say(&format!("{} ({}{device})", session.id, session.kind));
    }
    let (mxid, count) = (user.mxid(app.server_name()), sessions.len());
    let what = if count == 1 { "1 session".to_owned() } else { format!("{count} sessions") };
    say(&match is_dry_run {
        true => format!("{what} of {mxid} would end."),
        false => format!("{what} of {mxid} ended."),
    });
    Ok(())
}

/// The token and the link stand alone on standard output, so that a script can take them.
async fn issue_registration_token(app: &App, wanted: &IssueRegistrationToken) -> Result<(), String> {
    let IssueRegistrationToken { token, usage_limit, expires_in, note } = wanted;
    let (usage_limit, life) = (*usage_limit, *expires_in);
    let wanted = Wanted { token: token.as_deref(), usage_limit, life, note: note.as_deref() };
    let issued = registration_token::issue(app, wanted).await.map_err(|error| error.to_string())?;
    say(&issued.token);
    say(&issued.link);
    if !app.config.account.registration_token_required {
        let hint = "Nobody is asked for it: `account.registration_token_required` is false.";
        let _ = writeln!(std::io::stderr(), "{hint}");
    }
    Ok(())
}

async fn list_registration_tokens(app: &App) -> Result<(), String> {
    let now = app.clock.now();
    let moment = |at: i64| Language::English.moment(at);
    for token in registration_token::list(app).await.map_err(|error| error.to_string())? {
        let limit = token.usage_limit.map_or_else(|| "any number".to_owned(), |limit| limit.to_string());
        let mut line = format!("{} {}…: {} of {limit} used", token.id, token.head, token.times_used);
        if token.pending > 0 {
            line.push_str(&format!(", {} more in sign-ups that are not finished", token.pending));
        }
        match (token.revoked_at, token.expires_at) {
            (Some(at), _) => line.push_str(&format!(", revoked {}", moment(at))),
            (None, Some(at)) if at <= now => line.push_str(&format!(", expired {}", moment(at))),
            (None, Some(at)) => line.push_str(&format!(", good until {}", moment(at))),
            (None, None) => {}
        }
        if let Some(note) = token.note {
            line.push_str(&format!(" ({note})"));
        }
        say(&line);
    }
    Ok(())
}

fn say_token_state(result: Result<bool, Error>, state: &str) -> Result<(), String> {
    let has_changed = result.map_err(|error| match error {
        Error::Refusal(Refusal::NotFound) => "there is no such registration token or id".to_owned(),
        error => error.to_string(),
    })?;
    say(&if has_changed { format!("It is {state} now.") } else { format!("It was {state} already.") });
    Ok(())
}

async fn list_pending_users(app: &App) -> Result<(), String> {
    for waiting in approval::list(app).await.map_err(|error| error.to_string())? {
        let mxid = user::mxid(&waiting.username, app.server_name());
        let since = Language::English.moment(waiting.approval_required_at);
        let email = waiting.email.map(|email| format!(", {email}")).unwrap_or_default();
        let ip = waiting.ip.map(|ip| format!(", from {ip}")).unwrap_or_default();
        say(&format!("{mxid} since {since}{email}{ip}"));
    }
    Ok(())
}

/// The token stands alone on standard output, so that a script can take it.
async fn issue_token(app: &App, username: &str, device_id: Option<&str>, is_admin: bool) -> Result<(), String> {
    let result = manage::issue_compatibility_token(app, username, device_id, is_admin).await;
    let (device_id, token) = result.map_err(|error| match error {
        Error::Refusal(Refusal::AccessDenied) => {
            format!("{username} is no administrator; `keymaker manage promote-admin {username}` makes one")
        }
        error => explain(&error, username),
    })?;
    let _ = writeln!(std::io::stderr(), "A token of {username} on the device {device_id}, which never expires:");
    say(&token.expose());
    Ok(())
}

/// Reads the first line of standard input, so that a password need not stand in the list of processes.
fn read_password() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| format!("the password cannot be read: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn explain(error: &Error, username: &str) -> String {
    match error {
        Error::Refusal(Refusal::NotFound) => format!("there is no account named {username}"),
        Error::Refusal(Refusal::Username(problem)) => format!("the name {username} cannot be used: {problem}"),
        Error::Refusal(Refusal::AwaitingApproval) => {
            format!("{username} waits for approval: `keymaker manage approve-user {username}`")
        }
        other => other.to_string(),
    }
}
