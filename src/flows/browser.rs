//! The login of a browser: a session whose token is a cookie (spec WEB-01).

use crate::{
    app::App,
    clock::DAY,
    crypto::secret::{Family, Kind, Secret},
    domain::{
        amr::Amr,
        id::{ProofId, SessionId, UpstreamTripId, UserId},
        refusal::Refusal,
        session::{BROWSER_SESSION_LIFE, BROWSER_SESSION_MOST, EndReason, Purpose, Session, SessionKind},
        user::User,
    },
    error::{Error, Result},
    flows::{Caller, event, session, upstream},
    store::{
        self,
        db::Tx,
        session::NewSession,
        token::{NewToken, TokenKind},
    },
};

/// Somebody who is signed in in this browser.
#[derive(Clone)]
pub struct SignedIn {
    pub user: User,
    pub session: Session,
    /// When the person last proved who they are.
    pub auth_time: i64,
}

/// Finds who is signed in by this cookie; nobody when the login ended, expired, or the account may not be used.
///
/// # Errors
/// When the store fails.
pub async fn find(app: &App, cookie: &Secret) -> Result<Option<SignedIn>> {
    let Some(token) = store::token::find(&app.db, TokenKind::Cookie, &cookie.hash()).await? else { return Ok(None) };
    let (session, now) = (token.session, app.clock.now());
    if session.judge(Purpose::Use, now).is_err() {
        return Ok(None);
    }
    let (Some(user), Some(auth_time)) = (&session.user_id, session.auth_time) else { return Ok(None) };
    let Some(user) = store::user::find(&app.db, user).await? else { return Ok(None) };
    if now - session.last_active_at > DAY {
        let mut tx = app.db.write().await?;
        let end = (now + BROWSER_SESSION_LIFE).min(session.session_created_at + BROWSER_SESSION_MOST);
        store::session::prolong(&mut tx, &session.session_id, end, now).await?;
        tx.commit().await?;
    }
    Ok(Some(SignedIn { user, session, auth_time }))
}

/// Who somebody proved to be.
pub struct Proved {
    pub user: UserId,
    /// When what proves it was looked up.
    pub at: i64,
    pub amr: Amr,
    /// Consumed by the login, where it took a second step.
    pub proof: Option<ProofId>,
    /// The trip to a provider that it was.
    pub trip: Option<FromTrip>,
}

/// A trip to a provider by which somebody signs in.
#[derive(Clone)]
pub struct FromTrip {
    pub id: UpstreamTripId,
    /// By the sign-up, a moment ago.
    pub is_consumed: bool,
}

/// Signs a browser in on a proof of this moment and gives its new cookie. A login that the browser had before ends (spec
/// WEB-01: a new id).
///
/// # Errors
/// `Busy` when the account was deactivated, or all its sessions were ended, since the proof: only another attempt can
/// tell whether it still holds. `TransactionOver` when the second step is over or was used.
pub async fn start(
    app: &App,
    browser: &Secret,
    proved: &Proved,
    before: Option<&SignedIn>,
    caller: &Caller,
) -> Result<Secret> {
    let (user, now) = (&proved.user, app.clock.now());
    let happened = event::sign_in(app, user, caller).await?;
    let mut tx = app.db.write().await?;
    let somebody_else = before.filter(|before| before.user.id != *user).map(|before| &before.user.id);
    // In one order, whichever of the two signs in.
    if let Some(other) = somebody_else.filter(|other| *other < user) {
        store::user::hold(&mut tx, other).await?;
    }
    if !store::user::hold_for_session(&mut tx, user, proved.at).await? {
        return Err(Refusal::Busy.into());
    }
    if let Some(other) = somebody_else.filter(|other| *other > user) {
        store::user::hold(&mut tx, other).await?;
    }
    if let Some(proof) = &proved.proof
        && !store::proof::consume_login(&mut tx, proof, now).await?
    {
        return Err(Refusal::TransactionOver.into());
    }
    let (cookie, session) = open_in(app, &mut tx, user, (now, Some(&proved.amr)), caller).await?;
    match before {
        Some(before) if before.user.id == *user => {
            session::renew_in(app, &mut tx, &before.session.session_id, &session).await?;
        }
        Some(before) => drop(session::end_in(app, &mut tx, &before.session, EndReason::LoggedOut).await?),
        None => {}
    }
    if let Some(trip) = &proved.trip {
        upstream::enter_in(app, &mut tx, trip, &session).await?;
    }
    store::known_browser::note(&mut tx, user, &browser.hash(), now).await?;
    event::record(app, &mut tx, user, happened, caller).await?;
    tx.commit().await.map_err(Error::from)?;
    Ok(cookie)
}

/// Opens the session of a browser within a transaction that holds its user, and gives its cookie and its id.
///
/// # Errors
/// When the store fails.
pub async fn open_in(
    app: &App,
    tx: &mut Tx,
    user: &UserId,
    (auth_time, amr): (i64, Option<&Amr>),
    caller: &Caller,
) -> Result<(Secret, SessionId)> {
    let (now, family) = (app.clock.now(), Family::generate());
    let cookie = Secret::of_family(Kind::BrowserSession, &family);
    let (id, token_id) = (app.new_session_id(), app.new_token_id());
    store::session::insert(
        tx,
        NewSession {
            id: &id,
            kind: SessionKind::Browser,
            user: Some(user),
            client: None,
            family_hash: family.hash(),
            scope: String::new(),
            device_id: None,
            device_name: None,
            user_agent: caller.user_agent.as_deref(),
            ip: caller.ip.clone(),
            auth_time: Some(auth_time),
            amr,
            opened_by: None,
            claims: None,
            resource: None,
            expires_at: Some(now + BROWSER_SESSION_LIFE),
            now,
        },
    )
    .await?;
    store::token::insert(
        tx,
        NewToken {
            id: &token_id,
            session: &id,
            kind: TokenKind::Cookie,
            secret_hash: cookie.hash(),
            scope: None,
            expires_at: None,
            now,
        },
    )
    .await?;
    Ok((cookie, id))
}

/// Signs a browser out. The Matrix devices stay (spec RPL-04).
///
/// # Errors
/// When the store fails.
pub async fn end(app: &App, signed_in: &SignedIn) -> Result<()> {
    session::end(app, &signed_in.session, EndReason::LoggedOut).await
}
