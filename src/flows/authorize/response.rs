//! How an answer travels to the client (RFC 6749 §4.1.2, RFC 9207, OAuth 2.0 Form Post Response Mode; spec AUT-05 to AUT-09).

use crate::{
    app::App,
    domain::{
        grant::{Grant, ResponseMode},
        refusal::Refusal,
    },
};

/// A response on its way to the client: where to, how, and what (spec AUT-05, AUT-06).
/// It holds a code: it is never logged.
#[derive(Clone)]
pub struct Response {
    pub redirect_uri: String,
    pub mode: ResponseMode,
    pub params: Vec<(&'static str, String)>,
}

impl Response {
    /// Gives the address that the browser is sent to; nothing where a form carries the answer. The redirect URI is used as
    /// text: private-use schemes have no host, and a parser would change what it reads (AUT-08, AUT-09).
    pub fn location(&self) -> Option<String> {
        let encoded = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.params.iter().map(|(k, v)| (*k, v)))
            .finish();
        match self.mode {
            ResponseMode::Fragment => Some(format!("{}#{encoded}", self.redirect_uri)),
            ResponseMode::Query => {
                let joint = if self.redirect_uri.contains('?') { '&' } else { '?' };
                // The empty fragment keeps the browser from carrying over one of ours.
                Some(format!("{}{joint}{encoded}#", self.redirect_uri))
            }
            ResponseMode::FormPost => None,
        }
    }
}

pub(super) fn success(app: &App, grant: &Grant, mut params: Vec<(&'static str, String)>) -> Response {
    finish_params(app, &mut params, grant.state.as_deref());
    Response { redirect_uri: grant.redirect_uri.clone(), mode: grant.response_mode(), params }
}

pub(super) fn failure(
    app: &App,
    redirect_uri: String,
    mode: ResponseMode,
    state: Option<&str>,
    refusal: &Refusal,
) -> Response {
    let mut params = vec![("error", refusal.oauth_error().to_owned()), ("error_description", refusal.description())];
    finish_params(app, &mut params, state);
    Response { redirect_uri, mode, params }
}

/// RFC 9207: the issuer is always there, so that a client knows whose answer it holds.
fn finish_params(app: &App, params: &mut Vec<(&'static str, String)>, state: Option<&str>) {
    if let Some(state) = state {
        params.push(("state", state.to_owned()));
    }
    params.push(("iss", app.config.http.issuer().as_str().to_owned()));
}
