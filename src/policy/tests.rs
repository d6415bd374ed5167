//! What the engine does with questions, with broken rules and with rules that never end.

use serde_json::{Value, json};

use super::*;
use crate::domain::policy::{Decision, Requester};

fn policy(data: Value) -> Policy {
    let data = data.as_object().expect("data").clone();
    Policy::load(&config::Policy { data, ..config::Policy::default() }).expect("policies that can be used")
}

#[test]
fn without_data_a_name_is_allowed() {
    let requester = Requester::default();
    let question = Question::Registration {
        username: "alice",
        email: None,
        method: crate::domain::policy::Method::Password,
        provider: None,
        requester: &requester,
    };
    let answer = policy(json!({})).ask(&question).expect("an answer");
    assert_eq!(answer, Answer::default());
}

#[test]
fn administration_is_for_administrators() {
    let policy = policy(json!({}));
    let ask = |is_admin: bool| {
        let input =
            json!({ "scope": "openid urn:synapse:admin:*", "user": { "username": "alice", "is_admin": is_admin } });
        policy.current().decide(Decision::AuthorizationGrant, input).expect("an answer")
    };
    assert_eq!(ask(true), Answer::default());
    assert_eq!(ask(false).violations[0].code, "admin-not-allowed");
}
