//! What stands before a page where the login of whoever is signed in is not enough for it, or the policies refuse: a new
//! login, the page that says what is missing, or the page that says what is not allowed.

use axum::{
    RequestExt,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    domain::{
        act::Act,
        amr::Acr,
        assurance::Standing,
        params::Params,
        policy::{Decision, Violations},
    },
    error::Result,
    flows::browser::SignedIn,
    web::{
        frame::{PageError, html},
        pages::{
            InProgress, layout, next_path, path, path_within, see_other, standing,
            views::policy::{LackingPage, Refuse, RefusedPage},
        },
        request::{Admitted, Visitor},
        routes::{Needs, Page},
    },
};

/// Stands before each page of the account. A login that has to be made anew counts as none: the page then leads to the
/// login, and that leads back to the page. Whoever lacks what is required gets to where they can add it, and nowhere else.
pub async fn gate(State((app, page)): State<(App, &'static Page)>, mut request: Request, next: Next) -> Response {
    match admission(&app, page, &mut request).await {
        Ok(Some(admitted)) => {
            request.extensions_mut().insert(admitted);
            next.run(request).await
        }
        Ok(None) => next.run(request).await,
        Err(answer) => *answer,
    }
}

/// Nothing where nobody is signed in.
async fn admission(app: &App, page: &Page, request: &mut Request) -> Result<Option<Admitted>, Box<Response>> {
    let visitor = request.extract_parts_with_state::<Visitor, App>(app).await;
    let visitor = visitor.map_err(|error| Box::new(error.into_response()))?;
    let standing = standing(app, &visitor, None).await;
    Ok(match standing.map_err(|error| Box::new(PageError::from(error).into_response()))? {
        None => None,
        Some(Standing::Enough) => Some(Admitted { signed_in: visitor.signed_in, lacking: None }),
        Some(Standing::Again(_)) => Some(Admitted { signed_in: None, lacking: None }),
        Some(Standing::Lacking(wanted)) if adds_factor(page, request) => {
            Some(Admitted { signed_in: visitor.signed_in, lacking: Some(wanted) })
        }
        Some(Standing::Lacking(wanted)) => return Err(Box::new(lacking(app, &visitor, None, wanted))),
    })
}

/// Tells whether a page is on the way to a new factor.
fn adds_factor(page: &Page, request: &Request) -> bool {
    let adds = |act: Act| matches!(act, Act::AddPasskey | Act::AddTotp);
    match page.needs {
        Needs::Proof(act) => adds(act),
        Needs::SignedIn if page.path == "/account/confirm" => {
            let query = Params::parse(request.uri().query().unwrap_or_default().as_bytes());
            query.get("act").and_then(Act::parse).is_some_and(adds)
        }
        Needs::SignedIn => matches!(page.path, "/account/security" | "/account/totp"),
        Needs::Nothing | Needs::InProgress => false,
    }
}

/// Gives who is signed in well enough to be asked for a decision, or the page that comes before.
///
/// # Errors
/// `Policy` when nobody may use this login.
pub(super) async fn admit<'a>(
    app: &App,
    visitor: &'a Visitor,
    in_progress: &InProgress,
) -> Result<Result<&'a SignedIn, Response>> {
    if visitor.signed_in.as_ref().is_some_and(|signed_in| in_progress.needs_choice(signed_in)) {
        return Ok(Err(see_other(&next_path(app, visitor, Some(in_progress)).await?)));
    }
    Ok(match (standing(app, visitor, Some(in_progress)).await?, &visitor.signed_in) {
        (Some(Standing::Enough), Some(signed_in)) => Ok(signed_in),
        (Some(Standing::Lacking(wanted)), _) => Err(lacking(app, visitor, Some(in_progress), wanted)),
        // Whoever is no longer signed in decides nothing, and is only sent to sign in.
        _ => Err(see_other(&next_path(app, visitor, Some(in_progress)).await?)),
    })
}

fn lacking(app: &App, visitor: &Visitor, in_progress: Option<&InProgress>, wanted: Acr) -> Response {
    let page = LackingPage {
        layout: layout(app, visitor.language(in_progress.and_then(InProgress::ui_locales))),
        wanted,
        user_id: visitor.signed_in.as_ref().map(|signed_in| signed_in.user.mxid(app.server_name())),
        client: in_progress.and_then(|in_progress| in_progress.client_view(visitor)),
        security_href: path(app, "account/security"),
        switch_href: switch_path(app, in_progress),
    };
    (StatusCode::FORBIDDEN, html(&page)).into_response()
}

/// Answers where the policies do not let an app have what somebody was to be asked for.
pub(super) fn refused(
    app: &App,
    visitor: &Visitor,
    in_progress: &InProgress,
    refuse: Option<Refuse>,
    violations: Violations,
) -> Response {
    let has_too_many_devices = violations.decision == Decision::CompatLogin;
    let page = RefusedPage {
        layout: layout(app, visitor.language(in_progress.ui_locales())),
        violations,
        refuse,
        return_link: None,
        devices_href: has_too_many_devices.then(|| path(app, "account/devices")),
        switch_href: Some(switch_path(app, Some(in_progress))),
    };
    (StatusCode::FORBIDDEN, html(&page)).into_response()
}

/// The login at which another account can be chosen.
fn switch_path(app: &App, in_progress: Option<&InProgress>) -> String {
    let login = path_within(app, "login", in_progress);
    format!("{login}{}switch=1", if login.contains('?') { '&' } else { '?' })
}
