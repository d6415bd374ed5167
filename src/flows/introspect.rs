//! Introspection (RFC 7662; spec area 7): is this access token good, and whose is it? The homeserver asks for every
//! token it has not seen, so this is one SELECT; only the very first use of a token is written down (REF-04).

use serde::Serialize;

use crate::{
    app::App,
    clock::SECOND,
    config::HomeserverKind,
    crypto::secret::{Kind, Secret, equal},
    domain::{
        amr::Amr,
        params::Params,
        refusal::Refusal,
        session::{PresentedToken, Purpose},
    },
    error::Result,
    flows::{
        Caller,
        activity::note_use,
        client_auth::{self, Endpoint},
    },
    store::{self, client::Client, token::TokenKind},
};

/// What a homeserver is told in place of a client id when the client has none (spec CMP-35).
const LEGACY_CLIENT: &str = "legacy";

/// Who asks.
pub enum Asker {
    Homeserver,
    Client(Box<Client>),
}

/// The answer (RFC 7662 §2.2). The homeserver reads it strictly: integers are integers, absent is absent (INT-04).
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Introspection {
    pub active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The localpart, in the homeserver's exact spelling.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<i64>,
    /// When the person last signed in, how, and the class that this reaches (spec INT-03, PRM-06).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amr: Option<Amr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<String>,
    /// The services that the token is for (RFC 8707), where the client named any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aud: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
}

/// Authenticates whoever asks: the homeserver by the shared secret, or a confidential client (INT-01).
///
/// # Errors
/// `InvalidToken` for a wrong shared secret, `InvalidClient` for everything else that is not a confidential client;
/// `TooManyRequests`.
pub async fn authenticate(app: &App, authorization: Option<&str>, params: &Params, caller: &Caller) -> Result<Asker> {
    if let Some(presented) = authorization.and_then(|value| client_auth::scheme_value(value, "bearer")) {
        return match app.config.matrix.secret() {
            Some(secret) if equal(secret.expose(), presented) => Ok(Asker::Homeserver),
            _ => Err(Refusal::InvalidToken.into()),
        };
    }
    let client = client_auth::authenticate(app, Endpoint::Introspection, authorization, params, caller).await?;
    match client.metadata.is_confidential() {
        true => Ok(Asker::Client(Box::new(client))),
        false => Err(Refusal::InvalidClient.into()),
    }
}

/// Answers for one token. `is_device_member_known` says that the homeserver reads the member `device_id` (INT-06).
///
/// # Errors
/// When the store fails: that is never an answer about the token (INV-07).
pub async fn introspect(
    app: &App,
    asker: &Asker,
    presented: &str,
    is_device_member_known: bool,
) -> Result<Introspection> {
    let Some(token) = find_active(app, asker, presented).await? else { return Ok(Introspection::default()) };
    let now = app.clock.now();
    match note_use(app, &token, now).await? {
        true => Ok(describe(app, token, is_device_member_known, now)),
        false => Ok(Introspection::default()),
    }
}

/// Answers as [`introspect`] does, and writes nothing down: whoever only looks does not use the token.
///
/// # Errors
/// When the store fails.
pub async fn look(app: &App, asker: &Asker, presented: &str) -> Result<Introspection> {
    let found = find_active(app, asker, presented).await?;
    Ok(found.map(|token| describe(app, token, true, app.clock.now())).unwrap_or_default())
}

async fn find_active(app: &App, asker: &Asker, presented: &str) -> Result<Option<PresentedToken>> {
    let Some(secret) = Secret::parse_token(Kind::AccessToken, presented) else { return Ok(None) };
    let Some(token) = store::token::find(&app.db, TokenKind::Access, &secret.hash()).await? else { return Ok(None) };
    let now = app.clock.now();
    // INT-09: with Synapse an inactive answer is the only thing that a lock does.
    let purpose = match (asker, app.config.matrix.kind) {
        (Asker::Client(_), _) | (_, HomeserverKind::Synapse) => Purpose::Use,
        (Asker::Homeserver, HomeserverKind::None) => Purpose::UseWhereLocksAreEnforced,
    };
    let is_active = token.is_unexpired(now) && token.session.judge(purpose, now).is_ok() && may_ask(asker, &token);
    Ok(is_active.then_some(token))
}

/// Anybody can register a client with a secret; such a one may ask about its own tokens only (RFC 7662 §4).
fn may_ask(asker: &Asker, token: &PresentedToken) -> bool {
    match asker {
        Asker::Homeserver => true,
        Asker::Client(client) => client.is_static || token.session.client_id.as_ref() == Some(&client.id),
    }
}

fn describe(app: &App, token: PresentedToken, is_device_member_known: bool, now: i64) -> Introspection {
    let session = token.session;
    let granted = session.scope();
    // INT-05, INT-06: either the member or the scopes name the device, in both dialects. Some ids cannot be a scope.
    let device_id = session.device_id.filter(|_| granted.is_matrix());
    let scope = match (&device_id, is_device_member_known) {
        (Some(device_id), false) => granted.with_device(device_id),
        _ => granted.without_device(),
    };
    Introspection {
        active: true,
        scope: Some(scope.in_both_dialects()),
        client_id: Some(session.client_id.map_or_else(|| LEGACY_CLIENT.to_owned(), |id| id.to_string())),
        username: session.username,
        device_id: device_id.filter(|_| is_device_member_known),
        token_type: Some("Bearer"),
        iat: Some(token.token_created_at / SECOND),
        exp: token.token_expires_at.map(|at| at / SECOND),
        expires_in: token.token_expires_at.map(|at| (at - now).max(SECOND) / SECOND),
        auth_time: session.auth_time.map(|at| at / SECOND),
        acr: session.amr.as_ref().map(|amr| amr.acr().as_str()),
        amr: session.amr,
        sub: session.user_id.map(|id| id.to_string()),
        aud: session.resource.map(|uris| uris.split(' ').map(str::to_owned).collect()),
        iss: Some(app.config.http.issuer().as_str().to_owned()),
    }
}
