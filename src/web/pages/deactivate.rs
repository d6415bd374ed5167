//! `/account/deactivate`: the end of an account, for somebody who has just confirmed that they want it (ACT-08).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    domain::{act::Act, factor::FactorProblem, refusal::Refusal, user::User},
    error::Error,
    flows::{account, browser::SignedIn, prove},
    web::{
        frame::{PageError, html},
        pages::{
            account::outcome,
            acts, layout, logout, path, see_other,
            views::account::{DeactivatePage, Outcome},
        },
        request::{PageForm, Query, Visitor},
    },
};

/// Shows the form on a proof, and the way to one without.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=deactivate"))) };
    let proof = query.get("proof");
    if !prove::is_proved(&app, &visitor.browser, signed_in, Act::Deactivate, None, proof).await? {
        return Ok(see_other(&acts::confirm_path(&app, Act::Deactivate, None)));
    }
    Ok(html(&page(&app, &visitor, signed_in, proof.unwrap_or_default())))
}

/// Deactivates the account, and forgets who was here.
pub async fn post(State(app): State<App>, visitor: Visitor, PageForm(form): PageForm) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=deactivate"))) };
    visitor.check_form_as(&app, &form, signed_in)?;
    let proof = form.get("proof").unwrap_or_default();
    let (typed, erase) = (form.get("username").unwrap_or_default(), form.get("erase").is_some());
    if !names(typed, &signed_in.user, app.server_name()) {
        let typed = Some(typed.to_owned());
        let page = DeactivatePage { typed, erase, ..page(&app, &visitor, signed_in, proof) };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response());
    }
    match account::deactivate(&app, signed_in, proof, erase, &visitor.caller).await {
        Ok(()) => Ok(logout::forget(&app, outcome(&app, &visitor, StatusCode::OK, Outcome::Deactivated, None))),
        Err(Error::Refusal(Refusal::Factor(FactorProblem::ProofNeeded))) => {
            Ok(see_other(&acts::confirm_path(&app, Act::Deactivate, None)))
        }
        Err(error) => Err(error.into()),
    }
}

/// Tells whether somebody typed the name of this account, in short or in full.
fn names(typed: &str, user: &User, server_name: &str) -> bool {
    let typed = typed.trim();
    [user.username.as_str(), &format!("@{}", user.username), &user.mxid(server_name)]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(typed))
}

fn page(app: &App, visitor: &Visitor, signed_in: &SignedIn, proof: &str) -> DeactivatePage {
    DeactivatePage {
        layout: layout(app, visitor.language(None)),
        action: path(app, "account/deactivate"),
        csrf: visitor.csrf_as(app, signed_in),
        proof: proof.to_owned(),
        user_id: signed_in.user.mxid(app.server_name()),
        username: signed_in.user.username.clone(),
        typed: None,
        erase: false,
        back_href: path(app, "account/"),
    }
}
