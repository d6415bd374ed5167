//! Mails without a mail server: in the terminal and in a folder for development, or through a program of the machine.

use std::{os::unix::fs::PermissionsExt, path::Path};

use keymaker::{flows::mail::LetterKind, language::Language};

use crate::support::{
    PASSWORD, Server, audit::Audit, eventually, http::Http, person::Person, process::Keymaker, smtp::Received,
};

fn mails_in(folder: &Path) -> Vec<Received> {
    let files = std::fs::read_dir(folder).into_iter().flatten().map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|ending| ending == "eml"))
        .map(|file| Received::read(&file))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn in_development_mails_are_in_the_terminal_and_in_the_data_folder() {
    // Issue: "In development, mails appear in the terminal and in ./data/mail."
    let mut keymaker = Keymaker::temporary(env!("CARGO_BIN_EXE_keymaker")).unwrap();
    keymaker.start().unwrap();
    let register = ["manage", "register-user", "alice", "--password", PASSWORD, "--email", "alice@example.com"];
    keymaker.run(&register).unwrap();
    let browser = Person { http: Http::new(&keymaker.base(), Audit::default()).with_cookies() };
    let page = browser.get("login").await;
    browser.submit(&page, &[("username", "alice"), ("password", PASSWORD)]).await;
    let folder = keymaker.directory().join("mail");
    eventually("a mail", async || !mails_in(&folder).is_empty()).await;
    let mails = mails_in(&folder);
    let mail = &mails[0];
    assert_eq!(mail.to, ["alice@example.com"]);
    assert_eq!(mail.header("From").as_deref(), Some("Keymaker <keymaker@localhost>"));
    for line in mail.text().lines() {
        assert!(keymaker.log().contains(line), "no {line:?} in {}", keymaker.log());
    }
    assert!(keymaker.log().contains("A mail to alice@example.com: localhost: Signed in"), "{}", keymaker.log());
}

#[tokio::test]
async fn a_program_of_the_machine_takes_mails_as_sendmail_does() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("sendmail");
    // It fails the first time, and names the recipient when it does.
    let script = "#!/bin/sh\ncd \"$(dirname \"$0\")\"\nif mkdir seen 2>/dev/null; then echo \"no $*\" >&2; exit 75; fi\n\
                  echo \"$*\" >arguments\ncat >draft && mv draft mail.eml\n";
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let server = Server::setup()
        .with("email.transport", "sendmail")
        .with("email.command", program.display().to_string())
        .with("email.from", "no-reply@chat.example")
        .start()
        .await;
    server.audit.secret("local@example.com");
    server.write("local@example.com", Language::English, LetterKind::AddressTaken).await;
    eventually("the mail", async || {
        server.skip_pause().await;
        directory.path().join("mail.eml").exists()
    })
    .await;
    let arguments = std::fs::read_to_string(directory.path().join("arguments")).unwrap();
    assert_eq!(arguments.trim(), "-i -f no-reply@chat.example -- local@example.com");
    let mail = Received::read(&directory.path().join("mail.eml"));
    assert!(mail.text().contains("You have an account already"), "{}", mail.text());
    eventually("an empty queue", async || server.waiting_mails().await == 0).await;
}
