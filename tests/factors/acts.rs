//! Proofs for acts (INV-06): each is for one act on one target in one browser session, of the last minutes, and good once.

use futures_util::future::join_all;
use keymaker::{
    clock::{MINUTE, SECOND},
    domain::{act::Act, factor::FactorProblem, refusal::Refusal},
    error::Error,
    flows::{Caller, prove},
};

use crate::support::{
    PASSWORD, Server,
    authenticator::{Authenticator, PasskeyForm},
    person::{Person, Somebody, attribute, csrf_of},
};

/// Proves with `PASSWORD`, which has to be enough.
async fn prove(server: &Server, by: &Somebody, act: Act, target: Option<&str>) -> String {
    let (browser, signed_in, caller) = (&by.browser, &by.signed_in, Caller::default());
    let begun = prove::begin_act_with_password(&server.app, browser, signed_in, act, target, PASSWORD, &caller);
    let proof = begun.await.unwrap();
    assert!(proof.proved_at.is_some());
    proof.id.to_string()
}

/// Consumes a proof as the flow of an act does.
async fn consume(server: &Server, by: &Somebody, act: Act, target: Option<&str>, proof: &str) -> bool {
    let mut tx = server.app.db.write().await.unwrap();
    let result = prove::consume(&server.app, &mut tx, &by.signed_in, act, target, proof).await;
    match result {
        Ok(()) => tx.commit().await.is_ok(),
        Err(Error::Refusal(Refusal::Factor(FactorProblem::ProofNeeded))) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn server_with_alice() -> (Server, Person) {
    let server = Server::setup().with_passkeys().start().await;
    server.user("alice").await;
    let browser = server.browser();
    browser.sign_in("alice").await;
    (server, browser)
}

#[tokio::test]
async fn a_proof_is_for_one_act_on_one_target_and_good_once() {
    // INV-06, INV-01
    let (server, browser) = server_with_alice().await;
    let alice = Somebody::at(&server, &browser).await;
    for act in Act::ALL {
        let target = act.has_target().then_some("this one");
        let proof = prove(&server, &alice, act, target).await;
        for other in Act::ALL {
            let other_target = other.has_target().then_some("this one");
            if other != act {
                assert!(!consume(&server, &alice, other, other_target, &proof).await, "{act:?} for {other:?}");
            }
        }
        let other_targets: &[Option<&str>] = match target {
            Some(_) => &[None, Some(""), Some("that one"), Some("this one ")],
            None => &[Some("this one"), Some("that one")],
        };
        for other in other_targets {
            assert!(!consume(&server, &alice, act, *other, &proof).await, "{act:?} on {other:?}");
        }
        assert!(consume(&server, &alice, act, target, &proof).await, "{act:?}: what it is for");
        assert!(!consume(&server, &alice, act, target, &proof).await, "{act:?}: twice");
    }
    for nothing in ["", "x", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "\0"] {
        assert!(!consume(&server, &alice, Act::AddTotp, None, nothing).await, "{nothing:?}");
    }
}

#[tokio::test]
async fn a_proof_lasts_five_minutes() {
    // INV-06, ACT-05, INV-15
    let (server, browser) = server_with_alice().await;
    let alice = Somebody::at(&server, &browser).await;
    let (first, second) =
        (prove(&server, &alice, Act::AddEmail, None).await, prove(&server, &alice, Act::AddEmail, None).await);
    server.clock.advance(4 * MINUTE);
    assert!(consume(&server, &alice, Act::AddEmail, None, &first).await);
    server.clock.advance(MINUTE);
    assert!(!consume(&server, &alice, Act::AddEmail, None, &second).await);
}

#[tokio::test]
async fn a_proof_is_nothing_to_another_session_of_the_same_person_or_of_another() {
    // INV-06
    let (server, browser) = server_with_alice().await;
    server.user("mallory").await;
    let (elsewhere, mallory) = (server.browser(), server.browser());
    elsewhere.sign_in("alice").await;
    mallory.sign_in("mallory").await;
    let alice = Somebody::at(&server, &browser).await;
    let proof = prove(&server, &alice, Act::Deactivate, None).await;
    for other in [&elsewhere, &mallory] {
        let other = Somebody::at(&server, other).await;
        assert!(!consume(&server, &other, Act::Deactivate, None, &proof).await);
    }
    // Signed out and in again, it is another session.
    let page = browser.get("logout").await;
    browser.submit(&page, &[]).await;
    browser.sign_in("alice").await;
    let again = Somebody::at(&server, &browser).await;
    assert!(!consume(&server, &again, Act::Deactivate, None, &proof).await);
}

#[tokio::test]
async fn a_password_is_no_proof_where_a_second_factor_is_required() {
    // INV-06, OTP-05: for every act.
    let (server, browser) = server_with_alice().await;
    let app = browser.add_totp(&server).await;
    let alice = Somebody::at(&server, &browser).await;
    for act in Act::ALL {
        let target = act.has_target().then_some("this one");
        let (browser, signed_in, caller) = (&alice.browser, &alice.signed_in, Caller::default());
        let begun = prove::begin_act_with_password(&server.app, browser, signed_in, act, target, PASSWORD, &caller);
        let begun = begun.await.unwrap();
        assert!(begun.proved_at.is_none(), "{act:?}");
        assert!(!consume(&server, &alice, act, target, begun.id.as_str()).await, "{act:?}: half of a proof");
        let found = prove::find(&server.app, begun.id.as_str(), &alice.browser).await.unwrap();
        let code = app.code_at(server.clock.now());
        let code = keymaker::flows::factor::Code::Totp(&code);
        prove::with_code(&server.app, &found, &code, &Caller::default()).await.unwrap();
        assert!(consume(&server, &alice, act, target, begun.id.as_str()).await, "{act:?}");
        server.clock.advance(30 * SECOND);
    }
}

#[tokio::test]
async fn the_proof_of_a_login_is_none_of_an_act_and_the_other_way_round() {
    // INV-02
    let (server, browser) = server_with_alice().await;
    let app = browser.add_totp(&server).await;
    server.clock.advance(60 * SECOND);
    let alice = Somebody::at(&server, &browser).await;
    // A second step of a login, in the same browser.
    let login = browser.get("login?switch=1").await;
    let answer = browser.submit(&login, &[("username", "alice"), ("password", PASSWORD)]).await;
    let of_login = answer.location().split_once("proof=").unwrap().1.to_owned();
    for act in Act::ALL {
        assert!(!consume(&server, &alice, act, None, &of_login).await, "{act:?}");
    }
    // A proof for an act signs nobody in: without the session that it was begun in, there is no such step.
    let answer = browser.confirm("require-second-factor", None).await;
    let of_act = answer.location().to_owned();
    let page = browser.get("logout").await;
    browser.submit(&page, &[]).await;
    let csrf = browser.csrf().await;
    let code = app.code(&server);
    let answer = browser.http.post(&of_act, &[("csrf", &csrf), ("totp", &code)]).await;
    assert!(matches!(answer.status, 400 | 403), "{}", answer.status);
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn of_twenty_who_use_one_proof_at_once_one_does_the_act() {
    // INV-01, INV-06
    let (server, browser) = server_with_alice().await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    let answer = browser.confirm("add-passkey", None).await;
    let path = answer.location().to_owned();
    let mut forms = Vec::new();
    for _ in 0..20 {
        let form = PasskeyForm::of(&browser.get(&path).await);
        let (_, credential) = authenticator.create(&form.options);
        forms.push((form, credential));
    }
    let answers = forms.iter().map(|(form, credential)| browser.answer(form, credential, &[("name", "Key")]));
    let answers = join_all(answers).await;
    let done = answers.iter().filter(|answer| answer.location().ends_with("?done=add-passkey")).count();
    let again =
        answers.iter().filter(|answer| answer.location().starts_with("/account/confirm?act=add-passkey")).count();
    assert_eq!((done, again), (1, 19));
    let passkeys: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM passkeys").one().await.unwrap();
    assert_eq!(passkeys.0, 1);
}

#[tokio::test]
async fn the_form_of_an_act_wants_the_proof_that_leads_to_it() {
    // INV-06, ACT-05: at every page to which a proof leads.
    let (server, browser) = server_with_alice().await;
    for act in Act::ALL {
        let Some(form) = act.form() else { continue };
        let confirm = format!("/account/confirm?act={}", act.as_str());
        for query in ["", "?proof=", "?proof=x", "?proof=01ARZ3NDEKTSV4RRFFQ69G5FAV"] {
            let answer = browser.get(&format!("{form}{query}")).await;
            assert_eq!((answer.status, answer.location()), (303, confirm.as_str()), "{form}{query}");
        }
        let answer = browser.confirm(act.as_str(), None).await;
        let proved = answer.location().to_owned();
        assert!(proved.starts_with(&format!("/{form}?proof=")), "{proved}");
        assert_eq!(browser.get(&proved).await.status, 200, "{act:?}");
        // The proof of one is none of another.
        let proof = proved.split_once("proof=").unwrap().1.to_owned();
        for other in Act::ALL.into_iter().filter(|other| *other != act) {
            if let Some(form) = other.form() {
                let answer = browser.get(&format!("{form}?proof={proof}")).await;
                assert!(answer.location().starts_with("/account/confirm?act="), "{act:?} at {other:?}");
            }
        }
        // Nor is it one in another session of the same person.
        let elsewhere = server.browser();
        elsewhere.sign_in("alice").await;
        assert_eq!(elsewhere.get(&proved).await.location(), confirm, "{act:?}");
        server.clock.advance(5 * MINUTE);
        assert_eq!(browser.get(&proved).await.location(), confirm, "{act:?}: later");
    }
}

#[tokio::test]
async fn looking_at_the_explanation_of_an_act_changes_nothing_and_a_wrong_password_neither() {
    // ACT-05, INV-06
    let (server, browser) = server_with_alice().await;
    browser.add_totp(&server).await;
    let rows = async || {
        let count = "SELECT (SELECT COUNT(*) FROM totp) + (SELECT COUNT(*) FROM user_passwords) * 10
             + (SELECT COUNT(*) FROM recovery_codes) * 100 + (SELECT COUNT(*) FROM proofs) * 10000";
        server.app.db.sql(count).one::<(i64,)>().await.unwrap().0
    };
    let before = rows().await;
    for act in Act::ALL.into_iter().filter(|act| !act.has_target()) {
        let page = browser.confirm_page(act.as_str(), None).await;
        browser.submit(&page, &[("password", "wrong")]).await.assert_page(403, "This password is wrong.");
        browser.submit(&page, &[("password", "")]).await.assert_page(403, "This password is wrong.");
        assert_eq!(rows().await, before, "{act:?}");
    }
}

#[tokio::test]
async fn an_act_on_what_is_not_there_or_somebody_elses_is_found_nowhere() {
    // ACT-06
    let (server, browser) = server_with_alice().await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    let _passkey = browser.add_passkey(&authenticator, "Alice's own").await;
    let page = browser.get("account/security").await;
    let href = attribute(&page.body, "<a href=\"/account/confirm?act=remove-passkey&#38;target=")
        .or(attribute(&page.body, "<a href=\"/account/confirm?act=remove-passkey&amp;target="))
        .unwrap();
    server.user("mallory").await;
    let mallory = server.browser();
    mallory.sign_in("mallory").await;
    for target in [href.as_str(), "01ARZ3NDEKTSV4RRFFQ69G5FAV", "nothing", "", "%00"] {
        for act in Act::ALL.into_iter().filter(|act| act.has_target()) {
            let path = format!("account/confirm?act={}&target={target}", act.as_str());
            let answer = mallory.get(&path).await;
            assert_eq!(answer.status, 404, "{path}");
            assert!(!answer.body.contains("own"), "{path}");
            let csrf = csrf_of(&mallory.confirm_page("change-password", None).await.body);
            let answer = mallory.http.post(&path, &[("csrf", &csrf), ("password", PASSWORD)]).await;
            assert_eq!(answer.status, 404, "{path}");
        }
    }
    for path in [
        "account/confirm",
        "account/confirm?act=",
        "account/confirm?act=anything",
        "account/confirm?act=remove-passkey",
    ] {
        assert_eq!(mallory.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_passkey_alone_proves_and_another_persons_does_not() {
    // WAN-09, INV-06
    let (server, browser) = server_with_alice().await;
    let authenticator = Authenticator::at(&server.app.config.http.public_base);
    let mut passkey = browser.add_passkey(&authenticator, "Key").await;
    server.user("mallory").await;
    let mallory = server.browser();
    mallory.sign_in("mallory").await;
    let mut hers = mallory.add_passkey(&authenticator, "Key").await;

    let page = browser.confirm_page("require-second-factor", None).await;
    browser.use_passkey(&page, &authenticator, &mut hers).await.assert_page(403, "This passkey was not accepted.");
    // A challenge that was answered wrongly is over too.
    browser.use_passkey(&page, &authenticator, &mut passkey).await.assert_page(403, "This took too long");
    let page = browser.confirm_page("require-second-factor", None).await;
    let answer = browser.use_passkey(&page, &authenticator, &mut passkey).await;
    browser.get(answer.location()).await.assert_page(200, "A second factor is asked for from now on.");
    // What is asked on the page of one act is not answered at another, nor at the login.
    let page = browser.confirm_page("make-recovery-codes", None).await;
    let answer = browser.use_passkey(&page, &authenticator, &mut passkey).await;
    assert_eq!(crate::support::factors::recovery_codes_of(&answer).len(), 10, "the second factor is in it");
}

#[tokio::test]
async fn too_many_wrong_codes_end_the_confirmation_of_an_act_too() {
    // OTP-04
    let (server, browser) = server_with_alice().await;
    let app = browser.add_totp(&server).await;
    server.clock.advance(60 * SECOND);
    let answer = browser.confirm("remove-totp", None).await;
    let page = browser.get(answer.location()).await;
    for _ in 0..5 {
        browser.submit(&page, &[("totp", &app.wrong_code(&server))]).await.assert_page(403, "This code is wrong");
    }
    browser.submit(&page, &[("totp", &app.code(&server))]).await.assert_page(400, "This sign-in is over");
    let rows: (i64,) = server.app.db.sql("SELECT COUNT(*) FROM totp").one().await.unwrap();
    assert_eq!(rows.0, 1);
    assert!(browser.is_signed_in().await, "who was signed in stays so");
}

#[tokio::test]
async fn an_act_leads_whoever_is_not_signed_in_to_the_login_and_back() {
    // ACT-04, WEB-06
    let server = Server::start().await;
    server.user("alice").await;
    let browser = server.browser();
    let (path, page) = browser.open("account/confirm?act=change-password").await;
    assert!(path.starts_with("/login?act=change-password"), "{path}");
    let answer = browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    let (path, page) = browser.open(answer.location()).await;
    assert!(path.starts_with("/account/confirm?act=change-password"), "{path}");
    page.assert_page(200, "Change the password");
    // What is no act leads to no place of somebody else's choice.
    let other = server.browser();
    let (path, _) = other.open("account/confirm?act=https://evil.example/&target=//evil.example").await;
    assert_eq!(path, "/login");
}
