//! What people see. The structs of `views.rs` say what a page shows; a handler here decides it.

pub mod account;
mod assets;
pub mod authorize;
pub mod consent;
pub mod language;
pub mod login;
pub mod logout;
pub mod register;
pub mod views;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use crate::{
    app::App,
    crypto::secret::Kind,
    domain::{
        grant::Grant,
        id::{GrantId, UserId},
        params::Params,
        refusal::Refusal,
    },
    error::Result,
    flows::{
        authorize::{self as flow, Step},
        browser,
    },
    store::client::Client,
    web::{
        frame::PageError,
        pages::{
            language::Language,
            views::{ClientView, Destination, HttpsLink, Layout},
        },
        request::{Visitor, cookie},
    },
};

/// Serves one of the embedded files; its name changes with its content, so it can be kept for ever.
pub async fn asset(Path(file): Path<String>) -> Response {
    match assets::find(&format!("assets/{file}")) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, asset.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Answers an address that leads nowhere.
pub async fn not_found() -> PageError {
    Refusal::NotFound.into()
}

/// Answers a method that a page does not take.
pub async fn method_not_allowed() -> PageError {
    Refusal::MethodNotAllowed.into()
}

/// Gives what surrounds every page.
pub fn layout(app: &App, language: Language) -> Layout {
    let branding = &app.config.branding;
    let name = branding.service_name.clone().unwrap_or_else(|| app.server_name().to_owned());
    let link = |uri: &Option<crate::config::WebUrl>| uri.as_ref().and_then(|uri| HttpsLink::parse(uri.as_str()));
    let mut layout = Layout::new(language, app.config.http.public_base.path(), name);
    layout.policy_uri = link(&branding.policy_uri);
    layout.tos_uri = link(&branding.tos_uri);
    layout.imprint = branding.imprint.clone();
    layout
}

/// Gives the path of one of our pages, below the public base (INV-10).
pub fn path(app: &App, page: &str) -> String {
    format!("{}{page}", app.config.http.public_base.path())
}

/// Gives the path of a page that carries on an authorization, or stands alone.
fn path_with_grant(app: &App, page: &str, grant: Option<&GrantId>) -> String {
    match grant {
        Some(grant) => path(app, &format!("{page}?grant={grant}")),
        None => path(app, page),
    }
}

/// Sends the browser on with 303, which never repeats a form (AUT-07).
fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        // Registered redirect URIs are ASCII; anything else never got this far.
        Err(_) => PageError::from(Refusal::RedirectUriMismatch).into_response(),
    }
}

/// The authorization that a page carries on.
struct InProgress {
    grant: Grant,
    client: Client,
}

impl InProgress {
    /// Finds the authorization named by `grant` in a query; nothing when none is named.
    async fn named(app: &App, visitor: &Visitor, params: &Params) -> Result<Option<Self>> {
        match params.get("grant") {
            None => Ok(None),
            Some(id) => {
                let id = GrantId::read(id).ok_or(Refusal::TransactionOver)?;
                Self::find(app, visitor, &id).await.map(Some)
            }
        }
    }

    async fn find(app: &App, visitor: &Visitor, id: &GrantId) -> Result<Self> {
        let (grant, client) = flow::find(app, id, &visitor.browser).await?;
        Ok(Self { grant, client })
    }

    fn client_view(&self, visitor: &Visitor) -> Option<ClientView> {
        let languages = visitor.client_languages(self.grant.ui_locales.as_deref());
        let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
        let name = self.client.metadata.name(&languages).map(str::to_owned);
        let destination = Destination::of(&self.grant.redirect_uri)?;
        Some(ClientView { name, destination })
    }
}

/// Gives the page that an authorization needs next; the account page when there is none.
fn next_path(app: &App, visitor: &Visitor, in_progress: Option<&InProgress>) -> String {
    let Some(in_progress) = in_progress else { return path(app, "account/") };
    let id = &in_progress.grant.id;
    match flow::next_step(app, &in_progress.grant, visitor.signed_in.as_ref()) {
        Step::Register => path_with_grant(app, "register", Some(id)),
        Step::Login => path_with_grant(app, "login", Some(id)),
        Step::Consent => path(app, &format!("consent/{id}")),
    }
}

/// Gives where a browser goes that was just signed in.
fn path_after_login(app: &App, in_progress: Option<&InProgress>) -> String {
    match in_progress {
        Some(in_progress) => path(app, &format!("consent/{}", in_progress.grant.id)),
        None => path(app, "account/"),
    }
}

/// Signs the browser in with a new cookie, and sends it on.
async fn sign_in(app: &App, visitor: &Visitor, user: &UserId, in_progress: Option<&InProgress>) -> Result<Response> {
    let secret = browser::start(app, user, visitor.signed_in.as_ref(), &visitor.caller).await?;
    let set_cookie = cookie(app, Kind::BrowserSession, Some(&secret)).to_string();
    let location = path_after_login(app, in_progress);
    Ok(([(header::SET_COOKIE, set_cookie)], see_other(&location)).into_response())
}
