//! The registration token of a link that invites. A cookie remembers it while the person comes and goes between sign-up, login
//! and a client, so that it need not be typed; only the form of sign-up presents it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use http::{HeaderValue, header, request::Parts};

use axum::response::Response;

use crate::{
    app::App,
    domain::{params::Params, registration_token},
    web::request::is_https,
};

/// As long as a sign-up may take.
const LIFE: time::Duration = time::Duration::hours(1);

/// What a visitor was given to sign up with.
pub struct Invitation {
    token: Option<String>,
    is_new: bool,
}

impl FromRequestParts<App> for Invitation {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let query = Params::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let jar = CookieJar::from_headers(&parts.headers);
        let read = |text: &str| registration_token::read(text).map(str::to_owned);
        let linked = query.get("token").and_then(read);
        let kept = jar.get(name(app)).and_then(|cookie| read(cookie.value()));
        Ok(Self { is_new: linked.is_some() && linked != kept, token: linked.or(kept) })
    }
}

impl Invitation {
    /// Gives the token for the field of the form.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Has the browser remember a token that just came by a link.
    pub fn keep(&self, app: &App, response: Response) -> Response {
        match self.token.as_ref().filter(|_| self.is_new) {
            Some(token) => with_cookie(response, &cookie(app, token.clone(), LIFE)),
            None => response,
        }
    }

    /// Has the browser forget a token that did its work.
    pub fn forget(&self, app: &App, response: Response) -> Response {
        match self.token.is_some() {
            true => with_cookie(response, &cookie(app, String::new(), time::Duration::ZERO)),
            false => response,
        }
    }
}

/// As for the other cookies: `__Host-` keeps subdomains from planting one, and needs https.
fn name(app: &App) -> &'static str {
    if is_https(app) { "__Host-keymaker_invitation" } else { "keymaker_invitation" }
}

fn cookie(app: &App, token: String, life: time::Duration) -> Cookie<'static> {
    Cookie::build((name(app), token))
        .path("/")
        .http_only(true)
        .secure(is_https(app))
        .same_site(SameSite::Lax)
        .max_age(life)
        .build()
}

fn with_cookie(mut response: Response, cookie: &Cookie<'_>) -> Response {
    if let Ok(value) = HeaderValue::try_from(cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
