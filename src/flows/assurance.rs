//! Login assurance: whether a login is enough for what it is used for, by the decision `login` of the policies. It is asked
//! at each use: a page of the account, a consent, the way into an older app. Tokens that were issued go on: they are not
//! asked about at refresh and introspection.

use crate::{
    app::App,
    clock::SECOND,
    domain::{
        amr::{Acr, Amr},
        assurance::{self, Standing},
        policy::{self, Place, Question, Requirement},
        user::User,
    },
    error::Result,
    flows::{Caller, browser::SignedIn},
    store::{self, client::Client},
};

/// What a login is used for.
#[derive(Clone, Copy)]
pub struct Occasion<'a> {
    place: Place,
    client: Option<&'a Client>,
    scope: Option<&'a str>,
}

impl<'a> Occasion<'a> {
    /// The pages of the account.
    pub const ACCOUNT: Self = Self { place: Place::Account, client: None, scope: None };
    /// The way of an older app through the browser.
    pub const SSO: Self = Self { place: Place::Sso, client: None, scope: None };
    /// The password that an older app sends.
    pub const COMPAT: Self = Self { place: Place::Compat, client: None, scope: None };

    /// A client that asks for a scope.
    pub fn authorization(client: &'a Client, scope: &'a str) -> Self {
        Self { place: Place::Authorization, client: Some(client), scope: Some(scope) }
    }
}

/// Judges the login of a browser.
///
/// # Errors
/// `Policy` when it may not be used at all, wherever it came from.
pub async fn judge(app: &App, signed_in: &SignedIn, occasion: Occasion<'_>, caller: &Caller) -> Result<Standing> {
    let session = &signed_in.session;
    let acr = session.amr.as_ref().map_or(Acr::Password, Amr::acr);
    let age = app.clock.now() - signed_in.auth_time;
    let used = policy::Login { ip: session.login_ip.as_deref(), acr, age: age / SECOND };
    let Some(require) = ask(app, &signed_in.user, occasion, Some(used), caller)? else { return Ok(Standing::Enough) };
    let login = assurance::Login { acr, age, is_from_here: session.login_ip == caller.ip };
    let reach = match require.acr {
        Some(wanted) if acr < wanted => store::factor::find(&app.db, &signed_in.user.id).await?.reaches(),
        _ => None,
    };
    Ok(Standing::of(&require, login, reach))
}

/// Gives the class that somebody has to reach who is just signing in.
///
/// # Errors
/// `Policy` when they may not. Ask only when the person has proved who they are.
pub fn wanted(app: &App, user: &User, occasion: Occasion<'_>, caller: &Caller) -> Result<Option<Acr>> {
    Ok(ask(app, user, occasion, None, caller)?.and_then(|require| require.acr))
}

fn ask(
    app: &App,
    user: &User,
    occasion: Occasion<'_>,
    session: Option<policy::Login<'_>>,
    caller: &Caller,
) -> Result<Option<Requirement>> {
    let client = occasion.client.map(|client| policy::Client::new(&client.id, &client.metadata));
    app.policy.check(&Question::Login {
        user: user.into(),
        place: occasion.place,
        client,
        scope: occasion.scope,
        session,
        requester: &caller.into(),
    })
}
