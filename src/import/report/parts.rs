//! What the report says, before it is laid out: its tables and sentences, and what the administrator does next. The text and
//! the page are made of the same parts.

use std::time::Duration;

use super::{Advice, Change, Count, Kind, Left, Place, Purpose, Reason, Report, Skipped};

const CHECK: &str = "keymaker --config keymaker.yaml import synapse --synapse-config homeserver.yaml --check";
const DRY_RUN: &str = "keymaker --config keymaker.yaml import synapse --synapse-config homeserver.yaml --dry-run";
const IMPORT: &str = "keymaker --config keymaker.yaml import synapse --synapse-config homeserver.yaml";
const VERIFY: &str = "keymaker --config keymaker.yaml import verify --synapse-config homeserver.yaml";
const SERVER: &str = "keymaker --config keymaker.yaml server";

/// A line of a table.
pub(super) struct Line {
    pub number: String,
    pub label: String,
    /// Whether it is only a part of the line before.
    pub is_part: bool,
}

/// A line of the table of what is different from last time.
pub(super) struct ChangeLine {
    /// How many were added, changed and removed.
    pub numbers: [String; 3],
    pub label: &'static str,
}

/// Everything that cannot come along for one reason.
pub(super) struct SkippedPart<'r> {
    /// How many there are, and why.
    pub title: String,
    pub names: &'r [String],
    /// How many there are besides, if any.
    pub more: Option<String>,
}

/// What the administrator does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub text: &'static str,
    pub command: Option<&'static str>,
}

impl Report {
    /// Says between what it went, how long it took, and what was compared.
    pub(super) fn facts(&self) -> Vec<String> {
        let mut facts = self.places();
        facts.append(&mut self.effort());
        facts
    }

    /// Says what was read, and where it goes.
    pub(super) fn places(&self) -> Vec<String> {
        let target = self.target.iter().map(|target| format!("Into: {target}"));
        [self.source.clone()].into_iter().chain(target).collect()
    }

    pub(super) fn counts_title(&self) -> &'static str {
        match self.purpose {
            Purpose::Check => "Will be imported",
            Purpose::Import if !self.is_refused() => "Imported",
            Purpose::DryRun | Purpose::Import => "Would be imported",
        }
    }

    pub(super) fn count_lines(&self) -> Vec<Line> {
        let line = |(count, number): (&Count, &u64)| {
            let (label, is_part) = count.label();
            Line { number: grouped(*number), label: label.to_owned(), is_part }
        };
        self.counts.iter().map(line).collect()
    }

    /// Gives what is different from last time; nothing when there was no last time, or when nothing was compared with it.
    pub(super) fn change_lines(&self) -> Option<Vec<ChangeLine>> {
        if self.purpose == Purpose::Check || self.is_first || self.is_refused() {
            return None;
        }
        let mut kinds: Vec<Kind> = self.changes.keys().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        let line = |kind: Kind| {
            let number = |change| grouped(self.changes.get(&(kind, change)).copied().unwrap_or_default());
            let [_, label] = kind.words();
            ChangeLine { numbers: [Change::Added, Change::Changed, Change::Removed].map(number), label }
        };
        Some(kinds.into_iter().map(line).collect())
    }

    pub(super) fn left_lines(&self) -> Vec<Line> {
        let line = |((why, kind), number): (&(Left, Kind), &u64)| {
            let [_, several] = kind.words();
            Line { number: grouped(*number), label: format!("{several} {}", why.words()), is_part: false }
        };
        self.left.iter().map(line).collect()
    }

    pub(super) fn skipped_title(&self) -> &'static str {
        match self.purpose {
            Purpose::Import if !self.is_refused() => "Not imported, and why",
            _ => "Cannot be imported, and why",
        }
    }

    pub(super) fn skipped_parts<'r>(&'r self) -> Vec<SkippedPart<'r>> {
        let part = |((reason, kind), skipped): (&(Reason, Kind), &'r Skipped)| {
            let [one, several] = if *reason == Reason::Medium { ["contact", "contacts"] } else { kind.words() };
            let noun = if skipped.count == 1 { one } else { several };
            let more = skipped.count - skipped.names.len() as u64;
            SkippedPart {
                title: format!("{} {noun}: {}", grouped(skipped.count), reason.words()),
                names: &skipped.names,
                more: (more > 0 && !skipped.names.is_empty()).then(|| grouped(more)),
            }
        };
        self.skipped.iter().map(part).collect()
    }

    /// Gives what has to change, in the one configuration and in the other.
    pub(super) fn advice_parts(&self) -> Vec<(&'static str, Vec<&Advice>)> {
        let places =
            [(Place::Homeserver, "Change in homeserver.yaml"), (Place::Keymaker, "Change in Keymaker's configuration")];
        let of = |place| self.advice.iter().filter(|advice| advice.place == place).collect::<Vec<_>>();
        places.map(|(place, title)| (title, of(place))).into_iter().filter(|(_, advice)| !advice.is_empty()).collect()
    }

    /// Says how long it took and what was compared.
    pub(super) fn effort(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(took) = self.took {
            let rows = self.rows();
            let mut line = format!("{} in {}", of_rows(rows), spoken(took));
            // Over less than that a rate says nothing.
            if took >= Duration::from_secs(1) {
                let rate = (rows as f64 / took.as_secs_f64()).round() as u64;
                line.push_str(&format!(", {} a second", grouped(rate)));
            }
            lines.push(format!("{line}."));
        }
        if let Some(rows) = self.verified {
            lines.push(format!("{} compared with Synapse afterwards: everything is the same.", of_rows(rows)));
        }
        lines
    }

    /// Says how it ended, and what that means.
    pub(super) fn result(&self) -> (&'static str, &'static str) {
        if !self.can_go_ahead() {
            return ("The import has to wait for what is marked with “First”", "Nothing was changed.");
        }
        if self.is_refused() {
            let headline = "With --strict the import has to wait: there is something that cannot be imported";
            return (headline, "Nothing was changed.");
        }
        match self.purpose {
            Purpose::Check => ("The import can go ahead", "Nothing was changed."),
            Purpose::DryRun => {
                ("The import can go ahead", "It was tried with a copy, which is gone again. Nothing was changed.")
            }
            Purpose::Import if !self.is_first && self.changes.is_empty() => {
                ("The import is done", "Nothing was different from the last time.")
            }
            Purpose::Import => ("The import is done", "Synapse's database was only read."),
        }
    }

    /// Gives what the administrator does now, in this order.
    pub(super) fn next_steps(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut add = |text, command| steps.push(Step { text, command });
        if self.is_refused() {
            if !self.can_go_ahead() {
                add("Make the changes that are marked with “First”.", None);
            }
            if self.is_strict && !self.skipped.is_empty() {
                let text =
                    "Set right in Synapse what cannot be imported, or leave out --strict: the rest is imported then.";
                add(text, None);
            }
            add("Check again:", Some(CHECK));
            return steps;
        }
        const PLAN: &str = "Plan the downtime. docs/migration.md leads through it, step by step.";
        match self.purpose {
            Purpose::Check => {
                if !self.skipped.is_empty() {
                    let text = "Look at what cannot be imported. It stays behind, unless it is set right in Synapse first; with \
                                --strict nothing is imported as long as there is any.";
                    add(text, None);
                }
                let text = "Try the import. It goes into a copy, is compared with Synapse row by row, and is removed again. \
                            Synapse may run meanwhile:";
                add(text, Some(DRY_RUN));
                add("Import for the first time, while Synapse runs. That is the long part:", Some(IMPORT));
                add(PLAN, None);
            }
            Purpose::DryRun if self.is_first => {
                add("Import for the first time, while Synapse runs. That is the long part:", Some(IMPORT));
                add(PLAN, None);
            }
            Purpose::DryRun => {
                let text = "Import what is different now. Stop Synapse before you do it for the last time:";
                add(text, Some(IMPORT));
                add(PLAN, None);
            }
            Purpose::Import => {
                let text = "If Synapse was running: when the time for the switch has come, stop it and import once more. Only \
                            what has changed since is written:";
                add(text, Some(IMPORT));
                add("Compare both databases, while Synapse is stopped:", Some(VERIFY));
                add("Change homeserver.yaml as it says above, and switch the reverse proxy over.", None);
                add("Start Keymaker, then Synapse:", Some(SERVER));
                let text =
                    "Look whether everything works. docs/migration.md says where to look, and describes the way back.";
                add(text, None);
            }
        }
        steps
    }
}

/// Writes a number so that its size is seen at a glance.
pub(super) fn grouped(number: u64) -> String {
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

fn of_rows(number: u64) -> String {
    format!("{} {}", grouped(number), if number == 1 { "row" } else { "rows" })
}

fn spoken(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..10 => format!("{:.1} seconds", took.as_secs_f64()),
        10..120 => format!("{seconds} seconds"),
        _ => format!("{} minutes {} seconds", grouped(seconds / 60), seconds % 60),
    }
}
