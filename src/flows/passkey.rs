//! Passkeys (Web Authentication Level 3; spec 17.1): registered by somebody who just proved who they are, and good for two
//! factors, because each verifies its user.
//!
//! A challenge lives in its page alone, sealed for one browser and one purpose; that it was answered is written down before
//! the answer is judged, so it is good once, whether the answer was right or wrong (WAN-02).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use webauthn_rs::{
    Webauthn, WebauthnBuilder,
    prelude::{
        Credential, DiscoverableAuthentication, DiscoverableKey, PasskeyRegistration, PublicKeyCredential,
        RegisterPublicKeyCredential, Uuid, WebauthnError,
    },
};
use webauthn_rs_proto::{AllowCredentials, ResidentKeyRequirement};

use crate::{
    app::App,
    clock::MINUTE,
    config::Config,
    crypto::secret::{Secret, sha256},
    domain::{
        act::Act,
        amr::Amr,
        event::Event,
        factor::FactorProblem,
        id::{PasskeyId, UserId},
        refusal::Refusal,
        user::User,
    },
    error::{Error, Result},
    flows::{Caller, browser::SignedIn, event, prove},
    store::{self, db::Tx, factor::Passkey},
};

/// How long a challenge may be answered (spec WAN-02).
const CHALLENGE_LIFE: i64 = 5 * MINUTE;
/// How many somebody may have.
const MOST_PASSKEYS: usize = 20;
const MOST_NAME_CHARS: usize = 64;
const MOST_ID_BYTES: usize = 1023;

/// Sets up the ceremonies for the host of the public base; nothing where browsers know no passkeys: an address in place of
/// a name.
pub fn relying_party(config: &Config) -> Option<Webauthn> {
    let origin = &config.http.public_base;
    let host = origin.domain()?;
    WebauthnBuilder::new(host, origin).ok()?.rp_name(host).build().ok()
}

/// What a page asks an authenticator.
pub struct Challenge {
    /// The argument of `navigator.credentials`, as JSON.
    pub options: String,
    /// What the answer has to come with.
    pub state: String,
}

#[derive(Serialize, Deserialize)]
struct Sealed<S> {
    expires_at: i64,
    state: S,
}

/// What an answer is for.
enum Purpose<'a> {
    Registration(&'a UserId),
    /// Whoever it is.
    Login,
    /// This person.
    Proof(&'a UserId),
}

impl Purpose<'_> {
    fn context(&self, browser: &Secret) -> String {
        let browser = hex::encode(browser.hash());
        match self {
            Self::Registration(user) => format!("passkey registration {browser} {user}"),
            Self::Login => format!("passkey login {browser}"),
            Self::Proof(user) => format!("passkey proof {browser} {user}"),
        }
    }
}

/// Asks for a new passkey.
///
/// # Errors
/// `PasskeysUnavailable`.
pub async fn ask_to_register(app: &App, browser: &Secret, user: &User) -> Result<Challenge> {
    let party = app.passkeys.as_ref().ok_or(FactorProblem::PasskeysUnavailable)?;
    let known = store::factor::list_passkeys(&app.db, &user.id).await?;
    let known = known.into_iter().map(|passkey| passkey.credential_id).collect();
    let name = user.mxid(app.server_name());
    let shown = user.display_name.as_deref().unwrap_or(&user.username);
    let (mut options, state): (_, PasskeyRegistration) =
        party.start_passkey_registration(handle(&user.id), &name, shown, Some(known)).map_err(trouble)?;
    // WAN-04: what is not kept in the authenticator is never offered by the browser's autofill.
    if let Some(selection) = &mut options.public_key.authenticator_selection {
        selection.resident_key = Some(ResidentKeyRequirement::Required);
        selection.require_resident_key = true;
    }
    seal(app, &Purpose::Registration(&user.id), browser, &options, state)
}

/// A new passkey as the browser gives it.
pub struct Answer<'a> {
    pub state: &'a str,
    /// The `PublicKeyCredential` as JSON.
    pub credential: &'a str,
}

/// Registers a passkey on a proof for [`Act::AddPasskey`].
///
/// # Errors
/// `ChallengeOver`, `PasskeyRefused`, `PasskeyKnown`, `ProofNeeded`, `TooManyPasskeys`.
pub async fn register(
    app: &App,
    browser: &Secret,
    signed_in: &SignedIn,
    proof: &str,
    answer: &Answer<'_>,
    name: &str,
    caller: &Caller,
) -> Result<()> {
    let party = app.passkeys.as_ref().ok_or(FactorProblem::PasskeysUnavailable)?;
    let user = &signed_in.user.id;
    let state: PasskeyRegistration = open(app, &Purpose::Registration(user), browser, answer.state).await?;
    let credential: RegisterPublicKeyCredential = read(answer.credential)?;
    check_frame(credential.response.client_data_json.as_ref())?;
    let credential = party.finish_passkey_registration(&credential, &state).map_err(|error| refuse(&error))?;
    // WAN-05
    if !(1..=MOST_ID_BYTES).contains(&credential.cred_id().len()) {
        return Err(FactorProblem::PasskeyRefused.into());
    }
    if store::factor::list_passkeys(&app.db, user).await?.len() >= MOST_PASSKEYS {
        return Err(FactorProblem::TooManyPasskeys.into());
    }
    let now = app.clock.now();
    let passkey = Passkey {
        id: app.new_passkey_id(),
        user_id: user.clone(),
        credential_id: credential.cred_id().to_vec(),
        name: passkey_name(name),
        credential: write(&credential)?,
        created_at: now,
        last_used_at: None,
    };
    let mut tx = app.db.write().await?;
    prove::consume(app, &mut tx, signed_in, Act::AddPasskey, None, proof).await?;
    store::factor::insert_passkey(&mut tx, &passkey).await.map_err(known)?;
    event::record(app, &mut tx, user, Event::PasskeyAdded { name: passkey.name }, caller).await?;
    Ok(tx.commit().await?)
}

/// Gives the name that somebody chose, or one that tells it from the others.
fn passkey_name(name: &str) -> String {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(MOST_NAME_CHARS).collect();
    let name = name.trim();
    if name.is_empty() { "Passkey".to_owned() } else { name.to_owned() }
}

fn known(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => FactorProblem::PasskeyKnown.into(),
        _ => error.into(),
    }
}

/// Asks whoever is there for a passkey, without a word about which accounts there are (WAN-07).
///
/// # Errors
/// `PasskeysUnavailable`.
pub fn ask_anybody(app: &App, browser: &Secret) -> Result<Challenge> {
    let party = app.passkeys.as_ref().ok_or(FactorProblem::PasskeysUnavailable)?;
    let (options, state) = party.start_discoverable_authentication().map_err(trouble)?;
    seal(app, &Purpose::Login, browser, &options, state)
}

/// Asks one person for a passkey of theirs.
///
/// # Errors
/// `PasskeysUnavailable`.
pub async fn ask(app: &App, browser: &Secret, user: &UserId) -> Result<Challenge> {
    let party = app.passkeys.as_ref().ok_or(FactorProblem::PasskeysUnavailable)?;
    let (mut options, state) = party.start_discoverable_authentication().map_err(trouble)?;
    options.mediation = None;
    options.public_key.allow_credentials = store::factor::list_passkeys(&app.db, user)
        .await?
        .into_iter()
        .map(|passkey| AllowCredentials { type_: "public-key".to_owned(), id: passkey.credential_id, transports: None })
        .collect();
    seal(app, &Purpose::Proof(user), browser, &options, state)
}

/// Somebody whose passkey answered.
pub struct Shown {
    pub user: UserId,
    pub amr: Amr,
    /// When the answer came.
    pub at: i64,
}

/// Judges an answer to [`ask_anybody`].
///
/// # Errors
/// `ChallengeOver`, `PasskeyRefused`, `PasskeyCopied`.
pub async fn show_anybody(app: &App, browser: &Secret, answer: &Answer<'_>, caller: &Caller) -> Result<Shown> {
    show(app, browser, &Purpose::Login, answer, caller).await
}

/// Judges an answer to [`ask`].
///
/// # Errors
/// `ChallengeOver`, `PasskeyRefused` also for somebody else's passkey, `PasskeyCopied`.
pub async fn show_own(
    app: &App,
    browser: &Secret,
    user: &UserId,
    answer: &Answer<'_>,
    caller: &Caller,
) -> Result<Shown> {
    let shown = show(app, browser, &Purpose::Proof(user), answer, caller).await?;
    if shown.user == *user { Ok(shown) } else { Err(FactorProblem::PasskeyRefused.into()) }
}

/// The part of what the browser says that the library does not look at.
#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "crossOrigin", default)]
    is_cross_origin: bool,
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
}

/// WAN-05: our pages stand in no frame, so no answer comes out of one.
fn check_frame(client_data: &[u8]) -> Result<()> {
    match serde_json::from_slice(client_data) {
        Ok(ClientData { is_cross_origin: false, top_origin: None }) => Ok(()),
        _ => Err(FactorProblem::PasskeyRefused.into()),
    }
}

/// WAN-09 and WAN-10, which the library checks; whose passkey it is, is ours to say.
async fn show(
    app: &App,
    browser: &Secret,
    purpose: &Purpose<'_>,
    answer: &Answer<'_>,
    caller: &Caller,
) -> Result<Shown> {
    let party = app.passkeys.as_ref().ok_or(FactorProblem::PasskeysUnavailable)?;
    let at = app.clock.now();
    let state: DiscoverableAuthentication = open(app, purpose, browser, answer.state).await?;
    let credential: PublicKeyCredential = read(answer.credential)?;
    check_frame(credential.response.client_data_json.as_ref())?;
    let (claimed, credential_id) =
        party.identify_discoverable_authentication(&credential).map_err(|error| refuse(&error))?;
    let found = store::factor::find_passkey(&app.db, credential_id).await?;
    let Some(passkey) = found.filter(|passkey| handle(&passkey.user_id) == claimed) else {
        return Err(FactorProblem::PasskeyRefused.into());
    };
    let mut known: webauthn_rs::prelude::Passkey = read(&passkey.credential)?;
    let result = match party.finish_discoverable_authentication_v2(&credential, state, DiscoverableKey::from(&known)) {
        Ok(result) => result,
        Err(WebauthnError::CredentialPossibleCompromise) => {
            tracing::warn!(user = %passkey.user_id, passkey = %passkey.id, "a passkey counts backwards: it may be a copy");
            note_copy(app, passkey, caller).await?;
            return Err(FactorProblem::PasskeyCopied.into());
        }
        Err(error) => return Err(refuse(&error)),
    };
    if !result.user_verified() {
        return Err(FactorProblem::PasskeyRefused.into());
    }
    known.update_credential(&result);
    let mut tx = app.db.write().await?;
    if !store::factor::use_passkey(&mut tx, &passkey, &write(&known)?, at).await? {
        return Err(FactorProblem::PasskeyRefused.into());
    }
    tx.commit().await?;
    let is_synced = Credential::from(known).backup_eligible;
    Ok(Shown { user: passkey.user_id, amr: Amr::passkey(is_synced), at })
}

/// DEC-17: the person is told, also by mail.
async fn note_copy(app: &App, passkey: Passkey, caller: &Caller) -> Result<()> {
    let mut tx = app.db.write().await?;
    let happened = Event::PasskeyCounterRegressed { name: passkey.name };
    event::record(app, &mut tx, &passkey.user_id, happened, caller).await?;
    Ok(tx.commit().await?)
}

/// Tells whether a passkey can be on other devices too.
pub fn is_synced(passkey: &Passkey) -> bool {
    read(&passkey.credential).is_ok_and(|known: webauthn_rs::prelude::Passkey| Credential::from(known).backup_eligible)
}

/// Renames a passkey.
///
/// # Errors
/// `NotFound`.
pub async fn rename(app: &App, user: &UserId, id: &PasskeyId, name: &str) -> Result<()> {
    let mut tx = app.db.write().await?;
    if !store::factor::rename_passkey(&mut tx, user, id, &passkey_name(name)).await? {
        return Err(Refusal::NotFound.into());
    }
    Ok(tx.commit().await?)
}

/// What authenticators know an account by: it says nothing of the person (WAN-03).
fn handle(user: &UserId) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha256(format!("passkey handle {user}").as_bytes())[..16]);
    Uuid::from_bytes(bytes)
}

fn seal(
    app: &App,
    purpose: &Purpose<'_>,
    browser: &Secret,
    options: &impl Serialize,
    state: impl Serialize,
) -> Result<Challenge> {
    let sealed = Sealed { expires_at: app.clock.now() + CHALLENGE_LIFE, state };
    let sealed = app.sealer.seal(&purpose.context(browser), write(&sealed)?.as_bytes());
    let sealed = sealed.ok_or(Error::Internal("a challenge cannot be sealed"))?;
    Ok(Challenge { options: write(options)?, state: URL_SAFE_NO_PAD.encode(sealed) })
}

/// Opens a challenge, once.
async fn open<S: DeserializeOwned>(app: &App, purpose: &Purpose<'_>, browser: &Secret, state: &str) -> Result<S> {
    let over = || Error::from(FactorProblem::ChallengeOver);
    let sealed = URL_SAFE_NO_PAD.decode(state).map_err(|_| over())?;
    let text = app.sealer.open(&purpose.context(browser), &sealed).ok_or_else(over)?;
    let opened: Sealed<S> = serde_json::from_slice(&text).map_err(|_| over())?;
    if opened.expires_at <= app.clock.now() {
        return Err(over());
    }
    let mut tx: Tx = app.db.write().await?;
    if !store::factor::answer_challenge(&mut tx, &sha256(&sealed), opened.expires_at).await? {
        return Err(over());
    }
    tx.commit().await?;
    Ok(opened.state)
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T> {
    serde_json::from_str(json).map_err(|_| FactorProblem::PasskeyRefused.into())
}

fn write(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::Internal("a passkey cannot be written"))
}

/// WAN-12: the person is told little, the log what was wrong.
fn refuse(error: &WebauthnError) -> Error {
    tracing::info!(%error, "a passkey was refused");
    FactorProblem::PasskeyRefused.into()
}

fn trouble(error: WebauthnError) -> Error {
    tracing::error!(%error, "a challenge cannot be made");
    Error::Internal("a challenge cannot be made")
}
