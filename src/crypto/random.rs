//! Randomness from the operating system's generator, by way of aws-lc.

use std::sync::Mutex;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use ulid::Ulid;

/// Fills an array with random bytes.
///
/// # Panics
/// Never in practice: aws-lc falls back to blocking reads. Going on without randomness would be worse than ending.
#[allow(clippy::expect_used)]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut buffer = [0; N];
    SystemRandom::new().fill(&mut buffer).expect("the operating system gives randomness");
    buffer
}

/// Makes a ULID for a moment in Unix milliseconds: 48 bits of time, 80 random bits.
pub fn ulid(now: i64) -> String {
    let random = u128::from_be_bytes(bytes());
    Ulid::from_parts(now.unsigned_abs(), random).to_string()
}

/// Makes a Matrix device id: ten capital letters and digits, as homeservers do.
pub fn device_id() -> String {
    const DIGITS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut value = u128::from_be_bytes(bytes());
    let mut digit = || {
        let digit = DIGITS[(value % 36) as usize];
        value /= 36;
        char::from(digit)
    };
    std::iter::repeat_with(&mut digit).take(10).collect()
}

static LAST_ORDERED: Mutex<u128> = Mutex::new(0);

/// Makes a ULID that sorts behind every one that this process made before, also within one millisecond.
///
/// It is predictable, so it names things that nobody has to guess: jobs.
pub fn ordered_ulid(now: i64) -> String {
    let fresh = Ulid::from_parts(now.unsigned_abs(), u128::from_be_bytes(bytes()) >> 1).0;
    let mut last = LAST_ORDERED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *last = fresh.max(last.saturating_add(1));
    Ulid(*last).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordered_ids_keep_their_order_within_one_millisecond() {
        let ids: Vec<String> = (0..1000).map(|_| ordered_ulid(1_790_000_000_000)).collect();
        assert!(ids.is_sorted());
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
