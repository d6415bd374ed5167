//! The whole move of a homeserver with everybody on it, and the day after: the same Synapse asks Keymaker, and nobody notices.

use std::path::Path;

use serde_json::{Value, json};

use super::people::{Chain, Holdings, PASSWORD, Token, device_keys};
use super::{Move, SECRET, Way, legacy::BRIDGE_TOKEN};
use crate::browser::{available, components, run_script_with};
use crate::support::{Server, eventually, http::Answer, identity_provider::IdentityProvider, person::Person};
use crate::synapse::homeserver::SERVER_NAME;

/// Longer than a client may take to come back for a pair that it did not get.
const PAST_THE_GRACE: i64 = 61_000;

in_four_ways!(nobody_notices_the_move);

// Issue "Moving a living homeserver": a population made through a real Synapse's own APIs, imported, and the same Synapse then
// started with `matrix_authentication_service`.
async fn nobody_notices_the_move(way: Way) {
    let Some(mut moved) = Move::begin(way).await else { return };
    let mut holdings = moved.legacy.populate().await;
    moved.legacy.settle(&mut holdings).await;
    for Token { token, user, .. } in &holdings.tokens {
        assert_eq!(moved.legacy.whoami(token).await.0, 200, "{user}: the story is about tokens that worked before");
    }
    moved.legacy.stop();
    moved.legacy.age_further(&mut holdings).await;

    let outcome = moved.import_and_verify();
    assert_no_secret(&moved, &holdings).await;

    let google = IdentityProvider::start().await;
    let server =
        moved.serve_with(Server::setup(), &[(&google, "google", json!({ "synapse_idp_id": "oidc-google" }))]).await;
    moved.legacy.follow(&outcome.stdout, &server.base, SECRET);
    moved.legacy.start_again();
    let after = After { moved, server, holdings };
    after.lost_devices_are_made_again().await;
    after.every_access_token_is_still_good().await;
    after.what_synapse_knew_of_people_and_devices_is_known_here().await;
    after.whoever_was_out_stays_out().await;
    after.pairs_that_were_not_exchanged_are_exchanged_here().await;
    after.pairs_whose_exchange_may_have_failed_are_handed_out_again().await;
    after.pairs_that_were_exchanged_end_their_session().await;
    after.whoever_came_by_a_provider_comes_by_it_again(&google).await;
    after.every_password_signs_in_on_the_page().await;
    after.every_password_logs_an_app_in_on_its_old_device().await;
    after.encrypted_devices_keep_their_keys().await;
    after.bridges_administrators_and_the_suspended_go_on().await;
    assert_no_secret(&after.moved, &after.holdings).await;
}

/// INV-03: nothing that can be presented is in the database.
async fn assert_no_secret(moved: &Move, holdings: &Holdings) {
    let contents = moved.target.contents(&[]).await;
    let dump = contents.into_values().flatten().collect::<Vec<_>>().join("\n");
    assert!(dump.contains("alice@example.com"), "the dump is no dump");
    for secret in holdings.secrets() {
        let is_found = dump.contains(secret) || dump.contains(&hex::encode(secret));
        assert!(!is_found, "the database holds {secret}");
    }
}

/// The homeserver after the switch.
struct After {
    moved: Move,
    server: Server,
    holdings: Holdings,
}

impl After {
    async fn whoami(&self, token: &str) -> (u16, Value) {
        self.moved.legacy.whoami(token).await
    }

    async fn assert_speaks_for(&self, token: &str, user: &str, device: Option<&str>) {
        let mut expected = json!({ "user_id": format!("@{user}:{SERVER_NAME}"), "is_guest": false });
        if let Some(device) = device {
            expected["device_id"] = json!(device);
        }
        assert_eq!(self.whoami(token).await, (200, expected));
    }

    /// Refreshes at Keymaker, and gives the pair.
    async fn refresh(&self, chain: &Chain, refresh_token: &str) -> [String; 2] {
        let answer = self.server.legacy_refresh(refresh_token).await;
        assert_eq!(answer.status, 200, "{}: {}", chain.device, answer.body);
        ["access_token", "refresh_token"].map(|name| answer.json()[name].as_str().unwrap().to_owned())
    }

    async fn assert_works(&self, chain: &Chain, access_token: &str) {
        self.assert_speaks_for(access_token, &chain.user, Some(&chain.device)).await;
    }

    /// The refresh token is refused, and this pair of its session is worth nothing afterwards.
    async fn assert_ends(&self, chain: &Chain, refresh_token: &str, newest: &[String; 2]) {
        let answer = self.server.legacy_refresh(refresh_token).await;
        assert_eq!((answer.status, &*answer.errcode()), (401, "M_UNKNOWN_TOKEN"), "{}: {}", chain.device, answer.body);
        assert!(!self.server.is_active(&newest[0]).await, "{}", chain.device);
        assert_eq!(self.server.legacy_refresh(&newest[1]).await.status, 401, "{}", chain.device);
    }

    async fn log_in(&self, identifier: Value, password: &str, device: Option<&str>) -> Answer {
        let mut body = json!({ "type": "m.login.password", "identifier": identifier, "password": password });
        if let Some(device) = device {
            body["device_id"] = json!(device);
        }
        self.server.legacy_login(body).await
    }

    async fn sign_in(&self, username: &str, password: &str) -> Answer {
        let browser: Person = self.server.browser();
        let page = browser.get("login").await;
        browser.submit(&page, &[("username", username), ("password", password)]).await
    }

    async fn lost_devices_are_made_again(&self) {
        for (user, device) in [("alice", "LOST"), ("lost", "lost and found")] {
            let lost = |one: &&Token| one.user == user && one.device.as_deref() == Some(device);
            let token = &self.holdings.tokens.iter().find(lost).unwrap().token;
            eventually(device, async || self.whoami(token).await.0 == 200).await;
        }
    }

    async fn every_access_token_is_still_good(&self) {
        assert!(self.holdings.tokens.len() > 15);
        for Token { token, user, device } in &self.holdings.tokens {
            self.assert_speaks_for(token, user, device.as_deref()).await;
        }
        let Holdings { current, pending, spent, .. } = &self.holdings;
        for chain in current.iter().chain(spent) {
            self.assert_works(chain, &chain.pairs.last().unwrap()[0]).await;
        }
        // Synapse takes the one before as well, until the device has exchanged its refresh token once more.
        for chain in pending.iter().chain(spent) {
            self.assert_works(chain, &chain.pairs[chain.pairs.len() - 2][0]).await;
        }
    }

    async fn what_synapse_knew_of_people_and_devices_is_known_here(&self) {
        let target = &self.moved.target;
        let links = "SELECT l.provider_id || ' ' || l.subject || ' ' || u.username FROM upstream_links l
             JOIN users u ON u.id = l.user_id ORDER BY 1";
        assert_eq!(target.list(links).await, ["google alice-1 alice", "google erin-1 erin", "google linked linked"]);
        let phones = "SELECT p.number || ' ' || u.username FROM user_phones p JOIN users u ON u.id = p.user_id";
        assert_eq!(target.list(phones).await, ["441234567 alice"]);
        for Token { user, device, .. } in &self.holdings.tokens {
            let Some(device) = device.as_ref().filter(|_| user != "OldUpper" && user != "lost") else { continue };
            if ["LOST", "ADMINDEVICE"].contains(&device.as_str()) {
                continue;
            }
            let named = format!("{user}'s {device}").chars().take(100).collect::<String>();
            let sql = format!(
                "SELECT s.device_name FROM sessions s JOIN users u ON u.id = s.user_id
                 WHERE u.username = '{user}' AND s.device_id = '{device}'"
            );
            assert_eq!(target.list(&sql).await, [named]);
        }
        let administrators = "SELECT username FROM users WHERE is_admin";
        assert_eq!(target.list(administrators).await, ["admin"]);
        let bridged = "SELECT username FROM users WHERE username LIKE 'irc%' OR username LIKE 'somebody%'";
        assert_eq!(target.list(bridged).await, [""; 0]);
    }

    async fn whoever_came_by_a_provider_comes_by_it_again(&self, google: &IdentityProvider) {
        for (subject, user) in [("alice-1", "alice"), ("erin-1", "erin"), ("linked", "linked")] {
            google.person(json!({ "sub": subject }));
            let browser: Person = self.server.browser();
            let answer = browser.come_back_from("google").await;
            assert_eq!(answer.status, 303, "{user}: {}", answer.body);
            browser.assert_signed_in_as(user).await;
        }
    }

    async fn whoever_was_out_stays_out(&self) {
        // Synapse remembers an answer for two minutes, so it is not asked about this one before it is good again.
        let kept = Some("LAURASTABLET");
        for Token { token, user, .. } in self.holdings.shut_out.iter().filter(|one| one.device.as_deref() != kept) {
            let (status, body) = self.whoami(token).await;
            assert_eq!((status, &body["errcode"]), (401, &json!("M_UNKNOWN_TOKEN")), "{user}");
        }
        for (user, status, errcode, page_status, words) in [
            ("bob", 401, "M_USER_LOCKED", 403, "This account is locked."),
            ("laura", 401, "M_USER_LOCKED", 403, "This account is locked."),
            ("dora", 403, "M_USER_DEACTIVATED", 403, "This account has been deactivated."),
            // Synapse forgot the password when it deactivated the account.
            ("carol", 403, "M_FORBIDDEN", 401, "The username or the password is wrong."),
            ("1", 403, "M_FORBIDDEN", 401, "The username or the password is wrong."),
            ("linked", 403, "M_FORBIDDEN", 401, "The username or the password is wrong."),
            ("irc_nick", 403, "M_FORBIDDEN", 401, "The username or the password is wrong."),
        ] {
            let answer = self.log_in(json!({ "type": "m.id.user", "user": user }), PASSWORD, None).await;
            assert_eq!((answer.status, &*answer.errcode()), (status, errcode), "{user}: {}", answer.body);
            self.sign_in(user, PASSWORD).await.assert_page(page_status, words);
        }
        self.moved.manage(&["unlock-user", "laura"]);
        let laura = self.holdings.shut_out.iter().find(|one| one.device.as_deref() == kept).unwrap();
        self.assert_speaks_for(&laura.token, "laura", kept).await;
    }

    async fn pairs_that_were_not_exchanged_are_exchanged_here(&self) {
        for chain in &self.holdings.current {
            let [_, refresh_token] = chain.pairs.last().unwrap();
            let pair = self.refresh(chain, refresh_token).await;
            assert_eq!(self.refresh(chain, refresh_token).await, pair, "INV-04: the answer may have been lost");
            self.assert_works(chain, &pair[0]).await;
            let next = self.refresh(chain, &pair[1]).await;
            self.assert_works(chain, &next[0]).await;
            self.server.clock.advance(PAST_THE_GRACE);
            self.assert_ends(chain, refresh_token, &next).await;
        }
    }

    async fn pairs_whose_exchange_may_have_failed_are_handed_out_again(&self) {
        let [never_came, came, used] = self.holdings.pending.as_slice() else { panic!("three of them") };
        let before = |chain: &Chain| chain.pairs[chain.pairs.len() - 2][1].clone();
        let newest = |chain: &Chain| chain.pairs[chain.pairs.len() - 1].clone();

        let again = self.refresh(never_came, &before(never_came)).await;
        assert_eq!(again, newest(never_came), "the pair that Synapse gave, so that there is one branch");
        self.assert_works(never_came, &again[0]).await;
        let next = self.refresh(never_came, &again[1]).await;
        self.assert_works(never_came, &next[0]).await;
        self.assert_ends(never_came, &before(never_came), &next).await;

        let next = self.refresh(came, &newest(came)[1]).await;
        self.assert_works(came, &next[0]).await;
        self.assert_ends(came, &before(came), &next).await;

        self.assert_works(used, &newest(used)[0]).await;
        self.server.clock.advance(PAST_THE_GRACE);
        self.assert_ends(used, &before(used), &newest(used)).await;
    }

    async fn pairs_that_were_exchanged_end_their_session(&self) {
        let [at_once, later, never] = self.holdings.spent.as_slice() else { panic!("three of them") };
        let before = |chain: &Chain| chain.pairs[chain.pairs.len() - 2][1].clone();
        let newest = |chain: &Chain| chain.pairs[chain.pairs.len() - 1].clone();

        self.assert_ends(at_once, &before(at_once), &newest(at_once)).await;
        let next = self.refresh(later, &newest(later)[1]).await;
        self.assert_works(later, &next[0]).await;
        self.assert_ends(later, &before(later), &next).await;
        let next = self.refresh(never, &newest(never)[1]).await;
        self.assert_works(never, &next[0]).await;

        // Whose session is over is no device any more; nobody else's is gone.
        let gone = self.holdings.current.iter().chain(&self.holdings.pending).chain([at_once, later]);
        let gone: Vec<&str> = gone.map(|chain| &*chain.device).collect();
        let devices = async || {
            let body = self.moved.legacy.ask("GET", "_matrix/client/v3/devices", &next[0], Value::Null).await;
            let devices = body["devices"].as_array().unwrap().iter();
            devices.map(|device| device["device_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        eventually("the end of those devices", async || {
            devices().await.iter().all(|device| !gone.contains(&device.as_str()))
        })
        .await;
        let left = devices().await;
        for token in self.holdings.tokens.iter().filter(|token| token.user == "alice") {
            assert!(token.device.as_ref().is_none_or(|device| left.contains(device)), "{token:?} not in {left:?}");
        }
    }

    async fn every_password_signs_in_on_the_page(&self) {
        if available(components()) {
            let variables =
                [("KEYMAKER_BASE", &*self.server.base), ("KEYMAKER_USER", "alice"), ("KEYMAKER_PASSWORD", PASSWORD)];
            tokio::task::block_in_place(|| run_script_with(Path::new("node"), "import/story_sign_in.mjs", &variables));
        }
        for (user, password) in &self.holdings.passwords {
            self.server.audit.secret(password);
            self.sign_in(user, &format!("x{password}")).await.assert_page(401, "is wrong");
            let answer = self.sign_in(user, password).await;
            assert_eq!(answer.status, 303, "{user} {password}: {}", answer.body);
            self.sign_in(user, &password.to_uppercase()).await.assert_page(401, "is wrong");
            let sql = format!(
                "SELECT p.hash FROM user_passwords p JOIN users u ON u.id = p.user_id WHERE u.username = '{user}'"
            );
            let hashes = self.moved.target.list(&sql).await;
            assert!(hashes[0].starts_with("$argon2id$"), "{user}: {hashes:?}");
        }
        assert_eq!(self.sign_in("alice@example.com", PASSWORD).await.status, 303);
        assert_eq!(
            self.sign_in("oldupper", PASSWORD).await.status,
            401,
            "two have that name, and this one no password"
        );
        let untouched = "SELECT u.username FROM user_passwords p JOIN users u ON u.id = p.user_id
             WHERE p.hash NOT LIKE '$argon2id$%' ORDER BY 1";
        assert_eq!(self.moved.target.list(untouched).await, ["bob", "dora", "laura"]);
    }

    async fn every_password_logs_an_app_in_on_its_old_device(&self) {
        for (user, password) in &self.holdings.passwords {
            let of_user = |one: &&Token| &one.user == user && one.device.is_some();
            let Token { token, device, .. } = self.holdings.tokens.iter().find(of_user).unwrap();
            let identifier = json!({ "type": "m.id.user", "user": user });
            let answer = self.log_in(identifier.clone(), &format!("x{password}"), device.as_deref()).await;
            assert_eq!((answer.status, &*answer.errcode()), (403, "M_FORBIDDEN"), "{user}");
            // The administrator's old token is still needed.
            if user != "admin" {
                let answer = self.log_in(identifier, password, device.as_deref()).await;
                assert_eq!(answer.status, 200, "{user} {password}: {}", answer.body);
                let (body, device) = (answer.json(), device.as_deref().unwrap());
                assert_eq!(
                    (&body["device_id"], &body["user_id"]),
                    (&json!(device), &json!(format!("@{user}:{SERVER_NAME}")))
                );
                self.assert_speaks_for(body["access_token"].as_str().unwrap(), user, Some(device)).await;
                assert!(!self.server.is_active(token).await, "{user}: the device has a new token");
            }
        }
        let address = json!({ "type": "m.id.thirdparty", "medium": "email", "address": "ALICE@example.com" });
        assert_eq!(self.log_in(address, PASSWORD, None).await.status, 200);
    }

    async fn encrypted_devices_keep_their_keys(&self) {
        let (upload, query) = ("_matrix/client/v3/keys/upload", "_matrix/client/v3/keys/query");
        let encrypted = |one: &&Token| one.device.as_deref() == Some("ENCRYPTED");
        let old = &self.holdings.tokens.iter().find(encrypted).unwrap().token;
        let assert_keys = async |token: &str, one_time_keys: u32| {
            let wanted = json!({ "device_keys": { "@alice:hs.test": ["ENCRYPTED"] } });
            let found = self.moved.legacy.ask("POST", query, token, wanted).await;
            let mut keys = found["device_keys"]["@alice:hs.test"]["ENCRYPTED"].clone();
            assert_eq!(keys["unsigned"]["device_display_name"], "alice's ENCRYPTED", "{found}");
            keys.as_object_mut().unwrap().remove("unsigned");
            assert_eq!(keys, device_keys("alice", "ENCRYPTED"));
            let counts = self.moved.legacy.ask("POST", upload, token, json!({})).await;
            assert_eq!(counts["one_time_key_counts"]["signed_curve25519"], one_time_keys, "{counts}");
        };
        assert_keys(old, 2).await;
        let identifier = json!({ "type": "m.id.user", "user": "alice" });
        let answer = self.log_in(identifier, PASSWORD, Some("ENCRYPTED")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let token = answer.json()["access_token"].as_str().unwrap().to_owned();
        assert_keys(&token, 2).await;
        let claim = json!({ "one_time_keys": { "@alice:hs.test": { "ENCRYPTED": "signed_curve25519" } } });
        let claimed = self.moved.legacy.ask("POST", "_matrix/client/v3/keys/claim", &token, claim).await;
        let keys = claimed["one_time_keys"]["@alice:hs.test"]["ENCRYPTED"].as_object().unwrap().clone();
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["signed_curve25519:AAAAAQ"]);
        assert_keys(&token, 1).await;
    }

    async fn bridges_administrators_and_the_suspended_go_on(&self) {
        let legacy = &self.moved.legacy;
        for name in ["irc_bot", "irc_nick", "somebody_elsewhere"] {
            let path = format!("_matrix/client/v3/account/whoami?user_id=@{name}:{SERVER_NAME}");
            let who = legacy.ask("GET", &path, BRIDGE_TOKEN, Value::Null).await;
            assert_eq!(who["user_id"], format!("@{name}:{SERVER_NAME}"));
        }
        let listing = "_synapse/admin/v2/users?guests=false";
        assert_eq!(legacy.answer("GET", listing, &self.holdings.admin, Value::Null).await.0, 200);
        let alice = &self.holdings.tokens.iter().find(|one| one.device.as_deref() == Some("x")).unwrap().token;
        assert_eq!(legacy.answer("GET", listing, alice, Value::Null).await.0, 403);
        let answer = self.log_in(json!({ "type": "m.id.user", "user": "dave" }), PASSWORD, None).await.json();
        let dave = answer["access_token"].as_str().unwrap();
        let name = format!("_matrix/client/v3/profile/@dave:{SERVER_NAME}/displayname");
        let (status, body) = legacy.answer("PUT", &name, dave, json!({ "displayname": "Dave" })).await;
        assert_eq!((status, &body["errcode"]), (403, &json!("M_USER_SUSPENDED")), "{body}");
    }
}
