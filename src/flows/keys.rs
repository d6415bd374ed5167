//! Signing with our keys, and publishing their public halves (spec area 9).

use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use serde::Serialize;

use crate::{
    app::App,
    config::Config,
    crypto::keys::{KeyError, SigningKey},
    domain::signing_alg::SigningAlg,
    error::{Error, Result},
};

/// The keys that sign what we issue.
pub struct Keys {
    /// Those of the configuration, in its order.
    configured: Vec<Arc<SigningKey>>,
}

impl Keys {
    /// Reads the keys of the configuration.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(config: &Config) -> Result<Self, KeyError> {
        let keys = config.secrets.keys().map(|(kid, pem)| SigningKey::read(kid, pem.expose()).map(Arc::new));
        Ok(Self { configured: keys.collect::<Result<_, _>>()? })
    }

    /// Signs claims as a JWT of a type (`JWT`, `logout+jwt` …) with the key of an algorithm that signs now.
    ///
    /// # Errors
    /// When there is no such key.
    pub async fn sign(&self, _app: &App, alg: SigningAlg, typ: &str, claims: &impl Serialize) -> Result<String> {
        let key = self.configured.iter().find(|key| key.alg() == alg);
        let key = key.ok_or(Error::Internal("there is no key for this algorithm"))?;
        key.sign(typ, claims).map_err(|_| Error::Internal("a token cannot be signed"))
    }

    /// Gives what is published.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn published(&self, _app: &App) -> Result<JwkSet> {
        Ok(JwkSet { keys: self.configured.iter().map(|key| key.public().clone()).collect() })
    }

    /// Finds the public half of a key whose signatures are ours, also of one that signs no longer, and its algorithm.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, _app: &App, kid: &str) -> Result<Option<(SigningAlg, Jwk)>> {
        let key = self.configured.iter().find(|key| key.kid() == kid);
        Ok(key.map(|key| (key.alg(), key.public().clone())))
    }
}
