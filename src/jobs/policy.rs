//! Puts changed policies into force while the service runs: when a file changes, or at the signal `SIGHUP`.

use std::time::Duration;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::app::App;

/// How often the files are looked at.
const POLL: Duration = Duration::from_secs(2);

/// Watches until the service stops.
pub async fn watch(app: App, mut stop: watch::Receiver<bool>) {
    app.policy.tell_state();
    let mut hang_up = signal(SignalKind::hangup()).ok();
    while !*stop.borrow() {
        let is_asked_for = tokio::select! {
            () = tokio::time::sleep(POLL) => false,
            Some(()) = async { hang_up.as_mut()?.recv().await } => true,
            _ = stop.changed() => continue,
        };
        let app = app.clone();
        // Files are read, and compiling takes a while.
        let worked = tokio::task::spawn_blocking(move || {
            if is_asked_for || app.policy.has_changed() {
                // What is wrong is in the log.
                let _ = app.policy.reload();
            }
        });
        if let Err(error) = worked.await {
            tracing::error!(%error, "looking for changed policies failed");
        }
    }
}
