//! Signing in by password (INV-06, spec RTL-05): an unknown name costs what a known one costs, and what is wrong with
//! an account is told only to whoever knows its password (CMP-14).

use crate::{
    app::App,
    crypto::password::Comparand,
    domain::{
        email,
        refusal::Refusal,
        user::{MAX_PASSWORD_BYTES, User},
    },
    error::Result,
    flows::stand_in,
    store,
};

/// By what a person is named.
pub enum Identifier {
    /// What people type: `alice`, `@alice:server`, or an e-mail address where that is allowed.
    Typed(String),
    Email(String),
}

impl Identifier {
    fn text(&self) -> &str {
        match self {
            Identifier::Typed(text) | Identifier::Email(text) => text.trim(),
        }
    }
}

/// Gives the user of an identifier and a password.
///
/// # Errors
/// `WrongCredentials`; `UserLocked` and `UserDeactivated` only after the right password; `Busy`; `PasswordsDisabled`.
pub async fn by_password(app: &App, identifier: &Identifier, password: &str) -> Result<User> {
    if !app.config.passwords.enabled {
        return Err(Refusal::PasswordsDisabled.into());
    }
    // An oversized password is nobody's password, and hashing it would cost us in proportion.
    if password.len() > MAX_PASSWORD_BYTES || identifier.text().len() > 512 {
        return Err(Refusal::WrongCredentials.into());
    }
    let user = find_user(app, identifier).await?;
    let stored = match &user {
        Some(user) => store::user::find_password(&app.db, &user.id).await?,
        None => None,
    };
    let comparand = match &stored {
        Some(stored) => Comparand::Stored(stored.clone()),
        None => nothing(app, identifier).await?,
    };
    let verified = app.passwords.verify(password, comparand).await?;
    let Some(user) = user.filter(|_| verified.is_right) else {
        metrics::counter!("keymaker_logins_total", "result" => "wrong_credentials").increment(1);
        return Err(Refusal::WrongCredentials.into());
    };
    check_account(&user)?;
    if let (Some(old), Some(new)) = (stored, verified.upgrade) {
        let mut tx = app.db.write().await?;
        store::user::upgrade_password(&mut tx, &user.id, &old, &new, app.clock.now()).await?;
        tx.commit().await?;
    }
    metrics::counter!("keymaker_logins_total", "result" => "success").increment(1);
    Ok(user)
}

/// Tells whether an account may be signed in to. Ask only when the person has proved who they are.
///
/// # Errors
/// `UserDeactivated`, `UserLocked`.
pub fn check_account(user: &User) -> Result<(), Refusal> {
    match (user.deactivated_at, user.locked_at) {
        (Some(_), _) => Err(Refusal::UserDeactivated),
        (None, Some(_)) => Err(Refusal::UserLocked),
        (None, None) => Ok(()),
    }
}

/// An account of any spelling costs the same; so does one that is not there.
async fn nothing(app: &App, identifier: &Identifier) -> Result<Comparand> {
    let name = identifier.text().trim_start_matches('@').to_lowercase();
    let name = name.strip_suffix(&format!(":{}", app.server_name().to_lowercase())).unwrap_or(&name);
    let way = stand_in::draw(app, name).await?;
    let (version, head) = way.map_or_else(|| (0, String::new()), |way| (way.version, way.head));
    Ok(Comparand::Nothing { version, head })
}

async fn find_user(app: &App, identifier: &Identifier) -> Result<Option<User>> {
    let text = identifier.text();
    if text.chars().any(char::is_control) {
        return Ok(None);
    }
    if let Identifier::Email(address) = identifier {
        return find_by_email(app, address).await;
    }
    if let Some(mxid) = text.strip_prefix('@') {
        return Ok(match mxid.split_once(':') {
            // Server names are compared as people write them (CMP-10).
            Some((localpart, server)) if server.eq_ignore_ascii_case(app.server_name()) => {
                store::user::find_by_username(&app.db, localpart).await?
            }
            Some(_) => None,
            None => store::user::find_by_username(&app.db, mxid).await?,
        });
    }
    match text.contains('@') {
        true => find_by_email(app, text).await,
        false => Ok(store::user::find_by_username(&app.db, text).await?),
    }
}

async fn find_by_email(app: &App, address: &str) -> Result<Option<User>> {
    match email::canonical(address.trim()).filter(|_| app.config.account.login_with_email_allowed) {
        Some(address) => Ok(store::user::find_by_email(&app.db, &address).await?),
        None => Ok(None),
    }
}
