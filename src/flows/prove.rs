//! Showing who one is: the second step of a login, and afresh for each act that matters (INV-06).
//!
//! A proof is a row bound to one browser: of a login, or of one act on one target in one browser session. A password begins
//! it, a second factor completes it where one is asked for, and a passkey does both. It is consumed in the transaction of
//! what it is for.

use crate::{
    app::App,
    clock::MINUTE,
    crypto::secret::Secret,
    domain::{
        act::Act,
        amr::{Acr, Amr},
        factor::{FactorProblem, Factors},
        id::{GrantId, ProofId, SsoLoginId, UpstreamTripId},
        refusal::Refusal,
        user::User,
    },
    error::{Error, Result},
    flows::{
        Caller,
        assurance::{self, Occasion},
        browser::SignedIn,
        factor::{self, Code},
        limit::{self, Limiter},
        login, passkey,
    },
    store::{
        self,
        db::Tx,
        proof::{Claim, Proof},
    },
};

/// How long the second step may take.
const STEP_LIFE: i64 = 10 * MINUTE;
/// How long an act may take that was proved for.
const PROOF_LIFE: i64 = 5 * MINUTE;
/// How often a code may be wrong before it starts from the password again (spec OTP-04).
const MOST_FAILURES: i64 = 5;

/// What waits for a login.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    pub grant: Option<GrantId>,
    pub sso_login: Option<SsoLoginId>,
    /// A page of the account.
    pub place: Option<String>,
}

/// What came of a right password.
pub enum Step {
    /// It was all that is asked for.
    Done(Amr),
    /// A second factor is asked for.
    Second(ProofId),
}

/// The first thing that somebody showed, when that was looked up, and the trip to a provider that it was.
#[derive(Clone)]
pub struct First {
    pub amr: Amr,
    pub at: i64,
    pub trip: Option<UpstreamTripId>,
}

/// Tells whether somebody who knows the password is asked for more: they asked for it themselves, or the client did and
/// they can.
pub fn needs_second(user: &User, factors: &Factors, wanted: Option<Acr>) -> bool {
    factors.has_second() && (user.second_factor_required_at.is_some() || wanted > Some(Acr::Password))
}

/// Goes on after the right password of a login.
///
/// # Errors
/// When the store fails.
pub async fn go_on(
    app: &App,
    browser: &Secret,
    user: &User,
    password_at: i64,
    wanted: Option<Acr>,
    waiting: Waiting,
) -> Result<Step> {
    let first = First { amr: Amr::password(), at: password_at, trip: None };
    go_on_from(app, browser, user, first, wanted, waiting).await
}

/// Goes on after the first step of a login, whichever it was.
///
/// # Errors
/// When the store fails.
pub async fn go_on_from(
    app: &App,
    browser: &Secret,
    user: &User,
    first: First,
    wanted: Option<Acr>,
    waiting: Waiting,
) -> Result<Step> {
    let factors = store::factor::find(&app.db, &user.id).await?;
    let is_strong = first.amr.acr() >= wanted.unwrap_or(Acr::Mfa).max(Acr::Mfa);
    if is_strong || !needs_second(user, &factors, wanted) {
        return Ok(Step::Done(first.amr));
    }
    let proof = Proof {
        password_at: Some(first.at),
        amr: Some(first.amr),
        upstream_trip_id: first.trip,
        grant_id: waiting.grant,
        sso_login_id: waiting.sso_login,
        target: waiting.place,
        ..new(app, browser, user)
    };
    insert(app, &proof).await?;
    Ok(Step::Second(proof.id))
}

/// Finds a proof that this browser began and that is not over.
///
/// # Errors
/// `TransactionOver`, `OtherBrowser`.
pub async fn find(app: &App, id: &str, browser: &Secret) -> Result<Proof> {
    let id = ProofId::read(id).ok_or(Refusal::TransactionOver)?;
    let proof = store::proof::find(&app.db, &id).await?.ok_or(Refusal::TransactionOver)?;
    if proof.browser_hash != browser.hash() {
        return Err(Refusal::OtherBrowser.into());
    }
    if proof.consumed_at.is_some() || proof.expires_at <= app.clock.now() {
        return Err(Refusal::TransactionOver.into());
    }
    Ok(proof)
}

/// Completes a proof with a code.
///
/// # Errors
/// `WrongCode`; `TransactionOver` after too many; `TooManyRequests`; `TooManyWrongCodes`.
pub async fn with_code(app: &App, proof: &Proof, code: &Code<'_>, caller: &Caller) -> Result<Amr> {
    let user = &proof.user_id;
    let account = limit::on_account(app, user.as_str(), Some(user), Some(&proof.browser_hash)).await?;
    let held = limit::hold(app, &[(Limiter::SecondFactorByAccount, &account)]).await?;
    // A try counts before it is judged, or many at once would be judged for one.
    // Everybody takes hold of the user before the proof, or two would wait for each other.
    let mut tx = app.db.write().await?;
    factor::count_try(app, &mut tx, &proof.user_id).await?;
    if !store::proof::count_try(&mut tx, &proof.id, MOST_FAILURES, app.clock.now()).await? {
        return Err(Refusal::TransactionOver.into());
    }
    tx.commit().await?;

    let result = complete_with_code(app, proof, code, caller).await;
    match &result {
        Ok(_) => held.give_back(app).await?,
        Err(Error::Refusal(Refusal::Factor(FactorProblem::WrongCode))) => {
            factor::note_wrong_code(app, &proof.user_id, caller).await?;
        }
        Err(_) => {}
    }
    result
}

async fn complete_with_code(app: &App, proof: &Proof, code: &Code<'_>, caller: &Caller) -> Result<Amr> {
    let amr = proof.amr.as_ref().map_or_else(Amr::password_and_code, Amr::and_code);
    let code = factor::read(app, &proof.user_id, code).await?;
    let mut tx = app.db.write().await?;
    store::user::hold(&mut tx, &proof.user_id).await?;
    factor::consume(app, &mut tx, &proof.user_id, &code, caller).await?;
    complete(app, &mut tx, proof, &amr).await?;
    tx.commit().await?;
    Ok(amr)
}

/// Completes a proof with a passkey.
///
/// # Errors
/// Those of [`passkey::show_own`]; `TransactionOver`.
pub async fn with_passkey(
    app: &App,
    browser: &Secret,
    proof: &Proof,
    answer: &passkey::Answer<'_>,
    caller: &Caller,
) -> Result<Amr> {
    let shown = passkey::show_own(app, browser, &proof.user_id, answer, caller).await?;
    let mut tx = app.db.write().await?;
    complete(app, &mut tx, proof, &shown.amr).await?;
    tx.commit().await?;
    Ok(shown.amr)
}

async fn complete(app: &App, tx: &mut Tx, proof: &Proof, amr: &Amr) -> Result<()> {
    let now = app.clock.now();
    match store::proof::complete(tx, &proof.id, amr, now + PROOF_LIFE, now).await? {
        true => Ok(()),
        false => Err(Refusal::TransactionOver.into()),
    }
}

/// Begins the proof for an act with the password of whoever is signed in.
///
/// # Errors
/// Those of [`login::by_password_of`]; `Policy`.
pub async fn begin_act_with_password(
    app: &App,
    browser: &Secret,
    signed_in: &SignedIn,
    act: Act,
    target: Option<&str>,
    password: &str,
    caller: &Caller,
) -> Result<Proof> {
    let now = app.clock.now();
    login::by_password_of(app, &signed_in.user, password, browser, caller).await?;
    let factors = store::factor::find(&app.db, &signed_in.user.id).await?;
    // OTP-05: what keeps an app from being used without it is asked for to remove it, wherever the password is enough.
    let wanted = (act == Act::RemoveTotp).then_some(Acr::Mfa);
    let wanted = wanted.max(assurance::wanted(app, &signed_in.user, Occasion::ACCOUNT, caller)?);
    let is_enough = !needs_second(&signed_in.user, &factors, wanted);
    let proof = Proof {
        password_at: Some(now),
        proved_at: is_enough.then_some(now),
        amr: Some(Amr::password()),
        ..of_act(app, browser, signed_in, act, target)
    };
    insert(app, &proof).await?;
    Ok(proof)
}

/// Begins and completes the proof for an act with a passkey of whoever is signed in.
///
/// # Errors
/// Those of [`passkey::show_own`].
pub async fn begin_act_with_passkey(
    app: &App,
    browser: &Secret,
    signed_in: &SignedIn,
    act: Act,
    target: Option<&str>,
    answer: &passkey::Answer<'_>,
    caller: &Caller,
) -> Result<Proof> {
    let shown = passkey::show_own(app, browser, &signed_in.user.id, answer, caller).await?;
    let proof =
        Proof { proved_at: Some(shown.at), amr: Some(shown.amr), ..of_act(app, browser, signed_in, act, target) };
    insert(app, &proof).await?;
    Ok(proof)
}

/// Begins the proof for an act with a trip to a provider, which is consumed, and tells whether that is enough.
///
/// # Errors
/// `TransactionOver`.
pub async fn begin_act_with_provider(
    app: &App,
    browser: &Secret,
    signed_in: &SignedIn,
    act: Act,
    target: Option<&str>,
    (trip, amr): (&UpstreamTripId, Amr),
) -> Result<(ProofId, bool)> {
    let now = app.clock.now();
    let factors = store::factor::find(&app.db, &signed_in.user.id).await?;
    let wanted = (act == Act::RemoveTotp).then_some(Acr::Mfa);
    let is_enough = amr.acr() >= Acr::Mfa || !needs_second(&signed_in.user, &factors, wanted);
    let proof = Proof {
        password_at: Some(now),
        proved_at: is_enough.then_some(now),
        amr: Some(amr),
        ..of_act(app, browser, signed_in, act, target)
    };
    let mut tx = app.db.write().await?;
    if !store::upstream::consume_trip(&mut tx, trip, now).await? {
        return Err(Refusal::TransactionOver.into());
    }
    store::proof::insert(&mut tx, &proof).await?;
    tx.commit().await?;
    Ok((proof.id, is_enough))
}

/// Tells whether this is a proof for an act that is still good; looking consumes nothing.
///
/// # Errors
/// When the store fails.
pub async fn is_proved(
    app: &App,
    browser: &Secret,
    signed_in: &SignedIn,
    act: Act,
    target: Option<&str>,
    proof: Option<&str>,
) -> Result<bool> {
    let Some(id) = proof else { return Ok(false) };
    let Ok(proof) = find(app, id, browser).await else { return Ok(false) };
    Ok(proof.proved_at.is_some()
        && proof.browser_session_id.as_ref() == Some(&signed_in.session.session_id)
        && proof.act.as_deref() == Some(act.as_str())
        && proof.target.as_deref() == target)
}

/// Consumes the proof of an act in its transaction.
///
/// # Errors
/// `ProofNeeded` when it is not one for this act, on this target, in this browser session, of the last minutes, unused.
pub async fn consume(
    app: &App,
    tx: &mut Tx,
    signed_in: &SignedIn,
    act: Act,
    target: Option<&str>,
    proof: &str,
) -> Result<()> {
    let id = ProofId::read(proof).ok_or(FactorProblem::ProofNeeded)?;
    let claim = Claim {
        id: &id,
        browser_session: &signed_in.session.session_id,
        act: act.as_str(),
        target: target.unwrap_or_default(),
    };
    // Acts on one account go one after the other: each sees what the one before it left (WAN-06).
    store::user::hold(tx, &signed_in.user.id).await?;
    match store::proof::consume_act(tx, &claim, app.clock.now()).await? {
        true => Ok(()),
        false => Err(FactorProblem::ProofNeeded.into()),
    }
}

fn of_act(app: &App, browser: &Secret, signed_in: &SignedIn, act: Act, target: Option<&str>) -> Proof {
    Proof {
        browser_session_id: Some(signed_in.session.session_id.clone()),
        act: Some(act.as_str().to_owned()),
        target: target.map(str::to_owned),
        expires_at: app.clock.now() + PROOF_LIFE,
        ..new(app, browser, &signed_in.user)
    }
}

fn new(app: &App, browser: &Secret, user: &User) -> Proof {
    let now = app.clock.now();
    Proof {
        id: app.new_proof_id(),
        browser_hash: browser.hash(),
        user_id: user.id.clone(),
        browser_session_id: None,
        act: None,
        target: None,
        grant_id: None,
        sso_login_id: None,
        created_at: now,
        expires_at: now + STEP_LIFE,
        password_at: None,
        proved_at: None,
        amr: None,
        consumed_at: None,
        upstream_trip_id: None,
    }
}

async fn insert(app: &App, proof: &Proof) -> Result<()> {
    let mut tx = app.db.write().await?;
    store::proof::insert(&mut tx, proof).await?;
    Ok(tx.commit().await?)
}
