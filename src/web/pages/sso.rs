//! `/sso` and `/sso/{login}`: an older client sends a person's browser here to get a login token (spec 12.3). Such a
//! client is not registered, so where the token goes is asked of the person (SSO-02, TRP-33).

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    domain::{refusal::Refusal, sso_login::SsoLogin},
    flows::{
        browser::SignedIn,
        sso::{approve, begin, deny, redirect_url},
    },
    web::{
        frame::{PageError, html, with_form_action},
        pages::{
            InProgress, layout, next_path, path, see_other,
            views::{Destination, SsoPage},
        },
        request::{PageForm, Query, Segment, Visitor},
    },
};

/// Begins a login and shows its first page.
pub async fn start(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    if let Some(name) = query.any_repeated() {
        return Err(Refusal::repeated(name).into());
    }
    let target = redirect_url(query.get("redirectUrl"))?;
    let wants_registration = query.get("action") == Some("register");
    let login = begin(&app, &visitor.browser, target, wants_registration).await?;
    Ok(see_other(&next_path(&app, &visitor, Some(&InProgress::SsoLogin(Box::new(login)))).await?))
}

/// Shows the question, to somebody who is signed in.
pub async fn get(State(app): State<App>, visitor: Visitor, Segment(login): Segment) -> Result<Response, PageError> {
    let in_progress = InProgress::sso_login(&app, &visitor, &login).await?;
    let Some((signed_in, login)) = question(&visitor, &in_progress) else {
        return Ok(see_other(&next_path(&app, &visitor, Some(&in_progress)).await?));
    };
    let page = SsoPage {
        layout: layout(&app, visitor.language(None)),
        action: path(&app, &format!("sso/{}", login.id)),
        csrf: visitor.csrf_as(&app, signed_in),
        destination: Destination::of(&login.redirect_url).ok_or(Refusal::RedirectUriMismatch)?,
        user_id: signed_in.user.mxid(app.server_name()),
        display_name: signed_in.user.display_name.clone(),
    };
    Ok(with_form_action(&login.redirect_url, html(&page)))
}

/// Carries out the decision.
pub async fn post(
    State(app): State<App>,
    visitor: Visitor,
    Segment(login): Segment,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let in_progress = InProgress::sso_login(&app, &visitor, &login).await?;
    let Some((signed_in, login)) = question(&visitor, &in_progress) else {
        return Ok(see_other(&next_path(&app, &visitor, Some(&in_progress)).await?));
    };
    visitor.check_form_as(&app, &form, signed_in)?;
    match form.get("action") {
        Some("allow") => {
            let location = approve(&app, login, signed_in).await?;
            Ok(with_form_action(&login.redirect_url, see_other(&location)))
        }
        // SSO-04: the client is told nothing, so the person stays here.
        Some("deny") => {
            deny(&app, login).await?;
            Ok(see_other(&path(&app, "account/")))
        }
        Some("switch") => Ok(see_other(&path(&app, &format!("login?sso={}&switch=1", login.id)))),
        _ => Err(Refusal::InvalidRequest("action is missing".to_owned()).into()),
    }
}

fn question<'a>(visitor: &'a Visitor, in_progress: &'a InProgress) -> Option<(&'a SignedIn, &'a SsoLogin)> {
    match in_progress {
        InProgress::SsoLogin(login) => Some((visitor.signed_in.as_ref()?, login)),
        InProgress::Authorization { .. } | InProgress::Account(_) => None,
    }
}
