//! The secrets of clients: made once and shown once, kept as a hash, and sealed besides where the client signs with it and
//! the very text is needed again (spec REG-11). During a rotation two of them are good (CAU-05).

use crate::{
    app::App,
    config,
    crypto::secret::{Kind, Secret, equal, sha256},
    domain::{client::ClientAuthMethod, id::ClientId},
    error::{Error, Result},
    store::client::{Client, StoredSecret},
};

/// Makes a secret for a client that authenticates itself in this way.
///
/// # Errors
/// When it cannot be sealed.
pub fn generate(app: &App, id: &ClientId, method: ClientAuthMethod) -> Result<(Secret, StoredSecret)> {
    let is_for_signing = method == ClientAuthMethod::ClientSecretJwt;
    let secret = match is_for_signing {
        true => Secret::generate_long(Kind::ClientSecret),
        false => Secret::generate(Kind::ClientSecret),
    };
    let sealed = match is_for_signing {
        true => {
            let sealed = app.sealer.seal(&context(id), secret.expose().as_bytes());
            Some(sealed.ok_or(Error::Internal("a client secret cannot be sealed"))?)
        }
        false => None,
    };
    let stored = StoredSecret { hash: secret.hash(), sealed };
    Ok((secret, stored))
}

/// Says whether this is a secret of the client, in a time that tells neither which nor whether there is such a client.
pub fn is_right(app: &App, client: Option<&Client>, presented: &str) -> bool {
    if let Some(entry) = client.and_then(|client| configured(app, client)) {
        // Both are looked at, whichever it is.
        return entry.secrets().filter(|secret| equal(secret.expose(), presented)).count() > 0;
    }
    let presented = sha256(presented.as_bytes());
    let is_same = |hash: &[u8]| aws_lc_rs::constant_time::verify_slices_are_equal(hash, &presented).is_ok();
    match client.map(|client| good(app, client).map(|secret| secret.hash.as_slice()).collect::<Vec<_>>()) {
        Some(known) if !known.is_empty() => known.into_iter().filter(|hash| is_same(hash)).count() > 0,
        // A client that is unknown or has no secret costs one comparison too; no text has this hash.
        _ => is_same(&[0; 32]),
    }
}

/// Gives the texts of the secrets with which a client may sign, the current one first.
pub fn for_signing(app: &App, client: &Client) -> Vec<String> {
    match configured(app, client) {
        Some(entry) => entry.secrets().map(|secret| secret.expose().to_owned()).collect(),
        None => {
            let sealed = good(app, client).filter_map(|secret| secret.sealed.as_deref());
            let opened = sealed.filter_map(|sealed| app.sealer.open(&context(&client.id), sealed));
            opened.filter_map(|text| String::from_utf8(text).ok()).collect()
        }
    }
}

fn configured<'a>(app: &'a App, client: &Client) -> Option<&'a config::Client> {
    let mut entries = app.config.clients.iter().filter(|_| client.is_static);
    entries.find(|entry| entry.client_id == client.id.as_str())
}

fn good<'a>(app: &App, client: &'a Client) -> impl Iterator<Item = &'a StoredSecret> {
    let now = app.clock.now();
    let previous = client.previous_secret.as_ref().filter(|(_, until)| *until > now);
    client.secret.iter().chain(previous.map(|(secret, _)| secret))
}

fn context(id: &ClientId) -> String {
    format!("client secret {}", id.as_str())
}
