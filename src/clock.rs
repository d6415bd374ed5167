//! The only source of the time: the system's clock, or one that a test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

pub use crate::domain::time::{DAY, HOUR, MINUTE, SECOND};

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
