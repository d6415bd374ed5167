//! `/login`: signing in, with a password or a passkey.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    app::App,
    config::CaptchaPage,
    domain::{amr::Acr, assurance::Standing, factor::FactorProblem, params::Params, refusal::Refusal},
    error::{Error, Result},
    flows::{
        assurance::{Occasion, wanted},
        browser::Proved,
        captcha,
        limit::{self, Limiter},
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
            layout, next_path, path, path_after_login, path_within, see_other, sign_in, standing, upstream,
            views::{ContinueAs, LoginError, LoginNotice, LoginPage, captcha::CaptchaError, security::PasskeyForm},
        },
        refusal::refused,
        request::{PageForm, Query, Visitor},
    },
};

/// Shows the form, unless the person is signed in and nothing asks for more.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let in_progress = InProgress::named(&app, &visitor, &query).await?;
    let is_switching = query.get("switch").is_some();
    let next = match next_path(&app, &visitor, in_progress.as_ref()).await {
        // Somebody else may be allowed to.
        Err(Error::Refusal(Refusal::Policy(_))) if is_switching => path(&app, "login"),
        next => next?,
    };
    let is_needed = visitor.signed_in.is_none() || next.starts_with(&path(&app, "login"));
    if !is_needed && !is_switching {
        return Ok(see_other(&next));
    }
    if visitor.signed_in.is_none()
        && query.get("stay").is_none()
        && let Some(only) = upstream::only_provider(&app, &visitor, in_progress.as_ref())
    {
        let stay = with_stay(path_within(&app, "login", in_progress.as_ref()));
        return Ok(upstream::leave(&app, &visitor, only, Some(stay)));
    }
    Ok(show(&app, &visitor, in_progress.as_ref(), None, None).await?)
}

/// Makes the address of the login page that leads nowhere by itself.
pub fn with_stay(page: String) -> String {
    format!("{page}{}stay=1", if page.contains('?') { '&' } else { '?' })
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
        Err(error) => Ok(show_error(&app, &visitor, in_progress.as_ref(), Some(username), error).await?),
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
        Err(error) => Ok(show_error(&app, &visitor, in_progress.as_ref(), None, error).await?),
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
) -> Result<Response> {
    let Shown { user, amr, at } = passkey::show_anybody(app, &visitor.browser, answer, &visitor.caller).await?;
    let found = store::user::find(&app.db, &user).await?.ok_or(FactorProblem::PasskeyRefused)?;
    check_account(&found)?;
    wanted(app, &found, in_progress.map_or(Occasion::ACCOUNT, InProgress::occasion), &visitor.caller)?;
    limit::take(app, Limiter::LoginByAccount, user.as_str()).await?;
    sign_in(app, visitor, &Proved { user, at, amr, proof: None, trip: None }, in_progress).await
}

async fn enter(app: &App, visitor: &Visitor, form: &Params, in_progress: Option<&InProgress>) -> Result<Response> {
    let username = form.get("username").unwrap_or_default();
    let password = form.get("password").unwrap_or_default();
    let attempt = captcha::check_login(app, username, &visitor.browser, form, &visitor.caller).await?;
    let (proved_at, identifier) = (app.clock.now(), Identifier::Typed(username.to_owned()));
    let user = by_password(app, &identifier, password, Some(&visitor.browser), &visitor.caller).await?;
    attempt.succeed(app).await?;
    let required = wanted(app, &user, in_progress.map_or(Occasion::ACCOUNT, InProgress::occasion), &visitor.caller)?;
    let wanted = required.max(in_progress.and_then(|in_progress| in_progress.wanted_acr(app)));
    let waiting = in_progress.map(|in_progress| in_progress.waiting(app)).unwrap_or_default();
    match prove::go_on(app, &visitor.browser, &user, proved_at, wanted, waiting).await? {
        Step::Done(amr) => {
            sign_in(app, visitor, &Proved { user: user.id, at: proved_at, amr, proof: None, trip: None }, in_progress)
                .await
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
) -> Result<Response> {
    let (shown, refusal) = what_to_show(error)?;
    let page = show(app, visitor, in_progress, username, Some(shown)).await?;
    Ok(refused(&refusal, page))
}

/// What a person can mend is shown at the form; the rest is an error page.
fn what_to_show(error: Error) -> Result<(LoginError, Refusal)> {
    let Error::Refusal(refusal) = error else { return Err(error) };
    let shown = match &refusal {
        Refusal::WrongCredentials => LoginError::WrongCredentials,
        Refusal::UserLocked => LoginError::Locked,
        Refusal::UserDeactivated => LoginError::Deactivated,
        Refusal::AwaitingApproval => LoginError::AwaitingApproval,
        Refusal::Busy => LoginError::Busy,
        Refusal::TooManyRequests { seconds } => LoginError::Wait { seconds: *seconds },
        Refusal::Factor(problem) => LoginError::Factor(*problem),
        _ => match CaptchaError::of(&refusal) {
            Some(captcha) => LoginError::Captcha(captcha),
            None => return Err(refusal.into()),
        },
    };
    Ok((shown, refusal))
}

async fn show(
    app: &App,
    visitor: &Visitor,
    in_progress: Option<&InProgress>,
    username: Option<&str>,
    error: Option<LoginError>,
) -> Result<Response> {
    let passkey = match &app.passkeys {
        Some(_) => Some(PasskeyForm {
            refresh: Some(path(app, "login/passkey")),
            ..passkey_form(passkey::ask_anybody(app, &visitor.browser)?, path_within(app, "login/passkey", in_progress))
        }),
        None => None,
    };
    let standing = match standing(app, visitor, in_progress).await {
        // Whoever is signed in may not go on; somebody else may.
        Err(Error::Refusal(Refusal::Policy(_))) => None,
        standing => standing?,
    };
    let page = page(app, visitor, in_progress, Form { username, error, standing, passkey });
    let captcha = match captcha::is_login_checked(app, username, &visitor.caller).await? {
        true => captcha_view(app, CaptchaPage::Login, &visitor.browser, page.layout.language)?,
        false => None,
    };
    let own: &[&Script] = if app.passkeys.is_some() { &[passkey_script()] } else { &[] };
    let page = LoginPage { captcha, ..page };
    Ok(with_captcha(app, page.captcha.as_ref(), own, html(&page)))
}

/// What the form is shown with.
struct Form<'a> {
    username: Option<&'a str>,
    error: Option<LoginError>,
    /// Of whoever is signed in.
    standing: Option<Standing>,
    passkey: Option<PasskeyForm>,
}

fn page(app: &App, visitor: &Visitor, in_progress: Option<&InProgress>, form: Form<'_>) -> LoginPage {
    let Form { username, error, standing, passkey } = form;
    let language = visitor.language(in_progress.and_then(InProgress::ui_locales));
    let hint = in_progress.and_then(InProgress::grant).and_then(|grant| grant.hinted_identifier(app.server_name()));
    // What wants another login wants it of the account that is signed in.
    let again = match standing {
        Some(Standing::Again(wanted)) => visitor.signed_in.as_ref().map(|signed_in| (signed_in, wanted)),
        _ => None,
    };
    let own = again.map(|(signed_in, _)| signed_in.user.username.as_str());
    let prefilled = username.or(hint).or(own);
    LoginPage {
        layout: layout(app, language),
        action: path_within(app, "login", in_progress),
        csrf: visitor.csrf(app),
        username: prefilled.unwrap_or_default().to_owned(),
        has_password: app.config.passwords.enabled,
        providers: upstream::providers(app, in_progress),
        error,
        notice: notice(app, in_progress, again.map(|(_, wanted)| wanted)),
        client: in_progress.and_then(|in_progress| in_progress.client_view(visitor)),
        register_href: register::is_open(app).then(|| path_within(app, "register", in_progress)),
        continue_as: visitor.signed_in.as_ref().filter(|_| again.is_none() && standing.is_some()).map(|signed_in| {
            ContinueAs { user_id: signed_in.user.mxid(app.server_name()), href: path_after_login(app, in_progress) }
        }),
        passkey,
        captcha: None,
        recover_href: recover::is_possible(app).then(|| path(app, "recover")),
    }
}

fn notice(app: &App, in_progress: Option<&InProgress>, again: Option<Option<Acr>>) -> Option<LoginNotice> {
    let is_sign_up = in_progress.is_some_and(InProgress::wants_registration);
    match (again, is_sign_up && !register::is_open(app)) {
        (_, true) => Some(LoginNotice::RegistrationClosed),
        (Some(Some(Acr::PhishingResistant)), _) => Some(LoginNotice::WithPasskey),
        (Some(Some(Acr::Mfa)), _) => Some(LoginNotice::WithSecondFactor),
        (Some(_), _) => Some(LoginNotice::Reauthenticate),
        (None, _) => None,
    }
}
