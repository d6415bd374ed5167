//! Every page there is, taken from the table of routes, as somebody meets it who should get nowhere (INV-06): a stranger, one
//! who typed a user name, one who knows the password and not the second factor, and one with a stolen cookie and no fresh
//! proof. A new route is walked without being named here.

use std::{collections::BTreeSet, sync::Arc};

use keymaker::{
    clock::SECOND,
    domain::act::Act,
    flows::manage,
    web::{LINK_PAGES, Needs, PAGES, Page, SSO_PAGES},
};
use serde_json::json;

use crate::support::{
    MATRIX_SCOPE, PASSWORD, Server,
    authenticator::{Authenticator, Passkey},
    factors::App,
    homeserver::FakeHomeserver,
    http::Answer,
    identity_provider::IdentityProvider,
    person::{Person, attribute, csrf_of},
    smtp::SmtpSink,
    state::State,
};

/// What no page may show to those who should get nowhere.
const CANARIES: [&str; 4] = ["@alice:hs.test", "canary", "Canary", "CANARY"];

const DEVICE: &str = "CANARYDEV";

/// What goes on without anybody getting in: what is in progress, what is in the queues, what is written down of attempts.
const PASSING: [&str; 15] = [
    "grants",
    "sso_logins",
    "registrations",
    "proofs",
    "answered_challenges",
    "email_verifications",
    "recoveries",
    "mails",
    "account_events",
    "jobs",
    "lanes",
    "user_code_guesses",
    "upstream_trips",
    "users.factor_failures",
    "users.factor_failed_at",
];

/// What changes when somebody who is signed in gives names to things, which needs no proof, or uses what they have.
const NAMES: [&str; 7] = [
    "sessions.device_name",
    "users.display_name",
    "passkeys.name",
    "passkeys.credential",
    "passkeys.last_used_at",
    "totp.last_step",
    "totp.last_used_at",
];

/// Alice, who has one of everything, and the server that keeps it.
struct House {
    server: Server,
    homeserver: Arc<FakeHomeserver>,
    alice: Person,
    app: App,
    authenticator: Authenticator,
    passkey: Passkey,
    /// What stands for her things in the paths of pages.
    ids: Vec<(&'static str, String)>,
    /// A second step of hers that waits for its code.
    step: String,
    _sink: SmtpSink,
}

impl House {
    async fn build() -> Self {
        let (homeserver, sink) = (Arc::<FakeHomeserver>::default(), SmtpSink::start());
        let provider = IdentityProvider::start().await;
        let setup = Server::setup().with_passkeys().fake_homeserver(&homeserver).mail(&sink);
        let server = setup.providers(&[(&provider, "company", json!({}))]).start().await;
        let email = Some("canary@example.org");
        manage::register_user(&server.app, "alice", Some(PASSWORD), email, false).await.unwrap();
        server.link("company", "canary-at-the-company", "alice").await;
        server.user("mallory").await;
        let mut tx = server.app.db.write().await.unwrap();
        tx.sql("UPDATE users SET display_name = 'Canary' WHERE username = 'alice'").execute().await.unwrap();
        tx.commit().await.unwrap();
        let phone = json!({ "device_id": DEVICE, "initial_device_display_name": "Canary phone" });
        assert_eq!(server.password_login("alice", phone).await.status, 200);

        let alice = server.browser();
        alice.sign_in("alice").await;
        let authenticator = Authenticator::at(&server.app.config.http.public_base);
        let passkey = alice.add_passkey(&authenticator, "Canary key").await;
        let app = alice.add_totp(&server).await;
        server.clock.advance(60 * SECOND);
        assert_eq!(alice.make_recovery_codes(Some(&app.code(&server))).await.len(), 10);
        server.clock.advance(60 * SECOND);

        let client_id = server.client().await;
        let (consent, _) = alice.arrive(&server.request(&client_id, MATRIX_SCOPE)).await;
        let sso = crate::support::compat::SSO_REDIRECT;
        let sso = alice.get(&format!("{sso}?redirectUrl=https://app.example.com/")).await.location().to_owned();
        // It names the host; the stories stay at the address.
        let (sso, _) = alice.open(&sso[sso.find("/sso").unwrap()..]).await;
        // A device waits, whose code she has typed.
        alice.find_device(&server.device().await.user_code).await;
        let elsewhere = server.browser();
        let step = elsewhere.enter_password("alice").await;
        let step = attribute(&step.body, "action=\"").unwrap();
        let last = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let id = async |sql: &'static str| server.app.db.sql(sql).one::<(String,)>().await.unwrap().0;
        let ids = vec![
            ("{grant}", last(&consent)),
            ("{login}", last(&sso)),
            ("{device}", id("SELECT id FROM device_grants").await),
            ("{passkey}", id("SELECT id FROM passkeys").await),
            ("{session}", id("SELECT id FROM sessions WHERE device_id = 'CANARYDEV'").await),
            ("{provider}", "company".to_owned()),
            ("{secret}", "canaries-are-yellow".to_owned()),
        ];
        Self { server, homeserver, alice, app, authenticator, passkey, ids, step, _sink: sink }
    }

    /// The path of a page, with these in place of names, or else what is Alice's.
    fn path(&self, page: &Page, own: &[(&str, String)]) -> String {
        let path = own.iter().chain(&self.ids).fold(page.path.to_owned(), |path, (name, id)| path.replace(name, id));
        assert!(!path.contains('{'), "what stands for a name in {path}?");
        path
    }

    /// What somebody may put behind a path.
    async fn queries(&self, page: &Page) -> Vec<String> {
        let acts = || Act::ALL.into_iter().map(|act| format!("act={}", act.as_str()));
        let id = |name: &str| &self.ids.iter().find(|(known, _)| *known == name).unwrap().1;
        let mut queries = vec![
            format!("grant={}", id("{grant}")),
            format!("sso={}", id("{login}")),
            self.step.split_once('?').unwrap().1.to_owned(),
        ];
        if page.path.contains("confirm") || page.path == "/account/" || page.path == "/login" {
            for act in acts() {
                queries.push(act.clone());
                let targets = [id("{passkey}"), id("{session}")];
                queries.extend(targets.iter().map(|target| format!("{act}&target={target}")));
            }
        }
        if page.path == "/account/" {
            let metadata = self.server.get(".well-known/openid-configuration").await.json();
            for action in metadata["account_management_actions_supported"].as_array().unwrap() {
                queries.push(format!("action={}&device_id={DEVICE}", action.as_str().unwrap()));
            }
        }
        queries
    }

    /// What must stay as it is, whoever comes.
    async fn state(&self) -> State {
        State::read(&self.server, &PASSING).await
    }

    /// What the homeserver was told to do.
    fn deeds(&self) -> Vec<String> {
        let asks = |call: &String| call.starts_with("query ") || call.starts_with("available ");
        self.homeserver.calls().into_iter().filter(|call| !asks(call)).collect()
    }
}

fn pages() -> impl Iterator<Item = &'static Page> {
    PAGES.iter().chain(SSO_PAGES).chain(LINK_PAGES)
}

/// Every field that any form of ours has, with something in it that could do harm.
fn fields(username: &str, password: &str) -> Vec<(String, String)> {
    let mut names = BTreeSet::from(["recovery".to_owned(), "device_id".to_owned()]);
    collect_fields(std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")), &mut names);
    assert!(names.contains("username") && names.contains("proof") && names.contains("erase"), "{names:?}");
    names.remove("csrf");
    let value = |name: &str| match name {
        "username" => username,
        "password" => password,
        "action" => "allow",
        "totp" | "code" => "000000",
        "email" => "mallory@example.org",
        "erase" | "apps" | "terms" | "in_hand" => "yes",
        _ => "Mallory was here",
    };
    names.iter().map(|name| (name.clone(), value(name).to_owned())).collect()
}

fn collect_fields(folder: &std::path::Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_fields(&path, names);
            continue;
        }
        let html = std::fs::read_to_string(path).unwrap();
        for tag in ["<input ", "<button ", "<select ", "<textarea "] {
            for part in html.split(tag).skip(1) {
                let name = attribute(part.split('>').next().unwrap(), "name=\"");
                names.extend(name.filter(|name| !name.contains('{')));
            }
        }
    }
}

/// Somebody who tries, and what they have in progress themselves.
struct Intruder {
    browser: Person,
    /// What stands for it in the paths of pages, in place of what is Alice's.
    own: Vec<(&'static str, String)>,
    /// What may be put behind a path besides.
    queries: Vec<String>,
}

impl Intruder {
    /// Begins with nothing.
    fn new(house: &House) -> Self {
        Self { browser: house.server.browser(), own: Vec::new(), queries: Vec::new() }
    }

    /// Begins an authorization of an app, and gives the page to which that leads.
    async fn arrive(&mut self, house: &House) -> Answer {
        let client_id = house.server.client().await;
        let (path, page) = self.browser.arrive(&house.server.request(&client_id, MATRIX_SCOPE)).await;
        let (_, grant) = path.split_once("grant=").unwrap();
        self.own.push(("{grant}", grant.to_owned()));
        self.queries.push(format!("grant={grant}"));
        page
    }
}

/// Asks for a page by both methods, with every query and every form token, and gives each answer with what it answers.
async fn walk(
    house: &House,
    intruder: &Intruder,
    page: &Page,
    tokens: &[String],
    fields: &[(String, String)],
) -> Vec<(String, Answer)> {
    let (mut answers, person) = (Vec::new(), &intruder.browser);
    let queries = house.queries(page).await.into_iter().chain(intruder.queries.iter().cloned());
    let mut addresses: Vec<String> = queries.map(|query| format!("{}?{query}", house.path(page, &[]))).collect();
    addresses.push(house.path(page, &intruder.own));
    for address in addresses {
        answers.push((format!("GET {address}"), person.get(&address).await));
        for token in tokens {
            let mut form: Vec<(&str, &str)> = vec![("csrf", token)];
            form.extend(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            answers.push((format!("POST {address}"), person.http.post(&address, &form).await));
            // Of two kinds of proof a page takes the first that it knows: without one of them it looks at the other.
            let bare: Vec<_> =
                form.iter().copied().filter(|(name, _)| !matches!(*name, "state" | "credential" | "totp")).collect();
            answers.push((format!("POST {address}, less"), person.http.post(&address, &bare).await));
        }
    }
    answers
}

/// Checks that an answer opens nothing and tells nothing, but for what is said.
fn assert_closed(who: &str, what: &str, answer: &Answer, may_show: &[&str]) {
    let where_ = format!("{who}: {what}: {}", answer.status);
    assert!(answer.status < 500, "{where_} {}", answer.body);
    assert!(answer.set_cookie("keymaker_session").is_none_or(|(value, _)| value.is_empty()), "{where_}: a login");
    let shown = format!("{} {}", answer.body, answer.header("location").unwrap_or_default());
    // The way to the login keeps what was asked for.
    let shown = if what.contains(DEVICE) { shown.replace(DEVICE, "") } else { shown };
    for canary in CANARIES.iter().filter(|canary| !may_show.contains(canary)) {
        assert!(!shown.contains(canary), "{where_} shows {canary}: {shown}");
    }
}

/// Walks every page as somebody who is not signed in.
async fn crawl(house: &House, who: &str, username: &str, password: &str, arrive: impl AsyncFn() -> Intruder) {
    let (before, deeds) = (house.state().await, house.deeds());
    let fields = fields(username, password);
    let mut asked = 0;
    for page in pages() {
        let intruder = arrive().await;
        let token = intruder.browser.csrf().await;
        let answers = walk(house, &intruder, page, &[token], &fields).await;
        asked += answers.len();
        for (what, answer) in answers {
            // Who knows the password of the name that they typed sees on that page whose second step it is.
            let knows = password == PASSWORD && page.path == "/factor";
            assert_closed(who, &what, &answer, if knows { &CANARIES[..1] } else { &[] });
        }
        assert!(!intruder.browser.is_signed_in().await, "{who} is signed in after {}", page.path);
        let after = house.state().await;
        assert!(after == before, "{who} at {}: {:#?}", page.path, before.difference(&after));
    }
    assert_eq!(house.deeds(), deeds, "{who}: the homeserver was told something");
    assert!(asked > 200, "{asked}");
}

#[tokio::test]
async fn to_a_stranger_nothing_opens() {
    let house = House::build().await;
    let arrive = async || {
        let mut intruder = Intruder::new(&house);
        intruder.arrive(&house).await;
        intruder
    };
    crawl(&house, "a stranger", "nobody", "not the password", arrive).await;
}

#[tokio::test]
async fn to_somebody_who_typed_a_user_name_nothing_opens() {
    let house = House::build().await;
    let arrive = async || {
        let mut intruder = Intruder::new(&house);
        let page = intruder.arrive(&house).await;
        let fields = [("username", "alice"), ("password", "not the password")];
        assert_eq!(intruder.browser.submit(&page, &fields).await.status, 401);
        intruder
    };
    crawl(&house, "a name alone", "alice", "not the password", arrive).await;
}

#[tokio::test]
async fn to_somebody_who_knows_the_password_and_not_the_second_factor_nothing_opens() {
    let house = House::build().await;
    let arrive = async || {
        let mut intruder = Intruder::new(&house);
        let page = intruder.arrive(&house).await;
        let step = intruder.browser.enter_password_at(&page, "alice").await;
        step.assert_page(200, "One more step");
        let step = attribute(&step.body, "action=\"").unwrap();
        intruder.queries.push(step.split_once('?').unwrap().1.to_owned());
        intruder
    };
    crawl(&house, "a password alone", "alice", PASSWORD, arrive).await;
    // A control: with the code it is a login.
    house.server.clock.advance(20 * 60 * SECOND);
    let browser = house.server.browser();
    let answer = browser.sign_in_with_code("alice", &house.app.code(&house.server)).await;
    assert_eq!(answer.location(), "/account/", "{}", answer.body);
}

/// What must stay as it is when somebody has a cookie and no proof: everything but names, and the session of that cookie.
async fn state_behind(house: &House, own_session: &str) -> State {
    let without: Vec<&str> = PASSING.iter().chain(&NAMES).copied().collect();
    let state = State::read(&house.server, &without).await;
    state.without_rows("sessions", own_session).without_rows("tokens", own_session)
}

/// The newest browser session.
async fn newest_session(house: &House) -> String {
    let sql = "SELECT id FROM sessions WHERE kind = 'browser' ORDER BY created_at DESC, id DESC LIMIT 1";
    house.server.app.db.sql(sql).one::<(String,)>().await.unwrap().0
}

#[tokio::test]
async fn to_somebody_with_a_stolen_cookie_and_no_fresh_proof_no_act_opens() {
    // The cookie shows what it shows; whatever says who can get in stays as it is.
    let mut house = House::build().await;
    let mallory = house.server.browser();
    mallory.sign_in("mallory").await;
    let fields = fields("alice", "a new Good one 4711!");
    house.server.audit.secret("a new Good one 4711!");
    for page in pages() {
        for has_browser_cookie in [true, false] {
            let signed_in = house.server.browser();
            let answer = signed_in.sign_in_with_passkey(&house.authenticator, &mut house.passkey).await;
            assert_eq!(answer.location(), "/account/", "{}", answer.body);
            let own_session = newest_session(&house).await;
            let cookies = signed_in.http.cookies();
            let intruder = Intruder::new(&house);
            let thief = &intruder.browser;
            let stolen = cookies.split("; ").filter(|cookie| has_browser_cookie || cookie.contains("session="));
            stolen.for_each(|cookie| thief.http.take_cookies(cookie));
            let account = thief.get("account/").await;
            account.assert_page(200, "@alice:hs.test");
            let confirm = thief.confirm_page("change-password", None).await;
            let tokens = [csrf_of(&account.body), csrf_of(&confirm.body)];

            let before = (state_behind(&house, &own_session).await, house.deeds().len());
            for (proof, fields) in proofs(&house, page, &mallory, &fields).await {
                let what = format!("{} with {proof}", page.path);
                for (asked, answer) in walk(&house, &intruder, page, &tokens, &fields).await {
                    assert!(answer.status < 500, "{asked} with {proof}: {}", answer.body);
                }
                let after = state_behind(&house, &own_session).await;
                assert!(after == before.0, "{what}: {:#?}", before.0.difference(&after));
            }
            let names = house.deeds().split_off(before.1);
            let are_names = names.iter().all(|deed| {
                ["provision alice", "unname alice", "upsert alice"].iter().any(|name| deed.starts_with(name))
            });
            assert!(are_names, "{}: {names:?}", page.path);
        }
    }
}

/// Proofs that are none here: nonsense, and for a page that needs one also that of somebody else, and those of the same
/// person for other acts.
async fn proofs(
    house: &House,
    page: &Page,
    mallory: &Person,
    fields: &[(String, String)],
) -> Vec<(String, Vec<(String, String)>)> {
    let with = |proof: &str| {
        let others = fields.iter().filter(|(name, _)| name != "proof").cloned();
        others.chain([("proof".to_owned(), proof.to_owned())]).collect::<Vec<_>>()
    };
    let mut proofs = vec![("nonsense".to_owned(), with("nonsense"))];
    let Needs::Proof(own) = page.needs else { return proofs };
    let proof_of = |answer: &Answer| answer.location().split_once("proof=").unwrap().1.to_owned();
    let theirs = mallory.confirm(own.as_str(), None).await;
    proofs.push(("somebody else's".to_owned(), with(&proof_of(&theirs))));
    for act in Act::ALL.into_iter().filter(|act| act.form().is_some()) {
        // Alice's own, in her browser; for the very act too, which counts there and not here.
        house.server.clock.advance(60 * SECOND);
        let code = house.app.code(&house.server);
        let answer = house.alice.act(act.as_str(), None, Some(&code)).await;
        proofs.push((format!("her own for {}", act.as_str()), with(&proof_of(&answer))));
    }
    proofs
}

#[tokio::test]
async fn each_page_says_what_it_needs_and_asks_for_it() {
    // ACT-04, INV-06: the table of routes is held to its word.
    let house = House::build().await;
    let server = &house.server;
    for page in pages() {
        let path = house.path(page, &[]);
        let (stranger, who) = (server.browser(), &house.alice);
        let (to_stranger, to_alice) = (stranger.get(&path).await, who.get(&path).await);
        if to_alice.status == 405 {
            continue;
        }
        let leads_to = |answer: &Answer| answer.header("location").unwrap_or_default().to_owned();
        match page.needs {
            Needs::Nothing => assert!(matches!(to_stranger.status, 200 | 303 | 400), "{path} {}", to_stranger.status),
            Needs::InProgress => {
                assert!(matches!(to_stranger.status, 400 | 403 | 404), "{path} {}", to_stranger.status);
            }
            Needs::SignedIn => {
                let way = leads_to(&to_stranger);
                assert!(way.starts_with("/login") || way.starts_with("/account/"), "{path} {}", to_stranger.status);
                assert_eq!(stranger.open(&path).await.0.split('?').next(), Some("/login"), "{path}");
                assert!(matches!(to_alice.status, 200 | 303 | 404), "{path} {}", to_alice.status);
            }
            Needs::Proof(act) => {
                let confirm = format!("/account/confirm?act={}", act.as_str());
                assert_eq!(leads_to(&to_alice), confirm, "{path}");
                assert_eq!(stranger.open(&path).await.0.split('?').next(), Some("/login"), "{path}");
                assert_eq!(act.form().map(|form| format!("/{form}")).as_deref(), Some(page.path));
            }
        }
    }
    // And each act that has a page has it in the table.
    for act in Act::ALL.into_iter().filter(|act| act.form().is_some()) {
        assert!(pages().any(|page| page.needs == Needs::Proof(act)), "{act:?}");
    }
}
