//! Registration tokens: what an administrator hands out so that somebody can sign up (spec SGN-04). Each is kept as a keyed hash,
//! because an administrator may choose a word; a sign-up keeps one use from its first form on, and the commit counts it.

use crate::{
    app::App,
    crypto::secret::{Kind, Secret, keyed_hash},
    domain::{
        id::RegistrationTokenId,
        refusal::Refusal,
        registration_token::{self, RegistrationTokenProblem},
    },
    error::{Error, Result},
    store::{
        self,
        db::Tx,
        registration_token::{NewRegistrationToken, RegistrationToken},
    },
};

/// Tells what is wrong with what somebody typed, before any token is looked up; nothing where none is needed.
pub fn problem_of(app: &App, typed: &str) -> Option<RegistrationTokenProblem> {
    match app.config.account.registration_token_required {
        true if typed.trim().is_empty() => Some(RegistrationTokenProblem::Missing),
        true if registration_token::read(typed).is_none() => Some(RegistrationTokenProblem::Refused),
        _ => None,
    }
}

/// Checks the token of somebody who begins to sign up; nothing where none is needed.
///
/// # Errors
/// `RegistrationToken` when it is missing, or when it lets nobody sign up, for whatever reason.
pub async fn check(app: &App, browser: &Secret, typed: &str) -> Result<Option<RegistrationTokenId>> {
    if let Some(problem) = problem_of(app, typed) {
        return Err(Refusal::from(problem).into());
    }
    if !app.config.account.registration_token_required {
        return Ok(None);
    }
    match find_usable(app, browser.hash(), typed).await? {
        Some(id) => Ok(Some(id)),
        None => Err(Refusal::from(RegistrationTokenProblem::Refused).into()),
    }
}

/// Tells whether somebody could sign up with a token just now.
///
/// # Errors
/// When the store fails.
pub async fn is_valid(app: &App, typed: &str) -> Result<bool> {
    // Nobody's browser: every sign-up in progress counts.
    Ok(find_usable(app, Vec::new(), typed).await?.is_some())
}

async fn find_usable(app: &App, browser_hash: Vec<u8>, typed: &str) -> Result<Option<RegistrationTokenId>> {
    let Some(token) = registration_token::read(typed) else { return Ok(None) };
    Ok(store::registration_token::find_usable(&app.db, &hash(app, token), &browser_hash, app.clock.now()).await?)
}

fn hash(app: &App, token: &str) -> Vec<u8> {
    keyed_hash(&app.registration_token_key, token)
}

/// Takes hold of a token for a sign-up of this browser. Whoever begins again goes on with the last sign-up: the others of the
/// same browser give back what they keep.
///
/// # Errors
/// When the store fails.
pub async fn hold_in(tx: &mut Tx, id: &RegistrationTokenId, browser_hash: &[u8]) -> Result<()> {
    store::registration_token::hold(tx, id).await?;
    Ok(store::registration::release_token(tx, browser_hash, id).await?)
}

/// Makes sure, within a transaction that holds a token and gave it to a sign-up, that it suffices for all who have it.
///
/// # Errors
/// `RegistrationToken` when somebody else was faster.
pub async fn check_uses_in(app: &App, tx: &mut Tx, id: &RegistrationTokenId) -> Result<()> {
    match store::registration_token::suffices(tx, id, app.clock.now()).await? {
        true => Ok(()),
        false => Err(Refusal::from(RegistrationTokenProblem::Refused).into()),
    }
}

/// Counts a use of a token in the transaction that inserts the account.
///
/// # Errors
/// `RegistrationToken` when it was revoked, expired or used up meanwhile.
pub async fn consume_in(app: &App, tx: &mut Tx, id: &RegistrationTokenId) -> Result<()> {
    match store::registration_token::consume(tx, id, app.clock.now()).await? {
        true => Ok(()),
        false => Err(Refusal::from(RegistrationTokenProblem::Refused).into()),
    }
}

/// A token as an administrator wants it.
#[derive(Default)]
pub struct Wanted<'a> {
    /// Made here when it is not given.
    pub token: Option<&'a str>,
    pub usage_limit: Option<i64>,
    /// How long it is good, in milliseconds.
    pub life: Option<i64>,
    pub note: Option<&'a str>,
}

/// A token that was made, and the link that carries it: both are shown once.
pub struct Issued {
    pub token: String,
    pub link: String,
}

/// Makes a registration token.
///
/// # Errors
/// `InvalidRequest` for a token of an impossible form, one that there is already, or an impossible limit.
pub async fn issue(app: &App, wanted: Wanted<'_>) -> Result<Issued> {
    let invalid = |message: &str| Refusal::InvalidRequest(message.to_owned());
    let token = match wanted.token {
        Some(chosen) => registration_token::read(chosen)
            .ok_or_else(|| invalid("a registration token has 1 to 64 characters out of A-Z, a-z, 0-9 and . _ ~ -"))?
            .to_owned(),
        None => Secret::generate(Kind::RegistrationToken).expose().to_owned(),
    };
    if wanted.usage_limit.is_some_and(|limit| limit < 1) || wanted.life.is_some_and(|life| life < 1) {
        return Err(invalid("a registration token can be used at least once, for some time").into());
    }
    let (id, now) = (app.new_registration_token_id(), app.clock.now());
    let new = NewRegistrationToken {
        id: &id,
        token_hash: hash(app, &token),
        head: registration_token::head(&token),
        note: wanted.note,
        usage_limit: wanted.usage_limit,
        expires_at: wanted.life.map(|life| now.saturating_add(life)),
        now,
    };
    let mut tx = app.db.write().await?;
    if !store::registration_token::insert(&mut tx, new).await? {
        return Err(invalid("there is such a registration token already").into());
    }
    tx.commit().await?;
    tracing::info!(%id, "a registration token was made");
    Ok(Issued { link: link(app, &token)?, token })
}

/// The grammar of tokens needs no escaping in a query.
fn link(app: &App, token: &str) -> Result<String> {
    let link = app.config.http.public_base.join(&format!("register?token={token}"));
    Ok(link.map_err(|_| Error::Internal("the public base has no pages"))?.into())
}

/// Lists all tokens, the oldest first.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App) -> Result<Vec<RegistrationToken>> {
    Ok(store::registration_token::list(&app.db, app.clock.now()).await?)
}

/// Revokes a token, or takes that back; false when it was so already. Sign-ups in progress cannot be completed with a revoked
/// one.
///
/// # Errors
/// `NotFound` when there is no such token or id.
pub async fn set_revoked(app: &App, token_or_id: &str, is_revoked: bool) -> Result<bool> {
    let mut tx = app.db.write().await?;
    let token = registration_token::read(token_or_id).ok_or(Refusal::NotFound)?;
    let id = store::registration_token::find(&mut tx, &hash(app, token), token).await?.ok_or(Refusal::NotFound)?;
    let has_changed = match is_revoked {
        true => store::registration_token::revoke(&mut tx, &id, app.clock.now()).await?,
        false => store::registration_token::unrevoke(&mut tx, &id).await?,
    };
    tx.commit().await?;
    Ok(has_changed)
}
