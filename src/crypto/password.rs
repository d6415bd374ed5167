//! Passwords: hashing and verifying off the async threads, few at a time, with a short queue (INV-08), and the same
//! work for a user who does not exist (INV-06). Argon2id for new ones; bcrypt so that older accounts keep working.

use std::sync::Arc;

use argon2::{
    Argon2, Params,
    password_hash::{PasswordHasher, PasswordVerifier},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use unicode_normalization::UnicodeNormalization;

use crate::{
    config::{self, PasswordAlgorithm, Sensitive},
    crypto::random,
    domain::refusal::Refusal,
    error::Error,
};

/// A stored hash: a PHC string (or bcrypt's own format) and the scheme that made it.
#[derive(Clone, sqlx::FromRow)]
pub struct PasswordHash {
    pub version: i64,
    pub hash: String,
}

/// What came of a verification.
pub struct Verified {
    pub is_right: bool,
    /// A hash by the current scheme, when the stored one was made by an older one.
    pub upgrade: Option<PasswordHash>,
}

/// What a presented password is compared with.
pub enum Comparand {
    Stored(PasswordHash),
    /// Nothing, at the cost of a hash of this scheme that begins like this; of the current scheme when it is unknown.
    Nothing {
        version: i64,
        head: String,
    },
}

/// How many wait for a hashing thread before newcomers are told to come back (each hash takes tens of milliseconds).
const QUEUE_PER_THREAD: usize = 64;

/// A place in the queue for a hashing thread.
pub type Place = OwnedSemaphorePermit;

/// The password hasher of the process.
pub struct Passwords {
    schemes: Arc<[config::PasswordScheme]>,
    threads: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Passwords {
    /// Builds it from the configured schemes, the first of which makes new hashes.
    pub fn new(schemes: &[config::PasswordScheme]) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            schemes: schemes.into(),
            threads: Arc::new(Semaphore::new(threads)),
            queue: Arc::new(Semaphore::new(threads * QUEUE_PER_THREAD)),
        }
    }

    /// Takes a place in the queue; no check is cheaper when there is none (INV-08).
    ///
    /// # Errors
    /// `Busy` when the queue is full.
    pub fn take_place(&self) -> Result<Place, Refusal> {
        self.queue.clone().try_acquire_owned().map_err(|_| Refusal::Busy)
    }

    /// Hashes a new password with the current scheme.
    ///
    /// # Errors
    /// `Busy` when the queue is full.
    pub async fn hash(&self, password: &str) -> Result<PasswordHash, Error> {
        let (schemes, password) = (self.schemes.clone(), password.to_owned());
        self.run(self.take_place()?, move || {
            schemes.first().ok_or(Error::Internal("no password scheme"))?.hash(&password)
        })
        .await?
    }

    /// Verifies a password against a stored hash, or does the work of it against none.
    ///
    /// # Errors
    /// When the hasher fails.
    pub async fn verify(&self, place: Place, password: &str, comparand: Comparand) -> Result<Verified, Error> {
        let (schemes, password) = (self.schemes.clone(), password.to_owned());
        self.run(place, move || verify(&schemes, &password, &comparand)).await?
    }

    /// The permits go with the work: a caller who hangs up gives nothing back before the thread is done.
    async fn run<T: Send + 'static>(
        &self,
        place: Place,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let thread = self.threads.clone().acquire_owned().await;
        let thread = thread.map_err(|_| Error::Internal("the hashing threads are closed"))?;
        let work = move || {
            let result = work();
            drop((place, thread));
            result
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| Error::Internal("a hashing thread died"))
    }
}

fn verify(schemes: &[config::PasswordScheme], password: &str, comparand: &Comparand) -> Result<Verified, Error> {
    let current = schemes.first().ok_or(Error::Internal("no password scheme"))?;
    let find = |version: i64| schemes.iter().find(|scheme| i64::from(scheme.version) == version);
    let nobody = |scheme: &config::PasswordScheme, head: &str| {
        scheme.matches(password, &scheme.hash_of_nobody(head));
        Ok(Verified { is_right: false, upgrade: None })
    };
    let stored = match comparand {
        Comparand::Stored(stored) => stored,
        Comparand::Nothing { version, head } => return nobody(find(*version).unwrap_or(current), head),
    };
    let Some(made_by) = find(stored.version) else { return nobody(current, "") };
    let is_right = made_by.matches(password, &stored.hash);
    let is_outdated = is_right && stored.version != i64::from(current.version);
    let upgrade = if is_outdated { Some(current.hash(password)?) } else { None };
    Ok(Verified { is_right, upgrade })
}

/// OWASP's recommendation for argon2id: 19 MiB, two passes, one lane.
fn argon2_params() -> Params {
    Params::default()
}

impl config::PasswordScheme {
    fn hash(&self, password: &str) -> Result<PasswordHash, Error> {
        let failed = |_| Error::Internal("the password hasher failed");
        let input = self.input(password);
        let hash = match self.algorithm {
            PasswordAlgorithm::Argon2id => Argon2::from(argon2_params())
                .hash_password_with_salt(&input, &random::bytes::<16>())
                .map_err(failed)?
                .to_string(),
            PasswordAlgorithm::Bcrypt => bcrypt::hash_with_salt(bcrypt_input(&input), self.cost(), random::bytes())
                .map_err(|_| Error::Internal("the password hasher failed"))?
                .to_string(),
        };
        Ok(PasswordHash { version: i64::from(self.version), hash })
    }

    fn matches(&self, password: &str, hash: &str) -> bool {
        let input = self.input(password);
        match self.algorithm {
            PasswordAlgorithm::Argon2id => Argon2::default().verify_password(&input, hash).is_ok(),
            PasswordAlgorithm::Bcrypt => bcrypt::verify(bcrypt_input(&input), hash).unwrap_or(false),
        }
    }

    /// Gives a well-formed hash of this scheme that no password matches, and that costs as much to try as a real one
    /// with this head.
    fn hash_of_nobody(&self, head: &str) -> String {
        match self.algorithm {
            PasswordAlgorithm::Argon2id => {
                let params = argon2_params();
                let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
                format!("$argon2id$v=19$m={m},t={t},p={p}${}${}", "A".repeat(22), "A".repeat(43))
            }
            PasswordAlgorithm::Bcrypt => {
                let cost = head.get(4..6).and_then(|cost| cost.parse().ok()).unwrap_or_else(|| self.cost());
                format!("$2b${cost:02}${}", ".".repeat(53))
            }
        }
    }

    /// The same password typed on another keyboard may arrive in another normal form.
    fn input(&self, password: &str) -> Vec<u8> {
        let normalised = if self.unicode_normalization { password.nfkc().collect() } else { password.to_owned() };
        [normalised.as_bytes(), self.secret().map_or("", Sensitive::expose).as_bytes()].concat()
    }
}

/// bcrypt looks at 72 bytes; other implementations cut silently where ours would count a terminator.
fn bcrypt_input(input: &[u8]) -> &[u8] {
    &input[..input.len().min(72)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PasswordScheme;

    fn passwords(schemes: &str) -> Passwords {
        Passwords::new(&serde_json::from_str::<Vec<PasswordScheme>>(schemes).unwrap())
    }

    const ARGON2ID: &str = r#"[{"version": 2, "algorithm": "argon2id"}, {"version": 1, "algorithm": "bcrypt", "cost": 4, "secret": "pepper"}]"#;

    #[tokio::test]
    async fn a_password_is_verified_in_every_unicode_form() {
        let passwords = passwords(ARGON2ID);
        let stored = passwords.hash("Ame\u{301}lie ﬁn").await.unwrap();
        assert!(stored.hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        for (presented, expected) in
            [("Amélie fin", true), ("Ame\u{301}lie ﬁn", true), ("Amelie fin", false), ("", false)]
        {
            let verified = passwords
                .verify(passwords.take_place().unwrap(), presented, Comparand::Stored(stored.clone()))
                .await
                .unwrap();
            assert_eq!(verified.is_right, expected, "{presented}");
            assert!(verified.upgrade.is_none());
        }
    }

    #[tokio::test]
    async fn an_older_hash_is_upgraded_when_its_password_is_right() {
        let old = passwords(r#"[{"version": 1, "algorithm": "bcrypt", "cost": 4, "secret": "pepper"}]"#);
        let stored = old.hash("correct horse").await.unwrap();
        let now = passwords(ARGON2ID);
        assert!(
            !now.verify(now.take_place().unwrap(), "wrong", Comparand::Stored(stored.clone())).await.unwrap().is_right
        );
        let verified = now.verify(now.take_place().unwrap(), "correct horse", Comparand::Stored(stored)).await.unwrap();
        let upgrade = verified.upgrade.unwrap();
        assert!(verified.is_right && upgrade.version == 2);
        assert!(
            now.verify(now.take_place().unwrap(), "correct horse", Comparand::Stored(upgrade)).await.unwrap().is_right
        );
    }

    #[tokio::test]
    async fn a_hash_of_an_unknown_scheme_or_shape_matches_nothing() {
        let passwords = passwords(ARGON2ID);
        for (version, hash) in [(9, "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAA"), (2, ""), (1, "nonsense")] {
            let stored = PasswordHash { version, hash: hash.to_owned() };
            assert!(
                !passwords
                    .verify(passwords.take_place().unwrap(), "", Comparand::Stored(stored))
                    .await
                    .unwrap()
                    .is_right
            );
        }
    }

    #[tokio::test]
    async fn nobody_has_a_password_but_is_verified_with_real_work() {
        // INV-06, RTL-05
        let passwords = passwords(ARGON2ID);
        for (version, head) in [(2, "$argon2"), (1, "$2b$05$"), (9, ""), (1, "")] {
            let nothing = Comparand::Nothing { version, head: head.to_owned() };
            assert!(!passwords.verify(passwords.take_place().unwrap(), "anything", nothing).await.unwrap().is_right);
        }
        // The stand-in has to parse, or it would be refused without any work; and it has the parameters of real ones.
        let real = passwords.hash("anything").await.unwrap().hash;
        let stand_in = passwords.schemes[0].hash_of_nobody("$argon2");
        assert!(argon2::password_hash::phc::PasswordHash::new(&stand_in).is_ok());
        assert_eq!(real.split('$').take(4).collect::<Vec<_>>(), stand_in.split('$').take(4).collect::<Vec<_>>());
        assert_eq!((real.len(), &real[..7]), (stand_in.len(), "$argon2"));
        let bcrypt = passwords.schemes[1].hash_of_nobody("$2a$06$");
        assert!(bcrypt.starts_with("$2b$06$"), "{bcrypt}");
        assert!(matches!(bcrypt::verify("anything", &bcrypt), Ok(false)));
        assert!(passwords.schemes[1].hash_of_nobody("").starts_with("$2b$04$"));
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_recovers() {
        let passwords = passwords(ARGON2ID);
        let all = u32::try_from(passwords.queue.available_permits()).unwrap();
        let places = passwords.queue.clone().try_acquire_many_owned(all).unwrap();
        assert!(matches!(passwords.hash("x").await, Err(Error::Refusal(Refusal::Busy))));
        drop(places);
        assert!(passwords.hash("x").await.is_ok());
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_keeps_its_place_until_the_work_is_done() {
        // INV-08, INV-13: otherwise hanging up would start as many hashes at once as one likes.
        let passwords = passwords(ARGON2ID);
        let (threads, places) = (passwords.threads.available_permits(), passwords.queue.available_permits());
        let (release, released) = std::sync::mpsc::channel::<()>();
        let work = passwords.run(passwords.take_place().unwrap(), move || released.recv());
        assert!(tokio::time::timeout(std::time::Duration::from_millis(50), work).await.is_err());
        assert_eq!(passwords.threads.available_permits(), threads - 1);
        assert_eq!(passwords.queue.available_permits(), places - 1);
        release.send(()).unwrap();
        while passwords.queue.available_permits() < places {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(passwords.threads.available_permits(), threads);
    }
}
