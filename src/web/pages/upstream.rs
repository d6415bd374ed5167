//! `/upstream/…`: going to an identity provider, coming back, and the new account that may come of it (spec area 18).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{
    app::App,
    config::{
        CaptchaPage,
        upstream::{Provider, ProviderResponseMode},
    },
    domain::{
        act::Act,
        email::EmailProblem,
        params::Params,
        refusal::Refusal,
        upstream::{Purpose, Trip, UpstreamProblem},
        user::UsernameProblem,
    },
    error::{Error, Result},
    flows::{
        assurance::{Occasion, wanted},
        browser::{FromTrip, Proved},
        captcha,
        prove::{self, First, Step},
        register::Completed,
        upstream::{
            self, Answer, Arrival, Departure, Returned,
            claims::Imported,
            decide::{self, Outcome},
            sign_up::{self, Filled, Offer},
        },
    },
    store,
    web::{
        frame::{PageError, html, with_scripts},
        pages::{
            InProgress, acts,
            assets::send_script,
            captcha::{captcha_view, with_captcha},
            invitation::Invitation,
            layout,
            login::with_stay,
            path, path_within, register, see_other, sign_in,
            views::{
                captcha::CaptchaError,
                signup::WaitingPage,
                upstream::{
                    ConflictPage, FieldView, LeavePage, ProblemPage, ProviderView, ReturnPage, SignUpError, SignUpPage,
                },
            },
        },
        refusal::{refused, status},
        request::{FormBody, PageForm, Query, Segment, Visitor},
    },
};

/// Lists the providers at which one can sign in, each with the way there.
pub(super) fn providers(app: &App, in_progress: Option<&InProgress>) -> Vec<ProviderView> {
    upstream::open(app).map(|upstream| provider(app, &upstream.provider, in_progress)).collect()
}

fn provider(app: &App, provider: &Provider, in_progress: Option<&InProgress>) -> ProviderView {
    let page = format!("upstream/authorize/{}", provider.id);
    ProviderView { name: provider.name().to_owned(), href: path_within(app, &page, in_progress) }
}

/// Gives the one provider to which the login page leads by itself (UPS-13): where there is no other way in, and nobody has just
/// signed out.
pub(super) fn only_provider(app: &App, visitor: &Visitor, in_progress: Option<&InProgress>) -> Option<ProviderView> {
    let is_only = !app.config.passwords.enabled && !visitor.has_signed_out;
    match &providers(app, in_progress)[..] {
        [only] if is_only => Some(only.clone()),
        _ => None,
    }
}

/// Lists where somebody can show that it is them, for an act: the providers that are linked.
///
/// # Errors
/// When the store fails.
pub async fn confirming(
    app: &App,
    user: &crate::domain::id::UserId,
    act: Act,
    target: Option<&str>,
) -> Result<Vec<ProviderView>> {
    let links = store::upstream::list_links(&app.db, user).await?;
    let is_linked = |provider: &Provider| links.iter().any(|link| link.provider_id == provider.id);
    let query = acts::place(act, target);
    Ok(upstream::open(app)
        .map(|upstream| &upstream.provider)
        .filter(|provider| is_linked(provider))
        .map(|provider| ProviderView {
            name: provider.name().to_owned(),
            href: path(app, &format!("upstream/authorize/{}?confirm=1&{query}", provider.id)),
        })
        .collect())
}

/// Takes the browser to a provider by a page: a redirect after a form would be held to that form's policy.
pub fn leave(app: &App, visitor: &Visitor, provider: ProviderView, login_href: Option<String>) -> Response {
    html(&LeavePage { layout: layout(app, visitor.language(None)), provider, login_href })
}

/// Gives the page that takes whoever has confirmed it to the provider that is to be linked.
pub fn leave_to_link(app: &App, visitor: &Visitor, id: &str, proof: &str) -> Result<Response> {
    let upstream = upstream::find(app, id)?;
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("link_proof", proof).finish();
    let href = path(app, &format!("upstream/authorize/{id}?{query}"));
    Ok(leave(app, visitor, ProviderView { name: upstream.provider.name().to_owned(), href }, None))
}

/// Begins a trip and sends the browser to the provider.
pub async fn authorize(
    State(app): State<App>,
    visitor: Visitor,
    Segment(id): Segment,
    Query(query): Query,
) -> Result<Response, PageError> {
    let result = depart(&app, &visitor, &id, &query).await;
    match result {
        Ok(url) => Ok(see_other(url.as_str())),
        Err(error) => problem_page(&app, &visitor, &id, None, error),
    }
}

async fn depart(app: &App, visitor: &Visitor, id: &str, query: &Params) -> Result<url::Url> {
    let browser = &visitor.browser;
    upstream::count_departure(app, &visitor.caller).await?;
    if let Some(proof) = query.get("link_proof") {
        let signed_in = visitor.signed_in.as_ref().ok_or(Refusal::TransactionOver)?;
        return upstream::begin_link(app, browser, id, signed_in, proof).await;
    }
    if query.get("confirm").is_some() {
        let signed_in = visitor.signed_in.as_ref().ok_or(Refusal::TransactionOver)?;
        let act = query.get("act").and_then(Act::parse).ok_or(Refusal::NotFound)?;
        let target = query.get("target").filter(|_| act.has_target());
        return upstream::begin_confirm(app, browser, id, signed_in, act, target).await;
    }
    let in_progress = InProgress::named(app, visitor, query).await?;
    let grant = in_progress.as_ref().and_then(InProgress::grant);
    let departure = Departure {
        waiting: in_progress.as_ref().map(|in_progress| in_progress.waiting(app)).unwrap_or_default(),
        wants_login: grant.is_some_and(|grant| grant.wants_login || grant.max_age.is_some()),
        prompts_login: visitor.has_signed_out,
        login_hint: grant.and_then(|grant| grant.hinted_identifier(app.server_name())),
    };
    upstream::begin_login(app, browser, id, departure).await
}

/// Takes what a browser brings back in its address.
pub async fn callback(
    State(app): State<App>,
    visitor: Visitor,
    Segment(id): Segment,
    Query(query): Query,
) -> Result<Response, PageError> {
    come_back(&app, &visitor, &id, &query, ProviderResponseMode::Query).await
}

/// Takes what a browser brings back as a form.
pub async fn post_callback(
    State(app): State<App>,
    visitor: Visitor,
    Segment(id): Segment,
    FormBody(body): FormBody,
) -> Result<Response, PageError> {
    come_back(&app, &visitor, &id, &Params::parse(&body), ProviderResponseMode::FormPost).await
}

/// What a provider may send that is looked at.
const FIELDS: [&str; 6] = ["state", "code", "iss", "error", "error_description", "user"];

async fn come_back(
    app: &App,
    visitor: &Visitor,
    id: &str,
    params: &Params,
    mode: ProviderResponseMode,
) -> Result<Response, PageError> {
    let arrival = Arrival { provider: id, params, mode };
    let is_again = params.get("again").is_some();
    let (trip, answer) = match upstream::come_back(app, &visitor.browser, &arrival, is_again).await {
        Ok(Returned::Answered(trip, answer)) => (trip, answer),
        Ok(Returned::SendAgain) => return Ok(send_again(app, visitor, id, params)),
        Err(error) => return problem_page(app, visitor, id, None, error),
    };
    let in_progress = in_progress(app, visitor, &trip).await;
    match go_on(app, visitor, &trip, &answer, in_progress.as_ref()).await {
        Ok(response) => Ok(response),
        Err(error) => problem_page(app, visitor, id, in_progress.as_ref(), error),
    }
}

fn send_again(app: &App, visitor: &Visitor, id: &str, params: &Params) -> Response {
    let fields = FIELDS.into_iter().filter_map(|name| Some((name, params.get(name)?.to_owned()))).collect();
    let page = ReturnPage {
        layout: layout(app, visitor.language(None)),
        action: path(app, &format!("upstream/callback/{id}")),
        fields,
    };
    with_scripts(&[send_script()], None, html(&page))
}

/// What waits for the login; it may have taken too long, and then the login stands alone.
async fn in_progress(app: &App, visitor: &Visitor, trip: &Trip) -> Option<InProgress> {
    match (&trip.grant_id, &trip.sso_login_id) {
        (Some(grant), _) => InProgress::authorization(app, visitor, grant.as_str()).await.ok(),
        (None, Some(login)) => InProgress::sso_login(app, visitor, login.as_str()).await.ok(),
        (None, None) => {
            let place = Params::parse(trip.place.as_deref().unwrap_or_default().as_bytes());
            InProgress::place(app, visitor, &place).await.ok().flatten()
        }
    }
}

async fn go_on(
    app: &App,
    visitor: &Visitor,
    trip: &Trip,
    answer: &Answer,
    in_progress: Option<&InProgress>,
) -> Result<Response> {
    let signed_in = visitor.signed_in.as_ref();
    match decide::decide(app, trip, answer, signed_in, &visitor.browser, &visitor.caller).await? {
        Outcome::SignIn(first, user) => enter(app, visitor, first, &user, in_progress).await,
        Outcome::SignUp => Ok(see_other(&path(app, &format!("upstream/sign-up?trip={}", trip.id)))),
        Outcome::Linked => Ok(see_other(&acts::done_path(app, Act::LinkProvider))),
        Outcome::Confirmed { act, target, proof } => {
            let place = acts::confirm_path(app, act, target.as_deref());
            Ok(see_other(&format!("{place}&proof={proof}")))
        }
        Outcome::HalfConfirmed { proof } => Ok(see_other(&path(app, &format!("factor?proof={proof}")))),
    }
}

/// Signs somebody in, after a second step where one is asked for (UPS-10).
async fn enter(
    app: &App,
    visitor: &Visitor,
    first: First,
    user: &crate::domain::user::User,
    in_progress: Option<&InProgress>,
) -> Result<Response> {
    let occasion = in_progress.map_or(Occasion::ACCOUNT, InProgress::occasion);
    let required = wanted(app, user, occasion, &visitor.caller)?;
    let wanted = required.max(in_progress.and_then(|in_progress| in_progress.wanted_acr(app)));
    let waiting = in_progress.map(|in_progress| in_progress.waiting(app)).unwrap_or_default();
    let (at, trip) = (first.at, first.trip.clone());
    match prove::go_on_from(app, &visitor.browser, user, first, wanted, waiting).await? {
        Step::Done(amr) => {
            let trip = trip.map(|id| FromTrip { id, is_consumed: false });
            sign_in(app, visitor, &Proved { user: user.id.clone(), at, amr, proof: None, trip }, in_progress).await
        }
        Step::Second(proof) => Ok(see_other(&path(app, &format!("factor?proof={proof}")))),
    }
}

/// Shows what a person can do about it, where it is about the provider; the rest is an error page.
fn problem_page(
    app: &App,
    visitor: &Visitor,
    id: &str,
    in_progress: Option<&InProgress>,
    error: Error,
) -> Result<Response, PageError> {
    let Error::Refusal(Refusal::Upstream(problem)) = error else { return Err(error.into()) };
    let known = app.upstreams.iter().map(|upstream| &upstream.provider).find(|provider| provider.id == id);
    let name = known.map_or(id, Provider::name).to_owned();
    let can_go_again = known.is_some_and(Provider::is_open) && problem != UpstreamProblem::Closed;
    let status = status(&Refusal::Upstream(problem.clone()));
    let page = ProblemPage {
        layout: layout(app, visitor.language(in_progress.and_then(InProgress::ui_locales))),
        provider: name,
        problem,
        again_href: known.filter(|_| can_go_again).map(|known| provider(app, known, in_progress).href),
        login_href: with_stay(path_within(app, "login", in_progress)),
    };
    Ok((status, html(&page)).into_response())
}

/// Shows the form of a new account, or that there is an account already.
pub async fn get_sign_up(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    invitation: Invitation,
) -> Result<Response, PageError> {
    let (trip, answer) = find(&app, &visitor, &query).await?;
    match show(&app, &visitor, &trip, &answer, &invitation, None, None).await {
        Ok(page) => Ok(page),
        Err(error) => problem_page(&app, &visitor, &trip.provider_id, None, error),
    }
}

/// Creates the account, signs the browser in, and goes on.
pub async fn post_sign_up(
    State(app): State<App>,
    visitor: Visitor,
    Query(query): Query,
    invitation: Invitation,
    PageForm(form): PageForm,
) -> Result<Response, PageError> {
    let (trip, answer) = find(&app, &visitor, &query).await?;
    visitor.check_form(&app, &form)?;
    match complete(&app, &visitor, &trip, &answer, &invitation, &form).await {
        Ok(response) => Ok(response),
        Err(error) => problem_page(&app, &visitor, &trip.provider_id, None, error),
    }
}

async fn find(app: &App, visitor: &Visitor, query: &Params) -> Result<(Trip, Answer)> {
    let (trip, answer) = upstream::find_answered(app, query.get("trip").unwrap_or_default(), &visitor.browser).await?;
    match Purpose::parse(&trip.purpose) {
        Some(Purpose::Login) => Ok((trip, answer)),
        _ => Err(Refusal::TransactionOver.into()),
    }
}

async fn complete(
    app: &App,
    visitor: &Visitor,
    trip: &Trip,
    answer: &Answer,
    invitation: &Invitation,
    form: &Params,
) -> Result<Response> {
    let filled = Filled {
        username: form.get("username").unwrap_or_default(),
        display_name: form.get("display_name").unwrap_or_default(),
        wants_email: form.get("email").is_some(),
        terms: form.get("terms"),
        token: form.get("token").unwrap_or_default(),
    };
    let provider = &upstream::find(app, &trip.provider_id)?.provider;
    let passed = captcha::check(app, CaptchaPage::Registration, &visitor.browser, form, &visitor.caller).await;
    let result = match passed {
        Ok(()) => sign_up::sign_up(app, &visitor.browser, trip, answer, &filled, &visitor.caller).await,
        Err(error) => Err(error),
    };
    let error = match result {
        Ok(Completed::AwaitsApproval) => {
            return Ok(see_other(&path(app, &format!("upstream/waiting?trip={}", trip.id))));
        }
        Ok(Completed::Usable(user)) => {
            let in_progress = in_progress(app, visitor, trip).await;
            let trip = Some(FromTrip { id: trip.id.clone(), is_consumed: true });
            let proved = Proved { user, at: app.clock.now(), amr: answer.amr(provider), proof: None, trip };
            let response = sign_in(app, visitor, &proved, in_progress.as_ref()).await?;
            return Ok(invitation.forget(app, response));
        }
        Err(Error::Refusal(Refusal::Username(problem))) => SignUpError::Username(problem),
        Err(Error::Refusal(Refusal::Email(EmailProblem::Taken))) => SignUpError::EmailTaken,
        Err(Error::Refusal(Refusal::Policy(violations))) => SignUpError::Policy(violations),
        Err(Error::Refusal(Refusal::RegistrationToken(problem))) => SignUpError::Token(problem),
        Err(Error::Refusal(Refusal::TermsNotAgreed)) => SignUpError::TermsNotAgreed,
        Err(Error::Refusal(Refusal::HomeserverUnavailable)) => SignUpError::Unavailable,
        Err(Error::Refusal(Refusal::TooManyRequests { seconds })) => SignUpError::Wait { seconds },
        Err(error) => SignUpError::Captcha(error.refusal().and_then(CaptchaError::of).ok_or(error)?),
    };
    let status = match error {
        SignUpError::Captcha(CaptchaError::Unavailable) => StatusCode::SERVICE_UNAVAILABLE,
        SignUpError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        SignUpError::Policy(_) => StatusCode::FORBIDDEN,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let wait = match error {
        SignUpError::Wait { seconds } => Some(Refusal::TooManyRequests { seconds }),
        _ => None,
    };
    let page = show(app, visitor, trip, answer, invitation, Some(&filled), Some(error)).await?;
    Ok(match wait {
        Some(refusal) => refused(&refusal, page),
        None => (status, page).into_response(),
    })
}

async fn show(
    app: &App,
    visitor: &Visitor,
    trip: &Trip,
    answer: &Answer,
    invitation: &Invitation,
    filled: Option<&Filled<'_>>,
    error: Option<SignUpError>,
) -> Result<Response> {
    let provider = &upstream::find(app, &trip.provider_id)?.provider;
    let in_progress = in_progress(app, visitor, trip).await;
    let language = visitor.language(in_progress.as_ref().and_then(InProgress::ui_locales));
    let layout = layout(app, language);
    let link_href = path(app, &format!("login?stay=1&{}", acts::place(Act::LinkProvider, Some(&provider.id))));
    let is_taken = error == Some(SignUpError::Username(UsernameProblem::Taken));
    if !is_taken && decide::has_conflict(app, provider, answer).await? {
        return Ok(html(&ConflictPage { layout, provider: provider.name().to_owned(), link_href }));
    }
    let Offer { username, display_name, email } = sign_up::offer(provider, answer)?;
    let field = |imported: Imported, typed: Option<&str>| FieldView {
        value: match (imported.is_fixed, typed) {
            (false, Some(typed)) => typed.to_owned(),
            _ => imported.value.unwrap_or_default(),
        },
        is_fixed: imported.is_fixed,
    };
    let page = SignUpPage {
        layout,
        action: path(app, &format!("upstream/sign-up?trip={}", trip.id)),
        csrf: visitor.csrf(app),
        provider: provider.name().to_owned(),
        server: app.server_name().to_owned(),
        username: field(username, filled.map(|filled| filled.username)),
        display_name: field(display_name, filled.map(|filled| filled.display_name)),
        email: email.value.map(|value| FieldView { value, is_fixed: email.is_fixed }),
        token: app
            .config
            .account
            .registration_token_required
            .then(|| filled.map(|filled| filled.token).or(invitation.token()).unwrap_or_default().to_owned()),
        needs_approval: app.config.account.registration_approval_required,
        terms: register::terms(app),
        captcha: captcha_view(app, CaptchaPage::Registration, &visitor.browser, language)?,
        error,
        client: in_progress.as_ref().and_then(|in_progress| in_progress.client_view(visitor)),
        link_href,
    };
    Ok(with_captcha(app, page.captcha.as_ref(), &[], html(&page)))
}

/// Says that the account waits for an administrator; whoever was approved meanwhile signs in.
pub async fn waiting(State(app): State<App>, visitor: Visitor, Query(query): Query) -> Result<Response, PageError> {
    let (trip, user) = sign_up::find_completed(&app, query.get("trip").unwrap_or_default(), &visitor.browser).await?;
    let in_progress = in_progress(&app, &visitor, &trip).await;
    let login_href = path_within(&app, "login", in_progress.as_ref());
    if user.approval_required_at.is_none() {
        return Ok(see_other(&login_href));
    }
    let emails = store::user::list_emails(&app.db, &user.id).await?;
    Ok(html(&WaitingPage {
        layout: layout(&app, visitor.language(in_progress.as_ref().and_then(InProgress::ui_locales))),
        user_id: user.mxid(app.server_name()),
        email: emails.into_iter().next().filter(|_| app.mail.is_available()),
        client: in_progress.as_ref().and_then(|in_progress| in_progress.client_view(&visitor)),
        login_href,
    }))
}
