//! The languages that pages and mails speak, and the choice among them by `ui_locales`, then `Accept-Language` (WEB-10).
//! Owns no text: messages live in `i18n/`, and `fl!` checks their ids while compiling.

use std::{borrow::Cow, sync::LazyLock};

use i18n_embed::{I18nAssets, LanguageLoader, fluent::FluentLanguageLoader};
use i18n_embed_fl::fl;
use serde::{Deserialize, Serialize};

use crate::domain::time::Date;

/// A language in which everything is written that people read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    #[default]
    #[serde(rename = "en")]
    English,
    #[serde(rename = "fr")]
    French,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::English, Self::French];

    /// Gives the BCP 47 tag, for `<html lang>` and `ui_locales_supported`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// Gives the messages of this language, for `fl!`.
    pub fn loader(self) -> &'static FluentLanguageLoader {
        match self {
            Self::English => &ENGLISH,
            Self::French => &FRENCH,
        }
    }

    /// Writes a point in time in Unix milliseconds, to the minute and in UTC: nobody knows the reader's zone here.
    pub fn moment(self, at: i64) -> String {
        let Date { year, month, day, hour, minute } = Date::of(at);
        let time = format!("{hour:02}:{minute:02}");
        fl!(self.loader(), "moment", day = day, month = month, year = year.to_string(), time = time)
    }
}

/// Chooses the language of a page; what is malformed or unknown is passed over, never an error (spec 3.1 `ui_locales`).
pub fn negotiate(ui_locales: Option<&str>, accept_language: Option<&str>) -> Language {
    let preferences = preferences(ui_locales, accept_language);
    lookup(&preferences, Language::ALL.map(Language::tag))
        .and_then(|tag| Language::ALL.into_iter().find(|language| language.tag() == tag))
        .unwrap_or(Language::English)
}

/// Lists the reader's language tags, most wanted first, in lower case.
///
/// Those of languages that no page speaks stay in the list: a client may have a name in one of them (REG-08).
pub fn preferences(ui_locales: Option<&str>, accept_language: Option<&str>) -> Vec<String> {
    let asked = ui_locales.unwrap_or_default().split_ascii_whitespace().filter(|tag| is_tag(tag));
    let mut accepted: Vec<(u16, &str)> = accept_language
        .unwrap_or_default()
        .split(',')
        .filter_map(weighted_tag)
        .filter(|(weight, _)| *weight > 0)
        .collect();
    accepted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    asked.chain(accepted.into_iter().map(|(_, tag)| tag)).map(str::to_ascii_lowercase).collect()
}

/// Finds the offered tag that serves the reader best (RFC 4647 §3.4): for each preference the tag itself, then its prefixes.
pub fn lookup<'a>(preferences: &[String], offered: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let offered: Vec<&str> = offered.into_iter().collect();
    preferences.iter().find_map(|preference| {
        let prefixes =
            std::iter::successors(Some(preference.as_str()), |tag| tag.rsplit_once('-').map(|(parent, _)| parent));
        prefixes.filter_map(|prefix| offered.iter().find(|tag| tag.eq_ignore_ascii_case(prefix))).next().copied()
    })
}

/// Reads one member of `Accept-Language` (RFC 9110 §12.5.4) as a weight in thousandths and a tag.
fn weighted_tag(member: &str) -> Option<(u16, &str)> {
    let (tag, weight) = match member.split_once(';') {
        Some((tag, parameter)) => {
            let q: f32 = parameter.trim().strip_prefix("q=")?.trim().parse().ok()?;
            (tag, (0.0..=1.0).contains(&q).then_some((q * 1000.0) as u16)?)
        }
        None => (member, 1000),
    };
    let tag = tag.trim();
    is_tag(tag).then_some((weight, tag))
}

/// Tells whether this has the shape of a language tag (RFC 5646 §2.1); `*` has not, and so leaves the choice to the default.
fn is_tag(tag: &str) -> bool {
    !tag.is_empty()
        && tag.split('-').all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

static ENGLISH: LazyLock<FluentLanguageLoader> = LazyLock::new(|| load(Language::English));
static FRENCH: LazyLock<FluentLanguageLoader> = LazyLock::new(|| load(Language::French));

fn load(language: Language) -> FluentLanguageLoader {
    let loader = i18n_embed::fluent::fluent_language_loader!();
    let tag = language.tag().parse().expect("our own tags are well formed");
    loader.load_languages(&Messages, &[tag]).expect("both languages are compiled in");
    // Isolation marks would end up in the Matrix IDs and names that people copy from a page; templates use <bdi> instead.
    loader.set_use_isolating(false);
    loader
}

/// The message files by `include_bytes!`: the compiler then also knows that `fl!` must look at them again when they change.
struct Messages;

impl Messages {
    const FILES: [(&'static str, &'static [u8]); 2] = [
        ("en/keymaker.ftl", include_bytes!("../i18n/en/keymaker.ftl")),
        ("fr/keymaker.ftl", include_bytes!("../i18n/fr/keymaker.ftl")),
    ];
}

impl I18nAssets for Messages {
    fn get_files(&self, path: &str) -> Vec<Cow<'_, [u8]>> {
        Self::FILES.iter().filter(|(name, _)| *name == path).map(|(_, bytes)| Cow::Borrowed(*bytes)).collect()
    }

    fn filenames_iter(&self) -> Box<dyn Iterator<Item = String> + '_> {
        Box::new(Self::FILES.iter().map(|(name, _)| (*name).to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn ui_locales_come_before_accept_language_and_english_is_the_rest() {
        // WEB-10; spec 3.1: `ui_locales` must never produce an error.
        let table: &[(Option<&str>, Option<&str>, Language)] = &[
            (None, None, Language::English),
            (Some(""), Some(""), Language::English),
            (Some("fr"), Some("en"), Language::French),
            (Some("en"), Some("fr"), Language::English),
            (Some("de fr-CA en"), None, Language::French),
            (Some("fr-Latn-CA"), None, Language::French),
            (Some("FR"), None, Language::French),
            (Some("de"), Some("fr"), Language::French),
            (Some("../fr <script> \u{0}"), None, Language::English),
            (Some("frr"), None, Language::English),
            (None, Some("fr-FR,fr;q=0.9,en;q=0.8"), Language::French),
            (None, Some("en;q=0.4, fr;q=0.5"), Language::French),
            (None, Some("en;q=0.5, fr ; q=0.500"), Language::English),
            (None, Some("de, *;q=0.5"), Language::English),
            (None, Some("fr;q=0"), Language::English),
            (None, Some("fr;q=2, fr;q=x, fr;level=1"), Language::English),
            (None, Some("fr;q=NaN"), Language::English),
            (None, Some(",,;;q=,-"), Language::English),
        ];
        for (ui_locales, accept_language, expected) in table {
            assert_eq!(negotiate(*ui_locales, *accept_language), *expected, "{ui_locales:?} {accept_language:?}");
        }
    }

    #[test]
    fn a_localised_client_name_is_found_by_the_readers_preferences() {
        // REG-08: tags compare without regard to case; a longer preference accepts a shorter tag.
        let reader = preferences(Some("de-CH"), Some("fr;q=0.5, pt-BR;q=0.7"));
        assert_eq!(reader, ["de-ch", "pt-br", "fr"]);
        assert_eq!(lookup(&reader, ["fr", "DE"]), Some("DE"));
        assert_eq!(lookup(&reader, ["fr", "pt"]), Some("pt"));
        assert_eq!(lookup(&reader, ["pt-PT", "it"]), None);
    }

    /// Maps each message id to the variables that its text uses.
    fn messages(ftl: &str) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut current = String::new();
        for line in ftl.lines() {
            if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
                let (id, _) = line.split_once(" =").expect("a message");
                current = id.to_owned();
                assert!(found.insert(current.clone(), Vec::new()).is_none(), "{id} stands there twice");
            }
            for variable in line.split('$').skip(1) {
                let name: String = variable.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                let variables = found.entry(current.clone()).or_default();
                if !variables.contains(&name) {
                    variables.push(name);
                    variables.sort();
                }
            }
        }
        found
    }

    #[test]
    fn every_message_is_in_every_language_with_the_same_variables() {
        let [english, french] = Messages::FILES.map(|(_, bytes)| messages(std::str::from_utf8(bytes).expect("UTF-8")));
        assert!(english.len() > 100);
        assert_eq!(english, french);
        for language in Language::ALL {
            // `has` would be content with the English fallback of a French message that does not parse.
            let tag = language.tag().parse().expect("a tag");
            let parsed =
                language.loader().with_message_iter(&tag, |all| all.map(|m| m.id.name.to_owned()).collect::<Vec<_>>());
            for id in english.keys() {
                assert!(parsed.contains(id), "{id} of {language:?} does not parse");
            }
        }
        assert_ne!(Language::English.loader().get("login-title"), Language::French.loader().get("login-title"));
    }
}
