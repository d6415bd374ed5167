//! The values whose text has rules of its own: secrets that never show, web addresses, networks, mailboxes.

use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use url::{Host, Url};

const HIDDEN: &str = "(hidden)";

/// A secret: it can be used, but neither printed nor serialised.
#[derive(Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(extend("format" = "password"))]
pub struct Sensitive(String);

impl Sensitive {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// Returns the secret itself, for the place that uses it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Sensitive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

/// An absolute http or https URL with a host, and without a user or password.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("format" = WebUrl::FORMAT))]
pub struct WebUrl(#[schemars(with = "String")] Url);

impl WebUrl {
    /// The name of this form of text in the schema.
    pub const FORMAT: &str = "web-url";

    /// Returns the address of a Keymaker that has not been told any.
    pub fn development() -> Self {
        Self(Url::parse("http://localhost:8080/").expect("a constant URL"))
    }

    /// Adds the slash without which a relative link would replace the last segment of the path.
    pub fn with_trailing_slash(mut self) -> Self {
        if !self.0.path().ends_with('/') {
            let path = format!("{}/", self.0.path());
            self.0.set_path(&path);
        }
        self
    }

    /// Tells whether the host is this machine, where plain http can be overheard by nobody else.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }
}

impl TryFrom<String> for WebUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let url = Url::parse(&text).map_err(|_| "not a URL")?;
        let web = matches!(url.scheme(), "http" | "https");
        let anonymous = url.username().is_empty() && url.password().is_none();
        (web && anonymous).then_some(Self(url)).ok_or("not a plain http or https URL")
    }
}

impl Deref for WebUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for WebUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

/// Somebody who sends or gets mail: an e-mail address, and perhaps a name (RFC 5322 §3.4).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("format" = Mailbox::FORMAT))]
pub struct Mailbox(#[schemars(with = "String")] lettre::message::Mailbox);

impl Mailbox {
    /// The name of this form of text in the schema.
    pub const FORMAT: &str = "mailbox";
}

impl TryFrom<String> for Mailbox {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self).map_err(|_| "not a mailbox")
    }
}

impl Deref for Mailbox {
    type Target = lettre::message::Mailbox;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Serialize for Mailbox {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A network in CIDR notation, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("format" = Network::FORMAT))]
pub struct Network(#[schemars(with = "String")] IpNet);

impl Network {
    /// The name of this form of text in the schema.
    pub const FORMAT: &str = "network";

    /// Returns the addresses by which a machine speaks to itself.
    pub fn loopback() -> Vec<Self> {
        ["127.0.0.0/8", "::1/128"].map(|text| Self(text.parse().expect("a constant network"))).to_vec()
    }
}

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let network = text.parse::<IpNet>().ok();
        let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
        network.or_else(address).map(Self).ok_or("not a network")
    }
}

impl Deref for Network {
    type Target = IpNet;

    fn deref(&self) -> &IpNet {
        &self.0
    }
}

impl Serialize for Network {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
