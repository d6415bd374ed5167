//! What people prove with beside a password, and what each sensitive act wants to be proved (spec area 17, INV-06). The real
//! authenticator of a browser has its stories in `browser`.

mod acts;
mod classes;
mod passkeys;
mod recovery_codes;
mod requiring;
mod totp;
