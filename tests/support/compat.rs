//! The verbs of an older Matrix client: the login API of the homeserver's own address, and the way through the browser.

use std::sync::Arc;

use reqwest::Body;
use serde_json::{Value, json};

use super::{
    PASSWORD, Server, Setup, Tokens,
    homeserver::FakeHomeserver,
    http::Answer,
    person::{Person, encode},
};

/// The versions under which the API is served, the current one last.
pub const VERSIONS: [&str; 3] = ["api/v1", "r0", "v3"];
pub const LOGIN: &str = "/_matrix/client/v3/login";
pub const REFRESH: &str = "/_matrix/client/v3/refresh";
pub const LOGOUT: &str = "/_matrix/client/v3/logout";
pub const LOGOUT_ALL: &str = "/_matrix/client/v3/logout/all";
pub const SSO_REDIRECT: &str = "/_matrix/client/v3/login/sso/redirect";

/// The members of one object and those of another, which win.
pub fn merged(one: Value, other: Value) -> Value {
    let mut one = one;
    one.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    one
}

/// The body of a correct login with `PASSWORD`.
pub fn password_login(user: &str) -> Value {
    json!({ "type": "m.login.password", "identifier": { "type": "m.id.user", "user": user }, "password": PASSWORD })
}

/// The body of an exchange of a login token.
pub fn token_login(login_token: &str) -> Value {
    json!({ "type": "m.login.token", "token": login_token })
}

impl Setup {
    /// Puts a homeserver that remembers and fails behind the server.
    pub fn fake_homeserver(self, homeserver: &Arc<FakeHomeserver>) -> Self {
        self.with("matrix.kind", "synapse")
            .with("matrix.homeserver", "hs.test")
            .with("matrix.endpoint", "http://127.0.0.1:1/")
            .homeserver(homeserver.clone())
    }
}

impl Server {
    /// Posts exactly these bytes, as no kind of content.
    pub async fn post_bytes(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.http.send(self.http.client.post(self.url(path)).body(body)).await
    }

    /// Posts nothing, with an access token.
    pub async fn post_as(&self, path: &str, access_token: &str) -> Answer {
        self.http.send(self.http.client.post(self.url(path)).bearer_auth(access_token)).await
    }

    pub async fn legacy_login(&self, body: Value) -> Answer {
        self.http.post_json(LOGIN, &body).await
    }

    /// Logs in with `PASSWORD` and whatever else the client says.
    pub async fn password_login(&self, user: &str, more: Value) -> Answer {
        self.legacy_login(merged(password_login(user), more)).await
    }

    /// Logs in on a device with a refresh token, and gives the pair.
    pub async fn legacy_session(&self, user: &str, device_id: &str) -> Tokens {
        let answer = self.password_login(user, json!({ "device_id": device_id, "refresh_token": true })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Tokens::of(&answer, "legacy")
    }

    /// Logs in on a device without a refresh token, and gives the access token.
    pub async fn legacy_token(&self, user: &str, device_id: &str) -> String {
        let answer = self.password_login(user, json!({ "device_id": device_id })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Tokens::of(&answer, "legacy").access
    }

    pub async fn legacy_refresh(&self, refresh_token: &str) -> Answer {
        self.http.post_json(REFRESH, &json!({ "refresh_token": refresh_token })).await
    }

    /// Refreshes what is still good, and gives the new pair.
    pub async fn legacy_refreshed(&self, tokens: &Tokens) -> Tokens {
        let answer = self.legacy_refresh(&tokens.refresh).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Tokens::of(&answer, "legacy")
    }

    pub async fn logout(&self, access_token: &str) -> Answer {
        self.post_as(LOGOUT, access_token).await
    }

    pub async fn logout_all(&self, access_token: &str) -> Answer {
        self.post_as(LOGOUT_ALL, access_token).await
    }

    /// Asks about a token as a homeserver does that reads the member `device_id`.
    pub async fn introspect_with_device(&self, token: &str) -> Value {
        let request = self.http.client.post(self.url("oauth2/introspect")).bearer_auth(self.matrix_secret());
        let request = request.header("x-mas-supports-device-id", "1").form(&[("token", token)]);
        self.http.send(request).await.json()
    }
}

impl Person {
    /// Arrives from an older client, and follows its redirect to the first page of ours.
    pub async fn arrive_by_sso(&self, redirect_url: &str, more: &[(&str, &str)]) -> (String, Answer) {
        let params = [&[("redirectUrl", redirect_url)], more].concat();
        let answer = self.get(&format!("{SSO_REDIRECT}?{}", encode(&params))).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        self.open(answer.location()).await
    }

    /// Arrives signed in, allows, and gives the whole address to which the browser is sent.
    pub async fn allow_sso(&self, redirect_url: &str) -> String {
        let (path, page) = self.arrive_by_sso(redirect_url, &[]).await;
        assert!(path.starts_with("/sso/"), "{path} {}", page.body);
        let answer = self.submit(&page, &[("action", "allow")]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer.location().to_owned()
    }

    /// The same, and gives the login token alone.
    pub async fn login_token(&self) -> String {
        let location = self.allow_sso("https://app.example.com/").await;
        location.rsplit_once("loginToken=").unwrap().1.to_owned()
    }
}
