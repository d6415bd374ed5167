//! Resource indicators (RFC 8707): for which service beside the homeserver a token is. The operator names them; nothing else is
//! one, and the Matrix API cannot be mixed with them.

use crate::{
    app::App,
    domain::{params::Params, refusal::Refusal, scope::Scope},
};

/// Reads what a request for authorization names, for the store: URIs with spaces between.
///
/// # Errors
/// `InvalidTarget`.
pub fn check_resource(app: &App, params: &Params, scope: &Scope) -> Result<Option<String>, Refusal> {
    let named = params.all("resource");
    if named.is_empty() {
        return Ok(None);
    }
    if scope.is_matrix() {
        return Err(Refusal::InvalidTarget("a token for the Matrix API is for nothing else"));
    }
    if !named.iter().all(|uri| app.config.authorization.resources.contains(uri)) {
        return Err(Refusal::InvalidTarget("the resource is not known here"));
    }
    Ok(Some(joined(named.iter().map(String::as_str))))
}

/// Narrows what was granted to what the exchange of a code names (RFC 8707 §2.2).
///
/// # Errors
/// `InvalidTarget` for what was not granted.
pub fn narrowed(granted: Option<&str>, params: &Params) -> Result<Option<String>, Refusal> {
    let named = params.all("resource");
    if named.is_empty() {
        return Ok(granted.map(str::to_owned));
    }
    let is_granted = |uri: &String| granted.is_some_and(|granted| granted.split(' ').any(|known| known == uri));
    match named.iter().all(is_granted) {
        true => Ok(Some(joined(named.iter().map(String::as_str)))),
        false => Err(Refusal::InvalidTarget("the resource was not part of the authorization")),
    }
}

/// Checks that a refresh asks for what the session has: a token for less is not made (RFC 8707 §2.2). What has none is not asked,
/// since an app that is refused signs its person out.
///
/// # Errors
/// `InvalidTarget`.
pub fn check_refresh(granted: Option<&str>, params: &Params) -> Result<(), Refusal> {
    let (named, Some(granted)) = (params.all("resource"), granted) else { return Ok(()) };
    let is_same = named.is_empty() || joined(named.iter().map(String::as_str)) == joined(granted.split(' '));
    if is_same { Ok(()) } else { Err(Refusal::InvalidTarget("a refresh cannot change the resource")) }
}

fn joined<'a>(uris: impl Iterator<Item = &'a str>) -> String {
    let set: std::collections::BTreeSet<&str> = uris.collect();
    set.into_iter().collect::<Vec<_>>().join(" ")
}
