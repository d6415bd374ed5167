//! How often something may be done (spec area 19): the rules for every limiter, each door that one stands before, who is
//! known there, and how much is remembered.

mod doors;
mod known;
mod memory;
mod rules;

use keymaker::{
    app::App,
    domain::refusal::Refusal,
    error::{Error, Result},
    flows::limit::{self, Limiter},
};

use crate::support::Setup;

/// Two at once, and one in 833 seconds.
const TIGHT: &str = "{ burst: 2, per_second: 0.0012 }";
const BURST: usize = 2;

impl Setup {
    /// Sets one limit.
    fn limit(self, limiter: Limiter, value: &str) -> Self {
        self.with(format!("rate_limiting.{}", limiter.name()).leak(), value)
    }

    /// Sets every limit.
    fn every_limit(self, value: &str) -> Self {
        Limiter::ALL.into_iter().fold(self, |setup, limiter| setup.limit(limiter, value))
    }
}

/// Takes one, and gives the seconds to wait where none is left.
async fn take(app: &App, limiter: Limiter, key: &str) -> Option<i64> {
    seconds(limit::take(app, limiter, key).await)
}

fn seconds(result: Result<()>) -> Option<i64> {
    match result {
        Ok(()) => None,
        Err(Error::Refusal(Refusal::TooManyRequests { seconds })) => Some(seconds),
        Err(error) => panic!("{error}"),
    }
}
