//! What an import finds, and how the administrator is told of it: what comes along, what stays behind and why, what has to
//! change. Tokens and passwords never get here.

use std::{collections::BTreeMap, fmt};

/// How many names are listed for one reason. All of them are counted.
const MOST_NAMES: usize = 100;
/// Where lines of prose end.
const WIDTH: usize = 100;

/// What an import found.
#[derive(Debug, Default)]
pub struct Report {
    /// What was read, without passwords.
    pub source: String,
    pub counts: BTreeMap<Count, u64>,
    /// What is no loss when it stays behind.
    pub left: BTreeMap<(Left, Kind), u64>,
    pub skipped: BTreeMap<(Reason, Kind), Skipped>,
    pub advice: Vec<Advice>,
}

/// What a source holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    User,
    Password,
    Email,
    Phone,
    ExternalId,
    Device,
    AccessToken,
    RefreshToken,
}

impl Kind {
    /// Gives the word for one of them, and for several.
    fn words(self) -> [&'static str; 2] {
        match self {
            Kind::User => ["user", "users"],
            Kind::Password => ["password", "passwords"],
            Kind::Email => ["e-mail address", "e-mail addresses"],
            Kind::Phone => ["phone number", "phone numbers"],
            Kind::ExternalId => ["single sign-on link", "single sign-on links"],
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
    Devices,
    AccessTokens,
    TokensWithoutDevice,
    TokensOfLostDevices,
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
            Count::Devices => ("devices", false),
            Count::AccessTokens => ("access tokens", false),
            Count::TokensWithoutDevice => ("of no device", true),
            Count::TokensOfLostDevices => ("of a device that Synapse has lost: it is made again", true),
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
    ForLater,
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
            Left::ForLater => "that stay in Synapse's database: Keymaker has no single sign-on yet",
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
    UnknownHash,
    NoAddress,
    AddressTaken,
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
            Reason::UnknownHash => "it is no bcrypt hash; the account comes without a password",
            Reason::NoAddress => "it is no e-mail address",
            Reason::AddressTaken => "another account has the same address in another spelling",
            Reason::UnknownProvider => "Synapse's configuration knows no such provider",
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

    /// Gives how many of something come along.
    pub fn of(&self, count: Count) -> u64 {
        self.counts.get(&count).copied().unwrap_or_default()
    }

    /// Tells whether nothing has to change before the import.
    pub fn can_go_ahead(&self) -> bool {
        !self.advice.iter().any(|advice| advice.is_due)
    }

    fn write_advice(&self, f: &mut fmt::Formatter<'_>, place: Place, title: &str) -> fmt::Result {
        let mut advice = self.advice.iter().filter(|advice| advice.place == place).peekable();
        if advice.peek().is_none() {
            return Ok(());
        }
        writeln!(f, "\n{title}")?;
        for Advice { key, text, yaml, is_due, .. } in advice {
            let mark = if *is_due { "First: " } else { "" };
            write_wrapped(f, &format!("{mark}{key}: {text}"))?;
            for line in yaml.iter().flat_map(|yaml| yaml.lines()) {
                writeln!(f, "      {line}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.source)?;
        let imported = self.counts.iter().map(|(count, number)| {
            let (label, is_part) = count.label();
            (format!("{}{label}", if is_part { "  " } else { "" }), *number)
        });
        write_table(f, "Will be imported", imported.collect())?;
        let left = self.left.iter().map(|((why, kind), number)| {
            let [_, several] = kind.words();
            (format!("{several} {}", why.words()), *number)
        });
        write_table(f, "Left alone", left.collect())?;
        if !self.skipped.is_empty() {
            writeln!(f, "\nCannot be imported, and why")?;
        }
        for ((reason, kind), skipped) in &self.skipped {
            let [one, several] = kind.words();
            let noun = if skipped.count == 1 { one } else { several };
            write_wrapped(f, &format!("{} {noun}: {}", grouped(skipped.count), reason.words()))?;
            for name in &skipped.names {
                writeln!(f, "      {name}")?;
            }
            let more = skipped.count - skipped.names.len() as u64;
            if more > 0 && !skipped.names.is_empty() {
                writeln!(f, "      … and {} more", grouped(more))?;
            }
        }
        self.write_advice(f, Place::Homeserver, "Change in homeserver.yaml")?;
        self.write_advice(f, Place::Keymaker, "Change in Keymaker's configuration")?;
        f.write_str(match self.can_go_ahead() {
            true => "\nThe import can go ahead. Nothing was changed.",
            false => "\nThe import has to wait for what is marked with “First”. Nothing was changed.",
        })
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, title: &str, lines: Vec<(String, u64)>) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    let lines: Vec<(String, String)> = lines.into_iter().map(|(label, number)| (label, grouped(number))).collect();
    let width = lines.iter().map(|(_, number)| number.len()).max().unwrap_or_default();
    for (label, number) in lines {
        writeln!(f, "  {number:>width$}  {label}")?;
    }
    Ok(())
}

/// Breaks prose between words, with the lines after the first one further in.
fn write_wrapped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut line = String::from(" ");
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(f, "{line}")?;
            line = String::from("   ");
        }
        line.push(' ');
        line.push_str(word);
    }
    writeln!(f, "{line}")
}

/// Writes a number so that its size is seen at a glance.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What people once called themselves must not move the cursor of a terminal.
fn printable(name: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    name.chars().map(escaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_the_first_hundred_are_named() {
        let mut report = Report { source: "Read: a test".to_owned(), ..Report::default() };
        report.counts.insert(Count::Users, 1_234_567);
        report.count(Count::Locked);
        report.leave(Left::Expired, Kind::AccessToken);
        for index in 0..1_150 {
            report.skip(Reason::ForeignServer, Kind::User, || format!("@u{index}\u{1b}[2J:elsewhere"));
        }
        let text = report.to_string();
        for line in [
            "  1,234,567  users",
            "          1    locked: they stay out until they are unlocked",
            "  1  access tokens that have expired",
            "  1,150 users: the name belongs to another server",
            "      @u0\\u{1b}[2J:elsewhere",
            "      … and 1,050 more",
        ] {
            assert!(text.lines().any(|told| told == line), "no {line:?} in\n{text}");
        }
        assert!(!text.contains('\u{1b}'));
        assert!(text.ends_with("The import can go ahead. Nothing was changed."));
    }

    #[test]
    fn advice_is_wrapped_and_what_is_due_keeps_the_import_waiting() {
        let advice = |place, is_due| Advice {
            place,
            key: "passwords.schemes".to_owned(),
            text: "word ".repeat(40).trim_end().to_owned(),
            yaml: Some("passwords:\n  schemes: []".to_owned()),
            is_due,
        };
        let report = Report {
            advice: vec![advice(Place::Keymaker, true), advice(Place::Homeserver, false)],
            ..Report::default()
        };
        let text = report.to_string();
        assert!(!report.can_go_ahead() && text.ends_with("Nothing was changed."));
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.contains("\n  First: passwords.schemes: word word"), "{text}");
        assert!(text.contains("\n        schemes: []\n"), "{text}");
        assert!(text.find("homeserver.yaml") < text.find("Keymaker's configuration"));
    }
}
