//! E-mail addresses in the one form in which they are stored and compared (spec CMP-11).

/// Gives the canonical form: case folding for what stands before the `@`, lower case for the domain, as homeservers
/// do it (Matrix appendices, "E-mail"). Nothing when it has no such shape.
pub fn canonical(address: &str) -> Option<String> {
    let (local, domain) = address.split_once('@')?;
    let is_address = !local.is_empty() && !domain.is_empty() && !domain.contains('@');
    let is_printable = !address.chars().any(|c| c.is_control() || c.is_whitespace());
    (is_address && is_printable)
        .then(|| format!("{}@{}", caseless::default_case_fold_str(local), domain.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

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
