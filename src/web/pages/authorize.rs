//! `GET` and `POST /authorize` (RFC 6749 §3.1, OIDC Core §3.1.2.1): where a client sends a person's browser.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    flows::authorize::{Begun, begin},
    web::{
        frame::PageError,
        pages::{InProgress, next_path, path, see_other},
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
        Begun::Respond(response) => Ok(see_other(&response.location())),
        Begun::Offer(refusal, response) => Err(PageError::with_return(refusal, response.location())),
    }
}

/// Turns the form of a client into the same request by GET: a form from another site arrives without our cookies, and
/// the redirect brings them. What is wrong with it is judged there.
pub async fn post(State(app): State<App>, FormBody(body): FormBody) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(form_urlencoded::parse(&body)).finish();
    see_other(&path(&app, &format!("authorize?{query}")))
}
