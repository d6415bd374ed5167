//! The configuration of a server that was started without one: everything on this machine, in one directory.
//! Its secrets are made once and kept, so that a restart signs nobody out.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::crypto::random;
use serde_json::json;

use super::generated::generated_secrets;
use super::load::assemble;
use super::{Config, Problems};

/// Builds the configuration for development in `data_dir`, which it creates with fresh secrets where they are missing.
pub fn development(data_dir: &Path, environment: &BTreeMap<String, String>) -> Result<Config, Problems> {
    let secrets = data_dir.join("secrets");
    keep_secrets(&secrets).map_err(|error| {
        Problems::one(data_dir.display().to_string(), format!("cannot hold the data of the development mode: {error}"))
    })?;
    let settings = json!({
        "database": { "uri": sqlite_uri(&data_dir.join("keymaker.db")) },
        "matrix": { "kind": "none", "homeserver": "localhost", "secret_file": secrets.join(MATRIX_SECRET) },
        "secrets": {
            "encryption_file": secrets.join(ENCRYPTION),
            "keys": [{ "key_file": secrets.join(RS256) }],
        },
        "account": { "password_registration_enabled": true },
        "email": {
            "from": "Keymaker <keymaker@localhost>",
            "transport": "folder",
            "folder": data_dir.join("mail"),
        },
    });
    // The paths above already lead from the working directory.
    assemble(settings, Path::new(""), environment)
}

const ENCRYPTION: &str = "encryption";
const MATRIX_SECRET: &str = "matrix-secret";
const RS256: &str = "rs256.pem";

fn keep_secrets(directory: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let kept = |name: &&str| directory.join(name).exists();
    if [ENCRYPTION, MATRIX_SECRET, RS256].iter().all(kept) {
        return Ok(());
    }
    let fresh = generated_secrets();
    keep(directory, ENCRYPTION, &fresh.encryption)?;
    keep(directory, MATRIX_SECRET, &fresh.matrix_secret)?;
    keep(directory, RS256, &fresh.rs256)
}

/// Writes a secret unless it is there already.
fn keep(directory: &Path, name: &str, secret: &str) -> io::Result<()> {
    let draft = directory.join(format!(".{name}.{}", hex::encode(random::bytes::<8>())));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(secret.as_bytes())?;
    file.sync_all()?;
    // A link appears whole and never replaces: of two servers that start at once both use the secret of the first.
    let linked = fs::hard_link(&draft, directory.join(name));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Writes a path as a URL; `?`, `#` and `%` would mean something else there.
fn sqlite_uri(path: &Path) -> String {
    let path = path.to_string_lossy();
    let path = path.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    format!("sqlite://{path}")
}
