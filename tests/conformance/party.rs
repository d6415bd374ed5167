//! The relying party of the stories and the person at its browser: what it sends, and how it reads what comes back.

use std::{collections::HashMap, sync::Mutex};

use jsonwebtoken::jwk::JwkSet;
use keymaker::flows::manage;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge};
use regex::Regex;
use serde_json::{Value, json};

use super::{Plan, Variant, backchannel::Receiver, checks};
use crate::support::{
    PASSWORD, REDIRECT_URI, Server,
    http::{Answer, Http},
    person::{Person, attribute, encode, response_params},
};

pub const USER: &str = "alice";
pub const EMAIL: &str = "alice@example.com";
pub const NAME: &str = "Alice A.";
pub const POST_LOGOUT_REDIRECT_URI: &str = "https://app.example.com/signed-out";
const SECRET: &str = "a secret: with & odd % characters, 32";

/// How a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Basic,
    Post,
}

impl Auth {
    fn name(self) -> &'static str {
        match self {
            Self::Basic => "client_secret_basic",
            Self::Post => "client_secret_post",
        }
    }
}

/// A client as this server knows it.
#[derive(Clone, Debug)]
pub struct Client {
    pub id: String,
    pub secret: String,
    pub auth: Auth,
    /// Where a registered client can be deleted, and the token for that.
    management: Option<(String, String)>,
}

impl Client {
    /// The same client, who says who it is in another way.
    pub fn by(&self, auth: Auth) -> Self {
        Self { auth, ..self.clone() }
    }
}

/// An authorization request and what its answer is checked against.
#[derive(Clone, Debug)]
pub struct Request {
    pub params: Vec<(String, String)>,
    pub verifier: Option<String>,
}

impl Request {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn without(mut self, name: &str) -> Self {
        self.params.retain(|(key, _)| key != name);
        self
    }

    pub fn with(self, name: &str, value: impl Into<String>) -> Self {
        let mut request = self.without(name);
        request.params.push((name.to_owned(), value.into()));
        request
    }

    pub fn with_pkce(self) -> Self {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let request = self.with("code_challenge", challenge.as_str()).with("code_challenge_method", "S256");
        Self { verifier: Some(verifier.into_secret()), ..request }
    }

    pub fn pairs(&self) -> Vec<(&str, &str)> {
        self.params.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }
}

/// A page that the person had to deal with on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Login,
    Consent,
    /// An error that is offered to be taken to the application by a button.
    Offer,
}

/// Where a journey through the pages ended.
#[derive(Debug)]
pub enum End {
    /// At the relying party, with these parameters.
    Callback(HashMap<String, String>),
    /// At a page of the server that leads no further.
    Page(Answer),
}

#[derive(Debug)]
pub struct Journey {
    pub pages: Vec<Page>,
    pub end: End,
}

impl Journey {
    /// The parameters at the relying party.
    pub fn params(self) -> HashMap<String, String> {
        match self.end {
            End::Callback(params) => params,
            End::Page(answer) => panic!("the journey ends at a page: {} {}", answer.status, answer.body),
        }
    }

    pub fn code(self) -> String {
        let params = self.params();
        params.get("code").unwrap_or_else(|| panic!("no code: {params:?}")).clone()
    }
}

/// The tokens of one login, checked.
#[derive(Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub id_token: String,
    pub claims: Value,
}

pub struct Party {
    pub server: Server,
    pub plan: Plan,
    pub variant: Variant,
    pub http: Http,
    pub discovery: Value,
    pub jwks: JwkSet,
    pub client: Client,
    pub receiver: Option<Receiver>,
    warnings: Mutex<Vec<String>>,
}

impl Party {
    /// Starts a server with somebody on it, reads its metadata (C-G1) and keys (C-G2), and makes the client known.
    pub async fn start(plan: Plan, variant: Variant) -> Self {
        let receiver = match plan {
            Plan::BackchannelLogout => Some(Receiver::start().await),
            _ => None,
        };
        let mut setup = Server::setup().over_https();
        if plan == Plan::Extras {
            setup = setup.with("authorization.pushed_requests", "optional");
        }
        if variant == Variant::Static {
            setup = setup.with("clients", static_clients(plan, receiver.as_ref()).to_string());
        }
        let server = setup.start().await;
        manage::register_user(&server.app, USER, Some(PASSWORD), Some(EMAIL), false).await.unwrap();
        let mut tx = server.app.db.write().await.unwrap();
        tx.sql("UPDATE users SET display_name = $1 WHERE username = $2").bind(NAME).bind(USER).execute().await.unwrap();
        tx.commit().await.unwrap();

        let http = server.http.clone();
        let answer = http.get(".well-known/openid-configuration").await;
        let discovery = checks::discovery(&answer, &http.url(".well-known/openid-configuration"));
        let jwks = checks::jwks(&http.get(discovery["jwks_uri"].as_str().unwrap()).await);
        let client = Client { id: String::new(), secret: String::new(), auth: Auth::Basic, management: None };
        let warnings = Mutex::default();
        let mut party = Self { server, plan, variant, http, discovery, jwks, client, receiver, warnings };
        party.client = party.make_client("relying-party", Auth::Basic).await;
        party
    }

    /// Gives a client by its name in the configuration, or registers one.
    pub async fn make_client(&self, id: &str, auth: Auth) -> Client {
        if self.variant == Variant::Static {
            return Client { id: id.to_owned(), secret: SECRET.to_owned(), auth, management: None };
        }
        let body = metadata(self.plan, self.receiver.as_ref(), auth);
        let answer = self.http.post_json(self.endpoint("registration_endpoint"), &body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let answer = answer.json();
        assert!(answer.get("error").is_none(), "{answer}");
        assert!(answer["client_secret_expires_at"].is_i64(), "{answer}");
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let management = text("registration_client_uri").zip(text("registration_access_token"));
        assert_eq!(answer.get("registration_client_uri").is_some(), management.is_some(), "both or neither");
        assert_eq!(answer.get("registration_access_token").is_some(), management.is_some(), "both or neither");
        Client { id: text("client_id").unwrap(), secret: text("client_secret").unwrap(), auth, management }
    }

    /// Deletes the client where it was given the means to, as the suite does at the end.
    pub async fn leave(&self) {
        if let Some((uri, token)) = &self.client.management {
            let answer = self.http.send(self.http.client.delete(uri).bearer_auth(token)).await;
            assert_eq!(answer.status, 204, "{}", answer.body);
        }
    }

    /// Notes what the suite would only warn about.
    pub fn warn(&self, warning: impl Into<String>) {
        self.warnings.lock().unwrap().push(warning.into());
    }

    /// Notes it unless something holds.
    pub fn should(&self, holds: bool, otherwise: impl Into<String>) {
        if !holds {
            self.warn(otherwise);
        }
    }

    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().unwrap().clone()
    }

    pub fn issuer(&self) -> &str {
        self.discovery["issuer"].as_str().unwrap()
    }

    pub fn endpoint(&self, name: &str) -> &str {
        self.discovery[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.discovery))
    }

    /// Tells whether a list of the metadata has a value.
    pub fn advertises(&self, list: &str, value: &str) -> bool {
        self.discovery[list].as_array().is_some_and(|list| list.iter().any(|entry| entry == value))
    }

    /// Unix seconds, by the clock that the server has too.
    pub fn now(&self) -> i64 {
        self.server.clock.now() / 1000
    }

    pub fn wait(&self, seconds: i64) {
        self.server.clock.advance(seconds * 1000);
    }

    pub fn browser(&self) -> Person {
        self.server.browser()
    }

    /// The usual request of a client.
    pub fn request_of(&self, client: &Client, scope: &str) -> Request {
        let state = CsrfToken::new_random();
        let nonce = Nonce::new_random();
        let params = [
            ("response_type", "code"),
            ("client_id", &client.id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", scope),
            ("state", state.secret()),
            ("nonce", nonce.secret()),
        ];
        let params = params.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
        let request = Request { params, verifier: None };
        let request = match self.plan {
            Plan::FormPost => request.with("response_mode", "form_post"),
            _ => request,
        };
        // The suite sends none, and only a client of the configuration can be excused from it here (AUT-04).
        if self.variant == Variant::Registered { request.with_pkce() } else { request }
    }

    pub fn request(&self, scope: &str) -> Request {
        self.request_of(&self.client, scope)
    }

    fn authorization_url(&self, request: &Request) -> String {
        format!("{}?{}", self.endpoint("authorization_endpoint"), encode(&request.pairs()))
    }

    /// Opens the request in a browser and looks at what comes first, without touching it.
    pub async fn look(&self, browser: &Person, request: &Request) -> Journey {
        self.look_for(browser, request, request).await
    }

    /// The same with a request that stands for another, by whose parameters the answer is judged.
    pub async fn look_for(&self, browser: &Person, sent: &Request, meant: &Request) -> Journey {
        let (path, answer) = browser.open(&self.authorization_url(sent)).await;
        self.travel(browser, meant, path, answer, false).await
    }

    /// Opens the request in a browser, and its person does what the pages ask until the relying party has an answer.
    pub async fn go(&self, browser: &Person, request: &Request) -> Journey {
        self.go_for(browser, request, request).await
    }

    /// The same with a request that stands for another.
    pub async fn go_for(&self, browser: &Person, sent: &Request, meant: &Request) -> Journey {
        let (path, answer) = browser.open(&self.authorization_url(sent)).await;
        self.travel(browser, meant, path, answer, true).await
    }

    /// The same, begun by a form instead of a link.
    pub async fn go_by_post(&self, browser: &Person, request: &Request) -> Journey {
        let endpoint = self.endpoint("authorization_endpoint");
        let mut answer = browser.http.post(endpoint, &request.pairs()).await;
        let mut path = endpoint.to_owned();
        if answer.header("location").is_some_and(|next| next.starts_with('/')) {
            (path, answer) = browser.open(answer.location()).await;
        }
        self.travel(browser, request, path, answer, true).await
    }

    /// Presses a button of a page that a request led to, and goes on from there.
    pub async fn press(&self, browser: &Person, request: &Request, page: &Answer, fields: &[(&str, &str)]) -> Journey {
        let answer = browser.submit(page, fields).await;
        self.travel(browser, request, String::new(), answer, true).await
    }

    async fn travel(
        &self,
        browser: &Person,
        request: &Request,
        mut path: String,
        mut answer: Answer,
        acts: bool,
    ) -> Journey {
        let mut pages = Vec::new();
        loop {
            if let Some(params) = self.callback(request, &answer, &mut pages) {
                checks::callback(self, request, &params);
                return Journey { pages, end: End::Callback(params) };
            }
            assert!(answer.header("location").is_none(), "{:?} leads to neither of us", answer.header("location"));
            let fields: &[(&str, &str)] = if answer.body.contains("name=\"password\"") {
                pages.push(Page::Login);
                &[("username", USER), ("password", PASSWORD)]
            } else if path.contains("/consent/") {
                pages.push(Page::Consent);
                &[("action", "allow")]
            } else {
                return Journey { pages, end: End::Page(answer) };
            };
            assert!(pages.len() < 5, "round in circles: {pages:?}");
            if !acts {
                return Journey { pages, end: End::Page(answer) };
            }
            answer = browser.submit(&answer, fields).await;
            if answer.header("location").is_some_and(|next| next.starts_with('/')) {
                (path, answer) = browser.open(answer.location()).await;
            }
        }
    }

    /// Reads an answer that brings the browser to the relying party, in the response mode that was asked for (C-G3).
    fn callback(&self, request: &Request, answer: &Answer, pages: &mut Vec<Page>) -> Option<HashMap<String, String>> {
        let is_by_form = request.get("response_mode") == Some("form_post");
        if let Some(params) = posted(&answer.body, REDIRECT_URI) {
            assert!(is_by_form, "a form that nobody asked for");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "AUT-08");
            if params.contains_key("error") && answer.status >= 400 {
                pages.push(Page::Offer);
            }
            return Some(params);
        }
        let offered = attribute(&answer.body, "<a class=\"button\" href=\"");
        let offered = offered.filter(|href| href.starts_with(REDIRECT_URI));
        if offered.is_some() {
            pages.push(Page::Offer);
        }
        let location = offered.or_else(|| answer.header("location").map(str::to_owned))?;
        let rest = location.strip_prefix(REDIRECT_URI)?;
        assert!(rest.starts_with('?') && !rest.trim_end_matches('#').contains('#'), "{location}");
        let params = response_params(rest.trim_end_matches('#'));
        // Only where the request itself is not understood may the mode be another.
        let is_excused = params.contains_key("error") && request.get("response_type").is_none();
        assert!(!is_by_form || is_excused, "asked for by form: {location}");
        Some(params)
    }

    /// Authenticates a request of a client.
    pub fn authenticated(&self, client: &Client, endpoint: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let request = self.http.client.post(self.endpoint(endpoint));
        let mut form = form.to_vec();
        if client.auth == Auth::Post {
            form.extend([("client_id", client.id.as_str()), ("client_secret", client.secret.as_str())]);
            return request.form(&form);
        }
        // RFC 6749 §2.3.1: both are form-encoded first.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        request.basic_auth(encoded(&client.id), Some(encoded(&client.secret))).form(&form)
    }

    /// Presents a code, and gives what the server says.
    pub async fn exchange(&self, client: &Client, request: &Request, code: &str) -> Answer {
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT_URI)];
        form.extend(request.verifier.as_deref().map(|verifier| ("code_verifier", verifier)));
        self.http.send(self.authenticated(client, "token_endpoint", &form)).await
    }

    pub async fn refresh(&self, client: &Client, refresh_token: &str) -> Answer {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.http.send(self.authenticated(client, "token_endpoint", &form)).await
    }

    /// Presents a code and checks all that comes for it (C-G5 to C-G8).
    pub async fn tokens_of(&self, client: &Client, request: &Request, code: &str) -> Tokens {
        let answer = self.exchange(client, request, code).await;
        let tokens = checks::token_response(self, &answer);
        let body = answer.json();
        let id_token = body["id_token"].as_str().unwrap_or_else(|| panic!("no id_token: {body}")).to_owned();
        let claims = checks::id_token(self, client, &id_token, request.get("nonce"), &tokens.0);
        let userinfo = self.userinfo(&tokens.0).await;
        checks::userinfo(&userinfo, &claims);
        Tokens { access: tokens.0, refresh: tokens.1, id_token, claims }
    }

    /// The whole of a login, with a browser that may know the person already.
    pub async fn log_in(&self, browser: &Person, request: &Request) -> (Vec<Page>, Tokens) {
        let journey = self.go(browser, request).await;
        let pages = journey.pages.clone();
        let tokens = self.tokens_of(&self.client, request, &journey.code()).await;
        (pages, tokens)
    }

    pub async fn userinfo(&self, access_token: &str) -> Answer {
        self.http.send(self.http.client.get(self.endpoint("userinfo_endpoint")).bearer_auth(access_token)).await
    }

    /// A request that must not show anything, and ends in an error of a person who is not signed in (C-G4).
    pub async fn assert_signed_out(&self, browser: &Person) {
        let request = self.request("openid").with("prompt", "none");
        let journey = self.look(browser, &request).await;
        assert!(journey.pages.is_empty(), "{:?}", journey.pages);
        let error = journey.params().remove("error").expect("an error");
        let errors = ["login_required", "interaction_required", "account_selection_required", "consent_required"];
        assert!(errors.contains(&error.as_str()), "{error}");
    }
}

/// What a client registers, and what the configuration says of one.
fn metadata(plan: Plan, receiver: Option<&Receiver>, auth: Auth) -> Value {
    let mut metadata = json!({
        "client_name": "The wiki",
        "client_uri": "https://app.example.com/",
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": auth.name(),
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    if matches!(plan, Plan::RpInitiatedLogout | Plan::BackchannelLogout) {
        metadata["post_logout_redirect_uris"] = json!([POST_LOGOUT_REDIRECT_URI]);
    }
    if let Some(receiver) = receiver {
        metadata["backchannel_logout_uri"] = json!(receiver.uri);
        metadata["backchannel_logout_session_required"] = json!(true);
    }
    metadata
}

fn static_clients(plan: Plan, receiver: Option<&Receiver>) -> Value {
    let clients = [("relying-party", Auth::Basic), ("another-party", Auth::Basic), ("posting-party", Auth::Post)];
    let clients = clients.map(|(id, auth)| {
        let mut client = metadata(plan, receiver, auth);
        let members = client.as_object_mut().unwrap();
        members.remove("token_endpoint_auth_method");
        members.remove("response_types");
        members.insert("client_id".to_owned(), json!(id));
        members.insert("client_secret".to_owned(), json!(SECRET));
        members.insert("client_auth_method".to_owned(), json!(auth.name()));
        members.insert("require_pkce".to_owned(), json!(false));
        client
    });
    json!(clients)
}

/// The hidden fields of the form that sends the browser to an address by POST.
fn posted(html: &str, address: &str) -> Option<HashMap<String, String>> {
    hidden_fields(html, |action| action == address)
}

/// The hidden fields of the first form whose address is the right one.
pub fn hidden_fields(html: &str, is_right: impl Fn(&str) -> bool) -> Option<HashMap<String, String>> {
    let form = html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap());
    let mut form = form.filter(|form| attribute(form, "action=\"").is_some_and(|action| is_right(&action)));
    let form = form.next()?;
    let opening = form.split('>').next().unwrap();
    assert!(opening.contains("method=\"post\"") && !opening.contains("enctype"), "{opening}");
    let input = Regex::new("<input[^>]*>").unwrap();
    let inputs = input.find_iter(form).map(|input| input.as_str());
    let hidden = inputs.filter(|input| input.contains("type=\"hidden\""));
    let mut fields = HashMap::new();
    for input in hidden {
        let name = attribute(input, " name=\"").unwrap();
        let value = attribute(input, " value=\"").unwrap_or_default();
        assert!(fields.insert(name, value).is_none(), "twice: {input}");
    }
    Some(fields)
}
