//! The rules that a type cannot express: between keys, and about the strength of secrets. One small function a rule.
//! What is refused here would be a hole or a puzzle later: a secret that can be guessed, an issuer that can be overheard.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};

use url::Url;

use super::{
    Bind, Config, HomeserverKind, MailMode, MailTransport, Network, PasswordAlgorithm, Problem, Problems, Sensitive,
    WebUrl, clients, upstream,
};

/// Returns every rule that a configuration breaks.
pub fn problems(config: &Config) -> Vec<Problem> {
    let mut problems = Problems(Vec::new());
    check_http(config, &mut problems);
    check_database(config, &mut problems);
    check_matrix(config, &mut problems);
    config.secrets.check(&mut problems);
    check_passwords(config, &mut problems);
    check_account(config, &mut problems);
    check_email(config, &mut problems);
    config.captcha.check(&mut problems);
    config.authorization.check(&mut problems);
    config.rate_limiting.check(&mut problems);
    upstream::check(config, &mut problems);
    clients::check(config, &mut problems);
    super::policy::check(config, &mut problems);
    problems.0
}

fn check_http(config: &Config, problems: &mut Problems) {
    let http = &config.http;
    check_address("http.public_base", &http.public_base, problems);
    if let Some(issuer) = &http.issuer {
        check_address("http.issuer", issuer, problems);
    }
    if http.listeners.is_empty() {
        problems.add("http.listeners", "name at least one listener");
    }
    for (index, listener) in http.listeners.iter().enumerate() {
        let path = format!("http.listeners[{index}].binds");
        if listener.binds.is_empty() {
            problems.add(&path, "name at least one address to listen on");
        }
        for (index, bind) in listener.binds.iter().enumerate() {
            check_bind(&format!("{path}[{index}]"), bind, problems);
        }
    }
    // INV-11: a proxy that is everybody would let anybody choose the address by which they are counted.
    let everybody = |network: &Network| network.prefix_len() == 0;
    if http.trusted_proxies.iter().any(everybody) {
        let message = "trusts everybody; name only the networks of your own reverse proxies";
        problems.add("http.trusted_proxies", message);
    }
}

fn check_address(path: &str, url: &WebUrl, problems: &mut Problems) {
    // RFC 8414 §2: the issuer is https, and has neither a query nor a fragment.
    if url.scheme() != "https" && !url.is_loopback() {
        let message = "must start with https://; plain http is only for localhost, 127.0.0.1 and [::1]";
        problems.add(path, message);
    }
    if url.query().is_some() || url.fragment().is_some() {
        problems.add(path, "must have neither a query (?) nor a fragment (#)");
    }
}

fn check_bind(path: &str, bind: &Bind, problems: &mut Problems) {
    let message = match (&bind.address, &bind.host, bind.port) {
        (Some(_), None, None) | (None, Some(_), Some(_)) if has_host_and_port(&bind.address()) => {
            return;
        }
        (Some(_), None, None) => "must be a host and a port, such as localhost:8080 or [::]:8080",
        (Some(_), ..) => "give either `address`, or `host` and `port`",
        (None, Some(host), Some(_)) if !host.is_empty() => "the host is not a name or an address",
        (None, ..) => "give `address`, or both `host` and `port`",
    };
    problems.add(path, message);
}

fn has_host_and_port(address: &str) -> bool {
    let Some((host, port)) = address.rsplit_once(':') else {
        return false;
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let bracketed = inner.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok());
    let plain = !host.contains([':', '[', ']', '/', ' ']);
    !host.is_empty() && (bracketed || plain) && port.parse::<u16>().is_ok()
}

fn check_database(config: &Config, problems: &mut Problems) {
    let known = ["sqlite://", "postgresql://", "postgres://"];
    let uri = config.database.uri();
    if !known.iter().any(|scheme| uri.starts_with(scheme)) {
        problems.add("database.uri", "must start with sqlite:// or postgresql://");
    }
}

fn check_matrix(config: &Config, problems: &mut Problems) {
    let matrix = &config.matrix;
    if let Some(name) = &matrix.homeserver
        && !is_server_name(name)
    {
        let message = "must be a server name such as example.com, without https:// and slashes";
        problems.add("matrix.homeserver", message);
    }
    if let Some(secret) = &matrix.secret {
        // It travels behind `Bearer`; Synapse cuts that header at its spaces and then finds no token at all.
        let is_sendable = secret.expose().bytes().all(|b| b.is_ascii_graphic());
        let unsendable = (!is_sendable).then_some("must be of ASCII letters, digits and signs, without spaces");
        if let Some(problem) = weakness(secret).or(unsendable) {
            problems.add("matrix.secret", problem);
        }
    }
    if matrix.kind != HomeserverKind::Synapse {
        return;
    }
    let required = [
        ("matrix.homeserver", matrix.homeserver.is_none()),
        ("matrix.endpoint", matrix.endpoint.is_none()),
        ("matrix.secret", matrix.secret.is_none()),
    ];
    for (path, _) in required.iter().filter(|(_, missing)| *missing) {
        problems.add(*path, "is required when `matrix.kind` is \"synapse\"");
    }
}

fn is_server_name(name: &str) -> bool {
    // Matrix appendices, server names: a host or an address, and perhaps a port; no URL around it.
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte);
    let parsed = Url::parse(&format!("http://{name}/"));
    !name.is_empty() && name.len() <= 230 && name.bytes().all(allowed) && parsed.is_ok()
}

fn check_passwords(config: &Config, problems: &mut Problems) {
    let schemes = &config.passwords.schemes;
    if schemes.is_empty() && config.passwords.enabled {
        problems.add("passwords.schemes", "name at least one scheme, or set `passwords.enabled` to false");
    }
    let mut versions = HashSet::new();
    for (index, scheme) in schemes.iter().enumerate() {
        let path = format!("passwords.schemes[{index}]");
        if !versions.insert(scheme.version) {
            problems.add(format!("{path}.version"), "is the version of another scheme too");
        }
        if scheme.cost.is_some() && scheme.algorithm != PasswordAlgorithm::Bcrypt {
            problems.add(format!("{path}.cost"), "is only for the algorithm bcrypt");
        }
    }
}

fn check_account(config: &Config, problems: &mut Problems) {
    let account = &config.account;
    if account.password_registration_enabled && !config.passwords.enabled {
        problems.add("account.password_registration_enabled", "needs `passwords.enabled`: nobody could sign in again");
    }
    if account.password_registration_email_required && config.email.transport == MailTransport::Blackhole {
        let message = "needs an `email.transport`: nobody would get a code";
        problems.add("account.password_registration_email_required", message);
    }
    if !account.registration_approval_notify.is_empty() {
        let path = "account.registration_approval_notify";
        if config.email.transport == MailTransport::Blackhole {
            problems.add(path, "needs an `email.transport`: nobody would be told");
        }
        if !account.registration_approval_required {
            problems.add(path, "needs `account.registration_approval_required`: nobody would ever wait");
        }
    }
    let has_link = config.branding.tos_uri.as_ref().is_some_and(|uri| uri.scheme() == "https");
    if account.registration_terms_version.is_some() && !has_link {
        let message = "needs an https address of the terms, `branding.tos_uri`: nobody agrees to what cannot be read";
        problems.add("account.registration_terms_version", message);
    }
}

fn check_email(config: &Config, problems: &mut Problems) {
    let email = &config.email;
    if let Some(hostname) = &email.hostname
        && !is_host(hostname)
    {
        problems.add("email.hostname", "must be the name or the address of a host, without a port");
    }
    match (&email.username, &email.password) {
        (Some(_), None) => problems.add("email.password", "is required with `email.username`"),
        (None, Some(_)) => problems.add("email.username", "is required with `email.password`"),
        _ => {}
    }
    let is_over_the_wire = email.hostname.as_deref().is_some_and(|hostname| !is_this_machine(hostname));
    if email.mode == MailMode::Plain && email.password.is_some() && is_over_the_wire {
        let message =
            "\"plain\" would show the password to everybody on the way to another host: use \"tls\" or \"starttls\"";
        problems.add("email.mode", message);
    }
    let transport = email.transport;
    let required = [
        ("email.from", matches!(transport, MailTransport::Smtp | MailTransport::Sendmail) && email.from.is_none()),
        ("email.hostname", transport == MailTransport::Smtp && email.hostname.is_none()),
        ("email.folder", transport == MailTransport::Folder && email.folder.is_none()),
    ];
    for (path, _) in required.iter().filter(|(_, missing)| *missing) {
        problems.add(*path, "is required with this `email.transport`");
    }
}

fn is_host(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    text.parse::<IpAddr>().is_ok() || (!text.is_empty() && text.bytes().all(is_plain))
}

fn is_this_machine(hostname: &str) -> bool {
    hostname.parse::<IpAddr>().map_or(hostname == "localhost", |address| address.is_loopback())
}

pub(super) fn weakness(secret: &Sensitive) -> Option<&'static str> {
    if secret.expose().chars().count() < 16 {
        Some("is too short: use at least 16 random characters")
    } else if is_placeholder(secret.expose()) {
        Some("is a placeholder or a pattern: use at least 16 random characters")
    } else {
        None
    }
}

/// Tells a secret that was copied from documentation or typed as a pattern from one that was drawn.
fn is_placeholder(secret: &str) -> bool {
    const WORDS: [&str; 11] = [
        "changeme",
        "changethis",
        "replaceme",
        "replacethis",
        "placeholder",
        "example",
        "yoursecret",
        "somerandomsecret",
        "randomcharacters",
        "password",
        "default",
    ];
    let letters: String = secret
        .chars()
        .filter(|character| character.is_ascii_alphanumeric())
        .map(|character| character.to_ascii_lowercase())
        .collect();
    let different: HashSet<char> = secret.chars().collect();
    different.len() < 6 || WORDS.iter().any(|word| letters.contains(word))
}
