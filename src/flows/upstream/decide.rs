//! What comes of a trip to a provider: the table of UPS-07. E-mail addresses and names link nothing by themselves, unless the
//! configuration says that this provider alone decides who has them.

use super::{Answer, claims::Imported};
use crate::{
    app::App,
    config::upstream::{ImportTime, OnConflict, Provider},
    domain::{
        act::Act,
        amr::Amr,
        event::Event,
        id::{ProofId, UserId},
        refusal::Refusal,
        upstream::{Link, Purpose, Trip, UpstreamProblem},
        user::User,
    },
    error::{Error, Result},
    flows::{
        Caller, account,
        browser::SignedIn,
        event, login,
        prove::{self, First},
    },
    store::{self, db::Tx},
};

/// What is next for the browser that came back.
pub enum Outcome {
    /// Somebody with an account showed who they are.
    SignIn(First, Box<User>),
    /// Nobody has this account of the provider yet; or an account has the name or the address, and its owner links it first.
    SignUp,
    /// The provider is linked to the account that is signed in.
    Linked,
    /// The act that somebody confirmed, with the proof.
    Confirmed { act: Act, target: Option<String>, proof: ProofId },
    /// The same, where a second factor is asked for.
    HalfConfirmed { proof: ProofId },
}

/// Decides what comes of a trip, and does it where nobody is asked.
///
/// # Errors
/// `NotAllowed`, `SomebodyElse`, `LinkedElsewhere`, `SignInOnly`; `UserLocked`, `UserDeactivated`; `TransactionOver`.
pub async fn decide(
    app: &App,
    trip: &Trip,
    answer: &Answer,
    signed_in: Option<&SignedIn>,
    browser: &crate::crypto::secret::Secret,
    caller: &Caller,
) -> Result<Outcome> {
    let provider = &super::find(app, &trip.provider_id)?.provider;
    answer.check_allowed(provider)?;
    match Purpose::parse(&trip.purpose) {
        Some(Purpose::Login) => sign_in(app, provider, trip, answer, caller).await,
        Some(Purpose::Link) => {
            let signed_in = owner(trip, signed_in)?;
            super::link::link(app, provider, trip, signed_in, caller).await?;
            Ok(Outcome::Linked)
        }
        Some(Purpose::Confirm) => confirm(app, provider, trip, answer, owner(trip, signed_in)?, browser).await,
        None => Err(Error::Internal("a trip without a purpose")),
    }
}

/// Whoever began to link or to confirm is still signed in.
fn owner<'a>(trip: &Trip, signed_in: Option<&'a SignedIn>) -> Result<&'a SignedIn> {
    let is_same = |signed_in: &&SignedIn| Some(&signed_in.session.session_id) == trip.browser_session_id.as_ref();
    Ok(signed_in.filter(is_same).ok_or(Refusal::TransactionOver)?)
}

fn subject(trip: &Trip) -> Result<&str> {
    trip.subject.as_deref().ok_or(Error::Internal("an answered trip names nobody"))
}

async fn sign_in(app: &App, provider: &Provider, trip: &Trip, answer: &Answer, caller: &Caller) -> Result<Outcome> {
    let now = app.clock.now();
    let first = || First { amr: answer.amr(provider), at: now, trip: Some(trip.id.clone()) };
    if let Some(link) = store::upstream::find_link(&app.db, &provider.id, subject(trip)?).await? {
        let user = find_user(app, &link.user_id).await?;
        login::check_account(&user)?;
        follow(app, provider, &user, answer, caller).await?;
        return Ok(Outcome::SignIn(first(), Box::new(user)));
    }
    match find_conflict(app, provider, answer).await? {
        None => {
            super::sign_up::offer(provider, answer)?;
            Ok(Outcome::SignUp)
        }
        Some((_, OnConflict::Fail)) => Ok(Outcome::SignUp),
        Some((user, policy)) => {
            login::check_account(&user)?;
            match adopt(app, provider, trip, &user, policy, caller).await? {
                true => {
                    follow(app, provider, &user, answer, caller).await?;
                    Ok(Outcome::SignIn(first(), Box::new(user)))
                }
                false => Ok(Outcome::SignUp),
            }
        }
    }
}

async fn find_user(app: &App, id: &UserId) -> Result<User> {
    store::user::find(&app.db, id).await?.ok_or(Error::Internal("a link to nobody"))
}

/// Tells whether an account has the name or the address that the provider gives, so that its owner has to sign in to it.
///
/// # Errors
/// `Required`.
pub async fn has_conflict(app: &App, provider: &Provider, answer: &Answer) -> Result<bool> {
    Ok(find_conflict(app, provider, answer).await?.is_some())
}

/// Finds the account that has the name or the address that the provider gives, where that counts; and what is to be done.
async fn find_conflict(app: &App, provider: &Provider, answer: &Answer) -> Result<Option<(User, OnConflict)>> {
    let imports = &provider.claims_imports;
    let by_name = match answer.localpart(provider)? {
        Imported { value: Some(name), is_fixed: true } => store::user::find_by_username(&app.db, &name).await?,
        _ => None,
    };
    let by_email = match answer.trusted_email(provider) {
        Some(address) => store::user::find_by_email(&app.db, &address).await?,
        None => None,
    };
    Ok(match (by_name, by_email) {
        // They are two people, and nobody can tell which of them this is.
        (Some(a), Some(b)) if a.id != b.id => Some((a, OnConflict::Fail)),
        (Some(user), Some(_)) if imports.localpart.on_conflict == OnConflict::Fail => {
            Some((user, imports.email.on_conflict))
        }
        (Some(user), _) => Some((user, imports.localpart.on_conflict)),
        (None, Some(user)) => Some((user, imports.email.on_conflict)),
        (None, None) => None,
    })
}

/// Links the account as the configuration says; false when it has a link already and shall keep it.
async fn adopt(
    app: &App,
    provider: &Provider,
    trip: &Trip,
    user: &User,
    policy: OnConflict,
    caller: &Caller,
) -> Result<bool> {
    let mut tx = app.db.write().await?;
    store::user::hold(&mut tx, &user.id).await?;
    let links = store::upstream::list_links_in(&mut tx, &user.id).await?;
    let has_one = links.iter().any(|link| link.provider_id == provider.id);
    match policy {
        OnConflict::Set if has_one => return Ok(false),
        OnConflict::Replace if has_one => {
            store::upstream::delete_links_to(&mut tx, &user.id, &provider.id).await?;
        }
        _ => {}
    }
    insert_link(app, &mut tx, provider, subject(trip)?, &user.id, caller).await?;
    tx.commit().await?;
    tracing::info!(user = %user.id, provider = %provider.id, "an account was linked because of its name or its address");
    Ok(true)
}

/// Inserts a link, and tells the owner.
///
/// # Errors
/// `LinkedElsewhere`.
pub async fn insert_link(
    app: &App,
    tx: &mut Tx,
    provider: &Provider,
    subject: &str,
    user: &UserId,
    caller: &Caller,
) -> Result<()> {
    let now = app.clock.now();
    let link = Link {
        id: crate::crypto::random::ulid(now),
        provider_id: provider.id.clone(),
        subject: subject.to_owned(),
        user_id: user.clone(),
        created_at: now,
    };
    store::upstream::insert_link(tx, &link).await.map_err(|error| match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => UpstreamProblem::LinkedElsewhere.into(),
        _ => Error::from(error),
    })?;
    event::record(app, tx, user, Event::ProviderLinked { name: provider.name().to_owned() }, caller).await
}

async fn confirm(
    app: &App,
    provider: &Provider,
    trip: &Trip,
    answer: &Answer,
    signed_in: &SignedIn,
    browser: &crate::crypto::secret::Secret,
) -> Result<Outcome> {
    let user = &signed_in.user;
    let link = store::upstream::find_link(&app.db, &provider.id, subject(trip)?).await?;
    if link.is_none_or(|link| link.user_id != user.id) {
        return Err(UpstreamProblem::SomebodyElse.into());
    }
    login::check_account(user)?;
    let act = trip.act.as_deref().and_then(Act::parse).ok_or(Refusal::TransactionOver)?;
    let target = trip.target.clone();
    let amr: Amr = answer.amr(provider);
    let (proof, is_enough) =
        prove::begin_act_with_provider(app, browser, signed_in, act, target.as_deref(), (&trip.id, amr)).await?;
    Ok(match is_enough {
        true => Outcome::Confirmed { act, target, proof },
        false => Outcome::HalfConfirmed { proof },
    })
}

/// Takes over what the provider says at each sign-in. What fails here keeps nobody out.
async fn follow(app: &App, provider: &Provider, user: &User, answer: &Answer, caller: &Caller) -> Result<()> {
    if let Some(is_admin) = answer.is_admin(provider) {
        let mut tx = app.db.write().await?;
        store::user::hold(&mut tx, &user.id).await?;
        if store::user::set_admin(&mut tx, &user.id, is_admin).await? {
            tracing::info!(user = %user.id, provider = %provider.id, is_admin, "the provider decides who administers");
        }
        tx.commit().await?;
    }
    if provider.import != ImportTime::EveryLogin {
        return Ok(());
    }
    if let Ok(Imported { value: Some(name), .. }) = answer.displayname(provider)
        && user.display_name.as_deref() != Some(&name)
        && let Err(error) = account::set_display_name(app, user, &name).await
    {
        tracing::warn!(user = %user.id, %error, "a display name could not be taken over");
    }
    if let Ok(Imported { value: Some(address), .. }) = answer.email(provider)
        && store::user::find_by_email(&app.db, &address).await?.is_none()
    {
        let mut tx = app.db.write().await?;
        store::user::hold(&mut tx, &user.id).await?;
        if store::email::claim(&mut tx, &app.new_user_email_id(), &user.id, &address, app.clock.now()).await? {
            event::record(app, &mut tx, &user.id, Event::EmailAdded { address }, caller).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
