//! A CAPTCHA service that says what it is told to say, and whoever does the work of a page without a browser.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::{Form, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{StatusCode, header};
use keymaker::crypto::proof_of_work;
use serde_json::{Value, json};

use super::{Setup, http::Answer, person::attribute};

pub const SITE_KEY: &str = "10000000-ffff-site";
pub const SECRET_KEY: &str = "0x4AAAAAAAsecretkey";

/// What a service does when it is asked.
#[derive(Clone, Debug)]
pub enum Behaviour {
    Says(Value),
    /// A status, and what may look like a verdict.
    Status(u16, String),
    /// It leads elsewhere.
    Redirect,
    /// A verdict with so many bytes around it.
    Huge(usize),
    /// It says nothing.
    Hang,
}

impl Behaviour {
    /// The verdict that lets somebody pass on a page.
    pub fn yes(page: &str) -> Self {
        Self::Says(json!({ "success": true, "hostname": "127.0.0.1", "action": page }))
    }

    /// The same with something else in one place, or nothing.
    pub fn yes_but(page: &str, key: &str, value: Value) -> Self {
        let Self::Says(mut verdict) = Self::yes(page) else { unreachable!() };
        match value {
            Value::Null => drop(verdict.as_object_mut().unwrap().remove(key)),
            value => verdict[key] = value,
        }
        Self::Says(verdict)
    }
}

#[derive(Clone)]
struct Inside {
    behaviour: Arc<Mutex<Behaviour>>,
    asked: Arc<Mutex<Vec<HashMap<String, String>>>>,
}

pub struct CaptchaService {
    url: String,
    inside: Inside,
}

impl CaptchaService {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/siteverify", listener.local_addr().unwrap());
        let inside = Inside { behaviour: Arc::new(Mutex::new(Behaviour::yes("registration"))), asked: Arc::default() };
        let router = Router::new()
            .route("/siteverify", post(answer))
            .route("/elsewhere", axum::routing::any(|| async { r#"{"success":true,"hostname":"127.0.0.1"}"# }))
            .with_state(inside.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, inside }
    }

    pub fn does(&self, behaviour: Behaviour) {
        *self.inside.behaviour.lock().unwrap() = behaviour;
    }

    /// Every question so far.
    pub fn asked(&self) -> Vec<HashMap<String, String>> {
        self.inside.asked.lock().unwrap().clone()
    }
}

async fn answer(State(inside): State<Inside>, Form(form): Form<HashMap<String, String>>) -> Response {
    inside.asked.lock().unwrap().push(form);
    let behaviour = inside.behaviour.lock().unwrap().clone();
    match behaviour {
        Behaviour::Says(verdict) => axum::Json(verdict).into_response(),
        Behaviour::Status(status, text) => (StatusCode::from_u16(status).unwrap(), text).into_response(),
        Behaviour::Redirect => (StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, "/elsewhere")]).into_response(),
        Behaviour::Huge(bytes) => {
            let Behaviour::Says(mut verdict) = Behaviour::yes("registration") else { unreachable!() };
            verdict["padding"] = "x".repeat(bytes).into();
            axum::Json(verdict).into_response()
        }
        Behaviour::Hang => std::future::pending().await,
    }
}

impl Setup {
    /// Asks for the CAPTCHA of a service on every page that can.
    pub fn captcha(self, name: &str, service: &CaptchaService) -> Self {
        self.with("captcha.service", name)
            .with("captcha.pages", "[registration, recovery, login]")
            .with("captcha.site_key", SITE_KEY)
            .with("captcha.secret_key", SECRET_KEY)
            .with("captcha.verify_url", &service.url)
    }

    /// Asks for work on every page that can; it is little.
    pub fn proof_of_work(self) -> Self {
        self.with("captcha.service", "proof_of_work")
            .with("captcha.pages", "[registration, recovery, login]")
            .with("captcha.difficulty", "10")
    }
}

/// The challenge of a page, and its difficulty.
pub fn challenge_of(page: &Answer) -> (String, u8) {
    let challenge = attribute(&page.body, "name=\"captcha_challenge\" value=\"").expect("a challenge");
    let zeros: u8 = attribute(&page.body, "data-zeros=\"").unwrap().parse().unwrap();
    (challenge, zeros + 4)
}

/// A solution as the form carries it.
pub fn solution(challenge: &str, difficulty: u8) -> String {
    let numbers = proof_of_work::solve(challenge, difficulty);
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

/// Does the work of a page: its challenge and the solution.
pub fn work(page: &Answer) -> (String, String) {
    let (challenge, difficulty) = challenge_of(page);
    let solution = solution(&challenge, difficulty);
    (challenge, solution)
}
