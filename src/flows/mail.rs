//! Mail: a letter is written down, sealed, in the transaction of what it tells, and sent afterwards by a worker.
//!
//! A row of the queue is held by one worker at a time and gone when the mail is on its way. Should a process die between
//! the server's word and that, the mail goes out once more, under the same Message-ID.

mod words;

use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    clock::{DAY, HOUR, MINUTE, SECOND},
    domain::{event::Event, id::MailId},
    error::{Error, Result},
    language::Language,
    remote::mail::{Mail, MailError},
    store::{self, db::Tx, mail::NewMail},
};

/// Longer than any attempt takes; it ends early unless the process dies.
const LEASE: i64 = 2 * MINUTE;
/// How long a notice is worth reading.
const NOTICE_LIFE: i64 = 3 * DAY;
/// What lies between attempts; the last one is repeated.
const PAUSES: [i64; 5] = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR];

/// A mail as a flow writes it.
#[derive(Serialize)]
pub struct Letter<'a> {
    pub to: &'a str,
    pub language: Language,
    pub kind: LetterKind,
}

/// What a mail is about.
#[derive(Serialize, Deserialize)]
pub enum LetterKind {
    /// The code that shows that an address belongs to somebody.
    VerificationCode { code: String, expires_minutes: i64 },
    /// Somebody gave an address for a new account, or for another one, that belongs to an account already (RTL-05).
    AddressTaken,
    /// The way in after a forgotten password: the whole address of a page.
    RecoveryLink { link: String, expires_minutes: i64 },
    /// An account waits for an administrator, who reads this.
    ApprovalRequired { account: String, email: Option<String>, ip: Option<String> },
    /// An administrator said yes to an account, …
    Approved { account: String },
    /// … or no, and perhaps why.
    Rejected { account: String, reason: Option<String> },
    /// Something happened on an account.
    Notice(Box<Notice>),
}

/// What happened, where, and from where.
#[derive(Serialize, Deserialize)]
pub struct Notice {
    /// The Matrix ID: somebody may have several accounts.
    pub account: String,
    pub event: Event,
    pub at: i64,
    pub user_agent: Option<String>,
    pub ip: Option<String>,
}

impl LetterKind {
    /// Gives how long anybody wants to read it.
    fn life(&self) -> i64 {
        match self {
            Self::VerificationCode { expires_minutes, .. } | Self::RecoveryLink { expires_minutes, .. } => {
                expires_minutes * MINUTE
            }
            Self::AddressTaken
            | Self::ApprovalRequired { .. }
            | Self::Approved { .. }
            | Self::Rejected { .. }
            | Self::Notice(_) => NOTICE_LIFE,
        }
    }
}

/// A letter as it comes out of the queue.
#[derive(Deserialize)]
struct Sealed {
    to: String,
    language: Language,
    kind: LetterKind,
}

/// Writes a letter in the transaction of what it tells; nothing where mail is switched off.
///
/// # Errors
/// When the store fails.
pub async fn enqueue(app: &App, tx: &mut Tx, letter: &Letter<'_>) -> Result<()> {
    if !app.mail.is_available() {
        return Ok(());
    }
    let (id, now) = (app.new_mail_id(), app.clock.now());
    // INV-03: a dump of the database shows neither codes and links nor who gets them.
    let content = serde_json::to_vec(letter).ok().and_then(|letter| app.sealer.seal(&context(&id), &letter));
    let content = content.ok_or(Error::Internal("a mail cannot be sealed"))?;
    let expires_at = now + letter.kind.life();
    store::mail::insert(tx, NewMail { id: &id, content, expires_at, now }).await?;
    // The worker may look before the commit; it looks again soon.
    app.mails.notify_one();
    Ok(())
}

/// Gives what the seal of a mail belongs to.
pub fn context(id: &MailId) -> String {
    format!("mail {id}")
}

/// Takes hold of a mail that is due, if there is one.
///
/// # Errors
/// When the store fails.
pub async fn take_due(app: &App) -> Result<Option<store::mail::Mail>> {
    let now = app.clock.now();
    for id in store::mail::list_due(&app.db, now).await? {
        let holder = app.new_token_id().to_string();
        let mut tx = app.db.write().await?;
        // Other workers and replicas look at the same list.
        if let Some(mail) = store::mail::lease(&mut tx, &id, &holder, now + LEASE, now).await? {
            tx.commit().await?;
            return Ok(Some(mail));
        }
    }
    Ok(None)
}

/// What became of an attempt.
enum Outcome {
    Gone(&'static str),
    Deferred(String),
}

/// Sends a mail that was taken hold of, gives it up, or puts it back for later.
///
/// # Errors
/// When the store fails; the mail is then free again when its lease has run out.
pub async fn send(app: &App, mail: &store::mail::Mail) -> Result<()> {
    let outcome = attempt(app, mail).await;
    let mut tx = app.db.write().await?;
    let result = match outcome {
        Outcome::Gone(result) => {
            store::mail::delete(&mut tx, &mail.id, &mail.holder).await?;
            result
        }
        Outcome::Deferred(error) => {
            let pause = usize::try_from(mail.attempts).ok().and_then(|attempt| PAUSES.get(attempt));
            // When it expires it is looked at once more, to be dropped.
            let run_at = (app.clock.now() + pause.copied().unwrap_or(HOUR)).min(mail.expires_at);
            store::mail::retry_at(&mut tx, &mail.id, &mail.holder, run_at, &error).await?;
            "deferred"
        }
    };
    tx.commit().await?;
    metrics::counter!("keymaker_mails_total", "result" => result).increment(1);
    Ok(())
}

/// The log names neither the recipient nor what is in the mail.
async fn attempt(app: &App, mail: &store::mail::Mail) -> Outcome {
    let (id, attempts) = (&mail.id, mail.attempts);
    if mail.expires_at <= app.clock.now() {
        tracing::warn!(mail = %id, attempts, "a mail could not be sent in time; it is dropped");
        return Outcome::Gone("expired");
    }
    let opened = app.sealer.open(&context(id), &mail.content);
    let Some(letter) = opened.and_then(|letter| serde_json::from_slice::<Sealed>(&letter).ok()) else {
        tracing::error!(mail = %id, "a mail was sealed under another key, or by another version; it is dropped");
        return Outcome::Gone("unreadable");
    };
    let Ok(written) = words::write(app, letter.language, &letter.kind) else {
        tracing::error!(mail = %id, "a mail cannot be written; it is dropped");
        return Outcome::Gone("unreadable");
    };
    let outgoing = Mail {
        id,
        to: &letter.to,
        language: letter.language,
        subject: written.subject,
        text: written.text,
        html: written.html,
        written_at: mail.created_at,
    };
    match app.mail.send(&outgoing).await {
        Ok(()) => {
            tracing::info!(mail = %id, attempts, "a mail is on its way");
            Outcome::Gone("sent")
        }
        Err(MailError::Refused(why)) => {
            tracing::warn!(mail = %id, attempts, why, "a mail is refused for good; it is dropped");
            Outcome::Gone("refused")
        }
        Err(MailError::Unsent(why)) => {
            tracing::warn!(mail = %id, attempts, why, "a mail has to wait");
            Outcome::Deferred(why)
        }
    }
}
