//! Ending sessions of any kind: their tokens are forgotten at once, and their devices go from the homeserver (DEV-01).

use crate::{
    app::App,
    crypto::secret::Secret,
    domain::{
        id::{SessionId, UserId},
        session::{EndReason, Session},
    },
    error::Result,
    flows::homeserver::{self, Job},
    store::{self, db::Tx, session::LiveSession, token::TokenKind},
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

/// Ends a session within a transaction; false when it had ended already.
///
/// # Errors
/// When the store fails.
pub async fn end_in(app: &App, tx: &mut Tx, session: &Session, reason: EndReason) -> Result<bool> {
    end_one(app, tx, &session.session_id, session.user_id.as_ref(), session.device_id.as_deref(), reason).await
}

async fn end_one(
    app: &App,
    tx: &mut Tx,
    session: &SessionId,
    user: Option<&UserId>,
    device_id: Option<&str>,
    reason: EndReason,
) -> Result<bool> {
    let has_ended = store::session::end(tx, session, reason, app.clock.now()).await?;
    if let (true, Some(user), Some(device_id)) = (has_ended, user, device_id) {
        homeserver::enqueue(app, tx, user, &Job::SettleDevice { device_id: device_id.to_owned() }).await?;
    }
    Ok(has_ended)
}

/// Ends a session.
///
/// # Errors
/// When the store fails.
pub async fn end(app: &App, session: &Session, reason: EndReason) -> Result<()> {
    let mut tx = app.db.write().await?;
    let has_ended = end_in(app, &mut tx, session, reason).await?;
    tx.commit().await?;
    app.jobs.notify_one();
    if has_ended {
        tracing::info!(session = %session.session_id, reason = reason.as_str(), "a session ended");
        count(reason, 1);
    }
    Ok(())
}

/// Ends every live session of a user within a transaction, and gives what it ended.
///
/// # Errors
/// When the store fails.
pub async fn end_all_in(app: &App, tx: &mut Tx, user: &UserId, reason: EndReason) -> Result<Vec<LiveSession>> {
    // Whoever opens a session holds the user too, and looks when they all ended, so none slips through.
    store::user::hold_to_end_sessions(tx, user, app.clock.now()).await?;
    let live = store::session::list_live(tx, user).await?;
    for session in &live {
        end_one(app, tx, &session.id, Some(user), session.device_id.as_deref(), reason).await?;
    }
    Ok(live)
}

/// Ends sessions with a device that expired before a moment, some at a time, and counts them. Until then the app can sign
/// in again on the same device and finds its keys.
///
/// # Errors
/// When the store fails.
pub async fn end_expired_in(app: &App, tx: &mut Tx, before: i64) -> Result<usize> {
    let expired = store::session::list_expired_with_device(tx, before).await?;
    for session in &expired {
        let (user, device_id) = (Some(&session.user_id), Some(session.device_id.as_str()));
        end_one(app, tx, &session.id, user, device_id, EndReason::Expired).await?;
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

fn count(reason: EndReason, sessions: usize) {
    metrics::counter!("keymaker_sessions_ended_total", "reason" => reason.as_str()).increment(sessions as u64);
}

/// Ends the other sessions on the device of a new one. The device itself stays, with its keys (spec TOK-13, CMP-17).
///
/// # Errors
/// When the store fails.
pub async fn replace_on_device(app: &App, tx: &mut Tx, user: &UserId, device_id: &str, new: &SessionId) -> Result<()> {
    for older in store::session::list_on_device(tx, user, device_id, new).await? {
        store::session::end(tx, &older, EndReason::ReplacedOnSameDevice, app.clock.now()).await?;
    }
    Ok(())
}
