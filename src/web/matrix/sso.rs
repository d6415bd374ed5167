//! `GET /login/sso/redirect[/{idpId}]` (client-server API, "SSO client login"; spec 12.3). It is asked at the
//! homeserver's address, where our cookies are not: it only sends the browser on to ours.

use axum::{extract::State, response::Response};
use url::Url;

use crate::{
    app::App,
    domain::{params::Params, refusal::Refusal},
    error::Error,
    flows::{sso::redirect_url, upstream},
    web::{
        frame::PageError,
        pages::see_other,
        request::{Query, Segment},
    },
};

/// Sends the browser to our own page.
pub async fn redirect(State(app): State<App>, Query(query): Query) -> Result<Response, PageError> {
    Ok(see_other(location(&app, &query, None)?.as_str()))
}

/// The same for one of the providers that `GET /login` lists.
pub async fn redirect_to_provider(
    State(app): State<App>,
    Segment(id): Segment,
    Query(query): Query,
) -> Result<Response, PageError> {
    // What is not listed is not there.
    let upstream = upstream::find(&app, &id).map_err(|_| Refusal::NotFound)?;
    Ok(see_other(location(&app, &query, Some(&upstream.provider.id))?.as_str()))
}

fn location(app: &App, query: &Params, provider: Option<&str>) -> Result<Url, Error> {
    if let Some(name) = query.any_repeated() {
        return Err(Refusal::repeated(name).into());
    }
    let target = redirect_url(query.get("redirectUrl"))?;
    let page = app.config.http.public_base.join("sso");
    let mut page = page.map_err(|_| Error::Internal("the public base has no pages"))?;
    page.query_pairs_mut().append_pair("redirectUrl", target.as_str());
    if let Some(provider) = provider {
        page.query_pairs_mut().append_pair("provider", provider);
    }
    // CMP-34: anything but the two words counts as absent. The longer name is from before Matrix 1.18.
    let action = query.get("action").or(query.get("org.matrix.msc3824.action"));
    if let Some(action @ ("login" | "register")) = action {
        page.query_pairs_mut().append_pair("action", action);
    }
    Ok(page)
}
