//! A person with a browser without script: pages, forms and cookies, and nothing else.

use std::collections::HashMap;

use keymaker::{
    crypto::secret::{Kind, Secret},
    flows::browser::{self, SignedIn},
};

use super::{
    PASSWORD, Server,
    http::{Answer, Http},
};

pub struct Person {
    pub http: Http,
}

/// Somebody who is signed in, as the flows see it.
pub struct Somebody {
    pub browser: Secret,
    pub signed_in: SignedIn,
}

impl Somebody {
    pub async fn at(server: &Server, person: &Person) -> Self {
        let cookies = person.http.cookies();
        let cookie = |kind: Kind, name: &str| {
            let value = cookies.split("; ").find_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('=')).unwrap();
            Secret::parse(kind, value).unwrap()
        };
        let session = cookie(Kind::BrowserSession, "keymaker_session");
        let signed_in = browser::find(&server.app, &session).await.unwrap().unwrap();
        Self { browser: cookie(Kind::Browser, "keymaker_browser"), signed_in }
    }
}

impl Person {
    pub fn new(server: &Server) -> Self {
        Self { http: server.http.with_cookies() }
    }

    /// The same browser, at another address.
    pub fn at(&self, address: &str) -> Self {
        Self { http: self.http.at(address) }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.http.get(path).await
    }

    /// Opens a page and every page that it leads to, as long as they are ours.
    pub async fn open(&self, path: &str) -> (String, Answer) {
        let mut path = path.to_owned();
        for _ in 0..10 {
            let answer = self.get(&path).await;
            match answer.header("location") {
                Some(next) if next.starts_with('/') => path = next.to_owned(),
                _ => return (path, answer),
            }
        }
        panic!("{path} leads round in circles");
    }

    /// Fills in the form of a page that was just opened, of several the one that has the first field, and sends it to where
    /// the page says.
    pub async fn submit(&self, page: &Answer, fields: &[(&str, &str)]) -> Answer {
        let form = form_with(&page.body, fields.first().map_or("csrf", |(name, _)| name));
        let csrf = csrf_of(form);
        let action = attribute(form, "method=\"post\" action=\"").expect("a form");
        let mut form = vec![("csrf", csrf.as_str())];
        form.extend_from_slice(fields);
        self.http.post(&action, &form).await
    }

    /// The form token of this browser.
    pub async fn csrf(&self) -> String {
        csrf_of(&self.open("login").await.1.body)
    }

    /// Fills in both forms of sign-up, with `PASSWORD` and no display name.
    pub async fn sign_up(&self, name: &str) -> Answer {
        let page = self.get("register").await;
        let answer = self.submit(&page, &[("username", name), ("password", PASSWORD)]).await;
        let (_, page) = self.open(answer.location()).await;
        self.submit(&page, &[("display_name", "")]).await
    }

    /// Signs in with `PASSWORD`.
    pub async fn sign_in(&self, user: &str) -> Answer {
        let (_, page) = self.open("login").await;
        let answer = self.submit(&page, &[("username", user), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer
    }

    /// Arrives from a client at the authorization endpoint and follows it to the first page, or out.
    pub async fn arrive(&self, request: &[(&str, &str)]) -> (String, Answer) {
        self.open(&format!("authorize?{}", encode(request))).await
    }

    /// Arrives signed in, allows, and gives the code.
    pub async fn allow(&self, request: &[(&str, &str)]) -> String {
        let answer = self.decide(request, "allow").await;
        let params = response_params(answer.location());
        params.get("code").unwrap_or_else(|| panic!("no code: {params:?}")).clone()
    }

    /// Arrives signed in and presses a button of the consent page, which is asked for where the request asks for nothing else:
    /// what was allowed before would be answered at once.
    pub async fn decide(&self, request: &[(&str, &str)], action: &str) -> Answer {
        let mut request = request.to_vec();
        if !request.iter().any(|(name, _)| *name == "prompt") {
            request.push(("prompt", "consent"));
        }
        let (path, page) = self.arrive(&request).await;
        assert!(path.contains("/consent/"), "{path} {}", page.body);
        let answer = self.submit(&page, &[("action", action)]).await;
        assert!(matches!(answer.status, 200 | 303), "{}", answer.body);
        answer
    }
}

pub fn encode(params: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// Reads the parameters of a response from the query or the fragment of a redirect.
pub fn response_params(location: &str) -> HashMap<String, String> {
    let (rest, fragment) = location.split_once('#').unwrap_or((location, ""));
    let encoded = if fragment.is_empty() { rest.split_once('?').map_or("", |(_, query)| query) } else { fragment };
    form_urlencoded::parse(encoded.as_bytes()).into_owned().collect()
}

/// The first form of a page that has a field, or the first form.
fn form_with<'a>(html: &'a str, field: &str) -> &'a str {
    let forms = || html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap());
    let marker = format!("name=\"{field}\"");
    forms().find(|form| form.contains(&marker)).or(forms().next()).expect("a form")
}

/// Reads the form token of a page.
pub fn csrf_of(html: &str) -> String {
    attribute(html, "name=\"csrf\" value=\"").expect("a form token")
}

/// Gives the text after a marker up to the next quotation mark, unescaped.
pub fn attribute(html: &str, marker: &str) -> Option<String> {
    let rest = &html[html.find(marker)? + marker.len()..];
    let value = &rest[..rest.find('"')?];
    Some(unescape(value))
}

fn unescape(html: &str) -> String {
    let references = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#61;", "="),
        ("&#38;", "&"),
        ("&amp;", "&"),
    ];
    references.iter().fold(html.to_owned(), |text, (reference, letter)| text.replace(reference, letter))
}
