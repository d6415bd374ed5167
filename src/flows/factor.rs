//! Second factors: the app that shows codes, the recovery codes, and whether a password alone is enough (spec 17.2, 17.3).

use crate::{
    app::App,
    clock::MINUTE,
    crypto::{
        recovery_code::{self, COUNT},
        totp,
    },
    domain::{
        act::Act,
        event::Event,
        factor::FactorProblem,
        id::{PasskeyId, UserId},
        refusal::Refusal,
    },
    error::{Error, Result},
    flows::{Caller, browser::SignedIn, event, prove, upstream},
    store::{self, db::Tx},
};

/// How long a seed waits for its first code (spec OTP-02).
const SEED_LIFE: i64 = 10 * MINUTE;
/// How many codes may be wrong in a row, over all logins of an account (spec OTP-04) …
const MOST_FAILURES: i64 = 100;
/// … before each further one has to wait for so long (spec RTL-04).
const PAUSE: i64 = 15 * MINUTE;

/// A seed on its way into an app.
pub struct Seed {
    /// As people type it.
    pub readable: String,
    pub uri: String,
    /// The same as a picture (SVG).
    pub picture: String,
}

/// Begins to enrol an app on a proof for [`Act::AddTotp`].
///
/// # Errors
/// `ProofNeeded`; `TotpKnown` when there is one.
pub async fn begin_totp(app: &App, signed_in: &SignedIn, proof: &str) -> Result<()> {
    let user = &signed_in.user.id;
    let sealed =
        app.sealer.seal(&context(user), &totp::generate()).ok_or(Error::Internal("a seed cannot be sealed"))?;
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::AddTotp, None, proof).await?;
    if !store::factor::begin_totp(&mut tx, user, &sealed, app.clock.now()).await? {
        return Err(FactorProblem::TotpKnown.into());
    }
    Ok(tx.commit().await?)
}

/// Gives the seed that waits for its first code; nothing when there is none, or it waited for too long.
///
/// # Errors
/// When the store fails.
pub async fn find_seed(app: &App, signed_in: &SignedIn, issuer: &str) -> Result<Option<Seed>> {
    let Some(seed) = pending(app, &signed_in.user.id).await? else { return Ok(None) };
    let trouble = Error::Internal("a seed cannot be drawn");
    let uri = totp::uri(&seed.open, issuer, &signed_in.user.username);
    let Some((uri, picture)) = uri.and_then(|uri| totp::picture(&uri).map(|picture| (uri, picture))) else {
        return Err(trouble);
    };
    Ok(Some(Seed { readable: totp::readable(&seed.open), uri, picture }))
}

struct Pending {
    sealed: Vec<u8>,
    open: Vec<u8>,
}

async fn pending(app: &App, user: &UserId) -> Result<Option<Pending>> {
    let Some(row) = store::factor::find_totp(&app.db, user).await? else { return Ok(None) };
    if row.confirmed_at.is_some() || row.created_at + SEED_LIFE <= app.clock.now() {
        return Ok(None);
    }
    let open = open(app, user, &row.secret)?;
    Ok(Some(Pending { sealed: row.secret, open }))
}

/// Completes the enrolment with the first code. From then on a password alone does not sign in.
///
/// # Errors
/// `TransactionOver` when nothing waits, `WrongCode`.
pub async fn confirm_totp(app: &App, signed_in: &SignedIn, code: &str, caller: &Caller) -> Result<()> {
    let (user, now) = (&signed_in.user.id, app.clock.now());
    let seed = pending(app, user).await?.ok_or(Refusal::TransactionOver)?;
    let step = totp::step_of(&seed.open, code, now).ok_or(FactorProblem::WrongCode)?;
    let mut tx = app.db.write().await?;
    if !store::factor::confirm_totp(&mut tx, user, &seed.sealed, step, now).await? {
        return Err(Refusal::TransactionOver.into());
    }
    store::factor::require_second(&mut tx, user, now).await?;
    event::record(app, &mut tx, user, Event::TotpAdded, caller).await?;
    Ok(tx.commit().await?)
}

/// Removes the app on a proof for [`Act::RemoveTotp`].
///
/// # Errors
/// `ProofNeeded`, `NotFound`.
pub async fn remove_totp(app: &App, signed_in: &SignedIn, proof: &str, caller: &Caller) -> Result<()> {
    let user = &signed_in.user.id;
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::RemoveTotp, None, proof).await?;
    if !store::factor::delete_totp(&mut tx, user).await? {
        return Err(Refusal::NotFound.into());
    }
    settle(app, &mut tx, user).await?;
    event::record(app, &mut tx, user, Event::TotpRemoved, caller).await?;
    Ok(tx.commit().await?)
}

/// Removes a passkey on a proof for [`Act::RemovePasskey`].
///
/// # Errors
/// `ProofNeeded`, `NotFound`; `LastWayIn` when nobody could sign in afterwards (WAN-06).
pub async fn remove_passkey(
    app: &App,
    signed_in: &SignedIn,
    proof: &str,
    id: &PasskeyId,
    caller: &Caller,
) -> Result<()> {
    let user = &signed_in.user.id;
    let passkeys = store::factor::list_passkeys(&app.db, user).await?;
    let passkey = passkeys.into_iter().find(|passkey| passkey.id == *id).ok_or(Refusal::NotFound)?;
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::RemovePasskey, Some(id.as_str()), proof).await?;
    if !store::factor::delete_passkey(&mut tx, user, id).await? {
        return Err(Refusal::NotFound.into());
    }
    settle(app, &mut tx, user).await?;
    event::record(app, &mut tx, user, Event::PasskeyRemoved { name: passkey.name }, caller).await?;
    Ok(tx.commit().await?)
}

/// Removes the password on a proof for [`Act::RemovePassword`]: passkeys sign in from then on.
///
/// # Errors
/// `ProofNeeded`, `NotFound`, `LastWayIn`.
pub async fn remove_password(app: &App, signed_in: &SignedIn, proof: &str, caller: &Caller) -> Result<()> {
    let user = &signed_in.user.id;
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::RemovePassword, None, proof).await?;
    if !store::user::delete_password(&mut tx, user).await? {
        return Err(Refusal::NotFound.into());
    }
    settle(app, &mut tx, user).await?;
    store::recovery::end_of(&mut tx, user, app.clock.now()).await?;
    event::record(app, &mut tx, user, Event::PasswordRemoved, caller).await?;
    Ok(tx.commit().await?)
}

/// After something was removed: there is a way in left, and what is asked for is there.
///
/// # Errors
/// `LastWayIn`.
pub async fn settle(app: &App, tx: &mut Tx, user: &UserId) -> Result<()> {
    let factors = store::factor::find_in(tx, user).await?;
    if !factors.opens(app.config.passwords.enabled) && !upstream::link::opens(app, tx, user).await? {
        return Err(FactorProblem::LastWayIn.into());
    }
    if !factors.has_second() {
        store::factor::allow_password_alone(tx, user).await?;
        store::factor::delete_recovery_codes(tx, user).await?;
    }
    Ok(store::proof::delete_of(tx, user).await?)
}

/// Makes new recovery codes on a proof for [`Act::MakeRecoveryCodes`]; older ones are void. They are shown this once.
///
/// # Errors
/// `ProofNeeded`; `NoSecondFactor` when there is nothing that they could stand in for (RCV-02).
pub async fn make_recovery_codes(app: &App, signed_in: &SignedIn, proof: &str, caller: &Caller) -> Result<Vec<String>> {
    let user = &signed_in.user.id;
    let codes: Vec<String> = std::iter::repeat_with(recovery_code::generate).take(COUNT).collect();
    let hash = |code: &String| Some((app.new_token_id().to_string(), hash_code(app, user, code)?));
    let rows: Option<Vec<_>> = codes.iter().map(hash).collect();
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::MakeRecoveryCodes, None, proof).await?;
    if !store::factor::find_in(&mut tx, user).await?.has_second() {
        return Err(FactorProblem::NoSecondFactor.into());
    }
    let rows = rows.ok_or(Error::Internal("a recovery code cannot be read"))?;
    store::factor::replace_recovery_codes(&mut tx, user, &rows, app.clock.now()).await?;
    event::record(app, &mut tx, user, Event::RecoveryCodesMade, caller).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Says on a proof for the act whether a password alone signs in.
///
/// # Errors
/// `ProofNeeded`, `NoSecondFactor`.
pub async fn set_second_factor_required(
    app: &App,
    signed_in: &SignedIn,
    proof: &str,
    is_required: bool,
    caller: &Caller,
) -> Result<()> {
    let user = &signed_in.user.id;
    let act = if is_required { Act::RequireSecondFactor } else { Act::AllowPasswordAlone };
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, act, None, proof).await?;
    if is_required {
        if !store::factor::find_in(&mut tx, user).await?.has_second() {
            return Err(FactorProblem::NoSecondFactor.into());
        }
        store::factor::require_second(&mut tx, user, app.clock.now()).await?;
        event::record(app, &mut tx, user, Event::SecondFactorRequired, caller).await?;
    } else {
        store::factor::allow_password_alone(&mut tx, user).await?;
        event::record(app, &mut tx, user, Event::SecondFactorNoLongerRequired, caller).await?;
    }
    Ok(tx.commit().await?)
}

/// What somebody typed as a second factor.
pub enum Code<'a> {
    Totp(&'a str),
    Recovery(&'a str),
}

/// Counts a try before anything is looked at.
///
/// # Errors
/// `TooManyWrongCodes`.
pub async fn count_try(app: &App, tx: &mut Tx, user: &UserId) -> Result<()> {
    let now = app.clock.now();
    match store::factor::count_try(tx, user, MOST_FAILURES, now - PAUSE, now).await? {
        true => Ok(()),
        false => Err(FactorProblem::TooManyWrongCodes.into()),
    }
}

/// What a code stands for, which the store decides about.
pub enum Read {
    Step(i64),
    Hash(Vec<u8>),
}

/// Reads a code that somebody typed.
///
/// # Errors
/// `WrongCode`.
pub async fn read(app: &App, user: &UserId, code: &Code<'_>) -> Result<Read> {
    let read = match code {
        Code::Totp(typed) => match store::factor::find_totp(&app.db, user).await? {
            Some(row) => totp::step_of(&open(app, user, &row.secret)?, typed, app.clock.now()).map(Read::Step),
            None => None,
        },
        Code::Recovery(typed) => hash_code(app, user, typed).map(Read::Hash),
    };
    Ok(read.ok_or(FactorProblem::WrongCode)?)
}

/// Consumes a code in the transaction of what it is good for.
///
/// # Errors
/// `WrongCode`, also for one that was used before.
pub async fn consume(app: &App, tx: &mut Tx, user: &UserId, code: &Read, caller: &Caller) -> Result<()> {
    let now = app.clock.now();
    let is_right = match code {
        Read::Step(step) => store::factor::use_totp(tx, user, *step, now).await?,
        Read::Hash(hash) => store::factor::use_recovery_code(tx, user, hash, now).await?,
    };
    if !is_right {
        return Err(FactorProblem::WrongCode.into());
    }
    if let Read::Hash(_) = code {
        event::record(app, tx, user, Event::RecoveryCodeUsed, caller).await?;
    }
    Ok(store::factor::forget_tries(tx, user).await?)
}

/// Writes down that a code was wrong: whoever typed it knows the password.
///
/// # Errors
/// When the store fails.
pub async fn note_wrong_code(app: &App, user: &UserId, caller: &Caller) -> Result<()> {
    let mut tx = app.db.write().await?;
    event::record(app, &mut tx, user, Event::WrongSecondFactor, caller).await?;
    Ok(tx.commit().await?)
}

fn open(app: &App, user: &UserId, sealed: &[u8]) -> Result<Vec<u8>> {
    app.sealer.open(&context(user), sealed).ok_or(Error::Internal("a seed cannot be opened"))
}

/// Gives what the seal of a seed belongs to.
pub fn context(user: &UserId) -> String {
    format!("totp {user}")
}

fn hash_code(app: &App, user: &UserId, code: &str) -> Option<Vec<u8>> {
    recovery_code::hash(&app.recovery_code_key, user, code)
}
