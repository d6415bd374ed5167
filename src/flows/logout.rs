//! Signing out of a browser, also where an application asks for it (OpenID Connect RP-Initiated Logout; spec 16.1).
//!
//! What an application says is judged twice, before the question and after it. Only an ID token of ours shows who asks:
//! without one nobody is sent anywhere, and nobody is signed out unasked.

use crate::{
    app::App,
    domain::{act::Act, event::Event, id::ClientId, params::Params, refusal::Refusal, session::EndReason},
    error::{Error, Result},
    flows::{
        Caller,
        browser::{self, SignedIn},
        event,
        id_token::{self, Hint},
        prove, provider_logout, session,
    },
    store::{self, client::Client},
};

/// The longest ID token that we read.
const MOST_HINT_BYTES: usize = 8192;

/// What an application wants when it sends somebody here.
pub struct Wanted {
    /// The application, or the one that it says it is.
    pub client: Option<Client>,
    /// Where it wants the person to go afterwards, its `state` included; only where an ID token shows that it is the one
    /// that registered the address (RPL-02).
    pub return_to: Option<String>,
    /// Whether an ID token of this very login of the browser came with it, and nothing is wrong with the rest: then it
    /// knows whom it signs out, and nobody has to be asked (RPL-01).
    pub is_certain: bool,
    /// Whether something about it is not as it should be.
    pub is_doubtful: bool,
}

/// Judges what an application wants.
///
/// # Errors
/// `InvalidRequest` when a parameter is repeated, or too long to be one.
pub async fn judge(app: &App, params: &Params, signed_in: Option<&SignedIn>) -> Result<Wanted> {
    if let Some(name) = params.any_repeated() {
        return Err(Refusal::repeated(name).into());
    }
    check_texts(params)?;
    let hint = read_hint(app, params).await?;
    let id = match &hint {
        Some(hint) => Some(hint.aud.clone()),
        None => params.get("client_id").and_then(ClientId::read),
    };
    let client = match id {
        Some(id) => store::client::find(&app.db, &id).await?,
        None => None,
    };
    let uri = params.get("post_logout_redirect_uri");
    let return_to = match (&hint, &client, uri) {
        (Some(_), Some(client), Some(uri)) if client.metadata.accepts_post_logout_redirect_uri(uri) => {
            Some(with_state(uri, params.get("state")))
        }
        _ => None,
    };
    let is_doubtful = (params.get("id_token_hint").is_some() && (hint.is_none() || client.is_none()))
        || (uri.is_some() && return_to.is_none());
    let is_own = match (&hint, signed_in) {
        (Some(hint), Some(signed_in)) => is_of_login(app, hint, signed_in).await?,
        _ => false,
    };
    Ok(Wanted { client, return_to, is_certain: is_own && !is_doubtful, is_doubtful })
}

/// CMN-14, INV-17.
fn check_texts(params: &Params) -> Result<(), Refusal> {
    for name in ["state", "post_logout_redirect_uri"] {
        let Some(value) = params.get(name) else { continue };
        if value.len() > 2048 || value.chars().any(char::is_control) {
            return Err(Refusal::InvalidRequest(format!("{name} is too long, or holds a control character")));
        }
    }
    Ok(())
}

/// Reads the ID token that shows who asks; one for somebody else than `client_id` says shows nothing.
async fn read_hint(app: &App, params: &Params) -> Result<Option<Hint>> {
    let Some(raw) = params.get("id_token_hint").filter(|raw| raw.len() <= MOST_HINT_BYTES) else { return Ok(None) };
    let hint = match id_token::read_hint(app, raw).await {
        Ok(hint) => hint,
        Err(Error::Refusal(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(hint).filter(|hint| params.get("client_id").is_none_or(|id| id == hint.aud.as_str())))
}

/// RPL-01: of this person, and of this login or one that it goes on, where the ID token knows of logins.
async fn is_of_login(app: &App, hint: &Hint, signed_in: &SignedIn) -> Result<bool> {
    if hint.sub != signed_in.user.id {
        return Ok(false);
    }
    match &hint.sid {
        Some(sid) => Ok(store::session::is_same_login(&app.db, &signed_in.session.session_id, sid).await?),
        None => Ok(true),
    }
}

/// The address is used as text: private-use schemes have no host, and a parser would change what it reads (AUT-08).
fn with_state(uri: &str, state: Option<&str>) -> String {
    let Some(state) = state else { return uri.to_owned() };
    let state = form_urlencoded::Serializer::new(String::new()).append_pair("state", state).finish();
    format!("{uri}{}{state}", if uri.contains('?') { '&' } else { '?' })
}

/// Signs a browser out, and gives the provider at which the person is still signed in. The Matrix devices stay (RPL-04).
///
/// # Errors
/// When the store fails.
pub async fn sign_out(app: &App, signed_in: &SignedIn) -> Result<Option<provider_logout::Offer>> {
    let provider = provider_logout::offer(app, signed_in).await?;
    browser::end(app, signed_in).await?;
    Ok(provider)
}

/// Signs a person out everywhere, of every browser and every app, on a proof for [`Act::SignOutEverywhere`].
///
/// # Errors
/// `ProofNeeded`.
pub async fn sign_out_everywhere(
    app: &App,
    signed_in: &SignedIn,
    proof: &str,
    caller: &Caller,
) -> Result<Option<provider_logout::Offer>> {
    let (user, reason) = (&signed_in.user.id, EndReason::EndedByOwner);
    let provider = provider_logout::offer(app, signed_in).await?;
    let mut tx = app.db.write().await?;
    store::user::hold(&mut tx, user).await?;
    prove::consume(app, &mut tx, signed_in, Act::SignOutEverywhere, None, proof).await?;
    let ended = session::end_all_in(app, &mut tx, user, reason).await?;
    event::record(app, &mut tx, user, Event::SessionsEnded, caller).await?;
    tx.commit().await?;
    app.jobs.notify_one();
    tracing::info!(%user, sessions = ended.len(), "somebody signed out everywhere");
    session::count(reason, ended.len());
    Ok(provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_goes_back_with_whatever_the_address_has() {
        // RPL-02
        assert_eq!(with_state("https://rp.example/out", None), "https://rp.example/out");
        assert_eq!(with_state("https://rp.example/out", Some("a b&c")), "https://rp.example/out?state=a+b%26c");
        assert_eq!(with_state("https://rp.example/out?x=1", Some("s")), "https://rp.example/out?x=1&state=s");
        assert_eq!(with_state("com.example:/out", Some("s")), "com.example:/out?state=s");
    }
}
