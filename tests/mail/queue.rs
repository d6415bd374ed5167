//! The queue: each mail arrives once, whatever goes wrong on the way, or is given up in an orderly way.

use std::time::Duration;

use futures_util::future::join_all;
use keymaker::{
    clock::MINUTE,
    flows::mail::{LetterKind, send, take_due},
    language::Language,
    store,
};

use super::server;
use crate::support::{
    Server, eventually,
    smtp::{Fault, SmtpSink, Step},
};

fn answer(step: Step, words: &str) -> Fault {
    Fault::Answer(step, words.to_owned())
}

#[tokio::test]
async fn a_mail_arrives_once_and_is_forgotten() {
    let (sink, server) = server().await;
    server.write_any("one@example.com").await;
    let mail = sink.mail_to("one@example.com").await;
    assert_eq!(mail.from, "no-reply@chat.example");
    eventually("an empty queue", async || server.waiting_mails().await == 0).await;
    let metrics = server.get("metrics").await.body;
    assert!(metrics.contains("keymaker_mails_total{result=\"sent\"}"), "{metrics}");
    assert_eq!(sink.mails().len(), 1);
}

#[tokio::test]
async fn a_mail_arrives_once_although_the_first_attempts_fail() {
    // TST-05
    let (sink, server) = server().await;
    server.audit.secret("patient@example.com");
    sink.fail([
        Fault::Refuse,
        answer(Step::Greeting, "421 4.3.2 later"),
        answer(Step::Hello, "550 not you"),
        answer(Step::Sender, "550 5.7.1 <no-reply@chat.example> is no sender of ours"),
        answer(Step::Recipient, "451 4.7.1 <patient@example.com> greylisted"),
        answer(Step::Data, "452 4.3.1 full"),
        answer(Step::Content, "451 4.3.0 later"),
        Fault::LoseMail,
    ]);
    server.write_any("patient@example.com").await;
    let begun = server.clock.now();
    eventually("the mail", async || {
        server.skip_pause().await;
        !sink.mails().is_empty()
    })
    .await;
    eventually("an empty queue", async || server.waiting_mails().await == 0).await;
    assert_eq!((sink.mails().len(), sink.conversations()), (1, 9));
    let waited = (server.clock.now() - begun) / MINUTE;
    assert!(waited >= 3 * 60, "the pauses grow: {waited} minutes");
}

#[tokio::test]
async fn what_went_wrong_is_kept_in_codes() {
    // INV-03: the server's words name the recipient.
    let (sink, server) = server().await;
    server.audit.secret("named@example.com");
    sink.fail([answer(Step::Recipient, "450 4.2.1 <named@example.com>: mailbox busy")]);
    server.write_any("named@example.com").await;
    let error = async || {
        let sql = "SELECT last_error FROM mails";
        server.app.db.sql(sql).optional::<(Option<String>,)>().await.unwrap().and_then(|(error,)| error)
    };
    eventually("a failed attempt", async || error().await.is_some()).await;
    assert_eq!(error().await.as_deref(), Some("the mail server answers 450 4.2.1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_send_each_mail_once() {
    // INV-16: replicas share nothing but the database.
    let (sink, server) = server().await;
    for number in 0..20 {
        server.write_any(&format!("number{number}@example.com")).await;
    }
    let work = async || {
        while let Some(mail) = take_due(&server.app).await.unwrap() {
            send(&server.app, &mail).await.unwrap();
        }
    };
    join_all((0..20).map(|_| work())).await;
    eventually("an empty queue", async || server.waiting_mails().await == 0).await;
    let mut to: Vec<String> = sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    to.dedup();
    assert_eq!((sink.mails().len(), to.len()), (20, 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_workers_that_want_one_mail_one_gets_it() {
    // INV-01
    let sink = SmtpSink::start();
    sink.always(Some(Fault::Hang(Step::Greeting)));
    let server = Server::setup().mail(&sink).start().await;
    server.write_any("wanted@example.com").await;
    let all = join_all((0..20).map(|_| take_due(&server.app))).await;
    let taken = all.into_iter().filter(|mail| mail.as_ref().unwrap().is_some()).count();
    // The worker of the server itself may have been the one.
    eventually("a holder", async || taken + sink.hung() == 1).await;
}

#[tokio::test]
async fn a_mail_that_is_refused_for_good_is_given_up() {
    let (sink, server) = server().await;
    for (address, fault) in [
        ("gone@example.com", answer(Step::Recipient, "550 5.1.1 <gone@example.com> no such mailbox")),
        ("spam@example.com", answer(Step::Content, "554 5.7.1 spam for <spam@example.com>")),
    ] {
        server.audit.secret(address);
        let before = sink.conversations();
        sink.fail([fault]);
        server.write_any(address).await;
        eventually("an empty queue", async || server.waiting_mails().await == 0).await;
        assert_eq!(sink.conversations() - before, 1, "nobody asks again");
    }
    assert!(sink.mails().is_empty());
    // What is no address goes to nobody.
    server.write_any("no address").await;
    eventually("an empty queue", async || server.waiting_mails().await == 0).await;
    assert_eq!(sink.conversations(), 2);
}

#[tokio::test]
async fn a_server_that_hangs_holds_nobody_up() {
    let (sink, server) = server().await;
    server.user("alice").await;
    sink.fail([Fault::Hang(Step::Greeting), Fault::Hang(Step::Recipient), Fault::Hang(Step::Content)]);
    for number in 0..3 {
        server.write_any(&format!("slow{number}@example.com")).await;
    }
    eventually("three that wait", async || sink.hung() == 3).await;
    // Pages answer, and the next mail takes the place that is left.
    server.browser().sign_in("alice").await;
    server.write_any("quick@example.com").await;
    sink.mail_to("quick@example.com").await;
    assert_eq!(sink.mails().len(), 1);
    sink.release();
    eventually("three failed attempts", async || {
        let sql = "SELECT COUNT(*) FROM mails WHERE attempts = 1 AND holder IS NULL";
        server.app.db.sql(sql).one::<(i64,)>().await.unwrap().0 == 3
    })
    .await;
    server.clock.advance(MINUTE);
    for number in 0..3 {
        sink.mail_to(&format!("slow{number}@example.com")).await;
    }
}

#[tokio::test]
async fn a_mail_that_nobody_wants_any_more_is_dropped() {
    let (sink, server) = server().await;
    server.audit.secret("314159265");
    sink.always(Some(answer(Step::Greeting, "421 later")));
    let code = LetterKind::VerificationCode { code: "314159265".to_owned(), expires_minutes: 10 };
    server.write("late@example.com", Language::English, code).await;
    let begun = server.clock.now();
    eventually("an empty queue", async || {
        server.skip_pause().await;
        server.waiting_mails().await == 0
    })
    .await;
    assert!(server.clock.now() - begun >= 10 * MINUTE);
    sink.always(None);
    server.write_any("next@example.com").await;
    sink.mail_to("next@example.com").await;
    assert_eq!(sink.mails().len(), 1, "a code that is over goes to nobody");
}

#[tokio::test]
async fn a_mail_whose_fate_is_unknown_goes_out_again_under_its_name() {
    // The server has it, and nobody heard it say so: the two are told apart by nobody.
    let (sink, server) = server().await;
    sink.fail([Fault::LoseAnswer]);
    server.write_any("twice@example.com").await;
    eventually("both", async || {
        server.skip_pause().await;
        sink.mails().len() == 2
    })
    .await;
    eventually("an empty queue", async || server.waiting_mails().await == 0).await;
    let ids: Vec<_> = sink.mails().iter().map(|mail| mail.header("Message-ID").unwrap()).collect();
    assert_eq!(ids[0], ids[1]);
    assert!(ids[0].starts_with('<') && ids[0].ends_with("@chat.example>"), "{}", ids[0]);
    assert_eq!(sink.mails()[0].header("Date"), sink.mails()[1].header("Date"));
}

#[tokio::test]
async fn the_mail_of_a_process_that_died_is_taken_over() {
    // INV-16: not before its lease has run out.
    let (sink, server) = server().await;
    sink.fail([Fault::Refuse]);
    server.write_any("orphan@example.com").await;
    eventually("a failed attempt", async || {
        let sql = "SELECT COUNT(*) FROM mails WHERE attempts = 1";
        server.app.db.sql(sql).one::<(i64,)>().await.unwrap().0 == 1
    })
    .await;
    let (id,): (keymaker::domain::id::MailId,) = server.app.db.sql("SELECT id FROM mails").one().await.unwrap();
    // It was due, and another process took it and died.
    let now = server.clock.now() + MINUTE;
    let mut tx = server.app.db.write().await.unwrap();
    let taken = store::mail::lease(&mut tx, &id, "a process that died", now + 2 * MINUTE, now).await.unwrap();
    tx.commit().await.unwrap();
    assert!(taken.is_some());
    server.clock.advance(MINUTE);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(sink.mails().is_empty(), "somebody else still holds it");
    server.clock.advance(3 * MINUTE);
    sink.mail_to("orphan@example.com").await;
    eventually("an empty queue", async || server.waiting_mails().await == 0).await;
}

#[tokio::test]
async fn the_password_goes_to_the_server_and_nowhere_else() {
    let sink = SmtpSink::start();
    let setup = Server::setup().mail(&sink).with("email.username", "keymaker").with("email.password", "open sesame 77");
    let server = setup.start().await;
    server.audit.secret("open sesame 77");
    // A wrong password is mended by somebody, so the mail waits.
    sink.fail([answer(Step::Auth, "535 5.7.8 wrong")]);
    server.write_any("known@example.com").await;
    eventually("the mail", async || {
        server.skip_pause().await;
        !sink.mails().is_empty()
    })
    .await;
    // "\0keymaker\0open sesame 77"
    let expected = "AUTH PLAIN AGtleW1ha2VyAG9wZW4gc2VzYW1lIDc3";
    assert_eq!(sink.said().iter().filter(|line| *line == expected).count(), 2, "{:?}", sink.said());
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_where_tls_was_asked_for() {
    for mode in ["starttls", "tls"] {
        let sink = SmtpSink::start();
        let setup = Server::setup().mail(&sink).with("email.mode", mode);
        let server = setup.with("email.username", "keymaker").with("email.password", "open sesame 78").start().await;
        server.audit.secret("open sesame 78");
        server.write_any("private@example.com").await;
        eventually("a failed attempt", async || {
            let sql = "SELECT COUNT(*) FROM mails WHERE attempts = 1";
            server.app.db.sql(sql).one::<(i64,)>().await.unwrap().0 == 1
        })
        .await;
        let said = sink.said();
        let is_harmless = |line: &String| line.starts_with("EHLO ") || line == "QUIT";
        assert!(mode == "tls" || said.iter().all(is_harmless), "{said:?}");
        assert!(sink.mails().is_empty());
    }
}

#[tokio::test]
async fn nothing_is_written_where_mail_is_switched_off() {
    let server = Server::setup().with("email.transport", "blackhole").start().await;
    assert!(!server.app.mail.is_available());
    server.user_with_email("alice").await;
    server.browser().sign_in("alice").await;
    server.write_any("nobody@example.com").await;
    assert_eq!(server.waiting_mails().await, 0);
}
