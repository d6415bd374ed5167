//! `/logout`: signing this browser out. The devices of Matrix clients stay signed in (spec RPL-04).

use axum::{
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::header;

use crate::{
    app::App,
    crypto::secret::Kind,
    domain::refusal::Refusal,
    flows::{browser, provider_logout, upstream},
    web::{
        frame::{PageError, html},
        pages::{
            layout, path, see_other,
            views::{AtProvider, LogoutPage, SignedOutPage},
        },
        request::{PageForm, Query, Segment, Visitor, cookie, signed_out_cookie},
    },
};

/// Asks: a link must not sign anybody out.
pub async fn get(State(app): State<App>, visitor: Visitor) -> Response {
    let Some(signed_in) = &visitor.signed_in else { return see_other(&path(&app, "login")) };
    html(&LogoutPage {
        layout: layout(&app, visitor.language(None)),
        action: path(&app, "logout"),
        csrf: visitor.csrf(&app),
        user_id: signed_in.user.mxid(app.server_name()),
        cancel_href: Some(path(&app, "account/")),
    })
}

/// Signs out.
pub async fn post(State(app): State<App>, visitor: Visitor, PageForm(form): PageForm) -> Result<Response, PageError> {
    visitor.check_form(&app, &form)?;
    let mut provider = None;
    if let Some(signed_in) = &visitor.signed_in {
        provider = provider_logout::offer(&app, signed_in).await?;
        browser::end(&app, signed_in).await?;
    }
    let provider = provider.map(|offer| AtProvider::SignedIn { name: offer.name, href: offer.href });
    Ok(forget(&app, html(&page(&app, &visitor, provider))))
}

/// Says that nobody is signed in here any more, and forgets who was.
pub fn signed_out(app: &App, visitor: &Visitor) -> Response {
    forget(app, html(&page(app, visitor, None)))
}

/// Takes somebody back who signed out at the provider too (spec BCI-04).
pub async fn back(
    State(app): State<App>,
    visitor: Visitor,
    Segment(provider): Segment,
    Query(query): Query,
) -> Result<Response, PageError> {
    if let Some(name) = query.any_repeated() {
        return Err(Refusal::repeated(name).into());
    }
    let name = provider_logout::finish(&app, &provider, query.get("state")).await?;
    Ok(html(&page(&app, &visitor, Some(AtProvider::SignedOut { name }))))
}

fn page(app: &App, visitor: &Visitor, provider: Option<AtProvider>) -> SignedOutPage {
    SignedOutPage {
        layout: layout(app, visitor.language(None)),
        provider,
        login_href: Some(path(app, "login")),
        return_link: None,
    }
}

/// Lets the browser forget its cookies: whoever uses it next starts with form tokens and authorizations of their own.
pub fn forget(app: &App, response: Response) -> Response {
    let forget =
        [Kind::BrowserSession, Kind::Browser].map(|kind| (header::SET_COOKIE, cookie(app, kind, None).to_string()));
    let response = (AppendHeaders(forget), response).into_response();
    match upstream::open(app).next() {
        // UPS-13: a provider would sign the next person in at once.
        Some(_) => {
            (AppendHeaders([(header::SET_COOKIE, signed_out_cookie(app, true).to_string())]), response).into_response()
        }
        None => response,
    }
}
