//! Accounts that wait for an administrator: whoever signed up hears of the answer by mail, and until it is yes neither a session
//! nor the homeserver knows of the account (INV-05: `login::check_account` and `store::user::hold_for_session` ask).

use crate::{
    app::App,
    clock::HOUR,
    domain::{
        event::Event,
        user::{User, mxid},
    },
    error::Result,
    flows::{
        Caller, event,
        homeserver::{self, Job},
        mail::{self, Letter, LetterKind},
        manage, register,
    },
    language::Language,
    store::{self, approval::Waiting, db::Tx},
};

/// How many mails administrators get within an hour: a flood of sign-ups is no flood of mails.
const MOST_TOLD: i64 = 10;

/// Notes, in the transaction that inserts an account, that it waits, and tells whom the configuration names.
///
/// # Errors
/// When the store fails.
pub async fn ask_in(app: &App, tx: &mut Tx, user: &User, email: Option<&str>, caller: &Caller) -> Result<()> {
    store::approval::set_language(tx, &user.id, caller.language.tag()).await?;
    event::record(app, tx, &user.id, Event::ApprovalRequired, caller).await?;
    if store::approval::count_since(tx, app.clock.now() - HOUR).await? > MOST_TOLD {
        return Ok(());
    }
    for administrator in &app.config.account.registration_approval_notify {
        let kind = LetterKind::ApprovalRequired {
            account: user.mxid(app.server_name()),
            email: email.map(str::to_owned),
            ip: caller.ip.clone(),
        };
        // Nobody knows what languages administrators read.
        let letter = Letter { to: administrator.email.as_ref(), language: Language::default(), kind };
        mail::enqueue(app, tx, &letter).await?;
    }
    Ok(())
}

/// Lists who waits, the longest first.
///
/// # Errors
/// When the store fails.
pub async fn list(app: &App) -> Result<Vec<Waiting>> {
    Ok(store::approval::list(&app.db).await?)
}

/// Approves an account: the homeserver gets it, and the person is told; false when it does not wait, or no longer.
///
/// # Errors
/// `NotFound` when there is no such account; `Username` when the homeserver gave the name away meanwhile, and
/// `HomeserverUnavailable` when it cannot say: then the account goes on waiting.
pub async fn approve(app: &App, username: &str) -> Result<(User, bool)> {
    let user = manage::find(app, username).await?;
    if user.approval_required_at.is_none() {
        return Ok((user, false));
    }
    register::check_localpart(app, &user.username).await?;
    let mut tx = app.db.write().await?;
    let has_changed = store::approval::approve(&mut tx, &user.id).await?;
    if has_changed {
        let job = Job::ProvisionUser { display_name: user.display_name.clone() };
        homeserver::enqueue(app, &mut tx, &user.id, &job).await?;
        event::record(app, &mut tx, &user.id, Event::Approved, &Caller::default()).await?;
        tell(app, &mut tx, &user, None).await?;
    }
    tx.commit().await?;
    Ok((user, has_changed))
}

/// Rejects an account: it is gone, its name is free again, and the person is told, with the reason if there is one. False when
/// it does not wait, or no longer.
///
/// # Errors
/// `NotFound` when there is no such account.
pub async fn reject(app: &App, username: &str, reason: Option<&str>) -> Result<(User, bool)> {
    let user = manage::find(app, username).await?;
    let mut tx = app.db.write().await?;
    let has_changed = store::approval::hold(&mut tx, &user.id).await?;
    if has_changed {
        tell(app, &mut tx, &user, Some(reason)).await?;
        store::user::delete_unused(&mut tx, &user.id).await?;
        tracing::info!(user = %user.id, "an account that waited was rejected");
    }
    tx.commit().await?;
    Ok((user, has_changed))
}

/// Writes to every confirmed address of somebody who waited: yes, or no with or without a reason.
async fn tell(app: &App, tx: &mut Tx, user: &User, rejected: Option<Option<&str>>) -> Result<()> {
    let tag = store::approval::find_language(tx, &user.id).await?.unwrap_or_default();
    let language = Language::ALL.into_iter().find(|language| language.tag() == tag).unwrap_or_default();
    for listener in store::event::list_listeners(tx, &user.id).await? {
        let Some(address) = listener.email else { continue };
        let account = mxid(&user.username, app.server_name());
        let kind = match rejected {
            None => LetterKind::Approved { account },
            Some(reason) => LetterKind::Rejected { account, reason: reason.map(str::to_owned) },
        };
        mail::enqueue(app, tx, &Letter { to: &address, language, kind }).await?;
    }
    Ok(())
}
