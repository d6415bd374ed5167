//! The short code that a device shows and a person types (RFC 8628 §6.1; spec DVC-04): letters that nobody confuses and that
//! make no words, kept as a keyed hash. It is the only secret here that could be guessed, so how many guesses there are is
//! counted, and codes are longer while somebody guesses.

use aws_lc_rs::hmac;

use crate::{
    crypto::{random, secret::Secret},
    domain::id::DeviceGrantId,
};

const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// How many letters stand together.
const GROUP: usize = 4;
/// More than anybody types around a code; what is longer is not looked at.
const MOST_TYPED: usize = 64;

/// How long a code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// 34.5 bits.
    Usual,
    /// 51.8 bits, for while somebody guesses.
    Long,
}

impl Length {
    pub const ALL: [Self; 2] = [Self::Usual, Self::Long];

    /// Gives the number of letters.
    pub fn letters(self) -> usize {
        match self {
            Self::Usual => 8,
            Self::Long => 12,
        }
    }
}

/// A code, without what stands between its letters.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode {
    letters: String,
    pub length: Length,
}

impl UserCode {
    /// Makes a code.
    pub fn generate(length: Length) -> Self {
        // Of 2^128 numbers none falls noticeably more often on one code than on another.
        let mut value = u128::from_be_bytes(random::bytes());
        let mut letter = || {
            let letter = LETTERS[(value % 20) as usize];
            value /= 20;
            char::from(letter)
        };
        Self { letters: std::iter::repeat_with(&mut letter).take(length.letters()).collect(), length }
    }

    /// Reads what a person typed, in capitals or not, with anything between the letters (DVC-04); nothing when no code looks
    /// like it.
    pub fn parse(typed: &str) -> Option<Self> {
        if typed.chars().count() > MOST_TYPED {
            return None;
        }
        let capitals = typed.chars().map(|letter| letter.to_ascii_uppercase());
        let letters: String =
            capitals.filter(|letter| LETTERS.contains(&(u8::try_from(*letter).unwrap_or(0)))).collect();
        let length = Length::ALL.into_iter().find(|length| length.letters() == letters.len())?;
        Some(Self { letters, length })
    }

    /// Gives the code as people read it: `WDJB-MJHT`.
    pub fn shown(&self) -> String {
        let groups: Vec<&str> =
            (0..self.letters.len()).step_by(GROUP).map(|at| &self.letters[at..at + GROUP]).collect();
        groups.join("-")
    }

    /// Gives the hash under which the store knows it.
    pub fn hash(&self, key: &[u8; 32]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, format!("code {}", self.letters).as_bytes()).as_ref().to_vec()
    }
}

/// Makes what shows that a code was typed in a browser, so that a link to the question behind it leads nobody there who did
/// not type it.
pub fn entry(key: &[u8; 32], grant: &DeviceGrantId, browser: &Secret) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let tag = hmac::sign(&key, format!("entry {grant} {}", browser.expose()).as_bytes());
    hex::encode(&tag.as_ref()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Kind;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        // DVC-04
        let code = UserCode::parse("WDJB-MJHT").unwrap();
        assert_eq!((code.shown().as_str(), code.length), ("WDJB-MJHT", Length::Usual));
        for typed in ["wdjb mjht", " WDJBMJHT ", "w.d.j.b.m.j.h.t", "WDJB–MJHT", "w_d_jb/mj\tht", "aWDJBeMJHTu1"] {
            assert!(UserCode::parse(typed).is_some_and(|read| read == code), "{typed}");
        }
        let long = UserCode::parse("bcdf-ghjk-lmnp").unwrap();
        assert_eq!((long.shown().as_str(), long.length), ("BCDF-GHJK-LMNP", Length::Long));
        let endless = format!("{}WDJBMJHT", " ".repeat(100));
        for refused in ["", "WDJB-MJH", "WDJB-MJHTB", "AEIOUAEI", "12345678", "ЩDJBMJHT", &endless] {
            assert!(UserCode::parse(refused).is_none(), "{refused}");
        }
    }

    #[test]
    fn codes_use_every_letter_and_no_other() {
        for length in Length::ALL {
            let codes: Vec<UserCode> = (0..500).map(|_| UserCode::generate(length)).collect();
            assert!(codes.iter().all(|code| UserCode::parse(&code.shown()).is_some_and(|read| read == *code)));
            let all: String = codes.iter().map(|code| code.letters.as_str()).collect();
            assert!(LETTERS.iter().all(|letter| all.contains(char::from(*letter))));
        }
    }

    #[test]
    fn hashes_and_entries_belong_to_their_key() {
        let (code, grant) = (UserCode::generate(Length::Usual), DeviceGrantId::new("G"));
        assert_ne!(code.hash(&[1; 32]), code.hash(&[2; 32]));
        assert_ne!(code.hash(&[1; 32]), UserCode::generate(Length::Usual).hash(&[1; 32]));
        let (mine, yours) = (Secret::generate(Kind::Browser), Secret::generate(Kind::Browser));
        let tag = entry(&[1; 32], &grant, &mine);
        assert_eq!(tag, entry(&[1; 32], &grant, &mine));
        for other in [
            entry(&[2; 32], &grant, &mine),
            entry(&[1; 32], &DeviceGrantId::new("H"), &mine),
            entry(&[1; 32], &grant, &yours),
        ] {
            assert_ne!(tag, other);
        }
    }
}
