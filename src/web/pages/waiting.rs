//! `/register/waiting`: where a sign-up ends whose account an administrator has to approve first.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    domain::{id::RegistrationId, refusal::Refusal, user::mxid},
    flows::register::{confirmed_address, find_completed},
    store,
    web::{
        frame::{PageError, html},
        pages::{InProgress, layout, path_within, see_other, views::signup::WaitingPage},
        request::{Query, Visitor},
    },
};

/// Says what happens next; whoever was approved meanwhile signs in.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let id = query.get("id").and_then(RegistrationId::read).ok_or(Refusal::TransactionOver)?;
    let registration = find_completed(&app, &id, &visitor.browser).await?;
    let in_progress = InProgress::of_sign_up(&app, &visitor, &registration).await;
    let login = path_within(&app, "login", in_progress.as_ref());
    let user = store::user::find_by_username(&app.db, &registration.username).await?;
    if user.is_none_or(|user| user.approval_required_at.is_none()) {
        return Ok(see_other(&login));
    }
    let email = match app.mail.is_available() {
        true => confirmed_address(&app, &registration.id).await?,
        false => None,
    };
    Ok(html(&WaitingPage {
        layout: layout(&app, visitor.language(in_progress.as_ref().and_then(InProgress::ui_locales))),
        user_id: mxid(&registration.username, app.server_name()),
        email,
        client: in_progress.as_ref().and_then(|in_progress| in_progress.client_view(&visitor)),
        login_href: login,
    }))
}
