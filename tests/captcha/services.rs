//! What a service says is believed for this site, this page and one time, and a service that says nothing is never a yes.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::json;

use super::{FAILED, NEEDED, UNAVAILABLE, count_links, count_sign_ups};
use crate::support::{
    PASSWORD, Server,
    captcha::{Behaviour, CaptchaService, SECRET_KEY, SITE_KEY},
    homeserver::FakeHomeserver,
    http::Answer,
    person::{Person, attribute},
    smtp::SmtpSink,
};

const SERVICES: [(&str, &str); 3] = [
    ("recaptcha_v2", "g-recaptcha-response"),
    ("hcaptcha", "h-captcha-response"),
    ("cloudflare_turnstile", "cf-turnstile-response"),
];

async fn sign_up(browser: &Person, name: &str, field: &str, response: &str) -> Answer {
    let page = browser.get("register").await;
    browser.submit(&page, &[("username", name), ("password", PASSWORD), (field, response)]).await
}

#[tokio::test]
async fn each_service_is_asked_and_lets_somebody_pass() {
    // SGN-06
    for (name, field) in SERVICES {
        let service = CaptchaService::start().await;
        let server = Server::setup().captcha(name, &service).start().await;
        let response = format!("the-answer-of-{name}");
        server.audit.secret(&response);
        server.audit.secret(SECRET_KEY);
        let browser = server.browser();
        let answer = sign_up(&browser, "alice", field, &response).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let (_, page) = browser.open(answer.location()).await;
        assert_eq!(browser.submit(&page, &[("display_name", "")]).await.location(), "/account/");
        let asked = service.asked();
        assert_eq!(asked.len(), 1, "the last form asks nothing more");
        let mut expected = vec![("secret", SECRET_KEY), ("response", &*response), ("remoteip", "127.0.0.1")];
        if name == "hcaptcha" {
            expected.push(("sitekey", SITE_KEY));
        }
        let expected = expected.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        assert_eq!(asked[0], expected);
    }
}

#[tokio::test]
async fn nobody_passes_whom_the_service_does_not_vouch_for_here_and_now() {
    // SGN-06, INV-07, INV-08
    let no = |code: &str| Behaviour::Says(json!({ "success": false, "error-codes": [code] }));
    let but = |key: &str, value| Behaviour::yes_but("registration", key, value);
    let table = [
        (no("invalid-input-response"), 422, FAILED),
        (no("timeout-or-duplicate"), 422, FAILED),
        (no("already-seen-response"), 422, FAILED),
        (Behaviour::Says(json!({ "success": false })), 422, FAILED),
        (but("success", json!(false)), 422, FAILED),
        (but("hostname", json!("evil.example")), 422, FAILED),
        (but("hostname", json!("127.0.0.1.evil.example")), 422, FAILED),
        (but("hostname", json!(null)), 422, FAILED),
        (but("action", json!("recovery")), 422, FAILED),
        (but("action", json!(null)), 422, FAILED),
        (no("invalid-input-secret"), 503, UNAVAILABLE),
        (no("internal-error"), 503, UNAVAILABLE),
        (but("error-codes", json!(["sitekey-secret-mismatch"])), 503, UNAVAILABLE),
        (but("success", json!("true")), 503, UNAVAILABLE),
        (but("success", json!(1)), 503, UNAVAILABLE),
        (but("success", json!(null)), 503, UNAVAILABLE),
        (Behaviour::Says(json!([true])), 503, UNAVAILABLE),
        (Behaviour::Status(200, "<html>yes</html>".to_owned()), 503, UNAVAILABLE),
        (Behaviour::Status(200, String::new()), 503, UNAVAILABLE),
        (Behaviour::Status(400, r#"{"success":false,"error-codes":["bad-request"]}"#.to_owned()), 422, FAILED),
        (Behaviour::Status(500, r#"{"success":true,"hostname":"127.0.0.1"}"#.to_owned()), 503, UNAVAILABLE),
        (Behaviour::Status(403, r#"{"success":true,"hostname":"127.0.0.1"}"#.to_owned()), 503, UNAVAILABLE),
        (Behaviour::Redirect, 503, UNAVAILABLE),
        (Behaviour::Huge(300_000), 503, UNAVAILABLE),
        (Behaviour::Hang, 503, UNAVAILABLE),
    ];
    let (service, homeserver) = (CaptchaService::start().await, Arc::<FakeHomeserver>::default());
    // The name is somebody else's at the homeserver: whoever passes is told so.
    homeserver.users.lock().unwrap().insert("alice".to_owned());
    let server = Server::setup().captcha("cloudflare_turnstile", &service).homeserver(homeserver).start().await;
    let browser = server.browser();
    for (behaviour, status, words) in table {
        service.does(behaviour.clone());
        let before = service.asked().len();
        let answer = sign_up(&browser, "alice", "cf-turnstile-response", "a token").await;
        assert_eq!(service.asked().len(), before + 1, "{behaviour:?}");
        answer.assert_page(status, words);
        assert!(!answer.body.contains("Somebody else has"), "{behaviour:?}: the homeserver was asked");
        // Nothing is lost but what nobody may see again.
        let kept = attribute(&answer.body, "name=\"username\" type=\"text\" value=\"");
        assert_eq!(kept.as_deref(), Some("alice"));
        assert!(!answer.body.contains(PASSWORD) && answer.body.contains("data-sitekey"), "{}", answer.body);
    }
    assert_eq!(count_sign_ups(&server).await, 0);
    service.does(Behaviour::Huge(1000));
    sign_up(&browser, "alice", "cf-turnstile-response", "a token")
        .await
        .assert_page(422, "Somebody else has this username");
}

#[tokio::test]
async fn a_service_without_actions_is_not_asked_for_one() {
    // SGN-06
    for (name, field) in &SERVICES[..2] {
        let service = CaptchaService::start().await;
        let server = Server::setup().captcha(name, &service).start().await;
        service.does(Behaviour::yes_but("registration", "action", json!(null)));
        assert_eq!(sign_up(&server.browser(), "alice", field, "a token").await.status, 303);
        service.does(Behaviour::yes_but("registration", "hostname", json!("evil.example")));
        sign_up(&server.browser(), "alice", field, "another token").await.assert_page(422, FAILED);
    }
}

#[tokio::test]
async fn what_costs_nothing_is_judged_before_the_service_is_asked() {
    // INV-08
    let service = CaptchaService::start().await;
    let (sink, field) = (SmtpSink::start(), "h-captcha-response");
    let server = Server::setup().captcha("hcaptcha", &service).mail(&sink).start().await;
    let browser = server.browser();
    sign_up(&browser, "al ice", field, "a token").await.assert_page(422, "characters that are not possible");
    let page = browser.get("register").await;
    let weak = browser.submit(&page, &[("username", "alice"), ("password", "alice1"), (field, "a token")]).await;
    weak.assert_page(422, "This password is too");
    sign_up(&browser, "alice", field, "").await.assert_page(422, NEEDED);
    sign_up(&browser, "alice", "g-recaptcha-response", "of another service").await.assert_page(422, NEEDED);
    sign_up(&browser, "alice", field, &"x".repeat(20_000)).await.assert_page(422, FAILED);
    let forged = [("csrf", "0"), ("username", "alice"), ("password", PASSWORD), (field, "a token")];
    assert_eq!(browser.http.post("register", &forged).await.status, 403);
    let page = browser.get("recover").await;
    browser.submit(&page, &[("email", "nowhere"), (field, "a token")]).await.assert_page(422, "not an e-mail address");
    browser.submit(&page, &[("email", "a@example.org")]).await.assert_page(422, NEEDED);
    assert!(service.asked().is_empty(), "{:?}", service.asked());
}

#[tokio::test]
async fn an_answer_is_good_once_whatever_the_service_says() {
    // SGN-06, INV-01
    let service = CaptchaService::start().await;
    let server = Server::setup().captcha("recaptcha_v2", &service).start().await;
    let (browser, field) = (server.browser(), "g-recaptcha-response");
    assert_eq!(sign_up(&browser, "alice", field, "a token").await.status, 303);
    sign_up(&browser, "bob", field, "a token").await.assert_page(422, FAILED);
    sign_up(&server.browser(), "bob", field, "a token").await.assert_page(422, FAILED);
    server.clock.advance(keymaker::clock::MINUTE * 50);
    keymaker::flows::clean_up::clean_up(&server.app).await.unwrap();
    sign_up(&server.browser(), "bob", field, "a token").await.assert_page(422, FAILED);
    assert_eq!(count_sign_ups(&server).await, 1);
}

#[tokio::test]
async fn of_twenty_forms_with_one_answer_one_is_accepted() {
    // SGN-06, INV-01, TST-04
    let service = CaptchaService::start().await;
    let server = Server::setup().captcha("recaptcha_v2", &service).start().await;
    let browser = server.browser();
    let page = browser.get("register").await;
    let names: Vec<String> = (0..20).map(|number| format!("alice{number}")).collect();
    let forms = names.iter().map(|name| async {
        let form = [("username", name.as_str()), ("password", PASSWORD), ("g-recaptcha-response", "a token")];
        browser.submit(&page, &form).await
    });
    let answers = join_all(forms).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 422).count(), 19);
    assert_eq!(count_sign_ups(&server).await, 1);
}

#[tokio::test]
async fn a_mail_is_sent_only_for_an_answer_that_was_given_for_mails() {
    // SGN-06, RCV-03
    let (service, sink) = (CaptchaService::start().await, SmtpSink::start());
    let server = Server::setup().captcha("cloudflare_turnstile", &service).mail(&sink).start().await;
    server.user_with_address("alice", "alice@example.org").await;
    let browser = server.browser();
    let ask = async |response: &str| {
        let page = browser.get("recover").await;
        browser.submit(&page, &[("email", "alice@example.org"), ("cf-turnstile-response", response)]).await
    };
    let refused = ask("one").await;
    refused.assert_page(422, FAILED);
    assert!(refused.body.contains("value=\"alice@example.org\""), "what was typed stays");
    service.does(Behaviour::Status(500, String::new()));
    ask("two").await.assert_page(503, UNAVAILABLE);
    assert_eq!(count_links(&server).await, 0);
    service.does(Behaviour::yes("recovery"));
    assert_eq!(ask("three").await.location(), "/recover/sent");
    assert_eq!(count_links(&server).await, 1);
    ask("three").await.assert_page(422, FAILED);
    assert_eq!(count_links(&server).await, 1);
}
