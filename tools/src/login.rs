//! Owns the way of one person through the real pages without a browser: cookies, forms with their hidden fields, consent, and the
//! code exchange (RFC 6749 §4.1, PKCE by RFC 7636).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::http::{Answer, Connection};
use crate::support::process::Failure;

// RFC 7636 appendix B: a generator needs no verifier that nobody knows.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

pub const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
pub const JSON: &str = "Content-Type: application/json\r\n";

/// The tokens of one login.
pub struct Tokens {
    pub client_id: String,
    pub access_token: String,
    pub refresh_token: String,
}

impl Tokens {
    /// Reads a token response (RFC 6749 §5.1), or what the legacy API answers with the same members.
    pub fn read(client_id: &str, answer: &Answer) -> Result<Self, Failure> {
        let body: Value = serde_json::from_str(&answer.body)?;
        match (&body["access_token"], &body["refresh_token"]) {
            (Value::String(access), Value::String(refresh)) if answer.status == 200 => Ok(Self {
                client_id: client_id.to_owned(),
                access_token: access.clone(),
                refresh_token: refresh.clone(),
            }),
            _ => Err(format!("no tokens but {} {}", answer.status, answer.body).into()),
        }
    }
}

/// Registers the generator's client; registering again gives the same one.
pub async fn register_client(address: SocketAddr) -> Result<String, Failure> {
    let mut connection = Connection::open(address).await?;
    let body = json!({
        "client_name": "Load generator",
        "client_uri": "https://load.example.org/",
        "redirect_uris": ["http://127.0.0.1/callback"],
        "application_type": "native",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    let request = connection.prepare("POST", "/oauth2/registration", JSON, &body.to_string());
    let answer = connection.send(&request).await?;
    let body: Value = serde_json::from_str(&answer.body)?;
    body["client_id"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("registration: {} {}", answer.status, answer.body).into())
}

/// One person at the log-in page, with the form in front of them.
pub struct Visitor {
    connection: Connection,
    cookies: BTreeMap<String, String>,
    client_id: String,
    login: Form,
}

impl Visitor {
    /// Begins an authorization for one new device and follows it to the log-in page.
    pub async fn arrive(address: SocketAddr, client_id: &str, device_id: &str) -> Result<Self, Failure> {
        let query = encode(&[
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", REDIRECT_URI),
            ("scope", &format!("urn:matrix:client:api:* urn:matrix:client:device:{device_id}")),
            ("state", device_id),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ]);
        let mut visitor = Self {
            connection: Connection::open(address).await?,
            cookies: BTreeMap::new(),
            client_id: client_id.to_owned(),
            login: Form::default(),
        };
        let (page, at) = visitor.open(format!("/authorize?{query}")).await?;
        visitor.login = Form::holding(&page.body, "password", &at)?;
        Ok(visitor)
    }

    /// Sends the log-in form.
    pub async fn log_in(&mut self, username: &str, password: &str) -> Result<Answer, Failure> {
        let mut form = self.login.clone();
        form.set("username", username);
        form.set("password", password);
        self.send(&form).await
    }

    /// Goes on from the answer to the log-in form: consent, and the code exchanged for tokens.
    pub async fn consent(&mut self, logged_in: &Answer) -> Result<Tokens, Failure> {
        let (page, at) = self.open(local(location(logged_in)?)?.to_owned()).await?;
        let mut form = Form::holding(&page.body, "csrf", &at)?;
        form.set("action", "allow");
        let answer = self.send(&form).await?;
        let (_, query) = location(&answer)?.split_once('?').ok_or("no answer in the redirect")?;
        let query = query.split('#').next().unwrap_or_default();
        let code = form_urlencoded::parse(query.as_bytes())
            .find_map(|(name, value)| (name == "code").then_some(value))
            .ok_or_else(|| format!("no code in {query}"))?;
        let body = encode(&[
            ("grant_type", "authorization_code"),
            ("client_id", &self.client_id),
            ("code", &code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", REDIRECT_URI),
        ]);
        let request = self.connection.prepare("POST", "/oauth2/token", FORM, &body);
        let answer = self.connection.send(&request).await?;
        Tokens::read(&self.client_id, &answer)
    }

    /// Gets a page, following redirects within the server; returns it with its own target.
    async fn open(&mut self, mut target: String) -> Result<(Answer, String), Failure> {
        for _ in 0..5 {
            let request = self.connection.prepare("GET", &target, &self.cookie_line(), "");
            let answer = self.connection.send(&request).await?;
            self.keep_cookies(&answer);
            match answer.status {
                200 => return Ok((answer, target)),
                302 | 303 => target = local(location(&answer)?)?.to_owned(),
                status => return Err(format!("{target}: {status} {}", answer.body).into()),
            }
        }
        Err(format!("too many redirects, the last to {target}").into())
    }

    async fn send(&mut self, form: &Form) -> Result<Answer, Failure> {
        let fields: Vec<(&str, &str)> = form.fields.iter().map(|(n, v)| (&**n, &**v)).collect();
        let headers = format!("{FORM}{}", self.cookie_line());
        let request = self.connection.prepare("POST", &form.action, &headers, &encode(&fields));
        let answer = self.connection.send(&request).await?;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    fn cookie_line(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { String::new() } else { format!("Cookie: {}\r\n", pairs.join("; ")) }
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            if let Some((name, value)) = pair.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// A form of a page, with the values that it came with.
#[derive(Clone, Default)]
struct Form {
    action: String,
    fields: BTreeMap<String, String>,
}

impl Form {
    /// Finds the form of a page that has the named field.
    fn holding(page: &str, field: &str, at: &str) -> Result<Self, Failure> {
        let form = page
            .split("<form")
            .skip(1)
            .map(|rest| rest.split("</form").next().unwrap_or_default())
            .find(|form| form.contains(&format!("name=\"{field}\"")))
            .ok_or_else(|| format!("no form with {field} on {at}: {page}"))?;
        let opening = form.split('>').next().unwrap_or_default();
        let action = attribute(opening, "action").unwrap_or_else(|| at.to_owned());
        let fields = form
            .split("<input")
            .skip(1)
            .filter_map(|rest| rest.split('>').next())
            .filter_map(|input| {
                let value = attribute(input, "value").unwrap_or_default();
                Some((attribute(input, "name")?, value))
            })
            .collect();
        Ok(Self { action: local(&action)?.to_owned(), fields })
    }

    fn set(&mut self, name: &str, value: &str) {
        self.fields.insert(name.to_owned(), value.to_owned());
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    let value = rest.split('"').next()?;
    Some(value.replace("&quot;", "\"").replace("&#34;", "\"").replace("&#38;", "&").replace("&amp;", "&"))
}

fn location(answer: &Answer) -> Result<&str, Failure> {
    answer.headers("location").next().ok_or_else(|| format!("no redirect but {} {}", answer.status, answer.body).into())
}

/// Returns the path and query of an address on the server itself.
fn local(address: &str) -> Result<&str, Failure> {
    let path = match address.split_once("://") {
        None => Some(address),
        Some((_, rest)) => rest.find('/').map(|slash| &rest[slash..]),
    };
    path.filter(|path| path.starts_with('/')).ok_or_else(|| format!("not a path of the server: {address}").into())
}

/// Writes a form or query (`application/x-www-form-urlencoded`).
pub fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}
