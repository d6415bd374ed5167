//! How somebody proved who they are: the methods (RFC 8176), and the classes that they reach (spec PRM-05, WAN-11).

use serde::{Deserialize, Serialize, Serializer};

/// The authentication context classes that are offered, the weaker first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Acr {
    Password,
    /// Two factors.
    Mfa,
    /// Two factors, and none of them can be phished (OpenID Connect Extended Authentication Profile ACR Values §2).
    #[serde(rename = "phr")]
    PhishingResistant,
}

impl Acr {
    pub const ALL: [Self; 3] = [Self::Password, Self::Mfa, Self::PhishingResistant];

    /// Gives the value of `acr`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Mfa => "mfa",
            Self::PhishingResistant => "phr",
        }
    }

    /// Reads the first value that is offered of the list that a client sent, which prefers those that come first (OpenID
    /// Connect Core §3.1.2.1).
    pub fn preferred(acr_values: &str) -> Option<Self> {
        acr_values.split(' ').find_map(|value| Self::ALL.into_iter().find(|acr| acr.as_str() == value))
    }
}

/// The methods of one login, as the store keeps them: values of RFC 8176 §2 with spaces between.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Amr(String);

impl Amr {
    /// A password and nothing else.
    pub fn password() -> Self {
        Self("pwd".to_owned())
    }

    /// A password, and a code of an app or of the list of recovery codes.
    pub fn password_and_code() -> Self {
        Self("pwd otp mfa".to_owned())
    }

    /// A passkey that verified its user: it is something that one has, and something that one knows or is.
    pub fn passkey(is_synced: bool) -> Self {
        Self(format!("{} user mfa", if is_synced { "swk" } else { "hwk" }))
    }

    /// An account at an identity provider; `is_mfa` when its word for two factors is taken.
    pub fn federated(is_mfa: bool) -> Self {
        Self(if is_mfa { "fed mfa" } else { "fed" }.to_owned())
    }

    /// Adds a code to what was shown before it.
    pub fn and_code(&self) -> Self {
        Self(format!("{} otp mfa", self.0.trim_end_matches(" mfa")))
    }

    /// Gives the text that the store keeps.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the class that these methods reach.
    pub fn acr(&self) -> Acr {
        let has = |method: &str| self.0.split(' ').any(|known| known == method);
        match (has("hwk") || has("swk"), has("user"), has("mfa")) {
            (true, true, _) => Acr::PhishingResistant,
            (_, _, true) => Acr::Mfa,
            _ => Acr::Password,
        }
    }
}

impl Serialize for Amr {
    /// Writes the array that ID tokens and introspection have.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.split(' '))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_in_reaches_its_class() {
        // PRM-05, WAN-11
        for (amr, acr) in [
            (Amr::password(), Acr::Password),
            (Amr::password_and_code(), Acr::Mfa),
            (Amr::federated(false), Acr::Password),
            (Amr::federated(true), Acr::Mfa),
            (Amr::federated(false).and_code(), Acr::Mfa),
            (Amr::passkey(true), Acr::PhishingResistant),
            (Amr::passkey(false), Acr::PhishingResistant),
        ] {
            assert_eq!(amr.acr(), acr, "{amr:?}");
        }
        assert_eq!(serde_json::to_string(&Amr::password_and_code()).unwrap(), r#"["pwd","otp","mfa"]"#);
    }

    #[test]
    fn the_first_class_that_is_offered_is_the_one_that_is_wanted() {
        assert_eq!(Acr::preferred("urn:x mfa phr"), Some(Acr::Mfa));
        assert_eq!(Acr::preferred("urn:x"), None);
        assert_eq!(Acr::preferred(""), None);
    }
}
