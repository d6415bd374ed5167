//! Writing down what happens on an account, and telling its owner of what may have been somebody else (spec WEB-17).

pub mod words;

use crate::{
    app::App,
    clock::DAY,
    domain::{
        client::ClientMetadata,
        event::Event,
        id::{EventId, SessionId, UserId},
        user::mxid,
        user_agent::Program,
    },
    error::Result,
    flows::{
        Caller,
        mail::{self, Letter, LetterKind, Notice},
    },
    store::{self, db::Tx, event::NewEvent},
};

/// How long events are kept.
pub const EVENT_LIFE: i64 = 365 * DAY;
/// How many stand on one page.
const PAGE: usize = 50;
/// How long a browser is known after the last sign-in.
const BROWSER_MEMORY: i64 = 365 * DAY;

/// Writes an event in the transaction of what happened, and the mails that tell of it to every confirmed address. Who called
/// is where it happened; an address that was removed hears of its removal too.
///
/// # Errors
/// When the store fails.
pub async fn record(app: &App, tx: &mut Tx, user: &UserId, event: Event, caller: &Caller) -> Result<()> {
    let now = app.clock.now();
    let new = NewEvent {
        id: &app.new_event_id(),
        user,
        kind: event.kind(),
        subject: event.subject(),
        ip: caller.ip.as_deref(),
        user_agent: caller.user_agent.as_deref(),
        now,
    };
    store::event::insert(tx, new).await?;
    match event.most_mails().filter(|_| app.mail.is_available()) {
        Some((most, within)) if store::event::count_since(tx, user, event.kind(), now - within).await? <= most => {
            notify(app, tx, user, event, caller, now).await
        }
        _ => Ok(()),
    }
}

async fn notify(app: &App, tx: &mut Tx, user: &UserId, event: Event, caller: &Caller, at: i64) -> Result<()> {
    let listeners = store::event::list_listeners(tx, user).await?;
    let Some(username) = listeners.first().map(|listener| listener.username.clone()) else { return Ok(()) };
    let mut addresses: Vec<String> = listeners.into_iter().filter_map(|listener| listener.email).collect();
    if let Event::EmailRemoved { address } = &event
        && !addresses.contains(address)
    {
        addresses.push(address.clone());
    }
    for address in addresses {
        let notice = Notice {
            account: mxid(&username, app.server_name()),
            event: event.clone(),
            at,
            user_agent: caller.user_agent.clone(),
            ip: caller.ip.clone(),
        };
        let letter = Letter { to: &address, language: caller.language, kind: LetterKind::Notice(Box::new(notice)) };
        mail::enqueue(app, tx, &letter).await?;
    }
    Ok(())
}

/// Tells which sign-in this is: one in a browser of a kind that the account used within the last year or was created in, or
/// one in another. A new version of a browser is no new browser.
///
/// # Errors
/// When the store fails.
pub async fn sign_in(app: &App, user: &UserId, caller: &Caller) -> Result<Event> {
    let program = |user_agent: &Option<String>| user_agent.as_deref().map(Program::of);
    let since = app.clock.now() - BROWSER_MEMORY;
    let known = store::session::list_browsers(&app.db, user, since).await?;
    let is_known = known.iter().any(|user_agent| program(user_agent) == program(&caller.user_agent));
    Ok(if is_known { Event::SignedIn } else { Event::NewBrowserSignedIn })
}

/// Gives what the app of a session calls itself.
///
/// # Errors
/// When the store fails.
pub async fn app_name(app: &App, session: &SessionId, caller: &Caller) -> Result<Option<String>> {
    let Some((metadata, device_name)) = store::session::find_application(&app.db, session).await? else {
        return Ok(None);
    };
    let metadata: Option<ClientMetadata> = metadata.and_then(|metadata| serde_json::from_str(&metadata).ok());
    let name = metadata.and_then(|metadata| metadata.name(&[caller.language.tag()]).map(str::to_owned));
    Ok(name.or(device_name))
}

/// Something that happened, as its owner reads it.
pub struct Listed {
    pub event: Event,
    pub at: i64,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
}

/// Lists a page of what happened, the newest first, from behind one event on; and the event behind which there is more.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App, user: &UserId, behind: Option<EventId>) -> Result<(Vec<Listed>, Option<EventId>)> {
    // No ULID begins with an 8.
    let behind = behind.unwrap_or_else(|| EventId::new("8"));
    let mut rows = store::event::list_before(&app.db, user, &behind, PAGE as i64 + 1).await?;
    let has_more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let last = rows.last().filter(|_| has_more).map(|row| row.id.clone());
    let listed = rows.into_iter().filter_map(|row| {
        let event = Event::read(&row.kind, row.subject)?;
        Some(Listed { event, at: row.created_at, ip: row.ip, user_agent: row.user_agent })
    });
    Ok((listed.collect(), last))
}
