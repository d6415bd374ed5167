//! Every URL, in one table.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{MethodRouter, any, get, post},
};
use http::{HeaderName, Method, header};
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer};

use crate::{
    app::App,
    domain::act::Act,
    web::{
        discovery, frame, health, matrix, oauth, pages,
        routes::Needs::{InProgress, Nothing, Proof, SignedIn},
    },
};

/// What a form or a JSON body may have (spec CMN-14).
const MOST_BODY_BYTES: usize = 64 * 1024;

/// Builds the router of the whole service.
pub fn router(app: App) -> Router {
    let base = app.config.http.public_base.path().trim_end_matches('/').to_owned();
    let public =
        Router::new().merge(issuer_documents(&app, &base)).merge(nest(&base, api())).merge(matrix(&app)).layer(cors());
    let router = Router::new()
        .merge(public)
        .merge(nest(&base, called_by_servers()))
        .merge(rendezvous(&app, &base))
        .merge(nest(&base, page_routes(&app)))
        .merge(bare_base(&base))
        .merge(change_password(&app))
        .route("/health", get(health::health))
        .route("/metrics", get(health::metrics))
        .fallback_service(page_fallback(&app));
    router
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(from_fn(health::count))
        .layer(CatchPanicLayer::custom(frame::after_panic))
        .with_state(app)
}

/// Where the issuer leads: RFC 8414 §3.1 puts the suffix between host and path, OpenID Connect Discovery §4 behind the
/// path. `api` has the latter below the public base, where Synapse looks.
fn issuer_documents(app: &App, base: &str) -> Router<App> {
    let issuer = app.config.http.issuer().path().trim_end_matches('/');
    let router =
        Router::new().route(&format!("/.well-known/oauth-authorization-server{issuer}"), get(discovery::metadata));
    let router = match issuer == base {
        true => router,
        false => router.route(&format!("{issuer}/.well-known/openid-configuration"), get(discovery::metadata)),
    };
    router.method_not_allowed_fallback(oauth::method_not_allowed)
}

/// Endpoints of clients, which run in any origin.
fn api() -> Router<App> {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::metadata))
        .route("/oauth2/keys.json", get(oauth::keys::keys))
        .route("/oauth2/registration", post(oauth::registration::register))
        .route("/oauth2/par", post(oauth::pushed_authorization_request::pushed_authorization_request))
        .route("/oauth2/token", post(oauth::token::token))
        .route("/oauth2/device_authorization", post(oauth::device_authorization::device_authorization))
        .route("/oauth2/revoke", post(oauth::revoke::revoke))
        .route("/oauth2/userinfo", get(oauth::userinfo::userinfo).post(oauth::userinfo::userinfo))
        .method_not_allowed_fallback(oauth::method_not_allowed)
}

/// The endpoints of homeservers, resource servers and identity providers, which are no browsers.
fn called_by_servers() -> Router<App> {
    Router::new()
        .route("/oauth2/introspect", post(oauth::introspect::introspect))
        .route(
            "/oauth2/registration/{client_id}",
            get(oauth::client_configuration::read)
                .put(oauth::client_configuration::replace)
                .delete(oauth::client_configuration::remove),
        )
        .route("/upstream/backchannel-logout/{provider}", post(oauth::backchannel_logout::backchannel_logout))
        .route("/upstream/{provider}/backchannel-logout", post(oauth::backchannel_logout::backchannel_logout))
        .method_not_allowed_fallback(oauth::method_not_allowed)
}

/// What is ours of the Matrix client-server API; everything else there belongs to the homeserver.
fn matrix(app: &App) -> Router<App> {
    let router = Router::new()
        .route("/_matrix/client/v1/auth_metadata", get(discovery::metadata))
        .route("/_matrix/client/unstable/org.matrix.msc2965/auth_metadata", get(discovery::metadata))
        .route("/_matrix/client/unstable/org.matrix.msc2965/auth_issuer", get(matrix::auth_issuer))
        .route(REGISTRATION_TOKEN_VALIDITY, get(matrix::registration_token::validity))
        .route("/_matrix", any(matrix::unrecognized))
        .route("/_matrix/", any(matrix::unrecognized))
        .route("/_matrix/{*path}", any(matrix::unrecognized));
    let router = match app.config.compatibility.enabled {
        true => COMPAT_VERSIONS.iter().fold(router, |router, version| router.merge(compat(app, version))),
        false => router,
    };
    router.method_not_allowed_fallback(matrix::method_not_allowed).layer(CatchPanicLayer::custom(matrix::after_panic))
}

/// Where two devices meet; scripts of any origin compare and swap there by the validators of HTTP (QRL-03).
fn rendezvous(app: &App, base: &str) -> Router<App> {
    use matrix::rendezvous as r;
    const MSC4388: [&str; 2] =
        ["/_matrix/client/v1/rendezvous", "/_matrix/client/unstable/io.element.msc4388/rendezvous"];
    if !app.config.rendezvous.enabled {
        return Router::new();
    }
    let [stable, unstable] = MSC4388;
    let router = Router::new()
        .route("/_matrix/client/unstable/org.matrix.msc4108/rendezvous", post(r::create_2024))
        .route(&format!("{base}/rendezvous/{{id}}"), get(r::get_2024).put(r::put_2024).delete(r::delete_2024))
        .route(&format!("{stable}/{{id}}"), get(r::get).put(r::put).delete(r::delete))
        .route(&format!("{unstable}/{{id}}"), get(r::get).put(r::put_unstable).delete(r::delete));
    MSC4388
        .iter()
        .fold(router, |router, base| router.route(base, get(r::availability).post(r::create)))
        .method_not_allowed_fallback(matrix::method_not_allowed)
        .layer(CatchPanicLayer::custom(matrix::after_panic))
        .layer(from_fn(r::for_scripts_only))
        .layer(cors_with([header::IF_MATCH, header::IF_NONE_MATCH], [header::ETAG]))
}

const REGISTRATION_TOKEN_VALIDITY: &str = "/_matrix/client/v1/register/m.login.registration_token/validity";

/// The versions under which older clients ask. What a reverse proxy sends here besides belongs to the homeserver (TRP-29).
const COMPAT_VERSIONS: [&str; 3] = ["api/v1", "r0", "v3"];

/// The login API of clients that do not speak OAuth (spec area 12).
fn compat(app: &App, version: &str) -> Router<App> {
    let base = format!("/_matrix/client/{version}");
    let sso = Router::new()
        .route(&format!("{base}/login/sso/redirect"), get(matrix::sso::redirect))
        .route(&format!("{base}/login/sso/redirect/"), get(matrix::sso::redirect))
        .route(&format!("{base}/login/sso/redirect/{{idp}}"), get(matrix::sso::redirect_to_provider))
        .route(&format!("{base}/login/sso/redirect/{{idp}}/"), get(matrix::sso::redirect_to_provider))
        .route_layer(from_fn_with_state(app.clone(), frame::page_elsewhere));
    ["", "/"].iter().fold(sso, |router, slash| {
        router
            .route(&format!("{base}/login{slash}"), get(matrix::login::get).post(matrix::login::post))
            .route(&format!("{base}/refresh{slash}"), post(matrix::session::refresh))
            .route(&format!("{base}/logout{slash}"), post(matrix::session::logout))
            .route(&format!("{base}/logout/all{slash}"), post(matrix::session::logout_all))
    })
}

/// What a page wants of whoever opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    Nothing,
    /// Something that this browser has begun, such as a login, which the address names.
    InProgress,
    SignedIn,
    /// Somebody signed in who has just shown who they are, for this act.
    Proof(Act),
}

/// A page: where it is, what it needs, and what answers there.
pub struct Page {
    pub path: &'static str,
    pub needs: Needs,
    methods: fn() -> MethodRouter<App>,
}

impl Page {
    const fn new(path: &'static str, needs: Needs, methods: fn() -> MethodRouter<App>) -> Self {
        Self { path, needs, methods }
    }
}

/// What people see. A test walks the table and holds each page to what it needs.
pub const PAGES: &[Page] = &[
    Page::new("/", Nothing, || get(pages::account::root)),
    Page::new("/authorize", Nothing, || get(pages::authorize::get).post(pages::authorize::post)),
    Page::new("/login", Nothing, || get(pages::login::get).post(pages::login::post)),
    Page::new("/login/passkey", Nothing, || get(pages::login::passkey_options).post(pages::login::post_passkey)),
    Page::new("/factor", InProgress, || get(pages::factor::get).post(pages::factor::post)),
    Page::new("/register", Nothing, || get(pages::register::get).post(pages::register::post)),
    Page::new("/register/email", InProgress, || get(pages::register::get_email).post(pages::register::post_email)),
    Page::new("/register/code", InProgress, || get(pages::register::get_code).post(pages::register::post_code)),
    Page::new("/register/waiting", InProgress, || get(pages::waiting::get)),
    Page::new("/register/finish", InProgress, || get(pages::register::get_finish).post(pages::register::post_finish)),
    Page::new("/recover", Nothing, || get(pages::recover::get).post(pages::recover::post)),
    Page::new("/recover/sent", Nothing, || get(pages::recover::sent)),
    Page::new("/recover/done", Nothing, || get(pages::recover::done)),
    Page::new("/recover/{secret}", InProgress, || get(pages::recover::get_link).post(pages::recover::post_link)),
    Page::new("/upstream/authorize/{provider}", Nothing, || get(pages::upstream::authorize)),
    Page::new("/upstream/callback/{provider}", InProgress, || {
        get(pages::upstream::callback).post(pages::upstream::post_callback)
    }),
    Page::new("/upstream/waiting", InProgress, || get(pages::upstream::waiting)),
    Page::new("/upstream/sign-up", InProgress, || {
        get(pages::upstream::get_sign_up).post(pages::upstream::post_sign_up)
    }),
    Page::new("/choose/{grant}", InProgress, || get(pages::choose::get).post(pages::choose::post)),
    Page::new("/consent/{grant}", InProgress, || get(pages::consent::get).post(pages::consent::post)),
    Page::new("/logout", Nothing, || get(pages::logout::get).post(pages::logout::post)),
    Page::new("/oauth2/logout", Nothing, || get(pages::logout::end_session).post(pages::logout::post_end_session)),
    Page::new("/upstream/logout/{provider}", InProgress, || get(pages::logout::back)),
    Page::new("/account", SignedIn, || get(pages::account::get)),
    Page::new("/account/", SignedIn, || get(pages::account::get)),
    Page::new("/account/confirm", SignedIn, || get(pages::confirm::get).post(pages::confirm::post)),
    Page::new("/account/profile", SignedIn, || get(pages::profile::get).post(pages::profile::post)),
    Page::new("/account/devices", SignedIn, || get(pages::devices::get)),
    Page::new("/account/devices/{session}", SignedIn, || get(pages::devices::get_one)),
    Page::new("/account/devices/{session}/rename", SignedIn, || post(pages::devices::rename)),
    Page::new("/account/apps", SignedIn, || get(pages::apps::get)),
    Page::new("/account/cross-signing-reset", SignedIn, || get(pages::cross_signing_reset::get)),
    Page::new("/account/deactivate", Proof(Act::Deactivate), || {
        get(pages::deactivate::get).post(pages::deactivate::post)
    }),
    Page::new("/account/emails", SignedIn, || get(pages::emails::get)),
    Page::new("/account/emails/add", Proof(Act::AddEmail), || {
        get(pages::emails::get_add).post(pages::emails::post_add)
    }),
    Page::new("/account/emails/verify", SignedIn, || get(pages::emails::get_verify).post(pages::emails::post_verify)),
    Page::new("/account/events", SignedIn, || get(pages::events::get)),
    Page::new("/account/security", SignedIn, || get(pages::security::get)),
    Page::new("/account/password", Proof(Act::ChangePassword), || {
        get(pages::password::get).post(pages::password::post)
    }),
    Page::new("/account/passkeys/add", Proof(Act::AddPasskey), || {
        get(pages::security::get_add_passkey).post(pages::security::post_add_passkey)
    }),
    Page::new("/account/passkeys/{passkey}/rename", SignedIn, || post(pages::security::rename_passkey)),
    Page::new("/account/totp", SignedIn, || get(pages::security::get_totp).post(pages::security::post_totp)),
];

/// What people see who come from an older client.
pub const SSO_PAGES: &[Page] = &[
    Page::new("/sso", Nothing, || get(pages::sso::start)),
    Page::new("/sso/{login}", InProgress, || get(pages::sso::get).post(pages::sso::post)),
];

/// What people see who let a device in from another one.
pub const LINK_PAGES: &[Page] = &[
    Page::new("/link", SignedIn, || get(pages::link::get).post(pages::link::post)),
    Page::new("/link/qr", Nothing, || get(pages::link::qr)),
    Page::new("/link/done", SignedIn, || get(pages::link::done)),
    Page::new("/link/{device}", InProgress, || get(pages::link::get_one).post(pages::link::post_one)),
];

fn page_routes(app: &App) -> Router<App> {
    let sso = if app.config.compatibility.enabled { SSO_PAGES } else { &[] };
    let link = if app.config.device_grant.enabled { LINK_PAGES } else { &[] };
    let pages = PAGES.iter().chain(sso).chain(link);
    pages
        .fold(Router::new(), |router, page| router.route(page.path, guarded(app, page)))
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(CatchPanicLayer::custom(frame::after_page_panic))
        .layer(from_fn_with_state(app.clone(), frame::page))
        .route("/assets/{file}", get(pages::asset))
}

/// A page that needs somebody signed in asks the policies first.
fn guarded(app: &App, page: &'static Page) -> MethodRouter<App> {
    match page.needs {
        SignedIn | Proof(_) => {
            (page.methods)().route_layer(from_fn_with_state((app.clone(), page), pages::assurance::gate))
        }
        Nothing | InProgress => (page.methods)(),
    }
}

/// At the origin, wherever the pages are.
fn change_password(app: &App) -> Router<App> {
    Router::new()
        .route("/.well-known/change-password", get(pages::account::change_password))
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), frame::page))
}

fn page_fallback(app: &App) -> Router {
    Router::new().fallback(pages::not_found).layer(from_fn_with_state(app.clone(), frame::page)).with_state(app.clone())
}

/// Below a path, the address with its slash is no route of the nested pages.
fn bare_base(base: &str) -> Router<App> {
    match base {
        "" => Router::new(),
        base => Router::new().route(&format!("{base}/"), get(pages::account::root)),
    }
}

fn nest(base: &str, router: Router<App>) -> Router<App> {
    if base.is_empty() { router } else { Router::new().nest(base, router) }
}

/// CMN-11. Never with credentials: nothing here is authenticated by a cookie.
fn cors() -> CorsLayer {
    cors_with([], [])
}

/// The same where requests and answers have more headers.
fn cors_with<const N: usize, const M: usize>(allowed: [HeaderName; N], exposed: [HeaderName; M]) -> CorsLayer {
    let usual = [
        HeaderName::from_static("x-requested-with"),
        header::CONTENT_TYPE,
        header::AUTHORIZATION,
        header::ACCEPT,
        header::ACCEPT_LANGUAGE,
        HeaderName::from_static("dpop"),
    ];
    CorsLayer::new()
        .allow_origin(tower_http::cors::Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS])
        .allow_headers(usual.into_iter().chain(allowed).collect::<Vec<_>>())
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER].into_iter().chain(exposed).collect::<Vec<_>>())
        .max_age(std::time::Duration::from_secs(3600))
}
