//! Telling relying parties that somebody signed out (OpenID Connect Back-Channel Logout; spec BCO-01 to BCO-04).
//!
//! A notice is written in the transaction that ends the login, and told afterwards by a worker: nobody who signs out waits
//! for an application. Each application is told one thing at a time, so one that hangs holds up only itself.

use crate::{
    app::App,
    clock::{DAY, MINUTE, SECOND},
    domain::{
        client::ClientMetadata,
        id::{ClientId, SessionId, UserId},
        logout_token::{self, Parties},
        session::BROWSER_SESSION_MOST,
    },
    error::{Error, Result},
    store::{
        self,
        client::Client,
        db::Tx,
        logout_notice::{NewNotice, Notice, RelyingParty},
    },
};

/// Longer than any attempt takes; it ends early unless the process dies.
const LEASE: i64 = MINUTE;
/// What lies between attempts; after the last one nobody is told any more.
const PAUSES: [i64; 5] = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE];

/// Writes down who has to hear that a login of a browser ended: whoever got an ID token through it (BCO-04).
///
/// # Errors
/// When the store fails.
pub async fn enqueue_of_browser(app: &App, tx: &mut Tx, user: &UserId, first: &SessionId) -> Result<()> {
    let parties = store::logout_notice::list_parties_of_browser(tx, first).await?;
    enqueue(app, tx, user, parties).await
}

/// Writes down who has to hear that all logins of a person ended, or count for nothing: `sub` says it alone (BCO-04).
///
/// # Errors
/// When the store fails.
pub async fn enqueue_of_person(app: &App, tx: &mut Tx, user: &UserId) -> Result<()> {
    // The longest that a login of a browser lasts, and a day for clocks and habits.
    let since = app.clock.now() - BROWSER_SESSION_MOST - DAY;
    let parties = store::logout_notice::list_parties_of_person(tx, user, since).await?;
    enqueue(app, tx, user, parties).await
}

/// Writes down that a relying party has to hear that its own session was ended by whose it is.
///
/// # Errors
/// When the store fails.
pub async fn enqueue_of_session(app: &App, tx: &mut Tx, user: &UserId, session: &SessionId) -> Result<()> {
    let parties = store::logout_notice::list_party_of_session(tx, session).await?;
    enqueue(app, tx, user, parties).await
}

async fn enqueue(app: &App, tx: &mut Tx, user: &UserId, parties: Vec<RelyingParty>) -> Result<()> {
    for RelyingParty { client_id, metadata, sid } in parties {
        let metadata: ClientMetadata =
            serde_json::from_str(&metadata).map_err(|_| Error::Internal("the metadata of a client cannot be read"))?;
        if metadata.backchannel_logout_uri.is_some() {
            insert(app, tx, user, &client_id, sid.as_ref()).await?;
        }
    }
    // The worker may look before the commit; it looks again soon.
    app.logout_notices.notify_one();
    Ok(())
}

async fn insert(app: &App, tx: &mut Tx, user: &UserId, client: &ClientId, sid: Option<&SessionId>) -> Result<()> {
    let (id, now) = (app.new_logout_notice_id(), app.clock.now());
    Ok(store::logout_notice::insert(tx, NewNotice { id: &id, client, user, sid, now }).await?)
}

/// Takes hold of a notice that is due, if there is one.
///
/// # Errors
/// When the store fails.
pub async fn take_due(app: &App) -> Result<Option<Notice>> {
    let now = app.clock.now();
    for id in store::logout_notice::list_due(&app.db, now).await? {
        let holder = app.new_token_id().to_string();
        let mut tx = app.db.write().await?;
        // Other replicas look at the same list.
        if let Some(notice) = store::logout_notice::lease(&mut tx, &id, &holder, now + LEASE, now).await? {
            tx.commit().await?;
            return Ok(Some(notice));
        }
    }
    Ok(None)
}

/// What became of an attempt.
enum Outcome {
    Gone(&'static str),
    Deferred(String),
}

/// Tells a relying party, gives it up, or puts the notice back for later.
///
/// # Errors
/// When the store fails; the notice is then free again when its lease has run out.
pub async fn tell(app: &App, notice: &Notice) -> Result<()> {
    let outcome = attempt(app, notice).await;
    let mut tx = app.db.write().await?;
    let pause = usize::try_from(notice.attempts).ok().and_then(|attempt| PAUSES.get(attempt));
    let result = match (outcome, pause) {
        (Outcome::Gone(result), _) => {
            store::logout_notice::delete(&mut tx, &notice.id, &notice.holder).await?;
            result
        }
        (Outcome::Deferred(why), Some(pause)) => {
            tracing::warn!(client = %notice.client_id, attempts = notice.attempts, why, "a logout notice has to wait");
            let run_at = app.clock.now() + pause;
            store::logout_notice::retry_at(&mut tx, &notice.id, &notice.holder, run_at, &why).await?;
            "deferred"
        }
        (Outcome::Deferred(why), None) => {
            tracing::warn!(client = %notice.client_id, why, "a relying party does not take a logout notice; it is dropped");
            store::logout_notice::delete(&mut tx, &notice.id, &notice.holder).await?;
            "given_up"
        }
    };
    tx.commit().await?;
    metrics::counter!("keymaker_logout_notices_total", "result" => result).increment(1);
    Ok(())
}

async fn attempt(app: &App, notice: &Notice) -> Outcome {
    let client = match store::client::find(&app.db, &notice.client_id).await {
        Ok(client) => client,
        Err(error) => return Outcome::Deferred(error.to_string()),
    };
    // It was disabled, or wants to hear nothing any more.
    let uri = client.as_ref().and_then(|client| client.metadata.backchannel_logout_uri.as_deref());
    let (Some(client), Some(uri)) = (&client, uri) else { return Outcome::Gone("unwanted") };
    let token = match logout_token(app, client, notice).await {
        Ok(token) => token,
        Err(error) => return Outcome::Deferred(error.to_string()),
    };
    // BCO-03: redirects are answers like any other that is no success.
    match app.guarded.post_form(uri, &[("logout_token", token.as_str())]).await {
        Ok(answer) if matches!(answer.status.as_u16(), 200 | 204) => {
            tracing::info!(client = %client.id, attempts = notice.attempts, "a relying party was told of a logout");
            Outcome::Gone("told")
        }
        Ok(answer) if answer.status.as_u16() == 400 => {
            tracing::warn!(client = %client.id, "a relying party refuses a logout token; it is dropped");
            Outcome::Gone("refused")
        }
        Ok(answer) => Outcome::Deferred(format!("the answer was {}", answer.status.as_u16())),
        Err(error) => Outcome::Deferred(error.to_string()),
    }
}

/// Made when it is sent: a token that waited would be too old to count (BCO-02).
async fn logout_token(app: &App, client: &Client, notice: &Notice) -> Result<String> {
    let parties = Parties { issuer: app.config.http.issuer().as_str(), client_id: client.id.as_str() };
    // A relying party that hears the same notice twice knows it by its name.
    let (jti, sid) = (notice.id.as_str(), notice.sid.as_ref().map(SessionId::as_str));
    let claims = logout_token::Claims::new(&parties, jti, notice.user_id.as_str(), sid, app.clock.now());
    app.keys.sign(app, client.metadata.id_token_alg(), logout_token::TYP, &claims).await
}
