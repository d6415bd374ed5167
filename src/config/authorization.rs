//! The section `authorization`: what clients may do at the authorization endpoint beyond what every client may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, order::as_declared};
use crate::clock::SECOND;

/// How clients ask for access.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Authorization>)]
pub struct Authorization {
    /// Whether clients may send their requests ahead (RFC 9126), so that the browser only brings a name for them: `off`,
    /// `optional`, or `required` of every client. No Matrix app does so today: with `required` none can sign in by the browser.
    pub pushed_requests: PushedRequests,

    /// For how many seconds a browser may begin with what a client sent ahead.
    #[schemars(range(min = 5, max = 600))]
    pushed_request_life: i64,

    /// The services beside the homeserver whose access tokens come from here, as absolute URIs: a client names one by the parameter
    /// `resource` (RFC 8707), and the service finds itself in `aud` when it asks about a token. Others are refused.
    pub resources: Vec<String>,
}

/// Whether clients send their requests ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PushedRequests {
    #[default]
    Off,
    Optional,
    Required,
}

impl Default for Authorization {
    fn default() -> Self {
        Self { pushed_requests: PushedRequests::Off, pushed_request_life: 60, resources: Vec::new() }
    }
}

impl Authorization {
    /// Gives how long a pushed request can be begun with, in milliseconds.
    pub fn pushed_request_life(&self) -> i64 {
        self.pushed_request_life * SECOND
    }

    /// RFC 8707 §2: an absolute URI without a fragment.
    pub(super) fn check(&self, problems: &mut Problems) {
        for (i, resource) in self.resources.iter().enumerate() {
            let is_absolute = url::Url::parse(resource).is_ok_and(|url| url.fragment().is_none());
            if !is_absolute || resource.contains(char::is_whitespace) {
                problems.add(format!("authorization.resources[{i}]"), "must be an absolute URI without a fragment");
            }
        }
    }
}
