//! `/account/`: the home of somebody who is signed in, from which everything else is reached: by the links on it, and by
//! what clients, logins and homeservers put behind its address (ACT-02, ACT-03). A link only leads somewhere (ACT-05).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    domain::{account_action::AccountAction, act::Act, device::is_device_id, id::SessionId, params::Params},
    error::Result,
    flows::browser::SignedIn,
    store,
    web::{
        frame::{PageError, html},
        pages::{
            InProgress, acts, layout, path, path_within, see_other,
            views::account::{AccountPage, Outcome, OutcomePage},
        },
        request::{Query, Visitor},
    },
};

/// The pages to which a login comes back by name (WEB-06).
const PAGES: [&str; 8] = ["profile", "emails", "password", "security", "devices", "apps", "events", "deactivate"];

/// Sends whoever came by the bare address to the account page.
pub async fn root(State(app): State<App>) -> Response {
    see_other(&path(&app, "account/"))
}

/// Leads password managers to where a password is changed (W3C "A Well-Known URL for Changing Passwords").
pub async fn change_password(State(app): State<App>) -> Response {
    see_other(&acts::confirm_path(&app, Act::ChangePassword, None))
}

/// Shows the page, or leads to another one.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else {
        return Ok(see_other(&path_within(&app, "login", InProgress::account(&query).as_ref())));
    };
    Ok(match way(&app, signed_in, &query).await? {
        Way::Here => home(&app, &visitor, signed_in, &query),
        Way::To(address) => see_other(&address),
        Way::NoDevice => no_device(&app, &visitor),
    })
}

fn home(app: &App, visitor: &Visitor, signed_in: &SignedIn, query: &Params) -> Response {
    let layout = layout(app, visitor.language(None));
    html(&AccountPage {
        notice: acts::notice(&layout, query),
        layout,
        display_name: signed_in.user.display_name.clone(),
        user_id: signed_in.user.mxid(app.server_name()),
        base_href: path(app, "account/"),
        logout_action: path(app, "logout"),
        csrf: visitor.csrf(app),
    })
}

/// Tells an outcome that no other page tells.
pub fn outcome(app: &App, visitor: &Visitor, status: StatusCode, outcome: Outcome, href: Option<String>) -> Response {
    let page = OutcomePage { layout: layout(app, visitor.language(None)), outcome, href };
    (status, html(&page)).into_response()
}

/// Answers for a device that is not there exactly as for somebody else's (ACT-06).
pub fn no_device(app: &App, visitor: &Visitor) -> Response {
    outcome(app, visitor, StatusCode::NOT_FOUND, Outcome::NoDevice, Some(path(app, "account/devices")))
}

/// Where a query leads.
enum Way {
    Here,
    To(String),
    /// It names a device that is not there, or somebody else's (ACT-06).
    NoDevice,
}

async fn way(app: &App, signed_in: &SignedIn, query: &Params) -> Result<Way> {
    if let Some(action) = query.get("action") {
        return match AccountAction::parse(action) {
            Some(action) => way_of_action(app, signed_in, action, query.get("device_id")).await,
            None => Ok(Way::Here),
        };
    }
    let page = |page: &str| Way::To(path(app, &format!("account/{page}")));
    let target = query.get("target");
    Ok(match (query.get("act").and_then(Act::parse), query.get("to")) {
        (Some(act), _) => Way::To(acts::confirm_path(app, act, target.filter(|_| act.has_target()))),
        (None, Some("device")) => match target.and_then(SessionId::read) {
            Some(id) => page(&format!("devices/{id}")),
            None => Way::NoDevice,
        },
        (None, Some(name)) => PAGES.into_iter().find(|known| *known == name).map_or(Way::Here, page),
        (None, None) => Way::Here,
    })
}

async fn way_of_action(app: &App, signed_in: &SignedIn, action: AccountAction, device_id: Option<&str>) -> Result<Way> {
    let page = |page: &str| Ok(Way::To(path(app, &format!("account/{page}"))));
    match action {
        AccountAction::Profile => return page("profile"),
        AccountAction::DevicesList => return page("devices"),
        AccountAction::AccountDeactivate => return page("deactivate"),
        AccountAction::CrossSigningReset if app.homeserver.is_none() => return Ok(Way::Here),
        AccountAction::CrossSigningReset => return page("cross-signing-reset"),
        AccountAction::DeviceView | AccountAction::DeviceDelete => {}
    }
    let Some(device_id) = device_id else { return page("devices") };
    let found = match is_device_id(device_id) {
        true => store::session::find_on_device(&app.db, &signed_in.user.id, device_id, app.clock.now()).await?,
        false => None,
    };
    Ok(match (found, action) {
        (None, _) => Way::NoDevice,
        (Some(id), AccountAction::DeviceDelete) => Way::To(acts::confirm_path(app, Act::EndSession, Some(id.as_str()))),
        (Some(id), _) => Way::To(path(app, &format!("account/devices/{id}"))),
    })
}
