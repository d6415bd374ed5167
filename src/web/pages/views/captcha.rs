//! What a form shows that has to be filled in by a person: `templates/parts/captcha.html` inside of it.

use i18n_embed_fl::fl;

use super::Layout;
use crate::{
    domain::refusal::Refusal,
    web::pages::assets::{Script, captcha_script, proof_of_work_script},
};

/// The check of one form.
#[derive(Debug)]
pub enum CaptchaView {
    Work(WorkView),
    Widget(WidgetView),
}

/// Work for the browser.
#[derive(Debug)]
pub struct WorkView {
    pub challenge: String,
    /// The hash of the challenge, in hexadecimal digits.
    pub seed: String,
    pub pieces: usize,
    pub zeros: u32,
}

/// What a service of somebody else draws.
#[derive(Debug)]
pub struct WidgetView {
    pub service: &'static str,
    /// By which its script finds where to draw.
    pub class: &'static str,
    pub script_src: String,
    pub site_key: String,
    /// What it is for.
    pub action: &'static str,
}

impl CaptchaView {
    /// Gives the work, if that is what it is.
    pub fn work(&self) -> Option<&WorkView> {
        match self {
            Self::Work(work) => Some(work),
            Self::Widget(_) => None,
        }
    }

    /// Gives the widget, if that is what it is.
    pub fn widget(&self) -> Option<&WidgetView> {
        match self {
            Self::Work(_) => None,
            Self::Widget(widget) => Some(widget),
        }
    }

    /// Gives the script that is part of the page.
    pub fn script(&self) -> &'static Script {
        match self {
            Self::Work(_) => proof_of_work_script(),
            Self::Widget(_) => captcha_script(),
        }
    }
}

/// Why the check was not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaptchaError {
    Needed,
    Failed,
    Unavailable,
}

impl CaptchaError {
    /// Gives what a refusal says about the check, if it does.
    pub fn of(refusal: &Refusal) -> Option<Self> {
        match refusal {
            Refusal::CaptchaNeeded => Some(Self::Needed),
            Refusal::CaptchaFailed => Some(Self::Failed),
            Refusal::CaptchaUnavailable => Some(Self::Unavailable),
            _ => None,
        }
    }

    /// Says it to the person.
    pub fn text(self, layout: &Layout) -> String {
        let messages = layout.loader();
        match self {
            Self::Needed => fl!(messages, "captcha-error-needed"),
            Self::Failed => fl!(messages, "captcha-error-failed"),
            Self::Unavailable => fl!(messages, "captcha-error-unavailable"),
        }
    }
}
