//! The rules between the keys of a provider.

use std::collections::HashSet;

use jsonwebtoken::EncodingKey;
use minijinja::Environment;
use url::Url;

use super::{
    super::{Config, Problems},
    DiscoveryMode, ImportAction, OnConflict, Provider, Rule, SigningAlgorithm, TokenAuthMethod,
};

/// Adds every rule that the section breaks.
pub fn check(config: &Config, problems: &mut Problems) {
    let mut ids = HashSet::new();
    let mut synapse_idp_ids = HashSet::new();
    for (index, provider) in config.upstream_oauth2.providers.iter().enumerate() {
        let path = format!("upstream_oauth2.providers[{index}]");
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
        if !provider.id.bytes().all(allowed) {
            problems.add(format!("{path}.id"), "may only have the characters a-z, 0-9, `.`, `_` and `-`");
        }
        if !ids.insert(&provider.id) {
            problems.add(format!("{path}.id"), "is the `id` of another provider too");
        }
        // A link of Synapse goes to one provider, or nobody could tell to which.
        if let Some(synapse_idp_id) = &provider.synapse_idp_id
            && !synapse_idp_ids.insert(synapse_idp_id)
        {
            problems.add(format!("{path}.synapse_idp_id"), "is the `synapse_idp_id` of another provider too");
        }
        if provider.client_id.is_some() {
            let mut add = |key: &str, message: &str| problems.add(format!("{path}.{key}"), message);
            check_endpoints(provider, &mut add);
            check_secrets(provider, &mut add);
            check_imports(provider, &mut add);
            check_templates(provider, &mut add);
        }
    }
}

fn check_endpoints(provider: &Provider, add: &mut impl FnMut(&str, &str)) {
    let mode = provider.discovery_mode();
    match provider.issuer().map(Url::parse) {
        None if mode != DiscoveryMode::Disabled || provider.has_id_token() => {
            add("issuer", "is required, unless `discovery_mode` is \"disabled\" and `id_token` is false");
        }
        Some(Err(_)) => add("issuer", "must be a URL that starts with https://"),
        Some(Ok(issuer)) if issuer.query().is_some() || issuer.fragment().is_some() => {
            add("issuer", "must have neither a query nor a fragment");
        }
        _ => {}
    }
    let required = [
        ("authorization_endpoint", provider.authorization_endpoint(), mode == DiscoveryMode::Disabled),
        ("token_endpoint", provider.token_endpoint(), mode == DiscoveryMode::Disabled),
        (
            "userinfo_endpoint",
            provider.userinfo_endpoint(),
            mode == DiscoveryMode::Disabled && provider.fetches_userinfo(),
        ),
        ("jwks_uri", provider.jwks_uri(), mode == DiscoveryMode::Disabled && needs_keys(provider)),
    ];
    for (key, url, is_required) in required {
        match url {
            None if is_required => add(key, "is required with `discovery_mode: disabled`"),
            Some(url) if !is_safe(mode, url) => add(key, NOT_HTTPS),
            _ => {}
        }
    }
    if provider.issuer().is_some_and(|issuer| Url::parse(issuer).is_ok() && !is_safe(mode, issuer)) {
        add("issuer", NOT_HTTPS);
    }
}

const NOT_HTTPS: &str =
    "must be https, or everybody on the way could read and change what it says; `discovery_mode: insecure` allows it";

/// Plain http can be overheard by nobody else on this machine.
fn is_safe(mode: DiscoveryMode, url: &str) -> bool {
    let is_loopback = super::WebUrl::try_from(url.to_owned()).is_ok_and(|url| url.is_loopback());
    mode == DiscoveryMode::Insecure || url.starts_with("https://") || is_loopback
}

fn needs_keys(provider: &Provider) -> bool {
    let signed = provider.userinfo_signed_response_alg.into_iter();
    let mut algorithms = signed.chain(provider.has_id_token().then_some(provider.id_token_signed_response_alg));
    algorithms.any(|algorithm| algorithm != SigningAlgorithm::Hs256)
}

fn check_secrets(provider: &Provider, add: &mut impl FnMut(&str, &str)) {
    use TokenAuthMethod as Method;
    let method = provider.token_endpoint_auth_method();
    let has_secret = provider.client_secret().is_some();
    match method {
        Method::ClientSecretBasic | Method::ClientSecretPost | Method::ClientSecretJwt if !has_secret => {
            add("client_secret", "is required with this `token_endpoint_auth_method`, here or as `client_secret_file`");
        }
        Method::PrivateKeyJwt => match provider.private_key() {
            None => add("private_key", "is required with `private_key_jwt`, here or as `private_key_file`"),
            Some(key) => {
                let algorithm = provider.token_endpoint_auth_signing_alg.unwrap_or_default();
                if algorithm.encoding_key(key.expose()).is_none() {
                    add("private_key", "must be a private key in PEM (PKCS#8) of the kind that the algorithm needs");
                }
            }
        },
        Method::SignInWithApple => match provider.apple() {
            None => add(
                "sign_in_with_apple",
                "is required, with `team_id`, `key_id` and `private_key` or `private_key_file`",
            ),
            Some((_, _, key)) if EncodingKey::from_ec_pem(key.expose().as_bytes()).is_err() => {
                add("sign_in_with_apple.private_key", "must be the key that Apple let you download, in PEM");
            }
            Some(_) => {}
        },
        _ => {}
    }
    let is_by_secret = [Some(provider.id_token_signed_response_alg), provider.userinfo_signed_response_alg]
        .contains(&Some(SigningAlgorithm::Hs256));
    if is_by_secret && !has_secret {
        add("client_secret", "is required with HS256, here or as `client_secret_file`");
    }
}

fn check_imports(provider: &Provider, add: &mut impl FnMut(&str, &str)) {
    let imports = &provider.claims_imports;
    let is_chosen = matches!(provider.localpart().0, ImportAction::Ignore | ImportAction::Suggest);
    if imports.localpart.on_conflict != OnConflict::Fail && is_chosen {
        add(
            "claims_imports.localpart.on_conflict",
            "needs the action \"force\" or \"require\": a name that somebody may choose shows nothing",
        );
    }
    if imports.email.on_conflict != OnConflict::Fail && !provider.trust_email {
        add(
            "claims_imports.email.on_conflict",
            "needs `trust_email: true`: whoever has an address there would get into the account that has it here",
        );
    }
    if provider.has_id_token() && !provider.scope().split(' ').any(|scope| scope == "openid") {
        add("scope", "must have `openid`, or the provider issues no ID token");
    }
    const OURS: [&str; 12] = [
        "response_type",
        "client_id",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "response_mode",
        "login_hint",
        "max_age",
        "prompt",
    ];
    // `prompt` is allowed where it asks for more, such as `select_account`; a sign-in that has to be fresh sets its own.
    for name in provider.additional_authorization_parameters.keys() {
        if OURS.contains(&&**name) && name != "prompt" {
            add(&format!("additional_authorization_parameters.{name}"), "is set by Keymaker itself");
        }
    }
    for (key, rule) in [("allow", &provider.allow), ("deny", &provider.deny), ("admin", &provider.admin)] {
        let Some(rule) = rule else { continue };
        let by_claim = rule.claim.is_some() && !rule.any_of.is_empty() && rule.template.is_none();
        let by_template = rule.claim.is_none() && rule.any_of.is_empty() && rule.template.is_some();
        if !by_claim && !by_template {
            add(key, "give either `claim` with `any_of`, or `template`");
        }
    }
}

fn check_templates(provider: &Provider, add: &mut impl FnMut(&str, &str)) {
    let rule = |rule: &Option<Rule>| rule.as_ref().and_then(|rule| rule.template.clone()).unwrap_or_default();
    let templates = [
        ("claims_imports.subject.template", provider.subject_template().to_owned()),
        ("claims_imports.localpart.template", provider.localpart().1.to_owned()),
        ("claims_imports.displayname.template", provider.displayname().1.to_owned()),
        ("claims_imports.email.template", provider.email().1.to_owned()),
        ("allow.template", rule(&provider.allow)),
        ("deny.template", rule(&provider.deny)),
        ("admin.template", rule(&provider.admin)),
    ];
    for (key, template) in templates {
        if let Err(error) = Environment::new().template_from_str(&template) {
            add(key, &format!("is no template: {error}"));
        }
    }
}

impl SigningAlgorithm {
    /// Returns the key of a PEM for this algorithm; nothing when it is of another kind.
    pub fn encoding_key(self, pem: &str) -> Option<EncodingKey> {
        let pem = pem.as_bytes();
        match self {
            Self::Hs256 => None,
            Self::Es256 | Self::Es384 => EncodingKey::from_ec_pem(pem).ok(),
            Self::EdDsa => EncodingKey::from_ed_pem(pem).ok(),
            _ => EncodingKey::from_rsa_pem(pem).ok(),
        }
    }

    /// Returns the algorithm as the library names it.
    pub fn jwt(self) -> jsonwebtoken::Algorithm {
        use jsonwebtoken::Algorithm;
        match self {
            Self::Rs256 => Algorithm::RS256,
            Self::Rs384 => Algorithm::RS384,
            Self::Rs512 => Algorithm::RS512,
            Self::Ps256 => Algorithm::PS256,
            Self::Ps384 => Algorithm::PS384,
            Self::Ps512 => Algorithm::PS512,
            Self::Es256 => Algorithm::ES256,
            Self::Es384 => Algorithm::ES384,
            Self::EdDsa => Algorithm::EdDSA,
            Self::Hs256 => Algorithm::HS256,
        }
    }
}
