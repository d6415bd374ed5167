//! The keys that clients host themselves, `jwks_uri` (spec CAU-04). They are asked for seldom, whoever presents what: every
//! ten minutes, once more for a key that is not known, and half a minute after a failure.
//!
//! What is kept here may only be older than what is there now (INV-16): a key that its owner took back is good for ten minutes
//! more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    clock::{MINUTE, SECOND},
    crypto::jws::KeySet,
    remote::guarded::Guarded,
};

/// For how long keys are good without a look at their source.
const FRESH: i64 = 10 * MINUTE;
/// How long nobody is asked again, after a failure or for a key that may have been replaced.
const PATIENCE: i64 = 30 * SECOND;
/// Of how many sources something is remembered.
const MOST_SOURCES: usize = 1000;

/// The keys of all clients that host them.
#[derive(Default)]
pub struct ClientKeys {
    sources: Mutex<HashMap<String, Source>>,
}

/// One at a time asks a source; the others wait for the same answer.
#[derive(Clone, Default)]
struct Source(Arc<tokio::sync::Mutex<Known>>);

#[derive(Default)]
struct Known {
    keys: Option<KeySet>,
    asked_at: Option<i64>,
    asked_again_at: Option<i64>,
}

impl ClientKeys {
    /// Gives the keys at a URL; nothing when they cannot be had, or could not a moment ago.
    pub async fn get(&self, guarded: &Guarded, uri: &str, now: i64) -> Option<KeySet> {
        let source = self.source(uri);
        let mut known = source.0.lock().await;
        let patience = if known.keys.is_some() { FRESH } else { PATIENCE };
        if is_long_ago(known.asked_at, patience, now) {
            known.asked_at = Some(now);
            known.keys = fetch(guarded, uri).await;
        }
        known.keys.clone()
    }

    /// Gives them after another look, if the last such look was not a moment ago: else whoever presents rubbish would have
    /// us ask each time.
    pub async fn get_again(&self, guarded: &Guarded, uri: &str, now: i64) -> Option<KeySet> {
        let source = self.source(uri);
        let mut known = source.0.lock().await;
        if is_long_ago(known.asked_again_at, PATIENCE, now) {
            known.asked_again_at = Some(now);
            if let Some(keys) = fetch(guarded, uri).await {
                (known.keys, known.asked_at) = (Some(keys), Some(now));
            }
        }
        known.keys.clone()
    }

    fn source(&self, uri: &str) -> Source {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if sources.len() >= MOST_SOURCES && !sources.contains_key(uri) {
            sources.clear();
        }
        sources.entry(uri.to_owned()).or_default().clone()
    }
}

fn is_long_ago(at: Option<i64>, patience: i64, now: i64) -> bool {
    at.is_none_or(|at| now - at >= patience)
}

async fn fetch(guarded: &Guarded, uri: &str) -> Option<KeySet> {
    match guarded.get(uri).await {
        Ok(answer) if answer.status == http::StatusCode::OK => KeySet::parse(&answer.body),
        Ok(answer) => {
            tracing::info!(status = answer.status.as_u16(), "the keys of a client are not where it said");
            None
        }
        Err(error) => {
            tracing::info!(%error, "the keys of a client cannot be had");
            None
        }
    }
}
