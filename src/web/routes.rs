//! Every URL, in one table.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, get, post},
};
use http::{HeaderName, Method, header};
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer};

use crate::{
    app::App,
    web::{discovery, frame, health, matrix, oauth, pages},
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
        .merge(nest(&base, introspection()))
        .merge(nest(&base, page_routes(&app)))
        .merge(bare_base(&base))
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
        .route("/oauth2/token", post(oauth::token::token))
        .route("/oauth2/revoke", post(oauth::revoke::revoke))
        .route("/oauth2/userinfo", get(oauth::userinfo::userinfo).post(oauth::userinfo::userinfo))
        .method_not_allowed_fallback(oauth::method_not_allowed)
}

/// The endpoint of homeservers and resource servers, which are no browsers.
fn introspection() -> Router<App> {
    Router::new()
        .route("/oauth2/introspect", post(oauth::introspect::introspect))
        .method_not_allowed_fallback(oauth::method_not_allowed)
}

/// What is ours of the Matrix client-server API; everything else there belongs to the homeserver.
fn matrix(app: &App) -> Router<App> {
    let router = Router::new()
        .route("/_matrix/client/v1/auth_metadata", get(discovery::metadata))
        .route("/_matrix/client/unstable/org.matrix.msc2965/auth_metadata", get(discovery::metadata))
        .route("/_matrix/client/unstable/org.matrix.msc2965/auth_issuer", get(matrix::auth_issuer))
        .route("/_matrix", any(matrix::unrecognized))
        .route("/_matrix/", any(matrix::unrecognized))
        .route("/_matrix/{*path}", any(matrix::unrecognized));
    let router = match app.config.compatibility.enabled {
        true => COMPAT_VERSIONS.iter().fold(router, |router, version| router.merge(compat(app, version))),
        false => router,
    };
    router.method_not_allowed_fallback(matrix::method_not_allowed).layer(CatchPanicLayer::custom(matrix::after_panic))
}

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

/// What people see.
fn page_routes(app: &App) -> Router<App> {
    let sso = match app.config.compatibility.enabled {
        true => Router::new()
            .route("/sso", get(pages::sso::start))
            .route("/sso/{login}", get(pages::sso::get).post(pages::sso::post)),
        false => Router::new(),
    };
    sso.route("/", get(pages::account::root))
        .route("/authorize", get(pages::authorize::get).post(pages::authorize::post))
        .route("/login", get(pages::login::get).post(pages::login::post))
        .route("/register", get(pages::register::get).post(pages::register::post))
        .route("/register/finish", get(pages::register::get_finish).post(pages::register::post_finish))
        .route("/consent/{grant}", get(pages::consent::get).post(pages::consent::post))
        .route("/logout", get(pages::logout::get).post(pages::logout::post))
        .route("/account", get(pages::account::get))
        .route("/account/", get(pages::account::get))
        .method_not_allowed_fallback(pages::method_not_allowed)
        .layer(CatchPanicLayer::custom(frame::after_page_panic))
        .layer(from_fn_with_state(app.clone(), frame::page))
        .route("/assets/{file}", get(pages::asset))
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
    CorsLayer::new()
        .allow_origin(tower_http::cors::Any)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS])
        .allow_headers([
            HeaderName::from_static("x-requested-with"),
            header::CONTENT_TYPE,
            header::AUTHORIZATION,
            header::ACCEPT,
            header::ACCEPT_LANGUAGE,
            HeaderName::from_static("dpop"),
        ])
        .expose_headers([header::WWW_AUTHENTICATE, header::RETRY_AFTER])
        .max_age(std::time::Duration::from_secs(3600))
}
