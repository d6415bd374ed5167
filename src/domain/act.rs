//! What changes who can get into an account: each such act wants a fresh proof of who is there, bound to it (INV-06).

/// An act that wants a proof. Some are done to a target: a device's session, a passkey, an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    ChangePassword,
    RemovePassword,
    AddPasskey,
    RemovePasskey,
    AddTotp,
    RemoveTotp,
    MakeRecoveryCodes,
    RequireSecondFactor,
    AllowPasswordAlone,
    AddEmail,
    RemoveEmail,
    /// One session or device.
    EndSession,
    /// All but the one of this browser.
    EndOtherSessions,
    /// What an app may learn without asking, and its sessions.
    WithdrawConsent,
    /// Of every browser and every app, this one too.
    SignOutEverywhere,
    Deactivate,
    ResetCrossSigning,
    /// An account at an identity provider.
    LinkProvider,
    UnlinkProvider,
}

impl Act {
    pub const ALL: [Self; 19] = [
        Self::ChangePassword,
        Self::RemovePassword,
        Self::AddPasskey,
        Self::RemovePasskey,
        Self::AddTotp,
        Self::RemoveTotp,
        Self::MakeRecoveryCodes,
        Self::RequireSecondFactor,
        Self::AllowPasswordAlone,
        Self::AddEmail,
        Self::RemoveEmail,
        Self::EndSession,
        Self::EndOtherSessions,
        Self::WithdrawConsent,
        Self::SignOutEverywhere,
        Self::Deactivate,
        Self::ResetCrossSigning,
        Self::LinkProvider,
        Self::UnlinkProvider,
    ];

    /// Gives the word that the store keeps and that addresses carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ChangePassword => "change-password",
            Self::RemovePassword => "remove-password",
            Self::AddPasskey => "add-passkey",
            Self::RemovePasskey => "remove-passkey",
            Self::AddTotp => "add-totp",
            Self::RemoveTotp => "remove-totp",
            Self::MakeRecoveryCodes => "make-recovery-codes",
            Self::RequireSecondFactor => "require-second-factor",
            Self::AllowPasswordAlone => "allow-password-alone",
            Self::AddEmail => "add-email",
            Self::RemoveEmail => "remove-email",
            Self::EndSession => "end-session",
            Self::EndOtherSessions => "end-other-sessions",
            Self::WithdrawConsent => "withdraw-consent",
            Self::SignOutEverywhere => "sign-out-everywhere",
            Self::Deactivate => "deactivate",
            Self::ResetCrossSigning => "reset-cross-signing",
            Self::LinkProvider => "link-provider",
            Self::UnlinkProvider => "unlink-provider",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|act| act.as_str() == text)
    }

    /// Tells whether it is done to one thing among several.
    pub fn has_target(self) -> bool {
        matches!(
            self,
            Self::RemovePasskey
                | Self::RemoveEmail
                | Self::EndSession
                | Self::WithdrawConsent
                | Self::LinkProvider
                | Self::UnlinkProvider
        )
    }

    /// Gives the page where it goes on once it is proved for, below the public base; nothing where the proof is all that it
    /// waits for.
    pub fn form(self) -> Option<&'static str> {
        match self {
            Self::ChangePassword => Some("account/password"),
            Self::AddPasskey => Some("account/passkeys/add"),
            Self::AddEmail => Some("account/emails/add"),
            Self::Deactivate => Some("account/deactivate"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_word_of_its_own() {
        for act in Act::ALL {
            assert_eq!(Act::parse(act.as_str()), Some(act));
        }
        assert_eq!(Act::parse("anything"), None);
    }
}
