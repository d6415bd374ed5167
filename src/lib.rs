//! Keymaker, the authentication service of a Matrix homeserver.
//!
//! Folders are layers, and an arrow only ever points down:
//!
//! ```text
//! main → web, jobs, import → flows → store, crypto, remote, policy → domain
//!        (app, config, error, clock, language are visible to all but domain)
//! ```
//!
//! * `domain` – nouns and their rules: no I/O, nothing asynchronous, no clock
//! * `flows` – verbs, one file each, and the transaction boundary
//! * `store` – the only SQL; `store/db.rs` alone knows that there are two engines
//! * `crypto` – the only randomness, hashing and signing
//! * `remote` – the only outgoing network
//! * `policy` – what the operator forbids or requires, in Rego
//! * `web` – the only HTTP; `web/routes.rs` names every URL
//! * `jobs` – work after the response
//! * `import` – readers of other servers' databases, for accounts that move here
//!
//! A request takes at most the way route → handler → flow → store.

pub mod app;
pub mod clock;
pub mod config;
pub mod crypto;
pub mod domain;
pub mod error;
pub mod flows;
pub mod import;
pub mod jobs;
pub mod language;
pub mod policy;
pub mod remote;
pub mod server;
pub mod store;
pub mod telemetry;
pub mod web;
