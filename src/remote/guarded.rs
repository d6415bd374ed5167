//! Requests to addresses that a client or anybody else who is not the operator chose (INV-12): over https, to a public
//! address and to no other, within five seconds and 64 KiB, without redirects and without a proxy of the environment.
//!
//! The address that was checked is the one that is connected to, because it is the resolver that checks: a name that leads
//! elsewhere a moment later finds nobody who asks it again. A URL with an address instead of a name is checked before.
//!
//! Where Keymaker itself is reached only from its own machine (`http.public_base` is a loopback address) it is being
//! developed or tested, and applications on the same machine are called too.

mod address;

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Certificate, ClientBuilder,
    dns::{Addrs, Name, Resolve, Resolving},
};
use url::{Host, Url};

use crate::remote::http::{Answer, HttpError, read};

pub use address::is_public;

/// How long an answer may take, from the look-up of the name to its last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// A client for those requests; cheap to clone.
#[derive(Clone)]
pub struct Guarded {
    client: reqwest::Client,
    reach: Reach,
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Public,
    /// This machine too, even over plain http.
    AlsoThisMachine,
}

impl Reach {
    fn allows(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::AlsoThisMachine && address.is_loopback())
    }
}

impl Guarded {
    /// Builds the client of a service that is reached at this address.
    ///
    /// # Errors
    /// When the TLS configuration of this machine cannot be read.
    pub fn new(is_only_here: bool) -> reqwest::Result<Self> {
        let reach = if is_only_here { Reach::AlsoThisMachine } else { Reach::Public };
        Self::build(reach, BTreeMap::new(), reqwest::Client::builder())
    }

    /// Builds one that finds some hosts on this machine and trusts their certificates, for the tests.
    ///
    /// # Errors
    /// When a certificate cannot be read.
    pub fn with_hosts(hosts: BTreeMap<String, IpAddr>, authority: Option<&[u8]>) -> reqwest::Result<Self> {
        let builder = match authority {
            Some(pem) => reqwest::Client::builder().tls_certs_only([Certificate::from_pem(pem)?]),
            None => reqwest::Client::builder(),
        };
        Self::build(Reach::AlsoThisMachine, hosts, builder)
    }

    fn build(reach: Reach, hosts: BTreeMap<String, IpAddr>, builder: ClientBuilder) -> reqwest::Result<Self> {
        let client = builder
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .https_only(reach == Reach::Public)
            .dns_resolver(Arc::new(Resolver { reach, hosts: Arc::new(hosts) }))
            .user_agent(concat!("Keymaker/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, reach })
    }

    /// Gets a document.
    ///
    /// # Errors
    /// `NotAllowed` when it is not to be asked for; `Unreachable` also when the answer takes too long; `TooLarge`.
    pub async fn get(&self, url: &str) -> Result<Answer, HttpError> {
        let url = self.check(url)?;
        read(self.client.get(url), MOST_BYTES).await
    }

    /// Posts a form.
    ///
    /// # Errors
    /// As `get`.
    pub async fn post_form(&self, url: &str, form: &[(&str, &str)]) -> Result<Answer, HttpError> {
        let url = self.check(url)?;
        read(self.client.post(url).form(form), MOST_BYTES).await
    }

    /// No resolver is asked about an address that stands in the URL.
    fn check(&self, url: &str) -> Result<Url, HttpError> {
        let url = Url::parse(url).map_err(|_| HttpError::NotAllowed)?;
        let (is_allowed, is_here) = match url.host().ok_or(HttpError::NotAllowed)? {
            Host::Domain(name) => (true, name == "localhost"),
            Host::Ipv4(address) => (self.reach.allows(address.into()), address.is_loopback()),
            Host::Ipv6(address) => (self.reach.allows(address.into()), address.is_loopback()),
        };
        let is_plain_here = url.scheme() == "http" && is_here && self.reach == Reach::AlsoThisMachine;
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let is_right = is_allowed && is_anonymous && (url.scheme() == "https" || is_plain_here);
        is_right.then_some(url).ok_or(HttpError::NotAllowed)
    }
}

/// Gives those addresses of a name that may be connected to.
struct Resolver {
    reach: Reach,
    hosts: Arc<BTreeMap<String, IpAddr>>,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, hosts) = (self.reach, self.hosts.clone());
        Box::pin(async move {
            if let Some(address) = hosts.get(name.as_str()) {
                return Ok(Box::new(std::iter::once(SocketAddr::new(*address, 0))) as Addrs);
            }
            // Port 0 stands for the one of the URL.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<_> = found.filter(|found| reach.allows(found.ip())).collect();
            if allowed.is_empty() {
                let problem = "the name leads to no public address";
                return Err(io::Error::new(io::ErrorKind::PermissionDenied, problem).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_only_public_addresses_are_asked() {
        // INV-12
        let (public, here) = (Guarded::new(false).unwrap(), Guarded::new(true).unwrap());
        let rows = [
            // (URL, in production, where everything is on this machine)
            ("https://example.com/", true, true),
            ("https://example.com:8443/x?y", true, true),
            ("https://9.9.9.9/", true, true),
            ("https://[2620:fe::fe]/", true, true),
            ("http://example.com/", false, false),
            ("http://9.9.9.9/", false, false),
            ("https://user@example.com/", false, false),
            ("https://:pw@example.com/", false, false),
            ("ftp://example.com/", false, false),
            ("file:///etc/passwd", false, false),
            ("gopher://example.com/", false, false),
            ("data:text/plain,x", false, false),
            ("example.com", false, false),
            ("", false, false),
            ("https://127.0.0.1/", false, true),
            ("http://127.0.0.1:8080/", false, true),
            ("http://localhost:8080/", false, true),
            ("https://[::1]/", false, true),
            // Other spellings of the same addresses.
            ("https://2130706433/", false, true),
            ("https://0x7f.1/", false, true),
            ("https://0177.0.0.1/", false, true),
            ("https://[::ffff:127.0.0.1]/", false, false),
            ("https://[::ffff:7f00:1]/", false, false),
            ("https://[64:ff9b::7f00:1]/", false, false),
            ("https://169.254.169.254/latest/meta-data", false, false),
            ("https://[fd00:ec2::254]/", false, false),
            ("https://10.0.0.1/", false, false),
            ("https://0/", false, false),
        ];
        for (url, in_production, in_development) in rows {
            assert_eq!(public.check(url).is_ok(), in_production, "{url}");
            assert_eq!(here.check(url).is_ok(), in_development, "{url}");
        }
    }

    #[tokio::test]
    async fn a_name_is_judged_by_where_it_leads() {
        let resolver = |reach| Resolver { reach, hosts: Arc::default() };
        let found = |reach, name: &str| resolver(reach).resolve(name.parse().unwrap());
        assert!(found(Reach::Public, "localhost").await.is_err());
        let addresses = found(Reach::AlsoThisMachine, "localhost").await.unwrap_or_else(|error| panic!("{error}"));
        assert!(addresses.into_iter().all(|found| found.ip().is_loopback()));
        // The client asks this resolver and no other.
        let error = Guarded::new(false).unwrap().get("https://localhost:1/").await.unwrap_err();
        assert!(matches!(error, HttpError::Unreachable(_)), "{error}");
    }
}
