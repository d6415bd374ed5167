//! `POST /upstream/backchannel-logout/{provider}` (OpenID Connect Back-Channel Logout §2.5; spec 16.3): a provider calls, and
//! no browser.

use axum::{extract::State, response::Response};
use serde_json::json;

use crate::{
    app::App,
    flows::{Caller, backchannel_logout::receive},
    web::{
        oauth::private_json,
        refusal::OAuthError,
        request::{OAuthForm, Segment},
    },
};

/// Ends what the login opened that has ended at the provider.
pub async fn backchannel_logout(
    State(app): State<App>,
    Segment(provider): Segment,
    caller: Caller,
    OAuthForm(params): OAuthForm,
) -> Result<Response, OAuthError> {
    receive(&app, &provider, &params, &caller).await?;
    Ok(private_json(&json!({})))
}
