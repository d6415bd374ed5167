//! The verbs of somebody who reads their mail: the codes and the links in it, and the pages where they are used.

use keymaker::{domain::id::UserId, flows::manage, store::email};

use super::{
    PASSWORD, Server, eventually,
    http::Answer,
    person::{Person, attribute},
    smtp::{Received, SmtpSink},
};

/// The code in a mail.
pub fn code_of(mail: &Received) -> String {
    let text = mail.text();
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    text.lines().map(str::trim).find(is_code).unwrap_or_else(|| panic!("no code: {text}")).to_owned()
}

/// Another code of the same shape.
pub fn wrong_code(code: &str) -> String {
    let number: u32 = code.parse().unwrap();
    format!("{:06}", (number + 1) % 1_000_000)
}

/// Where the way back in begins that a mail shows.
pub fn link_of(mail: &Received) -> String {
    let text = mail.text();
    let link = text.split_whitespace().find(|word| word.contains("/recover/"));
    link.unwrap_or_else(|| panic!("no link: {text}")).to_owned()
}

impl Server {
    /// Makes an account with `PASSWORD` and an address that an administrator vouches for.
    pub async fn user_with_address(&self, name: &str, address: &str) {
        manage::register_user(&self.app, name, Some(PASSWORD), Some(address), false).await.unwrap();
    }

    pub async fn user_id(&self, name: &str) -> UserId {
        let row = self.app.db.sql("SELECT id FROM users WHERE username = $1").bind(name).one::<(UserId,)>();
        row.await.unwrap().0
    }

    /// The addresses of an account, and whether each is confirmed.
    pub async fn addresses(&self, name: &str) -> Vec<(String, bool)> {
        let list = email::list(&self.app.db, &self.user_id(name).await).await.unwrap();
        list.into_iter().map(|row| (row.email, row.confirmed_at.is_some())).collect()
    }

    /// The id of an address, as links to it carry it.
    pub async fn address_id(&self, address: &str) -> String {
        let row = self.app.db.sql("SELECT id FROM user_emails WHERE email = $1").bind(address).one::<(String,)>();
        row.await.unwrap().0
    }

    /// Reads the code in the only mail to an address, or the last of several, and has the database and the log searched for
    /// the letter that held it.
    pub async fn nth_mailed_code(&self, sink: &SmtpSink, address: &str, count: usize) -> String {
        let code = code_of(&sink.nth_mail_to(address, count).await);
        self.audit.secret(&format!("\"code\":\"{code}\""));
        code
    }

    pub async fn mailed_code(&self, sink: &SmtpSink, address: &str) -> String {
        self.nth_mailed_code(sink, address, 1).await
    }

    /// Reads the link in the last of so many mails to an address.
    pub async fn nth_mailed_link(&self, sink: &SmtpSink, address: &str, count: usize) -> String {
        let link = link_of(&sink.nth_mail_to(address, count).await);
        self.audit.look_for_secrets(&link);
        link
    }

    pub async fn mailed_link(&self, sink: &SmtpSink, address: &str) -> String {
        self.nth_mailed_link(sink, address, 1).await
    }

    /// Waits until nobody is looked for any more who asked for a way back in.
    pub async fn until_recoveries_are_done(&self) {
        let all = keymaker::flows::recover::AT_ONCE;
        let places = self.app.recoveries.acquire_many(u32::try_from(all).unwrap());
        drop(tokio::time::timeout(std::time::Duration::from_secs(60), places).await.unwrap().unwrap());
    }

    /// Lets time pass, but not for a mail that is just being sent: somebody else would take it for abandoned.
    pub async fn pass(&self, milliseconds: i64) {
        self.until_recoveries_are_done().await;
        self.until_mails_are_sent().await;
        self.clock.advance(milliseconds);
    }

    /// Waits until every mail that was written is on its way or given up.
    pub async fn until_mails_are_sent(&self) {
        let is_empty = async || keymaker::store::mail::count(&self.app.db).await.unwrap() == 0;
        eventually("that no mail waits", is_empty).await;
    }
}

impl Person {
    /// Confirms an act with `PASSWORD` and opens the form that it leads to.
    pub async fn form_of(&self, act: &str) -> Answer {
        let answer = self.confirm(act, None).await;
        let page = self.get(answer.location()).await;
        assert_eq!(page.status, 200, "{act}: {}", page.body);
        page
    }

    /// Confirms with the password that an address is to be added, and enters it.
    pub async fn enter_address(&self, address: &str) -> Answer {
        let page = self.form_of("add-email").await;
        let proof = attribute(&page.body, "name=\"proof\" value=\"").unwrap();
        self.submit(&page, &[("email", address), ("proof", &proof)]).await
    }

    /// The same, up to the page that asks for the code.
    pub async fn page_of_code(&self, address: &str) -> Answer {
        let answer = self.enter_address(address).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        let page = self.get(answer.location()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// Asks for a way back in.
    pub async fn ask_for_link(&self, address: &str) -> Answer {
        let page = self.get("recover").await;
        self.submit(&page, &[("email", address)]).await
    }
}
