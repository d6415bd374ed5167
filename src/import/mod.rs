//! Readers of other servers' databases, for accounts that move here: what is there, what comes along, what has to change.
//! A source is only ever read; what comes along is written by `flows::import`.

pub mod progress;
pub mod report;
pub mod synapse;
