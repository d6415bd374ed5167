//! ID tokens, logout tokens and signed userinfo are never taken for one another, nor for anything else (OID-11, TRP-40).

use serde_json::{Value, json};

use super::{
    PROFILE, id_token,
    notices::{heard, sign_out},
    verify,
};
use crate::support::{
    Server,
    compat::token_login,
    identity_provider::IdentityProvider,
    person::{Person, encode},
    relying_party::RelyingParty,
};

/// What we sign, and the access token that we do not.
const KINDS: [&str; 4] = ["ID token", "logout token", "userinfo", "access token"];

#[tokio::test]
async fn what_we_sign_is_good_for_one_thing_each() {
    let (wiki, provider) = (RelyingParty::start("the-wiki").await, IdentityProvider::start().await);
    let config = wiki.config(json!({ "userinfo_signed_response_alg": "RS256" }));
    let setup = Server::setup().clients(&[config]).providers(&[(&provider, "company", json!({}))]);
    let server = setup.start().await;
    server.user("alice").await;
    let first = server.browser();
    first.sign_in("alice").await;
    wiki.log_in(&server, &first, PROFILE).await;
    sign_out(&first).await;
    let logout_token = heard(&wiki, 1).await.remove(0);
    let alice = server.browser();
    alice.sign_in("alice").await;
    let tokens = wiki.log_in(&server, &alice, PROFILE).await;
    let access_token = tokens["access_token"].as_str().unwrap().to_owned();
    let userinfo = userinfo(&server, &access_token).await.unwrap();
    for token in [id_token(&tokens), &logout_token, &userinfo] {
        verify(&server, token).await;
    }
    // A client whose keys are ours: whatever we sign has a good signature for it.
    let jwks = server.get("oauth2/keys.json").await.json();
    let impostor = json!({
        "client_uri": "https://app.example.com/", "redirect_uris": [crate::support::REDIRECT_URI],
        "token_endpoint_auth_method": "private_key_jwt", "grant_types": ["client_credentials", "authorization_code"],
        "jwks": jwks,
    });
    let impostor = server.http.post_json("oauth2/registration", &impostor).await.json();
    let impostor = impostor["client_id"].as_str().unwrap_or("the-wiki").to_owned();

    let presented = [id_token(&tokens), &logout_token, &userinfo, &access_token];
    // (the place, what is good there)
    let places: [(&str, &[&str]); 9] = [
        ("userinfo", &["access token"]),
        ("introspection", &["access token"]),
        ("refresh", &[]),
        ("client assertion", &[]),
        ("logout token", &[]),
        ("login token", &[]),
        ("hint of an authorization", &["ID token"]),
        ("hint of a logout, in a question", &["ID token"]),
        ("hint of a logout, for the way back", &["ID token"]),
    ];
    for (place, good) in places {
        for (kind, token) in KINDS.iter().zip(presented) {
            let is_accepted = present(&server, &alice, place, token, &impostor).await;
            assert_eq!(is_accepted, good.contains(kind), "{kind} as {place}");
        }
    }
}

async fn userinfo(server: &Server, token: &str) -> Option<String> {
    let request = server.http.client.get(server.url("oauth2/userinfo")).bearer_auth(token);
    let answer = server.http.send(request).await;
    (answer.status == 200).then_some(answer.body)
}

async fn present(server: &Server, alice: &Person, place: &str, token: &str, impostor: &str) -> bool {
    match place {
        "userinfo" => userinfo(server, token).await.is_some(),
        "introspection" => server.is_active(token).await,
        "refresh" => {
            let wiki = RelyingParty::start("the-wiki").await;
            wiki.can_refresh(server, token).await
        }
        "client assertion" => {
            let form = [
                ("grant_type", "client_credentials"),
                ("client_id", impostor),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", token),
            ];
            let answer = server.post("oauth2/token", &form).await;
            answer.status == 200
        }
        "logout token" => {
            server.post("upstream/backchannel-logout/company", &[("logout_token", token)]).await.status == 200
        }
        "login token" => server.legacy_login(token_login(token)).await.status == 200,
        "hint of an authorization" => {
            let mut request = server.request("the-wiki", PROFILE);
            request.push(("id_token_hint", token));
            let (_, answer) = alice.arrive(&request).await;
            !answer.header("location").is_some_and(|location| location.contains("error="))
        }
        "hint of a logout, in a question" => {
            // Another login of hers: she is asked, whatever it says.
            let other = server.browser();
            other.sign_in("alice").await;
            let page = other.get(&format!("oauth2/logout?{}", encode(&[("id_token_hint", token)]))).await;
            page.assert_page(200, "Sign out?");
            let uri = "https://the-wiki.example/signed-out";
            let params = [("id_token_hint", token), ("post_logout_redirect_uri", uri)];
            let page = other.get(&format!("oauth2/logout?{}", encode(&params))).await;
            page.body.contains("Afterwards you go back")
        }
        "hint of a logout, for the way back" => {
            let uri = "https://the-wiki.example/signed-out";
            let params = [("id_token_hint", token), ("post_logout_redirect_uri", uri)];
            let answer = server.browser().get(&format!("oauth2/logout?{}", encode(&params))).await;
            answer.header("location") == Some(uri)
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn an_id_token_of_a_provider_is_no_logout_token_and_the_other_way_round() {
    // BCI-01: what a provider signs for us, at its own doors here.
    let provider = IdentityProvider::start().await;
    let setup = Server::setup().providers(&[(&provider, "company", json!({ "on_backchannel_logout": "logout_all" }))]);
    let server = setup.start().await;
    server.user("alice").await;
    server.link("company", "alice-at-the-provider", "alice").await;
    let alice = server.browser();
    alice.come_back_from("company").await;
    let id_token: String = provider.last_login().id_token;
    let logout_token: Value = json!(provider.logout_token(json!({ "sid": provider.last_login().sid })));
    let send =
        async |token: &str| server.post("upstream/backchannel-logout/company", &[("logout_token", token)]).await.status;
    assert_eq!(send(&id_token).await, 400);
    assert!(alice.whoami().await.is_some());
    assert_eq!(send(logout_token.as_str().unwrap()).await, 200);
    assert_eq!(alice.whoami().await, None);
}
