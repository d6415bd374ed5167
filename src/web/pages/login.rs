//! `/login`: signing in, with a password or a passkey.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::{
    app::App,
    config::CaptchaPage,
    domain::{factor::FactorProblem, grant::Grant, params::Params, refusal::Refusal},
    error::Error,
    flows::{
        browser::Proved,
        captcha,
        login::{Identifier, by_password, check_account},
        passkey::{self, Answer, Shown},
        prove::{self, Step},
        recover, register,
    },
    store,
    web::{
        frame::{PageError, html},
        pages::{
            InProgress,
            assets::{Script, passkey_script},
            captcha::{captcha_view, with_captcha},
            factor::{answer, passkey_form},
            layout, next_path, path, path_after_login, path_within, see_other, sign_in,
            views::{ContinueAs, LoginError, LoginNotice, LoginPage, captcha::CaptchaError, security::PasskeyForm},
        },
        refusal::status,
        request::{PageForm, Query, Visitor},
    },
};

/// Shows the form, unless the person is signed in and nothing asks for more.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let in_progress = InProgress::named(&app, &visitor, &query).await?;
    let is_switching = query.get("switch").is_some();
    let next = next_path(&app, &visitor, in_progress.as_ref()).await?;
    let is_needed = visitor.signed_in.is_none() || next.starts_with(&path(&app, "login"));
    if !is_needed && !is_switching {
        return Ok(see_other(&next));
    }
    Ok(show(&app, &visitor, in_progress.as_ref(), None, None).await?)
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
    match enter(&app, &visitor, &form, in_progress.as_ref()).await {
        Ok(response) => Ok(response),
        Err(error) => show_error(&app, &visitor, in_progress.as_ref(), Some(username), error).await,
    }
}

/// Signs in whoever has the passkey that answers, without a name or a password.
pub async fn post_passkey(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let in_progress = InProgress::named(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    let answer = answer(&form).ok_or(FactorProblem::PasskeyRefused)?;
    match enter_by_passkey(&app, &visitor, &answer, in_progress.as_ref()).await {
        Ok(response) => Ok(response),
        Err(error) => show_error(&app, &visitor, in_progress.as_ref(), None, error).await,
    }
}

/// Gives a page that waits for whoever comes a fresh challenge, before the one that it has expires (spec WAN-08).
pub async fn passkey_options(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    let challenge = passkey::ask_anybody(&app, &visitor.browser)?;
    Ok(Json(json!({ "options": challenge.options, "state": challenge.state })).into_response())
}

async fn enter_by_passkey(
    app: &App,
    visitor: &Visitor,
    answer: &Answer<'_>,
    in_progress: Option<&InProgress>,
) -> Result<Response, Error> {
    let Shown { user, amr, at } = passkey::show_anybody(app, &visitor.browser, answer, &visitor.caller).await?;
    let found = store::user::find(&app.db, &user).await?.ok_or(FactorProblem::PasskeyRefused)?;
    check_account(&found)?;
    sign_in(app, visitor, &Proved { user, at, amr, proof: None }, in_progress).await
}

async fn enter(
    app: &App,
    visitor: &Visitor,
    form: &Params,
    in_progress: Option<&InProgress>,
) -> Result<Response, Error> {
    let username = form.get("username").unwrap_or_default();
    let password = form.get("password").unwrap_or_default();
    let attempt = captcha::check_login(app, username, &visitor.browser, form, &visitor.caller).await?;
    let proved_at = app.clock.now();
    let user = by_password(app, &Identifier::Typed(username.to_owned()), password).await?;
    attempt.succeed(app).await?;
    let wanted = in_progress.and_then(InProgress::grant).and_then(Grant::wanted_acr);
    let waiting = in_progress.map(InProgress::waiting).unwrap_or_default();
    match prove::go_on(app, &visitor.browser, &user, proved_at, wanted, waiting).await? {
        Step::Done(amr) => {
            sign_in(app, visitor, &Proved { user: user.id, at: proved_at, amr, proof: None }, in_progress).await
        }
        Step::Second(proof) => Ok(see_other(&path(app, &format!("factor?proof={proof}")))),
    }
}

async fn show_error(
    app: &App,
    visitor: &Visitor,
    in_progress: Option<&InProgress>,
    username: Option<&str>,
    error: Error,
) -> Result<Response, PageError> {
    let (shown, status) = what_to_show(error)?;
    let page = show(app, visitor, in_progress, username, Some(shown)).await?;
    Ok((status, page).into_response())
}

/// What a person can mend is shown at the form; the rest is an error page.
fn what_to_show(error: Error) -> Result<(LoginError, StatusCode), Error> {
    let shown = match error.refusal() {
        Some(Refusal::WrongCredentials) => LoginError::WrongCredentials,
        Some(Refusal::UserLocked) => LoginError::Locked,
        Some(Refusal::UserDeactivated) => LoginError::Deactivated,
        Some(Refusal::AwaitingApproval) => LoginError::AwaitingApproval,
        Some(Refusal::Busy) => LoginError::Busy,
        Some(Refusal::Factor(problem)) => LoginError::Factor(*problem),
        refusal => match refusal.and_then(CaptchaError::of) {
            Some(captcha) => LoginError::Captcha(captcha),
            None => return Err(error),
        },
    };
    let status = error.refusal().map_or(StatusCode::OK, status);
    Ok((shown, status))
}

async fn show(
    app: &App,
    visitor: &Visitor,
    in_progress: Option<&InProgress>,
    username: Option<&str>,
    error: Option<LoginError>,
) -> Result<Response, Error> {
    let passkey = match &app.passkeys {
        Some(_) => Some(PasskeyForm {
            refresh: Some(path(app, "login/passkey")),
            ..passkey_form(passkey::ask_anybody(app, &visitor.browser)?, path_within(app, "login/passkey", in_progress))
        }),
        None => None,
    };
    let page = page(app, visitor, in_progress, username, error, passkey);
    let captcha = match captcha::is_login_checked(app, username, &visitor.caller).await? {
        true => captcha_view(app, CaptchaPage::Login, &visitor.browser, page.layout.language)?,
        false => None,
    };
    let own: &[&Script] = if app.passkeys.is_some() { &[passkey_script()] } else { &[] };
    let page = LoginPage { captcha, ..page };
    Ok(with_captcha(app, page.captcha.as_ref(), own, html(&page)))
}

fn page(
    app: &App,
    visitor: &Visitor,
    in_progress: Option<&InProgress>,
    username: Option<&str>,
    error: Option<LoginError>,
    passkey: Option<PasskeyForm>,
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
        register_href: register::is_open(app).then(|| path_within(app, "register", in_progress)),
        continue_as: visitor.signed_in.as_ref().filter(|_| wants_again.is_none()).map(|signed_in| ContinueAs {
            user_id: signed_in.user.mxid(app.server_name()),
            href: path_after_login(app, in_progress),
        }),
        passkey,
        captcha: None,
        recover_href: recover::is_possible(app).then(|| path(app, "recover")),
    }
}

fn notice(app: &App, in_progress: Option<&InProgress>, wants_again: bool) -> Option<LoginNotice> {
    let is_sign_up = in_progress.is_some_and(InProgress::wants_registration);
    match is_sign_up && !register::is_open(app) {
        true => Some(LoginNotice::RegistrationClosed),
        false => wants_again.then_some(LoginNotice::Reauthenticate),
    }
}
