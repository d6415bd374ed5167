//! `/account/apps`: websites and apps that know who somebody is, and hold no device.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    web::{
        frame::{PageError, html},
        pages::{
            acts,
            devices::{self, Listed},
            layout, path, see_other,
            views::account::AppsPage,
        },
        request::{Query, Visitor},
    },
};

/// Shows a page of the list.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=apps"))) };
    let Listed { sessions, more_href, first_href } = devices::list(&app, &visitor, signed_in, &query, true).await?;
    let layout = layout(&app, visitor.language(None));
    Ok(html(&AppsPage {
        notice: acts::notice(&layout, &query),
        layout,
        sessions,
        more_href,
        first_href,
        devices_href: path(&app, "account/devices"),
        back_href: path(&app, "account/"),
    }))
}
