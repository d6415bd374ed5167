//! What each mail says, as text and as HTML, in the reader's language. Links lead to the configured address and nowhere
//! else (INV-10); nothing is loaded from anywhere.

use askama::Template;
use i18n_embed_fl::fl;

use crate::{
    app::App,
    domain::event::Event,
    error::{Error, Result},
    flows::{
        event::words::{origin, subject, title},
        mail::{LetterKind, Notice},
    },
    language::Language,
};

/// A mail that is written.
pub struct Written {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// A mail from its head to its foot.
struct Words {
    language: Language,
    service: String,
    heading: String,
    blocks: Vec<Block>,
    why: String,
}

/// What stands between head and foot.
enum Block {
    Sentence(String),
    Code(String),
    /// Names of facts, and the facts: the names are ours, and some facts are other people's text.
    Facts(Vec<(String, String)>),
    /// What it says on the link, and where it leads.
    Link(String, String),
}

impl Words {
    fn line(&self, name: &str, fact: &str) -> String {
        fl!(self.language.loader(), "mail-fact", name = name, fact = fact)
    }
}

#[derive(Template)]
#[template(path = "mail/mail.html")]
struct Html<'a> {
    mail: &'a Words,
}

#[derive(Template)]
#[template(path = "mail/mail.txt")]
struct Text<'a> {
    mail: &'a Words,
}

/// Writes a mail.
///
/// # Errors
/// When a template cannot be rendered.
pub fn write(app: &App, language: Language, kind: &LetterKind) -> Result<Written> {
    let messages = language.loader();
    let service = app.config.branding.service_name.as_deref().unwrap_or_else(|| app.server_name());
    let (heading, blocks) = match kind {
        LetterKind::VerificationCode { code, expires_minutes } => verification(language, code, *expires_minutes),
        LetterKind::AddressTaken => address_taken(language, service, page(app, "login")?),
        LetterKind::RecoveryLink { link, expires_minutes } => recovery(language, service, link, *expires_minutes),
        LetterKind::ApprovalRequired { account, email, ip } => {
            approval_required(language, account, email.as_deref(), ip.as_deref())
        }
        LetterKind::Approved { account } => approved(language, service, account, page(app, "login")?),
        LetterKind::Rejected { account, reason } => rejected(language, service, account, reason.as_deref()),
        LetterKind::Notice(notice) => about(language, service, notice, page(app, "account/")?),
    };
    let subject = fl!(messages, "mail-subject", service = service, heading = heading.as_str());
    let why = fl!(messages, "mail-why", service = service);
    let mail = &Words { language, service: service.to_owned(), heading, blocks, why };
    let failed = |_| Error::Internal("a mail cannot be rendered");
    Ok(Written {
        subject,
        text: Text { mail }.render().map_err(failed)?,
        html: Html { mail }.render().map_err(failed)?,
    })
}

fn verification(language: Language, code: &str, minutes: i64) -> (String, Vec<Block>) {
    let messages = language.loader();
    let blocks = vec![
        Block::Sentence(fl!(messages, "mail-verification-lead")),
        Block::Code(code.to_owned()),
        Block::Sentence(fl!(messages, "mail-verification-good", minutes = minutes)),
        Block::Sentence(fl!(messages, "mail-verification-not-you")),
    ];
    (fl!(messages, "mail-verification-heading"), blocks)
}

fn address_taken(language: Language, service: &str, login: String) -> (String, Vec<Block>) {
    let messages = language.loader();
    let blocks = vec![
        Block::Sentence(fl!(messages, "mail-taken-lead", service = service)),
        Block::Sentence(fl!(messages, "mail-taken-you")),
        Block::Link(fl!(messages, "mail-taken-link"), login),
        Block::Sentence(fl!(messages, "mail-taken-not-you")),
    ];
    (fl!(messages, "mail-taken-heading"), blocks)
}

fn recovery(language: Language, service: &str, link: &str, minutes: i64) -> (String, Vec<Block>) {
    let messages = language.loader();
    let blocks = vec![
        Block::Sentence(fl!(messages, "mail-recovery-lead", service = service)),
        Block::Link(fl!(messages, "mail-recovery-link"), link.to_owned()),
        Block::Sentence(fl!(messages, "mail-recovery-good", minutes = minutes)),
        Block::Sentence(fl!(messages, "mail-recovery-not-you")),
    ];
    (fl!(messages, "mail-recovery-heading"), blocks)
}

fn approval_required(language: Language, account: &str, email: Option<&str>, ip: Option<&str>) -> (String, Vec<Block>) {
    let messages = language.loader();
    let mut facts = vec![(fl!(messages, "mail-notice-account"), account.to_owned())];
    facts.extend(email.map(|email| (fl!(messages, "event-subject-email"), email.to_owned())));
    facts.extend(ip.map(|ip| (fl!(messages, "mail-notice-ip"), ip.to_owned())));
    let blocks = vec![
        Block::Facts(facts),
        Block::Sentence(fl!(messages, "mail-approval-how")),
        Block::Facts(vec![
            (fl!(messages, "mail-approval-approve"), format!("keymaker manage approve-user {account}")),
            (fl!(messages, "mail-approval-reject"), format!("keymaker manage reject-user {account}")),
        ]),
    ];
    (fl!(messages, "mail-approval-heading"), blocks)
}

fn approved(language: Language, service: &str, account: &str, login: String) -> (String, Vec<Block>) {
    let messages = language.loader();
    let blocks = vec![
        Block::Sentence(fl!(messages, "mail-approved-lead", service = service)),
        Block::Facts(vec![(fl!(messages, "mail-notice-account"), account.to_owned())]),
        Block::Link(fl!(messages, "mail-approved-link"), login),
    ];
    (fl!(messages, "mail-approved-heading"), blocks)
}

fn rejected(language: Language, service: &str, account: &str, reason: Option<&str>) -> (String, Vec<Block>) {
    let messages = language.loader();
    let mut blocks = vec![
        Block::Sentence(fl!(messages, "mail-rejected-lead", service = service)),
        Block::Facts(vec![(fl!(messages, "mail-notice-account"), account.to_owned())]),
    ];
    blocks.extend(reason.map(|reason| Block::Sentence(fl!(messages, "mail-rejected-reason", reason = reason))));
    blocks.push(Block::Sentence(fl!(messages, "mail-rejected-again")));
    (fl!(messages, "mail-rejected-heading"), blocks)
}

fn about(language: Language, service: &str, notice: &Notice, account: String) -> (String, Vec<Block>) {
    let mut blocks = vec![Block::Facts(facts(notice, language))];
    blocks.extend(advice(&notice.event, language, service).into_iter().map(Block::Sentence));
    // Nobody signs in to a deactivated account.
    if notice.event != Event::Deactivated {
        blocks.push(Block::Link(fl!(language.loader(), "mail-notice-link"), account));
    }
    (title(&notice.event, language), blocks)
}

fn facts(notice: &Notice, language: Language) -> Vec<(String, String)> {
    let messages = language.loader();
    let (user_agent, ip) = (notice.user_agent.as_deref(), notice.ip.as_deref());
    let mut facts = vec![(fl!(messages, "mail-notice-account"), notice.account.clone())];
    facts.extend(subject(&notice.event, language).and_then(|(what, name)| Some((what, tame(name)?))));
    facts.push((fl!(messages, "mail-notice-when"), language.moment(notice.at)));
    facts.push((fl!(messages, "mail-notice-where"), origin(user_agent, ip, language)));
    facts.extend(ip.map(|ip| (fl!(messages, "mail-notice-ip"), ip.to_owned())));
    facts
}

fn advice(event: &Event, language: Language, service: &str) -> Vec<String> {
    let messages = language.loader();
    let you = || fl!(messages, "mail-notice-you");
    match event {
        Event::WrongSecondFactor => vec![fl!(messages, "mail-notice-factor")],
        Event::RefreshTokenReplayed { .. } | Event::LoginReplayed { .. } => {
            vec![fl!(messages, "mail-notice-replayed")]
        }
        Event::PasskeyCounterRegressed { .. } => vec![fl!(messages, "mail-notice-copied")],
        Event::Deactivated => vec![you(), fl!(messages, "mail-notice-deactivated", service = service)],
        _ => vec![you(), fl!(messages, "mail-notice-not-you")],
    }
}

fn page(app: &App, path: &str) -> Result<String> {
    let url = app.config.http.public_base.join(path).map_err(|_| Error::Internal("the public base has no pages"))?;
    Ok(url.into())
}

/// Names are what apps and strangers choose: one that would be a link in the eyes of a mail program is left out.
fn tame(name: &str) -> Option<String> {
    const MOST_CHARS: usize = 64;
    let lower = name.to_lowercase();
    let is_link = ["://", "www.", "mailto:"].iter().any(|mark| lower.contains(mark));
    (!is_link && !name.chars().any(char::is_control)).then(|| name.chars().take(MOST_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_a_link_is_left_out() {
        for (name, expected) in [
            ("Element", Some("Element")),
            ("app.element.io: Firefox on Linux", Some("app.element.io: Firefox on Linux")),
            ("Your account is blocked: HTTPS://evil.example", None),
            ("go to WWW.evil.example", None),
            ("two\nlines", None),
        ] {
            assert_eq!(tame(name).as_deref(), expected);
        }
        assert_eq!(tame(&"é".repeat(400)).map(|name| name.chars().count()), Some(64));
    }
}
