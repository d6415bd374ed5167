//! Opening a session: its device exists at the homeserver first, then one transaction consumes what entitles to the
//! session, and inserts the session and its tokens (spec TOK-12, CMP-18, DEV-01).

use crate::{
    app::App,
    crypto::secret::{Family, Kind, Secret},
    domain::{
        amr::Amr,
        event::Event,
        id::{ClientId, DeviceGrantId, GrantId, JobId, SessionId, SsoLoginId, UserId},
        policy::LoginType,
        refusal::Refusal,
        session::SessionKind,
        user::User,
    },
    error::Result,
    flows::{
        Caller, event,
        homeserver::{self, Lane},
        permit, session,
    },
    store::{
        self,
        db::Tx,
        session::NewSession,
        token::{NewToken, TokenKind},
    },
};

/// What entitles to a session. A one-time object is consumed in the transaction that inserts the session (INV-01).
pub enum Warrant<'a> {
    Code(&'a GrantId),
    LoginToken(&'a SsoLoginId),
    DeviceCode {
        id: &'a DeviceGrantId,
        /// When the person decided.
        decided_at: i64,
    },
    /// The password, looked up at this moment.
    Password {
        proved_at: i64,
    },
    /// A client's own secret, or an administrator at the command line.
    Standing,
}

/// How long a token lives, in milliseconds.
#[derive(Clone, Copy)]
pub enum Life {
    Unlimited,
    Limited(i64),
}

impl Life {
    fn end(self, now: i64) -> Option<i64> {
        match self {
            Life::Unlimited => None,
            Life::Limited(life) => Some(now + life),
        }
    }
}

/// A session to be opened.
pub struct Opening<'a> {
    pub kind: SessionKind,
    /// Absent for a client that acts for itself.
    pub user: Option<&'a User>,
    pub client: Option<&'a ClientId>,
    pub scope: String,
    pub device_id: Option<&'a str>,
    /// What a new device is called at the homeserver. Other people see it (spec DEV-04).
    pub device_name: Option<&'a str>,
    pub auth_time: Option<i64>,
    /// How the person proved who they are.
    pub amr: Option<&'a Amr>,
    /// What is told beside the scope.
    pub claims: Option<&'a str>,
    /// What the tokens are for, beside the homeserver.
    pub resource: Option<&'a str>,
    pub caller: &'a Caller,
    pub warrant: Warrant<'a>,
    /// The login of the browser that allowed it: whoever signs out at a provider signs out of these apps too (spec BCI-03).
    pub opened_by: Option<&'a SessionId>,
    pub access_token: Life,
    /// None is issued without.
    pub refresh_token: Option<Life>,
}

impl Opening<'_> {
    /// Asks whether the person may sign in to an older app on this device. For the apps of OAuth the policies were asked
    /// when the person decided.
    async fn check_devices(&self, app: &App, user: &User, device_id: &str) -> Result<()> {
        let login_type = match self.warrant {
            Warrant::Password { .. } => LoginType::Password,
            Warrant::LoginToken(_) => LoginType::Token,
            Warrant::Code(_) | Warrant::DeviceCode { .. } | Warrant::Standing => return Ok(()),
        };
        permit::compat_login(app, user, login_type, Some(device_id), self.caller).await
    }
}

/// The tokens of a new session.
pub struct Opened {
    pub session: SessionId,
    pub access_token: Secret,
    pub refresh_token: Option<Secret>,
}

/// Opens a session. Whoever calls this in a request lets it run on when the client hangs up: a device must not be left
/// without a session, nor a lane without anybody who leaves it.
///
/// # Errors
/// `HomeserverUnavailable` and `DeviceRefused` before anything is consumed. When the warrant was consumed already, or
/// fell meanwhile: `InvalidGrant`, `InvalidLoginToken`, `Busy`, `UserDeactivated`. `Policy` for one older app too many.
pub async fn open(app: &App, opening: Opening<'_>) -> Result<Opened> {
    let (Some(user), Some(device_id)) = (opening.user, opening.device_id) else {
        return commit(app, opening, None).await;
    };
    let Some(lane) = homeserver::enter(app, &user.id).await? else {
        opening.check_devices(app, user, device_id).await?;
        return commit(app, opening, None).await;
    };
    let result = async {
        // Of many who come with one warrant, only the first makes a device.
        opening.warrant.check(app).await?;
        // In the lane, where devices are made one after the other: many logins at once are no way around a limit.
        opening.check_devices(app, user, device_id).await?;
        let settled_by = lane.create_device(user, device_id, opening.device_name).await?;
        commit(app, opening, Some(Created { lane: &lane, settled_by })).await
    }
    .await;
    lane.leave().await;
    result
}

/// A device that exists at the homeserver and waits for its session.
struct Created<'a> {
    lane: &'a Lane<'a>,
    settled_by: JobId,
}

async fn commit(app: &App, opening: Opening<'_>, device: Option<Created<'_>>) -> Result<Opened> {
    let (now, family, id) = (app.clock.now(), Family::generate(), app.new_session_id());
    let mut tx = app.db.write().await?;
    if let Some(Created { lane, settled_by }) = &device {
        lane.fence(&mut tx).await?;
        store::job::delete(&mut tx, settled_by).await?;
    }
    if let Some(user) = opening.user
        && !store::user::hold_for_session(&mut tx, &user.id, opening.warrant.proved_at(now)).await?
    {
        return Err(opening.warrant.refusal().into());
    }
    opening.warrant.consume(&mut tx, &id, now).await?;
    let user: Option<&UserId> = opening.user.map(|user| &user.id);
    let new = NewSession {
        id: &id,
        kind: opening.kind,
        user,
        client: opening.client,
        family_hash: family.hash(),
        scope: opening.scope,
        device_id: opening.device_id,
        device_name: opening.device_name.filter(|_| opening.client.is_none()),
        user_agent: opening.caller.user_agent.as_deref(),
        ip: opening.caller.ip.clone(),
        auth_time: opening.auth_time,
        amr: opening.amr,
        opened_by: opening.opened_by,
        claims: opening.claims,
        resource: opening.resource,
        // Without a refresh token the session is over with its one token.
        expires_at: if opening.refresh_token.is_none() { opening.access_token.end(now) } else { None },
        now,
    };
    store::session::insert(&mut tx, new).await?;
    if let Some(user) = user {
        let is_known = match (opening.device_id, opening.client) {
            (Some(device_id), _) => session::replace_on_device(app, &mut tx, user, device_id, &id).await?,
            (None, Some(client)) => store::session::had_client(&mut tx, user, client, &id).await?,
            (None, None) => false,
        };
        let name = opening.device_name.map(str::to_owned);
        let happened = match (&opening.warrant, is_known) {
            // DVC-14: told every time, since whoever talks somebody into it may choose a device id that is known.
            (Warrant::DeviceCode { .. }, _) => Event::DeviceLinked { name },
            (_, true) => Event::AppSignedIn { name },
            (_, false) => Event::NewAppSignedIn { name },
        };
        event::record(app, &mut tx, user, happened, opening.caller).await?;
    }
    let access_token = Secret::of_family(Kind::AccessToken, &family);
    insert_token(app, &mut tx, &id, (TokenKind::Access, &access_token), opening.access_token, now).await?;
    let mut refresh_token = None;
    if let Some(life) = opening.refresh_token {
        let secret = Secret::of_family(Kind::RefreshToken, &family);
        insert_token(app, &mut tx, &id, (TokenKind::Refresh, &secret), life, now).await?;
        refresh_token = Some(secret);
    }
    tx.commit().await?;
    metrics::counter!("keymaker_sessions_started_total", "kind" => opening.kind.as_str()).increment(1);
    Ok(Opened { session: id, access_token, refresh_token })
}

impl Warrant<'_> {
    /// A one-time object proves by the login of the browser that made it, which is looked at when it is consumed. A device
    /// code outlives that login, and not what ends every session.
    fn proved_at(&self, now: i64) -> i64 {
        match self {
            Warrant::Password { proved_at } => *proved_at,
            Warrant::DeviceCode { decided_at, .. } => *decided_at,
            Warrant::Code(_) | Warrant::LoginToken(_) | Warrant::Standing => now + 1,
        }
    }

    fn refusal(&self) -> Refusal {
        match self {
            Warrant::Code(_) => {
                Refusal::InvalidGrant("the code was used already, or the person is no longer signed in")
            }
            Warrant::LoginToken(_) => Refusal::InvalidLoginToken,
            Warrant::DeviceCode { .. } => {
                Refusal::InvalidGrant("the device code was used already, or the login that allowed it was ended")
            }
            // The password was right, and whether it still is only another attempt can tell.
            Warrant::Password { .. } => Refusal::Busy,
            Warrant::Standing => Refusal::UserDeactivated,
        }
    }

    /// Looks whether it was consumed; `consume` is the judge.
    async fn check(&self, app: &App) -> Result<()> {
        let consumed_at = match self {
            Warrant::Code(id) => store::grant::find(&app.db, id).await?.and_then(|grant| grant.consumed_at),
            Warrant::LoginToken(id) => store::sso_login::find(&app.db, id).await?.and_then(|login| login.consumed_at),
            Warrant::DeviceCode { id, .. } => {
                store::device_grant::find(&app.db, id).await?.and_then(|grant| grant.consumed_at)
            }
            Warrant::Password { .. } | Warrant::Standing => None,
        };
        if consumed_at.is_none() { Ok(()) } else { Err(self.refusal().into()) }
    }

    async fn consume(&self, tx: &mut Tx, session: &SessionId, now: i64) -> Result<()> {
        let is_consumed = match self {
            Warrant::Code(grant) => store::grant::consume_code(tx, grant, session, now).await?,
            Warrant::LoginToken(login) => store::sso_login::consume_token(tx, login, session, now).await?,
            Warrant::DeviceCode { id, .. } => store::device_grant::consume(tx, id, session, now).await?,
            Warrant::Password { .. } | Warrant::Standing => true,
        };
        if is_consumed { Ok(()) } else { Err(self.refusal().into()) }
    }
}

async fn insert_token(
    app: &App,
    tx: &mut Tx,
    session: &SessionId,
    (kind, secret): (TokenKind, &Secret),
    life: Life,
    now: i64,
) -> Result<()> {
    let token = NewToken {
        id: &app.new_token_id(),
        session,
        kind,
        secret_hash: secret.hash(),
        scope: None,
        expires_at: life.end(now),
        now,
    };
    Ok(store::token::insert(tx, token).await?)
}
