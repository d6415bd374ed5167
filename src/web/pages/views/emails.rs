//! What the pages show that are about e-mail addresses: the list, the form for one, and the one for its code; both forms
//! serve sign-up too.

use askama::Template;
use i18n_embed_fl::fl;

use super::{Layout, Moment, policy};
use crate::domain::{email::EmailProblem, policy::Violations};

impl EmailProblem {
    pub(crate) fn text(self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::Unavailable => fl!(messages, "email-unavailable"),
            Self::Invalid => fl!(messages, "email-error-invalid"),
            Self::Known => fl!(messages, "email-error-known"),
            Self::Taken => fl!(messages, "email-error-taken"),
            Self::TooMany => fl!(messages, "email-error-too-many"),
            Self::Wait { minutes } => fl!(messages, "email-error-wait", minutes = minutes),
            Self::WrongCode => fl!(messages, "email-error-wrong-code"),
            Self::CodeOver => fl!(messages, "email-error-code-over"),
            Self::Unconfirmed => fl!(messages, "email-error-unconfirmed"),
        }
    }
}

impl Layout {
    pub(crate) fn back_to_emails(&self) -> String {
        fl!(self.loader(), "emails-back")
    }

    pub(crate) fn other_email(&self) -> String {
        fl!(self.loader(), "register-email-other")
    }

    pub(crate) fn restart_sign_up(&self) -> String {
        fl!(self.loader(), "register-restart")
    }
}

/// Why an address is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressError {
    Problem(EmailProblem),
    Policy(Violations),
}

impl AddressError {
    fn text(&self, layout: &Layout) -> String {
        match self {
            Self::Problem(problem) => problem.text(layout),
            Self::Policy(violations) => policy::sentences(violations, layout).join(" "),
        }
    }
}

/// What an address is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailFor {
    Account,
    SignUp,
}

/// An address as its owner sees it.
#[derive(Clone, Debug)]
pub struct EmailView {
    pub email: String,
    pub added_at: Moment,
    pub is_confirmed: bool,
    pub remove_href: String,
}

/// The list of the addresses of an account.
#[derive(Debug, Template)]
#[template(path = "email/list.html")]
pub struct EmailsPage {
    pub layout: Layout,
    pub notice: Option<String>,
    pub emails: Vec<EmailView>,
    /// Absent where no mail is sent.
    pub add_href: Option<String>,
    pub back_href: String,
}

/// The form that asks for an address.
#[derive(Debug, Template)]
#[template(path = "email/address.html")]
pub struct EmailAddressPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub asked_for: EmailFor,
    /// For an account, what was shown for this act.
    pub proof: Option<String>,
    pub email: String,
    pub error: Option<AddressError>,
    /// Other ways, each as address and words.
    pub others: Vec<(String, String)>,
}

impl EmailAddressPage {
    fn title(&self) -> String {
        match self.asked_for {
            EmailFor::Account => fl!(self.layout.loader(), "act-add-email-title"),
            EmailFor::SignUp => fl!(self.layout.loader(), "register-email-title"),
        }
    }

    fn lead(&self) -> String {
        match self.asked_for {
            EmailFor::Account => fl!(self.layout.loader(), "act-add-email-text"),
            EmailFor::SignUp => fl!(self.layout.loader(), "register-email-text"),
        }
    }
}

/// The form that asks for the code that was sent to an address.
#[derive(Debug, Template)]
#[template(path = "email/code.html")]
pub struct EmailCodePage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub email: String,
    /// Whether a code can still be typed.
    pub is_open: bool,
    pub error: Option<EmailProblem>,
    /// Other ways, each as address and words.
    pub others: Vec<(String, String)>,
}
