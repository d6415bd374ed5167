//! A login of an older client through the browser (client-server API, "SSO client login"): from the redirect of the
//! client to the exchange of its login token.

use url::Url;

use crate::domain::{
    amr::Amr,
    id::{SessionId, SsoLoginId, UserId},
    redirect_uri::is_run_by_browsers,
    time::{MINUTE, SECOND},
};

/// How long a person may take (spec SSO-01).
pub const SSO_LOGIN_LIFE: i64 = 30 * MINUTE;
/// How long a login token can be exchanged (spec CMP-16, TRP-34).
pub const LOGIN_TOKEN_LIFE: i64 = 30 * SECOND;
/// A second exchange within this time is taken for a lost response, later for a theft (spec CMP-16).
pub const LOGIN_TOKEN_RETRY_GRACE: i64 = 30 * SECOND;

const MAX_REDIRECT_URL_BYTES: usize = 2048;

/// Schemes that carry another address inside, of which the person would not be told, or that lead to no app that signs in.
const NO_DESTINATIONS: [&str; 7] = ["android-app", "firefox", "intent", "mailto", "microsoft-edge", "sms", "tel"];

/// A row of `sso_logins`.
#[derive(Clone, sqlx::FromRow)]
pub struct SsoLogin {
    pub id: SsoLoginId,
    pub browser_hash: Vec<u8>,
    pub redirect_url: String,
    pub wants_registration: bool,
    pub created_at: i64,
    pub expires_at: i64,
    pub decided_at: Option<i64>,
    pub user_id: Option<UserId>,
    pub browser_session_id: Option<SessionId>,
    pub auth_time: Option<i64>,
    pub amr: Option<Amr>,
    pub token_expires_at: Option<i64>,
    pub consumed_at: Option<i64>,
    pub session_id: Option<SessionId>,
}

/// Reads where a client wants the login token sent (SSO-02); nothing when no browser should be sent there. A login token
/// that is in it already is left out.
///
/// Older clients register nothing, so this only keeps out what a browser would run or read itself; whether the place
/// is the right one is asked of the person (TRP-33).
pub fn parse_redirect_url(raw: &str) -> Option<Url> {
    let mut url = Url::parse(raw).ok()?;
    let is_token =
        |pair: &&str| form_urlencoded::parse(pair.as_bytes()).next().is_some_and(|(name, _)| name == "loginToken");
    let query = url.query().map(|query| query.split('&').filter(|pair| !is_token(pair)).collect::<Vec<_>>().join("&"));
    url.set_query(query.as_deref().filter(|query| !query.is_empty()));
    let has_user_information = !url.username().is_empty() || url.password().is_some();
    let is_destination = !is_run_by_browsers(url.scheme()) && !opens_another_browser(url.scheme());
    (is_destination && !has_user_information && url.as_str().len() <= MAX_REDIRECT_URL_BYTES).then_some(url)
}

/// `x-safari-https://site/` is a site, whatever the scheme looks like.
fn opens_another_browser(scheme: &str) -> bool {
    let wraps_an_address = !matches!(scheme, "http" | "https") && scheme.contains("http");
    wraps_an_address || scheme.starts_with("googlechrome") || NO_DESTINATIONS.contains(&scheme)
}

/// Adds the login token to the URL (SSO-03). Everything else stays as it is.
pub fn with_login_token(mut url: Url, login_token: &str) -> Url {
    let query = url.query().map(|query| format!("{query}&")).unwrap_or_default();
    url.set_query(Some(&format!("{query}loginToken={login_token}")));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_only_sent_where_it_goes_and_not_to_what_it_runs() {
        // SSO-02
        let long = format!("https://app.example.com/{}", "x".repeat(2048));
        let raw_letters = format!("https://app.example.com/{}", "é".repeat(700));
        let table = [
            ("https://app.example.com/", true),
            ("http://localhost:8080/done?a=b#c", true),
            ("element://connect", true),
            ("im.fluffychat:/login", true),
            ("HTTPS://app.example.com", true),
            ("", false),
            ("/relative", false),
            ("//app.example.com/", false),
            ("app.example.com", false),
            ("https://", false),
            ("https:///", false),
            ("http:", false),
            ("https://user@app.example.com/", false),
            ("https://:secret@app.example.com/", false),
            ("element://user@connect", false),
            ("javascript:alert(1)", false),
            (" JavaScript:alert(1)", false),
            ("java\nscript:alert(1)", false),
            ("data:text/html,x", false),
            ("vbscript:x", false),
            ("blob:https://app.example.com/x", false),
            ("file:///etc/passwd", false),
            ("about:blank", false),
            ("intent://evil.example/#Intent;scheme=https;end", false),
            ("googlechromes://evil.example/", false),
            ("x-safari-https://evil.example/", false),
            (&*raw_letters, false),
            (&*long, false),
        ];
        for (raw, expected) in table {
            assert_eq!(parse_redirect_url(raw).is_some(), expected, "{raw}");
        }
    }

    #[test]
    fn the_login_token_takes_the_place_of_any_other_and_leaves_the_rest() {
        // SSO-03
        let table = [
            ("https://app.example.com", "https://app.example.com/?loginToken=kml_x"),
            (
                "https://app.example.com/?a=b%20c&a=d#/home",
                "https://app.example.com/?a=b%20c&a=d&loginToken=kml_x#/home",
            ),
            ("https://app.example.com/?loginToken=old&b", "https://app.example.com/?b&loginToken=kml_x"),
            ("https://app.example.com/?login%54oken=old", "https://app.example.com/?loginToken=kml_x"),
            ("https://app.example.com/?loginTokens=y", "https://app.example.com/?loginTokens=y&loginToken=kml_x"),
            ("element://connect", "element://connect?loginToken=kml_x"),
            ("im.fluffychat:/login#f", "im.fluffychat:/login?loginToken=kml_x#f"),
            ("app:opaque", "app:opaque?loginToken=kml_x"),
        ];
        for (url, expected) in table {
            let url = parse_redirect_url(url).unwrap();
            assert_eq!(with_login_token(url, "kml_x").as_str(), expected);
        }
    }
}
