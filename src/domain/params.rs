//! The parameters of an OAuth request: a query or a form body (RFC 6749 §3.1, §3.2; spec CMN-03, CMN-04).

use std::collections::{BTreeMap, BTreeSet};

/// Parameters by name, and the names that came more than once.
#[derive(Default)]
pub struct Params {
    values: BTreeMap<String, String>,
    repeated: BTreeSet<String>,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text.
    pub fn parse(encoded: &[u8]) -> Self {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(encoded) {
            // A parameter without a value is treated as if it were omitted; it still may not come twice.
            if params.values.insert(name.clone().into_owned(), value.into_owned()).is_some() {
                params.repeated.insert(name.into_owned());
            }
        }
        params.values.retain(|_, value| !value.is_empty());
        params
    }

    /// Gives a parameter; an empty one counts as not sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Tells whether a parameter came more than once.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.repeated.contains(name)
    }

    /// Gives the name of a parameter that came more than once, if any did that may not.
    pub fn any_repeated(&self) -> Option<&str> {
        // RFC 8707 §2: `resource` may; we know no resources, so it is ignored.
        self.repeated.iter().map(String::as_str).find(|name| *name != "resource")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_parameters_are_found_and_empty_ones_are_absent() {
        // CMN-03, CMN-04
        let params = Params::parse(b"scope=a+b&state=x%20y&prompt=&client_id=1&client_id=2&nonce=&nonce=n");
        assert_eq!(params.get("scope"), Some("a b"));
        assert_eq!(params.get("state"), Some("x y"));
        assert_eq!(params.get("prompt"), None);
        assert!(params.is_repeated("client_id") && params.is_repeated("nonce") && !params.is_repeated("scope"));
        assert_eq!(params.any_repeated(), Some("client_id"));
        assert_eq!(Params::parse(b"").any_repeated(), None);
        assert_eq!(Params::parse(b"resource=a&resource=b").any_repeated(), None);
    }
}
