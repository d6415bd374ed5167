//! Variants with a language (REG-08).

use serde_json::json;

use super::*;

// REG-08
#[test]
fn a_reader_gets_the_variant_in_their_language() {
    let metadata = registered(web_client_with(json!({
        "client_name": "App",
        "client_name#FR": "Appli",
        "client_name#pt-BR": "Aplicativo",
        "tos_uri#fr": "https://example.com/conditions",
        "policy_uri": "https://example.com/policy",
    })));
    let rows: [(&[&str], &str); 9] = [
        (&[], "App"),
        (&["en"], "App"),
        (&["fr"], "Appli"),
        (&["fr-CA"], "Appli"),
        (&["fr-Latn-CA"], "Appli"),
        (&["PT-br"], "Aplicativo"),
        (&["pt"], "App"),
        (&["de", "pt-BR", "fr"], "Aplicativo"),
        (&["f", "frr"], "App"),
    ];
    for (languages, name) in rows {
        assert_eq!(metadata.name(languages), Some(name), "{languages:?}");
    }
    assert_eq!(metadata.tos_uri(&["en"]), Some("https://example.com/conditions"));
    assert_eq!(metadata.policy_uri(&["fr"]), Some("https://example.com/policy"));
    assert_eq!(registered(web_client()).name(&["fr"]), None);
}

// REG-08
#[test]
fn a_language_is_named_once_and_by_a_tag() {
    registered(web_client_with(
        json!({"client_name#de-AT-1996": "x", "client_name#de": "y", "tos_uri#de": "https://example.com/"}),
    ));
    for members in [
        json!({"client_name#fr": "x", "client_name#FR": "y"}),
        json!({"tos_uri#pt-br": "https://example.com/", "tos_uri#pt-BR": "https://example.com/"}),
        json!({"client_name#": "x"}),
        json!({"client_name#fr_FR": "x"}),
        json!({"client_name#fr-": "x"}),
        json!({"client_name#123": "x"}),
        json!({"client_name#fr#fr": "x"}),
        json!({"client_name#\"<": "x"}),
    ] {
        assert_eq!(error(web_client_with(members.clone())), "invalid_client_metadata", "{members}");
    }
}
