//! New passwords: how good one has to be, and what else is void once there is one (spec ACT-09, PWD-01).

use zxcvbn::{Entropy, zxcvbn};

use crate::{
    app::App,
    crypto::{password::PasswordHash, secret::Secret},
    domain::{
        act::Act,
        event::Event,
        id::UserId,
        policy::Violations,
        refusal::Refusal,
        session::EndReason,
        user::{MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS},
    },
    error::{Error, Result},
    flows::{
        Caller,
        browser::{self, SignedIn},
        event, permit, prove, session,
    },
    store::{self, db::Tx},
};

/// A password that may be used here.
#[derive(Clone, Copy)]
pub struct NewPassword<'a> {
    text: &'a str,
    /// From 0 (guessed at once) to 4 (out of reach).
    pub strength: u8,
}

/// Why a password may not be used.
#[derive(Debug)]
pub enum PasswordProblem {
    Empty,
    TooShort,
    TooLong,
    TooWeak(Box<Entropy>),
    Policy(Violations),
}

/// Judges a password that somebody chooses, with the words of this account among the guesses.
///
/// # Errors
/// When a policy cannot be asked. What is wrong with the password is no error, but the answer.
pub fn choose<'a>(app: &App, username: &str, password: &'a str) -> Result<Result<NewPassword<'a>, PasswordProblem>> {
    let chosen = match judge(app, username, password) {
        Ok(chosen) => chosen,
        Err(problem) => return Ok(Err(problem)),
    };
    match permit::password(app, username, password, chosen.strength) {
        Ok(()) => Ok(Ok(chosen)),
        Err(Error::Refusal(Refusal::Policy(violations))) => Ok(Err(PasswordProblem::Policy(violations))),
        Err(error) => Err(error),
    }
}

/// By the rules of the code alone.
fn judge<'a>(app: &App, username: &str, password: &'a str) -> Result<NewPassword<'a>, PasswordProblem> {
    match password.len() {
        0 => return Err(PasswordProblem::Empty),
        length if length > MAX_PASSWORD_BYTES => return Err(PasswordProblem::TooLong),
        _ => {}
    }
    // Guessing strength is decided early in a text; judging a long one costs quadratic time (INV-08).
    let judged: String = password.chars().take(100).collect();
    let entropy = zxcvbn(&judged, &[username, app.server_name(), "matrix"]);
    let strength = u8::from(entropy.score());
    if strength < app.config.passwords.minimum_complexity {
        return Err(PasswordProblem::TooWeak(Box::new(entropy)));
    }
    match judged.chars().count() {
        length if length < MIN_PASSWORD_CHARS => Err(PasswordProblem::TooShort),
        _ => Ok(NewPassword { text: password, strength }),
    }
}

impl NewPassword<'_> {
    /// Hashes it.
    ///
    /// # Errors
    /// `Busy` when too many passwords are being hashed.
    pub async fn hash(self, app: &App) -> Result<PasswordHash> {
        app.passwords.hash(self.text).await
    }
}

/// Changes the password of whoever is signed in, or gives them one, on a proof for [`Act::ChangePassword`]. Other browsers
/// are signed out, and the apps as well if that is wanted; this browser gets a new cookie.
///
/// # Errors
/// `ProofNeeded`, `Busy`, `PasswordsDisabled`.
pub async fn change(
    app: &App,
    signed_in: &SignedIn,
    proof: &str,
    password: NewPassword<'_>,
    ends_apps: bool,
    caller: &Caller,
) -> Result<Secret> {
    if !app.config.passwords.enabled {
        return Err(Refusal::PasswordsDisabled.into());
    }
    let user = &signed_in.user.id;
    let hash = password.hash(app).await?;
    let mut tx = app.db.write().await?;
    // This takes hold of the user first: two changes at once would otherwise wait for each other's proofs.
    match ends_apps {
        true => session::end_all_in(app, &mut tx, user, EndReason::PasswordChanged).await.map(|_| ())?,
        false => session::end_browsers_in(app, &mut tx, user, EndReason::PasswordChanged).await?,
    }
    prove::consume(app, &mut tx, signed_in, Act::ChangePassword, None, proof).await?;
    replace_in(app, &mut tx, user, &hash).await?;
    let login = (signed_in.auth_time, signed_in.session.amr.as_ref());
    let (cookie, _) = browser::open_in(app, &mut tx, user, login, caller).await?;
    event::record(app, &mut tx, user, Event::PasswordChanged, caller).await?;
    tx.commit().await?;
    app.jobs.notify_one();
    tracing::info!(%user, "a password was changed");
    Ok(cookie)
}

/// Writes a new password down, and ends what was begun on the old one: proofs, and links that lead to a new one.
///
/// # Errors
/// When the store fails.
pub async fn replace_in(app: &App, tx: &mut Tx, user: &UserId, hash: &PasswordHash) -> Result<()> {
    let now = app.clock.now();
    store::user::set_password(tx, user, hash, now).await?;
    store::recovery::end_of(tx, user, now).await?;
    Ok(store::proof::delete_of(tx, user).await?)
}
