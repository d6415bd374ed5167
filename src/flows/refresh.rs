//! Refreshing (INV-04; RFC 6749 §6, MSC2964; spec area 5): idempotent, one live branch, and a replay ends the session.
//!
//! The first exchange of refresh token n mints pair n+1 and keeps it sealed under token n. Presenting n again opens
//! and repeats that pair while nobody has used it, and for a minute in any case, as long as refresh token n+1 was not
//! itself exchanged. Once it was, the rows behind n are gone; the family that all tokens of a session share still
//! tells whose token is being replayed.

use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    clock::SECOND,
    crypto::{
        seal::{open_under_token, seal_under_token},
        secret::{Family, Kind, Secret},
    },
    domain::{
        params::Params,
        refusal::Refusal,
        scope::Scope,
        session::{ACCESS_TOKEN_LIFE, EndReason, PresentedToken, Purpose, REFRESH_GRACE, Session, SessionKind},
    },
    error::{Error, Result},
    flows::{
        Caller,
        authorize::resource,
        id_token::{self, Told},
        session,
        token::{TokenResponse, required},
    },
    store::{
        self,
        client::Client,
        token::{NewToken, PairState, Successor, TokenKind},
    },
};

/// The pair that a refresh token is exchanged for, as it is sealed.
#[derive(Serialize, Deserialize)]
struct Pair {
    access: String,
    refresh: String,
}

/// What is handed out.
struct Issued {
    pair: Pair,
    scope: String,
    /// Milliseconds that the access token has left.
    life: i64,
}

/// Who presents a refresh token.
#[derive(Clone, Copy)]
pub enum Holder<'a> {
    Client(&'a Client),
    /// A client of the older login API, which has no name.
    LegacyClient,
}

impl Holder<'_> {
    /// REF-07: whoever is not the holder learns nothing and changes nothing.
    fn holds(self, session: &Session) -> bool {
        match self {
            Holder::Client(client) => session.client_id.as_ref() == Some(&client.id),
            Holder::LegacyClient => session.is(SessionKind::Compat),
        }
    }
}

/// What a refresh token was exchanged for.
pub struct Exchanged {
    pub session: Session,
    pub access_token: Secret,
    pub refresh_token: Secret,
    pub scope: String,
    /// Milliseconds that the access token has left.
    pub life: i64,
}

/// Exchanges a refresh token; `narrower` may ask for less than the session's scope (RFC 6749 §6).
///
/// # Errors
/// `InvalidGrant` for a token that is unknown, another client's, or replayed: the last ends the session.
/// `RefreshTokenExpired` when the session lives on. `InvalidScope` when more is asked than was granted;
/// `InvalidTarget` for another resource.
pub async fn exchange(
    app: &App,
    holder: Holder<'_>,
    presented: &str,
    narrower: Option<&Params>,
    caller: &Caller,
) -> Result<Exchanged> {
    let unknown = Refusal::InvalidGrant("the refresh token is unknown");
    let presented = Secret::parse_token(Kind::RefreshToken, presented).ok_or(unknown.clone())?;
    // A token that another request exchanges between our look and our hold is looked at once more.
    for _ in 0..3 {
        let Some(token) = store::token::find(&app.db, TokenKind::Refresh, &presented.hash()).await? else {
            return Err(refuse_forgotten(app, holder, &presented, caller).await?.into());
        };
        if !holder.holds(&token.session) {
            return Err(unknown.into());
        }
        token.session.judge(Purpose::Refresh, app.clock.now()).map_err(|_| unknown.clone())?;
        let scope = narrowed_scope(&token.session, narrower.and_then(|params| params.get("scope")))?;
        narrower.map_or(Ok(()), |params| resource::check_refresh(token.session.resource.as_deref(), params))?;
        let issued = match token.consumed_at {
            None => rotate(app, &token, &presented, scope.as_deref()).await?,
            Some(consumed_at) => Some(deliver_again(app, &token, &presented, consumed_at, caller).await?),
        };
        if let Some(Issued { pair, scope, life }) = issued {
            metrics::counter!("keymaker_refreshes_total", "kind" => refresh_kind(&token)).increment(1);
            let tokens = Secret::parse_token(Kind::AccessToken, &pair.access)
                .zip(Secret::parse_token(Kind::RefreshToken, &pair.refresh));
            let (access_token, refresh_token) = tokens.ok_or(Error::Internal("a pair without its tokens"))?;
            return Ok(Exchanged { session: token.session, access_token, refresh_token, scope, life });
        }
    }
    Err(Refusal::Busy.into())
}

/// Answers the `refresh_token` grant.
///
/// # Errors
/// Those of [`exchange`].
pub async fn refresh(app: &App, client: &Client, params: &Params, caller: &Caller) -> Result<TokenResponse> {
    let presented = required(params, "refresh_token")?;
    let exchanged = exchange(app, Holder::Client(client), presented, Some(params), caller).await?;
    let granted = Scope::parse(&exchanged.scope).unwrap_or_default();
    let user = match (&exchanged.session.user_id, granted.is_openid()) {
        (Some(user), true) => store::user::find(&app.db, user).await?,
        _ => None,
    };
    // REF-11: the time of the original login, and no nonce.
    let id_token = match &user {
        Some(user) => {
            let Session { session_id: session, auth_time, amr, claims, .. } = &exchanged.session;
            let (auth_time, amr, claims) = (*auth_time, amr.as_ref(), claims.as_deref());
            let access_token = &exchanged.access_token;
            let told = Told { user, session, auth_time, amr, nonce: None, claims, access_token };
            Some(id_token::issue(app, client, told).await?)
        }
        None => None,
    };
    Ok(TokenResponse {
        access_token: exchanged.access_token.expose().to_owned(),
        token_type: "Bearer",
        expires_in: exchanged.life.max(SECOND) / SECOND,
        refresh_token: Some(exchanged.refresh_token.expose().to_owned()),
        scope: exchanged.scope,
        id_token,
    })
}

fn refresh_kind(token: &PresentedToken) -> &'static str {
    if token.consumed_at.is_none() { "rotated" } else { "delivered_again" }
}

/// A token without a row is garbage, or one that was superseded long ago: then its family names the session.
async fn refuse_forgotten(app: &App, holder: Holder<'_>, presented: &Secret, caller: &Caller) -> Result<Refusal> {
    if let Some(session) = session::find_by_token(app, TokenKind::Refresh, presented).await?
        && session.ended_at.is_none()
        && holder.holds(&session)
    {
        end_replayed(app, &session, caller).await?;
    }
    Ok(Refusal::InvalidGrant("the refresh token is unknown"))
}

/// REF-06: one of two holders is a thief, and nobody can tell which.
async fn end_replayed(app: &App, session: &Session, caller: &Caller) -> Result<()> {
    tracing::warn!(session = %session.session_id, "a superseded refresh token was replayed; its session ends");
    session::end_replayed(app, session, EndReason::RefreshTokenReplayed, caller).await
}

/// RFC 6749 §6: no more than was granted; the refresh token itself never shrinks (REF-07).
fn narrowed_scope(session: &Session, narrower: Option<&str>) -> Result<Option<String>, Refusal> {
    let Some(raw) = narrower else { return Ok(None) };
    // What is left has to be a scope that could have been asked for: an API token without its device outlives logout.
    let asked = Scope::parse(raw).and_then(Scope::requestable_by_users)?;
    if !asked.is_subset_of(&session.scope()) {
        return Err(Refusal::InvalidScope("more was asked than was granted".to_owned()));
    }
    Ok(Some(asked.to_string()))
}

/// Exchanges a fresh refresh token; nothing when somebody else was faster.
async fn rotate(app: &App, token: &PresentedToken, presented: &Secret, scope: Option<&str>) -> Result<Option<Issued>> {
    let (now, session) = (app.clock.now(), &token.session.session_id);
    if !token.is_unexpired(now) {
        return Err(Refusal::RefreshTokenExpired.into());
    }
    let is_foreign = presented.family().is_none();
    let family = presented.family().unwrap_or_else(Family::generate);
    let access = Secret::of_family(Kind::AccessToken, &family);
    let refresh = Secret::of_family(Kind::RefreshToken, &family);
    let (access_id, refresh_id) = (app.new_token_id(), app.new_token_id());
    let pair = Pair { access: access.expose().to_owned(), refresh: refresh.expose().to_owned() };
    let sealed = seal(presented, &pair)?;

    let mut tx = app.db.write().await?;
    if !store::session::hold(&mut tx, session, now).await? {
        return Err(Refusal::InvalidGrant("the session has ended").into());
    }
    let successor = Successor { sealed, access: &access_id, refresh: &refresh_id };
    if !store::token::consume_refresh(&mut tx, &token.token_id, successor, now).await? {
        return Ok(None);
    }
    let new = |id, kind, secret: &Secret, scope, expires_at| NewToken {
        id,
        session,
        kind,
        secret_hash: secret.hash(),
        scope,
        expires_at,
        now,
    };
    let expires_at = Some(now + ACCESS_TOKEN_LIFE);
    let access = new(&access_id, TokenKind::Access, &access, scope, expires_at);
    let refresh = new(&refresh_id, TokenKind::Refresh, &refresh, None, refresh_token_end(app, &token.session, now));
    store::token::insert_pair(&mut tx, [access, refresh]).await?;
    // DEC-16: the access token before this one is revoked at once, with everything older.
    store::token::prune(&mut tx, session, [&token.token_id, &access_id, &refresh_id]).await?;
    if is_foreign {
        store::session::adopt_family(&mut tx, session, family.hash()).await?;
        store::token::retire_imported(&mut tx, session, now).await?;
    }
    tx.commit().await?;
    let scope = scope.map_or_else(|| token.session.scope.clone(), str::to_owned);
    Ok(Some(Issued { pair, scope, life: ACCESS_TOKEN_LIFE }))
}

/// Seals a pair under the refresh token that was exchanged for it, wherever that happened.
///
/// # Errors
/// When it cannot be encrypted.
pub fn seal_pair(presented: &Secret, access: &Secret, refresh: &Secret) -> Result<Vec<u8>> {
    seal(presented, &Pair { access: access.expose().to_owned(), refresh: refresh.expose().to_owned() })
}

fn seal(presented: &Secret, pair: &Pair) -> Result<Vec<u8>> {
    serde_json::to_vec(pair)
        .ok()
        .and_then(|plaintext| seal_under_token(presented, &plaintext))
        .ok_or(Error::Internal("a pair cannot be sealed"))
}

/// A refresh token of an older client lives as long as the operator says; others for ever (REF-10).
fn refresh_token_end(app: &App, session: &Session, now: i64) -> Option<i64> {
    let life = app.config.compatibility.refresh_token_lifetime().filter(|_| session.is(SessionKind::Compat));
    life.map(|life| now + life)
}

/// Hands out the pair of an exchanged refresh token again, or finds that this is a replay.
async fn deliver_again(
    app: &App,
    token: &PresentedToken,
    presented: &Secret,
    consumed_at: i64,
    caller: &Caller,
) -> Result<Issued> {
    let now = app.clock.now();
    let ended = Refusal::InvalidGrant("the session has ended");
    let (Some(sealed), Some(access), Some(refresh)) =
        (&token.successor, &token.successor_access_id, &token.successor_refresh_id)
    else {
        return Err(Error::Internal("an exchanged refresh token without a successor"));
    };
    let mut tx = app.db.write().await?;
    if !store::session::hold(&mut tx, &token.session.session_id, now).await? {
        return Err(ended.into());
    }
    let state =
        store::token::find_pair(&mut tx, access, refresh).await?.filter(|pair| pair.may_be_repeated(consumed_at, now));
    let Some(state) = state else {
        drop(tx);
        end_replayed(app, &token.session, caller).await?;
        return Err(Refusal::InvalidGrant("the refresh token was replayed").into());
    };
    if state.refresh_expires_at.is_some_and(|at| at <= now) {
        return Err(Refusal::RefreshTokenExpired.into());
    }
    let mut life = state.access_expires_at.unwrap_or(now) - now;
    if state.access_first_used_at.is_none() {
        life = ACCESS_TOKEN_LIFE;
        store::token::renew_unused(&mut tx, access, now + life).await?;
    }
    tx.commit().await?;
    let pair = open_under_token(presented, sealed)
        .and_then(|plaintext| serde_json::from_slice(&plaintext).ok())
        .ok_or(Error::Internal("a sealed pair cannot be opened"))?;
    let scope = state.access_scope.unwrap_or_else(|| token.session.scope.clone());
    Ok(Issued { pair, scope, life })
}

impl PairState {
    /// INV-04: unused, or young; but never once its refresh token was exchanged.
    fn may_be_repeated(&self, minted_at: i64, now: i64) -> bool {
        let is_unused = self.access_first_used_at.is_none();
        self.refresh_consumed_at.is_none() && (is_unused || now - minted_at <= REFRESH_GRACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_repeated_while_it_is_unused_or_young_and_not_exchanged() {
        // INV-04
        let table = [
            // (first use of its access token, exchange of its refresh token, now, expected); minted at 0
            (None, None, 0, true),
            (None, None, 86_400_000, true),
            (Some(1), None, REFRESH_GRACE, true),
            (Some(1), None, REFRESH_GRACE + 1, false),
            (None, Some(1), 2, false),
            (Some(1), Some(2), 3, false),
        ];
        for (access_first_used_at, refresh_consumed_at, now, expected) in table {
            let state = PairState {
                access_first_used_at,
                access_expires_at: None,
                refresh_consumed_at,
                refresh_expires_at: None,
                access_scope: None,
            };
            assert_eq!(
                state.may_be_repeated(0, now),
                expected,
                "{access_first_used_at:?} {refresh_consumed_at:?} {now}"
            );
        }
    }
}
