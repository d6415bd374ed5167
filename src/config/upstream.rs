//! The section `upstream_oauth2`: the identity providers at which people sign in (spec area 18), what is taken over from
//! them, and what is known about the big ones beforehand.

mod check;
mod preset;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sensitive, WebUrl, order::as_declared, yes};

pub use check::check;
pub use preset::Preset;

/// Sign-in through identity providers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<UpstreamOauth2>)]
pub struct UpstreamOauth2 {
    /// The providers. The links of a provider of Synapse that is not among them are listed by the import and stay behind.
    /// docs/upstream.md has an example for each of the well-known ones.
    #[schemars(example = serde_json::json!([{
        "id": "company",
        "human_name": "Example Ltd",
        "synapse_idp_id": "oidc-company",
        "issuer": "https://id.example.com/",
        "client_id": "keymaker",
        "client_secret": "the secret that the provider gave",
    }]))]
    pub providers: Vec<Provider>,
}

/// An identity provider.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = as_declared::<Provider>)]
pub struct Provider {
    /// The name of the provider in the database: up to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`, of your own choice.
    /// Links are kept under it for ever: do not change it, and never give that of an old provider to a new one.
    #[schemars(length(min = 1, max = 64))]
    pub id: String,

    /// The name of the provider that people are shown. When it is not set it is the name that belongs to `preset`, or `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"Example Ltd")]
    pub human_name: Option<String>,

    /// What kind of provider it is, for clients that show its mark: `apple`, `facebook`, `github`, `gitlab`, `google` or
    /// `twitter`. When it is not set it is the one that belongs to `preset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"google")]
    brand_name: Option<String>,

    /// The name by which Synapse knows the provider, `auth_provider` in its table `user_external_ids`: `oidc-` and the `idp_id`
    /// of its configuration, `oidc` where that has none, `saml` or `cas`. Without it an import brings no links of the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"oidc-company")]
    pub synapse_idp_id: Option<String>,

    /// Whether people sign in through the provider. When it is `false`, its links stay and nobody gets in by them. A provider
    /// without a `client_id` is one that only keeps imported links.
    #[serde(default = "yes")]
    pub enabled: bool,

    /// A well-known provider. It stands for its issuer or its endpoints, its scopes and its way of naming people; you add what
    /// is yours, at least `client_id` and `client_secret`. What you set yourself wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,

    /// The issuer, exactly as the provider spells it in its metadata and tokens. With `discovery_mode: oidc` it is required,
    /// and the metadata is read below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://id.example.com/")]
    issuer: Option<String>,

    /// The client id that the provider gave to Keymaker. Register the redirect URI `<public_base>upstream/callback/<id>` there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1), example = &"keymaker")]
    pub client_id: Option<String>,

    /// The secret that the provider gave with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"the secret that the provider gave")]
    pub(super) client_secret: Option<Sensitive>,

    /// A file that holds the secret, instead of `client_secret`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"upstream-secret")]
    pub(super) client_secret_file: Option<PathBuf>,

    /// How Keymaker shows the provider who it is. When it is not set it is `client_secret_basic` with a secret and `none`
    /// without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_method: Option<TokenAuthMethod>,

    /// With `private_key_jwt`, the private key in PEM (PKCS#8), as the provider knows its public half.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"-----BEGIN PRIVATE KEY-----\n(base64)\n-----END PRIVATE KEY-----\n")]
    pub(super) private_key: Option<Sensitive>,

    /// A file that holds the private key, instead of `private_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"upstream-key.pem")]
    pub(super) private_key_file: Option<PathBuf>,

    /// With `private_key_jwt`, the name by which the provider knows the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"2026")]
    pub private_key_id: Option<String>,

    /// The algorithm of the assertion with `private_key_jwt` (`RS256` when it is not set) or `client_secret_jwt` (`HS256`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<SigningAlgorithm>,

    /// With `sign_in_with_apple`, what Apple gave: out of it the secret is made that Apple wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "team_id": "ABCDE12345", "key_id": "FGHIJ67890", "private_key_file": "apple.p8" }))]
    pub(super) sign_in_with_apple: Option<Apple>,

    /// The scopes that are asked for. When it is not set it is that of `preset`, or `openid profile email`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"openid profile email")]
    scope: Option<String>,

    /// Where the provider's endpoints and keys are found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discovery_mode: Option<DiscoveryMode>,

    /// The authorization endpoint. Required with `discovery_mode: disabled`; otherwise it replaces what the metadata says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://id.example.com/authorize")]
    pub(super) authorization_endpoint: Option<WebUrl>,

    /// The token endpoint. Required with `discovery_mode: disabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://id.example.com/token")]
    pub(super) token_endpoint: Option<WebUrl>,

    /// The userinfo endpoint. Required for a provider that issues no ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://id.example.com/userinfo")]
    pub(super) userinfo_endpoint: Option<WebUrl>,

    /// The address of the provider's keys. Required with `discovery_mode: disabled` where the provider issues ID tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"https://id.example.com/keys")]
    pub(super) jwks_uri: Option<WebUrl>,

    /// Whether the provider issues ID tokens, as OpenID Connect wants. When it is `false` it is plain OAuth 2.0: what the
    /// userinfo endpoint says is who somebody is. When it is not set it is that of `preset`, or `true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = true)]
    id_token: Option<bool>,

    /// Whether authorizations are bound to this server by PKCE.
    #[serde(default)]
    pub pkce_method: PkceMethod,

    /// Whether the userinfo endpoint is asked too. What the ID token says wins. Always so without ID tokens.
    #[serde(default)]
    fetch_userinfo: bool,

    /// The algorithm by which the answer of the userinfo endpoint is signed, where it is. Otherwise it is plain JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SigningAlgorithm>,

    /// The algorithm by which ID tokens are signed. Others are refused, whatever a token says of itself.
    #[serde(default)]
    pub id_token_signed_response_alg: SigningAlgorithm,

    /// How the browser brings the answer back. When it is not set it is that of `preset`, or `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response_mode: Option<ProviderResponseMode>,

    /// Further parameters of the authorization request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(example = serde_json::json!({ "hd": "example.com" }))]
    pub additional_authorization_parameters: BTreeMap<String, String>,

    /// Whether the name that a client hints at is passed on.
    #[serde(default)]
    pub forward_login_hint: bool,

    /// What is taken over from the provider, and how.
    #[serde(default)]
    pub claims_imports: ClaimsImports,

    /// When it is taken over.
    #[serde(default)]
    pub import: ImportTime,

    /// Who may sign in. Everybody, when it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "claim": "groups", "any_of": ["matrix-users"] }))]
    pub allow: Option<Rule>,

    /// Who may not, even where `allow` lets them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "claim": "groups", "any_of": ["guests"] }))]
    pub deny: Option<Rule>,

    /// Who may ask for server administration. Everybody else loses that right at the next sign-in through the provider, and
    /// with it the sessions that hold it. When it is not set, the provider has no say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "claim": "groups", "any_of": ["matrix-admins"] }))]
    pub admin: Option<Rule>,

    /// Whether only accounts sign in that exist and are linked: nobody gets a new account through the provider.
    #[serde(default)]
    pub sign_in_only: bool,

    /// Whether the provider's word counts for who has an e-mail address: it is needed for `claims_imports.email.on_conflict`.
    /// Whoever controls an address at such a provider gets into the account that has it here.
    #[serde(default)]
    pub trust_email: bool,

    /// The values of `acr` or `amr` by which the provider says that somebody showed two factors. Others do not count, and where
    /// two factors are asked for, people show one of theirs here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!(["mfa"]))]
    pub trust_acr: Vec<String>,

    /// Whether somebody without a password and a passkey confirms changes of the account at the provider although it does not
    /// say when it last asked who is there, as Google, GitHub and others do not. Whoever sits in front of a browser that is
    /// signed in at both can then change the account.
    #[serde(default)]
    pub confirm_without_auth_time: bool,

    /// What happens here when the provider says that somebody signed out there (OpenID Connect Back-Channel Logout). The
    /// address to register is `<public_base>upstream/<id>/backchannel-logout`.
    #[serde(default)]
    pub on_backchannel_logout: OnBackchannelLogout,

    /// Whether whoever signs out here, in the browser, is asked to sign out at the provider too, where its metadata tells how.
    /// Register the address `<public_base>upstream/logout/<id>` there as `post_logout_redirect_uri`.
    #[serde(default)]
    pub logout_at_provider: bool,
}

/// What Apple gives for a generated secret.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = as_declared::<Apple>)]
pub struct Apple {
    /// The id of the team, ten characters.
    #[schemars(example = &"ABCDE12345")]
    pub team_id: String,

    /// The id of the key, ten characters.
    #[schemars(example = &"FGHIJ67890")]
    pub key_id: String,

    /// The private key that Apple let you download, in PEM (PKCS#8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"-----BEGIN PRIVATE KEY-----\n(base64)\n-----END PRIVATE KEY-----\n")]
    pub(super) private_key: Option<Sensitive>,

    /// A file that holds it, instead of `private_key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"apple.p8")]
    pub(super) private_key_file: Option<PathBuf>,
}

/// The ways to show a provider who one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenAuthMethod {
    /// Nothing but the client id.
    None,
    /// The secret, in the `Authorization` header.
    ClientSecretBasic,
    /// The secret, in the request.
    ClientSecretPost,
    /// A short-lived assertion, made with the secret.
    ClientSecretJwt,
    /// A short-lived assertion, signed with a private key.
    PrivateKeyJwt,
    /// As Apple wants it: a generated secret.
    SignInWithApple,
}

/// Where metadata comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DiscoveryMode {
    /// From the provider, below `issuer`; every address in it has to be https.
    #[default]
    Oidc,
    /// The same, with plain http allowed. Only for a provider on this machine or in a network of your own.
    Insecure,
    /// From this configuration alone.
    Disabled,
}

/// When PKCE is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PkceMethod {
    /// When the provider's metadata says that it knows it.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The algorithms of signatures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub enum SigningAlgorithm {
    /// RSA with SHA-256, which every provider knows.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// RSA with SHA-384.
    #[serde(rename = "RS384")]
    Rs384,
    /// RSA with SHA-512.
    #[serde(rename = "RS512")]
    Rs512,
    /// RSA-PSS with SHA-256.
    #[serde(rename = "PS256")]
    Ps256,
    /// RSA-PSS with SHA-384.
    #[serde(rename = "PS384")]
    Ps384,
    /// RSA-PSS with SHA-512.
    #[serde(rename = "PS512")]
    Ps512,
    /// ECDSA on P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// ECDSA on P-384.
    #[serde(rename = "ES384")]
    Es384,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
    /// With the client's secret instead of a key of the provider.
    #[serde(rename = "HS256")]
    Hs256,
}

/// How the answer comes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderResponseMode {
    /// In the address.
    #[default]
    Query,
    /// As a form that the browser sends.
    FormPost,
}

/// What happens here after a sign-out at the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnBackchannelLogout {
    /// Nothing.
    #[default]
    DoNothing,
    /// The browser is signed out here too. Matrix clients stay signed in.
    LogoutBrowserOnly,
    /// The browser is signed out, and every client that was signed in through that login, which loses its encryption keys.
    LogoutAll,
}

/// When claims are taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportTime {
    /// When the account is created.
    #[default]
    Once,
    /// At every sign-in: the display name, and an e-mail address that came new, follow the provider.
    EveryLogin,
}

/// How claims become an account.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<ClaimsImports>)]
pub struct ClaimsImports {
    /// What the provider calls the person for ever.
    pub subject: SubjectImport,
    /// The user name: what stands between `@` and `:` in a Matrix ID.
    pub localpart: LocalpartImport,
    /// The display name.
    pub displayname: DisplaynameImport,
    /// The e-mail address.
    pub email: EmailImport,
}

/// The import of the subject.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<SubjectImport>)]
pub struct SubjectImport {
    /// A template of a claim that never changes and is never given to somebody else. When it is not set it is that of `preset`,
    /// or `{{ user.sub }}`. Links are kept under it: do not change it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"{{ user.sub }}")]
    template: Option<String>,
}

/// The import of the user name.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<LocalpartImport>)]
pub struct LocalpartImport {
    /// What is done with it. When it is not set it is `suggest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<ImportAction>,

    /// A template. When it is not set it is that of `preset`, or `{{ user.preferred_username }}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"{{ (user.email | split('@'))[0] }}")]
    template: Option<String>,

    /// What happens when an account has this user name and is not linked. It needs `force` or `require`, and is only for a
    /// provider that alone decides who has which user name: whoever has the name there gets into the account here.
    pub on_conflict: OnConflict,
}

/// The import of the display name.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<DisplaynameImport>)]
pub struct DisplaynameImport {
    /// What is done with it. When it is not set it is `suggest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<ImportAction>,

    /// A template. When it is not set it is that of `preset`, or `{{ user.name }}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"{{ user.given_name }} {{ user.family_name }}")]
    template: Option<String>,
}

/// The import of the e-mail address.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<EmailImport>)]
pub struct EmailImport {
    /// What is done with it. When it is not set it is `suggest`.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<ImportAction>,

    /// A template. When it is not set it is that of `preset`, or `{{ user.email }}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"{{ user.email }}")]
    template: Option<String>,

    /// Whether the address counts as confirmed. One that does not is not taken over: its owner can add it by a code.
    pub set_email_verification: EmailVerification,

    /// What happens when an account has this address and is not linked. It needs `trust_email`, and counts only where the
    /// provider says `email_verified: true`.
    pub on_conflict: OnConflict,
}

/// What is done with a claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportAction {
    /// Nothing.
    Ignore,
    /// It is offered at sign-up, and can be changed there.
    #[default]
    Suggest,
    /// It is taken where it is there, and cannot be changed at sign-up.
    Force,
    /// It is taken, and whoever has none does not get an account.
    Require,
}

/// What happens when an account that is not linked has the same user name or e-mail address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnConflict {
    /// It is not linked by itself: its owner signs in to it first.
    #[default]
    Fail,
    /// It is linked, beside any other links.
    Add,
    /// It is linked when it has no link to this provider.
    Set,
    /// It is linked, and an older link to this provider is removed.
    Replace,
}

/// When an address counts as confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EmailVerification {
    /// When the provider says `email_verified: true`.
    #[default]
    Import,
    /// Always: for a provider that gives addresses of its own only.
    Always,
    /// Never.
    Never,
}

/// A condition on claims: a claim that has one of some values, or a template that yields `true`.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(transform = as_declared::<Rule>)]
pub struct Rule {
    /// The claim, with dots into objects: `groups`, or `realm_access.roles`. Give it with `any_of`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"groups")]
    pub claim: Option<String>,

    /// The values, one of which the claim has to be, or to hold where it is a list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(example = serde_json::json!(["staff"]))]
    pub any_of: Vec<String>,

    /// A template, instead of the two.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"{{ user.hd == 'example.com' }}")]
    pub template: Option<String>,
}

impl Provider {
    /// Tells whether people can sign in through it.
    pub fn is_open(&self) -> bool {
        self.enabled && self.client_id.is_some()
    }

    /// Returns the name that people are shown.
    pub fn name(&self) -> &str {
        self.human_name.as_deref().or(self.known().map(|known| known.name)).unwrap_or(&self.id)
    }

    /// Returns what kind of provider it is, for the marks of clients.
    pub fn brand(&self) -> Option<&str> {
        self.brand_name.as_deref().or(self.known().and_then(|known| known.brand))
    }

    /// Returns the issuer.
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref().or(self.known().and_then(|known| known.issuer))
    }

    /// Returns the client id; a provider that is open has one.
    pub fn client_id(&self) -> &str {
        self.client_id.as_deref().unwrap_or_default()
    }

    /// Returns the secret, where there is one.
    pub fn client_secret(&self) -> Option<&Sensitive> {
        self.client_secret.as_ref()
    }

    /// Returns the private key of assertions.
    pub fn private_key(&self) -> Option<&Sensitive> {
        self.private_key.as_ref()
    }

    /// Returns what Apple's secret is made of: team, key id and key.
    pub fn apple(&self) -> Option<(&str, &str, &Sensitive)> {
        let apple = self.sign_in_with_apple.as_ref()?;
        Some((&apple.team_id, &apple.key_id, apple.private_key.as_ref()?))
    }

    /// Returns how Keymaker shows who it is.
    pub fn token_endpoint_auth_method(&self) -> TokenAuthMethod {
        self.token_endpoint_auth_method.or(self.known().and_then(|known| known.auth_method)).unwrap_or(
            match self.client_secret {
                Some(_) => TokenAuthMethod::ClientSecretBasic,
                None => TokenAuthMethod::None,
            },
        )
    }

    /// Returns the scopes that are asked for.
    pub fn scope(&self) -> &str {
        self.scope.as_deref().or(self.known().and_then(|known| known.scope)).unwrap_or("openid profile email")
    }

    /// Returns where metadata comes from.
    pub fn discovery_mode(&self) -> DiscoveryMode {
        let known = self.known().is_some_and(|known| known.endpoints.is_some());
        self.discovery_mode.unwrap_or(if known { DiscoveryMode::Disabled } else { DiscoveryMode::Oidc })
    }

    /// Returns an endpoint of the configuration, or of the preset.
    fn endpoint<'a>(
        &'a self,
        own: &'a Option<WebUrl>,
        known: impl Fn(&preset::Endpoints) -> &'static str,
    ) -> Option<&'a str> {
        let preset = self.known().and_then(|preset| preset.endpoints.as_ref());
        own.as_ref().map(|url| url.as_str()).or(preset.map(known)).filter(|url| !url.is_empty())
    }

    /// Returns the authorization endpoint, where it is known beforehand.
    pub fn authorization_endpoint(&self) -> Option<&str> {
        self.endpoint(&self.authorization_endpoint, |known| known.authorization)
    }

    /// Returns the token endpoint, where it is known beforehand.
    pub fn token_endpoint(&self) -> Option<&str> {
        self.endpoint(&self.token_endpoint, |known| known.token)
    }

    /// Returns the userinfo endpoint, where it is known beforehand.
    pub fn userinfo_endpoint(&self) -> Option<&str> {
        self.endpoint(&self.userinfo_endpoint, |known| known.userinfo)
    }

    /// Returns the address of the keys, where it is known beforehand.
    pub fn jwks_uri(&self) -> Option<&str> {
        self.endpoint(&self.jwks_uri, |_| "")
    }

    /// Tells whether it issues ID tokens.
    pub fn has_id_token(&self) -> bool {
        self.id_token.unwrap_or(self.known().is_none_or(|known| known.endpoints.is_none()))
    }

    /// Tells whether the userinfo endpoint is asked.
    pub fn fetches_userinfo(&self) -> bool {
        self.fetch_userinfo || !self.has_id_token()
    }

    /// Returns how the answer comes back.
    pub fn response_mode(&self) -> ProviderResponseMode {
        self.response_mode.or(self.known().and_then(|known| known.response_mode)).unwrap_or_default()
    }

    /// Returns the template of the subject.
    pub fn subject_template(&self) -> &str {
        let own = self.claims_imports.subject.template.as_deref();
        own.or(self.known().and_then(|known| known.subject)).unwrap_or("{{ user.sub }}")
    }

    /// Returns what is done with the user name, and its template.
    pub fn localpart(&self) -> (ImportAction, &str) {
        let own = &self.claims_imports.localpart;
        let known = self.known().and_then(|known| known.localpart);
        let template = own.template.as_deref().or(known).unwrap_or("{{ user.preferred_username }}");
        (own.action.unwrap_or_default(), template)
    }

    /// Returns what is done with the display name, and its template.
    pub fn displayname(&self) -> (ImportAction, &str) {
        let own = &self.claims_imports.displayname;
        let known = self.known().and_then(|known| known.displayname);
        let template = own.template.as_deref().or(known).unwrap_or("{{ user.name }}");
        (own.action.unwrap_or_default(), template)
    }

    /// Returns what is done with the e-mail address, and its template.
    pub fn email(&self) -> (ImportAction, &str) {
        let own = &self.claims_imports.email;
        (own.action.unwrap_or_default(), own.template.as_deref().unwrap_or("{{ user.email }}"))
    }

    fn known(&self) -> Option<&'static preset::Known> {
        self.preset.map(Preset::known)
    }
}
