//! The only randomness, hashing and signing of the program.

pub mod keys;
pub mod password;
pub mod pkce;
pub mod random;
pub mod seal;
pub mod secret;
