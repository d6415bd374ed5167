//! Getting back in after a forgotten password, by a link in a mail (spec RCV-03). The link lets somebody choose a new
//! password and nothing else: they then sign in as always, with the second factor where one is asked for.

use crate::{
    app::App,
    clock::{HOUR, MINUTE},
    crypto::secret::{Kind, Secret},
    domain::{
        email::{self, EmailProblem},
        event::Event,
        refusal::Refusal,
        session::EndReason,
        user::User,
    },
    error::{Error, Result},
    flows::{
        Caller, event,
        limit::{self, Limiter},
        login::check_account,
        mail::{self, Letter, LetterKind},
        password::{self, NewPassword},
        session,
    },
    store::{
        self,
        recovery::{NewRecovery, Recovery},
    },
};

/// How long a link is good.
const LINK_LIFE: i64 = 30 * MINUTE;
/// How many links go to one account within an hour.
const MOST_SENT: i64 = 3;
/// How many requests are looked into at once.
pub const AT_ONCE: usize = 32;

/// Tells whether there is such a way in here at all.
pub fn is_possible(app: &App) -> bool {
    app.mail.is_available() && app.config.passwords.enabled
}

/// Refuses whom [`request`] would refuse, and counts nothing: before the person has to do more.
///
/// # Errors
/// `TooManyRequests`.
pub async fn check_limits(app: &App, address: &str, caller: &Caller) -> Result<()> {
    limit::check(app, Limiter::RecoveryByAddress, &limit::address(caller)).await?;
    limit::check(app, Limiter::RecoveryByEmail, address).await
}

/// Sends a link to an address if somebody has it. That is looked into after the answer, which is the same for every
/// address, and takes as long (RTL-05).
///
/// # Errors
/// `Email(Invalid)` for what is no address; `TooManyRequests`; `Busy` when too many are being looked into.
pub async fn request(app: &App, address: &str, caller: &Caller) -> Result<()> {
    if !is_possible(app) {
        return Err(EmailProblem::Unavailable.into());
    }
    let address = email::typed(address).ok_or(EmailProblem::Invalid)?;
    let from = limit::address(caller);
    limit::take_each(app, &[(Limiter::RecoveryByAddress, &from), (Limiter::RecoveryByEmail, &address)]).await?;
    let place = app.recoveries.clone().try_acquire_owned().map_err(|_| Refusal::Busy)?;
    let (app, caller) = (app.clone(), caller.clone());
    tokio::spawn(async move {
        if let Err(error) = send_link(&app, &address, &caller).await {
            tracing::error!(%error, "a way back in could not be sent");
        }
        drop(place);
    });
    Ok(())
}

async fn send_link(app: &App, address: &str, caller: &Caller) -> Result<()> {
    let Some(user) = store::user::find_by_email(&app.db, address).await? else { return Ok(()) };
    if check_account(&user).is_err() {
        return Ok(());
    }
    let (user, now) = (&user.id, app.clock.now());
    let secret = Secret::generate(Kind::RecoveryLink);
    let link = app.config.http.public_base.join(&format!("recover/{}", secret.expose()));
    let link = link.map_err(|_| Error::Internal("the public base has no pages"))?.into();
    let mut tx = app.db.write().await?;
    tx.hold_name(&format!("recovery of {user}")).await?;
    if store::recovery::count_since(&mut tx, user, now - HOUR).await? >= MOST_SENT {
        tracing::warn!(%user, "too many ways back in were asked for");
        return Ok(());
    }
    let (id, secret_hash, expires_at) = (app.new_recovery_id(), secret.hash(), now + LINK_LIFE);
    store::recovery::insert(&mut tx, NewRecovery { id: &id, user, email: address, secret_hash, expires_at, now })
        .await?;
    let kind = LetterKind::RecoveryLink { link, expires_minutes: LINK_LIFE / MINUTE };
    mail::enqueue(app, &mut tx, &Letter { to: address, language: caller.language, kind }).await?;
    Ok(tx.commit().await?)
}

/// A link that is good, and whose it is.
pub struct Found {
    recovery: Recovery,
    pub user: User,
}

/// Finds a link that is good; looking consumes nothing, because programs that read mail look at every link.
///
/// # Errors
/// `RecoveryOver` for every other one.
pub async fn find(app: &App, presented: &str) -> Result<Found> {
    let over = Refusal::RecoveryOver;
    if !app.config.passwords.enabled {
        return Err(over.into());
    }
    let secret = Secret::parse(Kind::RecoveryLink, presented).ok_or(over.clone())?;
    let recovery = store::recovery::find_good(&app.db, &secret.hash(), app.clock.now()).await?.ok_or(over.clone())?;
    let user = store::user::find(&app.db, &recovery.user_id).await?.ok_or(over)?;
    Ok(Found { recovery, user })
}

/// Gives the account of a link a new password. Every browser is signed out.
///
/// # Errors
/// `RecoveryOver` when the link was used meanwhile, `Busy`.
pub async fn complete(app: &App, found: &Found, password: NewPassword<'_>, caller: &Caller) -> Result<()> {
    let user = &found.user.id;
    let hash = password.hash(app).await?;
    let mut tx = app.db.write().await?;
    session::end_browsers_in(app, &mut tx, user, EndReason::PasswordChanged).await?;
    if !store::recovery::consume(&mut tx, &found.recovery.id, app.clock.now()).await? {
        return Err(Refusal::RecoveryOver.into());
    }
    password::replace_in(app, &mut tx, user, &hash).await?;
    event::record(app, &mut tx, user, Event::RecoveredByEmail, caller).await?;
    tx.commit().await?;
    tracing::info!(%user, "an account was recovered by e-mail");
    Ok(())
}
