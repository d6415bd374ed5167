//! What the pages show that are about a new password: changing it, and getting back in by mail without the old one.

use askama::Template;
use i18n_embed_fl::fl;

use super::{
    Layout, PasswordError,
    captcha::{CaptchaError, CaptchaView},
    limits::wait_text,
};
use crate::domain::email::EmailProblem;

/// The form for another password of somebody who is signed in, or for their first one.
#[derive(Debug, Template)]
#[template(path = "account/password.html")]
pub struct PasswordPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub proof: String,
    pub username: String,
    pub ends_apps: bool,
    pub password_error: Option<PasswordError>,
    pub is_busy: bool,
    pub back_href: String,
}

impl PasswordPage {
    fn focuses_password(&self) -> bool {
        true
    }
}

/// Why no link can be asked for just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoverError {
    Email(EmailProblem),
    Busy,
    Captcha(CaptchaError),
    Wait { seconds: i64 },
}

impl RecoverError {
    fn text(self, layout: &Layout) -> String {
        match self {
            Self::Email(problem) => problem.text(layout),
            Self::Busy => fl!(layout.loader(), "form-error-busy"),
            Self::Captcha(error) => error.text(layout),
            Self::Wait { seconds } => wait_text(seconds, layout),
        }
    }
}

/// The page that asks where to send a link.
#[derive(Debug, Template)]
#[template(path = "recover/start.html")]
pub struct RecoverPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub email: String,
    pub error: Option<RecoverError>,
    pub captcha: Option<CaptchaView>,
    pub login_href: String,
}

/// The page of a link that is good: it asks for a new password.
#[derive(Debug, Template)]
#[template(path = "recover/password.html")]
pub struct RecoverPasswordPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub username: String,
    pub user_id: String,
    pub password_error: Option<PasswordError>,
    pub is_busy: bool,
}

impl RecoverPasswordPage {
    fn focuses_password(&self) -> bool {
        true
    }
}

/// What there is to say on the way back in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoverWords {
    /// The same for every address (RTL-05).
    Sent,
    /// The link is not good, or no longer.
    Over,
    Done,
    /// Where no mail is sent, or nobody has a password.
    Impossible,
}

/// A page on the way back in that says something, and where it goes on.
#[derive(Debug, Template)]
#[template(path = "recover/words.html")]
pub struct RecoverWordsPage {
    pub layout: Layout,
    pub words: RecoverWords,
    pub login_href: String,
    /// Where it begins again.
    pub recover_href: String,
}

impl RecoverWordsPage {
    fn title(&self) -> String {
        let messages = self.layout.loader();
        match self.words {
            RecoverWords::Sent => fl!(messages, "recover-sent-title"),
            RecoverWords::Over => fl!(messages, "recover-over-title"),
            RecoverWords::Done => fl!(messages, "recover-done-title"),
            RecoverWords::Impossible => fl!(messages, "recover-impossible-title"),
        }
    }

    /// Lists the sentences.
    fn text(&self) -> Vec<String> {
        let messages = self.layout.loader();
        match self.words {
            RecoverWords::Sent => vec![fl!(messages, "recover-sent-text"), fl!(messages, "recover-sent-nothing")],
            RecoverWords::Over => vec![fl!(messages, "recover-over-text")],
            RecoverWords::Done => vec![fl!(messages, "recover-done-text"), fl!(messages, "recover-done-sessions")],
            RecoverWords::Impossible => vec![fl!(messages, "recover-impossible-text")],
        }
    }
}
