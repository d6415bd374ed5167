//! A Django site with mozilla-django-oidc, as docs/applications.md sets it up: the project in the folder `django`, run by Django itself
//! behind TLS.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{CLIENT_ID, CLIENT_SECRET, EMAIL, USER, client, keymaker, python_packages, venv};
use crate::browser::{available, is_told_elsewhere};
use crate::support::{
    PASSWORD, Server,
    audit::Audit,
    http::{Answer, Http},
    person::{Person, attribute},
    process::{Served, free_port},
    tls,
};

/// The site, and a visitor of it.
struct Wiki {
    origin: String,
    visitor: Http,
    _process: Served,
    _folder: TempDir,
    tls: JoinHandle<()>,
}

impl Wiki {
    fn start(outer: TcpListener, keymaker: &Server) -> Self {
        let port = free_port();
        let origin = format!("https://localhost:{}", outer.local_addr().unwrap().port());
        let tls = tokio::spawn(tls::serve(outer, ([127, 0, 0, 1], port).into()));
        let folder = tempfile::tempdir().unwrap();
        let django = |arguments: &[&str]| {
            let mut command = Command::new(venv().join("bin/python"));
            command
                .arg("manage.py")
                .args(arguments)
                .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parties/django"))
                .env("WIKI_SECRET_KEY", "the-wiki-signs-its-cookies-with-this")
                .env("WIKI_DATABASE", folder.path().join("wiki.db"))
                .env("KEYMAKER_ISSUER", keymaker.issuer())
                .env("KEYMAKER_CLIENT_ID", CLIENT_ID)
                .env("KEYMAKER_CLIENT_SECRET", CLIENT_SECRET)
                .env("REQUESTS_CA_BUNDLE", tls::root_file())
                .env("NO_PROXY", "localhost")
                .env("PYTHONDONTWRITEBYTECODE", "1")
                // What is in front speaks TLS (PEP 3333).
                .env("HTTPS", "on");
            command
        };
        assert!(django(&["migrate", "--verbosity=0"]).status().unwrap().success());
        let address = format!("127.0.0.1:{port}");
        let log = folder.path().join("wiki.log");
        let mut serve = django(&["runserver", "--noreload", &address]);
        let process = Served::start(&mut serve, port, &log, Duration::from_secs(60)).unwrap();
        let visitor = Http::new(&format!("{origin}/"), Audit::default()).with_cookies();
        Self { origin, visitor, _process: process, _folder: folder, tls }
    }

    async fn page(&self) -> String {
        self.visitor.get("/").await.body
    }

    /// Presses the link of the page and gives where it leads the browser.
    async fn log_in(&self) -> String {
        let page = self.page().await;
        let (before, _) = page.split_once("Log in with your Matrix account").expect("a way to log in");
        let link = attribute(&before[before.rfind("<a ").unwrap()..], "href=\"").unwrap();
        self.visitor.get(&link).await.location().to_owned()
    }

    /// Comes back from Keymaker with its answer.
    async fn come_back(&self, answer: &Answer) {
        let location = answer.location();
        assert!(location.starts_with(&format!("{}/", self.origin)), "{location}");
        let answer = self.visitor.get(location).await;
        if answer.status != 200 {
            assert_eq!((answer.status, answer.location()), (302, "/"));
        }
    }

    async fn log_out(&self) -> String {
        let page = self.page().await;
        let token = attribute(&page, "name=\"csrfmiddlewaretoken\" value=\"").unwrap();
        let form = [("csrfmiddlewaretoken", token.as_str())];
        let request = self.visitor.client.post(self.visitor.url("/oidc/logout/")).form(&form);
        let request = request.header("referer", format!("{}/", self.origin));
        self.visitor.send(request).await.location().to_owned()
    }
}

impl Drop for Wiki {
    fn drop(&mut self) {
        self.tls.abort();
    }
}

/// Goes through the pages of Keymaker as somebody without a session there.
async fn sign_in(browser: &Person, url: &str) -> Answer {
    let (path, page) = browser.open(url).await;
    assert!(path.starts_with("/login"), "{path}");
    let answer = browser.submit(&page, &[("username", USER), ("password", PASSWORD)]).await;
    let (_, page) = browser.open(answer.location()).await;
    // Whoever allowed it before is not asked again.
    match page.header("location") {
        Some(_) => page,
        None => browser.submit(&page, &[("action", "allow")]).await,
    }
}

// AUT-05, TOK, OID-02, RPL-02, RPL-05
#[tokio::test(flavor = "multi_thread")]
async fn people_log_in_to_a_django_site_with_their_matrix_account_and_out_of_both() {
    if is_told_elsewhere() || !available(python_packages()) {
        return;
    }
    let outer = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("https://localhost:{}", outer.local_addr().unwrap().port());
    let callback = format!("{origin}/oidc/callback/");
    let server = keymaker(client("client_secret_post", &callback, &format!("{origin}/"))).await;
    let wiki = tokio::task::block_in_place(|| Wiki::start(outer, &server));
    let browser = server.browser();

    let answer = sign_in(&browser, &wiki.log_in().await).await;
    wiki.come_back(&answer).await;
    let page = wiki.page().await;
    assert!(page.contains(&format!("<b id=\"name\">{USER}</b> ({EMAIL})")), "{page}");

    let there = wiki.log_out().await;
    assert!(there.starts_with(&server.url("oauth2/logout?")), "{there}");
    let (_, answer) = browser.open(&there).await;
    assert_eq!(answer.location(), format!("{origin}/"));
    wiki.come_back(&answer).await;
    assert!(wiki.page().await.contains("Log in with your Matrix account"));
    assert!(browser.open("account/").await.0.starts_with("/login"), "signed out at Keymaker too");

    // The same person again is the same account of the wiki.
    let known_as = |page: &str| page.split_once("known as ").map(|(_, rest)| rest[..26].to_owned());
    let answer = sign_in(&browser, &wiki.log_in().await).await;
    wiki.come_back(&answer).await;
    let again = wiki.page().await;
    assert!(known_as(&page).is_some() && known_as(&page) == known_as(&again), "{again}");
}
