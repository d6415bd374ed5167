//! How the members of a registration are read, each with what it may be (spec 2.1). `null` is absent.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::Url;

use super::{check_jwks, registration::InvalidClientMetadata};
use crate::domain::redirect_uri;

const MAX_ENTRIES: usize = 20;
const MAX_TEXT_LENGTH: usize = 255;

/// The value of a member; many serialisers write `null` for what they do not have.
pub(super) fn present<'a>(body: &'a Map<String, Value>, member: &str) -> Option<&'a Value> {
    body.get(member).filter(|value| !value.is_null())
}

pub(super) fn optional<T>(
    body: &Map<String, Value>,
    member: &str,
    read: impl Fn(&str, &Value) -> Result<T, InvalidClientMetadata>,
) -> Result<Option<T>, InvalidClientMetadata> {
    present(body, member).map(|value| read(member, value)).transpose()
}

pub(super) fn text(member: &str, value: &Value) -> Result<String, InvalidClientMetadata> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| InvalidClientMetadata::member(member, "is not a string"))
}

pub(super) fn texts(member: &str, value: &Value) -> Result<Vec<String>, InvalidClientMetadata> {
    let texts = value.as_array().and_then(|entries| {
        let entries = entries.iter();
        entries.map(|entry| entry.as_str().map(str::to_owned)).collect()
    });
    texts.ok_or_else(|| InvalidClientMetadata::member(member, "is not a list of strings"))
}

pub(super) fn short_text(member: &str, value: &Value) -> Result<String, InvalidClientMetadata> {
    let text = text(member, value)?;
    if text.chars().count() > MAX_TEXT_LENGTH {
        return Err(InvalidClientMetadata::member(member, "is longer than 255 characters"));
    }
    Ok(text)
}

pub(super) fn short_texts(member: &str, value: &Value) -> Result<Vec<String>, InvalidClientMetadata> {
    let texts = texts(member, value)?;
    if texts.len() > MAX_ENTRIES || texts.iter().any(|text| text.chars().count() > MAX_TEXT_LENGTH) {
        return Err(InvalidClientMetadata::member(member, "has too many or too long entries"));
    }
    Ok(texts)
}

pub(super) fn seconds(member: &str, value: &Value) -> Result<u32, InvalidClientMetadata> {
    let seconds = value.as_u64().and_then(|seconds| u32::try_from(seconds).ok());
    seconds.ok_or_else(|| InvalidClientMetadata::member(member, "is not a whole number of seconds"))
}

pub(super) fn boolean(member: &str, value: &Value) -> Result<bool, InvalidClientMetadata> {
    value.as_bool().ok_or_else(|| InvalidClientMetadata::member(member, "is neither true nor false"))
}

pub(super) fn jwks(member: &str, value: &Value) -> Result<Value, InvalidClientMetadata> {
    check_jwks(value).map_err(|reason| InvalidClientMetadata::member(member, reason))?;
    Ok(value.clone())
}

pub(super) fn known<T: DeserializeOwned>(member: &str, value: &Value) -> Result<T, InvalidClientMetadata> {
    text(member, value)?;
    T::deserialize(value).map_err(|_| InvalidClientMetadata::member(member, "has a value that is not supported"))
}

/// RFC 7591 §2: what is not understood is ignored; the response shows what is left.
pub(super) fn known_among<T: DeserializeOwned + PartialEq>(
    member: &str,
    value: &Value,
) -> Result<Vec<T>, InvalidClientMetadata> {
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
pub(super) fn visible_text(member: &str, value: &Value) -> Result<String, InvalidClientMetadata> {
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
pub(super) fn client_uri(member: &str, value: &Value) -> Result<Url, InvalidClientMetadata> {
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

pub(super) fn page_uri(member: &str, value: &Value, base_host: &str) -> Result<String, InvalidClientMetadata> {
    let (uri, url) = https_uri(member, value)?;
    if !redirect_uri::is_under(url.host_str().unwrap_or_default(), base_host) {
        return Err(InvalidClientMetadata::member(member, "is not under the host of client_uri"));
    }
    Ok(uri)
}

/// An address that we call ourselves; a fragment would be lost (Back-Channel Logout §2.2).
pub(super) fn called_uri(member: &str, value: &Value, base_host: &str) -> Result<String, InvalidClientMetadata> {
    let uri = page_uri(member, value, base_host)?;
    if uri.contains('#') {
        return Err(InvalidClientMetadata::member(member, "has a fragment"));
    }
    Ok(uri)
}

/// RFC 5646 §2.1, as far as a look-up needs it.
pub(super) fn is_language_tag(tag: &str) -> bool {
    let is_subtag =
        |subtag: &str| (1..=8).contains(&subtag.len()) && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.starts_with(|first: char| first.is_ascii_alphabetic()) && tag.split('-').all(is_subtag)
}
