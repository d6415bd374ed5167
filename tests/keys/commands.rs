//! `keymaker keys …` beside a server that runs.

use std::path::Path;

use keymaker::crypto::random;
use serde_json::Value;

use crate::{
    start::{Outcome, run},
    support::{audit::Audit, http::Http, process::Keymaker},
};

struct Beside {
    keymaker: Keymaker,
    http: Http,
}

impl Beside {
    fn start() -> Self {
        let mut keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker")).unwrap();
        keymaker.start().unwrap();
        let http = Http::new(&keymaker.base(), Audit::default());
        Self { keymaker, http }
    }

    fn keys(&self, settings: &[(&str, &str)], arguments: &[&str]) -> Outcome {
        let directory: &Path = self.keymaker.directory();
        run(directory, settings, &[&["keys"], arguments].concat(), "")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let outcome = self.keys(&[], &[arguments, &["--json"]].concat());
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    async fn published(&self) -> Vec<String> {
        let jwks = self.http.get("oauth2/keys.json").await.json();
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_are_looked_after_beside_the_running_server() {
    let beside = Beside::start();
    let listed = beside.json(&["list"]);
    let keys = listed["keys"].as_array().unwrap();
    let of = |keys: &[Value], alg: &str, state: &str| {
        let found = keys.iter().find(|key| key["alg"] == alg && key["state"] == state);
        found.map(|key| key["kid"].as_str().unwrap().to_owned())
    };
    assert_eq!(keys.len(), 3, "{listed}");
    let (rs256, es256) = (of(keys, "RS256", "signs").unwrap(), of(keys, "ES256", "signs").unwrap());
    let table = beside.keys(&[], &["list"]);
    table.assert_success("KID");
    for words in [rs256.as_str(), &es256, "RS256  signs     configuration", "ES256  signs     database", "may be empty"]
    {
        assert!(table.stdout.contains(words), "no {words:?} in {}", table.stdout);
    }
    assert!(!table.stdout.contains("PRIVATE") && !listed.to_string().contains("PRIVATE"));

    // The running server publishes the next key at once.
    let rotated = beside.json(&["rotate", "--alg", "es256"]);
    let next = rotated[0]["kid"].as_str().unwrap().to_owned();
    assert_eq!(rotated.as_array().unwrap().len(), 1);
    assert!(beside.published().await.contains(&next));
    beside.keys(&[], &["rotate", "--alg", "ES256"]).assert_success(&format!("{next} was published already"));
    beside.keys(&[], &["list"]).assert_success("next      database       signs from");
    beside.keys(&[], &["rotate", "--now", "--alg", "ES256"]).assert_success(&format!("{next} signs from now on"));
    let keys = beside.json(&["list"])["keys"].as_array().unwrap().clone();
    assert_eq!((of(&keys, "ES256", "signs"), of(&keys, "ES256", "retired")), (Some(next.clone()), Some(es256.clone())));
    beside.keys(&[], &["rotate"]).assert_success("RS256: ");

    // And believes a revoked one no longer: the server that runs knows it.
    let retired = beside.keys(&[], &["retire", &rs256]);
    retired.assert_success("is revoked");
    assert!(retired.stdout.contains("RS256: "), "{}", retired.stdout);
    assert!(!beside.published().await.contains(&rs256));
    beside.keys(&[], &["retire", &rs256]).assert_success("was revoked already");
    beside.keys(&[], &["list"]).assert_success("revoked   configuration");
    beside.keys(&[], &["retire", "nobody"]).assert_one_sentence(&["there is no key nobody"]);
    assert_eq!(beside.keys(&[], &["rotate", "--alg", "HS256"]).code, Some(2), "none that is symmetric");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_encryption_key_is_replaced_beside_the_running_server() {
    let mut beside = Beside::start();
    let file = beside.keymaker.directory().join("secrets/encryption");
    let (old, new) = (std::fs::read_to_string(&file).unwrap(), hex::encode(random::bytes::<32>()));
    let both = [("secrets.encryption", new.as_str()), ("secrets.previous_encryption.0.key", old.trim())];
    beside.keys(&both, &["list"]).assert_success("sealed under an encryption key from before");
    // A key that is not named anywhere: nothing is touched.
    let other = hex::encode(random::bytes::<32>());
    for arguments in [["list"], ["reseal"], ["rotate"]] {
        let refused = beside.keys(&[("secrets.encryption", &other)], &arguments);
        refused.assert_one_sentence(&["secrets.previous_encryption"]);
    }
    beside.keys(&both, &["reseal"]).assert_success("signing_keys.private_key: 2 sealed again");
    let again = beside.keys(&both, &["reseal"]);
    again.assert_success("Everything is sealed under secrets.encryption");
    assert!(!again.stdout.contains("sealed again"), "{}", again.stdout);
    beside.keys(&[("secrets.encryption", &new)], &["list"]).assert_success("may be empty");
    let before = beside.published().await;
    beside.keymaker.kill();
    std::fs::write(&file, &new).unwrap();
    beside.keymaker.start().unwrap();
    assert_eq!(beside.published().await, before);
}
