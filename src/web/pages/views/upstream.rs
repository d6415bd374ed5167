//! What the pages show that are about identity providers.

use askama::Template;
use i18n_embed_fl::fl;

use super::{
    ClientView, Layout, Moment, TermsView,
    captcha::{CaptchaError, CaptchaView},
    limits::wait_text,
    policy,
    signup::TokenField,
    username_text,
};
use crate::domain::{
    email::EmailProblem, policy::Violations, registration_token::RegistrationTokenProblem, upstream::UpstreamProblem,
    user::UsernameProblem,
};

/// A provider, and where one goes to it.
#[derive(Clone, Debug)]
pub struct ProviderView {
    pub name: String,
    pub href: String,
}

/// An account at a provider that signs in here.
#[derive(Debug)]
pub struct LinkView {
    pub name: String,
    /// What the provider calls the person.
    pub subject: String,
    pub created_at: Moment,
    pub is_open: bool,
    pub unlink_href: String,
}

/// The page that takes a browser to a provider: a redirect after a form would be held to the form's policy (TRP-17).
#[derive(Debug, Template)]
#[template(path = "upstream/leave.html")]
pub struct LeavePage {
    pub layout: Layout,
    pub provider: ProviderView,
    pub login_href: Option<String>,
}

/// The page that sends again from our own site what a provider sent as a form (UPS-03).
#[derive(Debug, Template)]
#[template(path = "upstream/return.html")]
pub struct ReturnPage {
    pub layout: Layout,
    pub action: String,
    pub fields: Vec<(&'static str, String)>,
}

/// A value that the provider gave: offered, or fixed.
#[derive(Debug)]
pub struct FieldView {
    pub value: String,
    pub is_fixed: bool,
}

/// Why a sign-up does not go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignUpError {
    Username(UsernameProblem),
    EmailTaken,
    TermsNotAgreed,
    Token(RegistrationTokenProblem),
    Policy(Violations),
    Captcha(CaptchaError),
    Wait { seconds: i64 },
    Unavailable,
}

impl SignUpError {
    fn text(&self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::Username(problem) => username_text(*problem, layout),
            Self::Policy(violations) => policy::sentences(violations, layout).join(" "),
            Self::Captcha(error) => error.text(layout),
            Self::Wait { seconds } => wait_text(*seconds, layout),
            Self::EmailTaken => EmailProblem::Taken.text(layout),
            Self::Token(problem) => {
                TokenField { problem: Some(*problem), ..TokenField::default() }.message(layout).unwrap_or_default()
            }
            Self::TermsNotAgreed => fl!(messages, "register-error-terms"),
            Self::Unavailable => fl!(messages, "register-error-unavailable"),
        }
    }
}

/// The page that makes an account for somebody whom a provider named.
#[derive(Debug, Template)]
#[template(path = "upstream/sign_up.html")]
pub struct SignUpPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub provider: String,
    pub server: String,
    pub username: FieldView,
    pub display_name: FieldView,
    pub email: Option<FieldView>,
    /// What was typed as the registration token, where one is needed.
    pub token: Option<String>,
    pub needs_approval: bool,
    pub terms: Option<TermsView>,
    pub captcha: Option<CaptchaView>,
    pub error: Option<SignUpError>,
    pub client: Option<ClientView>,
    pub link_href: String,
}

impl SignUpPage {
    fn is_token_wrong(&self) -> bool {
        matches!(self.error, Some(SignUpError::Token(_)))
    }

    fn is_username_wrong(&self) -> bool {
        matches!(self.error, Some(SignUpError::Username(_)))
    }
}

/// The page that says that there is an account already, which its owner may link.
#[derive(Debug, Template)]
#[template(path = "upstream/conflict.html")]
pub struct ConflictPage {
    pub layout: Layout,
    pub provider: String,
    pub link_href: String,
}

/// The page that says why nobody was signed in.
#[derive(Debug, Template)]
#[template(path = "upstream/problem.html")]
pub struct ProblemPage {
    pub layout: Layout,
    pub provider: String,
    pub problem: UpstreamProblem,
    pub again_href: Option<String>,
    pub login_href: String,
}

impl ProblemPage {
    fn text(&self) -> String {
        use UpstreamProblem as Problem;
        let (messages, provider) = (self.layout.loader(), self.provider.as_str());
        match &self.problem {
            Problem::Denied(_) => fl!(messages, "upstream-problem-denied", provider = provider),
            Problem::Unavailable => fl!(messages, "upstream-problem-unavailable", provider = provider),
            Problem::NotRecent => fl!(messages, "upstream-problem-not-recent", provider = provider),
            Problem::NotAllowed => fl!(messages, "upstream-problem-not-allowed", provider = provider),
            Problem::SignInOnly => fl!(messages, "upstream-problem-sign-in-only", provider = provider),
            Problem::Required(_) => fl!(messages, "upstream-problem-required", provider = provider),
            Problem::LinkedElsewhere => {
                fl!(messages, "upstream-problem-linked-elsewhere", provider = provider)
            }
            Problem::SomebodyElse => fl!(messages, "upstream-problem-somebody-else", provider = provider),
            Problem::Closed => fl!(messages, "upstream-problem-closed", provider = provider),
            _ => fl!(messages, "upstream-problem-answer", provider = provider),
        }
    }

    /// Gives what the provider itself said: somebody else's text.
    fn said(&self) -> Option<&str> {
        match &self.problem {
            UpstreamProblem::Denied(text) => Some(text),
            _ => None,
        }
    }
}
