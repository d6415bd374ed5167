//! What a page may load: with a service what its documentation asks for, on the pages that ask for the check; and on no other
//! page, and without a service, nothing from elsewhere (WEB-03, WEB-05).

use crate::support::{
    PASSWORD, Server,
    captcha::{CaptchaService, SITE_KEY},
    http::Answer,
    person::attribute,
    smtp::SmtpSink,
};

const PLAIN: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
                     base-uri 'none'; frame-ancestors 'none'";

/// The policy of an answer, with `DIGEST` in place of each digest.
fn policy(answer: &Answer) -> String {
    let policy = answer.header("content-security-policy").unwrap();
    let is_digest = |word: &str| word.starts_with("'sha256-");
    let word = |word: &str| match word.strip_suffix(';') {
        Some(word) if is_digest(word) => "DIGEST;".to_owned(),
        None if is_digest(word) => "DIGEST".to_owned(),
        _ => word.to_owned(),
    };
    policy.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn each_service_gets_what_its_documentation_asks_for() {
    let table = [
        (
            "recaptcha_v2",
            "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
             script-src DIGEST https://www.google.com/recaptcha/ https://www.gstatic.com/recaptcha/; \
             connect-src https://www.google.com/recaptcha/; \
             frame-src https://www.google.com/recaptcha/ https://recaptcha.google.com/recaptcha/; \
             base-uri 'none'; frame-ancestors 'none'",
            "https://www.google.com/recaptcha/api.js?hl=en",
        ),
        (
            "hcaptcha",
            "default-src 'none'; style-src 'self' https://hcaptcha.com https://*.hcaptcha.com; img-src 'self' data:; \
             font-src 'self'; form-action 'self'; \
             script-src DIGEST https://hcaptcha.com https://*.hcaptcha.com; \
             connect-src https://hcaptcha.com https://*.hcaptcha.com; \
             frame-src https://hcaptcha.com https://*.hcaptcha.com; base-uri 'none'; frame-ancestors 'none'",
            "https://js.hcaptcha.com/1/api.js?hl=en&recaptchacompat=off",
        ),
        (
            "cloudflare_turnstile",
            "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
             script-src DIGEST https://challenges.cloudflare.com; frame-src https://challenges.cloudflare.com; \
             base-uri 'none'; frame-ancestors 'none'",
            "https://challenges.cloudflare.com/turnstile/v0/api.js",
        ),
    ];
    for (name, expected, script) in table {
        let (service, sink) = (CaptchaService::start().await, SmtpSink::start());
        let server = Server::setup().captcha(name, &service).mail(&sink).start().await;
        let browser = server.browser();
        for path in ["register", "recover"] {
            let page = browser.get(path).await;
            assert_eq!(policy(&page), expected, "{name} {path}");
            assert_eq!(attribute(&page.body, "data-widget=\"").as_deref(), Some(script));
            assert_eq!(attribute(&page.body, "data-sitekey=\"").as_deref(), Some(SITE_KEY));
            assert!(page.body.contains("<noscript>"), "{}", page.body);
        }
        let page = browser.get("register").await;
        let refused = browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
        assert_eq!((refused.status, policy(&refused)), (422, expected.to_owned()));
        for path in ["login", "recover/sent", "recover/done", "logout", "nothing/here", "register/finish"] {
            let page = browser.open(path).await.1;
            assert_eq!(policy(&page), PLAIN, "{name} {path}");
            assert!(!page.body.contains("captcha"), "{name} {path}");
        }
    }
}

#[tokio::test]
async fn signing_in_loads_nothing_from_elsewhere_until_it_asks_for_the_check() {
    let service = CaptchaService::start().await;
    let server = Server::setup()
        .captcha("cloudflare_turnstile", &service)
        .with("captcha.login_after_failures", "1")
        .with_passkeys()
        .start()
        .await;
    let browser = server.browser();
    let page = browser.get("login").await;
    let passkeys = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
                    script-src DIGEST; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";
    assert_eq!(policy(&page), passkeys);
    let answer = browser.submit(&page, &[("username", "alice"), ("password", "wrong")]).await;
    let both = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
                script-src DIGEST DIGEST https://challenges.cloudflare.com; connect-src 'self'; \
                frame-src https://challenges.cloudflare.com; base-uri 'none'; frame-ancestors 'none'";
    assert_eq!((answer.status, policy(&answer)), (401, both.to_owned()));
}

#[tokio::test]
async fn work_loads_nothing_from_elsewhere() {
    let sink = SmtpSink::start();
    let server = Server::setup().proof_of_work().mail(&sink).start().await;
    let expected = "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; form-action 'self'; \
                    script-src DIGEST; base-uri 'none'; frame-ancestors 'none'";
    for path in ["register", "recover"] {
        let page = server.get(path).await;
        assert_eq!(policy(&page), expected, "{path}");
        assert!(page.body.contains("<noscript>") && !page.body.contains("https://"), "{}", page.body);
    }
}
