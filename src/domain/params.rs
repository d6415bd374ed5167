//! The parameters of an OAuth request: a query or a form body (RFC 6749 §3.1, §3.2; spec CMN-03, CMN-04).

use std::collections::{BTreeMap, BTreeSet};

/// Parameters by name, each with what came, and the names that came more than once.
#[derive(Clone, Default)]
pub struct Params {
    values: BTreeMap<String, Vec<String>>,
    repeated: BTreeSet<String>,
}

impl Params {
    /// Reads `application/x-www-form-urlencoded` text.
    pub fn parse(encoded: &[u8]) -> Self {
        let mut params = Self::default();
        for (name, value) in form_urlencoded::parse(encoded) {
            let values = params.values.entry(name.clone().into_owned()).or_default();
            // A parameter without a value is treated as if it were omitted; it still may not come twice.
            values.push(value.into_owned());
            if values.len() > 1 {
                params.repeated.insert(name.into_owned());
            }
        }
        params.values.values_mut().for_each(|values| values.retain(|value| !value.is_empty()));
        params
    }

    /// Gives a parameter; an empty one counts as not sent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).last().map(String::as_str)
    }

    /// Gives everything that a parameter that may come more than once was sent with.
    pub fn all(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// Tells whether a parameter came more than once.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.repeated.contains(name)
    }

    /// Gives the name of a parameter that came more than once, if any did that may not.
    pub fn any_repeated(&self) -> Option<&str> {
        // RFC 8707 §2: `resource` may.
        self.repeated.iter().map(String::as_str).find(|name| *name != "resource")
    }

    /// Gives the same without some parameters.
    pub fn without(&self, names: &[&str]) -> Self {
        let mut params = self.clone();
        params.values.retain(|name, _| !names.contains(&name.as_str()));
        params
    }

    /// Gives the same with one parameter set.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.values.insert(name.to_owned(), vec![value.to_owned()]);
        self
    }

    /// Writes what [`Self::parse`] reads.
    pub fn encode(&self) -> String {
        let pairs = self.values.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
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
        let resources = Params::parse(b"resource=a&resource=b&x=1&client_secret=s");
        assert_eq!((resources.any_repeated(), resources.all("resource").len()), (None, 2));
        let kept = resources.without(&["client_secret"]).with("client_id", "c&d").encode();
        assert_eq!(kept, "client_id=c%26d&resource=a&resource=b&x=1");
        assert_eq!(Params::parse(kept.as_bytes()).encode(), kept);
    }
}
