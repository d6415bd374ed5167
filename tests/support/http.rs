//! A plain HTTP client that follows nothing, keeps nothing, and shows the audit every answer.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Client, RequestBuilder,
    cookie::{CookieStore, Jar},
    header::HeaderMap,
    redirect::Policy,
};
use serde_json::Value;

use super::{audit::Audit, tls};

#[derive(Clone)]
pub struct Http {
    pub client: Client,
    base: String,
    audit: Audit,
    jar: Option<Arc<Jar>>,
    /// From where the requests come, as a proxy in front would say it.
    address: Option<String>,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
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

    /// The cookie that this answer sets, by the end of its name: the value and the attributes as they were sent.
    pub fn set_cookie(&self, name: &str) -> Option<(String, String)> {
        let cookies = self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        cookies.filter_map(|cookie| cookie.split_once('=')).find_map(|(key, rest)| {
            let (value, attributes) = rest.split_once(';').unwrap_or((rest, ""));
            key.ends_with(name).then(|| (value.to_owned(), format!("{key};{attributes}")))
        })
    }

    /// Checks that this is one of our pages, with this status and these words on it.
    pub fn assert_page(&self, status: u16, words: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(self.header("content-type").unwrap().starts_with("text/html"), "{:?}", self.headers);
        assert!(self.body.contains(words), "no {words:?} in {}", self.body);
    }

    pub fn assert_error(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.error().as_str()), (status, error), "{}", self.body);
    }

    /// The Matrix error code; empty when there is none.
    pub fn errcode(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["errcode"].as_str().unwrap_or_default().to_owned()
    }

    /// Checks that this is an error of the client-server API, in its form, and readable by scripts of any origin.
    pub fn assert_matrix_error(&self, status: u16, errcode: &str) {
        assert_eq!((self.status, self.errcode().as_str()), (status, errcode), "{}", self.body);
        assert!(self.json()["error"].as_str().is_some_and(|error| !error.is_empty()), "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.body);
        assert_eq!(self.header("access-control-allow-origin"), Some("*"), "{}", self.body);
    }
}

impl Http {
    pub fn new(base: &str, audit: Audit) -> Self {
        Self::over(None, base, audit)
    }

    /// The same with a cookie jar of its own.
    pub fn with_cookies(&self) -> Self {
        Self::over(Some(Arc::new(Jar::default())), &self.base, self.audit.clone())
    }

    fn over(jar: Option<Arc<Jar>>, base: &str, audit: Audit) -> Self {
        let builder = Client::builder().redirect(Policy::none()).no_proxy().timeout(Duration::from_secs(30));
        let builder = match base.starts_with("https:") {
            true => builder.tls_certs_only([tls::root()]),
            false => builder,
        };
        let builder = match &jar {
            Some(jar) => builder.cookie_provider(jar.clone()),
            None => builder,
        };
        Self { client: builder.build().unwrap(), base: base.to_owned(), audit, jar, address: None }
    }

    /// The cookies that go with a request to the public base, as the header says them.
    pub fn cookies(&self) -> String {
        let base = url::Url::parse(&self.base).unwrap();
        let header = self.jar.as_ref().and_then(|jar| jar.cookies(&base));
        header.map(|header| header.to_str().unwrap().to_owned()).unwrap_or_default()
    }

    /// Puts cookies into the jar, as the header of a request says them.
    pub fn take_cookies(&self, cookies: &str) {
        let base = url::Url::parse(&self.base).unwrap();
        cookies.split("; ").for_each(|cookie| self.jar.as_ref().unwrap().add_cookie_str(cookie, &base));
    }

    /// The same, cookies and all, at another address.
    pub fn at(&self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self.clone() }
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        let request = match &self.address {
            Some(address) => request.header("x-forwarded-for", address),
            None => request,
        };
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.unwrap();
        for value in headers.values() {
            self.audit.look_for_secrets(&String::from_utf8_lossy(value.as_bytes()));
        }
        self.audit.look_for_secrets(&body);
        Answer { status, headers, body }
    }

    /// Reads a path as a browser would: one with a slash begins at the origin, one without below the public base.
    pub fn url(&self, path: &str) -> String {
        match path.starts_with("http") {
            true => path.to_owned(),
            false => url::Url::parse(&self.base).unwrap().join(path).unwrap().into(),
        }
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
