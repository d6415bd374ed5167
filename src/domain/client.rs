//! What a client says of itself: which metadata is accepted at registration, what of it is kept, and what it allows.
//! Redirect URIs have their rules in `redirect_uri`; ids and secrets belong to the flows and the store.
//! RFC 7591 §2 with the Matrix rules of MSC2966; RFC 8252 for native clients.

use std::collections::{BTreeMap, HashSet};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use thiserror::Error;
use url::Url;

use super::redirect_uri::{self, InvalidRedirectUri};

const MAX_REDIRECT_URIS: usize = 20;
const MAX_CONTACTS: usize = 20;
const MAX_TEXT_LENGTH: usize = 255;

/// Members of which a client may give one variant a language (RFC 7591 §2.2).
const LOCALISED: [&str; 5] = ["client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri"];

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

/// How ID tokens are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum IdTokenSigningAlg {
    RS256,
}

/// The metadata of a client as it is kept and echoed; its JSON has the members of RFC 7591 (REG-07).
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
    pub id_token_signed_response_alg: Option<IdTokenSigningAlg>,
    /// Variants with a language, under their whole member name: `client_name#fr`.
    #[serde(flatten)]
    pub localised: BTreeMap<String, String>,
}

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
    #[error("redirect_uris has more than 20 entries")]
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

    fn member(member: &str, reason: &'static str) -> Self {
        Self::Member { member: member.to_owned(), reason }
    }
}

impl ClientMetadata {
    /// Reads the body of a registration request and keeps what is understood of it.
    pub fn from_registration(body: &Value) -> Result<Self, InvalidClientMetadata> {
        let body = body.as_object().ok_or(InvalidClientMetadata::NotAnObject)?;
        check_software_statement(body)?;
        check_keys(body)?;

        let base = client_uri("client_uri", present(body, "client_uri").unwrap_or(&Value::Null))?;
        let base_host = base.host_str().unwrap_or_default();
        let page = |member| optional(body, member, |member, value| page_uri(member, value, base_host));
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
            contacts: optional(body, "contacts", contacts)?.unwrap_or_default(),
            software_id: optional(body, "software_id", short_text)?,
            software_version: optional(body, "software_version", short_text)?,
            default_max_age: optional(body, "default_max_age", seconds)?,
            id_token_signed_response_alg: optional(body, "id_token_signed_response_alg", known)?,
            localised: localised(body, base_host)?,
        };
        metadata.check_coherence()?;
        metadata.check_redirect_uris(&base)?;
        Ok(metadata)
    }

    /// The metadata of a client that the operator configures and answers for (RED-08).
    pub fn configured(
        client_name: Option<String>,
        client_uri: Option<String>,
        redirect_uris: Vec<String>,
        token_endpoint_auth_method: ClientAuthMethod,
        grant_types: Vec<GrantType>,
    ) -> Self {
        let response_types = default_response_types(&grant_types);
        Self {
            client_name,
            client_uri,
            logo_uri: None,
            tos_uri: None,
            policy_uri: None,
            redirect_uris,
            response_types,
            grant_types,
            token_endpoint_auth_method,
            application_type: ApplicationType::Web,
            contacts: Vec::new(),
            software_id: None,
            software_version: None,
            default_max_age: None,
            id_token_signed_response_alg: None,
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

    /// Leaves out a grant that is not offered here (REG-05).
    ///
    /// # Errors
    /// When nothing is left that can be used.
    pub fn without_grant(mut self, grant_type: GrantType) -> Result<Self, InvalidClientMetadata> {
        self.grant_types.retain(|known| *known != grant_type);
        self.check_coherence()?;
        Ok(self)
    }

    /// Says whether the client has a secret to authenticate itself with (RFC 6749 §2.1).
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

    /// REG-03
    fn check_coherence(&self) -> Result<(), InvalidClientMetadata> {
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
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return Err(InvalidClientMetadata::TooManyRedirectUris);
        }
        for uri in &self.redirect_uris {
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

/// RFC 7591 §2: `jwks` and `jwks_uri` exclude one another; nothing here uses either yet.
fn check_keys(body: &Map<String, Value>) -> Result<(), InvalidClientMetadata> {
    if present(body, "jwks").is_some() && present(body, "jwks_uri").is_some() {
        return Err(InvalidClientMetadata::Incoherent("jwks and jwks_uri exclude one another"));
    }
    Ok(())
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

/// REG-04: RFC 7591 §2 says `code`, which would make device-grant clients, that leave the member out, need redirects.
fn default_response_types(grant_types: &[GrantType]) -> Vec<ResponseType> {
    if grant_types.contains(&GrantType::AuthorizationCode) { vec![ResponseType::Code] } else { Vec::new() }
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

/// The value of a member; many serialisers write `null` for what they do not have.
fn present<'a>(body: &'a Map<String, Value>, member: &str) -> Option<&'a Value> {
    body.get(member).filter(|value| !value.is_null())
}

fn optional<T>(
    body: &Map<String, Value>,
    member: &str,
    read: impl Fn(&str, &Value) -> Result<T, InvalidClientMetadata>,
) -> Result<Option<T>, InvalidClientMetadata> {
    present(body, member).map(|value| read(member, value)).transpose()
}

fn text(member: &str, value: &Value) -> Result<String, InvalidClientMetadata> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| InvalidClientMetadata::member(member, "is not a string"))
}

fn texts(member: &str, value: &Value) -> Result<Vec<String>, InvalidClientMetadata> {
    let texts = value.as_array().and_then(|entries| {
        let entries = entries.iter();
        entries.map(|entry| entry.as_str().map(str::to_owned)).collect()
    });
    texts.ok_or_else(|| InvalidClientMetadata::member(member, "is not a list of strings"))
}

fn short_text(member: &str, value: &Value) -> Result<String, InvalidClientMetadata> {
    let text = text(member, value)?;
    if text.chars().count() > MAX_TEXT_LENGTH {
        return Err(InvalidClientMetadata::member(member, "is longer than 255 characters"));
    }
    Ok(text)
}

fn contacts(member: &str, value: &Value) -> Result<Vec<String>, InvalidClientMetadata> {
    let contacts = texts(member, value)?;
    if contacts.len() > MAX_CONTACTS || contacts.iter().any(|contact| contact.chars().count() > MAX_TEXT_LENGTH) {
        return Err(InvalidClientMetadata::member(member, "has too many or too long entries"));
    }
    Ok(contacts)
}

fn seconds(member: &str, value: &Value) -> Result<u32, InvalidClientMetadata> {
    let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
    seconds.ok_or_else(|| InvalidClientMetadata::member(member, "is not a whole number of seconds"))
}

fn known<T: DeserializeOwned>(member: &str, value: &Value) -> Result<T, InvalidClientMetadata> {
    text(member, value)?;
    T::deserialize(value).map_err(|_| InvalidClientMetadata::member(member, "has a value that is not supported"))
}

/// RFC 7591 §2: what is not understood is ignored; the response shows what is left.
fn known_among<T: DeserializeOwned + PartialEq>(member: &str, value: &Value) -> Result<Vec<T>, InvalidClientMetadata> {
    let mut kept = Vec::new();
    for entry in texts(member, value)? {
        if let Ok(entry) = T::deserialize(Value::String(entry))
            && !kept.contains(&entry)
        {
            kept.push(entry);
        }
    }
    Ok(kept)
}

/// A name that cannot disturb the text around it: without control characters and without a direction of its own.
fn visible_text(member: &str, value: &Value) -> Result<String, InvalidClientMetadata> {
    let name: String = text(member, value)?.chars().filter(|letter| !is_disturbing(*letter)).collect();
    let name = name.trim();
    if name.is_empty() {
        return Err(InvalidClientMetadata::member(member, "has no visible character"));
    }
    short_text(member, &Value::String(name.to_owned()))
}

fn is_disturbing(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' // direction
            | '\u{2028}' | '\u{2029}' // lines
            | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' // invisible, and needed by no script
        )
}

/// An https URI as it was written, with its parsed copy.
fn https_uri(member: &str, value: &Value) -> Result<(String, Url), InvalidClientMetadata> {
    let uri = text(member, value)?;
    if uri.len() > redirect_uri::MAX_URI_LENGTH {
        return Err(InvalidClientMetadata::member(member, "is longer than 2048 characters"));
    }
    // Parsers skip white space and control characters and turn backslashes into slashes.
    let is_plain = |letter: char| {
        letter.is_ascii_graphic() && !"\"<>\\^`{|}".contains(letter) || !letter.is_ascii() && letter.is_alphanumeric()
    };
    if !redirect_uri::is_written_as_https(&uri) || !uri.chars().all(is_plain) {
        return Err(InvalidClientMetadata::member(member, "is not an https URI"));
    }
    if redirect_uri::has_user_information(&uri) {
        return Err(InvalidClientMetadata::member(member, "has user information"));
    }
    match Url::parse(&uri) {
        Ok(url) => Ok((uri, url)),
        Err(_) => Err(InvalidClientMetadata::member(member, "is not an https URI")),
    }
}

/// The common base: a host that one party answers for.
fn client_uri(member: &str, value: &Value) -> Result<Url, InvalidClientMetadata> {
    if value.is_null() {
        return Err(InvalidClientMetadata::member(member, "is missing"));
    }
    let (_, url) = https_uri(member, value)?;
    if url.fragment().is_some() {
        return Err(InvalidClientMetadata::member(member, "has a fragment"));
    }
    let Some(host) = url.host_str().and_then(redirect_uri::dns_name) else {
        return Err(InvalidClientMetadata::member(member, "has an IP address for a host"));
    };
    if redirect_uri::is_under(&host, "localhost") {
        return Err(InvalidClientMetadata::member(member, "is on the local host"));
    }
    // Everyone's redirect URIs would be under a public suffix.
    if psl::domain_str(&host).is_none() {
        return Err(InvalidClientMetadata::member(member, "has a public suffix for a host"));
    }
    Ok(url)
}

fn page_uri(member: &str, value: &Value, base_host: &str) -> Result<String, InvalidClientMetadata> {
    let (uri, url) = https_uri(member, value)?;
    if !redirect_uri::is_under(url.host_str().unwrap_or_default(), base_host) {
        return Err(InvalidClientMetadata::member(member, "is not under the host of client_uri"));
    }
    Ok(uri)
}

/// RFC 5646 §2.1, as far as a look-up needs it.
fn is_language_tag(tag: &str) -> bool {
    let is_subtag =
        |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.starts_with(|first: char| first.is_ascii_alphabetic()) && tag.split('-').all(is_subtag)
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

fn sort_as_set<T: Ord>(list: &mut Vec<T>) {
    list.sort();
    list.dedup();
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::subsequence};
    use serde_json::json;

    use super::*;

    const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

    fn register(body: Value) -> Result<ClientMetadata, InvalidClientMetadata> {
        ClientMetadata::from_registration(&body)
    }

    fn registered(body: Value) -> ClientMetadata {
        let shown = body.to_string();
        register(body).expect(&shown)
    }

    fn error(body: Value) -> &'static str {
        let shown = body.to_string();
        let refusal = register(body).expect_err(&shown);
        // RFC 6749 §5.2: the characters of an error_description.
        let is_allowed = |byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        assert!(refusal.to_string().bytes().all(is_allowed), "{refusal}");
        refusal.error()
    }

    /// The least that a public web client sends.
    fn web_client() -> Value {
        json!({
            "client_uri": "https://example.com/",
            "redirect_uris": ["https://app.example.com/cb"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
        })
    }

    fn web_client_with(members: Value) -> Value {
        let mut body = web_client();
        for (member, value) in members.as_object().unwrap() {
            if value == "absent" {
                body.as_object_mut().unwrap().remove(member);
            } else {
                body[member] = value.clone();
            }
        }
        body
    }

    /// Spec area 25: matrix-js-sdk, for a web client, with every member that it can send.
    fn matrix_js_sdk() -> Value {
        json!({
            "client_name": "Element",
            "client_uri": "https://app.element.example/",
            "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
            "redirect_uris": ["https://app.element.example/?no_universal_links=true"],
            "id_token_signed_response_alg": "RS256",
            "token_endpoint_auth_method": "none",
            "application_type": "web",
            "logo_uri": "https://app.element.example/vector-icons/1024.png",
            "contacts": ["support@element.example"],
            "policy_uri": "https://element.example/privacy",
            "tos_uri": "https://element.example/terms",
        })
    }

    /// Spec area 25: matrix-rust-sdk, for a native client with localised members.
    fn matrix_rust_sdk() -> Value {
        json!({
            "redirect_uris": ["http://127.0.0.1/", "http://[::1]/", "io.element.app:/callback"],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token", DEVICE_CODE],
            "response_types": ["code"],
            "application_type": "native",
            "client_uri": "https://element.io/",
            "client_uri#fr": "https://element.io/fr/",
            "client_name": "My Matrix client",
            "client_name#fr": "Mon client Matrix",
            "policy_uri": "https://element.io/policy",
            "tos_uri": "https://element.io/tos",
        })
    }

    /// TRP-07: matrix-rust-sdk, when it only signs in by another device.
    fn device_grant_only() -> Value {
        json!({
            "token_endpoint_auth_method": "none",
            "grant_types": ["refresh_token", DEVICE_CODE],
            "application_type": "native",
            "client_uri": "https://element.io/",
        })
    }

    // REG-07, spec area 25
    #[test]
    fn what_the_sdks_send_is_accepted_and_echoed() {
        let mut js_sdk = matrix_js_sdk();
        // MSC2966: the two pages are not under client_uri, so matrix-js-sdk leaves them out.
        assert_eq!(error(js_sdk.clone()), "invalid_client_metadata");
        js_sdk.as_object_mut().unwrap().retain(|member, _| !matches!(member.as_str(), "policy_uri" | "tos_uri"));
        for body in [js_sdk, matrix_rust_sdk()] {
            assert_eq!(serde_json::to_value(registered(body.clone())).unwrap(), body);
        }
    }

    // REG-04, TRP-07
    #[test]
    fn a_device_grant_only_client_needs_no_redirect_uri() {
        let mut echoed = device_grant_only();
        echoed["response_types"] = json!([]);
        for response_types in [None, Some(json!([]))] {
            let mut body = device_grant_only();
            if let Some(response_types) = response_types {
                body["response_types"] = response_types;
            }
            assert_eq!(serde_json::to_value(registered(body)).unwrap(), echoed);
        }
    }

    // REG-01
    #[test]
    fn the_body_is_an_object_of_rightly_typed_members() {
        for body in [json!([]), json!("x"), json!(null), json!(1)] {
            assert_eq!(error(body), "invalid_client_metadata");
        }
        let members = [
            "client_name",
            "client_uri",
            "logo_uri",
            "tos_uri",
            "policy_uri",
            "redirect_uris",
            "response_types",
            "grant_types",
            "token_endpoint_auth_method",
            "application_type",
            "contacts",
            "software_id",
            "software_version",
            "default_max_age",
            "id_token_signed_response_alg",
            "client_name#fr",
            "tos_uri#fr",
        ];
        for member in members {
            for value in [json!({}), json!(-1), json!(1.5), json!(true), json!([1])] {
                assert_eq!(error(web_client_with(json!({ member: value }))), "invalid_client_metadata", "{member}");
            }
        }
        for member in ["redirect_uris", "response_types", "grant_types", "contacts"] {
            assert_eq!(error(web_client_with(json!({ member: "code" }))), "invalid_client_metadata", "{member}");
        }
    }

    // REG-07
    #[test]
    fn unknown_members_are_neither_kept_nor_echoed_and_null_is_absent() {
        let body = web_client_with(json!({
            "scope": "openid",
            "jwks_uri": "https://example.com/jwks",
            "subject_type": "pairwise",
            "x": {"y": []},
            "redirect_uris#fr": ["https://example.com/fr"],
            "logo_uri": null,
            "client_name#fr": null,
        }));
        assert_eq!(registered(body), registered(web_client()));
    }

    #[test]
    fn what_is_kept_survives_storage() {
        let all = web_client_with(json!({
            "client_name": "App", "client_name#fr": "Appli", "logo_uri": "https://example.com/l",
            "contacts": ["a@example.com"], "software_id": "i", "software_version": "1", "default_max_age": 0,
            "id_token_signed_response_alg": "RS256", "application_type": "web",
        }));
        for body in [all, device_grant_only(), matrix_rust_sdk()] {
            let metadata = registered(body);
            let stored = serde_json::to_string(&metadata).unwrap();
            assert_eq!(serde_json::from_str::<ClientMetadata>(&stored).unwrap(), metadata);
        }
    }

    // Spec 2.1, client_uri
    #[test]
    fn client_uri_is_an_https_host_that_one_party_answers_for() {
        let accepted = [
            ("https://example.com", "example.com"),
            ("https://example.com:8443/client?x=y", "example.com"),
            ("https://App.Example.COM./", "app.example.com"),
            ("https://exämple.com/", "xn--exmple-cua.com"),
            ("https://alice.github.io/", "alice.github.io"),
            ("https://client.example/", "client.example"),
        ];
        for (uri, host) in accepted {
            let redirect_uri = format!("https://{host}/cb");
            let metadata = registered(web_client_with(json!({"client_uri": uri, "redirect_uris": [redirect_uri]})));
            assert_eq!(metadata.host().as_deref(), Some(host));
            assert_eq!(metadata.client_uri.as_deref(), Some(uri));
        }
        let refused = [
            "absent",
            "",
            "example.com",
            "http://example.com/",
            "https:example.com",
            "https:///example.com",
            "https://user@example.com/",
            "https://@example.com/",
            "https://example.com/#",
            "https://example.com/#x",
            "https://example.com\\x",
            "https://exam ple.com/",
            "https://example.com/\u{202e}",
            " https://example.com/",
            "https://localhost/",
            "https://app.localhost/",
            "https://LOCALHOST./",
            "https://127.0.0.1/",
            "https://1/",
            "https://[::1]/",
            "https://com/",
            "https://co.uk/",
            "https://github.io/",
            "https://github.io./",
            "https://公司.cn/",
            "https://intranet/",
            "javascript:alert(1)",
        ];
        for uri in refused {
            let redirect_uris = json!(["https://example.com/cb"]);
            let body = web_client_with(json!({"client_uri": uri, "redirect_uris": redirect_uris}));
            assert_eq!(error(body), "invalid_client_metadata", "{uri}");
        }
        let long = format!("https://example.com/{}", "x".repeat(2029));
        assert_eq!(error(web_client_with(json!({"client_uri": long}))), "invalid_client_metadata");
    }

    // Spec 2.1, client_name
    #[test]
    fn client_name_is_visible_text_that_disturbs_nothing() {
        let rows = [
            ("App", "App"),
            ("  App\t\n", "App"),
            ("Ap\u{0}p\u{7}", "App"),
            ("App \u{202e}ppa\u{202c}", "App ppa"),
            ("\u{2066}App\u{2069}\u{200f}", "App"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
        ];
        for (given, kept) in rows {
            let metadata = registered(web_client_with(json!({"client_name": given, "client_name#x-y": given})));
            assert_eq!(metadata.name(&[]), Some(kept), "{given:?}");
            assert_eq!(metadata.name(&["x-y"]), Some(kept), "{given:?}");
        }
        let longest = "é".repeat(255);
        assert_eq!(registered(web_client_with(json!({"client_name": longest}))).name(&[]), Some(longest.as_str()));
        for name in ["", "  ", "\n", "\u{202e}", "\u{200b}", &"é".repeat(256)] {
            assert_eq!(error(web_client_with(json!({"client_name": name}))), "invalid_client_metadata", "{name:?}");
        }
    }

    // REG-02, WEB-07
    #[test]
    fn the_pages_of_a_client_are_https_and_under_client_uri() {
        let accepted = [
            "https://example.com",
            "https://example.com/terms#top",
            "https://www.example.com:8443/terms?x=y",
            "https://EXAMPLE.com./terms",
        ];
        let refused = [
            "",
            "/terms",
            "http://example.com/terms",
            "https://user@example.com/terms",
            "https://example.org/terms",
            "https://evilexample.com/terms",
            "https://com/terms",
            "https://127.0.0.1/terms",
            "https://example.com\\.evil.net/terms",
            "https://example.com/\"onclick",
            "javascript:alert(1)",
            "data:text/html,x",
        ];
        for member in
            ["logo_uri", "tos_uri", "policy_uri", "logo_uri#fr", "tos_uri#fr", "policy_uri#fr", "client_uri#fr"]
        {
            for uri in accepted.iter().filter(|uri| member != "client_uri#fr" || !uri.contains('#')) {
                let echoed = serde_json::to_value(registered(web_client_with(json!({ member: uri })))).unwrap();
                assert_eq!(echoed[member], json!(uri));
            }
            for uri in refused {
                assert_eq!(error(web_client_with(json!({ member: uri }))), "invalid_client_metadata", "{member} {uri}");
            }
        }
        assert_eq!(
            error(web_client_with(json!({"client_uri#fr": "https://example.com/#x"}))),
            "invalid_client_metadata"
        );
    }

    // REG-01; RED-01 to RED-05 have their tables in redirect_uri.
    #[test]
    fn a_code_client_has_one_to_twenty_good_redirect_uris() {
        let many = |count: usize| (0..count).map(|n| format!("https://example.com/{n}")).collect::<Vec<_>>();
        assert_eq!(registered(web_client_with(json!({"redirect_uris": many(20)}))).redirect_uris, many(20));
        let refused = [
            json!("absent"),
            json!([]),
            json!(many(21)),
            json!(["https://example.com/", "https://example.org/"]),
            json!(["http://localhost/"]),
            json!([""]),
        ];
        for redirect_uris in refused {
            let body = web_client_with(json!({"redirect_uris": redirect_uris}));
            assert_eq!(error(body), "invalid_redirect_uri", "{redirect_uris}");
        }
        let mut needless = device_grant_only();
        needless["redirect_uris"] = json!(["https://evil.net/"]);
        assert_eq!(error(needless), "invalid_redirect_uri");
    }

    // RED-02, RED-04
    #[test]
    fn application_type_decides_about_the_redirect_uris_and_is_web_unless_said() {
        let loopback = |application_type: &str| {
            web_client_with(json!({"redirect_uris": ["http://localhost/"], "application_type": application_type}))
        };
        assert_eq!(registered(loopback("native")).application_type, ApplicationType::Native);
        assert_eq!(error(loopback("web")), "invalid_redirect_uri");
        assert_eq!(error(loopback("absent")), "invalid_redirect_uri");
        assert_eq!(error(loopback("desktop")), "invalid_client_metadata");
        assert_eq!(registered(web_client()).application_type, ApplicationType::Web);
    }

    // TRP-14
    #[test]
    fn token_endpoint_auth_method_is_client_secret_basic_unless_said() {
        let rows = [
            ("absent", ClientAuthMethod::ClientSecretBasic, true),
            ("client_secret_basic", ClientAuthMethod::ClientSecretBasic, true),
            ("client_secret_post", ClientAuthMethod::ClientSecretPost, true),
            ("none", ClientAuthMethod::None, false),
        ];
        for (given, method, confidential) in rows {
            let metadata = registered(web_client_with(json!({"token_endpoint_auth_method": given})));
            assert_eq!(metadata.token_endpoint_auth_method, method);
            assert_eq!(metadata.is_confidential(), confidential);
        }
        for method in ["private_key_jwt", "None", "", "tls_client_auth"] {
            let body = web_client_with(json!({"token_endpoint_auth_method": method}));
            assert_eq!(error(body), "invalid_client_metadata");
        }
    }

    // REG-03, REG-04
    #[test]
    fn grants_and_response_types_are_known_and_coherent() {
        use GrantType::{AuthorizationCode, ClientCredentials, DeviceCode, RefreshToken};
        let accepted: [(Value, Value, Vec<GrantType>, bool); 9] = [
            (json!("absent"), json!("absent"), vec![AuthorizationCode], true),
            (json!("absent"), json!(["code"]), vec![AuthorizationCode], true),
            (json!(["authorization_code"]), json!("absent"), vec![AuthorizationCode], true),
            (json!(["authorization_code"]), json!(["code", "id_token", "code"]), vec![AuthorizationCode], true),
            (
                json!(["refresh_token", "authorization_code", "implicit", "x", "refresh_token"]),
                json!(["code"]),
                vec![RefreshToken, AuthorizationCode],
                true,
            ),
            (json!([DEVICE_CODE]), json!("absent"), vec![DeviceCode], false),
            (json!([DEVICE_CODE, "refresh_token"]), json!([]), vec![DeviceCode, RefreshToken], false),
            (json!(["client_credentials"]), json!([]), vec![ClientCredentials], false),
            (
                json!(["client_credentials", "authorization_code"]),
                json!("absent"),
                vec![ClientCredentials, AuthorizationCode],
                true,
            ),
        ];
        for (grants, responses, kept, code) in accepted {
            let metadata = registered(web_client_with(json!({
                "grant_types": grants, "response_types": responses, "token_endpoint_auth_method": "client_secret_basic",
            })));
            assert_eq!(metadata.grant_types, kept);
            assert_eq!(metadata.response_types, if code { vec![ResponseType::Code] } else { vec![] });
            assert!(kept.iter().all(|grant_type| metadata.allows_grant(*grant_type)));
            assert_eq!(metadata.allows_grant(DeviceCode), kept.contains(&DeviceCode));
        }
        let refused = [
            (json!([]), json!("absent")),
            (json!([]), json!([])),
            (json!(["refresh_token"]), json!([])),
            (json!(["implicit", "password"]), json!("absent")),
            (json!("absent"), json!([])),
            (json!(["authorization_code"]), json!([])),
            (json!(["authorization_code"]), json!(["id_token"])),
            (json!([DEVICE_CODE]), json!(["code"])),
            (json!(["client_credentials"]), json!(["code"])),
        ];
        for (grants, responses) in refused {
            let body = web_client_with(json!({
                "grant_types": grants, "response_types": responses, "token_endpoint_auth_method": "client_secret_basic",
            }));
            assert_eq!(error(body), "invalid_client_metadata", "{grants} {responses}");
        }
        let machine = json!({"grant_types": ["client_credentials"], "response_types": []});
        assert_eq!(error(web_client_with(machine)), "invalid_client_metadata");
    }

    #[test]
    fn the_other_members_have_their_bounds() {
        let accepted = [
            json!({"default_max_age": 0}),
            json!({"default_max_age": 4_294_967_295_u32}),
            json!({"contacts": vec!["x"; 20]}),
            json!({"software_id": "x".repeat(255)}),
            json!({"software_version": "x".repeat(255)}),
            json!({"id_token_signed_response_alg": "RS256"}),
            json!({"jwks": {"keys": []}}),
        ];
        for members in accepted {
            registered(web_client_with(members));
        }
        let refused = [
            json!({"default_max_age": 4_294_967_296_u64}),
            json!({"default_max_age": "60"}),
            json!({"contacts": vec!["x"; 21]}),
            json!({"contacts": ["x".repeat(256)]}),
            json!({"software_id": "x".repeat(256)}),
            json!({"software_version": "x".repeat(256)}),
            json!({"id_token_signed_response_alg": "none"}),
            json!({"id_token_signed_response_alg": "HS256"}),
            json!({"jwks": {"keys": []}, "jwks_uri": "https://example.com/jwks"}),
        ];
        for members in refused {
            assert_eq!(error(web_client_with(members.clone())), "invalid_client_metadata", "{members}");
        }
    }

    // REG-12, DEC-12
    #[test]
    fn a_software_statement_is_refused_and_never_ignored() {
        let jws = |header: &str, claims: &str, signature: &str| {
            [header, claims, signature].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
        };
        let rows = [
            (json!(jws(r#"{"alg":"RS256"}"#, r#"{"software_id":"x"}"#, "s")), "unapproved_software_statement"),
            (json!(jws(r#"{"alg":"none"}"#, "{}", "s")), "invalid_software_statement"),
            (json!(jws(r#"{"alg":"RS256"}"#, "{}", "")), "invalid_software_statement"),
            (json!(jws("{}", "{}", "s")), "invalid_software_statement"),
            (json!(jws(r#"{"alg":"RS256"}"#, "[]", "s")), "invalid_software_statement"),
            (json!("a.b"), "invalid_software_statement"),
            (json!(""), "invalid_software_statement"),
            (json!({}), "invalid_software_statement"),
        ];
        for (statement, expected) in rows {
            assert_eq!(error(web_client_with(json!({"software_statement": statement}))), expected, "{statement}");
        }
        registered(web_client_with(json!({"software_statement": null})));
    }

    // REG-08
    #[test]
    fn a_reader_gets_the_variant_in_their_language() {
        let metadata = registered(web_client_with(json!({
            "client_name": "App",
            "client_name#FR": "Appli",
            "client_name#pt-BR": "Aplicativo",
            "tos_uri#fr": "https://example.com/conditions",
            "policy_uri": "https://example.com/policy",
        })));
        let rows: [(&[&str], &str); 9] = [
            (&[], "App"),
            (&["en"], "App"),
            (&["fr"], "Appli"),
            (&["fr-CA"], "Appli"),
            (&["fr-Latn-CA"], "Appli"),
            (&["PT-br"], "Aplicativo"),
            (&["pt"], "App"),
            (&["de", "pt-BR", "fr"], "Aplicativo"),
            (&["f", "frr"], "App"),
        ];
        for (languages, name) in rows {
            assert_eq!(metadata.name(languages), Some(name), "{languages:?}");
        }
        assert_eq!(metadata.tos_uri(&["en"]), Some("https://example.com/conditions"));
        assert_eq!(metadata.policy_uri(&["fr"]), Some("https://example.com/policy"));
        assert_eq!(registered(web_client()).name(&["fr"]), None);
    }

    // REG-08
    #[test]
    fn a_language_is_named_once_and_by_a_tag() {
        registered(web_client_with(
            json!({"client_name#de-AT-1996": "x", "client_name#de": "y", "tos_uri#de": "https://example.com/"}),
        ));
        for members in [
            json!({"client_name#fr": "x", "client_name#FR": "y"}),
            json!({"tos_uri#pt-br": "https://example.com/", "tos_uri#pt-BR": "https://example.com/"}),
            json!({"client_name#": "x"}),
            json!({"client_name#fr_FR": "x"}),
            json!({"client_name#fr-": "x"}),
            json!({"client_name#123": "x"}),
            json!({"client_name#fr#fr": "x"}),
            json!({"client_name#\"<": "x"}),
        ] {
            assert_eq!(error(web_client_with(members.clone())), "invalid_client_metadata", "{members}");
        }
    }

    // RED-08, RED-10, RED-11, TRP-13
    #[test]
    fn a_configured_client_needs_no_client_uri() {
        let metadata = ClientMetadata::configured(
            Some("Relying party".to_owned()),
            None,
            vec!["http://rp.internal/cb".to_owned(), "http://localhost/cb".to_owned()],
            ClientAuthMethod::ClientSecretPost,
            vec![GrantType::AuthorizationCode],
        );
        assert_eq!(metadata.host(), None);
        assert_eq!(metadata.name(&["fr"]), Some("Relying party"));
        assert_eq!(metadata.response_types, [ResponseType::Code]);
        assert!(metadata.is_confidential());
        assert!(metadata.accepts_redirect_uri("http://rp.internal/cb"));
        assert!(metadata.accepts_redirect_uri("http://localhost:4000/cb"));
        assert!(!metadata.accepts_redirect_uri("http://rp.internal:4000/cb"));
        let machine = ClientMetadata::configured(
            None,
            None,
            vec![],
            ClientAuthMethod::ClientSecretBasic,
            vec![GrantType::ClientCredentials],
        );
        assert!(machine.response_types.is_empty());
        assert!(!machine.accepts_redirect_uri(""));
    }

    // REG-13: a change of these bytes gives every client a new id, so it needs a new version.
    #[test]
    fn the_digest_input_stays_as_it_is() {
        let body = web_client_with(json!({"client_name": "App", "client_name#fr": "Appli"}));
        assert_eq!(
            String::from_utf8(registered(body).digest_input()).unwrap(),
            concat!(
                "client metadata, version 1\n",
                r#"{"client_name":"App","client_uri":"https://example.com/","redirect_uris":["https://app.example.com/cb"],"#,
                r#""response_types":["code"],"grant_types":["authorization_code","refresh_token"],"#,
                r#""token_endpoint_auth_method":"none","application_type":"web","client_name#fr":"Appli"}"#,
            )
        );
    }

    // REG-13
    #[test]
    fn registrations_that_differ_in_anything_kept_have_different_digests() {
        let variants = [
            json!({}),
            json!({"redirect_uris": ["https://app.example.com/cb", "https://app.example.com/cb2"]}),
            json!({"redirect_uris": ["https://app.example.com/cb/"]}),
            json!({"token_endpoint_auth_method": "client_secret_basic"}),
            json!({"application_type": "native"}),
            json!({"grant_types": ["authorization_code"]}),
            json!({"client_uri": "https://example.com"}),
            json!({"client_name": "App"}),
            json!({"client_name#fr": "App"}),
            json!({"logo_uri": "https://example.com/"}),
            json!({"tos_uri": "https://example.com/"}),
            json!({"policy_uri": "https://example.com/"}),
            json!({"contacts": ["App"]}),
            json!({"software_id": "App"}),
            json!({"software_version": "App"}),
            json!({"default_max_age": 1}),
            json!({"id_token_signed_response_alg": "RS256"}),
        ];
        let digests: HashSet<_> =
            variants.iter().map(|members| registered(web_client_with(members.clone())).digest_input()).collect();
        assert_eq!(digests.len(), variants.len());
    }

    fn as_json_text(members: &[(String, Value)]) -> String {
        let members: Vec<String> = members.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
        format!("{{{}}}", members.join(","))
    }

    proptest! {
        // REG-13, TST-06
        #[test]
        fn the_order_of_members_and_of_sets_changes_no_digest(
            members in Just(matrix_rust_sdk().as_object().unwrap().clone().into_iter().collect::<Vec<_>>()).prop_shuffle(),
            redirect_uris in Just(vec!["http://127.0.0.1/", "http://[::1]/", "io.element.app:/callback"]).prop_shuffle(),
            grant_types in Just(vec!["authorization_code", "refresh_token", DEVICE_CODE, "implicit", "refresh_token"]).prop_shuffle(),
            repeated in 0usize..3,
        ) {
            let mut redirect_uris = redirect_uris;
            redirect_uris.push(redirect_uris[repeated]);
            let mut members = members;
            for (key, value) in &mut members {
                match key.as_str() {
                    "redirect_uris" => *value = json!(redirect_uris),
                    "grant_types" => *value = json!(grant_types),
                    _ => {}
                }
            }
            let body: Value = serde_json::from_str(&as_json_text(&members)).unwrap();
            prop_assert_eq!(registered(body).digest_input(), registered(matrix_rust_sdk()).digest_input());
        }

        // REG-08, TST-06
        #[test]
        fn localised_metadata_survives_registration_and_storage(
            languages in subsequence(vec!["fr", "de", "pt-BR", "zh-Hant", "mas"], 0..=5),
            name in "[A-Za-zé]{1,20}",
        ) {
            let mut body = web_client();
            for language in &languages {
                body[format!("client_name#{language}")] = json!(format!("{name} {language}"));
            }
            let stored = serde_json::to_string(&registered(body)).unwrap();
            let metadata: ClientMetadata = serde_json::from_str(&stored).unwrap();
            for language in &languages {
                let expected = format!("{name} {language}");
                prop_assert_eq!(metadata.name(&[language]), Some(expected.as_str()));
            }
            prop_assert_eq!(metadata.localised.len(), languages.len());
        }

        // INV-13
        #[test]
        fn no_body_can_break_the_registration(
            member in "client_uri|client_name|tos_uri|redirect_uris|client_name#[a-z#-]{0,4}|software_statement",
            value in "(https://)?\\PC{0,30}",
            in_list in any::<bool>(),
        ) {
            let value = if in_list { json!([value]) } else { json!(value) };
            if let Ok(metadata) = register(web_client_with(json!({ member: value }))) {
                let echoed = serde_json::to_value(&metadata).unwrap();
                prop_assert_eq!(registered(echoed), metadata);
            }
        }
    }
}
