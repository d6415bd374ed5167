//! The authorization endpoint (spec area 3): what it refuses and to whom it says so, and what it answers.

mod accounts;
mod claims;
mod consents;
mod errors;
mod form_post;
mod pkce;
mod prompts;
mod pushed;
mod responses;
mod scopes;
mod silent;
mod transactions;
