//! Paths of the Matrix client-server API that reach us (spec CMN-01, CMN-18). Errors have the Matrix form.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::json;

use crate::app::App;

/// `GET …/org.matrix.msc2965/auth_issuer`: what clients asked for before there was `auth_metadata`.
pub async fn auth_issuer(State(app): State<App>) -> Response {
    Json(json!({ "issuer": app.config.http.issuer().as_str() })).into_response()
}

/// Answers a path that is the homeserver's, or nobody's.
pub async fn unrecognized() -> Response {
    error(StatusCode::NOT_FOUND)
}

/// Answers a method that a path does not take.
pub async fn method_not_allowed() -> Response {
    error(StatusCode::METHOD_NOT_ALLOWED)
}

fn error(status: StatusCode) -> Response {
    (status, Json(json!({ "errcode": "M_UNRECOGNIZED", "error": "Unrecognized request" }))).into_response()
}
