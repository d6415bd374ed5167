//! Telling people from programs before something that costs (spec SGN-06, RTL-06; INV-08): by a service of somebody else, or
//! by work that a browser does for a challenge of ours.
//!
//! A challenge lives in its page alone, sealed for one browser and one page. What was passed is written down, so that it
//! is good once. Where a service does not answer, nobody passes (INV-07).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use crate::{
    app::App,
    clock::{HOUR, MINUTE},
    config::{CaptchaPage, CaptchaService},
    crypto::{
        proof_of_work::{self, PIECES},
        secret::{Secret, sha256},
    },
    domain::{params::Params, refusal::Refusal},
    error::{Error, Result},
    flows::{
        Caller,
        limit::{self, Held, Limiter},
        login::{self, Identifier},
    },
    remote::captcha::{Question, verify},
    store::{self, db::Tx},
};

/// How long a challenge of ours may be answered.
const CHALLENGE_LIFE: i64 = 10 * MINUTE;
/// How long the answer of a service is remembered. None of them accepts its own for more than a few minutes.
const RESPONSE_LIFE: i64 = HOUR;
/// The longest answer of a service; the longest that they are known to give have some 4,000 bytes.
const MOST_RESPONSE_BYTES: usize = 16 * 1024;

/// Work for a browser.
pub struct Challenge {
    /// What the answer has to come with.
    pub text: String,
    pub difficulty: u8,
}

/// Makes work for one browser and one page. Nothing is written down of it.
///
/// # Errors
/// `Internal`.
pub fn challenge(app: &App, page: CaptchaPage, browser: &Secret) -> Result<Challenge> {
    let difficulty = app.config.captcha.difficulty;
    let expires_at = app.clock.now() + CHALLENGE_LIFE;
    // What seals draws a nonce, so no two are alike.
    let sealed = app.sealer.seal(&context(page, browser), &[&expires_at.to_be_bytes()[..], &[difficulty]].concat());
    let sealed = sealed.ok_or(Error::Internal("a challenge cannot be sealed"))?;
    Ok(Challenge { text: URL_SAFE_NO_PAD.encode(sealed), difficulty })
}

fn context(page: CaptchaPage, browser: &Secret) -> String {
    format!("captcha {} {}", page.as_str(), hex::encode(browser.hash()))
}

/// Lets pass whoever passed the CAPTCHA of a page, once; everybody where the page has none.
///
/// # Errors
/// `CaptchaNeeded`, `CaptchaFailed` whatever is wrong, `CaptchaUnavailable` when the service gives no verdict.
pub async fn check(app: &App, page: CaptchaPage, browser: &Secret, form: &Params, caller: &Caller) -> Result<()> {
    let settings = &app.config.captcha;
    if !settings.is_on(page) {
        return Ok(());
    }
    let result = match settings.service {
        CaptchaService::None => return Ok(()),
        CaptchaService::ProofOfWork => check_work(app, page, browser, form).await,
        service => check_response(app, service, page, form, caller).await,
    };
    let word = match &result {
        Ok(()) => "passed",
        Err(Error::Refusal(Refusal::CaptchaNeeded)) => "missing",
        Err(Error::Refusal(Refusal::CaptchaFailed)) => "failed",
        Err(_) => "unavailable",
    };
    metrics::counter!("keymaker_captcha_total", "page" => page.as_str(), "result" => word).increment(1);
    result
}

/// An attempt to sign in by password. Unless it succeeds, it was a wrong one.
#[must_use]
pub struct Attempt(Option<Held>);

/// Lets an attempt to sign in by password pass: a few wrong ones freely, then whoever passed the CAPTCHA. What counts is
/// the name that was typed, whether or not somebody has it (RTL-05, RTL-06).
///
/// # Errors
/// As `check`, once it is wanted.
pub async fn check_login(
    app: &App,
    username: &str,
    browser: &Secret,
    form: &Params,
    caller: &Caller,
) -> Result<Attempt> {
    if !app.config.captcha.is_on(CaptchaPage::Login) {
        return Ok(Attempt(None));
    }
    let keys = login_keys(app, Some(username), caller);
    let keys: Vec<(Limiter, &str)> = keys.iter().map(|(limiter, key)| (*limiter, key.as_str())).collect();
    // It counts before the password is looked at: so many at once are not all the first.
    match limit::hold(app, &keys).await {
        Ok(held) => Ok(Attempt(Some(held))),
        Err(Error::Refusal(Refusal::TooManyRequests { .. })) => {
            check(app, CaptchaPage::Login, browser, form, caller).await?;
            Ok(Attempt(None))
        }
        Err(error) => Err(error),
    }
}

impl Attempt {
    /// Takes note that the password was right.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn succeed(self, app: &App) -> Result<()> {
        match self.0 {
            Some(held) => held.give_back(app).await,
            None => Ok(()),
        }
    }
}

/// Tells whether the next attempt to sign in by password wants the CAPTCHA, as far as it is known who will be typed.
///
/// # Errors
/// When the store fails.
pub async fn is_login_checked(app: &App, username: Option<&str>, caller: &Caller) -> Result<bool> {
    if !app.config.captcha.is_on(CaptchaPage::Login) {
        return Ok(false);
    }
    for (limiter, key) in login_keys(app, username, caller) {
        match limit::check(app, limiter, &key).await {
            Ok(()) => {}
            Err(Error::Refusal(Refusal::TooManyRequests { .. })) => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

fn login_keys(app: &App, username: Option<&str>, caller: &Caller) -> Vec<(Limiter, String)> {
    let by_address = (Limiter::UncheckedLoginByAddress, limit::address(caller));
    let lot = |username: &str| login::lot(app, &Identifier::Typed(username.to_owned()));
    let by_account = username.map(|username| (Limiter::UncheckedLoginByAccount, lot(username)));
    [by_address].into_iter().chain(by_account).collect()
}

/// Forgets what says nothing any more.
///
/// # Errors
/// When the store fails.
pub async fn clean_up(app: &App, tx: &mut Tx) -> Result<()> {
    for limiter in [Limiter::UncheckedLoginByAddress, Limiter::UncheckedLoginByAccount] {
        limit::sweep(app, tx, limiter).await?;
    }
    store::captcha::delete_expired(tx, app.clock.now()).await?;
    Ok(())
}

/// Cheap checks first: a handful of hashes, and only then the database.
async fn check_work(app: &App, page: CaptchaPage, browser: &Secret, form: &Params) -> Result<()> {
    let (Some(text), Some(solution)) = (form.get("captcha_challenge"), form.get("captcha_solution")) else {
        return Err(Refusal::CaptchaNeeded.into());
    };
    let Some(expires_at) = judge_work(app, page, browser, text, solution) else {
        return Err(Refusal::CaptchaFailed.into());
    };
    spend(app, text, expires_at).await
}

/// Gives until when a challenge can be answered whose answer is right. How much work it is, is sealed in it.
fn judge_work(app: &App, page: CaptchaPage, browser: &Secret, text: &str, solution: &str) -> Option<i64> {
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    let opened = app.sealer.open(&context(page, browser), &sealed)?;
    let (expires_at, difficulty) = opened.split_first_chunk::<8>()?;
    let (expires_at, difficulty) = (i64::from_be_bytes(*expires_at), *difficulty.first()?);
    let numbers: Option<Vec<u32>> = solution.split(',').take(PIECES + 1).map(|number| number.parse().ok()).collect();
    let is_good = expires_at > app.clock.now() && proof_of_work::is_solved(text, difficulty, &numbers?);
    is_good.then_some(expires_at)
}

async fn check_response(
    app: &App,
    service: CaptchaService,
    page: CaptchaPage,
    form: &Params,
    caller: &Caller,
) -> Result<()> {
    let settings = &app.config.captcha;
    let response = form.get(response_field(service)).ok_or(Refusal::CaptchaNeeded)?;
    if response.len() > MOST_RESPONSE_BYTES {
        return Err(Refusal::CaptchaFailed.into());
    }
    let question = Question {
        verify_url: verify_url(app)?,
        secret_key: settings.secret_key(),
        site_key: (service == CaptchaService::Hcaptcha).then_some(settings.site_key()),
        response,
        remote_ip: caller.ip.as_deref(),
    };
    let verdict = verify(&app.http, &question).await.map_err(|error| {
        tracing::error!(%error, "the CAPTCHA service gives no verdict, so nobody passes");
        Refusal::CaptchaUnavailable
    })?;
    // An answer that was given on another site, or for another page of ours, was not given here.
    let is_here = verdict.hostname.as_deref() == app.config.http.public_base.host_str();
    let is_for_this =
        service != CaptchaService::CloudflareTurnstile || verdict.action.as_deref() == Some(page.as_str());
    if verdict.success && !(is_here && is_for_this) {
        tracing::warn!(is_here, is_for_this, "a CAPTCHA was passed somewhere else");
    }
    if !(verdict.success && is_here && is_for_this) {
        return Err(Refusal::CaptchaFailed.into());
    }
    spend(app, response, app.clock.now() + RESPONSE_LIFE).await
}

/// Gives the name under which a widget puts its answer into the form.
fn response_field(service: CaptchaService) -> &'static str {
    match service {
        CaptchaService::RecaptchaV2 => "g-recaptcha-response",
        CaptchaService::Hcaptcha => "h-captcha-response",
        CaptchaService::CloudflareTurnstile => "cf-turnstile-response",
        CaptchaService::None | CaptchaService::ProofOfWork => "captcha_solution",
    }
}

fn verify_url(app: &App) -> Result<Url> {
    if let Some(url) = app.config.captcha.verify_url() {
        return Ok((**url).clone());
    }
    let url = match app.config.captcha.service {
        CaptchaService::Hcaptcha => "https://api.hcaptcha.com/siteverify",
        CaptchaService::CloudflareTurnstile => "https://challenges.cloudflare.com/turnstile/v0/siteverify",
        _ => "https://www.google.com/recaptcha/api/siteverify",
    };
    Url::parse(url).map_err(|_| Error::Internal("the CAPTCHA service has no address"))
}

/// INV-01: of all who bring the same one, one passes.
async fn spend(app: &App, text: &str, expires_at: i64) -> Result<()> {
    let mut tx = app.db.write().await?;
    if !store::captcha::spend(&mut tx, &sha256(text.as_bytes()), expires_at).await? {
        return Err(Refusal::CaptchaFailed.into());
    }
    Ok(tx.commit().await?)
}
