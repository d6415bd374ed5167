//! `GET /register/m.login.registration_token/validity` (client-server API 1.2, MSC3231; spec 12.6): whether a token would let
//! somebody sign up just now. Accounts are created on the pages; this only saves a person the way there.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde_json::json;

use crate::{
    app::App,
    domain::refusal::Refusal,
    flows::{
        Caller,
        limit::{self, Limiter},
        register, registration_token,
    },
    web::{matrix::MatrixError, request::Query},
};

/// Tells whether a token is good; why one is not is nobody's business.
pub async fn validity(State(app): State<App>, caller: Caller, Query(query): Query) -> Result<Response, MatrixError> {
    if !register::is_open(&app) {
        return Err(Refusal::RegistrationClosed.into());
    }
    let token = query.get("token").ok_or(Refusal::MissingParam("token"))?;
    limit::take(&app, Limiter::Availability, &limit::address(&caller)).await?;
    let is_valid = registration_token::is_valid(&app, token).await?;
    Ok(Json(json!({ "valid": is_valid })).into_response())
}
