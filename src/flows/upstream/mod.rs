//! Signing in through an identity provider (spec area 18): a browser takes a trip there and comes back with a code; what the
//! provider then says of the person signs in, signs up, links an account or confirms an act.
//!
//! Each trip is a row bound to one browser. What comes back is used once, before the provider is asked anything; what came of
//! it is consumed once, in the transaction of its effect. No transaction is held while the network is asked.

pub mod claims;
pub mod decide;
pub mod id_token;
pub mod link;
pub mod sign_up;

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use url::Url;

use crate::{
    app::App,
    config::upstream::{PkceMethod, ProviderResponseMode},
    crypto::{
        jws::Verified,
        random,
        secret::{Kind, Secret, sha256},
    },
    domain::{
        act::Act,
        id::{SessionId, UpstreamTripId},
        params::Params,
        refusal::Refusal,
        upstream::{MOST_SUBJECT_BYTES, Purpose, TRIP_LIFE, Trip, UpstreamProblem},
    },
    error::{Error, Result},
    flows::{
        Caller,
        browser::{FromTrip, SignedIn},
        limit::{self, Limiter},
        prove,
        prove::Waiting,
    },
    remote::upstream::{Metadata, Upstream, UpstreamError, Userinfo, readable},
    store::{self, db::Tx, upstream::UpstreamSession},
};

pub use claims::Answer;

/// Finds a provider through which people sign in.
///
/// # Errors
/// `NotFound` for an unknown one, `Closed` for one that is switched off (UPS-14).
pub fn find<'a>(app: &'a App, id: &str) -> Result<&'a Upstream> {
    let upstream = app.upstreams.iter().find(|upstream| upstream.provider.id == id).ok_or(Refusal::NotFound)?;
    if upstream.provider.is_open() { Ok(upstream) } else { Err(UpstreamProblem::Closed.into()) }
}

/// Lists the providers through which people sign in, in the order of the configuration.
pub fn open(app: &App) -> impl Iterator<Item = &Upstream> {
    app.upstreams.iter().filter(|upstream| upstream.provider.is_open())
}

/// What a trip is for, and what it takes along.
#[derive(Default)]
pub struct Departure<'a> {
    pub waiting: Waiting,
    /// The person has to show who they are, even if the provider knows them.
    pub wants_login: bool,
    /// The same is asked for, and not insisted on: after a sign-out here (UPS-13).
    pub prompts_login: bool,
    pub login_hint: Option<&'a str>,
}

/// Counts a departure before the provider is asked for anything: each trip is a row, and comes back once.
///
/// # Errors
/// `TooManyRequests`.
pub async fn count_departure(app: &App, caller: &Caller) -> Result<()> {
    limit::take(app, Limiter::UpstreamCallback, &limit::address(caller)).await
}

/// Begins a trip to sign in, and gives where the browser goes.
///
/// # Errors
/// `Closed`, `Unavailable`.
pub async fn begin_login(app: &App, browser: &Secret, id: &str, departure: Departure<'_>) -> Result<Url> {
    let upstream = find(app, id)?;
    let prepared = prepare(app, upstream, browser, Purpose::Login, departure).await?;
    let mut tx = app.db.write().await?;
    store::upstream::insert_trip(&mut tx, &prepared.trip).await?;
    tx.commit().await?;
    Ok(prepared.url)
}

/// Begins a trip to link the provider to the account that is signed in, on a proof for [`Act::LinkProvider`].
///
/// # Errors
/// `ProofNeeded`, `Closed`, `Unavailable`.
pub async fn begin_link(app: &App, browser: &Secret, id: &str, signed_in: &SignedIn, proof: &str) -> Result<Url> {
    let upstream = find(app, id)?;
    let prepared = prepare(app, upstream, browser, Purpose::Link, Departure::default()).await?;
    let trip = Trip { browser_session_id: Some(signed_in.session.session_id.clone()), ..prepared.trip };
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::LinkProvider, Some(id), proof).await?;
    store::upstream::insert_trip(&mut tx, &trip).await?;
    tx.commit().await?;
    Ok(prepared.url)
}

/// Begins a trip to show at the provider who is there, for an act.
///
/// # Errors
/// `Closed`, `Unavailable`.
pub async fn begin_confirm(
    app: &App,
    browser: &Secret,
    id: &str,
    signed_in: &SignedIn,
    act: Act,
    target: Option<&str>,
) -> Result<Url> {
    let upstream = find(app, id)?;
    let departure = Departure { wants_login: true, ..Departure::default() };
    let prepared = prepare(app, upstream, browser, Purpose::Confirm, departure).await?;
    let trip = Trip {
        browser_session_id: Some(signed_in.session.session_id.clone()),
        act: Some(act.as_str().to_owned()),
        target: target.map(str::to_owned),
        ..prepared.trip
    };
    let mut tx = app.db.write().await?;
    store::upstream::insert_trip(&mut tx, &trip).await?;
    tx.commit().await?;
    Ok(prepared.url)
}

struct Prepared {
    trip: Trip,
    url: Url,
}

async fn prepare(
    app: &App,
    upstream: &Upstream,
    browser: &Secret,
    purpose: Purpose,
    departure: Departure<'_>,
) -> Result<Prepared> {
    let (now, provider) = (app.clock.now(), &upstream.provider);
    let metadata = upstream.metadata(now).await.map_err(|error| unavailable(upstream, &error))?;
    let (state, nonce) = (Secret::generate(Kind::UpstreamState), Secret::generate(Kind::UpstreamNonce));
    let uses_pkce = match provider.pkce_method {
        PkceMethod::Auto => metadata.knows_pkce,
        PkceMethod::Always => true,
        PkceMethod::Never => false,
    };
    let verifier = uses_pkce.then(|| URL_SAFE_NO_PAD.encode(random::bytes::<32>()));
    let id = app.new_upstream_trip_id();
    let sealed = match &verifier {
        Some(verifier) => Some(seal(app, &verifier_context(&id), verifier.as_bytes())?),
        None => None,
    };
    let url = authorization_url(app, upstream, &metadata, &departure, &state, &nonce, verifier.as_deref());
    let Waiting { grant, sso_login, place } = departure.waiting;
    let trip = Trip {
        id,
        browser_hash: browser.hash(),
        provider_id: provider.id.clone(),
        state_hash: state.hash(),
        nonce_hash: nonce.hash(),
        verifier: sealed,
        purpose: purpose.as_str().to_owned(),
        browser_session_id: None,
        act: None,
        target: None,
        grant_id: grant,
        sso_login_id: sso_login,
        place,
        wants_login: departure.wants_login,
        created_at: now,
        expires_at: now + TRIP_LIFE,
        returned_at: None,
        subject: None,
        answer: None,
        answered_at: None,
        consumed_at: None,
    };
    Ok(Prepared { trip, url })
}

fn authorization_url(
    app: &App,
    upstream: &Upstream,
    metadata: &Metadata,
    departure: &Departure<'_>,
    state: &Secret,
    nonce: &Secret,
    verifier: Option<&str>,
) -> Url {
    let provider = &upstream.provider;
    let mut params: BTreeMap<&str, String> = BTreeMap::new();
    for (name, value) in &provider.additional_authorization_parameters {
        params.insert(name, value.clone());
    }
    params.insert("response_type", "code".to_owned());
    params.insert("client_id", provider.client_id().to_owned());
    params.insert("redirect_uri", redirect_uri(app, &provider.id));
    params.insert("scope", provider.scope().to_owned());
    params.insert("state", state.expose().to_owned());
    if provider.has_id_token() {
        params.insert("nonce", nonce.expose().to_owned());
    }
    if let Some(verifier) = verifier {
        params.insert("code_challenge", URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes())));
        params.insert("code_challenge_method", "S256".to_owned());
    }
    if provider.response_mode() == ProviderResponseMode::FormPost {
        params.insert("response_mode", "form_post".to_owned());
    }
    if departure.wants_login || departure.prompts_login {
        params.insert("prompt", "login".to_owned());
    }
    if departure.wants_login {
        params.insert("max_age", "0".to_owned());
    }
    if let Some(hint) = departure.login_hint.filter(|_| provider.forward_login_hint) {
        params.insert("login_hint", hint.to_owned());
    }
    let mut url = metadata.authorization_endpoint.clone();
    url.query_pairs_mut().extend_pairs(params);
    url
}

/// Gives the redirect URI of a provider: each has its own, so that no answer of one passes for that of another (RFC 9700 §4.4).
pub fn redirect_uri(app: &App, id: &str) -> String {
    format!("{}upstream/callback/{id}", app.config.http.public_base)
}

/// How the browser came back.
pub struct Arrival<'a> {
    /// The provider in the path.
    pub provider: &'a str,
    pub params: &'a Params,
    pub mode: ProviderResponseMode,
}

/// What came of looking who comes back.
pub enum Returned {
    /// The provider said who it is.
    Answered(Box<Trip>, Box<Answer>),
    /// The form came from the provider's site, without our cookies: the browser sends it again from ours (UPS-03, TRP-18).
    SendAgain,
}

/// Judges what a browser brings back, exchanges the code, and notes who the provider says that it is.
///
/// # Errors
/// One of `UpstreamProblem` for each check (UPS-02, UPS-04, UPS-05); `TransactionOver`, `OtherBrowser`.
pub async fn come_back(app: &App, browser: &Secret, arrival: &Arrival<'_>, is_again: bool) -> Result<Returned> {
    let upstream = find(app, arrival.provider)?;
    let params = arrival.params;
    if let Some(name) = params.any_repeated() {
        return Err(Refusal::repeated(name).into());
    }
    let state = params.get("state").and_then(|state| Secret::parse(Kind::UpstreamState, state));
    let state = state.ok_or(Refusal::TransactionOver)?;
    let trip = store::upstream::find_trip_by_state(&app.db, &state.hash()).await?.ok_or(Refusal::TransactionOver)?;
    if trip.browser_hash != browser.hash() {
        let may_lack_cookies = arrival.mode == ProviderResponseMode::FormPost && !is_again;
        return if may_lack_cookies { Ok(Returned::SendAgain) } else { Err(Refusal::OtherBrowser.into()) };
    }
    // RFC 9700 §4.4: the code of one provider must not go to another.
    if trip.provider_id != upstream.provider.id {
        return Err(UpstreamProblem::WrongProvider.into());
    }
    if arrival.mode != upstream.provider.response_mode() {
        return Err(UpstreamProblem::WrongMethod.into());
    }
    let mut tx = app.db.write().await?;
    if !store::upstream::use_state(&mut tx, &trip.id, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    tx.commit().await?;

    let answer = ask(app, upstream, &trip, params).await.inspect_err(|error| {
        tracing::warn!(provider = %upstream.provider.id, %error, "a sign-in through a provider was refused");
    })?;
    let subject = answer.subject(&upstream.provider).ok_or(UpstreamProblem::NoSubject)?;
    if subject.len() > MOST_SUBJECT_BYTES {
        return Err(UpstreamProblem::NoSubject.into());
    }
    let sealed = seal(app, &answer_context(&trip.id), &answer.to_bytes())?;
    let now = app.clock.now();
    let mut tx = app.db.write().await?;
    if !store::upstream::answer_trip(&mut tx, &trip.id, &subject, &sealed, now).await? {
        return Err(Refusal::TransactionOver.into());
    }
    tx.commit().await?;
    let trip = Trip { subject: Some(subject), answered_at: Some(now), ..trip };
    Ok(Returned::Answered(Box::new(trip), Box::new(answer)))
}

async fn ask(app: &App, upstream: &Upstream, trip: &Trip, params: &Params) -> Result<Answer> {
    let now = app.clock.now();
    let metadata = upstream.metadata(now).await.map_err(|error| unavailable(upstream, &error))?;
    // RFC 9207 §2.4, before the rest is looked at: an error of somebody else is no error of this provider.
    match params.get("iss") {
        Some(issuer) if Some(issuer) != upstream.provider.issuer() => {
            return Err(UpstreamProblem::WrongIssuerParameter.into());
        }
        None if metadata.sends_issuer => return Err(UpstreamProblem::NoIssuerParameter.into()),
        _ => {}
    }
    if let Some(error) = params.get("error") {
        let description = params.get("error_description").map(|text| format!(": {text}")).unwrap_or_default();
        return Err(UpstreamProblem::Denied(readable(&format!("{error}{description}"))).into());
    }
    let code = params.get("code").ok_or(UpstreamProblem::NoCode)?;
    let verifier = match &trip.verifier {
        Some(sealed) => Some(open_sealed(app, &verifier_context(&trip.id), sealed)?),
        None => None,
    };
    let verifier = verifier.as_deref().and_then(|verifier| std::str::from_utf8(verifier).ok());
    let tokens = upstream.exchange(code, verifier, &redirect_uri(app, &trip.provider_id), now).await;
    let tokens = tokens.map_err(|error| match error {
        UpstreamError::Refused(_) | UpstreamError::Status(400..=499) => refused(upstream, &error),
        error => unavailable(upstream, &error),
    })?;
    let access_token = tokens.access_token.as_ref().map(|token| token.expose());
    let id_token = match (&tokens.id_token, upstream.provider.has_id_token()) {
        (Some(id_token), true) => {
            let claims =
                verify(upstream, id_token.expose(), upstream.provider.id_token_signed_response_alg, now).await?;
            let expected = id_token::Expected { trip, code, access_token, now };
            id_token::check(&upstream.provider, &claims, &expected)?;
            Some((claims, id_token.expose().to_owned()))
        }
        (None, true) => return Err(UpstreamProblem::NoIdToken.into()),
        (_, false) => None,
    };
    let userinfo = match access_token {
        Some(access_token) if upstream.provider.fetches_userinfo() => {
            Some(ask_userinfo(upstream, access_token, now).await?)
        }
        None if !upstream.provider.has_id_token() => return Err(UpstreamProblem::CodeRefused.into()),
        _ => None,
    };
    if let (Some((claims, _)), Some(userinfo)) = (&id_token, &userinfo)
        && (!userinfo.get("sub").is_some_and(serde_json::Value::is_string) || userinfo.get("sub") != claims.get("sub"))
    {
        return Err(UpstreamProblem::WrongUserinfoSubject.into());
    }
    Ok(Answer::new(id_token, userinfo, params))
}

async fn ask_userinfo(upstream: &Upstream, access_token: &str, now: i64) -> Result<claims::Claims> {
    let userinfo = upstream.userinfo(access_token, now).await.map_err(|error| unavailable(upstream, &error))?;
    match (userinfo, upstream.provider.userinfo_signed_response_alg) {
        (Userinfo::Plain(claims), None) => Ok(claims),
        (Userinfo::Signed(jwt), Some(algorithm)) => {
            let claims = verify(upstream, &jwt, algorithm, now).await.map_err(|error| match error.refusal() {
                Some(Refusal::Upstream(UpstreamProblem::Unavailable)) => error,
                Some(Refusal::Upstream(_)) => UpstreamProblem::WrongUserinfo.into(),
                _ => error,
            })?;
            match id_token::is_for_us(&upstream.provider, &claims) {
                true => Ok(claims),
                false => Err(UpstreamProblem::WrongUserinfo.into()),
            }
        }
        // What is configured decides how it has to come, not the answer.
        _ => Err(UpstreamProblem::WrongUserinfo.into()),
    }
}

/// Verifies a JWT of a provider with the configured algorithm; keys are read again where one is unknown. A logout token is
/// refused: it is no ID token (TRP-40).
///
/// # Errors
/// `Malformed`, `WrongAlgorithm`, `Critical`, `WrongSignature`, `Unavailable`.
pub async fn verify(
    upstream: &Upstream,
    jwt: &str,
    algorithm: crate::config::upstream::SigningAlgorithm,
    now: i64,
) -> Result<claims::Claims> {
    let Verified { typ, claims } = id_token::verify(upstream, jwt, algorithm, now).await?;
    match typ.is_some_and(|typ| typ.to_ascii_lowercase().ends_with("logout+jwt")) {
        true => Err(UpstreamProblem::Malformed.into()),
        false => Ok(claims),
    }
}

fn unavailable(upstream: &Upstream, error: &UpstreamError) -> Error {
    tracing::warn!(provider = %upstream.provider.id, %error, "a provider does not answer as it should");
    UpstreamProblem::Unavailable.into()
}

fn refused(upstream: &Upstream, error: &UpstreamError) -> Error {
    tracing::warn!(provider = %upstream.provider.id, %error, "a provider did not take a code");
    UpstreamProblem::CodeRefused.into()
}

/// Finds a trip of this browser that was answered and is not over, with what the provider said.
///
/// # Errors
/// `TransactionOver`, `OtherBrowser`, `Closed`.
pub async fn find_answered(app: &App, id: &str, browser: &Secret) -> Result<(Trip, Answer)> {
    let id = UpstreamTripId::read(id).ok_or(Refusal::TransactionOver)?;
    let trip = store::upstream::find_trip(&app.db, &id).await?.ok_or(Refusal::TransactionOver)?;
    if trip.browser_hash != browser.hash() {
        return Err(Refusal::OtherBrowser.into());
    }
    if trip.answered_at.is_none() || trip.consumed_at.is_some() || trip.expires_at <= app.clock.now() {
        return Err(Refusal::TransactionOver.into());
    }
    find(app, &trip.provider_id)?;
    let answer = read_answer(app, &trip)?;
    Ok((trip, answer))
}

fn read_answer(app: &App, trip: &Trip) -> Result<Answer> {
    let sealed = trip.answer.as_deref().ok_or(Refusal::TransactionOver)?;
    let bytes = open_sealed(app, &answer_context(&trip.id), sealed)?;
    Answer::from_bytes(&bytes).ok_or(Error::Internal("what a provider said cannot be read"))
}

/// Consumes a trip in the transaction that opens the login of a browser, and remembers which login at the provider it was, so
/// that a sign-out there finds it (UPS-10, BCI-03).
///
/// # Errors
/// `TransactionOver` when it was consumed before.
pub async fn enter_in(app: &App, tx: &mut Tx, from: &FromTrip, session: &SessionId) -> Result<()> {
    let now = app.clock.now();
    if !from.is_consumed && !store::upstream::consume_trip(tx, &from.id, now).await? {
        return Err(Refusal::TransactionOver.into());
    }
    let trip = store::upstream::find_trip_in(tx, &from.id).await?.ok_or(Refusal::TransactionOver)?;
    let answer = read_answer(app, &trip)?;
    let id_token = match &answer.id_token {
        Some(id_token) => Some(seal(app, &id_token_context(session), id_token.as_bytes())?),
        None => None,
    };
    let session = UpstreamSession {
        browser_session_id: session.clone(),
        provider_id: trip.provider_id,
        subject: trip.subject.ok_or(Error::Internal("an answered trip names nobody"))?,
        sid: answer.sid(),
        id_token,
        created_at: now,
    };
    Ok(store::upstream::insert_session(tx, &session).await?)
}

/// Gives the ID token of the login at a provider, to show it there.
pub fn id_token_of(app: &App, session: &UpstreamSession) -> Option<String> {
    let sealed = session.id_token.as_deref()?;
    String::from_utf8(app.sealer.open(&id_token_context(&session.browser_session_id), sealed)?).ok()
}

/// Gives what the seal of the verifier of a trip belongs to.
pub fn verifier_context(trip: &UpstreamTripId) -> String {
    format!("upstream verifier {trip}")
}

/// Gives what the seal of the answer of a provider belongs to.
pub fn answer_context(trip: &UpstreamTripId) -> String {
    format!("upstream answer {trip}")
}

/// Gives what the seal of the ID token of a provider belongs to.
pub fn id_token_context(session: &SessionId) -> String {
    format!("upstream id_token {session}")
}

fn seal(app: &App, context: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    app.sealer.seal(context, bytes).ok_or(Error::Internal("what belongs to a provider cannot be sealed"))
}

fn open_sealed(app: &App, context: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    app.sealer.open(context, sealed).ok_or(Error::Internal("what belongs to a provider cannot be opened"))
}
