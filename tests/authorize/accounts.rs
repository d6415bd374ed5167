//! Which account an app gets: the chooser, and hints about somebody else (PRM-02, HNT-01, HNT-03, OID-10).

use keymaker::{clock::SECOND, flows::manage};
use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server, changed, claims_of,
    person::{Person, attribute, encode, response_params},
};

/// A server with Alice and Bob, an app that both allow, and what it knows of each.
struct House {
    server: Server,
    client_id: String,
    alice: Person,
    id_tokens: [String; 2],
}

impl House {
    async fn build() -> Self {
        let server = Server::start().await;
        server.user("alice").await;
        server.user("bob").await;
        let client_id = server.client().await;
        let (alice, bob) = (server.browser(), server.browser());
        let mut id_tokens = Vec::new();
        for (browser, name) in [(&alice, "alice"), (&bob, "bob")] {
            browser.sign_in(name).await;
            let code = browser.allow(&server.request(&client_id, "openid")).await;
            let tokens = server.exchange(&client_id, &code).await.json();
            id_tokens.push(tokens["id_token"].as_str().unwrap().to_owned());
        }
        server.clock.advance(10 * SECOND);
        Self { server, client_id, alice, id_tokens: id_tokens.try_into().unwrap() }
    }

    fn sub(&self, who: usize) -> String {
        claims_of(&self.id_tokens[who])["sub"].as_str().unwrap().to_owned()
    }

    /// Whom a code is for.
    async fn redeem(&self, location: &str) -> String {
        let code = response_params(location)["code"].clone();
        let tokens = self.server.exchange(&self.client_id, &code).await.json();
        claims_of(tokens["id_token"].as_str().unwrap())["sub"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn whoever_shall_choose_cannot_go_past_the_choice() {
    // PRM-02: neither by hand, nor by the button of a page from before, nor by going back.
    let house = House::build().await;
    let (server, alice) = (&house.server, &house.alice);
    let request = changed(&server.request(&house.client_id, MATRIX_SCOPE), "prompt", Some("select_account"));
    let (choose, page) = alice.arrive(&request).await;
    assert!(choose.starts_with("/choose/"), "{choose}");
    assert!(page.body.contains("@alice:localhost") && page.body.contains("app.example.com"));
    let consent = choose.replace("choose", "consent");
    let csrf = attribute(&page.body, "name=\"csrf\" value=\"").unwrap();
    assert_eq!(alice.get(&consent).await.location(), choose);
    let skipped = alice.http.post(&consent, &[("csrf", &csrf), ("action", "allow")]).await;
    assert_eq!(skipped.location(), choose);
    let forged = alice.http.post(&choose, &[("csrf", "0"), ("action", "continue")]).await;
    assert_eq!(forged.status, 403);
    assert_eq!(alice.submit(&page, &[("action", "perhaps")]).await.status, 400);
    assert_eq!(alice.get(&consent).await.location(), choose, "nothing was chosen");

    let (path, page) = alice.open(alice.submit(&page, &[("action", "continue")]).await.location()).await;
    assert_eq!(path, consent);
    let answer = alice.submit(&page, &[("action", "allow")]).await;
    assert!(response_params(answer.location()).contains_key("code"), "{}", answer.location());
    assert_eq!(alice.get(&choose).await.status, 400, "it is over");
}

#[tokio::test]
async fn another_account_is_chosen_by_signing_in_to_it() {
    // PRM-02: a login of this moment is a choice, and where the question was answered before, the app has its answer.
    let house = House::build().await;
    let (server, alice) = (&house.server, &house.alice);
    let request = changed(&server.request(&house.client_id, "openid"), "prompt", Some("select_account"));
    let (_, page) = alice.arrive(&request).await;
    let switch = attribute(&page.body, "<a class=\"button secondary\" href=\"").unwrap();
    let (path, page) = alice.open(&switch).await;
    assert!(path.starts_with("/login?grant="), "{path}");
    let answer = alice.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).await;
    let (_, answer) = alice.open(answer.location()).await;
    assert_eq!(house.redeem(answer.location()).await, house.sub(1));
    // Refusing to choose is an answer too.
    let (_, page) = alice.arrive(&request).await;
    let answer = alice.submit(&page, &[("action", "deny")]).await;
    assert_eq!(response_params(answer.location())["error"], "access_denied");
}

#[tokio::test]
async fn a_hint_about_somebody_else_gives_nobody_in_their_place() {
    // HNT-01, OID-10, OIDC Core §5.5.1: whom the hint is about × how it is given × who is there
    let house = House::build().await;
    let (server, alice) = (&house.server, &house.alice);
    let stranger = server.browser();
    for who in [0, 1] {
        let claims = json!({ "id_token": { "sub": { "value": house.sub(who) } } }).to_string();
        for (name, value) in [("id_token_hint", house.id_tokens[who].as_str()), ("claims", claims.as_str())] {
            let request = changed(&server.request(&house.client_id, "openid"), name, Some(value));
            let silent = encode(&changed(&request, "prompt", Some("none")));
            let answer = stranger.get(&format!("authorize?{silent}")).await;
            assert_eq!(response_params(answer.location())["error"], "login_required");
            let answer = alice.get(&format!("authorize?{silent}")).await;
            if who == 0 {
                assert_eq!(house.redeem(answer.location()).await, house.sub(0), "{name}");
                continue;
            }
            assert_eq!(response_params(answer.location())["error"], "login_required", "{name}");

            // With pages: the login is prefilled for a stranger, and whoever is there is told.
            let (_, page) = stranger.arrive(&request).await;
            let prefilled = attribute(&page.body, "name=\"username\" type=\"text\" value=\"").unwrap();
            // A subject is no name: whoever makes one up learns nothing of whose it is.
            assert_eq!(prefilled, if name == "claims" { "" } else { "bob" });
            let (choose, page) = alice.arrive(&request).await;
            assert!(choose.starts_with("/choose/"), "{choose}");
            assert!(page.body.contains("another account than the one"));
            assert_eq!(page.body.contains("@bob:localhost"), name == "id_token_hint");
            let csrf = attribute(&page.body, "name=\"csrf\" value=\"").unwrap();
            for path in [choose.clone(), choose.replace("choose", "consent")] {
                for action in ["continue", "allow"] {
                    let answer = alice.http.post(&path, &[("csrf", &csrf), ("action", action)]).await;
                    let location = answer.header("location").unwrap_or_default();
                    assert!(answer.status == 400 || location == choose, "{path} {action} {location}");
                }
            }
            let answer = alice.submit(&page, &[("action", "deny")]).await;
            assert_eq!(response_params(answer.location())["error"], "login_required");
        }
    }
    // Signing in to the other account is what helps.
    let request = changed(&server.request(&house.client_id, "openid"), "id_token_hint", Some(&house.id_tokens[1]));
    let (_, page) = alice.arrive(&request).await;
    let (_, page) = alice.open(&attribute(&page.body, "<a class=\"button\" href=\"").unwrap()).await;
    let answer = alice.submit(&page, &[("username", "bob"), ("password", PASSWORD)]).await;
    let (_, answer) = alice.open(answer.location()).await;
    assert_eq!(house.redeem(answer.location()).await, house.sub(1));
}

#[tokio::test]
async fn what_is_no_id_token_of_ours_is_no_hint() {
    // HNT-01
    let house = House::build().await;
    let token = &house.id_tokens[0];
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", token.split('.').nth(1).unwrap());
    for bad in ["x", "a.b.c", &unsigned, &format!("{signed}."), &format!("{signed}.{flipped}")] {
        for prompt in ["", "none"] {
            let request = changed(&house.server.request(&house.client_id, "openid"), "id_token_hint", Some(bad));
            let request = changed(&request, "prompt", Some(prompt));
            let answer = house.alice.get(&format!("authorize?{}", encode(&request))).await;
            assert_eq!(response_params(answer.location())["error"], "invalid_request", "{bad}");
        }
    }
    // An old one is good, and one about an account that is gone prefills nothing.
    house.server.clock.advance(100 * 24 * 3600 * SECOND);
    manage::deactivate(&house.server.app, "bob", false).await.unwrap();
    for (who, name) in [(0, "alice"), (1, "")] {
        let request =
            changed(&house.server.request(&house.client_id, "openid"), "id_token_hint", Some(&house.id_tokens[who]));
        let (_, page) = house.server.browser().arrive(&request).await;
        assert_eq!(attribute(&page.body, "name=\"username\" type=\"text\" value=\"").as_deref(), Some(name));
    }
}
