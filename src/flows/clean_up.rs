//! Hygiene: what ended long ago is forgotten. It changes no decision (INV-15), because expiry is judged when reading.

use crate::{
    app::App,
    clock::DAY,
    domain::session::EndReason,
    error::Result,
    flows::{
        captcha,
        consent::CONSENT_LIFE,
        event::EVENT_LIFE,
        keys,
        limit::{self, KNOWN_BROWSER_LIFE, Limiter},
        session,
    },
    store,
};

/// Forgets what was done so long ago that it is allowed again, and browsers that an account no longer knows. Deletes authorizations, devices that waited, logins of older clients and sign-ups that ended a day ago (their codes are still told apart
/// as used until then), codes and links of mails (until then they are counted), CAPTCHAs that were passed, mails that nobody wants any more, events that are a year old, and closes sessions that expired.
///
/// # Errors
/// When the store fails.
pub async fn clean_up(app: &App) -> Result<()> {
    let before = app.clock.now() - DAY;
    let mut tx = app.db.write().await?;
    let grants = store::grant::delete_older_than(&mut tx, before).await?;
    store::pushed_request::delete_older_than(&mut tx, before).await?;
    store::consent::delete_unused_since(&mut tx, app.clock.now() - CONSENT_LIFE).await?;
    let sso_logins = store::sso_login::delete_older_than(&mut tx, before).await?;
    let device_grants = store::device_grant::delete_older_than(&mut tx, before).await?;
    let registrations = store::registration::delete_older_than(&mut tx, before).await?;
    store::proof::delete_older_than(&mut tx, before).await?;
    store::upstream::delete_trips_older_than(&mut tx, before).await?;
    store::upstream::delete_idle_sessions(&mut tx, before).await?;
    store::factor::delete_challenges(&mut tx, before).await?;
    store::email::delete_older_than(&mut tx, before).await?;
    store::recovery::delete_older_than(&mut tx, before).await?;
    store::upstream_logout::delete_older_than(&mut tx, before).await?;
    // An assertion is as good as used from when it expires.
    store::client_assertion::delete_expired(&mut tx, app.clock.now()).await?;
    captcha::clean_up(app, &mut tx).await?;
    keys::clean_up(app, &mut tx).await?;
    store::mail::delete_expired(&mut tx, before).await?;
    store::known_browser::delete_older_than(&mut tx, app.clock.now() - KNOWN_BROWSER_LIFE).await?;
    for limiter in Limiter::ALL {
        limit::sweep(app, &mut tx, limiter).await?;
    }
    store::event::delete_before(&mut tx, app.clock.now() - EVENT_LIFE).await?;
    let sessions = store::session::end_expired(&mut tx, before, EndReason::Expired).await?;
    let devices = session::end_expired_in(app, &mut tx, before).await?;
    tx.commit().await?;
    let browsers = session::end_expired_browsers(app).await?;
    tracing::debug!(grants, sso_logins, device_grants, registrations, sessions, devices, browsers, "cleaned up");
    Ok(())
}
