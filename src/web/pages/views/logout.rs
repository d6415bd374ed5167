//! Signing out: the question, also on behalf of an application, and what is said afterwards.

use askama::Template;
use i18n_embed_fl::fl;

use super::{Destination, Layout, ReturnLink};

/// The question whether to sign out, so that a link alone cannot do it.
#[derive(Debug, Template)]
#[template(path = "logout/confirm.html")]
pub struct LogoutPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub user_id: String,
    /// What the application calls itself that asks.
    pub client_name: Option<String>,
    /// Where it goes on afterwards.
    pub destination: Option<Destination>,
    /// What the application said, which is judged again.
    pub carried: Vec<(&'static str, String)>,
    pub cancel_href: Option<String>,
}

/// How things stand at a provider after signing out here.
#[derive(Debug)]
pub enum AtProvider {
    /// Still signed in there, until they follow the link.
    SignedIn {
        name: String,
        href: Option<String>,
    },
    SignedOut {
        name: String,
    },
}

/// The page after signing out.
#[derive(Debug, Template)]
#[template(path = "logout/done.html")]
pub struct SignedOutPage {
    pub layout: Layout,
    /// Whether this is not the only browser, and the apps are signed out too.
    pub is_everywhere: bool,
    /// The provider through which the person had signed in.
    pub provider: Option<AtProvider>,
    pub login_href: Option<String>,
    pub return_link: Option<ReturnLink>,
}
