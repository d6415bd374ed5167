//! What sign-up shows where not everybody gets an account at once: the field for a registration token, and the page of whoever
//! waits for an administrator.

use askama::Template;
use i18n_embed_fl::fl;

use super::{ClientView, Layout};
use crate::domain::registration_token::RegistrationTokenProblem;

/// The field for a registration token.
#[derive(Clone, Debug, Default)]
pub struct TokenField {
    pub value: String,
    pub problem: Option<RegistrationTokenProblem>,
}

impl TokenField {
    pub(super) fn message(&self, layout: &Layout) -> Option<String> {
        self.problem.map(|problem| match problem {
            RegistrationTokenProblem::Missing => fl!(layout.loader(), "signup-token-missing"),
            RegistrationTokenProblem::Refused => fl!(layout.loader(), "signup-token-refused"),
        })
    }
}

/// The end of a sign-up that an administrator has to approve.
#[derive(Debug, Template)]
#[template(path = "register/waiting.html")]
pub struct WaitingPage {
    pub layout: Layout,
    pub user_id: String,
    /// Where the answer goes.
    pub email: Option<String>,
    /// What the account was wanted for.
    pub client: Option<ClientView>,
    pub login_href: String,
}
