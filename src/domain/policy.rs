//! What a policy is asked and what it answers. A question is what the policies see as `input`, member by member as it is
//! serialised here (docs/policies.md describes it for operators); an answer is what Keymaker has to obey.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{
    amr::Acr,
    client::{ClientMetadata, GrantType},
    id::ClientId,
    user,
};

/// The decisions that policies take: one package of Rego each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Whether an account may come into being.
    Register,
    /// Whether a client may register itself.
    ClientRegistration,
    /// Whether a client may have a scope, by a grant, for a person.
    AuthorizationGrant,
    /// Whether a person may sign in to an older app.
    CompatLogin,
    /// Whether an e-mail address may belong to an account.
    Email,
    /// Whether a password may be chosen.
    Password,
    /// Whether a login suffices for what it is used for.
    Login,
}

impl Decision {
    pub const ALL: [Self; 7] = [
        Self::Register,
        Self::ClientRegistration,
        Self::AuthorizationGrant,
        Self::CompatLogin,
        Self::Email,
        Self::Password,
        Self::Login,
    ];

    /// Gives the name of its package.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::ClientRegistration => "client_registration",
            Self::AuthorizationGrant => "authorization_grant",
            Self::CompatLogin => "compat_login",
            Self::Email => "email",
            Self::Password => "password",
            Self::Login => "login",
        }
    }

    /// Finds the decision of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.as_str() == name)
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One question. It may hold a password, so it is never printed.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Question<'a> {
    /// May this account come into being?
    Registration {
        /// The localpart, in its stored form.
        username: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<&'a str>,
        method: Method,
        /// The upstream provider that vouches for the person.
        #[serde(skip_serializing_if = "Option::is_none")]
        provider: Option<&'a str>,
        requester: &'a Requester,
    },
    /// May this client register itself?
    ClientRegistration { client_metadata: &'a serde_json::Value, requester: &'a Requester },
    /// May this client have this scope by this grant? Asked without a user while nobody is known yet.
    Authorization {
        client: Client<'a>,
        /// Its tokens, with single spaces between them.
        scope: &'a str,
        grant_type: GrantType,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<User<'a>>,
        requester: &'a Requester,
    },
    /// May this person sign in to an older app?
    CompatLogin {
        user: User<'a>,
        login_type: LoginType,
        /// Whether the person sits before a page of ours, where they can end old devices first.
        is_interactive: bool,
        /// The devices that the person has, without the one that this login replaces.
        device_count: u64,
        requester: &'a Requester,
    },
    /// May this address belong to an account?
    Email { email: &'a str, requester: &'a Requester },
    /// May this password be chosen?
    Password {
        #[serde(skip_serializing_if = "Option::is_none")]
        username: Option<&'a str>,
        password: &'a str,
        /// In characters.
        length: usize,
        /// From 0 (guessed at once) to 4, as zxcvbn estimates it.
        score: u8,
    },
    /// Does this login suffice for what it is used for, and from here?
    Login {
        user: User<'a>,
        place: Place,
        #[serde(skip_serializing_if = "Option::is_none")]
        client: Option<Client<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        scope: Option<&'a str>,
        /// Absent while the person is only just signing in.
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<Login<'a>>,
        requester: &'a Requester,
    },
}

impl Question<'_> {
    /// Names the decision that answers it.
    pub fn decision(&self) -> Decision {
        match self {
            Self::Registration { .. } => Decision::Register,
            Self::ClientRegistration { .. } => Decision::ClientRegistration,
            Self::Authorization { .. } => Decision::AuthorizationGrant,
            Self::CompatLogin { .. } => Decision::CompatLogin,
            Self::Email { .. } => Decision::Email,
            Self::Password { .. } => Decision::Password,
            Self::Login { .. } => Decision::Login,
        }
    }
}

/// By what a new account will be signed in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Password,
    Upstream,
}

/// How an older app signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LoginType {
    #[serde(rename = "m.login.password")]
    Password,
    #[serde(rename = "m.login.token")]
    Token,
    #[serde(rename = "m.login.sso")]
    Sso,
}

/// What a login is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The account's own pages.
    Account,
    /// An OAuth client, also on another device (RFC 8628).
    Authorization,
    /// The browser login of an older app.
    Sso,
    /// A password that an older app sent.
    Compat,
}

/// Who asks, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requester {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
}

/// A person, as policies see one.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct User<'a> {
    pub id: &'a str,
    pub username: &'a str,
    pub is_admin: bool,
}

impl<'a> From<&'a user::User> for User<'a> {
    fn from(user: &'a user::User) -> Self {
        Self { id: user.id.as_str(), username: &user.username, is_admin: user.is_admin }
    }
}

/// A client, as policies see one.
#[derive(Clone, Debug, Serialize)]
pub struct Client<'a> {
    id: &'a str,
    /// Of its `client_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(flatten)]
    metadata: &'a ClientMetadata,
}

impl<'a> Client<'a> {
    /// Shows a client to the policies.
    pub fn new(id: &'a ClientId, metadata: &'a ClientMetadata) -> Self {
        Self { id: id.as_str(), host: metadata.host(), metadata }
    }
}

/// The login that is used.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Login<'a> {
    /// From where the person signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<&'a str>,
    pub acr: Acr,
    /// How long ago, in seconds.
    pub age: i64,
}

/// One rule that says no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The name of the rule.
    pub code: String,
    /// The field of the form, or the member of the metadata, that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// A sentence for the person.
    pub msg: String,
}

/// Every rule that said no to one question; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violations {
    pub decision: Decision,
    pub list: Vec<Violation>,
}

impl Violations {
    /// Gives the one that is about this field.
    pub fn of_field(&self, field: &str) -> Option<&Violation> {
        self.list.iter().find(|violation| violation.field.as_deref() == Some(field))
    }
}

/// Every sentence with the name of its rule, so that support knows what to look for.
impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.list.iter().enumerate() {
            let gap = if index == 0 { "" } else { "; " };
            write!(f, "{gap}{} ({})", violation.msg, violation.code)?;
        }
        Ok(())
    }
}

/// What a login has to be before it may be used: everything that the rules ask for, together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requirement {
    /// The class that the login has to reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<Acr>,
    /// How old the login may be, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<i64>,
    /// The person has to sign in again, from where they are now.
    pub again: bool,
    /// The names of the rules.
    pub codes: Vec<String>,
}

/// What the policies say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Answer {
    pub violations: Vec<Violation>,
    /// Only of the decision `login`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require: Option<Requirement>,
}
