//! `/register`: creating an account. First a name and a password; then an e-mail address and its code, where one is wanted;
//! last, with the strength of the password shown, a display name, the terms and the commit. What was done stays done: a
//! reload, or another tab, goes on with what is next.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    config::CaptchaPage,
    domain::{
        amr::Amr,
        email::EmailProblem,
        id::{RegistrationId, RegistrationTokenId},
        params::Params,
        policy::Violations,
        refusal::Refusal,
        registration_token::RegistrationTokenProblem,
        user::{choose_username, mxid},
    },
    error::{Error, Result},
    flows::{
        Caller,
        browser::Proved,
        captcha,
        email::{self, Applicant},
        password,
        permit::{self, Origin},
        register::{
            Completed, Errand, Step, begin, change, check_username, count_question, find, finish, is_open, step,
        },
        registration_token,
    },
    store::{email::EmailVerification, registration::Registration},
    web::{
        frame::{PageError, html},
        pages::{
            InProgress,
            captcha::{captcha_view, with_captcha},
            emails::shown,
            invitation::Invitation,
            layout, path, path_after_login, path_within, see_other, sign_in, upstream,
            views::{
                ContinueAs, HttpsLink, Layout, PasswordError, PasswordStrength, RegisterError, RegisterFinishPage,
                RegisterPage, RegistrationClosedPage, TermsView, UsernameError,
                captcha::CaptchaError,
                emails::{AddressError, EmailAddressPage, EmailCodePage, EmailFor},
                signup::TokenField,
            },
        },
        refusal::refused,
        request::{PageForm, Query, Visitor},
    },
};

/// Shows the first form.
pub async fn get(
    State(app): State<App>,
    visitor: Visitor,
    invitation: Invitation,
    Query(query): Query,
) -> Result<Response, PageError> {
    let in_progress = InProgress::named(&app, &visitor, &query).await?;
    if !is_open(&app) {
        return Ok(closed(&app, &visitor, in_progress.as_ref()));
    }
    let again = again(&app, &visitor, &query).await?;
    let username = again.as_ref().map(|again| again.username.clone()).unwrap_or_default();
    let typed = Typed { username, token: invitation.token().unwrap_or_default().to_owned() };
    let page = start_page(&app, &visitor, in_progress.as_ref(), again.as_ref(), typed, Wrong::default())?;
    Ok(invitation.keep(&app, page))
}

/// A sign-up that came back for another name or another password; what was confirmed in it stays.
async fn again(app: &App, visitor: &Visitor, query: &Params) -> Result<Option<Registration>> {
    match query.get("id").map(RegistrationId::read) {
        None => Ok(None),
        Some(id) => Ok(Some(find(app, &id.ok_or(Refusal::TransactionOver)?, &visitor.browser).await?)),
    }
}

/// SGN-08. Where a provider makes accounts, its button is on the login page.
fn closed(app: &App, visitor: &Visitor, in_progress: Option<&InProgress>) -> Response {
    if crate::flows::upstream::open(app).any(|upstream| !upstream.provider.sign_in_only) {
        return see_other(&path_within(app, "login", in_progress));
    }
    let page = RegistrationClosedPage {
        layout: layout(app, visitor.language(in_progress.and_then(InProgress::ui_locales))),
        login_href: Some(path_within(app, "login", in_progress)),
    };
    (StatusCode::FORBIDDEN, html(&page)).into_response()
}

/// What the fields of the first form say, but for the password.
struct Typed {
    username: String,
    token: String,
}

/// What is wrong with the first form.
#[derive(Default)]
struct Wrong {
    token: Option<RegistrationTokenProblem>,
    username: Option<UsernameError>,
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
    if !is_open(&app) {
        return Ok(closed(&app, &visitor, in_progress.as_ref()));
    }
    let again = again(&app, &visitor, &query).await?;
    match check_and_begin(&app, &visitor, in_progress.as_ref().and_then(errand), again.as_ref(), &form).await? {
        Ok(id) => Ok(see_other(&step_path(&app, &id, &step(&app, &id).await?))),
        Err(wrong) => {
            let refusal = match wrong.other {
                Some(RegisterError::Wait { seconds }) => Some(Refusal::TooManyRequests { seconds }),
                _ => None,
            };
            let status = match wrong.other {
                Some(RegisterError::Captcha(CaptchaError::Needed | CaptchaError::Failed)) | None => {
                    StatusCode::UNPROCESSABLE_ENTITY
                }
                Some(_) => StatusCode::SERVICE_UNAVAILABLE,
            };
            let text = |name: &str| form.get(name).unwrap_or_default().to_owned();
            let typed = Typed { username: text("username"), token: text("token") };
            let page = start_page(&app, &visitor, in_progress.as_ref(), again.as_ref(), typed, wrong)?;
            Ok(match refusal {
                Some(refusal) => refused(&refusal, page),
                None => (status, page).into_response(),
            })
        }
    }
}

/// Gives the page of what a sign-up waits for.
fn step_path(app: &App, id: &RegistrationId, step: &Step) -> String {
    let page = match step {
        Step::Address => "email",
        Step::Code(_) => "code",
        Step::Finish { .. } => "finish",
    };
    path(app, &format!("register/{page}?id={id}"))
}

/// What is written down of what a sign-up is for.
fn errand(in_progress: &InProgress) -> Option<Errand> {
    match in_progress {
        InProgress::Authorization { grant, .. } => Some(Errand::Authorization(grant.id.clone())),
        InProgress::SsoLogin(login) => Some(Errand::SsoLogin(login.id.clone())),
        InProgress::Link(_) | InProgress::Device { .. } | InProgress::Account(_) => None,
    }
}

/// The token that a sign-up has which came back, unless its form shows another.
fn kept_token(again: Option<&Registration>, typed: &str) -> Option<RegistrationTokenId> {
    again.filter(|_| typed.trim().is_empty())?.registration_token_id.clone()
}

/// Judges a name as far as nobody else has to be asked.
fn judge_username(app: &App, raw: &str, caller: &Caller) -> Result<Result<(), UsernameError>> {
    let username = match choose_username(raw, app.server_name()) {
        Ok(username) => username,
        Err(problem) => return Ok(Err(UsernameError::Problem(problem))),
    };
    match permit::username(app, &username, &Origin::Password, caller) {
        Ok(()) => Ok(Ok(())),
        Err(Error::Refusal(Refusal::Policy(violations))) if violations.of_field("username").is_some() => {
            Ok(Err(UsernameError::Policy(violations)))
        }
        Err(error) => Err(error),
    }
}

/// The fields are judged by themselves, then the CAPTCHA, which is good once, then the token, which nobody finds out by guessing
/// then, and only then the homeserver is asked and anything is hashed (INV-08).
async fn check_and_begin(
    app: &App,
    visitor: &Visitor,
    errand: Option<Errand>,
    again: Option<&Registration>,
    form: &Params,
) -> Result<Result<RegistrationId, Wrong>> {
    let raw = form.get("username").unwrap_or_default();
    let password = password::choose(app, raw, form.get("password").unwrap_or_default())?.map_err(PasswordError::from);
    let (username, typed_token) = (judge_username(app, raw, &visitor.caller)?, form.get("token").unwrap_or_default());
    let kept_token = kept_token(again, typed_token);
    let token_problem = match &kept_token {
        Some(_) => None,
        None => registration_token::problem_of(app, typed_token),
    };
    let password = match (username, password, token_problem) {
        (Ok(()), Ok(password), None) => password,
        (username, password, token) => {
            return Ok(Err(Wrong { token, username: username.err(), password: password.err(), other: None }));
        }
    };
    let wait = |error: Error| match error {
        Error::Refusal(Refusal::TooManyRequests { seconds }) => {
            Ok(Err(Wrong { other: Some(RegisterError::Wait { seconds }), ..Wrong::default() }))
        }
        error => Err(error),
    };
    if let Err(error) = count_question(app, &visitor.caller).await {
        return wait(error);
    }
    if let Err(error) = captcha::check(app, CaptchaPage::Registration, &visitor.browser, form, &visitor.caller).await {
        let shown = error.refusal().and_then(CaptchaError::of).ok_or(error)?;
        return Ok(Err(Wrong { other: Some(RegisterError::Captcha(shown)), ..Wrong::default() }));
    }
    let token = match kept_token {
        Some(kept) => Ok(Some(kept)),
        None => registration_token::check(app, &visitor.browser, typed_token).await,
    };
    let token = match token {
        Ok(token) => token,
        Err(Error::Refusal(Refusal::RegistrationToken(problem))) => {
            return Ok(Err(Wrong { token: Some(problem), ..Wrong::default() }));
        }
        Err(error) => return Err(error),
    };
    let username = match check_username(app, raw, &Origin::Password, &visitor.caller).await {
        Ok(username) => username,
        Err(Error::Refusal(Refusal::Username(problem))) => {
            let username = Some(UsernameError::Problem(problem));
            return Ok(Err(Wrong { username, ..Wrong::default() }));
        }
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => {
            return Ok(Err(Wrong { other: Some(RegisterError::Unavailable), ..Wrong::default() }));
        }
        Err(error) => return Err(error),
    };
    let begun = match again {
        Some(again) => change(app, again, &username, password, token.as_ref()).await.map(|()| again.id.clone()),
        None => begin(app, &visitor.browser, errand, username, password, token, &visitor.caller).await,
    };
    match begun {
        Ok(id) => Ok(Ok(id)),
        Err(Error::Refusal(Refusal::Busy)) => Ok(Err(Wrong { other: Some(RegisterError::Busy), ..Wrong::default() })),
        Err(Error::Refusal(Refusal::RegistrationToken(problem))) => {
            Ok(Err(Wrong { token: Some(problem), ..Wrong::default() }))
        }
        Err(error) => wait(error),
    }
}

fn start_page(
    app: &App,
    visitor: &Visitor,
    in_progress: Option<&InProgress>,
    again: Option<&Registration>,
    typed: Typed,
    wrong: Wrong,
) -> Result<Response> {
    let account = &app.config.account;
    // A token that a sign-up has already is not asked for again, unless it fell.
    let is_kept = wrong.token.is_none() && again.is_some_and(|again| again.registration_token_id.is_some());
    let own = path_within(app, "register", in_progress);
    let language = visitor.language(in_progress.and_then(InProgress::ui_locales));
    let page = RegisterPage {
        layout: layout(app, language),
        action: match again {
            Some(again) => with_id(&own, &again.id),
            None => own,
        },
        csrf: visitor.csrf(app),
        server: app.server_name().to_owned(),
        username: typed.username,
        providers: upstream::providers(app, in_progress),
        username_error: wrong.username,
        password_error: wrong.password,
        token: (account.registration_token_required && !is_kept)
            .then_some(TokenField { value: typed.token, problem: wrong.token }),
        needs_approval: account.registration_approval_required,
        error: wrong.other,
        client: in_progress.and_then(|in_progress| in_progress.client_view(visitor)),
        login_href: Some(path_within(app, "login", in_progress)),
        continue_as: visitor.signed_in.as_ref().map(|signed_in| ContinueAs {
            user_id: signed_in.user.mxid(app.server_name()),
            href: path_after_login(app, in_progress),
        }),
        captcha: captcha_view(app, CaptchaPage::Registration, &visitor.browser, language)?,
    };
    Ok(with_captcha(app, page.captcha.as_ref(), &[], html(&page)))
}

fn with_id(path: &str, id: &RegistrationId) -> String {
    format!("{path}{}id={id}", if path.contains('?') { '&' } else { '?' })
}

/// A sign-up behind its first page, with the authorization that waits for it.
struct SignUp {
    registration: Registration,
    in_progress: Option<InProgress>,
}

impl SignUp {
    async fn find(app: &App, visitor: &Visitor, query: &Params) -> Result<Self> {
        let id = query.get("id").and_then(RegistrationId::read).ok_or(Refusal::TransactionOver)?;
        let registration = find(app, &id, &visitor.browser).await?;
        let in_progress = InProgress::of_sign_up(app, visitor, &registration).await;
        Ok(Self { registration, in_progress })
    }

    fn path(&self, app: &App, page: &str) -> String {
        path(app, &format!("register/{page}?id={}", self.registration.id))
    }

    /// Goes on with what the sign-up waits for.
    async fn go_on(&self, app: &App) -> Result<Response> {
        let id = &self.registration.id;
        Ok(see_other(&step_path(app, id, &step(app, id).await?)))
    }

    fn layout(&self, app: &App, visitor: &Visitor) -> Layout {
        layout(app, visitor.language(self.in_progress.as_ref().and_then(InProgress::ui_locales)))
    }

    fn restart_href(&self, app: &App) -> String {
        with_id(&path_within(app, "register", self.in_progress.as_ref()), &self.registration.id)
    }

    fn page(
        &self,
        app: &App,
        visitor: &Visitor,
        email: Option<String>,
        display_name: &str,
        error: Option<RegisterError>,
    ) -> RegisterFinishPage {
        let in_progress = self.in_progress.as_ref();
        let score = u8::try_from(self.registration.password_strength).unwrap_or_default();
        RegisterFinishPage {
            layout: self.layout(app, visitor),
            action: self.path(app, "finish"),
            csrf: visitor.csrf(app),
            user_id: mxid(&self.registration.username, app.server_name()),
            email,
            strength: PasswordStrength::of_score(score),
            display_name: display_name.to_owned(),
            terms: terms(app),
            needs_approval: app.config.account.registration_approval_required,
            error,
            client: in_progress.and_then(|in_progress| in_progress.client_view(visitor)),
            restart_href: Some(self.restart_href(app)),
        }
    }

    fn address_page(&self, app: &App, visitor: &Visitor, address: &str, error: Option<AddressError>) -> Response {
        let layout = self.layout(app, visitor);
        html(&EmailAddressPage {
            action: self.path(app, "email"),
            csrf: visitor.csrf(app),
            asked_for: EmailFor::SignUp,
            proof: None,
            email: address.to_owned(),
            error,
            others: vec![(self.restart_href(app), layout.restart_sign_up())],
            layout,
        })
    }

    /// The rules of this service do not take an address.
    fn address_refused(&self, app: &App, visitor: &Visitor, address: &str, violations: Violations) -> Response {
        let page = self.address_page(app, visitor, address, Some(AddressError::Policy(violations)));
        (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
    }

    fn code_page(
        &self,
        app: &App,
        visitor: &Visitor,
        verification: EmailVerification,
        error: Option<EmailProblem>,
    ) -> Response {
        let layout = self.layout(app, visitor);
        let is_open = email::is_open(app, &verification);
        html(&EmailCodePage {
            action: self.path(app, "code"),
            csrf: visitor.csrf(app),
            email: verification.email,
            is_open,
            error: shown(error, is_open),
            others: vec![(self.path(app, "email"), layout.other_email())],
            layout,
        })
    }
}

/// What whoever signs up agrees to; nothing where nobody wants that.
pub fn terms(app: &App) -> Option<TermsView> {
    let version = app.config.account.registration_terms_version.clone()?;
    let link = HttpsLink::parse(app.config.branding.tos_uri.as_ref()?.as_str())?;
    Some(TermsView { version, link })
}

/// Asks for an address, also for another one than before.
pub async fn get_email(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let sign_up = SignUp::find(&app, &visitor, &query).await?;
    match app.config.account.password_registration_email_required {
        true => Ok(sign_up.address_page(&app, &visitor, "", None)),
        false => Ok(sign_up.go_on(&app).await?),
    }
}

/// Sends a code there.
pub async fn post_email(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let sign_up = SignUp::find(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    if !app.config.account.password_registration_email_required {
        return Ok(sign_up.go_on(&app).await?);
    }
    let (id, address) = (&sign_up.registration.id, form.get("email").unwrap_or_default());
    match email::begin_for_sign_up(&app, &visitor.browser, id, address, &visitor.caller).await {
        Ok(_) => Ok(see_other(&sign_up.path(&app, "code"))),
        Err(Error::Refusal(Refusal::Email(problem))) => {
            let error = Some(AddressError::Problem(problem));
            Ok(refused(&problem.into(), sign_up.address_page(&app, &visitor, address, error)))
        }
        Err(Error::Refusal(Refusal::Policy(violations))) => {
            Ok(sign_up.address_refused(&app, &visitor, address, violations))
        }
        Err(error) => Err(error.into()),
    }
}

/// Asks for the code, as long as one is waited for.
pub async fn get_code(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let sign_up = SignUp::find(&app, &visitor, &query).await?;
    match step(&app, &sign_up.registration.id).await? {
        Step::Code(verification) => Ok(sign_up.code_page(&app, &visitor, verification, None)),
        _ => Ok(sign_up.go_on(&app).await?),
    }
}

/// Judges the code, or sends another one.
pub async fn post_code(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let sign_up = SignUp::find(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    let id = &sign_up.registration.id;
    let Step::Code(verification) = step(&app, id).await? else { return Ok(sign_up.go_on(&app).await?) };
    let (browser, waiting) = (&visitor.browser, verification.id.as_str());
    let result = match form.get("action") {
        Some("again") => {
            let sent = email::send_again(&app, browser, Applicant::SignUp(id), waiting, &visitor.caller).await;
            sent.map(|_| ())
        }
        _ => {
            let code = form.get("code").unwrap_or_default();
            email::confirm_for_sign_up(&app, browser, &verification, code).await
        }
    };
    match result {
        Ok(()) => Ok(sign_up.go_on(&app).await?),
        Err(Error::Refusal(Refusal::Email(problem))) => match step(&app, id).await? {
            Step::Code(waiting) => {
                Ok(refused(&problem.into(), sign_up.code_page(&app, &visitor, waiting, Some(problem))))
            }
            _ => Ok(sign_up.go_on(&app).await?),
        },
        Err(error) => Err(error.into()),
    }
}

/// Shows the last form.
pub async fn get_finish(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let sign_up = SignUp::find(&app, &visitor, &query).await?;
    match step(&app, &sign_up.registration.id).await? {
        Step::Finish { email } => Ok(html(&sign_up.page(&app, &visitor, email, "", None))),
        _ => Ok(sign_up.go_on(&app).await?),
    }
}

/// Creates the account, signs the browser in, and goes on; or says that the account waits.
pub async fn post_finish(
    State(app): State<App>,
    visitor: Visitor,
    invitation: Invitation,
    Query(query): Query,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let sign_up = SignUp::find(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    let Step::Finish { email } = step(&app, &sign_up.registration.id).await? else {
        return Ok(sign_up.go_on(&app).await?);
    };
    let display_name = form.get("display_name").unwrap_or_default();
    let error = match finish(&app, &sign_up.registration, display_name, form.get("terms"), &visitor.caller).await {
        Ok(Completed::Usable(user)) => {
            let proved = Proved { user, at: app.clock.now(), amr: Amr::password(), proof: None, trip: None };
            let response = sign_in(&app, &visitor, &proved, sign_up.in_progress.as_ref()).await?;
            return Ok(invitation.forget(&app, response));
        }
        Ok(Completed::AwaitsApproval) => {
            return Ok(invitation.forget(&app, see_other(&sign_up.path(&app, "waiting"))));
        }
        Err(Error::Refusal(Refusal::Username(problem))) => {
            let wrong = Wrong { username: Some(UsernameError::Problem(problem)), ..Wrong::default() };
            return Ok(first_form_again(&app, &visitor, &sign_up, wrong).await?);
        }
        Err(Error::Refusal(Refusal::RegistrationToken(problem))) => {
            let wrong = Wrong { token: Some(problem), ..Wrong::default() };
            return Ok(first_form_again(&app, &visitor, &sign_up, wrong).await?);
        }
        // What the rules say of the name or the address is mended where it is asked for.
        Err(Error::Refusal(Refusal::Policy(violations))) if violations.of_field("username").is_some() => {
            let wrong = Wrong { username: Some(UsernameError::Policy(violations)), ..Wrong::default() };
            return Ok(first_form_again(&app, &visitor, &sign_up, wrong).await?);
        }
        Err(Error::Refusal(Refusal::Policy(violations)))
            if violations.of_field("email").is_some() && email.is_some() =>
        {
            let address = email.unwrap_or_default();
            return Ok(sign_up.address_refused(&app, &visitor, &address, violations));
        }
        Err(Error::Refusal(Refusal::Email(problem))) => {
            let address = email.unwrap_or_default();
            let error = Some(AddressError::Problem(problem));
            return Ok(refused(&problem.into(), sign_up.address_page(&app, &visitor, &address, error)));
        }
        Err(Error::Refusal(Refusal::TermsNotAgreed)) => RegisterError::TermsNotAgreed,
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => RegisterError::Unavailable,
        Err(error) => return Err(error.into()),
    };
    let status = match error {
        RegisterError::TermsNotAgreed => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    };
    let page = sign_up.page(&app, &visitor, email, display_name, Some(error));
    Ok((status, html(&page)).into_response())
}

/// The name was given away meanwhile, or the token fell: the first page asks for another. Where the homeserver said so last, the
/// sign-up is over, and the page begins a new one.
async fn first_form_again(app: &App, visitor: &Visitor, sign_up: &SignUp, wrong: Wrong) -> Result<Response> {
    let again = find(app, &sign_up.registration.id, &visitor.browser).await.ok();
    let typed = Typed { username: sign_up.registration.username.clone(), token: String::new() };
    let page = start_page(app, visitor, sign_up.in_progress.as_ref(), again.as_ref(), typed, wrong)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}
