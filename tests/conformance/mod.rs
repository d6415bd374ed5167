//! The conditions of the OpenID Foundation's suite as black-box stories: one for each module of its Config, Basic, Form Post
//! Basic, RP-initiated and back-channel logout plans, named after it, for a client of the configuration and for a registered
//! one, over HTTPS. The relying party here reads tokens with the `jsonwebtoken` crate and the published keys, and knows the
//! server by its metadata alone. When all have run, the list of them is printed.

mod backchannel;
mod checks;
mod claims;
mod codes;
mod extras;
mod happy;
mod party;
mod prompts;
mod pushed;
mod report;
mod requests;
mod rp_logout;

use futures_util::FutureExt;
use std::panic::{AssertUnwindSafe, resume_unwind};

use self::party::Party;

/// A plan of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plan {
    Config,
    Basic,
    FormPost,
    RpInitiatedLogout,
    BackchannelLogout,
    /// What is worth taking from the FAPI 2.0 plans.
    Extras,
}

impl Plan {
    fn name(self) -> &'static str {
        match self {
            Self::Config => "oidcc-config-certification-test-plan",
            Self::Basic => "oidcc-basic-certification-test-plan",
            Self::FormPost => "oidcc-formpost-basic-certification-test-plan",
            Self::RpInitiatedLogout => "oidcc-rp-initiated-logout-certification-test-plan",
            Self::BackchannelLogout => "oidcc-backchannel-rp-initiated-logout-certification-test-plan",
            Self::Extras => "from fapi2-security-profile-final-test-plan",
        }
    }
}

/// How the relying party came to be known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variant {
    /// By the configuration.
    Static,
    /// By dynamic registration; it has to use PKCE in each module then.
    Registered,
}

/// How a module ends that does not fail.
pub enum Outcome {
    Passed,
    /// In the suite's own words.
    Skipped(&'static str),
}
use Outcome::{Passed, Skipped};

/// Tells one module's story and keeps what came of it for the list.
async fn run(plan: Plan, variant: Variant, name: &'static str, module: impl AsyncFnOnce(&Party) -> Outcome) {
    let mut warnings = Vec::new();
    // Boxed: a module's future is large.
    let story = Box::pin(async {
        let party = Party::start(plan, variant).await;
        let outcome = module(&party).await;
        party.leave().await;
        warnings = party.warnings();
        outcome
    });
    let outcome = AssertUnwindSafe(story).catch_unwind().await;
    report::keep(plan, variant, name, outcome.as_ref().ok(), warnings);
    if let Err(failure) = outcome {
        resume_unwind(failure);
    }
}

/// Makes two stories of each module of a plan, and the list of their names.
macro_rules! plan {
    ($plan:ident, $value:expr; $($file:ident { $($module:ident)+ })+) => {
        mod $plan {
            pub const MODULES: &[&str] = &[$($(stringify!($module)),+),+];

            mod static_client {
                use super::super::{Plan, Variant, run};
                $($(
                    #[tokio::test]
                    async fn $module() {
                        run($value, Variant::Static, stringify!($module), super::super::$file::$module).await;
                    }
                )+)+
            }

            mod registered_client {
                use super::super::{Plan, Variant, run};
                $($(
                    #[tokio::test]
                    async fn $module() {
                        run($value, Variant::Registered, stringify!($module), super::super::$file::$module).await;
                    }
                )+)+
            }
        }
    };
}

/// The modules that two plans share, which differ in the response mode.
macro_rules! basic_plan {
    ($plan:ident, $value:expr) => {
        plan! { $plan, $value;
            happy {
                oidcc_server
                oidcc_idtoken_signature
                oidcc_idtoken_unsigned
                oidcc_userinfo_get
                oidcc_userinfo_post_header
                oidcc_userinfo_post_body
                oidcc_ensure_request_without_nonce_succeeds_for_code_flow
                oidcc_alternate_happy_flow
                oidcc_server_client_secret_post
                oidcc_ensure_request_with_valid_pkce_succeeds
            }
            claims {
                oidcc_scope_profile
                oidcc_scope_email
                oidcc_scope_address
                oidcc_scope_phone
                oidcc_scope_all
                oidcc_claims_essential
            }
            prompts {
                oidcc_prompt_login
                oidcc_prompt_none_not_logged_in
                oidcc_prompt_none_logged_in
                oidcc_max_age_1
                oidcc_max_age_10000
                oidcc_id_token_hint
            }
            requests {
                oidcc_response_type_missing
                oidcc_display_page
                oidcc_display_popup
                oidcc_ensure_request_with_unknown_parameter_succeeds
                oidcc_login_hint
                oidcc_ui_locales
                oidcc_claims_locales
                oidcc_ensure_request_with_acr_values_succeeds
                oidcc_ensure_registered_redirect_uri
                oidcc_ensure_post_request_succeeds
                oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported
                oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported
                oidcc_ensure_request_object_with_redirect_uri
            }
            codes {
                oidcc_codereuse
                oidcc_codereuse_30seconds
                oidcc_refresh_token
            }
        }
    };
}

plan! { config, Plan::Config; checks { oidcc_discovery_endpoint_verification } }
basic_plan! { basic, Plan::Basic }
basic_plan! { form_post, Plan::FormPost }
plan! { rp_initiated_logout, Plan::RpInitiatedLogout;
    rp_logout {
        oidcc_rp_initiated_logout_discovery_endpoint_verification
        oidcc_rp_initiated_logout
        oidcc_rp_initiated_logout_bad_post_logout_redirect_uri
        oidcc_rp_initiated_logout_modified_id_token_hint
        oidcc_rp_initiated_logout_no_id_token_hint
        oidcc_rp_initiated_logout_no_params
        oidcc_rp_initiated_logout_no_post_logout_redirect_uri
        oidcc_rp_initiated_logout_no_state
        oidcc_rp_initiated_logout_only_state
        oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri
        oidcc_rp_initiated_logout_bad_id_token_hint
    }
}
plan! { backchannel_logout, Plan::BackchannelLogout;
    backchannel {
        oidcc_backchannel_logout_discovery_endpoint_verification
        oidcc_backchannel_rp_initiated_logout
    }
}
plan! { fapi, Plan::Extras;
    extras {
        attempt_reuse_authorization_code_after_one_second
        attempt_to_use_expired_auth_code
        ensure_response_type_token_fails
        ensure_authorization_request_with_long_nonce
        ensure_authorization_request_with_long_state
        ensure_authorization_request_without_state_success
        ensure_other_scope_order_succeeds
        user_rejects_authentication
        access_token_type_header_case_sensitivity
    }
    pushed {
        par_without_duplicate_parameters
        par_ensure_plain_pkce_rejected
        par_ensure_pkce_code_verifier_required
        par_incorrect_pkce_code_verifier_rejected
        par_attempt_reuse_request_uri
        par_attempt_to_use_expired_request_uri
        par_reject_invalid_http_verb
        par_reject_request_uri_in_par_authorization_request
        par_ensure_server_accepts_reused_request_uri_before_authentication_completion
        tolerate_unregistered_redirect_uri
    }
}

/// How many stories there are in all: a client of each kind goes through every module.
fn total() -> usize {
    let modules = [
        config::MODULES,
        basic::MODULES,
        form_post::MODULES,
        rp_initiated_logout::MODULES,
        backchannel_logout::MODULES,
        fapi::MODULES,
    ];
    2 * modules.iter().map(|names| names.len()).sum::<usize>()
}
