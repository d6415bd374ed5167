//! Clients: those that registered themselves and those of the configuration.

use crate::{
    domain::{client::ClientMetadata, id::ClientId},
    store::db::{Db, Tx},
};

/// A row of `clients`, with its metadata read.
pub struct Client {
    pub id: ClientId,
    pub metadata: ClientMetadata,
    pub secret: Option<StoredSecret>,
    /// What the secret replaced, and until when that is good too.
    pub previous_secret: Option<(StoredSecret, i64)>,
    /// Whether it stands in the configuration, with its secrets.
    pub is_static: bool,
    /// Whether the operator put it into the database.
    pub is_managed: bool,
    pub is_pkce_required: bool,
    /// Whether the operator says that it is theirs: people need not be asked.
    pub is_trusted: bool,
    pub created_at: i64,
}

impl Client {
    /// Makes one that may do what any client may that registers itself, and has no secret yet.
    pub fn new(id: ClientId, metadata: ClientMetadata, created_at: i64) -> Self {
        Self {
            id,
            metadata,
            secret: None,
            previous_secret: None,
            is_static: false,
            is_managed: false,
            is_pkce_required: true,
            is_trusted: false,
            created_at,
        }
    }
}

/// A secret as it is kept.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    pub hash: Vec<u8>,
    /// Of a client that signs with it.
    pub sealed: Option<Vec<u8>>,
}

#[derive(sqlx::FromRow)]
struct ClientRow {
    id: ClientId,
    metadata: String,
    secret_hash: Option<Vec<u8>>,
    sealed_secret: Option<Vec<u8>>,
    previous_secret_hash: Option<Vec<u8>>,
    previous_sealed_secret: Option<Vec<u8>>,
    previous_secret_until: Option<i64>,
    is_static: bool,
    is_managed: bool,
    is_pkce_required: bool,
    is_trusted: bool,
    created_at: i64,
}

impl ClientRow {
    fn read(self) -> sqlx::Result<Client> {
        let metadata = serde_json::from_str(&self.metadata).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let previous = self.previous_secret_hash.map(|hash| StoredSecret { hash, sealed: self.previous_sealed_secret });
        Ok(Client {
            id: self.id,
            metadata,
            secret: self.secret_hash.map(|hash| StoredSecret { hash, sealed: self.sealed_secret }),
            previous_secret: previous.zip(self.previous_secret_until),
            is_static: self.is_static,
            is_managed: self.is_managed,
            is_pkce_required: self.is_pkce_required,
            is_trusted: self.is_trusted,
            created_at: self.created_at,
        })
    }
}

/// Finds an enabled client.
pub async fn find(db: &Db, id: &ClientId) -> sqlx::Result<Option<Client>> {
    let row: Option<ClientRow> = db
        .sql(
            "SELECT id, metadata, secret_hash, sealed_secret, previous_secret_hash, previous_sealed_secret,
                    previous_secret_until, is_static, is_managed, is_pkce_required, is_trusted, created_at
             FROM clients WHERE id = $1 AND disabled_at IS NULL",
        )
        .bind(id)
        .optional()
        .await?;
    row.map(ClientRow::read).transpose()
}

/// Finds the client that registered with exactly this metadata.
pub async fn find_by_digest(db: &Db, digest: &[u8]) -> sqlx::Result<Option<Client>> {
    let row: Option<ClientRow> = db
        .sql(
            "SELECT id, metadata, secret_hash, sealed_secret, previous_secret_hash, previous_sealed_secret,
                    previous_secret_until, is_static, is_managed, is_pkce_required, is_trusted, created_at
             FROM clients WHERE digest = $1 AND disabled_at IS NULL",
        )
        .bind(digest)
        .optional()
        .await?;
    row.map(ClientRow::read).transpose()
}

/// A client to be inserted.
pub struct NewClient<'a> {
    pub client: &'a Client,
    /// By which an equal registration finds it.
    pub digest: Option<&'a [u8]>,
    pub registration_token_hash: Option<&'a [u8]>,
}

/// Inserts a client that no configuration has; does nothing when an equal one was first (spec REG-13).
pub async fn insert(tx: &mut Tx, new: NewClient<'_>) -> sqlx::Result<()> {
    let NewClient { client, digest, registration_token_hash } = new;
    let secret = client.secret.as_ref();
    tx.sql(
        "INSERT INTO clients (id, metadata, digest, secret_hash, sealed_secret, registration_token_hash, is_static,
                              is_managed, is_pkce_required, is_trusted, created_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) ON CONFLICT (digest) DO NOTHING",
    )
    .bind(&client.id)
    .bind(as_json(&client.metadata)?)
    .bind(digest)
    .bind(secret.map(|secret| secret.hash.as_slice()))
    .bind(secret.and_then(|secret| secret.sealed.as_deref()))
    .bind(registration_token_hash)
    .bind(false)
    .bind(client.is_managed)
    .bind(client.is_pkce_required)
    .bind(client.is_trusted)
    .bind(client.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Writes a client of the configuration over whatever the last start wrote.
pub async fn upsert_static(tx: &mut Tx, client: &Client) -> sqlx::Result<()> {
    tx.sql(
        "INSERT INTO clients (id, metadata, is_static, is_pkce_required, is_trusted, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE
         SET metadata = excluded.metadata, digest = NULL, secret_hash = NULL, sealed_secret = NULL,
             previous_secret_hash = NULL, previous_sealed_secret = NULL, registration_token_hash = NULL,
             is_static = excluded.is_static, is_managed = FALSE,
             is_pkce_required = excluded.is_pkce_required, is_trusted = excluded.is_trusted, disabled_at = NULL",
    )
    .bind(&client.id)
    .bind(as_json(&client.metadata)?)
    .bind(true)
    .bind(client.is_pkce_required)
    .bind(client.is_trusted)
    .bind(client.created_at)
    .execute()
    .await?;
    Ok(())
}

/// Finds the enabled client that a registration access token belongs to.
pub async fn find_by_registration_token(db: &Db, hash: &[u8]) -> sqlx::Result<Option<Client>> {
    let row: Option<ClientRow> = db
        .sql(
            "SELECT id, metadata, secret_hash, sealed_secret, previous_secret_hash, previous_sealed_secret,
                    previous_secret_until, is_static, is_managed, is_pkce_required, is_trusted, created_at
             FROM clients WHERE registration_token_hash = $1 AND disabled_at IS NULL",
        )
        .bind(hash)
        .optional()
        .await?;
    row.map(ClientRow::read).transpose()
}

/// Writes what a client registered instead of what it had; false when it is gone.
pub async fn replace(tx: &mut Tx, client: &Client) -> sqlx::Result<bool> {
    let secret = client.secret.as_ref();
    let replaced = tx
        .sql("UPDATE clients SET metadata = $2, secret_hash = $3, sealed_secret = $4 WHERE id = $1 AND disabled_at IS NULL")
        .bind(&client.id)
        .bind(as_json(&client.metadata)?)
        .bind(secret.map(|secret| secret.hash.as_slice()))
        .bind(secret.and_then(|secret| secret.sealed.as_deref()))
        .execute()
        .await?;
    Ok(replaced > 0)
}

/// Disables a client for good: nothing that it has is known any more. Its row stays, because what it did names it.
pub async fn remove(tx: &mut Tx, id: &ClientId, now: i64) -> sqlx::Result<()> {
    tx.sql(
        "UPDATE clients
         SET disabled_at = $2, digest = NULL, secret_hash = NULL, sealed_secret = NULL, previous_secret_hash = NULL,
             previous_sealed_secret = NULL, previous_secret_until = NULL, registration_token_hash = NULL
         WHERE id = $1",
    )
    .bind(id)
    .bind(now)
    .execute()
    .await?;
    Ok(())
}

/// Lists the clients that came from a configuration and are enabled.
pub async fn list_static(db: &Db) -> sqlx::Result<Vec<ClientId>> {
    let rows: Vec<(ClientId,)> = db.sql("SELECT id FROM clients WHERE is_static AND disabled_at IS NULL").all().await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Disables a client: its sessions stop counting.
pub async fn disable(tx: &mut Tx, id: &ClientId, now: i64) -> sqlx::Result<()> {
    tx.sql("UPDATE clients SET disabled_at = $2 WHERE id = $1").bind(id).bind(now).execute().await?;
    Ok(())
}

fn as_json(metadata: &ClientMetadata) -> sqlx::Result<String> {
    serde_json::to_string(metadata).map_err(|error| sqlx::Error::Encode(error.into()))
}
