//! Mails, from the letter that a flow writes to the server that takes it; and what happened on an account, in mails and on
//! its page (issue "My account"; spec WEB-17, INV-03, INV-10).

mod development;
mod events;
mod letters;
mod notices;
mod queue;

use keymaker::{
    domain::{event::Event, id::UserId},
    flows::{
        Caller,
        event::record,
        mail::{Letter, LetterKind, enqueue},
        manage,
    },
    language::Language,
    store,
};

use crate::support::{PASSWORD, Server, eventually, http::Answer, person::csrf_of, smtp::SmtpSink};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const NEWER_FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0";
const SAFARI: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";

/// A server that sends its mails to a sink.
async fn server() -> (SmtpSink, Server) {
    let sink = SmtpSink::start();
    let server = Server::setup().mail(&sink).start().await;
    (sink, server)
}

impl Server {
    /// Writes a letter, as a flow does.
    async fn write(&self, to: &str, language: Language, kind: LetterKind) {
        let mut tx = self.app.db.write().await.unwrap();
        enqueue(&self.app, &mut tx, &Letter { to, language, kind }).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Writes the letter that lives longest.
    async fn write_any(&self, to: &str) {
        self.write(to, Language::English, LetterKind::AddressTaken).await;
    }

    async fn waiting_mails(&self) -> i64 {
        store::mail::count(&self.app.db).await.unwrap()
    }

    /// Goes on to when the next attempt is due, if nobody sends the only mail just now.
    async fn skip_pause(&self) {
        let sql = "SELECT run_at FROM mails WHERE holder IS NULL";
        if let Some((run_at,)) = self.app.db.sql(sql).optional::<(i64,)>().await.unwrap() {
            self.clock.advance((run_at - self.clock.now()).max(0));
        }
    }

    /// Makes an account with an address that an administrator vouches for.
    async fn user_with_email(&self, name: &str) -> String {
        let address = format!("{name}@example.com");
        manage::register_user(&self.app, name, Some(PASSWORD), Some(&address), false).await.unwrap();
        address
    }

    /// Signs in with a browser that calls itself so and speaks such a language.
    async fn sign_in_with(&self, name: &str, user_agent: &str, language: &str) -> Answer {
        let http = self.http.with_cookies();
        let page = http.get("login").await;
        let form = [("csrf", csrf_of(&page.body)), ("username", name.to_owned()), ("password", PASSWORD.to_owned())];
        let request = http.client.post(http.url("login")).header("user-agent", user_agent);
        let answer = http.send(request.header("accept-language", language).form(&form)).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        answer
    }

    async fn id_of(&self, name: &str) -> UserId {
        let sql = "SELECT id FROM users WHERE username = $1";
        self.app.db.sql(sql).bind(name).one::<(UserId,)>().await.unwrap().0
    }

    /// Lets something happen, as a flow does.
    async fn happen(&self, name: &str, event: Event, caller: &Caller) {
        self.happen_often(name, event, caller, 1).await;
    }

    async fn happen_often(&self, name: &str, event: Event, caller: &Caller, times: usize) {
        let user = self.id_of(name).await;
        let mut tx = self.app.db.write().await.unwrap();
        for _ in 0..times {
            record(&self.app, &mut tx, &user, event.clone(), caller).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn events(&self, name: &str) -> Vec<String> {
        let sql = "SELECT kind FROM account_events WHERE user_id = $1 ORDER BY id";
        let rows: Vec<(String,)> = self.app.db.sql(sql).bind(&self.id_of(name).await).all().await.unwrap();
        rows.into_iter().map(|(kind,)| kind).collect()
    }

    /// Waits until every mail that was written is sent.
    async fn settle_mails(&self) {
        eventually("an empty queue", async || self.waiting_mails().await == 0).await;
    }
}
