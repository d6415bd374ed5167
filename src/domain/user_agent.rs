//! What a `User-Agent` tells a person: roughly which browser or app, on what. Nothing is decided by it, since anybody can
//! send any; what is shown holds no address and no sentence of a stranger's.

/// A browser or an app, and what it runs on, as far as either can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub name: Option<String>,
    pub system: Option<&'static str>,
}

/// Marks of browsers, the more precise first: each but Firefox claims to be others as well.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// Marks of systems, the more precise first.
const SYSTEMS: [(&str, &str); 10] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("iOS", "iOS"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("macOS", "macOS"),
    ("Darwin", "macOS"),
    ("Linux", "Linux"),
];

const MAX_NAME_CHARS: usize = 32;

impl Program {
    /// Reads a header.
    pub fn of(user_agent: &str) -> Self {
        let system = SYSTEMS.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name);
        let product = user_agent.split('/').next().unwrap_or_default().trim();
        let name = match product {
            "Mozilla" | "Opera" => {
                BROWSERS.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| (*name).to_owned())
            }
            app => is_name(app).then(|| app.to_owned()),
        };
        Self { name, system }
    }
}

/// Tells whether the name of an app may be shown: a word or two, and nothing that a mail program makes a link of.
fn is_name(product: &str) -> bool {
    let is_short = (1..=MAX_NAME_CHARS).contains(&product.chars().count()) && product.split(' ').count() <= 3;
    is_short && product.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_or_an_app_is_told_roughly() {
        let table = [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", Some("Firefox"), Some("Linux")),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
                Some("Edge"),
                Some("Windows"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
                Some("Chrome"),
                Some("Android"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                Some("Safari"),
                Some("iOS"),
            ),
            ("Element X/25.10.0 (Google Pixel 9; Android 16; Sdk abc)", Some("Element X"), Some("Android")),
            ("Element/1.11 (iPhone 15; iOS 18.0; Scale/3.00)", Some("Element"), Some("iOS")),
            ("matrix-nio/0.25", Some("matrix-nio"), None),
            ("curl", Some("curl"), None),
            ("", None, None),
            ("http://evil.example/ now", None, None),
            ("Your account is in danger go to evil", None, None),
            ("evil.example/1.0 (Windows)", None, Some("Windows")),
            ("Mozilla/5.0", None, None),
        ];
        for (user_agent, name, system) in table {
            assert_eq!(Program::of(user_agent), Program { name: name.map(str::to_owned), system }, "{user_agent}");
        }
    }
}
