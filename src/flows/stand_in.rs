//! What an account that does not exist costs (INV-06, spec CMP-14, RTL-05). After an import some passwords are hashed
//! in a dearer way than new ones; if unknown names always cost what a new hash costs, a stopwatch would tell them from
//! those accounts. So every name that has no password is given a way of hashing by lot: always the same for one name,
//! and each way as often as real accounts have it.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    app::App,
    crypto::{password::Comparand, secret::fraction},
    error::Result,
    store::{self, user::HashCount},
};

/// The ways in which real passwords are hashed, as last counted.
#[derive(Default)]
pub struct Census(RwLock<Arc<[HashCount]>>);

/// Counts how real passwords are hashed. It reads every one of them, so no request does it.
///
/// # Errors
/// When the store fails; what was counted before stays.
pub async fn count(app: &App) -> Result<()> {
    let counts = store::user::count_hashes(&app.db).await?;
    *app.census.0.write().unwrap_or_else(PoisonError::into_inner) = counts.into();
    Ok(())
}

/// Gives the way of hashing that falls to a name without a password; the current one while nobody was counted.
pub fn draw(app: &App, lot: &str) -> Comparand {
    let counts = app.census.0.read().unwrap_or_else(PoisonError::into_inner).clone();
    match pick(&counts, fraction(&app.stand_in_key, lot)) {
        Some(way) => Comparand::Nothing { version: way.version, head: way.head.clone() },
        None => Comparand::Nothing { version: 0, head: String::new() },
    }
}

/// Picks by a fraction from 0 to 1, so that each way has the share of its count.
fn pick(counts: &[HashCount], fraction: f64) -> Option<&HashCount> {
    let all: i64 = counts.iter().map(|way| way.count).sum();
    let mut left = fraction * all as f64;
    counts.iter().find(|way| {
        left -= way.count as f64;
        left < 0.0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_of_hashing_falls_to_its_share_of_the_names() {
        let way = |version, head: &str, count| HashCount { version, head: head.to_owned(), count };
        let counts = [way(1, "$2b$12$", 3), way(2, "$argon2", 1)];
        let key = [7; 32];
        let drawn = |name: &str| pick(&counts, fraction(&key, name)).map(|way| way.version);
        let names: Vec<String> = (0..2000).map(|i| format!("name{i}")).collect();
        let old = names.iter().filter(|name| drawn(name) == Some(1)).count();
        assert!((1400..1600).contains(&old), "{old} of 2000");
        assert!(names.iter().all(|name| drawn(name) == drawn(name)), "one name, one way");
        assert!(pick(&[], 0.5).is_none());
        assert_eq!(pick(&counts, 0.0).map(|way| way.version), Some(1));
        assert_eq!(pick(&counts, 0.9999).map(|way| way.version), Some(2));
    }
}
