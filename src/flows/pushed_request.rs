//! Pushed authorization requests (RFC 9126; spec PAR-01 to PAR-03): a client sends its request ahead, authenticated and checked
//! as a whole, and the browser brings only its name.
//!
//! The name is good for a minute to begin with, and until one authorization that began with it is decided: somebody may reload
//! the page, and what fetches links ahead uses nothing up.

use crate::{
    app::App,
    clock::SECOND,
    config::PushedRequests,
    crypto::secret::{Kind, Secret},
    domain::{client::GrantType, params::Params, refusal::Refusal},
    error::{Error, Result},
    flows::{
        Caller,
        authorize::{check_client, check_request},
        limit::{self, Limiter},
        permit,
    },
    store::{self, client::Client, db::Tx, pushed_request::PushedRequest},
};

/// What stands before the random part of a `request_uri` (RFC 9126 §2.2).
pub const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// What authenticates the client, and is no part of the request.
const CREDENTIALS: [&str; 3] = ["client_secret", "client_assertion", "client_assertion_type"];

/// A request that was accepted.
pub struct Pushed {
    pub request_uri: String,
    /// Seconds.
    pub expires_in: i64,
}

/// Checks the request of an authenticated client as the authorization endpoint will, and keeps it.
///
/// # Errors
/// Those of the authorization endpoint; `InvalidRequest` for a `request_uri`; `TooManyRequests`.
pub async fn push(app: &App, client: &Client, params: &Params, caller: &Caller) -> Result<Pushed> {
    if params.get("request_uri").is_some() {
        return Err(Refusal::InvalidRequest("request_uri has no place in a pushed request".to_owned()).into());
    }
    limit::take(app, Limiter::PushedRequest, &limit::address(caller)).await?;
    let params = &params.without(&CREDENTIALS).with("client_id", client.id.as_str());
    let (client, redirect_uri) = check_client(app, params).await?;
    let request = check_request(app, params, &client, &redirect_uri).await?;
    permit::authorization(app, &client, &request.scope.to_string(), GrantType::AuthorizationCode, None, caller)?;
    let (secret, life) = (Secret::generate(Kind::PushedRequest), app.config.authorization.pushed_request_life());
    let sealed = app.sealer.seal(&context(&client), params.encode().as_bytes());
    let sealed = sealed.ok_or(Error::Internal("a pushed request cannot be sealed"))?;
    let row = PushedRequest {
        secret_hash: secret.hash(),
        params: sealed,
        client_id: client.id,
        expires_at: app.clock.now() + life,
        consumed_at: None,
    };
    let mut tx = app.db.write().await?;
    store::pushed_request::insert(&mut tx, &row).await?;
    tx.commit().await?;
    Ok(Pushed { request_uri: format!("{PREFIX}{}", secret.expose()), expires_in: life / SECOND })
}

/// What a client sent ahead.
pub struct Found {
    pub params: Params,
    pub hash: Vec<u8>,
}

/// Finds what the request of a browser names, if it names something that was sent ahead.
///
/// # Errors
/// `PushedRequestOver` for what is unknown, expired, used or of another client: which of them cannot be told.
pub async fn find(app: &App, params: &Params) -> Result<Option<Found>> {
    let named = params.get("request_uri").and_then(|uri| uri.strip_prefix(PREFIX));
    let Some(named) = named else { return Ok(None) };
    let over = || Refusal::PushedRequestOver;
    for name in ["client_id", "request_uri"] {
        if params.is_repeated(name) {
            return Err(Refusal::repeated(name).into());
        }
    }
    let secret = Secret::parse(Kind::PushedRequest, named).ok_or_else(over)?;
    let row = store::pushed_request::find(&app.db, &secret.hash()).await?.ok_or_else(over)?;
    let is_open = row.consumed_at.is_none() && row.expires_at > app.clock.now();
    if !is_open || params.get("client_id") != Some(row.client_id.as_str()) {
        return Err(over().into());
    }
    let client = store::client::find(&app.db, &row.client_id).await?.ok_or(Refusal::UnknownClient)?;
    let bytes = app.sealer.open(&context(&client), &row.params).ok_or_else(over)?;
    Ok(Some(Found { params: Params::parse(&bytes), hash: row.secret_hash }))
}

/// Tells whether a client has to send its requests ahead.
pub fn is_required(app: &App, client: &Client) -> bool {
    app.config.authorization.pushed_requests == PushedRequests::Required
        || client.metadata.require_pushed_authorization_requests
}

/// Consumes what an authorization began with, in the transaction of its decision.
///
/// # Errors
/// `TransactionOver` when another authorization that began with it was decided before.
pub async fn consume_in(app: &App, tx: &mut Tx, hash: Option<&[u8]>) -> Result<()> {
    let Some(hash) = hash else { return Ok(()) };
    match store::pushed_request::consume(tx, hash, app.clock.now()).await? {
        true => Ok(()),
        false => Err(Refusal::TransactionOver.into()),
    }
}

fn context(client: &Client) -> String {
    format!("pushed request of {}", client.id)
}
