//! Work after the response: the worker of the durable queue, and the housekeeping that decides nothing (INV-15).

mod logout_notice;
mod mail;
mod policy;

use std::time::Duration;

use tokio::{sync::watch, task::JoinSet};

use crate::{
    app::App,
    error::Result,
    flows::{clean_up, homeserver, keys, rendezvous, stand_in},
    store,
};

/// How often the queue is looked at without being woken: retries come due, and other processes insert jobs.
const POLL: Duration = Duration::from_secs(1);
/// How many lanes are worked in at once.
const LANES_AT_ONCE: usize = 8;
const ACTIVITY_INTERVAL: Duration = Duration::from_secs(10);
const CLEAN_UP_INTERVAL: Duration = Duration::from_secs(600);
/// What devices left for each other is of no use to anybody when it is over.
const RENDEZVOUS_INTERVAL: Duration = Duration::from_secs(30);
const CENSUS_INTERVAL: Duration = Duration::from_secs(600);

/// Starts the workers; they end when `stop` turns true.
pub fn start(app: &App, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut workers = JoinSet::new();
    workers.spawn(queue(app.clone(), stop.clone()));
    workers.spawn(logout_notice::work(app.clone(), stop.clone()));
    if app.mail.is_available() {
        workers.spawn(mail::work(app.clone(), stop.clone()));
    }
    workers.spawn(every(ACTIVITY_INTERVAL, app.clone(), stop.clone(), |app| async move {
        app.activity.write(&app.db).await
    }));
    workers.spawn(every(CLEAN_UP_INTERVAL, app.clone(), stop.clone(), |app| async move {
        keys::rotate_due(&app).await?;
        clean_up::clean_up(&app).await
    }));
    if app.config.rendezvous.enabled {
        workers.spawn(every(RENDEZVOUS_INTERVAL, app.clone(), stop.clone(), |app| async move {
            rendezvous::delete_expired(&app).await
        }));
    }
    workers.spawn(policy::watch(app.clone(), stop.clone()));
    workers.spawn({
        let (app, stop) = (app.clone(), stop.clone());
        async move {
            if let Err(error) = stand_in::count(&app).await {
                tracing::error!(%error, "the password hashes cannot be counted");
            }
            every(CENSUS_INTERVAL, app, stop, |app| async move { stand_in::count(&app).await }).await;
        }
    });
    workers
}

async fn queue(app: App, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match run_due(&app).await {
            Ok(0) => {
                tokio::select! {
                    () = app.jobs.notified() => {}
                    () = tokio::time::sleep(POLL) => {}
                    _ = stop.changed() => {}
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "the queue cannot be read");
                tokio::time::sleep(POLL).await;
            }
        }
    }
}

/// Works in every lane that is due and gives the number of those where that went without trouble of our own.
///
/// # Errors
/// When the store fails.
pub async fn run_due(app: &App) -> Result<usize> {
    let (mut running, mut done) = (JoinSet::new(), 0);
    for lane in store::job::list_due_lanes(&app.db, app.clock.now()).await? {
        if running.len() >= LANES_AT_ONCE {
            done += finish_one(&mut running).await;
        }
        let app = app.clone();
        running.spawn(async move {
            let result = homeserver::work_off(&app, &lane).await;
            if let Err(error) = &result {
                tracing::error!(user = %lane, %error, "work for a user failed");
            }
            usize::from(result.is_ok())
        });
    }
    while !running.is_empty() {
        done += finish_one(&mut running).await;
    }
    Ok(done)
}

/// A job that panics ends itself and not the queue.
async fn finish_one(running: &mut JoinSet<usize>) -> usize {
    match running.join_next().await {
        Some(Ok(done)) => done,
        Some(Err(error)) => {
            tracing::error!(%error, "work for a user died");
            0
        }
        None => 0,
    }
}

async fn every<F: Future<Output = Result<()>>>(
    interval: Duration,
    app: App,
    mut stop: watch::Receiver<bool>,
    work: impl Fn(App) -> F,
) {
    while !*stop.borrow() {
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            _ = stop.changed() => {}
        }
        if let Err(error) = work(app.clone()).await {
            tracing::error!(%error, "housekeeping failed");
        }
    }
}
