//! What lets somebody sign up where not everybody may: the grammar of tokens (spec SGN-04, Matrix 1.2), and what can be wrong
//! with one.

use thiserror::Error;

/// The longest token there can be, in characters.
const MOST_CHARS: usize = 64;

/// Why a token does not let somebody sign up. Which tokens there are, and what became of them, is no visitor's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RegistrationTokenProblem {
    #[error("a registration token is needed")]
    Missing,
    #[error("the registration token is unknown, expired, used up or revoked")]
    Refused,
}

/// Reads what somebody types or chooses; nothing when no token can look like it (the opaque identifier grammar).
pub fn read(typed: &str) -> Option<&str> {
    let token = typed.trim();
    let is_opaque = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'~' | b'-');
    ((1..=MOST_CHARS).contains(&token.len()) && token.bytes().all(is_opaque)).then_some(token)
}

/// Gives the first characters of a token, by which its maker knows it again: at most a quarter of it.
pub fn head(token: &str) -> &str {
    // The grammar is ASCII.
    token.get(..(token.len() / 4).min(8)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_an_opaque_identifier_of_at_most_64_characters() {
        // SGN-04
        let (longest, too_long) = ("x".repeat(64), "x".repeat(65));
        let table = [
            ("welcome-2026", Some("welcome-2026")),
            (" A.b_c~d-0 ", Some("A.b_c~d-0")),
            (&longest, Some(longest.as_str())),
            (&too_long, None),
            ("", None),
            ("  ", None),
            ("two words", None),
            ("é", None),
            ("a/b", None),
            ("a\0", None),
        ];
        for (typed, expected) in table {
            assert_eq!(read(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn little_of_a_token_is_shown() {
        for (token, shown) in [("abc", ""), ("welcome", "w"), ("welcome-2026", "wel"), (&"x".repeat(64), "xxxxxxxx")] {
            assert_eq!(head(token), shown);
        }
    }
}
