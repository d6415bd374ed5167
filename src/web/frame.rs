//! What surrounds every page: the browser cookie, the security headers (spec area 20), and the error page into which
//! every refusal of a page handler turns.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::{
    app::App,
    crypto::{
        random,
        secret::{Kind, Secret},
    },
    domain::{
        email::EmailProblem,
        grant::ResponseMode,
        redirect_uri::{csp_source, csp_target},
        refusal::Refusal,
    },
    error::Error,
    flows::authorize,
    language,
    web::{
        pages::{
            assets::{Script, passkey_script},
            layout, layout_elsewhere, path,
            views::{ErrorKind, ErrorPage, Layout, ReturnLink, policy::RefusedPage},
        },
        refusal,
        request::{Browser, cookie, is_https, read_cookie, text},
    },
};

/// An error on its way out of a page handler; `page` renders it, because it knows the visitor's language.
#[derive(Clone)]
pub struct PageError {
    error: Arc<Error>,
    /// The answer that the client waits for, shown as a button (AUT-10).
    return_to: Option<authorize::Response>,
}

impl<E: Into<Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self { error: Arc::new(error.into()), return_to: None }
    }
}

impl PageError {
    /// Makes an error that can be taken to the client by pressing a button.
    pub fn with_return(refusal: Refusal, response: authorize::Response) -> Self {
        Self { error: Arc::new(refusal.into()), return_to: Some(response) }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        let mut response = refusal::status_of(&self.error).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Surrounds a page handler.
pub async fn page(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let known = read_cookie(&app, request.headers(), Kind::Browser);
    // A form from another site comes without our cookies; answering it with new ones would orphan every open tab.
    let is_new = known.is_none() && request.method().is_safe();
    let browser = known.unwrap_or_else(|| Secret::generate(Kind::Browser));
    request.extensions_mut().insert(Browser(browser.clone()));
    let accept_language = text(request.headers(), header::ACCEPT_LANGUAGE).map(str::to_owned);

    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        let language = language::negotiate(None, accept_language.as_deref());
        response = render_error(&app, layout(&app, language), &error, &response);
    }
    let headers = response.headers_mut();
    if is_new && let Ok(value) = HeaderValue::try_from(cookie(&app, Kind::Browser, Some(&browser)).to_string()) {
        headers.append(header::SET_COOKIE, value);
    }
    secure(headers);
    if is_https(&app) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Surrounds a page handler that is asked at the homeserver's address: our cookies are not there, and the style sheet
/// is at ours.
pub async fn page_elsewhere(State(app): State<App>, request: Request, next: Next) -> Response {
    let accept_language = text(request.headers(), header::ACCEPT_LANGUAGE).map(str::to_owned);
    let mut response = next.run(request).await;
    if let Some(error) = response.extensions_mut().remove::<PageError>() {
        let language = language::negotiate(None, accept_language.as_deref());
        response = render_error(&app, layout_elsewhere(&app, language), &error, &response);
    }
    let own = app.config.http.public_base.origin().ascii_serialization();
    let policy = content_security_policy(&own, "form-action 'none'; ");
    if let Ok(policy) = HeaderValue::try_from(policy) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    secure(response.headers_mut());
    response
}

fn render_error(app: &App, layout: Layout, error: &PageError, bare: &Response) -> Response {
    let status = bare.status();
    let return_link = error.return_to.as_ref().and_then(ReturnLink::of);
    // A button that is a form leads to the client, and nowhere else.
    let with_return = |response| match &error.return_to {
        Some(to) if to.mode == ResponseMode::FormPost => with_form_post(&to.redirect_uri, None, response),
        _ => response,
    };
    if let Some(Refusal::Policy(violations)) = error.error.refusal() {
        let page = RefusedPage {
            layout,
            violations: violations.clone(),
            return_link,
            refuse: None,
            devices_href: None,
            switch_href: Some(path(app, "login?switch=1")),
        };
        return with_return((status, html(&page)).into_response());
    }
    let support_id = status.is_server_error().then(|| {
        let id = random::ulid(app.clock.now());
        tracing::error!(support_id = %id, error = %error.error, "a page failed");
        id
    });
    let page = ErrorPage { layout, status: status.as_u16(), kind: kind_of(&error.error), support_id, return_link };
    let mut response = with_return((status, html(&page)).into_response());
    if let Some(allow) = bare.headers().get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allow.clone());
    }
    if let Some(seconds) = refusal::retry_after(&error.error) {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn kind_of(error: &Error) -> ErrorKind {
    let Error::Refusal(refusal) = error else {
        return match error {
            Error::Storage(_) => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        };
    };
    match refusal {
        Refusal::NotFound | Refusal::RegistrationClosed => ErrorKind::NotFound,
        Refusal::MethodNotAllowed => ErrorKind::MethodNotAllowed,
        Refusal::ForgedForm => ErrorKind::FormExpired,
        Refusal::UnknownClient => ErrorKind::UnknownClient,
        Refusal::RedirectUriMismatch => ErrorKind::RedirectUriMismatch,
        Refusal::AccessDenied => ErrorKind::AccessDenied,
        Refusal::TransactionOver | Refusal::RecoveryOver | Refusal::PushedRequestOver => ErrorKind::TransactionExpired,
        Refusal::OtherBrowser => ErrorKind::OtherBrowser,
        Refusal::UserLocked => ErrorKind::Locked,
        Refusal::UserDeactivated => ErrorKind::Deactivated,
        Refusal::AwaitingApproval => ErrorKind::AwaitingApproval,
        Refusal::TooLarge => ErrorKind::TooLarge,
        Refusal::LimitExceeded | Refusal::TooManyRequests { .. } | Refusal::Email(EmailProblem::Wait { .. }) => {
            ErrorKind::TooManyRequests { seconds: refusal::retry_after(error).unwrap_or_default() }
        }
        Refusal::Busy | Refusal::BusyFor { .. } | Refusal::CaptchaUnavailable | Refusal::HomeserverUnavailable => {
            ErrorKind::Unavailable
        }
        Refusal::Factor(problem) => ErrorKind::Factor(*problem),
        other => ErrorKind::InvalidRequest { detail: other.to_string() },
    }
}

/// Renders a page.
pub fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// WEB-03: nothing inline, nothing from elsewhere, no script. The mark of the tab is part of the page.
fn content_security_policy(own: &str, form_action: &str) -> String {
    policy_with_styles(own, "", form_action)
}

fn policy_with_styles(own: &str, styles: &str, more: &str) -> String {
    format!(
        "default-src 'none'; style-src {own}{styles}; img-src {own} data:; font-src {own}; {more}base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// Lets a form of this page end at a redirect URI: Chromium holds the redirect that follows a form to the page's
/// `form-action` (WEB-03, TRP-17). Where a policy cannot name the origin, the directive is left out.
pub fn with_form_action(redirect_uri: &str, response: Response) -> Response {
    let form_action = csp_source(redirect_uri).map(|source| format!("form-action 'self' {source}; "));
    let policy = content_security_policy("'self'", form_action.as_deref().unwrap_or_default());
    ([(header::CONTENT_SECURITY_POLICY, policy)], response).into_response()
}

/// Lets the form of a page that carries an answer end at this redirect URI and nowhere else, and be sent by a script
/// (AUT-08).
pub fn with_form_post(redirect_uri: &str, script: Option<&Script>, response: Response) -> Response {
    let form_action = csp_target(redirect_uri).map(|target| format!("form-action {target}; ")).unwrap_or_default();
    let script = script.map(|script| format!("script-src '{}'; ", script.digest)).unwrap_or_default();
    let policy = content_security_policy("'self'", &(form_action + &script));
    ([(header::CONTENT_SECURITY_POLICY, policy)], response).into_response()
}

/// Lets a page run the script of passkeys, which is part of it.
pub fn with_script(response: Response) -> Response {
    with_scripts(&[passkey_script()], None, response)
}

/// What a page may load of a service of somebody else: sources, each with a space before it.
pub struct Elsewhere {
    pub script: &'static str,
    pub frame: &'static str,
    pub connect: &'static str,
    pub style: &'static str,
}

/// Lets a page run scripts that are part of it, which are known by their digests, and load what a service needs.
pub fn with_scripts(scripts: &[&Script], elsewhere: Option<&Elsewhere>, response: Response) -> Response {
    const NOWHERE: Elsewhere = Elsewhere { script: "", frame: "", connect: "", style: "" };
    let elsewhere = elsewhere.unwrap_or(&NOWHERE);
    let digests: String = scripts.iter().map(|script| format!(" '{}'", script.digest)).collect();
    let own = if scripts.iter().any(|script| script.asks_here) { " 'self'" } else { "" };
    let directives = [
        ("form-action", " 'self'".to_owned()),
        ("script-src", digests + elsewhere.script),
        ("connect-src", own.to_owned() + elsewhere.connect),
        ("frame-src", elsewhere.frame.to_owned()),
    ];
    let directives = directives.iter().filter(|(_, sources)| !sources.is_empty());
    let directives: String = directives.map(|(name, sources)| format!("{name}{sources}; ")).collect();
    let policy = policy_with_styles("'self'", elsewhere.style, &directives);
    ([(header::CONTENT_SECURITY_POLICY, policy)], response).into_response()
}

/// WEB-03 to WEB-05; a handler that sets its own policy keeps it.
fn secure(headers: &mut HeaderMap) {
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY)
        && let Ok(policy) = HeaderValue::try_from(content_security_policy("'self'", "form-action 'self'; "))
    {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    const FIXED: [(&str, &str); 7] = [
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("permissions-policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cache-control", "no-store"),
        ("vary", "Accept-Language, Cookie"),
    ];
    for (name, value) in FIXED {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

/// INV-13: a bug in a page ends one request, with a page.
pub fn after_page_panic(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    PageError::from(Error::Internal("a page handler panicked")).into_response()
}

/// INV-13: a bug ends one request, not the process.
pub fn after_panic(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    tracing::error!("a handler panicked");
    refusal::OAuthError(Error::Internal("a handler panicked")).into_response()
}
