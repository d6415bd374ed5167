//! The two ways in which a login at a provider ends: the provider tells of it, or the browser is sent there to sign out
//! (spec BCI-01 to BCI-04). The logins themselves are in `store::upstream`.

use crate::store::db::Tx;

/// Remembers a logout token; false when it came before.
pub async fn remember_logout_token(
    tx: &mut Tx,
    provider_id: &str,
    jti_hash: &[u8],
    expires_at: i64,
) -> sqlx::Result<bool> {
    let inserted = tx
        .sql(
            "INSERT INTO logout_tokens (provider_id, jti_hash, expires_at) VALUES ($1, $2, $3)
             ON CONFLICT (provider_id, jti_hash) DO NOTHING",
        )
        .bind(provider_id)
        .bind(jti_hash)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(inserted > 0)
}

/// Notes that a browser is sent to a provider to sign out there.
pub async fn insert_logout(tx: &mut Tx, state_hash: &[u8], provider_id: &str, expires_at: i64) -> sqlx::Result<()> {
    tx.sql("INSERT INTO provider_logouts (state_hash, provider_id, expires_at) VALUES ($1, $2, $3)")
        .bind(state_hash)
        .bind(provider_id)
        .bind(expires_at)
        .execute()
        .await?;
    Ok(())
}

/// Consumes what a browser comes back with; false when it is unknown, expired, used, or of another provider (INV-01).
pub async fn consume_logout(tx: &mut Tx, state_hash: &[u8], provider_id: &str, now: i64) -> sqlx::Result<bool> {
    let consumed = tx
        .sql(
            "UPDATE provider_logouts SET consumed_at = $3
             WHERE state_hash = $1 AND provider_id = $2 AND consumed_at IS NULL AND expires_at > $3",
        )
        .bind(state_hash)
        .bind(provider_id)
        .bind(now)
        .execute()
        .await?;
    Ok(consumed > 0)
}

/// Forgets the logout tokens and the ways out that are over; nothing decides by their absence.
pub async fn delete_older_than(tx: &mut Tx, before: i64) -> sqlx::Result<()> {
    tx.sql("DELETE FROM logout_tokens WHERE expires_at < $1").bind(before).execute().await?;
    tx.sql("DELETE FROM provider_logouts WHERE expires_at < $1").bind(before).execute().await?;
    Ok(())
}
