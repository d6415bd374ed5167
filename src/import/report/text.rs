//! The report as text, for a terminal and for a file.

use std::fmt;

use super::{
    Advice, Report,
    parts::{Line, Step},
};

/// Where lines of prose end.
const WIDTH: usize = 100;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.places() {
            writeln!(f, "{line}")?;
        }
        write_table(f, self.counts_title(), &self.count_lines())?;
        self.write_changes(f)?;
        write_table(f, "Left alone", &self.left_lines())?;
        self.write_skipped(f)?;
        self.write_advice(f)?;
        self.write_steps(f)?;
        writeln!(f)?;
        for line in self.effort() {
            writeln!(f, "{line}")?;
        }
        let (headline, rest) = self.result();
        write!(f, "{headline}. {rest}")
    }
}

impl Report {
    fn write_changes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(lines) = self.change_lines() else { return Ok(()) };
        writeln!(f, "\nSince the last import")?;
        if lines.is_empty() {
            return writeln!(f, "  nothing has changed");
        }
        let titles = ["added", "changed", "removed"];
        let width = |column: usize| {
            let numbers = lines.iter().map(|line| line.numbers[column].len());
            numbers.max().unwrap_or_default().max(titles[column].len())
        };
        let [a, b, c] = [0, 1, 2].map(width);
        let [added, changed, removed] = titles;
        writeln!(f, "  {added:>a$}  {changed:>b$}  {removed:>c$}")?;
        for line in &lines {
            let [added, changed, removed] = &line.numbers;
            writeln!(f, "  {added:>a$}  {changed:>b$}  {removed:>c$}  {}", line.label)?;
        }
        Ok(())
    }

    fn write_skipped(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.skipped.is_empty() {
            writeln!(f, "\n{}", self.skipped_title())?;
        }
        for part in self.skipped_parts() {
            write_wrapped(f, "  ", &part.title)?;
            for name in part.names {
                writeln!(f, "      {name}")?;
            }
            if let Some(more) = part.more {
                writeln!(f, "      … and {more} more")?;
            }
        }
        Ok(())
    }

    fn write_advice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, advice) in self.advice_parts() {
            writeln!(f, "\n{title}")?;
            for Advice { key, text, yaml, is_due, .. } in advice {
                let mark = if *is_due { "First: " } else { "" };
                write_wrapped(f, "  ", &format!("{mark}{key}: {text}"))?;
                for line in yaml.iter().flat_map(|yaml| yaml.lines()) {
                    writeln!(f, "      {line}")?;
                }
            }
        }
        Ok(())
    }

    fn write_steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nNext steps")?;
        for (number, Step { text, command }) in (1..).zip(self.next_steps()) {
            write_wrapped(f, &format!("  {number}. "), text)?;
            if let Some(command) = command {
                writeln!(f, "       {command}")?;
            }
        }
        Ok(())
    }
}

fn write_table(f: &mut fmt::Formatter<'_>, title: &str, lines: &[Line]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    let width = lines.iter().map(|line| line.number.len()).max().unwrap_or_default();
    for Line { number, label, is_part } in lines {
        writeln!(f, "  {number:>width$}  {}{label}", if *is_part { "  " } else { "" })?;
    }
    Ok(())
}

/// Breaks prose between words, with the lines after the first one further in.
fn write_wrapped(f: &mut fmt::Formatter<'_>, start: &str, text: &str) -> fmt::Result {
    let indent = start.chars().count().max(4);
    let mut line = start.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(f, "{line}")?;
            line = " ".repeat(indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    writeln!(f, "{line}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Change, Count, Kind, Left, Place, Purpose, Reason};
    use super::*;

    fn of(purpose: Purpose) -> Report {
        Report { purpose, source: "Read: a test".to_owned(), ..Report::default() }
    }

    fn advice(place: Place, is_due: bool) -> Advice {
        Advice {
            place,
            key: "passwords.schemes".to_owned(),
            text: "word ".repeat(40).trim_end().to_owned(),
            yaml: Some("passwords:\n  schemes: []".to_owned()),
            is_due,
        }
    }

    #[track_caller]
    fn assert_lines(text: &str, lines: &[&str]) {
        for line in lines {
            assert!(text.lines().any(|told| told == *line), "no {line:?} in\n{text}");
        }
    }

    #[test]
    fn all_are_counted_and_the_first_hundred_are_named() {
        let mut report = of(Purpose::Check);
        report.counts.insert(Count::Users, 1_234_567);
        report.count(Count::Locked);
        report.leave(Left::Expired, Kind::AccessToken);
        for index in 0..1_150 {
            report.skip(Reason::ForeignServer, Kind::User, || format!("@u{index}\u{1b}[2J\u{202e}:elsewhere"));
        }
        report.skip(Reason::Medium, Kind::Phone, || "x of @alice:hs.test".to_owned());
        let text = report.to_string();
        let lines = [
            "Will be imported",
            "  1,234,567  users",
            "          1    locked: they stay out until they are unlocked",
            "  1  access tokens that have expired",
            "Cannot be imported, and why",
            "  1,150 users: the name belongs to another server",
            "      @u0\\u{1b}[2J\\u{202e}:elsewhere",
            "      … and 1,050 more",
            "  1 contact: Keymaker knows no contacts of that kind",
        ];
        assert_lines(&text, &lines);
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
        assert!(text.ends_with("\nThe import can go ahead. Nothing was changed."), "{text}");
    }

    #[test]
    fn advice_is_wrapped_and_what_is_due_keeps_the_import_waiting() {
        let due = vec![advice(Place::Keymaker, true), advice(Place::Homeserver, false)];
        let report = Report { advice: due, ..of(Purpose::Import) };
        let text = report.to_string();
        assert!(!report.can_go_ahead() && report.is_refused());
        assert!(text.contains("\n  First: passwords.schemes: word word"), "{text}");
        assert!(text.contains("\n        schemes: []\n"), "{text}");
        assert!(text.find("homeserver.yaml") < text.find("Keymaker's configuration"));
        assert!(
            text.ends_with("\nThe import has to wait for what is marked with “First”. Nothing was changed."),
            "{text}"
        );
        assert_lines(&text, &["  1. Make the changes that are marked with “First”.", "  2. Check again:"]);
    }

    #[test]
    fn strict_lets_nothing_stay_behind() {
        let mut report = Report { is_strict: true, ..of(Purpose::Import) };
        assert!(!report.is_refused());
        report.skip(Reason::UserMissing, Kind::Device, || "@gone:hs.test, device GONE".to_owned());
        let text = report.to_string();
        assert!(report.is_refused() && report.can_go_ahead());
        assert_lines(&text, &["Cannot be imported, and why", "  2. Check again:"]);
        let last = text.lines().last().unwrap_or_default();
        assert!(last.starts_with("With --strict the import has to wait") && last.ends_with("Nothing was changed."));

        report.is_strict = false;
        let text = report.to_string();
        assert!(!report.is_refused());
        assert_lines(&text, &["Not imported, and why"]);
    }

    #[test]
    fn the_last_line_says_what_was_done_and_the_steps_before_it_what_comes_next() {
        for (purpose, title, last, command) in [
            (Purpose::Check, "Will be imported", "The import can go ahead. Nothing was changed.", "--dry-run"),
            (
                Purpose::DryRun,
                "Would be imported",
                "The import can go ahead. It was tried with a copy, which is gone again. Nothing was changed.",
                "--synapse-config homeserver.yaml",
            ),
            (Purpose::Import, "Imported", "The import is done. Synapse's database was only read.", "import verify"),
        ] {
            let mut report = Report { is_first: true, target: Some("a database".to_owned()), ..of(purpose) };
            report.count(Count::Users);
            let text = report.to_string();
            assert_lines(&text, &["Into: a database", title, last]);
            assert!(text.ends_with(last) && !text.contains("Since the last import"), "{text}");
            let steps = text.split_once("\nNext steps\n").map_or("", |(_, steps)| steps);
            assert!(steps.contains(command) && steps.contains("docs/migration.md"), "{text}");
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        }
    }

    #[test]
    fn a_later_import_tells_what_is_different() {
        let mut report = of(Purpose::Import);
        assert_lines(&report.to_string(), &["Since the last import", "  nothing has changed"]);
        report.change(Kind::User, Change::Added);
        report.changes.insert((Kind::Device, Change::Removed), 12_345_678);
        report.change(Kind::Device, Change::Changed);
        let lines = [
            "Since the last import",
            "  added  changed     removed",
            "      1        0           0  users",
            "      0        1  12,345,678  devices",
        ];
        assert_lines(&report.to_string(), &lines);
        report.advice.push(advice(Place::Keymaker, true));
        assert!(!report.to_string().contains("Since the last import"), "nothing was compared");
    }

    #[test]
    fn it_is_told_how_long_it_took() {
        let mut report = Report { verified: Some(1), ..of(Purpose::DryRun) };
        report.counts.extend([
            (Count::Users, 2_000),
            (Count::Guests, 500),
            (Count::Passwords, 1_900),
            (Count::Devices, 1_001),
            (Count::LostDevices, 1),
        ]);
        report.skip(Reason::UnknownHash, Kind::Password, || "@alice:hs.test".to_owned());
        report.leave(Left::Guest, Kind::Device);
        for (took, line) in [
            (Duration::from_millis(250), "3,001 rows in 0.2 seconds."),
            (Duration::from_millis(2_500), "3,001 rows in 2.5 seconds, 1,200 a second."),
            (Duration::from_secs(30), "3,001 rows in 30 seconds, 100 a second."),
            (Duration::from_secs(130), "3,001 rows in 2 minutes 10 seconds, 23 a second."),
        ] {
            report.took = Some(took);
            let compared = "1 row compared with Synapse afterwards: everything is the same.";
            assert_lines(&report.to_string(), &[line, compared]);
        }
    }
}
