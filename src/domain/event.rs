//! What happened on an account, for its owner to read, and what of it is worth a mail (spec WEB-17).

use serde::{Deserialize, Serialize};

use crate::domain::time::{DAY, HOUR};

/// Something that happened on an account. Names are what people or their apps chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The account came into being, in the browser of its owner or by an administrator.
    Registered,
    /// It waits for an administrator.
    ApprovalRequired,
    Approved,
    /// In a browser of a kind that this account had used before.
    SignedIn,
    NewBrowserSignedIn,
    /// On a device that the app was signed in on already.
    AppSignedIn {
        name: Option<String>,
    },
    NewAppSignedIn {
        name: Option<String>,
    },
    /// Somebody typed the code of a device into a browser and let it in.
    DeviceLinked {
        name: Option<String>,
    },
    /// The password was right and the second factor was not.
    WrongSecondFactor,
    SessionEnded {
        name: Option<String>,
    },
    /// All of them at once, or all but one.
    SessionsEnded,
    /// An access that was given once was used by two (INV-04); its session ended.
    RefreshTokenReplayed {
        name: Option<String>,
    },
    /// An authorization code or a login token came again (spec TOK-03, CMP-16); its session ended.
    LoginReplayed {
        name: Option<String>,
    },
    /// At a provider, which told of it; what that login had opened here ended with it.
    SignedOutAtProvider {
        provider: String,
    },
    PasswordChanged,
    PasswordRemoved,
    PasskeyAdded {
        name: String,
    },
    PasskeyRemoved {
        name: String,
    },
    /// The authenticator counted backwards, as a copy of it would (spec WAN-10).
    PasskeyCounterRegressed {
        name: String,
    },
    TotpAdded,
    TotpRemoved,
    RecoveryCodesMade,
    RecoveryCodeUsed,
    SecondFactorRequired,
    SecondFactorNoLongerRequired,
    EmailAdded {
        address: String,
    },
    EmailRemoved {
        address: String,
    },
    /// A link out of a mail was the way in.
    RecoveredByEmail,
    ProviderLinked {
        name: String,
    },
    ProviderUnlinked {
        name: String,
    },
    CrossSigningReset,
    Locked,
    Unlocked,
    Deactivated,
    Reactivated,
}

impl Event {
    /// Gives the word that the store keeps.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::ApprovalRequired => "approval_required",
            Self::Approved => "approved",
            Self::SignedIn => "signed_in",
            Self::NewBrowserSignedIn => "new_browser_signed_in",
            Self::AppSignedIn { .. } => "app_signed_in",
            Self::NewAppSignedIn { .. } => "new_app_signed_in",
            Self::DeviceLinked { .. } => "device_linked",
            Self::WrongSecondFactor => "wrong_second_factor",
            Self::SessionEnded { .. } => "session_ended",
            Self::SessionsEnded => "sessions_ended",
            Self::RefreshTokenReplayed { .. } => "refresh_token_replayed",
            Self::LoginReplayed { .. } => "login_replayed",
            Self::SignedOutAtProvider { .. } => "signed_out_at_provider",
            Self::PasswordChanged => "password_changed",
            Self::PasswordRemoved => "password_removed",
            Self::PasskeyAdded { .. } => "passkey_added",
            Self::PasskeyRemoved { .. } => "passkey_removed",
            Self::PasskeyCounterRegressed { .. } => "passkey_counter_regressed",
            Self::TotpAdded => "totp_added",
            Self::TotpRemoved => "totp_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::RecoveryCodeUsed => "recovery_code_used",
            Self::SecondFactorRequired => "second_factor_required",
            Self::SecondFactorNoLongerRequired => "second_factor_no_longer_required",
            Self::EmailAdded { .. } => "email_added",
            Self::EmailRemoved { .. } => "email_removed",
            Self::RecoveredByEmail => "recovered_by_email",
            Self::ProviderLinked { .. } => "provider_linked",
            Self::ProviderUnlinked { .. } => "provider_unlinked",
            Self::CrossSigningReset => "cross_signing_reset",
            Self::Locked => "locked",
            Self::Unlocked => "unlocked",
            Self::Deactivated => "deactivated",
            Self::Reactivated => "reactivated",
        }
    }

    /// Gives what it was done to, as the store keeps it.
    pub fn subject(&self) -> Option<&str> {
        match self {
            Self::AppSignedIn { name }
            | Self::NewAppSignedIn { name }
            | Self::DeviceLinked { name }
            | Self::SessionEnded { name }
            | Self::RefreshTokenReplayed { name }
            | Self::LoginReplayed { name } => name.as_deref(),
            Self::PasskeyAdded { name }
            | Self::PasskeyRemoved { name }
            | Self::PasskeyCounterRegressed { name }
            | Self::ProviderLinked { name }
            | Self::ProviderUnlinked { name } => Some(name),
            Self::EmailAdded { address } | Self::EmailRemoved { address } => Some(address),
            Self::SignedOutAtProvider { provider } => Some(provider),
            _ => None,
        }
    }

    /// Reads what the store keeps; nothing for a word of another version.
    pub fn read(kind: &str, subject: Option<String>) -> Option<Self> {
        let text = |subject: Option<String>| subject.unwrap_or_default();
        Some(match kind {
            "registered" => Self::Registered,
            "approval_required" => Self::ApprovalRequired,
            "approved" => Self::Approved,
            "signed_in" => Self::SignedIn,
            "new_browser_signed_in" => Self::NewBrowserSignedIn,
            "app_signed_in" => Self::AppSignedIn { name: subject },
            "new_app_signed_in" => Self::NewAppSignedIn { name: subject },
            "device_linked" => Self::DeviceLinked { name: subject },
            "wrong_second_factor" => Self::WrongSecondFactor,
            "session_ended" => Self::SessionEnded { name: subject },
            "sessions_ended" => Self::SessionsEnded,
            "refresh_token_replayed" => Self::RefreshTokenReplayed { name: subject },
            "login_replayed" => Self::LoginReplayed { name: subject },
            "signed_out_at_provider" => Self::SignedOutAtProvider { provider: text(subject) },
            "password_changed" => Self::PasswordChanged,
            "password_removed" => Self::PasswordRemoved,
            "passkey_added" => Self::PasskeyAdded { name: text(subject) },
            "passkey_removed" => Self::PasskeyRemoved { name: text(subject) },
            "passkey_counter_regressed" => Self::PasskeyCounterRegressed { name: text(subject) },
            "totp_added" => Self::TotpAdded,
            "totp_removed" => Self::TotpRemoved,
            "recovery_codes_made" => Self::RecoveryCodesMade,
            "recovery_code_used" => Self::RecoveryCodeUsed,
            "second_factor_required" => Self::SecondFactorRequired,
            "second_factor_no_longer_required" => Self::SecondFactorNoLongerRequired,
            "email_added" => Self::EmailAdded { address: text(subject) },
            "email_removed" => Self::EmailRemoved { address: text(subject) },
            "recovered_by_email" => Self::RecoveredByEmail,
            "provider_linked" => Self::ProviderLinked { name: text(subject) },
            "provider_unlinked" => Self::ProviderUnlinked { name: text(subject) },
            "cross_signing_reset" => Self::CrossSigningReset,
            "locked" => Self::Locked,
            "unlocked" => Self::Unlocked,
            "deactivated" => Self::Deactivated,
            "reactivated" => Self::Reactivated,
            _ => return None,
        })
    }

    /// Gives how many events of this kind are told by mail, and within what time; nothing for those that are only listed.
    /// What somebody else can cause again and again is told once an hour, so that nobody's mailbox fills up.
    pub fn most_mails(&self) -> Option<(i64, i64)> {
        match self {
            Self::Registered
            // The answer has a mail of its own.
            | Self::ApprovalRequired
            | Self::Approved
            | Self::SignedIn
            | Self::AppSignedIn { .. }
            | Self::SessionEnded { .. }
            | Self::SessionsEnded
            | Self::SignedOutAtProvider { .. }
            | Self::Locked
            | Self::Unlocked
            | Self::Reactivated => None,
            Self::WrongSecondFactor
            | Self::RefreshTokenReplayed { .. }
            | Self::LoginReplayed { .. }
            | Self::PasskeyCounterRegressed { .. } => Some((1, HOUR)),
            _ => Some((10, DAY)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each.
    fn all() -> Vec<Event> {
        let name = || Some("Element".to_owned());
        let text = || "a name".to_owned();
        let all = vec![
            Event::Registered,
            Event::ApprovalRequired,
            Event::Approved,
            Event::SignedIn,
            Event::NewBrowserSignedIn,
            Event::AppSignedIn { name: name() },
            Event::NewAppSignedIn { name: None },
            Event::DeviceLinked { name: name() },
            Event::WrongSecondFactor,
            Event::SessionEnded { name: name() },
            Event::SessionsEnded,
            Event::RefreshTokenReplayed { name: name() },
            Event::LoginReplayed { name: None },
            Event::SignedOutAtProvider { provider: text() },
            Event::PasswordChanged,
            Event::PasswordRemoved,
            Event::PasskeyAdded { name: text() },
            Event::PasskeyRemoved { name: text() },
            Event::PasskeyCounterRegressed { name: text() },
            Event::TotpAdded,
            Event::TotpRemoved,
            Event::RecoveryCodesMade,
            Event::RecoveryCodeUsed,
            Event::SecondFactorRequired,
            Event::SecondFactorNoLongerRequired,
            Event::EmailAdded { address: text() },
            Event::EmailRemoved { address: text() },
            Event::RecoveredByEmail,
            Event::ProviderLinked { name: text() },
            Event::ProviderUnlinked { name: text() },
            Event::CrossSigningReset,
            Event::Locked,
            Event::Unlocked,
            Event::Deactivated,
            Event::Reactivated,
        ];
        let kinds: std::collections::BTreeSet<_> = all.iter().map(Event::kind).collect();
        assert_eq!(kinds.len(), all.len(), "each has a word of its own");
        all
    }

    #[test]
    fn what_the_store_keeps_is_read_back() {
        for event in all() {
            assert_eq!(Event::read(event.kind(), event.subject().map(str::to_owned)), Some(event.clone()), "{event:?}");
        }
        assert_eq!(Event::read("of another version", None), None);
    }

    #[test]
    fn what_others_can_cause_again_and_again_is_told_once_an_hour() {
        assert_eq!(Event::WrongSecondFactor.most_mails(), Some((1, HOUR)));
        assert_eq!(Event::PasswordChanged.most_mails(), Some((10, DAY)));
        assert_eq!(Event::SignedIn.most_mails(), None);
    }
}
