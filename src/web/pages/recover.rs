//! `/recover`: a new password by way of a link in a mail, for somebody who forgot theirs (spec RCV-03). What an address
//! belongs to shows nowhere here.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    config::CaptchaPage,
    domain::{
        email::{self, EmailProblem},
        params::Params,
        refusal::Refusal,
    },
    error::{Error, Result},
    flows::{
        captcha, password,
        recover::{self, Found},
    },
    web::{
        frame::{PageError, html},
        pages::{
            captcha::{captcha_view, with_captcha},
            layout, path, see_other,
            views::{
                PasswordError,
                captcha::CaptchaError,
                recover::{RecoverError, RecoverPage, RecoverPasswordPage, RecoverWords, RecoverWordsPage},
            },
        },
        refusal::{refused, status},
        request::{PageForm, Segment, Visitor},
    },
};

/// Asks for an address.
pub async fn get(State(app): State<App>, visitor: Visitor) -> Result<Response, PageError> {
    match recover::is_possible(&app) {
        true => Ok(start_page(&app, &visitor, "", None)?),
        false => Ok((StatusCode::FORBIDDEN, words(&app, &visitor, RecoverWords::Impossible)).into_response()),
    }
}

/// Sends a link there, if it is somebody's.
pub async fn post(State(app): State<App>, visitor: Visitor, PageForm(form): PageForm) -> Result<Response, PageError> {
    visitor.check_form(&app, &form)?;
    if !recover::is_possible(&app) {
        return Ok((StatusCode::FORBIDDEN, words(&app, &visitor, RecoverWords::Impossible)).into_response());
    }
    let address = form.get("email").unwrap_or_default();
    let refusal = match request(&app, &visitor, &form, address).await {
        Ok(()) => return Ok(see_other(&path(&app, "recover/sent"))),
        Err(Error::Refusal(refusal)) => refusal,
        Err(error) => return Err(error.into()),
    };
    let error = match refusal {
        Refusal::Email(problem) => RecoverError::Email(problem),
        Refusal::Busy => RecoverError::Busy,
        Refusal::TooManyRequests { seconds } => RecoverError::Wait { seconds },
        _ => match CaptchaError::of(&refusal) {
            Some(error) => RecoverError::Captcha(error),
            None => return Err(refusal.into()),
        },
    };
    Ok(refused(&refusal, start_page(&app, &visitor, address, Some(error))?))
}

/// What was typed is judged before the person has to do more.
async fn request(app: &App, visitor: &Visitor, form: &Params, address: &str) -> Result<()> {
    let address = email::typed(address).ok_or(EmailProblem::Invalid)?;
    recover::check_limits(app, &address, &visitor.caller).await?;
    captcha::check(app, CaptchaPage::Recovery, &visitor.browser, form, &visitor.caller).await?;
    recover::request(app, &address, &visitor.caller).await
}

fn start_page(app: &App, visitor: &Visitor, address: &str, error: Option<RecoverError>) -> Result<Response> {
    let language = visitor.language(None);
    let page = RecoverPage {
        layout: layout(app, language),
        action: path(app, "recover"),
        csrf: visitor.csrf(app),
        email: address.to_owned(),
        error,
        captcha: captcha_view(app, CaptchaPage::Recovery, &visitor.browser, language)?,
        login_href: path(app, "login"),
    };
    Ok(with_captcha(app, page.captcha.as_ref(), &[], html(&page)))
}

fn words(app: &App, visitor: &Visitor, words: RecoverWords) -> Response {
    html(&RecoverWordsPage {
        layout: layout(app, visitor.language(None)),
        words,
        login_href: path(app, "login"),
        recover_href: path(app, "recover"),
    })
}

/// Says that a mail is on its way, if the address is somebody's.
pub async fn sent(State(app): State<App>, visitor: Visitor) -> Response {
    words(&app, &visitor, RecoverWords::Sent)
}

/// Says that there is a new password.
pub async fn done(State(app): State<App>, visitor: Visitor) -> Response {
    words(&app, &visitor, RecoverWords::Done)
}

/// Shows where a link leads: programs that read mail come here too, so it does nothing.
pub async fn get_link(
    State(app): State<App>,
    visitor: Visitor,
    Segment(secret): Segment,
) -> Result<Response, PageError> {
    match recover::find(&app, &secret).await {
        Ok(found) => Ok(html(&password_page(&app, &visitor, &secret, &found))),
        Err(error) => over(&app, &visitor, error),
    }
}

/// Gives the account a new password.
pub async fn post_link(
    State(app): State<App>,
    visitor: Visitor,
    Segment(secret): Segment,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    visitor.check_form(&app, &form)?;
    let found = match recover::find(&app, &secret).await {
        Ok(found) => found,
        Err(error) => return over(&app, &visitor, error),
    };
    let page = password_page(&app, &visitor, &secret, &found);
    let chosen = match password::choose(&app, &found.user.username, form.get("password").unwrap_or_default())? {
        Ok(chosen) => chosen,
        Err(problem) => {
            let page = RecoverPasswordPage { password_error: Some(PasswordError::from(problem)), ..page };
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response());
        }
    };
    match recover::complete(&app, &found, chosen, &visitor.caller).await {
        Ok(()) => Ok(see_other(&path(&app, "recover/done"))),
        Err(Error::Refusal(Refusal::Busy)) => {
            let page = RecoverPasswordPage { is_busy: true, ..page };
            Ok((StatusCode::SERVICE_UNAVAILABLE, html(&page)).into_response())
        }
        Err(error) => over(&app, &visitor, error),
    }
}

/// One page for every link that is not good, whatever the reason.
fn over(app: &App, visitor: &Visitor, error: Error) -> Result<Response, PageError> {
    match error {
        Error::Refusal(refusal @ Refusal::RecoveryOver) => {
            Ok((status(&refusal), words(app, visitor, RecoverWords::Over)).into_response())
        }
        error => Err(error.into()),
    }
}

fn password_page(app: &App, visitor: &Visitor, secret: &str, found: &Found) -> RecoverPasswordPage {
    RecoverPasswordPage {
        layout: layout(app, visitor.language(None)),
        action: path(app, &format!("recover/{secret}")),
        csrf: visitor.csrf(app),
        username: found.user.username.clone(),
        user_id: found.user.mxid(app.server_name()),
        password_error: None,
        is_busy: false,
    }
}
