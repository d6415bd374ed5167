//! By what algorithms we sign, and by what algorithms a client may sign what it authenticates itself with. `none` is in
//! neither list (spec CMN-17).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How ID tokens, logout tokens and userinfo are signed (RFC 7518 §3.1, RFC 8037).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum SigningAlg {
    /// RSA with SHA-256, which every application knows.
    #[default]
    RS256,
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl SigningAlg {
    /// All of them, the one that everybody knows first.
    pub const ALL: [Self; 3] = [Self::RS256, Self::ES256, Self::EdDSA];

    /// Gives the name that headers and metadata have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }
}

/// How a client signs the assertion that it authenticates itself with (RFC 7523).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum AssertionAlg {
    /// The client's secret, with SHA-256.
    HS256,
    /// The client's secret, with SHA-384.
    HS384,
    /// The client's secret, with SHA-512.
    HS512,
    /// RSA with SHA-256.
    RS256,
    /// RSA-PSS with SHA-256.
    PS256,
    /// ECDSA on P-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl AssertionAlg {
    /// All of them, as the metadata lists them.
    pub const ALL: [Self; 7] =
        [Self::RS256, Self::PS256, Self::ES256, Self::EdDSA, Self::HS256, Self::HS384, Self::HS512];

    /// Finds the algorithm of a name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.as_str() == name)
    }

    /// Gives the name that headers and metadata have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::PS256 => "PS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }

    /// Gives how many bytes the secret needs at least, where one signs (RFC 7518 §3.2).
    pub fn least_secret_bytes(self) -> Option<usize> {
        match self {
            Self::HS256 => Some(32),
            Self::HS384 => Some(48),
            Self::HS512 => Some(64),
            Self::RS256 | Self::PS256 | Self::ES256 | Self::EdDSA => None,
        }
    }

    /// Says whether both sides have the same secret.
    pub fn is_by_secret(self) -> bool {
        self.least_secret_bytes().is_some()
    }
}
