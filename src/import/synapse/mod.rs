//! Reads a Synapse: its configuration, its database, and what of both a move to Keymaker takes along.

mod advice;
mod appservice;
pub mod config;
pub mod database;
pub mod judge;
mod read;
pub mod rows;
mod run;

pub use advice::find_scheme;
pub use read::ReadError;
pub use run::{Failure, Move, Verified};
