//! Which of our signing keys signs, and which are only published or believed (spec KEY-03 to KEY-05). It is told by moments in
//! the database and the time alone, so that all replicas agree.

use super::{
    signing_alg::SigningAlg,
    time::{DAY, HOUR},
};

/// How long a key is still published after the last token that it signed was issued: an ID token says for an hour that it is
/// good, and a replica's clock may be behind.
pub const STILL_PUBLISHED: i64 = 2 * HOUR;
/// How long an ID token is still believed as a hint after the key that signed it retired.
pub const STILL_BELIEVED: i64 = 365 * DAY;

/// When a key came and goes. Times are Unix milliseconds.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    pub kid: String,
    pub alg: SigningAlg,
    /// The place of a key in the configuration; none for a key of the database.
    pub configured: Option<usize>,
    pub created_at: i64,
    pub activates_at: i64,
    pub revoked_at: Option<i64>,
}

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is published, and signs later.
    Next,
    Signs,
    /// It signs no longer. One of the configuration is published for as long as it stays there.
    Retired {
        published_until: Option<i64>,
    },
    Revoked,
}

impl KeyState {
    /// Tells whether the public half is published.
    pub fn is_published(self, now: i64) -> bool {
        match self {
            KeyState::Next | KeyState::Signs => true,
            KeyState::Retired { published_until } => published_until.is_none_or(|until| until > now),
            KeyState::Revoked => false,
        }
    }
}

/// All keys that there are.
pub struct Ring(pub Vec<KeyRecord>);

impl Ring {
    /// Finds the key of an algorithm that signs at a moment. Nothing when it was revoked: one that came before it must not come
    /// back.
    pub fn signing(&self, alg: SigningAlg, now: i64) -> Option<&KeyRecord> {
        self.newest(alg, now).filter(|key| key.revoked_at.is_none())
    }

    /// Finds the key of an algorithm that is to sign next.
    pub fn next(&self, alg: SigningAlg, now: i64) -> Option<&KeyRecord> {
        self.of(alg).filter(|key| key.activates_at > now && key.revoked_at.is_none()).min_by_key(|key| key.activates_at)
    }

    /// Finds a key by its id.
    pub fn find(&self, kid: &str) -> Option<&KeyRecord> {
        self.0.iter().find(|key| key.kid == kid)
    }

    /// Tells what a key of this ring is good for.
    pub fn state(&self, key: &KeyRecord, now: i64) -> KeyState {
        if key.revoked_at.is_some() {
            return KeyState::Revoked;
        }
        if key.activates_at > now {
            return KeyState::Next;
        }
        if self.newest(key.alg, now).is_some_and(|newest| newest.kid == key.kid) {
            return KeyState::Signs;
        }
        let published_until = self.retired_at(key, now).filter(|_| key.configured.is_none());
        KeyState::Retired { published_until: published_until.map(|at| at + STILL_PUBLISHED) }
    }

    /// Gives the moment from which another key signed in place of this one; none where that is not known, because it is the
    /// configuration that came later.
    pub fn retired_at(&self, key: &KeyRecord, now: i64) -> Option<i64> {
        let later = self.of(key.alg).map(|other| other.activates_at);
        later.filter(|at| *at > key.activates_at && *at <= now).min()
    }

    fn of(&self, alg: SigningAlg) -> impl Iterator<Item = &KeyRecord> {
        self.0.iter().filter(move |key| key.alg == alg)
    }

    /// Of keys that were never activated by a rotation, the first of the configuration comes first.
    fn newest(&self, alg: SigningAlg, now: i64) -> Option<&KeyRecord> {
        let activated = self.of(alg).filter(|key| key.activates_at <= now);
        activated.max_by_key(|key| {
            let place = key.configured.map(std::cmp::Reverse);
            (key.activates_at, place.is_some(), place, key.kid.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str, configured: Option<usize>, activates_at: i64) -> KeyRecord {
        let alg = SigningAlg::RS256;
        KeyRecord { kid: kid.to_owned(), alg, configured, created_at: 0, activates_at, revoked_at: None }
    }

    fn signing(ring: &Ring, now: i64) -> Option<&str> {
        ring.signing(SigningAlg::RS256, now).map(|key| key.kid.as_str())
    }

    #[test]
    fn the_first_key_of_the_configuration_signs_until_a_rotation() {
        let mut ring = Ring(vec![key("made", None, 0), key("a", Some(0), 0), key("b", Some(1), 0)]);
        assert_eq!(signing(&ring, 1000), Some("a"));
        ring.0.push(key("rotated", None, 2000));
        assert_eq!((signing(&ring, 1999), signing(&ring, 2000)), (Some("a"), Some("rotated")));
        assert_eq!(ring.state(&ring.0[3], 1999), KeyState::Next);
        let states = |now| ring.0.iter().map(|key| ring.state(key, now)).collect::<Vec<_>>();
        let known = KeyState::Retired { published_until: Some(2000 + STILL_PUBLISHED) };
        let configured = KeyState::Retired { published_until: None };
        assert_eq!(states(1000), [configured, KeyState::Signs, configured, KeyState::Next]);
        assert_eq!(states(3000), [known, configured, configured, KeyState::Signs]);
        assert!(known.is_published(1999 + STILL_PUBLISHED) && !known.is_published(2000 + STILL_PUBLISHED));
        assert!(configured.is_published(i64::MAX));
        assert_eq!(ring.signing(SigningAlg::ES256, 3000).map(|key| &key.kid), None);
    }

    #[test]
    fn the_key_before_a_revoked_one_does_not_come_back() {
        // KEY-04
        let mut ring = Ring(vec![key("old", None, 0), key("leaked", None, 10)]);
        ring.0[1].revoked_at = Some(20);
        assert_eq!(signing(&ring, 30), None);
        assert_eq!(ring.state(&ring.0[0], 30), KeyState::Retired { published_until: Some(10 + STILL_PUBLISHED) });
        assert!(!ring.state(&ring.0[1], 30).is_published(30));
        ring.0.push(key("fresh", None, 30));
        assert_eq!(signing(&ring, 30), Some("fresh"));
        assert_eq!(ring.retired_at(&ring.0[0], 30), Some(10));
    }
}
