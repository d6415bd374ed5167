//! What people change about their account as a whole: how it and its devices are called, its cryptographic identity, and its
//! end (spec areas 13 and 14). What is changed at the homeserver is changed there first, in the lane of the user.

use crate::{
    app::App,
    clock::HOUR,
    domain::{
        act::Act,
        event::Event,
        id::SessionId,
        refusal::Refusal,
        user::{User, display_name},
    },
    error::{Error, Result},
    flows::{
        Caller,
        browser::SignedIn,
        event,
        homeserver::{self, Lane},
        manage, prove,
    },
    store,
};

/// How often within an hour the reset of a cryptographic identity is allowed (spec XSR-03).
const MOST_RESETS: i64 = 3;

/// Sets the display name, or takes it away when nothing was typed.
///
/// # Errors
/// `HomeserverUnavailable`: nothing was changed.
pub async fn set_display_name(app: &App, user: &User, typed: &str) -> Result<()> {
    let (app, user, name) = (app.clone(), user.clone(), display_name(typed));
    in_one_go(async move {
        let Some(lane) = homeserver::enter(&app, &user.id).await? else {
            return write_display_name(&app, &user, name.as_deref(), None).await;
        };
        let result = async {
            lane.set_display_name(&user, name.as_deref()).await?;
            write_display_name(&app, &user, name.as_deref(), Some(&lane)).await
        }
        .await;
        lane.leave().await;
        result
    })
    .await
}

async fn write_display_name(app: &App, user: &User, name: Option<&str>, lane: Option<&Lane<'_>>) -> Result<()> {
    let mut tx = app.db.write().await?;
    if let Some(lane) = lane {
        lane.fence(&mut tx).await?;
    }
    store::user::set_display_name(&mut tx, &user.id, name).await?;
    Ok(tx.commit().await?)
}

/// Renames the device of one of a person's sessions; everybody who shares a room with them may see the name.
///
/// # Errors
/// `NotFound` when there is no such session or it holds no device; `HomeserverUnavailable`: nothing was changed.
pub async fn rename_device(app: &App, user: &User, id: &SessionId, name: String) -> Result<()> {
    let session = store::session::find_own(&app.db, &user.id, id, app.clock.now()).await?.ok_or(Refusal::NotFound)?;
    let device_id = session.device_id.ok_or(Refusal::NotFound)?;
    let (app, user, id) = (app.clone(), user.clone(), id.clone());
    in_one_go(async move {
        let Some(lane) = homeserver::enter(&app, &user.id).await? else {
            return write_device_name(&app, &user, &id, &name, None).await;
        };
        let result = async {
            lane.rename_device(&user, &device_id, &name).await?;
            write_device_name(&app, &user, &id, &name, Some(&lane)).await
        }
        .await;
        lane.leave().await;
        result
    })
    .await
}

async fn write_device_name(app: &App, user: &User, id: &SessionId, name: &str, lane: Option<&Lane<'_>>) -> Result<()> {
    let mut tx = app.db.write().await?;
    if let Some(lane) = lane {
        lane.fence(&mut tx).await?;
    }
    if !store::session::set_device_name(&mut tx, &user.id, id, name).await? {
        return Err(Refusal::NotFound.into());
    }
    Ok(tx.commit().await?)
}

/// Lets the apps of whoever is signed in replace their cryptographic identity for a while, on a proof for
/// [`Act::ResetCrossSigning`] (spec XSR-03).
///
/// # Errors
/// `ProofNeeded`; `LimitExceeded`; `HomeserverUnavailable`: nothing was allowed. `NotFound` without a homeserver.
pub async fn reset_cross_signing(app: &App, signed_in: &SignedIn, proof: &str, caller: &Caller) -> Result<()> {
    let (app, signed_in, proof, caller) = (app.clone(), signed_in.clone(), proof.to_owned(), caller.clone());
    in_one_go(async move {
        let lane = homeserver::enter(&app, &signed_in.user.id).await?.ok_or(Refusal::NotFound)?;
        let result = reset_in(&app, &lane, &signed_in, &proof, &caller).await;
        lane.leave().await;
        result
    })
    .await
}

/// In the lane of the user one counts after the other has written, so no two are the third.
async fn reset_in(app: &App, lane: &Lane<'_>, signed_in: &SignedIn, proof: &str, caller: &Caller) -> Result<()> {
    let user = &signed_in.user;
    let hour_ago = app.clock.now() - HOUR;
    let mut tx = app.db.write().await?;
    lane.fence(&mut tx).await?;
    prove::consume(app, &mut tx, signed_in, Act::ResetCrossSigning, None, proof).await?;
    if store::event::count_since(&mut tx, &user.id, Event::CrossSigningReset.kind(), hour_ago).await? >= MOST_RESETS {
        return Err(Refusal::LimitExceeded.into());
    }
    tx.commit().await?;
    lane.allow_cross_signing_reset(user).await?;
    let mut tx = app.db.write().await?;
    event::record(app, &mut tx, &user.id, Event::CrossSigningReset, caller).await?;
    tx.commit().await?;
    tracing::info!(user = %user.id, "a reset of the cross-signing keys was allowed");
    Ok(())
}

/// Deactivates the account of whoever is signed in, on a proof for [`Act::Deactivate`]; `erase` asks the homeserver to let
/// its messages disappear (spec ACT-08).
///
/// # Errors
/// `ProofNeeded`.
pub async fn deactivate(app: &App, signed_in: &SignedIn, proof: &str, erase: bool, caller: &Caller) -> Result<()> {
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::Deactivate, None, proof).await?;
    manage::deactivate_in(app, &mut tx, &signed_in.user.id, erase, caller).await?;
    tx.commit().await?;
    app.jobs.notify_one();
    tracing::info!(user = %signed_in.user.id, "an account was deactivated by its owner");
    Ok(())
}

/// Whoever closes the browser now must not leave the homeserver and the store apart, or a lane that nobody leaves.
async fn in_one_go(work: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    tokio::spawn(work).await.map_err(|_| Error::Internal("work on an account died"))?
}
