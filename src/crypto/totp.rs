//! Codes of authenticator apps (RFC 6238): SHA-1, six digits, thirty seconds, which is what the apps support (spec OTP-01).

use qrcode::{QrCode, render::svg};
use totp_rs::{Algorithm, Builder, Secret};

use crate::{crypto::random, domain::time::SECOND};

/// How long a code counts, in seconds.
const STEP: u64 = 30;
/// How many steps a clock may be wrong.
const SKEW: u16 = 1;

/// A seed: 160 random bits.
pub fn generate() -> [u8; 20] {
    random::bytes()
}

/// Gives the step whose code this is, within one step of a moment (Unix milliseconds); nothing when it is none (OTP-03).
pub fn step_of(seed: &[u8], code: &str, now: i64) -> Option<i64> {
    let code: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    if code.len() != 6 || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = u64::try_from(now / SECOND).ok()?;
    i64::try_from(builder(seed).build().ok()?.check(&code, seconds)?).ok()
}

/// Gives the `otpauth://` address that apps read out of the picture.
pub fn uri(seed: &[u8], issuer: &str, account: &str) -> Option<String> {
    // A colon separates issuer and account.
    let plain = |text: &str| text.replace(':', " ");
    let totp = builder(seed).with_issuer(Some(plain(issuer))).with_account_name(plain(account));
    totp.build().ok()?.to_url().ok()
}

/// Gives the seed as people type it, in groups of four.
pub fn readable(seed: &[u8]) -> String {
    let text = Secret::from(seed.to_vec()).to_base32();
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

/// Draws a text as a picture for cameras: the paths of an SVG of so many units a side, dark on light in every colour scheme.
pub fn picture(text: &str) -> Option<String> {
    let code = QrCode::new(text.as_bytes()).ok()?;
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(232, 232).quiet_zone(true).build();
    // Inside of HTML the declaration of a document of its own is in the way.
    drawn.find("<svg").map(|start| drawn[start..].to_owned())
}

fn builder(seed: &[u8]) -> Builder {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(SKEW)
        .with_step_duration(STEP)
        .with_secret(seed.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B.
    const SEED: &[u8] = b"12345678901234567890";

    #[test]
    fn the_codes_are_those_of_the_rfc() {
        // The last six of the eight digits of appendix B.
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924")] {
            assert_eq!(step_of(SEED, code, seconds * SECOND), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_one_step_before_and_after_and_in_any_spacing() {
        // OTP-03, OTP-04: the code of the steps around 1,111,111,109 seconds.
        let at = 1_111_111_109;
        let step = at / 30;
        for (offset, expected) in [(-61, None), (-30, Some(step)), (0, Some(step)), (30, Some(step)), (61, None)] {
            assert_eq!(step_of(SEED, "081804", (at + offset) * SECOND), expected, "{offset}");
        }
        assert_eq!(step_of(SEED, " 081 804 ", at * SECOND), Some(step));
        for refused in ["", "81804", "0818040", "08180a", "٠٨١٨٠٤"] {
            assert_eq!(step_of(SEED, refused, at * SECOND), None, "{refused}");
        }
    }

    #[test]
    fn the_address_and_the_picture_hold_what_an_app_needs() {
        // OTP-01
        let uri = uri(SEED, "auth.example.com:8448", "alice").unwrap();
        assert!(uri.starts_with("otpauth://totp/auth.example.com%208448:alice?"), "{uri}");
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
        assert!(uri.contains("issuer=auth.example.com%208448"), "{uri}");
        assert_eq!(readable(SEED), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let picture = picture(&uri).unwrap();
        assert!(picture.starts_with("<svg") && !picture.contains("<?xml"));
    }
}
