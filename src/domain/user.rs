//! A person with an account, and the rules of names and passwords that need no I/O.

use thiserror::Error;

use crate::domain::id::UserId;

/// A row of `users`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct User {
    pub id: UserId,
    /// The Matrix localpart in the homeserver's exact spelling.
    pub username: String,
    pub display_name: Option<String>,
    pub is_admin: bool,
    pub created_at: i64,
    pub locked_at: Option<i64>,
    pub deactivated_at: Option<i64>,
    /// Since when the password alone opens no session of an older client (spec CMP-15).
    pub browser_login_required_at: Option<i64>,
    /// Since when a password alone signs in nowhere.
    pub second_factor_required_at: Option<i64>,
    /// Since when it waits for an administrator to approve it.
    pub approval_required_at: Option<i64>,
}

impl User {
    /// Gives the full Matrix user id on the homeserver with this server name.
    pub fn mxid(&self, server_name: &str) -> String {
        mxid(&self.username, server_name)
    }
}

/// Joins a localpart and a server name.
pub fn mxid(localpart: &str, server_name: &str) -> String {
    format!("@{localpart}:{server_name}")
}

/// Why a name cannot be chosen at sign-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UsernameProblem {
    #[error("it is empty")]
    Empty,
    #[error("only a-z, 0-9 and . _ = - / + are allowed")]
    Invalid,
    #[error("it is too long")]
    TooLong,
    #[error("it is reserved")]
    Reserved,
    #[error("it is taken")]
    Taken,
}

/// Checks a name that a person chooses (spec UPS-09) and gives it in its stored form.
///
/// Accounts that exist already are never judged by this: a historical name stays what it is.
pub fn choose_username(raw: &str, server_name: &str) -> Result<String, UsernameProblem> {
    let name = raw.trim();
    let name = name.strip_prefix('@').unwrap_or(name);
    // People type what they know their id by; only our own server part may be left on.
    let name = name.strip_suffix(&format!(":{server_name}")).unwrap_or(name).to_ascii_lowercase();
    if name.is_empty() {
        return Err(UsernameProblem::Empty);
    }
    if !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'=' | b'-' | b'/' | b'+')) {
        return Err(UsernameProblem::Invalid);
    }
    // Matrix appendices §User identifiers: the whole id has at most 255 bytes.
    if mxid(&name, server_name).len() > 255 {
        return Err(UsernameProblem::TooLong);
    }
    // Synapse keeps leading underscores for application services and numbers for guests.
    if name.starts_with('_') || name.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UsernameProblem::Reserved);
    }
    Ok(name)
}

/// The longest password that is looked at, in bytes: hashing costs time in proportion (INV-08).
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// The shortest password that anybody can choose, in characters (spec PWD-01).
pub const MIN_PASSWORD_CHARS: usize = 8;
/// The longest display name that Synapse accepts, in characters.
pub const MAX_DISPLAY_NAME_CHARS: usize = 256;

/// Brings a display name into its stored form; nothing when there is none.
pub fn display_name(raw: &str) -> Option<String> {
    let name: String = raw.trim().chars().filter(|c| !c.is_control()).take(MAX_DISPLAY_NAME_CHARS).collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_name_follows_the_localpart_grammar() {
        // UPS-09, SGN-02
        let long = "a".repeat(300);
        let table: &[(&str, Result<&str, UsernameProblem>)] = &[
            ("alice", Ok("alice")),
            (" Alice ", Ok("alice")),
            ("@alice:hs.test", Ok("alice")),
            ("a.b_c=d-e/f+1", Ok("a.b_c=d-e/f+1")),
            ("", Err(UsernameProblem::Empty)),
            ("@", Err(UsernameProblem::Empty)),
            ("al ice", Err(UsernameProblem::Invalid)),
            ("élise", Err(UsernameProblem::Invalid)),
            ("alice:other.test", Err(UsernameProblem::Invalid)),
            ("_bridge", Err(UsernameProblem::Reserved)),
            ("12345", Err(UsernameProblem::Reserved)),
            (&long, Err(UsernameProblem::TooLong)),
        ];
        for (raw, expected) in table {
            assert_eq!(choose_username(raw, "hs.test").as_deref(), expected.as_deref(), "{raw}");
        }
    }

    #[test]
    fn a_display_name_loses_its_control_characters_and_its_excess() {
        assert_eq!(display_name("  Alice\u{7} B. "), Some("Alice B.".to_owned()));
        assert_eq!(display_name(" \n "), None);
        assert_eq!(display_name(&"x".repeat(400)).map(|n| n.len()), Some(MAX_DISPLAY_NAME_CHARS));
    }
}
