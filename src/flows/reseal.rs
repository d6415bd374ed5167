//! Replacing the encryption key (INV-03): what is sealed under one from before is sealed again under the present one, in small
//! steps while the service runs. docs/keys.md is for operators.

use serde::Serialize;

use crate::{
    app::App,
    crypto::seal::SealedUnder,
    domain::id::{DeviceGrantId, MailId, SessionId, UpstreamTripId, UserId},
    error::{Error, Result},
    flows::{derived_keys, device_grant, factor, keys, mail, upstream},
    store::{
        self,
        sealed::{SealedColumn, SealedRow},
    },
};

/// How many rows one transaction seals again: others write in between.
const BATCH: i64 = 100;

/// How many rows of a column are sealed under which key.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Census {
    pub column: &'static str,
    pub current: i64,
    pub previous: i64,
    /// Under a key that the configuration does not name.
    pub unknown: i64,
}

/// Counts what is sealed under which key.
///
/// # Errors
/// When the store fails.
pub async fn census(app: &App) -> Result<Vec<Census>> {
    let mut all = Vec::new();
    for column in SealedColumn::ALL {
        let mut census = Census { column: column.name(), current: 0, previous: 0, unknown: 0 };
        for share in store::sealed::count(&app.db, column).await? {
            match app.sealer.find_key(&share.key_id) {
                SealedUnder::Current => census.current += share.amount,
                SealedUnder::Previous => census.previous += share.amount,
                SealedUnder::Unknown => census.unknown += share.amount,
            }
        }
        all.push(census);
    }
    Ok(all)
}

/// What came of sealing a column again.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Resealed {
    pub column: &'static str,
    pub rows: u64,
    /// Rows that no key of the configuration opens: they are left as they are.
    pub unknown: u64,
}

/// Seals again whatever is sealed under another key than the present one. It can be stopped at any moment and run again: what
/// is done is found done.
///
/// # Errors
/// When the store fails.
pub async fn reseal(app: &App) -> Result<Vec<Resealed>> {
    let mut all = Vec::new();
    for column in SealedColumn::ALL {
        all.push(reseal_column(app, column).await?);
    }
    Ok(all)
}

async fn reseal_column(app: &App, column: SealedColumn) -> Result<Resealed> {
    let mut resealed = Resealed { column: column.name(), rows: 0, unknown: 0 };
    let mut after = String::new();
    loop {
        let rows = store::sealed::list_others(&app.db, column, app.sealer.key_id(), &after, BATCH).await?;
        let Some(last) = rows.last() else { return Ok(resealed) };
        after.clone_from(&last.id);
        let mut tx = app.db.write().await?;
        for row in &rows {
            let context = context(column, row);
            match app.sealer.open(&context, &row.sealed) {
                Some(content) => {
                    let sealed =
                        app.sealer.seal(&context, &content).ok_or(Error::Internal("a row cannot be sealed"))?;
                    // Somebody who was faster sealed it under the present key.
                    resealed.rows += u64::from(store::sealed::replace(&mut tx, column, row, &sealed).await?);
                }
                None => resealed.unknown += 1,
            }
        }
        tx.commit().await?;
    }
}

fn context(column: SealedColumn, row: &SealedRow) -> String {
    let id = row.id.as_str();
    match column {
        SealedColumn::SigningKey => keys::context(id),
        SealedColumn::DerivedKey => derived_keys::context(id),
        SealedColumn::TotpSecret => factor::context(&UserId::new(id)),
        SealedColumn::UpstreamIdToken => upstream::id_token_context(&SessionId::new(id)),
        SealedColumn::UpstreamVerifier => upstream::verifier_context(&UpstreamTripId::new(id)),
        SealedColumn::UpstreamAnswer => upstream::answer_context(&UpstreamTripId::new(id)),
        SealedColumn::ClientSecret | SealedColumn::PreviousClientSecret => format!("client secret {id}"),
        SealedColumn::UserCode => device_grant::sealing(&DeviceGrantId::new(id)),
        SealedColumn::Mail => mail::context(&MailId::new(id)),
    }
}
