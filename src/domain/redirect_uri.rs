//! Redirect URIs: which may be registered, which match at authorization, and how one is shown and named in a CSP.
//! They are judged as they were written (INV-09): URL parsers add slashes, lower-case and drop default ports, so a
//! parsed copy only ever serves to know a host. RFC 8252 §7, RFC 9700 §2.1, MSC2966.

use thiserror::Error;
use url::{Host, Url};

use super::client::ApplicationType;

/// RFC 8252 §7.3 and §8.3; they do not match one another, nor do other spellings of the same address.
const LOOPBACK_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Schemes that a browser executes or opens itself; not even an operator means them.
const BROWSER_SCHEMES: [&str; 8] =
    ["about", "blob", "data", "file", "filesystem", "javascript", "vbscript", "view-source"];

/// CMN-14
pub(super) const MAX_URI_LENGTH: usize = 2048;

/// Says why a redirect URI cannot be registered, in words fit for an `error_description`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidRedirectUri {
    #[error("a redirect URI is longer than 2048 characters")]
    TooLong,
    #[error("a redirect URI is not an absolute URI")]
    Malformed,
    #[error("a redirect URI has a fragment")]
    Fragment,
    #[error("a redirect URI has user information")]
    UserInformation,
    #[error("a redirect URI has a scheme that browsers keep for themselves")]
    BrowserScheme,
    #[error("a redirect URI of a web client is not an https URI")]
    NotHttps,
    #[error("a redirect URI is not under the host of client_uri")]
    NotUnderClientUri,
    #[error("an http redirect URI of a native client is not on localhost, 127.0.0.1 or [::1] without a port")]
    NotLoopback,
    #[error("the private-use scheme of a redirect URI is not the reversed host of client_uri, or an extension of it")]
    ForeignScheme,
    #[error("a redirect URI with a private-use scheme has an authority")]
    Authority,
}

/// The parts of an absolute URI, as they were written (RFC 3986 §3).
struct Written<'a> {
    scheme: &'a str,
    authority: Option<&'a str>,
    /// Path, query and fragment.
    rest: &'a str,
}

/// Checks a redirect URI that a client registers for itself; `client_uri` has been found good before.
pub fn check_for_registration(
    uri: &str,
    application_type: ApplicationType,
    client_uri: &Url,
) -> Result<(), InvalidRedirectUri> {
    let written = check_as_written(uri)?;
    let scheme = written.scheme.to_ascii_lowercase();
    match (scheme.as_str(), application_type) {
        // RED-02, RED-05
        ("https", _) => check_claimed_https(uri, client_uri),
        (_, ApplicationType::Web) => Err(InvalidRedirectUri::NotHttps),
        // RED-04: the port is chosen when the app listens, so a registered one would be wrong.
        ("http", ApplicationType::Native) if is_portless_loopback(&written) => Ok(()),
        ("http", ApplicationType::Native) => Err(InvalidRedirectUri::NotLoopback),
        (_, ApplicationType::Native) => check_private_use(&scheme, written.authority, client_uri),
    }
}

/// Checks a redirect URI that the operator configures: any that a browser can be sent to (RED-08).
pub fn check_static(uri: &str) -> Result<(), InvalidRedirectUri> {
    let written = check_as_written(uri)?;
    if BROWSER_SCHEMES.contains(&written.scheme.to_ascii_lowercase().as_str()) {
        return Err(InvalidRedirectUri::BrowserScheme);
    }
    Ok(())
}

/// Says whether a presented redirect URI is the registered one.
pub fn matches(registered: &str, presented: &str) -> bool {
    // RFC 9700 §2.1: simple string comparison.
    if registered == presented {
        return true;
    }
    // RFC 8252 §7.3: an app cannot know its port in advance.
    let (Some(registered), Some(presented)) = (split(registered), split(presented)) else {
        return false;
    };
    let port = registered
        .authority
        .zip(presented.authority)
        .and_then(|(host, authority)| authority.strip_prefix(host)?.strip_prefix(':'));
    is_portless_loopback(&registered)
        && registered.scheme == presented.scheme
        && registered.rest == presented.rest
        && port.is_some_and(is_port)
}

/// What a person is shown of where they will be sent: the host, of a loopback URI with its port, or the private-use
/// scheme.
pub fn destination(uri: &str) -> String {
    let Some(written) = split(uri) else {
        return uri.to_owned();
    };
    let scheme = written.scheme.to_ascii_lowercase();
    if !is_web_scheme(&scheme) {
        return scheme;
    }
    let authority = written.authority.unwrap_or_default();
    if LOOPBACK_HOSTS.contains(&without_port(authority)) {
        return authority.to_owned();
    }
    let host = Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| authority.to_owned())
}

/// Says whether a URI is one that browsers send requests to.
pub fn is_web(uri: &str) -> bool {
    split(uri).is_some_and(|written| is_web_scheme(&written.scheme.to_ascii_lowercase()))
}

/// Says whether a URI leads to a port of the machine that the browser runs on, which anybody there may listen on.
pub fn is_loopback(uri: &str) -> bool {
    let authority = split(uri).and_then(|written| written.authority).map(without_port);
    authority.is_some_and(|host| LOOPBACK_HOSTS.contains(&host))
}

/// The source expression for this URI alone, as far as CSP can tell it from others of its origin.
pub fn csp_target(uri: &str) -> Option<String> {
    let origin = csp_source(uri)?;
    let path = Url::parse(uri).ok().filter(|_| is_web(uri)).map(|url| url.path().to_owned()).unwrap_or_default();
    // Anything else would have to be encoded, and is compared decoded.
    let is_plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte));
    Some(if is_plain { origin + &path } else { origin })
}

/// Says whether a browser would run or read a URI of this scheme itself.
pub fn is_run_by_browsers(scheme: &str) -> bool {
    BROWSER_SCHEMES.contains(&scheme)
}

/// Says whether one DNS name equals another or is a subdomain of it (REG-02).
pub fn is_under(candidate_host: &str, base_host: &str) -> bool {
    let (Some(candidate), Some(base)) = (dns_name(candidate_host), dns_name(base_host)) else {
        return false;
    };
    candidate.strip_suffix(&base).is_some_and(|labels| labels.is_empty() || labels.ends_with('.'))
}

/// The source expression that lets a form end at this URI, where CSP can express it (an IPv6 address it cannot).
pub fn csp_source(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let scheme = url.scheme();
    if !is_web_scheme(scheme) {
        return Some(format!("{scheme}:"));
    }
    let host = url.host_str()?;
    let expressible = host
        .split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'));
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    expressible.then(|| format!("{scheme}://{host}{port}"))
}

/// The DNS name in the one spelling that names are compared in; nothing for an address or what is no host.
pub(super) fn dns_name(host: &str) -> Option<String> {
    match Host::parse(host).ok()? {
        Host::Domain(name) => Some(name.strip_suffix('.').unwrap_or(&name).to_owned()),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    }
}

/// Says whether the authority of an absolute URI was written with user information, even an empty one.
pub(super) fn has_user_information(uri: &str) -> bool {
    split(uri).and_then(|written| written.authority).is_some_and(|authority| authority.contains('@'))
}

/// Says whether it was written as `https://` and a host; parsers also take `https:host` and `https:///host` for that.
pub(super) fn is_written_as_https(uri: &str) -> bool {
    split(uri).is_some_and(|written| {
        written.scheme.eq_ignore_ascii_case("https") && written.authority.is_some_and(|authority| !authority.is_empty())
    })
}

/// RED-01, which not even an operator can waive.
fn check_as_written(uri: &str) -> Result<Written<'_>, InvalidRedirectUri> {
    if uri.len() > MAX_URI_LENGTH {
        return Err(InvalidRedirectUri::TooLong);
    }
    if uri.contains('#') {
        return Err(InvalidRedirectUri::Fragment);
    }
    // RFC 3986 §2: parsers skip or repair all others, each in its own way.
    if !uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)) {
        return Err(InvalidRedirectUri::Malformed);
    }
    let written = split(uri).ok_or(InvalidRedirectUri::Malformed)?;
    if has_user_information(uri) {
        return Err(InvalidRedirectUri::UserInformation);
    }
    let lacks_host =
        is_web_scheme(&written.scheme.to_ascii_lowercase()) && written.authority.unwrap_or_default().is_empty();
    if lacks_host || Url::parse(uri).is_err() {
        return Err(InvalidRedirectUri::Malformed);
    }
    Ok(written)
}

fn check_claimed_https(uri: &str, client_uri: &Url) -> Result<(), InvalidRedirectUri> {
    let parsed = Url::parse(uri).map_err(|_| InvalidRedirectUri::Malformed)?;
    match (parsed.host_str(), client_uri.host_str()) {
        (Some(host), Some(base)) if is_under(host, base) => Ok(()),
        _ => Err(InvalidRedirectUri::NotUnderClientUri),
    }
}

/// RED-03; RFC 8252 §7.1. The label boundary keeps `com.exampleevil` out.
fn check_private_use(scheme: &str, authority: Option<&str>, client_uri: &Url) -> Result<(), InvalidRedirectUri> {
    let base = client_uri.host_str().and_then(dns_name).ok_or(InvalidRedirectUri::ForeignScheme)?;
    let reversed = base.rsplit('.').collect::<Vec<_>>().join(".");
    let own =
        scheme.strip_prefix(&reversed).is_some_and(|extension| extension.is_empty() || extension.starts_with('.'));
    match (own, authority) {
        (false, _) => Err(InvalidRedirectUri::ForeignScheme),
        (true, Some(_)) => Err(InvalidRedirectUri::Authority),
        (true, None) => Ok(()),
    }
}

fn split(uri: &str) -> Option<Written<'_>> {
    let (scheme, hierarchy) = uri.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme {
        return None;
    }
    let Some(after_slashes) = hierarchy.strip_prefix("//") else {
        return Some(Written { scheme, authority: None, rest: hierarchy });
    };
    let end = after_slashes.find(['/', '?', '#']).unwrap_or(after_slashes.len());
    let (authority, rest) = after_slashes.split_at(end);
    Some(Written { scheme, authority: Some(authority), rest })
}

fn is_web_scheme(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

fn is_portless_loopback(written: &Written<'_>) -> bool {
    written.scheme == "http" && written.authority.is_some_and(|authority| LOOPBACK_HOSTS.contains(&authority))
}

/// 1–65535 in its only spelling.
fn is_port(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0') && digits.parse::<u16>().is_ok()
}

fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if is_port(port) => host,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ApplicationType::{Native, Web};
    use super::InvalidRedirectUri as No;
    use super::*;

    fn registered(uri: &str, application_type: ApplicationType) -> Result<(), InvalidRedirectUri> {
        let client_uri = Url::parse("https://example.com/client").unwrap();
        check_for_registration(uri, application_type, &client_uri)
    }

    // RED-01
    #[test]
    fn no_redirect_uri_has_a_fragment_user_information_or_characters_that_parsers_repair() {
        let rows = [
            ("https://example.com/cb#", No::Fragment),
            ("https://example.com/cb#x", No::Fragment),
            ("com.example:/cb#", No::Fragment),
            ("https://user@example.com/cb", No::UserInformation),
            ("https://user:pass@example.com/cb", No::UserInformation),
            ("https://@example.com/cb", No::UserInformation),
            ("https://:@example.com/cb", No::UserInformation),
            ("/cb", No::Malformed),
            ("//example.com/cb", No::Malformed),
            ("example.com/cb", No::Malformed),
            ("", No::Malformed),
            (":", No::Malformed),
            ("https:example.com/cb", No::Malformed),
            ("https:/example.com/cb", No::Malformed),
            ("https:///example.com/cb", No::Malformed),
            ("https://", No::Malformed),
            ("https://example.com:99999/cb", No::Malformed),
            ("https://example.com\\@evil.net/cb", No::Malformed),
            ("https://exämple.com/cb", No::Malformed),
            ("https://example.com/cb ", No::Malformed),
            (" https://example.com/cb", No::Malformed),
            ("https://example.com/c b", No::Malformed),
            ("https://example.com/\tcb", No::Malformed),
            ("https://example.com/\ncb", No::Malformed),
            ("https://example.com/\0cb", No::Malformed),
            ("https://example.com/\u{7f}", No::Malformed),
            ("https://example.com/\"onload", No::Malformed),
        ];
        for (uri, reason) in rows {
            for application_type in [Web, Native] {
                assert_eq!(registered(uri, application_type), Err(reason), "{uri:?}");
            }
            assert_eq!(check_static(uri), Err(reason), "{uri:?}");
        }
        let longest = format!("https://example.com/{}", "x".repeat(2028));
        assert_eq!(registered(&longest, Web), Ok(()));
        assert_eq!(registered(&format!("{longest}x"), Web), Err(No::TooLong));
    }

    // RED-02, RED-05
    #[test]
    fn an_https_redirect_uri_is_under_the_host_of_client_uri() {
        let accepted = [
            "https://example.com",
            "https://example.com/",
            "https://example.com/cb?a=b&c[]=d",
            "https://example.com:8443/cb",
            "https://app.example.com/cb",
            "https://a.b.example.com/cb@here",
            "https://EXAMPLE.com/cb",
            "HTTPS://example.com/cb",
            "https://example.com./cb",
        ];
        let refused = [
            "https://example.org/cb",
            "https://evilexample.com/cb",
            "https://com/cb",
            "https://example.com.evil.net/cb",
            "https://localhost/cb",
            "https://127.0.0.1/cb",
            "https://[::1]/cb",
        ];
        for application_type in [Web, Native] {
            for uri in accepted {
                assert_eq!(registered(uri, application_type), Ok(()), "{uri}");
            }
            for uri in refused {
                assert_eq!(registered(uri, application_type), Err(No::NotUnderClientUri), "{uri}");
            }
        }
    }

    // RED-02
    #[test]
    fn a_web_client_has_https_redirect_uris_only() {
        for uri in [
            "http://example.com/cb",
            "http://localhost/cb",
            "com.example:/cb",
            "ws://example.com/",
            "javascript:alert(1)",
        ] {
            assert_eq!(registered(uri, Web), Err(No::NotHttps), "{uri}");
        }
    }

    // RED-03, TRP-21
    #[test]
    fn a_private_use_scheme_is_the_reversed_host_of_client_uri() {
        let accepted = [
            "com.example.app:/callback",
            "com.example:/",
            "com.example:callback",
            "com.example:/a/b?c=d",
            "COM.Example.App:/callback",
        ];
        for uri in accepted {
            assert_eq!(registered(uri, Native), Ok(()), "{uri}");
        }
        let refused = [
            ("example:/callback", No::ForeignScheme),
            ("com:/callback", No::ForeignScheme),
            ("com.exampleevil:/x", No::ForeignScheme),
            ("com.example-evil:/x", No::ForeignScheme),
            ("com.examples.app:/x", No::ForeignScheme),
            ("example.com:/x", No::ForeignScheme),
            ("javascript:alert(1)", No::ForeignScheme),
            ("data:text/html,x", No::ForeignScheme),
            ("ftp://example.com/", No::ForeignScheme),
            ("com.example.app://callback", No::Authority),
            ("com.example.app:///callback", No::Authority),
        ];
        for (uri, reason) in refused {
            assert_eq!(registered(uri, Native), Err(reason), "{uri}");
        }
    }

    // RED-04, RED-07, DEC-03
    #[test]
    fn a_native_client_may_register_loopback_uris_without_a_port() {
        for uri in [
            "http://localhost",
            "http://localhost/",
            "http://localhost/cb?a=b",
            "http://localhost?a=b",
            "http://127.0.0.1/",
            "http://[::1]/cb",
        ] {
            assert_eq!(registered(uri, Native), Ok(()), "{uri}");
        }
        for uri in [
            "http://localhost:1234/",
            "http://127.0.0.1:1234/",
            "http://[::1]:1234/",
            "http://localhost:/",
            "http://localhost:80/",
            "http://localhost.com/",
            "http://localhost./",
            "http://LOCALHOST/",
            "http://app.localhost/",
            "http://127.0.0.2/",
            "http://0.0.0.0/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://example.com/",
        ] {
            assert_eq!(registered(uri, Native), Err(No::NotLoopback), "{uri}");
        }
    }

    // RED-08, WEB-07
    #[test]
    fn an_operator_may_configure_what_a_client_may_not_register() {
        for uri in [
            "http://rp.internal:8080/cb",
            "http://localhost:8080/cb",
            "https://10.0.0.1/cb",
            "myapp://callback",
            "myapp:/callback",
        ] {
            assert_eq!(check_static(uri), Ok(()), "{uri}");
        }
        for uri in ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd"] {
            assert_eq!(check_static(uri), Err(No::BrowserScheme), "{uri}");
        }
    }

    // RED-10, TRP-20
    #[test]
    fn redirect_uris_match_as_strings() {
        let registered = "https://app.example.com/cb?a=b&c=%7E";
        assert!(matches(registered, registered));
        for presented in [
            "https://app.example.com/cb/?a=b&c=%7E",
            "https://app.example.com/cb?a=b&c=%7E&d=e",
            "https://app.example.com/cb?c=%7E&a=b",
            "https://app.example.com/cb?a=b",
            "https://app.example.com/cb",
            "https://APP.example.com/cb?a=b&c=%7E",
            "HTTPS://app.example.com/cb?a=b&c=%7E",
            "https://app.example.com/cb?a=b&c=%7e",
            "https://app.example.com/cb?a=b&c=~",
            "https://app.example.com:443/cb?a=b&c=%7E",
            "https://app.example.com:8443/cb?a=b&c=%7E",
            "https://app.example.com./cb?a=b&c=%7E",
            "https://app.example.com/x/../cb?a=b&c=%7E",
            "https://app.example.com/cb?a=b&c=%7E#",
            "https://app.example.com/cb?a=b&c=%7E ",
            "http://app.example.com/cb?a=b&c=%7E",
            "",
        ] {
            assert!(!matches(registered, presented), "{presented}");
        }
        assert!(!matches("com.example:/cb", "com.example:/cb/"));
        assert!(!matches("com.example:/cb", "COM.example:/cb"));
        assert!(!matches("https://example.com", "https://example.com/"));
    }

    // RED-11, INV-09
    #[test]
    fn the_port_of_a_loopback_uri_is_the_only_freedom() {
        for host in LOOPBACK_HOSTS {
            let registered = format!("http://{host}/cb?x=1");
            for port in ["", ":1", ":80", ":8080", ":65535"] {
                assert!(matches(&registered, &format!("http://{host}{port}/cb?x=1")), "{host}{port}");
            }
            for port in
                [":", ":0", ":080", ":65536", ":+80", ":-1", ":8080:", ":80:80", ":80@evil.net", ":８０", ".evil.net"]
            {
                assert!(!matches(&registered, &format!("http://{host}{port}/cb?x=1")), "{host}{port}");
            }
            for tail in ["/cb?x=1&y=2", "/cb", "/cb/?x=1", "/CB?x=1", "/cb?x=1#", "", "/"] {
                assert!(!matches(&registered, &format!("http://{host}:8080{tail}")), "{host}{tail}");
            }
            assert!(!matches(&registered, &format!("https://{host}:8080/cb?x=1")));
            assert!(!matches(&registered, &format!("HTTP://{host}:8080/cb?x=1")));
            for other in LOOPBACK_HOSTS.iter().filter(|other| **other != host) {
                assert!(!matches(&registered, &format!("http://{other}/cb?x=1")));
                assert!(!matches(&registered, &format!("http://{other}:8080/cb?x=1")));
            }
        }
        assert!(matches("http://localhost", "http://localhost:8080"));
        assert!(!matches("http://localhost", "http://localhost:8080/"));
        // An operator may register a port; then it is the port.
        assert!(!matches("http://localhost:8080/cb", "http://localhost:8081/cb"));
        assert!(!matches("http://localhost:8080/cb", "http://localhost/cb"));
        // Not on any other host.
        assert!(!matches("http://rp.internal/cb", "http://rp.internal:8080/cb"));
        assert!(!matches("http://127.0.0.2/cb", "http://127.0.0.2:8080/cb"));
    }

    // REG-02
    #[test]
    fn a_host_is_under_another_at_a_label_boundary() {
        let under = [
            ("example.com", "example.com"),
            ("app.example.com", "example.com"),
            ("a.b.example.com", "example.com"),
            ("APP.Example.COM", "example.com"),
            ("example.com.", "example.com"),
            ("app.example.com", "example.com."),
            ("xn--exmple-cua.com", "exämple.com"),
            ("app.EXÄMPLE.com", "xn--exmple-cua.com"),
        ];
        for (candidate, base) in under {
            assert!(is_under(candidate, base), "{candidate} {base}");
        }
        let elsewhere = [
            ("evilexample.com", "example.com"),
            ("example.com", "app.example.com"),
            ("other.example.com", "app.example.com"),
            ("example.com.evil.net", "example.com"),
            ("example.org", "example.com"),
            ("example.com", ""),
            ("", "example.com"),
            ("1.2.3.4", "3.4"),
            ("1.2.3.4", "1.2.3.4"),
            ("[::1]", "[::1]"),
        ];
        for (candidate, base) in elsewhere {
            assert!(!is_under(candidate, base), "{candidate} {base}");
        }
    }

    // CNS-01
    #[test]
    fn a_person_sees_the_host_or_the_scheme() {
        for (uri, shown) in [
            ("https://App.Example.com:8443/cb?x=y", "app.example.com"),
            ("https://ex%61mple.com/cb", "example.com"),
            ("http://localhost:1234/cb", "localhost:1234"),
            ("http://localhost/cb", "localhost"),
            ("http://[::1]:1234/cb", "[::1]:1234"),
            ("http://[::1]/cb", "[::1]"),
            ("http://127.0.0.1?x", "127.0.0.1"),
            ("http://rp.internal:8080/cb", "rp.internal"),
            ("com.example.app:/cb", "com.example.app"),
            ("MyApp://cb", "myapp"),
        ] {
            assert_eq!(destination(uri), shown, "{uri}");
        }
    }

    // WEB-03, TRP-17
    #[test]
    fn a_form_may_end_at_the_origin_or_the_scheme() {
        for (uri, source) in [
            ("https://app.example.com/cb", Some("https://app.example.com")),
            ("https://APP.example.com:443/cb", Some("https://app.example.com")),
            ("https://app.example.com:8443/cb", Some("https://app.example.com:8443")),
            ("http://localhost:1234/cb", Some("http://localhost:1234")),
            ("http://127.0.0.1:1234", Some("http://127.0.0.1:1234")),
            ("com.example.app:/cb", Some("com.example.app:")),
            ("MyApp://x;y", Some("myapp:")),
            ("http://[::1]:1234/cb", None),
            ("https://under_score.example.com/cb", None),
            ("https://example.com./cb", None),
            ("not a uri", None),
        ] {
            assert_eq!(csp_source(uri).as_deref(), source, "{uri}");
        }
    }

    #[test]
    fn a_policy_names_one_address_where_it_can() {
        // AUT-08
        for (uri, target) in [
            ("https://app.example.com/callback?a=1", Some("https://app.example.com/callback")),
            ("https://app.example.com:8443/a/b.c-d_e~f", Some("https://app.example.com:8443/a/b.c-d_e~f")),
            ("https://app.example.com", Some("https://app.example.com/")),
            ("https://app.example.com/a%3Bb", Some("https://app.example.com")),
            ("https://app.example.com/a;script-src", Some("https://app.example.com")),
            ("http://127.0.0.1:4711/cb", Some("http://127.0.0.1:4711/cb")),
            ("http://[::1]:4711/cb", None),
        ] {
            assert_eq!(csp_target(uri).as_deref(), target, "{uri}");
        }
        assert!(is_web("https://a.example/") && is_web("HTTP://[::1]/") && !is_web("com.example.app:/cb"));
    }

    fn any_registered() -> impl Strategy<Value = String> {
        prop_oneof![
            r"https://[a-z]{1,5}\.example\.com(:[1-9][0-9]{3})?(/[a-zA-Z0-9%._-]{0,6}){0,2}(\?[a-z]=[a-z0-9]{1,3})?",
            r"http://(localhost|127\.0\.0\.1|\[::1\])(/[a-z0-9]{0,6}){0,2}(\?[a-z]=[a-z0-9]{1,3})?",
            r"com\.example\.[a-z]{1,5}:/?[a-z]{0,6}",
        ]
    }

    fn mutated(uri: &str, position: usize, removed: usize, inserted: &str) -> String {
        let chars: Vec<char> = uri.chars().collect();
        let start = position % (chars.len() + 1);
        let end = (start + removed).min(chars.len());
        let head: String = chars[..start].iter().collect();
        let tail: String = chars[end..].iter().collect();
        format!("{head}{inserted}{tail}")
    }

    /// The rule of RED-11 told from the other end: every URI that one registered URI stands for.
    fn is_port_variant(registered: &str, presented: &str) -> bool {
        LOOPBACK_HOSTS.iter().any(|host| {
            let origin = format!("http://{host}");
            let (Some(rest), Some(after)) = (registered.strip_prefix(&origin), presented.strip_prefix(&origin)) else {
                return false;
            };
            let digits: String = after.chars().skip(1).take_while(char::is_ascii_digit).collect();
            let port: u32 = digits.parse().unwrap_or(0);
            (1..=65535).contains(&port) && presented == format!("{origin}:{port}{rest}")
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        // TST-06
        #[test]
        fn no_mutation_of_a_registered_uri_matches_but_a_loopback_port(
            registered in any_registered(),
            position in 0usize..64,
            removed in 0usize..4,
            inserted in r"|:|:[0-9]{1,6}|/|//|\.|[a-zA-Z0-9%?&=#@ \\]{1,3}",
        ) {
            let presented = mutated(&registered, position, removed, &inserted);
            let expected = registered == presented || is_port_variant(&registered, &presented);
            prop_assert_eq!(matches(&registered, &presented), expected, "{} {}", registered, presented);
        }

        // TST-06
        #[test]
        fn every_port_of_a_registered_loopback_uri_matches_and_no_other_registered_uri_has_that_freedom(
            registered in any_registered(),
            port in 0u32..70_000,
        ) {
            let insert_at = registered.find("://").map_or(0, |at| {
                at + 3 + registered[at + 3..].find(['/', '?']).unwrap_or(registered.len() - at - 3)
            });
            let (head, tail) = registered.split_at(insert_at);
            let presented = format!("{head}:{port}{tail}");
            let loopback = registered.starts_with("http://");
            prop_assert_eq!(matches(&registered, &presented), loopback && (1..=65535).contains(&port));
        }

        // INV-13
        #[test]
        fn nothing_that_is_presented_can_break_the_checks(uri in "(https?|com\\.example)?:?/{0,3}\\PC{0,40}") {
            let client_uri = Url::parse("https://example.com/").unwrap();
            for application_type in [Web, Native] {
                if check_for_registration(&uri, application_type, &client_uri).is_ok() {
                    prop_assert!(check_static(&uri).is_ok());
                    prop_assert!(matches(&uri, &uri));
                    prop_assert!(!destination(&uri).is_empty());
                }
            }
            csp_source(&uri);
        }
    }
}
