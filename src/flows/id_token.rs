//! ID tokens: issuing them (OIDC Core §2; spec OID-04, OID-05, OID-08), and reading one that comes back as a hint (HNT-01).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    app::App,
    clock::{HOUR, SECOND},
    crypto::{
        jws::{self, KeySet, Verifier},
        keys::algorithm,
        secret::Secret,
    },
    domain::{
        self,
        amr::Amr,
        id::{ClientId, SessionId, UserId},
        refusal::Refusal,
        user::User,
    },
    error::Result,
    flows::personal::{self, Personal},
    store::{self, client::Client},
};

/// How long an ID token says that it is good.
pub const ID_TOKEN_LIFE: i64 = HOUR;
/// RFC 7519 §5.1. Logout tokens have a type of their own, and are no hints.
const TYP: &str = "JWT";

/// What an ID token tells.
pub struct Told<'a> {
    pub user: &'a User,
    /// The session of the client; the browser session that opened it is the `sid`.
    pub session: &'a SessionId,
    /// When and how the person signed in.
    pub auth_time: Option<i64>,
    pub amr: Option<&'a Amr>,
    pub nonce: Option<&'a str>,
    /// What the client asked to be told, as [`domain::claims::Claims`] keeps it.
    pub claims: Option<&'a str>,
    pub access_token: &'a Secret,
}

/// The claims (OIDC Core §2; spec OID-04): no personal data beyond the subject, unless it was asked for by name.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amr: Option<&'a Amr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<&'a str>,
    at_hash: String,
    /// What the client asked for by name (OID-10).
    #[serde(flatten)]
    personal: Personal,
}

/// Makes the ID token that goes with an access token.
///
/// # Errors
/// When the store or the signing fails.
pub async fn issue(app: &App, client: &Client, told: Told<'_>) -> Result<String> {
    let alg = client.metadata.id_token_alg();
    let opener = store::session::find_opener(&app.db, told.session).await?;
    let (asked, now) = (domain::claims::Claims::kept(told.claims), app.clock.now());
    let claims = Claims {
        iss: app.config.http.issuer().as_str(),
        sub: told.user.id.as_str(),
        aud: client.id.as_str(),
        iat: now / SECOND,
        exp: (now + ID_TOKEN_LIFE) / SECOND,
        auth_time: told.auth_time.map(|at| at / SECOND),
        acr: told.amr.map(|amr| asked.reported_acr(amr.acr()).as_str()),
        amr: told.amr,
        nonce: told.nonce,
        sid: opener.as_ref().map(SessionId::as_str),
        at_hash: jws::half_hash(algorithm(alg), told.access_token.expose()),
        personal: personal::tell(app, told.user, |claim| asked.id_token.contains(&claim)).await?,
    };
    app.keys.sign(app, alg, TYP, &claims).await
}

/// Who an ID token of ours was about, and for whom it was. It is no login: whoever holds it may be anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    pub sub: UserId,
    pub aud: ClientId,
    /// The browser session.
    pub sid: Option<SessionId>,
    /// When it was issued, in Unix seconds.
    pub iat: i64,
}

/// What a hint has to tell; an ID token of ours tells more.
#[derive(Deserialize)]
struct HintClaims {
    iss: String,
    sub: String,
    aud: String,
    iat: i64,
    #[serde(rename = "exp")]
    _exp: i64,
    #[serde(rename = "at_hash")]
    _at_hash: String,
    sid: Option<String>,
}

/// Reads an `id_token_hint`: one of our ID tokens, signed by a key that is published or retired, however old (HNT-01).
///
/// # Errors
/// `InvalidRequest` when it is anything else.
pub async fn read_hint(app: &App, raw: &str) -> Result<Hint> {
    let bad = || Refusal::InvalidRequest("id_token_hint is not an ID token of this server".to_owned());
    // INV-14: the header names one of our keys, and everything else is what our record says of that key.
    let kid = jws::kid(raw).ok_or_else(bad)?;
    let (alg, key) = app.keys.find(app, &kid).await?.ok_or_else(bad)?;
    let verified = jws::verify(raw, &Verifier::Keys(&KeySet::of(key)), algorithm(alg)).map_err(|_| bad())?;
    if verified.typ.as_deref() != Some(TYP) || verified.claims.contains_key("events") {
        return Err(bad().into());
    }
    let claims = HintClaims::deserialize(Value::Object(verified.claims)).map_err(|_| bad())?;
    if claims.iss != app.config.http.issuer().as_str() {
        return Err(bad().into());
    }
    Ok(Hint {
        sub: UserId::new(claims.sub),
        aud: ClientId::new(claims.aud),
        sid: claims.sid.map(SessionId::new),
        iat: claims.iat,
    })
}
