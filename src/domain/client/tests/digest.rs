//! By what two registrations are the same (REG-13), and what no registration can break (INV-13).

use std::collections::HashSet;

use proptest::{prelude::*, sample::subsequence};
use serde_json::{Value, json};

use super::*;

// REG-13: a change of these bytes gives every client a new id, so it needs a new version.
#[test]
fn the_digest_input_stays_as_it_is() {
    let body = web_client_with(json!({"client_name": "App", "client_name#fr": "Appli"}));
    assert_eq!(
        String::from_utf8(registered(body).digest_input()).unwrap(),
        concat!(
            "client metadata, version 1\n",
            r#"{"client_name":"App","client_uri":"https://example.com/","redirect_uris":["https://app.example.com/cb"],"#,
            r#""response_types":["code"],"grant_types":["authorization_code","refresh_token"],"#,
            r#""token_endpoint_auth_method":"none","application_type":"web","client_name#fr":"Appli"}"#,
        )
    );
}

// REG-13
#[test]
fn registrations_that_differ_in_anything_kept_have_different_digests() {
    let variants = [
        json!({}),
        json!({"redirect_uris": ["https://app.example.com/cb", "https://app.example.com/cb2"]}),
        json!({"redirect_uris": ["https://app.example.com/cb/"]}),
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
        json!({"application_type": "native"}),
        json!({"grant_types": ["authorization_code"]}),
        json!({"client_uri": "https://example.com"}),
        json!({"client_name": "App"}),
        json!({"client_name#fr": "App"}),
        json!({"logo_uri": "https://example.com/"}),
        json!({"tos_uri": "https://example.com/"}),
        json!({"policy_uri": "https://example.com/"}),
        json!({"contacts": ["App"]}),
        json!({"software_id": "App"}),
        json!({"software_version": "App"}),
        json!({"default_max_age": 1}),
        json!({"id_token_signed_response_alg": "RS256"}),
        json!({"userinfo_signed_response_alg": "RS256"}),
        json!({"token_endpoint_auth_signing_alg": "RS256"}),
        json!({"jwks": {"keys": []}}),
        json!({"jwks_uri": "https://example.com/"}),
        json!({"post_logout_redirect_uris": ["https://app.example.com/cb"]}),
        json!({"backchannel_logout_uri": "https://example.com/"}),
        json!({"backchannel_logout_session_required": true}),
        json!({"initiate_login_uri": "https://example.com/"}),
        json!({"require_auth_time": true}),
        json!({"default_acr_values": ["App"]}),
        json!({"require_pushed_authorization_requests": true}),
    ];
    let digests: HashSet<_> =
        variants.iter().map(|members| registered(web_client_with(members.clone())).digest_input()).collect();
    assert_eq!(digests.len(), variants.len());
}

fn as_json_text(members: &[(String, Value)]) -> String {
    let members: Vec<String> = members.iter().map(|(key, value)| format!("{}:{value}", json!(key))).collect();
    format!("{{{}}}", members.join(","))
}

proptest! {
    // REG-13, TST-06
    #[test]
    fn the_order_of_members_and_of_sets_changes_no_digest(
        members in Just(matrix_rust_sdk().as_object().unwrap().clone().into_iter().collect::<Vec<_>>()).prop_shuffle(),
        redirect_uris in Just(vec!["http://127.0.0.1/", "http://[::1]/", "io.element.app:/callback"]).prop_shuffle(),
        grant_types in Just(vec!["authorization_code", "refresh_token", DEVICE_CODE, "implicit", "refresh_token"]).prop_shuffle(),
        repeated in 0usize..3,
    ) {
        let mut redirect_uris = redirect_uris;
        redirect_uris.push(redirect_uris[repeated]);
        let mut members = members;
        for (key, value) in &mut members {
            match key.as_str() {
                "redirect_uris" => *value = json!(redirect_uris),
                "grant_types" => *value = json!(grant_types),
                _ => {}
            }
        }
        let body: Value = serde_json::from_str(&as_json_text(&members)).unwrap();
        prop_assert_eq!(registered(body).digest_input(), registered(matrix_rust_sdk()).digest_input());
    }

    // REG-08, TST-06
    #[test]
    fn localised_metadata_survives_registration_and_storage(
        languages in subsequence(vec!["fr", "de", "pt-BR", "zh-Hant", "mas"], 0..=5),
        name in "[A-Za-zé]{1,20}",
    ) {
        let mut body = web_client();
        for language in &languages {
            body[format!("client_name#{language}")] = json!(format!("{name} {language}"));
        }
        let stored = serde_json::to_string(&registered(body)).unwrap();
        let metadata: ClientMetadata = serde_json::from_str(&stored).unwrap();
        for language in &languages {
            let expected = format!("{name} {language}");
            prop_assert_eq!(metadata.name(&[language]), Some(expected.as_str()));
        }
        prop_assert_eq!(metadata.localised.len(), languages.len());
    }

    // INV-13
    #[test]
    fn no_body_can_break_the_registration(
        member in "client_uri|client_name|tos_uri|redirect_uris|client_name#[a-z#-]{0,4}|software_statement",
        value in "(https://)?\\PC{0,30}",
        in_list in any::<bool>(),
    ) {
        let value = if in_list { json!([value]) } else { json!(value) };
        if let Ok(metadata) = register(web_client_with(json!({ member: value }))) {
            let echoed = serde_json::to_value(&metadata).unwrap();
            prop_assert_eq!(registered(echoed), metadata);
        }
    }
}
