//! The verbs of somebody who has a second factor, or confirms an act: an authenticator app of our own reckoning (RFC 6238),
//! recovery codes, and the pages where they are used.

use aws_lc_rs::hmac;
use keymaker::{clock::SECOND, domain::act::Act};

use super::{
    PASSWORD, Server,
    http::Answer,
    person::{Person, encode},
};

/// An authenticator app.
#[derive(Clone)]
pub struct App {
    seed: Vec<u8>,
}

impl App {
    /// Types the seed in that a page shows.
    pub fn set_up(page: &Answer) -> Self {
        Self { seed: decode_base32(&seed_of(page)) }
    }

    pub fn seed(&self) -> &[u8] {
        &self.seed
    }

    /// The code of a moment (Unix milliseconds).
    pub fn code_at(&self, now: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.seed);
        let tag = hmac::sign(&key, &(now / SECOND / 30).to_be_bytes());
        let tag = tag.as_ref();
        let at = usize::from(tag[19] & 15);
        let number = u32::from_be_bytes([tag[at] & 127, tag[at + 1], tag[at + 2], tag[at + 3]]);
        format!("{:06}", number % 1_000_000)
    }

    pub fn code(&self, server: &Server) -> String {
        self.code_at(server.clock.now())
    }

    /// A code that is not that of any step near.
    pub fn wrong_code(&self, server: &Server) -> String {
        let near = [-90, -60, -30, 0, 30, 60, 90].map(|seconds| self.code_at(server.clock.now() + seconds * SECOND));
        (0..).map(|number| format!("{number:06}")).find(|code| !near.contains(code)).unwrap()
    }
}

/// The seed that a page shows as text.
pub fn seed_of(page: &Answer) -> String {
    let (_, rest) = page.body.split_once("<p><bdi class=\"id\">").unwrap_or_else(|| panic!("no seed: {}", page.body));
    rest.split_once('<').unwrap().0.replace(' ', "")
}

/// RFC 4648 §6, without padding.
fn decode_base32(text: &str) -> Vec<u8> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0u32, 0);
    for letter in text.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap();
        bits = (bits << 5) | u32::try_from(value).unwrap();
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 255).unwrap());
        }
    }
    bytes
}

/// The recovery codes that a page shows.
pub fn recovery_codes_of(page: &Answer) -> Vec<String> {
    let codes = page.body.split("<li><code class=\"id\">").skip(1);
    codes.map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect()
}

impl Person {
    /// The page that explains an act and asks who is there.
    pub async fn confirm_page(&self, act: &str, target: Option<&str>) -> Answer {
        let query: Vec<_> = [("act", act)].into_iter().chain(target.map(|target| ("target", target))).collect();
        let page = self.get(&format!("account/confirm?{}", encode(&query))).await;
        assert_eq!(page.status, 200, "{act}: {}", page.body);
        page
    }

    /// Confirms an act with `PASSWORD`, as far as that goes.
    pub async fn confirm(&self, act: &str, target: Option<&str>) -> Answer {
        let page = self.confirm_page(act, target).await;
        self.submit(&page, &[("password", PASSWORD)]).await
    }

    /// Signs in with name and `PASSWORD`, and gives what comes then: the page of the second step, or the redirect that ends it.
    pub async fn enter_password(&self, user: &str) -> Answer {
        let (_, page) = self.open("login").await;
        self.enter_password_at(&page, user).await
    }

    /// The same at a page that is open.
    pub async fn enter_password_at(&self, page: &Answer, user: &str) -> Answer {
        let answer = self.submit(page, &[("username", user), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        match answer.location().starts_with("/factor?") {
            true => self.get(answer.location()).await,
            false => answer,
        }
    }

    /// Signs in with name, `PASSWORD` and a code.
    pub async fn sign_in_with_code(&self, user: &str, code: &str) -> Answer {
        let page = self.enter_password(user).await;
        self.submit(&page, &[("totp", code)]).await
    }

    /// Tells whether somebody is signed in here.
    pub async fn is_signed_in(&self) -> bool {
        self.get("account/security").await.status == 200
    }

    /// Sets an authenticator app up, and enters its first code: that of half a minute ago, so that the next is not used.
    pub async fn add_totp(&self, server: &Server) -> App {
        let page = self.page_to_add_totp().await;
        let app = App::set_up(&page);
        let answer = self.submit(&page, &[("totp", &app.code_at(server.clock.now() - 30 * SECOND))]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
        assert!(answer.location().ends_with("?done=add-totp"), "{}", answer.location());
        app
    }

    /// Confirms with the password that an app is to be set up, and gives the page that shows its seed.
    pub async fn page_to_add_totp(&self) -> Answer {
        let answer = self.confirm("add-totp", None).await;
        let page = self.get(answer.location()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        page
    }

    /// Makes recovery codes; where a second factor is asked for, with this code.
    pub async fn make_recovery_codes(&self, code: Option<&str>) -> Vec<String> {
        let page = self.act("make-recovery-codes", None, code).await;
        assert_eq!(page.status, 200, "{}", page.body);
        recovery_codes_of(&page)
    }

    /// Does an act that needs no form of its own, with `PASSWORD` and, where it is asked for, a code.
    pub async fn act(&self, act: &str, target: Option<&str>, code: Option<&str>) -> Answer {
        let answer = self.confirm(act, target).await;
        match (code, answer.header("location")) {
            (Some(code), Some(location)) if location.starts_with("/factor?") => {
                let page = self.get(location).await;
                self.submit(&page, &[("totp", code)]).await
            }
            _ => answer,
        }
    }
}

/// Acts whose confirmation does them at once, for the stories that go through all.
pub fn acts_without_form() -> impl Iterator<Item = Act> {
    Act::ALL.into_iter().filter(|act| act.form().is_none())
}
