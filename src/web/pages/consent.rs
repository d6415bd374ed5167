//! `/consent/{grant}`: who asks, what for, and as whom (spec area 3.6). Nothing is decided by looking at it.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    domain::{
        grant::Grant,
        refusal::Refusal,
        scope::{EMAIL, OFFLINE_ACCESS, PROFILE, Scope},
        user::mxid,
    },
    error::Error,
    flows::{
        authorize::{approve, check_person, deny, settle, wanted},
        browser::SignedIn,
    },
    store::client::Client,
    web::{
        frame::{PageError, html, with_form_action},
        pages::{
            InProgress,
            assurance::{admit, refused},
            authorize::answered,
            layout, path, see_other,
            views::{Access, ClientView, ConsentPage, HttpsLink, policy::Refuse},
        },
        request::{PageForm, Segment, Visitor},
    },
};

/// Shows the question, to somebody who is signed in well enough; where nobody has to be asked the app has its answer at once.
pub async fn get(State(app): State<App>, visitor: Visitor, Segment(grant): Segment) -> Result<Response, PageError> {
    let in_progress = InProgress::authorization(&app, &visitor, &grant).await?;
    let signed_in = match admit(&app, &visitor, &in_progress).await? {
        Ok(signed_in) => signed_in,
        Err(before) => return Ok(before),
    };
    let (grant, client) = parts(&in_progress)?;
    let client_view = in_progress.client_view(&visitor).ok_or(Refusal::RedirectUriMismatch)?;
    let response = match check_person(&app, grant, client, signed_in, &visitor.caller) {
        Ok(()) => match settle(&app, grant, client, signed_in, &visitor.caller).await? {
            Some(response) => return Ok(answered(&app, &visitor, grant, &response)),
            None => html(&page(&app, &visitor, signed_in, grant, client, client_view)),
        },
        Err(Error::Refusal(Refusal::Policy(violations))) => {
            let refuse = Refuse {
                action: path(&app, &format!("consent/{}", grant.id)),
                csrf: visitor.csrf_as(&app, signed_in),
                client: Some(client_view),
            };
            refused(&app, &visitor, &in_progress, Some(refuse), violations)
        }
        Err(error) => return Err(error.into()),
    };
    Ok(with_form_action(&grant.redirect_uri, response))
}

/// Carries out the decision.
pub async fn post(
    State(app): State<App>,
    visitor: Visitor,
    Segment(grant): Segment,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let in_progress = InProgress::authorization(&app, &visitor, &grant).await?;
    let signed_in = match admit(&app, &visitor, &in_progress).await? {
        Ok(signed_in) => signed_in,
        Err(before) => return Ok(before),
    };
    let (grant, client) = parts(&in_progress)?;
    visitor.check_form_as(&app, &form, signed_in)?;
    let response = match form.get("action") {
        Some("allow") => approve(&app, grant, client, signed_in, &visitor.caller).await?,
        Some("deny") => deny(&app, grant).await?,
        Some("switch") => {
            let login = format!("login?grant={}&switch=1", grant.id);
            return Ok(see_other(&path(&app, &login)));
        }
        _ => return Err(Refusal::InvalidRequest("action is missing".to_owned()).into()),
    };
    Ok(answered(&app, &visitor, grant, &response))
}

fn parts(in_progress: &InProgress) -> Result<(&Grant, &Client), Refusal> {
    match in_progress {
        InProgress::Authorization { grant, client } => Ok((grant, client)),
        _ => Err(Refusal::TransactionOver),
    }
}

fn page(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    grant: &Grant,
    client: &Client,
    client_view: ClientView,
) -> ConsentPage {
    let language = visitor.language(grant.ui_locales.as_deref());
    let languages = visitor.client_languages(grant.ui_locales.as_deref());
    let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
    let link = |uri: Option<&str>| uri.and_then(HttpsLink::parse);
    let hinted = grant
        .hinted_localpart(app.server_name())
        .filter(|localpart| *localpart != signed_in.user.username)
        .map(|localpart| mxid(localpart, app.server_name()));
    ConsentPage {
        layout: layout(app, language),
        action: path(app, &format!("consent/{}", grant.id)),
        csrf: visitor.csrf_as(app, signed_in),
        client: client_view,
        client_uri: link(client.metadata.client_uri.as_deref()),
        tos_uri: link(client.metadata.tos_uri(&languages)),
        policy_uri: link(client.metadata.policy_uri(&languages)),
        user_id: signed_in.user.mxid(app.server_name()),
        display_name: signed_in.user.display_name.clone(),
        access: access(&wanted(grant, client).scope()),
        is_remembered: wanted(grant, client).consent(&signed_in.user.id, 0).is_some(),
        hinted_user_id: hinted,
    }
}

/// Says in a person's words what a scope gives.
pub fn access(scope: &Scope) -> Vec<Access> {
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
    if scope.contains(OFFLINE_ACCESS) {
        access.push(Access::Offline);
    }
    access
}
