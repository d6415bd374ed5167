//! The authorization endpoint (spec area 3): what it refuses and to whom it says so, and what it answers.

mod errors;
mod pkce;
mod prompts;
mod responses;
mod scopes;
mod transactions;
