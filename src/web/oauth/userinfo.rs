//! `GET` and `POST /oauth2/userinfo` (OIDC Core §5.3, RFC 6750; spec OID-01).

use axum::{
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, header};

use crate::{
    app::App,
    domain::{params::Params, refusal::Refusal},
    flows::{
        client_auth::scheme_value,
        userinfo::{UserInfo, userinfo as userinfo_of},
    },
    web::{
        oauth::private_json,
        refusal::OAuthError,
        request::{OAuthForm, text},
    },
};

/// Gives the claims of whoever the access token belongs to.
pub async fn userinfo(State(app): State<App>, request: Request) -> Result<Response, OAuthError> {
    let header = text(request.headers(), header::AUTHORIZATION)
        .and_then(|value| scheme_value(value, "bearer"))
        .map(str::to_owned);
    let has_body = request.method() == Method::POST && request.headers().contains_key(header::CONTENT_TYPE);
    let params = if has_body { OAuthForm::from_request(request, &app).await?.0 } else { Params::default() };
    // RFC 6750 §2: one way of sending the token in a request.
    let token = match (header.as_deref(), params.get("access_token")) {
        (Some(_), Some(_)) => {
            return Err(Refusal::InvalidRequest("the access token was sent in two ways".to_owned()).into());
        }
        (Some(token), None) | (None, Some(token)) => token,
        (None, None) => return Err(Refusal::MissingToken.into()),
    };
    Ok(match userinfo_of(&app, token).await? {
        UserInfo::Plain(told) => private_json(&told),
        UserInfo::Signed(jwt) => {
            let headers = [(header::CONTENT_TYPE, "application/jwt"), (header::CACHE_CONTROL, "no-store")];
            (headers, jwt).into_response()
        }
    })
}
