//! The report as one page that needs nothing else: it is kept, sent around and printed.

use askama::Template;

use super::{Purpose, Report};

/// Above that a list of names is folded up.
const FEW_NAMES: usize = 12;

#[derive(Template)]
#[template(path = "import/report.html")]
struct Page<'r> {
    report: &'r Report,
    occasion: &'static str,
    headline: &'static str,
    rest: &'static str,
}

impl Report {
    /// Gives the report as an HTML page without a script, which asks nobody for anything.
    ///
    /// # Errors
    /// When the page cannot be put together, which its types rule out.
    pub fn to_html(&self) -> Result<String, askama::Error> {
        let (headline, rest) = self.result();
        let occasion = match self.purpose {
            Purpose::Check => "Check of a Synapse",
            Purpose::DryRun => "Dry run of an import from Synapse",
            Purpose::Import => "Import from Synapse",
        };
        Page { report: self, occasion, headline, rest }.render()
    }
}

/// Tells the prose of a sentence from what stands between backticks in it, in turn.
fn spans(text: &str) -> impl Iterator<Item = (bool, &str)> {
    text.split('`').enumerate().map(|(index, span)| (index % 2 == 1, span)).filter(|(_, span)| !span.is_empty())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Advice, Change, Count, Kind, Left, Place, Reason};
    use super::*;

    fn report() -> Report {
        let mut report = Report {
            purpose: Purpose::Import,
            source: "Read: <i>a test</i>".to_owned(),
            target: Some("a & b".to_owned()),
            took: Some(Duration::from_secs(3)),
            ..Report::default()
        };
        report.counts.extend([(Count::Users, 1_234_567), (Count::Locked, 7_654), (Count::Devices, 2_345_678)]);
        report.left.insert((Left::Expired, Kind::AccessToken), 4_321);
        report.changes.insert((Kind::User, Change::Added), 87_654);
        for index in 0..1_150 {
            report.skip(Reason::ForeignServer, Kind::User, || format!("@u{index}:elsewhere"));
        }
        report
            .skip(Reason::NoMatrixId, Kind::User, || "</li><script>alert(1)</script>\"'><img src=x>\u{1b}".to_owned());
        report.advice.push(Advice {
            place: Place::Homeserver,
            key: "<b>key</b>".to_owned(),
            text: "write `<u>` there".to_owned(),
            yaml: Some("a: \"</pre><script>\"".to_owned()),
            is_due: false,
        });
        report
    }

    #[test]
    fn what_people_called_themselves_stays_text() {
        let page = report().to_html().unwrap();
        for tag in ["<script", "<img", "<i>", "<b>", "<u>", "</pre><", "\u{1b}"] {
            assert!(!page.contains(tag), "{tag} in\n{page}");
        }
        for text in ["&#60;script&#62;alert(1)", "\\u{1b}", "a &#38; b", "<code>&#60;u&#62;</code>"] {
            assert!(page.contains(text), "no {text} in\n{page}");
        }
    }

    #[test]
    fn the_page_needs_nothing_from_anywhere() {
        let page = report().to_html().unwrap();
        for reference in ["://", "<link", "url(", "@import"] {
            assert!(!page.contains(reference), "{reference} in\n{page}");
        }
        let mut tags = page.split('<').filter_map(|rest| rest.split('>').next());
        assert!(tags.all(|tag| !tag.contains("src=") && !tag.replace("href=\"#", "").contains("href=")), "{page}");
        let targets: Vec<&str> = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(targets, ["counts", "changes", "left", "skipped", "advice-1", "next"]);
        for target in targets {
            assert_eq!(page.matches(&format!(" id=\"{target}\"")).count(), 1, "{target}");
        }
    }

    #[test]
    fn the_page_says_what_the_text_says() {
        let due = Advice {
            place: Place::Keymaker,
            key: "matrix.homeserver".to_owned(),
            text: "is wrong".to_owned(),
            yaml: None,
            is_due: true,
        };
        for report in [
            report(),
            Report { is_strict: true, ..report() },
            Report { advice: vec![due], ..report() },
            Report { purpose: Purpose::DryRun, is_first: true, verified: Some(98_765), ..report() },
            Report { purpose: Purpose::Check, skipped: Default::default(), ..report() },
        ] {
            let page = report.to_html().unwrap();
            let plain: String = page.split('<').filter_map(|tag| tag.split_once('>')).map(|(_, text)| text).collect();
            let plain = plain.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&");
            let plain = plain.replace("&#34;", "\"").replace("&#39;", "'");
            let told: Vec<&str> = plain.split_whitespace().collect();
            for word in report.to_string().split_whitespace() {
                let bare = word.trim_end_matches([':', '.']).replace('`', "");
                let is_told = told.iter().any(|other| other.contains(&bare));
                // The text numbers the steps and marks what comes first in its own way.
                assert!(is_told || bare.parse::<u8>().is_ok(), "no {word} in\n{plain}");
            }
        }
    }
}
