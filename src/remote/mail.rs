//! Handing mails over to whatever carries them on (RFC 5321): a mail server, a program of this machine, or a folder. One
//! connection a mail: they are few, and a connection that is kept for later is one that hangs up meanwhile.
//!
//! What went wrong is told without what servers say in words: that names the recipient.

use std::{
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use lettre::{
    Address, AsyncSendmailTransport, AsyncTransport, Message, Tokio1Executor,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::{
        sendmail,
        smtp::{
            self,
            authentication::{Credentials, Mechanism},
            client::{AsyncSmtpConnection, TlsParameters},
            commands::{Data, Mail as MailFrom, Rcpt},
            extension::{ClientId, Extension, MailBodyParameter, MailParameter},
        },
    },
};
use thiserror::Error;
use tokio::time::{Instant, timeout, timeout_at};

use crate::{
    config::{Email, MailMode, MailTransport, Sensitive},
    domain::id::MailId,
    language::Language,
};

/// How long a mail may take, from the connection to the server's word that it has it.
const LIMIT: Duration = Duration::from_secs(30);
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long the farewell may take, on which nothing depends.
const PARTING: Duration = Duration::from_secs(2);

/// A mail as it goes out.
pub struct Mail<'a> {
    /// Names the mail, also when it goes out a second time: whoever gets both can tell.
    pub id: &'a MailId,
    pub to: &'a str,
    pub language: Language,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// In Unix milliseconds.
    pub written_at: i64,
}

/// Why a mail did not go out. It says nothing about what is in it, nor to whom it goes.
#[derive(Debug, Error)]
pub enum MailError {
    /// Another attempt would end the same way.
    #[error("{0}")]
    Refused(String),
    /// It passes, or somebody has to mend something first.
    #[error("{0}")]
    Unsent(String),
}

/// Sends mails by the way that the configuration names.
pub struct Mailer {
    carrier: Carrier,
    from: Option<Mailbox>,
    reply_to: Option<Mailbox>,
    limit: Duration,
}

enum Carrier {
    None,
    Smtp(Smtp),
    Sendmail(PathBuf),
    Folder(PathBuf),
}

struct Smtp {
    hostname: String,
    port: u16,
    protection: Protection,
    credentials: Option<Credentials>,
    hello: ClientId,
}

enum Protection {
    None,
    Tls(TlsParameters),
    Starttls(TlsParameters),
}

impl Mailer {
    /// Reads the configuration; nothing is connected to.
    ///
    /// # Errors
    /// When TLS is asked for and cannot be set up.
    pub fn new(config: &Email) -> Result<Self, smtp::Error> {
        let carrier = match config.transport {
            MailTransport::Blackhole => Carrier::None,
            MailTransport::Smtp => Carrier::Smtp(Smtp::new(config)?),
            MailTransport::Sendmail => Carrier::Sendmail(config.command.clone()),
            MailTransport::Folder => Carrier::Folder(config.folder.clone().unwrap_or_default()),
        };
        let mailbox = |mailbox: &Option<crate::config::Mailbox>| mailbox.as_ref().map(|mailbox| (**mailbox).clone());
        Ok(Self { carrier, from: mailbox(&config.from), reply_to: mailbox(&config.reply_to), limit: LIMIT })
    }

    /// Tells whether mails go anywhere; what needs them says so where they do not.
    pub fn is_available(&self) -> bool {
        !matches!(self.carrier, Carrier::None)
    }

    /// Hands a mail over. It is on its way only when this returns without an error.
    ///
    /// # Errors
    /// `Refused` when the server never takes this mail; `Unsent` for everything else, after half a minute at the latest.
    pub async fn send(&self, mail: &Mail<'_>) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match &self.carrier {
            Carrier::None => Err(MailError::Unsent("mail is switched off".to_owned())),
            Carrier::Smtp(smtp) => smtp.send(&message, self.limit).await,
            Carrier::Sendmail(command) => run(command, &message, self.limit).await,
            Carrier::Folder(folder) => keep(folder, mail, &message).await,
        }
    }

    fn message(&self, mail: &Mail<'_>) -> Result<Message, MailError> {
        let refused = |what: &str| MailError::Refused(what.to_owned());
        let to: Address = mail.to.parse().map_err(|_| refused("the recipient is no address"))?;
        let from = self.from.clone().ok_or_else(|| MailError::Unsent("email.from is missing".to_owned()))?;
        let header = |name, value: &str| HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned());
        let written_at = UNIX_EPOCH + Duration::from_millis(mail.written_at.unsigned_abs());
        let mut builder = Message::builder()
            .message_id(Some(format!("<{}@{}>", mail.id, from.email.domain())))
            .from(from)
            .to(Mailbox::new(None, to))
            .subject(&mail.subject)
            .date(written_at)
            .raw_header(header("Content-Language", mail.language.tag()))
            // RFC 3834 §5: nobody's "I am on holiday" comes back.
            .raw_header(header("Auto-Submitted", "auto-generated"));
        if let Some(reply_to) = &self.reply_to {
            builder = builder.reply_to(reply_to.clone());
        }
        let body = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
        builder.multipart(body).map_err(|_| refused("it cannot be written as a mail"))
    }
}

impl Smtp {
    fn new(config: &Email) -> Result<Self, smtp::Error> {
        let hostname = config.hostname.clone().unwrap_or_default();
        let protection = match config.mode {
            MailMode::Plain => Protection::None,
            MailMode::Tls => Protection::Tls(TlsParameters::new(hostname.clone())?),
            MailMode::Starttls => Protection::Starttls(TlsParameters::new(hostname.clone())?),
        };
        let credentials = |(username, password): (&str, &Sensitive)| {
            Credentials::new(username.to_owned(), password.expose().to_owned())
        };
        Ok(Self {
            hostname,
            port: config.port(),
            protection,
            credentials: config.credentials().map(credentials),
            hello: ClientId::default(),
        })
    }

    async fn send(&self, message: &Message, limit: Duration) -> Result<(), MailError> {
        let too_slow = |_| MailError::Unsent("the mail server does not answer".to_owned());
        let deadline = Instant::now() + limit;
        let mut connection = timeout_at(deadline, self.connect()).await.map_err(too_slow)?.map_err(passing)?;
        let result = timeout_at(deadline, hand_over(&mut connection, message)).await.map_err(too_slow)?;
        let _ = timeout(PARTING, connection.abort()).await;
        result
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, smtp::Error> {
        let server = (self.hostname.as_str(), self.port);
        let tls = match &self.protection {
            Protection::Tls(parameters) => Some(parameters.clone()),
            Protection::None | Protection::Starttls(_) => None,
        };
        let limit = Some(CONNECT_LIMIT);
        let mut connection = AsyncSmtpConnection::connect_tokio1(server, limit, &self.hello, tls, None).await?;
        if let Protection::Starttls(parameters) = &self.protection {
            connection.starttls(parameters.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await?;
        }
        Ok(connection)
    }
}

/// A refusal of the sender concerns every mail, and an administrator can mend it; one of the recipient or of the content is
/// for good.
async fn hand_over(connection: &mut AsyncSmtpConnection, message: &Message) -> Result<(), MailError> {
    let (from, to, bytes) = (message.envelope().from(), message.envelope().to(), message.formatted());
    let is_international = from.into_iter().chain(to).any(|address| !address.to_string().is_ascii());
    let mut parameters = Vec::new();
    if is_international {
        // RFC 6531 §3.4: such an address goes only to a server that knows them.
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(MailError::Refused("the mail server takes no address outside ASCII".to_owned()));
        }
        parameters = vec![MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)];
    }
    connection.command(MailFrom::new(from.cloned(), parameters)).await.map_err(passing)?;
    for recipient in to {
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).await.map_err(final_if_permanent)?;
    }
    connection.command(Data).await.map_err(final_if_permanent)?;
    connection.message(&bytes).await.map_err(final_if_permanent)?;
    Ok(())
}

fn passing(error: smtp::Error) -> MailError {
    MailError::Unsent(describe(&error))
}

fn final_if_permanent(error: smtp::Error) -> MailError {
    match error.is_permanent() {
        true => MailError::Refused(describe(&error)),
        false => passing(error),
    }
}

/// Gives codes in place of the server's words.
fn describe(error: &smtp::Error) -> String {
    match error.status() {
        Some(code) => {
            let words = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            let status = words.split_whitespace().next().filter(|word| is_status_code(word));
            format!("the mail server answers {code}{}", status.map(|status| format!(" {status}")).unwrap_or_default())
        }
        None if error.is_response() => "the mail server hangs up, or does not speak SMTP".to_owned(),
        None => format!("the mail server cannot be used: {error}"),
    }
}

/// RFC 3463 §2: class, subject and detail.
fn is_status_code(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| matches!(part.len(), 1..=3) && part.bytes().all(|b| b.is_ascii_digit()))
}

async fn run(command: &Path, message: &Message, limit: Duration) -> Result<(), MailError> {
    let program = AsyncSendmailTransport::<Tokio1Executor>::new_with_command(command);
    let sent = timeout(limit, program.send_raw(message.envelope(), &message.formatted())).await;
    let result = sent.map_err(|_| MailError::Unsent(format!("{} takes too long", command.display())))?;
    result.map_err(|error| MailError::Unsent(format!("{} {}", command.display(), why_it_failed(&error))))
}

/// What the program itself writes may name the recipient.
fn why_it_failed(error: &sendmail::Error) -> String {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.map_or_else(|| "ends with an error".to_owned(), |error| format!("cannot be run: {error}"))
}

/// Puts a mail where a developer finds it, and shows it where one looks.
async fn keep(folder: &Path, mail: &Mail<'_>, message: &Message) -> Result<(), MailError> {
    let file = folder.join(format!("{}.eml", mail.id));
    // It appears whole.
    let draft = folder.join(format!(".{}", mail.id));
    let kept = async {
        tokio::fs::create_dir_all(folder).await?;
        tokio::fs::write(&draft, message.formatted()).await?;
        tokio::fs::rename(&draft, &file).await
    };
    kept.await.map_err(|error| MailError::Unsent(format!("{} cannot be written: {error}", file.display())))?;
    eprintln!(
        "\n--- A mail to {}: {}\n\n{}\n--- kept in {}\n",
        mail.to,
        mail.subject,
        mail.text.trim(),
        file.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn mailer(settings: serde_json::Value) -> Mailer {
        Mailer::new(&serde_json::from_value(settings).unwrap()).unwrap()
    }

    fn mail<'a>(id: &'a MailId, to: &'a str) -> Mail<'a> {
        let (text, html) = ("Dies ist naïf.\n.\n".to_owned(), "<p>naïf".to_owned());
        let subject = "Ein Wort: naïf".to_owned();
        Mail { id, to, language: Language::French, subject, text, html, written_at: 1_790_000_000_000 }
    }

    #[test]
    fn the_head_of_a_mail_says_what_it_is_and_nothing_can_be_put_into_it() {
        let mailer = mailer(serde_json::json!({
            "transport": "folder", "from": "\"The chat\" <no-reply@chat.example>", "reply_to": "help@chat.example",
        }));
        let id = MailId::new("01J00000000000000000000000");
        let bytes = mailer.message(&mail(&id, "alice@example.com")).unwrap().formatted();
        let text = String::from_utf8(bytes).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        for line in [
            "Message-ID: <01J00000000000000000000000@chat.example>",
            "From: \"The chat\" <no-reply@chat.example>",
            "Reply-To: help@chat.example",
            "To: alice@example.com",
            "Date: Mon, 21 Sep 2026 14:13:20 +0000",
            "Content-Language: fr",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(head.lines().any(|found| found == line), "no {line} in\n{head}");
        }
        assert!(text.is_ascii(), "it passes through every server");
        for address in ["alice@example.com\r\nBcc: bob@example.com", "alice", "", "a@b, c@d", "<a@example.com>"] {
            assert!(matches!(mailer.message(&mail(&id, address)), Err(MailError::Refused(_))), "{address}");
        }
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_left_after_a_while() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let is_left = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"220 hello\r\n").unwrap();
            let mut said = Vec::new();
            stream.read_to_end(&mut said).map(|_| said.starts_with(b"EHLO "))
        });
        let mut mailer = mailer(serde_json::json!({
            "transport": "smtp", "mode": "plain", "hostname": "127.0.0.1", "port": port, "from": "no-reply@chat.example",
        }));
        mailer.limit = Duration::from_millis(300);
        let error = mailer.send(&mail(&MailId::new("1"), "alice@example.com")).await.unwrap_err();
        assert!(matches!(error, MailError::Unsent(_)), "{error}");
        assert_eq!(error.to_string(), "the mail server does not answer");
        assert!(is_left.join().unwrap().unwrap());
    }

    #[test]
    fn of_what_a_server_says_only_the_codes_are_kept() {
        for (word, expected) in [("5.1.1", true), ("4.7.0", true), ("5.1", false), ("<bob@example.com>:", false)] {
            assert_eq!(is_status_code(word), expected, "{word}");
        }
    }
}
