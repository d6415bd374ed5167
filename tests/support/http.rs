//! A plain HTTP client that follows nothing, keeps nothing, and shows the audit every answer.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, header::HeaderMap, redirect::Policy};
use serde_json::Value;

use super::audit::Audit;

#[derive(Clone)]
pub struct Http {
    pub client: Client,
    base: String,
    audit: Audit,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.body))
    }

    /// The OAuth error code.
    pub fn error(&self) -> String {
        self.json()["error"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("no Location: {} {}", self.status, self.body))
    }

    pub fn assert_error(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.error().as_str()), (status, error), "{}", self.body);
    }
}

impl Http {
    pub fn new(base: &str, audit: Audit) -> Self {
        Self::over(Client::builder(), base, audit)
    }

    /// The same with a cookie jar.
    pub fn with_cookies(&self) -> Self {
        Self::over(Client::builder().cookie_store(true), &self.base, self.audit.clone())
    }

    fn over(builder: reqwest::ClientBuilder, base: &str, audit: Audit) -> Self {
        let client = builder.redirect(Policy::none()).no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { client, base: base.to_owned(), audit }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.unwrap();
        for value in headers.values() {
            self.audit.look_for_secrets(&String::from_utf8_lossy(value.as_bytes()));
        }
        self.audit.look_for_secrets(&body);
        Answer { status, headers, body }
    }

    pub fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{}", self.base, path.trim_start_matches('/')) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.client.get(self.url(path))).await
    }

    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(self.client.post(self.url(path)).form(form)).await
    }

    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(self.client.post(self.url(path)).json(body)).await
    }

    pub async fn wait_until_healthy(&self) {
        for _ in 0..200 {
            if let Ok(response) = self.client.get(self.url("/health")).send().await
                && response.status() == 200
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server does not become healthy");
    }
}
