//! What the pages show that are about getting in: the second step of a login, confirming an act, and the factors of an
//! account.

use askama::Template;
use i18n_embed_fl::fl;

use super::{
    Layout, Moment,
    limits::wait_text,
    upstream::{LinkView, ProviderView},
};
use crate::{
    domain::{
        act::Act,
        factor::{FactorProblem, Factors},
    },
    flows::factor::Seed,
};

/// What the script asks an authenticator, and where its answer goes.
#[derive(Debug)]
pub struct PasskeyForm {
    pub action: String,
    /// The options as JSON.
    pub options: String,
    pub state: String,
    /// Where fresh options are, on a page that waits for whoever comes (spec WAN-08).
    pub refresh: Option<String>,
    pub is_new: bool,
    /// What else the form sends.
    pub fields: Vec<(&'static str, String)>,
}

impl PasskeyForm {
    /// Gives the method of `navigator.credentials`.
    pub fn kind(&self) -> &'static str {
        if self.is_new { "create" } else { "get" }
    }
}

/// Why a proof was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    WrongPassword,
    Busy,
    Wait { seconds: i64 },
    Factor(FactorProblem),
}

impl ProofError {
    fn text(self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::WrongPassword => fl!(messages, "confirm-error-wrong-password"),
            Self::Busy => fl!(messages, "form-error-busy"),
            Self::Wait { seconds } => wait_text(seconds, layout),
            Self::Factor(problem) => factor_text(problem, layout),
        }
    }
}

/// Says what is wrong with a factor.
pub fn factor_text(problem: FactorProblem, layout: &Layout) -> String {
    let messages = layout.loader();
    match problem {
        FactorProblem::PasskeysUnavailable => fl!(messages, "security-passkeys-unavailable"),
        FactorProblem::ChallengeOver => fl!(messages, "factor-error-over"),
        FactorProblem::PasskeyRefused => fl!(messages, "factor-error-passkey-refused"),
        FactorProblem::PasskeyKnown => fl!(messages, "factor-error-passkey-known"),
        FactorProblem::PasskeyCopied => fl!(messages, "factor-error-passkey-copied"),
        FactorProblem::TooManyPasskeys => fl!(messages, "factor-error-too-many-passkeys"),
        FactorProblem::TotpKnown => fl!(messages, "factor-error-totp-known"),
        FactorProblem::WrongCode => fl!(messages, "factor-error-wrong-code"),
        FactorProblem::TooManyWrongCodes => fl!(messages, "factor-error-too-many-wrong-codes"),
        FactorProblem::LastWayIn => fl!(messages, "factor-error-last-way-in"),
        FactorProblem::NoSecondFactor => fl!(messages, "factor-error-no-second"),
        FactorProblem::ProofNeeded => fl!(messages, "factor-error-proof-needed"),
    }
}

/// Which code a form asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeField {
    Totp,
    Recovery,
}

impl CodeField {
    /// Gives the name of the field.
    pub fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Recovery => "recovery",
        }
    }

    fn label(self, layout: &Layout) -> String {
        match self {
            Self::Totp => fl!(layout.loader(), "totp-code-label"),
            Self::Recovery => fl!(layout.loader(), "recovery-code-label"),
        }
    }

    fn hint(self, layout: &Layout) -> String {
        match self {
            Self::Totp => fl!(layout.loader(), "totp-code-hint"),
            Self::Recovery => fl!(layout.loader(), "recovery-code-hint"),
        }
    }

    /// Offers it in place of another factor.
    pub fn offer(self, layout: &Layout) -> String {
        match self {
            Self::Totp => fl!(layout.loader(), "factor-use-totp"),
            Self::Recovery => fl!(layout.loader(), "factor-use-recovery"),
        }
    }

    fn autocomplete(self) -> &'static str {
        match self {
            Self::Totp => "one-time-code",
            Self::Recovery => "off",
        }
    }

    fn inputmode(self) -> &'static str {
        match self {
            Self::Totp => "numeric",
            Self::Recovery => "text",
        }
    }
}

/// The page that asks for a second factor after the password.
#[derive(Debug, Template)]
#[template(path = "factor/factor.html")]
pub struct FactorPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub user_id: String,
    /// What it is a step of, where it is no login.
    pub act: Option<Act>,
    pub error: Option<ProofError>,
    pub passkey: Option<PasskeyForm>,
    pub code: Option<CodeField>,
    /// Other factors that there are, each as address and words.
    pub others: Vec<(String, String)>,
    pub restart_href: String,
}

/// The page that explains an act and asks who is there.
#[derive(Debug, Template)]
#[template(path = "factor/confirm.html")]
pub struct ConfirmPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub act: Act,
    /// The name of what it is done to.
    pub target: Option<String>,
    pub username: String,
    pub has_password: bool,
    pub passkey: Option<PasskeyForm>,
    /// Where one can show at a provider who one is.
    pub providers: Vec<ProviderView>,
    /// Set when that was done: only the button is left.
    pub proof: Option<String>,
    pub error: Option<ProofError>,
    pub back_href: String,
}

impl Act {
    pub(crate) fn title(self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::ChangePassword => fl!(messages, "act-change-password-title"),
            Self::RemovePassword => fl!(messages, "act-remove-password-title"),
            Self::AddPasskey => fl!(messages, "passkey-add-title"),
            Self::RemovePasskey => fl!(messages, "act-remove-passkey-title"),
            Self::AddTotp => fl!(messages, "totp-title"),
            Self::RemoveTotp => fl!(messages, "act-remove-totp-title"),
            Self::MakeRecoveryCodes => fl!(messages, "act-make-recovery-codes-title"),
            Self::RequireSecondFactor => fl!(messages, "act-require-second-factor-title"),
            Self::AllowPasswordAlone => fl!(messages, "act-allow-password-alone-title"),
            Self::AddEmail => fl!(messages, "act-add-email-title"),
            Self::RemoveEmail => fl!(messages, "act-remove-email-title"),
            Self::EndSession => fl!(messages, "act-end-session-title"),
            Self::EndOtherSessions => fl!(messages, "act-end-other-sessions-title"),
            Self::WithdrawConsent => fl!(messages, "act-withdraw-consent-title"),
            Self::SignOutEverywhere => fl!(messages, "act-sign-out-everywhere-title"),
            Self::Deactivate => fl!(messages, "act-deactivate-title"),
            Self::ResetCrossSigning => fl!(messages, "act-reset-cross-signing-title"),
            Self::LinkProvider => fl!(messages, "act-link-provider-title"),
            Self::UnlinkProvider => fl!(messages, "act-unlink-provider-title"),
        }
    }

    fn explanation(self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::ChangePassword => fl!(messages, "act-change-password-text"),
            Self::RemovePassword => fl!(messages, "act-remove-password-text"),
            Self::AddPasskey => fl!(messages, "passkey-add-text"),
            Self::RemovePasskey => fl!(messages, "act-remove-passkey-text"),
            Self::AddTotp => fl!(messages, "act-add-totp-text"),
            Self::RemoveTotp => fl!(messages, "act-remove-totp-text"),
            Self::MakeRecoveryCodes => fl!(messages, "act-make-recovery-codes-text"),
            Self::RequireSecondFactor => fl!(messages, "act-require-second-factor-text"),
            Self::AllowPasswordAlone => fl!(messages, "act-allow-password-alone-text"),
            Self::AddEmail => fl!(messages, "act-add-email-text"),
            Self::RemoveEmail => fl!(messages, "act-remove-email-text"),
            Self::EndSession => fl!(messages, "act-end-session-text"),
            Self::EndOtherSessions => fl!(messages, "act-end-other-sessions-text"),
            Self::WithdrawConsent => fl!(messages, "act-withdraw-consent-text"),
            Self::SignOutEverywhere => fl!(messages, "act-sign-out-everywhere-text"),
            Self::Deactivate => fl!(messages, "act-deactivate-text"),
            Self::ResetCrossSigning => fl!(messages, "act-reset-cross-signing-text"),
            Self::LinkProvider => fl!(messages, "act-link-provider-text"),
            Self::UnlinkProvider => fl!(messages, "act-unlink-provider-text"),
        }
    }

    /// Names the button that does it, or goes on to its form.
    fn submit(self, layout: &Layout) -> String {
        match self.form() {
            Some(_) => fl!(layout.loader(), "continue"),
            None => self.title(layout),
        }
    }

    /// Says that it is done; nothing where another page says it.
    pub(crate) fn done(self, layout: &Layout) -> Option<String> {
        let messages = layout.loader();
        Some(match self {
            Self::ChangePassword => fl!(messages, "act-change-password-done"),
            Self::RemovePassword => fl!(messages, "act-remove-password-done"),
            Self::AddPasskey => fl!(messages, "passkey-add-done"),
            Self::RemovePasskey => fl!(messages, "act-remove-passkey-done"),
            Self::AddTotp => fl!(messages, "totp-done"),
            Self::RemoveTotp => fl!(messages, "act-remove-totp-done"),
            Self::MakeRecoveryCodes => return None,
            Self::RequireSecondFactor => fl!(messages, "act-require-second-factor-done"),
            Self::AllowPasswordAlone => fl!(messages, "act-allow-password-alone-done"),
            Self::AddEmail => fl!(messages, "act-add-email-done"),
            Self::RemoveEmail => fl!(messages, "act-remove-email-done"),
            Self::EndSession => fl!(messages, "act-end-session-done"),
            Self::EndOtherSessions => fl!(messages, "act-end-other-sessions-done"),
            Self::WithdrawConsent => fl!(messages, "act-withdraw-consent-done"),
            Self::SignOutEverywhere | Self::Deactivate => return None,
            Self::ResetCrossSigning => fl!(messages, "act-reset-cross-signing-done"),
            Self::LinkProvider => fl!(messages, "act-link-provider-done"),
            Self::UnlinkProvider => fl!(messages, "act-unlink-provider-done"),
        })
    }
}

/// A passkey as its owner knows it.
#[derive(Debug)]
pub struct PasskeyView {
    pub name: String,
    pub created_at: Moment,
    pub last_used_at: Option<Moment>,
    pub rename_action: String,
    pub remove_href: String,
}

/// The page of everything that one signs in with.
#[derive(Debug, Template)]
#[template(path = "account/security.html")]
pub struct SecurityPage {
    pub layout: Layout,
    pub csrf: String,
    pub notice: Option<String>,
    pub factors: Factors,
    pub are_passwords_enabled: bool,
    pub passkeys: Vec<PasskeyView>,
    pub are_passkeys_available: bool,
    /// The accounts at providers that sign in here.
    pub links: Vec<LinkView>,
    /// The providers that can be linked.
    pub providers: Vec<ProviderView>,
    /// The only passkey cannot be on another device, and no recovery code helps when it is lost (spec WAN-11).
    pub is_one_device_bound: bool,
    pub is_second_required: bool,
    /// Where acts are confirmed: the act is put behind it.
    pub confirm_href: String,
    pub back_href: String,
}

impl SecurityPage {
    fn href(&self, act: Act) -> String {
        format!("{}?act={}", self.confirm_href, act.as_str())
    }
}

/// The page that makes a passkey.
#[derive(Debug, Template)]
#[template(path = "account/passkey_add.html")]
pub struct PasskeyAddPage {
    pub layout: Layout,
    pub csrf: String,
    pub passkey: PasskeyForm,
    pub error: Option<ProofError>,
    pub back_href: String,
}

/// The page that sets up an authenticator app.
#[derive(Template)]
#[template(path = "account/totp.html")]
pub struct TotpPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub seed: Seed,
    pub error: Option<ProofError>,
    pub back_href: String,
}

/// The page that shows recovery codes, once.
#[derive(Template)]
#[template(path = "account/recovery_codes.html")]
pub struct RecoveryCodesPage {
    pub layout: Layout,
    pub codes: Vec<String>,
    /// The same as a file.
    pub download: String,
    pub back_href: String,
}
