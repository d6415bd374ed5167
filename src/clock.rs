//! The only source of the time: the system's clock, or one that a test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Gives Unix milliseconds.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// How far a test moved the clock; zero otherwise.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// Gives the time in Unix milliseconds.
    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX) + self.offset.load(Ordering::Relaxed)
    }

    /// Moves this clock, and every clone of it.
    pub fn advance(&self, milliseconds: i64) {
        self.offset.fetch_add(milliseconds, Ordering::Relaxed);
    }
}

pub const SECOND: i64 = 1_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;
