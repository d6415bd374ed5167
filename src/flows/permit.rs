//! Asking the policies, wherever they have a say. Each question is asked when everything that costs less has passed, and
//! before anything is hashed, sent or written (INV-08). Whoever works at the command line is not asked: an administrator may
//! make exceptions.

use crate::{
    app::App,
    domain::{
        client::{ClientMetadata, GrantType},
        policy::{self, LoginType, Method, Question, Requester},
        refusal::Refusal,
        user::User,
    },
    error::{Error, Result},
    flows::Caller,
    store::{self, client::Client},
};

impl From<&Caller> for Requester {
    fn from(caller: &Caller) -> Self {
        Self { ip: caller.ip.clone(), user_agent: caller.user_agent.clone() }
    }
}

/// By what a new account is signed in to.
#[derive(Clone, Debug, Default)]
pub enum Origin {
    /// The command line, where no policy is asked.
    Administrator,
    #[default]
    Password,
    /// The id of the upstream provider that vouches for the person.
    Upstream(String),
}

impl Origin {
    fn method(&self) -> Option<Method> {
        match self {
            Self::Administrator => None,
            Self::Password => Some(Method::Password),
            Self::Upstream(_) => Some(Method::Upstream),
        }
    }

    fn provider(&self) -> Option<&str> {
        match self {
            Self::Upstream(provider) => Some(provider),
            Self::Administrator | Self::Password => None,
        }
    }
}

/// Asks whether an account may have this name. What the rules say of an address is heard when there can be one.
///
/// # Errors
/// `Policy`.
pub fn username(app: &App, username: &str, origin: &Origin, caller: &Caller) -> Result<()> {
    match account(app, username, None, origin, caller) {
        Err(Error::Refusal(Refusal::Policy(mut violations))) => {
            violations.list.retain(|violation| violation.field.as_deref() != Some("email"));
            if violations.list.is_empty() { Ok(()) } else { Err(Refusal::Policy(violations).into()) }
        }
        result => result,
    }
}

/// Asks whether an account may come into being, with the address that it begins with.
///
/// # Errors
/// `Policy`.
pub fn account(app: &App, username: &str, email: Option<&str>, origin: &Origin, caller: &Caller) -> Result<()> {
    let Some(method) = origin.method() else { return Ok(()) };
    let (provider, requester) = (origin.provider(), &caller.into());
    app.policy.check(&Question::Registration { username, email, method, provider, requester }).map(drop)
}

/// Asks whether an address, in its canonical form, may belong to an account.
///
/// # Errors
/// `Policy`.
pub fn email(app: &App, address: &str, caller: &Caller) -> Result<()> {
    app.policy.check(&Question::Email { email: address, requester: &caller.into() }).map(drop)
}

/// Asks whether a password may be chosen; `score` is from 0 (guessed at once) to 4.
///
/// # Errors
/// `Policy`.
pub fn password(app: &App, username: &str, password: &str, score: u8) -> Result<()> {
    let length = password.chars().count();
    app.policy.check(&Question::Password { username: Some(username), password, length, score }).map(drop)
}

/// Asks whether a client may register itself with this metadata, which was found valid.
///
/// # Errors
/// `Policy`.
pub fn client(app: &App, metadata: &ClientMetadata, caller: &Caller) -> Result<()> {
    let metadata = serde_json::to_value(metadata).map_err(|_| Error::Internal("a client cannot be written"))?;
    app.policy.check(&Question::ClientRegistration { client_metadata: &metadata, requester: &caller.into() }).map(drop)
}

/// Asks whether a client may have this scope by this grant, of this person once it is known.
///
/// # Errors
/// `Policy`.
pub fn authorization(
    app: &App,
    client: &Client,
    scope: &str,
    grant_type: GrantType,
    user: Option<&User>,
    caller: &Caller,
) -> Result<()> {
    let client = policy::Client::new(&client.id, &client.metadata);
    let (user, requester) = (user.map(Into::into), &caller.into());
    app.policy.check(&Question::Authorization { client, scope, grant_type, user, requester }).map(drop)
}

/// Asks whether a person may sign in to an older app on this device; an unknown one is a new device. Before the page where
/// the person decides they can still end old devices.
///
/// # Errors
/// `Policy`.
pub async fn compat_login(
    app: &App,
    user: &User,
    login_type: LoginType,
    device_id: Option<&str>,
    caller: &Caller,
) -> Result<()> {
    let except = device_id.unwrap_or_default();
    let device_count = store::session::count_devices(&app.db, &user.id, except, app.clock.now()).await?;
    let question = Question::CompatLogin {
        user: user.into(),
        login_type,
        is_interactive: login_type == LoginType::Sso,
        device_count: u64::try_from(device_count).unwrap_or_default(),
        requester: &caller.into(),
    };
    app.policy.check(&question).map(drop)
}
