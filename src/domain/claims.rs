//! The parameter `claims` (OIDC Core §5.5; spec OID-10): what of it is understood. What is left of it goes with the grant and the
//! session, and decides what ID tokens and userinfo tell beside the scope.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::{
    amr::Acr,
    scope::{EMAIL, PROFILE},
};

/// The longest value that is read.
const MOST_BYTES: usize = 4096;

/// A claim that is told when it is asked for; the others go without saying, or are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    Name,
    PreferredUsername,
    Email,
    EmailVerified,
}

impl Claim {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Name, "name"),
        (Self::PreferredUsername, "preferred_username"),
        (Self::Email, "email"),
        (Self::EmailVerified, "email_verified"),
    ];

    /// Gives the scope that opens it too.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Name | Self::PreferredUsername => PROFILE,
            Self::Email | Self::EmailVerified => EMAIL,
        }
    }
}

/// The claims that are told in either place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub userinfo: BTreeSet<Claim>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub id_token: BTreeSet<Claim>,
    /// The classes of which one has to be reached.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub essential_acr: Vec<Acr>,
}

impl Claims {
    /// Reads what the store keeps; what is not there asks for nothing.
    pub fn kept(text: Option<&str>) -> Self {
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// Gives what the store keeps; nothing where nothing is asked for.
    pub fn to_kept(&self) -> Option<String> {
        let asks = *self != Self::default();
        asks.then(|| serde_json::to_string(self).ok()).flatten()
    }

    /// Lists the scopes that open the same claims: what a person is asked about.
    pub fn scopes(&self) -> impl Iterator<Item = &'static str> {
        self.userinfo.union(&self.id_token).map(|claim| claim.scope())
    }

    /// Gives the weakest class that is good enough, where one is essential.
    pub fn least_acr(&self) -> Option<Acr> {
        self.essential_acr.iter().copied().min()
    }

    /// Gives the class that is told of a login: one that was asked for, if it was essential (OIDC Core §5.5.1.1).
    pub fn reported_acr(&self, reached: Acr) -> Acr {
        let asked = self.essential_acr.iter().copied().filter(|acr| *acr <= reached).max();
        asked.unwrap_or(reached)
    }
}

/// What a client asks for by the parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    pub claims: Claims,
    /// Whom it asks for: nobody else may be told of.
    pub sub: Option<String>,
    /// The classes that it would like, the best first.
    pub acr_values: Option<String>,
    /// It cannot do without a class that does not exist here.
    pub is_impossible: bool,
}

impl Asked {
    /// Reads the parameter.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn read(raw: &str) -> Result<Self, &'static str> {
        if raw.len() > MOST_BYTES {
            return Err("claims is longer than 4096 characters");
        }
        let Ok(Value::Object(body)) = serde_json::from_str(raw) else { return Err("claims is not a JSON object") };
        let (userinfo, id_token) = (member(&body, "userinfo")?, member(&body, "id_token")?);
        let mut asked = Self {
            claims: Claims { userinfo: known(userinfo), id_token: known(id_token), essential_acr: Vec::new() },
            ..Self::default()
        };
        for place in [userinfo, id_token].into_iter().flatten() {
            let Some(sub) = place.get("sub").and_then(|sub| values(sub).first().copied()) else { continue };
            if asked.sub.as_deref().is_some_and(|other| other != sub) {
                return Err("claims asks for two people");
            }
            asked.sub = Some(sub.to_owned());
        }
        asked.read_acr(id_token.and_then(|place| place.get("acr")));
        Ok(asked)
    }

    fn read_acr(&mut self, acr: Option<&Value>) {
        let Some(acr) = acr else { return };
        let wanted = values(acr);
        if wanted.is_empty() {
            return;
        }
        if acr.get("essential") != Some(&Value::Bool(true)) {
            self.acr_values = Some(wanted.join(" "));
            return;
        }
        self.claims.essential_acr = wanted.iter().filter_map(|value| Acr::preferred(value)).collect();
        self.is_impossible = self.claims.essential_acr.is_empty();
    }
}

fn member<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>, &'static str> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(claims)) => Ok(Some(claims)),
        Some(_) => Err("a member of claims is not a JSON object"),
    }
}

fn known(place: Option<&Map<String, Value>>) -> BTreeSet<Claim> {
    let asked = |name: &str| place.is_some_and(|place| place.contains_key(name));
    Claim::ALL.into_iter().filter(|(_, name)| asked(name)).map(|(claim, _)| claim).collect()
}

/// Lists the texts of `value` and `values`.
fn values(claim: &Value) -> Vec<&str> {
    let one = claim.get("value").and_then(Value::as_str);
    let more = claim.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(more).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_the_parameter_is_kept_and_the_rest_ignored() {
        // OID-10
        let asked = Asked::read(
            r#"{"userinfo": {"name": {"essential": true}, "email": null, "shoe_size": {"value": 44}},
                "id_token": {"preferred_username": {"values": ["a"]}, "auth_time": {"essential": true}}, "other": 1}"#,
        )
        .unwrap();
        assert_eq!(asked.claims.userinfo, BTreeSet::from([Claim::Name, Claim::Email]));
        assert_eq!(asked.claims.id_token, BTreeSet::from([Claim::PreferredUsername]));
        let scopes: BTreeSet<_> = asked.claims.scopes().collect();
        assert_eq!(scopes, BTreeSet::from([PROFILE, EMAIL]));
        let kept = asked.claims.to_kept().unwrap();
        assert_eq!(Claims::kept(Some(&kept)), asked.claims);
        assert_eq!(Asked::read("{}").unwrap(), Asked::default());
        assert_eq!(Claims::default().to_kept(), None);
        assert_eq!(Claims::kept(None), Claims::default());
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        // INV-17
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(MOST_BYTES));
        let two = r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#;
        for raw in ["not json", "[]", "1", "\"{}\"", r#"{"userinfo": []}"#, r#"{"id_token": "name"}"#, &long, two] {
            assert!(Asked::read(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn an_essential_class_has_to_be_one_of_those_that_were_named() {
        // OIDC Core §5.5.1.1
        use Acr::{Mfa, Password, PhishingResistant as Phr};
        let acr = |value: &str| Asked::read(&format!(r#"{{"id_token":{{"acr":{value}}}}}"#)).unwrap();
        let essential = acr(r#"{"essential":true,"values":["mfa","phr","urn:x"]}"#);
        assert_eq!(essential.claims.least_acr(), Some(Mfa));
        let reports = [Password, Mfa, Phr].map(|reached| essential.claims.reported_acr(reached));
        assert_eq!(reports, [Password, Mfa, Phr]);
        let one = acr(r#"{"essential":true,"value":"mfa"}"#);
        assert_eq!(one.claims.reported_acr(Phr), Mfa);
        assert!(acr(r#"{"essential":true,"value":"urn:x"}"#).is_impossible);
        assert!(!acr(r#"{"essential":true}"#).is_impossible);
        let wished = acr(r#"{"value":"phr"}"#);
        assert_eq!((wished.acr_values.as_deref(), wished.claims.least_acr()), (Some("phr"), None));
        assert_eq!(Asked::read(r#"{"userinfo":{"sub":{"value":"u"}}}"#).unwrap().sub.as_deref(), Some("u"));
    }
}
