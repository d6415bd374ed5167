//! What an account that does not exist costs (INV-06, spec CMP-14, RTL-05). After an import some passwords are hashed
//! in a dearer way than new ones; if unknown names always cost what a new hash costs, a stopwatch would tell them from
//! those accounts. So every name that has no password is given a way of hashing by lot: always the same for one name,
//! and each way as often as real accounts have it.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Mutex, time::Instant};

use crate::{
    app::App,
    crypto::secret::fraction,
    error::Result,
    store::{self, user::HashCount},
};

/// How often real accounts are counted: over a million rows that takes a good part of a second.
const COUNT_INTERVAL: Duration = Duration::from_secs(600);

/// The ways in which real passwords are hashed, as last counted.
#[derive(Default)]
pub struct Census(Mutex<Option<(Instant, Arc<[HashCount]>)>>);

/// Gives the way of hashing that falls to a name without a password; nothing while nobody has one.
///
/// # Errors
/// When the store fails.
pub async fn draw(app: &App, name: &str) -> Result<Option<HashCount>> {
    let counts = count(app).await?;
    Ok(pick(&counts, fraction(&app.stand_in_key, name)).cloned())
}

async fn count(app: &App) -> Result<Arc<[HashCount]>> {
    let mut census = app.census.0.lock().await;
    if let Some((counted_at, counts)) = &*census
        && counted_at.elapsed() < COUNT_INTERVAL
    {
        return Ok(counts.clone());
    }
    let counts: Arc<[HashCount]> = store::user::count_hashes(&app.db).await?.into();
    *census = Some((Instant::now(), counts.clone()));
    Ok(counts)
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
