//! Importing accounts from another server, whichever it is: its reader gives rows in the order of their keys, and what is
//! new, changed or gone since the last import is written in one transaction. Killed at any point, nothing has happened.
//!
//! What people did here meanwhile stays, for only what changed at the source is applied; where both changed the same thing,
//! the source counts. Ids follow from the keys, so whoever imports the same rows makes the same accounts.

mod ledger;
mod loader;

use std::collections::BTreeMap;

use ulid::Ulid;

use crate::{
    crypto::secret::{Secret, sha256},
    domain::{
        id::{SessionId, TokenId, UserId},
        scope::{MATRIX_API, SYNAPSE_ADMIN},
        session::SessionKind,
    },
    error::{Error, Result},
    flows::{homeserver::Job, refresh},
    store::{
        self,
        bulk::{Bulk, Dropped, Table},
        db::{Arg, Db},
        import::{
            CHANGED, Difference, EMAILS, GONE, JOBS, LEDGER, LINKS, NEW, PASSWORDS, PHONES, SESSION_CHANGES, SESSIONS,
            TOKENS, USER_CHANGES, USERS,
        },
    },
};

use ledger::{Fingerprint, Ledger, Met};
use loader::Loader;

/// Whose something is: what their id follows from, and what they may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The localpart, exactly as it is.
    pub username: &'a str,
    /// Unix milliseconds.
    pub created_at: i64,
    pub is_admin: bool,
    pub is_locked: bool,
}

impl Owner<'_> {
    /// Gives the id of the account.
    pub fn id(&self) -> UserId {
        UserId::new(id(self.created_at, &["user", self.username]))
    }

    fn session(&self, device_id: &str) -> SessionId {
        SessionId::new(session_id(self.username, device_id))
    }

    /// The source sorts whole Matrix IDs, and they have a colon behind the localpart.
    fn key(&self) -> String {
        format!("{}:", self.username)
    }
}

/// An account.
pub struct User<'a> {
    pub owner: Owner<'a>,
    pub is_guest: bool,
    pub is_deactivated: bool,
    /// The scheme and the hash.
    pub password: Option<(i64, &'a str)>,
}

/// A way to reach somebody, or an account of theirs elsewhere.
pub enum Contact<'a> {
    /// In its canonical form.
    Email(&'a str),
    Phone(&'a str),
    Link {
        provider: &'a str,
        subject: &'a str,
    },
}

/// A device, and with it a session.
pub struct Device<'a> {
    pub owner: Owner<'a>,
    pub device_id: &'a str,
    pub name: Option<String>,
    pub user_agent: Option<String>,
    pub ip: Option<String>,
    pub created_at: i64,
    pub last_active_at: i64,
    pub expires_at: Option<i64>,
    /// Whether the homeserver has lost it: it is made again.
    pub is_lost: bool,
}

/// An access token.
pub struct AccessToken<'a> {
    /// The source's own number for it.
    pub id: i64,
    pub owner: Owner<'a>,
    /// One without a device has a session of its own.
    pub device_id: Option<&'a str>,
    pub secret: Secret,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub is_used: bool,
}

/// A refresh token.
pub struct RefreshToken<'a> {
    pub id: i64,
    pub owner: Owner<'a>,
    pub device_id: &'a str,
    pub secret: Secret,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    /// What it was exchanged for, if it was.
    pub exchanged: Option<Exchanged>,
}

/// A pair that a refresh token was exchanged for.
pub struct Exchanged {
    pub at: i64,
    pub refresh_id: i64,
    /// Absent when its access token is no more: then nobody can be given the pair again.
    pub pair: Option<(i64, Secret, Secret)>,
}

/// What is counted of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    User,
    Password,
    Email,
    Phone,
    Link,
    Device,
    AccessToken,
    RefreshToken,
}

/// What became of a row since the last import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    Added,
    Changed,
    Removed,
}

/// Takes what the reader of a source gives, each kind in the order of its keys.
#[allow(async_fn_in_trait, reason = "nobody takes one to another thread")]
pub trait Receiver {
    async fn user(&mut self, user: User<'_>) -> Result<()>;
    /// `key` is what orders the contacts of a kind, and behind that what this one is known by here.
    async fn contact(&mut self, key: &[&str], owner: Owner<'_>, contact: Contact<'_>, added_at: i64) -> Result<()>;
    async fn device(&mut self, device: Device<'_>) -> Result<()>;
    async fn access_token(&mut self, token: AccessToken<'_>) -> Result<()>;
    async fn refresh_token(&mut self, token: RefreshToken<'_>) -> Result<()>;
}

/// One that only lets the reader count.
pub struct Nobody;

impl Receiver for Nobody {
    async fn user(&mut self, _: User<'_>) -> Result<()> {
        Ok(())
    }

    async fn contact(&mut self, _: &[&str], _: Owner<'_>, _: Contact<'_>, _: i64) -> Result<()> {
        Ok(())
    }

    async fn device(&mut self, _: Device<'_>) -> Result<()> {
        Ok(())
    }

    async fn access_token(&mut self, _: AccessToken<'_>) -> Result<()> {
        Ok(())
    }

    async fn refresh_token(&mut self, _: RefreshToken<'_>) -> Result<()> {
        Ok(())
    }
}

/// Writes what it is given.
pub struct Importer {
    loader: Loader,
    now: i64,
    generation: i64,
    mode: Mode,
    /// Before the names of the tables that new rows go into.
    prefix: &'static str,
    ledgers: Ledgers,
    changes: Changes,
}

/// How many rows are different from what the last import saw.
pub type Changes = BTreeMap<(Kind, Change), u64>;

/// What was made here, and by no import.
pub struct Own {
    pub usernames: Vec<String>,
    /// In their canonical form.
    pub emails: Vec<String>,
}

/// Where rows go.
enum Mode {
    /// Into the tables while they have no indexes: these come back afterwards.
    First(Dropped),
    /// Beside the tables, to be applied at the end.
    Again,
    /// Beside the tables, to be compared with them.
    Comparison,
}

struct Ledgers {
    users: Ledger,
    emails: Ledger,
    phones: Ledger,
    links: Ledger,
    devices: Ledger,
    lost_devices: Ledger,
    access_tokens: Ledger,
    refresh_tokens: Ledger,
}

impl Importer {
    /// Begins an import of this moment (Unix milliseconds), and tells what is here that no import brought. Nothing when
    /// another import runs, or somebody writes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin(db: &Db, uri: &str, now: i64) -> Result<Option<(Self, Own)>> {
        let Some(mut bulk) = Bulk::begin(uri).await? else { return Ok(None) };
        let earlier = store::import::find_generation(db).await?;
        let own = Own::find(&mut bulk).await?;
        let mode = match earlier {
            None => Mode::First(store::import::begin_first(&mut bulk).await?),
            Some(_) => {
                store::import::create_temporary(&mut bulk).await?;
                Mode::Again
            }
        };
        let prefix = if earlier.is_none() && !bulk.is_sorting() { "" } else { NEW };
        let importer = Self {
            loader: Loader::begin(bulk),
            now,
            generation: earlier.unwrap_or_default() + 1,
            mode,
            prefix,
            ledgers: Ledgers::open(db, earlier).await?,
            changes: Changes::new(),
        };
        Ok(Some((importer, own)))
    }

    /// Tells whether an import was ever brought into force.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn has_run(db: &Db) -> Result<bool> {
        Ok(store::import::find_generation(db).await?.is_some())
    }

    /// Begins to compare what an import of this moment would bring with what is here. It only reads.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_comparison(db: &Db, uri: &str, now: i64) -> Result<(Self, Own)> {
        let mut bulk = Bulk::begin_reading(uri).await?;
        store::import::create_temporary(&mut bulk).await?;
        let own = Own::find(&mut bulk).await?;
        let importer = Self {
            loader: Loader::begin(bulk),
            now,
            generation: 0,
            mode: Mode::Comparison,
            prefix: NEW,
            ledgers: Ledgers::open(db, None).await?,
            changes: Changes::new(),
        };
        Ok((importer, own))
    }

    /// Tells whether nothing was imported before.
    pub fn is_first(&self) -> bool {
        matches!(self.mode, Mode::First(_))
    }

    /// Brings everything into force, and tells of the steps that take long: how many of how many are done.
    ///
    /// # Errors
    /// When the store fails: then nothing has happened.
    pub async fn commit(mut self, told: impl FnMut(u64, u64)) -> Result<Changes> {
        self.finish_ledgers().await?;
        let mut bulk = self.loader.finish().await?;
        match self.mode {
            Mode::First(dropped) => {
                store::import::finish_first(&mut bulk, dropped, told).await?;
            }
            Mode::Again => store::import::apply_temporary(&mut bulk, self.now).await?,
            Mode::Comparison => return Err(Error::Internal("a comparison writes nothing")),
        }
        store::import::delete_ledgers_before(&mut bulk, self.generation).await?;
        bulk.commit().await?;
        Ok(self.changes)
    }

    /// Leaves everything as it was, and tells what would have changed.
    ///
    /// # Errors
    /// When the store fails; nothing has happened then either.
    pub async fn roll_back(mut self) -> Result<Changes> {
        self.finish_ledgers().await?;
        self.loader.finish().await?.roll_back().await?;
        Ok(self.changes)
    }

    /// Tells what is different here from what was given, and how many rows were compared.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn compare(self) -> Result<(u64, Vec<Difference>)> {
        let mut bulk = self.loader.finish().await?;
        let found = store::import::compare(&mut bulk, self.now).await?;
        bulk.roll_back().await?;
        Ok(found)
    }

    async fn add<const N: usize>(&mut self, table: &'static Table, row: [Arg; N]) -> Result<()> {
        self.loader.add(table, self.prefix, row).await
    }

    async fn change<const N: usize>(&mut self, table: &'static Table, row: [Arg; N]) -> Result<()> {
        self.loader.add(table, CHANGED, row).await
    }

    async fn put<const N: usize>(&mut self, met: Met, table: &'static Table, row: [Arg; N]) -> Result<()> {
        match met {
            Met::Same => Ok(()),
            Met::New => self.add(table, row).await,
            Met::Changed(_) => self.change(table, row).await,
        }
    }

    fn count(&mut self, kind: Kind, change: Change) {
        *self.changes.entry((kind, change)).or_default() += 1;
    }

    /// Compares a row with the last time, once what went before it and is gone was put down.
    async fn meet(&mut self, which: Which, key: &[u8], fingerprint: Fingerprint) -> Result<Met> {
        while let Some(gone) = self.ledgers.of(which).gone_before(Some(key)).await? {
            self.remove(which, &gone.key, gone.fingerprint).await?;
        }
        let met = self.ledgers.of(which).meet(key, fingerprint).await?;
        self.note(which, key, fingerprint).await?;
        match (met, which.kind()) {
            (Met::New, Some(kind)) => self.count(kind, Change::Added),
            (Met::Changed(_), Some(kind)) => self.count(kind, Change::Changed),
            _ => {}
        }
        Ok(met)
    }

    async fn note(&mut self, which: Which, key: &[u8], fingerprint: Fingerprint) -> Result<()> {
        match self.ledgers.of(which).note(key, fingerprint) {
            Some((position, entries)) => self.keep(which, position, entries).await,
            None => Ok(()),
        }
    }

    async fn keep(&mut self, which: Which, position: i64, entries: Vec<u8>) -> Result<()> {
        let kind = self.ledgers.of(which).kind;
        if matches!(self.mode, Mode::Comparison) {
            return Ok(());
        }
        self.loader.add(&LEDGER, "", [self.generation.into(), kind.into(), position.into(), entries.into()]).await
    }

    async fn finish_ledgers(&mut self) -> Result<()> {
        for which in Which::ALL {
            while let Some(gone) = self.ledgers.of(which).gone_before(None).await? {
                self.remove(which, &gone.key, gone.fingerprint).await?;
            }
            if let Some((position, entries)) = self.ledgers.of(which).take() {
                self.keep(which, position, entries).await?;
            }
        }
        Ok(())
    }

    /// Puts down that a row is no longer at the source.
    async fn remove(&mut self, which: Which, key: &[u8], before: Fingerprint) -> Result<()> {
        let text = String::from_utf8_lossy(key);
        let parts: Vec<&str> = text.split('\0').collect();
        let (table, id) = match (which, &*parts) {
            // The name stays taken, and whoever had it may come back.
            (Which::Users, _) => return self.note(which, key, before).await,
            (Which::Emails, [.., address]) => (&EMAILS, contact_id(&Contact::Email(address))),
            (Which::Phones, [.., number]) => (&PHONES, contact_id(&Contact::Phone(number))),
            (Which::Links, [.., subject, provider]) => (&LINKS, contact_id(&Contact::Link { provider, subject })),
            (Which::Devices | Which::LostDevices, [user, device_id]) => {
                (&SESSIONS, session_id(user.trim_end_matches(':'), device_id))
            }
            (Which::AccessTokens, _) => {
                let number = number_of(key);
                // One without a device had a session of its own.
                self.loader.add(&GONE, "", [SESSIONS.name.into(), own_session(number).as_str().into()]).await?;
                (&TOKENS, access_token_id(number).to_string())
            }
            (Which::RefreshTokens, _) => (&TOKENS, refresh_token_id(number_of(key)).to_string()),
            (Which::Links | Which::Devices | Which::LostDevices | Which::Emails | Which::Phones, _) => {
                return Err(Error::Internal("the ledger of the last import cannot be read"));
            }
        };
        if let Some(kind) = which.kind() {
            self.count(kind, Change::Removed);
        }
        self.loader.add(&GONE, "", [table.name.into(), id.into()]).await
    }
}

/// The kinds of rows that are remembered, each in its own order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Users,
    Emails,
    Phones,
    Links,
    Devices,
    LostDevices,
    AccessTokens,
    RefreshTokens,
}

impl Which {
    const ALL: [Self; 8] = [
        Self::Users,
        Self::Emails,
        Self::Phones,
        Self::Links,
        Self::Devices,
        Self::LostDevices,
        Self::AccessTokens,
        Self::RefreshTokens,
    ];

    /// Gives what changes of it are counted as. Users and their passwords are counted by hand.
    fn kind(self) -> Option<Kind> {
        match self {
            Self::Users => None,
            Self::Emails => Some(Kind::Email),
            Self::Phones => Some(Kind::Phone),
            Self::Links => Some(Kind::Link),
            Self::Devices | Self::LostDevices => Some(Kind::Device),
            Self::AccessTokens => Some(Kind::AccessToken),
            Self::RefreshTokens => Some(Kind::RefreshToken),
        }
    }
}

impl Own {
    /// It reads whole tables, and only the connection that loads does so without keeping them in memory.
    async fn find(bulk: &mut Bulk) -> Result<Self> {
        Ok(Self {
            usernames: store::import::list_own_usernames(bulk).await?,
            emails: store::import::list_own_emails(bulk).await?,
        })
    }
}

impl Ledgers {
    async fn open(db: &Db, earlier: Option<i64>) -> Result<Self> {
        let ledger = |kind| Ledger::open(kind, db, earlier);
        Ok(Self {
            users: ledger("users").await?,
            emails: ledger("emails").await?,
            phones: ledger("phones").await?,
            links: ledger("links").await?,
            devices: ledger("devices").await?,
            lost_devices: ledger("lost_devices").await?,
            access_tokens: ledger("access_tokens").await?,
            refresh_tokens: ledger("refresh_tokens").await?,
        })
    }

    fn of(&mut self, which: Which) -> &mut Ledger {
        match which {
            Which::Users => &mut self.users,
            Which::Emails => &mut self.emails,
            Which::Phones => &mut self.phones,
            Which::Links => &mut self.links,
            Which::Devices => &mut self.devices,
            Which::LostDevices => &mut self.lost_devices,
            Which::AccessTokens => &mut self.access_tokens,
            Which::RefreshTokens => &mut self.refresh_tokens,
        }
    }
}

impl Receiver for Importer {
    async fn user(&mut self, user: User<'_>) -> Result<()> {
        let marks = Marks::of(&user);
        let id = user.owner.id();
        let met = self.meet(Which::Users, user.owner.key().as_bytes(), marks.to_fingerprint()).await?;
        let before = match met {
            Met::Same => return Ok(()),
            Met::New => {
                self.count(Kind::User, Change::Added);
                self.add(&USERS, user_row(&user, self.now)).await?;
                Marks::default()
            }
            Met::Changed(before) => {
                let before = Marks::from_fingerprint(before);
                if before.flags != marks.flags {
                    self.count(Kind::User, Change::Changed);
                    let flag = |bit: u8| (before.flags & bit != marks.flags & bit).then_some(marks.flags & bit != 0);
                    let row = [
                        (&id).into(),
                        flag(Marks::ADMIN).into(),
                        flag(Marks::GUEST).into(),
                        flag(Marks::LOCKED).into(),
                        flag(Marks::DEACTIVATED).into(),
                    ];
                    self.loader.add(&USER_CHANGES, "", row).await?;
                }
                before
            }
        };
        if before.password == marks.password {
            return Ok(());
        }
        match user.password {
            Some((version, hash)) => {
                let row = [(&id).into(), version.into(), hash.into(), self.now.into()];
                if before.password == Marks::default().password {
                    self.count(Kind::Password, Change::Added);
                    self.add(&PASSWORDS, row).await
                } else {
                    self.count(Kind::Password, Change::Changed);
                    self.change(&PASSWORDS, row).await
                }
            }
            None => {
                self.count(Kind::Password, Change::Removed);
                self.loader.add(&GONE, "", [PASSWORDS.name.into(), (&id).into()]).await
            }
        }
    }

    async fn contact(&mut self, key: &[&str], owner: Owner<'_>, contact: Contact<'_>, added_at: i64) -> Result<()> {
        let (which, table) = match contact {
            Contact::Email(_) => (Which::Emails, &EMAILS),
            Contact::Phone(_) => (Which::Phones, &PHONES),
            Contact::Link { .. } => (Which::Links, &LINKS),
        };
        let user = owner.id();
        let mark = fingerprint(&[user.as_str().as_bytes(), &added_at.to_be_bytes()]);
        let met = self.meet(which, key.join("\0").as_bytes(), mark).await?;
        let id = Arg::from(contact_id(&contact));
        match contact {
            // Somebody proved to the source that it is theirs.
            Contact::Email(email) => {
                let now = self.now.into();
                let row = [id, (&user).into(), email.into(), added_at.into(), added_at.into(), now];
                self.put(met, table, row).await
            }
            Contact::Phone(number) => self.put(met, table, [id, (&user).into(), number.into(), added_at.into()]).await,
            Contact::Link { provider, subject } => {
                let row = [id, provider.into(), subject.into(), (&user).into(), added_at.into()];
                self.put(met, table, row).await
            }
        }
    }

    async fn device(&mut self, device: Device<'_>) -> Result<()> {
        let which = if device.is_lost { Which::LostDevices } else { Which::Devices };
        let key = [&device.owner.key(), device.device_id].join("\0");
        let session = device.owner.session(device.device_id);
        let scope = scope(device.owner);
        let mark = fingerprint(&[
            scope.as_bytes(),
            bytes(&device.name),
            bytes(&device.user_agent),
            bytes(&device.ip),
            &device.last_active_at.to_be_bytes(),
            &device.expires_at.unwrap_or_default().to_be_bytes(),
        ]);
        match self.meet(which, key.as_bytes(), mark).await? {
            Met::Same => return Ok(()),
            Met::New => self.add(&SESSIONS, session_row(&session, &device)).await?,
            Met::Changed(_) => {
                let row = [
                    (&session).into(),
                    scope.into(),
                    device.name.into(),
                    device.user_agent.into(),
                    device.expires_at.into(),
                    device.last_active_at.into(),
                    device.ip.into(),
                ];
                return self.loader.add(&SESSION_CHANGES, "", row).await;
            }
        }
        if device.is_lost {
            let job = Job::RestoreDevice { device_id: device.device_id.to_owned() };
            let payload = serde_json::to_string(&job).map_err(|_| Error::Internal("a job cannot be written"))?;
            let job = id(0, &["job", device.owner.username, device.device_id]);
            let row = [
                job.into(),
                (&device.owner.id()).into(),
                payload.into(),
                self.now.into(),
                self.now.into(),
                0_i64.into(),
            ];
            self.add(&JOBS, row).await?;
        }
        Ok(())
    }

    async fn access_token(&mut self, token: AccessToken<'_>) -> Result<()> {
        let session = match token.device_id {
            Some(device_id) => token.owner.session(device_id),
            None => own_session(token.id),
        };
        let secret_hash = token.secret.hash();
        let mark = fingerprint(&[
            session.as_str().as_bytes(),
            &secret_hash,
            &token.expires_at.unwrap_or(-1).to_be_bytes(),
            &[u8::from(token.is_used), u8::from(token.owner.is_admin)],
        ]);
        let met = self.meet(Which::AccessTokens, &key_of(token.id), mark).await?;
        if met == Met::Same {
            return Ok(());
        }
        if token.device_id.is_none() {
            let device = Device {
                owner: token.owner,
                device_id: "",
                name: None,
                user_agent: None,
                ip: None,
                created_at: token.created_at,
                last_active_at: token.created_at,
                expires_at: token.expires_at,
                is_lost: false,
            };
            // When it changed, this brings its session up to date, or makes it.
            self.add(&SESSIONS, session_row(&session, &device)).await?;
        }
        let row = token_row(TokenRow {
            id: access_token_id(token.id),
            session: &session,
            kind: "access",
            secret_hash,
            created_at: token.created_at,
            expires_at: token.expires_at,
            first_used_at: token.is_used.then_some(token.created_at),
            exchanged: None,
        });
        self.put(met, &TOKENS, row).await
    }

    async fn refresh_token(&mut self, token: RefreshToken<'_>) -> Result<()> {
        let session = token.owner.session(token.device_id);
        let secret_hash = token.secret.hash();
        let next = token.exchanged.as_ref().map_or(-1, |next| next.refresh_id);
        let mark = fingerprint(&[
            session.as_str().as_bytes(),
            &secret_hash,
            &token.expires_at.unwrap_or(-1).to_be_bytes(),
            &next.to_be_bytes(),
        ]);
        let met = self.meet(Which::RefreshTokens, &key_of(token.id), mark).await?;
        if met == Met::Same {
            return Ok(());
        }
        let exchanged = token.exchanged.map(|next| seal(&token.secret, next)).transpose()?;
        let row = token_row(TokenRow {
            id: refresh_token_id(token.id),
            session: &session,
            kind: "refresh",
            secret_hash,
            created_at: token.created_at,
            expires_at: token.expires_at,
            first_used_at: None,
            exchanged,
        });
        self.put(met, &TOKENS, row).await
    }
}

/// What is remembered of a user: four flags, and what the password was.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Marks {
    flags: u8,
    password: [u8; 7],
}

impl Marks {
    const ADMIN: u8 = 1;
    const GUEST: u8 = 2;
    const LOCKED: u8 = 4;
    const DEACTIVATED: u8 = 8;

    fn of(user: &User<'_>) -> Self {
        let flags = [
            (user.owner.is_admin, Self::ADMIN),
            (user.is_guest, Self::GUEST),
            (user.owner.is_locked, Self::LOCKED),
            (user.is_deactivated, Self::DEACTIVATED),
        ];
        let flags = flags.iter().filter(|(applies, _)| *applies).map(|(_, bit)| bit).sum();
        let mut password = [0; 7];
        if let Some((_, hash)) = user.password {
            password.copy_from_slice(&fingerprint(&[hash.as_bytes()])[..7]);
            // Nothing looks like no password.
            password[0] |= 1;
        }
        Self { flags, password }
    }

    fn to_fingerprint(self) -> Fingerprint {
        let mut all = [self.flags; 8];
        all[1..].copy_from_slice(&self.password);
        all
    }

    fn from_fingerprint([flags, password @ ..]: Fingerprint) -> Self {
        Self { flags, password }
    }
}

/// Makes an id of a moment (Unix milliseconds) and of what it names: the same for the same.
fn id(at: i64, parts: &[&str]) -> String {
    let digest = sha256(parts.join("\0").as_bytes());
    let mut head = [0; 16];
    head.copy_from_slice(&digest[..16]);
    Ulid::from_parts(at.max(0).unsigned_abs(), u128::from_be_bytes(head)).to_string()
}

fn contact_id(contact: &Contact<'_>) -> String {
    match contact {
        Contact::Email(address) => id(0, &["email", address]),
        Contact::Phone(number) => id(0, &["phone", number]),
        Contact::Link { provider, subject } => id(0, &["link", provider, subject]),
    }
}

fn session_id(username: &str, device_id: &str) -> String {
    id(0, &["session", username, device_id])
}

/// The session of a token without a device.
fn own_session(token: i64) -> SessionId {
    SessionId::new(id(0, &["session of a token", &token.to_string()]))
}

/// Tokens are many: they come in the order of their ids, which is the quickest to write.
fn access_token_id(number: i64) -> TokenId {
    TokenId::new(Ulid(1 << 64 | u128::from(number.cast_unsigned())).to_string())
}

fn refresh_token_id(number: i64) -> TokenId {
    TokenId::new(Ulid(2 << 64 | u128::from(number.cast_unsigned())).to_string())
}

/// Numbers in the order of their bytes.
fn key_of(number: i64) -> [u8; 8] {
    (number.cast_unsigned() ^ (1 << 63)).to_be_bytes()
}

fn number_of(key: &[u8]) -> i64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&key[..8]);
    (u64::from_be_bytes(bytes) ^ (1 << 63)).cast_signed()
}

fn fingerprint(parts: &[&[u8]]) -> Fingerprint {
    let mut all = Vec::with_capacity(128);
    for part in parts {
        all.extend_from_slice(&(part.len() as u64).to_be_bytes());
        all.extend_from_slice(part);
    }
    let mut head = [0; 8];
    head.copy_from_slice(&sha256(&all)[..8]);
    head
}

fn bytes(text: &Option<String>) -> &[u8] {
    text.as_deref().unwrap_or_default().as_bytes()
}

/// Whoever administers the homeserver did so with every token.
fn scope(owner: Owner<'_>) -> String {
    if owner.is_admin { format!("{MATRIX_API} {SYNAPSE_ADMIN}") } else { MATRIX_API.to_owned() }
}

fn user_row(user: &User<'_>, now: i64) -> [Arg; 9] {
    [
        (&user.owner.id()).into(),
        user.owner.username.into(),
        user.owner.username.to_lowercase().into(),
        user.owner.is_admin.into(),
        user.is_guest.into(),
        user.owner.created_at.into(),
        user.owner.is_locked.then_some(now).into(),
        user.is_deactivated.then_some(now).into(),
        now.into(),
    ]
}

fn session_row(session: &SessionId, device: &Device<'_>) -> [Arg; 12] {
    [
        session.into(),
        SessionKind::Compat.as_str().into(),
        (&device.owner.id()).into(),
        // Its tokens share no half yet: nothing that could be presented has this hash.
        sha256(format!("imported {session}").as_bytes()).into(),
        scope(device.owner).into(),
        Some(device.device_id).filter(|id| !id.is_empty()).into(),
        device.name.clone().into(),
        device.user_agent.clone().into(),
        device.created_at.into(),
        device.expires_at.into(),
        device.last_active_at.into(),
        device.ip.clone().into(),
    ]
}

struct TokenRow<'a> {
    id: TokenId,
    session: &'a SessionId,
    kind: &'static str,
    secret_hash: Vec<u8>,
    created_at: i64,
    expires_at: Option<i64>,
    first_used_at: Option<i64>,
    exchanged: Option<Sealed>,
}

/// A pair, sealed under the refresh token that was exchanged for it.
struct Sealed {
    at: i64,
    bytes: Vec<u8>,
    access: TokenId,
    refresh: TokenId,
}

fn seal(presented: &Secret, next: Exchanged) -> Result<Sealed> {
    let refresh = refresh_token_id(next.refresh_id);
    Ok(match next.pair {
        Some((number, access_token, refresh_token)) => Sealed {
            at: next.at,
            bytes: refresh::seal_pair(presented, &access_token, &refresh_token)?,
            access: access_token_id(number),
            refresh,
        },
        // No token has the id of a refresh token and is an access token: the pair is not found, and this is a replay.
        None => Sealed { at: next.at, bytes: Vec::new(), access: TokenId::new(String::new()), refresh },
    })
}

fn token_row(token: TokenRow<'_>) -> [Arg; 12] {
    let (consumed_at, successor, access, refresh) = match token.exchanged {
        Some(Sealed { at, bytes, access, refresh }) => (Some(at), Some(bytes), Some(access), Some(refresh)),
        None => (None, None, None, None),
    };
    [
        (&token.id).into(),
        token.session.into(),
        token.kind.into(),
        token.secret_hash.into(),
        token.created_at.into(),
        token.expires_at.into(),
        token.first_used_at.into(),
        consumed_at.into(),
        successor.into(),
        access.as_ref().into(),
        refresh.as_ref().into(),
        true.into(),
    ]
}
