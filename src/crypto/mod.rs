//! The only randomness, hashing and signing of the program.

pub mod email_code;
pub mod jws;
pub mod keys;
pub mod password;
pub mod pkce;
pub mod proof_of_work;
pub mod random;
pub mod recovery_code;
pub mod seal;
pub mod secret;
pub mod totp;
pub mod user_code;
