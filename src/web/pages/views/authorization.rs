//! What people see on the way of an authorization beside the question itself.

use askama::Template;
use i18n_embed_fl::fl;

use super::{Access, ClientView, Layout, Moment, ReturnLink};

/// The page that carries an answer to a client by a form (AUT-08).
#[derive(Debug, Template)]
#[template(path = "authorize/form_post.html")]
pub struct FormPostPage {
    pub layout: Layout,
    pub way: ReturnLink,
}

/// The page that asks with which account to go on (PRM-02). Its form posts `action=continue` or `action=deny`.
#[derive(Debug, Template)]
#[template(path = "authorize/choose.html")]
pub struct ChoosePage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub client: ClientView,
    pub user_id: String,
    /// Nobody who is signed in will do.
    pub is_for_another: bool,
    /// Whom the app expects.
    pub hinted_user_id: Option<String>,
    pub switch_href: String,
    pub register_href: Option<String>,
}

/// What an app may learn without asking, in the list of its owner.
#[derive(Debug)]
pub struct AllowedView {
    /// Other people's text.
    pub name: Option<String>,
    /// Where its answers go.
    pub destination: String,
    pub access: Vec<Access>,
    pub since: Moment,
    pub withdraw_href: String,
}

impl AllowedView {
    pub(crate) fn title(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.destination)
    }

    pub(crate) fn may(&self, layout: &Layout) -> Vec<String> {
        self.access.iter().flat_map(|access| access.sentences(layout)).collect()
    }
}
