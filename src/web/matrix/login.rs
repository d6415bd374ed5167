//! `GET` and `POST /login` (client-server API, "Legacy API"; spec 12.1 and 12.2).

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    app::App,
    config::upstream::Provider,
    domain::{
        device::{device_name, is_device_id},
        refusal::Refusal,
    },
    flows::{
        Caller,
        compat::{Credential, Login, login},
        login::Identifier,
        upstream,
    },
    web::matrix::{MatrixError, MatrixJson, Object, Tokens, private_json},
};

/// Lists the ways to log in (CMP-01, CMP-02, MSC3824).
pub async fn get(State(app): State<App>) -> Response {
    let mut sso = json!({
        "type": "m.login.sso",
        "oauth_aware_preferred": true,
        "org.matrix.msc3824.delegated_oidc_compatibility": true,
    });
    let providers: Vec<Value> = upstream::open(&app).map(|upstream| identity_provider(&upstream.provider)).collect();
    if !providers.is_empty() {
        sso["identity_providers"] = Value::from(providers);
    }
    let mut flows = vec![sso, json!({ "type": "m.login.token" })];
    if app.config.passwords.enabled {
        flows.insert(0, json!({ "type": "m.login.password" }));
    }
    Json(json!({ "flows": flows })).into_response()
}

/// Names a provider to clients that offer each by itself (client-server API, "SSO client login").
fn identity_provider(provider: &Provider) -> Value {
    let mut identity = json!({ "id": provider.id, "name": provider.name() });
    if let Some(brand) = provider.brand() {
        identity["brand"] = Value::from(brand);
    }
    identity
}

/// The body of a login. What may be left out is optional here, so that its absence has an error of its own.
#[derive(Deserialize)]
pub struct Body {
    r#type: Option<String>,
    identifier: Option<Object<BodyIdentifier>>,
    /// Deprecated in favour of `identifier`; where both come, servers have always let it win (CMP-10).
    user: Option<String>,
    /// Deprecated with `address`.
    medium: Option<String>,
    address: Option<String>,
    password: Option<String>,
    token: Option<String>,
    device_id: Option<String>,
    initial_device_display_name: Option<String>,
    refresh_token: Option<bool>,
}

#[derive(Deserialize)]
struct BodyIdentifier {
    r#type: Option<String>,
    user: Option<String>,
    medium: Option<String>,
    address: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    user_id: String,
    device_id: String,
    #[serde(flatten)]
    tokens: Tokens,
}

/// Logs a client in (CMP-12).
pub async fn post(
    State(app): State<App>,
    caller: Caller,
    MatrixJson(body): MatrixJson<Body>,
) -> Result<Response, MatrixError> {
    let logged_in = login(&app, read(&app, body)?, caller).await?;
    Ok(private_json(&Answer {
        user_id: logged_in.user_id,
        device_id: logged_in.device_id,
        tokens: logged_in.issued.into(),
    }))
}

fn read(app: &App, body: Body) -> Result<Login, Refusal> {
    let credential = match body.r#type.as_deref() {
        Some("m.login.password") if app.config.passwords.enabled => Credential::Password {
            identifier: identifier(app, body.user, body.identifier.map(|object| object.0), body.medium, body.address)?,
            password: body.password.ok_or(Refusal::MissingParam("password"))?,
        },
        Some("m.login.token") => Credential::LoginToken(body.token.ok_or(Refusal::MissingParam("token"))?),
        Some("m.login.application_service") => return Err(Refusal::ApplicationServiceLogin),
        Some(_) => return Err(Refusal::UnsupportedLogin("this way to log in is not offered; see GET /login")),
        None => return Err(Refusal::MissingParam("type")),
    };
    if body.device_id.as_deref().is_some_and(|id| !is_device_id(id)) {
        return Err(Refusal::InvalidParam("device_id has 1 to 255 printable characters"));
    }
    Ok(Login {
        credential,
        device_id: body.device_id,
        device_name: body.initial_device_display_name.as_deref().and_then(device_name),
        wants_refresh_token: body.refresh_token.unwrap_or(false),
    })
}

fn identifier(
    app: &App,
    user: Option<String>,
    identifier: Option<BodyIdentifier>,
    medium: Option<String>,
    address: Option<String>,
) -> Result<Identifier, Refusal> {
    if let Some(user) = user {
        return Ok(Identifier::Typed(user));
    }
    let Some(identifier) = identifier else {
        return match (medium, address) {
            (Some(medium), Some(address)) => third_party(app, &medium, address),
            _ => Err(Refusal::MissingParam("identifier")),
        };
    };
    match (identifier.r#type.as_deref(), identifier.medium, identifier.address) {
        (Some("m.id.user"), ..) => {
            identifier.user.map(Identifier::Typed).ok_or(Refusal::MissingParam("identifier.user"))
        }
        // The specification's own example leaves the type out.
        (Some("m.id.thirdparty") | None, Some(medium), Some(address)) => third_party(app, &medium, address),
        (Some("m.id.thirdparty"), ..) => Err(Refusal::MissingParam("identifier.medium or identifier.address")),
        (Some(_), ..) => Err(Refusal::UnsupportedLogin("this kind of identifier is not supported")),
        (None, ..) => Err(Refusal::MissingParam("identifier.type")),
    }
}

fn third_party(app: &App, medium: &str, address: String) -> Result<Identifier, Refusal> {
    match medium {
        "email" if app.config.account.login_with_email_allowed => Ok(Identifier::Email(address)),
        "email" => Err(Refusal::UnsupportedLogin("signing in with an e-mail address is not allowed here")),
        _ => Err(Refusal::UnsupportedLogin("this kind of identifier is not supported")),
    }
}
