//! A provider tells that somebody signed out there, and what that login opened here ends with it, as far as the operator
//! wants (OpenID Connect Back-Channel Logout; spec BCI-01 to BCI-03).

use crate::{
    app::App,
    clock::MINUTE,
    config::upstream::OnBackchannelLogout,
    crypto::{jws::Verified, secret::sha256},
    domain::{
        event::Event,
        id::UserId,
        logout_token::{LogoutToken, Parties},
        params::Params,
        refusal::Refusal,
        session::{EndReason, SessionKind},
        upstream::UpstreamProblem,
    },
    error::Result,
    flows::{
        Caller, event, session,
        token::required,
        upstream::{Answer, id_token},
    },
    remote::upstream::Upstream,
    store::{self, upstream_logout::EndedLogin},
};

/// Carries out a logout token. It is good once; a provider whose session is not known here is told that all is well.
///
/// # Errors
/// `NotFound` where no such provider issues tokens; `InvalidRequest`; `Busy` when the provider's keys cannot be had, so that
/// it comes again.
pub async fn receive(app: &App, provider_id: &str, params: &Params, caller: &Caller) -> Result<()> {
    // A provider that is switched off may still take rights away.
    let known = app.upstreams.iter().find(|upstream| upstream.provider.id == provider_id);
    let upstream = known.filter(|upstream| upstream.provider.has_id_token()).ok_or(Refusal::NotFound)?;
    let provider = &upstream.provider;
    let (Some(issuer), Some(client_id)) = (provider.issuer(), provider.client_id.as_deref()) else {
        return Err(Refusal::NotFound.into());
    };
    let jwt = required(params, "logout_token")?;
    let Verified { typ, claims } = verify(app, upstream, jwt).await?;
    let token = LogoutToken::judge(typ.as_deref(), &claims, &Parties { issuer, client_id }, app.clock.now())
        .map_err(|problem| Refusal::InvalidRequest(problem.to_owned()))?;
    // Sessions are kept under what the configuration makes of the claims, which is `sub` unless it says otherwise.
    let subject =
        token.sub.as_ref().and_then(|_| Answer::new(Some((claims, String::new())), None, params).subject(provider));
    let token = LogoutToken { sub: if token.sid.is_some() { subject } else { subject.or(token.sub) }, ..token };
    carry_out(app, upstream, &token, caller).await
}

/// A provider that cannot be asked for its keys just now comes again; what it does not sign as is configured is refused.
async fn verify(app: &App, upstream: &Upstream, jwt: &str) -> Result<Verified> {
    let provider = &upstream.provider;
    let verified = id_token::verify(upstream, jwt, provider.id_token_signed_response_alg, app.clock.now()).await;
    verified.map_err(|error| match error.refusal() {
        Some(Refusal::Upstream(UpstreamProblem::Unavailable)) => Refusal::Busy.into(),
        Some(Refusal::Upstream(problem)) => {
            tracing::warn!(provider = provider.id, %problem, "a logout token is not believed");
            Refusal::InvalidRequest("the logout token is not one, or not signed as is configured".to_owned()).into()
        }
        _ => error,
    })
}

async fn carry_out(app: &App, upstream: &Upstream, token: &LogoutToken, caller: &Caller) -> Result<()> {
    let (provider, now, reason) = (&upstream.provider, app.clock.now(), EndReason::SignedOutAtProvider);
    let login = EndedLogin { provider_id: &provider.id, subject: token.sub.as_deref(), sid: token.sid.as_deref() };
    let mut tx = app.db.write().await?;
    let jti_hash = sha256(token.jti.as_bytes());
    if !store::upstream_logout::remember_token(&mut tx, &provider.id, &jti_hash, token.remember_until + MINUTE).await? {
        return Err(Refusal::InvalidRequest("this logout token came before".to_owned()).into());
    }
    let mut ended = Vec::new();
    if provider.on_backchannel_logout != OnBackchannelLogout::DoNothing {
        for user in store::upstream_logout::list_users(&mut tx, &login).await? {
            store::user::hold(&mut tx, &user).await?;
        }
        // Whoever came back from there and has not signed in yet does not get in by a login that has ended.
        store::upstream_logout::end_trips(&mut tx, &login, now).await?;
        ended = store::upstream_logout::list_live(&mut tx, &login).await?;
        if provider.on_backchannel_logout == OnBackchannelLogout::LogoutBrowserOnly {
            ended.retain(|of_user| of_user.session.kind == SessionKind::Browser.as_str());
        }
        let mut users: Vec<&UserId> = Vec::new();
        for of_user in &ended {
            let sessions = std::slice::from_ref(&of_user.session);
            session::end_some_in(app, &mut tx, &of_user.user_id, sessions, reason).await?;
            if !users.contains(&&of_user.user_id) {
                users.push(&of_user.user_id);
            }
        }
        for user in users {
            let happened = Event::SignedOutAtProvider { provider: provider.name().to_owned() };
            event::record(app, &mut tx, user, happened, caller).await?;
        }
    }
    tx.commit().await?;
    app.jobs.notify_one();
    tracing::info!(provider = provider.id, sessions = ended.len(), "somebody signed out at a provider");
    session::count(reason, ended.len());
    Ok(())
}
