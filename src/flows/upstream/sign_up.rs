//! A new account for somebody whom a provider named and nobody here knows (UPS-08, UPS-09). What the provider decides cannot
//! be changed in the form; everything else can.

use super::{Answer, claims::Imported, decide};
use crate::{
    app::App,
    config::upstream::Provider,
    crypto::secret::Secret,
    domain::{
        email::EmailProblem,
        id::{UpstreamTripId, UserId},
        refusal::Refusal,
        upstream::{Trip, UpstreamProblem},
        user::{User, display_name},
    },
    error::{Error, Result},
    flows::{
        Caller,
        limit::{self, Limiter},
        permit::Origin,
        register::{self, Completed, NewUser, check_terms, check_username},
        registration_token,
    },
    store::{self, db::Tx},
};

/// What the form of a sign-up begins with.
pub struct Offer {
    pub username: Imported,
    pub display_name: Imported,
    pub email: Imported,
}

/// Reads what the provider offers for a new account.
///
/// # Errors
/// `Required`, `SignInOnly`, `NotAllowed`.
pub fn offer(provider: &Provider, answer: &Answer) -> Result<Offer, UpstreamProblem> {
    if provider.sign_in_only {
        return Err(UpstreamProblem::SignInOnly);
    }
    answer.check_allowed(provider)?;
    Ok(Offer {
        username: answer.localpart(provider)?,
        display_name: answer.displayname(provider)?,
        email: answer.email(provider)?,
    })
}

/// What somebody filled in.
pub struct Filled<'a> {
    pub username: &'a str,
    pub display_name: &'a str,
    /// Whether the offered address is wanted.
    pub wants_email: bool,
    pub terms: Option<&'a str>,
    /// What lets somebody sign up, where that is needed.
    pub token: &'a str,
}

/// A link that comes with a new account, in the transaction that inserts it.
#[derive(Clone)]
pub struct NewLink {
    trip: UpstreamTripId,
    provider: String,
    subject: String,
}

/// Creates the account with its link, and consumes the trip.
///
/// # Errors
/// `Username`, `Email(Taken)`, `TermsNotAgreed`, `RegistrationToken`, `LinkedElsewhere`, `TransactionOver`, `HomeserverUnavailable`,
/// `TooManyRequests`.
pub async fn sign_up(
    app: &App,
    browser: &Secret,
    trip: &Trip,
    answer: &Answer,
    filled: &Filled<'_>,
    caller: &Caller,
) -> Result<Completed> {
    let provider = &super::find(app, &trip.provider_id)?.provider;
    let offer = offer(provider, answer)?;
    let terms_version = check_terms(app, filled.terms)?;
    let registration_token = registration_token::check(app, browser, filled.token).await?;
    let needs_approval = app.config.account.registration_approval_required;
    let origin = Origin::Upstream(provider.id.clone());
    let username = match &offer.username {
        Imported { value: Some(name), is_fixed: true } => name.as_str(),
        _ => filled.username,
    };
    register::count_question(app, caller).await?;
    let username = check_username(app, username, &origin, caller).await?;
    let display_name = match offer.display_name {
        Imported { value: Some(name), is_fixed: true } => Some(name),
        _ => display_name(filled.display_name),
    };
    let email = match offer.email {
        Imported { value, is_fixed } if is_fixed || filled.wants_email => value,
        _ => None,
    };
    if let Some(address) = &email
        && store::user::find_by_email(&app.db, address).await?.is_some()
    {
        return Err(EmailProblem::Taken.into());
    }
    limit::take(app, Limiter::RegistrationByAddress, &limit::address(caller)).await?;
    let subject = trip.subject.clone().ok_or(Error::Internal("an answered trip names nobody"))?;
    let link = NewLink { trip: trip.id.clone(), provider: provider.id.clone(), subject };
    let new = NewUser {
        username,
        display_name,
        is_admin: answer.is_admin(provider).unwrap_or(false),
        password: None,
        email,
        terms_version,
        registration_token,
        needs_approval,
        origin,
        link: Some(link),
    };
    let (app, caller) = (app.clone(), caller.clone());
    // A person who closes the browser now must not leave half an account.
    let user = tokio::spawn(async move { register::create(&app, new, None, &caller).await })
        .await
        .map_err(|_| Error::Internal("a sign-up died"))??;
    Ok(if needs_approval { Completed::AwaitsApproval } else { Completed::Usable(user) })
}

/// Consumes the trip of a sign-up, before its user is inserted.
///
/// # Errors
/// `TransactionOver` when another sign-up was faster.
pub async fn consume_in(app: &App, tx: &mut Tx, link: &NewLink) -> Result<()> {
    match store::upstream::consume_trip(tx, &link.trip, app.clock.now()).await? {
        true => Ok(()),
        false => Err(Refusal::TransactionOver.into()),
    }
}

/// Inserts the link of a new user.
///
/// # Errors
/// `LinkedElsewhere`.
pub async fn link_in(app: &App, tx: &mut Tx, link: &NewLink, user: &UserId, caller: &Caller) -> Result<()> {
    let provider = &super::find(app, &link.provider)?.provider;
    decide::insert_link(app, tx, provider, &link.subject, user, caller).await
}

/// Finds a sign-up that this browser completed, with the account that came of it.
///
/// # Errors
/// `TransactionOver`, `OtherBrowser`.
pub async fn find_completed(app: &App, id: &str, browser: &Secret) -> Result<(Trip, User)> {
    let id = UpstreamTripId::read(id).ok_or(Refusal::TransactionOver)?;
    let trip = store::upstream::find_trip(&app.db, &id).await?.ok_or(Refusal::TransactionOver)?;
    if trip.browser_hash != browser.hash() {
        return Err(Refusal::OtherBrowser.into());
    }
    let subject = trip.subject.as_deref().filter(|_| trip.consumed_at.is_some()).ok_or(Refusal::TransactionOver)?;
    let link =
        store::upstream::find_link(&app.db, &trip.provider_id, subject).await?.ok_or(Refusal::TransactionOver)?;
    let user = store::user::find(&app.db, &link.user_id).await?.ok_or(Refusal::TransactionOver)?;
    Ok((trip, user))
}
