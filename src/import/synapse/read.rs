//! Reads a whole Synapse, gives what comes along to whoever receives it, and tells of all. Memory does not grow with the
//! number of users.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use thiserror::Error;

use crate::{
    config::Config,
    crypto::secret::{self, Secret},
    domain::{device, email},
    error,
    flows::import::{self, AccessToken, Device, Exchanged, Owner, Receiver, RefreshToken, User},
    import::{
        progress::Progress,
        report::{Count, Kind, Reason, Report},
    },
};

use super::{
    advice,
    config::SynapseConfig,
    database::{Source, SourceError},
    judge::{Contact, ImportedPassword, Judge, Verdict, is_better_claim, is_historical},
    rows::{
        AccessTokenRow, AlikeNames, DeviceRow, DoubtfulEmail, ExternalIdRow, Lenient, Link, LostDeviceRow,
        RefreshTokenRow, ThreepidRow, UserRow,
    },
};

/// The longest description of a client that is kept, in characters.
const MAX_USER_AGENT_CHARS: usize = 512;

/// How many providers are told of.
const MOST_PROVIDERS: usize = 20;

/// Why reading ended before its time.
#[derive(Debug, Error)]
pub enum ReadError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Target(#[from] error::Error),
}

/// A Synapse, and what it is judged by.
pub struct Reader<'r, R> {
    pub synapse: &'r SynapseConfig,
    pub source: &'r mut Source,
    pub keymaker: &'r Config,
    pub judge: Judge<'r>,
    pub receiver: &'r mut R,
    pub progress: &'r mut Progress,
}

impl<R: Receiver> Reader<'_, R> {
    /// Reads everything, and tells what comes along, what does not, and what has to change.
    ///
    /// # Errors
    /// When one of the databases fails.
    pub async fn read(mut self, mut report: Report) -> Result<Report, ReadError> {
        report.source =
            format!("Read: {}, of {} (schema {})", self.source.place(), self.synapse.server_name, self.source.schema);
        report.counts.insert(Count::Users, 0);
        self.users(&mut report).await?;
        self.threepids(&mut report).await?;
        let unknown = self.external_ids(&mut report).await?;
        self.devices(&mut report).await?;
        self.lost_devices(&mut report).await?;
        self.access_tokens(&mut report).await?;
        self.refresh_tokens(&mut report).await?;
        self.source.check_undisturbed()?;
        self.progress.finish();
        advice::add(&mut report, self.source.schema, self.synapse, self.keymaker, &unknown);
        Ok(report)
    }

    async fn users(&mut self, report: &mut Report) -> Result<(), ReadError> {
        let version = advice::find_scheme(self.synapse, self.keymaker).map(|scheme| i64::from(scheme.version));
        self.progress.begin("users", self.source.count("users").await?);
        let mut rows = self.source.rows::<UserRow>();
        while let Some(row) = rows.next().await? {
            self.progress.step();
            let name = || row.account.name.clone();
            let Some(user) = tally(report, Kind::User, self.judge.user(&row), name) else { continue };
            report.count(Count::Users);
            let is_active = !row.account.is_deactivated() && !row.account.is_guest();
            for (count, applies) in [
                (Count::Administrators, row.account.is_admin()),
                (Count::Locked, row.account.is_locked()),
                (Count::Suspended, row.account.is_suspended()),
                (Count::Deactivated, row.account.is_deactivated()),
                (Count::Guests, row.account.is_guest()),
                (Count::HistoricalNames, is_historical(user.owner.username)),
                (Count::WithoutPassword, is_active && user.password == ImportedPassword::None),
            ] {
                if applies {
                    report.count(count);
                }
            }
            let mut password = None;
            match user.password {
                ImportedPassword::Bcrypt(hash) => {
                    report.count(Count::Passwords);
                    password = version.map(|version| (version, hash));
                }
                ImportedPassword::Unknown => report.skip(Reason::UnknownHash, Kind::Password, name),
                ImportedPassword::None => {}
            }
            let user = User {
                owner: user.owner,
                is_guest: row.account.is_guest(),
                is_deactivated: row.account.is_deactivated(),
                password,
            };
            self.receiver.user(user).await?;
        }
        unreadable(report, Kind::User, rows.unreadable);
        drop(rows);
        let alike = self.source.rows::<AlikeNames>().next().await?.map_or(0, |names| names.count);
        if let Ok(alike @ 1..) = u64::try_from(alike) {
            report.counts.insert(Count::AlikeNames, alike);
        }
        Ok(())
    }

    async fn threepids(&mut self, report: &mut Report) -> Result<(), ReadError> {
        let owners = self.owners_of_doubtful_emails().await?;
        self.progress.begin("e-mail addresses", self.source.count("user_threepids").await?);
        let mut rows = self.source.rows::<ThreepidRow>();
        while let Some(row) = rows.next().await? {
            self.progress.step();
            let kind = if row.medium == "msisdn" { Kind::Phone } else { Kind::Email };
            let name = || format!("{} of {}", row.address, row.account.name);
            let Some((owner, contact)) = tally(report, kind, self.judge.threepid(&row), name) else { continue };
            match contact {
                Contact::Email(address) => {
                    if owners.get(&address).is_some_and(|owner| *owner != row.address) {
                        report.skip(Reason::AddressTaken, Kind::Email, name);
                        continue;
                    }
                    report.count(Count::Emails);
                    let key = [&*row.address, &*address];
                    self.receiver.contact(&key, owner, import::Contact::Email(&address), row.added_at).await?;
                }
                Contact::Phone => {
                    report.count(Count::Phones);
                    let contact = import::Contact::Phone(&row.address);
                    self.receiver.contact(&[&*row.address], owner, contact, row.added_at).await?;
                }
            }
        }
        unreadable(report, Kind::Email, rows.unreadable);
        Ok(())
    }

    /// Finds out to whom the addresses go that several accounts have in different spellings: the spelling of the owner, by
    /// the canonical form. Most Synapses have none.
    async fn owners_of_doubtful_emails(&mut self) -> Result<BTreeMap<String, String>, ReadError> {
        let mut doubtful = BTreeSet::new();
        let mut rows = self.source.rows::<DoubtfulEmail>();
        while let Some(DoubtfulEmail { address }) = rows.next().await? {
            doubtful.extend(email::canonical(&address));
        }
        drop(rows);
        let mut claims = BTreeMap::<String, ThreepidRow>::new();
        if doubtful.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut rows = self.source.rows::<ThreepidRow>();
        while let Some(row) = rows.next().await? {
            let Verdict::Import((_, Contact::Email(address))) = self.judge.threepid(&row) else { continue };
            if !doubtful.contains(&address) {
                continue;
            }
            match claims.get(&address) {
                Some(other) if !is_better_claim(&row, other, &address) => {}
                _ => {
                    claims.insert(address, row);
                }
            }
        }
        Ok(claims.into_iter().map(|(address, row)| (address, row.address)).collect())
    }

    /// Gives the providers whose links stay behind.
    async fn external_ids(&mut self, report: &mut Report) -> Result<BTreeSet<String>, ReadError> {
        let mut unknown = BTreeSet::new();
        self.progress.begin("single sign-on links", self.source.count("user_external_ids").await?);
        let mut rows = self.source.rows::<ExternalIdRow>();
        while let Some(row) = rows.next().await? {
            self.progress.step();
            let verdict = self.judge.external_id(&row);
            if verdict == Verdict::Skip(Reason::UnknownProvider) && unknown.len() < MOST_PROVIDERS {
                unknown.insert(row.auth_provider.clone());
            }
            let name = || format!("{} of {}", row.auth_provider, row.account.name);
            let Some((owner, provider)) = tally(report, Kind::Link, verdict, name) else { continue };
            report.count(Count::Links);
            let contact = import::Contact::Link { provider, subject: &row.external_id };
            let key = [&*row.auth_provider, &*row.external_id, provider];
            self.receiver.contact(&key, owner, contact, owner.created_at).await?;
        }
        unreadable(report, Kind::Link, rows.unreadable);
        Ok(unknown)
    }

    async fn devices(&mut self, report: &mut Report) -> Result<(), ReadError> {
        self.progress.begin("devices", self.source.count("devices").await?);
        let mut rows = self.source.rows::<DeviceRow>();
        while let Some(row) = rows.next().await? {
            self.progress.step();
            let name = || of_device(&row.account.name, Some(&row.device_id));
            let Some(owner) = tally(report, Kind::Device, self.judge.device(&row), name) else { continue };
            report.count(Count::Devices);
            self.receiver.device(device(owner, &row)).await?;
        }
        unreadable(report, Kind::Device, rows.unreadable);
        Ok(())
    }

    async fn lost_devices(&mut self, report: &mut Report) -> Result<(), ReadError> {
        let mut rows = self.source.rows::<LostDeviceRow>();
        while let Some(row) = rows.next().await? {
            let Some(owner) = self.judge.lost_device(&row) else { continue };
            report.count(Count::Devices);
            report.count(Count::LostDevices);
            let device = Device {
                owner,
                device_id: &row.device_id,
                name: None,
                user_agent: None,
                ip: None,
                created_at: owner.created_at,
                last_active_at: owner.created_at,
                expires_at: None,
                is_lost: true,
            };
            self.receiver.device(device).await?;
        }
        Ok(())
    }

    async fn access_tokens(&mut self, report: &mut Report) -> Result<(), ReadError> {
        self.progress.begin("access tokens", self.source.count("access_tokens").await?);
        let mut rows = self.source.rows::<AccessTokenRow>();
        while let Some(row) = rows.next().await? {
            self.progress.step();
            let name = || of_device(&row.account.name, row.device_id.as_deref());
            let verdict = self.judge.access_token(&row);
            let Some((owner, secret)) = tally(report, Kind::AccessToken, verdict, name) else { continue };
            report.count(Count::AccessTokens);
            for (count, applies) in
                [(Count::TokensWithoutDevice, row.device_id.is_none()), (Count::TokensForAnother, row.is_puppets())]
            {
                if applies {
                    report.count(count);
                }
            }
            let token = AccessToken {
                id: row.id,
                owner,
                device_id: row.device_id.as_deref(),
                secret,
                created_at: row.last_validated.unwrap_or(owner.created_at),
                expires_at: row.valid_until_ms,
                is_used: row.is_used(),
            };
            self.receiver.access_token(token).await?;
        }
        unreadable(report, Kind::AccessToken, rows.unreadable);
        Ok(())
    }

    async fn refresh_tokens(&mut self, report: &mut Report) -> Result<(), ReadError> {
        self.progress.begin("refresh tokens", self.source.count("refresh_tokens").await?);
        let mut rows = self.source.rows::<RefreshTokenRow>();
        while let Some(row) = rows.next().await? {
            self.progress.step();
            let name = || of_device(&row.account.name, Some(&row.device_id));
            let verdict = self.judge.refresh_token(&row);
            let Some((owner, secret)) = tally(report, Kind::RefreshToken, verdict, name) else { continue };
            match row.link() {
                Link::Current => report.count(Count::RefreshTokens),
                Link::Pending => {
                    report.count(Count::RefreshTokens);
                    report.count(Count::PendingRefreshTokens);
                }
                Link::Spent => report.count(Count::SpentRefreshTokens),
            }
            let token = RefreshToken {
                id: row.id,
                owner,
                device_id: &row.device_id,
                secret,
                created_at: owner.created_at,
                expires_at: row.expires_at(),
                exchanged: exchanged(&row, owner),
            };
            self.receiver.refresh_token(token).await?;
        }
        unreadable(report, Kind::RefreshToken, rows.unreadable);
        Ok(())
    }
}

fn device<'r>(owner: Owner<'r>, row: &'r DeviceRow) -> Device<'r> {
    let text = |text: &Option<Lenient>| text.as_ref().map(|text| text.0.clone());
    let last_seen = row.last_seen.unwrap_or(owner.created_at);
    let user_agent = |text: String| text.chars().filter(|c| !c.is_control()).take(MAX_USER_AGENT_CHARS).collect();
    Device {
        owner,
        device_id: &row.device_id,
        name: text(&row.display_name).and_then(|name| device::device_name(&name)),
        user_agent: text(&row.user_agent).map(user_agent).filter(|text: &String| !text.is_empty()),
        ip: text(&row.ip).and_then(|ip| ip.parse::<IpAddr>().ok()).map(|ip| ip.to_string()),
        created_at: last_seen,
        last_active_at: last_seen,
        expires_at: row.ultimate_session_expiry_ts,
        is_lost: false,
    }
}

/// Gives what a refresh token was exchanged for, if it was.
fn exchanged(row: &RefreshTokenRow, owner: Owner<'_>) -> Option<Exchanged> {
    let refresh_id = row.next_token_id?;
    let refresh = Secret::parse_token(secret::Kind::RefreshToken, row.next_token.as_deref()?);
    let access = row.next_access_token.as_deref();
    let access = access.and_then(|text| Secret::parse_token(secret::Kind::AccessToken, text));
    let pair = row.next_access_id.zip(access).zip(refresh).map(|((id, access), refresh)| (id, access, refresh));
    Some(Exchanged { at: row.next_made_at.unwrap_or(owner.created_at), refresh_id, pair })
}

/// Puts down what does not come along, and gives what does.
fn tally<T>(report: &mut Report, kind: Kind, verdict: Verdict<T>, name: impl FnOnce() -> String) -> Option<T> {
    match verdict {
        Verdict::Import(what) => Some(what),
        Verdict::Leave(why) => {
            report.leave(why, kind);
            None
        }
        Verdict::Skip(reason) => {
            report.skip(reason, kind, name);
            None
        }
    }
}

fn unreadable(report: &mut Report, kind: Kind, count: u64) {
    if count > 0 {
        report.skipped.entry((Reason::Unreadable, kind)).or_default().count += count;
    }
}

/// Names a device or a token without the token; long device ids are cut.
fn of_device(user_id: &str, device_id: Option<&str>) -> String {
    match device_id {
        None => user_id.to_owned(),
        Some(id) if id.chars().count() > 40 => {
            format!("{user_id}, device {}…", id.chars().take(40).collect::<String>())
        }
        Some(id) => format!("{user_id}, device {id}"),
    }
}
