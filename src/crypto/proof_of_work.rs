//! Work that is dear to do and cheap to check: numbers whose hashes begin with zeros. It is done in several small pieces, so
//! that it takes nearly the same time whenever it is done.

use crate::crypto::secret::sha256;

/// How many pieces there are.
pub const PIECES: usize = 16;
/// Two to the power of this.
const PIECES_BITS: u32 = PIECES.ilog2();

/// Gives how many zeros each hash begins with when all the work takes two to the power of `difficulty` hashes on average.
pub fn zeros(difficulty: u8) -> u32 {
    u32::from(difficulty).saturating_sub(PIECES_BITS)
}

/// Tells whether the numbers solve a challenge: for each piece, the hash of the hash of the challenge, of the number of the
/// piece and of the number that was found, each of these in four bytes, begins with enough zeros.
pub fn is_solved(challenge: &str, difficulty: u8, numbers: &[u32]) -> bool {
    let seed = sha256(challenge.as_bytes());
    let is_right = |(piece, number): (u32, &u32)| {
        let message = [seed.as_slice(), &piece.to_be_bytes(), &number.to_be_bytes()].concat();
        leading_zeros(&sha256(&message)) >= zeros(difficulty)
    };
    numbers.len() == PIECES && (0..).zip(numbers).all(is_right)
}

/// Does the work, for whoever has no browser: it takes as long as it takes.
pub fn solve(challenge: &str, difficulty: u8) -> Vec<u32> {
    let seed = sha256(challenge.as_bytes());
    let pieces = (0..).take(PIECES).filter_map(|piece: u32| {
        let of = |number: &u32| sha256(&[seed.as_slice(), &piece.to_be_bytes(), &number.to_be_bytes()].concat());
        (0..u32::MAX).find(|number| leading_zeros(&of(number)) >= zeros(difficulty))
    });
    pieces.collect()
}

fn leading_zeros(hash: &[u8]) -> u32 {
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    let rest = hash.get(zeros).map_or(0, |byte| byte.leading_zeros());
    // A hash has 32 bytes.
    u32::try_from(zeros).unwrap_or(u32::MAX) * 8 + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_work_for_this_challenge_counts() {
        // SGN-06
        let numbers = solve("a challenge", 10);
        assert!(is_solved("a challenge", 10, &numbers) && is_solved("a challenge", 4, &numbers));
        assert!(!is_solved("another challenge", 10, &numbers));
        assert!(!is_solved("a challenge", 26, &numbers), "there is more work to do");
        assert!(!is_solved("a challenge", 10, &numbers[1..]) && !is_solved("a challenge", 10, &[]));
        assert!(!is_solved("a challenge", 10, &[numbers.as_slice(), &[0]].concat()));
        for piece in 0..PIECES {
            let mut wrong = numbers.clone();
            wrong[piece] = (wrong[piece] + 1..).find(|number| !is_solved_in(piece, *number, &numbers)).unwrap();
            assert!(!is_solved("a challenge", 10, &wrong), "piece {piece}");
        }
        let swapped: Vec<u32> = numbers.iter().rev().copied().collect();
        assert!(!is_solved("a challenge", 10, &swapped), "a piece is no other piece");
    }

    fn is_solved_in(piece: usize, number: u32, numbers: &[u32]) -> bool {
        let mut changed = numbers.to_vec();
        changed[piece] = number;
        is_solved("a challenge", 10, &changed)
    }

    #[test]
    fn zeros_are_counted_from_the_first_bit() {
        assert_eq!(leading_zeros(&[0x80]), 0);
        assert_eq!(leading_zeros(&[0x00, 0x1f]), 11);
        assert_eq!(leading_zeros(&[0x00, 0x00]), 16);
        assert_eq!((zeros(18), zeros(2)), (14, 0));
    }
}
