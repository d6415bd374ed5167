//! The check that tells people from programs, as part of a page: what it shows, and what the page may load for it. Other
//! pages may not, and without a service nothing comes from elsewhere (WEB-03, WEB-05).

use axum::response::Response;

use crate::{
    app::App,
    config::{CaptchaPage, CaptchaService},
    crypto::{
        proof_of_work::{PIECES, zeros},
        secret::{Secret, sha256},
    },
    error::Result,
    flows::captcha::challenge,
    language::Language,
    web::{
        frame::{Elsewhere, with_scripts},
        pages::{
            assets::Script,
            views::captcha::{CaptchaView, WidgetView, WorkView},
        },
    },
};

/// Gives the check of a page; nothing where it asks for none.
///
/// # Errors
/// `Internal`.
pub fn captcha_view(app: &App, page: CaptchaPage, browser: &Secret, language: Language) -> Result<Option<CaptchaView>> {
    if !app.config.captcha.is_on(page) {
        return Ok(None);
    }
    let tag = language.tag();
    let widget = |service, class, script_src| {
        let site_key = app.config.captcha.site_key().to_owned();
        CaptchaView::Widget(WidgetView { service, class, script_src, site_key, action: page.as_str() })
    };
    Ok(match app.config.captcha.service {
        CaptchaService::None => None,
        CaptchaService::ProofOfWork => {
            let challenge = challenge(app, page, browser)?;
            Some(CaptchaView::Work(WorkView {
                seed: hex::encode(sha256(challenge.text.as_bytes())),
                challenge: challenge.text,
                pieces: PIECES,
                zeros: zeros(challenge.difficulty),
            }))
        }
        CaptchaService::RecaptchaV2 => {
            let script = format!("https://www.google.com/recaptcha/api.js?hl={tag}");
            Some(widget("reCAPTCHA", "g-recaptcha", script))
        }
        CaptchaService::Hcaptcha => {
            let script = format!("https://js.hcaptcha.com/1/api.js?hl={tag}&recaptchacompat=off");
            Some(widget("hCaptcha", "h-captcha", script))
        }
        CaptchaService::CloudflareTurnstile => {
            let script = "https://challenges.cloudflare.com/turnstile/v0/api.js".to_owned();
            Some(widget("Cloudflare Turnstile", "cf-turnstile", script))
        }
    })
}

/// Lets a page load what its check needs, beside the scripts that it has anyway.
pub fn with_captcha(app: &App, captcha: Option<&CaptchaView>, others: &[&Script], response: Response) -> Response {
    let own = captcha.map(CaptchaView::script);
    let scripts: Vec<&Script> = others.iter().copied().chain(own).collect();
    if scripts.is_empty() {
        return response;
    }
    with_scripts(&scripts, captcha.and_then(|_| elsewhere(app.config.captcha.service)), response)
}

/// What the documentation of each service asks a policy to allow.
fn elsewhere(service: CaptchaService) -> Option<&'static Elsewhere> {
    const HCAPTCHA: &str = " https://hcaptcha.com https://*.hcaptcha.com";
    match service {
        CaptchaService::None | CaptchaService::ProofOfWork => None,
        CaptchaService::RecaptchaV2 => Some(&Elsewhere {
            script: " https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/",
            frame: " https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/",
            connect: " https://www.google.com/recaptcha/",
            style: "",
        }),
        CaptchaService::Hcaptcha => {
            Some(&Elsewhere { script: HCAPTCHA, frame: HCAPTCHA, connect: HCAPTCHA, style: HCAPTCHA })
        }
        CaptchaService::CloudflareTurnstile => Some(&Elsewhere {
            script: " https://challenges.cloudflare.com",
            frame: " https://challenges.cloudflare.com",
            connect: "",
            style: "",
        }),
    }
}
