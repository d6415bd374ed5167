//! The rules of single members (spec 2.1).

use serde_json::json;

use super::*;

// Spec 2.1, client_uri
#[test]
fn client_uri_is_an_https_host_that_one_party_answers_for() {
    let accepted = [
        ("https://example.com", "example.com"),
        ("https://example.com:8443/client?x=y", "example.com"),
        ("https://App.Example.COM./", "app.example.com"),
        ("https://exämple.com/", "xn--exmple-cua.com"),
        ("https://alice.github.io/", "alice.github.io"),
        ("https://client.example/", "client.example"),
    ];
    for (uri, host) in accepted {
        let redirect_uri = format!("https://{host}/cb");
        let metadata = registered(web_client_with(json!({"client_uri": uri, "redirect_uris": [redirect_uri]})));
        assert_eq!(metadata.host().as_deref(), Some(host));
        assert_eq!(metadata.client_uri.as_deref(), Some(uri));
    }
    let refused = [
        "absent",
        "",
        "example.com",
        "http://example.com/",
        "https:example.com",
        "https:///example.com",
        "https://user@example.com/",
        "https://@example.com/",
        "https://example.com/#",
        "https://example.com/#x",
        "https://example.com\\x",
        "https://exam ple.com/",
        "https://example.com/\u{202e}",
        " https://example.com/",
        "https://localhost/",
        "https://app.localhost/",
        "https://LOCALHOST./",
        "https://127.0.0.1/",
        "https://1/",
        "https://[::1]/",
        "https://com/",
        "https://co.uk/",
        "https://github.io/",
        "https://github.io./",
        "https://公司.cn/",
        "https://intranet/",
        "javascript:alert(1)",
    ];
    for uri in refused {
        let redirect_uris = json!(["https://example.com/cb"]);
        let body = web_client_with(json!({"client_uri": uri, "redirect_uris": redirect_uris}));
        assert_eq!(error(body), "invalid_client_metadata", "{uri}");
    }
    let long = format!("https://example.com/{}", "x".repeat(2029));
    assert_eq!(error(web_client_with(json!({"client_uri": long}))), "invalid_client_metadata");
}

// Spec 2.1, client_name
#[test]
fn client_name_is_visible_text_that_disturbs_nothing() {
    let rows = [
        ("App", "App"),
        ("  App\t\n", "App"),
        ("Ap\u{0}p\u{7}", "App"),
        ("App \u{202e}ppa\u{202c}", "App ppa"),
        ("\u{2066}App\u{2069}\u{200f}", "App"),
        ("می\u{200c}خواهم", "می\u{200c}خواهم"),
    ];
    for (given, kept) in rows {
        let metadata = registered(web_client_with(json!({"client_name": given, "client_name#x-y": given})));
        assert_eq!(metadata.name(&[]), Some(kept), "{given:?}");
        assert_eq!(metadata.name(&["x-y"]), Some(kept), "{given:?}");
    }
    let longest = "é".repeat(255);
    assert_eq!(registered(web_client_with(json!({"client_name": longest}))).name(&[]), Some(longest.as_str()));
    for name in ["", "  ", "\n", "\u{202e}", "\u{200b}", &"é".repeat(256)] {
        assert_eq!(error(web_client_with(json!({"client_name": name}))), "invalid_client_metadata", "{name:?}");
    }
}

// REG-02, WEB-07
#[test]
fn the_pages_of_a_client_are_https_and_under_client_uri() {
    let accepted = [
        "https://example.com",
        "https://example.com/terms#top",
        "https://www.example.com:8443/terms?x=y",
        "https://EXAMPLE.com./terms",
    ];
    let refused = [
        "",
        "/terms",
        "http://example.com/terms",
        "https://user@example.com/terms",
        "https://example.org/terms",
        "https://evilexample.com/terms",
        "https://com/terms",
        "https://127.0.0.1/terms",
        "https://example.com\\.evil.net/terms",
        "https://example.com/\"onclick",
        "javascript:alert(1)",
        "data:text/html,x",
    ];
    for member in ["logo_uri", "tos_uri", "policy_uri", "logo_uri#fr", "tos_uri#fr", "policy_uri#fr", "client_uri#fr"] {
        for uri in accepted.iter().filter(|uri| member != "client_uri#fr" || !uri.contains('#')) {
            let echoed = serde_json::to_value(registered(web_client_with(json!({ member: uri })))).unwrap();
            assert_eq!(echoed[member], json!(uri));
        }
        for uri in refused {
            assert_eq!(error(web_client_with(json!({ member: uri }))), "invalid_client_metadata", "{member} {uri}");
        }
    }
    assert_eq!(error(web_client_with(json!({"client_uri#fr": "https://example.com/#x"}))), "invalid_client_metadata");
}

// REG-01; RED-01 to RED-05 have their tables in redirect_uri.
#[test]
fn a_code_client_has_one_to_twenty_good_redirect_uris() {
    let many = |count: usize| (0..count).map(|n| format!("https://example.com/{n}")).collect::<Vec<_>>();
    assert_eq!(registered(web_client_with(json!({"redirect_uris": many(20)}))).redirect_uris, many(20));
    let refused = [
        json!("absent"),
        json!([]),
        json!(many(21)),
        json!(["https://example.com/", "https://example.org/"]),
        json!(["http://localhost/"]),
        json!([""]),
    ];
    for redirect_uris in refused {
        let body = web_client_with(json!({"redirect_uris": redirect_uris}));
        assert_eq!(error(body), "invalid_redirect_uri", "{redirect_uris}");
    }
    let mut needless = device_grant_only();
    needless["redirect_uris"] = json!(["https://evil.net/"]);
    assert_eq!(error(needless), "invalid_redirect_uri");
}

// RED-02, RED-04
#[test]
fn application_type_decides_about_the_redirect_uris_and_is_web_unless_said() {
    let loopback = |application_type: &str| {
        web_client_with(json!({"redirect_uris": ["http://localhost/"], "application_type": application_type}))
    };
    assert_eq!(registered(loopback("native")).application_type, ApplicationType::Native);
    assert_eq!(error(loopback("web")), "invalid_redirect_uri");
    assert_eq!(error(loopback("absent")), "invalid_redirect_uri");
    assert_eq!(error(loopback("desktop")), "invalid_client_metadata");
    assert_eq!(registered(web_client()).application_type, ApplicationType::Web);
}

#[test]
fn the_other_members_have_their_bounds() {
    let accepted = [
        json!({"default_max_age": 0}),
        json!({"default_max_age": 4_294_967_295_u32}),
        json!({"contacts": vec!["x"; 20]}),
        json!({"software_id": "x".repeat(255)}),
        json!({"software_version": "x".repeat(255)}),
        json!({"id_token_signed_response_alg": "RS256"}),
        json!({"id_token_signed_response_alg": "ES256"}),
        json!({"userinfo_signed_response_alg": "EdDSA"}),
        json!({"subject_type": "public"}),
        json!({"post_logout_redirect_uris": []}),
        json!({"post_logout_redirect_uris": ["https://app.example.com/bye?x=y"]}),
        json!({"post_logout_redirect_uris": ["com.example:/bye", "http://localhost/bye"], "application_type": "native"}),
        json!({"backchannel_logout_uri": "https://app.example.com:8443/logout?x=y"}),
        json!({"initiate_login_uri": "https://app.example.com/login"}),
        json!({"default_acr_values": vec!["x"; 20]}),
        json!({"jwks": {"keys": []}}),
    ];
    for members in accepted {
        registered(web_client_with(members));
    }
    let refused = [
        json!({"default_max_age": 4_294_967_296_u64}),
        json!({"default_max_age": "60"}),
        json!({"contacts": vec!["x"; 21]}),
        json!({"contacts": ["x".repeat(256)]}),
        json!({"software_id": "x".repeat(256)}),
        json!({"software_version": "x".repeat(256)}),
        json!({"id_token_signed_response_alg": "none"}),
        json!({"id_token_signed_response_alg": "HS256"}),
        json!({"userinfo_signed_response_alg": "none"}),
        json!({"userinfo_signed_response_alg": "PS256"}),
        json!({"subject_type": "pairwise"}),
        json!({"subject_type": "pairwise", "sector_identifier_uri": "https://example.com/"}),
        json!({"subject_type": ""}),
        json!({"backchannel_logout_uri": "http://app.example.com/logout"}),
        json!({"backchannel_logout_uri": "https://app.example.com/logout#x"}),
        json!({"backchannel_logout_uri": "https://example.org/logout"}),
        json!({"backchannel_logout_uri": "https://169.254.169.254/"}),
        json!({"initiate_login_uri": "http://app.example.com/login"}),
        json!({"default_acr_values": vec!["x"; 21]}),
        json!({"jwks": {"keys": []}, "jwks_uri": "https://example.com/jwks"}),
    ];
    for members in refused {
        assert_eq!(error(web_client_with(members.clone())), "invalid_client_metadata", "{members}");
    }
    // They obey the same rules as redirect URIs: a browser is sent to both.
    for uri in ["http://app.example.com/bye", "https://example.org/bye", "https://app.example.com/#", "javascript:x"] {
        let body = web_client_with(json!({"post_logout_redirect_uris": [uri]}));
        assert_eq!(error(body), "invalid_redirect_uri", "{uri}");
    }
    let many: Vec<String> = (0..21).map(|n| format!("https://example.com/{n}")).collect();
    assert_eq!(error(web_client_with(json!({"post_logout_redirect_uris": many}))), "invalid_redirect_uri");
}
