//! `/login`: signing in with a password.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    domain::refusal::Refusal,
    error::Error,
    flows::login::{Identifier, by_password},
    web::{
        frame::{PageError, html},
        pages::{
            InProgress, layout, next_path, path, path_after_login, path_within, see_other, sign_in,
            views::{ContinueAs, LoginError, LoginNotice, LoginPage},
        },
        refusal::status,
        request::{PageForm, Query, Visitor},
    },
};

/// Shows the form, unless the person is signed in and nothing asks for more.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let in_progress = InProgress::named(&app, &visitor, &query).await?;
    let is_switching = query.get("switch").is_some();
    let next = next_path(&app, &visitor, in_progress.as_ref());
    let is_needed = visitor.signed_in.is_none() || next.starts_with(&path(&app, "login"));
    if !is_needed && !is_switching {
        return Ok(see_other(&next));
    }
    Ok(html(&page(&app, &visitor, in_progress.as_ref(), None, None)))
}

/// Checks name and password, and goes on.
pub async fn post(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let in_progress = InProgress::named(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    let username = form.get("username").unwrap_or_default();
    let password = form.get("password").unwrap_or_default();
    match enter(&app, &visitor, username, password, in_progress.as_ref()).await {
        Ok(response) => Ok(response),
        Err(error) => {
            let (shown, status) = what_to_show(error)?;
            let page = page(&app, &visitor, in_progress.as_ref(), Some(username), Some(shown));
            Ok((status, html(&page)).into_response())
        }
    }
}

async fn enter(
    app: &App,
    visitor: &Visitor,
    username: &str,
    password: &str,
    in_progress: Option<&InProgress>,
) -> Result<Response, Error> {
    let proved_at = app.clock.now();
    let user = by_password(app, &Identifier::Typed(username.to_owned()), password).await?;
    sign_in(app, visitor, &user.id, proved_at, in_progress).await
}

/// What a person can mend is shown at the form; the rest is an error page.
fn what_to_show(error: Error) -> Result<(LoginError, StatusCode), Error> {
    let shown = match error.refusal() {
        Some(Refusal::WrongCredentials) => LoginError::WrongCredentials,
        Some(Refusal::UserLocked) => LoginError::Locked,
        Some(Refusal::UserDeactivated) => LoginError::Deactivated,
        Some(Refusal::Busy) => LoginError::Busy,
        _ => return Err(error),
    };
    let status = error.refusal().map_or(StatusCode::OK, status);
    Ok((shown, status))
}

fn page(
    app: &App,
    visitor: &Visitor,
    in_progress: Option<&InProgress>,
    username: Option<&str>,
    error: Option<LoginError>,
) -> LoginPage {
    let grant = in_progress.and_then(InProgress::grant);
    let language = visitor.language(in_progress.and_then(InProgress::ui_locales));
    let hint = grant.and_then(|grant| grant.hinted_identifier(app.server_name()));
    // A request that wants the password again is about the account that is signed in.
    let wants_again = grant
        .zip(visitor.signed_in.as_ref())
        .filter(|(grant, signed_in)| !grant.accepts_login_of(signed_in.auth_time, app.clock.now()));
    let prefilled = username.or(hint).or(wants_again.map(|(_, signed_in)| signed_in.user.username.as_str()));
    LoginPage {
        layout: layout(app, language),
        action: path_within(app, "login", in_progress),
        csrf: visitor.csrf(app),
        username: prefilled.unwrap_or_default().to_owned(),
        error,
        notice: notice(app, in_progress, wants_again.is_some()),
        client: in_progress.and_then(|in_progress| in_progress.client_view(visitor)),
        register_href: app
            .config
            .account
            .password_registration_enabled
            .then(|| path_within(app, "register", in_progress)),
        continue_as: visitor.signed_in.as_ref().filter(|_| wants_again.is_none()).map(|signed_in| ContinueAs {
            user_id: signed_in.user.mxid(app.server_name()),
            href: path_after_login(app, in_progress),
        }),
    }
}

fn notice(app: &App, in_progress: Option<&InProgress>, wants_again: bool) -> Option<LoginNotice> {
    let is_sign_up = in_progress.is_some_and(InProgress::wants_registration);
    match is_sign_up && !app.config.account.password_registration_enabled {
        true => Some(LoginNotice::RegistrationClosed),
        false => wants_again.then_some(LoginNotice::Reauthenticate),
    }
}
