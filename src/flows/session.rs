//! Ending a session of any kind: its tokens are forgotten at once, and its device goes from the homeserver (DEV-01).

use crate::{
    app::App,
    domain::{
        id::{SessionId, UserId},
        session::{EndReason, Session},
    },
    error::Result,
    flows::homeserver::{self, Job},
    store::{self, db::Tx},
};

/// Ends a session within a transaction; false when it had ended already.
///
/// # Errors
/// When the store fails.
pub async fn end_in(app: &App, tx: &mut Tx, session: &Session, reason: EndReason) -> Result<bool> {
    let has_ended = store::session::end(tx, &session.session_id, reason, app.clock.now()).await?;
    if let (true, Some(user), Some(device_id)) = (has_ended, &session.user_id, &session.device_id) {
        homeserver::enqueue(app, tx, user, &Job::SettleDevice { device_id: device_id.clone() }).await?;
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
        metrics::counter!("keymaker_sessions_ended_total", "reason" => reason.as_str()).increment(1);
    }
    Ok(())
}

/// Ends the other sessions on the device of a new one. The device itself stays, with its keys (spec TOK-13).
///
/// # Errors
/// When the store fails.
pub async fn replace_on_device(app: &App, tx: &mut Tx, user: &UserId, device_id: &str, new: &SessionId) -> Result<()> {
    for older in store::session::list_on_device(tx, user, device_id, new).await? {
        store::session::end(tx, &older, EndReason::ReplacedOnSameDevice, app.clock.now()).await?;
    }
    Ok(())
}
