//! The meeting place of two devices that do not know each other yet, while a QR code signs one of them in (MSC4108 of 2024,
//! MSC4388; spec QRL-02, QRL-03). What they leave there is encrypted for each other and means nothing here. Whoever has the id
//! may read, write and delete, so it is as good as a secret and kept as one.

use crate::{
    app::App,
    crypto::{
        random,
        secret::{Kind, Secret, sha256},
    },
    domain::{refusal::Refusal, session::Purpose},
    error::Result,
    store::{self, rendezvous::Left, token::TokenKind},
};

/// How much may be left there, in bytes.
pub const MOST_BYTES: usize = 4096;

/// A meeting place that was just opened.
pub struct Opened {
    pub id: String,
    pub left: Left,
}

/// Opens a meeting place.
///
/// # Errors
/// `TooLarge`; `LimitExceeded` when all are taken: nobody is put out who has begun.
pub async fn open(app: &App, data: &[u8]) -> Result<Opened> {
    check_size(data)?;
    let (settings, now) = (&app.config.rendezvous, app.clock.now());
    let id = random_id();
    let left = Left { data: data.to_vec(), sequence: random_id(), updated_at: now, expires_at: now + settings.life() };
    let mut tx = app.db.write().await?;
    store::rendezvous::delete_expired(&mut tx, now).await?;
    if !store::rendezvous::insert(&mut tx, &hash(&id), &left, settings.most_sessions).await? {
        return Err(Refusal::LimitExceeded.into());
    }
    tx.commit().await?;
    Ok(Opened { id, left })
}

/// Gives what was left last.
///
/// # Errors
/// `RendezvousOver`.
pub async fn look(app: &App, id: &str) -> Result<Left> {
    let left = store::rendezvous::find(&app.db, &hash(id), app.clock.now()).await?;
    Ok(left.ok_or(Refusal::RendezvousOver)?)
}

/// Leaves something else, for whoever has seen what is there, and gives what is there then.
///
/// # Errors
/// `TooLarge`, `RendezvousOver`; `ConcurrentWrite` when something else is there by now.
pub async fn leave(app: &App, id: &str, seen: &str, data: &[u8]) -> Result<Left> {
    check_size(data)?;
    let (hash, next, now) = (hash(id), random_id(), app.clock.now());
    let mut tx = app.db.write().await?;
    let is_replaced = store::rendezvous::replace(&mut tx, &hash, seen, (data, &next), now).await?;
    tx.commit().await?;
    let there = look(app, id).await?;
    // Whoever lost our answer leaves the same again.
    if is_replaced || there.data == data { Ok(there) } else { Err(Refusal::ConcurrentWrite.into()) }
}

/// Closes a meeting place.
///
/// # Errors
/// `RendezvousOver`.
pub async fn close(app: &App, id: &str) -> Result<()> {
    let mut tx = app.db.write().await?;
    if !store::rendezvous::delete(&mut tx, &hash(id), app.clock.now()).await? {
        return Err(Refusal::RendezvousOver.into());
    }
    Ok(tx.commit().await?)
}

/// Deletes what is over: it is of no use to anybody from then on.
///
/// # Errors
/// When the store fails.
pub async fn delete_expired(app: &App) -> Result<()> {
    let mut tx = app.db.write().await?;
    store::rendezvous::delete_expired(&mut tx, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Checks that an access token is of somebody who is signed in here.
///
/// # Errors
/// `InvalidToken`.
pub async fn check_login(app: &App, access_token: &str) -> Result<()> {
    let secret = Secret::parse_token(Kind::AccessToken, access_token).ok_or(Refusal::InvalidToken)?;
    let token = store::token::find(&app.db, TokenKind::Access, &secret.hash()).await?.ok_or(Refusal::InvalidToken)?;
    let now = app.clock.now();
    let session = &token.session;
    let is_matrix = session.user_id.is_some() && session.scope().is_matrix();
    match is_matrix && token.is_unexpired(now) && session.judge(Purpose::Use, now).is_ok() {
        true => Ok(()),
        false => Err(Refusal::InvalidToken.into()),
    }
}

fn check_size(data: &[u8]) -> Result<(), Refusal> {
    if data.len() <= MOST_BYTES { Ok(()) } else { Err(Refusal::TooLarge) }
}

/// 128 random bits, in letters that an opaque identifier may have.
fn random_id() -> String {
    hex::encode(random::bytes::<16>())
}

fn hash(id: &str) -> Vec<u8> {
    sha256(format!("rendezvous {id}").as_bytes())
}
