//! Who lives on a Synapse: made through its own APIs, with a note of what everybody holds, and then by SQL what years and
//! accidents leave behind. `population.rs` makes crowds.

use std::process::Command;

use serde_json::{Value, json};

use super::legacy::{BRIDGE_TOKEN, Legacy};
use crate::synapse::homeserver::SERVER_NAME;

pub const PASSWORD: &str = "Ame\u{301}lie's ﬁne password";
/// A device id as long as one may be.
pub const LONGEST_DEVICE: &str = match std::str::from_utf8(&[b'D'; 255]) {
    Ok(text) => text,
    Err(_) => "",
};

/// An access token, and what it says of whom.
#[derive(Clone, Debug)]
pub struct Token {
    pub token: String,
    pub user: String,
    pub device: Option<String>,
}

/// The pairs that one device was given so far, the newest one last.
#[derive(Clone, Debug)]
pub struct Chain {
    pub user: String,
    pub device: String,
    /// Access token and refresh token.
    pub pairs: Vec<[String; 2]>,
}

/// What everybody holds.
#[derive(Debug, Default)]
pub struct Holdings {
    pub admin: String,
    /// Names, and what they type; some have more than one way to type the same.
    pub passwords: Vec<(String, String)>,
    /// What opens the door at any time.
    pub tokens: Vec<Token>,
    /// Those whose refresh token was not exchanged.
    pub current: Vec<Chain>,
    /// Those whose last exchange may have failed on the way.
    pub pending: Vec<Chain>,
    /// Those who use what their last exchange gave.
    pub spent: Vec<Chain>,
    /// Tokens that open nothing, or nothing any more.
    pub shut_out: Vec<Token>,
}

impl Holdings {
    fn knows(&mut self, user: &str, password: &str) {
        self.passwords.push((user.to_owned(), password.to_owned()));
    }

    fn holds(&mut self, user: &str, device: Option<&str>, token: &str) {
        self.tokens.push(token_of(user, device, token));
    }

    /// Gives every secret that somebody could present.
    pub fn secrets(&self) -> Vec<&str> {
        let chains = [&self.current, &self.pending, &self.spent].into_iter().flatten();
        let pairs = chains.flat_map(|chain| chain.pairs.iter().flatten());
        let tokens = self.tokens.iter().chain(&self.shut_out).map(|token| &token.token);
        let passwords = self.passwords.iter().map(|(_, password)| password);
        tokens.chain(pairs).chain(passwords).map(String::as_str).collect()
    }
}

fn token_of(user: &str, device: Option<&str>, token: &str) -> Token {
    Token { token: token.to_owned(), user: user.to_owned(), device: device.map(str::to_owned) }
}

fn pair_of(answer: &Value) -> [String; 2] {
    ["access_token", "refresh_token"].map(|name| answer[name].as_str().unwrap().to_owned())
}

/// The keys that a client of this device uploads.
pub fn device_keys(user: &str, device: &str) -> Value {
    let user_id = format!("@{user}:{SERVER_NAME}");
    json!({
        "user_id": user_id,
        "device_id": device,
        "algorithms": ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"],
        "keys": {
            (format!("curve25519:{device}")): "JGLn/yafz74HB2AbPLYJWIVGnKAtqECOBf11yyXac2Y",
            (format!("ed25519:{device}")): "nE6W2fCblxDcOFmeEtCHNl8/l8bXcu7GKyAswA4r3mM",
        },
        "signatures": { (user_id.clone()): {
            (format!("ed25519:{device}")): "m53Wkbh2HXkc3vFApZvCrfXcX3AI51GsDHustMhKwlv3TuOJMj4wistcOTM8q2+e/Ro7rWFUb9ZfnNbwptSUBA",
        } },
    })
}

fn one_time_key(key: &str) -> Value {
    json!({ "key": key, "signatures": {} })
}

impl Legacy {
    /// Makes or changes a user as an administrator does.
    pub async fn put(&self, admin: &str, name: &str, body: Value) {
        let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
        self.ask("PUT", &format!("_synapse/admin/v2/users/@{name}:{SERVER_NAME}"), admin, body).await;
    }

    pub async fn log_in(&self, name: &str, device: &str, wants_refresh_token: bool) -> Value {
        self.log_in_as(name, PASSWORD, device, wants_refresh_token).await
    }

    async fn log_in_as(&self, name: &str, password: &str, device: &str, wants_refresh_token: bool) -> Value {
        let identifier = json!({ "type": "m.id.user", "user": name });
        let body = json!({ "type": "m.login.password", "identifier": identifier, "password": password, "device_id": device,
            "initial_device_display_name": format!("{name}'s {device}").chars().take(100).collect::<String>(),
            "refresh_token": wants_refresh_token });
        self.ask("POST", "_matrix/client/v3/login", "", body).await
    }

    /// Logs in without a refresh token, and notes the token.
    async fn sign_in(&self, holdings: &mut Holdings, name: &str, password: &str, device: &str) -> String {
        let answer = self.log_in_as(name, password, device, false).await;
        assert_eq!(answer["device_id"], device);
        let token = answer["access_token"].as_str().unwrap();
        holdings.holds(name, Some(device), token);
        token.to_owned()
    }

    /// Logs in with a refresh token, and exchanges it so many times.
    async fn refresh_times(&self, name: &str, device: &str, times: usize) -> Chain {
        let mut pairs = vec![pair_of(&self.log_in(name, device, true).await)];
        for _ in 0..times {
            pairs.push(pair_of(&self.refresh(&pairs[pairs.len() - 1][1]).await));
        }
        Chain { user: name.to_owned(), device: device.to_owned(), pairs }
    }

    pub async fn refresh(&self, refresh_token: &str) -> Value {
        self.ask("POST", "_matrix/client/v3/refresh", "", json!({ "refresh_token": refresh_token })).await
    }

    pub async fn whoami(&self, token: &str) -> (u16, Value) {
        self.answer("GET", "_matrix/client/v3/account/whoami", token, Value::Null).await
    }

    async fn puppet(&self, admin: &str, name: &str) -> String {
        let path = format!("_synapse/admin/v1/users/@{name}:{SERVER_NAME}/login");
        self.ask("POST", &path, admin, json!({})).await["access_token"].as_str().unwrap().to_owned()
    }

    /// Fills it with one of everything that its own APIs make.
    pub async fn populate(&self) -> Holdings {
        let mut holdings = Holdings::default();
        let output = Command::new(&self.python)
            .args(["-m", "synapse._scripts.register_new_matrix_user", "--admin", "--user", "admin"])
            .args(["--password", PASSWORD, "--config"])
            .arg(self.folder.path().join("homeserver.yaml"))
            .arg(self.base())
            .env("no_proxy", "*")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let admin = &self.sign_in(&mut holdings, "admin", PASSWORD, "ADMINDEVICE").await;
        holdings.admin.clone_from(admin);
        holdings.knows("admin", PASSWORD);

        for name in ["alice", "bob", "carol", "dave"] {
            self.put(admin, name, json!({ "password": PASSWORD })).await;
        }
        let contacts = json!([{ "medium": "email", "address": "Alice@Example.com" }, { "medium": "msisdn", "address": "441234567" }]);
        let links = json!([{ "auth_provider": "oidc-google", "external_id": "alice-1" }, { "auth_provider": "oidc-gone", "external_id": "a" }]);
        self.put(admin, "alice", json!({ "threepids": contacts, "external_ids": links })).await;
        let links = json!([{ "auth_provider": "oidc-google", "external_id": "erin-1" }]);
        self.put(admin, "erin", json!({ "external_ids": links })).await;

        holdings.knows("alice", PASSWORD);
        self.sign_in(&mut holdings, "alice", PASSWORD, "PLAIN").await;
        holdings.current.push(self.refresh_times("alice", "CURRENT", 0).await);
        holdings.pending.push(self.refresh_times("alice", "PENDING", 1).await);
        holdings.spent.push(self.refresh_times("alice", "SPENT", 1).await);
        assert_eq!(self.whoami(&holdings.spent[0].pairs[1][0]).await.0, 200);
        let puppet = self.puppet(admin, "alice").await;
        holdings.holds("alice", None, &puppet);

        let token = self.log_in("bob", "BOBSPHONE", false).await;
        holdings.shut_out.push(token_of("bob", Some("BOBSPHONE"), token["access_token"].as_str().unwrap()));
        self.put(admin, "bob", json!({ "locked": true })).await;
        self.log_in("carol", "CAROLSPHONE", true).await;
        self.put(admin, "carol", json!({ "deactivated": true })).await;
        let dave = format!("_synapse/admin/v1/suspend/@dave:{SERVER_NAME}");
        self.ask("PUT", &dave, admin, json!({ "suspend": true })).await;
        holdings.knows("dave", PASSWORD);

        let guest = self.ask("POST", "_matrix/client/v3/register?kind=guest", "", json!({})).await;
        holdings.shut_out.push(token_of("1", None, guest["access_token"].as_str().unwrap()));
        for name in ["irc_bot", "irc_nick", "somebody_elsewhere"] {
            let body = json!({ "type": "m.login.application_service", "username": name, "device_id": "BRIDGE" });
            self.ask("POST", "_matrix/client/v3/register", BRIDGE_TOKEN, body).await;
        }
        holdings
    }

    /// Adds people who write unlike others, have odd devices, and encrypt.
    pub async fn settle(&self, holdings: &mut Holdings) {
        let admin = &holdings.admin.clone();
        let long = "långt ".repeat(20);
        for (name, chosen, also_typed) in [
            ("composed", "Amélie ﬁnds 12 Å", Some("Ame\u{301}lie finds 12 A\u{30a}")),
            ("decomposed", "Ame\u{301}lie finds 12 A\u{30a}", Some("Amélie ﬁnds 12 Å")),
            ("emoji", "🔑 пароль  密碼", None),
            ("long", &long, None),
            ("odd=2f/na.me-_+x", PASSWORD, None),
        ] {
            self.put(admin, name, json!({ "password": chosen })).await;
            for typed in std::iter::once(chosen).chain(also_typed) {
                holdings.knows(name, typed);
            }
            self.sign_in(holdings, name, chosen, "FIRST").await;
        }
        for device in ["one / two?", "x", LONGEST_DEVICE, "100% #1 & <b>", "gerät ✨"] {
            self.sign_in(holdings, "alice", PASSWORD, device).await;
        }
        self.sign_in(holdings, "dave", PASSWORD, "DAVESPHONE").await;

        for (device, times) in [("CURRENT 2", 0), ("CURRENT 3", 2)] {
            holdings.current.push(self.refresh_times("alice", device, times).await);
        }
        for device in ["PENDING 2", "PENDING 3"] {
            holdings.pending.push(self.refresh_times("alice", device, 2).await);
        }
        for device in ["SPENT 2", "SPENT 3"] {
            holdings.spent.push(self.refresh_times("alice", device, 2).await);
        }
        for chain in holdings.spent.iter().skip(1).chain(&holdings.current[2..]) {
            assert_eq!(self.whoami(&chain.pairs[2][0]).await.0, 200);
        }

        let token = self.sign_in(holdings, "alice", PASSWORD, "ENCRYPTED").await;
        let keys = json!({
            "device_keys": device_keys("alice", "ENCRYPTED"),
            "one_time_keys": {
                "signed_curve25519:AAAAAQ": one_time_key("zKbLg+NrIjpnagy+pIY6uPL4ZwEG2v+8F9lmgsnlZzs"),
                "signed_curve25519:AAAAAg": one_time_key("j3fR3HemM16M7CWhoI4Sk5ZsdmdfQHsKL1xuSft6MSw"),
            },
        });
        let counts = self.ask("POST", "_matrix/client/v3/keys/upload", &token, keys).await;
        assert_eq!(counts["one_time_key_counts"]["signed_curve25519"], 2);

        self.put(admin, "laura", json!({ "password": PASSWORD })).await;
        for device in ["LAURASPHONE", "LAURASTABLET"] {
            let token = self.log_in("laura", device, false).await;
            holdings.shut_out.push(token_of("laura", Some(device), token["access_token"].as_str().unwrap()));
        }
        self.put(admin, "laura", json!({ "locked": true })).await;
        self.put(admin, "dora", json!({ "password": PASSWORD })).await;
        let token = self.log_in("dora", "DORASPHONE", false).await;
        holdings.shut_out.push(token_of("dora", Some("DORASPHONE"), token["access_token"].as_str().unwrap()));
        self.put(admin, "lost", json!({ "password": PASSWORD })).await;
        self.sign_in(holdings, "lost", PASSWORD, "lost and found").await;
        holdings.knows("lost", PASSWORD);
    }

    /// Adds what years and accidents leave behind, and what its APIs do not make today.
    pub async fn age(&self) {
        let long = "L".repeat(300);
        let user = |name: &str, more: &str| {
            format!("INSERT INTO users (name, password_hash, creation_ts) VALUES ('{name}', {more})")
        };
        let contact = |user: &str, medium: &str, address: &str| {
            format!(
                "INSERT INTO user_threepids (user_id, medium, address, validated_at, added_at)
                 VALUES ('{user}', '{medium}', '{address}', 1500000000000, 1500000000000)"
            )
        };
        let device = |user: &str, id: &str, is_hidden: bool| {
            format!("INSERT INTO devices (user_id, device_id, hidden) VALUES ('{user}', '{id}', {is_hidden})")
        };
        let access = |id: u32, user: &str, device: &str, token: &str, until: &str| {
            format!(
                "INSERT INTO access_tokens (id, user_id, device_id, token, valid_until_ms)
                 VALUES ({id}, '{user}', {device}, '{token}', {until})"
            )
        };
        let refresh = |id: u32, user: &str, device: &str, expiry: &str, end: &str| {
            format!(
                "INSERT INTO refresh_tokens (id, user_id, device_id, token, expiry_ts, ultimate_session_expiry_ts)
                 VALUES ({id}, '{user}', '{device}', 'syr_hunter2_{id}', {expiry}, {end})"
            )
        };
        let statements = [
            user("@OldUpper:hs.test", "'$2a$04$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234', 1400000000"),
            user("@linked:hs.test", "'', 1400000000"),
            "INSERT INTO user_external_ids VALUES ('oidc-google', 'linked', '@linked:hs.test')".to_owned(),
            user("@oldupper:hs.test", "NULL, 1400000001"),
            user("@mallory:elsewhere.test", "NULL, 1400000000"),
            user("@timeless:hs.test", "NULL, NULL"),
            user("nobody", "NULL, 1400000000"),
            user("@modern:hs.test", "'$argon2id$v=19$hunter2', 1400000000"),
            "UPDATE users SET appservice_id = NULL WHERE name = '@irc_nick:hs.test'".to_owned(),
            contact("@bob:hs.test", "email", "ALICE@example.com"),
            contact("@bob:hs.test", "email", "no address"),
            contact("@carol:hs.test", "email", "carol@example.com"),
            contact("@dave:hs.test", "email", "Straße@example.com"),
            contact("@erin:hs.test", "email", "strasse@example.com"),
            contact("@gone:hs.test", "email", "gone@example.com"),
            contact("@timeless:hs.test", "msisdn", "49301"),
            "INSERT INTO user_external_ids VALUES ('oauth-delegated', 'x', '@dave:hs.test')".to_owned(),
            "INSERT INTO user_external_ids VALUES ('oidc-google', 'gone', '@gone:hs.test')".to_owned(),
            device("@alice:hs.test", &long, false),
            device("@alice:hs.test", "cross-signing key", true),
            device("@alice:hs.test", "DEHYDRATED", false),
            "INSERT INTO dehydrated_devices (user_id, device_id, device_data) VALUES ('@alice:hs.test', 'DEHYDRATED', '{}')".to_owned(),
            device("@alice:hs.test", "my device ✨", false),
            device("@gone:hs.test", "GONE", false),
            device("@carol:hs.test", "CAROLSTABLET", false),
            access(9001, "@alice:hs.test", "NULL", "MDAxN2xvY2F0aW9uIGhzLnRlc3QK", "NULL"),
            access(9002, "@alice:hs.test", "'PLAIN'", "syt_hunter2_expired", "1500000000000"),
            access(9003, "@alice:hs.test", "'LOST'", "syt_hunter2_lost", "NULL"),
            access(9004, "@alice:hs.test", &format!("'{long}'"), "syt_hunter2_long", "NULL"),
            access(9005, "@alice:hs.test", "'PLAIN'", "hunter2", "NULL"),
            access(9006, "@carol:hs.test", "NULL", "syt_hunter2_carol", "NULL"),
            access(9007, "@gone:hs.test", "'GONE'", "syt_hunter2_gone", "NULL"),
            access(9008, "@timeless:hs.test", "NULL", "syt_hunter2_timeless", "NULL"),
            refresh(9001, "@alice:hs.test", "PLAIN", "1500000000000", "NULL"),
            refresh(9002, "@alice:hs.test", "PLAIN", "NULL", "1500000000000"),
            refresh(9003, "@gone:hs.test", "GONE", "NULL", "NULL"),
            refresh(9004, "@alice:hs.test", "PLAIN", "4100000000000", "4100000000000"),
        ];
        self.sql(&statements.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }

    /// Adds to that what still has to work afterwards, or must not.
    pub async fn age_further(&self, holdings: &mut Holdings) {
        self.age().await;
        self.sql(&[
            "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE name = '@alice:hs.test')
             WHERE name = '@OldUpper:hs.test'",
            "INSERT INTO devices (user_id, device_id, hidden) VALUES ('@OldUpper:hs.test', 'OLD', FALSE)",
            "INSERT INTO access_tokens (id, user_id, device_id, token) VALUES (9101, '@OldUpper:hs.test', 'OLD', 'syt_hunter2_old')",
            "UPDATE users SET deactivated = 1 WHERE name = '@dora:hs.test'",
            "DELETE FROM devices WHERE user_id = '@lost:hs.test'",
        ])
        .await;
        holdings.knows("OldUpper", PASSWORD);
        holdings.holds("OldUpper", Some("OLD"), "syt_hunter2_old");
        holdings.holds("alice", None, "MDAxN2xvY2F0aW9uIGhzLnRlc3QK");
        holdings.holds("alice", Some("LOST"), "syt_hunter2_lost");
        holdings.shut_out.push(token_of("alice", Some("PLAIN"), "syt_hunter2_expired"));
        holdings.shut_out.push(token_of("carol", None, "syt_hunter2_carol"));
    }
}
