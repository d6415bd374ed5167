//! Passkeys (spec 17.1), with an authenticator in software that can be wrong in every respect. Chromium's own is in `browser`.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use keymaker::clock::{MINUTE, SECOND};
use serde_json::{Value, json};

use crate::support::{
    Server,
    authenticator::{Authenticator, Passkey, PasskeyForm},
    http::Answer,
    person::Person,
};

const REFUSED: &str = "This passkey was not accepted.";
const OVER: &str = "This took too long, or was done already.";
const COPIED: &str = "This passkey may have been copied";

async fn start() -> (Server, Authenticator) {
    let server = Server::setup().with_passkeys().start().await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    (server, authenticator)
}

async fn signed_in(server: &Server, name: &str) -> Person {
    server.user(name).await;
    let browser = server.browser();
    browser.sign_in(name).await;
    browser
}

async fn somebody(server: &Server, name: &str, authenticator: &Authenticator) -> Passkey {
    signed_in(server, name).await.add_passkey(authenticator, "Key").await
}

async fn count(server: &Server) -> i64 {
    server.app.db.sql("SELECT COUNT(*) FROM passkeys").one::<(i64,)>().await.unwrap().0
}

/// Checks that a login was refused in these words on its page, and nobody is signed in.
async fn assert_refused(browser: &Person, answer: &Answer, words: &str, what: &str) {
    assert_eq!(answer.status, 403, "{what}: {}", answer.body);
    assert!(answer.body.contains(words), "{what}: {}", answer.body);
    assert!(answer.body.contains("name=\"username\"") && answer.body.contains("role=\"alert\""), "{what}");
    assert_eq!(answer.set_cookie("keymaker_session"), None, "{what}");
    assert!(!browser.is_signed_in().await, "{what}");
}

/// What the store knows of the only passkey.
async fn stored(server: &Server) -> Value {
    let (credential,): (String,) = server.app.db.sql("SELECT credential FROM passkeys").one().await.unwrap();
    serde_json::from_str(&credential).unwrap()
}

async fn store(server: &Server, credential: &Value) {
    let mut tx = server.app.db.write().await.unwrap();
    tx.sql("UPDATE passkeys SET credential = $1").bind(credential.to_string().as_str()).execute().await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn somebody_adds_a_passkey_and_signs_in_with_nothing_else() {
    // WAN-03, WAN-04, WAN-07, WAN-11
    let (server, authenticator) = start().await;
    let browser = signed_in(&server, "alice").await;
    let form = PasskeyForm::of(&browser.page_to_add_passkey().await);
    let options = &form.options["publicKey"];
    assert_eq!(options["rp"]["id"], "localhost");
    assert!(URL_SAFE_NO_PAD.decode(options["challenge"].as_str().unwrap()).unwrap().len() >= 16);
    let handle = URL_SAFE_NO_PAD.decode(options["user"]["id"].as_str().unwrap()).unwrap();
    assert!((16..=64).contains(&handle.len()) && !handle.windows(5).any(|part| part == b"alice"), "WAN-03");
    assert_eq!(options["user"]["name"], "@alice:localhost");
    let selection = &options["authenticatorSelection"];
    let wanted = json!(["required", true, "required"]);
    assert_eq!(
        json!([selection["residentKey"], selection["requireResidentKey"], selection["userVerification"]]),
        wanted
    );
    assert_eq!(options["attestation"], "none");
    let algorithms: Vec<i64> =
        options["pubKeyCredParams"].as_array().unwrap().iter().map(|param| param["alg"].as_i64().unwrap()).collect();
    assert!(algorithms.contains(&-7) && algorithms.contains(&-257), "{algorithms:?}");

    let mut passkey = browser.add_passkey(&authenticator, " Blue <key> ").await;
    assert_eq!(passkey.user_handle, handle, "one account, one handle");
    browser.get("account/security").await.assert_page(200, "Blue &#60;key&#62;");
    // The next one may not be made where this one is.
    let form = PasskeyForm::of(&browser.page_to_add_passkey().await);
    let known = URL_SAFE_NO_PAD.encode(&passkey.id);
    assert_eq!(form.options["publicKey"]["excludeCredentials"][0]["id"], known);

    let other = server.browser();
    let form = PasskeyForm::of(&other.get("login").await);
    let options = &form.options["publicKey"];
    assert_eq!(options["userVerification"], "required");
    assert!(options["allowCredentials"].as_array().is_none_or(Vec::is_empty), "WAN-07: nothing about anybody");
    let answer = other.sign_in_with_passkey(&authenticator, &mut passkey).await;
    assert_eq!(answer.location(), "/account/");
    other.get("account/security").await.assert_page(200, "last used on");
}

#[tokio::test]
async fn an_answer_that_is_wrong_in_one_respect_signs_nobody_in() {
    // WAN-05, WAN-09, T of area 17
    let (server, right) = start().await;
    let mut passkey = somebody(&server, "alice", &right).await;
    let changed = |change: fn(&mut Authenticator)| {
        let mut authenticator = right.clone();
        change(&mut authenticator);
        authenticator
    };
    let port = server.app.config.http.public_base.port().unwrap();
    let table: [(&str, Authenticator); 14] = [
        ("without user verification", changed(|a| a.is_user_verified = false)),
        ("without user presence", changed(|a| a.is_user_present = false)),
        ("eligible for backup of a sudden", changed(|a| a.is_backup_eligible = true)),
        ("backed up of a sudden", changed(|a| (a.is_backup_eligible, a.is_backed_up) = (true, true))),
        ("backed up and not eligible", changed(|a| a.is_backed_up = true)),
        ("of another site", changed(|a| a.origin = "https://evil.example".to_owned())),
        ("of an address", Authenticator { origin: format!("http://127.0.0.1:{port}"), ..right.clone() }),
        ("of another port", changed(|a| a.origin = "http://localhost:1".to_owned())),
        ("of https", Authenticator { origin: format!("https://localhost:{port}"), ..right.clone() }),
        ("of a subdomain", Authenticator { origin: format!("http://evil.localhost:{port}"), ..right.clone() }),
        ("for another RP", changed(|a| a.rp_id = "evil.example".to_owned())),
        ("in a frame of another site", changed(|a| a.is_cross_origin = Some(true))),
        ("of a registration", changed(|a| a.ceremony = Some("webauthn.create"))),
        ("to another challenge", changed(|a| a.challenge = Some(URL_SAFE_NO_PAD.encode([7; 32])))),
    ];
    for (what, wrong) in &table {
        let browser = server.browser();
        let answer = browser.sign_in_with_passkey(wrong, &mut passkey).await;
        assert_refused(&browser, &answer, REFUSED, what).await;
    }
    let browser = server.browser();
    assert_eq!(browser.sign_in_with_passkey(&right, &mut passkey).await.location(), "/account/", "a control");
}

#[tokio::test]
async fn an_answer_that_was_tampered_with_signs_nobody_in() {
    // WAN-09
    let (server, authenticator) = start().await;
    let mut passkey = somebody(&server, "alice", &authenticator).await;
    let other = somebody(&server, "bob", &authenticator).await;
    type Change = fn(&mut Value, &Passkey);
    let table: [(&str, Change); 12] = [
        ("no user handle", |c, _| drop(c["response"].as_object_mut().unwrap().remove("userHandle"))),
        ("an empty user handle", |c, _| c["response"]["userHandle"] = json!("")),
        ("another's user handle", |c, other| {
            c["response"]["userHandle"] = json!(URL_SAFE_NO_PAD.encode(&other.user_handle))
        }),
        ("another's credential id", |c, other| {
            c["id"] = json!(URL_SAFE_NO_PAD.encode(&other.id));
            c["rawId"] = c["id"].clone();
        }),
        ("an unknown credential id", |c, _| {
            c["id"] = json!(URL_SAFE_NO_PAD.encode([9; 32]));
            c["rawId"] = c["id"].clone();
        }),
        ("another signature", |c, _| {
            c["response"]["signature"] = json!(URL_SAFE_NO_PAD.encode([48, 6, 2, 1, 1, 2, 1, 1]))
        }),
        ("no signature", |c, _| c["response"]["signature"] = json!("")),
        ("cut data", |c, _| {
            let data = c["response"]["authenticatorData"].as_str().unwrap()[..40].to_owned();
            c["response"]["authenticatorData"] = json!(data);
        }),
        ("no client data", |c, _| c["response"]["clientDataJSON"] = json!("")),
        ("another type", |c, _| c["type"] = json!("password")),
        ("no response", |c, _| c["response"] = json!({})),
        ("another shape", |c, _| *c = json!([1, 2, 3])),
    ];
    for (what, change) in table {
        let browser = server.browser();
        let form = PasskeyForm::of(&browser.get("login").await);
        let mut credential: Value = serde_json::from_str(&authenticator.get(&form.options, &mut passkey)).unwrap();
        change(&mut credential, &other);
        let answer = browser.answer(&form, &credential.to_string(), &[]).await;
        assert!(answer.status == 403 || (what == "another type" && answer.status == 303), "{what}: {}", answer.body);
        if answer.status == 403 {
            assert_refused(&browser, &answer, REFUSED, what).await;
        }
    }
    let browser = server.browser();
    let form = PasskeyForm::of(&browser.get("login").await);
    for text in ["", "{", "null", "\"\"", &"[".repeat(20_000), "{\"id\":1}"] {
        let answer = browser.answer(&form, text, &[]).await;
        assert!(matches!(answer.status, 403 | 413), "{} {}", answer.status, answer.body);
    }
    assert!(!browser.is_signed_in().await);
    assert_eq!(server.browser().sign_in_with_passkey(&authenticator, &mut passkey).await.location(), "/account/");
}

#[tokio::test]
async fn a_counter_that_goes_backwards_is_the_mark_of_a_copy() {
    // WAN-10
    let (server, authenticator) = start().await;
    let mut passkey = somebody(&server, "alice", &authenticator).await;
    passkey.count = 40;
    assert_eq!(server.browser().sign_in_with_passkey(&authenticator, &mut passkey).await.location(), "/account/");
    // (the counter that comes, after 41)
    for count in [41, 40, 1, 0] {
        let still = Authenticator { counts: false, ..authenticator.clone() };
        passkey.count = count;
        let browser = server.browser();
        let answer = browser.sign_in_with_passkey(&still, &mut passkey).await;
        assert_refused(&browser, &answer, COPIED, &count.to_string()).await;
    }
    passkey.count = 41;
    assert_eq!(server.browser().sign_in_with_passkey(&authenticator, &mut passkey).await.location(), "/account/");
    // As a second factor and as a proof for an act too.
    let browser = server.browser();
    browser.sign_in("alice").await;
    let page = browser.confirm_page("make-recovery-codes", None).await;
    passkey.count = 3;
    browser.use_passkey(&page, &authenticator, &mut passkey).await.assert_page(403, COPIED);
    let rows: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM recovery_codes").one().await.unwrap();
    assert_eq!(rows.0, 0);
}

#[tokio::test]
async fn what_does_not_count_is_accepted_again_and_again() {
    // WAN-10: normal for passkeys that are on several devices.
    let (server, authenticator) = start().await;
    let synced = Authenticator { counts: false, is_backup_eligible: true, is_backed_up: true, ..authenticator };
    let mut passkey = somebody(&server, "alice", &synced).await;
    for _ in 0..3 {
        assert_eq!(server.browser().sign_in_with_passkey(&synced, &mut passkey).await.location(), "/account/");
    }
    // Backed up or not may change, and is written down; eligible or not may not.
    let pending = Authenticator { is_backed_up: false, ..synced.clone() };
    assert_eq!(server.browser().sign_in_with_passkey(&pending, &mut passkey).await.location(), "/account/");
    assert_eq!(stored(&server).await["cred"]["backup_state"], false);
    let bound = Authenticator { is_backup_eligible: false, is_backed_up: false, ..synced };
    let browser = server.browser();
    let answer = browser.sign_in_with_passkey(&bound, &mut passkey).await;
    assert_refused(&browser, &answer, REFUSED, "not eligible any more").await;
}

#[tokio::test]
async fn what_the_server_remembers_decides() {
    // WAN-09, WAN-10: the store says what the flags and the counter were.
    let (server, authenticator) = start().await;
    let mut passkey = somebody(&server, "alice", &authenticator).await;
    let known = stored(&server).await;
    let mut ahead = known.clone();
    ahead["cred"]["counter"] = json!(1000);
    let mut eligible = known.clone();
    eligible["cred"]["backup_eligible"] = json!(true);
    for (credential, words) in [(ahead, COPIED), (eligible, REFUSED)] {
        store(&server, &credential).await;
        let browser = server.browser();
        let answer = browser.sign_in_with_passkey(&authenticator, &mut passkey).await;
        assert_refused(&browser, &answer, words, words).await;
    }
    store(&server, &known).await;
    assert_eq!(server.browser().sign_in_with_passkey(&authenticator, &mut passkey).await.location(), "/account/");
}

#[tokio::test]
async fn a_challenge_is_answered_once_soon_and_in_its_own_browser() {
    // WAN-02, INV-01
    let (server, authenticator) = start().await;
    let mut passkey = somebody(&server, "alice", &authenticator).await;
    let browser = server.browser();
    let form = PasskeyForm::of(&browser.get("login").await);
    let credential = authenticator.get(&form.options, &mut passkey);

    let thief = server.browser();
    let own = PasskeyForm::of(&thief.get("login").await);
    let stolen = PasskeyForm { state: form.state.clone(), ..own };
    let answer = thief.answer(&stolen, &credential, &[]).await;
    assert_refused(&thief, &answer, OVER, "in another browser").await;

    assert_eq!(browser.answer(&form, &credential, &[]).await.location(), "/account/");
    let page = browser.get("logout").await;
    browser.submit(&page, &[]).await;
    // The cookie of the browser is another one now; so is the form token, which is not what is tested here.
    let again = server.browser();
    let form = PasskeyForm::of(&again.get("login").await);
    let credential = authenticator.get(&form.options, &mut passkey);
    let first = again.answer(&form, &credential, &[]).await;
    assert_eq!(first.location(), "/account/");
    let second = again.answer(&form, &credential, &[]).await;
    assert_eq!(second.status, 403, "{}", second.body);
    assert!(second.body.contains(OVER));
    assert_eq!(second.set_cookie("keymaker_session"), None);

    // A wrong answer uses it up as well.
    let fresh = server.browser();
    let form = PasskeyForm::of(&fresh.get("login").await);
    let wrong = Authenticator { is_user_verified: false, ..authenticator.clone() };
    let answer = fresh.answer(&form, &wrong.get(&form.options, &mut passkey), &[]).await;
    assert_refused(&fresh, &answer, REFUSED, "a wrong answer").await;
    let answer = fresh.answer(&form, &authenticator.get(&form.options, &mut passkey), &[]).await;
    assert_refused(&fresh, &answer, OVER, "a second answer").await;

    for (minutes, is_over) in [(4, false), (5, true)] {
        let late = server.browser();
        let form = PasskeyForm::of(&late.get("login").await);
        server.clock.advance(minutes * MINUTE);
        let answer = late.answer(&form, &authenticator.get(&form.options, &mut passkey), &[]).await;
        match is_over {
            true => assert_refused(&late, &answer, OVER, "late").await,
            false => assert_eq!(answer.location(), "/account/"),
        }
    }
    for state in ["x", "AAAA", &"A".repeat(5000)] {
        let other = server.browser();
        let form = PasskeyForm::of(&other.get("login").await);
        let credential = authenticator.get(&form.options, &mut passkey);
        let form = PasskeyForm { state: state.to_owned(), ..form };
        let answer = other.answer(&form, &credential, &[]).await;
        assert_refused(&other, &answer, OVER, state).await;
    }
}

#[tokio::test]
async fn of_twenty_answers_to_one_challenge_one_signs_in() {
    // INV-01, WAN-02
    let (server, authenticator) = start().await;
    let still = Authenticator { counts: false, ..authenticator };
    let mut passkey = somebody(&server, "alice", &still).await;
    let browser = server.browser();
    let form = PasskeyForm::of(&browser.get("login").await);
    let credential = still.get(&form.options, &mut passkey);
    let answers = join_all((0..20).map(|_| browser.answer(&form, &credential, &[]))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 403)), "{answers:?}");
}

#[tokio::test]
async fn of_twenty_uses_of_one_count_one_signs_in() {
    // WAN-10, TST-04: a passkey and its copy at once, each with a challenge of its own.
    let (server, authenticator) = start().await;
    let mut passkey = somebody(&server, "alice", &authenticator).await;
    passkey.count = 7;
    let still = Authenticator { counts: false, ..authenticator };
    let people: Vec<Person> = (0..20).map(|_| server.browser()).collect();
    let mut forms = Vec::new();
    for person in &people {
        let form = PasskeyForm::of(&person.get("login").await);
        let credential = still.get(&form.options, &mut passkey);
        forms.push((form, credential));
    }
    let answers = people.iter().zip(&forms).map(|(person, (form, credential))| person.answer(form, credential, &[]));
    let answers = join_all(answers).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1, "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer.status, 303 | 403)), "{answers:?}");
}

#[tokio::test]
async fn a_challenge_for_one_purpose_is_none_for_another() {
    // WAN-02, INV-02
    let (server, authenticator) = start().await;
    let browser = signed_in(&server, "alice").await;
    let mut passkey = browser.add_passkey(&authenticator, "Key").await;
    let login = PasskeyForm::of(&browser.get("login?switch=1").await);
    let act = PasskeyForm::of(&browser.confirm_page("make-recovery-codes", None).await);
    let register = PasskeyForm::of(&browser.page_to_add_passkey().await);
    let (_, made) = authenticator.create(&register.options);
    let own = PasskeyForm::of(&browser.confirm_page("make-recovery-codes", None).await);
    let at_act = PasskeyForm { state: login.state, options: login.options, ..own };
    let credential = authenticator.get(&at_act.options, &mut passkey);
    browser.answer(&at_act, &credential, &[]).await.assert_page(403, OVER);

    let own = PasskeyForm::of(&browser.get("login?switch=1").await);
    let at_login = PasskeyForm { state: act.state, options: act.options, ..own };
    let credential = authenticator.get(&at_login.options, &mut passkey);
    let with_proof = browser.answer(&at_login, &credential, &[]).await;
    let own = PasskeyForm::of(&browser.get("login?switch=1").await);
    let at_login = PasskeyForm { state: register.state, ..own };
    let with_registration = browser.answer(&at_login, &made, &[]).await;
    for answer in [with_proof, with_registration] {
        answer.assert_page(403, OVER);
        assert_eq!(answer.set_cookie("keymaker_session"), None);
    }
}

#[tokio::test]
async fn a_passkey_that_is_wrong_in_one_respect_is_not_registered() {
    // WAN-05, T of area 17
    let (server, right) = start().await;
    let browser = signed_in(&server, "alice").await;
    let changed = |change: fn(&mut Authenticator)| {
        let mut authenticator = right.clone();
        change(&mut authenticator);
        authenticator
    };
    let table: [(&str, Authenticator); 9] = [
        ("without user verification", changed(|a| a.is_user_verified = false)),
        ("without user presence", changed(|a| a.is_user_present = false)),
        ("backed up and not eligible", changed(|a| a.is_backed_up = true)),
        ("of another site", changed(|a| a.origin = "https://evil.example".to_owned())),
        ("of another port", changed(|a| a.origin = "http://localhost:1".to_owned())),
        ("for another RP", changed(|a| a.rp_id = "evil.example".to_owned())),
        ("in a frame of another site", changed(|a| a.is_cross_origin = Some(true))),
        ("of a login", changed(|a| a.ceremony = Some("webauthn.get"))),
        ("to another challenge", changed(|a| a.challenge = Some(URL_SAFE_NO_PAD.encode([7; 32])))),
    ];
    for (what, wrong) in &table {
        let form = PasskeyForm::of(&browser.page_to_add_passkey().await);
        let (_, credential) = wrong.create(&form.options);
        let answer = browser.answer(&form, &credential, &[("name", what)]).await;
        answer.assert_page(403, REFUSED);
        assert_eq!(count(&server).await, 0, "{what}");
    }
    for id in [vec![], vec![5; 1024]] {
        let form = PasskeyForm::of(&browser.page_to_add_passkey().await);
        let (_, credential) = right.create_with(&form.options, id.clone());
        let answer = browser.answer(&form, &credential, &[]).await;
        assert_eq!((answer.status, count(&server).await), (403, 0), "an id of {} bytes", id.len());
    }
}

#[tokio::test]
async fn the_challenge_of_a_registration_is_answered_once_soon_and_in_its_own_browser() {
    // WAN-02, WAN-06
    let (server, authenticator) = start().await;
    let browser = signed_in(&server, "alice").await;
    let form = PasskeyForm::of(&browser.page_to_add_passkey().await);
    let (_, credential) = authenticator.create(&form.options);
    // The same person in another browser, with a proof of its own.
    let elsewhere = server.browser();
    elsewhere.sign_in("alice").await;
    let own = PasskeyForm::of(&elsewhere.page_to_add_passkey().await);
    let stolen = PasskeyForm { state: form.state.clone(), ..own };
    elsewhere.answer(&stolen, &credential, &[]).await.assert_page(403, OVER);

    assert_eq!(browser.answer(&form, &credential, &[]).await.status, 303);
    browser.answer(&form, &credential, &[]).await.assert_page(403, OVER);
    assert_eq!(count(&server).await, 1);

    let form = PasskeyForm::of(&browser.page_to_add_passkey().await);
    server.clock.advance(5 * MINUTE + SECOND);
    let (_, credential) = authenticator.create(&form.options);
    let answer = browser.answer(&form, &credential, &[]).await;
    assert!(answer.status == 303 && answer.location().starts_with("/account/confirm") || answer.status == 403);
    assert_eq!(count(&server).await, 1);
}

#[tokio::test]
async fn a_passkey_belongs_to_one_account() {
    // WAN-05, WAN-09
    let (server, authenticator) = start().await;
    let alice = signed_in(&server, "alice").await;
    let mallory = signed_in(&server, "mallory").await;
    let mut hers = alice.add_passkey(&authenticator, "Key").await;
    // The same id once more, at the other account and at the own, whose pages said that it is there.
    for (browser, words) in [(&mallory, "This passkey has been added already."), (&alice, REFUSED)] {
        let form = PasskeyForm::of(&browser.page_to_add_passkey().await);
        let (_, credential) = authenticator.create_with(&form.options, hers.id.clone());
        browser.answer(&form, &credential, &[]).await.assert_page(403, words);
    }
    assert_eq!(count(&server).await, 1);
    let other = server.browser();
    other.sign_in_with_passkey(&authenticator, &mut hers).await;
    other.get("account/").await.assert_page(200, "@alice:localhost");

    // As the second factor of somebody else's login it counts for nothing.
    let mut own = mallory.add_passkey(&authenticator, "Key").await;
    mallory.act("require-second-factor", None, None).await;
    let browser = server.browser();
    let page = browser.enter_password("mallory").await;
    browser.use_passkey(&page, &authenticator, &mut hers).await.assert_page(403, REFUSED);
    assert!(!browser.is_signed_in().await);
    let page = browser.enter_password("mallory").await;
    assert_eq!(browser.use_passkey(&page, &authenticator, &mut own).await.location(), "/account/");
}

#[tokio::test]
async fn a_passkey_of_another_server_is_unknown_here() {
    // WAN-09
    let (server, authenticator) = start().await;
    let (other_server, other_authenticator) = start().await;
    somebody(&server, "alice", &authenticator).await;
    let mut foreign = somebody(&other_server, "alice", &other_authenticator).await;
    let browser = server.browser();
    // The browser knows both by one host name, and offers it.
    let answer = browser.sign_in_with_passkey(&authenticator, &mut foreign).await;
    assert_refused(&browser, &answer, REFUSED, "of another server").await;
}

#[tokio::test]
async fn a_passkey_that_was_removed_signs_nobody_in() {
    // WAN-09
    let (server, authenticator) = start().await;
    let browser = signed_in(&server, "alice").await;
    let mut passkey = browser.add_passkey(&authenticator, "Key").await;
    let (id,): (String,) = server.app.db.sql("SELECT id FROM passkeys").one().await.unwrap();
    let answer = browser.act("remove-passkey", Some(&id), None).await;
    browser.get(answer.location()).await.assert_page(200, "The passkey was removed.");
    let other = server.browser();
    let answer = other.sign_in_with_passkey(&authenticator, &mut passkey).await;
    assert_refused(&other, &answer, REFUSED, "removed").await;
}

#[tokio::test]
async fn what_is_wrong_with_an_account_is_told_to_its_owner() {
    // DEV-12, DEV-14, INV-05
    let (server, authenticator) = start().await;
    let mut passkey = somebody(&server, "alice", &authenticator).await;
    keymaker::flows::manage::set_locked(&server.app, "alice", true).await.unwrap();
    let browser = server.browser();
    let answer = browser.sign_in_with_passkey(&authenticator, &mut passkey).await;
    assert_refused(&browser, &answer, "This account is locked.", "locked").await;
    keymaker::flows::manage::set_locked(&server.app, "alice", false).await.unwrap();
    assert_eq!(server.browser().sign_in_with_passkey(&authenticator, &mut passkey).await.location(), "/account/");
}

#[tokio::test]
async fn a_name_can_be_changed_and_is_never_anything_but_text() {
    // WEB-07, WEB-02
    let (server, authenticator) = start().await;
    let browser = signed_in(&server, "alice").await;
    browser.add_passkey(&authenticator, "").await;
    let page = browser.get("account/security").await;
    page.assert_page(200, "<bdi>Passkey</bdi>");
    let long = "ä".repeat(200);
    for (typed, shown) in [
        ("Work laptop", "<bdi>Work laptop</bdi>"),
        ("<b>\"x\"</b>", "<bdi>&#60;b&#62;&#34;x&#34;&#60;/b&#62;</bdi>"),
        (&long, &format!("<bdi>{}</bdi>", "ä".repeat(64))),
        (" \n ", "<bdi>Passkey</bdi>"),
    ] {
        let page = browser.get("account/security").await;
        assert_eq!(browser.submit(&page, &[("name", typed)]).await.location(), "/account/security");
        browser.get("account/security").await.assert_page(200, shown);
    }
    // Nobody else's.
    let (id,): (String,) = server.app.db.sql("SELECT id FROM passkeys").one().await.unwrap();
    let mallory = signed_in(&server, "mallory").await;
    let csrf = crate::support::person::csrf_of(&mallory.get("account/").await.body);
    let page = mallory.confirm_page("change-password", None).await;
    let csrf_as = crate::support::person::csrf_of(&page.body);
    for csrf in [csrf, csrf_as] {
        let path = format!("account/passkeys/{id}/rename");
        let answer = mallory.http.post(&path, &[("csrf", &csrf), ("name", "Mine")]).await;
        assert!(matches!(answer.status, 403 | 404), "{}", answer.status);
    }
    browser.get("account/security").await.assert_page(200, "<bdi>Passkey</bdi>");
}

#[tokio::test]
async fn twenty_passkeys_are_enough() {
    let (server, authenticator) = start().await;
    let browser = signed_in(&server, "alice").await;
    for number in 0..20 {
        browser.add_passkey(&authenticator, &number.to_string()).await;
    }
    let form = PasskeyForm::of(&browser.page_to_add_passkey().await);
    let (_, credential) = authenticator.create(&form.options);
    let answer = browser.answer(&form, &credential, &[]).await;
    answer.assert_page(403, "You have as many passkeys as there can be.");
    assert_eq!(count(&server).await, 20);
}

#[tokio::test]
async fn without_a_host_name_the_pages_say_that_there_are_no_passkeys() {
    // WAN-01
    let server = Server::start().await;
    let browser = signed_in(&server, "alice").await;
    browser.get("account/security").await.assert_page(200, "Passkeys are not possible at this address.");
    let answer = browser.confirm("add-passkey", None).await;
    let page = browser.get(answer.location()).await;
    page.assert_page(403, "Passkeys are not possible at this address.");
    let stranger = server.browser();
    assert!(!stranger.get("login").await.body.contains("passkey"));
    assert_eq!(stranger.get("login/passkey").await.status, 403);
    let csrf = stranger.csrf().await;
    let answer = stranger.http.post("login/passkey", &[("csrf", &csrf), ("state", "x"), ("credential", "{}")]).await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_page_that_waits_gets_fresh_options() {
    // WAN-08
    let (server, authenticator) = start().await;
    let mut passkey = somebody(&server, "alice", &authenticator).await;
    let browser = server.browser();
    let page = browser.get("login").await;
    let form = PasskeyForm::of(&page);
    assert!(page.body.contains("autocomplete=\"username webauthn\""));
    server.clock.advance(4 * MINUTE);
    let fresh = browser.get("login/passkey").await.json();
    let options: Value = serde_json::from_str(fresh["options"].as_str().unwrap()).unwrap();
    assert_ne!(options["publicKey"]["challenge"], form.options["publicKey"]["challenge"]);
    server.clock.advance(4 * MINUTE);
    let form = PasskeyForm { options, state: fresh["state"].as_str().unwrap().to_owned(), ..form };
    let credential = authenticator.get(&form.options, &mut passkey);
    assert_eq!(browser.answer(&form, &credential, &[]).await.location(), "/account/");
}
