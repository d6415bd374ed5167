//! E-mail addresses of accounts: added by a code, removed, and never told to anybody else (spec ACT-10, SGN-03, area 19).

mod adding;
mod limits;
mod removing;
mod sign_up;

use crate::support::{Server, http::Answer, person::Person, smtp::SmtpSink};

const CODE_OVER: &str = "No code is waited for any more";
const WRONG_CODE: &str = "This code is wrong.";

async fn server() -> (SmtpSink, Server) {
    let sink = SmtpSink::start();
    let server = Server::setup().mail(&sink).start().await;
    (sink, server)
}

async fn signed_in(server: &Server, name: &str) -> Person {
    server.user(name).await;
    let browser = server.browser();
    browser.sign_in(name).await;
    browser
}

/// A page as everybody sees it: without the form token, and without the ids in its addresses.
fn plain(page: &Answer) -> String {
    let mut plain = page.body.clone();
    for (marker, end) in [("name=\"csrf\" value=\"", '"'), ("?id=", '"'), ("name=\"proof\" value=\"", '"')] {
        let parts: Vec<String> = plain.split(marker).map(str::to_owned).collect();
        let kept = parts.iter().enumerate().map(|(i, part)| match i {
            0 => part.clone(),
            _ => part[part.find(end).unwrap()..].to_owned(),
        });
        plain = kept.collect::<Vec<_>>().join(marker);
    }
    plain
}
