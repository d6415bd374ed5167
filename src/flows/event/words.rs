//! What events are called, on their page and in mails.

use i18n_embed_fl::fl;

use crate::{
    domain::{event::Event, user_agent::Program},
    language::Language,
};

/// Says in one line what happened; what it happened to stands beside it, because that is somebody's own text.
pub fn title(event: &Event, language: Language) -> String {
    let messages = language.loader();
    match event {
        Event::Registered => fl!(messages, "event-registered"),
        Event::ApprovalRequired => fl!(messages, "event-approval-required"),
        Event::Approved => fl!(messages, "event-approved"),
        Event::SignedIn => fl!(messages, "event-signed-in"),
        Event::NewBrowserSignedIn => fl!(messages, "event-new-browser-signed-in"),
        Event::AppSignedIn { .. } => fl!(messages, "event-app-signed-in"),
        Event::DeviceLinked { .. } => fl!(messages, "event-device-linked"),
        Event::NewAppSignedIn { .. } => fl!(messages, "event-new-app-signed-in"),
        Event::WrongSecondFactor => fl!(messages, "event-wrong-second-factor"),
        Event::SessionEnded { .. } => fl!(messages, "event-session-ended"),
        Event::SessionsEnded => fl!(messages, "event-sessions-ended"),
        Event::RefreshTokenReplayed { .. } => fl!(messages, "event-refresh-token-replayed"),
        Event::LoginReplayed { .. } => fl!(messages, "event-login-replayed"),
        Event::SignedOutAtProvider { .. } => fl!(messages, "event-signed-out-at-provider"),
        Event::PasswordChanged => fl!(messages, "event-password-changed"),
        Event::PasswordRemoved => fl!(messages, "event-password-removed"),
        Event::PasskeyAdded { .. } => fl!(messages, "event-passkey-added"),
        Event::PasskeyRemoved { .. } => fl!(messages, "event-passkey-removed"),
        Event::PasskeyCounterRegressed { .. } => fl!(messages, "event-passkey-counter-regressed"),
        Event::TotpAdded => fl!(messages, "event-totp-added"),
        Event::TotpRemoved => fl!(messages, "event-totp-removed"),
        Event::RecoveryCodesMade => fl!(messages, "event-recovery-codes-made"),
        Event::RecoveryCodeUsed => fl!(messages, "event-recovery-code-used"),
        Event::SecondFactorRequired => fl!(messages, "event-second-factor-required"),
        Event::SecondFactorNoLongerRequired => fl!(messages, "event-second-factor-no-longer-required"),
        Event::EmailAdded { .. } => fl!(messages, "event-email-added"),
        Event::EmailRemoved { .. } => fl!(messages, "event-email-removed"),
        Event::RecoveredByEmail => fl!(messages, "event-recovered-by-email"),
        Event::ProviderLinked { .. } => fl!(messages, "event-provider-linked"),
        Event::ProviderUnlinked { .. } => fl!(messages, "event-provider-unlinked"),
        Event::CrossSigningReset => fl!(messages, "event-cross-signing-reset"),
        Event::Locked => fl!(messages, "event-locked"),
        Event::Unlocked => fl!(messages, "event-unlocked"),
        Event::Deactivated => fl!(messages, "event-deactivated"),
        Event::Reactivated => fl!(messages, "event-reactivated"),
    }
}

/// Gives what the subject of an event is, and the subject; nothing where there is none.
pub fn subject(event: &Event, language: Language) -> Option<(String, &str)> {
    let messages = language.loader();
    let what = match event {
        Event::PasskeyAdded { .. } | Event::PasskeyRemoved { .. } | Event::PasskeyCounterRegressed { .. } => {
            fl!(messages, "event-subject-passkey")
        }
        Event::EmailAdded { .. } | Event::EmailRemoved { .. } => fl!(messages, "event-subject-email"),
        Event::ProviderLinked { .. } | Event::ProviderUnlinked { .. } | Event::SignedOutAtProvider { .. } => {
            fl!(messages, "event-subject-provider")
        }
        _ => fl!(messages, "event-subject-app"),
    };
    Some((what, event.subject()?))
}

/// Says roughly which program it was, and on what. Nobody who calls over the network calls from nowhere.
pub fn origin(user_agent: Option<&str>, ip: Option<&str>, language: Language) -> String {
    let messages = language.loader();
    let program = user_agent.map(Program::of);
    match (program.as_ref().and_then(|p| p.name.as_deref()), program.as_ref().and_then(|p| p.system)) {
        _ if user_agent.is_none() && ip.is_none() => fl!(messages, "event-administration"),
        (Some(program), Some(system)) => fl!(messages, "event-program-on-system", program = program, system = system),
        (Some(program), None) => program.to_owned(),
        (None, Some(system)) => fl!(messages, "event-program-unknown-on-system", system = system),
        (None, None) => fl!(messages, "event-program-unknown"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_something_happened_is_told_as_far_as_it_is_known() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        let table = [
            (Some(firefox), Some("192.0.2.1"), "Firefox on Linux", "Firefox sous Linux"),
            (Some("matrix-nio/0.25"), Some("192.0.2.1"), "matrix-nio", "matrix-nio"),
            (Some("(Windows)"), Some("192.0.2.1"), "A program on Windows", "Un programme sous Windows"),
            (Some("?"), Some("192.0.2.1"), "An unknown program", "Un programme inconnu"),
            (None, Some("192.0.2.1"), "An unknown program", "Un programme inconnu"),
            (None, None, "The administration of this service", "Les responsables de ce service"),
        ];
        for (user_agent, ip, english, french) in table {
            assert_eq!(origin(user_agent, ip, Language::English), english);
            assert_eq!(origin(user_agent, ip, Language::French), french);
        }
    }
}
