//! A dry run: a whole import into a copy that is gone afterwards.

use std::collections::BTreeSet;

use super::{Move, Way, population::crowd};

in_four_ways!(a_dry_run_says_what_would_come_and_leaves_nothing_behind);

async fn a_dry_run_says_what_would_come_and_leaves_nothing_behind(way: Way) {
    let Some(moved) = Move::begin_at_rest(way).await else { return };
    let crowd = crowd(1_000);
    moved.legacy.sql(&crowd.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let files = || {
        let files = std::fs::read_dir(moved.folder()).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect::<BTreeSet<_>>()
    };
    let try_it = || {
        let outcome = moved.import(&["--dry-run"]);
        outcome.assert_success();
        assert!(outcome.stdout.contains("It was tried with a copy, which is gone again. Nothing was changed."));
        outcome
    };

    // Before there is a database at all.
    let (nothing, checked) = (files(), moved.import(&["--check"]));
    let tried = try_it();
    assert_eq!(tried.section("Would be imported"), checked.section("Will be imported"));
    for title in ["Left alone", "Cannot be imported, and why", "Change in homeserver.yaml"] {
        assert!(!checked.section(title).is_empty());
        assert_eq!(tried.section(title), checked.section(title));
    }
    assert!(!moved.target.exists().await);
    assert_eq!(files(), nothing);

    // Killed in the middle, it leaves its copy to the next one.
    let mut killed = moved.command(&[&["import", "synapse", "--dry-run"], &super::FILES[..]].concat()).spawn().unwrap();
    while files() == nothing && !moved.target.exists().await && killed.try_wait().unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    try_it();
    assert!(!moved.target.exists().await);
    assert_eq!(files(), nothing);

    // After an import it says what the next one would bring.
    moved.import_and_verify();
    let (contents, schema, files_now) = (moved.target.contents(&[]).await, moved.target.schema().await, files());
    assert_eq!(try_it().section("Since the last import"), ["nothing has changed"]);
    moved
        .legacy
        .sql(&[
            "INSERT INTO users (name, creation_ts) VALUES ('@latecomer:hs.test', 1700000000)",
            "DELETE FROM access_tokens WHERE device_id = 'PLAIN'",
            "UPDATE devices SET display_name = 'renamed' WHERE user_id = '@crowd7:hs.test'",
        ])
        .await;
    let tried = try_it();
    assert_eq!(moved.target.contents(&[]).await, contents);
    assert_eq!(moved.target.schema().await, schema);
    assert_eq!(files(), files_now);
    let imported = moved.import_and_verify();
    assert_eq!(tried.section("Since the last import"), imported.section("Since the last import"));
    let told = imported.section("Since the last import").join("\n");
    for words in ["users", "devices", "access tokens"] {
        assert!(told.contains(words), "no {words} in {told}");
    }
    assert_ne!(moved.target.contents(&[]).await, contents);
}
