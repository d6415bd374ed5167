//! What the pages show that are about the account as a whole: its home, the profile, devices and apps, and its end.

use askama::Template;
use http::StatusCode;
use i18n_embed_fl::fl;

use super::{Access, Layout, Moment, authorization::AllowedView};
use crate::domain::{amr::Amr, user_agent::Program};

/// The home of somebody who is signed in: the way to every other page.
#[derive(Debug, Template)]
#[template(path = "account/home.html")]
pub struct AccountPage {
    pub layout: Layout,
    pub display_name: Option<String>,
    pub user_id: String,
    pub notice: Option<String>,
    /// The address of this page, to which the names of the others are added.
    pub base_href: String,
    pub logout_action: String,
    pub csrf: String,
}

/// Why a form of the profile was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeError {
    /// The homeserver does not answer.
    Unavailable,
    NameMissing,
}

impl ChangeError {
    /// Gives the status of the page that shows it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::NameMissing => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    fn text(self, layout: &Layout) -> String {
        match self {
            Self::Unavailable => fl!(layout.loader(), "account-error-unavailable"),
            Self::NameMissing => fl!(layout.loader(), "device-error-name-missing"),
        }
    }
}

/// The page of what others see of a person.
#[derive(Debug, Template)]
#[template(path = "account/profile.html")]
pub struct ProfilePage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub user_id: String,
    pub display_name: String,
    pub is_done: bool,
    /// The homeserver, where the name is, did not tell it.
    pub is_uncertain: bool,
    pub error: Option<ChangeError>,
    pub emails_href: String,
    pub back_href: String,
}

/// What is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    Browser,
    App,
    /// Signed in by the homeserver's own login API instead of OAuth.
    OlderApp,
}

/// A session as its owner sees it. Names and hosts are other people's text.
#[derive(Debug)]
pub struct SessionView {
    pub sort: Sort,
    /// What an app calls itself; that of an older one is what it calls its device.
    pub name: Option<String>,
    /// Where the app is from.
    pub host: Option<String>,
    pub device_id: Option<String>,
    /// What the device is called, where that is not the name already.
    pub device_name: Option<String>,
    pub program: Option<Program>,
    pub created_at: Moment,
    pub last_active_at: Moment,
    pub ip: Option<String>,
    pub is_current: bool,
    pub href: String,
    pub end_href: String,
}

impl SessionView {
    pub(crate) fn title(&self, layout: &Layout) -> String {
        let messages = layout.loader();
        match (&self.name, self.sort) {
            (Some(name), _) => name.clone(),
            (None, Sort::Browser) => self.origin(layout).unwrap_or_else(|| fl!(messages, "device-browser")),
            (None, _) => fl!(messages, "account-unnamed-client"),
        }
    }

    /// Says which program it was on what, as far as that is known.
    fn origin(&self, layout: &Layout) -> Option<String> {
        let (messages, program) = (layout.loader(), self.program.as_ref()?);
        Some(match (program.name.as_deref(), program.system) {
            (Some(program), Some(system)) => {
                fl!(messages, "event-program-on-system", program = program, system = system)
            }
            (Some(program), None) => program.to_owned(),
            (None, Some(system)) => fl!(messages, "event-program-unknown-on-system", system = system),
            (None, None) => return None,
        })
    }

    /// The same where the title does not say it.
    fn origin_beside_title(&self, layout: &Layout) -> Option<String> {
        self.origin(layout).filter(|origin| *origin != self.title(layout))
    }

    /// Where it was last seen, in a line of a list.
    fn place(&self, layout: &Layout) -> Option<String> {
        match (self.origin_beside_title(layout), &self.ip) {
            (Some(origin), Some(ip)) => Some(format!("{origin} · {ip}")),
            (origin, ip) => origin.or(ip.clone()),
        }
    }

    fn sort_words(&self, layout: &Layout) -> String {
        let messages = layout.loader();
        match (self.sort, &self.device_id) {
            (Sort::Browser, _) => fl!(messages, "device-sort-browser"),
            (Sort::App, Some(_)) => fl!(messages, "device-sort-app"),
            (Sort::App, None) => fl!(messages, "device-sort-website"),
            (Sort::OlderApp, _) => fl!(messages, "device-sort-older-app"),
        }
    }

    fn is_older_app(&self) -> bool {
        self.sort == Sort::OlderApp
    }
}

/// The page of everything that is signed in.
#[derive(Debug, Template)]
#[template(path = "account/devices.html")]
pub struct DevicesPage {
    pub layout: Layout,
    pub notice: Option<String>,
    /// On the first page, the browser that looks.
    pub current: Option<SessionView>,
    pub sessions: Vec<SessionView>,
    pub more_href: Option<String>,
    /// Absent on the first page.
    pub first_href: Option<String>,
    pub end_others_href: String,
    pub back_href: String,
}

/// The page of one session.
#[derive(Debug, Template)]
#[template(path = "account/device.html")]
pub struct DevicePage {
    pub layout: Layout,
    pub notice: Option<String>,
    pub session: SessionView,
    pub amr: Option<Amr>,
    pub access: Vec<Access>,
    /// Present where there is a device that can be renamed.
    pub rename: Option<Rename>,
    pub csrf: String,
    pub list_href: String,
}

/// The form that renames a device.
#[derive(Debug)]
pub struct Rename {
    pub action: String,
    pub name: String,
    pub error: Option<ChangeError>,
}

impl DevicePage {
    /// Says that the device was renamed.
    pub fn renamed(layout: &Layout) -> String {
        fl!(layout.loader(), "device-renamed")
    }

    fn is_app_without_device(&self) -> bool {
        self.session.sort == Sort::App && self.session.device_id.is_none()
    }

    fn has_error(&self) -> bool {
        self.rename.as_ref().is_some_and(|rename| rename.error.is_some())
    }

    /// Says how the person signed in there; nothing when that was not noted.
    fn authentication(&self) -> Option<String> {
        let messages = self.layout.loader();
        let amr = self.amr.as_ref()?;
        let has = |method: &str| amr.as_str().split(' ').any(|known| known == method);
        Some(match (has("hwk") || has("swk"), has("otp"), has("pwd")) {
            (true, ..) => fl!(messages, "device-by-passkey"),
            (_, true, _) => fl!(messages, "device-by-password-and-code"),
            (_, _, true) => fl!(messages, "device-by-password"),
            _ => return None,
        })
    }

    fn may(&self) -> Vec<String> {
        let administration = self.access.contains(&Access::ServerAdministration);
        let administration = administration.then(|| fl!(self.layout.loader(), "device-administration"));
        self.access.iter().flat_map(|access| access.sentences(&self.layout)).chain(administration).collect()
    }
}

/// The page of apps that know who somebody is and hold no device.
#[derive(Debug, Template)]
#[template(path = "account/apps.html")]
pub struct AppsPage {
    pub layout: Layout,
    pub notice: Option<String>,
    pub allowed: Vec<AllowedView>,
    pub sessions: Vec<SessionView>,
    pub more_href: Option<String>,
    pub first_href: Option<String>,
    pub devices_href: String,
    pub back_href: String,
}

/// The form that ends an account.
#[derive(Debug, Template)]
#[template(path = "account/deactivate.html")]
pub struct DeactivatePage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub proof: String,
    pub user_id: String,
    pub username: String,
    /// What was typed instead.
    pub typed: Option<String>,
    pub erase: bool,
    pub back_href: String,
}

/// What came of something, where no other page says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    NoDevice,
    ResetUnavailable,
    ResetTooOften,
    Deactivated,
}

impl Outcome {
    fn title(self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::NoDevice => fl!(messages, "device-none-title"),
            Self::ResetUnavailable | Self::ResetTooOften => fl!(messages, "reset-failed-title"),
            Self::Deactivated => fl!(messages, "deactivated-title"),
        }
    }

    fn sentences(self, layout: &Layout) -> Vec<String> {
        let messages = layout.loader();
        match self {
            Self::NoDevice => vec![fl!(messages, "device-none-text"), fl!(messages, "device-none-others")],
            Self::ResetUnavailable => vec![fl!(messages, "reset-unavailable-text")],
            Self::ResetTooOften => vec![fl!(messages, "reset-too-often-text")],
            Self::Deactivated => vec![fl!(messages, "deactivated-text"), fl!(messages, "deactivated-close")],
        }
    }

    fn link(self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::NoDevice => fl!(messages, "device-all"),
            Self::ResetUnavailable => fl!(messages, "reset-again"),
            Self::ResetTooOften | Self::Deactivated => fl!(messages, "account-back"),
        }
    }
}

/// The page that tells an outcome, with where one may go from there.
#[derive(Debug, Template)]
#[template(path = "account/outcome.html")]
pub struct OutcomePage {
    pub layout: Layout,
    pub outcome: Outcome,
    pub href: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    const HOSTILE: &str = "\"'><script>alert(1)</script>&{$x}";

    fn layout(language: Language) -> Layout {
        Layout::new(language, "/auth/", HOSTILE)
    }

    fn session(sort: Sort, is_full: bool) -> SessionView {
        let some = || is_full.then(|| HOSTILE.to_owned());
        SessionView {
            sort,
            name: some(),
            host: some(),
            device_id: some(),
            device_name: some(),
            program: is_full.then(|| Program { name: some(), system: Some("Linux") }),
            created_at: Moment(0),
            last_active_at: Moment(i64::MAX),
            ip: some(),
            is_current: is_full && sort == Sort::Browser,
            href: HOSTILE.to_owned(),
            end_href: HOSTILE.to_owned(),
        }
    }

    fn sessions() -> Vec<SessionView> {
        let sorts = [Sort::Browser, Sort::App, Sort::OlderApp];
        sorts.into_iter().flat_map(|sort| [session(sort, true), session(sort, false)]).collect()
    }

    /// Renders every page with as much hostile text as its types let in.
    fn every_page(language: Language) -> Vec<String> {
        let (hostile, some) = (|| HOSTILE.to_owned(), || Some(HOSTILE.to_owned()));
        let layout = || layout(language);
        let mut pages = vec![
            AccountPage {
                layout: layout(),
                display_name: some(),
                user_id: hostile(),
                notice: some(),
                base_href: hostile(),
                logout_action: hostile(),
                csrf: hostile(),
            }
            .render(),
            DevicesPage {
                layout: layout(),
                notice: some(),
                current: Some(session(Sort::Browser, true)),
                sessions: sessions(),
                more_href: some(),
                first_href: some(),
                end_others_href: hostile(),
                back_href: hostile(),
            }
            .render(),
            DevicesPage {
                layout: layout(),
                notice: None,
                current: None,
                sessions: Vec::new(),
                more_href: None,
                first_href: None,
                end_others_href: hostile(),
                back_href: hostile(),
            }
            .render(),
        ];
        for sessions in [sessions(), Vec::new()] {
            let allowed = AllowedView {
                name: Some(HOSTILE.to_owned()),
                destination: HOSTILE.to_owned(),
                access: vec![Access::Openid, Access::Email],
                since: Moment(0),
                withdraw_href: HOSTILE.to_owned(),
            };
            let page = AppsPage {
                allowed: vec![allowed],
                layout: layout(),
                notice: some(),
                sessions,
                more_href: some(),
                first_href: None,
                devices_href: hostile(),
                back_href: hostile(),
            };
            pages.push(page.render());
        }
        for error in [None, Some(ChangeError::Unavailable), Some(ChangeError::NameMissing)] {
            let page = ProfilePage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                user_id: hostile(),
                display_name: hostile(),
                is_done: error.is_none(),
                is_uncertain: error.is_some(),
                error,
                emails_href: hostile(),
                back_href: hostile(),
            };
            pages.push(page.render());
            for session in sessions() {
                let page = DevicePage {
                    layout: layout(),
                    notice: some(),
                    session,
                    amr: Some(Amr::password_and_code()),
                    access: vec![
                        Access::Matrix { device_id: hostile() },
                        Access::ServerAdministration,
                        Access::Openid,
                        Access::Profile,
                        Access::Email,
                    ],
                    rename: Some(Rename { action: hostile(), name: hostile(), error }),
                    csrf: hostile(),
                    list_href: hostile(),
                };
                pages.push(page.render());
            }
        }
        for typed in [None, some()] {
            let page = DeactivatePage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                proof: hostile(),
                user_id: hostile(),
                username: hostile(),
                erase: typed.is_some(),
                typed,
                back_href: hostile(),
            };
            pages.push(page.render());
        }
        for outcome in [Outcome::NoDevice, Outcome::ResetUnavailable, Outcome::ResetTooOften, Outcome::Deactivated] {
            pages.push(OutcomePage { layout: layout(), outcome, href: some() }.render());
        }
        pages.into_iter().map(|page| page.expect("a page")).collect()
    }

    #[test]
    fn no_page_of_the_account_lets_foreign_text_become_markup() {
        // WEB-07, WEB-03
        for language in Language::ALL {
            for page in every_page(language) {
                let lower = page.to_lowercase();
                for needle in ["<script", "javascript:", "<style", " style=", " onclick", "alert(1)</"] {
                    assert!(!lower.contains(needle), "{needle} in {page}");
                }
                assert!(!page.contains("\"'>"), "an attribute was left: {page}");
            }
        }
    }

    #[test]
    fn every_page_of_the_account_is_whole_and_in_the_readers_language() {
        // WEB-10
        let sentences = |page: &str| -> Vec<String> {
            let words = page.split(['<', '>']).step_by(2).map(|text| text.trim().to_owned());
            words.filter(|text| text.len() > 12 && text.contains(' ') && !text.contains("alert(1)")).collect()
        };
        for (english, french) in every_page(Language::English).iter().zip(&every_page(Language::French)) {
            for page in [english, french] {
                assert_eq!(page.matches("<h1").count(), 1, "{page}");
                assert_eq!(page.matches(" method=\"post\"").count(), page.matches("name=\"csrf\"").count(), "{page}");
                assert!(!page.contains("No localization") && !page.replace("{$x}", "").contains("{$"), "{page}");
                assert!(page.matches(" autofocus").count() <= 1, "{page}");
                for (at, _) in page.match_indices("aria-describedby=\"") {
                    let ids = page[at + 18..].split('"').next().unwrap_or_default();
                    assert!(ids.split(' ').all(|id| page.contains(&format!("id=\"{id}\""))), "{ids} in {page}");
                }
            }
            for sentence in sentences(english) {
                assert!(!sentences(french).contains(&sentence), "{sentence}");
            }
        }
    }

    #[test]
    fn a_session_is_called_by_what_is_known_of_it() {
        let layout = layout(Language::English);
        let named = |sort, name: Option<&str>, user_agent: Option<&str>| SessionView {
            name: name.map(str::to_owned),
            program: user_agent.map(Program::of),
            ..session(sort, false)
        };
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        for (view, title, place) in [
            (named(Sort::App, Some("Chat"), Some(firefox)), "Chat", Some("Firefox on Linux")),
            (named(Sort::App, None, Some("?")), "Unnamed app", None),
            (named(Sort::OlderApp, Some("Phone"), None), "Phone", None),
            (named(Sort::Browser, None, Some(firefox)), "Firefox on Linux", None),
            (named(Sort::Browser, None, Some("(Windows)")), "A program on Windows", None),
            (named(Sort::Browser, None, Some("?")), "A browser", None),
            (named(Sort::Browser, None, None), "A browser", None),
        ] {
            assert_eq!((view.title(&layout).as_str(), view.place(&layout).as_deref()), (title, place), "{view:?}");
        }
    }
}
