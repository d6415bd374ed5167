//! What the page shows that tells what happened on an account.

use askama::Template;
use i18n_embed_fl::fl;

use super::{Layout, Moment};

/// One thing that happened.
#[derive(Debug)]
pub struct EventView {
    pub title: String,
    /// What it happened to: somebody's own text.
    pub subject: Option<String>,
    pub at: Moment,
    /// Roughly which program it was.
    pub origin: String,
    pub ip: Option<String>,
}

/// What happened on an account, the newest first.
#[derive(Debug, Template)]
#[template(path = "account/events.html")]
pub struct EventsPage {
    pub layout: Layout,
    pub events: Vec<EventView>,
    pub older_href: Option<String>,
    /// Absent on the page of the newest.
    pub newest_href: Option<String>,
    pub back_href: String,
}
