//! The section `account`: who may have an account, and what people may do with theirs.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mailbox, order::as_declared};

/// Accounts.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Account>)]
pub struct Account {
    /// Whether anybody may create an account with a password.
    pub password_registration_enabled: bool,

    /// Whether whoever creates an account has to confirm an e-mail address first, by a code that is sent there. It needs an
    /// `email.transport`.
    pub password_registration_email_required: bool,

    /// Whether whoever creates an account needs a registration token. `keymaker manage issue-registration-token` makes one, with
    /// a link that invites.
    pub registration_token_required: bool,

    /// Whether an administrator approves every new account before anybody can sign in to it. The name is kept meanwhile, and the
    /// homeserver hears of the account when it is approved: `keymaker manage approve-user`.
    pub registration_approval_required: bool,

    /// Who is told by mail that an account waits for approval, at most ten times an hour. It needs an `email.transport`.
    #[schemars(example = &["admin@example.com"])]
    pub registration_approval_notify: Vec<Mailbox>,

    /// The version of the terms of service, such as the date of their last change. Where it is set, whoever creates an account
    /// has to agree to the terms at `branding.tos_uri`, and the account remembers this version.
    #[schemars(length(min = 1, max = 64), example = &"2026-11-01")]
    pub registration_terms_version: Option<String>,

    /// Whether people may sign in with their e-mail address in place of their user name.
    pub login_with_email_allowed: bool,
}
