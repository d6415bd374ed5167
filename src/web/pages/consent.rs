//! `/consent/{grant}`: who asks, what for, and as whom (spec area 3.6). Nothing is decided by looking at it.

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::header;

use crate::{
    app::App,
    domain::{
        id::GrantId,
        redirect_uri::csp_source,
        refusal::Refusal,
        scope::{EMAIL, PROFILE, Scope},
        user::mxid,
    },
    error::Result,
    flows::{
        authorize::{approve, deny},
        browser::SignedIn,
    },
    web::{
        frame::{PageError, content_security_policy, html},
        pages::{
            InProgress, layout, next_path, path, see_other,
            views::{Access, ConsentPage, HttpsLink},
        },
        request::{PageForm, Visitor},
    },
};

/// Shows the question, to somebody who is signed in recently enough.
pub async fn get(State(app): State<App>, visitor: Visitor, Path(grant): Path<String>) -> Result<Response, PageError> {
    let in_progress = InProgress::find(&app, &visitor, &GrantId::read(&grant).ok_or(Refusal::TransactionOver)?).await?;
    let Some(signed_in) = acceptable(&app, &visitor, &in_progress) else {
        return Ok(see_other(&next_path(&app, &visitor, Some(&in_progress))));
    };
    let page = page(&app, &visitor, &in_progress, signed_in)?;
    Ok(with_policy(&in_progress.grant.redirect_uri, html(&page)))
}

/// Carries out the decision.
pub async fn post(
    State(app): State<App>,
    visitor: Visitor,
    Path(grant): Path<String>,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let in_progress = InProgress::find(&app, &visitor, &GrantId::read(&grant).ok_or(Refusal::TransactionOver)?).await?;
    let Some(signed_in) = acceptable(&app, &visitor, &in_progress) else {
        // Whoever is no longer signed in decides nothing, and is only sent to sign in.
        return Ok(see_other(&next_path(&app, &visitor, Some(&in_progress))));
    };
    visitor.check_form_as(&app, &form, signed_in)?;
    let response = match form.get("action") {
        Some("allow") => approve(&app, &in_progress.grant, signed_in).await?,
        Some("deny") => deny(&app, &in_progress.grant).await?,
        Some("switch") => {
            let login = format!("login?grant={}&switch=1", in_progress.grant.id);
            return Ok(see_other(&path(&app, &login)));
        }
        _ => return Err(Refusal::InvalidRequest("action is missing".to_owned()).into()),
    };
    Ok(with_policy(&in_progress.grant.redirect_uri, see_other(&response.location())))
}

fn acceptable<'a>(app: &App, visitor: &'a Visitor, in_progress: &InProgress) -> Option<&'a SignedIn> {
    let now = app.clock.now();
    visitor.signed_in.as_ref().filter(|signed_in| in_progress.grant.accepts_login_of(signed_in.auth_time, now))
}

fn page(app: &App, visitor: &Visitor, in_progress: &InProgress, signed_in: &SignedIn) -> Result<ConsentPage, Refusal> {
    let InProgress { grant, client } = in_progress;
    let language = visitor.language(grant.ui_locales.as_deref());
    let languages = visitor.client_languages(grant.ui_locales.as_deref());
    let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
    let link = |uri: Option<&str>| uri.and_then(HttpsLink::parse);
    let hinted = grant
        .hinted_localpart(app.server_name())
        .filter(|localpart| *localpart != signed_in.user.username)
        .map(|localpart| mxid(localpart, app.server_name()));
    Ok(ConsentPage {
        layout: layout(app, language),
        action: path(app, &format!("consent/{}", grant.id)),
        csrf: visitor.csrf_as(app, signed_in),
        client: in_progress.client_view(visitor).ok_or(Refusal::RedirectUriMismatch)?,
        client_uri: link(client.metadata.client_uri.as_deref()),
        tos_uri: link(client.metadata.tos_uri(&languages)),
        policy_uri: link(client.metadata.policy_uri(&languages)),
        user_id: signed_in.user.mxid(app.server_name()),
        display_name: signed_in.user.display_name.clone(),
        access: access(&Scope::parse(&grant.scope).unwrap_or_default()),
        hinted_user_id: hinted,
    })
}

fn access(scope: &Scope) -> Vec<Access> {
    let mut access = Vec::new();
    if let Some(device_id) = scope.device_id() {
        access.push(Access::Matrix { device_id: device_id.to_owned() });
    }
    if scope.wants_server_admin() {
        access.push(Access::ServerAdministration);
    }
    if scope.is_openid() {
        access.push(Access::Openid);
    }
    if scope.contains(PROFILE) {
        access.push(Access::Profile);
    }
    if scope.contains(EMAIL) {
        access.push(Access::Email);
    }
    access
}

/// Chromium holds the redirect that follows a form to the page's `form-action`, so the client's origin has to be in it
/// (WEB-03, TRP-17). Where a policy cannot name the origin, the directive is left out.
fn with_policy(redirect_uri: &str, response: Response) -> Response {
    let form_action = csp_source(redirect_uri).map(|source| format!("form-action 'self' {source}; "));
    let policy = content_security_policy(form_action.as_deref().unwrap_or_default());
    ([(header::CONTENT_SECURITY_POLICY, policy)], response).into_response()
}
