//! What an import finds, and how the administrator is told of it: what comes along, what stays behind and why, what has to
//! change. Tokens and passwords never get here.

mod html;
mod parts;
mod text;

use std::{collections::BTreeMap, time::Duration};

pub use crate::flows::import::{Change, Changes, Kind};

/// How many names are listed for one reason. All of them are counted.
const MOST_NAMES: usize = 100;

/// What an import found, and what it did with that.
#[derive(Debug, Default)]
pub struct Report {
    pub purpose: Purpose,
    /// What was read, without passwords.
    pub source: String,
    /// The database that it goes into, without passwords.
    pub target: Option<String>,
    /// Whether no import came before this one. A check does not know.
    pub is_first: bool,
    /// Whether one row that cannot be imported is enough to import nothing.
    pub is_strict: bool,
    pub took: Option<Duration>,
    pub counts: BTreeMap<Count, u64>,
    /// What is no loss when it stays behind.
    pub left: BTreeMap<(Left, Kind), u64>,
    pub skipped: BTreeMap<(Reason, Kind), Skipped>,
    /// What is different from what the last import saw.
    pub changes: Changes,
    /// How many rows were compared after a trial, and found the same.
    pub verified: Option<u64>,
    pub advice: Vec<Advice>,
}

/// What a command does with what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    #[default]
    Check,
    DryRun,
    Import,
}

impl Kind {
    /// Gives the word for one of them, and for several.
    fn words(self) -> [&'static str; 2] {
        match self {
            Kind::User => ["user", "users"],
            Kind::Password => ["password", "passwords"],
            Kind::Email => ["e-mail address", "e-mail addresses"],
            Kind::Phone => ["phone number", "phone numbers"],
            Kind::Link => ["single sign-on link", "single sign-on links"],
            Kind::Device => ["device", "devices"],
            Kind::AccessToken => ["access token", "access tokens"],
            Kind::RefreshToken => ["refresh token", "refresh tokens"],
        }
    }
}

/// What is counted of that which comes along, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Count {
    Users,
    Administrators,
    Locked,
    Suspended,
    Deactivated,
    Guests,
    HistoricalNames,
    AlikeNames,
    WithoutPassword,
    Passwords,
    Emails,
    Phones,
    Links,
    Devices,
    LostDevices,
    AccessTokens,
    TokensWithoutDevice,
    TokensForAnother,
    RefreshTokens,
    PendingRefreshTokens,
    SpentRefreshTokens,
}

impl Count {
    /// Gives how it is called, and whether it is only a part of the count before.
    fn label(self) -> (&'static str, bool) {
        match self {
            Count::Users => ("users", false),
            Count::Administrators => ("administrators", true),
            Count::Locked => ("locked: they stay out until they are unlocked", true),
            Count::Suspended => ("suspended: Synapse goes on with that by itself", true),
            Count::Deactivated => ("deactivated: their names stay taken", true),
            Count::Guests => ("guests: their names stay taken, they cannot sign in", true),
            Count::HistoricalNames => ("with a name of the old kind, such as upper case: kept exactly", true),
            Count::AlikeNames => {
                ("with a name that another one has in another case: each has to type it exactly", true)
            }
            Count::WithoutPassword => ("without a password", true),
            Count::Passwords => ("passwords", false),
            Count::Emails => ("e-mail addresses", false),
            Count::Phones => ("phone numbers, kept but not used", false),
            Count::Links => ("single sign-on links", false),
            Count::Devices => ("devices", false),
            Count::LostDevices => ("that Synapse has lost but has a token of: made again when Keymaker starts", true),
            Count::AccessTokens => ("access tokens", false),
            Count::TokensWithoutDevice => ("of no device", true),
            Count::TokensForAnother => ("with which an administrator acts as somebody else", true),
            Count::RefreshTokens => ("refresh tokens", false),
            Count::PendingRefreshTokens => ("exchanged, while what they gave was not used yet", true),
            Count::SpentRefreshTokens => ("used refresh tokens, known so that a second use is noticed", false),
        }
    }
}

/// Why something stays behind without being missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    AppService,
    Guest,
    Deactivated,
    Expired,
    CrossSigningKey,
    Dehydrated,
    Delegated,
}

impl Left {
    fn words(self) -> &'static str {
        match self {
            Left::AppService => "of application services (bridges and bots): they stay with the homeserver",
            Left::Guest => "of guests",
            Left::Deactivated => "of deactivated users",
            Left::Expired => "that have expired",
            Left::CrossSigningKey => "that are cross-signing keys: they stay with the homeserver",
            Left::Dehydrated => "that are dehydrated: they stay with the homeserver",
            Left::Delegated => "of an authentication service that Synapse asked before",
        }
    }
}

/// Why something cannot come along.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    ForeignServer,
    NoMatrixId,
    Undated,
    NameTaken,
    UnknownHash,
    NoAddress,
    AddressTaken,
    AddressTakenHere,
    Medium,
    UnknownProvider,
    UserMissing,
    UserSkipped,
    DeviceId,
    TokenShape,
    Unreadable,
}

impl Reason {
    fn words(self) -> &'static str {
        match self {
            Reason::ForeignServer => "the name belongs to another server",
            Reason::NoMatrixId => "the name is no Matrix ID",
            Reason::Undated => "Synapse does not know when the account was made",
            Reason::NameTaken => "an account with this name was made here",
            Reason::UnknownHash => "it is no bcrypt hash; the account comes without a password",
            Reason::NoAddress => "it is no e-mail address",
            Reason::AddressTaken => "another account has the same address in another spelling",
            Reason::AddressTakenHere => "an account that was made here has it",
            Reason::Medium => "Keymaker knows no contacts of that kind",
            Reason::UnknownProvider => "no provider of Keymaker's configuration has this synapse_idp_id",
            Reason::UserMissing => "the user does not exist",
            Reason::UserSkipped => "the user cannot be imported",
            Reason::DeviceId => "the device id is empty, longer than 255 characters or not printable",
            Reason::TokenShape => "no client could present a text like that as a token",
            Reason::Unreadable => "the row holds what cannot be read",
        }
    }
}

/// Everything that one reason keeps from coming along.
#[derive(Debug, Default)]
pub struct Skipped {
    pub count: u64,
    /// The first of them.
    pub names: Vec<String>,
}

/// A change that somebody has to make.
#[derive(Debug)]
pub struct Advice {
    pub place: Place,
    /// The key that is meant.
    pub key: String,
    pub text: String,
    /// What to write there, as it is.
    pub yaml: Option<String>,
    /// Whether the import has to wait for it.
    pub is_due: bool,
}

/// Whose configuration has to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Homeserver,
    Keymaker,
}

impl Report {
    /// Counts one of what comes along.
    pub fn count(&mut self, count: Count) {
        *self.counts.entry(count).or_default() += 1;
    }

    /// Counts one that stays behind.
    pub fn leave(&mut self, why: Left, kind: Kind) {
        *self.left.entry((why, kind)).or_default() += 1;
    }

    /// Counts one that cannot come along, and keeps its name if it is among the first.
    pub fn skip(&mut self, reason: Reason, kind: Kind, name: impl FnOnce() -> String) {
        let skipped = self.skipped.entry((reason, kind)).or_default();
        skipped.count += 1;
        if skipped.names.len() < MOST_NAMES {
            skipped.names.push(printable(&name()));
        }
    }

    /// Counts one that is different from what the last import saw.
    pub fn change(&mut self, kind: Kind, change: Change) {
        *self.changes.entry((kind, change)).or_default() += 1;
    }

    /// Gives how many of something come along.
    pub fn of(&self, count: Count) -> u64 {
        self.counts.get(&count).copied().unwrap_or_default()
    }

    /// Tells whether nothing has to change before the import.
    pub fn can_go_ahead(&self) -> bool {
        !self.advice.iter().any(|advice| advice.is_due)
    }

    /// Tells whether nothing is written: something has to change first, or nothing may be missing and something is.
    pub fn is_refused(&self) -> bool {
        !self.can_go_ahead() || self.is_strict && !self.skipped.is_empty()
    }

    /// Gives how many rows of the source this is about. A password is part of its user's row, and a lost device has none.
    fn rows(&self) -> u64 {
        let whole = |count: &Count| !count.label().1 && *count != Count::Passwords;
        let imported: u64 = self.counts.iter().filter(|(count, _)| whole(count)).map(|(_, number)| number).sum();
        let skipped = self.skipped.iter().filter(|((_, kind), _)| *kind != Kind::Password);
        let skipped: u64 = skipped.map(|(_, skipped)| skipped.count).sum();
        (imported + skipped + self.left.values().sum::<u64>()).saturating_sub(self.of(Count::LostDevices))
    }
}

/// What people once called themselves must not move the cursor of a terminal, nor turn the line around.
pub fn printable(name: &str) -> String {
    let is_active = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let escaped = |c: char| if is_active(c) { c.escape_default().collect() } else { c.to_string() };
    name.chars().map(escaped).collect()
}
