//! Fresh secrets for a configuration that has none yet: the development mode and the sample.

use crate::{
    crypto::{keys, random},
    domain::signing_alg::SigningAlg,
};

/// One of each secret that a configuration needs.
pub struct GeneratedSecrets {
    /// 32 bytes in hexadecimal.
    pub encryption: String,
    /// The secret shared with the homeserver.
    pub matrix_secret: String,
    /// An RSA private key, PKCS#8 in PEM.
    pub rs256: String,
}

/// Draws new secrets.
pub fn generated_secrets() -> GeneratedSecrets {
    GeneratedSecrets {
        encryption: hex::encode(random::bytes::<32>()),
        matrix_secret: hex::encode(random::bytes::<32>()),
        rs256: keys::generate(SigningAlg::RS256).expect("the system can make an RSA key"),
    }
}
