//! E-mail addresses: added when somebody typed the code that was sent there, and removed (spec ACT-10, area 19).
//!
//! Whether an address is somebody's already is told to its owner alone: in place of the code goes a mail that says so, and
//! what waits for a code waits for one that nobody knows (SGN-03, RTL-05).

use crate::{
    app::App,
    clock::{HOUR, MINUTE},
    crypto::{email_code, random, secret::Secret},
    domain::{
        act::Act,
        email::{self, EmailProblem},
        event::Event,
        id::{EmailVerificationId, RegistrationId, UserEmailId, UserId},
        refusal::Refusal,
    },
    error::{Error, Result},
    flows::{
        Caller,
        browser::SignedIn,
        event,
        homeserver::{self, Job},
        limit::{self, Limiter},
        mail::{self, Letter, LetterKind},
        permit, prove,
    },
    store::{
        self,
        db::Tx,
        email::{EmailVerification, NewVerification},
    },
};

/// How long a code is good.
const CODE_LIFE: i64 = 10 * MINUTE;
/// How often a code may be typed.
const MOST_TRIES: i64 = 5;
/// How many codes go to one address within an hour, whoever asks …
const MOST_SENT_TO: i64 = 3;
/// … and for one account, or one sign-up, whatever the address.
const MOST_SENT_FOR: i64 = 5;
/// How many addresses somebody may have.
const MOST_ADDRESSES: i64 = 10;

/// For whom an address is verified.
#[derive(Clone, Copy)]
pub enum Applicant<'a> {
    Account(&'a UserId),
    SignUp(&'a RegistrationId),
}

impl<'a> Applicant<'a> {
    fn user(self) -> Option<&'a UserId> {
        match self {
            Self::Account(user) => Some(user),
            Self::SignUp(_) => None,
        }
    }

    fn registration(self) -> Option<&'a RegistrationId> {
        match self {
            Self::Account(_) => None,
            Self::SignUp(registration) => Some(registration),
        }
    }

    fn name(self) -> &'a str {
        match self {
            Self::Account(user) => user.as_str(),
            Self::SignUp(registration) => registration.as_str(),
        }
    }
}

/// Begins to add an address to an account, on a proof for [`Act::AddEmail`].
///
/// # Errors
/// `ProofNeeded`; `Email` and `Policy` with what is wrong: then the proof is still good.
pub async fn begin(
    app: &App,
    browser: &Secret,
    signed_in: &SignedIn,
    proof: &str,
    address: &str,
    caller: &Caller,
) -> Result<EmailVerificationId> {
    let (user, address) = (&signed_in.user.id, read(app, address)?);
    permit::email(app, &address, caller)?;
    count_mail(app, Applicant::Account(user), &address, caller).await?;
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::AddEmail, None, proof).await?;
    if store::email::find_owner(&mut tx, &address).await?.as_ref() == Some(user) {
        return Err(EmailProblem::Known.into());
    }
    if store::email::count(&mut tx, user).await? >= MOST_ADDRESSES {
        return Err(EmailProblem::TooMany.into());
    }
    let id = send_code(app, &mut tx, browser, Applicant::Account(user), &address, caller).await?;
    tx.commit().await?;
    Ok(id)
}

/// Begins to verify the address of a sign-up of this browser.
///
/// # Errors
/// `Email` and `Policy` with what is wrong.
pub async fn begin_for_sign_up(
    app: &App,
    browser: &Secret,
    registration: &RegistrationId,
    address: &str,
    caller: &Caller,
) -> Result<EmailVerificationId> {
    let address = read(app, address)?;
    permit::email(app, &address, caller)?;
    count_mail(app, Applicant::SignUp(registration), &address, caller).await?;
    let mut tx = app.db.write().await?;
    let id = send_code(app, &mut tx, browser, Applicant::SignUp(registration), &address, caller).await?;
    tx.commit().await?;
    Ok(id)
}

fn read(app: &App, address: &str) -> Result<String> {
    if !app.mail.is_available() {
        return Err(EmailProblem::Unavailable.into());
    }
    Ok(email::typed(address).ok_or(EmailProblem::Invalid)?)
}

/// Counts a mail before it is written, whosever the address is. Within an hour the transaction that writes it counts again:
/// these limits can be switched off, those cannot.
async fn count_mail(app: &App, applicant: Applicant<'_>, address: &str, caller: &Caller) -> Result<()> {
    let from = limit::address(caller);
    let wanted = [
        (Limiter::EmailCodeByAddress, from.as_str()),
        (Limiter::EmailCodeByEmail, address),
        (Limiter::EmailCodeBySession, applicant.name()),
    ];
    limit::take_each(app, &wanted).await.map_err(|error| match error {
        Error::Refusal(Refusal::TooManyRequests { seconds }) => {
            EmailProblem::Wait { minutes: (seconds + 59) / 60 }.into()
        }
        error => error,
    })
}

/// Sends another code in place of one that did not arrive.
///
/// # Errors
/// `NotFound` when there is none, or somebody else's; `Email(Wait)` within a minute; `Email(CodeOver)` after an hour, or
/// when the first one was used.
pub async fn send_again(
    app: &App,
    browser: &Secret,
    applicant: Applicant<'_>,
    id: &str,
    caller: &Caller,
) -> Result<EmailVerificationId> {
    let verification = find(app, applicant, id).await?;
    let now = app.clock.now();
    if verification.consumed_at.is_some() || verification.created_at + HOUR <= now {
        return Err(EmailProblem::CodeOver.into());
    }
    let address = read(app, &verification.email)?;
    count_mail(app, applicant, &address, caller).await?;
    let mut tx = app.db.write().await?;
    tx.hold_name(&format!("codes for {}", applicant.name())).await?;
    if store::email::nth_last_sent_for(&mut tx, applicant.user(), applicant.registration(), now - MINUTE, 0)
        .await?
        .is_some()
    {
        return Err(EmailProblem::Wait { minutes: 1 }.into());
    }
    let id = send_code(app, &mut tx, browser, applicant, &address, caller).await?;
    tx.commit().await?;
    Ok(id)
}

/// Sends a code to an address that nobody has, or the other mail to whoever has it: one costs what the other does.
async fn send_code(
    app: &App,
    tx: &mut Tx,
    browser: &Secret,
    applicant: Applicant<'_>,
    address: &str,
    caller: &Caller,
) -> Result<EmailVerificationId> {
    let (user, registration, now) = (applicant.user(), applicant.registration(), app.clock.now());
    tx.hold_name(&format!("codes for {}", applicant.name())).await?;
    tx.hold_name(&format!("codes to {address}")).await?;
    let limits = [
        store::email::nth_last_sent_to(tx, address, now - HOUR, MOST_SENT_TO - 1).await?,
        store::email::nth_last_sent_for(tx, user, registration, now - HOUR, MOST_SENT_FOR - 1).await?,
    ];
    if let Some(at) = limits.into_iter().flatten().max() {
        return Err(EmailProblem::Wait { minutes: (at + HOUR - now + MINUTE - 1) / MINUTE }.into());
    }
    store::email::end_verifications(tx, user, registration, address, now).await?;
    let (id, code) = (app.new_email_verification_id(), email_code::generate());
    let hash = email_code::hash(&app.email_code_key, &id, browser, &code);
    let (code_hash, kind) = match store::email::find_owner(tx, address).await? {
        None => {
            let kind = LetterKind::VerificationCode { code, expires_minutes: CODE_LIFE / MINUTE };
            (hash.ok_or(Error::Internal("a code cannot be read"))?, kind)
        }
        Some(_) => (random::bytes::<32>().to_vec(), LetterKind::AddressTaken),
    };
    let expires_at = now + CODE_LIFE;
    let new = NewVerification { id: &id, user, registration, email: address, code_hash, expires_at, now };
    store::email::insert_verification(tx, new).await?;
    mail::enqueue(app, tx, &Letter { to: address, language: caller.language, kind }).await?;
    Ok(id)
}

/// Finds a verification of an account or of a sign-up; it may be over.
///
/// # Errors
/// `NotFound` when there is none, or somebody else's.
pub async fn find(app: &App, applicant: Applicant<'_>, id: &str) -> Result<EmailVerification> {
    let id = EmailVerificationId::read(id).ok_or(Refusal::NotFound)?;
    let verification = store::email::find_verification(&app.db, &id).await?.ok_or(Refusal::NotFound)?;
    let is_own = (verification.user_id.as_ref(), verification.registration_id.as_ref())
        == (applicant.user(), applicant.registration());
    if is_own { Ok(verification) } else { Err(Refusal::NotFound.into()) }
}

/// Tells whether a code can still be typed for this.
pub fn is_open(app: &App, verification: &EmailVerification) -> bool {
    verification.consumed_at.is_none()
        && verification.expires_at > app.clock.now()
        && verification.failures < MOST_TRIES
}

/// Adds the address to the account whose owner typed its code.
///
/// # Errors
/// `NotFound`; `TooManyRequests`; `Email`: `WrongCode`, `CodeOver`, or `Taken` when another account got the address meanwhile.
pub async fn confirm(
    app: &App,
    browser: &Secret,
    signed_in: &SignedIn,
    id: &str,
    code: &str,
    caller: &Caller,
) -> Result<()> {
    let (user, now) = (&signed_in.user.id, app.clock.now());
    let verification = find(app, Applicant::Account(user), id).await?;
    let hash = count_try(app, browser, &verification, code).await?;
    let mut tx = app.db.write().await?;
    consume(&mut tx, &verification, &hash, now).await?;
    let address = &verification.email;
    if store::email::claim(&mut tx, &app.new_user_email_id(), user, address, now).await? {
        store::recovery::end_of(&mut tx, user, now).await?;
        homeserver::enqueue(app, &mut tx, user, &Job::ProvisionUser { display_name: None }).await?;
        event::record(app, &mut tx, user, Event::EmailAdded { address: address.clone() }, caller).await?;
    } else if store::email::find_owner(&mut tx, address).await?.as_ref() != Some(user) {
        return Err(EmailProblem::Taken.into());
    }
    tx.commit().await?;
    tracing::info!(%user, "an e-mail address was added");
    Ok(())
}

/// Confirms the address of a sign-up by its code; the account gets it when it is created.
///
/// # Errors
/// `TooManyRequests`; `Email`: `WrongCode`, `CodeOver`.
pub async fn confirm_for_sign_up(
    app: &App,
    browser: &Secret,
    verification: &EmailVerification,
    code: &str,
) -> Result<()> {
    let hash = count_try(app, browser, verification, code).await?;
    let mut tx = app.db.write().await?;
    consume(&mut tx, verification, &hash, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// A try counts before it is judged, or many at once would be judged for one. What is no code at all is none.
async fn count_try(app: &App, browser: &Secret, verification: &EmailVerification, code: &str) -> Result<Vec<u8>> {
    let hash = email_code::hash(&app.email_code_key, &verification.id, browser, code).ok_or(EmailProblem::WrongCode)?;
    let user = verification.user_id.as_ref().map(UserId::as_str);
    let applicant = user.or(verification.registration_id.as_ref().map(RegistrationId::as_str)).unwrap_or_default();
    limit::take(app, Limiter::EmailTryBySession, applicant).await?;
    let mut tx = app.db.write().await?;
    if !store::email::count_try(&mut tx, &verification.id, MOST_TRIES, app.clock.now()).await? {
        return Err(EmailProblem::CodeOver.into());
    }
    tx.commit().await?;
    Ok(hash)
}

async fn consume(tx: &mut Tx, verification: &EmailVerification, hash: &[u8], now: i64) -> Result<()> {
    match store::email::consume(tx, &verification.id, hash, now).await? {
        true => Ok(()),
        false => Err(EmailProblem::WrongCode.into()),
    }
}

/// Removes an address on a proof for [`Act::RemoveEmail`]. It hears of that too.
///
/// # Errors
/// `ProofNeeded`, `NotFound`.
pub async fn remove(app: &App, signed_in: &SignedIn, proof: &str, id: &UserEmailId, caller: &Caller) -> Result<()> {
    let user = &signed_in.user.id;
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::RemoveEmail, Some(id.as_str()), proof).await?;
    let removed = store::email::delete(&mut tx, user, id).await?.ok_or(Refusal::NotFound)?;
    // Of one that nobody confirmed nobody knows whose it is.
    if removed.confirmed_at.is_some() {
        store::recovery::end_of(&mut tx, user, app.clock.now()).await?;
        homeserver::enqueue(app, &mut tx, user, &Job::ProvisionUser { display_name: None }).await?;
        event::record(app, &mut tx, user, Event::EmailRemoved { address: removed.email }, caller).await?;
    }
    tx.commit().await?;
    tracing::info!(%user, "an e-mail address was removed");
    Ok(())
}
