//! What people see. The structs of `views.rs` say what a page shows; a handler here decides it.

pub mod account;
mod acts;
pub mod apps;
pub mod assets;
pub mod assurance;
pub mod authorize;
pub mod captcha;
pub mod choose;
pub mod confirm;
pub mod consent;
pub mod cross_signing_reset;
pub mod deactivate;
pub mod devices;
pub mod emails;
pub mod events;
pub mod factor;
pub mod invitation;
pub mod link;
pub mod login;
pub mod logout;
pub mod password;
pub mod profile;
pub mod recover;
pub mod register;
pub mod security;
pub mod sso;
pub mod upstream;
pub mod views;
pub mod waiting;

use axum::{
    extract::Path,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use crate::{
    app::App,
    crypto::secret::Kind,
    domain::{
        amr::{Acr, Amr},
        assurance::Standing,
        device_grant::DeviceGrant,
        grant::Grant,
        id::{GrantId, SsoLoginId},
        params::Params,
        refusal::Refusal,
        sso_login::SsoLogin,
    },
    error::Result,
    flows::{
        self,
        assurance::{Occasion, judge},
        browser::{self, Proved, SignedIn},
        prove::Waiting,
    },
    language::Language,
    store::{self, client::Client, registration::Registration},
    web::{
        frame::PageError,
        pages::{
            link::place::Place,
            views::{ClientView, Destination, HttpsLink, Layout},
        },
        request::{Visitor, cookie, signed_out_cookie},
    },
};

/// Serves one of the embedded files; its name changes with its content, so it can be kept for ever.
pub async fn asset(Path(file): Path<String>) -> Response {
    match assets::find(&format!("assets/{file}")) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.content_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, asset.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Answers an address that leads nowhere.
pub async fn not_found() -> PageError {
    Refusal::NotFound.into()
}

/// Answers a method that a page does not take.
pub async fn method_not_allowed() -> PageError {
    Refusal::MethodNotAllowed.into()
}

/// Gives what surrounds every page.
pub fn layout(app: &App, language: Language) -> Layout {
    layout_at(app, language, app.config.http.public_base.path())
}

/// Gives what surrounds a page at the homeserver's address: everything that belongs to it is at ours.
pub fn layout_elsewhere(app: &App, language: Language) -> Layout {
    layout_at(app, language, app.config.http.public_base.as_str())
}

fn layout_at(app: &App, language: Language, base: &str) -> Layout {
    let branding = &app.config.branding;
    let name = branding.service_name.clone().unwrap_or_else(|| app.server_name().to_owned());
    let link = |uri: &Option<crate::config::WebUrl>| uri.as_ref().and_then(|uri| HttpsLink::parse(uri.as_str()));
    let mut layout = Layout::new(language, base, name);
    layout.policy_uri = link(&branding.policy_uri);
    layout.tos_uri = link(&branding.tos_uri);
    layout.imprint = branding.imprint.clone();
    layout
}

/// Gives the path of one of our pages, below the public base (INV-10).
pub fn path(app: &App, page: &str) -> String {
    format!("{}{page}", app.config.http.public_base.path())
}

/// Gives the path of a page that carries on what is in progress, or stands alone.
fn path_within(app: &App, page: &str, in_progress: Option<&InProgress>) -> String {
    match in_progress {
        Some(InProgress::Authorization { grant, .. }) => path(app, &format!("{page}?grant={}", grant.id)),
        Some(InProgress::SsoLogin(login)) => path(app, &format!("{page}?sso={}", login.id)),
        Some(InProgress::Link(place) | InProgress::Device { place, .. }) => {
            path(app, &format!("{page}?{}", place.query()))
        }
        Some(InProgress::Account(place)) => path(app, &format!("{page}?{place}")),
        None => path(app, page),
    }
}

/// Sends the browser on with 303, which never repeats a form (AUT-07).
pub fn see_other(location: &str) -> Response {
    match HeaderValue::try_from(location) {
        Ok(location) => (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response(),
        // Registered redirect URIs are ASCII; anything else never got this far.
        Err(_) => PageError::from(Refusal::RedirectUriMismatch).into_response(),
    }
}

/// The parameters that say where in the account somebody wants to go.
const PLACE: [&str; 5] = ["action", "device_id", "to", "act", "target"];
/// The longest device id there can be, percent-encoded, and what stands beside it.
const MOST_PLACE_BYTES: usize = 4096;

/// What a page carries on.
enum InProgress {
    Authorization {
        grant: Box<Grant>,
        client: Box<Client>,
    },
    /// The login of an older client.
    SsoLogin(Box<SsoLogin>),
    /// Typing the code of another device.
    Link(Place),
    /// Letting the device in that waits with it.
    Device {
        place: Place,
        grant: Box<DeviceGrant>,
        client: Box<Client>,
    },
    /// A page of the account, as the query that leads there (spec ACT-04, WEB-06).
    Account(String),
}

impl InProgress {
    /// Finds what `grant` or `sso` names in a query; nothing when neither is there.
    async fn named(app: &App, visitor: &Visitor, params: &Params) -> Result<Option<Self>> {
        Ok(match (params.get("grant"), params.get("sso")) {
            (Some(id), _) => Some(Self::authorization(app, visitor, id).await?),
            (None, Some(id)) => Some(Self::sso_login(app, visitor, id).await?),
            (None, None) => Self::place(app, visitor, params).await?,
        })
    }

    /// Finds where somebody was on the way to who has to sign in first.
    async fn place(app: &App, visitor: &Visitor, params: &Params) -> Result<Option<Self>> {
        Ok(match Place::read(app, params) {
            Some(Place::Question { grant, entry }) => Some(Self::device(app, visitor, &grant, &entry).await?),
            Some(form) => Some(Self::Link(form)),
            None => Self::account(params),
        })
    }

    /// Finds a device whose code was typed in this browser.
    async fn device(app: &App, visitor: &Visitor, id: &str, entry: &str) -> Result<Self> {
        let (grant, client) = flows::device_grant::find(app, id, entry, &visitor.browser).await?;
        let place = Place::Question { grant: grant.id.to_string(), entry: entry.to_owned() };
        Ok(Self::Device { place, grant: Box::new(grant), client: Box::new(client) })
    }

    /// Reads where in the account somebody wants to go; what it names is judged there.
    fn account(params: &Params) -> Option<Self> {
        let pairs = PLACE.iter().filter_map(|name| Some((*name, params.get(name)?)));
        let place = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        (!place.is_empty() && place.len() <= MOST_PLACE_BYTES).then_some(Self::Account(place))
    }

    async fn authorization(app: &App, visitor: &Visitor, id: &str) -> Result<Self> {
        let id = GrantId::read(id).ok_or(Refusal::TransactionOver)?;
        let (grant, client) = flows::authorize::find(app, &id, &visitor.browser).await?;
        Ok(Self::Authorization { grant: Box::new(grant), client: Box::new(client) })
    }

    async fn sso_login(app: &App, visitor: &Visitor, id: &str) -> Result<Self> {
        let id = SsoLoginId::read(id).ok_or(Refusal::TransactionOver)?;
        Ok(Self::SsoLogin(Box::new(flows::sso::find(app, &id, &visitor.browser).await?)))
    }

    /// Finds what waits for a sign-up. An account can be completed although what it was wanted for took too long.
    async fn of_sign_up(app: &App, visitor: &Visitor, registration: &Registration) -> Option<Self> {
        match (&registration.grant_id, &registration.sso_login_id) {
            (Some(grant), _) => Self::authorization(app, visitor, grant.as_str()).await.ok(),
            (None, Some(login)) => Self::sso_login(app, visitor, login.as_str()).await.ok(),
            (None, None) => None,
        }
    }

    /// Gives the request of an OAuth client, if that is what it is.
    fn grant(&self) -> Option<&Grant> {
        match self {
            Self::Authorization { grant, .. } => Some(grant),
            Self::SsoLogin(_) | Self::Link(_) | Self::Device { .. } | Self::Account(_) => None,
        }
    }

    fn ui_locales(&self) -> Option<&str> {
        self.grant()?.ui_locales.as_deref()
    }

    fn wants_registration(&self) -> bool {
        match self {
            Self::Authorization { grant, .. } => grant.wants_registration,
            Self::SsoLogin(login) => login.wants_registration,
            Self::Link(_) | Self::Device { .. } | Self::Account(_) => false,
        }
    }

    /// Gives the class that is asked for: by the client, or by the operator.
    fn wanted_acr(&self, app: &App) -> Option<Acr> {
        match self {
            Self::Authorization { grant, .. } => grant.wanted_acr(),
            Self::Device { .. } => flows::device_grant::wanted_acr(app),
            Self::SsoLogin(_) | Self::Link(_) | Self::Account(_) => None,
        }
    }

    /// Tells whether a login is recent enough.
    fn accepts_age(&self, app: &App, signed_in: &SignedIn) -> bool {
        match self {
            Self::Authorization { grant, .. } => grant.accepts_login_of(signed_in.auth_time, app.clock.now()),
            Self::Device { .. } => flows::device_grant::is_recent(app, signed_in),
            Self::SsoLogin(_) | Self::Link(_) | Self::Account(_) => true,
        }
    }

    /// Tells whether the person still has to say which account to use (PRM-02, HNT-01).
    fn needs_choice(&self, signed_in: &SignedIn) -> bool {
        let (user, login) = (&signed_in.user.id, &signed_in.session.session_id);
        self.grant().is_some_and(|grant| grant.needs_choice(user, login, signed_in.auth_time))
    }

    /// Gives what a login is used for that carries this on.
    fn occasion(&self) -> Occasion<'_> {
        match self {
            Self::Authorization { grant, client } => Occasion::authorization(client, &grant.scope),
            Self::Device { grant, client, .. } => Occasion::authorization(client, &grant.scope),
            Self::SsoLogin(_) => Occasion::SSO,
            Self::Link(_) | Self::Account(_) => Occasion::ACCOUNT,
        }
    }

    /// Tells whether a login is enough for this: recent enough, and as strong as the client asked for where the person can do
    /// more; and what the policies require besides.
    async fn standing(&self, app: &App, visitor: &Visitor, signed_in: &SignedIn) -> Result<Standing> {
        if !self.accepts_age(app, signed_in) {
            return Ok(Standing::Again(None));
        }
        let reached = signed_in.session.amr.as_ref().map(Amr::acr);
        if let Some(wanted) = self.wanted_acr(app)
            && reached < Some(wanted)
        {
            let can = store::factor::find(&app.db, &signed_in.user.id).await?.reaches() >= Some(wanted);
            match self.grant() {
                // Whoever has just signed in for this did what they can.
                Some(grant) if can && signed_in.auth_time < grant.created_at => {
                    return Ok(Standing::Again(Some(wanted)));
                }
                Some(_) => {}
                // What the operator asks for is no wish.
                None if can => return Ok(Standing::Again(Some(wanted))),
                None => return Ok(Standing::Lacking(wanted)),
            }
        }
        judge(app, signed_in, self.occasion(), &visitor.caller).await
    }

    /// Gives what a login in two steps writes down of this.
    fn waiting(&self, app: &App) -> Waiting {
        match self {
            Self::Authorization { grant, .. } => Waiting { grant: Some(grant.id.clone()), ..Waiting::default() },
            Self::SsoLogin(login) => Waiting { sso_login: Some(login.id.clone()), ..Waiting::default() },
            Self::Link(place) | Self::Device { place, .. } => {
                Waiting { place: Some(place.query_at_rest(app)), ..Waiting::default() }
            }
            Self::Account(place) => Waiting { place: Some(place.clone()), ..Waiting::default() },
        }
    }

    /// Gives whom the pages say that one signs in to.
    fn client_view(&self, visitor: &Visitor) -> Option<ClientView> {
        let (name, redirect_uri) = match self {
            Self::Authorization { grant, client } => {
                let languages = visitor.client_languages(grant.ui_locales.as_deref());
                let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
                (client.metadata.name(&languages).map(str::to_owned), &grant.redirect_uri)
            }
            // An older client has not told its name.
            Self::SsoLogin(login) => (None, &login.redirect_url),
            Self::Link(_) | Self::Device { .. } | Self::Account(_) => return None,
        };
        Some(ClientView { name, destination: Destination::of(redirect_uri)? })
    }

    /// Gives the page that asks the person for the decision.
    fn question_path(&self, app: &App) -> String {
        match self {
            Self::Authorization { grant, .. } => path(app, &format!("consent/{}", grant.id)),
            Self::SsoLogin(login) => path(app, &format!("sso/{}", login.id)),
            Self::Link(place) | Self::Device { place, .. } => place.path(app),
            Self::Account(place) => path(app, &format!("account/?{place}")),
        }
    }

    fn created_at(&self) -> i64 {
        match self {
            Self::Authorization { grant, .. } => grant.created_at,
            Self::SsoLogin(login) => login.created_at,
            Self::Link(_) | Self::Device { .. } | Self::Account(_) => 0,
        }
    }
}

/// Gives the page that is needed next; the account page when nothing is in progress.
async fn next_path(app: &App, visitor: &Visitor, in_progress: Option<&InProgress>) -> Result<String> {
    let standing = standing(app, visitor, in_progress).await?;
    let Some(in_progress) = in_progress else {
        let page = if matches!(standing, Some(Standing::Again(_))) { "login" } else { "account/" };
        return Ok(path(app, page));
    };
    let is_sign_up = in_progress.wants_registration() && flows::register::is_open(app);
    Ok(match &visitor.signed_in {
        None if is_sign_up => path_within(app, "register", Some(in_progress)),
        // PRM-03: who is signed in from before is asked whether to go on as that account or to create another.
        Some(signed_in) if is_sign_up && signed_in.auth_time < in_progress.created_at() => {
            path_within(app, "register", Some(in_progress))
        }
        Some(signed_in) if in_progress.needs_choice(signed_in) => choose_path(app, in_progress),
        // Whoever lacks what is required is told so there.
        Some(_) if !matches!(standing, Some(Standing::Again(_))) => in_progress.question_path(app),
        _ => path_within(app, "login", Some(in_progress)),
    })
}

/// The page that asks which account to use; only an authorization asks.
fn choose_path(app: &App, in_progress: &InProgress) -> String {
    in_progress.grant().map_or_else(|| path(app, "account/"), |grant| path(app, &format!("choose/{}", grant.id)))
}

/// Judges the login of whoever is signed in for what is in progress, or else for the pages of the account.
async fn standing(app: &App, visitor: &Visitor, in_progress: Option<&InProgress>) -> Result<Option<Standing>> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(None) };
    Ok(Some(match in_progress {
        Some(in_progress) => in_progress.standing(app, visitor, signed_in).await?,
        None => judge(app, signed_in, Occasion::ACCOUNT, &visitor.caller).await?,
    }))
}

/// Gives where a browser goes that was just signed in.
fn path_after_login(app: &App, in_progress: Option<&InProgress>) -> String {
    in_progress.map_or_else(|| path(app, "account/"), |in_progress| in_progress.question_path(app))
}

/// Signs the browser in with a new cookie on a proof of this moment, and sends it on.
async fn sign_in(app: &App, visitor: &Visitor, proved: &Proved, in_progress: Option<&InProgress>) -> Result<Response> {
    let secret = browser::start(app, &visitor.browser, proved, visitor.signed_in.as_ref(), &visitor.caller).await?;
    let set_cookie = cookie(app, Kind::BrowserSession, Some(&secret)).to_string();
    let location = path_after_login(app, in_progress);
    let response = (AppendHeaders([(header::SET_COOKIE, set_cookie)]), see_other(&location)).into_response();
    Ok(match visitor.has_signed_out {
        true => {
            (AppendHeaders([(header::SET_COOKIE, signed_out_cookie(app, false).to_string())]), response).into_response()
        }
        false => response,
    })
}
