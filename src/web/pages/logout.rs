//! `/logout`, and `/oauth2/logout`, where applications send people (OpenID Connect RP-Initiated Logout §2): signing this
//! browser out. The devices of Matrix apps stay signed in (spec RPL-04).

use axum::{
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::header;

use crate::{
    app::App,
    crypto::secret::Kind,
    domain::{act::Act, params::Params, refusal::Refusal},
    error::Result,
    flows::{
        browser::SignedIn,
        logout::{self, Wanted},
        provider_logout::{self, Offer},
        upstream,
    },
    web::{
        frame::{PageError, html, with_form_action},
        pages::{
            acts::confirm_path,
            layout, path, see_other,
            views::{
                Destination, ReturnLink,
                logout::{AtProvider, LogoutPage, SignedOutPage},
            },
        },
        request::{FormBody, PageForm, Query, Segment, Visitor, cookie, signed_out_cookie},
    },
};

/// What an application may say, which the question carries on.
const CARRIED: [&str; 5] = ["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales"];

/// Asks: a link must not sign anybody out.
pub async fn get(State(app): State<App>, visitor: Visitor) -> Response {
    match &visitor.signed_in {
        Some(signed_in) => question(&app, &visitor, signed_in, &Params::default(), &NOBODY),
        None => see_other(&path(&app, "login")),
    }
}

/// What is wanted where no application asks.
const NOBODY: Wanted = Wanted { client: None, return_to: None, is_certain: false, is_doubtful: false };

/// Signs out.
pub async fn post(State(app): State<App>, visitor: Visitor, PageForm(form): PageForm) -> Result<Response, PageError> {
    visitor.check_form(&app, &form)?;
    let wanted = logout::judge(&app, &form, visitor.signed_in.as_ref()).await?;
    match &visitor.signed_in {
        // It costs the keys of every device, so whoever is there shows it first (INV-06).
        Some(_) if form.get("everywhere").is_some() => Ok(see_other(&confirm_path(&app, Act::SignOutEverywhere, None))),
        Some(signed_in) => Ok(leave(&app, &visitor, signed_in, &form, wanted).await?),
        None => Ok(out(&app, &visitor, &form, wanted, None)),
    }
}

/// Does what an application wants, or asks whether to (RPL-01).
pub async fn end_session(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let wanted = logout::judge(&app, &query, visitor.signed_in.as_ref()).await?;
    match &visitor.signed_in {
        Some(signed_in) if wanted.is_certain => Ok(leave(&app, &visitor, signed_in, &query, wanted).await?),
        Some(signed_in) => Ok(question(&app, &visitor, signed_in, &query, &wanted)),
        None => Ok(out(&app, &visitor, &query, wanted, None)),
    }
}

/// Turns the form of an application into the same request by GET: a form from another site arrives without our cookies, and
/// the redirect brings them.
pub async fn post_end_session(State(app): State<App>, FormBody(body): FormBody) -> Response {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(form_urlencoded::parse(&body)).finish();
    see_other(&path(&app, &format!("oauth2/logout?{query}")))
}

fn question(app: &App, visitor: &Visitor, signed_in: &SignedIn, params: &Params, wanted: &Wanted) -> Response {
    let languages = visitor.client_languages(params.get("ui_locales"));
    let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
    let name = |client: &crate::store::client::Client| {
        client.metadata.name(&languages).map(str::to_owned).or_else(|| client.metadata.host())
    };
    let page = html(&LogoutPage {
        layout: layout(app, visitor.language(params.get("ui_locales"))),
        action: path(app, "logout"),
        csrf: visitor.csrf(app),
        user_id: signed_in.user.mxid(app.server_name()),
        client_name: wanted.client.as_ref().and_then(name),
        destination: wanted.return_to.as_deref().and_then(Destination::of),
        carried: CARRIED.iter().filter_map(|name| Some((*name, params.get(name)?.to_owned()))).collect(),
        cancel_href: Some(path(app, "account/")),
    });
    match &wanted.return_to {
        Some(location) => with_form_action(location, page),
        None => page,
    }
}

/// Signs whoever is signed in out, and goes on.
async fn leave(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    params: &Params,
    wanted: Wanted,
) -> Result<Response> {
    let provider = logout::sign_out(app, signed_in).await?;
    Ok(forget(app, out(app, visitor, params, wanted, provider)))
}

/// Leads whom nobody knows here any more to where the application wants them, unless they may still be signed in at a
/// provider: that is told first.
fn out(app: &App, visitor: &Visitor, params: &Params, wanted: Wanted, provider: Option<Offer>) -> Response {
    match (wanted.return_to, provider) {
        (Some(location), None) if !wanted.is_doubtful => see_other(&location),
        (return_to, provider) => html(&SignedOutPage {
            layout: layout(app, visitor.language(params.get("ui_locales"))),
            is_everywhere: false,
            provider: provider.map(at_provider),
            login_href: Some(path(app, "login")),
            return_link: return_to.filter(|_| !wanted.is_doubtful).and_then(ReturnLink::to),
        }),
    }
}

/// Says that nobody is signed in here any more, and forgets who was.
pub fn signed_out(app: &App, visitor: &Visitor) -> Response {
    forget(app, out(app, visitor, &Params::default(), NOBODY, None))
}

/// Signs whoever has just shown who they are out of everything.
///
/// # Errors
/// Those of [`logout::sign_out_everywhere`].
pub async fn everywhere(app: &App, visitor: &Visitor, signed_in: &SignedIn, proof: &str) -> Result<Response> {
    let offer = logout::sign_out_everywhere(app, signed_in, proof, &visitor.caller).await?;
    let page = html(&SignedOutPage {
        layout: layout(app, visitor.language(None)),
        is_everywhere: true,
        provider: offer.map(at_provider),
        login_href: Some(path(app, "login")),
        return_link: None,
    });
    Ok(forget(app, page))
}

fn at_provider(offer: Offer) -> AtProvider {
    AtProvider::SignedIn { name: offer.name, href: offer.href }
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
    Ok(html(&SignedOutPage {
        layout: layout(&app, visitor.language(None)),
        is_everywhere: false,
        provider: Some(AtProvider::SignedOut { name }),
        login_href: Some(path(&app, "login")),
        return_link: None,
    }))
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
