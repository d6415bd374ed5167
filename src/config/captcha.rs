//! The section `captcha`: what keeps programs from filling in forms, and on which pages.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Problems, RateLimit, Sensitive, WebUrl, order::as_declared};

/// CAPTCHAs.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Captcha>)]
pub struct Captcha {
    /// By what programs are told from people. A service of somebody else learns the address of everybody who opens one of the
    /// pages, and its script runs there; with `proof_of_work` nobody else is asked. Each needs a browser with script on these
    /// pages, and says so.
    pub service: CaptchaService,

    /// The pages on which it is asked for.
    pub pages: Vec<CaptchaPage>,

    /// With the page `login`, after how many wrong passwords within an hour for one account name. From one address it is
    /// five times as many, for whatever names.
    #[schemars(range(min = 1, max = 1000))]
    pub login_after_failures: u32,

    /// The public key that the service gave to this site. Required with the service of somebody else.
    #[schemars(length(min = 1, max = 256), example = &"the site key")]
    pub(super) site_key: Option<String>,

    /// The secret key that the service gave to this site. Required with the service of somebody else.
    #[schemars(example = &"the secret key")]
    pub(super) secret_key: Option<Sensitive>,

    /// A file that holds the secret key, instead of `secret_key`.
    #[schemars(example = &"captcha-secret")]
    pub(super) secret_key_file: Option<PathBuf>,

    /// Where answers are verified, instead of at the service itself: something that speaks its protocol. It must be https, or on
    /// this machine.
    #[schemars(example = &"https://captcha.example.com/siteverify")]
    pub(super) verify_url: Option<WebUrl>,

    /// With `proof_of_work`, how much work it is: the number of hashes that a browser computes is two to the power of this on
    /// average. 18 takes about a second on a slow phone; each more doubles it. A program written for it is some ten times as fast
    /// as a browser on the same machine, and a graphics card ten thousand times, so this makes forms dear to fill in by
    /// the million, and no more: the limits in `rate_limiting` do the rest.
    #[schemars(range(min = 8, max = 26))]
    pub difficulty: u8,
}

impl Captcha {
    /// Tells whether a page asks for it.
    pub fn is_on(&self, page: CaptchaPage) -> bool {
        self.service != CaptchaService::None && self.pages.contains(&page)
    }

    /// Returns the public key at the service of somebody else.
    pub fn site_key(&self) -> &str {
        self.site_key.as_deref().unwrap_or_default()
    }

    /// Returns the secret key at the service of somebody else.
    pub fn secret_key(&self) -> &str {
        self.secret_key.as_ref().map(Sensitive::expose).unwrap_or_default()
    }

    /// Returns where answers are verified, if it is not at the service itself.
    pub fn verify_url(&self) -> Option<&WebUrl> {
        self.verify_url.as_ref()
    }

    /// Returns how many wrong passwords are accepted without it for one account name.
    pub fn login_limit_by_account(&self) -> RateLimit {
        RateLimit::per_hour(self.login_after_failures)
    }

    /// Returns how many wrong passwords are accepted without it from one address.
    pub fn login_limit_by_address(&self) -> RateLimit {
        RateLimit::per_hour(5 * self.login_after_failures)
    }

    /// Adds every rule that this section breaks.
    pub(super) fn check(&self, problems: &mut Problems) {
        let keys = [("captcha.site_key", self.site_key.is_some()), ("captcha.secret_key", self.secret_key.is_some())];
        match self.service {
            // Somebody who gives keys wants to be protected.
            CaptchaService::None | CaptchaService::ProofOfWork => {
                if self.site_key.is_some() || self.secret_key.is_some() || self.verify_url.is_some() {
                    problems.add("captcha.service", "must name the service that `site_key` and `secret_key` are of");
                }
            }
            _ => {
                for (path, _) in keys.iter().filter(|(_, is_given)| !is_given) {
                    problems.add(*path, "is required with this `captcha.service`");
                }
            }
        }
        if self.service != CaptchaService::None && self.pages.is_empty() {
            problems.add("captcha.pages", "name at least one page, or set `captcha.service` to none");
        }
        if self.site_key.as_ref().is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            problems.add("captcha.site_key", "must be of ASCII letters, digits and signs, without spaces");
        }
        if self.verify_url.as_ref().is_some_and(|url| url.scheme() != "https" && !url.is_loopback()) {
            problems.add("captcha.verify_url", "must start with https://; plain http is only for this machine");
        }
    }
}

impl Default for Captcha {
    fn default() -> Self {
        Self {
            service: CaptchaService::default(),
            pages: vec![CaptchaPage::Registration, CaptchaPage::Recovery],
            login_after_failures: 3,
            site_key: None,
            secret_key: None,
            secret_key_file: None,
            verify_url: None,
            difficulty: 18,
        }
    }
}

/// What can tell programs from people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptchaService {
    /// Nothing.
    #[default]
    None,
    /// Google reCAPTCHA v2, the box that is ticked.
    RecaptchaV2,
    /// hCaptcha.
    Hcaptcha,
    /// Cloudflare Turnstile.
    CloudflareTurnstile,
    /// Work for the browser, which takes it about a second and the person none. It asks nobody else.
    ProofOfWork,
}

/// The pages that can ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CaptchaPage {
    /// Creating an account.
    Registration,
    /// Asking for a mail after a forgotten password.
    Recovery,
    /// Signing in by password, after wrong ones.
    Login,
}

impl CaptchaPage {
    /// Every page.
    pub const ALL: [Self; 3] = [Self::Registration, Self::Recovery, Self::Login];

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Recovery => "recovery",
            Self::Login => "login",
        }
    }
}
