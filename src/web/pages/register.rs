//! `/register`: creating an account, in two steps. First a name and a password; then, with the strength of the
//! password shown, a display name and the commit.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    domain::{
        id::RegistrationId,
        params::Params,
        refusal::Refusal,
        user::{MAX_PASSWORD_BYTES, mxid},
    },
    error::{Error, Result},
    flows::register::{Errand, begin, check_username, find, finish, is_strong_enough, strength},
    store::registration::Registration,
    web::{
        frame::{PageError, html},
        pages::{
            InProgress, layout, path, path_after_login, path_within, see_other, sign_in,
            views::{
                ContinueAs, PasswordError, PasswordStrength, RegisterError, RegisterFinishPage, RegisterPage,
                RegistrationClosedPage,
            },
        },
        request::{PageForm, Query, Visitor},
    },
};

/// Shows the first form.
pub async fn get(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let in_progress = InProgress::named(&app, &visitor, &query).await?;
    if !app.config.account.password_registration_enabled {
        return Ok(closed(&app, &visitor, in_progress.as_ref()));
    }
    Ok(html(&start_page(&app, &visitor, in_progress.as_ref(), Wrong::default(), "")))
}

/// SGN-08.
fn closed(app: &App, visitor: &Visitor, in_progress: Option<&InProgress>) -> Response {
    let page = RegistrationClosedPage {
        layout: layout(app, visitor.language(in_progress.and_then(InProgress::ui_locales))),
        login_href: Some(path_within(app, "login", in_progress)),
    };
    (StatusCode::FORBIDDEN, html(&page)).into_response()
}

/// What is wrong with the first form.
#[derive(Default)]
struct Wrong {
    username: Option<crate::domain::user::UsernameProblem>,
    password: Option<PasswordError>,
    other: Option<RegisterError>,
}

/// Checks the name and the password, and goes on to the second form.
pub async fn post(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let in_progress = InProgress::named(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    if !app.config.account.password_registration_enabled {
        return Ok(closed(&app, &visitor, in_progress.as_ref()));
    }
    match check_and_begin(&app, &visitor, in_progress.as_ref().map(errand), &form).await? {
        Ok(id) => Ok(see_other(&path(&app, &format!("register/finish?id={id}")))),
        Err(wrong) => {
            let status = match wrong.other {
                Some(_) => StatusCode::SERVICE_UNAVAILABLE,
                None => StatusCode::UNPROCESSABLE_ENTITY,
            };
            let username = form.get("username").unwrap_or_default();
            let page = start_page(&app, &visitor, in_progress.as_ref(), wrong, username);
            Ok((status, html(&page)).into_response())
        }
    }
}

/// What is written down of what a sign-up is for.
fn errand(in_progress: &InProgress) -> Errand {
    match in_progress {
        InProgress::Authorization { grant, .. } => Errand::Authorization(grant.id.clone()),
        InProgress::SsoLogin(login) => Errand::SsoLogin(login.id.clone()),
    }
}

/// Both fields are judged before the homeserver is asked and anything is hashed (INV-08).
async fn check_and_begin(
    app: &App,
    visitor: &Visitor,
    errand: Option<Errand>,
    form: &Params,
) -> Result<Result<RegistrationId, Wrong>> {
    let (raw, password) = (form.get("username").unwrap_or_default(), form.get("password").unwrap_or_default());
    let entropy = strength(app, raw, password);
    let password_error = match password.len() {
        0 => Some(PasswordError::Empty),
        length if length > MAX_PASSWORD_BYTES => Some(PasswordError::TooLong),
        _ if !is_strong_enough(app, &entropy) => Some(PasswordError::TooWeak(PasswordStrength::from(&entropy))),
        _ => None,
    };
    let username = match check_username(app, raw).await {
        Ok(username) => username,
        Err(Error::Refusal(Refusal::Username(problem))) => {
            return Ok(Err(Wrong { username: Some(problem), password: password_error, other: None }));
        }
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => {
            return Ok(Err(Wrong { other: Some(RegisterError::Unavailable), ..Wrong::default() }));
        }
        Err(error) => return Err(error),
    };
    if password_error.is_some() {
        return Ok(Err(Wrong { password: password_error, ..Wrong::default() }));
    }
    match begin(app, &visitor.browser, errand, username, password, entropy.score().into()).await {
        Ok(id) => Ok(Ok(id)),
        Err(Error::Refusal(Refusal::Busy)) => Ok(Err(Wrong { other: Some(RegisterError::Busy), ..Wrong::default() })),
        Err(error) => Err(error),
    }
}

fn start_page(
    app: &App,
    visitor: &Visitor,
    in_progress: Option<&InProgress>,
    wrong: Wrong,
    username: &str,
) -> RegisterPage {
    RegisterPage {
        layout: layout(app, visitor.language(in_progress.and_then(InProgress::ui_locales))),
        action: path_within(app, "register", in_progress),
        csrf: visitor.csrf(app),
        server: app.server_name().to_owned(),
        username: username.to_owned(),
        username_error: wrong.username,
        password_error: wrong.password,
        error: wrong.other,
        client: in_progress.and_then(|in_progress| in_progress.client_view(visitor)),
        login_href: Some(path_within(app, "login", in_progress)),
        continue_as: visitor.signed_in.as_ref().map(|signed_in| ContinueAs {
            user_id: signed_in.user.mxid(app.server_name()),
            href: path_after_login(app, in_progress),
        }),
    }
}

/// A sign-up in its second step, with the authorization that waits for it.
struct SecondStep {
    registration: Registration,
    in_progress: Option<InProgress>,
}

impl SecondStep {
    async fn find(app: &App, visitor: &Visitor, query: &Params) -> Result<Self> {
        let id = query.get("id").and_then(RegistrationId::read).ok_or(Refusal::TransactionOver)?;
        let registration = find(app, &id, &visitor.browser).await?;
        // An account can be completed although what it was wanted for took too long.
        let in_progress = match (&registration.grant_id, &registration.sso_login_id) {
            (Some(grant), _) => InProgress::authorization(app, visitor, grant.as_str()).await.ok(),
            (None, Some(login)) => InProgress::sso_login(app, visitor, login.as_str()).await.ok(),
            (None, None) => None,
        };
        Ok(Self { registration, in_progress })
    }

    fn page(
        &self,
        app: &App,
        visitor: &Visitor,
        display_name: &str,
        error: Option<RegisterError>,
    ) -> RegisterFinishPage {
        let in_progress = self.in_progress.as_ref();
        let score = u8::try_from(self.registration.password_strength).unwrap_or_default();
        RegisterFinishPage {
            layout: layout(app, visitor.language(in_progress.and_then(InProgress::ui_locales))),
            action: path(app, &format!("register/finish?id={}", self.registration.id)),
            csrf: visitor.csrf(app),
            user_id: mxid(&self.registration.username, app.server_name()),
            strength: PasswordStrength::of_score(score),
            display_name: display_name.to_owned(),
            error,
            client: in_progress.and_then(|in_progress| in_progress.client_view(visitor)),
            restart_href: Some(path_within(app, "register", in_progress)),
        }
    }
}

/// Shows the second form.
pub async fn get_finish(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let step = SecondStep::find(&app, &visitor, &query).await?;
    Ok(html(&step.page(&app, &visitor, "", None)))
}

/// Creates the account, signs the browser in, and goes on.
pub async fn post_finish(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let step = SecondStep::find(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    let display_name = form.get("display_name").unwrap_or_default();
    match finish(&app, &step.registration, display_name).await {
        Ok(user) => Ok(sign_in(&app, &visitor, &user, app.clock.now(), step.in_progress.as_ref()).await?),
        Err(Error::Refusal(Refusal::Username(problem))) => {
            let wrong = Wrong { username: Some(problem), ..Wrong::default() };
            let username = &step.registration.username;
            let page = start_page(&app, &visitor, step.in_progress.as_ref(), wrong, username);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => {
            let page = step.page(&app, &visitor, display_name, Some(RegisterError::Unavailable));
            Ok((StatusCode::SERVICE_UNAVAILABLE, html(&page)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
