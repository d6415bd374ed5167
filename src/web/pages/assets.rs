//! What pages are made of beside their HTML, compiled in: the style sheet, which is addressed by its content, and the mark and
//! the scripts, which are part of the pages. Owns no route. A fingerprinted path may be cached for ever (RFC 8246); everything stays on this origin (WEB-03).

use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};

/// A file served under a path that changes with its bytes.
pub struct Asset {
    /// The path relative to the public base, such as `assets/app-1a2b3c4d.css`.
    pub path: String,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

impl Asset {
    fn new(stem: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let fingerprint = hex::encode(&digest::digest(&digest::SHA256, bytes).as_ref()[..4]);
        Self { path: format!("assets/{stem}-{fingerprint}.{extension}"), content_type, bytes }
    }
}

static STYLE_SHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("app", "css", "text/css; charset=utf-8", include_bytes!("../../../assets/app.css")));
/// The key glyph.
pub const MARK: &str = include_str!("../../../assets/mark.svg");

/// Gives the key glyph as an address: the icon of the tab.
pub fn mark_uri() -> &'static str {
    static URI: LazyLock<String> =
        LazyLock::new(|| format!("data:image/svg+xml;base64,{}", STANDARD.encode(MARK.trim_end())));
    &URI
}

/// A script that is part of a page.
#[derive(Debug)]
pub struct Script {
    pub text: &'static str,
    /// By which a policy allows it (Content Security Policy Level 3 §2.3.1).
    pub digest: String,
    /// Whether it asks this service for something.
    pub asks_here: bool,
}

impl Script {
    fn new(text: &'static str, asks_here: bool) -> Self {
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        Self { text, digest: format!("sha256-{}", STANDARD.encode(digest)), asks_here }
    }
}

/// Gives what pages with passkeys run.
pub fn passkey_script() -> &'static Script {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../../assets/passkey.js"), true));
    &SCRIPT
}

/// Gives what works in place of a CAPTCHA.
pub fn proof_of_work_script() -> &'static Script {
    static SCRIPT: LazyLock<Script> =
        LazyLock::new(|| Script::new(include_str!("../../../assets/proof_of_work.js"), false));
    &SCRIPT
}

/// Gives what loads the widget of a CAPTCHA service.
pub fn captcha_script() -> &'static Script {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../../assets/captcha.js"), false));
    &SCRIPT
}

/// Gives what sends the form of a page that only carries something on.
pub fn send_script() -> &'static Script {
    static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("../../../assets/send.js"), false));
    &SCRIPT
}

/// Gives the one style sheet.
pub fn style_sheet() -> &'static Asset {
    &STYLE_SHEET
}

/// Finds the asset with this path relative to the public base; an outdated fingerprint finds nothing.
pub fn find(path: &str) -> Option<&'static Asset> {
    Some(style_sheet()).filter(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_by_its_fingerprinted_path_only() {
        let path = &style_sheet().path;
        assert_eq!(path.len(), "assets/app-12345678.css".len());
        assert!(find(path).is_some_and(|asset| asset.content_type.starts_with("text/css")));
        assert!(find("assets/app-00000000.css").is_none());
        assert!(find("assets/app.css").is_none());
    }

    #[test]
    fn each_script_ends_where_the_page_says_and_names_nobody_else() {
        for script in [passkey_script(), proof_of_work_script(), captcha_script(), send_script()] {
            assert!(script.digest.starts_with("sha256-") && script.digest.ends_with('='));
            for needle in ["</", "<!--", "http:", "https:", "eval", "innerHTML"] {
                assert!(!script.text.contains(needle), "{needle}");
            }
            assert_eq!(script.text.contains("fetch("), script.asks_here);
        }
    }

    #[test]
    fn assets_ask_nothing_of_another_site() {
        // WEB-05: no third-party request from a page that takes passwords.
        let sheet = String::from_utf8_lossy(style_sheet().bytes);
        for text in [&*sheet, MARK] {
            let text = text.replace("http://www.w3.org/2000/svg", "");
            for needle in ["//", "@import", "url(", "<script", "data:"] {
                assert!(!text.contains(needle), "{text} holds {needle}");
            }
        }
    }
}
