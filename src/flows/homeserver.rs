//! Keeping the homeserver in step: users exist before their first session, devices before their first token, and go
//! when the session ends (spec DEV-01 to DEV-03, HSI-04, HSI-06).
//!
//! Work is written as a job in the transaction that makes it necessary, and done afterwards, oldest first, by whoever
//! holds the lease of the user's lane: a worker, or a request that cannot wait. Nobody else touches this user's
//! devices meanwhile, so a late deletion can never hit a device that was just created again.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    clock::{MINUTE, SECOND},
    domain::{
        id::{JobId, UserId},
        refusal::Refusal,
        user::User,
    },
    error::{Error, Result},
    remote::homeserver::{Homeserver, HomeserverError, Provision},
    store::{self, db::Tx, job::Job as JobRow},
};

/// A lease that outlives the longest run through a lane; it ends early unless the process dies.
const LEASE: i64 = MINUTE;
/// How long a request waits for a lane that somebody else works in.
const LANE_PATIENCE: Duration = Duration::from_secs(10);
/// After this time in one lane, what is left waits for the next run.
const RUN_PATIENCE: Duration = Duration::from_secs(20);
/// How long somebody who only looks at a page waits for the homeserver.
const READER_PATIENCE: Duration = Duration::from_secs(3);
const LONGEST_PAUSE: i64 = 10 * MINUTE;

/// Work at the homeserver. Each kind brings the homeserver to what our store says when it runs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Creates the user, or mirrors its lock and addresses.
    ProvisionUser {
        /// Set when the person chose one at sign-up; later the homeserver is where it is changed.
        display_name: Option<String>,
    },
    /// Deletes the device unless a live session holds it.
    SettleDevice { device_id: String },
    /// Makes a device again that the homeserver lost while its tokens were good.
    RestoreDevice { device_id: String },
    /// Deactivates the user, whose devices go with it; `erase` asks that messages disappear as well.
    DeactivateUser { erase: bool },
    /// Takes a deactivation back.
    ReactivateUser,
}

/// Writes a job in the transaction that makes it necessary; nothing without a homeserver.
///
/// # Errors
/// When the store fails.
pub async fn enqueue(app: &App, tx: &mut Tx, user: &UserId, job: &Job) -> Result<Option<JobId>> {
    if app.homeserver.is_none() {
        return Ok(None);
    }
    let id = app.new_job_id();
    let payload = serde_json::to_string(job).map_err(|_| Error::Internal("a job cannot be written"))?;
    store::job::insert(tx, &id, user, &payload, app.clock.now()).await?;
    // The worker may look before the commit; it looks again within a second.
    app.jobs.notify_one();
    Ok(Some(id))
}

/// The right to work at the homeserver for one user.
pub struct Lane<'a> {
    app: &'a App,
    homeserver: &'a dyn Homeserver,
    user: UserId,
    holder: String,
}

/// Enters the lane of a user as soon as it is free; nothing when there is no homeserver.
///
/// # Errors
/// `HomeserverUnavailable` when somebody works in it for too long.
pub async fn enter<'a>(app: &'a App, user: &UserId) -> Result<Option<Lane<'a>>> {
    let deadline = Instant::now() + LANE_PATIENCE;
    let mut pause = Duration::from_millis(5);
    loop {
        match try_enter(app, user).await? {
            Entry::NoHomeserver => return Ok(None),
            Entry::Entered(lane) => return Ok(Some(lane)),
            Entry::Occupied if Instant::now() > deadline => return Err(Refusal::HomeserverUnavailable.into()),
            Entry::Occupied => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(200));
    }
}

/// Takes the lane of a user who is just being inserted: nobody else can be in it.
///
/// # Errors
/// When the store fails.
pub async fn enter_in<'a>(app: &'a App, tx: &mut Tx, user: &UserId) -> Result<Option<Lane<'a>>> {
    let Some(homeserver) = app.homeserver.as_deref() else { return Ok(None) };
    let (holder, now) = (app.new_token_id().to_string(), app.clock.now());
    store::job::lease(tx, user, &holder, now + LEASE, now).await?;
    Ok(Some(Lane { app, homeserver, user: user.clone(), holder }))
}

enum Entry<'a> {
    Entered(Lane<'a>),
    Occupied,
    NoHomeserver,
}

async fn try_enter<'a>(app: &'a App, user: &UserId) -> Result<Entry<'a>> {
    let Some(homeserver) = app.homeserver.as_deref() else { return Ok(Entry::NoHomeserver) };
    let (holder, now) = (app.new_token_id().to_string(), app.clock.now());
    let mut tx = app.db.write().await?;
    if !store::job::lease(&mut tx, user, &holder, now + LEASE, now).await? {
        return Ok(Entry::Occupied);
    }
    tx.commit().await?;
    Ok(Entry::Entered(Lane { app, homeserver, user: user.clone(), holder }))
}

/// Asks what a user is called at the homeserver, but not for long; without one it is what the store says.
///
/// # Errors
/// `HomeserverUnavailable`.
pub async fn display_name(app: &App, user: &User) -> Result<Option<String>> {
    let Some(homeserver) = app.homeserver.as_deref() else { return Ok(user.display_name.clone()) };
    match tokio::time::timeout(READER_PATIENCE, homeserver.display_name(&user.username)).await {
        Ok(Ok(name)) => Ok(name),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the homeserver did not tell a display name");
            Err(Refusal::HomeserverUnavailable.into())
        }
        Err(_) => Err(Refusal::HomeserverUnavailable.into()),
    }
}

/// Does what waits in the lane of a user, unless somebody else is at it.
///
/// # Errors
/// When the store fails. A homeserver that fails is tried again later.
pub async fn work_off(app: &App, user: &UserId) -> Result<()> {
    let Entry::Entered(lane) = try_enter(app, user).await? else { return Ok(()) };
    let result = lane.run_pending().await;
    lane.leave().await;
    match result {
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => Ok(()),
        result => result,
    }
}

impl Lane<'_> {
    /// Does the jobs of this lane, oldest first, until one fails.
    ///
    /// # Errors
    /// `HomeserverUnavailable` when one failed; it is noted for a later attempt.
    pub async fn run_pending(&self) -> Result<()> {
        self.run_those(|_| true).await
    }

    async fn run_those(&self, is_wanted: impl Fn(&Job) -> bool) -> Result<()> {
        let begun = Instant::now();
        for row in store::job::list(&self.app.db, &self.user).await? {
            let Ok(job) = serde_json::from_str(&row.payload) else {
                tracing::error!(job = %row.payload, "a job cannot be read; it is dropped");
                self.finish(&row.id).await?;
                continue;
            };
            if !is_wanted(&job) {
                continue;
            }
            if begun.elapsed() > RUN_PATIENCE {
                return Err(Refusal::HomeserverUnavailable.into());
            }
            self.renew().await?;
            match self.run(job).await? {
                Ok(()) => self.finish(&row.id).await?,
                Err(error @ HomeserverError::Unavailable(_)) => {
                    self.note_failure(&row, &error).await?;
                    return Err(Refusal::HomeserverUnavailable.into());
                }
                Err(error) => {
                    tracing::error!(job = %row.payload, %error, "the homeserver refuses a job for good; it is dropped");
                    self.finish(&row.id).await?;
                }
            }
        }
        Ok(())
    }

    /// Creates a user who was just inserted, and tells what the homeserver said. A user whom it refuses keeps the job:
    /// whoever inserted both takes both back.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_first(&self) -> Result<Result<(), HomeserverError>> {
        let Some(row) = store::job::list(&self.app.db, &self.user).await?.into_iter().next() else {
            return Ok(Ok(()));
        };
        let job = serde_json::from_str(&row.payload).map_err(|_| Error::Internal("a job cannot be read"))?;
        let result = self.run(job).await?;
        match &result {
            Ok(()) => self.finish(&row.id).await?,
            Err(error @ HomeserverError::Unavailable(_)) => self.note_failure(&row, error).await?,
            Err(_) => {}
        }
        Ok(result)
    }

    /// Creates a device whose session is about to be committed, after whatever concerns this user or this device.
    ///
    /// The job that comes back is already written: should the session never be committed, it deletes the device. The
    /// transaction that commits the session removes it.
    ///
    /// # Errors
    /// `HomeserverUnavailable` when the device could not be created; `DeviceRefused` when it never will be.
    pub async fn create_device(&self, user: &User, device_id: &str, display_name: Option<&str>) -> Result<JobId> {
        self.run_those(|job| concerns(job, device_id)).await?;
        // People name their devices; a new login on the same one does not rename it.
        let is_known = store::session::is_device_held(&self.app.db, &user.id, device_id).await?;
        let name = display_name.filter(|_| !is_known);
        let settle = Job::SettleDevice { device_id: device_id.to_owned() };
        let mut tx = self.app.db.write().await?;
        self.fence(&mut tx).await?;
        let job = enqueue(self.app, &mut tx, &self.user, &settle).await?;
        tx.commit().await?;
        let job = job.ok_or(Error::Internal("a lane without a homeserver"))?;
        self.upsert_device(user, device_id, name).await?;
        Ok(job)
    }

    async fn upsert_device(&self, user: &User, device_id: &str, name: Option<&str>) -> Result<()> {
        let result = match self.homeserver.upsert_device(&user.username, device_id, name).await {
            // Somebody removed the user behind our back, or a backup was restored.
            Err(HomeserverError::UnknownUser) => match self.provision(user, None).await? {
                Ok(()) => self.homeserver.upsert_device(&user.username, device_id, name).await,
                refused => refused,
            },
            result => result,
        };
        match result {
            Ok(()) => Ok(()),
            Err(error @ HomeserverError::Unavailable(_)) => {
                tracing::warn!(%error, "the homeserver did not create or rename a device");
                Err(Refusal::HomeserverUnavailable.into())
            }
            Err(error) => {
                tracing::error!(user = %user.id, %error, "the homeserver refuses a device for good");
                Err(Refusal::DeviceRefused.into())
            }
        }
    }

    /// Renames a device after whatever concerns this user or this device. One that no live session holds is not made again.
    ///
    /// # Errors
    /// `NotFound` when no session holds it; `HomeserverUnavailable`, `DeviceRefused`.
    pub async fn rename_device(&self, user: &User, device_id: &str, name: &str) -> Result<()> {
        self.run_those(|job| concerns(job, device_id)).await?;
        match store::session::is_device_held(&self.app.db, &user.id, device_id).await? {
            true => self.upsert_device(user, device_id, Some(name)).await,
            false => Err(Refusal::NotFound.into()),
        }
    }

    /// Sets the display name of a user, or takes it away, after whatever concerns the user.
    ///
    /// # Errors
    /// `HomeserverUnavailable`.
    pub async fn set_display_name(&self, user: &User, name: Option<&str>) -> Result<()> {
        self.run_those(concerns_user).await?;
        let result = match name {
            Some(name) => self.provision(user, Some(name.to_owned())).await?,
            None => unless_unknown(self.homeserver.unset_display_name(&user.username).await),
        };
        result.map_err(|error| {
            tracing::warn!(user = %user.id, %error, "the homeserver did not change a display name");
            Refusal::HomeserverUnavailable.into()
        })
    }

    /// Lets the devices of a user replace its cross-signing keys for a while.
    ///
    /// # Errors
    /// `HomeserverUnavailable`: nothing was allowed, as far as anybody knows.
    pub async fn allow_cross_signing_reset(&self, user: &User) -> Result<()> {
        self.run_those(concerns_user).await?;
        self.homeserver.allow_cross_signing_reset(&user.username).await.map_err(|error| {
            tracing::warn!(user = %user.id, %error, "the homeserver did not allow a cross-signing reset");
            Refusal::HomeserverUnavailable.into()
        })
    }

    /// Makes sure, within a transaction, that the lane is still ours, and keeps it for as long as at the start. What
    /// somebody else may have undone meanwhile must not be built upon.
    ///
    /// # Errors
    /// `HomeserverUnavailable` when the lease ran out and somebody else took it.
    pub async fn fence(&self, tx: &mut Tx) -> Result<()> {
        let until = self.app.clock.now() + LEASE;
        match store::job::prolong(tx, &self.user, &self.holder, until).await? {
            true => Ok(()),
            false => Err(Refusal::HomeserverUnavailable.into()),
        }
    }

    async fn renew(&self) -> Result<()> {
        let mut tx = self.app.db.write().await?;
        self.fence(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Gives the lane back. When that fails, the lease runs out by itself: what was done in the lane is done.
    pub async fn leave(self) {
        let released = async {
            let mut tx = self.app.db.write().await?;
            store::job::release(&mut tx, &self.user, &self.holder).await?;
            tx.commit().await
        };
        if let Err(error) = released.await {
            tracing::warn!(%error, "a lane could not be given back");
        }
    }

    async fn run(&self, job: Job) -> Result<Result<(), HomeserverError>> {
        let Some(user) = store::user::find(&self.app.db, &self.user).await? else { return Ok(Ok(())) };
        // An account that waits for approval is none at the homeserver: there the name may be somebody else's.
        if user.approval_required_at.is_some() {
            return Ok(Ok(()));
        }
        match job {
            // Provisioning would bring a deactivated account back to life at the homeserver.
            Job::ProvisionUser { .. } if user.deactivated_at.is_some() => Ok(Ok(())),
            Job::ProvisionUser { display_name } => self.provision(&user, display_name).await,
            Job::SettleDevice { device_id } => self.settle(&user, &device_id).await,
            Job::RestoreDevice { device_id } => self.restore(&user, &device_id).await,
            Job::DeactivateUser { erase } => match user.deactivated_at {
                Some(_) => Ok(unless_unknown(self.homeserver.delete_user(&user.username, erase).await)),
                None => Ok(Ok(())),
            },
            Job::ReactivateUser => match user.deactivated_at {
                Some(_) => Ok(Ok(())),
                None => self.reactivate(&user).await,
            },
        }
    }

    async fn provision(&self, user: &User, display_name: Option<String>) -> Result<Result<(), HomeserverError>> {
        let provision = Provision {
            localpart: user.username.clone(),
            display_name,
            emails: store::user::list_emails(&self.app.db, &user.id).await?,
            is_locked: user.locked_at.is_some(),
        };
        Ok(self.homeserver.provision_user(&provision).await)
    }

    async fn settle(&self, user: &User, device_id: &str) -> Result<Result<(), HomeserverError>> {
        if store::session::is_device_held(&self.app.db, &user.id, device_id).await? {
            return Ok(Ok(()));
        }
        Ok(unless_unknown(self.homeserver.delete_device(&user.username, device_id).await))
    }

    async fn restore(&self, user: &User, device_id: &str) -> Result<Result<(), HomeserverError>> {
        let is_held = store::session::is_device_held(&self.app.db, &user.id, device_id).await?;
        if !is_held || user.deactivated_at.is_some() {
            return Ok(Ok(()));
        }
        Ok(self.homeserver.upsert_device(&user.username, device_id, None).await)
    }

    /// The homeserver forgot the addresses of the account when it was deactivated.
    async fn reactivate(&self, user: &User) -> Result<Result<(), HomeserverError>> {
        match unless_unknown(self.homeserver.reactivate_user(&user.username).await) {
            Ok(()) => self.provision(user, None).await,
            refused => Ok(refused),
        }
    }

    async fn finish(&self, job: &JobId) -> Result<()> {
        let mut tx = self.app.db.write().await?;
        store::job::delete(&mut tx, job).await?;
        Ok(tx.commit().await?)
    }

    async fn note_failure(&self, row: &JobRow, error: &HomeserverError) -> Result<()> {
        tracing::warn!(job = %row.payload, attempts = row.attempts, %error, "work at the homeserver has to wait");
        let pause = SECOND.saturating_mul(1 << row.attempts.clamp(0, 10)).min(LONGEST_PAUSE);
        let mut tx = self.app.db.write().await?;
        store::job::retry_at(&mut tx, &row.id, self.app.clock.now() + pause, &error.to_string()).await?;
        Ok(tx.commit().await?)
    }
}

/// Tells whether a job is about the account as such.
fn concerns_user(job: &Job) -> bool {
    !matches!(job, Job::SettleDevice { .. } | Job::RestoreDevice { .. })
}

/// Tells whether a job is about the account or about this device.
fn concerns(job: &Job, device_id: &str) -> bool {
    match job {
        Job::SettleDevice { device_id: other } | Job::RestoreDevice { device_id: other } => other == device_id,
        _ => true,
    }
}

/// A user whom the homeserver does not know has nothing there that could be taken away.
fn unless_unknown(result: Result<(), HomeserverError>) -> Result<(), HomeserverError> {
    match result {
        Err(HomeserverError::UnknownUser) => Ok(()),
        result => result,
    }
}
