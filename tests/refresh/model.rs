//! Random sequences of everything that can be done with the tokens of one session, against a model of INV-04 that is a
//! dozen lines long (TST-06).

use std::sync::Arc;

use keymaker::{
    clock::{HOUR, SECOND},
    flows::manage::set_locked,
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use crate::support::{MATRIX_SCOPE, Server, Tokens, homeserver::FakeHomeserver, person::Person};

/// Which of the known generations is meant, counted back from the newest.
type Age = usize;

#[derive(Clone, Debug)]
enum Action {
    Refresh(Age),
    UseAccess(Age),
    Wait(i64),
    RevokeByAccess(Age),
    RevokeByRefresh(Age),
    Lock,
    Unlock,
}

fn action() -> impl Strategy<Value = Action> {
    // No sum of a few waits comes close to 60 or 300 seconds, where a millisecond would decide.
    let wait = prop_oneof![Just(11 * SECOND), Just(23 * SECOND), Just(61 * SECOND), Just(HOUR)];
    prop_oneof![
        8 => (0..4usize).prop_map(Action::Refresh),
        6 => (0..3usize).prop_map(Action::UseAccess),
        4 => wait.prop_map(Action::Wait),
        1 => (0..3usize).prop_map(Action::RevokeByAccess),
        1 => (0..3usize).prop_map(Action::RevokeByRefresh),
        1 => Just(Action::Lock),
        1 => Just(Action::Unlock),
    ]
}

struct Generation {
    tokens: Tokens,
    minted_at: i64,
    expires_at: i64,
    is_used: bool,
}

/// What the rules say.
struct Model {
    generations: Vec<Generation>,
    has_ended: bool,
    is_locked: bool,
}

#[derive(Debug, PartialEq)]
enum Expected {
    NewPair,
    SamePair,
    Refused,
}

impl Model {
    fn index(&self, age: Age) -> usize {
        self.generations.len().saturating_sub(1 + age)
    }

    fn refresh(&mut self, index: usize, now: i64) -> Expected {
        let newest = self.generations.len() - 1;
        if self.has_ended {
            return Expected::Refused;
        }
        if index == newest {
            return Expected::NewPair;
        }
        let successor = &mut self.generations[newest];
        let may_repeat = index + 1 == newest && (!successor.is_used || now - successor.minted_at <= 60 * SECOND);
        if !may_repeat {
            self.has_ended = true;
            return Expected::Refused;
        }
        if !successor.is_used {
            successor.expires_at = now + 300 * SECOND;
        }
        Expected::SamePair
    }

    fn use_access(&mut self, index: usize, now: i64) -> bool {
        let is_newest = index + 1 == self.generations.len();
        let generation = &mut self.generations[index];
        let is_active = !self.has_ended && !self.is_locked && is_newest && generation.expires_at > now;
        generation.is_used |= is_active;
        is_active
    }
}

#[test]
fn any_sequence_of_uses_of_a_session_goes_as_the_rules_say() {
    // INV-04, REF-02, REF-03, REF-09, REV-01, REV-03
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (server, person, client_id) = runtime.block_on(async {
        let server = Server::setup()
            .with("matrix.kind", "synapse")
            .with("matrix.homeserver", "hs.test")
            .with("matrix.endpoint", "http://127.0.0.1:1/")
            .homeserver(Arc::new(FakeHomeserver::default()))
            .start()
            .await;
        server.user("alice").await;
        let person = server.browser();
        person.sign_in("alice").await;
        let client_id = server.client().await;
        (server, person, client_id)
    });
    let config = Config { cases: 60, max_shrink_iters: 60, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&proptest::collection::vec(action(), 1..16), |actions| {
            runtime.block_on(run(&server, &person, &client_id, &actions))
        })
        .unwrap();
    runtime.block_on(async { drop(server) });
}

async fn run(server: &Server, person: &Person, client_id: &str, actions: &[Action]) -> Result<(), TestCaseError> {
    set_locked(&server.app, "alice", false).await.unwrap();
    let code = person.allow(&server.request(client_id, MATRIX_SCOPE)).await;
    let answer = server.exchange(client_id, &code).await;
    prop_assert_eq!(answer.status, 200, "{}", answer.body);
    let now = server.clock.now();
    let first = Generation {
        tokens: Tokens::of(&answer, client_id),
        minted_at: now,
        expires_at: now + 300 * SECOND,
        is_used: false,
    };
    let mut model = Model { generations: vec![first], has_ended: false, is_locked: false };
    for action in actions {
        step(server, &mut model, action).await?;
        check_branches(server, &model).await?;
    }
    set_locked(&server.app, "alice", false).await.unwrap();
    Ok(())
}

async fn step(server: &Server, model: &mut Model, action: &Action) -> Result<(), TestCaseError> {
    let now = server.clock.now();
    match action {
        Action::Wait(milliseconds) => server.clock.advance(*milliseconds),
        Action::Lock | Action::Unlock => {
            model.is_locked = matches!(action, Action::Lock);
            set_locked(&server.app, "alice", model.is_locked).await.unwrap();
        }
        Action::UseAccess(age) => {
            let index = model.index(*age);
            let expected = model.use_access(index, now);
            let is_active = server.is_active(&model.generations[index].tokens.access).await;
            prop_assert_eq!(is_active, expected);
        }
        Action::RevokeByAccess(age) | Action::RevokeByRefresh(age) => {
            let tokens = &model.generations[model.index(*age)].tokens;
            let token = if matches!(action, Action::RevokeByAccess(_)) { &tokens.access } else { &tokens.refresh };
            let answer = server.post("oauth2/revoke", &[("token", token)]).await;
            prop_assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
            model.has_ended = true;
        }
        Action::Refresh(age) => refresh(server, model, model.index(*age), now).await?,
    }
    Ok(())
}

async fn refresh(server: &Server, model: &mut Model, index: usize, now: i64) -> Result<(), TestCaseError> {
    let presented = model.generations[index].tokens.clone();
    let expected = model.refresh(index, now);
    let answer = server.refresh(&presented).await;
    if expected == Expected::Refused {
        prop_assert_eq!((answer.status, answer.error()), (400, "invalid_grant".to_owned()));
        return Ok(());
    }
    prop_assert_eq!(answer.status, 200, "{}", answer.body);
    let tokens = Tokens::of(&answer, &presented.client_id);
    let newest = &model.generations[model.generations.len() - 1].tokens;
    let is_same = (&tokens.access, &tokens.refresh) == (&newest.access, &newest.refresh);
    prop_assert_eq!(is_same, expected == Expected::SamePair);
    if !is_same {
        let expires_at = now + 300 * SECOND;
        model.generations.push(Generation { tokens, minted_at: now, expires_at, is_used: false });
    }
    Ok(())
}

/// A session has exactly one branch while it lives, and none afterwards.
async fn check_branches(server: &Server, model: &Model) -> Result<(), TestCaseError> {
    let sql = "SELECT COUNT(*) FROM tokens WHERE kind = 'refresh' AND consumed_at IS NULL";
    let (live,): (i64,) = server.app.db.sql(sql).one().await.unwrap();
    prop_assert_eq!(live, i64::from(!model.has_ended));
    Ok(())
}
