//! A power cut in the middle of refreshing: what a client was given is kept, and what it was not given is given again.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use crate::support::{
    PASSWORD, REDIRECT_URI, VERIFIER,
    audit::Audit,
    database::Database,
    http::Http,
    person::{Person, response_params},
    process::Keymaker,
    request,
};

const CLIENTS: usize = 8;
const REFRESHES: usize = 200;
const CRASHES: usize = 5;

/// An application that knows nothing but the last refresh token that reached it.
#[derive(Clone)]
struct Application {
    http: reqwest::Client,
    token_endpoint: String,
    client_id: String,
    last: Arc<Mutex<String>>,
}

impl Application {
    /// Refreshes once; nothing when the server is gone.
    async fn refresh(&self) -> Option<Value> {
        let refresh_token = self.last.lock().unwrap().clone();
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client_id.as_str()),
            ("refresh_token", &refresh_token),
        ];
        let response = self.http.post(&self.token_endpoint).form(&form).send().await.ok()?;
        let status = response.status();
        let body = response.text().await.ok()?;
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        *self.last.lock().unwrap() = body["refresh_token"].as_str().unwrap().to_owned();
        Some(body)
    }

    async fn refresh_until_the_end(self, count: Arc<AtomicUsize>) {
        while self.refresh().await.is_some() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_kill_9_every_client_goes_on_with_the_last_token_that_it_has() {
    // INV-01, INV-04, INV-16, TST-05
    let directory = tempfile::tempdir().unwrap();
    let database = Database::fresh(directory.path()).await;
    let mut keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker")).unwrap().with("database.uri", &database.uri);
    keymaker.run(&["manage", "register-user", "alice", "--password", PASSWORD]).unwrap();
    keymaker.start().unwrap();
    let http = Http::new(&keymaker.base(), Audit::default());
    let applications = log_in(&http).await;

    for _ in 0..CRASHES {
        let count = Arc::new(AtomicUsize::new(0));
        let running: Vec<_> = applications
            .iter()
            .map(|application| tokio::spawn(application.clone().refresh_until_the_end(count.clone())))
            .collect();
        while count.load(Ordering::SeqCst) < REFRESHES / CRASHES {
            assert!(running.iter().any(|task| !task.is_finished()), "nobody refreshes: {}", keymaker.log());
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        keymaker.kill();
        for task in running {
            task.await.unwrap();
        }
        keymaker.start().unwrap();
        for application in &applications {
            let tokens = application.refresh().await.expect("a server that answers");
            let userinfo = http.client.get(http.url("oauth2/userinfo"));
            let userinfo = userinfo.bearer_auth(tokens["access_token"].as_str().unwrap()).send().await.unwrap();
            assert_eq!(userinfo.status(), 200);
        }
    }
}

async fn log_in(http: &Http) -> Vec<Application> {
    let metadata = json!({
        "client_uri": "https://app.example.com/", "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
    });
    let registered = http.post_json("oauth2/registration", &metadata).await.json();
    let client_id = registered["client_id"].as_str().unwrap();
    let browser = Person { http: http.with_cookies() };
    browser.sign_in("alice").await;
    let mut applications = Vec::new();
    for _ in 0..CLIENTS {
        let answer = browser.decide(&request(client_id, "openid"), "allow").await;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", &response_params(answer.location())["code"]),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        let tokens = http.post("oauth2/token", &form).await.json();
        applications.push(Application {
            http: http.client.clone(),
            token_endpoint: http.url("oauth2/token"),
            client_id: client_id.to_owned(),
            last: Arc::new(Mutex::new(tokens["refresh_token"].as_str().unwrap().to_owned())),
        });
    }
    applications
}
