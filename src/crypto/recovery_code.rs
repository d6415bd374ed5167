//! Recovery codes: eighty random bits, in letters that nobody confuses, kept as a keyed hash (spec RCV-01, INV-03).

use aws_lc_rs::hmac;

use crate::{crypto::random, domain::id::UserId};

/// How many somebody gets.
pub const COUNT: usize = 10;
/// Crockford's: without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LETTERS: usize = 16;

/// Makes a code: four groups of four.
pub fn generate() -> String {
    let letters = random::bytes::<LETTERS>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// Gives the hash that the store keeps of a code, however it was typed; nothing when no code looks like it.
pub fn hash(key: &[u8; 32], user: &UserId, typed: &str) -> Option<Vec<u8>> {
    let mut code = String::with_capacity(LETTERS);
    for letter in typed.chars().filter(|letter| !letter.is_whitespace() && *letter != '-').take(LETTERS + 1) {
        code.push(match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            letter => letter,
        });
    }
    let is_code = code.len() == LETTERS && code.bytes().all(|byte| ALPHABET.contains(&byte));
    let tag = || hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("{user} {code}").as_bytes());
    is_code.then(|| tag().as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_known_in_every_way_of_typing_it_and_to_its_account_alone() {
        let (alice, bob) = (UserId::new("A"), UserId::new("B"));
        let code = generate();
        assert_eq!(code.len(), LETTERS + 3);
        let known = hash(&[1; 32], &alice, &code).unwrap();
        for typed in [code.to_lowercase(), code.replace('-', " "), code.replace('-', ""), code.replace('0', "o")] {
            assert_eq!(hash(&[1; 32], &alice, &typed), Some(known.clone()), "{typed}");
        }
        assert_ne!(hash(&[1; 32], &bob, &code).unwrap(), known);
        assert_ne!(hash(&[2; 32], &alice, &code).unwrap(), known);
        for refused in ["", "ABCD", "ABCD-ABCD-ABCD-ABC!", &"A".repeat(17), "éééééééééééééééé"] {
            assert_eq!(hash(&[1; 32], &alice, refused), None, "{refused}");
        }
    }
}
