//! `GET` and `POST /authorize` (RFC 6749 §3.1, OIDC Core §3.1.2.1): where a client sends a person's browser.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    domain::{
        grant::{Grant, ResponseMode},
        refusal::Refusal,
    },
    flows::authorize::{self, Begun, begin},
    web::{
        frame::{PageError, html, with_form_action, with_form_post},
        pages::{
            InProgress,
            assets::send_script,
            layout, next_path, path, see_other,
            views::{ReturnLink, authorization::FormPostPage},
        },
        request::{FormBody, Query, Visitor},
    },
};

/// Begins an authorization and shows its first page.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(params): Query) -> Result<Response, PageError> {
    match begin(&app, &params, &visitor.browser, visitor.signed_in.as_ref(), &visitor.caller).await? {
        Begun::Continue(grant) => {
            let in_progress = InProgress::authorization(&app, &visitor, grant.as_str()).await?;
            Ok(see_other(&next_path(&app, &visitor, Some(&in_progress)).await?))
        }
        Begun::Respond(response) => Ok(respond(&app, &visitor, params.get("ui_locales"), &response)),
        Begun::Offer(refusal, response) => Err(PageError::with_return(refusal, response)),
    }
}

/// Sends an answer to its client with the browser: by a redirect, or by a form that sends itself where scripts run
/// (AUT-07, AUT-08).
pub(super) fn respond(
    app: &App,
    visitor: &Visitor,
    ui_locales: Option<&str>,
    response: &authorize::Response,
) -> Response {
    if let Some(location) = response.location() {
        return see_other(&location);
    }
    match ReturnLink::of(response) {
        Some(way) => {
            let page = FormPostPage { layout: layout(app, visitor.language(ui_locales)), way };
            with_form_post(&response.redirect_uri, Some(send_script()), html(&page))
        }
        None => PageError::from(Refusal::RedirectUriMismatch).into_response(),
    }
}

/// Sends the answer of a decision. A page before it may have been a form, whose redirect its policy has to let through (TRP-17);
/// the page that carries an answer by a form has a policy of its own.
pub(super) fn answered(app: &App, visitor: &Visitor, grant: &Grant, response: &authorize::Response) -> Response {
    let to_client = respond(app, visitor, grant.ui_locales.as_deref(), response);
    match response.mode {
        ResponseMode::FormPost => to_client,
        ResponseMode::Query | ResponseMode::Fragment => with_form_action(&response.redirect_uri, to_client),
    }
}

/// Turns the form of a client into the same request by GET: a form from another site arrives without our cookies, and
/// the redirect brings them. What is wrong with it is judged there.
pub async fn post(State(app): State<App>, FormBody(body): FormBody) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(form_urlencoded::parse(&body)).finish();
    see_other(&path(&app, &format!("authorize?{query}")))
}
