//! Whom an account of a provider is linked to, as a table that is generated from what UPS-07 says: every combination of what is
//! linked, who is signed in and wants what, what the provider says, and what the operator allows. An address or a name alone
//! never opens an account unless the operator gave the provider the say over it.

use serde_json::{Value, json};

use super::PROVIDER;
use crate::support::{
    PASSWORD, Server,
    http::Answer,
    identity_provider::IdentityProvider,
    person::{Person, attribute},
};

/// What `on_conflict` says, of names or of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Fail,
    Add,
    Set,
    Replace,
}

impl Policy {
    fn word(self) -> &'static str {
        match self {
            Policy::Fail => "fail",
            Policy::Add => "add",
            Policy::Set => "set",
            Policy::Replace => "replace",
        }
    }
}

/// What the operator allows the provider.
#[derive(Clone, Copy, Debug)]
struct Trust {
    email: bool,
    email_policy: Policy,
    localpart_policy: Policy,
}

/// Whom the account of the provider is linked to before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Linked {
    Nobody,
    Alice,
    Bob,
}

/// What the browser does. Whoever links is signed in as Alice and has confirmed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intent {
    Login,
    LoginWhileSignedIn,
    Link,
}

/// What the provider says of an address that Alice has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Address {
    Verified,
    /// It says so with a word instead of the boolean.
    VerifiedInWords,
    Unverified,
    Another,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    trust: Trust,
    linked: Linked,
    intent: Intent,
    address: Address,
    /// The provider's user name is that of Alice.
    has_her_name: bool,
    /// Alice has a link to another account at the same provider.
    has_older_link: bool,
}

/// What has to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    SignedInAs(Linked),
    /// The account of the provider is linked to Alice now, who is signed in.
    LinkedToAlice {
        older_link_stays: bool,
    },
    /// Nobody is signed in anew and nothing is linked: it is linked to somebody else.
    RefusedAsLinkedElsewhere,
    /// Nobody is signed in anew and nothing is linked: whose the account is has to be shown first.
    AskedForProof,
    /// The same: it is a new account, if at all.
    SignUp,
}

impl Case {
    /// What UPS-07 says.
    fn expected(&self) -> Outcome {
        let owner = self.linked;
        match (self.intent, owner) {
            // "refuse if already linked elsewhere"
            (Intent::Link, Linked::Bob) => Outcome::RefusedAsLinkedElsewhere,
            // "No link + logged-in user + explicit link intent → ask, re-auth, link"; one user may have several
            (Intent::Link, Linked::Alice | Linked::Nobody) => Outcome::LinkedToAlice { older_link_stays: true },
            // "existing link → login", whatever else the provider says and whoever was signed in
            (_, Linked::Alice | Linked::Bob) => Outcome::SignedInAs(owner),
            (_, Linked::Nobody) => self.without_link(),
        }
    }

    fn without_link(&self) -> Outcome {
        // "E-mail matching only if email_verified is boolean true and the provider is declared trusted for it"
        let by_address = (self.address == Address::Verified && self.trust.email).then_some(self.trust.email_policy);
        let by_name = self.has_her_name.then_some(self.trust.localpart_policy);
        let adopts = |policy: Policy| match policy {
            Policy::Fail => None,
            Policy::Add => Some(Outcome::LinkedToAlice { older_link_stays: true }),
            Policy::Set if self.has_older_link => None,
            Policy::Set => Some(Outcome::LinkedToAlice { older_link_stays: true }),
            Policy::Replace => Some(Outcome::LinkedToAlice { older_link_stays: !self.has_older_link }),
        };
        let adopted = [by_name, by_address].into_iter().flatten().find_map(adopts);
        match adopted {
            Some(outcome) => outcome,
            // "MUST NOT link silently; require proof of the existing account"
            None if by_name.is_some() || by_address.is_some() => Outcome::AskedForProof,
            None => Outcome::SignUp,
        }
    }
}

fn cases(trust: Trust) -> Vec<Case> {
    let mut cases = Vec::new();
    for linked in [Linked::Nobody, Linked::Alice, Linked::Bob] {
        for intent in [Intent::Login, Intent::LoginWhileSignedIn, Intent::Link] {
            for address in [Address::Verified, Address::VerifiedInWords, Address::Unverified, Address::Another] {
                for has_her_name in [true, false] {
                    for has_older_link in [false, true] {
                        // An older link matters where there is none to this account.
                        if linked == Linked::Nobody || !has_older_link {
                            cases.push(Case { trust, linked, intent, address, has_her_name, has_older_link });
                        }
                    }
                }
            }
        }
    }
    cases
}

struct People {
    alice: String,
    bob: String,
    subject: String,
}

/// Sets the scene of one case, with people of its own, and gives what came of it.
async fn play(server: &Server, provider: &IdentityProvider, case: &Case, number: usize) -> Outcome {
    let people =
        People { alice: format!("alice{number}"), bob: format!("bob{number}"), subject: format!("subject{number}") };
    let email = format!("{}@example.com", people.alice);
    let password = (case.intent != Intent::Login).then_some(PASSWORD);
    keymaker::flows::manage::register_user(&server.app, &people.alice, password, Some(&email), false).await.unwrap();
    keymaker::flows::manage::register_user(&server.app, &people.bob, None, None, false).await.unwrap();
    match case.linked {
        Linked::Nobody => {}
        Linked::Alice => server.link(PROVIDER, &people.subject, &people.alice).await,
        Linked::Bob => server.link(PROVIDER, &people.subject, &people.bob).await,
    }
    let older = format!("older{number}");
    if case.has_older_link {
        server.link(PROVIDER, &older, &people.alice).await;
    }
    let (address, is_verified) = match case.address {
        Address::Verified => (email, json!(true)),
        Address::VerifiedInWords => (email, json!("true")),
        Address::Unverified => (email, json!(false)),
        Address::Another => (format!("another{number}@example.com"), json!(true)),
    };
    provider.person(json!({
        "sub": people.subject,
        "preferred_username": if case.has_her_name { people.alice.clone() } else { format!("newcomer{number}") },
        "name": "Somebody",
        "email": address,
        "email_verified": is_verified,
    }));

    let person = server.browser();
    if case.intent != Intent::Login {
        person.sign_in(&people.alice).await;
    }
    let links = server.links().await;
    let before = person.session_cookie();
    let answer = match case.intent {
        Intent::Link => person.link_to(PROVIDER).await,
        Intent::Login | Intent::LoginWhileSignedIn => person.come_back_from(PROVIDER).await,
    };
    let is_new_session = person.session_cookie() != before;
    let (path, page) = match answer.status {
        303 => person.open(answer.location()).await,
        _ => (String::new(), answer),
    };
    let new_links: Vec<_> = server.links().await.into_iter().filter(|link| !links.contains(link)).collect();
    let whoami = person.whoami().await;
    let linked_to_alice = (PROVIDER.to_owned(), people.subject.clone(), people.alice.clone());
    let older_link_stays = server.links().await.iter().any(|(_, subject, _)| *subject == older) || !case.has_older_link;
    let what = || format!("{case:?}: {path} {} {new_links:?} {whoami:?} {}", page.status, page.body);
    if case.intent == Intent::Link {
        assert_eq!(whoami.as_deref(), Some(&*people.alice), "{}", what());
        let is_linked = server.links().await.contains(&linked_to_alice);
        return if is_linked {
            assert!(page.status == 200, "{}", what());
            Outcome::LinkedToAlice { older_link_stays }
        } else {
            assert!((400..500).contains(&page.status) && new_links.is_empty(), "{}", what());
            Outcome::RefusedAsLinkedElsewhere
        };
    }
    if !is_new_session {
        assert_eq!(new_links, [], "{}", what());
        let expected = (case.intent == Intent::LoginWhileSignedIn).then_some(&*people.alice);
        assert_eq!(whoami.as_deref(), expected, "{}", what());
        assert!(older_link_stays, "{}", what());
        // Whoever is asked for a proof is led to the login form, and is offered no name that is somebody's.
        return match page.body.contains("name=\"username\"") {
            true => Outcome::SignUp,
            false => {
                assert!(page.body.contains("href=\"/login"), "{}", what());
                Outcome::AskedForProof
            }
        };
    }
    if new_links == [linked_to_alice] {
        assert_eq!(whoami.as_deref(), Some(&*people.alice), "{}", what());
        return Outcome::LinkedToAlice { older_link_stays };
    }
    assert_eq!(new_links, [], "{}", what());
    match whoami.as_deref() {
        Some(name) if name == people.alice => Outcome::SignedInAs(Linked::Alice),
        Some(name) if name == people.bob => Outcome::SignedInAs(Linked::Bob),
        _ => panic!("{}", what()),
    }
}

impl Person {
    /// The cookie by which this browser is signed in.
    fn session_cookie(&self) -> Option<String> {
        self.http.cookies().split("; ").find(|cookie| cookie.contains("keymaker_session=")).map(str::to_owned)
    }

    /// Confirms on the account page that a provider shall be linked, goes there and comes back.
    async fn link_to(&self, provider: &str) -> Answer {
        let (_, page) = self.open(&format!("account/confirm?act=link-provider&target={provider}")).await;
        let answer = self.submit(&page, &[("password", PASSWORD)]).await;
        let page = match answer.status {
            303 => self.open(answer.location()).await.1,
            _ => answer,
        };
        let href = attribute(&page.body, "href=\"/upstream/authorize/").unwrap_or_else(|| panic!("{}", page.body));
        let answer = self.get(&format!("upstream/authorize/{href}")).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let answer = self.get(answer.location()).await;
        self.get(answer.location()).await
    }
}

async fn the_table(trust: Trust) {
    let provider = IdentityProvider::start().await;
    let localpart = match trust.localpart_policy {
        Policy::Fail => json!({ "action": "suggest" }),
        policy => json!({ "action": "force", "on_conflict": policy.word() }),
    };
    let more: Value = json!({
        "trust_email": trust.email,
        "claims_imports": { "localpart": localpart, "email": { "on_conflict": trust.email_policy.word() } },
    });
    let server = Server::setup().providers(&[(&provider, PROVIDER, more)]).start().await;
    let mut wrong = Vec::new();
    for (number, case) in cases(trust).iter().enumerate() {
        let (found, mut expected) = (play(&server, &provider, case, number).await, case.expected());
        // A name that is only suggested can be changed in the form of a new account: that asks for no proof, and links nothing.
        let is_suggested = trust.localpart_policy == Policy::Fail;
        if is_suggested && expected == Outcome::AskedForProof && found == Outcome::SignUp {
            let by_address = case.address == Address::Verified && trust.email;
            expected = if by_address { expected } else { Outcome::SignUp };
        }
        if found != expected {
            wrong.push(format!("{case:?}\n    expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases(trust).len(), wrong.join("\n"));
}

macro_rules! tables {
    ($($name:ident: $email:literal, $email_policy:ident, $localpart_policy:ident;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (email_policy, localpart_policy) = (Policy::$email_policy, Policy::$localpart_policy);
            the_table(Trust { email: $email, email_policy, localpart_policy }).await;
        }
    )*};
}

tables! {
    who_gets_in_where_the_provider_has_no_say: false, Fail, Fail;
    who_gets_in_where_addresses_are_trusted_and_decide_nothing: true, Fail, Fail;
    who_gets_in_where_an_address_adds_a_link: true, Add, Fail;
    who_gets_in_where_an_address_sets_a_link: true, Set, Fail;
    who_gets_in_where_an_address_replaces_a_link: true, Replace, Fail;
    who_gets_in_where_a_name_adds_a_link: false, Fail, Add;
    who_gets_in_where_a_name_sets_a_link: false, Fail, Set;
    who_gets_in_where_a_name_replaces_a_link: false, Fail, Replace;
    who_gets_in_where_name_and_address_replace_a_link: true, Replace, Replace;
}

#[tokio::test]
async fn a_name_and_an_address_of_two_people_link_neither() {
    // UPS-07: nobody can tell which of them it is.
    let provider = IdentityProvider::start().await;
    let more = json!({
        "trust_email": true,
        "claims_imports": {
            "localpart": { "action": "force", "on_conflict": "add" },
            "email": { "on_conflict": "add" },
        },
    });
    let server = Server::setup().providers(&[(&provider, PROVIDER, more)]).start().await;
    for (name, email) in [("alice", "alice@example.com"), ("bob", "bob@example.com")] {
        keymaker::flows::manage::register_user(&server.app, name, None, Some(email), false).await.unwrap();
    }
    provider.person(json!({
        "sub": "1", "preferred_username": "alice", "email": "bob@example.com", "email_verified": true,
    }));
    let person = server.browser();
    person.come_back_from(PROVIDER).await;
    assert_eq!((person.whoami().await, server.links().await), (None, Vec::new()));
}

#[tokio::test]
async fn the_operator_cannot_let_addresses_decide_that_are_not_trusted_or_names_that_people_choose() {
    // UPS-07: such a configuration does not start.
    let provider = IdentityProvider::start().await;
    for imports in [
        json!({ "email": { "on_conflict": "add" } }),
        json!({ "localpart": { "action": "suggest", "on_conflict": "add" } }),
        json!({ "localpart": { "on_conflict": "replace" } }),
    ] {
        let config = json!([provider.config(PROVIDER, json!({ "claims_imports": imports }))]).to_string();
        let directory = tempfile::tempdir().unwrap();
        let variable = "KEYMAKER__UPSTREAM_OAUTH2__PROVIDERS".to_owned();
        let refused = keymaker::config::development(directory.path(), &[(variable, config)].into());
        assert!(refused.is_err(), "{imports}");
    }
}
