//! What people see of the policies: what a rule says, in the reader's language where the rule is ours, and what can be done.

use askama::Template;
use i18n_embed_fl::fl;

use super::{ClientView, Layout, ReturnLink};
use crate::domain::{
    amr::Acr,
    policy::{Violation, Violations},
};

/// Lists what the rules say. Ours are translated; a rule of the operator's own speaks for itself.
pub fn sentences(violations: &Violations, layout: &Layout) -> Vec<String> {
    let mut sentences: Vec<String> = violations.list.iter().map(|violation| sentence(violation, layout)).collect();
    sentences.dedup();
    sentences
}

fn sentence(violation: &Violation, layout: &Layout) -> String {
    let (messages, code) = (layout.loader(), &violation.code);
    let id = format!("policy-rule-{code}");
    if messages.has(&id) { messages.get(&id) } else { violation.msg.clone() }
}

/// The button by which an app is told that it gets nothing.
#[derive(Debug)]
pub struct Refuse {
    pub action: String,
    pub csrf: String,
    pub client: Option<ClientView>,
}

/// The page of what the rules of this service do not allow.
#[derive(Debug, Template)]
#[template(path = "policy/refused.html")]
pub struct RefusedPage {
    pub layout: Layout,
    pub violations: Violations,
    pub refuse: Option<Refuse>,
    /// Where the client waits for this answer, when nobody is signed in.
    pub return_link: Option<ReturnLink>,
    /// Where old devices are signed out, if there are too many.
    pub devices_href: Option<String>,
    /// Where somebody else signs in.
    pub switch_href: Option<String>,
}

impl RefusedPage {
    fn sentences(&self) -> Vec<String> {
        sentences(&self.violations, &self.layout)
    }

    /// The names of the rules, for whoever is asked for help.
    fn codes(&self) -> String {
        let mut codes: Vec<&str> = self.violations.list.iter().map(|violation| &*violation.code).collect();
        codes.dedup();
        codes.join(", ")
    }
}

/// The page for somebody who is asked for a factor that they do not have, with the way to get it.
#[derive(Debug, Template)]
#[template(path = "policy/lacking.html")]
pub struct LackingPage {
    pub layout: Layout,
    pub wanted: Acr,
    pub user_id: Option<String>,
    /// What waits for it.
    pub client: Option<ClientView>,
    pub security_href: String,
    pub switch_href: String,
}

impl LackingPage {
    fn is_passkey(&self) -> bool {
        self.wanted == Acr::PhishingResistant
    }
}

/// Says on the page where factors are set up why nothing else opens.
pub fn lacking_notice(wanted: Acr, layout: &Layout) -> String {
    match wanted {
        Acr::PhishingResistant => fl!(layout.loader(), "policy-lacking-notice-phr"),
        Acr::Mfa | Acr::Password => fl!(layout.loader(), "policy-lacking-notice-mfa"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::policy::Decision, language::Language};

    /// The names of our rules that refuse, as the files in `policies/` have them.
    fn codes() -> Vec<String> {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/policies")).expect("policies");
        let files = folder.map(|entry| entry.expect("a file").path());
        let ours = files.filter(|path| !path.to_string_lossy().ends_with("_test.rego"));
        let texts: Vec<String> = ours.map(|path| std::fs::read_to_string(path).expect("a policy")).collect();
        let rules = texts.iter().flat_map(|text| text.split("violation contains {").skip(1));
        let code = |rule: &str| Some(rule.split_once("\"code\": \"")?.1.split_once('"')?.0.to_owned());
        rules.filter_map(code).collect()
    }

    #[test]
    fn every_rule_of_ours_speaks_both_languages_and_one_of_the_operators_speaks_for_itself() {
        let violation = |code: &str| Violation { code: code.to_owned(), field: None, msg: "Their own.".to_owned() };
        let says = |code: &str, language: Language| {
            let violations = Violations { decision: Decision::Login, list: vec![violation(code)] };
            sentences(&violations, &Layout::new(language, "/", "Keymaker")).join(" ")
        };
        let codes = codes();
        assert!(codes.len() > 20, "{codes:?}");
        for code in &codes {
            let [english, french] = Language::ALL.map(|language| says(code, language));
            assert!(english != "Their own." && french != "Their own.", "{code} has no text");
            assert_ne!(english, french, "{code}");
        }
        for language in Language::ALL {
            assert_eq!(says("their-own", language), "Their own.");
            assert_eq!(says("refused-title", language), "Their own.", "what is no rule is no sentence of one");
        }
    }
}
