//! What somebody allowed before, and so is not asked again (spec CNS-03). Never for what makes a Matrix device, and never for
//! an app that anybody on the same machine can pass for.

use crate::{
    app::App,
    clock::DAY,
    crypto::secret::sha256,
    domain::{
        act::Act,
        claims::Claims,
        client::ClientMetadata,
        event::Event,
        id::{ClientId, UserId},
        redirect_uri::{destination, is_loopback, is_web},
        refusal::Refusal,
        scope::Scope,
        session::EndReason,
    },
    error::Result,
    flows::{Caller, browser::SignedIn, event, logout_notice, prove, session},
    store::{
        self,
        client::Client,
        consent::{Allowed, Consent},
    },
};

/// After this time without use it is asked again.
pub const CONSENT_LIFE: i64 = 365 * DAY;

/// Why a person need not be asked.
pub enum Ground {
    /// They said so before.
    Remembered(Consent),
    /// The operator answers for the client.
    Trusted,
}

/// What a request asks a person for.
pub struct Wanted<'a> {
    pub client: &'a Client,
    pub scope: &'a str,
    pub claims: Option<&'a str>,
    pub redirect_uri: &'a str,
}

impl Wanted<'_> {
    /// Finds why this person need not be asked; nothing where they have to be.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn ground(&self, app: &App, user: &UserId) -> Result<Option<Ground>> {
        let asked = self.scope();
        if !asked.is_plain() {
            return Ok(None);
        }
        if self.client.is_trusted {
            return Ok(Some(Ground::Trusted));
        }
        if !self.may_be_remembered() {
            return Ok(None);
        }
        let (shown, now) = (shown(&self.client.metadata), app.clock.now());
        let known = store::consent::list_of_client(&app.db, user, &self.client.id).await?;
        let covers = |consent: &Consent| {
            consent.shown == shown
                && consent.destination == destination(self.redirect_uri)
                && consent.last_used_at > now - CONSENT_LIFE
                && Scope::parse(&consent.scope).is_ok_and(|allowed| asked.is_subset_of(&allowed))
        };
        Ok(known.into_iter().find(covers).map(Ground::Remembered))
    }

    /// Gives what is noted when this person allows; nothing where it has to be asked each time.
    pub fn consent(&self, user: &UserId, now: i64) -> Option<Consent> {
        let is_remembered = self.scope().is_plain() && !self.client.is_trusted && self.may_be_remembered();
        is_remembered.then(|| Consent {
            user_id: user.clone(),
            client_id: self.client.id.clone(),
            scope: self.scope().sorted(),
            destination: destination(self.redirect_uri),
            shown: shown(&self.client.metadata),
            created_at: now,
            last_used_at: now,
        })
    }

    /// What is told by a claim is allowed as if it were told by its scope.
    pub fn scope(&self) -> Scope {
        let scope = Scope::parse(self.scope).unwrap_or_default();
        Claims::kept(self.claims).scopes().fold(scope, Scope::with)
    }

    /// RFC 8252 §8.6: whoever takes a scheme or a port of the same machine would get the answer unseen.
    fn may_be_remembered(&self) -> bool {
        let uri = self.redirect_uri;
        self.client.metadata.is_confidential() || (is_web(uri) && !is_loopback(uri))
    }
}

/// Digests what a person is shown of an application: when that changes, they have to look again.
fn shown(metadata: &ClientMetadata) -> Vec<u8> {
    let ClientMetadata { client_name, client_uri, logo_uri, tos_uri, policy_uri, localised, .. } = metadata;
    let shown = serde_json::json!([client_name, client_uri, logo_uri, tos_uri, policy_uri, localised]);
    sha256(shown.to_string().as_bytes())
}

/// Tells whether what a person allowed still spares them the question.
pub fn counts(allowed: &Allowed, metadata: &ClientMetadata) -> bool {
    allowed.shown == shown(metadata)
}

/// Takes back what whoever is signed in allowed an application, on a proof for [`Act::WithdrawConsent`], and ends its sessions.
/// Devices that it holds are listed with the others, and stay.
///
/// # Errors
/// `ProofNeeded`; `NotFound` when it was allowed nothing.
pub async fn withdraw(app: &App, signed_in: &SignedIn, proof: &str, client: &ClientId, caller: &Caller) -> Result<()> {
    let (user, reason) = (&signed_in.user.id, EndReason::EndedByOwner);
    let found = store::client::find(&app.db, client).await?;
    let name = found.and_then(|client| client.metadata.name(&[caller.language.tag()]).map(str::to_owned));
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::WithdrawConsent, Some(client.as_str()), proof).await?;
    if store::consent::delete_of_client(&mut tx, user, client).await? == 0 {
        return Err(Refusal::NotFound.into());
    }
    let sessions = store::session::list_live_of_relying_party(&mut tx, user, client).await?;
    session::end_some_in(app, &mut tx, user, &sessions, reason).await?;
    for session in &sessions {
        logout_notice::enqueue_of_session(app, &mut tx, user, &session.id).await?;
    }
    event::record(app, &mut tx, user, Event::SessionEnded { name }, caller).await?;
    tx.commit().await?;
    app.jobs.notify_one();
    tracing::info!(%user, %client, sessions = sessions.len(), "a consent was withdrawn");
    session::count(reason, sessions.len());
    Ok(())
}
