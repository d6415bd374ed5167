//! The worker that tells relying parties of logouts: several at once, each application one thing at a time, so that one that
//! hangs holds up none of the others.

use std::time::Duration;

use tokio::{sync::watch, task::JoinSet};

use crate::{app::App, flows::logout_notice, jobs::POLL};

/// How many applications are being told at once.
const AT_ONCE: usize = 32;
/// Whoever writes a notice wakes us before it is committed, so we look again soon, and then less and less often.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Tells what is due until `stop` turns true, and lets what is under way finish.
pub async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let mut telling = JoinSet::new();
    let mut pause = POLL;
    while !*stop.borrow() {
        while telling.len() < AT_ONCE {
            match logout_notice::take_due(&app).await {
                Ok(Some(notice)) => {
                    let app = app.clone();
                    telling.spawn(async move {
                        if let Err(error) = logout_notice::tell(&app, &notice).await {
                            tracing::error!(notice = %notice.id, %error, "what became of a logout notice cannot be written down");
                        }
                    });
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "the logout notices cannot be read");
                    break;
                }
            }
        }
        tokio::select! {
            // A notice that panics ends itself and not the worker.
            Some(_) = telling.join_next() => {}
            () = app.logout_notices.notified(), if telling.len() < AT_ONCE => pause = FIRST_PAUSE,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(POLL),
            _ = stop.changed() => {}
        }
    }
    while telling.join_next().await.is_some() {}
}
