//! Signing out at the provider through which somebody had signed in here (OpenID Connect RP-Initiated Logout; spec BCI-04).

use std::time::Duration;

use url::Url;

use crate::{
    app::App,
    clock::MINUTE,
    crypto::secret::{Kind, Secret},
    domain::refusal::Refusal,
    error::Result,
    flows::{browser::SignedIn, upstream::id_token_of},
    remote::upstream::Upstream,
    store::{self, upstream::UpstreamSession},
};

/// How long whoever signs out waits for a provider that does not say where.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the way back is good.
const LIFE: i64 = 30 * MINUTE;

/// The provider at which somebody is still signed in who signs out here.
pub struct Offer {
    pub name: String,
    /// Where they sign out there; absent where the provider did not say.
    pub href: Option<String>,
}

/// Gives the provider that a browser's login came from, where the operator wants people to sign out there too. Ask before the
/// login ends.
///
/// # Errors
/// When the store fails.
pub async fn offer(app: &App, signed_in: &SignedIn) -> Result<Option<Offer>> {
    let Some(login) = store::upstream::find_session(&app.db, &signed_in.session.session_id).await? else {
        return Ok(None);
    };
    let known = app.upstreams.iter().find(|upstream| upstream.provider.id == login.provider_id);
    let Some(upstream) = known.filter(|known| known.provider.logout_at_provider && known.provider.is_open()) else {
        return Ok(None);
    };
    let href = match end_session_endpoint(app, upstream).await {
        Some(endpoint) => Some(begin(app, &login, endpoint).await?),
        None => None,
    };
    Ok(Some(Offer { name: upstream.provider.name().to_owned(), href }))
}

async fn end_session_endpoint(app: &App, upstream: &Upstream) -> Option<Url> {
    match tokio::time::timeout(PATIENCE, upstream.metadata(app.clock.now())).await {
        Ok(Ok(metadata)) => metadata.end_session_endpoint.clone(),
        _ => {
            tracing::warn!(provider = upstream.provider.id, "a provider does not say where to sign out");
            None
        }
    }
}

async fn begin(app: &App, login: &UpstreamSession, mut endpoint: Url) -> Result<String> {
    let state = Secret::generate(Kind::UpstreamState);
    let mut tx = app.db.write().await?;
    let expires_at = app.clock.now() + LIFE;
    store::upstream_logout::insert_logout(&mut tx, &state.hash(), &login.provider_id, expires_at).await?;
    tx.commit().await?;
    let back = format!("{}upstream/logout/{}", app.config.http.public_base.as_str(), login.provider_id);
    let known = app.upstreams.iter().find(|upstream| upstream.provider.id == login.provider_id);
    let client_id = known.map(|upstream| upstream.provider.client_id()).unwrap_or_default();
    {
        let mut query = endpoint.query_pairs_mut();
        if let Some(id_token) = id_token_of(app, login) {
            query.append_pair("id_token_hint", &id_token);
        }
        query.append_pair("client_id", client_id);
        query.append_pair("post_logout_redirect_uri", &back).append_pair("state", state.expose());
    }
    Ok(endpoint.into())
}

/// Takes somebody back who signed out at a provider, and gives its name.
///
/// # Errors
/// `TransactionOver` when nobody was sent there with this state, or it was used.
pub async fn finish(app: &App, provider_id: &str, state: Option<&str>) -> Result<String> {
    let known = app.upstreams.iter().find(|upstream| upstream.provider.id == provider_id);
    let upstream = known.ok_or(Refusal::TransactionOver)?;
    let state = state.and_then(|state| Secret::parse(Kind::UpstreamState, state)).ok_or(Refusal::TransactionOver)?;
    let mut tx = app.db.write().await?;
    if !store::upstream_logout::consume_logout(&mut tx, &state.hash(), provider_id, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    tx.commit().await?;
    Ok(upstream.provider.name().to_owned())
}
