//! A client that registered itself reads, replaces and removes its registration (RFC 7592; spec REG-18). Only one that holds
//! a secret or keys can: the others share theirs with strangers (REG-14).

use serde_json::Value;

use crate::{
    app::App,
    crypto::secret::{Kind, Secret},
    domain::{
        client::{ClientAuthMethod, ClientMetadata},
        refusal::Refusal,
        session::EndReason,
    },
    error::Result,
    flows::{
        Caller, client_auth, client_secret,
        limit::{self, Limiter},
        permit, session,
    },
    store::{self, client::Client},
};

/// What only we say of a registration (RFC 7592 §2.2).
const OURS: [&str; 4] =
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"];

/// Finds the client that a registration access token belongs to, and gives the token back with it.
///
/// # Errors
/// `MissingToken`; `InvalidToken` also for the token of another client, and of one that is gone.
pub async fn find(app: &App, id: &str, authorization: Option<&str>) -> Result<(Client, Secret)> {
    let presented = authorization.and_then(|value| client_auth::scheme_value(value, "bearer"));
    let presented = presented.ok_or(Refusal::MissingToken)?;
    let token = Secret::parse(Kind::RegistrationAccessToken, presented).ok_or(Refusal::InvalidToken)?;
    let client = store::client::find_by_registration_token(&app.db, &token.hash()).await?;
    let client = client.filter(|client| client.id.as_str() == id).ok_or(Refusal::InvalidToken)?;
    Ok((client, token))
}

/// Checks what the body of a replacement says besides metadata (RFC 7592 §2.2).
///
/// # Errors
/// `InvalidRequest`; `InvalidClientMetadata` for a secret that is not the client's.
pub fn check_replacement(app: &App, client: &Client, body: &Value) -> Result<(), Refusal> {
    if body.get("client_id").and_then(Value::as_str) != Some(client.id.as_str()) {
        return Err(Refusal::InvalidRequest("client_id is not that of this registration".to_owned()));
    }
    if let Some(member) = OURS.iter().find(|member| body.get(**member).is_some()) {
        return Err(Refusal::InvalidRequest(format!("{member} cannot be set")));
    }
    match body.get("client_secret") {
        Some(secret) if !secret.as_str().is_some_and(|secret| client_secret::is_right(app, Some(client), secret)) => {
            Err(Refusal::InvalidClientMetadata("client_secret is not the one of this client".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Replaces the metadata of a client, and gives it with a new secret where the one it has does not serve its method.
///
/// # Errors
/// `TooManyRequests`; `Policy`; `InvalidClientMetadata` for a method without secret or keys; `InvalidToken` when it was removed
/// meanwhile.
pub async fn replace(
    app: &App,
    client: Client,
    metadata: ClientMetadata,
    caller: &Caller,
) -> Result<(Client, Option<Secret>)> {
    let method = metadata.token_endpoint_auth_method;
    if method == ClientAuthMethod::None {
        let description = "a client with a registration access token has to authenticate itself";
        return Err(Refusal::InvalidClientMetadata(description.to_owned()).into());
    }
    limit::take(app, Limiter::ClientRegistration, &limit::address(caller)).await?;
    permit::client(app, &metadata, caller)?;
    let has_fitting = client.secret.as_ref().is_some_and(|secret| {
        method.has_secret() && (method != ClientAuthMethod::ClientSecretJwt || secret.sealed.is_some())
    });
    let (secret, stored) = match (method.has_secret(), has_fitting) {
        (false, _) => (None, None),
        (true, true) => (None, client.secret),
        (true, false) => client_secret::generate(app, &client.id, method).map(|(new, kept)| (Some(new), Some(kept)))?,
    };
    let client = Client { metadata, secret: stored, ..client };
    let mut tx = app.db.write().await?;
    if !store::client::replace(&mut tx, &client).await? {
        return Err(Refusal::InvalidToken.into());
    }
    tx.commit().await?;
    Ok((client, secret))
}

/// Removes a client: its token, its secret and all its sessions end with it.
///
/// # Errors
/// When the store fails.
pub async fn remove(app: &App, client: &Client, reason: EndReason) -> Result<()> {
    let mut tx = app.db.write().await?;
    store::client::remove(&mut tx, &client.id, app.clock.now()).await?;
    let ended = session::end_all_of_client_in(app, &mut tx, &client.id, reason).await?;
    tx.commit().await?;
    app.jobs.notify_one();
    session::count(reason, ended);
    tracing::info!(client = client.id.as_str(), sessions = ended, "a client was removed");
    Ok(())
}
