//! What becomes of each row of a Synapse: it comes along, it stays behind without being missed, or it cannot come along.
//! No I/O: a check and an import that ask here say the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    clock::SECOND,
    config::Config,
    crypto::secret::{Kind, Secret},
    domain::{device::is_device_id, email},
    flows::import::Owner,
    import::report::{Left, Reason},
};

use super::{
    config::SynapseConfig,
    rows::{
        AccessTokenRow, Account, DeviceRow, ExternalIdRow, Link, LostDeviceRow, RefreshTokenRow, ThreepidRow, UserRow,
    },
};

/// What Synapse writes for accounts that came through an authentication service it asked before.
const DELEGATED: &str = "oauth-delegated";

/// What becomes of a row, and what was read out of it on the way.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<T> {
    Import(T),
    Leave(Left),
    Skip(Reason),
}

/// A user who comes along.
#[derive(Debug, PartialEq, Eq)]
pub struct ImportedUser<'r> {
    pub owner: Owner<'r>,
    pub password: ImportedPassword<'r>,
}

/// What comes along of a password.
#[derive(Debug, PartialEq, Eq)]
pub enum ImportedPassword<'r> {
    Bcrypt(&'r str),
    None,
    /// There is something, but no hash that we could verify.
    Unknown,
}

/// What was made in Keymaker itself, and stands in the way of what a Synapse has.
#[derive(Debug, Default)]
pub struct Taken {
    pub usernames: BTreeSet<String>,
    /// In their canonical form.
    pub emails: BTreeSet<String>,
}

/// How somebody can be reached.
#[derive(Debug, PartialEq, Eq)]
pub enum Contact {
    /// An address in its canonical form.
    Email(String),
    Phone,
}

/// Where an account stands.
enum Standing<'r> {
    Missing,
    AppService,
    Unusable(Reason),
    Guest(Owner<'r>),
    Deactivated(Owner<'r>),
    Active(Owner<'r>),
}

/// Judges rows by Synapse's configuration and a moment.
pub struct Judge<'c> {
    config: &'c SynapseConfig,
    /// Our providers, by the names under which Synapse knows them.
    providers: BTreeMap<&'c str, &'c str>,
    taken: Taken,
    /// Unix milliseconds.
    now: i64,
}

impl<'c> Judge<'c> {
    /// Judges by these configurations and by what is here already, as of this moment.
    pub fn new(config: &'c SynapseConfig, keymaker: &'c Config, taken: Taken, now: i64) -> Self {
        let providers = keymaker.upstream_oauth2.providers.iter();
        let providers =
            providers.filter_map(|ours| Some((ours.synapse_idp_id.as_deref()?, ours.id.as_str()))).collect();
        Self { config, providers, taken, now }
    }

    /// Judges a user.
    pub fn user<'r>(&self, row: &'r UserRow) -> Verdict<ImportedUser<'r>> {
        let owner = match self.standing(&row.account) {
            Standing::Missing => return Verdict::Skip(Reason::NoMatrixId),
            Standing::AppService => return Verdict::Leave(Left::AppService),
            Standing::Unusable(reason) => return Verdict::Skip(reason),
            Standing::Guest(owner) | Standing::Deactivated(owner) | Standing::Active(owner) => owner,
        };
        let password = match row.password_hash.as_ref().map(|hash| hash.0.as_str()) {
            None | Some("") => ImportedPassword::None,
            Some(hash) if is_bcrypt(hash) => ImportedPassword::Bcrypt(hash),
            Some(_) => ImportedPassword::Unknown,
        };
        Verdict::Import(ImportedUser { owner, password })
    }

    /// Judges an e-mail address or a phone number. Whether an address is somebody else's too, one row cannot tell.
    pub fn threepid<'r>(&self, row: &'r ThreepidRow) -> Verdict<(Owner<'r>, Contact)> {
        self.of_active(&row.account, |owner| match row.medium.as_str() {
            "email" => match email::canonical(&row.address) {
                None => Verdict::Skip(Reason::NoAddress),
                Some(address) if self.taken.emails.contains(&address) => Verdict::Skip(Reason::AddressTakenHere),
                Some(address) => Verdict::Import((owner, Contact::Email(address))),
            },
            "msisdn" if !row.address.chars().any(char::is_control) => Verdict::Import((owner, Contact::Phone)),
            _ => Verdict::Skip(Reason::Medium),
        })
    }

    /// Judges a link to somebody's account at a single sign-on provider, and gives our name for the provider.
    pub fn external_id<'r>(&self, row: &'r ExternalIdRow) -> Verdict<(Owner<'r>, &'c str)> {
        if row.auth_provider == DELEGATED {
            return Verdict::Leave(Left::Delegated);
        }
        let is_printable = !row.external_id.chars().any(char::is_control);
        let ours = self.providers.get(row.auth_provider.as_str()).filter(|_| is_printable);
        self.of_active(&row.account, |owner| match ours {
            Some(ours) => Verdict::Import((owner, *ours)),
            None => Verdict::Skip(Reason::UnknownProvider),
        })
    }

    /// Judges a device, and gives its user.
    pub fn device<'r>(&self, row: &'r DeviceRow) -> Verdict<Owner<'r>> {
        if row.is_hidden() {
            return Verdict::Leave(Left::CrossSigningKey);
        }
        self.of_active(&row.account, |owner| match row.is_dehydrated() {
            true => Verdict::Leave(Left::Dehydrated),
            false => of_device(&row.device_id, owner),
        })
    }

    /// Judges a device that Synapse has lost, and gives its user. What keeps it here keeps its tokens, which are told.
    pub fn lost_device<'r>(&self, row: &'r LostDeviceRow) -> Option<Owner<'r>> {
        match self.of_active(&row.account, |owner| of_device(&row.device_id, owner)) {
            Verdict::Import(owner) => Some(owner),
            Verdict::Leave(_) | Verdict::Skip(_) => None,
        }
    }

    /// Judges an access token, and gives the user that it acts for and what is presented.
    pub fn access_token<'r>(&self, row: &'r AccessTokenRow) -> Verdict<(Owner<'r>, Secret)> {
        // Whoever has not heard of a pair yet asks for it again, however old its access token is by then.
        let is_waiting = row.is_refreshable() && !row.is_used();
        self.of_active(&row.account, |owner| {
            if row.valid_until_ms.is_some_and(|end| end < self.now) && !is_waiting {
                Verdict::Leave(Left::Expired)
            } else if row.device_id.as_deref().is_some_and(|id| !is_device_id(id)) {
                Verdict::Skip(Reason::DeviceId)
            } else {
                match Secret::parse_token(Kind::AccessToken, &row.token) {
                    Some(secret) => Verdict::Import((owner, secret)),
                    None => Verdict::Skip(Reason::TokenShape),
                }
            }
        })
    }

    /// Judges a refresh token, and gives its user and what is presented.
    ///
    /// A spent one is remembered also when it has expired: a second use of it means the same.
    pub fn refresh_token<'r>(&self, row: &'r RefreshTokenRow) -> Verdict<(Owner<'r>, Secret)> {
        self.of_active(&row.account, |owner| {
            let has_expired = row.expires_at().is_some_and(|end| end < self.now);
            if has_expired && row.link() != Link::Spent {
                Verdict::Leave(Left::Expired)
            } else if !is_device_id(&row.device_id) {
                Verdict::Skip(Reason::DeviceId)
            } else {
                match Secret::parse_token(Kind::RefreshToken, &row.token) {
                    Some(secret) => Verdict::Import((owner, secret)),
                    None => Verdict::Skip(Reason::TokenShape),
                }
            }
        })
    }

    /// Judges what belongs to an account: only what is somebody's who may sign in comes along.
    fn of_active<'r, T>(&self, account: &'r Account, judge: impl FnOnce(Owner<'r>) -> Verdict<T>) -> Verdict<T> {
        match self.standing(account) {
            Standing::Missing => Verdict::Skip(Reason::UserMissing),
            Standing::AppService => Verdict::Leave(Left::AppService),
            Standing::Unusable(_) => Verdict::Skip(Reason::UserSkipped),
            Standing::Guest(_) => Verdict::Leave(Left::Guest),
            Standing::Deactivated(_) => Verdict::Leave(Left::Deactivated),
            Standing::Active(owner) => judge(owner),
        }
    }

    fn standing<'r>(&self, account: &'r Account) -> Standing<'r> {
        let name = account.name.as_str();
        if !account.exists() {
            return Standing::Missing;
        }
        if account.is_appservice() || self.config.appservices.own(name, account.origin()) {
            return Standing::AppService;
        }
        let username = match localpart(name, &self.config.server_name) {
            Ok(username) => username,
            Err(reason) => return Standing::Unusable(reason),
        };
        if self.taken.usernames.contains(username) {
            return Standing::Unusable(Reason::NameTaken);
        }
        let Some(creation_ts) = account.creation_ts else { return Standing::Unusable(Reason::Undated) };
        let owner = Owner {
            username,
            created_at: creation_ts.saturating_mul(SECOND),
            is_admin: account.is_admin(),
            is_locked: account.is_locked(),
        };
        match (account.is_deactivated(), account.is_guest()) {
            (true, _) => Standing::Deactivated(owner),
            (false, true) => Standing::Guest(owner),
            (false, false) => Standing::Active(owner),
        }
    }
}

fn of_device<'r>(device_id: &str, owner: Owner<'r>) -> Verdict<Owner<'r>> {
    if is_device_id(device_id) { Verdict::Import(owner) } else { Verdict::Skip(Reason::DeviceId) }
}

/// Gives what stands before the server name. Synapse takes the first colon for the end of it, so we do (a port has another).
fn localpart<'r>(user_id: &'r str, server_name: &str) -> Result<&'r str, Reason> {
    let parts = user_id.strip_prefix('@').and_then(|rest| rest.split_once(':'));
    let (localpart, server) = parts.ok_or(Reason::NoMatrixId)?;
    // PostgreSQL cannot hold a NUL; no homeserver ever gave out a name with a control character.
    if localpart.is_empty() || user_id.chars().any(char::is_control) {
        return Err(Reason::NoMatrixId);
    }
    if server == server_name { Ok(localpart) } else { Err(Reason::ForeignServer) }
}

/// Tells whether a name is one that could be chosen today (Matrix appendices, "User identifiers").
pub fn is_historical(username: &str) -> bool {
    let today = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._=-/+".contains(&b);
    !username.bytes().all(today)
}

fn is_bcrypt(hash: &str) -> bool {
    let bytes = hash.as_bytes();
    let digits = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/');
    bytes.len() == 60
        && matches!(&bytes[..4], b"$2a$" | b"$2b$" | b"$2y$")
        && matches!(hash[4..6].parse::<u8>(), Ok(4..=31))
        && bytes[6] == b'$'
        && bytes[7..].iter().all(digits)
}

/// Chooses to whom an address goes that several accounts have in different spellings: the one whose spelling Synapse finds
/// at a login, which is the canonical one, and otherwise whoever had it first.
pub fn is_better_claim(row: &ThreepidRow, than: &ThreepidRow, canonical: &str) -> bool {
    let rank = |row: &ThreepidRow| (row.address != canonical, row.added_at);
    (rank(row), &row.address) < (rank(than), &than.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_ends_at_the_first_colon() {
        for (name, expected) in [
            ("@alice:hs.test:8448", Ok("alice")),
            ("@Al Ice ✨:hs.test:8448", Ok("Al Ice ✨")),
            ("@alice:hs.test", Err(Reason::ForeignServer)),
            ("@a:b:hs.test:8448", Err(Reason::ForeignServer)),
            ("@:hs.test:8448", Err(Reason::NoMatrixId)),
            ("alice", Err(Reason::NoMatrixId)),
            ("@alice", Err(Reason::NoMatrixId)),
            ("@al\0ice:hs.test:8448", Err(Reason::NoMatrixId)),
        ] {
            assert_eq!(localpart(name, "hs.test:8448"), expected, "{name:?}");
        }
    }

    #[test]
    fn names_of_the_old_kind_are_told_from_todays() {
        assert!(["alice", "_bridge_x", "1", "a=2f.b-c/d+e"].iter().all(|name| !is_historical(name)));
        assert!(["Alice", "al ice", "élise", "a!"].iter().all(|name| is_historical(name)));
    }

    #[test]
    fn only_a_whole_bcrypt_hash_is_one() {
        let hash = "$2b$12$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234";
        assert!(is_bcrypt(hash));
        for wrong in ["", "$2b$12$short", &hash.replace("2b", "2x"), &hash.replace("12", "99"), &hash.replace('A', "é")]
        {
            assert!(!is_bcrypt(wrong), "{wrong}");
        }
    }
}
