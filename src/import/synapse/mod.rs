//! Reads a Synapse: its configuration, its database, and what of both a move to Keymaker takes along.

mod advice;
mod appservice;
mod check;
pub mod config;
pub mod database;
pub mod judge;
pub mod rows;

pub use advice::find_scheme;
pub use check::check;
