//! `keymaker keys …`: which signing keys there are, the next one, the end of one, and the encryption key (docs/keys.md).

use clap::{Args, Subcommand, ValueEnum};
use keymaker::{
    app::App,
    domain::{refusal::Refusal, signing_alg::SigningAlg},
    error::Error,
    flows::{keys, reseal},
    language::Language,
};
use serde_json::{Value, json};

use super::say;

#[derive(Subcommand)]
pub enum KeysCommand {
    /// List the signing keys, and how many rows of the database are sealed under which encryption key
    List(Format),
    /// Publish the next key of each algorithm. It signs a day later, when everybody can know it
    Rotate(Rotate),
    /// Revoke a key at once, such as one that somebody else has: what it signed is believed no longer, and where it signed another
    /// one does
    Retire {
        /// The id of the key
        kid: String,
        #[command(flatten)]
        format: Format,
    },
    /// Seal what is sealed under `secrets.previous_encryption` again, under `secrets.encryption`. The service may run meanwhile
    Reseal(Format),
}

#[derive(Args)]
pub struct Format {
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct Rotate {
    /// The algorithm; all of them when it is not given
    #[arg(long, value_enum, ignore_case = true)]
    alg: Option<Alg>,
    /// Let it sign at once. Whoever remembers our keys fails to verify what it signs until they ask again
    #[arg(long)]
    now: bool,
    #[command(flatten)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Alg {
    #[value(name = "RS256")]
    Rs256,
    #[value(name = "ES256")]
    Es256,
    #[value(name = "EdDSA")]
    EdDsa,
}

impl From<Alg> for SigningAlg {
    fn from(alg: Alg) -> Self {
        match alg {
            Alg::Rs256 => SigningAlg::RS256,
            Alg::Es256 => SigningAlg::ES256,
            Alg::EdDsa => SigningAlg::EdDSA,
        }
    }
}

/// Runs one command.
///
/// # Errors
/// One sentence for whoever ran it.
pub async fn run(app: &App, command: KeysCommand) -> Result<(), String> {
    // A database that no server has seen yet has no keys.
    keys::prepare(app).await.map_err(|error| error.to_string())?;
    match command {
        KeysCommand::List(format) => list(app, &format).await,
        KeysCommand::Rotate(wanted) => rotate(app, &wanted).await,
        KeysCommand::Retire { kid, format } => retire(app, &kid, &format).await,
        KeysCommand::Reseal(format) => reseal(app, &format).await,
    }
}

async fn list(app: &App, format: &Format) -> Result<(), String> {
    let keys = keys::list(app).await.map_err(|error| error.to_string())?;
    let census = reseal::census(app).await.map_err(|error| error.to_string())?;
    if format.json {
        return say_json(&json!({ "keys": keys, "sealed": census }));
    }
    let width = keys.iter().map(|key| key.kid.len()).max().unwrap_or_default().max(3);
    say(&format!("{:width$}  ALG    STATE     ORIGIN         WHEN", "KID"));
    for key in &keys {
        let when = match (key.state, key.activates_at, key.published_until, key.revoked_at) {
            ("next", Some(at), ..) => format!("signs from {}", moment(at)),
            ("signs", Some(at), ..) => format!("since {}", moment(at)),
            ("signs", None, ..) => key.created_at.map_or_else(String::new, |at| format!("since {}", moment(at))),
            ("retired", _, Some(until), _) => format!("published until {}", moment(until)),
            ("retired", ..) => "published".to_owned(),
            ("believed", ..) => "published no longer; believed as a hint".to_owned(),
            (_, _, _, Some(at)) => moment(at),
            _ => String::new(),
        };
        let line = format!("{:width$}  {:5}  {:8}  {:13}  {when}", key.kid, key.alg, key.state, key.origin);
        say(&line.trim_end());
    }
    let (previous, unknown) = census.iter().fold((0, 0), |(p, u), column| (p + column.previous, u + column.unknown));
    say(&"");
    match previous {
        0 => say(&"Nothing is sealed under an encryption key from before: secrets.previous_encryption may be empty."),
        _ => say(&format!("{} sealed under an encryption key from before:", rows(previous))),
    }
    for column in census.iter().filter(|column| column.previous > 0) {
        say(&format!("  {}: {}", column.column, column.previous));
    }
    if previous > 0 {
        say(&"`keymaker keys reseal` seals them again.");
    }
    if unknown > 0 {
        say(&format!("{} sealed under a key that the configuration does not name:", rows(unknown)));
        for column in census.iter().filter(|column| column.unknown > 0) {
            say(&format!("  {}: {}", column.column, column.unknown));
        }
    }
    Ok(())
}

async fn rotate(app: &App, wanted: &Rotate) -> Result<(), String> {
    let algs = wanted.alg.map_or_else(|| SigningAlg::ALL.to_vec(), |alg| vec![alg.into()]);
    let mut all = Vec::new();
    for alg in algs {
        all.push(keys::rotate(app, alg, wanted.now).await.map_err(|error| error.to_string())?);
    }
    if wanted.format.json {
        return say_json(&json!(all));
    }
    for keys::Rotated { alg, kid, activates_at, was_published } in &all {
        say(&match (wanted.now, was_published) {
            (true, _) => format!("{alg}: {kid} signs from now on."),
            (false, true) => format!("{alg}: {kid} was published already, and signs from {}.", moment(*activates_at)),
            (false, false) => format!("{alg}: {kid} is published, and signs from {}.", moment(*activates_at)),
        });
    }
    Ok(())
}

async fn retire(app: &App, kid: &str, format: &Format) -> Result<(), String> {
    let retired = keys::retire(app, kid).await.map_err(|error| match error {
        Error::Refusal(Refusal::NotFound) => format!("there is no key {kid}; `keymaker keys list` lists them"),
        error => error.to_string(),
    })?;
    if format.json {
        return say_json(&json!(retired));
    }
    say(&match retired.has_changed {
        true => format!("{kid} is revoked: it is neither published nor believed any more."),
        false => format!("{kid} was revoked already."),
    });
    if let Some(keys::Rotated { alg, kid, .. }) = &retired.replaced_by {
        say(&format!("{alg}: {kid} signs from now on."));
    }
    Ok(())
}

async fn reseal(app: &App, format: &Format) -> Result<(), String> {
    let resealed = reseal::reseal(app).await.map_err(|error| error.to_string())?;
    let unknown: u64 = resealed.iter().map(|column| column.unknown).sum();
    if format.json {
        say_json(&json!(resealed))?;
    } else {
        for column in resealed.iter().filter(|column| column.rows > 0) {
            say(&format!("{}: {} sealed again", column.column, column.rows));
        }
        if unknown == 0 {
            say(&"Everything is sealed under secrets.encryption: secrets.previous_encryption may be empty.");
        }
    }
    match unknown {
        0 => Ok(()),
        _ => Err(format!(
            "{unknown} rows are sealed under a key that the configuration does not name; `keymaker keys list` tells which"
        )),
    }
}

fn rows(count: i64) -> String {
    if count == 1 { "1 row is".to_owned() } else { format!("{count} rows are") }
}

fn moment(at: i64) -> String {
    Language::English.moment(at)
}

fn say_json(value: &Value) -> Result<(), String> {
    say(&serde_json::to_string_pretty(value).map_err(|error| error.to_string())?);
    Ok(())
}
