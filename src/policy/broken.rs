//! Why a policy cannot be used, with the file and the line.

use std::fmt;

/// What is broken: it decides which setting an administrator has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Rules,
    Data,
    DataFile,
}

/// A file that cannot be read, compiled or evaluated, or data that no rule could read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    part: Part,
    file: String,
    line: Option<u32>,
    reason: String,
}

impl Broken {
    /// Says what is wrong with a file of rules as a whole.
    pub fn file(file: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self { part: Part::Rules, file: file.into(), line: None, reason: reason.to_string() }
    }

    /// Says what is wrong with the data: those of the configuration, or those of a file.
    pub fn data(file: Option<&str>, reason: impl fmt::Display) -> Self {
        let part = if file.is_some() { Part::DataFile } else { Part::Data };
        Self { part, file: file.unwrap_or_default().to_owned(), line: None, reason: reason.to_string() }
    }

    /// Reads an error of the Rego engine, which shows the line of the file as compilers do:
    /// `--> FILE:LINE:COLUMN`, the line, and then `error: REASON`.
    pub fn read(error: &impl fmt::Display, fallback: &str) -> Self {
        let text = error.to_string();
        let place = text.lines().find_map(|line| line.trim_start().strip_prefix("--> "));
        let reason = text.lines().find_map(|line| line.split_once("error: ")).map(|(_, reason)| reason);
        let place = place.and_then(|place| {
            let (rest, _) = place.rsplit_once(':')?;
            let (file, line) = rest.rsplit_once(':')?;
            Some((file.to_owned(), line.parse().ok()?))
        });
        let (file, line) = match place {
            Some((file, line)) => (file, Some(line)),
            None => (fallback.to_owned(), None),
        };
        Self { part: Part::Rules, file, line, reason: reason.unwrap_or(&text).trim().to_owned() }
    }

    /// Gives the key of the configuration that leads here.
    pub fn key(&self) -> &'static str {
        match self.part {
            Part::Rules => "policy.files",
            Part::Data => "policy.data",
            Part::DataFile => "policy.data_file",
        }
    }

    /// Gives file and line alone: the reason may quote what was judged, which may be a password.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.file),
            None => self.file.clone(),
        }
    }

    /// Gives the reason alone.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gap = if self.file.is_empty() { "" } else { ": " };
        write!(f, "{}{gap}{}", self.place(), self.reason)
    }
}

impl std::error::Error for Broken {}
