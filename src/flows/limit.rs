//! How often something may be done (spec area 19): one GCRA for all, a row of the database for each limiter and key, so that
//! a restart or another replica changes nothing (INV-16). What was taken is never more than what was earned.
//!
//! Ask after what is cheap to check and before what costs (INV-08, RTL-02).

use std::net::IpAddr;

use crate::{
    app::App,
    config::{Config, RateLimit},
    crypto::secret::tag,
    domain::{id::UserId, refusal::Refusal, session::BROWSER_SESSION_MOST},
    error::Result,
    flows::Caller,
    store::{self, db::Tx, limit::Taking},
};

/// What is limited. `Address` is that of the caller, as [`address`] gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limiter {
    /// Wrong passwords.
    PasswordByAddress,
    /// Wrong passwords; the key is [`on_account`].
    PasswordByAccount,
    /// Right passwords and passkeys.
    LoginByAccount,
    /// Wrong codes; the key is [`on_account`].
    SecondFactorByAccount,
    RegistrationByAddress,
    /// Whether a name is free.
    Availability,
    RecoveryByAddress,
    /// The key is the e-mail address that somebody typed.
    RecoveryByEmail,
    EmailCodeByAddress,
    EmailCodeByEmail,
    /// The key is the id of the sign-up or of the account.
    EmailCodeBySession,
    /// The same.
    EmailTryBySession,
    ClientRegistration,
    /// Wrong secrets; the key is the client and the address.
    ClientAuthentication,
    /// Devices that ask for a code.
    DeviceAuthorization,
    /// Requests that clients send ahead.
    PushedRequest,
    UserCodeByAddress,
    /// The key is that of the browser session or of the browser.
    UserCodeBySession,
    /// Each that comes back was begun: it is counted there.
    UpstreamCallback,
    Rendezvous,
    /// Wrong passwords without a CAPTCHA. It has its setting there, and nobody is kept out by it.
    UncheckedLoginByAddress,
    /// The same; the key is the name that somebody typed.
    UncheckedLoginByAccount,
}

/// For how long an account knows a browser that does not sign in to it again: as long as the cookie lives.
pub const KNOWN_BROWSER_LIFE: i64 = BROWSER_SESSION_MOST;
/// Of how many keys one looks whether there are too many, where very many are remembered.
const PATROL: u32 = 1024;

impl Limiter {
    /// Those with settings of their own in `rate_limiting`.
    pub const ALL: [Self; 20] = [
        Self::PasswordByAddress,
        Self::PasswordByAccount,
        Self::LoginByAccount,
        Self::SecondFactorByAccount,
        Self::RegistrationByAddress,
        Self::Availability,
        Self::RecoveryByAddress,
        Self::RecoveryByEmail,
        Self::EmailCodeByAddress,
        Self::EmailCodeByEmail,
        Self::EmailCodeBySession,
        Self::EmailTryBySession,
        Self::ClientRegistration,
        Self::ClientAuthentication,
        Self::DeviceAuthorization,
        Self::PushedRequest,
        Self::UserCodeByAddress,
        Self::UserCodeBySession,
        Self::UpstreamCallback,
        Self::Rendezvous,
    ];

    /// Gives the name in the database and in metrics: the path of its setting.
    pub fn name(self) -> &'static str {
        match self {
            Self::PasswordByAddress => "login.per_ip",
            Self::PasswordByAccount => "login.per_account",
            Self::LoginByAccount => "login.successes_per_account",
            Self::SecondFactorByAccount => "second_factor",
            Self::RegistrationByAddress => "registration",
            Self::Availability => "availability",
            Self::RecoveryByAddress => "account_recovery.per_ip",
            Self::RecoveryByEmail => "account_recovery.per_address",
            Self::EmailCodeByAddress => "email_authentication.per_ip",
            Self::EmailCodeByEmail => "email_authentication.per_address",
            Self::EmailCodeBySession => "email_authentication.emails_per_session",
            Self::EmailTryBySession => "email_authentication.attempt_per_session",
            Self::ClientRegistration => "client_registration",
            Self::ClientAuthentication => "client_authentication",
            Self::DeviceAuthorization => "device_authorization",
            Self::PushedRequest => "pushed_authorization_request",
            Self::UserCodeByAddress => "user_code.per_ip",
            Self::UserCodeBySession => "user_code.per_session",
            Self::UpstreamCallback => "upstream_callback",
            Self::Rendezvous => "rendezvous",
            Self::UncheckedLoginByAddress => "captcha.login.per_ip",
            Self::UncheckedLoginByAccount => "captcha.login.per_account",
        }
    }

    /// Gives what is configured.
    pub fn setting(self, config: &Config) -> RateLimit {
        let settings = &config.rate_limiting;
        match self {
            Self::PasswordByAddress => settings.login.per_ip,
            Self::PasswordByAccount => settings.login.per_account,
            Self::LoginByAccount => settings.login.successes_per_account,
            Self::SecondFactorByAccount => settings.second_factor,
            Self::RegistrationByAddress => settings.registration,
            Self::Availability => settings.availability,
            Self::RecoveryByAddress => settings.account_recovery.per_ip,
            Self::RecoveryByEmail => settings.account_recovery.per_address,
            Self::EmailCodeByAddress => settings.email_authentication.per_ip,
            Self::EmailCodeByEmail => settings.email_authentication.per_address,
            Self::EmailCodeBySession => settings.email_authentication.emails_per_session,
            Self::EmailTryBySession => settings.email_authentication.attempt_per_session,
            Self::ClientRegistration => settings.client_registration,
            Self::ClientAuthentication => settings.client_authentication,
            Self::DeviceAuthorization => settings.device_authorization,
            Self::PushedRequest => settings.pushed_authorization_request,
            Self::UserCodeByAddress => settings.user_code.per_ip,
            Self::UserCodeBySession => settings.user_code.per_session,
            Self::UpstreamCallback => settings.upstream_callback,
            Self::Rendezvous => settings.rendezvous,
            Self::UncheckedLoginByAddress => config.captcha.login_limit_by_address(),
            Self::UncheckedLoginByAccount => config.captcha.login_limit_by_account(),
        }
    }
}

/// Gives the key of a caller's address. Whoever has an IPv6 network has 2^64 addresses in it, so they count as one; and all
/// whose address is not known count as one.
pub fn address(caller: &Caller) -> String {
    match caller.ip.as_deref().and_then(|ip| ip.parse::<IpAddr>().ok()).map(|ip| ip.to_canonical()) {
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Some(ip) => ip.to_string(),
        None => "nowhere".to_owned(),
    }
}

/// Gives the key of an account. A browser that signed in to it before has one of its own: what strangers try does not keep
/// its owner out (RTL-04). For nobody's account that takes as long.
///
/// # Errors
/// When the store fails.
pub async fn on_account(
    app: &App,
    account: &str,
    user: Option<&UserId>,
    browser_hash: Option<&[u8]>,
) -> Result<String> {
    let Some(hash) = browser_hash else { return Ok(account.to_owned()) };
    let nobody = UserId::new("");
    let since = app.clock.now() - KNOWN_BROWSER_LIFE;
    Ok(match store::known_browser::is_known(&app.db, user.unwrap_or(&nobody), hash, since).await? {
        true => format!("known {} {account}", hex::encode(hash)),
        false => account.to_owned(),
    })
}

/// Takes one. As with everything here, never within a transaction: it has one of its own.
///
/// # Errors
/// `TooManyRequests` when none is left.
pub async fn take(app: &App, limiter: Limiter, key: &str) -> Result<()> {
    take_part(app, limiter, key, 1.0).await
}

/// Takes a part of one, for what costs less than others.
///
/// # Errors
/// `TooManyRequests` when so much is not left.
pub async fn take_part(app: &App, limiter: Limiter, key: &str, part: f64) -> Result<()> {
    take_from(app, Bucket::of(app, limiter, key, part).as_slice()).await
}

/// Refuses when none is left, and takes nothing: for what is counted only when it fails.
///
/// # Errors
/// `TooManyRequests` when none is left.
pub async fn check(app: &App, limiter: Limiter, key: &str) -> Result<()> {
    match Bucket::of(app, limiter, key, 1.0) {
        Some(bucket) => bucket.check(app).await,
        None => Ok(()),
    }
}

/// Takes one of each, or nothing.
///
/// # Errors
/// `TooManyRequests` when one of them has none left.
pub async fn take_each(app: &App, wanted: &[(Limiter, &str)]) -> Result<()> {
    hold(app, wanted).await.map(drop)
}

/// What was taken in case it fails. Dropped, it stays taken: whoever hangs up has failed.
#[must_use]
pub struct Held(Vec<Bucket>);

/// Takes one of each, or nothing, until [`Held::give_back`]. So many at once cannot all be judged for one.
///
/// # Errors
/// `TooManyRequests` when one of them has none left.
pub async fn hold(app: &App, wanted: &[(Limiter, &str)]) -> Result<Held> {
    let buckets = wanted.iter().filter_map(|(limiter, key)| Bucket::of(app, *limiter, key, 1.0));
    let buckets: Vec<Bucket> = buckets.collect();
    take_from(app, &buckets).await?;
    Ok(Held(buckets))
}

impl Held {
    /// Gives back what was taken: it went well.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn give_back(self, app: &App) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut tx = app.db.write().await?;
        for bucket in &self.0 {
            store::limit::give_back(&mut tx, &bucket.taking()).await?;
        }
        Ok(tx.commit().await?)
    }
}

async fn take_from(app: &App, buckets: &[Bucket]) -> Result<()> {
    // A look first: a flood of refusals must not queue for the writer.
    for bucket in buckets {
        bucket.check(app).await?;
    }
    if buckets.is_empty() {
        return Ok(());
    }
    let mut tx = app.db.write().await?;
    for bucket in buckets {
        if !store::limit::take(&mut tx, &bucket.taking()).await? {
            drop(tx);
            let full_at = bucket.find_full_at(app).await?;
            return Err(bucket.refuse(full_at).into());
        }
        if bucket.is_on_patrol(app) {
            sweep(app, &mut tx, bucket.limiter).await?;
        }
    }
    Ok(tx.commit().await?)
}

/// Forgets the keys of a limiter that are allowed everything again, and of too many those that are nearest to that.
///
/// # Errors
/// When the store fails.
pub async fn sweep(app: &App, tx: &mut Tx, limiter: Limiter) -> Result<()> {
    store::limit::delete_full(tx, limiter.name(), app.clock.now() * 1000).await?;
    store::limit::evict(tx, limiter.name(), i64::from(app.config.rate_limiting.most_keys)).await?;
    Ok(())
}

/// A limiter and a key, and what is wanted of them: times and lengths in microseconds.
struct Bucket {
    limiter: Limiter,
    key_hash: [u8; 16],
    now: i64,
    cost: i64,
    capacity: i64,
}

impl Bucket {
    /// Nothing where the limiter is off.
    fn of(app: &App, limiter: Limiter, key: &str, part: f64) -> Option<Self> {
        let rate = limiter.setting(&app.config).rate()?;
        metrics::counter!("keymaker_rate_limit_checks_total", "limiter" => limiter.name()).increment(1);
        Some(Self {
            limiter,
            key_hash: tag(&app.rate_limit_key, &format!("{} {key}", limiter.name())),
            now: app.clock.now() * 1000,
            cost: (rate.interval() as f64 * part) as i64,
            capacity: rate.capacity(),
        })
    }

    fn taking(&self) -> Taking<'_> {
        Taking {
            limiter: self.limiter.name(),
            key_hash: &self.key_hash,
            now: self.now,
            cost: self.cost,
            capacity: self.capacity,
        }
    }

    async fn find_full_at(&self, app: &App) -> Result<i64> {
        Ok(store::limit::find_full_at(&app.db, self.limiter.name(), &self.key_hash).await?.unwrap_or(self.now))
    }

    async fn check(&self, app: &App) -> Result<()> {
        let full_at = self.find_full_at(app).await?;
        match full_at.max(self.now) + self.cost <= self.now + self.capacity {
            true => Ok(()),
            false => Err(self.refuse(full_at).into()),
        }
    }

    fn refuse(&self, full_at: i64) -> Refusal {
        metrics::counter!("keymaker_rate_limited_total", "limiter" => self.limiter.name()).increment(1);
        let wait = full_at + self.cost - self.capacity - self.now;
        Refusal::TooManyRequests { seconds: (wait.max(1) + 999_999) / 1_000_000 }
    }

    /// Nobody knows of their key whether it is: it is keyed.
    fn is_on_patrol(&self, app: &App) -> bool {
        let [a, b, c, d, ..] = self.key_hash;
        u32::from_be_bytes([a, b, c, d]) % (app.config.rate_limiting.most_keys / 64).clamp(1, PATROL) == 0
    }
}
