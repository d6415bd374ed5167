//! `/account/cross-signing-reset`: where homeservers and clients send somebody who wants to replace their cryptographic
//! identity (spec area 14). Only a confirmed act allows it.

use axum::{extract::State, response::Response};
use http::StatusCode;

use crate::{
    app::App,
    domain::{act::Act, refusal::Refusal},
    error::{Error, Result},
    flows::{account, browser::SignedIn},
    web::{
        pages::{account::outcome, acts, path, see_other, views::account::Outcome},
        request::Visitor,
    },
};

/// Leads to where it is explained and confirmed.
pub async fn get(State(app): State<App>, visitor: Visitor) -> Response {
    match visitor.signed_in {
        Some(_) => see_other(&acts::confirm_path(&app, Act::ResetCrossSigning, None)),
        None => see_other(&path(&app, &format!("login?act={}", Act::ResetCrossSigning.as_str()))),
    }
}

/// Allows it on a proof; when that is not possible, says that nothing was allowed.
///
/// # Errors
/// Those of [`account::reset_cross_signing`] that nobody can do anything about.
pub async fn allow(app: &App, visitor: &Visitor, signed_in: &SignedIn, proof: &str) -> Result<Response> {
    let failed = |status, what, href| Ok(outcome(app, visitor, status, what, Some(href)));
    match account::reset_cross_signing(app, signed_in, proof, &visitor.caller).await {
        Ok(()) => Ok(see_other(&acts::done_path(app, Act::ResetCrossSigning))),
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => {
            let again = acts::confirm_path(app, Act::ResetCrossSigning, None);
            failed(StatusCode::SERVICE_UNAVAILABLE, Outcome::ResetUnavailable, again)
        }
        Err(Error::Refusal(Refusal::LimitExceeded)) => {
            failed(StatusCode::TOO_MANY_REQUESTS, Outcome::ResetTooOften, path(app, "account/"))
        }
        Err(error) => Err(error),
    }
}
