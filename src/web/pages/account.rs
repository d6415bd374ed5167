//! `/account/`: the small home of somebody who is signed in. Clients append `?action=…` to this address (ACT-02,
//! ACT-03); what is not known leads here.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    domain::client::ClientMetadata,
    error::Result,
    flows::browser::SignedIn,
    store,
    web::{
        frame::{PageError, html},
        pages::{
            language::Language,
            layout, path, see_other,
            views::{AccountPage, Moment, SessionView},
        },
        request::Visitor,
    },
};

/// Sends whoever came by the bare address to the account page.
pub async fn root(State(app): State<App>) -> Response {
    see_other(&path(&app, "account/"))
}

/// Shows the page, or the way to it.
pub async fn get(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login"))) };
    let language = visitor.language(None);
    Ok(html(&AccountPage {
        layout: layout(&app, language),
        display_name: signed_in.user.display_name.clone(),
        user_id: signed_in.user.mxid(app.server_name()),
        sessions: sessions(&app, signed_in, language).await?,
        logout_action: path(&app, "logout"),
        csrf: visitor.csrf(&app),
    }))
}

async fn sessions(app: &App, signed_in: &SignedIn, language: Language) -> Result<Vec<SessionView>> {
    let applications = store::session::list_applications(&app.db, &signed_in.user.id).await?;
    let view = |application: store::session::SignedInApplication| {
        // An app that is no OAuth client has no metadata; it may have named its device.
        let is_older_client = application.metadata.is_none();
        let metadata: Option<ClientMetadata> =
            application.metadata.and_then(|metadata| serde_json::from_str(&metadata).ok());
        let name = metadata.and_then(|metadata| metadata.name(&[language.tag()]).map(str::to_owned));
        SessionView {
            client_name: name.or(application.device_name),
            is_older_client,
            device_id: application.device_id,
            created_at: Moment(application.created_at),
            last_active_at: Some(Moment(application.last_active_at)),
        }
    };
    Ok(applications.into_iter().map(view).collect())
}
