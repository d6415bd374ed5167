//! A device that has no browser, and what a person does with its code.

use serde_json::json;

use super::{MATRIX_SCOPE, Server, http::Answer, person::Person};

pub const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a device holds while it waits.
#[derive(Clone, Debug)]
pub struct Device {
    pub client_id: String,
    pub device_code: String,
    pub user_code: String,
    pub link: String,
}

impl Server {
    /// Registers a client as matrix-rust-sdk does for a device: without redirect URIs and response types (TRP-07).
    pub async fn device_client(&self) -> String {
        self.register(json!({
            "client_name": "Example TV",
            "client_uri": "https://tv.example.com/",
            "token_endpoint_auth_method": "none",
            "application_type": "native",
            "grant_types": [DEVICE_CODE, "refresh_token"],
        }))
        .await
    }

    /// Begins as a device does.
    pub async fn begin(&self, client_id: &str, scope: &str) -> Answer {
        self.post("oauth2/device_authorization", &[("client_id", client_id), ("scope", scope)]).await
    }

    /// A device that waits. Its codes are secrets that no log may show.
    pub async fn device_with(&self, client_id: &str, scope: &str) -> Device {
        let answer = self.begin(client_id, scope).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let device = Device {
            client_id: client_id.to_owned(),
            device_code: text("device_code"),
            user_code: text("user_code"),
            link: text("verification_uri_complete"),
        };
        self.audit.secret(&device.user_code);
        self.audit.secret(&device.user_code.replace('-', ""));
        device
    }

    pub async fn device(&self) -> Device {
        let client_id = self.device_client().await;
        self.device_with(&client_id, MATRIX_SCOPE).await
    }

    /// Asks whether the device was let in.
    pub async fn poll(&self, device: &Device) -> Answer {
        self.poll_as(&device.client_id, &device.device_code).await
    }

    pub async fn poll_as(&self, client_id: &str, device_code: &str) -> Answer {
        let form = [("grant_type", DEVICE_CODE), ("client_id", client_id), ("device_code", device_code)];
        self.post("oauth2/token", &form).await
    }
}

impl Person {
    /// Types a code on the page for it.
    pub async fn type_code(&self, code: &str) -> Answer {
        let (path, page) = self.open("link").await;
        assert_eq!(path, "link", "{}", page.body);
        self.submit(&page, &[("user_code", code)]).await
    }

    /// Types a code and opens the question behind it.
    pub async fn find_device(&self, code: &str) -> Answer {
        let answer = self.type_code(code).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let (path, page) = self.open(answer.location()).await;
        assert!(path.contains("/link/"), "{path} {}", page.body);
        page
    }

    /// Answers the question: lets the device in, which is in hand, or keeps it out.
    pub async fn decide_on(&self, question: &Answer, action: &str) -> Answer {
        let fields = match action {
            "allow" => vec![("action", "allow"), ("in_hand", "yes")],
            action => vec![("action", action)],
        };
        self.submit(question, &fields).await
    }

    /// Lets a device in.
    pub async fn let_in(&self, device: &Device) {
        let question = self.find_device(&device.user_code).await;
        let answer = self.decide_on(&question, "allow").await;
        assert_eq!(answer.location(), "/link/done?outcome=allowed", "{}", answer.body);
    }
}
