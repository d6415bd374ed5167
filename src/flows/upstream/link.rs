//! The accounts at providers that belong to an account here: linking and unlinking (UPS-07, UPS-11).

use super::decide::insert_link;
use crate::{
    app::App,
    config::upstream::Provider,
    domain::{
        act::Act,
        event::Event,
        id::UserId,
        refusal::Refusal,
        upstream::{Link, Trip, UpstreamProblem},
    },
    error::{Error, Result},
    flows::{Caller, browser::SignedIn, event, factor, prove},
    store::{self, db::Tx},
};

/// Links the account of a provider that a trip named to whoever began the trip. Linking what is linked changes nothing.
///
/// # Errors
/// `LinkedElsewhere`, `TransactionOver`.
pub async fn link(app: &App, provider: &Provider, trip: &Trip, signed_in: &SignedIn, caller: &Caller) -> Result<()> {
    let subject = trip.subject.as_deref().ok_or(Error::Internal("an answered trip names nobody"))?;
    let user = &signed_in.user.id;
    let mut tx = app.db.write().await?;
    store::user::hold(&mut tx, user).await?;
    if !store::upstream::consume_trip(&mut tx, &trip.id, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    match store::upstream::find_link_in(&mut tx, &provider.id, subject).await? {
        Some(link) if link.user_id != *user => return Err(UpstreamProblem::LinkedElsewhere.into()),
        Some(_) => {}
        None => insert_link(app, &mut tx, provider, subject, user, caller).await?,
    }
    Ok(tx.commit().await?)
}

/// Removes a link on a proof for [`Act::UnlinkProvider`].
///
/// # Errors
/// `ProofNeeded`, `NotFound`; `LastWayIn` when nobody could sign in afterwards.
pub async fn unlink(app: &App, signed_in: &SignedIn, proof: &str, id: &str, caller: &Caller) -> Result<()> {
    let user = &signed_in.user.id;
    let links = store::upstream::list_links(&app.db, user).await?;
    let link = links.into_iter().find(|link| link.id == id).ok_or(Refusal::NotFound)?;
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::UnlinkProvider, Some(id), proof).await?;
    if !store::upstream::delete_link(&mut tx, user, id).await? {
        return Err(Refusal::NotFound.into());
    }
    factor::settle(app, &mut tx, user).await?;
    event::record(app, &mut tx, user, Event::ProviderUnlinked { name: name(app, &link) }, caller).await?;
    Ok(tx.commit().await?)
}

/// Gives what the provider of a link is called.
pub fn name(app: &App, link: &Link) -> String {
    let provider = app.upstreams.iter().find(|upstream| upstream.provider.id == link.provider_id);
    provider.map_or(&*link.provider_id, |upstream| upstream.provider.name()).to_owned()
}

/// Tells whether somebody can sign in through a provider, within a transaction that took hold of them.
///
/// # Errors
/// When the store fails.
pub async fn opens(app: &App, tx: &mut Tx, user: &UserId) -> Result<bool> {
    let links = store::upstream::list_links_in(tx, user).await?;
    Ok(links.iter().any(|link| super::find(app, &link.provider_id).is_ok()))
}
