//! What is told about a person, by scope and by request: in userinfo, and never unasked in the ID token.

use serde_json::{Value, json};

use super::{
    Outcome, Passed, Skipped,
    party::{EMAIL, NAME, Party, USER},
};

/// Logs in with scopes and gives what userinfo tells; the ID token tells none of it.
async fn told(party: &Party, scope: &str) -> Value {
    let (_, tokens) = party.log_in(&party.browser(), &party.request(scope)).await;
    let personal = ["name", "preferred_username", "email", "email_verified", "address", "phone_number"];
    for name in personal {
        assert!(tokens.claims.get(name).is_none(), "{name} in the id_token");
    }
    party.userinfo(&tokens.access).await.json()
}

fn assert_profile(claims: &Value) {
    assert_eq!((&claims["name"], &claims["preferred_username"]), (&json!(NAME), &json!(USER)), "{claims}");
}

fn assert_email(claims: &Value) {
    assert_eq!((&claims["email"], &claims["email_verified"]), (&json!(EMAIL), &json!(true)), "{claims}");
}

pub async fn oidcc_scope_profile(party: &Party) -> Outcome {
    let claims = told(party, "openid profile").await;
    assert_profile(&claims);
    assert!(claims.get("email").is_none(), "{claims}");
    Passed
}

pub async fn oidcc_scope_email(party: &Party) -> Outcome {
    let claims = told(party, "openid email").await;
    assert_email(&claims);
    assert!(claims.get("name").is_none(), "{claims}");
    Passed
}

/// A scope that the server does not have is ignored where it is asked for all the same.
async fn unsupported(party: &Party, scope: &str, reason: &'static str) -> Outcome {
    assert!(!party.advertises("scopes_supported", scope));
    told(party, &format!("openid {scope}")).await;
    Skipped(reason)
}

pub async fn oidcc_scope_address(party: &Party) -> Outcome {
    unsupported(party, "address", "scopes_supported does not contain 'address'").await
}

pub async fn oidcc_scope_phone(party: &Party) -> Outcome {
    unsupported(party, "phone", "scopes_supported does not contain 'phone'").await
}

pub async fn oidcc_scope_all(party: &Party) -> Outcome {
    let has = |scope: &str| party.advertises("scopes_supported", scope);
    let claims = told(party, "openid profile email address phone").await;
    assert_profile(&claims);
    assert_email(&claims);
    if has("address") && has("phone") {
        return Passed;
    }
    Skipped("scopes_supported does not contain 'address' and 'phone'")
}

pub async fn oidcc_claims_essential(party: &Party) -> Outcome {
    let claims = json!({ "userinfo": { "name": { "essential": true } } }).to_string();
    let request = party.request("openid").with("claims", claims);
    let (_, tokens) = party.log_in(&party.browser(), &request).await;
    let told = party.userinfo(&tokens.access).await.json();
    party.should(told.get("name").is_some(), "no name in userinfo");
    // Who says that the parameter is read has to read it.
    assert_eq!(told.get("name").is_some(), party.discovery["claims_parameter_supported"] == true, "{told}");
    Passed
}
