//! The log. `RUST_LOG` chooses how much; it goes to standard error, so that commands can be piped.

use tracing_subscriber::{EnvFilter, filter::Directive};

/// Libraries that at TRACE write down what went over the wire: tokens, cookies, passwords (CMN-15).
const NEVER_VERBOSE: [&str; 5] = ["h2=info", "hyper=info", "hyper_util=info", "rustls=info", "reqwest=info"];

/// Gives the filter for these directives, which can never make the wire visible.
pub fn filter(directives: &str) -> EnvFilter {
    NEVER_VERBOSE
        .iter()
        .filter_map(|directive| directive.parse::<Directive>().ok())
        .fold(EnvFilter::new(directives), EnvFilter::add_directive)
}

/// Starts logging.
pub fn install() {
    let directives = std::env::var("RUST_LOG").unwrap_or_else(|_| "info,sqlx=warn".to_owned());
    tracing_subscriber::fmt().with_env_filter(filter(&directives)).with_writer(std::io::stderr).init();
}
