//! What handlers read from a request: forms, cookies, who calls, and the visitor behind a page.

use std::net::{IpAddr, SocketAddr};

use axum::{
    body::Bytes,
    extract::{ConnectInfo, FromRequest, FromRequestParts, Request},
};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use http::{HeaderMap, header, request::Parts};

use crate::{
    app::App,
    clock::SECOND,
    config::Network,
    crypto::secret::{Kind, Secret, csrf_token, equal},
    domain::{amr::Acr, params::Params, refusal::Refusal, session::BROWSER_SESSION_MOST},
    error::{Error, Result},
    flows::{
        Caller,
        browser::{self, SignedIn},
    },
    language::{self, Language},
};

/// The body of a form request, with no parameter twice (CMN-03) and nothing taken from the URL (CMN-05).
pub struct Form(pub Params);

impl Form {
    async fn read(request: Request, app: &App) -> Result<Self> {
        let params = Params::parse(&read_form(request, app).await?);
        match params.any_repeated() {
            None => Ok(Self(params)),
            Some(name) => Err(Refusal::repeated(name).into()),
        }
    }
}

async fn read_form(request: Request, app: &App) -> Result<Bytes> {
    if !is_form(request.headers()) {
        let what = "the body has to be application/x-www-form-urlencoded";
        return Err(Refusal::InvalidRequest(what.to_owned()).into());
    }
    Ok(Bytes::from_request(request, app).await.map_err(|_| Refusal::TooLarge)?)
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// A form of an OAuth endpoint: errors are JSON.
pub struct OAuthForm(pub Params);

impl FromRequest<App> for OAuthForm {
    type Rejection = super::refusal::OAuthError;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(Form::read(request, app).await?.0))
    }
}

/// A form of one of our pages: errors are pages.
pub struct PageForm(pub Params);

impl FromRequest<App> for PageForm {
    type Rejection = super::frame::PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(Form::read(request, app).await?.0))
    }
}

/// A form as it was encoded, for whoever passes it on.
pub struct FormBody(pub Bytes);

impl FromRequest<App> for FormBody {
    type Rejection = super::frame::PageError;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(read_form(request, app).await?))
    }
}

/// The query of a request to one of our pages.
pub struct Query(pub Params);

impl FromRequestParts<App> for Query {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self(Params::parse(parts.uri.query().unwrap_or_default().as_bytes())))
    }
}

/// What stands for a name in the path of a page.
pub struct Segment(pub String);

impl FromRequestParts<App> for Segment {
    type Rejection = super::frame::PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        // What is no text once it is decoded names nothing.
        let path = axum::extract::Path::<String>::from_request_parts(parts, app).await;
        Ok(Self(path.map_err(|_| Refusal::NotFound)?.0))
    }
}

/// Gives a header as text.
pub fn text(headers: &HeaderMap, name: http::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

impl FromRequestParts<App> for Caller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let user_agent = text(&parts.headers, header::USER_AGENT).map(|agent| agent.chars().take(512).collect());
        let language = language::negotiate(None, text(&parts.headers, header::ACCEPT_LANGUAGE));
        Ok(Self { ip: client_ip(parts, app).map(|ip| ip.to_string()), user_agent, language })
    }
}

/// Gives the address of the client, seen through the configured proxies.
pub fn client_ip(parts: &Parts, app: &App) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip();
    let forwarded: Vec<&str> =
        parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok()).collect();
    Some(behind_proxies(peer, &forwarded.join(","), &app.config.http.trusted_proxies))
}

/// INV-11: a forwarding header counts only when the TCP peer is a configured proxy; then it is the right-most hop that
/// is none.
fn behind_proxies(peer: IpAddr, forwarded: &str, proxies: &[Network]) -> IpAddr {
    let is_proxy = |ip: &IpAddr| proxies.iter().any(|network| network.contains(ip));
    let mut client = peer.to_canonical();
    for hop in forwarded.rsplit(',') {
        // A hop that is no address ends the part that our proxies wrote.
        let (true, Ok(ip)) = (is_proxy(&client), hop.trim().parse::<IpAddr>()) else { break };
        client = ip.to_canonical();
    }
    client
}

/// The names of our cookies. `__Host-` keeps subdomains from planting them, and needs https (WEB-01).
fn cookie_name(app: &App, kind: Kind) -> &'static str {
    match (is_https(app), kind) {
        (true, Kind::BrowserSession) => "__Host-keymaker_session",
        (false, Kind::BrowserSession) => "keymaker_session",
        (true, _) => "__Host-keymaker_browser",
        (false, _) => "keymaker_browser",
    }
}

/// Tells whether this service is reached by https; plain http is for loopback only.
pub fn is_https(app: &App) -> bool {
    app.config.http.public_base.scheme() == "https"
}

/// Makes the cookie that carries a secret of this kind; without one, the cookie that deletes it.
pub fn cookie(app: &App, kind: Kind, secret: Option<&Secret>) -> Cookie<'static> {
    const LIFE: i64 = BROWSER_SESSION_MOST / SECOND;
    let value = secret.map(|secret| secret.expose().to_owned()).unwrap_or_default();
    let life = if secret.is_some() { LIFE } else { 0 };
    Cookie::build((cookie_name(app, kind), value))
        .path("/")
        .http_only(true)
        .secure(is_https(app))
        // Lax and not Strict: people arrive from clients.
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(life))
        .build()
}

const SIGNED_OUT: [&str; 2] = ["__Host-keymaker_signed_out", "keymaker_signed_out"];
/// How long a sign-out is remembered: after that a provider has ended its own login too.
const SIGNED_OUT_LIFE: time::Duration = time::Duration::days(1);

/// Makes the cookie that remembers a sign-out, or the one that forgets it. It is no secret.
pub fn signed_out_cookie(app: &App, is_signed_out: bool) -> Cookie<'static> {
    let (value, life) = if is_signed_out { ("1", SIGNED_OUT_LIFE) } else { ("", time::Duration::ZERO) };
    Cookie::build((SIGNED_OUT[usize::from(!is_https(app))], value))
        .path("/")
        .http_only(true)
        .secure(is_https(app))
        .same_site(SameSite::Lax)
        .max_age(life)
        .build()
}

fn has_signed_out(app: &App, headers: &HeaderMap) -> bool {
    CookieJar::from_headers(headers).get(SIGNED_OUT[usize::from(!is_https(app))]).is_some()
}

/// Reads a secret from its cookie.
pub fn read_cookie(app: &App, headers: &HeaderMap, kind: Kind) -> Option<Secret> {
    let jar = CookieJar::from_headers(headers);
    Secret::parse(kind, jar.get(cookie_name(app, kind))?.value())
}

/// The secret that binds forms and authorizations to this browser; `frame::page` puts it into every page request.
#[derive(Clone)]
pub struct Browser(pub Secret);

/// Who is signed in well enough for the page that is asked for: `pages::assurance::gate` puts it into the request.
#[derive(Clone)]
pub struct Admitted {
    pub signed_in: Option<SignedIn>,
    pub lacking: Option<Acr>,
}

/// Whoever looks at a page.
pub struct Visitor {
    pub browser: Secret,
    pub signed_in: Option<SignedIn>,
    /// The class of login that is required of them and that nothing of theirs reaches.
    pub lacking: Option<Acr>,
    pub caller: Caller,
    /// Somebody signed out here, and nobody has signed in since (UPS-13).
    pub has_signed_out: bool,
    accept_language: Option<String>,
    is_from_elsewhere: bool,
}

impl FromRequestParts<App> for Visitor {
    type Rejection = super::frame::PageError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Self::Rejection> {
        let browser = parts.extensions.get::<Browser>().cloned();
        let Browser(browser) = browser.ok_or(Error::Internal("a page outside the frame"))?;
        let admitted =
            match (parts.extensions.get::<Admitted>(), read_cookie(app, &parts.headers, Kind::BrowserSession)) {
                (Some(admitted), _) => admitted.clone(),
                (None, Some(cookie)) => Admitted { signed_in: browser::find(app, &cookie).await?, lacking: None },
                (None, None) => Admitted { signed_in: None, lacking: None },
            };
        let Ok(caller) = Caller::from_request_parts(parts, app).await;
        Ok(Self {
            browser,
            signed_in: admitted.signed_in,
            lacking: admitted.lacking,
            caller,
            has_signed_out: has_signed_out(app, &parts.headers),
            accept_language: text(&parts.headers, header::ACCEPT_LANGUAGE).map(str::to_owned),
            is_from_elsewhere: is_from_elsewhere(app, &parts.headers),
        })
    }
}

/// WEB-02: the browser itself says where a request comes from; where it does not, the form token decides alone.
fn is_from_elsewhere(app: &App, headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site != "same-origin" && site != "none";
    }
    // With `Referrer-Policy: no-referrer` browsers send the origin `null` even from our own pages.
    let own = app.config.http.public_base.origin().ascii_serialization();
    text(headers, header::ORIGIN).is_some_and(|origin| origin != "null" && origin != own)
}

impl Visitor {
    /// Gives the form token of this browser.
    pub fn csrf(&self, app: &App) -> String {
        csrf_token(&app.csrf_key, &self.browser, None)
    }

    /// Gives the form token of a page that speaks of one account: after another one signed in, in another tab, the
    /// form must not be carried out for that one (WEB-15).
    pub fn csrf_as(&self, app: &App, signed_in: &SignedIn) -> String {
        csrf_token(&app.csrf_key, &self.browser, Some(&signed_in.user.id))
    }

    /// Checks that a form was sent by one of our pages in this very browser (WEB-02).
    ///
    /// # Errors
    /// `ForgedForm`.
    pub fn check_form(&self, app: &App, form: &Params) -> Result<(), Refusal> {
        self.check_token(form, &self.csrf(app))
    }

    /// The same for the form of a page that speaks of one account.
    ///
    /// # Errors
    /// `ForgedForm`.
    pub fn check_form_as(&self, app: &App, form: &Params, signed_in: &SignedIn) -> Result<(), Refusal> {
        self.check_token(form, &self.csrf_as(app, signed_in))
    }

    fn check_token(&self, form: &Params, expected: &str) -> Result<(), Refusal> {
        let is_ours = form.get("csrf").is_some_and(|presented| equal(presented, expected));
        if is_ours && !self.is_from_elsewhere { Ok(()) } else { Err(Refusal::ForgedForm) }
    }

    /// Lists the languages in which a client's name may be shown: those the reader would rather have than the language
    /// of the page, and that one (REG-08).
    pub fn client_languages(&self, ui_locales: Option<&str>) -> Vec<String> {
        let page = self.language(ui_locales).tag();
        let wanted = language::preferences(ui_locales, self.accept_language.as_deref());
        wanted.into_iter().take_while(|tag| tag.split('-').next() != Some(page)).chain([page.to_owned()]).collect()
    }

    /// Chooses the language of the page.
    pub fn language(&self, ui_locales: Option<&str>) -> Language {
        language::negotiate(ui_locales, self.accept_language.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_configured_proxy_may_say_who_the_client_is() {
        // INV-11, RTL-01
        let proxies = ["127.0.0.0/8", "10.0.0.0/8"].map(|text| Network::try_from(text.to_owned()).unwrap());
        let table = [
            // (TCP peer, X-Forwarded-For, client)
            ("203.0.113.9", "", "203.0.113.9"),
            ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
            ("127.0.0.1", "", "127.0.0.1"),
            ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", "6.6.6.6, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
            ("127.0.0.1", "10.0.0.1,10.0.0.2", "10.0.0.1"),
            ("127.0.0.1", "6.6.6.6, nonsense, 10.0.0.2", "10.0.0.2"),
            ("127.0.0.1", "2001:db8::1", "2001:db8::1"),
        ];
        for (peer, forwarded, client) in table {
            let found = behind_proxies(peer.parse().unwrap(), forwarded, &proxies);
            assert_eq!(found.to_string(), client, "{peer} {forwarded}");
        }
    }
}
