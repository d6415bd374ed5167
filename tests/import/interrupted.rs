//! A run that dies on the way: whatever happens to it, the next one comes to the same end.

use std::time::{Duration, Instant};

use keymaker::crypto::random;

use super::population::{change, crowd};
use super::target::{Contents, Engine, Target};
use super::{Move, Way};

/// How many runs are killed in one way: the three that need PostgreSQL share them.
fn kills(way: Way) -> u32 {
    if (way.source, way.target) == (Engine::Sqlite, Engine::Sqlite) { 20 } else { 7 }
}

const CROWD: u32 = 3_000;
/// Columns that hold the moment of an import, or what is sealed with fresh randomness.
const VEILED: [&str; 9] = [
    "import_ledger.generation",
    "users.imported_at",
    "users.locked_at",
    "users.deactivated_at",
    "user_emails.imported_at",
    "user_passwords.created_at",
    "tokens.successor",
    "jobs.created_at",
    "jobs.run_at",
];

in_four_ways!(a_run_that_is_killed_and_run_again_comes_to_the_same_end);

// Issue "Moving a living homeserver": interrupted at 20 random points.
async fn a_run_that_is_killed_and_run_again_comes_to_the_same_end(way: Way) {
    let Some(mut moved) = Move::begin_at_rest(way).await else { return };
    let crowd = crowd(CROWD);
    moved.legacy.sql(&crowd.iter().map(String::as_str).collect::<Vec<_>>()).await;
    moved.run(&["database", "migrate"]).assert_success();
    let schema = moved.target.schema().await;
    let fresh = moved.target.contents(&VEILED).await;

    let begun = Instant::now();
    moved.import(&[]).assert_success();
    let whole = begun.elapsed();
    let (undisturbed, schema_afterwards) = (moved.target.contents(&VEILED).await, moved.target.schema().await);
    assert_eq!(schema_afterwards, schema, "what was dropped to be faster is there again");
    assert!(undisturbed["sessions"].len() > CROWD as usize);

    let mut chance = Chance::of_this_run();
    let (mut killed, mut too_late) = (0, 0);
    while killed < kills(way) {
        moved.target = Target::fresh(way.target, moved.folder()).await;
        let moment = whole.mul_f64(chance.next());
        if !dies(&moved, moment) {
            too_late += 1;
            assert!(too_late < 100, "nothing is left to kill");
            continue;
        }
        killed += 1;
        let left = if moved.target.exists().await { moved.target.contents(&VEILED).await } else { Contents::new() };
        let is_fresh =
            left.iter().all(|(table, rows)| table == "_sqlx_migrations" || rows.is_empty() || fresh[table] == *rows);
        assert!(is_fresh || left == undisturbed, "killed after {moment:?}, some of it is there");
        import_once_it_is_free(&moved).await;
        assert_same(&moved.target.contents(&VEILED).await, &undisturbed);
        assert_eq!(moved.target.schema().await, schema, "killed after {moment:?}");
    }
}

in_four_ways!(two_runs_come_to_the_same_end_as_one_and_a_killed_one_leaves_the_first);

async fn two_runs_come_to_the_same_end_as_one_and_a_killed_one_leaves_the_first(way: Way) {
    let Some(mut moved) = Move::begin_at_rest(way).await else { return };
    let crowd = crowd(CROWD);
    moved.legacy.sql(&crowd.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let begun = Instant::now();
    moved.import_and_verify();
    let whole = begun.elapsed();
    moved.legacy.sql(&change()).await;

    let (first, schema) = (moved.target.contents(&[]).await, moved.target.schema().await);
    let mut chance = Chance::of_this_run();
    for _ in 0..4 {
        if !dies(&moved, whole.mul_f64(chance.next() / 4.0)) {
            break;
        }
        let left = moved.target.contents(&[]).await;
        if left["import_ledger"] != first["import_ledger"] {
            break;
        }
        assert_same(&left, &first);
        assert_eq!(moved.target.schema().await, schema);
    }
    import_once_it_is_free(&moved).await;
    moved.verify().assert_success();
    // Synapse does not know since when a device exists; the oldest time at which it was seen is taken for it.
    let veiled = [&VEILED[..], &["sessions.created_at"]].concat();
    let mut in_two_steps = moved.target.contents(&veiled).await;

    moved.target = Target::fresh(way.target, moved.folder()).await;
    moved.import_and_verify();
    let mut in_one = moved.target.contents(&veiled).await;
    for contents in [&mut in_two_steps, &mut in_one] {
        contents.remove("import_ledger");
    }
    assert_same(&in_two_steps, &in_one);
    assert_eq!(moved.target.schema().await, schema);
}

#[track_caller]
fn assert_same(contents: &Contents, expected: &Contents) {
    assert_eq!(contents.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (table, rows) in expected {
        let other = contents[table].iter().zip(rows).find(|(one, other)| one != other);
        assert!(
            contents[table] == *rows,
            "{table} is different, {} rows and {}: {other:?}",
            contents[table].len(),
            rows.len()
        );
    }
}

/// Imports as soon as PostgreSQL has noticed that whoever held the lock is no more.
async fn import_once_it_is_free(moved: &Move) {
    loop {
        let outcome = moved.import(&[]);
        if !outcome.stderr.contains("another import into this database is running") {
            return outcome.assert_success();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Kills an import after a while; false when it was done already.
fn dies(moved: &Move, after: Duration) -> bool {
    let mut child = moved.command(&[&["import", "synapse"], &super::FILES[..]].concat()).spawn().unwrap();
    std::thread::sleep(after);
    let is_done = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    !is_done
}

/// Numbers from 0 to 1 that a seed repeats (SplitMix64).
struct Chance(u64);

impl Chance {
    /// Begins with the seed that this run was given, or with one of its own.
    fn of_this_run() -> Self {
        let seed = std::env::var("KEYMAKER_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let chance = Self(seed.unwrap_or_else(|| u64::from_be_bytes(random::bytes::<8>())));
        eprintln!("KEYMAKER_TEST_SEED={}", chance.0);
        chance
    }

    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}
