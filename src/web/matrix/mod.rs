//! What is ours of the Matrix client-server API. Errors have its form (spec CMN-01, CMN-18 and area 12).

pub mod login;
pub mod registration_token;
pub mod rendezvous;
pub mod session;
pub mod sso;

use std::{fmt, marker::PhantomData};

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    domain::refusal::Refusal,
    error::{Error, Result},
    flows::{client_auth::scheme_value, compat::Issued},
    web::{refusal, request::text},
};

/// An error on its way out of the client-server API.
pub struct MatrixError(pub Error);

impl<E: Into<Error>> From<E> for MatrixError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for MatrixError {
    fn into_response(self) -> Response {
        let refusal = self.0.refusal();
        let (status, errcode) = refusal::matrix_error(&self.0);
        let message = match &self.0 {
            Error::Refusal(refusal) => refusal.to_string(),
            Error::Storage(_) => "try again in a moment".to_owned(),
            Error::Internal(_) => "something went wrong here".to_owned(),
        };
        let mut body = Map::from_iter([("errcode".to_owned(), json!(errcode)), ("error".to_owned(), json!(message))]);
        // DEV-08: the client keeps its data and signs in again on the same device.
        if matches!(refusal, Some(Refusal::UserLocked | Refusal::RefreshTokenExpired)) {
            body.insert("soft_logout".to_owned(), Value::Bool(true));
        }
        let retry_after = refusal::retry_after(&self.0);
        if let (Some(seconds), "M_LIMIT_EXCEEDED") = (retry_after, errcode) {
            body.insert("retry_after_ms".to_owned(), json!(seconds * 1000));
        }
        let mut response = private_json(&body);
        *response.status_mut() = status;
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn private_json(body: &impl Serialize) -> Response {
    ([(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(body)).into_response()
}

/// A body that is a JSON object, whatever its `Content-Type` says: many clients say nothing.
pub struct MatrixJson<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for MatrixJson<T> {
    type Rejection = MatrixError;

    async fn from_request(request: Request, app: &App) -> Result<Self, Self::Rejection> {
        let body = Bytes::from_request(request, app).await.map_err(|_| Refusal::TooLarge)?;
        Ok(Self(read_object(&body)?))
    }
}

fn read_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    // serde looks at the encoding only of what it keeps.
    let body = std::str::from_utf8(body).map_err(|_| Refusal::NotJson)?;
    serde_json::from_str::<Object<T>>(body).map(|object| object.0).map_err(|_| {
        // What serde says may repeat a value, and that may be a password.
        match serde_json::from_str::<IgnoredAny>(body) {
            Ok(_) => Refusal::BadJson("it is no object, or a member has the wrong type or came twice"),
            Err(_) => Refusal::NotJson,
        }
    })
}

/// A JSON object and nothing else: serde would read a struct out of an array as well.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}

/// CMN-05: the token comes in the header and nowhere else.
fn bearer(headers: &HeaderMap) -> Result<&str, Refusal> {
    let authorization = text(headers, header::AUTHORIZATION);
    authorization.and_then(|value| scheme_value(value, "bearer")).ok_or(Refusal::MissingToken)
}

/// The members by which tokens are handed out (CMP-12).
#[derive(Serialize)]
struct Tokens {
    access_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in_ms: Option<i64>,
}

impl From<Issued> for Tokens {
    fn from(issued: Issued) -> Self {
        Self {
            access_token: issued.access_token.expose().to_owned(),
            refresh_token: issued.refresh_token.map(|secret| secret.expose().to_owned()),
            expires_in_ms: issued.life,
        }
    }
}

/// `GET …/org.matrix.msc2965/auth_issuer`: what clients asked for before there was `auth_metadata`.
pub async fn auth_issuer(State(app): State<App>) -> Response {
    Json(json!({ "issuer": app.config.http.issuer().as_str() })).into_response()
}

/// INV-13: a bug ends one request, not the process.
pub fn after_panic(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    MatrixError(Error::Internal("a handler panicked")).into_response()
}

/// Answers a path that is the homeserver's, or nobody's.
pub async fn unrecognized() -> MatrixError {
    Refusal::NotFound.into()
}

/// Answers a method that a path does not take.
pub async fn method_not_allowed() -> MatrixError {
    Refusal::MethodNotAllowed.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Body {
        a: Option<bool>,
    }

    #[test]
    fn a_body_is_a_json_object_or_a_clear_error() {
        type Expected = Result<Option<bool>, &'static str>;
        let table: [(&[u8], Expected); 11] = [
            (b"{}", Ok(None)),
            (b" {\"a\": true, \"b\": [1]}", Ok(Some(true))),
            (b"{\"a\": null}", Ok(None)),
            (b"", Err("M_NOT_JSON")),
            (b"{", Err("M_NOT_JSON")),
            (b"{\"a\": tru}", Err("M_NOT_JSON")),
            (b"{\"a\": 1} x", Err("M_NOT_JSON")),
            (b"{\"b\": \"\xff\"}", Err("M_NOT_JSON")),
            (b"[true]", Err("M_BAD_JSON")),
            (b"{\"a\": 1}", Err("M_BAD_JSON")),
            (b"{\"a\": true, \"a\": false}", Err("M_BAD_JSON")),
        ];
        for (bytes, expected) in table {
            let read = read_object::<Body>(bytes).map(|body| body.a);
            let read = read.map_err(|refusal| refusal::matrix_error(&refusal.into()).1);
            assert_eq!(read, expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
