//! What clients link to in the account: `?action=…&device_id=…` behind the account management address (MSC4191; spec area 13).

/// A place in the account that has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountAction {
    Profile,
    DevicesList,
    DeviceView,
    DeviceDelete,
    AccountDeactivate,
    CrossSigningReset,
}

/// The names of Matrix 1.18, and those of before that clients still read in the metadata.
const ADVERTISED: [(&str, AccountAction); 9] = [
    ("org.matrix.profile", AccountAction::Profile),
    ("org.matrix.devices_list", AccountAction::DevicesList),
    ("org.matrix.device_view", AccountAction::DeviceView),
    ("org.matrix.device_delete", AccountAction::DeviceDelete),
    ("org.matrix.account_deactivate", AccountAction::AccountDeactivate),
    ("org.matrix.cross_signing_reset", AccountAction::CrossSigningReset),
    ("org.matrix.sessions_list", AccountAction::DevicesList),
    ("org.matrix.session_view", AccountAction::DeviceView),
    ("org.matrix.session_end", AccountAction::DeviceDelete),
];

/// Names that are still sent, though nobody advertises them.
const OLDER: [(&str, AccountAction); 5] = [
    ("profile", AccountAction::Profile),
    ("sessions_list", AccountAction::DevicesList),
    ("session_view", AccountAction::DeviceView),
    ("session_end", AccountAction::DeviceDelete),
    ("org.matrix.deactivateaccount", AccountAction::AccountDeactivate),
];

impl AccountAction {
    /// Reads a name of any age.
    pub fn parse(name: &str) -> Option<Self> {
        ADVERTISED.iter().chain(&OLDER).find(|(known, _)| *known == name).map(|(_, action)| *action)
    }

    /// Lists the names for the metadata. Without a homeserver there is none whose keys could be reset.
    pub fn advertised(has_homeserver: bool) -> Vec<&'static str> {
        let works = |action: &Self| has_homeserver || *action != Self::CrossSigningReset;
        ADVERTISED.iter().filter(|(_, action)| works(action)).map(|(name, _)| *name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_age_are_understood_and_the_newer_ones_advertised() {
        // ACT-01
        for (name, action) in ADVERTISED.iter().chain(&OLDER) {
            assert_eq!(AccountAction::parse(name), Some(*action));
        }
        for unknown in ["", "org.matrix.", "ORG.MATRIX.PROFILE", "https://evil.example/"] {
            assert_eq!(AccountAction::parse(unknown), None, "{unknown}");
        }
        assert_eq!(AccountAction::advertised(true).len(), 9);
        assert!(!AccountAction::advertised(false).contains(&"org.matrix.cross_signing_reset"));
    }
}
