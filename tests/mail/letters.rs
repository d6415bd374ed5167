//! What stands in mails: in both languages, as text and as HTML, with links that lead to us and nowhere else.

use keymaker::{
    clock::SECOND,
    domain::event::Event,
    flows::mail::{LetterKind, Notice},
    language::Language,
};

use super::server;
use crate::support::{
    Server,
    smtp::{Received, SmtpSink},
};

const CODE: &str = "271828182";
const TOKEN: &str = "a-token-of-a-recovery-link-18";

fn code() -> LetterKind {
    LetterKind::VerificationCode { code: CODE.to_owned(), expires_minutes: 10 }
}

fn recovery(server: &Server) -> LetterKind {
    LetterKind::RecoveryLink { link: format!("{}recover/{TOKEN}", server.base), expires_minutes: 30 }
}

fn notice(event: Event) -> LetterKind {
    LetterKind::Notice(Box::new(Notice {
        account: "@alice:chat.example".to_owned(),
        event,
        at: 1_790_000_000 * SECOND,
        user_agent: Some(super::FIREFOX.to_owned()),
        ip: Some("192.0.2.7".to_owned()),
    }))
}

async fn write(sink: &SmtpSink, server: &Server, to: &str, language: Language, kind: LetterKind) -> Received {
    server.write(to, language, kind).await;
    sink.mail_to(to).await
}

/// INV-10, and the promise of the page: nothing is loaded, nobody is followed.
fn assert_harmless(server: &Server, mail: &Received) {
    let html = mail.html();
    for mark in ["<img", "<script", "<link", "src=", "url(", "@import", "http://", "https://", "//"] {
        let own = html.replace(&server.base, "").replace(&format!("https://matrix.to/{}", server.base), "");
        assert!(!own.contains(mark), "{mark} in {html}");
    }
    assert!(html.contains("name=\"viewport\"") && html.contains("color-scheme"), "{html}");
    assert!(mail.raw.is_ascii(), "it passes through every server");
    assert!(mail.raw.lines().all(|line| line.len() <= 998), "RFC 5322 §2.1.1");
    assert_eq!(mail.header("Auto-Submitted").as_deref(), Some("auto-generated"));
    assert!(mail.header("Date").is_some() && mail.header("Message-ID").is_some());
    assert_eq!(mail.header("From").as_deref(), Some("\"The chat\" <no-reply@chat.example>"));
    assert_eq!(mail.header("To").as_deref(), Some(mail.to[0].as_str()));
}

#[tokio::test]
async fn each_mail_says_in_the_readers_language_what_happened_and_what_to_do() {
    let sink = SmtpSink::start();
    let server = Server::setup().mail(&sink).with("branding.service_name", "Chat & <Co>").start().await;
    server.audit.secret(CODE);
    server.audit.secret(TOKEN);
    let account = format!("{}account/", server.base);
    let added = || notice(Event::PasskeyAdded { name: "Ma clé <3".to_owned() });
    type Row<'a> = (&'a str, Language, LetterKind, &'a str, Vec<&'a str>);
    let recovery_link = format!("{}recover/{TOKEN}", server.base);
    let login = format!("{}login", server.base);
    let table: Vec<Row<'_>> = vec![
        (
            "e1",
            Language::English,
            code(),
            "Confirm your e-mail address",
            vec![CODE, "for 10 minutes", "not ask for it"],
        ),
        (
            "f1",
            Language::French,
            code(),
            "Confirmez votre adresse e-mail",
            vec![CODE, "pendant 10 minutes", "personne"],
        ),
        ("e2", Language::English, LetterKind::AddressTaken, "You have an account already", vec![&login, "nothing was"]),
        ("f2", Language::French, LetterKind::AddressTaken, "Vous avez déjà un compte", vec![&login, "rien n’a été"]),
        ("e3", Language::English, recovery(&server), "Get back into your account", vec![&recovery_link, "30 minutes"]),
        ("f3", Language::French, recovery(&server), "Retrouvez l’accès", vec![&recovery_link, "30 minutes"]),
        (
            "e4",
            Language::English,
            added(),
            "A passkey was added",
            vec![
                "Ma clé",
                "21 September 2026, 14:13 UTC",
                "Firefox on Linux",
                "192.0.2.7",
                "@alice:chat.example",
                &account,
                "If it was not you",
            ],
        ),
        (
            "f4",
            Language::French,
            added(),
            "Une clé d’accès a été ajoutée",
            vec![
                "Ma clé",
                "21 septembre 2026, 14:13 UTC",
                "Firefox sous Linux",
                "192.0.2.7",
                &account,
                "Si ce n’était pas vous",
            ],
        ),
    ];
    for (name, language, kind, heading, says) in table {
        let mail = write(&sink, &server, &format!("{name}@example.com"), language, kind).await;
        assert_harmless(&server, &mail);
        assert!(mail.subject().starts_with("Chat & <Co>"), "{}", mail.subject());
        assert!(mail.subject().contains(heading), "{}", mail.subject());
        assert!(!mail.subject().contains(CODE), "servers log subjects");
        assert_eq!(mail.header("Content-Language").as_deref(), Some(language.tag()));
        let (text, html) = (mail.text(), mail.html());
        assert!(text.starts_with(heading), "{text}");
        assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())), "{html}");
        for words in says {
            assert!(text.contains(words), "no {words:?} in {text}");
            assert!(html.contains(words), "no {words:?} in {html}");
        }
        assert!(!html.contains("<Co>") && !html.contains("<3"), "somebody's text is no markup: {html}");
        assert!(!text.contains("&#") && !text.contains("&amp;"), "text is text: {text}");
        assert!(text.lines().all(|line| !line.starts_with("<")) && !text.contains("\n\n\n"), "{text}");
    }
}

#[tokio::test]
async fn every_event_has_a_mail_of_its_own() {
    let (sink, server) = server().await;
    let name = || Some("Element".to_owned());
    let events = [
        (Event::NewBrowserSignedIn, "with a new browser"),
        (Event::NewAppSignedIn { name: name() }, "App: Element"),
        (Event::WrongSecondFactor, "knows your password"),
        (Event::RefreshTokenReplayed { name: name() }, "may have been stolen"),
        (Event::LoginReplayed { name: None }, "may have been stolen"),
        (Event::PasswordChanged, "The password was changed"),
        (Event::PasswordRemoved, "The password was removed"),
        (Event::PasskeyRemoved { name: "Key".to_owned() }, "Passkey: Key"),
        (Event::PasskeyCounterRegressed { name: "Key".to_owned() }, "counter went backwards"),
        (Event::TotpAdded, "An authenticator app was added"),
        (Event::TotpRemoved, "The authenticator app was removed"),
        (Event::RecoveryCodesMade, "New recovery codes"),
        (Event::RecoveryCodeUsed, "A recovery code was used"),
        (Event::SecondFactorRequired, "now takes a second factor"),
        (Event::SecondFactorNoLongerRequired, "no longer takes"),
        (Event::EmailAdded { address: "new@example.com".to_owned() }, "E-mail address: new@example.com"),
        (Event::EmailRemoved { address: "old@example.com".to_owned() }, "E-mail address: old@example.com"),
        (Event::RecoveredByEmail, "recovered by e-mail"),
        (Event::CrossSigningReset, "reset of the cryptographic identity"),
        (Event::Deactivated, "ask those who run"),
    ];
    let mut subjects = std::collections::BTreeSet::new();
    for (number, (event, words)) in events.into_iter().enumerate() {
        let is_open = event != Event::Deactivated;
        let to = format!("event{number}@example.com");
        let mail = write(&sink, &server, &to, Language::English, notice(event)).await;
        assert_harmless(&server, &mail);
        assert!(mail.text().contains(words), "no {words:?} in {}", mail.text());
        assert_eq!(mail.text().contains("/account/"), is_open, "{}", mail.text());
        subjects.insert(mail.subject());
    }
    assert_eq!(subjects.len(), 20, "{subjects:?}");
}

#[tokio::test]
async fn a_name_that_would_be_a_link_is_not_in_a_mail() {
    // A stranger who knows a password must not write to its owner in our name.
    let (sink, server) = server().await;
    let name = "Your account is blocked, go to https://evil.example/".to_owned();
    let event = Event::NewAppSignedIn { name: Some(name) };
    let mail = write(&sink, &server, "careful@example.com", Language::English, notice(event)).await;
    assert!(!mail.text().contains("evil") && !mail.html().contains("evil"), "{}", mail.text());
}

#[tokio::test]
async fn a_dump_of_the_database_tells_neither_who_gets_a_mail_nor_what_it_says() {
    // INV-03: while the mail waits. The audit of the server compares the dump with these.
    let (sink, server) = server().await;
    sink.always(Some(crate::support::smtp::Fault::Refuse));
    for secret in ["secretive@example.com", CODE, TOKEN] {
        server.audit.secret(secret);
    }
    server.write("secretive@example.com", Language::English, code()).await;
    server.write("secretive@example.com", Language::English, recovery(&server)).await;
    assert_eq!(server.waiting_mails().await, 2);
    drop(server);
}
