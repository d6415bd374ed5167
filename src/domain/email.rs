//! E-mail addresses in the one form in which they are stored and compared (spec CMP-11), and what can be wrong with one that
//! somebody wants to add.

use thiserror::Error;

/// The longest address that mail can be sent to (RFC 5321 §4.5.3.1.3), in bytes.
const MOST_BYTES: usize = 254;

/// Why an address is not added to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EmailProblem {
    #[error("no mail is sent here, so no address can be confirmed")]
    Unavailable,
    #[error("this is no e-mail address")]
    Invalid,
    #[error("this e-mail address is on the account already")]
    Known,
    /// Told only to whoever showed that it is theirs, and to administrators.
    #[error("this e-mail address belongs to another account")]
    Taken,
    #[error("there are as many e-mail addresses as there can be; remove one first")]
    TooMany,
    #[error("too many codes were sent; the next one can be sent in {minutes} min")]
    Wait { minutes: i64 },
    #[error("the code is wrong")]
    WrongCode,
    #[error("the code is over; ask for another")]
    CodeOver,
    /// A sign-up needs one.
    #[error("an e-mail address has to be confirmed first")]
    Unconfirmed,
}

/// Gives the canonical form: case folding for what stands before the `@`, lower case for the domain, as homeservers
/// do it (Matrix appendices, "E-mail"). Nothing when it has no such shape.
pub fn canonical(address: &str) -> Option<String> {
    let (local, domain) = address.split_once('@')?;
    let is_address = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    let is_printable = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    (is_address && is_printable)
        .then(|| format!("{}@{}", caseless::default_case_fold_str(local), domain.to_lowercase()))
}

/// Reads an address that somebody typed and that mail can be sent to, into its canonical form.
pub fn typed(address: &str) -> Option<String> {
    let address = canonical(address.trim())?;
    let can_get_mail = address.len() <= MOST_BYTES && address.parse::<lettre::Address>().is_ok();
    can_get_mail.then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_has_to_be_able_to_get_mail() {
        let long = format!("{}@example.com", "a".repeat(250));
        let table = [
            (" Alice@Example.com ", Some("alice@example.com")),
            ("a.b+c@mail.example.com", Some("a.b+c@mail.example.com")),
            ("alice@example.com, bob@example.com", None),
            ("Alice <alice@example.com>", None),
            ("alice@exam ple.com", None),
            ("alice@example.com\r\nBcc: bob@example.com", None),
            ("alice", None),
            ("", None),
            (&long, None),
        ];
        for (address, expected) in table {
            assert_eq!(typed(address).as_deref(), expected, "{address:?}");
        }
    }

    #[test]
    fn an_address_is_one_address_in_every_case() {
        // CMP-11, TRP-31
        let table = [
            ("Alice@Example.COM", Some("alice@example.com")),
            ("Straße@example.com", Some("strasse@example.com")),
            ("STRASSE@example.com", Some("strasse@example.com")),
            ("alice", None),
            ("@example.com", None),
            ("alice@", None),
            ("alice@b@c", None),
            ("al ice@example.com", None),
            ("alice@exam\0ple.com", None),
        ];
        for (address, expected) in table {
            assert_eq!(canonical(address).as_deref(), expected, "{address:?}");
        }
    }
}
