//! The endpoints of OAuth 2.0 and OpenID Connect that clients and homeservers speak to.

pub mod backchannel_logout;
pub mod client_configuration;
pub mod device_authorization;
pub mod introspect;
pub mod keys;
pub mod pushed_authorization_request;
pub mod registration;
pub mod revoke;
pub mod token;
pub mod userinfo;

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::Serialize;

use crate::{domain::refusal::Refusal, web::refusal::OAuthError};

/// Answers a method that an endpoint does not take (CMN-18); axum adds `Allow`.
pub async fn method_not_allowed() -> OAuthError {
    Refusal::MethodNotAllowed.into()
}

/// Answers with JSON that no cache may keep (CMN-10).
fn private_json(body: &impl Serialize) -> Response {
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
