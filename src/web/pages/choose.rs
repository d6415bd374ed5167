//! `/choose/{grant}`: with which account to go on, where an app asks for that, or for somebody else than is signed in (PRM-02,
//! HNT-01). The consent cannot be reached before.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    domain::{grant::Grant, refusal::Refusal, user::mxid},
    flows::{
        authorize::{choose, decline},
        browser::SignedIn,
        register,
    },
    web::{
        frame::{PageError, html, with_form_action},
        pages::{
            InProgress,
            authorize::answered,
            layout, next_path, path, see_other,
            views::{ClientView, authorization::ChoosePage},
        },
        request::{PageForm, Segment, Visitor},
    },
};

/// Shows the accounts, to somebody who has to choose.
pub async fn get(State(app): State<App>, visitor: Visitor, Segment(grant): Segment) -> Result<Response, PageError> {
    let in_progress = InProgress::authorization(&app, &visitor, &grant).await?;
    let (Some(signed_in), Some(grant)) = (&visitor.signed_in, in_progress.grant()) else {
        return Ok(see_other(&next_path(&app, &visitor, Some(&in_progress)).await?));
    };
    if !in_progress.needs_choice(signed_in) {
        return Ok(see_other(&next_path(&app, &visitor, Some(&in_progress)).await?));
    }
    let client = in_progress.client_view(&visitor).ok_or(Refusal::RedirectUriMismatch)?;
    let response = html(&page(&app, &visitor, signed_in, grant, client));
    Ok(with_form_action(&grant.redirect_uri, response))
}

/// Goes on with the account that is signed in, or back to the app.
pub async fn post(
    State(app): State<App>,
    visitor: Visitor,
    Segment(grant): Segment,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let in_progress = InProgress::authorization(&app, &visitor, &grant).await?;
    let (Some(signed_in), Some(grant)) = (&visitor.signed_in, in_progress.grant()) else {
        return Ok(see_other(&next_path(&app, &visitor, Some(&in_progress)).await?));
    };
    visitor.check_form_as(&app, &form, signed_in)?;
    let is_for_another = grant.is_for_another(&signed_in.user.id);
    match form.get("action") {
        Some("continue") if !is_for_another => {
            choose(&app, grant, signed_in).await?;
            Ok(see_other(&in_progress.question_path(&app)))
        }
        Some("deny") => {
            let refusal = if is_for_another { Refusal::LoginRequired } else { Refusal::AccessDenied };
            Ok(answered(&app, &visitor, grant, &decline(&app, grant, &refusal).await?))
        }
        _ => Err(Refusal::InvalidRequest("action is missing".to_owned()).into()),
    }
}

fn page(app: &App, visitor: &Visitor, signed_in: &SignedIn, grant: &Grant, client: ClientView) -> ChoosePage {
    let is_for_another = grant.is_for_another(&signed_in.user.id);
    let hinted = grant.hinted_localpart(app.server_name()).filter(|localpart| *localpart != signed_in.user.username);
    ChoosePage {
        layout: layout(app, visitor.language(grant.ui_locales.as_deref())),
        action: path(app, &format!("choose/{}", grant.id)),
        csrf: visitor.csrf_as(app, signed_in),
        client,
        user_id: signed_in.user.mxid(app.server_name()),
        is_for_another,
        hinted_user_id: hinted.map(|localpart| mxid(localpart, app.server_name())),
        switch_href: path(app, &format!("login?grant={}&switch=1", grant.id)),
        register_href: register::is_open(app).then(|| path(app, &format!("register?grant={}", grant.id))),
    }
}
