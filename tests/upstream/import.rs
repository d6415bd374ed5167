//! What is taken over from a provider at each sign-in, and who may sign in at all.

use serde_json::json;

use super::{PROVIDER, as_usual, server_with_alice};
use crate::support::Server;

async fn alice(server: &Server) -> keymaker::domain::user::User {
    keymaker::store::user::find_by_username(&server.app.db, "alice").await.unwrap().unwrap()
}

#[tokio::test]
async fn a_display_name_and_an_address_follow_the_provider_where_that_is_configured() {
    let (provider, server) = server_with_alice(json!({ "import": "every_login" })).await;
    server.browser().come_back_from(PROVIDER).await;
    assert_eq!(alice(&server).await.display_name.as_deref(), Some("Alice Liddell"));
    provider.set("name", json!("Alice Hargreaves"));
    provider.set("email", json!("hargreaves@example.com"));
    server.browser().come_back_from(PROVIDER).await;
    let user = alice(&server).await;
    assert_eq!(user.display_name.as_deref(), Some("Alice Hargreaves"));
    let emails = keymaker::store::user::list_emails(&server.app.db, &user.id).await.unwrap();
    assert_eq!(emails, ["alice@example.com", "hargreaves@example.com"]);
}

#[tokio::test]
async fn without_that_nothing_follows() {
    let (_provider, server) = server_with_alice(as_usual()).await;
    server.browser().come_back_from(PROVIDER).await;
    assert_eq!(alice(&server).await.display_name, None);
}

#[tokio::test]
async fn who_administers_is_the_provider_s_to_say() {
    let rule = json!({ "admin": { "claim": "groups", "any_of": ["admins"] } });
    let (provider, server) = server_with_alice(rule).await;
    provider.set("groups", json!(["staff", "admins"]));
    server.browser().come_back_from(PROVIDER).await;
    assert!(alice(&server).await.is_admin);
    provider.set("groups", json!(["staff"]));
    server.browser().come_back_from(PROVIDER).await;
    assert!(!alice(&server).await.is_admin);
}

#[tokio::test]
async fn whom_the_rules_keep_out_does_not_sign_in() {
    let rules = json!({
        "allow": { "claim": "groups", "any_of": ["staff"] }, "deny": { "template": "{{ user.is_suspended }}" },
    });
    let (provider, server) = server_with_alice(rules).await;
    for (groups, is_suspended, gets_in) in
        [(json!(["staff"]), false, true), (json!([]), false, false), (json!(["staff"]), true, false)]
    {
        provider.set("groups", groups.clone());
        provider.set("is_suspended", json!(is_suspended));
        let browser = server.browser();
        let answer = browser.come_back_from(PROVIDER).await;
        match gets_in {
            true => browser.assert_signed_in_as("alice").await,
            false => answer.assert_page(403, "may not sign in here"),
        }
    }
}
