//! Ending sessions of any kind: their tokens are forgotten at once, and their devices go from the homeserver (DEV-01).

use crate::{
    app::App,
    crypto::secret::Secret,
    domain::{
        act::Act,
        event::Event,
        id::{ClientId, SessionId, UserId},
        refusal::Refusal,
        session::{EndReason, Session, SessionKind},
    },
    error::Result,
    flows::{
        Caller,
        browser::SignedIn,
        event,
        homeserver::{self, Job},
        logout_notice, prove,
    },
    store::{
        self,
        db::Tx,
        session::{ClientSession, ExpiredSession, LiveSession},
        token::TokenKind,
    },
};

/// Finds the session of a token that may have expired or been superseded: its family names the session, or the hash of a
/// token of another server, which is never forgotten.
///
/// # Errors
/// When the store fails.
pub async fn find_by_token(app: &App, kind: TokenKind, presented: &Secret) -> Result<Option<Session>> {
    Ok(match presented.family() {
        Some(family) => store::session::find_by_family(&app.db, &family.hash()).await?,
        None => store::token::find(&app.db, kind, &presented.hash()).await?.map(|token| token.session),
    })
}

/// Ends a session within a transaction that holds its user; false when it had ended already.
///
/// # Errors
/// When the store fails.
pub async fn end_in(app: &App, tx: &mut Tx, session: &Session, reason: EndReason) -> Result<bool> {
    end_one(app, tx, session.user_id.as_ref(), &live(session), reason).await
}

fn live(session: &Session) -> LiveSession {
    let Session { session_id, kind, device_id, client_id, .. } = session.clone();
    LiveSession { id: session_id, kind, device_id, client_id }
}

/// Ends a session, and with the login of a browser what lasts as long as that.
async fn end_one(
    app: &App,
    tx: &mut Tx,
    user: Option<&UserId>,
    session: &LiveSession,
    reason: EndReason,
) -> Result<bool> {
    let has_ended = close(app, tx, user, session, reason).await?;
    if let (true, Some(user), true) = (has_ended, user, session.kind == SessionKind::Browser.as_str()) {
        let first = store::session::first_login(tx, &session.id).await?;
        logout_notice::enqueue_of_browser(app, tx, user, &first).await?;
        // RPL-04, OIDC Core §11: without `offline_access` an application acts for whoever is there. The devices of Matrix
        // apps stay, with their keys.
        for bound in store::session::list_bound_to_browser(tx, &first).await? {
            store::session::end(tx, &bound, reason, app.clock.now()).await?;
        }
    }
    Ok(has_ended)
}

/// Ends one session alone; its device goes with it.
async fn close(
    app: &App,
    tx: &mut Tx,
    user: Option<&UserId>,
    session: &LiveSession,
    reason: EndReason,
) -> Result<bool> {
    let has_ended = store::session::end(tx, &session.id, reason, app.clock.now()).await?;
    if let (true, Some(user), Some(device_id)) = (has_ended, user, &session.device_id) {
        homeserver::enqueue(app, tx, user, &Job::SettleDevice { device_id: device_id.clone() }).await?;
    }
    Ok(has_ended)
}

/// Lets a new login of a browser take the place of one of the same person: nobody signed out, and what hangs on the old one
/// hangs on the new one.
///
/// # Errors
/// When the store fails.
pub async fn renew_in(app: &App, tx: &mut Tx, before: &SessionId, new: &SessionId) -> Result<()> {
    if store::session::end(tx, before, EndReason::LoggedOut, app.clock.now()).await? {
        store::session::note_renewal(tx, new, before).await?;
    }
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// When the store fails.
pub async fn end(app: &App, session: &Session, reason: EndReason) -> Result<()> {
    let mut tx = app.db.write().await?;
    hold_owner(&mut tx, session).await?;
    let has_ended = end_in(app, &mut tx, session, reason).await?;
    tx.commit().await?;
    finish(app, session, reason, has_ended);
    Ok(())
}

/// Several sessions may end at once, so whoever ends one holds the user first, as everybody does.
async fn hold_owner(tx: &mut Tx, session: &Session) -> Result<()> {
    match &session.user_id {
        Some(user) => Ok(store::user::hold(tx, user).await?),
        None => Ok(()),
    }
}

fn finish(app: &App, session: &Session, reason: EndReason, has_ended: bool) {
    app.jobs.notify_one();
    if has_ended {
        tracing::info!(session = %session.session_id, reason = reason.as_str(), "a session ended");
        count(reason, 1);
    }
}

/// Ends a session because something of it came again that is good once: one of two holders is a thief, and nobody can tell
/// which. The owner hears of it.
///
/// # Errors
/// When the store fails.
pub async fn end_replayed(app: &App, session: &Session, reason: EndReason, caller: &Caller) -> Result<()> {
    let name = event::app_name(app, &session.session_id, caller).await?;
    let mut tx = app.db.write().await?;
    let has_ended = end_in(app, &mut tx, session, reason).await?;
    if let (true, Some(user)) = (has_ended, &session.user_id) {
        let happened = match reason {
            EndReason::RefreshTokenReplayed => Event::RefreshTokenReplayed { name },
            _ => Event::LoginReplayed { name },
        };
        event::record(app, &mut tx, user, happened, caller).await?;
    }
    tx.commit().await?;
    finish(app, session, reason, has_ended);
    Ok(())
}

/// Ends one session of whoever is signed in on a proof for [`Act::EndSession`], and gives it.
///
/// # Errors
/// `ProofNeeded`; `NotFound` when it has ended or is somebody else's.
pub async fn end_own(
    app: &App,
    signed_in: &SignedIn,
    proof: &str,
    id: &SessionId,
    caller: &Caller,
) -> Result<LiveSession> {
    let (user, reason) = (&signed_in.user.id, EndReason::EndedByOwner);
    let name = event::app_name(app, id, caller).await?;
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::EndSession, Some(id.as_str()), proof).await?;
    let session = store::session::find_live(&mut tx, user, id).await?.ok_or(Refusal::NotFound)?;
    if let (None, Some(client)) = (&session.device_id, &session.client_id) {
        store::consent::delete_of_client(&mut tx, user, client).await?;
    }
    end_one(app, &mut tx, Some(user), &session, reason).await?;
    logout_notice::enqueue_of_session(app, &mut tx, user, id).await?;
    event::record(app, &mut tx, user, Event::SessionEnded { name }, caller).await?;
    tx.commit().await?;
    app.jobs.notify_one();
    tracing::info!(session = %id, reason = reason.as_str(), "a session ended");
    count(reason, 1);
    Ok(session)
}

/// Ends every session of whoever is signed in but this one of the browser, on a proof for [`Act::EndOtherSessions`].
///
/// # Errors
/// `ProofNeeded`.
pub async fn end_others(app: &App, signed_in: &SignedIn, proof: &str, caller: &Caller) -> Result<()> {
    let (user, reason) = (&signed_in.user.id, EndReason::EndedByOwner);
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::EndOtherSessions, None, proof).await?;
    let ended = end_all_but_in(app, &mut tx, user, Some(&signed_in.session.session_id), reason).await?;
    if !ended.is_empty() {
        event::record(app, &mut tx, user, Event::SessionsEnded, caller).await?;
    }
    tx.commit().await?;
    app.jobs.notify_one();
    tracing::info!(%user, sessions = ended.len(), reason = reason.as_str(), "all other sessions of a user ended");
    count(reason, ended.len());
    Ok(())
}

/// Ends every live session of a user within a transaction, and gives what it ended.
///
/// # Errors
/// When the store fails.
pub async fn end_all_in(app: &App, tx: &mut Tx, user: &UserId, reason: EndReason) -> Result<Vec<LiveSession>> {
    end_all_but_in(app, tx, user, None, reason).await
}

async fn end_all_but_in(
    app: &App,
    tx: &mut Tx,
    user: &UserId,
    except: Option<&SessionId>,
    reason: EndReason,
) -> Result<Vec<LiveSession>> {
    // Whoever opens a session holds the user too, and looks when they all ended, so none slips through.
    store::user::hold_to_end_sessions(tx, user, app.clock.now()).await?;
    // Nobody who signs out everywhere expects apps to come back in by themselves.
    store::consent::delete_of_user(tx, user).await?;
    let mut live = store::session::list_live(tx, user).await?;
    live.retain(|session| Some(&session.id) != except);
    for session in &live {
        close(app, tx, Some(user), session, reason).await?;
    }
    logout_notice::enqueue_of_person(app, tx, user).await?;
    Ok(live)
}

/// Ends the live sessions of a user in browsers within a transaction; the apps stay signed in. A login that is on its way
/// on what was true before does not come through.
///
/// # Errors
/// When the store fails.
pub async fn end_browsers_in(app: &App, tx: &mut Tx, user: &UserId, reason: EndReason) -> Result<()> {
    store::user::hold_to_end_sessions(tx, user, app.clock.now()).await?;
    for session in store::session::list_live(tx, user).await? {
        if session.kind == SessionKind::Browser.as_str() {
            end_one(app, tx, Some(user), &session, reason).await?;
        }
    }
    Ok(())
}

/// Ends some live sessions of a user within a transaction that holds them.
///
/// # Errors
/// When the store fails.
pub async fn end_some_in(
    app: &App,
    tx: &mut Tx,
    user: &UserId,
    sessions: &[LiveSession],
    reason: EndReason,
) -> Result<()> {
    for session in sessions {
        end_one(app, tx, Some(user), session, reason).await?;
    }
    Ok(())
}

/// Ends every live session of a client within a transaction, and counts them.
///
/// # Errors
/// When the store fails.
pub async fn end_all_of_client_in(app: &App, tx: &mut Tx, client: &ClientId, reason: EndReason) -> Result<usize> {
    let live = store::session::list_live_of_client(tx, client).await?;
    for ClientSession { user_id, session } in &live {
        end_one(app, tx, user_id.as_ref(), session, reason).await?;
    }
    Ok(live.len())
}

/// Ends sessions with a device that expired before a moment, some at a time, and counts them. Until then the app can sign
/// in again on the same device and finds its keys.
///
/// # Errors
/// When the store fails.
pub async fn end_expired_in(app: &App, tx: &mut Tx, before: i64) -> Result<usize> {
    let expired = store::session::list_expired_with_device(tx, before).await?;
    for ExpiredSession { user_id, session } in &expired {
        close(app, tx, Some(user_id), session, EndReason::Expired).await?;
    }
    Ok(expired.len())
}

/// Ends the logins of browsers that have expired, some at a time, and counts them: the applications behind them hear of it.
///
/// # Errors
/// When the store fails.
pub async fn end_expired_browsers(app: &App) -> Result<usize> {
    let expired = store::session::list_expired_browsers(&app.db, app.clock.now()).await?;
    for ExpiredSession { user_id, session } in &expired {
        let mut tx = app.db.write().await?;
        store::user::hold(&mut tx, user_id).await?;
        end_one(app, &mut tx, Some(user_id), session, EndReason::Expired).await?;
        tx.commit().await?;
    }
    Ok(expired.len())
}

/// Ends every live session of a user, and gives what it ended.
///
/// # Errors
/// When the store fails.
pub async fn end_all(app: &App, user: &UserId, reason: EndReason) -> Result<Vec<LiveSession>> {
    let mut tx = app.db.write().await?;
    let ended = end_all_in(app, &mut tx, user, reason).await?;
    tx.commit().await?;
    app.jobs.notify_one();
    tracing::info!(%user, sessions = ended.len(), reason = reason.as_str(), "all sessions of a user ended");
    count(reason, ended.len());
    Ok(ended)
}

/// Counts sessions that ended.
pub fn count(reason: EndReason, sessions: usize) {
    metrics::counter!("keymaker_sessions_ended_total", "reason" => reason.as_str()).increment(sessions as u64);
}

/// Ends the other sessions on the device of a new one, and tells whether there were any. The device itself stays, with its
/// keys (spec TOK-13, CMP-17).
///
/// # Errors
/// When the store fails.
pub async fn replace_on_device(
    app: &App,
    tx: &mut Tx,
    user: &UserId,
    device_id: &str,
    new: &SessionId,
) -> Result<bool> {
    let older = store::session::list_on_device(tx, user, device_id, new).await?;
    for older in &older {
        store::session::inherit_device_name(tx, new, older).await?;
        store::session::end(tx, older, EndReason::ReplacedOnSameDevice, app.clock.now()).await?;
    }
    Ok(!older.is_empty())
}
