//! Signing in by password (INV-06, spec RTL-05): an unknown name costs what a known one costs, and what is wrong with
//! an account is told only to whoever knows its password (CMP-14).

use crate::{
    app::App,
    crypto::{
        password::{Comparand, PasswordHash},
        secret::Secret,
    },
    domain::{
        email,
        id::UserId,
        refusal::Refusal,
        user::{MAX_PASSWORD_BYTES, User},
    },
    error::Result,
    flows::{
        Caller,
        limit::{self, Held, Limiter},
        stand_in,
    },
    store,
};

/// By what a request names a person.
pub enum Identifier {
    /// What people type: `alice`, `@alice:server`, or an e-mail address where that is allowed.
    Typed(String),
    Email(String),
}

/// Whom an identifier can mean.
enum Sought {
    Username(String),
    /// In its canonical form.
    Email(String),
    /// No account has such a name.
    Nobody(String),
}

/// Gives the user of an identifier and a password. Older clients have no `browser`.
///
/// # Errors
/// `WrongCredentials`; `TooManyRequests`, for every name alike; `UserLocked`, `UserDeactivated` and `AwaitingApproval` only
/// after the right password; `Busy`; `PasswordsDisabled`.
pub async fn by_password(
    app: &App,
    identifier: &Identifier,
    password: &str,
    browser: Option<&Secret>,
    caller: &Caller,
) -> Result<User> {
    if !app.config.passwords.enabled {
        return Err(Refusal::PasswordsDisabled.into());
    }
    // An oversized password is nobody's password, and hashing it would cost us in proportion.
    if password.len() > MAX_PASSWORD_BYTES || identifier.len() > 512 {
        return Err(Refusal::WrongCredentials.into());
    }
    let sought = seek(app, identifier);
    // Before the look-ups: in a rush the excess would crowd the database that introspection reads too.
    let place = app.passwords.take_place()?;
    let user = find_user(app, &sought).await?;
    let held = hold_try(app, &sought, user.as_ref(), browser, caller).await?;
    // Nobody's password is looked up too: that takes as long as anybody's.
    let nobody = UserId::new("");
    let stored = store::user::find_password(&app.db, user.as_ref().map_or(&nobody, |user| &user.id)).await?;
    let comparand = match &stored {
        Some(stored) => Comparand::Stored(stored.clone()),
        None => stand_in::draw(app, &sought.lot()),
    };
    let verified = app.passwords.verify(place, password, comparand).await?;
    let Some(user) = user.filter(|_| verified.is_right) else {
        metrics::counter!("keymaker_logins_total", "result" => "wrong_credentials").increment(1);
        return Err(Refusal::WrongCredentials.into());
    };
    held.give_back(app).await?;
    check_account(&user)?;
    limit::take(app, Limiter::LoginByAccount, user.id.as_str()).await?;
    if let (Some(old), Some(new)) = (stored, verified.upgrade) {
        upgrade(app, &user.id, &old, &new).await?;
    }
    metrics::counter!("keymaker_logins_total", "result" => "success").increment(1);
    Ok(user)
}

/// A try counts before it is judged, or many at once would be judged for one. The key is the name that was typed, whosever it
/// is (RTL-05).
async fn hold_try(
    app: &App,
    sought: &Sought,
    user: Option<&User>,
    browser: Option<&Secret>,
    caller: &Caller,
) -> Result<Held> {
    let browser = browser.map(Secret::hash);
    let account = limit::on_account(app, &sought.lot(), user.map(|user| &user.id), browser.as_deref()).await?;
    let address = limit::address(caller);
    limit::hold(app, &[(Limiter::PasswordByAddress, &address), (Limiter::PasswordByAccount, &account)]).await
}

/// Checks the password of somebody who is signed in.
///
/// # Errors
/// `WrongCredentials` also where there is none; `TooManyRequests`; `Busy`; `PasswordsDisabled`.
pub async fn by_password_of(app: &App, user: &User, password: &str, browser: &Secret, caller: &Caller) -> Result<()> {
    if !app.config.passwords.enabled {
        return Err(Refusal::PasswordsDisabled.into());
    }
    if password.len() > MAX_PASSWORD_BYTES {
        return Err(Refusal::WrongCredentials.into());
    }
    let place = app.passwords.take_place()?;
    let held = hold_try(app, &Sought::Username(user.username.clone()), Some(user), Some(browser), caller).await?;
    let stored = store::user::find_password(&app.db, &user.id).await?.ok_or(Refusal::WrongCredentials)?;
    let verified = app.passwords.verify(place, password, Comparand::Stored(stored.clone())).await?;
    if !verified.is_right {
        return Err(Refusal::WrongCredentials.into());
    }
    held.give_back(app).await?;
    match verified.upgrade {
        Some(new) => upgrade(app, &user.id, &stored, &new).await,
        None => Ok(()),
    }
}

async fn upgrade(app: &App, user: &UserId, old: &PasswordHash, new: &PasswordHash) -> Result<()> {
    let mut tx = app.db.write().await?;
    store::user::upgrade_password(&mut tx, user, old, new, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Tells whether an account may be signed in to. Ask only when the person has proved who they are.
///
/// # Errors
/// `UserDeactivated`, `UserLocked`, `AwaitingApproval`.
pub fn check_account(user: &User) -> Result<(), Refusal> {
    match (user.deactivated_at, user.locked_at, user.approval_required_at) {
        (Some(_), ..) => Err(Refusal::UserDeactivated),
        (None, Some(_), _) => Err(Refusal::UserLocked),
        (None, None, Some(_)) => Err(Refusal::AwaitingApproval),
        (None, None, None) => Ok(()),
    }
}

impl Identifier {
    fn len(&self) -> usize {
        match self {
            Identifier::Typed(text) | Identifier::Email(text) => text.len(),
        }
    }
}

impl Sought {
    /// Gives what decides how long the refusal takes when there is no password: one text for every spelling that would
    /// find the same account, and never that of another account.
    fn lot(&self) -> String {
        match self {
            Sought::Username(name) => format!("username {}", name.to_lowercase()),
            Sought::Email(address) => format!("email {address}"),
            Sought::Nobody(text) => format!("nobody {text}"),
        }
    }
}

/// Gives one text for every spelling of a name that would find the same account, whether or not there is one (RTL-05).
pub fn lot(app: &App, identifier: &Identifier) -> String {
    seek(app, identifier).lot()
}

fn seek(app: &App, identifier: &Identifier) -> Sought {
    let text = match identifier {
        Identifier::Typed(text) | Identifier::Email(text) => text.trim(),
    };
    let nobody = || Sought::Nobody(text.to_owned());
    if text.chars().any(char::is_control) {
        return nobody();
    }
    let is_mxid = matches!(identifier, Identifier::Typed(_)) && text.starts_with('@');
    let is_email = !is_mxid && (matches!(identifier, Identifier::Email(_)) || text.contains('@'));
    if is_email {
        let address = email::canonical(text).filter(|_| app.config.account.login_with_email_allowed);
        return address.map_or_else(nobody, Sought::Email);
    }
    let localpart = match text.strip_prefix('@').map(|mxid| mxid.split_once(':').unwrap_or((mxid, app.server_name()))) {
        // Server names are compared as people write them (CMP-10).
        Some((localpart, server)) if server.eq_ignore_ascii_case(app.server_name()) => localpart,
        Some(_) => return nobody(),
        None => text,
    };
    Sought::Username(localpart.to_owned())
}

async fn find_user(app: &App, sought: &Sought) -> Result<Option<User>> {
    Ok(match sought {
        Sought::Username(name) => store::user::find_by_username(&app.db, name).await?,
        Sought::Email(address) => store::user::find_by_email(&app.db, address).await?,
        // It takes as long as for somebody.
        Sought::Nobody(_) => store::user::find_by_username(&app.db, "").await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_one_account_draws_one_lot_and_no_other_accounts() {
        // INV-06, RTL-05
        let lot = |sought: Sought| sought.lot();
        let username = |name: &str| lot(Sought::Username(name.to_owned()));
        assert_eq!(username("Alice"), username("alice"));
        assert_ne!(username("@alice"), username("alice"));
        assert_ne!(username("alice"), lot(Sought::Nobody("alice".to_owned())));
        assert_ne!(username("a@b"), lot(Sought::Email("a@b".to_owned())));
    }
}
