//! The server's metadata: one object behind OpenID Connect Discovery, RFC 8414 and Matrix `auth_metadata` (spec area 1).
//! It names what works and nothing else; a test walks every value.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use crate::{
    app::App,
    config::PushedRequests,
    crypto::secret::sha256,
    domain::{
        account_action::AccountAction,
        amr::Acr,
        client::ClientAuthMethod,
        scope,
        signing_alg::{AssertionAlg, SigningAlg},
    },
    flows::register,
    language::Language,
    web::request::text,
};

/// The members that we have; absent ones are left out (DSC-06).
#[derive(Serialize)]
pub struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    require_pushed_authorization_requests: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_authorization_endpoint: Option<String>,
    revocation_endpoint: String,
    introspection_endpoint: String,
    registration_endpoint: String,
    userinfo_endpoint: String,
    end_session_endpoint: String,
    jwks_uri: String,
    /// Synapse reads no metadata without it, and appends a query to it as text (DSC-13, ACT-02).
    account_management_uri: String,
    account_management_actions_supported: Vec<&'static str>,
    /// As both were called before Matrix 1.18 (ACT-01).
    #[serde(rename = "org.matrix.msc4191.account_management_uri")]
    unstable_account_management_uri: String,
    #[serde(rename = "org.matrix.msc4191.account_management_actions_supported")]
    unstable_account_management_actions_supported: Vec<&'static str>,
    scopes_supported: Vec<&'static str>,
    response_types_supported: Vec<&'static str>,
    response_modes_supported: Vec<&'static str>,
    grant_types_supported: Vec<&'static str>,
    code_challenge_methods_supported: Vec<&'static str>,
    prompt_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: Vec<&'static str>,
    subject_types_supported: Vec<&'static str>,
    id_token_signing_alg_values_supported: Vec<&'static str>,
    userinfo_signing_alg_values_supported: Vec<&'static str>,
    acr_values_supported: Vec<&'static str>,
    claims_supported: Vec<&'static str>,
    display_values_supported: Vec<&'static str>,
    ui_locales_supported: Vec<&'static str>,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    authorization_response_iss_parameter_supported: bool,
    backchannel_logout_supported: bool,
    /// The logout token tells which login it was, by the `sid` of the ID token (BCO-01).
    backchannel_logout_session_supported: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    op_policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op_tos_uri: Option<String>,
}

impl Metadata {
    /// Describes the service as it is configured.
    pub fn of(app: &App) -> Self {
        let config = &app.config;
        let url = |path: &str| format!("{}{path}", config.http.public_base.as_str());
        let mut prompts = vec!["none", "login", "consent", "select_account"];
        if register::is_open(app) {
            prompts.push("create");
        }
        let mut grant_types = vec!["authorization_code", "refresh_token", "client_credentials"];
        if config.device_grant.enabled {
            grant_types.push("urn:ietf:params:oauth:grant-type:device_code");
        }
        let has_pushed_requests = config.authorization.pushed_requests != PushedRequests::Off;
        let actions = AccountAction::advertised(app.homeserver.is_some());
        let client_auth = ClientAuthMethod::ALL.map(ClientAuthMethod::as_str);
        let client_auth_algs = AssertionAlg::ALL.map(AssertionAlg::as_str);
        Self {
            issuer: config.http.issuer().as_str().to_owned(),
            authorization_endpoint: url("authorize"),
            token_endpoint: url("oauth2/token"),
            pushed_authorization_request_endpoint: has_pushed_requests.then(|| url("oauth2/par")),
            require_pushed_authorization_requests: has_pushed_requests
                .then_some(config.authorization.pushed_requests == PushedRequests::Required),
            device_authorization_endpoint: config.device_grant.enabled.then(|| url("oauth2/device_authorization")),
            revocation_endpoint: url("oauth2/revoke"),
            introspection_endpoint: url("oauth2/introspect"),
            registration_endpoint: url("oauth2/registration"),
            userinfo_endpoint: url("oauth2/userinfo"),
            end_session_endpoint: url("oauth2/logout"),
            jwks_uri: url("oauth2/keys.json"),
            account_management_uri: url("account/"),
            account_management_actions_supported: actions.clone(),
            unstable_account_management_uri: url("account/"),
            unstable_account_management_actions_supported: actions,
            scopes_supported: vec![
                scope::OPENID,
                scope::PROFILE,
                scope::EMAIL,
                scope::OFFLINE_ACCESS,
                scope::MATRIX_API,
            ],
            response_types_supported: vec!["code"],
            response_modes_supported: vec!["query", "fragment", "form_post"],
            grant_types_supported: grant_types,
            code_challenge_methods_supported: vec!["S256"],
            prompt_values_supported: prompts,
            token_endpoint_auth_methods_supported: client_auth.to_vec(),
            token_endpoint_auth_signing_alg_values_supported: client_auth_algs.to_vec(),
            revocation_endpoint_auth_methods_supported: client_auth.to_vec(),
            revocation_endpoint_auth_signing_alg_values_supported: client_auth_algs.to_vec(),
            introspection_endpoint_auth_methods_supported: client_auth[1..].to_vec(),
            introspection_endpoint_auth_signing_alg_values_supported: client_auth_algs.to_vec(),
            subject_types_supported: vec!["public"],
            id_token_signing_alg_values_supported: SigningAlg::ALL.map(SigningAlg::as_str).to_vec(),
            userinfo_signing_alg_values_supported: SigningAlg::ALL.map(SigningAlg::as_str).to_vec(),
            acr_values_supported: Acr::ALL.map(Acr::as_str).to_vec(),
            claims_supported: vec![
                "iss",
                "sub",
                "aud",
                "iat",
                "exp",
                "auth_time",
                "acr",
                "amr",
                "nonce",
                "at_hash",
                "sid",
                "name",
                "preferred_username",
                "urn:keymaker:mxid",
                "email",
                "email_verified",
            ],
            display_values_supported: vec!["page"],
            ui_locales_supported: Language::ALL.map(Language::tag).to_vec(),
            claims_parameter_supported: true,
            request_parameter_supported: false,
            // The default is true (DSC-04).
            request_uri_parameter_supported: false,
            authorization_response_iss_parameter_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
            op_policy_uri: config.branding.policy_uri.as_ref().map(ToString::to_string),
            op_tos_uri: config.branding.tos_uri.as_ref().map(ToString::to_string),
        }
    }
}

/// Serves the metadata with a validator, since clients ask again and again (DSC-09).
pub async fn metadata(State(app): State<App>, headers: HeaderMap) -> Response {
    let Ok(body) = serde_json::to_vec(&Metadata::of(&app)) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let etag = format!("\"{}\"", hex::encode(&sha256(&body)[..8]));
    let caching = [(header::CACHE_CONTROL, "public, max-age=600".to_owned()), (header::ETAG, etag.clone())];
    if text(&headers, header::IF_NONE_MATCH).is_some_and(|known| names_tag(known, &etag)) {
        return (StatusCode::NOT_MODIFIED, caching).into_response();
    }
    (caching, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// RFC 9110 §13.1.2: the comparison is weak, since a proxy that compresses weakens the tag.
fn names_tag(known: &str, etag: &str) -> bool {
    let mut tags = known.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
