//! Every column that is sealed under the encryption key of the configuration, to be sealed again under another (INV-03). In
//! front of what is sealed stands the id of the key, four bytes. Pushed authorization requests are left out: each is over
//! within minutes, and the key from before opens it until then.

use crate::store::db::{Db, Tx};

/// A sealed column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedColumn {
    SigningKey,
    DerivedKey,
    TotpSecret,
    UpstreamIdToken,
    UpstreamVerifier,
    UpstreamAnswer,
    ClientSecret,
    PreviousClientSecret,
    UserCode,
    Mail,
}

impl SealedColumn {
    /// All of them, what is needed most first.
    pub const ALL: [Self; 10] = [
        Self::SigningKey,
        Self::DerivedKey,
        Self::TotpSecret,
        Self::UpstreamIdToken,
        Self::UpstreamVerifier,
        Self::UpstreamAnswer,
        Self::ClientSecret,
        Self::PreviousClientSecret,
        Self::UserCode,
        Self::Mail,
    ];

    /// Gives its name, as `table.column`.
    pub fn name(self) -> &'static str {
        match self {
            Self::SigningKey => "signing_keys.private_key",
            Self::DerivedKey => "derived_keys.secret",
            Self::TotpSecret => "totp.secret",
            Self::UpstreamIdToken => "upstream_sessions.id_token",
            Self::UpstreamVerifier => "upstream_trips.verifier",
            Self::UpstreamAnswer => "upstream_trips.answer",
            Self::ClientSecret => "clients.sealed_secret",
            Self::PreviousClientSecret => "clients.previous_sealed_secret",
            Self::UserCode => "device_grants.user_code",
            Self::Mail => "mails.content",
        }
    }
}

/// How many rows of a column are sealed under one key.
#[derive(sqlx::FromRow)]
pub struct Share {
    pub key_id: Vec<u8>,
    pub amount: i64,
}

/// Counts the rows of a column by the id of the key that they are sealed under.
pub async fn count(db: &Db, column: SealedColumn) -> sqlx::Result<Vec<Share>> {
    match column {
        SealedColumn::SigningKey => db.sql(
            "SELECT substr(private_key, 1, 4) AS key_id, COUNT(*) AS amount FROM signing_keys
             WHERE private_key IS NOT NULL GROUP BY 1",
        ),
        SealedColumn::DerivedKey => {
            db.sql("SELECT substr(secret, 1, 4) AS key_id, COUNT(*) AS amount FROM derived_keys GROUP BY 1")
        }
        SealedColumn::TotpSecret => {
            db.sql("SELECT substr(secret, 1, 4) AS key_id, COUNT(*) AS amount FROM totp GROUP BY 1")
        }
        SealedColumn::UpstreamIdToken => db.sql(
            "SELECT substr(id_token, 1, 4) AS key_id, COUNT(*) AS amount FROM upstream_sessions
             WHERE id_token IS NOT NULL GROUP BY 1",
        ),
        SealedColumn::UpstreamVerifier => db.sql(
            "SELECT substr(verifier, 1, 4) AS key_id, COUNT(*) AS amount FROM upstream_trips
             WHERE verifier IS NOT NULL GROUP BY 1",
        ),
        SealedColumn::UpstreamAnswer => db.sql(
            "SELECT substr(answer, 1, 4) AS key_id, COUNT(*) AS amount FROM upstream_trips
             WHERE answer IS NOT NULL GROUP BY 1",
        ),
        SealedColumn::ClientSecret => db.sql(
            "SELECT substr(sealed_secret, 1, 4) AS key_id, COUNT(*) AS amount FROM clients
             WHERE sealed_secret IS NOT NULL GROUP BY 1",
        ),
        SealedColumn::PreviousClientSecret => db.sql(
            "SELECT substr(previous_sealed_secret, 1, 4) AS key_id, COUNT(*) AS amount FROM clients
             WHERE previous_sealed_secret IS NOT NULL GROUP BY 1",
        ),
        SealedColumn::UserCode => {
            db.sql("SELECT substr(user_code, 1, 4) AS key_id, COUNT(*) AS amount FROM device_grants GROUP BY 1")
        }
        SealedColumn::Mail => {
            db.sql("SELECT substr(content, 1, 4) AS key_id, COUNT(*) AS amount FROM mails GROUP BY 1")
        }
    }
    .all()
    .await
}

/// A row of a sealed column: what the seal belongs to, and the seal.
#[derive(sqlx::FromRow)]
pub struct SealedRow {
    pub id: String,
    pub sealed: Vec<u8>,
}

/// Lists some rows behind an id that are sealed under any other key, in the order of their ids.
pub async fn list_others(
    db: &Db,
    column: SealedColumn,
    key_id: &[u8],
    after: &str,
    limit: i64,
) -> sqlx::Result<Vec<SealedRow>> {
    match column {
        SealedColumn::SigningKey => db.sql(
            "SELECT kid AS id, private_key AS sealed FROM signing_keys
             WHERE private_key IS NOT NULL AND substr(private_key, 1, 4) <> $1 AND kid > $2 ORDER BY kid LIMIT $3",
        ),
        SealedColumn::DerivedKey => db.sql(
            "SELECT purpose AS id, secret AS sealed FROM derived_keys
             WHERE substr(secret, 1, 4) <> $1 AND purpose > $2 ORDER BY purpose LIMIT $3",
        ),
        SealedColumn::TotpSecret => db.sql(
            "SELECT user_id AS id, secret AS sealed FROM totp
             WHERE substr(secret, 1, 4) <> $1 AND user_id > $2 ORDER BY user_id LIMIT $3",
        ),
        SealedColumn::UpstreamIdToken => db.sql(
            "SELECT browser_session_id AS id, id_token AS sealed FROM upstream_sessions
             WHERE id_token IS NOT NULL AND substr(id_token, 1, 4) <> $1 AND browser_session_id > $2
             ORDER BY browser_session_id LIMIT $3",
        ),
        SealedColumn::UpstreamVerifier => db.sql(
            "SELECT id, verifier AS sealed FROM upstream_trips
             WHERE verifier IS NOT NULL AND substr(verifier, 1, 4) <> $1 AND id > $2 ORDER BY id LIMIT $3",
        ),
        SealedColumn::UpstreamAnswer => db.sql(
            "SELECT id, answer AS sealed FROM upstream_trips
             WHERE answer IS NOT NULL AND substr(answer, 1, 4) <> $1 AND id > $2 ORDER BY id LIMIT $3",
        ),
        SealedColumn::ClientSecret => db.sql(
            "SELECT id, sealed_secret AS sealed FROM clients
             WHERE sealed_secret IS NOT NULL AND substr(sealed_secret, 1, 4) <> $1 AND id > $2 ORDER BY id LIMIT $3",
        ),
        SealedColumn::PreviousClientSecret => db.sql(
            "SELECT id, previous_sealed_secret AS sealed FROM clients
             WHERE previous_sealed_secret IS NOT NULL AND substr(previous_sealed_secret, 1, 4) <> $1 AND id > $2 ORDER BY id LIMIT $3",
        ),
        SealedColumn::UserCode => db.sql(
            "SELECT id, user_code AS sealed FROM device_grants
             WHERE substr(user_code, 1, 4) <> $1 AND id > $2 ORDER BY id LIMIT $3",
        ),
        SealedColumn::Mail => db.sql(
            "SELECT id, content AS sealed FROM mails
             WHERE substr(content, 1, 4) <> $1 AND id > $2 ORDER BY id LIMIT $3",
        ),
    }
    .bind(key_id)
    .bind(after)
    .bind(limit)
    .all()
    .await
}

/// Replaces a seal; false when the row has another one by now, or is gone.
pub async fn replace(tx: &mut Tx, column: SealedColumn, row: &SealedRow, sealed: &[u8]) -> sqlx::Result<bool> {
    let statement = match column {
        SealedColumn::SigningKey => {
            tx.sql("UPDATE signing_keys SET private_key = $3 WHERE kid = $1 AND private_key = $2")
        }
        SealedColumn::DerivedKey => tx.sql("UPDATE derived_keys SET secret = $3 WHERE purpose = $1 AND secret = $2"),
        SealedColumn::TotpSecret => tx.sql("UPDATE totp SET secret = $3 WHERE user_id = $1 AND secret = $2"),
        SealedColumn::UpstreamIdToken => {
            tx.sql("UPDATE upstream_sessions SET id_token = $3 WHERE browser_session_id = $1 AND id_token = $2")
        }
        SealedColumn::UpstreamVerifier => {
            tx.sql("UPDATE upstream_trips SET verifier = $3 WHERE id = $1 AND verifier = $2")
        }
        SealedColumn::UpstreamAnswer => tx.sql("UPDATE upstream_trips SET answer = $3 WHERE id = $1 AND answer = $2"),
        SealedColumn::ClientSecret => {
            tx.sql("UPDATE clients SET sealed_secret = $3 WHERE id = $1 AND sealed_secret = $2")
        }
        SealedColumn::PreviousClientSecret => {
            tx.sql("UPDATE clients SET previous_sealed_secret = $3 WHERE id = $1 AND previous_sealed_secret = $2")
        }
        SealedColumn::UserCode => tx.sql("UPDATE device_grants SET user_code = $3 WHERE id = $1 AND user_code = $2"),
        SealedColumn::Mail => tx.sql("UPDATE mails SET content = $3 WHERE id = $1 AND content = $2"),
    };
    let replaced = statement.bind(&row.id).bind(&row.sealed[..]).bind(sealed).execute().await?;
    Ok(replaced > 0)
}
