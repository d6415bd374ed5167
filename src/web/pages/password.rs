//! `/account/password`: another password, or the first one, for somebody who has confirmed that (spec ACT-09).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

use crate::{
    app::App,
    crypto::secret::Kind,
    domain::{act::Act, factor::FactorProblem, params::Params, refusal::Refusal},
    error::{Error, Result},
    flows::{browser::SignedIn, password, prove},
    web::{
        frame::{PageError, html},
        pages::{
            acts, layout, path, see_other,
            views::{PasswordError, recover::PasswordPage},
        },
        request::{PageForm, Query, Visitor, cookie},
    },
};

/// Shows the form.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = proved(&app, &visitor, &query).await? else {
        return Ok(see_other(&acts::confirm_path(&app, Act::ChangePassword, None)));
    };
    Ok(html(&page(&app, &visitor, signed_in, &query)))
}

/// Changes the password.
pub async fn post(State(app): State<App>, visitor: Visitor, PageForm(form): PageForm) -> Result<Response, PageError> {
    let confirm = || see_other(&acts::confirm_path(&app, Act::ChangePassword, None));
    let Some(signed_in) = &visitor.signed_in else { return Ok(confirm()) };
    visitor.check_form_as(&app, &form, signed_in)?;
    // Without a proof nothing is hashed (INV-08).
    if proved(&app, &visitor, &form).await?.is_none() {
        return Ok(confirm());
    }
    let page = page(&app, &visitor, signed_in, &form);
    let chosen = password::choose(&app, &signed_in.user.username, form.get("password").unwrap_or_default())?;
    let chosen = match chosen {
        Ok(chosen) => chosen,
        Err(problem) => {
            let page = PasswordPage { password_error: Some(PasswordError::from(problem)), ..page };
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response());
        }
    };
    match password::change(&app, signed_in, &page.proof, chosen, page.ends_apps, &visitor.caller).await {
        Ok(secret) => {
            let set_cookie = cookie(&app, Kind::BrowserSession, Some(&secret)).to_string();
            let next = see_other(&acts::done_path(&app, Act::ChangePassword));
            Ok(([(header::SET_COOKIE, set_cookie)], next).into_response())
        }
        Err(Error::Refusal(Refusal::Factor(FactorProblem::ProofNeeded))) => Ok(confirm()),
        Err(Error::Refusal(Refusal::Busy)) => {
            let page = PasswordPage { is_busy: true, ..page };
            Ok((StatusCode::SERVICE_UNAVAILABLE, html(&page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives who is signed in, if they have confirmed that they want to change the password.
async fn proved<'a>(app: &App, visitor: &'a Visitor, params: &Params) -> Result<Option<&'a SignedIn>> {
    if !app.config.passwords.enabled {
        return Err(Refusal::PasswordsDisabled.into());
    }
    let Some(signed_in) = &visitor.signed_in else { return Ok(None) };
    let act = Act::ChangePassword;
    let is_proved = prove::is_proved(app, &visitor.browser, signed_in, act, None, params.get("proof")).await?;
    Ok(is_proved.then_some(signed_in))
}

fn page(app: &App, visitor: &Visitor, signed_in: &SignedIn, params: &Params) -> PasswordPage {
    PasswordPage {
        layout: layout(app, visitor.language(None)),
        action: path(app, "account/password"),
        csrf: visitor.csrf_as(app, signed_in),
        proof: params.get("proof").unwrap_or_default().to_owned(),
        username: signed_in.user.username.clone(),
        ends_apps: params.get("apps") == Some("end"),
        password_error: None,
        is_busy: false,
        back_href: path(app, "account/security"),
    }
}
