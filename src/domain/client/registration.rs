//! Which metadata is accepted at registration, and what of it is kept (RFC 7591 §2 and §3.2, MSC2966; spec 2.1).

use std::collections::{BTreeMap, HashSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use super::{
    ApplicationType, ClientAuthMethod, ClientMetadata, GrantType, ResponseType, default_response_types, has_keys,
    members::{
        boolean, called_uri, client_uri, is_language_tag, jwks, known, known_among, optional, page_uri, present,
        seconds, short_text, short_texts, text, texts, visible_text,
    },
};
use crate::domain::redirect_uri::{self, InvalidRedirectUri};

const MAX_REDIRECT_URIS: usize = 20;

/// Members of which a client may give one variant a language (RFC 7591 §2.2).
const LOCALISED: [&str; 5] = ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"];

/// Says why a client cannot be registered; its text is fit for an `error_description`.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidClientMetadata {
    #[error("the client metadata is not a JSON object")]
    NotAnObject,
    #[error("{member} {reason}")]
    Member { member: String, reason: &'static str },
    #[error("{0}")]
    Incoherent(&'static str),
    #[error("the authorization_code grant needs at least one redirect URI")]
    NoRedirectUri,
    #[error("redirect_uris or post_logout_redirect_uris has more than 20 entries")]
    TooManyRedirectUris,
    #[error(transparent)]
    RedirectUri(#[from] InvalidRedirectUri),
    #[error("software_statement is not a signed JWT")]
    InvalidSoftwareStatement,
    #[error("software_statement comes from no issuer that is trusted here")]
    UnapprovedSoftwareStatement,
}

impl InvalidClientMetadata {
    /// The `error` code of RFC 7591 §3.2.2.
    pub fn error(&self) -> &'static str {
        match self {
            Self::NotAnObject | Self::Member { .. } | Self::Incoherent(_) => "invalid_client_metadata",
            Self::NoRedirectUri | Self::TooManyRedirectUris | Self::RedirectUri(_) => "invalid_redirect_uri",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
        }
    }

    pub(super) fn member(member: &str, reason: &'static str) -> Self {
        Self::Member { member: member.to_owned(), reason }
    }
}

impl ClientMetadata {
    /// Reads the body of a registration request and keeps what is understood of it.
    pub fn from_registration(body: &Value) -> Result<Self, InvalidClientMetadata> {
        let body = body.as_object().ok_or(InvalidClientMetadata::NotAnObject)?;
        check_software_statement(body)?;
        check_subject_type(body)?;

        let base = client_uri("client_uri", present(body, "client_uri").unwrap_or(&Value::Null))?;
        let base_host = base.host_str().unwrap_or_default();
        let page = |member| optional(body, member, |member, value| page_uri(member, value, base_host));
        // REG-01: whatever we call ourselves is under the common base too.
        let called = |member| optional(body, member, |member, value| called_uri(member, value, base_host));
        let flag = |member| optional(body, member, boolean).map(Option::unwrap_or_default);
        let grant_types = grant_types(body)?;
        let metadata = Self {
            client_name: optional(body, "client_name", visible_text)?,
            client_uri: optional(body, "client_uri", text)?,
            logo_uri: page("logo_uri")?,
            tos_uri: page("tos_uri")?,
            policy_uri: page("policy_uri")?,
            redirect_uris: optional(body, "redirect_uris", texts)?.unwrap_or_default(),
            response_types: response_types(body, &grant_types)?,
            grant_types,
            // RFC 7591 §2: the default, even if a Matrix client that says nothing means `none`.
            token_endpoint_auth_method: optional(body, "token_endpoint_auth_method", known)?
                .unwrap_or(ClientAuthMethod::ClientSecretBasic),
            application_type: optional(body, "application_type", known)?.unwrap_or(ApplicationType::Web),
            contacts: optional(body, "contacts", short_texts)?.unwrap_or_default(),
            software_id: optional(body, "software_id", short_text)?,
            software_version: optional(body, "software_version", short_text)?,
            default_max_age: optional(body, "default_max_age", seconds)?,
            id_token_signed_response_alg: optional(body, "id_token_signed_response_alg", known)?,
            userinfo_signed_response_alg: optional(body, "userinfo_signed_response_alg", known)?,
            token_endpoint_auth_signing_alg: optional(body, "token_endpoint_auth_signing_alg", known)?,
            jwks: optional(body, "jwks", jwks)?,
            jwks_uri: called("jwks_uri")?,
            post_logout_redirect_uris: optional(body, "post_logout_redirect_uris", texts)?.unwrap_or_default(),
            backchannel_logout_uri: called("backchannel_logout_uri")?,
            backchannel_logout_session_required: flag("backchannel_logout_session_required")?,
            initiate_login_uri: page("initiate_login_uri")?,
            require_auth_time: flag("require_auth_time")?,
            default_acr_values: optional(body, "default_acr_values", short_texts)?.unwrap_or_default(),
            require_pushed_authorization_requests: flag("require_pushed_authorization_requests")?,
            localised: localised(body, base_host)?,
        };
        metadata.check_coherence()?;
        metadata.check_redirect_uris(&base)?;
        Ok(metadata)
    }

    /// Leaves out a grant that is not offered here (REG-05).
    ///
    /// # Errors
    /// When nothing is left that can be used.
    pub fn without_grant(mut self, grant_type: GrantType) -> Result<Self, InvalidClientMetadata> {
        self.grant_types.retain(|known| *known != grant_type);
        self.check_coherence()?;
        Ok(self)
    }

    fn check_coherence(&self) -> Result<(), InvalidClientMetadata> {
        self.check_grants()?;
        self.check_keys()
    }

    /// RFC 7591 §2, OpenID Connect Registration §2: one place for the keys, and an algorithm that the method can have.
    fn check_keys(&self) -> Result<(), InvalidClientMetadata> {
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(InvalidClientMetadata::Incoherent("jwks and jwks_uri exclude one another"));
        }
        let is_by_secret = match self.token_endpoint_auth_method {
            ClientAuthMethod::ClientSecretJwt => true,
            ClientAuthMethod::PrivateKeyJwt => false,
            _ => return Ok(()),
        };
        if !is_by_secret && self.jwks_uri.is_none() && !self.jwks.as_ref().is_some_and(has_keys) {
            return Err(InvalidClientMetadata::Incoherent("private_key_jwt needs keys, in jwks or at jwks_uri"));
        }
        if self.token_endpoint_auth_signing_alg.is_some_and(|alg| alg.is_by_secret() != is_by_secret) {
            return Err(InvalidClientMetadata::Incoherent(
                "token_endpoint_auth_signing_alg is not one of token_endpoint_auth_method",
            ));
        }
        Ok(())
    }

    /// REG-03
    fn check_grants(&self) -> Result<(), InvalidClientMetadata> {
        let redirects = self.allows_grant(GrantType::AuthorizationCode);
        if redirects != self.response_types.contains(&ResponseType::Code) {
            return Err(InvalidClientMetadata::Incoherent(
                "the authorization_code grant and the code response type need each other",
            ));
        }
        if !self.grant_types.iter().any(|grant_type| *grant_type != GrantType::RefreshToken) {
            return Err(InvalidClientMetadata::Incoherent("grant_types has nothing that can be used here"));
        }
        if self.allows_grant(GrantType::ClientCredentials) && !self.is_confidential() {
            return Err(InvalidClientMetadata::Incoherent(
                "the client_credentials grant needs a client that authenticates itself",
            ));
        }
        Ok(())
    }

    fn check_redirect_uris(&self, base: &Url) -> Result<(), InvalidClientMetadata> {
        if self.redirect_uris.is_empty() && self.allows_grant(GrantType::AuthorizationCode) {
            return Err(InvalidClientMetadata::NoRedirectUri);
        }
        if self.redirect_uris.len().max(self.post_logout_redirect_uris.len()) > MAX_REDIRECT_URIS {
            return Err(InvalidClientMetadata::TooManyRedirectUris);
        }
        for uri in self.redirect_uris.iter().chain(&self.post_logout_redirect_uris) {
            redirect_uri::check_for_registration(uri, self.application_type, base)?;
        }
        Ok(())
    }
}

/// REG-12: RFC 7591 §2.3 lets us ignore a statement that we cannot judge, but then the client believes it was honoured.
fn check_software_statement(body: &Map<String, Value>) -> Result<(), InvalidClientMetadata> {
    match present(body, "software_statement") {
        None => Ok(()),
        Some(Value::String(statement)) if is_signed_jwt(statement) => {
            Err(InvalidClientMetadata::UnapprovedSoftwareStatement)
        }
        Some(_) => Err(InvalidClientMetadata::InvalidSoftwareStatement),
    }
}

/// OID-07: for a Matrix client pairwise subjects are of no use, since the homeserver tells who it is.
fn check_subject_type(body: &Map<String, Value>) -> Result<(), InvalidClientMetadata> {
    match optional(body, "subject_type", text)?.as_deref() {
        None | Some("public") => Ok(()),
        Some(_) => Err(InvalidClientMetadata::member("subject_type", "has a value that is not supported")),
    }
}

fn grant_types(body: &Map<String, Value>) -> Result<Vec<GrantType>, InvalidClientMetadata> {
    Ok(optional(body, "grant_types", known_among)?.unwrap_or_else(|| vec![GrantType::AuthorizationCode]))
}

fn response_types(
    body: &Map<String, Value>,
    grant_types: &[GrantType],
) -> Result<Vec<ResponseType>, InvalidClientMetadata> {
    Ok(optional(body, "response_types", known_among)?.unwrap_or_else(|| default_response_types(grant_types)))
}

/// REG-08
fn localised(body: &Map<String, Value>, base_host: &str) -> Result<BTreeMap<String, String>, InvalidClientMetadata> {
    let mut kept = BTreeMap::new();
    let mut seen = HashSet::new();
    for (key, value) in body.iter().filter(|(_, value)| !value.is_null()) {
        let Some((member, tag)) = key.split_once('#').filter(|(member, _)| LOCALISED.contains(member)) else {
            continue;
        };
        if !is_language_tag(tag) {
            return Err(InvalidClientMetadata::member(member, "has a malformed language tag"));
        }
        if !seen.insert((member, tag.to_ascii_lowercase())) {
            return Err(InvalidClientMetadata::member(member, "has the same language tag twice"));
        }
        let value = match member {
            "client_name" => visible_text(key, value)?,
            "client_uri" => {
                client_uri(key, value)?;
                // A person trusts the host; another language must not bring another one.
                page_uri(key, value, base_host)?
            }
            _ => page_uri(key, value, base_host)?,
        };
        kept.insert(key.clone(), value);
    }
    Ok(kept)
}

/// RFC 7515 §7.1, RFC 7519 §7.2: three parts, the first two of them JSON objects, and a signature.
fn is_signed_jwt(token: &str) -> bool {
    let object = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Map<String, Value>>(&bytes).ok()
    };
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return false;
    };
    let names_algorithm =
        object(header).and_then(|header| Some(header.get("alg")?.as_str()? != "none")).unwrap_or(false);
    names_algorithm && object(claims).is_some() && !signature.is_empty() && URL_SAFE_NO_PAD.decode(signature).is_ok()
}
