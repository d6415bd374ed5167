//! `/account/events`: what happened on the account, for its owner to look through.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    domain::id::EventId,
    flows::event::{
        self, Listed,
        words::{origin, subject, title},
    },
    language::Language,
    web::{
        frame::{PageError, html},
        pages::{
            layout, path, see_other,
            views::{
                Moment,
                events::{EventView, EventsPage},
            },
        },
        request::{Query, Visitor},
    },
};

/// Shows a page of what happened.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=events"))) };
    let behind = query.get("behind").and_then(EventId::read);
    let newest_href = behind.as_ref().map(|_| path(&app, "account/events"));
    let (events, last) = event::list(&app, &signed_in.user.id, behind).await?;
    let language = visitor.language(None);
    Ok(html(&EventsPage {
        layout: layout(&app, language),
        events: events.into_iter().map(|listed| view(listed, language)).collect(),
        older_href: last.map(|last| path(&app, &format!("account/events?behind={last}"))),
        newest_href,
        back_href: path(&app, "account/"),
    }))
}

fn view(listed: Listed, language: Language) -> EventView {
    EventView {
        title: title(&listed.event, language),
        subject: subject(&listed.event, language).map(|(_, name)| name.to_owned()),
        at: Moment(listed.at),
        origin: origin(listed.user_agent.as_deref(), listed.ip.as_deref(), language),
        ip: listed.ip,
    }
}
