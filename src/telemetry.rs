//! The log. `RUST_LOG` chooses how much; it goes to standard error, so that commands can be piped.

use std::io::IsTerminal;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    filter::{FilterExt, filter_fn},
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    registry,
    util::SubscriberInitExt,
};

/// Libraries that, turned up, write down what goes over the wire: tokens, cookies, passwords (CMN-15).
const WIRE: [&str; 7] = ["h2", "hyper", "hyper_util", "lettre", "reqwest", "rustls", "tower_http"];

/// Makes a subscriber for these directives. None of them can make the wire visible, however precise it is.
pub fn subscriber<W>(directives: &str, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::new(directives).and(filter_fn(may_be_logged));
    let has_colours = std::io::stderr().is_terminal();
    registry().with(fmt::layer().with_writer(writer).with_ansi(has_colours).with_filter(filter))
}

fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let library = metadata.target().split("::").next().unwrap_or_default();
    *metadata.level() <= Level::INFO || !WIRE.contains(&library)
}

/// Starts logging, with these directives unless `RUST_LOG` gives others.
pub fn install(default: &str) {
    let directives = std::env::var("RUST_LOG").unwrap_or_else(|_| default.to_owned());
    subscriber(&directives, std::io::stderr).init();
}
