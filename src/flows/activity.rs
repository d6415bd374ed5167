//! When a session was last used. Marks are collected here and written in batches: the hot path writes nothing. Losing
//! some at a crash makes a list a minute less exact and decides nothing (INV-15).

use std::{collections::BTreeMap, sync::Mutex};

use crate::{
    app::App,
    clock::MINUTE,
    domain::{id::SessionId, session::PresentedToken},
    error::Result,
    store,
};

/// Marks beyond this number are dropped until the next write (INV-13).
const MOST_MARKS: usize = 100_000;

const BATCH: usize = 200;

/// The marks that wait to be written.
#[derive(Default)]
pub struct Activity(Mutex<BTreeMap<SessionId, i64>>);

impl Activity {
    /// Notes that a session is used now, unless that was noted within the last minute (spec DEV-05).
    pub fn mark(&self, session: &SessionId, last_active_at: i64, now: i64) {
        if now - last_active_at < MINUTE {
            return;
        }
        let mut marks = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if marks.len() < MOST_MARKS {
            marks.insert(session.clone(), now);
        }
    }

    /// Writes what has been collected.
    ///
    /// # Errors
    /// When the store fails; the marks are lost then.
    pub async fn write(&self, db: &store::db::Db) -> Result<()> {
        let marks = std::mem::take(&mut *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        let marks: Vec<(SessionId, i64)> = marks.into_iter().collect();
        // In the order of their ids, so that two writers never wait for each other, and a few at a time, so that nobody
        // waits long for them.
        for batch in marks.chunks(BATCH) {
            let mut tx = db.write().await?;
            for (session, at) in batch {
                store::session::mark_active(&mut tx, session, *at).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}

/// Notes that an access token was accepted: its first use durably and before the answer (spec REF-04), every use as
/// activity of its session. False when the session ended meanwhile: an answer must not outlive it.
///
/// # Errors
/// When the store fails.
pub async fn note_use(app: &App, token: &PresentedToken, now: i64) -> Result<bool> {
    if token.first_used_at.is_none() {
        let mut tx = app.db.write().await?;
        if !store::token::mark_first_use(&mut tx, &token.token_id, now).await? {
            return Ok(false);
        }
        tx.commit().await?;
    }
    app.activity.mark(&token.session.session_id, token.session.last_active_at, now);
    Ok(true)
}
