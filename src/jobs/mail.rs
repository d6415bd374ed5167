//! The worker that sends mails: some at once, so that a server that hangs over one holds up none of the others.

use std::time::Duration;

use tokio::{sync::watch, task::JoinSet};

use crate::{app::App, flows::mail, jobs::POLL};

/// How many mails are on their way at once.
const AT_ONCE: usize = 4;
/// Whoever writes a mail wakes us before it is committed, so we look again soon, and then less and less often.
const FIRST_PAUSE: Duration = Duration::from_millis(20);

/// Sends what is due until `stop` turns true, and lets what is under way finish.
pub async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let mut sending = JoinSet::new();
    let mut pause = POLL;
    while !*stop.borrow() {
        while sending.len() < AT_ONCE {
            match mail::take_due(&app).await {
                Ok(Some(mail)) => {
                    let app = app.clone();
                    sending.spawn(async move {
                        if let Err(error) = mail::send(&app, &mail).await {
                            tracing::error!(mail = %mail.id, %error, "what became of a mail cannot be written down");
                        }
                    });
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(%error, "the mails cannot be read");
                    break;
                }
            }
        }
        tokio::select! {
            // A mail that panics ends itself and not the worker.
            Some(_) = sending.join_next() => {}
            () = app.mails.notified(), if sending.len() < AT_ONCE => pause = FIRST_PAUSE,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(POLL),
            _ = stop.changed() => {}
        }
    }
    while sending.join_next().await.is_some() {}
}
