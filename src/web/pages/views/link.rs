//! What the pages show on which a device is let in from another one.

use askama::Template;
use i18n_embed_fl::fl;

use super::{Access, Layout, Moment};
use crate::domain::user_agent::Program;

/// Why it does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkError {
    UnknownCode,
    /// The person did not say that they have the device in hand.
    NotInHand,
}

impl LinkError {
    fn text(self, layout: &Layout) -> String {
        match self {
            Self::UnknownCode => fl!(layout.loader(), "link-error-unknown"),
            Self::NotInHand => fl!(layout.loader(), "link-error-not-in-hand"),
        }
    }
}

/// The page on which a code is typed.
#[derive(Debug, Template)]
#[template(path = "link/form.html")]
pub struct LinkPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub user_code: String,
    pub user_id: String,
    pub error: Option<LinkError>,
    pub back_href: String,
}

/// The page that asks whether a device may come in. All that a device says about itself is a claim.
#[derive(Debug, Template)]
#[template(path = "link/question.html")]
pub struct LinkQuestionPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub user_code: String,
    pub client_name: Option<String>,
    pub client_host: Option<String>,
    pub program: Option<Program>,
    pub ip: Option<String>,
    /// Whether the device asks from the address at which the person is.
    pub is_near: bool,
    pub asked_at: Moment,
    pub user_id: String,
    pub display_name: Option<String>,
    pub access: Vec<Access>,
    pub error: Option<LinkError>,
}

impl LinkQuestionPage {
    /// Names roughly what asks.
    fn origin(&self) -> String {
        let messages = self.layout.loader();
        let program = self.program.as_ref();
        match (program.and_then(|p| p.name.as_deref()), program.and_then(|p| p.system)) {
            (Some(name), Some(system)) => {
                fl!(messages, "event-program-on-system", program = name, system = system)
            }
            (Some(name), None) => name.to_owned(),
            (None, Some(system)) => fl!(messages, "event-program-unknown-on-system", system = system),
            (None, None) => fl!(messages, "event-program-unknown"),
        }
    }

    /// Gives the code as a screen reader spells it.
    fn spelled(&self) -> String {
        self.user_code
            .chars()
            .map(|letter| if letter == '-' { ", ".to_owned() } else { format!("{letter} ") })
            .collect()
    }

    fn is_administration(&self) -> bool {
        self.access.contains(&Access::ServerAdministration)
    }
}

/// The page that says what was decided.
#[derive(Debug, Template)]
#[template(path = "link/done.html")]
pub struct LinkDonePage {
    pub layout: Layout,
    pub is_allowed: bool,
    pub devices_href: String,
    pub security_href: String,
}
