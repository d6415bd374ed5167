//! What the operator forbids and requires, where people and apps meet it.

mod acts;
mod assurance;
mod command;
mod reload;

use serde_json::Value;

use crate::support::{Server, Setup, http::Answer, state::State};

impl Setup {
    /// What the rules of the policies go by.
    pub fn rules(self, data: &Value) -> Self {
        self.with("policy.data", data.to_string())
    }
}

/// A server with these rules, and nothing else that is special.
async fn server_with(data: &Value) -> Server {
    Server::setup().with_passkeys().rules(data).start().await
}

/// Checks that this is the page that says what the rules do not allow, with what the rule says and its name.
fn assert_refused(answer: &Answer, sentence: &str, code: &str) {
    answer.assert_page(403, "Not allowed here");
    for words in [sentence, code] {
        assert!(answer.body.contains(words), "no {words:?} in {}", answer.body);
    }
}

/// Checks that nothing was written.
fn assert_unchanged(before: &State, after: &State) {
    let difference = before.difference(after);
    assert!(difference.is_empty(), "{difference:#?}");
}
