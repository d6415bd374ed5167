//! Answers that a form carries (OAuth 2.0 Form Post Response Mode; spec AUT-08, C-G3): the whole matrix of modes, answers and
//! clients. That a browser sends the form is told by `tests/browser`.

use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, REDIRECT_URI, STATIC_CLIENT, Server, changed,
    http::Answer,
    person::{attribute, encode, response_params},
};

/// The hidden fields of the form that leads to a client.
fn fields(page: &str, action: &str) -> Vec<(String, String)> {
    let start = page.find(&format!("action=\"{action}\"")).unwrap_or_else(|| panic!("no form to {action}: {page}"));
    let form = page[start..].split("</form>").next().unwrap();
    assert!(form.contains("<button type=\"submit\">"), "it works without script");
    let inputs = form.split("<input type=\"hidden\" ").skip(1);
    inputs.map(|input| (attribute(input, "name=\"").unwrap(), attribute(input, "value=\"").unwrap())).collect()
}

fn value<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn policy(answer: &Answer) -> &str {
    answer.header("content-security-policy").unwrap()
}

#[tokio::test]
async fn a_form_carries_a_success_and_an_error_to_that_address_alone() {
    // AUT-05, AUT-06, AUT-08
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let own = server.client().await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let state = "<b>\"'&é\u{1f600} x=1";
    for client_id in [STATIC_CLIENT, own.as_str()] {
        for (scope, action) in
            [("openid", "allow"), ("openid", "deny"), (MATRIX_SCOPE, "allow"), (MATRIX_SCOPE, "deny")]
        {
            let request = changed(&server.request(client_id, scope), "state", Some(state));
            let request = changed(&request, "response_mode", Some("form_post"));
            let answer = browser.decide(&request, action).await;
            answer.assert_page(200, "app.example.com");
            assert_eq!((answer.header("location"), answer.header("cache-control")), (None, Some("no-store")));
            let policy = policy(&answer);
            assert!(policy.contains(&format!("form-action {REDIRECT_URI}; ")), "{policy}");
            assert!(policy.contains("script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
            let fields = fields(&answer.body, REDIRECT_URI);
            assert_eq!(value(&fields, "state"), Some(state));
            assert_eq!(value(&fields, "iss"), Some(server.issuer()));
            match action {
                "allow" => {
                    assert_eq!(fields.len(), 3, "{fields:?}");
                    let code = value(&fields, "code").unwrap();
                    if client_id == own {
                        assert_eq!(server.exchange(client_id, code).await.status, 200);
                    }
                }
                _ => {
                    assert_eq!(value(&fields, "error"), Some("access_denied"));
                    assert_eq!(value(&fields, "code"), None);
                }
            }
        }
    }
}

#[tokio::test]
async fn an_error_travels_in_the_mode_that_was_asked_for_to_whom_it_may_go_at_once() {
    // AUT-01, AUT-02, AUT-10: response_mode × who asks × who is there
    let server = Server::setup().static_client("client_secret_post").start().await;
    server.user("alice").await;
    let own = server.client().await;
    let (stranger, signed_in) = (server.browser(), server.browser());
    signed_in.sign_in("alice").await;
    for (mode, is_known) in [("query", true), ("fragment", true), ("form_post", true), ("form.post", false)] {
        for (client_id, is_static) in [(STATIC_CLIENT, true), (own.as_str(), false)] {
            for (browser, is_there) in [(&stranger, false), (&signed_in, true)] {
                let request = changed(&server.request(client_id, "bogus"), "response_mode", Some(mode));
                let answer = browser.get(&format!("authorize?{}", encode(&request))).await;
                let what = format!("{mode} {client_id} {is_there}: {} {}", answer.status, answer.body);
                let goes_at_once = is_static || is_there;
                let error = if is_known { "invalid_scope" } else { "invalid_request" };
                match (goes_at_once, mode) {
                    (true, "form_post") => {
                        assert_eq!(answer.status, 200, "{what}");
                        let fields = fields(&answer.body, REDIRECT_URI);
                        assert_eq!(value(&fields, "error"), Some(error), "{what}");
                        assert!(answer.body.contains("<script>"), "{what}");
                    }
                    (true, _) => {
                        let joint = if mode == "fragment" { '#' } else { '?' };
                        assert!(
                            answer.location().starts_with(&format!("{REDIRECT_URI}{joint}error={error}")),
                            "{what}"
                        );
                    }
                    (false, "form_post") => {
                        answer.assert_page(400, "app.example.com");
                        assert_eq!(value(&fields(&answer.body, REDIRECT_URI), "error"), Some(error), "{what}");
                        assert!(!answer.body.contains("<script>"), "nothing sends it by itself: {what}");
                        let policy = policy(&answer);
                        assert!(policy.contains(&format!("form-action {REDIRECT_URI}; ")), "{policy}");
                        assert!(!policy.contains("script-src"), "{policy}");
                    }
                    (false, _) => {
                        answer.assert_page(400, "app.example.com");
                        let href = attribute(&answer.body, "<a class=\"button\" href=\"").unwrap();
                        assert_eq!(response_params(&href)["error"], error, "{what}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn an_app_behind_a_scheme_of_its_own_gets_no_form() {
    // AUT-02, AUT-09: the mode cannot carry its own error either.
    let server = Server::start().await;
    server.user("alice").await;
    let (scheme, loopback) = ("com.example.app:/callback", "http://127.0.0.1:4711/callback");
    let client_id = server
        .register(json!({
            "application_type": "native", "client_uri": "https://app.example.com/", "redirect_uris": [scheme, "http://127.0.0.1/callback"],
            "token_endpoint_auth_method": "none", "grant_types": ["authorization_code", "refresh_token"],
        }))
        .await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    let with = |uri| {
        let request = changed(&server.request(&client_id, MATRIX_SCOPE), "redirect_uri", Some(uri));
        changed(&request, "response_mode", Some("form_post"))
    };
    let answer = browser.get(&format!("authorize?{}", encode(&with(scheme)))).await;
    assert!(answer.location().starts_with(&format!("{scheme}?error=invalid_request&")), "{}", answer.location());
    let answer = browser.decide(&with(loopback), "allow").await;
    assert!(policy(&answer).contains(&format!("form-action {loopback}; ")));
    assert!(value(&fields(&answer.body, loopback), "code").is_some());
}
