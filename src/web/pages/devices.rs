//! `/account/devices`: everything that is signed in to an account, and a page for each. Other people's sessions are not
//! there (ACT-06).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    domain::{
        act::Act, client::ClientMetadata, device::device_name, id::SessionId, params::Params, refusal::Refusal,
        scope::Scope, session::SessionKind, user_agent::Program,
    },
    error::{Error, Result},
    flows::{account, browser::SignedIn, session},
    store::{
        self,
        session::{OwnSession, Wanted},
    },
    web::{
        frame::{PageError, html},
        pages::{
            account::no_device,
            acts, consent, layout, logout, path, see_other,
            views::{
                Access, Moment,
                account::{ChangeError, DevicePage, DevicesPage, Rename, SessionView, Sort},
            },
        },
        request::{PageForm, Query, Segment, Visitor},
    },
};

/// How many stand on one page.
const PAGE: usize = 25;

/// A page of a list, and what leads to those around it.
pub struct Listed {
    pub sessions: Vec<SessionView>,
    pub more_href: Option<String>,
    pub first_href: Option<String>,
}

/// Lists the other sessions of whoever is signed in, the most recently used first.
///
/// # Errors
/// When the store fails.
pub async fn list(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    query: &Params,
    are_relying_parties: bool,
) -> Result<Listed> {
    let list_path = path(app, if are_relying_parties { "account/apps" } else { "account/devices" });
    let behind = query.get("used").and_then(|at| at.parse().ok()).zip(query.get("behind").and_then(SessionId::read));
    let first_href = behind.as_ref().map(|_| list_path.clone());
    // No ULID begins with an 8.
    let (used_at, last) = behind.unwrap_or_else(|| (i64::MAX, SessionId::new("8")));
    let wanted = Wanted {
        user: &signed_in.user.id,
        except: &signed_in.session.session_id,
        are_relying_parties,
        behind: (used_at, &last),
        most: PAGE as i64 + 1,
    };
    let mut rows = store::session::list_own(&app.db, &wanted, app.clock.now()).await?;
    let has_more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let last = rows.last().filter(|_| has_more);
    let more_href = last.map(|last| format!("{list_path}?used={}&behind={}", last.last_active_at, last.id));
    let sessions = rows.into_iter().map(|row| view(app, visitor, signed_in, row)).collect();
    Ok(Listed { sessions, more_href, first_href })
}

/// Shows a page of the list.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&path(&app, "login?to=devices"))) };
    let Listed { sessions, more_href, first_href } = list(&app, &visitor, signed_in, &query, false).await?;
    let current = match first_href {
        None => find(&app, signed_in, signed_in.session.session_id.as_str()).await?,
        Some(_) => None,
    };
    let layout = layout(&app, visitor.language(None));
    Ok(html(&DevicesPage {
        notice: acts::notice(&layout, &query),
        layout,
        current: current.map(|row| view(&app, &visitor, signed_in, row)),
        sessions,
        more_href,
        first_href,
        end_others_href: acts::confirm_path(&app, Act::EndOtherSessions, None),
        back_href: path(&app, "account/"),
    }))
}

/// Shows one session.
pub async fn get_one(
    State(app): State<App>,
    visitor: Visitor,
    Segment(id): Segment,
    Query(query): Query,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&login_path(&app, &id))) };
    let is_renamed = query.get("done") == Some("rename");
    Ok(match find(&app, signed_in, &id).await? {
        Some(row) => html(&page(&app, &visitor, signed_in, row, is_renamed)),
        None => no_device(&app, &visitor),
    })
}

/// Renames the device of a session.
pub async fn rename(
    State(app): State<App>,
    visitor: Visitor,
    Segment(id): Segment,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let Some(signed_in) = &visitor.signed_in else { return Ok(see_other(&login_path(&app, &id))) };
    visitor.check_form_as(&app, &form, signed_in)?;
    let Some(row) = find(&app, signed_in, &id).await? else { return Ok(no_device(&app, &visitor)) };
    let typed = form.get("name").unwrap_or_default();
    let result = match device_name(typed) {
        Some(name) => account::rename_device(&app, &signed_in.user, &row.id, name).await,
        None => return Ok(refused(&app, &visitor, signed_in, row, typed, ChangeError::NameMissing)),
    };
    match result {
        Ok(()) => Ok(see_other(&path(&app, &format!("account/devices/{id}?done=rename")))),
        Err(Error::Refusal(Refusal::HomeserverUnavailable | Refusal::DeviceRefused)) => {
            Ok(refused(&app, &visitor, signed_in, row, typed, ChangeError::Unavailable))
        }
        Err(Error::Refusal(Refusal::NotFound)) => Ok(no_device(&app, &visitor)),
        Err(error) => Err(error.into()),
    }
}

/// Ends a session on a proof, and goes back to where it was listed. Whoever ended the one of this browser is signed out.
///
/// # Errors
/// Those of [`session::end_own`].
pub async fn end(app: &App, visitor: &Visitor, signed_in: &SignedIn, proof: &str, id: &SessionId) -> Result<Response> {
    let ended = session::end_own(app, signed_in, proof, id, &visitor.caller).await?;
    if ended.id == signed_in.session.session_id {
        return Ok(logout::signed_out(app, visitor));
    }
    let is_relying_party = ended.kind == SessionKind::Oauth.as_str() && ended.device_id.is_none();
    let list = if is_relying_party { "apps" } else { "devices" };
    Ok(see_other(&path(app, &format!("account/{list}?done={}", Act::EndSession.as_str()))))
}

/// Gives what the owner of a session calls it; nothing when it is not there or somebody else's.
///
/// # Errors
/// When the store fails.
pub async fn name(app: &App, visitor: &Visitor, signed_in: &SignedIn, id: &str) -> Result<Option<String>> {
    let Some(row) = find(app, signed_in, id).await? else { return Ok(None) };
    let device_id = row.device_id.clone();
    let title = view(app, visitor, signed_in, row).title(&layout(app, visitor.language(None)));
    Ok(Some(match device_id {
        Some(device_id) => format!("{title} · {device_id}"),
        None => title,
    }))
}

async fn find(app: &App, signed_in: &SignedIn, id: &str) -> Result<Option<OwnSession>> {
    let Some(id) = SessionId::read(id) else { return Ok(None) };
    Ok(store::session::find_own(&app.db, &signed_in.user.id, &id, app.clock.now()).await?)
}

fn login_path(app: &App, id: &str) -> String {
    let query =
        form_urlencoded::Serializer::new(String::new()).append_pair("to", "device").append_pair("target", id).finish();
    path(app, &format!("login?{query}"))
}

fn view(app: &App, visitor: &Visitor, signed_in: &SignedIn, row: OwnSession) -> SessionView {
    let sort = match &row.kind {
        kind if kind == SessionKind::Browser.as_str() => Sort::Browser,
        kind if kind == SessionKind::Compat.as_str() => Sort::OlderApp,
        _ => Sort::App,
    };
    let metadata: Option<ClientMetadata> = row.metadata.and_then(|metadata| serde_json::from_str(&metadata).ok());
    let languages = visitor.client_languages(None);
    let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
    let client_name = metadata.as_ref().and_then(|metadata| metadata.name(&languages).map(str::to_owned));
    let is_current = row.id == signed_in.session.session_id;
    let (name, device_name) = match sort {
        Sort::OlderApp => (row.device_name, None),
        _ => (client_name, row.device_name),
    };
    SessionView {
        sort,
        name,
        host: metadata.and_then(|metadata| metadata.host()),
        device_id: row.device_id,
        device_name,
        program: row.user_agent.as_deref().map(Program::of),
        created_at: Moment(row.created_at),
        last_active_at: Moment(row.last_active_at),
        ip: row.last_active_ip,
        is_current,
        href: path(app, &format!("account/devices/{}", row.id)),
        // Signing out here needs no proof, and never did.
        end_href: match is_current {
            true => path(app, "logout"),
            false => acts::confirm_path(app, Act::EndSession, Some(row.id.as_str())),
        },
    }
}

fn page(app: &App, visitor: &Visitor, signed_in: &SignedIn, row: OwnSession, is_renamed: bool) -> DevicePage {
    let layout = layout(app, visitor.language(None));
    let (id, amr, scope) = (row.id.clone(), row.amr.clone(), Scope::parse(&row.scope).unwrap_or_default());
    let session = view(app, visitor, signed_in, row);
    let rename = session.device_id.is_some().then(|| Rename {
        action: path(app, &format!("account/devices/{id}/rename")),
        name: session.device_name.clone().or_else(|| session.name.clone()).unwrap_or_default(),
        error: None,
    });
    let list = if session.sort == Sort::App && session.device_id.is_none() { "apps" } else { "devices" };
    DevicePage {
        notice: is_renamed.then(|| DevicePage::renamed(&layout)),
        layout,
        session,
        amr,
        access: access(&scope),
        rename,
        csrf: visitor.csrf_as(app, signed_in),
        list_href: path(app, &format!("account/{list}")),
    }
}

/// The scope of an older app names no device.
fn access(scope: &Scope) -> Vec<Access> {
    let mut access = consent::access(scope);
    if scope.is_matrix() && scope.device_id().is_none() {
        access.insert(0, Access::Matrix { device_id: String::new() });
    }
    access
}

fn refused(
    app: &App,
    visitor: &Visitor,
    signed_in: &SignedIn,
    row: OwnSession,
    typed: &str,
    error: ChangeError,
) -> Response {
    let mut page = page(app, visitor, signed_in, row, false);
    if let Some(rename) = &mut page.rename {
        (rename.name, rename.error) = (typed.to_owned(), Some(error));
    }
    (error.status(), html(&page)).into_response()
}
