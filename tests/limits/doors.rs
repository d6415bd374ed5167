//! Each door that a limiter stands before, through HTTP: the burst is let in, the next one is told how long to wait in the
//! form of that door, and no header of one's own making helps.

use futures_util::future::BoxFuture;
use keymaker::{clock::SECOND, flows::limit::Limiter};
use serde_json::json;

use super::{BURST, TIGHT};
use crate::support::{
    MATRIX_SCOPE, PASSWORD, REDIRECT_URI, STATIC_CLIENT, Server, Setup,
    compat::{LOGIN, password_login},
    http::Answer,
    identity_provider::IdentityProvider,
    person::Person,
    smtp::SmtpSink,
};

const HERE: &str = "198.51.100.7";
const ELSEWHERE: &str = "198.51.100.8";

/// In which form a door says no.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Page,
    OAuth,
    /// Where a 429 would be misunderstood (TRP-05, RFC 7009).
    OAuthBusy,
    /// For servers: without CORS.
    OAuthBehind,
    Matrix,
}

/// Goes through a door for the nth time.
type Step = for<'a> fn(&'a Server, &'a Person, usize) -> BoxFuture<'a, Answer>;

struct Door {
    limiter: Limiter,
    form: Form,
    /// What is answered as long as it is allowed.
    allowed: u16,
    step: Step,
}

impl Door {
    /// Tells whether another address is counted by itself.
    fn is_by_address(&self) -> bool {
        use Limiter::*;
        !matches!(
            self.limiter,
            PasswordByAccount
                | LoginByAccount
                | SecondFactorByAccount
                | RecoveryByEmail
                | EmailCodeByEmail
                | EmailCodeBySession
                | EmailTryBySession
                | UserCodeBySession
        )
    }

    async fn check(&self) {
        let sink = SmtpSink::start();
        let setup = Setup::default().mail(&sink).static_client("client_secret_post").limit(self.limiter, TIGHT);
        let provider = IdentityProvider::start().await;
        let setup =
            setup.providers(&[(&provider, "company", json!({}))]).with("authorization.pushed_requests", "optional");
        let server = setup.with("account.password_registration_enabled", "true").start().await;
        server.user_with_address("alice", "alice@example.com").await;
        let person = server.browser();
        let here = person.at(HERE);
        for n in 0..BURST {
            let answer = (self.step)(&server, &here, n).await;
            assert_eq!(answer.status, self.allowed, "{}", answer.body);
        }
        let seconds = self.assert_refused(&(self.step)(&server, &here, BURST).await);
        // INV-11, RTL-01: only what the last proxy wrote counts.
        let spoofed = person.at(&format!("203.0.113.99, 127.0.0.1, {HERE}"));
        self.assert_refused(&(self.step)(&server, &spoofed, 3).await);
        let answer = (self.step)(&server, &person.at(ELSEWHERE), 4).await;
        match self.is_by_address() {
            true => assert_eq!(answer.status, self.allowed, "{}", answer.body),
            false => drop(self.assert_refused(&answer)),
        }
        server.pass(seconds * SECOND).await;
        let answer = (self.step)(&server, &here, 5).await;
        assert_eq!(answer.status, self.allowed, "{}", answer.body);
        let counted = format!("keymaker_rate_limited_total{{limiter=\"{}\"}}", self.limiter.name());
        let metrics = server.get("metrics").await.body;
        assert!(metrics.contains(&counted), "RTL-07: no {counted}");
        assert!(!metrics.contains(HERE) && !metrics.contains("alice"), "{metrics}");
    }

    /// CMN-19. Gives the seconds to wait.
    fn assert_refused(&self, answer: &Answer) -> i64 {
        let status = if self.form == Form::OAuthBusy { 503 } else { 429 };
        assert_eq!(answer.status, status, "{}", answer.body);
        let seconds: i64 = answer.header("retry-after").expect("Retry-After").parse().unwrap();
        assert!((550..=840).contains(&seconds), "{seconds}");
        match self.form {
            Form::Page => answer.assert_page(429, " minutes."),
            Form::OAuth | Form::OAuthBusy | Form::OAuthBehind => {
                answer.assert_error(status, "temporarily_unavailable");
                let origin = (self.form != Form::OAuthBehind).then_some("*");
                assert_eq!(answer.header("access-control-allow-origin"), origin, "CMN-11");
            }
            Form::Matrix => {
                answer.assert_matrix_error(429, "M_LIMIT_EXCEEDED");
                assert_eq!(answer.json()["retry_after_ms"], seconds * 1000);
            }
        }
        seconds
    }
}

macro_rules! doors {
    ($($name:ident: $limiter:ident, $form:ident, $allowed:literal, |$server:ident, $person:ident, $n:ident| $step:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            fn step<'a>($server: &'a Server, $person: &'a Person, $n: usize) -> BoxFuture<'a, Answer> {
                Box::pin(async move { $step })
            }
            Door { limiter: Limiter::$limiter, form: Form::$form, allowed: $allowed, step }.check().await;
        }
    )*};
}

doors! {
    wrong_passwords_of_one_address: PasswordByAddress, Page, 401, |_server, person, n|
        enter(person, &format!("user{n}"), "a wrong guess").await;
    wrong_passwords_on_one_account: PasswordByAccount, Page, 401, |server, _person, _n|
        enter(&server.browser().at(HERE), "alice", "a wrong guess").await;
    wrong_passwords_in_older_apps_of_one_address: PasswordByAddress, Matrix, 403, |_server, person, n|
        log_in(person, &format!("user{n}"), "a wrong guess").await;
    wrong_passwords_in_older_apps_on_one_account: PasswordByAccount, Matrix, 403, |_server, person, _n|
        log_in(person, "alice", "a wrong guess").await;
    wrong_passwords_before_an_act: PasswordByAddress, Page, 403, |_server, person, _n| {
        ensure_signed_in(person).await;
        let page = person.confirm_page("change-password", None).await;
        person.submit(&page, &[("password", "a wrong guess")]).await
    };
    right_passwords_on_one_account: LoginByAccount, Page, 303, |server, _person, _n|
        enter(&server.browser().at(HERE), "alice", PASSWORD).await;
    right_passwords_in_older_apps: LoginByAccount, Matrix, 200, |_server, person, _n|
        log_in(person, "alice", PASSWORD).await;
    wrong_codes_of_a_second_factor: SecondFactorByAccount, Page, 403, |server, _person, n| {
        if n == 0 {
            let browser = server.browser();
            browser.sign_in("alice").await;
            browser.add_totp(server).await;
        }
        let browser = server.browser().at(HERE);
        let page = browser.enter_password("alice").await;
        browser.submit(&page, &[("totp", "12345x")]).await
    };
    sign_ups: RegistrationByAddress, Page, 303, |_server, person, n|
        begin_sign_up(person, &format!("newcomer{n}")).await;
    questions_whether_a_name_is_free: Availability, Page, 422, |_server, person, _n|
        begin_sign_up(person, "alice").await;
    requests_for_a_way_back_in: RecoveryByAddress, Page, 303, |_server, person, n|
        person.ask_for_link(&format!("person{n}@example.com")).await;
    requests_for_a_way_back_in_to_one_address: RecoveryByEmail, Page, 303, |_server, person, _n|
        person.ask_for_link("nobody@example.com").await;
    codes_asked_for_from_one_address: EmailCodeByAddress, Page, 303, |_server, person, n|
        ask_for_code(person, &format!("address{n}@example.com")).await;
    codes_to_one_address: EmailCodeByEmail, Page, 303, |_server, person, _n|
        ask_for_code(person, "another@example.com").await;
    codes_for_one_account: EmailCodeBySession, Page, 303, |_server, person, n|
        ask_for_code(person, &format!("address{n}@example.com")).await;
    codes_typed_for_one_account: EmailTryBySession, Page, 422, |server, person, n| {
        // A code lives for ten minutes, and few are sent.
        if n == 0 || n == 5 {
            assert_eq!(ask_for_code(person, &format!("address{n}@example.com")).await.status, 303);
        }
        let sql = "SELECT id FROM email_verifications ORDER BY created_at DESC LIMIT 1";
        let (id,) = server.app.db.sql(sql).one::<(String,)>().await.unwrap();
        let page = person.get(&format!("account/emails/verify?id={id}")).await;
        // What is right by chance would be the end of the story; it is one in a million.
        person.submit(&page, &[("code", "000000")]).await
    };
    questions_whether_a_token_is_good: Availability, Matrix, 200, |_server, person, n|
        person.get(&format!("/_matrix/client/v1/register/m.login.registration_token/validity?token=guess{n}")).await;
    devices_that_ask_to_be_signed_in: DeviceAuthorization, OAuth, 200, |server, person, _n| {
        let client_id = server.device_client().await;
        let form = [("client_id", client_id.as_str()), ("scope", MATRIX_SCOPE)];
        person.http.post("oauth2/device_authorization", &form).await
    };
    requests_that_clients_send_ahead: PushedRequest, OAuth, 201, |server, person, _n| {
        let client_id = server.client().await;
        person.http.post("oauth2/par", &server.request(&client_id, MATRIX_SCOPE)).await
    };
    codes_of_devices_of_one_address: UserCodeByAddress, Page, 422, |_server, person, _n| {
        ensure_signed_in(person).await;
        person.type_code("BCDF-GHJK").await
    };
    codes_of_devices_in_one_browser: UserCodeBySession, Page, 422, |_server, person, _n| {
        ensure_signed_in(person).await;
        person.type_code("BCDF-GHJK").await
    };
    departures_to_a_provider: UpstreamCallback, Page, 303, |_server, person, _n|
        person.get("upstream/authorize/company").await;
    registrations_of_clients: ClientRegistration, OAuth, 201, |_server, person, n| {
        let metadata = json!({
            "client_name": format!("App {n}"),
            "client_uri": "https://app.example.com/",
            "redirect_uris": [REDIRECT_URI],
            "token_endpoint_auth_method": "none",
            "response_types": ["code"],
            "grant_types": ["authorization_code", "refresh_token"],
        });
        person.http.post_json("oauth2/registration", &metadata).await
    };
    wrong_secrets_of_a_client: ClientAuthentication, OAuth, 401, |_server, person, _n|
        wrong_secret(person, "oauth2/token", &[("grant_type", "client_credentials")]).await;
    wrong_secrets_at_a_refresh: ClientAuthentication, OAuthBusy, 401, |_server, person, _n|
        wrong_secret(person, "oauth2/token", &[("grant_type", "refresh_token"), ("refresh_token", "kmr_x")]).await;
    wrong_secrets_at_a_revocation: ClientAuthentication, OAuthBusy, 401, |_server, person, _n|
        wrong_secret(person, "oauth2/revoke", &[("token", "kmr_x")]).await;
    wrong_secrets_at_an_introspection: ClientAuthentication, OAuthBehind, 401, |_server, person, _n|
        wrong_secret(person, "oauth2/introspect", &[("token", "kma_x")]).await;
}

async fn enter(person: &Person, name: &str, password: &str) -> Answer {
    let page = person.get("login").await;
    let answer = person.submit(&page, &[("username", name), ("password", password)]).await;
    assert!(answer.status == 303 || answer.body.contains(&format!("value=\"{name}\"")), "what was typed is lost");
    answer
}

async fn log_in(person: &Person, name: &str, password: &str) -> Answer {
    let mut body = password_login(name);
    body["password"] = json!(password);
    person.http.post_json(LOGIN, &body).await
}

async fn begin_sign_up(person: &Person, name: &str) -> Answer {
    let page = person.get("register").await;
    let answer = person.submit(&page, &[("username", name), ("password", PASSWORD)]).await;
    assert!(answer.status == 303 || answer.body.contains(&format!("value=\"{name}\"")), "what was typed is lost");
    answer
}

async fn ensure_signed_in(person: &Person) {
    if !person.is_signed_in().await {
        person.sign_in("alice").await;
    }
}

async fn ask_for_code(person: &Person, address: &str) -> Answer {
    ensure_signed_in(person).await;
    person.enter_address(address).await
}

async fn wrong_secret(person: &Person, path: &str, form: &[(&str, &str)]) -> Answer {
    let client = [("client_id", STATIC_CLIENT), ("client_secret", "not the secret at all")];
    person.http.post(path, &[form, &client].concat()).await
}

#[tokio::test]
async fn of_an_ipv6_address_the_network_counts_and_a_mapped_address_is_the_ipv4_one() {
    // Area 19, RTL-01
    let server = Setup::default().limit(Limiter::PasswordByAddress, TIGHT).start().await;
    let status = async |address: &str| enter(&server.browser().at(address), "alice", "a wrong guess").await.status;
    for address in ["2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"] {
        assert_eq!(status(address).await, 401, "{address}");
    }
    assert_eq!(status("2001:db8:1:2:3::4").await, 429);
    assert_eq!(status("2001:db8:1:3::1").await, 401);
    for address in ["192.0.2.1", "::ffff:192.0.2.1"] {
        assert_eq!(status(address).await, 401, "{address}");
    }
    assert_eq!(status("192.0.2.1").await, 429);
}

#[tokio::test]
async fn who_is_no_proxy_is_counted_by_the_address_that_it_has() {
    // INV-11, RTL-01
    let setup = Setup::default().limit(Limiter::PasswordByAddress, TIGHT).with("http.trusted_proxies", "[10.0.0.0/8]");
    let server = setup.start().await;
    for n in 0..4 {
        let client = server.browser().at(&format!("198.51.100.{n}"));
        let expected = if n < BURST { 401 } else { 429 };
        assert_eq!(enter(&client, "alice", "a wrong guess").await.status, expected);
    }
    let http = &server.http;
    let login = http.client.post(http.url(LOGIN)).json(&password_login("alice"));
    assert_eq!(http.send(login.header("forwarded", "for=203.0.113.50")).await.status, 429);
}

#[tokio::test]
async fn a_registration_that_adds_nothing_counts_for_a_tenth() {
    // REG-16
    let server = Setup::default().limit(Limiter::ClientRegistration, TIGHT).start().await;
    let first = server.client().await;
    for _ in 0..10 {
        assert_eq!(server.client().await, first);
    }
    let metadata = json!({ "client_name": "Another", "client_uri": "https://another.example.com/" });
    assert_eq!(
        server.http.post_json("oauth2/registration", &metadata).await.status,
        400,
        "what is no metadata is not counted"
    );
    let again = json!({
        "client_name": "Example App",
        "client_uri": "https://app.example.com/",
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "none",
        "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"],
    });
    server.http.post_json("oauth2/registration", &again).await.assert_error(429, "temporarily_unavailable");
}

#[tokio::test]
async fn whoever_knows_the_secret_is_not_counted() {
    // Area 19: failed authentication.
    let server = Setup::default().static_client("client_secret_post").limit(Limiter::ClientAuthentication, TIGHT);
    let server = server.start().await;
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", STATIC_CLIENT),
        ("client_secret", crate::support::STATIC_SECRET),
    ];
    for _ in 0..5 * BURST {
        assert_eq!(server.post("oauth2/token", &form).await.status, 200);
    }
    let here = server.browser().at(HERE);
    for _ in 0..=BURST {
        wrong_secret(&here, "oauth2/token", &[("grant_type", "client_credentials")]).await;
    }
    here.http.post("oauth2/token", &form).await.assert_error(429, "temporarily_unavailable");
    assert_eq!(server.post("oauth2/token", &form).await.status, 200, "another address of the same client");
}
