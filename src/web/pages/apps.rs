//! `/account/apps`: websites and apps that know who somebody is, and hold no device; and what they may learn without asking.

use axum::{extract::State, response::Response};

use crate::{
    app::App,
    domain::{act::Act, client::ClientMetadata, scope::Scope},
    error::Result,
    flows::{browser::SignedIn, consent::counts},
    store::{self, consent::Allowed},
    web::{
        frame::{PageError, html},
        pages::{
            acts, consent,
            devices::{self, Listed},
            layout, path, see_other,
            views::{Moment, account::AppsPage, authorization::AllowedView},
        },
        request::{Query, Visitor},
    },
};

/// Shows a page of the list.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=apps"))) };
    let Listed { sessions, more_href, first_href } = devices::list(&app, &visitor, signed_in, &query, true).await?;
    let allowed = match first_href {
        None => allowed(&app, &visitor, signed_in).await?,
        Some(_) => Vec::new(),
    };
    let layout = layout(&app, visitor.language(None));
    Ok(html(&AppsPage {
        notice: acts::notice(&layout, &query),
        layout,
        allowed,
        sessions,
        more_href,
        first_href,
        devices_href: path(&app, "account/devices"),
        back_href: path(&app, "account/"),
    }))
}

/// Lists what apps may learn without asking; what they would ask about again is not there.
async fn allowed(app: &App, visitor: &Visitor, signed_in: &SignedIn) -> Result<Vec<AllowedView>> {
    let rows = store::consent::list(&app.db, &signed_in.user.id).await?;
    Ok(rows.into_iter().filter_map(|row| view(app, visitor, row)).collect())
}

fn view(app: &App, visitor: &Visitor, row: Allowed) -> Option<AllowedView> {
    let metadata: ClientMetadata = serde_json::from_str(&row.metadata).ok()?;
    let languages = visitor.client_languages(None);
    let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
    counts(&row, &metadata).then(|| AllowedView {
        name: metadata.name(&languages).map(str::to_owned),
        destination: row.destination,
        access: consent::access(&Scope::parse(&row.scope).unwrap_or_default()),
        since: Moment(row.created_at),
        withdraw_href: acts::confirm_path(app, Act::WithdrawConsent, Some(row.client_id.as_str())),
    })
}

/// Gives what an app is called that was allowed something; nothing for any other.
///
/// # Errors
/// When the store fails.
pub async fn name(app: &App, visitor: &Visitor, signed_in: &SignedIn, id: &str) -> Result<Option<String>> {
    let rows = store::consent::list(&app.db, &signed_in.user.id).await?;
    let row = rows.into_iter().find(|row| row.client_id.as_str() == id);
    Ok(row.and_then(|row| view(app, visitor, row)).map(|view| view.title().to_owned()))
}
