//! `/account/profile`: what others see of a person. The name is the homeserver's: it is asked for there, and changed there.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    domain::refusal::Refusal,
    error::Error,
    flows::{account, browser::SignedIn, homeserver},
    web::{
        frame::{PageError, html},
        pages::{
            layout, path, see_other,
            views::account::{ChangeError, ProfilePage},
        },
        request::{PageForm, Query, Visitor},
    },
};

/// Shows the form.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=profile"))) };
    let (name, is_uncertain) = match homeserver::display_name(&app, &signed_in.user).await {
        Ok(name) => (name, false),
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => (signed_in.user.display_name.clone(), true),
        Err(error) => return Err(error.into()),
    };
    Ok(html(&ProfilePage {
        is_done: query.get("done") == Some("name"),
        is_uncertain,
        ..page(&app, &visitor, signed_in, name.unwrap_or_default())
    }))
}

/// Changes the display name.
pub async fn post(State(app): State<App>, visitor: Visitor, PageForm(form): PageForm) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=profile"))) };
    visitor.check_form_as(&app, &form, signed_in)?;
    let typed = form.get("display_name").unwrap_or_default();
    match account::set_display_name(&app, &signed_in.user, typed).await {
        Ok(()) => Ok(see_other(&path(&app, "account/profile?done=name"))),
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => {
            let error = ChangeError::Unavailable;
            let page = ProfilePage { error: Some(error), ..page(&app, &visitor, signed_in, typed.to_owned()) };
            Ok((error.status(), html(&page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

fn page(app: &App, visitor: &Visitor, signed_in: &SignedIn, display_name: String) -> ProfilePage {
    ProfilePage {
        layout: layout(app, visitor.language(None)),
        action: path(app, "account/profile"),
        csrf: visitor.csrf_as(app, signed_in),
        user_id: signed_in.user.mxid(app.server_name()),
        display_name,
        is_done: false,
        is_uncertain: false,
        error: None,
        emails_href: path(app, "account/emails"),
        back_href: path(app, "account/"),
    }
}
