//! The section `email`: by what way mails go out, and what stands in them.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Mailbox, Sensitive, order::as_declared};

/// Mail.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Email>)]
pub struct Email {
    /// From whom mails come: an address, or a name and an address in angle brackets. Required with the transports `smtp` and
    /// `sendmail`.
    #[schemars(example = &"\"Example Chat\" <no-reply@example.com>")]
    pub from: Option<Mailbox>,

    /// Who gets the answers, where that is somebody else.
    #[schemars(example = &"\"Example Ltd\" <support@example.com>")]
    pub reply_to: Option<Mailbox>,

    /// By what way mails go out. Without one nobody can confirm an e-mail address, nor get in by mail after a forgotten
    /// password, and nobody is told of sign-ins and changes.
    pub transport: MailTransport,

    /// With `smtp`, how the connection to the server is protected.
    pub mode: MailMode,

    /// With `smtp`, the host of the server, as its certificate names it. Required there.
    #[schemars(length(min = 1, max = 253), example = &"mail.example.com")]
    pub hostname: Option<String>,

    /// With `smtp`, the port of the server. When it is not set it is 465 with the mode `tls`, 587 with `starttls` and 25 with
    /// `plain`.
    #[schemars(range(min = 1), example = 465)]
    port: Option<u16>,

    /// With `smtp`, the user name at the server, where it wants one.
    #[schemars(example = &"keymaker")]
    pub username: Option<String>,

    /// With `smtp`, the password at the server. Give it together with `username`.
    #[schemars(example = &"the password at the mail server")]
    pub(super) password: Option<Sensitive>,

    /// A file that holds the password, instead of `password`.
    #[schemars(example = &"mail-password")]
    pub(super) password_file: Option<PathBuf>,

    /// With `sendmail`, the program.
    pub command: PathBuf,

    /// With `folder`, where the mails are put. Required there.
    #[schemars(example = &"mail")]
    pub folder: Option<PathBuf>,
}

impl Email {
    /// Returns the port of the server.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.mode {
            MailMode::Tls => 465,
            MailMode::Starttls => 587,
            MailMode::Plain => 25,
        })
    }

    /// Returns the user name and the password at the server, where it wants some.
    pub fn credentials(&self) -> Option<(&str, &Sensitive)> {
        self.username.as_deref().zip(self.password.as_ref())
    }
}

impl Default for Email {
    fn default() -> Self {
        Self {
            from: None,
            reply_to: None,
            transport: MailTransport::default(),
            mode: MailMode::default(),
            hostname: None,
            port: None,
            username: None,
            password: None,
            password_file: None,
            command: PathBuf::from("sendmail"),
            folder: None,
        }
    }
}

/// The ways by which mails go out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailTransport {
    /// None: nothing is sent.
    #[default]
    Blackhole,
    /// A mail server.
    Smtp,
    /// A program of this machine that takes mails as sendmail does.
    Sendmail,
    /// A folder of this machine, and the terminal. Mails reach nobody: it is for development.
    Folder,
}

/// How the connection to the mail server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailMode {
    /// Not at all. Only for a server on this machine or in a network of your own.
    Plain,
    /// By TLS from its beginning.
    #[default]
    Tls,
    /// By TLS after the command `STARTTLS`. Nothing is sent to a server that does not offer it.
    Starttls,
}
