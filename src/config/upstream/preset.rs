//! What is known beforehand about well-known providers, from their own documentation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ProviderResponseMode, TokenAuthMethod};

/// The well-known providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Sign in with Apple. Give `client_id` (the Services ID) and `sign_in_with_apple`.
    Apple,
    /// authentik. Give `issuer`: `https://<host>/application/o/<application>/`.
    Authentik,
    /// Dex. Give `issuer`.
    Dex,
    /// GitHub, which is plain OAuth 2.0. For GitHub Enterprise give its endpoints.
    Github,
    /// GitLab.com. For a GitLab of your own give `issuer`.
    Gitlab,
    /// Google.
    Google,
    /// Keycloak. Give `issuer`: `https://<host>/realms/<realm>`.
    Keycloak,
    /// Microsoft Entra ID. Give `issuer`: `https://login.microsoftonline.com/<tenant id>/v2.0`.
    Microsoft,
}

/// What a preset stands for.
pub struct Known {
    pub name: &'static str,
    /// The brand of the client-server API ("Login"), where it has one.
    pub brand: Option<&'static str>,
    pub issuer: Option<&'static str>,
    pub endpoints: Option<Endpoints>,
    pub scope: Option<&'static str>,
    pub auth_method: Option<TokenAuthMethod>,
    pub response_mode: Option<ProviderResponseMode>,
    pub subject: Option<&'static str>,
    pub localpart: Option<&'static str>,
    pub displayname: Option<&'static str>,
}

/// The endpoints of a provider without metadata, which issues no ID tokens.
pub struct Endpoints {
    pub authorization: &'static str,
    pub token: &'static str,
    pub userinfo: &'static str,
}

const OIDC: Known = Known {
    name: "",
    brand: None,
    issuer: None,
    endpoints: None,
    scope: None,
    auth_method: None,
    response_mode: None,
    subject: None,
    localpart: None,
    displayname: None,
};

/// The part of an address before the `@`, for providers whose people have no user names.
const BEFORE_AT: &str = "{{ (user.email | split('@'))[0] }}";

static APPLE: Known = Known {
    name: "Apple",
    brand: Some("apple"),
    issuer: Some("https://appleid.apple.com"),
    scope: Some("openid name email"),
    auth_method: Some(TokenAuthMethod::SignInWithApple),
    // Apple sends names and addresses in a form only.
    response_mode: Some(ProviderResponseMode::FormPost),
    localpart: Some(BEFORE_AT),
    // Told once, beside the first code.
    displayname: Some(
        "{% set name = (extra_callback_parameters.user | from_json).name %}{{ name.firstName }} {{ name.lastName }}",
    ),
    ..OIDC
};
static AUTHENTIK: Known = Known { name: "authentik", ..OIDC };
static DEX: Known = Known { name: "Dex", ..OIDC };
static GITHUB: Known = Known {
    name: "GitHub",
    brand: Some("github"),
    endpoints: Some(Endpoints {
        authorization: "https://github.com/login/oauth/authorize",
        token: "https://github.com/login/oauth/access_token",
        userinfo: "https://api.github.com/user",
    }),
    scope: Some("read:user user:email"),
    auth_method: Some(TokenAuthMethod::ClientSecretPost),
    subject: Some("{{ user.id }}"),
    localpart: Some("{{ user.login }}"),
    ..OIDC
};
static GITLAB: Known = Known {
    name: "GitLab",
    brand: Some("gitlab"),
    issuer: Some("https://gitlab.com"),
    localpart: Some("{{ user.nickname }}"),
    ..OIDC
};
static GOOGLE: Known = Known {
    name: "Google",
    brand: Some("google"),
    issuer: Some("https://accounts.google.com"),
    localpart: Some(BEFORE_AT),
    ..OIDC
};
static KEYCLOAK: Known = Known { name: "Keycloak", ..OIDC };
static MICROSOFT: Known = Known {
    name: "Microsoft",
    // The user name there is an address.
    localpart: Some("{{ (user.preferred_username | split('@'))[0] }}"),
    ..OIDC
};

impl Preset {
    /// Returns what it stands for.
    pub fn known(self) -> &'static Known {
        match self {
            Preset::Apple => &APPLE,
            Preset::Authentik => &AUTHENTIK,
            Preset::Dex => &DEX,
            Preset::Github => &GITHUB,
            Preset::Gitlab => &GITLAB,
            Preset::Google => &GOOGLE,
            Preset::Keycloak => &KEYCLOAK,
            Preset::Microsoft => &MICROSOFT,
        }
    }
}
