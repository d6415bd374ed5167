//! The files that pages load beside their HTML: one style sheet and one mark, compiled in and addressed by their content.
//! Owns no route. A fingerprinted path may be cached for ever (RFC 8246); everything stays on this origin (WEB-03).

use std::sync::LazyLock;

use aws_lc_rs::digest;

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
static MARK: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("mark", "svg", "image/svg+xml", include_bytes!("../../../assets/mark.svg")));

/// Gives the one style sheet.
pub fn style_sheet() -> &'static Asset {
    &STYLE_SHEET
}

/// Gives the key glyph, which is also the icon of the tab.
pub fn mark() -> &'static Asset {
    &MARK
}

/// Finds the asset with this path relative to the public base; an outdated fingerprint finds nothing.
pub fn find(path: &str) -> Option<&'static Asset> {
    [style_sheet(), mark()].into_iter().find(|asset| asset.path == path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_by_its_fingerprinted_path_only() {
        let path = &style_sheet().path;
        assert_eq!(path.len(), "assets/app-12345678.css".len());
        assert!(find(path).is_some_and(|asset| asset.content_type.starts_with("text/css")));
        assert!(find(&mark().path).is_some_and(|asset| asset.content_type == "image/svg+xml"));
        assert!(find("assets/app-00000000.css").is_none());
        assert!(find("assets/app.css").is_none());
    }

    #[test]
    fn assets_ask_nothing_of_another_site() {
        // WEB-05: no third-party request from a page that takes passwords.
        for asset in [style_sheet(), mark()] {
            let text = String::from_utf8_lossy(asset.bytes).replace("http://www.w3.org/2000/svg", "");
            for needle in ["//", "@import", "url(", "<script", "data:"] {
                assert!(!text.contains(needle), "{} holds {needle}", asset.path);
            }
        }
    }
}
