//! What each page shows: one askama struct per page and the plain data in it, already decided by the handlers.
//! Owns no request, no storage and no policy. Names, hosts and hints are other people's text: templates escape them,
//! and only the types below become links (WEB-07).

use askama::Template;
use i18n_embed::fluent::FluentLanguageLoader;
use i18n_embed_fl::fl;
use url::{Host, Url};
use zxcvbn::feedback::{Suggestion, Warning};

use super::assets;
use crate::{
    domain::{
        factor::FactorProblem, policy::Violations, redirect_uri::is_run_by_browsers, time::Date, user::UsernameProblem,
    },
    flows::{authorize, password::PasswordProblem},
    language::Language,
};

/// Gives a message in the language of a page; the id and the arguments are checked while compiling.
macro_rules! text {
    ($page:tt, $($message:tt)+) => { fl!($page.layout.loader(), $($message)+) };
}

pub mod account;
pub mod authorization;
pub mod captcha;
pub mod emails;
pub mod events;
pub mod limits;
pub mod link;
pub mod logout;
pub mod policy;
pub mod recover;
pub mod security;
pub mod signup;
pub mod upstream;

use captcha::{CaptchaError, CaptchaView};
use limits::wait_text;
use security::PasskeyForm;
use signup::TokenField;

/// What surrounds every page.
#[derive(Clone, Debug)]
pub struct Layout {
    pub language: Language,
    pub css_href: String,
    pub service_name: String,
    pub policy_uri: Option<HttpsLink>,
    pub tos_uri: Option<HttpsLink>,
    /// A line of the operator's own, such as a company name.
    pub imprint: Option<String>,
}

impl Layout {
    /// Makes the plain layout of a service with this public base: its path (`/`, or `/auth/`), or all of it
    /// (`https://auth.example.com/`) for a page that is shown on another host, such as the homeserver's.
    pub fn new(language: Language, base: &str, service_name: impl Into<String>) -> Self {
        let base = base.trim_end_matches('/');
        Self {
            language,
            css_href: format!("{base}/{}", assets::style_sheet().path),
            service_name: service_name.into(),
            policy_uri: None,
            tos_uri: None,
            imprint: None,
        }
    }

    /// Gives the key glyph, and the same as the address of the tab's icon.
    fn mark(&self) -> &'static str {
        assets::MARK
    }

    fn mark_uri(&self) -> &'static str {
        assets::mark_uri()
    }

    fn send_script(&self) -> &'static str {
        assets::send_script().text
    }

    fn passkey_script(&self) -> &'static str {
        assets::passkey_script().text
    }

    fn loader(&self) -> &'static FluentLanguageLoader {
        self.language.loader()
    }
}

/// A web address that may become a link: https with a host, and nothing else (WEB-07).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpsLink {
    href: String,
    host: String,
}

impl HttpsLink {
    /// Accepts an absolute https URL without credentials in it; gives nothing for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let plain = url.scheme() == "https" && url.username().is_empty() && url.password().is_none();
        let host = url.host_str()?.to_owned();
        plain.then(|| Self { href: url.into(), host })
    }
}

/// Where a redirect URI leads, as far as it can be known from the URI itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// A site; the host is in its ASCII form, so that look-alike letters show.
    Website { host: String },
    /// An installed app that owns a private-use scheme (RFC 8252 §7.1).
    App { scheme: String },
    /// Whatever listens on a loopback port (RFC 8252 §7.3): nothing vouches for its name.
    Loopback,
}

impl Destination {
    /// Reads the destination of a redirect URI; gives nothing where a browser would run or read the URI itself.
    pub fn of(redirect_uri: &str) -> Option<Self> {
        let url = Url::parse(redirect_uri).ok()?;
        match url.scheme() {
            // The schemes that name a host, whatever the browser then does with them.
            "http" | "https" | "ftp" | "ws" | "wss" => Some(match url.host()? {
                Host::Domain("localhost") => Self::Loopback,
                Host::Ipv4(address) if address.is_loopback() => Self::Loopback,
                Host::Ipv6(address) if address.is_loopback() => Self::Loopback,
                // A port of its own may be somebody else's site.
                host => Self::Website {
                    host: match url.port() {
                        Some(port) => format!("{host}:{port}"),
                        None => host.to_string(),
                    },
                },
            }),
            scheme if is_run_by_browsers(scheme) => None,
            scheme => Some(Self::App { scheme: scheme.to_owned() }),
        }
    }

    /// Names the destination on its own, as the verified part of a client (CNS-01).
    fn name(&self, layout: &Layout) -> String {
        match self {
            Self::Website { host } => host.clone(),
            Self::App { scheme } => scheme.clone(),
            Self::Loopback => fl!(layout.loader(), "destination-loopback-name"),
        }
    }

    fn is_app(&self) -> bool {
        matches!(self, Self::App { .. })
    }

    /// Says in the middle of a sentence where one goes.
    fn phrase(&self, layout: &Layout) -> String {
        match self {
            Self::Website { host } => host.clone(),
            Self::App { scheme } => {
                fl!(layout.loader(), "destination-app", scheme = scheme.as_str())
            }
            Self::Loopback => fl!(layout.loader(), "destination-loopback"),
        }
    }
}

/// A way back to a client, which a person takes by pressing it (AUT-10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnLink {
    href: String,
    /// What a form carries there; nothing where it is a link.
    fields: Option<Vec<(&'static str, String)>>,
    destination: Destination,
}

impl ReturnLink {
    /// Makes the way back to this redirect URI with its response parameters, which the caller has checked against the
    /// registered ones; gives nothing where [`Destination::of`] gives nothing.
    pub fn to(uri: impl Into<String>) -> Option<Self> {
        let href = uri.into();
        let destination = Destination::of(&href)?;
        Some(Self { href, fields: None, destination })
    }

    /// Makes the way back that takes an answer along, in the mode in which the client wants it.
    pub fn of(response: &authorize::Response) -> Option<Self> {
        match response.location() {
            Some(location) => Self::to(location),
            None => Some(Self { fields: Some(response.params.clone()), ..Self::to(&response.redirect_uri)? }),
        }
    }
}

/// A client as far as its user can judge it: the name it claims, and where the answer really goes.
#[derive(Clone, Debug)]
pub struct ClientView {
    pub name: Option<String>,
    pub destination: Destination,
}

/// An account that this browser is signed in to already.
#[derive(Clone, Debug)]
pub struct ContinueAs {
    pub user_id: String,
    pub href: String,
}

/// Why a login was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginError {
    WrongCredentials,
    Locked,
    Deactivated,
    AwaitingApproval,
    Busy,
    FormExpired,
    TooLong,
    Wait { seconds: i64 },
    Factor(FactorProblem),
    Captcha(CaptchaError),
}

impl LoginError {
    fn text(self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::WrongCredentials => fl!(messages, "login-error-wrong-credentials"),
            Self::Locked => fl!(messages, "login-error-locked"),
            Self::Deactivated => fl!(messages, "login-error-deactivated"),
            Self::AwaitingApproval => fl!(messages, "signup-login-waiting"),
            Self::Busy => fl!(messages, "form-error-busy"),
            Self::FormExpired => fl!(messages, "form-error-expired"),
            Self::TooLong => fl!(messages, "login-error-too-long"),
            Self::Wait { seconds } => wait_text(seconds, layout),
            Self::Factor(problem) => security::factor_text(problem, layout),
            Self::Captcha(error) => error.text(layout),
        }
    }
}

/// Why somebody sees the login page who may not have expected it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginNotice {
    /// PRM-03: sign-up was asked for and is closed.
    RegistrationClosed,
    /// PRM-02, PRM-04: the client wants the password again, or a policy does.
    Reauthenticate,
    /// The login is not strong enough, and the person can do more.
    WithSecondFactor,
    WithPasskey,
}

impl LoginNotice {
    fn text(self, layout: &Layout) -> String {
        match self {
            Self::RegistrationClosed => fl!(layout.loader(), "login-notice-registration-closed"),
            Self::Reauthenticate => fl!(layout.loader(), "login-notice-reauthenticate"),
            Self::WithSecondFactor => fl!(layout.loader(), "policy-login-notice-mfa"),
            Self::WithPasskey => fl!(layout.loader(), "policy-login-notice-phr"),
        }
    }
}

/// The page that asks for a user name and a password.
#[derive(Debug, Template)]
#[template(path = "login/login.html")]
pub struct LoginPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub username: String,
    /// Whether people sign in with a password.
    pub has_password: bool,
    pub providers: Vec<upstream::ProviderView>,
    pub error: Option<LoginError>,
    pub notice: Option<LoginNotice>,
    pub client: Option<ClientView>,
    pub register_href: Option<String>,
    pub continue_as: Option<ContinueAs>,
    pub passkey: Option<PasskeyForm>,
    pub captcha: Option<CaptchaView>,
    /// Where somebody goes who forgot the password; absent where no mail is sent.
    pub recover_href: Option<String>,
}

/// How hard a password is to guess, as zxcvbn estimates it.
#[derive(Clone, Debug)]
pub struct PasswordStrength {
    score: u8,
    warning: Option<Warning>,
    suggestions: Vec<Suggestion>,
}

impl From<&zxcvbn::Entropy> for PasswordStrength {
    fn from(entropy: &zxcvbn::Entropy) -> Self {
        Self {
            score: entropy.score().into(),
            warning: entropy.feedback().and_then(|feedback| feedback.warning()),
            suggestions: entropy.feedback().map(|feedback| feedback.suggestions().to_vec()).unwrap_or_default(),
        }
    }
}

impl PasswordStrength {
    /// Makes a strength without advice, from 0 (guessed at once) to 4 (out of reach).
    pub fn of_score(score: u8) -> Self {
        Self { score: score.min(4), warning: None, suggestions: Vec::new() }
    }

    /// Gives how much of five the meter is filled: even the weakest password shows something.
    fn level(&self) -> u8 {
        self.score + 1
    }

    fn words(&self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self.score {
            0 => fl!(messages, "strength-very-weak"),
            1 => fl!(messages, "strength-weak"),
            2 => fl!(messages, "strength-fair"),
            3 => fl!(messages, "strength-good"),
            _ => fl!(messages, "strength-strong"),
        }
    }

    /// Lists what is wrong with the password and what would help, in the reader's language.
    fn advice(&self, layout: &Layout) -> Vec<String> {
        let warning = self.warning.map(|warning| warning_text(warning, layout));
        warning
            .into_iter()
            .chain(self.suggestions.iter().map(|suggestion| suggestion_text(*suggestion, layout)))
            .collect()
    }
}

fn warning_text(warning: Warning, layout: &Layout) -> String {
    let messages = layout.loader();
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess => fl!(messages, "warning-straight-rows"),
        Warning::ShortKeyboardPatternsAreEasyToGuess => fl!(messages, "warning-keyboard-patterns"),
        Warning::RepeatsLikeAaaAreEasyToGuess => fl!(messages, "warning-repeats"),
        Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            fl!(messages, "warning-repeated-groups")
        }
        Warning::ThisIsATop10Password => fl!(messages, "warning-top-10"),
        Warning::ThisIsATop100Password => fl!(messages, "warning-top-100"),
        Warning::ThisIsACommonPassword => fl!(messages, "warning-common"),
        Warning::ThisIsSimilarToACommonlyUsedPassword => fl!(messages, "warning-similar-to-common"),
        Warning::SequencesLikeAbcAreEasyToGuess => fl!(messages, "warning-sequences"),
        Warning::RecentYearsAreEasyToGuess => fl!(messages, "warning-recent-years"),
        Warning::AWordByItselfIsEasyToGuess => fl!(messages, "warning-single-word"),
        Warning::DatesAreOftenEasyToGuess => fl!(messages, "warning-dates"),
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess => fl!(messages, "warning-single-name"),
        Warning::CommonNamesAndSurnamesAreEasyToGuess => fl!(messages, "warning-common-names"),
    }
}

fn suggestion_text(suggestion: Suggestion, layout: &Layout) -> String {
    let messages = layout.loader();
    match suggestion {
        Suggestion::UseAFewWordsAvoidCommonPhrases => fl!(messages, "suggestion-few-words"),
        Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters => {
            fl!(messages, "suggestion-no-symbols-needed")
        }
        Suggestion::AddAnotherWordOrTwo => fl!(messages, "suggestion-add-words"),
        Suggestion::CapitalizationDoesntHelpVeryMuch => fl!(messages, "suggestion-capitals"),
        Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => {
            fl!(messages, "suggestion-all-uppercase")
        }
        Suggestion::ReversedWordsArentMuchHarderToGuess => fl!(messages, "suggestion-reversed"),
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => {
            fl!(messages, "suggestion-substitutions")
        }
        Suggestion::UseALongerKeyboardPatternWithMoreTurns => {
            fl!(messages, "suggestion-longer-pattern")
        }
        Suggestion::AvoidRepeatedWordsAndCharacters => fl!(messages, "suggestion-avoid-repeats"),
        Suggestion::AvoidSequences => fl!(messages, "suggestion-avoid-sequences"),
        Suggestion::AvoidRecentYears => fl!(messages, "suggestion-avoid-recent-years"),
        Suggestion::AvoidYearsThatAreAssociatedWithYou => {
            fl!(messages, "suggestion-avoid-own-years")
        }
        Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => {
            fl!(messages, "suggestion-avoid-own-dates")
        }
    }
}

fn username_text(problem: UsernameProblem, layout: &Layout) -> String {
    let messages = layout.loader();
    match problem {
        UsernameProblem::Empty => fl!(messages, "username-error-empty"),
        UsernameProblem::Invalid => fl!(messages, "username-error-invalid"),
        UsernameProblem::TooLong => fl!(messages, "username-error-too-long"),
        UsernameProblem::Reserved => fl!(messages, "username-error-reserved"),
        UsernameProblem::Taken => fl!(messages, "username-error-taken"),
    }
}

/// Why a name cannot be chosen.
#[derive(Clone, Debug)]
pub enum UsernameError {
    Problem(UsernameProblem),
    Policy(Violations),
}

impl UsernameError {
    fn text(&self, layout: &Layout) -> String {
        match self {
            Self::Problem(problem) => username_text(*problem, layout),
            Self::Policy(violations) => policy::sentences(violations, layout).join(" "),
        }
    }
}

/// Why a password cannot be chosen.
#[derive(Clone, Debug)]
pub enum PasswordError {
    Empty,
    TooShort,
    TooWeak(PasswordStrength),
    TooLong,
    Policy(Violations),
}

impl From<PasswordProblem> for PasswordError {
    fn from(problem: PasswordProblem) -> Self {
        match problem {
            PasswordProblem::Empty => Self::Empty,
            PasswordProblem::TooShort => Self::TooShort,
            PasswordProblem::TooWeak(entropy) => Self::TooWeak(PasswordStrength::from(&*entropy)),
            PasswordProblem::TooLong => Self::TooLong,
            PasswordProblem::Policy(violations) => Self::Policy(violations),
        }
    }
}

impl PasswordError {
    fn text(&self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::Empty => fl!(messages, "password-error-empty"),
            Self::TooShort => fl!(messages, "password-error-too-short"),
            Self::TooWeak(_) => fl!(messages, "password-error-too-weak"),
            Self::TooLong => fl!(messages, "password-error-too-long"),
            Self::Policy(violations) => policy::sentences(violations, layout).join(" "),
        }
    }
}

/// Why sign-up cannot go on just now, whatever was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegisterError {
    Busy,
    /// The homeserver does not answer.
    Unavailable,
    FormExpired,
    TermsNotAgreed,
    Captcha(CaptchaError),
    Wait {
        seconds: i64,
    },
}

impl RegisterError {
    fn text(self, layout: &Layout) -> String {
        match self {
            Self::Busy => fl!(layout.loader(), "form-error-busy"),
            Self::Unavailable => fl!(layout.loader(), "register-error-unavailable"),
            Self::FormExpired => fl!(layout.loader(), "form-error-expired"),
            Self::TermsNotAgreed => fl!(layout.loader(), "register-error-terms"),
            Self::Captcha(error) => error.text(layout),
            Self::Wait { seconds } => wait_text(seconds, layout),
        }
    }
}

/// The first page of sign-up: user name and password (SGN-01).
#[derive(Debug, Template)]
#[template(path = "register/start.html")]
pub struct RegisterPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    /// The homeserver's name, shown behind the user name.
    pub server: String,
    pub username: String,
    pub providers: Vec<upstream::ProviderView>,
    pub username_error: Option<UsernameError>,
    pub password_error: Option<PasswordError>,
    /// Absent where no token is needed, or one is kept already.
    pub token: Option<TokenField>,
    pub needs_approval: bool,
    pub error: Option<RegisterError>,
    pub client: Option<ClientView>,
    pub login_href: Option<String>,
    pub continue_as: Option<ContinueAs>,
    pub captcha: Option<CaptchaView>,
}

impl RegisterPage {
    fn has_error(&self) -> bool {
        self.error.is_some() || !self.field_errors().is_empty()
    }

    fn token_message(&self) -> Option<String> {
        self.token.as_ref().and_then(|token| token.message(&self.layout))
    }

    fn focuses_token(&self) -> bool {
        self.token_message().is_some()
    }

    fn username_message(&self) -> Option<String> {
        self.username_error.as_ref().map(|error| error.text(&self.layout))
    }

    fn focuses_username(&self) -> bool {
        !self.focuses_token() && (self.username_error.is_some() || self.password_error.is_none())
    }

    fn focuses_password(&self) -> bool {
        !self.focuses_token() && self.username_error.is_none() && self.password_error.is_some()
    }

    /// Lists the fields that need another look, as (field, message), in the order of the page.
    fn field_errors(&self) -> Vec<(&'static str, String)> {
        let username = self.username_message().map(|message| ("username", message));
        let password = self.password_error.as_ref().map(|error| ("password", error.text(&self.layout)));
        let token = self.token_message().map(|message| ("token", message));
        token.into_iter().chain(username).chain(password).collect()
    }
}

/// The terms that whoever signs up agrees to.
#[derive(Clone, Debug)]
pub struct TermsView {
    pub version: String,
    pub link: HttpsLink,
}

/// The last page of sign-up: an optional display name, and the button that creates the account (SGN-07).
#[derive(Debug, Template)]
#[template(path = "register/finish.html")]
pub struct RegisterFinishPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub user_id: String,
    /// The address that was confirmed, where one is wanted.
    pub email: Option<String>,
    pub strength: PasswordStrength,
    pub display_name: String,
    pub terms: Option<TermsView>,
    /// Whether the account waits for an administrator then.
    pub needs_approval: bool,
    pub error: Option<RegisterError>,
    pub client: Option<ClientView>,
    /// The way back to the first page.
    pub restart_href: Option<String>,
}

/// The answer to sign-up where it is closed (SGN-08).
#[derive(Debug, Template)]
#[template(path = "register/closed.html")]
pub struct RegistrationClosedPage {
    pub layout: Layout,
    pub login_href: Option<String>,
}

/// One thing that a client asks for, in the words of the person who grants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    Matrix {
        device_id: String,
    },
    ServerAdministration,
    Openid,
    Profile,
    Email,
    /// Also while the person is signed out.
    Offline,
}

impl Access {
    /// Gives the sentences of one scope; the Matrix scope gives all the power there is (SCP-10), so it takes several.
    fn sentences(&self, layout: &Layout) -> Vec<String> {
        let messages = layout.loader();
        match self {
            Self::Matrix { .. } => {
                vec![fl!(messages, "access-matrix-messages"), fl!(messages, "access-matrix-account")]
            }
            Self::ServerAdministration => Vec::new(),
            Self::Openid => vec![fl!(messages, "access-openid")],
            Self::Profile => vec![fl!(messages, "access-profile")],
            Self::Email => vec![fl!(messages, "access-email")],
            Self::Offline => vec![fl!(messages, "access-offline")],
        }
    }
}

/// The page that asks whether a client may have what it wants (CNS-01).
///
/// Its form posts `action=allow`, `action=deny` or `action=switch` (sign in as somebody else).
#[derive(Debug, Template)]
#[template(path = "authorize/consent.html")]
pub struct ConsentPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub client: ClientView,
    pub client_uri: Option<HttpsLink>,
    pub tos_uri: Option<HttpsLink>,
    pub policy_uri: Option<HttpsLink>,
    pub user_id: String,
    pub display_name: Option<String>,
    pub access: Vec<Access>,
    /// It is not asked again for what is allowed now.
    pub is_remembered: bool,
    /// HNT-03: the Matrix ID that the client expected, where it is not the one signed in.
    pub hinted_user_id: Option<String>,
}

impl ConsentPage {
    fn device_id(&self) -> Option<&str> {
        self.access.iter().find_map(|access| match access {
            Access::Matrix { device_id } => Some(device_id.as_str()),
            _ => None,
        })
    }

    fn is_administration(&self) -> bool {
        self.access.contains(&Access::ServerAdministration)
    }
}

/// The page that asks whether an older client may be signed in (SSO-02).
///
/// Nobody registered its `redirectUrl`, so this page is all that keeps a login token from any site that asks (TRP-33).
/// Its form posts the same answers as that of [`ConsentPage`].
#[derive(Debug, Template)]
#[template(path = "sso/confirm.html")]
pub struct SsoPage {
    pub layout: Layout,
    pub action: String,
    pub csrf: String,
    pub destination: Destination,
    pub user_id: String,
    pub display_name: Option<String>,
}

/// A point in time in Unix milliseconds, shown to the minute and in UTC: the server does not know the reader's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub i64);

impl Moment {
    /// Gives the form of `<time datetime>` (RFC 3339).
    fn datetime(self) -> String {
        let Date { year, month, day, hour, minute } = Date::of(self.0);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}Z")
    }

    fn words(self, layout: &Layout) -> String {
        layout.language.moment(self.0)
    }
}

/// What went wrong, from the reader's side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    NotFound,
    MethodNotAllowed,
    FormExpired,
    UnknownClient,
    RedirectUriMismatch,
    /// The request of a client was at fault; the detail is for its developer, in English.
    InvalidRequest {
        detail: String,
    },
    /// Something about passkeys or codes, or a proof that is missing.
    Factor(FactorProblem),
    /// The person, or the policy, said no.
    AccessDenied,
    TransactionExpired,
    OtherBrowser,
    Locked,
    Deactivated,
    AwaitingApproval,
    TooLarge,
    TooManyRequests {
        seconds: i64,
    },
    Unavailable,
    Internal,
}

impl ErrorKind {
    fn title(&self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::NotFound => fl!(messages, "error-not-found-title"),
            Self::MethodNotAllowed => fl!(messages, "error-method-not-allowed-title"),
            Self::FormExpired => fl!(messages, "error-form-expired-title"),
            Self::UnknownClient => fl!(messages, "error-unknown-client-title"),
            Self::RedirectUriMismatch => fl!(messages, "error-redirect-uri-mismatch-title"),
            Self::InvalidRequest { .. } => fl!(messages, "error-invalid-request-title"),
            Self::Factor(_) => fl!(messages, "error-factor-title"),
            Self::AccessDenied => fl!(messages, "error-access-denied-title"),
            Self::TransactionExpired => fl!(messages, "error-transaction-expired-title"),
            Self::OtherBrowser => fl!(messages, "error-other-browser-title"),
            Self::Locked => fl!(messages, "error-locked-title"),
            Self::Deactivated => fl!(messages, "error-deactivated-title"),
            Self::AwaitingApproval => fl!(messages, "signup-waiting-title"),
            Self::TooLarge => fl!(messages, "error-too-large-title"),
            Self::TooManyRequests { .. } => fl!(messages, "error-too-many-requests-title"),
            Self::Unavailable => fl!(messages, "error-unavailable-title"),
            Self::Internal => fl!(messages, "error-internal-title"),
        }
    }

    fn what_happened(&self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::NotFound => fl!(messages, "error-not-found-what"),
            Self::MethodNotAllowed => fl!(messages, "error-method-not-allowed-what"),
            Self::FormExpired => fl!(messages, "error-form-expired-what"),
            Self::UnknownClient => fl!(messages, "error-unknown-client-what"),
            Self::RedirectUriMismatch => fl!(messages, "error-redirect-uri-mismatch-what"),
            Self::InvalidRequest { .. } => fl!(messages, "error-invalid-request-what"),
            Self::Factor(problem) => security::factor_text(*problem, layout),
            Self::AccessDenied => fl!(messages, "error-access-denied-what"),
            Self::TransactionExpired => fl!(messages, "error-transaction-expired-what"),
            Self::OtherBrowser => fl!(messages, "error-other-browser-what"),
            Self::Locked => fl!(messages, "login-error-locked"),
            Self::Deactivated => fl!(messages, "login-error-deactivated"),
            Self::AwaitingApproval => fl!(messages, "signup-login-waiting"),
            Self::TooLarge => fl!(messages, "error-too-large-what"),
            Self::TooManyRequests { seconds } => wait_text(*seconds, layout),
            Self::Unavailable => fl!(messages, "error-unavailable-what"),
            Self::Internal => fl!(messages, "error-internal-what"),
        }
    }

    fn what_to_do(&self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::NotFound | Self::MethodNotAllowed => fl!(messages, "error-advice-check-address"),
            Self::FormExpired | Self::Factor(_) => fl!(messages, "error-advice-go-back"),
            Self::UnknownClient | Self::RedirectUriMismatch => {
                fl!(messages, "error-advice-do-not-trust")
            }
            Self::InvalidRequest { .. } => fl!(messages, "error-advice-tell-developer"),
            Self::AccessDenied => fl!(messages, "error-advice-nothing-shared"),
            Self::TransactionExpired => fl!(messages, "error-advice-start-again"),
            Self::OtherBrowser => fl!(messages, "error-advice-same-browser"),
            Self::Locked | Self::Deactivated | Self::AwaitingApproval => {
                fl!(messages, "error-advice-ask-administrator")
            }
            Self::TooLarge => fl!(messages, "error-advice-shorten"),
            Self::TooManyRequests { .. } => fl!(messages, "error-advice-go-back"),
            Self::Unavailable => fl!(messages, "error-advice-wait"),
            Self::Internal => fl!(messages, "error-advice-report"),
        }
    }

    fn detail(&self) -> Option<&str> {
        match self {
            Self::InvalidRequest { detail } => Some(detail),
            _ => None,
        }
    }
}

/// The page of every refusal that a person sees: what happened, what to do next, and the way back if there is one.
#[derive(Debug, Template)]
#[template(path = "error/error.html")]
pub struct ErrorPage {
    pub layout: Layout,
    pub status: u16,
    pub kind: ErrorKind,
    /// What an administrator finds this event by in the log (WEB-16).
    pub support_id: Option<String>,
    pub return_link: Option<ReturnLink>,
}

#[cfg(test)]
mod tests {
    use super::{
        emails::{AddressError, EmailAddressPage, EmailCodePage, EmailFor, EmailView, EmailsPage},
        logout::{AtProvider, LogoutPage, SignedOutPage},
        policy::{LackingPage, Refuse, RefusedPage},
        recover::{PasswordPage, RecoverError, RecoverPage, RecoverPasswordPage, RecoverWords, RecoverWordsPage},
        *,
    };
    use crate::domain::{
        amr::Acr,
        email::EmailProblem,
        policy::{Decision, Violation},
        registration_token::RegistrationTokenProblem,
    };
    use signup::WaitingPage;

    const HOSTILE: &str = "\"'><script>alert(1)</script>&{$x}";

    fn layout(language: Language) -> Layout {
        Layout::new(language, "/", "Keymaker")
    }

    fn client(name: &str, redirect_uri: &str) -> ClientView {
        let destination = Destination::of(redirect_uri).expect("a destination");
        ClientView { name: Some(name.to_owned()), destination }
    }

    fn login(error: Option<LoginError>, username: &str) -> LoginPage {
        LoginPage {
            has_password: true,
            providers: Vec::new(),
            layout: layout(Language::English),
            action: "/login".to_owned(),
            csrf: "c".to_owned(),
            username: username.to_owned(),
            error,
            notice: None,
            client: None,
            register_href: None,
            continue_as: None,
            passkey: None,
            captcha: None,
            recover_href: None,
        }
    }

    fn register(username_error: Option<UsernameProblem>, password_error: Option<PasswordError>) -> RegisterPage {
        RegisterPage {
            providers: Vec::new(),
            layout: layout(Language::English),
            action: "/register".to_owned(),
            csrf: "c".to_owned(),
            server: "example.org".to_owned(),
            username: "alice".to_owned(),
            username_error: username_error.map(UsernameError::Problem),
            password_error,
            token: None,
            needs_approval: false,
            error: None,
            client: None,
            login_href: None,
            continue_as: None,
            captcha: None,
        }
    }

    fn consent(access: Vec<Access>) -> ConsentPage {
        ConsentPage {
            layout: layout(Language::English),
            action: "/authorize/1".to_owned(),
            csrf: "c".to_owned(),
            client: client("Best Bank", "https://app.example.com/callback"),
            client_uri: HttpsLink::parse("https://example.com/"),
            tos_uri: HttpsLink::parse("https://example.com/tos"),
            policy_uri: HttpsLink::parse("javascript:alert(1)"),
            user_id: "@alice:example.org".to_owned(),
            display_name: Some("Alice".to_owned()),
            access,
            is_remembered: true,
            hinted_user_id: None,
        }
    }

    fn sso(redirect_url: &str) -> SsoPage {
        SsoPage {
            layout: layout(Language::English),
            action: "/sso/1".to_owned(),
            csrf: "c".to_owned(),
            destination: Destination::of(redirect_url).expect("a destination"),
            user_id: "@alice:example.org".to_owned(),
            display_name: Some("Alice".to_owned()),
        }
    }

    fn email_pages(layout: impl Fn() -> Layout) -> Vec<askama::Result<String>> {
        let hostile = || HOSTILE.to_owned();
        let some = || Some(HOSTILE.to_owned());
        let others = || vec![(hostile(), hostile())];
        let email =
            |is_confirmed| EmailView { email: hostile(), added_at: Moment(0), is_confirmed, remove_href: hostile() };
        let lists = [(vec![email(true), email(false)], some()), (Vec::new(), None)].map(|(emails, add_href)| {
            EmailsPage { layout: layout(), notice: some(), emails, add_href, back_href: hostile() }.render()
        });
        let problems = [
            EmailProblem::Unavailable,
            EmailProblem::Invalid,
            EmailProblem::Known,
            EmailProblem::Taken,
            EmailProblem::TooMany,
            EmailProblem::Wait { minutes: 1 },
            EmailProblem::Wait { minutes: 59 },
            EmailProblem::WrongCode,
            EmailProblem::CodeOver,
            EmailProblem::Unconfirmed,
        ];
        let forms = problems.map(Some).into_iter().chain([None]).enumerate().flat_map(|(i, error)| {
            let address = EmailAddressPage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                asked_for: if i % 2 == 0 { EmailFor::Account } else { EmailFor::SignUp },
                proof: some(),
                email: hostile(),
                error: error.map(AddressError::Problem),
                others: others(),
            };
            let code = EmailCodePage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                email: hostile(),
                is_open: i % 2 == 0,
                error,
                others: others(),
            };
            [address.render(), code.render()]
        });
        lists.into_iter().chain(forms).collect()
    }

    fn violations(code: &str) -> Violations {
        let violation = |code: &str, msg: &str| Violation { code: code.to_owned(), field: None, msg: msg.to_owned() };
        let list = vec![violation(code, HOSTILE), violation("their-own", HOSTILE)];
        Violations { decision: Decision::Login, list }
    }

    /// What the rules say, on every page that can say it.
    fn policy_pages(layout: impl Fn() -> Layout) -> Vec<askama::Result<String>> {
        let (hostile, some) = (|| HOSTILE.to_owned(), || Some(HOSTILE.to_owned()));
        let client = || Some(client(HOSTILE, "com.example.app:/callback"));
        let refuse = || Some(Refuse { action: hostile(), csrf: hostile(), client: client() });
        let refused = [(refuse(), None), (None, ReturnLink::to("https://x.test/'>"))].map(|(refuse, return_link)| {
            let (violations, devices_href) = (violations(HOSTILE), refuse.is_none().then(hostile));
            RefusedPage { layout: layout(), violations, refuse, return_link, devices_href, switch_href: some() }
                .render()
        });
        let lacking = [(Acr::Mfa, None), (Acr::PhishingResistant, client())].map(|(wanted, client)| {
            let (user_id, security_href, switch_href) = (some(), hostile(), hostile());
            LackingPage { layout: layout(), wanted, user_id, client, security_href, switch_href }.render()
        });
        let forms = [
            RegisterPage {
                username_error: Some(UsernameError::Policy(violations(HOSTILE))),
                layout: layout(),
                ..register(None, Some(PasswordError::Policy(violations(HOSTILE))))
            }
            .render(),
            EmailAddressPage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                asked_for: EmailFor::Account,
                proof: None,
                email: hostile(),
                error: Some(AddressError::Policy(violations(HOSTILE))),
                others: Vec::new(),
            }
            .render(),
        ];
        refused.into_iter().chain(lacking).chain(forms).collect()
    }

    fn new_password_pages(layout: impl Fn() -> Layout) -> Vec<askama::Result<String>> {
        let hostile = || HOSTILE.to_owned();
        let weak = || PasswordError::TooWeak((&zxcvbn::zxcvbn("password", &[])).into());
        let errors = [Some(weak()), Some(PasswordError::TooShort), None];
        let forms = errors.into_iter().flat_map(|password_error| {
            let is_busy = password_error.is_none();
            let change = PasswordPage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                proof: hostile(),
                username: hostile(),
                ends_apps: is_busy,
                password_error: password_error.clone(),
                is_busy,
                back_href: hostile(),
            };
            let recover = RecoverPasswordPage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                username: hostile(),
                user_id: hostile(),
                password_error,
                is_busy,
            };
            [change.render(), recover.render()]
        });
        let failed = RecoverError::Captcha(CaptchaError::Failed);
        let errors = [Some(RecoverError::Busy), Some(RecoverError::Email(EmailProblem::Invalid)), Some(failed), None];
        let starts = errors.map(|error| {
            let (action, csrf, email, login_href) = (hostile(), hostile(), hostile(), hostile());
            RecoverPage { layout: layout(), action, csrf, email, error, captcha: None, login_href }.render()
        });
        let words = [RecoverWords::Sent, RecoverWords::Over, RecoverWords::Done, RecoverWords::Impossible];
        let words = words.map(|words| {
            RecoverWordsPage { layout: layout(), words, login_href: hostile(), recover_href: hostile() }.render()
        });
        forms.chain(starts).chain(words).collect()
    }

    /// Renders every page with as much hostile text as its types let in.
    fn every_page(language: Language) -> Vec<String> {
        let hostile = || HOSTILE.to_owned();
        let some = || Some(HOSTILE.to_owned());
        let layout = || Layout {
            imprint: some(),
            tos_uri: HttpsLink::parse("https://x.test/\"><script>"),
            ..Layout::new(language, "/auth/", HOSTILE)
        };
        let client = || Some(client(HOSTILE, "com.example.app:/callback"));
        let continue_as = || Some(ContinueAs { user_id: hostile(), href: hostile() });
        let link = || ReturnLink::to("https://x.test/cb?a=\"><script>&b='");
        let mut pages = Vec::new();
        let errors = [
            LoginError::WrongCredentials,
            LoginError::Locked,
            LoginError::Deactivated,
            LoginError::AwaitingApproval,
            LoginError::Busy,
            LoginError::FormExpired,
            LoginError::TooLong,
            LoginError::Captcha(CaptchaError::Needed),
        ];
        for error in errors.map(Some).into_iter().chain([None]) {
            for notice in [
                LoginNotice::RegistrationClosed,
                LoginNotice::Reauthenticate,
                LoginNotice::WithSecondFactor,
                LoginNotice::WithPasskey,
            ] {
                let page = LoginPage {
                    has_password: true,
                    providers: Vec::new(),
                    layout: layout(),
                    action: hostile(),
                    csrf: hostile(),
                    username: hostile(),
                    error,
                    notice: Some(notice),
                    client: client(),
                    register_href: some(),
                    continue_as: continue_as(),
                    passkey: None,
                    captcha: None,
                    recover_href: some(),
                };
                pages.push(page.render());
            }
        }
        let problems = [
            UsernameProblem::Empty,
            UsernameProblem::Invalid,
            UsernameProblem::TooLong,
            UsernameProblem::Reserved,
            UsernameProblem::Taken,
        ];
        let passwords = [
            "password",
            "aaaaaa",
            "abcabcabc",
            "qwerty",
            "zxcvfr",
            "19920403",
            "2021",
            "Johnson",
            "PASSWORD",
            "drowssap",
            "p@ssw0rd",
            "987654",
        ];
        let weak = passwords.map(|password| PasswordError::TooWeak((&zxcvbn::zxcvbn(password, &[])).into()));
        let password_errors = weak.into_iter().chain([PasswordError::Empty, PasswordError::TooLong]);
        let token_problems = [None, Some(RegistrationTokenProblem::Missing), Some(RegistrationTokenProblem::Refused)];
        for (i, password_error) in password_errors.enumerate() {
            let unavailable = RegisterError::Captcha(CaptchaError::Unavailable);
            let error =
                [RegisterError::Busy, RegisterError::Unavailable, RegisterError::FormExpired, unavailable][i % 4];
            let page = RegisterPage {
                providers: Vec::new(),
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                server: hostile(),
                username: hostile(),
                error: Some(error),
                username_error: Some(UsernameError::Problem(problems[i % problems.len()])),
                password_error: Some(password_error),
                token: Some(TokenField { value: hostile(), problem: token_problems[i % token_problems.len()] }),
                needs_approval: i % 2 == 0,
                client: client(),
                login_href: some(),
                continue_as: continue_as(),
                captcha: None,
            };
            pages.push(page.render());
        }
        for score in 0..=4 {
            let page = RegisterFinishPage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                user_id: hostile(),
                email: some(),
                strength: PasswordStrength::of_score(score),
                display_name: hostile(),
                terms: HttpsLink::parse("https://x.test/\"><script>")
                    .map(|link| TermsView { version: hostile(), link }),
                needs_approval: score > 3,
                error: Some(if score > 2 { RegisterError::Unavailable } else { RegisterError::TermsNotAgreed }),
                client: client(),
                restart_href: some(),
            };
            pages.push(page.render());
        }
        pages.extend(email_pages(layout));
        pages.extend(new_password_pages(layout));
        pages.extend(policy_pages(layout));
        pages.push(RegistrationClosedPage { layout: layout(), login_href: some() }.render());
        for email in [some(), None] {
            let page =
                WaitingPage { layout: layout(), user_id: hostile(), email, client: client(), login_href: hostile() };
            pages.push(page.render());
        }
        let access = vec![
            Access::Matrix { device_id: hostile() },
            Access::ServerAdministration,
            Access::Openid,
            Access::Profile,
            Access::Email,
            Access::Offline,
        ];
        let loopback = ClientView { name: some(), destination: Destination::Loopback };
        let page = ConsentPage {
            layout: layout(),
            action: hostile(),
            csrf: hostile(),
            client: loopback,
            user_id: hostile(),
            display_name: some(),
            hinted_user_id: some(),
            ..consent(access)
        };
        pages.push(page.render());
        for redirect_url in ["https://x.test/\"><script>", "com.example.app:/\"><script>", "http://localhost/'>"] {
            let page = SsoPage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                user_id: hostile(),
                display_name: some(),
                ..sso(redirect_url)
            };
            pages.push(page.render());
        }
        pages.push(
            LogoutPage {
                layout: layout(),
                action: hostile(),
                csrf: hostile(),
                user_id: hostile(),
                client_name: some(),
                destination: Destination::of(&hostile()).or(Destination::of("https://app.example.com/")),
                carried: vec![("state", hostile())],
                cancel_href: some(),
            }
            .render(),
        );
        for provider in [
            None,
            Some(AtProvider::SignedIn { name: hostile(), href: some() }),
            Some(AtProvider::SignedIn { name: hostile(), href: None }),
            Some(AtProvider::SignedOut { name: hostile() }),
        ] {
            let page = SignedOutPage {
                layout: layout(),
                is_everywhere: true,
                provider,
                login_href: some(),
                return_link: link(),
            };
            pages.push(page.render());
        }
        let kinds = [
            ErrorKind::NotFound,
            ErrorKind::MethodNotAllowed,
            ErrorKind::FormExpired,
            ErrorKind::UnknownClient,
            ErrorKind::RedirectUriMismatch,
            ErrorKind::InvalidRequest { detail: hostile() },
            ErrorKind::AccessDenied,
            ErrorKind::TransactionExpired,
            ErrorKind::OtherBrowser,
            ErrorKind::Locked,
            ErrorKind::Deactivated,
            ErrorKind::AwaitingApproval,
            ErrorKind::TooLarge,
            ErrorKind::TooManyRequests { seconds: 20 },
            ErrorKind::TooManyRequests { seconds: 1250 },
            ErrorKind::Unavailable,
            ErrorKind::Internal,
        ];
        for kind in kinds {
            pages.push(
                ErrorPage { layout: layout(), status: 400, kind, support_id: some(), return_link: link() }.render(),
            );
        }
        pages.into_iter().map(|page| page.expect("a page")).collect()
    }

    #[test]
    fn no_page_lets_foreign_text_become_markup() {
        // WEB-07, and WEB-03: nothing inline, so that the policy needs no exception.
        for language in Language::ALL {
            for page in every_page(language) {
                // The mark says what it is drawn in.
                let page_lower = page.to_lowercase().replace("http://www.w3.org/2000/svg", "");
                for needle in
                    ["<script", "javascript:", "<style", " style=", " onload", " onclick", "http://", "alert(1)</"]
                {
                    assert!(!page_lower.contains(needle), "{needle} in {page}");
                }
                assert!(!page.contains("\"'>"), "an attribute was left: {page}");
            }
        }
    }

    #[test]
    fn every_page_is_whole_in_both_languages() {
        // WEB-10
        for language in Language::ALL {
            for page in every_page(language) {
                assert!(page.starts_with(&format!("<!doctype html>\n<html lang=\"{}\">", language.tag())), "{page}");
                assert!(page.contains("name=\"viewport\"") && page.contains("content=\"noindex\""));
                assert_eq!(page.matches("<h1>").count(), 1, "{page}");
                assert_eq!(page.matches("rel=\"stylesheet\" href=\"/auth/assets/app-").count(), 1, "{page}");
                assert_eq!(page.matches(" method=\"post\"").count(), page.matches("name=\"csrf\"").count(), "{page}");
                assert!(!page.contains("No localization"), "{page}");
                // A forgotten argument shows as its placeable; the hostile text holds the only other one.
                assert!(!page.replace("{$x}", "").contains("{$"), "{page}");
                assert!(page.matches(" autofocus").count() <= 1, "{page}");
            }
        }
    }

    #[test]
    fn the_reader_sees_only_the_readers_language() {
        for (english, french) in every_page(Language::English).iter().zip(every_page(Language::French).iter()) {
            let sentences = |page: &str| -> Vec<String> {
                let words = page.split(['<', '>']).step_by(2).map(|text| text.trim().to_owned());
                words.filter(|text| text.len() > 12 && text.contains(' ') && !text.contains("alert(1)")).collect()
            };
            for sentence in sentences(english) {
                assert!(!sentences(french).contains(&sentence), "{sentence}");
            }
        }
    }

    #[test]
    fn only_https_becomes_a_link() {
        // WEB-07
        assert!(HttpsLink::parse("https://example.com/tos?a=b").is_some());
        for bad in [
            "",
            "/tos",
            "http://example.com/",
            "javascript:alert(1)",
            "JavaScript://example.com/%0aalert(1)",
            "data:text/html,x",
            "https://",
            "https://u:p@example.com/",
        ] {
            assert_eq!(HttpsLink::parse(bad), None, "{bad}");
        }
        let page = consent(vec![Access::Openid]).render().expect("a page");
        assert!(page.contains("href=\"https://example.com/tos\" rel=\"noopener noreferrer nofollow\""));
        assert!(!page.contains("privacy policy"));
    }

    #[test]
    fn a_redirect_uri_says_where_it_leads() {
        let website = |host: &str| Some(Destination::Website { host: host.to_owned() });
        let table = [
            ("https://App.Example.com:8443/callback?x=y", website("app.example.com:8443")),
            ("https://localhost.example.com/", website("localhost.example.com")),
            // Look-alike letters are shown for what they are.
            ("https://\u{430}pple.com/", website("xn--pple-43d.com")),
            ("http://localhost:1234/", Some(Destination::Loopback)),
            ("http://127.0.0.1:1/cb", Some(Destination::Loopback)),
            ("http://[::1]/", Some(Destination::Loopback)),
            ("com.example.app:/callback", Some(Destination::App { scheme: "com.example.app".to_owned() })),
            // SSO-02: an older client may have any scheme; one that names a host is no app.
            ("element://connect", Some(Destination::App { scheme: "element".to_owned() })),
            ("ftp://files.example.com/", website("files.example.com")),
            ("wss://localhost/", Some(Destination::Loopback)),
            ("javascript:alert(1)", None),
            ("JAVASCRIPT:alert(1)", None),
            ("data:text/html,x", None),
            ("view-source:https://example.com/", None),
            ("//example.com/", None),
        ];
        for (uri, expected) in table {
            assert_eq!(Destination::of(uri), expected, "{uri}");
            assert_eq!(ReturnLink::to(uri).is_some(), expected.is_some(), "{uri}");
        }
    }

    #[test]
    fn the_consent_page_says_who_asks_for_what_and_what_follows() {
        // CNS-01
        let page = consent(vec![Access::Matrix { device_id: "DEVICEID01".to_owned() }]).render().expect("a page");
        assert!(page.contains("<p class=\"verified\"><bdi>app.example.com</bdi></p>"));
        assert!(page.contains("calls itself <bdi>Best Bank</bdi>"));
        assert!(page.contains("@alice:example.org"));
        assert!(page.contains("A new device is added to your account: <bdi class=\"id\">DEVICEID01</bdi>"));
        assert!(page.contains("you go back to app.example.com."));
        for answer in ["allow", "deny", "switch"] {
            assert_eq!(page.matches(&format!("name=\"action\" value=\"{answer}\"")).count(), 1, "{answer}");
        }
        assert!(!page.contains("whole homeserver"));
        let page = consent(vec![Access::ServerAdministration]).render().expect("a page");
        assert!(page.contains("Control over the whole homeserver"));
        assert!(!page.contains("new device"));
    }

    #[test]
    fn the_sso_page_says_first_where_one_will_be_sent_and_then_as_whom() {
        // SSO-02, TRP-33: whoever made the link chose everything but the host.
        let page = sso("https://evil.example.net/app.example.com?client=Best+Bank").render().expect("a page");
        let verified = page.find("<p class=\"verified\"><bdi>evil.example.net</bdi></p>").expect("the destination");
        let account = page.find("<bdi class=\"id\">@alice:example.org</bdi>").expect("the account");
        assert!(verified < account);
        assert!(!page.contains("app.example.com") && !page.contains("Best") && !page.contains("calls itself"));
        assert!(page.contains("full access") && page.contains("in all your rooms"));
        assert!(page.contains("have just asked to sign in yourself"));
        assert!(page.contains("you go on to evil.example.net. If you deny it"));
        assert!(!page.contains("href=\"https://evil"), "only the form leads there");
        for answer in ["allow", "deny", "switch"] {
            assert_eq!(page.matches(&format!("name=\"action\" value=\"{answer}\"")).count(), 1, "{answer}");
        }
        let page = sso("element://connect").render().expect("a page");
        assert!(
            page.contains("<p class=\"verified\"><bdi>element</bdi></p>") && page.contains("<p>an app on this device")
        );
        let page = sso("http://127.0.0.1:8080/").render().expect("a page");
        assert!(page.contains("<p class=\"verified\"><bdi>A program on this device</bdi></p>"));
    }

    #[test]
    fn a_client_without_a_name_is_its_destination_alone() {
        // SSO-02: an older client has no name to claim.
        let nameless = || Some(ClientView { name: None, destination: Destination::Loopback });
        let pages = [
            LoginPage { client: nameless(), ..login(None, "") }.render(),
            RegisterPage { client: nameless(), ..register(None, None) }.render(),
        ];
        for page in pages.map(|page| page.expect("a page")) {
            assert!(page.contains("<p class=\"verified\"><bdi>A program on this device</bdi></p>"));
            assert!(page.contains("You will continue to") && !page.contains("calls itself"));
        }
    }

    #[test]
    fn a_page_takes_its_files_from_our_own_host_wherever_it_is_shown() {
        // The refusals of an SSO redirect stand on the homeserver's host, whose `/assets/` are not ours.
        let table = [
            ("/", "/assets/"),
            ("/auth/", "/auth/assets/"),
            ("https://auth.example.com/", "https://auth.example.com/assets/"),
            ("https://example.com/auth/", "https://example.com/auth/assets/"),
        ];
        for (base, files) in table {
            let page = ErrorPage {
                layout: Layout::new(Language::English, base, "Keymaker"),
                status: 404,
                kind: ErrorKind::NotFound,
                support_id: None,
                return_link: None,
            };
            let page = page.render().expect("a page");
            let links: Vec<&str> = page
                .split(' ')
                .filter_map(|part| part.strip_prefix("href=\"").or(part.strip_prefix("src=\"")))
                .collect();
            // The mark of the tab is part of the page.
            assert!(
                matches!(links[..], [sheet, mark] if sheet.starts_with(files) && mark.starts_with("data:")),
                "{base}: {links:?}"
            );
        }
    }

    #[test]
    fn a_failed_login_does_not_say_which_half_was_wrong() {
        // RTL-05, WEB-10
        let page = login(Some(LoginError::WrongCredentials), "alice").render().expect("a page");
        assert!(
            page.contains("<p class=\"alert\" role=\"alert\" id=\"error\">The username or the password is wrong.</p>")
        );
        assert_eq!(page.matches("aria-describedby=\"error\" aria-invalid=\"true\"").count(), 2);
        assert!(page.contains("<title>Error: Sign in"));
        assert!(page.contains("name=\"username\" type=\"text\" value=\"alice\" required autocomplete=\"username\""));
        assert!(page.contains("name=\"password\" type=\"password\" required autocomplete=\"current-password\""));
        assert!(!page.contains("value=\"c\" required"), "a password is never sent back");
    }

    #[test]
    fn the_first_wrong_field_has_the_focus_and_is_described_by_its_error() {
        // WEB-10
        let focused = |page: RegisterPage| {
            let html = page.render().expect("a page");
            let tag = html.split('<').find(|tag| tag.contains(" autofocus")).expect("a focused field").to_owned();
            (tag, html)
        };
        let (tag, _) = focused(register(None, None));
        assert!(tag.contains("id=\"username\"") && !tag.contains("aria-invalid"));
        let (tag, html) = focused(register(Some(UsernameProblem::Taken), Some(PasswordError::Empty)));
        assert!(
            tag.contains("id=\"username\"")
                && tag.contains("aria-describedby=\"username-error ")
                && tag.contains("aria-invalid")
        );
        assert!(html.contains("<a href=\"#username\">Somebody else has this username."));
        let (tag, html) = focused(register(None, Some(PasswordError::Empty)));
        assert!(
            tag.contains("id=\"password\"")
                && tag.contains("aria-describedby=\"password-error ")
                && tag.contains("aria-invalid")
        );
        assert!(html.contains("id=\"password-error\"") && html.contains("autocomplete=\"new-password\""));
    }

    #[test]
    fn the_strength_of_a_password_is_said_in_words_with_advice() {
        // PWD-01, WEB-10: never by colour alone.
        let weak = || Some(PasswordError::TooWeak((&zxcvbn::zxcvbn("password", &[])).into()));
        let page = register(None, weak()).render().expect("a page");
        assert!(page.contains("Strength: <strong>very weak</strong>"));
        assert!(page.contains("<li>This is one of the ten most common passwords.</li>"));
        let page =
            RegisterPage { layout: layout(Language::French), ..register(None, weak()) }.render().expect("a page");
        assert!(page.contains("<li>C’est l’un des dix mots de passe les plus courants.</li>"));
        assert_eq!(PasswordStrength::of_score(200).level(), 5);
    }

    #[test]
    fn a_moment_is_written_for_people_and_for_machines() {
        let table = [
            (0, "1970-01-01T00:00Z", "1 January 1970, 00:00 UTC", "1er janvier 1970, 00:00 UTC"),
            (951_782_399_999, "2000-02-28T23:59Z", "28 February 2000, 23:59 UTC", "28 février 2000, 23:59 UTC"),
            (951_782_400_000, "2000-02-29T00:00Z", "29 February 2000, 00:00 UTC", "29 février 2000, 00:00 UTC"),
            (1_798_761_599_000, "2026-12-31T23:59Z", "31 December 2026, 23:59 UTC", "31 décembre 2026, 23:59 UTC"),
            (i64::MIN, "1970-01-01T00:00Z", "1 January 1970, 00:00 UTC", "1er janvier 1970, 00:00 UTC"),
            (i64::MAX, "9999-12-31T23:59Z", "31 December 9999, 23:59 UTC", "31 décembre 9999, 23:59 UTC"),
        ];
        for (milliseconds, datetime, english, french) in table {
            let moment = Moment(milliseconds);
            assert_eq!(moment.datetime(), datetime);
            assert_eq!(moment.words(&layout(Language::English)), english);
            assert_eq!(moment.words(&layout(Language::French)), french);
        }
    }
}
