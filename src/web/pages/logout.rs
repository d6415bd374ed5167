//! `/logout`: signing this browser out. The devices of Matrix clients stay signed in (spec RPL-04).

use axum::{
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::header;

use crate::{
    app::App,
    crypto::secret::Kind,
    flows::browser,
    web::{
        frame::{PageError, html},
        pages::{
            layout, path, see_other,
            views::{LogoutPage, SignedOutPage},
        },
        request::{PageForm, Visitor, cookie},
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
    if let Some(signed_in) = &visitor.signed_in {
        browser::end(&app, signed_in).await?;
    }
    Ok(signed_out(&app, &visitor))
}

/// Says that nobody is signed in here any more, and forgets who was.
pub fn signed_out(app: &App, visitor: &Visitor) -> Response {
    let page = SignedOutPage {
        layout: layout(app, visitor.language(None)),
        login_href: Some(path(app, "login")),
        return_link: None,
    };
    forget(app, html(&page))
}

/// Lets the browser forget its cookies: whoever uses it next starts with form tokens and authorizations of their own.
pub fn forget(app: &App, response: Response) -> Response {
    let forget =
        [Kind::BrowserSession, Kind::Browser].map(|kind| (header::SET_COOKIE, cookie(app, kind, None).to_string()));
    (AppendHeaders(forget), response).into_response()
}
