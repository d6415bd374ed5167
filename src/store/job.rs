//! The durable queue, and the leases by which one worker at a time works in a lane.

use crate::{
    domain::id::{JobId, UserId},
    store::db::{Db, Tx},
};

/// A row of `jobs`.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Job {
    pub id: JobId,
    pub lane: String,
    pub payload: String,
    pub attempts: i64,
}

/// Puts a job at the end of a user's lane.
pub async fn insert(tx: &mut Tx, id: &JobId, lane: &UserId, payload: &str, now: i64) -> sqlx::Result<()> {
    tx.sql("INSERT INTO jobs (id, lane, payload, created_at, run_at, attempts) VALUES ($1, $2, $3, $4, $4, $5)")
        .bind(id)
        .bind(lane)
        .bind(payload)
        .bind(now)
        .bind(0)
        .execute()
        .await?;
    Ok(())
}

/// Lists the lanes whose oldest job is due.
pub async fn list_due_lanes(db: &Db, now: i64) -> sqlx::Result<Vec<UserId>> {
    let rows: Vec<(UserId,)> = db
        .sql(
            "SELECT j.lane FROM jobs j
             WHERE j.run_at <= $1 AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.lane = j.lane AND o.id < j.id)
                 AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.name = j.lane AND l.leased_until > $1)
             ORDER BY j.run_at LIMIT 64",
        )
        .bind(now)
        .all()
        .await?;
    Ok(rows.into_iter().map(|(lane,)| lane).collect())
}

/// Lists the jobs of a lane, the oldest first.
pub async fn list(db: &Db, lane: &UserId) -> sqlx::Result<Vec<Job>> {
    db.sql("SELECT id, lane, payload, attempts FROM jobs WHERE lane = $1 ORDER BY id LIMIT 100").bind(lane).all().await
}

/// Counts the jobs that wait.
pub async fn count(db: &Db) -> sqlx::Result<i64> {
    let (count,): (i64,) = db.sql("SELECT COUNT(*) FROM jobs").one().await?;
    Ok(count)
}

/// Removes a job that is done.
pub async fn delete(tx: &mut Tx, id: &JobId) -> sqlx::Result<()> {
    tx.sql("DELETE FROM jobs WHERE id = $1").bind(id).execute().await?;
    Ok(())
}

/// Notes a failed attempt and when to try again.
pub async fn retry_at(tx: &mut Tx, id: &JobId, run_at: i64, error: &str) -> sqlx::Result<()> {
    tx.sql("UPDATE jobs SET run_at = $2, attempts = attempts + 1, last_error = $3 WHERE id = $1")
        .bind(id)
        .bind(run_at)
        .bind(error)
        .execute()
        .await?;
    Ok(())
}

/// Leases a lane; false while somebody else works in it.
pub async fn lease(tx: &mut Tx, lane: &UserId, holder: &str, until: i64, now: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql(
            "INSERT INTO lanes (name, holder, leased_until) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, leased_until = excluded.leased_until
             WHERE lanes.leased_until <= $4",
        )
        .bind(lane)
        .bind(holder)
        .bind(until)
        .bind(now)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Keeps a lane; false when it is no longer this holder's.
pub async fn prolong(tx: &mut Tx, lane: &UserId, holder: &str, until: i64) -> sqlx::Result<bool> {
    let changed = tx
        .sql("UPDATE lanes SET leased_until = $3 WHERE name = $1 AND holder = $2")
        .bind(lane)
        .bind(holder)
        .bind(until)
        .execute()
        .await?;
    Ok(changed > 0)
}

/// Gives a lane back.
pub async fn release(tx: &mut Tx, lane: &UserId, holder: &str) -> sqlx::Result<()> {
    tx.sql("DELETE FROM lanes WHERE name = $1 AND holder = $2").bind(lane).bind(holder).execute().await?;
    Ok(())
}
