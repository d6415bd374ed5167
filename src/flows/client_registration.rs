//! Dynamic client registration (RFC 7591, MSC2966), and the clients of the configuration.

use crate::{
    app::App,
    crypto::secret::{Kind, Secret, sha256},
    domain::{
        client::{ClientAuthMethod, ClientMetadata},
        id::ClientId,
    },
    error::{Error, Result},
    flows::{
        Caller, client_secret,
        limit::{self, Limiter},
        permit,
    },
    store::{
        self,
        client::{Client, NewClient},
    },
};

/// What a registration counts that adds nothing (REG-16).
const REUSE: f64 = 0.1;

/// A client that was just registered, with its secret if it got one: it is shown this once.
pub struct Registered {
    pub client: Client,
    pub secret: Option<Secret>,
    /// With what a client that shares its registration with nobody manages it (RFC 7592).
    pub registration_token: Option<Secret>,
}

/// Registers a client, or gives the one that registered with the same metadata before (spec REG-13).
///
/// Clients with a secret never share: the secret belongs to one of them.
///
/// # Errors
/// `TooManyRequests`; `Policy`, also for metadata that was registered before there was the rule; else when the store fails.
pub async fn register(app: &App, metadata: ClientMetadata, caller: &Caller) -> Result<Registered> {
    permit::client(app, &metadata, caller)?;
    let is_shared = metadata.token_endpoint_auth_method == ClientAuthMethod::None;
    let digest = is_shared.then(|| sha256(&metadata.digest_input()));
    let address = limit::address(caller);
    if let Some(digest) = &digest
        && let Some(client) = store::client::find_by_digest(&app.db, digest).await?
    {
        limit::take_part(app, Limiter::ClientRegistration, &address, REUSE).await?;
        return Ok(Registered { client, secret: None, registration_token: None });
    }
    limit::take(app, Limiter::ClientRegistration, &address).await?;
    let now = app.clock.now();
    let id = ClientId::new(crate::crypto::random::ulid(now));
    let method = metadata.token_endpoint_auth_method;
    let secret = method.has_secret().then(|| client_secret::generate(app, &id, method)).transpose()?;
    let (secret, stored) = secret.unzip();
    let client = Client { secret: stored, ..Client::new(id, metadata, now) };
    let registration_token = (!is_shared).then(|| Secret::generate(Kind::RegistrationAccessToken));
    let token_hash = registration_token.as_ref().map(Secret::hash);
    let mut tx = app.db.write().await?;
    let new = NewClient { client: &client, digest: digest.as_deref(), registration_token_hash: token_hash.as_deref() };
    store::client::insert(&mut tx, new).await?;
    tx.commit().await?;
    match digest {
        None => Ok(Registered { client, secret, registration_token }),
        // Of several first registrations at once, all get the row that won.
        Some(digest) => {
            let client = store::client::find_by_digest(&app.db, &digest).await?;
            let client = client.ok_or(Error::Internal("a client vanished"))?;
            Ok(Registered { client, secret: None, registration_token: None })
        }
    }
}

/// Brings the clients of the configuration into the store, and disables those that left it.
///
/// # Errors
/// When the store fails.
pub async fn sync_configured(app: &App) -> Result<()> {
    let now = app.clock.now();
    let known = store::client::list_static(&app.db).await?;
    if known.is_empty() && app.config.clients.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.write().await?;
    for entry in &app.config.clients {
        let client = Client {
            is_static: true,
            is_pkce_required: entry.require_pkce,
            is_trusted: entry.trusted,
            ..Client::new(ClientId::new(&entry.client_id), entry.metadata(), now)
        };
        store::client::upsert_static(&mut tx, &client).await?;
    }
    for id in known {
        if !app.config.clients.iter().any(|entry| entry.client_id == id.as_str()) {
            store::client::disable(&mut tx, &id, now).await?;
        }
    }
    Ok(tx.commit().await?)
}
