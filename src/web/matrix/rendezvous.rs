//! The meeting place of two devices, in both forms in which clients ask for it (MSC4108 of 2024, MSC4388; spec QRL-02,
//! QRL-03). One store is behind both. None of it is for a person to look at.

use axum::{
    body::Bytes,
    extract::{Path, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use crate::{
    app::App,
    domain::refusal::Refusal,
    error::Error,
    flows::{
        Caller,
        limit::{self, Limiter},
        rendezvous::{self, MOST_BYTES, Opened},
    },
    store::rendezvous::Left,
    web::{
        matrix::{MatrixError, MatrixJson, bearer, private_json},
        request::text,
    },
};

/// What the wrong moment is called below the unstable path of MSC4388.
const UNSTABLE_CONCURRENT_WRITE: &str = "IO_ELEMENT_MSC4388_CONCURRENT_WRITE";

/// Refuses whatever a browser would show: an id in a link must not be a page with somebody else's words on it.
pub async fn for_scripts_only(request: Request, next: Next) -> Response {
    if is_navigation(request.headers()) {
        return MatrixError::from(Refusal::NotForPeople).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn is_navigation(headers: &HeaderMap) -> bool {
    let says = |name: &'static str| text(headers, HeaderName::from_static(name));
    says("sec-fetch-mode") == Some("navigate")
        || says("sec-fetch-user") == Some("?1")
        || says("sec-fetch-site") == Some("none")
        || says("sec-fetch-dest").is_some_and(|destination| destination != "empty")
}

/// The body that opens a meeting place of MSC4388.
#[derive(Deserialize)]
pub struct Create {
    data: Option<String>,
}

/// The body that leaves something there.
#[derive(Deserialize)]
pub struct Put {
    sequence_token: Option<String>,
    data: Option<String>,
}

/// Tells whether the caller may open one.
pub async fn availability(State(app): State<App>, headers: HeaderMap) -> Result<Response, MatrixError> {
    let may = match check_create(&app, &headers).await {
        Ok(()) => true,
        Err(Error::Refusal(_)) => false,
        Err(error) => return Err(error.into()),
    };
    Ok(private_json(&json!({ "create_available": may })))
}

/// Opens one.
pub async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    MatrixJson(body): MatrixJson<Create>,
) -> Result<Response, MatrixError> {
    let data = body.data.ok_or(Refusal::MissingParam("data"))?;
    if data.len() > MOST_BYTES {
        return Err(Refusal::TooLarge.into());
    }
    limit::take(&app, Limiter::Rendezvous, &limit::address(&caller)).await?;
    check_create(&app, &headers).await?;
    let Opened { id, left } = rendezvous::open(&app, data.as_bytes()).await?;
    let expires_in_ms = left.expires_at - app.clock.now();
    Ok(private_json(&json!({ "id": id, "sequence_token": left.sequence, "expires_in_ms": expires_in_ms })))
}

/// Gives what was left last.
pub async fn get(State(app): State<App>, Path(id): Path<String>) -> Result<Response, MatrixError> {
    let left = rendezvous::look(&app, &id).await?;
    Ok(private_json(&json!({
        "data": String::from_utf8_lossy(&left.data),
        "sequence_token": left.sequence,
        "expires_in_ms": left.expires_at - app.clock.now(),
    })))
}

/// Leaves something else, at the stable path.
pub async fn put(
    State(app): State<App>,
    Path(id): Path<String>,
    MatrixJson(body): MatrixJson<Put>,
) -> Result<Response, MatrixError> {
    let (seen, data) = read_put(body)?;
    let left = rendezvous::leave(&app, &id, &seen, data.as_bytes()).await?;
    Ok(private_json(&json!({ "sequence_token": left.sequence })))
}

/// The same at the unstable path, where the wrong moment has a name of its own.
pub async fn put_unstable(
    State(app): State<App>,
    Path(id): Path<String>,
    MatrixJson(body): MatrixJson<Put>,
) -> Result<Response, MatrixError> {
    let (seen, data) = read_put(body)?;
    match rendezvous::leave(&app, &id, &seen, data.as_bytes()).await {
        Ok(left) => Ok(private_json(&json!({ "sequence_token": left.sequence }))),
        Err(Error::Refusal(refusal @ Refusal::ConcurrentWrite)) => {
            let body = json!({ "errcode": UNSTABLE_CONCURRENT_WRITE, "error": refusal.to_string() });
            Ok((StatusCode::CONFLICT, private_json(&body)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Closes one of MSC4388.
pub async fn delete(State(app): State<App>, Path(id): Path<String>) -> Result<Response, MatrixError> {
    rendezvous::close(&app, &id).await?;
    Ok(private_json(&json!({})))
}

/// Opens one of MSC4108, for anybody: the device that is to be signed in may be the one that opens it.
pub async fn create_2024(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, MatrixError> {
    let body = read_plain(&headers, body)?;
    limit::take(&app, Limiter::Rendezvous, &limit::address(&caller)).await?;
    let Opened { id, left } = rendezvous::open(&app, &body).await?;
    let url = format!("{}rendezvous/{id}", app.config.http.public_base.as_str());
    Ok((StatusCode::CREATED, validators(&left), private_json(&json!({ "url": url }))).into_response())
}

/// Gives what was left last, unless the caller has seen it. Clients compare the content type letter by letter.
pub async fn get_2024(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, MatrixError> {
    let left = rendezvous::look(&app, &id).await?;
    let seen = text(&headers, header::IF_NONE_MATCH).unwrap_or_default();
    if seen.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag(&left)) {
        return Ok((StatusCode::NOT_MODIFIED, validators(&left)).into_response());
    }
    Ok((validators(&left), [(header::CONTENT_TYPE, "text/plain")], left.data).into_response())
}

/// Leaves something else.
pub async fn put_2024(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Response, MatrixError> {
    let body = read_plain(&headers, body)?;
    let seen = text(&headers, header::IF_MATCH).ok_or(Refusal::MissingParam("the header If-Match"))?;
    let seen = seen.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or_default();
    match rendezvous::leave(&app, &id, seen, &body).await {
        Ok(left) => Ok((StatusCode::ACCEPTED, validators(&left)).into_response()),
        Err(Error::Refusal(refusal @ Refusal::ConcurrentWrite)) => {
            let there = rendezvous::look(&app, &id).await?;
            let body = json!({ "errcode": "M_CONCURRENT_WRITE", "error": refusal.to_string() });
            Ok((StatusCode::PRECONDITION_FAILED, validators(&there), private_json(&body)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

/// Closes one of MSC4108.
pub async fn delete_2024(State(app): State<App>, Path(id): Path<String>) -> Result<StatusCode, MatrixError> {
    rendezvous::close(&app, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn check_create(app: &App, headers: &HeaderMap) -> Result<(), Error> {
    match app.config.rendezvous.create_requires_login {
        true => rendezvous::check_login(app, bearer(headers)?).await,
        false => Ok(()),
    }
}

fn read_put(body: Put) -> Result<(String, String), Refusal> {
    let seen = body.sequence_token.ok_or(Refusal::MissingParam("sequence_token"))?;
    Ok((seen, body.data.ok_or(Refusal::MissingParam("data"))?))
}

fn read_plain(
    headers: &HeaderMap,
    body: Result<Bytes, axum::extract::rejection::BytesRejection>,
) -> Result<Bytes, Refusal> {
    let content_type = text(headers, header::CONTENT_TYPE).unwrap_or_default();
    if !content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/plain") {
        return Err(Refusal::InvalidParam("the body has to be text/plain"));
    }
    let body = body.map_err(|_| Refusal::TooLarge)?;
    if body.len() <= MOST_BYTES { Ok(body) } else { Err(Refusal::TooLarge) }
}

fn etag(left: &Left) -> String {
    format!("\"{}\"", left.sequence)
}

fn validators(left: &Left) -> [(HeaderName, String); 3] {
    let date = |at: i64| {
        let at = u64::try_from(at).unwrap_or_default();
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + std::time::Duration::from_millis(at))
    };
    [
        (header::ETAG, etag(left)),
        (header::EXPIRES, date(left.expires_at)),
        (header::LAST_MODIFIED, date(left.updated_at)),
    ]
}
