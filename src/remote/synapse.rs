//! Synapse's own API for its authentication service, `/_synapse/mas/*` (Synapse 1.136 and later).

use std::time::Duration;

use async_trait::async_trait;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    domain::user::UsernameProblem,
    remote::homeserver::{Homeserver, HomeserverError, Provision},
};

/// Calls are answered in milliseconds; one that takes this long is better tried again (spec HSI-06).
const TIMEOUT: Duration = Duration::from_secs(10);

/// A Synapse that delegates authentication to us.
pub struct Synapse {
    http: reqwest::Client,
    endpoint: Url,
    secret: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct MatrixError {
    errcode: String,
    error: String,
}

impl Synapse {
    /// Builds the client; nothing is asked yet.
    ///
    /// # Errors
    /// When the TLS configuration of this machine cannot be read.
    pub fn new(endpoint: Url, secret: String) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("Keymaker/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, endpoint, secret })
    }

    fn request(&self, method: Method, call: &str) -> RequestBuilder {
        let base = self.endpoint.as_str().trim_end_matches('/');
        self.http.request(method, format!("{base}/_synapse/mas/{call}")).bearer_auth(&self.secret)
    }

    async fn post(&self, call: &str, body: Value) -> Result<(), HomeserverError> {
        send(self.request(Method::POST, call).json(&body)).await
    }
}

/// What is read of a user.
#[derive(Deserialize)]
struct Queried {
    display_name: Option<String>,
}

/// The URL of a request names a user; it has no place in an error that is logged.
fn unavailable(error: reqwest::Error) -> HomeserverError {
    HomeserverError::Unavailable(error.without_url().to_string())
}

async fn send(request: RequestBuilder) -> Result<(), HomeserverError> {
    answer(request).await.map(|_| ())
}

async fn answer(request: RequestBuilder) -> Result<Response, HomeserverError> {
    let response = request.send().await.map_err(unavailable)?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body: MatrixError = response.json().await.unwrap_or_default();
    Err(match (status, body.errcode.as_str()) {
        (StatusCode::NOT_FOUND, "M_NOT_FOUND") => HomeserverError::UnknownUser,
        (status, errcode) if status.is_client_error() && !errcode.is_empty() && is_final(status) => {
            HomeserverError::Refused { status: status.as_u16(), errcode: body.errcode, message: body.error }
        }
        (status, errcode) => HomeserverError::Unavailable(format!("it answered {status} {errcode}")),
    })
}

/// A wrong secret or a throttled call is a matter of configuration or of time, not of this request.
fn is_final(status: StatusCode) -> bool {
    status == StatusCode::BAD_REQUEST
}

#[async_trait]
impl Homeserver for Synapse {
    async fn is_localpart_available(&self, localpart: &str) -> Result<Result<(), UsernameProblem>, HomeserverError> {
        let request = self.request(Method::GET, "is_localpart_available").query(&[("localpart", localpart)]);
        match send(request).await {
            Ok(()) => Ok(Ok(())),
            Err(HomeserverError::Refused { errcode, .. }) => Ok(Err(match errcode.as_str() {
                "M_USER_IN_USE" => UsernameProblem::Taken,
                "M_EXCLUSIVE" => UsernameProblem::Reserved,
                _ => UsernameProblem::Invalid,
            })),
            Err(error) => Err(error),
        }
    }

    async fn provision_user(&self, user: &Provision) -> Result<(), HomeserverError> {
        let mut body = Map::from_iter([
            ("localpart".to_owned(), json!(user.localpart)),
            ("locked".to_owned(), json!(user.is_locked)),
        ]);
        // Setting and unsetting exclude each other by their very keys, so only one may be present.
        if let Some(name) = &user.display_name {
            body.insert("set_displayname".to_owned(), json!(name));
        }
        if !user.emails.is_empty() {
            body.insert("set_emails".to_owned(), json!(user.emails));
        }
        match self.post("provision_user", Value::Object(body.clone())).await {
            // Of several first calls for one name, one creates the user and the others are told so; then it exists.
            Err(HomeserverError::Refused { errcode, .. }) if errcode == "M_USER_IN_USE" => {
                self.post("provision_user", Value::Object(body)).await
            }
            result => result,
        }
    }

    async fn display_name(&self, localpart: &str) -> Result<Option<String>, HomeserverError> {
        let request = self.request(Method::GET, "query_user").query(&[("localpart", localpart)]);
        match answer(request).await {
            Ok(response) => Ok(response.json::<Queried>().await.map_err(unavailable)?.display_name),
            Err(HomeserverError::UnknownUser) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn unset_display_name(&self, localpart: &str) -> Result<(), HomeserverError> {
        self.post("unset_displayname", json!({ "localpart": localpart })).await
    }

    async fn upsert_device(
        &self,
        localpart: &str,
        device_id: &str,
        display_name: Option<&str>,
    ) -> Result<(), HomeserverError> {
        let mut body = json!({ "localpart": localpart, "device_id": device_id });
        if let (Some(name), Some(members)) = (display_name, body.as_object_mut()) {
            members.insert("display_name".to_owned(), json!(name));
        }
        self.post("upsert_device", body).await
    }

    async fn delete_device(&self, localpart: &str, device_id: &str) -> Result<(), HomeserverError> {
        self.post("delete_device", json!({ "localpart": localpart, "device_id": device_id })).await
    }

    async fn allow_cross_signing_reset(&self, localpart: &str) -> Result<(), HomeserverError> {
        self.post("allow_cross_signing_reset", json!({ "localpart": localpart })).await
    }

    async fn delete_user(&self, localpart: &str, erase: bool) -> Result<(), HomeserverError> {
        self.post("delete_user", json!({ "localpart": localpart, "erase": erase })).await
    }

    async fn reactivate_user(&self, localpart: &str) -> Result<(), HomeserverError> {
        self.post("reactivate_user", json!({ "localpart": localpart })).await
    }
}
