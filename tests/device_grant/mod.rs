//! The device authorization grant (RFC 8628, MSC4341; spec area 10).

mod guessing;
mod pages;
mod polling;
mod request;
