//! What a client says of itself: the metadata that is kept of it, and what that allows. What is accepted at registration is
//! `registration`, the rules of single members are `members` and `keys`; redirect URIs have their rules in
//! `redirect_uri`, and ids and secrets belong to the flows and the store. RFC 7591 §2 with the Matrix rules of MSC2966.

mod keys;
mod members;
mod registration;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{
    redirect_uri,
    signing_alg::{AssertionAlg, SigningAlg},
};

pub use keys::{check_jwks, has_keys};
pub use registration::InvalidClientMetadata;

/// Where a client runs, which decides what its redirect URIs may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationType {
    Web,
    Native,
}

/// How a client authenticates itself, `token_endpoint_auth_method`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    None,
    ClientSecretBasic,
    ClientSecretPost,
    /// An assertion that the client signs with its secret (OpenID Connect Core §9).
    ClientSecretJwt,
    /// An assertion that the client signs with a key of its own (RFC 7523).
    PrivateKeyJwt,
}

impl ClientAuthMethod {
    /// All of them, as the metadata lists them.
    pub const ALL: [Self; 5] =
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost, Self::ClientSecretJwt, Self::PrivateKeyJwt];

    /// Gives the name that metadata has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::ClientSecretJwt => "client_secret_jwt",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Says whether both sides know a secret.
    pub fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost | Self::ClientSecretJwt)
    }
}

/// What a client may exchange for tokens at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
    ClientCredentials,
    #[serde(rename = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
}

/// What the authorization endpoint answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseType {
    Code,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientMetadata {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_name: Option<String>,
    /// The common base of all its other URIs; only a client that the operator configured may lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    /// The exact strings received (RED-06).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    pub response_types: Vec<ResponseType>,
    pub grant_types: Vec<GrantType>,
    pub token_endpoint_auth_method: ClientAuthMethod,
    pub application_type: ApplicationType,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token_signed_response_alg: Option<SigningAlg>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SigningAlg>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<AssertionAlg>,
    /// The public keys of the client; never together with `jwks_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where they are found instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub backchannel_logout_session_required: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub require_auth_time: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub default_acr_values: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub require_pushed_authorization_requests: bool,
    /// Variants with a language, under their whole member name: `client_name#fr`.
    #[serde(flatten)]
    pub localised: BTreeMap<String, String>,
}

impl ClientMetadata {
    /// The metadata of a client that the operator answers for (RED-08), with what is the same for each of them.
    pub fn configured(token_endpoint_auth_method: ClientAuthMethod, grant_types: Vec<GrantType>) -> Self {
        Self {
            client_name: None,
            client_uri: None,
            logo_uri: None,
            tos_uri: None,
            policy_uri: None,
            redirect_uris: Vec::new(),
            response_types: default_response_types(&grant_types),
            grant_types,
            token_endpoint_auth_method,
            application_type: ApplicationType::Web,
            contacts: Vec::new(),
            software_id: None,
            software_version: None,
            default_max_age: None,
            id_token_signed_response_alg: None,
            userinfo_signed_response_alg: None,
            token_endpoint_auth_signing_alg: None,
            jwks: None,
            jwks_uri: None,
            post_logout_redirect_uris: Vec::new(),
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            initiate_login_uri: None,
            require_auth_time: false,
            default_acr_values: Vec::new(),
            require_pushed_authorization_requests: false,
            localised: BTreeMap::new(),
        }
    }

    /// Bytes that are equal for two registrations that say the same; only clients without a secret may share an id by
    /// them (REG-13).
    pub fn digest_input(&self) -> Vec<u8> {
        let mut canonical = self.clone();
        sort_as_set(&mut canonical.redirect_uris);
        sort_as_set(&mut canonical.response_types);
        sort_as_set(&mut canonical.grant_types);
        sort_as_set(&mut canonical.contacts);
        sort_as_set(&mut canonical.post_logout_redirect_uris);
        // The members follow in the order of the struct; what is absent is left out, so that a new member does not
        // change the ids of old clients. Any other change needs a new version.
        let mut bytes = b"client metadata, version 1\n".to_vec();
        bytes.extend(serde_json::to_vec(&canonical).expect("lists and maps of strings always serialise"));
        bytes
    }

    /// Says whether an authorization may end at this URI.
    pub fn accepts_redirect_uri(&self, presented: &str) -> bool {
        let mut registered = self.redirect_uris.iter();
        registered.any(|registered| redirect_uri::matches(registered, presented))
    }

    /// The name for a reader of these languages, the preferred one first.
    pub fn name(&self, languages: &[&str]) -> Option<&str> {
        self.in_language("client_name", self.client_name.as_deref(), languages)
    }

    /// The terms of service for a reader of these languages, the preferred one first.
    pub fn tos_uri(&self, languages: &[&str]) -> Option<&str> {
        self.in_language("tos_uri", self.tos_uri.as_deref(), languages)
    }

    /// The privacy policy for a reader of these languages, the preferred one first.
    pub fn policy_uri(&self, languages: &[&str]) -> Option<&str> {
        self.in_language("policy_uri", self.policy_uri.as_deref(), languages)
    }

    /// The host of `client_uri`, lower-case and with international names in their ASCII form.
    pub fn host(&self) -> Option<String> {
        let url = Url::parse(self.client_uri.as_deref()?).ok()?;
        let host = url.host_str()?;
        Some(host.strip_suffix('.').unwrap_or(host).to_owned())
    }

    /// Says whether the client registered this grant.
    pub fn allows_grant(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    /// Says whether a browser may be sent here after it was signed out (RP-Initiated Logout §3: exact comparison).
    pub fn accepts_post_logout_redirect_uri(&self, presented: &str) -> bool {
        self.post_logout_redirect_uris.iter().any(|registered| registered == presented)
    }

    /// The algorithm of its ID tokens and logout tokens.
    pub fn id_token_alg(&self) -> SigningAlg {
        self.id_token_signed_response_alg.unwrap_or_default()
    }

    /// Says whether the client has a secret or keys to authenticate itself with (RFC 6749 §2.1).
    pub fn is_confidential(&self) -> bool {
        self.token_endpoint_auth_method != ClientAuthMethod::None
    }

    /// REG-08; RFC 4647 §3.4: the wanted tag, or what is left of it when its end is cut off, tag by tag.
    fn in_language<'a>(&'a self, member: &str, untagged: Option<&'a str>, languages: &[&str]) -> Option<&'a str> {
        let variants = || {
            let variants = self.localised.iter();
            variants.filter_map(|(key, value)| {
                let (name, tag) = key.split_once('#')?;
                (name == member).then_some((tag, value.as_str()))
            })
        };
        languages
            .iter()
            .flat_map(|language| std::iter::successors(Some(*language), |tag| Some(tag.rsplit_once('-')?.0)))
            .find_map(|wanted| variants().find(|(tag, _)| tag.eq_ignore_ascii_case(wanted)))
            .map(|(_, value)| value)
            .or(untagged)
            // A name in a foreign language says more than no name.
            .or_else(|| variants().next().map(|(_, value)| value))
    }
}

/// REG-04: RFC 7591 §2 says `code`, which would make device-grant clients, that leave the member out, need redirects.
fn default_response_types(grant_types: &[GrantType]) -> Vec<ResponseType> {
    if grant_types.contains(&GrantType::AuthorizationCode) { vec![ResponseType::Code] } else { Vec::new() }
}

fn sort_as_set<T: Ord>(list: &mut Vec<T>) {
    list.sort();
    list.dedup();
}

/// Most members are absent in most clients, and are left out (REG-13: or each would change the ids of old ones).
fn is_false(flag: &bool) -> bool {
    !flag
}
