//! The data that our own policies read: their sections, checked so that a list that is spelt wrong is no list that forbids
//! nothing, and written as the rules want them. Sections of other names are the operator's, and left as they are.

use regex::RegexBuilder;
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::{Broken, engine};
use crate::{
    config::Network,
    domain::{
        amr::Acr,
        client::GrantType,
        policy::{LoginType, Method, Place},
    },
};

/// A text as the rules compare it.
#[derive(Deserialize, Serialize)]
#[serde(from = "String")]
struct Lower(String);

impl From<String> for Lower {
    fn from(text: String) -> Self {
        Self(text.trim().to_lowercase())
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Patterns {
    literals: Vec<Lower>,
    substrings: Vec<Lower>,
    prefixes: Vec<Lower>,
    suffixes: Vec<Lower>,
    #[serde(serialize_with = "together")]
    regexes: Vec<String>,
}

/// The largest program of one regular expression, in bytes; the engine has the same limit.
const MOST_REGEX_BYTES: usize = 100 * 1024;

/// One regular expression that says the same as several takes as long as one of them. Where it would be too large, or one of
/// them is none at all, they stay apart.
fn together<S: Serializer>(regexes: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    let one = regexes.iter().map(|regex| format!("(?:{regex})")).collect::<Vec<_>>().join("|");
    let is_good =
        |text: &str| RegexBuilder::new(text).case_insensitive(true).size_limit(MOST_REGEX_BYTES).build().is_ok();
    match regexes.len() > 1 && regexes.iter().all(|regex| is_good(regex)) && is_good(&one) {
        true => [one].serialize(serializer),
        false => regexes.serialize(serializer),
    }
}

/// Declares sections: every key may be absent, and then it is absent for the rules too; no other key may be there.
macro_rules! sections {
    ($($(#[$doc:meta])* $section:ident { $($key:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        struct $section {$(
            #[serde(skip_serializing_if = "Option::is_none")]
            $key: Option<$type>,
        )*}
    )*};
}

sections! {
    Registration {
        reserved_usernames: Patterns,
        banned_usernames: Patterns,
        allowed_usernames: Patterns,
        require_email: bool,
        allowed_methods: Vec<Method>,
    }
    Emails {
        allowed_addresses: Patterns,
        banned_addresses: Patterns,
        allowed_domains: Vec<Lower>,
        banned_domains: Vec<Lower>,
    }
    Requester {
        banned_networks: Vec<Network>,
        banned_user_agents: Patterns,
    }
    Clients {
        allowed_hosts: Vec<Lower>,
        denied_hosts: Vec<Lower>,
        denied_names: Patterns,
        denied_software_ids: Vec<String>,
        require_contacts: bool,
    }
    Authorization {
        admin_clients: Vec<String>,
        denied_clients: Vec<String>,
        denied_users: Vec<String>,
        denied_grant_types: Vec<GrantType>,
        denied_scopes: Vec<String>,
        clients: std::collections::BTreeMap<String, ClientRights>,
    }
    ClientRights {
        grant_types: Vec<GrantType>,
        scopes: Vec<String>,
    }
    Compat {
        device_limit: DeviceLimit,
        denied_login_types: Vec<LoginType>,
        denied_users: Vec<String>,
    }
    DeviceLimit {
        soft_limit: u32,
        hard_limit: u32,
    }
    Passwords {
        min_length: u32,
        min_score: u8,
        banned_words: Vec<Lower>,
        forbid_username: bool,
    }
    Logins {
        trusted_networks: Vec<Network>,
        allowed_networks: Vec<Network>,
        denied_networks: Vec<Network>,
        ask_again_outside_trusted_networks: bool,
        require: Vec<LoginRule>,
    }
    LoginRule {
        code: String,
        acr: Acr,
        max_age_hours: f64,
        users: Vec<String>,
        admins: bool,
        clients: Vec<String>,
        scopes: Vec<String>,
        places: Vec<Place>,
        outside_trusted_networks: bool,
    }
}

/// The names of our sections.
pub const SECTIONS: [&str; 8] =
    ["registration", "emails", "requester", "clients", "authorization", "compat", "passwords", "logins"];
/// The packages of ours whose names are no sections: data of that name would stand where the rules are.
const PACKAGES: [&str; 8] = [
    "matching",
    "register",
    "client_registration",
    "authorization_grant",
    "compat_login",
    "email",
    "password",
    "login",
];

/// Checks data and writes its sections as the rules want them.
///
/// # Errors
/// Names the section and what is wrong in it.
pub fn normalise(data: Map<String, Value>, file: Option<&str>) -> Result<Map<String, Value>, Broken> {
    let broken = |reason: String| Broken::data(file, reason);
    let mut normal = Map::new();
    for (name, section) in data {
        let section = match &*name {
            "registration" => read::<Registration>(section),
            "emails" => read::<Emails>(section),
            "requester" => read::<Requester>(section),
            "clients" => read::<Clients>(section),
            "authorization" => read::<Authorization>(section),
            "compat" => read::<Compat>(section),
            "passwords" => read::<Passwords>(section),
            "logins" => read::<Logins>(section),
            other => match meant(other) {
                Some(right) => return Err(broken(format!("`{other}` is no section; did you mean `{right}`?"))),
                None if PACKAGES.contains(&other) => {
                    return Err(broken(format!(
                        "`{other}` is the name of a package of rules, and cannot be one of data"
                    )));
                }
                None => Ok(section),
            },
        };
        let section = section.map_err(|error| broken(format!("{name}: {error}")))?;
        normal.insert(name, section);
    }
    match engine::invalid_regex(&normal) {
        Some(regex) => Err(broken(format!("`{regex}` is no regular expression"))),
        None => Ok(normal),
    }
}

fn read<T: DeserializeOwned + Serialize>(section: Value) -> serde_json::Result<Value> {
    serde_json::from_value::<T>(section).and_then(serde_json::to_value)
}

/// A list in a section that is spelt nearly right would never be read, and nobody would notice.
fn meant(name: &str) -> Option<&'static str> {
    let likeness = |known: &&&str| strsim::normalized_damerau_levenshtein(known, name);
    let near = SECTIONS.iter().filter(|known| likeness(known) >= 0.75 && **known != name);
    near.max_by(|one, other| likeness(one).total_cmp(&likeness(other))).copied()
}
