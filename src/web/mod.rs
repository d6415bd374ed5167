//! The only HTTP. `routes.rs` names every URL; a handler reads its request, asks one flow, and writes the answer.

pub mod discovery;
mod frame;
mod health;
mod matrix;
mod oauth;
pub mod pages;
mod refusal;
mod request;
mod routes;

pub use health::install_metrics;
pub use routes::{LINK_PAGES, Needs, PAGES, Page, SSO_PAGES, router};
