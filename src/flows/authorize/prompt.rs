//! `prompt` and `max_age` (OIDC Core §3.1.2.1; spec 3.3), and what becomes of a request that may show nothing.

use crate::{
    app::App,
    domain::{amr::Amr, assurance::Standing, grant::Grant, params::Params, refusal::Refusal, scope::Scope},
    error::{Error, Result},
    flows::{
        Caller,
        assurance::{self, Occasion},
        authorize::{
            decide::{check_person, settle},
            response::{Response, failure},
        },
        browser::SignedIn,
        register,
    },
    store::{self, client::Client},
};

/// What `prompt` asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing may be shown.
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub choice: bool,
    pub registration: bool,
}

/// Tells whether a request may show nothing, whatever else is wrong with it.
pub(super) fn is_silent(params: &Params) -> bool {
    prompts(params).any(|prompt| prompt == "none")
}

fn prompts(params: &Params) -> impl Iterator<Item = &str> {
    params.get("prompt").unwrap_or_default().split(' ').filter(|prompt| !prompt.is_empty())
}

/// Reads `prompt` (PRM-01 to PRM-03).
pub(super) fn check_prompt(app: &App, params: &Params) -> Result<Prompt, Refusal> {
    let mut asked = Prompt::default();
    for prompt in prompts(params) {
        match prompt {
            "none" if prompts(params).count() > 1 => {
                return Err(Refusal::InvalidRequest("prompt none excludes every other".to_owned()));
            }
            "none" => asked.none = true,
            "login" => asked.login = true,
            "consent" => asked.consent = true,
            "select_account" => asked.choice = true,
            "create" => asked.registration = true,
            _ => return Err(Refusal::InvalidRequest("prompt has an unknown value".to_owned())),
        }
    }
    // Where sign-up is closed, the login page takes its place and says so.
    asked.login &= !(asked.registration && register::is_open(app));
    Ok(asked)
}

/// Answers a request that may show nothing (PRM-01): it succeeds where nobody would be asked anything.
///
/// For Matrix scopes it never does, whoever the client is: everybody in the rooms of a person sees a new device of theirs, and it
/// can read along from then on, so a person looks before one comes into being (DEC-01, TRP-36).
pub(super) async fn answer_silently(
    app: &App,
    grant: &Grant,
    client: &Client,
    signed_in: Option<&SignedIn>,
    caller: &Caller,
) -> Result<Response> {
    match succeed_silently(app, grant, client, signed_in, caller).await {
        Err(Error::Refusal(refusal)) => {
            Ok(failure(app, grant.redirect_uri.clone(), grant.response_mode(), grant.state.as_deref(), &refusal))
        }
        result => result,
    }
}

async fn succeed_silently(
    app: &App,
    grant: &Grant,
    client: &Client,
    signed_in: Option<&SignedIn>,
    caller: &Caller,
) -> Result<Response> {
    if Scope::parse(&grant.scope).unwrap_or_default().is_matrix() {
        return Err(Refusal::ConsentRequired.into());
    }
    let signed_in = signed_in.ok_or(Refusal::LoginRequired)?;
    // HNT-01
    let is_recent = grant.accepts_silent_login_of(signed_in.auth_time, app.clock.now());
    if grant.is_for_another(&signed_in.user.id) || !is_recent {
        return Err(Refusal::LoginRequired.into());
    }
    let reached = signed_in.session.amr.as_ref().map(Amr::acr);
    if let Some(least) = grant.claims().least_acr()
        && reached < Some(least)
    {
        let can = store::factor::find(&app.db, &signed_in.user.id).await?.reaches() >= Some(least);
        return Err(if can { Refusal::LoginRequired } else { Refusal::FactorLacking(least) }.into());
    }
    match assurance::judge(app, signed_in, Occasion::authorization(client, &grant.scope), caller).await? {
        Standing::Enough => {}
        Standing::Again(_) => return Err(Refusal::LoginRequired.into()),
        Standing::Lacking(_) => return Err(Refusal::InteractionRequired.into()),
    }
    check_person(app, grant, client, signed_in, caller)?;
    settle(app, grant, client, signed_in, caller).await?.ok_or_else(|| Refusal::ConsentRequired.into())
}

/// Reads `max_age`, or what the client registered in its place (PRM-04).
pub(super) fn check_max_age(params: &Params, client: &Client) -> Result<Option<i64>, Refusal> {
    let Some(raw) = params.get("max_age") else { return Ok(client.metadata.default_max_age.map(i64::from)) };
    let invalid = || Refusal::InvalidRequest("max_age is not a number of seconds".to_owned());
    raw.parse::<u32>().map(|seconds| Some(i64::from(seconds))).map_err(|_| invalid())
}
