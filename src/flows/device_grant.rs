//! The device authorization grant (RFC 8628, MSC4341; spec area 10): a device asks, a person types its code into a browser and
//! decides, and the device, which asks again and again, gets its tokens.

use crate::{
    app::App,
    crypto::{
        secret::{Kind, Secret, equal},
        user_code::{self, Length, UserCode},
    },
    domain::{
        amr::{Acr, Amr},
        client::GrantType,
        device_grant::{DeviceGrant, State},
        grant::CODE_RETRY_GRACE,
        id::DeviceGrantId,
        params::Params,
        refusal::Refusal,
        scope::Scope,
        session::EndReason,
        user::User,
    },
    error::{Error, Result},
    flows::{
        Caller,
        authorize::check_scope,
        browser::SignedIn,
        limit::{self, Limiter},
        open::Warrant,
        permit, session,
        token::{Granted, TokenResponse, required, tokens},
    },
    language,
    store::{
        self,
        client::Client,
        device_grant::{Approval, NewDeviceGrant},
    },
};

/// How often a code is made anew that another device has already.
const MOST_DRAWS: usize = 8;

/// What a device is told (RFC 8628 §3.2). It is never logged.
pub struct Begun {
    pub device_code: Secret,
    pub user_code: UserCode,
}

/// Begins a device grant for an authenticated client.
///
/// # Errors
/// `UnauthorizedClient`, `InvalidScope`, `InvalidRequest`, `Policy`, `TooManyRequests`.
pub async fn begin(app: &App, client: &Client, params: &Params, caller: &Caller) -> Result<Begun> {
    if !client.metadata.allows_grant(GrantType::DeviceCode) {
        return Err(Refusal::UnauthorizedClient("the device_code grant").into());
    }
    let scope = check_scope(params, client)?.to_string();
    permit::authorization(app, client, &scope, GrantType::DeviceCode, None, caller)?;
    limit::take(app, Limiter::DeviceAuthorization, &limit::address(caller)).await?;
    let (settings, now) = (&app.config.device_grant, app.clock.now());
    let device_code = Secret::generate(Kind::DeviceCode);
    let length = length_of_new_codes(app).await?;
    for _ in 0..MOST_DRAWS {
        let user_code = UserCode::generate(length);
        let id = app.new_device_grant_id();
        let sealed = app.sealer.seal(&sealing(&id), user_code.shown().as_bytes());
        let new = NewDeviceGrant {
            id: &id,
            client: &client.id,
            scope: &scope,
            device_code_hash: device_code.hash(),
            user_code_hash: user_code.hash(&app.user_code_key),
            user_code: sealed.ok_or(Error::Internal("a user code cannot be sealed"))?,
            ip: caller.ip.as_deref(),
            user_agent: caller.user_agent.as_deref(),
            poll_interval: settings.interval(),
            expires_at: now + settings.life(),
            now,
        };
        let mut tx = app.db.write().await?;
        if store::device_grant::insert(&mut tx, &new).await? {
            tx.commit().await?;
            return Ok(Begun { device_code, user_code });
        }
    }
    Err(Error::Internal("every user code is taken"))
}

/// Gives what the seal of a user code belongs to.
pub fn sealing(id: &DeviceGrantId) -> String {
    format!("user code {id}")
}

/// Gives the code of a device, for whoever typed it to compare.
///
/// # Errors
/// When it was sealed under another key.
pub fn user_code(app: &App, grant: &DeviceGrant) -> Result<UserCode> {
    let shown = app.sealer.open(&sealing(&grant.id), &grant.user_code);
    let code = shown.and_then(|shown| UserCode::parse(&String::from_utf8(shown).ok()?));
    code.ok_or(Error::Internal("a user code cannot be opened"))
}

/// How many wrong codes of one length everybody together may type: so many at once, and another one every so often.
///
/// RFC 8628 §6.1 and DVC-05 allow a chance of 2^-32 that a given code is guessed while it lives. Within a life L of at most
/// 1800 s there are `most + L / period` guesses: 4 + 1 of 20^8 codes, which is 2^-32.25, or 1000 + 1800 of 20^12 codes, which
/// is 2^-40.4. From however many addresses, browsers and accounts they come changes nothing.
struct Guesses {
    most: i64,
    period: i64,
}

impl Guesses {
    fn at(app: &App, length: Length) -> Self {
        match length {
            Length::Usual => Self { most: 4, period: app.config.device_grant.life() },
            Length::Long => Self { most: 1000, period: crate::clock::SECOND },
        }
    }
}

/// While wrong codes are being typed, new ones are longer: whoever guesses keeps nobody else from signing in.
async fn length_of_new_codes(app: &App) -> Result<Length> {
    let spent_until = store::device_grant::guesses_spent_until(&app.db, letters(Length::Usual)).await?;
    let one = Guesses::at(app, Length::Usual).period;
    Ok(if spent_until <= app.clock.now() + one { Length::Usual } else { Length::Long })
}

fn letters(length: Length) -> i64 {
    length.letters() as i64
}

/// Where somebody goes who typed the code of a device that waits.
pub struct Entered {
    pub grant: DeviceGrantId,
    /// Shows that it was typed in this browser.
    pub entry: String,
}

/// Finds the device that waits with a code that somebody typed.
///
/// # Errors
/// `UnknownUserCode`, whether there never was such a code, it is over, or too many wrong ones were typed by everybody
/// together (DVC-05); `TooManyRequests` for whoever typed too many.
pub async fn enter(app: &App, browser: &Secret, signed_in: &SignedIn, typed: &str, caller: &Caller) -> Result<Entered> {
    let code = UserCode::parse(typed).ok_or(Refusal::UnknownUserCode)?;
    let (address, session) = (limit::address(caller), signed_in.session.session_id.as_str());
    let wanted = [(Limiter::UserCodeByAddress, address.as_str()), (Limiter::UserCodeBySession, session)];
    let held = limit::hold(app, &wanted).await?;
    // A guess is spent before it is judged, or many at once would be judged for one.
    let Guesses { most, period } = Guesses::at(app, code.length);
    let mut tx = app.db.write().await?;
    let has_guess =
        store::device_grant::spend_guess(&mut tx, letters(code.length), most, period, app.clock.now()).await?;
    tx.commit().await?;
    if !has_guess {
        tracing::warn!(length = code.length.letters(), "too many wrong user codes; those of this length rest");
        return Err(Refusal::UnknownUserCode.into());
    }
    let hash = code.hash(&app.user_code_key);
    let Some(grant) = store::device_grant::find_waiting(&app.db, &hash, app.clock.now()).await? else {
        metrics::counter!("keymaker_user_codes_unknown_total").increment(1);
        return Err(Refusal::UnknownUserCode.into());
    };
    let mut tx = app.db.write().await?;
    store::device_grant::return_guess(&mut tx, letters(code.length), period).await?;
    tx.commit().await?;
    held.give_back(app).await?;
    let entry = user_code::entry(&app.user_code_key, &grant, browser);
    Ok(Entered { grant, entry })
}

/// Finds a device that waits, for a browser in which its code was typed.
///
/// # Errors
/// `TransactionOver`; `OtherBrowser` where it was not typed.
pub async fn find(app: &App, id: &str, entry: &str, browser: &Secret) -> Result<(DeviceGrant, Client)> {
    let id = DeviceGrantId::read(id).ok_or(Refusal::TransactionOver)?;
    if !equal(&user_code::entry(&app.user_code_key, &id, browser), entry) {
        return Err(Refusal::OtherBrowser.into());
    }
    let grant = store::device_grant::find(&app.db, &id).await?.ok_or(Refusal::TransactionOver)?;
    if grant.state(app.clock.now()) != State::Pending {
        return Err(Refusal::TransactionOver.into());
    }
    let client = store::client::find(&app.db, &grant.client_id).await?.ok_or(Refusal::UnknownClient)?;
    Ok((grant, client))
}

/// Gives the class that letting a device in takes, where the operator asks for one.
pub fn wanted_acr(app: &App) -> Option<Acr> {
    app.config.device_grant.require_second_factor.then_some(Acr::Mfa)
}

/// Tells whether somebody signed in recently enough to let a device in.
pub fn is_recent(app: &App, signed_in: &SignedIn) -> bool {
    app.clock.now() - signed_in.auth_time <= app.config.device_grant.login_max_age()
}

/// Tells whether the policies let a device have what it asks for, of this person.
///
/// # Errors
/// `Policy`.
pub fn check_person(app: &App, grant: &DeviceGrant, client: &Client, person: &SignedIn, caller: &Caller) -> Result<()> {
    permit::authorization(app, client, &grant.scope, GrantType::DeviceCode, Some(&person.user), caller)
}

/// Records that the person lets the device in.
///
/// # Errors
/// `TransactionOver` when it was decided before, or when the person may no longer decide; `LoginRequired`;
/// `FactorLacking`. What this account may not have is `AccessDenied`, also for the device (DVC-03).
pub async fn approve(
    app: &App,
    grant: &DeviceGrant,
    client: &Client,
    signed_in: &SignedIn,
    caller: &Caller,
) -> Result<()> {
    if !is_recent(app, signed_in) {
        return Err(Refusal::LoginRequired.into());
    }
    if let Some(wanted) = wanted_acr(app)
        && signed_in.session.amr.as_ref().map(Amr::acr) < Some(wanted)
    {
        return Err(Refusal::FactorLacking(wanted).into());
    }
    // SCP-09: administration is never silently dropped from the scope.
    let scope = Scope::parse(&grant.scope).unwrap_or_default();
    let may_administer = signed_in.user.is_admin || !scope.wants_server_admin();
    match check_person(app, grant, client, signed_in, caller) {
        Ok(()) if may_administer => {}
        Ok(()) | Err(Error::Refusal(Refusal::Policy(_))) => {
            deny(app, grant).await?;
            return Err(Refusal::AccessDenied.into());
        }
        Err(error) => return Err(error),
    }
    let approval = Approval {
        user: &signed_in.user.id,
        browser_session: &signed_in.session.session_id,
        auth_time: signed_in.auth_time,
        amr: signed_in.session.amr.as_ref(),
        language: caller.language.tag(),
    };
    let mut tx = app.db.write().await?;
    if !store::device_grant::approve(&mut tx, &grant.id, &approval, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    Ok(tx.commit().await?)
}

/// Records that the person keeps the device out.
///
/// # Errors
/// `TransactionOver` when it was decided before.
pub async fn deny(app: &App, grant: &DeviceGrant) -> Result<()> {
    let mut tx = app.db.write().await?;
    if !store::device_grant::deny(&mut tx, &grant.id, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    Ok(tx.commit().await?)
}

/// Answers a device that asks whether it was let in (RFC 8628 §3.4, §3.5).
///
/// # Errors
/// `AuthorizationPending`, `SlowDown`, `AccessDenied`, `ExpiredToken`, `InvalidGrant`.
pub async fn poll(app: &App, client: Client, params: &Params, mut caller: Caller) -> Result<TokenResponse> {
    let unknown = Refusal::InvalidGrant("the device code is unknown");
    let secret = Secret::parse(Kind::DeviceCode, required(params, "device_code")?).ok_or(unknown.clone())?;
    let found = store::device_grant::find_by_device_code(&app.db, &secret.hash()).await?;
    let grant = found.ok_or(unknown.clone())?;
    let is_own = grant.client_id == client.id;
    match grant.state(app.clock.now()) {
        State::Exchanged => Err(refuse_reuse(app, &grant, is_own, &caller).await?.into()),
        _ if !is_own => Err(unknown.into()),
        State::Denied => Err(Refusal::AccessDenied.into()),
        State::Expired => Err(Refusal::ExpiredToken.into()),
        State::Pending => Err(pace(app, &grant).await?.into()),
        State::Approved => {
            let user = check_user(app, &grant).await?;
            // The device may ask in no language at all; the person did.
            caller.language = language::negotiate(grant.language.as_deref(), None);
            // Whoever hangs up now must not leave a device without a session, or a lane that nobody leaves.
            let app = app.clone();
            tokio::spawn(async move { exchange(&app, &client, &grant, &user, &caller).await })
                .await
                .map_err(|_| Error::Internal("an exchange died"))?
        }
    }
}

async fn pace(app: &App, grant: &DeviceGrant) -> Result<Refusal> {
    let mut tx = app.db.write().await?;
    let is_in_time = store::device_grant::note_poll(&mut tx, &grant.id, app.clock.now()).await?;
    tx.commit().await?;
    Ok(if is_in_time { Refusal::AuthorizationPending } else { Refusal::SlowDown })
}

/// As with an authorization code (TOK-03, DEC-05): a client that asks again within seconds lost our response. Later, it never
/// had it or two hold the code, and nobody needs the session.
async fn refuse_reuse(app: &App, grant: &DeviceGrant, is_own: bool, caller: &Caller) -> Result<Refusal> {
    let is_retry = is_own && grant.consumed_at.is_some_and(|at| app.clock.now() - at <= CODE_RETRY_GRACE);
    if !is_retry
        && let Some(id) = &grant.session_id
        && let Some(session) = store::session::find(&app.db, id).await?
    {
        tracing::warn!(session = %id, "a device code was presented again; its session ends");
        session::end_replayed(app, &session, EndReason::CodeReplayed, caller).await?;
    }
    Ok(Refusal::InvalidGrant("the device code was used already"))
}

/// DVC-07: who was locked or deactivated since lets nobody in.
async fn check_user(app: &App, grant: &DeviceGrant) -> Result<User> {
    let user = grant.user_id.as_ref().ok_or(Refusal::AccessDenied)?;
    let user = store::user::find(&app.db, user).await?.ok_or(Refusal::AccessDenied)?;
    let may = user.locked_at.is_none() && user.deactivated_at.is_none();
    let scope = Scope::parse(&grant.scope).unwrap_or_default();
    match may && (user.is_admin || !scope.wants_server_admin()) {
        true => Ok(user),
        false => Err(Refusal::AccessDenied.into()),
    }
}

async fn exchange(
    app: &App,
    client: &Client,
    grant: &DeviceGrant,
    user: &User,
    caller: &Caller,
) -> Result<TokenResponse> {
    let granted = Granted {
        scope: &grant.scope,
        auth_time: grant.auth_time,
        amr: grant.amr.as_ref(),
        nonce: None,
        claims: None,
        resource: None,
        warrant: Warrant::DeviceCode { id: &grant.id, decided_at: grant.decided_at.unwrap_or_default() },
        opened_by: grant.browser_session_id.as_ref(),
    };
    tokens(app, client, user, granted, caller).await
}
