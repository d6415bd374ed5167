//! `/sso` and `/sso/{login}`: an older client sends a person's browser here to get a login token (spec 12.3). Such a
//! client is not registered, so where the token goes is asked of the person (SSO-02, TRP-33).

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    domain::{refusal::Refusal, sso_login::SsoLogin},
    error::Error,
    flows::{
        sso::{approve, begin, check_person, deny, redirect_url},
        upstream,
    },
    web::{
        frame::{PageError, html, with_form_action},
        pages::{
            InProgress,
            assurance::{admit, refused},
            layout, next_path, path, path_within, see_other,
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
    let in_progress = InProgress::SsoLogin(Box::new(login));
    // SSO-01: the client let the person choose already.
    if visitor.signed_in.is_none()
        && let Some(upstream) = query.get("provider").and_then(|id| upstream::find(&app, id).ok())
    {
        let page = format!("upstream/authorize/{}", upstream.provider.id);
        return Ok(see_other(&path_within(&app, &page, Some(&in_progress))));
    }
    Ok(see_other(&next_path(&app, &visitor, Some(&in_progress)).await?))
}

/// Shows the question, to somebody who is signed in well enough.
pub async fn get(State(app): State<App>, visitor: Visitor, Segment(login): Segment) -> Result<Response, PageError> {
    let in_progress = InProgress::sso_login(&app, &visitor, &login).await?;
    let signed_in = match admit(&app, &visitor, &in_progress).await? {
        Ok(signed_in) => signed_in,
        Err(before) => return Ok(before),
    };
    let login = login_of(&in_progress)?;
    match check_person(&app, signed_in, &visitor.caller).await {
        Ok(()) => {}
        Err(Error::Refusal(Refusal::Policy(violations))) => {
            return Ok(refused(&app, &visitor, &in_progress, None, violations));
        }
        Err(error) => return Err(error.into()),
    }
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
    let signed_in = match admit(&app, &visitor, &in_progress).await? {
        Ok(signed_in) => signed_in,
        Err(before) => return Ok(before),
    };
    let login = login_of(&in_progress)?;
    visitor.check_form_as(&app, &form, signed_in)?;
    match form.get("action") {
        Some("allow") => {
            let location = approve(&app, login, signed_in, &visitor.caller).await?;
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

fn login_of(in_progress: &InProgress) -> Result<&SsoLogin, Refusal> {
    match in_progress {
        InProgress::SsoLogin(login) => Ok(login),
        _ => Err(Refusal::TransactionOver),
    }
}
