//! The decision about an authorization: the person's, or what they decided before (spec CNS-02, CNS-03, CNS-05).

use crate::{
    app::App,
    crypto::secret::{Kind, Secret},
    domain::{
        amr::Amr,
        client::GrantType,
        grant::{CODE_LIFE, Grant},
        refusal::Refusal,
        scope::Scope,
    },
    error::{Error, Result},
    flows::{
        Caller,
        authorize::response::{Response, failure, success},
        browser::SignedIn,
        consent::{Ground, Wanted},
        permit, pushed_request,
    },
    store::{self, client::Client, db::Tx, grant::Approval},
};

/// Tells whether the policies let a client have what it asks for, of this person.
///
/// # Errors
/// `Policy`.
pub fn check_person(app: &App, grant: &Grant, client: &Client, person: &SignedIn, caller: &Caller) -> Result<()> {
    permit::authorization(app, client, &grant.scope, GrantType::AuthorizationCode, Some(&person.user), caller)
}

/// Gives what an authorization asks a person for.
pub fn wanted<'a>(grant: &'a Grant, client: &'a Client) -> Wanted<'a> {
    Wanted { client, scope: &grant.scope, claims: grant.claims.as_deref(), redirect_uri: &grant.redirect_uri }
}

/// Answers where the person need not be asked: they said so before, the operator answers for the client, or there is a class of
/// login that the client cannot do without and they cannot reach. Nothing where they have to be asked.
///
/// # Errors
/// `TransactionOver` when it was decided before.
pub async fn settle(
    app: &App,
    grant: &Grant,
    client: &Client,
    signed_in: &SignedIn,
    caller: &Caller,
) -> Result<Option<Response>> {
    if let Some(least) = grant.claims().least_acr()
        && signed_in.session.amr.as_ref().map(Amr::acr) < Some(least)
    {
        return decline(app, grant, &Refusal::FactorLacking(least)).await.map(Some);
    }
    if grant.wants_consent {
        return Ok(None);
    }
    let Some(ground) = wanted(grant, client).ground(app, &signed_in.user.id).await? else { return Ok(None) };
    match allow(app, grant, client, signed_in, Some(&ground), caller).await {
        // They took it back at this moment.
        Err(Error::Refusal(Refusal::ConsentRequired)) => Ok(None),
        result => result.map(Some),
    }
}

/// Records that the person allows, and gives the response with the code.
///
/// # Errors
/// `TransactionOver` when it was decided before. An account that may not have what was asked is told to the client.
pub async fn approve(
    app: &App,
    grant: &Grant,
    client: &Client,
    signed_in: &SignedIn,
    caller: &Caller,
) -> Result<Response> {
    allow(app, grant, client, signed_in, None, caller).await
}

async fn allow(
    app: &App,
    grant: &Grant,
    client: &Client,
    signed_in: &SignedIn,
    ground: Option<&Ground>,
    caller: &Caller,
) -> Result<Response> {
    let (now, user) = (app.clock.now(), &signed_in.user.id);
    if !grant.accepts_login_of(signed_in.auth_time, now) {
        return Err(Refusal::LoginRequired.into());
    }
    // OIDC Core §5.5.1: nobody else is told of in their place.
    if grant.needs_choice(user, &signed_in.session.session_id, signed_in.auth_time) {
        return decline(app, grant, &Refusal::LoginRequired).await;
    }
    let scope = Scope::parse(&grant.scope).unwrap_or_default();
    // SCP-09: administration is never silently dropped from the scope.
    if scope.wants_server_admin() && !signed_in.user.is_admin {
        return deny(app, grant).await;
    }
    match check_person(app, grant, client, signed_in, caller) {
        Err(Error::Refusal(Refusal::Policy(_))) => return deny(app, grant).await,
        result => result?,
    }
    let code = Secret::generate(Kind::AuthorizationCode);
    let approval = Approval {
        user,
        browser_session: &signed_in.session.session_id,
        auth_time: signed_in.auth_time,
        amr: signed_in.session.amr.as_ref(),
        scope: &grant.scope,
        code_hash: &code.hash(),
        code_expires_at: now + CODE_LIFE,
    };
    let mut tx = app.db.write().await?;
    store::user::hold(&mut tx, user).await?;
    if !store::grant::approve(&mut tx, &grant.id, &approval, now).await? {
        return Err(Refusal::TransactionOver.into());
    }
    pushed_request::consume_in(app, &mut tx, grant.pushed_request_hash.as_deref()).await?;
    note_consent(&mut tx, grant, client, signed_in, ground, now).await?;
    tx.commit().await?;
    Ok(success(app, grant, vec![("code", code.expose().to_owned())]))
}

async fn note_consent(
    tx: &mut Tx,
    grant: &Grant,
    client: &Client,
    signed_in: &SignedIn,
    ground: Option<&Ground>,
    now: i64,
) -> Result<()> {
    match ground {
        Some(Ground::Remembered(consent)) if !store::consent::mark_used(tx, consent, now).await? => {
            Err(Refusal::ConsentRequired.into())
        }
        Some(Ground::Remembered(_) | Ground::Trusted) => Ok(()),
        None => match wanted(grant, client).consent(&signed_in.user.id, now) {
            Some(consent) => Ok(store::consent::insert(tx, &consent).await?),
            None => Ok(()),
        },
    }
}

/// Notes that the person goes on with the account that is signed in.
///
/// # Errors
/// `TransactionOver` when it was decided before.
pub async fn choose(app: &App, grant: &Grant, signed_in: &SignedIn) -> Result<()> {
    let mut tx = app.db.write().await?;
    if !store::grant::choose(&mut tx, &grant.id, &signed_in.session.session_id, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    Ok(tx.commit().await?)
}

/// Records that the person refuses, and gives the response that says so.
///
/// # Errors
/// `TransactionOver` when it was decided before.
pub async fn deny(app: &App, grant: &Grant) -> Result<Response> {
    decline(app, grant, &Refusal::AccessDenied).await
}

/// Records that nothing comes of an authorization, and gives the response that says why.
///
/// # Errors
/// `TransactionOver` when it was decided before.
pub async fn decline(app: &App, grant: &Grant, refusal: &Refusal) -> Result<Response> {
    let mut tx = app.db.write().await?;
    if !store::grant::deny(&mut tx, &grant.id, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    pushed_request::consume_in(app, &mut tx, grant.pushed_request_hash.as_deref()).await?;
    tx.commit().await?;
    Ok(failure(app, grant.redirect_uri.clone(), grant.response_mode(), grant.state.as_deref(), refusal))
}
